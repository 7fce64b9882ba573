/* SPDX-License-Identifier: Apache-2.0 */
/* Whole examinations: names from planned records or from a DNS server that keeps silent, servers in the same loop. */
#include "unit/cmocka_all.h"
/* cmocka's own headers stand above */
#include "base/buffer.h"
#include "base/require.h"
#include "check/budget.h"
#include "check/examiner.h"
#include "config/load.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"
#include "unit/check/dns_server.h"
#include "unit/net/certificates.h"

#include <errno.h>
#include <sys/socket.h>

#define PATIENCE_US (20 * CLOCK_SECOND_US)
#define DOMAINS_MAXIMUM 16

static struct authority_set authorities;

static const char *path_of(const char *file, const char *ending)
{
	static char paths[8][160];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, 160, "%s/%s.%s", authorities.folder.path, file, ending);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	authorities_make(&authorities);
	authorities_host(&authorities, "edge", (struct wish){ .name = "vcse.a.lab" }, false);
	authorities_host(&authorities, "planned", (struct wish){ .name = "planned.a.lab" }, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	static const char *const files[] = { "edge", "planned" };
	for (size_t i = 0; i < BASE_COUNT(files); i++) {
		unlink(path_of(files[i], "pem"));
		unlink(path_of(files[i], "key"));
	}
	authorities_free(&authorities);
	return 0;
}

/* ---- the rig ---- */

struct rig {
	struct clock clock;
	struct net_loop *loop;
	struct check_options options;
	struct check_desk *desk;
	struct check_examiner *examiner;
	struct buffer zone;
	struct net_tls *server_tls;
	int silent; /* a DNS server that never answers */
	char resolver[64];
	const char *resolvers[1], *authority_files[1];
	const char *reply; /* of the servers, to whatever comes */
	unsigned accepted;
	struct check_facts *facts[DOMAINS_MAXIMUM];
	size_t done_count, begun;
	bool inside; /* check_examine is running */
	struct buffer heard; /* by the servers */
};

static void server_opened(struct net_stream *stream, void *argument)
{
	(void)stream;
	(void)argument;
}
static void server_received(struct net_stream *stream, void *argument, struct span bytes)
{
	struct rig *r = argument;
	buffer_append(&r->heard, bytes);
	if (!r->reply)
		return;
	struct iovec part = { .iov_base = (void *)(uintptr_t)r->reply, .iov_len = strlen(r->reply) };
	net_stream_write(stream, &part, 1);
}
static void server_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	(void)stream;
	(void)argument;
	(void)why;
}
static void *server_accepted(void *argument, struct net_stream *stream, bool *ret_accept)
{
	struct rig *r = argument;
	(void)stream;
	(void)ret_accept;
	r->accepted++;
	return r;
}

/* tls false: takes connections and says nothing. Returns its port. */
static unsigned serve(struct rig *r, bool tls)
{
	static const struct net_stream_events events = {
		.opened = server_opened, .received = server_received, .closed = server_closed
	};
	struct net_listener *listener;
	struct net_listen listen = {
		.tls = tls ? r->server_tls : NULL, .events = &events, .accepted = server_accepted, .argument = r
	};
	assert_int_equal(net_address_parse(SPAN("127.0.0.1"), 0, &listen.local), 0);
	assert_int_equal(net_listener_open(r->loop, &listen, &listener), 0);
	return net_address_port(net_listener_local(listener));
}

static void open_silent_resolver(struct rig *r)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(local);
	r->silent = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	base_require(bind(r->silent, (struct sockaddr *)&local, length) == 0);
	base_require(getsockname(r->silent, (struct sockaddr *)&local, &length) == 0);
	snprintf(r->resolver, sizeof(r->resolver), "127.0.0.1@%u", ntohs(local.sin_port));
}

static void rig_open(struct rig *r)
{
	char text[NET_TLS_ERROR_SIZE];
	struct net_tls_identity identity = { .certificate_file = path_of("edge", "pem"),
		.key_file = path_of("edge", "key") };
	*r = (struct rig){ .clock = clock_system() };
	assert_int_equal(net_loop_new(&r->clock, &r->loop), 0);
	struct net_tls_settings tls = { .identities = &identity, .identity_count = 1 };
	assert_int_equal(net_tls_new(&tls, &r->server_tls, text), 0);
	open_silent_resolver(r);
	buffer_init(&r->zone, 1u << 20);
	buffer_init(&r->heard, 1u << 20);
	buffer_append_text(&r->zone, "$ORIGIN lab.\n@ 300 IN SOA ns admin 1 1 1 1 1\n");
	r->resolvers[0] = r->resolver;
	r->authority_files[0] = authorities.root_file;
	r->options = (struct check_options){
		.resolvers = r->resolvers,
		.resolver_count = 1,
		.authority_files = r->authority_files,
		.authority_count = 1,
		.no_system_authorities = true,
		.zone_only = true,
		.reaction_us = 100 * CLOCK_MS_US,
	};
}

static void rig_start_with(struct rig *r, const struct check_gate *gate)
{
	char text[CHECK_ERROR_SIZE];
	if (r->zone.length > 0)
		r->options.zone_file = folder_text(&authorities.folder, "planned.zone", r->zone.at);
	if (check_desk_new(&r->options, NULL, &r->desk, text) < 0)
		fail_msg("%s", text);
	assert_int_equal(check_examiner_new(r->desk, r->loop, gate, &r->examiner), 0);
}

