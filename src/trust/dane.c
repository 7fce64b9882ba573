/* SPDX-License-Identifier: Apache-2.0 */
/* R8 of docs/rules.md, policy dane: are there TLSA records, may they be believed, and does one fit? */
#include "base/buffer.h"
#include "trust/names.h"
#include "trust/trial.h"
#include "trust/words.h"

#include <stdio.h>

#define RECORDS_SHOWN 8
#define DIGEST_SHOWN 64 /* bytes of a record's data; full certificates are longer than anybody reads */

static bool is_failed(enum trust_lookup_status status)
{
	return status >= TRUST_LOOKUP_SERVFAIL || status == TRUST_LOOKUP_NOT_ASKED;
}

static struct span hex(const struct trust_judge *judge, struct span bytes)
{
	struct buffer text;
	buffer_init(&text, 1024);
	size_t count = bytes.length < DIGEST_SHOWN ? bytes.length : DIGEST_SHOWN;
	for (size_t i = 0; i < count; i++)
		buffer_printf(&text, "%02x", (unsigned)(unsigned char)bytes.at[i]);
	if (count < bytes.length)
		buffer_append_text(&text, "…");
	struct span copy = words_printf(judge, "%.*s", SPAN_PRINT(buffer_span(&text)));
	buffer_done(&text);
	return copy;
}

static struct finding *tlsa_finding(
	struct trial *t, enum finding_code code, const struct trust_candidate *candidate, struct span observed)
{
	struct finding *f = trial_add(t, code, t->target);
	char answer[512];
	snprintf(answer, sizeof(answer), "_%u._tcp.%.*s. IN TLSA", (unsigned)candidate->port, SPAN_PRINT(t->target));
	if (code != FINDING_TLSA_MISMATCH)
		finding_evidence(f, FINDING_EVIDENCE_DNS,
			words_printf(t->judge, "%s: %.*s", answer, SPAN_PRINT(observed)), SPAN_NONE, SPAN_NONE);
	finding_observed(f, observed);
	return f;
}

/* The record of the key that is shown now: right at once, and after every renewal that keeps the key. */
static void fix_record(struct trial *t, struct finding *f, const struct trust_candidate *candidate)
{
	struct finding_fix *fix = words_fix(f, "DNS", SPAN("publish the digest of the certificate's key"));
	struct span name = words_name(t->target, "HOST");
	bool known = t->leaf && t->leaf->key_sha256.length == 32;
	finding_fix_line(fix, "_%u._tcp.%.*s.\t300 IN TLSA\t3 1 1 %.*s", (unsigned)candidate->port, SPAN_PRINT(name),
		SPAN_PRINT(known ? hex(t->judge, t->leaf->key_sha256) : SPAN("DIGEST")));
	if (!known)
		finding_fix_line(fix,
			"openssl x509 -in CERTIFICATE.pem -noout -pubkey | openssl pkey -pubin -outform DER | "
			"openssl dgst -sha256");
	words_mail(t->judge, f);
}

static void lookup_failed(
	struct trial *t, const struct trust_candidate *candidate, const struct trust_lookup *lookup, const char *status)
{
	struct span why = lookup ? lookup->why : SPAN_NONE;
	struct finding *f = tlsa_finding(t, FINDING_TLSA_LOOKUP_FAILED, candidate,
		words_printf(t->judge, "%s%s%.*s", status, why.length ? ": " : "", SPAN_PRINT(why)));
	finding_expected(f, SPAN("an answer, be it that there is no record"));
	struct finding_fix *fix =
		finding_fix(f, FINDING_YOU, "DNS", SPAN("ask by hand, here and from another network"));
	finding_fix_line(fix, "dig +dnssec TLSA _%u._tcp.%.*s", (unsigned)candidate->port,
		SPAN_PRINT(words_name(t->target, "HOST")));
	if (lookup && lookup->status == TRUST_LOOKUP_BOGUS)
		finding_fix(f, FINDING_OWNER, "DNS",
			SPAN("repair DNSSEC of the zone: the signatures do not fit what the parent zone says"));
}

static void record_missing(struct trial *t, const struct trust_candidate *candidate, const char *status)
{
	struct finding *f = tlsa_finding(t, FINDING_TLSA_MISSING, candidate, span_of(status));
	finding_expected(f, SPAN("a TLSA record, signed by DNSSEC, that fits the certificate"));
	fix_record(t, f, candidate);
}

static struct span unsigned_words(const struct trust_judge *judge, bool srv, bool address, bool tlsa)
{
	return words_printf(judge, "without DNSSEC: %s%s%s%s%s", srv ? "" : "the SRV record",
		!srv && !(address && tlsa) ? ", " : "", address ? "" : "the address", !address && !tlsa ? ", " : "",
		tlsa ? "" : "the TLSA record");
}

