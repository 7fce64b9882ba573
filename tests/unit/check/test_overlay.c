/* SPDX-License-Identifier: Apache-2.0 */
/* Planned records in front of a resolver. The resolver is the test's own, linked instead of net's. */
#include "base/require.h"
#include "check/zone.h"
#include "net/loop.h"
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the network ---- */

static const struct {
	const char *name, *alias, *address; /* no address: it does not exist */
} published[] = {
	{ "vcse.a.lab", NULL, "192.0.2.1" },
	{ "edge.example.com", NULL, "192.0.2.2" },
	{ "www.example.com", "vcse.a.lab", "192.0.2.1" }, /* to a name that is planned too */
	{ "old.example.com", "new.a.lab", NULL }, /* to a name that only the plan has */
	{ "round.example.com", "round.a.lab", NULL },
	{ "broken.example.com", NULL, "!" },
	{ "ill.a.lab", NULL, "!" },
};

struct net_query {
	struct net_question question;
	char *name;
	struct wheel_timer timer;
	struct net_loop *loop;
};

static unsigned asked, cancelled;
static bool is_signed;
static int refuse_with;
static int64_t delay_us, last_timeout_us;
static char last_name[256];

static const struct net_dns_answer *published_answer(const struct net_query *query)
{
	struct net_dns_told told = {
		.name = query->name, .type = query->question.type, .status = NET_DNS_NXDOMAIN, .ttl_s = 100
	};
	unsigned char bytes[4];
	struct span data = span_make((const char *)bytes, 4);
	for (size_t i = 0; i < BASE_COUNT(published); i++) {
		if (strcmp(published[i].name, query->name) != 0)
			continue;
		told.canonical = published[i].alias;
		if (!published[i].address)
			break;
		if (published[i].address[0] == '!') {
			told.status = NET_DNS_SERVFAIL;
			told.why = "127.0.0.1@53: SERVFAIL";
			break;
		}
		base_require(inet_pton(AF_INET, published[i].address, bytes) == 1);
		told.status = NET_DNS_OK;
		told.data = &data;
		told.data_count = 1;
	}
	const struct net_dns_answer *answer = net_dns_answer_tell(&told), *signed_answer;
	/* The zone of a.lab is signed, so its "there is nothing" is as well. */
	if (told.status > NET_DNS_NXDOMAIN || !is_signed)
		return answer;
	signed_answer = net_dns_answer_as(query->name, answer, answer->alias, true);
	net_dns_answer_unref(answer);
	return signed_answer;
}

static void answer_now(struct wheel_timer *timer, int64_t now_us)
{
	struct net_query *query = base_container(timer, struct net_query, timer);
	const struct net_dns_answer *answer = published_answer(query);
	(void)now_us;
	query->question.answered(query->question.argument, answer);
	net_dns_answer_unref(answer);
	free(query->name);
	free(query);
}

int net_resolver_ask(struct net_resolver *resolver, struct net_loop *loop, const struct net_question *question,
	struct net_query **ret_query)
{
	(void)resolver;
	if (refuse_with)
		return refuse_with;
	struct net_query *query = calloc(1, sizeof(*query));
	asked++;
	last_timeout_us = question->timeout_us;
	snprintf(last_name, sizeof(last_name), "%s", question->name);
	query->question = *question;
	size_t length = strlen(question->name);
	query->name = strndup(question->name, length - (question->name[length - 1] == '.'));
	query->loop = loop;
	wheel_timer_init(&query->timer, answer_now);
	wheel_arm(net_loop_wheel(loop), &query->timer, net_loop_now_us(loop) + delay_us);
	*ret_query = query;
	return 0;
}

void net_query_cancel(struct net_query *query)
{
	cancelled++;
	wheel_disarm(net_loop_wheel(query->loop), &query->timer);
	free(query->name);
	free(query);
}

/* ---- the plan ---- */

static const char plan[] = "$ORIGIN a.lab.\n$TTL 300\n"
			   "vcse A 192.0.2.47\n"
			   "new A 192.0.2.48\n"
			   "ill A 192.0.2.49\n"
			   "near CNAME vcse\n"
			   "far CNAME edge.example.com.\n"
			   "there CNAME www.example.com.\n"
			   "round CNAME round.example.com.\n"
			   "gone CNAME nobody.example.com.\n"
			   "broken CNAME broken.example.com.\n";

