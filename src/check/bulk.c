/* SPDX-License-Identifier: Apache-2.0 */
#include "check/bulk.h"

#include "base/random.h"
#include "base/require.h"
#include "check/bulk_list.h"
#include "check/bulk_worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#define CONCURRENCY_DEFAULT ((size_t)1000)
#define CONCURRENCY_MAXIMUM ((size_t)1 << 20)
#define SERVER_RATE_DEFAULT 50
#define SERVER_CONNECTIONS_DEFAULT 20
#define WORKERS_MAXIMUM 256
/* Domains that wait for a busy server are not in anybody's way: so many times the concurrency may be in memory. */
#define WAITING_FACTOR 3
#define CONNECTIONS_FACTOR 2
/* For a place, besides the time that a server's rate makes the last one wait. */
#define PATIENCE_US (600 * CLOCK_SECOND_US)
/* Descriptors left to the resolver (outgoing-range 4096) and everything else. */
#define DESCRIPTORS_SPARE 5000
/* Lines looked at before results are; a list that is done already is all lines and no results. */
#define LINES_AT_ONCE 4096
/* The longest time without a look at the stop flag. */
#define WAIT_MS 100
/* The rate "of late" is that of so many seconds. */
#define RATE_SAMPLES 8

struct rate_sample {
	int64_t at_us;
	uint64_t done;
};

struct bulk_run {
	const struct check_bulk_settings *settings;
	struct check_bulk_counts *counts;
	struct clock clock;
	size_t concurrency;
	struct check_pace ramp; /* a resolver is not asked a thousand questions in the first moment */
	struct bulk_list list;
	int list_status; /* 1: more may come; 0: read to its end; negative: it failed */
	bool list_waits; /* a pipe has nothing now */
	struct check_bucket begins;
	struct check_limit_gate *gate;
	struct bulk_done done;
	struct bulk_worker *workers;
	size_t worker_count;
	int64_t start_us, told_us;
	struct rate_sample samples[RATE_SAMPLES];
	size_t sample_count;
	int status;
};

/* ---- time and progress ---- */

static int64_t run_now_us(const struct bulk_run *run)
{
	return clock_steady_us(&run->clock);
}

static void run_measure(struct bulk_run *run, int64_t now_us)
{
	struct check_bulk_counts *counts = run->counts;
	const struct rate_sample *oldest =
		&run->samples[run->sample_count < RATE_SAMPLES ? 0 : run->sample_count % RATE_SAMPLES];
	counts->elapsed_us = now_us - run->start_us;
	if (now_us > oldest->at_us)
		counts->rate = (double)(counts->done - oldest->done) * 1e6 / (double)(now_us - oldest->at_us);
}

static void run_sample(struct bulk_run *run, int64_t now_us)
{
	run->samples[run->sample_count++ % RATE_SAMPLES] = (struct rate_sample){ now_us, run->counts->done };
	run->told_us = now_us;
}

static void run_tell(struct bulk_run *run)
{
	int64_t now_us = run_now_us(run);
	if (now_us - run->told_us < CLOCK_SECOND_US)
		return;
	run_measure(run, now_us);
	run_sample(run, now_us);
	if (run->settings->progress)
		run->settings->progress(run->settings->argument, run->counts);
}

static bool run_stopped(const struct bulk_run *run)
{
	const volatile bool *stop = run->settings->stop;
	return run->status < 0 || (stop && __atomic_load_n(stop, __ATOMIC_RELAXED));
}

/* ---- results ---- */

static void count_report(struct check_bulk_counts *counts, const struct check_report *report, bool *seen)
{
	for (const struct finding *f = report->findings.first; f; f = f->next) {
		if (!seen[f->code])
			counts->findings[f->code]++;
		seen[f->code] = true;
	}
}

static void run_hand_out(struct bulk_run *run, const struct bulk_job *job)
{
	const struct check_report *reports[BULK_POLICIES] = { NULL };
	enum check_verdict worst = CHECK_PASS;
	bool seen[FINDING_COUNT] = { false };
	for (size_t i = 0; i < job->report_count; i++) {
		reports[i] = &job->reports[i];
		worst = check_verdict_worst(worst, reports[i]->verdict);
		count_report(run->counts, reports[i], seen);
	}
	run->counts->verdicts[worst]++;
	run->counts->done++;
	if (run->settings->result)
		run->settings->result(run->settings->argument, reports, job->report_count);
}

static void run_feed(struct bulk_run *run);

static void run_take_back(struct bulk_run *run, struct bulk_job *job)
{
	job->worker->in_flight--;
	run->counts->in_flight--;
	if (job->facts)
		run_hand_out(run, job);
	else if (run->status == 0)
		run->status = job->status;
	bulk_job_free(job);
}

static void run_collect(struct bulk_run *run)
{
	for (struct bulk_job *job = bulk_done_take(&run->done), *next; job; job = next) {
		next = job->next;
		run_take_back(run, job);
		run_tell(run);
		run_feed(run);
	}
}

