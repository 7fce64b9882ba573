/* SPDX-License-Identifier: Apache-2.0 */
#include "check/metrics_round.h"

#include "base/require.h"
#include "check/render.h"

#include <errno.h>
#include <stdlib.h>

#define REPORT_TEXT_MAXIMUM (1u << 20) /* of one domain */
#define SEEN_FIRST 1024

const char *const check_change_kinds[CHECK_CHANGE_KINDS] = { "verdict", "finding", "targets", "certificate", "expiry",
	"addresses" };

void check_metrics_round_init(struct check_metrics_round *round, size_t maximum)
{
	*round = (struct check_metrics_round){ 0 };
	check_families_init(&round->families, maximum);
}

void check_metrics_round_done(struct check_metrics_round *round)
{
	check_families_done(&round->families);
	free(round->seen);
	round->seen = NULL;
	round->seen_count = round->seen_capacity = 0;
	round->left_out = 0;
}

/* ---- domains, each once ---- */

/* Half full at most. The list is the administrator's own, so nobody makes two domains meet in 64 bits. */
static bool put_hash(uint64_t *table, size_t capacity, uint64_t hash)
{
	size_t at = hash & (capacity - 1);
	while (table[at] != 0 && table[at] != hash)
		at = (at + 1) & (capacity - 1);
	bool is_new = table[at] == 0;
	table[at] = hash;
	return is_new;
}

static int grow(struct check_metrics_round *round)
{
	size_t capacity = round->seen_capacity ? round->seen_capacity * 2 : SEEN_FIRST;
	uint64_t *table = calloc(capacity, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < round->seen_capacity; i++) {
		if (round->seen[i])
			put_hash(table, capacity, round->seen[i]);
	}
	free(round->seen);
	round->seen = table;
	round->seen_capacity = capacity;
	return 0;
}

/* A sample that stands twice makes the whole text void. */
static bool is_first(struct check_metrics_round *round, struct span domain)
{
	uint64_t hash = span_hash_nocase(domain);
	if (round->seen_count * 2 >= round->seen_capacity && grow(round) < 0)
		return false;
	if (!put_hash(round->seen, round->seen_capacity, hash ? hash : 1))
		return false;
	round->seen_count++;
	return true;
}

void check_metrics_round_add(struct check_metrics_round *round, const struct check_report *const *reports, size_t count)
{
	const struct check_facts *facts = reports[0]->facts;
	struct buffer text;
	if (!is_first(round, facts->domain.length ? facts->domain : facts->typed))
		return;
	buffer_init(&text, REPORT_TEXT_MAXIMUM);
	int status = check_render_prometheus(reports, count, &text);
	if (status == 0)
		status = check_families_add(&round->families, buffer_span(&text));
	if (status < 0)
		round->left_out++;
	buffer_done(&text);
}

/* ---- the watch's own figures ---- */

static void begin(struct buffer *out, const char *name, const char *kind, const char *help)
{
	buffer_printf(out, "# HELP fedge_watch_%s %s\n# TYPE fedge_watch_%s %s\n", name, help, name, kind);
}

static void write_count(struct buffer *out, const char *name, const char *kind, const char *help, uint64_t value)
{
	begin(out, name, kind, help);
	buffer_printf(out, "fedge_watch_%s %llu\n", name, (unsigned long long)value);
}

static void write_seconds(struct buffer *out, const char *name, const char *help, int64_t us)
{
	begin(out, name, "gauge", help);
	buffer_printf(out, "fedge_watch_%s %.6f\n", name, (double)us / 1e6);
}

static void write_labelled(
	struct buffer *out, const char *name, const char *label, const char *value, unsigned long long count)
{
	buffer_printf(out, "fedge_watch_%s{%s=\"%s\"} %llu\n", name, label, value, count);
}

static void write_last_round(const struct check_watch_figures *f, struct buffer *out)
{
	write_seconds(out, "last_round_timestamp_seconds", "When the last round began.", f->began_us);
	write_seconds(out, "last_round_duration_seconds", "How long the last round took.", f->elapsed_us);
	begin(out, "domains", "gauge", "Domains of the last round by their worst verdict.");
	for (unsigned verdict = CHECK_PASS; verdict <= CHECK_UNKNOWN; verdict++)
		write_labelled(out, "domains", "verdict", check_verdict_name((enum check_verdict)verdict),
			f->last.verdicts[verdict]);
	begin(out, "findings", "gauge", "Domains of the last round with this finding.");
	for (enum finding_code code = FINDING_NONE + 1; code < FINDING_COUNT; code++) {
		if (f->last.findings[code])
			write_labelled(out, "findings", "code", finding_entry(code)->code, f->last.findings[code]);
	}
	write_count(out, "domains_left_out", "gauge",
		"Domains of the last round that are not shown here: the text would be too long.", f->left_out);
}

static void write_figures(const struct check_watch_figures *f, struct buffer *out)
{
	write_count(out, "rounds_total", "counter", "Rounds that came to their end.", f->rounds);
	write_seconds(out, "period_seconds", "From the beginning of one round to that of the next.", f->period_us);
	begin(out, "changes_total", "counter", "Changes found, by what changed.");
	for (size_t i = 0; i < CHECK_CHANGE_KINDS; i++)
		write_labelled(out, "changes_total", "what", check_change_kinds[i], f->changes[i]);
	begin(out, "commands_total", "counter", "Commands run for changed domains, by how they ended.");
	write_labelled(out, "commands_total", "result", "success", f->commands.succeeded);
	write_labelled(out, "commands_total", "result", "failure", f->commands.failed);
	write_labelled(out, "commands_total", "result", "killed", f->commands.killed);
	write_labelled(out, "commands_total", "result", "dropped", f->commands.dropped);
	write_count(out, "store_failures_total", "counter", "Rounds that could not be remembered.", f->store_failures);
	if (f->rounds)
		write_last_round(f, out);
}

int check_metrics_round_write(
	struct check_metrics_round *round, const struct check_watch_figures *figures, struct buffer *out)
{
	write_figures(figures, out);
	if (round) {
		check_families_take(&round->families, out);
		check_metrics_round_done(round);
	}
	return out->status;
}
