/* SPDX-License-Identifier: Apache-2.0 */
/* Where drafts come from. Responses, CANCEL and ACK are their request with most lines dropped. */
#include "sip/draft.h"
#include "sip/draft_private.h"
#include "sip/parameter.h"

#include <errno.h>

static void init(struct sip_draft *d, struct arena *a, const struct sip_message *source)
{
	d->arena = a;
	d->source = source;
	d->start_line = SPAN_NONE;
	d->body = SPAN_NONE;
	d->status = 0;
	d->edit_count = 0;
	memset(d->dropped, 0, sizeof(d->dropped));
	memset(d->edited, 0, sizeof(d->edited));
}

static void set_start_line(struct sip_draft *d, struct span line)
{
	d->start_line = line;
	if (!line.at)
		sip_draft_failed(d, -ENOMEM);
}

static void keep_line(struct sip_draft *d, size_t index)
{
	d->dropped[index / 64] &= ~(UINT64_C(1) << (index % 64));
	/* A line that came without CR LF is written anew. */
	struct span line = sip_message_line(d->source, &d->source->headers[index]);
	if (line.length < 2 || line.at[line.length - 2] != '\r')
		sip_draft_set_line(d, index, d->source->headers[index].value);
}

static void keep(struct sip_draft *d, enum sip_header_id id, bool all)
{
	const struct sip_header *header = sip_message_find(d->source, id);
	for (; header; header = all ? sip_message_find_next(d->source, header) : NULL)
		keep_line(d, (size_t)(header - d->source->headers));
}

static void drop_all(struct sip_draft *d)
{
	memset(d->dropped, 0xff, sizeof(d->dropped));
}

void sip_draft_forward(struct sip_draft *d, struct arena *a, const struct sip_message *m)
{
	init(d, a, m);
	/* With its CR LF: the start line is followed by it in what was received. */
	d->start_line = span_make(m->start_line.at, m->start_line.length + 2);
	d->body = m->body;
}

static void add_to_tag(struct sip_draft *d, struct span to_tag)
{
	const struct sip_header *to = sip_message_find(d->source, SIP_HEADER_TO);
	if (!to || !to_tag.at || d->source->to.tag.at)
		return;
	struct span text = arena_printf(d->arena, "%.*s;tag=%.*s", SPAN_PRINT(to->value), SPAN_PRINT(to_tag));
	if (text.at)
		sip_draft_set_line(d, (size_t)(to - d->source->headers), text);
	else
		sip_draft_failed(d, -ENOMEM);
}

void sip_draft_response(struct sip_draft *d, struct arena *a, const struct sip_message *request, uint16_t status,
	struct span reason, struct span to_tag)
{
	struct span phrase = reason.at ? reason : sip_status_phrase(status);
	init(d, a, request);
	set_start_line(d, arena_printf(a, "SIP/2.0 %03u %.*s\r\n", (unsigned)status, SPAN_PRINT(phrase)));
	if (status < 100 || status > 699 || span_find(phrase, '\n') < phrase.length ||
		span_find(phrase, '\r') < phrase.length)
		sip_draft_failed(d, -EINVAL);
	drop_all(d);
	keep(d, SIP_HEADER_VIA, true);
	keep(d, SIP_HEADER_FROM, false);
	keep(d, SIP_HEADER_TO, false);
	keep(d, SIP_HEADER_CALL_ID, false);
	keep(d, SIP_HEADER_CSEQ, false);
	if (status > 100 && status < 300)
		keep(d, SIP_HEADER_RECORD_ROUTE, true);
	if (status == 100)
		keep(d, SIP_HEADER_TIMESTAMP, false);
	else
		add_to_tag(d, to_tag);
}

void sip_draft_request(struct sip_draft *d, struct arena *a, struct span method, struct span request_uri)
{
	init(d, a, NULL);
	if (!sip_is_token(method)) {
		sip_draft_failed(d, -EINVAL);
		return;
	}
	set_start_line(d, arena_printf(a, "%.*s ", SPAN_PRINT(method)));
	sip_draft_set_request_uri(d, request_uri);
}

/* What CANCEL and ACK have in common with the INVITE: everything that finds its transaction and its way. */
static void make_companion(struct sip_draft *d, struct arena *a, const struct sip_message *sent, const char *method)
{
	init(d, a, sent);
	set_start_line(d, arena_printf(a, "%s %.*s SIP/2.0\r\n", method, SPAN_PRINT(sent->request_uri)));
	drop_all(d);
	keep(d, SIP_HEADER_VIA, false);
	keep(d, SIP_HEADER_ROUTE, true);
	keep(d, SIP_HEADER_FROM, false);
	keep(d, SIP_HEADER_TO, false);
	keep(d, SIP_HEADER_CALL_ID, false);
	keep(d, SIP_HEADER_CSEQ, false);
	/* A single Via: the topmost of the INVITE, alone where others stand in its line. */
	const struct sip_header *via = sip_message_find(sent, SIP_HEADER_VIA);
	if (via && via->value.length != sent->via.whole.length)
		sip_draft_set_line(d, (size_t)(via - sent->headers), sent->via.whole);
	const struct sip_header *cseq = sip_message_find(sent, SIP_HEADER_CSEQ);
	struct span text = arena_printf(a, "%u %s", (unsigned)sent->cseq, method);
	if (cseq && text.at)
		sip_draft_set_line(d, (size_t)(cseq - sent->headers), text);
	else
		sip_draft_failed(d, cseq ? -ENOMEM : -EINVAL);
	sip_draft_append(d, SIP_HEADER_MAX_FORWARDS, SPAN("70"));
}

void sip_draft_cancel(struct sip_draft *d, struct arena *a, const struct sip_message *sent)
{
	make_companion(d, a, sent, "CANCEL");
}

void sip_draft_ack(
	struct sip_draft *d, struct arena *a, const struct sip_message *sent, const struct sip_message *response)
{
	make_companion(d, a, sent, "ACK");
	const struct sip_header *to = sip_message_find(sent, SIP_HEADER_TO);
	struct span answered = sip_message_value(response, SIP_HEADER_TO);
	if (to && answered.at)
		sip_draft_set_line(d, (size_t)(to - sent->headers), answered);
}
