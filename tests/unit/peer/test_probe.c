/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of servers that OpenSSL alone makes: what is seen of each, right or wrong. */
#include "unit/cmocka_all.h"
/* cmocka's own headers stand above */
#include "base/require.h"
#include "net/loop.h"
#include "net/tls.h"
#include "peer/chain.h"
#include "peer/probe.h"
#include "unit/net/certificates.h"
#include "unit/peer/probe_server.h"

#include <errno.h>
#include <signal.h>

#define PATIENCE_US (10 * CLOCK_SECOND_US)

static struct authority_set authorities;
static struct net_tls *bare, *ours, *knowing; /* without a certificate; with ours; with known intermediates */
static struct net_tls *versions[PEER_VERSION_COUNT];
static struct x509_store_st *nobody; /* public authorities, and none of them ours */

static const char *path_of(const char *file, const char *ending)
{
	static char paths[8][160];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, 160, "%s/%s.%s", authorities.folder.path, file, ending);
	return path;
}

static struct net_tls *tls_make(struct net_tls_settings settings)
{
	char text[NET_TLS_ERROR_SIZE];
	struct net_tls *tls = NULL;
	const char *root[] = { authorities.root_file };
	settings.authority_files = root;
	settings.authority_count = 1;
	settings.tickets_off = true;
	if (net_tls_new(&settings, &tls, text) < 0)
		fail_msg("%s", text);
	return tls;
}

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	authorities_make(&authorities);
	authorities_host(&authorities, "edge", (struct wish){ .name = "vcse.a.lab" }, false);
	authorities_host(&authorities, "alone", (struct wish){ .name = "vcse.a.lab" }, true);
	authorities_host(
		&authorities, "unknown", (struct wish){ .name = "vcse.a.lab", .issuer = &authorities.stranger }, true);
	authorities_host(&authorities, "expired",
		(struct wish){ .name = "vcse.a.lab", .from_s = -200L * 86400, .to_s = -86400 }, false);
	authorities_host(&authorities, "client", (struct wish){ .name = "edge.b.lab" }, false);
	authorities_host(
		&authorities, "clientonly", (struct wish){ .name = "vcse.a.lab", .usage = "clientAuth" }, false);
	struct issued self = issue(&(struct wish){ .name = "vcse.a.lab" });
	X509 *chain[] = { self.certificate, NULL };
	folder_chain(&authorities.folder, "self.pem", chain);
	folder_key(&authorities.folder, "self.key", self.key);
	issued_free(&self);

	const char *names[] = { "edge.b.lab" }, *known[] = { authorities.intermediate_file };
	struct net_tls_identity identity = { .names = names,
		.name_count = 1,
		.certificate_file = path_of("client", "pem"),
		.key_file = path_of("client", "key") };
	bare = tls_make((struct net_tls_settings){ .verify = NET_TLS_VERIFY_JUDGE });
	ours = tls_make((struct net_tls_settings){ .identities = &identity, .identity_count = 1 });
	knowing = tls_make((struct net_tls_settings){ .intermediate_files = known, .intermediate_count = 1 });
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++) {
		enum net_tls_version version = (enum net_tls_version)(NET_TLS_1_0 + i);
		versions[i] = tls_make((struct net_tls_settings){ .minimum = version, .maximum = version });
	}
	nobody = X509_STORE_new();
	X509_STORE_add_cert(nobody, authorities.stranger.certificate);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	net_tls_unref(bare);
	net_tls_unref(ours);
	net_tls_unref(knowing);
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		net_tls_unref(versions[i]);
	X509_STORE_free(nobody);
	static const char *const files[] = { "edge", "alone", "unknown", "expired", "client", "clientonly", "self" };
	for (size_t i = 0; i < BASE_COUNT(files); i++) {
		unlink(path_of(files[i], "pem"));
		unlink(path_of(files[i], "key"));
	}
	authorities_free(&authorities);
	return 0;
}

/* ---- one probe ---- */

struct look {
	struct clock clock;
	struct net_loop *loop;
	struct peer_probe_settings settings;
	struct peer_probe *probe;
	const struct peer_probe_facts *facts;
	int done;
	bool starting;
};

