/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_EXPLAIN_MATERIAL_H
#define FEDGE_TESTS_EXPLAIN_MATERIAL_H
/* clang-format off */
/* Events and cases from a few lines of text, by the way that logs go: each line becomes a record, is boiled, and goes
 * to the joiner.
 *
 *	struct material m;
 *	material_open(&m, NULL);
 *	material_add(&m, "vcsc 0.000 < phone INVITE via=phone\n"
 *			 "vcsc 0.010 > vcse INVITE via=vcsc:S1,phone\n"
 *			 "vcse 0.011 < vcsc INVITE via=vcsc:S1,phone\n"
 *			 "vcse 0.020 > vcsc 504 'Server time-out' via=vcsc:S1,phone diag='1009;reason=\"x\"'\n"
 *			 "vcsc 0.021 < vcse 504 'Server time-out' via=vcsc:S1,phone\n");
 *	material_end(&m);
 *	m.cases[0]->status …
 *	material_close(&m);
 *
 * A line: BOX SECONDS < PEER …      received, in BOX's own log          (SECONDS: "-" is a time that is not known)
 *         BOX SECONDS > PEER …      sent
 *         * SECONDS A > B …         seen on the wire by somebody between, who has no name
 *         BOX SECONDS KIND …        a record that is no message
 * Hosts are names; each has the address 10.0.0.N, N by the order in which they are first named, and port 5061. A peer
 * with a dot in its name is told by its name too (record.message.peer). A value with blanks stands in ' '.
 *
 * Messages: METHOD [URI] or STATUS ['phrase'], then in any order
 *	call=c1 cseq=1 m=INVITE (method of a response's CSeq) from=alice@a.lab to=bob@b.lab (without "sip:")
 *	via=top:serial,next,last (the Vias, each host with its proxy-call-id where one is given; branches follow from
 *	host, call and cseq; default: the sender of a request, the receiver of a response)
 *	tag=x (To tag; responses above 100 have "tt")
 *	diag='1009;reason="…"' (ms-diagnostics), h='Name: value' (again and again)
 *	session=local[,remote] hash=N summary nocall novia raw='…' (whole text, \n for line ends)
 *	nowhere (the log gives it no addresses, as a SIPStack trace)
 * Records:
 *	dns SRV NAME [answer='0 0 5061 x.lab.' …] [status=nxdomain|nodata|servfail|timeout]; without either: a query
 *	connect attempted|opened|accepted|closed|failed HOST[:PORT] [reason='…'] [peer=NAME] [transport=tcp]
 *	handshake ok|failed HOST[:PORT] [server] [alert=48] [sent] [reason='…'] [name=SNI] [cn=NAME] [issuer=NAME]
 *	judge CODE [severity=warning|note] [result=0xc3e93d6f] [call=c1] [cseq='1 INVITE']
 *		[line='INVITE sip:… SIP/2.0'] [domain=…] [status=504] [p='name=value' …]
 *	rule NAME [verdict=considered|unmatched|source] [alias=…] [target=…]
 *	search completed|attempted [to=…] [status=404] [reason='…'] [found]
 *	event attempted|connected|rejected|disconnected [to=…] [status=404] [reason='…'] [call=…]
 *	notice MODULE NAME [detail='…'] [severity=error|warning] [remote=HOST] [p='name=value' …]
 * All lines: serial=… tag=… (of the log line; in a message: ltag=) node=… file=N conn=N corr=N */
/* clang-format on */
#include "base/buffer.h"
#include "explain/joiner.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define MATERIAL_HOSTS 64
#define MATERIAL_CASES 64
#define MATERIAL_WORDS 48

struct material {
	struct arena arena;
	struct explain_joiner *joiner;
	const struct explain_case *cases[MATERIAL_CASES];
	size_t case_count;
	struct span hosts[MATERIAL_HOSTS];
	size_t host_count;
	uint64_t line;
	const struct explain_event *last; /* the event of the line that was added last; NULL: it told nothing */
};

