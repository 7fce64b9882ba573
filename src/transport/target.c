/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/target.h"

#include "base/arena.h"
#include "base/require.h"
#include "net/loop.h"
#include "net/resolver.h"

#include <errno.h>
#include <stdlib.h>

/* A place to look for addresses: an SRV target, or the host itself. */
struct candidate {
	enum transport_protocol protocol;
	const char *name;
	uint16_t port;
	uint16_t priority;
	uint16_t weight;
	unsigned flags; /* added to the question's */
};

#define LOOKUP_MAXIMUM (2 * TRANSPORT_TARGET_MAXIMUM)
struct lookup {
	struct transport_query *query;
	struct net_query *asked; /* NULL: answered, or could not be asked */
	enum transport_protocol protocol; /* SRV: whose records */
	const struct net_dns_answer *answer;
	int status; /* negative errno: could not be asked */
};

struct transport_query {
	struct transport_resolving with;
	struct transport_question question;
	void (*done)(void *argument, const struct transport_answer *answer);
	void *argument;
	char *host; /* as a name, without brackets */
	struct arena arena;
	struct lookup lookups[LOOKUP_MAXIMUM];
	size_t lookup_count;
	size_t pending;
	void (*stage)(struct transport_query *query); /* when all lookups are answered */
	struct candidate candidates[TRANSPORT_TARGET_MAXIMUM];
	size_t candidate_count;
	struct transport_target targets[TRANSPORT_TARGET_MAXIMUM];
	size_t target_count;
	struct wheel_timer later; /* no answer before transport_resolve has returned */
	int status;
	struct span why;
};

/* ---- lookups ---- */

static void lookups_forget(struct transport_query *query)
{
	for (size_t i = 0; i < query->lookup_count; i++) {
		if (query->lookups[i].asked)
			net_query_cancel(query->lookups[i].asked);
		net_dns_answer_unref(query->lookups[i].answer);
	}
	query->lookup_count = 0;
	query->pending = 0;
}

static void query_free(struct transport_query *query)
{
	lookups_forget(query);
	wheel_disarm(net_loop_wheel(query->with.loop), &query->later);
	arena_done(&query->arena);
	free(query->host);
	free(query);
}

void transport_query_cancel(struct transport_query *query)
{
	if (query)
		query_free(query);
}

static void deliver(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	struct transport_query *query = base_container(timer, struct transport_query, later);
	struct transport_answer answer = { query->status, span_of(query->host), query->targets, query->target_count,
		query->why };
	void (*done)(void *, const struct transport_answer *) = query->done;
	query->done = NULL;
	done(query->argument, &answer);
	query_free(query);
}

static void finish(struct transport_query *query, int status, struct span why)
{
	query->status = query->target_count > 0 ? 0 : status;
	query->why = query->target_count > 0 ? SPAN("") : why;
	query->later.fired = deliver;
	wheel_arm(net_loop_wheel(query->with.loop), &query->later, net_loop_now_us(query->with.loop));
}

static void later(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	struct transport_query *query = base_container(timer, struct transport_query, later);
	query->stage(query);
}

static void stage_when_answered(struct transport_query *query)
{
	if (query->pending > 0)
		return;
	query->later.fired = later;
	wheel_arm(net_loop_wheel(query->with.loop), &query->later, net_loop_now_us(query->with.loop));
}

static void tell(const struct transport_query *query, const char *name, enum net_dns_type type,
	const struct net_dns_answer *answer)
{
	if (query->with.told)
		query->with.told(query->argument, name, type, answer);
}

static void answered(void *argument, const struct net_dns_answer *answer)
{
	struct lookup *lookup = argument;
	lookup->asked = NULL;
	lookup->answer = net_dns_answer_ref(answer);
	tell(lookup->query, answer->name, answer->type, answer);
	lookup->query->pending--;
	stage_when_answered(lookup->query);
}

static void ask(
	struct transport_query *query, const char *name, enum net_dns_type type, enum transport_protocol protocol)
{
	if (query->lookup_count == LOOKUP_MAXIMUM)
		return;
	struct lookup *lookup = &query->lookups[query->lookup_count++];
	*lookup = (struct lookup){ .query = query, .protocol = protocol };
	struct net_question question = { .name = name, .type = type, .answered = answered, .argument = lookup };
	if (!query->with.resolver)
		lookup->status = -ENOENT;
	else
		lookup->status = net_resolver_ask(query->with.resolver, query->with.loop, &question, &lookup->asked);
	if (lookup->status < 0)
		return;
	query->pending++;
	tell(query, name, type, NULL);
}

