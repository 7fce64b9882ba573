/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/event_private.h"

static bool is_evidence(const struct explain_event *e)
{
	return e->kind != RECORD_MESSAGE || e->message.status >= 300 || e->message.is_damaged;
}

static struct explain_place place_of(const struct explain_seen *seen)
{
	return (struct explain_place){ .file = seen->file,
		.counts_packets = seen->counts_packets,
		.is_summary = seen->is_summary,
		.line = seen->line,
		.offset = seen->offset };
}

/* The year 10000: what lies beyond it, or before 1970, is no time of a log, and times are reckoned with. */
#define TIME_END_US INT64_C(253402300800000000)

static int64_t time_of(const struct record *r)
{
	return r->head.time_us > 0 && r->head.time_us < TIME_END_US ? r->head.time_us : 0;
}

const struct explain_event *explain_boil(
	const struct record *r, const struct explain_seen *seen, struct arena *arena, bool *ret_full)
{
	/* Only what is written is touched: the reading is large, most messages need little of it. */
	struct explain_reading reading;
	struct explain_event *e = &reading.event;
	*ret_full = false;
	*e = (struct explain_event){ .kind = r->kind,
		.time_us = time_of(r),
		.connection = r->head.connection,
		.correlation = r->head.correlation,
		.node = r->head.node,
		.serial = r->head.serial,
		.tag = r->head.tag,
		.place = place_of(seen) };
	if (r->kind == RECORD_MESSAGE) {
		if (!explain_message_read(r, &reading))
			return NULL;
	} else {
		if (!explain_record_tells(r))
			return NULL;
		e->record = r;
	}
	if (is_evidence(e))
		e->place.quote = span_first(seen->raw, EXPLAIN_QUOTE_MAXIMUM);
	const struct explain_event *boiled = explain_event_copy(e, arena);
	*ret_full = !boiled;
	return boiled;
}
