/* SPDX-License-Identifier: Apache-2.0 */
/* An entry as a tree: what was decided in its order, and under each zone that was asked what was done for it. */
#include "base/require.h"
#include "finding/paper.h"
#include "history/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct tree {
	struct paper paper;
	const struct history_search *search;
	const struct history_style *style;
	bool *shown; /* of each step */
};

/* ---- words ---- */

static void append_duration(struct paper *p, uint64_t us)
{
	if (us >= 10000000)
		paper_printf(p, "%.0f s", (double)us / 1e6);
	else if (us >= 1000000)
		paper_printf(p, "%.1f s", (double)us / 1e6);
	else if (us >= 1000)
		paper_printf(p, "%llu ms", (unsigned long long)(us / 1000));
	else
		paper_printf(p, "%llu \u00b5s", (unsigned long long)us);
}

/* `, after 12 ms` */
static void append_after(struct paper *p, uint64_t us, const char *words)
{
	if (!us)
		return;
	paper_printf(p, "%s", words);
	append_duration(p, us);
}

static void append_with(struct paper *p, const char *words, struct span text)
{
	if (!text.length)
		return;
	paper_printf(p, "%s", words);
	paper_text(p, text);
}

static void append_status(struct paper *p, const char *words, uint16_t status, struct span reason)
{
	if (status)
		paper_printf(p, "%s%u", words, (unsigned)status);
	append_with(p, status ? " " : words, reason);
}

struct phrase {
	const char *word, *text;
};
static const char *phrase_of(const struct phrase *phrases, struct span word)
{
	for (; phrases->word; phrases++)
		if (span_is(word, phrases->word))
			return phrases->text;
	return NULL;
}

/* A phrase for the verdict, else the verdict itself. */
static void append_phrase(struct paper *p, const struct phrase *phrases, struct span word)
{
	const char *text = phrase_of(phrases, word);
	if (text)
		paper_printf(p, "%s", text);
	else
		paper_text(p, word);
}

/* ---- steps ---- */

static const struct phrase passed_over[] = {
	{ "did-not-match", "did not match" },
	{ "ignored-source", "ignored, it is for requests from elsewhere" },
	{ "ignored-disabled", "ignored, it is disabled" },
	{ "ignored-unauthenticated", "ignored, the request is not authenticated" },
	{ "ignored-variant", "ignored, it is for another SIP variant" },
	{ "too-costly", "ignored, its pattern reached the limit of matching" },
	{ NULL, NULL },
};

static void say_name(struct paper *p, const char *what, struct span name)
{
	paper_printf(p, "%s", what);
	if (name.length) {
		paper_printf(p, " '");
		paper_text(p, name);
		paper_printf(p, "'");
	}
}

static void say_passed_over(struct paper *p, const struct history_step *s)
{
	paper_printf(p, ": ");
	append_phrase(p, passed_over, s->verdict);
	if (span_is(s->verdict, "did-not-match"))
		append_with(p, " ", s->alias);
}

static void say_transform(struct paper *p, const struct history_step *s)
{
	say_name(p, "transform", s->name);
	if (!span_is(s->verdict, "considered"))
		say_passed_over(p, s);
	else
		append_with(p, ": the alias is now ", s->alias);
}

static void say_policy(struct paper *p, const struct history_step *s)
{
	say_name(p, "policy", s->name);
	if (span_is(s->verdict, "too-costly") && s->text.length)
		append_with(p, ": its pattern reached the limit of matching: ", s->text);
	else if (!span_is(s->verdict, "considered"))
		say_passed_over(p, s);
	else
		append_with(p, ": ", s->text.length ? s->text : SPAN("fits"));
}

static void say_rule(struct paper *p, const struct history_step *s)
{
	say_name(p, "rule", s->name);
	if (!span_is(s->verdict, "considered")) {
		say_passed_over(p, s);
		return;
	}
	append_with(p, ": considered towards ", s->zone);
	if (s->priority)
		paper_printf(p, " at priority %d", (int)s->priority);
	append_with(p, " with ", s->alias);
}

static void say_zone(struct paper *p, const struct history_step *s)
{
	if (span_is(s->verdict, "asked")) {
		append_with(p, "zone ", s->zone);
		append_with(p, " is asked for ", s->alias);
	} else {
		append_with(p, "zone ", s->zone);
		append_status(p, " has nothing more to give: ", s->status, s->text);
	}
}

static void say_target(struct paper *p, const struct history_step *s)
{
	if (s->name.length) {
		paper_text(p, s->name);
		if (s->remote.length) {
			paper_printf(p, " (");
			paper_text(p, s->remote);
			paper_printf(p, ")");
		}
	} else {
		paper_text(p, s->remote.length ? s->remote : SPAN("the target"));
	}
}

