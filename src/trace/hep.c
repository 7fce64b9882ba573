/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/hep.h"

#include "base/require.h"

#include <errno.h>

#define HEADER_LENGTH 6 /* of the packet and of each chunk */

/* Numbers of the common vendor's chunks. */
enum chunk_type {
	CHUNK_IP_PROTOCOL = 2,
	CHUNK_SOURCE_4 = 3,
	CHUNK_DESTINATION_4 = 4,
	CHUNK_SOURCE_6 = 5,
	CHUNK_DESTINATION_6 = 6,
	CHUNK_SOURCE_PORT = 7,
	CHUNK_DESTINATION_PORT = 8,
	CHUNK_SECONDS = 9,
	CHUNK_MICROSECONDS = 10,
	CHUNK_PAYLOAD_TYPE = 11,
	CHUNK_AGENT = 12,
	CHUNK_PAYLOAD = 15,
	CHUNK_COMPRESSED = 16,
	CHUNK_CORRELATION = 17,
	CHUNK_NODE = 19
};

/* Big-endian, as many bytes as there are, at most four. */
static uint32_t number(struct span value)
{
	uint32_t result = 0;
	for (size_t i = 0; i < value.length && i < 4; i++)
		result = result << 8 | (unsigned char)value.at[i];
	return result;
}

static void put_address(struct record_address *address, struct span value, uint8_t family)
{
	if (value.length != (family == 4 ? 4 : 16))
		return;
	address->family = family;
	memcpy(address->bytes, value.at, value.length);
}

/* Kamailio's siptrace says TLS by the number of a protocol that nobody uses, and WebSocket by another. */
static enum record_transport transport_of(uint8_t ip_protocol)
{
	static const struct {
		uint8_t ip_protocol;
		enum record_transport transport;
	} known[] = { { 17, RECORD_UDP }, { 6, RECORD_TCP }, { 22, RECORD_TLS }, { 50, RECORD_TCP } };
	for (size_t i = 0; i < BASE_COUNT(known); i++)
		if (known[i].ip_protocol == ip_protocol)
			return known[i].transport;
	return RECORD_TRANSPORT_NONE;
}

static void read_chunk(struct trace_hep *p, unsigned int type, struct span value)
{
	switch (type) {
	case CHUNK_IP_PROTOCOL:
		p->ip_protocol = (uint8_t)number(value);
		p->transport = transport_of(p->ip_protocol);
		break;
	case CHUNK_SOURCE_4:
		put_address(&p->source, value, 4);
		break;
	case CHUNK_DESTINATION_4:
		put_address(&p->destination, value, 4);
		break;
	case CHUNK_SOURCE_6:
		put_address(&p->source, value, 6);
		break;
	case CHUNK_DESTINATION_6:
		put_address(&p->destination, value, 6);
		break;
	case CHUNK_SOURCE_PORT:
		p->source.port = (uint16_t)number(value);
		break;
	case CHUNK_DESTINATION_PORT:
		p->destination.port = (uint16_t)number(value);
		break;
	case CHUNK_SECONDS:
		p->time_us = (int64_t)number(value) * 1000000 + p->time_us % 1000000;
		break;
	case CHUNK_MICROSECONDS:
		p->time_us += number(value) % 1000000 - p->time_us % 1000000;
		break;
	case CHUNK_PAYLOAD_TYPE:
		p->payload_type = (uint8_t)number(value);
		break;
	case CHUNK_AGENT:
		p->agent = number(value);
		break;
	case CHUNK_PAYLOAD:
	case CHUNK_COMPRESSED:
		p->payload = value;
		p->is_compressed = type == CHUNK_COMPRESSED;
		break;
	case CHUNK_CORRELATION:
		p->correlation = value;
		break;
	case CHUNK_NODE:
		p->node = value;
		break;
	default:
		break;
	}
}

int trace_hep_read(struct span bytes, struct trace_hep *ret_packet)
{
	static const char opens[4] = { 'H', 'E', 'P', '3' };
	struct trace_hep packet = { 0 };
	*ret_packet = packet;
	if (bytes.length > 0 && memcmp(bytes.at, opens, bytes.length < 4 ? bytes.length : 4) != 0)
		return -EINVAL;
	if (bytes.length < HEADER_LENGTH)
		return -EAGAIN;
	size_t length = number(span_first(span_from(bytes, 4), 2));
	if (length < HEADER_LENGTH)
		return -EINVAL;
	packet.length = ret_packet->length = length;
	if (bytes.length < length)
		return -EAGAIN;
	struct span rest = span_from(span_first(bytes, length), HEADER_LENGTH);
	while (rest.length >= HEADER_LENGTH) {
		size_t chunk = number(span_first(span_from(rest, 4), 2));
		if (chunk < HEADER_LENGTH || chunk > rest.length)
			break;
		unsigned int type = number(span_first(span_from(rest, 2), 2));
		if (number(span_first(rest, 2)) == 0)
			read_chunk(&packet, type, span_from(span_first(rest, chunk), HEADER_LENGTH));
		rest = span_from(rest, chunk);
	}
	*ret_packet = packet;
	return rest.length > 0 ? -EBADMSG : 0;
}
