/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_CASE_H
#define FEDGE_EXPLAIN_CASE_H
/* A case: everything that belongs to one call (or registration, subscription, message, connection), seen by however
 * many boxes, put in order. Facts only; what they mean is for the judge. Made by the joiner, which owns it. */
#include "explain/event.h"

enum explain_case_kind {
	EXPLAIN_CALL,
	EXPLAIN_CONNECTION, /* failed before any message */
	EXPLAIN_REGISTRATION,
	EXPLAIN_SUBSCRIPTION, /* SUBSCRIBE, NOTIFY, PUBLISH outside of a call */
	EXPLAIN_MESSAGE, /* any other request outside of a call: MESSAGE, OPTIONS, SERVICE … */
	EXPLAIN_CASE_KIND_COUNT
};
enum explain_outcome {
	EXPLAIN_ANSWERED,
	EXPLAIN_FAILED, /* refused, timed out, never connected */
	EXPLAIN_ABANDONED, /* the caller gave up: CANCEL, 487 */
	EXPLAIN_UNKNOWN, /* the logs begin too late or end too early */
	EXPLAIN_OUTCOME_COUNT
};

/* Somebody on the way. Known by name where a log, a Via, a certificate or a DNS answer gave one. */
#define EXPLAIN_HOST_ADDRESSES_MAXIMUM 8
struct explain_host {
	struct span name; /* "vcse", "sip.skype.lab"; absent: show the address */
	struct record_address addresses[EXPLAIN_HOST_ADDRESSES_MAXIMUM]; /* without ports */
	size_t address_count;
	bool has_log; /* one of the files is its own log */
};

/* How two legs were found to be one call, the surest first. */
enum explain_join {
	EXPLAIN_JOIN_CALL_ID, /* the same dialog */
	EXPLAIN_JOIN_SERIAL, /* proxy-call-id, Call-serial-number: the same box took both for one */
	EXPLAIN_JOIN_TAG, /* Expressway's tag of the whole call */
	EXPLAIN_JOIN_SESSION, /* Session-ID, RFC 7989 */
	EXPLAIN_JOIN_PARTIES, /* the same parties within a moment: likely, never sure */
	EXPLAIN_JOIN_COUNT
};
struct explain_leg {
	struct span call_id; /* absent: a damaged paste lost it */
	struct span from_uri, to_uri;
	enum explain_join join; /* to the first leg */
	bool is_answered;
	uint16_t status; /* its final one; 0: none seen */
};

/* One thing that happened, on the clock of the first box (explain_clock). An arrow goes from host to host; a note
 * stands at one. The same message in the logs of sender and receiver is one step with two sightings. */
struct explain_step {
	int64_t time_us; /* 0: not known */
	bool is_arrow;
	uint32_t from, to; /* hosts of the case; of a note: from */
	uint32_t leg; /* of the case; EXPLAIN_NO_LEG for what only stands near it in time */
	/* The sender's or only sighting; the receiver's, where the sender's log has no more than a summary. */
	const struct explain_event *event;
	const struct explain_event *second; /* the other one, or NULL */
	bool is_repeated; /* a retransmission of an earlier step */
};
#define EXPLAIN_NO_LEG UINT32_MAX
#define EXPLAIN_NO_STEP UINT32_MAX

struct explain_case {
	enum explain_case_kind kind;
	struct explain_leg *legs;
	uint32_t leg_count;
	struct explain_host *hosts; /* in the order of the ladder's columns: the caller's side first */
	uint32_t host_count;
	struct explain_step *steps; /* by time; where that is not known, by place */
	uint32_t step_count;
	uint32_t dropped; /* steps beyond EXPLAIN_STEPS_MAXIMUM */
	/* So many more failed alike: the same kind of request (never a call), parties and status. They are none of the
	 * steps. */
	uint32_t repeats;

	struct span call_id; /* of the first leg; absent for a connection */
	struct span from, to; /* URIs as the first leg has them */
	struct span method; /* "INVITE" … */
	int64_t started_us, ended_us; /* of the first and last step; 0: not known */
	enum explain_outcome outcome;
	uint16_t status; /* final, as nearest to the caller it was seen; 0: none */
	struct span reason; /* its phrase */
	/* The refusal itself, as near to who made it as was seen: of several 504s handed back hop by hop the first. */
	uint32_t refusal; /* a step, or EXPLAIN_NO_STEP */
	uint32_t refused_by; /* a host, or EXPLAIN_NO_STEP: who answered so, as far as the logs reach */
	uint32_t request; /* the step of the first request */
	enum explain_join weakest; /* the least sure join in it */
	bool begins_cut, ends_cut; /* the files begin after its start, end before its end */
};
#define EXPLAIN_STEPS_MAXIMUM 4096u

/* How far the clock of a box is from that of the first one, by messages that both logged. */
struct explain_clock {
	struct span node;
	int64_t offset_us; /* to be added to its times */
	int64_t spread_us; /* how far the measures are apart: the way there counts as half */
	uint32_t measures; /* 0: nothing to go by, taken as equal */
	int32_t zone_s; /* of the offset: what is a log written in local time, in whole quarters of an hour; else 0 */
	uint32_t file; /* the first file it wrote; all there is of a box without a name */
};

/* Failures that are none of federation, counted: "registration refused", "H.323", "alarm" … */
struct explain_aside {
	const char *what; /* a constant of explain/words.h */
	uint64_t count;
	struct explain_place first; /* without quote */
};

/* "call" …, "answered" …, "proxy-call-id" …: the words of the JSON. */
const char *explain_case_kind_word(enum explain_case_kind kind);
const char *explain_outcome_word(enum explain_outcome outcome);
const char *explain_join_word(enum explain_join join);
#endif
