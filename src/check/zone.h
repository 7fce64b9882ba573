/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_ZONE_H
#define FEDGE_CHECK_ZONE_H
/* Planned records: a zone file (RFC 1035 5, read by ldns) laid over what is published. A name and type that the file
 * has is answered from it, CNAMEs followed (through the file, then through the network); everything else is asked as
 * usual, unless only the file shall count. Wildcards of the file answer for names that the file does not have (RFC
 * 4592). Immutable once read; any thread may look things up.
 *
 * Nobody has signed a planned record: what a zone answers is never secure. An overlay that validates says of a planned
 * record what DNSSEC says of its place today (check_overlay_validate). */
#include "base/span.h"
#include "net/resolver.h"

struct check_zone;

#define CHECK_ZONE_RECORDS_MAXIMUM 100000
#define CHECK_ZONE_BYTES_MAXIMUM (32u << 20) /* of the file */
#define CHECK_ZONE_LINE_MAXIMUM 65536 /* of one record, over all its lines */
#define CHECK_ZONE_ALIASES_MAXIMUM 16 /* CNAMEs followed one after the other */
#define CHECK_ZONE_NOTES_MAXIMUM 16
#define CHECK_ZONE_ERROR_SIZE 512
/* origin: for names without the root dot where the file has no $ORIGIN; may be absent, then such names are refused.
 * Record types other than SRV, A, AAAA, CNAME, TLSA, NAPTR are skipped and counted; $INCLUDE is refused. 0, or a
 * negative errno and "FILE:LINE: what", or "FILE: what" where it could not be read. */
int check_zone_read(
	const char *path, struct span origin, struct check_zone **ret_zone, char reterr_text[CHECK_ZONE_ERROR_SIZE]);
/* The same of bytes in memory; path is only named. */
int check_zone_read_text(const char *path, struct span text, struct span origin, struct check_zone **ret_zone,
	char reterr_text[CHECK_ZONE_ERROR_SIZE]);
void check_zone_free(struct check_zone *zone);
size_t check_zone_count(const struct check_zone *zone);
size_t check_zone_skipped(const struct check_zone *zone);
/* What is allowed and hardly meant, "FILE:LINE: what", escaped; NULL beyond the last. */
const char *check_zone_note(const struct check_zone *zone, size_t index);

/* How a question was answered by the file. */
enum check_zone_result {
	CHECK_ZONE_ELSEWHERE, /* the file says nothing about that name and type: ask the network */
	CHECK_ZONE_ANSWER, /* *ret_answer is a reference of the caller's; NULL without memory */
	CHECK_ZONE_ALIAS, /* *ret_alias (the zone's): the file has a CNAME that leads out of it; ask the network for it
			   */
};
/* only: a name in one of the file's zones that is not in the file does not exist. Its zones are the owners of its SOA
 * records, without any its $ORIGINs and the origin given, without any of these the very names that it has records for;
 * names at or under other owners of NS records are not in them.
 * Times of an answer are 0: nobody was asked. CNAMEs in a circle are a failure, not an answer. */
enum check_zone_result check_zone_ask(const struct check_zone *zone, const char *name, enum net_dns_type type,
	bool only, const struct net_dns_answer **ret_answer, const char **ret_alias);

/* For peer_view_settings.ask and .cancel: the overlay in front of a resolver, one per loop. */
struct check_overlay;
struct net_loop;
/* A query is answered exactly once, from the loop, never from inside ask; the deadline of a question counts for the
 * whole chain of aliases. zone, resolver and loop must outlive it. */
int check_overlay_new(const struct check_zone *zone, bool only, struct net_resolver *resolver, struct net_loop *loop,
	struct check_overlay **ret_overlay);
/* Before the first question: asks through these instead of net_resolver_ask and net_query_cancel. */
void check_overlay_ask_through(struct check_overlay *overlay,
	int (*ask)(void *argument, const struct net_question *question, struct net_query **ret_query),
	void (*cancel)(void *argument, struct net_query *query), void *argument);
/* Before the first question, where the network validates by DNSSEC: whatever is published under the same name and type,
 * be it that there is nothing, is asked as well, also with `only`; where that answer is secure, the zone is signed, and
 * what is planned counts as secure too. What planned CNAMEs lead to never does. */
void check_overlay_validate(struct check_overlay *overlay);
void check_overlay_free(struct check_overlay *overlay); /* whoever waits is not called any more; before the loop */
int check_overlay_ask(void *overlay, const struct net_question *question, struct net_query **ret_query);
void check_overlay_cancel(void *overlay, struct net_query *query);
#endif
