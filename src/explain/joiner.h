/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_JOINER_H
#define FEDGE_EXPLAIN_JOINER_H
/* Events into cases: messages into transactions, dialogs and calls, over all boxes and files (docs/explaining.md says
 * by what). Pure. Holds what is open and what failed; a call that ended well is given out and forgotten as soon as
 * memory is wanted, so that memory goes with the calls that are open and not with the size of the files. */
#include "base/hash.h"
#include "explain/case.h"

struct explain_joiner_settings {
	size_t memory_maximum; /* of all that is held; 0: 96 MiB. Beyond it good cases go first, then the oldest failed
				*/
	struct hash_key hash_key; /* random: Call-IDs are chosen by strangers */
	bool keep_good; /* give good cases too (--all); otherwise they are only counted */
	/* A case is whole, or must go: failed ones at the end (or, with `live`, once nothing more is awaited for them),
	 * in the order of their start. Valid during the call, and until the end for what the judge made of it in its
	 * own arena. */
	void (*take)(void *argument, const struct explain_case *c);
	void *argument;
	bool live; /* --follow: give each case as soon as it has been silent for a moment */
};

struct explain_totals {
	uint64_t events;
	uint64_t calls, answered, failed, abandoned, unknown; /* calls only */
	uint64_t others[EXPLAIN_CASE_KIND_COUNT]; /* failed cases of the other kinds */
	uint64_t forgotten; /* cases that had to go for want of memory while something was still awaited */
	int64_t first_us, last_us; /* of all events with a time */
};

struct explain_joiner;
struct explain_joiner *explain_joiner_new(const struct explain_joiner_settings *settings); /* NULL without memory */
struct explain_joiner *explain_joiner_free(struct explain_joiner *joiner); /* NULL, always; accepts NULL */
/* The next event; file by file in order, the files merged by time as far as their clocks agree. line_base and
 * offset_base are added to its place. 0 or -ENOMEM. */
int explain_joiner_add(
	struct explain_joiner *joiner, const struct explain_event *event, uint64_t line_base, uint64_t offset_base);
/* With `live`: the wall clock has come to now_us, what has been silent long enough is given. */
void explain_joiner_wait(struct explain_joiner *joiner, int64_t now_us);
/* Nothing follows: everything is given. 0, or -ENOMEM: then not everything was. */
int explain_joiner_end(struct explain_joiner *joiner);
struct explain_totals explain_joiner_totals(const struct explain_joiner *joiner);
/* The boxes whose clocks were compared; valid until free. */
size_t explain_joiner_clocks(const struct explain_joiner *joiner, const struct explain_clock **ret_clocks);
size_t explain_joiner_asides(const struct explain_joiner *joiner, const struct explain_aside **ret_asides);
#endif
