/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/mesh_private.h"

/* ---- whose is it ---- */

/* The flow that the topmost Route names, where it is one of ours: an in-dialog request. */
static bool route_flow(const struct transport *t, const struct sip_message *m, struct transport_flow *ret_flow)
{
	struct sip_values routes = sip_message_values(m, SIP_HEADER_ROUTE);
	struct span value;
	struct sip_address address;
	struct sip_uri uri;
	return sip_values_next(&routes, &value) && sip_address_parse_uri(value, &address, &uri) == 0 && uri.user.at &&
	       transport_token_parse(&t->token_key, uri.user, m->call_id, ret_flow) == 0;
}

static bool is_other_worker(const struct transport *t, uint16_t worker)
{
	return worker != t->worker && worker < t->worker_count && t->mesh;
}

enum whose { OURS_NEW, OURS_IN_DIALOG, HANDED_OVER };

/* Of a request that no transaction here claims. What another worker handed over is never handed on. */
static enum whose whose_request(struct transport *t, struct span bytes, struct transport_incoming *in)
{
	struct transport_flow flow;
	if (t->worker_count < 2 || !route_flow(t, in->arrival.message, &flow))
		return OURS_NEW;
	if (in->handed_over || !is_other_worker(t, flow.worker))
		return OURS_IN_DIALOG;
	(void)transport_mesh_deliver(t, flow.worker, in, bytes);
	return HANDED_OVER;
}

/* ---- requests ---- */

static void count_received(struct transport *t, const struct transport_incoming *in, struct span bytes)
{
	struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
	transport_record_message(t, RECORD_RECEIVED, &in->arrival, NULL, &part, 1);
}

static bool claim_ack(struct transport *t, struct transport_incoming *in)
{
	struct sip_transaction *invite = sip_transaction_table_find_server(&t->table, in->arrival.message);
	if (invite)
		transport_server_receive_again(t, invite, in);
	return invite;
}

static bool claim_cancel(struct transport *t, struct transport_incoming *in)
{
	const struct sip_message *m = in->arrival.message;
	struct sip_transaction *again = sip_transaction_table_find_server(&t->table, m);
	if (again) {
		transport_server_receive_again(t, again, in);
		return true;
	}
	struct sip_transaction *invite = sip_transaction_table_find_cancelled(&t->table, m);
	if (invite)
		transport_server_receive_cancel(t, invite, in);
	return invite;
}

static void unclaimed_ack(struct transport *t, struct transport_incoming *in, struct span bytes)
{
	if (t->user.ack) {
		transport_server_receive_ack(t, in);
		return;
	}
	count_received(t, in, bytes);
	transport_count(&t->counters.dropped_strays, 1);
}

static void receive_ack(struct transport *t, struct transport_incoming *in, struct span bytes)
{
	if (claim_ack(t, in))
		return;
	enum whose whose = whose_request(t, bytes, in);
	if (whose == HANDED_OVER)
		return;
	/* With our Route it is the ACK to a 2xx, or to a re-INVITE that would be here as well. */
	if (whose == OURS_NEW && !in->handed_over && !in->refused && transport_offer(t, in, bytes))
		return;
	unclaimed_ack(t, in, bytes);
}

static void receive_cancel(struct transport *t, struct transport_incoming *in, struct span bytes)
{
	if (claim_cancel(t, in))
		return;
	if (!in->refused && whose_request(t, bytes, in) == HANDED_OVER)
		return;
	if (!in->handed_over && !in->refused && transport_offer(t, in, bytes))
		return;
	transport_server_receive(t, in, NULL);
}

static void receive_request(struct transport *t, struct transport_incoming *in, struct span bytes)
{
	switch (in->arrival.message->method) {
	case SIP_METHOD_ACK:
		receive_ack(t, in, bytes);
		return;
	case SIP_METHOD_CANCEL:
		receive_cancel(t, in, bytes);
		return;
	default:
		break;
	}
	struct sip_transaction *again = sip_transaction_table_find_server(&t->table, in->arrival.message);
	if (again)
		transport_server_receive_again(t, again, in);
	else if (whose_request(t, bytes, in) != HANDED_OVER)
		transport_server_receive(t, in, NULL);
}

/* ---- responses ---- */

static void receive_response(struct transport *t, struct transport_incoming *in, struct span bytes)
{
	const struct sip_message *m = in->arrival.message;
	struct sip_transaction *client = sip_transaction_table_find_client(&t->table, m);
	if (client) {
		transport_client_receive(t, client, in);
		return;
	}
	uint16_t worker;
	struct span loop_hash;
	if (!in->handed_over && t->worker_count > 1 &&
		transport_branch_parse(m->via.branch, &worker, &loop_hash) == 0 && is_other_worker(t, worker)) {
		(void)transport_mesh_deliver(t, worker, in, bytes);
		return;
	}
	/* RFC 6026 7.1: a response that no transaction expects is dropped, not forwarded. */
	count_received(t, in, bytes);
	transport_count(&t->counters.dropped_strays, 1);
}

/* ---- the beginning ---- */

static void drop(struct transport *t, struct transport_incoming *in, const struct sip_defect *defect)
{
	transport_count(&t->counters.dropped_malformed, 1);
	transport_record_dropped(t, &in->arrival, sip_rule_text(defect->rule));
}

/* What an answer repeats has to be there, but need not be right: RFC 4475 3.1.2.4 and 3.1.2.6 want a 400 for a
 * CSeq above its range and a To that never ends. */
static bool is_answerable(const struct sip_message *m)
{
	return m->is_request && m->method != SIP_METHOD_ACK && sip_method_is_answered(m->method) &&
	       sip_message_has(m, SIP_HEADER_FROM) && sip_message_has(m, SIP_HEADER_TO) &&
	       sip_message_has(m, SIP_HEADER_CALL_ID) && sip_message_has(m, SIP_HEADER_CSEQ);
}

static void receive_broken(struct transport *t, const struct sip_message *m, const struct sip_defect *defect,
	struct transport_incoming *in)
{
	if (!is_answerable(m) || !t->user.defect) {
		drop(t, in, defect);
		return;
	}
	transport_count(&t->counters.defects, 1);
	in->arrival.message = m;
	transport_server_receive(t, in, defect);
}

void transport_receive(struct transport *t, struct span bytes, struct transport_incoming *in)
{
	struct sip_message m;
	struct sip_defect defect = { 0 };
	int status = sip_message_parse(bytes, &m, &defect);
	if (status == -EPROTO) {
		receive_broken(t, &m, &defect, in);
	} else if (status < 0) {
		drop(t, in, &defect);
	} else {
		in->arrival.message = &m;
		if (m.is_request)
			receive_request(t, in, bytes);
		else
			receive_response(t, in, bytes);
	}
	in->arrival.message = NULL;
}

bool transport_receive_claim(struct transport *t, struct span bytes, struct transport_incoming *in)
{
	struct sip_message m;
	struct sip_defect defect;
	if (sip_message_parse(bytes, &m, &defect) < 0 || !m.is_request)
		return false;
	in->arrival.message = &m;
	return m.method == SIP_METHOD_ACK ? claim_ack(t, in) : m.method == SIP_METHOD_CANCEL && claim_cancel(t, in);
}

void transport_receive_defect(struct transport *t, const struct sip_frame *frame, struct transport_incoming *in)
{
	struct sip_message m;
	struct sip_defect ignored;
	if (sip_message_parse(frame->bytes, &m, &ignored) == -EBADMSG)
		drop(t, in, &frame->defect);
	else
		receive_broken(t, &m, &frame->defect, in);
	in->arrival.message = NULL;
}
