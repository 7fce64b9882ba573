/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/journal.h"

#include "edge/local.h"
#include "net/failure.h"
#include "net/loop.h"
#include "peer/dns_record.h"
#include "record/judgement.h"

#include <stdio.h>
#include <string.h>

static struct record_head head_of(const struct edge_request *request)
{
	const struct edge_worker *worker = request->worker;
	struct record_head head = {
		.time_us = clock_wall_us(&worker->shared->clock),
		.node = worker->shared->log_name,
		.serial = request->serial,
		.tag = request->tag,
		.worker = worker->number,
	};
	struct span session = sip_message_value(request->message, SIP_HEADER_SESSION_ID);
	struct span parameters = session;
	head.local_session = span_first(span_trim(span_cut(&parameters, ';')), 32);
	size_t at = span_find_span(parameters, SPAN("remote="));
	if (at < parameters.length)
		head.remote_session = span_first(span_from(parameters, at + 7), 32);
	return head;
}

static enum record_transport transport_of(enum transport_protocol protocol)
{
	static const enum record_transport map[TRANSPORT_PROTOCOL_COUNT] = {
		[TRANSPORT_UDP] = RECORD_UDP,
		[TRANSPORT_TCP] = RECORD_TCP,
		[TRANSPORT_TLS] = RECORD_TLS,
	};
	return map[protocol];
}

static const struct record_sink *sink_of(const struct edge_request *request)
{
	return &request->worker->sink;
}

static struct record_address remote_of(const struct edge_request *request)
{
	return record_address_of(&request->arrival->remote.any);
}

static const char *variant_name(enum route_variant variant)
{
	static const char *const names[] = {
		[ROUTE_VARIANT_ANY] = "standards", /* not known counts as that */
		[ROUTE_VARIANT_STANDARDS] = "standards",
		[ROUTE_VARIANT_MICROSOFT_AV] = "microsoft-av",
		[ROUTE_VARIANT_MICROSOFT_IM] = "microsoft-im",
	};
	return names[variant];
}

static void search_record(
	const struct edge_request *request, enum record_search_event event, uint16_t status, struct span reason)
{
	struct record r = { .kind = RECORD_SEARCH, .head = head_of(request) };
	r.search.event = event;
	r.search.method = request->message->method_name;
	r.search.source = request->message->from.uri;
	r.search.destination = request->message->request_uri;
	r.search.remote = remote_of(request);
	r.search.transport = transport_of(request->arrival->protocol);
	r.search.found = status >= 200 && status < 300;
	r.search.reason = reason;
	r.search.response_code = status;
	r.search.call_id = request->message->call_id;
	r.search.zone = request->source_name;
	r.search.variant = span_of(variant_name(request->variant));
	r.search.authenticated = request->authenticated;
	if (event == RECORD_SEARCH_COMPLETED)
		r.search.duration_us = (uint64_t)(net_loop_now_us(request->worker->loop) - request->started_us);
	record_take(sink_of(request), &r);
}

static void call_record(
	const struct edge_request *request, enum record_call_event event, uint16_t status, struct span reason)
{
	struct record r = { .kind = RECORD_CALL, .head = head_of(request) };
	r.call.event = event;
	r.call.source = request->message->from.uri;
	r.call.destination = request->message->request_uri;
	r.call.call_id = request->message->call_id;
	r.call.local = record_address_of(&request->arrival->local.any);
	r.call.remote = remote_of(request);
	r.call.transport = transport_of(request->arrival->protocol);
	r.call.reason = reason;
	r.call.response_code = status;
	r.call.authenticated = request->authenticated;
	if (event != RECORD_CALL_ATTEMPTED)
		r.call.duration_us = (uint64_t)(net_loop_now_us(request->worker->loop) - request->started_us);
	record_take(sink_of(request), &r);
}

/* As on Expressway, the search history holds INVITE and OPTIONS. */
static bool is_searched(const struct edge_request *request)
{
	enum sip_method method = request->message->method;
	return !request->in_dialog && (method == SIP_METHOD_INVITE || method == SIP_METHOD_OPTIONS);
}

void edge_journal_search_attempted(const struct edge_request *request)
{
	if (!record_wanted(sink_of(request)) || !is_searched(request))
		return;
	if (request->message->method == SIP_METHOD_INVITE)
		call_record(request, RECORD_CALL_ATTEMPTED, 0, SPAN_NONE);
	search_record(request, RECORD_SEARCH_ATTEMPTED, 0, SPAN_NONE);
}

