/* SPDX-License-Identifier: Apache-2.0 */
/* A report for programs; docs/formats.md lists every field. Names are stable: new ones may come, none goes. */
#include "base/require.h"
#include "check/render_parts.h"
#include "check/words.h"
#include "finding/json.h"

#include <time.h>

/* Appending to or setting in a NULL container fails and drops the value, so memory is asked about once, at the end. */
static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void set_text(json_t *object, const char *name, struct span text)
{
	set(object, name, text.length ? check_json_text(text) : json_null());
}

static void set_word(json_t *object, const char *name, enum check_words kind, unsigned value)
{
	set(object, name, json_string(check_word(kind, value)));
}

/* Microseconds; null: the step was not reached. */
static void set_us(json_t *object, const char *name, int64_t us)
{
	set(object, name, us < 0 ? json_null() : json_integer(us));
}

static json_t *texts_json(const struct span *texts, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, check_json_text(texts[i]));
	return list;
}

static json_t *time_json(int64_t wall_us)
{
	char text[40];
	size_t length = clock_format_utc(wall_us, text, sizeof(text));
	return length ? json_stringn(text, length) : json_null();
}

/* "2026-12-31T12:00:00Z"; null where the date could not be read. */
static json_t *date_json(int64_t unix_s)
{
	time_t seconds = (time_t)unix_s;
	struct tm parts;
	char text[64];
	if (unix_s == INT64_MIN || unix_s == INT64_MAX || !gmtime_r(&seconds, &parts))
		return json_null();
	return json_stringn(text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts));
}

static json_t *hex_json(struct span bytes)
{
	static const char digits[] = "0123456789abcdef";
	char text[128];
	size_t length = 0;
	for (size_t i = 0; i < bytes.length && length + 2 <= sizeof(text); i++) {
		text[length++] = digits[(unsigned char)bytes.at[i] >> 4];
		text[length++] = digits[bytes.at[i] & 15];
	}
	return bytes.length ? json_stringn(text, length) : json_null();
}

/* ---- DNS ---- */

static json_t *srv_json(const struct trust_domain *srv)
{
	json_t *list = json_array();
	for (size_t i = 0; i < srv->record_count; i++) {
		const struct trust_srv *record = &srv->records[i];
		json_t *entry = json_object();
		set(entry, "priority", json_integer(record->priority));
		set(entry, "weight", json_integer(record->weight));
		set(entry, "port", json_integer(record->port));
		set(entry, "target", check_json_text(record->target.length ? record->target : SPAN(".")));
		set(entry, "ttl_s", json_integer(record->ttl_s));
		json_array_append_new(list, entry);
	}
	return list;
}

static void add_lookup(json_t *list, struct span name, const char *type, const struct trust_lookup *lookup)
{
	if (lookup->status == TRUST_LOOKUP_NOT_ASKED)
		return;
	json_t *entry = json_object();
	set_text(entry, "name", lookup->name.length ? lookup->name : name);
	set(entry, "type", json_string(type));
	set_word(entry, "status", CHECK_WORDS_LOOKUP, lookup->status);
	set(entry, "secure", json_boolean(lookup->secure));
	set(entry, "bogus", json_boolean(lookup->bogus));
	set(entry, "ttl_s", json_integer(lookup->ttl_s));
	set_text(entry, "alias_of", lookup->canonical);
	set_text(entry, "why", lookup->why);
	json_array_append_new(list, entry);
}

static json_t *lookups_json(const struct check_facts *facts)
{
	json_t *list = json_array();
	add_lookup(list, facts->domain, "SRV", &facts->srv.lookup);
	for (size_t i = 0; i < facts->host_count; i++) {
		const struct trust_host *host = &facts->hosts[i];
		add_lookup(list, host->name, "A", &host->a);
		add_lookup(list, host->name, "AAAA", &host->aaaa);
		add_lookup(list, host->name, "TLSA", &host->tlsa_lookup);
	}
	return list;
}

