/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/sight.h"

#include "base/require.h"
#include "finding/finding.h"

/* ---- words ---- */

struct span sight_find(struct span text, struct span words)
{
	if (words.length == 0 || words.length > text.length)
		return SPAN_NONE;
	for (size_t i = 0; i + words.length <= text.length; i++)
		if (span_starts_nocase(span_from(text, i), words))
			return span_first(span_from(text, i), words.length);
	return SPAN_NONE;
}

bool signature_has_words(struct span text, const char *alternatives)
{
	struct span rest = span_of(alternatives);
	while (rest.at)
		if (sight_find(text, span_cut(&rest, '|')).at)
			return true;
	return false;
}

static bool begins_with(struct span text, const char *alternatives)
{
	struct span rest = span_of(alternatives);
	while (rest.at)
		if (span_starts_nocase(text, span_cut(&rest, '|')))
			return true;
	return false;
}

static bool is_between(uint32_t value, const struct signature_seen *seen)
{
	return value >= seen->from && value <= (seen->to ? seen->to : seen->from);
}

/* ---- who logged it ---- */

uint32_t signature_logger(const struct explain_step *step, const struct explain_event *event)
{
	if (event->kind != RECORD_MESSAGE || !step->is_arrow)
		return step->from;
	if (event->message.direction == RECORD_PASSED)
		return EXPLAIN_NO_STEP;
	return event->message.direction == RECORD_RECEIVED ? step->to : step->from;
}

static bool ends_of(const struct explain_event *event, const struct record_address **ret_local,
	const struct record_address **ret_remote)
{
	switch (event->kind) {
	case RECORD_CONNECTION:
		*ret_local = &event->record->connection.local;
		*ret_remote = &event->record->connection.remote;
		return true;
	case RECORD_HANDSHAKE:
		*ret_local = &event->record->handshake.local;
		*ret_remote = &event->record->handshake.remote;
		return true;
	default:
		return false;
	}
}

static bool is_one_connection(const struct explain_event *a, const struct explain_event *b)
{
	const struct record_address *a_local, *a_remote, *b_local, *b_remote;
	return ends_of(a, &a_local, &a_remote) && ends_of(b, &b_local, &b_remote) && a_local->family &&
	       a_remote->family && record_address_equal(a_local, b_remote) && record_address_equal(a_remote, b_local);
}

/* Also at the other end of a connection that the refuser has. */
static bool is_at_refuser(
	const struct explain_case *c, const struct explain_step *step, const struct explain_event *event)
{
	uint32_t logger = signature_logger(step, event);
	if (c->refused_by == EXPLAIN_NO_STEP || logger == c->refused_by)
		return true;
	for (uint32_t i = 0; i < c->step_count; i++)
		if (c->steps[i].from == c->refused_by && is_one_connection(c->steps[i].event, event))
			return true;
	return false;
}

/* ---- TLS ---- */

/* OpenSSL writes "sslv3 alert certificate unknown", a fedge node "the peer sent alert 48 (unknown ca)". */
static const struct {
	const char *words;
	unsigned alert;
} alert_words[] = {
	{ "alert handshake failure", 40 },
	{ "alert no certificate", 41 },
	{ "alert bad certificate", 42 },
	{ "alert unsupported certificate", 43 },
	{ "alert certificate revoked", 44 },
	{ "alert certificate expired", 45 },
	{ "alert certificate unknown", 46 },
	{ "alert unknown ca", 48 },
	{ "alert access denied", 49 },
	{ "alert decrypt error", 51 },
	{ "alert protocol version", 70 },
	{ "alert certificate required", 116 },
};

struct span signature_tls_reason(const struct explain_event *event)
{
	const struct record *r = event->record;
	switch (event->kind) {
	case RECORD_HANDSHAKE:
		if (!r->handshake.failed)
			return SPAN_NONE;
		return r->handshake.reason.at          ? r->handshake.reason
		       : r->handshake.verify_reason.at ? r->handshake.verify_reason
						       : SPAN("");
	case RECORD_NOTICE:
		return span_ends_nocase(r->notice.name, SPAN("TLS Negotiation Error")) ? r->notice.detail : SPAN_NONE;
	case RECORD_CONNECTION:
		return signature_has_words(r->connection.stage, "handshake") && r->connection.reason.length > 0
			       ? r->connection.reason
			       : SPAN_NONE;
	default:
		return SPAN_NONE;
	}
}

