/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever can be read can be walked, copied, forwarded, answered, and what we write of it can be read again. */
#include "base/require.h"
#include "sip/diagnostics.h"
#include "sip/dialect.h"
#include "sip/draft.h"
#include "sip/message.h"

#include <errno.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct span part, struct span whole)
{
	base_require(!part.at || (part.at >= whole.at && part.at + part.length <= whole.at + whole.length));
}

static void walk(const struct sip_message *m)
{
	size_t position = 0;
	struct sip_diagnostics diagnostics;
	for (size_t i = 0; i < m->header_count; i++) {
		const struct sip_header *header = &m->headers[i];
		within(header->name, m->head);
		within(header->value, m->head);
		within(sip_message_line(m, header), m->head);
		base_require(header->name.length > 0);
		base_require(header->id == SIP_HEADER_OTHER || sip_message_find(m, header->id));
		struct sip_values values = sip_message_values(m, header->id);
		for (struct span value; sip_values_next(&values, &value);)
			within(value, m->head);
	}
	while (sip_diagnostics_next(m, &position, &diagnostics))
		within(diagnostics.reason, m->head);
	within(sip_message_sdp(m), m->body);
	within(m->from.uri, m->head);
	within(m->to.tag, m->head);
	within(m->via.branch, m->head);
	within(m->body, m->bytes);
	(void)sip_dialect_is_microsoft(sip_dialect_facts(m));
}

/* What we send of a well-formed message is well formed. */
static void send_on(struct arena *a, const struct sip_message *m)
{
	struct sip_draft d;
	struct sip_message again;
	sip_draft_forward(&d, a, m);
	if (m->is_request)
		sip_draft_stamp_via(&d, &(struct sip_via_stamp){ .received = SPAN("192.0.2.1"), .rport = 5 });
	if (m->is_request)
		sip_draft_prepend(&d, SIP_HEADER_VIA, SPAN("SIP/2.0/TLS me;branch=z9hG4bKme"));
	sip_draft_prepend(&d, SIP_HEADER_RECORD_ROUTE, SPAN("<sip:me;lr>"));
	sip_draft_drop_first(&d, SIP_HEADER_ROUTE, 1);
	sip_draft_set_max_forwards(&d, 69);
	struct span text = sip_draft_text(&d);
	base_require(text.at || d.status == -ENOBUFS || d.status == -ENOMEM);
	if (!text.at || m->header_count + 4 > SIP_MESSAGE_HEADERS_MAXIMUM)
		return;
	base_require(sip_message_parse(text, &again, NULL) == 0);
	base_require(again.content_length >= 0 && span_equal(again.body, m->body));
	base_require(span_equal(again.call_id, m->call_id) && again.cseq == m->cseq);
}

static void answer(struct arena *a, const struct sip_message *m)
{
	struct sip_draft d;
	sip_draft_response(&d, a, m, 400, SPAN_NONE, SPAN("tag"));
	struct span text = sip_draft_text(&d);
	struct sip_message response;
	struct sip_defect defect;
	if (!text.at)
		return;
	int status = sip_message_parse(text, &response, &defect);
	base_require(status != -EBADMSG);
	base_require(!response.is_request && response.status == 400 && response.content_length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_message m;
	struct sip_defect defect = { SIP_RULE_NONE, 0 };
	if (size > 65536)
		return 0;
	int status = sip_message_parse(span_make((const char *)data, size), &m, &defect);
	base_require((status == 0) == (defect.rule == SIP_RULE_NONE) && defect.offset <= size);
	if (status == -EBADMSG)
		return 0;
	struct arena a;
	arena_init(&a, 1 << 20);
	walk(&m);
	if (m.is_request)
		answer(&a, &m);
	if (status == 0) {
		const struct sip_message *copy = sip_message_copy(&a, &m);
		base_require(copy && copy->header_count == m.header_count);
		walk(copy);
		send_on(&a, &m);
	}
	arena_done(&a);
	return 0;
}
