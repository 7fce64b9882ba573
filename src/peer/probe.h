/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_PROBE_H
#define FEDGE_PEER_PROBE_H
/* Looks at one address of one edge as a caller would: connects, shakes hands, reads the certificates, waits for how the
 * server takes ours, and where it is given bytes to say, says them and hears the answer. Gathers facts, judges nothing,
 * has a deadline for every step and a maximum for everything a server may send. Where all versions are asked for
 * (deep), each is tried on a connection of its own, after the first.
 * Belongs to its loop's thread; never calls back from inside peer_probe_start. */
#include "base/arena.h"
#include "net/address.h"
#include "trust/facts.h"

struct net_loop;
struct net_tls;
struct x509_store_st;

/* How the server took our certificate (TLS 1.3 tells it only after our side is done). */
enum peer_reaction {
	PEER_REACTION_UNKNOWN, /* it did not come so far */
	PEER_REACTION_NOT_ASKED, /* the server asks callers for no certificate */
	PEER_REACTION_NONE_ACCEPTED, /* it asked, we had none to show, and it went on all the same */
	PEER_REACTION_NONE_REFUSED, /* it asked, we had none to show, and it ended the connection for that */
	/* data or an answer came; or a ticket, or the handshake itself tells (TLS 1.2), and it did not close right
	   after */
	PEER_REACTION_ACCEPTED,
	PEER_REACTION_REFUSED, /* by an alert; connection.alert names it */
	PEER_REACTION_CUT, /* closed or reset without an alert */
	PEER_REACTION_SILENT, /* nothing was said within the deadline: most likely accepted, not proved */
	PEER_REACTION_COUNT,
};

enum peer_version_status {
	PEER_VERSION_NOT_TRIED,
	PEER_VERSION_AGREED, /* offered alone, the server took it */
	PEER_VERSION_REFUSED, /* offered alone, the server said no or cut it */
	PEER_VERSION_UNDECIDED, /* no connection, no answer in time; or this side cannot offer it */
};
struct peer_version {
	const char *name; /* "TLSv1.2" */
	enum peer_version_status status;
	struct span text; /* why not; absent where it was agreed */
};
#define PEER_VERSION_COUNT 4 /* TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, in this order */
#define PEER_REQUESTED_AUTHORITIES_MAXIMUM 64
#define PEER_ANSWER_MAXIMUM (64 * 1024)

struct peer_probe_facts {
	struct trust_connection connection; /* .text: the step that failed, in words */
	struct trust_chain chain; /* as sent and as verified; count 0: none was shown */
	const struct span *der; /* the certificates as sent, at most PEER_CHAIN_CERTIFICATES_MAXIMUM */
	size_t der_count;
	const struct span *requested_authorities; /* subjects named in the server's request (RFC 2253 text) */
	size_t requested_authority_count;
	bool requested_authorities_cut;
	enum peer_reaction reaction;
	struct peer_version versions[PEER_VERSION_COUNT]; /* deep only; otherwise all NOT_TRIED */
	struct span answer; /* what the server said to `bytes`, at most PEER_ANSWER_MAXIMUM; absent: nothing */
	/* Microseconds each step took; -1: it was not reached. */
	int64_t connect_us, handshake_us, reaction_us, answer_us;
};

struct peer_probe;
struct peer_probe_settings {
	struct net_loop *loop;
	struct net_tls *tls; /* trust, and our certificate where we show one; tickets off, verify JUDGE */
	struct x509_store_st *public_authorities; /* may be NULL: nothing is said about private ones */
	const char *identity; /* of ours to show; NULL: the first */
	struct net_address remote, local; /* local may be unset */
	struct span target; /* SNI, and the name in the facts. Copied */
	/* Each step's own deadline; 0 takes the default. */
	int64_t connect_us; /* 5 s */
	int64_t handshake_us; /* 5 s, from the end of the connect */
	int64_t reaction_us; /* 700 ms: how long to wait for the server to show that it takes our certificate */
	int64_t answer_us; /* 5 s: for the answer to bytes */
	bool deep;
	/* TLS settings for one version alone, in the order of facts.versions; deep only. NULL: cannot be offered. */
	struct net_tls *versions[PEER_VERSION_COUNT];
	struct span bytes; /* said once the handshake is done; absent: nothing is. Copied */
	/* Tells whether the answer is complete; NULL: the first bytes are enough. */
	bool (*is_complete)(void *argument, struct span answer);
	/* The end. facts (all their texts) live in the probe's arena until peer_probe_free. Exactly once. */
	void (*done)(void *argument, const struct peer_probe_facts *facts);
	void *argument;
};
/* 0, or a negative errno (-EMFILE, -ENOMEM, -EADDRNOTAVAIL, …): nothing was begun then. */
int peer_probe_start(const struct peer_probe_settings *settings, struct peer_probe **ret_probe);
/* Before done: it will not be called. After or inside done: gives the memory back. NULL is harmless. */
void peer_probe_free(struct peer_probe *probe);

/* Reads a chain (DER, leaf first) that came from elsewhere, a file or saved facts, into the arena as a probe would and
 * verifies it by tls (NULL: the status stays TRUST_CHAIN_NOT_VERIFIED). 0, -EBADMSG, -ENOMEM. */
int peer_probe_chain(const struct span *der, size_t count, struct net_tls *tls,
	struct x509_store_st *public_authorities, struct arena *arena, struct trust_chain *ret_chain);
#endif
