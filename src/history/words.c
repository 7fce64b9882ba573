/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "history/search.h"

#include <stdio.h>

const char *history_kind_word(enum history_kind kind)
{
	static const char *const words[] = { "search", "registration", "zone" };
	_Static_assert(BASE_COUNT(words) == HISTORY_KIND_COUNT, "a word for each kind");
	return (unsigned)kind < BASE_COUNT(words) ? words[kind] : "?";
}

const char *history_step_word(enum history_step_kind kind)
{
	static const char *const words[] = { "transform", "policy", "rule", "zone", "attempt", "dns", "connection",
		"handshake", "judgement", "call" };
	_Static_assert(BASE_COUNT(words) == HISTORY_STEP_KIND_COUNT, "a word for each kind");
	return (unsigned)kind < BASE_COUNT(words) ? words[kind] : "?";
}

void history_type_text(const struct history_search *search, char ret_text[HISTORY_TYPE_SIZE])
{
	if (search->kind == HISTORY_SEARCH)
		snprintf(ret_text, HISTORY_TYPE_SIZE, "SIP (%.*s)", SPAN_PRINT(span_first(search->method, 32)));
	else
		snprintf(ret_text, HISTORY_TYPE_SIZE, "%s",
			search->kind == HISTORY_REGISTRATION ? "Registration" : "Zone");
}

struct span history_variant_text(struct span variant)
{
	static const struct {
		const char *word, *text;
	} texts[] = {
		{ "standards", "Standards-based" },
		{ "microsoft-av", "Microsoft AV" },
		{ "microsoft-im", "Microsoft SIP IM&P" },
	};
	for (size_t i = 0; i < BASE_COUNT(texts); i++)
		if (span_is(variant, texts[i].word))
			return span_of(texts[i].text);
	return variant.at ? variant : SPAN("");
}

static void search_status(const struct history_search *search, char ret_text[HISTORY_STATUS_SIZE])
{
	if (!search->ended)
		snprintf(ret_text, HISTORY_STATUS_SIZE, "In progress");
	else if (search->found)
		snprintf(ret_text, HISTORY_STATUS_SIZE, "Found");
	else if (search->reason.length)
		snprintf(ret_text, HISTORY_STATUS_SIZE, "%.*s", SPAN_PRINT(span_first(search->reason, 120)));
	else
		snprintf(ret_text, HISTORY_STATUS_SIZE, "%u", (unsigned)search->status);
}

void history_status_text(const struct history_search *search, char ret_text[HISTORY_STATUS_SIZE])
{
	if (search->kind == HISTORY_SEARCH) {
		search_status(search, ret_text);
		return;
	}
	int length = snprintf(ret_text, HISTORY_STATUS_SIZE, "%.*s", SPAN_PRINT(span_first(search->state, 20)));
	if (search->reason.length)
		snprintf(ret_text + length, HISTORY_STATUS_SIZE - (size_t)length, ": %.*s",
			SPAN_PRINT(span_first(search->reason, 120)));
}
