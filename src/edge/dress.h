/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_DRESS_H
#define FEDGE_EDGE_DRESS_H
/* How our messages look: Via, Record-Route, tags, Server, and what may cross to the other side. Two
 * manners: as Expressway dresses them (dialect standard: egress-zone, ingress-zone, proxy-call-id)
 * and as a Lync or Skype for Business Edge does (dialect microsoft: ms-received-port, ms-received-cid,
 * 32 upper-case hexadecimal digits as To tag, Server: RTC/6.0; Cisco TAC 212383). Texts live in the
 * request's arena. Decides no status. */
#include "edge/request.h"
#include "sip/draft.h"

/* For transport: what the top Via of an arriving request gets. */
void edge_dress_stamp(void *argument, const struct transport_arrival *arrival, struct transport_stamp *stamp);

/* proxy-call-id: of one call on this node. Our own Record-Route brings it back in a dialog; for a new
 * request it is made of what makes a transaction its own, so it needs no memory to be the same twice. */
void edge_dress_serial(const struct edge_worker *worker, const struct sip_message *m, char ret_uuid[37]);
/* Tag: of the whole call, over all nodes that see the same Call-ID. */
void edge_dress_call_tag(const struct sip_message *m, char ret_uuid[37]);
/* What the records of its messages carry. */
struct transport_note edge_dress_note(const struct edge_branch *branch);

/* Our Via for the branch's target with a new branch parameter, which is *ret_branch. */
struct span edge_dress_via(struct edge_branch *branch, struct span *ret_branch);
/* What our Record-Route brings back of the dialog. The few letters of its `caller` say who began it, by his tag, and
 * whether it leaves our side; keyed, so that a partner who writes them anew cannot make his dialog one of ours. */
#define EDGE_CALLER_LENGTH 8
struct edge_dialog {
	bool by_sender; /* who sends this request began it */
	bool by_receiver;
	bool crosses; /* not between neighbors, or nobody can tell */
	struct span partner; /* the domain he was admitted by, where From has another */
};
struct edge_dialog edge_dress_dialog(const struct edge_request *request);
/* Puts our Record-Route on top of the draft: one, or one for each side where they differ (RFC 5658). */
void edge_dress_record_route(struct edge_branch *branch, struct sip_draft *draft);
/* The tag for a To without one, of an answer we make ourselves. */
struct span edge_dress_tag(struct edge_worker *worker, struct arena *arena);
struct span edge_dress_server(const struct edge_site *site);
/* RFC 3261's phrase, but for 504 the spelling that Microsoft's and Cisco's products show ("Server time-out"), which is
 * what administrators search their logs for. */
struct span edge_dress_phrase(uint16_t status);
/* Drops what must not leave for that side: diagnostics are for our own people ([MS-OCER] 2.2.1.2). */
void edge_dress_boundary(const struct edge_request *request, struct sip_draft *draft, bool towards_inside);

/* Is that URI one of ours: our name, one of our listeners? */
bool edge_dress_is_ours(const struct sip_uri *uri, void *worker);
#endif
