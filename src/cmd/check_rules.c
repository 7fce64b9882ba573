/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check: which options go together. Tables; a new option needs a line in the first. */
#include "base/require.h"
#include "cmd/check_command.h"

enum {
	NAMED = 1 << CHECK_TASK_NAMED,
	LIST = 1 << CHECK_TASK_LIST,
	WATCH = 1 << CHECK_TASK_WATCH,
	PLAN = 1 << CHECK_TASK_PLAN,
	AGAINST = 1 << CHECK_TASK_AGAINST,
	SAVED = 1 << CHECK_TASK_SAVED,
	CONTACTS = NAMED | LIST | WATCH | AGAINST,
	ALL = CONTACTS | PLAN | SAVED,
};

/* Why an option means nothing in a task. */
static const char *const task_texts[CHECK_TASK_COUNT] = {
	[CHECK_TASK_NAMED] = "domains of the command line",
	[CHECK_TASK_LIST] = "--domains",
	[CHECK_TASK_WATCH] = "--watch",
	[CHECK_TASK_PLAN] = "--plan, which contacts nobody",
	[CHECK_TASK_AGAINST] = "--against",
	[CHECK_TASK_SAVED] = "--from, which contacts nobody",
};

static const struct {
	const char *option;
	unsigned tasks;
	const char *needs; /* another option, named by the sentence */
	const char *sentence; /* instead of the general one */
} places[] = {
	{ "domains", LIST | WATCH },
	{ "as", CONTACTS | SAVED | PLAN },
	{ "json", ALL },
	{ "short", NAMED | LIST | SAVED },
	{ "format", ALL },
	{ "notes", NAMED | LIST | AGAINST | SAVED },
	{ "deep", CONTACTS },
	{ "probe", CONTACTS },
	{ "probe-from", CONTACTS },
	{ "no-connect", CONTACTS },
	{ "zone", NAMED | LIST | AGAINST },
	{ "zone-only", NAMED | LIST | AGAINST, "zone", "--zone-only says how --zone FILE is read" },
	{ "cert", NAMED | LIST | AGAINST },
	{ "plan", PLAN },
	{ "host", PLAN, NULL, "--host goes with --plan DOMAIN: the edge's name there" },
	{ "address", PLAN, NULL, "--address goes with --plan DOMAIN: the edge's address there" },
	{ "port", PLAN, NULL, "--port goes with --plan DOMAIN; otherwise the SRV record says it" },
	{ "also", PLAN, NULL, "--also goes with --plan DOMAIN: a further domain on the same edge" },
	{ "against", AGAINST },
	{ "config", ALL },
	{ "owner", NAMED | LIST | WATCH | SAVED },
	{ "resolver", CONTACTS },
	{ "trust-anchor", CONTACTS },
	{ "ca-file", CONTACTS | SAVED },
	{ "no-system-ca", CONTACTS | SAVED },
	{ "intermediates", CONTACTS | SAVED },
	{ "client-cert", CONTACTS, "client-key", "--client-cert needs --client-key, the certificate's key" },
	{ "client-key", CONTACTS, "client-cert", "--client-key needs --client-cert, the certificate of that key" },
	{ "timeout", CONTACTS },
	{ "expires-soon", CONTACTS | SAVED },
	{ "private", ALL },
	{ "at", NAMED | LIST | AGAINST | SAVED },
	{ "concurrency", LIST | WATCH, NULL,
		"--concurrency goes with --domains; domains of the command line are examined all at once" },
	{ "workers", LIST | WATCH, NULL, "--workers goes with --domains: the threads that share a list" },
	{ "rate", LIST | WATCH, NULL, "--rate goes with --domains: how fast a list is worked through" },
	{ "server-rate", LIST | WATCH, NULL, "--server-rate goes with --domains" },
	{ "output", LIST, NULL, "--output goes with --domains; a shell's > does the same elsewhere" },
	{ "resume", LIST, "output", "--resume goes on with the file of an earlier run: name it by --output" },
	{ "watch", WATCH },
	{ "rounds", WATCH, NULL, "--rounds goes with --watch PERIOD" },
	{ "state", WATCH, NULL, "--state goes with --watch PERIOD: where it remembers what it saw" },
	{ "on-change", WATCH, NULL, "--on-change goes with --watch PERIOD: without it nothing is compared" },
	{ "metrics", WATCH, NULL, "--metrics goes with --watch PERIOD; for one look there is --format prometheus" },
	{ "save", NAMED | LIST },
	{ "from", SAVED },
};

