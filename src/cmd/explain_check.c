/* SPDX-License-Identifier: Apache-2.0 */
/* fedge explain --check: what the examiner sees of the domains in question now. */
#include "check/judge.h"
#include "cmd/check_command.h"
#include "cmd/explain_command.h"

#include <errno.h>
#include <stdlib.h>

#define DOMAINS_MAXIMUM 100 /* of one run; what is beyond goes without */

/* A domain that was examined, once for all problems it is in. */
struct examined {
	struct check_facts *facts;
	struct check_report report;
	char domain[256];
};
struct explain_examiner {
	struct check_command command;
	struct check_bench bench;
	struct check_desk *desk;
	enum trust_policy_kind policy;
	struct examined *examined[DOMAINS_MAXIMUM];
	size_t count;
	bool is_full; /* said once */
};

static int open_examiner(struct explain_command *c)
{
	enum trust_policy_kind kinds[CHECK_COMMAND_POLICIES_MAXIMUM];
	struct explain_examiner *e = calloc(1, sizeof(*e));
	if (!e)
		return command_fail(c->line, COMMAND_UNDECIDED, "no memory");
	c->examiner = e;
	int code = check_command_read(c->line, &e->command);
	if (code == COMMAND_GOOD)
		code = check_command_open(&e->command, &e->desk, &e->bench);
	if (code == COMMAND_GOOD) {
		(void)check_command_policies(&e->command, &e->bench, kinds);
		e->policy = kinds[0];
	}
	return code;
}

static struct examined *known(const struct explain_examiner *e, struct span domain)
{
	for (size_t i = 0; i < e->count; i++)
		if (span_equal_nocase(span_of(e->examined[i]->domain), domain))
			return e->examined[i];
	return NULL;
}

static int look(struct explain_command *c, struct span domain, struct examined **ret_examined)
{
	struct explain_examiner *e = c->examiner;
	struct examined *one = calloc(1, sizeof(*one));
	if (!one || !span_copy_to(domain, one->domain, sizeof(one->domain))) {
		free(one);
		*ret_examined = NULL;
		return one ? COMMAND_GOOD : command_fail(c->line, COMMAND_UNDECIDED, "no memory");
	}
	command_progress(c->line, "examining a domain …");
	int status = check_examine_now(e->desk, domain, &one->facts);
	command_progress_clear(c->line);
	if (status < 0) {
		free(one);
		return command_fail(c->line, COMMAND_UNDECIDED, "cannot examine: %s", strerror(-status));
	}
	check_judge(&e->bench, e->policy, one->facts, &one->report);
	*ret_examined = e->examined[e->count++] = one;
	return COMMAND_GOOD;
}

static int examine_one(struct explain_command *c, struct explain_problem *problem, struct span domain)
{
	struct explain_examiner *e = c->examiner;
	struct examined *one = known(e, domain);
	if (!one && e->count == DOMAINS_MAXIMUM) {
		if (!e->is_full)
			(void)command_fail(c->line, COMMAND_GOOD, "only %d domains were examined", DOMAINS_MAXIMUM);
		e->is_full = true;
		return COMMAND_GOOD;
	}
	int code = one ? COMMAND_GOOD : look(c, domain, &one);
	if (code == COMMAND_GOOD && one &&
		explain_judge_examined(problem, domain, &one->report.findings, &c->arena) < 0)
		code = command_fail(c->line, COMMAND_UNDECIDED, "no memory");
	return code;
}

int explain_command_examine(struct explain_command *c, struct explain_problem *problem)
{
	int code = c->examiner ? COMMAND_GOOD : open_examiner(c);
	for (size_t i = 0; i < problem->domain_count && code == COMMAND_GOOD; i++)
		code = examine_one(c, problem, problem->domains[i]);
	return code;
}

void explain_command_examine_end(struct explain_command *c)
{
	struct explain_examiner *e = c->examiner;
	if (!e)
		return;
	for (size_t i = 0; i < e->count; i++) {
		check_report_free(&e->examined[i]->report);
		check_facts_free(e->examined[i]->facts);
		free(e->examined[i]);
	}
	check_desk_free(e->desk);
	check_command_done(&e->command);
	free(e);
	c->examiner = NULL;
}
