/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTER for our own registrar: whoever comes here has proved what edge/authenticate.c asks for. REGISTERs for other
 * domains go their way as any other request. */
#include "edge/answer.h"
#include "edge/authenticate.h"
#include "edge/dress.h"
#include "edge/local.h"
#include "edge/registry.h"
#include "edge/reply.h"
#include "net/loop.h"

#include <stdio.h>

#define FLOW_TIMER SPAN("120") /* RFC 5626 4.4: how often a phone shows that it lives; connections idle for hours */

static struct registrar_rules rules_of(const struct edge_request *request)
{
	const struct config_registrar *registrar = &request->site->config->registrar;
	return (struct registrar_rules){
		.minimum_expires_s = registrar->minimum_expires_s,
		.expires_s = registrar->expires_s,
		.maximum_expires_s = registrar->maximum_expires_s,
		.contacts = registrar->contacts,
	};
}

/* From the phone itself: there is no proxy's Via below the top one. */
static bool is_direct(const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_VIA);
	size_t count = 0;
	for (struct span value; sip_values_next(&values, &value);)
		count++;
	return count == 1;
}

static struct registrar_sender sender_of(struct edge_request *request)
{
	const struct transport_arrival *arrival = request->arrival;
	char remote[NET_ADDRESS_TEXT_SIZE], source[REGISTRAR_SOURCE_SIZE];
	struct registrar_sender sender = { .flow = REGISTRAR_FLOW_NONE, .is_direct = is_direct(request->message) };
	net_address_format(&arrival->remote, remote);
	sender.received = arena_copy(request->arena, span_of(remote));
	sender.transport = span_of(transport_protocol_parameter(arrival->protocol));
	sender.user = request->user;
	if (!sender.is_direct || request->source != request->site->local)
		return sender;
	/* A proxy's address is no phone's. */
	sender.source = arena_copy(request->arena, edge_local_source(arrival, source));
	sender.flow = (struct registrar_flow){ arrival->flow.worker, arrival->flow.slot, arrival->flow.generation };
	return sender;
}

/* ---- records ---- */

static struct record record_make(const struct edge_request *request)
{
	static const enum record_transport transports[TRANSPORT_PROTOCOL_COUNT] = {
		[TRANSPORT_UDP] = RECORD_UDP, [TRANSPORT_TCP] = RECORD_TCP, [TRANSPORT_TLS] = RECORD_TLS
	};
	const struct edge_worker *worker = request->worker;
	struct record r = { .kind = RECORD_REGISTRATION };
	r.head.time_us = clock_wall_us(&worker->shared->clock);
	r.head.node = worker->shared->log_name;
	r.head.serial = request->serial;
	r.head.tag = request->tag;
	r.head.worker = worker->number;
	r.registration.user = request->user;
	r.registration.agent = sip_message_value(request->message, SIP_HEADER_USER_AGENT);
	r.registration.remote = record_address_of(&request->arrival->remote.any);
	r.registration.transport = transports[request->arrival->protocol];
	return r;
}

static void record_changes(
	const struct edge_request *request, struct span aor, const struct registrar_result *result, int64_t now_us)
{
	static const enum record_registration_event events[] = {
		[REGISTRAR_ADDED] = RECORD_REGISTRATION_ACCEPTED,
		[REGISTRAR_REFRESHED] = RECORD_REGISTRATION_REFRESHED,
		[REGISTRAR_REMOVED] = RECORD_REGISTRATION_REMOVED,
		[REGISTRAR_EXPIRED] = RECORD_REGISTRATION_EXPIRED,
	};
	for (size_t i = 0; record_wanted(&request->worker->sink) && i < result->change_count; i++) {
		const struct registrar_change *change = &result->changes[i];
		struct record r = record_make(request);
		int64_t left_us = change->binding.expires_us - now_us;
		r.registration.event = events[change->event];
		r.registration.alias = aor;
		r.registration.contact = change->binding.contact;
		r.registration.expires_s =
			change->event == REGISTRAR_REMOVED ? 0 : (uint32_t)(left_us / CLOCK_SECOND_US);
		record_take(&request->worker->sink, &r);
	}
}

