/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/random.h"
#include "base/require.h"
#include "net/loop_private.h"
#include "net/resolver_private.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unbound.h>

#define QUERIES_DEFAULT ((size_t)16384)
/* Probes at once: they explain failures, and must not multiply them. */
#define PROBE_MAXIMUM 32
/* Running questions are found by their names. */
#define RUNNING_BUCKETS 1024
/* After this part of a query's time a silence is looked into. */
#define PROBE_AFTER(timeout_us) ((timeout_us) / 3 * 2)

/* One libunbound context; replaced by a flush, kept until its last question is answered. */
struct dns_context {
	struct net_resolver *resolver;
	struct ub_ctx *unbound;
	struct net_watch *watch;
	struct dns_settings settings;
	struct list link; /* among resolver->contexts */
	size_t running;
	bool retired;
	bool inside; /* libunbound is calling us: not to be deleted now */
};

struct net_resolver {
	_Atomic unsigned references; /* one of the owner, one of each question */
	pthread_mutex_t lock; /* of settings, closing */
	struct dns_settings settings;
	bool closing;
	struct clock clock;
	size_t query_maximum;
	_Atomic size_t query_count;
	pthread_t thread;
	struct net_loop *loop;
	/* the thread's own: */
	struct random random;
	struct dns_context *context; /* takes new questions */
	struct list contexts; /* all of them */
	struct list running[RUNNING_BUCKETS]; /* questions, by a hash of their names, in the order they were asked in */
	struct hash_key running_key;
	size_t probe_count;
	bool ending;
};

/* A question as libunbound has it. Of several equal ones at once it answers the last one first; whoever asked first
 * gets the first answer here, since the messages of a dialog wait for equal questions and must not overtake each other.
 */
struct dns_asked {
	struct net_query *query; /* whose it is now */
	int async_id;
};

struct net_query {
	_Atomic unsigned references; /* the answer's way, and a cancel's way */
	struct net_resolver *resolver;
	struct net_loop *asker;
	struct net_task ask, deliver, cancel;
	char *name;
	enum net_dns_type type;
	int64_t asked_us, started_us, timeout_us; /* started_us: steady */
	void (*answered)(void *argument, const struct net_dns_answer *answer);
	void *argument;
	bool cancelled; /* the asker's own */
	/* the resolver thread's own: */
	struct list link;
	struct wheel_timer deadline, impatience;
	struct dns_context *context; /* NULL: not, or no longer, with libunbound */
	struct dns_asked *asked; /* NULL: likewise */
	bool settled;
	struct dns_probe *probe;
	char *suspicion; /* what a probe has found so far */
	enum net_dns_status suspected;
	struct net_dns_answer *answer;
};

/* ---- life of a question ---- */

static void resolver_unref(struct net_resolver *resolver)
{
	if (atomic_fetch_sub_explicit(&resolver->references, 1, memory_order_acq_rel) != 1)
		return;
	dns_settings_done(&resolver->settings);
	pthread_mutex_destroy(&resolver->lock);
	free(resolver);
}

static void query_unref(struct net_query *query)
{
	if (atomic_fetch_sub_explicit(&query->references, 1, memory_order_acq_rel) != 1)
		return;
	net_dns_answer_unref(query->answer);
	resolver_unref(query->resolver);
	free(query->suspicion);
	free(query->name);
	free(query);
}

/* In the asker's thread. */
static void query_deliver(struct net_task *task)
{
	struct net_query *query = base_container(task, struct net_query, deliver);
	atomic_fetch_sub(&query->resolver->query_count, 1);
	loop_met(query->asker);
	if (!query->cancelled)
		query->answered(query->argument, query->answer);
	query_unref(query);
}

static void context_leave(struct dns_context *context);

/* In the resolver's thread, once: the answer goes to the asker. */
static void query_settle(struct net_query *query, struct net_dns_answer *answer)
{
	struct net_resolver *resolver = query->resolver;
	base_require(!query->settled);
	/* libunbound and we allocate as we go: without memory for an answer there is nothing left
	 * that could be said truthfully. */
	base_require(answer);
	query->settled = true;
	list_remove(&query->link);
	wheel_disarm(net_loop_wheel(resolver->loop), &query->deadline);
	wheel_disarm(net_loop_wheel(resolver->loop), &query->impatience);
	if (query->probe) {
		dns_probe_cancel(query->probe);
		query->probe = NULL;
		resolver->probe_count--;
	}
	if (query->context)
		context_leave(query->context);
	query->context = NULL;
	query->answer = answer;
	net_loop_submit(query->asker, &query->deliver);
}

