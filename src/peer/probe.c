/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/probe.h"

#include "base/require.h"
#include "net/tls.h"
#include "peer/probe_private.h"

#include <errno.h>
#include <stdlib.h>

#define CONNECT_DEFAULT_US (5 * CLOCK_SECOND_US)
#define HANDSHAKE_DEFAULT_US (5 * CLOCK_SECOND_US)
#define REACTION_DEFAULT_US (700 * CLOCK_MS_US)
#define ANSWER_DEFAULT_US (5 * CLOCK_SECOND_US)
/* What we say last is worth no more waiting than this. */
#define STALL_US (2 * CLOCK_SECOND_US)
/* Servers that look at our certificate after the handshake (nginx does) have sent their ticket by then, and close: what
 * looks accepted must stand for as long as that takes, besides the way to them and back. An acknowledgement that is
 * held back delays their word by 40 ms (RFC 1122 4.2.3.2 allows more). */
#define STAND_US (100 * CLOCK_MS_US)
#define STAND_WAY_MAXIMUM_US (200 * CLOCK_MS_US)
/* Sixteen certificates with all names that are kept, their bytes, and an answer: far beyond what one handshake can
 * bring (OpenSSL takes 100 kB of certificates). */
#define PROBE_BYTES_MAXIMUM ((size_t)8 << 20)
/* Besides what is to be said. */
#define OUTPUT_MAXIMUM ((size_t)64 * 1024)

/* ---- connections that nobody listens to any more ---- */

static void deaf(struct net_stream *stream, void *argument)
{
	(void)stream;
	(void)argument;
}
static void deaf_received(struct net_stream *stream, void *argument, struct span bytes)
{
	(void)stream;
	(void)argument;
	(void)bytes;
}
static void deaf_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	(void)stream;
	(void)argument;
	(void)why;
}
static const struct net_stream_events deaf_events = {
	.opened = deaf,
	.received = deaf_received,
	.closed = deaf_closed,
};

void probe_stream_leave(struct net_stream *stream, bool at_once)
{
	if (!stream)
		return;
	net_stream_set_events(stream, &deaf_events, NULL);
	if (at_once)
		net_stream_abort(stream);
	else
		net_stream_close(stream);
}

/* ---- the first connection ---- */

static int64_t now_us(const struct peer_probe *probe)
{
	return net_loop_now_us(probe->settings.loop);
}

/* Everything that the first connection shows is known. */
static void first_over(struct peer_probe *probe, const struct net_failure *why)
{
	struct net_stream *stream = probe->stream;
	wheel_disarm(net_loop_wheel(probe->settings.loop), &probe->timer);
	probe_gather(probe, why);
	probe->stream = NULL;
	if (!why)
		probe_stream_leave(stream, false);
	buffer_done(&probe->answer);
	if (probe->settings.deep)
		probe_versions_begin(probe);
	else
		probe_finish(probe);
}

static bool reaction_is_awaited(const struct peer_probe *probe)
{
	return net_stream_tls_facts(probe->stream)->certificate_requested && !probe->confirmed_us;
}

static bool answer_is_awaited(const struct peer_probe *probe)
{
	return probe->settings.bytes.at && !probe->answered_us;
}

static void say(struct peer_probe *probe)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)probe->settings.bytes.at,
		.iov_len = probe->settings.bytes.length };
	/* The queue has room for it: probe_connect_fill saw to that. */
	base_require(net_stream_write(probe->stream, &part, 1) == 0);
}

static void first_opened(struct net_stream *stream, void *argument)
{
	struct peer_probe *probe = argument;
	int64_t wait_us = 0;
	(void)stream;
	probe->opened_us = now_us(probe);
	if (probe->settings.bytes.at) {
		say(probe);
		wait_us = probe->settings.answer_us;
	}
	if (reaction_is_awaited(probe) && probe->settings.reaction_us > wait_us)
		wait_us = probe->settings.reaction_us;
	if (wait_us == 0)
		first_over(probe, NULL);
	else
		wheel_arm(net_loop_wheel(probe->settings.loop), &probe->timer, probe->opened_us + wait_us);
}

int64_t probe_stand_us(const struct peer_probe *probe)
{
	int64_t way_us = net_stream_connected_us(probe->stream) - net_stream_started_us(probe->stream);
	return STAND_US + (way_us < STAND_WAY_MAXIMUM_US ? way_us : STAND_WAY_MAXIMUM_US);
}

static void first_confirmed(struct net_stream *stream, void *argument)
{
	struct peer_probe *probe = argument;
	(void)stream;
	probe->confirmed_us = now_us(probe);
	if (answer_is_awaited(probe))
		return;
	if (!net_stream_tls_facts(probe->stream)->certificate_requested)
		first_over(probe, NULL);
	else
		wheel_arm(net_loop_wheel(probe->settings.loop), &probe->timer,
			probe->confirmed_us + probe_stand_us(probe));
}

