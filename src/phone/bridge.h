/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PHONE_BRIDGE_H
#define FEDGE_PHONE_BRIDGE_H
/* What the bridge_*.c share. A bridged call is two dialogs: the leg of the caller, in which we answer, and the leg of
 * the callee, in which we call, with a Call-ID, tags and numbers of its own. What one end sends goes on to the other as
 * a request of ours, and its answer comes back: an exchange. bridge.c begins and ends calls, bridge_pass.c passes
 * requests and answers, bridge_words.c says which headers go along and how names are changed. */
#include "phone/private.h"

enum { BRIDGE_CALLER, BRIDGE_CALLEE, BRIDGE_LEGS };

struct bridge_leg {
	struct hash_link by_id;
	bool is_known_by_id;
	struct bridge_call *call;
	struct sip_dialog dialog;
	char tag[PHONE_TAG_LENGTH + 1]; /* ours */
	struct span user; /* of our Contact in it */
	bool has_flow;
	struct transport_target flow; /* as in phone_call */
	struct transport_target peer;
};

enum bridge_state { BRIDGE_RINGING, BRIDGE_STANDING, BRIDGE_LEAVING, BRIDGE_OVER };

struct bridge_call {
	struct list link;
	struct phone *phone;
	struct arena arena;
	enum bridge_state state;
	struct bridge_leg legs[BRIDGE_LEGS];
	struct list exchanges;
	struct list byes; /* requests of ours without an exchange */
	struct wheel_timer deadline; /* nobody refreshed it, or nobody answers our BYEs */
	struct phone_outcome outcome;
};

struct bridge_exchange {
	struct phone_serving serving;
	struct list link;
	struct bridge_call *call;
	unsigned from; /* the leg that the request came in */
	bool begins; /* it is the INVITE that began the call */
	struct transport_server *server; /* NULL: let go of */
	struct phone_request *request;
	struct span ack; /* bytes, for each 2xx again */
	bool is_cancelled;
};

struct phone_bridge {
	struct phone_bridge_params params; /* texts in the arena */
	struct arena arena;
	struct transport_target next_hop;
	struct list calls;
	struct list ended_calls;
	size_t call_count;
	struct hash_table legs_by_id;
};

/* ---- bridge.c ---- */
struct phone_bridge *phone_bridge_of(const struct bridge_call *call);
void phone_bridge_stands(struct bridge_call *call, const struct sip_message *answer);
/* A 2xx to INVITE or UPDATE came: nobody has to end the call before this interval is over. */
void phone_bridge_refreshed(struct bridge_call *call, const struct sip_message *answer);
void phone_bridge_over(struct bridge_call *call);
/* BYE or CANCEL to whoever still stands; headers of the reason from that message, where there is one. */
void phone_bridge_leave(struct bridge_call *call, const struct sip_message *reason, unsigned except);
struct transport_target phone_bridge_target(const struct bridge_leg *leg);
void phone_bridge_keep_flow(struct bridge_leg *leg, const struct transport_arrival *arrival);

/* ---- bridge_pass.c ---- */

/* The INVITE that begins it; takes the server over. */
void phone_bridge_pass_first(struct bridge_call *call, struct transport_server *server);
/* No callback comes any more. */
void phone_bridge_drop_exchanges(struct bridge_call *call);
/* Gives up what the callee has not answered yet. */
void phone_bridge_cancel(struct bridge_call *call, uint16_t status);

/* ---- bridge_words.c ---- */

/* "sip:user@domain" of a URI, the domain changed where the table says so. */
struct span phone_bridge_uri(
	const struct phone_bridge_domain *domains, size_t count, const struct sip_uri *uri, struct arena *a);
/* "Name" <uri>;tag=… */
struct span phone_bridge_from(struct bridge_call *call, const struct sip_message *invite);
void phone_bridge_copy_request(struct sip_draft *d, const struct sip_message *request);
void phone_bridge_copy_answer(struct sip_draft *d, const struct sip_message *answer);
/* Only those that say why: of a BYE. */
void phone_bridge_copy_reason(struct sip_draft *d, const struct sip_message *request);
#endif
