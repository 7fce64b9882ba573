/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/diagnostics.h"

#include "sip/fail.h"
#include "sip/parameter.h"
#include "sip/scan.h"

static const char *read_number(const char *at, const char *end, uint32_t *ret_number)
{
	const char *stop = scan_while(at, end, SIP_CLASS_DIGIT);
	uint64_t number;
	if (span_to_u64(span_make(at, (size_t)(stop - at)), UINT32_MAX, &number) < 0)
		return NULL;
	*ret_number = (uint32_t)number;
	return stop;
}

int sip_diagnostics_parse(struct span value, struct sip_diagnostics *ret_diagnostics, struct sip_defect *ret_defect)
{
	struct sip_diagnostics diagnostics = { .header = SIP_HEADER_OTHER };
	const char *start = value.at, *end = scan_back_blanks(start, start + value.length);
	const char *at = scan_blanks(start, end), *stop = read_number(at, end, &diagnostics.id);
	/* The OCS form: ErrorId.SubErrorCode. */
	if (stop && stop < end && *stop == '.')
		stop = read_number(stop + 1, end, &diagnostics.sub_id);
	if (!stop)
		return sip_fail(ret_defect, SIP_RULE_DIAGNOSTICS, (size_t)(at - start));
	at = scan_blanks(stop, end);
	if (at < end && *at != ';')
		return sip_fail(ret_defect, SIP_RULE_DIAGNOSTICS, (size_t)(at - start));
	diagnostics.parameters = span_make(at, (size_t)(end - at));
	if (!sip_diagnostics_parameter(&diagnostics, SPAN("reason"), &diagnostics.reason))
		diagnostics.reason = SPAN_NONE;
	if (!sip_diagnostics_parameter(&diagnostics, SPAN("source"), &diagnostics.source))
		diagnostics.source = SPAN_NONE;
	*ret_diagnostics = diagnostics;
	return 0;
}

bool sip_diagnostics_parameter(const struct sip_diagnostics *diagnostics, struct span name, struct span *ret_value)
{
	struct span value;
	if (!sip_parameter_find(diagnostics->parameters, name, &value))
		return false;
	if (ret_value)
		*ret_value = sip_unquote(value);
	return true;
}

bool sip_diagnostics_next(const struct sip_message *m, size_t *position, struct sip_diagnostics *ret_diagnostics)
{
	while (*position < m->header_count) {
		const struct sip_header *header = &m->headers[(*position)++];
		if (header->id != SIP_HEADER_MS_DIAGNOSTICS && header->id != SIP_HEADER_MS_DIAGNOSTICS_PUBLIC &&
			header->id != SIP_HEADER_MS_CLIENT_DIAGNOSTICS)
			continue;
		if (sip_diagnostics_parse(header->value, ret_diagnostics, NULL) == 0) {
			ret_diagnostics->header = header->id;
			return true;
		}
	}
	return false;
}

static void write_pair(struct buffer *b, const char *name, struct span value)
{
	if (!value.at)
		return;
	buffer_printf(b, ";%s=", name);
	sip_quote_write(b, value);
}

int sip_diagnostics_write(struct buffer *b, const struct sip_diagnostics *diagnostics,
	const struct sip_diagnostics_pair *pairs, size_t pair_count)
{
	buffer_append_u64(b, diagnostics->id);
	if (diagnostics->sub_id)
		buffer_printf(b, ".%u", (unsigned)diagnostics->sub_id);
	write_pair(b, "reason", diagnostics->reason);
	for (size_t i = 0; i < pair_count; i++)
		write_pair(b, pairs[i].name, pairs[i].value);
	write_pair(b, "source", diagnostics->source);
	return b->status;
}

/* 399 agent "text" (RFC 3261 20.43) */
int sip_warning_parse(struct span value, struct sip_warning *ret_warning, struct sip_defect *ret_defect)
{
	const char *start = value.at, *end = scan_back_blanks(start, start + value.length);
	const char *at = scan_blanks(start, end), *stop = scan_while(at, end, SIP_CLASS_DIGIT);
	uint64_t code;
	if (stop - at != 3 || span_to_u64(span_make(at, 3), 999, &code) < 0)
		return sip_fail(ret_defect, SIP_RULE_DIAGNOSTICS, (size_t)(at - start));
	const char *agent = scan_blanks(stop, end), *agent_end = scan_find(agent, end, end, ' ', '\t', '"');
	const char *text = scan_blanks(agent_end, end);
	if (agent == stop || agent_end == agent || text == end || *text != '"' || scan_quoted(text, end, end) != end)
		return sip_fail(ret_defect, SIP_RULE_DIAGNOSTICS, (size_t)(agent - start));
	ret_warning->code = (uint16_t)code;
	ret_warning->agent = span_make(agent, (size_t)(agent_end - agent));
	ret_warning->text = sip_unquote(span_make(text, (size_t)(end - text)));
	return 0;
}

int sip_warning_write(struct buffer *b, const struct sip_warning *warning)
{
	buffer_printf(b, "%03u %.*s ", (unsigned)warning->code, SPAN_PRINT(warning->agent));
	return sip_quote_write(b, warning->text);
}
