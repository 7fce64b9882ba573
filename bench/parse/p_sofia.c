/* SPDX-License-Identifier: Apache-2.0 */
/* Sofia-SIP copies the bytes and decodes every header it knows. */
#include "harness.h"

#include <sofia-sip/msg.h>
#include <sofia-sip/msg_parser.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/su.h>

static int bench_start(void)
{
	return su_init();
}

static int bench_message(const char *bytes, size_t length)
{
	msg_t *message = msg_make(sip_default_mclass(), 0, bytes, (ssize_t)length);
	sip_t *sip = message ? sip_object(message) : NULL;
	int failed = !sip || sip->sip_error || !sip->sip_via || !sip->sip_via->v_next || !sip->sip_from ||
		     !sip->sip_to || !sip->sip_cseq;
	msg_destroy(message);
	return failed;
}

BENCH_MAIN("sofia-sip")
