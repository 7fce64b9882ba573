/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes between two ends that are both ours: what each learns, and what each is told. */
#include "certificates.h"
#include "net_test.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

static struct authority_set authorities;

/* One side's settings, readable in a table row. */
struct side {
	const char *files; /* NAME for NAME.pem and NAME.key; NULL: no certificate */
	const char *trusts; /* NULL: nobody */
	enum net_tls_verify verify;
	enum net_tls_ask ask;
	bool client_usage;
	enum net_tls_version minimum, maximum;
	bool tickets_off;
};

static struct net_tls *side_make(const struct side *side)
{
	char certificate[80] = "", key[80] = "", text[NET_TLS_ERROR_SIZE];
	struct net_tls *tls = NULL;
	const char *names[] = { side->files };
	if (side->files) {
		snprintf(certificate, sizeof(certificate), "%.50s/%.20s.pem", authorities.folder.path, side->files);
		snprintf(key, sizeof(key), "%.50s/%.20s.key", authorities.folder.path, side->files);
	}
	struct net_tls_identity identity = {
		.names = names, .name_count = 1, .certificate_file = certificate, .key_file = key
	};
	struct net_tls_settings settings = { .identities = &identity,
		.identity_count = side->files ? 1 : 0,
		.authority_files = &side->trusts,
		.authority_count = side->trusts ? 1 : 0,
		.minimum = side->minimum,
		.maximum = side->maximum,
		.verify = side->verify,
		.client_certificate = side->ask,
		.client_usage_required = side->client_usage,
		.tickets_off = side->tickets_off };
	int status = net_tls_new(&settings, &tls, text);
	if (status < 0)
		fail_msg("%s", text);
	return tls;
}

static void scene_secure(struct scene *scene, const struct side *server, const struct side *client)
{
	scene_start(scene);
	scene->listen.tls = side_make(server);
	scene->connect.tls = side_make(client);
	scene->connect.server_name = "edge.a.example";
	scene_listen(scene);
}

static void scene_secure_stop(struct scene *scene)
{
	struct net_tls *server = scene->listen.tls, *client = scene->connect.tls;
	scene_stop(scene);
	net_tls_unref(server);
	net_tls_unref(client);
}

static const struct net_tls_facts *facts_of(const struct end *end)
{
	return net_stream_tls_facts(end->stream);
}

static void assert_leaf_is(const struct end *end, const char *name, int chain_length)
{
	char common_name[100] = "";
	const struct net_tls_facts *facts = facts_of(end);
	assert_int_equal(sk_X509_num(facts->chain), chain_length);
	X509_NAME_get_text_by_NID(
		X509_get_subject_name(sk_X509_value(facts->chain, 0)), NID_commonName, common_name, 100);
	assert_string_equal(common_name, name);
}

/* ---- good ones ---- */

static void both_sides_are_shown(enum net_tls_version version, const char *version_name)
{
	struct scene scene;
	struct side server = { .files = "edge.a", .ask = NET_TLS_ASK_REQUIRE, .maximum = version };
	struct side client = { .files = "edge.b" };
	server.trusts = client.trusts = authorities.root_file;
	scene_secure(&scene, &server, &client);
	scene.server.echo = true;
	scene.client.say_when_opened = "OPTIONS sip:a.example SIP/2.0";
	scene_connect(&scene);
	scene_until(&scene, scene.client.received.length == 29);
	assert_int_equal(scene.client.opened + scene.server.opened, 2);
	assert_int_equal(scene.client.confirmed, 1);
	const struct net_tls_facts *seen = facts_of(&scene.client), *given = facts_of(&scene.server);
	assert_string_equal(seen->version, version_name);
	assert_string_equal(given->version, version_name);
	assert_non_null(seen->cipher);
	assert_string_equal(seen->cipher, given->cipher);
	assert_string_equal(seen->server_name, "edge.a.example");
	assert_string_equal(given->server_name, "edge.a.example");
	assert_leaf_is(&scene.client, "edge.a.example", 2);
	assert_leaf_is(&scene.server, "edge.b.example", 2);
	assert_int_equal(seen->problem_count + given->problem_count, 0);
	assert_true(seen->complete && given->complete && !seen->resumed && !given->resumed);
	assert_true(seen->certificate_requested && seen->certificate_sent);
	assert_int_equal(sk_X509_NAME_num(seen->requested_authorities), 1);
	net_stream_close(scene.client.stream);
	scene_until(&scene, scene.client.closed && scene.server.closed);
	assert_int_equal(scene.server.why.cause, NET_CAUSE_PEER_CLOSED); /* close_notify came */
	assert_leaf_is(&scene.server, "edge.b.example", 2); /* readable while referenced */
	scene_secure_stop(&scene);
}

