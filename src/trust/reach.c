/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, connections and handshakes: R3 of docs/rules.md as far as no certificate is needed. */
#include "base/require.h"
#include "finding/remedy.h"
#include "trust/judge.h"
#include "trust/names.h"
#include "trust/words.h"

static bool lookup_failed(const struct trust_lookup *lookup)
{
	return lookup->status >= TRUST_LOOKUP_SERVFAIL;
}

static void host_lookup_failed(const struct trust_judge *judge, const struct trust_host *facts)
{
	const struct trust_lookup *failed = lookup_failed(&facts->a) ? &facts->a : &facts->aaaa;
	struct finding *f = finding_add(judge->findings, FINDING_ADDRESS_LOOKUP_FAILED, facts->name);
	finding_value(f, "fqdn", facts->name);
	finding_observed(f, words_printf(judge, "%s%s%.*s", trust_lookup_status_name(failed->status),
				    failed->why.length ? ": " : "", SPAN_PRINT(failed->why)));
	finding_expected(f, SPAN("an answer, be it that there is no address"));
	finding_evidence(f, FINDING_EVIDENCE_DNS,
		words_printf(judge, "%.*s. IN %s: %s", SPAN_PRINT(facts->name), failed == &facts->a ? "A" : "AAAA",
			trust_lookup_status_name(failed->status)),
		SPAN_NONE, SPAN_NONE);
	remedy_ask(f, "A", "", facts->name);
}

static void host_missing(const struct trust_judge *judge, const struct trust_host *facts)
{
	struct finding *f = finding_add(judge->findings, FINDING_ADDRESS_MISSING, facts->name);
	finding_value(f, "fqdn", facts->name);
	finding_observed(f, SPAN("neither an A nor an AAAA record"));
	finding_expected(f, SPAN("the address of the edge"));
	finding_evidence(f, FINDING_EVIDENCE_DNS,
		words_printf(judge, "%.*s. IN A, AAAA: %s", SPAN_PRINT(facts->name),
			trust_lookup_status_name(facts->a.status)),
		SPAN_NONE, SPAN_NONE);
	remedy_address(f, facts->name);
	words_mail(judge, f);
}

static void host_alias(const struct trust_judge *judge, const struct trust_host *facts, struct span canonical)
{
	struct finding *f = finding_add(judge->findings, FINDING_SRV_TARGET_IS_ALIAS, facts->name);
	struct span text = words_printf(judge, "%.*s. IN CNAME %.*s.", SPAN_PRINT(facts->name), SPAN_PRINT(canonical));
	struct span mark = text.at ? span_from(text, text.length - canonical.length - 1) : SPAN_NONE;
	finding_evidence(f, FINDING_EVIDENCE_DNS, text, mark, SPAN("an SRV target needs an address of its own"));
	finding_observed(f, words_printf(judge, "an alias of %.*s", SPAN_PRINT(canonical)));
	finding_expected(f, SPAN("an A or AAAA record of its own (RFC 2782)"));
	struct finding_fix *fix = words_fix(f, "DNS", SPAN("replace the alias by the address"));
	struct span name = words_name(facts->name, "HOST");
	if (facts->address_count > 0)
		finding_fix_line(fix, "%.*s.\t300 IN %s\t%.*s", SPAN_PRINT(name),
			facts->addresses[0].is_ipv6 ? "AAAA" : "A", SPAN_PRINT(facts->addresses[0].text));
}

static void host_private(const struct trust_judge *judge, const struct trust_host *facts)
{
	struct finding *f = NULL;
	for (size_t i = 0; i < facts->address_count; i++) {
		const struct trust_address *address = &facts->addresses[i];
		if (!address->is_private || judge->policy->private_is_fine)
			continue;
		if (!f) {
			f = finding_add(judge->findings, FINDING_ADDRESS_PRIVATE, facts->name);
			finding_observed(f, address->text);
			finding_expected(f, SPAN("an address that the internet can reach"));
		}
		struct span text = words_printf(judge, "%.*s. IN %s %.*s", SPAN_PRINT(facts->name),
			address->is_ipv6 ? "AAAA" : "A", SPAN_PRINT(address->text));
		struct span mark = text.at ? span_from(text, text.length - address->text.length) : SPAN_NONE;
		finding_evidence(f, FINDING_EVIDENCE_DNS, text, mark, SPAN("private or reserved"));
	}
	if (f)
		words_fix(f, "DNS",
			SPAN("publish the public address (of the static NAT) in the zone that the internet sees"));
}

