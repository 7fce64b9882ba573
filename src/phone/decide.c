/* SPDX-License-Identifier: Apache-2.0 */
#include "phone/decide.h"

#include "base/require.h"
#include "phone/phone.h"
#include "sip/parameter.h"

bool phone_user_matches(struct span pattern, const struct sip_uri *uri)
{
	struct sip_uri wanted;
	if (sip_uri_parse(pattern, &wanted, NULL) < 0 || !sip_uri_is_sip(&wanted) || !sip_uri_is_sip(uri))
		return false;
	if (!span_equal_nocase(wanted.host, uri->host))
		return false;
	return span_is(wanted.user, "*") || span_equal(wanted.user, uri->user);
}

bool phone_next_unsupported(struct sip_values *values, struct span *ret_tag)
{
	for (struct span tag; sip_values_next(values, &tag);) {
		if (sip_list_has(SPAN(PHONE_SUPPORTED), tag))
			continue;
		*ret_tag = tag;
		return true;
	}
	return false;
}

static bool requires_unknown(const struct sip_message *request)
{
	struct sip_values values = sip_message_values(request, SIP_HEADER_REQUIRE);
	struct span tag;
	return phone_next_unsupported(&values, &tag);
}

static struct phone_decision reply(uint16_t status, enum phone_extra extra)
{
	return (struct phone_decision){ .act = PHONE_ACT_REPLY, .status = status, .extra = extra };
}

/* Within a dialog of ours (RFC 3261 12.2.2). */
static struct phone_decision within(const struct sip_message *request, const struct phone_situation *s)
{
	if (s->out_of_order)
		return reply(500, PHONE_EXTRA_RETRY);
	switch (request->method) {
	case SIP_METHOD_BYE:
		return (struct phone_decision){ .act = PHONE_ACT_HANG_UP, .status = 200 };
	case SIP_METHOD_INVITE:
	case SIP_METHOD_UPDATE:
		/* RFC 3261 14.2, RFC 3311 5.2: two at once. */
		if (s->inviting)
			return reply(491, PHONE_EXTRA_NONE);
		return (struct phone_decision){ .act = PHONE_ACT_REFRESH, .status = 200 };
	case SIP_METHOD_INFO:
	case SIP_METHOD_MESSAGE:
		return reply(200, PHONE_EXTRA_NONE);
	case SIP_METHOD_OPTIONS:
		return reply(200, PHONE_EXTRA_CAPABILITIES);
	case SIP_METHOD_PRACK: /* we never ask for one */
	case SIP_METHOD_NOTIFY:
	case SIP_METHOD_CANCEL:
		return reply(481, PHONE_EXTRA_NONE);
	case SIP_METHOD_SUBSCRIBE:
		return reply(489, PHONE_EXTRA_NONE);
	case SIP_METHOD_OTHER:
		return reply(501, PHONE_EXTRA_NONE);
	default:
		return reply(405, PHONE_EXTRA_ALLOW);
	}
}

/* From outside any dialog (8.2.2). */
static struct phone_decision outside(const struct sip_message *request, const struct phone_situation *s)
{
	static const struct {
		enum sip_method method;
		struct phone_decision decision;
	} table[] = {
		{ SIP_METHOD_INVITE, { PHONE_ACT_RING, 180, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_OPTIONS, { PHONE_ACT_REPLY, 200, PHONE_EXTRA_CAPABILITIES } },
		{ SIP_METHOD_MESSAGE, { PHONE_ACT_REPLY, 200, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_SUBSCRIBE, { PHONE_ACT_REPLY, 489, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_BYE, { PHONE_ACT_REPLY, 481, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_CANCEL, { PHONE_ACT_REPLY, 481, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_INFO, { PHONE_ACT_REPLY, 481, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_UPDATE, { PHONE_ACT_REPLY, 481, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_PRACK, { PHONE_ACT_REPLY, 481, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_NOTIFY, { PHONE_ACT_REPLY, 481, PHONE_EXTRA_NONE } },
		{ SIP_METHOD_OTHER, { PHONE_ACT_REPLY, 501, PHONE_EXTRA_NONE } },
	};
	if (!sip_uri_is_sip(&request->uri))
		return reply(416, PHONE_EXTRA_NONE);
	if (!s->for_us)
		return reply(404, PHONE_EXTRA_NONE);
	if (s->merged)
		return reply(482, PHONE_EXTRA_NONE);
	if (request->method == SIP_METHOD_INVITE && s->stopping)
		return reply(503, PHONE_EXTRA_NONE);
	if (request->method == SIP_METHOD_INVITE && s->busy)
		return reply(486, PHONE_EXTRA_NONE);
	for (size_t i = 0; i < BASE_COUNT(table); i++)
		if (table[i].method == request->method)
			return table[i].decision;
	return reply(405, PHONE_EXTRA_ALLOW);
}

struct phone_decision phone_decide(const struct sip_message *request, const struct phone_situation *situation)
{
	if (!sip_method_is_answered(request->method))
		return (struct phone_decision){ .act = PHONE_ACT_IGNORE };
	if (request->method != SIP_METHOD_CANCEL && requires_unknown(request))
		return reply(420, PHONE_EXTRA_UNSUPPORTED);
	if (!request->to.tag.at)
		return outside(request, situation);
	if (!situation->call_known)
		return reply(481, PHONE_EXTRA_NONE);
	return within(request, situation);
}
