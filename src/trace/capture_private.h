/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_CAPTURE_PRIVATE_H
#define FEDGE_TRACE_CAPTURE_PRIVATE_H
/* The reader of captures from inside. Each layer hands what it carries to the next one:
 *
 *	capture_read.c   pcap, and which of the two formats it is     capture_pcapng.c    blocks
 *	capture_link.c   Ethernet and its likes
 *	capture_ip.c     IPv4 and IPv6                                capture_fragment.c  datagrams in pieces
 *	capture_udp.c    SIP, HEP                                     capture_dns.c       questions and answers
 *	capture_icmp.c   what the network refused
 *	capture_flow.h   TCP and what is spoken on it                 capture_tls.h       TLS
 *	capture_give.c   records
 *
 * Nothing here trusts a length. What grows has a maximum; beyond it the oldest goes, and that is told. */
#include "base/hash.h"
#include "base/list.h"
#include "base/require.h"
#include "trace/keys.h"
#include "trace/reader_private.h"

/* ---- one packet ---- */

struct capture_packet {
	int64_t time_us; /* 0: the file does not say */
	uint64_t number; /* from 1 */
	uint64_t offset; /* of its header in the file */
	bool is_cut; /* the capture kept only its beginning */
	size_t missing; /* bytes of the IP packet that it has not kept */
};

struct capture_ends {
	struct record_address from, to;
};

/* ---- bytes ---- */

static inline uint16_t capture_u16(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t capture_u32(const char *at)
{
	return (uint32_t)capture_u16(at) << 16 | capture_u16(at + 2);
}

static inline uint8_t capture_u8(struct span bytes, size_t at)
{
	return (uint8_t)bytes.at[at];
}

/* ---- the file ---- */

enum capture_format { CAPTURE_UNKNOWN, CAPTURE_PCAP, CAPTURE_PCAPNG, CAPTURE_UNREADABLE };

/* Where packets of a pcapng came from. */
struct capture_interface {
	uint16_t link;
	uint8_t resolution; /* if_tsresol as it stands */
	uint32_t snaplen; /* 0: none */
	int64_t offset_s;
};
#define CAPTURE_INTERFACES_MAXIMUM 4096
/* What one packet or block may take; a longer one is passed over. */
#define CAPTURE_BLOCK_MAXIMUM (TRACE_RECORD_MAXIMUM - 64)

/* ---- datagrams in pieces (capture_fragment.c) ---- */

#define CAPTURE_FRAGMENTED_MAXIMUM 256 /* datagrams under way */
#define CAPTURE_FRAGMENTS_MAXIMUM 128 /* of one datagram */
#define CAPTURE_FRAGMENTS_US INT64_C(30000000) /* RFC 1122 3.3.2 and RFC 8200 4.5 say 60 s at most */

struct capture_fragment_key {
	struct record_address from, to; /* port 0 */
	uint32_t id;
	uint8_t protocol; /* of what was cut into pieces; 0 for IPv6, where only the first piece tells */
};
struct capture_fragment {
	struct capture_fragment_key key;
	size_t offset;
	struct span bytes;
	bool is_last;
	uint8_t protocol;
};
struct capture_fragmented {
	struct capture_fragment_key key;
	int64_t began_us;
	bool is_taken;
	char *at;
	size_t capacity, received, whole; /* whole 0: the last piece has not come */
	uint16_t starts[CAPTURE_FRAGMENTS_MAXIMUM], lengths[CAPTURE_FRAGMENTS_MAXIMUM];
	size_t count;
	uint8_t protocol;
	bool is_refused; /* its pieces contradict one another: all are passed over */
};
struct capture_fragments {
	struct capture_fragmented *at; /* NULL until there is a fragment */
	size_t next; /* to be given up where all places are taken */
};

/* ---- questions without an answer (capture_dns.c) ---- */

#define CAPTURE_QUESTIONS_MAXIMUM 512
#define CAPTURE_QUESTION_US INT64_C(10000000) /* beyond it a question has no answer */
struct capture_question {
	struct capture_ends ends; /* family 0: this place is free */
	int64_t time_us;
	uint64_t number, offset;
	uint16_t id, type;
	uint8_t name_length;
	char name[255];
};
struct capture_questions {
	struct capture_question *at; /* NULL until there is one */
	size_t next;
	size_t open;
};

/* ---- the reader ---- */

struct capture_flows;
struct capture {
	struct trace_reader *reader;
	enum capture_format format;
	bool is_swapped; /* its numbers stand in the other order than ours */
	bool has_nanoseconds;
	uint8_t packet_header; /* pcap: 16, or 24 of a modified one */
	struct capture_interface pcap; /* the only one of a pcap */
	struct capture_interface *interfaces;
	size_t interface_count;
	uint64_t skip; /* bytes to be passed over */
	struct capture_packet packet; /* the one at hand */
	struct trace_keys *embedded; /* secrets that the capture holds; NULL: none */
	struct hash_key hash_key;
	struct capture_fragments fragments;
	struct capture_questions questions;
	struct capture_flows *flows; /* NULL until there is a TCP connection */
	char *plain; /* what a TLS record held; NULL until one was opened */
};

static inline uint32_t capture_file_u32(const struct capture *c, const char *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return c->is_swapped ? __builtin_bswap32(value) : value;
}

static inline uint16_t capture_file_u16(const struct capture *c, const char *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof(value));
	return c->is_swapped ? __builtin_bswap16(value) : value;
}

