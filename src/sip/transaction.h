/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_TRANSACTION_H
#define FEDGE_SIP_TRANSACTION_H
/* The four transaction machines of RFC 3261 17 with RFC 6026's Accepted state, and the table that finds the transaction
 * a message belongs to.
 *
 * A machine does no I/O, reads no clock, allocates nothing: an event and the time go in, a short list of actions comes
 * out, and whoever embeds the machine carries them out in the order given. It owns no bytes either: the embedder keeps
 * the request, the last response and the ACK, and sends them when told to. State has already changed when the list is
 * read, so an action may cause the next event (telling the user may make him answer at once); after END the
 * transaction may be freed.
 *
 *	struct sip_actions actions;
 *	sip_transaction_receive_response(&client->transaction, response->status, now_us, &actions);
 *	for (size_t i = 0; i < actions.count; i++) …
 *
 * Not transactions: ACK to a 2xx, and what is never answered (BENOTIFY, see sip_method_is_answered): send them once.
 * A 2xx to an INVITE is repeated by the user agent that gave it, not here (RFC 6026; struct sip_answer in
 * sip/dialog.h). */
#include "base/hash.h"
#include "base/wheel.h"
#include "sip/message.h"

/* RFC 3261 17.1.1.1 and its table 4. One of these for all transactions of a node; it must outlive them. */
struct sip_timers {
	int64_t t1_us; /* round trip estimate: 500 ms */
	int64_t t2_us; /* longest interval between retransmissions: 4 s */
	int64_t t4_us; /* a message lives at most so long in the network: 5 s */
	int64_t d_us; /* how long a client absorbs repeated non-2xx answers over UDP: at least 32 s */
	int64_t c_us; /* proxies only (16.6 step 11): an INVITE without final answer after this is cancelled; > 3 min;
			 0: none */
	int64_t trying_us; /* an INVITE without any answer gets its 100 after this (17.2.1: 200 ms); 0: at once; -1:
			      never */
};
/* The values of the RFC; c_us 0, trying_us 200 ms. */
struct sip_timers sip_timers_standard(void);

enum sip_transaction_kind {
	SIP_CLIENT_INVITE, /* 17.1.1 */
	SIP_CLIENT_OTHER, /* 17.1.2 */
	SIP_SERVER_INVITE, /* 17.2.1 */
	SIP_SERVER_OTHER, /* 17.2.2 */
};

enum sip_transaction_state {
	SIP_STATE_NEW, /* before sip_transaction_start */
	SIP_STATE_CALLING, /* INVITE client: nothing heard yet */
	SIP_STATE_TRYING, /* others: nothing heard, nothing answered yet */
	SIP_STATE_PROCEEDING,
	SIP_STATE_COMPLETED,
	SIP_STATE_CONFIRMED, /* INVITE server: non-2xx acknowledged */
	SIP_STATE_ACCEPTED, /* INVITE: 2xx seen or given (RFC 6026) */
	SIP_STATE_TERMINATED,
};
const char *sip_transaction_state_name(enum sip_transaction_state state);

enum sip_action_kind {
	SIP_ACTION_SEND, /* send .send */
	SIP_ACTION_ARM, /* wheel_arm(wheel, .timer, .due_us) */
	SIP_ACTION_DISARM, /* wheel_disarm(wheel, .timer) */
	SIP_ACTION_TELL, /* tell the user .tell */
	SIP_ACTION_END, /* always last: take it out of the table; it is over */
};

enum sip_send {
	SIP_SEND_REQUEST, /* client: the request */
	SIP_SEND_ACK, /* INVITE client: the ACK for a non-2xx; made from request and response once (17.1.1.3), then kept
		       */
	SIP_SEND_CANCEL, /* INVITE client: make a CANCEL and start a client transaction of its own for it (9.1) */
	SIP_SEND_TRYING, /* INVITE server: a 100 made from the request; no answer was given yet */
	SIP_SEND_RESPONSE, /* server: the last response given to sip_transaction_respond */
};

enum sip_tell {
	SIP_TELL_REQUEST, /* server: a new request (from sip_transaction_start) */
	SIP_TELL_RESPONSE, /* client: the response just received */
	SIP_TELL_ACK, /* INVITE server: the ACK just received, to a 2xx (RFC 6026: never absorbed) */
	SIP_TELL_CANCEL, /* INVITE server, still unanswered: the caller gave up */
	SIP_TELL_TIMEOUT, /* client: no final response (timers B, F, or 64·T1 after CANCEL); server: no ACK (timer H) */
	SIP_TELL_TRANSPORT_ERROR,
};

struct sip_action {
	enum sip_action_kind kind;
	enum sip_send send;
	enum sip_tell tell;
	struct wheel_timer *timer;
	int64_t due_us;
};

#define SIP_ACTIONS_MAXIMUM 8
struct sip_actions {
	size_t count;
	struct sip_action items[SIP_ACTIONS_MAXIMUM];
};

enum sip_timer {
	SIP_TIMER_REPEAT, /* A, E, G; on a server INVITE before its answer: the 100 */
	SIP_TIMER_END, /* B, C, D, F, H, I, J, K, L, M */
};

