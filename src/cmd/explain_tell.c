/* SPDX-License-Identifier: Apache-2.0 */
/* fedge explain: cases judged and told, in the order of their start. Of failures with the same cause the first few are
 * told in full and the others in a line each; --all tells everything. */
#include "cmd/explain_command.h"

#include <errno.h>
#include <stdlib.h>

#define FULL_MAXIMUM 3 /* failures of one cause that are told in full */
#define LINES_MAXIMUM 20 /* of those after them, and of failures that are none of federation */
#define HTML_MAXIMUM 500 /* problems on one page */
#define KINDS_MAXIMUM 1000

/* One cause: a finding about a subject. */
struct explain_kind_told {
	enum finding_code code;
	struct span subject;
	size_t first; /* number of the first problem of it */
	size_t count;
};

/* ---- writing ---- */

static void flush_out(struct explain_command *c, FILE *file)
{
	size_t length = c->out.length;
	if (c->code == COMMAND_GOOD && c->out.status < 0)
		c->code = command_fail(
			c->line, COMMAND_UNDECIDED, "a result cannot be shown: %s", strerror(-c->out.status));
	else if (c->code == COMMAND_GOOD &&
		 (fwrite(c->out.at ? c->out.at : "", 1, length, file) != length || fflush(file) != 0))
		c->code = command_fail(c->line, COMMAND_UNDECIDED, "cannot write: %s", strerror(errno));
	buffer_clear(&c->out);
}

struct span explain_command_file_name(void *argument, uint32_t file)
{
	struct explain_command *c = argument;
	const struct source_file *f = source_file(c->source, file);
	if (!c->redact)
		return f->name;
	if (file >= c->shown_name_count) {
		size_t count = 2 * (size_t)file + 16;
		struct span *more = reallocarray(c->shown_names, count, sizeof(*more));
		if (!more)
			return SPAN("file");
		memset(more + c->shown_name_count, 0, (count - c->shown_name_count) * sizeof(*more));
		c->shown_names = more;
		c->shown_name_count = count;
	}
	struct span *name = &c->shown_names[file];
	if (!name->at)
		*name = arena_printf(&c->names, "file%u.%s", file + 1, trace_kind_word(f->kind));
	return name->at ? *name : SPAN("file");
}

/* ---- which cases ---- */

static bool is_called(const struct explain_case *c, struct span id)
{
	for (uint32_t i = 0; i < c->leg_count; i++)
		if (span_find_span(c->legs[i].call_id, id) < c->legs[i].call_id.length)
			return true;
	for (uint32_t i = 0; i < c->step_count; i++)
		if (c->steps[i].event->serial.length > 0 && span_equal(c->steps[i].event->serial, id))
			return true;
	return false;
}

static bool is_wanted(const struct explain_command *c, const struct explain_case *subject)
{
	if (c->call && !is_called(subject, span_of(c->call)))
		return false;
	return (!subject->ended_us || subject->ended_us >= c->since_us) &&
	       (!subject->started_us || subject->started_us <= c->until_us);
}

/* ---- which in full ---- */

/* NULL: too many different ones to tell apart. */
static struct explain_kind_told *kind_of(struct explain_command *c, const struct finding *f)
{
	for (size_t i = 0; i < c->told_kind_count; i++)
		if (c->told_kinds[i].code == f->code && span_equal(c->told_kinds[i].subject, f->subject))
			return &c->told_kinds[i];
	if (c->told_kind_count == KINDS_MAXIMUM)
		return NULL;
	if (!c->told_kinds && !(c->told_kinds = calloc(KINDS_MAXIMUM, sizeof(*c->told_kinds))))
		return NULL;
	struct explain_kind_told *kind = &c->told_kinds[c->told_kind_count++];
	*kind = (struct explain_kind_told){
		.code = f->code, .subject = arena_copy(&c->names, f->subject), .first = c->problems
	};
	return kind;
}

static void tell_human(struct explain_command *c, const struct explain_problem *p)
{
	struct explain_kind_told *kind = p->finding && p->is_federation ? kind_of(c, p->finding) : NULL;
	size_t *count = kind ? &kind->count : &c->others, full = kind ? FULL_MAXIMUM : 0;
	bool is_whole = c->all || c->call || (p->is_federation && !kind) || *count < full;
	if (!is_whole && *count >= full + LINES_MAXIMUM) {
		c->unsaid++;
	} else if (is_whole) {
		if (c->problems > 1)
			buffer_append_byte(&c->out, '\n');
		(void)explain_render_human(p, c->problems, &c->style, &c->out);
	} else {
		(void)explain_render_line(p, c->problems, kind ? kind->first : 0, &c->style, &c->out);
	}
	++*count;
}

