/* SPDX-License-Identifier: Apache-2.0 */
#include "net/udp.h"

#include "base/require.h"
#include "net/loop_private.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BATCH 32
#define DATAGRAM_LARGEST ((size_t)65535)
#define PAYLOAD_LARGEST ((size_t)65507) /* IPv4: 65535 less both headers */
#define QUEUE_DEFAULT ((size_t)4 << 20)
#define KERNEL_BUFFER_DEFAULT (4 << 20)
/* recvmmsg calls in one event before other sockets get their turn. */
#define READS_PER_EVENT 8
#define ERRORS_PER_EVENT 64

/* What waits to be sent: a header like this, then the bytes, padded to its alignment. */
struct waiting {
	struct net_address to;
	size_t length;
};

struct net_udp {
	struct net_loop *loop;
	struct loop_member member;
	struct loop_dirty dirty;
	struct net_watch *watch;
	int descriptor;
	bool closing; /* freed as soon as nobody is inside */
	bool inside;
	bool blocked; /* the kernel's buffer is full */
	struct net_address local;
	struct net_udp_settings settings;
	struct net_udp_counts counts;
	char *receive_bytes; /* BATCH buffers, pages touched only as needed */
	size_t receive_size; /* of one */
	char *queue;
	size_t queue_length, queue_sent, queue_capacity;
};

/* ---- opening ---- */

