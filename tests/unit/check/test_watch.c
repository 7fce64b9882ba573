/* SPDX-License-Identifier: Apache-2.0 */
/* Watches over planned records alone: what they say from run to run, what they keep, and how they end. No network. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/require.h"
#include "check/watch.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ZONE(domain, target, address)                                                                                  \
	"$ORIGIN " domain                                                                                              \
	".\n@ 300 IN SOA ns h 1 3600 600 86400 30\n_sipfederationtls._tcp 300 IN SRV 0 0 5061 " target "\n" target     \
	" 300 IN A " address "\n"
#define ZONE_EMPTY(domain) "$ORIGIN " domain ".\n@ 300 IN SOA ns h 1 3600 600 86400 30\n"
#define GOOD_A ZONE("a.example", "sip", "8.8.8.8")
#define GOOD_B ZONE("b.example", "sip", "8.8.4.4")

struct house {
	char folder[64], zone[96], list[96], store[96], command[512], error[CHECK_ERROR_SIZE];
	struct buffer said; /* "domain: what was changed", and notes as "note: …", one a line */
	volatile bool stop;
	const char *then_list; /* what the list is made to be after the first round; "-": it is removed */
	unsigned rounds_seen, results_seen;
	unsigned stop_at; /* stop after so many results; 0: never */
	const char *stop_once; /* and not before this file of the folder exists */
	unsigned policies; /* rule books; 0: the usual one */
	bool fill_disk; /* from the first result on, until the second round is over */
	bool stop_after_round; /* a while after it, from another thread */
	pthread_t stopper;
	char metrics_url[128], scraped[65536];
	struct check_watch_settings settings;
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	snprintf(h->folder, sizeof(h->folder), "/tmp/fedge-watch-XXXXXX");
	if (!mkdtemp(h->folder))
		return -1;
	snprintf(h->zone, sizeof(h->zone), "%s/zone", h->folder);
	snprintf(h->list, sizeof(h->list), "%s/list", h->folder);
	snprintf(h->store, sizeof(h->store), "%s/watch.sqlite", h->folder);
	buffer_init(&h->said, 1 << 20);
	setenv("HOUSE", h->folder, 1);
	write_file(h->list, "a.example\n");
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", h->folder);
	buffer_done(&h->said);
	free(h);
	return system(command);
}

/* ---- what the watch calls ---- */

static void see_change(void *argument, const struct store_watch_change *change, const struct check_report *report)
{
	struct house *h = argument;
	assert_true(span_equal(change->domain, report->facts->domain));
	buffer_append(&h->said, change->domain);
	if (h->policies)
		buffer_printf(&h->said, " (%.*s)", SPAN_PRINT(change->policy));
	buffer_append_text(&h->said, ": ");
	check_watch_change_sentence(change, &h->said);
	buffer_append_byte(&h->said, '\n');
}

static void see_note(void *argument, const char *text)
{
	struct house *h = argument;
	if (sscanf(text, "metrics are served on %127s", h->metrics_url) == 1)
		return;
	buffer_printf(&h->said, "note: %s\n", text);
}

