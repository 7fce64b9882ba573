/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRANSPORT_TARGET_H
#define FEDGE_TRANSPORT_TARGET_H
/* Where a request is sent: a transport and an address, who must be there, and as whom we come.
 * transport_resolve makes targets from a host by RFC 3263 (numeric host or explicit port: A/AAAA
 * only; else NAPTR where asked for, SRV, A/AAAA), ordered by RFC 2782. It asks no policy and does
 * not try them: the caller walks the list and goes on to the next when one fails. Federation
 * look-ups (_sipfederationtls) are not made here but where partners are judged. */
#include "base/clock.h"
#include "base/random.h"
#include "net/address.h"
#include "net/resolver.h"
#include "transport/flow.h"

struct net_resolver;
struct net_loop;

enum transport_target_flag {
	/* Only over `flow`: if that is gone the send fails with TRANSPORT_FAILED_FLOW, no other way is tried. */
	TRANSPORT_TARGET_FLOW = 1 << 0,
	/* A UDP target that may be reached over TCP too, where the message is too big (RFC 3261 18.1.1). */
	TRANSPORT_TARGET_MAY_SWITCH = 1 << 1,
	/* An inbound connection whose peer offered `alias` (RFC 5923) may be used. */
	TRANSPORT_TARGET_ALIAS = 1 << 2,
};

/* Texts are borrowed while the call runs; the transport copies what it keeps. */
struct transport_target {
	enum transport_protocol protocol;
	struct net_address address;
	struct span name; /* of the server: SNI, over TLS part of the pool's key, shown to judge; may be absent */
	/* As whom we come: one of the names of an identity in params.tls; NULL: the first. Chooses our
	 * client certificate; over TLS part of the pool's key. */
	const char *identity;
	unsigned flags;
	struct transport_flow flow; /* with TRANSPORT_TARGET_FLOW */
	/* What the judge needs to know about why we go there (a zone, a domain), opaque here. Part of
	 * the pool's key: two marks never share a connection. 0 where it does not matter. */
	uint64_t mark;
};

#define TRANSPORT_TARGET_MAXIMUM 32 /* of a list; what DNS gives beyond it is left out */
#define TRANSPORT_NAME_MAXIMUM 255

struct transport_question {
	struct span host; /* a name, an IPv4 address, or an IPv6 reference with its brackets */
	uint16_t port; /* 0: none was written */
	enum transport_protocol protocol; /* of the transport parameter; TRANSPORT_ANY where there is none */
	bool secure; /* a sips URI: TLS and nothing else */
	bool naptr; /* ask NAPTR too where the transport is not said (RFC 3263 4.1) */
	/* Where neither a port nor a transport is written: no SRV record means that there is nothing, though the host
	 * may have an address. */
	bool services_only;
	/* What an address without SRV takes where no transport is said; TRANSPORT_ANY: UDP, as RFC 3263 4.1 has it. */
	enum transport_protocol fallback;
	unsigned flags; /* copied into every target */
	const char *identity; /* copied into every target */
	uint64_t mark; /* copied into every target */
};

/* status: 0 with at least one target; -ENOENT: nothing there (NXDOMAIN or no such records);
 * -ETIMEDOUT, -EAGAIN (SERVFAIL, REFUSED), -EBADMSG (bogus): could not be decided; -EINVAL: the host is no host.
 * why is a sentence for people ("no SRV, A or AAAA record for x.example"). All borrowed for the call. */
struct transport_answer {
	int status;
	struct span host; /* that was asked for, without brackets */
	const struct transport_target *targets; /* .name is the host of the SRV target or the host asked for */
	size_t target_count;
	struct span why;
};

struct transport_query;
struct transport_resolving {
	struct net_resolver *resolver;
	struct net_loop *loop;
	struct random *random;
	/* Hears of each question to the DNS (answer NULL), and of its answer; never after done. NULL: nobody does. Has
	 * the argument of done. */
	void (*told)(void *argument, const char *name, enum net_dns_type type, const struct net_dns_answer *answer);
};
/* The answer comes exactly once through done, never before transport_resolve has returned;
 * *ret_query is valid until then. Negative errno (no answer comes): -EINVAL (no host, or too long), -ENOMEM. */
int transport_resolve(const struct transport_resolving *with, const struct transport_question *question,
	void (*done)(void *argument, const struct transport_answer *answer), void *argument,
	struct transport_query **ret_query);
/* done is not called any more. */
void transport_query_cancel(struct transport_query *query);
#endif
