/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_FAILURE_H
#define FEDGE_NET_FAILURE_H
/* Why a connection ended, precise enough to tell an administrator who must act. Plain data,
 * copied by value; names no SIP and judges nothing. */
#include <stdbool.h>
#include <stddef.h>

/* How far the connection had come. */
enum net_stage {
	NET_STAGE_NONE,
	NET_STAGE_CONNECT, /* before the TCP connection stood */
	NET_STAGE_HANDSHAKE, /* inside the TLS handshake */
	/* TLS 1.3, we are the client: our handshake is done, the server has not yet shown that it
	 * accepted our certificate (RFC 8446 4.4.2.4, 6.2). What fails here is about us. */
	NET_STAGE_AFTER_HANDSHAKE,
	NET_STAGE_READ, /* in use: noticed while reading */
	NET_STAGE_WRITE, /* in use: noticed while writing */
};

enum net_cause {
	NET_CAUSE_NONE,
	NET_CAUSE_LOCAL, /* we closed it; no fault */
	NET_CAUSE_PEER_CLOSED, /* orderly: FIN on TCP, close_notify on TLS; no fault */
	NET_CAUSE_REFUSED, /* ECONNREFUSED */
	NET_CAUSE_UNREACHABLE, /* no route, network or host down, or forbidden by a firewall's ICMP */
	NET_CAUSE_TIMEOUT, /* connect or handshake deadline, see stage */
	NET_CAUSE_IDLE, /* nothing was received or sent for the idle time */
	NET_CAUSE_STALL, /* the peer took nothing of what we had to write for the stall time */
	NET_CAUSE_RESET, /* RST, or EPIPE without an alert to be read */
	NET_CAUSE_CUT, /* FIN where TLS wanted more: inside a handshake, or without close_notify */
	NET_CAUSE_ALERT_RECEIVED, /* alert says which (RFC 8446 6.2) */
	NET_CAUSE_ALERT_SENT, /* we refused: alert, text */
	NET_CAUSE_VERIFY, /* we refused the peer's certificate: verify_error, alert (as sent) */
	NET_CAUSE_VERSION, /* no TLS version in common; alert 70 may have gone either way */
	NET_CAUSE_NOT_TLS, /* what the peer sends is no TLS */
	NET_CAUSE_TLS, /* any other error inside OpenSSL: text */
	NET_CAUSE_LIMIT, /* our own maximum: connections, or output queued */
	NET_CAUSE_SYSTEM, /* any other errno: error */
};

#define NET_ALERT_NONE (-1)

struct net_failure {
	enum net_stage stage;
	enum net_cause cause;
	int error; /* negative errno of the system call, or 0 */
	int alert; /* number of the fatal alert, or NET_ALERT_NONE */
	bool alert_received; /* true: the peer sent it; false: we did */
	int verify_error; /* OpenSSL's X509_V_ERR_ number, or 0 */
	char text[160]; /* one line, lower case, for people; never empty after a failure */
};

/* An end without a fault: closed by us or, in order, by the peer. */
static inline bool net_failure_is_orderly(const struct net_failure *f)
{
	return f->cause == NET_CAUSE_NONE || f->cause == NET_CAUSE_LOCAL || f->cause == NET_CAUSE_PEER_CLOSED;
}

const char *net_stage_name(enum net_stage stage); /* "connect", "handshake", … */
const char *net_cause_name(enum net_cause cause); /* "refused", "alert-received", … */
/* "unknown ca" for 48, as RFC 8446 6.2 names them with blanks; "alert 200" has no name: NULL. */
const char *net_alert_name(int alert);
#endif