/* Only of those who proved to be somebody, so nobody can fill a log with it. */
static void record_rejection(const struct edge_request *request, struct span alias, uint16_t status, struct span reason)
{
	struct record r = record_make(request);
	if (!record_wanted(&request->worker->sink))
		return;
	r.registration.event = RECORD_REGISTRATION_REJECTED;
	r.registration.alias = alias;
	r.registration.contact = sip_message_value(request->message, SIP_HEADER_CONTACT);
	r.registration.status = status;
	r.registration.reason = reason;
	record_take(&request->worker->sink, &r);
}

/* ---- answers ---- */

static enum edge_progress refuse(
	struct edge_request *request, struct span aor, enum edge_outcome outcome, struct span name, struct span value)
{
	struct edge_reply_header header = { name, value };
	record_rejection(request, aor, edge_outcome_status(outcome), edge_dress_phrase(edge_outcome_status(outcome)));
	return edge_answer_with(request, outcome, &header, value.at ? 1 : 0);
}

static enum edge_progress refuse_by(struct edge_request *request, struct span aor, struct finding *finding)
{
	record_rejection(request, aor, finding->status, edge_dress_phrase(finding->status));
	return edge_answer_findings(request);
}

static enum edge_progress limit(struct edge_request *request, struct span aor, enum registrar_outcome outcome)
{
	struct finding *f = finding_add(edge_request_findings(request), FINDING_REGISTRATION_LIMIT, aor);
	if (outcome == REGISTRAR_FULL)
		f->status = 503;
	finding_observed(f, span_of(registrar_outcome_name(outcome)));
	return refuse_by(request, aor, f);
}

static enum edge_progress not_done(struct edge_request *request, struct span aor, const struct registrar_rules *rules,
	enum registrar_outcome outcome)
{
	switch (outcome) {
	case REGISTRAR_TOO_BRIEF:
		return refuse(request, aor, EDGE_OUTCOME_INTERVAL_TOO_BRIEF, SPAN("Min-Expires"),
			arena_printf(request->arena, "%lld", (long long)rules->minimum_expires_s));
	case REGISTRAR_UNKNOWN_EXTENSION:
		return refuse(request, aor, EDGE_OUTCOME_UNKNOWN_REQUIRE, SPAN("Unsupported"),
			registrar_register_unknown(request->message, request->arena));
	case REGISTRAR_OUT_OF_ORDER:
		return refuse(request, aor, EDGE_OUTCOME_REGISTER_OUT_OF_ORDER, SPAN_NONE, SPAN_NONE);
	case REGISTRAR_FIRST_HOP_LACKS_OUTBOUND:
		return refuse(request, aor, EDGE_OUTCOME_FIRST_HOP_LACKS_OUTBOUND, SPAN_NONE, SPAN_NONE);
	case REGISTRAR_TOO_MANY:
	case REGISTRAR_FULL:
		return limit(request, aor, outcome);
	case REGISTRAR_MALFORMED:
		return refuse(request, aor, EDGE_OUTCOME_BAD_CONTACT, SPAN_NONE, SPAN_NONE);
	default:
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	}
}

/* Where a phone's requests come by: our own name, by the transport it uses (RFC 3608). */
static struct span service_route(struct edge_request *request)
{
	enum transport_protocol protocol = request->arrival->protocol;
	return arena_printf(request->arena, "<sip:%.*s;transport=%s;lr>",
		SPAN_PRINT(transport_sent_by(request->worker->transport, protocol)),
		transport_protocol_parameter(protocol));
}

struct headers {
	struct edge_reply_header items[8];
	size_t count;
};

