/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/require.h"
#include "machine_messages.h"
#include "sip/transaction.h"

#include <errno.h>

/* The parts of a request that matching looks at. */
struct request {
	const char *method;
	const char *uri;
	const char *via;
	const char *from_tag;
	const char *to_tag;
	const char *call_id;
	unsigned cseq;
};

static const struct sip_message *make(struct arena *a, const struct request *r)
{
	return message_of(a,
		"%s %s SIP/2.0\nVia: SIP/2.0/%s\nFrom: <sip:a@a.example>;tag=%s\nTo: <sip:b@b.example>%s%s\n"
		"Call-ID: %s\nCSeq: %u %s\nMax-Forwards: 70\n",
		r->method, r->uri, r->via, r->from_tag, r->to_tag ? ";tag=" : "", r->to_tag ? r->to_tag : "",
		r->call_id, r->cseq, r->method);
}

#define URI "sip:b@b.example"
#define VIA "UDP a.example;branch=z9hG4bKone"
#define OLD "TLS 10.0.0.1:50610;ms-received-port=50610;ms-received-cid=A100"

enum found { NOTHING, IT };

static void servers_are_found(void **state)
{
	static const struct {
		const char *name;
		struct request kept, asked;
		enum found server, cancelled;
	} cases[] = {
		{ "a retransmission", { "INVITE", URI, VIA, "f", NULL, "c", 1 },
			{ "INVITE", URI, VIA, "f", NULL, "c", 1 }, IT, IT },
		{ "the ACK to a non-2xx, whose To has got a tag", { "INVITE", URI, VIA, "f", NULL, "c", 1 },
			{ "ACK", URI, VIA, "f", "t", "c", 1 }, IT, IT },
		{ "a CANCEL is a transaction of its own", { "INVITE", URI, VIA, "f", NULL, "c", 1 },
			{ "CANCEL", URI, VIA, "f", NULL, "c", 1 }, NOTHING, IT },
		{ "a CANCEL again", { "CANCEL", URI, VIA, "f", NULL, "c", 1 },
			{ "CANCEL", URI, VIA, "f", NULL, "c", 1 }, IT, NOTHING },
		{ "a CANCEL for what is no INVITE", { "OPTIONS", URI, VIA, "f", NULL, "c", 1 },
			{ "CANCEL", URI, VIA, "f", NULL, "c", 1 }, NOTHING, NOTHING },
		{ "another branch", { "INVITE", URI, VIA, "f", NULL, "c", 1 },
			{ "INVITE", URI, "UDP a.example;branch=z9hG4bKtwo", "f", NULL, "c", 1 }, NOTHING, NOTHING },
		{ "the same branch from another host", { "INVITE", URI, VIA, "f", NULL, "c", 1 },
			{ "INVITE", URI, "UDP x.example;branch=z9hG4bKone", "f", NULL, "c", 1 }, NOTHING, NOTHING },
		{ "the same branch from another port", { "INVITE", URI, VIA, "f", NULL, "c", 1 },
			{ "INVITE", URI, "UDP a.example:5070;branch=z9hG4bKone", "f", NULL, "c", 1 }, NOTHING,
			NOTHING },
		{ "the same sent-by, spelled otherwise", { "INVITE", URI, VIA, "f", NULL, "c", 1 },
			{ "INVITE", URI, "UDP A.Example:5060;rport;branch=z9hG4bKone", "f", NULL, "c", 1 }, IT, IT },
		{ "our own stamps on the kept Via do not matter",
			{ "INVITE", URI, "UDP a.example;branch=z9hG4bKone;received=192.0.2.1;rport=5060", "f", NULL,
				"c", 1 },
			{ "INVITE", URI, VIA, "f", NULL, "c", 1 }, IT, IT },
		{ "another method with the same branch", { "OPTIONS", URI, VIA, "f", NULL, "c", 1 },
			{ "MESSAGE", URI, VIA, "f", NULL, "c", 1 }, NOTHING, NOTHING },
		{ "unknown methods are compared by name", { "FOO", URI, VIA, "f", NULL, "c", 1 },
			{ "BAR", URI, VIA, "f", NULL, "c", 1 }, NOTHING, NOTHING },
		{ "an unknown method again", { "FOO", URI, VIA, "f", NULL, "c", 1 },
			{ "FOO", URI, VIA, "f", NULL, "c", 1 }, IT, NOTHING },

		{ "no branch: a retransmission", { "INVITE", URI, OLD, "f", NULL, "c", 1 },
			{ "INVITE", URI, OLD, "f", NULL, "c", 1 }, IT, IT },
		{ "no branch: stamps do not matter", { "INVITE", URI, OLD, "f", NULL, "c", 1 },
			{ "INVITE", URI, "TLS 10.0.0.1:50610", "f", NULL, "c", 1 }, IT, IT },
		{ "no branch: a branch of the old kind", { "INVITE", URI, "UDP a.example;branch=1", "f", NULL, "c", 1 },
			{ "INVITE", URI, "UDP a.example;branch=1", "f", NULL, "c", 1 }, IT, IT },
		{ "no branch: another branch of the old kind",
			{ "INVITE", URI, "UDP a.example;branch=1", "f", NULL, "c", 1 },
			{ "INVITE", URI, "UDP a.example;branch=2", "f", NULL, "c", 1 }, NOTHING, NOTHING },
		{ "no branch: the ACK, by the tag that we gave", { "INVITE", URI, OLD, "f", NULL, "c", 1 },
			{ "ACK", URI, OLD, "f", "given", "c", 1 }, IT, NOTHING },
		{ "no branch: an ACK with another tag", { "INVITE", URI, OLD, "f", NULL, "c", 1 },
			{ "ACK", URI, OLD, "f", "other", "c", 1 }, NOTHING, NOTHING },
		{ "no branch: a CANCEL", { "INVITE", URI, OLD, "f", NULL, "c", 1 },
			{ "CANCEL", URI, OLD, "f", NULL, "c", 1 }, NOTHING, IT },
		{ "no branch: the next request", { "OPTIONS", URI, OLD, "f", NULL, "c", 1 },
			{ "OPTIONS", URI, OLD, "f", NULL, "c", 2 }, NOTHING, NOTHING },
		{ "no branch: another Call-ID", { "OPTIONS", URI, OLD, "f", NULL, "c", 1 },
			{ "OPTIONS", URI, OLD, "f", NULL, "d", 1 }, NOTHING, NOTHING },
		{ "no branch: another From tag", { "OPTIONS", URI, OLD, "f", NULL, "c", 1 },
			{ "OPTIONS", URI, OLD, "g", NULL, "c", 1 }, NOTHING, NOTHING },
		{ "no branch: another To tag", { "BYE", URI, OLD, "f", "t", "c", 1 },
			{ "BYE", URI, OLD, "f", "u", "c", 1 }, NOTHING, NOTHING },
		{ "no branch: another Request-URI", { "OPTIONS", URI, OLD, "f", NULL, "c", 1 },
			{ "OPTIONS", "sip:x@b.example", OLD, "f", NULL, "c", 1 }, NOTHING, NOTHING },
		{ "no branch: the Request-URI's host in capitals", { "OPTIONS", URI, OLD, "f", NULL, "c", 1 },
			{ "OPTIONS", "sip:b@B.EXAMPLE", OLD, "f", NULL, "c", 1 }, IT, NOTHING },
		{ "no branch: another sent-by", { "OPTIONS", URI, OLD, "f", NULL, "c", 1 },
			{ "OPTIONS", URI, "TLS 10.0.0.1:50611", "f", NULL, "c", 1 }, NOTHING, NOTHING },
	};
	const struct sip_timers timers = sip_timers_standard();
	const struct hash_key key = { { 1, 2 } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct arena a;
		struct sip_transaction_table table;
		struct sip_transaction t;
		arena_init(&a, 1 << 20);
		assert_int_equal(sip_transaction_table_init(&table, key, 10), 0);
		sip_transaction_init_server(&t, make(&a, &cases[i].kept), &timers);
		t.to_tag = SPAN("given");
		assert_int_equal(sip_transaction_table_add(&table, &t), 0);
		const struct sip_message *asked = make(&a, &cases[i].asked);
		print_message("%s\n", cases[i].name);
		assert_ptr_equal(sip_transaction_table_find_server(&table, asked), cases[i].server == IT ? &t : NULL);
		if (strcmp(cases[i].asked.method, "CANCEL") == 0)
			assert_ptr_equal(sip_transaction_table_find_cancelled(&table, asked),
				cases[i].cancelled == IT ? &t : NULL);
		sip_transaction_table_remove(&table, &t);
		sip_transaction_table_remove(&table, &t);
		assert_null(sip_transaction_table_find_server(&table, asked));
		sip_transaction_table_done(&table);
		arena_done(&a);
	}
}

