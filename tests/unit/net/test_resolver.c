/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver against a real server, a silent one and lying ones. */
#include "knot.h"
#include "net/resolver.h"
#include "net_test.h"

#include <openssl/evp.h>

static struct knot knot;
static const char *anchor_file, *wrong_anchor_file;

struct asker {
	struct net_query *query;
	const struct net_dns_answer *answer;
	int answered;
	int *turns; /* NULL, or counts the answers of all */
	int turn; /* this one's */
};

static void asker_answered(void *argument, const struct net_dns_answer *answer)
{
	struct asker *asker = argument;
	asker->answered++;
	if (asker->turns)
		asker->turn = ++*asker->turns;
	net_dns_answer_unref(asker->answer);
	asker->answer = net_dns_answer_ref(answer);
	assert_non_null(answer->why);
	assert_true((answer->status == NET_DNS_OK) == (answer->why[0] == '\0'));
	assert_true(answer->asked_us <= answer->answered_us);
}

static struct net_resolver *resolver_of(struct net_resolver_settings settings, const char *server)
{
	char text[NET_RESOLVER_ERROR_SIZE];
	struct net_resolver *resolver = NULL;
	settings.servers = &server;
	settings.server_count = 1;
	if (net_resolver_new(&settings, &resolver, text) < 0)
		fail_msg("%s", text);
	return resolver;
}

static void ask(struct scene *scene, struct net_resolver *resolver, struct asker *asker, const char *name,
	enum net_dns_type type)
{
	struct net_question question = { .name = name, .type = type, .answered = asker_answered, .argument = asker };
	assert_int_equal(net_resolver_ask(resolver, scene->loop, &question, &asker->query), 0);
}

static const struct net_dns_answer *ask_and_wait(struct scene *scene, struct net_resolver *resolver,
	struct asker *asker, const char *name, enum net_dns_type type)
{
	asker->answered = 0;
	ask(scene, resolver, asker, name, type);
	assert_int_equal(asker->answered, 0);
	scene_until(scene, asker->answered);
	assert_string_equal(asker->answer->name, name);
	assert_int_equal(asker->answer->type, type);
	return asker->answer;
}

/* ---- a real server ---- */

struct expectation {
	const char *name;
	enum net_dns_type type;
	enum net_dns_status status;
	uint32_t ttl_s;
	size_t count;
	const char *canonical; /* NULL: no alias */
};

static const struct expectation expectations[] = {
	{ "_sipfederationtls._tcp.a.example", NET_DNS_SRV, NET_DNS_OK, 300, 2, NULL },
	{ "_SipFederationTLS._tcp.A.Example", NET_DNS_SRV, NET_DNS_OK, 300, 2, NULL },
	{ "edge.a.example", NET_DNS_A, NET_DNS_OK, 60, 2, NULL },
	{ "edge.a.example", NET_DNS_AAAA, NET_DNS_OK, 300, 1, NULL },
	{ "a.example", NET_DNS_NAPTR, NET_DNS_OK, 300, 1, NULL },
	{ "_5061._tcp.edge.a.example", NET_DNS_TLSA, NET_DNS_OK, 300, 1, NULL },
	{ "alias.a.example", NET_DNS_A, NET_DNS_OK, 60, 2, "edge.a.example" },
	{ "long.a.example", NET_DNS_A, NET_DNS_OK, 60, 2, "edge.a.example" },
	{ "edge.a.example", NET_DNS_SRV, NET_DNS_NODATA, 120, 0, NULL },
	{ "nothing.a.example", NET_DNS_A, NET_DNS_NXDOMAIN, 120, 0, NULL },
	{ "dangling.a.example", NET_DNS_A, NET_DNS_NXDOMAIN, 120, 0, "nothing.a.example" },
	{ "many.a.example", NET_DNS_A, NET_DNS_OK, 300, 200, NULL },
	{ "toomany.a.example", NET_DNS_A, NET_DNS_OK, 300, NET_DNS_RECORD_MAXIMUM, NULL },
};

