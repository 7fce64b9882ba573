/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk runs over an examiner of the test's own: it takes some milliseconds, or for ever, asks the gate or is full. */
#include "base/list.h"
#include "base/require.h"
#include "check/bulk.h"
#include "check/bulk_list.h"
#include "net/loop.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MS CLOCK_MS_US

/* ---- the examiner ---- */

struct check_desk {
	_Atomic size_t running, most, begun, granted, most_granted;
	size_t room; /* examinations of one examiner; 0: any number */
	_Atomic int64_t patience_us; /* what the gate lets a domain wait */
	int refusal; /* what every attempt to begin gives; 0: none */
};
struct check_examiner {
	struct check_desk *desk;
	struct net_loop *loop;
	const struct check_gate *gate;
	struct list running;
	size_t count;
};
struct examination {
	struct check_examiner *examiner;
	struct list link;
	struct wheel_timer timer;
	struct check_facts *facts;
	struct net_address address;
	bool waits, goes;
	void (*done)(void *argument, struct check_facts *facts);
	void *argument;
};

static void keep_most(_Atomic size_t *most, size_t value)
{
	size_t known = atomic_load(most);
	while (value > known && !atomic_compare_exchange_weak(most, &known, value))
		;
}

int check_examiner_new(struct check_desk *desk, struct net_loop *loop, const struct check_gate *gate,
	struct check_examiner **ret_examiner)
{
	struct check_examiner *examiner = calloc(1, sizeof(*examiner));
	base_require(examiner);
	*examiner = (struct check_examiner){ .desk = desk, .loop = loop, .gate = gate };
	list_init(&examiner->running);
	desk->patience_us = gate->patience_us;
	*ret_examiner = examiner;
	return 0;
}

static struct check_facts *examination_end(struct examination *e)
{
	struct check_examiner *examiner = e->examiner;
	struct check_facts *facts = e->facts;
	wheel_disarm(net_loop_wheel(examiner->loop), &e->timer);
	if (e->waits)
		examiner->gate->forget(examiner->gate->argument, &e->address, e);
	if (e->goes) {
		atomic_fetch_sub(&examiner->desk->granted, 1);
		examiner->gate->release(examiner->gate->argument, &e->address);
	}
	list_remove(&e->link);
	examiner->count--;
	atomic_fetch_sub(&examiner->desk->running, 1);
	free(e);
	return facts;
}

void check_examiner_free(struct check_examiner *examiner)
{
	while (!list_is_empty(&examiner->running))
		check_facts_free(examination_end(base_container(examiner->running.next, struct examination, link)));
	free(examiner);
}

static void examination_done(struct wheel_timer *timer, int64_t now_us)
{
	struct examination *e = base_container(timer, struct examination, timer);
	void (*done)(void *argument, struct check_facts *facts) = e->done;
	void *argument = e->argument;
	(void)now_us;
	done(argument, examination_end(e));
}

static void examination_granted(void *ticket)
{
	struct examination *e = ticket;
	e->waits = false;
	e->goes = true;
	keep_most(&e->examiner->desk->most_granted, atomic_fetch_add(&e->examiner->desk->granted, 1) + 1);
	wheel_arm(net_loop_wheel(e->examiner->loop), &e->timer, net_loop_now_us(e->examiner->loop) + 2 * MS);
}

static void examination_begin(struct examination *e, struct span typed)
{
	struct check_examiner *examiner = e->examiner;
	int64_t delay_us = (int64_t)(span_hash_nocase(typed) % 3000);
	if (span_starts_nocase(typed, SPAN("busy"))) {
		base_require(net_address_parse(SPAN("192.0.2.1"), 5061, &e->address) == 0);
		e->waits = !examiner->gate->ask(examiner->gate->argument, &e->address, examination_granted, e);
		if (!e->waits)
			examination_granted(e);
	} else if (!span_starts_nocase(typed, SPAN("never"))) {
		if (span_starts_nocase(typed, SPAN("slow")))
			delay_us = 300 * MS;
		wheel_arm(net_loop_wheel(examiner->loop), &e->timer, net_loop_now_us(examiner->loop) + delay_us);
	}
}

