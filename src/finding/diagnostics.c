/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/finding.h"

#include <stdio.h>

/* What the catalogue knows for every instance of the code; the rest are the instance's values. */
static struct span constant_of(const struct finding_entry *entry, const char *name)
{
	if (strcmp(name, "HRESULT") == 0)
		return span_of(entry->hresult.text);
	if (strcmp(name, "ErrorType") == 0)
		return span_of(entry->error_type);
	return SPAN_NONE;
}

struct pair_sink {
	struct finding_pair *pairs;
	size_t count;
};

static void sink_add(struct pair_sink *sink, const char *name, unsigned number, struct span value)
{
	if (sink->count == FINDING_PAIRS_MAXIMUM || !value.at)
		return;
	struct finding_pair *pair = &sink->pairs[sink->count++];
	if (number)
		snprintf(pair->name, sizeof(pair->name), "%.16s%u", name, number);
	else
		snprintf(pair->name, sizeof(pair->name), "%.31s", name);
	pair->value = value;
}

static void sink_rule(struct pair_sink *sink, const struct finding *f, const struct finding_parameter_rule *rule)
{
	const char *from = rule->from ? rule->from : rule->name;
	struct span constant = constant_of(finding_entry(f->code), from);
	if (constant.at) {
		sink_add(sink, rule->name, 0, constant);
		return;
	}
	unsigned number = 0;
	for (const struct finding_value *v = f->values; v; v = v->next) {
		if (strcmp(v->name, from) != 0)
			continue;
		sink_add(sink, rule->name, rule->numbered ? ++number : 0, v->value);
		if (!rule->numbered)
			return;
	}
}

static void sink_rules(struct pair_sink *sink, const struct finding *f,
	const struct finding_parameter_rule rules[FINDING_PARAMETERS_MAXIMUM], bool only_public)
{
	for (size_t i = 0; i < FINDING_PARAMETERS_MAXIMUM && rules[i].name; i++)
		if (!only_public || rules[i].is_public)
			sink_rule(sink, f, &rules[i]);
}

static bool diagnostics_make(const struct finding *f, bool only_public, struct finding_diagnostics *ret_diagnostics)
{
	const struct finding_entry *entry = finding_entry(f->code);
	if (entry->microsoft.id == 0)
		return false;
	*ret_diagnostics = (struct finding_diagnostics){ .id = entry->microsoft.id };
	struct pair_sink sink = { ret_diagnostics->pairs, 0 };
	sink_add(&sink, "reason", 0, span_of(entry->microsoft.reason));
	sink_rules(&sink, f, entry->parameters, only_public);
	ret_diagnostics->count = sink.count;
	return true;
}

bool finding_diagnostics(const struct finding *f, struct span source, struct finding_diagnostics *ret_diagnostics)
{
	if (!diagnostics_make(f, false, ret_diagnostics))
		return false;
	/* source always has its place: a long list of targets gives way to it. */
	if (ret_diagnostics->count == FINDING_PAIRS_MAXIMUM)
		ret_diagnostics->count--;
	struct pair_sink sink = { ret_diagnostics->pairs, ret_diagnostics->count };
	sink_add(&sink, "source", 0, source);
	ret_diagnostics->count = sink.count;
	return true;
}

bool finding_diagnostics_public(const struct finding *f, struct finding_diagnostics *ret_diagnostics)
{
	return diagnostics_make(f, true, ret_diagnostics);
}

size_t finding_trace_data(const struct finding *f, struct finding_pair ret_pairs[FINDING_PAIRS_MAXIMUM])
{
	struct pair_sink sink = { ret_pairs, 0 };
	sink_rules(&sink, f, finding_entry(f->code)->data, false);
	return sink.count;
}
