/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_HOST_PRIVATE_H
#define FEDGE_EXPLAIN_HOST_PRIVATE_H
/* Between the files that find out who stands at the ends of a case's steps. */
#include "explain/joiner_private.h"

#define HOST_BOXES_MAXIMUM 128
#define HOST_SHARED_MAXIMUM 8
#define HOST_NONE UINT32_MAX

struct host_box {
	uint32_t same_as; /* itself, or the box it turned out to be */
	struct span node, name;
	struct record_address addresses[EXPLAIN_HOST_ADDRESSES_MAXIMUM]; /* with the port, where several share one */
	size_t address_count;
	bool has_log;
};

struct host_finding {
	struct explain_joiner *j;
	struct host_box boxes[HOST_BOXES_MAXIMUM];
	uint32_t count;
	struct record_address shared[HOST_SHARED_MAXIMUM]; /* both ends of a message have it: ports tell them apart */
	size_t shared_count;
	uint32_t order[HOST_BOXES_MAXIMUM]; /* columns */
	uint32_t order_count;
};

/* One end of a step, as a record tells of it. */
struct host_end {
	struct span node; /* only of whose log it is */
	struct span name;
	struct record_address address;
};

/* host_box.c */
bool host_is_same_ip(const struct record_address *a, const struct record_address *b);
bool host_is_shared(const struct host_finding *f, const struct record_address *address);
/* "vcse" in its own log, "vcse.steven.lab" everywhere else. */
bool host_is_same_name(struct span a, struct span b);
/* The box that this one turned out to be. */
uint32_t host_root(const struct host_finding *f, uint32_t box);
/* The two are one; but never two that have logs of different names. */
void host_unite(struct host_finding *f, uint32_t a, uint32_t b);
/* The box at that end, met before or new. */
uint32_t host_box_of(struct host_finding *f, const struct host_end *end);

/* host_column.c */
/* From the caller's side to the callee's, as the first requests travelled. false without memory. */
bool host_order_columns(struct host_finding *f, const struct explain_case *c, struct arena *arena);
uint32_t host_column_of(const struct host_finding *f, uint32_t box);
#endif
