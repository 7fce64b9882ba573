/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/nonce.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define WAYS 8
#define LOCKS 64

struct used {
	uint64_t nonce; /* keyed hash; 0: free */
	uint64_t seen; /* bit i: highest - i was used */
	uint32_t highest;
	uint32_t issued_s;
};
struct place {
	struct used ways[WAYS];
	uint32_t forgotten_s; /* nonces issued then or before, and not in the ways, may have been used */
};

struct registrar_nonces {
	struct hash_key key;
	size_t place_count; /* a power of two */
	pthread_mutex_t locks[LOCKS];
	struct place places[];
};

int registrar_nonces_new(const struct hash_key *key, size_t entries, struct registrar_nonces **ret_nonces)
{
	size_t count = LOCKS;
	while (count * WAYS < entries)
		count *= 2;
	struct registrar_nonces *nonces = calloc(1, sizeof(*nonces) + count * sizeof(nonces->places[0]));
	if (!nonces)
		return -ENOMEM;
	nonces->key = *key;
	nonces->place_count = count;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&nonces->locks[i], NULL);
	*ret_nonces = nonces;
	return 0;
}

struct registrar_nonces *registrar_nonces_free(struct registrar_nonces *nonces)
{
	for (size_t i = 0; nonces && i < LOCKS; i++)
		pthread_mutex_destroy(&nonces->locks[i]);
	free(nonces);
	return NULL;
}

/* ---- the text: 8 digits of seconds, the algorithm's letter, 16 of salt, 16 of MAC ---- */

#define PARTS_LENGTH 25

static char letter_of(enum sip_digest_algorithm algorithm)
{
	return algorithm == SIP_DIGEST_SHA256 || algorithm == SIP_DIGEST_SHA256_SESS ? 's' : 'm';
}

static uint64_t mac_of(const struct registrar_nonces *nonces, struct span parts, struct span source)
{
	char covered[PARTS_LENGTH + 16 + 1];
	struct hash_key key = { { nonces->key.word[0] ^ 0x6e6f6e6365, nonces->key.word[1] } };
	snprintf(covered, sizeof(covered), "%.*s%016llx", SPAN_PRINT(parts),
		(unsigned long long)hash_keyed(&key, source));
	return hash_keyed(&key, span_make(covered, sizeof(covered) - 1));
}

void registrar_nonce_make(const struct registrar_nonces *nonces, enum sip_digest_algorithm algorithm,
	struct span source, int64_t now_us, struct random *random, char ret_text[REGISTRAR_NONCE_LENGTH + 1])
{
	snprintf(ret_text, PARTS_LENGTH + 1, "%08x%c%016llx", (unsigned)(uint32_t)(now_us / CLOCK_SECOND_US),
		letter_of(algorithm), (unsigned long long)random_u64(random));
	uint64_t mac = mac_of(nonces, span_make(ret_text, PARTS_LENGTH), source);
	snprintf(ret_text + PARTS_LENGTH, 17, "%016llx", (unsigned long long)mac);
}

static bool hex_read(const char *text, size_t digits, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (size_t i = 0; i < digits; i++) {
		char c = text[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		value = value << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret_value = value;
	return true;
}

enum registrar_nonce_state registrar_nonce_look(const struct registrar_nonces *nonces, struct span nonce,
	enum sip_digest_algorithm algorithm, struct span source, int64_t now_us, int64_t lifetime_us)
{
	uint64_t issued_s, mac;
	if (nonce.length != REGISTRAR_NONCE_LENGTH || !hex_read(nonce.at, 8, &issued_s) ||
		!hex_read(nonce.at + PARTS_LENGTH, 16, &mac))
		return REGISTRAR_NONCE_FOREIGN;
	if (mac != mac_of(nonces, span_first(nonce, PARTS_LENGTH), source))
		return REGISTRAR_NONCE_FOREIGN;
	if (nonce.at[8] != letter_of(algorithm))
		return REGISTRAR_NONCE_OTHER_ALGORITHM;
	int64_t age_us = now_us - (int64_t)issued_s * CLOCK_SECOND_US;
	/* A clock that was set back makes nonces of the future: they are no good either. */
	return age_us < -CLOCK_SECOND_US || age_us > lifetime_us ? REGISTRAR_NONCE_OLD : REGISTRAR_NONCE_GOOD;
}

/* ---- counts ---- */

static enum registrar_count_state count_use(struct used *used, uint32_t count)
{
	if (count > used->highest) {
		uint32_t by = count - used->highest;
		used->seen = by < 64 ? used->seen << by | 1 : 1;
		used->highest = count;
		return REGISTRAR_COUNT_NEW;
	}
	uint32_t back = used->highest - count;
	if (back >= 64 || used->seen >> back & 1)
		return REGISTRAR_COUNT_USED;
	used->seen |= UINT64_C(1) << back;
	return REGISTRAR_COUNT_NEW;
}

/* The oldest makes room; what it was is remembered as a time. */
static struct used *make_room(struct place *place, uint32_t issued_s)
{
	struct used *oldest = &place->ways[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (place->ways[i].nonce == 0)
			return &place->ways[i];
		if (place->ways[i].issued_s < oldest->issued_s)
			oldest = &place->ways[i];
	}
	if (issued_s < oldest->issued_s)
		return NULL;
	if (oldest->issued_s > place->forgotten_s)
		place->forgotten_s = oldest->issued_s;
	return oldest;
}

static enum registrar_count_state place_use(struct place *place, uint64_t hash, uint32_t issued_s, uint32_t count)
{
	for (size_t i = 0; i < WAYS; i++)
		if (place->ways[i].nonce == hash)
			return count_use(&place->ways[i], count);
	if (issued_s <= place->forgotten_s)
		return REGISTRAR_COUNT_FORGOTTEN;
	struct used *used = make_room(place, issued_s);
	if (!used || issued_s <= place->forgotten_s)
		return REGISTRAR_COUNT_FORGOTTEN;
	*used = (struct used){ .nonce = hash, .seen = 1, .highest = count, .issued_s = issued_s };
	return REGISTRAR_COUNT_NEW;
}

enum registrar_count_state registrar_nonce_use(struct registrar_nonces *nonces, struct span nonce, uint32_t count)
{
	uint64_t hash = hash_keyed(&nonces->key, nonce) | 1, issued_s = 0;
	size_t index = (hash >> 8) & (nonces->place_count - 1);
	if (nonce.length != REGISTRAR_NONCE_LENGTH || !hex_read(nonce.at, 8, &issued_s) || count == 0)
		return REGISTRAR_COUNT_USED;
	pthread_mutex_t *lock = &nonces->locks[index % LOCKS];
	pthread_mutex_lock(lock);
	enum registrar_count_state state = place_use(&nonces->places[index], hash, (uint32_t)issued_s, count);
	pthread_mutex_unlock(lock);
	return state;
}
