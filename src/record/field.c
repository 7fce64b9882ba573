/* SPDX-License-Identifier: Apache-2.0 */
#include "record/field.h"

/* Lists of words stand in the order of their enums. */
static const char *const kind_words[] = { "none", "message", "dns-query", "dns-answer", "connection", "handshake",
	"judgement", "rule", "search", "call", "node", "notice", "attempt", "registration", "zone", NULL };
static const char *const direction_words[] = { "received", "sent", "passed", NULL };
const char *const record_transport_words[] = { "none", "udp", "tcp", "tls", NULL };
static const char *const side_words[] = { "unknown", "internal", "external", NULL };
static const char *const severity_words[] = { "note", "warning", "error", NULL };
static const char *const dns_status_words[] = { "ok", "nodata", "nxdomain", "servfail", "refused", "timeout", "bogus",
	"cancelled", NULL };
static const char *const connection_words[] = { "attempted", "opened", "accepted", "closed", "failed", NULL };
static const char *const role_words[] = { "client", "server", NULL };
static const char *const alert_words[] = { "none", "received", "sent", NULL };
static const char *const rule_words[] = { "did-not-match", "ignored-source", "ignored-disabled", "considered",
	"ignored-unauthenticated", "ignored-variant", "too-costly", NULL };
static const char *const rule_part_words[] = { "search", "transform", "policy", NULL };
static const char *const search_words[] = { "attempted", "completed", NULL };
static const char *const call_words[] = { "attempted", "connected", "rejected", "disconnected", NULL };
static const char *const node_words[] = { "note", "started", "ready", "reloaded", "draining", "stopped", "dropped",
	NULL };

static const char *const attempt_words[] = { "zone", "sent", "answered", "failed", "cancelled", "skipped", NULL };
static const char *const registration_words[] = { "accepted", "refreshed", "removed", "expired", "rejected", NULL };

#define FIELD(name, type, member)                                                                                      \
	{                                                                                                              \
		name, RECORD_FIELD_##type, offsetof(struct record, member), NULL                                       \
	}
#define WORD(name, words, member)                                                                                      \
	{                                                                                                              \
		name, RECORD_FIELD_WORD, offsetof(struct record, member), words                                        \
	}
#define END                                                                                                            \
	{                                                                                                              \
		NULL, RECORD_FIELD_TIME, 0, NULL                                                                       \
	}

_Static_assert(sizeof(enum record_kind) == sizeof(unsigned int), "words are read as unsigned int");

