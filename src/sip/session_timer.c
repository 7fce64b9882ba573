/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_timer.h"

#include "base/clock.h"
#include "sip/parameter.h"

void sip_session_timer_init(struct sip_session_timer *s, uint32_t wanted_s, uint32_t smallest_s)
{
	*s = (struct sip_session_timer){ .wanted_s = wanted_s, .smallest_s = smallest_s };
	if (s->smallest_s < SIP_SESSION_SMALLEST_S)
		s->smallest_s = SIP_SESSION_SMALLEST_S;
	if (s->wanted_s > 0 && s->wanted_s < s->smallest_s)
		s->wanted_s = s->smallest_s;
}

/* Session-Expires with who refreshes, seen from the one who sends the request ("uac"). */
static void append_expires(
	struct sip_draft *d, struct arena *a, enum sip_header_id id, uint32_t seconds, const char *refresher)
{
	sip_draft_append(
		d, id, arena_printf(a, "%u%s%s", seconds, refresher ? ";refresher=" : "", refresher ? refresher : ""));
}

void sip_session_timer_offer(const struct sip_session_timer *s, struct sip_draft *d, struct arena *a)
{
	sip_draft_append(d, SIP_HEADER_SUPPORTED, SPAN("timer"));
	uint32_t seconds = s->interval_s > 0 ? s->interval_s : s->wanted_s;
	const char *refresher = NULL;
	if (s->interval_s > 0)
		refresher = s->refresher == SIP_REFRESHER_US ? "uac" : "uas";
	if (seconds > 0)
		append_expires(d, a, SIP_HEADER_SESSION_EXPIRES, seconds, refresher);
	if (s->smallest_s > SIP_SESSION_SMALLEST_S)
		append_expires(d, a, SIP_HEADER_MIN_SE, s->smallest_s, NULL);
}

bool sip_session_timer_too_small(struct sip_session_timer *s, const struct sip_message *response)
{
	uint32_t smallest;
	uint32_t offered = s->interval_s > 0 ? s->interval_s : s->wanted_s;
	if (response->status != 422 || sip_message_number(response, SIP_HEADER_MIN_SE, &smallest) < 0)
		return false;
	if (offered == 0 || smallest <= offered)
		return false;
	s->smallest_s = smallest;
	s->wanted_s = smallest;
	if (s->interval_s > 0)
		s->interval_s = smallest;
	return true;
}

/* 0: no timer is asked for. */
static uint32_t expires_of(const struct sip_message *m, struct span *ret_refresher)
{
	uint32_t seconds = 0;
	*ret_refresher = SPAN_NONE;
	if (sip_message_number(m, SIP_HEADER_SESSION_EXPIRES, &seconds) < 0)
		return 0;
	struct span value = sip_message_value(m, SIP_HEADER_SESSION_EXPIRES);
	sip_parameter_find(span_from(value, span_find(value, ';')), SPAN("refresher"), ret_refresher);
	return seconds;
}

static void run(struct sip_session_timer *s, uint32_t interval_s, enum sip_refresher refresher, int64_t now_us)
{
	s->interval_s = interval_s;
	s->refresher = interval_s > 0 ? refresher : SIP_REFRESHER_NONE;
	s->refreshed_us = now_us;
	s->refreshing = false;
}

void sip_session_timer_accepted(struct sip_session_timer *s, const struct sip_message *response, int64_t now_us)
{
	struct span refresher;
	uint32_t seconds = expires_of(response, &refresher);
	run(s, seconds, span_is_nocase(refresher, "uas") ? SIP_REFRESHER_PEER : SIP_REFRESHER_US, now_us);
}

uint16_t sip_session_timer_judge(struct sip_session_timer *s, const struct sip_message *request)
{
	struct span refresher;
	uint32_t seconds = expires_of(request, &refresher);
	bool supported = sip_message_lists(request, SIP_HEADER_SUPPORTED, SPAN("timer"));
	return seconds > 0 && seconds < s->smallest_s && supported ? 422 : 0;
}

void sip_session_timer_refuse(const struct sip_session_timer *s, struct sip_draft *d, struct arena *a)
{
	append_expires(d, a, SIP_HEADER_MIN_SE, s->smallest_s, NULL);
}

/* RFC 4028 9: what was asked for stands; our own wish must not be below the Min-SE that the request carries. */
static uint32_t agree(const struct sip_session_timer *s, const struct sip_message *request, uint32_t asked_s)
{
	uint32_t smallest;
	if (asked_s > 0)
		return asked_s;
	uint32_t seconds = s->wanted_s;
	if (seconds > 0 && sip_message_number(request, SIP_HEADER_MIN_SE, &smallest) == 0 && smallest > seconds)
		seconds = smallest;
	return seconds;
}

void sip_session_timer_accept(struct sip_session_timer *s, const struct sip_message *request, struct sip_draft *d,
	struct arena *a, int64_t now_us)
{
	struct span asked;
	bool supported = sip_message_lists(request, SIP_HEADER_SUPPORTED, SPAN("timer"));
	uint32_t seconds = agree(s, request, expires_of(request, &asked));
	/* Table 2: a caller who knows no timers cannot refresh; one who leaves it open does. */
	bool caller = supported && !span_is_nocase(asked, "uas");
	run(s, seconds, caller ? SIP_REFRESHER_PEER : SIP_REFRESHER_US, now_us);
	if (seconds == 0)
		return;
	append_expires(d, a, SIP_HEADER_SESSION_EXPIRES, seconds, caller ? "uac" : "uas");
	if (supported)
		sip_draft_append(d, SIP_HEADER_REQUIRE, SPAN("timer"));
}

/* Hang up a little before the end (RFC 4028 10). */
static int64_t last_us(const struct sip_session_timer *s)
{
	int64_t interval_us = (int64_t)s->interval_s * CLOCK_SECOND_US;
	int64_t early_us = interval_us / 3 < 32 * CLOCK_SECOND_US ? interval_us / 3 : 32 * CLOCK_SECOND_US;
	return s->refreshed_us + interval_us - early_us;
}

int64_t sip_session_timer_next_us(const struct sip_session_timer *s)
{
	if (s->interval_s == 0)
		return INT64_MAX;
	if (s->refresher == SIP_REFRESHER_US && !s->refreshing)
		return s->refreshed_us + (int64_t)s->interval_s * CLOCK_SECOND_US / 2;
	return last_us(s);
}

enum sip_session_step sip_session_timer_step(struct sip_session_timer *s, int64_t now_us)
{
	if (now_us < sip_session_timer_next_us(s))
		return SIP_SESSION_NOTHING;
	if (now_us < last_us(s)) {
		s->refreshing = true;
		return SIP_SESSION_REFRESH;
	}
	s->interval_s = 0;
	s->refresher = SIP_REFRESHER_NONE;
	return SIP_SESSION_EXPIRED;
}
