/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/defect.h"

static const char *const texts[SIP_RULE_COUNT] = {
#define RULE_TEXT(name, text) [SIP_RULE_##name] = text,
	SIP_RULES(RULE_TEXT)
#undef RULE_TEXT
};

const char *sip_rule_text(enum sip_rule rule)
{
	return rule < SIP_RULE_COUNT ? texts[rule] : texts[SIP_RULE_NONE];
}
