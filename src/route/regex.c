/* SPDX-License-Identifier: Apache-2.0 */
#include "route/regex.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A backtracking explosion must end early. Plain patterns need a few hundred steps for the longest alias. */
#define MATCH_LIMIT 20000
#define DEPTH_LIMIT 1000

struct route_regex {
	pcre2_code *code;
};

/* ---- compiling ---- */

static const uint32_t OPTIONS = PCRE2_CASELESS | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C;

int route_regex_new(
	struct span pattern, struct route_regex **ret_regex, size_t *ret_offset, char *ret_why, size_t capacity)
{
	int error;
	PCRE2_SIZE offset;
	struct route_regex *regex = malloc(sizeof(*regex));
	if (!regex)
		return -ENOMEM;
	PCRE2_SPTR text = (PCRE2_SPTR)(pattern.at ? pattern.at : "");
	regex->code = pcre2_compile(text, pattern.length, OPTIONS, &error, &offset, NULL);
	if (!regex->code) {
		free(regex);
		*ret_offset = offset;
		if (pcre2_get_error_message(error, (PCRE2_UCHAR *)ret_why, capacity) < 0)
			snprintf(ret_why, capacity, "error %d of PCRE2", error);
		return -EINVAL;
	}
	pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE); /* without JIT it still works */
	*ret_regex = regex;
	return 0;
}

struct route_regex *route_regex_free(struct route_regex *regex)
{
	if (regex)
		pcre2_code_free(regex->code);
	free(regex);
	return NULL;
}

/* ---- memory of matches ---- */

/* PCRE2 asks for little (a table of groups), and that comes out of the arena. Only where there is no JIT it wants
 * frames to backtrack in, which grow and are given back: these come from the heap. */
#define SMALL 4096
struct block {
	size_t on_heap;
	alignas(max_align_t) char bytes[];
};

static void *block_allocate(size_t size, void *argument)
{
	struct arena *arena = argument;
	bool small = size <= SMALL;
	struct block *block = small ? arena_allocate(arena, sizeof(*block) + size) : malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->on_heap = !small;
	return block->bytes;
}

static void block_free(void *bytes, void *argument)
{
	(void)argument;
	if (!bytes)
		return;
	struct block *block = (struct block *)(void *)((char *)bytes - offsetof(struct block, bytes));
	if (block->on_heap)
		free(block);
}

/* PCRE2's match context goes by this name. */
struct route_limits *route_limits_new(void)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	if (limits) {
		pcre2_set_match_limit(limits, MATCH_LIMIT);
		pcre2_set_depth_limit(limits, DEPTH_LIMIT);
	}
	return (struct route_limits *)limits;
}

struct route_limits *route_limits_free(struct route_limits *limits)
{
	pcre2_match_context_free((pcre2_match_context *)limits);
	return NULL;
}

void route_room_init(struct route_room *room, const struct route_limits *limits, struct arena *arena)
{
	*room = (struct route_room){ .arena = arena, .limits = limits };
}

void route_room_done(struct route_room *room)
{
	pcre2_match_data_free(room->data);
	pcre2_general_context_free(room->memory);
	route_room_init(room, room->limits, room->arena);
}

static bool room_open(struct route_room *room)
{
	room->memory = pcre2_general_context_create(block_allocate, block_free, room->arena);
	if (!room->memory)
		return false;
	room->data = pcre2_match_data_create(ROUTE_GROUPS, room->memory);
	return room->data != NULL;
}

/* ---- matching ---- */

static void groups_of(pcre2_match_data *data, int count, struct span alias, struct route_groups *groups)
{
	const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(data);
	groups->alias = alias;
	groups->count = count == 0 ? ROUTE_GROUPS : (uint32_t)count; /* 0: there are more than we ask for */
	memcpy(groups->offsets, offsets, 2 * groups->count * sizeof(*offsets));
}

int route_regex_match(
	const struct route_regex *regex, struct route_room *room, struct span alias, struct route_groups *ret_groups)
{
	if (alias.length > ROUTE_ALIAS_MAXIMUM)
		return ROUTE_TOO_COSTLY;
	if (!room->data && !room_open(room))
		return -ENOMEM;
	PCRE2_SPTR text = (PCRE2_SPTR)(alias.at ? alias.at : "");
	pcre2_match_context *limits = (pcre2_match_context *)(uintptr_t)room->limits; /* only read */
	int count = pcre2_match(regex->code, text, alias.length, 0, 0, room->data, limits);
	if (count == PCRE2_ERROR_NOMATCH)
		return ROUTE_DID_NOT_MATCH;
	if (count == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	if (count < 0)
		return ROUTE_TOO_COSTLY;
	if (ret_groups)
		groups_of(room->data, count, alias, ret_groups);
	return ROUTE_CONSIDERED;
}

/* ---- replacing ---- */

static struct span group_text(const struct route_groups *groups, uint32_t group)
{
	if (group >= groups->count || groups->offsets[2 * group] == PCRE2_UNSET)
		return SPAN("");
	size_t start = groups->offsets[2 * group], end = groups->offsets[2 * group + 1];
	/* \K inside a look-around can put the start behind the end. */
	return start <= end ? span_make(groups->alias.at + start, end - start) : SPAN("");
}

/* One character of the text, or what stands for a backslash and the character after it. */
static struct span piece_next(struct span text, size_t *at, const struct route_groups *groups)
{
	if (text.at[*at] != '\\' || *at + 1 == text.length)
		return span_make(text.at + (*at)++, 1);
	const char *next = text.at + *at + 1;
	*at += 2;
	return *next >= '0' && *next <= '9' ? group_text(groups, (uint32_t)(*next - '0')) : span_make(next, 1);
}

int route_regex_fill(struct span text, const struct route_groups *groups, struct arena *arena, struct span *ret_alias)
{
	char filled[ROUTE_ALIAS_MAXIMUM];
	size_t length = 0;
	for (size_t i = 0; i < text.length;) {
		struct span piece = piece_next(text, &i, groups);
		if (piece.length > sizeof(filled) - length)
			return ROUTE_TOO_COSTLY;
		if (piece.length)
			memcpy(filled + length, piece.at, piece.length);
		length += piece.length;
	}
	*ret_alias = arena_copy(arena, span_make(filled, length));
	return ret_alias->at ? ROUTE_CONSIDERED : -ENOMEM;
}
