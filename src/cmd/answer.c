/* SPDX-License-Identifier: Apache-2.0 */
/* fedge answer */
#include "cmd/phone_setup.h"
#include "cmd/table.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define USERS_MAXIMUM 64
/* How long calls may take to end when we are told to stop. */
#define GRACE_US CLOCK_SECOND_US

struct answering {
	struct phone_setup setup;
	struct phone *phone;
	struct span users[USERS_MAXIMUM];
	size_t user_count;
	uint64_t count; /* calls still to be taken; 0: any number */
	bool stopping;
};

/* ---- options ---- */

/* "tls:127.48.54.160:5061", "udp:[::1]" */
static int read_listener(struct answering *a, const char *text)
{
	const struct command_line *line = a->setup.line;
	struct span rest = span_of(text);
	enum transport_protocol protocol = transport_protocol_parse(span_cut(&rest, ':'));
	struct net_address address;
	if (protocol == TRANSPORT_ANY || !rest.at ||
		net_address_parse_port(rest, transport_protocol_port(protocol), &address) < 0)
		return command_usage(
			line, "--listen %s: udp:IP[:PORT], tcp:IP[:PORT] or tls:IP[:PORT] is wanted", text);
	if (protocol == TRANSPORT_TLS && !a->setup.has_certificate)
		return command_usage(line, "--listen %s: TLS needs --certificate and --key", text);
	return phone_setup_listen(&a->setup, protocol, &address);
}

static int read_listeners(struct answering *a)
{
	size_t count = command_value_count(a->setup.line, "listen");
	for (size_t i = 0; i < count; i++) {
		int code = read_listener(a, command_value_at(a->setup.line, "listen", i));
		if (code != COMMAND_GOOD)
			return code;
	}
	return COMMAND_GOOD;
}

static int read_users(struct answering *a)
{
	const struct command_line *line = a->setup.line;
	struct sip_uri uri;
	a->user_count = command_value_count(line, "as");
	if (a->user_count > USERS_MAXIMUM)
		return command_usage(line, "at most %d --as", USERS_MAXIMUM);
	for (size_t i = 0; i < a->user_count; i++) {
		a->users[i] = span_of(command_value_at(line, "as", i));
		if (sip_uri_parse(a->users[i], &uri, NULL) < 0 || !sip_uri_is_sip(&uri))
			return command_usage(line, "--as %s: a sip: or sips: URI is wanted", a->users[i].at);
	}
	if (a->user_count == 0 && !command_has(line, "any"))
		return command_usage(line, "who answers? --as URI or --any");
	return COMMAND_GOOD;
}

static int read_numbers(struct answering *a, struct phone_params *params)
{
	const struct command_line *line = a->setup.line;
	uint64_t ring_ms = 0, duration_s = 0, status = 200;
	uint64_t ring_limits[2] = { 0, 180000 }, duration_limits[2] = { 0, 86400 }, status_limits[2] = { 200, 699 };
	uint64_t count_limits[2] = { 1, UINT32_MAX };
	if (!command_number(line, "ring", ring_limits, &ring_ms) ||
		!command_number(line, "duration", duration_limits, &duration_s) ||
		!command_number(line, "status", status_limits, &status) ||
		!command_number(line, "count", count_limits, &a->count))
		return COMMAND_USAGE;
	params->ring_us = (int64_t)ring_ms * CLOCK_MS_US;
	params->duration_us = (int64_t)duration_s * CLOCK_SECOND_US;
	params->answer_status = (uint16_t)status;
	return COMMAND_GOOD;
}

/* ---- running ---- */

static void stopped(void *argument)
{
	net_loop_stop(((struct answering *)argument)->setup.loop);
}

static void stop(void *argument, int number)
{
	struct answering *a = argument;
	(void)number;
	if (a->stopping) {
		net_loop_stop(a->setup.loop);
		return;
	}
	a->stopping = true;
	phone_stop(a->phone, GRACE_US, stopped, a);
}

