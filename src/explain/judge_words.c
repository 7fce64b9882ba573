/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence that stands alone, and the path of the call as an engineer reads it. */
#include "base/buffer.h"
#include "base/clock.h"
#include "explain/judge_private.h"
#include "explain/words.h"

#include <string.h>

#define TEXT_MAXIMUM (1u << 20) /* names in it are as long as a stranger likes, within a message */

static struct span taken(struct judge *j, struct buffer *b)
{
	struct span copy = b->status == 0 ? arena_copy(j->arena, buffer_span(b)) : SPAN_NONE;
	buffer_done(b);
	return copy;
}

static struct span or_somebody(struct span name, const char *otherwise)
{
	return name.length > 0 ? name : span_of(otherwise);
}

/* ---- sentence ---- */

static void append_when(const struct explain_case *c, struct buffer *b)
{
	char text[32];
	if (!c->started_us || clock_format_utc(c->started_us, text, sizeof(text)) < 19)
		return;
	text[10] = ' ';
	buffer_printf(b, "%.19s UTC: ", text);
}

/* The domain that the diagnostics speak of, where the message that would name it is not in the files. */
static struct span domain_spoken_of(const struct judge *j)
{
	struct span target = j->facts.target;
	if (j->facts.domain.length > 0 || target.length == 0)
		return j->facts.domain;
	size_t dot = span_find(target, '.');
	return dot < target.length ? span_from(target, dot + 1) : SPAN_NONE;
}

static struct span party(const struct judge *j, struct span uri, struct span other, const char *before)
{
	struct span domain = domain_spoken_of(j);
	if (uri.length > 0)
		return uri;
	if (domain.length == 0 || span_equal_nocase(domain, sides_domain(other)))
		return SPAN("somebody");
	return arena_printf(j->arena, "%s %.*s", before, SPAN_PRINT(domain));
}

/* Whether the box whose log it is opened the connection that the event tells of. */
static bool has_called(const struct explain_event *e)
{
	switch (e->kind) {
	case RECORD_HANDSHAKE:
		return e->record->handshake.role == RECORD_CLIENT;
	case RECORD_CONNECTION:
		return e->record->connection.role == RECORD_CLIENT &&
		       e->record->connection.event != RECORD_CONNECTION_ACCEPTED;
	case RECORD_NOTICE:
		return span_starts_nocase(e->record->notice.name, SPAN("Outbound"));
	default:
		return true;
	}
}

static void append_connection(const struct judge *j, struct buffer *b)
{
	const struct explain_case *c = j->subject;
	const struct explain_step *step = c->step_count > 0 ? &c->steps[0] : NULL;
	bool called = !step || has_called(step->event);
	uint32_t from = step ? step->from : EXPLAIN_NO_STEP, to = step && step->is_arrow ? step->to : EXPLAIN_NO_STEP;
	struct span a = explain_judge_host_name(j, called ? from : to),
		    z = explain_judge_host_name(j, called ? to : from);
	buffer_printf(b, "%.*s wanted to connect to %.*s", SPAN_PRINT(or_somebody(a, "somebody")),
		SPAN_PRINT(or_somebody(z, "another box")));
}

static void append_what(const struct judge *j, struct buffer *b)
{
	const struct explain_case *c = j->subject;
	struct span to = party(j, c->to, c->from, "an address in");
	/* With neither named, the domain is said once, and of whom was called. */
	struct span from =
		c->to.length > 0 ? party(j, c->from, c->to, "somebody of") : or_somebody(c->from, "somebody");
	switch (c->kind) {
	case EXPLAIN_CALL:
		buffer_printf(b, "%.*s called %.*s", SPAN_PRINT(from), SPAN_PRINT(to));
		break;
	case EXPLAIN_REGISTRATION:
		buffer_printf(b, "%.*s wanted to register", SPAN_PRINT(from));
		break;
	case EXPLAIN_CONNECTION:
		append_connection(j, b);
		break;
	default:
		buffer_printf(b, "%.*s sent %.*s to %.*s", SPAN_PRINT(from),
			SPAN_PRINT(or_somebody(c->method, "a request")), SPAN_PRINT(to));
	}
}

static void append_became(const struct judge *j, struct buffer *b)
{
	const struct explain_case *c = j->subject;
	struct span refuser = explain_judge_host_name(j, c->refused_by);
	switch (c->outcome) {
	case EXPLAIN_ANSWERED:
		buffer_append_text(
			b, c->kind == EXPLAIN_CONNECTION ? ", and a later try succeeded" : ", and was answered");
		return;
	case EXPLAIN_ABANDONED:
		buffer_append_text(b, ", and gave up before there was an answer");
		return;
	default:
		break;
	}
	if (c->status >= 300 && refuser.length > 0)
		buffer_printf(b, ", and %.*s refused with %u %.*s", SPAN_PRINT(refuser), (unsigned)c->status,
			SPAN_PRINT(c->reason));
	else if (c->status >= 300)
		buffer_printf(b, ", and the answer was %u %.*s", (unsigned)c->status, SPAN_PRINT(c->reason));
	else if (c->kind == EXPLAIN_CONNECTION)
		buffer_append_text(b, ", and it did not come about");
	else if (c->outcome == EXPLAIN_FAILED && refuser.length > 0)
		buffer_printf(b, ", and %.*s refused", SPAN_PRINT(refuser));
	else if (c->begins_cut || c->ends_cut)
		buffer_append_text(b, ", and what became of it is not in these files");
	else
		buffer_append_text(b, ", and nobody answered");
}