/* ---- what failed answers mean ---- */

static int status_of(const struct lookup *lookup)
{
	if (!lookup->answer)
		return lookup->status ? lookup->status : -EAGAIN;
	switch (lookup->answer->status) {
	case NET_DNS_OK:
		return 0;
	case NET_DNS_NODATA:
	case NET_DNS_NXDOMAIN:
		return -ENOENT;
	case NET_DNS_TIMEOUT:
		return -ETIMEDOUT;
	case NET_DNS_BOGUS:
		return -EBADMSG;
	default:
		return -EAGAIN;
	}
}

/* The first lookup that could not be decided, or NULL where all said "nothing there". */
static const struct lookup *first_undecided(const struct transport_query *query)
{
	for (size_t i = 0; i < query->lookup_count; i++) {
		int status = status_of(&query->lookups[i]);
		if (status != 0 && status != -ENOENT)
			return &query->lookups[i];
	}
	return NULL;
}

static void finish_by_lookups(struct transport_query *query, const char *records)
{
	const struct lookup *failed = first_undecided(query);
	if (!failed) {
		struct span why = arena_printf(&query->arena, "no %s record for %s", records, query->host);
		finish(query, -ENOENT, why);
		return;
	}
	const char *reason = failed->answer ? failed->answer->why : "could not be asked";
	const char *type = failed->answer ? net_dns_type_name(failed->answer->type) : records;
	const char *name = failed->answer ? failed->answer->name : query->host;
	finish(query, status_of(failed), arena_printf(&query->arena, "%s lookup of %s: %s", type, name, reason));
}

/* ---- addresses: the last step ---- */

static void add_target(
	struct transport_query *query, const struct candidate *candidate, const struct net_address *address)
{
	if (query->target_count == TRANSPORT_TARGET_MAXIMUM)
		return;
	struct transport_target *target = &query->targets[query->target_count++];
	*target = (struct transport_target){
		.protocol = candidate->protocol,
		.address = *address,
		.name = span_of(candidate->name),
		.identity = query->question.identity,
		.flags = query->question.flags | candidate->flags,
		.flow = TRANSPORT_FLOW_NONE,
		.mark = query->question.mark,
	};
	net_address_set_port(&target->address, candidate->port);
}

static void addresses_answered(struct transport_query *query)
{
	for (size_t i = 0; i < query->lookup_count; i++) {
		const struct net_dns_answer *answer = query->lookups[i].answer;
		for (size_t k = 0; answer && k < answer->record_count; k++)
			add_target(query, &query->candidates[i / 2], &answer->records[k].address);
	}
	finish_by_lookups(query, "A or AAAA");
}

static void ask_addresses(struct transport_query *query)
{
	lookups_forget(query);
	query->stage = addresses_answered;
	for (size_t i = 0; i < query->candidate_count; i++) {
		ask(query, query->candidates[i].name, NET_DNS_A, TRANSPORT_ANY);
		ask(query, query->candidates[i].name, NET_DNS_AAAA, TRANSPORT_ANY);
	}
	stage_when_answered(query);
}

/* RFC 3263 4.1: where nothing says otherwise, sips and TLS take TLS, sip takes UDP (and TCP for
 * messages too big for it). */
static enum transport_protocol default_protocol(const struct transport_question *question)
{
	if (question->secure)
		return TRANSPORT_TLS;
	return question->protocol == TRANSPORT_ANY ? TRANSPORT_UDP : question->protocol;
}

static struct candidate host_candidate(const struct transport_query *query)
{
	enum transport_protocol protocol = default_protocol(&query->question);
	if (!query->question.secure && query->question.protocol == TRANSPORT_ANY && query->question.fallback)
		protocol = query->question.fallback;
	bool may_switch = protocol == TRANSPORT_UDP && query->question.protocol == TRANSPORT_ANY;
	return (struct candidate){
		.protocol = protocol,
		.name = query->host,
		.port = query->question.port ? query->question.port : transport_protocol_port(protocol),
		.flags = may_switch ? TRANSPORT_TARGET_MAY_SWITCH : 0,
	};
}

/* ---- SRV ---- */

/* RFC 2782, "Usage rules": within a priority each next one is drawn with a chance by its weight;
 * those with weight 0 stand first so that they are rarely, but sometimes, drawn. */
