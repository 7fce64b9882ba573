/* SPDX-License-Identifier: Apache-2.0 */
/* What a TLS alert is called, and what it can mean. */
#include "base/require.h"
#include "finding/remedy.h"

/* RFC 8446 6, RFC 5246 7.2, RFC 6066 9. */
static const struct {
	uint8_t number;
	bool about_certificate;
	const char *name;
} alerts[] = {
	{ 0, false, "close_notify" },
	{ 10, false, "unexpected_message" },
	{ 20, false, "bad_record_mac" },
	{ 22, false, "record_overflow" },
	{ 40, false, "handshake_failure" },
	{ 41, true, "no_certificate" },
	{ 42, true, "bad_certificate" },
	{ 43, true, "unsupported_certificate" },
	{ 44, true, "certificate_revoked" },
	{ 45, true, "certificate_expired" },
	{ 46, true, "certificate_unknown" },
	{ 47, false, "illegal_parameter" },
	{ 48, true, "unknown_ca" },
	{ 49, true, "access_denied" },
	{ 50, false, "decode_error" },
	{ 51, false, "decrypt_error" },
	{ 70, false, "protocol_version" },
	{ 71, false, "insufficient_security" },
	{ 80, false, "internal_error" },
	{ 86, false, "inappropriate_fallback" },
	{ 90, false, "user_canceled" },
	{ 100, false, "no_renegotiation" },
	{ 109, false, "missing_extension" },
	{ 110, false, "unsupported_extension" },
	{ 112, false, "unrecognized_name" },
	{ 113, true, "bad_certificate_status_response" },
	{ 115, false, "unknown_psk_identity" },
	{ 116, true, "certificate_required" },
	{ 120, false, "no_application_protocol" },
};

/* What each alert about our certificate can mean, most likely first. */
static const struct {
	uint8_t alert;
	const char *note;
	const char *fix;
} refusals[] = {
	{ 40, "the peer does not say why; often it wants a certificate that it did not get",
		"show a certificate to peers that ask for one; the peer's log says what it missed" },
	{ 41, "we showed no certificate", "configure a certificate for calls out" },
	{ 42, "the peer could not use our certificate or its signature",
		"check the certificate and key that we show; the peer's log says more" },
	{ 43, "usually our certificate has no clientAuth usage and the peer demands it",
		"show a certificate with clientAuth for calls out (tls: identities: client_certificate)" },
	{ 44, "our certificate is on a revocation list", "replace our certificate" },
	{ 45, "our certificate is out of date, or the peer's clock is wrong", "renew our certificate" },
	{ 46, "the peer does not say what it misses", "ask the partner for the log of its edge" },
	{ 48, "the peer does not trust our authority, or we did not send the intermediate",
		"send the whole chain; if the authority is private, the partner must import its root" },
	{ 49, "the certificate is good, but its name is not allowed there",
		"ask the partner to allow the name in our certificate" },
	{ 113, "the peer wanted a revocation status", "ask the partner for the log of its edge" },
	{ 116, "we showed no certificate", "configure a certificate for calls out" },
};

const char *remedy_alert_name(unsigned alert)
{
	for (size_t i = 0; i < BASE_COUNT(alerts); i++)
		if (alerts[i].number == alert)
			return alerts[i].name;
	return NULL;
}

bool remedy_alert_is_about_certificate(unsigned alert)
{
	for (size_t i = 0; i < BASE_COUNT(alerts); i++)
		if (alerts[i].number == alert)
			return alerts[i].about_certificate;
	return false;
}

/* The last row stands for all that are not named. */
static size_t refusal_of(unsigned alert)
{
	size_t i = 0;
	while (i < BASE_COUNT(refusals) - 1 && refusals[i].alert != alert)
		i++;
	return i;
}

const char *remedy_alert_meaning(unsigned alert)
{
	return refusals[refusal_of(alert)].note;
}

void remedy_refused_certificate(struct finding *f, unsigned alert)
{
	finding_fix(f, FINDING_YOU, "the certificate", span_of(refusals[refusal_of(alert)].fix));
}
