/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_SECOND_OPINION_H
#define FEDGE_CHECK_SECOND_OPINION_H
/* For rule books that validate by DNSSEC beside those that do not: asks a resolver that validates and, where nothing
 * comes of that, one that does not. The answer is then the second one's, marked `bogus` with what the first one said;
 * TLSA is for validators alone. One per loop. */
#include "net/resolver.h"

struct check_second_opinion;
struct net_loop;
int check_second_opinion_new(struct net_resolver *validating, struct net_resolver *plain, struct net_loop *loop,
	struct check_second_opinion **ret_opinion);
/* Cancels what is asked. NULL is harmless. */
void check_second_opinion_free(struct check_second_opinion *opinion);
/* As net_resolver_ask and net_query_cancel, for peer_view_settings and check_overlay_ask_through. */
int check_second_opinion_ask(void *opinion, const struct net_question *question, struct net_query **ret_query);
void check_second_opinion_cancel(void *opinion, struct net_query *query);
#endif