/* Callers that ask for both wait for the second answer. */
static void host_partly_failed(const struct trust_judge *judge, const struct trust_host *facts)
{
	bool v4 = lookup_failed(&facts->a);
	const struct trust_lookup *failed = v4 ? &facts->a : &facts->aaaa;
	struct finding *f = finding_add(judge->findings, FINDING_ADDRESS_LOOKUP_PARTLY_FAILED, facts->name);
	struct span status = words_printf(judge, "%s%s%.*s", trust_lookup_status_name(failed->status),
		failed->why.length ? ": " : "", SPAN_PRINT(failed->why));
	finding_observed(f, words_printf(judge, "%s: %.*s", v4 ? "A" : "AAAA", SPAN_PRINT(status)));
	finding_expected(f, SPAN("an answer, be it that there is no such address"));
	finding_evidence(f, FINDING_EVIDENCE_DNS,
		words_printf(
			judge, "%.*s. IN %s: %.*s", SPAN_PRINT(facts->name), v4 ? "A" : "AAAA", SPAN_PRINT(status)),
		SPAN_NONE, SPAN_NONE);
	struct finding_fix *fix =
		finding_fix(f, FINDING_YOU, "DNS", SPAN("ask by hand, here and from another network"));
	finding_fix_line(fix, "dig %s %.*s", v4 ? "A" : "AAAA", SPAN_PRINT(words_name(facts->name, "HOST")));
	finding_fix(
		f, FINDING_OWNER, "DNS", SPAN("if it fails there too, let the name servers answer that type as well"));
}

bool trust_judge_host(
	const struct trust_judge *judge, const struct trust_candidate *candidate, const struct trust_host *facts)
{
	base_require(trust_name_equal(candidate->name, facts->name));
	struct span canonical = facts->a.canonical.length ? facts->a.canonical : facts->aaaa.canonical;
	if (canonical.length > 0 && !trust_name_equal(canonical, facts->name) &&
		candidate->kind != TRUST_CANDIDATE_SERVER)
		host_alias(judge, facts, trust_name_strip(canonical));
	if (facts->address_count > 0) {
		host_private(judge, facts);
		if (lookup_failed(&facts->a) || lookup_failed(&facts->aaaa))
			host_partly_failed(judge, facts);
		return true;
	}
	if (lookup_failed(&facts->a) || lookup_failed(&facts->aaaa))
		host_lookup_failed(judge, facts);
	else
		host_missing(judge, facts);
	return false;
}

/* "192.0.2.47:5061 (vcse.a.example): what happened". *ret_mark: what happened. */
static struct span connection_text(
	const struct trust_judge *judge, const struct trust_connection *facts, struct span what, struct span *ret_mark)
{
	struct span text = words_printf(
		judge, "%.*s (%.*s): %.*s", SPAN_PRINT(facts->address), SPAN_PRINT(facts->target), SPAN_PRINT(what));
	*ret_mark = text.at ? span_from(text, text.length - what.length) : SPAN_NONE;
	return text;
}

static struct finding *connection_finding(const struct trust_judge *judge, enum finding_code code,
	const struct trust_connection *facts, struct span what, struct span note)
{
	struct finding *f = finding_add(judge->findings, code, facts->address);
	struct span mark;
	struct span text = connection_text(judge, facts, what, &mark);
	finding_value(f, "fqdn", facts->target);
	finding_value(f, "ip-address", facts->address);
	finding_observed(f, what);
	finding_evidence(f, FINDING_EVIDENCE_CONNECTION, text, note.length ? mark : SPAN_NONE, note);
	return f;
}

static struct span or_words(struct span text, const char *otherwise)
{
	return text.length ? text : span_of(otherwise);
}

static const struct {
	enum trust_connect_status status;
	enum finding_code code;
	const char *what;
	const char *expected;
} connects[] = {
	{ TRUST_CONNECT_REFUSED, FINDING_CONNECT_REFUSED, "connection refused", "a server that listens for TLS" },
	{ TRUST_CONNECT_TIMEOUT, FINDING_CONNECT_TIMEOUT, "no answer in time", "an answer to the TCP connection" },
	{ TRUST_CONNECT_UNREACHABLE, FINDING_CONNECT_UNREACHABLE, "no route", "a route to the address" },
	{ TRUST_CONNECT_FAILED, FINDING_CONNECT_UNREACHABLE, "the connection could not be made",
		"a route to the address" },
};

static bool judge_connect(const struct trust_judge *judge, const struct trust_connection *facts)
{
	for (size_t i = 0; i < BASE_COUNT(connects); i++) {
		if (connects[i].status != facts->connect)
			continue;
		struct finding *f = connection_finding(
			judge, connects[i].code, facts, or_words(facts->text, connects[i].what), SPAN_NONE);
		finding_expected(f, span_of(connects[i].expected));
		if (connects[i].status == TRUST_CONNECT_FAILED)
			finding_fix(f, FINDING_NETWORK, "the firewall or the edge",
				SPAN("look at what the system says of the connection"));
		else
			remedy_connection(f);
		words_mail(judge, f);
		return false;
	}
	return facts->connect == TRUST_CONNECT_OPEN;
}

static bool is_refusal(const struct trust_connection *facts)
{
	if (trust_alert_is_about_certificate(facts->alert))
		return true;
	/* handshake_failure says little; before we were asked for a certificate it is not about ours. */
	return facts->alert == 40 && facts->certificate_asked;
}

static struct span alert_text(const struct trust_judge *judge, const struct trust_connection *facts, const char *way)
{
	const char *name = trust_alert_name(facts->alert);
	if (!name)
		return words_printf(judge, "TLS alert %u %s", (unsigned)facts->alert, way);
	return words_printf(judge, "TLS alert %s (%u) %s", name, (unsigned)facts->alert, way);
}

