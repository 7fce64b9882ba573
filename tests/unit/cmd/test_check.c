/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check: what its options become, and what is said of combinations that make no sense. */
#include "base/require.h"
#include "cmd/check_command.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ECHO_US(name, value)                                                                                           \
	do {                                                                                                           \
		if (value)                                                                                             \
			fprintf(line->output, " " name "=%lldus", (long long)(value));                                 \
	} while (0)
#define ECHO_NUMBER(name, value)                                                                                       \
	do {                                                                                                           \
		if (value)                                                                                             \
			fprintf(line->output, " " name "=%llu", (unsigned long long)(value));                          \
	} while (0)
#define ECHO_TEXT(name, value)                                                                                         \
	do {                                                                                                           \
		if (value)                                                                                             \
			fprintf(line->output, " " name "=%s", value);                                                  \
	} while (0)

/* Writes down what was read; what is as a zeroed struct has it is left out. */
static int run_echo(struct command_line *line)
{
	static const char *const tasks[] = { "named", "list", "watch", "plan", "against", "saved" };
	static const char *const formats[] = { "human", "short", "nagios", "prometheus", "json" };
	struct check_command c;
	int code = check_command_read(line, &c);
	if (code == COMMAND_GOOD) {
		const struct check_options *o = &c.options;
		fprintf(line->output, "%s %s", tasks[c.task], formats[c.format]);
		ECHO_NUMBER("policies", o->policies);
		ECHO_NUMBER("owner", o->owner);
		for (size_t i = 0; i < o->resolver_count; i++)
			fprintf(line->output, " resolver=%s", o->resolvers[i]);
		for (size_t i = 0; i < o->authority_count; i++)
			fprintf(line->output, " ca=%s", o->authority_files[i]);
		for (size_t i = 0; i < o->intermediate_count; i++)
			fprintf(line->output, " intermediate=%s", o->intermediate_files[i]);
		ECHO_TEXT("anchor", o->trust_anchor_file);
		ECHO_TEXT("zone", o->zone_file);
		ECHO_NUMBER("zone-only", o->zone_only);
		ECHO_NUMBER("no-system", o->no_system_authorities);
		ECHO_TEXT("client", o->client_certificate_file);
		ECHO_TEXT("key", o->client_key_file);
		ECHO_TEXT("cert", o->planned_certificate_file);
		ECHO_NUMBER("no-connect", o->no_connect);
		ECHO_NUMBER("deep", o->deep);
		ECHO_NUMBER("probe", o->probe);
		ECHO_TEXT("from", o->probe_from);
		ECHO_US("lookup", o->lookup_us);
		ECHO_US("connect", o->connect_us);
		ECHO_US("handshake", o->handshake_us);
		ECHO_US("reaction", o->reaction_us);
		ECHO_US("answer", o->answer_us);
		ECHO_US("domain", o->domain_us);
		ECHO_US("at", o->judged_at_us);
		ECHO_NUMBER("soon", o->expires_soon_s);
		ECHO_NUMBER("private", o->private_is_fine);
		ECHO_NUMBER("concurrency", c.concurrency);
		ECHO_NUMBER("workers", c.workers);
		ECHO_NUMBER("rate", c.rate);
		ECHO_NUMBER("server-rate", c.server_rate);
		ECHO_NUMBER("rounds", c.rounds);
		ECHO_NUMBER("port", c.port);
		ECHO_US("watch", c.watch_us);
	}
	check_command_done(&c);
	return code;
}

static const struct command check = {
	.name = "check",
	.operands = "[DOMAIN…]",
	.summary = "the test's own",
	.options = check_command_options,
	.sections = check_command_sections,
	.operand_maximum = CHECK_COMMAND_DOMAINS_MAXIMUM,
	.run = run_echo,
};
static const struct command root = {
	.name = "fedge",
	.summary = "the test's own program",
	.subcommands = (const struct command *const[]){ &check, NULL },
};

struct said {
	int exit_code;
	char *output;
	char *errors;
};

