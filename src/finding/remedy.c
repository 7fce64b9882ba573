/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/remedy.h"

#include "base/buffer.h"
#include "base/require.h"

#define NAME_LENGTH_MAXIMUM 253 /* RFC 1035 2.3.4, as text without the root dot */
#define ADDRESS_LENGTH_MAXIMUM 64 /* of IPv6, with brackets and port, 47 */
#define EVIDENCE_MAILED 4

/* ---- names ---- */

static struct span without_root(struct span name)
{
	return name.length > 0 && name.at[name.length - 1] == '.' ? span_first(name, name.length - 1) : name;
}

static bool is_plain_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool remedy_is_plain(struct span name)
{
	name = without_root(name);
	if (name.length == 0 || name.length > NAME_LENGTH_MAXIMUM || name.at[0] == '-')
		return false;
	char previous = '.';
	for (size_t i = 0; i < name.length; i++) {
		char c = name.at[i];
		if (c == '.' ? previous == '.' : !is_plain_byte(c))
			return false;
		previous = c;
	}
	return previous != '.';
}

struct span remedy_name(struct span name, const char *instead)
{
	return remedy_is_plain(name) ? without_root(name) : span_of(instead);
}

/* "192.0.2.1:5061", "[2001:db8::1]:5061": numbers and what stands between them, as far as a shell is concerned. */
static bool is_numeric(struct span address)
{
	static const struct span allowed = { "0123456789abcdefABCDEF.:[]", 26 };
	for (size_t i = 0; i < address.length; i++)
		if (span_find(allowed, address.at[i]) == allowed.length)
			return false;
	return address.length > 0 && address.length <= ADDRESS_LENGTH_MAXIMUM;
}

/* ---- DNS ---- */

void remedy_records(struct finding *f, const struct remedy_records *r)
{
	struct span domain = remedy_name(r->domain, "DOMAIN");
	struct span service = r->service.length ? r->service : SPAN(REMEDY_SERVICE);
	struct span label = r->label.length ? r->label : SPAN("sip");
	struct span address = r->address.length ? r->address : SPAN("ADDRESS");
	bool is_ipv6 = span_find(address, ':') < address.length;
	struct finding_fix *fix = finding_fix(f, FINDING_OWNER, "DNS", r->title);
	finding_fix_line(fix, "%.*s.%.*s.\t300 IN SRV\t0 0 %u %.*s.%.*s.", SPAN_PRINT(service), SPAN_PRINT(domain),
		r->port ? (unsigned)r->port : 5061u, SPAN_PRINT(label), SPAN_PRINT(domain));
	finding_fix_line(fix, "%.*s.%.*s.\t300 IN %s\t%.*s", SPAN_PRINT(label), SPAN_PRINT(domain),
		is_ipv6 ? "AAAA" : "A", SPAN_PRINT(address));
}

void remedy_address(struct finding *f, struct span host)
{
	struct finding_fix *fix = finding_fix(f, FINDING_OWNER, "DNS", SPAN("publish the address of the host"));
	finding_fix_line(fix, "%.*s.\t300 IN A\tADDRESS", SPAN_PRINT(remedy_name(host, "HOST")));
}

void remedy_ask(struct finding *f, const char *type, const char *prefix, struct span name)
{
	struct finding_fix *fix =
		finding_fix(f, FINDING_YOU, "DNS", SPAN("ask by hand, here and from another network"));
	finding_fix_line(fix, "dig +dnssec %s %s%.*s", type, prefix,
		SPAN_PRINT(remedy_name(name, prefix[0] ? "DOMAIN" : "HOST")));
}

/* ---- certificates ---- */

void remedy_request(struct finding *f, const struct remedy_request *r)
{
	struct span name = remedy_name(r->name, "NAME");
	struct span subject = remedy_name(r->common_name, "");
	struct finding_fix *fix = finding_fix(f, FINDING_OWNER, "the certificate", r->title);
	struct span domain = r->domain.length ? remedy_name(r->domain, "DOMAIN") : SPAN_NONE;
	if (subject.length == 0)
		subject = name;
	finding_fix_line(fix,
		"openssl req -new -newkey rsa:2048 -nodes -keyout %.*s.key -out %.*s.csr "
		"-subj \"/CN=%.*s\" -addext \"subjectAltName=%.*s%sDNS:%.*s%s%.*s\"%s",
		SPAN_PRINT(name), SPAN_PRINT(name), SPAN_PRINT(subject), SPAN_PRINT(r->names),
		r->names.length ? "," : "", SPAN_PRINT(name), domain.length ? ",URI:sip:" : "", SPAN_PRINT(domain),
		r->usages ? " -addext \"extendedKeyUsage=serverAuth,clientAuth\"" : "");
}