static void rig_start(struct rig *r)
{
	rig_start_with(r, NULL);
}

static void rig_close(struct rig *r)
{
	check_examiner_free(r->examiner);
	check_desk_free(r->desk);
	net_loop_free(r->loop);
	net_tls_unref(r->server_tls);
	close(r->silent);
	buffer_done(&r->zone);
	buffer_done(&r->heard);
	for (size_t i = 0; i < DOMAINS_MAXIMUM; i++)
		check_facts_free(r->facts[i]);
}

struct call {
	struct rig *rig;
	size_t index;
};
static struct call calls[DOMAINS_MAXIMUM];

static void done(void *argument, struct check_facts *facts)
{
	struct call *call = argument;
	assert_false(call->rig->inside);
	assert_null(call->rig->facts[call->index]);
	call->rig->facts[call->index] = facts;
	call->rig->done_count++;
}

static void begin(struct rig *r, const char *typed)
{
	assert_true(r->begun < DOMAINS_MAXIMUM);
	calls[r->begun] = (struct call){ r, r->begun };
	r->inside = true;
	assert_int_equal(check_examine(r->examiner, span_of(typed), done, &calls[r->begun]), 0);
	r->inside = false;
	r->begun++;
}

static void wait_for_all(struct rig *r)
{
	int64_t end_us = clock_steady_us(&r->clock) + PATIENCE_US;
	while (r->done_count < r->begun && clock_steady_us(&r->clock) < end_us)
		net_loop_turn(r->loop, 10 * CLOCK_MS_US);
	assert_int_equal(r->done_count, r->begun);
	assert_int_equal(check_examiner_running(r->examiner), 0);
}

static const struct check_facts *examine(struct rig *r, const char *typed)
{
	begin(r, typed);
	wait_for_all(r);
	return r->facts[r->begun - 1];
}

static void assert_text(struct span found, const char *wanted)
{
	if (!span_is(found, wanted))
		fail_msg("'%.*s', not '%s'", SPAN_PRINT(found), wanted);
}

static void assert_contains(struct span found, const char *wanted)
{
	if (!found.at || span_find_span(found, span_of(wanted)) == found.length)
		fail_msg("'%.*s' has no '%s'", SPAN_PRINT(found), wanted);
}

/* ---- one good edge ---- */

static void test_good(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	unsigned port = serve(&r, true);
	buffer_printf(&r.zone, "_sipfederationtls._tcp.a 300 IN SRV 10 20 %u VCSE.a\nvcse.a 60 IN A 127.0.0.1\n", port);
	rig_start(&r);
	const struct check_facts *f = examine(&r, "sip:bob@A.lab");
	assert_text(f->typed, "sip:bob@A.lab");
	assert_text(f->domain, "a.lab");
	assert_false(f->why_not.at || f->deadline_passed || f->attempts_cut || f->not_connected || f->server.at);
	assert_true(f->planned_zone && !f->client_certificate && !f->validated);
	assert_text(f->resolvers, r.resolver);
	assert_true(f->vantage.length > 0 && f->examined_us > 0 && f->elapsed_us > 0 && f->lookup_us >= 0);
	assert_int_equal(f->srv.lookup.status, TRUST_LOOKUP_OK);
	assert_text(f->srv.domain, "a.lab");
	assert_text(f->srv.service, "_sipfederationtls._tcp");
	assert_int_equal(f->srv.record_count, 1);
	assert_int_equal(f->srv.records[0].weight, 20);
	assert_int_equal(f->host_count, 1);
	assert_ptr_equal(f->srv.hosts, f->hosts);
	assert_text(f->hosts[0].name, "vcse.a.lab");
	assert_int_equal(f->host_ports[0], port);
	assert_int_equal(f->hosts[0].aaaa.status, TRUST_LOOKUP_NODATA);
	assert_int_equal(f->hosts[0].tlsa_lookup.status, TRUST_LOOKUP_NOT_ASKED);
	assert_int_equal(f->attempt_count, 1);
	const struct check_attempt *a = &f->attempts[0];
	assert_text(a->address, "127.0.0.1");
	assert_int_equal(a->port, port);
	assert_int_equal(a->probe.connection.connect, TRUST_CONNECT_OPEN);
	assert_int_equal(a->probe.connection.handshake, TRUST_HANDSHAKE_DONE);
	assert_int_equal(a->probe.chain.status, TRUST_CHAIN_TRUSTED);
	assert_int_equal(a->probe.chain.count, 2);
	assert_int_equal(a->probe.der_count, 2);
	assert_text(a->probe.chain.certificates[0].dns_names[0], "vcse.a.lab");
	assert_true(a->probe.connect_us >= 0 && a->probe.handshake_us > 0);
	assert_false(a->answer.asked);
	rig_close(&r);
}

/* ---- names ---- */

static void test_no_domain(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	rig_start(&r);
	begin(&r, "192.0.2.1");
	begin(&r, "");
	begin(&r, "b\xc3\xbc"
		  "cher.lab");
	wait_for_all(&r);
	assert_false(r.facts[0]->domain.at);
	assert_contains(r.facts[0]->why_not, "IP address");
	assert_int_equal(r.facts[0]->lookup_us, -1);
	assert_contains(r.facts[1]->why_not, "nothing");
	assert_text(r.facts[2]->domain, "xn--bcher-kva.lab");
	assert_int_equal(r.facts[2]->srv.lookup.status, TRUST_LOOKUP_NXDOMAIN);
	assert_int_equal(r.facts[2]->host_count, 0);
	rig_close(&r);
}

