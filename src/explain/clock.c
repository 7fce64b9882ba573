/* SPDX-License-Identifier: Apache-2.0 */
/* How far the clocks of two boxes are apart, by messages that both logged: on the way there the transport adds to the
 * difference, on the way back it takes from it, so half of their sum is the difference itself. Medians, so that a few
 * wrongly matched ones do no harm. */
#include "explain/joiner_private.h"

#include <stdlib.h>

/* ---- whose clock ---- */

static bool is_clock_of(const struct joiner_clocks *c, uint32_t i, const struct explain_event *e)
{
	const struct span name = c->clocks[i].node;
	if (e->node.length == 0)
		return name.length == 0 && c->clocks[i].file == e->place.file;
	return name.length > 0 && span_equal(span_first(e->node, sizeof(c->names[0]) - 1), name);
}

static uint32_t find_clock(struct joiner_clocks *c, const struct explain_event *e)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (is_clock_of(c, i, e))
			return i;
	if (c->count == JOINER_CLOCKS_MAXIMUM)
		return 0;
	uint32_t i = c->count++;
	if (e->node.length > 0) {
		(void)span_copy_to(span_first(e->node, sizeof(c->names[0]) - 1), c->names[i], sizeof(c->names[0]));
		c->clocks[i].node = span_of(c->names[i]);
	}
	c->clocks[i].file = e->place.file;
	return i;
}

static struct joiner_file *file_of(struct explain_joiner *j, uint32_t file)
{
	if (file >= JOINER_FILES_MAXIMUM)
		file = JOINER_FILES_MAXIMUM - 1;
	if (file >= j->file_count) {
		uint32_t count = file < 16 ? 16 : file * 2;
		struct joiner_file *files = realloc(j->files, count * sizeof(*files));
		if (!files)
			return NULL;
		memset(files + j->file_count, 0, (count - j->file_count) * sizeof(*files));
		j->files = files;
		j->file_count = count;
	}
	return &j->files[file];
}

uint32_t joiner_clock_of(struct explain_joiner *j, const struct explain_event *event)
{
	struct joiner_file *file = file_of(j, event->place.file);
	if (!file)
		return 0;
	if (event->time_us) {
		if (!file->first_us || event->time_us < file->first_us)
			file->first_us = event->time_us;
		if (event->time_us > file->last_us)
			file->last_us = event->time_us;
	}
	if (!file->has_clock || !is_clock_of(&j->clocks, file->clock, event)) {
		file->clock = find_clock(&j->clocks, event);
		file->has_clock = true;
	}
	return file->clock;
}

/* ---- measures ---- */

static struct joiner_pair *pair_of(struct joiner_clocks *c, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < c->pair_count; i++)
		if (c->pairs[i]->a == a && c->pairs[i]->b == b)
			return c->pairs[i];
	if (c->pair_count == JOINER_PAIRS_MAXIMUM)
		return NULL;
	struct joiner_pair *pair = calloc(1, sizeof(*pair));
	if (!pair)
		return NULL;
	pair->a = a;
	pair->b = b;
	return c->pairs[c->pair_count++] = pair;
}

