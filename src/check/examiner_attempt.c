/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts of one domain: made for each address, given what a look saw, laid over with what is planned. */
#include "check/examiner_private.h"

#include <errno.h>
#include <stdlib.h>

static bool room_for_attempt(struct check_domain *domain)
{
	if (domain->attempt_count < domain->attempt_room)
		return true;
	size_t room = domain->attempt_room ? domain->attempt_room * 4 : 2;
	struct check_attempt *attempts = realloc(domain->attempts, room * sizeof(*attempts));
	if (attempts)
		domain->attempts = attempts;
	struct check_try **tries = realloc(domain->tries, room * sizeof(*tries));
	if (tries)
		domain->tries = tries;
	if (!attempts || !tries)
		return false;
	domain->attempt_room = room;
	return true;
}

struct peer_probe_facts check_nothing_seen(struct span target, struct span address)
{
	static const char *const names[PEER_VERSION_COUNT] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
	struct peer_probe_facts facts = {
		.connection = { .target = target, .address = address },
		.connect_us = -1,
		.handshake_us = -1,
		.reaction_us = -1,
		.answer_us = -1,
	};
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		facts.versions[i].name = names[i];
	return facts;
}

/* The planned certificate stands in for what a server shows, and for a handshake that went wrong. */
static void lay_planned_over(struct check_domain *domain, struct check_attempt *attempt)
{
	const struct check_desk *desk = domain->examiner->desk;
	struct trust_connection *connection = &attempt->probe.connection;
	if (desk->planned_count == 0 || !domain->planned_copied)
		return;
	attempt->planned_certificate = true;
	attempt->probe.chain = domain->planned_chain;
	attempt->probe.der = domain->planned;
	attempt->probe.der_count = desk->planned_count;
	if (connection->connect != TRUST_CONNECT_OPEN)
		return;
	connection->handshake = TRUST_HANDSHAKE_DONE;
	connection->alert = 0;
	connection->after_our_certificate = false;
	connection->text = SPAN_NONE;
}

static int copy_planned(struct check_domain *domain)
{
	const struct check_desk *desk = domain->examiner->desk;
	struct arena *arena = &domain->facts->arena;
	if (desk->planned_count == 0 || domain->planned_copied)
		return 0;
	struct span *der = arena_allocate(arena, desk->planned_count * sizeof(*der));
	if (!der || check_facts_copy_chain(arena, &desk->planned_chain, &domain->planned_chain) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < desk->planned_count; i++) {
		der[i] = arena_copy(arena, desk->planned[i]);
		if (!der[i].at)
			return -ENOMEM;
	}
	domain->planned = der;
	domain->planned_copied = true;
	return 0;
}

static void take_answer(struct check_domain *domain, struct check_attempt *attempt, const struct check_answer *answer)
{
	struct arena *arena = &domain->facts->arena;
	if (!answer)
		return;
	attempt->answer = *answer;
	attempt->answer.reason = arena_copy(arena, answer->reason);
	attempt->answer.server = arena_copy(arena, answer->server);
	attempt->answer.diagnostics = arena_copy(arena, answer->diagnostics);
	attempt->answer.text = arena_copy(arena, answer->text);
}

void check_try_saw(struct check_try *try, const struct peer_probe_facts *facts, const struct check_answer *answer)
{
	struct check_domain *domain = try->domain;
	struct check_attempt *attempt = &domain->attempts[try->index];
	struct peer_probe_facts copy;
	check_facts_claim(domain->facts, CHECK_PART_BYTES);
	if (check_facts_copy_probe(domain->facts, domain->attempts, domain->attempt_count, facts, &copy) == 0) {
		attempt->probe = copy;
		take_answer(domain, attempt, answer);
	} else {
		/* As if nobody had looked: nothing can be said of it. */
		attempt->probe.connection.text = SPAN("more was shown than there is room to keep");
	}
	check_facts_settle(domain->facts);
	lay_planned_over(domain, attempt);
	check_try_move(try, CHECK_TRY_OVER);
}

bool check_domain_try_next(struct check_domain *domain)
{
	if (list_is_empty(&domain->in_line))
		return false;
	struct check_try *try = base_container(domain->in_line.next, struct check_try, link);
	list_remove(&try->link);
	if (check_look_want(try))
		return true;
	/* It keeps its place in line. */
	list_insert_before(domain->in_line.next, &try->link);
	return false;
}

static struct check_try *add_attempt(struct check_domain *domain, size_t host, uint16_t port)
{
	struct check_try *try = room_for_attempt(domain) ? calloc(1, sizeof(*try)) : NULL;
	if (!try)
		return NULL;
	try->domain = domain;
	list_init(&try->link);
	try->index = domain->attempt_count;
	domain->tries[domain->attempt_count] = try;
	domain->attempts[domain->attempt_count++] = (struct check_attempt){
		.host = host,
		.port = port,
		.probe = check_nothing_seen(domain->facts->hosts[host].name, SPAN_NONE),
	};
	domain->counts[CHECK_TRY_IN_LINE]++;
	return try;
}

static void set_address(struct check_try *try, const struct net_address *address, uint16_t port)
{
	struct arena *arena = &try->domain->facts->arena;
	struct check_attempt *attempt = &try->domain->attempts[try->index];
	char text[NET_ADDRESS_TEXT_SIZE];
	try->address = *address;
	net_address_set_port(&try->address, port);
	net_address_format_host(address, text);
	attempt->address = arena_copy(arena, span_of(text));
	attempt->is_ipv6 = net_address_family(address) == AF_INET6;
	net_address_format(&try->address, text);
	attempt->probe.connection.address = arena_copy(arena, span_of(text));
}

static void try_address(struct check_domain *domain, size_t host, uint16_t port, const struct net_address *address)
{
	struct check_facts *facts = domain->facts;
	bool room = domain->attempt_count < CHECK_ATTEMPTS_MAXIMUM && copy_planned(domain) == 0;
	struct check_try *try = room ? add_attempt(domain, host, port) : NULL;
	if (!try) {
		facts->attempts_cut = true;
		return;
	}
	set_address(try, address, port);
	if (facts->not_connected) {
		lay_planned_over(domain, &domain->attempts[try->index]);
		check_try_move(try, CHECK_TRY_OVER);
	} else if (!list_is_empty(&domain->in_line) || !check_look_want(try)) {
		list_append(&domain->in_line, &try->link);
		check_examiner_queue(domain->examiner, domain);
	}
}

/* Without an address there is nothing to look at; the planned certificate is worth a judgement all the same. */
static void plan_without_address(struct check_domain *domain, size_t host, uint16_t port)
{
	bool room = domain->attempt_count < CHECK_ATTEMPTS_MAXIMUM && copy_planned(domain) == 0;
	struct check_try *try = room && domain->planned_copied ? add_attempt(domain, host, port) : NULL;
	if (!try)
		return;
	lay_planned_over(domain, &domain->attempts[try->index]);
	check_try_move(try, CHECK_TRY_OVER);
}

void check_domain_try_port(struct check_domain *domain, size_t host, uint16_t port, const struct peer_host *found)
{
	if (found->facts.address_count == 0)
		plan_without_address(domain, host, port);
	for (size_t i = 0; i < found->facts.address_count; i++)
		try_address(domain, host, port, &found->addresses[i]);
}
