/* SPDX-License-Identifier: Apache-2.0 */
/* How an attempt ended: net's words into trust's. */
#include "base/require.h"
#include "net/failure.h"
#include "net/tls.h"
#include "peer/chain.h"

static enum trust_connect_status connect_status(enum net_cause cause)
{
	switch (cause) {
	case NET_CAUSE_REFUSED:
	case NET_CAUSE_RESET: /* a firewall that answers with RST looks like that */
		return TRUST_CONNECT_REFUSED;
	case NET_CAUSE_TIMEOUT:
		return TRUST_CONNECT_TIMEOUT;
	case NET_CAUSE_UNREACHABLE:
		return TRUST_CONNECT_UNREACHABLE;
	case NET_CAUSE_LOCAL:
		return TRUST_CONNECT_NOT_TRIED;
	default:
		return TRUST_CONNECT_FAILED;
	}
}

static enum trust_handshake_status handshake_status(const struct net_failure *why)
{
	switch (why->cause) {
	case NET_CAUSE_ALERT_RECEIVED:
		return TRUST_HANDSHAKE_ALERT_RECEIVED;
	case NET_CAUSE_ALERT_SENT:
	case NET_CAUSE_VERIFY:
		return TRUST_HANDSHAKE_ALERT_SENT;
	case NET_CAUSE_VERSION:
		return TRUST_HANDSHAKE_VERSION;
	case NET_CAUSE_NOT_TLS:
		return TRUST_HANDSHAKE_NOT_TLS;
	case NET_CAUSE_TIMEOUT:
		return TRUST_HANDSHAKE_TIMEOUT;
	case NET_CAUSE_RESET:
	case NET_CAUSE_CUT:
	case NET_CAUSE_PEER_CLOSED:
		return TRUST_HANDSHAKE_RESET;
	case NET_CAUSE_LOCAL:
		return TRUST_HANDSHAKE_NOT_TRIED;
	default:
		return TRUST_HANDSHAKE_FAILED;
	}
}

/* A connection that stood: only an alert about our certificate says something of the handshake, for
 * in TLS 1.3 it comes late (RFC 8446 4.4.2.4). */
static enum trust_handshake_status late_status(const struct net_failure *why)
{
	bool refused = why->cause == NET_CAUSE_ALERT_RECEIVED && why->alert >= 0 &&
		       trust_alert_is_about_certificate((uint8_t)why->alert);
	return refused ? TRUST_HANDSHAKE_ALERT_RECEIVED : TRUST_HANDSHAKE_DONE;
}

static void take_failure(struct trust_connection *c, const struct net_failure *why, bool is_tls)
{
	c->text = span_of(why->text);
	if (why->alert >= 0)
		c->alert = (uint8_t)why->alert;
	switch (why->stage) {
	case NET_STAGE_NONE:
	case NET_STAGE_CONNECT:
		c->connect = connect_status(why->cause);
		return;
	case NET_STAGE_HANDSHAKE:
		c->handshake = handshake_status(why);
		break;
	case NET_STAGE_AFTER_HANDSHAKE:
		/* Closing in order right after the handshake is the peer's good right. */
		c->handshake = net_failure_is_orderly(why) ? TRUST_HANDSHAKE_DONE : handshake_status(why);
		break;
	case NET_STAGE_READ:
	case NET_STAGE_WRITE:
		c->handshake = is_tls ? late_status(why) : TRUST_HANDSHAKE_NOT_TRIED;
		break;
	}
	c->connect = TRUST_CONNECT_OPEN;
}

void peer_connection_of(struct span target, struct span address, const struct net_failure *why,
	const struct net_tls_facts *facts, struct trust_connection *ret_connection)
{
	struct trust_connection c = { .target = target, .address = address };
	if (facts) {
		c.version = span_of(facts->version);
		c.cipher = span_of(facts->cipher);
		c.certificate_asked = facts->certificate_requested;
		c.our_certificate_sent = facts->certificate_sent;
		c.after_our_certificate = facts->certificate_sent;
	}
	if (why) {
		take_failure(&c, why, facts != NULL);
		/* We refused what was shown before there was a chain: nothing can be judged by it. */
		if (why->cause == NET_CAUSE_ALERT_SENT && facts && !facts->chain &&
			c.handshake == TRUST_HANDSHAKE_ALERT_SENT && trust_alert_is_about_certificate(c.alert))
			c.handshake = TRUST_HANDSHAKE_FAILED;
	} else {
		c.connect = TRUST_CONNECT_OPEN;
		c.handshake = facts && facts->complete ? TRUST_HANDSHAKE_DONE : TRUST_HANDSHAKE_NOT_TRIED;
	}
	*ret_connection = c;
}
