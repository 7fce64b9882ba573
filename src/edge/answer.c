/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/answer.h"

#include "base/require.h"
#include "edge/dress.h"
#include "edge/journal.h"
#include "edge/peers.h"
#include "edge/registry.h"
#include "edge/reply.h"
#include "net/loop.h"
#include "peer/limits.h"
#include "sip/diagnostics.h"

#include <stdio.h>

#define HEADERS_MAXIMUM 32
#define ALLOWED                                                                                                        \
	SPAN("INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER, SERVICE")

/* Every answer of our own that no finding stands behind. */
static const struct {
	uint16_t status;
	const char *warning; /* NULL: none */
} OUTCOMES[EDGE_OUTCOME_COUNT] = {
	[EDGE_OUTCOME_ALIVE] = { 200, NULL },
	[EDGE_OUTCOME_NO_TRANSACTION] = { 481, NULL },
	[EDGE_OUTCOME_UNKNOWN_SCHEME] = { 416, NULL },
	[EDGE_OUTCOME_UNKNOWN_EXTENSION] = { 420, NULL },
	[EDGE_OUTCOME_BAD_ROUTE] = { 400, "a Route header cannot be read" },
	[EDGE_OUTCOME_TOO_BROAD] = { 440, "Max-Breadth leaves no branch to go on by" },
	[EDGE_OUTCOME_URI_WITH_HEADERS] = { 400,
		"a Request-URI or a Route has headers, which it must not (RFC 3261 19.1.1)" },
	[EDGE_OUTCOME_STRANGER_WITHOUT_TRUST] = { 403, "the certificate of this connection is not trusted" },
	[EDGE_OUTCOME_STRANGER_WITHOUT_TLS] = { 403, "only neighbors may come without TLS" },
	[EDGE_OUTCOME_STRANGER_WITHOUT_DNS] = { 403, "this node looks nobody up, so it knows no strangers" },
	[EDGE_OUTCOME_NOT_FOR_US] = { 404, "this is a proxy: nobody is registered at its own name" },
	[EDGE_OUTCOME_CANCELLED] = { 487, NULL },
	[EDGE_OUTCOME_NO_ANSWER_IN_TIME] = { 408, "the next hop gave no answer in time" },
	[EDGE_OUTCOME_NEXT_HOP_UNAVAILABLE] = { 500, "the next hop is out of service for now" },
	[EDGE_OUTCOME_DRAINING] = { 503, "this node is shutting down" },
	[EDGE_OUTCOME_ROUTE_NOT_TAKEN] = { 404, "Policy Response" }, /* Cisco TAC 212475 */
	[EDGE_OUTCOME_UNKNOWN_USER] = { 404, "there is no such user here" },
	[EDGE_OUTCOME_NOT_REGISTERED] = { 480, "no phone of that user is registered" },
	[EDGE_OUTCOME_LINK_UNPROVED] = { 403, "this connection has not proved itself as the traversal client" },
	[EDGE_OUTCOME_INTERNAL] = { 500, "out of memory or at a limit" },
	[EDGE_OUTCOME_REGISTERED] = { 200, NULL },
	[EDGE_OUTCOME_NOT_REGISTERED_HERE] = { 404, "this is no address of the registrar's domains" },
	[EDGE_OUTCOME_BAD_CONTACT] = { 400, "a Contact cannot be read, or cannot be called" },
	[EDGE_OUTCOME_INTERVAL_TOO_BRIEF] = { 423, NULL },
	[EDGE_OUTCOME_REGISTER_OUT_OF_ORDER] = { 500, "a REGISTER with this CSeq or a higher one came before" },
	[EDGE_OUTCOME_FIRST_HOP_LACKS_OUTBOUND] = { 439, NULL },
	[EDGE_OUTCOME_PATH_NOT_TAKEN] = { 403, "only a zone of this node may say by Path how a phone is reached" },
	[EDGE_OUTCOME_UNKNOWN_REQUIRE] = { 420, NULL },
	[EDGE_OUTCOME_PROOF_MALFORMED] = { 400, "the credentials cannot be read" },
	[EDGE_OUTCOME_PROOF_MISMATCHED] = { 400, "the credentials are for another Request-URI" },
	[EDGE_OUTCOME_TOO_MANY_UNPROVED] = { 503, "too many requests of this sender prove nothing" },
};