static void scrape(struct house *h)
{
	char command[256];
	snprintf(command, sizeof(command), "curl -s --noproxy '*' --max-time 10 %s", h->metrics_url);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	h->scraped[fread(h->scraped, 1, sizeof(h->scraped) - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

static void *stop_soon(void *argument)
{
	struct house *h = argument;
	usleep(100000);
	__atomic_store_n(&h->stop, true, __ATOMIC_RELEASE);
	return NULL;
}

/* What is written beyond so many bytes fails, as on a disk that is full. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void see_round(void *argument, const struct check_bulk_counts *counts, unsigned number, size_t changes)
{
	struct house *h = argument;
	(void)counts, (void)changes;
	assert_int_equal(number, ++h->rounds_seen);
	if (number == 1 && h->then_list) {
		if (strcmp(h->then_list, "-") == 0)
			unlink(h->list);
		else
			write_file(h->list, h->then_list);
	}
	if (*h->metrics_url)
		scrape(h);
	if (h->fill_disk && number == 2) {
		limit_files(RLIM_INFINITY);
		h->fill_disk = false;
	}
	if (h->stop_after_round)
		assert_int_equal(pthread_create(&h->stopper, NULL, stop_soon, h), 0);
}

static void await_file(const struct house *h, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", h->folder, name);
	for (int waits = 0; access(path, F_OK) < 0; waits++) {
		if (waits == 60000)
			fail_msg("there is no %s after a minute", path);
		usleep(1000);
	}
}

static void see_result(void *argument, const struct check_report *const *reports, size_t count)
{
	struct house *h = argument;
	if (h->fill_disk)
		limit_files(4096);
	assert_true(count > 0 && reports[0]->facts);
	if (++h->results_seen != h->stop_at)
		return;
	if (h->stop_once)
		await_file(h, h->stop_once);
	h->stop = true;
}

/* Settings for one round of the list; a test changes what it is about. */
static void prepare(struct house *h)
{
	h->settings = (struct check_watch_settings){
		.bulk = { .workers = 1, .stop = &h->stop },
		.domains_path = h->list,
		.rounds = 1,
		.period_us = 1000,
		.store_path = h->store,
		.changed = see_change,
		.result = see_result,
		.round = see_round,
		.note = see_note,
		.argument = h,
	};
	h->stop = false;
	h->stop_at = 0;
	h->stop_once = NULL;
	h->rounds_seen = h->results_seen = 0;
	buffer_clear(&h->said);
}

static int run(struct house *h, const char *zone)
{
	static const char *const resolvers[] = { "127.0.0.1@9" };
	struct check_options options = { .policies = h->policies,
		.zone_file = h->zone,
		.zone_only = true,
		.no_connect = true,
		.resolvers = resolvers,
		.resolver_count = 1,
		.no_system_authorities = true };
	struct check_desk *desk = NULL;
	struct check_bench bench;
	struct arena arena;
	write_file(h->zone, zone);
	arena_init(&arena, 1 << 20);
	int status = check_desk_new(&options, NULL, &desk, h->error);
	if (status < 0)
		fail_msg("no desk: %s", h->error);
	assert_int_equal(check_bench_make(&options, &arena, &bench), 0);
	h->settings.bulk.desk = desk;
	h->settings.bulk.bench = &bench;
	status = check_watch_run(&h->settings, h->error);
	check_desk_free(desk);
	arena_done(&arena);
	return status;
}

static void run_well(struct house *h, const char *zone)
{
	int status = run(h, zone);
	if (status < 0)
		fail_msg("%d, %s", status, h->error);
}

static void assert_said(struct house *h, const char *wanted)
{
	const char *said = h->said.length ? h->said.at : "";
	if (strcmp(said, wanted) != 0)
		fail_msg("it said:\n%sand not:\n%s", said, wanted);
}

static const char *written(struct house *h, const char *name, char ret_text[8192])
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", h->folder, name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("there is no %s", path);
	ret_text[fread(ret_text, 1, 8191, file)] = '\0';
	fclose(file);
	return ret_text;
}

/* ---- runs ---- */

static void changes_from_run_to_run(void **state)
{
	struct house *h = *state;
	prepare(h);
	run_well(h, GOOD_A);
	assert_said(h, "");
	assert_int_equal(h->results_seen, 1);
	prepare(h);
	run_well(h, GOOD_A);
	assert_said(h, "");
	prepare(h);
	run_well(h, ZONE("a.example", "edge", "8.8.8.8"));
	assert_said(h, "a.example: SRV target was sip.a.example:5061, is edge.a.example:5061\n");
	prepare(h);
	run_well(h, ZONE_EMPTY("a.example"));
	assert_said(h, "a.example: verdict was pass, is fail (srv-missing)\n"
		       "a.example: SRV targets: gone edge.a.example:5061\n");
	prepare(h);
	run_well(h, ZONE("a.example", "edge", "8.8.4.4"));
	assert_said(h, "a.example: verdict was fail, is pass\na.example: SRV targets: new edge.a.example:5061\n");
}

/* Verdicts are each rule book's own, the targets are said once; each rule book has its command. */
static void several_rule_books(void **state)
{
	struct house *h = *state;
	char text[8192];
	prepare(h);
	h->policies = CHECK_AS_MICROSOFT | CHECK_AS_RFC5922;
	run_well(h, GOOD_A);
	assert_said(h, "");
	prepare(h);
	h->settings.on_change = "echo \"$FEDGE_POLICY $FEDGE_CHANGES\" >$HOUSE/$FEDGE_POLICY";
	run_well(h, ZONE_EMPTY("a.example"));
	assert_said(h, "a.example (microsoft): verdict was pass, is fail (srv-missing)\n"
		       "a.example (microsoft): SRV targets: gone sip.a.example:5061\n"
		       "a.example (rfc5922): verdict was pass, is fail (srv-missing)\n");
	assert_string_equal(written(h, "microsoft", text),
		"microsoft verdict was pass, is fail (srv-missing); SRV targets: gone sip.a.example:5061\n");
	assert_string_equal(written(h, "rfc5922", text), "rfc5922 verdict was pass, is fail (srv-missing)\n");
	prepare(h);
	run_well(h, ZONE_EMPTY("a.example"));
	assert_said(h, "");
}

static void the_list_is_read_again(void **state)
{
	struct house *h = *state;
	prepare(h);
	write_file(h->list, "a.example\nb.example # ours\n");
	run_well(h, GOOD_A GOOD_B);
	prepare(h);
	write_file(h->list, "a.example\n");
	h->settings.rounds = 3;
	h->then_list = "b.example\na.example\n";
	run_well(h, ZONE_EMPTY("a.example") ZONE_EMPTY("b.example"));
	assert_said(h, "a.example: verdict was pass, is fail (srv-missing)\n"
		       "a.example: SRV targets: gone sip.a.example:5061\n"
		       "b.example: verdict was pass, is fail (srv-missing)\n"
		       "b.example: SRV targets: gone sip.b.example:5061\n");
	assert_int_equal(h->rounds_seen, 3);
	assert_int_equal(h->results_seen, 5);
}

static void a_list_that_is_not_there(void **state)
{
	struct house *h = *state;
	char text[512];
	prepare(h);
	h->settings.rounds = 3;
	h->then_list = "-";
	run_well(h, GOOD_A);
	snprintf(text, sizeof(text),
		"note: %s: the list of domains cannot be read: No such file or directory\n"
		"note: %s: the list of domains cannot be read: No such file or directory\n",
		h->list, h->list);
	assert_said(h, text);
	prepare(h);
	assert_int_equal(run(h, GOOD_A), -ENOENT);
	assert_non_null(strstr(h->error, h->list));
}

static void names_of_the_command_line(void **state)
{
	struct house *h = *state;
	static const char *const names[] = { "a.example", "b.example" };
	static const char *const bad_names[] = { "a.example#b" };
	prepare(h);
	h->settings.domains_path = NULL;
	h->settings.domains = names;
	h->settings.domain_count = 2;
	h->settings.rounds = 2;
	run_well(h, GOOD_A GOOD_B);
	assert_int_equal(h->results_seen, 4);
	prepare(h);
	h->settings.domains_path = NULL;
	h->settings.domains = bad_names;
	h->settings.domain_count = 1;
	assert_int_equal(run(h, GOOD_A), -EINVAL);
}

/* ---- the memory ---- */

static void one_watch_a_memory(void **state)
{
	struct house *h = *state;
	struct store_watch *other = NULL;
	prepare(h);
	assert_int_equal(store_watch_open(h->store, &other, h->error), 0);
	assert_int_equal(store_watch_begin(other), 0);
	assert_int_equal(run(h, GOOD_A), -EBUSY);
	assert_non_null(strstr(h->error, "another program is writing into it"));
	store_watch_close(other);
	run_well(h, GOOD_A);
}

static void a_memory_that_is_none(void **state)
{
	struct house *h = *state;
	prepare(h);
	write_file(h->store, "this is no SQLite file, and it is long enough to be looked at: "
			     "........................................................................");
	assert_int_equal(run(h, GOOD_A), -EBADMSG);
	assert_non_null(strstr(h->error, "it is no SQLite file"));
	assert_int_equal(h->results_seen, 0);
}

static size_t count_of(const char *text, const char *needle)
{
	size_t count = 0;
	for (; (text = strstr(text, needle)); text++)
		count++;
	return count;
}

/* Two rounds that cannot be written are said; the third finds the same change and keeps it. */
static void a_disk_that_is_full_for_a_while(void **state)
{
	struct house *h = *state;
	static const char change[] = "a.example: verdict was pass, is fail (srv-missing)\n"
				     "a.example: SRV targets: gone sip.a.example:5061\n";
	prepare(h);
	run_well(h, GOOD_A);
	prepare(h);
	h->settings.rounds = 4;
	h->fill_disk = true;
	signal(SIGXFSZ, SIG_IGN);
	run_well(h, ZONE_EMPTY("a.example"));
	signal(SIGXFSZ, SIG_DFL);
	/* How the library words it is its own affair. */
	assert_int_equal(count_of(h->said.at, change), 3);
	assert_int_equal(count_of(h->said.at, "the round is not remembered\n"), 2);
	assert_int_equal(count_of(h->said.at, h->store), 2);
	assert_int_equal(h->rounds_seen, 4);
}

static void a_round_that_is_stopped_is_kept(void **state)
{
	struct house *h = *state;
	prepare(h);
	run_well(h, GOOD_A);
	prepare(h);
	h->settings.rounds = 0;
	h->stop_at = 1;
	run_well(h, ZONE_EMPTY("a.example"));
	assert_int_equal(h->rounds_seen, 0);
	assert_true(h->said.length > 0);
	prepare(h);
	run_well(h, ZONE_EMPTY("a.example"));
	assert_said(h, "");
}

static void it_ends_while_it_waits(void **state)
{
	struct house *h = *state;
	struct clock clock = clock_system();
	prepare(h);
	h->settings.rounds = 0;
	h->settings.period_us = 3600 * CLOCK_SECOND_US;
	h->stop_after_round = true;
	int64_t began_us = clock_steady_us(&clock);
	run_well(h, GOOD_A);
	pthread_join(h->stopper, NULL);
	assert_int_equal(h->rounds_seen, 1);
	assert_true(clock_steady_us(&clock) - began_us < 60 * CLOCK_SECOND_US);
}

/* From the beginning of a round to that of the next. */
static void rounds_keep_their_period(void **state)
{
	struct house *h = *state;
	struct clock clock = clock_system();
	prepare(h);
	h->settings.rounds = 3;
	h->settings.period_us = 400000;
	int64_t began_us = clock_steady_us(&clock);
	run_well(h, GOOD_A);
	int64_t took_us = clock_steady_us(&clock) - began_us;
	assert_true(took_us >= 800000);
	assert_int_equal(h->rounds_seen, 3);
}

/* ---- commands ---- */

static void a_command_is_told_everything(void **state)
{
	struct house *h = *state;
	char text[8192];
	prepare(h);
	h->settings.on_change = "env | grep ^FEDGE_ | grep -v ^FEDGE_SOURCE= | sort >$HOUSE/env; cat >$HOUSE/in";
	run_well(h, GOOD_A);
	assert_int_not_equal(access("env", F_OK), 0);
	prepare(h);
	h->settings.on_change = "env | grep ^FEDGE_ | grep -v ^FEDGE_SOURCE= | sort >$HOUSE/env; cat >$HOUSE/in";
	run_well(h, ZONE_EMPTY("a.example"));
	assert_string_equal(written(h, "env", text),
		"FEDGE_AFTER=fail\nFEDGE_BEFORE=pass\n"
		"FEDGE_CHANGES=verdict was pass, is fail (srv-missing); SRV targets: gone sip.a.example:5061\n"
		"FEDGE_DOMAIN=a.example\nFEDGE_FINDING=srv-missing\nFEDGE_POLICY=microsoft\n"
		"FEDGE_PREVIOUS_VERDICT=pass\n"
		"FEDGE_TITLE=there is no federation SRV record for `a.example`\n"
		"FEDGE_VERDICT=fail\nFEDGE_WHAT=verdict\n");
	written(h, "in", text);
	json_error_t why;
	json_t *report = json_loads(text, 0, &why);
	assert_non_null(report);
	assert_string_equal(json_string_value(json_object_get(report, "domain")), "a.example");
	assert_string_equal(json_string_value(json_object_get(report, "verdict")), "fail");
	json_t *changes = json_object_get(report, "changes");
	assert_int_equal(json_array_size(changes), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(changes, 1), "what")), "targets");
	json_decref(report);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
}

