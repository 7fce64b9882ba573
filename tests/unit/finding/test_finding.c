/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "finding/finding.h"
#include "unit/cmocka_all.h"

struct desk {
	struct arena arena;
	struct finding_list list;
};

static void desk_open(struct desk *d, size_t maximum)
{
	arena_init(&d->arena, maximum);
	finding_list_init(&d->list, &d->arena, FINDING_PARTNER);
}

static void desk_close(struct desk *d)
{
	arena_done(&d->arena);
}

/* Rule 6: the earliest stage, then the first added. */
static const struct {
	const char *name;
	enum finding_code added[5];
	enum finding_code first;
} orders[] = {
	{ "nothing found", { FINDING_NONE }, FINDING_NONE },
	{ "warnings and notes refuse nobody",
		{ FINDING_CERTIFICATE_EXPIRES_SOON, FINDING_ADDRESS_PRIVATE, FINDING_CERTIFICATE_PRIVATE_AUTHORITY },
		FINDING_NONE },
	{ "blocked before the certificate", { FINDING_CERTIFICATE_EXPIRED, FINDING_DOMAIN_BLOCKED },
		FINDING_DOMAIN_BLOCKED },
	{ "lookup before the domain rule", { FINDING_SRV_TARGET_OUTSIDE_DOMAIN, FINDING_SRV_LOOKUP_FAILED },
		FINDING_SRV_LOOKUP_FAILED },
	{ "domain rule before the certificate",
		{ FINDING_CERTIFICATE_NAME_MISMATCH, FINDING_SRV_TARGET_OUTSIDE_DOMAIN },
		FINDING_SRV_TARGET_OUTSIDE_DOMAIN },
	{ "of one stage the first added",
		{ FINDING_SRV_PORT_UNUSUAL, FINDING_CERTIFICATE_UNTRUSTED, FINDING_CERTIFICATE_NAME_MISMATCH },
		FINDING_CERTIFICATE_UNTRUSTED },
	{ "what the peer said comes last", { FINDING_PEER_ANSWERED, FINDING_CONNECT_REFUSED },
		FINDING_CONNECT_REFUSED },
};

static void first_error_follows_rule_6(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(orders); i++) {
		struct desk d;
		desk_open(&d, 65536);
		for (size_t j = 0; j < 5 && orders[i].added[j]; j++)
			finding_add(&d.list, orders[i].added[j], SPAN("a.example"));
		const struct finding *first = finding_list_first_error(&d.list);
		enum finding_code code = first ? first->code : FINDING_NONE;
		if (code != orders[i].first)
			fail_msg("%s: got %s", orders[i].name, code ? finding_entry(code)->code : "nothing");
		desk_close(&d);
	}
}

static const struct {
	enum finding_code code;
	const char *subject;
	const char *title;
} titles[] = {
	{ FINDING_SRV_TARGET_OUTSIDE_DOMAIN, "cms.steven.lab", "no SRV target is in the domain `cms.steven.lab`" },
	{ FINDING_SRV_MISSING, "a.example", "there is no federation SRV record for `a.example`" },
	{ FINDING_SRV_MISSING, "", "there is no federation SRV record for the domain" },
	{ FINDING_CERTIFICATE_NAME_MISMATCH, "vcse.a.example",
		"the certificate does not contain the name of `vcse.a.example`" },
	{ FINDING_DOMAIN_BLOCKED, "", "the domain is blocked" },
	{ FINDING_DOMAIN_BLOCKED, "a.example", "the domain `a.example` is blocked" },
	{ FINDING_LOOP_DETECTED, "", "the request came back to this node unchanged" },
	{ FINDING_LOOP_DETECTED, "sip:1@a", "the request came back to this node unchanged: `sip:1@a`" },
	{ FINDING_CONNECT_REFUSED, "x\033[2Jy", "nothing listens at `x\\x1B[2Jy`" },
};

static void titles_name_the_subject(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(titles); i++) {
		struct desk d;
		char text[256];
		desk_open(&d, 65536);
		struct finding *f = finding_add(&d.list, titles[i].code, span_of(titles[i].subject));
		size_t length = finding_title(f, text, sizeof(text));
		assert_string_equal(text, titles[i].title);
		assert_int_equal(length, strlen(text));
		desk_close(&d);
	}
}

static void titles_are_cut_at_a_character(void **state)
{
	(void)state;
	struct desk d;
	char text[32];
	desk_open(&d, 65536);
	struct finding *f = finding_add(&d.list, FINDING_CONNECT_REFUSED, SPAN("ääääääääääää"));
	size_t length = finding_title(f, text, sizeof(text));
	assert_true(length <= 31);
	assert_int_equal((unsigned char)text[length - 1] & 0xc0, 0x80); /* the second byte of an ä */
	assert_int_equal((unsigned char)text[length - 2], 0xc3);
	desk_close(&d);
}

