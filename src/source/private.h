/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_PRIVATE_H
#define FEDGE_SOURCE_PRIVATE_H
/* How the parts of source/ hang together. A lane is a file on its way: workers look at it (look.c), cut it (part.c) and
 * read what was cut into batches (batch.c); the caller's thread takes the batches of all lanes and gives their items in
 * the order of time (merge.c). Which task a worker does next, and how much may lie ready, is decided in worker.c.
 *
 * One lock. Under it: the list of lanes, each lane's list of batches, its state, all sums. A batch that is not done
 * belongs to the worker that makes it, a done one to the caller's thread. What source_file() shows is written by the
 * caller's thread alone, but for name and kind, which stand before anything of the file is read. */
#include "base/arena.h"
#include "base/list.h"
#include "base/require.h"
#include "source/heap.h"
#include "source/input.h"
#include "source/source.h"
#include "source/spool.h"
#include "trace/keys.h"

#include <pthread.h>
#include <stdatomic.h>

/* Files of one run; whoever has more is told. */
#define SOURCE_FILES_MAXIMUM 65536u
/* What boiled records may take that lie ready, all files together. A lane that the caller waits for may exceed it. */
#define SOURCE_AHEAD_MAXIMUM ((size_t)40 << 20)
/* A part of a file, and what a worker reads at once: small enough to stay in the core's cache until it is read. */
#define SOURCE_PART_MAXIMUM ((size_t)8 << 20)
#define SOURCE_PART_MINIMUM ((size_t)128 << 10)
#define SOURCE_PIECE ((size_t)256 << 10)
/* Of the boiled records of one part. */
#define SOURCE_ARENA_MAXIMUM ((size_t)1 << 30)
/* Beyond so many open files, those that nobody reads at the moment are closed and opened again. */
#define SOURCE_OPEN_MAXIMUM 200u
/* Beyond so many files, packed ones that wait for their turn are closed: unpacking takes memory. */
#define SOURCE_STREAMS_MAXIMUM 4u
#define SOURCE_THREADS_MAXIMUM 256u
#define SOURCE_DEPTH_MAXIMUM 3u

struct source_batch_item {
	void *item;
	int64_t time_us;
};

/* The records of a part of a file, boiled. */
struct source_batch {
	struct list link; /* of the lane, or of those that may be used again */
	bool done;
	bool is_end; /* nothing follows, for one reason or another */
	/* A part of its own: lines and offsets count from its beginning, and so do the counts. Else both go on from
	 * the batch before. */
	bool is_part;
	uint64_t start; /* of a part: offset in the file */
	uint64_t line_base, offset_base; /* line_base of a part is known when those before it are read */
	struct arena arena;
	struct source_batch_item *items;
	size_t count, capacity;
	size_t held; /* bytes, as counted in source.held */
	uint64_t bytes; /* read for it */
	struct trace_reader_counts counts;
	struct source_unread unread[SOURCE_UNREAD_MAXIMUM];
	size_t unread_count;
	int status;
	const char *why;
};

enum source_lane_state {
	SOURCE_LANE_NEW, /* nobody has looked at it */
	SOURCE_LANE_LOCKED, /* a capture: waits until all key logs are found */
	SOURCE_LANE_OPEN, /* it can be read on */
	SOURCE_LANE_DONE /* no task is left */
};

struct source_archive;
struct source_lane;

/* Where the records of a reader go. */
struct source_filling {
	struct source *source;
	struct source_lane *lane;
	struct source_batch *batch;
};

/* A place in the order of files: its path's number, then the numbers inside of archives. */
#define SOURCE_ORDER_LENGTH (SOURCE_DEPTH_MAXIMUM + 2)

/* What one file on disk gave, with all that was packed in it. */
struct source_root {
	_Atomic uint64_t packed; /* bytes of it that were read */
	_Atomic uint64_t unpacked;
};

struct source_lane {
	struct source_file shown;
	uint32_t index;
	uint32_t order[SOURCE_ORDER_LENGTH];
	uint32_t members; /* lanes made of it */
	unsigned int depth; /* archives around it */
	struct source_root *root; /* of the outermost file; owned by the lane of depth 0 */
	struct source_input input;
	bool is_counted; /* in the total */
	bool is_followed;
	bool is_packed; /* single: `stream` unpacks it, once reading begins */
	bool is_cut; /* into parts of their own */
	struct source_archive *stream; /* it is read out of this; owned */

	/* Under the lock; from here to `position`. */
	enum source_lane_state state;
	bool is_held; /* a worker looks at it, cuts it, or reads on in it */
	bool is_entered; /* reading has begun */
	bool is_wanted; /* the caller waits for it */
	unsigned int running; /* parts being read */
	int64_t not_before_us; /* steady; nothing to read before that */
	int status; /* how it ended, for shown */
	const char *why;

	struct list batches; /* in the order of the file */
	unsigned int batch_count;
	bool is_weighed;
	double weight; /* bytes of boiled records for each byte of the file, as seen last */
	int64_t hint_us; /* the first record's time, INT64_MIN: not known; stands from state OPEN on */
	int64_t reached_us; /* as far as it was read */

