/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/cleanup.h"
#include "config/check.h"

#include <pcre2.h>

static void free_code(pcre2_code *const *code)
{
	pcre2_code_free(*code);
}

static void pattern_error(struct config_report *report, const struct document_node *value, int error, size_t offset)
{
	PCRE2_UCHAR text[160];
	if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
		text[0] = '\0';
	config_error(report, document_place_in(value, offset), "`pattern` is no regular expression: %s", (char *)text);
}

/* \1 … \9 in the replacement must be groups of the pattern. */
static void check_groups(struct config_report *report, const struct document_node *mapping,
	const struct config_rule *rule, uint32_t group_count)
{
	const struct document_node *value = document_find(mapping, "replace");
	if (!value)
		return;
	for (size_t i = 0; i + 1 < rule->replace.length; i++) {
		if (rule->replace.at[i] != '\\')
			continue;
		char digit = rule->replace.at[++i];
		if (digit >= '1' && digit <= '9' && (uint32_t)(digit - '0') > group_count)
			config_error(report, document_place_in(value, i - 1),
				"`replace` asks for \\%c, but the pattern has %u group%s", digit, group_count,
				group_count == 1 ? "" : "s");
	}
}

void config_pattern_check(
	struct config_report *report, const struct document_node *mapping, const struct config_rule *rule)
{
	const struct document_node *value = document_find(mapping, "pattern");
	if (rule->mode != CONFIG_MODE_PATTERN || rule->type != CONFIG_PATTERN_REGEX || !rule->pattern.at || !value)
		return;
	int error;
	PCRE2_SIZE offset;
	uint32_t group_count = 0;
	base_cleanup(free_code) pcre2_code *code = pcre2_compile((PCRE2_SPTR)rule->pattern.at, rule->pattern.length,
		PCRE2_CASELESS | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &offset, NULL);
	if (!code) {
		pattern_error(report, value, error, offset);
		return;
	}
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &group_count);
	check_groups(report, mapping, rule, group_count);
}
