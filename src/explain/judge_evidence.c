/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that prove it: FILE:LINE, the line's text, and what of it matters underlined. */
#include "explain/judge_private.h"
#include "finding/remedy.h"

#include <string.h>

#define ITEMS_MAXIMUM 4
#define MARKS_MAXIMUM 12
#define TEXT_MAXIMUM 84
#define BEFORE_MARK 50

/* ---- the line of a quote that matters ---- */

static struct span line_of(struct span quote, struct span mark, uint64_t *ret_lines_before)
{
	size_t at = (size_t)(mark.at - quote.at), start = at, end = at;
	*ret_lines_before = 0;
	while (start > 0 && quote.at[start - 1] != '\n')
		start--;
	while (end < quote.length && quote.at[end] != '\n')
		end++;
	for (size_t i = 0; i < start; i++)
		*ret_lines_before += quote.at[i] == '\n';
	return span_first(span_from(quote, start), end - start);
}

static struct span trim_line(struct span line)
{
	line = span_trim(line);
	while (line.length > 0 && (line.at[0] == '|' || line.at[0] == ' '))
		line = span_from(line, 1);
	return line;
}

/* Where the key begins that the mark is the value of. */
static size_t key_start(struct span line, size_t at)
{
	for (size_t i = at; i > 0 && at - i < BEFORE_MARK; i--)
		if (line.at[i - 1] == ';' || (i > 1 && line.at[i - 1] == ' ' && line.at[i - 2] == '"'))
			return i;
	return at > BEFORE_MARK ? at - BEFORE_MARK : 0;
}

/* A long line is cut around what matters; *mark moves with it. */
static struct span cut_line(const struct judge *j, struct span line, struct span *mark)
{
	size_t at = mark->at ? (size_t)(mark->at - line.at) : 0;
	if (line.length <= TEXT_MAXIMUM)
		return line;
	size_t start = at + mark->length > TEXT_MAXIMUM ? key_start(line, at) : 0;
	size_t length = at - start + mark->length > TEXT_MAXIMUM ? at - start + mark->length : TEXT_MAXIMUM;
	struct span kept = span_first(span_from(line, start), length);
	struct span text = arena_printf(
		j->arena, "%s%.*s%s", start ? "…" : "", SPAN_PRINT(kept), start + kept.length < line.length ? "…" : "");
	if (mark->at && text.at)
		mark->at = text.at + (start ? strlen("…") : 0) + (at - start);
	return text;
}

/* ---- what to underline ---- */

struct marks {
	struct span texts[MARKS_MAXIMUM];
	size_t count;
};

static void mark(struct marks *m, struct span text)
{
	if (m->count < MARKS_MAXIMUM && text.length > 0)
		m->texts[m->count++] = text;
}

static struct span keyed(const struct judge *j, const char *key, struct span value)
{
	return value.length > 0 ? arena_printf(j->arena, "%s=\"%.*s\"", key, SPAN_PRINT(value)) : SPAN_NONE;
}

/* With its key first: a name may stand elsewhere too. */
static void mark_value(const struct judge *j, struct marks *m, const char *key, struct span value)
{
	mark(m, keyed(j, key, value));
	mark(m, value);
}

static void marks_of_message(const struct judge *j, const struct explain_message *message, struct marks *m)
{
	const struct judge_facts *f = &j->facts;
	bool has_diagnostics = message->detail && message->detail->diagnostics_count > 0;
	if (has_diagnostics && f->id) {
		mark(m, f->fqdn_count > 0 ? f->fqdns[0] : SPAN_NONE);
		mark_value(j, m, "PeerServer", f->shown);
		mark(m, f->hresult);
		/* Of the header, not of a From or Via that has the name too. */
		mark(m, keyed(j, "tls-target", f->target));
		mark(m, keyed(j, "domain", f->domain));
		mark(m, arena_printf(j->arena, "diagnostics: %u", (unsigned)f->id));
		mark(m, f->target);
		mark(m, f->domain);
	} else if (has_diagnostics) {
		mark(m, arena_printf(j->arena, "diagnostics: %u", (unsigned)message->detail->diagnostics[0].id));
	}
	if (message->detail)
		mark(m, message->detail->warning);
	mark(m, arena_printf(j->arena, "SIP/2.0 %u %.*s", (unsigned)message->status, SPAN_PRINT(message->reason)));
	mark(m, arena_printf(j->arena, "Response Code=%u", (unsigned)message->status));
	mark(m, message->is_request ? message->request_uri : SPAN_NONE);
}

static void marks_of(const struct judge *j, const struct explain_event *event, struct marks *m)
{
	const struct judge_facts *f = &j->facts;
	const struct record *r = event->record;
	switch (event->kind) {
	case RECORD_MESSAGE:
		marks_of_message(j, &event->message, m);
		return;
	case RECORD_JUDGEMENT:
		mark(m, f->fqdn_count > 0 ? f->fqdns[0] : SPAN_NONE);
		mark_value(j, m, "certName", f->shown);
		mark(m, f->result_name);
		mark(m, r->judgement.text);
		mark(m, r->judgement.code);
		return;
	case RECORD_DNS_ANSWER:
		mark(m, r->dns.name);
		return;
	case RECORD_RULE:
		mark(m, r->rule.name);
		return;
	case RECORD_SEARCH:
		mark(m, r->search.reason);
		return;
	case RECORD_CONNECTION:
		mark(m, r->connection.reason);
		return;
	case RECORD_NOTICE:
		mark(m, r->notice.detail);
		mark(m, r->notice.name);
		return;
	default:
		mark(m, signature_tls_reason(event));
	}
}

