/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_BINDING_H
#define FEDGE_REGISTRAR_BINDING_H
/* One binding (RFC 3261 10): an address of record, "2000@steven.lab", is reached at this contact. Plain data; spans
 * borrow from whoever made it (a message, an arena, the table of registrar/location.h). */
#include "base/arena.h"
#include "sip/uri.h"

#include <stdint.h>

/* The way a REGISTER came, as its user names it; opaque here, good in this process only. */
struct registrar_flow {
	uint16_t worker;
	uint32_t slot;
	uint32_t generation;
};
#define REGISTRAR_SLOT_NONE UINT32_MAX
#define REGISTRAR_FLOW_NONE ((struct registrar_flow){ 0, REGISTRAR_SLOT_NONE, 0 })
static inline bool registrar_flow_is_set(struct registrar_flow flow)
{
	return flow.slot != REGISTRAR_SLOT_NONE;
}

/* All texts of a binding: whatever copies, measures or keeps one walks this list. */
#define REGISTRAR_BINDING_TEXTS(X)                                                                                     \
	X(contact) /* the URI as written */                                                                            \
	X(parameters) /* of its Contact header but expires, q and GRUUs; begins with ";", or absent */                 \
	X(call_id)                                                                                                     \
	X(path) /* Path values, comma-divided (RFC 3327); absent: none */                                              \
	X(agent) /* User-Agent */                                                                                      \
	X(instance) /* +sip.instance without quotes: "<urn:uuid:…>"; absent: none */                                 \
	X(received) /* where the REGISTER came from: "192.0.2.1:49152" */                                              \
	X(transport) /* by what: "udp", "tcp", "tls" */                                                                \
	X(source) /* key of registrar_location_is_source: made by the user, not kept over a restart */                 \
	X(user) /* as whom its sender authenticated; absent: nobody */

struct registrar_binding {
#define X(name) struct span name;
	REGISTRAR_BINDING_TEXTS(X)
#undef X
	int64_t registered_us; /* these three: wall clock. First time */
	int64_t refreshed_us; /* last time */
	int64_t expires_us; /* 0 in a wish: to be removed */
	uint32_t cseq;
	uint32_t reg_id; /* 0: none (RFC 5626) */
	uint16_t q; /* 0 … 1000 */
	bool outbound; /* reached over its flow alone (RFC 5626) */
	struct registrar_flow flow;
};

/* Who sends by datagrams is known by his address, even after a restart: the key of registrar_location_is_source. */
#define REGISTRAR_SOURCE_SIZE 96
struct span registrar_source_of_datagram(struct span received, char ret_text[REGISTRAR_SOURCE_SIZE]);

/* The address of record of a URI in the one form that is compared and kept: "user@host", escapes undone where they
 * need not be, letters small (no two people share an address but for its capitals), no port, no parameters. Absent:
 * not a sip: or sips: URI with a user, or no memory. */
struct span registrar_aor_of(const struct sip_uri *uri, struct arena *arena);
/* The same of text: "2000@Steven.lab" or "sip:2000@steven.lab". */
struct span registrar_aor_of_text(struct span text, struct arena *arena);
#endif
