/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_DIALOG_H
#define FEDGE_SIP_DIALOG_H
/* A dialog of RFC 3261 12: who talks to whom, by which way, with which numbers. And the two small duties a user agent
 * has around an INVITE's 2xx: the one who gave it repeats it until the ACK comes (13.3.1.4), the one who got it sends
 * its ACK again for each (13.2.2.4).
 *
 * Texts live in the arena given at the start (each change of the remote target takes a little more of it); the dialog
 * itself is a plain struct that its user embeds. No I/O, no clock. */
#include "base/arena.h"
#include "base/wheel.h"
#include "sip/draft.h"
#include "sip/message.h"
#include "sip/transaction.h"

#define SIP_DIALOG_ROUTES_MAXIMUM 32

enum sip_dialog_state { SIP_DIALOG_NONE, SIP_DIALOG_EARLY, SIP_DIALOG_CONFIRMED, SIP_DIALOG_ENDED };

struct sip_dialog {
	struct arena *arena;
	enum sip_dialog_state state;
	struct span call_id;
	struct span local; /* whole From or To value, with our tag */
	struct span remote; /* likewise, with the peer's tag where it gave one (RFC 2543 peers may not) */
	struct span local_tag;
	struct span remote_tag; /* absent: none */
	struct span remote_target; /* the peer's Contact URI */
	struct span routes[SIP_DIALOG_ROUTES_MAXIMUM]; /* Route values in the order we send them */
	size_t route_count;
	uint32_t local_cseq; /* of our last request */
	uint32_t remote_cseq; /* of the peer's last request; valid with has_remote_cseq */
	bool has_remote_cseq;
	bool is_caller; /* we sent the request that made it */
	bool secure; /* the request that made it had a sips URI */
};

/* 12.1.1: we answer this request with a 101 … 299 that carries local_tag. -ENOMEM; -EPROTO: no Contact, where one is
 * needed, or a Record-Route that is none; -ENOBUFS: too many Record-Routes. */
int sip_dialog_answer(struct sip_dialog *d, struct arena *a, const struct sip_message *request, struct span local_tag);
/* 12.1.2: a 101 … 299 with a To tag came to the request we sent. Errors as above. Early until a 2xx. A
 * provisional response without Contact (many give none) leaves the Request-URI as remote target. */
int sip_dialog_call(
	struct sip_dialog *d, struct arena *a, const struct sip_message *sent, const struct sip_message *response);
/* Our 2xx went out, or the peer's came: with the response (UAC; the route set is taken anew from it, 13.2.2.4) or NULL
 * (UAS). */
int sip_dialog_confirm(struct sip_dialog *d, const struct sip_message *response);
void sip_dialog_end(struct sip_dialog *d);

/* Does the request or response belong to it? Call-ID and both tags (12.2.2). A peer without tag matches one without. */
bool sip_dialog_matches(const struct sip_dialog *d, const struct sip_message *m);
/* 12.2.2: takes a request of the peer: its CSeq must not be lower than the last (ACK and CANCEL: not compared); a
 * target refresh (INVITE, UPDATE, SUBSCRIBE, NOTIFY) sets the remote target. 0; -ESTALE: out of order, answer 500;
 * -ENOMEM. */
int sip_dialog_take_request(struct sip_dialog *d, const struct sip_message *request);
/* 12.2.1.2: a 2xx to our target refresh sets the remote target; 481 and 408 end the dialog. */
int sip_dialog_take_response(struct sip_dialog *d, const struct sip_message *response);

/* A request within the dialog (12.2.1.1) with Request-URI, Via, Route, From, To, Call-ID, CSeq and Max-Forwards 70; the
 * caller adds the rest. via is our whole Via value. A new CSeq number is taken, but for ACK and CANCEL, which get cseq.
 * A first route without lr (a strict router) becomes the Request-URI, as the RFC says. */
struct sip_dialog_request {
	struct span method;
	struct span via;
	uint32_t cseq; /* ACK: the number of the INVITE acknowledged */
};
void sip_dialog_draft(
	struct sip_dialog *d, struct sip_draft *ret_draft, struct arena *a, const struct sip_dialog_request *request);
/* Where such a request is sent to: the URI of the first route, else the remote target (without angle brackets). */
struct span sip_dialog_next_hop(const struct sip_dialog *d);

/* ---- the 2xx that is repeated until its ACK comes (13.3.1.4), over every transport ---- */

struct sip_answer {
	struct wheel_timer repeat; /* the embedder's callback calls sip_answer_timer */
	const struct sip_timers *timers;
	int64_t interval_us;
	int64_t until_us;
	uint32_t cseq;
	bool waiting;
};

enum sip_answer_step {
	SIP_ANSWER_NOTHING,
	SIP_ANSWER_SEND, /* send the 2xx (again); the timer must be armed for *ret_due_us */
	SIP_ANSWER_GIVE_UP, /* no ACK in 64·T1: send BYE */
};
void sip_answer_init(struct sip_answer *a, const struct sip_timers *timers,
	void (*fired)(struct wheel_timer *timer, int64_t now_us));
/* The 2xx goes out for the first time: gives the time for the timer. */
int64_t sip_answer_start(struct sip_answer *a, uint32_t cseq, int64_t now_us);
enum sip_answer_step sip_answer_timer(struct sip_answer *a, int64_t now_us, int64_t *ret_due_us);
/* An ACK of the dialog came: true where it is the one waited for (the timer is to be disarmed). */
bool sip_answer_acknowledged(struct sip_answer *a, uint32_t cseq);
#endif