static void look_done(void *argument, const struct peer_probe_facts *facts)
{
	struct look *look = argument;
	assert_false(look->starting);
	look->facts = facts;
	look->done++;
}

static bool ends_with_blank_line(void *argument, struct span answer)
{
	(void)argument;
	return span_find_span(answer, SPAN("\r\n\r\n")) < answer.length;
}

static void look_init(struct look *look, uint16_t port)
{
	*look = (struct look){ .clock = clock_system() };
	assert_int_equal(net_loop_new(&look->clock, &look->loop), 0);
	look->settings = (struct peer_probe_settings){
		.loop = look->loop,
		.tls = bare,
		.target = SPAN("vcse.a.lab"),
		.connect_us = 2 * CLOCK_SECOND_US,
		.handshake_us = 3 * CLOCK_SECOND_US,
		.done = look_done,
		.argument = look,
	};
	memcpy(look->settings.versions, versions, sizeof(versions));
	assert_int_equal(net_address_parse(SPAN("127.0.0.1"), port, &look->settings.remote), 0);
}

static void look_start(struct look *look)
{
	look->starting = true;
	assert_int_equal(peer_probe_start(&look->settings, &look->probe), 0);
	look->starting = false;
}

static const struct peer_probe_facts *look_run(struct look *look)
{
	int64_t give_up_us = clock_steady_us(&look->clock) + PATIENCE_US;
	look_start(look);
	while (!look->done && clock_steady_us(&look->clock) < give_up_us)
		net_loop_turn(look->loop, 5000);
	assert_int_equal(look->done, 1);
	return look->facts;
}

static void look_end(struct look *look)
{
	for (int i = 0; i < 3; i++)
		net_loop_turn(look->loop, 1000);
	assert_true(look->done <= 1);
	peer_probe_free(look->probe);
	net_loop_free(look->loop);
}

/* ---- what each server shows ---- */

static struct net_tls **const with_nothing = &bare, **const with_ours = &ours, **const with_known = &knowing;

#define MUST (SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
#define V2 TLS1_2_VERSION
#define V3 TLS1_3_VERSION

