/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_HISTORY_COLLECT_PRIVATE_H
#define FEDGE_HISTORY_COLLECT_PRIVATE_H
/* The collector from inside: collect.c keeps the searches that are under way, collect_step.c makes steps of records,
 * collect_way.c ties connections and handshakes to searches, collect_end.c says why one failed and gives it. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/list.h"
#include "history/collect.h"
#include "record/pack.h"

#define COLLECT_WAITING_MAXIMUM 16
#define COLLECT_RECENT_MAXIMUM 64
#define COLLECT_TEXT_MAXIMUM 1024 /* bytes of one text; more is cut off */
/* Judgements and the end are kept where all else has reached its maximum. */
#define COLLECT_STEPS_RESERVE 16

/* An address that was sent to and has not answered. */
struct collect_waiting {
	struct record_address remote;
	struct span zone;
	uint32_t branch;
};

struct collect_open {
	struct hash_link link; /* by serial */
	struct list order; /* in collector->open, the oldest first */
	struct history_search search;
	struct history_step *steps; /* = search.steps */
	size_t capacity;
	struct arena arena; /* its texts */
	size_t counted; /* of it in counts.bytes */
	struct collect_waiting waiting[COLLECT_WAITING_MAXIMUM];
	size_t waiting_count;
	struct span zone; /* that was asked last */
	struct record_address source; /* of the request */
	int64_t heard_us;
	int64_t ended_us; /* 0: under way */
	bool is_search; /* otherwise records that nobody has said a search of */
	bool given; /* once already */
};

/* A handshake of somebody who connected to us: his requests come after it. */
struct collect_recent {
	int64_t time_us;
	struct record_address remote;
	struct buffer packed;
};

struct history_collector {
	struct history_collect_settings settings;
	struct history_collect_counts counts;
	struct hash_table by_serial;
	struct list open;
	struct collect_recent recent[COLLECT_RECENT_MAXIMUM];
	size_t next_recent;
	struct record_unpacked unpacked;
};

/* ---- collect.c ---- */

/* It has grown. */
void collect_count(struct history_collector *c, struct collect_open *o);

/* ---- collect_step.c ---- */

/* A copy of the text, cut where it is too long; absent where it does not fit. */
struct span collect_text(struct collect_open *o, struct span text);
/* NULL: no room, counted. */
struct history_step *collect_step(struct collect_open *o, const struct history_collect_settings *settings,
	enum history_step_kind kind, int64_t time_us);
struct span collect_remote(
	struct collect_open *o, enum record_transport transport, const struct record_address *address);
/* All kinds but search and call, which collect.c takes itself. */
void collect_add(struct history_collector *c, struct collect_open *o, const struct record *r);
/* Of connections and handshakes, with what they were tied to. */
void collect_add_way(
	struct history_collector *c, struct collect_open *o, const struct record *r, struct span zone, uint32_t branch);

/* ---- collect_way.c ---- */

/* A connection or handshake: ours to the searches that wait for its address, others' are remembered. */
void collect_way(struct history_collector *c, const struct record *r);
void collect_waits(struct collect_open *o, const struct record_attempt *attempt, struct span zone);
void collect_waits_no_more(struct collect_open *o, const struct record_attempt *attempt);
/* What the caller's own connection said before the search began. */
void collect_arrival(struct history_collector *c, struct collect_open *o, int64_t time_us);
void collect_forget_ways(struct history_collector *c);

/* ---- collect_end.c ---- */

void collect_give(struct history_collector *c, struct collect_open *o);
void collect_give_event(struct history_collector *c, const struct record *r);
#endif
