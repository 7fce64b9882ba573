/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_CLOCK_H
#define FEDGE_BASE_CLOCK_H
/* Time is passed in. Two kinds, never mixed: wall (microseconds since 1970 UTC, for records and
 * certificates) and steady (microseconds from an arbitrary start, for timers; never jumps). */
#include <stddef.h>
#include <stdint.h>

struct clock {
	int64_t (*wall_us)(void *argument);
	int64_t (*steady_us)(void *argument);
	void *argument;
};

static inline int64_t clock_wall_us(const struct clock *c)
{
	return c->wall_us(c->argument);
}
static inline int64_t clock_steady_us(const struct clock *c)
{
	return c->steady_us(c->argument);
}

struct clock clock_system(void);

/* A clock for tests: both times stand still until clock_fake_advance. */
struct clock_fake {
	int64_t wall_us;
	int64_t steady_us;
};
struct clock clock_of_fake(struct clock_fake *fake);
void clock_fake_advance(struct clock_fake *fake, int64_t by_us);

/* "2026-11-22T23:08:46.230123Z" into at least 28 bytes; returns the length. */
size_t clock_format_utc(int64_t wall_us, char *ret_text, size_t capacity);
#define CLOCK_SECOND_US INT64_C(1000000)
#define CLOCK_MS_US INT64_C(1000)
#endif
