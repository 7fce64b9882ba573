/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte says how large the pieces are that the rest comes in. Whatever the pieces, the same messages come out,
 * and nothing is held beyond the maximum. */
#include "base/buffer.h"
#include "base/require.h"
#include "sip/framer.h"
#include "sip/message.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sip_framer_limits limits = { 2048, 8192 };

/* Appends every message, and a mark where the stream broke. */
static void frame(struct span whole, size_t piece, struct buffer *messages)
{
	struct sip_framer f;
	bool broken = false;
	sip_framer_init(&f, limits);
	while (whole.length && !broken) {
		struct span input = span_first(whole, piece);
		whole = span_from(whole, input.length);
		for (struct sip_frame frame; !broken && sip_framer_next(&f, &input, &frame);) {
			broken = frame.kind == SIP_FRAME_DEFECT;
			base_require(broken == (frame.defect.rule != SIP_RULE_NONE));
			base_require(frame.bytes.length <= limits.message_maximum || broken);
			if (frame.kind == SIP_FRAME_MESSAGE)
				buffer_append(messages, frame.bytes);
			if (broken)
				buffer_printf(messages, "|%d", (int)frame.defect.rule);
		}
		base_require(broken || input.length == 0);
		base_require(sip_framer_pending(&f) <= limits.message_maximum);
	}
	sip_framer_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole, pieces;
	if (size < 2 || size > 65536)
		return 0;
	struct span bytes = span_make((const char *)data + 1, size - 1);
	buffer_init(&whole, 1 << 20);
	buffer_init(&pieces, 1 << 20);
	frame(bytes, SIZE_MAX, &whole);
	frame(bytes, (size_t)data[0] + 1, &pieces);
	base_require(span_equal(buffer_span(&whole), buffer_span(&pieces)));
	buffer_done(&whole);
	buffer_done(&pieces);
	(void)sip_datagram_frame(bytes, 65535);
	return 0;
}
