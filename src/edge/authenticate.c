/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/authenticate.h"

#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/journal.h"
#include "edge/local.h"
#include "edge/registry.h"
#include "net/loop.h"

#include <errno.h>

/* How long an address where somebody proved himself may send the rest of a dialog. */
#define PROVED_US (INT64_C(1800) * CLOCK_SECOND_US)

/* ---- what is claimed ---- */

static bool is_of_registrar(const struct edge_site *site, struct span domain)
{
	const struct config_registrar *registrar = &site->config->registrar;
	for (size_t i = 0; registrar->enabled && i < registrar->domains.count; i++)
		if (span_equal_nocase(registrar->domains.items[i], domain))
			return true;
	return false;
}

static struct span domain_of(struct span uri_text)
{
	struct sip_uri uri;
	return sip_uri_parse(uri_text, &uri, NULL) == 0 && sip_uri_is_sip(&uri) ? uri.host : SPAN_NONE;
}

bool edge_authenticate_is_registration(const struct edge_request *request)
{
	const struct sip_message *m = request->message;
	if (m->method != SIP_METHOD_REGISTER || !request->site->config->registrar.enabled || request->hop.has_route)
		return false;
	const struct sip_uri *uri = &request->hop.uri;
	/* Phones without a domain in their settings send it to our own name or address. */
	return sip_uri_is_sip(uri) &&
	       (is_of_registrar(request->site, uri->host) || (is_of_registrar(request->site, domain_of(m->to.uri)) &&
								     edge_dress_is_ours(uri, request->worker)));
}

bool edge_authenticate_claims(const struct edge_request *request)
{
	const struct sip_message *m = request->message;
	if (m->method == SIP_METHOD_REGISTER)
		return edge_authenticate_is_registration(request);
	return is_of_registrar(request->site, domain_of(m->from.uri));
}

/* ---- who must prove it ---- */

static bool token_is_ours(const struct edge_request *request)
{
	struct transport_flow flow;
	if (!request->in_dialog || !request->hop.own_user.at)
		return false;
	int status = transport_flow_find(
		request->worker->transport, request->hop.own_user, request->message->call_id, &flow);
	return status == 0 || status == -ENOTCONN;
}

static bool was_proved_there(const struct edge_request *request)
{
	char text[REGISTRAR_SOURCE_SIZE];
	return registrar_guard_is_proved(request->worker->shared->registry->guard,
		edge_local_source(request->arrival, text), net_loop_now_us(request->worker->loop));
}

static struct registrar_question question_of(const struct edge_site *site, const struct edge_worker *worker,
	const struct sip_message *message, struct span host)
{
	return (struct registrar_question){ .message = message,
		.header = SIP_HEADER_PROXY_AUTHORIZATION,
		.source = host,
		.now_us = clock_wall_us(&worker->shared->clock),
		.nonce_lifetime_us = edge_authenticate_nonce_us(site) };
}

/* An ACK over another connection than its INVITE's: phones look up the name in our Record-Route, and open one there. */
static bool acknowledges(struct edge_request *request)
{
	struct edge_worker *worker = request->worker;
	char host[NET_ADDRESS_TEXT_SIZE];
	if (request->message->method != SIP_METHOD_ACK || !request->site->users)
		return false;
	net_address_format_host(&request->arrival->remote, host);
	struct registrar_question question = question_of(request->site, worker, request->message, span_of(host));
	return registrar_authority_acknowledges(request->site->users, worker->shared->registry->nonces, &question);
}

static enum config_authentication policy_of(const struct edge_request *request)
{
	if (request->source)
		return request->source->config->authentication;
	const struct edge_site *site = request->site;
	for (size_t i = 0; i < site->zone_count; i++)
		if (site->zones[i].config->kind == CONFIG_ZONE_DEFAULT)
			return site->zones[i].config->authentication;
	return CONFIG_AUTHENTICATION_NONE;
}

static bool is_local(const struct edge_request *request)
{
	return request->source && request->source == request->site->local;
}

/* Which phones are where is worth more than one call: the address alone is no proof, whatever the policy. */
static bool registration_must_prove(const struct edge_request *request)
{
	if (!request->source || !request->source->inside)
		return true;
	if (!request->site->config->registrar.authenticate)
		return false;
	return is_local(request) || policy_of(request) != CONFIG_AUTHENTICATION_TREAT;
}

static bool must_prove(const struct edge_request *request)
{
	if (!request->site->users || request->message->method == SIP_METHOD_ACK)
		return false;
	if (edge_authenticate_is_registration(request))
		return registration_must_prove(request);
	if (token_is_ours(request) && ((request->source && request->source->inside) || was_proved_there(request)))
		return false;
	return request->claims_local || policy_of(request) == CONFIG_AUTHENTICATION_CHECK;
}

