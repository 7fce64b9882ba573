/* SPDX-License-Identifier: Apache-2.0 */
/* Several loops in threads of their own, one TLS setting and one resolver among them: run under
 * TSan this shows that what they share may be shared. */
#include "certificates.h"
#include "net/resolver.h"
#include "net_test.h"

#include <pthread.h>
#include <stdatomic.h>

#define WORKERS 3
#define CONNECTIONS 40

static struct authority_set authorities;

struct worker {
	pthread_t thread;
	struct net_loop *loop;
	struct net_listener *listener;
	struct net_tls *tls;
	struct net_address target;
	struct net_resolver *resolver;
	int started, ended, good, answered;
	_Atomic int *done; /* workers that have ended their work */
};

static void worker_begin(struct worker *worker);

static void server_received(struct net_stream *stream, void *argument, struct span bytes)
{
	struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
	(void)argument;
	net_stream_write(stream, &part, 1);
}
static void server_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	(void)stream;
	(void)argument;
	(void)why;
}
static const struct net_stream_events server_events = { .received = server_received, .closed = server_closed };

static void client_opened(struct net_stream *stream, void *argument)
{
	struct iovec part = { (void *)(uintptr_t) "ping", 4 };
	(void)argument;
	net_stream_write(stream, &part, 1);
}
static void client_received(struct net_stream *stream, void *argument, struct span bytes)
{
	struct worker *worker = argument;
	if (span_is(bytes, "ping"))
		worker->good++;
	net_stream_close(stream);
}
static void worker_check_end(struct worker *worker)
{
	if (worker->ended == CONNECTIONS && worker->answered == CONNECTIONS)
		net_loop_stop(worker->loop);
}
static void client_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	struct worker *worker = argument;
	char text[NET_TLS_ERROR_SIZE];
	(void)stream;
	(void)why;
	worker->ended++;
	if (worker->ended % 10 == 0)
		net_tls_reload(worker->tls, text);
	if (worker->ended % 15 == 0)
		net_tls_forget_sessions(worker->tls);
	if (worker->started < CONNECTIONS)
		worker_begin(worker);
	worker_check_end(worker);
}
static const struct net_stream_events client_events = {
	.opened = client_opened, .received = client_received, .closed = client_closed
};

static void worker_answered(void *argument, const struct net_dns_answer *answer)
{
	struct worker *worker = argument;
	(void)answer;
	worker->answered++;
	worker_check_end(worker);
}

static void worker_begin(struct worker *worker)
{
	struct net_stream *stream;
	struct net_connect connect = { .remote = worker->target,
		.tls = worker->tls,
		.server_name = "one.example",
		.events = &client_events,
		.argument = worker };
	struct net_question question = { .name = "one.example",
		.type = NET_DNS_A,
		.timeout_us = 50000,
		.answered = worker_answered,
		.argument = worker };
	worker->started++;
	if (net_stream_connect(worker->loop, &connect, &stream) < 0)
		abort();
	if (net_resolver_ask(worker->resolver, worker->loop, &question, NULL) < 0)
		abort();
	if (worker->started % 20 == 0)
		net_resolver_flush(worker->resolver);
}

static void worker_start(void *argument)
{
	struct worker *worker = argument;
	for (int i = 0; i < 4; i++)
		worker_begin(worker);
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	net_loop_run(worker->loop);
	atomic_fetch_add(worker->done, 1);
	/* Others may still be connected to our listener. */
	while (atomic_load(worker->done) < WORKERS)
		net_loop_turn(worker->loop, 10000);
	return NULL;
}

static void workers_share_what_may_be_shared(void **state)
{
	struct clock clock = clock_system();
	struct worker workers[WORKERS] = { 0 };
	_Atomic int done = 0;
	char text[NET_TLS_ERROR_SIZE];
	const char *silent = "127.0.0.1@9", *names[] = { "one.example" };
	struct net_resolver_settings resolver_settings = { .servers = &silent, .server_count = 1 };
	struct net_tls_identity identity = { names, 1, folder_file(&authorities.folder, "one.pem"),
		folder_file(&authorities.folder, "one.key"), NULL, NULL };
	struct net_tls_settings settings = { .identities = &identity,
		.identity_count = 1,
		.authority_files = &authorities.root_file,
		.authority_count = 1,
		.verify = NET_TLS_VERIFY_HANDSHAKE,
		.client_certificate = NET_TLS_ASK_REQUIRE };
	struct net_tls *tls;
	struct net_resolver *resolver;
	struct net_listen listen = { .local = address_of("127.0.0.1:0"), .shared = true, .events = &server_events };
	(void)state;
	assert_int_equal(net_tls_new(&settings, &tls, text), 0);
	assert_int_equal(net_resolver_new(&resolver_settings, &resolver, text), 0);
	listen.tls = tls;
	for (size_t i = 0; i < WORKERS; i++) {
		struct worker *worker = &workers[i];
		assert_int_equal(net_loop_new(&clock, &worker->loop), 0);
		assert_int_equal(net_listener_open(worker->loop, &listen, &worker->listener), 0);
		listen.local = *net_listener_local(worker->listener);
		worker->tls = tls;
		worker->resolver = resolver;
		worker->target = listen.local;
		worker->done = &done;
	}
	for (size_t i = 0; i < WORKERS; i++) {
		assert_int_equal(net_loop_post(workers[i].loop, worker_start, &workers[i]), 0);
		pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]);
	}
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	net_resolver_free(resolver);
	for (size_t i = 0; i < WORKERS; i++) {
		assert_int_equal(workers[i].ended, CONNECTIONS);
		assert_int_equal(workers[i].good, CONNECTIONS);
		assert_int_equal(workers[i].answered, CONNECTIONS);
		net_loop_free(workers[i].loop);
	}
	net_tls_unref(tls);
}

static int make_all(void **state)
{
	(void)state;
	authorities_make(&authorities);
	authorities_host(&authorities, "one", (struct wish){ .name = "one.example" }, false);
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	authorities_free(&authorities);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(workers_share_what_may_be_shared) };
	return cmocka_run_group_tests(tests, make_all, remove_all);
}