static struct said run(const char *typed)
{
	const char *arguments[32];
	int count = 0;
	char *copy = strdup(typed);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		arguments[count++] = word;
	arguments[count] = NULL;
	struct said said = { 0, NULL, NULL };
	size_t output_size, errors_size;
	FILE *output = open_memstream(&said.output, &output_size), *errors = open_memstream(&said.errors, &errors_size);
	struct command_surroundings s = { "fedge", output, errors, false, false, 80 };
	said.exit_code = command_run(&root, &s, count, arguments);
	fclose(output);
	fclose(errors);
	free(copy);
	return said;
}

static void forget(struct said *said)
{
	free(said->output);
	free(said->errors);
}

static const struct {
	const char *typed;
	const char *read;
} good[] = {
	{ "check a.example", "named human" },
	{ "check a.example --short b.example", "named short" },
	{ "check --json a.example", "named json" },
	{ "check a.example --format json --json", "named json" },
	{ "check a.example --format nagios", "named nagios" },
	{ "check a.example --format prometheus", "named prometheus" },
	{ "check a.example --as microsoft", "named human policies=1" },
	{ "check a.example --as rfc5922", "named human policies=2" },
	{ "check a.example --as dane --trust-anchor root.key", "named human policies=4 anchor=root.key" },
	{ "check a.example --as all", "named human policies=7" },
	{ "check a.example --owner you", "named human owner=1" },
	{ "check a.example --owner partner", "named human owner=2" },
	{ "check a.example --resolver 192.0.2.53", "named human resolver=192.0.2.53" },
	{ "check a.example -r 192.0.2.53@5353 -r 2001:db8::53@53",
		"named human resolver=192.0.2.53@5353 resolver=2001:db8::53@53" },
	{ "check a.example --ca-file a.pem --ca-file b.pem --no-system-ca",
		"named human ca=a.pem ca=b.pem no-system=1" },
	{ "check a.example --intermediates i.pem", "named human intermediate=i.pem" },
	{ "check a.example --client-cert c.pem --client-key c.key", "named human client=c.pem key=c.key" },
	{ "check a.example --zone z --zone-only --cert c.pem", "named human zone=z zone-only=1 cert=c.pem" },
	{ "check a.example --no-connect --private", "named human no-connect=1 private=1" },
	{ "check a.example --deep --probe", "named human deep=1 probe=1" },
	{ "check a.example --probe-from sip:alice@b.example", "named human probe=1 from=sip:alice@b.example" },
	/* Every step of one domain has its time, and the whole domain that of all steps. */
	{ "check a.example --timeout 500ms",
		"named human lookup=500000us connect=500000us handshake=500000us reaction=500000us answer=500000us" },
	{ "check a.example --timeout 10s",
		"named human lookup=10000000us connect=10000000us handshake=10000000us answer=10000000us "
		"domain=60000000us" },
	{ "check a.example --expires-soon 30d", "named human soon=2592000" },
	{ "check a.example --at 2027-01-31", "named human at=1801353600000000us" },
	{ "check a.example --at 2027-01-31T12:00:00Z", "named human at=1801396800000000us" },
	{ "check --domains list.txt", "list json" },
	{ "check --domains - --short", "list short" },
	{ "check --domains list.txt --output o --resume --concurrency 10 --workers 2 --rate 5 --server-rate 3",
		"list json concurrency=10 workers=2 rate=5 server-rate=3" },
	{ "check --domains list.txt --save facts", "list json" },
	{ "check --domains list.txt --watch 1h --rounds 3 --state s --on-change true --metrics 9100",
		"watch human rounds=3 watch=3600000000us" },
	{ "check a.example --watch 5m --json", "watch json watch=300000000us" },
	{ "check a.example --against b.example", "against human" },
	{ "check --plan a.example --host sip.a.example --address 192.0.2.1 --address 2001:db8::1 --port 5062 --also b",
		"plan human port=5062" },
	{ "check --from facts --ca-file a.pem", "saved human ca=a.pem" },
	{ "check --from - a.example --at 2027-01-31", "saved human at=1801353600000000us" },
};