static struct span find_mark(struct span quote, const struct marks *m)
{
	for (size_t i = 0; i < m->count; i++) {
		struct span found = sight_find(quote, m->texts[i]);
		if (found.at)
			return found;
	}
	return SPAN_NONE;
}

/* ---- items ---- */

static struct span described(const struct judge *j, const struct explain_event *event)
{
	if (event->kind != RECORD_MESSAGE)
		return SPAN("(the line itself was not kept)");
	const struct explain_message *m = &event->message;
	if (m->is_request)
		return arena_printf(j->arena, "%.*s %.*s", SPAN_PRINT(m->method_name), SPAN_PRINT(m->request_uri));
	return arena_printf(j->arena, "SIP/2.0 %u %.*s", (unsigned)m->status, SPAN_PRINT(m->reason));
}

static bool is_quoted(const struct finding *f, struct span file, uint32_t line)
{
	for (const struct finding_evidence *e = f->evidence; e; e = e->next)
		if (e->line == line && span_equal(e->file, file))
			return true;
	return false;
}

static size_t count_items(const struct finding *f)
{
	size_t count = 0;
	for (const struct finding_evidence *e = f->evidence; e; e = e->next)
		count++;
	return count;
}

static void add_item(const struct judge *j, struct finding *f, const struct explain_event *event, struct span note)
{
	const struct explain_place *place = &event->place;
	struct span file =
		j->settings->file_name ? j->settings->file_name(j->settings->argument, place->file) : SPAN_NONE;
	struct marks marks = { .count = 0 };
	marks_of(j, event, &marks);
	struct span found = find_mark(place->quote, &marks), text = described(j, event);
	uint64_t before = 0;
	if (found.at) {
		struct span line = trim_line(line_of(place->quote, found, &before));
		if (found.at < line.at || found.at + found.length > line.at + line.length)
			found = SPAN_NONE;
		text = cut_line(j, line, &found);
	} else if (place->quote.length > 0) {
		struct span rest = place->quote;
		text = cut_line(j, trim_line(span_cut(&rest, '\n')), &found);
	}
	uint64_t line = place->counts_packets ? place->line : place->line + before;
	uint32_t number = line > UINT32_MAX ? UINT32_MAX : (uint32_t)line;
	if (count_items(f) >= ITEMS_MAXIMUM || is_quoted(f, file, number))
		return;
	bool is_whole = found.at && found.at >= text.at && found.at + found.length <= text.at + text.length;
	finding_evidence_line(f, file, number, text, is_whole ? found : SPAN_NONE, is_whole ? note : SPAN_NONE);
}

static struct span note_of(const struct judge *j, const struct finding *f)
{
	switch (f->code) {
	case FINDING_SRV_TARGET_OUTSIDE_DOMAIN:
		return f->subject.length ? arena_printf(j->arena, "not directly under %.*s", SPAN_PRINT(f->subject))
					 : SPAN_NONE;
	case FINDING_CERTIFICATE_NAME_MISMATCH:
		return j->facts.target.length ? arena_printf(j->arena, "not %.*s", SPAN_PRINT(j->facts.target))
					      : SPAN_NONE;
	case FINDING_CERTIFICATE_WILDCARD_ONLY:
		return SPAN("a wildcard does not count");
	case FINDING_CERTIFICATE_CN_IGNORED:
		return SPAN("only in the common name, which does not count beside other names");
	case FINDING_CERTIFICATE_REFUSED_BY_PARTNER:
		return j->facts.alert ? span_of(remedy_alert_meaning(j->facts.alert)) : SPAN_NONE;
	case FINDING_PEER_ANSWERED:
		return SPAN("and no reason");
	default:
		return SPAN_NONE;
	}
}

/* What the row asked for, the other box's sighting of the same, the refusal, and what a node wrote of the call. */
void explain_judge_evidence(const struct judge *j, struct finding *f)
{
	const struct explain_case *c = j->subject;
	struct span note = note_of(j, f);
	for (size_t i = 0; i < j->match.count; i++)
		add_item(j, f, j->match.events[i], i == 0 ? note : SPAN_NONE);
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind == RECORD_JUDGEMENT && signature_judgement_code(&e->record->judgement) == f->code)
			add_item(j, f, e, SPAN_NONE);
	}
	if (c->refusal < c->step_count) {
		add_item(j, f, c->steps[c->refusal].event, SPAN_NONE);
		if (c->steps[c->refusal].second)
			add_item(j, f, c->steps[c->refusal].second, SPAN_NONE);
	}
}

void explain_judge_observed(const struct judge *j, struct finding *f)
{
	const struct judge_facts *facts = &j->facts;
	if (facts->fqdn_count > 0)
		finding_observed(f, facts->fqdns[0]);
	else if (facts->shown.length > 0 && facts->target.length > 0)
		finding_observed(f, facts->shown);
	else if (facts->result && f->code == FINDING_PEER_GAVE_REASON)
		finding_observed(
			f, arena_printf(j->arena, "0x%08x %.*s", facts->result, SPAN_PRINT(facts->result_name)));
	else if (facts->id && f->code == FINDING_PEER_GAVE_REASON)
		finding_observed(f, arena_printf(j->arena, "%u \"%.*s\"", facts->id, SPAN_PRINT(facts->words)));
	else if (facts->words.length > 0)
		finding_observed(f, facts->words);
	else if (j->subject->status)
		finding_observed(f, arena_printf(j->arena, "%u %.*s", (unsigned)j->subject->status,
					    SPAN_PRINT(j->subject->reason)));
}
