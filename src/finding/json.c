/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/json.h"

#include "base/text.h"
#include "finding/paper.h"

#include <stdio.h>
#include <stdlib.h>

#define TITLE_MAXIMUM 1024

/* Jansson takes UTF-8 only; what is not becomes U+FFFD, as text_append_json writes it. */
json_t *finding_json_text(struct span text)
{
	if (!text.at)
		return json_null();
	json_t *plain = json_stringn(text.at, text.length);
	if (plain)
		return plain;
	struct buffer quoted;
	buffer_init(&quoted, 1024 * 1024);
	text_append_json(&quoted, text);
	plain = quoted.status == 0 ? json_loadb(quoted.at, quoted.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
				   : NULL;
	buffer_done(&quoted);
	return plain ? plain : json_string("");
}

/* In JSON a kind is a word of the contract, not a heading. */
static const char *const kinds[] = {
	[FINDING_EVIDENCE_DNS] = "dns",
	[FINDING_EVIDENCE_CERTIFICATE] = "certificate",
	[FINDING_EVIDENCE_CONNECTION] = "connection",
	[FINDING_EVIDENCE_CONFIGURATION] = "configuration",
	[FINDING_EVIDENCE_MESSAGE] = "message",
	[FINDING_EVIDENCE_FILE] = "file",
};

static json_t *evidence_json(const struct finding *f)
{
	json_t *list = json_array();
	for (const struct finding_evidence *e = f->evidence; e; e = e->next) {
		json_t *mark = e->mark_length
				       ? json_pack("[II]", (json_int_t)e->mark_offset, (json_int_t)e->mark_length)
				       : json_null();
		json_array_append_new(
			list, json_pack("{so so so so so so}", "kind", json_string(kinds[e->kind]), "text",
				      finding_json_text(e->text), "mark", mark, "note",
				      e->note.length ? finding_json_text(e->note) : json_null(), "file",
				      finding_json_text(e->file), "line",
				      e->kind == FINDING_EVIDENCE_FILE ? json_integer(e->line) : json_null()));
	}
	return list;
}

static json_t *lines_json(const struct finding_fix *fix)
{
	json_t *list = json_array();
	struct buffer lines;
	buffer_init(&lines, 256 * 1024);
	finding_fix_lines(fix, &lines);
	struct span rest = buffer_span(&lines);
	while (rest.at && rest.length)
		json_array_append_new(list, finding_json_text(span_cut(&rest, '\n')));
	buffer_done(&lines);
	return list;
}

static json_t *fixes_json(const struct finding *f)
{
	json_t *list = json_array();
	for (const struct finding_fix *fix = f->fixes; fix; fix = fix->next)
		json_array_append_new(list, json_pack("{ss so so so}", "who", finding_who_name(fix->who), "where",
						    fix->where ? json_string(fix->where) : json_null(), "title",
						    finding_json_text(fix->title), "lines", lines_json(fix)));
	return list;
}

static json_t *not_judged_json(const struct finding *f)
{
	json_t *list = json_array();
	for (unsigned stage = 0; stage < FINDING_STAGE_COUNT; stage++)
		if (f->suppresses & FINDING_STAGE_BIT(stage))
			json_array_append_new(list, json_string(finding_stage_name((enum finding_stage)stage)));
	return list;
}

static json_t *hex_json(uint32_t code, const char *name)
{
	if (!code)
		return json_null();
	char text[16];
	snprintf(text, sizeof(text), "0x%08x", code);
	return json_pack("{ss ss}", "code", text, "name", name);
}

json_t *finding_json_diagnostics(const struct finding *f)
{
	if (!f || !finding_entry(f->code)->microsoft.id)
		return json_null();
	const struct finding_entry *entry = finding_entry(f->code);
	return json_pack("{si ss}", "id", entry->microsoft.id, "reason", entry->microsoft.reason);
}

json_t *finding_json(const struct finding *f)
{
	const struct finding_entry *entry = finding_entry(f->code);
	char title[TITLE_MAXIMUM];
	size_t length = finding_title(f, title, sizeof(title));
	return json_pack("{ss ss ss so so so so so so so so so so}", "code", entry->code, "severity",
		finding_severity_name(f->severity), "who", finding_who_name(f->who), "title",
		finding_json_text(span_make(title, length)), "subject", finding_json_text(f->subject), "observed",
		finding_json_text(f->observed), "expected", finding_json_text(f->expected), "evidence",
		evidence_json(f), "fixes", fixes_json(f), "not_judged", not_judged_json(f), "ms_diagnostics",
		finding_json_diagnostics(f), "hresult", hex_json(entry->hresult.code, entry->hresult.name),
		"result_code", hex_json(entry->result.code, entry->result.name));
}

json_t *finding_list_json(const struct finding_list *list)
{
	json_t *findings = json_array();
	for (const struct finding *f = list->first; f; f = f->next)
		json_array_append_new(findings, finding_json(f));
	return findings;
}
