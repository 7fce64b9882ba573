/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/dialog.h"

#include <errno.h>

/* A copy on one line: values may have come folded (RFC 3261 7.3.1). */
static struct span keep(struct arena *a, struct span value)
{
	struct span copy = arena_copy(a, value);
	for (size_t i = 0; i < copy.length; i++)
		if (copy.at[i] == '\r' || copy.at[i] == '\n')
			((char *)(uintptr_t)copy.at)[i] = ' ';
	return copy;
}

/* Whether all of them could be kept; absent ones may be absent. */
static bool kept(struct span copy, struct span original)
{
	return copy.at || !original.at;
}

static int take_target(struct sip_dialog *d, const struct sip_message *m)
{
	struct sip_values contacts = sip_message_values(m, SIP_HEADER_CONTACT);
	struct sip_address contact;
	struct span value;
	if (!sip_values_next(&contacts, &value))
		return -ENOENT;
	if (sip_address_parse(value, &contact, NULL) < 0 || contact.is_wildcard)
		return -EPROTO;
	if (span_equal(contact.uri, d->remote_target))
		return 0;
	struct span copy = keep(d->arena, contact.uri);
	if (!copy.at)
		return -ENOMEM;
	d->remote_target = copy;
	return 0;
}

static int add_route(struct sip_dialog *d, struct span value)
{
	struct sip_address route;
	if (sip_address_parse(value, &route, NULL) < 0)
		return -EPROTO;
	if (d->route_count == SIP_DIALOG_ROUTES_MAXIMUM)
		return -ENOBUFS;
	struct span copy = keep(d->arena, value);
	if (!copy.at)
		return -ENOMEM;
	d->routes[d->route_count++] = copy;
	return 0;
}

static void reverse_routes(struct sip_dialog *d)
{
	for (size_t i = 0; i < d->route_count / 2; i++) {
		struct span other = d->routes[d->route_count - 1 - i];
		d->routes[d->route_count - 1 - i] = d->routes[i];
		d->routes[i] = other;
	}
}

/* 12.1.1 in the order of the request, 12.1.2 in the reverse order of the response. */
static int take_routes(struct sip_dialog *d, const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_RECORD_ROUTE);
	d->route_count = 0;
	for (struct span value; sip_values_next(&values, &value);) {
		int status = add_route(d, value);
		if (status < 0)
			return status;
	}
	if (d->is_caller)
		reverse_routes(d);
	return 0;
}

int sip_dialog_answer(struct sip_dialog *d, struct arena *a, const struct sip_message *request, struct span local_tag)
{
	*d = (struct sip_dialog){ .arena = a, .state = SIP_DIALOG_EARLY };
	d->call_id = keep(a, request->call_id);
	d->remote = keep(a, request->from.whole);
	d->remote_tag = keep(a, request->from.tag);
	d->local_tag = keep(a, local_tag);
	d->local = request->to.tag.at ? keep(a, request->to.whole)
				      : arena_printf(a, "%.*s;tag=%.*s", SPAN_PRINT(keep(a, request->to.whole)),
						SPAN_PRINT(local_tag));
	if (!d->call_id.at || !d->remote.at || !d->local_tag.at || !d->local.at ||
		!kept(d->remote_tag, request->from.tag))
		return -ENOMEM;
	d->remote_cseq = request->cseq;
	d->has_remote_cseq = true;
	d->secure = request->uri.scheme == SIP_SCHEME_SIPS;
	int status = take_target(d, request);
	if (status < 0)
		return status == -ENOENT ? -EPROTO : status;
	return take_routes(d, request);
}

int sip_dialog_call(
	struct sip_dialog *d, struct arena *a, const struct sip_message *sent, const struct sip_message *response)
{
	*d = (struct sip_dialog){ .arena = a, .state = SIP_DIALOG_EARLY, .is_caller = true };
	d->call_id = keep(a, sent->call_id);
	d->local = keep(a, sent->from.whole);
	d->local_tag = keep(a, sent->from.tag);
	d->remote = keep(a, response->to.whole);
	d->remote_tag = keep(a, response->to.tag);
	d->remote_target = keep(a, sent->request_uri);
	if (!d->call_id.at || !d->local.at || !d->remote.at || !d->remote_target.at ||
		!kept(d->local_tag, sent->from.tag) || !kept(d->remote_tag, response->to.tag))
		return -ENOMEM;
	d->local_cseq = sent->cseq;
	d->secure = sent->uri.scheme == SIP_SCHEME_SIPS;
	if (response->status >= 200)
		return sip_dialog_confirm(d, response);
	int status = take_target(d, response);
	if (status < 0 && status != -ENOENT)
		return status;
	return take_routes(d, response);
}

