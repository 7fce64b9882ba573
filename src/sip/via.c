/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/via.h"

#include "sip/fail.h"
#include "sip/host.h"
#include "sip/read.h"
#include "sip/scan.h"

static const char *skip_slash(const char *at, const char *end)
{
	at = scan_blanks(at, end);
	return at < end && *at == '/' ? scan_blanks(at + 1, end) : NULL;
}

/* "SIP/2.0/" with blanks around its slashes where somebody likes them (RFC 3261 25.1: SLASH). */
static const char *parse_protocol(const char *at, const char *end)
{
	if (end - at > 8 && scan_lower8(at, 8, end) == 0x2f302e322f706973 /* sip/2.0/ */ && at[3] == '/' &&
		at[7] == '/')
		return sip_class_is(at[8], SIP_CLASS_BLANK) ? scan_blanks(at + 8, end) : at + 8;
	if (end - at < 3 || scan_lower8(at, 3, end) != 0x706973)
		return NULL;
	at = skip_slash(at + 3, end);
	if (!at || end - at < 3 || memcmp(at, "2.0", 3) != 0)
		return NULL;
	return skip_slash(at + 3, end);
}

static bool parse_rport(struct span value, struct sip_via *via)
{
	uint64_t port;
	via->has_rport = true;
	if (value.length == 0)
		return true;
	if (span_to_u64(value, UINT16_MAX, &port) < 0)
		return false;
	via->rport = (uint16_t)port;
	return true;
}

/* Names are told apart by their length and their letters as a number. */
static bool keep_parameter(const struct sip_parameter *parameter, const char *end, struct sip_via *via)
{
	uint64_t word = scan_lower8(parameter->name.at, parameter->name.length, end);
	switch (parameter->name.length) {
	case 5:
		if (word == 0x74726f7072 /* rport */)
			return parse_rport(parameter->value, via);
		if (word == 0x726464616d /* maddr */)
			via->maddr = parameter->value;
		return true;
	case 6:
		if (word == 0x68636e617262 /* branch */ && !via->branch.at)
			via->branch = parameter->value;
		return true;
	case 8:
		if (word == 0x6465766965636572 /* received */)
			via->received = parameter->value;
		return true;
	default:
		return true;
	}
}

/* The rest of host : port where blanks stand around the colon (RFC 3261 25.1: COLON). */
static const char *parse_spaced_port(const char *at, const char *end, struct sip_host *host)
{
	uint64_t port;
	at = scan_blanks(at + 1, end);
	const char *stop = scan_while(at, end, SIP_CLASS_DIGIT);
	if (span_to_u64(span_make(at, (size_t)(stop - at)), UINT16_MAX, &port) < 0) {
		host->failed = at;
		return NULL;
	}
	host->port = (uint16_t)port;
	return scan_blanks(stop, end);
}

static const char *parse_host(
	const char *at, const char *end, const char *limit, struct sip_via *via, const char **ret_failed)
{
	struct sip_host host;
	at = sip_host_read(at, end, limit, &host);
	if (at && at < end && *at != ';') {
		at = scan_blanks(at, end);
		if (at < end && *at == ':' && !host.has_port)
			at = parse_spaced_port(at, end, &host);
	}
	if (!at || (at < end && *at != ';')) {
		*ret_failed = at ? at : host.failed;
		return NULL;
	}
	via->host = host.name;
	via->port = host.port;
	via->is_ipv6 = host.is_ipv6;
	return at;
}

/* The branch where it is the first parameter, as it is with most. Gives where the others begin. */
static inline const char *take_branch(const char *at, const char *end, const char *limit, struct sip_via *via)
{
	if (end - at < 9 || limit - at < 9 ||
		((scan_load8(at) | SCAN_CASE) & 0xffffffffffffff00) != 0x3d68636e61726200 /* branch= */)
		return at;
	const char *value = at + 8, *stop = scan_find(value, end, limit, ';', '"', ' ');
	if (stop < end && *stop != ';')
		return at;
	via->branch = span_make(value, (size_t)(stop - value));
	return stop;
}

int sip_via_read(struct span value, const char *limit, struct sip_via *via, struct sip_defect *ret_defect)
{
	const char *start = value.at, *end = scan_back_blanks(start, start + value.length);
	const char *at = scan_blanks(start, end), *failed = NULL;
	memset(via, 0, sizeof(*via));
	via->whole = span_make(at, (size_t)(end - at));
	at = parse_protocol(at, end);
	if (!at)
		return sip_fail(ret_defect, SIP_RULE_VIA, 0);
	const char *stop = end - at > 4 && at[3] == ' ' && at[4] > ' ' ? at + 3 : scan_while(at, end, SIP_CLASS_TOKEN);
	via->transport_name = span_make(at, (size_t)(stop - at));
	via->transport = sip_transport_read(via->transport_name, limit);
	at = scan_blanks(stop, end);
	if (via->transport == SIP_TRANSPORT_OTHER && !sip_is_token(via->transport_name))
		return sip_fail(ret_defect, SIP_RULE_VIA, (size_t)(via->transport_name.at - start));
	if (via->transport == SIP_TRANSPORT_NONE || at == stop)
		return sip_fail(ret_defect, SIP_RULE_VIA, (size_t)(stop - start));
	at = parse_host(at, end, limit, via, &failed);
	if (!at)
		return sip_fail(ret_defect, SIP_RULE_VIA, (size_t)(failed - start));
	via->parameters = span_make(at, (size_t)(end - at));
	at = take_branch(at, end, limit, via);
	struct span rest = span_make(at, (size_t)(end - at));
	struct sip_parameter parameter;
	while (sip_parameter_read(&rest, limit, &parameter)) {
		if (!keep_parameter(&parameter, limit, via))
			return sip_fail(ret_defect, SIP_RULE_VIA, (size_t)(parameter.name.at - start));
	}
	return 0;
}

int sip_via_parse(struct span value, struct sip_via *ret_via, struct sip_defect *ret_defect)
{
	struct sip_via via;
	int status = sip_via_read(value, value.at + value.length, &via, ret_defect);
	if (status == 0)
		*ret_via = via;
	return status;
}

bool sip_via_parameter(const struct sip_via *via, struct span name, struct span *ret_value)
{
	return sip_parameter_find(via->parameters, name, ret_value);
}

bool sip_via_has_cookie(const struct sip_via *via)
{
	return span_starts_nocase(via->branch, SPAN("z9hG4bK"));
}

uint16_t sip_via_port(const struct sip_via *via)
{
	return via->port ? via->port : sip_transport_default_port(via->transport);
}
