/* SPDX-License-Identifier: Apache-2.0 */
#include "check/examiner_private.h"
#include "check/second_opinion.h"
#include "check/zone.h"
#include "config/node.h"
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>

#define KNOWN_MAXIMUM 256 /* hosts that come again at once; the cache keeps more */
#define STARVED_US (20 * CLOCK_MS_US)

/* ---- the end of a domain ---- */

/* Those that become ready meanwhile wait for the next turn: done may begin others, without end. */
static void tell_ready(struct wheel_timer *timer, int64_t now_us)
{
	struct check_examiner *examiner = base_container(timer, struct check_examiner, ready_timer);
	struct list round;
	list_init(&round);
	list_insert_before(&examiner->ready, &round);
	list_remove(&examiner->ready);
	while (!list_is_empty(&round)) {
		struct check_domain *domain = base_container(round.next, struct check_domain, turn);
		void (*done)(void *argument, struct check_facts *facts) = domain->done;
		void *argument = domain->argument;
		struct check_facts *facts = domain->facts;
		domain->facts = NULL;
		check_domain_free(domain);
		done(argument, facts);
	}
	if (!list_is_empty(&examiner->ready))
		wheel_arm(net_loop_wheel(examiner->loop), timer, now_us);
}

void check_domain_end(struct check_domain *domain)
{
	struct check_examiner *examiner = domain->examiner;
	wheel_disarm(net_loop_wheel(examiner->loop), &domain->deadline);
	domain->over = true;
	list_remove(&domain->turn);
	list_append(&examiner->ready, &domain->turn);
	if (!wheel_is_armed(&examiner->ready_timer))
		wheel_arm(net_loop_wheel(examiner->loop), &examiner->ready_timer, net_loop_now_us(examiner->loop));
}

void check_domain_free(struct check_domain *domain)
{
	wheel_disarm(net_loop_wheel(domain->examiner->loop), &domain->deadline);
	list_remove(&domain->all);
	list_remove(&domain->turn);
	domain->examiner->running--;
	for (size_t i = 0; i < domain->attempt_count; i++)
		free(domain->tries[i]);
	free(domain->tries);
	free(domain->attempts);
	free(domain->askings);
	check_facts_free(domain->facts);
	free(domain);
}

/* ---- places ---- */

void check_examiner_queue(struct check_examiner *examiner, struct check_domain *domain)
{
	if (list_is_empty(&domain->turn))
		list_append(&examiner->line, &domain->turn);
}

/* One try of each domain in line; those that have more go to its end. false: nobody could begin one. */
static bool serve_line(struct check_examiner *examiner)
{
	bool served = false;
	struct list round;
	list_init(&round);
	list_insert_before(&examiner->line, &round);
	list_remove(&examiner->line);
	while (!list_is_empty(&round)) {
		struct check_domain *domain = base_container(round.next, struct check_domain, turn);
		list_remove(&domain->turn);
		served = check_domain_try_next(domain) || served;
		if (!domain->over && !list_is_empty(&domain->in_line))
			list_append(&examiner->line, &domain->turn);
	}
	return served;
}

void check_examiner_next(struct check_examiner *examiner)
{
	while (!examiner->closing && examiner->places_taken < CHECK_PLACES && !list_is_empty(&examiner->line))
		if (!serve_line(examiner))
			return;
}

/* ---- the resolver has no room ---- */

static void ask_starved(struct wheel_timer *timer, int64_t now_us)
{
	struct check_examiner *examiner = base_container(timer, struct check_examiner, starved_timer);
	struct list round;
	(void)now_us;
	list_init(&round);
	list_insert_before(&examiner->starved, &round);
	list_remove(&examiner->starved);
	while (!list_is_empty(&round)) {
		struct check_asking *asking = base_container(round.next, struct check_asking, starved);
		list_remove(&asking->starved);
		check_domain_ask_again(asking);
	}
}

void check_examiner_starve(struct check_examiner *examiner, struct check_asking *asking)
{
	list_append(&examiner->starved, &asking->starved);
	if (!wheel_is_armed(&examiner->starved_timer))
		wheel_arm(net_loop_wheel(examiner->loop), &examiner->starved_timer,
			net_loop_now_us(examiner->loop) + STARVED_US);
}

/* ---- life ---- */

static int open_opinion(struct check_examiner *examiner, struct peer_view_settings *settings)
{
	struct check_desk *desk = examiner->desk;
	int status = check_second_opinion_new(desk->resolver, desk->plain_resolver, examiner->loop, &examiner->opinion);
	settings->ask = check_second_opinion_ask;
	settings->cancel = check_second_opinion_cancel;
	settings->ask_argument = examiner->opinion;
	return status;
}

static int open_overlay(struct check_examiner *examiner, struct peer_view_settings *settings)
{
	struct check_desk *desk = examiner->desk;
	int status = check_overlay_new(
		desk->zone, desk->options->zone_only, desk->resolver, examiner->loop, &examiner->overlay);
	if (status == 0 && examiner->opinion)
		check_overlay_ask_through(examiner->overlay, settings->ask, settings->cancel, settings->ask_argument);
	if (status == 0 && desk->validates)
		check_overlay_validate(examiner->overlay);
	settings->ask = check_overlay_ask;
	settings->cancel = check_overlay_cancel;
	settings->ask_argument = examiner->overlay;
	return status;
}

