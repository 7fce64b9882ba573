/* SPDX-License-Identifier: Apache-2.0 */
/* The view over a resolver that answers when the test says so. */
#include "base/buffer.h"
#include "base/require.h"
#include "net/resolver_private.h"
#include "peer/view.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define QUESTIONS_MAXIMUM 64

struct net_query {
	char name[512];
	enum net_dns_type type;
	void (*answered)(void *argument, const struct net_dns_answer *answer);
	void *argument;
	bool open;
};

struct rig {
	struct clock_fake time;
	struct clock clock;
	struct peer_cache *cache;
	struct peer_view *view;
	struct net_query questions[QUESTIONS_MAXIMUM];
	struct net_dns_record addresses[QUESTIONS_MAXIMUM];
	size_t asked, cancelled;
	int refuse_after; /* the resolver refuses with -ENOBUFS after so many; 0: never */
	struct record_sink sink;
	struct buffer log;
	/* What found was told last. */
	unsigned told;
	enum trust_lookup_status status;
	size_t count;
	struct peer_ask *cancel_from_within;
};

static int fake_ask(void *argument, const struct net_question *question, struct net_query **ret_query)
{
	struct rig *r = argument;
	if (r->refuse_after && (int)r->asked >= r->refuse_after)
		return -ENOBUFS;
	assert_true(r->asked < QUESTIONS_MAXIMUM);
	struct net_query *q = &r->questions[r->asked++];
	span_copy_to(span_of(question->name), q->name, sizeof(q->name));
	q->type = question->type;
	q->answered = question->answered;
	q->argument = question->argument;
	q->open = true;
	*ret_query = q;
	return 0;
}

static void fake_cancel(void *argument, struct net_query *query)
{
	struct rig *r = argument;
	assert_true(query->open);
	query->open = false;
	r->cancelled++;
}

static void take_record(void *argument, const struct record *record)
{
	struct rig *r = argument;
	buffer_printf(&r->log, "%s %.*s %.*s", record->kind == RECORD_DNS_QUERY ? "ask" : "got",
		SPAN_PRINT(record->dns.type), SPAN_PRINT(record->dns.name));
	for (size_t i = 0; i < record->dns.records.count; i++)
		buffer_printf(&r->log, " [%.*s]", SPAN_PRINT(record->dns.records.at[i]));
	buffer_printf(&r->log, " %.*s\n", SPAN_PRINT(record->head.serial));
}

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .time = { .wall_us = 1000000, .steady_us = 1000000 } };
	r->clock = clock_of_fake(&r->time);
	buffer_init(&r->log, 65536);
	r->sink = (struct record_sink){ take_record, r };
	struct peer_cache_settings cache = { .clock = &r->clock, .key = { { 1, 2 } }, .entry_maximum = 100 };
	assert_int_equal(peer_cache_new(&cache, &r->cache), 0);
	struct peer_view_settings view = {
		.cache = r->cache,
		.sink = &r->sink,
		.clock = &r->clock,
		.ask = fake_ask,
		.cancel = fake_cancel,
		.ask_argument = r,
	};
	assert_int_equal(peer_view_new(&view, &r->view), 0);
}

static void rig_close(struct rig *r)
{
	peer_view_free(r->view);
	peer_cache_free(r->cache);
	buffer_done(&r->log);
}

static struct peer_view *rig_second_view(struct rig *r)
{
	struct peer_view *view;
	struct peer_view_settings settings = {
		.cache = r->cache, .clock = &r->clock, .ask = fake_ask, .cancel = fake_cancel, .ask_argument = r
	};
	assert_int_equal(peer_view_new(&settings, &view), 0);
	return view;
}

