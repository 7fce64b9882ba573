/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_LOOP_PRIVATE_H
#define FEDGE_NET_LOOP_PRIVATE_H
/* What sockets of this folder need of the loop beyond net/loop.h. */
#include "net/loop.h"

/* Something open in the loop; net_loop_free calls `shut` on what is left. */
struct loop_member {
	struct list link;
	void (*shut)(struct loop_member *member);
};
void loop_join(struct net_loop *loop, struct loop_member *member);
void loop_leave(struct loop_member *member);

/* A task that another thread is sure to submit before long, whatever becomes of it here: net_loop_free waits for it.
 * Both in the loop's thread. */
void loop_expect(struct net_loop *loop);
void loop_met(struct net_loop *loop);

/* Something to do at the end of this turn, once: flush, or say that it ended. May be asked for
 * again from within run. */
struct loop_dirty {
	struct list link;
	void (*run)(struct loop_dirty *dirty);
};
void loop_dirty_init(struct loop_dirty *dirty, void (*run)(struct loop_dirty *dirty));
void loop_mark(struct net_loop *loop, struct loop_dirty *dirty); /* harmless when marked already */
void loop_unmark(struct loop_dirty *dirty);

/* One buffer a loop for what is read; never kept across calls of strangers' functions that read. */
#define LOOP_READ_SIZE ((size_t)64 * 1024)
char *loop_read_buffer(struct net_loop *loop);
#endif
