/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "explain/ladder.h"
#include "explain/render.h"

#include <stdio.h>

#define DAY_MS INT64_C(86400000)

size_t explain_time_text(const struct explain_style *style, int64_t time_us, char *ret_text)
{
	*ret_text = '\0';
	if (!time_us)
		return 0;
	if (style->utc_offset_s)
		time_us += (int64_t)style->utc_offset_s(style->argument, time_us) * CLOCK_SECOND_US;
	int64_t ms = time_us / CLOCK_MS_US % DAY_MS;
	if (ms < 0)
		ms += DAY_MS;
	int length = snprintf(ret_text, 13, "%02d:%02d:%02d.%03d", (int)(ms / 3600000) % 24, (int)(ms / 60000) % 60,
		(int)(ms / 1000) % 60, (int)(ms % 1000));
	return length > 0 ? (size_t)length : 0;
}

void explain_duration_text(int64_t us, char *ret_text, size_t capacity)
{
	if (us < 60 * CLOCK_SECOND_US)
		(void)snprintf(ret_text, capacity, "%.1f s", (double)us / 1e6);
	else if (us < 7200 * CLOCK_SECOND_US)
		(void)snprintf(ret_text, capacity, "%d min", (int)(us / (60 * CLOCK_SECOND_US)));
	else
		(void)snprintf(ret_text, capacity, "%d h", (int)(us / (3600 * CLOCK_SECOND_US)));
}
