/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics shows, and the server that shows it, asked by curl. */
#include "base/buffer.h"
#include "base/require.h"
#include "check/metrics.h"
#include "check/metrics_families.h"
#include "check/metrics_round.h"
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- many texts become one ---- */

#define HEAD_A "# HELP a What a is.\n# TYPE a gauge\n"
#define HEAD_B "# HELP b What b is.\n# TYPE b counter\n"

static const struct {
	const char *name;
	const char *texts[4];
	const char *result;
} merges[] = {
	{ "nothing", { NULL }, "" },
	{ "one text stays as it is", { HEAD_A "a{x=\"1\"} 1\n" HEAD_B "b 2\n" },
		HEAD_A "a{x=\"1\"} 1\n" HEAD_B "b 2\n" },
	{ "families stand once",
		{ HEAD_A "a{x=\"1\"} 1\n" HEAD_B "b{x=\"1\"} 2\n", HEAD_A "a{x=\"2\"} 3\n" HEAD_B "b{x=\"2\"} 4\n" },
		HEAD_A "a{x=\"1\"} 1\na{x=\"2\"} 3\n" HEAD_B "b{x=\"1\"} 2\nb{x=\"2\"} 4\n" },
	{ "a family that comes later", { HEAD_A "a 1\n", HEAD_B "b 2\n", HEAD_A "a{x=\"3\"} 3\n" },
		HEAD_A "a 1\na{x=\"3\"} 3\n" HEAD_B "b 2\n" },
	{ "a family without samples", { HEAD_A HEAD_B "b 2\n", HEAD_A "a 1\n" }, HEAD_A "a 1\n" HEAD_B "b 2\n" },
	{ "blank lines and no last newline", { "\n\n" HEAD_A "a 1", "" }, HEAD_A "a 1\n" },
};

static void texts_become_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(merges); i++) {
		struct check_families families;
		struct buffer out;
		check_families_init(&families, 65536);
		buffer_init(&out, 65536);
		for (size_t n = 0; n < 4 && merges[i].texts[n]; n++)
			assert_int_equal(check_families_add(&families, span_of(merges[i].texts[n])), 0);
		assert_int_equal(check_families_take(&families, &out), 0);
		if (!span_is(buffer_span(&out), merges[i].result))
			fail_msg("%s:\n%s", merges[i].name, out.at);
		buffer_done(&out);
		check_families_done(&families);
	}
}

static void too_much_is_refused_whole(void **state)
{
	(void)state;
	struct check_families families;
	struct buffer out;
	check_families_init(&families, 100);
	buffer_init(&out, 65536);
	assert_int_equal(check_families_add(&families, SPAN(HEAD_A "a 1\n")), 0);
	assert_int_equal(
		check_families_add(&families, SPAN(HEAD_A "a 2\n" HEAD_B "b 22222222222222222222\n")), -ENOBUFS);
	assert_int_equal(check_families_take(&families, &out), 0);
	assert_string_equal(out.at, HEAD_A "a 1\n");
	assert_int_equal(check_families_add(&families, SPAN("stray 1\n")), -EBADMSG);
	buffer_done(&out);
	check_families_done(&families);
}

static void families_are_bounded(void **state)
{
	(void)state;
	struct check_families families;
	char text[64];
	check_families_init(&families, 1 << 20);
	for (int i = 0; i < CHECK_FAMILIES_COUNT; i++) {
		snprintf(text, sizeof(text), "# TYPE f%d gauge\nf%d 1\n", i, i);
		assert_int_equal(check_families_add(&families, span_of(text)), 0);
	}
	assert_int_equal(
		check_families_add(&families, SPAN("# TYPE f1 gauge\nf1{x=\"2\"} 1\n# TYPE more gauge\nmore 1\n")),
		-ENOSPC);
	assert_int_equal(check_families_add(&families, SPAN("# TYPE f1 gauge\nf1{x=\"2\"} 1\n")), 0);
	check_families_done(&families);
}

/* ---- rounds ---- */

