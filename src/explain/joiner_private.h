/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_JOINER_PRIVATE_H
#define FEDGE_EXPLAIN_JOINER_PRIVATE_H
/* Inside the joiner. An event comes in, is filed under a leg (by Call-ID and the like) and kept as it is; the leg's
 * state is all that is reckoned then. Steps, hosts and outcome are worked out when a case is given, so that good calls
 * cost next to nothing. */
#include "base/hash.h"
#include "base/list.h"
#include "explain/joiner.h"

/* ---- memory (joiner_memory.c): pages of one size, and objects that are used again ---- */

#define JOINER_PAGE_SIZE 4096u
struct joiner_page {
	struct joiner_page *next;
	size_t size; /* JOINER_PAGE_SIZE, or more for one large event */
	_Alignas(max_align_t) char bytes[];
};
/* Objects of one type: freed ones stay of that type, so that a stale pointer to one can be recognised by its id. */
struct joiner_pool {
	size_t object_size;
	void *free;
	struct joiner_page *chunks;
};
struct joiner_memory {
	size_t used, maximum;
	struct joiner_page *free_pages;
	struct joiner_pool legs, keys, joined;
};

/* ---- what is joined ---- */

enum joiner_key_kind {
	KEY_CALL_ID,
	KEY_SERIAL,
	KEY_TAG,
	KEY_SESSION,
	KEY_ANSWERER, /* the Session-ID of who answers, where the caller has none */
	KEY_ENDS, /* two addresses with their ports: one connection */
	KEY_GROUP, /* failures of the same peer for the same reason */
	KEY_KIND_COUNT
};
/* Two keys are the same where 64 bits of a keyed hash are: their bytes are not held. */
struct joiner_key {
	struct hash_link link;
	struct joiner_key *next; /* of the leg */
	struct joiner_leg *leg;
};

struct joiner_leg {
	uint64_t id; /* 0: free */
	struct joiner_joined *joined;
	struct joiner_leg *next; /* of the joined */
	struct joiner_key *keys;
	/* In the pages of the joined; absent once those went. */
	struct span call_id, from_uri, to_uri, request_uri, asserted;
	uint32_t key_count;
	int64_t begun_us;
	uint32_t begun_clock;
	uint64_t order; /* of its first event */
	uint64_t call_hash; /* of its Call-ID */
	uint64_t caller_hash; /* of the user in From */
	uint64_t final_order; /* of its first final answer to what began it; 0: none */
	uint32_t cseq; /* of the transaction that counts */
	uint16_t status; /* its last final one */
	enum sip_method method; /* of what began it; of a leg that was met later: of what was seen first */
	enum explain_join join;
	bool has_method; /* false: what was seen of it does not even tell that */
	bool is_sip; /* false: it holds records alone, that came by a serial number or the ends of a connection */
	bool is_event; /* no message and no judgement, but events of the box tell of it */
	bool is_begun; /* the request that begins it was seen */
	bool is_pending; /* it has no final answer yet */
	bool is_answered, is_ringing, is_cancelled;
	bool is_judged; /* a judgement, a failed connection */
	bool is_mended; /* of failed connections: a later one to the same place stood */
};

struct joiner_entry {
	_Alignas(max_align_t) struct joiner_entry *next;
	struct joiner_leg *leg;
	bool is_near; /* stands near it in time, no more */
	uint64_t order;
	uint64_t ends; /* of a failed connection: which; 0: of anything else */
	uint32_t clock;
	struct explain_event *event;
};

/* Whether the response is one to the transaction that counts; what lost its CSeq is taken for one. */
static inline bool joiner_answers(const struct joiner_leg *leg, const struct explain_message *m)
{
	return m->method_name.length == 0 || (m->cseq == leg->cseq && m->method == leg->method);
}