static void rig_answer(struct rig *r, size_t number, enum net_dns_status status, uint32_t ttl_s,
	const struct net_dns_record *records, size_t count)
{
	struct net_query *q = &r->questions[number];
	assert_true(number < r->asked && q->open);
	q->open = false;
	struct dns_head head = { .name = q->name, .type = q->type };
	struct net_dns_answer *answer =
		dns_answer_of_failure(&head, status, status >= NET_DNS_SERVFAIL ? "because" : "");
	assert_non_null(answer);
	answer->ttl_s = ttl_s;
	answer->records = records;
	answer->record_count = count;
	q->answered(q->argument, answer);
	net_dns_answer_unref(answer);
}

static void rig_answer_srv(struct rig *r, size_t number, const char *target, uint32_t ttl_s)
{
	struct net_dns_record record = { .srv = { .port = 5061, .target = target } };
	rig_answer(r, number, NET_DNS_OK, ttl_s, &record, 1);
}

static void rig_answer_address(struct rig *r, size_t number, const char *text)
{
	/* The other family's answer may come later: the record must last. */
	struct net_dns_record *record = &r->addresses[number];
	assert_int_equal(net_address_parse(span_of(text), 0, &record->address), 0);
	rig_answer(r, number, NET_DNS_OK, 300, record, 1);
}

static void told_domain(void *argument, const struct peer_domain *domain)
{
	struct rig *r = argument;
	r->told++;
	r->status = domain->facts.lookup.status;
	r->count = domain->facts.record_count;
	if (r->cancel_from_within) {
		peer_ask_cancel(r->cancel_from_within);
		r->cancel_from_within = NULL;
	}
}

static void told_host(void *argument, const struct peer_host *host)
{
	struct rig *r = argument;
	r->told++;
	r->status = host->facts.a.status;
	r->count = host->facts.address_count;
}

/* 1: known (its records are in count), 0: asked. */
static int rig_find(struct rig *r, struct peer_view *view, const char *domain, struct peer_ask **ret_ask)
{
	const struct peer_domain *known = NULL;
	struct peer_found found = { .domain = told_domain, .argument = r, .serial = SPAN("serial-1") };
	int status = peer_find_domain(view, span_of(domain), &found, &known, ret_ask);
	if (status == 1) {
		r->status = known->facts.lookup.status;
		r->count = known->facts.record_count;
		peer_domain_unref(known);
	}
	return status;
}

static void an_answer_is_told_and_remembered(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	assert_int_equal(rig_find(&r, r.view, "Steven.Lab.", NULL), 0);
	assert_string_equal(r.questions[0].name, "_sipfederationtls._tcp.steven.lab");
	assert_int_equal(r.told, 0);
	rig_answer_srv(&r, 0, "vcse.steven.lab", 300);
	assert_int_equal(r.told, 1);
	assert_int_equal(r.count, 1);
	assert_int_equal(rig_find(&r, r.view, "steven.lab", NULL), 1);
	assert_int_equal(r.asked, 1);
	/* Another worker knows it too. */
	struct peer_view *second = rig_second_view(&r);
	assert_int_equal(rig_find(&r, second, "STEVEN.LAB", NULL), 1);
	peer_view_free(second);
	assert_string_equal(r.log.at,
		"ask SRV _sipfederationtls._tcp.steven.lab serial-1\n"
		"got SRV _sipfederationtls._tcp.steven.lab [0 0 5061 vcse.steven.lab.] serial-1\n");
	rig_close(&r);
}

static void many_wait_for_one_question(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	for (int i = 0; i < 5; i++)
		assert_int_equal(rig_find(&r, r.view, "a.lab", NULL), 0);
	assert_int_equal(rig_find(&r, r.view, "b.lab", NULL), 0);
	assert_int_equal(r.asked, 2);
	rig_answer_srv(&r, 0, "vcse.a.lab", 300);
	assert_int_equal(r.told, 5);
	rig_close(&r);
}