/* Targets twice, under other names, at two ports, by an alias, and the one that is none. */
static void test_targets(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	buffer_append_text(&r.zone, "_sipfederationtls._tcp.a IN SRV 20 0 5061 two.a\n"
				    "_sipfederationtls._tcp.a IN SRV 10 0 5061 one.a\n"
				    "_sipfederationtls._tcp.a IN SRV 10 9 5062 One.A\n"
				    "_sipfederationtls._tcp.a IN SRV 10 1 5061 outside.b\n"
				    "_sipfederationtls._tcp.a IN SRV 30 1 5061 gone.a\n"
				    "_sipfederationtls._tcp.a IN SRV 40 0 0 .\n"
				    "one.a IN A 192.0.2.1\none.a IN AAAA 2001:db8::1\none.a IN A 192.0.2.2\n"
				    "two.a IN CNAME real.b\nreal.b IN A 192.0.2.3\n"
				    "outside.b IN A 192.0.2.4\n"
				    "_sipfederationtls._tcp.none IN SRV 0 0 0 .\n");
	r.options.no_connect = true;
	rig_start(&r);
	const struct check_facts *f = examine(&r, "a.lab");
	static const char *const hosts[] = { "one.a.lab", "outside.b.lab", "two.a.lab", "gone.a.lab" };
	assert_int_equal(f->srv.record_count, 6);
	assert_int_equal(f->host_count, BASE_COUNT(hosts));
	for (size_t i = 0; i < BASE_COUNT(hosts); i++)
		assert_text(f->hosts[i].name, hosts[i]);
	assert_int_equal(f->host_ports[0], 5062);
	assert_text(f->hosts[2].a.canonical, "real.b.lab");
	assert_int_equal(f->hosts[3].a.status, TRUST_LOOKUP_NXDOMAIN);
	static const struct {
		size_t host;
		unsigned port;
	} attempts[] = { { 0, 5061 }, { 0, 5061 }, { 0, 5061 }, { 0, 5062 }, { 0, 5062 }, { 0, 5062 }, { 1, 5061 },
		{ 2, 5061 } };
	assert_int_equal(f->attempt_count, BASE_COUNT(attempts));
	for (size_t i = 0; i < BASE_COUNT(attempts); i++) {
		assert_int_equal(f->attempts[i].host, attempts[i].host);
		assert_int_equal(f->attempts[i].port, attempts[i].port);
		assert_int_equal(f->attempts[i].probe.connection.connect, TRUST_CONNECT_NOT_TRIED);
		assert_int_equal(f->attempts[i].probe.connect_us, -1);
	}
	assert_text(f->attempts[2].probe.connection.address, "[2001:db8::1]:5061");
	assert_text(f->attempts[2].address, "2001:db8::1");
	assert_true(f->attempts[2].is_ipv6 && f->not_connected && !f->attempts_cut);
	f = examine(&r, "none.lab");
	assert_int_equal(f->srv.record_count, 1);
	assert_int_equal(f->host_count, 0);
	rig_close(&r);
}

static void test_cut(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	for (unsigned i = 0; i < CHECK_HOSTS_MAXIMUM + 6; i++)
		buffer_printf(&r.zone,
			"_sipfederationtls._tcp.hosts IN SRV %u 0 5061 h%u.hosts\nh%u.hosts IN A 192.0.2.1\n", 100 - i,
			i, i);
	for (unsigned i = 0; i < CHECK_ATTEMPTS_MAXIMUM + 6; i++)
		buffer_printf(&r.zone, "many.addresses IN A 192.0.2.%u\n", i);
	buffer_append_text(&r.zone, "_sipfederationtls._tcp.addresses IN SRV 0 0 5061 many.addresses\n");
	r.options.no_connect = true;
	rig_start(&r);
	const struct check_facts *f = examine(&r, "hosts.lab");
	assert_true(f->attempts_cut);
	assert_int_equal(f->host_count, CHECK_HOSTS_MAXIMUM);
	assert_int_equal(f->attempt_count, CHECK_HOSTS_MAXIMUM);
	assert_text(f->hosts[0].name, "h69.hosts.lab"); /* the most preferred are kept */
	f = examine(&r, "addresses.lab");
	assert_true(f->attempts_cut);
	assert_int_equal(f->hosts[0].address_count, CHECK_ATTEMPTS_MAXIMUM + 6);
	assert_int_equal(f->attempt_count, CHECK_ATTEMPTS_MAXIMUM);
	rig_close(&r);
}

/* ---- time ---- */

static void test_silent_resolver(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	r.options.lookup_us = 200 * CLOCK_MS_US;
	rig_start(&r);
	const struct check_facts *f = examine(&r, "elsewhere.example");
	assert_int_equal(f->srv.lookup.status, TRUST_LOOKUP_TIMEOUT);
	assert_false(f->deadline_passed);
	assert_true(f->srv.lookup.why.length > 0);
	rig_close(&r);
}