static void tell_html(struct explain_command *c, const struct explain_problem *p)
{
	if (!c->html || c->problems > HTML_MAXIMUM)
		return;
	(void)explain_render_html(p, c->problems, &c->style, &c->out);
	flush_out(c, c->html);
}

/* ---- one case ---- */

static void tell(struct explain_command *c, const struct explain_problem *p)
{
	const struct explain_problem *shown = p;
	if (c->redactor)
		shown = explain_redact_problem(c->redactor, p, &c->arena);
	if (!shown) {
		c->unfit++;
		return;
	}
	c->problems++;
	if (p->is_federation && p->finding && p->subject->outcome != EXPLAIN_ANSWERED) {
		c->federation++;
		c->surest = p->confidence > c->surest ? p->confidence : c->surest;
	}
	switch (c->format) {
	case EXPLAIN_FORMAT_HUMAN:
		tell_human(c, shown);
		break;
	case EXPLAIN_FORMAT_JSON:
		(void)explain_render_json(shown, &c->style, &c->out);
		break;
	case EXPLAIN_FORMAT_MERMAID:
		(void)explain_render_mermaid(shown, &c->style, &c->out);
		break;
	}
	flush_out(c, c->line->output);
	tell_html(c, shown);
}

static struct explain_problem *judge(struct explain_command *c, const struct explain_case *subject)
{
	const struct explain_judge_settings settings = { .file_name = explain_command_file_name,
		.argument = c,
		.own = c->learned,
		.own_file = c->learned_file,
		.named = c->own,
		.named_count = c->own_count };
	struct explain_problem *problem = NULL;
	arena_reset(&c->arena);
	return explain_judge(&settings, subject, &c->arena, &problem) < 0 ? NULL : problem;
}

static void judge_and_tell(struct explain_command *c, const struct explain_case *subject)
{
	struct explain_problem *problem = judge(c, subject);
	/* A stranger's message may be as large as it likes: it costs its own call, not the others. */
	c->unfit += !problem;
	/* Whose end is not in the files has not failed; it is counted. */
	if (problem && !problem->finding && !c->all && !c->call)
		return;
	if (problem && c->check && problem->is_federation)
		c->code = explain_command_examine(c, problem);
	if (problem && c->code == COMMAND_GOOD)
		tell(c, problem);
}

static bool wait_with(struct explain_command *c, const struct explain_case *subject)
{
	if (c->waiting_count == c->waiting_room) {
		size_t room = c->waiting_room ? 2 * c->waiting_room : 1024;
		const struct explain_case **more = reallocarray(c->waiting, room, sizeof(*more));
		if (!more)
			return false;
		c->waiting = more;
		c->waiting_room = room;
	}
	c->waiting[c->waiting_count++] = subject;
	return true;
}

void explain_command_take(void *argument, const struct explain_case *subject)
{
	struct explain_command *c = argument;
	if (c->code != COMMAND_GOOD || !is_wanted(c, subject))
		return;
	c->matched++;
	if (!c->at_end || !wait_with(c, subject))
		judge_and_tell(c, subject);
}

/* A domain of our side, from the log that was named first: until one case of that log has shown it. */
static void learn_own(struct explain_command *c)
{
	for (size_t i = 0; i < c->waiting_count && c->code == COMMAND_GOOD; i++) {
		if (c->own_count > 0 || (c->learned.length > 0 && c->learned_file == 0))
			return;
		const struct explain_problem *problem = judge(c, c->waiting[i]);
		if (!problem || problem->own.length == 0 ||
			(c->learned.length > 0 && problem->own_file >= c->learned_file))
			continue;
		c->learned = arena_copy(&c->names, problem->own);
		c->learned_file = problem->own_file;
	}
}

void explain_command_tell_all(struct explain_command *c)
{
	learn_own(c);
	for (size_t i = 0; i < c->waiting_count && c->code == COMMAND_GOOD; i++)
		judge_and_tell(c, c->waiting[i]);
}

/* ---- around them ---- */

static struct span unread_first(const struct source_file *file, struct arena *arena)
{
	if (file->unread_count == 0)
		return SPAN_NONE;
	return arena_printf(arena, "%s %llu, %s", trace_kind_counts_packets(file->kind) ? "packet" : "line",
		(unsigned long long)file->unread[0].line, file->unread[0].why);
}