static void not_signed(struct trial *t, const struct trust_candidate *candidate, bool srv, bool address, bool tlsa)
{
	struct finding *f =
		tlsa_finding(t, FINDING_TLSA_INSECURE, candidate, unsigned_words(t->judge, srv, address, tlsa));
	finding_expected(f, SPAN("SRV, address and TLSA records, all signed by DNSSEC"));
	struct finding_fix *fix = words_fix(f, "DNS",
		SPAN("sign the zone and have its DS record published in the parent zone; if it is signed, ask a "
		     "resolver "
		     "that validates"));
	if (!srv)
		finding_fix_line(fix, "dig +dnssec SRV " TRUST_SERVICE ".%.*s",
			SPAN_PRINT(words_name(candidate->domain, "DOMAIN")));
	else
		finding_fix_line(fix, "dig +dnssec A %.*s", SPAN_PRINT(words_name(t->target, "HOST")));
	words_mail(t->judge, f);
}

static void record_evidence(
	struct trial *t, struct finding *f, const struct trust_candidate *candidate, const struct trust_tlsa *record)
{
	struct span data = hex(t->judge, record->data);
	struct span text = words_printf(t->judge, "_%u._tcp.%.*s. IN TLSA %u %u %u %.*s", (unsigned)candidate->port,
		SPAN_PRINT(t->target), (unsigned)record->usage, (unsigned)record->selector, (unsigned)record->matching,
		SPAN_PRINT(data));
	bool known = record->usage <= 3 && record->selector <= 1 && record->matching <= 2;
	const char *note = !known                                     ? "nobody knows such a record"
			   : record->usage == 3 || record->usage == 1 ? "not the certificate that was shown"
								      : "not in the chain that was shown";
	finding_evidence(f, FINDING_EVIDENCE_DNS, text,
		text.at ? span_from(text, text.length - data.length) : SPAN_NONE, span_of(note));
}

static void no_record_fits(struct trial *t, const struct trust_candidate *candidate, const struct trust_host *host)
{
	struct finding *f = tlsa_finding(t, FINDING_TLSA_MISMATCH, candidate,
		host->tlsa_count == 1 ? SPAN("1 record, it does not fit")
				      : words_printf(t->judge, "%zu records, none fits", host->tlsa_count));
	finding_expected(f, SPAN("a TLSA record, signed by DNSSEC, that fits the certificate"));
	for (size_t i = 0; i < host->tlsa_count && i < RECORDS_SHOWN; i++)
		record_evidence(t, f, candidate, &host->tlsa[i]);
	fix_record(t, f, candidate);
}

/* What DNS alone tells: is there a record, and may it be believed? */
static bool has_record(struct trial *t, const struct trust_candidate *candidate, const struct trust_host *host)
{
	enum trust_lookup_status status = host ? host->tlsa_lookup.status : TRUST_LOOKUP_NOT_ASKED;
	bool address = host && (host->a.status != TRUST_LOOKUP_OK || host->a.secure) &&
		       (host->aaaa.status != TRUST_LOOKUP_OK || host->aaaa.secure);
	bool led_here = candidate->secure && address;
	if (!host || (is_failed(status) && led_here))
		lookup_failed(t, candidate, host ? &host->tlsa_lookup : NULL, trust_lookup_status_name(status));
	else if (!is_failed(status) && (status != TRUST_LOOKUP_OK || host->tlsa_count == 0))
		record_missing(t, candidate, trust_lookup_status_name(status));
	else if (!led_here || !host->tlsa_lookup.secure)
		not_signed(t, candidate, candidate->secure, address, is_failed(status) || host->tlsa_lookup.secure);
	return !t->failed;
}

bool trial_tlsa(struct trial *t, const struct trust_candidate *candidate, const struct trust_host *host,
	enum trust_tlsa_match *ret_match)
{
	*ret_match = TRUST_TLSA_NONE;
	if (!has_record(t, candidate, host))
		return false;
	*ret_match = trust_tlsa_match(host, t->chain);
	if (*ret_match == TRUST_TLSA_NONE)
		no_record_fits(t, candidate, host);
	return *ret_match != TRUST_TLSA_NONE;
}

bool trust_judge_tlsa(
	const struct trust_judge *judge, const struct trust_candidate *candidate, const struct trust_host *host)
{
	static const struct trust_chain none;
	struct trial t = { .judge = judge, .chain = &none, .domain = candidate->domain, .target = candidate->name };
	return has_record(&t, candidate, host);
}
