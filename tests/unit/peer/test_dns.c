/* SPDX-License-Identifier: Apache-2.0 */
/* From a real zone on a real server to candidates: Knot DNS, net's resolver, peer, trust. */
#include "net/loop.h"
#include "net/resolver.h"
#include "peer/view.h"
#include "trust/judge.h"
#include "unit/cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER "127.71.5.53"

static const char zone[] =
	"$ORIGIN a.lab.\n$TTL 300\n"
	"@ SOA ns hostmaster 1 3600 600 86400 30\n"
	"@ NS ns\nns A " SERVER "\n"
	"_sipfederationtls._tcp SRV 10 0 5061 vcse\n"
	"_sipfederationtls._tcp SRV 20 0 5061 vcse.other.lab.\n"
	"vcse A 192.0.2.47\nvcse AAAA 2001:db8::47\n"
	"_5061._tcp.vcse TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

struct house {
	char directory[64];
	unsigned port;
	pid_t server;
	struct clock clock;
	struct net_loop *loop;
	struct net_resolver *resolver;
	struct peer_cache *cache;
	struct peer_view *view;
	const struct peer_domain *domain;
	const struct peer_host *host;
};

static void write_file(const struct house *h, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", h->directory, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void remove_files(const struct house *h)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", h->directory);
	if (system(command) != 0)
		print_error("%s is left\n", h->directory);
}

static void start_server(struct house *h)
{
	char text[1024], path[128];
	h->port = 20000 + (unsigned)getpid() % 20000;
	snprintf(text, sizeof(text),
		"server:\n    listen: " SERVER "@%u\n    rundir: %s\n    tcp-workers: 1\n    udp-workers: 1\n"
		"    background-workers: 1\ndatabase:\n    storage: %s/db\nlog:\n  - target: stderr\n    any: error\n"
		"zone:\n  - domain: a.lab\n    storage: %s\n    file: a.lab.zone\n    zonefile-sync: -1\n",
		h->port, h->directory, h->directory, h->directory);
	write_file(h, "knot.conf", text);
	write_file(h, "a.lab.zone", zone);
	snprintf(path, sizeof(path), "%s/knot.conf", h->directory);
	h->server = fork();
	if (h->server == 0) {
		execlp("knotd", "knotd", "-c", path, (char *)NULL);
		_exit(127);
	}
	assert_true(h->server > 0);
}

static void open_view(struct house *h)
{
	char server[64], error[NET_RESOLVER_ERROR_SIZE];
	snprintf(server, sizeof(server), SERVER "@%u", h->port);
	const char *const servers[] = { server };
	struct net_resolver_settings resolver = { .servers = servers, .server_count = 1, .timeout_us = 1000000 };
	h->clock = clock_system();
	assert_int_equal(net_loop_new(&h->clock, &h->loop), 0);
	assert_int_equal(net_resolver_new(&resolver, &h->resolver, error), 0);
	struct peer_cache_settings cache = { .clock = &h->clock, .key = { { 7, 8 } } };
	assert_int_equal(peer_cache_new(&cache, &h->cache), 0);
	struct peer_view_settings view = {
		.cache = h->cache, .loop = h->loop, .resolver = h->resolver, .clock = &h->clock, .tlsa = true
	};
	assert_int_equal(peer_view_new(&view, &h->view), 0);
}

static void found_domain(void *argument, const struct peer_domain *domain)
{
	((struct house *)argument)->domain = peer_domain_ref(domain);
}

static void found_host(void *argument, const struct peer_host *host)
{
	((struct house *)argument)->host = peer_host_ref(host);
}

static void ask_domain(struct house *h, const char *name)
{
	struct peer_found found = { .domain = found_domain, .argument = h };
	peer_domain_unref(h->domain);
	h->domain = NULL;
	if (peer_find_domain(h->view, span_of(name), &found, &h->domain, NULL) == 0)
		while (!h->domain)
			net_loop_turn(h->loop, 100000);
}

