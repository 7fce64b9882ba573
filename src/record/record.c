/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct record_address record_address_of(const struct sockaddr *address)
{
	struct record_address made = { 0 };
	if (!address)
		return made;
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof(in));
		made.family = 4;
		made.port = ntohs(in.sin_port);
		memcpy(made.bytes, &in.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof(in6));
		bool mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
		made.family = mapped ? 4 : 6;
		made.port = ntohs(in6.sin6_port);
		memcpy(made.bytes, in6.sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
	}
	return made;
}

/* inet_ntop costs a printf; logs write two IPv4 addresses a message. */
static size_t format_ipv4(const uint8_t *bytes, char *ret_text)
{
	char *out = ret_text;
	for (int i = 0; i < 4; i++) {
		unsigned int value = bytes[i];
		if (i > 0)
			*out++ = '.';
		if (value >= 100)
			*out++ = (char)('0' + value / 100);
		if (value >= 10)
			*out++ = (char)('0' + value / 10 % 10);
		*out++ = (char)('0' + value % 10);
	}
	*out = '\0';
	return (size_t)(out - ret_text);
}

size_t record_address_format(const struct record_address *address, char *ret_text)
{
	if (address->family == 4)
		return format_ipv4(address->bytes, ret_text);
	if (address->family == 6 && inet_ntop(AF_INET6, address->bytes, ret_text, RECORD_ADDRESS_TEXT))
		return strlen(ret_text);
	ret_text[0] = '\0';
	return 0;
}

int record_address_parse(struct span text, struct record_address *ret_address)
{
	char copy[RECORD_ADDRESS_TEXT];
	uint8_t bytes[16] = { 0 };
	/* A NUL inside would hide what follows it from inet_pton. */
	if (span_find(text, '\0') != text.length || !span_copy_to(text, copy, sizeof(copy)))
		return -EINVAL;
	uint8_t family = 0;
	if (inet_pton(AF_INET, copy, bytes) == 1)
		family = 4;
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		family = 6;
	if (family == 0)
		return -EINVAL;
	ret_address->family = family;
	memcpy(ret_address->bytes, bytes, sizeof(bytes));
	return 0;
}

bool record_address_equal(const struct record_address *a, const struct record_address *b)
{
	size_t length = a->family == 6 ? 16 : a->family == 4 ? 4 : 0;
	return a->family == b->family && a->port == b->port && memcmp(a->bytes, b->bytes, length) == 0;
}