static void what_was_typed_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(good); i++) {
		struct said said = run(good[i].typed);
		if (said.exit_code != COMMAND_GOOD || strcmp(said.output, good[i].read) != 0 || *said.errors)
			fail_msg("%s: exit %d, \"%s\", %s", good[i].typed, said.exit_code, said.output, said.errors);
		forget(&said);
	}
}

static const struct {
	const char *typed;
	const char *sentence; /* without "fedge check: " */
} wrong[] = {
	{ "check", "a domain is missing: name it, or a list by --domains FILE" },
	{ "check -", "--domains - reads domains from standard input" },
	{ "check a --domains f",
		"domains come from --domains or from the command line, not both; \"a\" is one too many" },
	{ "check a --json --short", "one format at a time: --json, --short or --format" },
	{ "check a --json --format nagios", "one format at a time: --json, --short or --format" },
	{ "check a --as rfc5992",
		"--as must be microsoft, rfc5922, dane or all, not \"rfc5992\"; did you mean rfc5922?" },
	{ "check a --resume", "--resume goes on with the file of an earlier run: name it by --output" },
	{ "check --domains f --resume", "--resume goes on with the file of an earlier run: name it by --output" },
	{ "check --from f --client-cert c --client-key k",
		"--client-cert means nothing with --from, which contacts nobody" },
	{ "check a --output f", "--output goes with --domains; a shell's > does the same elsewhere" },
	{ "check a --concurrency 5",
		"--concurrency goes with --domains; domains of the command line are examined all at once" },
	{ "check a --rounds 2", "--rounds goes with --watch PERIOD" },
	{ "check a --on-change x", "--on-change goes with --watch PERIOD: without it nothing is compared" },
	{ "check a --metrics 9100", "--metrics goes with --watch PERIOD; for one look there is --format prometheus" },
	{ "check --domains - --watch 1h", "--watch reads the list again for each round; standard input is read once" },
	{ "check --domains f --watch 1h --output o",
		"--output goes with --domains; a shell's > does the same elsewhere" },
	{ "check a --watch 1h --short", "--short means nothing with --watch" },
	{ "check a --watch 1h --format nagios", "--watch is told to people, or as --json" },
	{ "check a --watch 1", "--watch: \"1\" is no duration: a number with ms, s, m, h or d, as in 3s" },
	{ "check a --timeout 0", "--timeout: \"0\" is no time to wait: more than nothing, less than 100 years" },
	{ "check a --timeout soon", "--timeout: \"soon\" is no duration: a number with ms, s, m, h or d, as in 3s" },
	{ "check a --plan b", "--plan names the domain itself; \"a\" is one too many (--also a?)" },
	{ "check --plan b --domains f", "--plan is about one planned domain; it takes no list" },
	{ "check --plan b --probe", "--probe means nothing with --plan, which contacts nobody" },
	{ "check a --host sip.a", "--host goes with --plan DOMAIN: the edge's name there" },
	{ "check a --address 192.0.2.1", "--address goes with --plan DOMAIN: the edge's address there" },
	{ "check a --port 5061", "--port goes with --plan DOMAIN; otherwise the SRV record says it" },
	{ "check a --also b", "--also goes with --plan DOMAIN: a further domain on the same edge" },
	{ "check --against b", "--against compares one domain with the partner; 0 are named" },
	{ "check a c --against b", "--against compares one domain with the partner; 2 are named" },
	{ "check --domains f --against b", "--against compares one domain with one partner; it takes no list" },
	{ "check a --against b --short", "--short means nothing with --against" },
	{ "check a --against b --format prometheus", "--against is told to people, or as --json" },
	{ "check --from f --probe", "--probe means nothing with --from, which contacts nobody" },
	{ "check --from f --resolver 192.0.2.1", "--resolver means nothing with --from, which contacts nobody" },
	{ "check --from f --zone z", "--zone means nothing with --from, which contacts nobody" },
	{ "check --from f --save g", "--save means nothing with --from, which contacts nobody" },
	{ "check --from f --domains g", "--from judges the domains that were saved; name some of them to choose" },
	{ "check --from f --watch 1h", "--from and --watch exclude each other: what was saved does not change" },
	{ "check a --zone-only", "--zone-only says how --zone FILE is read" },
	{ "check a --client-cert c", "--client-cert needs --client-key, the certificate's key" },
	{ "check a --client-key k", "--client-key needs --client-cert, the certificate of that key" },
	{ "check a --no-connect --probe", "--probe connects to the servers, --no-connect forbids it" },
	{ "check a --no-connect --deep", "--deep connects to the servers, --no-connect forbids it" },
	{ "check a --resolver dns.example",
		"--resolver: \"dns.example\" is no name server: IP or IP@PORT is wanted, as in 192.0.2.53@53" },
	{ "check a --resolver 192.0.2.1@0",
		"--resolver: \"192.0.2.1@0\" is no name server: IP or IP@PORT is wanted, as in 192.0.2.53@53" },
	{ "check a --resolver 192.0.2.1:53",
		"--resolver: \"192.0.2.1:53\" is no name server: IP or IP@PORT is wanted, as in 192.0.2.53@53" },
	{ "check a --probe-from alice", "--probe-from: \"alice\" is no SIP URI, as sip:alice@example.com is" },
	{ "check a --probe-from mailto:alice@b",
		"--probe-from: \"mailto:alice@b\" is no SIP URI, as sip:alice@example.com is" },
	{ "check a --at yesterday", "--at: \"yesterday\" is no time: now, 2027-01-31, or 2027-01-31T12:00:00Z (UTC)" },
	{ "check --domains f --concurrency 0", "--concurrency: \"0\" is no number from 1 to 20000" },
	{ "check a --no-conect", "no option --no-conect; did you mean --no-connect?" },
};

