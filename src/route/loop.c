/* SPDX-License-Identifier: Apache-2.0 */
#include "route/loop.h"

#include <stdio.h>

static uint64_t fold(const struct hash_key *key, uint64_t hash, struct span s)
{
	return hash_mix(hash, hash_keyed(key, s));
}

static uint64_t hash_with(const struct hash_key *key, const struct route_loop_input *input)
{
	const struct sip_message *m = input->message;
	uint64_t hash = fold(key, 0, input->source_zone);
	hash = fold(key, hash, input->identity);
	hash = fold(key, hash, input->request_uri);
	struct sip_values routes = sip_message_values(m, SIP_HEADER_ROUTE);
	for (struct span value; sip_values_next(&routes, &value);)
		hash = fold(key, hash, value);
	hash = fold(key, hash, m->call_id);
	hash = fold(key, hash, m->from.tag);
	hash = fold(key, hash, m->to.tag);
	return hash_mix(hash, m->cseq);
}

void route_loop_hash(
	const struct hash_key *key, const struct route_loop_input *input, char ret_text[ROUTE_LOOP_HASH_LENGTH + 1])
{
	struct hash_key other = { { ~key->word[0], key->word[1] + 1 } };
	snprintf(ret_text, ROUTE_LOOP_HASH_LENGTH + 1, "%016llx%016llx", (unsigned long long)hash_with(key, input),
		(unsigned long long)hash_with(&other, input));
}

bool route_loop_is_seen(const struct sip_message *m, struct span loop_hash)
{
	struct sip_values vias = sip_message_values(m, SIP_HEADER_VIA);
	for (struct span value; sip_values_next(&vias, &value);) {
		struct sip_via via;
		if (sip_via_parse(value, &via, NULL) < 0 || !via.branch.at || via.branch.length <= loop_hash.length)
			continue;
		size_t dot = via.branch.length - loop_hash.length - 1;
		if (via.branch.at[dot] == '.' && span_equal_nocase(span_from(via.branch, dot + 1), loop_hash))
			return true;
	}
	return false;
}