static json_t *addresses_json(const struct check_facts *facts)
{
	json_t *list = json_array();
	for (size_t i = 0; i < facts->host_count; i++) {
		const struct trust_host *host = &facts->hosts[i];
		for (size_t j = 0; j < host->address_count; j++) {
			json_t *entry = json_object();
			set_text(entry, "host", host->name);
			set_text(entry, "address", host->addresses[j].text);
			set(entry, "ipv6", json_boolean(host->addresses[j].is_ipv6));
			set(entry, "private", json_boolean(host->addresses[j].is_private));
			json_array_append_new(list, entry);
		}
	}
	return list;
}

static json_t *tlsa_json(const struct check_facts *facts)
{
	json_t *list = json_array();
	for (size_t i = 0; i < facts->host_count; i++) {
		const struct trust_host *host = &facts->hosts[i];
		for (size_t j = 0; j < host->tlsa_count; j++) {
			const struct trust_tlsa *tlsa = &host->tlsa[j];
			bool whole = tlsa->matching == 0;
			json_t *entry = json_object();
			set_text(entry, "host", host->name);
			set(entry, "usage", json_integer(tlsa->usage));
			set(entry, "selector", json_integer(tlsa->selector));
			set(entry, "matching", json_integer(tlsa->matching));
			set(entry, whole ? "data_sha256" : "data", hex_json(whole ? tlsa->data_sha256 : tlsa->data));
			json_array_append_new(list, entry);
		}
	}
	return list;
}

/* ---- certificates: each once, referred to by its place in the list ---- */

static json_t *usage_json(unsigned usage)
{
	static const struct {
		unsigned bit;
		const char *name;
	} usages[] = { { TRUST_USAGE_SERVER, "server" }, { TRUST_USAGE_CLIENT, "client" }, { TRUST_USAGE_ANY, "any" },
		{ TRUST_USAGE_OTHER, "other" } };
	if (usage == TRUST_USAGE_ABSENT)
		return json_null();
	json_t *list = json_array();
	for (size_t i = 0; i < BASE_COUNT(usages); i++)
		if (usage & usages[i].bit)
			json_array_append_new(list, json_string(usages[i].name));
	return list;
}

static json_t *certificate_json(const struct trust_certificate *c)
{
	json_t *entry = json_object();
	set(entry, "sha256", hex_json(c->fingerprint));
	set_text(entry, "subject", c->subject);
	set_text(entry, "issuer", c->issuer);
	set_text(entry, "serial", c->serial);
	set_text(entry, "common_name", c->common_name);
	set(entry, "has_names", json_boolean(c->has_names));
	set(entry, "dns_names", texts_json(c->dns_names, c->dns_name_count));
	set(entry, "uri_names", texts_json(c->uri_names, c->uri_name_count));
	set(entry, "names_cut", json_boolean(c->names_cut));
	set(entry, "issuer_uris", texts_json(c->issuer_uris, c->issuer_uri_count));
	set(entry, "not_before", date_json(c->not_before_s));
	set(entry, "not_after", date_json(c->not_after_s));
	set(entry, "usages", usage_json(c->usage));
	set_word(entry, "key", CHECK_WORDS_KEY, c->key_kind);
	set(entry, "key_bits", json_integer(c->key_bits));
	set(entry, "key_sha256", hex_json(c->key_sha256));
	set_text(entry, "signature", c->signature);
	set(entry, "signature_weak", json_boolean(c->signature_weak));
	set(entry, "authority", json_boolean(c->is_authority));
	set(entry, "self_signed", json_boolean(c->self_signed));
	return entry;
}

/* The certificates written so far; what repeats is referred to. */
struct album {
	json_t *list;
	json_t *known; /* fingerprint in hex to place */
};

static json_t *album_place(struct album *album, const struct trust_certificate *c)
{
	json_t *name = hex_json(c->fingerprint);
	json_t *place = json_object_get(album->known, json_string_value(name));
	if (place) {
		json_decref(name);
		return json_incref(place);
	}
	place = json_integer((json_int_t)json_array_size(album->list));
	json_array_append_new(album->list, certificate_json(c));
	if (json_is_string(name))
		json_object_set(album->known, json_string_value(name), place);
	json_decref(name);
	return place;
}