static void test_deadline(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	unsigned silent = serve(&r, false), good = serve(&r, true);
	buffer_printf(&r.zone, "_sipfederationtls._tcp.a IN SRV 1 0 %u hang.a\nhang.a IN A 127.0.0.1\n", silent);
	buffer_printf(&r.zone, "_sipfederationtls._tcp.a IN SRV 2 0 %u vcse.a\nvcse.a IN A 127.0.0.1\n", good);
	r.options.domain_us = 2 * CLOCK_SECOND_US;
	rig_start(&r);
	begin(&r, "a.lab");
	begin(&r, "elsewhere.example");
	wait_for_all(&r);
	const struct check_facts *f = r.facts[0];
	assert_true(f->deadline_passed);
	assert_int_equal(f->attempt_count, 2);
	assert_int_equal(f->attempts[0].probe.connection.connect, TRUST_CONNECT_NOT_TRIED);
	assert_contains(f->attempts[0].probe.connection.text, "time for the whole domain");
	assert_int_equal(f->attempts[1].probe.connection.handshake, TRUST_HANDSHAKE_DONE);
	assert_true(f->elapsed_us >= 1990 * CLOCK_MS_US);
	assert_true(r.facts[1]->deadline_passed);
	assert_int_equal(r.facts[1]->srv.lookup.status, TRUST_LOOKUP_CANCELLED);
	rig_close(&r);
}

/* ---- with and without DNSSEC ---- */

static const struct dns_line unsigned_zone[] = {
	{ "_sipfederationtls._tcp.a.lab", 33, "0 0 5061 vcse.a.lab" },
	{ "vcse.a.lab", 1, "192.0.2.1" },
	{ NULL, 0, NULL },
};
/* Whom nobody here has signed by: a key of the root that does not exist. */
static const char anchor[] = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8E\n";

static const struct check_facts *examine_validating(struct rig *r, struct dns_server *server, unsigned policies)
{
	dns_start(server, unsigned_zone);
	rig_open(r);
	r->resolvers[0] = server->address;
	r->options.policies = policies;
	r->options.trust_anchor_file = folder_text(&authorities.folder, "root.key", anchor);
	r->options.no_connect = true;
	buffer_clear(&r->zone);
	rig_start(r);
	return examine(r, "a.lab");
}

/* A rule book that validates must not change what the others see. */
static void test_second_opinion(void **state)
{
	(void)state;
	struct rig r;
	struct dns_server server;
	const struct check_facts *f = examine_validating(&r, &server, CHECK_AS_ALL);
	assert_true(f->validated);
	assert_int_equal(f->srv.lookup.status, TRUST_LOOKUP_OK);
	assert_true(f->srv.lookup.bogus && !f->srv.lookup.secure && f->srv.lookup.why.length > 0);
	assert_int_equal(f->attempt_count, 1);
	assert_true(f->hosts[0].a.bogus);
	assert_int_equal(f->hosts[0].a.status, TRUST_LOOKUP_OK);
	assert_int_equal(f->hosts[0].aaaa.status, TRUST_LOOKUP_NODATA);
	assert_int_equal(f->hosts[0].tlsa_lookup.status, TRUST_LOOKUP_BOGUS);
	rig_close(&r);
	dns_stop(&server);
}

static void test_dane_alone(void **state)
{
	(void)state;
	struct rig r;
	struct dns_server server;
	const struct check_facts *f = examine_validating(&r, &server, CHECK_AS_DANE);
	assert_int_equal(f->srv.lookup.status, TRUST_LOOKUP_BOGUS);
	assert_false(f->srv.lookup.bogus);
	assert_int_equal(f->host_count, 0);
	rig_close(&r);
	dns_stop(&server);
}

static void test_not_validated(void **state)
{
	(void)state;
	struct rig r;
	struct dns_server server;
	const struct check_facts *f = examine_validating(&r, &server, CHECK_AS_MICROSOFT | CHECK_AS_RFC5922);
	assert_false(f->validated);
	assert_int_equal(f->srv.lookup.status, TRUST_LOOKUP_OK);
	assert_false(f->srv.lookup.bogus);
	assert_int_equal(f->hosts[0].tlsa_lookup.status, TRUST_LOOKUP_NOT_ASKED);
	rig_close(&r);
	dns_stop(&server);
}

/* ---- sharing ---- */

#define SHARERS 6
static void test_shared(void **state)
{
	(void)state;
	struct rig r;
	char name[32];
	rig_open(&r);
	unsigned port = serve(&r, true);
	for (unsigned i = 0; i < SHARERS; i++)
		buffer_printf(&r.zone, "_sipfederationtls._tcp.d%u IN SRV 0 0 %u vcse.a\n", i, port);
	buffer_append_text(&r.zone, "vcse.a IN A 127.0.0.1\n");
	rig_start(&r);
	for (unsigned i = 0; i < SHARERS - 1; i++) {
		snprintf(name, sizeof(name), "d%u.lab", i);
		begin(&r, name);
	}
	wait_for_all(&r);
	assert_int_equal(r.accepted, 1);
	/* And of one that is over. */
	examine(&r, "d5.lab");
	assert_int_equal(r.accepted, 1);
	/* Each has its own. */
	for (unsigned i = 0; i < SHARERS - 1; i++) {
		check_facts_free(r.facts[i]);
		r.facts[i] = NULL;
	}
	const struct check_attempt *a = &r.facts[SHARERS - 1]->attempts[0];
	assert_int_equal(a->probe.chain.count, 2);
	assert_text(a->probe.chain.certificates[0].dns_names[0], "vcse.a.lab");
	assert_text(a->probe.connection.target, "vcse.a.lab");
	/* The next round of a watch looks anew. */
	check_desk_forget(r.desk);
	examine(&r, "d0.lab");
	assert_int_equal(r.accepted, 2);
	rig_close(&r);
}