int check_examine(struct check_examiner *examiner, struct span typed,
	void (*done)(void *argument, struct check_facts *facts), void *argument)
{
	struct check_desk *desk = examiner->desk;
	if (desk->refusal)
		return desk->refusal;
	if (desk->room && examiner->count >= desk->room)
		return -ENOBUFS;
	struct examination *e = calloc(1, sizeof(*e));
	base_require(e);
	*e = (struct examination){
		.examiner = examiner, .facts = check_facts_new(), .done = done, .argument = argument
	};
	base_require(e->facts);
	wheel_timer_init(&e->timer, examination_done);
	list_append(&examiner->running, &e->link);
	examiner->count++;
	atomic_fetch_add(&desk->begun, 1);
	keep_most(&desk->most, atomic_fetch_add(&desk->running, 1) + 1);
	e->facts->typed = arena_copy(&e->facts->arena, typed);
	if (span_find(typed, ' ') == typed.length && typed.length < 254) {
		e->facts->domain = e->facts->typed;
		e->facts->srv.domain = e->facts->typed;
		e->facts->srv.lookup.status =
			span_starts_nocase(typed, SPAN("fails")) ? TRUST_LOOKUP_TIMEOUT : TRUST_LOOKUP_NXDOMAIN;
	} else {
		e->facts->why_not = SPAN("it has blanks");
	}
	examination_begin(e, typed);
	return 0;
}

/* ---- a run ---- */

struct seen {
	size_t count;
	char (*typed)[64]; /* in order of completion */
	size_t capacity;
	pthread_t caller;
	useconds_t result_us; /* how long the reader of a result takes */
	size_t stop_after;
	volatile bool stop;
	unsigned progress;
	size_t most_in_flight;
	const char *done_prefix;
	struct check_bulk_counts counts;
};

static void seen_result(void *argument, const struct check_report *const *reports, size_t count)
{
	struct seen *seen = argument;
	assert_true(pthread_equal(seen->caller, pthread_self()));
	assert_int_equal(count, 1);
	assert_int_equal(reports[0]->policy, TRUST_POLICY_MICROSOFT);
	assert_true(seen->count < seen->capacity);
	struct span typed = reports[0]->facts->typed;
	span_copy_to(span_first(typed, 63), seen->typed[seen->count++], 64);
	if (seen->result_us)
		usleep(seen->result_us);
	if (seen->count == seen->stop_after)
		seen->stop = true;
}

static void seen_progress(void *argument, const struct check_bulk_counts *counts)
{
	struct seen *seen = argument;
	assert_true(pthread_equal(seen->caller, pthread_self()));
	seen->progress++;
	if (counts->in_flight > seen->most_in_flight)
		seen->most_in_flight = counts->in_flight;
}

static bool seen_is_done(void *argument, struct span typed)
{
	struct seen *seen = argument;
	return seen->done_prefix && span_starts_nocase(typed, span_of(seen->done_prefix));
}

static FILE *file_of(struct span text)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(text.at, 1, text.length, file), text.length);
	rewind(file);
	return file;
}

static int run(struct check_desk *desk, struct seen *seen, struct check_bulk_settings settings, FILE *domains)
{
	static const struct check_options options = { 0 };
	struct arena arena;
	struct check_bench bench;
	arena_init(&arena, 1 << 20);
	assert_int_equal(check_bench_make(&options, &arena, &bench), 0);
	seen->capacity = 20000;
	seen->typed = calloc(seen->capacity, sizeof(*seen->typed));
	assert_non_null(seen->typed);
	seen->caller = pthread_self();
	settings.desk = desk;
	settings.bench = &bench;
	settings.domains = domains;
	settings.result = seen_result;
	settings.progress = seen_progress;
	settings.is_done = seen_is_done;
	settings.argument = seen;
	settings.stop = &seen->stop;
	int status = check_bulk_run(&settings, &seen->counts);
	assert_int_equal(desk->running, 0);
	assert_int_equal(desk->granted, 0);
	assert_int_equal(seen->counts.done, seen->count);
	assert_int_equal(seen->counts.in_flight, 0);
	arena_done(&arena);
	return status;
}