struct house {
	struct clock clock;
	struct net_loop *loop;
	struct check_zone *zone;
	struct check_overlay *overlay;
	unsigned answers;
	bool inside_ask;
	const struct net_dns_answer *answer;
};

static void house_open(struct house *h, bool only)
{
	char error[CHECK_ZONE_ERROR_SIZE];
	*h = (struct house){ .clock = clock_system() };
	asked = cancelled = 0;
	refuse_with = 0;
	delay_us = 0;
	is_signed = false;
	assert_int_equal(net_loop_new(&h->clock, &h->loop), 0);
	assert_int_equal(check_zone_read_text("plan", span_of(plan), SPAN_NONE, &h->zone, error), 0);
	assert_int_equal(check_overlay_new(h->zone, only, NULL, h->loop, &h->overlay), 0);
}

static void house_close(struct house *h)
{
	net_dns_answer_unref(h->answer);
	check_overlay_free(h->overlay);
	net_loop_free(h->loop);
	check_zone_free(h->zone);
}

static void came(void *argument, const struct net_dns_answer *answer)
{
	struct house *h = argument;
	assert_false(h->inside_ask);
	h->answers++;
	net_dns_answer_unref(h->answer);
	h->answer = net_dns_answer_ref(answer);
}

static int ask(struct house *h, const char *name, int64_t timeout_us, struct net_query **ret_query)
{
	char copy[256]; /* the overlay may not borrow it */
	snprintf(copy, sizeof(copy), "%s", name);
	struct net_question question = {
		.name = copy, .type = NET_DNS_A, .timeout_us = timeout_us, .answered = came, .argument = h
	};
	h->inside_ask = true;
	int status = check_overlay_ask(h->overlay, &question, ret_query);
	h->inside_ask = false;
	memset(copy, 'x', sizeof(copy) - 1);
	return status;
}

static void wait_for_answer(struct house *h)
{
	for (int i = 0; i < 1000 && h->answers == 0; i++)
		net_loop_turn(h->loop, 10000);
	assert_int_equal(h->answers, 1);
	for (int i = 0; i < 3; i++)
		net_loop_turn(h->loop, 0);
	assert_int_equal(h->answers, 1);
}

/* "OK 192.0.2.47 via vcse.a.lab" */
static void write_answer(const struct net_dns_answer *answer, char text[256])
{
	char address[NET_ADDRESS_TEXT_SIZE] = "";
	if (answer->record_count > 0)
		net_address_format_host(&answer->records[0].address, address);
	snprintf(text, 256, "%s%s%s%s%s%s", net_dns_status_name(answer->status), address[0] ? " " : "", address,
		answer->alias ? " via " : "", answer->alias ? answer->canonical : "", answer->secure ? " secure" : "");
}

static const struct {
	const char *what, *name;
	bool only;
	const char *answer;
	unsigned asked;
} questions[] = {
	{ "the plan goes before what is published", "vcse.a.lab", false, "OK 192.0.2.47", 0 },
	{ "what is not planned is asked", "edge.example.com.", false, "OK 192.0.2.2", 1 },
	{ "nor does it exist", "nobody.a.lab", false, "NXDOMAIN", 1 },
	{ "only the plan counts", "nobody.a.lab", true, "NXDOMAIN", 0 },
	{ "but not for other zones", "edge.example.com", true, "OK 192.0.2.2", 1 },
	{ "a planned CNAME within the plan", "near.a.lab", false, "OK 192.0.2.47 via vcse.a.lab", 0 },
	{ "a planned CNAME to a published name", "far.a.lab", false, "OK 192.0.2.2 via edge.example.com", 1 },
	{ "and with the root dot", "far.a.lab.", true, "OK 192.0.2.2 via edge.example.com", 1 },
	{ "a published CNAME to a planned name", "www.example.com", false, "OK 192.0.2.47 via vcse.a.lab", 1 },
	{ "one to a name that only the plan has", "old.example.com", false, "OK 192.0.2.48 via new.a.lab", 1 },
	{ "out of the plan and back", "there.a.lab", false, "OK 192.0.2.47 via vcse.a.lab", 1 },
	{ "a planned CNAME to nothing", "gone.a.lab", false, "NXDOMAIN via nobody.example.com", 1 },
	{ "a failure stays one", "broken.a.lab", false, "SERVFAIL via broken.example.com", 1 },
	{ "plan and network in a circle", "round.a.lab", false, "SERVFAIL", 9 },
};

