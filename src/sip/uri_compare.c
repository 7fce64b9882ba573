/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3261 19.1.4. */
#include "sip/parameter.h"
#include "sip/scan.h"
#include "sip/uri.h"

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* The next byte with its escape undone: -1 at the end. Bytes of the reserved set stay apart from their escapes
 * (RFC 3261 19.1.4: "other than those in the reserved set"): those give 256 + byte. */
static int next_byte(struct span *text)
{
	if (text->length == 0)
		return -1;
	if (text->at[0] != '%' || text->length < 3) {
		int byte = (unsigned char)text->at[0];
		*text = span_from(*text, 1);
		return byte;
	}
	int byte = hex_digit(text->at[1]) * 16 + hex_digit(text->at[2]);
	*text = span_from(*text, 3);
	return byte != 0 && strchr(";/?:@&=+$,", byte) ? 256 + byte : byte;
}

static bool text_equal(struct span a, struct span b, bool with_case)
{
	if ((a.at == NULL) != (b.at == NULL))
		return false;
	for (;;) {
		int x = next_byte(&a), y = next_byte(&b);
		if (!with_case && x >= 0 && x < 256 && y >= 0 && y < 256) {
			x = lower((unsigned char)x);
			y = lower((unsigned char)y);
		}
		if (x != y)
			return false;
		if (x < 0)
			return true;
	}
}

static bool find_parameter(struct span parameters, struct span name, struct span *ret_value)
{
	struct sip_parameter parameter;
	while (sip_parameter_next(&parameters, &parameter)) {
		if (text_equal(parameter.name, name, false)) {
			*ret_value = parameter.value;
			return true;
		}
	}
	return false;
}

/* Those that never match by being absent on one side. */
static bool parameter_must_be_on_both(struct span name)
{
	static const struct span names[] = { { "user", 4 }, { "ttl", 3 }, { "method", 6 }, { "maddr", 5 },
		{ "transport", 9 } };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_equal_nocase(names[i], name))
			return true;
	}
	return false;
}

/* Each parameter of a that b has too is equal; with all: b must have it. Of a parameter that is repeated, which none
 * may be (RFC 3261 19.1.1), the first counts. */
static bool parameters_agree(struct span a, struct span b, bool all)
{
	struct span rest = a, ours, others;
	struct sip_parameter parameter;
	while (sip_parameter_next(&rest, &parameter)) {
		if (!find_parameter(b, parameter.name, &others)) {
			if (all || parameter_must_be_on_both(parameter.name))
				return false;
		} else if (find_parameter(a, parameter.name, &ours) && !text_equal(ours, others, false)) {
			return false;
		}
	}
	return true;
}

/* More parts than anybody writes: comparing each with each would be work for nothing. */
#define PARTS_MAXIMUM 64

static bool has_many_parts(const struct sip_uri *uri)
{
	size_t parts = 0;
	for (size_t i = 0; i < uri->parameters.length; i++)
		parts += uri->parameters.at[i] == ';';
	for (size_t i = 0; i < uri->headers.length; i++)
		parts += uri->headers.at[i] == '&';
	return parts > PARTS_MAXIMUM;
}

static size_t count_headers(struct span headers)
{
	size_t count = 0;
	while (headers.at) {
		span_cut(&headers, '&');
		count++;
	}
	return count;
}

/* Every header of a stands in b, in any order. Names have no case; values are compared with case, which is the strict
 * reading where a header's own rule is not known. */
static bool headers_within(struct span a, struct span b)
{
	while (a.at) {
		struct span value = span_cut(&a, '&'), name = span_cut(&value, '='), others = b;
		bool found = false;
		while (others.at && !found) {
			struct span other_value = span_cut(&others, '&'), other_name = span_cut(&other_value, '=');
			found = text_equal(name, other_name, false) && text_equal(value, other_value, true);
		}
		if (!found)
			return false;
	}
	return true;
}

static bool tel_number_equal(struct span a, struct span b)
{
	/* RFC 3966 4: visual separators do not count. */
	for (;;) {
		while (a.length && memchr("-.()", a.at[0], 4))
			a = span_from(a, 1);
		while (b.length && memchr("-.()", b.at[0], 4))
			b = span_from(b, 1);
		if (a.length == 0 || b.length == 0)
			return a.length == b.length;
		if (lower((unsigned char)a.at[0]) != lower((unsigned char)b.at[0]))
			return false;
		a = span_from(a, 1);
		b = span_from(b, 1);
	}
}

bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	if (has_many_parts(a) || has_many_parts(b))
		return span_equal(a->whole, b->whole);
	if (a->scheme == SIP_SCHEME_OTHER)
		return span_equal_nocase(a->scheme_name, b->scheme_name) && span_equal(a->rest, b->rest);
	if (a->scheme == SIP_SCHEME_TEL)
		return tel_number_equal(a->user, b->user) && parameters_agree(a->parameters, b->parameters, true) &&
		       parameters_agree(b->parameters, a->parameters, true);
	return text_equal(a->user, b->user, true) && text_equal(a->password, b->password, true) &&
	       span_equal_nocase(a->host, b->host) && a->is_ipv6 == b->is_ipv6 && a->has_port == b->has_port &&
	       a->port == b->port && parameters_agree(a->parameters, b->parameters, false) &&
	       parameters_agree(b->parameters, a->parameters, false) &&
	       count_headers(a->headers) == count_headers(b->headers) && headers_within(a->headers, b->headers) &&
	       headers_within(b->headers, a->headers);
}
