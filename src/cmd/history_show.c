/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/require.h"
#include "cmd/history_command.h"
#include "cmd/stop.h"
#include "history/page.h"
#include "history/row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LIST_BYTES ((size_t)1 << 30) /* of all texts of a list */
#define ENTRY_BYTES ((size_t)64 << 20)
#define OUTPUT_BYTES ((size_t)64 << 20)
#define POLL_NS 200000000
#define PENDING_MAXIMUM 4096 /* searches under way that --follow waits for */

struct shown {
	struct history_command *command;
	struct arena arena; /* texts of a list; steps of one entry */
	struct history_search *entries; /* of a list */
	size_t count, capacity;
	struct history_columns columns;
	struct buffer out;
	uint64_t newest_id;
	uint64_t *pending;
	size_t pending_count;
	int status;
};

/* ---- one entry ---- */

static void flush(struct shown *s)
{
	if (s->out.status < 0)
		s->status = s->out.status;
	fwrite(s->out.at ? s->out.at : "", 1, s->out.length, s->command->line->output);
	buffer_clear(&s->out);
}

static bool fits(const struct history_command *c, const struct history_search *search)
{
	char stamp[HISTORY_STAMP_SIZE];
	history_stamp_text(&c->style, search->start_us, stamp);
	return !c->search.length || history_search_holds(search, span_first(span_of(stamp), 19), c->search);
}

/* The entry of a row, without steps where they cannot be read (a damaged file). */
static bool read_row(struct shown *s, const struct store_history_row *row, struct history_search *ret_search)
{
	int status = history_search_of_row(row, &s->arena, ret_search);
	if (status == -EBADMSG)
		ret_search->texts_cut++;
	else if (status < 0)
		s->status = status;
	return s->status == 0 && fits(s->command, ret_search);
}

static void print_json(struct shown *s, const struct history_search *search)
{
	history_search_append_json(&s->out, search);
	buffer_append_byte(&s->out, '\n');
	flush(s);
}

static bool visit_json(void *argument, const struct store_history_row *row)
{
	struct shown *s = argument;
	struct history_search search;
	arena_reset(&s->arena);
	if (read_row(s, row, &search)) {
		print_json(s, &search);
		s->count++;
	}
	return s->status == 0 && s->count < s->command->limit;
}

static bool visit_tree(void *argument, const struct store_history_row *row)
{
	struct shown *s = argument;
	struct history_search search;
	if (read_row(s, row, &search)) {
		history_tree_append(&s->out, &search, &s->command->style);
		flush(s);
		s->count++;
	}
	return false;
}

/* ---- a list ---- */

static bool keep(struct shown *s, const struct history_search *search)
{
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? s->capacity * 2 : 256;
		struct history_search *entries = realloc(s->entries, capacity * sizeof(*entries));
		if (!entries)
			return false;
		s->entries = entries;
		s->capacity = capacity;
	}
	struct history_search *kept = &s->entries[s->count++];
	*kept = *search;
#define X(name)                                                                                                        \
	kept->name = arena_copy(&s->arena, search->name);                                                              \
	if (!kept->name.at && search->name.at)                                                                         \
		return false;
	STORE_HISTORY_TEXTS(X)
#undef X
	return true;
}

static bool visit_list(void *argument, const struct store_history_row *row)
{
	struct shown *s = argument;
	struct history_search search;
	if (!read_row(s, row, &search))
		return s->status == 0;
	history_list_measure(&s->columns, &search);
	if (!keep(s, &search))
		s->status = -ENOMEM;
	return s->status == 0 && s->count < s->command->limit;
}

static void print_line(struct shown *s, const struct history_search *search)
{
	if (s->command->json) {
		print_json(s, search);
		return;
	}
	history_list_append(&s->out, search, &s->columns, &s->command->style);
	flush(s);
}

static void print_list(struct shown *s)
{
	for (size_t i = 0; i < s->count; i++)
		print_line(s, &s->entries[s->command->follow ? s->count - 1 - i : i]);
}

/* ---- as it grows ---- */

