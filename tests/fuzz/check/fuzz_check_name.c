/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a typed domain: no name, and why; or one that the DNS can be asked for and that reads as itself. */
#include "base/require.h"
#include "check/name.h"
#include "trust/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct span domain, why_not, again;
	arena_init(&arena, 1u << 20);
	if (check_name_read(span_make((const char *)data, size), &arena, &domain, &why_not)) {
		base_require(trust_name_is_plain(domain) && domain.length <= 253);
		base_require(check_name_read(domain, &arena, &again, &why_not) && span_equal(domain, again));
	} else {
		base_require(!domain.at && why_not.length > 0);
	}
	arena_done(&arena);
	return 0;
}
