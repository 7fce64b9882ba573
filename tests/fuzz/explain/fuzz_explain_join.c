/* SPDX-License-Identifier: Apache-2.0 */
/* Records made of bytes, boiled, joined and judged: whatever they say, the cases that come out hold together, memory
 * has its end, what is counted adds up, and a problem claims no more than it may. A byte for each field: below 0x80 a
 * word that others use too, else so many bytes as they are. */
#include "base/require.h"
#include "explain/joiner.h"
#include "explain/judge.h"
#include "record/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

static uint8_t take_byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static uint64_t take_number(struct input *in)
{
	uint8_t byte = take_byte(in);
	return byte < 0xf0 ? byte : (uint64_t)take_byte(in) << 56 | take_byte(in);
}

#define MESSAGE_TAIL(call) "From: <sip:a@a.lab>;tag=f\r\nTo: <sip:b@b.lab>\r\nCall-ID: " call "\r\n"
static const struct span words[] = {
	SPAN(""),
	SPAN("c1"),
	SPAN("c2"),
	SPAN("S1"),
	SPAN("S2"),
	SPAN("a"),
	SPAN("b.lab"),
	SPAN("sip:b@b.lab"),
	SPAN("0 0 5061 edge.b.lab."),
	SPAN("10.0.0.1"),
	SPAN("1 INVITE"),
	SPAN("capture"),
	SPAN("Authentication Failed"),
	SPAN("INVITE sip:b@b.lab SIP/2.0\r\nVia: SIP/2.0/TLS "
	     "10.0.0.1:5061;branch=z9hG4bK1;proxy-call-id=S1\r\n" MESSAGE_TAIL(
		     "c1") "CSeq: 1 INVITE\r\nSession-ID: aa;remote=bb\r\nContent-Length: 0\r\n\r\n"),
	SPAN("INVITE sip:b@b.lab SIP/2.0\r\nVia: SIP/2.0/TLS "
	     "10.0.0.2:5061;branch=z9hG4bK2;proxy-call-id=S2\r\n" MESSAGE_TAIL(
		     "c2") "CSeq: 1 INVITE\r\nSession-ID: aa;remote=bb\r\nContent-Length: 0\r\n\r\n"),
	SPAN("SIP/2.0 504 Server time-out\r\nVia: SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bK1\r\n" MESSAGE_TAIL(
		"c1") "CSeq: 1 INVITE\r\nms-diagnostics: 1009;reason=\"x\";source=\"e\"\r\nContent-Length: 0\r\n\r\n"),
	SPAN("SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bK1\r\n" MESSAGE_TAIL(
		"c1") "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"),
	SPAN("SIP/2.0 407 Auth\r\nVia: SIP/2.0/TLS 10.0.0.2:5061\r\n" MESSAGE_TAIL(
		"c2") "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"),
	SPAN("CANCEL sip:b@b.lab SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bK1\r\n" MESSAGE_TAIL(
		"c1") "CSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n"),
	SPAN("SIP/2.0 504 Server time-out Server: RTC/6.0\nVia: SIP/2.0/TLS h\nms-diagnostics: 1010"),
	SPAN("REGISTER sip:b.lab SIP/2.0\r\nVia: SIP/2.0/TLS h\r\n" MESSAGE_TAIL("c1") "CSeq: 3 REGISTER\r\n\r\n"),
};

static struct span take_span(struct input *in)
{
	uint8_t byte = take_byte(in);
	if (byte < 0x80)
		return words[byte % BASE_COUNT(words)];
	size_t length = byte - 0x80u, rest = (size_t)(in->end - in->at);
	struct span s = span_make((const char *)in->at, length < rest ? length : rest);
	in->at += s.length;
	return s;
}

static struct record_address take_address(struct input *in)
{
	uint8_t byte = take_byte(in);
	struct record_address a = { .family = byte & 1 ? 4 : byte & 2 ? 6 : 0, .port = (uint16_t)(5060 + (byte >> 6)) };
	a.bytes[0] = 10;
	a.bytes[3] = byte >> 2 & 7;
	return a;
}