static bool visit_new(void *argument, const struct store_history_row *row)
{
	struct shown *s = argument;
	struct history_search search;
	arena_reset(&s->arena);
	if (row->id > s->newest_id)
		s->newest_id = row->id;
	if (!row->ended) {
		if (s->pending_count < PENDING_MAXIMUM)
			s->pending[s->pending_count++] = row->id;
		return true;
	}
	if (read_row(s, row, &search)) {
		history_list_measure(&s->columns, &search);
		print_line(s, &search);
	}
	return s->status == 0;
}

/* What was under way is looked at again; what still is, or cannot be looked at now, goes back into the list. */
static int look_at_pending(struct shown *s)
{
	struct store_history_query query = s->command->query;
	size_t count = s->pending_count;
	int status = 0;
	s->pending_count = 0;
	for (size_t i = 0; i < count; i++) {
		query.id = s->pending[i];
		if (status == 0)
			status = store_history_find(s->command->store, &query, visit_new, s);
		if (status < 0)
			s->pending[s->pending_count++] = query.id;
	}
	return status;
}

static int look_for_new(struct shown *s)
{
	struct store_history_query query = s->command->query;
	query.oldest_first = true;
	query.above_id = s->newest_id;
	query.failed = false; /* one under way is no failure yet */
	int status = look_at_pending(s);
	return status < 0 ? status : store_history_find(s->command->store, &query, visit_new, s);
}

/* A database that went away comes back: whoever follows waits for it. */
static int wait_for_store(const struct shown *s, int status, bool *is_away)
{
	if (status != -ENOTCONN && status < 0)
		return status;
	if (status < 0 && !*is_away)
		fprintf(s->command->line->errors, "fedge history: %s; waiting for it\n",
			store_history_error(s->command->store));
	*is_away = status < 0;
	return 0;
}

static int follow(struct shown *s)
{
	bool is_away = false;
	struct command_stop stop;
	struct timespec pause = { .tv_nsec = POLL_NS };
	int status = command_stop_begin(&stop);
	if (status < 0)
		return status;
	s->pending = calloc(PENDING_MAXIMUM, sizeof(*s->pending));
	status = s->pending ? 0 : -ENOMEM;
	while (status == 0 && s->status == 0 && !command_stop_asked(&stop)) {
		fflush(s->command->line->output);
		nanosleep(&pause, NULL);
		status = wait_for_store(s, look_for_new(s), &is_away);
	}
	free(s->pending);
	command_stop_end(&stop);
	return status;
}

/* ---- all of it ---- */

static int begin_follow(struct shown *s)
{
	struct store_history_size size = { .newest_id = 0 };
	int status = store_history_size(s->command->store, &size);
	s->newest_id = size.newest_id;
	s->command->query.with_steps = s->command->json;
	return status;
}

static int show(struct shown *s)
{
	struct history_command *c = s->command;
	if (c->follow) {
		int status = begin_follow(s);
		if (status < 0)
			return status;
	}
	if (c->json && !c->follow) {
		c->query.with_steps = true;
		return store_history_find(c->store, &c->query, visit_json, s);
	}
	if (c->query.id) {
		c->query.with_steps = true;
		return store_history_find(c->store, &c->query, visit_tree, s);
	}
	int status = store_history_find(c->store, &c->query, visit_list, s);
	if (status == 0)
		print_list(s);
	return status == 0 && c->follow ? follow(s) : status;
}

int history_command_show(struct history_command *c)
{
	struct shown s = { .command = c };
	arena_init(&s.arena, c->query.id || c->json ? ENTRY_BYTES : LIST_BYTES);
	buffer_init(&s.out, OUTPUT_BYTES);
	int status = show(&s);
	int code = COMMAND_GOOD;
	if (s.status < 0)
		code = command_fail(c->line, COMMAND_UNDECIDED, "cannot show it: %s", strerror(-s.status));
	else if (status < 0)
		code = command_fail(c->line, COMMAND_UNDECIDED, "%s", store_history_error(c->store));
	else if (c->query.id && s.count == 0)
		code = command_fail(c->line, COMMAND_UNDECIDED, "there is no entry %llu (any more)",
			(unsigned long long)c->query.id);
	arena_done(&s.arena);
	buffer_done(&s.out);
	free(s.entries);
	return code;
}