enum record_alert signature_alert(const struct explain_event *event, unsigned *ret_alert)
{
	struct span reason = signature_tls_reason(event);
	if (!reason.at)
		return RECORD_ALERT_NONE;
	if (event->kind == RECORD_HANDSHAKE && event->record->handshake.alert_direction != RECORD_ALERT_NONE) {
		*ret_alert = event->record->handshake.alert;
		return event->record->handshake.alert_direction;
	}
	for (size_t i = 0; i < BASE_COUNT(alert_words); i++) {
		if (!sight_find(reason, span_of(alert_words[i].words)).at)
			continue;
		*ret_alert = alert_words[i].alert;
		return RECORD_ALERT_RECEIVED;
	}
	struct span number = sight_find(reason, SPAN("peer sent alert "));
	if (!number.at)
		return RECORD_ALERT_NONE;
	number = span_from(reason, (size_t)(number.at - reason.at) + number.length);
	uint64_t alert;
	if (span_to_u64(span_cut(&number, ' '), UINT16_MAX, &alert) != 0)
		return RECORD_ALERT_NONE;
	*ret_alert = (unsigned)alert;
	return RECORD_ALERT_RECEIVED;
}

static bool role_fits(const struct signature_seen *seen, const struct explain_event *event)
{
	if (!(seen->flags & (SIGNATURE_CALLED | SIGNATURE_WAS_CALLED)))
		return true;
	bool called = event->kind == RECORD_HANDSHAKE ? event->record->handshake.role == RECORD_CLIENT
		      : event->kind == RECORD_CONNECTION
			      ? event->record->connection.role == RECORD_CLIENT
			      : span_starts_nocase(event->record->notice.name, SPAN("Outbound"));
	return called == !!(seen->flags & SIGNATURE_CALLED);
}

static bool sees_alert(const struct signature_seen *seen, const struct explain_event *event)
{
	unsigned alert = 0;
	enum record_alert way = signature_alert(event, &alert);
	if (way == RECORD_ALERT_NONE || !is_between(alert, seen) ||
		(seen->text && !signature_has_words(signature_tls_reason(event), seen->text)))
		return false;
	return way == RECORD_ALERT_RECEIVED ? !(seen->flags & SIGNATURE_SENT) : !(seen->flags & SIGNATURE_RECEIVED);
}

static bool sees_tls(const struct signature_seen *seen, const struct explain_event *event)
{
	struct span reason = signature_tls_reason(event);
	return reason.at && role_fits(seen, event) && (!seen->text || signature_has_words(reason, seen->text));
}

/* What a peer's alert says of our certificate is not what we found in the peer's. */
static bool sees_verify(const struct signature_seen *seen, const struct explain_event *event)
{
	unsigned alert;
	struct span reason = signature_tls_reason(event);
	if (!reason.at || !role_fits(seen, event) || signature_alert(event, &alert) == RECORD_ALERT_RECEIVED)
		return false;
	if (event->kind == RECORD_HANDSHAKE) {
		const struct record_handshake *h = &event->record->handshake;
		if (h->verify_error)
			return is_between((uint32_t)h->verify_error, seen);
		if (signature_has_words(h->verify_reason, seen->text))
			return true;
	}
	return signature_has_words(reason, seen->text);
}

/* ---- judgements ---- */

