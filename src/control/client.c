/* SPDX-License-Identifier: Apache-2.0 */
#include "control/client.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "control/address.h"
#include "control/server.h"

#include <errno.h>
#include <poll.h>

/* Milliseconds left, for poll: 0 where the time is over. */
static int remaining_ms(const struct clock *clock, int64_t until_us)
{
	int64_t left = (until_us - clock_steady_us(clock)) / CLOCK_MS_US;
	return left < 0 ? 0 : (int)left;
}

static int await(int descriptor, short events, const struct clock *clock, int64_t until_us)
{
	for (;;) {
		struct pollfd waited = { .fd = descriptor, .events = events };
		int ready = poll(&waited, 1, remaining_ms(clock, until_us));
		if (ready > 0)
			return 0;
		if (ready == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int write_all(int descriptor, struct span bytes, const struct clock *clock, int64_t until_us)
{
	while (bytes.length) {
		ssize_t sent = send(descriptor, bytes.at, bytes.length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0) {
			bytes = span_from(bytes, (size_t)sent);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return errno == EPIPE || errno == ECONNRESET ? -EPROTO : -errno;
		int status = errno == EAGAIN ? await(descriptor, POLLOUT, clock, until_us) : 0;
		if (status < 0)
			return status;
	}
	return 0;
}

/* Up to and with the newline. */
static int read_line(int descriptor, struct buffer *b, const struct clock *clock, int64_t until_us)
{
	while (b->length == 0 || b->at[b->length - 1] != '\n') {
		int status = await(descriptor, POLLIN, clock, until_us);
		if (status == 0)
			status = buffer_reserve(b, 4096);
		if (status < 0)
			return status == -ENOBUFS ? -EPROTO : status;
		ssize_t got = recv(descriptor, b->at + b->length, 4096, MSG_DONTWAIT);
		if (got > 0)
			b->length += (size_t)got;
		else if (got == 0)
			return -EPROTO;
		else if (errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EPROTO : -errno;
	}
	return 0;
}

static int exchange(int descriptor, struct span request, int timeout_ms, json_t **ret_reply)
{
	struct clock clock = clock_system();
	struct buffer b;
	int64_t until_us = clock_steady_us(&clock) + timeout_ms * CLOCK_MS_US;
	buffer_init(&b, CONTROL_REPLY_MAXIMUM + 8192);
	int status = write_all(descriptor, request, &clock, until_us);
	if (status == 0)
		status = read_line(descriptor, &b, &clock, until_us);
	json_t *reply = status == 0 ? json_loadb(b.at, b.length, 0, NULL) : NULL;
	if (status == 0 && !json_is_object(reply))
		status = -EPROTO;
	buffer_done(&b);
	if (status == 0)
		*ret_reply = reply;
	else
		json_decref(reply);
	return status;
}

int control_ask(const char *path, const json_t *request, int timeout_ms, json_t **ret_reply)
{
	struct sockaddr_un address;
	int status = control_address(path, &address);
	if (status < 0)
		return status;
	base_cleanup(free_pointer) char *text = json_dumps(request, JSON_COMPACT);
	struct buffer line;
	buffer_init(&line, CONTROL_REQUEST_MAXIMUM);
	if (!text || buffer_printf(&line, "%s\n", text) < 0) {
		buffer_done(&line);
		return text ? -EMSGSIZE : -ENOMEM;
	}
	base_cleanup(close_descriptor) int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof(address)) < 0)
		status = -errno;
	else
		status = exchange(descriptor, buffer_span(&line), timeout_ms, ret_reply);
	buffer_done(&line);
	return status;
}
