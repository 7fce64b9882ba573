/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRANSPORT_TRANSPORT_H
#define FEDGE_TRANSPORT_TRANSPORT_H
/* The one place where SIP meets sockets. One `struct transport` a worker: it listens, frames and
 * parses what arrives, runs the transactions of RFC 3261 and 6026, keeps connections and shares them
 * by RFC 5923, hands to other workers what is theirs, and records what it saw. It chooses no status
 * code (but for the 100 Trying and the 200 to a CANCEL that RFC 3261 demands at once), routes
 * nothing, trusts nobody: it asks its user.
 *
 * Threads: everything here belongs to the thread of the transport's loop. Only transport_counters
 * may be read from another.
 *
 * Glossary.  arrival: a message with all that is known of how it came.  server: a server
 * transaction, with the arena of its request.  client: a client transaction.  flow: see flow.h.
 * target: see target.h.
 *
 * Who owns what. An arrival given to `request` lives as long as its server (its message is a copy
 * in the server's arena); one given to any other callback lives for the call. Server and client
 * are held by two parties: the machine, until the transaction has ended, and the user, until it
 * says release. The user must release each exactly once (plus once for each hold).
 *
 * Re-entrancy: a user's function may call anything here. No callback of a client comes before
 * transport_send_request has returned; `ended` comes only from the loop. */
#include "base/arena.h"
#include "net/address.h"
#include "record/sink.h"
#include "sip/draft.h"
#include "sip/message.h"
#include "transport/flow.h"
#include "transport/mesh.h"
#include "transport/target.h"

#include <sys/uio.h>

struct net_failure;
struct net_loop;
struct net_resolver;
struct net_tls;
struct net_tls_facts;
struct transport;
struct transport_server;
struct transport_client;

/* ---- What is given at the start ---- */

struct transport_listener {
	enum transport_protocol protocol;
	struct net_address address; /* with its port; all workers bind the same one (SO_REUSEPORT) */
	struct span sent_by; /* host[:port] for our Via and Record-Route here; absent: node name and port */
};
#define TRANSPORT_LISTENER_MAXIMUM 64

/* Zero means the default in brackets. */
struct transport_limits {
	size_t message_bytes; /* [65536] headers and body; more is answered with `defect` (stream: then closed) */
	/* [10000] of this worker, both directions; beyond nine tenths of it accepted ones are closed at once: the last
	 * tenth is kept for those we open */
	size_t connections;
	size_t connections_per_peer; /* [0: no limit] inbound ones from one address */
	size_t transactions; /* [200000] of this worker, server and client together */
	size_t waiting; /* [1000] messages waiting for one connection to open */
	size_t output_bytes; /* [8 MiB] unsent bytes of one connection; beyond it the connection is closed as stalled */
	int64_t connect_us; /* [4 s] TCP */
	int64_t handshake_us; /* [10 s] TLS, both directions */
	int64_t idle_us; /* [1 h] nothing received and no transaction on it */
	int64_t message_us; /* [30 s] from a message's first byte to its last; also for a new connection's first one */
	size_t arena_bytes; /* [1 MiB] of one server transaction, with all the user puts into it */
};

/* What the records of a message carry besides the message itself. Absent: not known. */
struct transport_note {
	struct span serial; /* = proxy-call-id */
	struct span tag;
	struct span local_session; /* RFC 7989 */
	struct span remote_session;
	struct span peer; /* name of the other side */
	struct span zone;
	enum record_side side;
};

/* ---- What arrives ---- */

struct transport_arrival {
	const struct sip_message *message;
	struct transport_flow flow; /* its worker may be another one: then the message was handed over */
	enum transport_protocol protocol;
	struct net_address local;
	struct net_address remote;
	const struct net_tls_facts *tls; /* of the connection; NULL where it is not TLS */
	uint16_t listener; /* index of the listener it came in by; TRANSPORT_LISTENER_NONE on a connection we opened */
	struct span target_name; /* on a connection we opened: the target's name and mark */
	uint64_t target_mark;
	int64_t received_us; /* wall clock */
};
#define TRANSPORT_LISTENER_NONE UINT16_MAX

/* Asked of the user before anybody sees a new request (or an ACK): what its records carry, and what is
 * written into its top Via (RFC 3261 18.2.1, RFC 3581 4), so that it stands in what is forwarded and in
 * every response. Before the hook is called, via.received and via.rport hold the remote address; the
 * hook may clear them and set the others. */