static void append_many(struct buffer *list, const char *prefix, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buffer_printf(list, "%s%zu.example\n", prefix, i);
}

static size_t count_prefix(const struct seen *seen, const char *prefix)
{
	size_t count = 0;
	for (size_t i = 0; i < seen->count; i++)
		count += strncmp(seen->typed[i], prefix, strlen(prefix)) == 0;
	return count;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void each_line_once(void **state)
{
	static const unsigned workers[] = { 1, 4 };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(workers); i++) {
		struct check_desk desk = { 0 };
		struct seen seen = { 0 };
		struct buffer list;
		buffer_init(&list, 1 << 20);
		append_many(&list, "d", 5000);
		append_many(&list, "fails", 500);
		FILE *file = file_of(buffer_span(&list));
		print_message("%u workers\n", workers[i]);
		assert_int_equal(
			run(&desk, &seen, (struct check_bulk_settings){ .workers = workers[i], .concurrency = 200 },
				file),
			0);
		assert_int_equal(seen.count, 5500);
		assert_int_equal(seen.counts.total, 5500);
		assert_int_equal(seen.counts.read, 5500);
		assert_int_equal(seen.counts.begun, 5500);
		assert_int_equal(seen.counts.skipped, 0);
		assert_int_equal(seen.counts.verdicts[CHECK_FAIL], 5000);
		assert_int_equal(seen.counts.verdicts[CHECK_UNKNOWN], 500);
		assert_int_equal(seen.counts.findings[FINDING_SRV_MISSING], 5000);
		assert_int_equal(seen.counts.findings[FINDING_SRV_LOOKUP_FAILED], 500);
		assert_in_range(desk.most, 100, 200);
		qsort(seen.typed, seen.count, sizeof(*seen.typed), compare_texts);
		for (size_t k = 1; k < seen.count; k++)
			assert_string_not_equal(seen.typed[k], seen.typed[k - 1]);
		free(seen.typed);
		fclose(file);
		buffer_done(&list);
	}
}

static void a_slow_reader_holds_the_run_back(void **state)
{
	struct check_desk desk = { 0 };
	struct seen seen = { .result_us = 2000 };
	struct buffer list;
	(void)state;
	buffer_init(&list, 1 << 20);
	append_many(&list, "d", 600);
	FILE *file = file_of(buffer_span(&list));
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 2, .concurrency = 10 }, file), 0);
	assert_int_equal(seen.count, 600);
	assert_in_range(desk.most, 1, 10); /* what is finished and not yet read counts too */
	assert_true(seen.progress >= 1);
	assert_in_range(seen.most_in_flight, 1, 10);
	free(seen.typed);
	fclose(file);
	buffer_done(&list);
}

static void slow_ones_hold_up_nobody(void **state)
{
	struct check_desk desk = { 0 };
	struct seen seen = { 0 };
	struct buffer list;
	(void)state;
	buffer_init(&list, 1 << 20);
	append_many(&list, "slow", 20);
	append_many(&list, "d", 1000);
	FILE *file = file_of(buffer_span(&list));
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 2, .concurrency = 40 }, file), 0);
	assert_int_equal(seen.count, 1020);
	size_t before = 0; /* quick ones that were told before the first slow one */
	while (before < seen.count && seen.typed[before][0] == 'd')
		before++;
	assert_true(before > 500);
	free(seen.typed);
	fclose(file);
	buffer_done(&list);
}

