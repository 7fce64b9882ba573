/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as pastes and cut logs have them: lines end in LF alone, headers are missing, or stand behind each other on
 * one line, the first of them behind the status line. What is there is taken; nothing is supplied. */
#include "explain/event_private.h"
#include "sip/parameter.h"

/* ---- pieces of lines ---- */

/* Whether a header's name and its colon begin here: the name, or an absent span. Compact names would be found anywhere,
 * so they count at the start of a line only. */
static struct span name_at(struct span text, bool starts_line)
{
	size_t length = 0;
	while (length < text.length && length < 40 &&
		((text.at[length] | 0x20) >= 'a' || text.at[length] == '-' || text.at[length] == '_') &&
		(unsigned char)text.at[length] < 0x7f)
		length++;
	size_t colon = length;
	while (colon < text.length && text.at[colon] == ' ')
		colon++;
	if (length == 0 || colon == text.length || text.at[colon] != ':')
		return SPAN_NONE;
	struct span name = span_first(text, length);
	if (starts_line)
		return name;
	return length >= 2 && sip_header_find(name) != SIP_HEADER_OTHER ? name : SPAN_NONE;
}

/* Where the next header begins that was joined to this line, from offset 1 on; the line's length where none was. Quoted
 * text and what stands in angle brackets belong to the value. */
static size_t joined_at(struct span line)
{
	bool quoted = false, bracketed = false;
	for (size_t i = 0; i < line.length; i++) {
		char byte = line.at[i];
		if (byte == '"')
			quoted = !quoted;
		else if (!quoted && (byte == '<' || byte == '>'))
			bracketed = byte == '<';
		else if (!quoted && !bracketed && byte == ' ' && i > 0 && name_at(span_from(line, i + 1), false).at)
			return i + 1;
	}
	return line.length;
}

/* ---- the message ---- */

struct damaged {
	struct sip_message *m;
	struct span lone_method; /* what is left of a CSeq: "INVITE" */
};

static bool read_start_line(struct sip_message *m, struct span line)
{
	m->start_line = line = span_trim(line);
	if (span_starts_nocase(line, SPAN("SIP/2.0 "))) {
		struct span rest = span_trim(span_from(line, 8));
		uint64_t status;
		if (span_to_u64(span_first(rest, 3), 699, &status) != 0 || status < 100)
			return false;
		m->status = (uint16_t)status;
		m->reason = span_trim(span_from(rest, 3));
		return true;
	}
	struct span rest = line;
	m->method_name = span_cut(&rest, ' ');
	if (!rest.at || !sip_is_token(m->method_name))
		return false;
	rest = span_trim(rest);
	if (!span_ends_nocase(rest, SPAN("SIP/2.0")))
		return false;
	m->is_request = true;
	m->method = sip_method_find(m->method_name);
	m->request_uri = span_trim(span_first(rest, rest.length - 7));
	return true;
}

static void add_header(struct sip_message *m, struct span name, struct span value)
{
	enum sip_header_id id = sip_header_find(name);
	if (m->header_count == SIP_MESSAGE_HEADERS_MAXIMUM)
		return;
	m->headers[m->header_count++] = (struct sip_header){
		.name = name, .value = value, .id = id, .line_length = (uint32_t)(name.length + value.length)
	};
	if (!m->first[id])
		m->first[id] = (uint8_t)m->header_count;
}

static void read_piece(struct damaged *d, struct span piece)
{
	struct span name = name_at(piece, true);
	if (name.at) {
		struct span value = span_from(piece, name.length);
		add_header(d->m, name, span_trim(span_from(value, span_find(value, ':') + 1)));
	} else if (!d->lone_method.at && sip_method_find(span_trim(piece)) != SIP_METHOD_OTHER) {
		d->lone_method = span_trim(piece);
	}
}

static void read_line(struct damaged *d, struct span line)
{
	while (line.length > 0) {
		size_t next = joined_at(line);
		read_piece(d, span_first(line, next));
		line = span_from(line, next);
	}
}

/* The next line with the folds that follow it. */
static struct span next_line(struct span *rest)
{
	const char *start = rest->at;
	struct span line = span_cut(rest, '\n');
	while (rest->length > 0 && (rest->at[0] == ' ' || rest->at[0] == '\t') &&
		!name_at(span_trim(span_first(*rest, span_find(*rest, '\n'))), false).at &&
		span_trim(span_first(*rest, span_find(*rest, '\n'))).length > 0) {
		struct span fold = span_cut(rest, '\n');
		line = span_make(start, (size_t)(fold.at + fold.length - start));
	}
	return span_trim(line);
}

/* An empty line ends the headers, unless what follows is a header again: pastes have empty lines anywhere. */
static bool is_end(struct span rest)
{
	struct span line = span_trim(span_first(rest, span_find(rest, '\n')));
	return !name_at(line, false).at && joined_at(line) == line.length;
}

static void read_cseq(struct damaged *d)
{
	struct sip_message *m = d->m;
	struct span rest = sip_message_value(m, SIP_HEADER_CSEQ);
	struct span number = span_cut(&rest, ' ');
	uint64_t value;
	if (span_to_u64(number, UINT32_MAX, &value) == 0)
		m->cseq = (uint32_t)value;
	m->cseq_method = span_trim(rest);
	if (m->is_request)
		return;
	m->method_name = m->cseq_method.length > 0 ? m->cseq_method : d->lone_method;
	m->method = sip_method_find(m->method_name);
}

/* An address of which only the display name is left is one without a URI. */
static void read_address(const struct sip_message *m, enum sip_header_id id, struct sip_address *ret_address)
{
	struct span value = sip_message_value(m, id);
	if (value.length == 0 || sip_address_parse(value, ret_address, NULL) == 0)
		return;
	*ret_address = (struct sip_address){ .whole = value };
	if (value.at[0] == '"')
		ret_address->display = sip_unquote(value);
	else if (value.at[0] == '<')
		(void)sip_parameter_find(span_from(value, span_find(value, ';')), SPAN("tag"), &ret_address->tag);
}

static void read_values(struct damaged *d)
{
	struct sip_message *m = d->m;
	struct sip_values values = sip_message_values(m, SIP_HEADER_VIA);
	struct sip_via via;
	if (sip_values_next_via(&values, &via) == 1)
		m->via = via;
	m->call_id = sip_message_value(m, SIP_HEADER_CALL_ID);
	read_address(m, SIP_HEADER_FROM, &m->from);
	read_address(m, SIP_HEADER_TO, &m->to);
	read_cseq(d);
}

bool explain_damaged_read(struct span bytes, struct sip_message *ret_message)
{
	struct damaged d = { .m = ret_message };
	struct sip_message *m = ret_message;
	/* All but the headers themselves, of which header_count are written. */
	memset(m, 0, offsetof(struct sip_message, headers));
	m->bytes = bytes;
	m->max_forwards = -1;
	m->content_length = -1;
	struct span rest = bytes;
	struct span line = next_line(&rest);
	size_t joined = joined_at(line);
	if (!read_start_line(m, span_first(line, joined)))
		return false;
	read_line(&d, span_from(line, joined));
	while (rest.length > 0) {
		line = next_line(&rest);
		if (line.length == 0 && is_end(rest))
			break;
		read_line(&d, line);
	}
	m->body = rest;
	read_values(&d);
	return true;
}
