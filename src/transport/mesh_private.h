/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRANSPORT_MESH_PRIVATE_H
#define FEDGE_TRANSPORT_MESH_PRIVATE_H
/* The mesh from inside a transport: what one worker says to another. */
#include "transport/private.h"

void transport_mesh_join(struct transport *t);
void transport_mesh_leave(struct transport *t);

/* A message that is the other worker's. 0, -ENOBUFS (ring full, counted), -ENOTCONN (no such worker). */
int transport_mesh_deliver(struct transport *t, uint16_t to, const struct transport_incoming *in, struct span bytes);
/* Does one of your transactions claim it? It answers with the offer's number. */
int transport_mesh_offer(
	struct transport *t, uint16_t to, const struct transport_incoming *in, struct span bytes, uint64_t offer);
void transport_mesh_reply(struct transport *t, uint16_t to, uint64_t offer, bool claimed);
/* Bytes for a flow of the other worker. */
int transport_mesh_send(
	struct transport *t, const struct transport_way *way, const struct iovec *parts, size_t part_count);
void transport_mesh_close(struct transport *t, struct transport_flow flow);
/* What you sent over that connection of mine and have no answer to gets none. to: a worker. */
void transport_mesh_lost(struct transport *t, uint16_t to, struct transport_flow flow);
#endif
