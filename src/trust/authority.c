/* SPDX-License-Identifier: Apache-2.0 */
/* R3 of docs/rules.md: whom a chain hangs on, and whether it was sent as it should be. */
#include "base/require.h"
#include "finding/remedy.h"
#include "trust/names.h"
#include "trust/trial.h"
#include "trust/words.h"

#define URIS_SHOWN 3

static struct span verify_words(const struct trial *t, const char *otherwise)
{
	return t->chain->verify_text.length ? t->chain->verify_text : span_of(otherwise);
}

/* Browsers fetch what is missing from there; that is why the fault is never seen with one. */
static void issuer_evidence(struct trial *t, struct finding *f)
{
	const struct trust_certificate *last = &t->chain->certificates[t->chain->count - 1];
	for (size_t i = 0; i < last->issuer_uri_count && i < URIS_SHOWN; i++)
		finding_evidence(f, FINDING_EVIDENCE_CERTIFICATE,
			words_printf(t->judge, "says that its issuer's is at %.*s", SPAN_PRINT(last->issuer_uris[i])),
			SPAN_NONE, SPAN("edges do not fetch it from there: it must be sent"));
}

/* ---- no trusted authority ---- */

/* Only the server's own certificate came, and somebody else signed it: perhaps all that is wrong is that the
 * intermediate was left out, of an authority that we would trust. */
static bool may_be_incomplete(const struct trial *t)
{
	return t->chain->status == TRUST_CHAIN_UNTRUSTED && t->chain->sent_count <= 1 && !t->leaf->self_signed;
}

static void judge_untrusted(struct trial *t, const char *otherwise)
{
	struct finding *f = trial_add(t, FINDING_CERTIFICATE_UNTRUSTED, t->target);
	struct span words = verify_words(t, otherwise);
	bool alone = may_be_incomplete(t);
	trial_evidence(t, f, SPAN_NONE);
	finding_observed(f, alone ? words_printf(t->judge,
					    "%.*s; only the server's own certificate was sent, so an intermediate may "
					    "be missing",
					    SPAN_PRINT(words))
				  : words);
	finding_expected(f, SPAN("a chain that ends in an authority that this side trusts"));
	issuer_evidence(t, f);
	if (alone)
		remedy_chain_file(f, words_printf(t->judge,
					     "if %.*s is an intermediate of a public authority, send it behind the "
					     "server's own certificate",
					     SPAN_PRINT(t->leaf->issuer)));
	words_request(f, t->leaf,
		&(struct words_wish){
			.title = SPAN("use a certificate of a public authority"), .name = t->target, .usages = true });
	finding_fix(f, t->judge->findings->owner == FINDING_YOU ? FINDING_PARTNER : FINDING_YOU, "the trust store",
		SPAN("or import the root of the private authority, after checking its fingerprint by telephone"));
	words_mail(t->judge, f);
}

static void judge_incomplete(struct trial *t)
{
	struct finding *f = trial_add(t, FINDING_CERTIFICATE_CHAIN_INCOMPLETE, t->target);
	struct span missing = t->chain->missing.length ? t->chain->missing : t->leaf->issuer;
	trial_evidence(t, f, SPAN_NONE);
	finding_observed(f, words_printf(t->judge, "%zu certificate%s sent, without %.*s", t->chain->sent_count,
				    t->chain->sent_count == 1 ? "" : "s", SPAN_PRINT(missing)));
	finding_expected(f, SPAN("the server's certificate and every intermediate"));
	issuer_evidence(t, f);
	remedy_chain_file(f, words_printf(t->judge, "send the intermediate %.*s behind the server's own certificate",
				     SPAN_PRINT(missing)));
	words_mail(t->judge, f);
}

static void judge_broken(struct trial *t, enum finding_code code)
{
	struct finding *f = trial_add(t, code, t->target);
	trial_evidence(t, f, SPAN_NONE);
	finding_observed(f, verify_words(t, "the chain does not verify"));
	finding_expected(f, SPAN("a valid chain"));
	words_request(f, t->leaf,
		&(struct words_wish){ .title = SPAN("have a new one issued"), .name = t->target, .usages = true });
	words_mail(t->judge, f);
}

