/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check DOMAIN…: all at once, told in the order typed. */
#include "base/text.h"
#include "cmd/check_tasks.h"

#include <errno.h>
#include <stdlib.h>

/* ---- what all ways of using it have in common ---- */

int check_command_open(struct check_command *c, struct check_desk **ret_desk, struct check_bench *ret_bench)
{
	char why[CHECK_ERROR_SIZE] = "";
	int status = check_bench_make(&c->options, &c->arena, ret_bench);
	if (status == 0)
		status = check_desk_new(&c->options, NULL, ret_desk, why);
	const char *note;
	for (size_t i = 0; status == 0 && (note = check_desk_note(*ret_desk, i)); i++)
		command_fail(c->line, COMMAND_GOOD, "warning: %s", note);
	if (status == 0)
		return COMMAND_GOOD;
	bool ours = status == -ENOMEM || status == -EMFILE || status == -ENFILE || status == -EAGAIN;
	return command_fail(c->line, ours ? COMMAND_UNDECIDED : COMMAND_USAGE, "%s", *why ? why : strerror(-status));
}

size_t check_command_policies(const struct check_command *c, const struct check_bench *bench,
	enum trust_policy_kind ret_kinds[CHECK_COMMAND_POLICIES_MAXIMUM])
{
	unsigned policies = c->options.policies ? c->options.policies : 1u << bench->policy.kind;
	size_t count = 0;
	for (unsigned kind = 0; kind < CHECK_COMMAND_POLICIES_MAXIMUM; kind++) {
		if (policies & 1u << kind)
			ret_kinds[count++] = (enum trust_policy_kind)kind;
	}
	return count;
}

/* ---- one look ---- */

/* Gone before the result comes. */
static void show_progress(const struct command_line *line, const struct span *typed, size_t count)
{
	struct buffer text;
	buffer_init(&text, 1024);
	text_append_safe(&text, span_first(typed[0], 60));
	if (count == 1)
		command_progress(line, "examining %.*s …", SPAN_PRINT(buffer_span(&text)));
	else
		command_progress(line, "examining %zu domains …", count);
	buffer_done(&text);
}

static int save_all(const struct command_line *line, struct check_facts *const *facts, size_t count)
{
	const char *path = command_value(line, "save", NULL);
	if (!path)
		return COMMAND_GOOD;
	FILE *file = fopen(path, "we");
	if (!file)
		return command_fail(line, COMMAND_USAGE, "cannot write %s: %s", path, strerror(errno));
	int code = COMMAND_GOOD;
	for (size_t i = 0; i < count && code == COMMAND_GOOD; i++)
		code = check_command_save(line, file, facts[i]);
	if (fclose(file) != 0 && code == COMMAND_GOOD)
		code = command_fail(line, COMMAND_UNDECIDED, "cannot write %s: %s", path, strerror(errno));
	return code;
}

static int examine(struct check_command *c, struct check_desk *desk, const struct check_bench *bench,
	const struct span *typed, size_t count)
{
	struct check_facts **facts = calloc(count, sizeof(*facts));
	if (!facts)
		return command_fail(c->line, COMMAND_UNDECIDED, "no memory");
	show_progress(c->line, typed, count);
	int status = check_examine_all(desk, typed, count, facts);
	command_progress_clear(c->line);
	if (status < 0) {
		free(facts);
		return command_fail(c->line, COMMAND_UNDECIDED, "cannot examine: %s", strerror(-status));
	}
	struct check_teller teller;
	int code = save_all(c->line, facts, count);
	check_teller_init(&teller, c, bench);
	bool wanted = code == COMMAND_GOOD;
	for (size_t i = 0; i < count; i++) {
		if (wanted)
			wanted = check_teller_take(&teller, facts[i]);
		else
			check_facts_free(facts[i]);
	}
	free(facts);
	int told = check_teller_end(&teller);
	return code == COMMAND_GOOD ? told : code;
}

int check_run_typed(struct check_command *c, const struct span *typed, size_t count)
{
	struct check_bench bench;
	struct check_desk *desk = NULL;
	int code = check_command_open(c, &desk, &bench);
	if (code == COMMAND_GOOD)
		code = examine(c, desk, &bench, typed, count);
	check_desk_free(desk);
	return code;
}

int check_run_named(struct check_command *c)
{
	struct span typed[CHECK_COMMAND_DOMAINS_MAXIMUM];
	for (size_t i = 0; i < c->line->operand_count; i++)
		typed[i] = span_of(c->line->operands[i]);
	return check_run_typed(c, typed, c->line->operand_count);
}