/* ---- what is told of refusals ---- */

static struct span source_host(struct edge_request *request)
{
	char text[NET_ADDRESS_TEXT_SIZE];
	net_address_format_host(&request->arrival->remote, text);
	return arena_copy(request->arena, span_of(text));
}

/* Whom the guard counts: whoever has a network of IPv6 has as many addresses as he likes. */
static struct span source_network(struct edge_request *request)
{
	char text[NET_ADDRESS_TEXT_SIZE];
	net_address_format_network(&request->arrival->remote, text);
	return arena_copy(request->arena, span_of(text));
}

/* Ten a minute of one sender, so that a flood fills no log; how many were left out stands in the next one. */
static void tell_refusal(struct edge_request *request, const struct finding *finding, uint16_t status)
{
	uint64_t left_out;
	int64_t now_us = net_loop_now_us(request->worker->loop);
	struct registrar_guard *guard = request->worker->shared->registry->guard;
	if (!registrar_guard_tell(guard, source_network(request), now_us, &left_out))
		return;
	struct span reason = edge_dress_phrase(status);
	if (left_out)
		reason = arena_printf(request->arena, "%.*s (%llu more of this sender were not recorded)",
			SPAN_PRINT(reason), (unsigned long long)left_out);
	char remote[NET_ADDRESS_TEXT_SIZE];
	net_address_format(&request->arrival->remote, remote);
	edge_journal_judgement(request, finding, arena_copy(request->arena, span_of(remote)), status, reason);
}

/* ---- challenges ---- */

static enum edge_progress challenge(struct edge_request *request, bool is_stale)
{
	struct edge_worker *worker = request->worker;
	struct span values[REGISTRAR_CHALLENGES];
	int64_t now_us = clock_wall_us(&worker->shared->clock);
	size_t count = registrar_authority_challenge(request->site->users, worker->shared->registry->nonces,
		source_host(request), is_stale, now_us, &worker->random, request->arena, values);
	if (count == 0)
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	return edge_answer_challenge(request, edge_authenticate_is_registration(request) ? 401 : 407, values, count);
}

static enum edge_progress flood(struct edge_request *request)
{
	struct finding *f =
		finding_add(edge_request_findings(request), FINDING_REGISTRATION_FLOOD, source_host(request));
	tell_refusal(request, f, f->status);
	return edge_answer_outcome(request, EDGE_OUTCOME_TOO_MANY_UNPROVED);
}

static enum edge_progress refuse_proof(struct edge_request *request, enum registrar_proof proof, struct span username)
{
	enum finding_code code = proof == REGISTRAR_PROOF_REPLAYED ? FINDING_NONCE_REPLAYED : FINDING_IDENTITY_UNPROVED;
	struct finding *f =
		finding_add(edge_request_findings(request), code, username.at ? username : request->message->from.uri);
	finding_observed(f, arena_printf(request->arena, "%s, from %.*s", registrar_proof_name(proof),
				    SPAN_PRINT(source_host(request))));
	tell_refusal(request, f, edge_authenticate_is_registration(request) ? 401 : 407);
	if (proof == REGISTRAR_PROOF_MISMATCHED)
		return edge_answer_outcome(request, EDGE_OUTCOME_PROOF_MISMATCHED);
	if (proof == REGISTRAR_PROOF_MALFORMED)
		return edge_answer_outcome(request, EDGE_OUTCOME_PROOF_MALFORMED);
	return challenge(request, proof == REGISTRAR_PROOF_REPLAYED);
}

/* ---- whom a user may be ---- */

static bool may_be(const struct edge_request *request, const struct registrar_user *user, struct span uri_text,
	struct span *ret_aor)
{
	*ret_aor = registrar_aor_of_text(uri_text, request->arena);
	return ret_aor->at && registrar_user_may_be(user, *ret_aor);
}

/* Whom he wants to be taken for (RFC 3325 9.2), if he may; else the first of his aliases. */
static struct span preferred(const struct edge_request *request, const struct registrar_user *user)
{
	struct sip_values values = sip_message_values(request->message, SIP_HEADER_P_PREFERRED_IDENTITY);
	struct sip_address address;
	struct span aor;
	for (struct span value; sip_values_next(&values, &value);)
		if (sip_address_parse(value, &address, NULL) == 0 && may_be(request, user, address.uri, &aor))
			return aor;
	return user->alias_count ? user->aliases[0] : SPAN_NONE;
}

static bool is_anonymous(const struct edge_request *request)
{
	return span_ends_nocase(domain_of(request->message->from.uri), SPAN("anonymous.invalid"));
}

