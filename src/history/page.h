/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_HISTORY_PAGE_H
#define FEDGE_HISTORY_PAGE_H
/* What list.c and tree.c share. */
#include "base/clock.h"
#include "history/tree.h"

/* "2017-03-08 15:42:02.123" */
#define HISTORY_STAMP_SIZE 32
void history_stamp_text(const struct history_style *style, int64_t time_us, char ret_text[HISTORY_STAMP_SIZE]);
#endif