void remedy_chain_file(struct finding *f, struct span title)
{
	struct finding_fix *fix = finding_fix(f, FINDING_OWNER, "the server", title);
	finding_fix_line(fix, "cat server.pem intermediate.pem > chain.pem");
}

/* ---- connections ---- */

void remedy_connection(struct finding *f)
{
	static const struct {
		enum finding_code code;
		const char *fix;
	} fixes[] = {
		{ FINDING_CONNECT_REFUSED,
			"start the edge, let it listen on this port, and check that the address is its own" },
		{ FINDING_CONNECT_TIMEOUT, "let TCP to this address and port through the firewall, from any source" },
		{ FINDING_CONNECT_UNREACHABLE, "give this host a route, or remove the address if nobody can reach it" },
	};
	for (size_t i = 0; i < BASE_COUNT(fixes); i++)
		if (fixes[i].code == f->code)
			finding_fix(f, f->code == FINDING_CONNECT_UNREACHABLE ? FINDING_NETWORK : FINDING_OWNER,
				"the firewall or the edge", span_of(fixes[i].fix));
}

void remedy_version(struct finding *f)
{
	finding_fix(f, FINDING_OWNER, "the edge", SPAN("switch on TLS 1.2 (RFC 8996 forbids 1.0 and 1.1)"));
}

void remedy_reset(struct finding *f, bool seen_our_certificate)
{
	if (seen_our_certificate) {
		finding_fix(f, FINDING_YOU, "the certificate",
			SPAN("show a certificate of an authority that the partner trusts, with its intermediates"));
		finding_fix(f, FINDING_PARTNER, "the edge",
			SPAN("look into the edge's TLS log at this minute, and whether it trusts our root"));
	} else {
		finding_fix(f, FINDING_OWNER, "the edge",
			SPAN("look into its log at this minute: is it the TLS listener, does it know the name that was "
			     "asked for, does it take callers from this address?"));
	}
	finding_fix(f, FINDING_NETWORK, "the firewall", SPAN("take TLS inspection off this connection"));
}

void remedy_handshake(struct finding *f, struct span address, struct span name)
{
	struct finding_fix *fix = finding_fix(f, FINDING_OWNER, "the edge", SPAN("see what it answers"));
	finding_fix_line(fix, "openssl s_client -connect %.*s -servername %.*s",
		SPAN_PRINT(is_numeric(address) ? address : SPAN("ADDRESS:PORT")),
		SPAN_PRINT(remedy_name(name, "HOST")));
}

/* ---- a mail ---- */

/* What is to be done, and the lines that do it, as the partner would be told on the telephone. */
static void mail_remedy(struct finding_fix *mail, const struct finding_fix *remedy)
{
	finding_fix_line(mail, "To put it right: %.*s.", SPAN_PRINT(remedy->title));
	for (const struct finding_fix_line *line = remedy->lines; line; line = line->next)
		finding_fix_line(mail, "%.*s", SPAN_PRINT(line->text));
}

void remedy_mail(struct finding *f, struct span when)
{
	const struct finding_fix *remedy = f->fixes;
	if (f->list->owner != FINDING_PARTNER)
		return;
	while (remedy && remedy->who != FINDING_PARTNER)
		remedy = remedy->next;
	struct finding_fix *mail = finding_fix(f, FINDING_YOU, "a mail", SPAN("tell the partner"));
	char title[256];
	finding_title(f, title, sizeof(title));
	finding_fix_line(
		mail, "We found a fault on your side that affects calls between our organisations: %s.", title);
	if (f->observed.length)
		finding_fix_line(mail, "What we saw on %.*s: %.*s.", SPAN_PRINT(when), SPAN_PRINT(f->observed));
	size_t shown = 0;
	for (const struct finding_evidence *e = f->evidence; e && shown < EVIDENCE_MAILED; e = e->next, shown++)
		finding_fix_line(mail, "%.*s", SPAN_PRINT(e->text));
	if (f->expected.length)
		finding_fix_line(mail, "What it should be: %.*s.", SPAN_PRINT(f->expected));
	if (remedy)
		mail_remedy(mail, remedy);
	finding_fix_line(mail, "Could you please change that on your side?");
}
