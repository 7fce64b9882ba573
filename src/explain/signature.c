/* SPDX-License-Identifier: Apache-2.0 */
/* The table, and which of its rows fits a case. */
#include "explain/signature.h"

#include "base/require.h"
#include "explain/sides.h"
#include "explain/sight.h"

static const struct signature table[] = {
#define SIGNATURE(words, ...) { .name = (words), __VA_ARGS__ },
#include "explain/signatures.def"
#undef SIGNATURE
};

const struct signature *signature_table(size_t *ret_count)
{
	*ret_count = BASE_COUNT(table);
	return table;
}

/* ---- about the case ---- */

static bool has_rung(const struct explain_case *c)
{
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind == RECORD_MESSAGE && e->message.status >= 180 && e->message.status < 200)
			return true;
	}
	return false;
}

static bool has_considered(const struct explain_case *c)
{
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind == RECORD_RULE && e->record->rule.verdict == RECORD_RULE_CONSIDERED)
			return true;
	}
	return false;
}

static bool is_within_one(struct span from, struct span to)
{
	struct span domain = sides_domain(from);
	return domain.length > 0 && span_equal_nocase(domain, sides_domain(to));
}

/* On all of its way: a number within one domain may be turned into an address of another one. */
static bool is_internal(const struct explain_case *c)
{
	if (c->kind != EXPLAIN_CALL && c->from.length > 0 && c->to.length > 0 && sides_domain(c->from).length == 0 &&
		sides_domain(c->to).length == 0)
		return true;
	for (uint32_t i = 0; i < c->leg_count; i++)
		if (!is_within_one(c->legs[i].from_uri, c->legs[i].to_uri))
			return false;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind == RECORD_MESSAGE && e->message.is_request && e->message.request_uri.length > 0 &&
			sides_domain(e->message.request_uri).length > 0 &&
			!is_within_one(c->from, e->message.request_uri))
			return false;
	}
	return is_within_one(c->from, c->to);
}

static bool fits_case(unsigned when, const struct explain_case *c, bool refused_outside)
{
	return !((when & SIGNATURE_RANG && !has_rung(c)) || (when & SIGNATURE_NO_ANSWER && c->status) ||
		 (when & SIGNATURE_ENDED && c->ends_cut) || (when & SIGNATURE_FROM_OUTSIDE && !refused_outside) ||
		 (when & SIGNATURE_IS_REGISTRATION && c->kind != EXPLAIN_REGISTRATION) ||
		 (when & SIGNATURE_IS_INTERNAL && !is_internal(c)) ||
		 (when & SIGNATURE_NO_RULE_CONSIDERED && has_considered(c)));
}

/* ---- all[] and none[] ---- */

static bool look_at(const struct signature_seen *seen, const struct explain_case *c, uint32_t step,
	struct signature_match *match, size_t slot)
{
	const struct explain_event *sightings[] = { c->steps[step].event, c->steps[step].second };
	for (size_t i = 0; i < BASE_COUNT(sightings); i++) {
		if (!sightings[i] || !sight_is_seen(seen, c, &c->steps[step], sightings[i]))
			continue;
		match->steps[slot] = step;
		match->events[slot] = sightings[i];
		return true;
	}
	return false;
}

/* The refusal itself first: of several answers with one status it is the one nearest to who refused. */
static bool is_found(
	const struct signature_seen *seen, const struct explain_case *c, struct signature_match *match, size_t slot)
{
	if (c->refusal != EXPLAIN_NO_STEP && c->refusal < c->step_count && look_at(seen, c, c->refusal, match, slot))
		return true;
	for (uint32_t i = 0; i < c->step_count; i++)
		if (look_at(seen, c, i, match, slot))
			return true;
	return false;
}

/* What must not be seen counts in the log that showed the first thing: that another box found an address says nothing
 * about this one. */
static bool is_contradicted(
	const struct signature_seen *seen, const struct explain_case *c, const struct signature_match *match)
{
	uint32_t logger = signature_logger(&c->steps[match->steps[0]], match->events[0]);
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_step *step = &c->steps[i];
		const struct explain_event *sightings[] = { step->event, step->second };
		for (size_t k = 0; k < BASE_COUNT(sightings); k++)
			if (sightings[k] && signature_logger(step, sightings[k]) == logger &&
				sight_is_seen(seen, c, step, sightings[k]))
				return true;
	}
	return false;
}

bool signature_matches(const struct signature *row, const struct explain_case *c, bool refused_outside,
	struct signature_match *ret_match)
{
	*ret_match = (struct signature_match){ .signature = row };
	if (!fits_case(row->when, c, refused_outside))
		return false;
	for (size_t i = 0; i < SIGNATURE_SEEN_MAXIMUM && row->all[i].sight; i++) {
		if (!is_found(&row->all[i], c, ret_match, i))
			return false;
		ret_match->count++;
	}
	for (size_t i = 0; i < SIGNATURE_SEEN_MAXIMUM && row->none[i].sight; i++)
		if (is_contradicted(&row->none[i], c, ret_match))
			return false;
	return ret_match->count > 0;
}
