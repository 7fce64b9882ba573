/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_STREAM_H
#define FEDGE_NET_STREAM_H
/* Connections and their listeners; TCP and TLS look alike. A stream belongs to one loop. What is
 * written during a turn leaves at its end in one system call (one TLS record up to 16 KiB), the
 * rest waits in a queue with a maximum. Every stream that was accepted or whose connect returned 0
 * gets exactly one `closed`, never from inside net_stream_connect, _write, _close or _abort.
 * Knows nothing of what the bytes mean and judges no certificate: see net/tls.h. */
#include "net/address.h"
#include "net/failure.h"
#include "net/loop.h"

#include <sys/uio.h>

struct net_stream;
struct net_listener;
struct net_tls;
struct net_tls_facts;

struct net_stream_events {
	/* Ready to write: connected, the TLS handshake done. */
	void (*opened)(struct net_stream *stream, void *argument);
	/* Bytes in order; the span is valid during the call only, what is kept must be copied. */
	void (*received)(struct net_stream *stream, void *argument, struct span bytes);
	/* The end. Everything readable was delivered before. The stream is freed afterwards unless
	 * somebody holds a reference. */
	void (*closed)(struct net_stream *stream, void *argument, const struct net_failure *why);
	/* May be NULL. A queue that had filled beyond half its maximum is empty again. */
	void (*drained)(struct net_stream *stream, void *argument);
	/* May be NULL. TLS client: the server has shown that it accepted our certificate (a session
	 * ticket or its first byte came; fedge itself sends the ticket a quarter of a second after the
	 * handshake). With TLS 1.2 and TCP right after `opened`. */
	void (*confirmed)(struct net_stream *stream, void *argument);
};

/* Times in microseconds; 0 takes the default named, -1 means never. */
struct net_stream_limits {
	int64_t connect_us; /* 5 s */
	int64_t handshake_us; /* 10 s, from the connection's start */
	int64_t idle_us; /* never */
	int64_t stall_us; /* 30 s: no byte taken by the peer while some wait */
	size_t output_maximum; /* 1 MiB of bytes waiting */
	bool handshake_apart; /* handshake_us counts from the end of the connect */
};

/* ---- connecting ---- */
struct net_connect {
	struct net_address remote;
	struct net_address local; /* bound to before connecting; port 0 is usual; not set: the kernel chooses */
	struct net_tls *tls; /* NULL: plain TCP. A reference is taken */
	/* TLS: SNI and the name under which sessions are kept (not the name judged: nobody judges
	 * here). NULL or an IP address: no SNI (RFC 6066 3). Copied. */
	const char *server_name;
	/* TLS: which of our identities to show, one of its names; NULL: the first. */
	const char *identity;
	bool full_handshake; /* TLS: offer no session, so that the chain is shown */
	struct net_stream_limits limits;
	const struct net_stream_events *events; /* lives longer than the stream */
	void *argument;
};
/* 0: `closed` will come, whatever happens. A negative errno: nothing was made (-EMFILE, -ENOMEM,
 * -EADDRNOTAVAIL for local, -EINVAL, -ENOENT for identity); refusals by the peer always come
 * through `closed`. */
int net_stream_connect(struct net_loop *loop, const struct net_connect *connect, struct net_stream **ret_stream);

/* ---- listening ---- */
struct net_listen {
	struct net_address local;
	bool shared; /* SO_REUSEPORT; see net_port_probe in net/udp.h */
	int backlog; /* 0: 1024 */
	int burst; /* connections accepted a turn; 0: 32 */
	size_t connection_maximum; /* alive at once; beyond it they are reset at once; 0: 10000 */
	struct net_tls *tls; /* NULL: plain TCP. A reference is taken; each connection uses what is current */
	struct net_stream_limits limits;
	const struct net_stream_events *events;
	/* A connection was accepted (its handshake has not begun). Returns the argument for its
	 * events; *ret_accept false refuses it with a reset. May be NULL: argument is used. */
	void *(*accepted)(void *argument, struct net_stream *stream, bool *ret_accept);
	void *argument;
};
struct net_listener_counts {
	uint64_t accepted;
	uint64_t refused; /* over connection_maximum, or by `accepted` */
	uint64_t handshakes_failed;
	size_t alive;
};
/* 0, the negative errno of socket, bind or listen, or -ENOENT (tls without an identity). */
int net_listener_open(struct net_loop *loop, const struct net_listen *listen, struct net_listener **ret_listener);
/* Stops accepting; the connections live on. */
void net_listener_close(struct net_listener *listener);
const struct net_address *net_listener_local(const struct net_listener *listener);
const struct net_listener_counts *net_listener_counts(const struct net_listener *listener);

/* ---- a stream ---- */
/* Copies the parts, all or nothing, in one piece; they leave at the end of the turn (before
 * `opened` they wait for it). 0, -ENOBUFS (the queue would pass its maximum), -EPIPE (ending). */
int net_stream_write(struct net_stream *stream, const struct iovec *parts, size_t part_count);
/* Ends in order: what is queued is still sent (stall_us limits it), TLS says close_notify, then
 * `closed` comes with NET_CAUSE_LOCAL. Nothing more is received. Harmless when ending. */
void net_stream_close(struct net_stream *stream);
/* Ends at once with a reset; `closed` (NET_CAUSE_LOCAL) comes in this turn or the next. */
void net_stream_abort(struct net_stream *stream);
/* Back-pressure: while paused nothing is read. */
void net_stream_pause(struct net_stream *stream, bool paused);
/* Whoever takes over an accepted stream may change these at any time before `closed`. */
void net_stream_set_events(struct net_stream *stream, const struct net_stream_events *events, void *argument);
void net_stream_set_idle(struct net_stream *stream, int64_t idle_us);

/* The memory (addresses, facts, failure) stays readable while referenced, also after `closed`.
 * References belong to the loop's thread. */
struct net_stream *net_stream_ref(struct net_stream *stream);
void net_stream_unref(struct net_stream *stream);

struct net_loop *net_stream_loop(const struct net_stream *stream);
void *net_stream_argument(const struct net_stream *stream);
bool net_stream_is_open(const struct net_stream *stream); /* `opened` was called, no end yet */
bool net_stream_is_inbound(const struct net_stream *stream);
bool net_stream_is_confirmed(const struct net_stream *stream); /* see `confirmed` */
const struct net_address *net_stream_local(const struct net_stream *stream);
const struct net_address *net_stream_remote(const struct net_stream *stream);
size_t net_stream_queued(const struct net_stream *stream); /* bytes written and not yet sent */
/* When it began, and when TCP stood (accepted, connected; 0: it never did), in the loop's steady time. */
int64_t net_stream_started_us(const struct net_stream *stream);
int64_t net_stream_connected_us(const struct net_stream *stream);
/* What the TLS handshake showed, as far as it came (also in `closed`, after a failed handshake);
 * NULL for plain TCP and before the first byte of an inbound handshake. Lives as long as the
 * stream. */
const struct net_tls_facts *net_stream_tls_facts(const struct net_stream *stream);
/* NULL before the end. */
const struct net_failure *net_stream_failure(const struct net_stream *stream);
#endif
