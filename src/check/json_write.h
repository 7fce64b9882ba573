/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_JSON_WRITE_H
#define FEDGE_CHECK_JSON_WRITE_H
/* A JSON value as text in one line, without blanks: what json_dumps with JSON_COMPACT says, at a quarter of its price,
 * which in a bulk run is a twentieth of everything. For values that we built ourselves: follows them as deep as they
 * are. */
#include "base/buffer.h"

#include <jansson.h>

/* 0, -ENOMEM or the buffer's failure; value NULL (no memory to build it): -ENOMEM. */
int check_json_write(const json_t *value, struct buffer *out);
/* The same and a newline; the reference is this function's. */
int check_json_line(json_t *value, struct buffer *out);
#endif