static void what_makes_no_sense_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
		struct said said = run(wrong[i].typed);
		char *end = strchr(said.errors, '\n');
		const char *expected = "fedge check: ";
		if (end)
			*end = '\0';
		if (said.exit_code != COMMAND_USAGE || strncmp(said.errors, expected, strlen(expected)) != 0 ||
			strcmp(said.errors + strlen(expected), wrong[i].sentence) != 0 || *said.output)
			fail_msg("%s: exit %d, \"%s\"", wrong[i].typed, said.exit_code, said.errors);
		forget(&said);
	}
}

static void a_file_that_is_no_configuration_is_named(void **state)
{
	(void)state;
	struct said said = run("check a -c /nonexistent/edge.yaml");
	assert_int_equal(said.exit_code, COMMAND_USAGE);
	assert_non_null(strstr(said.errors, "/nonexistent/edge.yaml"));
	assert_non_null(strstr(said.errors, "No such file"));
	forget(&said);
}

/* An option that nobody has thought about in check_rules.c would be allowed everywhere. */
static void every_option_has_its_place(void **state)
{
	(void)state;
	for (const struct command_option *o = check_command_options; o->name; o++) {
		struct command_typed typed[] = { { o, o->value ? "1" : NULL } };
		const char *operands[] = { "a.example" };
		char *said = NULL;
		size_t size;
		FILE *errors = open_memstream(&said, &size);
		struct command_line line = { .command = &check,
			.program = "fedge check",
			.typed = typed,
			.typed_count = 1,
			.operands = operands,
			.operand_count = 1,
			.errors = errors,
			.output = errors,
			.width = 80 };
		bool somewhere_wrong = false;
		for (int task = 0; task < CHECK_TASK_COUNT; task++)
			somewhere_wrong = somewhere_wrong ||
					  check_command_rules(&line, (enum check_command_task)task) == COMMAND_USAGE;
		bool everywhere = strcmp(o->name, "json") == 0 || strcmp(o->name, "format") == 0 ||
				  strcmp(o->name, "config") == 0 || strcmp(o->name, "private") == 0;
		fclose(errors);
		free(said);
		/* With one operand, --plan alone complains of the operand. */
		if (!somewhere_wrong && !everywhere)
			fail_msg("--%s has no line in the table of places", o->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_typed_is_read),
		cmocka_unit_test(what_makes_no_sense_is_said),
		cmocka_unit_test(a_file_that_is_no_configuration_is_named),
		cmocka_unit_test(every_option_has_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
