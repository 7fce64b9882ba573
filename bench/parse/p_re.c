/* SPDX-License-Identifier: Apache-2.0 */
/* libre splits and indexes all headers, and decodes the Request-URI, the first Via, From, To and CSeq. It reads from a
 * buffer of its own, into which each message is copied as it would be from a socket. */
#include "harness.h"

/* re.h wants these three before it. */
/* clang-format off */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <re/re.h>
/* clang-format on */

static struct mbuf *buffer;

static int bench_start(void)
{
	buffer = mbuf_alloc(65536);
	return buffer ? 0 : 1;
}

static int bench_message(const char *bytes, size_t length)
{
	struct sip_msg *message = NULL;
	mbuf_rewind(buffer);
	mbuf_write_mem(buffer, (const uint8_t *)bytes, length);
	mbuf_set_pos(buffer, 0);
	int failed = sip_msg_decode(&message, buffer) != 0 || sip_msg_hdr_count(message, SIP_HDR_VIA) < 2;
	mem_deref(message);
	return failed;
}

BENCH_MAIN("libre")
