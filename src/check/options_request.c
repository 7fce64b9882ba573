/* SPDX-License-Identifier: Apache-2.0 */
#include "check/options_request.h"

#include "sip/draft.h"
#include "sip/message.h"

#include <errno.h>

/* The answer's own texts and the request; an answer itself has PEER_ANSWER_MAXIMUM. */
#define EXCHANGE_BYTES_MAXIMUM (256u * 1024)
#define TOKEN_DIGITS 16
#define QUOTED_MAXIMUM 80 /* bytes of something that is no SIP */

/* ---- asking ---- */

static void append_all(
	struct sip_draft *d, struct check_options_exchange *e, const struct check_options_request *request)
{
	struct arena *a = &e->arena;
	const char *open = request->host_is_ipv6 ? "[" : "", *close = request->host_is_ipv6 ? "]" : "";
	char branch[TOKEN_DIGITS + 1], tag[TOKEN_DIGITS + 1];
	random_hex(request->random, TOKEN_DIGITS, branch);
	random_hex(request->random, TOKEN_DIGITS, tag);
	sip_draft_append(d, SIP_HEADER_VIA,
		arena_printf(a, "SIP/2.0/TLS %s%.*s%s;branch=z9hG4bK%s;rport", open, SPAN_PRINT(request->host), close,
			branch));
	sip_draft_append(d, SIP_HEADER_MAX_FORWARDS, SPAN("70"));
	sip_draft_append(d, SIP_HEADER_FROM, arena_printf(a, "<%.*s>;tag=%s", SPAN_PRINT(request->from), tag));
	sip_draft_append(d, SIP_HEADER_TO, arena_printf(a, "<sip:%.*s>", SPAN_PRINT(request->domain)));
	sip_draft_append(d, SIP_HEADER_CALL_ID, e->call_id);
	sip_draft_append(d, SIP_HEADER_CSEQ, SPAN("1 OPTIONS"));
	sip_draft_append(d, SIP_HEADER_CONTACT,
		arena_printf(a, "<sip:fedge-check@%s%.*s%s;transport=tls>", open, SPAN_PRINT(request->host), close));
	sip_draft_append(d, SIP_HEADER_USER_AGENT, SPAN("fedge/" FEDGE_VERSION));
	sip_draft_append(d, SIP_HEADER_ACCEPT, SPAN("application/sdp"));
}

int check_options_begin(struct check_options_exchange *e, const struct check_options_request *request)
{
	struct sip_draft d;
	char token[TOKEN_DIGITS + 1];
	arena_init(&e->arena, EXCHANGE_BYTES_MAXIMUM);
	sip_framer_init(&e->framer, SIP_FRAMER_LIMITS_DEFAULT);
	random_hex(request->random, TOKEN_DIGITS, token);
	e->call_id = arena_printf(&e->arena, "%s@%.*s", token, SPAN_PRINT(request->host));
	sip_draft_request(
		&d, &e->arena, SPAN("OPTIONS"), arena_printf(&e->arena, "sip:%.*s", SPAN_PRINT(request->domain)));
	append_all(&d, e, request);
	e->request = sip_draft_text(&d);
	if (e->request.at)
		return 0;
	return d.status < 0 ? d.status : -ENOMEM;
}

/* ---- hearing ---- */

static struct span keep(struct check_options_exchange *e, struct span value)
{
	return arena_copy(&e->arena, value);
}

/* Why it was refused, in the words of whoever says most. */
static struct span diagnostics_of(const struct sip_message *m)
{
	static const enum sip_header_id headers[] = {
		SIP_HEADER_MS_DIAGNOSTICS,
		SIP_HEADER_MS_DIAGNOSTICS_PUBLIC,
		SIP_HEADER_WARNING,
	};
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (sip_message_has(m, headers[i]))
			return sip_message_value(m, headers[i]);
	return SPAN_NONE;
}

static void take_final(struct check_options_exchange *e, const struct sip_message *m)
{
	struct span server = sip_message_value(m, SIP_HEADER_SERVER);
	e->over = true;
	e->answer.status = m->status;
	e->answer.reason = keep(e, m->reason);
	e->answer.server = keep(e, server.at ? server : sip_message_value(m, SIP_HEADER_USER_AGENT));
	e->answer.diagnostics = keep(e, diagnostics_of(m));
}

static void take_message(struct check_options_exchange *e, struct span bytes)
{
	struct sip_message m;
	struct sip_defect defect = { 0 };
	int status = sip_message_parse(bytes, &m, &defect);
	if (status < 0) {
		e->over = true;
		e->answer.text = arena_printf(&e->arena, "an answer that is malformed: %s", sip_rule_text(defect.rule));
		return;
	}
	/* A stranger's request, or an answer to something else: a careful peer sends neither. */
	if (m.is_request || !span_equal(m.call_id, e->call_id))
		e->strange++;
	else if (m.status < 200)
		e->provisional++;
	else
		take_final(e, &m);
}

static void take_garbage(struct check_options_exchange *e, struct span all, const struct sip_defect *defect)
{
	struct span line = span_first(all, span_find(all, '\n'));
	line = span_trim(span_first(line, QUOTED_MAXIMUM));
	e->over = true;
	e->answer.text = arena_printf(
		&e->arena, "something that is no SIP (%s): `%.*s`", sip_rule_text(defect->rule), SPAN_PRINT(line));
}

bool check_options_hear(struct check_options_exchange *e, struct span answer)
{
	struct span input = span_from(answer, e->heard);
	e->heard = answer.length;
	for (struct sip_frame frame; !e->over && sip_framer_next(&e->framer, &input, &frame);) {
		if (frame.kind == SIP_FRAME_MESSAGE)
			take_message(e, frame.bytes);
		else if (frame.kind == SIP_FRAME_DEFECT)
			take_garbage(e, answer, &frame.defect);
	}
	return e->over;
}

/* ---- telling ---- */

static struct span nothing_said(struct check_options_exchange *e)
{
	if (e->heard == 0)
		return SPAN("no answer");
	if (sip_framer_pending(&e->framer) > 0)
		return arena_printf(&e->arena, "an answer that broke off after %zu bytes", e->heard);
	if (e->provisional > 0)
		return SPAN("no final answer, only provisional ones");
	if (e->strange > 0)
		return SPAN("SIP messages, none of them an answer to this OPTIONS");
	return SPAN("no answer, only empty lines");
}

const struct check_answer *check_options_answer(struct check_options_exchange *e)
{
	e->answer.asked = true;
	if (e->answer.status == 0 && !e->answer.text.at)
		e->answer.text = nothing_said(e);
	return &e->answer;
}

void check_options_end(struct check_options_exchange *e)
{
	if (!e->request.at && !e->arena.maximum)
		return;
	sip_framer_done(&e->framer);
	arena_done(&e->arena);
	*e = (struct check_options_exchange){ 0 };
}