struct lists {
	struct span spans[4];
	struct record_pair pairs[4];
};

static void take_field(struct input *in, struct record *r, const struct record_field *f, struct lists *lists)
{
	void *at = record_field_in(r, f);
	unsigned words_count = 0;
	switch (f->type) {
	case RECORD_FIELD_TIME:
		break;
	case RECORD_FIELD_U16:
		*(uint16_t *)at = (uint16_t)(take_number(in) * 4);
		break;
	case RECORD_FIELD_U32:
		*(uint32_t *)at = (uint32_t)take_number(in);
		break;
	case RECORD_FIELD_U64:
	case RECORD_FIELD_ID:
		*(uint64_t *)at = take_number(in);
		break;
	case RECORD_FIELD_I32:
		*(int32_t *)at = (int32_t)take_number(in);
		break;
	case RECORD_FIELD_BOOL:
		*(bool *)at = take_byte(in) & 1;
		break;
	case RECORD_FIELD_WORD:
		while (f->words[words_count])
			words_count++;
		*(unsigned *)at = take_byte(in) % words_count;
		break;
	case RECORD_FIELD_ADDRESS:
		*(struct record_address *)at = take_address(in);
		break;
	case RECORD_FIELD_SPAN:
		*(struct span *)at = take_span(in);
		break;
	case RECORD_FIELD_SPANS:
		for (size_t i = 0; i < 4; i++)
			lists->spans[i] = take_span(in);
		*(struct record_spans *)at = (struct record_spans){ lists->spans, take_byte(in) % 5 };
		break;
	case RECORD_FIELD_PAIRS:
		for (size_t i = 0; i < 4; i++)
			lists->pairs[i] = (struct record_pair){ take_span(in), take_span(in) };
		*(struct record_pairs *)at = (struct record_pairs){ lists->pairs, take_byte(in) % 5 };
		break;
	}
}

static void take_record(struct input *in, struct record *r, struct lists *lists)
{
	uint8_t what = take_byte(in);
	/* Every second one is a message. */
	*r = (struct record){ .kind = what & 1 ? RECORD_MESSAGE
					       : (enum record_kind)(1 + what / 2 % (RECORD_KIND_COUNT - 1)) };
	for (const struct record_field *f = record_kind_fields(r->kind); f->name; f++)
		take_field(in, r, f, lists);
	uint8_t head = take_byte(in);
	r->head.node = words[5 + head % 2];
	r->head.serial = head & 4 ? take_span(in) : SPAN_NONE;
	r->head.tag = head & 8 ? take_span(in) : SPAN_NONE;
	/* Mostly tenths of a second of one day. */
	uint64_t time = take_number(in);
	r->head.time_us = head & 16    ? 0
			  : time < 256 ? INT64_C(1795392000000000) + (int64_t)time * 100000
				       : (int64_t)time;
}

/* ---- what comes out ---- */

struct seen {
	uint64_t cases, sum;
};

static void read_span(struct seen *seen, struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		seen->sum += (unsigned char)s.at[i];
}

static void check_step(const struct explain_case *c, const struct explain_step *step, struct seen *seen)
{
	base_require(step->event && step->from < c->host_count && step->to < c->host_count);
	base_require(step->leg == EXPLAIN_NO_LEG || step->leg == 0 || step->leg < c->leg_count);
	base_require(!step->second || step->second->kind == step->event->kind);
	read_span(seen, step->event->place.quote);
	if (step->event->kind == RECORD_MESSAGE)
		read_span(seen, step->event->message.call_id);
	else
		base_require(step->event->record->kind == step->event->kind);
}

static struct span file_name(void *argument, uint32_t file)
{
	(void)argument;
	return file ? SPAN("theirs.log") : SPAN("ours.log");
}