/* What Expressway says where a policy of its own refused (Cisco TAC 212475). */
#define POLICY_RESPONSE SPAN("Policy Response")

struct extra {
	struct edge_reply_header headers[HEADERS_MAXIMUM];
	size_t count;
};

static void extra_add(struct extra *extra, struct span name, struct span value)
{
	if (value.at && extra->count < HEADERS_MAXIMUM)
		extra->headers[extra->count++] = (struct edge_reply_header){ name, value };
}

static struct span warning_value(struct edge_worker *worker, struct arena *arena, struct span text)
{
	struct buffer b;
	buffer_init(&b, 1024);
	struct sip_warning warning = { 399, worker->shared->node, text };
	struct span value = SPAN_NONE;
	if (sip_warning_write(&b, &warning) == 0)
		value = arena_copy(arena, buffer_span(&b));
	buffer_done(&b);
	return value;
}

static struct span warning_of(struct edge_request *request, const struct finding *finding)
{
	char title[256];
	size_t length = finding_title(finding, title, sizeof(title));
	return warning_value(request->worker, request->arena, span_make(title, length));
}

static struct span diagnostics_value(struct arena *arena, const struct finding_diagnostics *d)
{
	struct sip_diagnostics head = { .id = d->id };
	struct sip_diagnostics_pair pairs[FINDING_PAIRS_MAXIMUM];
	struct span value = SPAN_NONE;
	struct buffer b;
	size_t count = 0;
	for (size_t i = 0; i < d->count; i++) {
		if (span_is(span_of(d->pairs[i].name), "reason"))
			head.reason = d->pairs[i].value;
		else if (span_is(span_of(d->pairs[i].name), "source"))
			head.source = d->pairs[i].value;
		else
			pairs[count++] = (struct sip_diagnostics_pair){ d->pairs[i].name, d->pairs[i].value };
	}
	buffer_init(&b, 4096);
	if (sip_diagnostics_write(&b, &head, pairs, count) == 0)
		value = arena_copy(arena, buffer_span(&b));
	buffer_done(&b);
	return value;
}

/* To whom is what told: the table of this file's head. */
static void explain(struct edge_request *request, const struct finding *finding, struct extra *extra)
{
	const struct edge_site *site = request->site;
	struct finding_diagnostics d;
	if (request->inside) {
		if (finding_diagnostics(finding, request->worker->shared->node, &d))
			extra_add(extra, SPAN("ms-diagnostics"), diagnostics_value(request->arena, &d));
		if (!edge_site_is_microsoft(site))
			extra_add(extra, SPAN("Warning"), warning_of(request, finding));
		return;
	}
	if (edge_site_is_microsoft(site) || !site->config->trust.tell_partners)
		return;
	if (finding_diagnostics_public(finding, &d))
		extra_add(extra, SPAN("ms-diagnostics-public"), diagnostics_value(request->arena, &d));
}

static void respond_with(struct edge_worker *worker, struct transport_server *server, const struct edge_site *site,
	uint16_t status, struct span reason, const struct extra *extra)
{
	struct sip_draft draft;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	struct arena *arena = transport_server_arena(server);
	sip_draft_response(
		&draft, arena, transport_server_request(server), status, reason, edge_dress_tag(worker, arena));
	for (size_t i = 0; i < extra->count; i++)
		sip_draft_append_name(&draft, extra->headers[i].name, extra->headers[i].value);
	sip_draft_append(&draft, SIP_HEADER_SERVER, edge_dress_server(site));
	int count = sip_draft_pieces(&draft, pieces, SIP_DRAFT_PIECES_MAXIMUM);
	if (count > 0)
		transport_respond(server, status, pieces, (size_t)count);
}

static void respond(struct edge_worker *worker, struct transport_server *server, const struct edge_site *site,
	uint16_t status, const struct extra *extra)
{
	respond_with(worker, server, site, status, edge_dress_phrase(status), extra);
}

static bool may_answer(const struct edge_request *request)
{
	return !request->answered && sip_method_is_answered(request->message->method);
}

/* Rule R7: what makes a partner suspicious is that it asks for people who are not here, or for what it may not;
 * not that somebody is busy or that something of ours is broken. */
