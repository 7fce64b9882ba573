/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/sides.h"

#include "sip/uri.h"

/* ---- names ---- */

struct span sides_domain(struct span uri)
{
	struct sip_uri parsed;
	struct span host = uri;
	if (uri.length == 0)
		return SPAN_NONE;
	if (sip_uri_parse(uri, &parsed, NULL) == 0 && sip_uri_is_sip(&parsed))
		host = parsed.is_ipv6 ? SPAN_NONE : parsed.host;
	else if (span_find(uri, '@') < uri.length)
		host = span_from(uri, span_find(uri, '@') + 1);
	else if (span_find(uri, ':') < uri.length)
		return SPAN_NONE;
	struct record_address ignored;
	if (host.length == 0 || record_address_parse(host, &ignored) == 0 || span_ends_nocase(host, SPAN(".invalid")))
		return SPAN_NONE;
	return host;
}

/* How many labels two names have in common at their ends. */
static size_t common_labels(struct span a, struct span b)
{
	size_t count = 0;
	while (a.length > 0 && b.length > 0) {
		size_t i = a.length, k = b.length;
		while (i > 0 && a.at[i - 1] != '.')
			i--;
		while (k > 0 && b.at[k - 1] != '.')
			k--;
		if (!span_equal_nocase(span_from(a, i), span_from(b, k)))
			break;
		count++;
		a = span_first(a, i ? i - 1 : 0);
		b = span_first(b, k ? k - 1 : 0);
	}
	return count;
}

enum side sides_of_name(const struct sides *s, struct span name)
{
	size_t caller = common_labels(name, s->caller), callee = common_labels(name, s->callee);
	if (caller == callee || (caller < 2 && callee < 2))
		return SIDE_UNKNOWN;
	return caller > callee ? SIDE_CALLER : SIDE_CALLEE;
}

struct span sides_judged(const struct explain_case *c)
{
	if (c->request < c->step_count) {
		const struct explain_event *e = c->steps[c->request].event;
		if (e->kind == RECORD_MESSAGE && e->message.detail) {
			struct span asserted = sides_domain(e->message.detail->asserted);
			if (asserted.at)
				return asserted;
		}
	}
	return sides_domain(c->from);
}

/* ---- whose log ---- */

static bool is_before(const struct explain_place *a, const struct explain_place *b)
{
	return a->file != b->file ? a->file < b->file : a->line < b->line;
}

static uint32_t find_own_host(const struct explain_case *c, uint32_t *ret_file)
{
	uint32_t own = EXPLAIN_NO_STEP;
	struct explain_place first = { .file = UINT32_MAX };
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_step *step = &c->steps[i];
		const struct explain_event *seen[] = { step->event, step->second };
		for (size_t k = 0; k < 2; k++) {
			if (!seen[k] || !is_before(&seen[k]->place, &first))
				continue;
			bool is_message = seen[k]->kind == RECORD_MESSAGE;
			uint32_t host =
				is_message && seen[k]->message.direction == RECORD_RECEIVED ? step->to : step->from;
			if (host >= c->host_count || !c->hosts[host].has_log)
				continue;
			own = host;
			first = seen[k]->place;
		}
	}
	*ret_file = first.file;
	return own;
}

/* A box that looks up the callee's domain wants to call it; one that looks up the caller's judges a call. */
static enum side by_lookup(const struct sides *s, uint32_t host)
{
	const struct explain_case *c = s->subject;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (c->steps[i].from != host || (e->kind != RECORD_DNS_QUERY && e->kind != RECORD_DNS_ANSWER) ||
			e->record->dns.name.length == 0)
			continue;
		struct span domain = e->record->dns.name; /* of a service, or the domain itself */
		while (domain.length > 0 && domain.at[0] == '_')
			(void)span_cut(&domain, '.');
		if (span_equal_nocase(domain, s->callee))
			return SIDE_CALLER;
		if (span_equal_nocase(domain, s->caller))
			return SIDE_CALLEE;
	}
	return SIDE_UNKNOWN;
}

