/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_FINDING_REMEDY_H
#define FEDGE_FINDING_REMEDY_H
/* What to do about it, ready to be pasted: fixes that several judges give, whether they saw a domain with their own
 * eyes or read of it in a log. Into a line to be pasted come names only that are safe there (remedy_is_plain); others
 * become a word in capitals. A fix is the owner's (finding_list.owner) where nothing else is said. */
#include "finding/finding.h"

/* Only letters, digits, "-", "_", "." and not longer than DNS allows. */
bool remedy_is_plain(struct span name);
/* Without the root dot; instead where it may not be pasted. */
struct span remedy_name(struct span name, const char *instead);

#define REMEDY_SERVICE "_sipfederationtls._tcp"
/* The two zone lines that make a domain right: a host of this label directly under it. */
struct remedy_records {
	struct span title;
	struct span service; /* absent: REMEDY_SERVICE */
	struct span domain;
	struct span label; /* absent: "sip" */
	struct span address; /* absent: the word ADDRESS */
	uint16_t port; /* 0: 5061 */
};
void remedy_records(struct finding *f, const struct remedy_records *r);
void remedy_address(struct finding *f, struct span host);
/* By dig, here and from another network. */
void remedy_ask(struct finding *f, const char *type, const char *prefix, struct span name);

/* The openssl command that makes a request for a certificate. */
struct remedy_request {
	struct span title;
	struct span name; /* host name that must be in it */
	struct span domain; /* must be in it as a URI sip:DOMAIN; absent: need not */
	struct span common_name; /* of the subject; absent: name */
	struct span names; /* "DNS:a,URI:sip:b": what it has besides, checked by the caller; may be absent */
	bool usages; /* ask for both extended key usages too */
};
void remedy_request(struct finding *f, const struct remedy_request *r);
void remedy_chain_file(struct finding *f, struct span title);
/* Of connect-refused, connect-timeout and connect-unreachable. */
void remedy_connection(struct finding *f);
void remedy_version(struct finding *f);
/* seen_our_certificate: the peer had got it before it cut. */
void remedy_reset(struct finding *f, bool seen_our_certificate);
/* address: as seen or as a log has it, with its port; what is not numeric becomes a word in capitals too. */
void remedy_handshake(struct finding *f, struct span address, struct span name);

/* TLS alerts: RFC 8446 6, RFC 5246 7.2, RFC 6066 9. */
const char *remedy_alert_name(unsigned alert); /* "unknown_ca"; NULL where it is not known */
bool remedy_alert_is_about_certificate(unsigned alert);
/* What it can mean of the certificate that was shown, most likely first; never NULL. */
const char *remedy_alert_meaning(unsigned alert);
void remedy_refused_certificate(struct finding *f, unsigned alert);

/* A mail to the partner, made of what was observed and expected and of its first fix; nothing where the owner is not
 * the partner. when: "2026-03-01 12:00 UTC". */
void remedy_mail(struct finding *f, struct span when);
#endif