static void a_command_that_fails_is_said(void **state)
{
	struct house *h = *state;
	prepare(h);
	run_well(h, GOOD_A);
	prepare(h);
	h->settings.on_change = "exit 7";
	run_well(h, ZONE("a.example", "edge", "8.8.8.8"));
	assert_said(h, "a.example: SRV target was sip.a.example:5061, is edge.a.example:5061\n"
		       "note: the command for a.example failed with exit status 7\n");
}

/* Zones of so many domains with records and without, and the list of them. */
static void make_domains(int count, struct buffer *ret_good, struct buffer *ret_empty, struct buffer *ret_list)
{
	buffer_init(ret_good, 1 << 20);
	buffer_init(ret_empty, 1 << 20);
	buffer_init(ret_list, 1 << 20);
	for (int i = 0; i < count; i++) {
		static const char start[] = "@ 300 IN SOA ns h 1 3600 600 86400 30\n";
		buffer_printf(ret_list, "d%d.example\n", i);
		buffer_printf(ret_empty, "$ORIGIN d%d.example.\n%s", i, start);
		buffer_printf(ret_good,
			"$ORIGIN d%d.example.\n%s_sipfederationtls._tcp 300 IN SRV 0 0 5061 sip\nsip 300 IN A "
			"8.8.8.8\n",
			i, start);
	}
}

