/* SPDX-License-Identifier: Apache-2.0 */
/* Findings into the columns of the matrix. */
#include "base/require.h"
#include "check/judge_private.h"

static const enum check_step stage_steps[FINDING_STAGE_COUNT] = {
	[FINDING_STAGE_POLICY] = CHECK_STEP_DOMAIN,
	[FINDING_STAGE_LIMIT] = CHECK_STEP_DOMAIN,
	[FINDING_STAGE_LOOKUP] = CHECK_STEP_SRV,
	[FINDING_STAGE_DOMAIN] = CHECK_STEP_DOMAIN,
	[FINDING_STAGE_ADDRESS] = CHECK_STEP_ADDRESS,
	[FINDING_STAGE_CONNECTION] = CHECK_STEP_TCP,
	[FINDING_STAGE_TLS] = CHECK_STEP_TLS,
	[FINDING_STAGE_CERTIFICATE] = CHECK_STEP_CHAIN,
	[FINDING_STAGE_ROUTE] = CHECK_STEP_OPTIONS,
	[FINDING_STAGE_ANSWER] = CHECK_STEP_OPTIONS,
};

static const struct {
	enum finding_code code;
	enum check_step step;
} exceptions[] = {
	{ FINDING_DOMAIN_MALFORMED, CHECK_STEP_SRV },
	{ FINDING_SRV_PORT_UNUSUAL, CHECK_STEP_SRV },
	{ FINDING_SRV_RECORDS_CUT, CHECK_STEP_SRV },
	{ FINDING_SRV_RECORDS_DUPLICATE, CHECK_STEP_SRV },
	{ FINDING_CERTIFICATE_NAME_MISMATCH, CHECK_STEP_NAME },
	{ FINDING_CERTIFICATE_CN_IGNORED, CHECK_STEP_NAME },
	{ FINDING_CERTIFICATE_WILDCARD_ONLY, CHECK_STEP_NAME },
	{ FINDING_CERTIFICATE_DOMAIN_MISMATCH, CHECK_STEP_NAME },
	{ FINDING_CERTIFICATE_EXPIRED, CHECK_STEP_DATES },
	{ FINDING_CERTIFICATE_NOT_YET_VALID, CHECK_STEP_DATES },
	{ FINDING_CERTIFICATE_EXPIRES_SOON, CHECK_STEP_DATES },
	{ FINDING_CERTIFICATE_NO_CLIENT_USAGE, CHECK_STEP_USAGE },
	{ FINDING_CERTIFICATE_NO_SERVER_USAGE, CHECK_STEP_USAGE },
};

static enum check_step step_of(enum finding_code code)
{
	for (size_t i = 0; i < BASE_COUNT(exceptions); i++)
		if (exceptions[i].code == code)
			return exceptions[i].step;
	return stage_steps[finding_entry(code)->stage];
}

static enum check_state state_of(const struct finding *f)
{
	switch (f->severity) {
	case FINDING_ERROR:
		return finding_is_undecided(f->code) ? CHECK_STATE_UNKNOWN : CHECK_STATE_BAD;
	case FINDING_WARNING:
		return CHECK_STATE_WARNING;
	case FINDING_NOTE:
		break;
	}
	return CHECK_STATE_GOOD;
}

struct check_cell judge_cell(const struct finding *f)
{
	enum check_state state = state_of(f);
	return (struct check_cell){ state, state == CHECK_STATE_GOOD ? FINDING_NONE : f->code };
}

void judge_cell_set(struct check_row *row, enum check_step step, enum check_state state, enum finding_code code)
{
	row->cells[step] = (struct check_cell){ state, code };
}

static int rank(enum check_state state)
{
	static const int ranks[] = {
		[CHECK_STATE_NOT_JUDGED] = 0,
		[CHECK_STATE_GOOD] = 1,
		[CHECK_STATE_WARNING] = 2,
		[CHECK_STATE_UNKNOWN] = 3,
		[CHECK_STATE_BAD] = 4,
	};
	return ranks[state];
}

void judge_cells_mark(struct check_cell cells[CHECK_STEP_COUNT], const struct finding *since)
{
	for (const struct finding *f = since; f; f = f->next) {
		struct check_cell cell = judge_cell(f);
		struct check_cell *at = &cells[step_of(f->code)];
		if (rank(cell.state) > rank(at->state))
			*at = cell;
	}
}

enum check_state judge_cells_worst(const struct check_cell cells[CHECK_STEP_COUNT])
{
	enum check_state worst = CHECK_STATE_GOOD;
	for (int step = 0; step < CHECK_STEP_OPTIONS; step++)
		if (rank(cells[step].state) > rank(worst))
			worst = cells[step].state;
	return worst;
}
