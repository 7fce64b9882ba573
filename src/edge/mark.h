/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_MARK_H
#define FEDGE_EDGE_MARK_H
/* What our own Via and Record-Route say to ourselves and to nobody else: which zone a side of a dialog is, and which
 * zone a request was sent to. Keyed, and bound to the Call-ID, so that nobody can make one up or take it into another
 * call; needs no memory, so it outlives connections, reloads and (with key_file) restarts. All that one Record-Route
 * says stands under one seal: none of it is read from a value that was written anew or put together of several. */
#include "edge/worker.h"
#include "sip/message.h"

#define EDGE_MARK_LENGTH 16

/* What our Record-Route says of a dialog; absent: nothing of that kind. */
struct edge_mark_words {
	struct span token, zone, at, caller, partner;
};
void edge_mark_seal_write(const struct edge_worker *worker, const struct edge_mark_words *words, struct span call_id,
	char ret_text[EDGE_MARK_LENGTH + 1]);
/* Did we write that very value for a dialog with that Call-ID? An absent URI is none of ours. */
bool edge_mark_is_sealed(const struct edge_worker *worker, const struct sip_uri *ours, struct span call_id);

/* May a dialog with that zone need more than its next hop's own URI: traversal zones and phones (the way back is a
 * connection), dns zones of service sip (partners' rules do not hold there)? */
bool edge_mark_is_needed(const struct edge_zone *zone);
/* Hexadecimal text and a NUL. */
void edge_mark_write(const struct edge_worker *worker, struct span zone_name, struct span call_id,
	char ret_text[EDGE_MARK_LENGTH + 1]);
/* The zone that the parameter `zone` of our Record-Route names; NULL: none, or forged, or of a zone that is gone. */
const struct edge_zone *edge_mark_zone(const struct edge_worker *worker, const struct edge_site *site,
	const struct sip_uri *ours, struct span call_id);
/* Of the host where a phone is in that call: what goes to it by its own words (a Contact) goes to that host alone. In
 * the parameter `at` of our Record-Route. */
void edge_mark_host_write(const struct edge_worker *worker, const struct net_address *host, struct span call_id,
	char ret_text[EDGE_MARK_LENGTH + 1]);
bool edge_mark_is_host(const struct edge_worker *worker, const struct sip_uri *ours, const struct net_address *host,
	struct span call_id);
/* Did we send this request to that zone before (a Via below has the mark)? */
bool edge_mark_was_sent_to(const struct edge_worker *worker, const struct edge_zone *zone, const struct sip_message *m);
/* ";poisoned=MARK" for our Via towards a zone that wants it, else "". In the arena. */
struct span edge_mark_of_via(
	const struct edge_worker *worker, const struct edge_zone *zone, struct span call_id, struct arena *arena);
#endif
