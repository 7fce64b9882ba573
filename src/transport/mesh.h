/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRANSPORT_MESH_H
#define FEDGE_TRANSPORT_MESH_H
/* How workers hand messages to each other: one bounded ring for each ordered pair (exactly one
 * writer and one reader, no locks) and a wake-up of the reader's loop, one for many records. Only
 * bytes and numbers travel, never a parsed message; certificate facts of a connection travel as a
 * counted reference.
 *
 * Made before the workers' threads start, freed after their loops; each worker's transport joins
 * it (transport_new) with its own loop. A transport must not be freed while another worker's loop
 * still runs: end all loops first. What does not fit in a ring is dropped and counted. */
#include "base/span.h"

struct transport_mesh;

/* bytes_per_ring: capacity of each of the worker_count × (worker_count - 1) rings; 0: 1 MiB. 0 or -ENOMEM. */
int transport_mesh_new(uint16_t worker_count, size_t bytes_per_ring, struct transport_mesh **ret_mesh);
/* NULL is accepted; always returns NULL. */
struct transport_mesh *transport_mesh_free(struct transport_mesh *mesh);
#endif