static const struct seen_case {
	const char *name;
	struct server server; /* chain and key are file names here; trusts "root" or "stranger" */
	struct net_tls *const *tls; /* NULL: with nothing */
	enum trust_handshake_status handshake;
	int alert;
	enum trust_chain_status chain;
	size_t chain_count;
	enum peer_reaction reaction;
	const char *version;
} seen_cases[] = {
	{ "right", { .chain = "edge" }, NULL, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NOT_ASKED,
		"TLSv1.3" },
	{ "right, 1.2", { .chain = "edge", .maximum = V2 }, NULL, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2,
		PEER_REACTION_NOT_ASKED, "TLSv1.2" },
	{ "out of date: a date is no matter of the chain", { .chain = "expired" }, NULL, TRUST_HANDSHAKE_DONE, 0,
		TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NOT_ASKED, "TLSv1.3" },
	{ "client usage only", { .chain = "clientonly" }, NULL, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_WRONG_PURPOSE, 2,
		PEER_REACTION_NOT_ASKED, "TLSv1.3" },
	{ "without its intermediate, which nobody knows", { .chain = "alone" }, NULL, TRUST_HANDSHAKE_DONE, 0,
		TRUST_CHAIN_UNTRUSTED, 1, PEER_REACTION_NOT_ASKED, "TLSv1.3" },
	{ "without its intermediate, which we know", { .chain = "alone" }, &knowing, TRUST_HANDSHAKE_DONE, 0,
		TRUST_CHAIN_INCOMPLETE, 1, PEER_REACTION_NOT_ASKED, "TLSv1.3" },
	{ "unknown authority", { .chain = "unknown" }, &knowing, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_UNTRUSTED, 1,
		PEER_REACTION_NOT_ASKED, "TLSv1.3" },
	{ "self-signed", { .chain = "self" }, NULL, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_SELF_SIGNED, 1,
		PEER_REACTION_NOT_ASKED, "TLSv1.3" },

	{ "demands ours, we have none", { .chain = "edge", .ask = MUST, .trusts = "root" }, NULL,
		TRUST_HANDSHAKE_ALERT_RECEIVED, 116, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NONE_REFUSED, "TLSv1.3" },
	{ "demands ours, we have none, 1.2", { .chain = "edge", .ask = MUST, .trusts = "root", .maximum = V2 }, NULL,
		TRUST_HANDSHAKE_ALERT_RECEIVED, 40, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NONE_REFUSED, "TLSv1.2" },
	{ "demands ours, takes it", { .chain = "edge", .ask = MUST, .trusts = "root" }, &ours, TRUST_HANDSHAKE_DONE, 0,
		TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_ACCEPTED, "TLSv1.3" },
	{ "demands ours, takes it, 1.2", { .chain = "edge", .ask = MUST, .trusts = "root", .maximum = V2 }, &ours,
		TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_ACCEPTED, "TLSv1.2" },
	{ "demands ours, does not know its authority", { .chain = "edge", .ask = MUST, .trusts = "stranger" }, &ours,
		TRUST_HANDSHAKE_ALERT_RECEIVED, 48, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_REFUSED, "TLSv1.3" },
	{ "the same in 1.2", { .chain = "edge", .ask = MUST, .trusts = "stranger", .maximum = V2 }, &ours,
		TRUST_HANDSHAKE_ALERT_RECEIVED, 48, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_REFUSED, "TLSv1.2" },
	{ "asks, goes on without", { .chain = "edge", .ask = SSL_VERIFY_PEER, .trusts = "root" }, NULL,
		TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NONE_ACCEPTED, "TLSv1.3" },
	{ "asks, goes on without, 1.2", { .chain = "edge", .ask = SSL_VERIFY_PEER, .trusts = "root", .maximum = V2 },
		NULL, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NONE_ACCEPTED, "TLSv1.2" },
	{ "asks and says nothing", { .chain = "edge", .ask = SSL_VERIFY_PEER, .trusts = "root", .no_tickets = true },
		&ours, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_SILENT, "TLSv1.3" },
	{ "takes it, and cuts", { .chain = "edge", .ask = MUST, .trusts = "root", .no_tickets = true, .end = END_CUT },
		&ours, TRUST_HANDSHAKE_RESET, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_CUT, "TLSv1.3" },
	{ "takes it, and closes in order",
		{ .chain = "edge", .ask = MUST, .trusts = "root", .no_tickets = true, .end = END_NOTIFY }, &ours,
		TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_CUT, "TLSv1.3" },
	{ "asks, and closes in order without ours",
		{ .chain = "edge", .ask = SSL_VERIFY_PEER, .trusts = "root", .no_tickets = true, .end = END_NOTIFY },
		NULL, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NONE_REFUSED, "TLSv1.3" },
	{ "gives a ticket, and closes for want of ours",
		{ .chain = "edge", .ask = SSL_VERIFY_PEER, .trusts = "root", .end = END_NOTIFY }, NULL,
		TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NONE_REFUSED, "TLSv1.3" },
	{ "the same in 1.2",
		{ .chain = "edge", .ask = SSL_VERIFY_PEER, .trusts = "root", .maximum = V2, .end = END_CUT }, NULL,
		TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_NONE_REFUSED, "TLSv1.2" },
	{ "gives a ticket, and closes for ours", { .chain = "edge", .ask = MUST, .trusts = "root", .end = END_NOTIFY },
		&ours, TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_CUT, "TLSv1.3" },
	{ "pours data", { .chain = "edge", .ask = MUST, .trusts = "root", .no_tickets = true, .end = END_POUR }, &ours,
		TRUST_HANDSHAKE_DONE, 0, TRUST_CHAIN_TRUSTED, 2, PEER_REACTION_ACCEPTED, "TLSv1.3" },

	{ "1.1 at most", { .chain = "edge", .maximum = TLS1_1_VERSION }, NULL, TRUST_HANDSHAKE_VERSION, 70,
		TRUST_CHAIN_NOT_VERIFIED, 0, PEER_REACTION_UNKNOWN, NULL },
	{ "hangs", { .act = ACT_HANG }, NULL, TRUST_HANDSHAKE_TIMEOUT, 0, TRUST_CHAIN_NOT_VERIFIED, 0,
		PEER_REACTION_UNKNOWN, NULL },
	{ "drips", { .act = ACT_DRIP }, NULL, TRUST_HANDSHAKE_TIMEOUT, 0, TRUST_CHAIN_NOT_VERIFIED, 0,
		PEER_REACTION_UNKNOWN, NULL },
	{ "cuts", { .act = ACT_CUT }, NULL, TRUST_HANDSHAKE_RESET, 0, TRUST_CHAIN_NOT_VERIFIED, 0,
		PEER_REACTION_UNKNOWN, NULL },
	{ "resets", { .act = ACT_RESET }, NULL, TRUST_HANDSHAKE_RESET, 0, TRUST_CHAIN_NOT_VERIFIED, 0,
		PEER_REACTION_UNKNOWN, NULL },
	{ "speaks SIP without TLS", { .act = ACT_SAY, .say = "SIP/2.0 400 Bad Request\r\n\r\n" }, NULL,
		TRUST_HANDSHAKE_NOT_TLS, 0, TRUST_CHAIN_NOT_VERIFIED, 0, PEER_REACTION_UNKNOWN, NULL },
};