/* "the domain `a.example` is blocked" is the title "the domain {} is blocked". */
static bool is_title(struct span text, const char *title)
{
	struct span rest = span_of(title);
	struct span before = span_cut(&rest, '{');
	struct span words = span_cut(&rest, '}');
	if (!rest.at || !span_starts_nocase(text, before))
		return false;
	text = span_from(text, before.length);
	if (span_starts_nocase(words, SPAN("of ")) && span_starts_nocase(text, SPAN("of ")))
		text = span_from(text, 3);
	else if (span_starts_nocase(text, SPAN(": ")))
		text = span_from(text, 2);
	if (text.length > 0 && text.at[0] == '`') {
		size_t end = span_find(span_from(text, 1), '`');
		text = span_from(text, end + 2);
	} else if (span_starts_nocase(text, words)) {
		text = span_from(text, words.length);
	}
	return span_equal_nocase(text, rest);
}

enum finding_code signature_judgement_code(const struct record_judgement *j)
{
	if (j->code.length > 0)
		return finding_code_of(j->code);
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++)
		if (is_title(j->text, finding_entry((enum finding_code)i)->title))
			return (enum finding_code)i;
	return FINDING_NONE;
}

/* That somebody else refused or cut: there may be more behind it. */
static bool is_vague(enum finding_code code)
{
	return code == FINDING_PEER_ANSWERED || code == FINDING_CERTIFICATE_REFUSED_BY_PARTNER ||
	       code == FINDING_TLS_RESET || code == FINDING_TLS_HANDSHAKE_FAILED;
}

static bool sees_judgement(const struct signature_seen *seen, const struct explain_event *event)
{
	if (event->kind != RECORD_JUDGEMENT || event->record->judgement.severity == RECORD_NOTE)
		return false;
	enum finding_code code = signature_judgement_code(&event->record->judgement);
	return seen->code == FINDING_NONE ? code != FINDING_NONE && !is_vague(code) : code == seen->code;
}

/* The number may be lost in a copy; the product's own sentence is as good. */
static bool is_result_text(const struct record_judgement *j, uint32_t result)
{
	if (j->result_code || j->text.length == 0)
		return false;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		const struct finding_entry *entry = finding_entry((enum finding_code)i);
		if (entry->result.code == result && span_is_nocase(j->text, entry->result.text))
			return true;
	}
	return false;
}

static bool sees_result(const struct signature_seen *seen, const struct explain_event *event)
{
	if (event->kind != RECORD_JUDGEMENT)
		return false;
	const struct record_judgement *j = &event->record->judgement;
	if (seen->sight == SIGNATURE_RESULT_ANY)
		return j->result_code || j->result_name.length > 0;
	if (seen->text)
		return signature_has_words(j->result_name, seen->text);
	return j->result_code == seen->from || is_result_text(j, seen->from);
}

/* ---- messages ---- */

bool sight_is_silence(uint32_t id)
{
	return id == 1011 || (id >= 1033 && id <= 1037) || id == 10003 || id == 13008;
}

static bool is_client_header(const struct explain_diagnostics *d)
{
	return span_starts_nocase(d->header, SPAN("ms-client-"));
}

static bool has_words_of(const struct explain_diagnostics *d, const char *text)
{
	if (!text || signature_has_words(d->reason, text))
		return true;
	for (size_t i = 0; i < d->pairs.count; i++)
		if (signature_has_words(d->pairs.at[i].value, text))
			return true;
	return false;
}

static bool is_of_the_refusal(const struct explain_case *c, const struct explain_event *event)
{
	uint16_t refusal = c->refusal < c->step_count ? c->steps[c->refusal].event->message.status : c->status;
	return event->message.status == refusal || event->message.status == c->status;
}

/* Of a forked call one branch may be refused for a reason that did not end it: what an answer says of itself counts
 * where it has the status that the call ended with, or where whoever ended it sent it or got it. */
static bool is_heeded(const struct explain_case *c, const struct explain_step *step, const struct explain_event *event)
{
	if (!c->status || c->refused_by == EXPLAIN_NO_STEP || is_of_the_refusal(c, event))
		return true;
	return step->from == c->refused_by || (step->is_arrow && step->to == c->refused_by);
}