enum joiner_state {
	JOINED_OPEN, /* something is awaited */
	JOINED_FAILED, /* nothing is awaited, and it is not good */
	JOINED_GOOD, /* nothing to tell: it was answered, or rang until the caller gave up */
	JOINED_STATE_COUNT
};
#define JOINER_INTEREST_MAXIMUM 16
struct joiner_joined {
	struct list link; /* in the list of its state, by the order in which it came to it */
	struct joiner_page *pages;
	char *next_byte, *end_byte;
	struct joiner_entry *first, *last;
	struct joiner_leg *legs, *last_leg;
	uint32_t leg_count, entry_count;
	uint32_t dropped;
	uint32_t entry_maximum;
	uint32_t repeats;
	enum joiner_state state;
	bool is_bare; /* a good one whose events were thrown away */
	bool is_given;
	uint64_t order; /* of its first event */
	int64_t first_us, last_us;
	/* Hashes of names and addresses that its DNS answers gave: connections to them are its own. */
	uint64_t interest[JOINER_INTEREST_MAXIMUM];
	uint32_t interest_count;
};

/* ---- boxes and files ---- */

#define JOINER_CLOCKS_MAXIMUM 64
#define JOINER_MEASURES_MAXIMUM 64
/* How far two boxes' readings of the same message are apart, each way. */
struct joiner_pair {
	uint32_t a, b; /* clocks, a < b */
	uint32_t forth_count, back_count;
	int64_t forth[JOINER_MEASURES_MAXIMUM]; /* sent by a, received by b: b's reading less a's */
	int64_t back[JOINER_MEASURES_MAXIMUM]; /* sent by b, received by a: b's reading less a's */
};
#define JOINER_PAIRS_MAXIMUM 64
struct joiner_clocks {
	struct explain_clock clocks[JOINER_CLOCKS_MAXIMUM];
	char names[JOINER_CLOCKS_MAXIMUM][64];
	uint32_t count;
	struct joiner_pair *pairs[JOINER_PAIRS_MAXIMUM];
	uint32_t pair_count;
	bool is_stale; /* measures came since the offsets were reckoned */
};
struct joiner_file {
	int64_t first_us, last_us; /* 0: none with a time yet */
	uint32_t clock;
	bool has_clock;
};
#define JOINER_FILES_MAXIMUM 65536u

/* A box's own names and addresses, and those that logs gave for others. */
#define JOINER_NAMES_MAXIMUM 4096
struct joiner_name {
	struct hash_link link; /* by the address */
	struct record_address address; /* without a port */
	bool is_node; /* the name of a box in its own log */
	char text[64];
};
struct joiner_names {
	struct hash_table by_address;
	struct joiner_name *at;
	uint32_t count;
	uint64_t last_hash[64]; /* pairs of name and address that were just seen */
};

/* Requests that began lately: what a box does next it does for one of them. */
#define JOINER_RECENT_MAXIMUM 1024
struct joiner_recent {
	struct joiner_leg *leg;
	uint64_t id; /* the leg's; where they differ it is gone */
	int64_t time_us;
	uint32_t clock;
};

/* What was last seen of connections that stand: for the case that comes over one. */
#define JOINER_CONNECTIONS_MAXIMUM 1024
enum { CONNECTION_OPENED, CONNECTION_HANDSHAKE, CONNECTION_NOTICE, CONNECTION_EVENT_COUNT };
struct joiner_connection {
	struct hash_link link;
	struct list age;
	struct explain_event *events[CONNECTION_EVENT_COUNT];
	uint64_t orders[CONNECTION_EVENT_COUNT];
	uint32_t clock;
};
struct joiner_connections {
	struct hash_table table;
	struct list ages; /* oldest first */
	struct joiner_connection *at;
	uint32_t count;
	struct joiner_connection *last; /* that something was heard of */
};

/* So many at a place, one line of the processor's memory: the newest of them stay. */
#define JOINER_GHOST_WAYS 8u
#define JOINER_GHOSTS 8192u
#define JOINER_ASIDES_MAXIMUM 64
struct explain_joiner {
	struct explain_joiner_settings settings;
	struct joiner_memory memory;
	struct hash_table keys;
	struct list lists[JOINED_STATE_COUNT];
	struct explain_totals totals;
	uint64_t next_id;
	uint64_t order; /* events so far */
	uint64_t line_base, offset_base; /* of the event at hand */
	uint32_t clock;
	uint32_t good_count; /* in the list of good ones */
	uint64_t measured; /* good ones so far */
	int64_t now_us; /* of the last event with a time */
	int64_t wait_us; /* what the wall clock was when that was first waited after */
	uint64_t wait_order; /* events at that moment */
	struct joiner_file *files;
	uint32_t file_count;
	struct joiner_clocks clocks;
	struct joiner_names names;
	struct joiner_recent recent[JOINER_RECENT_MAXIMUM];
	uint32_t recent_next;
	struct joiner_connections connections;
	/* The last leg that has lost its Call-ID. */
	struct joiner_leg *nameless;
	uint64_t nameless_id;
	uint32_t nameless_file;
	struct explain_aside asides[JOINER_ASIDES_MAXIMUM];
	size_t aside_count;
	uint64_t ghosts[JOINER_GHOSTS]
		       [JOINER_GHOST_WAYS]; /* Call-IDs that were given or dropped: their stragglers begin nothing */
	struct arena built; /* what was given at the end stays until free */
	struct arena scratch; /* of one case while it is built */
	int status; /* -ENOMEM sticks */
};