static void server_of_case(struct server *server, const struct server *plan)
{
	*server = *plan;
	if (plan->chain) {
		server->key = path_of(plan->chain, "key");
		server->chain = path_of(plan->chain, "pem");
	}
	if (plan->trusts)
		server->trusts = path_of(plan->trusts, "pem");
	server_start(server);
}

static void assert_seen(const struct seen_case *c, const struct peer_probe_facts *facts)
{
	const struct trust_connection *connection = &facts->connection;
	if (connection->connect != TRUST_CONNECT_OPEN || connection->handshake != c->handshake)
		fail_msg("%s: connect %d, handshake %d: %.*s", c->name, connection->connect, connection->handshake,
			SPAN_PRINT(connection->text));
	bool alert_counts = c->handshake == TRUST_HANDSHAKE_ALERT_RECEIVED || c->handshake == TRUST_HANDSHAKE_VERSION;
	if (alert_counts && connection->alert != c->alert)
		fail_msg("%s: alert %u", c->name, connection->alert);
	if (facts->chain.status != c->chain || facts->chain.count != c->chain_count)
		fail_msg("%s: chain of %zu, status %d: %.*s", c->name, facts->chain.count, facts->chain.status,
			SPAN_PRINT(facts->chain.verify_text));
	if (facts->reaction != c->reaction)
		fail_msg("%s: reaction %d", c->name, (int)facts->reaction);
	if (!span_equal(connection->version, span_of(c->version)))
		fail_msg("%s: version %.*s", c->name, SPAN_PRINT(connection->version));
	if (c->handshake != TRUST_HANDSHAKE_DONE && connection->text.length == 0)
		fail_msg("%s: nothing is said of why", c->name);
	if (facts->der_count != facts->chain.count)
		fail_msg("%s: %zu certificates' bytes", c->name, facts->der_count);
}

static void every_server_is_seen_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(seen_cases); i++) {
		const struct seen_case *c = &seen_cases[i];
		struct server server;
		struct look look;
		server_of_case(&server, &c->server);
		look_init(&look, server.port);
		look.settings.tls = c->tls ? *c->tls : *with_nothing;
		look.settings.reaction_us = 300 * CLOCK_MS_US;
		if (c->handshake == TRUST_HANDSHAKE_TIMEOUT)
			look.settings.handshake_us = 200 * CLOCK_MS_US;
		const struct peer_probe_facts *facts = look_run(&look);
		assert_seen(c, facts);
		bool asked = c->server.ask != 0;
		assert_true(facts->connection.certificate_asked == asked);
		assert_true(facts->connection.our_certificate_sent == (asked && look.settings.tls == *with_ours));
		if (asked) {
			assert_int_equal(facts->requested_authority_count, 1);
			const char *wanted = strcmp(c->server.trusts, "root") == 0 ? "CN=Root" : "CN=Stranger";
			if (!span_is(facts->requested_authorities[0], wanted))
				fail_msg("%s: asks for %.*s", c->name, SPAN_PRINT(facts->requested_authorities[0]));
		}
		assert_true(facts->connect_us >= 0 && facts->handshake_us >= 0);
		look_end(&look);
		server_stop(&server);
	}
}