/* The server is there when it gives the record. */
static void wait_for_server(struct house *h)
{
	for (int i = 0; i < 100; i++) {
		ask_domain(h, "a.lab");
		if (h->domain->facts.lookup.status == TRUST_LOOKUP_OK)
			return;
		net_resolver_flush(h->resolver);
		peer_cache_flush(h->cache, SPAN_NONE);
		usleep(50000);
	}
	fail_msg("Knot DNS did not answer");
}

static int set_up(void **state)
{
	/* Servers live in a folder that is not on everybody's path. */
	char path[4096];
	snprintf(path, sizeof(path), "%s:/usr/sbin:/usr/local/sbin", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	setenv("PATH", path, 1);
	if (system("command -v knotd >/dev/null") != 0)
		return 0;
	struct house *h = calloc(1, sizeof(*h));
	snprintf(h->directory, sizeof(h->directory), "/tmp/fedge-dns-XXXXXX");
	if (!mkdtemp(h->directory))
		return -1;
	start_server(h);
	open_view(h);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	if (!h)
		return 0;
	peer_domain_unref(h->domain);
	peer_host_unref(h->host);
	peer_view_free(h->view);
	peer_cache_free(h->cache);
	net_resolver_free(h->resolver);
	net_loop_free(h->loop);
	kill(h->server, SIGTERM);
	waitpid(h->server, NULL, 0);
	remove_files(h);
	free(h);
	return 0;
}

static void a_real_zone_gives_a_candidate(void **state)
{
	struct house *h = *state;
	if (!h)
		skip();
	struct arena arena;
	struct finding_list list;
	struct trust_plan plan;
	struct trust_policy policy = { .discover = true };
	wait_for_server(h);
	assert_int_equal(h->domain->facts.record_count, 2);
	arena_init(&arena, 65536);
	finding_list_init(&list, &arena, FINDING_PARTNER);
	struct trust_judge judge = { .policy = &policy, .findings = &list };
	assert_int_equal(trust_judge_domain(&judge, SPAN("a.lab"), &h->domain->facts, &plan), 0);
	assert_true(plan.accepted);
	assert_int_equal(plan.candidate_count, 1);
	assert_true(span_is(plan.candidates[0].name, "vcse.a.lab"));
	assert_int_equal(list.first->code, FINDING_SRV_TARGET_PARTLY_OUTSIDE);
	arena_done(&arena);
}

static void a_real_host_has_its_addresses(void **state)
{
	struct house *h = *state;
	if (!h)
		skip();
	wait_for_server(h);
	struct peer_found found = { .host = found_host, .argument = h };
	assert_int_equal(peer_find_host(h->view, SPAN("vcse.a.lab"), 5061, &found, &h->host, NULL), 0);
	while (!h->host)
		net_loop_turn(h->loop, 100000);
	assert_int_equal(h->host->facts.address_count, 2);
	assert_true(span_is(h->host->facts.addresses[0].text, "192.0.2.47"));
	assert_true(span_is(h->host->facts.addresses[1].text, "2001:db8::47"));
	assert_int_equal(h->host->facts.tlsa_count, 1);
	assert_int_equal(h->host->facts.tlsa[0].usage, 3);
	assert_int_equal(h->host->facts.tlsa[0].data.length, 32);
}

static void missing_and_refused_are_told_apart(void **state)
{
	struct house *h = *state;
	if (!h)
		skip();
	wait_for_server(h);
	ask_domain(h, "nothing.a.lab");
	assert_int_equal(h->domain->facts.lookup.status, TRUST_LOOKUP_NXDOMAIN);
	/* The negative answer's life is the zone's (SOA minimum 30 s), below our maximum. */
	assert_in_range(h->domain->facts.lookup.ttl_s, 1, 30);
	ask_domain(h, "other.lab"); /* not served: REFUSED */
	assert_true(h->domain->facts.lookup.status >= TRUST_LOOKUP_SERVFAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_zone_gives_a_candidate),
		cmocka_unit_test(a_real_host_has_its_addresses),
		cmocka_unit_test(missing_and_refused_are_told_apart),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
