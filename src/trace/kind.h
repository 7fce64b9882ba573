/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_KIND_H
#define FEDGE_TRACE_KIND_H
/* What a file holds, told by its content and never by its name. docs/formats.md describes each kind. The first four
 * are also written (trace/writer.h), in this order. */
#include "trace/writer.h"

enum trace_kind {
	TRACE_KIND_EXPRESSWAY = TRACE_EXPRESSWAY,
	TRACE_KIND_SIPSTACK = TRACE_SIPSTACK,
	TRACE_KIND_UCCAPI = TRACE_UCCAPI,
	TRACE_KIND_JSON = TRACE_JSON,
	TRACE_KIND_PLAIN, /* SIP as text: ngrep, sngrep, Asterisk, FreeSWITCH, Kamailio, OpenSIPS, syslog, messages
			     alone */
	TRACE_KIND_MIXED, /* text that has to be mended, or holds several kinds: an e-mail, a page of a wiki */
	TRACE_KIND_CAPTURE, /* pcap and pcapng */
	TRACE_KIND_HEP, /* HEPv3 packets one after another */
	TRACE_KIND_DUMP, /* an Expressway's xConfiguration or xStatus: counted, no record is made of it */
	TRACE_KIND_UNKNOWN,
	TRACE_KIND_COUNT = TRACE_KIND_UNKNOWN
};

const char *trace_kind_word(enum trace_kind kind); /* "expressway", "capture" …; "unknown" */
/* Whether trace_place.line is the number of a packet. */
bool trace_kind_counts_packets(enum trace_kind kind);

/* As much of a file as detection may want to see; less where the file is shorter. */
#define TRACE_HEAD_LENGTH (64u << 10)
/* From the first bytes of a file (up to TRACE_HEAD_LENGTH). Text in which nothing is known is MIXED, which costs time
 * but finds what stands further down. A SIPp scenario is UNKNOWN: its messages are forms. Bytes that are no text are
 * UNKNOWN, unless records of one product stand among them: noise in a log or behind it makes it no other kind. */
enum trace_kind trace_kind_detect(struct span head);

/* Where the next record begins in a text that was cut anywhere: the offset of its first byte, text.length where none
 * does. 0 is no answer but that the text itself begins with a record. Reading the text before and after that place by
 * two readers gives the records that one reader gives, but for summaries: the INFO line of a message may then be
 * given beside the message. PLAIN, captures, HEP, MIXED and DUMP cannot be cut: text.length. */
size_t trace_kind_next_record(enum trace_kind kind, struct span text);
#endif