struct transport_stamp {
	struct sip_via_stamp via;
	struct transport_note note; /* for the record of this message and all later ones of the server */
	char scratch[160]; /* for texts that via and note point to */
};

/* ---- What went wrong with a request we sent ---- */

enum transport_failed {
	TRANSPORT_FAILED_TIMEOUT = 1, /* no final answer in time: Timer B or F (RFC 3261 17.1) */
	TRANSPORT_FAILED_CONNECT, /* no connection: refused, unreachable, timed out; see net */
	TRANSPORT_FAILED_HANDSHAKE, /* TLS: alert received or sent, reset, deadline; see net. In TLS 1.3 it may come
				       after sending */
	TRANSPORT_FAILED_JUDGED, /* our judge refused the peer; see judged and tls */
	TRANSPORT_FAILED_LOST, /* the connection ended after the request was sent, before any answer */
	TRANSPORT_FAILED_FLOW, /* the flow demanded is gone */
	TRANSPORT_FAILED_LIMIT, /* one of our limits: connections, waiting, output */
	TRANSPORT_FAILED_SEND, /* the socket refused: see error */
	TRANSPORT_FAILED_CANCELLED, /* cancelled before it was sent */
};
const char *transport_failed_name(enum transport_failed kind); /* "timeout", "connect", … */

struct transport_failure {
	enum transport_failed kind;
	int error; /* negative errno, or 0 */
	int judged; /* what judge returned */
	const struct net_failure *net; /* stage, errno, alert; NULL where no connection failed */
	const struct net_tls_facts *tls; /* of the connection as far as it came; or NULL */
	const struct transport_target *target; /* of the request that failed */
};

/* ---- The user ---- */

/* Functions left NULL are not called; request must be there. */
struct transport_user {
	/* A new request (never ACK; CANCEL only where no INVITE of it is known). Answer it with
	 * transport_respond, now or later, and release the server. BENOTIFY comes this way too but is
	 * never answered: what is given to transport_respond for it goes nowhere. */
	void (*request)(void *argument, struct transport_server *server, const struct transport_arrival *arrival);
	/* The ACK to a 2xx, to be forwarded without a transaction. Its server has none either: arena, hold and
	 * release are as ever (release it, now or later), what is given to transport_respond goes nowhere. */
	void (*ack)(void *argument, struct transport_server *server, const struct transport_arrival *arrival);
	/* A CANCEL for this INVITE. Its own 200 has been sent; the INVITE still wants its answer (487). */
	void (*cancelled)(void *argument, struct transport_server *server, const struct transport_arrival *cancel);
	/* A request that cannot be taken but can be answered (its Via was readable, From, To, Call-ID, CSeq are there):
	 * as `request`, with what was wrong. Answer at once (a connection that is out of step is closed
	 * afterwards) and release. There is no transaction. Without this function it is dropped. */
	void (*defect)(void *argument, struct transport_server *server, const struct transport_arrival *arrival,
		const struct sip_defect *defect);
	/* The server transaction has ended (no more can be sent in it). Only for those not yet released. */
	void (*ended)(void *argument, struct transport_server *server);
	/* May this peer be talked to, as that target? Asked once a connection that we opened (or an
	 * aliased inbound one) before its first request, and again after transport_trust_changed. 0: yes;
	 * negative: no (a number of the user's choice, given back in transport_failure.judged). Not asked for UDP. */
	int (*judge)(void *argument, const struct transport_target *target, const struct net_tls_facts *facts);
	/* Is its sender one that we serve by arrangement, and not a stranger? A datagram's source address may be
	 * forged, and a Via may name anybody, so strangers get little: a new request that comes by UDP has no
	 * transaction (one final response, sent once to where it came from; no 100, nothing provisional, no
	 * repetition), and an answer whose connection is gone is not taken elsewhere (RFC 3261 18.2.2). Asked for a new
	 * UDP request before `request` or `defect`, and for such an answer with the arrival of its request, of whose
	 * message then only the Via may be left. Without this function everybody is known. */
	bool (*known)(void *argument, const struct transport_arrival *arrival);
	/* The connection that a request came by is gone: does its sender have another one (a link that was made anew)?
	 * Then its answers go over that, before any other way is looked for. Without this function: no. */
	bool (*instead)(void *argument, const struct transport_arrival *arrival, struct transport_flow *ret_flow);
	/* See transport_stamp. */
	void (*stamp)(void *argument, const struct transport_arrival *arrival, struct transport_stamp *stamp);
	/* May this inbound connection be used for requests to its peer's sent-by (RFC 5923)? Without this
	 * function: never. Asked once, at the first request whose top Via has `alias`. */
	bool (*alias)(void *argument, const struct transport_arrival *arrival);
	/* A connection of this worker has ended, whoever opened it: its flow is no way to anybody any more. (What was
	 * sent over it and not yet answered fails by itself.) Not for one that never stood. */
	void (*closed)(void *argument, struct transport_flow flow, const struct net_failure *why);
	void *argument;
};