static size_t draw(struct random *random, const struct candidate *from, size_t count)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += from[i].weight;
	uint64_t drawn = random_below(random, sum + 1);
	uint64_t running = 0;
	for (size_t i = 0; i < count; i++) {
		running += from[i].weight;
		if (running >= drawn)
			return i;
	}
	return count - 1;
}

static int by_priority(const void *a, const void *b)
{
	const struct candidate *first = a;
	const struct candidate *second = b;
	if (first->priority != second->priority)
		return first->priority < second->priority ? -1 : 1;
	return (first->weight != 0) - (second->weight != 0);
}

static void order(struct random *random, struct candidate *candidates, size_t count)
{
	qsort(candidates, count, sizeof(*candidates), by_priority);
	for (size_t start = 0; start < count; start++) {
		size_t same = 1;
		while (start + same < count && candidates[start + same].priority == candidates[start].priority)
			same++;
		size_t chosen = start + draw(random, candidates + start, same);
		struct candidate first = candidates[chosen];
		memmove(candidates + start + 1, candidates + start, (chosen - start) * sizeof(*candidates));
		candidates[start] = first;
	}
}

static void add_services(struct transport_query *query, const struct lookup *lookup)
{
	const struct net_dns_answer *answer = lookup->answer;
	struct candidate *first = &query->candidates[query->candidate_count];
	size_t added = 0;
	for (size_t i = 0; answer && i < answer->record_count; i++) {
		const struct net_dns_record *record = &answer->records[i];
		if (strcmp(record->srv.target, ".") == 0 || record->srv.target[0] == '\0')
			continue; /* RFC 2782: decidedly not available */
		if (query->candidate_count + added == TRANSPORT_TARGET_MAXIMUM)
			break;
		first[added++] = (struct candidate){
			.protocol = lookup->protocol,
			.name = arena_copy_text(&query->arena, record->srv.target),
			.port = record->srv.port,
			.priority = record->srv.priority,
			.weight = record->srv.weight,
		};
	}
	order(query->with.random, first, added);
	query->candidate_count += added;
}

static bool is_decidedly_unavailable(const struct transport_query *query)
{
	for (size_t i = 0; i < query->lookup_count; i++)
		if (query->lookups[i].answer && query->lookups[i].answer->status == NET_DNS_OK)
			return true;
	return false;
}

static void services_answered(struct transport_query *query)
{
	for (size_t i = 0; i < query->lookup_count; i++)
		add_services(query, &query->lookups[i]);
	if (query->candidate_count == 0 && is_decidedly_unavailable(query)) {
		finish(query, -ENOENT,
			arena_printf(&query->arena, "the SRV record of %s says \"not available\"", query->host));
		return;
	}
	if (query->candidate_count == 0 && first_undecided(query)) {
		/* Not "no SRV": guessing the address now could send the call somewhere else. */
		finish_by_lookups(query, "SRV");
		return;
	}
	if (query->candidate_count == 0 && query->question.services_only) {
		finish_by_lookups(query, "SRV");
		return;
	}
	if (query->candidate_count == 0) {
		query->candidates[0] = host_candidate(query);
		query->candidate_count = 1;
	}
	ask_addresses(query);
}

static void ask_service(struct transport_query *query, enum transport_protocol protocol)
{
	static const char *const prefixes[] = {
		[TRANSPORT_UDP] = "_sip._udp",
		[TRANSPORT_TCP] = "_sip._tcp",
		[TRANSPORT_TLS] = "_sips._tcp",
	};
	struct span name = arena_printf(&query->arena, "%s.%s", prefixes[protocol], query->host);
	if (name.at)
		ask(query, name.at, NET_DNS_SRV, protocol);
}

static void ask_services(struct transport_query *query)
{
	query->stage = services_answered;
	const struct transport_question *question = &query->question;
	if (question->secure || question->protocol != TRANSPORT_ANY) {
		ask_service(query, default_protocol(question));
	} else {
		ask_service(query, TRANSPORT_TLS);
		ask_service(query, TRANSPORT_TCP);
		ask_service(query, TRANSPORT_UDP);
	}
	stage_when_answered(query);
}

/* ---- NAPTR ---- */

