/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check DOMAIN --against PARTNER: who would refuse whom. */
#include "check/against.h"
#include "check/json_write.h"
#include "cmd/check_tasks.h"

#include <errno.h>

static int tell(const struct check_command *c, const struct check_against *against)
{
	const struct finding_style style = {
		.width = c->line->width, .colour = c->line->colour, .notes = command_has(c->line, "notes")
	};
	struct buffer out;
	buffer_init(&out, CHECK_COMMAND_OUTPUT_MAXIMUM);
	int status = c->format == CHECK_FORMAT_JSON ? check_json_line(check_against_json(against), &out)
						    : check_against_human(against, &style, &out);
	int code = check_verdict_exit(against->verdict);
	if (status < 0)
		code = command_fail(c->line, COMMAND_UNDECIDED, "the result cannot be shown: %s", strerror(-status));
	else
		fwrite(out.at ? out.at : "", 1, out.length, c->line->output);
	buffer_done(&out);
	return code;
}

/* A planned certificate is of the domain that was named; the partner shows its own. */
static int open_partner_desk(
	const struct check_command *c, struct check_options *ret_options, struct check_desk **ret_desk)
{
	char why[CHECK_ERROR_SIZE] = "";
	*ret_options = c->options;
	ret_options->planned_certificate_file = NULL;
	int status = check_desk_new(ret_options, NULL, ret_desk, why);
	if (status < 0)
		return command_fail(c->line, COMMAND_UNDECIDED, "%s", *why ? why : strerror(-status));
	return COMMAND_GOOD;
}

/* Both at once where one desk serves both. */
static int gather(const struct check_command *c, struct check_desk *desk, struct check_facts *ret_facts[2])
{
	const struct span typed[2] = { span_of(c->line->operands[0]), span_of(command_value(c->line, "against", "")) };
	struct check_options options;
	struct check_desk *other = NULL;
	if (!c->options.planned_certificate_file) {
		int status = check_examine_all(desk, typed, 2, ret_facts);
		return status == 0 ? COMMAND_GOOD
				   : command_fail(c->line, COMMAND_UNDECIDED, "cannot examine: %s", strerror(-status));
	}
	int code = open_partner_desk(c, &options, &other);
	int status = code == COMMAND_GOOD ? check_examine_now(desk, typed[0], &ret_facts[0]) : 0;
	if (code == COMMAND_GOOD && status == 0)
		status = check_examine_now(other, typed[1], &ret_facts[1]);
	if (status < 0)
		code = command_fail(c->line, COMMAND_UNDECIDED, "cannot examine: %s", strerror(-status));
	check_desk_free(other);
	return code;
}

static int examine(struct check_command *c, struct check_desk *desk, const struct check_bench *bench)
{
	enum trust_policy_kind kinds[CHECK_COMMAND_POLICIES_MAXIMUM];
	struct check_facts *facts[2] = { NULL, NULL };
	struct check_against against;
	if (check_command_policies(c, bench, kinds) != 1)
		return command_usage(c->line, "--against judges by one rule book; --as all is three");
	int code = gather(c, desk, facts);
	if (code == COMMAND_GOOD) {
		check_against_judge(bench, kinds[0], facts[0], facts[1], &against);
		code = tell(c, &against);
		check_against_free(&against);
	}
	check_facts_free(facts[0]);
	check_facts_free(facts[1]);
	return code;
}

int check_run_against(struct check_command *c)
{
	struct check_bench bench;
	struct check_desk *desk = NULL;
	int code = check_command_open(c, &desk, &bench);
	if (code == COMMAND_GOOD)
		code = examine(c, desk, &bench);
	check_desk_free(desk);
	return code;
}
