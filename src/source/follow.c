/* SPDX-License-Identifier: Apache-2.0 */
/* A file that others still write to. When its end is reached: was it rotated (another file stands at its path), was it
 * emptied, or is it quiet? A file that takes its place is a lane of its own, whose lines count from 1. */
#include "base/clock.h"
#include "source/private.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Nothing more came for so long: what the reader holds back is complete, for nobody waits that long in a record. */
#define QUIET_US (1 * CLOCK_SECOND_US)

static bool was_emptied(const struct source_lane *lane)
{
	struct stat seen;
	return fstat(lane->input.descriptor, &seen) == 0 && (uint64_t)seen.st_size < lane->position;
}

/* A path at which nothing stands is one where a new file has not been made yet. */
static bool was_replaced(const struct source_lane *lane)
{
	struct stat seen;
	return stat(lane->input.path, &seen) == 0 && S_ISREG(seen.st_mode) &&
	       (seen.st_dev != lane->input.device || seen.st_ino != lane->input.inode);
}

/* Without memory it ends here; the old one's end is told then. */
static int follow_anew(struct source *source, struct source_lane *lane)
{
	source->followed_kind = lane->shown.kind;
	char *name = span_copy(lane->shown.name);
	struct source_input input = source_input_of_path(name ? name : "");
	return source_lane_add(source, NULL, name, &input) ? 0 : -1;
}

enum source_follow_next source_follow(struct source *source, struct source_lane *lane, bool came_more)
{
	int64_t now_us = source_steady_us();
	bool emptied = was_emptied(lane);
	if (emptied || was_replaced(lane)) {
		/* The last lines may be written after the file was moved away: one more look. */
		if (!emptied && !lane->is_replaced) {
			lane->is_replaced = true;
			return SOURCE_FOLLOW_ON;
		}
		return follow_anew(source, lane) == 0 ? SOURCE_FOLLOW_ENDED : SOURCE_FOLLOW_FAILED;
	}
	if (came_more || lane->quiet_since_us == 0) {
		lane->quiet_since_us = now_us;
		return SOURCE_FOLLOW_ON;
	}
	return lane->ends_whole && now_us - lane->quiet_since_us >= QUIET_US ? SOURCE_FOLLOW_QUIET : SOURCE_FOLLOW_ON;
}
