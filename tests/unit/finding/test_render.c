/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "finding/render.h"
#include "unit/cmocka_all.h"
#include "unit/finding/designed_block.h"

#include <stdlib.h>
#include <time.h>

struct desk {
	struct arena arena;
	struct finding_list list;
	struct buffer out;
};

static void desk_open(struct desk *d)
{
	arena_init(&d->arena, 1 << 20);
	finding_list_init(&d->list, &d->arena, FINDING_YOU);
	buffer_init(&d->out, 1 << 20);
}

static void desk_close(struct desk *d)
{
	buffer_done(&d->out);
	arena_done(&d->arena);
}

static struct finding *add_outside(struct desk *d)
{
	static const char record[] =
		"_sipfederationtls._tcp.cms.steven.lab. 300 IN SRV 0 0 5061 vcse.sub.cms.steven.lab.";
	struct finding *f = finding_add(&d->list, FINDING_SRV_TARGET_OUTSIDE_DOMAIN, SPAN("cms.steven.lab"));
	struct span text = span_of(record);
	finding_evidence(f, FINDING_EVIDENCE_DNS, text, span_from(text, span_find_span(text, SPAN("vcse"))),
		SPAN("one label under cms.steven.lab is allowed, this has two"));
	struct finding_fix *fix = finding_fix(f, FINDING_OWNER, "DNS",
		SPAN("point the record at a name directly under the domain, then put that name into the certificate"));
	finding_fix_line(fix, "_sipfederationtls._tcp.cms.steven.lab.\t300 IN SRV\t0 0 5061 vcse.cms.steven.lab.");
	finding_fix_line(fix, "vcse.cms.steven.lab.\t300 IN A\t192.0.2.47");
	return f;
}

static void the_block_is_as_designed(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d);
	struct finding_style style = { 0 };
	assert_int_equal(finding_render(add_outside(&d), &style, &d.out), 0);
	assert_string_equal(d.out.at, DESIGNED_BLOCK);
	desk_close(&d);
}

/* Pasted lines are the one thing that may be wider than the terminal. */
static void assert_narrow(struct span text, size_t width)
{
	while (text.at && text.length) {
		struct span line = span_cut(&text, '\n');
		if (span_starts_nocase(line, SPAN("       ")) && !span_starts_nocase(line, SPAN("        ")))
			continue;
		if (text_columns(line) > width)
			fail_msg("%zu columns: %.*s", text_columns(line), SPAN_PRINT(line));
	}
}

static void nothing_is_wider_than_the_terminal(void **state)
{
	(void)state;
	for (size_t width = 40; width < 160; width++) {
		struct desk d;
		desk_open(&d);
		struct finding_style style = { .width = width };
		assert_int_equal(finding_render(add_outside(&d), &style, &d.out), 0);
		assert_narrow(buffer_span(&d.out), width);
		/* Wrapping loses no word. */
		assert_true(span_find_span(buffer_span(&d.out), SPAN("this has two")) < d.out.length || width < 80);
		desk_close(&d);
	}
}

static void narrow_evidence_keeps_its_note(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d);
	struct finding_style style = { .width = 100 };
	finding_render(add_outside(&d), &style, &d.out);
	/* The carets fit, the note does not: it stands below, flush with the edge. */
	static const char expected[] =
		"                                                                     ^^^^^^^^^^^^^^^^^^^^^^^^\n"
		"                                             one label under cms.steven.lab is allowed, this has "
		"two\n";
	assert_non_null(strstr(d.out.at, expected));
	desk_close(&d);
}

static void much_evidence_is_counted(void **state)
{
	(void)state;
	for (size_t count = 1; count < 20; count++) {
		struct desk d;
		desk_open(&d);
		struct finding_style style = { 0 };
		struct finding *f = finding_add(&d.list, FINDING_CONNECT_REFUSED, SPAN("192.0.2.47:5061"));
		for (size_t i = 0; i < count; i++)
			finding_evidence(f, FINDING_EVIDENCE_CONNECTION, SPAN("refused"), SPAN_NONE, SPAN_NONE);
		finding_render(f, &style, &d.out);
		size_t shown = 0;
		for (const char *at = d.out.at; (at = strstr(at, "  --> connection refused\n")); at++)
			shown++;
		const char *more = strstr(d.out.at, " more like these\n");
		assert_int_equal(shown, count <= 8 ? count : 4);
		assert_int_equal(more != NULL, count > 8);
		if (more)
			assert_int_equal(strtoul(strstr(d.out.at, "      and ") + 10, NULL, 10), count - 4);
		desk_close(&d);
	}
}

/* Letters under thousands of marks, each without a width: measured once, not once for each mark. */
static void marks_without_width_cost_nothing(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d);
	struct buffer text;
	buffer_init(&text, 1 << 20);
	buffer_append_text(&text, "192.0.2.47:5061 ");
	for (size_t i = 0; i < 60000; i++)
		buffer_append_text(&text, "\xcc\x80");
	buffer_append_text(&text, " and then much more than fits into one line of so few columns as here");
	struct finding *f = finding_add(&d.list, FINDING_CONNECT_REFUSED, SPAN("192.0.2.47:5061"));
	finding_observed(f, buffer_span(&text));
	struct finding_style style = { .width = 60 };
	clock_t before = clock();
	assert_int_equal(finding_render(f, &style, &d.out), 0);
	assert_true((double)(clock() - before) / CLOCKS_PER_SEC < 5);
	assert_narrow(buffer_span(&d.out), 60);
	buffer_done(&text);
	desk_close(&d);
}