int sip_dialog_confirm(struct sip_dialog *d, const struct sip_message *response)
{
	if (response) {
		int status = take_target(d, response);
		if (status == 0)
			status = take_routes(d, response);
		if (status < 0)
			return status == -ENOENT ? -EPROTO : status;
	}
	d->state = SIP_DIALOG_CONFIRMED;
	return 0;
}

void sip_dialog_end(struct sip_dialog *d)
{
	d->state = SIP_DIALOG_ENDED;
}

bool sip_dialog_matches(const struct sip_dialog *d, const struct sip_message *m)
{
	/* In a request the peer is From, in a response to one of ours it is To. */
	struct span theirs = m->is_request ? m->from.tag : m->to.tag;
	struct span ours = m->is_request ? m->to.tag : m->from.tag;
	return d->state != SIP_DIALOG_NONE && span_equal(d->call_id, m->call_id) && span_equal(d->local_tag, ours) &&
	       span_equal(d->remote_tag, theirs);
}

static bool refreshes_target(enum sip_method method)
{
	return method == SIP_METHOD_INVITE || method == SIP_METHOD_UPDATE || method == SIP_METHOD_SUBSCRIBE ||
	       method == SIP_METHOD_NOTIFY;
}

int sip_dialog_take_request(struct sip_dialog *d, const struct sip_message *request)
{
	if (request->method == SIP_METHOD_ACK || request->method == SIP_METHOD_CANCEL)
		return 0;
	if (d->has_remote_cseq && request->cseq < d->remote_cseq)
		return -ESTALE;
	d->remote_cseq = request->cseq;
	d->has_remote_cseq = true;
	if (refreshes_target(request->method) && take_target(d, request) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

int sip_dialog_take_response(struct sip_dialog *d, const struct sip_message *response)
{
	if (response->status == 408 || response->status == 481)
		sip_dialog_end(d);
	else if (response->status >= 200 && response->status < 300 && refreshes_target(response->method) &&
		 take_target(d, response) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

static struct span uri_of(struct span route)
{
	struct sip_address address;
	return sip_address_parse(route, &address, NULL) < 0 ? SPAN_NONE : address.uri;
}

static bool is_loose(struct span uri)
{
	struct sip_uri parts;
	return sip_uri_parse(uri, &parts, NULL) == 0 && sip_uri_is_loose(&parts);
}

struct span sip_dialog_next_hop(const struct sip_dialog *d)
{
	return d->route_count > 0 ? uri_of(d->routes[0]) : d->remote_target;
}

void sip_dialog_draft(
	struct sip_dialog *d, struct sip_draft *ret_draft, struct arena *a, const struct sip_dialog_request *request)
{
	bool strict = d->route_count > 0 && !is_loose(uri_of(d->routes[0]));
	bool keeps_number = span_is(request->method, "ACK") || span_is(request->method, "CANCEL");
	uint32_t cseq = keeps_number ? request->cseq : ++d->local_cseq;
	sip_draft_request(ret_draft, a, request->method, strict ? uri_of(d->routes[0]) : d->remote_target);
	sip_draft_append(ret_draft, SIP_HEADER_VIA, request->via);
	for (size_t i = strict ? 1 : 0; i < d->route_count; i++)
		sip_draft_append(ret_draft, SIP_HEADER_ROUTE, d->routes[i]);
	if (strict)
		sip_draft_append(ret_draft, SIP_HEADER_ROUTE, arena_printf(a, "<%.*s>", SPAN_PRINT(d->remote_target)));
	sip_draft_append(ret_draft, SIP_HEADER_MAX_FORWARDS, SPAN("70"));
	sip_draft_append(ret_draft, SIP_HEADER_FROM, d->local);
	sip_draft_append(ret_draft, SIP_HEADER_TO, d->remote);
	sip_draft_append(ret_draft, SIP_HEADER_CALL_ID, d->call_id);
	sip_draft_append(ret_draft, SIP_HEADER_CSEQ, arena_printf(a, "%u %.*s", cseq, SPAN_PRINT(request->method)));
}
