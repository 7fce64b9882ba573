/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check --from FILE: facts that were gathered elsewhere, judged here. */
#include "check/save.h"
#include "cmd/check_tasks.h"

#include <errno.h>

struct reading {
	struct check_command *command;
	const char *path;
	FILE *file;
	struct net_tls *tls; /* verifies the chains anew; NULL: as the saver saw them */
	struct x509_store_st *public_authorities;
	struct check_teller teller;
};

/* Whether the domain was named, or none was. */
static bool is_wanted(const struct command_line *line, const struct check_facts *facts, bool *found)
{
	for (size_t i = 0; i < line->operand_count; i++) {
		struct span name = span_of(line->operands[i]);
		if (span_equal_nocase(name, facts->typed) || span_equal_nocase(name, facts->domain)) {
			found[i] = true;
			return true;
		}
	}
	return line->operand_count == 0;
}

static int wrong_line(const struct reading *r, size_t number, int status, const char *why)
{
	const struct command_line *line = r->command->line;
	int code = status == -ENOMEM || status == -EIO ? COMMAND_UNDECIDED : COMMAND_USAGE;
	if (status == -EMSGSIZE)
		why = "the line is too long for saved facts";
	return command_fail(line, code, "%s:%zu: %s", r->path, number, why && *why ? why : strerror(-status));
}

/* COMMAND_GOOD also where the teller wants no more. */
static int read_facts(struct reading *r, bool *found)
{
	struct buffer text;
	char why[CHECK_SAVE_ERROR_SIZE] = "";
	size_t number = 0, count = 0;
	bool whole;
	int status;
	buffer_init(&text, CHECK_SAVE_LINE_MAXIMUM + 1);
	for (;;) {
		struct check_facts *facts = NULL;
		number++;
		status = check_command_line(r->file, CHECK_SAVE_LINE_MAXIMUM, &text, &whole);
		if (status == 1 && span_is_empty(span_trim(buffer_span(&text))))
			continue;
		if (status == 1)
			status = check_save_read(buffer_span(&text), r->tls, r->public_authorities, &facts, why);
		if (!facts)
			break;
		count++;
		if (!is_wanted(r->command->line, facts, found))
			check_facts_free(facts);
		else if (!check_teller_take(&r->teller, facts))
			break;
	}
	buffer_done(&text);
	if (status < 0)
		return wrong_line(r, number, status, why);
	if (count == 0)
		return command_fail(r->command->line, COMMAND_USAGE, "%s holds no saved facts", r->path);
	return COMMAND_GOOD;
}

static int read_all(struct reading *r)
{
	const struct command_line *line = r->command->line;
	bool found[CHECK_COMMAND_DOMAINS_MAXIMUM] = { false };
	int code = read_facts(r, found);
	for (size_t i = 0; i < line->operand_count && code == COMMAND_GOOD; i++) {
		if (!found[i])
			code = command_fail(line, COMMAND_USAGE, "%s has no facts of %s", r->path, line->operands[i]);
	}
	return code;
}

static int judge_file(struct check_command *c, struct check_desk *desk, const struct check_bench *bench)
{
	struct reading r = { .command = c, .path = command_value(c->line, "from", "") };
	bool anew = c->options.authority_count || c->options.no_system_authorities || c->options.node;
	r.tls = anew ? check_desk_tls(desk) : NULL;
	r.public_authorities = anew ? check_desk_public_authorities(desk) : NULL;
	r.file = check_command_open_input(c->line, r.path);
	if (!r.file)
		return COMMAND_USAGE;
	check_teller_init(&r.teller, c, bench);
	int code = read_all(&r);
	check_command_close_input(r.file);
	int told = check_teller_end(&r.teller);
	return code == COMMAND_GOOD ? told : code;
}

int check_run_saved(struct check_command *c)
{
	struct check_bench bench;
	struct check_desk *desk = NULL;
	int code = check_command_open(c, &desk, &bench);
	if (code == COMMAND_GOOD)
		code = judge_file(c, desk, &bench);
	check_desk_free(desk);
	return code;
}