static json_t *chain_json(const struct trust_chain *chain, struct album *album)
{
	json_t *entry = json_object();
	json_t *places = json_array();
	for (size_t i = 0; i < chain->count; i++)
		json_array_append_new(places, album_place(album, &chain->certificates[i]));
	set(entry, "certificates", places);
	set(entry, "sent", json_integer((json_int_t)chain->sent_count));
	set_word(entry, "status", CHECK_WORDS_CHAIN, chain->status);
	set_text(entry, "missing", chain->missing);
	set_text(entry, "authority", chain->authority);
	set(entry, "private_authority", json_boolean(chain->private_authority));
	set(entry, "verify_error", json_integer(chain->verify_error));
	set_text(entry, "verify_text", chain->verify_text);
	return entry;
}

/* ---- connections ---- */

static json_t *alert_json(const struct trust_connection *connection, enum peer_reaction reaction)
{
	bool received = connection->handshake == TRUST_HANDSHAKE_ALERT_RECEIVED || reaction == PEER_REACTION_REFUSED;
	if (!received && connection->handshake != TRUST_HANDSHAKE_ALERT_SENT)
		return json_null();
	json_t *entry = json_object();
	set(entry, "number", json_integer(connection->alert));
	set_text(entry, "name", span_of(trust_alert_name(connection->alert)));
	set(entry, "from", json_string(received ? "peer" : "us"));
	return entry;
}

static json_t *versions_json(const struct peer_probe_facts *probe)
{
	json_t *list = json_array();
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++) {
		const struct peer_version *version = &probe->versions[i];
		if (version->status == PEER_VERSION_NOT_TRIED || !version->name)
			continue;
		json_t *entry = json_object();
		set(entry, "version", json_string(version->name));
		set_word(entry, "status", CHECK_WORDS_VERSION, version->status);
		set_text(entry, "text", version->text);
		json_array_append_new(list, entry);
	}
	return list;
}

static json_t *answer_json(const struct check_answer *answer)
{
	if (!answer->asked)
		return json_null();
	json_t *entry = json_object();
	set(entry, "status", answer->status ? json_integer(answer->status) : json_null());
	set_text(entry, "reason", answer->reason);
	set_text(entry, "server", answer->server);
	set_text(entry, "diagnostics", answer->diagnostics);
	set_text(entry, "text", answer->text);
	set_us(entry, "elapsed_us", answer->elapsed_us);
	return entry;
}

static json_t *attempt_json(const struct check_facts *facts, const struct check_attempt *attempt, struct album *album)
{
	const struct peer_probe_facts *probe = &attempt->probe;
	const struct trust_connection *connection = &probe->connection;
	json_t *entry = json_object();
	set_text(entry, "host", facts->hosts[attempt->host].name);
	set(entry, "port", json_integer(attempt->port));
	set_text(entry, "address", attempt->address);
	set_word(entry, "connect", CHECK_WORDS_CONNECT, connection->connect);
	set_us(entry, "connect_us", probe->connect_us);
	set_word(entry, "handshake", CHECK_WORDS_HANDSHAKE, connection->handshake);
	set_us(entry, "handshake_us", probe->handshake_us);
	set_text(entry, "version", connection->version);
	set_text(entry, "cipher", connection->cipher);
	set(entry, "alert", alert_json(connection, probe->reaction));
	set_text(entry, "text", connection->text);
	set(entry, "chain",
		probe->chain.count || probe->chain.sent_count ? chain_json(&probe->chain, album) : json_null());
	set(entry, "planned_certificate", json_boolean(attempt->planned_certificate));
	set(entry, "certificate_asked", json_boolean(connection->certificate_asked));
	set(entry, "requested_authorities", texts_json(probe->requested_authorities, probe->requested_authority_count));
	set(entry, "requested_authorities_cut", json_boolean(probe->requested_authorities_cut));
	set_word(entry, "reaction", CHECK_WORDS_REACTION, probe->reaction);
	set_us(entry, "reaction_us", probe->reaction_us);
	set(entry, "versions", versions_json(probe));
	set(entry, "options", answer_json(&attempt->answer));
	return entry;
}