static void questions_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(questions); i++) {
		struct house h;
		char text[256];
		house_open(&h, questions[i].only);
		assert_int_equal(ask(&h, questions[i].name, 0, NULL), 0);
		wait_for_answer(&h);
		write_answer(h.answer, text);
		if (strcmp(text, questions[i].answer) != 0 || asked != questions[i].asked)
			fail_msg("%s: %s after %u questions, not %s after %u", questions[i].what, text, asked,
				questions[i].answer, questions[i].asked);
		assert_int_equal(strlen(h.answer->name),
			strlen(questions[i].name) - (questions[i].name[strlen(questions[i].name) - 1] == '.'));
		assert_int_equal(strncmp(h.answer->name, questions[i].name, strlen(h.answer->name)), 0);
		house_close(&h);
	}
}

static void failures_keep_their_words(void **state)
{
	struct house h;
	(void)state;
	house_open(&h, false);
	assert_int_equal(ask(&h, "broken.a.lab", 0, NULL), 0);
	wait_for_answer(&h);
	assert_string_equal(h.answer->why, "127.0.0.1@53: SERVFAIL");
	assert_string_equal(h.answer->name, "broken.a.lab");
	house_close(&h);
}

static const struct {
	const char *what, *name;
	int64_t delay_us;
	unsigned cancelled; /* questions in the network */
} cancels[] = {
	{ "an answer of the plan", "vcse.a.lab", 0, 0 },
	{ "a question in the network", "edge.example.com", 1000, 1 },
	{ "a CNAME under way", "far.a.lab", 1000, 1 },
};

static void cancelled_is_not_called(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cancels); i++)
		for (int whole = 0; whole < 2; whole++) {
			struct house h;
			struct net_query *query = NULL;
			house_open(&h, false);
			delay_us = cancels[i].delay_us;
			assert_int_equal(ask(&h, cancels[i].name, 0, &query), 0);
			assert_non_null(query);
			/* By its handle, or with the overlay itself. */
			if (whole) {
				check_overlay_free(h.overlay);
				h.overlay = NULL;
			} else {
				check_overlay_cancel(h.overlay, query);
			}
			for (int j = 0; j < 5; j++)
				net_loop_turn(h.loop, 1000);
			if (h.answers || cancelled != cancels[i].cancelled)
				fail_msg("%s: %u answers, %u cancelled", cancels[i].what, h.answers, cancelled);
			house_close(&h);
		}
}

static void the_deadline_counts_for_the_chain(void **state)
{
	struct house h;
	(void)state;
	house_open(&h, false);
	delay_us = 20000;
	assert_int_equal(ask(&h, "round.a.lab", 50000, NULL), 0);
	assert_int_equal(last_timeout_us, 50000);
	wait_for_answer(&h);
	assert_int_equal(h.answer->status, NET_DNS_TIMEOUT);
	assert_true(last_timeout_us < 50000);
	assert_true(asked < 9);
	house_close(&h);
}

static void refusals_of_the_resolver(void **state)
{
	struct house h;
	(void)state;
	house_open(&h, false);
	refuse_with = -ENOBUFS;
	assert_int_equal(ask(&h, "edge.example.com", 0, NULL), -ENOBUFS);
	assert_int_equal(ask(&h, "far.a.lab", 0, NULL), -ENOBUFS);
	assert_int_equal(ask(&h, "vcse.a.lab", 0, NULL), 0);
	wait_for_answer(&h);
	assert_int_equal(h.answer->status, NET_DNS_OK);
	assert_int_equal(ask(&h, "", 0, NULL), -EINVAL);
	house_close(&h);
}

