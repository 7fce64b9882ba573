/* SPDX-License-Identifier: Apache-2.0 */
/* One domain: its name, its SRV answer or configured server, the addresses of every host, a look at each. */
#include "check/examiner_private.h"
#include "check/name.h"
#include "net/loop.h"
#include "trust/names.h"

#include <errno.h>
#include <stdlib.h>

#define DOMAIN_DEFAULT_US (30 * CLOCK_SECOND_US)
/* A try that got its turn has at least so long, */
#define TURN_US (10 * CLOCK_SECOND_US)
/* and whoever waits for turns ends all the same. */
#define WAIT_DEFAULT_US (600 * CLOCK_SECOND_US)

/* ---- the deadline ---- */

static int64_t now_of(const struct check_domain *domain)
{
	return net_loop_now_us(domain->examiner->loop);
}

static void arm(struct check_domain *domain, int64_t due_us)
{
	wheel_arm(net_loop_wheel(domain->examiner->loop), &domain->deadline, due_us);
}

/* Waiting for others of our own run is no fault of this domain's servers. */
static void keep_time(struct check_domain *domain)
{
	size_t waiting = domain->counts[CHECK_TRY_IN_LINE] + domain->counts[CHECK_TRY_AT_GATE];
	bool still = waiting > 0 && domain->asking == 0 && domain->counts[CHECK_TRY_LOOKING] == 0;
	if (still == domain->still || domain->over)
		return;
	domain->still = still;
	if (still) {
		int64_t patience_us = domain->examiner->gate.patience_us;
		domain->remaining_us = domain->deadline.due_us - now_of(domain);
		arm(domain, domain->started_us + (patience_us ? patience_us : WAIT_DEFAULT_US));
	} else {
		int64_t turn_us = domain->whole_us < TURN_US ? domain->whole_us : TURN_US;
		arm(domain, now_of(domain) + (domain->remaining_us > turn_us ? domain->remaining_us : turn_us));
	}
}

static void end_if_all_known(struct check_domain *domain);

void check_try_move(struct check_try *try, enum check_try_state state)
{
	struct check_domain *domain = try->domain;
	domain->counts[try->state]--;
	domain->counts[state]++;
	try->state = state;
	keep_time(domain);
	if (state == CHECK_TRY_OVER)
		end_if_all_known(domain);
}

/* ---- the end ---- */

/* In the order of the hosts, of the ports, of the addresses: as they were begun, but for the hosts. */
static void order_attempts(const struct check_domain *domain, struct check_attempt *ordered)
{
	size_t count = 0;
	for (size_t host = 0; host < domain->facts->host_count; host++)
		for (size_t i = 0; i < domain->attempt_count; i++)
			if (domain->attempts[i].host == host)
				ordered[count++] = domain->attempts[i];
}

static void finish(struct check_domain *domain)
{
	struct check_facts *facts = domain->facts;
	struct check_attempt *attempts = arena_allocate(&facts->arena, (domain->attempt_count + 1) * sizeof(*attempts));
	if (attempts) {
		order_attempts(domain, attempts);
		facts->attempts = attempts;
		facts->attempt_count = domain->attempt_count;
	} else {
		facts->attempts_cut = true;
	}
	check_facts_settle(facts);
	facts->srv.hosts = facts->hosts;
	facts->srv.host_count = facts->host_count;
	facts->elapsed_us = clock_steady_us(&domain->examiner->desk->clock) - domain->started_us;
	check_domain_end(domain);
}

static void end_if_all_known(struct check_domain *domain)
{
	if (!domain->over && domain->asking == 0 && domain->counts[CHECK_TRY_OVER] == domain->attempt_count)
		finish(domain);
}

void check_domain_stop(struct check_domain *domain)
{
	domain->over = true;
	list_remove(&domain->turn);
	if (domain->ask)
		peer_ask_cancel(domain->ask);
	domain->ask = NULL;
	for (size_t i = 0; domain->askings && i < domain->facts->host_count; i++) {
		struct check_asking *asking = &domain->askings[i];
		if (asking->ask)
			peer_ask_cancel(asking->ask);
		asking->ask = NULL;
		list_remove(&asking->starved);
	}
	for (size_t i = 0; i < domain->attempt_count; i++) {
		struct check_try *try = domain->tries[i];
		if (try->look)
			check_look_leave(try);
		list_remove(&try->link);
	}
	domain->asking = 0;
}

static void say_lookup(struct trust_lookup *lookup, enum trust_lookup_status status, const char *why)
{
	if (lookup->status == TRUST_LOOKUP_NOT_ASKED)
		*lookup = (struct trust_lookup){ .status = status, .name = lookup->name, .why = span_of(why) };
}