static void mutual_1_2(void **state)
{
	(void)state;
	both_sides_are_shown(NET_TLS_1_2, "TLSv1.2");
}

static void mutual_1_3(void **state)
{
	(void)state;
	both_sides_are_shown(NET_TLS_VERSION_DEFAULT, "TLSv1.3");
}

static void large_amounts_pass_in_order(void **state)
{
	enum { LENGTH = 6 << 20 };
	struct scene scene;
	struct side server = { .files = "edge.a" }, client = { .trusts = authorities.root_file };
	(void)state;
	scene_start(&scene);
	scene.listen.limits.output_maximum = scene.connect.limits.output_maximum = LENGTH;
	scene.listen.tls = side_make(&server);
	scene.connect.tls = side_make(&client);
	scene_listen(&scene);
	scene.server.echo = true;
	scene_connect(&scene);
	char *bytes = malloc(LENGTH);
	assert_non_null(bytes);
	for (size_t i = 0; i < LENGTH; i++)
		bytes[i] = (char)(i * 31 + (i >> 11));
	for (size_t at = 0; at < LENGTH; at += LENGTH / 4) {
		struct iovec part = { bytes + at, LENGTH / 4 };
		assert_int_equal(net_stream_write(scene.client.stream, &part, 1), 0);
		net_loop_turn(scene.loop, 0);
	}
	scene_until(&scene, scene.client.received.length == LENGTH);
	assert_memory_equal(scene.client.received.at, bytes, LENGTH);
	assert_null(facts_of(&scene.client)->server_name);
	free(bytes);
	scene_secure_stop(&scene);
}

/* ---- certificates that are wrong ---- */

struct wrong {
	const char *title;
	const char *server_files, *client_files;
	const char *server_trusts, *client_trusts; /* "root", "stranger" */
	enum net_tls_verify server_verify, client_verify;
	bool client_usage;
	enum net_tls_ask ask;
	/* what is expected; 0: both opened. Numbers are alerts */
	int server_sends, client_sends;
	int server_problem, client_problem; /* first X509_V_ERR_ in the facts */
};

