/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as they are shown, against tests/unit/check/render-*.golden. To look at a change as a diff:
 * FEDGE_GOLDEN=write meson test check/render, then git diff. */
#include "base/text.h"
#include "check/render.h"
#include "unit/check/saved_world.h"
#include "unit/check/world.h"

#include <errno.h>

#define OUT_MAXIMUM (16u << 20)
#define HOSTILE                                                                                                        \
	"\033[2J\033]0;x\a\x9b"                                                                                        \
	"31m\r\n\t\"\\|='{}\xff\xe2\x80\xae"                                                                           \
	"end"

static const struct {
	const char *name;
	struct world world;
	enum trust_policy_kind policy;
	const char *typed;
	bool notes;
} cases[] = {
	{ "a healthy domain", { 0 }, TRUST_POLICY_MICROSOFT, NULL, false },
	{ "the same as rfc5922, its notes in full", { 0 }, TRUST_POLICY_RFC5922, NULL, true },
	{ "a name that was typed otherwise",
		{ .servers = { { ADDRESS_1, .shown = { .days = 9, .private_authority = true } } } },
		TRUST_POLICY_MICROSOFT,
		"b\xc3\xbc"
		"cher.example",
		false },
	{ "a target outside the domain", { .targets = { "vcse.sub.a.example" } }, TRUST_POLICY_MICROSOFT, NULL, false },
	{ "two targets, one address of IPv6, another without",
		{ .targets = { EDGE, EDGE_2 },
			.hosts = { { .name = EDGE,
					   .addresses = { ADDRESS_1, "2001:db8:1234:5678:9abc:def0:1234:5678" } },
				{ .name = EDGE_2 } },
			.servers = { { ADDRESS_1, .asked = true, .sent = true, .reaction = PEER_REACTION_ACCEPTED,
					     .options = { true, 200, NULL } },
				{ "2001:db8:1234:5678:9abc:def0:1234:5678", .connect = TRUST_CONNECT_TIMEOUT } } },
		TRUST_POLICY_MICROSOFT, NULL, false },
	{ "an incomplete chain, a refusal of our certificate",
		{ .servers = { { ADDRESS_1, .handshake = TRUST_HANDSHAKE_ALERT_RECEIVED, .alert = 48, .asked = true,
			  .sent = true, .reaction = PEER_REACTION_REFUSED,
			  .shown = { .status = TRUST_CHAIN_INCOMPLETE } } } },
		TRUST_POLICY_MICROSOFT, NULL, false },
	{ "no record", { .targets = { "-" }, .srv = TRUST_LOOKUP_NXDOMAIN }, TRUST_POLICY_MICROSOFT, NULL, false },
	{ "a lookup that failed",
		{ .targets = { "-" }, .srv = TRUST_LOOKUP_SERVFAIL, .why = "no name server answered" },
		TRUST_POLICY_MICROSOFT, NULL, false },
	{ "no connection was wanted", { .not_connected = true }, TRUST_POLICY_MICROSOFT, NULL, false },
	{ "no domain name", { .typed = "a b" }, TRUST_POLICY_MICROSOFT, NULL, false },
};

/* A report with all that it needs. */
struct told {
	struct check_facts *facts;
	struct check_options options;
	struct arena arena;
	struct check_bench bench;
	struct check_report report;
};

static void told_judge(struct told *t, enum trust_policy_kind kind)
{
	t->options = (struct check_options){ 0 };
	arena_init(&t->arena, 1 << 20);
	assert_int_equal(check_bench_make(&t->options, &t->arena, &t->bench), 0);
	check_judge(&t->bench, kind, t->facts, &t->report);
}

/* What a gatherer adds to the facts of a world, and a second certificate, as servers send them. */
static void told_dress(struct check_facts *facts)
{
	static const struct trust_certificate intermediate = {
		.subject = SPAN("CN=Example Issuing Authority,O=Example"),
		.issuer = SPAN("CN=Example Root"),
		.fingerprint = SPAN("intermediate"),
		.not_before_s = NOW_S - DAYS(1000),
		.not_after_s = NOW_S + DAYS(2000),
		.key_kind = TRUST_KEY_EC,
		.key_bits = 256,
		.signature = SPAN("ecdsa-with-SHA256"),
		.is_authority = true,
		.signed_previous = true,
	};
	facts->resolvers = SPAN("192.0.2.53@53");
	facts->vantage = SPAN("desk.example");
	facts->elapsed_us = 123456;
	for (size_t i = 0; i < facts->attempt_count; i++) {
		struct peer_probe_facts *probe = &facts->attempts[i].probe;
		probe->connect_us = 12345;
		if (probe->chain.count == 0)
			continue;
		struct trust_certificate *both = arena_zero(&facts->arena, 2 * sizeof(*both));
		assert_non_null(both);
		both[0] = probe->chain.certificates[0];
		both[0].serial = SPAN("0a1b2c3d4e5f");
		both[1] = intermediate;
		probe->chain.certificates = both;
		probe->chain.count = probe->chain.sent_count = probe->chain.status == TRUST_CHAIN_INCOMPLETE ? 1 : 2;
		probe->chain.missing = SPAN("CN=Example Issuing Authority,O=Example");
		probe->connection.cipher = SPAN("TLS_AES_256_GCM_SHA384");
	}
}

