/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/parameter.h"

#include "sip/read.h"
#include "sip/scan.h"

/* The end of a value: quoted text is passed over whole; an unclosed quote reaches to the end. */
static inline const char *value_end(const char *at, const char *end, const char *limit)
{
	for (;;) {
		at = scan_find(at, end, limit, ';', '"', ';');
		if (at == end || *at == ';')
			return at;
		at = scan_quoted(at, end, limit);
		if (!at)
			return end;
	}
}

bool sip_parameter_read(struct span *rest, const char *limit, struct sip_parameter *ret_parameter)
{
	const char *at = rest->at, *end = at + rest->length;
	while (at < end && (*at == ';' || ((unsigned char)*at <= ' ' && sip_class_is(*at, SIP_CLASS_BLANK))))
		at++;
	if (at == end) {
		*rest = span_make(end, 0);
		return false;
	}
	const char *name = at;
	at = scan_word(at, end, limit, SIP_CLASS_TOKEN);
	if (at < end && *at != '=' && *at != ';')
		at = scan_find(at, end, limit, '=', ';', '=');
	ret_parameter->name = span_make(name, (size_t)(scan_back_blanks(name, at) - name));
	ret_parameter->value = SPAN_NONE;
	if (at < end && *at == '=') {
		const char *value = scan_blanks(at + 1, end);
		at = value_end(value, end, limit);
		ret_parameter->value = span_make(value, (size_t)(scan_back_blanks(value, at) - value));
	}
	*rest = span_make(at, (size_t)(end - at));
	return true;
}

bool sip_parameter_next(struct span *rest, struct sip_parameter *ret_parameter)
{
	return sip_parameter_read(rest, rest->at + rest->length, ret_parameter);
}

bool sip_parameter_find(struct span parameters, struct span name, struct span *ret_value)
{
	struct sip_parameter parameter;
	while (sip_parameter_next(&parameters, &parameter)) {
		if (parameter.name.length == name.length && span_equal_nocase(parameter.name, name)) {
			if (ret_value)
				*ret_value = parameter.value;
			return true;
		}
	}
	return false;
}

/* The comma that ends the element, or end. */
static inline const char *element_end(const char *at, const char *end, const char *limit)
{
	for (;;) {
		at = scan_find(at, end, limit, ',', '"', '<');
		if (at == end || *at == ',')
			return at;
		at = *at == '"' ? scan_quoted(at, end, limit) : scan_find(at, end, limit, '>', '>', '>');
		if (!at)
			return end;
	}
}

bool sip_list_read(struct span *rest, const char *limit, struct span *ret_value)
{
	const char *at = rest->at, *end = at + rest->length;
	while (at < end && (*at == ',' || ((unsigned char)*at <= ' ' && sip_class_is(*at, SIP_CLASS_BLANK))))
		at++;
	if (at == end) {
		*rest = span_make(end, 0);
		return false;
	}
	const char *stop = element_end(at, end, limit);
	*ret_value = span_make(at, (size_t)(scan_back_blanks(at, stop) - at));
	*rest = span_make(stop, (size_t)(end - stop));
	return true;
}

bool sip_list_next(struct span *rest, struct span *ret_value)
{
	return sip_list_read(rest, rest->at + rest->length, ret_value);
}

bool sip_list_has(struct span list, struct span token)
{
	struct span value;
	while (sip_list_next(&list, &value)) {
		if (span_equal_nocase(value, token))
			return true;
	}
	return false;
}

bool sip_is_token(struct span s)
{
	return s.length > 0 && scan_while(s.at, s.at + s.length, SIP_CLASS_TOKEN) == s.at + s.length;
}

struct span sip_unquote(struct span s)
{
	if (s.length >= 2 && s.at[0] == '"' && s.at[s.length - 1] == '"')
		return span_make(s.at + 1, s.length - 2);
	return s;
}

int sip_unquote_write(struct buffer *b, struct span s)
{
	struct span text = sip_unquote(s);
	const char *end = text.at + text.length;
	for (const char *at = text.at; at < end; at++) {
		if (*at == '\\' && text.length != s.length && at + 1 < end) {
			buffer_append_byte(b, *++at);
		} else if (*at == '\r' || *at == '\n') {
			at = scan_blanks(at, end) - 1;
			buffer_append_byte(b, ' ');
		} else {
			buffer_append_byte(b, *at);
		}
	}
	return b->status;
}

int sip_quote_write(struct buffer *b, struct span text)
{
	buffer_append_byte(b, '"');
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.at[i];
		if (byte == '"' || byte == '\\')
			buffer_append_byte(b, '\\');
		buffer_append_byte(b, byte < 0x20 || byte == 0x7f ? ' ' : (char)byte);
	}
	return buffer_append_byte(b, '"');
}

uint16_t sip_q_value(struct span text)
{
	unsigned q = 0, scale = 1000;
	struct span decimals = text, whole = span_cut(&decimals, '.');
	if (!span_is(whole, "0") && !span_is(whole, "1"))
		return 1000;
	q = whole.at[0] == '1' ? 1000 : 0;
	if (decimals.length > 3)
		return 1000;
	for (size_t i = 0; i < decimals.length; i++) {
		char digit = decimals.at[i];
		if (digit < '0' || digit > '9')
			return 1000;
		scale /= 10;
		q += (unsigned)(digit - '0') * scale;
	}
	return (uint16_t)(q > 1000 ? 1000 : q);
}
