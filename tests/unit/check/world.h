/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a.example in few words: what stands in a case differs from a healthy domain, everything else is right. */
#include "base/buffer.h"
#include "base/require.h"
#include "check/judge.h"
#include "trust/judge.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define DOMAIN "a.example"
#define EDGE "vcse.a.example"
#define EDGE_2 "vcse2.a.example"
#define ADDRESS_1 "198.51.100.47"
#define ADDRESS_2 "198.51.100.48"
#define ADDRESS_6 "2001:db8::47"
#define NOW_S INT64_C(1790000000) /* 2026-09-21 */
#define DAYS(n) ((int64_t)(n)*86400)
#define WORLD_MAXIMUM 6

/* A certificate; zero: CN and DNS name EDGE, a public authority, 200 days left, both usages. */
struct shown {
	bool none;
	const char *cn;
	const char *names[4];
	bool without_names;
	enum trust_chain_status status; /* 0: TRUSTED */
	bool private_authority;
	unsigned usage; /* 0: both */
	int days; /* left; 0: 200 */
	unsigned key_bits; /* 0: 2048 */
	const char *key_sha256;
	const char *verify_text;
};

/* What an address showed; zero: all is well, and it asked for no certificate of ours. */
struct server {
	const char *address; /* absent: the end of the list */
	uint16_t port; /* 0: of any port */
	bool untried; /* no attempt at all */
	enum trust_connect_status connect; /* 0: OPEN */
	bool not_tried; /* an attempt that was not begun */
	enum trust_handshake_status handshake; /* 0: DONE */
	uint8_t alert;
	enum peer_reaction reaction; /* 0: NOT_ASKED */
	bool asked, sent; /* a certificate of ours */
	bool planned;
	bool old_tls;
	struct shown shown;
	struct {
		bool asked;
		uint16_t status;
		const char *diagnostics;
	} options;
};

struct host {
	const char *name; /* absent: the end of the list */
	const char *addresses[4];
	enum trust_lookup_status a, aaaa; /* 0: OK or NODATA, as there are addresses */
	const char *alias;
	enum trust_lookup_status tlsa; /* 0: not asked */
	const char *why;
	const char *digest; /* of the TLSA record 3 1 1 */
	uint16_t port; /* where TLSA was asked; 0: 5061 */
	bool unsigned_; /* without DNSSEC */
	bool bogus; /* its addresses do not validate; who does not ask for that sees them */
	bool planned; /* without an address: a certificate is planned for it */
};

struct world {
	const char *typed; /* no domain at all */
	const char *targets[WORLD_MAXIMUM]; /* "host" or "host:port"; none: vcse.a.example. "-": no record */
	enum trust_lookup_status srv; /* 0: OK */
	const char *why;
	bool srv_cut;
	bool unsigned_;
	bool bogus; /* of the SRV answer, as of a host */
	struct host hosts[WORLD_MAXIMUM]; /* none: every target has ADDRESS_1 */
	struct server servers[WORLD_MAXIMUM]; /* addresses that are not named here are healthy */
	const char *server; /* configured */
	bool deadline_passed, attempts_cut, not_connected;
	const char *not_validated; /* why nothing could be validated; absent: everything was */
	const char *probe_from;
};

static inline void *world_room(struct check_facts *facts, size_t size)
{
	void *room = arena_zero(&facts->arena, size + 1);
	assert_non_null(room);
	return room;
}

static inline void world_targets(const struct world *w, struct check_facts *facts)
{
	struct trust_srv *records = world_room(facts, WORLD_MAXIMUM * sizeof(*records));
	size_t count = 0;
	static const char *const healthy[] = { EDGE, NULL };
	const char *const *targets = w->targets[0] ? w->targets : healthy;
	for (; count < WORLD_MAXIMUM && targets[count] && strcmp(targets[count], "-") != 0; count++) {
		struct span rest = span_of(targets[count]);
		struct span host = span_cut(&rest, ':');
		records[count] = (struct trust_srv){ .priority = (uint16_t)count,
			.port = rest.at ? (uint16_t)strtoul(rest.at, NULL, 10) : 5061,
			.target = span_is(host, ".") ? SPAN("") : host,
			.ttl_s = 300 };
	}
	enum trust_lookup_status status = w->srv ? w->srv : TRUST_LOOKUP_OK;
	facts->srv = (struct trust_domain){ .domain = facts->domain,
		.service = SPAN(TRUST_SERVICE),
		.lookup = { .status = w->server ? TRUST_LOOKUP_NOT_ASKED : status,
			.why = span_of(w->why),
			.ttl_s = 300,
			.secure = !w->unsigned_ && !w->bogus,
			.bogus = w->bogus },
		.records = records,
		.record_count = status == TRUST_LOOKUP_OK && !w->server ? count : 0,
		.cut = w->srv_cut };
}