static void told_open(struct told *t, size_t which)
{
	t->facts = world_facts(&cases[which].world);
	told_dress(t->facts);
	if (cases[which].typed)
		t->facts->typed = span_of(cases[which].typed);
	told_judge(t, cases[which].policy);
}

static void told_close(struct told *t)
{
	check_report_free(&t->report);
	arena_done(&t->arena);
	check_facts_free(t->facts);
}

static struct buffer out_new(void)
{
	struct buffer out;
	buffer_init(&out, OUT_MAXIMUM);
	return out;
}

/* ---- as they are ---- */

static void read_file(const char *path, struct buffer *ret_text)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	char part[4096];
	size_t length;
	while ((length = fread(part, 1, sizeof(part), file)) > 0)
		buffer_append(ret_text, span_make(part, length));
	fclose(file);
}

static void compare(const char *name, struct span made)
{
	char path[512], which[160] = "";
	const char *root = getenv("FEDGE_SOURCE");
	snprintf(path, sizeof(path), "%s/tests/unit/check/render-%s.golden", root ? root : ".", name);
	if (getenv("FEDGE_GOLDEN")) {
		FILE *file = fopen(path, "wb");
		assert_non_null(file);
		fwrite(made.at, 1, made.length, file);
		fclose(file);
	}
	struct buffer golden = out_new();
	read_file(path, &golden);
	struct span wanted = buffer_span(&golden);
	while (made.at || wanted.at) {
		struct span a = span_cut(&made, '\n'), b = span_cut(&wanted, '\n');
		if (span_starts_nocase(a, SPAN("### ")))
			(void)span_copy_to(a, which, sizeof(which));
		if (!span_equal(a, b))
			fail_msg("%s, %s\n  golden: %.*s\n  made:   %.*s", name, which, SPAN_PRINT(b), SPAN_PRINT(a));
	}
	buffer_done(&golden);
}

static void at_width(const char *name, size_t width)
{
	struct buffer out = out_new();
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct told t;
		struct finding_style style = { .width = width, .notes = cases[i].notes };
		told_open(&t, i);
		buffer_printf(&out, "### %s\n", cases[i].name);
		assert_int_equal(check_render_human(&t.report, &style, &out), 0);
		told_close(&t);
	}
	compare(name, buffer_span(&out));
	buffer_done(&out);
}

static void for_people(void **state)
{
	(void)state;
	at_width("60", 60);
	at_width("80", 80);
	at_width("120", 120);
	at_width("wide", 0);
}

static void for_machines(void **state)
{
	(void)state;
	static const struct finding_style style;
	struct buffer out = out_new();
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct told t;
		told_open(&t, i);
		const struct check_report *reports[] = { &t.report };
		buffer_printf(&out, "### %s\n", cases[i].name);
		assert_int_equal(check_render_short(&t.report, &style, &out), 0);
		assert_int_equal(check_render_policies(reports, 1, &style, &out), 0);
		assert_int_equal(check_render_nagios(reports, 1, &out), 0);
		json_t *object = check_render_json(&t.report);
		char *text = json_dumps(object, JSON_COMPACT);
		buffer_append_text(&out, text);
		buffer_append_byte(&out, '\n');
		free(text);
		json_decref(object);
		told_close(&t);
	}
	compare("machines", buffer_span(&out));
	buffer_done(&out);
}