static bool answer_is_complete(const struct peer_probe *probe)
{
	if (probe->answer.length >= PEER_ANSWER_MAXIMUM || !probe->settings.is_complete)
		return true;
	return probe->settings.is_complete(probe->settings.argument, buffer_span(&probe->answer));
}

static void first_received(struct net_stream *stream, void *argument, struct span bytes)
{
	struct peer_probe *probe = argument;
	(void)stream;
	if (!probe->settings.bytes.at) {
		/* It speaks unasked: it has taken us in. */
		first_over(probe, NULL);
		return;
	}
	buffer_append(&probe->answer, span_first(bytes, PEER_ANSWER_MAXIMUM - probe->answer.length));
	if (!answer_is_complete(probe))
		return;
	probe->answered_us = now_us(probe);
	first_over(probe, NULL);
}

static void first_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	(void)stream;
	first_over(argument, why);
}

static const struct net_stream_events first_events = {
	.opened = first_opened,
	.received = first_received,
	.closed = first_closed,
	.confirmed = first_confirmed,
};

static void first_waited(struct wheel_timer *timer, int64_t due_us)
{
	(void)due_us;
	first_over(base_container(timer, struct peer_probe, timer), NULL);
}

/* ---- life ---- */

static int64_t or_time(int64_t given_us, int64_t otherwise_us)
{
	return given_us > 0 ? given_us : otherwise_us;
}

static int settings_take(struct peer_probe *probe, const struct peer_probe_settings *given)
{
	struct peer_probe_settings *s = &probe->settings;
	*s = *given;
	s->connect_us = or_time(given->connect_us, CONNECT_DEFAULT_US);
	s->handshake_us = or_time(given->handshake_us, HANDSHAKE_DEFAULT_US);
	s->reaction_us = or_time(given->reaction_us, REACTION_DEFAULT_US);
	s->answer_us = or_time(given->answer_us, ANSWER_DEFAULT_US);
	s->target = arena_copy(&probe->arena, given->target);
	s->bytes = arena_copy(&probe->arena, given->bytes);
	if ((given->target.at && !s->target.at) || (given->bytes.at && !s->bytes.at))
		return -ENOMEM;
	s->identity = given->identity ? arena_copy_text(&probe->arena, given->identity) : NULL;
	if (given->identity && !s->identity)
		return -ENOMEM;
	char address[NET_ADDRESS_TEXT_SIZE];
	size_t length = net_address_format(&s->remote, address);
	probe->facts.connection.address = arena_copy(&probe->arena, span_make(address, length));
	probe->facts.connection.target = s->target;
	return probe->facts.connection.address.at ? 0 : -ENOMEM;
}

static void facts_empty(struct peer_probe_facts *facts)
{
	static const char *const names[PEER_VERSION_COUNT] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		facts->versions[i].name = names[i];
	facts->connect_us = facts->handshake_us = facts->reaction_us = facts->answer_us = -1;
}

void probe_connect_fill(const struct peer_probe *probe, struct net_connect *ret_connect)
{
	const struct peer_probe_settings *s = &probe->settings;
	*ret_connect = (struct net_connect){
		.remote = s->remote,
		.local = s->local,
		.tls = s->tls,
		.server_name = s->target.at,
		.identity = s->identity,
		.full_handshake = true,
		.limits = {
			.connect_us = s->connect_us,
			.handshake_us = s->handshake_us,
			.handshake_apart = true,
			.stall_us = STALL_US,
			.output_maximum = OUTPUT_MAXIMUM + s->bytes.length,
		},
	};
}

int peer_probe_start(const struct peer_probe_settings *settings, struct peer_probe **ret_probe)
{
	struct peer_probe *probe = calloc(1, sizeof(*probe));
	struct net_connect connect;
	if (!probe)
		return -ENOMEM;
	arena_init(&probe->arena, PROBE_BYTES_MAXIMUM);
	buffer_init(&probe->answer, PEER_ANSWER_MAXIMUM);
	wheel_timer_init(&probe->timer, first_waited);
	facts_empty(&probe->facts);
	int status = settings_take(probe, settings);
	if (status == 0) {
		probe_connect_fill(probe, &connect);
		connect.events = &first_events;
		connect.argument = probe;
		status = net_stream_connect(settings->loop, &connect, &probe->stream);
	}
	if (status < 0) {
		peer_probe_free(probe);
		return status;
	}
	*ret_probe = probe;
	return 0;
}

void probe_finish(struct peer_probe *probe)
{
	probe->settings.done(probe->settings.argument, &probe->facts);
}

void peer_probe_free(struct peer_probe *probe)
{
	if (!probe)
		return;
	wheel_disarm(net_loop_wheel(probe->settings.loop), &probe->timer);
	probe_stream_leave(probe->stream, true);
	probe_versions_stop(probe);
	buffer_done(&probe->answer);
	arena_done(&probe->arena);
	free(probe);
}