#define JUDGE NET_TLS_VERIFY_JUDGE
#define REFUSE NET_TLS_VERIFY_HANDSHAKE
static const struct wrong wrongs[] = {
	{ "all is well", "edge.a", "edge.b", "root", "root", REFUSE, REFUSE, true, NET_TLS_ASK_REQUIRE, 0, 0, 0, 0 },
	{ "server untrusted, client judges", "edge.a", "edge.b", "root", "stranger", REFUSE, JUDGE, false,
		NET_TLS_ASK_REQUIRE, 0, 0, 0, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	{ "server untrusted, client refuses", "edge.a", "edge.b", "root", "stranger", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 0, 48, 0, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	{ "client untrusted, server judges", "edge.a", "edge.b", "stranger", "root", JUDGE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 0, 0, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0 },
	{ "client untrusted, server refuses", "edge.a", "edge.b", "stranger", "root", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 48, 0, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0 },
	{ "server expired, client judges", "expired", "edge.b", "root", "root", REFUSE, JUDGE, false,
		NET_TLS_ASK_REQUIRE, 0, 0, 0, X509_V_ERR_CERT_HAS_EXPIRED },
	{ "server expired, client refuses", "expired", "edge.b", "root", "root", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 0, 45, 0, X509_V_ERR_CERT_HAS_EXPIRED },
	{ "client expired, server refuses", "edge.a", "expired", "root", "root", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 45, 0, X509_V_ERR_CERT_HAS_EXPIRED, 0 },
	{ "client without certificate, required", "edge.a", NULL, "root", "root", JUDGE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 116, 0, 0, 0 },
	{ "client without certificate, requested", "edge.a", NULL, "root", "root", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUEST, 0, 0, 0, 0 },
	{ "client leaf alone, server refuses", "edge.a", "alone", "root", "root", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 48, 0, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0 },
	{ "serverAuth only, usage demanded", "edge.a", "server-only", "root", "root", REFUSE, REFUSE, true,
		NET_TLS_ASK_REQUIRE, 43, 0, X509_V_ERR_INVALID_PURPOSE, 0 },
	{ "serverAuth only, usage demanded and judged", "edge.a", "server-only", "root", "root", JUDGE, REFUSE, true,
		NET_TLS_ASK_REQUIRE, 0, 0, X509_V_ERR_INVALID_PURPOSE, 0 },
	{ "serverAuth only, any usage", "edge.a", "server-only", "root", "root", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 0, 0, 0, 0 },
	{ "clientAuth only as a server", "client-only", "edge.b", "root", "root", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 0, 43, 0, X509_V_ERR_INVALID_PURPOSE },
	{ "not yet valid, server refuses", "edge.a", "early", "root", "root", REFUSE, REFUSE, false,
		NET_TLS_ASK_REQUIRE, 42, 0, X509_V_ERR_CERT_NOT_YET_VALID, 0 },
};

static const char *trusts_of(const char *who)
{
	return strcmp(who, "root") == 0 ? authorities.root_file : authorities.stranger_file;
}

static int first_problem(const struct end *end)
{
	const struct net_tls_facts *facts = facts_of(end);
	return facts && facts->problem_count ? facts->problems[0].error : 0;
}

static void expect_refusal(const struct end *refuser, const struct end *refused, int alert, bool late)
{
	assert_int_equal(refuser->opened, 0);
	assert_int_equal(refuser->why.stage, NET_STAGE_HANDSHAKE);
	assert_int_equal(refuser->why.cause, alert == 116 || alert == 40 ? NET_CAUSE_ALERT_SENT : NET_CAUSE_VERIFY);
	assert_int_equal(refuser->why.alert, alert);
	assert_false(refuser->why.alert_received);
	assert_int_equal(refused->why.stage, late ? NET_STAGE_AFTER_HANDSHAKE : NET_STAGE_HANDSHAKE);
	assert_int_equal(refused->why.cause, NET_CAUSE_ALERT_RECEIVED);
	assert_int_equal(refused->why.alert, alert);
	assert_true(refused->why.alert_received);
	assert_int_equal(refused->confirmed, 0);
}

static void try_wrong(const struct wrong *row, enum net_tls_version version)
{
	struct scene scene;
	struct side server = { .files = row->server_files,
		.trusts = trusts_of(row->server_trusts),
		.verify = row->server_verify,
		.ask = row->ask,
		.client_usage = row->client_usage,
		.maximum = version };
	struct side client = {
		.files = row->client_files, .trusts = trusts_of(row->client_trusts), .verify = row->client_verify
	};
	int server_sends = row->server_sends;
	/* RFC 5246 7.4.6 had no alert of its own for it. */
	if (server_sends == 116 && version == NET_TLS_1_2)
		server_sends = 40;
	print_message("%s, %s\n", row->title, version == NET_TLS_1_2 ? "1.2" : "1.3");
	scene_secure(&scene, &server, &client);
	scene.client.say_when_opened = "hello";
	scene_connect(&scene);
	if (server_sends || row->client_sends)
		scene_until(&scene, scene.client.closed && scene.server.closed);
	else
		scene_until(&scene, scene.client.opened && scene.client.confirmed && scene.server.received.length == 5);
	if (server_sends)
		expect_refusal(&scene.server, &scene.client, server_sends, version != NET_TLS_1_2);
	if (row->client_sends)
		expect_refusal(&scene.client, &scene.server, row->client_sends, false);
	assert_int_equal(first_problem(&scene.client), row->client_problem);
	assert_int_equal(first_problem(&scene.server), row->server_problem);
	if (row->server_problem)
		assert_true(sk_X509_num(facts_of(&scene.server)->chain) > 0); /* shown although refused */
	scene_secure_stop(&scene);
}

static void each_wrong_has_its_alert(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(wrongs); i++) {
		try_wrong(&wrongs[i], NET_TLS_1_2);
		try_wrong(&wrongs[i], NET_TLS_VERSION_DEFAULT);
	}
}

/* The client writes into a connection that the server has already refused and reset. */
static void the_alert_is_read_after_a_failed_write(void **state)
{
	struct scene scene;
	struct side server = {
		.files = "edge.a", .trusts = authorities.stranger_file, .verify = REFUSE, .ask = NET_TLS_ASK_REQUIRE
	};
	struct side client = { .files = "edge.b", .trusts = authorities.root_file };
	(void)state;
	scene_secure(&scene, &server, &client);
	scene_connect(&scene);
	scene_until(&scene, scene.client.opened);
	net_stream_pause(scene.client.stream, true); /* the alert comes, we do not look */
	scene_until(&scene, scene.server.closed);
	net_stream_abort(scene.server.stream); /* no lingering: a reset follows the alert */
	scene_run(&scene, 20000);
	assert_int_equal(scene.client.closed, 0);
	/* The first goes into the void or fails, the second fails. */
	end_say(&scene.client, "INVITE");
	scene_run(&scene, 20000);
	end_say(&scene.client, "INVITE");
	scene_until(&scene, scene.client.closed);
	assert_int_equal(scene.client.why.stage, NET_STAGE_AFTER_HANDSHAKE);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_ALERT_RECEIVED);
	assert_int_equal(scene.client.why.alert, 48);
	scene_secure_stop(&scene);
}