static void say_host(const struct check_domain *domain, size_t index, enum trust_lookup_status status, const char *why)
{
	struct trust_host *host = &domain->facts->hosts[index];
	say_lookup(&host->a, status, why);
	say_lookup(&host->aaaa, status, why);
	if (domain->examiner->desk->tlsa)
		say_lookup(&host->tlsa_lookup, status, why);
}

void check_domain_too_late(struct wheel_timer *timer, int64_t now_us)
{
	static const char why[] = "the time for the whole domain was over";
	struct check_domain *domain = base_container(timer, struct check_domain, deadline);
	struct check_facts *facts = domain->facts;
	(void)now_us;
	check_domain_stop(domain);
	facts->deadline_passed = true;
	if (!facts->server.at)
		say_lookup(&facts->srv.lookup, TRUST_LOOKUP_CANCELLED, why);
	for (size_t i = 0; i < facts->host_count; i++)
		say_host(domain, i, TRUST_LOOKUP_CANCELLED, why);
	for (size_t i = 0; i < domain->attempt_count; i++)
		if (domain->tries[i]->state != CHECK_TRY_OVER)
			domain->attempts[i].probe.connection.text = span_of(why);
	finish(domain);
}

/* ---- hosts ---- */

/* The ports of a host: each once, in the order of its records. */
static bool is_first_with_port(const struct trust_domain *srv, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (srv->records[i].port == srv->records[index].port &&
			trust_name_equal(srv->records[i].target, srv->records[index].target))
			return false;
	return true;
}

static void try_host(struct check_domain *domain, size_t host, const struct peer_host *found)
{
	const struct trust_domain *srv = &domain->facts->srv;
	if (domain->facts->server.at) {
		check_domain_try_port(domain, host, domain->facts->server_port, found);
		return;
	}
	for (size_t i = 0; i < srv->record_count; i++)
		if (trust_name_equal(srv->records[i].target, domain->facts->hosts[host].name) &&
			is_first_with_port(srv, i))
			check_domain_try_port(domain, host, srv->records[i].port, found);
}

/* Counts the answer only when all that follows from it is begun: the domain must not end in between. */
static void host_known(struct check_asking *asking, const struct peer_host *found)
{
	struct check_domain *domain = asking->domain;
	size_t host = (size_t)(asking - domain->askings);
	struct trust_host facts;
	check_facts_claim(domain->facts, CHECK_PART_BYTES);
	int status = check_facts_copy_host(&domain->facts->arena, &found->facts, &facts);
	check_facts_settle(domain->facts);
	if (status == 0) {
		domain->facts->hosts[host] = facts;
		try_host(domain, host, found);
	} else {
		say_host(domain, host, TRUST_LOOKUP_SERVFAIL, "there is no memory for the answer");
	}
	domain->asking--;
	keep_time(domain);
}

static void found_host(void *argument, const struct peer_host *found)
{
	struct check_asking *asking = argument;
	asking->ask = NULL;
	host_known(asking, found);
	end_if_all_known(asking->domain);
}

/* It was counted already. */
static void ask_host(struct check_asking *asking)
{
	struct check_domain *domain = asking->domain;
	struct check_examiner *examiner = domain->examiner;
	size_t host = (size_t)(asking - domain->askings);
	const struct peer_host *known;
	const struct peer_found found = { .host = found_host, .argument = asking };
	int status = peer_find_host(examiner->view, domain->facts->hosts[host].name, domain->facts->host_ports[host],
		&found, &known, &asking->ask);
	if (status == 1) {
		host_known(asking, known);
		peer_host_unref(known);
	} else if (status == -ENOBUFS) {
		check_examiner_starve(examiner, asking);
	} else if (status < 0) {
		say_host(domain, host, TRUST_LOOKUP_MALFORMED,
			status == -EINVAL ? "no name that the DNS could be asked for" : strerrordesc_np(-status));
		domain->asking--;
	}
}

void check_domain_ask_again(struct check_asking *asking)
{
	ask_host(asking);
	end_if_all_known(asking->domain);
}

static int begin_hosts(struct check_domain *domain, size_t room)
{
	struct check_facts *facts = domain->facts;
	facts->hosts = arena_zero(&facts->arena, (room + 1) * sizeof(*facts->hosts));
	facts->host_ports = arena_zero(&facts->arena, (room + 1) * sizeof(*facts->host_ports));
	domain->askings = calloc(room + 1, sizeof(*domain->askings));
	return facts->hosts && facts->host_ports && domain->askings ? 0 : -ENOMEM;
}

