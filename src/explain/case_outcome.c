/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a case, and who said so first. An answer travels from whoever made it towards the caller and loses a
 * Via at each hop: the one with the most was seen nearest to its maker, the one with the fewest nearest to the caller.
 */
#include "explain/joiner_private.h"

/* 64 * T1 (RFC 3261 17.1.1.2): whoever has no answer by then gets none. */
#define TIMEOUT_US INT64_C(32000000)

struct judging {
	struct explain_joiner *j;
	struct explain_case *c;
	const struct joiner_joined *d;
	struct joiner_leg *const *legs;
};

static bool is_final_of(const struct judging *g, const struct explain_step *step, uint32_t leg)
{
	const struct explain_event *e = step->event;
	return e->kind == RECORD_MESSAGE && step->leg == leg && e->message.status >= 200 && !step->is_repeated &&
	       joiner_answers(g->legs[leg], &e->message);
}

static size_t vias_of(const struct explain_step *step)
{
	return step->event->message.detail ? step->event->message.detail->via_count : 0;
}

/* Of the leg's final answers the one with the most Vias (deep) or the fewest; only those with the status, where one is
 * given. */
static uint32_t find_final(const struct judging *g, uint32_t leg, bool deep, uint16_t status)
{
	uint32_t found = EXPLAIN_NO_STEP;
	for (uint32_t i = 0; i < g->c->step_count; i++) {
		const struct explain_step *step = &g->c->steps[i];
		if (!is_final_of(g, step, leg) || (status && step->event->message.status != status))
			continue;
		if (found == EXPLAIN_NO_STEP) {
			found = i;
			continue;
		}
		size_t vias = vias_of(step), best = vias_of(&g->c->steps[found]);
		if (deep ? vias > best : vias <= best)
			found = i;
	}
	return found;
}

/* ---- the answer as the caller got it ---- */

static uint32_t find_answer(const struct judging *g)
{
	for (uint32_t leg = 0; leg < g->c->leg_count; leg++) {
		const struct joiner_leg *l = g->legs[leg];
		uint32_t step = EXPLAIN_NO_STEP;
		if (l->is_answered) {
			for (uint32_t i = 0; i < g->c->step_count && step == EXPLAIN_NO_STEP; i++)
				if (is_final_of(g, &g->c->steps[i], leg) && g->c->steps[i].event->message.status < 300)
					step = i;
		} else {
			step = find_final(g, leg, false, l->status);
		}
		if (step != EXPLAIN_NO_STEP)
			return step;
	}
	return EXPLAIN_NO_STEP;
}

/* ---- the refusal ---- */

/* The host that began the leg. */
static uint32_t beginner_of(const struct judging *g, uint32_t leg)
{
	for (uint32_t i = 0; i < g->c->step_count; i++) {
		const struct explain_event *e = g->c->steps[i].event;
		if (g->c->steps[i].leg == leg && e->kind == RECORD_MESSAGE && e->message.is_request)
			return g->c->steps[i].from;
	}
	return EXPLAIN_NO_STEP;
}

/* Each leg was begun for the one before it, and its refusal passed back: the last that was refused is where it began.
 * Of several that one host began, as a fork does, the one whose status was passed on. */
static uint32_t find_refused_leg(const struct judging *g, uint32_t first)
{
	uint16_t status = g->legs[first]->status;
	uint32_t found = first;
	for (uint32_t leg = first + 1; leg < g->c->leg_count; leg++) {
		const struct joiner_leg *l = g->legs[leg];
		if (l->is_answered || l->status < 300 || (l->status == 487 && status != 487))
			continue;
		bool is_fork = found != first && beginner_of(g, found) == beginner_of(g, leg);
		if (!is_fork || l->status == status || g->legs[found]->status != status)
			found = leg;
	}
	return found;
}

static void find_refusal(const struct judging *g, uint32_t answer)
{
	struct explain_case *c = g->c;
	if (answer == EXPLAIN_NO_STEP || c->steps[answer].event->message.status < 300)
		return;
	uint32_t leg = find_refused_leg(g, c->steps[answer].leg);
	c->refusal = find_final(g, leg, true, g->legs[leg]->status);
	if (c->refusal == EXPLAIN_NO_STEP)
		c->refusal = answer;
	c->refused_by = c->steps[c->refusal].from;
}

