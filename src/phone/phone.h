/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PHONE_PHONE_H
#define FEDGE_PHONE_PHONE_H
/* A small phone for tests and the lab: it places calls and answers them, and tells exactly what came of each. It
 * speaks SIP over transport/ (UDP, TCP, TLS), offers and answers one audio stream by SDP, and sends no media. It trusts
 * whoever it is told to call: certificates are demanded only where a server name is given; it picks no routes but the
 * one it is given. It can register (RFC 3261 10), and it can stand between two calls (a back-to-back user agent).
 *
 * Everything belongs to the loop's thread. What params point to is copied unless said otherwise. A call is the phone's
 * own until its `ended` was called; it must not be touched afterwards. */
#include "net/address.h"
#include "record/sink.h"
#include "sip/message.h"
#include "transport/transport.h"

struct net_loop;
struct net_resolver;
struct net_tls;
struct phone;
struct phone_call;

enum phone_dialect {
	PHONE_STANDARD,
	PHONE_MICROSOFT, /* User-Agent as UCCAPI writes it, epid on our From, Ms-Conversation-ID */
};

enum phone_outcome_kind {
	PHONE_ANSWERED, /* a 2xx came (or was given), and the call stood */
	PHONE_REFUSED, /* another final answer came (or was given) */
	PHONE_NO_ANSWER, /* none came: no way to the server, time-out, or given up */
};
const char *phone_outcome_name(enum phone_outcome_kind kind); /* "answered", "refused", "no-answer" */

enum phone_ended_by { PHONE_ENDED_BY_NOBODY, PHONE_ENDED_BY_US, PHONE_ENDED_BY_PEER, PHONE_ENDED_BY_TIMER };

/* What came of a call; all borrowed for the callback. Times are wall clock, 0: did not happen. */
struct phone_outcome {
	enum phone_outcome_kind kind;
	bool outgoing;
	uint16_t status; /* of the final answer; 0 where none came */
	struct span reason; /* its phrase, or why there was none: "cannot connect to 127.0.0.1:5061: refused" */
	const char *failed; /* transport_failed_name, where the transport could not; else NULL */
	const struct sip_message *answer; /* the final answer that came; NULL where none did or we gave it */
	struct span call_id;
	struct span bridged_call_id; /* of the other half, where we only stood between; else absent */
	struct span local; /* URI: ours */
	struct span remote; /* URI: theirs */
	enum phone_ended_by ended_by; /* of an answered call */
	int64_t started_us;
	int64_t ringing_us; /* the first 180 … 183 */
	int64_t answered_us;
	int64_t ended_us;
};

/* One who answers: "sip:2000@acano.steven.lab", or any user of a domain, "sip:*@cms.steven.lab". */
bool phone_user_matches(struct span pattern, const struct sip_uri *uri);

struct phone_params {
	struct net_loop *loop;
	struct net_resolver *resolver; /* NULL: numeric addresses only */
	struct net_tls *tls; /* NULL: no TLS. A reference is taken */
	struct random *random;
	const struct record_sink *sink; /* or NULL; borrowed */
	/* Where it listens. A phone that only calls needs none, but is then reached over its own connections only. */
	const struct transport_listener *listeners;
	size_t listener_count;
	struct net_address local; /* our address: outgoing sockets, Contact and SDP. Must be set */
	enum phone_dialect dialect;

	/* ---- answering ---- */
	const struct span *users; /* patterns of phone_user_matches; borrowed */
	size_t user_count;
	bool anybody; /* answers for every user */
	uint16_t answer_status; /* what an INVITE gets; 0: 200 */
	int64_t ring_us; /* how long it rings before that */
	int64_t duration_us; /* hangs up an answered call after so long; 0: the caller does */
	size_t call_maximum; /* more at once get 486; 0: 10000 */

	/* Once a call, outgoing or incoming: its last word. A call may be placed from within. */
	void (*ended)(void *argument, struct phone_call *call, const struct phone_outcome *outcome);
	/* May be NULL: the call was answered, and stands. */
	void (*answered)(void *argument, struct phone_call *call);
	void *argument;
};

/* Errors as transport_new; also -EINVAL without an address of our own. */
int phone_new(const struct phone_params *params, struct phone **ret_phone, size_t *reterr_listener);
/* Drops everything at once, without a word to anybody: phone_stop first where that matters. NULL is accepted; always
 * returns NULL. Not from a callback. */
