/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "phone/private.h"

#include <ctype.h>

struct span phone_via(struct phone *phone, struct arena *a, enum transport_protocol protocol, struct span *ret_branch)
{
	char hash[TRANSPORT_LOOP_HASH_LENGTH + 1];
	char branch[TRANSPORT_BRANCH_LENGTH + 1];
	random_hex(phone->params.random, TRANSPORT_LOOP_HASH_LENGTH, hash);
	transport_branch_make(phone->transport, span_of(hash), branch);
	*ret_branch = arena_copy(a, span_of(branch));
	return arena_printf(a, "SIP/2.0/%s %.*s;branch=%s;rport", transport_protocol_name(protocol),
		SPAN_PRINT(transport_sent_by(phone->transport, protocol)), branch);
}

struct span phone_contact(struct phone *phone, struct arena *a, struct span user, enum transport_protocol protocol)
{
	return arena_printf(a, "<sip:%.*s%s%.*s%s%s>", SPAN_PRINT(user), user.length > 0 ? "@" : "",
		SPAN_PRINT(transport_sent_by(phone->transport, protocol)),
		protocol == TRANSPORT_UDP ? "" : ";transport=",
		protocol == TRANSPORT_UDP ? "" : transport_protocol_parameter(protocol));
}

struct span phone_agent(const struct phone *phone)
{
	if (phone->params.dialect == PHONE_MICROSOFT)
		return SPAN("UCCAPI/16.0.4266.1001 OC/16.0.4266.1001 (Skype for Business)");
	return SPAN("fedge phone");
}

void phone_append_capabilities(struct sip_draft *d)
{
	sip_draft_append(d, SIP_HEADER_ALLOW, SPAN(PHONE_ALLOW));
	sip_draft_append(d, SIP_HEADER_ACCEPT, SPAN(PHONE_ACCEPT));
	sip_draft_append(d, SIP_HEADER_SUPPORTED, SPAN(PHONE_SUPPORTED));
}

void phone_append_session(const struct phone_call *call, struct sip_draft *d, struct arena *a)
{
	if (call->phone->params.dialect == PHONE_STANDARD)
		sip_draft_append(d, SIP_HEADER_SESSION_ID,
			arena_printf(a, "%s;remote=%s", call->session_id, call->remote_session_id));
}

void phone_take_session(struct phone_call *call, const struct sip_message *m)
{
	struct span value = sip_message_value(m, SIP_HEADER_SESSION_ID);
	struct span local = span_cut(&value, ';');
	bool is_one = local.length + 1 == sizeof(call->remote_session_id);
	for (size_t i = 0; is_one && i < local.length; i++)
		is_one = isxdigit((unsigned char)local.at[i]) != 0;
	if (is_one)
		memcpy(call->remote_session_id, local.at, local.length);
}

static void append_unsupported(struct sip_draft *d, const struct sip_message *request)
{
	struct sip_values values = sip_message_values(request, SIP_HEADER_REQUIRE);
	for (struct span tag; phone_next_unsupported(&values, &tag);)
		sip_draft_append(d, SIP_HEADER_UNSUPPORTED, tag);
}

static void append_extra(
	struct phone *phone, struct sip_draft *d, const struct sip_message *request, enum phone_extra extra)
{
	switch (extra) {
	case PHONE_EXTRA_NONE:
		break;
	case PHONE_EXTRA_ALLOW:
		sip_draft_append(d, SIP_HEADER_ALLOW, SPAN(PHONE_ALLOW));
		break;
	case PHONE_EXTRA_CAPABILITIES:
		phone_append_capabilities(d);
		break;
	case PHONE_EXTRA_UNSUPPORTED:
		append_unsupported(d, request);
		break;
	case PHONE_EXTRA_RETRY:
		/* RFC 3261 14.2: a random number of seconds from 0 to 10. */
		sip_draft_append(d, SIP_HEADER_RETRY_AFTER,
			arena_printf(d->arena, "%u", (unsigned)random_below(phone->params.random, 11)));
		break;
	}
}

int phone_respond(struct transport_server *server, const struct sip_draft *d, uint16_t status)
{
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	int count = sip_draft_pieces(d, pieces, SIP_DRAFT_PIECES_MAXIMUM);
	if (count < 0)
		return count;
	return transport_respond(server, status, pieces, (size_t)count);
}

void phone_reply(struct phone *phone, struct transport_server *server, struct phone_decision decision, struct span tag)
{
	const struct sip_message *request = transport_server_request(server);
	struct arena *a = transport_server_arena(server);
	char fresh[PHONE_TAG_LENGTH + 1];
	struct sip_draft d;
	random_hex(phone->params.random, PHONE_TAG_LENGTH, fresh);
	sip_draft_response(&d, a, request, decision.status, SPAN_NONE, tag.at ? tag : arena_copy(a, span_of(fresh)));
	append_extra(phone, &d, request, decision.extra);
	sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(phone));
	phone_respond(server, &d, decision.status);
}
