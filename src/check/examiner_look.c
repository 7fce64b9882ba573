/* SPDX-License-Identifier: Apache-2.0 */
/* One address of one host, looked at once for all domains that name it: a hosting provider's server is not asked ten
 * thousand times. Where each domain says something of its own (OPTIONS), each looks for itself. */
#include "check/examiner_private.h"
#include "net/loop.h"
#include "peer/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TARGET_SIZE 256 /* a name of the DNS */
#define RETRY_US (100 * CLOCK_MS_US)

enum look_state {
	LOOK_WAITING, /* for the gate, or for a descriptor */
	LOOK_RUNNING,
	LOOK_OVER,
};

struct check_look {
	struct hash_link link;
	struct list kept; /* when it is over */
	struct check_examiner *examiner;
	enum look_state state;
	bool shared; /* it is in the table */
	bool granted; /* by the gate */
	struct list waiters; /* struct check_try */
	struct net_address address;
	char target[TARGET_SIZE];
	struct wheel_timer retry; /* also: it is over before it began */
	struct peer_probe *probe;
	const struct peer_probe_facts *facts; /* of the probe */
	struct check_options_exchange exchange;
	uint64_t epoch; /* of the desk, when it began */
	int64_t over_us; /* steady */
	size_t bytes; /* about, while it is kept */
};

/* ---- finding ---- */

static uint64_t hash_of(const struct check_examiner *examiner, struct span target, const struct net_address *address)
{
	unsigned char bytes[24];
	return hash_mix(
		hash_keyed(&examiner->key, target), hash_keyed(&examiner->key, net_address_key(address, bytes)));
}

static void look_free(struct check_look *look);

static bool is_fresh(const struct check_look *look)
{
	const struct check_examiner *examiner = look->examiner;
	if (look->epoch != atomic_load(&examiner->desk->epoch))
		return false;
	if (look->state != LOOK_OVER)
		return true;
	bool good = look->facts->connection.handshake == TRUST_HANDSHAKE_DONE;
	return net_loop_now_us(examiner->loop) < look->over_us + (good ? CHECK_KEPT_GOOD_US : CHECK_KEPT_BAD_US);
}

static struct check_look *look_find(
	struct check_examiner *examiner, struct span target, const struct net_address *address)
{
	struct hash_link *link = hash_first(&examiner->looks, hash_of(examiner, target, address));
	for (; link; link = hash_next(link)) {
		struct check_look *look = base_container(link, struct check_look, link);
		if (net_address_equal(&look->address, address) && span_is(target, look->target) && is_fresh(look))
			return look;
	}
	return NULL;
}

/* ---- keeping ---- */

static void look_forget(struct check_look *look)
{
	if (look->shared)
		hash_remove(&look->examiner->looks, &look->link);
	look->shared = false;
	if (list_is_empty(&look->kept))
		return;
	list_remove(&look->kept);
	look->examiner->kept_count--;
	look->examiner->kept_bytes -= look->bytes;
}

/* Certificates are what weighs. */
static size_t weight(const struct peer_probe_facts *facts)
{
	size_t bytes = 8192 + facts->answer.length;
	for (size_t i = 0; i < facts->der_count; i++)
		bytes += 4 * facts->der[i].length;
	return bytes;
}

static void look_keep(struct check_look *look)
{
	struct check_examiner *examiner = look->examiner;
	look->bytes = weight(look->facts);
	if (!look->shared || look->bytes > CHECK_KEPT_BYTES_MAXIMUM / 8) {
		look_free(look);
		return;
	}
	list_append(&examiner->kept, &look->kept);
	examiner->kept_count++;
	examiner->kept_bytes += look->bytes;
	while (examiner->kept_count > CHECK_KEPT_MAXIMUM || examiner->kept_bytes > CHECK_KEPT_BYTES_MAXIMUM)
		look_free(base_container(examiner->kept.next, struct check_look, kept));
}

/* Whoever is asked for often stays. */
static void look_used(struct check_look *look)
{
	list_remove(&look->kept);
	list_append(&look->examiner->kept, &look->kept);
}

/* ---- the gate ---- */

static void gate_release(struct check_look *look)
{
	struct check_examiner *examiner = look->examiner;
	if (look->granted && examiner->gate.release)
		examiner->gate.release(examiner->gate.argument, &look->address);
	look->granted = false;
}

static void place_release(struct check_look *look)
{
	look->examiner->places_taken--;
	gate_release(look);
}

