/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a key log: https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-02.html */
#include "trace/keys.h"

#include "base/hash.h"
#include "base/require.h"
#include "trace/text_read.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define RANDOM_LENGTH 32
#define LABEL_MAXIMUM 40
#define SECRET_MAXIMUM 64

struct secret {
	struct hash_link link;
	char random[RANDOM_LENGTH];
	uint8_t label_length, secret_length;
	char label[LABEL_MAXIMUM];
	char secret[SECRET_MAXIMUM];
};

struct trace_keys {
	struct hash_table table;
	struct hash_key key;
};

struct trace_keys *trace_keys_new(void)
{
	struct trace_keys *keys = calloc(1, sizeof(*keys));
	if (keys && hash_init(&keys->table, TRACE_KEYS_MAXIMUM) < 0) {
		free(keys);
		return NULL;
	}
	if (keys)
		keys->key = (struct hash_key){ { (uint64_t)(uintptr_t)keys, 0x9e3779b97f4a7c15u } };
	return keys;
}

static bool free_secret(struct hash_link *link, void *argument)
{
	struct trace_keys *keys = argument;
	struct secret *secret = base_container(link, struct secret, link);
	hash_remove(&keys->table, link);
	OPENSSL_cleanse(secret, sizeof(*secret));
	free(secret);
	return true;
}

struct trace_keys *trace_keys_free(struct trace_keys *keys)
{
	if (keys) {
		hash_walk(&keys->table, free_secret, keys);
		hash_done(&keys->table);
		free(keys);
	}
	return NULL;
}

size_t trace_keys_count(const struct trace_keys *keys)
{
	return keys->table.count;
}

static struct secret *find(const struct trace_keys *keys, struct span label, struct span random)
{
	uint64_t hash = hash_keyed(&keys->key, random);
	for (struct hash_link *link = hash_first(&keys->table, hash); link; link = hash_next(link)) {
		struct secret *secret = base_container(link, struct secret, link);
		if (span_equal(span_make(secret->random, RANDOM_LENGTH), random) &&
			span_equal(span_make(secret->label, secret->label_length), label))
			return secret;
	}
	return NULL;
}

struct span trace_keys_find(const struct trace_keys *keys, struct span label, struct span client_random)
{
	const struct secret *secret = client_random.length == RANDOM_LENGTH ? find(keys, label, client_random) : NULL;
	return secret ? span_make(secret->secret, secret->secret_length) : SPAN_NONE;
}

/* Gives the number of bytes, 0 where the text is no hexadecimal number of at most so many bytes. */
static size_t unhex(struct span text, char *out, size_t maximum)
{
	if (text.length % 2 != 0 || text.length / 2 > maximum)
		return 0;
	for (size_t i = 0; i < text.length / 2; i++) {
		int high = trace_read_hex_digit(text.at[2 * i]), low = trace_read_hex_digit(text.at[2 * i + 1]);
		if (high < 0 || low < 0)
			return 0;
		out[i] = (char)(high << 4 | low);
	}
	return text.length / 2;
}

static bool read_line(struct span line, struct secret *ret_secret)
{
	line = span_trim(line);
	struct span label = span_cut(&line, ' '), random = span_cut(&line, ' ');
	if (line.length == 0 || label.length == 0 || label.length > LABEL_MAXIMUM || *label.at == '#')
		return false;
	if (unhex(random, ret_secret->random, RANDOM_LENGTH) != RANDOM_LENGTH)
		return false;
	size_t length = unhex(span_trim(line), ret_secret->secret, SECRET_MAXIMUM);
	memcpy(ret_secret->label, label.at, label.length);
	ret_secret->label_length = (uint8_t)label.length;
	ret_secret->secret_length = (uint8_t)length;
	return length > 0;
}

/* 1: kept, or there already; 0: no room. */
static int keep(struct trace_keys *keys, const struct secret *read)
{
	struct span random = span_make(read->random, RANDOM_LENGTH);
	if (find(keys, span_make(read->label, read->label_length), random))
		return 1;
	struct secret *secret = malloc(sizeof(*secret));
	if (!secret)
		return -ENOMEM;
	*secret = *read;
	int status = hash_insert(&keys->table, &secret->link, hash_keyed(&keys->key, random));
	if (status == 0)
		return 1;
	OPENSSL_cleanse(secret, sizeof(*secret));
	free(secret);
	return status == -ENOSPC ? 0 : status;
}

int trace_keys_add(struct trace_keys *keys, struct span text)
{
	int count = 0;
	while (text.length > 0) {
		struct secret secret = { 0 };
		struct span line = span_cut(&text, '\n');
		int status = read_line(line, &secret) ? keep(keys, &secret) : 0;
		OPENSSL_cleanse(&secret, sizeof(secret));
		if (status < 0)
			return status;
		count += status;
	}
	return count;
}
