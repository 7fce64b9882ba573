/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check: from what was typed to struct check_command. */
#include "base/require.h"
#include "cmd/check_command.h"
#include "cmd/print.h"
#include "config/load.h"
#include "config/value.h"
#include "net/address.h"
#include "sip/uri.h"

#include <errno.h>
#include <time.h>

#define LISTS_MAXIMUM (1u << 20) /* bytes of lists of options, and of the bench's own */
#define DOMAIN_DEFAULT_US (30 * CLOCK_SECOND_US)
#define REACTION_DEFAULT_US (700 * CLOCK_MS_US)

/* ---- what kind of use it is ---- */

static enum check_command_task task_of(const struct command_line *line)
{
	static const struct {
		const char *option;
		enum check_command_task task;
	} table[] = {
		{ "plan", CHECK_TASK_PLAN },
		{ "from", CHECK_TASK_SAVED },
		{ "against", CHECK_TASK_AGAINST },
		{ "watch", CHECK_TASK_WATCH },
		{ "domains", CHECK_TASK_LIST },
	};
	for (size_t i = 0; i < BASE_COUNT(table); i++) {
		if (command_has(line, table[i].option))
			return table[i].task;
	}
	return CHECK_TASK_NAMED;
}

static int read_format(struct check_command *c)
{
	static const struct {
		const char *name;
		enum check_command_format format;
	} formats[] = {
		{ "human", CHECK_FORMAT_HUMAN },
		{ "short", CHECK_FORMAT_SHORT },
		{ "nagios", CHECK_FORMAT_NAGIOS },
		{ "prometheus", CHECK_FORMAT_PROMETHEUS },
		{ "json", CHECK_FORMAT_JSON },
	};
	const struct command_line *line = c->line;
	const char *name = command_value(line, "format", NULL);
	bool json = command_has(line, "json"), brief = command_has(line, "short");
	if ((json && brief) || (json && name && strcmp(name, "json") != 0) ||
		(brief && name && strcmp(name, "short") != 0))
		return command_usage(line, "one format at a time: --json, --short or --format");
	if (json || brief)
		name = json ? "json" : "short";
	c->format = c->task == CHECK_TASK_LIST ? CHECK_FORMAT_JSON : CHECK_FORMAT_HUMAN;
	c->format_given = name != NULL;
	for (size_t i = 0; name && i < BASE_COUNT(formats); i++) {
		if (strcmp(formats[i].name, name) == 0)
			c->format = formats[i].format;
	}
	bool two = c->task == CHECK_TASK_PLAN || c->task == CHECK_TASK_AGAINST || c->task == CHECK_TASK_WATCH;
	if (two && c->format != CHECK_FORMAT_HUMAN && c->format != CHECK_FORMAT_JSON)
		return command_usage(line, "--%s is told to people, or as --json",
			c->task == CHECK_TASK_PLAN    ? "plan"
			: c->task == CHECK_TASK_WATCH ? "watch"
						      : "against");
	return COMMAND_GOOD;
}

/* ---- values ---- */

const char *const *check_command_values(struct check_command *c, const char *option, size_t *ret_count)
{
	size_t count = command_value_count(c->line, option);
	const char **values = arena_zero(&c->arena, (count + 1) * sizeof(*values));
	for (size_t i = 0; values && i < count; i++)
		values[i] = command_value_at(c->line, option, i);
	*ret_count = values ? count : 0;
	return values;
}

static int read_duration(const struct command_line *line, const char *option, int64_t *ret_us)
{
	const char *text = command_value(line, option, NULL);
	uint64_t ms = 0;
	if (!text)
		return COMMAND_GOOD;
	const char *wrong = value_duration(span_of(text), &ms);
	if (!wrong && (ms == 0 || ms > INT64_C(100) * 365 * 24 * 3600 * 1000))
		wrong = "is no time to wait: more than nothing, less than 100 years";
	if (wrong)
		return command_usage(line, "--%s: \"%s\" %s", option, text, wrong);
	*ret_us = (int64_t)ms * CLOCK_MS_US;
	return COMMAND_GOOD;
}

static int read_durations(struct check_command *c)
{
	int64_t step_us = 0, soon_us = 0;
	int code = read_duration(c->line, "timeout", &step_us);
	if (code == COMMAND_GOOD)
		code = read_duration(c->line, "expires-soon", &soon_us);
	if (code == COMMAND_GOOD)
		code = read_duration(c->line, "watch", &c->watch_us);
	c->options.expires_soon_s = soon_us / CLOCK_SECOND_US;
	if (step_us == 0)
		return code;
	struct check_options *o = &c->options;
	o->lookup_us = o->connect_us = o->handshake_us = o->answer_us = step_us;
	o->reaction_us = step_us < REACTION_DEFAULT_US ? step_us : 0;
	/* As many steps as one domain takes one after the other: SRV, addresses, connect, handshake, reaction,
	 * answer. */
	o->domain_us = 6 * step_us > DOMAIN_DEFAULT_US ? 6 * step_us : 0;
	return code;
}

/* "now", "2027-01-31", "2027-01-31T12:00:00Z". */
static int read_moment(struct check_command *c)
{
	static const char *const shapes[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ",
		"%Y-%m-%d %H:%M:%S" };
	const char *text = command_value(c->line, "at", NULL);
	struct clock clock = clock_system();
	if (!text)
		return COMMAND_GOOD;
	if (strcmp(text, "now") == 0) {
		c->options.judged_at_us = clock_wall_us(&clock);
		return COMMAND_GOOD;
	}
	for (size_t i = 0; i < BASE_COUNT(shapes); i++) {
		struct tm moment = { 0 };
		const char *end = strptime(text, shapes[i], &moment);
		time_t seconds = end && !*end ? timegm(&moment) : 0;
		if (seconds > 0) {
			c->options.judged_at_us = (int64_t)seconds * CLOCK_SECOND_US;
			return COMMAND_GOOD;
		}
	}
	return command_usage(c->line, "--at: \"%s\" is no time: now, 2027-01-31, or 2027-01-31T12:00:00Z (UTC)", text);
}

