/* SPDX-License-Identifier: Apache-2.0 */
/* What to change, in the words and lines that an examination gives (finding/remedy.h), filled with what the log knows.
 */
#include "base/clock.h"
#include "base/require.h"
#include "explain/judge_private.h"
#include "finding/remedy.h"

static struct span label_of(struct span target)
{
	target = span_first(target, span_find(target, ':'));
	size_t dot = span_find(target, '.');
	struct span label = span_first(target, dot);
	return dot < target.length && remedy_is_plain(label) ? label : SPAN_NONE;
}

static void fix_records(const struct judge *j, struct finding *f, struct span title)
{
	const struct judge_facts *facts = &j->facts;
	remedy_records(f, &(struct remedy_records){ .title = title,
				  .domain = f->subject,
				  .label = facts->fqdn_count > 0 ? label_of(facts->fqdns[0]) : SPAN_NONE });
}

static void fix_missing(const struct judge *j, struct finding *f)
{
	fix_records(j, f, SPAN("publish the record, and put its target into the certificate"));
}

static void fix_outside(const struct judge *j, struct finding *f)
{
	finding_expected(
		f, arena_printf(j->arena, "a host with exactly one label in front of %.*s", SPAN_PRINT(f->subject)));
	fix_records(j, f,
		SPAN("point the record at a name directly under the domain, then put that name into the certificate"));
}

static void fix_lookup(const struct judge *j, struct finding *f)
{
	(void)j;
	remedy_ask(f, "SRV", REMEDY_SERVICE ".", f->subject);
}

static void fix_address(const struct judge *j, struct finding *f)
{
	(void)j;
	remedy_address(f, f->subject);
}

static void fix_address_lookup(const struct judge *j, struct finding *f)
{
	(void)j;
	remedy_ask(f, "A", "", f->subject);
}

/* Names that the certificate has besides, as far as the log shows them and they may be pasted. */
static struct span names_besides(const struct judge *j, struct span wanted)
{
	struct span names = SPAN_NONE;
	const struct judge_facts *facts = &j->facts;
	struct record_spans shown = facts->names_known ? facts->names : (struct record_spans){ &facts->shown, 1 };
	for (size_t i = 0; i < shown.count; i++)
		if (remedy_is_plain(shown.at[i]) && !span_equal_nocase(shown.at[i], wanted))
			names = arena_printf(j->arena, "%.*s%sDNS:%.*s", SPAN_PRINT(names), names.length ? "," : "",
				SPAN_PRINT(shown.at[i]));
	return names;
}

static void fix_name(const struct judge *j, struct finding *f)
{
	finding_expected(f, arena_printf(j->arena, "DNS:%.*s", SPAN_PRINT(f->subject)));
	remedy_request(f, &(struct remedy_request){ .title = arena_printf(j->arena, "request one that contains %.*s",
							    SPAN_PRINT(remedy_name(f->subject, "NAME"))),
				  .name = f->subject,
				  .common_name = j->facts.shown,
				  .names = names_besides(j, f->subject) });
}

static void fix_renew(const struct judge *j, struct finding *f)
{
	remedy_request(f, &(struct remedy_request){ .title = SPAN("renew it, and load it into the edge"),
				  .name = f->subject,
				  .common_name = j->facts.shown,
				  .names = names_besides(j, f->subject),
				  .usages = true });
}

static void fix_usage(const struct judge *j, struct finding *f)
{
	remedy_request(f, &(struct remedy_request){ .title = SPAN("request it with serverAuth and clientAuth"),
				  .name = f->subject,
				  .common_name = j->facts.shown,
				  .names = names_besides(j, f->subject),
				  .usages = true });
}

static void fix_untrusted(const struct judge *j, struct finding *f)
{
	(void)j;
	remedy_chain_file(f, SPAN("if the issuer is an intermediate of a public authority, send it behind the server's "
				  "own certificate"));
	finding_fix(f, f->list->owner == FINDING_YOU ? FINDING_PARTNER : FINDING_YOU, "the trust store",
		SPAN("or import the root of the private authority, after checking its fingerprint by telephone"));
}