static void note_private(struct trial *t)
{
	struct finding *f = trial_add(t, FINDING_CERTIFICATE_PRIVATE_AUTHORITY, t->target);
	trial_evidence(t, f, SPAN_NONE);
	finding_observed(f, t->chain->authority);
}

/* ---- the order in which it was sent ---- */

static bool was_sent_before(const struct trust_chain *chain, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (span_equal(chain->certificates[k].fingerprint, chain->certificates[i].fingerprint))
			return true;
	return false;
}

bool trial_is_issuer(const struct trust_chain *chain, size_t i)
{
	for (size_t k = 0; k < chain->count; k++)
		if (k != i && span_equal(chain->certificates[k].issuer, chain->certificates[i].subject))
			return true;
	return false;
}

static void chain_evidence(struct trial *t, struct finding *f, size_t wrong, const char *note)
{
	struct span subject = t->chain->certificates[wrong].subject;
	struct span text = words_printf(
		t->judge, "certificate %zu of %zu sent: %.*s", wrong + 1, t->chain->sent_count, SPAN_PRINT(subject));
	finding_evidence(f, FINDING_EVIDENCE_CERTIFICATE, text,
		text.at ? span_from(text, text.length - subject.length) : SPAN_NONE, span_of(note));
}

static void warn_disordered(struct trial *t, size_t wrong)
{
	struct finding *f = trial_add(t, FINDING_CERTIFICATE_CHAIN_DISORDERED, t->target);
	chain_evidence(t, f, wrong, "it did not sign the one before it");
	finding_observed(f, words_printf(t->judge, "certificate %zu of %zu did not sign the one before it", wrong + 1,
				    t->chain->sent_count));
	finding_expected(f, SPAN("each certificate followed by the one that signed it"));
	struct finding_fix *fix = words_fix(
		f, "the server", SPAN("put them into the file in this order: the server's own, then upwards"));
	finding_fix_line(fix, "cat server.pem intermediate.pem > chain.pem");
}

static void note_superfluous(struct trial *t, size_t extra, bool twice)
{
	struct finding *f = trial_add(t, FINDING_CERTIFICATE_CHAIN_SUPERFLUOUS, t->target);
	chain_evidence(t, f, extra, twice ? "sent twice" : "it belongs to another chain");
	finding_observed(f, words_printf(t->judge, "certificate %zu of %zu %s", extra + 1, t->chain->sent_count,
				    twice ? "was sent before" : "is not part of the chain"));
	finding_expected(f, SPAN("the server's certificate and its intermediates"));
	words_fix(f, "the server", SPAN("take it out of the file"));
}

/* That the root is sent along is harmless and so common that it is not worth a word. */
static void judge_order(struct trial *t)
{
	const struct trust_chain *chain = t->chain;
	for (size_t i = 1; i < chain->count; i++) {
		if (chain->certificates[i].signed_previous)
			continue;
		bool twice = was_sent_before(chain, i);
		if (!twice && trial_is_issuer(chain, i))
			warn_disordered(t, i);
		else
			note_superfluous(t, i, twice);
		return;
	}
}

void trial_authority(struct trial *t)
{
	switch (t->chain->status) {
	case TRUST_CHAIN_TRUSTED:
	case TRUST_CHAIN_WRONG_PURPOSE: /* judged by its usage, R9 */
		if (t->chain->private_authority)
			note_private(t);
		judge_order(t);
		break;
	case TRUST_CHAIN_INCOMPLETE:
		judge_incomplete(t);
		break;
	case TRUST_CHAIN_UNTRUSTED:
		judge_untrusted(t, "the chain ends in no trusted authority");
		break;
	case TRUST_CHAIN_SELF_SIGNED:
		judge_untrusted(t, "the certificate signed itself");
		break;
	case TRUST_CHAIN_NOT_VERIFIED: /* nobody looked: that is no trust */
		judge_untrusted(t, "the chain was not verified");
		break;
	case TRUST_CHAIN_REVOKED:
		judge_broken(t, FINDING_CERTIFICATE_REVOKED);
		break;
	case TRUST_CHAIN_BAD:
		judge_broken(t, FINDING_CERTIFICATE_BAD);
		break;
	}
}
