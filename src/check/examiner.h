/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_EXAMINER_H
#define FEDGE_CHECK_EXAMINER_H
/* Gathers the facts of domains: SRV, then every target's addresses, then every address, all in parallel, each step with
 * its own deadline. Judges nothing. `struct check_desk` is what all threads of a run share (resolver, cache, TLS,
 * planned records); an examiner is one loop's window on it. */
#include "check/facts.h"
#include "check/options.h"

struct check_desk;
struct check_examiner;
struct net_loop;
struct x509_store_st;
struct net_tls;

#define CHECK_ERROR_SIZE 512
/* Opens what the options name. options must outlive it. 0, or a negative errno and one line that names the file and
 * what is wrong with it. clock NULL: the system's. */
int check_desk_new(const struct check_options *options, const struct clock *clock, struct check_desk **ret_desk,
	char reterr_text[CHECK_ERROR_SIZE]);
void check_desk_free(struct check_desk *desk); /* after its examiners */
/* Forgets all answers: the next round of a watch asks anew. Any thread. */
void check_desk_forget(struct check_desk *desk);
struct net_tls *check_desk_tls(struct check_desk *desk);
struct x509_store_st *check_desk_public_authorities(struct check_desk *desk); /* NULL: the system has none */
/* What was opened and is doubtful all the same, a line each for people: planned records that are hardly meant, a
 * certificate of ours that is out of date. NULL beyond the last. */
const char *check_desk_note(const struct check_desk *desk, size_t index);
const struct check_options *check_desk_options(const struct check_desk *desk);

/* Who may connect now; for bulk runs (check/limit.h). All in the examiner's thread. */
struct check_gate {
	/* true: go. false: granted(ticket) will be called, from the loop, never from inside ask. */
	bool (*ask)(void *argument, const struct net_address *address, void (*granted)(void *ticket), void *ticket);
	/* Once for each grant (also one given at once), when the connection is over. */
	void (*release)(void *argument, const struct net_address *address);
	/* A ticket that waits will not be granted any more. */
	void (*forget)(void *argument, const struct net_address *address, void *ticket);
	void *argument;
	/* How long a domain may live that only waits to be let in; 0: ten minutes. */
	int64_t patience_us;
};

/* gate may be NULL: no limits. */
int check_examiner_new(struct check_desk *desk, struct net_loop *loop, const struct check_gate *gate,
	struct check_examiner **ret_examiner);
/* Whoever waits is not called any more. Never from inside done. */
void check_examiner_free(struct check_examiner *examiner);
size_t check_examiner_running(const struct check_examiner *examiner);

/* Begins one domain (UTF-8, as typed). done is called exactly once, from the loop, never from inside; the facts are the
 * callee's to free. A name that is none gives facts with why_not. 0, or -ENOMEM / -ENOBUFS: nothing was begun. */
int check_examine(struct check_examiner *examiner, struct span typed,
	void (*done)(void *argument, struct check_facts *facts), void *argument);

/* One domain with a loop of its own, for the command line and tests. 0 or a negative errno. */
int check_examine_now(struct check_desk *desk, struct span typed, struct check_facts **ret_facts);
/* Several at once, in their order. */
int check_examine_all(struct check_desk *desk, const struct span *typed, size_t count, struct check_facts **ret_facts);
#endif