static void many_failures_are_a_number(void **state)
{
	struct house *h = *state;
	struct buffer good, empty, list;
	make_domains(30, &good, &empty, &list);
	write_file(h->list, list.at);
	prepare(h);
	run_well(h, good.at);
	prepare(h);
	h->settings.on_change = "exit 7";
	run_well(h, empty.at);
	assert_int_equal(count_of(h->said.at, "failed with exit status 7\n"), 20);
	assert_non_null(strstr(h->said.at, "note: 10 more lines about commands that failed are left out\n"));
	buffer_done(&good);
	buffer_done(&empty);
	buffer_done(&list);
}

/* Twenty domains change, eight commands run at once and none ends: what waits is found again. */
static void what_no_command_was_told_is_found_again(void **state)
{
	struct house *h = *state;
	static const char tail[] =
		"note: commands were still waiting: the round is not remembered, the next start finds "
		"its changes again\n";
	struct buffer good, list, empty;
	make_domains(20, &good, &empty, &list);
	prepare(h);
	write_file(h->list, list.at);
	run_well(h, good.at);
	prepare(h);
	h->settings.on_change = "touch \"$HOUSE/begun\"; sleep 600";
	h->settings.rounds = 0;
	h->stop_at = 20;
	h->stop_once = "begun";
	run_well(h, empty.at);
	assert_int_equal(h->rounds_seen, 0);
	assert_non_null(strstr(h->said.at, tail));
	assert_non_null(strstr(h->said.at, "was killed: the watch ends"));
	for (int again = 0; again < 2; again++) {
		prepare(h);
		run_well(h, empty.at);
		assert_int_equal(h->results_seen, 20);
		for (int i = 0; i < 20; i++) {
			char change[96];
			snprintf(change, sizeof(change), "d%d.example: verdict was pass, is fail (srv-missing)\n", i);
			bool said = h->said.length && strstr(h->said.at, change);
			assert_int_equal(said, again == 0);
		}
	}
	buffer_done(&good);
	buffer_done(&list);
	buffer_done(&empty);
}