static void add_domain(struct check_metrics_round *round, const char *domain, enum check_verdict verdict)
{
	struct check_facts facts = { .typed = span_of(domain), .domain = span_of(domain) };
	struct arena arena;
	arena_init(&arena, 65536);
	struct check_report report = { .facts = &facts, .verdict = verdict };
	finding_list_init(&report.findings, &arena, FINDING_PARTNER);
	const struct check_report *const reports[] = { &report };
	check_metrics_round_add(round, reports, 1);
	arena_done(&arena);
}

static size_t count_of(struct span text, const char *needle)
{
	size_t count = 0, at;
	while ((at = span_find_span(text, span_of(needle))) < text.length) {
		count++;
		text = span_from(text, at + 1);
	}
	return count;
}

static void before_the_first_round(void **state)
{
	(void)state;
	struct buffer out;
	struct check_watch_figures figures = { .period_us = 3600000000 };
	buffer_init(&out, 1 << 20);
	assert_int_equal(check_metrics_round_write(NULL, &figures, &out), 0);
	assert_int_equal(count_of(buffer_span(&out), "fedge_watch_rounds_total 0\n"), 1);
	assert_int_equal(count_of(buffer_span(&out), "fedge_watch_period_seconds 3600.000000\n"), 1);
	assert_int_equal(count_of(buffer_span(&out), "last_round"), 0);
	buffer_done(&out);
}

static void a_domain_stands_once(void **state)
{
	(void)state;
	struct buffer out;
	struct check_metrics_round round;
	struct check_watch_figures figures = { .rounds = 7, .changes = { [0] = 5 } };
	char domain[32];
	check_metrics_round_init(&round, CHECK_METRICS_TEXT_MAXIMUM);
	buffer_init(&out, CHECK_METRICS_TEXT_MAXIMUM);
	for (int i = 0; i < 6000; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i % 3000);
		add_domain(&round, domain, CHECK_PASS);
	}
	assert_int_equal(round.left_out, 0);
	assert_int_equal(check_metrics_round_write(&round, &figures, &out), 0);
	assert_int_equal(count_of(buffer_span(&out), "fedge_check_success{domain="), 3000);
	assert_int_equal(count_of(buffer_span(&out), "# TYPE fedge_check_success "), 1);
	assert_int_equal(count_of(buffer_span(&out), "fedge_watch_changes_total{what=\"verdict\"} 5\n"), 1);
	/* The next round may have the same domains. */
	add_domain(&round, "d1.example", CHECK_FAIL);
	buffer_clear(&out);
	assert_int_equal(check_metrics_round_write(&round, &figures, &out), 0);
	assert_int_equal(count_of(buffer_span(&out), "fedge_check_success{domain=\"d1.example\""), 1);
	buffer_done(&out);
	check_metrics_round_done(&round);
}

static void what_does_not_fit_is_counted(void **state)
{
	(void)state;
	struct check_metrics_round round;
	char domain[32];
	check_metrics_round_init(&round, 20000);
	for (int i = 0; i < 1000; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		add_domain(&round, domain, CHECK_PASS);
	}
	assert_true(round.left_out > 0 && round.left_out < 1000);
	assert_true(round.families.length <= 20000);
	check_metrics_round_done(&round);
}

/* ---- the server ---- */

static struct check_metrics *open_server(const char *listen)
{
	struct check_metrics *metrics = NULL;
	char error[CHECK_METRICS_ERROR_SIZE];
	int status = check_metrics_open(listen, &metrics, error);
	if (status < 0)
		fail_msg("%s: %d, %s", listen, status, error);
	return metrics;
}

static void show(struct check_metrics *metrics, const char *text)
{
	struct buffer buffer;
	buffer_init(&buffer, 1 << 20);
	buffer_append_text(&buffer, text);
	assert_int_equal(check_metrics_show(metrics, &buffer), 0);
	buffer_done(&buffer);
}

/* Status, Content-Type, Allow and body, as curl saw them. */
static const char *ask(const struct check_metrics *metrics, const char *options, const char *path, char ret_text[4096])
{
	char command[512], root[128];
	snprintf(root, sizeof(root), "%s", check_metrics_url(metrics));
	*strrchr(root, '/') = '\0';
	snprintf(command, sizeof(command),
		"curl -sg --max-time 10 --noproxy '*' -w '|%%{http_code}|%%{content_type}' %s '%s%s'", options, root,
		path);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	ret_text[fread(ret_text, 1, 4095, pipe)] = '\0';
	pclose(pipe);
	return ret_text;
}