static void clients_are_found(void **state)
{
	static const struct {
		const char *name, *method, *branch, *via, *cseq;
		bool found;
	} cases[] = {
		{ "its answer", "INVITE", "z9hG4bKone", VIA, "1 INVITE", true },
		{ "the answer to its CANCEL", "INVITE", "z9hG4bKone", VIA, "1 CANCEL", false },
		{ "the CANCEL itself", "CANCEL", "z9hG4bKone", VIA, "1 CANCEL", true },
		{ "another branch", "INVITE", "z9hG4bKtwo", VIA, "1 INVITE", false },
		{ "a branch in other letters", "INVITE", "z9hG4bKONE", VIA, "1 INVITE", false },
		{ "an unknown method", "FOO", "z9hG4bKone", VIA, "1 FOO", true },
		{ "another unknown method", "FOO", "z9hG4bKone", VIA, "1 BAR", false },
		{ "no branch at all", "INVITE", "z9hG4bKone", "UDP a.example", "1 INVITE", false },
	};
	const struct sip_timers timers = sip_timers_standard();
	const struct hash_key key = { { 3, 4 } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct arena a;
		struct sip_transaction_table table;
		struct sip_transaction t;
		struct span method = span_of(cases[i].method);
		arena_init(&a, 1 << 20);
		assert_int_equal(sip_transaction_table_init(&table, key, 10), 0);
		sip_transaction_init_client(&t, sip_method_find(method), method, span_of(cases[i].branch), &timers);
		assert_int_equal(sip_transaction_table_add(&table, &t), 0);
		const struct sip_message *response = message_of(&a,
			"SIP/2.0 180 Ringing\nVia: SIP/2.0/%s\nFrom: <sip:a@a.example>;tag=f\n"
			"To: <sip:b@b.example>;tag=t\nCall-ID: c\nCSeq: %s\n",
			cases[i].via, cases[i].cseq);
		print_message("%s\n", cases[i].name);
		assert_ptr_equal(sip_transaction_table_find_client(&table, response), cases[i].found ? &t : NULL);
		sip_transaction_table_remove(&table, &t);
		sip_transaction_table_done(&table);
		arena_done(&a);
	}
}