/* ---- words of a line ---- */

struct material_line {
	struct material *m;
	struct span words[MATERIAL_WORDS];
	size_t count, next;
};

static inline struct span material_word(struct span *rest)
{
	while (rest->length > 0 && rest->at[0] == ' ')
		*rest = span_from(*rest, 1);
	size_t length = 0;
	bool quoted = false;
	while (length < rest->length && (quoted || rest->at[length] != ' ')) {
		quoted ^= rest->at[length] == '\'';
		length++;
	}
	struct span word = span_first(*rest, length);
	*rest = span_from(*rest, length);
	return word;
}

static inline struct span material_unquote(struct span value)
{
	if (value.length >= 2 && value.at[0] == '\'')
		return span_make(value.at + 1, value.length - 2);
	return value;
}

/* The nth value of key=…; absent where there is none. */
static inline struct span material_nth(const struct material_line *l, const char *key, size_t n)
{
	size_t length = strlen(key);
	for (size_t i = 0; i < l->count; i++) {
		struct span word = l->words[i];
		if (word.length > length && word.at[length] == '=' && memcmp(word.at, key, length) == 0 && n-- == 0)
			return material_unquote(span_from(word, length + 1));
	}
	return SPAN_NONE;
}

static inline struct span material_value(const struct material_line *l, const char *key, const char *otherwise)
{
	struct span value = material_nth(l, key, 0);
	return value.at ? value : span_of(otherwise);
}

static inline bool material_flag(const struct material_line *l, const char *flag)
{
	for (size_t i = 0; i < l->count; i++)
		if (span_is(l->words[i], flag))
			return true;
	return false;
}

static inline uint64_t material_number(const struct material_line *l, const char *key)
{
	struct span value = material_nth(l, key, 0);
	char text[32];
	return value.at && span_copy_to(value, text, sizeof(text)) ? strtoull(text, NULL, 0) : 0;
}

/* ---- hosts ---- */

static inline struct record_address material_address(struct material *m, struct span host)
{
	uint64_t port = 5061;
	size_t colon = span_find(host, ':');
	if (colon < host.length)
		assert_int_equal(span_to_u64(span_from(host, colon + 1), UINT16_MAX, &port), 0);
	host = span_first(host, colon);
	size_t i = 0;
	while (i < m->host_count && !span_equal(m->hosts[i], host))
		i++;
	if (i == m->host_count) {
		assert_true(i < MATERIAL_HOSTS);
		m->hosts[m->host_count++] = arena_copy(&m->arena, host);
	}
	return (struct record_address){ .family = 4, .bytes = { 10, 0, 0, (uint8_t)(i + 1) }, .port = (uint16_t)port };
}

static inline struct span material_host_text(struct material *m, struct span host)
{
	struct record_address address = material_address(m, host);
	return arena_printf(&m->arena, "10.0.0.%u", address.bytes[3]);
}

/* ---- messages ---- */

static inline void material_vias(const struct material_line *l, struct span sender, struct buffer *text)
{
	struct span list = material_value(l, "via", NULL), call = material_value(l, "call", "c1");
	uint64_t cseq = material_number(l, "cseq");
	if (!list.at)
		list = sender;
	while (list.length > 0) {
		struct span via = span_cut(&list, ','), host = span_cut(&via, ':');
		(void)buffer_printf(text, "Via: SIP/2.0/TLS %.*s:5061;branch=z9hG4bK-%.*s-%.*s-%u",
			SPAN_PRINT(material_host_text(l->m, host)), SPAN_PRINT(host), SPAN_PRINT(call),
			(unsigned)(cseq ? cseq : 1));
		if (via.length > 0)
			(void)buffer_printf(text, ";proxy-call-id=%.*s", SPAN_PRINT(via));
		(void)buffer_append_text(text, "\r\n");
	}
}

