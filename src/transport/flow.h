/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRANSPORT_FLOW_H
#define FEDGE_TRANSPORT_FLOW_H
/* A flow is the way a message came: a connection, or a UDP socket with the address at its far
 * end. It is named by numbers only (worker, slot, generation), so the name may be kept after the
 * connection is gone, handed to another worker, and put on the wire: a slot that was used again
 * has another generation and no longer answers to the old name.
 *
 * A flow token is that name in text, with a keyed MAC, for the user part of our Record-Route
 * (`<sip:TOKEN@host;lr>`): in-dialog requests then find the worker and the connection they belong
 * to, and nobody can make us send over a connection of his choice (RFC 5626 5.2 asks for exactly
 * this protection). The MAC covers the Call-ID too: whoever was given a token in one dialog cannot
 * take it into another that he makes up. */
#include "base/hash.h"
#include "base/span.h"
#include "sip/uri.h"

enum transport_protocol {
	TRANSPORT_ANY = 0, /* not said: only in questions to transport_resolve */
	TRANSPORT_UDP,
	TRANSPORT_TCP,
	TRANSPORT_TLS,
};
#define TRANSPORT_PROTOCOL_COUNT 4

/* "UDP", "TCP", "TLS" as in Via; transport_protocol_parameter gives "udp", "tcp", "tls" as in a URI. */
const char *transport_protocol_name(enum transport_protocol protocol);
const char *transport_protocol_parameter(enum transport_protocol protocol);
/* Without case; TRANSPORT_ANY where it is none of ours. */
enum transport_protocol transport_protocol_parse(struct span text);
/* Of a URI or Via; TRANSPORT_ANY for those we do not speak and where none is named. */
enum transport_protocol transport_protocol_of(enum sip_transport transport);
static inline bool transport_protocol_is_stream(enum transport_protocol protocol)
{
	return protocol == TRANSPORT_TCP || protocol == TRANSPORT_TLS;
}
/* 5061 for TLS, else 5060 (RFC 3261 19.1.2). */
static inline uint16_t transport_protocol_port(enum transport_protocol protocol)
{
	return protocol == TRANSPORT_TLS ? 5061 : 5060;
}

/* Generations begin at random with each process: where the key of tokens outlives it, a token of before names no
 * connection of now.
 * generation 0: not a connection. Then slot is the index of the UDP listener, or
 * TRANSPORT_SLOT_NONE in a flow that names nothing. */
struct transport_flow {
	uint16_t worker;
	uint32_t slot;
	uint32_t generation;
};
#define TRANSPORT_SLOT_NONE UINT32_MAX
#define TRANSPORT_FLOW_NONE ((struct transport_flow){ 0, TRANSPORT_SLOT_NONE, 0 })

static inline bool transport_flow_is_connection(struct transport_flow flow)
{
	return flow.generation != 0;
}
static inline bool transport_flow_equal(struct transport_flow a, struct transport_flow b)
{
	return a.worker == b.worker && a.slot == b.slot && a.generation == b.generation;
}

/* 2 worker + 8 slot + 8 generation + 16 MAC, lower-case hexadecimal. */
#define TRANSPORT_TOKEN_LENGTH 34
/* Writes the token of the flow for the dialog with that Call-ID, and a NUL. Workers above 255 are our own
 * bug. UDP flows have tokens too: they name the worker, and keep requests of one dialog with one worker. */
void transport_token_write(const struct hash_key *key, struct transport_flow flow, struct span call_id,
	char ret_text[TRANSPORT_TOKEN_LENGTH + 1]);
/* call_id: of the message that brings the token. 0; -EINVAL: not a token at all (some other user part);
 * -EACCES: looks like one, but the MAC is not ours (forged, of another dialog, or made before a restart with
 * another key). Says nothing about whether the flow still lives: transport_flow_find does. */
int transport_token_parse(
	const struct hash_key *key, struct span text, struct span call_id, struct transport_flow *ret_flow);

/* Our branch: "z9hG4bK", 2 hexadecimal digits of the worker, 32 random, ".", 32 of the loop hash
 * (RFC 3261 8.1.1.7 and 16.6 step 8, RFC 5393 4.2). */
#define TRANSPORT_BRANCH_LENGTH 74
#define TRANSPORT_LOOP_HASH_LENGTH 32
/* Takes apart a branch of ours: 0, or -EINVAL where the form is not ours. A stranger can write
 * such a branch too: the random part is only proved by a transaction that carries it. */
int transport_branch_parse(struct span branch, uint16_t *ret_worker, struct span *ret_loop_hash);
#endif
