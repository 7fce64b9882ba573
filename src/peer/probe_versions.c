/* SPDX-License-Identifier: Apache-2.0 */
/* Which TLS versions a server takes: each is offered alone, on a connection of its own, all at once. */
#include "base/require.h"
#include "net/tls.h"
#include "peer/probe_private.h"

#include <string.h>

static struct peer_version *version_of(struct probe_trial *trial)
{
	return &trial->probe->facts.versions[trial - trial->probe->trials];
}

static void trial_over(struct probe_trial *trial, enum peer_version_status status, struct span text)
{
	struct peer_probe *probe = trial->probe;
	struct peer_version *version = version_of(trial);
	trial->stream = NULL;
	version->status = status;
	version->text = arena_copy(&probe->arena, text);
	if (--probe->trials_running == 0)
		probe_finish(probe);
}

static void trial_opened(struct net_stream *stream, void *argument)
{
	probe_stream_leave(stream, false);
	trial_over(argument, PEER_VERSION_AGREED, SPAN_NONE);
}

static void trial_received(struct net_stream *stream, void *argument, struct span bytes)
{
	(void)stream;
	(void)argument;
	(void)bytes;
}

static enum peer_version_status status_of_end(const struct net_failure *why)
{
	if (why->stage != NET_STAGE_HANDSHAKE)
		return PEER_VERSION_UNDECIDED;
	switch (why->cause) {
	case NET_CAUSE_ALERT_RECEIVED:
	case NET_CAUSE_VERSION:
	case NET_CAUSE_RESET:
	case NET_CAUSE_CUT:
	case NET_CAUSE_PEER_CLOSED:
	case NET_CAUSE_NOT_TLS:
		return PEER_VERSION_REFUSED;
	default:
		return PEER_VERSION_UNDECIDED;
	}
}

static void trial_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	/* What ended it after the server had chosen the version says nothing of the version. */
	if (net_stream_tls_facts(stream)->version)
		trial_over(argument, PEER_VERSION_AGREED, SPAN_NONE);
	else
		trial_over(argument, status_of_end(why), span_of(why->text));
}

static const struct net_stream_events trial_events = {
	.opened = trial_opened,
	.received = trial_received,
	.closed = trial_closed,
};

static void trial_begin(struct probe_trial *trial)
{
	struct peer_probe *probe = trial->probe;
	struct net_tls *tls = probe->settings.versions[trial - probe->trials];
	struct net_connect connect;
	if (!tls) {
		trial_over(trial, PEER_VERSION_UNDECIDED, SPAN("this side cannot offer it"));
		return;
	}
	probe_connect_fill(probe, &connect);
	connect.tls = tls;
	connect.events = &trial_events;
	connect.argument = trial;
	int status = net_stream_connect(probe->settings.loop, &connect, &trial->stream);
	if (status < 0)
		trial_over(trial, PEER_VERSION_UNDECIDED, span_of(strerrordesc_np(-status)));
}

void probe_versions_begin(struct peer_probe *probe)
{
	bool connected = probe->facts.connection.connect == TRUST_CONNECT_OPEN;
	/* One more than there are: the last word is ours, when all have begun. */
	probe->trials_running = PEER_VERSION_COUNT + 1;
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++) {
		struct probe_trial *trial = &probe->trials[i];
		trial->probe = probe;
		if (connected)
			trial_begin(trial);
		else
			trial_over(trial, PEER_VERSION_UNDECIDED, SPAN("not tried: there is no connection"));
	}
	if (--probe->trials_running == 0)
		probe_finish(probe);
}

void probe_versions_stop(struct peer_probe *probe)
{
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++) {
		probe_stream_leave(probe->trials[i].stream, true);
		probe->trials[i].stream = NULL;
	}
}