static inline struct span material_text(struct material_line *l, struct span sender, struct span receiver)
{
	struct buffer text;
	struct span what = l->words[l->next++], raw = material_nth(l, "raw", 0), phrase = SPAN_NONE, uri;
	bool is_response = what.at[0] >= '0' && what.at[0] <= '9';
	struct span to = material_value(l, "to", "bob@b.lab"), session = material_nth(l, "session", 0), value;
	buffer_init(&text, 1 << 16);
	if (raw.at) {
		for (size_t i = 0; i < raw.length; i++) {
			bool ends = raw.at[i] == '\\' && i + 1 < raw.length && raw.at[i + 1] == 'n';
			(void)buffer_append(&text, ends ? SPAN("\r\n") : span_make(raw.at + i, 1));
			i += ends;
		}
	} else {
		bool has_next = l->next < l->count && span_find(l->words[l->next], '=') == l->words[l->next].length;
		if (is_response && l->next < l->count && l->words[l->next].at[0] == '\'')
			phrase = material_unquote(l->words[l->next++]);
		uri = !is_response && has_next && !span_is(l->words[l->next], "summary") ? l->words[l->next++] : to;
		struct span method = is_response ? material_value(l, "m", "INVITE") : what;
		struct span tag = material_value(l, "tag", is_response && !span_is(what, "100") ? "tt" : NULL);
		uint64_t cseq = material_number(l, "cseq");
		if (is_response)
			(void)buffer_printf(&text, "SIP/2.0 %.*s %.*s\r\n", SPAN_PRINT(what), SPAN_PRINT(phrase));
		else
			(void)buffer_printf(&text, "%.*s sip:%.*s SIP/2.0\r\n", SPAN_PRINT(what), SPAN_PRINT(uri));
		if (!material_flag(l, "novia"))
			material_vias(l, is_response ? receiver : sender, &text);
		(void)buffer_printf(&text, "From: \"Caller\" <sip:%.*s>;tag=ft\r\nTo: <sip:%.*s>%s%.*s\r\n",
			SPAN_PRINT(material_value(l, "from", "alice@a.lab")), SPAN_PRINT(to), tag.at ? ";tag=" : "",
			SPAN_PRINT(tag));
		if (!material_flag(l, "nocall"))
			(void)buffer_printf(&text, "Call-ID: %.*s\r\n", SPAN_PRINT(material_value(l, "call", "c1")));
		(void)buffer_printf(&text, "CSeq: %u %.*s\r\n", (unsigned)(cseq ? cseq : 1), SPAN_PRINT(method));
		if (session.at) {
			struct span local = span_cut(&session, ',');
			(void)buffer_printf(&text, "Session-ID: %.*s;remote=%.*s\r\n", SPAN_PRINT(local),
				SPAN_PRINT(session.length ? session : SPAN("00000000000000000000000000000000")));
		}
		for (size_t i = 0; (value = material_nth(l, "diag", i)).at; i++)
			(void)buffer_printf(&text, "ms-diagnostics: %.*s\r\n", SPAN_PRINT(value));
		for (size_t i = 0; (value = material_nth(l, "h", i)).at; i++)
			(void)buffer_printf(&text, "%.*s\r\n", SPAN_PRINT(value));
		(void)buffer_append_text(&text, "Content-Length: 0\r\n\r\n");
	}
	struct span copy = arena_copy(&l->m->arena, buffer_span(&text));
	buffer_done(&text);
	return copy;
}

static inline struct span material_peer(struct span host)
{
	return span_find(host, '.') < host.length ? host : SPAN_NONE;
}

