/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/stamp_read.h"

/* Days before 1970-01-01, counted from a 1 March of a year divisible by 400. */
int64_t trace_stamp_us(int year, int month, int day, int64_t second_of_day, uint32_t us)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t days = era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
	return (days * 86400 + second_of_day) * 1000000 + us;
}

/* -1 where one of them is no digit. */
static int digits(const char *at, unsigned int count)
{
	int value = 0;
	for (unsigned int i = 0; i < count; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -1;
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

static int days_of(int year, int month)
{
	static const signed char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

/* "07:10:46"; -1 where it is none. A leap second counts as the next minute's first. */
static int64_t clock_of(const char *at)
{
	int hour = digits(at, 2), minute = digits(at + 3, 2), second = digits(at + 6, 2);
	if (at[2] != ':' || at[5] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
		second > 60)
		return -1;
	return hour * 3600 + minute * 60 + second;
}

/* What follows the second: gives the bytes used. */
static size_t fraction_of(struct span text, uint32_t *ret_us)
{
	uint32_t us = 0, weight = 100000;
	size_t used = 1;
	*ret_us = 0;
	if (text.length < 2 || (text.at[0] != '.' && text.at[0] != ',') || digits(text.at + 1, 1) < 0)
		return 0;
	for (; used < text.length && digits(text.at + used, 1) >= 0; used++) {
		us += (uint32_t)(text.at[used] - '0') * weight;
		weight /= 10;
	}
	*ret_us = us;
	return used;
}

size_t trace_stamp_read(struct span text, bool slashes, int64_t *ret_us)
{
	if (text.length < 19)
		return 0;
	const char *at = text.at;
	int year = slashes ? digits(at + 6, 4) : digits(at, 4);
	int month = slashes ? digits(at, 2) : digits(at + 5, 2);
	int day = slashes ? digits(at + 3, 2) : digits(at + 8, 2);
	bool separated = slashes ? at[2] == '/' && at[5] == '/' : at[4] == '-' && at[7] == '-';
	int64_t second = clock_of(at + 11);
	uint32_t us;
	if (!separated || year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of(year, month) || second < 0)
		return 0;
	size_t used = 19 + fraction_of(span_from(text, 19), &us);
	*ret_us = trace_stamp_us(year, month, day, second, us);
	return used;
}

size_t trace_stamp_read_offset(struct span text, int32_t *ret_offset_s)
{
	if (text.length >= 1 && text.at[0] == 'Z') {
		*ret_offset_s = 0;
		return 1;
	}
	if (text.length < 5 || (text.at[0] != '+' && text.at[0] != '-'))
		return 0;
	size_t colon = text.at[3] == ':' ? 1 : 0;
	if (text.length < 5 + colon)
		return 0;
	int hour = digits(text.at + 1, 2), minute = digits(text.at + 3 + colon, 2);
	if (hour < 0 || hour > 14 || minute < 0 || minute > 59)
		return 0;
	int32_t offset = hour * 3600 + minute * 60;
	*ret_offset_s = text.at[0] == '-' ? -offset : offset;
	return 5 + colon;
}

bool trace_stamp_read_utc(struct span text, int64_t *ret_us)
{
	int64_t us;
	int32_t offset;
	size_t used = trace_stamp_read(text, false, &us);
	size_t zone = used ? trace_stamp_read_offset(span_from(text, used), &offset) : 0;
	if (zone == 0 || used + zone != text.length)
		return false;
	*ret_us = us - (int64_t)offset * 1000000;
	return true;
}
