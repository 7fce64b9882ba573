/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/cleanup.h"
#include "config/check.h"

#include <pcre2.h>

static void free_code(pcre2_code *const *code)
{
	pcre2_code_free(*code);
}

static void regex_error(struct config_report *report, const struct config_regex *regex, int error, size_t offset)
{
	PCRE2_UCHAR text[160];
	if (pcre2_get_error_message(error, text, sizeof(text)) < 0)
		text[0] = '\0';
	config_error(report, document_place_in(regex->value, offset), "`%s` is no regular expression: %s", regex->key,
		(char *)text);
}

static pcre2_code *regex_compile(
	struct config_report *report, const struct config_regex *regex, uint32_t *ret_group_count)
{
	int error;
	PCRE2_SIZE offset;
	*ret_group_count = 0;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)regex->text.at, regex->text.length,
		PCRE2_CASELESS | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &offset, NULL);
	if (code)
		pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, ret_group_count);
	else
		regex_error(report, regex, error, offset);
	return code;
}

/* \1 … \9 in the replacement must be groups of the pattern. */
static void check_groups(
	struct config_report *report, const struct config_regex *replacement, const char *of, uint32_t group_count)
{
	for (size_t i = 0; i + 1 < replacement->text.length; i++) {
		if (replacement->text.at[i] != '\\')
			continue;
		char digit = replacement->text.at[++i];
		if (digit >= '1' && digit <= '9' && (uint32_t)(digit - '0') > group_count)
			config_error(report, document_place_in(replacement->value, i - 1),
				"`%s` asks for \\%c, but %s has %u group%s", replacement->key, digit, of, group_count,
				group_count == 1 ? "" : "s");
	}
}

void config_regex_check(struct config_report *report, const struct config_regex *regex,
	const struct config_regex *replacement, const char *name)
{
	uint32_t group_count;
	if (!regex->text.at || !regex->value)
		return;
	base_cleanup(free_code) pcre2_code *code = regex_compile(report, regex, &group_count);
	if (code && replacement && replacement->text.at && replacement->value)
		check_groups(report, replacement, name, group_count);
}
