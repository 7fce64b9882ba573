/* SPDX-License-Identifier: Apache-2.0 */
#include "check/words.h"

#include "base/require.h"
#include "base/text.h"
#include "check/facts.h"
#include "check/judge.h"

#define QUOTED_MAXIMUM (8u << 20)

static const char *const lookups[] = {
	[TRUST_LOOKUP_NOT_ASKED] = "not-asked",
	[TRUST_LOOKUP_OK] = "ok",
	[TRUST_LOOKUP_NODATA] = "nodata",
	[TRUST_LOOKUP_NXDOMAIN] = "nxdomain",
	[TRUST_LOOKUP_SERVFAIL] = "servfail",
	[TRUST_LOOKUP_REFUSED] = "refused",
	[TRUST_LOOKUP_TIMEOUT] = "timeout",
	[TRUST_LOOKUP_BOGUS] = "bogus",
	[TRUST_LOOKUP_CANCELLED] = "cancelled",
	[TRUST_LOOKUP_MALFORMED] = "malformed",
};
static const char *const connects[] = {
	[TRUST_CONNECT_NOT_TRIED] = "not-tried",
	[TRUST_CONNECT_OPEN] = "open",
	[TRUST_CONNECT_REFUSED] = "refused",
	[TRUST_CONNECT_TIMEOUT] = "timeout",
	[TRUST_CONNECT_UNREACHABLE] = "unreachable",
	[TRUST_CONNECT_FAILED] = "failed",
};
static const char *const handshakes[] = {
	[TRUST_HANDSHAKE_NOT_TRIED] = "not-tried",
	[TRUST_HANDSHAKE_DONE] = "done",
	[TRUST_HANDSHAKE_ALERT_RECEIVED] = "alert-received",
	[TRUST_HANDSHAKE_ALERT_SENT] = "alert-sent",
	[TRUST_HANDSHAKE_RESET] = "reset",
	[TRUST_HANDSHAKE_TIMEOUT] = "timeout",
	[TRUST_HANDSHAKE_NOT_TLS] = "not-tls",
	[TRUST_HANDSHAKE_FAILED] = "failed",
	[TRUST_HANDSHAKE_VERSION] = "no-common-version",
};
static const char *const chains[] = {
	[TRUST_CHAIN_NOT_VERIFIED] = "not-verified",
	[TRUST_CHAIN_TRUSTED] = "trusted",
	[TRUST_CHAIN_INCOMPLETE] = "incomplete",
	[TRUST_CHAIN_UNTRUSTED] = "untrusted",
	[TRUST_CHAIN_SELF_SIGNED] = "self-signed",
	[TRUST_CHAIN_WRONG_PURPOSE] = "wrong-purpose",
	[TRUST_CHAIN_REVOKED] = "revoked",
	[TRUST_CHAIN_BAD] = "bad",
};
static const char *const keys[] = {
	[TRUST_KEY_OTHER] = "other",
	[TRUST_KEY_RSA] = "rsa",
	[TRUST_KEY_EC] = "ec",
	[TRUST_KEY_ED] = "ed",
};
static const char *const reactions[] = {
	[PEER_REACTION_UNKNOWN] = "unknown",
	[PEER_REACTION_NOT_ASKED] = "not-asked",
	[PEER_REACTION_NONE_ACCEPTED] = "none-accepted",
	[PEER_REACTION_NONE_REFUSED] = "none-refused",
	[PEER_REACTION_ACCEPTED] = "accepted",
	[PEER_REACTION_REFUSED] = "refused",
	[PEER_REACTION_CUT] = "cut",
	[PEER_REACTION_SILENT] = "silent",
};
static const char *const versions[] = {
	[PEER_VERSION_NOT_TRIED] = "not-tried",
	[PEER_VERSION_AGREED] = "agreed",
	[PEER_VERSION_REFUSED] = "refused",
	[PEER_VERSION_UNDECIDED] = "undecided",
};
static const char *const states[] = {
	[CHECK_STATE_NOT_JUDGED] = "not-judged",
	[CHECK_STATE_GOOD] = "good",
	[CHECK_STATE_WARNING] = "warning",
	[CHECK_STATE_BAD] = "bad",
	[CHECK_STATE_UNKNOWN] = "unknown",
};
_Static_assert(BASE_COUNT(reactions) == PEER_REACTION_COUNT, "every reaction has a word");

static const struct {
	const char *const *words;
	size_t count;
} kinds[CHECK_WORDS_COUNT] = {
	[CHECK_WORDS_LOOKUP] = { lookups, BASE_COUNT(lookups) },
	[CHECK_WORDS_CONNECT] = { connects, BASE_COUNT(connects) },
	[CHECK_WORDS_HANDSHAKE] = { handshakes, BASE_COUNT(handshakes) },
	[CHECK_WORDS_CHAIN] = { chains, BASE_COUNT(chains) },
	[CHECK_WORDS_KEY] = { keys, BASE_COUNT(keys) },
	[CHECK_WORDS_REACTION] = { reactions, BASE_COUNT(reactions) },
	[CHECK_WORDS_VERSION] = { versions, BASE_COUNT(versions) },
	[CHECK_WORDS_STATE] = { states, BASE_COUNT(states) },
};

const char *check_word(enum check_words kind, unsigned value)
{
	base_require(kind < CHECK_WORDS_COUNT && value < kinds[kind].count);
	return kinds[kind].words[value];
}

int check_word_value(enum check_words kind, struct span word)
{
	base_require(kind < CHECK_WORDS_COUNT);
	for (size_t i = 0; i < kinds[kind].count; i++)
		if (span_is(word, kinds[kind].words[i]))
			return (int)i;
	return -1;
}

json_t *check_json_text(struct span text)
{
	if (!text.at)
		return json_null();
	json_t *plain = json_stringn(text.at, text.length);
	if (plain)
		return plain;
	struct buffer quoted;
	buffer_init(&quoted, QUOTED_MAXIMUM);
	text_append_json(&quoted, text);
	if (quoted.status == 0)
		plain = json_loadb(quoted.at, quoted.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	buffer_done(&quoted);
	return plain ? plain : json_string("");
}