static void what_strangers_sent_is_escaped(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d);
	struct finding_style style = { 0 };
	struct finding *f = finding_add(&d.list, FINDING_CERTIFICATE_NAME_MISMATCH, SPAN("a\033[31mb"));
	struct span text = SPAN("CN=\033]0;x\007; DNS:b\r\n");
	finding_evidence(f, FINDING_EVIDENCE_CERTIFICATE, text, span_first(text, 9), SPAN("\033[H"));
	finding_fix_line(finding_fix(f, FINDING_OWNER, "the certificate", SPAN("t\033")), "l\033[2J");
	finding_render(f, &style, &d.out);
	for (size_t i = 0; i < d.out.length; i++)
		assert_true(d.out.at[i] == '\n' || (unsigned char)d.out.at[i] >= 32);
	/* Carets count what is shown, not what was sent: CN=\x1b]0;x\x07 */
	assert_non_null(strstr(d.out.at, " ^^^^^^^^^^^^^^^ \\x1B[H\n"));
	desk_close(&d);
}

static void colour_changes_no_character(void **state)
{
	(void)state;
	for (size_t width = 0; width < 200; width += 25) {
		struct desk plain, coloured;
		desk_open(&plain);
		desk_open(&coloured);
		struct finding_style style = { .width = width };
		finding_render(add_outside(&plain), &style, &plain.out);
		style.colour = true;
		finding_render(add_outside(&coloured), &style, &coloured.out);
		assert_non_null(strchr(coloured.out.at, '\033'));
		struct buffer stripped;
		buffer_init(&stripped, 1 << 20);
		for (size_t i = 0; i < coloured.out.length; i++) {
			if (coloured.out.at[i] == '\033')
				while (coloured.out.at[i] != 'm')
					i++;
			else
				buffer_append_byte(&stripped, coloured.out.at[i]);
		}
		assert_string_equal(stripped.at, plain.out.at);
		buffer_done(&stripped);
		desk_close(&plain);
		desk_close(&coloured);
	}
}

/* Ids and answers that nobody has seen of a product are said of fedge only, and so is everything that was judged by
 * another rule book. */
static void only_confirmed_behaviour_is_claimed(void **state)
{
	(void)state;
	size_t claimed = 0;
	for (int i = 2 * (FINDING_NONE + 1); i < 2 * FINDING_COUNT; i++) {
		struct desk d;
		desk_open(&d);
		struct finding_style style = { 0 };
		enum finding_code code = (enum finding_code)(i / 2);
		d.list.other_rules = i % 2;
		finding_render(finding_add(&d.list, code, SPAN("x")), &style, &d.out);
		bool claims = strstr(d.out.at, "Lync or Skype for Business caller gets") != NULL;
		if (claims && (!finding_entry(code)->microsoft.confirmed || d.list.other_rules))
			fail_msg("%s", d.out.at);
		claimed += claims;
		desk_close(&d);
	}
	assert_true(claimed > 0);
}

static void where_nothing_is_underlined_the_facts_are_said(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d);
	struct finding_style style = { 0 };
	struct finding *f = finding_add(&d.list, FINDING_CONNECT_REFUSED, SPAN("192.0.2.1:5061"));
	finding_observed(f, SPAN("connection refused"));
	finding_expected(f, SPAN("a server"));
	finding_evidence_file(f, SPAN("edge.log"), 17, SPAN("TCP Connection Failed"));
	finding_render(f, &style, &d.out);
	assert_string_equal(d.out.at,
		"error[connect-refused]: nothing listens at `192.0.2.1:5061`\n"
		"  --> edge.log:17 TCP Connection Failed\n"
		"   = seen: connection refused\n"
		"   = expected: a server\n"
		"   = fedge answers 504, ms-diagnostics 1046 \"Failed to connect to a federated peer server\"\n"
		"   = not judged, because of this: certificate            fedge help connect-refused\n");
	desk_close(&d);
}

static void errors_come_first(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d);
	struct finding_style style = { 0 };
	finding_add(&d.list, FINDING_CERTIFICATE_PRIVATE_AUTHORITY, SPAN("x"));
	finding_add(&d.list, FINDING_ADDRESS_PRIVATE, SPAN("x"));
	finding_add(&d.list, FINDING_CERTIFICATE_EXPIRED, SPAN("x"));
	finding_add(&d.list, FINDING_SRV_PORT_UNUSUAL, SPAN("x"));
	finding_render_list(&d.list, &style, &d.out);
	const char *expired = strstr(d.out.at, "error[certificate-expired]");
	const char *port = strstr(d.out.at, "\n\nwarning[srv-port-unusual]");
	const char *private = strstr(d.out.at, "\n\nwarning[address-private]");
	const char *authority = strstr(d.out.at, "\n\nnote[certificate-private-authority]");
	assert_ptr_equal(expired, d.out.at);
	assert_true(expired < port && port < private && private < authority);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_block_is_as_designed),
		cmocka_unit_test(nothing_is_wider_than_the_terminal),
		cmocka_unit_test(narrow_evidence_keeps_its_note),
		cmocka_unit_test(much_evidence_is_counted),
		cmocka_unit_test(marks_without_width_cost_nothing),
		cmocka_unit_test(what_strangers_sent_is_escaped),
		cmocka_unit_test(colour_changes_no_character),
		cmocka_unit_test(only_confirmed_behaviour_is_claimed),
		cmocka_unit_test(where_nothing_is_underlined_the_facts_are_said),
		cmocka_unit_test(errors_come_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
