/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_SIGNATURE_H
#define FEDGE_EXPLAIN_SIGNATURE_H
/* What a failure looks like in logs, as data: explain/signatures.def has one row for each, and the first row that fits
 * a case is its explanation. Rows therefore stand in the order of what they prove: what a box wrote of its own decision
 * before what a peer said in a header, that before what can be read from a handshake, a lookup or a connection, and
 * last what only the status of the answer tells. Nothing here knows the words of a finding: those are in finding/. */
#include "explain/case.h"
#include "explain/judge.h"
#include "finding/catalogue.h"

/* What one thing that must (or must not) be seen is about. */
enum signature_sight {
	SIGNATURE_NOTHING,
	/* a judgement with the finding `code`, written as such or as the words of its title; FINDING_NONE: any that
	 * says why, and does not only say that the peer refused or cut */
	SIGNATURE_JUDGEMENT,
	SIGNATURE_RESULT, /* a judgement with the result code `from`, or the result name `text` */
	SIGNATURE_RESULT_ANY, /* with any result code */
	SIGNATURE_DIAGNOSTICS, /* a diagnostic header in a refusal with an id of `from` to `to`; text: somewhere in it
				*/
	SIGNATURE_RESPONSE, /* a response of `from` to `to`; text: how its Server or User-Agent begins; more: in its
			     phrase */
	SIGNATURE_REQUEST, /* a request; text: its method */
	SIGNATURE_WARNING, /* a response of `from` to `to` whose Warning has the text */
	/* a TLS alert of `from` to `to` that the log's own box received or sent (flags); text: in its reason */
	SIGNATURE_ALERT,
	SIGNATURE_TLS, /* a failed handshake, or an event that tells of one, with the text as its reason */
	SIGNATURE_VERIFY, /* the same by the number of OpenSSL's verification, `from` to `to` */
	SIGNATURE_DNS, /* an answer with the status `from` to `to`; text: how the name begins, or =TYPE */
	SIGNATURE_CONNECTION, /* a connection that failed: text in its reason, or the errno `from` */
	SIGNATURE_RULE, /* a search rule with the verdict `from` */
	SIGNATURE_SEARCH, /* a search that found nothing; text: its reason or detail */
	SIGNATURE_CALL, /* the log's own summary of a call that was rejected, with the status `from` to `to` */
	SIGNATURE_NOTICE, /* an event or line of a module: text in its name, more in its detail */
	SIGNATURE_SIGHT_COUNT
};
enum {
	SIGNATURE_RECEIVED = 1u << 0, /* by the box whose log it is */
	SIGNATURE_SENT = 1u << 1,
	SIGNATURE_BARE = 1u << 2, /* without a Warning and without diagnostics that say more than "no reason given" */
	SIGNATURE_CALLED = 1u << 3, /* the log's own box opened the connection */
	SIGNATURE_WAS_CALLED = 1u << 4, /* the peer opened it */
	SIGNATURE_HAS_ROUTE = 1u << 5, /* a request with a Route header */
	/* logged by the box that refused, or at the other end of a connection of it, or nobody is seen to have refused
	 */
	SIGNATURE_AT_REFUSER = 1u << 6,
	SIGNATURE_CLIENT = 1u << 7, /* ms-client-diagnostics */
};
struct signature_seen {
	enum signature_sight sight;
	unsigned flags;
	enum finding_code code;
	uint32_t from, to; /* to == 0: `from` alone */
	const char *text; /* alternatives are divided by |; without case */
	const char *more;
};

/* About the case as a whole. */
enum {
	SIGNATURE_RANG = 1u << 0, /* the callee rang */
	SIGNATURE_NO_ANSWER = 1u << 1, /* no final answer was seen at all */
	SIGNATURE_ENDED = 1u << 2, /* the files go on after its end */
	SIGNATURE_FROM_OUTSIDE = 1u << 3, /* refused by a box of the other side, as seen from the log's own */
	SIGNATURE_IS_REGISTRATION = 1u << 4,
	SIGNATURE_NO_RULE_CONSIDERED = 1u << 5,
	SIGNATURE_IS_INTERNAL = 1u << 6, /* within one domain, or a request that is no call between bare addresses */
};

