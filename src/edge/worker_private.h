/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_WORKER_PRIVATE_H
#define FEDGE_EDGE_WORKER_PRIVATE_H
/* The life of a worker, for edge/node.c. All functions are called on the main thread; those that say
 * "posts" take effect in the worker's own between two messages. */
#include "edge/worker.h"

/* Everything but the thread. reterr_listener: as transport_new. */
int edge_worker_new(const struct edge_shared *shared, uint16_t number, struct edge_site *site, struct record_sink sink,
	struct edge_worker **ret_worker, size_t *reterr_listener);
/* After edge_worker_join; NULL is accepted; returns NULL. */
struct edge_worker *edge_worker_free(struct edge_worker *worker);
int edge_worker_start(struct edge_worker *worker);
/* Ends the thread's loop at once and waits for it. */
void edge_worker_join(struct edge_worker *worker);

/* Posts. drained is called on the worker's thread. */
int edge_worker_drain(struct edge_worker *worker, void (*drained)(void *argument), void *argument);
/* A change to another site in two parts, so that all workers change or none does: what may fail (NULL: no
 * memory), and what may not: the worker takes the site over between two messages, the change is gone. */
struct edge_site_change;
struct edge_site_change *edge_worker_change_site(struct edge_worker *worker, struct edge_site *site);
void edge_worker_take_site(struct edge_site_change *change);
void edge_site_change_drop(struct edge_site_change *change); /* one that was not taken */
/* Posts. What was admitted and judged before is judged anew. */
int edge_worker_forget_peers(struct edge_worker *worker);
/* pipeline.c: ends the requests under way without an answer; the thread must have ended. */
void edge_worker_forget_requests(struct edge_worker *worker);
#endif
