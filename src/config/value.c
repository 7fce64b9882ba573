/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include "base/require.h"

#include <arpa/inet.h>
#include <errno.h>

#define NO_MEMORY "cannot be kept: no memory"

const char *value_boolean(struct span text, bool *ret_value)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = { { "yes", true }, { "no", false }, { "true", true }, { "false", false }, { "on", true },
		{ "off", false } };
	for (size_t i = 0; i < BASE_COUNT(words); i++) {
		if (span_is_nocase(text, words[i].text)) {
			*ret_value = words[i].value;
			return NULL;
		}
	}
	return "must be yes or no";
}

const char *value_number(struct span text, uint64_t *ret_value)
{
	int status = span_to_u64(text, UINT64_MAX, ret_value);
	if (status == -ERANGE)
		return "is too large";
	return status < 0 ? "is no whole number" : NULL;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Digits, then one of the units. -EINVAL or -ERANGE. */
static int with_unit(struct span text, const struct unit *units, size_t unit_count, uint64_t *ret_value)
{
	size_t digits = 0;
	while (digits < text.length && text.at[digits] >= '0' && text.at[digits] <= '9')
		digits++;
	uint64_t value;
	int status = span_to_u64(span_first(text, digits), UINT64_MAX, &value);
	if (status < 0)
		return status;
	for (size_t i = 0; i < unit_count; i++) {
		if (!span_is_nocase(span_from(text, digits), units[i].name))
			continue;
		return __builtin_mul_overflow(value, units[i].factor, ret_value) ? -ERANGE : 0;
	}
	if (value == 0 && digits == text.length) {
		*ret_value = 0;
		return 0;
	}
	return -EINVAL;
}

const char *value_size(struct span text, uint64_t *ret_bytes)
{
	static const struct unit units[] = { { "", 1 }, { "k", 1 << 10 }, { "m", 1 << 20 }, { "g", 1 << 30 } };
	int status = with_unit(text, units, BASE_COUNT(units), ret_bytes);
	if (status == -ERANGE)
		return "is too large";
	return status < 0 ? "is no size: a number of bytes, or with K, M or G, as in 64K" : NULL;
}

const char *value_duration(struct span text, uint64_t *ret_ms)
{
	static const struct unit units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 },
		{ "d", 24 * 3600 * 1000 } };
	int status = with_unit(text, units, BASE_COUNT(units), ret_ms);
	if (status == -ERANGE)
		return "is too large";
	return status < 0 ? "is no duration: a number with ms, s, m, h or d, as in 3s" : NULL;
}

const char *value_port(struct span text, uint16_t *ret_port)
{
	uint64_t port;
	if (span_to_u64(text, UINT16_MAX, &port) < 0 || port == 0)
		return "is no port: 1 to 65535";
	*ret_port = (uint16_t)port;
	return NULL;
}

