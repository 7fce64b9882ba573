/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_HISTORY_ROW_H
#define FEDGE_HISTORY_ROW_H
/* Between an entry and a row of the store. */
#include "history/search.h"
#include "store/history.h"

/* A copy of an entry as a row, with its texts. NULL without memory. */
struct history_entry;
struct history_entry *history_entry_new(const struct history_search *search);
void history_entry_free(struct history_entry *entry);
const struct store_history_row *history_entry_row(const struct history_entry *entry);

/* From a row back to an entry: borrows the row's texts, steps lie in the arena. 0, or those of history_steps_read_json;
 * then the entry is whole but for its steps. */
struct arena;
int history_search_of_row(const struct store_history_row *row, struct arena *arena, struct history_search *ret_search);
/* The text stands in what is shown of the entry, or in its Call-ID, serial, tag, zone or finding; ASCII letters match
 * whatever their case. stamp: its time as it is shown. An empty text is in every entry. */
bool history_search_holds(const struct history_search *search, struct span stamp, struct span text);
#endif
