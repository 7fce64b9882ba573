/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PHONE_PRIVATE_H
#define FEDGE_PHONE_PRIVATE_H
/* What the files of this folder share. A call is placed by caller.c or taken by callee.c, stands in within.c (requests
 * inside its dialog), and ends in call.c, which tells the user once. registration.c keeps the phone known to a
 * registrar; the bridge_*.c join two calls into one. request.c sends requests and answers challenges; way.c finds where
 * they go; words.c writes the headers all of them share. */
#include "base/list.h"
#include "net/loop.h"
#include "phone/decide.h"
#include "phone/media.h"
#include "phone/phone.h"
#include "sip/dialog.h"
#include "sip/session_timer.h"
#include "transport/transport.h"

/* What judge says of a certificate. */
#define PHONE_JUDGED_CHAIN (-1)
#define PHONE_JUDGED_NAME (-2)
/* A target whose certificate must prove its name. */
#define PHONE_MARK_VERIFY 1

#define PHONE_TAG_LENGTH 16
#define PHONE_TARGETS_MAXIMUM 8
#define PHONE_CALL_BYTES ((size_t)256 * 1024)
#define PHONE_REQUEST_BYTES ((size_t)128 * 1024)
#define PHONE_BODY_BYTES ((size_t)16 * 1024)

struct phone_bridge;
struct phone_registration;

struct phone {
	struct phone_params params;
	struct transport *transport;
	struct sip_timers timers;
	struct list calls;
	size_t call_count;
	struct hash_table calls_by_id;
	struct hash_key call_id_key;
	char epid[11];
	bool stopping;
	struct wheel_timer grace;
	void (*stopped)(void *argument);
	void *stopped_argument;
	struct net_hook hook; /* frees what ended during the turn */
	struct list ended_calls;
	struct list ended_requests;
	struct phone_registration *registration; /* NULL: none */
	struct phone_bridge *bridge; /* NULL: it bridges nothing */
};

/* Where requests go: a host, looked up once (RFC 3263), and the targets it led to. */
struct phone_way {
	struct phone *phone;
	struct arena *arena; /* of what is looked up; texts live there */
	struct span host;
	uint16_t port;
	enum transport_protocol protocol;
	struct span server_name; /* which the certificate must prove; absent: any will do */
	/* Called once for each phone_way_find, perhaps before it returns. why: a sentence, where nothing was found. */
	void (*found)(struct phone_way *way, struct span why);
	struct transport_query *query;
	struct transport_target targets[PHONE_TARGETS_MAXIMUM];
	size_t target_count;
	size_t target_used; /* the one in use */
};

/* A server transaction of somebody who wants to know of its CANCEL: its context. */
struct phone_serving {
	void (*cancelled)(struct phone_serving *serving);
};

/* A request of ours in flight, by itself or within a call. */
struct phone_request {
	struct list link; /* of its owner, or of ended_requests */
	struct phone *phone;
	struct phone_call *call; /* the owner, where that is a call; else NULL */
	void *owner; /* the owner, where that is none */
	struct span username; /* absent: a challenge is a refusal */
	struct span password;
	struct arena arena;
	const struct sip_message *sent;
	struct transport_client *client;
	enum sip_method method;
	/* The final answer, or NULL where none came (why then says so). Called once. */
	void (*finished)(struct phone_request *request, const struct transport_arrival *arrival,
		const struct transport_failure *failure);
	/* 101 … 199, and each 2xx to an INVITE after the first; may be NULL. */
	void (*further)(struct phone_request *request, const struct transport_arrival *arrival);
	/* Its transaction is over, and it is about to be dropped; may be NULL. */
	void (*ended)(struct phone_request *request);
	bool is_finished;
	bool is_dropped;
	uint8_t authenticated; /* how often it was sent with credentials, this time included */
};

enum phone_call_state {
	PHONE_CALL_CALLING, /* outgoing: no final answer yet */
	PHONE_CALL_RINGING, /* incoming: not answered yet */
	PHONE_CALL_STANDING,
	PHONE_CALL_LEAVING, /* BYE or CANCEL is on its way */
	PHONE_CALL_OVER,
};

