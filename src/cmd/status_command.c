/* SPDX-License-Identifier: Apache-2.0 */
/* fedge status */
#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/table.h"

/* What a node sends is shown by these; absent texts are "". */
static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_head(const struct command_line *line, const json_t *s)
{
	long long up = number_of(s, "uptime_s");
	fprintf(line->output, "%s, fedge %s, process %lld, up %lldd %02lld:%02lld:%02lld%s\n", text_of(s, "node"),
		text_of(s, "version"), number_of(s, "process"), up / 86400, up / 3600 % 24, up / 60 % 60, up % 60,
		json_is_true(json_object_get(s, "draining")) ? ", draining" : "");
	fprintf(line->output, "%s, dialect %s, policy %s, %lld worker%s\n", text_of(s, "file"), text_of(s, "dialect"),
		text_of(s, "policy"), number_of(s, "workers"), number_of(s, "workers") == 1 ? "" : "s");
	if (*text_of(s, "reloaded"))
		fprintf(line->output, "reloaded %s\n", text_of(s, "reloaded"));
}

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static void print_listeners(const struct command_line *line, const json_t *s)
{
	size_t index;
	const json_t *item;
	json_array_foreach(json_object_get(s, "listen"), index, item) fprintf(line->output, "listen  %s %s port %lld\n",
		text_of(item, "transport"), text_of(item, "address"), number_of(item, "port"));
}

/* One line a peer, or a connection; what is not watched has no state. */
static void print_peer(const struct command_line *line, const json_t *peer)
{
	const char *host = *text_of(peer, "address") ? text_of(peer, "address") : text_of(peer, "host");
	fprintf(line->output, "  peer  %s", *host ? host : "-");
	if (number_of(peer, "port"))
		fprintf(line->output, " port %lld", number_of(peer, "port"));
	if (*text_of(peer, "state"))
		fprintf(line->output, ", %s", text_of(peer, "state"));
	if (*text_of(peer, "since"))
		fprintf(line->output, " since %.19s", text_of(peer, "since"));
	if (*text_of(peer, "why"))
		fprintf(line->output, ": %s", text_of(peer, "why"));
	fputc('\n', line->output);
}

static int print_zones(const struct command_line *line, const json_t *s)
{
	size_t index, number;
	const json_t *item, *peer;
	int exit_code = COMMAND_GOOD;
	json_array_foreach(json_object_get(s, "zones"), index, item)
	{
		fprintf(line->output, "zone    %s, %s, %s%s%s", text_of(item, "name"), text_of(item, "kind"),
			text_of(item, "transport"), *text_of(item, "service") ? ", " : "", text_of(item, "service"));
		if (number_of(item, "port"))
			fprintf(line->output, " port %lld", number_of(item, "port"));
		fprintf(line->output, ": %s\n", text_of(item, "state"));
		json_array_foreach(json_object_get(item, "peers"), number, peer) print_peer(line, peer);
		if (strcmp(text_of(item, "state"), "failed") == 0)
			exit_code = COMMAND_WARNING;
	}
	return exit_code;
}

static int print_certificates(const struct command_line *line, const json_t *s)
{
	size_t index;
	const json_t *item;
	int exit_code = COMMAND_GOOD;
	json_array_foreach(json_object_get(s, "certificates"), index, item)
	{
		bool expired = json_is_true(json_object_get(item, "expired"));
		bool soon = json_is_true(json_object_get(item, "expires_soon"));
		fprintf(line->output, "certificate  %s%s, %s, ends %.10s, in %lld days%s\n", text_of(item, "name"),
			json_is_true(json_object_get(item, "client")) ? " as client" : "", text_of(item, "file"),
			text_of(item, "not_after"), number_of(item, "days_left"),
			expired ? "  [certificate-expired]"
			: soon  ? "  [certificate-expires-soon]"
				: "");
		exit_code = worse(exit_code, expired ? COMMAND_FAILED : soon ? COMMAND_WARNING : COMMAND_GOOD);
	}
	return exit_code;
}

static int print_logs(const struct command_line *line, const json_t *s)
{
	size_t index;
	const json_t *item;
	int exit_code = COMMAND_GOOD;
	json_array_foreach(json_object_get(s, "logs"), index, item)
	{
		fprintf(line->output, "log     %s, %s, %lld records, %lld dropped%s%s\n", text_of(item, "format"),
			text_of(item, "file"), number_of(item, "records"), number_of(item, "dropped"),
			*text_of(item, "error") ? ", cannot write: " : "", text_of(item, "error"));
		if (*text_of(item, "error"))
			exit_code = worse(exit_code, COMMAND_FAILED);
		else if (number_of(item, "dropped"))
			exit_code = worse(exit_code, COMMAND_WARNING);
	}
	return exit_code;
}

static int print_history(const struct command_line *line, const json_t *s)
{
	const json_t *h = json_object_get(s, "history");
	if (!json_is_object(h))
		return COMMAND_GOOD;
	fprintf(line->output, "history %s, %lld records, %lld written, %lld refused, %lld dropped, %lld bytes%s%s\n",
		text_of(h, "store"), number_of(h, "records"), number_of(h, "written"), number_of(h, "refused"),
		number_of(h, "dropped"), number_of(h, "bytes"), *text_of(h, "error") ? ", cannot write: " : "",
		text_of(h, "error"));
	if (*text_of(h, "error"))
		return COMMAND_FAILED;
	return number_of(h, "refused") || number_of(h, "dropped") ? COMMAND_WARNING : COMMAND_GOOD;
}