static void add(struct headers *headers, struct span name, struct span value)
{
	if (value.at)
		headers->items[headers->count++] = (struct edge_reply_header){ name, value };
}

static enum edge_progress done(struct edge_request *request, struct span aor, const struct registrar_wish *wish,
	const struct registrar_result *result, int64_t now_us)
{
	const struct registrar_location *location = request->worker->shared->registry->location;
	struct registrar_gruu_maker maker = { .key = *registrar_location_key(location),
		.random = &request->worker->random,
		.aor = aor,
		.aor_hash = registrar_location_hash(location, aor) };
	struct headers headers = { .count = 0 };
	add(&headers, SPAN("Contact"),
		registrar_register_contacts(
			result->bindings, result->count, now_us, wish->wants_gruu ? &maker : NULL, request->arena));
	if (wish->kind == REGISTRAR_CHANGE && wish->count)
		add(&headers, SPAN("Path"), wish->changes[0].path);
	add(&headers, SPAN("Service-Route"), service_route(request));
	add(&headers, SPAN("Supported"), SPAN("path, outbound, gruu"));
	if (wish->uses_outbound) {
		add(&headers, SPAN("Require"), SPAN("outbound"));
		add(&headers, SPAN("Flow-Timer"), FLOW_TIMER);
	}
	record_changes(request, aor, result, now_us);
	return edge_answer_with(request, EDGE_OUTCOME_REGISTERED, headers.items, headers.count);
}

/* ---- the step ---- */

static enum edge_progress grant(struct edge_request *request, struct span aor)
{
	struct registrar_rules rules = rules_of(request);
	struct registrar_sender sender = sender_of(request);
	struct registrar_wish wish;
	struct registrar_result result;
	int64_t now_us = clock_wall_us(&request->worker->shared->clock);
	enum registrar_outcome outcome =
		registrar_register_read(request->message, &rules, &sender, now_us, request->arena, &wish);
	if (outcome == REGISTRAR_DONE)
		outcome = registrar_location_register(request->worker->shared->registry->location, aor, &wish, &rules,
			now_us, request->arena, &result);
	if (outcome != REGISTRAR_DONE)
		return not_done(request, aor, &rules, outcome);
	return done(request, aor, &wish, &result, now_us);
}

/* A Path is followed without a question, past every search rule: only who may send for others anyway can give one. A
 * phone's password is no such permission. */
static bool may_give_path(const struct edge_request *request)
{
	return request->source && request->source->inside && request->source != request->site->local;
}

static bool is_ours(const struct edge_request *request, struct span aor)
{
	const struct config_texts *domains = &request->site->config->registrar.domains;
	struct span host = span_from(aor, span_find(aor, '@') + 1);
	for (size_t i = 0; i < domains->count; i++)
		if (span_equal_nocase(domains->items[i], host))
			return true;
	return false;
}

enum edge_progress edge_register(struct edge_request *request)
{
	if (!edge_authenticate_is_registration(request))
		return EDGE_CONTINUE;
	struct span aor = registrar_aor_of_text(request->message->to.uri, request->arena);
	if (!aor.at || !is_ours(request, aor))
		return refuse(request, aor, EDGE_OUTCOME_NOT_REGISTERED_HERE, SPAN_NONE, SPAN_NONE);
	if (request->user.at) {
		const struct registrar_user *user = registrar_users_find(request->site->users, request->user);
		if (!user || !registrar_user_may_be(user, aor)) {
			struct finding *f =
				finding_add(edge_request_findings(request), FINDING_IDENTITY_NOT_YOURS, request->user);
			finding_observed(f, aor);
			return refuse_by(request, aor, f);
		}
	}
	if (sip_message_has(request->message, SIP_HEADER_PATH) && !may_give_path(request))
		return refuse(request, aor, EDGE_OUTCOME_PATH_NOT_TAKEN, SPAN_NONE, SPAN_NONE);
	return grant(request, aor);
}