static inline void world_host(struct check_facts *facts, const struct host *from)
{
	struct trust_host *host = &facts->hosts[facts->host_count];
	struct trust_address *addresses = world_room(facts, 4 * sizeof(*addresses));
	bool has[2] = { false, false };
	for (size_t i = 0; i < 4 && from->addresses[i]; i++) {
		struct trust_address *a = &addresses[host->address_count++];
		a->text = span_of(from->addresses[i]);
		a->is_ipv6 = strchr(from->addresses[i], ':') != NULL;
		/* The documentation's own addresses stand for public ones here. */
		a->is_private = trust_address_is_private(a->text) &&
				strncmp(from->addresses[i], "198.51.100.", 11) != 0 &&
				strncmp(from->addresses[i], "2001:db8:", 9) != 0;
		has[a->is_ipv6] = true;
	}
	host->name = span_of(from->name);
	host->a.status = from->a ? from->a : has[0] ? TRUST_LOOKUP_OK : TRUST_LOOKUP_NODATA;
	host->aaaa.status = from->aaaa ? from->aaaa : has[1] ? TRUST_LOOKUP_OK : TRUST_LOOKUP_NODATA;
	host->a.secure = host->aaaa.secure = host->tlsa_lookup.secure = !from->unsigned_;
	host->a.bogus = host->aaaa.bogus = from->bogus;
	host->a.canonical = span_of(from->alias);
	host->a.why = host->aaaa.why = host->tlsa_lookup.why = span_of(from->why);
	host->addresses = addresses;
	host->tlsa_lookup.status = from->tlsa;
	if (from->digest) {
		struct trust_tlsa *record = world_room(facts, sizeof(*record));
		*record =
			(struct trust_tlsa){ .usage = 3, .selector = 1, .matching = 1, .data = span_of(from->digest) };
		host->tlsa = record;
		host->tlsa_count = 1;
		host->tlsa_lookup.status = TRUST_LOOKUP_OK;
	}
	facts->host_ports[facts->host_count++] = from->port ? from->port : 5061;
}

static inline bool world_has_host(const struct check_facts *facts, struct span name)
{
	for (size_t i = 0; i < facts->host_count; i++)
		if (span_equal_nocase(facts->hosts[i].name, name))
			return true;
	return false;
}

static inline void world_hosts(const struct world *w, struct check_facts *facts)
{
	facts->hosts = world_room(facts, 2 * WORLD_MAXIMUM * sizeof(*facts->hosts));
	facts->host_ports = world_room(facts, 2 * WORLD_MAXIMUM * sizeof(*facts->host_ports));
	for (size_t i = 0; i < WORLD_MAXIMUM && w->hosts[i].name; i++)
		world_host(facts, &w->hosts[i]);
	if (w->hosts[0].name)
		return;
	for (size_t i = 0; i < facts->srv.record_count; i++) {
		struct host host = { .name = facts->srv.records[i].target.at, .addresses = { ADDRESS_1 } };
		struct span name = arena_copy(&facts->arena, facts->srv.records[i].target);
		host.name = name.at;
		if (name.length && !world_has_host(facts, name))
			world_host(facts, &host);
	}
	struct host server = { .name = w->server, .addresses = { ADDRESS_1 } };
	if (w->server)
		world_host(facts, &server);
}

