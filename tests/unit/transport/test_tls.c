/* SPDX-License-Identifier: Apache-2.0 */
/* Mutual TLS between two nodes: what each learns of the other, and how refusals are told. */
#include "fixture.h"
#include "unit/net/certificates.h"

static struct authority_set authorities;

struct wished {
	const char *files;
	const char *trusts;
	enum net_tls_verify verify;
	enum net_tls_ask ask;
	enum net_tls_version maximum;
};

static struct net_tls *tls_of(const struct wished *w)
{
	char certificate[160];
	char key[160];
	char text[NET_TLS_ERROR_SIZE];
	snprintf(certificate, sizeof(certificate), "%s/%s.pem", authorities.folder.path, w->files);
	snprintf(key, sizeof(key), "%s/%s.key", authorities.folder.path, w->files);
	struct net_tls_identity identity = {
		.names = &w->files, .name_count = 1, .certificate_file = certificate, .key_file = key
	};
	struct net_tls_settings settings = {
		.identities = &identity,
		.identity_count = 1,
		.authority_files = &w->trusts,
		.authority_count = 1,
		.maximum = w->maximum,
		.verify = w->verify,
		.client_certificate = w->ask,
	};
	struct net_tls *tls = NULL;
	if (net_tls_new(&settings, &tls, text) < 0)
		fail_msg("%s", text);
	return tls;
}

static void start(struct fixture *f, const struct wished *caller, const struct wished *callee)
{
	fixture_init(f);
	f->tls[0] = tls_of(caller);
	f->tls[1] = tls_of(callee);
	fixture_start(f, NULL, NULL);
}

static struct transport_target target_of_callee(const struct fixture *f)
{
	struct transport_target target = target_at(&f->callee, TRANSPORT_TLS);
	target.name = SPAN("callee.example");
	return target;
}

static void good_call(enum net_tls_version version)
{
	struct fixture f;
	struct wished good = { "caller.example", authorities.root_file, NET_TLS_VERIFY_JUDGE, NET_TLS_ASK_REQUIRE,
		version };
	struct wished callee = good;
	callee.files = "callee.example";
	start(&f, &good, &callee);
	struct transport_target target = target_of_callee(&f);
	for (unsigned i = 0; i < 3; i++)
		send_request_to(&f.caller, "INVITE", &target);
	wait_for(&f, f.caller.responses == 3);
	assert_int_equal(f.caller.judged, 1);
	assert_int_equal(f.callee.protocol, TRANSPORT_TLS);
	assert_true(f.callee.had_facts);
	assert_int_equal(f.caller.records[RECORD_HANDSHAKE], 1);
	assert_int_equal(f.callee.records[RECORD_HANDSHAKE], 1);
	struct transport_arrival arrival;
	assert_int_equal(transport_flow_describe(f.callee.transport, f.callee.flow, &arrival), 0);
	char name[256];
	transport_facts_common_name(arrival.tls, name, sizeof(name));
	assert_string_equal(name, "caller.example");
	transport_facts_issuer(arrival.tls, name, sizeof(name));
	assert_string_equal(name, "Intermediate");
	struct span names[4];
	assert_int_equal(transport_facts_names(arrival.tls, name, sizeof(name), names, 4), 1);
	assert_true(span_is(names[0], "caller.example"));
	fixture_done(&f);
}

static void test_mutual_tls_1_2(void **state)
{
	(void)state;
	good_call(NET_TLS_1_2);
}

static void test_mutual_tls_1_3(void **state)
{
	(void)state;
	good_call(NET_TLS_1_3);
}

static void test_other_target_other_connection(void **state)
{
	(void)state;
	struct fixture f;
	struct wished caller = { "caller.example", authorities.root_file, NET_TLS_VERIFY_JUDGE, 0, 0 };
	struct wished callee = caller;
	callee.files = "callee.example";
	start(&f, &caller, &callee);
	struct transport_target target = target_of_callee(&f);
	struct transport_target targets[4] = { target, target, target, target };
	targets[1].name = SPAN("other.example");
	targets[2].identity = "caller.example";
	targets[3].mark = 42;
	for (size_t i = 0; i < BASE_COUNT(targets); i++) {
		struct transport_counters counters;
		send_request_to(&f.caller, "OPTIONS", &targets[i]);
		wait_for(&f, f.caller.responses == i + 1);
		transport_counters(f.caller.transport, &counters);
		if (counters.connections_opened != i + 1)
			fail_msg("target %zu shares a connection", i);
	}
	fixture_done(&f);
}