static void call_ended(void *argument, struct phone_call *call, const struct phone_outcome *outcome)
{
	struct answering *a = argument;
	(void)call;
	if (!command_has(a->setup.line, "quiet"))
		phone_setup_tell(a->setup.line, outcome);
	if (a->count > 0 && --a->count == 0 && !a->stopping)
		stop(a, 0);
}

static int say_ready(struct answering *a)
{
	const struct command_line *line = a->setup.line;
	uint64_t descriptor = 0, limits[2] = { 1, 65535 };
	if (!command_has(line, "ready-fd"))
		return COMMAND_GOOD;
	if (!command_number(line, "ready-fd", limits, &descriptor))
		return COMMAND_USAGE;
	if (write((int)descriptor, "ready\n", 6) != 6)
		return command_fail(line, COMMAND_USAGE, "--ready-fd %d: %s", (int)descriptor, strerror(errno));
	if (descriptor > STDERR_FILENO)
		close((int)descriptor);
	return COMMAND_GOOD;
}

static int serve(struct answering *a, struct phone_params *params)
{
	phone_setup_fill(&a->setup, params);
	int code = phone_setup_start(&a->setup, params, &a->phone);
	if (code != COMMAND_GOOD)
		return code;
	net_loop_on_signal(a->setup.loop, SIGINT, stop, a);
	net_loop_on_signal(a->setup.loop, SIGTERM, stop, a);
	code = say_ready(a);
	if (code != COMMAND_GOOD)
		return code;
	int status = net_loop_run(a->setup.loop);
	if (status < 0)
		return command_fail(a->setup.line, COMMAND_UNDECIDED, "%s", strerror(-status));
	return COMMAND_GOOD;
}

static int run(struct answering *a, struct command_line *line)
{
	struct phone_params params = { .ended = call_ended, .argument = a, .users = a->users };
	const struct net_address nowhere = NET_ADDRESS_NONE;
	int code = phone_setup_open(&a->setup, line);
	if (code == COMMAND_GOOD)
		code = read_users(a);
	if (code == COMMAND_GOOD)
		code = read_numbers(a, &params);
	if (code == COMMAND_GOOD)
		code = read_listeners(a);
	if (code == COMMAND_GOOD)
		code = phone_setup_choose_address(&a->setup, &nowhere);
	if (code != COMMAND_GOOD)
		return code;
	params.user_count = a->user_count;
	params.anybody = command_has(line, "any");
	return serve(a, &params);
}

static int run_answer(struct command_line *line)
{
	struct answering a = { .count = 0 };
	int exit_code = run(&a, line);
	phone_free(a.phone);
	phone_setup_close(&a.setup);
	return exit_code;
}

const struct command command_answer = {
	.name = "answer",
	.summary = "a phone that answers",
	.description = "Answers calls to its users until it is told to stop (SIGTERM, SIGINT), and tells of each call "
		       "when it has "
		       "ended. It answers OPTIONS, MESSAGE, INFO and refreshes too. No media is sent.",
	.options =
		(const struct command_option[]){
			{ "as", 'u', "URI", "a user who answers; sip:*@DOMAIN: all users of a domain",
				.repeatable = true },
			{ "any", 0, .help = "answer whoever is called" },
			{ "listen", 'L', "PROTOCOL:IP[:PORT]", "where to listen: udp, tcp or tls", .required = true,
				.repeatable = true },
			{ "ring", 0, "MS", "ring so long before answering (default: 0)" },
			{ "status", 0, "CODE", "the answer that calls get (default: 200)" },
			{ "duration", 'D', "SECONDS", "hang up after so long (default: the caller does)" },
			{ "count", 'n', "NUMBER", "stop after so many calls" },
			{ "ready-fd", 0, "FD", "write a line there once it listens" },
			{ "quiet", 'q', .help = "do not tell of calls" },
			PHONE_SETUP_OPTIONS,
			{ NULL },
		},
	.sections =
		(const struct command_section[]){
			{ "Exit status:", "  0   stopped as told\n  3   could not start\n  64  wrong usage\n" },
			{ "Examples:", "  fedge answer --as sip:2000@acano.steven.lab --listen udp:127.0.0.1:5060\n" },
			{ NULL },
		},
	.run = run_answer,
};
