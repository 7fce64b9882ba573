/* SPDX-License-Identifier: Apache-2.0 */
/* libunbound tells that it failed, not why. One plain question to each server, by our own hand,
 * shows what comes back: a refusal, an error, a truncated stub, another's answer, or nothing. */
#include "base/require.h"
#include "net/resolver_private.h"
#include "net/udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_MAXIMUM 512 /* RFC 1035 4.2.1; the question is small */
#define HEADER_SIZE 12
#define WHY_SIZE 512

/* In the order of how much they explain. */
enum outcome {
	OUTCOME_SILENCE,
	OUTCOME_UNREACHABLE,
	OUTCOME_GARBAGE,
	OUTCOME_WRONG_ID,
	OUTCOME_OTHER_QUESTION,
	OUTCOME_TRUNCATED,
	OUTCOME_ERROR, /* rcode */
	OUTCOME_FINE, /* an answer after all */
};

struct dns_probe {
	struct net_loop *loop;
	struct dns_probe_settings settings;
	struct net_address servers[DNS_SERVER_MAXIMUM];
	enum outcome outcomes[DNS_SERVER_MAXIMUM];
	int rcodes[DNS_SERVER_MAXIMUM];
	struct net_udp *sockets[2]; /* IPv4, IPv6 */
	struct wheel_timer deadline;
	unsigned char question[MESSAGE_MAXIMUM];
	size_t question_length;
};

/* ---- the question ---- */

static void put_u16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

/* RFC 1035 4.1; the name was checked by dns_name_check. */
static void probe_write_question(struct dns_probe *probe)
{
	unsigned char *at = probe->question;
	struct span rest = span_of(probe->settings.name);
	put_u16(at, probe->settings.id);
	put_u16(at + 2, 0x0100); /* recursion desired */
	put_u16(at + 4, 1);
	at += HEADER_SIZE;
	while (rest.at && rest.length) {
		struct span label = span_cut(&rest, '.');
		*at++ = (unsigned char)label.length;
		memcpy(at, label.at, label.length);
		at += label.length;
	}
	*at++ = 0;
	put_u16(at, (unsigned)probe->settings.type);
	put_u16(at + 2, 1);
	probe->question_length = (size_t)(at + 4 - probe->question);
}

/* ---- what comes ---- */

static enum outcome judge(const struct dns_probe *probe, struct span reply, int *ret_rcode)
{
	const unsigned char *bytes = (const unsigned char *)reply.at;
	size_t section = probe->question_length - HEADER_SIZE;
	if (reply.length < HEADER_SIZE || !(bytes[2] & 0x80))
		return OUTCOME_GARBAGE;
	if ((bytes[0] << 8 | bytes[1]) != probe->settings.id)
		return OUTCOME_WRONG_ID;
	*ret_rcode = bytes[3] & 0x0f;
	/* An error may come without the question (RFC 1035 4.1.1 leaves it open). */
	bool repeated = reply.length >= probe->question_length &&
			span_equal_nocase(span_make(reply.at + HEADER_SIZE, section),
				span_make((const char *)probe->question + HEADER_SIZE, section));
	if (*ret_rcode != 0 && *ret_rcode != 3)
		return OUTCOME_ERROR;
	if (!repeated)
		return OUTCOME_OTHER_QUESTION;
	return bytes[2] & 0x02 ? OUTCOME_TRUNCATED : OUTCOME_FINE;
}

static void probe_free(struct dns_probe *probe)
{
	wheel_disarm(net_loop_wheel(probe->loop), &probe->deadline);
	net_udp_close(probe->sockets[0]);
	net_udp_close(probe->sockets[1]);
	free(probe);
}

static void describe(const struct dns_probe *probe, size_t i, char *text, size_t size)
{
	static const char *const words[] = {
		[OUTCOME_SILENCE] = "is silent",
		[OUTCOME_UNREACHABLE] = "cannot be reached (nothing listens there, or a firewall says no)",
		[OUTCOME_GARBAGE] = "sends what is no DNS answer",
		[OUTCOME_WRONG_ID] = "answers with the wrong query id",
		[OUTCOME_OTHER_QUESTION] = "answers another question",
		[OUTCOME_TRUNCATED] = "truncates its answer, and its TCP side does not help",
		[OUTCOME_ERROR] = "answers",
		[OUTCOME_FINE] = "answers now; what failed before lies behind it",
	};
	static const char *const rcodes[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };
	char server[NET_ADDRESS_TEXT_SIZE];
	int rcode = probe->rcodes[i];
	dns_server_format(&probe->servers[i], server);
	if (probe->outcomes[i] != OUTCOME_ERROR)
		snprintf(text, size, "%s %s", server, words[probe->outcomes[i]]);
	else if (rcode < (int)BASE_COUNT(rcodes))
		snprintf(text, size, "%s answers %s", server, rcodes[rcode]);
	else
		snprintf(text, size, "%s answers with error %d", server, rcode);
}