/* joiner_memory.c */
void joiner_memory_init(struct joiner_memory *m, size_t maximum);
void joiner_memory_done(struct joiner_memory *m);
/* Cleared, but for the id of a leg. NULL without memory. */
void *joiner_pool_take(struct joiner_memory *m, struct joiner_pool *pool);
void joiner_pool_give(struct joiner_pool *pool, void *object);
/* Bytes that live as long as what is joined, or until it becomes bare. NULL without memory. */
void *joiner_allocate(struct explain_joiner *j, struct joiner_joined *d, size_t size);
void joiner_free_pages(struct explain_joiner *j, struct joiner_joined *d);

/* joiner_key.c */
uint64_t joiner_hash(const struct explain_joiner *j, enum joiner_key_kind kind, struct span text);
struct joiner_leg *joiner_find(struct explain_joiner *j, uint64_t hash);
/* The leg is found by that key from now on. */
void joiner_add_key(struct explain_joiner *j, struct joiner_leg *leg, uint64_t hash);
/* Every leg of failed connections that is found by the key has been followed by one that stood. */
void joiner_mend(struct explain_joiner *j, uint64_t hash);
/* Whoever is found by the key and the leg become one; the key is added where nobody was. */
void joiner_join_by(struct explain_joiner *j, struct joiner_leg *leg, uint64_t hash, enum explain_join join);

/* joiner_joined.c */
/* A leg in something joined of its own. NULL without memory. */
struct joiner_leg *joiner_leg_new(struct explain_joiner *j);
void joiner_join(struct explain_joiner *j, struct joiner_leg *a, struct joiner_leg *b, enum explain_join join);
/* Keeps a copy of the event at hand; NULL where it was not kept. */
struct explain_event *joiner_keep(
	struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event, bool is_near);
/* The same for an event that changed the leg's state. */
void joiner_take(struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event, bool is_near);
/* Reckons the state anew, after a leg's changed. */
void joiner_settle(struct explain_joiner *j, struct joiner_joined *d);
void joiner_drop(struct explain_joiner *j, struct joiner_joined *d);
/* Counts it and gives it to the caller where it is to be given. */
void joiner_give(struct explain_joiner *j, struct joiner_joined *d, struct arena *arena);
/* Makes room: what is good goes first, then the oldest failed, then the oldest open. False where nothing is left. */
bool joiner_make_room(struct explain_joiner *j, const struct joiner_joined *kept);
/* The one that began first, as far as the order of the records tells; NULL where there are only records of none. */
struct joiner_leg *joiner_first_leg(const struct joiner_joined *d);
enum explain_case_kind joiner_kind(const struct joiner_joined *d);

/* Whether another one failed alike, and counts this one with it. */
bool joiner_is_repeat(struct explain_joiner *j, struct joiner_joined *d);

/* joiner_message.c */
void joiner_message(struct explain_joiner *j, const struct explain_event *event);
/* joiner_other.c */
void joiner_other(struct explain_joiner *j, const struct explain_event *event);

/* joiner_recent.c */
struct joiner_wanted {
	struct span alias; /* who was called */
	struct span
		names[2]; /* under the domain of who was called or who called, or that the case's DNS answers gave */
	struct record_address address; /* that they gave */
	int64_t window_us; /* how long ago the request may have begun */
};
void joiner_recent_add(struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event);
/* The leg that fits, else, with *ret_near, the only one that this box had open at that moment, or NULL. */
struct joiner_leg *joiner_recent_find(struct explain_joiner *j, const struct explain_event *event,
	const struct joiner_wanted *wanted, bool *ret_near);