/* Whose it is to act. */
enum signature_owner {
	SIGNATURE_OWNER_CATALOGUE, /* as the finding says; "the owner" is that of the subject's domain */
	SIGNATURE_OWNER_RECORD, /* as the record says, else as the catalogue */
	SIGNATURE_OWNER_CALLER, /* the caller's side */
	SIGNATURE_OWNER_CALLEE,
	SIGNATURE_OWNER_LOGGER, /* the side of the box that logged the first thing seen */
	SIGNATURE_OWNER_PEER, /* the other end of that connection */
	SIGNATURE_OWNER_REFUSER, /* whoever refused */
	SIGNATURE_OWNER_NETWORK,
};
/* What the finding speaks of. */
enum signature_subject {
	SIGNATURE_SUBJECT_DOMAIN, /* the domain in question, else that of the caller or callee */
	SIGNATURE_SUBJECT_TARGET, /* a host name: the SRV target, the name asked for */
	SIGNATURE_SUBJECT_ADDRESS, /* address and port, else the name */
	SIGNATURE_SUBJECT_PEER, /* whoever refused, or the other end */
	SIGNATURE_SUBJECT_BOX, /* the box whose log it is */
	SIGNATURE_SUBJECT_CALLER,
	SIGNATURE_SUBJECT_CALLEE,
	SIGNATURE_SUBJECT_NONE,
};
/* What to do to know more; a bit each, said in this order. */
enum {
	SIGNATURE_NEXT_CHECK_CALLER = 1u << 0, /* examine the caller's domain */
	SIGNATURE_NEXT_CHECK_CALLEE = 1u << 1,
	SIGNATURE_NEXT_CHECK_SUBJECT = 1u << 2, /* examine the domain of the finding */
	SIGNATURE_NEXT_EDGE_TRACE = 1u << 3, /* the trace of the edge that refused */
	SIGNATURE_NEXT_TLS_LOG = 1u << 4, /* the TLS log of the peer */
	SIGNATURE_NEXT_LISTS = 1u << 5, /* ask the partner for its lists */
	SIGNATURE_NEXT_NEXT_HOP = 1u << 6, /* the log of the box that did not answer */
	SIGNATURE_NEXT_LEVEL = 1u << 7, /* raise the level of the log and call again */
	SIGNATURE_NEXT_CAPTURE = 1u << 8, /* a capture of both ends */
	SIGNATURE_NEXT_LOCATE = 1u << 9, /* try the address with the box's own tools */
	SIGNATURE_NEXT_USER = 1u << 10, /* look at the user's settings */
	SIGNATURE_NEXT_CHECK_OWNER = 1u << 11, /* examine the domain of the side that must act */
};

struct signature_cause {
	enum finding_code code; /* FINDING_NONE ends the list */
	enum signature_owner owner;
	const char *why; /* one line */
};
#define SIGNATURE_SEEN_MAXIMUM 4
#define SIGNATURE_CAUSES_MAXIMUM 8
struct signature {
	const char *name; /* for tests, and for the one who reads the table */
	struct signature_seen all[SIGNATURE_SEEN_MAXIMUM]; /* each must be seen, anywhere in the case */
	struct signature_seen none[SIGNATURE_SEEN_MAXIMUM]; /* none may be */
	unsigned when;
	enum finding_code finding; /* FINDING_NONE: the code of the judgement that was seen */
	enum explain_confidence confidence;
	bool by_result; /* proved where our own records say more than the header: see judge_name.c */
	bool is_even; /* no cause is likelier than the others */
	bool is_outside; /* not where a target that is named is in the domain that is named */
	bool is_of_a_side; /* not where the domain that is named is neither the caller's nor the callee's */
	bool is_third; /* only where the domain that is named is neither the caller's nor the callee's */
	bool is_unsettled; /* whose fault it is, this does not tell: no mail says that it is the partner's */
	bool is_inside; /* it failed, and federation has nothing to do with it */
	enum signature_owner owner;
	enum signature_subject subject;
	unsigned next;
	const char *why; /* why what was seen means this, one clause */
	struct signature_cause causes[SIGNATURE_CAUSES_MAXIMUM];
};

/* All rows, in order. */
const struct signature *signature_table(size_t *ret_count);

/* Which steps of the case showed what the row asks for, in the order of all[], and in whose log it was seen. */
struct signature_match {
	const struct signature *signature;
	uint32_t steps[SIGNATURE_SEEN_MAXIMUM];
	const struct explain_event *events[SIGNATURE_SEEN_MAXIMUM];
	size_t count;
};
/* refused_outside: by a box of the other side than the log's own. */
bool signature_matches(const struct signature *row, const struct explain_case *c, bool refused_outside,
	struct signature_match *ret_match);

/* The host whose log an event of the step is from; EXPLAIN_NO_STEP: of somebody between. */
uint32_t signature_logger(const struct explain_step *step, const struct explain_event *event);
/* The finding that a judgement record names: by its code, else by its words where they are those of a title of the
 * catalogue. FINDING_NONE: neither. */
enum finding_code signature_judgement_code(const struct record_judgement *j);
/* The text has one of the alternatives ("a|b"), without case. */
bool signature_has_words(struct span text, const char *alternatives);
/* The TLS alert that an event tells of, by its number or by OpenSSL's words. RECORD_ALERT_NONE: of none. */
enum record_alert signature_alert(const struct explain_event *event, unsigned *ret_alert);
/* Why a handshake failed, as the event has it; absent where it tells of no failed handshake. */
struct span signature_tls_reason(const struct explain_event *event);
#endif
