/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/require.h"
#include "phone/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPIRES_S 3600
#define KEEP_ALIVE_US (25 * CLOCK_SECOND_US)
#define FIRST_WAIT_US (CLOCK_SECOND_US / 2)
#define LONGEST_WAIT_US (30 * CLOCK_SECOND_US)
#define RETRY_AFTER_MAXIMUM_S 300
#define CONTACTS_MAXIMUM 64

enum step { STEP_IDLE, STEP_REGISTERING, STEP_STANDING, STEP_WAITING, STEP_LEAVING, STEP_OVER };

struct phone_registration {
	struct phone *phone;
	struct phone_registration_params params; /* texts in the arena */
	struct arena arena;
	struct arena looked_up; /* of the last look-up */
	struct phone_way way;
	struct list requests;
	struct span domain; /* "sip:steven.lab": who is asked */
	struct span call_id;
	struct span from;
	struct span to;
	struct span instance; /* value of +sip.instance */
	struct transport_target flow; /* the connection it stands on */
	bool has_flow;
	enum step step;
	uint32_t cseq;
	uint32_t expires_s; /* asked for: raised by a 423 */
	unsigned failures; /* in a row */
	struct wheel_timer due; /* the next REGISTER */
	struct wheel_timer cut; /* the connection has ended */
	struct wheel_timer ask; /* OPTIONS */
};

static void send_register(
	struct phone_registration *r, const struct phone_request *refused, const struct sip_message *response);

static void tell(struct phone_registration *r, const struct phone_registered *state)
{
	if (r->params.changed)
		r->params.changed(r->params.argument, state);
}

/* ---- times ---- */

/* RFC 5626 4.5 in small: doubled after each failure, by chance up to a half shorter. */
static int64_t wait_us(struct phone_registration *r)
{
	int64_t longest_us = FIRST_WAIT_US << (r->failures < 6 ? r->failures : 6);
	if (longest_us > LONGEST_WAIT_US)
		longest_us = LONGEST_WAIT_US;
	return longest_us / 2 + (int64_t)random_below(r->phone->params.random, (uint64_t)longest_us / 2 + 1);
}

/* Some time before it ends, so that one lost message does no harm. */
static int64_t refresh_us(uint32_t expires_s)
{
	int64_t whole_us = expires_s * CLOCK_SECOND_US;
	int64_t lead_us = whole_us / 10;
	if (lead_us < 5 * CLOCK_SECOND_US)
		lead_us = 5 * CLOCK_SECOND_US;
	if (lead_us > 60 * CLOCK_SECOND_US)
		lead_us = 60 * CLOCK_SECOND_US;
	return lead_us > whole_us / 2 ? whole_us / 2 : whole_us - lead_us;
}

static void disarm_all(struct phone_registration *r)
{
	phone_disarm(r->phone, &r->due);
	phone_disarm(r->phone, &r->cut);
	phone_disarm(r->phone, &r->ask);
}

static void drop_requests(struct phone_registration *r)
{
	while (!list_is_empty(&r->requests))
		phone_request_drop(base_container(r->requests.next, struct phone_request, link));
}

/* ---- what came of it ---- */

static void try_later(struct phone_registration *r, const struct phone_registered *state, int64_t at_least_us)
{
	int64_t pause_us = wait_us(r);
	disarm_all(r);
	r->failures++;
	r->step = STEP_WAITING;
	phone_arm(r->phone, &r->due, pause_us > at_least_us ? pause_us : at_least_us);
	tell(r, state);
}

/* What it stood on is gone: no binding is of use any more, whatever the registrar believes. */
static void lost(struct phone_registration *r, struct span why)
{
	drop_requests(r);
	if (r->has_flow)
		transport_flow_close(r->phone->transport, r->flow.flow);
	r->has_flow = false;
	try_later(r, &(struct phone_registered){ .reason = why }, 0);
}

static void over(struct phone_registration *r)
{
	disarm_all(r);
	r->step = STEP_OVER;
}

static bool is_ours(const struct phone_registration *r, const struct sip_uri *uri)
{
	struct sip_address own;
	struct sip_uri own_uri;
	struct sip_uri user;
	sip_uri_parse(r->params.user, &user, NULL);
	char scratch[512];
	struct span sent_by = transport_sent_by(r->phone->transport, r->way.targets[r->way.target_used].protocol);
	int length = snprintf(scratch, sizeof(scratch), "<sip:%.*s>", SPAN_PRINT(sent_by));
	if (length < 0 || (size_t)length >= sizeof(scratch) ||
		sip_address_parse_uri(span_make(scratch, (size_t)length), &own, &own_uri) < 0)
		return false;
	return span_equal(user.user, uri->user) && span_equal_nocase(own_uri.host, uri->host) &&
	       own_uri.port == uri->port;
}