static void say_attempt(struct paper *p, const struct history_step *s)
{
	static const struct phrase phrases[] = {
		{ "answered", " answered" },
		{ "failed", " failed" },
		{ "cancelled", " is asked no more" },
		{ "skipped", " is not tried" },
		{ NULL, NULL },
	};
	if (span_is(s->verdict, "sent")) {
		paper_printf(p, "sent to ");
		say_target(p, s);
		return;
	}
	say_target(p, s);
	append_phrase(p, phrases, s->verdict);
	append_status(p, span_is(s->verdict, "answered") ? " " : ": ", s->status, s->text);
	append_after(p, s->duration_us, ", after ");
}

static void append_list(struct paper *p, const struct record_spans *list, const char *words)
{
	for (size_t i = 0; i < list->count; i++)
		append_with(p, i ? ", " : words, list->at[i].length ? list->at[i] : SPAN("-"));
}

static void say_dns(struct paper *p, const struct history_step *s)
{
	static const struct phrase phrases[] = {
		{ "ok", "" },
		{ "asked", ": no answer yet" },
		{ "nodata", ": there is none" },
		{ "nxdomain", ": there is no such name" },
		{ "servfail", ": the server failed" },
		{ "refused", ": the server refused" },
		{ "timeout", ": no answer came in time" },
		{ "bogus", ": the answer is forged or broken (DNSSEC)" },
		{ "cancelled", ": not waited for" },
		{ NULL, NULL },
	};
	append_with(p, "DNS ", s->type);
	append_with(p, " ", s->name);
	append_phrase(p, phrases, s->verdict);
	append_list(p, &s->list, ": ");
	append_with(p, ", ", s->text);
	append_after(p, s->duration_us, ", after ");
}

static void say_connection(struct paper *p, const struct history_step *s)
{
	paper_printf(p, "connection to ");
	say_target(p, s);
	append_with(p, " ", s->verdict);
	append_with(p, " at ", s->type);
	append_with(p, ": ", s->text);
}

static void say_handshake(struct paper *p, const struct history_step *s)
{
	paper_printf(p, "TLS with ");
	say_target(p, s);
	append_with(p, " ", s->verdict);
	append_with(p, ", ", s->type);
	append_list(p, &s->list, ", its certificate names ");
	append_with(p, ": ", s->text);
}

static void say_judgement(struct paper *p, const struct history_step *s)
{
	paper_text(p, s->verdict);
	append_with(p, "[", s->code);
	paper_printf(p, s->code.length ? "]" : "");
	append_with(p, ": ", s->text.length ? s->text : s->name);
	if (s->status)
		paper_printf(p, "; answered %u", (unsigned)s->status);
}

static void say_call(struct paper *p, const struct history_step *s)
{
	append_with(p, "call ", s->verdict);
	append_status(p, ": ", s->status, s->text);
}

static void (*const sayings[HISTORY_STEP_KIND_COUNT])(struct paper *p, const struct history_step *s) = {
	[HISTORY_STEP_TRANSFORM] = say_transform,
	[HISTORY_STEP_POLICY] = say_policy,
	[HISTORY_STEP_RULE] = say_rule,
	[HISTORY_STEP_ZONE] = say_zone,
	[HISTORY_STEP_ATTEMPT] = say_attempt,
	[HISTORY_STEP_DNS] = say_dns,
	[HISTORY_STEP_CONNECTION] = say_connection,
	[HISTORY_STEP_HANDSHAKE] = say_handshake,
	[HISTORY_STEP_JUDGEMENT] = say_judgement,
	[HISTORY_STEP_CALL] = say_call,
};

/* ---- the page ---- */

static enum paper_ink ink_of(const struct history_step *s)
{
	if (s->failing)
		return PAPER_RED;
	if (s->kind == HISTORY_STEP_TRANSFORM || s->kind == HISTORY_STEP_POLICY || s->kind == HISTORY_STEP_RULE)
		return span_is(s->verdict, "considered") ? PAPER_PLAIN : PAPER_FAINT;
	if (s->kind == HISTORY_STEP_JUDGEMENT)
		return span_is(s->verdict, "error") ? PAPER_RED : PAPER_YELLOW;
	if (span_is(s->verdict, "failed"))
		return PAPER_YELLOW;
	return s->kind == HISTORY_STEP_ZONE ? PAPER_BOLD : PAPER_PLAIN;
}

static void append_offset(struct paper *p, int64_t us)
{
	int64_t size = us < 0 ? -us : us;
	paper_printf(p, "%c%lld.%03lld  ", us < 0 ? '-' : '+', (long long)(size / CLOCK_SECOND_US),
		(long long)(size % CLOCK_SECOND_US / CLOCK_MS_US));
}

static void append_help(struct tree *t, const struct history_step *s, size_t indent)
{
	if (!s->failing || !s->code.length)
		return;
	paper_fill(&t->paper, ' ', indent);
	append_with(&t->paper, "fedge help ", s->code);
	(void)paper_end(&t->paper, indent);
}

