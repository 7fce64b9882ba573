/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/instance.h"

#include <errno.h>
#include <jansson.h>

static void copy_text(const json_t *object, const char *key, char *ret_text, size_t capacity)
{
	const char *text = json_string_value(json_object_get(object, key));
	span_copy_to(span_of(text ? text : ""), ret_text, capacity);
}

static void copy_diagnostics(const json_t *object, struct lab_diagnostics *ret_diagnostics)
{
	ret_diagnostics->id = (int)json_integer_value(json_object_get(object, "id"));
	copy_text(object, "reason", ret_diagnostics->reason, sizeof(ret_diagnostics->reason));
	copy_text(object, "text", ret_diagnostics->text, sizeof(ret_diagnostics->text));
}

/* The last line is the call's end; lines before it may tell its way. */
static struct span last_line(struct span text)
{
	text = span_trim(text);
	while (span_find(text, '\n') < text.length)
		text = span_from(text, span_find(text, '\n') + 1);
	return text;
}

int lab_answer_parse(struct span text, struct lab_answer *ret_answer)
{
	struct span line = last_line(text);
	json_t *object = line.length ? json_loadb(line.at, line.length, 0, NULL) : NULL;
	if (!json_is_integer(json_object_get(object, "status"))) {
		json_decref(object);
		return -EBADMSG;
	}
	struct lab_answer answer = { 0 };
	answer.status = (int)json_integer_value(json_object_get(object, "status"));
	copy_text(object, "reason", answer.reason, sizeof(answer.reason));
	copy_text(object, "call_id", answer.call_id, sizeof(answer.call_id));
	copy_diagnostics(json_object_get(object, "ms_diagnostics"), &answer.diagnostics);
	copy_diagnostics(json_object_get(object, "ms_diagnostics_public"), &answer.public_diagnostics);
	json_decref(object);
	*ret_answer = answer;
	return 0;
}