static json_t *facts_json(const struct check_facts *facts)
{
	json_t *object = json_object();
	struct album album = { .list = json_array(), .known = json_object() };
	json_t *tls = json_array();
	for (size_t i = 0; i < facts->attempt_count; i++)
		json_array_append_new(tls, attempt_json(facts, &facts->attempts[i], &album));
	set(object, "srv", srv_json(&facts->srv));
	set(object, "srv_cut", json_boolean(facts->srv.cut));
	set(object, "lookups", lookups_json(facts));
	set(object, "addresses", addresses_json(facts));
	set(object, "tlsa", tlsa_json(facts));
	set(object, "tls", tls);
	set(object, "certificates", album.list);
	set_us(object, "lookup_us", facts->lookup_us);
	set_text(object, "server", facts->server);
	set_text(object, "resolvers", facts->resolvers);
	set_text(object, "vantage", facts->vantage);
	set(object, "validated", json_boolean(facts->validated));
	set_text(object, "why_not_validated", facts->why_not_validated);
	set_text(object, "probe_from", facts->probe_from);
	set(object, "client_certificate", json_boolean(facts->client_certificate));
	set(object, "planned_zone", json_boolean(facts->planned_zone));
	set(object, "not_connected", json_boolean(facts->not_connected));
	set(object, "deadline_passed", json_boolean(facts->deadline_passed));
	set(object, "attempts_cut", json_boolean(facts->attempts_cut));
	json_decref(album.known);
	return object;
}

/* ---- the judgement ---- */

static json_t *row_json(const struct check_row *row)
{
	static const char *const names[CHECK_STEP_COUNT] = { "srv", "domain_rule", "address", "tcp", "tls", "chain",
		"name", "dates", "usage", "options" };
	json_t *entry = json_object(), *steps = json_object();
	set_text(entry, "host", row->host);
	set(entry, "port", row->host.length ? json_integer(row->port) : json_null());
	set_text(entry, "address", row->address);
	set(entry, "candidate", json_boolean(row->candidate));
	set(entry, "accepted", json_boolean(row->accepted));
	for (size_t i = 0; i < CHECK_STEP_COUNT; i++) {
		enum finding_code code = row->cells[i].code;
		json_t *cell = json_object();
		set_word(cell, "state", CHECK_WORDS_STATE, row->cells[i].state);
		set(cell, "code", code == FINDING_NONE ? json_null() : json_string(finding_entry(code)->code));
		set(steps, names[i], cell);
	}
	set(entry, "steps", steps);
	return entry;
}

static json_t *way_json(const struct check_way *way)
{
	json_t *entry = json_object();
	set(entry, "verdict", json_string(check_verdict_name(way->verdict)));
	set(entry, "finding", way->answer ? json_string(finding_entry(way->answer->code)->code) : json_null());
	set(entry, "ms_diagnostics", finding_json_diagnostics(way->answer));
	return entry;
}

json_t *check_render_json(const struct check_report *report)
{
	const struct check_facts *facts = report->facts;
	json_t *object = json_object(), *rows = json_array();
	for (size_t i = 0; i < report->row_count; i++)
		json_array_append_new(rows, row_json(&report->rows[i]));
	set_text(object, "domain", facts->domain);
	set_text(object, "typed", facts->typed);
	set(object, "policy", json_string(check_policy_name(report->policy)));
	set(object, "verdict", json_string(check_verdict_name(report->verdict)));
	set(object, "ms_diagnostics", finding_json_diagnostics(report->answer));
	set(object, "finding", report->answer ? json_string(finding_entry(report->answer->code)->code) : json_null());
	set(object, "calls_to", way_json(&report->to));
	set(object, "calls_from", way_json(&report->from));
	set(object, "findings", finding_list_json(&report->findings));
	set(object, "findings_dropped", json_integer((json_int_t)report->findings.dropped));
	set(object, "rows", rows);
	set(object, "certificate_days",
		report->certificate_days == INT32_MIN ? json_null() : json_integer(report->certificate_days));
	set(object, "facts", facts_json(facts));
	set(object, "examined_at", time_json(facts->examined_us));
	set(object, "judged_at", date_json(report->judged_at_s));
	set(object, "elapsed_ms", json_integer((facts->elapsed_us + 500) / 1000));
	return object;
}