static struct dns_head query_head(const struct net_query *query)
{
	return (struct dns_head){ .name = query->name,
		.type = query->type,
		.asked_us = query->asked_us,
		.answered_us = clock_wall_us(&query->resolver->clock) };
}

static void query_fail(struct net_query *query, enum net_dns_status status, const char *why)
{
	struct dns_head head = query_head(query);
	query_settle(query, dns_answer_of_failure(&head, status, why));
}

/* Off libunbound's hands, if it still has it. */
static void query_withdraw(struct net_query *query)
{
	struct dns_context *context = query->context;
	if (!context)
		return;
	if (query->asked)
		(void)ub_cancel(context->unbound, query->asked->async_id);
	free(query->asked);
	query->asked = NULL;
	query->context = NULL;
	context_leave(context);
}

/* ---- contexts ---- */

static void context_free(struct dns_context *context)
{
	list_remove(&context->link);
	net_watch_free(context->watch);
	dns_context_free(context->unbound);
	dns_settings_done(&context->settings);
	free(context);
}

static void context_free_if_done(struct dns_context *context)
{
	if (context->retired && context->running == 0 && !context->inside)
		context_free(context);
}

static void context_leave(struct dns_context *context)
{
	context->running--;
	context_free_if_done(context);
}

static void context_ready(void *argument, int events)
{
	struct dns_context *context = argument;
	(void)events;
	context->inside = true;
	(void)ub_process(context->unbound);
	context->inside = false;
	context_free_if_done(context);
}

static void context_retire(struct dns_context *context)
{
	context->retired = true;
	context_free_if_done(context);
}

/* Any thread; belongs to the resolver's thread from context_adopt on. */
static int context_new(struct net_resolver *resolver, const struct dns_settings *settings,
	struct dns_context **ret_context, char *reterr_text)
{
	struct dns_context *context = calloc(1, sizeof(*context));
	int status = context ? dns_settings_copy(settings, &context->settings) : -ENOMEM;
	if (status == 0)
		status = dns_context_new(settings, &context->unbound, reterr_text);
	if (status < 0) {
		if (context)
			dns_settings_done(&context->settings);
		free(context);
		return status;
	}
	context->resolver = resolver;
	list_init(&context->link);
	*ret_context = context;
	return 0;
}

static void context_adopt(struct net_resolver *resolver, struct dns_context *context)
{
	struct dns_context *old = resolver->context;
	list_append(&resolver->contexts, &context->link);
	/* Without a watch nothing would ever come back: the old context goes on instead. */
	if (net_watch_new(resolver->loop, ub_fd(context->unbound), NET_READABLE, context_ready, context,
		    &context->watch) < 0) {
		context_retire(context);
		return;
	}
	resolver->context = context;
	if (old)
		context_retire(old);
}

/* ---- looking into a failure ---- */

static void query_probed(void *argument, enum net_dns_status status, const char *why)
{
	struct net_query *query = argument;
	query->probe = NULL;
	query->resolver->probe_count--;
	free(query->suspicion);
	query->suspicion = strdup(why);
	query->suspected = status;
	/* libunbound has given up: this is the answer. Else it may still succeed. */
	if (!query->context)
		query_fail(query, status, why);
}

static bool query_probe(struct net_query *query, const struct dns_settings *settings, int64_t due_us)
{
	struct net_resolver *resolver = query->resolver;
	struct dns_probe_settings probe = { .servers = settings->servers,
		.server_count = settings->server_count,
		.outgoing = settings->outgoing,
		.name = query->name,
		.type = query->type,
		.id = (uint16_t)random_u64(&resolver->random),
		.due_us = due_us,
		.ended = query_probed,
		.argument = query };
	if (resolver->probe_count >= PROBE_MAXIMUM || dns_probe_start(resolver->loop, &probe, &query->probe) < 0)
		return false;
	resolver->probe_count++;
	return true;
}

static void query_grew_impatient(struct wheel_timer *timer, int64_t now_us)
{
	struct net_query *query = base_container(timer, struct net_query, impatience);
	int64_t rest_us = query->started_us + query->timeout_us - now_us;
	if (query->context && !query->probe)
		query_probe(query, &query->context->settings, now_us + rest_us * 3 / 4);
}

