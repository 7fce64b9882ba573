/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRUST_WORDS_H
#define FEDGE_TRUST_WORDS_H
/* Evidence and fixes that several judges give, for this folder. What is to be pasted contains names
 * that are safe to paste only (trust_name_is_plain); others become a word in capitals. */
#include "trust/judge.h"

/* In the arena of the judge's list; absent without memory. */
struct span words_printf(const struct trust_judge *judge, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The name, or instead where it may not be pasted. Without the root dot. */
struct span words_name(struct span name, const char *instead);
/* The first label of a host name, "sip" where there is none that may be pasted. */
struct span words_first_label(struct span name);
/* "2026-03-01 12:00 UTC" in the arena. */
struct span words_date(const struct trust_judge *judge, int64_t unix_s);
/* A fix for the owner; where that is the partner also a mail to it, made of what was observed and expected. */
struct finding_fix *words_fix(struct finding *f, const char *where, struct span title);
void words_mail(const struct trust_judge *judge, struct finding *f);
/* A fix: the openssl command that makes a request for the names that the certificate has and those that it should have.
 * Ready to be pasted. */
struct words_wish {
	struct span title;
	struct span name; /* host name that must be in it */
	struct span domain; /* must be in it as a URI sip:DOMAIN; absent: need not */
	bool usages; /* ask for both extended key usages too */
};
void words_request(struct finding *f, const struct trust_certificate *certificate, const struct words_wish *wish);
/* One line for a certificate: CN, names, issuer. *ret_mark: the names. */
struct span words_certificate(
	const struct trust_judge *judge, const struct trust_certificate *certificate, struct span *ret_mark);
#endif