/* The callee refuses our certificate inside the handshake; in TLS 1.3 we have sent by then. */
static void refused_by_alert(enum net_tls_version version)
{
	struct fixture f;
	struct wished caller = { "stranger.example", authorities.root_file, NET_TLS_VERIFY_JUDGE, NET_TLS_ASK_REQUIRE,
		version };
	struct wished callee = { "callee.example", authorities.root_file, NET_TLS_VERIFY_HANDSHAKE, NET_TLS_ASK_REQUIRE,
		version };
	start(&f, &caller, &callee);
	struct transport_target target = target_of_callee(&f);
	send_request_to(&f.caller, "INVITE", &target);
	wait_for(&f, f.caller.failures == 1);
	assert_int_equal(f.caller.failure.kind, TRANSPORT_FAILED_HANDSHAKE);
	assert_int_equal(f.caller.net.cause, NET_CAUSE_ALERT_RECEIVED);
	assert_true(f.caller.net.alert_received);
	assert_int_equal(f.caller.net.alert, 48); /* unknown_ca */
	assert_int_equal(f.callee.requests, 0);
	struct transport_counters counters;
	wait_for(&f, (transport_counters(f.callee.transport, &counters), counters.handshakes_failed == 1));
	assert_true(f.caller.records[RECORD_HANDSHAKE] >= 1);
	assert_int_equal(f.callee.records[RECORD_HANDSHAKE], 1);
	wait_for(&f, f.caller.client_ended == 1);
	fixture_done(&f);
}

static void test_refused_by_alert_1_2(void **state)
{
	(void)state;
	refused_by_alert(NET_TLS_1_2);
}

static void test_refused_by_alert_1_3(void **state)
{
	(void)state;
	refused_by_alert(NET_TLS_1_3);
}

static void test_our_judge_sees_what_is_wrong(void **state)
{
	(void)state;
	struct fixture f;
	struct wished caller = { "caller.example", authorities.root_file, NET_TLS_VERIFY_JUDGE, NET_TLS_ASK_REQUEST,
		0 };
	struct wished callee = { "stranger.example", authorities.root_file, NET_TLS_VERIFY_JUDGE, NET_TLS_ASK_REQUEST,
		0 };
	start(&f, &caller, &callee);
	f.caller.verdict = -10;
	struct transport_target target = target_of_callee(&f);
	send_request_to(&f.caller, "INVITE", &target);
	wait_for(&f, f.caller.failures == 1);
	assert_int_equal(f.caller.failure.kind, TRANSPORT_FAILED_JUDGED);
	assert_non_null(f.caller.failure.tls);
	assert_int_equal(f.callee.requests, 0);
	fixture_done(&f);
}

static void test_plain_text_on_the_tls_port(void **state)
{
	(void)state;
	struct fixture f;
	struct wished good = { "caller.example", authorities.root_file, NET_TLS_VERIFY_JUDGE, NET_TLS_ASK_REQUEST, 0 };
	start(&f, &good, &good);
	struct transport_target target = target_of_callee(&f);
	target.protocol = TRANSPORT_TCP;
	send_request_to(&f.caller, "OPTIONS", &target);
	wait_for(&f, f.caller.failures == 1);
	assert_int_equal(f.caller.failure.kind, TRANSPORT_FAILED_LOST);
	/* And TLS to a port that speaks plain SIP. */
	struct transport_target plain = target_at(&f.callee, TRANSPORT_TCP);
	plain.protocol = TRANSPORT_TLS;
	send_request_to(&f.caller, "OPTIONS", &plain);
	wait_for(&f, f.caller.failures == 2);
	assert_int_equal(f.caller.failure.kind, TRANSPORT_FAILED_HANDSHAKE);
	fixture_done(&f);
}

