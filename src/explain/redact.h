/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_REDACT_H
#define FEDGE_EXPLAIN_REDACT_H
/* Names, numbers and addresses replaced so that a result can be sent to a partner: the same one always by the same
 * word, in every text of one run, so that it can still be followed. Domains keep their relation (a subdomain stays a
 * subdomain of the same domain, one label stays one label; a name in a certificate that equals a target still does),
 * users become user1 …, addresses others of the documentation ranges, Call-IDs and tags are hashed with a secret given
 * at the start. Domains of Microsoft's cloud stay. Never reversible from its output. */
#include "base/buffer.h"
#include "explain/judge.h"

struct explain_redactor;
/* secret: random bytes of the caller. NULL without memory. */
struct explain_redactor *explain_redactor_new(struct span secret);
struct explain_redactor *explain_redactor_free(struct explain_redactor *redactor); /* NULL, always; accepts NULL */
/* Names to be known from the start (URIs, hosts, domains, addresses of the case), before any text. 0 or -ENOMEM. */
int explain_redactor_learn(struct explain_redactor *redactor, struct span name);
/* Appends the text with everything in it that is a name, number or address replaced. */
int explain_redact(struct explain_redactor *redactor, struct span text, struct buffer *out);
/* A problem with everything that is shown of it replaced: a copy in the arena that any renderer takes as it is, marks
 * of evidence and lines to paste with it. Names of files become those of their kind. NULL at the arena's maximum. */
const struct explain_problem *explain_redact_problem(
	struct explain_redactor *redactor, const struct explain_problem *problem, struct arena *arena);
#endif