static void a_chain_is_whole(void **state)
{
	(void)state;
	struct server server;
	struct look look;
	server_of_case(&server, &(struct server){ .chain = "edge" });
	look_init(&look, server.port);
	look.settings.public_authorities = nobody;
	const struct peer_probe_facts *facts = look_run(&look);
	const struct trust_certificate *sent = facts->chain.certificates;
	assert_true(span_is(facts->connection.target, "vcse.a.lab"));
	assert_true(span_is(sent[0].common_name, "vcse.a.lab"));
	assert_true(span_is(sent[1].subject, "CN=Intermediate"));
	assert_true(sent[1].signed_previous);
	assert_true(span_is(facts->chain.authority, "CN=Root"));
	assert_true(facts->chain.private_authority);
	/* The bytes are the certificates, and give the same facts again. */
	struct arena arena;
	struct trust_chain again;
	arena_init(&arena, 1 << 20);
	assert_int_equal(peer_probe_chain(facts->der, facts->der_count, bare, nobody, &arena, &again), 0);
	assert_int_equal(again.status, TRUST_CHAIN_TRUSTED);
	assert_true(again.private_authority);
	assert_true(span_equal(again.certificates[0].fingerprint, sent[0].fingerprint));
	assert_true(again.certificates[1].signed_previous);
	assert_int_equal(peer_probe_chain(facts->der, 1, bare, NULL, &arena, &again), 0);
	assert_int_equal(again.status, TRUST_CHAIN_UNTRUSTED);
	assert_int_equal(peer_probe_chain(facts->der, 1, *with_known, NULL, &arena, &again), 0);
	assert_int_equal(again.status, TRUST_CHAIN_INCOMPLETE);
	assert_true(span_is(again.missing, "CN=Intermediate"));
	assert_int_equal(peer_probe_chain(facts->der, 2, NULL, NULL, &arena, &again), 0);
	assert_int_equal(again.status, TRUST_CHAIN_NOT_VERIFIED);
	struct span cut[] = { facts->der[0], span_first(facts->der[1], facts->der[1].length - 1) };
	assert_int_equal(peer_probe_chain(cut, 2, bare, NULL, &arena, &again), -EBADMSG);
	arena_done(&arena);
	look_end(&look);
	server_stop(&server);
}

static void a_public_authority_is_not_private(void **state)
{
	(void)state;
	struct server server;
	struct look look;
	struct x509_store_st *everybody = X509_STORE_new();
	X509_STORE_add_cert(everybody, authorities.root.certificate);
	server_of_case(&server, &(struct server){ .chain = "edge" });
	look_init(&look, server.port);
	look.settings.public_authorities = everybody;
	const struct peer_probe_facts *facts = look_run(&look);
	assert_int_equal(facts->chain.status, TRUST_CHAIN_TRUSTED);
	assert_false(facts->chain.private_authority);
	look_end(&look);
	server_stop(&server);
	X509_STORE_free(everybody);
}

/* ---- connections ---- */

static const struct {
	const char *said, *text;
} strangers[] = {
	{ "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TLS", "what came is no TLS: `SIP/2.0 400 Bad Request`" },
	{ "220 mail.a.lab ESMTP\r\n", "what came is no TLS: `220 mail.a.lab ESMTP`" },
	{ "HTTP/1.1 400 Bad Request\r\n\r\n", "what came is no TLS: `HTTP/1.1 400 Bad Request`" },
	{ "\x1b[2J\x07oops", "what came is no TLS, bytes 1b 5b 32 4a 07 6f 6f 70 73" },
};

