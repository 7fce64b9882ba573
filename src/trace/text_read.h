/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_TEXT_READ_H
#define FEDGE_TRACE_TEXT_READ_H
/* Pieces that several log formats share, read: the other half of what private.h appends. What needs no change is
 * borrowed, the rest is made in the arena. */
#include "base/arena.h"
#include "record/record.h"

/* \" \\ and \xNN back to their bytes; any other backslash stays. Absent without memory. */
struct span trace_read_escaped(struct arena *arena, struct span text);
/* Only \xNN back to its byte: lines of a product have other backslashes that mean themselves. */
struct span trace_read_visible(struct arena *arena, struct span text);
/* Index of the quote that ends what begins at text.at[0], none behind a backslash; text.length where it never ends. */
size_t trace_read_quote_end(struct span text);
/* name="value";name="value", blanks around ; and = allowed. Gives the number of pairs, at most so many. */
size_t trace_read_pairs(struct arena *arena, struct span text, struct record_pair *ret_pairs, size_t maximum);
/* "192.0.2.1:5061", "[2001:db8::1]:5061", "192.0.2.1", ":5061": all of the text. */
bool trace_read_host_port(struct span text, struct record_address *ret_address);
/* "vcse.steven.lab:25002" or an address: a name goes to *ret_name, its port to the address. */
void trace_read_peer(struct span text, struct record_address *ret_address, struct span *ret_name);
/* 0 to 15, or -1. */
int trace_read_hex_digit(char digit);
/* Hexadecimal digits only, the whole span; false where it is none or too large. */
bool trace_read_hex(struct span text, uint64_t maximum, uint64_t *ret_value);
/* "UDP", "TCP", "TLS"; anything else is RECORD_TRANSPORT_NONE. */
enum record_transport trace_read_transport(struct span word);
/* Behind "TL_": "ERROR", "WARN"; anything else is a note. */
enum record_severity trace_read_severity(struct span level);
/* What trace_append_note wrote: the event's word, a text, a count. */
void trace_read_note(struct arena *arena, struct span text, struct record_node *ret_node);
/* What a message's head says of its body's length; false where it says nothing, or no number. */
bool trace_read_content_length(struct span head, uint64_t *ret_length);
/* Lines ended by LF into a message of the wire: CR LF, or LF where Content-Length tells that a lone LF was meant.
 * head: start line and headers, without the empty line; body: absent where there was none. Absent without memory. */
struct span trace_read_message(struct arena *arena, struct span head, struct span body);
#endif