static void names_are_resolved(void **state)
{
	struct scene scene;
	struct asker asker = { 0 };
	struct net_resolver *resolver = resolver_of((struct net_resolver_settings){ 0 }, knot.server);
	(void)state;
	scene_start(&scene);
	for (size_t i = 0; i < BASE_COUNT(expectations); i++) {
		const struct expectation *row = &expectations[i];
		print_message("%s %s\n", row->name, net_dns_type_name(row->type));
		const struct net_dns_answer *answer = ask_and_wait(&scene, resolver, &asker, row->name, row->type);
		print_message("  %s %s\n", net_dns_status_name(answer->status), answer->why);
		assert_int_equal(answer->status, row->status);
		assert_int_equal(answer->record_count, row->count);
		assert_in_range(answer->ttl_s, row->ttl_s - 5, row->ttl_s);
		assert_int_equal(answer->alias, row->canonical != NULL);
		assert_string_equal(answer->canonical, row->canonical ? row->canonical : row->name);
		assert_false(answer->secure);
		assert_int_equal(answer->truncated, row->count == NET_DNS_RECORD_MAXIMUM);
	}
	net_resolver_free(resolver);
	net_dns_answer_unref(asker.answer);
	scene_stop(&scene);
}

static void records_are_read(void **state)
{
	struct scene scene;
	struct asker asker = { 0 };
	char text[NET_ADDRESS_TEXT_SIZE];
	struct net_resolver *resolver = resolver_of((struct net_resolver_settings){ 0 }, knot.server);
	(void)state;
	scene_start(&scene);
	const struct net_dns_answer *answer =
		ask_and_wait(&scene, resolver, &asker, "_sipfederationtls._tcp.a.example", NET_DNS_SRV);
	const struct net_dns_record *first = &answer->records[0], *second = &answer->records[1];
	if (first->srv.priority > second->srv.priority) {
		first = &answer->records[1];
		second = &answer->records[0];
	}
	assert_int_equal(first->srv.priority, 10);
	assert_int_equal(first->srv.weight, 20);
	assert_int_equal(first->srv.port, 5061);
	assert_string_equal(first->srv.target, "edge.a.example");
	assert_string_equal(second->srv.target, ".");
	answer = ask_and_wait(&scene, resolver, &asker, "edge.a.example", NET_DNS_AAAA);
	net_address_format_host(&answer->records[0].address, text);
	assert_string_equal(text, "2001:db8::47");
	answer = ask_and_wait(&scene, resolver, &asker, "a.example", NET_DNS_NAPTR);
	assert_int_equal(answer->records[0].naptr.order, 50);
	assert_int_equal(answer->records[0].naptr.preference, 60);
	assert_true(span_is(answer->records[0].naptr.flags, "s"));
	assert_true(span_is(answer->records[0].naptr.service, "SIPS+D2T"));
	assert_true(span_is(answer->records[0].naptr.regexp, ""));
	assert_string_equal(answer->records[0].naptr.replacement, "_sips._tcp.a.example");
	answer = ask_and_wait(&scene, resolver, &asker, "_5061._tcp.edge.a.example", NET_DNS_TLSA);
	assert_int_equal(answer->records[0].tlsa.usage, 3);
	assert_int_equal(answer->records[0].tlsa.selector, 1);
	assert_int_equal(answer->records[0].tlsa.matching, 1);
	assert_int_equal(answer->records[0].tlsa.data.length, 32);
	net_resolver_free(resolver);
	net_dns_answer_unref(asker.answer);
	scene_stop(&scene);
}

static void names_that_cannot_be_asked(void **state)
{
	static const char *const names[] = { "", ".", "a..example", ".a.example", "a\\.example",
		"0123456789012345678901234567890123456789012345678901234567890123.example" };
	struct scene scene;
	struct asker asker = { 0 };
	struct net_resolver *resolver = resolver_of((struct net_resolver_settings){ 0 }, knot.server);
	(void)state;
	scene_start(&scene);
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		struct net_question question = {
			.name = names[i], .type = NET_DNS_A, .answered = asker_answered, .argument = &asker
		};
		print_message("'%s'\n", names[i]);
		assert_int_equal(net_resolver_ask(resolver, scene.loop, &question, NULL), -EINVAL);
	}
	net_resolver_free(resolver);
	scene_stop(&scene);
}