#define PLAIN "|text/plain; version=0.0.4; charset=utf-8"
static const struct {
	const char *name, *options, *path, *answer;
} requests[] = {
	{ "what is shown", "", "/metrics", "a 1\n|200" PLAIN },
	{ "with a query", "", "/metrics?x=1", "a 1\n|200" PLAIN },
	{ "another path", "", "/", "only /metrics is served here\n|404" PLAIN },
	{ "a longer path", "", "/metrics/", "only /metrics is served here\n|404" PLAIN },
	{ "a walk through folders", "--path-as-is", "/../metrics", "only /metrics is served here\n|404" PLAIN },
	{ "POST", "-d x=y", "/metrics", "only GET and HEAD\n|405" PLAIN },
	{ "DELETE", "-X DELETE", "/metrics", "only GET and HEAD\n|405" PLAIN },
	{ "HTTP/1.0", "-0", "/metrics", "a 1\n|200" PLAIN },
};

static void requests_are_answered(void **state)
{
	(void)state;
	char text[4096];
	static const char *const places[] = { "0", "127.0.0.2:0", "[::1]:0" };
	for (size_t p = 0; p < BASE_COUNT(places); p++) {
		struct check_metrics *metrics = NULL;
		char error[CHECK_METRICS_ERROR_SIZE];
		int status = check_metrics_open(places[p], &metrics, error);
		if (status == -EADDRNOTAVAIL || status == -EAFNOSUPPORT)
			continue; /* a machine without IPv6 */
		if (status < 0)
			fail_msg("%s: %s", places[p], error);
		assert_string_equal(ask(metrics, "", "/metrics", text), "|200" PLAIN);
		show(metrics, "a 1\n");
		for (size_t i = 0; i < BASE_COUNT(requests); i++) {
			ask(metrics, requests[i].options, requests[i].path, text);
			if (strcmp(text, requests[i].answer) != 0)
				fail_msg("%s on %s: %s", requests[i].name, places[p], text);
		}
		ask(metrics, "-I", "/metrics", text);
		assert_non_null(strstr(text, "Content-Length: 4\r\n"));
		assert_null(strstr(text, "a 1"));
		ask(metrics, "-X PUT -D -", "/metrics", text);
		assert_non_null(strstr(text, "Allow: GET, HEAD\r\n"));
		show(metrics, "a 2\n");
		assert_string_equal(ask(metrics, "", "/metrics", text), "a 2\n|200" PLAIN);
		check_metrics_close(metrics);
	}
}

static const struct {
	const char *listen;
	int status;
	const char *text;
} bad_places[] = {
	{ "", -EINVAL, "is no port and no address with a port" },
	{ "65536", -EINVAL, "is no port" },
	{ "localhost:9105", -EINVAL, "is no port" },
	{ "127.0.0.1", -EINVAL, "is no port" },
	{ "::1", -EINVAL, "is no port" },
	{ "[::1]", -EINVAL, "is no port" },
	{ "127.0.0.1:", -EINVAL, "is no port" },
	{ "192.0.2.1:9105", -EADDRNOTAVAIL,
		"metrics cannot be served on `192.0.2.1:9105`: Cannot assign requested address" },
};

static void bad_places_are_refused(void **state)
{
	(void)state;
	char error[CHECK_METRICS_ERROR_SIZE], listen[64];
	struct check_metrics *metrics = NULL, *other = NULL;
	for (size_t i = 0; i < BASE_COUNT(bad_places); i++) {
		int status = check_metrics_open(bad_places[i].listen, &metrics, error);
		if (status != bad_places[i].status || !strstr(error, bad_places[i].text))
			fail_msg("`%s`: %d, %s", bad_places[i].listen, status, error);
	}
	metrics = open_server("127.0.0.3:0");
	assert_int_equal(sscanf(check_metrics_url(metrics), "http://%63[^/]", listen), 1);
	assert_int_equal(check_metrics_open(listen, &other, error), -EADDRINUSE);
	assert_non_null(strstr(error, "another program listens there"));
	check_metrics_close(metrics);
	metrics = open_server(listen); /* free again at once */
	check_metrics_close(metrics);
}