static void look_free(struct check_look *look)
{
	struct check_examiner *examiner = look->examiner;
	look_forget(look);
	wheel_disarm(net_loop_wheel(examiner->loop), &look->retry);
	if (look->state == LOOK_WAITING && !look->granted && examiner->gate.forget)
		examiner->gate.forget(examiner->gate.argument, &look->address, look);
	peer_probe_free(look->probe);
	if (look->state != LOOK_OVER)
		place_release(look);
	check_options_end(&look->exchange);
	free(look);
}

/* ---- telling ---- */

static const struct check_answer *answer_of(struct check_look *look)
{
	const struct peer_probe_facts *facts = look->facts;
	if (!look->exchange.request.at || facts->connection.handshake != TRUST_HANDSHAKE_DONE)
		return NULL;
	if (facts->answer.at && !look->exchange.over)
		check_options_hear(&look->exchange, facts->answer);
	look->exchange.answer.elapsed_us = facts->answer_us;
	return check_options_answer(&look->exchange);
}

/* The waiters' domains may end by it, but end only in another turn. */
static void tell_all(struct check_look *look, const struct peer_probe_facts *facts, const struct check_answer *answer)
{
	while (!list_is_empty(&look->waiters)) {
		struct check_try *try = base_container(look->waiters.next, struct check_try, link);
		list_remove(&try->link);
		try->look = NULL;
		check_try_saw(try, facts, answer);
	}
}

static void look_done(void *argument, const struct peer_probe_facts *facts)
{
	struct check_look *look = argument;
	struct check_examiner *examiner = look->examiner;
	look->facts = facts;
	tell_all(look, facts, answer_of(look));
	place_release(look);
	look->state = LOOK_OVER;
	look->over_us = net_loop_now_us(examiner->loop);
	look_keep(look);
	check_examiner_next(examiner);
}

/* Not one step could be made: the reason is ours. */
static void look_failed(struct check_look *look, int status)
{
	struct check_examiner *examiner = look->examiner;
	char address[NET_ADDRESS_TEXT_SIZE];
	net_address_format(&look->address, address);
	struct peer_probe_facts facts = check_nothing_seen(span_of(look->target), span_of(address));
	bool no_way = status == -ENETUNREACH || status == -EADDRNOTAVAIL || status == -EAFNOSUPPORT;
	facts.connection.connect = no_way ? TRUST_CONNECT_UNREACHABLE : TRUST_CONNECT_FAILED;
	facts.connection.text = span_of(strerrordesc_np(-status));
	tell_all(look, &facts, NULL);
	look_free(look);
	check_examiner_next(examiner);
}

/* ---- beginning ---- */

static bool heard_all(void *argument, struct span answer)
{
	struct check_look *look = argument;
	return check_options_hear(&look->exchange, answer);
}