static void many_at_once_and_no_more_than_the_maximum(void **state)
{
	struct scene scene;
	static struct asker askers[501];
	struct net_resolver *resolver =
		resolver_of((struct net_resolver_settings){ .query_maximum = 500, .timeout_us = 8000000 }, knot.server);
	(void)state;
	scene_start(&scene);
	for (size_t i = 0; i < 500; i++) {
		char name[64];
		snprintf(name, sizeof(name), "n%zu.a.example", i);
		ask(&scene, resolver, &askers[i], name, NET_DNS_A);
	}
	struct net_question question = {
		.name = "a.example", .type = NET_DNS_A, .answered = asker_answered, .argument = &askers[500]
	};
	assert_int_equal(net_resolver_ask(resolver, scene.loop, &question, NULL), -ENOBUFS);
	for (size_t i = 0; i < 500; i++) {
		scene_until(&scene, askers[i].answered == 1);
		assert_int_equal(askers[i].answer->status, NET_DNS_NXDOMAIN);
		net_dns_answer_unref(askers[i].answer);
	}
	assert_int_equal(askers[500].answered, 0);
	net_resolver_free(resolver);
	scene_stop(&scene);
}

/* The messages of a dialog wait for equal questions: an ACK must not be overtaken by the BYE behind it. */
static void equal_ones_are_answered_in_order(void **state)
{
	static const char *const names[] = { "equal.a.example", "other.a.example", "Equal.A.example" };
	struct scene scene;
	struct asker askers[60] = { 0 };
	int turns[BASE_COUNT(names)] = { 0 };
	struct net_resolver *resolver =
		resolver_of((struct net_resolver_settings){ .timeout_us = 8000000 }, knot.server);
	(void)state;
	scene_start(&scene);
	for (size_t i = 0; i < BASE_COUNT(askers); i++) {
		askers[i].turns = &turns[i % BASE_COUNT(names) == 1];
		ask(&scene, resolver, &askers[i], names[i % BASE_COUNT(names)], NET_DNS_A);
	}
	net_query_cancel(askers[0].query); /* that was first, so that another is */
	int before[2] = { 0 };
	for (size_t i = 1; i < BASE_COUNT(askers); i++) {
		scene_until(&scene, askers[i].answered == 1);
		assert_int_equal(askers[i].answer->status, NET_DNS_NXDOMAIN);
		assert_string_equal(askers[i].answer->name, names[i % BASE_COUNT(names)]);
		assert_int_equal(askers[i].turn, ++before[i % BASE_COUNT(names) == 1]);
		net_dns_answer_unref(askers[i].answer);
	}
	assert_int_equal(askers[0].answered, 0);
	net_resolver_free(resolver);
	scene_stop(&scene);
}

/* ---- DNSSEC ---- */

static void signatures_are_checked(void **state)
{
	struct scene scene;
	struct asker asker = { 0 };
	(void)state;
	scene_start(&scene);
	struct net_resolver *resolver = resolver_of(
		(struct net_resolver_settings){ .dnssec = true, .trust_anchor_file = anchor_file }, knot.server);
	const struct net_dns_answer *answer = ask_and_wait(&scene, resolver, &asker, "edge.signed.example", NET_DNS_A);
	assert_int_equal(answer->status, NET_DNS_OK);
	assert_true(answer->secure);
	answer = ask_and_wait(&scene, resolver, &asker, "no.signed.example", NET_DNS_A);
	assert_int_equal(answer->status, NET_DNS_NXDOMAIN);
	assert_true(answer->secure);
	answer = ask_and_wait(&scene, resolver, &asker, "edge.a.example", NET_DNS_A);
	assert_int_equal(answer->status, NET_DNS_OK);
	assert_false(answer->secure);
	net_resolver_free(resolver);
	resolver = resolver_of(
		(struct net_resolver_settings){ .dnssec = true, .trust_anchor_file = wrong_anchor_file }, knot.server);
	answer = ask_and_wait(&scene, resolver, &asker, "edge.signed.example", NET_DNS_A);
	assert_int_equal(answer->status, NET_DNS_BOGUS);
	assert_int_equal(answer->record_count, 0);
	assert_int_equal(answer->ttl_s, 0);
	assert_non_null(strstr(answer->why, "signed.example"));
	net_resolver_free(resolver);
	net_dns_answer_unref(asker.answer);
	scene_stop(&scene);
}

/* ---- servers that are no help ---- */

struct liar {
	const char *title;
	enum net_dns_status status;
	const char *why; /* part of it */
	unsigned flags[2]; /* third and fourth byte of the answer */
	unsigned id_change;
	size_t length; /* 0: nothing is sent */
	bool other_question;
	int asked;
};

