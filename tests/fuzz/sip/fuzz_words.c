/* SPDX-License-Identifier: Apache-2.0 */
/* The small readers, each on the same text: addresses, Via, digest, diagnostics, Warning, lists, multipart bodies. */
#include "base/require.h"
#include "sip/address.h"
#include "sip/diagnostics.h"
#include "sip/digest.h"
#include "sip/multipart.h"
#include "sip/parameter.h"
#include "sip/via.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct span part, struct span whole)
{
	base_require(!part.at || (part.at >= whole.at && part.at + part.length <= whole.at + whole.length));
}

static void read_digest(struct span text)
{
	struct sip_digest_challenge challenge, again;
	struct sip_digest_credentials credentials;
	struct buffer b;
	char hex[SIP_DIGEST_HEX_MAXIMUM];
	buffer_init(&b, 1 << 16);
	if (sip_digest_challenge_parse(text, &challenge, NULL) == 0 && span_find(text, '\0') == text.length &&
		challenge.algorithm != SIP_DIGEST_OTHER) {
		base_require(sip_digest_challenge_write(&b, &challenge) == 0);
		/* Unquoted values with odd bytes may not come back; where they do, they are the same. */
		if (sip_digest_challenge_parse(buffer_span(&b), &again, NULL) == 0)
			base_require(again.algorithm == challenge.algorithm);
	}
	if (sip_digest_credentials_parse(text, &credentials, NULL) == 0)
		(void)sip_digest_response(&credentials, SPAN("secret"), SPAN("INVITE"), text, hex);
	buffer_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_address address;
	struct sip_via via;
	struct sip_diagnostics diagnostics;
	struct sip_warning warning;
	struct sip_parts parts;
	struct sip_part part;
	if (size > 8192)
		return 0;
	struct span text = span_make((const char *)data, size), rest = text, value;
	while (sip_list_next(&rest, &value)) {
		within(value, text);
		if (sip_address_parse(value, &address, NULL) == 0)
			within(address.tag, text);
		if (sip_via_parse(value, &via, NULL) == 0)
			within(via.branch, text);
		if (sip_warning_parse(value, &warning, NULL) == 0)
			within(warning.text, text);
	}
	if (sip_diagnostics_parse(text, &diagnostics, NULL) == 0)
		within(diagnostics.reason, text);
	read_digest(text);
	/* The first line is the media type, the rest the body. */
	rest = text;
	value = span_cut(&rest, '\n');
	if (rest.at && sip_parts_init(&parts, value, rest) == 0) {
		for (size_t count = 0; sip_parts_next(&parts, &part); count++) {
			base_require(count <= size);
			within(part.body, text);
			within(part.headers, text);
		}
	}
	return 0;
}