static void limits_answered(const struct edge_request *request, uint16_t status)
{
	static const uint16_t suspicious[] = { 403, 404, 410, 414, 416, 484, 485, 604 };
	if (request->inside || !request->identity.at)
		return;
	for (size_t i = 0; i < BASE_COUNT(suspicious); i++)
		if (status == suspicious[i])
			peer_limits_answered(request->worker->shared->limits, request->identity, false);
}

/* Anybody can send us calls that are refused at the door, under any address. Ten a minute of one address are told of
 * as calls; that they were refused is told by judgements, as ever. */
static bool is_told(const struct edge_request *request)
{
	struct edge_worker *worker = request->worker;
	char network[NET_ADDRESS_TEXT_SIZE], source[NET_ADDRESS_TEXT_SIZE + 8];
	uint64_t left_out;
	if (request->inside || request->planned || request->in_dialog || request->message->method != SIP_METHOD_INVITE)
		return true;
	net_address_format_network(&request->arrival->remote, network);
	int length = snprintf(source, sizeof(source), "call %s", network);
	return registrar_guard_tell(worker->shared->registry->guard, span_make(source, (size_t)length),
		net_loop_now_us(worker->loop), &left_out);
}

static void final_answer(struct edge_request *request, uint16_t status, struct span reason, const struct extra *extra)
{
	request->answered = true;
	edge_count(&request->worker->counters.answered_by_us);
	respond_with(request->worker, request->server, request->site, status, reason, extra);
	limits_answered(request, status);
	if (is_told(request))
		edge_journal_answered(request, status, reason);
}

static enum edge_progress end(struct edge_request *request)
{
	edge_request_finish(request);
	return EDGE_DONE;
}

/* RFC 3261 8.2.2.3: what we do not know of what was demanded. ms-benotify is only passed on. */
static struct span unknown_extensions(struct edge_request *request)
{
	struct sip_values values = sip_message_values(request->message, SIP_HEADER_PROXY_REQUIRE);
	struct buffer b;
	buffer_init(&b, 1024);
	for (struct span value; sip_values_next(&values, &value);)
		buffer_printf(&b, "%s%.*s", b.length ? ", " : "", SPAN_PRINT(value));
	struct span text = b.status == 0 ? arena_copy(request->arena, buffer_span(&b)) : SPAN_NONE;
	buffer_done(&b);
	return text;
}

/* extra: what is to be said besides the outcome's own words. */
static enum edge_progress answer_outcome(struct edge_request *request, enum edge_outcome outcome, struct extra *extra)
{
	if (may_answer(request)) {
		const char *warning = OUTCOMES[outcome].warning;
		if (outcome == EDGE_OUTCOME_ALIVE)
			extra_add(extra, SPAN("Allow"), ALLOWED);
		if (outcome == EDGE_OUTCOME_UNKNOWN_EXTENSION)
			extra_add(extra, SPAN("Unsupported"), unknown_extensions(request));
		if (outcome == EDGE_OUTCOME_DRAINING || outcome == EDGE_OUTCOME_TOO_MANY_UNPROVED)
			extra_add(extra, SPAN("Retry-After"), SPAN("30"));
		if (warning && (request->inside || !edge_site_is_microsoft(request->site)))
			extra_add(extra, SPAN("Warning"),
				warning_value(request->worker, request->arena, span_of(warning)));
		final_answer(request, OUTCOMES[outcome].status, edge_dress_phrase(OUTCOMES[outcome].status), extra);
	}
	return end(request);
}

enum edge_progress edge_answer_outcome(struct edge_request *request, enum edge_outcome outcome)
{
	struct extra extra = { .count = 0 };
	return answer_outcome(request, outcome, &extra);
}

enum edge_progress edge_answer_with(
	struct edge_request *request, enum edge_outcome outcome, const struct edge_reply_header *headers, size_t count)
{
	struct extra extra = { .count = 0 };
	for (size_t i = 0; i < count; i++)
		extra_add(&extra, headers[i].name, headers[i].value);
	return answer_outcome(request, outcome, &extra);
}

uint16_t edge_outcome_status(enum edge_outcome outcome)
{
	return OUTCOMES[outcome].status;
}