/* ---- the list ---- */

static size_t run_width(const struct bulk_run *run)
{
	return run->ramp.most < run->concurrency ? run->ramp.most : run->concurrency;
}

static size_t run_room(const struct bulk_run *run)
{
	size_t waiting = check_limit_gate_waiting(run->gate);
	size_t most = run->concurrency * WAITING_FACTOR;
	return run_width(run) + (waiting < most ? waiting : most);
}

static struct bulk_worker *run_idlest(struct bulk_run *run)
{
	struct bulk_worker *idlest = &run->workers[0];
	for (size_t i = 1; i < run->worker_count; i++)
		if (run->workers[i].in_flight < idlest->in_flight)
			idlest = &run->workers[i];
	return idlest;
}

static void run_begin(struct bulk_run *run, struct span typed, int64_t now_us)
{
	struct bulk_job *job = bulk_job_new(typed);
	if (!job) {
		run->status = -ENOMEM;
		return;
	}
	check_bucket_take(&run->begins, now_us);
	run->counts->begun++;
	run->counts->in_flight++;
	bulk_worker_give(run_idlest(run), job);
}

static void run_take_line(struct bulk_run *run, struct span typed, int64_t now_us)
{
	const struct check_bulk_settings *settings = run->settings;
	run->counts->read++;
	if (settings->is_done && settings->is_done(settings->argument, typed))
		run->counts->skipped++;
	else
		run_begin(run, typed, now_us);
}

/* Begins as many as may be. */
static void run_feed(struct bulk_run *run)
{
	struct span typed;
	int64_t now_us = run_now_us(run);
	run->list_waits = false;
	if (run->ramp.most < run->concurrency)
		check_pace_turn(&run->ramp, now_us, 0, true);
	for (int lines = 0; lines < LINES_AT_ONCE && run->list_status == 1 && !run_stopped(run); lines++) {
		if (run->counts->in_flight >= run_room(run) || check_bucket_due_us(&run->begins, now_us) != 0)
			return;
		int status = bulk_list_next(&run->list, &typed);
		run->list_waits = status == -EAGAIN;
		if (run->list_waits)
			return;
		run->list_status = status;
		if (status == 1)
			run_take_line(run, typed, now_us);
	}
}

/* ---- waiting ---- */

/* How long nothing can be begun; -1: something can be at once, or only an event will allow it. */
static int run_wait_ms(const struct bulk_run *run, int64_t now_us)
{
	int64_t due_us = check_bucket_due_us(&run->begins, now_us);
	bool wants = run->list_status == 1 && !run->list_waits && run->counts->in_flight < run_room(run);
	if (!wants)
		return run->ramp.most < run->concurrency ? CHECK_PACE_STEP_US / 1000 : WAIT_MS;
	if (due_us == 0)
		return 0;
	int64_t ms = (due_us - now_us) / 1000 + 1;
	return ms < WAIT_MS ? (int)ms : WAIT_MS;
}

static void run_wait(struct bulk_run *run)
{
	struct pollfd polls[2] = { { .fd = run->done.event, .events = POLLIN },
		{ .fd = run->list_waits ? run->list.descriptor : -1, .events = POLLIN } };
	/* Interrupted: the stop flag may be set. */
	(void)poll(polls, BASE_COUNT(polls), run_wait_ms(run, run_now_us(run)));
}

static bool run_is_over(const struct bulk_run *run)
{
	return run_stopped(run) || (run->list_status <= 0 && run->counts->in_flight == 0);
}

static void run_conduct(struct bulk_run *run)
{
	while (!run_is_over(run)) {
		run_feed(run);
		run_collect(run);
		run_tell(run);
		if (!run_is_over(run))
			run_wait(run);
	}
}

/* ---- life ---- */

/* Raises the process's soft limit: bulk work needs a descriptor for each connection. */
static size_t descriptors_allowed(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	struct rlimit raised = { .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };
	if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0)
		limit = raised;
	return limit.rlim_cur > CONCURRENCY_MAXIMUM * 4 ? CONCURRENCY_MAXIMUM * 4 : (size_t)limit.rlim_cur;
}

static size_t connections_allowed(size_t concurrency)
{
	size_t descriptors = descriptors_allowed();
	size_t wanted = concurrency * CONNECTIONS_FACTOR;
	size_t allowed = descriptors > 2 * DESCRIPTORS_SPARE ? descriptors - DESCRIPTORS_SPARE : descriptors / 2;
	return wanted < allowed ? wanted : allowed;
}

static uint32_t limit_of(uint32_t asked, uint32_t usual)
{
	if (asked == UINT32_MAX)
		return 0;
	return asked ? asked : usual;
}

/* Each TLS version is tried on a connection of its own, after the first. */
static uint32_t connections_each(const struct check_bulk_settings *settings)
{
	return settings->bench->options->deep ? 1 + PEER_VERSION_COUNT : 1;
}