static void who_cancels_is_not_told(void **state)
{
	(void)state;
	struct rig r;
	struct peer_ask *first, *second, *third;
	rig_open(&r);
	rig_find(&r, r.view, "a.lab", &first);
	rig_find(&r, r.view, "a.lab", &second);
	rig_find(&r, r.view, "a.lab", &third);
	peer_ask_cancel(first);
	r.cancel_from_within = third; /* by the one that is told */
	rig_answer_srv(&r, 0, "vcse.a.lab", 300);
	assert_int_equal(r.told, 1);
	/* The answer is remembered although most did not wait for it. */
	assert_int_equal(rig_find(&r, r.view, "a.lab", NULL), 1);
	rig_close(&r);
}

/* How long an answer is believed. */
static const struct {
	const char *name;
	enum net_dns_status status;
	uint32_t ttl_s;
	int64_t kept_s;
} lives[] = {
	{ "by its TTL", NET_DNS_OK, 300, 300 },
	{ "an hour at most", NET_DNS_OK, 86400, 3600 },
	{ "TTL 0: a second", NET_DNS_OK, 0, 1 },
	{ "missing: by its TTL", NET_DNS_NXDOMAIN, 20, 20 },
	{ "missing: a minute at most", NET_DNS_NXDOMAIN, 86400, 60 },
	{ "no such record, likewise", NET_DNS_NODATA, 3600, 60 },
	{ "failed: five seconds", NET_DNS_SERVFAIL, 0, 5 },
	{ "no answer: five seconds", NET_DNS_TIMEOUT, 0, 5 },
	{ "forged: five seconds", NET_DNS_BOGUS, 0, 5 },
	{ "cancelled: not at all", NET_DNS_CANCELLED, 0, 0 },
};

static void answers_live_by_their_ttl(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(lives); i++) {
		struct rig r;
		rig_open(&r);
		rig_find(&r, r.view, "a.lab", NULL);
		if (lives[i].status == NET_DNS_OK)
			rig_answer_srv(&r, 0, "vcse.a.lab", lives[i].ttl_s);
		else
			rig_answer(&r, 0, lives[i].status, lives[i].ttl_s, NULL, 0);
		if (lives[i].kept_s) {
			clock_fake_advance(&r.time, lives[i].kept_s * CLOCK_SECOND_US - 1);
			if (rig_find(&r, r.view, "a.lab", NULL) != 1)
				fail_msg("%s: forgotten too early", lives[i].name);
			clock_fake_advance(&r.time, 1);
		}
		struct peer_view *second = rig_second_view(&r);
		if (rig_find(&r, r.view, "a.lab", NULL) != 0 || rig_find(&r, second, "a.lab", NULL) != 0)
			fail_msg("%s: believed too long", lives[i].name);
		peer_view_free(second);
		rig_close(&r);
	}
}

/* A failed lookup is never told as "missing". */
static void failures_keep_their_name(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	rig_find(&r, r.view, "a.lab", NULL);
	rig_answer(&r, 0, NET_DNS_TIMEOUT, 0, NULL, 0);
	assert_int_equal(r.status, TRUST_LOOKUP_TIMEOUT);
	rig_find(&r, r.view, "b.lab", NULL);
	rig_answer(&r, 1, NET_DNS_BOGUS, 0, NULL, 0);
	assert_int_equal(r.status, TRUST_LOOKUP_BOGUS);
	rig_close(&r);
}

