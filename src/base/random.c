/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <endian.h>
#include <errno.h>
#include <sys/random.h>

static inline uint32_t rotate(uint32_t value, unsigned by)
{
	return value << by | value >> (32 - by);
}

static inline void quarter(uint32_t *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

/* RFC 8439 2.3; words 12 and 13 are one 64-bit counter here. */
static void next_block(struct random *r)
{
	uint32_t x[16];
	memcpy(x, r->state, sizeof(x));
	for (int i = 0; i < 10; i++) {
		quarter(x, 0, 4, 8, 12);
		quarter(x, 1, 5, 9, 13);
		quarter(x, 2, 6, 10, 14);
		quarter(x, 3, 7, 11, 15);
		quarter(x, 0, 5, 10, 15);
		quarter(x, 1, 6, 11, 12);
		quarter(x, 2, 7, 8, 13);
		quarter(x, 3, 4, 9, 14);
	}
	for (size_t i = 0; i < 16; i++) {
		uint32_t word = htole32(x[i] + r->state[i]);
		memcpy(r->block + 4 * i, &word, sizeof(word));
	}
	if (++r->state[12] == 0)
		r->state[13]++;
	r->used = 0;
}

static void start(struct random *r, const uint32_t key[8])
{
	static const uint32_t constant[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	*r = (struct random){ .used = sizeof(r->block) };
	memcpy(r->state, constant, sizeof(constant));
	memcpy(r->state + 4, key, 8 * sizeof(*key));
}

int random_init(struct random *r)
{
	uint32_t key[8];
	size_t have = 0;
	while (have < sizeof(key)) {
		ssize_t got = getrandom((char *)key + have, sizeof(key) - have, 0);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			have += (size_t)got;
	}
	start(r, key);
	explicit_bzero(key, sizeof(key));
	return 0;
}

void random_init_seed(struct random *r, uint64_t seed)
{
	uint32_t key[8];
	for (unsigned i = 0; i < 4; i++) {
		uint64_t word = hash_mix(seed, i);
		key[2 * i] = (uint32_t)word;
		key[2 * i + 1] = (uint32_t)(word >> 32);
	}
	start(r, key);
}

void random_bytes(struct random *r, void *ret_bytes, size_t length)
{
	unsigned char *out = ret_bytes;
	while (length > 0) {
		if (r->used == sizeof(r->block))
			next_block(r);
		size_t part = sizeof(r->block) - r->used;
		if (part > length)
			part = length;
		memcpy(out, r->block + r->used, part);
		/* What was given out is forgotten here. */
		memset(r->block + r->used, 0, part);
		r->used += part;
		out += part;
		length -= part;
	}
}

uint64_t random_u64(struct random *r)
{
	uint64_t value;
	random_bytes(r, &value, sizeof(value));
	return le64toh(value);
}

uint64_t random_below(struct random *r, uint64_t below)
{
	/* The lowest 2^64 mod below values would be too frequent: draw again. */
	uint64_t unfair = (0 - below) % below;
	uint64_t value;
	do
		value = random_u64(r);
	while (value < unfair);
	return value % below;
}

static void hex(struct random *r, size_t digits, const char *alphabet, char *ret_text)
{
	for (size_t i = 0; i < digits; i += 2) {
		unsigned char byte;
		random_bytes(r, &byte, 1);
		ret_text[i] = alphabet[byte >> 4];
		if (i + 1 < digits)
			ret_text[i + 1] = alphabet[byte & 15];
	}
	ret_text[digits] = '\0';
}

void random_hex(struct random *r, size_t digits, char *ret_text)
{
	hex(r, digits, "0123456789abcdef", ret_text);
}

void random_hex_upper(struct random *r, size_t digits, char *ret_text)
{
	hex(r, digits, "0123456789ABCDEF", ret_text);
}

void random_uuid(struct random *r, char ret_text[37])
{
	static const char *const digits = "0123456789abcdef";
	unsigned char bytes[16];
	size_t at = 0;
	random_bytes(r, bytes, sizeof(bytes));
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			ret_text[at++] = '-';
		ret_text[at++] = digits[bytes[i] >> 4];
		ret_text[at++] = digits[bytes[i] & 15];
	}
	ret_text[at] = '\0';
}

struct hash_key random_hash_key(struct random *r)
{
	struct hash_key key;
	key.word[0] = random_u64(r);
	key.word[1] = random_u64(r);
	return key;
}
