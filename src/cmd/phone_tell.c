/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "base/text.h"
#include "cmd/phone_setup.h"
#include "sip/diagnostics.h"
#include "sip/parameter.h"

#define TELL_MAXIMUM ((size_t)1 << 20)

/* The headers of a final answer that may explain it. */
static const enum sip_header_id explaining[] = {
	SIP_HEADER_WARNING,
	SIP_HEADER_MS_DIAGNOSTICS,
	SIP_HEADER_MS_DIAGNOSTICS_PUBLIC,
	SIP_HEADER_MS_CLIENT_DIAGNOSTICS,
	SIP_HEADER_REASON,
	SIP_HEADER_ERROR_INFO,
	SIP_HEADER_RETRY_AFTER,
	SIP_HEADER_UNSUPPORTED,
	SIP_HEADER_WWW_AUTHENTICATE,
	SIP_HEADER_PROXY_AUTHENTICATE,
	SIP_HEADER_SERVER,
	SIP_HEADER_USER_AGENT,
};

/* ---- JSON ---- */

static void json_key(struct buffer *b, const char *key)
{
	char last = b->length > 0 ? b->at[b->length - 1] : '{';
	if (last != '{')
		buffer_append_byte(b, ',');
	text_append_json(b, span_of(key));
	buffer_append_byte(b, ':');
}

static void json_text(struct buffer *b, const char *key, struct span value)
{
	json_key(b, key);
	if (value.at)
		text_append_json(b, value);
	else
		buffer_append_text(b, "null");
}

static void json_time(struct buffer *b, const char *key, int64_t wall_us)
{
	char text[32];
	json_text(b, key, wall_us ? span_make(text, clock_format_utc(wall_us, text, sizeof(text))) : SPAN_NONE);
}

static void json_unquoted(struct buffer *b, const char *key, struct span quoted)
{
	struct buffer text;
	buffer_init(&text, TELL_MAXIMUM);
	buffer_append(&text, SPAN(""));
	sip_unquote_write(&text, quoted);
	json_text(b, key, quoted.at ? buffer_span(&text) : SPAN_NONE);
	buffer_done(&text);
}

static void json_parameters(struct buffer *b, struct span parameters)
{
	struct sip_parameter parameter;
	json_key(b, "parameters");
	buffer_append_byte(b, '{');
	while (sip_parameter_next(&parameters, &parameter)) {
		char name[128];
		if (span_copy_to(parameter.name, name, sizeof(name)))
			json_unquoted(b, name, parameter.value);
	}
	buffer_append_byte(b, '}');
}

static void json_diagnostics(struct buffer *b, const char *key, const struct sip_message *m, enum sip_header_id header)
{
	struct sip_diagnostics d;
	size_t position = 0;
	json_key(b, key);
	while (m && sip_diagnostics_next(m, &position, &d)) {
		if (d.header != header)
			continue;
		buffer_append_byte(b, '{');
		json_key(b, "id");
		buffer_append_u64(b, d.id);
		json_unquoted(b, "reason", d.reason);
		json_unquoted(b, "source", d.source);
		json_parameters(b, d.parameters);
		json_text(b, "text", sip_message_value(m, header));
		buffer_append_byte(b, '}');
		return;
	}
	buffer_append_text(b, "null");
}

static void json_values(struct buffer *b, const struct sip_message *m, enum sip_header_id id)
{
	char name[64];
	const struct sip_header *header = sip_message_find(m, id);
	if (!header || !span_copy_to(sip_header_name(id), name, sizeof(name)))
		return;
	json_key(b, name);
	buffer_append_byte(b, '[');
	for (bool first = true; header; header = sip_message_find_next(m, header), first = false) {
		if (!first)
			buffer_append_byte(b, ',');
		text_append_json(b, header->value);
	}
	buffer_append_byte(b, ']');
}

static const char *const ended_by[] = {
	[PHONE_ENDED_BY_NOBODY] = NULL,
	[PHONE_ENDED_BY_US] = "us",
	[PHONE_ENDED_BY_PEER] = "peer",
	[PHONE_ENDED_BY_TIMER] = "timer",
};

