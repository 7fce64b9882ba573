/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_BULK_LIST_H
#define FEDGE_CHECK_BULK_LIST_H
/* A list of domains, one a line, as people write them: UTF-8 with or without a byte order mark, any line ends, blanks
 * around, # comments, empty lines. Read in pieces; a line may be endless. Knows nothing of domain names: a line that is
 * none is given out like the others. */
#include "base/span.h"

#include <stdio.h>

/* No domain is longer: 253 characters in A-labels are fewer bytes than this in UTF-8. Of a longer line the beginning is
 * given out, one byte more than this. */
#define BULK_LINE_MAXIMUM 1024
#define BULK_PIECE_SIZE ((size_t)64 * 1024)

struct bulk_list {
	FILE *file;
	int descriptor; /* of what is no plain file and is waited for by poll; else -1 */
	char *piece;
	size_t piece_length, piece_at;
	char line[BULK_LINE_MAXIMUM + 1];
	size_t length;
	bool in_comment, is_first, ended;
};

/* From where the file stands. Where it is a pipe or a terminal, nothing of it may have been read by stdio. 0 or
 * -ENOMEM. */
int bulk_list_open(struct bulk_list *list, FILE *file);
void bulk_list_close(struct bulk_list *list); /* the file stays the caller's; may be called twice */

/* 1: *ret_typed is the next line that says something, valid until the next call. 0: the end. -EAGAIN: a pipe has
 * nothing to read now (wait for list->descriptor). -EILSEQ: UTF-16. Else what reading failed with. */
int bulk_list_next(struct bulk_list *list, struct span *ret_typed);

/* How many lines bulk_list_next will give; the file stands where it stood. 0: not known (a pipe). Negative: it cannot
 * be read. */
int64_t bulk_list_count(FILE *file);
#endif