/* Whether a request of it was lately seen on this box. */
bool joiner_recent_knows(const struct explain_joiner *j, const struct joiner_joined *d);
/* Connections to that name or address are the case's own from now on. */
void joiner_interest_add(struct joiner_joined *d, struct span name);
void joiner_interest_add_address(struct joiner_joined *d, const struct record_address *address);

/* joiner_connection.c */
int joiner_connections_init(struct joiner_connections *connections);
void joiner_connections_done(struct joiner_connections *connections);
/* A connection or handshake record. */
void joiner_connection_add(struct explain_joiner *j, const struct explain_event *event);
/* A notice that stands beside one. */
void joiner_connection_notice(struct explain_joiner *j, const struct explain_event *event);
/* What is known of the connections that the case's messages went over becomes a part of it. */
void joiner_connections_adopt(struct explain_joiner *j, struct joiner_joined *d, struct arena *arena);
/* Failures that two boxes logged, of which one is in a call: they are that call's, and nobody else's. */
void joiner_failures_adopt(struct explain_joiner *j);
/* A case of its own for failures of that kind with that peer; repeated ones go to the same. ends: of the connection;
 * 0: not known. */
void joiner_failure(struct explain_joiner *j, const struct explain_event *event, struct span peer, struct span reason,
	uint64_t ends);

/* joiner_parties.c: legs that nothing but their parties and their moment joins */
void joiner_join_parties(struct explain_joiner *j);
/* "sip:2000@steven.lab;x" -> "2000"; a host without a user stands for itself. */
struct span joiner_user_of(struct span uri);

/* aside.c */
void joiner_aside(struct explain_joiner *j, const struct explain_event *event);
/* Whether a notice tells of a failure that deserves a case where nothing else tells of it. */
bool joiner_notice_is_failure(const struct record_notice *notice);

/* case_items.c: the events of a case, put in order and matched */
struct joiner_item {
	struct joiner_entry *entry;
	int64_t time_us; /* on the first box's clock; where none is known, that of the one before it in its file */
	uint64_t identity; /* of a message: equal for all sightings of it on one hop */
	uint64_t wide; /* the same without what a summary does not say */
	struct joiner_item *second; /* the other sighting of the same message */
	bool is_second; /* it is the other sighting of something */
	bool is_dropped; /* it says nothing that another does not */
	bool is_repeated;
	bool is_timed; /* time_us is its own */
};
/* By time. NULL without memory. */
struct joiner_item *joiner_items(
	struct explain_joiner *j, const struct joiner_joined *d, struct arena *arena, uint32_t *ret_count);
/* Learns what the messages tell of the clocks. */
void joiner_measure(struct explain_joiner *j, const struct joiner_joined *d);

/* case_order.c: those to tell, each message once, causes before their effects. */
struct joiner_item *joiner_order(struct joiner_item *items, uint32_t count, struct arena *arena, uint32_t *ret_count);

/* host.c: fills the hosts of the case and the ends of its steps; the arena keeps them. false without memory */
bool joiner_find_hosts(struct explain_joiner *j, struct explain_case *c, struct arena *arena);

/* case_outcome.c */
/* What became of it; legs[i] is that of the case's leg i. */
void joiner_find_outcome(struct explain_joiner *j, struct explain_case *c, const struct joiner_joined *d,
	struct joiner_leg *const *legs);

/* case_build.c */
/* Into the arena; the events stay where they are. NULL without memory. */
struct explain_case *joiner_build(struct explain_joiner *j, struct joiner_joined *d, struct arena *arena);

/* clock.c */
uint32_t joiner_clock_of(struct explain_joiner *j, const struct explain_event *event);
void joiner_clock_measure(
	struct explain_joiner *j, const struct joiner_entry *sent, const struct joiner_entry *received);
int64_t joiner_clock_offset(struct explain_joiner *j, uint32_t clock);
void joiner_clocks_reckon(struct joiner_clocks *clocks);
void joiner_clocks_done(struct joiner_clocks *clocks);

/* host_name.c */
int joiner_names_init(struct joiner_names *names);
void joiner_names_done(struct joiner_names *names);
void joiner_name_learn(struct explain_joiner *j, const struct record_address *address, struct span name, bool is_node);
const struct joiner_name *joiner_name_find(const struct explain_joiner *j, const struct record_address *address);
#endif