static struct span peer_text(struct edge_request *request, const struct finding *finding)
{
	struct span known = finding_value_get(finding, "peer");
	return known.at ? known : edge_peers_name(request->worker, request->arrival, request->arena);
}

static enum edge_progress refuse(struct edge_request *request, const struct finding *finding)
{
	uint16_t status = finding->status ? finding->status : 504;
	struct extra extra = { .count = 0 };
	request->refusal = finding;
	if (!request->is_recorded)
		edge_journal_judgement(
			request, finding, peer_text(request, finding), status, edge_dress_phrase(status));
	if (may_answer(request)) {
		explain(request, finding, &extra);
		if (status == 503)
			extra_add(&extra, SPAN("Retry-After"), SPAN("1"));
		final_answer(request, status, edge_dress_phrase(status), &extra);
	}
	return end(request);
}

enum edge_progress edge_answer_findings(struct edge_request *request)
{
	const struct finding *finding = finding_list_first_error(edge_request_findings(request));
	if (!finding) /* memory ran out before it could be written down: refused all the same */
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	return refuse(request, finding);
}

enum edge_progress edge_answer_too_many_hops(struct edge_request *request)
{
	finding_add(edge_request_findings(request), FINDING_TOO_MANY_HOPS, request->message->request_uri);
	return edge_answer_findings(request);
}

enum edge_progress edge_answer_loop(struct edge_request *request)
{
	edge_count(&request->worker->counters.loops);
	finding_add(edge_request_findings(request), FINDING_LOOP_DETECTED, request->message->request_uri);
	return edge_answer_findings(request);
}

enum edge_progress edge_answer_route_untrusted(struct edge_request *request, struct span value)
{
	struct finding *f = finding_add(edge_request_findings(request), FINDING_ROUTE_UNTRUSTED, request->source_name);
	finding_observed(f, value);
	return edge_answer_findings(request);
}

enum edge_progress edge_answer_no_rule(struct edge_request *request)
{
	finding_add(edge_request_findings(request), FINDING_NO_RULE_MATCHES, request->message->request_uri);
	return edge_answer_findings(request);
}

/* 1034: the partner refused and kept its reason to itself; our own side shall at least know that. */
static const struct finding *silence_finding(struct edge_request *request)
{
	struct finding *f = finding_add(edge_request_findings(request), FINDING_PEER_ANSWERED, request->best_peer);
	finding_value(f, "Domain", request->best_domain);
	finding_value(f, "PeerServer", request->best_peer);
	finding_observed(f, request->best->start_line);
	return f;
}

static bool has_diagnostics(const struct sip_message *m)
{
	return sip_message_has(m, SIP_HEADER_MS_DIAGNOSTICS) || sip_message_has(m, SIP_HEADER_MS_DIAGNOSTICS_PUBLIC);
}

/* Our own side is told that the partner gave no reason; others are told what the partner said, and no more. */
static void explain_silence(struct edge_request *request, uint16_t status, struct span reason, struct extra *extra)
{
	const struct sip_message *best = request->best;
	bool from_partner = request->best_zone && !request->best_zone->inside;
	if (!request->inside || !from_partner || best->status < 400 || best->status == 487 || has_diagnostics(best))
		return;
	const struct finding *silence = silence_finding(request);
	explain(request, silence, extra);
	edge_journal_judgement(request, silence, request->best_peer, status, reason);
}

/* RFC 3261 16.7 step 6: a 503 is about the next hop alone, and would tell the caller to avoid us. */
#define UNAVAILABLE 503

/* RFC 3261 16.7 step 7: whoever has to prove himself to several of them can do so at once. */
static void add_challenges(const struct edge_request *request, struct extra *extra)
{
	if (request->best->status == 401 || request->best->status == 407)
		extra->count += edge_reply_challenges(request->best, request->challenges, request->challenge_count,
			extra->headers + extra->count, HEADERS_MAXIMUM - extra->count);
}

