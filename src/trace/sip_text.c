/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/sip_text.h"

#include "base/require.h"
#include "trace/private.h"

static void read_start_line(struct trace_sip_text *t)
{
	struct span rest = t->start_line;
	t->is_request = !span_starts_nocase(rest, SPAN("SIP/"));
	struct span first = span_cut(&rest, ' ');
	struct span second = span_cut(&rest, ' ');
	if (t->is_request) {
		t->method = first;
		t->request_uri = second;
	} else {
		t->status = second;
	}
}

/* Index just after the quoted string that opens at s.at[0]; s.length where it never closes. */
static size_t skip_quoted(struct span s)
{
	for (size_t i = 1; i < s.length; i++) {
		if (s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			return i + 1;
	}
	return s.length;
}

/* What stands after the address: RFC 3261 20.10, a parameter outside <> belongs to the header. */
static struct span parameters_of(struct span value, struct span *ret_uri)
{
	*ret_uri = SPAN_NONE;
	for (size_t i = 0; i < value.length; i++) {
		if (value.at[i] == '"') {
			i += skip_quoted(span_from(value, i)) - 1;
		} else if (value.at[i] == '<') {
			struct span inside = span_from(value, i + 1);
			size_t end = span_find(inside, '>');
			*ret_uri = span_first(inside, end);
			return span_from(inside, end);
		} else if (value.at[i] == ';') {
			*ret_uri = span_trim(span_first(value, i));
			return span_from(value, i);
		}
	}
	*ret_uri = span_trim(value);
	return SPAN_NONE;
}

static struct span parameter(struct span parameters, const char *name)
{
	struct span rest = parameters;
	while (rest.at) {
		struct span value = span_cut(&rest, ';');
		struct span key = span_trim(span_cut(&value, '='));
		if (value.at && span_is_nocase(key, name))
			return span_trim(value);
	}
	return SPAN_NONE;
}

static void read_from(struct trace_sip_text *t, struct span value)
{
	struct span uri;
	t->from_tag = parameter(parameters_of(value, &uri), "tag");
}

static void read_to(struct trace_sip_text *t, struct span value)
{
	t->to_tag = parameter(parameters_of(value, &t->to), "tag");
}

static void read_call_id(struct trace_sip_text *t, struct span value)
{
	t->call_id = value;
}

static void read_cseq(struct trace_sip_text *t, struct span value)
{
	struct span rest = value;
	t->cseq = span_cut(&rest, ' ');
	if (!t->is_request)
		t->method = span_trim(rest);
}

static void read_session(struct trace_sip_text *t, struct span value)
{
	struct span rest = value;
	t->local_session = span_trim(span_cut(&rest, ';'));
	t->remote_session = parameter(rest, "remote");
}

static const struct {
	const char *name;
	const char *compact;
	void (*read)(struct trace_sip_text *t, struct span value);
} readers[] = {
	{ "Call-ID", "i", read_call_id },
	{ "From", "f", read_from },
	{ "To", "t", read_to },
	{ "CSeq", NULL, read_cseq },
	{ "Session-ID", NULL, read_session },
};

/* The first letters of the names above, either case: most headers are none of them. */
static bool may_be_one(struct span line)
{
	return line.length > 0 && memchr("CcFfIiSsTt", line.at[0], 10);
}

static void read_header(struct trace_sip_text *t, struct span line, unsigned int *seen)
{
	if (!may_be_one(line))
		return;
	struct span value = line;
	struct span name = span_trim(span_cut(&value, ':'));
	if (!value.at)
		return;
	for (unsigned int i = 0; i < BASE_COUNT(readers); i++) {
		bool same = span_is_nocase(name, readers[i].name) ||
			    (readers[i].compact && span_is_nocase(name, readers[i].compact));
		if (!same || (*seen & 1u << i))
			continue;
		*seen |= 1u << i;
		readers[i].read(t, span_trim(value));
	}
}

void trace_sip_text_read(struct span bytes, struct trace_sip_text *ret_text)
{
	struct span rest = bytes, line = SPAN_NONE;
	unsigned int seen = 0;
	*ret_text = (struct trace_sip_text){ .is_request = true };
	if (!trace_next_line(&rest, &ret_text->start_line))
		return;
	read_start_line(ret_text);
	const char *start = rest.at;
	while (trace_next_line(&rest, &line)) {
		if (line.length == 0) {
			ret_text->headers = span_make(start, (size_t)(line.at - start));
			ret_text->body = rest;
			return;
		}
		read_header(ret_text, line, &seen);
	}
	/* No empty line: cut off in the headers. */
	if (start)
		ret_text->headers = span_from(bytes, (size_t)(start - bytes.at));
}