/* The answer of which no message tells: a judgement does, or the box's own events. */
static bool take_told(const struct judging *g, uint32_t step)
{
	const struct explain_event *e = g->c->steps[step].event;
	const struct record *r = e->kind == RECORD_MESSAGE ? NULL : e->record;
	if (r && r->kind == RECORD_JUDGEMENT && r->judgement.severity != RECORD_NOTE) {
		g->c->status = r->judgement.status;
		g->c->reason = r->judgement.reason;
	} else if (r && r->kind == RECORD_CALL && r->call.event == RECORD_CALL_REJECTED) {
		g->c->status = r->call.response_code;
		g->c->reason = r->call.reason;
	} else if (r && r->kind == RECORD_SEARCH && r->search.event == RECORD_SEARCH_COMPLETED && !r->search.found) {
		g->c->status = r->search.response_code;
		g->c->reason = r->search.reason;
	} else {
		return false;
	}
	g->c->refused_by = g->c->steps[step].from;
	return true;
}

static void take_all_told(const struct judging *g)
{
	for (uint32_t i = 0; i < g->c->step_count && g->c->leg_count > 0; i++)
		if (take_told(g, i))
			return;
}

/* ---- outcomes ---- */

/* The files of the case end before an answer had to come. */
static bool ends_early(const struct judging *g)
{
	for (uint32_t i = 0; i < g->c->step_count; i++) {
		const struct explain_event *e = g->c->steps[i].event;
		if (!e->time_us || e->place.file >= g->j->file_count)
			continue;
		if (g->j->files[e->place.file].last_us - g->d->last_us >= TIMEOUT_US)
			return false;
	}
	return true;
}

static bool any_leg(const struct judging *g, bool test(const struct joiner_leg *leg))
{
	for (const struct joiner_leg *leg = g->d->legs; leg; leg = leg->next)
		if (test(leg))
			return true;
	return false;
}

static bool is_judged(const struct joiner_leg *leg)
{
	return leg->is_judged;
}

static bool is_cancelled(const struct joiner_leg *leg)
{
	return leg->is_cancelled;
}

static enum explain_outcome outcome_of(const struct judging *g, uint32_t answer)
{
	if (answer != EXPLAIN_NO_STEP) {
		uint16_t status = g->c->steps[answer].event->message.status;
		return status < 300 ? EXPLAIN_ANSWERED : status == 487 ? EXPLAIN_ABANDONED : EXPLAIN_FAILED;
	}
	if (any_leg(g, is_judged))
		return EXPLAIN_FAILED;
	if (any_leg(g, is_cancelled))
		return EXPLAIN_ABANDONED;
	if (g->c->begins_cut && !any_leg(g, is_judged) && g->c->request == EXPLAIN_NO_STEP)
		return EXPLAIN_UNKNOWN;
	g->c->ends_cut = ends_early(g);
	return g->c->ends_cut ? EXPLAIN_UNKNOWN : EXPLAIN_FAILED;
}

static uint32_t find_request(const struct explain_case *c)
{
	uint32_t found = EXPLAIN_NO_STEP;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind != RECORD_MESSAGE || !e->message.is_request || e->message.to_tag.length > 0 ||
			c->steps[i].is_repeated || e->message.method == SIP_METHOD_ACK ||
			e->message.method == SIP_METHOD_CANCEL)
			continue;
		if (found == EXPLAIN_NO_STEP || c->steps[i].leg < c->steps[found].leg)
			found = i;
	}
	return found;
}

void joiner_find_outcome(
	struct explain_joiner *j, struct explain_case *c, const struct joiner_joined *d, struct joiner_leg *const *legs)
{
	const struct judging g = { j, c, d, legs };
	c->refusal = c->refused_by = EXPLAIN_NO_STEP;
	c->request = find_request(c);
	c->begins_cut = c->kind != EXPLAIN_CONNECTION && (c->leg_count == 0 || !legs[0]->is_begun);
	if (c->kind == EXPLAIN_CONNECTION) {
		c->outcome = d->legs->is_mended ? EXPLAIN_ANSWERED : EXPLAIN_FAILED;
		return;
	}
	uint32_t answer = find_answer(&g);
	if (answer != EXPLAIN_NO_STEP) {
		c->status = c->steps[answer].event->message.status;
		c->reason = c->steps[answer].event->message.reason;
		find_refusal(&g, answer);
	} else {
		take_all_told(&g);
	}
	c->outcome = outcome_of(&g, answer);
}
