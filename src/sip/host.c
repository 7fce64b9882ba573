/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/host.h"

#include "sip/scan.h"

static const char *fail(struct sip_host *host, enum sip_rule rule, const char *at)
{
	host->rule = rule;
	host->failed = at;
	return NULL;
}

static const char *parse_ipv6(const char *at, const char *end, struct sip_host *host)
{
	const char *stop = at + 1;
	while (stop < end && (sip_class_is(*stop, SIP_CLASS_HEX) || *stop == ':' || *stop == '.'))
		stop++;
	if (stop == end || *stop != ']' || !memchr(at, ':', (size_t)(stop - at)))
		return fail(host, SIP_RULE_URI_HOST, stop);
	host->name = span_make(at + 1, (size_t)(stop - at - 1));
	host->is_ipv6 = true;
	return stop + 1;
}

const char *sip_host_read(const char *at, const char *end, const char *limit, struct sip_host *ret_host)
{
	const char *start = at;
	ret_host->is_ipv6 = false;
	ret_host->has_port = false;
	ret_host->port = 0;
	if (at < end && *at == '[') {
		at = parse_ipv6(at, end, ret_host);
		if (!at)
			return NULL;
	} else {
		at = scan_word(at, end, limit, SIP_CLASS_HOST);
		if (at == start)
			return fail(ret_host, SIP_RULE_URI_HOST, at);
		ret_host->name = span_make(start, (size_t)(at - start));
	}
	if (at == end || *at != ':')
		return at;
	const char *digits = ++at;
	unsigned port = 0;
	for (; at < end && (unsigned)(*at - '0') <= 9 && port <= UINT16_MAX; at++)
		port = port * 10 + (unsigned)(*at - '0');
	if (at == digits || port > UINT16_MAX)
		return fail(ret_host, SIP_RULE_URI_PORT, digits);
	ret_host->port = (uint16_t)port;
	ret_host->has_port = true;
	return at;
}