/* 200 of one busy server come first; the others go by, although fewer may be in flight than wait. */
static void a_busy_server_holds_up_nobody(void **state)
{
	struct check_desk desk = { 0 };
	struct seen seen = { 0 };
	struct buffer list;
	(void)state;
	buffer_init(&list, 1 << 20);
	append_many(&list, "busy", 100);
	append_many(&list, "d", 1000);
	FILE *file = file_of(buffer_span(&list));
	struct check_bulk_settings settings = {
		.workers = 3, .concurrency = 50, .server_rate = 100, .server_connections = 4
	};
	assert_int_equal(run(&desk, &seen, settings, file), 0);
	assert_int_equal(seen.count, 1100);
	assert_int_equal(count_prefix(&seen, "busy"), 100);
	assert_in_range(desk.most_granted, 1, 4);
	assert_true(seen.counts.elapsed_us >= 850 * MS); /* 100 at 100 a second, ten of them at once */
	size_t busy_before = 0, others = 0;
	for (size_t i = 0; others < 1000; i++) {
		others += seen.typed[i][0] == 'd';
		busy_before += seen.typed[i][0] == 'b';
	}
	print_message("%zu of the busy server's 100 were done when the last other one was\n", busy_before);
	assert_true(busy_before < 80);
	free(seen.typed);
	fclose(file);
	buffer_done(&list);
}

static void stopped_in_the_middle(void **state)
{
	static const struct {
		const char *name;
		const char *prefix;
		size_t count, stop_after, least, most;
	} rows[] = {
		{ "while results come", "d", 5000, 700, 700, 900 },
		{ "with everybody waiting for a server", "busy", 1000, 20, 20, 40 },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct check_desk desk = { 0 };
		struct seen seen = { .stop_after = rows[i].stop_after };
		struct buffer list;
		print_message("%s\n", rows[i].name);
		buffer_init(&list, 1 << 20);
		append_many(&list, "never", 50);
		append_many(&list, rows[i].prefix, rows[i].count);
		FILE *file = file_of(buffer_span(&list));
		struct check_bulk_settings settings = { .workers = 3, .concurrency = 150, .server_rate = 100 };
		assert_int_equal(run(&desk, &seen, settings, file), 0);
		assert_in_range(seen.count, rows[i].least, rows[i].most);
		assert_int_equal(seen.counts.begun, desk.begun);
		assert_true(seen.counts.begun > seen.counts.done);
		assert_int_equal(seen.counts.total, rows[i].count + 50);
		free(seen.typed);
		fclose(file);
		buffer_done(&list);
	}
}

static void done_already_is_not_done_again(void **state)
{
	struct check_desk desk = { 0 };
	struct seen seen = { .done_prefix = "old" };
	struct buffer list;
	(void)state;
	buffer_init(&list, 1 << 20);
	append_many(&list, "old", 10000);
	append_many(&list, "d", 100);
	FILE *file = file_of(buffer_span(&list));
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 2 }, file), 0);
	assert_int_equal(seen.count, 100);
	assert_int_equal(seen.counts.skipped, 10000);
	assert_int_equal(seen.counts.read, 10100);
	assert_int_equal(desk.begun, 100);
	free(seen.typed);
	fclose(file);
	buffer_done(&list);
}

static void so_many_begun_a_second(void **state)
{
	struct check_desk desk = { 0 };
	struct seen seen = { 0 };
	struct buffer list;
	(void)state;
	buffer_init(&list, 1 << 20);
	append_many(&list, "d", 120);
	FILE *file = file_of(buffer_span(&list));
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 2, .rate = 200 }, file), 0);
	assert_int_equal(seen.count, 120);
	assert_true(seen.counts.elapsed_us >= 490 * MS); /* 20 at once, 100 at 200 a second */
	free(seen.typed);
	fclose(file);
	buffer_done(&list);
}

/* All that are in flight may wait for one server: none is given up before its turn. */
static void a_slow_rate_is_no_reason_to_give_up(void **state)
{
	static const struct {
		size_t concurrency;
		uint32_t server_rate;
		int64_t least_us;
	} rows[] = { { 1000, 1, 4000 * CLOCK_SECOND_US }, { 1000, 50, 600 * CLOCK_SECOND_US },
		{ 20000, 2, 40000 * CLOCK_SECOND_US }, { 1000, UINT32_MAX, 600 * CLOCK_SECOND_US } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct check_desk desk = { 0 };
		struct seen seen = { 0 };
		FILE *file = file_of(SPAN("d1.lab\n"));
		struct check_bulk_settings settings = {
			.workers = 1, .concurrency = rows[i].concurrency, .server_rate = rows[i].server_rate
		};
		assert_int_equal(run(&desk, &seen, settings, file), 0);
		assert_in_range(desk.patience_us, rows[i].least_us, rows[i].least_us + 1000 * CLOCK_SECOND_US);
		free(seen.typed);
		fclose(file);
	}
}

