/* SPDX-License-Identifier: Apache-2.0 */
/* What is read is written so that it reads the same and then writes the same bytes. */
#include "base/require.h"
#include "sip/sdp.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_sdp sdp, again;
	struct sip_defect defect = { SIP_RULE_NONE, 0 };
	struct buffer first, second;
	if (size > 16384)
		return 0;
	struct span text = span_make((const char *)data, size);
	if (sip_sdp_parse(text, &sdp, &defect) < 0) {
		base_require(defect.rule != SIP_RULE_NONE && defect.offset <= size);
		return 0;
	}
	for (size_t i = 0; i < sdp.media_count; i++) {
		(void)sip_sdp_direction(&sdp, &sdp.media[i]);
		(void)sip_sdp_rtpmap(&sdp.media[i], SPAN("101"));
		(void)sip_sdp_attribute(sdp.media[i].lines, SPAN("candidate"), NULL);
	}
	buffer_init(&first, 1 << 18);
	buffer_init(&second, 1 << 18);
	base_require(sip_sdp_write(&first, &sdp) == 0);
	/* The writer stops at NUL bytes; text without them must survive. */
	if (span_find(text, '\0') == text.length && sdp.origin.address.at) {
		base_require(sip_sdp_parse(buffer_span(&first), &again, NULL) == 0);
		base_require(again.media_count == sdp.media_count);
		base_require(sip_sdp_write(&second, &again) == 0);
		base_require(span_equal(buffer_span(&first), buffer_span(&second)));
	}
	buffer_done(&first);
	buffer_done(&second);
	return 0;
}
