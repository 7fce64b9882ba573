/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/register.h"
#include "sip/parameter.h"

#include <stdio.h>

#define TEMPORARY_PREFIX "tgruu."
#define TEMPORARY_DIGITS 48

/* "<urn:uuid:…>" without its angle brackets. */
static struct span urn_of(struct span instance)
{
	bool bracketed = instance.length > 2 && instance.at[0] == '<' && instance.at[instance.length - 1] == '>';
	return bracketed ? span_make(instance.at + 1, instance.length - 2) : instance;
}

/* What may stand in a URI's parameter without an escape (RFC 3261 25.1: paramchar), as far as URNs need it. */
static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr(":-._~+", c));
}

struct span registrar_gruu_public(struct span aor, struct span instance, struct arena *arena)
{
	struct span urn = urn_of(instance);
	if (!span_starts_nocase(urn, SPAN("urn:")))
		return SPAN_NONE;
	for (size_t i = 0; i < urn.length; i++)
		if (!is_plain(urn.at[i]))
			return SPAN_NONE;
	return arena_printf(arena, "sip:%.*s;gr=%.*s", SPAN_PRINT(aor), SPAN_PRINT(urn));
}

/* ---- temporary ones ---- */

static struct hash_key derived(const struct hash_key *key, uint64_t label)
{
	return (struct hash_key){ { hash_mix(key->word[0], label), hash_mix(key->word[1], ~label) } };
}

static uint64_t stream(const struct hash_key *key, uint64_t salt)
{
	struct hash_key own = derived(key, 0x67727575206b6579);
	return hash_keyed(&own, span_make((const char *)&salt, sizeof(salt)));
}

static uint64_t mac_of(
	const struct hash_key *key, uint64_t salt, uint64_t aor_hash, struct span instance, struct span call_id)
{
	struct hash_key own = derived(key, 0x67727575206d6163);
	uint64_t covered[4] = { salt, aor_hash, hash_keyed(&own, instance), hash_keyed(&own, call_id) };
	return hash_keyed(&own, span_make((const char *)covered, sizeof(covered)));
}

struct span registrar_gruu_temporary(
	const struct registrar_gruu_maker *maker, struct span instance, struct span call_id, struct arena *arena)
{
	uint64_t salt = random_u64(maker->random);
	struct span host = span_from(maker->aor, span_find(maker->aor, '@') + 1);
	return arena_printf(arena, "sip:" TEMPORARY_PREFIX "%016llx%016llx%016llx@%.*s;gr", (unsigned long long)salt,
		(unsigned long long)(maker->aor_hash ^ stream(&maker->key, salt)),
		(unsigned long long)mac_of(&maker->key, salt, maker->aor_hash, instance, call_id), SPAN_PRINT(host));
}

static bool hex_read(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (size_t i = 0; i < 16; i++) {
		char c = text[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: 16;
		if (digit > 15)
			return false;
		value = value << 4 | digit;
	}
	*ret_value = value;
	return true;
}

struct registrar_gruu registrar_gruu_read(const struct hash_key *key, const struct sip_uri *uri)
{
	struct registrar_gruu gruu = { .kind = REGISTRAR_GRUU_NONE };
	struct span value, token;
	if (!sip_uri_is_sip(uri) || !sip_uri_parameter(uri, SPAN("gr"), &value))
		return gruu;
	if (value.at) {
		gruu.kind = REGISTRAR_GRUU_PUBLIC;
		gruu.value = value;
		return gruu;
	}
	token = span_from(uri->user, sizeof(TEMPORARY_PREFIX) - 1);
	if (!span_starts_nocase(uri->user, SPAN(TEMPORARY_PREFIX)) || token.length != TEMPORARY_DIGITS ||
		!hex_read(token.at, &gruu.salt) || !hex_read(token.at + 16, &gruu.aor_hash) ||
		!hex_read(token.at + 32, &gruu.mac))
		return gruu;
	gruu.aor_hash ^= stream(key, gruu.salt);
	gruu.kind = REGISTRAR_GRUU_TEMPORARY;
	return gruu;
}

bool registrar_gruu_fits(
	const struct registrar_gruu *gruu, const struct hash_key *key, const struct registrar_binding *binding)
{
	if (gruu->kind == REGISTRAR_GRUU_NONE || !binding->instance.at)
		return false;
	if (gruu->kind == REGISTRAR_GRUU_PUBLIC)
		return span_equal_nocase(urn_of(binding->instance), gruu->value);
	return mac_of(key, gruu->salt, gruu->aor_hash, binding->instance, binding->call_id) == gruu->mac;
}
