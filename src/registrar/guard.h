/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_GUARD_H
#define FEDGE_REGISTRAR_GUARD_H
/* Who asks too much: how many requests without proof one address (of IPv6: one /64) may send, and how much of that is
 * worth a record. A table of fixed size for any number of senders; where it is full, whoever was quiet the longest is
 * forgotten (and begins anew with a full measure). Proof gives back what asking cost, so a thousand phones behind one
 * address that all know their passwords never notice it, and somebody who guesses passwords does soon.
 *
 * Shared by all workers; locks are short. Knows no clock. */
#include "base/hash.h"

struct registrar_guard;
int registrar_guard_new(const struct hash_key *key, size_t entries, struct registrar_guard **ret_guard);
struct registrar_guard *registrar_guard_free(struct registrar_guard *guard); /* NULL is accepted; returns NULL */

/* A measure of 2,000, filled by 100 a second. */
#define REGISTRAR_GUARD_MEASURE 2000
#define REGISTRAR_GUARD_A_SECOND 100
#define REGISTRAR_COST_ASKING 1 /* a request without credentials: a challenge is made and nothing else */
#define REGISTRAR_COST_WRONG 20 /* with wrong ones: five guesses a second in the long run */
/* False: the sender has no such measure left; nothing is taken then. now_us: steady or wall, always the same. */
bool registrar_guard_take(struct registrar_guard *guard, struct span source, unsigned cost, int64_t now_us);
void registrar_guard_give(struct registrar_guard *guard, struct span source, unsigned cost, int64_t now_us);

/* May this refusal of the sender's be recorded? Ten a minute are; *ret_left_out is how many were not since the last
 * one that was. */
#define REGISTRAR_GUARD_TELLS 10
bool registrar_guard_tell(struct registrar_guard *guard, struct span source, int64_t now_us, uint64_t *ret_left_out);

/* Somebody proved there to be a user: what follows in his dialogs comes from him (an ACK cannot be challenged). */
void registrar_guard_prove(struct registrar_guard *guard, struct span source, int64_t until_us);
bool registrar_guard_is_proved(struct registrar_guard *guard, struct span source, int64_t now_us);
#endif
