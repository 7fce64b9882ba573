/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_DESK_PRIVATE_H
#define FEDGE_CHECK_DESK_PRIVATE_H
/* What all threads of a run share, from inside: opened once (desk.c, desk_dns.c, desk_tls.c), then only read. */
#include "base/random.h"
#include "base/require.h"
#include "check/budget.h"
#include "check/examiner.h"
#include "net/address.h"
#include "peer/cache.h"
#include "peer/probe.h"
#include "trust/policy.h"

#include <stdatomic.h>

#define CHECK_DESK_NOTES 8

struct check_zone;
struct net_resolver;

struct check_desk {
	const struct check_options *options;
	struct clock clock;
	struct arena arena; /* of all texts below */
	struct trust_policy policy; /* its lists alone matter here: configured servers */
	struct span resolvers, vantage;
	const char *notes[CHECK_DESK_NOTES]; /* doubts of our own; the zone has others */
	size_t note_count;
	char service[80]; /* "_sipfederationtls._tcp", or the node's */
	struct span sender; /* of OPTIONS: the address in From, "sip:…" */
	struct net_address local; /* of our connections; may be unset */

	/* DNS */
	struct net_resolver *resolver;
	struct net_resolver *plain_resolver; /* does not validate, for the rule books that do not; NULL: none needed */
	struct peer_cache *cache;
	struct check_zone *zone; /* NULL: nothing is planned */
	bool tlsa; /* dane is judged */
	bool validates; /* the resolver validates DNSSEC */
	struct span why_not_validated; /* dane is judged all the same; absent: it is validated, or nobody asked */

	/* TLS */
	struct net_tls *tls;
	struct net_tls *versions[PEER_VERSION_COUNT]; /* deep only */
	struct x509_store_st *public_authorities; /* NULL: the system has none */
	bool private_possible; /* authorities that are not the system's are trusted too */
	const struct span *planned; /* DER of the planned certificate and its chain */
	size_t planned_count; /* 0: none */
	struct trust_chain planned_chain; /* the same, read and verified */
	struct check_budget *budget; /* of the facts of all domains */
	_Atomic uint64_t epoch; /* counts check_desk_forget: what was seen before is not used again */
};

/* ---- opening ---- */
struct check_opening {
	struct check_desk *desk;
	const struct check_options *options;
	char *text; /* what is wrong, CHECK_ERROR_SIZE */
};
/* Says it, and gives the status back. */
int check_opening_wrong(struct check_opening *o, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* One that cannot be kept is not worth a failure. */
void check_desk_add_note(struct check_desk *desk, struct span text);

/* ---- desk_dns.c ---- */
int check_desk_open_zone(struct check_opening *o);
int check_desk_open_cache(struct check_opening *o);
int check_desk_open_resolver(struct check_opening *o); /* starts threads */

/* ---- desk_tls.c ---- */
int check_desk_open_tls(struct check_opening *o);
int check_desk_open_planned(struct check_opening *o);

/* ---- desk_certificate.c ---- */
/* The certificates of a PEM file, leaf first, as DER in the arena. 0, or a negative errno and one line. */
int check_desk_read_certificates(const char *file, struct arena *arena, const struct span **ret_der, size_t *ret_count,
	char reterr_text[CHECK_ERROR_SIZE]);
#endif