const struct record_field record_head_fields[] = {
	FIELD("time", TIME, head.time_us),
	FIELD("node", SPAN, head.node),
	FIELD("worker", U32, head.worker),
	FIELD("connection", ID, head.connection),
	FIELD("serial", SPAN, head.serial),
	FIELD("tag", SPAN, head.tag),
	FIELD("local_session", SPAN, head.local_session),
	FIELD("remote_session", SPAN, head.remote_session),
	FIELD("process", U32, head.process),
	FIELD("thread", U32, head.thread),
	FIELD("sequence", U32, head.sequence),
	FIELD("correlation", ID, head.correlation),
	END,
};
static const struct record_field no_fields[] = { END };
static const struct record_field message_fields[] = {
	WORD("direction", direction_words, message.direction),
	WORD("transport", record_transport_words, message.transport),
	WORD("side", side_words, message.side),
	FIELD("local", ADDRESS, message.local),
	FIELD("remote", ADDRESS, message.remote),
	FIELD("peer", SPAN, message.peer),
	FIELD("zone", SPAN, message.zone),
	FIELD("hash", ID, message.hash),
	FIELD("bytes", SPAN, message.bytes),
	END,
};
static const struct record_field dns_fields[] = {
	FIELD("name", SPAN, dns.name),
	FIELD("type", SPAN, dns.type),
	WORD("status", dns_status_words, dns.status),
	FIELD("records", SPANS, dns.records),
	FIELD("ttl_s", U32, dns.ttl_s),
	FIELD("why", SPAN, dns.why),
	FIELD("secure", BOOL, dns.secure),
	WORD("transport", record_transport_words, dns.transport),
	FIELD("port", U16, dns.port),
	FIELD("elapsed_us", U64, dns.elapsed_us),
	END,
};
static const struct record_field connection_fields[] = {
	WORD("event", connection_words, connection.event),
	WORD("role", role_words, connection.role),
	WORD("transport", record_transport_words, connection.transport),
	FIELD("local", ADDRESS, connection.local),
	FIELD("remote", ADDRESS, connection.remote),
	FIELD("peer", SPAN, connection.peer),
	FIELD("zone", SPAN, connection.zone),
	FIELD("stage", SPAN, connection.stage),
	FIELD("reason", SPAN, connection.reason),
	FIELD("error", I32, connection.error),
	FIELD("duration_us", U64, connection.duration_us),
	END,
};
static const struct record_field handshake_fields[] = {
	FIELD("failed", BOOL, handshake.failed),
	WORD("role", role_words, handshake.role),
	FIELD("resumed", BOOL, handshake.resumed),
	FIELD("local", ADDRESS, handshake.local),
	FIELD("remote", ADDRESS, handshake.remote),
	FIELD("server_name", SPAN, handshake.server_name),
	FIELD("version", SPAN, handshake.version),
	FIELD("cipher", SPAN, handshake.cipher),
	FIELD("common_name", SPAN, handshake.common_name),
	FIELD("names", SPANS, handshake.names),
	FIELD("issuer", SPAN, handshake.issuer),
	WORD("alert_direction", alert_words, handshake.alert_direction),
	FIELD("alert", U16, handshake.alert),
	FIELD("reason", SPAN, handshake.reason),
	FIELD("verify_error", I32, handshake.verify_error),
	FIELD("verify_reason", SPAN, handshake.verify_reason),
	FIELD("duration_us", U64, handshake.duration_us),
	END,
};
static const struct record_field judgement_fields[] = {
	FIELD("code", SPAN, judgement.code),
	WORD("severity", severity_words, judgement.severity),
	FIELD("subject", SPAN, judgement.subject),
	FIELD("text", SPAN, judgement.text),
	FIELD("who", SPAN, judgement.who),
	FIELD("result_code", U32, judgement.result_code),
	FIELD("result_name", SPAN, judgement.result_name),
	FIELD("diagnostics", U32, judgement.diagnostics),
	FIELD("parameters", PAIRS, judgement.parameters),
	FIELD("start_line", SPAN, judgement.start_line),
	FIELD("call_id", SPAN, judgement.call_id),
	FIELD("cseq", SPAN, judgement.cseq),
	FIELD("peer", SPAN, judgement.peer),
	FIELD("remote", ADDRESS, judgement.remote),
	FIELD("status", U16, judgement.status),
	FIELD("reason", SPAN, judgement.reason),
	END,
};
static const struct record_field rule_fields[] = {
	FIELD("name", SPAN, rule.name),
	WORD("verdict", rule_words, rule.verdict),
	FIELD("alias", SPAN, rule.alias),
	FIELD("source", SPAN, rule.source),
	FIELD("target", SPAN, rule.target),
	FIELD("priority", I32, rule.priority),
	WORD("part", rule_part_words, rule.part),
	FIELD("action", SPAN, rule.action),
	END,
};
static const struct record_field search_fields[] = {
	WORD("event", search_words, search.event),
	FIELD("method", SPAN, search.method),
	FIELD("source", SPAN, search.source),
	FIELD("destination", SPAN, search.destination),
	FIELD("remote", ADDRESS, search.remote),
	WORD("transport", record_transport_words, search.transport),
	FIELD("found", BOOL, search.found),
	FIELD("reason", SPAN, search.reason),
	FIELD("detail", SPAN, search.detail),
	FIELD("response_code", U16, search.response_code),
	FIELD("duration_us", U64, search.duration_us),
	FIELD("call_id", SPAN, search.call_id),
	FIELD("zone", SPAN, search.zone),
	FIELD("variant", SPAN, search.variant),
	FIELD("authenticated", BOOL, search.authenticated),
	END,
};
static const struct record_field call_fields[] = {
	WORD("event", call_words, call.event),
	FIELD("source", SPAN, call.source),
	FIELD("destination", SPAN, call.destination),
	FIELD("call_id", SPAN, call.call_id),
	FIELD("local", ADDRESS, call.local),
	FIELD("remote", ADDRESS, call.remote),
	WORD("transport", record_transport_words, call.transport),
	FIELD("authenticated", BOOL, call.authenticated),
	FIELD("reason", SPAN, call.reason),
	FIELD("response_code", U16, call.response_code),
	FIELD("duration_us", U64, call.duration_us),
	END,
};
static const struct record_field node_fields[] = {
	WORD("event", node_words, node.event),
	WORD("severity", severity_words, node.severity),
	FIELD("text", SPAN, node.text),
	FIELD("count", U64, node.count),
	END,
};
static const struct record_field notice_fields[] = {
	WORD("severity", severity_words, notice.severity),
	FIELD("module", SPAN, notice.module),
	FIELD("name", SPAN, notice.name),
	FIELD("detail", SPAN, notice.detail),
	FIELD("local", ADDRESS, notice.local),
	FIELD("remote", ADDRESS, notice.remote),
	FIELD("pairs", PAIRS, notice.pairs),
	END,
};
static const struct record_field attempt_fields[] = {
	WORD("event", attempt_words, attempt.event),
	FIELD("zone", SPAN, attempt.zone),
	FIELD("alias", SPAN, attempt.alias),
	FIELD("target", SPAN, attempt.target),
	FIELD("remote", ADDRESS, attempt.remote),
	WORD("transport", record_transport_words, attempt.transport),
	FIELD("branch", U32, attempt.branch),
	FIELD("group", U32, attempt.group),
	FIELD("status", U16, attempt.status),
	FIELD("reason", SPAN, attempt.reason),
	FIELD("elapsed_us", U64, attempt.elapsed_us),
	END,
};
static const struct record_field registration_fields[] = {
	WORD("event", registration_words, registration.event),
	FIELD("alias", SPAN, registration.alias),
	FIELD("contact", SPAN, registration.contact),
	FIELD("user", SPAN, registration.user),
	FIELD("agent", SPAN, registration.agent),
	FIELD("expires_s", U32, registration.expires_s),
	FIELD("remote", ADDRESS, registration.remote),
	WORD("transport", record_transport_words, registration.transport),
	FIELD("status", U16, registration.status),
	FIELD("reason", SPAN, registration.reason),
	END,
};
static const struct record_field zone_fields[] = {
	FIELD("zone", SPAN, zone.zone),
	FIELD("state", SPAN, zone.state),
	FIELD("before", SPAN, zone.before),
	FIELD("peer", SPAN, zone.peer),
	FIELD("reason", SPAN, zone.reason),
	END,
};
static const struct record_field *const kind_fields[RECORD_KIND_COUNT] = {
	[RECORD_NONE] = no_fields,
	[RECORD_MESSAGE] = message_fields,
	[RECORD_DNS_QUERY] = dns_fields,
	[RECORD_DNS_ANSWER] = dns_fields,
	[RECORD_CONNECTION] = connection_fields,
	[RECORD_HANDSHAKE] = handshake_fields,
	[RECORD_JUDGEMENT] = judgement_fields,
	[RECORD_RULE] = rule_fields,
	[RECORD_SEARCH] = search_fields,
	[RECORD_CALL] = call_fields,
	[RECORD_NODE] = node_fields,
	[RECORD_NOTICE] = notice_fields,
	[RECORD_ATTEMPT] = attempt_fields,
	[RECORD_REGISTRATION] = registration_fields,
	[RECORD_ZONE] = zone_fields,
};