static void liar_received(struct net_udp *udp, void *argument, const struct net_datagram *datagrams, size_t count)
{
	struct liar *liar = argument;
	liar->asked++;
	for (size_t i = 0; i < count && liar->length; i++) {
		unsigned char bytes[512];
		size_t length = datagrams[i].bytes.length < 300 ? datagrams[i].bytes.length : 300;
		memcpy(bytes, datagrams[i].bytes.at, length);
		bytes[1] ^= (unsigned char)liar->id_change;
		bytes[2] = (unsigned char)liar->flags[0];
		bytes[3] = (unsigned char)liar->flags[1];
		if (liar->other_question)
			bytes[13] ^= 1;
		struct iovec part = { bytes, length < liar->length ? length : liar->length };
		net_udp_send(udp, &datagrams[i].from, &part, 1);
	}
}

static void unhelpful_servers_are_told_apart(void **state)
{
	static struct liar liars[] = {
		{ "silent", NET_DNS_TIMEOUT, "is silent", { 0, 0 }, 0, 0, false, 0 },
		{ "wrong id", NET_DNS_TIMEOUT, "wrong query id", { 0x81, 0x80 }, 1, 512, false, 0 },
		{ "garbage", NET_DNS_TIMEOUT, "no DNS answer", { 0, 0 }, 0, 5, false, 0 },
		{ "another question", NET_DNS_TIMEOUT, "another question", { 0x81, 0x80 }, 0, 512, true, 0 },
		{ "truncated for ever", NET_DNS_TIMEOUT, "truncates", { 0x83, 0x80 }, 0, 512, false, 0 },
		{ "refuses", NET_DNS_REFUSED, "answers REFUSED", { 0x81, 0x85 }, 0, 512, false, 0 },
		{ "fails", NET_DNS_SERVFAIL, "answers SERVFAIL", { 0x81, 0x82 }, 0, 512, false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(liars); i++) {
		struct scene scene;
		struct asker asker = { 0 };
		struct net_udp *udp;
		char server[64];
		scene_start(&scene);
		struct net_udp_settings settings = {
			.local = address_of("127.0.0.1:0"), .received = liar_received, .argument = &liars[i]
		};
		assert_int_equal(net_udp_open(scene.loop, &settings, &udp), 0);
		snprintf(server, sizeof(server), "127.0.0.1@%u", net_address_port(net_udp_local(udp)));
		struct net_resolver *resolver =
			resolver_of((struct net_resolver_settings){ .timeout_us = 600000 }, server);
		int64_t start_us = clock_steady_us(&scene.clock);
		const struct net_dns_answer *answer =
			ask_and_wait(&scene, resolver, &asker, "edge.a.example", NET_DNS_A);
		int64_t took_us = clock_steady_us(&scene.clock) - start_us;
		print_message("%s: %s, %s\n", liars[i].title, net_dns_status_name(answer->status), answer->why);
		bool truncated = strcmp(liars[i].title, "truncated for ever") == 0;
		if (truncated && answer->status == NET_DNS_SERVFAIL)
			liars[i].status = NET_DNS_SERVFAIL; /* as fast as the TCP refusal comes */
		assert_int_equal(answer->status, liars[i].status);
		assert_non_null(strstr(answer->why, liars[i].why));
		assert_non_null(strstr(answer->why, server));
		assert_int_equal(answer->ttl_s, 0);
		assert_true(liars[i].asked > 0);
		assert_true(took_us < 1500000);
		net_resolver_free(resolver);
		net_dns_answer_unref(asker.answer);
		scene_stop(&scene);
	}
}

static void nobody_listens(void **state)
{
	struct scene scene;
	struct asker asker = { 0 };
	char server[64];
	(void)state;
	scene_start(&scene);
	snprintf(server, sizeof(server), "127.0.0.1@%u", free_port("127.0.0.1"));
	struct net_resolver *resolver = resolver_of((struct net_resolver_settings){ .timeout_us = 600000 }, server);
	const struct net_dns_answer *answer = ask_and_wait(&scene, resolver, &asker, "edge.a.example", NET_DNS_A);
	print_message("%s %s\n", net_dns_status_name(answer->status), answer->why);
	assert_int_equal(answer->status, NET_DNS_TIMEOUT);
	assert_non_null(strstr(answer->why, "cannot be reached"));
	net_resolver_free(resolver);
	net_dns_answer_unref(asker.answer);
	scene_stop(&scene);
}

/* ---- cancelling, flushing, closing ---- */

static void cancelled_ones_are_never_told(void **state)
{
	struct scene scene;
	static struct asker askers[100];
	struct net_resolver *resolver = resolver_of((struct net_resolver_settings){ 0 }, knot.server);
	(void)state;
	scene_start(&scene);
	for (size_t i = 0; i < BASE_COUNT(askers); i++)
		ask(&scene, resolver, &askers[i], "edge.a.example", NET_DNS_A);
	/* Some have their answer waiting in our loop by now, some not. */
	usleep(3000);
	for (size_t i = 0; i < BASE_COUNT(askers); i += 2)
		net_query_cancel(askers[i].query);
	for (size_t i = 1; i < BASE_COUNT(askers); i += 2)
		scene_until(&scene, askers[i].answered == 1);
	net_resolver_free(resolver);
	scene_run(&scene, 10000);
	for (size_t i = 0; i < BASE_COUNT(askers); i++) {
		assert_int_equal(askers[i].answered, i % 2);
		net_dns_answer_unref(askers[i].answer);
	}
	scene_stop(&scene);
}

static void silence(struct net_udp *udp, void *argument, const struct net_datagram *datagrams, size_t count)
{
	(void)udp;
	(void)datagrams;
	*(size_t *)argument += count;
}

static void closing_answers_everybody(void **state)
{
	struct scene scene;
	static struct asker askers[10];
	struct net_udp *udp;
	size_t asked = 0;
	char server[64];
	(void)state;
	scene_start(&scene);
	struct net_udp_settings settings = {
		.local = address_of("127.0.0.1:0"), .received = silence, .argument = &asked
	};
	assert_int_equal(net_udp_open(scene.loop, &settings, &udp), 0);
	snprintf(server, sizeof(server), "127.0.0.1@%u", net_address_port(net_udp_local(udp)));
	struct net_resolver *resolver = resolver_of((struct net_resolver_settings){ 0 }, server);
	for (size_t i = 0; i < BASE_COUNT(askers); i++)
		ask(&scene, resolver, &askers[i], "edge.a.example", NET_DNS_A);
	net_resolver_free(resolver);
	net_query_cancel(askers[0].query); /* its answer is on the way, the resolver is gone */
	for (size_t i = 1; i < BASE_COUNT(askers); i++) {
		scene_until(&scene, askers[i].answered == 1);
		assert_int_equal(askers[i].answer->status, NET_DNS_CANCELLED);
		net_dns_answer_unref(askers[i].answer);
	}
	assert_int_equal(askers[0].answered, 0);
	scene_stop(&scene);
}

/* A short-lived loop on a long-lived resolver: what was given up still comes, and must find its loop. */
static void a_loop_may_go_before_its_resolver(void **state)
{
	struct scene scene;
	struct asker askers[10] = { 0 };
	(void)state;
	int silent = socket(AF_INET, SOCK_DGRAM, 0);
	struct net_address address = address_of("127.0.0.1:0");
	socklen_t length = address.length;
	char server[64];
	assert_int_equal(bind(silent, &address.any, address.length), 0);
	assert_int_equal(getsockname(silent, &address.any, &length), 0);
	snprintf(server, sizeof(server), "127.0.0.1@%u", net_address_port(&address));
	struct net_resolver *resolver = resolver_of((struct net_resolver_settings){ 0 }, server);
	scene_start(&scene);
	for (size_t i = 0; i < BASE_COUNT(askers); i++)
		ask(&scene, resolver, &askers[i], "edge.a.example", NET_DNS_A);
	for (size_t i = 0; i < BASE_COUNT(askers); i++)
		net_query_cancel(askers[i].query);
	scene_stop(&scene);
	net_resolver_free(resolver);
	close(silent);
	for (size_t i = 0; i < BASE_COUNT(askers); i++)
		assert_int_equal(askers[i].answered, 0);
}

struct counting {
	size_t asked;
};

/* Answers every A question with 192.0.2.1, TTL 3600. */
static void counting_received(struct net_udp *udp, void *argument, const struct net_datagram *datagrams, size_t count)
{
	static const unsigned char record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 192, 0, 2, 1 };
	struct counting *counting = argument;
	for (size_t i = 0; i < count; i++) {
		unsigned char bytes[512];
		size_t end = 12;
		memcpy(bytes, datagrams[i].bytes.at, datagrams[i].bytes.length);
		while (bytes[end])
			end += 1 + bytes[end];
		end += 5;
		memcpy(bytes + end, record, sizeof(record));
		bytes[2] = 0x81;
		bytes[3] = 0x80;
		bytes[7] = 1;
		bytes[9] = bytes[11] = 0;
		struct iovec part = { bytes, end + sizeof(record) };
		net_udp_send(udp, &datagrams[i].from, &part, 1);
		counting->asked++;
	}
}

