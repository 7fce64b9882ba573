/* SPDX-License-Identifier: Apache-2.0 */
/* fedge call */
#include "cmd/phone_setup.h"
#include "cmd/table.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

struct calling {
	struct phone_setup setup;
	struct phone_call_params params;
	struct phone *phone;
	struct phone_call *call;
	char *password;
	int exit_code;
};

/* ---- options ---- */

static int read_via(struct calling *c, const char *text, char *uri_text, size_t capacity)
{
	struct phone_setup_peer peer;
	int code = phone_setup_read_peer(c->setup.line, "via", text, uri_text, capacity, &peer);
	if (code != COMMAND_GOOD)
		return code;
	c->params.host = peer.host;
	c->params.port = peer.port;
	c->params.protocol = peer.protocol;
	return COMMAND_GOOD;
}

static int read_times(struct calling *c)
{
	uint64_t timeout_s = 60, duration_s = 1;
	uint64_t timeout_limits[2] = { 1, 3600 }, duration_limits[2] = { 0, 86400 };
	if (!command_number(c->setup.line, "timeout", timeout_limits, &timeout_s) ||
		!command_number(c->setup.line, "duration", duration_limits, &duration_s))
		return COMMAND_USAGE;
	c->params.timeout_us = (int64_t)timeout_s * CLOCK_SECOND_US;
	c->params.duration_us = (int64_t)duration_s * CLOCK_SECOND_US;
	return COMMAND_GOOD;
}

/* ---- the call ---- */

static void call_ended(void *argument, struct phone_call *call, const struct phone_outcome *outcome)
{
	static const int exit_codes[] = {
		[PHONE_ANSWERED] = COMMAND_GOOD,
		[PHONE_REFUSED] = COMMAND_FAILED,
		[PHONE_NO_ANSWER] = COMMAND_UNDECIDED,
	};
	struct calling *c = argument;
	if (call != c->call)
		return;
	c->call = NULL;
	c->exit_code = exit_codes[outcome->kind];
	phone_setup_tell(c->setup.line, outcome);
	net_loop_stop(c->setup.loop);
}

static void interrupted(void *argument, int number)
{
	struct calling *c = argument;
	(void)number;
	if (c->call)
		phone_call_hang_up(c->call);
}

static void asked_to_refresh(void *argument, int number)
{
	struct calling *c = argument;
	(void)number;
	if (c->call)
		phone_call_refresh(c->call);
}

/* Where the far end reaches us when its connection is gone, or over UDP at all. */
static int listen_for_answers(struct calling *c)
{
	enum transport_protocol protocol = c->params.protocol;
	int code = COMMAND_GOOD;
	if (protocol == TRANSPORT_ANY || protocol == TRANSPORT_UDP)
		code = phone_setup_listen(&c->setup, TRANSPORT_UDP, &c->setup.local);
	if (code == COMMAND_GOOD && (protocol == TRANSPORT_ANY || protocol == TRANSPORT_TCP))
		code = phone_setup_listen(&c->setup, TRANSPORT_TCP, &c->setup.local);
	if (code == COMMAND_GOOD && c->setup.has_certificate && protocol != TRANSPORT_UDP && protocol != TRANSPORT_TCP)
		code = phone_setup_listen(&c->setup, TRANSPORT_TLS, &c->setup.local);
	return code;
}

static int place(struct calling *c)
{
	const struct command_line *line = c->setup.line;
	struct phone_params params = { .ended = call_ended, .argument = c };
	phone_setup_fill(&c->setup, &params);
	int code = phone_setup_start(&c->setup, &params, &c->phone);
	if (code != COMMAND_GOOD)
		return code;
	int status = phone_call(c->phone, &c->params, &c->call);
	if (status == -EINVAL)
		return command_usage(line, "--from and --to must be sip: or sips: URIs");
	if (status < 0)
		return command_fail(line, COMMAND_UNDECIDED, "%s", strerror(-status));
	net_loop_on_signal(c->setup.loop, SIGINT, interrupted, c);
	net_loop_on_signal(c->setup.loop, SIGTERM, interrupted, c);
	net_loop_on_signal(c->setup.loop, SIGUSR1, asked_to_refresh, c);
	status = net_loop_run(c->setup.loop);
	if (status < 0)
		return command_fail(line, COMMAND_UNDECIDED, "%s", strerror(-status));
	return c->exit_code;
}

static int run(struct calling *c, struct command_line *line)
{
	char uri_text[1024];
	struct net_address towards = NET_ADDRESS_NONE;
	int code = phone_setup_open(&c->setup, line);
	if (code == COMMAND_GOOD)
		code = read_via(c, command_value(line, "via", ""), uri_text, sizeof(uri_text));
	if (code == COMMAND_GOOD)
		code = read_times(c);
	if (code == COMMAND_GOOD)
		code = phone_setup_read_password(line, &c->password);
	if (code != COMMAND_GOOD)
		return code;
	c->params.password = span_of(c->password ? c->password : "");
	net_address_parse(c->params.host, 5060, &towards);
	code = phone_setup_choose_address(&c->setup, &towards);
	if (code == COMMAND_GOOD)
		code = listen_for_answers(c);
	return code == COMMAND_GOOD ? place(c) : code;
}

static int run_call(struct command_line *line)
{
	struct calling c = { .exit_code = COMMAND_UNDECIDED };
	c.params.from = span_of(command_value(line, "from", NULL));
	c.params.to = span_of(command_value(line, "to", NULL));
	c.params.server_name = span_of(command_value(line, "server-name", NULL));
	c.params.username = span_of(command_value(line, "username", NULL));
	int exit_code = run(&c, line);
	phone_free(c.phone);
	phone_setup_close(&c.setup);
	free(c.password);
	return exit_code;
}

const struct command command_call = {
	.name = "call",
	.summary = "place a test call and say what came of it",
	.description = "Sends an INVITE with an audio offer, follows it to its end, hangs up an answered call after "
		       "its duration. No "
		       "media is sent. The certificate of the server is accepted whatever it is, unless --server-name "
		       "says whose "
		       "it must be.",
	.options =
		(const struct command_option[]){
			{ "from", 'f', "URI", "who calls: sip:2000@acano.steven.lab", .required = true },
			{ "to", 't', "URI", "who is called", .required = true },
			{ "via", 'v', "HOST[:PORT][;transport=udp|tcp|tls]", "where the INVITE is sent",
				.required = true },
			PHONE_SETUP_CREDENTIALS('u'),
			{ "timeout", 'T', "SECONDS", "give up after so long without a final answer (default: 60)" },
			{ "duration", 'D', "SECONDS", "hang up an answered call after so long (default: 1)" },
			PHONE_SETUP_OPTIONS,
			{ NULL },
		},
	.sections =
		(const struct command_section[]){
			{ "Signals:", "  SIGTERM, SIGINT  hang up\n"
				      "  SIGUSR1          refresh the call now (UPDATE or re-INVITE)\n" },
			{ "Exit status:",
				"  0   answered\n  2   refused\n  3   no answer at all\n  64  wrong usage\n" },
			{ "Examples:", "  fedge call --from sip:2000@acano.steven.lab --to sip:stejanss@skype.lab \\\n"
				       "      --via \"127.48.36.47:5061;transport=tls\" --json\n" },
			{ NULL },
		},
	.run = run_call,
};