bool phone_registration_is_contact(const struct phone *phone, const struct sip_uri *uri)
{
	const struct phone_registration *r = phone->registration;
	return r && is_ours(r, uri);
}

/* RFC 3261 10.2.4: each contact has its own; the header is for those that have none. */
static uint32_t granted_s(const struct phone_registration *r, const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_CONTACT);
	struct sip_address address;
	struct sip_uri uri;
	uint32_t granted = r->expires_s;
	(void)sip_message_number(m, SIP_HEADER_EXPIRES, &granted);
	for (size_t i = 0; i < CONTACTS_MAXIMUM; i++) {
		struct span text;
		uint64_t number;
		int status = sip_values_next_address(&values, &address, &uri);
		if (status == 0)
			break;
		if (status > 0 && is_ours(r, &uri) && sip_address_parameter(&address, SPAN("expires"), &text) &&
			span_to_u64(text, UINT32_MAX, &number) == 0)
			granted = (uint32_t)number;
	}
	return granted;
}

static void stand(struct phone_registration *r, const struct transport_arrival *arrival)
{
	uint32_t expires_s = granted_s(r, arrival->message);
	if (expires_s == 0) {
		try_later(r,
			&(struct phone_registered){ .status = arrival->message->status,
				.reason = SPAN("the registrar keeps no contact of ours") },
			0);
		return;
	}
	r->step = STEP_STANDING;
	r->failures = 0;
	r->has_flow = transport_flow_is_connection(arrival->flow);
	r->flow = transport_flow_target(arrival);
	r->flow.name = r->way.targets[r->way.target_used].name;
	r->flow.identity = NULL;
	phone_arm(r->phone, &r->due, refresh_us(expires_s));
	phone_arm(r->phone, &r->ask, r->params.keep_alive_us);
	tell(r, &(struct phone_registered){ .stands = true,
			.status = arrival->message->status,
			.reason = arrival->message->reason,
			.expires_s = expires_s });
}

static bool is_refusal(uint16_t status)
{
	static const uint16_t passing[] = { 408, 423, 429, 480, 482, 483, 486, 491 };
	for (size_t i = 0; i < BASE_COUNT(passing); i++)
		if (passing[i] == status)
			return false;
	return status >= 400 && status < 500;
}

static void refused(struct phone_registration *r, struct phone_request *request, const struct sip_message *m)
{
	uint32_t number = 0;
	if (phone_can_authenticate(request, m)) {
		send_register(r, request, m);
		return;
	}
	/* Once: a registrar that asks for more each time is not followed. */
	if (m->status == 423 && sip_message_number(m, SIP_HEADER_MIN_EXPIRES, &number) == 0 && number > r->expires_s) {
		r->expires_s = number;
		send_register(r, NULL, NULL);
		return;
	}
	(void)sip_message_number(m, SIP_HEADER_RETRY_AFTER, &number);
	if (number > RETRY_AFTER_MAXIMUM_S)
		number = RETRY_AFTER_MAXIMUM_S;
	try_later(r,
		&(struct phone_registered){
			.status = m->status, .reason = m->reason, .is_refused = is_refusal(m->status) },
		m->status == 423 ? 0 : number * CLOCK_SECOND_US);
}

static void register_finished(
	struct phone_request *request, const struct transport_arrival *arrival, const struct transport_failure *failure)
{
	struct phone_registration *r = request->owner;
	if (r->step == STEP_LEAVING) {
		if (arrival && phone_can_authenticate(request, arrival->message))
			send_register(r, request, arrival->message);
		else
			over(r);
	} else if (arrival && arrival->message->status < 300) {
		stand(r, arrival);
	} else if (arrival) {
		refused(r, request, arrival->message);
	} else if (phone_way_has_another(&r->way)) {
		r->way.target_used++;
		send_register(r, NULL, NULL);
	} else {
		r->has_flow = false;
		try_later(r, &(struct phone_registered){ .reason = phone_failure_text(&request->arena, failure) }, 0);
	}
}

/* ---- requests ---- */

static void append_contact(
	struct phone_registration *r, struct sip_draft *d, struct arena *a, enum transport_protocol protocol)
{
	struct sip_uri user = { 0 };
	sip_uri_parse(r->params.user, &user, NULL);
	struct span contact = phone_contact(r->phone, a, user.user, protocol);
	uint32_t expires_s = r->step == STEP_LEAVING ? 0 : r->expires_s;
	sip_draft_append(d, SIP_HEADER_CONTACT,
		arena_printf(a, "%.*s;+sip.instance=\"%.*s\";reg-id=1;expires=%u", SPAN_PRINT(contact),
			SPAN_PRINT(r->instance), expires_s));
	sip_draft_append(d, SIP_HEADER_EXPIRES, arena_printf(a, "%u", expires_s));
	sip_draft_append(d, SIP_HEADER_SUPPORTED, SPAN("path, outbound"));
}