static int connect_to(const struct check_metrics *metrics)
{
	unsigned port;
	struct sockaddr_in address = { .sin_family = AF_INET };
	assert_int_equal(sscanf(check_metrics_url(metrics), "http://127.0.0.1:%u", &port), 1);
	address.sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = 5 };
	setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(made, (struct sockaddr *)&address, sizeof(address)), 0);
	return made;
}

/* A text that was being sent is sent to its end, though another is shown by now. */
static void a_slow_scrape_is_whole(void **state)
{
	(void)state;
	struct check_metrics *metrics = open_server("0");
	size_t length = 20u << 20, got = 0;
	struct buffer text;
	buffer_init(&text, length);
	assert_int_equal(buffer_reserve(&text, length), 0);
	memset(text.at, 'x', length);
	text.length = length;
	assert_int_equal(check_metrics_show(metrics, &text), 0);
	int client = connect_to(metrics);
	char piece[65536];
	assert_true(send(client, "GET /metrics HTTP/1.0\r\n\r\n", 25, 0) == 25);
	ssize_t part = recv(client, piece, 1000, 0);
	assert_true(part > 0);
	got += (size_t)part;
	show(metrics, "a 2\n");
	while ((part = recv(client, piece, sizeof(piece), 0)) > 0) {
		got += (size_t)part;
		assert_int_equal(piece[part - 1], 'x');
	}
	assert_int_equal(part, 0);
	assert_true(got > length && got < length + 1000);
	close(client);
	check_metrics_close(metrics);
	buffer_done(&text);
}

/* Heads without an end, nonsense, and more clients than there is room for: the server lives, and answers again when
 * they are gone. */
static void bad_clients(void **state)
{
	(void)state;
	char text[4096];
	int clients[CHECK_METRICS_CONNECTIONS + 20];
	struct check_metrics *metrics = open_server("0");
	show(metrics, "a 1\n");
	static const char *const openings[] = { "GET /metrics HTTP/1.1\r\nX: ", "\x16\x03\x01\x02", "GET", "" };
	for (size_t i = 0; i < BASE_COUNT(clients); i++) {
		const char *opening = openings[i % BASE_COUNT(openings)];
		clients[i] = connect_to(metrics);
		send(clients[i], opening, strlen(opening), MSG_NOSIGNAL);
	}
	char *long_head = malloc(1 << 20);
	memset(long_head, 'y', 1 << 20);
	send(clients[0], long_head, 1 << 20, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(long_head);
	for (size_t i = 0; i < BASE_COUNT(clients); i++)
		close(clients[i]);
	for (int tries = 0; tries < 100; tries++) {
		if (strcmp(ask(metrics, "", "/metrics", text), "a 1\n|200" PLAIN) == 0)
			break;
		usleep(50000);
	}
	assert_string_equal(text, "a 1\n|200" PLAIN);
	check_metrics_close(metrics);
}

/* Beside a run with many connections its descriptors have high numbers. */
static void many_descriptors(void **state)
{
	(void)state;
	char text[4096];
	int taken[1500];
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 2000)
		skip();
	limit.rlim_cur = limit.rlim_cur < 2000 ? 2000 : limit.rlim_cur;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < BASE_COUNT(taken); i++) {
		taken[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_true(taken[i] >= 0);
	}
	struct check_metrics *metrics = open_server("0");
	show(metrics, "a 1\n");
	assert_string_equal(ask(metrics, "", "/metrics", text), "a 1\n|200" PLAIN);
	check_metrics_close(metrics);
	for (size_t i = 0; i < BASE_COUNT(taken); i++)
		close(taken[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_one),
		cmocka_unit_test(too_much_is_refused_whole),
		cmocka_unit_test(families_are_bounded),
		cmocka_unit_test(before_the_first_round),
		cmocka_unit_test(a_domain_stands_once),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(requests_are_answered),
		cmocka_unit_test(bad_places_are_refused),
		cmocka_unit_test(a_slow_scrape_is_whole),
		cmocka_unit_test(bad_clients),
		cmocka_unit_test(many_descriptors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