static void a_stranger_is_quoted(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(strangers); i++) {
		struct server server;
		struct look look;
		server_of_case(&server, &(struct server){ .act = ACT_SAY, .say = strangers[i].said });
		look_init(&look, server.port);
		const struct peer_probe_facts *facts = look_run(&look);
		assert_int_equal(facts->connection.handshake, TRUST_HANDSHAKE_NOT_TLS);
		if (!span_is(facts->connection.text, strangers[i].text))
			fail_msg("%.*s", SPAN_PRINT(facts->connection.text));
		look_end(&look);
		server_stop(&server);
	}
}

static void a_closed_port_is_refused(void **state)
{
	(void)state;
	struct server server;
	struct look look;
	server_of_case(&server, &(struct server){ .act = ACT_HANG });
	server_stop(&server);
	look_init(&look, server.port);
	look.settings.deep = true;
	const struct peer_probe_facts *facts = look_run(&look);
	assert_int_equal(facts->connection.connect, TRUST_CONNECT_REFUSED);
	assert_int_equal(facts->connection.handshake, TRUST_HANDSHAKE_NOT_TRIED);
	assert_true(facts->connection.text.length > 0);
	assert_true(facts->connect_us >= 0);
	assert_int_equal(facts->handshake_us, -1);
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		assert_int_equal(facts->versions[i].status, PEER_VERSION_UNDECIDED);
	look_end(&look);
}

static void one_that_is_given_up_says_nothing(void **state)
{
	(void)state;
	struct server server;
	struct look look;
	server_of_case(&server, &(struct server){ .act = ACT_HANG });
	for (int turns = 0; turns < 4; turns++) {
		look_init(&look, server.port);
		look_start(&look);
		for (int i = 0; i < turns; i++)
			net_loop_turn(look.loop, 1000);
		peer_probe_free(look.probe);
		look.probe = NULL;
		look_end(&look);
		assert_int_equal(look.done, 0);
	}
	server_stop(&server);
}

/* ---- saying something ---- */

static const struct answer_case {
	const char *name;
	struct server server;
	bool whole; /* wait for a blank line */
	const char *answer; /* NULL: none */
	size_t length; /* where it is not answer's */
	enum peer_reaction reaction;
	struct net_tls *const *tls;
} answer_cases[] = {
	{ "at once", { .chain = "edge", .say = "SIP/2.0 200 OK\r\n\r\n" }, true, "SIP/2.0 200 OK\r\n\r\n", 0,
		PEER_REACTION_NOT_ASKED, NULL },
	{ "in pieces", { .chain = "edge", .say = "SIP/2.0 200 OK\r\n\r\n", .slow = true }, true,
		"SIP/2.0 200 OK\r\n\r\n", 0, PEER_REACTION_NOT_ASKED, NULL },
	{ "the first piece is enough", { .chain = "edge", .say = "SIP", .slow = true }, false, "S", 0,
		PEER_REACTION_NOT_ASKED, NULL },
	{ "cut short", { .chain = "edge", .say = "SIP/2.0 200", .end = END_CUT }, true, "SIP/2.0 200", 0,
		PEER_REACTION_NOT_ASKED, NULL },
	{ "never", { .chain = "edge" }, true, NULL, 0, PEER_REACTION_NOT_ASKED, NULL },
	{ "without an end", { .chain = "edge", .end = END_POUR }, true, NULL, PEER_ANSWER_MAXIMUM,
		PEER_REACTION_NOT_ASKED, NULL },
	{ "an answer shows that ours is accepted",
		{ .chain = "edge", .say = "SIP/2.0 200 OK\r\n\r\n", .ask = MUST, .trusts = "root", .no_tickets = true },
		true, "SIP/2.0 200 OK\r\n\r\n", 0, PEER_REACTION_ACCEPTED, &ours },
	{ "a refusal comes instead", { .chain = "edge", .say = "SIP", .ask = MUST, .trusts = "stranger" }, true, NULL,
		0, PEER_REACTION_REFUSED, &ours },
};

