/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/flow.h"

#include "base/require.h"

#include <errno.h>

static const struct {
	const char *name;
	const char *parameter;
} PROTOCOLS[TRANSPORT_PROTOCOL_COUNT] = {
	[TRANSPORT_ANY] = { "", "" },
	[TRANSPORT_UDP] = { "UDP", "udp" },
	[TRANSPORT_TCP] = { "TCP", "tcp" },
	[TRANSPORT_TLS] = { "TLS", "tls" },
};

const char *transport_protocol_name(enum transport_protocol protocol)
{
	return PROTOCOLS[protocol].name;
}

const char *transport_protocol_parameter(enum transport_protocol protocol)
{
	return PROTOCOLS[protocol].parameter;
}

enum transport_protocol transport_protocol_parse(struct span text)
{
	for (size_t i = TRANSPORT_UDP; i < TRANSPORT_PROTOCOL_COUNT; i++)
		if (span_is_nocase(text, PROTOCOLS[i].name))
			return (enum transport_protocol)i;
	return TRANSPORT_ANY;
}

enum transport_protocol transport_protocol_of(enum sip_transport transport)
{
	switch (transport) {
	case SIP_TRANSPORT_UDP:
		return TRANSPORT_UDP;
	case SIP_TRANSPORT_TCP:
		return TRANSPORT_TCP;
	case SIP_TRANSPORT_TLS:
		return TRANSPORT_TLS;
	default:
		return TRANSPORT_ANY;
	}
}

/* ---- hexadecimal ---- */

static void hex_write(char *text, uint64_t value, size_t digits)
{
	for (size_t i = digits; i-- > 0; value >>= 4)
		text[i] = "0123456789abcdef"[value & 15];
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool hex_read(const char *text, size_t digits, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (size_t i = 0; i < digits; i++) {
		int digit = hex_digit(text[i]);
		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*ret_value = value;
	return true;
}

static bool is_hex(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (hex_digit(s.at[i]) < 0)
			return false;
	return true;
}

/* ---- tokens ---- */

#define TOKEN_NAME_LENGTH 18 /* worker, slot, generation */

static uint64_t token_mac(const struct hash_key *key, struct span name, struct span call_id)
{
	/* The Call-ID as its own keyed hash: of fixed length, so that no two pairs make the same text. */
	char covered[TOKEN_NAME_LENGTH + 16];
	memcpy(covered, name.at, TOKEN_NAME_LENGTH);
	hex_write(covered + TOKEN_NAME_LENGTH, hash_keyed(key, call_id), 16);
	return hash_keyed(key, span_make(covered, sizeof(covered)));
}

void transport_token_write(const struct hash_key *key, struct transport_flow flow, struct span call_id,
	char ret_text[TRANSPORT_TOKEN_LENGTH + 1])
{
	base_require(flow.worker <= UINT8_MAX);
	hex_write(ret_text, flow.worker, 2);
	hex_write(ret_text + 2, flow.slot, 8);
	hex_write(ret_text + 10, flow.generation, 8);
	uint64_t mac = token_mac(key, span_make(ret_text, TOKEN_NAME_LENGTH), call_id);
	hex_write(ret_text + TOKEN_NAME_LENGTH, mac, 16);
	ret_text[TRANSPORT_TOKEN_LENGTH] = '\0';
}

int transport_token_parse(
	const struct hash_key *key, struct span text, struct span call_id, struct transport_flow *ret_flow)
{
	uint64_t worker;
	uint64_t slot;
	uint64_t generation;
	uint64_t mac;
	if (text.length != TRANSPORT_TOKEN_LENGTH || !hex_read(text.at, 2, &worker) ||
		!hex_read(text.at + 2, 8, &slot) || !hex_read(text.at + 10, 8, &generation) ||
		!hex_read(text.at + TOKEN_NAME_LENGTH, 16, &mac))
		return -EINVAL;
	struct transport_flow flow = { (uint16_t)worker, (uint32_t)slot, (uint32_t)generation };
	/* Written again rather than hashed as it came: peers may have changed the case of the user part. */
	char ours[TRANSPORT_TOKEN_LENGTH + 1];
	transport_token_write(key, flow, call_id, ours);
	uint64_t expected = 0;
	(void)hex_read(ours + TOKEN_NAME_LENGTH, 16, &expected);
	if (expected != mac)
		return -EACCES;
	*ret_flow = flow;
	return 0;
}

/* ---- branches ---- */

#define BRANCH_COOKIE 7 /* z9hG4bK */
#define BRANCH_DOT (BRANCH_COOKIE + 2 + 32)

int transport_branch_parse(struct span branch, uint16_t *ret_worker, struct span *ret_loop_hash)
{
	uint64_t worker;
	if (branch.length != TRANSPORT_BRANCH_LENGTH || !span_starts_nocase(branch, SPAN("z9hG4bK")) ||
		branch.at[BRANCH_DOT] != '.' || !hex_read(branch.at + BRANCH_COOKIE, 2, &worker))
		return -EINVAL;
	struct span random = span_make(branch.at + BRANCH_COOKIE + 2, 32);
	struct span loop_hash = span_from(branch, BRANCH_DOT + 1);
	if (!is_hex(random) || !is_hex(loop_hash))
		return -EINVAL;
	*ret_worker = (uint16_t)worker;
	*ret_loop_hash = loop_hash;
	return 0;
}
