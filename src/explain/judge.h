/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_JUDGE_H
#define FEDGE_EXPLAIN_JUDGE_H
/* A case into a problem: what failed, why, who must act, what to change, with the lines that prove it; or, where the
 * logs cannot decide, the candidates in order and what would decide. The knowledge is the table of
 * explain/signatures.def: a row says what must be seen, what must not, the finding, how sure that makes it, and what
 * else could be the cause. Pure. Words of judgements come from finding/. Never `proved` by what the facts call
 * unconfirmed. */
#include "explain/case.h"
#include "finding/finding.h"

enum explain_confidence {
	EXPLAIN_NONE, /* no cause can be named */
	EXPLAIN_POSSIBLE, /* one of several that fit */
	EXPLAIN_LIKELY, /* the usual cause of what was seen; or seen later, by the examiner */
	EXPLAIN_PROVED, /* the lines say so */
};

/* One possible cause. */
struct explain_candidate {
	const struct finding *finding;
	enum explain_confidence confidence; /* never above that of the problem */
	struct span why; /* what speaks for it, one line */
};
#define EXPLAIN_CANDIDATES_MAXIMUM 12

/* What to run, or to ask for, to know more. */
struct explain_step_next {
	struct span text; /* "ask the administrators of skype.lab for …" */
	struct span command; /* paste-ready, or absent */
};
#define EXPLAIN_NEXT_MAXIMUM 8
/* Domains whose records and certificates decide the matter, for `fedge check` and --check. */
#define EXPLAIN_DOMAINS_MAXIMUM 4

struct explain_problem {
	const struct explain_case *subject;
	const struct finding
		*finding; /* with evidence (FILE:LINE) and fixes; NULL where nothing failed or can be named */
	enum explain_confidence confidence; /* of the finding as the cause */
	/* One sentence that stands alone: who called whom when, and what became of it. */
	struct span sentence;
	/* Why the finding is believed, in the reading order of an engineer, one line. */
	struct span why;
	/* Likeliest first. Where the finding is proved there are some only if it says no more than that somebody
	 * refused: then they are what can be behind it. */
	struct explain_candidate candidates[EXPLAIN_CANDIDATES_MAXIMUM];
	size_t candidate_count;
	struct explain_step_next next[EXPLAIN_NEXT_MAXIMUM];
	size_t next_count;
	struct span domains[EXPLAIN_DOMAINS_MAXIMUM];
	size_t domain_count;
	uint32_t failing; /* the step to mark in the ladder, or EXPLAIN_NO_STEP */
	bool is_federation; /* false: it failed, but for no reason of federation (busy, not found inside, declined …) */
	struct finding_list findings; /* what the pointers above point into */
	struct span own; /* the domain of your side, where the case shows it; for the settings of the next ones */
	uint32_t own_file; /* the file that "you" was taken from */
};

/* name_of gives the name of a file for FILE:LINE. Everything made lies in the arena. 0 or -ENOMEM (then the problem is
 * NULL). */
struct explain_judge_settings {
	struct span (*file_name)(void *argument, uint32_t file);
	void *argument;
	/* Who "you" is, where a case does not stand in the log that was named first: a domain of that log's side and
	 * the file it was learned from, as an earlier problem gave them (own, own_file; keep those of the lowest file).
	 * Absent: the side of the lowest file that the case stands in. */
	struct span own;
	uint32_t own_file;
	/* Domains or hosts that the reader has named as his; they come before all that is learned. */
	const struct span *named;
	size_t named_count;
};
int explain_judge(const struct explain_judge_settings *settings, const struct explain_case *c, struct arena *arena,
	struct explain_problem **ret_problem);
/* What the examiner found just now for one of the domains: a candidate that it confirms becomes the finding, likely
 * (it is as it is now; the call was then); candidates that it excludes go, with a word. found may be an empty list. */
int explain_judge_examined(
	struct explain_problem *problem, struct span domain, const struct finding_list *found, struct arena *arena);
const char *explain_confidence_word(enum explain_confidence confidence); /* "proved" … */
#endif
