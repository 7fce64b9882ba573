/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_HISTORY_SEARCH_H
#define FEDGE_HISTORY_SEARCH_H
/* One entry of a search history: a search with all that was done for it, or something that happened to a registration
 * or a zone. Plain data; all spans and the steps belong to whoever gives it (collect.h, json.h). A text that is not
 * known is absent, a number 0. */
#include "record/record.h"

enum history_kind {
	HISTORY_SEARCH, /* SIP (INVITE), SIP (OPTIONS) */
	HISTORY_REGISTRATION,
	HISTORY_ZONE, /* the way to a zone changed */
	HISTORY_KIND_COUNT
};

/* What a step is about; the fields that it uses (all have kind, offset_us and failing). */
enum history_step_kind {
	HISTORY_STEP_TRANSFORM, /* name, verdict, alias, priority */
	HISTORY_STEP_POLICY, /* name, verdict, alias, text: the action */
	HISTORY_STEP_RULE, /* name, verdict, alias, zone: the target, priority */
	HISTORY_STEP_ZONE, /* zone is asked (verdict "asked"), or has nothing more to give ("done"); alias, status, text
			    */
	HISTORY_STEP_ATTEMPT, /* verdict: "sent", "answered" …; zone, alias, name: host or contact, remote, status, text
			       */
	HISTORY_STEP_DNS, /* verdict: "ok", "nxdomain" …; name, type, list: the records, text: why not */
	HISTORY_STEP_CONNECTION, /* verdict: "attempted", "opened", "closed", "failed"; remote, name, text */
	HISTORY_STEP_HANDSHAKE, /* verdict: "done", "failed"; remote, name: SNI, type: version, list: names, text */
	HISTORY_STEP_JUDGEMENT, /* code, verdict: severity, name: who was judged, text, status, type: who must act */
	HISTORY_STEP_CALL, /* verdict: "connected", "rejected"; status, text */
	HISTORY_STEP_KIND_COUNT
};

struct history_step {
	enum history_step_kind kind;
	bool failing; /* why the search failed, as far as its steps tell; at most one */
	int64_t offset_us; /* since the search began */
	uint64_t duration_us;
	struct span verdict; /* one word, as the record has it: "did-not-match" */
	struct span name;
	struct span type;
	struct span alias;
	struct span zone;
	struct span remote; /* "tls 127.48.36.6:5061" */
	struct span code; /* of a finding */
	struct span text;
	struct record_spans list;
	int32_t priority;
	uint32_t branch, group;
	uint16_t status;
};

struct history_search {
	uint64_t id; /* as the store numbers it; 0: not stored */
	enum history_kind kind;
	bool ended; /* false: under way when it was written */
	bool found;
	bool authenticated;
	int64_t start_us; /* wall clock */
	uint64_t duration_us;
	struct span node;
	struct span serial; /* = proxy-call-id; unique */
	struct span tag;
	struct span call_id;
	struct span method; /* "INVITE", "OPTIONS"; "REGISTER" */
	struct span state; /* of events: "accepted", "rejected", "active", "failed" … */
	struct span source; /* alias; registration: the user; zone: its name */
	struct span destination; /* alias; registration: the contact; zone: the peer */
	struct span zone; /* the request came from it */
	struct span remote; /* "tls 127.48.36.46:28119" */
	struct span variant; /* "standards", "microsoft-av", "microsoft-im" */
	struct span reason; /* phrase of the answer; why an event happened */
	struct span detail;
	struct span finding; /* code of what decided a failure */
	uint16_t status;
	const struct history_step *steps;
	size_t step_count;
	uint32_t steps_cut; /* more steps than are kept */
	uint32_t texts_cut; /* texts that were cut short or left out */
};

/* "search", "registration", "zone"; "transform", "policy" … ; "?" beyond the end. */
const char *history_kind_word(enum history_kind kind);
const char *history_step_word(enum history_step_kind kind);
/* As an Expressway's page says it: "SIP (INVITE)"; "Registration", "Zone". Into ret_text; longer methods are cut. */
#define HISTORY_TYPE_SIZE 48
void history_type_text(const struct history_search *search, char ret_text[HISTORY_TYPE_SIZE]);
/* "Microsoft AV", "Standards-based", "Microsoft SIP IM&P"; what is not known as it stands, absent as "". */
struct span history_variant_text(struct span variant);
/* What the list shows as status: "Found", the reason of the failure ("Server time-out"), the number where there is no
 * reason, "In progress"; of events their state. */
#define HISTORY_STATUS_SIZE 160
void history_status_text(const struct history_search *search, char ret_text[HISTORY_STATUS_SIZE]);

/* ---- as JSON ---- */

struct arena;
struct buffer;
/* One object without a newline: docs/formats.md, "the search history". What is absent, zero or false is left out but
 * for the fields that are always there. 0 or the buffer's failure. */
int history_search_append_json(struct buffer *out, const struct history_search *search);
/* The steps alone, as an array: what the store keeps. */
int history_steps_append_json(struct buffer *out, const struct history_step *steps, size_t count);
/* Reads that array back into the arena; unknown fields are passed over. 0, -EBADMSG (no such array, or more than
 * HISTORY_STEPS_MAXIMUM), -ENOMEM. */
#define HISTORY_STEPS_MAXIMUM 4096
int history_steps_read_json(
	struct arena *arena, struct span text, const struct history_step **ret_steps, size_t *ret_count);
#endif