/* A box judges the peer that it calls, or that calls it: whose name it judged is on the other side. */
static enum side by_judgement(const struct sides *s, uint32_t host)
{
	const struct explain_case *c = s->subject;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (c->steps[i].from != host || e->kind != RECORD_JUDGEMENT)
			continue;
		enum side peer = sides_of_name(s, e->record->judgement.subject);
		if (peer == SIDE_CALLEE)
			return SIDE_CALLER;
		if (peer == SIDE_CALLER)
			return SIDE_CALLEE;
	}
	return SIDE_UNKNOWN;
}

/* "vcse" in its log, "vcse.steven.lab" in a Via. */
static enum side by_via(const struct sides *s, struct span name)
{
	const struct explain_case *c = s->subject;
	for (uint32_t i = 0; i < c->step_count && name.length > 0; i++) {
		const struct explain_event *e = c->steps[i].event;
		const struct explain_detail *detail = e->kind == RECORD_MESSAGE ? e->message.detail : NULL;
		for (size_t k = 0; detail && k < detail->via_count; k++) {
			struct span host = detail->vias[k].host;
			if (host.length <= name.length || host.at[name.length] != '.' ||
				!span_starts_nocase(host, name))
				continue;
			enum side side = sides_of_name(s, host);
			if (side != SIDE_UNKNOWN)
				return side;
		}
	}
	return SIDE_UNKNOWN;
}

/* An edge knows where a request came from: out of its own house, or from strangers. */
static enum side by_arrival(const struct sides *s, uint32_t host)
{
	const struct explain_case *c = s->subject;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].second ? c->steps[i].second : c->steps[i].event;
		if (e->kind != RECORD_MESSAGE || c->steps[i].to != host || !e->message.is_request ||
			e->message.to_tag.length > 0 || e->message.direction != RECORD_RECEIVED ||
			e->message.side == RECORD_SIDE_UNKNOWN)
			continue;
		return e->message.side == RECORD_INTERNAL ? SIDE_CALLER : SIDE_CALLEE;
	}
	return SIDE_UNKNOWN;
}

/* Its diagnostics carry its own name as their source. */
static enum side by_source(const struct sides *s, uint32_t host)
{
	const struct explain_case *c = s->subject;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		const struct explain_detail *detail =
			e->kind == RECORD_MESSAGE && c->steps[i].from == host ? e->message.detail : NULL;
		for (size_t k = 0; detail && k < detail->diagnostics_count; k++) {
			enum side side = sides_of_name(s, detail->diagnostics[k].source);
			if (side != SIDE_UNKNOWN)
				return side;
		}
	}
	return SIDE_UNKNOWN;
}

static enum side known_side(const struct sides *s, uint32_t host)
{
	if (host >= s->subject->host_count)
		return SIDE_UNKNOWN;
	struct span name = s->subject->hosts[host].name;
	enum side side = span_find(name, '.') < name.length ? sides_of_name(s, name) : by_via(s, name);
	if (side == SIDE_UNKNOWN)
		side = by_arrival(s, host);
	if (side == SIDE_UNKNOWN)
		side = by_lookup(s, host);
	if (side == SIDE_UNKNOWN)
		side = by_judgement(s, host);
	return side == SIDE_UNKNOWN ? by_source(s, host) : side;
}

/* Nobody says it: the first column is on the caller's side, and who sent the request on to somebody else most often
 * is too. */
static enum side supposed_side(const struct sides *s, uint32_t host)
{
	const struct explain_case *c = s->subject;
	if (host == 0)
		return SIDE_CALLER;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind == RECORD_MESSAGE && e->message.is_request && c->steps[i].from == host)
			return SIDE_CALLER;
	}
	return host + 1 == c->host_count ? SIDE_CALLEE : SIDE_UNKNOWN;
}