void joiner_clock_measure(
	struct explain_joiner *j, const struct joiner_entry *sent, const struct joiner_entry *received)
{
	struct joiner_clocks *c = &j->clocks;
	int64_t there = sent->event->time_us, here = received->event->time_us;
	if (sent->clock == received->clock || !there || !here)
		return;
	bool forth = sent->clock < received->clock;
	struct joiner_pair *pair =
		pair_of(c, forth ? sent->clock : received->clock, forth ? received->clock : sent->clock);
	if (!pair)
		return;
	int64_t apart = forth ? here - there : there - here;
	if (forth)
		pair->forth[pair->forth_count++ % JOINER_MEASURES_MAXIMUM] = apart;
	else
		pair->back[pair->back_count++ % JOINER_MEASURES_MAXIMUM] = apart;
	c->is_stale = true;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

struct summary {
	int64_t median, range; /* range: of the middle half */
	uint32_t count;
};

static struct summary summary_of(const int64_t *measures, uint32_t count)
{
	int64_t sorted[JOINER_MEASURES_MAXIMUM];
	if (count > JOINER_MEASURES_MAXIMUM)
		count = JOINER_MEASURES_MAXIMUM;
	if (count == 0)
		return (struct summary){ 0 };
	memcpy(sorted, measures, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	return (struct summary){ sorted[count / 2], sorted[count - 1 - count / 4] - sorted[count / 4], count };
}

/* b's clock less a's. */
static struct summary apart(const struct joiner_pair *pair)
{
	struct summary forth = summary_of(pair->forth, pair->forth_count);
	struct summary back = summary_of(pair->back, pair->back_count);
	if (!forth.count || !back.count)
		return forth.count ? forth : back;
	int64_t way = (forth.median - back.median) / 2;
	int64_t range = forth.range > back.range ? forth.range : back.range;
	return (struct summary){ back.median + way, range > (way < 0 ? -way : way) ? range : (way < 0 ? -way : way),
		forth.count + back.count };
}

/* ---- offsets ---- */

#define ZONE_STEP_US (INT64_C(15) * 60 * 1000000)
#define ZONE_SLACK_US (INT64_C(150) * 1000000)

/* Clocks go wrong by any amount, time zones by quarters of an hour: what is near enough to one is a log written in
 * local time. */
static int32_t zone_of(int64_t offset_us)
{
	int64_t quarters = (offset_us + (offset_us < 0 ? -ZONE_STEP_US : ZONE_STEP_US) / 2) / ZONE_STEP_US;
	int64_t rest = offset_us - quarters * ZONE_STEP_US;
	if (quarters == 0 || quarters > 14 * 4 || quarters < -14 * 4 || rest > ZONE_SLACK_US || rest < -ZONE_SLACK_US)
		return 0;
	return (int32_t)(quarters * (ZONE_STEP_US / 1000000));
}

/* What is no more than the measures differ among themselves is no difference. */
static void set_clock(struct explain_clock *clock, int64_t offset_us, struct summary s)
{
	if (offset_us <= s.range + 1000 && offset_us >= -s.range - 1000)
		offset_us = 0;
	clock->offset_us = offset_us;
	clock->spread_us = s.range;
	clock->measures = s.count;
	clock->zone_s = zone_of(offset_us);
}

/* One step from a box that is known to one that is not; false where there is none. */
static bool spread_out(struct joiner_clocks *c, bool *known)
{
	bool found = false;
	for (uint32_t i = 0; i < c->pair_count; i++) {
		const struct joiner_pair *pair = c->pairs[i];
		if (known[pair->a] == known[pair->b])
			continue;
		struct summary s = apart(pair);
		if (known[pair->a])
			set_clock(&c->clocks[pair->b], c->clocks[pair->a].offset_us - s.median, s);
		else
			set_clock(&c->clocks[pair->a], c->clocks[pair->b].offset_us + s.median, s);
		known[pair->a] = known[pair->b] = found = true;
	}
	return found;
}

void joiner_clocks_reckon(struct joiner_clocks *c)
{
	bool known[JOINER_CLOCKS_MAXIMUM] = { false };
	if (!c->is_stale)
		return;
	c->is_stale = false;
	for (uint32_t i = 0; i < c->count; i++) {
		if (known[i])
			continue;
		/* Of boxes that have nothing in common with those before them the first is taken as right. */
		known[i] = true;
		set_clock(&c->clocks[i], 0, (struct summary){ 0 });
		while (spread_out(c, known))
			;
	}
}

int64_t joiner_clock_offset(struct explain_joiner *j, uint32_t clock)
{
	joiner_clocks_reckon(&j->clocks);
	return clock < j->clocks.count ? j->clocks.clocks[clock].offset_us : 0;
}

void joiner_clocks_done(struct joiner_clocks *c)
{
	for (uint32_t i = 0; i < c->pair_count; i++)
		free(c->pairs[i]);
	c->pair_count = 0;
}
