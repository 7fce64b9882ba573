/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/limits.h"

#include <stdlib.h>

#define SECOND_US INT64_C(1000000)
#define RECENT_MAXIMUM 128 /* answers remembered before the old ones count half */
#define SUSPICIOUS_MINIMUM 16 /* fewer answers say nothing */
#define CAPACITY_FIRST 64

void trust_limits_init(struct trust_limits_state *state)
{
	*state = (struct trust_limits_state){ 0 };
}

void trust_limits_done(struct trust_limits_state *state)
{
	free(state->addresses);
	*state = (struct trust_limits_state){ 0 };
}

bool trust_limits_is_suspicious(const struct trust_limits_state *state)
{
	return state->good + state->bad >= SUSPICIOUS_MINIMUM && state->bad > state->good;
}

void trust_limits_answered(struct trust_limits_state *state, bool good)
{
	if (good)
		state->good++;
	else
		state->bad++;
	if (state->good + state->bad >= RECENT_MAXIMUM) {
		state->good /= 2;
		state->bad /= 2;
	}
}

/* The slot of the hash, or the free one where it belongs. 0 marks a free slot. */
static uint64_t *set_slot(uint64_t *slots, uint32_t capacity, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & (capacity - 1);
	while (slots[i] != 0 && slots[i] != hash)
		i = (i + 1) & (capacity - 1);
	return &slots[i];
}

static bool set_grow(struct trust_limits_state *state)
{
	uint32_t capacity = state->address_capacity ? state->address_capacity * 2 : CAPACITY_FIRST;
	uint64_t *slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = 0; i < state->address_capacity; i++)
		if (state->addresses[i])
			*set_slot(slots, capacity, state->addresses[i]) = state->addresses[i];
	free(state->addresses);
	state->addresses = slots;
	state->address_capacity = capacity;
	return true;
}

/* false: one address too many. The set never grows beyond twice the limit. */
static bool set_take(struct trust_limits_state *state, uint32_t maximum, uint64_t hash)
{
	hash += hash == 0;
	if (state->address_capacity > 0 && *set_slot(state->addresses, state->address_capacity, hash) == hash)
		return state->address_count <= maximum;
	if (state->address_count >= maximum) {
		/* Remembered as "more than allowed": known addresses are refused too from now on. */
		state->address_count = maximum + 1;
		return false;
	}
	if ((state->address_count + 1) * 2 > state->address_capacity && !set_grow(state))
		return true;
	*set_slot(state->addresses, state->address_capacity, hash) = hash;
	state->address_count++;
	return true;
}

/* A bucket of one second: at most `rate` at once, `rate` a second in the long run. Kept in
 * microseconds of a second, so that changing the rate needs no conversion. */
static bool bucket_take(struct trust_limits_state *state, uint32_t rate, int64_t now_us)
{
	if (state->refilled_us == 0)
		state->tokens_us = SECOND_US;
	else if (now_us > state->refilled_us)
		state->tokens_us += now_us - state->refilled_us;
	if (state->tokens_us > SECOND_US)
		state->tokens_us = SECOND_US;
	state->refilled_us = now_us > 0 ? now_us : 1;
	int64_t price_us = SECOND_US / rate;
	if (state->tokens_us < price_us)
		return false;
	state->tokens_us -= price_us;
	return true;
}

enum trust_limits_verdict trust_limits_take(
	struct trust_limits_state *state, const struct trust_limits *limits, uint64_t address_hash, int64_t now_us)
{
	uint32_t rate = limits->rate;
	if (limits->suspicious_rate && trust_limits_is_suspicious(state))
		rate = limits->suspicious_rate;
	if (rate && !bucket_take(state, rate, now_us))
		return TRUST_LIMITS_RATE;
	if (limits->addresses && !set_take(state, limits->addresses, address_hash))
		return TRUST_LIMITS_ADDRESSES;
	return TRUST_LIMITS_PASS;
}
