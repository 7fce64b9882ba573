/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_EVIDENCE_H
#define FEDGE_LAB_EVIDENCE_H
/* Reads the logs of a lab after its hosts have stopped: does a mark of the scenario table stand
 * there, and which finding decided? Looks at the texts as a person with grep would (so that a log
 * proves what it says, not what our own reader makes of it); changes nothing. */
#include "base/buffer.h"
#include "lab/place.h"
#include "lab/scenario.h"

/* Cuts a log into its records: returns the next one and moves *rest behind it; absent at the end.
 * A record begins at a line that looks like the head of the format's records: a date
 * (expressway), "TL_" (sipstack), a time and a packet's first line (uccapi), any line (json). */
struct span lab_evidence_record(struct span *rest, const char *format);

/* A call through the meeting server has two: the caller's and the one it goes on as. */
struct lab_call_ids {
	char first[256];
	char second[256]; /* "": it did not come so far */
};
/* Fills in the second one from what the meeting server said of its calls (JSON lines on its terminal). */
void lab_evidence_bridged_in(struct span said, struct lab_call_ids *ids);
int lab_evidence_bridged(const struct lab_place *place, struct lab_call_ids *ids);

/* True where one record has it all: a Call-ID of the call and whatever the mark asks for. */
bool lab_evidence_has(struct span log, const struct lab_mark *mark, const struct lab_call_ids *ids);

/* The same in the place's own files. -ENOENT and the like where the log cannot be read; 0: it is
 * not there; 1: it is. */
int lab_evidence_find(const struct lab_place *place, const struct lab_mark *mark, const struct lab_call_ids *ids);

/* Has vcsc written that its traversal zone is active, and since then not that it is not? */
bool lab_evidence_traversal_stands(const struct lab_place *place);

#define LAB_CODE_MAXIMUM 64
/* The code of the finding that refused the call's INVITE, from the judgements in a json log (JSON
 * lines of trace/) that name a Call-ID of it and the status chosen by them. One that only repeats that
 * the peer gave no reason ("peer-answered") counts only where there is no other. True where one was
 * found. */
bool lab_evidence_finding_in(struct span log, const struct lab_call_ids *ids, char ret_code[LAB_CODE_MAXIMUM]);
/* Appends a line for each request within the call (ACK, BYE, …) that a node refused: a call that
 * was let in must stand. */
void lab_evidence_broken_in(struct span log, const struct lab_call_ids *ids, struct buffer *ret_lines);
/* Both over the json logs of all nodes of the place. "" where the INVITE was not refused. */
int lab_evidence_finding(const struct lab_place *place, const struct lab_call_ids *ids, char ret_code[LAB_CODE_MAXIMUM],
	struct buffer *ret_lines);

/* The last lines of every log and of what the hosts said, for a person who wonders. */
int lab_evidence_tails(const struct lab_place *place, size_t lines, struct buffer *b);
#endif
