/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_PARAMETER_H
#define FEDGE_SIP_PARAMETER_H
/* The small words of SIP's grammar: lists of ";name=value", comma lists, tokens, quoted strings.
 * Nothing here allocates; spans borrow from what was given. */
#include "base/buffer.h"
#include "base/span.h"

struct sip_parameter {
	struct span name;
	struct span value; /* as written, quotes included; absent (at == NULL) where there is no "=" */
};

/* Takes the first parameter off *rest. A list may begin with ";" or directly with a name. False at the
 * end of the list. Blanks around ";" and "=" are passed over; a ";" inside quotes divides nothing. */
bool sip_parameter_next(struct span *rest, struct sip_parameter *ret_parameter);
/* Names are compared without case. True where the parameter is there; ret_value (may be NULL) is its value
 * as written, absent where it has none. */
bool sip_parameter_find(struct span parameters, struct span name, struct span *ret_value);

/* Takes the first value off a comma list: commas inside quotes or angle brackets divide nothing, empty
 * elements are passed over. False at the end. */
bool sip_list_next(struct span *rest, struct span *ret_value);
/* Is the token one of the comma-divided tokens of the list (without case)? */
bool sip_list_has(struct span list, struct span token);

bool sip_is_token(struct span s);
/* Without the surrounding quotes, where it has them; escapes stay as they are. */
struct span sip_unquote(struct span s);
/* Appends the text a quoted string (or token) stands for: no quotes, escapes undone, folds made one blank. */
int sip_unquote_write(struct buffer *b, struct span s);
/* Appends "text" with quotes; quotes and backslashes escaped, control bytes made blanks. */
int sip_quote_write(struct buffer *b, struct span text);
/* The value of a q parameter in thousandths, 0 … 1000 (RFC 3261 20.10: 0 to 1 with at most three decimals). What is
 * malformed or absent counts as not given: 1000. */
uint16_t sip_q_value(struct span text);
#endif
