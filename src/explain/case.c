/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/case.h"

const char *explain_case_kind_word(enum explain_case_kind kind)
{
	static const char *const words[EXPLAIN_CASE_KIND_COUNT] = {
		[EXPLAIN_CALL] = "call",
		[EXPLAIN_CONNECTION] = "connection",
		[EXPLAIN_REGISTRATION] = "registration",
		[EXPLAIN_SUBSCRIPTION] = "subscription",
		[EXPLAIN_MESSAGE] = "message",
	};
	return words[kind];
}

const char *explain_outcome_word(enum explain_outcome outcome)
{
	static const char *const words[EXPLAIN_OUTCOME_COUNT] = {
		[EXPLAIN_ANSWERED] = "answered",
		[EXPLAIN_FAILED] = "failed",
		[EXPLAIN_ABANDONED] = "abandoned",
		[EXPLAIN_UNKNOWN] = "unknown",
	};
	return words[outcome];
}

const char *explain_join_word(enum explain_join join)
{
	static const char *const words[EXPLAIN_JOIN_COUNT] = {
		[EXPLAIN_JOIN_CALL_ID] = "call-id",
		[EXPLAIN_JOIN_SERIAL] = "proxy-call-id",
		[EXPLAIN_JOIN_TAG] = "tag",
		[EXPLAIN_JOIN_SESSION] = "session-id",
		[EXPLAIN_JOIN_PARTIES] = "parties-and-time",
	};
	return words[join];
}