/* ---- versions ---- */

static void no_version_in_common(void **state)
{
	struct scene scene;
	struct side server = { .files = "edge.a", .maximum = NET_TLS_1_2 }, client = { .minimum = NET_TLS_1_3 };
	(void)state;
	scene_secure(&scene, &server, &client);
	scene_connect(&scene);
	scene_until(&scene, scene.client.closed && scene.server.closed);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_VERSION);
	assert_int_equal(scene.server.why.cause, NET_CAUSE_VERSION);
	assert_int_equal(scene.client.why.alert, 70);
	assert_true(scene.client.why.alert_received != scene.server.why.alert_received);
	scene_secure_stop(&scene);
}

/* ---- resumption ---- */

static void open_once(struct scene *scene)
{
	scene_connect(scene);
	scene_until(scene, scene->client.confirmed && scene->server.opened);
}
static void close_once(struct scene *scene)
{
	net_stream_close(scene->client.stream);
	scene_until(scene, scene->client.closed && scene->server.closed);
	scene_again(scene);
}

static void sessions_are_resumed_until_trust_changes(enum net_tls_version version)
{
	struct scene scene;
	struct side server = { .files = "edge.a", .ask = NET_TLS_ASK_REQUIRE, .maximum = version };
	struct side client = { .files = "edge.b" };
	server.trusts = client.trusts = authorities.root_file;
	scene_secure(&scene, &server, &client);
	open_once(&scene);
	assert_false(facts_of(&scene.client)->resumed);
	close_once(&scene);
	open_once(&scene);
	assert_true(facts_of(&scene.client)->resumed);
	assert_true(facts_of(&scene.server)->resumed);
	assert_leaf_is(&scene.server, "edge.b.example", 1); /* the leaf alone is remembered */
	assert_leaf_is(&scene.client, "edge.a.example", 1);
	close_once(&scene);
	scene.connect.full_handshake = true;
	open_once(&scene);
	assert_false(facts_of(&scene.server)->resumed);
	assert_leaf_is(&scene.server, "edge.b.example", 2);
	close_once(&scene);
	scene.connect.full_handshake = false;
	open_once(&scene);
	assert_true(facts_of(&scene.server)->resumed);
	close_once(&scene);
	net_tls_forget_sessions(scene.listen.tls); /* the client still offers its ticket */
	open_once(&scene);
	assert_false(facts_of(&scene.server)->resumed);
	close_once(&scene);
	scene_secure_stop(&scene);
}

static void resumption_1_2(void **state)
{
	(void)state;
	sessions_are_resumed_until_trust_changes(NET_TLS_1_2);
}
static void resumption_1_3(void **state)
{
	(void)state;
	sessions_are_resumed_until_trust_changes(NET_TLS_VERSION_DEFAULT);
}

static bool never(void *argument, struct x509_st *leaf)
{
	assert_non_null(leaf);
	++*(int *)argument;
	return false;
}