static void append_step(struct tree *t, size_t index, unsigned depth)
{
	const struct history_step *s = &t->search->steps[index];
	struct paper *p = &t->paper;
	t->shown[index] = true;
	paper_ink(p, PAPER_RED);
	paper_printf(p, "%s ", !s->failing ? " " : t->style->ascii ? "x" : "\u2717");
	paper_ink(p, PAPER_FAINT);
	append_offset(p, s->offset_us);
	paper_ink(p, ink_of(s));
	paper_fill(p, ' ', (size_t)depth * 2);
	size_t indent = paper_column(p);
	if ((unsigned)s->kind < HISTORY_STEP_KIND_COUNT)
		sayings[s->kind](p, s);
	(void)paper_end(p, indent + 2);
	append_help(t, s, indent + 2);
}

static bool is_question(const struct history_step *s)
{
	return s->kind == HISTORY_STEP_ZONE && span_is(s->verdict, "asked");
}

/* What was done for the zone, until it is asked again. */
static void append_zone(struct tree *t, size_t index)
{
	const struct history_step *steps = t->search->steps;
	append_step(t, index, 0);
	for (size_t i = index + 1; i < t->search->step_count; i++) {
		if (!span_equal(steps[i].zone, steps[index].zone) || steps[i].kind == HISTORY_STEP_RULE || t->shown[i])
			continue;
		if (is_question(&steps[i]))
			return;
		append_step(t, i, 1);
	}
}

static void append_steps(struct tree *t)
{
	for (size_t i = 0; i < t->search->step_count; i++) {
		if (t->shown[i])
			continue;
		if (is_question(&t->search->steps[i]) && t->search->steps[i].zone.length)
			append_zone(t, i);
		else
			append_step(t, i, 0);
	}
	if (t->search->steps_cut || t->search->texts_cut) {
		paper_printf(&t->paper, "  %u steps and %u texts more than are kept", (unsigned)t->search->steps_cut,
			(unsigned)t->search->texts_cut);
		(void)paper_end(&t->paper, 2);
	}
}

static void append_row(struct tree *t, const char *name, struct span value)
{
	if (!value.length)
		return;
	paper_printf(&t->paper, "  %-9s ", name);
	paper_text(&t->paper, value);
	(void)paper_end(&t->paper, 12);
}

static void append_source(struct tree *t)
{
	const struct history_search *s = t->search;
	struct paper *p = &t->paper;
	paper_printf(p, "  %-9s ", s->kind == HISTORY_SEARCH ? "from" : "of");
	paper_text(p, s->source.length ? s->source : SPAN("-"));
	append_with(p, ", ", s->remote);
	append_with(p, ", zone ", s->kind == HISTORY_SEARCH ? s->zone : SPAN_NONE);
	if (s->authenticated)
		paper_printf(p, ", authenticated");
	(void)paper_end(p, 12);
}

static void append_head(struct tree *t)
{
	const struct history_search *s = t->search;
	struct paper *p = &t->paper;
	char type[HISTORY_TYPE_SIZE], status[HISTORY_STATUS_SIZE], stamp[HISTORY_STAMP_SIZE];
	history_type_text(s, type);
	history_status_text(s, status);
	history_stamp_text(t->style, s->start_us, stamp);
	paper_ink(p, PAPER_BOLD);
	if (s->id)
		paper_printf(p, "%llu  ", (unsigned long long)s->id);
	if (s->start_us)
		paper_printf(p, "%s%s  ", stamp, t->style->utc_offset_s ? "" : "Z");
	paper_text(p, span_of(type));
	paper_printf(p, "  ");
	paper_ink(p, !s->ended ? PAPER_BOLD : s->found ? PAPER_GREEN : PAPER_RED);
	paper_text(p, span_of(status));
	(void)paper_end(p, 2);
	append_source(t);
	append_row(t, "to", s->destination);
	append_row(t, "variant", history_variant_text(s->variant));
}

static void append_tail(struct tree *t)
{
	const struct history_search *s = t->search;
	struct paper *p = &t->paper;
	if (s->status || s->duration_us) {
		paper_printf(p, "  %-9s ", "answer");
		append_status(p, "", s->status, s->reason);
		append_with(p, ", ", s->detail);
		append_after(p, s->duration_us, s->status ? ", after " : "after ");
		(void)paper_end(p, 12);
	} else {
		append_row(t, "more", s->detail);
	}
	append_row(t, "call", s->call_id);
	append_row(t, "serial", s->serial);
	append_row(t, "tag", s->tag);
	append_row(t, "node", s->node);
}

int history_tree_append(struct buffer *out, const struct history_search *search, const struct history_style *style)
{
	struct tree t = { .search = search, .style = style };
	t.shown = calloc(search->step_count + 1, sizeof(*t.shown));
	if (!t.shown)
		return -ENOMEM;
	paper_init(&t.paper, out, &style->page);
	append_head(&t);
	append_tail(&t);
	append_steps(&t);
	free(t.shown);
	return paper_done(&t.paper);
}
