/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_SAVE_BASE64_H
#define FEDGE_CHECK_SAVE_BASE64_H
/* RFC 4648 section 4, with padding and without line ends. One text for the same bytes, and only that one is read. */
#include "base/arena.h"
#include "base/buffer.h"

int save_base64_write(struct span bytes, struct buffer *out);
/* Into the arena. 0, -EBADMSG, -ENOMEM. */
int save_base64_read(struct span text, struct arena *arena, struct span *ret_bytes);
#endif