static void a_flush_is_seen_by_every_view(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	struct peer_view *second = rig_second_view(&r);
	rig_find(&r, r.view, "a.lab", NULL);
	rig_answer_srv(&r, 0, "edge.elsewhere.lab", 300);
	rig_find(&r, r.view, "b.lab", NULL);
	rig_answer_srv(&r, 1, "edge.b.lab", 300);
	assert_int_equal(rig_find(&r, second, "a.lab", NULL), 1);
	/* The host that the answer names is forgotten with it, wherever it lies. */
	const struct peer_host *host;
	struct peer_found found = { .host = told_host, .argument = &r };
	assert_int_equal(peer_find_host(r.view, SPAN("edge.elsewhere.lab"), 5061, &found, &host, NULL), 0);
	rig_answer_address(&r, 2, "192.0.2.1");
	rig_answer(&r, 3, NET_DNS_NODATA, 60, NULL, 0);
	assert_int_equal(peer_cache_flush(r.cache, SPAN("A.lab")), 2);
	assert_int_equal(rig_find(&r, r.view, "a.lab", NULL), 0);
	assert_int_equal(rig_find(&r, second, "a.lab", NULL), 0);
	assert_null(peer_host_known(r.view, SPAN("edge.elsewhere.lab"), 5061));
	assert_int_equal(rig_find(&r, r.view, "b.lab", NULL), 1);
	assert_int_equal(peer_cache_flush(r.cache, SPAN_NONE), 1);
	assert_int_equal(rig_find(&r, r.view, "b.lab", NULL), 0);
	peer_view_free(second);
	rig_close(&r);
}

/* What was asked before a flush may tell what was to be forgotten. */
static void an_answer_from_before_a_flush_is_not_kept(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	rig_find(&r, r.view, "a.lab", NULL);
	peer_cache_flush(r.cache, SPAN("a.lab"));
	assert_int_equal(rig_find(&r, r.view, "a.lab", NULL), 0); /* asks again */
	assert_int_equal(r.asked, 2);
	rig_answer_srv(&r, 0, "old.a.lab", 300);
	assert_int_equal(r.told, 1);
	assert_null(peer_domain_known(r.view, SPAN("a.lab")));
	rig_answer_srv(&r, 1, "new.a.lab", 300);
	const struct peer_domain *known = peer_domain_known(r.view, SPAN("a.lab"));
	assert_true(span_is(known->facts.records[0].target, "new.a.lab"));
	peer_domain_unref(known);
	rig_close(&r);
}

static void hosts_have_both_families(void **state)
{
	(void)state;
	struct rig r;
	const struct peer_host *host;
	rig_open(&r);
	struct peer_found found = { .host = told_host, .argument = &r };
	assert_int_equal(peer_find_host(r.view, SPAN("vcse.a.lab"), 5061, &found, &host, NULL), 0);
	assert_int_equal(r.asked, 2);
	assert_int_equal(r.questions[0].type, NET_DNS_A);
	assert_int_equal(r.questions[1].type, NET_DNS_AAAA);
	rig_answer_address(&r, 1, "2001:db8::1");
	assert_int_equal(r.told, 0);
	rig_answer_address(&r, 0, "10.0.0.1");
	assert_int_equal(r.told, 1);
	assert_int_equal(r.count, 2);
	host = peer_host_known(r.view, SPAN("VCSE.a.lab"), 5061);
	assert_true(span_is(host->facts.addresses[0].text, "10.0.0.1"));
	assert_true(host->facts.addresses[0].is_private);
	assert_true(host->facts.addresses[1].is_ipv6);
	assert_int_equal(net_address_family(&host->addresses[1]), AF_INET6);
	peer_host_unref(host);
	rig_close(&r);
}

/* One family alone is usual: its absence does not shorten the life of the other. */
static void an_absent_family_shortens_nothing(void **state)
{
	(void)state;
	struct rig r;
	const struct peer_host *host;
	rig_open(&r);
	struct peer_found found = { .host = told_host, .argument = &r };
	peer_find_host(r.view, SPAN("vcse.a.lab"), 5061, &found, &host, NULL);
	rig_answer_address(&r, 0, "192.0.2.1");
	rig_answer(&r, 1, NET_DNS_NODATA, 10, NULL, 0);
	clock_fake_advance(&r.time, 299 * CLOCK_SECOND_US);
	host = peer_host_known(r.view, SPAN("vcse.a.lab"), 5061);
	assert_non_null(host);
	peer_host_unref(host);
	clock_fake_advance(&r.time, CLOCK_SECOND_US);
	assert_null(peer_host_known(r.view, SPAN("vcse.a.lab"), 5061));
	rig_close(&r);
}

