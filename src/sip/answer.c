/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/dialog.h"

void sip_answer_init(
	struct sip_answer *a, const struct sip_timers *timers, void (*fired)(struct wheel_timer *timer, int64_t now_us))
{
	*a = (struct sip_answer){ .timers = timers };
	wheel_timer_init(&a->repeat, fired);
}

int64_t sip_answer_start(struct sip_answer *a, uint32_t cseq, int64_t now_us)
{
	a->cseq = cseq;
	a->waiting = true;
	a->interval_us = a->timers->t1_us;
	a->until_us = now_us + 64 * a->timers->t1_us;
	return now_us + a->interval_us;
}

enum sip_answer_step sip_answer_timer(struct sip_answer *a, int64_t now_us, int64_t *ret_due_us)
{
	if (!a->waiting)
		return SIP_ANSWER_NOTHING;
	if (now_us >= a->until_us) {
		a->waiting = false;
		return SIP_ANSWER_GIVE_UP;
	}
	a->interval_us *= 2;
	if (a->interval_us > a->timers->t2_us)
		a->interval_us = a->timers->t2_us;
	int64_t due_us = now_us + a->interval_us;
	*ret_due_us = due_us < a->until_us ? due_us : a->until_us;
	return SIP_ANSWER_SEND;
}

bool sip_answer_acknowledged(struct sip_answer *a, uint32_t cseq)
{
	if (!a->waiting || a->cseq != cseq)
		return false;
	a->waiting = false;
	return true;
}