/* All that are in flight may wait for one server, and it lets in so many a second: nobody shall be told that his time
 * is over because of that. */
static int64_t patience_of(const struct check_limit_settings *limit, size_t concurrency)
{
	int64_t most = (int64_t)concurrency * (1 + WAITING_FACTOR) * limit->each;
	return PATIENCE_US + (limit->server_rate ? most * CLOCK_SECOND_US / limit->server_rate : 0);
}

/* So many looks have at most so many connections at once; one look is always allowed. */
static size_t looks_of(size_t connections, uint32_t each)
{
	return connections == 0 || connections > each ? connections / each : 1;
}

static int run_open_gate(struct bulk_run *run)
{
	const struct check_bulk_settings *settings = run->settings;
	uint32_t each = connections_each(settings);
	struct random random;
	int status = random_init(&random);
	if (status < 0)
		return status;
	struct check_limit_settings limit = { .key = random_hash_key(&random),
		.server_rate = limit_of(settings->server_rate, SERVER_RATE_DEFAULT),
		.each = each,
		.server_connections =
			(uint32_t)looks_of(limit_of(settings->server_connections, SERVER_CONNECTIONS_DEFAULT), each),
		.connections = looks_of(connections_allowed(run->concurrency * each), each) };
	limit.patience_us = patience_of(&limit, run->concurrency);
	return check_limit_gate_new(&limit, &run->clock, &run->gate);
}

static size_t workers_wanted(const struct bulk_run *run)
{
	cpu_set_t set;
	size_t wanted = run->settings->workers;
	if (wanted == 0)
		wanted = sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
	if (wanted > run->concurrency)
		wanted = run->concurrency;
	return wanted < WORKERS_MAXIMUM ? wanted : WORKERS_MAXIMUM;
}

/* Some threads are as good as all, if slower; none is a failure. */
static int run_start_workers(struct bulk_run *run)
{
	size_t wanted = workers_wanted(run);
	int status = 0;
	run->workers = calloc(wanted, sizeof(*run->workers));
	if (!run->workers)
		return -ENOMEM;
	while (run->worker_count < wanted && status == 0) {
		status = bulk_worker_start(
			&run->workers[run->worker_count], run->settings, &run->clock, run->gate, &run->done);
		run->worker_count += status == 0;
	}
	return run->worker_count > 0 ? 0 : status;
}

static void run_end_workers(struct bulk_run *run)
{
	for (size_t i = 0; i < run->worker_count; i++)
		bulk_worker_stop(&run->workers[i]);
	for (size_t i = 0; i < run->worker_count; i++)
		bulk_worker_join(&run->workers[i]);
}

static int run_open(struct bulk_run *run)
{
	int64_t total = bulk_list_count(run->settings->domains);
	if (total < 0)
		return (int)total;
	run->counts->total = (uint64_t)total;
	check_bucket_init(&run->begins, run->settings->rate, run->settings->rate / 10);
	int status = bulk_list_open(&run->list, run->settings->domains);
	if (status < 0)
		return status;
	status = bulk_done_open(&run->done);
	if (status < 0) {
		bulk_list_close(&run->list);
		return status;
	}
	run->list_status = 1;
	status = run_open_gate(run);
	return status < 0 ? status : run_start_workers(run);
}

static void run_close(struct bulk_run *run)
{
	bulk_list_close(&run->list);
	if (run->done.last)
		bulk_done_close(&run->done);
	check_limit_gate_free(run->gate);
	free(run->workers);
}

/* What was finished before the stop is told; what was not is dropped. */
static void run_hand_out_rest(struct bulk_run *run)
{
	for (struct bulk_job *job = bulk_done_take(&run->done), *next; job; job = next) {
		next = job->next;
		run_take_back(run, job);
	}
}

int check_bulk_run(const struct check_bulk_settings *settings, struct check_bulk_counts *ret_counts)
{
	struct bulk_run run = { .settings = settings, .counts = ret_counts };
	*ret_counts = (struct check_bulk_counts){ 0 };
	run.clock = settings->clock ? *settings->clock : clock_system();
	run.concurrency = settings->concurrency ? settings->concurrency : CONCURRENCY_DEFAULT;
	if (run.concurrency > CONCURRENCY_MAXIMUM)
		run.concurrency = CONCURRENCY_MAXIMUM;
	run.start_us = run_now_us(&run);
	check_pace_init(&run.ramp, run.start_us);
	run_sample(&run, run.start_us);
	run.status = run_open(&run);
	if (run.status == 0)
		run_conduct(&run);
	run_end_workers(&run);
	if (run.done.last)
		run_hand_out_rest(&run);
	run_measure(&run, run_now_us(&run));
	ret_counts->in_flight = 0;
	run_close(&run);
	return run.status < 0 ? run.status : run.list_status < 0 ? run.list_status : 0;
}