static void fix_chain(const struct judge *j, struct finding *f)
{
	(void)j;
	remedy_chain_file(f, SPAN("send the intermediate behind the server's own certificate"));
}

static void fix_clock(const struct judge *j, struct finding *f)
{
	(void)j;
	finding_fix(f, FINDING_OWNER, "the certificate",
		SPAN("compare the clocks; if they are right, wait or have it issued anew"));
}

static void fix_connection(const struct judge *j, struct finding *f)
{
	(void)j;
	remedy_connection(f);
}

static void fix_refused_certificate(const struct judge *j, struct finding *f)
{
	if (j->facts.alert) {
		const char *name = remedy_alert_name(j->facts.alert);
		finding_value(f, "alert", name ? span_of(name) : j->facts.words);
	}
	finding_expected(f, SPAN("our certificate accepted"));
	remedy_refused_certificate(f, j->facts.alert);
}

static void fix_reset(const struct judge *j, struct finding *f)
{
	remedy_reset(f, !signature_has_words(j->facts.words, "s ClientHello"));
}

static void fix_version(const struct judge *j, struct finding *f)
{
	(void)j;
	remedy_version(f);
}

static void fix_handshake(const struct judge *j, struct finding *f)
{
	/* Only an address may be pasted that is one. */
	if (j->facts.address.length > 0)
		remedy_handshake(f, j->facts.address, j->facts.target);
}

/* What is done in one place of the configuration of whoever acts. */
static const struct {
	enum finding_code code;
	const char *where;
	const char *title;
} plain_fixes[] = {
	{ FINDING_DOMAIN_BLOCKED, "the configuration", "take the domain off the list of blocked domains" },
	{ FINDING_DOMAIN_NOT_ALLOWED, "the configuration", "allow the domain, or let partners be found in DNS" },
	{ FINDING_FEDERATION_NOT_ENABLED, "the user's policy",
		"grant an external access policy that allows federation" },
	{ FINDING_FEDERATION_REQUEST_REFUSED, "the edge",
		"allow the partner's domain, and look whether federation is switched on for the site" },
	{ FINDING_DOMAIN_NOT_ROUTABLE, "the servers", "add the domain to their SIP domains, or correct the address" },
	{ FINDING_DOMAIN_SPLIT, "both halves",
		"let both list the same domains, and switch the shared address space on at both, or take the domain "
		"out of "
		"the tenant" },
	{ FINDING_POLICY_REJECTED, "the call policy", "let the call pass, or ask whoever wrote the policy" },
	{ FINDING_ROUTE_HEADER_REFUSED, "the zone", "switch on Preloaded SIP routes support, where the neighbor may" },
	{ FINDING_ZONE_NOT_MAPPED, "the DNS zone",
		"switch on TLS verify inbound mapping, with the name that the peer's certificate contains" },
	{ FINDING_NO_RULE_MATCHES, "the search rules",
		"add a rule whose source and pattern fit the call, or correct the one that should" },
	{ FINDING_TLS_VERIFY_NAME_WRONG, "the zone",
		"give the zone the name that the peer's certificate contains, and the peer by that name" },
	{ FINDING_TRAVERSAL_PASSWORD_WRONG, "the traversal zone",
		"enter the same user name and password at both ends" },
	{ FINDING_TRAVERSAL_ROUTE_UNREACHABLE, "the network",
		"let the inside box reach the address in Route, or let the other box write its inner one" },
	{ FINDING_MESSAGE_TOO_LARGE, "the next box", "raise its maximum for messages, and use TCP or TLS" },
	{ FINDING_MEDIA_NOT_ACCEPTED, "the zones on the way",
		"compare encryption modes and codecs of both sides; send calls to Microsoft clients through what "
		"translates" },
	{ FINDING_USER_NOT_FOUND, "the address", "check its spelling, and where the user is registered" },
	{ FINDING_PEER_UNAVAILABLE, "the server", "look at its services, and at what it needs itself" },
	{ FINDING_AUTHENTICATION_FAILED, "the account", "check user name, password and the clocks" },
	{ FINDING_LOOP_DETECTED, "the search rules",
		"look at the rules of both boxes: each sends the call to the other" },
	{ FINDING_TOO_MANY_HOPS, "the search rules", "look at the rules of all boxes on the way" },
	{ FINDING_ROUTE_UNTRUSTED, "the box that sends", "send the call without a Route header" },
	{ FINDING_IDENTITY_MISMATCH, "the gateway that sends",
		"let From and P-Asserted-Identity name the same domain" },
};

