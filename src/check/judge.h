/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_JUDGE_H
#define FEDGE_CHECK_JUDGE_H
/* From facts to a report: asks the judges of trust/ (no rule of its own), puts their findings together as an edge would
 * come to its answer, and notes for every address how far it was good. Pure: no sockets, no clock, no files.
 *
 * An edge needs one good way in: where an address of a candidate is good in every respect, the faults of the others
 * are warnings. Where none is, the answer is the one that the edge's caller is given (docs/rules.md, R6). */
#include "check/facts.h"
#include "check/options.h"
#include "finding/finding.h"

enum check_verdict {
	CHECK_PASS,
	CHECK_WARN,
	CHECK_FAIL,
	CHECK_UNKNOWN, /* could not decide */
};
const char *check_verdict_name(enum check_verdict verdict); /* "pass" */
/* 0, 1, 2, 3: the exit code of one verdict, and of several (2 before 3 before 1 before 0). */
int check_verdict_exit(enum check_verdict verdict);
enum check_verdict check_verdict_worst(enum check_verdict a, enum check_verdict b);

/* The columns of the matrix, in the order in which an edge goes. */
enum check_step {
	CHECK_STEP_SRV,
	CHECK_STEP_DOMAIN, /* the domain rule */
	CHECK_STEP_ADDRESS,
	CHECK_STEP_TCP,
	CHECK_STEP_TLS,
	CHECK_STEP_CHAIN,
	CHECK_STEP_NAME,
	CHECK_STEP_DATES,
	CHECK_STEP_USAGE,
	CHECK_STEP_OPTIONS, /* only where it was probed */
	CHECK_STEP_COUNT,
};
const char *check_step_name(enum check_step step); /* "SRV", "domain rule", "address", … */

enum check_state {
	CHECK_STATE_NOT_JUDGED, /* because of an earlier fault, or not asked for */
	CHECK_STATE_GOOD,
	CHECK_STATE_WARNING,
	CHECK_STATE_BAD,
	CHECK_STATE_UNKNOWN, /* could not decide */
};

struct check_cell {
	enum check_state state;
	enum finding_code code; /* why it is not good; FINDING_NONE otherwise */
};

/* One row per address of each target; a target without an address has one row too, and where there is no target at all
 * there is one row for the domain. */
struct check_row {
	struct span host; /* absent: no target */
	uint16_t port;
	struct span address; /* absent: none */
	const struct check_attempt *attempt; /* NULL: not tried */
	bool candidate; /* the domain rule lets it speak for the domain */
	bool accepted; /* good in every respect that refuses */
	struct check_cell cells[CHECK_STEP_COUNT];
};

/* One direction of calls. */
struct check_way {
	enum check_verdict verdict;
	const struct finding *answer; /* in the report; NULL: nothing refuses */
};

struct check_report {
	const struct check_facts *facts;
	enum trust_policy_kind policy;
	enum check_verdict verdict; /* with a node's configuration of both ways, else of calls to the domain */
	struct finding_list findings;
	struct finding_list caller; /* of the second way, where it is no part of the report: no node's configuration */
	/* The error an edge refuses by, of the worse way; NULL: it accepts. With CHECK_UNKNOWN: what leaves it open,
	 * which an edge that needs the answer now refuses by as well. */
	const struct finding *answer;
	struct check_way to; /* an edge calls the domain */
	struct check_way from; /* the domain calls an edge (check_judge_caller); CHECK_UNKNOWN: no certificate seen */
	int64_t judged_at_s; /* dates were judged at this time, seconds since 1970 UTC */
	int64_t expires_soon_s; /* a certificate with less than this left is warned of; negative: never */
	/* Until the first certificate of an accepted address ends, else of any address that speaks for the domain;
	 * negative: it has ended. INT32_MIN: none was seen. */
	int32_t certificate_days;
	struct check_row *rows;
	size_t row_count;
	struct arena arena;
};

/* How to judge; one for all domains of a run. policy.kind is overridden per report. */
struct check_bench {
	struct trust_policy policy; /* lists and settings: the node's, or a stranger's */
	const struct check_options *options;
};
/* A stranger's: everybody is looked up, no lists, the one hosting provider that all know. */
struct trust_policy check_policy_usual(void);
/* A stranger's rule book, or options->node's. Texts borrow from options and arena. 0 or -ENOMEM.
 */
int check_bench_make(const struct check_options *options, struct arena *arena, struct check_bench *ret_bench);

/* What is reported of a domain under one rule book: an edge that judges by this bench calls it and, where the bench is
 * a node's (options->node), is called by it; each finding once. Without a node the second way is judged as well
 * (`from`) but adds no finding: what a stranger demands of a caller is part of what it demands of who is called.
 * *ret_report must be given back by check_report_free and must not move. facts must outlive it.
 * Never fails: without memory the verdict is CHECK_UNKNOWN and findings.incomplete is set. */
void check_judge(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *facts,
	struct check_report *ret_report);
/* The first way alone, for --against. `from` is CHECK_UNKNOWN. */
void check_judge_reach(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *facts,
	struct check_report *ret_report);
void check_report_free(struct check_report *report);

/* Would the domain of `facts` be let in where it calls somebody who judges by this bench? Only what rule R4 inbound
 * asks: SRV, domain rule, and the certificate, taken to be the one its servers show. Fills findings, answer, verdict,
 * `from`; rows are those of check_judge without address, TCP, TLS and OPTIONS. CHECK_UNKNOWN where no certificate could
 * be seen (certificate-not-seen). */
void check_judge_caller(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *facts,
	struct check_report *ret_report);
#endif
