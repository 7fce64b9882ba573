/* SPDX-License-Identifier: Apache-2.0 */
/* A problem for programs; docs/formats.md lists every field. Names are stable: new ones may come, none goes. */
#include "base/clock.h"
#include "explain/ladder.h"
#include "explain/render.h"
#include "finding/json.h"
#include "record/field.h"

#include <errno.h>
#include <stdlib.h>

#define LADDER_ARENA_MAXIMUM (16u << 20)

/* Setting in a NULL object fails and drops the value, so memory is asked about once, at the end. */
static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

/* null where it is absent or empty. */
static void set_text(json_t *object, const char *name, struct span text)
{
	set(object, name, text.length > 0 ? finding_json_text(text) : json_null());
}

static void set_time(json_t *object, const char *name, int64_t wall_us)
{
	char text[40];
	size_t length = wall_us ? clock_format_utc(wall_us, text, sizeof(text)) : 0;
	set(object, name, length ? json_stringn(text, length) : json_null());
}

/* ---- parts ---- */

static json_t *place_json(const struct explain_event *e, const struct explain_style *style)
{
	json_t *object = json_object();
	set_text(object, "file", style->file_name(style->argument, e->place.file));
	set(object, e->place.counts_packets ? "packet" : "line", json_integer((json_int_t)e->place.line));
	return object;
}

static json_t *places_json(const struct explain_step *step, const struct explain_style *style)
{
	json_t *list = json_array();
	json_array_append_new(list, place_json(step->event, style));
	if (step->second)
		json_array_append_new(list, place_json(step->second, style));
	return list;
}

static json_t *row_json(
	const struct explain_ladder *ladder, const struct explain_row *row, const struct explain_style *style)
{
	const struct explain_case *c = ladder->subject;
	const struct explain_step *step = &c->steps[row->step];
	bool is_arrow = row->kind == EXPLAIN_ROW_ARROW;
	json_t *object = json_object();
	set_time(object, "time", row->time_us);
	set(object, "kind", json_string(is_arrow ? "message" : record_kind_word(step->event->kind)));
	set_text(object, "from", ladder->columns[row->from]);
	set_text(object, "to", is_arrow ? ladder->columns[row->to] : SPAN_NONE);
	set_text(object, "text", row->label);
	set(object, "count", json_integer(row->count));
	set(object, "failing", json_boolean(row->failing));
	set_text(object, "call_id", step->leg < c->leg_count ? c->legs[step->leg].call_id : SPAN_NONE);
	set(object, "places", places_json(step, style));
	return object;
}

/* In the order of the columns: the caller's side first. */
static json_t *hosts_json(const struct explain_ladder *ladder)
{
	json_t *list = json_array();
	for (size_t i = 0; i < ladder->column_count; i++)
		json_array_append_new(list, finding_json_text(ladder->columns[i]));
	return list;
}

static void set_ladder(json_t *object, const struct explain_problem *p, const struct explain_style *style)
{
	struct arena arena;
	arena_init(&arena, LADDER_ARENA_MAXIMUM);
	const struct explain_ladder *ladder = explain_ladder_make(p->subject, p->failing, 0, &arena);
	json_t *list = ladder ? json_array() : NULL;
	for (uint32_t i = 0; ladder && i < ladder->row_count; i++)
		if (ladder->rows[i].step != EXPLAIN_NO_STEP)
			json_array_append_new(list, row_json(ladder, &ladder->rows[i], style));
	set(object, "hosts", ladder ? hosts_json(ladder) : json_null());
	set(object, "ladder", list ? list : json_null());
	arena_done(&arena);
}

static json_t *evidence_json(const struct finding *f)
{
	json_t *list = json_array();
	for (const struct finding_evidence *e = f ? f->evidence : NULL; e; e = e->next) {
		json_t *object = json_object();
		set_text(object, "file", e->file);
		set(object, "line", e->kind == FINDING_EVIDENCE_FILE ? json_integer(e->line) : json_null());
		set_text(object, "text", e->text);
		set(object, "mark",
			e->mark_length ? json_pack("[II]", (json_int_t)e->mark_offset, (json_int_t)e->mark_length)
				       : json_null());
		set_text(object, "note", e->note);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *candidates_json(const struct explain_problem *p)
{
	json_t *list = json_array();
	for (size_t i = 0; i < p->candidate_count; i++) {
		const struct explain_candidate *candidate = &p->candidates[i];
		json_t *object = finding_json(candidate->finding);
		set(object, "confidence", json_string(explain_confidence_word(candidate->confidence)));
		set_text(object, "why", candidate->why);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *next_json(const struct explain_problem *p)
{
	json_t *list = json_array();
	for (size_t i = 0; i < p->next_count; i++) {
		json_t *object = json_object();
		set_text(object, "text", p->next[i].text);
		set_text(object, "command", p->next[i].command);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *legs_json(const struct explain_case *c)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < c->leg_count; i++) {
		json_t *object = json_object();
		set_text(object, "call_id", c->legs[i].call_id);
		set_text(object, "from", c->legs[i].from_uri);
		set_text(object, "to", c->legs[i].to_uri);
		set(object, "status", c->legs[i].status ? json_integer(c->legs[i].status) : json_null());
		set(object, "joined_by", i == 0 ? json_null() : json_string(explain_join_word(c->legs[i].join)));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *texts_json(const struct span *texts, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, finding_json_text(texts[i]));
	return list;
}

/* ---- the whole ---- */

static json_t *problem_json(const struct explain_problem *p, const struct explain_style *style)
{
	const struct explain_case *c = p->subject;
	json_t *whole = p->finding ? finding_json(p->finding) : NULL;
	json_t *object = json_object();
	set(object, "kind", json_string(explain_case_kind_word(c->kind)));
	set_text(object, "call_id", c->call_id);
	set_text(object, "from", c->from);
	set_text(object, "to", c->to);
	set_text(object, "method", c->method);
	set_time(object, "started", c->started_us);
	set_time(object, "ended", c->ended_us);
	set(object, "outcome", json_string(explain_outcome_word(c->outcome)));
	set(object, "status", c->status ? json_integer(c->status) : json_null());
	set_text(object, "reason", c->reason);
	set(object, "federation", json_boolean(p->is_federation));
	set(object, "finding", p->finding ? json_string(finding_entry(p->finding->code)->code) : json_null());
	set(object, "confidence", json_string(explain_confidence_word(p->confidence)));
	set_text(object, "sentence", p->sentence);
	set(object, "who", p->finding ? json_string(finding_who_name(p->finding->who)) : json_null());
	set_text(object, "why", p->why);
	json_t *fixes = whole ? json_incref(json_object_get(whole, "fixes")) : json_array();
	set(object, "fixes", fixes);
	set(object, "evidence", evidence_json(p->finding));
	set(object, "candidates", candidates_json(p));
	set(object, "next", next_json(p));
	set(object, "domains", texts_json(p->domains, p->domain_count));
	set(object, "ms_diagnostics", finding_json_diagnostics(p->finding));
	set(object, "legs", legs_json(c));
	set_ladder(object, p, style);
	set(object, "details", whole ? whole : json_null());
	return object;
}

int explain_render_json(const struct explain_problem *p, const struct explain_style *style, struct buffer *out)
{
	json_t *object = problem_json(p, style);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int status = text ? buffer_append_text(out, text) : -ENOMEM;
	free(text);
	json_decref(object);
	return status ? status : buffer_append_byte(out, '\n');
}
