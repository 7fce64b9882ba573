/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_UDP_H
#define FEDGE_NET_UDP_H
/* Datagram sockets in batches: recvmmsg fills one callback, everything sent during a turn leaves
 * in one sendmmsg at its end. Knows nothing of what the bytes mean. */
#include "net/address.h"
#include "net/loop.h"

#include <sys/uio.h>

struct net_udp;

struct net_datagram {
	struct span bytes; /* valid during the callback only */
	struct net_address from;
};

struct net_udp_counts {
	uint64_t received, sent;
	uint64_t oversized; /* received longer than datagram_maximum: dropped */
	uint64_t refused; /* sends refused because the queue was full */
	uint64_t failed; /* sends the kernel refused (error went to `unreachable`) */
};

struct net_udp_settings {
	struct net_address local;
	bool shared; /* SO_REUSEPORT: several workers on one port; see net_port_probe */
	size_t datagram_maximum; /* 0: 65535 */
	size_t queue_maximum; /* bytes waiting to be sent; 0: 4 MiB */
	int kernel_buffer; /* SO_RCVBUF and SO_SNDBUF; 0: 4 MiB, as far as the kernel allows */
	/* Never called with count 0. May send and may close the socket. */
	void (*received)(struct net_udp *udp, void *argument, const struct net_datagram *datagrams, size_t count);
	/* May be NULL. The network said that `to` cannot be reached (ICMP, or the kernel's own answer
	 * to a send); error is a negative errno. RFC 3261 18.4, RFC 3263 4.3. */
	void (*unreachable)(struct net_udp *udp, void *argument, const struct net_address *to, int error);
	void *argument;
};

/* 0, or the negative errno of socket, bind or setsockopt. */
int net_udp_open(struct net_loop *loop, const struct net_udp_settings *settings, struct net_udp **ret_udp);
/* Sends what is queued as far as the kernel takes it, then closes. May be called in a callback. */
void net_udp_close(struct net_udp *udp);

/* Copies the parts as one datagram into the queue, sent at the end of the turn.
 * 0, -EMSGSIZE (over 65507 bytes), -ENOBUFS (queue full). */
int net_udp_send(struct net_udp *udp, const struct net_address *to, const struct iovec *parts, size_t part_count);

const struct net_address *net_udp_local(const struct net_udp *udp); /* with the real port */
const struct net_udp_counts *net_udp_counts(const struct net_udp *udp);

/* Binds and lets go, without SO_REUSEPORT: 0 where the port is free, -EADDRINUSE where anybody
 * (a second node) has it, or another negative errno. type is SOCK_DGRAM or SOCK_STREAM. To be
 * asked once, before the workers open their shared sockets. */
int net_port_probe(const struct net_address *local, int type);
#endif