static inline struct trust_chain world_chain(struct check_facts *facts, const struct shown *from)
{
	if (from->none)
		return (struct trust_chain){ .count = 0 };
	struct trust_certificate *leaf = world_room(facts, sizeof(*leaf));
	struct span *names = world_room(facts, 4 * sizeof(*names));
	static const char *const healthy[4] = { EDGE };
	const char *const *wanted = from->names[0] ? from->names : healthy;
	*leaf = (struct trust_certificate){
		.common_name = span_of(from->cn ? from->cn : EDGE),
		.subject = span_of(from->cn ? from->cn : EDGE),
		.issuer = SPAN("CN=Example Issuing Authority"),
		.has_names = !from->without_names,
		.dns_names = names,
		.not_before_s = NOW_S - DAYS(400),
		.not_after_s = NOW_S + DAYS(from->days ? from->days : 200),
		.usage = from->usage ? from->usage : TRUST_USAGE_SERVER | TRUST_USAGE_CLIENT,
		.key_kind = TRUST_KEY_RSA,
		.key_bits = (uint16_t)(from->key_bits ? from->key_bits : 2048),
		.key_sha256 = span_of(from->key_sha256),
		.signature = SPAN("sha256WithRSAEncryption"),
		.signed_previous = false,
	};
	leaf->fingerprint = arena_printf(
		&facts->arena, "%s/%s/%d/%d", leaf->common_name.at, wanted[0], from->days, (int)from->status);
	for (size_t i = 0; i < 4 && wanted[i] && !from->without_names; i++)
		names[leaf->dns_name_count++] = span_of(wanted[i]);
	return (struct trust_chain){
		.certificates = leaf,
		.count = 1,
		.sent_count = 1,
		.status = from->status ? from->status : TRUST_CHAIN_TRUSTED,
		.private_authority = from->private_authority,
		.authority = SPAN("CN=Example Root"),
		.verify_text = span_of(from->verify_text),
	};
}

static inline void world_attempt(
	const struct world *w, struct check_facts *facts, size_t h, uint16_t port, const struct trust_address *address)
{
	static const struct server healthy;
	const struct server *server = &healthy;
	for (size_t i = 0; i < WORLD_MAXIMUM && w->servers[i].address; i++)
		if (span_is(address->text, w->servers[i].address) &&
			(!w->servers[i].port || w->servers[i].port == port))
			server = &w->servers[i];
	if (server->untried || (w->not_connected && !server->planned))
		return;
	struct check_attempt *attempt = &facts->attempts[facts->attempt_count++];
	attempt->host = h;
	attempt->port = port;
	attempt->address = address->text;
	attempt->is_ipv6 = address->is_ipv6;
	attempt->planned_certificate = server->planned;
	struct trust_connection *c = &attempt->probe.connection;
	c->target = facts->hosts[h].name;
	c->address =
		arena_printf(&facts->arena, address->is_ipv6 ? "[%s]:%u" : "%s:%u", address->text.at, (unsigned)port);
	c->connect = server->connect ? server->connect : TRUST_CONNECT_OPEN;
	if (server->not_tried || w->not_connected)
		c->connect = TRUST_CONNECT_NOT_TRIED;
	attempt->answer.asked = server->options.asked;
	attempt->answer.status = server->options.status;
	attempt->answer.reason = SPAN("Reason");
	attempt->answer.diagnostics = span_of(server->options.diagnostics);
	if (server->planned)
		attempt->probe.chain = world_chain(facts, &server->shown);
	if (c->connect != TRUST_CONNECT_OPEN)
		return;
	c->handshake = server->handshake ? server->handshake : TRUST_HANDSHAKE_DONE;
	c->alert = server->alert;
	c->certificate_asked = server->asked;
	c->our_certificate_sent = server->sent;
	c->version = SPAN("TLSv1.3");
	attempt->probe.reaction = server->reaction ? server->reaction : PEER_REACTION_NOT_ASKED;
	if (server->old_tls)
		attempt->probe.versions[0].status = PEER_VERSION_AGREED;
	attempt->probe.chain = world_chain(facts, &server->shown);
}

/* A certificate for a host that has no address yet. */
static inline void world_plan(const struct world *w, struct check_facts *facts, size_t h, uint16_t port)
{
	static const struct shown healthy;
	if (!w->hosts[h].planned)
		return;
	struct check_attempt *attempt = &facts->attempts[facts->attempt_count++];
	attempt->host = h;
	attempt->port = port;
	attempt->planned_certificate = true;
	attempt->probe.chain = world_chain(facts, &healthy);
}