static int set_option(int descriptor, int level, int option, int value)
{
	return setsockopt(descriptor, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

int net_port_probe(const struct net_address *local, int type)
{
	if (net_address_port(local) == 0)
		return 0;
	int descriptor = socket(net_address_family(local), type | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return -errno;
	int status = 0;
	/* TIME_WAIT of an earlier run is no second node; a listener still makes bind fail. */
	if (type == SOCK_STREAM)
		status = set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
	if (status == 0 && bind(descriptor, &local->any, local->length) < 0)
		status = -errno;
	close(descriptor);
	return status;
}

static int udp_bind(struct net_udp *udp)
{
	const struct net_udp_settings *settings = &udp->settings;
	int family = net_address_family(&settings->local);
	int status = 0;
	udp->descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (udp->descriptor < 0)
		return -errno;
	if (settings->shared)
		status = set_option(udp->descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
	if (status == 0 && family == AF_INET6)
		status = set_option(udp->descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (status == 0 && settings->unreachable && family == AF_INET)
		status = set_option(udp->descriptor, IPPROTO_IP, IP_RECVERR, 1);
	if (status == 0 && settings->unreachable && family == AF_INET6)
		status = set_option(udp->descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1);
	if (status < 0)
		return status;
	/* As far as net.core.rmem_max lets us: less is no error. */
	(void)set_option(udp->descriptor, SOL_SOCKET, SO_RCVBUF, settings->kernel_buffer);
	(void)set_option(udp->descriptor, SOL_SOCKET, SO_SNDBUF, settings->kernel_buffer);
	if (bind(udp->descriptor, &settings->local.any, settings->local.length) < 0)
		return -errno;
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	if (getsockname(udp->descriptor, (struct sockaddr *)&name, &length) < 0)
		return -errno;
	return net_address_of_sockaddr((struct sockaddr *)&name, length, &udp->local);
}

static void udp_free(struct net_udp *udp)
{
	if (udp->receive_bytes)
		munmap(udp->receive_bytes, udp->receive_size * BATCH);
	net_watch_free(udp->watch);
	if (udp->descriptor >= 0)
		close(udp->descriptor);
	free(udp->queue);
	free(udp);
}

static void udp_ready(void *argument, int events);
static void udp_flush(struct loop_dirty *dirty);

static void udp_shut(struct loop_member *member)
{
	net_udp_close(base_container(member, struct net_udp, member));
}

int net_udp_open(struct net_loop *loop, const struct net_udp_settings *settings, struct net_udp **ret_udp)
{
	struct net_udp *udp = calloc(1, sizeof(*udp));
	if (!udp)
		return -ENOMEM;
	udp->loop = loop;
	udp->descriptor = -1;
	udp->settings = *settings;
	if (!udp->settings.datagram_maximum || udp->settings.datagram_maximum > DATAGRAM_LARGEST)
		udp->settings.datagram_maximum = DATAGRAM_LARGEST;
	if (!udp->settings.queue_maximum)
		udp->settings.queue_maximum = QUEUE_DEFAULT;
	if (!udp->settings.kernel_buffer)
		udp->settings.kernel_buffer = KERNEL_BUFFER_DEFAULT;
	udp->receive_size = (udp->settings.datagram_maximum + 64) & ~(size_t)63;
	void *mapped = mmap(NULL, udp->receive_size * BATCH, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	udp->receive_bytes = mapped == MAP_FAILED ? NULL : mapped;
	int status = udp->receive_bytes ? udp_bind(udp) : -ENOMEM;
	if (status == 0)
		status = net_watch_new(loop, udp->descriptor, NET_READABLE, udp_ready, udp, &udp->watch);
	if (status < 0) {
		udp_free(udp);
		return status;
	}
	loop_dirty_init(&udp->dirty, udp_flush);
	udp->member.shut = udp_shut;
	loop_join(loop, &udp->member);
	*ret_udp = udp;
	return 0;
}

void net_udp_close(struct net_udp *udp)
{
	if (!udp || udp->closing)
		return;
	udp->closing = true;
	loop_leave(&udp->member);
	if (udp->inside)
		return; /* udp_ready and udp_flush free it on their way out */
	udp_flush(&udp->dirty);
}

/* ---- receiving ---- */

static void udp_deliver(struct net_udp *udp, struct mmsghdr *headers, size_t count)
{
	struct net_datagram datagrams[BATCH];
	size_t good = 0;
	for (size_t i = 0; i < count; i++) {
		const struct msghdr *header = &headers[i].msg_hdr;
		struct net_datagram *datagram = &datagrams[good];
		if (header->msg_flags & MSG_TRUNC) {
			udp->counts.oversized++;
			continue;
		}
		if (net_address_of_sockaddr(header->msg_name, header->msg_namelen, &datagram->from) < 0)
			continue;
		datagram->bytes = span_make(header->msg_iov->iov_base, headers[i].msg_len);
		good++;
	}
	udp->counts.received += good;
	if (good)
		udp->settings.received(udp, udp->settings.argument, datagrams, good);
}

/* True while there may be more. */
static bool udp_receive_batch(struct net_udp *udp)
{
	struct mmsghdr headers[BATCH] = { 0 };
	struct iovec parts[BATCH];
	struct sockaddr_storage names[BATCH];
	for (size_t i = 0; i < BATCH; i++) {
		parts[i].iov_base = udp->receive_bytes + i * udp->receive_size;
		parts[i].iov_len = udp->settings.datagram_maximum;
		headers[i].msg_hdr.msg_iov = &parts[i];
		headers[i].msg_hdr.msg_iovlen = 1;
		headers[i].msg_hdr.msg_name = &names[i];
		headers[i].msg_hdr.msg_namelen = sizeof(names[i]);
	}
	int count = recvmmsg(udp->descriptor, headers, BATCH, MSG_DONTWAIT, NULL);
	if (count <= 0)
		return count < 0 && errno != EAGAIN && errno != EWOULDBLOCK;
	udp_deliver(udp, headers, (size_t)count);
	return count == BATCH;
}

/* One entry of the error queue (ip(7), IP_RECVERR). */
static bool udp_read_error(struct net_udp *udp)
{
	struct sockaddr_storage name;
	char byte;
	struct iovec part = { &byte, sizeof(byte) };
	_Alignas(struct cmsghdr) char control[512];
	struct msghdr header = { .msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct net_address to;
	if (recvmsg(udp->descriptor, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	if (net_address_of_sockaddr((struct sockaddr *)&name, header.msg_namelen, &to) < 0)
		return true;
	for (struct cmsghdr *entry = CMSG_FIRSTHDR(&header); entry; entry = CMSG_NXTHDR(&header, entry)) {
		struct sock_extended_err problem;
		bool is_error = (entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_RECVERR) ||
				(entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == IPV6_RECVERR);
		if (!is_error || entry->cmsg_len < CMSG_LEN(sizeof(problem)))
			continue;
		memcpy(&problem, CMSG_DATA(entry), sizeof(problem));
		if (!udp->closing)
			udp->settings.unreachable(udp, udp->settings.argument, &to, -(int)problem.ee_errno);
	}
	return true;
}

static void udp_leave(struct net_udp *udp)
{
	udp->inside = false;
	if (udp->closing)
		udp_flush(&udp->dirty);
}

static void udp_ready(void *argument, int events)
{
	struct net_udp *udp = argument;
	udp->inside = true;
	if (events & NET_WRITABLE && udp->blocked) {
		udp->blocked = false;
		net_watch_set(udp->watch, NET_READABLE);
		loop_mark(udp->loop, &udp->dirty);
	}
	for (int i = 0; i < READS_PER_EVENT && !udp->closing && udp_receive_batch(udp); i++)
		;
	if (udp->settings.unreachable && events & NET_WRITABLE) {
		for (int i = 0; i < ERRORS_PER_EVENT && udp_read_error(udp); i++)
			;
	}
	udp_leave(udp);
}

/* ---- sending ---- */

static size_t waiting_size(size_t length)
{
	size_t alignment = _Alignof(struct waiting);
	return (sizeof(struct waiting) + length + alignment - 1) & ~(alignment - 1);
}

static int udp_make_room(struct net_udp *udp, size_t more)
{
	size_t needed = udp->queue_length + more;
	if (needed - udp->queue_sent > udp->settings.queue_maximum)
		return -ENOBUFS;
	if (needed <= udp->queue_capacity)
		return 0;
	if (udp->queue_sent >= more) {
		memmove(udp->queue, udp->queue + udp->queue_sent, udp->queue_length - udp->queue_sent);
		udp->queue_length -= udp->queue_sent;
		udp->queue_sent = 0;
		return 0;
	}
	size_t capacity = udp->queue_capacity ? udp->queue_capacity : 16384;
	while (capacity < needed)
		capacity *= 2;
	char *queue = realloc(udp->queue, capacity);
	if (!queue)
		return -ENOBUFS;
	udp->queue = queue;
	udp->queue_capacity = capacity;
	return 0;
}

int net_udp_send(struct net_udp *udp, const struct net_address *to, const struct iovec *parts, size_t part_count)
{
	struct waiting waiting = { .to = *to };
	for (size_t i = 0; i < part_count; i++)
		waiting.length += parts[i].iov_len;
	if (waiting.length > PAYLOAD_LARGEST)
		return -EMSGSIZE;
	if (udp_make_room(udp, waiting_size(waiting.length)) < 0) {
		udp->counts.refused++;
		return -ENOBUFS;
	}
	char *at = udp->queue + udp->queue_length;
	memcpy(at, &waiting, sizeof(waiting));
	at += sizeof(waiting);
	for (size_t i = 0; i < part_count; i++) {
		if (parts[i].iov_len)
			memcpy(at, parts[i].iov_base, parts[i].iov_len);
		at += parts[i].iov_len;
	}
	udp->queue_length += waiting_size(waiting.length);
	if (!udp->blocked)
		loop_mark(udp->loop, &udp->dirty);
	return 0;
}

static size_t udp_gather(struct net_udp *udp, struct mmsghdr *headers, struct iovec *parts)
{
	size_t count = 0;
	for (size_t at = udp->queue_sent; at < udp->queue_length && count < BATCH; count++) {
		struct waiting *waiting = (struct waiting *)(void *)(udp->queue + at);
		parts[count] = (struct iovec){ udp->queue + at + sizeof(*waiting), waiting->length };
		headers[count] = (struct mmsghdr){ .msg_hdr = { .msg_name = &waiting->to.any,
							   .msg_namelen = waiting->to.length,
							   .msg_iov = &parts[count],
							   .msg_iovlen = 1 } };
		at += waiting_size(waiting->length);
	}
	return count;
}

static void udp_pop(struct net_udp *udp, size_t count)
{
	while (count-- > 0) {
		const struct waiting *waiting = (const struct waiting *)(const void *)(udp->queue + udp->queue_sent);
		udp->queue_sent += waiting_size(waiting->length);
	}
	if (udp->queue_sent == udp->queue_length)
		udp->queue_sent = udp->queue_length = 0;
}

/* The first datagram of the queue cannot be sent: told, dropped. */
static void udp_drop_first(struct net_udp *udp, int error)
{
	const struct waiting *waiting = (const struct waiting *)(const void *)(udp->queue + udp->queue_sent);
	struct net_address to = waiting->to;
	udp->counts.failed++;
	udp_pop(udp, 1);
	if (udp->settings.unreachable && !udp->closing)
		udp->settings.unreachable(udp, udp->settings.argument, &to, error);
}

/* True while there is more to send and the kernel takes it. */
static bool udp_send_batch(struct net_udp *udp)
{
	struct mmsghdr headers[BATCH];
	struct iovec parts[BATCH];
	size_t count = udp_gather(udp, headers, parts);
	if (count == 0)
		return false;
	int sent = sendmmsg(udp->descriptor, headers, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0) {
		udp->counts.sent += (unsigned)sent;
		udp_pop(udp, (size_t)sent);
		return true;
	}
	if (errno == EINTR)
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
		udp->blocked = true;
		return false;
	}
	/* With IP_RECVERR an error of an earlier datagram is reported here too; the error queue says
	 * whose it was, so this datagram is tried once more. */
	if (udp->settings.unreachable && !udp->closing && udp_read_error(udp))
		return true;
	udp_drop_first(udp, -errno);
	return true;
}

static void udp_flush(struct loop_dirty *dirty)
{
	struct net_udp *udp = base_container(dirty, struct net_udp, dirty);
	udp->inside = true;
	while (udp_send_batch(udp))
		;
	udp->inside = false;
	if (udp->closing) {
		loop_unmark(&udp->dirty);
		udp_free(udp);
		return;
	}
	if (udp->blocked)
		net_watch_set(udp->watch, NET_READABLE | NET_WRITABLE);
}

const struct net_address *net_udp_local(const struct net_udp *udp)
{
	return &udp->local;
}

const struct net_udp_counts *net_udp_counts(const struct net_udp *udp)
{
	return &udp->counts;
}
