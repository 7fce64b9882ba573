/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_EVENT_PRIVATE_H
#define FEDGE_EXPLAIN_EVENT_PRIVATE_H
/* Between the files that boil records. */
#include "explain/event.h"
#include "sip/message.h"

/* All that a message is asked for while it is read; what it gives borrows from the record and from here. */
#define EXPLAIN_DIAGNOSTICS_PAIRS_MAXIMUM 16
struct explain_reading {
	struct explain_event event;
	struct explain_detail detail;
	struct explain_via vias[EXPLAIN_VIAS_MAXIMUM];
	struct explain_diagnostics diagnostics[EXPLAIN_DIAGNOSTICS_MAXIMUM];
	struct record_pair pairs[EXPLAIN_DIAGNOSTICS_MAXIMUM][EXPLAIN_DIAGNOSTICS_PAIRS_MAXIMUM];
	struct sip_message sip;
};

/* Fills event.message; false where the bytes are no message at all. */
bool explain_message_read(const struct record *r, struct explain_reading *reading);
/* The same from a walk over the lines, for messages that never have details. False: the parser must look, and what was
 * filled means nothing. */
bool explain_light_read(struct span bytes, struct explain_message *message);
/* Header by header what is there, for bytes that sip_message_parse refuses: the start line, then lines; headers that a
 * paste joined are taken apart. False where there is neither a request line nor a status line. */
bool explain_damaged_read(struct span bytes, struct sip_message *ret_message);
/* Fills reading->detail from what was read; the message points to it then. */
void explain_detail_read(const struct sip_message *m, struct explain_reading *reading);
/* Whether a record that is no message tells an explainer anything. */
bool explain_record_tells(const struct record *r);
#endif