/* What phones say of themselves is shown escaped. */
static void print_safe(const struct command_line *line, const json_t *object, const char *key)
{
	struct buffer safe;
	buffer_init(&safe, 64 << 10);
	text_append_safe(&safe, span_of(*text_of(object, key) ? text_of(object, key) : "-"));
	fprintf(line->output, "  %.*s", SPAN_PRINT(buffer_span(&safe)));
	buffer_done(&safe);
}

static void print_registration(const struct command_line *line, const json_t *item)
{
	fputs("registered", line->output);
	print_safe(line, item, "alias");
	print_safe(line, item, "contact");
	print_safe(line, item, "received");
	fprintf(line->output, ", until %.19s,", text_of(item, "expires"));
	print_safe(line, item, "agent");
	fputc('\n', line->output);
}

static int print_registrations(const struct command_line *line, const json_t *s)
{
	const json_t *r = json_object_get(s, "registrations"), *item;
	size_t index;
	if (!json_is_object(r))
		return COMMAND_GOOD;
	fprintf(line->output, "registrations  %lld of at most %lld, %s%s%s%s\n", number_of(r, "count"),
		number_of(r, "maximum"), *text_of(r, "store") ? "kept in " : "kept in memory", text_of(r, "store"),
		*text_of(r, "error") ? ", cannot write: " : "", text_of(r, "error"));
	json_array_foreach(json_object_get(r, "list"), index, item) print_registration(line, item);
	if (number_of(r, "left_out"))
		fprintf(line->output, "and %lld more\n", number_of(r, "left_out"));
	return *text_of(r, "error") ? COMMAND_FAILED : COMMAND_GOOD;
}

static void print_counters(const struct command_line *line, const json_t *s)
{
	const json_t *counters = json_object_get(s, "counters"), *transport = json_object_get(counters, "transport");
	const json_t *peers = json_object_get(s, "peers");
	fprintf(line->output,
		"requests     %lld taken, %lld forwarded, %lld under way, %lld refused by trust, %lld calls answered\n",
		number_of(counters, "requests"), number_of(counters, "forwarded"),
		number_of(counters, "requests_under_way"), number_of(counters, "refused_by_trust"),
		number_of(counters, "calls"));
	fprintf(line->output,
		"connections  %lld open, %lld accepted, %lld opened, %lld failed, %lld handshakes failed\n",
		number_of(transport, "connections"), number_of(transport, "connections_accepted"),
		number_of(transport, "connections_opened"), number_of(transport, "connections_failed"),
		number_of(transport, "handshakes_failed"));
	fprintf(line->output, "transactions %lld as server, %lld as client\n",
		number_of(transport, "server_transactions"), number_of(transport, "client_transactions"));
	if (json_is_object(peers))
		fprintf(line->output, "peers        %lld domains, %lld hosts, %lld certificates known\n",
			number_of(peers, "domains"), number_of(peers, "hosts"), number_of(peers, "certificates"));
}

static int print_status(const struct command_line *line, const json_t *s)
{
	print_head(line, s);
	print_listeners(line, s);
	int exit_code = print_zones(line, s);
	exit_code = worse(exit_code, print_certificates(line, s));
	exit_code = worse(exit_code, print_logs(line, s));
	exit_code = worse(exit_code, print_history(line, s));
	exit_code = worse(exit_code, print_registrations(line, s));
	print_counters(line, s);
	return worse(exit_code, json_is_true(json_object_get(s, "draining")) ? COMMAND_WARNING : COMMAND_GOOD);
}

static int run_status(struct command_line *line)
{
	json_t *reply = NULL;
	int exit_code = ask_node(line,
		json_pack(
			"{s:s,s:b}", "command", "status", "registrations", command_has(line, "registrations") ? 1 : 0),
		&reply);
	if (exit_code == COMMAND_GOOD && command_has(line, "json")) {
		json_object_del(reply, "ok");
		json_dumpf(reply, line->output, JSON_COMPACT);
		fputc('\n', line->output);
	} else if (exit_code == COMMAND_GOOD) {
		exit_code = print_status(line, reply);
	}
	json_decref(reply);
	return exit_code;
}

const struct command command_status = {
	.name = "status",
	.summary = "show a running node: zones, certificates and their dates, logs, counters",
	.options = (const struct command_option[]){ ASK_OPTIONS, { "json", 'j', .help = "one JSON object instead" },
		{ "registrations", 'r', .help = "each phone that is registered" }, { NULL } },
	.sections =
		(const struct command_section[]){
			{ "Exit status:", "  0  all is well\n  1  a zone has failed, a certificate ends soon, records "
					  "were dropped, or the node drains\n  2  a "
					  "certificate has ended, or a log, the search history or the registrations "
					  "cannot be written\n  3  no node answers\n" },
			{ NULL },
		},
	.run = run_status,
};