struct sip_transaction {
	struct hash_link link; /* of the table */
	struct wheel_timer repeat;
	struct wheel_timer end;
	const struct sip_timers *timers;
	/* Servers: the request, whose bytes the embedder keeps as long as the transaction; NULL for clients. */
	const struct sip_message *request;
	struct span branch; /* clients: of our top Via; borrowed likewise */
	struct span method_name; /* for methods that have no number; borrowed likewise */
	/* Servers, for RFC 2543 only: the To tag of the final response, where the embedder cares to set it. */
	struct span to_tag;
	int64_t interval_us; /* to the next retransmission */
	enum sip_method method;
	uint8_t kind;
	uint8_t state;
	bool reliable; /* TCP or TLS */
	bool cancelled; /* client: cancel as soon as a provisional response allows it; server: the user was told */
	bool cancel_sent;
	bool trying_sent;
	bool answered; /* server: a response was given; client: one was received */
	bool listed; /* in a table */
};

/* ---- life ---- */

/* fired_repeat and fired_end are called by the wheel; each finds its transaction by base_container(timer, struct …,
 * transaction.repeat or .end) and calls sip_transaction_timer. The kind follows from the method. */
void sip_transaction_init_client(struct sip_transaction *t, enum sip_method method, struct span method_name,
	struct span branch, const struct sip_timers *timers);
void sip_transaction_init_server(
	struct sip_transaction *t, const struct sip_message *request, const struct sip_timers *timers);
void sip_transaction_set_timers(struct sip_transaction *t,
	void (*fired_repeat)(struct wheel_timer *timer, int64_t now_us),
	void (*fired_end)(struct wheel_timer *timer, int64_t now_us));
/* Disarms both timers and leaves the table (NULL where it was in none): for whoever gives it up before its END. */
struct sip_transaction_table;
void sip_transaction_drop(struct sip_transaction *t, struct sip_transaction_table *table, struct wheel *wheel);

static inline bool sip_transaction_is_client(const struct sip_transaction *t)
{
	return t->kind == SIP_CLIENT_INVITE || t->kind == SIP_CLIENT_OTHER;
}
/* Client: a final response came; server: one was given; or it is over. */
bool sip_transaction_is_final(const struct sip_transaction *t);

/* ---- events; each overwrites *ret_actions ---- */

/* Client: sends the request. Server: tells the user of it. Called once. */
void sip_transaction_start(struct sip_transaction *t, bool reliable, int64_t now_us, struct sip_actions *ret_actions);
/* Client: a response that sip_transaction_table_find_client matched to it. */
void sip_transaction_receive_response(
	struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *ret_actions);
/* Server: a request that sip_transaction_table_find_server matched to it: a retransmission, or the ACK. */
void sip_transaction_receive_request(
	struct sip_transaction *t, enum sip_method method, int64_t now_us, struct sip_actions *ret_actions);
/* Server: a CANCEL for this INVITE came (find_cancelled). The CANCEL is a server transaction of its own and gets its
 * own 200. Without effect where a final response was given (9.2). */
void sip_transaction_receive_cancel(struct sip_transaction *t, int64_t now_us, struct sip_actions *ret_actions);
/* Server: the user answers; the embedder has put the bytes where SEND_RESPONSE finds them only if this gives 0.
 * -EALREADY: a final response was given before (a further 2xx to an INVITE is welcome); -ENOTCONN: it has ended. */
int sip_transaction_respond(
	struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *ret_actions);
/* INVITE client: the user gives up. Waits for a provisional response where none came yet (9.1). 0; -EALREADY after a
 * final response or an earlier cancel; -EINVAL for what is no INVITE. */
int sip_transaction_cancel(struct sip_transaction *t, int64_t now_us, struct sip_actions *ret_actions);
/* Sending failed for good, or the connection the answer was to come by is gone. Clients end with it. An INVITE server
 * stays, so that it goes on absorbing retransmissions (RFC 6026 7.1); any other server ends. */
void sip_transaction_transport_error(struct sip_transaction *t, int64_t now_us, struct sip_actions *ret_actions);
void sip_transaction_timer(
	struct sip_transaction *t, enum sip_timer which, int64_t now_us, struct sip_actions *ret_actions);

/* ---- the table ---- */

/* Finds transactions by what strangers write, so its hash is keyed. Owns none of them. */
struct sip_transaction_table {
	struct hash_table transactions;
	struct hash_key key;
};

int sip_transaction_table_init(struct sip_transaction_table *table, struct hash_key key, size_t maximum);
void sip_transaction_table_done(struct sip_transaction_table *table);
/* -ENOSPC at the maximum. */
int sip_transaction_table_add(struct sip_transaction_table *table, struct sip_transaction *t);
/* Harmless where it is not in. */
void sip_transaction_table_remove(struct sip_transaction_table *table, struct sip_transaction *t);

/* 17.2.3: branch, sent-by and method; an ACK finds its INVITE. A Via without z9hG4bK branch (Microsoft, RFC 2543):
 * Request-URI, To and From tag, Call-ID, CSeq and top Via. NULL: it is new. */
struct sip_transaction *sip_transaction_table_find_server(
	const struct sip_transaction_table *table, const struct sip_message *request);
/* 9.2: the INVITE that this CANCEL means, or NULL. */
struct sip_transaction *sip_transaction_table_find_cancelled(
	const struct sip_transaction_table *table, const struct sip_message *cancel);
/* 17.1.3: branch of the top Via and method of CSeq. */
struct sip_transaction *sip_transaction_table_find_client(
	const struct sip_transaction_table *table, const struct sip_message *response);

/* 8.2.2.2, for user agents (never proxies): is the new request, which matched no transaction, the same as the one we
 * are working at, come by another way? Then it gets 482. */
bool sip_request_is_merged(const struct sip_message *fresh, const struct sip_message *ongoing);
#endif