/* A client of Microsoft's sends to its own server, whoever is called. */
static bool is_client(const struct explain_case *c, uint32_t host)
{
	if (c->request >= c->step_count || c->steps[c->request].from != host)
		return false;
	const struct explain_event *e = c->steps[c->request].event;
	const struct explain_detail *detail = e->kind == RECORD_MESSAGE ? e->message.detail : NULL;
	return detail && detail->via_count == 1 && span_starts_nocase(detail->server, SPAN("UCCAPI/"));
}

/* "vcse", or "vcse.steven.lab" as a box of the case is called. */
static enum side side_of_box(const struct sides *s, struct span name)
{
	for (uint32_t h = 0; h < s->subject->host_count; h++) {
		struct span host = s->subject->hosts[h].name;
		bool is_short = span_find(name, '.') == name.length;
		if (span_equal_nocase(is_short ? span_first(host, span_find(host, '.')) : host, name))
			return known_side(s, h);
	}
	return SIDE_UNKNOWN;
}

/* A domain; or a box, as its log names it. */
static enum side side_of_named(const struct sides *s, struct span name)
{
	if (span_find(name, '.') < name.length)
		return sides_of_name(s, name);
	for (uint32_t h = 0; h < s->subject->host_count; h++)
		if (span_equal_nocase(s->subject->hosts[h].name, name))
			return known_side(s, h);
	return SIDE_UNKNOWN;
}

/* What the reader has said, else what an earlier problem has shown from a file that comes before this one's. */
static enum side own_from_settings(const struct sides *s, const struct explain_judge_settings *settings)
{
	for (size_t i = 0; i < settings->named_count; i++) {
		enum side side = side_of_named(s, settings->named[i]);
		if (side == SIDE_UNKNOWN)
			side = side_of_box(s, settings->named[i]);
		if (side != SIDE_UNKNOWN)
			return side;
	}
	if (settings->own.length == 0 || settings->own_file >= s->own_file)
		return SIDE_UNKNOWN;
	return sides_of_name(s, settings->own);
}

/* A box of that side that has a log of this case. */
static uint32_t find_host_of(const struct sides *s, enum side side)
{
	for (uint32_t h = 0; h < s->subject->host_count; h++)
		if (s->subject->hosts[h].has_log && known_side(s, h) == side)
			return h;
	return EXPLAIN_NO_STEP;
}

void sides_find(const struct explain_case *c, const struct explain_judge_settings *settings, struct sides *ret_sides)
{
	struct sides *s = ret_sides;
	*s = (struct sides){ .subject = c, .caller = sides_judged(c), .callee = sides_domain(c->to) };
	s->own_host = find_own_host(c, &s->own_file);
	s->is_client = is_client(c, s->own_host);
	s->own = own_from_settings(s, settings);
	enum side logged = known_side(s, s->own_host);
	if (s->own != SIDE_UNKNOWN) {
		s->own_is_known = true;
		if (logged != SIDE_UNKNOWN && logged != s->own)
			s->own_host = find_host_of(s, s->own);
		return;
	}
	s->own = logged;
	s->own_is_known = s->own != SIDE_UNKNOWN;
	if (!s->own_is_known && s->own_host < c->host_count)
		s->own = supposed_side(s, s->own_host);
	if (s->own == SIDE_UNKNOWN)
		s->own = SIDE_CALLER;
}

enum side sides_of_host(const struct sides *s, uint32_t host)
{
	if (host == s->own_host && host != EXPLAIN_NO_STEP)
		return s->own;
	enum side side = known_side(s, host);
	if (side != SIDE_UNKNOWN || host >= s->subject->host_count || s->own_host == EXPLAIN_NO_STEP)
		return side;
	if (s->is_client && host == s->own_host + 1)
		return s->own;
	/* Between the caller and a box of the caller's side all are on that side, and likewise at the other end. Who
	 * stands just beyond the last box that has a log is on the other one. */
	if (s->own == SIDE_CALLER)
		return host < s->own_host ? SIDE_CALLER : SIDE_CALLEE;
	return host > s->own_host ? SIDE_CALLEE : SIDE_CALLER;
}

enum finding_who sides_who(const struct sides *s, enum side side)
{
	return side == s->own ? FINDING_YOU : FINDING_PARTNER;
}