struct transport_params {
	uint16_t worker; /* 0 … worker_count-1 */
	uint16_t worker_count; /* 1 … 256 */
	struct transport_mesh *mesh; /* NULL with one worker */
	struct net_loop *loop;
	struct net_resolver *resolver; /* for answers whose connection is gone (RFC 3263 5); NULL: addresses only */
	struct random *random;
	const struct transport_listener *listeners; /* copied; may be none (a client only) */
	size_t listener_count;
	/* For TLS listeners and connections; a reload of it takes effect with the next handshake. NULL:
	 * no TLS. A reference is taken. */
	struct net_tls *tls;
	struct span node; /* our name: Via, Record-Route, records. Copied */
	struct net_address bind; /* outgoing sockets; family 0: any */
	struct transport_limits limits;
	/* RFC 3261 17.1.1.1, microseconds; 0: 500 ms, 4 s, 5 s. For tests and for odd networks. */
	int64_t t1_us;
	int64_t t2_us;
	int64_t t4_us;
	/* How long an INVITE may wait for its answer before 100 Trying is sent. RFC 3261 17.2.1 asks for it
	 * after 200 ms at the latest; 0: at once; -1: never (user agents that answer at once). */
	int64_t trying_us;
	/* How long an INVITE answered with a 2xx is remembered where its transport is reliable; 0: 5 s. RFC 6026
	 * says 64·T1, for the sake of datagrams that may be lost or late: over UDP that is kept. */
	int64_t accepted_us;
	/* Timer C (RFC 3261 16.6 step 11): an INVITE that rings so long is cancelled. 0: never. */
	int64_t ringing_us;
	struct hash_key token_key; /* the same in all workers of a node */
	const struct record_sink *sink; /* of this worker; or NULL */
	struct transport_user user;
};

/* Opens the listeners and joins the mesh. 0, or negative errno: -EADDRINUSE, -EADDRNOTAVAIL,
 * -EACCES; *reterr_listener (may be NULL) then has the index of the one that failed. */
int transport_new(const struct transport_params *params, struct transport **ret_transport, size_t *reterr_listener);
/* Is the address free? Binds it without SO_REUSEPORT and closes it again: a second node on the
 * port is an error and not a silent sharing of its calls. 0 or negative errno. Called once a
 * node, before the workers start. */
int transport_listener_probe(const struct transport_listener *listener);
/* One more listener while the transport runs, with that index (free, below TRANSPORT_LISTENER_MAXIMUM; the same in all
 * workers, arrivals name it). 0, or negative errno as transport_new; -EBUSY: the index is in use. */
int transport_listener_open(struct transport *transport, uint16_t index, const struct transport_listener *listener);
/* Stops listening there and closes the connections that came in by it. The index is free again. */
void transport_listener_close(struct transport *transport, uint16_t index);
/* Closes everything at once; no callback comes any more. Servers and clients that the user
 * still holds are gone with it. Not from inside a callback. NULL is accepted; always returns NULL. */
struct transport *transport_free(struct transport *transport);

/* Stops listening and lets requests get their answers; done is called from the loop, once: when no transaction is
 * left, or 4·T1 after the last one without a final answer got it (for ACKs and lost answers), or at deadline_us (steady
 * time, as net_loop_now_us gives it). UDP sockets and connections stay for what is still to come over them: new
 * requests on them still come to `request` (answer them 503). */
void transport_drain(struct transport *transport, int64_t deadline_us, void (*done)(void *argument), void *argument);
/* What judge said before no longer counts: it is asked again before each connection's next use. */
void transport_trust_changed(struct transport *transport);

