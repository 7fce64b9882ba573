/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_PLAIN_H
#define FEDGE_TRACE_PLAIN_H
/* How SIP as text is known: for the detection of kinds, and for readers of text in which several kinds are mixed. */
#include "base/span.h"

/* Whether this line, without its line end, is one that TRACE_KIND_PLAIN makes records of: the line in front of a
 * message as ngrep, sngrep, tcpdump, SIPp, Asterisk, FreeSWITCH, Kamailio and OpenSIPS write it, the start line of a
 * message (behind the prefix of a syslog or not), or a whole message on one line. Header lines, bodies and other lines
 * of those logs are none. Looks at the first 64 KiB of the line at most. */
bool trace_plain_starts(struct span line);
#endif