static void what_is_cached_can_be_flushed(void **state)
{
	struct scene scene;
	struct asker asker = { 0 };
	struct counting counting = { 0 };
	struct net_udp *udp;
	char server[64];
	(void)state;
	scene_start(&scene);
	struct net_udp_settings settings = {
		.local = address_of("127.0.0.1:0"), .received = counting_received, .argument = &counting
	};
	assert_int_equal(net_udp_open(scene.loop, &settings, &udp), 0);
	snprintf(server, sizeof(server), "127.0.0.1@%u", net_address_port(net_udp_local(udp)));
	struct net_resolver *resolver = resolver_of((struct net_resolver_settings){ 0 }, server);
	for (int i = 0; i < 3; i++) {
		const struct net_dns_answer *answer =
			ask_and_wait(&scene, resolver, &asker, "edge.b.example", NET_DNS_A);
		assert_int_equal(answer->status, NET_DNS_OK);
		assert_int_equal(answer->ttl_s, 3600);
	}
	assert_int_equal(counting.asked, 1);
	assert_int_equal(net_resolver_flush(resolver), 0);
	ask_and_wait(&scene, resolver, &asker, "edge.b.example", NET_DNS_A);
	assert_int_equal(counting.asked, 2);
	/* While many are asked and flushed, none is lost. */
	static struct asker askers[60];
	for (size_t i = 0; i < BASE_COUNT(askers); i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%zu.b.example", i);
		ask(&scene, resolver, &askers[i], name, NET_DNS_A);
		if (i % 20 == 10)
			assert_int_equal(net_resolver_flush(resolver), 0);
	}
	for (size_t i = 0; i < BASE_COUNT(askers); i++) {
		scene_until(&scene, askers[i].answered == 1);
		assert_int_equal(askers[i].answer->status, NET_DNS_OK);
		net_dns_answer_unref(askers[i].answer);
	}
	/* Other servers from now on. */
	char text[NET_RESOLVER_ERROR_SIZE];
	const char *other = knot.server;
	struct net_resolver_settings replaced = { .servers = &other, .server_count = 1 };
	assert_int_equal(net_resolver_replace(resolver, &replaced, text), 0);
	const struct net_dns_answer *answer = ask_and_wait(&scene, resolver, &asker, "edge.a.example", NET_DNS_A);
	assert_int_equal(answer->record_count, 2);
	net_resolver_free(resolver);
	net_dns_answer_unref(asker.answer);
	scene_stop(&scene);
}

