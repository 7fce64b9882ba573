/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/facts.h"

#include "base/require.h"
#include "finding/remedy.h"

#include <arpa/inet.h>

static const char *const lookup_names[] = {
	[TRUST_LOOKUP_NOT_ASKED] = "not asked",
	[TRUST_LOOKUP_OK] = "answered",
	[TRUST_LOOKUP_NODATA] = "no such record",
	[TRUST_LOOKUP_NXDOMAIN] = "no such name",
	[TRUST_LOOKUP_SERVFAIL] = "server failure",
	[TRUST_LOOKUP_REFUSED] = "refused",
	[TRUST_LOOKUP_TIMEOUT] = "no answer in time",
	[TRUST_LOOKUP_BOGUS] = "bogus, DNSSEC validation failed",
	[TRUST_LOOKUP_CANCELLED] = "cancelled",
	[TRUST_LOOKUP_MALFORMED] = "malformed answer",
};

/* The blocks of RFC 6890 and its successors that no partner on the internet can reach. */
static const struct {
	const char *prefix;
	uint8_t bits;
} private_v4[] = {
	{ "0.0.0.0", 8 },
	{ "10.0.0.0", 8 }, /* RFC 1918 */
	{ "100.64.0.0", 10 }, /* RFC 6598 */
	{ "127.0.0.0", 8 },
	{ "169.254.0.0", 16 }, /* RFC 3927 */
	{ "172.16.0.0", 12 },
	{ "192.0.0.0", 24 },
	{ "192.0.2.0", 24 }, /* RFC 5737 */
	{ "192.168.0.0", 16 },
	{ "198.18.0.0", 15 }, /* RFC 2544 */
	{ "198.51.100.0", 24 },
	{ "203.0.113.0", 24 },
	{ "224.0.0.0", 3 }, /* multicast and reserved */
}, private_v6[] = {
	{ "::", 128 },
	{ "::1", 128 },
	{ "100::", 64 }, /* RFC 6666 */
	{ "2001:db8::", 32 }, /* RFC 3849 */
	{ "fc00::", 7 }, /* RFC 4193 */
	{ "fe80::", 10 },
	{ "ff00::", 8 },
};

static bool bits_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] >> (8 - rest)) == (b[whole] >> (8 - rest));
}

static bool is_private_v4(const unsigned char *address)
{
	for (size_t i = 0; i < BASE_COUNT(private_v4); i++) {
		unsigned char prefix[4];
		inet_pton(AF_INET, private_v4[i].prefix, prefix);
		if (bits_equal(address, prefix, private_v4[i].bits))
			return true;
	}
	return false;
}

static bool is_private_v6(const unsigned char *address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	if (memcmp(address, mapped, sizeof(mapped)) == 0)
		return is_private_v4(address + 12);
	for (size_t i = 0; i < BASE_COUNT(private_v6); i++) {
		unsigned char prefix[16];
		inet_pton(AF_INET6, private_v6[i].prefix, prefix);
		if (bits_equal(address, prefix, private_v6[i].bits))
			return true;
	}
	return false;
}

bool trust_address_is_private(struct span text)
{
	char copy[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	if (!span_copy_to(text, copy, sizeof(copy)))
		return false;
	if (inet_pton(AF_INET, copy, bytes) == 1)
		return is_private_v4(bytes);
	return inet_pton(AF_INET6, copy, bytes) == 1 && is_private_v6(bytes);
}

const char *trust_lookup_status_name(enum trust_lookup_status status)
{
	base_require(status < BASE_COUNT(lookup_names));
	return lookup_names[status];
}

const char *trust_alert_name(uint8_t alert)
{
	return remedy_alert_name(alert);
}

bool trust_alert_is_about_certificate(uint8_t alert)
{
	return remedy_alert_is_about_certificate(alert);
}
