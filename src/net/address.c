/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

static void address_of_v4(const void *bytes, uint16_t port, struct net_address *ret_address)
{
	*ret_address = (struct net_address){ .length = sizeof(struct sockaddr_in) };
	ret_address->v4.sin_family = AF_INET;
	ret_address->v4.sin_port = htons(port);
	memcpy(&ret_address->v4.sin_addr, bytes, 4);
}

static void address_of_v6(const void *bytes, uint16_t port, uint32_t scope, struct net_address *ret_address)
{
	struct in6_addr host;
	memcpy(&host, bytes, sizeof(host));
	if (IN6_IS_ADDR_V4MAPPED(&host)) {
		address_of_v4(&host.s6_addr[12], port, ret_address);
		return;
	}
	*ret_address = (struct net_address){ .length = sizeof(struct sockaddr_in6) };
	ret_address->v6.sin6_family = AF_INET6;
	ret_address->v6.sin6_port = htons(port);
	ret_address->v6.sin6_addr = host;
	ret_address->v6.sin6_scope_id = scope;
}

int net_address_parse(struct span host, uint16_t port, struct net_address *ret_address)
{
	char text[NET_ADDRESS_TEXT_SIZE];
	unsigned char bytes[16];
	if (host.length >= 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
		host = span_make(host.at + 1, host.length - 2);
	struct span zone = host;
	host = span_cut(&zone, '%');
	if (!span_copy_to(host, text, sizeof(text)))
		return -EINVAL;
	if (!zone.at && inet_pton(AF_INET, text, bytes) == 1) {
		address_of_v4(bytes, port, ret_address);
		return 0;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return -EINVAL;
	uint32_t scope = 0;
	if (zone.at) {
		uint64_t number;
		if (!span_copy_to(zone, text, sizeof(text)))
			return -EINVAL;
		scope = if_nametoindex(text);
		if (!scope && (span_to_u64(zone, UINT32_MAX, &number) < 0 || !(scope = (uint32_t)number)))
			return -EINVAL;
	}
	address_of_v6(bytes, port, scope, ret_address);
	return 0;
}

int net_address_parse_port(struct span text, uint16_t default_port, struct net_address *ret_address)
{
	struct span host = text, port = SPAN_NONE;
	uint64_t number = default_port;
	if (text.length && text.at[0] == '[') {
		size_t end = span_find(text, ']');
		if (end == text.length)
			return -EINVAL;
		host = span_first(text, end + 1);
		struct span rest = span_from(text, end + 1);
		if (rest.length) {
			if (rest.at[0] != ':')
				return -EINVAL;
			port = span_from(rest, 1);
		}
	} else {
		struct span rest = text;
		struct span before = span_cut(&rest, ':');
		/* Two colons: an IPv6 address without brackets, hence without a port. */
		if (rest.at && span_find(rest, ':') == rest.length) {
			host = before;
			port = rest;
		}
	}
	if (port.at && span_to_u64(port, UINT16_MAX, &number) < 0)
		return -EINVAL;
	return net_address_parse(host, (uint16_t)number, ret_address);
}

int net_address_of_bytes(struct span bytes, uint16_t port, struct net_address *ret_address)
{
	if (bytes.length == 4)
		address_of_v4(bytes.at, port, ret_address);
	else if (bytes.length == 16)
		address_of_v6(bytes.at, port, 0, ret_address);
	else
		return -EINVAL;
	return 0;
}

int net_address_of_sockaddr(const struct sockaddr *any, socklen_t length, struct net_address *ret_address)
{
	struct net_address given = NET_ADDRESS_NONE;
	if (length < (socklen_t)sizeof(any->sa_family))
		return -EAFNOSUPPORT;
	memcpy(&given, any, length < sizeof(given.v6) ? length : sizeof(given.v6));
	if (any->sa_family == AF_INET && length >= (socklen_t)sizeof(given.v4))
		address_of_v4(&given.v4.sin_addr, ntohs(given.v4.sin_port), ret_address);
	else if (any->sa_family == AF_INET6 && length >= (socklen_t)sizeof(given.v6))
		address_of_v6(&given.v6.sin6_addr, ntohs(given.v6.sin6_port), given.v6.sin6_scope_id, ret_address);
	else
		return -EAFNOSUPPORT;
	return 0;
}

uint16_t net_address_port(const struct net_address *a)
{
	switch (net_address_family(a)) {
	case AF_INET:
		return ntohs(a->v4.sin_port);
	case AF_INET6:
		return ntohs(a->v6.sin6_port);
	default:
		return 0;
	}
}

void net_address_set_port(struct net_address *a, uint16_t port)
{
	if (net_address_family(a) == AF_INET)
		a->v4.sin_port = htons(port);
	else if (net_address_family(a) == AF_INET6)
		a->v6.sin6_port = htons(port);
}

size_t net_address_format_host(const struct net_address *a, char ret_text[NET_ADDRESS_TEXT_SIZE])
{
	memcpy(ret_text, "-", 2);
	if (net_address_family(a) == AF_INET) {
		inet_ntop(AF_INET, &a->v4.sin_addr, ret_text, NET_ADDRESS_TEXT_SIZE);
	} else if (net_address_family(a) == AF_INET6) {
		inet_ntop(AF_INET6, &a->v6.sin6_addr, ret_text, NET_ADDRESS_TEXT_SIZE);
		size_t length = strlen(ret_text);
		if (a->v6.sin6_scope_id)
			snprintf(ret_text + length, NET_ADDRESS_TEXT_SIZE - length, "%%%u", a->v6.sin6_scope_id);
	}
	return strlen(ret_text);
}

size_t net_address_format_network(const struct net_address *a, char ret_text[NET_ADDRESS_TEXT_SIZE])
{
	struct net_address network = *a;
	if (net_address_family(a) != AF_INET6)
		return net_address_format_host(a, ret_text);
	memset(&network.v6.sin6_addr.s6_addr[8], 0, 8);
	size_t length = net_address_format_host(&network, ret_text);
	memcpy(ret_text + length, "/64", 4); /* an address with its scope is far shorter than the room */
	return length + 3;
}

size_t net_address_format(const struct net_address *a, char ret_text[NET_ADDRESS_TEXT_SIZE])
{
	char host[NET_ADDRESS_TEXT_SIZE];
	net_address_format_host(a, host);
	if (!net_address_is_set(a))
		memcpy(ret_text, "-", 2);
	else if (net_address_family(a) == AF_INET6)
		snprintf(ret_text, NET_ADDRESS_TEXT_SIZE, "[%.70s]:%u", host, net_address_port(a));
	else
		snprintf(ret_text, NET_ADDRESS_TEXT_SIZE, "%.70s:%u", host, net_address_port(a));
	return strlen(ret_text);
}

/* Family, host, scope, port: what tells addresses apart, without the padding in between. */
struct span net_address_key(const struct net_address *a, unsigned char ret_bytes[24])
{
	uint16_t port = net_address_port(a);
	memset(ret_bytes, 0, 24);
	ret_bytes[0] = (unsigned char)net_address_family(a);
	if (net_address_family(a) == AF_INET) {
		memcpy(ret_bytes + 1, &a->v4.sin_addr, 4);
	} else if (net_address_family(a) == AF_INET6) {
		memcpy(ret_bytes + 1, &a->v6.sin6_addr, 16);
		memcpy(ret_bytes + 17, &a->v6.sin6_scope_id, 4);
	}
	memcpy(ret_bytes + 21, &port, 2);
	return span_make((const char *)ret_bytes, 23);
}

bool net_address_equal(const struct net_address *a, const struct net_address *b)
{
	unsigned char left[24], right[24];
	return span_equal(net_address_key(a, left), net_address_key(b, right));
}

bool net_address_equal_host(const struct net_address *a, const struct net_address *b)
{
	unsigned char left[24], right[24];
	return span_equal(span_first(net_address_key(a, left), 21), span_first(net_address_key(b, right), 21));
}

bool net_address_is_any(const struct net_address *a)
{
	if (net_address_family(a) == AF_INET)
		return a->v4.sin_addr.s_addr == INADDR_ANY;
	return net_address_family(a) == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

bool net_address_is_loopback(const struct net_address *a)
{
	if (net_address_family(a) == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return net_address_family(a) == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

struct block {
	unsigned char prefix[16];
	unsigned bits;
};

static const struct block private_v4[] = {
	{ { 0 }, 8 }, /* RFC 791 */
	{ { 10 }, 8 }, /* RFC 1918 */
	{ { 100, 64 }, 10 }, /* RFC 6598 */
	{ { 127 }, 8 }, /* RFC 1122 */
	{ { 169, 254 }, 16 }, /* RFC 3927 */
	{ { 172, 16 }, 12 }, /* RFC 1918 */
	{ { 192, 0, 0 }, 24 }, /* RFC 6890 */
	{ { 192, 0, 2 }, 24 }, /* RFC 5737 */
	{ { 192, 168 }, 16 }, /* RFC 1918 */
	{ { 198, 18 }, 15 }, /* RFC 2544 */
	{ { 198, 51, 100 }, 24 }, /* RFC 5737 */
	{ { 203, 0, 113 }, 24 }, /* RFC 5737 */
	{ { 224 }, 3 }, /* RFC 5771, RFC 1112: multicast and reserved */
};
static const struct block private_v6[] = {
	{ { 0 }, 127 }, /* RFC 4291: :: and ::1 */
	{ { 0x01 }, 64 }, /* RFC 6666 */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* RFC 3849 */
	{ { 0x20, 0x01, 0x00, 0x02, 0, 0 }, 48 }, /* RFC 5180 */
	{ { 0xfc }, 7 }, /* RFC 4193 */
	{ { 0xfe, 0x80 }, 10 }, /* RFC 4291 */
	{ { 0xff }, 8 }, /* RFC 4291 */
};

static bool block_covers(const struct block *block, const unsigned char *host)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;
	if (memcmp(block->prefix, host, whole) != 0)
		return false;
	return rest == 0 || ((block->prefix[whole] ^ host[whole]) >> (8 - rest)) == 0;
}

static bool any_block_covers(const struct block *blocks, size_t count, const void *host)
{
	for (size_t i = 0; i < count; i++) {
		if (block_covers(&blocks[i], host))
			return true;
	}
	return false;
}

bool net_address_is_private(const struct net_address *a)
{
	if (net_address_family(a) == AF_INET)
		return any_block_covers(private_v4, sizeof(private_v4) / sizeof(private_v4[0]), &a->v4.sin_addr);
	if (net_address_family(a) == AF_INET6)
		return any_block_covers(private_v6, sizeof(private_v6) / sizeof(private_v6[0]), &a->v6.sin6_addr);
	return false;
}
