/* SPDX-License-Identifier: Apache-2.0 */
#include "check/render_parts.h"

#include "base/text.h"

#include <stdio.h>
#include <time.h>

#define DAY_S 86400

enum paper_ink render_verdict_ink(enum check_verdict verdict)
{
	static const enum paper_ink inks[] = {
		[CHECK_PASS] = PAPER_GREEN,
		[CHECK_WARN] = PAPER_YELLOW,
		[CHECK_FAIL] = PAPER_RED,
		[CHECK_UNKNOWN] = PAPER_YELLOW,
	};
	return inks[verdict];
}

void render_domain(const struct check_facts *facts, struct buffer *out)
{
	text_append_safe(out, facts->typed.length ? facts->typed : facts->domain);
	if (!facts->domain.length || !facts->typed.length || span_equal_nocase(facts->typed, facts->domain))
		return;
	buffer_append_text(out, " (");
	text_append_safe(out, facts->domain);
	buffer_append_byte(out, ')');
}

struct render_addresses render_count_addresses(const struct check_report *report)
{
	struct render_addresses count = { 0 };
	for (size_t i = 0; i < report->row_count; i++) {
		const struct check_row *row = &report->rows[i];
		if (!row->candidate || !row->address.length)
			continue;
		count.total++;
		count.good += row->accepted;
	}
	return count;
}

const struct trust_certificate *render_leaf(const struct check_attempt *attempt)
{
	return attempt && attempt->probe.chain.count > 0 ? &attempt->probe.chain.certificates[0] : NULL;
}

int32_t render_days(int64_t until_s, int64_t now_s)
{
	int64_t left_s = 0;
	if (__builtin_sub_overflow(until_s, now_s, &left_s))
		return until_s < now_s ? -INT32_MAX : INT32_MAX;
	int64_t days = left_s / DAY_S - (left_s % DAY_S < 0);
	return days > INT32_MAX ? INT32_MAX : days < -INT32_MAX ? -INT32_MAX : (int32_t)days;
}

void render_date(int64_t unix_s, struct buffer *out)
{
	time_t seconds = (time_t)unix_s;
	struct tm parts;
	char text[64];
	if (unix_s == INT64_MIN || unix_s == INT64_MAX || !gmtime_r(&seconds, &parts) ||
		!strftime(text, sizeof(text), "%Y-%m-%d", &parts))
		buffer_append_text(out, "no readable date");
	else
		buffer_append_text(out, text);
}

void render_duration(int64_t us, char ret_text[16])
{
	if (us < 1000)
		snprintf(ret_text, 16, "<1 ms");
	else if (us < 1000000)
		snprintf(ret_text, 16, "%d ms", (int)(us / 1000));
	else if (us < INT64_C(3600) * 1000000)
		snprintf(ret_text, 16, "%.1f s", (double)us / 1e6);
	else
		snprintf(ret_text, 16, ">1 h");
}