/* The same chain at several addresses is kept once. */
static void test_chain_kept_once(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	unsigned port = serve(&r, true), other = serve(&r, true);
	buffer_printf(&r.zone,
		"_sipfederationtls._tcp.a IN SRV 0 0 %u vcse.a\n_sipfederationtls._tcp.a IN SRV 0 0 %u vcse.a\n", port,
		other);
	buffer_append_text(&r.zone, "vcse.a IN A 127.0.0.1\n");
	rig_start(&r);
	const struct check_facts *f = examine(&r, "a.lab");
	assert_int_equal(f->attempt_count, 2);
	assert_int_equal(r.accepted, 2);
	assert_int_equal(f->attempts[1].probe.chain.count, 2);
	assert_ptr_equal(f->attempts[0].probe.der, f->attempts[1].probe.der);
	rig_close(&r);
}

/* Each domain may keep a little whatever the others hold; what there is no room for is as if it were not seen. */
static void test_kept_together(void **state)
{
	(void)state;
	static char reply[40000];
	int head = snprintf(reply, sizeof(reply), "SIP/2.0 200 OK\r\nServer: x\r\nContent-Length: 39000\r\n\r\n");
	memset(reply + head, 'x', 39000);
	for (size_t room = 0; room <= 1; room++) {
		struct rig r;
		rig_open(&r);
		r.options.facts_bytes = room ? 0 : 1;
		r.options.probe = true;
		r.reply = reply;
		for (unsigned i = 0; i < 3; i++)
			buffer_printf(&r.zone, "_sipfederationtls._tcp.a IN SRV %u 0 %u vcse.a\n", i, serve(&r, true));
		buffer_append_text(&r.zone, "vcse.a IN A 127.0.0.1\n");
		rig_start(&r);
		const struct check_facts *f = examine(&r, "a.lab");
		assert_int_equal(f->attempt_count, 3);
		size_t seen = 0;
		for (size_t i = 0; i < 3; i++) {
			const struct peer_probe_facts *probe = &f->attempts[i].probe;
			if (probe->connection.connect == TRUST_CONNECT_OPEN)
				seen++;
			else
				assert_text(probe->connection.text, "more was shown than there is room to keep");
		}
		assert_int_equal(seen, room ? 3 : 1);
		struct check_budget *budget = check_budget_ref(f->budget);
		assert_true(!room || check_budget_taken(budget) > 0);
		check_facts_free(r.facts[0]);
		r.facts[0] = NULL;
		assert_int_equal(check_budget_taken(budget), 0);
		check_budget_unref(budget);
		rig_close(&r);
	}
}

/* ---- the gate ---- */

struct gate {
	struct rig *rig;
	unsigned open; /* so many more pass at once */
	unsigned granted, released, forgotten, asked;
	void (*waiting[8])(void *ticket);
	void *tickets[8];
	unsigned waiting_count;
};

static bool gate_ask(void *argument, const struct net_address *address, void (*granted)(void *ticket), void *ticket)
{
	struct gate *g = argument;
	assert_true(net_address_is_set(address));
	g->asked++;
	if (g->open > 0) {
		g->open--;
		g->granted++;
		return true;
	}
	g->waiting[g->waiting_count] = granted;
	g->tickets[g->waiting_count++] = ticket;
	return false;
}
static void gate_release(void *argument, const struct net_address *address)
{
	struct gate *g = argument;
	assert_true(net_address_is_set(address));
	g->released++;
}
static void gate_forget(void *argument, const struct net_address *address, void *ticket)
{
	struct gate *g = argument;
	(void)address;
	for (unsigned i = 0; i < g->waiting_count; i++)
		if (g->tickets[i] == ticket)
			g->tickets[i] = NULL;
	g->forgotten++;
}
static void gate_grant_all(struct gate *g)
{
	unsigned count = g->waiting_count;
	g->waiting_count = 0;
	for (unsigned i = 0; i < count; i++) {
		g->granted++;
		g->waiting[i](g->tickets[i]);
	}
}

static void zone_of_three(struct rig *r, unsigned port)
{
	for (unsigned i = 0; i < 3; i++)
		buffer_printf(&r->zone, "_sipfederationtls._tcp.d%u IN SRV 0 0 %u e.d%u\ne.d%u IN A 127.0.0.1\n", i,
			port, i, i);
}