static void answers_are_heard(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(answer_cases); i++) {
		const struct answer_case *c = &answer_cases[i];
		struct server server;
		struct look look;
		server_of_case(&server, &c->server);
		look_init(&look, server.port);
		look.settings.tls = c->tls ? *c->tls : *with_nothing;
		look.settings.bytes = SPAN("OPTIONS sip:a.lab SIP/2.0\r\n\r\n");
		look.settings.is_complete = c->whole ? ends_with_blank_line : NULL;
		look.settings.answer_us = 400 * CLOCK_MS_US;
		const struct peer_probe_facts *facts = look_run(&look);
		if (c->length ? facts->answer.length != c->length : !span_equal(facts->answer, span_of(c->answer)))
			fail_msg("%s: answer of %zu: %.*s", c->name, facts->answer.length,
				(int)(facts->answer.length < 80 ? facts->answer.length : 80),
				facts->answer.at ? facts->answer.at : "");
		if (facts->reaction != c->reaction)
			fail_msg("%s: reaction %d", c->name, (int)facts->reaction);
		assert_true(facts->answer_us >= 0);
		look_end(&look);
		server_stop(&server);
	}
}

/* ---- floods: nobody else on the loop waits for them ---- */

struct heart {
	struct wheel_timer timer;
	struct net_loop *loop;
	int64_t last_us, longest_us; /* of this thread's own time: a busy machine does not count */
};

static int64_t own_time_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * CLOCK_SECOND_US + now.tv_nsec / 1000;
}

static void heart_beat(struct wheel_timer *timer, int64_t at_us)
{
	struct heart *heart = base_container(timer, struct heart, timer);
	int64_t own_us = own_time_us();
	if (heart->last_us && own_us - heart->last_us > heart->longest_us)
		heart->longest_us = own_us - heart->last_us;
	heart->last_us = own_us;
	wheel_arm(net_loop_wheel(heart->loop), timer, at_us + 5 * CLOCK_MS_US);
}

static const struct {
	const char *name;
	struct server server;
} flood_cases[] = {
	{ "tickets", { .chain = "edge", .minimum = V3, .end = END_TICKETS } },
	{ "key updates", { .chain = "edge", .minimum = V3, .end = END_UPDATES } },
	{ "requests to renegotiate", { .chain = "edge", .maximum = V2, .end = END_RENEGOTIATE } },
};

static void floods_hold_nobody_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(flood_cases); i++) {
		struct server server;
		struct look look;
		struct heart heart = { .last_us = 0 };
		server_of_case(&server, &flood_cases[i].server);
		look_init(&look, server.port);
		look.settings.bytes = SPAN("OPTIONS");
		look.settings.answer_us = 400 * CLOCK_MS_US;
		heart.loop = look.loop;
		wheel_timer_init(&heart.timer, heart_beat);
		wheel_arm(net_loop_wheel(look.loop), &heart.timer, net_loop_now_us(look.loop) + 1);
		const struct peer_probe_facts *facts = look_run(&look);
		assert_int_equal(facts->connection.handshake, TRUST_HANDSHAKE_DONE);
		assert_int_equal(facts->chain.status, TRUST_CHAIN_TRUSTED);
		assert_int_equal(facts->answer.length, 0);
		wheel_disarm(net_loop_wheel(look.loop), &heart.timer);
		/* A sanitizer makes it ten times longer. */
		if (heart.longest_us > 900 * CLOCK_MS_US)
			fail_msg("%s: others waited for %lld ms", flood_cases[i].name,
				(long long)(heart.longest_us / CLOCK_MS_US));
		look_end(&look);
		server_stop(&server);
	}
}

/* ---- what we offer ---- */

static bool hello_offers(const unsigned char *hello, size_t length, unsigned extension)
{
	/* record 5, message 4, version 2, random 32, session id, cipher suites, compressions, extensions */
	size_t at = 5 + 4 + 2 + 32;
	assert_true(length > at && hello[0] == 22);
	at += 1 + hello[at];
	at += 2 + (size_t)(hello[at] << 8 | hello[at + 1]);
	at += 1 + hello[at];
	size_t end = at + 2 + (size_t)(hello[at] << 8 | hello[at + 1]);
	assert_int_equal(end, length);
	for (at += 2; at + 4 <= end; at += 4 + (size_t)(hello[at + 2] << 8 | hello[at + 3]))
		if ((unsigned)(hello[at] << 8 | hello[at + 1]) == extension)
			return true;
	return false;
}