static void test_handshake_that_never_ends(void **state)
{
	(void)state;
	struct fixture f;
	struct wished good = { "caller.example", authorities.root_file, NET_TLS_VERIFY_JUDGE, NET_TLS_ASK_REQUEST, 0 };
	start(&f, &good, &good);
	/* A peer that connects and says nothing. */
	const struct net_address *to = address_at(&f.callee, TRANSPORT_TLS);
	int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(mute, &to->any, to->length), 0);
	wait_for(&f, f.callee.transport->connection_count == 1);
	pass(&f, 9 * CLOCK_SECOND_US);
	assert_int_equal(f.callee.transport->connection_count, 1);
	pass(&f, 2 * CLOCK_SECOND_US);
	wait_for(&f, f.callee.transport->connection_count == 0);
	struct transport_counters counters;
	transport_counters(f.callee.transport, &counters);
	assert_int_equal(counters.handshakes_failed, 1);
	assert_int_equal(counters.connections_closed_stalled, 1);
	close(mute);
	fixture_done(&f);
}

/* A request that came over worker 0's TLS connection and belongs to worker 1: the certificate of its
 * sender goes with it, and stays readable when the connection is long gone. */
static void test_certificate_goes_to_another_worker(void **state)
{
	(void)state;
	struct fixture f;
	struct wished good = { "caller.example", authorities.root_file, NET_TLS_VERIFY_JUDGE, NET_TLS_ASK_REQUIRE, 0 };
	struct wished callee = good;
	callee.files = "callee.example";
	start(&f, &good, &callee);
	struct transport_mesh *mesh;
	assert_int_equal(transport_mesh_new(2, 0, &mesh), 0);
	struct side workers[2];
	memset(workers, 0, sizeof(workers));
	for (uint16_t i = 0; i < 2; i++) {
		workers[i].fixture = &f;
		workers[i].host = "127.61.1.6";
		random_init_seed(&workers[i].random, 200 + i);
		struct transport_listener listeners[] = { { .protocol = TRANSPORT_TLS } };
		struct transport_params params = side_params(&workers[i], listeners, 1);
		params.worker = i;
		params.worker_count = 2;
		params.mesh = mesh;
		params.tls = f.tls[1];
		side_start(&workers[i], &params);
	}
	char token[TRANSPORT_TOKEN_LENGTH + 1];
	char route[128];
	transport_flow_token(workers[0].transport, (struct transport_flow){ 1, 0, 0 }, next_call_id(&f), token);
	snprintf(route, sizeof(route), "Route: <sip:%s@127.61.1.6;transport=tls;lr>\r\n", token);
	struct transport_target target = target_at(&workers[0], TRANSPORT_TLS);
	target.name = SPAN("callee.example");
	struct transport_client *client;
	assert_int_equal(send_to(&f.caller, "INVITE", &target, route, &client), 0);
	wait_for(&f, workers[1].requests == 1);
	assert_true(workers[1].had_facts);
	transport_flow_close(workers[0].transport, workers[1].flow);
	wait_for(&f, workers[0].transport->connection_count == 0);
	char name[256];
	const struct transport_arrival *arrival = transport_server_arrival(workers[1].server);
	transport_facts_common_name(arrival->tls, name, sizeof(name));
	assert_string_equal(name, "caller.example");
	for (size_t i = 0; i < 2; i++)
		transport_free(workers[i].transport);
	fixture_done(&f);
	transport_mesh_free(mesh);
}

static int make_authorities(void **state)
{
	(void)state;
	authorities_make(&authorities);
	authorities_host(&authorities, "caller.example", (struct wish){ .name = "caller.example" }, false);
	authorities_host(&authorities, "callee.example", (struct wish){ .name = "callee.example" }, false);
	authorities_host(&authorities, "stranger.example",
		(struct wish){ .name = "stranger.example", .issuer = &authorities.stranger }, false);
	return 0;
}

static int free_authorities(void **state)
{
	(void)state;
	authorities_free(&authorities);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutual_tls_1_2),
		cmocka_unit_test(test_mutual_tls_1_3),
		cmocka_unit_test(test_other_target_other_connection),
		cmocka_unit_test(test_refused_by_alert_1_2),
		cmocka_unit_test(test_refused_by_alert_1_3),
		cmocka_unit_test(test_our_judge_sees_what_is_wrong),
		cmocka_unit_test(test_plain_text_on_the_tls_port),
		cmocka_unit_test(test_handshake_that_never_ends),
		cmocka_unit_test(test_certificate_goes_to_another_worker),
	};
	return cmocka_run_group_tests(tests, make_authorities, free_authorities);
}
