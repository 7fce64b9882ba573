/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_SIPSTACK_PRIVATE_H
#define FEDGE_TRACE_SIPSTACK_PRIVATE_H
/* The reader of a SIPStack trace from inside: sipstack_read.c reads header lines and records of one line,
 * sipstack_body.c what stands between $$begin_record and $$end_record. */
#include "trace/reader_private.h"

/* One record: its header line taken apart. */
struct sipstack_header {
	struct span level; /* "INFO", "WARN", "ERROR" */
	struct span flag; /* "PROTOCOL", "DIAG" … */
	struct record_head head;
	struct span place; /* "SIPStack,SIPAdminLog::TraceProtocolRecord:SIPAdminLog.cpp(125)" */
	struct span rest; /* after it: text of a record of one line */
	bool opens; /* a body follows, up to $$end_record */
};

/* What stands behind it. */
struct sipstack_body {
	struct trace_reader *reader;
	struct span rest; /* lines not yet read */
	struct record record;
	struct record_pair pairs[RECORD_LIST_MAXIMUM + 8]; /* of a handshake: all names, and what else there is */
	struct span names[RECORD_LIST_MAXIMUM];
};

/* A text of the product, control characters back to what they were. */
struct span sipstack_text_of(struct sipstack_body *b, struct span value);
/* "0xc3e93d6f SIPPROXY_E_…" and "0xC3E93C5E(SIPPROXY_E_ROUTING)" */
void sipstack_read_result(struct sipstack_body *b, struct span value, struct record_judgement *j);
/* Gives the record, or counts it as another. */
void sipstack_read_body(struct trace_reader *reader, const struct sipstack_header *h, struct span text,
	const struct trace_place *place);
#endif