static struct record_rule transform_record(const struct route_transform *transform)
{
	return (struct record_rule){
		.part = RECORD_RULE_TRANSFORM, .name = transform->name, .priority = (int32_t)transform->priority
	};
}

/* The action is of a rule that decided; text is room for it. */
static struct record_rule policy_record(const struct route_step *step, char *text, size_t capacity)
{
	const struct route_policy_rule *rule = step->policy;
	struct record_rule record = { .part = RECORD_RULE_POLICY, .name = rule->name };
	if (step->verdict == ROUTE_TOO_COSTLY)
		record.action = SPAN("reject 403");
	if (step->verdict != ROUTE_CONSIDERED)
		return record;
	if (rule->action == ROUTE_ALLOW)
		record.action = SPAN("allow");
	else if (rule->action == ROUTE_REDIRECT)
		record.action = SPAN("redirect");
	else
		record.action = span_make(text,
			(size_t)snprintf(text, capacity, "reject %u%s%.*s", rule->status,
				rule->reason.length ? " " : "", SPAN_PRINT(span_first(rule->reason, capacity - 20))));
	return record;
}

static struct record_rule rule_record(const struct edge_site *site, const struct route_rule *rule)
{
	return (struct record_rule){
		.part = RECORD_RULE_SEARCH,
		.name = rule->name,
		.target = site->zones[rule->target].name,
		.priority = (int32_t)rule->priority,
	};
}

void edge_journal_step(const struct edge_site *site, const struct route_step *step, struct span source,
	char action[EDGE_JOURNAL_ACTION_SIZE], struct record_rule *ret_rule)
{
	static const enum record_rule_verdict verdicts[] = {
		[ROUTE_DID_NOT_MATCH] = RECORD_RULE_DID_NOT_MATCH,
		[ROUTE_IGNORED_SOURCE] = RECORD_RULE_IGNORED_SOURCE,
		[ROUTE_CONSIDERED] = RECORD_RULE_CONSIDERED,
		[ROUTE_TOO_COSTLY] = RECORD_RULE_TOO_COSTLY,
		[ROUTE_IGNORED_DISABLED] = RECORD_RULE_IGNORED_DISABLED,
		[ROUTE_IGNORED_UNAUTHENTICATED] = RECORD_RULE_IGNORED_UNAUTHENTICATED,
		[ROUTE_IGNORED_VARIANT] = RECORD_RULE_IGNORED_VARIANT,
	};
	if (step->part == ROUTE_PART_TRANSFORM)
		*ret_rule = transform_record(step->transform);
	else if (step->part == ROUTE_PART_POLICY)
		*ret_rule = policy_record(step, action, EDGE_JOURNAL_ACTION_SIZE);
	else
		*ret_rule = rule_record(site, step->rule);
	ret_rule->verdict = verdicts[step->verdict];
	ret_rule->alias = step->alias;
	ret_rule->source = source;
}

void edge_journal_rules(const struct edge_request *request, const struct route_plan *plan)
{
	char action[EDGE_JOURNAL_ACTION_SIZE];
	if (!record_wanted(sink_of(request)))
		return;
	for (size_t i = 0; i < plan->step_count; i++) {
		struct record r = { .kind = RECORD_RULE, .head = head_of(request) };
		edge_journal_step(request->site, &plan->steps[i], request->source_name, action, &r.rule);
		record_take(sink_of(request), &r);
	}
}

void edge_journal_attempt(
	const struct edge_branch *branch, enum record_attempt_event event, uint16_t status, struct span reason)
{
	const struct edge_request *request = branch->request;
	if (!record_wanted(sink_of(request)) || !is_searched(request))
		return;
	struct record r = { .kind = RECORD_ATTEMPT, .head = head_of(request) };
	const struct edge_zone *zone = branch->zone ? branch->zone : branch->target_zone;
	r.attempt.event = event;
	r.attempt.zone = zone ? zone->name : SPAN_NONE;
	r.attempt.alias = branch->alias;
	r.attempt.branch = branch->number;
	r.attempt.group = branch->group;
	r.attempt.status = status;
	r.attempt.reason = reason;
	r.attempt.target = branch->contact ? branch->contact->uri : branch->server ? branch->server->name : SPAN_NONE;
	if (branch->sent_us && event != RECORD_ATTEMPT_ZONE) {
		r.attempt.remote = record_address_of(&branch->target.address.any);
		r.attempt.transport = transport_of(branch->target.protocol);
		if (event != RECORD_ATTEMPT_SENT)
			r.attempt.elapsed_us = (uint64_t)(net_loop_now_us(request->worker->loop) - branch->sent_us);
	}
	record_take(sink_of(request), &r);
}

