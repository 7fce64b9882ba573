/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "sip/transaction.h"

#include <errno.h>

/* What must be equal for two messages to meet in the table at all. Clients and servers are kept apart, as both may have
 * a branch of the same text (a request that comes back to us). */
enum side { SIDE_CLIENT = 1, SIDE_SERVER = 2 };

/* An ACK finds its INVITE. */
static enum sip_method method_of_transaction(enum sip_method method)
{
	return method == SIP_METHOD_ACK ? SIP_METHOD_INVITE : method;
}

static uint64_t hash_of(
	const struct sip_transaction_table *table, struct span text, enum side side, enum sip_method method)
{
	return hash_mix(hash_keyed(&table->key, text), (uint64_t)side << 32 | (uint64_t)method);
}

static uint64_t hash_of_request(
	const struct sip_transaction_table *table, const struct sip_message *request, enum sip_method method)
{
	if (sip_via_has_cookie(&request->via))
		return hash_of(table, request->via.branch, SIDE_SERVER, method);
	return hash_mix(hash_of(table, request->call_id, SIDE_SERVER, method), request->cseq);
}

int sip_transaction_table_init(struct sip_transaction_table *table, struct hash_key key, size_t maximum)
{
	table->key = key;
	return hash_init(&table->transactions, maximum);
}

void sip_transaction_table_done(struct sip_transaction_table *table)
{
	hash_done(&table->transactions);
}

int sip_transaction_table_add(struct sip_transaction_table *table, struct sip_transaction *t)
{
	base_require(!t->listed);
	uint64_t hash = t->request ? hash_of_request(table, t->request, t->method)
				   : hash_of(table, t->branch, SIDE_CLIENT, t->method);
	int status = hash_insert(&table->transactions, &t->link, hash);
	t->listed = status == 0;
	return status;
}

void sip_transaction_table_remove(struct sip_transaction_table *table, struct sip_transaction *t)
{
	if (!t->listed)
		return;
	hash_remove(&table->transactions, &t->link);
	t->listed = false;
}

static bool same_sent_by(const struct sip_via *a, const struct sip_via *b)
{
	return sip_via_port(a) == sip_via_port(b) && span_equal_nocase(a->host, b->host);
}

/* RFC 3261 17.2.3, second half. Of the Via only what its writer wrote is compared: received and rport are our own
 * additions to the one that was kept. */
static bool same_by_rfc2543(const struct sip_transaction *t, const struct sip_message *request)
{
	const struct sip_message *kept = t->request;
	if (kept->cseq != request->cseq || !span_equal(kept->call_id, request->call_id) ||
		!span_equal(kept->from.tag, request->from.tag) || !span_equal(kept->via.branch, request->via.branch))
		return false;
	if (!span_equal(kept->request_uri, request->request_uri) && !sip_uri_equal(&kept->uri, &request->uri))
		return false;
	/* The ACK carries the tag that the response gave; all others the one the request had. */
	if (request->method == SIP_METHOD_ACK)
		return span_is_empty(t->to_tag) || span_equal(t->to_tag, request->to.tag);
	return span_equal(kept->to.tag, request->to.tag);
}

static bool same_server(const struct sip_transaction *t, const struct sip_message *request, enum sip_method method)
{
	if (!t->request || t->method != method || !same_sent_by(&t->request->via, &request->via))
		return false;
	if (method == SIP_METHOD_OTHER && !span_equal(t->method_name, request->method_name))
		return false;
	if (!sip_via_has_cookie(&request->via))
		return same_by_rfc2543(t, request);
	return span_equal(t->branch, request->via.branch);
}

static struct sip_transaction *find_server(
	const struct sip_transaction_table *table, const struct sip_message *request, enum sip_method method)
{
	uint64_t hash = hash_of_request(table, request, method);
	for (struct hash_link *link = hash_first(&table->transactions, hash); link; link = hash_next(link)) {
		struct sip_transaction *t = base_container(link, struct sip_transaction, link);
		if (same_server(t, request, method))
			return t;
	}
	return NULL;
}

struct sip_transaction *sip_transaction_table_find_server(
	const struct sip_transaction_table *table, const struct sip_message *request)
{
	return find_server(table, request, method_of_transaction(request->method));
}

struct sip_transaction *sip_transaction_table_find_cancelled(
	const struct sip_transaction_table *table, const struct sip_message *cancel)
{
	return find_server(table, cancel, SIP_METHOD_INVITE);
}

struct sip_transaction *sip_transaction_table_find_client(
	const struct sip_transaction_table *table, const struct sip_message *response)
{
	uint64_t hash = hash_of(table, response->via.branch, SIDE_CLIENT, response->method);
	for (struct hash_link *link = hash_first(&table->transactions, hash); link; link = hash_next(link)) {
		struct sip_transaction *t = base_container(link, struct sip_transaction, link);
		if (!t->request && t->method == response->method && span_equal(t->branch, response->via.branch) &&
			(t->method != SIP_METHOD_OTHER || span_equal(t->method_name, response->cseq_method)))
			return t;
	}
	return NULL;
}

bool sip_request_is_merged(const struct sip_message *fresh, const struct sip_message *ongoing)
{
	return span_is_empty(fresh->to.tag) && fresh->cseq == ongoing->cseq && fresh->method == ongoing->method &&
	       span_equal(fresh->method_name, ongoing->method_name) && span_equal(fresh->call_id, ongoing->call_id) &&
	       span_equal(fresh->from.tag, ongoing->from.tag);
}
