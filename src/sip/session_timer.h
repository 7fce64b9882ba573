/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_SESSION_TIMER_H
#define FEDGE_SIP_SESSION_TIMER_H
/* Session timers of RFC 4028 for one call: what to offer, what to agree to, when to refresh and when to hang up. Pure:
 * messages and times in, decisions out. The user arms one timer for sip_session_next_us. */
#include "sip/draft.h"
#include "sip/message.h"

#define SIP_SESSION_SMALLEST_S 90 /* RFC 4028 4: no Min-SE below */
#define SIP_SESSION_STANDARD_S 1800 /* its recommended interval */

enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_US, SIP_REFRESHER_PEER };

struct sip_session_timer {
	uint32_t wanted_s; /* 0: we do not ask for a timer, but take part in one */
	uint32_t smallest_s; /* our Min-SE; raised by a 422 */
	uint32_t interval_s; /* agreed; 0: no timer runs */
	enum sip_refresher refresher;
	int64_t refreshed_us; /* the last 2xx */
	bool refreshing; /* REFRESH was said, its 2xx has not come yet */
};

void sip_session_timer_init(struct sip_session_timer *s, uint32_t wanted_s, uint32_t smallest_s);

/* Caller: Supported: timer, Session-Expires (where wanted) and Min-SE (where above 90 s) onto an INVITE or UPDATE
 * (7.1). In a refresh the refresher stays who he was (7.4). */
void sip_session_timer_offer(const struct sip_session_timer *s, struct sip_draft *d, struct arena *a);
/* Caller, at 422: true where the request may be sent again with the Min-SE it asked for (7.3). */
bool sip_session_timer_too_small(struct sip_session_timer *s, const struct sip_message *response);
/* Caller, at a 2xx to INVITE or UPDATE: agrees to what stands in it (7.2). */
void sip_session_timer_accepted(struct sip_session_timer *s, const struct sip_message *response, int64_t now_us);

/* Answerer, at an INVITE or UPDATE (9): 0, or 422: answer so, with sip_session_timer_refuse. */
uint16_t sip_session_timer_judge(struct sip_session_timer *s, const struct sip_message *request);
void sip_session_timer_refuse(const struct sip_session_timer *s, struct sip_draft *d, struct arena *a);
/* Answerer: Session-Expires and Require: timer onto the 2xx (9, table 2), and the timer starts. */
void sip_session_timer_accept(struct sip_session_timer *s, const struct sip_message *request, struct sip_draft *d,
	struct arena *a, int64_t now_us);

enum sip_session_step {
	SIP_SESSION_NOTHING,
	SIP_SESSION_REFRESH, /* send UPDATE or re-INVITE: half the interval is over, and it is our duty */
	SIP_SESSION_EXPIRED, /* send BYE: nobody refreshed (10: min(32 s, a third) before the end) */
};
/* When to ask again; INT64_MAX: no timer runs. */
int64_t sip_session_timer_next_us(const struct sip_session_timer *s);
enum sip_session_step sip_session_timer_step(struct sip_session_timer *s, int64_t now_us);
#endif
