/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line and the summary of a bulk run. */
#include "base/require.h"
#include "check/bulk.h"

#include <stdio.h>
#include <stdlib.h>

#define SMALL_SIZE 32

/* "12,400" */
static const char *number_text(uint64_t value, char ret_text[SMALL_SIZE])
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value), at = 0;
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			ret_text[at++] = ',';
		ret_text[at++] = digits[i];
	}
	ret_text[at] = '\0';
	return ret_text;
}

/* "1,830/s", below ten with one decimal */
static const char *rate_text(double rate, char ret_text[SMALL_SIZE])
{
	char number[SMALL_SIZE];
	if (rate < 9.95)
		snprintf(ret_text, SMALL_SIZE, "%.1f/s", rate);
	else
		snprintf(ret_text, SMALL_SIZE, "%.26s/s", number_text((uint64_t)(rate + 0.5), number));
	return ret_text;
}

/* "48 s", "12 min", "3 h 20 min" */
static const char *span_text(double seconds, char ret_text[SMALL_SIZE])
{
	unsigned long long whole = seconds < 1e9 ? (unsigned long long)(seconds + 0.5) : 999999999;
	if (seconds < 9.95)
		snprintf(ret_text, SMALL_SIZE, "%.1f s", seconds);
	else if (whole < 120)
		snprintf(ret_text, SMALL_SIZE, "%llu s", whole);
	else if (whole < 7200)
		snprintf(ret_text, SMALL_SIZE, "%llu min %llu s", whole / 60, whole % 60);
	else
		snprintf(ret_text, SMALL_SIZE, "%llu h %llu min", whole / 3600, whole / 60 % 60);
	return ret_text;
}

static void text_add(char *text, size_t capacity, const char *first, const char *second)
{
	size_t length = strlen(text);
	if (length < capacity)
		snprintf(text + length, capacity - length, "%s%s", first, second);
}

void check_bulk_progress_text(const struct check_bulk_counts *counts, char *ret_text, size_t capacity)
{
	char small[SMALL_SIZE];
	uint64_t through = counts->done + counts->skipped;
	if (capacity == 0)
		return;
	ret_text[0] = '\0';
	text_add(ret_text, capacity, number_text(through, small), "");
	if (counts->total > 0)
		text_add(ret_text, capacity, " of ", number_text(counts->total, small));
	text_add(ret_text, capacity, " · ", rate_text(counts->rate, small));
	text_add(ret_text, capacity, " · ", number_text(counts->verdicts[CHECK_FAIL], small));
	text_add(ret_text, capacity, " failed", "");
	if (counts->verdicts[CHECK_UNKNOWN] > 0) {
		text_add(ret_text, capacity, " · ", number_text(counts->verdicts[CHECK_UNKNOWN], small));
		text_add(ret_text, capacity, " unknown", "");
	}
	if (counts->total > through && counts->rate > 0) {
		text_add(ret_text, capacity, " · ", span_text((double)(counts->total - through) / counts->rate, small));
		text_add(ret_text, capacity, " left", "");
	}
}

/* ---- the summary ---- */

struct tally {
	enum finding_code code;
	uint64_t count;
};

static int tally_compare(const void *a, const void *b)
{
	const struct tally *left = a, *right = b;
	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return (int)left->code - (int)right->code;
}

static void summary_head(const struct check_bulk_counts *counts, struct buffer *out)
{
	char number[SMALL_SIZE], span[SMALL_SIZE], rate[SMALL_SIZE];
	double seconds = (double)counts->elapsed_us / 1e6;
	buffer_printf(out, "%s domain%s in %s (%s):", number_text(counts->done, number), counts->done == 1 ? "" : "s",
		span_text(seconds, span), rate_text(seconds > 0 ? (double)counts->done / seconds : 0, rate));
	for (int verdict = 0; verdict < (int)BASE_COUNT(counts->verdicts); verdict++)
		buffer_printf(out, "%s %s %s", verdict ? "," : "", number_text(counts->verdicts[verdict], number),
			check_verdict_name((enum check_verdict)verdict));
	buffer_append_byte(out, '\n');
	if (counts->skipped > 0)
		buffer_printf(out, "%s done earlier\n", number_text(counts->skipped, number));
	if (counts->begun > counts->done)
		buffer_printf(out, "%s begun and given up\n", number_text(counts->begun - counts->done, number));
}

int check_bulk_summary(const struct check_bulk_counts *counts, struct buffer *out)
{
	struct tally tallies[FINDING_COUNT];
	char number[SMALL_SIZE];
	size_t count = 0;
	summary_head(counts, out);
	for (int code = FINDING_NONE + 1; code < FINDING_COUNT; code++)
		if (counts->findings[code] > 0)
			tallies[count++] = (struct tally){ (enum finding_code)code, counts->findings[code] };
	qsort(tallies, count, sizeof(tallies[0]), tally_compare);
	for (size_t i = 0; i < count; i++) {
		const struct finding_entry *entry = finding_entry(tallies[i].code);
		buffer_printf(out, "%14s  %-7s  %s\n", number_text(tallies[i].count, number),
			finding_severity_name(entry->severity), entry->code);
	}
	return out->status;
}
