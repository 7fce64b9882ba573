/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_EXAMINER_PRIVATE_H
#define FEDGE_CHECK_EXAMINER_PRIVATE_H
/* The examiner from inside: examiner.c (life, the queue, the end of each), examiner_domain.c (one domain: names to
 * hosts to addresses), examiner_attempt.c (what is kept of each address), examiner_look.c (one address looked at, for
 * all who want to know). All in the loop's thread. */
#include "base/hash.h"
#include "base/wheel.h"
#include "check/desk_private.h"
#include "check/options_request.h"
#include "peer/view.h"

struct check_overlay;
struct check_second_opinion;
struct check_look;

/* Addresses looked at at once. Half of the places are first come, first served; the others are for domains that have
 * few, so that one with a hundred dead addresses holds up nobody. */
#define CHECK_PLACES 2048
#define CHECK_PLACES_OF_ONE 8
/* No answer of the DNS and no look at one address leaves more to keep. */
#define CHECK_PART_BYTES (1u << 20)
/* Looks that are over and may serve other domains. */
#define CHECK_KEPT_MAXIMUM 256
#define CHECK_KEPT_BYTES_MAXIMUM (8u << 20)
#define CHECK_KEPT_GOOD_US (300 * CLOCK_SECOND_US)
#define CHECK_KEPT_BAD_US (30 * CLOCK_SECOND_US)

struct check_examiner {
	struct check_desk *desk;
	struct net_loop *loop;
	struct check_gate gate; /* ask NULL: no limits */
	struct peer_view *view;
	struct check_overlay *overlay;
	struct check_second_opinion *opinion;
	struct random random;
	struct hash_key key;
	struct list domains; /* all that are under way */
	size_t running;
	struct list ready; /* those that are over: done is to be called */
	struct wheel_timer ready_timer;
	struct list starved; /* hosts that the resolver had no room for */
	struct wheel_timer starved_timer;
	struct list line; /* domains that want places */
	size_t places_taken;
	struct hash_table looks; /* those that may be shared */
	struct list kept; /* of them those that are over, the oldest first */
	size_t kept_count, kept_bytes;
	bool closing; /* no look is begun any more */
};

/* One host of a domain while its addresses are asked for. */
struct check_asking {
	struct check_domain *domain;
	struct peer_ask *ask;
	struct list starved; /* waits for room in the resolver */
};

enum check_try_state {
	CHECK_TRY_IN_LINE, /* for a place */
	CHECK_TRY_AT_GATE, /* its look may not begin yet */
	CHECK_TRY_LOOKING,
	CHECK_TRY_OVER,
};
#define CHECK_TRY_STATES 4

/* One address of one host. */
struct check_try {
	struct list link; /* of the domain's tries in line, or of those who wait for the look */
	struct check_domain *domain;
	struct check_look *look;
	enum check_try_state state;
	size_t index; /* of its attempt */
	struct net_address address;
};

/* One domain under way. */
struct check_domain {
	struct list all;
	struct list turn; /* in the examiner's line, or among those that are ready */
	struct check_examiner *examiner;
	struct check_facts *facts;
	void (*done)(void *argument, struct check_facts *facts);
	void *argument;
	int64_t started_us; /* steady */
	struct wheel_timer deadline;
	int64_t whole_us; /* how long it may take */
	int64_t remaining_us; /* of the deadline, while it stands still */
	bool still;
	bool over;
	struct peer_ask *ask; /* for SRV */
	struct check_asking *askings; /* one a host */
	size_t asking; /* answers that are awaited */
	struct check_try **tries; /* of the attempts with the same index */
	struct check_attempt *attempts; /* in the order begun */
	size_t attempt_count, attempt_room;
	size_t counts[CHECK_TRY_STATES];
	struct list in_line; /* tries */
	bool planned_copied;
	struct trust_chain planned_chain;
	const struct span *planned;
};

/* ---- examiner.c ---- */
/* Everything of it is known, or was given up: done will be called from the loop. */
void check_domain_end(struct check_domain *domain);
void check_domain_free(struct check_domain *domain);
/* It has tries in line: it gets its turn when a place is free. */
void check_examiner_queue(struct check_examiner *examiner, struct check_domain *domain);
/* A place became free. */
void check_examiner_next(struct check_examiner *examiner);
void check_examiner_starve(struct check_examiner *examiner, struct check_asking *asking);

/* ---- examiner_domain.c ---- */
/* 0, -ENOMEM, -ENOBUFS: nothing was begun. */
int check_domain_begin(struct check_domain *domain);
/* Asks again for a host that was starved. */
void check_domain_ask_again(struct check_asking *asking);
/* Nobody is asked any more, nothing is waited for. */
void check_domain_stop(struct check_domain *domain);
void check_domain_too_late(struct wheel_timer *timer, int64_t now_us);
/* A try goes from one state to the next; the deadline stands still while all that is left waits for its turn. */
void check_try_move(struct check_try *try, enum check_try_state state);
/* ---- examiner_attempt.c ---- */
/* An attempt at every address of that host, as far as there is room. */
void check_domain_try_port(struct check_domain *domain, size_t host, uint16_t port, const struct peer_host *found);
/* What its look saw; the try is over. answer may be NULL. */
void check_try_saw(struct check_try *try, const struct peer_probe_facts *facts, const struct check_answer *answer);
/* The first try in line is begun; false: it must wait on. */
bool check_domain_try_next(struct check_domain *domain);
/* Facts of an address at which nobody has looked. Borrows both. */
struct peer_probe_facts check_nothing_seen(struct span target, struct span address);

/* ---- examiner_look.c ---- */
/* Finds out, or joins who is finding out. The try moves to AT_GATE or LOOKING, or is over at once. false: there is no
 * place. */
bool check_look_want(struct check_try *try);
/* Gives up waiting; the look ends where nobody else waits. */
void check_look_leave(struct check_try *try);
void check_look_free_all(struct check_examiner *examiner);
#endif
