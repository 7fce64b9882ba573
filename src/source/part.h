/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_PART_H
#define FEDGE_SOURCE_PART_H
/* What the two ways to read a part of a file share: cut (part_cut.c) and from front to end (part_on.c). */
#include "source/private.h"
#include "trace/whole.h"

/* ---- under the lock ---- */
/* What the boiled records of one part may take. */
size_t source_part_share(const struct source *source);
/* Whether the lane's reader may hold what it was fed until it knows more. */
bool source_part_may_be_held(const struct source *source, const struct source_lane *lane);
/* A batch for so many bytes of the file, the last of the lane's; NULL without memory. */
struct source_batch *source_part_begin(struct source *source, struct source_lane *lane, size_t length);
/* It is done; the lane as well where something ended it. */
void source_part_finish(struct source *source, struct source_lane *lane, struct source_batch *batch);
/* Nothing more is read of the lane that this worker holds. */
void source_part_end_lane(struct source *source, struct source_lane *lane, int status);
/* ---- without it ---- */
/* Its records go where `filling` says; it is borrowed. NULL without memory. */
struct trace_whole *source_part_reader(struct source_filling *filling, bool is_stream);
/* Reads the next part of the lane that this worker holds, about so long, and gives the lane up. */
void source_part_run_cut(struct source *source, struct source_lane *lane, size_t length, char *piece);
void source_part_run_on(struct source *source, struct source_lane *lane, size_t length, char *piece);
#endif
