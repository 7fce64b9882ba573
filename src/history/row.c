/* SPDX-License-Identifier: Apache-2.0 */
#include "history/row.h"

#include "base/arena.h"
#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>

#define STEPS_MAXIMUM ((size_t)4 << 20) /* of one entry, as JSON: 400 steps of 1 KiB, escaped */
#define ENTRY_MAXIMUM ((size_t)8 << 20)

struct history_entry {
	struct store_history_row row;
	struct arena arena;
};

static void copy_texts(struct history_entry *entry, const struct history_search *search)
{
#define X(name) entry->row.name = arena_copy(&entry->arena, search->name);
	STORE_HISTORY_TEXTS(X)
#undef X
}

/* Steps that are more than an entry holds are left out, and counted as cut. */
static void copy_steps(struct history_entry *entry, const struct history_search *search)
{
	struct buffer json;
	buffer_init(&json, STEPS_MAXIMUM);
	if (history_steps_append_json(&json, search->steps, search->step_count) == 0)
		entry->row.steps = arena_copy(&entry->arena, buffer_span(&json));
	if (!entry->row.steps.at) {
		entry->row.steps = SPAN("[]");
		entry->row.steps_cut += (uint32_t)search->step_count;
	}
	buffer_done(&json);
}

struct history_entry *history_entry_new(const struct history_search *search)
{
	struct history_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	arena_init(&entry->arena, ENTRY_MAXIMUM);
	entry->row = (struct store_history_row){
		.start_us = search->start_us,
		.duration_us = search->duration_us & INT64_MAX,
		.kind = (uint32_t)search->kind,
		.status = search->status,
		.steps_cut = search->steps_cut,
		.texts_cut = search->texts_cut,
		.ended = search->ended,
		.found = search->found,
		.authenticated = search->authenticated,
	};
	copy_texts(entry, search);
	copy_steps(entry, search);
	return entry;
}

void history_entry_free(struct history_entry *entry)
{
	arena_done(&entry->arena);
	free(entry);
}

const struct store_history_row *history_entry_row(const struct history_entry *entry)
{
	return &entry->row;
}

int history_search_of_row(const struct store_history_row *row, struct arena *arena, struct history_search *ret_search)
{
	struct history_search *search = ret_search;
	*search = (struct history_search){
		.id = row->id,
		.kind = row->kind < HISTORY_KIND_COUNT ? (enum history_kind)row->kind : HISTORY_ZONE,
		.ended = row->ended,
		.found = row->found,
		.authenticated = row->authenticated,
		.start_us = row->start_us,
		.duration_us = row->duration_us,
		.status = (uint16_t)row->status,
		.steps_cut = row->steps_cut,
		.texts_cut = row->texts_cut,
	};
#define X(name) search->name = row->name;
	STORE_HISTORY_TEXTS(X)
#undef X
	if (!row->steps.at)
		return 0;
	return history_steps_read_json(arena, row->steps, &search->steps, &search->step_count);
}

/* ---- what stands in it ---- */

static bool holds(struct span s, struct span text)
{
	for (size_t i = 0; i + text.length <= s.length; i++)
		if (span_starts_nocase(span_from(s, i), text))
			return true;
	return false;
}

bool history_search_holds(const struct history_search *search, struct span stamp, struct span text)
{
	char type[HISTORY_TYPE_SIZE], status[HISTORY_STATUS_SIZE], code[8];
	history_type_text(search, type);
	history_status_text(search, status);
	code[0] = '\0';
	if (search->status)
		snprintf(code, sizeof(code), "%u", (unsigned)search->status);
	const struct span shown[] = { stamp, span_of(type), search->source, search->destination,
		history_variant_text(search->variant), span_of(status), span_of(code), search->call_id, search->serial,
		search->tag, search->zone, search->finding, search->node, search->remote };
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (holds(shown[i], text))
			return true;
	return text.length == 0;
}
