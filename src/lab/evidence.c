/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/evidence.h"

#include "base/cleanup.h"
#include "base/require.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAXIMUM (64u << 20)

/* ---- records of a log ---- */

/* '9' stands for a digit, everything else for itself. */
static bool looks_like(struct span line, const char *shape)
{
	size_t length = strlen(shape);
	if (line.length < length)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool same = shape[i] == '9' ? isdigit((unsigned char)line.at[i]) != 0 : line.at[i] == shape[i];
		if (!same)
			return false;
	}
	return true;
}

static bool has_text(struct span s, const char *text)
{
	return span_find_span(s, span_of(text)) < s.length;
}

static bool begins_expressway(struct span line)
{
	return looks_like(line, "9999-99-99T99:99:99");
}

static bool begins_sipstack(struct span line)
{
	return looks_like(line, "TL_");
}

/* The client stamps every start line too; only these two begin a packet. */
static bool begins_uccapi(struct span line)
{
	return looks_like(line, "99/99/9999|99:99:99") && !has_text(line, "End of ") &&
	       (has_text(line, "Data Received") || has_text(line, "Sending Packet"));
}

static bool begins_json(struct span line)
{
	return looks_like(line, "{");
}

static const struct shape {
	const char *format;
	bool (*begins)(struct span line);
} shapes[] = {
	{ "expressway", begins_expressway },
	{ "sipstack", begins_sipstack },
	{ "uccapi", begins_uccapi },
	{ "json", begins_json },
};

static const struct shape *shape_of(const char *format)
{
	for (size_t i = 0; i < BASE_COUNT(shapes); i++) {
		if (strcmp(shapes[i].format, format) == 0)
			return &shapes[i];
	}
	base_require(!"a format that the lab knows");
	return NULL;
}

struct span lab_evidence_record(struct span *rest, const char *format)
{
	const struct shape *shape = shape_of(format);
	if (!rest->at || rest->length == 0)
		return SPAN_NONE;
	size_t end = span_find(*rest, '\n');
	while (end < rest->length) {
		struct span next = span_from(*rest, end + 1);
		size_t line = span_find(next, '\n');
		if (next.length && shape->begins(span_first(next, line)))
			break;
		end += 1 + line;
	}
	size_t length = end < rest->length ? end + 1 : rest->length;
	struct span record = span_first(*rest, length);
	*rest = span_from(*rest, length);
	return record;
}

/* ---- marks ---- */

static bool record_has(struct span record, const struct lab_mark *mark, const regex_t *pattern)
{
	for (size_t i = 0; i < LAB_MARK_TEXTS && mark->has[i]; i++) {
		if (!has_text(record, mark->has[i]))
			return false;
	}
	for (size_t i = 0; i < BASE_COUNT(mark->lacks) && mark->lacks[i]; i++) {
		if (has_text(record, mark->lacks[i]))
			return false;
	}
	if (!pattern)
		return true;
	regmatch_t range = { 0, (regoff_t)record.length };
	return regexec(pattern, record.at, 1, &range, REG_STARTEND) == 0;
}

static bool names_call(struct span record, const struct lab_call_ids *ids)
{
	return has_text(record, ids->first) || (ids->second[0] && has_text(record, ids->second));
}

bool lab_evidence_has(struct span log, const struct lab_mark *mark, const struct lab_call_ids *ids)
{
	regex_t pattern;
	bool found = false;
	if (mark->pattern)
		base_require(regcomp(&pattern, mark->pattern, REG_EXTENDED | REG_NEWLINE) == 0);
	while (!found) {
		struct span record = lab_evidence_record(&log, mark->format);
		if (!record.at)
			break;
		found = names_call(record, ids) && record_has(record, mark, mark->pattern ? &pattern : NULL);
	}
	if (mark->pattern)
		regfree(&pattern);
	return found;
}

static int read_log(const char *path, struct buffer *b)
{
	base_cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	for (;;) {
		int status = buffer_reserve(b, 65536);
		if (status < 0)
			return status;
		ssize_t length = read(descriptor, b->at + b->length, 65536);
		if (length < 0 && errno != EINTR)
			return -errno;
		if (length == 0)
			return 0;
		if (length > 0)
			b->length += (size_t)length;
	}
}