/* ---- what libunbound says ---- */

static void query_came_to_nothing(struct net_query *query, struct net_dns_answer *answer)
{
	struct dns_context *context = query->context;
	int64_t now_us = net_loop_now_us(query->resolver->loop);
	int64_t rest_us = query->started_us + query->timeout_us - now_us;
	int64_t soon_us = now_us + (rest_us * 3 / 4 < CLOCK_SECOND_US ? rest_us * 3 / 4 : CLOCK_SECOND_US);
	if (query->suspicion) {
		net_dns_answer_unref(answer);
		query_fail(query, query->suspected, query->suspicion);
		return;
	}
	if (query->probe || query_probe(query, &context->settings, soon_us)) {
		net_dns_answer_unref(answer);
		query->context = NULL;
		context_leave(context);
		return; /* query_probed, or the deadline */
	}
	query_settle(query, answer);
}

static struct list *running_bucket(struct net_resolver *resolver, const char *name)
{
	char folded[NET_DNS_NAME_TEXT_SIZE];
	size_t length = 0;
	for (; name[length] && length < sizeof(folded); length++)
		folded[length] =
			name[length] >= 'A' && name[length] <= 'Z' ? (char)(name[length] | 0x20) : name[length];
	uint64_t hash = hash_keyed(&resolver->running_key, span_make(folded, length));
	return &resolver->running[hash % RUNNING_BUCKETS];
}

/* The first of those that wait for this answer. */
static struct net_query *query_first_equal(const struct net_query *query)
{
	const struct list *bucket = running_bucket(query->resolver, query->name);
	struct list *item = bucket->next;
	for (;; item = item->next) {
		struct net_query *other = base_container(item, struct net_query, link);
		base_require(item != bucket); /* at the latest it finds itself */
		if (other->asked && other->context == query->context && other->type == query->type &&
			strcasecmp(other->name, query->name) == 0)
			return other;
	}
}

/* Takes the answer off libunbound's hands, for the query that it is for. */
static struct net_query *query_of_answer(struct dns_asked *asked)
{
	struct net_query *query = asked->query;
	struct net_query *first = query_first_equal(query);
	query->asked = first->asked;
	query->asked->query = query;
	first->asked = NULL;
	free(asked);
	return first;
}

static void query_came(void *argument, int error, struct ub_result *result)
{
	struct net_query *query = query_of_answer(argument);
	struct dns_head head = query_head(query);
	if (error || !result) {
		ub_resolve_free(result);
		query_fail(query, NET_DNS_SERVFAIL, ub_strerror(error));
		return;
	}
	struct net_dns_answer *answer = dns_answer_of_result(&head, result);
	ub_resolve_free(result);
	if (answer && answer->status == NET_DNS_SERVFAIL && answer->rcode == 2)
		query_came_to_nothing(query, answer);
	else
		query_settle(query, answer);
}

static void query_too_late(struct wheel_timer *timer, int64_t now_us)
{
	struct net_query *query = base_container(timer, struct net_query, deadline);
	char why[256], server[NET_ADDRESS_TEXT_SIZE] = "the servers";
	(void)now_us;
	if (query->context && query->context->settings.server_count == 1)
		dns_server_format(&query->context->settings.servers[0], server);
	snprintf(why, sizeof(why), "no usable answer from %s in %lld ms%s%s", server,
		(long long)(query->timeout_us / CLOCK_MS_US), query->suspicion ? ": " : "",
		query->suspicion ? query->suspicion : "");
	query_withdraw(query);
	query_fail(query, NET_DNS_TIMEOUT, why);
}

/* ---- asking and cancelling ---- */

static void query_begin(struct net_task *task)
{
	struct net_query *query = base_container(task, struct net_query, ask);
	struct net_resolver *resolver = query->resolver;
	struct wheel *wheel = net_loop_wheel(resolver->loop);
	list_append(running_bucket(resolver, query->name), &query->link);
	if (resolver->ending) {
		query_fail(query, NET_DNS_CANCELLED, "the resolver was closed");
		return;
	}
	query->started_us = net_loop_now_us(resolver->loop);
	wheel_arm(wheel, &query->deadline, query->started_us + query->timeout_us);
	wheel_arm(wheel, &query->impatience, query->started_us + PROBE_AFTER(query->timeout_us));
	query->context = resolver->context;
	query->context->running++;
	query->asked = calloc(1, sizeof(*query->asked));
	int error = UB_NOMEM;
	if (query->asked) {
		query->asked->query = query;
		error = ub_resolve_async(query->context->unbound, query->name, query->type, 1, query->asked, query_came,
			&query->asked->async_id);
	}
	if (!error)
		return;
	free(query->asked);
	query->asked = NULL;
	query_fail(query, NET_DNS_SERVFAIL, ub_strerror(error));
}

