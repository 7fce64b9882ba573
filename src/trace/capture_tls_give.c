/* SPDX-License-Identifier: Apache-2.0 */
/* A handshake as a record: once as the client sees it, and as the server does where the client showed a certificate. */
#include "trace/capture_tls.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define NAME_MAXIMUM 512

static struct span version_text(uint16_t version)
{
	static const struct span texts[] = { { "SSLv3", 5 }, { "TLSv1", 5 }, { "TLSv1.1", 7 }, { "TLSv1.2", 7 },
		{ "TLSv1.3", 7 } };
	return version >= 0x0300 && version <= 0x0304 ? texts[version - 0x0300] : SPAN_NONE;
}

/* ---- certificates ---- */

static struct span string_text(struct capture *c, const ASN1_STRING *string)
{
	unsigned char *text = NULL;
	int length = ASN1_STRING_to_UTF8(&text, string);
	struct span copy = SPAN_NONE;
	if (length > 0 && length <= NAME_MAXIMUM)
		copy = arena_copy(capture_arena(c), span_make((const char *)text, (size_t)length));
	OPENSSL_free(text);
	return copy;
}

/* The last one is the most specific. */
static struct span part_of_name(struct capture *c, const X509_NAME *name, int part)
{
	int last = -1;
	for (int at = -1; (at = X509_NAME_get_index_by_NID(name, part, at)) >= 0;)
		last = at;
	return last < 0 ? SPAN_NONE : string_text(c, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
}

static void read_names(struct capture *c, const X509 *certificate, struct record_handshake *ret_handshake)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	struct span *names = arena_allocate(capture_arena(c), RECORD_LIST_MAXIMUM * sizeof(*names));
	size_t count = 0;
	for (int i = 0; names && i < sk_GENERAL_NAME_num(list) && count < RECORD_LIST_MAXIMUM; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
		struct span text = name->type == GEN_DNS ? string_text(c, name->d.dNSName) : SPAN_NONE;
		if (text.length > 0)
			names[count++] = text;
	}
	GENERAL_NAMES_free(list);
	ret_handshake->names = (struct record_spans){ names, count };
}

static struct span time_text(struct capture *c, const ASN1_TIME *time)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return SPAN("a date that cannot be read");
	return arena_printf(capture_arena(c), "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Its dates beside the clock of the capture. */
static void read_dates(struct capture *c, const X509 *certificate, struct record_handshake *ret_handshake)
{
	const ASN1_TIME *from = X509_get0_notBefore(certificate), *until = X509_get0_notAfter(certificate);
	time_t now = (time_t)(c->packet.time_us / 1000000);
	struct arena *arena = capture_arena(c);
	if (now == 0)
		return;
	if (ASN1_TIME_cmp_time_t(until, now) == -1) {
		ret_handshake->verify_error = X509_V_ERR_CERT_HAS_EXPIRED;
		ret_handshake->verify_reason =
			arena_printf(arena, "the certificate was valid until %.*s", SPAN_PRINT(time_text(c, until)));
	} else if (ASN1_TIME_cmp_time_t(from, now) == 1) {
		ret_handshake->verify_error = X509_V_ERR_CERT_NOT_YET_VALID;
		ret_handshake->verify_reason =
			arena_printf(arena, "the certificate is valid from %.*s on", SPAN_PRINT(time_text(c, from)));
	}
}

static void read_certificate(
	struct capture *c, const struct capture_tls_side *s, struct record_handshake *ret_handshake)
{
	const unsigned char *at = (const unsigned char *)s->certificate;
	X509 *certificate = at ? d2i_X509(NULL, &at, (long)s->certificate_length) : NULL;
	if (!certificate)
		return;
	ret_handshake->common_name = part_of_name(c, X509_get_subject_name(certificate), NID_commonName);
	ret_handshake->issuer = part_of_name(c, X509_get_issuer_name(certificate), NID_commonName);
	if (!ret_handshake->issuer.at)
		ret_handshake->issuer = part_of_name(c, X509_get_issuer_name(certificate), NID_organizationName);
	read_names(c, certificate, ret_handshake);
	read_dates(c, certificate, ret_handshake);
	X509_free(certificate);
}

/* ---- the record ---- */

static struct span shown(struct capture *c, const struct record_handshake *h)
{
	const struct capture_ends ends = { h->local, h->remote };
	return arena_printf(capture_arena(c), "%.*s TLS handshake %s%s%.*s", SPAN_PRINT(capture_ends_text(c, &ends)),
		h->failed ? "failed" : "done", h->reason.length ? ": " : "", SPAN_PRINT(h->reason));
}

static void give_view(struct capture *c, const struct capture_flow *flow, enum record_role role, struct span reason)
{
	const struct capture_tls *tls = flow->tls;
	unsigned side = role == RECORD_CLIENT ? tls->client : 1 - tls->client;
	struct record r = { .kind = RECORD_HANDSHAKE, .head.time_us = c->packet.time_us };
	struct record_handshake *h = &r.handshake;
	h->failed = reason.length > 0;
	h->role = role;
	h->resumed = tls->is_resumed;
	h->local = flow->ends[side];
	h->remote = flow->ends[1 - side];
	h->server_name = span_make(tls->server_name_length ? tls->server_name : NULL, tls->server_name_length);
	h->version = version_text(tls->has_server_hello ? tls->version : tls->offered);
	if (tls->suite)
		h->cipher = span_of(tls->suite->name);
	h->reason = reason;
	if (tls->alert_side >= 0) {
		h->alert_direction = (unsigned)tls->alert_side == side ? RECORD_ALERT_SENT : RECORD_ALERT_RECEIVED;
		h->alert = tls->alert;
	}
	int64_t end_us = tls->finished_us ? tls->finished_us : c->packet.time_us;
	if (end_us > tls->began_us)
		h->duration_us = (uint64_t)(end_us - tls->began_us);
	read_certificate(c, &tls->sides[1 - side], h);
	capture_give(c, &r, shown(c, h));
}

void capture_tls_give(struct capture *c, struct capture_flow *flow, struct span reason)
{
	const struct capture_tls *tls = flow->tls;
	if (tls->is_web)
		return;
	give_view(c, flow, RECORD_CLIENT, reason);
	if (tls->sides[tls->client].certificate)
		give_view(c, flow, RECORD_SERVER, reason);
}