static void a_forgotten_leaf_forces_a_full_handshake(void **state)
{
	struct scene scene;
	struct side client = { .files = "edge.b", .trusts = authorities.root_file };
	char text[NET_TLS_ERROR_SIZE];
	int asked = 0;
	const char *names[] = { "edge.a.example" };
	struct net_tls_identity identity = { .names = names,
		.name_count = 1,
		.certificate_file = folder_file(&authorities.folder, "edge.a.pem"),
		.key_file = folder_file(&authorities.folder, "edge.a.key") };
	struct net_tls_settings settings = { .identities = &identity,
		.identity_count = 1,
		.authority_files = &authorities.root_file,
		.authority_count = 1,
		.client_certificate = NET_TLS_ASK_REQUIRE,
		.may_resume = never,
		.may_resume_argument = &asked };
	(void)state;
	scene_start(&scene);
	assert_int_equal(net_tls_new(&settings, &scene.listen.tls, text), 0);
	scene.connect.tls = side_make(&client);
	scene_listen(&scene);
	open_once(&scene);
	close_once(&scene);
	open_once(&scene);
	assert_int_equal(asked, 1);
	assert_false(facts_of(&scene.server)->resumed);
	assert_leaf_is(&scene.server, "edge.b.example", 2);
	close_once(&scene);
	scene_secure_stop(&scene);
}

static void tickets_can_be_off(void **state)
{
	struct scene scene;
	struct side server = { .files = "edge.a", .tickets_off = true };
	struct side client = { .trusts = authorities.root_file };
	(void)state;
	scene_secure(&scene, &server, &client);
	open_once(&scene);
	close_once(&scene);
	open_once(&scene);
	assert_false(facts_of(&scene.client)->resumed);
	close_once(&scene);
	scene_secure_stop(&scene);
}

/* ---- peers that misbehave ---- */

static int raw_connect(const struct scene *scene)
{
	int raw = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(raw, &scene->connect.remote.any, scene->connect.remote.length), 0);
	return raw;
}

static void a_handshake_that_never_ends(void **state)
{
	static const struct {
		const char *title;
		const char *bytes;
		size_t length;
	} cases[] = {
		{ "not a byte", "", 0 },
		{ "a record that is never whole", "\x16\x03\x01\x01\x00\x01\x00", 7 },
	};
	struct scene scene;
	struct side server = { .files = "edge.a" }, client = { 0 };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		print_message("%s\n", cases[i].title);
		scene_start(&scene);
		scene.listen.limits.handshake_us = 100000;
		scene.listen.tls = side_make(&server);
		scene.connect.tls = side_make(&client);
		scene_listen(&scene);
		int raw = raw_connect(&scene);
		assert_int_equal(send(raw, cases[i].bytes, cases[i].length, 0), cases[i].length);
		scene_until(&scene, scene.server.closed);
		assert_int_equal(scene.server.why.stage, NET_STAGE_HANDSHAKE);
		assert_int_equal(scene.server.why.cause, NET_CAUSE_TIMEOUT);
		scene_until(&scene, net_listener_counts(scene.listener)->alive == 0);
		assert_int_equal(net_listener_counts(scene.listener)->handshakes_failed, 1);
		close(raw);
		scene_secure_stop(&scene);
	}
}

static void a_client_s_handshake_gives_up_too(void **state)
{
	struct scene scene;
	struct side client = { 0 };
	(void)state;
	scene_start(&scene);
	scene_listen(&scene); /* plain TCP, says nothing */
	scene.connect.tls = side_make(&client);
	scene.connect.limits.handshake_us = 100000;
	scene_connect(&scene);
	scene_until(&scene, scene.client.closed);
	assert_int_equal(scene.client.why.stage, NET_STAGE_HANDSHAKE);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_TIMEOUT);
	scene_secure_stop(&scene);
}

struct rude {
	const char *title;
	const char *says; /* NULL: resets at once */
	enum net_cause cause;
};

