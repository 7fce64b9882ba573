/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_RECORD_PACK_H
#define FEDGE_RECORD_PACK_H
/* A record as flat bytes, for a ring between two threads of one process (the layout is the
 * compiler's, so the bytes never leave the process). Packing copies nothing: it names the parts,
 * ring_write() copies them, which is the only copy a record costs the worker. */
#include "base/buffer.h"
#include "record/record.h"

/* The fixed part, 18 spans at most, and two lists with all their texts. */
#define RECORD_PACK_PARTS (24 + 3 * RECORD_LIST_MAXIMUM)

struct record_pack {
	uint32_t prefix[4];
	struct span parts[RECORD_PACK_PARTS];
	size_t part_count;
};
/* The parts borrow from *r and from *pack itself. */
void record_pack(const struct record *r, struct record_pack *ret_pack);
/* The same, as one piece at the end of a buffer. */
int record_pack_to(const struct record *r, struct buffer *b);

/* A record that was packed. It borrows from the bytes and from its own storage, so it is not
 * to be copied by assignment. */
struct record_unpacked {
	struct record record;
	struct span spans[RECORD_LIST_MAXIMUM];
	struct record_pair pairs[RECORD_LIST_MAXIMUM];
};
/* 0, or -EBADMSG for bytes that record_pack cannot have made. */
int record_unpack(struct span bytes, struct record_unpacked *ret_record);
/* Only the time, for merging; INT64_MIN for bytes that are too short. */
int64_t record_pack_time_us(struct span bytes);
#endif
