/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_PRIVATE_H
#define FEDGE_TRACE_PRIVATE_H
/* What the four writers share. */
#include "base/buffer.h"
#include "record/record.h"
#include "trace/writer.h"

/* The texts of one second, made once: a busy log has thousands of lines in it. */
struct trace_stamp {
	int64_t second; /* since 1970 UTC */
	bool made;
	char iso_local[20]; /* 2017-03-02T08:10:46 */
	char iso_utc[20]; /* 2017-03-02 07:10:46 */
	char slash_local[20]; /* 03/02/2017|08:10:46 */
	char slash_utc[20]; /* 03/02/2017-07:10:46 */
	char offset[7]; /* +01:00 */
};
#define TRACE_STAMP_LENGTH 19

struct trace_writer {
	struct trace_writer_settings settings; /* its spans point at the arrays below */
	char node[256];
	char site[256];
	uint32_t sequence;
	struct trace_stamp stamp;
};

int trace_expressway_write(struct trace_writer *w, const struct record *r, struct buffer *out);
int trace_sipstack_write(struct trace_writer *w, const struct record *r, struct buffer *out);
int trace_uccapi_write(struct trace_writer *w, const struct record *r, struct buffer *out);
int trace_json_write(struct trace_writer *w, const struct record *r, struct buffer *out);

/* The stamp of that moment; ret_us are the microseconds within its second. */
const struct trace_stamp *trace_stamp_of(struct trace_writer *w, int64_t time_us, uint32_t *ret_us);
/* Three or six digits. */
void trace_append_ms(struct buffer *out, uint32_t us);
void trace_append_us(struct buffer *out, uint32_t us);

/* buffer_append with the common case in place: a line is made of dozens of small pieces. */
static inline void trace_append(struct buffer *out, struct span s)
{
	if (out->status == 0 && out->at && s.length <= out->capacity - out->length) {
		if (s.length > 0)
			memcpy(out->at + out->length, s.at, s.length);
		out->length += s.length;
		out->at[out->length] = '\0';
	} else {
		(void)buffer_append(out, s);
	}
}
static inline void trace_append_byte(struct buffer *out, char byte)
{
	trace_append(out, span_make(&byte, 1));
}
#define trace_append_literal(out, literal) trace_append((out), SPAN(literal))
/* Upper-case hexadecimal with at least so many digits. */
void trace_append_hex(struct buffer *out, uint64_t value, unsigned int digits);
/* Between quotes: \" \\ and \xNN for control characters, so that a line stays a line. */
void trace_append_escaped(struct buffer *out, struct span s);
/* ` key="value"`, with the leading blank; an absent value writes nothing. */
void trace_append_key(struct buffer *out, const char *key, struct span value);
void trace_append_key_u64(struct buffer *out, const char *key, uint64_t value);
/* ` <prefix>-ip="…" <prefix>-port="…"`, each where known. */
void trace_append_key_address(struct buffer *out, const char *prefix, const struct record_address *address);
/* "1.2.3.4:5061", "[::1]:5061"; without the port where it is 0; ":5061" without an address. */
void trace_append_host_port(struct buffer *out, const struct record_address *address);
/* name="value";name="value": the Data line of a diagnostic record. */
void trace_append_pairs(struct buffer *out, struct record_pairs pairs);

/* "reloaded: text (count 3)"; a plain note is its text alone. */
void trace_append_note(struct buffer *out, const struct record_node *node);
/* The record's text, else the product's own sentence for the finding, else the code. */
struct span trace_judgement_text(const struct record_judgement *j);

/* A message line by line: CR LF and LF both end one. What follows the last one (possibly nothing)
 * is a line too. False where there was none left. */
bool trace_next_line(struct span *rest, struct span *ret_line);
struct span trace_node(const struct trace_writer *w, const struct record *r);
uint32_t trace_process(const struct trace_writer *w, const struct record *r);
uint32_t trace_thread(const struct record *r);
uint32_t trace_sequence(struct trace_writer *w, const struct record *r);

/* A stable hash of bytes that is the same on every machine; no defence against anybody. */
uint64_t trace_hash(struct span bytes);
#endif
