/* SPDX-License-Identifier: Apache-2.0 */
/* What an Expressway says that no record of its own is made for: events of all kinds, policy, credentials, zones, and
 * whatever a module calls a warning. The rest of a log, by far the most of it, is counted. */
#include "base/require.h"
#include "trace/expressway_private.h"
#include "trace/text_read.h"

enum keep {
	KEEP_WARNINGS, /* and errors */
	KEEP_ALL,
	KEEP_NONE
};

/* The longest name that a module begins with counts. */
static const struct {
	struct span module;
	enum keep keep;
} modules[] = {
	{ { "network.cpl", 11 }, KEEP_ALL },
	{ { "network.ldap", 12 }, KEEP_ALL },
	{ { "network.search", 14 }, KEEP_ALL },
	{ { "developer.zone.zonemgr", 22 }, KEEP_ALL },
	{ { "developer.fsm", 13 }, KEEP_NONE },
};

static enum keep keep_of(struct span module)
{
	for (size_t i = 0; i < BASE_COUNT(modules); i++)
		if (span_equal(span_first(module, modules[i].module.length), modules[i].module))
			return modules[i].keep;
	return KEEP_WARNINGS;
}

static bool has(struct span s, const char *words)
{
	return span_find_span(s, span_of(words)) < s.length;
}

/* Lines of modules say it; of events their name does. */
static enum record_severity severity_of(struct span level, struct span event)
{
	static const char *const words[] = { "Error", "Fail", "Reject", "Alarm Raised", "Lost", "Timeout", "Denied",
		"Expired", "Unreachable" };
	if (expressway_is(level, "ERROR") || expressway_is(level, "FATAL"))
		return RECORD_ERROR;
	if (expressway_is(level, "WARN") || expressway_is(level, "WARNING"))
		return RECORD_WARNING;
	for (size_t i = 0; i < BASE_COUNT(words); i++)
		if (has(event, words[i]))
			return RECORD_WARNING;
	return RECORD_NOTE;
}

/* An administrator's own mark, where it stands. */
static bool is_marker(const struct expressway_line *line)
{
	return has(line->words, "DEBUG_MARKER") || has(line->known[EXPRESSWAY_DETAIL], "DEBUG_MARKER") ||
	       span_is(line->process, "DEBUG_MARKER");
}

/* H.323 has no record of its own; that nobody answers there is told in a line of no level. */
static bool is_silence(struct span module, struct span detail)
{
	return span_is(module, "network.h323") && has(detail, "Timeout=True");
}

static bool is_kept(const struct expressway_line *line, struct span module, enum record_severity severity)
{
	struct span detail = line->known[EXPRESSWAY_DETAIL];
	enum keep keep = keep_of(module);
	if (module.length == 0 && line->known[EXPRESSWAY_EVENT].length > 0)
		return true;
	if (keep == KEEP_NONE)
		return false;
	if (severity != RECORD_NOTE || is_silence(module, detail) || is_marker(line))
		return true;
	return keep == KEEP_ALL && (detail.length > 0 || line->words.length > 0) &&
	       !expressway_is(line->known[EXPRESSWAY_LEVEL], "TRACE");
}

#define NAME_MAXIMUM 60

/* The first words of a sentence, up to what it is about. */
static struct span first_words(struct span detail)
{
	static const struct span stops = { ":'\"(=<[{,", 9 };
	size_t end = 0;
	while (end < detail.length && end < NAME_MAXIMUM && span_find(stops, detail.at[end]) == stops.length)
		end++;
	/* No half words. */
	size_t blank = end;
	if (end == NAME_MAXIMUM && end < detail.length)
		while (blank > 0 && detail.at[blank] != ' ')
			blank--;
	return span_trim(span_first(detail, blank > 0 ? blank : end));
}

static void copy_pairs(struct expressway_work *w)
{
	struct record_notice *n = &w->record.notice;
	size_t count = 0;
	for (; count < w->line->count && count < RECORD_LIST_MAXIMUM; count++) {
		const struct expressway_key *key = &w->line->keys[count];
		w->pairs[count] = (struct record_pair){ key->name, trace_read_escaped(&w->reader->arena, key->value) };
	}
	n->pairs = (struct record_pairs){ w->pairs, count };
}

/* Which of the two ends is this box is known from its messages. */
static void read_ends(struct expressway_work *w, struct record_notice *n)
{
	const struct expressway_state *state = w->reader->state;
	struct record_address source = expressway_end(w->line, EXPRESSWAY_SOURCE);
	struct record_address destination = expressway_end(w->line, EXPRESSWAY_DESTINATION);
	bool sent = expressway_is(w->line->known[EXPRESSWAY_ACTION], "Sent") || expressway_is_local(state, &source) ||
		    !w->line->known[EXPRESSWAY_SRC_IP].at;
	n->local = sent ? source : destination;
	n->remote = sent ? destination : source;
	if (w->line->known[EXPRESSWAY_LOCAL_IP].at)
		n->local = expressway_end(w->line, EXPRESSWAY_LOCAL);
}

void expressway_read_notice(struct expressway_work *w)
{
	const struct expressway_line *line = w->line;
	struct record_notice *n = &w->record.notice;
	struct span module = span_trim(line->known[EXPRESSWAY_MODULE]);
	struct span event = module.length > 0 ? SPAN_NONE : span_trim(line->known[EXPRESSWAY_EVENT]);
	enum record_severity severity = severity_of(line->known[EXPRESSWAY_LEVEL], event);
	if (!is_kept(line, module, severity)) {
		w->reader->counts.other++;
		return;
	}
	struct span detail = expressway_text(w->reader, line, "Detail");
	if (!detail.at)
		detail = line->words.length > 0 ? line->words : expressway_text(w->reader, line, "Reason");
	n->severity = severity;
	n->module = module.length > 0 ? module : line->process.at ? line->process : SPAN("tvcs");
	n->detail = span_trim(detail);
	n->name = event.length > 0 ? trace_read_escaped(&w->reader->arena, event) : first_words(n->detail);
	read_ends(w, n);
	copy_pairs(w);
	expressway_give(w, RECORD_NOTICE);
}
