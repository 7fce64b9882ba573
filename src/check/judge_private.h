/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_JUDGE_PRIVATE_H
#define FEDGE_CHECK_JUDGE_PRIVATE_H
/* One judgement under way, for judge*.c. A judgement follows one direction of calls through the facts, as an edge
 * would: the domain, its targets in the order in which they are tried, the addresses of each. */
#include "check/judge.h"
#include "trust/judge.h"

enum judge_way {
	JUDGE_TO, /* an edge calls the domain */
	JUDGE_FROM, /* the domain calls an edge */
};

struct judging {
	enum judge_way way;
	const struct check_bench *bench;
	const struct check_facts *facts;
	struct trust_policy policy;
	int64_t now_s;
	struct finding_list *findings;
	struct arena *arena; /* of the findings and the rows */

	/* Findings that only follow from another fault are made here, for the cells alone. */
	struct finding_list aside;
	struct arena scratch;

	struct trust_domain domain; /* the SRV answer as this rule book sees it */
	struct trust_plan plan;
	unsigned suppressed; /* stages that are not judged at targets which may not speak for the domain */
	struct check_cell srv; /* of the whole domain */
	enum finding_code refused; /* why no target may speak for the domain; FINDING_NONE: some may */

	struct check_row *rows;
	size_t row_count;
	bool untried; /* an address of a candidate was not looked at, and nobody had asked for that */
	bool half_known; /* the resolver failed for a candidate's IPv4 addresses; that it has IPv6 ones is known */
	bool incomplete; /* memory */
};

/* A target and whether it may speak for the domain. */
struct judge_aim {
	struct trust_candidate candidate;
	bool is_candidate;
};

/* judge_rows.c: the domain, then a row for each address of each target. */
void judge_rows_make(struct judging *j);
/* judge_seen.c: facts as somebody sees them who judges by this rule book. Who validates by DNSSEC never gets to see
 * what does not validate. *ret_host lives as long as the report. */
struct trust_domain judge_seen_domain(const struct judging *j);
void judge_seen_host(struct judging *j, const struct trust_host *host, struct trust_host *ret_host);
/* judge_cells.c: what was found since `mark` (the list's `last` before), into the cells of the columns. */
struct check_cell judge_cell(const struct finding *f);
void judge_cell_set(struct check_row *row, enum check_step step, enum check_state state, enum finding_code code);
void judge_cells_mark(struct check_cell cells[CHECK_STEP_COUNT], const struct finding *since);
/* The first cell that keeps a row from being accepted: its state; CHECK_STATE_GOOD where none does. */
enum check_state judge_cells_worst(const struct check_cell cells[CHECK_STEP_COUNT]);
/* judge_address.c: connection and certificate of one address; fills row->cells from TCP on, and accepted. */
void judge_address(struct judging *j, const struct judge_aim *aim, const struct trust_host *host, uint16_t host_port,
	struct check_row *row);
/* Where the certificate is a planned one it is judged whatever becomes of the connection: a finding must not say that
 * it is not. */
void judge_certificate_is_judged(struct finding *since);
/* The list for findings of that stage at that target: the report's, or the one aside. */
struct trust_judge judge_of(struct judging *j, const struct judge_aim *aim, enum finding_stage stage);
/* judge_notes.c: what is no rule of trust but worth a word. */
void judge_note_malformed(struct judging *j);
void judge_note_address(struct judging *j, struct check_row *row);
void judge_note_options(struct judging *j, struct check_row *row);
/* Once all rows are there: what was not looked at. */
void judge_note_untried(struct judging *j, bool accepted);
void judge_note_certificate_unseen(struct judging *j);
void judge_note_lists(const struct check_facts *facts, struct finding_list *findings);
#endif