static void query_abandon(struct net_task *task)
{
	struct net_query *query = base_container(task, struct net_query, cancel);
	if (!query->settled) {
		query_withdraw(query);
		query_fail(query, NET_DNS_CANCELLED, "cancelled");
	}
	query_unref(query);
}

void net_query_cancel(struct net_query *query)
{
	struct net_resolver *resolver = query->resolver;
	query->cancelled = true;
	pthread_mutex_lock(&resolver->lock);
	if (!resolver->closing) {
		atomic_fetch_add_explicit(&query->references, 1, memory_order_relaxed);
		net_loop_submit(resolver->loop, &query->cancel);
	}
	pthread_mutex_unlock(&resolver->lock);
}

static struct net_query *query_new(
	struct net_resolver *resolver, struct net_loop *loop, const struct net_question *question)
{
	struct net_query *query = calloc(1, sizeof(*query));
	size_t length = strlen(question->name);
	if (!query)
		return NULL;
	query->name = strndup(question->name, question->name[length - 1] == '.' ? length - 1 : length);
	if (!query->name) {
		free(query);
		return NULL;
	}
	query->references = 1;
	query->resolver = resolver;
	atomic_fetch_add_explicit(&resolver->references, 1, memory_order_relaxed);
	query->asker = loop;
	query->type = question->type;
	query->answered = question->answered;
	query->argument = question->argument;
	query->asked_us = clock_wall_us(&resolver->clock);
	query->ask.run = query_begin;
	query->deliver.run = query_deliver;
	query->cancel.run = query_abandon;
	wheel_timer_init(&query->deadline, query_too_late);
	wheel_timer_init(&query->impatience, query_grew_impatient);
	return query;
}

int net_resolver_ask(struct net_resolver *resolver, struct net_loop *loop, const struct net_question *question,
	struct net_query **ret_query)
{
	if (dns_name_check(question->name) < 0)
		return -EINVAL;
	if (atomic_fetch_add(&resolver->query_count, 1) >= resolver->query_maximum) {
		atomic_fetch_sub(&resolver->query_count, 1);
		return -ENOBUFS;
	}
	struct net_query *query = query_new(resolver, loop, question);
	if (!query) {
		atomic_fetch_sub(&resolver->query_count, 1);
		return -ENOMEM;
	}
	pthread_mutex_lock(&resolver->lock);
	bool closing = resolver->closing;
	query->timeout_us = question->timeout_us > 0 ? question->timeout_us : resolver->settings.timeout_us;
	if (!closing) {
		loop_expect(loop);
		net_loop_submit(resolver->loop, &query->ask);
	}
	pthread_mutex_unlock(&resolver->lock);
	if (closing) {
		atomic_fetch_sub(&resolver->query_count, 1);
		query_unref(query);
		return -ESHUTDOWN;
	}
	if (ret_query)
		*ret_query = query;
	return 0;
}

/* ---- flushing and replacing ---- */

struct replacement {
	struct net_task task;
	struct dns_context *context;
};

static void resolver_take_context(struct net_task *task)
{
	struct replacement *replacement = base_container(task, struct replacement, task);
	context_adopt(replacement->context->resolver, replacement->context);
	free(replacement);
}

/* Under the lock, so that contexts are taken in the order of their settings. */
static int resolver_submit_context(
	struct net_resolver *resolver, const struct dns_settings *settings, char *reterr_text)
{
	struct replacement *replacement = calloc(1, sizeof(*replacement));
	if (!replacement)
		return -ENOMEM;
	int status =
		resolver->closing ? -ESHUTDOWN : context_new(resolver, settings, &replacement->context, reterr_text);
	if (status < 0) {
		free(replacement);
		return status;
	}
	replacement->task.run = resolver_take_context;
	net_loop_submit(resolver->loop, &replacement->task);
	return 0;
}

int net_resolver_flush(struct net_resolver *resolver)
{
	char text[NET_RESOLVER_ERROR_SIZE];
	pthread_mutex_lock(&resolver->lock);
	int status = resolver_submit_context(resolver, &resolver->settings, text);
	pthread_mutex_unlock(&resolver->lock);
	return status;
}

