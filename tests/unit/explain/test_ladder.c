/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "explain/html_ladder.h"
#include "explain/ladder_text.h"
#include "unit/explain/material.h"

static struct span no_file(void *argument, uint32_t file)
{
	(void)argument;
	(void)file;
	return SPAN("file.log");
}

struct drawn {
	struct material m;
	struct arena arena;
	struct buffer text;
	const struct explain_ladder *ladder;
};

/* The first case of these lines, its refusal marked. */
static void draw(struct drawn *d, const char *lines, size_t width, bool ascii, uint32_t rows_maximum)
{
	const struct explain_joiner_settings all = { .keep_good = true };
	const struct explain_style style = { .finding = { .width = width }, .ascii = ascii, .file_name = no_file };
	material_open(&d->m, &all);
	material_add(&d->m, lines);
	material_end(&d->m);
	assert_true(d->m.case_count > 0);
	arena_init(&d->arena, 16u << 20);
	buffer_init(&d->text, 4u << 20);
	d->ladder = explain_ladder_make(d->m.cases[0], d->m.cases[0]->refusal, rows_maximum, &d->arena);
	assert_non_null(d->ladder);
	assert_int_equal(explain_ladder_text(d->ladder, &style, &d->text), 0);
}

static void done(struct drawn *d)
{
	buffer_done(&d->text);
	arena_done(&d->arena);
	material_close(&d->m);
}

static void expect_text(const struct drawn *d, const char *expected)
{
	if (!span_is(buffer_span(&d->text), expected))
		fail_msg("drawn:\n%s\nexpected:\n%s", d->text.at, expected);
}

static size_t widest(struct span text)
{
	size_t columns = 0;
	while (text.length > 0) {
		struct span line = span_cut(&text, '\n');
		columns = text_columns(line) > columns ? text_columns(line) : columns;
	}
	return columns;
}

#define REFUSED                                                                                                        \
	"vcse 0.000 < cms INVITE via=cms\n"                                                                            \
	"vcse 0.001 > cms 100 'Trying' via=cms\n"                                                                      \
	"vcse 0.010 > edge INVITE via=vcse:S1,cms\n"                                                                   \
	"vcse 2.510 > edge INVITE via=vcse:S1,cms\n"                                                                   \
	"vcse 2.600 < edge 504 'Server time-out' via=vcse:S1,cms\n"                                                    \
	"vcse 2.601 > cms 504 'Server time-out' via=cms\n"

static void a_refused_call(void **state)
{
	(void)state;
	struct drawn d;
	draw(&d, REFUSED, 80, true, 0);
	expect_text(&d, "               10.0.0.2                     vcse                     10.0.0.3\n"
			"  00:00:00.000     |-------- INVITE --------->|                          |\n"
			"  00:00:00.001     |<----- 100 Trying --------|                          |\n"
			"  00:00:00.010     |                          |------- INVITE x2 ------->|\n"
			"  2.6 s later      :                          :                          :\n"
			"X 00:00:02.600     |                          |x= 504 Server time-out ===|\n"
			"  00:00:02.601     |<- 504 Server time-out ---|                          |\n");
	done(&d);
	draw(&d, REFUSED, 80, false, 0);
	expect_text(&d, "               10.0.0.2                     vcse                     10.0.0.3\n"
			"  00:00:00.000     │──────── INVITE ─────────▶│                          │\n"
			"  00:00:00.001     │◀───── 100 Trying ────────│                          │\n"
			"  00:00:00.010     │                          │─────── INVITE ×2 ───────▶│\n"
			"  2.6 s later      ┊                          ┊                          ┊\n"
			"✗ 00:00:02.600     │                          │✗━ 504 Server time-out ━━━│\n"
			"  00:00:02.601     │◀─ 504 Server time-out ───│                          │\n");
	done(&d);
}

static void hosts_that_do_not_fit_become_a_list(void **state)
{
	(void)state;
	struct drawn d;
	draw(&d,
		"vcse 0.000 < cms INVITE via=cms,core,phone\n"
		"vcse 0.010 > edge INVITE via=vcse:S1,cms,core,phone\n"
		"edge 0.011 < vcse INVITE via=vcse:S1,cms,core,phone\n"
		"edge 0.015 > front INVITE via=edge,vcse:S1,cms,core,phone\n"
		"edge 3.016 < front 404 'Not Found' via=edge,vcse:S1,cms,core,phone\n"
		"edge 3.020 > vcse 404 'Not Found' via=vcse:S1,cms,core,phone\n",
		40, true, 0);
	expect_text(&d, "  10.0.0.2 - vcse - edge - 10.0.0.6\n"
			"  00:00:00.000 10.0.0.2 -> vcse: INVITE\n"
			"  00:00:00.010 vcse -> edge: INVITE\n"
			"  00:00:00.015 edge -> 10.0.0.6: INVITE\n"
			"               3.0 s later\n"
			"X 00:00:03.016 10.0.0.6 -> edge: 404\n"
			"  00:00:03.020 edge -> vcse: 404\n");
	done(&d);
}

/* What happened inside a box stands beside its lifeline, in as many lines as it needs, and never beyond the edge. */
static void notes(void **state)
{
	(void)state;
	struct drawn d;
	draw(&d,
		"vcse 0.000 < cms INVITE sip:bob@b.lab via=cms\n"
		"vcse 0.001 dns SRV _sipfederationtls._tcp.b.lab status=nxdomain\n"
		"vcse 0.002 judge srv-missing call=c1 status=504\n"
		"vcse 0.003 > cms 504 'Server time-out' via=cms\n",
		80, true, 0);
	expect_text(&d, "               10.0.0.2                     vcse\n"
			"  00:00:00.000     |-------- INVITE --------->|\n"
			"  00:00:00.001     |                          * DNS SRV\n"
			"                   |                          | _sipfederationtls._tcp.b.lab:\n"
			"                   |                          | no such name\n"
			"  00:00:00.002     |                          * srv-missing\n"
			"X 00:00:00.003     |x= 504 Server time-out ===|\n");
	assert_true(widest(buffer_span(&d.text)) <= 80);
	done(&d);
}