/* False: he names somebody else. In a dialog From may be what somebody once dialled. */
static bool identify(struct edge_request *request, const struct registrar_user *user)
{
	struct span aor;
	if (request->message->method == SIP_METHOD_REGISTER)
		return true; /* edge/register.c holds To against his aliases */
	if (may_be(request, user, request->message->from.uri, &aor))
		request->asserted = aor;
	else if (request->in_dialog || is_anonymous(request))
		request->asserted = preferred(request, user);
	else
		return false;
	return true;
}

static enum edge_progress refuse_identity(struct edge_request *request, const struct registrar_user *user)
{
	struct finding *f = finding_add(edge_request_findings(request), FINDING_IDENTITY_NOT_YOURS, user->username);
	finding_observed(f, request->message->from.uri);
	return edge_answer_findings(request);
}

/* ---- the step ---- */

static void become_local(struct edge_request *request)
{
	if (!request->site->local)
		return;
	request->source = request->site->local;
	request->source_name = request->source->name;
	request->inside = true;
}

static enum edge_progress proved(struct edge_request *request, const struct registrar_user *user)
{
	struct edge_worker *worker = request->worker;
	char text[REGISTRAR_SOURCE_SIZE];
	bool is_trunk = request->source && request->source->inside && !is_local(request);
	request->authenticated = true;
	request->user = user->username;
	/* Users live as long as the site, which the request holds. */
	if (is_trunk)
		return EDGE_CONTINUE;
	registrar_guard_prove(worker->shared->registry->guard, edge_local_source(request->arrival, text),
		net_loop_now_us(worker->loop) + PROVED_US);
	become_local(request);
	return identify(request, user) ? EDGE_CONTINUE : refuse_identity(request, user);
}

/* Whose measure a request uses up, and what of it. Zones are no strangers that could flood us. A phone where it
 * registered may know one password and guess at others'; it has a measure of its own. And the address of a datagram is
 * anybody's to write until a nonce that was sent there comes back: what does not bring one is counted by the port too
 * and costs what a question costs, so that nobody can use up the measure of all who share an address. */
struct measure {
	struct span whose;
	unsigned cost, given_back; /* by a good proof */
	bool is_limited;
};

static struct measure measure_of(
	struct edge_request *request, bool has_proof, bool is_reached, char where[REGISTRAR_SOURCE_SIZE])
{
	bool is_stream = transport_flow_is_connection(request->arrival->flow);
	bool by_port = is_local(request) || (!is_stream && !is_reached);
	unsigned cost = has_proof && (is_reached || is_stream) ? REGISTRAR_COST_WRONG : REGISTRAR_COST_ASKING;
	return (struct measure){
		.whose = by_port ? edge_local_source(request->arrival, where) : source_network(request),
		.cost = cost,
		.given_back = is_stream || is_local(request) ? cost + REGISTRAR_COST_ASKING : cost,
		.is_limited = !request->source || is_local(request),
	};
}

static enum edge_progress prove(struct edge_request *request)
{
	struct edge_worker *worker = request->worker;
	const struct edge_registry *registry = worker->shared->registry;
	bool registers = edge_authenticate_is_registration(request);
	int64_t now_us = net_loop_now_us(worker->loop);
	char where[REGISTRAR_SOURCE_SIZE];
	struct registrar_question question = question_of(request->site, worker, request->message, source_host(request));
	struct registrar_answer answer;
	question.header = registers ? SIP_HEADER_AUTHORIZATION : SIP_HEADER_PROXY_AUTHORIZATION;
	bool has_proof = sip_message_has(request->message, question.header);
	bool is_reached = has_proof && registrar_authority_reached(request->site->users, registry->nonces, &question);
	struct measure measure = measure_of(request, has_proof, is_reached, where);
	if (measure.is_limited && !registrar_guard_take(registry->guard, measure.whose, measure.cost, now_us))
		return flood(request);
	/* Not looked at: the answer would tell whether a guess was right, at the price of a question. */
	if (measure.is_limited && has_proof && measure.cost == REGISTRAR_COST_ASKING)
		return challenge(request, true);
	enum registrar_proof proof =
		registrar_authority_check(request->site->users, registry->nonces, &question, &answer);
	if (measure.is_limited && answer.user)
		registrar_guard_give(registry->guard, measure.whose,
			proof == REGISTRAR_PROVED ? measure.given_back : measure.cost - REGISTRAR_COST_ASKING, now_us);
	if (proof == REGISTRAR_PROVED)
		return proved(request, answer.user);
	if (proof == REGISTRAR_PROOF_MISSING || proof == REGISTRAR_PROOF_STALE)
		return challenge(request, proof == REGISTRAR_PROOF_STALE);
	return refuse_proof(request, proof, answer.username);
}