static void an_examiner_that_is_full(void **state)
{
	struct check_desk desk = { .room = 7 };
	struct seen seen = { 0 };
	struct buffer list;
	(void)state;
	buffer_init(&list, 1 << 20);
	append_many(&list, "d", 500);
	FILE *file = file_of(buffer_span(&list));
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 2, .concurrency = 100 }, file), 0);
	assert_int_equal(seen.count, 500);
	assert_in_range(desk.most, 7, 14);
	free(seen.typed);
	rewind(file);
	struct check_desk broken = { .refusal = -ENOMEM };
	struct seen nothing = { 0 };
	assert_int_equal(run(&broken, &nothing, (struct check_bulk_settings){ .workers = 2, .concurrency = 100 }, file),
		-ENOMEM);
	assert_int_equal(nothing.count, 0);
	free(nothing.typed);
	fclose(file);
	buffer_done(&list);
}

/* ---- the list ---- */

#define K250                                                                                                           \
	"012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
	"890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345" \
	"6789012345678901234567890123456789"

static const struct {
	const char *name;
	struct span text;
	const char *lines[6];
} lists[] = {
	{ "plain", SPAN("a.example\nb.example\n"), { "a.example", "b.example" } },
	{ "no newline at the end", SPAN("a.example\nb.example"), { "a.example", "b.example" } },
	{ "comments and blank lines", SPAN("# all of them\n\n  \na.example # ours\n#b.example\n   # c\nd.example#x\n"),
		{ "a.example", "d.example" } },
	{ "Windows",
		SPAN("\xef\xbb\xbf"
		     "a.example\r\n\r\nb.example\r\n"),
		{ "a.example", "b.example" } },
	{ "put together from two files",
		SPAN("\xef\xbb\xbf"
		     "a.example\n\xef\xbb\xbf"
		     "b.example\n\xef\xbb\xbf\n"),
		{ "a.example", "b.example" } },
	{ "blanks around", SPAN("\t a.example \t\n\fb.example\v\n"), { "a.example", "b.example" } },
	{ "one twice", SPAN("a.example\na.example\n"), { "a.example", "a.example" } },
	{ "what is no domain is given out too", SPAN("a b\n\xff\xfe..\nsip:x@y\n"),
		{ "a b", "\xff\xfe..", "sip:x@y" } },
	{ "other letters",
		SPAN("b\xc3\xbc"
		     "cher.example\n"),
		{ "b\xc3\xbc"
		  "cher.example" } },
	{ "nothing", SPAN(""), { NULL } },
	{ "only comments", SPAN("#\n# x\n"), { NULL } },
	{ "as long as can be", SPAN(K250 K250 K250 K250 "012345678901234567890123\nb.example\n"),
		{ K250 K250 K250 K250 "012345678901234567890123", "b.example" } },
	{ "longer", SPAN(K250 K250 K250 K250 K250 "\nb.example\n"),
		{ K250 K250 K250 K250 "0123456789012345678901234", "b.example" } },
	{ "blanks behind do not make it longer", SPAN(K250 K250 K250 K250 "012345678901234567890123          #\n"),
		{ K250 K250 K250 K250 "012345678901234567890123" } },
};

static void check_lines(const char *name, FILE *file, const char *const *lines, size_t maximum)
{
	struct bulk_list list;
	struct span typed;
	size_t at = 0;
	int status;
	assert_int_equal(bulk_list_open(&list, file), 0);
	while ((status = bulk_list_next(&list, &typed)) > 0) {
		if (at == maximum || !lines[at] || !span_is(typed, lines[at]))
			fail_msg("%s: line %zu is `%.*s`", name, at, SPAN_PRINT(typed));
		at++;
	}
	assert_int_equal(status, 0);
	assert_true(at == maximum || !lines[at]);
	assert_int_equal(bulk_list_next(&list, &typed), 0); /* and so it stays */
	bulk_list_close(&list);
}