static void the_owner_acts(void **state)
{
	(void)state;
	struct arena arena;
	struct finding_list list;
	arena_init(&arena, 65536);
	finding_list_init(&list, &arena, FINDING_YOU);
	struct finding *f = finding_add(&list, FINDING_SRV_MISSING, SPAN("a.example"));
	assert_int_equal(f->who, FINDING_YOU);
	assert_int_equal(finding_fix(f, FINDING_OWNER, "DNS", SPAN("x"))->who, FINDING_YOU);
	finding_list_init(&list, &arena, FINDING_PARTNER);
	assert_int_equal(finding_add(&list, FINDING_SRV_MISSING, SPAN("a.example"))->who, FINDING_PARTNER);
	assert_int_equal(finding_add(&list, FINDING_SRV_LOOKUP_FAILED, SPAN("a.example"))->who, FINDING_NETWORK);
	arena_done(&arena);
}

/* Fail closed: with no memory at all an error is still an error. */
static void a_full_arena_loses_no_error(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, 0);
	finding_add(&d.list, FINDING_CERTIFICATE_EXPIRES_SOON, SPAN("a"));
	assert_null(finding_list_first_error(&d.list));
	struct finding *f = finding_add(&d.list, FINDING_CERTIFICATE_UNTRUSTED, SPAN("a"));
	finding_observed(f, SPAN("something"));
	finding_value(f, "domain", SPAN("a"));
	finding_fix_line(finding_fix(f, FINDING_YOU, "DNS", SPAN("t")), "%s", "line");
	finding_add(&d.list, FINDING_SRV_MISSING, SPAN("a"));
	assert_true(d.list.incomplete);
	assert_non_null(finding_list_first_error(&d.list));
	assert_int_equal(finding_list_first_error(&d.list)->code, FINDING_CERTIFICATE_UNTRUSTED);
	assert_int_equal(finding_list_severity(&d.list), FINDING_ERROR);
	desk_close(&d);
}

static void a_long_list_keeps_room_for_errors(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, 16 * 1024 * 1024);
	for (int i = 0; i < FINDING_LIST_MAXIMUM * 2; i++)
		finding_add(&d.list, FINDING_ADDRESS_PRIVATE, SPAN("a"));
	assert_true(d.list.dropped > 0);
	finding_add(&d.list, FINDING_CERTIFICATE_EXPIRED, SPAN("a"));
	assert_non_null(finding_list_find(&d.list, FINDING_CERTIFICATE_EXPIRED));
	assert_true(d.list.count <= FINDING_LIST_MAXIMUM + 1);
	desk_close(&d);
}

static void parts_of_a_finding_are_bounded(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, 16 * 1024 * 1024);
	struct finding *f = finding_add(&d.list, FINDING_SRV_TARGET_OUTSIDE_DOMAIN, SPAN("a"));
	for (int i = 0; i < 1000; i++) {
		finding_value(f, "fqdn", SPAN("b"));
		finding_evidence(f, FINDING_EVIDENCE_DNS, SPAN("text"), SPAN_NONE, SPAN_NONE);
	}
	size_t values = 0, evidence = 0;
	for (const struct finding_value *v = f->values; v; v = v->next)
		values++;
	for (const struct finding_evidence *e = f->evidence; e; e = e->next)
		evidence++;
	assert_int_equal(values, FINDING_PARTS_MAXIMUM);
	assert_int_equal(evidence, FINDING_PARTS_MAXIMUM);
	desk_close(&d);
}

/* A lookup that failed, our own network, or an examination that did not come to its end: never "no". */
static void what_could_not_be_decided(void **state)
{
	(void)state;
	static const char *const undecided[] = { "srv-lookup-failed", "address-lookup-failed",
		"address-lookup-partly-failed", "connect-unreachable", "tlsa-lookup-failed", "certificate-not-seen",
		"examination-cut" };
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		const char *code = finding_entry((enum finding_code)i)->code;
		bool listed = false;
		for (size_t u = 0; u < BASE_COUNT(undecided); u++)
			listed |= strcmp(undecided[u], code) == 0;
		if (finding_is_undecided((enum finding_code)i) != listed)
			fail_msg("%s: %s", code, listed ? "is undecided" : "is a verdict");
	}
}