struct phone *phone_free(struct phone *phone);
/* Hangs up and cancels all calls, refuses new ones; done once nothing is left, or after grace_us. */
void phone_stop(struct phone *phone, int64_t grace_us, void (*done)(void *argument), void *argument);
struct transport *phone_transport(struct phone *phone);

struct phone_call_params {
	struct span from; /* URIs: "sip:2000@acano.steven.lab" */
	struct span to;
	/* Where the INVITE is sent: a host or an address, 0: the default port, ANY: as DNS says (RFC 3263). */
	struct span host;
	uint16_t port;
	enum transport_protocol protocol;
	/* Name for SNI, which the server's certificate must then prove under a trusted authority; absent: any
	 * certificate will do. */
	struct span server_name;
	struct span username; /* for 401 and 407; absent: they are refusals */
	struct span password;
	int64_t timeout_us; /* given up (CANCEL) after so long without a final answer; 0: 60 s */
	int64_t duration_us; /* an answered call is hung up after so long; 0: at once; -1: by the other side */
};
/* The call is on its way; its end comes to `ended`, never before this returned. Negative errno: -EINVAL (a URI that is
 * none, or no sip: or sips: URI; no host), -ENOBUFS (too many calls), -ENOMEM. */
int phone_call(struct phone *phone, const struct phone_call_params *params, struct phone_call **ret_call);
/* BYE, or CANCEL where it is not answered yet (an incoming one that rings gets 603). */
void phone_call_hang_up(struct phone_call *call);
/* A call that stands is refreshed now (RFC 4028): by UPDATE, or re-INVITE where the other side does not take that. */
void phone_call_refresh(struct phone_call *call);
struct span phone_call_id(const struct phone_call *call);

/* ---- standing between two calls (RFC 7092) ---- */

struct phone_bridge_domain {
	struct span from;
	struct span to;
};
struct phone_bridge_params {
	/* Where calls are sent that are for none of the phone's own users. Only calls that come from its address are
	 * sent on: nobody else may have calls placed. */
	struct net_address next_hop;
	enum transport_protocol protocol;
	struct span server_name; /* as in phone_call_params */
	/* The caller's domain (From) and the domain called (Request-URI, To) become others; those not named stay. */
	const struct phone_bridge_domain *callers;
	size_t caller_count;
	const struct phone_bridge_domain *callees;
	size_t callee_count;
	/* May be NULL. Once a bridged call: call_id is that of the caller's half. */
	void (*ended)(void *argument, const struct phone_outcome *outcome);
	void *argument;
};
/* From now on it is a back-to-back user agent too: such a call ends here, and another one, with a Call-ID and tags of
 * its own, goes on. Session descriptions, provisional and final answers, ACK, CANCEL, BYE, re-INVITE, UPDATE, INFO,
 * MESSAGE and OPTIONS within the call, session timers, Session-ID and what explains a failure pass from one half to the
 * other; reliable provisional answers are not offered. Once a phone: -EALREADY, -ENOMEM. */
int phone_bridge_open(struct phone *phone, const struct phone_bridge_params *params);

/* ---- registering (RFC 3261 10, RFC 5626) ---- */

struct phone_registered {
	bool stands; /* calls can reach us */
	bool is_refused; /* a final answer said no, and the same again will not help: 400 … 499, but for a few */
	uint16_t status; /* of the last answer; 0: none came */
	struct span reason; /* its phrase, or why there was none */
	uint32_t expires_s; /* as the registrar granted it; 0 where it does not stand */
};

struct phone_registration_params {
	struct span user; /* URI: whose calls shall come to us */
	struct span host; /* the registrar, as in phone_call_params */
	uint16_t port;
	enum transport_protocol protocol;
	struct span server_name;
	struct span username;
	struct span password;
	uint32_t expires_s; /* asked for; 0: 3600 */
	int64_t keep_alive_us; /* how often the registrar is asked whether it is still there; 0: 25 s */
	/* May be NULL. Whenever it comes to stand, is lost, or an attempt fails; not from within phone_register. */
	void (*changed)(void *argument, const struct phone_registered *state);
	void *argument;
};
/* Registers, and keeps at it until phone_stop (which unregisters): refreshes before the end, begins again when the
 * connection is lost or the registrar no longer answers, waits longer after each failure (0.5 s to 30 s, by chance
 * shorter). The connection stays open; a registrar that knows RFC 5626 sends calls back over it. Once a phone. -EINVAL:
 * a URI that is none, no host; -EALREADY; -ENOMEM. */
int phone_register(struct phone *phone, const struct phone_registration_params *params);
#endif
