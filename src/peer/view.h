/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_VIEW_H
#define FEDGE_PEER_VIEW_H
/* One worker's window on the peers: asks the DNS, remembers answers in the shared cache and, without
 * any lock, in a small table of its own. Belongs to its loop's thread. Gathers facts; judging them
 * is trust's (trust/judge.h):
 *
 *	int status = peer_find_domain(view, name, &ask, &domain);
 *	if (status == 1) { judge(&domain->facts); peer_domain_unref(domain); }
 *	else if (status == 0) wait for ask.found_domain
 */
#include "peer/cache.h"
#include "record/sink.h"

struct peer_view;
struct net_loop;
struct net_resolver;

/* Who answers questions: net's resolver, or a test. ask as net_resolver_ask; cancel as net_query_cancel. */
struct net_question;
struct net_query;
struct peer_view_settings {
	struct peer_cache *cache;
	struct net_loop *loop;
	struct net_resolver *resolver;
	const struct record_sink *sink; /* DNS_QUERY and DNS_ANSWER records; may be NULL */
	const struct clock *clock;
	uint32_t worker; /* for the records */
	const char *service; /* NULL: TRUST_SERVICE */
	bool tlsa; /* ask TLSA as well as addresses (policy dane) */
	int64_t timeout_us; /* 0: the resolver's */
	size_t known_maximum; /* of each kind in the small table, which then begins anew; 0: 4096 */
	/* NULL: net_resolver_ask and net_query_cancel. */
	int (*ask)(void *argument, const struct net_question *question, struct net_query **ret_query);
	void (*cancel)(void *argument, struct net_query *query);
	void *ask_argument;
};
int peer_view_new(const struct peer_view_settings *settings, struct peer_view **ret_view);
/* Whoever waits is not called any more. Before the loop and the cache, never from inside found. */
void peer_view_free(struct peer_view *view);

/* ---- finding out ---- */
struct peer_ask; /* a question under way */
struct peer_found {
	/* Exactly one is called, in the loop's thread, never from inside peer_find_…; the entry is valid during the
	 * call unless referenced. A failed lookup is an answer too: facts.lookup.status says so. */
	void (*domain)(void *argument, const struct peer_domain *domain);
	void (*host)(void *argument, const struct peer_host *host);
	void *argument;
	/* For the records; both may be absent. Copied. */
	struct span serial;
	struct span tag;
};
/* 1: known, *ret_domain is a reference of the caller's, found is not called. 0: asked, found->domain will be called;
 * *ret_ask (which may be NULL) cancels. -EINVAL (no domain name), -ENOBUFS, -ENOMEM. */
int peer_find_domain(struct peer_view *view, struct span domain, const struct peer_found *found,
	const struct peer_domain **ret_domain, struct peer_ask **ret_ask);
/* The same for A and AAAA (both, always), and TLSA at _PORT._tcp where the view asks for it. */
int peer_find_host(struct peer_view *view, struct span host, uint16_t port, const struct peer_found *found,
	const struct peer_host **ret_host, struct peer_ask **ret_ask);
/* Before found was called: it will not be. The question itself goes on for others. */
void peer_ask_cancel(struct peer_ask *ask);

/* Only what is known already; NULL otherwise. A reference of the caller's. */
const struct peer_domain *peer_domain_known(struct peer_view *view, struct span domain);
const struct peer_host *peer_host_known(struct peer_view *view, struct span host, uint16_t port);
#endif