static inline void world_attempts(const struct world *w, struct check_facts *facts)
{
	facts->srv.hosts = facts->hosts;
	facts->srv.host_count = facts->host_count;
	facts->attempts = world_room(facts, 64 * sizeof(*facts->attempts));
	for (size_t h = 0; h < facts->host_count; h++) {
		uint16_t ports[WORLD_MAXIMUM];
		size_t count = 0;
		for (size_t r = 0; r < facts->srv.record_count; r++) {
			const struct trust_srv *record = &facts->srv.records[r];
			bool again = false;
			for (size_t i = 0; i < count; i++)
				again |= ports[i] == record->port;
			if (!again && span_equal_nocase(record->target, facts->hosts[h].name))
				ports[count++] = record->port;
		}
		if (count == 0 && w->server)
			ports[count++] = 5061;
		for (size_t i = 0; i < count && facts->hosts[h].address_count == 0; i++)
			world_plan(w, facts, h, ports[i]);
		for (size_t i = 0; i < count; i++)
			for (size_t a = 0; a < facts->hosts[h].address_count; a++)
				world_attempt(w, facts, h, ports[i], &facts->hosts[h].addresses[a]);
	}
}

static inline struct check_facts *world_facts(const struct world *w)
{
	struct check_facts *facts = check_facts_new();
	assert_non_null(facts);
	facts->typed = span_of(w->typed ? w->typed : DOMAIN);
	facts->examined_us = NOW_S * CLOCK_SECOND_US;
	if (w->typed) {
		facts->why_not = SPAN("it contains a blank");
		return facts;
	}
	facts->domain = SPAN(DOMAIN);
	facts->server = span_of(w->server);
	facts->deadline_passed = w->deadline_passed;
	facts->attempts_cut = w->attempts_cut;
	facts->not_connected = w->not_connected;
	facts->probe_from = span_of(w->probe_from);
	facts->validated = !w->not_validated;
	facts->why_not_validated = span_of(w->not_validated);
	world_targets(w, facts);
	world_hosts(w, facts);
	world_attempts(w, facts);
	return facts;
}

/* All findings in order, "error:srv-missing warning:certificate-weak"; notes that every report has are left out. */
static inline const char *world_codes(const struct finding_list *list, char *ret_text, size_t capacity)
{
	struct buffer text;
	buffer_init(&text, 4096);
	for (const struct finding *f = list->first; f; f = f->next) {
		if (f->code == FINDING_PARTNER_LISTS_UNSEEN || f->code == FINDING_CLIENT_CERTIFICATE_NOT_ASKED)
			continue;
		buffer_printf(&text, "%s%s:%s", text.length ? " " : "", finding_severity_name(f->severity),
			finding_entry(f->code)->code);
	}
	snprintf(ret_text, capacity, "%.*s", SPAN_PRINT(buffer_span(&text)));
	buffer_done(&text);
	return ret_text;
}

/* A row a word, a column a sign: "+" good, "!" warning, "x" bad, "?" unknown, "." not judged. */
static inline const char *world_cells(const struct check_report *report, char *ret_text, size_t capacity)
{
	static const char signs[] = {
		[CHECK_STATE_NOT_JUDGED] = '.',
		[CHECK_STATE_GOOD] = '+',
		[CHECK_STATE_WARNING] = '!',
		[CHECK_STATE_BAD] = 'x',
		[CHECK_STATE_UNKNOWN] = '?',
	};
	size_t length = 0;
	for (size_t r = 0; r < report->row_count && length + CHECK_STEP_COUNT + 2 < capacity; r++) {
		if (r)
			ret_text[length++] = ' ';
		for (int s = 0; s < CHECK_STEP_COUNT; s++) {
			const struct check_cell *cell = &report->rows[r].cells[s];
			bool bad = cell->state == CHECK_STATE_BAD || cell->state == CHECK_STATE_UNKNOWN ||
				   cell->state == CHECK_STATE_WARNING;
			assert_true(bad == (cell->code != FINDING_NONE));
			ret_text[length++] = signs[cell->state];
		}
	}
	ret_text[length] = '\0';
	return ret_text;
}
