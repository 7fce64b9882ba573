/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_RANDOM_H
#define FEDGE_BASE_RANDOM_H
/* Randomness is passed in: one generator a worker (ChaCha20 keyed from the kernel; good enough
 * for tags, branches, nonces and tokens), or a seeded one that repeats itself, for tests. */
#include "base/hash.h"

#include <stdint.h>

struct random {
	uint32_t state[16];
	unsigned char block[64];
	size_t used;
};

int random_init(struct random *r); /* negative errno where the kernel gives none */
void random_init_seed(struct random *r, uint64_t seed);
void random_bytes(struct random *r, void *ret_bytes, size_t length);
uint64_t random_u64(struct random *r);
/* Uniform in 0 … below-1; below > 0. */
uint64_t random_below(struct random *r, uint64_t below);
/* digits hexadecimal digits and a NUL into ret_text[digits + 1]. */
void random_hex(struct random *r, size_t digits, char *ret_text);
void random_hex_upper(struct random *r, size_t digits, char *ret_text);
/* RFC 4122 version 4, lower case, 36 characters and a NUL. */
void random_uuid(struct random *r, char ret_text[37]);
struct hash_key random_hash_key(struct random *r);
#endif
