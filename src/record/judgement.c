/* SPDX-License-Identifier: Apache-2.0 */
#include "record/judgement.h"

static enum record_severity severity_of(enum finding_severity severity)
{
	if (severity == FINDING_ERROR)
		return RECORD_ERROR;
	return severity == FINDING_WARNING ? RECORD_WARNING : RECORD_NOTE;
}

/* The product's own sentence where one is known, else ours. */
static struct span text_of(
	const struct finding *f, const struct finding_entry *entry, struct record_judgement_storage *storage)
{
	if (entry->result.text)
		return span_of(entry->result.text);
	(void)finding_title(f, storage->title, sizeof(storage->title));
	return span_of(storage->title);
}

static size_t parameters_of(const struct finding *f, struct record_judgement_storage *storage)
{
	size_t count = finding_trace_data(f, storage->pairs);
	for (size_t i = 0; i < count; i++)
		storage->parameters[i] =
			(struct record_pair){ span_of(storage->pairs[i].name), storage->pairs[i].value };
	if (count > 0)
		return count;
	for (const struct finding_value *v = f->values; v && count < FINDING_PAIRS_MAXIMUM; v = v->next)
		storage->parameters[count++] = (struct record_pair){ span_of(v->name), v->value };
	return count;
}

void record_judgement_of(
	const struct finding *f, struct record_judgement_storage *storage, struct record_judgement *ret_judgement)
{
	const struct finding_entry *entry = finding_entry(f->code);
	*ret_judgement = (struct record_judgement){
		.code = span_of(entry->code),
		.severity = severity_of(f->severity),
		.subject = f->subject,
		.text = text_of(f, entry, storage),
		.who = span_of(finding_who_name(f->who)),
		.result_code = entry->result.code,
		.result_name = span_of(entry->result.name),
		.diagnostics = entry->microsoft.id,
		.parameters = { storage->parameters, parameters_of(f, storage) },
		.status = f->status,
	};
}