static void judge_refusal(const struct trust_judge *judge, const struct trust_connection *facts)
{
	struct span what = alert_text(judge, facts, "received");
	struct finding *f = connection_finding(judge, FINDING_CERTIFICATE_REFUSED_BY_PARTNER, facts, what,
		span_of(remedy_alert_meaning(facts->alert)));
	finding_expected(f, SPAN("our certificate accepted"));
	const char *name = trust_alert_name(facts->alert);
	finding_value(f, "alert", name ? span_of(name) : what);
	remedy_refused_certificate(f, facts->alert);
}

static struct finding *reset_finding(
	const struct trust_judge *judge, const struct trust_connection *facts, const char *note)
{
	struct finding *f = connection_finding(judge, FINDING_TLS_RESET, facts,
		or_words(facts->text, "the peer closed the connection, without a TLS alert"), span_of(note));
	finding_expected(f, SPAN("a completed TLS handshake"));
	finding_value(f, "WinsockFailureCode", SPAN("10054(WSAECONNRESET)"));
	finding_value(f, "WinsockFailureDescription", SPAN("The peer forced closure of the connection"));
	return f;
}

/* It has seen our certificate: most likely it does not like it. */
static void judge_reset_after(const struct trust_judge *judge, const struct trust_connection *facts)
{
	struct finding *f = reset_finding(judge, facts, "right after it had seen our certificate");
	remedy_reset(f, true);
}

/* It knew nothing of us but our address and the name we asked for. */
static void judge_reset_before(const struct trust_judge *judge, const struct trust_connection *facts)
{
	struct finding *f = reset_finding(judge, facts, "before it had seen a certificate of ours");
	f->who = judge->findings->owner;
	remedy_reset(f, false);
	words_mail(judge, f);
}

static void judge_reset(const struct trust_judge *judge, const struct trust_connection *facts)
{
	if (facts->after_our_certificate)
		judge_reset_after(judge, facts);
	else
		judge_reset_before(judge, facts);
}

static void judge_failed(const struct trust_judge *judge, const struct trust_connection *facts, struct span what)
{
	struct finding *f = connection_finding(judge, FINDING_TLS_HANDSHAKE_FAILED, facts, what, SPAN_NONE);
	finding_expected(f, SPAN("a completed TLS handshake"));
	remedy_handshake(f, facts->address, facts->target); /* safe to paste: the address is numeric */
	words_mail(judge, f);
}

#define ALERT_PROTOCOL_VERSION 70

static void judge_version(const struct trust_judge *judge, const struct trust_connection *facts)
{
	struct span seen = facts->alert == ALERT_PROTOCOL_VERSION
				   ? alert_text(judge, facts, "received: it speaks none of our versions")
				   : or_words(facts->text, "no TLS version in common");
	struct finding *f = connection_finding(judge, FINDING_TLS_VERSION_UNSUPPORTED, facts, seen, SPAN_NONE);
	finding_expected(f, SPAN("TLS 1.2 or 1.3"));
	remedy_version(f);
	words_mail(judge, f);
}

static bool judge_alert(const struct trust_judge *judge, const struct trust_connection *facts)
{
	if (facts->alert == ALERT_PROTOCOL_VERSION)
		judge_version(judge, facts);
	else if (is_refusal(facts))
		judge_refusal(judge, facts);
	else
		judge_failed(judge, facts, alert_text(judge, facts, "received"));
	return false;
}

static bool judge_handshake(const struct trust_judge *judge, const struct trust_connection *facts)
{
	switch (facts->handshake) {
	case TRUST_HANDSHAKE_DONE:
		return true;
	case TRUST_HANDSHAKE_ALERT_SENT:
		/* We refused; if it was for the certificate, that is judged next and says why. */
		if (trust_alert_is_about_certificate(facts->alert))
			return true;
		judge_failed(
			judge, facts, facts->text.length ? facts->text : alert_text(judge, facts, "sent by this side"));
		return false;
	case TRUST_HANDSHAKE_ALERT_RECEIVED:
		return judge_alert(judge, facts);
	case TRUST_HANDSHAKE_RESET:
		judge_reset(judge, facts);
		return false;
	case TRUST_HANDSHAKE_VERSION:
		judge_version(judge, facts);
		return false;
	case TRUST_HANDSHAKE_TIMEOUT:
		judge_failed(judge, facts, or_words(facts->text, "no end of the handshake in time"));
		return false;
	case TRUST_HANDSHAKE_NOT_TLS:
		judge_failed(judge, facts, or_words(facts->text, "what came back is no TLS"));
		return false;
	case TRUST_HANDSHAKE_FAILED:
		judge_failed(judge, facts, or_words(facts->text, "the handshake failed"));
		return false;
	case TRUST_HANDSHAKE_NOT_TRIED:
		break;
	}
	return false;
}

bool trust_judge_connection(
	const struct trust_judge *judge, const struct trust_candidate *candidate, const struct trust_connection *facts)
{
	base_require(candidate->name.length > 0);
	return judge_connect(judge, facts) && judge_handshake(judge, facts);
}