void explain_judge_sentence(struct judge *j)
{
	struct buffer b;
	buffer_init(&b, TEXT_MAXIMUM);
	append_when(j->subject, &b);
	append_what(j, &b);
	append_became(j, &b);
	if (j->subject->repeats > 0)
		buffer_printf(&b, ", and %lu more like it", (unsigned long)j->subject->repeats);
	j->problem->sentence = taken(j, &b);
}

/* ---- why ---- */

static bool is_of(const struct explain_step *step, uint32_t host)
{
	return step->from == host;
}

/* How far the call came, in the log of the side that asks. */
struct path {
	const struct record_rule *rule;
	const struct record_dns *srv;
	const struct record_handshake *handshake;
	const struct explain_event *arrived;
};

static void find_path(const struct judge *j, struct path *path)
{
	const struct explain_case *c = j->subject;
	*path = (struct path){ 0 };
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_step *step = &c->steps[i];
		const struct explain_event *e =
			step->second && step->to == j->sides.own_host ? step->second : step->event;
		if (e->kind == RECORD_MESSAGE && e->message.is_request && step->to == j->sides.own_host &&
			!path->arrived)
			path->arrived = e;
		if (!is_of(step, j->sides.own_host) || e->kind == RECORD_MESSAGE)
			continue;
		if (e->kind == RECORD_RULE && e->record->rule.verdict == RECORD_RULE_CONSIDERED)
			path->rule = &e->record->rule;
		if (e->kind == RECORD_DNS_ANSWER && span_is_nocase(e->record->dns.type, "SRV"))
			path->srv = &e->record->dns;
		if (e->kind == RECORD_HANDSHAKE && e->record->handshake.role == RECORD_CLIENT)
			path->handshake = &e->record->handshake;
	}
}

static void join(struct buffer *b, size_t start)
{
	if (b->length > start)
		buffer_append_text(b, "; ");
}

/* The last word of "0 0 5061 sip.skype.lab." */
static struct span srv_target(struct span record)
{
	size_t at = record.length;
	while (at > 0 && record.at[at - 1] != ' ')
		at--;
	struct span target = span_from(record, at);
	return span_ends_nocase(target, SPAN(".")) ? span_first(target, target.length - 1) : target;
}

static void append_path(const struct judge *j, struct buffer *b)
{
	struct path path;
	find_path(j, &path);
	size_t start = b->length;
	struct span own = explain_judge_host_name(j, j->sides.own_host);
	if (path.arrived && own.length > 0)
		buffer_printf(b, "the call reached %.*s", SPAN_PRINT(own));
	if (path.rule) {
		join(b, start);
		buffer_printf(b, "rule '%.*s' led to %.*s", SPAN_PRINT(path.rule->name),
			SPAN_PRINT(or_somebody(path.rule->target, "its target")));
	}
	if (path.srv && path.srv->status == RECORD_DNS_OK && path.srv->records.count > 0) {
		join(b, start);
		buffer_printf(b, "DNS gave %.*s", SPAN_PRINT(srv_target(path.srv->records.at[0])));
	}
	if (path.handshake && !path.handshake->failed) {
		join(b, start);
		buffer_printf(b, "TLS with %.*s stood",
			SPAN_PRINT(or_somebody(path.handshake->server_name, "the next server")));
	}
}

static void append_raw(const struct judge *j, struct buffer *b)
{
	const struct judge_facts *f = &j->facts;
	if (j->problem->finding->code != FINDING_PEER_GAVE_REASON)
		return;
	if (f->result)
		buffer_printf(b, ": 0x%08x %.*s, a code %s", f->result, SPAN_PRINT(f->result_name),
			explain_words_result_range(f->result));
	else if (f->id)
		buffer_printf(b, ": %u \"%.*s\", an id %s", f->id, SPAN_PRINT(f->words), explain_words_id_range(f->id));
}

void explain_judge_why(struct judge *j)
{
	struct buffer b;
	if (!j->problem->finding)
		return;
	buffer_init(&b, TEXT_MAXIMUM);
	append_path(j, &b);
	join(&b, 0);
	buffer_append_text(&b, j->match.signature->why);
	append_raw(j, &b);
	j->problem->why = taken(j, &b);
}