static inline void material_message(struct material_line *l, struct record *r)
{
	struct span box = l->words[0], a = l->words[2], b = l->words[3];
	bool passed = span_is(box, "*");
	struct record_message *message = &r->message;
	if (passed) {
		*message = (struct record_message){ .direction = RECORD_PASSED,
			.local = material_address(l->m, a),
			.remote = material_address(l->m, l->words[4]) };
		l->next = 5;
		message->bytes = material_text(l, a, l->words[4]);
	} else {
		bool received = span_is(a, "<");
		*message = (struct record_message){ .direction = received ? RECORD_RECEIVED : RECORD_SENT,
			.local = material_address(l->m, box),
			.remote = material_address(l->m, b),
			.peer = material_peer(b) };
		l->next = 4;
		message->bytes = material_text(l, received ? b : box, received ? box : b);
	}
	if (material_flag(l, "nowhere"))
		message->local = message->remote = (struct record_address){ 0 };
	message->transport = RECORD_TLS;
	message->hash = material_number(l, "hash");
}

/* ---- records ---- */

static inline unsigned material_choice(struct span word, const char *const *words)
{
	unsigned i = 0;
	while (words[i] && !span_is(word, words[i]))
		i++;
	if (!words[i])
		fail_msg("'%.*s' is none of the words for it", SPAN_PRINT(word));
	return i;
}

static inline struct record_pairs material_pairs(const struct material_line *l)
{
	struct record_pair *pairs = arena_zero(&l->m->arena, 16 * sizeof(*pairs));
	size_t count = 0;
	for (struct span value; count < 16 && (value = material_nth(l, "p", count)).at; count++) {
		pairs[count].name = span_cut(&value, '=');
		pairs[count].value = value;
	}
	return (struct record_pairs){ pairs, count };
}

static inline void material_dns(struct material_line *l, struct record *r)
{
	static const char *const statuses[] = { "ok", "nodata", "nxdomain", "servfail", "refused", "timeout", NULL };
	struct span *answers = arena_zero(&l->m->arena, 16 * sizeof(*answers));
	size_t count = 0;
	while (count < 16 && (answers[count] = material_nth(l, "answer", count)).at)
		count++;
	struct span status = material_nth(l, "status", 0);
	r->kind = count > 0 || status.at ? RECORD_DNS_ANSWER : RECORD_DNS_QUERY;
	r->dns = (struct record_dns){ .type = l->words[3],
		.name = l->words[4],
		.status = status.at ? (enum record_dns_status)material_choice(status, statuses) : RECORD_DNS_OK,
		.records = { answers, count } };
}

static inline void material_connection(struct material_line *l, struct record *r)
{
	static const char *const events[] = { "attempted", "opened", "accepted", "closed", "failed", NULL };
	r->kind = RECORD_CONNECTION;
	r->connection = (struct record_connection){ .event = (enum record_connection_event)material_choice(
							    l->words[3], events),
		.role = material_flag(l, "server") || span_is(l->words[3], "accepted") ? RECORD_SERVER : RECORD_CLIENT,
		.transport = span_is(material_value(l, "transport", "tls"), "tcp") ? RECORD_TCP : RECORD_TLS,
		.local = material_address(l->m, l->words[0]),
		.remote = material_address(l->m, l->words[4]),
		.peer = material_value(l, "peer", NULL),
		.reason = material_value(l, "reason", NULL) };
}

static inline void material_handshake(struct material_line *l, struct record *r)
{
	uint64_t alert = material_number(l, "alert");
	r->kind = RECORD_HANDSHAKE;
	r->handshake = (struct record_handshake){ .failed = span_is(l->words[3], "failed"),
		.role = material_flag(l, "server") ? RECORD_SERVER : RECORD_CLIENT,
		.local = material_address(l->m, l->words[0]),
		.remote = material_address(l->m, l->words[4]),
		.server_name = material_value(l, "name", NULL),
		.common_name = material_value(l, "cn", NULL),
		.issuer = material_value(l, "issuer", NULL),
		.alert = (uint16_t)alert,
		.alert_direction = !alert                     ? RECORD_ALERT_NONE
				   : material_flag(l, "sent") ? RECORD_ALERT_SENT
							      : RECORD_ALERT_RECEIVED,
		.reason = material_value(l, "reason", NULL) };
}

