/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_WHOLE_H
#define FEDGE_TRACE_WHOLE_H
/* A file as people have it: read strictly, and where that leaves something unread, mended and read again
 * (docs/formats.md, "Damaged text"). Used like a trace_reader and for every kind: what is no text (captures, HEP) goes
 * straight through to its reader. Opens nothing and judges nothing.
 *
 * A text up to TRACE_WHOLE_MAXIMUM is held until its end: only then is it known whether it is damaged throughout and
 * has to be mended as one, and its records come during trace_whole_end. A longer one, and every stream, is read as it
 * comes: the records that the strict reader understands come at once, and only the lines it does not understand, with
 * the record before them, go to the mender. Memory: the text that is held, and what the readers hold.
 *
 * A record of mended text has its place in the text as it stood in the file: line, offset and raw are what a person
 * sees there, damages and all. */
#include "trace/reader.h"

#define TRACE_WHOLE_MAXIMUM (8u << 20)

struct trace_whole;
/* settings as for trace_reader_new, kind too: forced or detected. is_stream: this is a part of a larger file, or a file
 * that is followed; nothing is held until its end. NULL without memory, or for a kind that cannot be read. */
struct trace_whole *trace_whole_new(const struct trace_reader_settings *settings, bool is_stream);
struct trace_whole *trace_whole_free(struct trace_whole *whole); /* NULL, always; accepts NULL */
/* The next piece, of any size. 0 or -ENOMEM. */
int trace_whole_feed(struct trace_whole *whole, struct span piece);
/* Nothing follows: what was held is read, what was held back is given. Once. 0 or -ENOMEM. */
int trace_whole_end(struct trace_whole *whole);
/* Complete after trace_whole_end. Each line counts once, however often it was read. */
const struct trace_reader_counts *trace_whole_counts(const struct trace_whole *whole);
/* How many of the records come from text that had to be mended. */
uint64_t trace_whole_mended(const struct trace_whole *whole);
#endif