static bool sees_diagnostics(const struct signature_seen *seen, const struct explain_case *c,
	const struct explain_step *step, const struct explain_event *event)
{
	if (event->kind != RECORD_MESSAGE || event->message.status < 300 || !event->message.detail ||
		!is_heeded(c, step, event))
		return false;
	const struct explain_detail *detail = event->message.detail;
	for (size_t i = 0; i < detail->diagnostics_count; i++) {
		const struct explain_diagnostics *d = &detail->diagnostics[i];
		if (is_between(d->id, seen) && is_client_header(d) == !!(seen->flags & SIGNATURE_CLIENT) &&
			has_words_of(d, seen->text))
			return true;
	}
	return false;
}

static bool is_silent(const struct explain_case *c, const struct explain_step *step, const struct explain_event *event)
{
	if (event->kind != RECORD_MESSAGE || !event->message.detail || event->message.status < 300 ||
		!is_heeded(c, step, event))
		return true;
	const struct explain_detail *detail = event->message.detail;
	for (size_t i = 0; i < detail->diagnostics_count; i++)
		if (!sight_is_silence(detail->diagnostics[i].id))
			return false;
	return true;
}

/* A reason may be stripped on the way: bare is only what nobody saw a reason of. */
static bool is_bare(const struct explain_case *c)
{
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_step *step = &c->steps[i];
		if (!is_silent(c, step, step->event) || (step->second && !is_silent(c, step, step->second)))
			return false;
	}
	return true;
}

static bool direction_fits(
	const struct signature_seen *seen, const struct explain_step *step, const struct explain_event *event)
{
	enum record_direction way = event->message.direction;
	if (seen->flags & SIGNATURE_RECEIVED)
		return way != RECORD_SENT || step->second;
	return !(seen->flags & SIGNATURE_SENT) || way != RECORD_RECEIVED || step->second;
}

static bool sees_response(const struct signature_seen *seen, const struct explain_case *c,
	const struct explain_step *step, const struct explain_event *event)
{
	if (event->kind != RECORD_MESSAGE || event->message.is_request || !is_between(event->message.status, seen) ||
		!is_of_the_refusal(c, event) || !direction_fits(seen, step, event))
		return false;
	const struct explain_detail *detail = event->message.detail;
	if (seen->text && (!detail || !begins_with(detail->server, seen->text)))
		return false;
	if (seen->more && !signature_has_words(event->message.reason, seen->more))
		return false;
	return !(seen->flags & SIGNATURE_BARE) || is_bare(c);
}

static bool sees_warning(const struct signature_seen *seen, const struct explain_case *c,
	const struct explain_step *step, const struct explain_event *event)
{
	struct signature_seen plain = { .sight = SIGNATURE_RESPONSE, .from = seen->from, .to = seen->to };
	return sees_response(&plain, c, step, event) && event->message.detail &&
	       signature_has_words(event->message.detail->warning, seen->text);
}

static bool sees_request(const struct signature_seen *seen, const struct explain_event *event)
{
	if (event->kind != RECORD_MESSAGE || !event->message.is_request)
		return false;
	const struct explain_detail *detail = event->message.detail;
	if (seen->text && !span_is_nocase(event->message.method_name, seen->text))
		return false;
	if (seen->flags & SIGNATURE_HAS_ROUTE && (!detail || detail->route.length == 0))
		return false;
	return !seen->more || (detail && signature_has_words(detail->route, seen->more));
}

/* ---- what else a log has ---- */

static bool sees_dns(const struct signature_seen *seen, const struct explain_event *event)
{
	if (event->kind != RECORD_DNS_ANSWER || !is_between(event->record->dns.status, seen))
		return false;
	if (seen->text && seen->text[0] == '=')
		return span_is_nocase(event->record->dns.type, seen->text + 1);
	return !seen->text || begins_with(event->record->dns.name, seen->text);
}

static bool sees_connection(const struct signature_seen *seen, const struct explain_event *event)
{
	if (event->kind != RECORD_CONNECTION || event->record->connection.event != RECORD_CONNECTION_FAILED)
		return false;
	const struct record_connection *n = &event->record->connection;
	if (signature_has_words(n->stage, "handshake"))
		return false;
	return (seen->from && n->error == (int32_t)seen->from) || signature_has_words(n->reason, seen->text);
}

