/* SPDX-License-Identifier: Apache-2.0 */
/* Two URIs divided by a line end: what is read is written as it was, equals itself, and comparing is symmetric. */
#include "base/require.h"
#include "sip/uri.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_uri(struct span text, struct sip_uri *uri)
{
	struct sip_defect defect = { SIP_RULE_NONE, 0 };
	if (sip_uri_parse(text, uri, &defect) < 0) {
		base_require(defect.rule != SIP_RULE_NONE && defect.offset <= text.length);
		return false;
	}
	struct buffer b;
	struct sip_uri again;
	buffer_init(&b, 1 << 18);
	base_require(sip_uri_write(&b, uri) == 0);
	base_require(sip_uri_parse(buffer_span(&b), &again, NULL) == 0);
	base_require(sip_uri_equal(uri, &again) && sip_uri_equal(uri, uri));
	(void)sip_uri_transport(uri);
	(void)sip_escape_undo(&b, uri->user);
	buffer_done(&b);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_uri a, b;
	if (size > 4096)
		return 0;
	struct span rest = span_make((const char *)data, size), first = span_cut(&rest, '\n');
	bool has_a = read_uri(first, &a), has_b = read_uri(rest, &b);
	if (has_a && has_b)
		base_require(sip_uri_equal(&a, &b) == sip_uri_equal(&b, &a));
	return 0;
}