const char *value_address(struct arena *a, struct span text, struct span *ret_address)
{
	char given[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	int family = span_find(text, ':') < text.length ? AF_INET6 : AF_INET;
	if (!span_copy_to(text, given, sizeof(given)) || strlen(given) != text.length ||
		inet_pton(family, given, bytes) != 1 || !inet_ntop(family, bytes, canonical, sizeof(canonical)))
		return "is no IP address";
	struct span copy = arena_copy(a, span_of(canonical));
	if (!copy.at)
		return NO_MEMORY;
	*ret_address = copy;
	return NULL;
}

static bool is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static const char *label_check(struct span label)
{
	if (span_is_empty(label))
		return "has an empty label";
	if (label.length > 63)
		return "has a label longer than 63";
	if (label.at[0] == '-' || label.at[label.length - 1] == '-')
		return "has a label that starts or ends with a hyphen";
	for (size_t i = 0; i < label.length; i++) {
		if ((unsigned char)label.at[i] >= 0x80)
			return "is not ASCII: write its xn--… form";
		if (!is_label_byte(label.at[i]))
			return "is no domain name";
	}
	return NULL;
}

/* A lower-case copy without the root dot, every label looked at. */
static const char *domain_copy(struct arena *a, struct span text, size_t *ret_labels, struct span *ret_domain)
{
	if (text.length > 1 && text.at[text.length - 1] == '.')
		text.length--;
	if (text.length == 0 || text.length > 253)
		return "is no domain name: 1 to 253 characters";
	char *lower = arena_allocate(a, text.length + 1);
	if (!lower)
		return NO_MEMORY;
	for (size_t i = 0; i < text.length; i++)
		lower[i] = text.at[i] >= 'A' && text.at[i] <= 'Z' ? (char)(text.at[i] | 0x20) : text.at[i];
	lower[text.length] = '\0';
	struct span rest = span_make(lower, text.length);
	*ret_domain = rest;
	*ret_labels = 0;
	while (rest.at) {
		const char *wrong = label_check(span_cut(&rest, '.'));
		if (wrong)
			return wrong;
		++*ret_labels;
	}
	return NULL;
}

static bool looks_like_address(struct arena *a, struct span text)
{
	struct span ignored;
	return value_address(a, text, &ignored) == NULL;
}

const char *value_domain(struct arena *a, struct span text, struct span *ret_domain)
{
	size_t labels;
	struct span domain;
	if (span_find(text, '@') < text.length)
		return "is no domain: without what stands before the @";
	if (looks_like_address(a, text))
		return "is an IP address, not a domain";
	const char *wrong = domain_copy(a, text, &labels, &domain);
	if (!wrong)
		*ret_domain = domain;
	return wrong;
}

const char *value_host(struct arena *a, struct span text, struct span *ret_host)
{
	size_t labels;
	struct span host;
	if (looks_like_address(a, text))
		return "is an IP address, not a host name";
	const char *wrong = domain_copy(a, text, &labels, &host);
	if (!wrong && labels < 2)
		return "is no full host name: its domain is missing, as in edge.example.com";
	if (!wrong)
		*ret_host = host;
	return wrong;
}

const char *value_server_name(struct arena *a, struct span text, struct span *ret_name)
{
	if (text.length < 2 || memcmp(text.at, "*.", 2) != 0)
		return value_host(a, text, ret_name);
	struct span host;
	const char *wrong = value_host(a, span_from(text, 2), &host);
	if (wrong)
		return wrong;
	struct span name = arena_printf(a, "*.%.*s", SPAN_PRINT(host));
	if (!name.at)
		return NO_MEMORY;
	*ret_name = name;
	return NULL;
}

/* Cuts "host:port", "[IPv6]:port", "host", a bare IPv6 address. */
static const char *endpoint_cut(struct span text, struct span *ret_host, struct span *ret_port)
{
	*ret_port = SPAN_NONE;
	if (text.length && text.at[0] == '[') {
		size_t end = span_find(text, ']');
		struct span after = span_from(text, end + 1);
		if (end == text.length || (after.length && after.at[0] != ':'))
			return "has a [ without its ]";
		*ret_host = span_make(text.at + 1, end - 1);
		if (after.length)
			*ret_port = span_from(after, 1);
		return NULL;
	}
	size_t colon = span_find(text, ':');
	bool bare_ipv6 = colon < text.length && span_find(span_from(text, colon + 1), ':') < text.length - colon - 1;
	*ret_host = bare_ipv6 ? text : span_first(text, colon);
	if (!bare_ipv6 && colon < text.length)
		*ret_port = span_from(text, colon + 1);
	return NULL;
}

const char *value_endpoint(struct arena *a, struct span text, struct config_endpoint *ret_endpoint)
{
	struct span host, port;
	struct config_endpoint endpoint = *ret_endpoint;
	const char *wrong = endpoint_cut(text, &host, &port);
	if (wrong)
		return wrong;
	endpoint.port = 0;
	if (port.at && (wrong = value_port(port, &endpoint.port)))
		return wrong;
	endpoint.is_address = value_address(a, host, &endpoint.host) == NULL;
	if (!endpoint.is_address && text.at[0] == '[')
		return "has no IPv6 address in its brackets";
	if (!endpoint.is_address && (wrong = value_domain(a, host, &endpoint.host)))
		return wrong;
	*ret_endpoint = endpoint;
	return NULL;
}

const char *value_address_endpoint(struct arena *a, struct span text, struct config_endpoint *ret_endpoint)
{
	struct config_endpoint endpoint = *ret_endpoint;
	size_t at = span_find(text, '@');
	const char *wrong = value_endpoint(a, span_first(text, at), &endpoint);
	if (!wrong && at < text.length) {
		if (endpoint.port)
			return "has two ports";
		wrong = value_port(span_from(text, at + 1), &endpoint.port);
	}
	if (wrong)
		return wrong;
	if (!endpoint.is_address)
		return "is no IP address, with a port or without, as in 192.0.2.53 or 192.0.2.53@53";
	*ret_endpoint = endpoint;
	return NULL;
}

const char *value_host_endpoint(struct arena *a, struct span text, struct config_endpoint *ret_endpoint)
{
	struct config_endpoint endpoint = *ret_endpoint;
	const char *wrong = value_endpoint(a, text, &endpoint);
	if (wrong)
		return wrong;
	if (endpoint.is_address)
		return "is an IP address, not a host name";
	if (span_find(endpoint.host, '.') == endpoint.host.length)
		return "is no full host name: its domain is missing, as in edge.example.com";
	*ret_endpoint = endpoint;
	return NULL;
}

const char *value_name(struct span text)
{
	if (text.length > 64)
		return "is too long: 64 characters at most";
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		bool plain = is_label_byte(c) || (c >= 'A' && c <= 'Z') || c == '.';
		if (!plain && (c != ' ' || i == 0 || i == text.length - 1))
			return "is no name: letters, digits, - _ . and blanks inside";
	}
	return NULL;
}

