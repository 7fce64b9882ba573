/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/aside.h"

#include "base/require.h"
#include "explain/joiner_private.h"

static const char *const words[EXPLAIN_ASIDE_COUNT] = {
#define EXPLAIN_ASIDE_WORD(name, word) [EXPLAIN_ASIDE_##name] = word,
	EXPLAIN_ASIDES(EXPLAIN_ASIDE_WORD)
#undef EXPLAIN_ASIDE_WORD
};

/* The first row with a word of the module's or the event's name counts (events of an Expressway: cisco.md 1.5). */
static const struct {
	const char *module, *name; /* in lower case; NULL: any */
	enum explain_aside_kind kind;
} table[] = {
	{ NULL, "registration", EXPLAIN_ASIDE_REGISTRATION },
	{ NULL, "alarm", EXPLAIN_ASIDE_ALARM },
	{ NULL, "licen", EXPLAIN_ASIDE_LICENCE },
	{ "h323", NULL, EXPLAIN_ASIDE_H323 },
	{ NULL, "h323", EXPLAIN_ASIDE_H323 },
	{ "xmpp", NULL, EXPLAIN_ASIDE_XMPP },
	{ NULL, "xmpp", EXPLAIN_ASIDE_XMPP },
	{ "http", NULL, EXPLAIN_ASIDE_HTTP },
	{ "traffic", NULL, EXPLAIN_ASIDE_HTTP },
	{ "edgeconfig", NULL, EXPLAIN_ASIDE_HTTP },
	{ "web", NULL, EXPLAIN_ASIDE_HTTP },
};

static bool holds(struct span text, const char *word)
{
	struct span wanted = span_of(word);
	for (size_t i = 0; i + wanted.length <= text.length; i++)
		if (span_equal_nocase(span_make(text.at + i, wanted.length), wanted))
			return true;
	return false;
}

static enum explain_aside_kind kind_of(const struct record_notice *n)
{
	for (size_t i = 0; i < BASE_COUNT(table); i++)
		if ((!table[i].module || holds(n->module, table[i].module)) &&
			(!table[i].name || holds(n->name, table[i].name)))
			return table[i].kind;
	for (size_t i = 0; i < n->pairs.count; i++)
		if (span_is_nocase(n->pairs.at[i].name, "Protocol") && span_is_nocase(n->pairs.at[i].value, "H323"))
			return EXPLAIN_ASIDE_H323;
	return EXPLAIN_ASIDE_OTHER;
}

static void count(struct explain_joiner *j, enum explain_aside_kind kind, const struct explain_event *event)
{
	size_t i = 0;
	while (i < j->aside_count && j->asides[i].what != words[kind])
		i++;
	if (i == j->aside_count) {
		if (i == JOINER_ASIDES_MAXIMUM)
			return;
		j->asides[i] = (struct explain_aside){ .what = words[kind], .first = event->place };
		j->asides[i].first.line += j->line_base;
		j->asides[i].first.offset += j->offset_base;
		j->asides[i].first.quote = SPAN_NONE;
		j->aside_count++;
	}
	j->asides[i].count++;
}

/* Credentials and certificates that were refused: between servers that is a matter of federation. */
bool joiner_notice_is_failure(const struct record_notice *n)
{
	static const char *const names[] = { "authentication failed", "tls negotiation", "tls handshake" };
	for (size_t i = 0; i < BASE_COUNT(names) && n->severity != RECORD_NOTE; i++)
		if (holds(n->name, names[i]))
			return true;
	return false;
}

void joiner_aside(struct explain_joiner *j, const struct explain_event *event)
{
	const struct record *r = event->record;
	if (r->kind == RECORD_NODE) {
		count(j, EXPLAIN_ASIDE_BOX, event);
		return;
	}
	enum explain_aside_kind kind = kind_of(&r->notice);
	/* That nobody answers is told in a line of no level. */
	bool fails =
		r->notice.severity != RECORD_NOTE || (kind == EXPLAIN_ASIDE_H323 && holds(r->notice.detail, "timeout"));
	if (fails && !joiner_notice_is_failure(&r->notice))
		count(j, kind, event);
}