/* The address that the kernel would connect from; a datagram socket finds out without a packet. */
static bool own_address(const struct check_look *look, struct net_address *ret_address)
{
	const struct net_address *local = &look->examiner->desk->local;
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	if (net_address_is_set(local)) {
		*ret_address = *local;
		return true;
	}
	int descriptor = socket(net_address_family(&look->address), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return false;
	bool known = connect(descriptor, &look->address.any, look->address.length) == 0 &&
		     getsockname(descriptor, (struct sockaddr *)&name, &length) == 0 &&
		     net_address_of_sockaddr((struct sockaddr *)&name, length, ret_address) == 0;
	close(descriptor);
	return known;
}

static int write_options(struct check_look *look)
{
	const struct check_desk *desk = look->examiner->desk;
	const struct check_try *try = base_container(look->waiters.next, struct check_try, link);
	struct net_address own;
	char host[NET_ADDRESS_TEXT_SIZE];
	if (!desk->options->probe || look->exchange.request.at)
		return 0;
	bool known = own_address(look, &own);
	if (known)
		net_address_format_host(&own, host);
	return check_options_begin(
		&look->exchange, &(struct check_options_request){
					 .domain = try->domain->facts->domain,
					 .from = desk->sender,
					 .host = known ? span_of(host) : desk->vantage,
					 .host_is_ipv6 = known && net_address_family(&own) == AF_INET6,
					 .random = &look->examiner->random,
				 });
}

static int probe_start(struct check_look *look)
{
	struct check_examiner *examiner = look->examiner;
	const struct check_desk *desk = examiner->desk;
	const struct check_options *options = desk->options;
	struct peer_probe_settings settings = {
		.loop = examiner->loop,
		.tls = desk->tls,
		.public_authorities = desk->private_possible ? desk->public_authorities : NULL,
		.remote = look->address,
		.target = span_of(look->target),
		.connect_us = options->connect_us,
		.handshake_us = options->handshake_us,
		.reaction_us = options->reaction_us,
		.answer_us = options->answer_us,
		.deep = options->deep,
		.done = look_done,
		.argument = look,
	};
	if (net_address_family(&desk->local) == net_address_family(&look->address))
		settings.local = desk->local;
	int status = write_options(look);
	if (status < 0)
		return status;
	settings.bytes = look->exchange.request;
	settings.is_complete = look->exchange.request.at ? heard_all : NULL;
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		settings.versions[i] = desk->versions[i];
	return peer_probe_start(&settings, &look->probe);
}

/* In the next turn at the earliest: whoever wants to know is never told from inside. */
static void look_begin_later(struct check_look *look, int64_t delay_us)
{
	struct check_examiner *examiner = look->examiner;
	wheel_arm(net_loop_wheel(examiner->loop), &look->retry, net_loop_now_us(examiner->loop) + delay_us);
}

static void look_begin(struct check_look *look)
{
	int status = probe_start(look);
	/* Descriptors come back when others end. */
	if (status == -EMFILE || status == -ENFILE) {
		look_begin_later(look, RETRY_US);
		return;
	}
	if (status < 0) {
		look_failed(look, status);
		return;
	}
	look->state = LOOK_RUNNING;
}

static void begin_again(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	look_begin(base_container(timer, struct check_look, retry));
}

static void gate_granted(void *ticket)
{
	struct check_look *look = ticket;
	look->granted = true;
	list_each (item, &look->waiters) {
		check_try_move(base_container(item, struct check_try, link), CHECK_TRY_LOOKING);
	}
	look_begin(look);
}

static struct check_look *look_new(
	struct check_examiner *examiner, struct span target, const struct net_address *address)
{
	struct check_look *look = calloc(1, sizeof(*look));
	if (!look)
		return NULL;
	look->examiner = examiner;
	look->address = *address;
	look->epoch = atomic_load(&examiner->desk->epoch);
	list_init(&look->waiters);
	list_init(&look->kept);
	wheel_timer_init(&look->retry, begin_again);
	span_copy_to(target, look->target, sizeof(look->target));
	look->shared = !examiner->desk->options->probe &&
		       hash_insert(&examiner->looks, &look->link, hash_of(examiner, target, address)) == 0;
	examiner->places_taken++;
	look->granted =
		!examiner->gate.ask || examiner->gate.ask(examiner->gate.argument, &look->address, gate_granted, look);
	if (look->granted)
		look_begin_later(look, 0);
	return look;
}

static void look_join(struct check_look *look, struct check_try *try)
{
	list_append(&look->waiters, &try->link);
	try->look = look;
	check_try_move(try, look->granted ? CHECK_TRY_LOOKING : CHECK_TRY_AT_GATE);
}

static bool has_place(const struct check_examiner *examiner, const struct check_domain *domain)
{
	size_t own = domain->counts[CHECK_TRY_AT_GATE] + domain->counts[CHECK_TRY_LOOKING];
	return examiner->places_taken < CHECK_PLACES / 2 ||
	       (examiner->places_taken < CHECK_PLACES && own < CHECK_PLACES_OF_ONE);
}

bool check_look_want(struct check_try *try)
{
	struct check_domain *domain = try->domain;
	struct check_examiner *examiner = domain->examiner;
	struct span target = domain->attempts[try->index].probe.connection.target;
	struct check_look *look = look_find(examiner, target, &try->address);
	if (look && look->state == LOOK_OVER) {
		look_used(look);
		check_try_saw(try, look->facts, NULL);
		return true;
	}
	if (!look && !has_place(examiner, domain))
		return false;
	if (!look)
		look = look_new(examiner, target, &try->address);
	if (!look)
		return false;
	look_join(look, try);
	return true;
}

void check_look_leave(struct check_try *try)
{
	struct check_look *look = try->look;
	try->look = NULL;
	list_remove(&try->link);
	if (!list_is_empty(&look->waiters))
		return;
	struct check_examiner *examiner = look->examiner;
	look_free(look);
	check_examiner_next(examiner);
}

void check_look_free_all(struct check_examiner *examiner)
{
	while (!list_is_empty(&examiner->kept))
		look_free(base_container(examiner->kept.next, struct check_look, kept));
}