/* Waiting is not the servers' fault: the domain's deadline stands still meanwhile. */
static void test_gate(void **state)
{
	(void)state;
	struct rig r;
	struct gate g = { .rig = &r, .open = 1 };
	const struct check_gate gate = { gate_ask, gate_release, gate_forget, &g };
	rig_open(&r);
	zone_of_three(&r, serve(&r, true));
	r.options.domain_us = CLOCK_SECOND_US;
	rig_start_with(&r, &gate);
	begin(&r, "d0.lab");
	begin(&r, "d1.lab");
	begin(&r, "d2.lab");
	int64_t end_us = clock_steady_us(&r.clock) + 2 * CLOCK_SECOND_US;
	while (clock_steady_us(&r.clock) < end_us)
		net_loop_turn(r.loop, 10 * CLOCK_MS_US);
	assert_int_equal(r.done_count, 1);
	assert_int_equal(g.waiting_count, 2);
	gate_grant_all(&g);
	wait_for_all(&r);
	for (size_t i = 0; i < 3; i++) {
		assert_false(r.facts[i]->deadline_passed);
		assert_int_equal(r.facts[i]->attempts[0].probe.connection.handshake, TRUST_HANDSHAKE_DONE);
	}
	assert_int_equal(g.asked, 3);
	assert_int_equal(g.granted, 3);
	assert_int_equal(g.released, 3);
	assert_int_equal(g.forgotten, 0);
	rig_close(&r);
}

static void test_gate_without_end(void **state)
{
	(void)state;
	struct rig r;
	struct gate g = { .rig = &r };
	const struct check_gate gate = { gate_ask, gate_release, gate_forget, &g, .patience_us = 300 * CLOCK_MS_US };
	rig_open(&r);
	zone_of_three(&r, serve(&r, false));
	rig_start_with(&r, &gate);
	int64_t start_us = clock_steady_us(&r.clock);
	const struct check_facts *f = examine(&r, "d0.lab");
	assert_in_range(clock_steady_us(&r.clock) - start_us, 300 * CLOCK_MS_US, 5 * CLOCK_SECOND_US);
	assert_true(f->deadline_passed);
	assert_int_equal(f->attempts[0].probe.connection.connect, TRUST_CONNECT_NOT_TRIED);
	assert_int_equal(g.forgotten, 1);
	rig_close(&r);
}

static void test_gate_given_up(void **state)
{
	(void)state;
	struct rig r;
	struct gate g = { .rig = &r, .open = 1 };
	const struct check_gate gate = { gate_ask, gate_release, gate_forget, &g };
	rig_open(&r);
	zone_of_three(&r, serve(&r, false));
	rig_start_with(&r, &gate);
	begin(&r, "d0.lab");
	begin(&r, "d1.lab");
	begin(&r, "d2.lab");
	while (g.waiting_count < 2 || r.accepted < 1)
		net_loop_turn(r.loop, 10 * CLOCK_MS_US);
	check_examiner_free(r.examiner);
	r.examiner = NULL;
	assert_int_equal(g.released, 1);
	assert_int_equal(g.forgotten, 2);
	assert_int_equal(r.done_count, 0);
	rig_close(&r);
}

/* ---- what is planned ---- */

static void test_planned_certificate(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	unsigned good = serve(&r, true), silent = serve(&r, false);
	buffer_printf(&r.zone,
		"_sipfederationtls._tcp.a IN SRV 1 0 %u good.a\n_sipfederationtls._tcp.a IN SRV 2 0 %u silent.a\n"
		"_sipfederationtls._tcp.a IN SRV 3 0 1 closed.a\n",
		good, silent);
	buffer_append_text(&r.zone, "good.a IN A 127.0.0.1\nsilent.a IN A 127.0.0.1\nclosed.a IN A 127.0.0.1\n");
	r.options.planned_certificate_file = path_of("planned", "pem");
	r.options.handshake_us = 300 * CLOCK_MS_US;
	rig_start(&r);
	const struct check_facts *f = examine(&r, "a.lab");
	static const enum trust_handshake_status handshakes[] = { TRUST_HANDSHAKE_DONE, TRUST_HANDSHAKE_DONE,
		TRUST_HANDSHAKE_NOT_TRIED };
	assert_int_equal(f->attempt_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct check_attempt *a = &f->attempts[i];
		assert_true(a->planned_certificate);
		assert_int_equal(a->probe.connection.handshake, handshakes[i]);
		assert_text(a->probe.chain.certificates[0].dns_names[0], "planned.a.lab");
		assert_int_equal(a->probe.chain.status, TRUST_CHAIN_TRUSTED);
		assert_int_equal(a->probe.der_count, 2);
	}
	assert_int_equal(f->attempts[2].probe.connection.connect, TRUST_CONNECT_REFUSED);
	rig_close(&r);
}

static void test_planned_alone(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	buffer_append_text(&r.zone, "_sipfederationtls._tcp.a IN SRV 0 0 5061 vcse.a\nvcse.a IN A 192.0.2.1\n"
				    "_sipfederationtls._tcp.b IN SRV 0 0 5061 vcse.b\n");
	r.options.planned_certificate_file = path_of("planned", "pem");
	r.options.no_connect = true;
	rig_start(&r);
	struct check_facts *f;
	assert_int_equal(check_examine_now(r.desk, SPAN("a.lab"), &f), 0);
	assert_int_equal(f->attempt_count, 1);
	assert_true(f->attempts[0].planned_certificate && f->not_connected);
	assert_int_equal(f->attempts[0].probe.connection.connect, TRUST_CONNECT_NOT_TRIED);
	assert_int_equal(f->attempts[0].probe.chain.status, TRUST_CHAIN_TRUSTED);
	check_facts_free(f);
	/* A host without an address has it too. */
	assert_int_equal(check_examine_now(r.desk, SPAN("b.lab"), &f), 0);
	assert_int_equal(f->attempt_count, 1);
	assert_false(f->attempts[0].address.at);
	assert_true(f->attempts[0].planned_certificate);
	assert_int_equal(f->attempts[0].probe.chain.count, 2);
	check_facts_free(f);
	rig_close(&r);
}