static bool sees_rule(const struct signature_seen *seen, const struct explain_event *event)
{
	return event->kind == RECORD_RULE && is_between(event->record->rule.verdict, seen);
}

static bool sees_search(const struct signature_seen *seen, const struct explain_event *event)
{
	if (event->kind != RECORD_SEARCH)
		return false;
	const struct record_search *s = &event->record->search;
	return s->event == RECORD_SEARCH_COMPLETED && !s->found &&
	       (signature_has_words(s->reason, seen->text) || signature_has_words(s->detail, seen->text));
}

/* "Method=OPTIONS" is a key and its value; a single word may stand anywhere. */
static bool notice_has(const struct record_notice *n, const char *words)
{
	struct span value = span_of(words), name = SPAN_NONE;
	if (span_find(value, '=') < value.length)
		name = span_cut(&value, '=');
	for (size_t i = 0; i < n->pairs.count; i++)
		if ((!name.at || span_equal_nocase(n->pairs.at[i].name, name)) &&
			span_equal_nocase(span_trim(n->pairs.at[i].value), value))
			return true;
	return sight_find(n->detail, name.at ? span_of(words) : value).at != NULL;
}

static bool sees_notice(const struct signature_seen *seen, const struct explain_event *event)
{
	if (event->kind != RECORD_NOTICE)
		return false;
	const struct record_notice *n = &event->record->notice;
	return (signature_has_words(n->name, seen->text) || signature_has_words(n->detail, seen->text)) &&
	       (!seen->more || notice_has(n, seen->more));
}

static bool sees_call(const struct signature_seen *seen, const struct explain_event *event)
{
	return event->kind == RECORD_CALL && event->record->call.event == RECORD_CALL_REJECTED &&
	       is_between(event->record->call.response_code, seen);
}

static bool sees(const struct signature_seen *seen, const struct explain_case *c, const struct explain_step *step,
	const struct explain_event *event)
{
	switch (seen->sight) {
	case SIGNATURE_JUDGEMENT:
		return sees_judgement(seen, event);
	case SIGNATURE_RESULT:
	case SIGNATURE_RESULT_ANY:
		return sees_result(seen, event);
	case SIGNATURE_DIAGNOSTICS:
		return sees_diagnostics(seen, c, step, event);
	case SIGNATURE_RESPONSE:
		return sees_response(seen, c, step, event);
	case SIGNATURE_REQUEST:
		return sees_request(seen, event);
	case SIGNATURE_WARNING:
		return sees_warning(seen, c, step, event);
	case SIGNATURE_ALERT:
		return event->kind != RECORD_MESSAGE && sees_alert(seen, event);
	case SIGNATURE_TLS:
		return event->kind != RECORD_MESSAGE && sees_tls(seen, event);
	case SIGNATURE_VERIFY:
		return event->kind != RECORD_MESSAGE && sees_verify(seen, event);
	case SIGNATURE_DNS:
		return sees_dns(seen, event);
	case SIGNATURE_CONNECTION:
		return sees_connection(seen, event);
	case SIGNATURE_RULE:
		return sees_rule(seen, event);
	case SIGNATURE_SEARCH:
		return sees_search(seen, event);
	case SIGNATURE_CALL:
		return sees_call(seen, event);
	case SIGNATURE_NOTICE:
		return sees_notice(seen, event);
	case SIGNATURE_NOTHING:
	case SIGNATURE_SIGHT_COUNT:
		break;
	}
	return false;
}

/* Who refused is looked for last: it takes a walk over the case. */
bool sight_is_seen(const struct signature_seen *seen, const struct explain_case *c, const struct explain_step *step,
	const struct explain_event *event)
{
	return sees(seen, c, step, event) && (!(seen->flags & SIGNATURE_AT_REFUSER) || is_at_refuser(c, step, event));
}
