/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_REDACT_PRIVATE_H
#define FEDGE_EXPLAIN_REDACT_PRIVATE_H
/* redact.c remembers what stands for what; redact_text.c finds in a text what must be replaced; redact_problem.c goes
 * over all that is shown of a problem. */
#include "base/hash.h"
#include "explain/redact.h"

enum redact_class {
	REDACT_USER, /* user1 */
	REDACT_DOMAIN, /* domain1.example: the last two labels of a name */
	REDACT_LABEL, /* host1: any label before them, or a name without a dot */
	REDACT_NAME, /* name1: shown names, organisations, zones, rules */
	REDACT_NUMBER, /* +15550001 */
	REDACT_ADDRESS_4, /* 198.18.0.1: reserved for tests, RFC 2544 */
	REDACT_ADDRESS_6, /* 2001:db8::1: for documents, RFC 3849 */
	REDACT_CLASS_COUNT
};

struct explain_redactor {
	struct hash_key key;
	struct hash_table words; /* class and text to number */
	struct arena arena;
	uint32_t counts[REDACT_CLASS_COUNT];
	bool is_full; /* from here on all new words are "x" */
};

/* The number of this text in its class, from 1; a new one where it is new. 0: memory is full. Names are compared
 * without case. */
uint32_t redact_number(struct explain_redactor *r, enum redact_class class, struct span text);
/* The same, without making it known. */
uint32_t redact_known(const struct explain_redactor *r, enum redact_class class, struct span text);
/* Each appends what stands for the text. */
void redact_user(struct explain_redactor *r, struct span user, struct buffer *out);
void redact_domain(struct explain_redactor *r, struct span name, struct buffer *out);
void redact_word(struct explain_redactor *r, enum redact_class class, struct span text, struct buffer *out);
bool redact_address(struct explain_redactor *r, struct span text, struct buffer *out); /* false: it is none */
/* As many hexadecimal digits as it has characters, at most 32. */
void redact_secret(struct explain_redactor *r, struct span text, struct buffer *out);
#endif