static void settings_that_are_wrong(void **state)
{
	static const struct {
		const char *server;
		bool dnssec;
		const char *anchor;
		const char *part;
	} cases[] = {
		{ "dns.example", false, NULL, "dns.example" },
		{ "127.0.0.1@0", false, NULL, "127.0.0.1@0" },
		{ "127.0.0.1@x", false, NULL, "127.0.0.1@x" },
		{ "127.0.0.1", true, NULL, "trust anchor" },
		{ "127.0.0.1", true, "/nonexistent/root.key", "/nonexistent/root.key" },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		char text[NET_RESOLVER_ERROR_SIZE] = "";
		struct net_resolver *resolver = NULL;
		struct net_resolver_settings settings = { .servers = &cases[i].server,
			.server_count = 1,
			.dnssec = cases[i].dnssec,
			.trust_anchor_file = cases[i].anchor };
		assert_true(net_resolver_new(&settings, &resolver, text) < 0);
		print_message("%s\n", text);
		assert_non_null(strstr(text, cases[i].part));
		assert_null(resolver);
	}
}

/* ---- the server ---- */

static void write_zones(void)
{
	static char zone[16384];
	size_t used = (size_t)snprintf(zone, sizeof(zone),
		"$ORIGIN a.example.\n$TTL 300\n@ SOA ns root 1 3600 600 86400 120\n@ NS ns\nns A 127.0.0.53\n"
		"_sipfederationtls._tcp SRV 10 20 5061 edge\n_sipfederationtls._tcp SRV 30 0 5061 .\n"
		"edge 60 A 192.0.2.47\nedge 60 A 192.0.2.48\nedge AAAA 2001:db8::47\n"
		"@ NAPTR 50 60 \"s\" \"SIPS+D2T\" \"\" _sips._tcp\n"
		"_5061._tcp.edge TLSA 3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
		"alias CNAME edge\nlong CNAME longer\nlonger CNAME alias\ndangling CNAME nothing\n");
	for (int i = 0; i < 200; i++)
		used += (size_t)snprintf(zone + used, sizeof(zone) - used, "many A 10.0.%d.%d\n", i / 100, i % 100);
	for (int i = 0; i < 300; i++)
		used += (size_t)snprintf(zone + used, sizeof(zone) - used, "toomany A 10.1.%d.%d\n", i / 100, i % 100);
	folder_text(&knot.folder, "a.example.zone", zone);
	folder_text(&knot.folder, "signed.example.zone",
		"$ORIGIN signed.example.\n$TTL 300\n@ SOA ns root 1 3600 600 86400 120\n@ NS ns\nns A 127.0.0.53\n"
		"edge A 192.0.2.99\n");
}