/* Rows of a call that went on for long: the beginning, the end, and what failed with some around it. */
static void a_long_middle_is_left_out(void **state)
{
	(void)state;
	struct buffer lines;
	struct drawn d;
	buffer_init(&lines, 1u << 20);
	buffer_append_text(&lines, "vcse 0.000 < cms INVITE via=cms\nvcse 0.010 > cms 200 'OK' via=cms\n");
	for (int i = 2; i < 120; i++)
		buffer_printf(&lines,
			"vcse %d.000 < cms INFO cseq=%d via=cms\nvcse %d.100 > cms 200 'OK' cseq=%d m=INFO via=cms\n",
			i, i, i, i);
	draw(&d, lines.at, 80, true, 60);
	assert_true(d.ladder->row_count <= 60);
	size_t more = 0, left_out = 0;
	for (uint32_t i = 0; i < d.ladder->row_count; i++)
		if (d.ladder->rows[i].kind == EXPLAIN_ROW_MORE) {
			more++;
			left_out += d.ladder->rows[i].count;
		}
	assert_int_equal(more, 1);
	assert_true(left_out > 100);
	assert_true(span_is(d.ladder->rows[0].label, "INVITE"));
	done(&d);
	buffer_done(&lines);
}

/* A call of more messages than are kept: the end says how many more there were. */
static void what_had_no_room_is_said(void **state)
{
	(void)state;
	struct buffer lines;
	struct drawn d;
	buffer_init(&lines, 4u << 20);
	buffer_append_text(&lines, "vcse 0.000 < cms INVITE via=cms\n");
	for (unsigned i = 1; i < EXPLAIN_STEPS_MAXIMUM + 7; i++)
		buffer_printf(&lines, "vcse %u.000 < cms INFO cseq=%u via=cms\n", i, i);
	draw(&d, lines.at, 80, true, 60);
	assert_int_equal(d.m.cases[0]->dropped, 7);
	if (!span_ends_nocase(buffer_span(&d.text), SPAN("  7 more           :             :\n")))
		fail_msg("%.*s", SPAN_PRINT(buffer_span(&d.text)));
	done(&d);
	buffer_done(&lines);
}

/* No width breaks it, and nothing from outside reaches the terminal as it is. */
static void any_width_and_any_name(void **state)
{
	(void)state;
	static const char lines[] =
		"vcse 0.000 < evil.example INVITE via=evil.example\n"
		"vcse 0.001 judge srv-missing call=c1 line='\033[2J\007 \xe2\x80\xae \xff\xfe INVITE' "
		"p='domain=\033]0;x\007'\n"
		"vcse 0.002 > evil.example 504 '\033[31mServer time-out \xe6\xbc\xa2\xe5\xad\x97' via=evil.example\n";
	for (size_t width = 1; width < 260; width += width < 100 ? 1 : 13) {
		struct drawn d;
		draw(&d, lines, width, width % 2, 0);
		for (size_t i = 0; i < d.text.length; i++)
			if ((unsigned char)d.text.at[i] < 0x20 && d.text.at[i] != '\n')
				fail_msg("width %zu: byte %d in:\n%s", width, d.text.at[i], d.text.at);
		size_t columns = widest(buffer_span(&d.text));
		if (columns > (width < 40 ? 40 : width))
			fail_msg("width %zu: %zu columns:\n%s", width, columns, d.text.at);
		done(&d);
	}
}

static void a_page_and_a_diagram_hold_no_markup_from_outside(void **state)
{
	(void)state;
	static const char lines[] = "vcse 0.000 < edge INVITE via=edge\n"
				    "vcse 0.002 > edge 504 '<script>alert(1)</script>;end %%{init}%% \"x\"' via=edge\n";
	const struct explain_style style = { .finding = { .width = 80 }, .file_name = no_file };
	struct drawn d;
	struct buffer page;
	draw(&d, lines, 80, false, 0);
	buffer_init(&page, 4u << 20);
	assert_int_equal(explain_html_ladder(d.ladder, &style, &page), 0);
	assert_true(span_find_span(buffer_span(&page), SPAN("<script")) == page.length);
	assert_true(span_find_span(buffer_span(&page), SPAN("&lt;script&gt;")) < page.length);
	buffer_clear(&page);
	struct explain_problem problem = { .subject = d.m.cases[0], .failing = d.m.cases[0]->refusal };
	assert_int_equal(explain_render_mermaid(&problem, &style, &page), 0);
	assert_true(span_find_span(buffer_span(&page), SPAN("<script")) == page.length);
	assert_true(span_find_span(buffer_span(&page), SPAN("%%{")) == page.length);
	assert_true(span_find_span(buffer_span(&page), SPAN("-x")) < page.length);
	buffer_done(&page);
	done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_call),
		cmocka_unit_test(hosts_that_do_not_fit_become_a_list),
		cmocka_unit_test(notes),
		cmocka_unit_test(a_long_middle_is_left_out),
		cmocka_unit_test(what_had_no_room_is_said),
		cmocka_unit_test(any_width_and_any_name),
		cmocka_unit_test(a_page_and_a_diagram_hold_no_markup_from_outside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