static const struct {
	enum finding_code code;
	void (*fix)(const struct judge *j, struct finding *f);
} fixes[] = {
	{ FINDING_SRV_MISSING, fix_missing },
	{ FINDING_SRV_DECLINED, fix_missing },
	{ FINDING_SRV_TARGET_OUTSIDE_DOMAIN, fix_outside },
	{ FINDING_SRV_TARGET_IS_DOMAIN, fix_outside },
	{ FINDING_SRV_LOOKUP_FAILED, fix_lookup },
	{ FINDING_ADDRESS_MISSING, fix_address },
	{ FINDING_ADDRESS_LOOKUP_FAILED, fix_address_lookup },
	{ FINDING_CONNECT_REFUSED, fix_connection },
	{ FINDING_CONNECT_TIMEOUT, fix_connection },
	{ FINDING_CONNECT_UNREACHABLE, fix_connection },
	{ FINDING_CERTIFICATE_NAME_MISMATCH, fix_name },
	{ FINDING_CERTIFICATE_CN_IGNORED, fix_name },
	{ FINDING_CERTIFICATE_WILDCARD_ONLY, fix_name },
	{ FINDING_CERTIFICATE_EXPIRED, fix_renew },
	{ FINDING_CERTIFICATE_REVOKED, fix_renew },
	{ FINDING_CERTIFICATE_NOT_YET_VALID, fix_clock },
	{ FINDING_CERTIFICATE_NO_CLIENT_USAGE, fix_usage },
	{ FINDING_CERTIFICATE_NO_SERVER_USAGE, fix_usage },
	{ FINDING_CERTIFICATE_UNTRUSTED, fix_untrusted },
	{ FINDING_CERTIFICATE_CHAIN_INCOMPLETE, fix_chain },
	{ FINDING_CERTIFICATE_REFUSED_BY_PARTNER, fix_refused_certificate },
	{ FINDING_TLS_RESET, fix_reset },
	{ FINDING_TLS_VERSION_UNSUPPORTED, fix_version },
	{ FINDING_TLS_HANDSHAKE_FAILED, fix_handshake },
};

static struct span date_of(const struct judge *j)
{
	char text[32];
	if (!j->subject->started_us || clock_format_utc(j->subject->started_us, text, sizeof(text)) < 16)
		return SPAN("the day of the call");
	text[10] = ' ';
	return arena_printf(j->arena, "%.16s UTC", text);
}

void explain_judge_fixes(const struct judge *j, struct finding *f)
{
	for (size_t i = 0; i < BASE_COUNT(fixes); i++)
		if (fixes[i].code == f->code)
			fixes[i].fix(j, f);
	for (size_t i = 0; i < BASE_COUNT(plain_fixes); i++)
		if (plain_fixes[i].code == f->code)
			finding_fix(f, f->who, plain_fixes[i].where, span_of(plain_fixes[i].title));
	if (f->who == FINDING_PARTNER && f->fixes && f->evidence && !j->match.signature->is_unsettled)
		remedy_mail(f, date_of(j));
}
