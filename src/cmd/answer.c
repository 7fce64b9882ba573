/* SPDX-License-Identifier: Apache-2.0 */
/* fedge answer */
#include "cmd/phone_setup.h"
#include "cmd/table.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define USERS_MAXIMUM 64
#define DOMAINS_MAXIMUM 16
/* How long calls may take to end when we are told to stop. */
#define GRACE_US CLOCK_SECOND_US

struct answering {
	struct phone_setup setup;
	struct phone *phone;
	struct span users[USERS_MAXIMUM];
	size_t user_count;
	uint64_t count; /* calls still to be taken; 0: any number */
	struct phone_registration_params registration;
	char registrar[1024]; /* what its host points into */
	struct phone_bridge_params bridge;
	struct phone_bridge_domain callers[DOMAINS_MAXIMUM];
	struct phone_bridge_domain callees[DOMAINS_MAXIMUM];
	char *password;
	bool is_ready;
	bool stopping;
	int exit_code;
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
	if (a->user_count == 0 && !command_has(line, "any") && !command_has(line, "bridge-to"))
		return command_usage(line, "who answers? --as URI or --any");
	return COMMAND_GOOD;
}

/* Without --listen a phone is reached over the connection it registers by; over UDP it needs a port of its own. */
static int listen_for_registrar(struct answering *a)
{
	if (a->setup.listener_count > 0 ||
		(a->registration.protocol != TRANSPORT_ANY && a->registration.protocol != TRANSPORT_UDP))
		return COMMAND_GOOD;
	return phone_setup_listen(&a->setup, TRANSPORT_UDP, &a->setup.local);
}

static int read_registration(struct answering *a)
{
	const struct command_line *line = a->setup.line;
	struct phone_registration_params *p = &a->registration;
	const char *registrar = command_value(line, "register", NULL);
	uint64_t expires_s = 0, limits[2] = { 1, 86400 * 30 };
	struct phone_setup_peer peer;
	struct sip_uri uri;
	if (!registrar)
		return command_value_count(line, "listen") > 0
			       ? COMMAND_GOOD
			       : command_usage(line, "where do calls come from? --listen or --register");
	int code = phone_setup_read_peer(line, "register", registrar, a->registrar, sizeof(a->registrar), &peer);
	if (code == COMMAND_GOOD)
		code = phone_setup_read_password(line, &a->password);
	if (code != COMMAND_GOOD)
		return code;
	if (!command_number(line, "expires", limits, &expires_s))
		return COMMAND_USAGE;
	*p = (struct phone_registration_params){
		.user = a->user_count > 0 ? a->users[0] : SPAN_NONE,
		.host = peer.host,
		.port = peer.port,
		.protocol = peer.protocol,
		.server_name = span_of(command_value(line, "server-name", NULL)),
		.username = span_of(command_value(line, "username", NULL)),
		.password = span_of(a->password ? a->password : ""),
		.expires_s = (uint32_t)expires_s,
	};
	if (sip_uri_parse(p->user, &uri, NULL) < 0 || uri.user.length == 0 || span_is(uri.user, "*"))
		return command_usage(line, "--register: the first --as must be one user, sip:USER@DOMAIN");
	return COMMAND_GOOD;
}

/* "steven.lab=acano.steven.lab", each */
static int read_domains(
	const struct command_line *line, const char *option, struct phone_bridge_domain *ret_domains, size_t *ret_count)
{
	size_t count = command_value_count(line, option);
	if (count > DOMAINS_MAXIMUM)
		return command_usage(line, "at most %d --%s", DOMAINS_MAXIMUM, option);
	for (size_t i = 0; i < count; i++) {
		const char *text = command_value_at(line, option, i);
		struct span to = span_of(text);
		struct span from = span_cut(&to, '=');
		if (from.length == 0 || !to.at || to.length == 0)
			return command_usage(line, "--%s %s: DOMAIN=OTHER is wanted", option, text);
		ret_domains[i] = (struct phone_bridge_domain){ from, to };
	}
	*ret_count = count;
	return COMMAND_GOOD;
}