void edge_journal_zone(const struct edge_request *request, const struct edge_zone *zone, struct span alias)
{
	if (!record_wanted(sink_of(request)) || !is_searched(request))
		return;
	struct record r = { .kind = RECORD_ATTEMPT, .head = head_of(request) };
	r.attempt.event = RECORD_ATTEMPT_ZONE;
	r.attempt.zone = zone->name;
	r.attempt.alias = alias;
	r.attempt.group = request->group;
	record_take(sink_of(request), &r);
}

void edge_journal_dns(const struct edge_request *request, const char *name, enum net_dns_type type,
	const struct net_dns_answer *answer)
{
	if (!record_wanted(sink_of(request)))
		return;
	struct record r = { .head = head_of(request) };
	if (answer)
		peer_dns_record_answer(sink_of(request), &r, answer, answer->answered_us - answer->asked_us);
	else
		peer_dns_record_question(sink_of(request), &r, name, type);
}

void edge_journal_sent(const struct edge_branch *branch, int status)
{
	if (!record_wanted(sink_of(branch->request)))
		return;
	if (status == 0)
		edge_journal_attempt(branch, RECORD_ATTEMPT_SENT, 0, SPAN_NONE);
	else
		edge_journal_attempt(branch, RECORD_ATTEMPT_FAILED, 0, span_of(strerror(-status)));
}

/* "connect: Connection refused" */
void edge_journal_failed(const struct edge_branch *branch, const struct transport_failure *failed)
{
	char text[256];
	if (!record_wanted(sink_of(branch->request)))
		return;
	const char *why = failed->net ? failed->net->text : failed->error ? strerror(-failed->error) : "";
	snprintf(text, sizeof(text), "%s%s%s", transport_failed_name(failed->kind), why[0] ? ": " : "", why);
	edge_journal_attempt(branch, RECORD_ATTEMPT_FAILED, 0, span_of(text));
}

void edge_journal_answered(const struct edge_request *request, uint16_t status, struct span reason)
{
	if (!record_wanted(sink_of(request)) || !is_searched(request))
		return;
	if (request->planned)
		search_record(request, RECORD_SEARCH_COMPLETED, status, reason);
	if (request->message->method != SIP_METHOD_INVITE)
		return;
	call_record(request, status < 300 ? RECORD_CALL_CONNECTED : RECORD_CALL_REJECTED, status, reason);
}

void edge_journal_call_ended(const struct edge_request *request)
{
	if (record_wanted(sink_of(request)))
		call_record(request, RECORD_CALL_DISCONNECTED, 0, SPAN("Normal clearing"));
}

void edge_journal_judgement(const struct edge_request *request, const struct finding *finding, struct span peer,
	uint16_t status, struct span reason)
{
	if (!record_wanted(sink_of(request)))
		return;
	struct record_judgement_storage storage;
	struct record r = { .kind = RECORD_JUDGEMENT, .head = head_of(request) };
	struct span method = span_first(request->message->cseq_method, 40);
	char cseq[64];
	int length = snprintf(cseq, sizeof(cseq), "%u %.*s", request->message->cseq, SPAN_PRINT(method));
	record_judgement_of(finding, &storage, &r.judgement);
	r.judgement.start_line = request->message->start_line;
	r.judgement.call_id = request->message->call_id;
	r.judgement.cseq = span_make(cseq, (size_t)length);
	r.judgement.peer = peer;
	r.judgement.remote = remote_of(request);
	r.judgement.status = status;
	r.judgement.reason = reason;
	record_take(sink_of(request), &r);
}

void edge_journal_note(const struct record_sink *sink, const struct clock *clock, enum record_node_event event,
	enum record_severity severity, struct span text)
{
	if (!record_wanted(sink))
		return;
	struct record r = { .kind = RECORD_NODE, .head = { .time_us = clock_wall_us(clock) } };
	r.node.event = event;
	r.node.severity = severity;
	r.node.text = text;
	record_take(sink, &r);
}