struct phone_call {
	struct list link;
	struct hash_link by_id;
	bool is_known_by_id;
	struct phone *phone;
	struct arena arena;
	enum phone_call_state state;
	struct phone_outcome outcome; /* as far as known; its texts are in the arena */
	struct list requests;
	struct sip_dialog dialog;
	char session_id[33]; /* RFC 7989, ours */
	char remote_session_id[33]; /* zeros until it is known */
	struct sip_session_timer session;
	struct phone_media media;
	struct wheel_timer start; /* outgoing: it begins when phone_call has returned */
	struct wheel_timer deadline; /* outgoing: timeout; incoming: ringing; standing: duration */
	struct wheel_timer refresh; /* session timer */

	/* ---- outgoing ---- */
	struct phone_call_params params; /* texts in the arena */
	struct phone_way way;
	struct phone_request *invite;
	struct span from; /* header values */
	struct span to;
	char conversation[33];
	uint32_t cseq;
	bool given_up;
	struct span ack; /* bytes, for each 2xx again */
	struct span ack_tag; /* To tag of the 2xx it is for */
	uint32_t ack_cseq;

	/* ---- incoming ---- */
	struct phone_serving serving;
	struct transport_server *server;
	char tag[PHONE_TAG_LENGTH + 1];
	struct sip_answer answer; /* its 2xx is repeated */
	struct transport_server *answering; /* the INVITE or re-INVITE whose 2xx waits for its ACK */
	struct span answer_bytes;

	bool has_flow; /* see phone_next_target */
	struct transport_target flow;
	struct transport_target peer;
	bool peer_updates; /* Allow had UPDATE */
};

/* ---- words.c ---- */

/* "SIP/2.0/TLS host:port;branch=…;rport" with a new branch, in the arena; the branch too. */
struct span phone_via(struct phone *phone, struct arena *a, enum transport_protocol protocol, struct span *ret_branch);
/* <sip:user@host:port;transport=…> */
struct span phone_contact(struct phone *phone, struct arena *a, struct span user, enum transport_protocol protocol);
struct span phone_agent(const struct phone *phone);
void phone_append_capabilities(struct sip_draft *d);
/* Session-ID (RFC 7989), which stays the same through every back-to-back user agent; not in Microsoft's dialect. */
void phone_append_session(const struct phone_call *call, struct sip_draft *d, struct arena *a);
/* Takes the far end's from a message of theirs. */
void phone_take_session(struct phone_call *call, const struct sip_message *m);
/* Answers with a status and the decision's headers; no body. Releases nothing. */
void phone_reply(struct phone *phone, struct transport_server *server, struct phone_decision decision, struct span tag);
int phone_respond(struct transport_server *server, const struct sip_draft *d, uint16_t status);

/* ---- request.c ---- */

/* NULL without memory. Its draft is to be made in its arena. It joins the list of its owner (NULL: none), which sets
 * call or owner and, where it can answer challenges, username and password. */
struct phone_request *phone_request_new(struct phone *phone, struct list *owned, enum sip_method method);
/* The same for a call, with its credentials. */
struct phone_request *phone_request_of_call(struct phone_call *call, enum sip_method method);
/* Negative errno: it is gone, and finished was not called. */
int phone_request_send(struct phone_request *request, const struct sip_draft *d, const struct transport_target *target,
	struct span branch);
/* No callback comes any more; its memory goes at the end of the turn. */
void phone_request_drop(struct phone_request *request);
/* Adds Authorization or Proxy-Authorization for the challenge in that 401 or 407 to the draft of the next attempt, and
 * counts it. Nothing where there is no challenge that we can answer, or it was answered before (but for a nonce that
 * is only stale). */
void phone_authenticate(const struct phone_request *refused, const struct sip_message *response, struct sip_draft *d,
	struct phone_request *next);
bool phone_can_authenticate(const struct phone_request *refused, const struct sip_message *response);
/* "cannot connect to 127.0.0.1:5061 (TLS): connection refused" */
struct span phone_failure_text(struct arena *a, const struct transport_failure *failure);

/* ---- way.c ---- */

/* phone, arena, host, port, protocol, server_name and found are set. */
void phone_way_find(struct phone_way *way);
void phone_way_stop(struct phone_way *way); /* found is not called any more */
bool phone_way_has_another(const struct phone_way *way);

/* ---- call.c ---- */