/* ---- OPTIONS ---- */

static void test_options(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	unsigned port = serve(&r, true);
	buffer_printf(&r.zone,
		"_sipfederationtls._tcp.a IN SRV 0 0 %u vcse.a\n_sipfederationtls._tcp.b IN SRV 0 0 %u vcse.a\n", port,
		port);
	buffer_append_text(&r.zone, "vcse.a IN A 127.0.0.1\n");
	r.options.probe = true;
	r.options.probe_from = "sip:somebody@c.lab";
	r.options.answer_us = 2 * CLOCK_SECOND_US;
	r.reply = "HTTP/1.1 400 Bad Request\r\n\r\n";
	rig_start(&r);
	begin(&r, "a.lab");
	begin(&r, "b.lab");
	wait_for_all(&r);
	assert_int_equal(r.accepted, 2); /* each domain asks for itself */
	assert_contains(buffer_span(&r.heard), "OPTIONS sip:a.lab SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=");
	assert_contains(buffer_span(&r.heard), "OPTIONS sip:b.lab SIP/2.0\r\n");
	assert_contains(buffer_span(&r.heard), "From: <sip:somebody@c.lab>;tag=");
	for (size_t i = 0; i < 2; i++) {
		const struct check_answer *answer = &r.facts[i]->attempts[0].answer;
		assert_true(answer->asked);
		assert_int_equal(answer->status, 0);
		assert_contains(answer->text, "HTTP/1.1 400");
		assert_text(r.facts[i]->probe_from, "sip:somebody@c.lab");
	}
	rig_close(&r);
}

/* ---- giving up at any moment ---- */

static void begin_all_kinds(struct rig *r)
{
	static const char *const domains[] = { "a.lab", "b.lab", "c.lab", "elsewhere.example", "not a name",
		"missing.lab" };
	for (size_t i = 0; i < BASE_COUNT(domains); i++)
		begin(r, domains[i]);
}

/* Nobody is called afterwards, nothing is left: the sanitizers watch. */
static void test_cancel_anywhere(void **state)
{
	(void)state;
	bool finished = false;
	for (unsigned turns = 0; !finished && turns < 400; turns += turns < 25 ? 1 : 5) {
		struct rig r;
		rig_open(&r);
		unsigned good = serve(&r, true), silent = serve(&r, false);
		buffer_printf(&r.zone,
			"_sipfederationtls._tcp.a IN SRV 1 0 %u good.a\n_sipfederationtls._tcp.a IN SRV 2 0 %u "
			"silent.a\n",
			good, silent);
		buffer_printf(&r.zone,
			"_sipfederationtls._tcp.b IN SRV 1 0 %u good.a\n_sipfederationtls._tcp.c IN SRV 1 0 1 good.a\n",
			good);
		buffer_append_text(&r.zone, "good.a IN A 127.0.0.1\nsilent.a IN A 127.0.0.1\n");
		r.options.probe = turns % 2;
		r.options.deep = turns % 3 == 0;
		r.options.lookup_us = r.options.handshake_us = r.options.answer_us = 50 * CLOCK_MS_US;
		rig_start(&r);
		begin_all_kinds(&r);
		for (unsigned i = 0; i < turns; i++)
			net_loop_turn(r.loop, 5 * CLOCK_MS_US);
		size_t told = r.done_count;
		finished = told == r.begun;
		check_examiner_free(r.examiner);
		r.examiner = NULL;
		for (unsigned i = 0; i < 5; i++)
			net_loop_turn(r.loop, CLOCK_MS_US);
		assert_int_equal(r.done_count, told);
		rig_close(&r);
	}
	assert_true(finished);
}

/* ---- as a node ---- */

static const struct config_node *load_node(const char *address, unsigned port)
{
	struct config_report report;
	const struct config_node *node = NULL;
	char text[2048];
	snprintf(text, sizeof(text),
		"node: own.lab\naddress: %s\nlisten: [{transport: tls, port: 5061}]\ndomains: [own.lab]\n"
		"tls: {identities: [{names: [own.lab], certificate: edge.pem, key: edge.key}], authorities: "
		"[root.pem]}\n"
		"dns: {servers: [127.0.0.1]}\n"
		"trust: {allowed: [{domain: partner.lab, server: 'vcse.a.lab:%u'}]}\n"
		"zones: [{name: f, kind: dns, service: other, transport: tls}]\n"
		"rules: [{name: out, target: f}]\n",
		address, port);
	struct config_input input = { span_of(text), "own.yaml", authorities.folder.path, false };
	config_report_init(&report);
	int status = config_load_bytes(&input, &report, &node);
	for (size_t i = 0; i < report.count; i++)
		print_message("line %u: %s\n", report.defects[i].place.line, report.defects[i].text);
	config_report_done(&report);
	assert_int_equal(status, 0);
	return node;
}