static enum edge_progress pass_best(struct edge_request *request)
{
	struct extra extra = { .count = 0 };
	const struct sip_message *best = request->best;
	if (best->status == UNAVAILABLE && !has_diagnostics(best)) {
		uint16_t status = OUTCOMES[EDGE_OUTCOME_NEXT_HOP_UNAVAILABLE].status;
		explain_silence(request, status, edge_dress_phrase(status), &extra);
		return answer_outcome(request, EDGE_OUTCOME_NEXT_HOP_UNAVAILABLE, &extra);
	}
	explain_silence(request, best->status, best->reason, &extra);
	add_challenges(request, &extra);
	request->answered = true;
	edge_reply_pass(request, best, request->best_zone, extra.headers, extra.count);
	limits_answered(request, best->status);
	edge_journal_answered(request, best->status, best->reason);
	return end(request);
}

void edge_answer_note(struct edge_request *request, enum edge_outcome outcome)
{
	request->outcomes |= 1u << outcome;
}

/* Of several that were noted the one that says most of the request itself. */
static enum edge_outcome noted_outcome(const struct edge_request *request)
{
	static const enum edge_outcome order[] = { EDGE_OUTCOME_UNKNOWN_SCHEME, EDGE_OUTCOME_UNKNOWN_EXTENSION,
		EDGE_OUTCOME_INTERNAL, EDGE_OUTCOME_TOO_BROAD, EDGE_OUTCOME_NO_ANSWER_IN_TIME,
		EDGE_OUTCOME_NOT_REGISTERED, EDGE_OUTCOME_UNKNOWN_USER };
	for (size_t i = 0; i < BASE_COUNT(order); i++)
		if (request->outcomes & 1u << order[i])
			return order[i];
	return EDGE_OUTCOME_NEXT_HOP_UNAVAILABLE;
}

enum edge_progress edge_answer_exhausted(struct edge_request *request)
{
	if (!may_answer(request))
		return end(request);
	if (request->best)
		return pass_best(request);
	if (request->cancelled)
		return edge_answer_outcome(request, EDGE_OUTCOME_CANCELLED);
	if (request->has_findings && finding_list_first_error(&request->findings))
		return edge_answer_findings(request);
	return edge_answer_outcome(request, noted_outcome(request));
}

/* ---- call policy, authentication ---- */

enum edge_progress edge_answer_policy(struct edge_request *request, const struct route_plan *plan)
{
	struct extra extra = { .count = 0 };
	const struct route_policy_rule *rule = plan->rejected;
	struct span reason = rule->reason.at ? rule->reason : edge_dress_phrase(plan->rejected_status);
	if (!may_answer(request))
		return end(request);
	if (request->inside || !edge_site_is_microsoft(request->site))
		extra_add(&extra, SPAN("Warning"), warning_value(request->worker, request->arena, POLICY_RESPONSE));
	final_answer(request, plan->rejected_status, reason, &extra);
	return end(request);
}

enum edge_progress edge_answer_challenge(
	struct edge_request *request, uint16_t status, const struct span *values, size_t count)
{
	struct extra extra = { .count = 0 };
	struct span name = status == 407 ? SPAN("Proxy-Authenticate") : SPAN("WWW-Authenticate");
	if (!may_answer(request))
		return end(request);
	for (size_t i = 0; i < count; i++)
		extra_add(&extra, name, values[i]);
	final_answer(request, status, edge_dress_phrase(status), &extra);
	return end(request);
}

static uint16_t status_of_defect(enum sip_rule rule)
{
	if (rule == SIP_RULE_TOO_LARGE || rule == SIP_RULE_HEAD_TOO_LARGE || rule == SIP_RULE_HEADER_COUNT)
		return 513;
	return rule == SIP_RULE_VERSION ? 505 : 400;
}

void edge_answer_malformed(struct edge_worker *worker, struct transport_server *server, const struct sip_defect *defect)
{
	struct extra extra = { .count = 0 };
	struct arena *arena = transport_server_arena(server);
	struct span text = arena_printf(arena, "%s, at byte %zu", sip_rule_text(defect->rule), defect->offset);
	if (!edge_site_is_microsoft(worker->site))
		extra_add(&extra, SPAN("Warning"), warning_value(worker, arena, text));
	edge_count(&worker->counters.answered_by_us);
	respond(worker, server, worker->site, status_of_defect(defect->rule), &extra);
}

void edge_answer_overload(struct edge_worker *worker, struct transport_server *server)
{
	struct extra extra = { .count = 0 };
	respond(worker, server, worker->site, OUTCOMES[EDGE_OUTCOME_INTERNAL].status, &extra);
}
