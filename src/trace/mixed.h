/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_MIXED_H
#define FEDGE_TRACE_MIXED_H
/* Text of several kinds, or damaged: through the mender, then through the strict readers. */
#include "trace/reader_private.h"

/* Reads as much of the text as can be read without what follows it, all of it if nothing does (last); moves reader's
 * offset and line. Gives the bytes used. */
size_t trace_mixed_read(struct trace_reader *reader, struct span text, bool last);
/* Of the records given so far, how many were mended. */
uint64_t trace_mixed_mended(const struct trace_reader *reader);
#endif