/* Several addresses of one server have the same fault: said once, with every place where it was seen. */
static void what_says_the_same_is_said_once(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, 1 << 20);
	static const struct {
		enum finding_code code;
		const char *subject, *observed, *place;
	} added[] = {
		{ FINDING_CERTIFICATE_EXPIRED, "vcse.a.lab", "ended", "one" },
		{ FINDING_SRV_PORT_UNUSUAL, "vcse.a.lab", "5062", NULL },
		{ FINDING_CERTIFICATE_EXPIRED, "VCSE.a.lab", "ended", "two" },
		{ FINDING_CERTIFICATE_EXPIRED, "vcse.a.lab", "ended another day", NULL },
		{ FINDING_CERTIFICATE_EXPIRED, "vcse.a.lab", "ended", "one" },
	};
	for (size_t i = 0; i < BASE_COUNT(added); i++) {
		struct finding *f = finding_add(&d.list, added[i].code, span_of(added[i].subject));
		finding_observed(f, span_of(added[i].observed));
		f->severity = i == 2 ? FINDING_ERROR : FINDING_WARNING;
		if (added[i].place)
			finding_evidence(f, FINDING_EVIDENCE_CONNECTION, span_of(added[i].place), SPAN_NONE, SPAN_NONE);
	}
	finding_list_unite(&d.list, 2);
	assert_int_equal(d.list.count, 3);
	const struct finding *f = d.list.first;
	assert_int_equal(f->severity, FINDING_ERROR);
	assert_true(span_is(f->evidence->text, "one"));
	assert_true(span_is(f->evidence->next->text, "two"));
	assert_null(f->evidence->next->next);
	assert_int_equal(f->next->code, FINDING_SRV_PORT_UNUSUAL);
	assert_true(span_is(f->next->next->observed, "ended another day"));
	/* The list still ends where it ends. */
	finding_add(&d.list, FINDING_SRV_MISSING, SPAN("a.lab"));
	assert_int_equal(f->next->next->next->code, FINDING_SRV_MISSING);
	desk_close(&d);
}

/* The same note about every server of a domain is one note. */
static void notes_are_gathered(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, 1 << 20);
	finding_add(&d.list, FINDING_CLIENT_CERTIFICATE_NOT_ASKED, SPAN("one.a.lab"));
	finding_add(&d.list, FINDING_ADDRESS_PRIVATE, SPAN("one.a.lab"));
	finding_add(&d.list, FINDING_CLIENT_CERTIFICATE_NOT_ASKED, SPAN("two.a.lab"));
	finding_add(&d.list, FINDING_ADDRESS_PRIVATE, SPAN("two.a.lab"));
	finding_list_gather_notes(&d.list);
	assert_int_equal(d.list.count, 3);
	assert_true(span_is(d.list.first->evidence->text, "two.a.lab: the same"));
	assert_int_equal(d.list.first->next->code, FINDING_ADDRESS_PRIVATE);
	assert_int_equal(d.list.first->next->next->code, FINDING_ADDRESS_PRIVATE);
	assert_ptr_equal(d.list.last, &d.list.first->next->next->next);
	desk_close(&d);
}

static void lists_are_joined(void **state)
{
	(void)state;
	struct desk d;
	struct finding_list other;
	desk_open(&d, 1 << 20);
	finding_list_init(&other, d.list.arena, FINDING_YOU);
	finding_add(&d.list, FINDING_SRV_PORT_UNUSUAL, SPAN("a"));
	finding_add(&other, FINDING_SRV_MISSING, SPAN("b"));
	finding_add(&other, FINDING_SRV_DECLINED, SPAN("c"));
	other.dropped = 7;
	finding_list_take(&d.list, &other);
	assert_int_equal(d.list.count, 3);
	assert_int_equal(d.list.dropped, 7);
	assert_int_equal(other.count, 0);
	assert_null(other.first);
	assert_int_equal(finding_list_first_error(&d.list)->code, FINDING_SRV_MISSING);
	assert_ptr_equal(d.list.first->next->list, &d.list);
	finding_add(&other, FINDING_SRV_MISSING, SPAN("d"));
	assert_int_equal(other.count, 1);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_error_follows_rule_6),
		cmocka_unit_test(titles_name_the_subject),
		cmocka_unit_test(titles_are_cut_at_a_character),
		cmocka_unit_test(the_owner_acts),
		cmocka_unit_test(a_full_arena_loses_no_error),
		cmocka_unit_test(a_long_list_keeps_room_for_errors),
		cmocka_unit_test(parts_of_a_finding_are_bounded),
		cmocka_unit_test(what_could_not_be_decided),
		cmocka_unit_test(what_says_the_same_is_said_once),
		cmocka_unit_test(notes_are_gathered),
		cmocka_unit_test(lists_are_joined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