static const struct {
	const char *what, *name;
	bool is_signed, only;
	const char *answer;
	unsigned asked;
} weights[] = {
	{ "a zone that is signed", "vcse.a.lab", true, false, "OK 192.0.2.47 secure", 1 },
	{ "a name that is not published yet", "new.a.lab", true, false, "OK 192.0.2.48 secure", 1 },
	{ "a zone that is not signed", "new.a.lab", false, false, "OK 192.0.2.48", 1 },
	{ "nobody can say", "ill.a.lab", true, false, "OK 192.0.2.49", 1 },
	{ "only the plan counts, the zone is signed all the same", "vcse.a.lab", true, true, "OK 192.0.2.47 secure",
		1 },
	{ "that only the plan counts, too", "nobody.a.lab", true, true, "NXDOMAIN secure", 1 },
	{ "and in a zone that is not signed", "nobody.a.lab", false, true, "NXDOMAIN", 1 },
	{ "a planned CNAME", "near.a.lab", true, false, "OK 192.0.2.47 via vcse.a.lab", 0 },
	{ "what is published keeps its own", "edge.example.com", true, false, "OK 192.0.2.2 secure", 1 },
};

static void planned_records_are_as_secure_as_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(weights); i++) {
		struct house h;
		char text[256];
		house_open(&h, weights[i].only);
		is_signed = weights[i].is_signed;
		check_overlay_validate(h.overlay);
		assert_int_equal(ask(&h, weights[i].name, 0, NULL), 0);
		wait_for_answer(&h);
		write_answer(h.answer, text);
		if (strcmp(text, weights[i].answer) != 0 || asked != weights[i].asked)
			fail_msg("%s: %s after %u questions", weights[i].what, text, asked);
		house_close(&h);
	}
}

/* Without the network the plan still says what it says. */
static void a_plan_outlives_the_network(void **state)
{
	struct house h;
	struct net_query *query = NULL;
	(void)state;
	house_open(&h, false);
	check_overlay_validate(h.overlay);
	refuse_with = -ENOBUFS;
	assert_int_equal(ask(&h, "vcse.a.lab", 0, NULL), 0);
	wait_for_answer(&h);
	assert_int_equal(h.answer->status, NET_DNS_OK);
	refuse_with = 0;
	delay_us = 1000;
	assert_int_equal(ask(&h, "vcse.a.lab", 0, &query), 0);
	check_overlay_cancel(h.overlay, query);
	assert_int_equal(cancelled, 1);
	house_close(&h);
}

/* Somebody else than the resolver. */
static unsigned through_asked, through_cancelled;

static int ask_somebody(void *argument, const struct net_question *question, struct net_query **ret_query)
{
	through_asked++;
	return net_resolver_ask(NULL, argument, question, ret_query);
}

static void cancel_somebody(void *argument, struct net_query *query)
{
	(void)argument;
	through_cancelled++;
	net_query_cancel(query);
}

static void somebody_else_is_asked(void **state)
{
	struct house h;
	struct net_query *query = NULL;
	(void)state;
	house_open(&h, false);
	check_overlay_ask_through(h.overlay, ask_somebody, cancel_somebody, h.loop);
	assert_int_equal(ask(&h, "far.a.lab", 0, NULL), 0);
	wait_for_answer(&h);
	assert_int_equal(through_asked, 1);
	delay_us = 1000;
	assert_int_equal(ask(&h, "edge.example.com", 0, &query), 0);
	check_overlay_cancel(h.overlay, query);
	assert_int_equal(through_asked, 2);
	assert_int_equal(through_cancelled, 1);
	house_close(&h);
}

/* The loop goes before anybody has taken the answer. */
static void nothing_is_left_behind(void **state)
{
	struct house h;
	(void)state;
	house_open(&h, false);
	assert_int_equal(ask(&h, "vcse.a.lab", 0, NULL), 0);
	check_overlay_free(h.overlay);
	h.overlay = NULL;
	house_close(&h);
	assert_int_equal(h.answers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_answered),
		cmocka_unit_test(failures_keep_their_words),
		cmocka_unit_test(cancelled_is_not_called),
		cmocka_unit_test(the_deadline_counts_for_the_chain),
		cmocka_unit_test(refusals_of_the_resolver),
		cmocka_unit_test(planned_records_are_as_secure_as_their_place),
		cmocka_unit_test(a_plan_outlives_the_network),
		cmocka_unit_test(somebody_else_is_asked),
		cmocka_unit_test(nothing_is_left_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
