/* SPDX-License-Identifier: Apache-2.0 */
/* A change in words, for people and for programs. */
#include "base/require.h"
#include "base/text.h"
#include "check/change_private.h"
#include "check/watch.h"
#include "check/words.h"

#define ITEMS_SHOWN 10
#define TEXT_MAXIMUM (256u << 10)

/* How each kind of change is spoken of: of one thing, of several. */
static const struct phrase {
	const char *what, *one, *many;
} phrases[] = {
	{ "verdict", "verdict", "verdicts" },
	{ "finding", "finding", "findings" },
	{ "targets", "SRV target", "SRV targets" },
	{ "certificate", "certificate", "certificates" },
	{ "expiry", "earliest end of a certificate", "ends" },
	{ "addresses", "address", "addresses" },
};

static const struct phrase *phrase_of(struct span what)
{
	for (size_t i = 0; i + 1 < BASE_COUNT(phrases); i++) {
		if (span_is(what, phrases[i].what))
			return &phrases[i];
	}
	return &phrases[BASE_COUNT(phrases) - 1];
}

static size_t count_lines(struct span text)
{
	size_t count = 0;
	while (text.at)
		count += span_cut(&text, '\n').length > 0;
	return count;
}

/* The lines of text that the other one lacks, after a heading; none: nothing is said. */
static void append_missing(struct buffer *out, const char *heading, struct span text, struct span other)
{
	size_t shown = 0, left_out = 0;
	while (text.at) {
		struct span line = span_cut(&text, '\n');
		if (line.length == 0 || change_has_line(other, line))
			continue;
		if (shown == ITEMS_SHOWN) {
			left_out++;
			continue;
		}
		buffer_append_text(out, shown++ ? ", " : heading);
		text_append_safe(out, line);
	}
	if (left_out)
		buffer_printf(out, " and %zu more", left_out);
}

int check_watch_change_sentence(const struct store_watch_change *change, struct buffer *out)
{
	const struct phrase *phrase = phrase_of(change->what);
	if (count_lines(change->before) == 1 && count_lines(change->after) == 1) {
		buffer_printf(out, "%s was ", phrase->one);
		text_append_safe(out, change->before);
		buffer_append_text(out, ", is ");
		text_append_safe(out, change->after);
	} else {
		size_t start = out->length;
		buffer_printf(out, "%s:", phrase->many);
		size_t heading = out->length;
		append_missing(out, " new ", change->after, change->before);
		append_missing(out, out->length > heading ? "; gone " : " gone ", change->before, change->after);
		if (out->length == heading && out->status == 0) { /* the same items in another order */
			out->length = start;
			buffer_printf(out, "%s changed", phrase->many);
		}
	}
	if (span_is(change->what, "verdict") && change->finding.length) {
		buffer_append_text(out, " (");
		text_append_safe(out, change->finding);
		buffer_append_byte(out, ')');
	}
	return out->status;
}

static void append_time(struct buffer *out, int64_t at_us)
{
	char text[32];
	size_t length = clock_format_utc(at_us, text, sizeof(text));
	struct span seconds = span_first(span_make(text, length), length > 8 ? length - 8 : length);
	buffer_append(out, seconds);
	buffer_append_byte(out, 'Z');
}

int check_watch_change_text(const struct store_watch_change *change, struct buffer *out)
{
	append_time(out, change->at_us);
	buffer_append_byte(out, ' ');
	text_append_safe(out, change->domain);
	if (!span_is(change->policy, check_policy_name(TRUST_POLICY_MICROSOFT))) {
		buffer_append_text(out, " (");
		text_append_safe(out, change->policy);
		buffer_append_byte(out, ')');
	}
	buffer_append_text(out, ": ");
	return check_watch_change_sentence(change, out);
}

static json_t *lines_json(struct span text)
{
	json_t *list = json_array();
	while (text.at) {
		struct span line = span_cut(&text, '\n');
		if (line.length)
			json_array_append_new(list, check_json_text(line));
	}
	return list;
}

json_t *check_watch_change_json(const struct store_watch_change *change)
{
	struct buffer time, sentence;
	buffer_init(&time, 64);
	buffer_init(&sentence, TEXT_MAXIMUM);
	append_time(&time, change->at_us);
	check_watch_change_sentence(change, &sentence);
	json_t *object = json_pack("{so so so so so so so so}", "at", check_json_text(buffer_span(&time)), "domain",
		check_json_text(change->domain), "policy", check_json_text(change->policy), "what",
		check_json_text(change->what), "before", lines_json(change->before), "after", lines_json(change->after),
		"finding", change->finding.length ? check_json_text(change->finding) : json_null(), "text",
		check_json_text(buffer_span(&sentence)));
	buffer_done(&time);
	buffer_done(&sentence);
	return object;
}
