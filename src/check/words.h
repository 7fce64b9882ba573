/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_WORDS_H
#define FEDGE_CHECK_WORDS_H
/* The stable words for what facts enumerate: JSON and saved facts use the same ones (docs/formats.md). */
#include "base/span.h"

#include <jansson.h>

enum check_words {
	CHECK_WORDS_LOOKUP, /* enum trust_lookup_status: "ok", "nodata", "nxdomain", "servfail", … */
	CHECK_WORDS_CONNECT, /* enum trust_connect_status */
	CHECK_WORDS_HANDSHAKE, /* enum trust_handshake_status */
	CHECK_WORDS_CHAIN, /* enum trust_chain_status */
	CHECK_WORDS_KEY, /* enum trust_key_kind */
	CHECK_WORDS_REACTION, /* enum peer_reaction */
	CHECK_WORDS_VERSION, /* enum peer_version_status */
	CHECK_WORDS_STATE, /* enum check_state */
	CHECK_WORDS_COUNT,
};

const char *check_word(enum check_words kind, unsigned value);
/* The value, or -1 where there is no such word. */
int check_word_value(enum check_words kind, struct span word);

/* A JSON string; what is not UTF-8 becomes U+FFFD. null for an absent span. */
json_t *check_json_text(struct span text);
#endif