static int open_view(struct check_examiner *examiner)
{
	struct check_desk *desk = examiner->desk;
	struct peer_view_settings settings = {
		.cache = desk->cache,
		.loop = examiner->loop,
		.resolver = desk->resolver,
		.clock = &desk->clock,
		.service = desk->service,
		.tlsa = desk->tlsa,
		.timeout_us = desk->options->lookup_us,
		.known_maximum = KNOWN_MAXIMUM,
	};
	int status = desk->plain_resolver ? open_opinion(examiner, &settings) : 0;
	if (status == 0 && desk->zone)
		status = open_overlay(examiner, &settings);
	return status == 0 ? peer_view_new(&settings, &examiner->view) : status;
}

int check_examiner_new(struct check_desk *desk, struct net_loop *loop, const struct check_gate *gate,
	struct check_examiner **ret_examiner)
{
	struct check_examiner *examiner = calloc(1, sizeof(*examiner));
	if (!examiner)
		return -ENOMEM;
	examiner->desk = desk;
	examiner->loop = loop;
	if (gate)
		examiner->gate = *gate;
	list_init(&examiner->domains);
	list_init(&examiner->ready);
	list_init(&examiner->starved);
	list_init(&examiner->line);
	list_init(&examiner->kept);
	wheel_timer_init(&examiner->ready_timer, tell_ready);
	wheel_timer_init(&examiner->starved_timer, ask_starved);
	int status = random_init(&examiner->random);
	if (status == 0) {
		examiner->key = random_hash_key(&examiner->random);
		status = hash_init(&examiner->looks, CHECK_PLACES + CHECK_KEPT_MAXIMUM + 1);
	}
	if (status == 0)
		status = open_view(examiner);
	if (status < 0) {
		check_examiner_free(examiner);
		return status;
	}
	*ret_examiner = examiner;
	return 0;
}

void check_examiner_free(struct check_examiner *examiner)
{
	if (!examiner)
		return;
	examiner->closing = true;
	while (!list_is_empty(&examiner->domains)) {
		struct check_domain *domain = base_container(examiner->domains.next, struct check_domain, all);
		check_domain_stop(domain);
		check_domain_free(domain);
	}
	check_look_free_all(examiner);
	hash_done(&examiner->looks);
	wheel_disarm(net_loop_wheel(examiner->loop), &examiner->ready_timer);
	wheel_disarm(net_loop_wheel(examiner->loop), &examiner->starved_timer);
	peer_view_free(examiner->view);
	check_overlay_free(examiner->overlay);
	check_second_opinion_free(examiner->opinion);
	free(examiner);
}

size_t check_examiner_running(const struct check_examiner *examiner)
{
	return examiner->running;
}

/* ---- one domain ---- */

static struct check_domain *domain_new(struct check_examiner *examiner)
{
	struct check_domain *domain = calloc(1, sizeof(*domain));
	if (!domain)
		return NULL;
	domain->facts = check_facts_new();
	if (!domain->facts) {
		free(domain);
		return NULL;
	}
	check_facts_live_within(domain->facts, examiner->desk->budget);
	domain->examiner = examiner;
	domain->started_us = clock_steady_us(&examiner->desk->clock);
	list_init(&domain->turn);
	list_init(&domain->in_line);
	list_init(&domain->all);
	list_append(&examiner->domains, &domain->all);
	wheel_timer_init(&domain->deadline, check_domain_too_late);
	examiner->running++;
	return domain;
}

/* What holds for every domain of the desk. */
static bool facts_begin(struct check_facts *facts, struct check_desk *desk, struct span typed)
{
	const struct check_options *options = desk->options;
	const struct config_node *node = options->node;
	facts->typed = arena_copy(&facts->arena, typed.at ? typed : SPAN(""));
	facts->examined_us = clock_wall_us(&desk->clock);
	facts->resolvers = arena_copy(&facts->arena, desk->resolvers);
	facts->vantage = arena_copy(&facts->arena, desk->vantage);
	facts->validated = desk->validates;
	facts->why_not_validated = desk->why_not_validated; /* a literal */
	facts->client_certificate = options->client_certificate_file || (node && node->tls.identity_count > 0);
	facts->planned_zone = desk->zone != NULL;
	facts->not_connected = options->no_connect;
	facts->probe_from = arena_copy(&facts->arena, span_of(options->probe ? options->probe_from : NULL));
	return facts->typed.at && facts->resolvers.at && facts->vantage.at;
}

int check_examine(struct check_examiner *examiner, struct span typed,
	void (*done)(void *argument, struct check_facts *facts), void *argument)
{
	struct check_domain *domain = domain_new(examiner);
	if (!domain)
		return -ENOMEM;
	domain->done = done;
	domain->argument = argument;
	int status = facts_begin(domain->facts, examiner->desk, typed) ? check_domain_begin(domain) : -ENOMEM;
	if (status < 0) {
		check_domain_stop(domain);
		check_domain_free(domain);
	}
	return status;
}