static struct phone_request *begin_request(
	struct phone_registration *r, enum sip_method method, struct sip_draft *d, struct span *ret_branch)
{
	struct phone_request *request = phone_request_new(r->phone, &r->requests, method);
	const struct transport_target *target = &r->way.targets[r->way.target_used];
	if (!request)
		return NULL;
	request->owner = r;
	request->username = r->params.username;
	request->password = r->params.password;
	sip_draft_request(d, &request->arena, sip_method_name(method), r->domain);
	sip_draft_append(d, SIP_HEADER_VIA, phone_via(r->phone, &request->arena, target->protocol, ret_branch));
	sip_draft_append(d, SIP_HEADER_MAX_FORWARDS, SPAN("70"));
	return request;
}

static void send_register(
	struct phone_registration *r, const struct phone_request *refused, const struct sip_message *response)
{
	const struct transport_target *target = &r->way.targets[r->way.target_used];
	struct sip_draft d;
	struct span branch;
	struct phone_request *request = begin_request(r, SIP_METHOD_REGISTER, &d, &branch);
	int status = -ENOMEM;
	if (request) {
		struct arena *a = &request->arena;
		sip_draft_append(&d, SIP_HEADER_FROM, r->from);
		sip_draft_append(&d, SIP_HEADER_TO, r->to);
		sip_draft_append(&d, SIP_HEADER_CALL_ID, r->call_id);
		sip_draft_append(&d, SIP_HEADER_CSEQ, arena_printf(a, "%u REGISTER", ++r->cseq));
		append_contact(r, &d, a, target->protocol);
		sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(r->phone));
		if (refused)
			phone_authenticate(refused, response, &d, request);
		request->finished = register_finished;
		status = phone_request_send(request, &d, target, branch);
	}
	if (status == 0)
		return;
	if (r->step == STEP_LEAVING)
		over(r);
	else
		try_later(r, &(struct phone_registered){ .reason = span_of(strerror(-status)) }, 0);
}

static void way_found(struct phone_way *way, struct span why)
{
	struct phone_registration *r = base_container(way, struct phone_registration, way);
	if (way->target_count > 0)
		send_register(r, NULL, NULL);
	else
		try_later(r, &(struct phone_registered){ .reason = why }, 0);
}

/* Anew from the name on: after a failure it may lead elsewhere. */
static void begin(struct phone_registration *r)
{
	r->step = STEP_REGISTERING;
	phone_way_stop(&r->way);
	arena_done(&r->looked_up);
	arena_init(&r->looked_up, PHONE_REQUEST_BYTES);
	phone_way_find(&r->way);
}

static void due(struct wheel_timer *timer, int64_t now_us)
{
	struct phone_registration *r = base_container(timer, struct phone_registration, due);
	(void)now_us;
	if (r->step == STEP_STANDING)
		send_register(r, NULL, NULL);
	else
		begin(r);
}

/* ---- is anybody still there? ---- */

static void cut(struct wheel_timer *timer, int64_t now_us)
{
	struct phone_registration *r = base_container(timer, struct phone_registration, cut);
	(void)now_us;
	lost(r, SPAN("the connection is gone"));
}

/* Not at once: those who use the connection are just being told. */
void phone_registration_flow_closed(struct phone *phone, struct transport_flow flow)
{
	struct phone_registration *r = phone->registration;
	if (r && r->step == STEP_STANDING && r->has_flow && transport_flow_equal(r->flow.flow, flow))
		phone_arm(phone, &r->cut, 0);
}

/* Whatever it answers, somebody is there. */
static void asked(
	struct phone_request *request, const struct transport_arrival *arrival, const struct transport_failure *failure)
{
	struct phone_registration *r = request->owner;
	if (r->step != STEP_STANDING)
		return;
	if (arrival)
		phone_arm(r->phone, &r->ask, r->params.keep_alive_us);
	else
		lost(r, arena_copy(&r->looked_up, phone_failure_text(&request->arena, failure)));
}

static void ask(struct wheel_timer *timer, int64_t now_us)
{
	struct phone_registration *r = base_container(timer, struct phone_registration, ask);
	char id[37];
	struct sip_draft d;
	struct span branch;
	(void)now_us;
	struct phone_request *request = begin_request(r, SIP_METHOD_OPTIONS, &d, &branch);
	if (request) {
		random_uuid(r->phone->params.random, id);
		sip_draft_append(&d, SIP_HEADER_FROM, r->from);
		sip_draft_append(&d, SIP_HEADER_TO, arena_printf(&request->arena, "<%.*s>", SPAN_PRINT(r->domain)));
		sip_draft_append(&d, SIP_HEADER_CALL_ID, arena_copy(&request->arena, span_of(id)));
		sip_draft_append(&d, SIP_HEADER_CSEQ, SPAN("1 OPTIONS"));
		sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(r->phone));
		request->finished = asked;
		if (phone_request_send(
			    request, &d, r->has_flow ? &r->flow : &r->way.targets[r->way.target_used], branch) == 0)
			return;
	}
	lost(r, SPAN("the registrar cannot be asked any more"));
}