enum edge_progress edge_authenticate(struct edge_request *request)
{
	if (must_prove(request))
		return prove(request);
	request->authenticated = policy_of(request) == CONFIG_AUTHENTICATION_TREAT;
	if (request->claims_local) {
		/* The rest of a dialog of somebody who proved himself there; an ACK of anybody else is none of ours. */
		if (!token_is_ours(request) || (!was_proved_there(request) && !acknowledges(request)))
			return edge_answer_outcome(request, EDGE_OUTCOME_NO_TRANSACTION);
		become_local(request);
	} else if (is_local(request)) {
		become_local(request);
	}
	return EDGE_CONTINUE;
}

/* ---- datagrams ---- */

int64_t edge_authenticate_nonce_us(const struct edge_site *site)
{
	int64_t seconds = site->config->registrar.nonce_s;
	return (seconds > 0 ? seconds : 300) * CLOCK_SECOND_US;
}

bool edge_authenticate_is_reached(struct edge_worker *worker, const struct transport_arrival *arrival)
{
	static const enum sip_header_id headers[] = { SIP_HEADER_AUTHORIZATION, SIP_HEADER_PROXY_AUTHORIZATION };
	char host[NET_ADDRESS_TEXT_SIZE];
	if (!worker->site->users || !arrival->message)
		return false;
	net_address_format_host(&arrival->remote, host);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct registrar_question question = question_of(worker->site, worker, arrival->message, span_of(host));
		question.header = headers[i];
		if (registrar_authority_reached(worker->site->users, worker->shared->registry->nonces, &question))
			return true;
	}
	return false;
}

/* ---- on the way out ---- */

/* Partners' identities were judged by the rules of trust. */
static bool is_believed(const struct edge_zone *zone)
{
	return !zone || !zone->inside || (zone->config->kind != CONFIG_ZONE_LOCAL && zone->config->trust_identity);
}

/* What came before P-Asserted-Identity and is believed by many still; no rule of trust judges it. */
static bool may_name_party(const struct edge_zone *zone)
{
	return zone && zone->inside && is_believed(zone);
}

static void tell_disbelief(struct edge_request *request)
{
	struct finding *f =
		finding_add(edge_request_findings(request), FINDING_IDENTITY_NOT_BELIEVED, request->source_name);
	finding_observed(f, sip_message_value(request->message, SIP_HEADER_P_ASSERTED_IDENTITY));
	tell_refusal(request, f, 0);
}

/* Those for our realm were for us; those for others go on, a line each (RFC 3261 22.3). */
static void drop_own_credentials(const struct edge_request *request, struct sip_draft *draft)
{
	struct sip_values values = sip_message_values(request->message, SIP_HEADER_PROXY_AUTHORIZATION);
	struct span value;
	sip_draft_drop(draft, SIP_HEADER_PROXY_AUTHORIZATION);
	while (sip_values_next(&values, &value))
		if (!registrar_authority_owns(request->site->users, value))
			sip_draft_append(draft, SIP_HEADER_PROXY_AUTHORIZATION, value);
}

void edge_authenticate_dress(struct edge_request *request, struct sip_draft *draft, const struct edge_zone *target)
{
	const struct sip_message *m = request->message;
	if (!is_believed(request->source)) {
		if (sip_message_has(m, SIP_HEADER_P_ASSERTED_IDENTITY)) {
			if (!request->has_told_disbelief)
				tell_disbelief(request);
			request->has_told_disbelief = true;
			sip_draft_drop(draft, SIP_HEADER_P_ASSERTED_IDENTITY);
		}
		sip_draft_drop(draft, SIP_HEADER_P_PREFERRED_IDENTITY);
	}
	if (!may_name_party(request->source))
		sip_draft_drop(draft, SIP_HEADER_REMOTE_PARTY_ID);
	if (request->asserted.at && target && target->inside && target != request->site->local)
		sip_draft_append(draft, SIP_HEADER_P_ASSERTED_IDENTITY,
			arena_printf(request->arena, "<sip:%.*s>", SPAN_PRINT(request->asserted)));
	if (request->user.at)
		drop_own_credentials(request, draft);
}

void edge_authenticate_dress_response(struct sip_draft *draft, const struct edge_zone *from)
{
	if (!is_believed(from))
		sip_draft_drop(draft, SIP_HEADER_P_ASSERTED_IDENTITY);
	if (!may_name_party(from))
		sip_draft_drop(draft, SIP_HEADER_REMOTE_PARTY_ID);
}