static struct span lower_copy(struct arena *a, struct span text)
{
	char *lower = arena_allocate(a, text.length + 1);
	for (size_t i = 0; lower && i < text.length; i++)
		lower[i] = text.at[i] >= 'A' && text.at[i] <= 'Z' ? (char)(text.at[i] | 0x20) : text.at[i];
	if (lower)
		lower[text.length] = '\0';
	return lower ? span_make(lower, text.length) : SPAN_NONE;
}

const char *value_alias(struct arena *a, struct span text, struct span *ret_alias)
{
	size_t at = span_find(text, '@');
	struct span user = span_first(text, at), domain;
	if (at == text.length || at == 0)
		return "is no address: it is written user@domain";
	if (span_is_nocase(span_first(text, span_find(text, ':')), "sip") ||
		span_is_nocase(span_first(text, span_find(text, ':')), "sips"))
		return "has a scheme: it is written user@domain";
	for (size_t i = 0; i < user.length; i++) {
		if ((unsigned char)user.at[i] <= ' ' || user.at[i] == 0x7f)
			return "has a blank in its user";
	}
	const char *wrong = value_domain(a, span_from(text, at + 1), &domain);
	if (wrong)
		return wrong;
	struct span copy = arena_printf(a, "%.*s@%.*s", SPAN_PRINT(user), SPAN_PRINT(domain));
	if (!copy.at)
		return NO_MEMORY;
	*ret_alias = copy;
	return NULL;
}

const char *value_hexadecimal(struct arena *a, struct span text, struct span *ret_digits)
{
	struct span copy = lower_copy(a, text);
	if (!copy.at)
		return NO_MEMORY;
	for (size_t i = 0; i < copy.length; i++) {
		if (!memchr("0123456789abcdef", copy.at[i], 16))
			return "has a character that is no hexadecimal digit";
	}
	*ret_digits = copy;
	return NULL;
}
