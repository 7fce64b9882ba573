/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/private.h"

#include <stdio.h>
#include <time.h>

struct civil {
	int year, month, day, hour, minute, second;
};

/* Days since 1970-01-01 to the proleptic Gregorian calendar, by counting from a 1 March. */
static struct civil civil_of(int64_t second)
{
	int64_t days = second / 86400 + 719468;
	int rest = (int)(second % 86400);
	int64_t era = days / 146097;
	int day_of_era = (int)(days - era * 146097);
	int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int march_month = (5 * day_of_year + 2) / 153;
	int month = march_month < 10 ? march_month + 3 : march_month - 9;
	return (struct civil){
		.year = (int)(era * 400) + year_of_era + (month <= 2),
		.month = month,
		.day = day_of_year - (153 * march_month + 2) / 5 + 1,
		.hour = rest / 3600,
		.minute = rest / 60 % 60,
		.second = rest % 60,
	};
}

static void put_two(char *out, int value)
{
	out[0] = (char)('0' + value / 10 % 10);
	out[1] = (char)('0' + value % 10);
}

static void put_clock(char *out, const struct civil *c)
{
	put_two(out, c->hour);
	out[2] = ':';
	put_two(out + 3, c->minute);
	out[5] = ':';
	put_two(out + 6, c->second);
	out[8] = '\0';
}

static void put_iso(char out[20], const struct civil *c, char between)
{
	put_two(out, c->year / 100);
	put_two(out + 2, c->year);
	out[4] = '-';
	put_two(out + 5, c->month);
	out[7] = '-';
	put_two(out + 8, c->day);
	out[10] = between;
	put_clock(out + 11, c);
}

static void put_slash(char out[20], const struct civil *c, char between)
{
	put_two(out, c->month);
	out[2] = '/';
	put_two(out + 3, c->day);
	out[5] = '/';
	put_two(out + 6, c->year / 100);
	put_two(out + 8, c->year);
	out[10] = between;
	put_clock(out + 11, c);
}

static void put_offset(char out[7], int32_t offset_s)
{
	int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
	out[0] = offset_s < 0 ? '-' : '+';
	put_two(out + 1, minutes / 60);
	out[3] = ':';
	put_two(out + 4, minutes % 60);
	out[6] = '\0';
}

/* Years 1970 to 9999 have four digits; no clock of ours shows another. */
#define LAST_SECOND INT64_C(253402214400)

static int32_t offset_at(const struct trace_writer *w, int64_t second)
{
	if (!w->settings.utc_offset_s)
		return 0;
	int32_t offset_s = w->settings.utc_offset_s(w->settings.argument, second * 1000000);
	/* No zone is further from UTC than 14 hours. */
	return offset_s > 86400 || offset_s < -86400 ? 0 : offset_s;
}

const struct trace_stamp *trace_stamp_of(struct trace_writer *w, int64_t time_us, uint32_t *ret_us)
{
	if (time_us < 0)
		time_us = 0;
	int64_t second = time_us / 1000000;
	*ret_us = (uint32_t)(time_us % 1000000);
	if (second > LAST_SECOND)
		second = LAST_SECOND;
	struct trace_stamp *s = &w->stamp;
	if (s->made && s->second == second)
		return s;
	int32_t offset_s = offset_at(w, second);
	int64_t local_second = second + offset_s;
	struct civil utc = civil_of(second);
	struct civil local = civil_of(local_second < 0 ? 0 : local_second);
	put_iso(s->iso_utc, &utc, ' ');
	put_iso(s->iso_local, &local, 'T');
	put_slash(s->slash_utc, &utc, '-');
	put_slash(s->slash_local, &local, '|');
	put_offset(s->offset, offset_s);
	s->second = second;
	s->made = true;
	return s;
}

static void append_digits(struct buffer *out, uint32_t value, int digits)
{
	char text[6];
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		text[i] = (char)('0' + value % 10);
	trace_append(out, span_make(text, (size_t)digits));
}

void trace_append_ms(struct buffer *out, uint32_t us)
{
	append_digits(out, us / 1000, 3);
}

void trace_append_us(struct buffer *out, uint32_t us)
{
	append_digits(out, us, 6);
}

int32_t trace_utc_offset_local(void *argument, int64_t wall_us)
{
	(void)argument;
	time_t second = (time_t)(wall_us / 1000000);
	struct tm local;
	return localtime_r(&second, &local) ? (int32_t)local.tm_gmtoff : 0;
}
