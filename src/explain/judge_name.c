/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcard, common name, or no such name: one result code and one HRESULT stand for all three. */
#include "explain/judge_private.h"

static bool is_covered(struct span pattern, struct span name)
{
	size_t label = span_find(name, '.');
	return pattern.length > 2 && pattern.at[0] == '*' && label < name.length &&
	       span_equal_nocase(span_from(pattern, 1), span_from(name, label));
}

static enum finding_code by_names(const struct judge_facts *f)
{
	for (size_t i = 0; i < f->names.count; i++)
		if (is_covered(f->names.at[i], f->target))
			return FINDING_CERTIFICATE_WILDCARD_ONLY;
	return span_equal_nocase(f->shown, f->target) ? FINDING_CERTIFICATE_CN_IGNORED
						      : FINDING_CERTIFICATE_NAME_MISMATCH;
}

enum finding_code explain_judge_name_fault(const struct judge_facts *facts, enum explain_confidence *confidence)
{
	if (facts->target.length == 0 || facts->shown.length == 0)
		return FINDING_CERTIFICATE_NAME_MISMATCH;
	if (facts->names_known)
		return by_names(facts);
	if (is_covered(facts->shown, facts->target))
		return FINDING_CERTIFICATE_WILDCARD_ONLY;
	if (!span_equal_nocase(facts->shown, facts->target))
		return FINDING_CERTIFICATE_NAME_MISMATCH;
	/* The name is there and was not taken: it must be the common name, beside others that count. */
	if (*confidence > EXPLAIN_LIKELY)
		*confidence = EXPLAIN_LIKELY;
	return FINDING_CERTIFICATE_CN_IGNORED;
}