static void lists_as_people_write_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(lists); i++) {
		FILE *file = file_of(lists[i].text);
		int64_t count = 0;
		while (count < 6 && lists[i].lines[count])
			count++;
		assert_int_equal(bulk_list_count(file), count);
		check_lines(lists[i].name, file, lists[i].lines, 6);
		fclose(file);
	}
}

static void an_endless_line(void **state)
{
	struct buffer text;
	struct bulk_list list;
	struct span typed;
	(void)state;
	buffer_init(&text, 4 << 20);
	for (int i = 0; i < 200000; i++)
		buffer_append_text(&text, "0123456789");
	buffer_append_text(&text, "\n");
	for (int i = 0; i < 200000; i++)
		buffer_append_text(&text, "   ");
	buffer_append_text(&text, "a.example # ");
	for (int i = 0; i < 20000; i++)
		buffer_append_text(&text, "a very long comment");
	buffer_append_text(&text, "\nb.example");
	assert_int_equal(text.status, 0);
	FILE *file = file_of(buffer_span(&text));
	assert_int_equal(bulk_list_count(file), 3);
	assert_int_equal(bulk_list_open(&list, file), 0);
	assert_int_equal(bulk_list_next(&list, &typed), 1);
	assert_int_equal(typed.length, BULK_LINE_MAXIMUM + 1);
	assert_int_equal(bulk_list_next(&list, &typed), 1);
	assert_true(span_is(typed, "a.example"));
	assert_int_equal(bulk_list_next(&list, &typed), 1);
	assert_true(span_is(typed, "b.example"));
	assert_int_equal(bulk_list_next(&list, &typed), 0);
	bulk_list_close(&list);
	fclose(file);
	buffer_done(&text);
}

static void lists_that_cannot_be_read(void **state)
{
	struct check_desk desk = { 0 };
	struct seen seen = { 0 };
	(void)state;
	FILE *directory = fopen("/tmp", "r");
	assert_non_null(directory);
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 1 }, directory), -EISDIR);
	fclose(directory);
	free(seen.typed);
	FILE *wide = file_of(SPAN("\xff\xfe"
				  "a\0.\0b\0\n\0"));
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 1 }, wide), -EILSEQ);
	fclose(wide);
	free(seen.typed);
	assert_int_equal(desk.begun, 0);
}

/* ---- a list that comes bit by bit ---- */

struct typist {
	int descriptor;
	struct seen *seen;
};

static void *typist_run(void *argument)
{
	struct typist *typist = argument;
	static const char *const bits[] = { "a.exa", "mple\nb.example\n", "c.example # and", " so on\n", "d.example" };
	for (size_t i = 0; i < BASE_COUNT(bits); i++) {
		base_require(write(typist->descriptor, bits[i], strlen(bits[i])) == (ssize_t)strlen(bits[i]));
		usleep(30000);
	}
	close(typist->descriptor);
	return NULL;
}

static void results_come_while_the_list_is_written(void **state)
{
	struct check_desk desk = { 0 };
	struct seen seen = { 0 };
	int ends[2];
	pthread_t thread;
	(void)state;
	assert_int_equal(pipe(ends), 0);
	struct typist typist = { .descriptor = ends[1], .seen = &seen };
	FILE *file = fdopen(ends[0], "r");
	assert_non_null(file);
	assert_int_equal(pthread_create(&thread, NULL, typist_run, &typist), 0);
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 2 }, file), 0);
	pthread_join(thread, NULL);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.counts.total, 0);
	assert_in_range(desk.most, 1, 2); /* a and b were done long before d was there */
	assert_string_equal(seen.typed[3], "d.example");
	free(seen.typed);
	fclose(file);
}

