/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_DIAGNOSTICS_H
#define FEDGE_SIP_DIAGNOSTICS_H
/* Why something failed, as headers say it: ms-diagnostics, ms-diagnostics-public, ms-client-diagnostics ([MS-OCER]) and
 * Warning (RFC 3261 20.43). Parameters are read in any order, names without case; one response may carry several lines.
 */
#include "base/buffer.h"
#include "base/span.h"
#include "sip/defect.h"
#include "sip/message.h"

struct sip_diagnostics {
	enum sip_header_id header; /* which of the three; SIP_HEADER_OTHER from sip_diagnostics_parse */
	uint32_t id; /* 1008 */
	uint32_t sub_id; /* 10 of 1008.10; 0 where there is none */
	struct span reason; /* without quotes, escapes kept; absent where there is none */
	struct span source;
	struct span parameters; /* all, from the first ";" on */
};

int sip_diagnostics_parse(struct span value, struct sip_diagnostics *ret_diagnostics, struct sip_defect *ret_defect);
/* Any parameter, without its quotes. */
bool sip_diagnostics_parameter(const struct sip_diagnostics *diagnostics, struct span name, struct span *ret_value);
/* Walks all lines of the three headers in the order they stand; malformed ones are passed over. *position starts at 0.
 */
bool sip_diagnostics_next(const struct sip_message *m, size_t *position, struct sip_diagnostics *ret_diagnostics);

struct sip_diagnostics_pair {
	const char *name;
	struct span value; /* absent ones are left out */
};
/* Appends the value as Microsoft's servers write it: id;reason="…";name="value";…;source="…". An absent source is left
 * out (ms-diagnostics-public must not carry one). */
int sip_diagnostics_write(struct buffer *b, const struct sip_diagnostics *diagnostics,
	const struct sip_diagnostics_pair *pairs, size_t pair_count);

struct sip_warning {
	uint16_t code; /* 300 … 399 */
	struct span agent;
	struct span text; /* without quotes, escapes kept */
};
/* One value of a Warning (they may stand in a comma list). */
int sip_warning_parse(struct span value, struct sip_warning *ret_warning, struct sip_defect *ret_defect);
/* Appends: 399 agent "text" */
int sip_warning_write(struct buffer *b, const struct sip_warning *warning);
#endif