	uint64_t position; /* where the next part begins, or reading goes on */
	/* Files that are read from front to end by one reader. */
	struct trace_whole *reader;
	struct source_filling filling;
	struct trace_reader_counts counts_before; /* of readers before this one */
	uint64_t offset_before;
	int64_t quiet_since_us; /* a followed file: nothing more came since then */
	size_t looked_length; /* a followed file that is new: how much there was at the last look */
	bool ends_whole; /* the last byte was a newline */
	bool is_replaced; /* a followed file: it was seen that another stands at its path */

	/* The caller's thread. */
	struct source_batch *taken; /* its items are given one by one */
	size_t next_item;
	int64_t last_us; /* time of the item before */
	int64_t merge_us; /* of the next item, for the heap */
	uint64_t line_base;
};

struct source {
	struct source_settings settings;

	pthread_mutex_t lock;
	pthread_cond_t work; /* for workers */
	pthread_cond_t ready; /* for the caller */
	pthread_t threads[SOURCE_THREADS_MAXIMUM];
	unsigned int thread_count;
	char *pieces; /* SOURCE_PIECE bytes for each thread */
	_Atomic unsigned int pieces_given;
	bool is_started; /* source_next was called */
	_Atomic bool is_stopping;

	struct source_lane **lanes; /* never moves: those who know an index read it without the lock */
	size_t lane_count, lane_capacity; /* capacity: of what lanes are put in */
	size_t first_new; /* all before it were looked at */
	size_t unsettled; /* lanes that are new or looked at: more lanes, or earlier ones, may come of them */
	struct source_heap waiting; /* open lanes not entered, by time */
	struct source_lane **entered;
	size_t entered_count, entered_capacity;
	size_t held; /* bytes of batches that are done, and guessed for those that are not */
	unsigned int open_count; /* files */
	struct list spare; /* batches to be used again */
	unsigned int spare_count;

	struct trace_keys *keys;
	struct source_spool *spool;
	_Atomic uint64_t done_bytes, total_bytes, unpacked_bytes;
	enum trace_kind followed_kind; /* of the followed file before it was rotated */
	_Atomic bool is_endless; /* the total cannot be known */

	/* The caller's thread. */
	size_t lanes_taken_in;
	struct source_heap merge;
	bool is_settled;
	struct source_lane *given; /* of the last item */
};

/* ---- source.c ---- */
/* A lane more. name is the lane's from then on, freed on failure too; number: its place inside of parent. NULL without
 * memory or beyond SOURCE_FILES_MAXIMUM. Takes the lock. */
struct source_lane *source_lane_add(
	struct source *source, struct source_lane *parent, char *name, const struct source_input *input);
bool source_lane_comes_first(const struct source_lane *a, const struct source_lane *b); /* by place */
int64_t source_steady_us(void);
/* Of the lane that this worker holds; without the lock. */
int source_lane_open(struct source *source, struct source_lane *lane);
/* Under the lock. Nobody reads in it at the moment: closes it where it has ended, or where too many are open. */
void source_lane_rest(struct source *source, struct source_lane *lane);

/* ---- look.c ---- */
/* Finds out what a file holds; unpacks it where it is an archive. `piece` is room for SOURCE_PIECE bytes. Gives the
 * state the lane goes to; SOURCE_LANE_NEW: to be tried again. */
enum source_lane_state source_look(struct source *source, struct source_lane *lane, char *piece);
/* Opens a file that was closed in the meantime. 0 or what ended it. */
int source_look_again(struct source *source, struct source_lane *lane);
/* A key log into keys. 0, -ENOMEM or the errno of reading. */
int source_look_keys(struct source *source, struct source_lane *lane, struct trace_keys *keys, char *piece);
/* The next bytes of a file that is read from front to end, borrowed until the next call. 1; 0 at the end; -EAGAIN:
 * nothing yet; or what ended it. */
int source_lane_read(
	struct source *source, struct source_lane *lane, char *piece, int timeout_ms, struct span *ret_piece);

/* ---- part.c ---- */
/* The next part of an open lane that this worker holds; gives it up. */
void source_part_run(struct source *source, struct source_lane *lane, char *piece);

/* ---- follow.c ---- */
enum source_follow_next {
	SOURCE_FOLLOW_ON, /* look again later */
	SOURCE_FOLLOW_QUIET, /* what was held back is complete */
	SOURCE_FOLLOW_ENDED, /* a new lane follows what took its place */
	SOURCE_FOLLOW_FAILED /* without memory for it */
};
/* At the end of what there is of a followed file. came_more: something was read since the last time. */
enum source_follow_next source_follow(struct source *source, struct source_lane *lane, bool came_more);

/* ---- batch.c; under the lock ---- */
struct source_batch *source_batch_new(struct source *source); /* NULL without memory */
void source_batch_recycle(struct source *source, struct source_batch *batch);
struct source_batch *source_batch_free(struct source_batch *batch); /* NULL, always; accepts NULL */
/* ---- without it: for readers; the argument is a source_filling ---- */
void source_batch_take(void *argument, const struct record *r, const struct trace_place *place);
void source_batch_unread(void *argument, const struct trace_place *place, const char *why);

/* ---- worker.c ---- */
void *source_work(void *source);
#endif