/* Then as if an examination had found what is first among the candidates. */
static void judge(const struct explain_case *c, struct seen *seen)
{
	const struct explain_judge_settings settings = { .file_name = file_name };
	struct explain_problem *p;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	int status = explain_judge(&settings, c, &arena, &p);
	base_require(status == 0 && p->sentence.at && (unsigned)p->confidence <= EXPLAIN_PROVED);
	base_require(!p->finding == (p->confidence == EXPLAIN_NONE));
	base_require(p->failing == EXPLAIN_NO_STEP || p->failing < c->step_count);
	for (size_t i = 0; i < p->candidate_count; i++)
		base_require(p->candidates[i].finding && p->candidates[i].confidence <= p->confidence);
	read_span(seen, p->sentence);
	read_span(seen, p->why);
	for (size_t i = 0; i < p->domain_count; i++) {
		struct finding_list found;
		finding_list_init(&found, &arena, FINDING_YOU);
		if (p->candidate_count > 0 && seen->cases & 1)
			finding_add(&found, p->candidates[0].finding->code, p->domains[i]);
		base_require(explain_judge_examined(p, p->domains[i], &found, &arena) == 0);
		base_require(p->candidate_count <= EXPLAIN_CANDIDATES_MAXIMUM);
	}
	arena_done(&arena);
}

static void take_case(void *argument, const struct explain_case *c)
{
	struct seen *seen = argument;
	seen->cases++;
	base_require(c->step_count > 0 && c->step_count <= EXPLAIN_STEPS_MAXIMUM);
	base_require(c->refusal == EXPLAIN_NO_STEP || c->refusal < c->step_count);
	base_require(c->request == EXPLAIN_NO_STEP || c->request < c->step_count);
	base_require(c->refused_by == EXPLAIN_NO_STEP || c->refused_by < c->host_count);
	base_require((unsigned)c->kind < EXPLAIN_CASE_KIND_COUNT && (unsigned)c->outcome < EXPLAIN_OUTCOME_COUNT);
	base_require(c->started_us <= c->ended_us);
	for (uint32_t i = 0; i < c->step_count; i++)
		check_step(c, &c->steps[i], seen);
	for (uint32_t i = 0; i < c->host_count; i++)
		read_span(seen, c->hosts[i].name);
	for (uint32_t i = 0; i < c->leg_count; i++) {
		read_span(seen, c->legs[i].call_id);
		read_span(seen, c->legs[i].from_uri);
	}
	read_span(seen, c->call_id);
	read_span(seen, c->from);
	read_span(seen, c->to);
	read_span(seen, c->reason);
	read_span(seen, c->method);
	judge(c, seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct seen seen = { 0 };
	uint8_t options = take_byte(&in);
	struct explain_joiner_settings settings = {
		.memory_maximum = 1, .keep_good = options & 1, .live = options & 2, .take = take_case, .argument = &seen
	};
	struct explain_joiner *j = explain_joiner_new(&settings);
	base_require(j);
	struct arena arena;
	arena_init(&arena, 1 << 20);
	uint64_t events = 0;
	while (in.at < in.end) {
		struct record r;
		struct lists lists;
		bool full;
		take_record(&in, &r, &lists);
		const struct explain_seen place = { .file = take_byte(&in) % 3,
			.line = events + 1,
			.offset = events,
			.raw = r.kind == RECORD_MESSAGE ? r.message.bytes : SPAN("a line\n"),
			.is_summary = options & 4 };
		const struct explain_event *event = explain_boil(&r, &place, &arena, &full);
		base_require(!full);
		if (event) {
			base_require(explain_joiner_add(j, event, 0, 0) == 0);
			events++;
		}
		if (options & 2)
			explain_joiner_wait(j, event ? event->time_us : 0);
		arena_reset(&arena);
	}
	explain_joiner_end(j);
	struct explain_totals t = explain_joiner_totals(j);
	base_require(t.events == events);
	base_require(t.calls == t.answered + t.failed + t.abandoned + t.unknown);
	base_require(t.forgotten <= events);
	explain_joiner_free(j);
	arena_done(&arena);
	return 0;
}