/* Its configured server without a lookup, its service, its authorities, its certificate. */
static void test_as_node(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	unsigned port = serve(&r, true);
	buffer_printf(&r.zone, "vcse.a IN A 127.0.0.1\n_other._tcp.found IN SRV 0 0 %u vcse.a\n", port);
	const struct config_node *node = load_node("127.0.0.1", port);
	r.options.node = node;
	r.options.authority_count = 0;
	rig_start(&r);
	assert_null(check_desk_note(r.desk, 0));
	const struct check_facts *f = examine(&r, "partner.lab");
	assert_int_equal(f->srv.lookup.status, TRUST_LOOKUP_NOT_ASKED);
	assert_text(f->srv.domain, "partner.lab");
	assert_text(f->server, "vcse.a.lab");
	assert_int_equal(f->server_port, port);
	assert_int_equal(f->lookup_us, -1);
	assert_text(f->vantage, "own.lab");
	assert_true(f->client_certificate);
	assert_int_equal(f->attempt_count, 1);
	assert_int_equal(f->attempts[0].probe.chain.status, TRUST_CHAIN_TRUSTED);
	f = examine(&r, "found.lab");
	assert_text(f->srv.service, "_other._tcp");
	assert_int_equal(f->srv.record_count, 1);
	assert_false(f->server.at);
	assert_int_equal(f->attempts[0].probe.connection.handshake, TRUST_HANDSHAKE_DONE);
	rig_close(&r);
	config_node_unref(node);
}

/* Its configuration on another machine. */
static void test_as_node_elsewhere(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	unsigned port = serve(&r, true);
	buffer_append_text(&r.zone, "vcse.a IN A 127.0.0.1\n");
	const struct config_node *node = load_node("192.0.2.77", port);
	r.options.node = node;
	rig_start(&r);
	assert_non_null(strstr(check_desk_note(r.desk, 0), "192.0.2.77"));
	const struct check_facts *f = examine(&r, "partner.lab");
	assert_int_equal(f->attempts[0].probe.connection.handshake, TRUST_HANDSHAKE_DONE);
	rig_close(&r);
	config_node_unref(node);
}

/* ---- what cannot be opened ---- */

static void test_desk_errors(void **state)
{
	(void)state;
	static const char damaged[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	struct rig r;
	rig_open(&r);
	const char *missing[] = { "/nonexistent/ca.pem" }, *nonsense[] = { "nonsense" };
	const struct {
		const char *text;
		struct check_options options;
	} cases[] = {
		{ "/nonexistent/zone", { .zone_file = "/nonexistent/zone" } },
		{ "/nonexistent/cert", { .planned_certificate_file = "/nonexistent/cert" } },
		{ "no certificate", { .planned_certificate_file = folder_text(&authorities.folder, "empty.pem", "") } },
		{ "damaged", { .planned_certificate_file = folder_text(&authorities.folder, "damaged.pem", damaged) } },
		{ "/nonexistent/ca.pem", { .authority_files = missing, .authority_count = 1 } },
		{ "/nonexistent/client.pem", { .client_certificate_file = "/nonexistent/client.pem" } },
		{ "nonsense", { .resolvers = nonsense, .resolver_count = 1 } },
		{ "is no SIP address", { .probe = true, .probe_from = "nonsense" } },
		{ "/nonexistent/root.key",
			{ .policies = CHECK_AS_DANE, .trust_anchor_file = "/nonexistent/root.key" } },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct check_options options = cases[i].options;
		struct check_desk *desk = NULL;
		char text[CHECK_ERROR_SIZE];
		if (!options.resolvers) {
			options.resolvers = r.resolvers;
			options.resolver_count = 1;
		}
		int status = check_desk_new(&options, NULL, &desk, text);
		if (status >= 0 || !strstr(text, cases[i].text))
			fail_msg("'%s': %d '%s'", cases[i].text, status, text);
	}
	rig_close(&r);
}

static void test_desk_notes(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	authorities_host(
		&authorities, "old", (struct wish){ .name = "x.lab", .from_s = -200L * 86400, .to_s = -86400 }, false);
	r.options.client_certificate_file = path_of("old", "pem");
	r.options.client_key_file = path_of("old", "key");
	buffer_append_text(&r.zone, "$ORIGIN a.lab.\n_sipfederationtls._tcp IN SRV 0 0 5061 vcse.a.lab\n");
	rig_start(&r);
	assert_non_null(check_desk_note(r.desk, 0));
	assert_non_null(strstr(check_desk_note(r.desk, 0), "old.pem"));
	assert_non_null(strstr(check_desk_note(r.desk, 1), "vcse.a.lab.a.lab"));
	assert_null(check_desk_note(r.desk, 2));
	assert_true(examine(&r, "a.lab")->client_certificate);
	rig_close(&r);
	unlink(path_of("old", "pem"));
	unlink(path_of("old", "key"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_no_domain),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_silent_resolver),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_second_opinion),
		cmocka_unit_test(test_dane_alone),
		cmocka_unit_test(test_not_validated),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_chain_kept_once),
		cmocka_unit_test(test_kept_together),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_gate_without_end),
		cmocka_unit_test(test_gate_given_up),
		cmocka_unit_test(test_planned_certificate),
		cmocka_unit_test(test_planned_alone),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_cancel_anywhere),
		cmocka_unit_test(test_as_node),
		cmocka_unit_test(test_as_node_elsewhere),
		cmocka_unit_test(test_desk_errors),
		cmocka_unit_test(test_desk_notes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
