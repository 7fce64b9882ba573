/* SPDX-License-Identifier: Apache-2.0 */
#include "check/second_opinion.h"

#include "base/list.h"
#include "base/require.h"

#include <errno.h>
#include <stdlib.h>

struct check_second_opinion {
	struct net_resolver *validating, *plain;
	struct net_loop *loop;
	struct list queries;
};

/* What a net_query of ours is. */
struct opinion_query {
	struct list link;
	struct check_second_opinion *opinion;
	char *name;
	enum net_dns_type type;
	int64_t timeout_us;
	void (*answered)(void *argument, const struct net_dns_answer *answer);
	void *argument;
	struct net_query *asked;
	const struct net_dns_answer *first; /* what the validating one said, once the other is asked */
};

static void query_free(struct opinion_query *q)
{
	list_remove(&q->link);
	net_dns_answer_unref(q->first);
	free(q->name);
	free(q);
}

/* In the asker's hands from here on. */
static void query_end(struct opinion_query *q, const struct net_dns_answer *answer)
{
	void (*answered)(void *argument, const struct net_dns_answer *answer) = q->answered;
	void *argument = q->argument;
	net_dns_answer_ref(answer);
	query_free(q);
	answered(argument, answer);
	net_dns_answer_unref(answer);
}

static bool is_usable(const struct net_dns_answer *answer)
{
	return answer->status == NET_DNS_OK || answer->status == NET_DNS_NODATA || answer->status == NET_DNS_NXDOMAIN;
}

static void second_came(void *argument, const struct net_dns_answer *second)
{
	struct opinion_query *q = argument;
	q->asked = NULL;
	if (!is_usable(second)) {
		query_end(q, q->first);
		return;
	}
	const struct net_dns_answer *both = net_dns_answer_unvalidated(second, q->first->why);
	base_require(both); /* as the resolver has it: without memory nothing could be said truthfully */
	query_end(q, both);
	net_dns_answer_unref(both);
}

static int query_ask(struct opinion_query *q, struct net_resolver *resolver,
	void (*answered)(void *argument, const struct net_dns_answer *answer))
{
	const struct net_question question = {
		.name = q->name, .type = q->type, .timeout_us = q->timeout_us, .answered = answered, .argument = q
	};
	return net_resolver_ask(resolver, q->opinion->loop, &question, &q->asked);
}

static void first_came(void *argument, const struct net_dns_answer *first)
{
	struct opinion_query *q = argument;
	q->asked = NULL;
	bool enough = is_usable(first) || first->status == NET_DNS_CANCELLED || q->type == NET_DNS_TLSA;
	if (enough || query_ask(q, q->opinion->plain, second_came) < 0)
		query_end(q, first);
	else
		q->first = net_dns_answer_ref(first);
}

int check_second_opinion_ask(void *opinion, const struct net_question *question, struct net_query **ret_query)
{
	struct check_second_opinion *o = opinion;
	struct opinion_query *q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct opinion_query){
		.opinion = o,
		.name = strdup(question->name),
		.type = question->type,
		.timeout_us = question->timeout_us,
		.answered = question->answered,
		.argument = question->argument,
	};
	list_init(&q->link);
	int status = q->name ? query_ask(q, o->validating, first_came) : -ENOMEM;
	if (status < 0) {
		query_free(q);
		return status;
	}
	list_append(&o->queries, &q->link);
	if (ret_query)
		*ret_query = (struct net_query *)(void *)q;
	return 0;
}

void check_second_opinion_cancel(void *opinion, struct net_query *query)
{
	struct opinion_query *q = (struct opinion_query *)(void *)query;
	(void)opinion;
	if (q->asked)
		net_query_cancel(q->asked);
	query_free(q);
}

int check_second_opinion_new(struct net_resolver *validating, struct net_resolver *plain, struct net_loop *loop,
	struct check_second_opinion **ret_opinion)
{
	struct check_second_opinion *opinion = calloc(1, sizeof(*opinion));
	if (!opinion)
		return -ENOMEM;
	*opinion = (struct check_second_opinion){ .validating = validating, .plain = plain, .loop = loop };
	list_init(&opinion->queries);
	*ret_opinion = opinion;
	return 0;
}

void check_second_opinion_free(struct check_second_opinion *opinion)
{
	if (!opinion)
		return;
	while (!list_is_empty(&opinion->queries)) {
		struct opinion_query *q = base_container(opinion->queries.next, struct opinion_query, link);
		check_second_opinion_cancel(opinion, (struct net_query *)(void *)q);
	}
	free(opinion);
}