static char *log_path(const struct lab_place *place, enum lab_host_id host, const char *format)
{
	return lab_place_path(place, "%s.%s", lab_host(host)->short_name, strcmp(format, "json") == 0 ? "json" : "log");
}

int lab_evidence_find(const struct lab_place *place, const struct lab_mark *mark, const struct lab_call_ids *ids)
{
	struct buffer log;
	base_cleanup(free_pointer) char *path = log_path(place, mark->host, mark->format);
	if (!path)
		return -ENOMEM;
	buffer_init(&log, LOG_MAXIMUM);
	int status = read_log(path, &log);
	if (status == 0)
		status = lab_evidence_has(buffer_span(&log), mark, ids);
	buffer_done(&log);
	return status;
}

/* ---- states ---- */

static bool zone_stands(const struct lab_place *place, enum lab_host_id host, const char *zone)
{
	struct buffer log;
	bool stands = false;
	base_cleanup(free_pointer) char *path = log_path(place, host, "json");
	buffer_init(&log, LOG_MAXIMUM);
	struct span rest = path && read_log(path, &log) == 0 ? buffer_span(&log) : SPAN_NONE;
	for (;;) {
		struct span line = lab_evidence_record(&rest, "json");
		if (!line.at)
			break;
		if (has_text(line, "\"kind\":\"zone\"") && has_text(line, zone))
			stands = has_text(line, "\"state\":\"active\"");
	}
	buffer_done(&log);
	return stands;
}

bool lab_evidence_traversal_stands(const struct lab_place *place)
{
	return zone_stands(place, LAB_CUCM, "TrunkVCSC") && zone_stands(place, LAB_VCSC, "NeighborZoneCUCM") &&
	       zone_stands(place, LAB_VCSC, "NeighborZoneAcano1SIP") &&
	       zone_stands(place, LAB_VCSC, LAB_TRAVERSAL_CLIENT_ZONE);
}

/* ---- findings ---- */

static bool text_is(const json_t *object, const char *key, const char *wanted)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value && *wanted && strcmp(value, wanted) == 0;
}

void lab_evidence_bridged_in(struct span said, struct lab_call_ids *ids)
{
	while (said.at && said.length > 0 && ids->second[0] == '\0') {
		struct span line = lab_evidence_record(&said, "json");
		if (!line.at || !has_text(line, ids->first))
			continue;
		json_t *object = json_loadb(line.at, line.length, 0, NULL);
		const char *second = json_string_value(json_object_get(object, "bridged_call_id"));
		if (second && text_is(object, "call_id", ids->first))
			(void)span_copy_to(span_of(second), ids->second, sizeof(ids->second));
		json_decref(object);
	}
}

int lab_evidence_bridged(const struct lab_place *place, struct lab_call_ids *ids)
{
	struct buffer said;
	base_cleanup(free_pointer) char *path = lab_place_path(place, "%s.out", lab_host(LAB_CMS)->short_name);
	if (!path)
		return -ENOMEM;
	buffer_init(&said, LOG_MAXIMUM);
	int status = read_log(path, &said);
	if (status == 0)
		lab_evidence_bridged_in(buffer_span(&said), ids);
	buffer_done(&said);
	return status;
}

/* A judgement that an answer to the call was given by: one that refused has a status. (Its
 * severity may be a warning: a trace of Microsoft's calls it so.) The caller frees it. */
static json_t *read_refusal(struct span line, const struct lab_call_ids *ids)
{
	if (!names_call(line, ids) || !has_text(line, "judgement"))
		return NULL;
	json_t *object = json_loadb(line.at, line.length, 0, NULL);
	if (text_is(object, "kind", "judgement") &&
		(text_is(object, "call_id", ids->first) || text_is(object, "call_id", ids->second)) &&
		json_string_value(json_object_get(object, "code")) &&
		json_integer_value(json_object_get(object, "status")) >= 300)
		return object;
	json_decref(object);
	return NULL;
}

static bool is_about_invite(const json_t *refusal)
{
	const char *start_line = json_string_value(json_object_get(refusal, "start_line"));
	return start_line && strncmp(start_line, "INVITE ", 7) == 0;
}