/* ---- life ---- */

/* The same after a restart, so that the new binding takes the old one's place (RFC 5626 4.1): made of what we are. */
static struct span instance_of(struct phone_registration *r)
{
	static const struct hash_key keys[2] = { { { 1, 1 } }, { { 2, 2 } } };
	char host[NET_ADDRESS_TEXT_SIZE];
	char seed[512];
	net_address_format_host(&r->phone->params.local, host);
	int length = snprintf(seed, sizeof(seed), "%.*s|%s", SPAN_PRINT(r->params.user), host);
	struct span text = span_make(seed, (size_t)length < sizeof(seed) ? (size_t)length : sizeof(seed) - 1);
	uint64_t high = hash_keyed(&keys[0], text), low = hash_keyed(&keys[1], text);
	return arena_printf(&r->arena, "<urn:uuid:%08x-%04x-5%03x-%04x-%012llx>", (unsigned)(high >> 32),
		(unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xfff, 0x8000 | ((unsigned)(low >> 48) & 0x3fff),
		(unsigned long long)(low & 0xffffffffffff));
}

static void copy_params(struct phone_registration *r, const struct phone_registration_params *params)
{
	struct arena *a = &r->arena;
	char id[37], tag[PHONE_TAG_LENGTH + 1];
	struct sip_uri user;
	r->params = *params;
	r->params.user = arena_copy(a, params->user);
	r->params.host = arena_copy(a, params->host);
	r->params.server_name = arena_copy(a, params->server_name);
	r->params.username = arena_copy(a, params->username);
	r->params.password = arena_copy(a, params->password);
	if (r->params.keep_alive_us <= 0)
		r->params.keep_alive_us = KEEP_ALIVE_US;
	r->expires_s = params->expires_s ? params->expires_s : EXPIRES_S;
	sip_uri_parse(r->params.user, &user, NULL);
	random_uuid(r->phone->params.random, id);
	random_hex(r->phone->params.random, PHONE_TAG_LENGTH, tag);
	r->call_id = arena_copy(a, span_of(id));
	r->domain = arena_printf(a, "sip:%.*s", SPAN_PRINT(user.host));
	r->from = arena_printf(a, "<%.*s>;tag=%s", SPAN_PRINT(r->params.user), tag);
	r->to = arena_printf(a, "<%.*s>", SPAN_PRINT(r->params.user));
	r->instance = instance_of(r);
	r->way = (struct phone_way){
		.phone = r->phone,
		.arena = &r->looked_up,
		.host = r->params.host,
		.port = r->params.port,
		.protocol = r->params.protocol,
		.server_name = r->params.server_name,
		.found = way_found,
	};
}

int phone_register(struct phone *phone, const struct phone_registration_params *params)
{
	struct sip_uri user;
	if (sip_uri_parse(params->user, &user, NULL) < 0 || !sip_uri_is_sip(&user) || user.user.length == 0 ||
		params->host.length == 0)
		return -EINVAL;
	if (phone->registration)
		return -EALREADY;
	struct phone_registration *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->phone = phone;
	arena_init(&r->arena, PHONE_REQUEST_BYTES);
	arena_init(&r->looked_up, PHONE_REQUEST_BYTES);
	list_init(&r->requests);
	wheel_timer_init(&r->due, due);
	wheel_timer_init(&r->cut, cut);
	wheel_timer_init(&r->ask, ask);
	copy_params(r, params);
	phone->registration = r;
	phone_arm(phone, &r->due, 0);
	return 0;
}

void phone_registration_stop(struct phone *phone)
{
	struct phone_registration *r = phone->registration;
	if (!r || r->step >= STEP_LEAVING)
		return;
	bool stood = r->step == STEP_STANDING;
	disarm_all(r);
	phone_way_stop(&r->way);
	drop_requests(r);
	r->step = STEP_LEAVING;
	if (stood)
		send_register(r, NULL, NULL);
	else
		over(r);
}

bool phone_registration_is_over(const struct phone *phone)
{
	return !phone->registration || phone->registration->step == STEP_OVER;
}

void phone_registration_free(struct phone *phone)
{
	struct phone_registration *r = phone->registration;
	if (!r)
		return;
	disarm_all(r);
	phone_way_stop(&r->way);
	drop_requests(r);
	arena_done(&r->arena);
	arena_done(&r->looked_up);
	free(r);
	phone->registration = NULL;
}