const struct record_field *record_kind_fields(enum record_kind kind)
{
	return (unsigned int)kind < RECORD_KIND_COUNT ? kind_fields[kind] : no_fields;
}

const char *record_word(const char *const *words, unsigned int value)
{
	for (unsigned int i = 0; words[i]; i++)
		if (i == value)
			return words[i];
	return "?";
}

const char *record_kind_word(enum record_kind kind)
{
	return record_word(kind_words, (unsigned int)kind);
}

enum record_kind record_kind_of(struct span word)
{
	for (unsigned int i = 1; i < RECORD_KIND_COUNT; i++)
		if (span_is(word, kind_words[i]))
			return (enum record_kind)i;
	return RECORD_NONE;
}

static bool spans_equal(const struct record_spans *a, const struct record_spans *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (!span_equal(a->at[i], b->at[i]))
			return false;
	return a->count == b->count;
}

static bool pairs_equal(const struct record_pairs *a, const struct record_pairs *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (!span_equal(a->at[i].name, b->at[i].name) || !span_equal(a->at[i].value, b->at[i].value))
			return false;
	return a->count == b->count;
}

static bool field_equal(const void *a, const void *b, enum record_field_type type)
{
	switch (type) {
	case RECORD_FIELD_TIME:
	case RECORD_FIELD_U64:
	case RECORD_FIELD_ID:
		return memcmp(a, b, sizeof(uint64_t)) == 0;
	case RECORD_FIELD_U16:
		return memcmp(a, b, sizeof(uint16_t)) == 0;
	case RECORD_FIELD_U32:
	case RECORD_FIELD_I32:
	case RECORD_FIELD_WORD:
		return memcmp(a, b, sizeof(uint32_t)) == 0;
	case RECORD_FIELD_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case RECORD_FIELD_ADDRESS:
		return record_address_equal(a, b);
	case RECORD_FIELD_SPAN:
		return span_equal(*(const struct span *)a, *(const struct span *)b);
	case RECORD_FIELD_SPANS:
		return spans_equal(a, b);
	case RECORD_FIELD_PAIRS:
		return pairs_equal(a, b);
	}
	return false;
}

static const char *first_difference(const struct record *a, const struct record *b, const struct record_field *fields)
{
	for (const struct record_field *f = fields; f->name; f++)
		if (!field_equal(record_field_at(a, f), record_field_at(b, f), f->type))
			return f->name;
	return NULL;
}

bool record_equal(const struct record *a, const struct record *b, const char **ret_name)
{
	const char *name = NULL;
	if (a->kind != b->kind)
		name = "kind";
	if (!name)
		name = first_difference(a, b, record_head_fields);
	if (!name)
		name = first_difference(a, b, record_kind_fields(a->kind));
	if (name && ret_name)
		*ret_name = name;
	return !name;
}