static void append_json(struct buffer *b, const struct phone_outcome *o)
{
	const struct sip_message *m = o->answer;
	buffer_append_byte(b, '{');
	json_text(b, "outcome", span_of(phone_outcome_name(o->kind)));
	json_key(b, "status");
	buffer_append_u64(b, o->status);
	json_text(b, "reason", o->reason);
	json_text(b, "failed", span_of(o->failed));
	json_diagnostics(b, "ms_diagnostics", m, SIP_HEADER_MS_DIAGNOSTICS);
	json_diagnostics(b, "ms_diagnostics_public", m, SIP_HEADER_MS_DIAGNOSTICS_PUBLIC);
	json_text(b, "warning", m ? sip_message_value(m, SIP_HEADER_WARNING) : SPAN_NONE);
	json_key(b, "headers");
	buffer_append_byte(b, '{');
	for (size_t i = 0; m && i < BASE_COUNT(explaining); i++)
		json_values(b, m, explaining[i]);
	buffer_append_byte(b, '}');
	json_text(b, "call_id", o->call_id);
	json_text(b, "bridged_call_id", o->bridged_call_id);
	json_text(b, "direction",
		o->bridged_call_id.at ? SPAN("bridged")
		: o->outgoing         ? SPAN("outgoing")
				      : SPAN("incoming"));
	json_text(b, "local", o->local);
	json_text(b, "remote", o->remote);
	json_text(b, "ended_by", span_of(ended_by[o->ended_by]));
	json_time(b, "started", o->started_us);
	json_time(b, "ringing", o->ringing_us);
	json_time(b, "answered", o->answered_us);
	json_time(b, "ended", o->ended_us);
	buffer_append_text(b, "}\n");
}

/* ---- for people ---- */

static void append_seconds(struct buffer *b, const char *before, int64_t us)
{
	buffer_printf(b, "%s%.1f s", before, (double)us / 1e6);
}

static void append_headers(struct buffer *b, const struct sip_message *m)
{
	for (size_t i = 0; i < BASE_COUNT(explaining); i++) {
		const struct sip_header *header = sip_message_find(m, explaining[i]);
		for (; header; header = sip_message_find_next(m, header)) {
			buffer_printf(b, "  %.*s: ", SPAN_PRINT(header->name));
			text_append_safe(b, header->value);
			buffer_append_byte(b, '\n');
		}
	}
}

static void append_text(struct buffer *b, const struct phone_outcome *o)
{
	int64_t decided_us = o->answered_us ? o->answered_us : o->ended_us;
	buffer_append_text(b, phone_outcome_name(o->kind));
	buffer_append_text(b, ": ");
	if (o->status)
		buffer_printf(b, "%u ", o->status);
	text_append_safe(b, o->reason);
	append_seconds(b, " after ", decided_us - o->started_us);
	if (o->answered_us)
		append_seconds(b, ", lasted ", o->ended_us - o->answered_us);
	buffer_append_text(b, o->outgoing ? " (to " : " (from ");
	text_append_safe(b, o->remote);
	buffer_append_text(b, ")\n");
	if (o->answer && o->kind != PHONE_ANSWERED)
		append_headers(b, o->answer);
}

void phone_setup_tell(const struct command_line *line, const struct phone_outcome *outcome)
{
	struct buffer b;
	buffer_init(&b, TELL_MAXIMUM);
	if (command_has(line, "json"))
		append_json(&b, outcome);
	else
		append_text(&b, outcome);
	if (b.status == 0)
		fwrite(b.at, 1, b.length, line->output);
	fflush(line->output);
	buffer_done(&b);
}

/* ---- a registration ---- */

static void append_registration_json(
	struct buffer *b, const struct phone_registration_params *params, const struct phone_registered *state)
{
	buffer_append_byte(b, '{');
	json_text(b, "registration", state->stands ? SPAN("stands") : SPAN("failed"));
	json_text(b, "user", params->user);
	json_text(b, "registrar", params->host);
	json_key(b, "status");
	buffer_append_u64(b, state->status);
	json_text(b, "reason", state->reason);
	json_key(b, "expires_s");
	buffer_append_u64(b, state->expires_s);
	buffer_append_text(b, "}\n");
}

static void append_registration_text(
	struct buffer *b, const struct phone_registration_params *params, const struct phone_registered *state)
{
	buffer_append_text(b, state->stands ? "registered: " : "not registered: ");
	text_append_safe(b, params->user);
	buffer_append_text(b, " with ");
	text_append_safe(b, params->host);
	if (state->stands) {
		buffer_printf(b, " for %u s\n", state->expires_s);
		return;
	}
	buffer_append_text(b, ": ");
	if (state->status)
		buffer_printf(b, "%u ", state->status);
	text_append_safe(b, state->reason);
	buffer_append_byte(b, '\n');
}

void phone_setup_tell_registration(const struct command_line *line, const struct phone_registration_params *params,
	const struct phone_registered *state)
{
	struct buffer b;
	buffer_init(&b, TELL_MAXIMUM);
	if (command_has(line, "json"))
		append_registration_json(&b, params, state);
	else
		append_registration_text(&b, params, state);
	if (b.status == 0)
		fwrite(b.at, 1, b.length, line->output);
	fflush(line->output);
	buffer_done(&b);
}