int net_resolver_replace(struct net_resolver *resolver, const struct net_resolver_settings *settings,
	char reterr_text[NET_RESOLVER_ERROR_SIZE])
{
	struct dns_settings read;
	reterr_text[0] = '\0';
	int status = dns_settings_read(settings, &read, reterr_text);
	if (status < 0)
		return status;
	pthread_mutex_lock(&resolver->lock);
	status = resolver_submit_context(resolver, &read, reterr_text);
	if (status == 0) {
		struct dns_settings old = resolver->settings;
		resolver->settings = read;
		read = old;
	}
	pthread_mutex_unlock(&resolver->lock);
	dns_settings_done(&read);
	return status;
}

/* ---- the thread ---- */

static void resolver_end(struct net_task *task);

static void *resolver_run(void *argument)
{
	struct net_resolver *resolver = argument;
	sigset_t all;
	/* Signals are for the loop that asked for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	net_loop_run(resolver->loop);
	return NULL;
}

struct ending {
	struct net_task task;
	struct net_resolver *resolver;
};

static void resolver_end(struct net_task *task)
{
	struct net_resolver *resolver = base_container(task, struct ending, task)->resolver;
	resolver->ending = true;
	for (size_t i = 0; i < RUNNING_BUCKETS; i++) {
		while (!list_is_empty(&resolver->running[i])) {
			struct net_query *query = base_container(resolver->running[i].next, struct net_query, link);
			query_withdraw(query);
			query_fail(query, NET_DNS_CANCELLED, "the resolver was closed");
		}
	}
	while (!list_is_empty(&resolver->contexts))
		context_free(base_container(resolver->contexts.next, struct dns_context, link));
	net_loop_stop(resolver->loop);
}

void net_resolver_free(struct net_resolver *resolver)
{
	if (!resolver)
		return;
	struct ending ending = { .task = { .run = resolver_end }, .resolver = resolver };
	pthread_mutex_lock(&resolver->lock);
	resolver->closing = true; /* nothing is submitted after the ending */
	net_loop_submit(resolver->loop, &ending.task);
	pthread_mutex_unlock(&resolver->lock);
	pthread_join(resolver->thread, NULL);
	net_loop_free(resolver->loop);
	resolver->loop = NULL;
	resolver_unref(resolver);
}

static int resolver_start(struct net_resolver *resolver, char *text)
{
	struct dns_context *context = NULL;
	int status = net_loop_new(&resolver->clock, &resolver->loop);
	if (status == 0)
		status = random_init(&resolver->random);
	if (status == 0)
		resolver->running_key = random_hash_key(&resolver->random);
	if (status == 0)
		status = context_new(resolver, &resolver->settings, &context, text);
	if (status == 0) {
		context_adopt(resolver, context);
		status = resolver->context ? -pthread_create(&resolver->thread, NULL, resolver_run, resolver) : -ENOMEM;
	}
	if (status == 0)
		return 0;
	while (!list_is_empty(&resolver->contexts))
		context_free(base_container(resolver->contexts.next, struct dns_context, link));
	net_loop_free(resolver->loop);
	return status;
}

int net_resolver_new(const struct net_resolver_settings *settings, struct net_resolver **ret_resolver,
	char reterr_text[NET_RESOLVER_ERROR_SIZE])
{
	struct net_resolver *resolver = calloc(1, sizeof(*resolver));
	reterr_text[0] = '\0';
	if (!resolver)
		return -ENOMEM;
	resolver->references = 1;
	resolver->clock = settings->clock ? *settings->clock : clock_system();
	resolver->query_maximum = settings->query_maximum ? settings->query_maximum : QUERIES_DEFAULT;
	pthread_mutex_init(&resolver->lock, NULL);
	list_init(&resolver->contexts);
	for (size_t i = 0; i < RUNNING_BUCKETS; i++)
		list_init(&resolver->running[i]);
	int status = dns_settings_read(settings, &resolver->settings, reterr_text);
	if (status == 0)
		status = resolver_start(resolver, reterr_text);
	if (status < 0) {
		if (!reterr_text[0])
			snprintf(reterr_text, NET_RESOLVER_ERROR_SIZE, "%s", strerrordesc_np(-status));
		resolver_unref(resolver);
		return status;
	}
	*ret_resolver = resolver;
	return 0;
}
