/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_RING_H
#define FEDGE_BASE_RING_H
/* A bounded queue of byte records between exactly two threads, one that writes and one that
 * reads; no locks. What does not fit is refused and counted by the ring. */
#include "base/span.h"

#include <stdatomic.h>

struct ring {
	char *bytes;
	size_t capacity; /* a power of two */
	_Alignas(64) _Atomic size_t head; /* written by the writer */
	_Alignas(64) _Atomic size_t tail; /* written by the reader */
	_Alignas(64) _Atomic uint64_t refused; /* records that did not fit, ever */
};

int ring_init(struct ring *r, size_t capacity); /* rounded up to a power of two */
void ring_done(struct ring *r);
/* The parts are written one after the other as one record. 0 or -ENOBUFS. */
int ring_write(struct ring *r, const struct span *parts, size_t part_count);
/* The oldest record in place; absent where the ring is empty. It stays valid until ring_release. */
struct span ring_peek(struct ring *r);
void ring_release(struct ring *r);
#endif