/* A request that comes back to us carries our own branch further down, and may carry it on top. */
static void client_and_server_do_not_meet(void **state)
{
	const struct sip_timers timers = sip_timers_standard();
	const struct hash_key key = { { 5, 6 } };
	const struct request request = { "INVITE", URI, VIA, "f", NULL, "c", 1 };
	struct sip_transaction_table table;
	struct sip_transaction client, server, third;
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(sip_transaction_table_init(&table, key, 2), 0);
	const struct sip_message *m = make(&a, &request);
	sip_transaction_init_client(&client, SIP_METHOD_INVITE, SPAN("INVITE"), SPAN("z9hG4bKone"), &timers);
	assert_int_equal(sip_transaction_table_add(&table, &client), 0);
	assert_null(sip_transaction_table_find_server(&table, m));
	sip_transaction_init_server(&server, m, &timers);
	assert_int_equal(sip_transaction_table_add(&table, &server), 0);
	assert_ptr_equal(sip_transaction_table_find_server(&table, m), &server);
	sip_transaction_init_server(&third, m, &timers);
	assert_int_equal(sip_transaction_table_add(&table, &third), -ENOSPC);
	sip_transaction_table_remove(&table, &third);
	assert_int_equal(table.transactions.count, 2);
	sip_transaction_table_done(&table);
	arena_done(&a);
}

/* RFC 3261 8.2.2.2. */
static void merged_requests_are_seen(void **state)
{
	static const struct request ongoing = { "INVITE", URI, VIA, "f", NULL, "c", 1 };
	static const char other_way[] = "UDP p.example;branch=z9hG4bKother";
	static const struct {
		const char *name;
		struct request fresh;
		bool merged;
	} cases[] = {
		{ "come by another way", { "INVITE", URI, other_way, "f", NULL, "c", 1 }, true },
		{ "a request within the dialog", { "INVITE", URI, other_way, "f", "t", "c", 1 }, false },
		{ "the next one", { "INVITE", URI, other_way, "f", NULL, "c", 2 }, false },
		{ "another caller", { "INVITE", URI, other_way, "g", NULL, "c", 1 }, false },
		{ "another call", { "INVITE", URI, other_way, "f", NULL, "d", 1 }, false },
		{ "another method", { "OPTIONS", URI, other_way, "f", NULL, "c", 1 }, false },
	};
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(sip_request_is_merged(make(&a, &cases[i].fresh), make(&a, &ongoing)), cases[i].merged);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_found),
		cmocka_unit_test(clients_are_found),
		cmocka_unit_test(client_and_server_do_not_meet),
		cmocka_unit_test(merged_requests_are_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