/* What is said of all files, in the arena; NULL without memory. */
static struct explain_file_line *file_lines(struct explain_command *c, struct arena *arena, size_t *ret_count)
{
	size_t count = source_file_count(c->source);
	struct explain_file_line *lines = arena_zero(arena, (count + 1) * sizeof(*lines));
	for (size_t i = 0; lines && i < count; i++) {
		const struct source_file *file = source_file(c->source, (uint32_t)i);
		lines[i] = (struct explain_file_line){ .name = explain_command_file_name(c, (uint32_t)i),
			.kind = trace_kind_word(file->kind),
			.bytes = file->bytes,
			.lines = file->counts.lines,
			.records = file->counts.records,
			.other = file->counts.other,
			.unread = file->counts.unread,
			.unread_first = unread_first(file, arena),
			.failure = file->why      ? span_of(file->why)
				   : file->status ? span_of(strerror(-file->status))
						  : SPAN_NONE };
	}
	*ret_count = lines ? count : 0;
	return lines;
}

/* Why no problem was told, where that does not mean that nothing failed. */
static struct span nothing_told(const struct explain_command *c)
{
	if (!explain_command_was_read(c))
		return SPAN("nothing in these files tells of a call");
	if (c->matched > 0)
		return SPAN_NONE;
	if (c->call)
		return SPAN("no call in these files is the one of --call");
	if (c->since_us != INT64_MIN || c->until_us != INT64_MAX)
		return SPAN("no failure in these files is of the time of --since and --until");
	return SPAN_NONE;
}

static struct explain_overview overview_of(
	struct explain_command *c, const struct explain_totals *totals, struct arena *arena)
{
	struct explain_overview o = { .totals = totals, .problems = c->problems, .federation = c->federation };
	o.files = file_lines(c, arena, &o.file_count);
	if (!c->redact)
		o.clock_count = explain_joiner_clocks(c->joiner, &o.clocks);
	o.aside_count = explain_joiner_asides(c->joiner, &o.asides);
	o.nothing = nothing_told(c);
	return o;
}

void explain_command_begin(struct explain_command *c)
{
	struct explain_totals totals = explain_joiner_totals(c->joiner);
	struct arena arena;
	arena_init(&arena, 64u << 20);
	struct explain_overview o = overview_of(c, &totals, &arena);
	if (c->html) {
		(void)explain_render_html_begin(&c->style, SPAN("fedge explain"), &c->out);
		flush_out(c, c->html);
	}
	if (c->format == EXPLAIN_FORMAT_HUMAN && !c->follow) {
		(void)explain_render_files(&o, &c->style, &c->out);
		buffer_append_byte(&c->out, '\n');
		flush_out(c, c->line->output);
	}
	arena_done(&arena);
}

/* What programs are not told in their lines, and must not be lost. */
static void say_unread(struct explain_command *c, const struct explain_overview *o)
{
	uint64_t unread = 0;
	for (size_t i = 0; i < o->file_count; i++) {
		unread += o->files[i].unread;
		if (o->files[i].failure.length > 0)
			(void)command_fail(c->line, COMMAND_GOOD, "%.*s: %.*s", SPAN_PRINT(o->files[i].name),
				SPAN_PRINT(o->files[i].failure));
	}
	if (unread > 0)
		(void)command_fail(c->line, COMMAND_GOOD, "%llu lines could not be read", (unsigned long long)unread);
	if (o->nothing.length > 0)
		(void)command_fail(c->line, COMMAND_GOOD, "%.*s", SPAN_PRINT(o->nothing));
}

void explain_command_end(struct explain_command *c)
{
	struct explain_totals totals = explain_joiner_totals(c->joiner);
	struct arena arena;
	arena_init(&arena, 64u << 20);
	struct explain_overview o = overview_of(c, &totals, &arena);
	if (c->html) {
		(void)explain_render_html_end(&o, &c->style, &c->out);
		flush_out(c, c->html);
	}
	if (c->format == EXPLAIN_FORMAT_HUMAN) {
		if (c->unsaid > 0)
			buffer_printf(&c->out, "%zu more like these: --all or --json tells them\n", c->unsaid);
		if (c->problems > 0)
			buffer_append_byte(&c->out, '\n');
		(void)explain_render_end(&o, &c->style, &c->out);
		flush_out(c, c->line->output);
	} else {
		say_unread(c, &o);
	}
	if (c->unfit > 0)
		(void)command_fail(c->line, COMMAND_GOOD, "%zu calls were too large to be explained", c->unfit);
	if (c->lost > 0)
		(void)command_fail(
			c->line, COMMAND_GOOD, "%llu records did not fit into memory", (unsigned long long)c->lost);
	arena_done(&arena);
}