static void servers_that_speak_no_tls(void **state)
{
	static const struct rude cases[] = {
		{ "says SIP", "SIP/2.0 400 Bad Request\r\n\r\n", NET_CAUSE_NOT_TLS },
		{ "resets", NULL, NET_CAUSE_RESET },
		{ "closes", "", NET_CAUSE_CUT },
	};
	struct scene scene;
	struct side client = { 0 };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		print_message("%s\n", cases[i].title);
		scene_start(&scene);
		scene_listen(&scene);
		scene.connect.tls = side_make(&client);
		scene_connect(&scene);
		scene_until(&scene, scene.server.received.length > 0); /* the client hello */
		if (cases[i].says)
			end_say(&scene.server, cases[i].says);
		if (!cases[i].says)
			net_stream_abort(scene.server.stream);
		else if (!*cases[i].says)
			net_stream_close(scene.server.stream);
		scene_until(&scene, scene.client.closed);
		assert_int_equal(scene.client.why.stage, NET_STAGE_HANDSHAKE);
		assert_int_equal(scene.client.why.cause, cases[i].cause);
		scene_secure_stop(&scene);
	}
}

static void clients_that_speak_no_tls(void **state)
{
	static const char invite[] = "INVITE sip:a@a.example SIP/2.0\r\n\r\n";
	struct scene scene;
	struct side server = { .files = "edge.a" }, client = { 0 };
	(void)state;
	scene_secure(&scene, &server, &client);
	int raw = raw_connect(&scene);
	assert_int_equal(send(raw, invite, sizeof(invite) - 1, 0), sizeof(invite) - 1);
	scene_until(&scene, scene.server.closed);
	assert_int_equal(scene.server.why.cause, NET_CAUSE_NOT_TLS);
	close(raw);
	scene_secure_stop(&scene);
}

/* A reset would let the peer's kernel throw our alert away while bytes of its own lie unread. */
static void a_refusal_is_not_followed_by_a_reset(void **state)
{
	/* A handshake record with a message that no client begins with. */
	static char garbage[100000] = "\x16\x03\x01\x00\x05\x02\x00\x00\x01";
	char answer[64];
	struct scene scene;
	struct side server = { .files = "edge.a" }, client = { 0 };
	(void)state;
	scene_secure(&scene, &server, &client);
	int raw = raw_connect(&scene);
	assert_int_equal(send(raw, garbage, sizeof(garbage), 0), sizeof(garbage));
	scene_until(&scene, scene.server.closed);
	assert_int_equal(scene.server.why.alert, 10);
	scene_run(&scene, 20000);
	ssize_t length = recv(raw, answer, sizeof(answer), MSG_DONTWAIT);
	assert_int_equal(length, 7); /* an alert record */
	assert_int_equal(answer[0], 21);
	assert_int_equal(answer[6], 10);
	assert_int_equal(recv(raw, answer, sizeof(answer), MSG_DONTWAIT), 0);
	close(raw);
	scene_until(&scene, net_listener_counts(scene.listener)->alive == 0);
	scene_secure_stop(&scene);
}

static void a_connection_cut_in_use(void **state)
{
	struct scene scene;
	struct side server = { .files = "edge.a" }, client = { 0 };
	(void)state;
	scene_secure(&scene, &server, &client);
	open_once(&scene);
	net_stream_abort(scene.client.stream);
	scene_until(&scene, scene.server.closed);
	assert_int_equal(scene.server.why.stage, NET_STAGE_READ);
	assert_int_equal(scene.server.why.cause, NET_CAUSE_RESET);
	scene_secure_stop(&scene);
}

static void a_peer_that_takes_nothing_is_dropped(void **state)
{
	struct scene scene;
	struct side server = { .files = "edge.a" }, client = { 0 };
	(void)state;
	scene_start(&scene);
	scene.connect.limits.output_maximum = 16 << 20;
	scene.connect.limits.stall_us = 100000;
	scene.listen.tls = side_make(&server);
	scene.connect.tls = side_make(&client);
	scene_listen(&scene);
	open_once(&scene);
	net_stream_pause(scene.server.stream, true);
	size_t length = 16 << 20;
	struct iovec part = { calloc(1, length), length };
	assert_int_equal(net_stream_write(scene.client.stream, &part, 1), 0);
	assert_int_equal(net_stream_write(scene.client.stream, &part, 1), -ENOBUFS);
	free(part.iov_base);
	scene_until(&scene, scene.client.closed);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_STALL);
	scene_secure_stop(&scene);
}

/* ---- chains without a connection ---- */

