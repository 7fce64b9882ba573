/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_STAMP_READ_H
#define FEDGE_TRACE_STAMP_READ_H
/* Times as logs write them. Strict: digits where digits belong, a month of the calendar. */
#include "base/span.h"

/* Microseconds since 1970 of a moment of the calendar; out-of-range parts are refused by the callers below. */
int64_t trace_stamp_us(int year, int month, int day, int64_t second_of_day, uint32_t us);
/* "2017-03-02T07:10:46.240000Z" */
bool trace_stamp_read_utc(struct span text, int64_t *ret_us);
/* The front of text: date ("2017-03-02" or, with slashes, "03/02/2017"), one byte, "07:10:46", then '.' or ',' and up
 * to six digits of the second, or none. Gives the bytes used; 0: it is no such time. The zone is the caller's. */
size_t trace_stamp_read(struct span text, bool slashes, int64_t *ret_us);
/* "Z", "+01:00", "-0530": gives the bytes used; 0: none. */
size_t trace_stamp_read_offset(struct span text, int32_t *ret_offset_s);
#endif
