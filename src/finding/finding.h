/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_FINDING_FINDING_H
#define FEDGE_FINDING_FINDING_H
/* One judgement about one subject, and the list that a judge fills. Everything lives in the
 * list's arena and goes with it; texts given are copied. A list never loses an error: where the
 * arena is full, the finding is kept without its details (fail closed), and `incomplete` is set.
 *
 *	struct finding *f = finding_add(&list, FINDING_SRV_MISSING, domain);
 *	finding_value(f, "domain", domain);
 *	finding_evidence(f, FINDING_EVIDENCE_DNS, text, SPAN_NONE, SPAN_NONE);
 *	struct finding_fix *fix = finding_fix(f, FINDING_PARTNER, "DNS", SPAN("publish the record"));
 *	finding_fix_line(fix, "%s\t300 IN SRV\t0 0 5061 %s", ...);
 */
#include "base/arena.h"
#include "finding/catalogue.h"

enum finding_evidence_kind {
	FINDING_EVIDENCE_DNS,
	FINDING_EVIDENCE_CERTIFICATE,
	FINDING_EVIDENCE_CONNECTION,
	FINDING_EVIDENCE_CONFIGURATION,
	FINDING_EVIDENCE_MESSAGE, /* a header of a SIP message */
	FINDING_EVIDENCE_FILE, /* file and line say where */
};

struct finding_evidence {
	struct finding_evidence *next;
	enum finding_evidence_kind kind;
	struct span text; /* as seen, one line */
	size_t mark_offset; /* bytes of text that the carets point at; length 0: none */
	size_t mark_length;
	struct span note; /* stands behind the carets */
	struct span file; /* FINDING_EVIDENCE_FILE only */
	uint32_t line;
};

struct finding_fix_line {
	struct finding_fix_line *next;
	struct span text; /* tabs separate cells that are aligned when shown */
};

struct finding_fix {
	struct finding_fix *next;
	struct finding_list *list;
	enum finding_who who;
	const char *where; /* "DNS", "the certificate", "the firewall", "the configuration", "a mail" */
	struct span title;
	struct finding_fix_line *lines; /* paste-ready */
	struct finding_fix_line **last_line;
};

struct finding_value {
	struct finding_value *next;
	const char *name; /* a constant: the wire's own name, "fqdn", "tls-target", ... */
	struct span value;
};

struct finding {
	struct finding *next;
	struct finding_list *list;
	enum finding_code code;
	enum finding_severity severity; /* the catalogue's, unless the judge knows better */
	enum finding_who who; /* never FINDING_OWNER */
	uint16_t status; /* the catalogue's; 0: the peer's own or no refusal */
	unsigned suppresses;
	struct span subject;
	struct span observed;
	struct span expected;
	struct finding_evidence *evidence;
	struct finding_evidence **last_evidence;
	struct finding_fix *fixes;
	struct finding_fix **last_fix;
	struct finding_value *values;
	struct finding_value **last_value;
};

/* More than these are counted in `dropped`; an error is never among them before a note. */
#define FINDING_LIST_MAXIMUM 512
#define FINDING_PARTS_MAXIMUM 128 /* evidence, fixes, lines, values of one finding, each */

struct finding_list {
	struct arena *arena;
	struct finding *first;
	struct finding **last;
	size_t count;
	size_t dropped;
	bool incomplete; /* memory ran out: details are missing */
	enum finding_who owner; /* FINDING_YOU or FINDING_PARTNER: stands for FINDING_OWNER */
	bool other_rules; /* set by a judge that goes by rules no Microsoft product has: nothing is said of one then */
	struct finding spare; /* linked into the list when nothing else can be */
	bool spare_used;
	struct finding scratch; /* written and never read */
};

/* owner: whose domain is examined. The list must not move afterwards. */
void finding_list_init(struct finding_list *list, struct arena *arena, enum finding_who owner);
/* Never NULL. The subject is what the title speaks of: a domain, a host name, a URI. */
struct finding *finding_add(struct finding_list *list, enum finding_code code, struct span subject);
void finding_observed(struct finding *f, struct span text);
void finding_expected(struct finding *f, struct span text);
/* mark is the part of text that the carets point at, a span into the same bytes; SPAN_NONE: no carets. */
void finding_evidence(
	struct finding *f, enum finding_evidence_kind kind, struct span text, struct span mark, struct span note);
void finding_evidence_file(struct finding *f, struct span file, uint32_t line, struct span text);
/* The same with carets, as finding_evidence has them. */
void finding_evidence_line(
	struct finding *f, struct span file, uint32_t line, struct span text, struct span mark, struct span note);
/* name must be a constant. Values of one name keep their order. */
void finding_value(struct finding *f, const char *name, struct span value);
struct span finding_value_get(const struct finding *f, const char *name);
/* FINDING_OWNER is resolved like the finding's own. NULL without memory; finding_fix_line takes that. */
struct finding_fix *finding_fix(struct finding *f, enum finding_who who, const char *where, struct span title);
void finding_fix_line(struct finding_fix *fix, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes out every finding that says what an earlier one says (code, subject, observed). The earlier one keeps the
 * higher severity and gets the other's evidence of connections. The first `settled` are known to differ. */
void finding_list_unite(struct finding_list *list, size_t settled);
/* Notes that differ in nothing but their subject become one: the others' subjects are its evidence. */
void finding_list_gather_notes(struct finding_list *list);
/* Moves all findings of from, which must use the same arena, to the end of list. */
void finding_list_take(struct finding_list *list, struct finding_list *from);

/* The error that is the answer: the earliest stage, then the first added (rule 6). NULL: none. */
const struct finding *finding_list_first_error(const struct finding_list *list);
/* The worst severity in the list; FINDING_NOTE for an empty one. */
enum finding_severity finding_list_severity(const struct finding_list *list);
const struct finding *finding_list_find(const struct finding_list *list, enum finding_code code);
/* Codes that mean "could not decide", never "no": exit 3, not 2. */
bool finding_is_undecided(enum finding_code code);
/* The title with the subject in `backticks`: one sentence that stands alone. Cut to the capacity (256 is ample);
 * always NUL-terminated; returns the length. Control characters are escaped. */
size_t finding_title(const struct finding *f, char *ret_text, size_t capacity);

/* What to write into ms-diagnostics (and, for strangers, ms-diagnostics-public). */
#define FINDING_PAIRS_MAXIMUM 16
struct finding_pair {
	char name[32];
	struct span value; /* unquoted */
};
struct finding_diagnostics {
	uint16_t id;
	struct finding_pair pairs[FINDING_PAIRS_MAXIMUM]; /* reason first, source last, as the product writes them */
	size_t count;
};
/* false where the finding has no Microsoft face. Values borrow from the finding and from source, which is our own
 * name ([MS-OCER] 2.2.1.2). */
bool finding_diagnostics(const struct finding *f, struct span source, struct finding_diagnostics *ret_diagnostics);
/* For strangers: never a source ([MS-OCER] 2.2.1.2) and only what the partner itself publishes. */
bool finding_diagnostics_public(const struct finding *f, struct finding_diagnostics *ret_diagnostics);
/* The pairs of a trace record's Data line. 0 where the entry has none. */
size_t finding_trace_data(const struct finding *f, struct finding_pair ret_pairs[FINDING_PAIRS_MAXIMUM]);
#endif