static STACK_OF(X509) * chain_of(const char *name)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	FILE *file = fopen(folder_file(&authorities.folder, name), "r");
	assert_non_null(file);
	for (X509 *one; (one = PEM_read_X509(file, NULL, NULL, NULL));)
		sk_X509_push(chain, one);
	fclose(file);
	return chain;
}

static void chains_are_judged_alone(void **state)
{
	static const struct {
		const char *file;
		enum net_tls_purpose purpose;
		int error;
		bool completes;
	} cases[] = {
		{ "edge.a.pem", NET_TLS_PURPOSE_SERVER, 0, false },
		{ "alone.pem", NET_TLS_PURPOSE_CLIENT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, true },
		{ "foreign.pem", NET_TLS_PURPOSE_ANY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, false },
		{ "server-only.pem", NET_TLS_PURPOSE_CLIENT, X509_V_ERR_INVALID_PURPOSE, false },
		{ "server-only.pem", NET_TLS_PURPOSE_ANY, 0, false },
		{ "expired.pem", NET_TLS_PURPOSE_ANY, X509_V_ERR_CERT_HAS_EXPIRED, false },
	};
	char text[NET_TLS_ERROR_SIZE];
	struct net_tls *tls;
	struct net_tls_settings settings = { .authority_files = &authorities.root_file,
		.authority_count = 1,
		.intermediate_files = &authorities.intermediate_file,
		.intermediate_count = 1 };
	(void)state;
	assert_int_equal(net_tls_new(&settings, &tls, text), 0);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct net_tls_problem problem = { .error = -1 };
		STACK_OF(X509) *chain = chain_of(cases[i].file);
		print_message("%s\n", cases[i].file);
		assert_int_equal(net_tls_chain_verify(tls, chain, cases[i].purpose, 0, &problem), 0);
		assert_int_equal(problem.error, cases[i].error);
		assert_int_equal(net_tls_chain_completes(tls, chain), cases[i].completes);
		sk_X509_pop_free(chain, X509_free);
	}
	net_tls_unref(tls);
}

static int make_all(void **state)
{
	(void)state;
	authorities_make(&authorities);
	authorities_host(&authorities, "edge.a", (struct wish){ .name = "edge.a.example" }, false);
	authorities_host(&authorities, "edge.b", (struct wish){ .name = "edge.b.example" }, false);
	authorities_host(&authorities, "alone", (struct wish){ .name = "edge.b.example" }, true);
	authorities_host(&authorities, "foreign",
		(struct wish){ .name = "edge.b.example", .issuer = &authorities.stranger }, true);
	authorities_host(
		&authorities, "server-only", (struct wish){ .name = "edge.b.example", .usage = "serverAuth" }, false);
	authorities_host(
		&authorities, "client-only", (struct wish){ .name = "edge.a.example", .usage = "clientAuth" }, false);
	authorities_host(&authorities, "expired",
		(struct wish){ .name = "edge.a.example", .from_s = -864000, .to_s = -86400 }, false);
	authorities_host(&authorities, "early",
		(struct wish){ .name = "edge.b.example", .from_s = 86400, .to_s = 864000 }, false);
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutual_1_2),
		cmocka_unit_test(mutual_1_3),
		cmocka_unit_test(large_amounts_pass_in_order),
		cmocka_unit_test(each_wrong_has_its_alert),
		cmocka_unit_test(the_alert_is_read_after_a_failed_write),
		cmocka_unit_test(no_version_in_common),
		cmocka_unit_test(resumption_1_2),
		cmocka_unit_test(resumption_1_3),
		cmocka_unit_test(a_forgotten_leaf_forces_a_full_handshake),
		cmocka_unit_test(tickets_can_be_off),
		cmocka_unit_test(a_handshake_that_never_ends),
		cmocka_unit_test(a_client_s_handshake_gives_up_too),
		cmocka_unit_test(servers_that_speak_no_tls),
		cmocka_unit_test(clients_that_speak_no_tls),
		cmocka_unit_test(a_refusal_is_not_followed_by_a_reset),
		cmocka_unit_test(a_connection_cut_in_use),
		cmocka_unit_test(a_peer_that_takes_nothing_is_dropped),
		cmocka_unit_test(chains_are_judged_alone),
	};
	return cmocka_run_group_tests(tests, make_all, remove_all);
}
