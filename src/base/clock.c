/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * CLOCK_SECOND_US + t.tv_nsec / 1000;
}

static int64_t system_wall_us(void *argument)
{
	(void)argument;
	return read_us(CLOCK_REALTIME);
}

static int64_t system_steady_us(void *argument)
{
	(void)argument;
	return read_us(CLOCK_MONOTONIC);
}

struct clock clock_system(void)
{
	return (struct clock){ .wall_us = system_wall_us, .steady_us = system_steady_us };
}

static int64_t fake_wall_us(void *argument)
{
	return ((struct clock_fake *)argument)->wall_us;
}

static int64_t fake_steady_us(void *argument)
{
	return ((struct clock_fake *)argument)->steady_us;
}

struct clock clock_of_fake(struct clock_fake *fake)
{
	return (struct clock){ .wall_us = fake_wall_us, .steady_us = fake_steady_us, .argument = fake };
}

void clock_fake_advance(struct clock_fake *fake, int64_t by_us)
{
	fake->wall_us += by_us;
	fake->steady_us += by_us;
}

size_t clock_format_utc(int64_t wall_us, char *ret_text, size_t capacity)
{
	int64_t part_us = wall_us % CLOCK_SECOND_US;
	if (part_us < 0)
		part_us += CLOCK_SECOND_US;
	time_t seconds = (time_t)((wall_us - part_us) / CLOCK_SECOND_US);
	struct tm parts;
	if (!gmtime_r(&seconds, &parts) || capacity == 0)
		return 0;
	size_t length = strftime(ret_text, capacity, "%Y-%m-%dT%H:%M:%S", &parts);
	if (length == 0 || capacity - length < sizeof(".123456Z")) {
		ret_text[0] = '\0';
		return 0;
	}
	return length + (size_t)snprintf(ret_text + length, capacity - length, ".%06dZ", (int)part_us);
}
