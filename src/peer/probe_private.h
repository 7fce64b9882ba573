/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_PROBE_PRIVATE_H
#define FEDGE_PEER_PROBE_PRIVATE_H
/* A probe from inside: probe.c (the first connection, and the whole), probe_facts.c (what it showed),
 * probe_versions.c (each TLS version alone). */
#include "base/buffer.h"
#include "net/stream.h"
#include "peer/probe.h"

struct probe_trial {
	struct peer_probe *probe;
	struct net_stream *stream; /* NULL: not begun, or over */
};

struct peer_probe {
	struct arena arena;
	struct peer_probe_settings settings; /* texts are in the arena */
	struct net_stream *stream; /* the first connection; NULL: over */
	struct wheel_timer timer;
	int64_t opened_us, confirmed_us; /* steady; 0: not so far */
	struct buffer answer;
	int64_t answered_us; /* 0: not complete */
	struct probe_trial trials[PEER_VERSION_COUNT];
	size_t trials_running;
	struct peer_probe_facts facts;
};

/* What every connection of a probe has in common. */
void probe_connect_fill(const struct peer_probe *probe, struct net_connect *ret_connect);
/* Lets a connection go in order, or cuts it; nobody hears of it any more. NULL is harmless. */
void probe_stream_leave(struct net_stream *stream, bool at_once);
/* How long the connection must stand after a sign of acceptance that is not data, to be one. */
int64_t probe_stand_us(const struct peer_probe *probe);
/* All is known: tells it. */
void probe_finish(struct peer_probe *probe);

/* ---- probe_facts.c ---- */
/* why: how it ended; NULL: it stands. */
void probe_gather(struct peer_probe *probe, const struct net_failure *why);

/* ---- probe_versions.c ---- */
/* Begins all versions; ends in probe_finish, perhaps at once. */
void probe_versions_begin(struct peer_probe *probe);
void probe_versions_stop(struct peer_probe *probe);
#endif