#define ECHO_CODE "peer-answered"

bool lab_evidence_finding_in(struct span log, const struct lab_call_ids *ids, char ret_code[LAB_CODE_MAXIMUM])
{
	bool found = false;
	for (;;) {
		struct span line = lab_evidence_record(&log, "json");
		if (!line.at)
			return found;
		json_t *refusal = read_refusal(line, ids);
		if (is_about_invite(refusal) && (!found || strcmp(ret_code, ECHO_CODE) == 0)) {
			const char *code = json_string_value(json_object_get(refusal, "code"));
			found = span_copy_to(span_of(code), ret_code, LAB_CODE_MAXIMUM);
		}
		json_decref(refusal);
	}
}

void lab_evidence_broken_in(struct span log, const struct lab_call_ids *ids, struct buffer *ret_lines)
{
	for (;;) {
		struct span line = lab_evidence_record(&log, "json");
		if (!line.at)
			return;
		json_t *refusal = read_refusal(line, ids);
		if (refusal && !is_about_invite(refusal))
			buffer_printf(ret_lines, "within the call %s refused %s by %s\n",
				json_string_value(json_object_get(refusal, "node")),
				json_string_value(json_object_get(refusal, "cseq")),
				json_string_value(json_object_get(refusal, "code")));
		json_decref(refusal);
	}
}

int lab_evidence_finding(const struct lab_place *place, const struct lab_call_ids *ids, char ret_code[LAB_CODE_MAXIMUM],
	struct buffer *ret_lines)
{
	ret_code[0] = '\0';
	for (int host = 0; host < LAB_HOST_COUNT; host++) {
		struct buffer log;
		char code[LAB_CODE_MAXIMUM];
		if (lab_host((enum lab_host_id)host)->role != LAB_ROLE_NODE)
			continue;
		base_cleanup(free_pointer) char *path = log_path(place, (enum lab_host_id)host, "json");
		if (!path)
			return -ENOMEM;
		buffer_init(&log, LOG_MAXIMUM);
		int status = read_log(path, &log);
		bool found = status == 0 && lab_evidence_finding_in(buffer_span(&log), ids, code);
		if (status == 0)
			lab_evidence_broken_in(buffer_span(&log), ids, ret_lines);
		buffer_done(&log);
		if (status < 0)
			return status;
		if (found && (ret_code[0] == '\0' || strcmp(ret_code, ECHO_CODE) == 0))
			memcpy(ret_code, code, sizeof(code));
	}
	return 0;
}

/* ---- tails ---- */

static struct span last_lines(struct span text, size_t lines)
{
	size_t at = text.length;
	if (at && text.at[at - 1] == '\n')
		at--;
	while (at && lines) {
		if (text.at[at - 1] == '\n' && --lines == 0)
			break;
		at--;
	}
	return span_from(text, at);
}

static void append_tail(const struct lab_place *place, const char *name, size_t lines, struct buffer *b)
{
	struct buffer text;
	base_cleanup(free_pointer) char *path = lab_place_path(place, "%s", name);
	buffer_init(&text, LOG_MAXIMUM);
	if (path && read_log(path, &text) == 0 && text.length) {
		buffer_printf(b, "==> %s <==\n", path);
		struct span rest = last_lines(buffer_span(&text), lines);
		while (rest.at && rest.length) {
			text_append_safe(b, span_cut(&rest, '\n'));
			buffer_append_byte(b, '\n');
		}
	}
	buffer_done(&text);
}

int lab_evidence_tails(const struct lab_place *place, size_t lines, struct buffer *b)
{
	static const char *const endings[] = { "out", "log" };
	append_tail(place, "dns/knotd.log", lines, b);
	for (int host = 0; host < LAB_HOST_COUNT; host++) {
		for (size_t i = 0; i < BASE_COUNT(endings); i++) {
			char name[64];
			snprintf(name, sizeof(name), "%s.%s", lab_host((enum lab_host_id)host)->short_name, endings[i]);
			append_tail(place, name, lines, b);
		}
	}
	return b->status;
}
