/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/dialect.h"

#include "sip/parameter.h"
#include "sip/sdp.h"

static bool contains_nocase(struct span text, struct span part)
{
	for (size_t i = 0; i + part.length <= text.length; i++) {
		if (span_starts_nocase(span_from(text, i), part))
			return true;
	}
	return false;
}

static bool is_their_agent(struct span agent)
{
	static const struct span words[] = { { "UCCAPI/", 7 }, { "RTC/", 4 }, { "RTCC/", 5 }, { "OCPhone/", 8 },
		{ "Microsoft Lync", 14 }, { "Skype for Business", 18 }, { "LyncGeneric", 11 },
		{ "Mediation Server", 16 } };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (contains_nocase(agent, words[i]))
			return true;
	}
	return false;
}

/* ms-… but the diagnostics, which strangers write too. */
static unsigned header_facts(const struct sip_header *header)
{
	unsigned facts = 0;
	switch (header->id) {
	case SIP_HEADER_MS_DIAGNOSTICS:
	case SIP_HEADER_MS_DIAGNOSTICS_PUBLIC:
		facts |= SIP_DIALECT_DIAGNOSTICS;
		break;
	case SIP_HEADER_USER_AGENT:
	case SIP_HEADER_SERVER:
		if (is_their_agent(header->value))
			facts |= SIP_DIALECT_AGENT;
		break;
	case SIP_HEADER_MS_CLIENT_DIAGNOSTICS:
	case SIP_HEADER_MS_CONVERSATION_ID:
	case SIP_HEADER_MS_KEEP_ALIVE:
		facts |= SIP_DIALECT_HEADER;
		break;
	case SIP_HEADER_OTHER:
		if (span_starts_nocase(header->name, SPAN("ms-")))
			facts |= SIP_DIALECT_HEADER;
		break;
	case SIP_HEADER_FROM:
	case SIP_HEADER_TO:
	case SIP_HEADER_CALL_ID:
	case SIP_HEADER_CONTACT:
		/* One letter could be a compact form; "TO" could not. */
		if (header->name.length > 1 && header->name.at[1] >= 'A' && header->name.at[1] <= 'Z')
			facts |= SIP_DIALECT_UPPER_CASE;
		break;
	default:
		break;
	}
	return facts;
}

static unsigned option_facts(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_values values = sip_message_values(m, id);
	for (struct span value; sip_values_next(&values, &value);) {
		if (span_starts_nocase(value, SPAN("ms-")) || span_starts_nocase(value, SPAN("com.microsoft.")) ||
			span_is_nocase(value, "gruu-10"))
			return SIP_DIALECT_OPTION;
	}
	return 0;
}

static unsigned via_facts(const struct sip_message *m)
{
	unsigned facts = m->via.host.at && !m->via.branch.at ? SIP_DIALECT_NO_BRANCH : 0;
	struct sip_values values = sip_message_values(m, SIP_HEADER_VIA);
	for (struct span value; sip_values_next(&values, &value);) {
		struct sip_via via;
		if (sip_via_parse(value, &via, NULL) == 0 &&
			(sip_via_parameter(&via, SPAN("ms-received-port"), NULL) ||
				sip_via_parameter(&via, SPAN("ms-received-cid"), NULL)))
			facts |= SIP_DIALECT_RECEIVED;
	}
	return facts;
}

static unsigned gruu_facts(struct span uri)
{
	return contains_nocase(uri, SPAN("opaque=user:epid:")) || contains_nocase(uri, SPAN("opaque=app:conf:"))
		       ? SIP_DIALECT_GRUU
		       : 0;
}

unsigned sip_dialect_facts(const struct sip_message *m)
{
	unsigned facts = via_facts(m);
	for (size_t i = 0; i < m->header_count; i++)
		facts |= header_facts(&m->headers[i]);
	if (sip_dialect_epid(&m->from).at || sip_dialect_epid(&m->to).at)
		facts |= SIP_DIALECT_EPID;
	facts |= option_facts(m, SIP_HEADER_SUPPORTED);
	facts |= option_facts(m, SIP_HEADER_REQUIRE);
	facts |= option_facts(m, SIP_HEADER_PROXY_REQUIRE);
	facts |= gruu_facts(sip_message_value(m, SIP_HEADER_CONTACT));
	facts |= gruu_facts(m->request_uri);
	if (m->is_request && span_starts_nocase(m->request_uri, SPAN("sip")) && m->request_uri.at[0] == 'S')
		facts |= SIP_DIALECT_UPPER_CASE;
	return facts;
}

bool sip_dialect_is_microsoft(unsigned facts)
{
	return (facts & ~(unsigned)(SIP_DIALECT_DIAGNOSTICS | SIP_DIALECT_UPPER_CASE | SIP_DIALECT_NO_BRANCH)) != 0;
}

static bool has_sound_or_picture(struct span text)
{
	struct sip_sdp sdp;
	struct sip_defect defect;
	if (text.length == 0 || sip_sdp_parse(text, &sdp, &defect) < 0)
		return true;
	for (size_t i = 0; i < sdp.media_count; i++)
		if (span_is_nocase(sdp.media[i].kind, "audio") || span_is_nocase(sdp.media[i].kind, "video"))
			return true;
	return false;
}

enum sip_variant sip_dialect_variant(const struct sip_message *request)
{
	static const char *const messaging[] = { "MESSAGE", "SUBSCRIBE", "NOTIFY", "BENOTIFY", "SERVICE", "PUBLISH" };
	if (!sip_dialect_is_microsoft(sip_dialect_facts(request)))
		return SIP_VARIANT_STANDARDS;
	for (size_t i = 0; i < sizeof(messaging) / sizeof(messaging[0]); i++)
		if (span_is(request->method_name, messaging[i]))
			return SIP_VARIANT_MICROSOFT_IM;
	bool is_invite = request->method == SIP_METHOD_INVITE;
	return is_invite && !has_sound_or_picture(sip_message_sdp(request)) ? SIP_VARIANT_MICROSOFT_IM
									    : SIP_VARIANT_MICROSOFT_AV;
}

struct span sip_dialect_epid(const struct sip_address *address)
{
	struct span value = SPAN_NONE;
	return address->parameters.at && sip_address_parameter(address, SPAN("epid"), &value) ? value : SPAN_NONE;
}