/* RFC 8879: who does not offer to unpack certificates is sent none that are packed. */
static void no_compression_is_offered(void **state)
{
	(void)state;
	struct server server;
	struct look look;
	server_of_case(&server, &(struct server){ .act = ACT_CUT });
	look_init(&look, server.port);
	look_run(&look);
	look_end(&look);
	server_stop(&server);
	assert_true(server.seen_length > 0);
	assert_true(hello_offers(server.seen, (size_t)server.seen_length, 0)); /* server_name */
	assert_true(hello_offers(server.seen, (size_t)server.seen_length, 43)); /* supported_versions */
	assert_false(hello_offers(server.seen, (size_t)server.seen_length, 27)); /* compress_certificate */
}

/* ---- each version alone ---- */

static const struct deep_case {
	const char *name;
	struct server server;
	const char *found; /* a letter a version: agreed, refused, undecided */
	bool without_first; /* this side cannot offer TLS 1.0 */
} deep_cases[] = {
	{ "1.2 and 1.3", { .chain = "edge", .minimum = V2 }, "rraa" },
	{ "1.2 only", { .chain = "edge", .minimum = V2, .maximum = V2 }, "rrar" },
	{ "1.3 only", { .chain = "edge", .minimum = V3 }, "rrra" },
	{ "1.0 only", { .chain = "edge", .minimum = TLS1_VERSION, .maximum = TLS1_VERSION }, "arrr" },
	{ "all", { .chain = "edge", .minimum = TLS1_VERSION }, "aaaa" },
	{ "all, and we cannot try the first", { .chain = "edge", .minimum = TLS1_VERSION }, "uaaa", true },
	{ "all, but not without a certificate",
		{ .chain = "edge", .minimum = TLS1_VERSION, .ask = MUST, .trusts = "root" }, "aaaa" },
	{ "cuts whatever comes", { .act = ACT_CUT }, "rrrr" },
	{ "hangs", { .act = ACT_HANG }, "uuuu" },
};

static void versions_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(deep_cases); i++) {
		const struct deep_case *c = &deep_cases[i];
		struct server server;
		struct look look;
		char found[PEER_VERSION_COUNT + 1] = "";
		server_of_case(&server, &c->server);
		look_init(&look, server.port);
		look.settings.deep = true;
		if (c->server.act == ACT_HANG)
			look.settings.handshake_us = 200 * CLOCK_MS_US;
		if (c->without_first)
			look.settings.versions[0] = NULL;
		const struct peer_probe_facts *facts = look_run(&look);
		for (size_t k = 0; k < PEER_VERSION_COUNT; k++) {
			found[k] = "-aru"[facts->versions[k].status];
			assert_true((facts->versions[k].text.length == 0) == (found[k] == 'a'));
		}
		if (strcmp(found, c->found) != 0)
			fail_msg("%s: %s, not %s", c->name, found, c->found);
		look_end(&look);
		server_stop(&server);
	}
}

static void a_shallow_look_tries_no_version(void **state)
{
	(void)state;
	struct server server;
	struct look look;
	server_of_case(&server, &(struct server){ .chain = "edge" });
	look_init(&look, server.port);
	const struct peer_probe_facts *facts = look_run(&look);
	assert_int_equal(facts->versions[2].status, PEER_VERSION_NOT_TRIED);
	assert_string_equal(facts->versions[2].name, "TLSv1.2");
	look_end(&look);
	server_stop(&server); /* its thread counts a moment later than it serves */
	assert_int_equal(server.served_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_server_is_seen_as_it_is),
		cmocka_unit_test(a_chain_is_whole),
		cmocka_unit_test(a_public_authority_is_not_private),
		cmocka_unit_test(a_stranger_is_quoted),
		cmocka_unit_test(a_closed_port_is_refused),
		cmocka_unit_test(one_that_is_given_up_says_nothing),
		cmocka_unit_test(answers_are_heard),
		cmocka_unit_test(floods_hold_nobody_up),
		cmocka_unit_test(no_compression_is_offered),
		cmocka_unit_test(versions_are_told_apart),
		cmocka_unit_test(a_shallow_look_tries_no_version),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
