/* SPDX-License-Identifier: Apache-2.0 */
/* Times as tools write them in front of messages, and what a time without its date or year means. */
#include "trace/plain_private.h"
#include "trace/stamp_read.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define LEAP_YEAR 1972 /* in which times without a year are kept: it has all days */

static int month_of(const char *at)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	for (int i = 0; i < 12; i++)
		if (memcmp(names + (size_t)3 * (size_t)i, at, 3) == 0)
			return i + 1;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "12:34:56.123456": the day that trace_stamp_read wants is put in front. */
static size_t read_clock(struct span text, int64_t *ret_us)
{
	char copy[11 + 24] = "1970-01-01 ";
	size_t length = text.length < 24 ? text.length : 24;
	if (length < 8 || text.at[2] != ':')
		return 0;
	memcpy(copy + 11, text.at, length);
	size_t used = trace_stamp_read(span_make(copy, 11 + length), false, ret_us);
	return used > 11 ? used - 11 : 0;
}

/* "Jan  1 12:00:00" */
static size_t read_without_year(struct span text, int64_t *ret_us)
{
	int month = text.length >= 15 ? month_of(text.at) : 0;
	int64_t us;
	if (month == 0 || text.at[3] != ' ' || text.at[6] != ' ' || !is_digit(text.at[5]) ||
		(text.at[4] != ' ' && !is_digit(text.at[4])))
		return 0;
	int day = (text.at[4] == ' ' ? 0 : text.at[4] - '0') * 10 + text.at[5] - '0';
	size_t used = read_clock(span_from(text, 7), &us);
	if (used == 0 || day < 1 || day > 31)
		return 0;
	*ret_us = trace_stamp_us(LEAP_YEAR, month, day, 0, 0) + us;
	return 7 + used;
}

/* "2024-01-01", "2024/01/01", then 'T' or a blank and the time. */
static size_t read_full(struct span text, int64_t *ret_us)
{
	char copy[40];
	size_t length = text.length < sizeof(copy) ? text.length : sizeof(copy);
	if (length < 19 || (text.at[4] != '/' && text.at[4] != '-') || text.at[7] != text.at[4] ||
		(text.at[10] != ' ' && text.at[10] != 'T'))
		return 0;
	memcpy(copy, text.at, length);
	copy[4] = copy[7] = '-';
	return trace_stamp_read(span_make(copy, length), false, ret_us);
}

size_t plain_stamp_read(struct span text, struct plain_stamp *ret_stamp)
{
	struct plain_stamp stamp = { 0 };
	size_t used;
	if (text.length < 8)
		return 0;
	if (!is_digit(text.at[0])) {
		stamp.kind = PLAIN_STAMP_NO_YEAR;
		used = read_without_year(text, &stamp.local_us);
	} else if (text.at[2] == ':') {
		stamp.kind = PLAIN_STAMP_CLOCK;
		used = read_clock(text, &stamp.local_us);
	} else {
		stamp.kind = PLAIN_STAMP_FULL;
		used = read_full(text, &stamp.local_us);
		size_t zone = used && text.at[10] == 'T'
				      ? trace_stamp_read_offset(span_from(text, used), &stamp.offset_s)
				      : 0;
		stamp.is_zoned = zone > 0;
		used += zone;
	}
	if (used > 0)
		*ret_stamp = stamp;
	return used;
}

static int64_t floor_day(int64_t us)
{
	int64_t rest = us % DAY_US;
	return us - (rest < 0 ? rest + DAY_US : rest);
}

/* The day before or after, where that is nearer to the last time: a log goes over midnight. */
static int64_t near(const struct plain_clock *clock, int64_t clock_us)
{
	int64_t us = floor_day(clock->local_us) + clock_us;
	if (us > clock->local_us + DAY_US / 2)
		return us - DAY_US;
	return us < clock->local_us - DAY_US / 2 ? us + DAY_US : us;
}

static int year_of(int64_t us)
{
	int year = (int)(1970 + us / (DAY_US * 365));
	while (trace_stamp_us(year, 1, 1, 0, 0) > us)
		year--;
	return year;
}

static int64_t in_year(int64_t leap_us, int year)
{
	int64_t us = leap_us - trace_stamp_us(LEAP_YEAR, 1, 1, 0, 0);
	bool is_leap = trace_stamp_us(year, 3, 1, 0, 0) - trace_stamp_us(year, 2, 28, 0, 0) == 2 * DAY_US;
	return trace_stamp_us(year, 1, 1, 0, 0) + us - (!is_leap && us >= 60 * DAY_US ? DAY_US : 0);
}

/* The year that brings it nearest to the last time; else the last one that is not after the writing. */
static bool find_year(
	const struct trace_reader *reader, const struct plain_clock *clock, int64_t leap_us, int64_t *ret_us)
{
	int64_t latest = clock->is_known ? clock->local_us + 183 * DAY_US : reader->settings.written_us + DAY_US;
	if (!clock->is_known && reader->settings.written_us <= 0)
		return false;
	int year = year_of(latest);
	*ret_us = in_year(leap_us, year);
	if (*ret_us > latest)
		*ret_us = in_year(leap_us, year - 1);
	return true;
}

int64_t plain_stamp_time(const struct trace_reader *reader, struct plain_clock *clock, const struct plain_stamp *stamp)
{
	int64_t local_us = stamp->local_us;
	if (stamp->kind == PLAIN_STAMP_NONE || (stamp->kind == PLAIN_STAMP_CLOCK && !clock->is_known))
		return 0;
	if (stamp->kind == PLAIN_STAMP_CLOCK)
		local_us = near(clock, local_us);
	else if (stamp->kind == PLAIN_STAMP_NO_YEAR && !find_year(reader, clock, local_us, &local_us))
		return 0;
	clock->local_us = local_us;
	clock->is_known = true;
	int32_t offset_s = stamp->is_zoned ? stamp->offset_s
			   : reader->settings.utc_offset_s
				   ? reader->settings.utc_offset_s(reader->settings.argument, local_us)
				   : 0;
	return local_us - (int64_t)offset_s * 1000000;
}