/* ---- Server transactions ---- */

const struct transport_arrival *transport_server_arrival(const struct transport_server *server);
/* The request, in the server's arena, its top Via stamped. */
const struct sip_message *transport_server_request(const struct transport_server *server);
/* Lives as long as the server is held: put the request's own things here. */
struct arena *transport_server_arena(struct transport_server *server);
void transport_server_set_context(struct transport_server *server, void *context);
void *transport_server_context(const struct transport_server *server); /* NULL at first */
/* What the records of its messages shall carry from now on; copied into the arena. An absent span leaves what was. */
void transport_server_note(struct transport_server *server, const struct transport_note *note);
bool transport_server_is_answered(const struct transport_server *server); /* a final answer was given */
bool transport_server_is_ended(const struct transport_server *server);
void transport_server_hold(struct transport_server *server);
/* After the last release the user must not touch it; an unanswered one ends without an answer. */
void transport_server_release(struct transport_server *server);

/* Sends a response; the machine keeps what it needs to send it again. It goes back over the flow
 * that the request came by, or where that is gone and its sender known by RFC 3261 18.2.2. More than one 2xx to an
 * INVITE may be given (RFC 6026). The parts are copied. 0; -EALREADY: a final answer was given
 * before; -ENOTCONN: the transaction has ended; -ENOMEM. */
int transport_respond(struct transport_server *server, unsigned status, const struct iovec *parts, size_t part_count);

/* ---- Client transactions ---- */

struct transport_client_user {
	/* Every response that RFC 3261 17.1 passes up: provisional ones (100 too), the final one, each
	 * 2xx to an INVITE (RFC 6026). ACK to a non-2xx has been sent. The arrival and its message are
	 * borrowed for the call: they lie in the receive buffer. */
	void (*response)(void *argument, struct transport_client *client, const struct transport_arrival *arrival);
	/* No answer will come. Not after a final response. An INVITE whose connection goes away after a provisional
	 * response is given 64·T1 to be answered over another one (4·T1 where only a 100 came), then it is LOST. */
	void (*failed)(void *argument, struct transport_client *client, const struct transport_failure *failure);
	/* The transaction has ended: after a final response and its timers, or after failed. The last
	 * call; not made when released before. */
	void (*ended)(void *argument, struct transport_client *client);
};

struct transport_request {
	const struct transport_target *target;
	/* The whole request with our Via on top, in parts; copied once. */
	const struct iovec *parts;
	size_t part_count;
	enum sip_method method; /* any but ACK */
	struct span branch; /* of the top Via, as in the parts (transport_branch_make) */
	const struct transport_client_user *user; /* borrowed as long as the client is held */
	void *argument;
	const struct transport_note *note; /* for the records; copied; may be NULL */
};
/* 0 and a client that the user holds; negative errno and no client, no callback: -ENOTCONN (the
 * flow demanded is gone), -ENOBUFS (a limit), -EMSGSIZE (above limits.message_bytes, or for UDP above
 * 65507), -ENETUNREACH and its like, -ENOMEM. A request to a connection that is not open yet waits. */
int transport_send_request(
	struct transport *transport, const struct transport_request *request, struct transport_client **ret_client);
/* Cancels an INVITE by RFC 3261 9.1: waits for a provisional response if none has come, does nothing
 * after the final one. reason: value of a Reason header (RFC 3326), may be absent. The INVITE's
 * answer still comes through response, or failed(TIMEOUT) 64·T1 later; failed(CANCELLED) where it was not
 * even sent yet. 0; -EALREADY after a final response or an earlier cancel; -EINVAL: no INVITE. */
int transport_cancel(struct transport_client *client, struct span reason);
const struct transport_target *transport_client_target(const struct transport_client *client);
/* The flow it was sent by; TRANSPORT_FLOW_NONE while it waits for a connection. */
struct transport_flow transport_client_flow(const struct transport_client *client);
void *transport_client_argument(const struct transport_client *client);
/* No callback comes any more; the machine finishes its work alone. An INVITE without a final answer
 * should be cancelled first. */
void transport_client_release(struct transport_client *client);

/* Sends once, without a transaction: the ACK to a 2xx, BENOTIFY, a response forwarded without
 * context. note may be NULL. Errors as transport_send_request. */