static void the_root_as_target_is_no_target(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	rig_find(&r, r.view, "a.lab", NULL);
	rig_answer_srv(&r, 0, ".", 300);
	const struct peer_domain *known = peer_domain_known(r.view, SPAN("a.lab"));
	assert_int_equal(known->facts.records[0].target.length, 0);
	peer_domain_unref(known);
	rig_close(&r);
}

static void long_answers_are_cut_and_said_to_be(void **state)
{
	(void)state;
	struct rig r;
	struct net_dns_record records[300];
	rig_open(&r);
	for (size_t i = 0; i < 300; i++)
		records[i] = (struct net_dns_record){ .srv = { .port = 5061, .target = "vcse.a.lab" } };
	rig_find(&r, r.view, "a.lab", NULL);
	rig_answer(&r, 0, NET_DNS_OK, 300, records, 300);
	const struct peer_domain *known = peer_domain_known(r.view, SPAN("a.lab"));
	assert_int_equal(known->facts.record_count, 256);
	assert_true(known->facts.cut);
	peer_domain_unref(known);
	rig_close(&r);
}

static void names_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = { "", ".", "a b", "a..b", "-a", "x\\y", "a\nb" };
	struct rig r;
	rig_open(&r);
	for (size_t i = 0; i < BASE_COUNT(names); i++)
		assert_int_equal(rig_find(&r, r.view, names[i], NULL), -EINVAL);
	assert_int_equal(r.asked, 0);
	rig_close(&r);
}

static void a_full_resolver_is_an_error(void **state)
{
	(void)state;
	struct rig r;
	const struct peer_host *host;
	rig_open(&r);
	r.refuse_after = 1;
	struct peer_found found = { .host = told_host, .argument = &r };
	/* A was asked, AAAA refused: A is called back, nobody is told. */
	assert_int_equal(peer_find_host(r.view, SPAN("vcse.a.lab"), 5061, &found, &host, NULL), -ENOBUFS);
	assert_int_equal(r.cancelled, 1);
	r.refuse_after = 0;
	assert_int_equal(peer_find_host(r.view, SPAN("vcse.a.lab"), 5061, &found, &host, NULL), 0);
	rig_close(&r);
	assert_int_equal(r.cancelled, 3); /* closing calls back what is under way */
	assert_int_equal(r.told, 0);
}

static void the_table_has_a_maximum(void **state)
{
	(void)state;
	struct rig r;
	struct peer_cache_counts counts;
	char name[64];
	rig_open(&r);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d%u.lab", i);
		rig_find(&r, r.view, name, NULL);
		rig_answer_srv(&r, 0, "vcse.a.lab", 300);
		r.asked = 0;
	}
	peer_cache_counts(r.cache, &counts);
	assert_int_equal(counts.domains, 100);
	assert_int_equal(counts.evicted, 200);
	/* The oldest went first. */
	struct peer_view *second = rig_second_view(&r);
	assert_int_equal(rig_find(&r, second, "d299.lab", NULL), 1);
	assert_int_equal(rig_find(&r, second, "d0.lab", NULL), 0);
	peer_view_free(second);
	rig_close(&r);
}

/* ---- workers ---- */

struct worker {
	struct peer_cache *cache;
	struct clock *clock;
	unsigned found;
};

/* Answers at once, in the asking thread, as soon as the question was taken. */
struct echo {
	struct net_query query;
};

static int echo_ask(void *argument, const struct net_question *question, struct net_query **ret_query)
{
	struct echo *e = argument;
	span_copy_to(span_of(question->name), e->query.name, sizeof(e->query.name));
	e->query.type = question->type;
	e->query.answered = question->answered;
	e->query.argument = question->argument;
	*ret_query = &e->query;
	return 0;
}

