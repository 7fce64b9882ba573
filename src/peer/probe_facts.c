/* SPDX-License-Identifier: Apache-2.0 */
/* What a probe's first connection showed, from net's words into trust's. */
#include "net/tls.h"
#include "peer/chain.h"
#include "peer/probe_private.h"

#include <errno.h>
#include <openssl/x509.h>

/* ---- the reaction ---- */

/* The server asked, and then the connection ended; not by us. */
static enum peer_reaction reaction_of_end(const struct net_failure *why, bool shown, bool confirmed)
{
	switch (why->cause) {
	case NET_CAUSE_ALERT_RECEIVED:
		/* Accepted, and later an alert about something else. */
		if (confirmed && !trust_alert_is_about_certificate((uint8_t)why->alert))
			break;
		return shown ? PEER_REACTION_REFUSED : PEER_REACTION_NONE_REFUSED;
	case NET_CAUSE_RESET:
	case NET_CAUSE_CUT:
	case NET_CAUSE_PEER_CLOSED:
		if (confirmed)
			break;
		return shown ? PEER_REACTION_CUT : PEER_REACTION_NONE_REFUSED;
	default:
		if (!confirmed)
			return PEER_REACTION_UNKNOWN;
	}
	return shown ? PEER_REACTION_ACCEPTED : PEER_REACTION_NONE_ACCEPTED;
}

static enum peer_reaction reaction_of(const struct net_tls_facts *facts, const struct net_failure *why, bool confirmed)
{
	if (!facts->certificate_requested)
		return facts->complete ? PEER_REACTION_NOT_ASKED : PEER_REACTION_UNKNOWN;
	if (why)
		return reaction_of_end(why, facts->certificate_sent, confirmed);
	if (!confirmed)
		return PEER_REACTION_SILENT;
	return facts->certificate_sent ? PEER_REACTION_ACCEPTED : PEER_REACTION_NONE_ACCEPTED;
}

/* A ticket, or the end of a handshake, means little where the server closes right after. */
static bool is_confirmed(const struct peer_probe *probe, const struct net_failure *why)
{
	if (!why || !probe->confirmed_us || probe->answer.length > 0)
		return probe->confirmed_us != 0;
	return net_loop_now_us(probe->settings.loop) - probe->confirmed_us >= probe_stand_us(probe);
}

/* ---- the server's request ---- */

static void gather_authorities(struct peer_probe *probe, const struct stack_st_X509_NAME *names)
{
	int count = names ? sk_X509_NAME_num(names) : 0;
	if (count <= 0)
		return;
	size_t kept = count > PEER_REQUESTED_AUTHORITIES_MAXIMUM ? PEER_REQUESTED_AUTHORITIES_MAXIMUM : (size_t)count;
	struct span *texts = arena_zero(&probe->arena, kept * sizeof(*texts));
	size_t used = 0;
	for (; texts && used < kept; used++) {
		texts[used] = peer_name_text(sk_X509_NAME_value(names, (int)used), &probe->arena);
		if (!texts[used].at)
			break;
	}
	probe->facts.requested_authorities = texts;
	probe->facts.requested_authority_count = used;
	probe->facts.requested_authorities_cut = used < (size_t)count;
}

/* ---- times ---- */

static void gather_times(struct peer_probe *probe, int64_t now_us)
{
	struct peer_probe_facts *facts = &probe->facts;
	int64_t started_us = net_stream_started_us(probe->stream);
	int64_t connected_us = net_stream_connected_us(probe->stream);
	facts->connect_us = (connected_us ? connected_us : now_us) - started_us;
	if (!connected_us)
		return;
	facts->handshake_us = (probe->opened_us ? probe->opened_us : now_us) - connected_us;
	if (!probe->opened_us)
		return;
	if (net_stream_tls_facts(probe->stream)->certificate_requested)
		facts->reaction_us = (probe->confirmed_us ? probe->confirmed_us : now_us) - probe->opened_us;
	if (probe->settings.bytes.at)
		facts->answer_us = (probe->answered_us ? probe->answered_us : now_us) - probe->opened_us;
}

/* ---- the whole ---- */

static void gather_chain(struct peer_probe *probe, const struct net_tls_facts *seen)
{
	struct peer_probe_facts *facts = &probe->facts;
	if (!seen->chain)
		return;
	int status = peer_chain_of_handshake(seen, probe->settings.tls, probe->settings.public_authorities,
		&probe->arena, &facts->chain, &facts->der);
	if (status == 0) {
		facts->der_count = facts->chain.count;
		return;
	}
	facts->chain = (struct trust_chain){ .sent_count = (size_t)sk_X509_num(seen->chain) };
	facts->connection.text = status == -ENOMEM ? SPAN("the certificates are too large to be kept")
						   : SPAN("the certificates cannot be read");
}

void probe_gather(struct peer_probe *probe, const struct net_failure *why)
{
	struct peer_probe_facts *facts = &probe->facts;
	const struct net_tls_facts *seen = net_stream_tls_facts(probe->stream);
	peer_connection_of(facts->connection.target, facts->connection.address, why, seen, &facts->connection);
	facts->connection.text = arena_copy(&probe->arena, facts->connection.text);
	facts->reaction = reaction_of(seen, why, is_confirmed(probe, why));
	gather_chain(probe, seen);
	gather_authorities(probe, seen->requested_authorities);
	gather_times(probe, net_loop_now_us(probe->settings.loop));
	if (probe->answer.length > 0)
		facts->answer = arena_copy(&probe->arena, buffer_span(&probe->answer));
}

/* ---- chains from elsewhere ---- */

static void certificates_free(STACK_OF(X509) * list)
{
	sk_X509_pop_free(list, X509_free);
}

static int parse_chain(const struct span *der, size_t count, STACK_OF(X509) * *ret_list)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	int status = list ? 0 : -ENOMEM;
	for (size_t i = 0; status == 0 && i < count; i++) {
		const unsigned char *at = (const unsigned char *)der[i].at;
		const unsigned char *end = at + der[i].length;
		X509 *certificate = at ? d2i_X509(NULL, &at, (long)der[i].length) : NULL;
		if (!certificate || at != end)
			status = -EBADMSG;
		else if (!sk_X509_push(list, certificate))
			status = -ENOMEM;
		if (status < 0)
			X509_free(certificate);
	}
	if (status < 0)
		certificates_free(list);
	else
		*ret_list = list;
	return status;
}

int peer_probe_chain(const struct span *der, size_t count, struct net_tls *tls,
	struct x509_store_st *public_authorities, struct arena *arena, struct trust_chain *ret_chain)
{
	STACK_OF(X509) *list = NULL;
	int status = parse_chain(der, count, &list);
	if (status < 0)
		return status;
	struct trust_chain chain;
	status = peer_chain_read(list, arena, &chain);
	if (status == 0 && tls)
		peer_chain_verify(&chain, tls, list, false, public_authorities);
	certificates_free(list);
	if (status == 0)
		*ret_chain = chain;
	return status;
}