static void add_host(struct check_domain *domain, struct span name, uint16_t port)
{
	struct check_facts *facts = domain->facts;
	for (size_t i = 0; i < facts->host_count; i++)
		if (trust_name_equal(facts->hosts[i].name, name))
			return;
	if (facts->host_count == CHECK_HOSTS_MAXIMUM) {
		facts->attempts_cut = true;
		return;
	}
	struct check_asking *asking = &domain->askings[facts->host_count];
	asking->domain = domain;
	list_init(&asking->starved);
	facts->hosts[facts->host_count].name = name;
	facts->host_ports[facts->host_count++] = port;
}

static void ask_hosts(struct check_domain *domain)
{
	size_t count = domain->facts->host_count;
	domain->asking += count;
	for (size_t i = 0; i < count; i++)
		ask_host(&domain->askings[i]);
}

/* ---- SRV ---- */

static int by_preference(const void *left, const void *right)
{
	const struct trust_srv *a = *(const struct trust_srv *const *)left,
			       *b = *(const struct trust_srv *const *)right;
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a < b ? -1 : a > b; /* as they came */
}

/* RFC 2782 order without its dice: what is cut off is the least preferred. */
static int take_targets(struct check_domain *domain)
{
	const struct trust_domain *srv = &domain->facts->srv;
	size_t count = srv->record_count;
	const struct trust_srv **order = calloc(count + 1, sizeof(*order));
	int status = order ? begin_hosts(domain, count < CHECK_HOSTS_MAXIMUM ? count : CHECK_HOSTS_MAXIMUM) : -ENOMEM;
	for (size_t i = 0; order && i < count; i++)
		order[i] = &srv->records[i];
	if (status == 0) {
		qsort(order, count, sizeof(*order), by_preference);
		for (size_t i = 0; i < count; i++)
			if (order[i]->target.length > 0) /* the root: decidedly not there */
				add_host(domain, order[i]->target, order[i]->port);
	}
	free(order);
	return status;
}

static void domain_known(struct check_domain *domain, const struct peer_domain *found)
{
	struct check_facts *facts = domain->facts;
	struct span domain_name = facts->srv.domain, service = facts->srv.service;
	facts->lookup_us = clock_steady_us(&domain->examiner->desk->clock) - domain->started_us;
	check_facts_claim(facts, CHECK_PART_BYTES);
	int status = check_facts_copy_domain(&facts->arena, &found->facts, &facts->srv);
	check_facts_settle(facts);
	if (status == 0 && take_targets(domain) == 0) {
		ask_hosts(domain);
	} else {
		facts->srv = (struct trust_domain){ .domain = domain_name, .service = service };
		facts->host_count = 0;
		say_lookup(&facts->srv.lookup, TRUST_LOOKUP_SERVFAIL, "there is no memory for the answer");
	}
	domain->asking--;
	keep_time(domain);
	end_if_all_known(domain);
}

static void found_domain(void *argument, const struct peer_domain *found)
{
	struct check_domain *domain = argument;
	domain->ask = NULL;
	domain_known(domain, found);
}

static int ask_domain(struct check_domain *domain)
{
	const struct peer_domain *known;
	const struct peer_found found = { .domain = found_domain, .argument = domain };
	domain->asking++;
	int status = peer_find_domain(domain->examiner->view, domain->facts->domain, &found, &known, &domain->ask);
	if (status == 1) {
		domain_known(domain, known);
		peer_domain_unref(known);
	}
	return status < 0 ? status : 0;
}

/* ---- the beginning ---- */

static int use_server(struct check_domain *domain, const struct trust_partner *partner)
{
	struct check_facts *facts = domain->facts;
	facts->server = arena_copy(&facts->arena, trust_name_strip(partner->server));
	facts->server_port = partner->port ? partner->port : TRUST_DEFAULT_PORT;
	if (!facts->server.at || begin_hosts(domain, 1) < 0)
		return -ENOMEM;
	add_host(domain, facts->server, facts->server_port);
	ask_hosts(domain);
	end_if_all_known(domain);
	return 0;
}

int check_domain_begin(struct check_domain *domain)
{
	struct check_facts *facts = domain->facts;
	const struct check_desk *desk = domain->examiner->desk;
	facts->srv.service = arena_copy(&facts->arena, span_of(desk->service));
	if (!facts->srv.service.at)
		return -ENOMEM;
	if (!check_name_read(facts->typed, &facts->arena, &facts->domain, &facts->why_not)) {
		finish(domain);
		return 0;
	}
	facts->srv.domain = facts->domain;
	domain->whole_us = desk->options->domain_us > 0 ? desk->options->domain_us : DOMAIN_DEFAULT_US;
	arm(domain, now_of(domain) + domain->whole_us);
	const struct trust_partner *partner = trust_policy_partner(&desk->policy, facts->domain);
	return partner && partner->server.length ? use_server(domain, partner) : ask_domain(domain);
}
