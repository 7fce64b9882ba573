/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "net/failure.h"
#include "phone/private.h"
#include "sip/digest.h"

#include <errno.h>
#include <stdlib.h>

/* RFC 3261 22.1: a nonce may turn stale in between, even more than once. */
#define ATTEMPTS_MAXIMUM 3

struct phone_request *phone_request_new(struct phone *phone, struct list *owned, enum sip_method method)
{
	struct phone_request *request = calloc(1, sizeof(*request));
	if (!request)
		return NULL;
	request->phone = phone;
	request->method = method;
	arena_init(&request->arena, PHONE_REQUEST_BYTES);
	list_init(&request->link);
	if (owned)
		list_append(owned, &request->link);
	return request;
}

struct phone_request *phone_request_of_call(struct phone_call *call, enum sip_method method)
{
	struct phone_request *request = phone_request_new(call->phone, &call->requests, method);
	if (!request)
		return NULL;
	request->call = call;
	request->username = call->params.username;
	request->password = call->params.password;
	return request;
}

void phone_request_drop(struct phone_request *request)
{
	if (request->client) {
		if (request->method == SIP_METHOD_INVITE && !request->is_finished)
			transport_cancel(request->client, SPAN_NONE);
		transport_client_release(request->client);
		request->client = NULL;
	}
	request->call = NULL;
	request->owner = NULL;
	request->is_dropped = true;
	list_remove(&request->link);
	list_append(&request->phone->ended_requests, &request->link);
}

static void on_response(void *argument, struct transport_client *client, const struct transport_arrival *arrival)
{
	struct phone_request *request = argument;
	(void)client;
	if (request->is_dropped || arrival->message->status == 100)
		return;
	if (request->is_finished || arrival->message->status < 200) {
		if (request->further)
			request->further(request, arrival);
		return;
	}
	request->is_finished = true;
	request->finished(request, arrival, NULL);
}

static void on_failed(void *argument, struct transport_client *client, const struct transport_failure *failure)
{
	struct phone_request *request = argument;
	(void)client;
	if (request->is_dropped || request->is_finished)
		return;
	request->is_finished = true;
	request->finished(request, NULL, failure);
}

static void on_ended(void *argument, struct transport_client *client)
{
	struct phone_request *request = argument;
	(void)client;
	if (request->is_dropped)
		return;
	if (request->call && request->call->invite == request)
		request->call->invite = NULL;
	if (request->ended)
		request->ended(request);
	phone_request_drop(request);
}

static const struct transport_client_user client_user = {
	.response = on_response,
	.failed = on_failed,
	.ended = on_ended,
};

/* The message as it is sent: CANCEL, ACK, dialogs and digest look at it later. */
static int read_back(struct phone_request *request, const struct sip_draft *d)
{
	if (d->status < 0)
		return d->status;
	struct span text = sip_draft_text(d);
	struct sip_message *sent = arena_allocate(&request->arena, sizeof(*sent));
	if (!text.at || !sent)
		return -ENOMEM;
	if (sip_message_parse(text, sent, NULL) < 0)
		return -EINVAL;
	request->sent = sent;
	return 0;
}

int phone_request_send(struct phone_request *request, const struct sip_draft *d, const struct transport_target *target,
	struct span branch)
{
	int status = read_back(request, d);
	if (status == 0) {
		struct iovec part = { (void *)(uintptr_t)request->sent->bytes.at, request->sent->bytes.length };
		const struct transport_request what = {
			.target = target,
			.parts = &part,
			.part_count = 1,
			.method = request->method,
			.branch = branch,
			.user = &client_user,
			.argument = request,
		};
		status = transport_send_request(request->phone->transport, &what, &request->client);
	}
	if (status < 0) {
		request->client = NULL;
		phone_request_drop(request);
	}
	return status;
}

/* RFC 3261 22.2 and RFC 8760 2.4: the first challenge that we can answer. */
static bool find_challenge(const struct phone_request *refused, const struct sip_message *response,
	struct sip_digest_challenge *ret_challenge)
{
	enum sip_header_id id = response->status == 401 ? SIP_HEADER_WWW_AUTHENTICATE : SIP_HEADER_PROXY_AUTHENTICATE;
	if ((response->status != 401 && response->status != 407) || refused->authenticated >= ATTEMPTS_MAXIMUM ||
		!refused->username.at)
		return false;
	const struct sip_header *header = sip_message_find(response, id);
	for (; header; header = sip_message_find_next(response, header))
		if (sip_digest_challenge_parse(header->value, ret_challenge, NULL) == 0 &&
			sip_digest_challenge_is_known(ret_challenge))
			return refused->authenticated == 0 || ret_challenge->is_stale;
	return false;
}

bool phone_can_authenticate(const struct phone_request *refused, const struct sip_message *response)
{
	struct sip_digest_challenge challenge;
	return find_challenge(refused, response, &challenge);
}

void phone_authenticate(const struct phone_request *refused, const struct sip_message *response, struct sip_draft *d,
	struct phone_request *next)
{
	struct sip_digest_challenge challenge;
	struct buffer value;
	char cnonce[17];
	if (!find_challenge(refused, response, &challenge))
		return;
	random_hex(refused->phone->params.random, 16, cnonce);
	const struct sip_digest_answer answer = {
		.username = refused->username,
		.password = refused->password,
		.method = refused->sent->method_name,
		.uri = refused->sent->request_uri,
		.body = refused->sent->body,
		.cnonce = span_of(cnonce),
		.nonce_count = 1,
	};
	buffer_init(&value, PHONE_BODY_BYTES);
	if (sip_digest_answer(&challenge, &answer, &value) == 0) {
		sip_draft_append(d, response->status == 401 ? SIP_HEADER_AUTHORIZATION : SIP_HEADER_PROXY_AUTHORIZATION,
			arena_copy(&next->arena, buffer_span(&value)));
		next->authenticated = refused->authenticated + 1;
	}
	buffer_done(&value);
}

struct span phone_failure_text(struct arena *a, const struct transport_failure *failure)
{
	static const char *const sentences[] = {
		[TRANSPORT_FAILED_TIMEOUT] = "no answer from",
		[TRANSPORT_FAILED_CONNECT] = "cannot connect to",
		[TRANSPORT_FAILED_HANDSHAKE] = "no TLS with",
		[TRANSPORT_FAILED_JUDGED] = "wrong certificate of",
		[TRANSPORT_FAILED_LOST] = "lost the connection to",
		[TRANSPORT_FAILED_FLOW] = "the connection is gone to",
		[TRANSPORT_FAILED_LIMIT] = "too much is waiting for",
		[TRANSPORT_FAILED_SEND] = "cannot send to",
		[TRANSPORT_FAILED_CANCELLED] = "given up before it was sent to",
	};
	char address[NET_ADDRESS_TEXT_SIZE] = "-";
	const char *detail = failure->net ? failure->net->text : NULL;
	if (failure->target)
		net_address_format(&failure->target->address, address);
	if (failure->kind == TRANSPORT_FAILED_JUDGED)
		detail = failure->judged == PHONE_JUDGED_NAME ? "it does not have the name that was asked for"
							      : "it is not signed by a trusted authority";
	else if (!detail && failure->error < 0)
		detail = strerror(-failure->error);
	return arena_printf(a, "%s %s (%s)%s%s", sentences[failure->kind], address,
		failure->target ? transport_protocol_name(failure->target->protocol) : "?", detail ? ": " : "",
		detail ? detail : "");
}