static inline void material_judgement(struct material_line *l, struct record *r)
{
	static const char *const severities[] = { "note", "warning", "error", NULL };
	r->kind = RECORD_JUDGEMENT;
	r->judgement = (struct record_judgement){ .code = l->words[3],
		.severity = (enum record_severity)material_choice(material_value(l, "severity", "error"), severities),
		.subject = material_value(l, "domain", NULL),
		.text = material_value(l, "text", NULL),
		.result_code = (uint32_t)material_number(l, "result"),
		.result_name = material_value(l, "resultname", NULL),
		.diagnostics = (uint32_t)material_number(l, "diagnostics"),
		.parameters = material_pairs(l),
		.start_line = material_value(l, "line", "INVITE sip:bob@b.lab SIP/2.0"),
		.call_id = material_value(l, "call", "c1"),
		.cseq = material_value(l, "cseq", "1 INVITE"),
		.peer = material_value(l, "peer", NULL),
		.status = (uint16_t)material_number(l, "status"),
		.reason = material_value(l, "reason", NULL) };
}

static inline void material_rule(struct material_line *l, struct record *r)
{
	static const char *const verdicts[] = { "unmatched", "source", "disabled", "considered", NULL };
	r->kind = RECORD_RULE;
	r->rule = (struct record_rule){ .name = material_unquote(l->words[3]),
		.verdict =
			(enum record_rule_verdict)material_choice(material_value(l, "verdict", "considered"), verdicts),
		.alias = material_value(l, "alias", "bob@b.lab"),
		.source = material_value(l, "source", NULL),
		.target = material_value(l, "target", NULL),
		.priority = (int32_t)material_number(l, "priority") };
}

static inline void material_search(struct material_line *l, struct record *r)
{
	r->kind = RECORD_SEARCH;
	r->search = (struct record_search){ .event = span_is(l->words[3], "completed") ? RECORD_SEARCH_COMPLETED
										       : RECORD_SEARCH_ATTEMPTED,
		.method = SPAN("INVITE"),
		.source = material_value(l, "from", "sip:alice@a.lab"),
		.destination = material_value(l, "to", "sip:bob@b.lab"),
		.found = material_flag(l, "found"),
		.reason = material_value(l, "reason", NULL),
		.detail = material_value(l, "detail", NULL),
		.response_code = (uint16_t)material_number(l, "status") };
}

static inline void material_call(struct material_line *l, struct record *r)
{
	static const char *const events[] = { "attempted", "connected", "rejected", "disconnected", NULL };
	r->kind = RECORD_CALL;
	r->call = (struct record_call){ .event = (enum record_call_event)material_choice(l->words[3], events),
		.source = material_value(l, "from", "sip:alice@a.lab"),
		.destination = material_value(l, "to", "sip:bob@b.lab"),
		.call_id = material_value(l, "call", NULL),
		.reason = material_value(l, "reason", NULL),
		.response_code = (uint16_t)material_number(l, "status") };
}

static inline void material_notice(struct material_line *l, struct record *r)
{
	static const char *const severities[] = { "note", "warning", "error", NULL };
	struct span remote = material_nth(l, "remote", 0);
	r->kind = RECORD_NOTICE;
	r->notice = (struct record_notice){ .severity = (enum record_severity)material_choice(
						    material_value(l, "severity", "note"), severities),
		.module = material_unquote(l->words[3]),
		.name = material_unquote(l->words[4]),
		.detail = material_value(l, "detail", NULL),
		.local = material_address(l->m, l->words[0]),
		.remote = remote.at ? material_address(l->m, remote) : (struct record_address){ 0 },
		.pairs = material_pairs(l) };
}