/* All cases as one run: what several domains look like together. */
static void for_monitoring(void **state)
{
	(void)state;
	struct told t[BASE_COUNT(cases)];
	const struct check_report *reports[BASE_COUNT(cases) + 1];
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		told_open(&t[i], i);
		if (t[i].facts->domain.length)
			t[i].facts->domain = arena_printf(&t[i].facts->arena, "d%zu.example", i / 2);
		reports[i] = &t[i].report;
	}
	reports[BASE_COUNT(cases)] = reports[3]; /* said twice, shown once */
	struct buffer out = out_new();
	assert_int_equal(check_render_nagios(reports, BASE_COUNT(cases), &out), 0);
	assert_int_equal(check_render_prometheus(reports, BASE_COUNT(cases) + 1, &out), 0);
	buffer_append_text(&out, "### nothing\n");
	assert_int_equal(check_render_nagios(NULL, 0, &out), 0);
	assert_int_equal(check_render_prometheus(NULL, 0, &out), 0);
	compare("monitoring", buffer_span(&out));
	buffer_done(&out);
	for (size_t i = 0; i < BASE_COUNT(cases); i++)
		told_close(&t[i]);
}

/* ---- what holds for all ---- */

/* Pasted lines, seven blanks and no more in front, are the one thing that may be wider than the terminal. */
static void assert_narrow(const char *name, struct span text, size_t width)
{
	while (text.at && text.length) {
		struct span line = span_cut(&text, '\n');
		bool pasted = span_starts_nocase(line, SPAN("       ")) && !span_starts_nocase(line, SPAN("        "));
		if (!pasted && text_columns(line) > width)
			fail_msg("%s: %zu columns at %zu: %.*s", name, text_columns(line), width, SPAN_PRINT(line));
	}
}

static void nothing_is_wider_than_the_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct told t;
		told_open(&t, i);
		for (size_t width = 40; width < 160; width += 3) {
			struct finding_style style = { .width = width, .notes = true };
			struct buffer out = out_new();
			assert_int_equal(check_render_human(&t.report, &style, &out), 0);
			assert_narrow(cases[i].name, buffer_span(&out), width);
			buffer_done(&out);
		}
		told_close(&t);
	}
}

static void strip(struct span text, struct buffer *out)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] != '\033') {
			buffer_append_byte(out, text.at[i]);
			continue;
		}
		while (i < text.length && text.at[i] != 'm')
			i++;
	}
}

static void colour_changes_no_character(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct told t;
		told_open(&t, i);
		for (size_t width = 0; width < 160; width += 40) {
			struct finding_style plain = { .width = width }, coloured = { .width = width, .colour = true };
			struct buffer a = out_new(), b = out_new(), c = out_new();
			check_render_human(&t.report, &plain, &a);
			check_render_short(&t.report, &plain, &a);
			check_render_human(&t.report, &coloured, &b);
			check_render_short(&t.report, &coloured, &b);
			strip(buffer_span(&b), &c);
			assert_true(b.length > c.length);
			assert_string_equal(a.at, c.at);
			buffer_done(&a);
			buffer_done(&b);
			buffer_done(&c);
		}
		told_close(&t);
	}
}

static void assert_clean(const struct buffer *out)
{
	for (size_t i = 0; i < out->length; i++) {
		unsigned char c = (unsigned char)out->at[i];
		if ((c < ' ' && c != '\n') || c == 0x7f)
			fail_msg("byte %u at %zu: %.40s", c, i, out->at + (i > 20 ? i - 20 : 0));
	}
	assert_null(strstr(out->at, "\xe2\x80\xae"));
	assert_null(strstr(out->at, "\xff"));
}

/* Everything that a stranger can name: typed names, targets, certificates, alerts' texts, answers. */
static void hostile_facts(struct check_facts *facts)
{
	struct span evil = span_of(HOSTILE);
	facts->typed = facts->resolvers = facts->vantage = facts->why_not_validated = evil;
	for (size_t i = 0; i < facts->host_count; i++) {
		facts->hosts[i].a.why = facts->hosts[i].a.canonical = evil;
	}
	for (size_t i = 0; i < facts->attempt_count; i++) {
		struct peer_probe_facts *probe = &facts->attempts[i].probe;
		struct trust_certificate *leaf = arena_zero(&facts->arena, sizeof(*leaf));
		struct span *names = arena_zero(&facts->arena, 3 * sizeof(*names));
		for (size_t j = 0; j < 3; j++)
			names[j] = evil;
		*leaf = (struct trust_certificate){ .subject = evil,
			.issuer = evil,
			.common_name = evil,
			.serial = evil,
			.signature = evil,
			.has_names = true,
			.dns_names = names,
			.dns_name_count = 3,
			.uri_names = names,
			.uri_name_count = 3,
			.issuer_uris = names,
			.issuer_uri_count = 3,
			.not_before_s = INT64_MAX,
			.not_after_s = INT64_MIN };
		probe->chain = (struct trust_chain){ .certificates = leaf,
			.count = 1,
			.sent_count = 3,
			.status = TRUST_CHAIN_BAD,
			.verify_text = evil,
			.missing = evil,
			.authority = evil };
		probe->connection.version = probe->connection.cipher = probe->connection.text = evil;
		probe->connection.certificate_asked = true;
		probe->requested_authorities = names;
		probe->requested_authority_count = 3;
		facts->attempts[i].answer = (struct check_answer){ true, 200, evil, evil, evil, evil, -1 };
	}
}