static int read_bridge(struct answering *a)
{
	const struct command_line *line = a->setup.line;
	const char *to = command_value(line, "bridge-to", NULL);
	struct phone_bridge_params *p = &a->bridge;
	struct phone_setup_peer peer;
	char scratch[1024];
	if (!to && (command_has(line, "bridge-caller") || command_has(line, "bridge-callee")))
		return command_usage(line, "--bridge-caller and --bridge-callee go with --bridge-to");
	if (!to)
		return COMMAND_GOOD;
	int code = phone_setup_read_peer(line, "bridge-to", to, scratch, sizeof(scratch), &peer);
	if (code == COMMAND_GOOD)
		code = read_domains(line, "bridge-caller", a->callers, &p->caller_count);
	if (code == COMMAND_GOOD)
		code = read_domains(line, "bridge-callee", a->callees, &p->callee_count);
	if (code != COMMAND_GOOD)
		return code;
	p->protocol = peer.protocol ? peer.protocol : TRANSPORT_UDP;
	uint16_t port = peer.port ? peer.port : transport_protocol_port(p->protocol);
	/* Whose calls it takes is known by the address. */
	if (net_address_parse(peer.host, port, &p->next_hop) < 0)
		return command_usage(line, "--bridge-to %s: an address is wanted, no name", to);
	p->callers = a->callers;
	p->callees = a->callees;
	p->server_name = span_of(command_value(line, "server-name", NULL));
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

static void bridged_call_ended(void *argument, const struct phone_outcome *outcome)
{
	struct answering *a = argument;
	if (!command_has(a->setup.line, "quiet"))
		phone_setup_tell(a->setup.line, outcome);
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

/* The first time it stands it is ready; a refusal before that ends it, for nobody would ever be told of it. */
static void registration_changed(void *argument, const struct phone_registered *state)
{
	struct answering *a = argument;
	const struct command_line *line = a->setup.line;
	if (!command_has(line, "quiet"))
		phone_setup_tell_registration(line, &a->registration, state);
	if (a->stopping || a->is_ready)
		return;
	if (state->stands) {
		a->is_ready = true;
		a->exit_code = say_ready(a);
	} else if (state->is_refused) {
		a->exit_code = COMMAND_UNDECIDED;
	}
	if (a->exit_code != COMMAND_GOOD)
		stop(a, 0);
}

static int begin(struct answering *a)
{
	a->bridge.ended = bridged_call_ended;
	a->bridge.argument = a;
	if (net_address_is_set(&a->bridge.next_hop) && phone_bridge_open(a->phone, &a->bridge) < 0)
		return command_fail(a->setup.line, COMMAND_UNDECIDED, "--bridge-to: %s", strerror(ENOMEM));
	if (!a->registration.user.at)
		return say_ready(a);
	a->registration.changed = registration_changed;
	a->registration.argument = a;
	int status = phone_register(a->phone, &a->registration);
	if (status < 0)
		return command_fail(a->setup.line, COMMAND_UNDECIDED, "--register: %s", strerror(-status));
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
	code = begin(a);
	if (code != COMMAND_GOOD)
		return code;
	int status = net_loop_run(a->setup.loop);
	if (status < 0)
		return command_fail(a->setup.line, COMMAND_UNDECIDED, "%s", strerror(-status));
	return a->exit_code;
}

static int run(struct answering *a, struct command_line *line)
{
	struct phone_params params = { .ended = call_ended, .argument = a, .users = a->users };
	struct net_address towards = NET_ADDRESS_NONE;
	int code = phone_setup_open(&a->setup, line);
	if (code == COMMAND_GOOD)
		code = read_users(a);
	if (code == COMMAND_GOOD)
		code = read_numbers(a, &params);
	if (code == COMMAND_GOOD)
		code = read_listeners(a);
	if (code == COMMAND_GOOD)
		code = read_registration(a);
	if (code == COMMAND_GOOD)
		code = read_bridge(a);
	if (code == COMMAND_GOOD && a->registration.host.at)
		net_address_parse(a->registration.host, 5060, &towards);
	if (code == COMMAND_GOOD)
		code = phone_setup_choose_address(&a->setup, &towards);
	if (code == COMMAND_GOOD)
		code = listen_for_registrar(a);
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
	free(a.password);
	return exit_code;
}

const struct command command_answer = {
	.name = "answer",
	.summary = "a phone that answers",
	.description =
		"Answers calls to its users until it is told to stop (SIGTERM, SIGINT), and tells of each call when it "
		"has ended. It answers OPTIONS, MESSAGE, INFO and refreshes too. No media is sent. With --register it "
		"is known to a registrar, refreshes that in time and begins again when the connection is lost; calls "
		"come over the connection it registered by, so it needs no --listen over TCP and TLS.",
	.options =
		(const struct command_option[]){
			{ "as", 'u', "URI", "a user who answers; sip:*@DOMAIN: all users of a domain",
				.repeatable = true },
			{ "any", 0, .help = "answer whoever is called" },
			{ "listen", 'L', "PROTOCOL:IP[:PORT]", "where to listen: udp, tcp or tls", .repeatable = true },
			{ "register", 'R', "HOST[:PORT][;transport=udp|tcp|tls]",
				"register the first --as with this registrar" },
			PHONE_SETUP_CREDENTIALS(0),
			{ "expires", 0, "SECONDS", "ask for a registration of so long (default: 3600)" },
			{ "bridge-to", 0, "IP[:PORT][;transport=udp|tcp|tls]",
				"send calls on that are for nobody here, as calls of its own (a back-to-back user "
				"agent); only calls from that address are" },
			{ "bridge-caller", 0, "DOMAIN=OTHER", "callers of that domain become callers of the other",
				.repeatable = true },
			{ "bridge-callee", 0, "DOMAIN=OTHER", "users called in that domain are called in the other",
				.repeatable = true },
			{ "ring", 0, "MS", "ring so long before answering (default: 0)" },
			{ "status", 0, "CODE", "the answer that calls get (default: 200)" },
			{ "duration", 'D', "SECONDS", "hang up after so long (default: the caller does)" },
			{ "count", 'n', "NUMBER", "stop after so many calls" },
			{ "ready-fd", 0, "FD", "write a line there once it listens and is registered" },
			{ "quiet", 'q', .help = "do not tell of calls" },
			PHONE_SETUP_OPTIONS,
			{ NULL },
		},
	.sections =
		(const struct command_section[]){
			{ "Exit status:",
				"  0   stopped as told\n  3   could not start, or the registrar refused\n  64  "
				"wrong usage\n" },
			{ "Examples:", "  fedge answer --as sip:2000@acano.steven.lab --listen udp:127.0.0.1:5060\n"
				       "  fedge answer --as sip:2000@steven.lab --register "
				       "\"127.48.54.10:5060;transport=tcp\" \\\n"
				       "      --username 2000 --password-file 2000.password\n" },
			{ NULL },
		},
	.run = run_answer,
};
