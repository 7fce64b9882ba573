/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_ZONE_H
#define FEDGE_CHECK_ZONE_H
/* Planned records: a zone file (RFC 1035 5, read by ldns) laid over what is published. A name and type that the file
 * has is answered from it, CNAMEs followed (through the file, then through the network); everything else is asked as
 * usual, unless only the file shall count. Immutable once read; any thread may look things up. */
#include "base/span.h"
#include "net/resolver.h"

struct check_zone;

#define CHECK_ZONE_RECORDS_MAXIMUM 100000
#define CHECK_ZONE_ERROR_SIZE 512
/* origin: for names without the root dot where the file has no $ORIGIN; may be absent. Record types other than SRV, A,
 * AAAA, CNAME, TLSA, NAPTR are skipped and counted. 0, or a negative errno and "FILE:LINE: what". */
int check_zone_read(
	const char *path, struct span origin, struct check_zone **ret_zone, char reterr_text[CHECK_ZONE_ERROR_SIZE]);
void check_zone_free(struct check_zone *zone);
size_t check_zone_count(const struct check_zone *zone);

/* How a question was answered by the file. */
enum check_zone_result {
	CHECK_ZONE_ELSEWHERE, /* the file says nothing about that name and type: ask the network */
	CHECK_ZONE_ANSWER, /* *ret_answer is a reference of the caller's */
	CHECK_ZONE_ALIAS, /* *ret_alias: the file has a CNAME that leads out of it; ask the network for that name */
};
/* only: a name in one of the file's zones (under an SOA's owner, or the origin) that is not in the file does not exist.
 */
enum check_zone_result check_zone_ask(const struct check_zone *zone, const char *name, enum net_dns_type type,
	bool only, const struct net_dns_answer **ret_answer, const char **ret_alias);

/* For peer_view_settings.ask and .cancel: the overlay in front of a resolver, one per loop. */
struct check_overlay;
struct net_loop;
int check_overlay_new(const struct check_zone *zone, bool only, struct net_resolver *resolver, struct net_loop *loop,
	struct check_overlay **ret_overlay);
void check_overlay_free(struct check_overlay *overlay);
int check_overlay_ask(void *overlay, const struct net_question *question, struct net_query **ret_query);
void check_overlay_cancel(void *overlay, struct net_query *query);
#endif