static void what_strangers_sent_is_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct told t;
		t.facts = world_facts(&cases[i].world);
		hostile_facts(t.facts);
		told_judge(&t, cases[i].policy);
		const struct check_report *reports[] = { &t.report };
		struct finding_style style = { .width = 80, .notes = true };
		struct buffer out = out_new();
		check_render_human(&t.report, &style, &out);
		check_render_short(&t.report, &style, &out);
		check_render_policies(reports, 1, &style, &out);
		check_render_prometheus(reports, 1, &out);
		assert_clean(&out);
		buffer_clear(&out);
		check_render_nagios(reports, 1, &out);
		assert_clean(&out);
		/* One bar, and it begins the performance data. */
		struct span rest = buffer_span(&out);
		(void)span_cut(&rest, '|');
		assert_true(span_starts_nocase(rest, SPAN(" time=")));
		assert_true(span_find(rest, '|') == rest.length);
		buffer_done(&out);
		told_close(&t);
	}
}

static void the_short_line_is_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct told t;
		told_open(&t, i);
		struct finding_style style = { .width = 40 };
		struct buffer out = out_new();
		check_render_short(&t.report, &style, &out);
		assert_int_equal(span_find(buffer_span(&out), '\n'), out.length - 1);
		buffer_done(&out);
		told_close(&t);
	}
}

/* A hundred records: those that matter, and the rest counted. */
static void many_rows_are_folded(void **state)
{
	(void)state;
	struct told t;
	struct check_row rows[100];
	told_open(&t, 0);
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		rows[i] = t.report.rows[0];
		rows[i].host = arena_printf(&t.facts->arena, "vcse%zu.a.example", i / 2);
		if (i == 50) {
			rows[i].accepted = false;
			rows[i].cells[CHECK_STEP_TCP] = (struct check_cell){ CHECK_STATE_BAD, FINDING_CONNECT_TIMEOUT };
		}
	}
	t.report.rows = rows;
	t.report.row_count = BASE_COUNT(rows);
	struct finding_style style = { .width = 80 };
	struct buffer out = out_new();
	check_render_human(&t.report, &style, &out);
	assert_non_null(strstr(out.at, "vcse0.a.example:5061\n"));
	assert_non_null(strstr(out.at, "vcse25.a.example:5061\n  198.51.100.47  ok   ok    ok    FAIL"));
	assert_null(strstr(out.at, "vcse26.a.example"));
	assert_non_null(strstr(out.at, "  and 97 more like these: 97 good\n"));
	buffer_done(&out);
	told_close(&t);
}

/* Facts as nobody would make them: nothing that is said of them is wider, dirtier or broken. */
static void any_facts_can_be_shown(void **state)
{
	(void)state;
	struct pictures pictures;
	pictures_make(&pictures);
	for (uint64_t seed = 1000; seed < 1060; seed++) {
		struct told t = { .facts = any_facts(&pictures, seed) };
		told_judge(&t, (enum trust_policy_kind)(seed % 3));
		const struct check_report *reports[] = { &t.report };
		size_t width = 40 + seed % 100;
		struct finding_style style = { .width = width, .notes = seed % 2 };
		struct buffer out = out_new();
		assert_int_equal(check_render_human(&t.report, &style, &out), 0);
		assert_narrow("any", buffer_span(&out), width);
		check_render_nagios(reports, 1, &out);
		check_render_prometheus(reports, 1, &out);
		assert_clean(&out);
		json_t *object = check_render_json(&t.report);
		char *text = json_dumps(object, JSON_COMPACT);
		assert_non_null(text);
		free(text);
		json_decref(object);
		buffer_done(&out);
		told_close(&t);
	}
	pictures_free(&pictures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(for_people),
		cmocka_unit_test(for_machines),
		cmocka_unit_test(for_monitoring),
		cmocka_unit_test(nothing_is_wider_than_the_terminal),
		cmocka_unit_test(colour_changes_no_character),
		cmocka_unit_test(what_strangers_sent_is_escaped),
		cmocka_unit_test(the_short_line_is_one_line),
		cmocka_unit_test(many_rows_are_folded),
		cmocka_unit_test(any_facts_can_be_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
