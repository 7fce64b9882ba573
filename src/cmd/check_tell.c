/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check: reports in the format that was asked for. What they say is check/render.h's. */
#include "check/json_write.h"
#include "check/render.h"
#include "cmd/check_command.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* One domain with its reports, one a rule book. */
struct check_kept {
	struct check_kept *next;
	struct check_facts *facts;
	struct check_report reports[CHECK_COMMAND_POLICIES_MAXIMUM];
	size_t count;
};

bool check_command_is_whole(enum check_command_format format)
{
	return format == CHECK_FORMAT_NAGIOS || format == CHECK_FORMAT_PROMETHEUS;
}

/* As wide as the terminal; a line that a program or a ticket takes is never cut. */
static struct finding_style style_of(const struct command_line *line, enum check_command_format format)
{
	bool terminal = isatty(fileno(line->output)) == 1;
	size_t width = terminal || format == CHECK_FORMAT_HUMAN ? line->width : 0;
	return (struct finding_style){ .width = width, .colour = line->colour, .notes = command_has(line, "notes") };
}

void check_teller_init(struct check_teller *t, const struct check_command *command, const struct check_bench *bench)
{
	*t = (struct check_teller){ .command = command, .bench = bench, .file = command->line->output };
	t->style = style_of(command->line, command->format);
	t->kind_count = check_command_policies(command, bench, t->kinds);
}

/* ---- formats ---- */

/* What makes another rule book refuse, where the first has not said it. */
static int render_answer(const struct check_report *report, const struct check_report *first,
	const struct finding_style *style, struct buffer *out)
{
	if (!report->answer || finding_list_find(&first->findings, report->answer->code))
		return 0;
	buffer_printf(out, "\nas %s:\n", check_policy_name(report->policy));
	return finding_render(report->answer, style, out);
}

/* All rule books at a glance, then the first in full, and why the others refuse. */
static int render_human(
	const struct finding_style *style, const struct check_report *const *reports, size_t count, struct buffer *out)
{
	if (count > 1) {
		check_render_policies(reports, count, style, out);
		buffer_append_byte(out, '\n');
	}
	int status = check_render_human(reports[0], style, out);
	for (size_t i = 1; i < count && status == 0; i++)
		status = render_answer(reports[i], reports[0], style, out);
	return status;
}

static int render(
	const struct check_teller *t, const struct check_report *const *reports, size_t count, struct buffer *out)
{
	int status = 0;
	switch (t->command->format) {
	case CHECK_FORMAT_HUMAN:
		if (t->told)
			buffer_append_byte(out, '\n');
		return render_human(&t->style, reports, count, out);
	case CHECK_FORMAT_SHORT:
		return count > 1 ? check_render_policies(reports, count, &t->style, out)
				 : check_render_short(reports[0], &t->style, out);
	case CHECK_FORMAT_NAGIOS:
		return check_render_nagios(reports, count, out);
	case CHECK_FORMAT_PROMETHEUS:
		return check_render_prometheus(reports, count, out);
	case CHECK_FORMAT_JSON:
		break;
	}
	for (size_t i = 0; i < count && status == 0; i++)
		status = check_json_line(check_render_json(reports[i]), out);
	return status;
}

/* In one write: whoever reads along never sees half a result, and a killed run leaves at most one cut line. */
static bool put(struct check_teller *t, const struct check_report *const *reports, size_t count)
{
	const struct command_line *line = t->command->line;
	struct buffer out;
	buffer_init(&out, CHECK_COMMAND_OUTPUT_MAXIMUM);
	int status = render(t, reports, count, &out);
	if (status < 0)
		t->code = command_fail(line, COMMAND_UNDECIDED, "a result cannot be shown: %s", strerror(-status));
	else if (fwrite(out.at ? out.at : "", 1, out.length, t->file) != out.length || fflush(t->file) != 0)
		t->code = command_fail(line, COMMAND_UNDECIDED, "cannot write: %s", strerror(errno));
	buffer_done(&out);
	return t->code == COMMAND_GOOD;
}

bool check_teller_tell(struct check_teller *t, const struct check_report *const *reports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		t->worst = check_verdict_worst(t->worst, reports[i]->verdict);
	bool good = put(t, reports, count);
	t->told++;
	return good;
}

/* ---- one domain ---- */

static void give_back(struct check_kept *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		check_report_free(&kept->reports[i]);
	check_facts_free(kept->facts);
	free(kept);
}

static bool keep(struct check_teller *t, struct check_kept *kept)
{
	if (t->told >= CHECK_COMMAND_DOMAINS_MAXIMUM) {
		t->code = command_fail(t->command->line, COMMAND_USAGE,
			"this format needs all results at once, and there are more than %d domains: --json has no "
			"limit",
			CHECK_COMMAND_DOMAINS_MAXIMUM);
		give_back(kept);
		return false;
	}
	kept->next = t->kept;
	t->kept = kept;
	t->told++;
	return true;
}

bool check_teller_take(struct check_teller *t, struct check_facts *facts)
{
	const struct check_report *reports[CHECK_COMMAND_POLICIES_MAXIMUM];
	struct check_kept *kept = calloc(1, sizeof(*kept));
	if (!kept) {
		check_facts_free(facts);
		t->code = command_fail(t->command->line, COMMAND_UNDECIDED, "no memory");
		return false;
	}
	kept->facts = facts;
	kept->count = t->kind_count;
	for (size_t i = 0; i < kept->count; i++) {
		check_judge(t->bench, t->kinds[i], facts, &kept->reports[i]);
		reports[i] = &kept->reports[i];
	}
	if (check_command_is_whole(t->command->format))
		return keep(t, kept);
	bool good = check_teller_tell(t, reports, kept->count);
	give_back(kept);
	return good;
}

/* ---- the end ---- */

static void tell_kept(struct check_teller *t)
{
	size_t count = t->told * t->kind_count;
	const struct check_report **reports = calloc(count + 1, sizeof(const struct check_report *));
	size_t place = count;
	if (!reports) {
		t->code = command_fail(t->command->line, COMMAND_UNDECIDED, "no memory");
		return;
	}
	for (const struct check_kept *kept = t->kept; kept; kept = kept->next) {
		for (size_t i = kept->count; i-- > 0;)
			reports[--place] = &kept->reports[i];
	}
	check_teller_tell(t, reports, count);
	free(reports);
}

int check_teller_end(struct check_teller *t)
{
	if (t->kept && t->code == COMMAND_GOOD)
		tell_kept(t);
	while (t->kept) {
		struct check_kept *kept = t->kept;
		t->kept = kept->next;
		give_back(kept);
	}
	return t->code == COMMAND_GOOD ? check_verdict_exit(t->worst) : t->code;
}