/* A block at the front of text: bytes used, 0 where more is needed. Sets reader->needed. */
size_t capture_pcapng_read(struct capture *c, struct span text, uint64_t offset);
/* The file cannot be read beyond this place. */
void capture_give_up(struct capture *c, struct span raw, const char *why);

/* ---- from layer to layer; the packet at hand is c->packet ---- */

void capture_packet_begin(struct capture *c, const struct capture_packet *packet);
void capture_link_take(struct capture *c, uint16_t link, struct span frame);
void capture_ip_take(struct capture *c, struct span packet);
/* What an IP packet carried. */
void capture_transport_take(struct capture *c, struct capture_ends *ends, uint8_t protocol, struct span bytes);
void capture_udp_take(struct capture *c, struct capture_ends *ends, struct span datagram);
void capture_tcp_take(struct capture *c, struct capture_ends *ends, struct span segment);
/* Packets that did not arrive: what is told of a connection that was asked for. */
void capture_icmp_take(struct capture *c, uint8_t family, struct span message);
void capture_dns_take(struct capture *c, const struct capture_ends *ends, struct span message);
/* An HEP packet: the message in it, where it is SIP. */
void capture_hep_take(struct capture *c, struct span packet);

/* True where the datagram is whole now: *ret_bytes is valid until the next call. */
bool capture_fragment_take(
	struct capture *c, const struct capture_fragment *fragment, struct span *ret_bytes, uint8_t *ret_protocol);
void capture_fragments_free(struct capture_fragments *fragments);

/* Questions that were not answered within their time; at the end of the file all whose time has passed. */
void capture_dns_expire(struct capture *c);

/* ---- SIP told by its first line ---- */

enum capture_likeness { CAPTURE_NO_SIP, CAPTURE_PERHAPS_SIP, CAPTURE_SIP };
/* Does a message begin here? PERHAPS: its first line is not whole yet. */
enum capture_likeness capture_likeness_of(struct span bytes);
#define CAPTURE_FIRST_LINE_MAXIMUM 8192u
#define CAPTURE_MESSAGE_MAXIMUM (256u << 10)

/* ---- records ---- */

void capture_give(struct capture *c, const struct record *r, struct span raw);
void capture_give_message(struct capture *c, const struct capture_ends *ends, enum record_transport transport,
	struct span bytes, bool is_summary);
/* Something damaged or not to be understood, at the packet at hand; why is a constant. */
void capture_unread(struct capture *c, struct span raw, const char *why);
/* A packet that is none of ours. */
void capture_other(struct capture *c);
/* "192.0.2.1:5060 > [2001:db8::1]:5061", in the reader's arena. */
struct span capture_ends_text(struct capture *c, const struct capture_ends *ends);
/* The arena of texts for the packet at hand. */
static inline struct arena *capture_arena(struct capture *c)
{
	return &c->reader->arena;
}
#endif