static inline void material_record(struct material_line *l, struct record *r)
{
	static const struct {
		const char *word;
		void (*make)(struct material_line *l, struct record *r);
	} kinds[] = {
		{ "dns", material_dns },
		{ "connect", material_connection },
		{ "handshake", material_handshake },
		{ "judge", material_judgement },
		{ "rule", material_rule },
		{ "search", material_search },
		{ "event", material_call },
		{ "notice", material_notice },
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_is(l->words[2], kinds[i].word)) {
			kinds[i].make(l, r);
			return;
		}
	fail_msg("'%.*s' is no kind of record", SPAN_PRINT(l->words[2]));
}

/* ---- lines ---- */

/* 2026-11-23 00:00 UTC and so many seconds. */
#define MATERIAL_START_US INT64_C(1795392000000000)

static inline int64_t material_time(struct span text)
{
	char copy[32];
	if (span_is(text, "-") || !span_copy_to(text, copy, sizeof(copy)))
		return 0;
	return MATERIAL_START_US + (int64_t)(strtod(copy, NULL) * 1e6 + 0.5);
}

/* The event of one line; NULL where it tells nothing. */
static inline const struct explain_event *material_event(struct material *m, struct span text)
{
	struct material_line l = { .m = m };
	struct record r = { .kind = RECORD_MESSAGE };
	bool full;
	for (struct span rest = text; l.count < MATERIAL_WORDS && (l.words[l.count] = material_word(&rest)).length > 0;)
		l.count++;
	if (l.count < 4)
		fail_msg("'%.*s' is too short for a line", SPAN_PRINT(text));
	bool passed = span_is(l.words[0], "*");
	r.head.time_us = material_time(l.words[1]);
	if (passed || span_is(l.words[2], "<") || span_is(l.words[2], ">"))
		material_message(&l, &r);
	else
		material_record(&l, &r);
	r.head.node = material_value(&l, "node", NULL);
	if (!r.head.node.at && !passed)
		r.head.node = l.words[0];
	r.head.serial = material_value(&l, "serial", NULL);
	r.head.tag = material_value(&l, r.kind == RECORD_MESSAGE ? "ltag" : "tag", NULL);
	r.head.connection = material_number(&l, "conn");
	r.head.correlation = material_number(&l, "corr");
	struct explain_seen seen = { .file = (uint32_t)material_number(&l, "file"),
		.is_summary = material_flag(&l, "summary"),
		.line = ++m->line,
		.offset = m->line * 100,
		.raw = text };
	m->last = explain_boil(&r, &seen, &m->arena, &full);
	assert_false(full);
	return m->last;
}

static inline void material_take(void *argument, const struct explain_case *c)
{
	struct material *m = argument;
	assert_true(m->case_count < MATERIAL_CASES);
	m->cases[m->case_count++] = c;
}

/* Settings without take and argument; NULL for the usual ones. */
static inline void material_open(struct material *m, const struct explain_joiner_settings *settings)
{
	struct explain_joiner_settings own = { 0 };
	if (settings)
		own = *settings;
	own.take = material_take;
	own.argument = m;
	*m = (struct material){ 0 };
	arena_init(&m->arena, 64 << 20);
	m->joiner = explain_joiner_new(&own);
	assert_non_null(m->joiner);
}

/* Lines, divided by newlines; empty ones are passed over. */
static inline void material_add(struct material *m, const char *text)
{
	struct span rest = span_of(text);
	while (rest.length > 0) {
		struct span line = span_trim(span_cut(&rest, '\n'));
		const struct explain_event *event = line.length > 0 ? material_event(m, line) : NULL;
		if (event)
			assert_int_equal(explain_joiner_add(m->joiner, event, 0, 0), 0);
	}
}

static inline void material_end(struct material *m)
{
	explain_joiner_end(m->joiner);
}

static inline void material_close(struct material *m)
{
	explain_joiner_free(m->joiner);
	arena_done(&m->arena);
}
#endif
