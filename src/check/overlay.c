/* SPDX-License-Identifier: Apache-2.0 */
/* The planned zone in front of a resolver. A chain of aliases may lead out of the file into the network and back. */
#include "base/require.h"
#include "check/zone_private.h"
#include "net/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CROSSINGS_MAXIMUM 8 /* from the file into the network, in one chain */

struct check_overlay {
	const struct check_zone *zone;
	bool only, validates;
	struct net_resolver *resolver;
	struct net_loop *loop;
	/* the network */
	int (*ask)(void *argument, const struct net_question *question, struct net_query **ret_query);
	void (*cancel)(void *argument, struct net_query *query);
	void *argument;
	struct list queries;
};

/* What a net_query of an overlay is. */
struct overlay_query {
	struct list link;
	struct check_overlay *overlay;
	char *name; /* as asked, without the root dot */
	enum net_dns_type type;
	int64_t due_us; /* 0: the resolver's deadline */
	void (*answered)(void *argument, const struct net_dns_answer *answer);
	void *argument;
	struct net_query *asked; /* in the network */
	bool aliased; /* the file's CNAMEs have led to what is asked in the network */
	unsigned crossings;
	const struct net_dns_answer *answer; /* of the file: on its way through task, or until the network has told
						whether its zone is signed */
	struct net_task task;
	bool submitted, cancelled;
};

static void query_free(struct overlay_query *q)
{
	list_remove(&q->link);
	net_dns_answer_unref(q->answer);
	free(q->name);
	free(q);
}

/* Takes the reference. */
static void query_end(struct overlay_query *q, const struct net_dns_answer *answer)
{
	void (*answered)(void *argument, const struct net_dns_answer *answer) = q->answered;
	void *argument = q->argument;
	/* As the resolver has it: without memory for an answer there is nothing left that could be said truthfully. */
	base_require(answer);
	query_free(q);
	answered(argument, answer);
	net_dns_answer_unref(answer);
}

static void query_fail(struct overlay_query *q, enum net_dns_status status, const char *why)
{
	struct net_dns_told told = { .name = q->name, .type = q->type, .status = status, .why = why };
	query_end(q, net_dns_answer_tell(&told));
}

/* ---- through the loop, for what the file answers ---- */

static void query_deliver(struct net_task *task)
{
	struct overlay_query *q = base_container(task, struct overlay_query, task);
	if (q->cancelled) {
		query_free(q);
		return;
	}
	const struct net_dns_answer *answer = q->answer;
	q->answer = NULL;
	query_end(q, answer);
}

static void query_submit(struct overlay_query *q, const struct net_dns_answer *answer)
{
	base_require(answer);
	q->answer = answer;
	q->task.run = query_deliver;
	q->submitted = true;
	net_loop_submit(q->overlay->loop, &q->task);
}

/* ---- the network ---- */

static int query_ask(
	struct overlay_query *q, const char *name, void (*came)(void *argument, const struct net_dns_answer *answer))
{
	const struct check_overlay *overlay = q->overlay;
	struct net_question question = { .name = name, .type = q->type, .answered = came, .argument = q };
	if (q->due_us)
		question.timeout_us = q->due_us - net_loop_now_us(overlay->loop);
	if (q->due_us && question.timeout_us <= 0)
		return -ETIMEDOUT;
	return overlay->ask(overlay->argument, &question, &q->asked);
}

static void query_came(void *argument, const struct net_dns_answer *answer);

/* The file's CNAME led out of it again. */
static void query_cross(struct overlay_query *q, const char *name)
{
	int status = q->crossings++ < CROSSINGS_MAXIMUM ? query_ask(q, name, query_came) : -ELOOP;
	if (status == -ELOOP)
		query_fail(q, NET_DNS_SERVFAIL, "planned and published CNAMEs lead to each other, too often to follow");
	else if (status == -ETIMEDOUT)
		query_fail(q, NET_DNS_TIMEOUT, "the time was over before the last CNAME was followed");
	else if (status < 0)
		query_fail(q, NET_DNS_SERVFAIL, "where the planned CNAME leads cannot be asked for");
}

/* Published CNAMEs may lead to a planned name; its planned records then count. */
static void query_came(void *argument, const struct net_dns_answer *answer)
{
	struct overlay_query *q = argument;
	const struct check_overlay *overlay = q->overlay;
	const struct net_dns_answer *planned = NULL;
	const char *further = NULL;
	enum check_zone_result result = CHECK_ZONE_ELSEWHERE;
	q->asked = NULL;
	if (answer->alias)
		result = check_zone_ask(overlay->zone, answer->canonical, q->type, overlay->only, &planned, &further);
	if (result == CHECK_ZONE_ALIAS) {
		q->aliased = true;
		query_cross(q, further);
		return;
	}
	if (result == CHECK_ZONE_ANSWER) {
		base_require(planned);
		answer = net_dns_answer_as(q->name, planned, true, false);
		net_dns_answer_unref(planned);
	} else {
		answer = q->aliased ? net_dns_answer_as(q->name, answer, true, false) : net_dns_answer_ref(answer);
	}
	query_end(q, answer);
}