static void echo_answer(struct echo *e)
{
	struct net_dns_record record = { .srv = { .port = 5061, .target = "vcse.a.lab" } };
	struct dns_head head = { .name = e->query.name, .type = e->query.type };
	struct net_dns_answer *answer = dns_answer_of_failure(&head, NET_DNS_OK, "");
	answer->ttl_s = 300;
	answer->records = &record;
	answer->record_count = 1;
	e->query.answered(e->query.argument, answer);
	net_dns_answer_unref(answer);
}

static void count_found(void *argument, const struct peer_domain *domain)
{
	((struct worker *)argument)->found += (unsigned)domain->facts.record_count;
}

static void *work(void *argument)
{
	struct worker *w = argument;
	struct echo echo;
	struct peer_view *view;
	struct peer_view_settings settings = {
		.cache = w->cache, .clock = w->clock, .ask = echo_ask, .cancel = fake_cancel, .ask_argument = &echo
	};
	if (peer_view_new(&settings, &view) < 0)
		return NULL;
	for (unsigned i = 0; i < 20000; i++) {
		char name[32];
		const struct peer_domain *known;
		struct peer_found found = { .domain = count_found, .argument = w };
		snprintf(name, sizeof(name), "d%u.lab", i % 150);
		if (peer_find_domain(view, span_of(name), &found, &known, NULL) == 1) {
			w->found += (unsigned)known->facts.record_count;
			peer_domain_unref(known);
		} else {
			echo_answer(&echo);
		}
		if (i % 500 == 0)
			peer_cache_flush(w->cache, i % 1000 ? span_of(name) : SPAN_NONE);
	}
	peer_view_free(view);
	return NULL;
}

static void workers_share_the_table(void **state)
{
	(void)state;
	struct rig r;
	struct worker workers[4];
	pthread_t threads[4];
	rig_open(&r);
	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .cache = r.cache, .clock = &r.clock };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].found, 20000);
	}
	rig_close(&r);
}

static bool count_domain(void *argument, const struct peer_domain *domain, int64_t remaining_us)
{
	unsigned *count = argument;
	(*count)++;
	assert_true(remaining_us > 0 && domain->facts.domain.length > 0);
	return *count < 2;
}

static void the_listing_stops_when_told(void **state)
{
	(void)state;
	struct rig r;
	unsigned count = 0;
	rig_open(&r);
	static const char *const names[] = { "a.lab", "b.lab", "c.lab" };
	for (size_t i = 0; i < 3; i++) {
		rig_find(&r, r.view, names[i], NULL);
		rig_answer_srv(&r, i, "vcse.a.lab", 300);
	}
	peer_cache_each_domain(r.cache, count_domain, &count);
	assert_int_equal(count, 2);
	clock_fake_advance(&r.time, 301 * CLOCK_SECOND_US);
	count = 0;
	peer_cache_each_domain(r.cache, count_domain, &count);
	assert_int_equal(count, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_told_and_remembered),
		cmocka_unit_test(many_wait_for_one_question),
		cmocka_unit_test(who_cancels_is_not_told),
		cmocka_unit_test(answers_live_by_their_ttl),
		cmocka_unit_test(failures_keep_their_name),
		cmocka_unit_test(a_flush_is_seen_by_every_view),
		cmocka_unit_test(an_answer_from_before_a_flush_is_not_kept),
		cmocka_unit_test(hosts_have_both_families),
		cmocka_unit_test(an_absent_family_shortens_nothing),
		cmocka_unit_test(the_root_as_target_is_no_target),
		cmocka_unit_test(long_answers_are_cut_and_said_to_be),
		cmocka_unit_test(names_that_are_none_are_refused),
		cmocka_unit_test(a_full_resolver_is_an_error),
		cmocka_unit_test(the_table_has_a_maximum),
		cmocka_unit_test(workers_share_the_table),
		cmocka_unit_test(the_listing_stops_when_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