/* Both at once contradict each other, or one says it all. */
static const struct {
	const char *one, *other, *sentence;
} pairs[] = {
	{ "no-connect", "probe", "--probe connects to the servers, --no-connect forbids it" },
	{ "no-connect", "probe-from", "--probe-from connects to the servers, --no-connect forbids it" },
	{ "no-connect", "deep", "--deep connects to the servers, --no-connect forbids it" },
	{ "no-connect", "client-cert", "--client-cert is shown to the servers, --no-connect forbids to connect" },
	{ "plan", "domains", "--plan is about one planned domain; it takes no list" },
	{ "plan", "from",
		"--plan and --from exclude each other: one is about what is planned, one about what was seen" },
	{ "plan", "against", "--plan and --against exclude each other" },
	{ "plan", "watch", "--plan and --watch exclude each other: nothing planned changes by itself" },
	{ "from", "domains", "--from judges the domains that were saved; name some of them to choose" },
	{ "from", "against", "--from and --against exclude each other" },
	{ "from", "watch", "--from and --watch exclude each other: what was saved does not change" },
	{ "against", "domains", "--against compares one domain with one partner; it takes no list" },
	{ "against", "watch", "--against and --watch exclude each other" },
};

static int check_pairs(const struct command_line *line)
{
	for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
		if (command_has(line, pairs[i].one) && command_has(line, pairs[i].other))
			return command_usage(line, "%s", pairs[i].sentence);
	}
	return COMMAND_GOOD;
}

/* A file that is written anew is not one that is read, or written as well. By name: it need not be there yet. */
static int check_files(const struct command_line *line)
{
	static const char *const others[] = { "domains", "output", "zone", "cert", "config" };
	const char *save = command_value(line, "save", NULL);
	for (size_t i = 0; save && i < BASE_COUNT(others); i++) {
		const char *other = command_value(line, others[i], NULL);
		if (other && strcmp(save, other) == 0 && strncmp(save, "/dev/", 5) != 0)
			return command_usage(line, "--save and --%s are one file, \"%s\"", others[i], save);
	}
	return COMMAND_GOOD;
}

static int check_places(const struct command_line *line, enum check_command_task task)
{
	for (size_t i = 0; i < BASE_COUNT(places); i++) {
		if (!command_has(line, places[i].option))
			continue;
		bool lacks = places[i].needs && !command_has(line, places[i].needs);
		bool misplaced = !(places[i].tasks & (1u << task));
		if (lacks || (misplaced && places[i].sentence && !places[i].needs))
			return command_usage(line, "%s", places[i].sentence);
		if (misplaced)
			return command_usage(line, "--%s means nothing with %s", places[i].option, task_texts[task]);
	}
	return COMMAND_GOOD;
}

static int check_operands(const struct command_line *line, enum check_command_task task)
{
	size_t count = line->operand_count;
	const char *first = count ? line->operands[0] : "";
	bool list = command_has(line, "domains");
	for (size_t i = 0; i < count; i++) {
		if (strcmp(line->operands[i], "-") == 0)
			return command_usage(line, "--domains - reads domains from standard input");
	}
	if (task == CHECK_TASK_PLAN && count)
		return command_usage(
			line, "--plan names the domain itself; \"%s\" is one too many (--also %s?)", first, first);
	if (task == CHECK_TASK_AGAINST && count != 1)
		return command_usage(line, "--against compares one domain with the partner; %zu are named", count);
	if (list && count)
		return command_usage(line,
			"domains come from --domains or from the command line, not both; \"%s\" is one too many",
			first);
	if (!list && !count && task != CHECK_TASK_PLAN && task != CHECK_TASK_SAVED)
		return command_usage(line, "a domain is missing: name it, or a list by --domains FILE");
	if (task == CHECK_TASK_WATCH && list && strcmp(command_value(line, "domains", ""), "-") == 0)
		return command_usage(line, "--watch reads the list again for each round; standard input is read once");
	return COMMAND_GOOD;
}

int check_command_rules(const struct command_line *line, enum check_command_task task)
{
	int code = check_pairs(line);
	if (code == COMMAND_GOOD)
		code = check_files(line);
	if (code == COMMAND_GOOD)
		code = check_places(line, task);
	return code == COMMAND_GOOD ? check_operands(line, task) : code;
}