static int read_numbers(struct check_command *c)
{
	const struct {
		const char *option;
		uint64_t limits[2];
		uint64_t *value;
	} table[] = {
		{ "concurrency", { 1, 20000 }, &c->concurrency },
		{ "workers", { 1, 256 }, &c->workers },
		{ "rate", { 1, 1000000 }, &c->rate },
		{ "server-rate", { 1, 1000000 }, &c->server_rate },
		{ "rounds", { 1, 1000000000 }, &c->rounds },
		{ "port", { 1, 65535 }, &c->port },
	};
	for (size_t i = 0; i < BASE_COUNT(table); i++) {
		uint64_t limits[2] = { table[i].limits[0], table[i].limits[1] };
		if (!command_number(c->line, table[i].option, limits, table[i].value))
			return COMMAND_USAGE;
	}
	return COMMAND_GOOD;
}

/* "192.0.2.53", "192.0.2.53@5353", "2001:db8::53@53" */
static bool is_resolver(const char *text)
{
	struct net_address address;
	struct span port, host = span_of(text);
	uint64_t number = 53;
	port = host;
	host = span_cut(&port, '@');
	if (port.at && (span_to_u64(port, UINT16_MAX, &number) < 0 || number == 0))
		return false;
	return net_address_parse(host, 53, &address) == 0;
}

static int read_lists(struct check_command *c)
{
	struct check_options *o = &c->options;
	o->resolvers = check_command_values(c, "resolver", &o->resolver_count);
	o->authority_files = check_command_values(c, "ca-file", &o->authority_count);
	o->intermediate_files = check_command_values(c, "intermediates", &o->intermediate_count);
	if (!o->resolvers || !o->authority_files || !o->intermediate_files)
		return command_fail(c->line, COMMAND_UNDECIDED, "no memory");
	for (size_t i = 0; i < o->resolver_count; i++) {
		if (!is_resolver(o->resolvers[i]))
			return command_usage(c->line,
				"--resolver: \"%s\" is no name server: IP or IP@PORT is wanted, as in 192.0.2.53@53",
				o->resolvers[i]);
	}
	return COMMAND_GOOD;
}

static int read_sender(struct check_command *c)
{
	struct sip_uri uri;
	const char *text = command_value(c->line, "probe-from", NULL);
	c->options.probe = command_has(c->line, "probe") || text;
	c->options.probe_from = text;
	if (text && (sip_uri_parse(span_of(text), &uri, NULL) < 0 || span_is_empty(uri.host)))
		return command_usage(c->line, "--probe-from: \"%s\" is no SIP URI, as sip:alice@example.com is", text);
	return COMMAND_GOOD;
}

static void read_words(struct check_command *c)
{
	const struct command_line *line = c->line;
	struct check_options *o = &c->options;
	const char *as = command_value(line, "as", NULL), *owner = command_value(line, "owner", NULL);
	if (as && strcmp(as, "all") == 0)
		o->policies = CHECK_AS_ALL;
	for (int kind = 0; as && kind <= TRUST_POLICY_DANE; kind++) {
		if (strcmp(as, check_policy_name((enum trust_policy_kind)kind)) == 0)
			o->policies = 1u << kind;
	}
	if (owner)
		o->owner = strcmp(owner, "you") == 0 ? CHECK_OWNER_YOU : CHECK_OWNER_PARTNER;
	o->trust_anchor_file = command_value(line, "trust-anchor", NULL);
	o->zone_file = command_value(line, "zone", NULL);
	o->zone_only = command_has(line, "zone-only");
	o->no_system_authorities = command_has(line, "no-system-ca");
	o->client_certificate_file = command_value(line, "client-cert", NULL);
	o->client_key_file = command_value(line, "client-key", NULL);
	o->planned_certificate_file = command_value(line, "cert", NULL);
	o->no_connect = command_has(line, "no-connect");
	o->deep = command_has(line, "deep");
	o->private_is_fine = command_has(line, "private");
}

/* ---- the node to judge as ---- */

static int read_node(struct check_command *c)
{
	const char *file = command_value(c->line, "config", NULL);
	struct config_report report;
	if (!file)
		return COMMAND_GOOD;
	config_report_init(&report);
	int status = config_load_file(file, &report, &c->node);
	if (status < 0 && report.count)
		print_report(c->line->errors, &report);
	int code = COMMAND_GOOD;
	if (status < 0)
		code = command_fail(c->line, COMMAND_USAGE, "%s is no configuration to judge by%s%s", file,
			report.count ? "" : ": ", report.count ? "" : strerror(-status));
	config_report_done(&report);
	c->options.node = c->node;
	return code;
}

int check_command_read(const struct command_line *line, struct check_command *ret_command)
{
	struct check_command *c = ret_command;
	static int (*const steps[])(struct check_command * c) = { read_format, read_durations, read_moment,
		read_numbers, read_lists, read_sender };
	*c = (struct check_command){ .line = line, .task = task_of(line) };
	arena_init(&c->arena, LISTS_MAXIMUM);
	int code = check_command_rules(line, c->task);
	for (size_t i = 0; i < BASE_COUNT(steps) && code == COMMAND_GOOD; i++)
		code = steps[i](c);
	if (code != COMMAND_GOOD)
		return code;
	read_words(c);
	return read_node(c);
}

void check_command_done(struct check_command *c)
{
	config_node_unref(c->node);
	c->node = NULL;
	arena_done(&c->arena);
}
