/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/address.h"

#include "sip/fail.h"
#include "sip/read.h"
#include "sip/scan.h"

/* The display name before "<", if there is one. Gives the "<", or NULL where the value has no brackets. */
static const char *parse_display(
	const char *at, const char *end, const char *limit, struct sip_address *address, struct sip_defect *defect)
{
	if (*at == '"') {
		const char *after = scan_quoted(at, end, limit);
		if (!after) {
			*defect = (struct sip_defect){ SIP_RULE_QUOTE, (size_t)(at - address->whole.at) };
			return NULL;
		}
		address->display = span_make(at + 1, (size_t)(after - at - 2));
		after = scan_blanks(after, end);
		*defect = (struct sip_defect){ SIP_RULE_ADDRESS, (size_t)(after - address->whole.at) };
		return after < end && *after == '<' ? after : NULL;
	}
	const char *bracket = scan_find(at, end, limit, '<', '"', '<');
	if (bracket == end || *bracket == '"')
		return NULL;
	const char *stop = scan_back_blanks(at, bracket);
	if (stop > at)
		address->display = span_make(at, (size_t)(stop - at));
	return bracket;
}

/* at stands on the ";" of the first parameter, which is the tag as a rule. */
static inline void find_tag(struct sip_address *address, const char *at, const char *end, const char *limit)
{
	if (end - at >= 5 && limit - at >= 9 &&
		((scan_load8(at + 1) | SCAN_CASE) & 0xffffffff) == 0x3d676174 /* tag= */) {
		const char *value = at + 5, *stop = scan_find(value, end, limit, ';', '"', ' ');
		if (stop == end || *stop == ';') {
			address->tag = span_make(value, (size_t)(stop - value));
			return;
		}
	}
	struct span rest = address->parameters;
	struct sip_parameter parameter;
	while (sip_parameter_read(&rest, limit, &parameter)) {
		if (parameter.name.length == 3 && scan_lower8(parameter.name.at, 3, limit) == 0x676174 /* tag */) {
			address->tag = parameter.value;
			return;
		}
	}
}

/* What follows the URI: nothing, or parameters. */
static bool parse_parameters(
	const char *at, const char *end, const char *limit, struct sip_address *address, struct sip_defect *defect)
{
	at = scan_blanks(at, end);
	address->parameters = span_make(at, (size_t)(end - at));
	if (at == end)
		return true;
	if (*at != ';') {
		*defect = (struct sip_defect){ SIP_RULE_ADDRESS, (size_t)(at - address->whole.at) };
		return false;
	}
	find_tag(address, at, end, limit);
	return true;
}

/* addr-spec: parameters belong to the header. */
static bool parse_bare(
	const char *at, const char *end, const char *limit, struct sip_address *address, struct sip_defect *defect)
{
	const char *stop = scan_find(at, end, limit, ';', ' ', '\t');
	address->uri = span_make(at, (size_t)(stop - at));
	if (stop == at || !memchr(at, ':', (size_t)(stop - at))) {
		*defect = (struct sip_defect){ SIP_RULE_ADDRESS, (size_t)(at - address->whole.at) };
		return false;
	}
	return parse_parameters(stop, end, limit, address, defect);
}

/* Contact: * — with parameters where somebody adds them. */
static bool parse_wildcard(const char *at, const char *end, struct sip_address *address)
{
	const char *stop = scan_blanks(at + 1, end);
	if (stop < end && *stop != ';')
		return false;
	address->is_wildcard = true;
	address->parameters = span_make(stop, (size_t)(end - stop));
	return true;
}

static int parse(
	const char *at, const char *end, const char *limit, struct sip_address *address, struct sip_defect *defect)
{
	*defect = (struct sip_defect){ SIP_RULE_ADDRESS, 0 };
	if (at == end)
		return -EBADMSG;
	if (*at == '*' && parse_wildcard(at, end, address))
		return 0;
	const char *bracket = *at == '<' ? at : parse_display(at, end, limit, address, defect);
	if (!bracket)
		return *at == '"' ? -EBADMSG : parse_bare(at, end, limit, address, defect) ? 0 : -EBADMSG;
	const char *close = scan_find(bracket + 1, end, limit, '>', '<', '>');
	if (close == end || *close != '>' || close == bracket + 1) {
		*defect = (struct sip_defect){ SIP_RULE_ADDRESS, (size_t)(close - address->whole.at) };
		return -EBADMSG;
	}
	const char *uri = scan_blanks(bracket + 1, close), *uri_end = scan_back_blanks(uri, close);
	address->uri = span_make(uri, (size_t)(uri_end - uri));
	address->has_brackets = true;
	return parse_parameters(close + 1, end, limit, address, defect) ? 0 : -EBADMSG;
}

int sip_address_read(struct span value, const char *limit, struct sip_address *address, struct sip_defect *ret_defect)
{
	const char *at = scan_blanks(value.at, value.at + value.length);
	const char *end = scan_back_blanks(at, value.at + value.length);
	struct sip_defect defect;
	memset(address, 0, sizeof(*address));
	address->whole = span_make(at, (size_t)(end - at));
	if (parse(at, end, limit, address, &defect) < 0)
		return sip_fail(ret_defect, defect.rule, defect.offset + (size_t)(at - value.at));
	return 0;
}

int sip_address_parse(struct span value, struct sip_address *ret_address, struct sip_defect *ret_defect)
{
	struct sip_address address;
	int status = sip_address_read(value, value.at + value.length, &address, ret_defect);
	if (status == 0)
		*ret_address = address;
	return status;
}

bool sip_address_parameter(const struct sip_address *address, struct span name, struct span *ret_value)
{
	return sip_parameter_find(address->parameters, name, ret_value);
}

int sip_address_parse_uri(struct span value, struct sip_address *ret_address, struct sip_uri *ret_uri)
{
	struct sip_address address;
	struct sip_uri uri;
	const char *limit = value.at + value.length;
	int status = sip_address_read(value, limit, &address, NULL);
	if (status == 0)
		status = sip_uri_read(address.uri, limit, &uri, NULL);
	if (status == 0) {
		*ret_address = address;
		*ret_uri = uri;
	}
	return status;
}

int sip_address_write(struct buffer *b, struct span display, struct span uri, struct span parameters)
{
	if (display.length) {
		sip_quote_write(b, display);
		buffer_append_byte(b, ' ');
	}
	buffer_append_byte(b, '<');
	buffer_append(b, uri);
	buffer_append_byte(b, '>');
	return buffer_append(b, parameters);
}