static void *stopper_run(void *argument)
{
	struct seen *seen = argument;
	usleep(50000);
	__atomic_store_n(&seen->stop, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void stopped_while_the_list_says_nothing(void **state)
{
	struct check_desk desk = { 0 };
	struct seen seen = { 0 };
	int ends[2];
	pthread_t thread;
	(void)state;
	assert_int_equal(pipe(ends), 0);
	FILE *file = fdopen(ends[0], "r");
	assert_non_null(file);
	assert_int_equal(write(ends[1], "never.example\n", 14), 14);
	assert_int_equal(pthread_create(&thread, NULL, stopper_run, &seen), 0);
	assert_int_equal(run(&desk, &seen, (struct check_bulk_settings){ .workers = 2 }, file), 0);
	pthread_join(thread, NULL);
	assert_int_equal(seen.counts.begun, 1);
	assert_int_equal(seen.count, 0);
	free(seen.typed);
	fclose(file);
	close(ends[1]);
}

/* ---- words ---- */

static void progress_in_words(void **state)
{
	static const struct {
		struct check_bulk_counts counts;
		const char *text;
	} rows[] = {
		{ { .done = 12400, .total = 100000, .rate = 1830, .verdicts = { 0, 0, 210, 0 } },
			"12,400 of 100,000 · 1,830/s · 210 failed · 48 s left" },
		{ { .done = 5, .rate = 2.5 }, "5 · 2.5/s · 0 failed" },
		{ { .done = 1000, .skipped = 2000000, .total = 3000000, .rate = 100, .verdicts = { 0, 0, 0, 1234 } },
			"2,001,000 of 3,000,000 · 100/s · 0 failed · 1,234 unknown · 2 h 46 min left" },
		{ { .total = 7 }, "0 of 7 · 0.0/s · 0 failed" },
		{ { .done = 999, .total = 999, .rate = 12 }, "999 of 999 · 12/s · 0 failed" },
		{ { .done = 1, .total = 901, .rate = 3 }, "1 of 901 · 3.0/s · 0 failed · 5 min 0 s left" },
	};
	char text[128];
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		check_bulk_progress_text(&rows[i].counts, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
	check_bulk_progress_text(&rows[0].counts, text, 10);
	assert_string_equal(text, "12,400 of");
}

static void a_summary_by_finding(void **state)
{
	struct check_bulk_counts counts = {
		.begun = 1700, .done = 1690, .skipped = 3, .elapsed_us = 2600000, .verdicts = { 1000, 90, 500, 100 }
	};
	struct buffer out;
	(void)state;
	counts.findings[FINDING_SRV_MISSING] = 400;
	counts.findings[FINDING_CERTIFICATE_EXPIRES_SOON] = 90;
	counts.findings[FINDING_CONNECT_TIMEOUT] = 1600;
	buffer_init(&out, 4096);
	assert_int_equal(check_bulk_summary(&counts, &out), 0);
	assert_string_equal(out.at, "1,690 domains in 2.6 s (650/s): 1,000 pass, 90 warn, 500 fail, 100 unknown\n"
				    "3 done earlier\n"
				    "10 begun and given up\n"
				    "         1,600  error    connect-timeout\n"
				    "           400  error    srv-missing\n"
				    "            90  warning  certificate-expires-soon\n");
	buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_once),
		cmocka_unit_test(a_slow_reader_holds_the_run_back),
		cmocka_unit_test(slow_ones_hold_up_nobody),
		cmocka_unit_test(a_busy_server_holds_up_nobody),
		cmocka_unit_test(stopped_in_the_middle),
		cmocka_unit_test(done_already_is_not_done_again),
		cmocka_unit_test(so_many_begun_a_second),
		cmocka_unit_test(a_slow_rate_is_no_reason_to_give_up),
		cmocka_unit_test(an_examiner_that_is_full),
		cmocka_unit_test(lists_as_people_write_them),
		cmocka_unit_test(an_endless_line),
		cmocka_unit_test(lists_that_cannot_be_read),
		cmocka_unit_test(results_come_while_the_list_is_written),
		cmocka_unit_test(stopped_while_the_list_says_nothing),
		cmocka_unit_test(progress_in_words),
		cmocka_unit_test(a_summary_by_finding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