/* Waits for the server, then takes its key as the anchor, and a damaged copy of it. */
static int start_server(void **state)
{
	static const char *const zones[] = { "a.example", "signed.example", NULL };
	struct scene scene;
	struct asker asker = { 0 };
	char text[2048], *digest;
	(void)state;
	folder_make(&knot.folder);
	write_zones();
	knot_start(&knot, zones, "signed.example");
	scene_start(&scene);
	struct net_resolver *resolver =
		resolver_of((struct net_resolver_settings){ .timeout_us = 300000 }, knot.server);
	for (int i = 0; i < 40; i++) {
		usleep(50000);
		if (ask_and_wait(&scene, resolver, &asker, "edge.signed.example", NET_DNS_A)->status == NET_DNS_OK)
			break;
	}
	print_message("%s\n", asker.answer->why);
	assert_int_equal(asker.answer->status, NET_DNS_OK);
	net_resolver_free(resolver);
	net_dns_answer_unref(asker.answer);
	scene_stop(&scene);
	char configuration[160];
	snprintf(configuration, sizeof(configuration), "%s", folder_file(&knot.folder, "knot.conf"));
	char *keys[] = { (char[]){ "/usr/sbin/keymgr" }, (char[]){ "-c" }, configuration, (char[]){ "signed.example" },
		(char[]){ "ds" }, NULL };
	assert_int_equal(run_program(keys, text, sizeof(text)), 0);
	char *start = strstr(text, "signed.example.");
	assert_non_null(start);
	anchor_file = folder_text(&knot.folder, "anchor.key", start);
	for (digest = start; (digest = strchr(digest, '\n')); digest++) {
		if (digest > start)
			digest[-1] = digest[-1] == '0' ? '1' : '0';
	}
	wrong_anchor_file = folder_text(&knot.folder, "wrong.key", start);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	knot_stop(&knot);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_resolved),
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(names_that_cannot_be_asked),
		cmocka_unit_test(many_at_once_and_no_more_than_the_maximum),
		cmocka_unit_test(equal_ones_are_answered_in_order),
		cmocka_unit_test(signatures_are_checked),
		cmocka_unit_test(unhelpful_servers_are_told_apart),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(cancelled_ones_are_never_told),
		cmocka_unit_test(closing_answers_everybody),
		cmocka_unit_test(a_loop_may_go_before_its_resolver),
		cmocka_unit_test(what_is_cached_can_be_flushed),
		cmocka_unit_test(settings_that_are_wrong),
	};
	if (access(KNOT_PROGRAM, X_OK) != 0) {
		print_message("skipped: %s is not installed\n", KNOT_PROGRAM);
		return 77;
	}
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