static enum transport_protocol naptr_protocol(const struct net_dns_record *record)
{
	static const struct {
		const char *service;
		enum transport_protocol protocol;
	} services[] = { /* RFC 3263 4.1 */
		{ "SIPS+D2T", TRANSPORT_TLS }, { "SIP+D2T", TRANSPORT_TCP }, { "SIP+D2U", TRANSPORT_UDP }
	};
	if (!span_is_nocase(record->naptr.flags, "s"))
		return TRANSPORT_ANY;
	for (size_t i = 0; i < BASE_COUNT(services); i++)
		if (span_is_nocase(record->naptr.service, services[i].service))
			return services[i].protocol;
	return TRANSPORT_ANY;
}

static int by_order(const void *a, const void *b)
{
	const struct net_dns_record *first = *(const struct net_dns_record *const *)a;
	const struct net_dns_record *second = *(const struct net_dns_record *const *)b;
	if (first->naptr.order != second->naptr.order)
		return first->naptr.order < second->naptr.order ? -1 : 1;
	return (first->naptr.preference > second->naptr.preference) -
	       (first->naptr.preference < second->naptr.preference);
}

#define NAPTR_MAXIMUM 8
static void naptr_answered(struct transport_query *query)
{
	const struct net_dns_answer *answer = query->lookups[0].answer;
	const struct net_dns_record *usable[NAPTR_MAXIMUM];
	size_t count = 0;
	for (size_t i = 0; answer && i < answer->record_count && count < NAPTR_MAXIMUM; i++) {
		enum transport_protocol protocol = naptr_protocol(&answer->records[i]);
		if (protocol != TRANSPORT_ANY && (!query->question.secure || protocol == TRANSPORT_TLS))
			usable[count++] = &answer->records[i];
	}
	if (count == 0) {
		lookups_forget(query);
		ask_services(query);
		return;
	}
	qsort(usable, count, sizeof(usable[0]), by_order);
	struct span names[NAPTR_MAXIMUM];
	enum transport_protocol protocols[NAPTR_MAXIMUM];
	for (size_t i = 0; i < count; i++) {
		names[i] = span_of(arena_copy_text(&query->arena, usable[i]->naptr.replacement));
		protocols[i] = naptr_protocol(usable[i]);
	}
	lookups_forget(query);
	query->stage = services_answered;
	for (size_t i = 0; i < count; i++)
		if (names[i].at)
			ask(query, names[i].at, NET_DNS_SRV, protocols[i]);
	stage_when_answered(query);
}

/* ---- the beginning ---- */

static bool is_numeric(const struct transport_query *query, struct net_address *ret_address)
{
	return net_address_parse(span_of(query->host), 0, ret_address) == 0;
}

static void start(struct transport_query *query)
{
	struct net_address address;
	const struct transport_question *question = &query->question;
	struct candidate host = host_candidate(query);
	if (is_numeric(query, &address)) {
		add_target(query, &host, &address);
		/* RFC 5922 4: an address is no name to ask a certificate for. */
		query->targets[0].name = SPAN_NONE;
		finish(query, 0, SPAN(""));
	} else if (question->port) {
		query->candidates[query->candidate_count++] = host;
		ask_addresses(query);
	} else if (question->naptr && question->protocol == TRANSPORT_ANY) {
		query->stage = naptr_answered;
		ask(query, query->host, NET_DNS_NAPTR, TRANSPORT_ANY);
		stage_when_answered(query);
	} else {
		ask_services(query);
	}
}

static char *host_copy(struct span host)
{
	if (host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
		host = span_make(host.at + 1, host.length - 2);
	if (host.length > 1 && host.at[host.length - 1] == '.')
		host.length--;
	return span_copy(host);
}

int transport_resolve(const struct transport_resolving *with, const struct transport_question *question,
	void (*done)(void *argument, const struct transport_answer *answer), void *argument,
	struct transport_query **ret_query)
{
	if (question->host.length == 0 || question->host.length > TRANSPORT_NAME_MAXIMUM)
		return -EINVAL;
	struct transport_query *query = calloc(1, sizeof(*query));
	char *host = host_copy(question->host);
	if (!query || !host) {
		free(query);
		free(host);
		return -ENOMEM;
	}
	query->with = *with;
	query->question = *question;
	query->host = host;
	query->done = done;
	query->argument = argument;
	arena_init(&query->arena, 65536);
	wheel_timer_init(&query->later, deliver);
	query->question.identity = question->identity ? arena_copy_text(&query->arena, question->identity) : NULL;
	start(query);
	*ret_query = query;
	return 0;
}