struct phone_call *phone_call_new(struct phone *phone, bool outgoing);
/* Its Call-ID is known from now on: requests with it find the call. The text is copied. */
void phone_call_name(struct phone_call *call, struct span call_id);
/* The call is over: tells the user, once; frees at the end of the turn. */
void phone_call_over(struct phone_call *call);
int64_t phone_now_us(const struct phone *phone); /* wall */
void phone_arm(struct phone *phone, struct wheel_timer *timer, int64_t delay_us);
void phone_disarm(struct phone *phone, struct wheel_timer *timer);
void phone_call_stands(struct phone_call *call, int64_t duration_us);
struct phone_call *phone_call_find(struct phone *phone, const struct sip_message *m);
/* Does an unanswered call of ours come from the same request, by another way (RFC 3261 8.2.2.2)? */
bool phone_call_is_merged(struct phone *phone, const struct sip_message *request);
/* Our description, in answer to the message's offer or as an offer: 0, -ENOTSUP, -EBADMSG, or the buffer's failure. */
int phone_call_describe(struct phone_call *call, const struct sip_message *m, struct buffer *ret_sdp);

/* ---- caller.c ---- */
void phone_caller_start(struct phone_call *call);
void phone_caller_give_up(struct phone_call *call);

/* ---- callee.c ---- */

/* A new INVITE; takes the server over. */
void phone_callee_ring(struct phone *phone, struct transport_server *server, const struct transport_arrival *arrival);
void phone_callee_cancelled(struct phone_call *call);
/* Gives the INVITE that rings its final answer. */
void phone_callee_answer(struct phone_call *call, uint16_t status);
/* Adds what every 2xx to an INVITE or UPDATE has, with the body where one is due. 0, or the status to refuse with. */
uint16_t phone_callee_agree(struct phone_call *call, struct transport_server *server, struct sip_draft *d);
/* Sends the draft as the 2xx of that INVITE, and again until its ACK comes; takes the server over. */
void phone_answer_invite(struct phone_call *call, struct transport_server *server, const struct sip_draft *d);
void phone_answer_again(struct phone_call *call, int64_t now_us);
/* The ACK came, or nothing is awaited any more. */
void phone_answer_done(struct phone_call *call);

/* ---- registration.c ---- */

/* A connection has ended; where it is the one that the registration stands on, it begins anew. */
void phone_registration_flow_closed(struct phone *phone, struct transport_flow flow);
/* Takes the binding back; the phone is not stopped before that is answered. */
void phone_registration_stop(struct phone *phone);
/* Is it the Contact that we registered? So a registrar asks for us (RFC 3261 16.5), whatever our address of record is.
 */
bool phone_registration_is_contact(const struct phone *phone, const struct sip_uri *uri);
bool phone_registration_is_over(const struct phone *phone); /* also where there never was one */
void phone_registration_free(struct phone *phone);

/* ---- bridge.c ---- */

struct bridge_leg;
/* May a call that is none of ours be sent on, to judge by where it came from? False where nothing is bridged. */
bool phone_bridge_wants(const struct phone *phone, const struct transport_arrival *arrival);
bool phone_bridge_is_busy(const struct phone *phone);
/* An INVITE that we want; takes the server over. */
void phone_bridge_take(struct phone *phone, struct transport_server *server, const struct transport_arrival *arrival);
struct bridge_leg *phone_bridge_find(const struct phone *phone, const struct sip_message *m);
bool phone_bridge_is_merged(const struct phone *phone, const struct sip_message *request);
/* A request or ACK within one half; the first takes the server over. */
void phone_bridge_pass(struct bridge_leg *leg, struct transport_server *server);
void phone_bridge_pass_ack(struct bridge_leg *leg, const struct sip_message *ack);
void phone_bridge_stop(struct phone *phone);
bool phone_bridge_is_over(const struct phone *phone);
void phone_bridge_tidy(struct phone *phone);
void phone_bridge_free(struct phone *phone);

/* ---- within.c ---- */

/* Where a request within that dialog goes: over the connection it began on, where that is one and still stands; else to
 * its next hop, if that is an address; else to peer, whose port 0 stands for the next hop's. */
struct transport_target phone_next_target(struct phone *phone, const struct sip_dialog *dialog,
	const struct transport_target *flow, const struct transport_target *peer);
/* A request of the far end; takes the server over. */
void phone_within_request(struct phone_call *call, struct transport_server *server, struct phone_decision decision);
/* The ACK to a 2xx: made once, sent for each. */
void phone_within_acknowledge(struct phone_call *call, const struct sip_message *response);
/* Without a transaction, for a fork that is turned away. */
void phone_within_bye_once(struct phone_call *call);
void phone_within_bye(struct phone_call *call);
void phone_within_arm_session(struct phone_call *call);
void phone_within_session_step(struct phone_call *call, int64_t now_us);
#endif
