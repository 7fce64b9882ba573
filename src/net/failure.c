/* SPDX-License-Identifier: Apache-2.0 */
#include "net/failure.h"

#include "base/require.h"

const char *net_stage_name(enum net_stage stage)
{
	static const char *const names[] = {
		[NET_STAGE_NONE] = "none",
		[NET_STAGE_CONNECT] = "connect",
		[NET_STAGE_HANDSHAKE] = "handshake",
		[NET_STAGE_AFTER_HANDSHAKE] = "after-handshake",
		[NET_STAGE_READ] = "read",
		[NET_STAGE_WRITE] = "write",
	};
	return names[stage];
}

const char *net_cause_name(enum net_cause cause)
{
	static const char *const names[] = {
		[NET_CAUSE_NONE] = "none",
		[NET_CAUSE_LOCAL] = "local",
		[NET_CAUSE_PEER_CLOSED] = "peer-closed",
		[NET_CAUSE_REFUSED] = "refused",
		[NET_CAUSE_UNREACHABLE] = "unreachable",
		[NET_CAUSE_TIMEOUT] = "timeout",
		[NET_CAUSE_IDLE] = "idle",
		[NET_CAUSE_STALL] = "stall",
		[NET_CAUSE_RESET] = "reset",
		[NET_CAUSE_CUT] = "cut",
		[NET_CAUSE_ALERT_RECEIVED] = "alert-received",
		[NET_CAUSE_ALERT_SENT] = "alert-sent",
		[NET_CAUSE_VERIFY] = "verify",
		[NET_CAUSE_VERSION] = "version",
		[NET_CAUSE_NOT_TLS] = "not-tls",
		[NET_CAUSE_TLS] = "tls",
		[NET_CAUSE_LIMIT] = "limit",
		[NET_CAUSE_SYSTEM] = "system",
	};
	return names[cause];
}

/* RFC 8446 6, with those of RFC 5246 7.2 that 1.2 still sends. */
static const struct {
	int number;
	const char *name;
} alerts[] = {
	{ 0, "close notify" },
	{ 10, "unexpected message" },
	{ 20, "bad record mac" },
	{ 21, "decryption failed" },
	{ 22, "record overflow" },
	{ 30, "decompression failure" },
	{ 40, "handshake failure" },
	{ 41, "no certificate" },
	{ 42, "bad certificate" },
	{ 43, "unsupported certificate" },
	{ 44, "certificate revoked" },
	{ 45, "certificate expired" },
	{ 46, "certificate unknown" },
	{ 47, "illegal parameter" },
	{ 48, "unknown ca" },
	{ 49, "access denied" },
	{ 50, "decode error" },
	{ 51, "decrypt error" },
	{ 60, "export restriction" },
	{ 70, "protocol version" },
	{ 71, "insufficient security" },
	{ 80, "internal error" },
	{ 86, "inappropriate fallback" },
	{ 90, "user canceled" },
	{ 100, "no renegotiation" },
	{ 109, "missing extension" },
	{ 110, "unsupported extension" },
	{ 111, "certificate unobtainable" },
	{ 112, "unrecognized name" },
	{ 113, "bad certificate status response" },
	{ 114, "bad certificate hash value" },
	{ 115, "unknown psk identity" },
	{ 116, "certificate required" },
	{ 120, "no application protocol" },
};

const char *net_alert_name(int alert)
{
	for (size_t i = 0; i < BASE_COUNT(alerts); i++) {
		if (alerts[i].number == alert)
			return alerts[i].name;
	}
	return NULL;
}