int transport_send_stateless(struct transport *transport, const struct transport_target *target,
	const struct iovec *parts, size_t part_count, const struct transport_note *note);

/* ---- Words for the user's Via, Record-Route and routing ---- */

/* A new branch for each request sent; loop_hash is TRANSPORT_LOOP_HASH_LENGTH hexadecimal digits. */
void transport_branch_make(
	struct transport *transport, struct span loop_hash, char ret_text[TRANSPORT_BRANCH_LENGTH + 1]);
/* "vcse.steven.lab:5061": of the first listener with that protocol; with none, the node's name. */
struct span transport_sent_by(const struct transport *transport, enum transport_protocol protocol);
/* Is this host:port one of ours (node name, a listener's address or sent-by)? port 0: the protocol's own. */
bool transport_is_our_address(const struct transport *transport, struct span host, uint16_t port);
/* RFC 3261 18.1.1: a message above 1300 bytes (or within 200 of a known MTU) must not go by UDP if
 * there is another way. Where target may switch (TRANSPORT_TARGET_MAY_SWITCH) its protocol becomes TCP
 * and true is returned: the caller writes its Via with the new protocol and sends to the changed
 * target. If that fails with CONNECT it should try UDP again, as the RFC says. */
bool transport_target_switch(struct transport_target *target, size_t message_bytes);
/* See transport_token_write; token of the flow for the dialog with that Call-ID. */
void transport_flow_token(const struct transport *transport, struct transport_flow flow, struct span call_id,
	char ret_text[TRANSPORT_TOKEN_LENGTH + 1]);
/* -EINVAL, -EACCES as transport_token_parse; *ret_flow is set with 0 and with -ENOTCONN (a token of ours
 * whose connection, on this worker, is gone). A flow of another worker gives 0: it is asked there. */
int transport_flow_find(
	const struct transport *transport, struct span token, struct span call_id, struct transport_flow *ret_flow);
/* What is known of a connection of this worker, as an arrival without message. -ENOTCONN where it is
 * gone or of another worker. Borrowed until the loop turns. */
int transport_flow_describe(
	const struct transport *transport, struct transport_flow flow, struct transport_arrival *ret_arrival);
/* A target that goes over that flow and no other way. */
struct transport_target transport_flow_target(const struct transport_arrival *arrival);
/* Closes it, on whichever worker it is; harmless where it is gone. */
void transport_flow_close(struct transport *transport, struct transport_flow flow);

/* ---- What may be counted ---- */

#define TRANSPORT_COUNTERS(X)                                                                                          \
	X(messages_received)                                                                                           \
	X(messages_sent)                                                                                               \
	X(bytes_received)                                                                                              \
	X(bytes_sent)                                                                                                  \
	X(requests) /* new ones given to the user */                                                                   \
	X(responses) /* given to the user */                                                                           \
	X(retransmissions_received)                                                                                    \
	X(retransmissions_sent)                                                                                        \
	X(defects) /* answerable malformed requests */                                                                 \
	X(dropped_malformed) /* unusable: not even answerable, or a stream out of step */                              \
	X(dropped_strays) /* responses and ACKs that belong to nothing */                                              \
	X(dropped_limit) /* transactions or arena at their maximum */                                                  \
	X(dropped_send) /* nowhere to send it: flow gone, socket full */                                               \
	X(connections_accepted)                                                                                        \
	X(connections_opened)                                                                                          \
	X(connections_failed) /* that we tried to open */                                                              \
	X(connections_refused) /* inbound beyond a limit */                                                            \
	X(connections_closed_idle)                                                                                     \
	X(connections_closed_stalled) /* half a message, a handshake or an output queue that never ends */             \
	X(handshakes_failed)                                                                                           \
	X(judged_refused)                                                                                              \
	X(pings)                                                                                                       \
	X(mesh_sent)                                                                                                   \
	X(mesh_dropped)                                                                                                \
	X(mesh_offers)                                                                                                 \
	X(timeouts)

struct transport_counters {
#define X(name) uint64_t name;
	TRANSPORT_COUNTERS(X)
#undef X
	/* Right now: */
	uint64_t connections;
	uint64_t server_transactions;
	uint64_t client_transactions;
};
/* A copy; may be called from any thread (numbers are read one by one). */
void transport_counters(const struct transport *transport, struct transport_counters *ret_counters);
#endif