/* ---- metrics ---- */

static void the_last_round_is_served(void **state)
{
	struct house *h = *state;
	prepare(h);
	run_well(h, GOOD_A);
	prepare(h);
	h->settings.metrics = "0";
	h->settings.rounds = 2;
	run_well(h, ZONE_EMPTY("a.example"));
	static const char *const lines[] = { "\nfedge_watch_rounds_total 2\n",
		"\nfedge_watch_domains{verdict=\"fail\"} 1\n", "\nfedge_watch_domains{verdict=\"pass\"} 0\n",
		"\nfedge_watch_changes_total{what=\"targets\"} 1\n", "\nfedge_watch_findings{code=\"srv-missing\"} 1\n",
		"\nfedge_check_success{domain=\"a.example\"" };
	for (size_t i = 0; i < BASE_COUNT(lines); i++) {
		if (!strstr(h->scraped, lines[i]))
			fail_msg("no %s in\n%s", lines[i] + 1, h->scraped);
	}
}

static void a_place_that_is_taken(void **state)
{
	struct house *h = *state;
	prepare(h);
	h->settings.metrics = "127.0.0.1";
	assert_int_equal(run(h, GOOD_A), -EINVAL);
	assert_non_null(strstr(h->error, "is no port"));
	assert_int_equal(h->results_seen, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(changes_from_run_to_run),
		CASE(several_rule_books),
		CASE(the_list_is_read_again),
		CASE(a_list_that_is_not_there),
		CASE(names_of_the_command_line),
		CASE(one_watch_a_memory),
		CASE(a_memory_that_is_none),
		CASE(a_disk_that_is_full_for_a_while),
		CASE(a_round_that_is_stopped_is_kept),
		CASE(it_ends_while_it_waits),
		CASE(rounds_keep_their_period),
		CASE(a_command_is_told_everything),
		CASE(a_command_that_fails_is_said),
		CASE(many_failures_are_a_number),
		CASE(what_no_command_was_told_is_found_again),
		CASE(the_last_round_is_served),
		CASE(a_place_that_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