static void probe_end(struct dns_probe *probe)
{
	struct dns_probe_settings settings = probe->settings;
	char why[WHY_SIZE] = "";
	size_t best = 0;
	for (size_t i = 0; i < settings.server_count; i++) {
		size_t used = strlen(why);
		if (i > 0 && used + 2 < sizeof(why))
			used += (size_t)snprintf(why + used, sizeof(why) - used, "; ");
		describe(probe, i, why + used, sizeof(why) - used);
		if (probe->outcomes[i] > probe->outcomes[best])
			best = i;
	}
	enum net_dns_status status = NET_DNS_TIMEOUT;
	if (probe->outcomes[best] >= OUTCOME_TRUNCATED)
		status = NET_DNS_SERVFAIL;
	if (probe->outcomes[best] == OUTCOME_ERROR && probe->rcodes[best] == 5)
		status = NET_DNS_REFUSED;
	probe_free(probe);
	settings.ended(settings.argument, status, why);
}

static void probe_too_late(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	probe_end(base_container(timer, struct dns_probe, deadline));
}

/* True where the outcome settles what this server does: a liar's true answer may still follow. */
static bool probe_note(struct dns_probe *probe, const struct net_address *from, enum outcome outcome, int rcode)
{
	for (size_t i = 0; i < probe->settings.server_count; i++) {
		if (!net_address_equal(&probe->servers[i], from) || outcome < probe->outcomes[i])
			continue;
		probe->outcomes[i] = outcome;
		probe->rcodes[i] = rcode;
	}
	for (size_t i = 0; i < probe->settings.server_count; i++) {
		if (probe->outcomes[i] < OUTCOME_TRUNCATED && probe->outcomes[i] != OUTCOME_UNREACHABLE)
			return false;
	}
	return true;
}

static void probe_received(struct net_udp *udp, void *argument, const struct net_datagram *datagrams, size_t count)
{
	struct dns_probe *probe = argument;
	bool all = false;
	(void)udp;
	for (size_t i = 0; i < count; i++) {
		int rcode = 0;
		enum outcome outcome = judge(probe, datagrams[i].bytes, &rcode);
		all = probe_note(probe, &datagrams[i].from, outcome, rcode);
	}
	if (all)
		probe_end(probe);
}

static void probe_unreachable(struct net_udp *udp, void *argument, const struct net_address *to, int error)
{
	struct dns_probe *probe = argument;
	(void)udp;
	(void)error;
	if (probe_note(probe, to, OUTCOME_UNREACHABLE, 0))
		wheel_arm(net_loop_wheel(probe->loop), &probe->deadline, net_loop_now_us(probe->loop));
}

/* ---- beginning ---- */

static int probe_open(struct dns_probe *probe, int family, struct net_udp **ret_udp)
{
	struct net_udp_settings settings = { .datagram_maximum = 4096,
		.kernel_buffer = 64 * 1024,
		.received = probe_received,
		.unreachable = probe_unreachable,
		.argument = probe };
	settings.local = probe->settings.outgoing;
	if (net_address_family(&settings.local) != family)
		net_address_parse(family == AF_INET ? SPAN("0.0.0.0") : SPAN("::"), 0, &settings.local);
	return net_udp_open(probe->loop, &settings, ret_udp);
}

static void probe_ask(struct dns_probe *probe, size_t i)
{
	struct iovec part = { probe->question, probe->question_length };
	int family = net_address_family(&probe->servers[i]);
	struct net_udp **udp = &probe->sockets[family == AF_INET6];
	if (!*udp && probe_open(probe, family, udp) < 0) {
		probe->outcomes[i] = OUTCOME_UNREACHABLE;
		return;
	}
	net_udp_send(*udp, &probe->servers[i], &part, 1);
}

int dns_probe_start(struct net_loop *loop, const struct dns_probe_settings *settings, struct dns_probe **ret_probe)
{
	struct dns_probe *probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	probe->loop = loop;
	probe->settings = *settings;
	memcpy(probe->servers, settings->servers, settings->server_count * sizeof(probe->servers[0]));
	wheel_timer_init(&probe->deadline, probe_too_late);
	wheel_arm(net_loop_wheel(loop), &probe->deadline, settings->due_us);
	probe_write_question(probe);
	for (size_t i = 0; i < settings->server_count; i++)
		probe_ask(probe, i);
	*ret_probe = probe;
	return 0;
}

void dns_probe_cancel(struct dns_probe *probe)
{
	if (probe)
		probe_free(probe);
}