/* What is published where the planned records would stand, be it nothing: where that is validated, they will be signed
 * once they are there. */
static void query_weighed(void *argument, const struct net_dns_answer *answer)
{
	struct overlay_query *q = argument;
	const struct net_dns_answer *planned = q->answer;
	bool secure = answer->secure && answer->status <= NET_DNS_NXDOMAIN;
	q->asked = NULL;
	q->answer = NULL;
	query_end(q, secure ? net_dns_answer_as(q->name, planned, false, true) : net_dns_answer_ref(planned));
	net_dns_answer_unref(planned);
}

/* ---- asking ---- */

static struct overlay_query *query_new(struct check_overlay *overlay, const struct net_question *question)
{
	struct overlay_query *q = calloc(1, sizeof(*q));
	size_t length = strlen(question->name);
	if (!q)
		return NULL;
	q->name = strndup(question->name, length > 0 && question->name[length - 1] == '.' ? length - 1 : length);
	if (!q->name) {
		free(q);
		return NULL;
	}
	q->overlay = overlay;
	q->type = question->type;
	q->answered = question->answered;
	q->argument = question->argument;
	if (question->timeout_us > 0)
		q->due_us = net_loop_now_us(overlay->loop) + question->timeout_us;
	list_append(&overlay->queries, &q->link);
	return q;
}

/* The file's own answer, at once or after a look at its zone. */
static void query_plan(struct overlay_query *q, const struct net_dns_answer *answer)
{
	const struct check_overlay *overlay = q->overlay;
	base_require(answer);
	if (overlay->validates && answer->status <= NET_DNS_NXDOMAIN && !answer->alias) {
		q->answer = answer;
		if (query_ask(q, q->name, query_weighed) == 0)
			return;
	}
	query_submit(q, answer);
}

int check_overlay_ask(void *overlay, const struct net_question *question, struct net_query **ret_query)
{
	struct check_overlay *o = overlay;
	const struct net_dns_answer *answer = NULL;
	const char *alias = question->name;
	if (!question->name || !question->name[0])
		return -EINVAL;
	struct overlay_query *q = query_new(o, question);
	if (!q)
		return -ENOMEM;
	enum check_zone_result result =
		check_zone_ask(o->zone, question->name, question->type, o->only, &answer, &alias);
	int status = 0;
	if (result == CHECK_ZONE_ANSWER) {
		query_plan(q, answer);
	} else {
		q->aliased = result == CHECK_ZONE_ALIAS;
		status = query_ask(q, alias, query_came);
	}
	if (status < 0) {
		query_free(q);
		return status;
	}
	if (ret_query)
		*ret_query = (struct net_query *)(void *)q;
	return 0;
}

void check_overlay_cancel(void *overlay, struct net_query *query)
{
	struct overlay_query *q = (struct overlay_query *)(void *)query;
	(void)overlay;
	if (q->asked)
		q->overlay->cancel(q->overlay->argument, q->asked);
	/* What is in the loop's queue stays there until its turn. */
	if (q->submitted) {
		list_remove(&q->link);
		q->cancelled = true;
	} else {
		query_free(q);
	}
}

static int ask_resolver(void *argument, const struct net_question *question, struct net_query **ret_query)
{
	struct check_overlay *overlay = argument;
	return net_resolver_ask(overlay->resolver, overlay->loop, question, ret_query);
}

static void cancel_resolver(void *argument, struct net_query *query)
{
	(void)argument;
	net_query_cancel(query);
}

void check_overlay_ask_through(struct check_overlay *overlay,
	int (*ask)(void *argument, const struct net_question *question, struct net_query **ret_query),
	void (*cancel)(void *argument, struct net_query *query), void *argument)
{
	overlay->ask = ask;
	overlay->cancel = cancel;
	overlay->argument = argument;
}

void check_overlay_validate(struct check_overlay *overlay)
{
	overlay->validates = true;
}

int check_overlay_new(const struct check_zone *zone, bool only, struct net_resolver *resolver, struct net_loop *loop,
	struct check_overlay **ret_overlay)
{
	struct check_overlay *overlay = calloc(1, sizeof(*overlay));
	if (!overlay)
		return -ENOMEM;
	*overlay = (struct check_overlay){ .zone = zone, .only = only, .resolver = resolver, .loop = loop };
	list_init(&overlay->queries);
	check_overlay_ask_through(overlay, ask_resolver, cancel_resolver, overlay);
	*ret_overlay = overlay;
	return 0;
}

void check_overlay_free(struct check_overlay *overlay)
{
	if (!overlay)
		return;
	while (!list_is_empty(&overlay->queries)) {
		struct overlay_query *q = base_container(overlay->queries.next, struct overlay_query, link);
		check_overlay_cancel(overlay, (struct net_query *)(void *)q);
	}
	free(overlay);
}
