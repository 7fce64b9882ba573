/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/sender.h"

static struct span host_of(struct span uri_text, struct sip_uri *ret_uri)
{
	if (sip_uri_parse(uri_text, ret_uri, NULL) < 0 || !sip_uri_is_sip(ret_uri))
		return SPAN_NONE;
	return ret_uri->host;
}

/* Only digits and what separates them: a name behind user=phone is no number. */
static bool is_number(const struct sip_uri *uri)
{
	struct span value;
	if (uri->scheme == SIP_SCHEME_TEL)
		return true;
	if (!sip_uri_is_sip(uri) || !sip_uri_parameter(uri, SPAN("user"), &value) || !span_is_nocase(value, "phone"))
		return false;
	for (size_t i = 0; i < uri->user.length; i++)
		if (!memchr("+0123456789-.()", uri->user.at[i], 15))
			return false;
	return uri->user.length > 0;
}

/* RFC 3325 allows one sip: and one tel: value; false where two sip: ones name different domains. */
static bool asserted_domain(const struct sip_message *m, struct span *ret_domain)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_P_ASSERTED_IDENTITY);
	struct sip_address address;
	struct sip_uri uri;
	struct span domain = SPAN_NONE;
	for (struct span value; sip_values_next(&values, &value);) {
		if (sip_address_parse_uri(value, &address, &uri) < 0 || !sip_uri_is_sip(&uri))
			continue;
		if (domain.at && !span_equal_nocase(domain, uri.host))
			return false;
		domain = uri.host;
	}
	*ret_domain = domain;
	return true;
}

bool edge_sender_read(const struct sip_message *m, struct trust_sender *ret_sender)
{
	struct sip_uri from = { .scheme = SIP_SCHEME_OTHER };
	struct trust_sender sender = { .from = host_of(m->from.uri, &from) };
	if (!asserted_domain(m, &sender.asserted))
		return false;
	sender.from_is_anonymous = span_ends_nocase(sender.from, SPAN("anonymous.invalid"));
	sender.from_is_number = is_number(&from);
	*ret_sender = sender;
	return true;
}
