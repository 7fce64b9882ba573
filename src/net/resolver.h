/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_RESOLVER_H
#define FEDGE_NET_RESOLVER_H
/* Names to records. One thread of its own; a question may come from any loop, its answer is
 * delivered in that loop's thread, always, within its own deadline, whatever the servers do.
 * Equal questions are answered in the order they were asked in. Caches by TTL as libunbound does; reads no /etc/hosts,
 * follows no search list, picks no target: records come in the order received (RFC 2782 order is the caller's). */
#include "base/clock.h"
#include "base/span.h"
#include "net/address.h"

struct net_loop;
struct net_resolver;

enum net_dns_type {
	NET_DNS_A = 1,
	NET_DNS_AAAA = 28,
	NET_DNS_SRV = 33,
	NET_DNS_NAPTR = 35,
	NET_DNS_TLSA = 52,
};

enum net_dns_status {
	NET_DNS_OK, /* at least one record of the type asked */
	NET_DNS_NODATA, /* the name is there, the type is not */
	NET_DNS_NXDOMAIN,
	NET_DNS_SERVFAIL, /* no usable answer: why says what came */
	NET_DNS_REFUSED,
	NET_DNS_TIMEOUT, /* the deadline passed */
	NET_DNS_BOGUS, /* DNSSEC validation failed: why is libunbound's why_bogus */
	NET_DNS_CANCELLED, /* the resolver was closed */
};

struct net_dns_record {
	union {
		struct net_address address; /* A, AAAA; port 0 */
		struct {
			uint16_t priority, weight, port;
			const char *target; /* "." : decidedly not available (RFC 2782) */
		} srv;
		struct {
			uint16_t order, preference;
			struct span flags, service, regexp;
			const char *replacement;
		} naptr;
		struct {
			uint8_t usage, selector, matching;
			struct span data;
		} tlsa;
	};
};

/* At most so many records of an answer are kept; truncated tells of more. */
#define NET_DNS_RECORD_MAXIMUM 256

/* Immutable and counted: may be kept and shared among threads. Names are as received (case kept)
 * without the root dot, unusual bytes as \DDD (RFC 4343 2.1), always NUL-terminated. */
struct net_dns_answer {
	const char *name; /* as asked */
	enum net_dns_type type;
	enum net_dns_status status;
	int rcode; /* RFC 1035 4.1.1, or -1 where no answer came */
	bool secure; /* validated by DNSSEC; also of negative answers */
	bool bogus; /* with a status other than BOGUS: validation failed, why says how, and this is what someone sees
		       who does not validate; only from net_dns_answer_unvalidated */
	bool alias; /* reached through a CNAME or DNAME */
	bool truncated; /* more than NET_DNS_RECORD_MAXIMUM, or malformed records left out */
	const char *canonical; /* the name the records belong to (= name where no alias) */
	uint32_t ttl_s; /* how long this answer may be kept, negative ones too (RFC 2308); 0 for failures */
	const char *why; /* one line for people; never NULL; "" for OK */
	int64_t asked_us, answered_us; /* wall time */
	const struct net_dns_record *records;
	size_t record_count;
};
const struct net_dns_answer *net_dns_answer_ref(const struct net_dns_answer *answer); /* any thread */
void net_dns_answer_unref(const struct net_dns_answer *answer); /* any thread; NULL is harmless */

/* ---- answers that no server gave: planned records, tests ---- */
struct net_dns_told {
	const char *name; /* as asked */
	enum net_dns_type type;
	enum net_dns_status status;
	const char *canonical; /* where aliases led; NULL: no alias */
	const char *why; /* NULL: what the resolver would say of OK, NODATA, NXDOMAIN */
	uint32_t ttl_s;
	const struct span *data; /* RDATA in wire form, read as if it had been received */
	size_t data_count;
	int64_t asked_us, answered_us;
};
/* A reference of the caller's, never secure; NULL only without memory. Everything given is copied. */
const struct net_dns_answer *net_dns_answer_tell(const struct net_dns_told *told);
/* What another answer says, for a name of its own: an alias of it, or the same with other security. A reference of the
 * caller's; holds one of `from`. NULL only without memory. */
const struct net_dns_answer *net_dns_answer_as(
	const char *name, const struct net_dns_answer *from, bool alias, bool secure);
/* What a resolver that does not validate answered, where a validating one found the answer bogus for the reason `why`.
 * References as above. */
const struct net_dns_answer *net_dns_answer_unvalidated(const struct net_dns_answer *answer, const char *why);
#define NET_DNS_NAME_TEXT_SIZE 1024 /* 255 bytes of wire, each at most four characters */
/* One uncompressed name in wire form, written as answers write names. The bytes it took, or -EBADMSG. */
int net_dns_name_of_wire(struct span wire, char ret_text[NET_DNS_NAME_TEXT_SIZE]);

const char *net_dns_type_name(enum net_dns_type type); /* "SRV" */
const char *net_dns_status_name(enum net_dns_status status); /* "NXDOMAIN" */

/* ---- the resolver ---- */
struct net_resolver_settings {
	const char *const *servers; /* "IP" or "IP@PORT"; none: those of /etc/resolv.conf */
	size_t server_count;
	const char *outgoing; /* our address for questions; NULL: the kernel chooses */
	bool dnssec;
	const char *trust_anchor_file; /* needed with dnssec: DS or DNSKEY records */
	int64_t timeout_us; /* 0: 3 s */
	size_t query_maximum; /* running at once; 0: 16384; beyond it -ENOBUFS */
	const struct clock *clock; /* NULL: the system's */
};
#define NET_RESOLVER_ERROR_SIZE 256
/* 0, or a negative errno with one line in reterr_text. */
int net_resolver_new(const struct net_resolver_settings *settings, struct net_resolver **ret_resolver,
	char reterr_text[NET_RESOLVER_ERROR_SIZE]);
/* Running questions are answered NET_DNS_CANCELLED; returns when the thread has ended. Before the
 * loops that ask are freed. */
void net_resolver_free(struct net_resolver *resolver);

/* ---- asking ---- */
struct net_query;
struct net_question {
	const char *name; /* with or without the root dot; copied */
	enum net_dns_type type;
	int64_t timeout_us; /* 0: the resolver's */
	/* In the loop's thread, exactly once, never from inside net_resolver_ask; the answer is valid
	 * during the call unless referenced. */
	void (*answered)(void *argument, const struct net_dns_answer *answer);
	void *argument;
};
/* From the loop's thread. 0; -ENOBUFS (too many running), -EINVAL (no name, or longer than DNS
 * allows). ret_query may be NULL where nobody cancels. */
int net_resolver_ask(struct net_resolver *resolver, struct net_loop *loop, const struct net_question *question,
	struct net_query **ret_query);
/* From the loop's thread, before `answered` was called: it will not be. The handle is gone. */
void net_query_cancel(struct net_query *query);

/* Any thread. Forgets all that is cached; running questions go on undisturbed. */
int net_resolver_flush(struct net_resolver *resolver);
/* Any thread. Other servers, DNSSEC, deadline from now on; running questions go on. Errors as new. */
int net_resolver_replace(struct net_resolver *resolver, const struct net_resolver_settings *settings,
	char reterr_text[NET_RESOLVER_ERROR_SIZE]);
#endif
