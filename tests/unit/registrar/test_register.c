/* SPDX-License-Identifier: Apache-2.0 */
/* REGISTER by RFC 3261 10.3, one table of requests in order for each case. */
#include "base/require.h"
#include "unit/registrar/support.h"

struct step {
	const char *call_id;
	unsigned cseq;
	const char *lines;
	enum registrar_outcome outcome;
	const char *after; /* what is registered then; NULL: as before */
};

static const struct request_case {
	const char *name;
	struct step steps[6];
} CASES[] = {
	{ "RFC 3665 2.1: a new registration",
		{ { "a", 1, "Contact: <sip:bob@192.0.2.4>\r\n", REGISTRAR_DONE, "sip:bob@192.0.2.4 q=1000 3600s;" } } },
	{ "RFC 3665 2.2: a list is updated, and asked for",
		{ { "a", 1, "Contact: <sip:bob@client.biloxi.example.com>\r\n", REGISTRAR_DONE, NULL },
			{ "a", 2, "Contact: mailto:bob@biloxi.example.com\r\n", REGISTRAR_MALFORMED,
				"sip:bob@client.biloxi.example.com q=1000 3600s;" },
			{ "b", 1, "Contact: <sip:bob@192.0.2.5>;q=0.25;expires=600\r\n", REGISTRAR_DONE,
				"sip:bob@client.biloxi.example.com q=1000 3600s;sip:bob@192.0.2.5 q=250 600s;" },
			{ "c", 1, "", REGISTRAR_DONE,
				"sip:bob@client.biloxi.example.com q=1000 3600s;sip:bob@192.0.2.5 q=250 600s;" } } },
	{ "what no Request-URI may have (RFC 3261 19.1.1)",
		{ { "a", 1, "Contact: <sip:b@h1?Route=%3Csip:h2%3E>\r\n", REGISTRAR_MALFORMED, "" },
			{ "a", 2, "Contact: <sip:b@h1>\r\n", REGISTRAR_DONE, "sip:b@h1 q=1000 3600s;" } } },
	{ "RFC 3665 2.4: all are removed", { { "a", 1, "Contact: <sip:b@h1>, <sip:b@h2>;q=0.5\r\n", REGISTRAR_DONE,
						     "sip:b@h1 q=1000 3600s;sip:b@h2 q=500 3600s;" },
						   { "a", 2, "Contact: *\r\nExpires: 0\r\n", REGISTRAR_DONE, "" } } },
	{ "a star wants Expires: 0, and to be alone",
		{ { "a", 1, "Contact: <sip:b@h1>\r\n", REGISTRAR_DONE, "sip:b@h1 q=1000 3600s;" },
			{ "a", 2, "Contact: *\r\n", REGISTRAR_MALFORMED, "sip:b@h1 q=1000 3600s;" },
			{ "a", 3, "Contact: *\r\nExpires: 60\r\n", REGISTRAR_MALFORMED, NULL },
			{ "a", 4, "Contact: *, <sip:b@h2>\r\nExpires: 0\r\n", REGISTRAR_MALFORMED,
				"sip:b@h1 q=1000 3600s;" } } },
	{ "one is removed by expires=0",
		{ { "a", 1, "Contact: <sip:b@h1>, <sip:b@h2>\r\n", REGISTRAR_DONE, NULL },
			{ "a", 2, "Contact: <sip:b@h2>;expires=0\r\n", REGISTRAR_DONE, "sip:b@h1 q=1000 3600s;" },
			{ "a", 3, "Contact: <sip:b@h3>;expires=0\r\n", REGISTRAR_DONE, "sip:b@h1 q=1000 3600s;" } } },
	{ "one is removed by the header alone",
		{ { "a", 1, "Contact: <sip:b@h1>\r\n", REGISTRAR_DONE, NULL },
			{ "a", 2, "Contact: <sip:b@h1>\r\nExpires: 0\r\n", REGISTRAR_DONE, "" } } },
	{ "an old CSeq changes nothing",
		{ { "a", 5, "Contact: <sip:b@h1>\r\n", REGISTRAR_DONE, NULL },
			{ "a", 5, "Contact: <sip:b@h1>;expires=100\r\n", REGISTRAR_OUT_OF_ORDER,
				"sip:b@h1 q=1000 3600s;" },
			{ "a", 4, "Contact: <sip:b@h1>;expires=0\r\n", REGISTRAR_OUT_OF_ORDER,
				"sip:b@h1 q=1000 3600s;" },
			{ "a", 4, "Contact: *\r\nExpires: 0\r\n", REGISTRAR_OUT_OF_ORDER, "sip:b@h1 q=1000 3600s;" },
			{ "b", 1, "Contact: <sip:b@h1>;expires=100\r\n", REGISTRAR_DONE, "sip:b@h1 q=1000 100s;" } } },
	{ "whole or not at all: one old one spoils the request",
		{ { "a", 5, "Contact: <sip:b@h1>\r\n", REGISTRAR_DONE, NULL },
			{ "a", 5, "Contact: <sip:b@h2>, <sip:b@h1>;expires=0\r\n", REGISTRAR_OUT_OF_ORDER,
				"sip:b@h1 q=1000 3600s;" } } },
	{ "whole or not at all: a brief one spoils the request",
		{ { "a", 1, "Contact: <sip:b@h1>, <sip:b@h2>;expires=5\r\n", REGISTRAR_TOO_BRIEF, "" } } },
	{ "the minimum and the maximum",
		{ { "a", 1, "Contact: <sip:b@h1>\r\nExpires: 59\r\n", REGISTRAR_TOO_BRIEF, "" },
			{ "a", 2, "Contact: <sip:b@h1>\r\nExpires: 60\r\n", REGISTRAR_DONE, "sip:b@h1 q=1000 60s;" },
			{ "a", 3, "Contact: <sip:b@h1>\r\nExpires: 99999\r\n", REGISTRAR_DONE,
				"sip:b@h1 q=1000 7200s;" },
			{ "a", 4, "Contact: <sip:b@h1>;expires=99999999999999999999\r\n", REGISTRAR_DONE,
				"sip:b@h1 q=1000 7200s;" },
			{ "a", 5, "Contact: <sip:b@h1>;expires=soon\r\n", REGISTRAR_DONE,
				"sip:b@h1 q=1000 3600s;" } } },
	{ "equal URIs are one contact (RFC 3261 19.1.4)",
		{ { "a", 1, "Contact: <sip:b@H1:5060;transport=TCP>\r\n", REGISTRAR_DONE, NULL },
			{ "a", 2, "Contact: <sip:b@h1:5060;transport=tcp>;q=0.1\r\n", REGISTRAR_DONE,
				"sip:b@h1:5060;transport=tcp q=100 3600s;" } } },
	{ "twice in one request: the last word counts",
		{ { "a", 1, "Contact: <sip:b@h1>;q=0.1, <sip:b@h1>;q=0.2\r\n", REGISTRAR_DONE,
			  "sip:b@h1 q=200 3600s;" },
			{ "a", 2, "Contact: <sip:b@h1>, <sip:b@h1>;expires=0\r\n", REGISTRAR_DONE, "" } } },
	{ "the maximum of contacts",
		{ { "a", 1, "Contact: <sip:b@h1>, <sip:b@h2>, <sip:b@h3>, <sip:b@h4>\r\n", REGISTRAR_DONE, NULL },
			{ "a", 2, "Contact: <sip:b@h5>\r\n", REGISTRAR_TOO_MANY,
				"sip:b@h1 q=1000 3600s;sip:b@h2 q=1000 3600s;sip:b@h3 q=1000 3600s;"
				"sip:b@h4 q=1000 3600s;" },
			{ "a", 3, "Contact: <sip:b@h4>\r\n", REGISTRAR_DONE, NULL },
			{ "a", 4, "Contact: <sip:b@h4>;expires=0, <sip:b@h5>\r\n", REGISTRAR_DONE, NULL } } },
	{ "q out of range or malformed counts as not given",
		{ { "a", 1, "Contact: <sip:b@h1>;q=1.5\r\n", REGISTRAR_DONE, "sip:b@h1 q=1000 3600s;" },
			{ "a", 2, "Contact: <sip:b@h1>;q=high\r\n", REGISTRAR_DONE, "sip:b@h1 q=1000 3600s;" },
			{ "a", 3, "Contact: <sip:b@h1>;q=0.0\r\n", REGISTRAR_DONE, "sip:b@h1 q=0 3600s;" },
			{ "a", 4, "Contact: <sip:b@h1>;q=0.123\r\n", REGISTRAR_DONE, "sip:b@h1 q=123 3600s;" } } },
	{ "an unknown extension is demanded",
		{ { "a", 1, "Contact: <sip:b@h1>\r\nRequire: path, magic\r\n", REGISTRAR_UNKNOWN_EXTENSION, "" },
			{ "a", 2, "Contact: <sip:b@h1>\r\nRequire: path, gruu\r\n", REGISTRAR_DONE,
				"sip:b@h1 q=1000 3600s;" } } },
	{ "RFC 5626: two flows of one phone, a new flow in place of the old one",
		{ { "a", 1,
			  "Supported: path, outbound\r\nContact: <sip:b@10.0.0.1:5060>;reg-id=1;"
			  "+sip.instance=\"<urn:uuid:1>\"\r\n",
			  REGISTRAR_DONE, "sip:b@10.0.0.1:5060 q=1000 3600s;" },
			{ "b", 1,
				"Supported: path, outbound\r\nContact: <sip:b@10.0.0.1:5060>;reg-id=2;q=0.9;"
				"+sip.instance=\"<urn:uuid:1>\"\r\n",
				REGISTRAR_DONE, "sip:b@10.0.0.1:5060 q=1000 3600s;sip:b@10.0.0.1:5060 q=900 3600s;" },
			{ "c", 1,
				"Supported: path, outbound\r\nContact: <sip:b@10.9.9.9:1234>;reg-id=1;"
				"+sip.instance=\"<urn:uuid:1>\"\r\n",
				REGISTRAR_DONE,
				"sip:b@10.9.9.9:1234 q=1000 3600s;sip:b@10.0.0.1:5060 q=900 3600s;" } } },
	{ "RFC 5626: one flow a request",
		{ { "a", 1,
			"Supported: outbound\r\nContact: <sip:b@h1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\", "
			"<sip:b@h2>;reg-id=2;+sip.instance=\"<urn:uuid:1>\"\r\n",
			REGISTRAR_MALFORMED, "" } } },
	{ "RFC 5626: the first hop must have outbound",
		{ { "a", 1,
			  "Supported: path, outbound\r\nPath: <sip:proxy.steven.lab;lr>\r\nContact: "
			  "<sip:b@h1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\r\n",
			  REGISTRAR_FIRST_HOP_LACKS_OUTBOUND, "" },
			{ "a", 2,
				"Supported: path, outbound\r\nPath: <sip:p1.steven.lab;lr>, "
				"<sip:p2.steven.lab;lr;ob>\r\n"
				"Contact: <sip:b@h1>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\r\n",
				REGISTRAR_DONE, "sip:b@h1 q=1000 3600s;" } } },
};

/* Those of one q stand the newest first, or as they came: that is no matter here. */
static void compare(const struct request_case *one, size_t index, struct span after)
{
	struct span rest = span_of(one->steps[index].after);
	if (rest.length != after.length)
		fail_msg("%s, step %zu: %s", one->name, index + 1, after.at);
	for (struct span part; rest.at && (part = span_cut(&rest, ';')).length;)
		if (span_find_span(after, part) == after.length)
			fail_msg("%s, step %zu: %.*s is not in %s", one->name, index + 1, SPAN_PRINT(part), after.at);
}

static void requests_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
		void *room;
		assert_int_equal(desk_new(&room), 0);
		struct desk *d = room;
		for (size_t k = 0; k < BASE_COUNT(CASES[i].steps) && CASES[i].steps[k].call_id; k++) {
			const struct step *step = &CASES[i].steps[k];
			enum registrar_outcome outcome = put(d, AOR, step->call_id, step->cseq, step->lines);
			if (outcome != step->outcome)
				fail_msg("%s, step %zu: %s", CASES[i].name, k + 1, registrar_outcome_name(outcome));
			if (step->after)
				compare(&CASES[i], k, shown(d, AOR));
		}
		desk_free(&room);
	}
}

static void what_is_kept_of_a_contact(void **state)
{
	struct desk *d = *state;
	d->sender.flow = (struct registrar_flow){ 1, 7, 9 };
	assert_int_equal(put(d, AOR, "a", 1,
				 "User-Agent: Phone 1.0\r\nSupported: path, outbound, gruu\r\n"
				 "Contact: \"Steven\" <sip:2000@10.0.0.1:5060;transport=tcp>;reg-id=1;"
				 "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";audio;"
				 "expires=600;q=0.7\r\n"),
		REGISTRAR_DONE);
	assert_true(d->wish.uses_outbound && d->wish.wants_gruu);
	assert_int_equal(d->result.count, 1);
	const struct registrar_binding *b = &d->result.bindings[0];
	assert_true(span_is(b->contact, "sip:2000@10.0.0.1:5060;transport=tcp"));
	assert_true(span_is(
		b->parameters, ";reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";audio"));
	assert_true(span_is(b->agent, "Phone 1.0"));
	assert_true(span_is(b->instance, "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"));
	assert_true(b->outbound && b->reg_id == 1 && b->q == 700);
	assert_int_equal(b->flow.generation, 9);
	assert_true(span_is(b->user, "2000") && span_is(b->received, "192.0.2.4:5060"));
	assert_int_equal(d->result.change_count, 1);
	assert_int_equal(d->result.changes[0].event, REGISTRAR_ADDED);
	d->now_us += 10 * CLOCK_SECOND_US;
	assert_int_equal(put(d, AOR, "a", 2,
				 "Supported: path, outbound\r\nContact: <sip:2000@10.0.0.2>;reg-id=1;"
				 "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"\r\n"),
		REGISTRAR_DONE);
	assert_int_equal(d->result.changes[0].event, REGISTRAR_REFRESHED);
	assert_int_equal(d->result.bindings[0].registered_us, NOW_US);
	assert_int_equal(d->result.bindings[0].refreshed_us, d->now_us);
}

static void a_path_leads_back_and_no_flow(void **state)
{
	struct desk *d = *state;
	d->sender.flow = (struct registrar_flow){ 1, 7, 9 };
	d->sender.is_direct = false;
	assert_int_equal(put(d, AOR, "a", 1,
				 "Path: <sip:p1.example;lr>\r\nPath: <sip:p2.example;lr>\r\nContact: "
				 "<sip:2000@h>\r\n"),
		REGISTRAR_DONE);
	assert_true(span_is(d->result.bindings[0].path, "<sip:p1.example;lr>, <sip:p2.example;lr>"));
	assert_false(registrar_flow_is_set(d->result.bindings[0].flow));
}

static void folds_do_not_reach_the_answer(void **state)
{
	struct desk *d = *state;
	assert_int_equal(put(d, AOR, "a", 1, "Contact: <sip:2000@h>;note=\"one\r\n two\"\r\n"), REGISTRAR_DONE);
	struct span value = registrar_register_contacts(d->result.bindings, 1, d->now_us, NULL, &d->arena);
	assert_int_equal(span_find(value, '\r'), value.length);
	assert_int_equal(span_find(value, '\n'), value.length);
}

static void what_is_too_long_is_refused(void **state)
{
	struct desk *d = *state;
	char lines[9000];
	memset(lines, 'x', sizeof(lines));
	memcpy(lines, "Contact: <sip:2000@h>;note=", 27);
	memcpy(lines + 8000, "\r\n", 3);
	assert_int_equal(put(d, AOR, "a", 1, lines), REGISTRAR_MALFORMED);
}

static void the_answer_lists_all(void **state)
{
	struct desk *d = *state;
	assert_int_equal(
		put(d, AOR, "a", 1, "Contact: <sip:a@h>;video, <sip:b@h>;q=0.5;expires=60\r\n"), REGISTRAR_DONE);
	d->now_us += 30 * CLOCK_SECOND_US;
	assert_int_equal(put(d, AOR, "b", 1, ""), REGISTRAR_DONE);
	struct span value =
		registrar_register_contacts(d->result.bindings, d->result.count, d->now_us, NULL, &d->arena);
	assert_string_equal(value.at, "<sip:a@h>;video;expires=3570, <sip:b@h>;expires=30;q=0.500");
	assert_null(registrar_register_contacts(NULL, 0, d->now_us, NULL, &d->arena).at);
}

/* ---- GRUU ---- */

static void gruus_lead_back(void **state)
{
	struct desk *d = *state;
	struct random random;
	random_init_seed(&random, 5);
	const char *lines = "Supported: gruu\r\nContact: <sip:2000@192.0.2.4>;"
			    "+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"\r\n";
	assert_int_equal(put(d, AOR, "a", 1, lines), REGISTRAR_DONE);
	assert_true(d->wish.wants_gruu);
	struct registrar_gruu_maker maker = { .key = *registrar_location_key(d->location),
		.random = &random,
		.aor = AOR,
		.aor_hash = registrar_location_hash(d->location, AOR) };
	struct span value = registrar_register_contacts(d->result.bindings, 1, d->now_us, &maker, &d->arena);
	assert_non_null(
		strstr(value.at, ";pub-gruu=\"sip:2000@steven.lab;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\""));
	const char *at = strstr(value.at, ";temp-gruu=\"");
	assert_non_null(at);
	struct span text = span_of(at + 12);
	text.length = span_find(text, '"');
	struct sip_uri uri;
	assert_int_equal(sip_uri_parse(text, &uri, NULL), 0);
	assert_int_equal(span_find_span(uri.user, SPAN("2000")), uri.user.length); /* it hides whose it is */
	struct registrar_gruu gruu = registrar_gruu_read(&maker.key, &uri);
	assert_int_equal(gruu.kind, REGISTRAR_GRUU_TEMPORARY);
	const struct registrar_binding *found;
	struct span aor;
	assert_int_equal(registrar_location_find_temporary(d->location, &gruu, d->now_us, &d->arena, &aor, &found), 1);
	assert_true(span_equal(aor, AOR));
	/* Another one of the same phone looks different, and leads there too. */
	struct span other = registrar_gruu_temporary(
		&maker, d->result.bindings[0].instance, d->result.bindings[0].call_id, &d->arena);
	assert_false(span_equal(other, text));
	/* One letter of it changed leads nowhere. */
	char forged[128];
	span_copy_to(text, forged, sizeof(forged));
	char *digit = strchr(forged, '@') - 1;
	*digit = *digit == '0' ? '1' : '0';
	assert_int_equal(sip_uri_parse(span_of(forged), &uri, NULL), 0);
	struct registrar_gruu wrong = registrar_gruu_read(&maker.key, &uri);
	assert_int_equal(registrar_location_find_temporary(d->location, &wrong, d->now_us, &d->arena, &aor, &found), 0);
	/* RFC 5627 5.2: registered anew, with another Call-ID. */
	assert_int_equal(put(d, AOR, "b", 1, lines), REGISTRAR_DONE);
	assert_int_equal(registrar_location_find_temporary(d->location, &gruu, d->now_us, &d->arena, &aor, &found), 0);
}

static void public_gruus_name_their_instance(void **state)
{
	struct desk *d = *state;
	struct sip_uri uri;
	struct span text = SPAN("sip:2000@steven.lab;gr=urn:uuid:1");
	struct registrar_binding mine = { .instance = SPAN("<urn:uuid:1>") },
				 other = { .instance = SPAN("<urn:uuid:2>") };
	assert_int_equal(sip_uri_parse(text, &uri, NULL), 0);
	const struct hash_key *key = registrar_location_key(d->location);
	struct registrar_gruu gruu = registrar_gruu_read(key, &uri);
	assert_int_equal(gruu.kind, REGISTRAR_GRUU_PUBLIC);
	assert_true(registrar_gruu_fits(&gruu, key, &mine));
	assert_false(registrar_gruu_fits(&gruu, key, &other));
	assert_null(registrar_gruu_public(AOR, SPAN("<mailto:x>"), &d->arena).at);
	assert_null(registrar_gruu_public(AOR, SPAN("<urn:x\";y>"), &d->arena).at);
}

static void addresses_of_record(void **state)
{
	static const struct {
		const char *text, *aor;
	} cases[] = {
		{ "sip:2000@steven.lab", "2000@steven.lab" },
		{ "2000@Steven.LAB", "2000@steven.lab" },
		{ "sips:Anna.Berg@steven.lab:5061;transport=tls", "anna.berg@steven.lab" },
		{ "sip:%61nna@steven.lab", "anna@steven.lab" },
		{ "sip:a%20b@steven.lab", "a%20b@steven.lab" },
		{ "sip:a%00b@steven.lab", "a%00b@steven.lab" },
		{ "sip:steven.lab", NULL },
		{ "tel:+4912345", NULL },
		{ "", NULL },
	};
	struct desk *d = *state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct span aor = registrar_aor_of_text(span_of(cases[i].text), &d->arena);
		if (!span_equal(aor, span_of(cases[i].aor)))
			fail_msg("%s gives %.*s", cases[i].text, SPAN_PRINT(aor));
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, desk_new, desk_free)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_in_order),
		CASE(what_is_kept_of_a_contact),
		CASE(a_path_leads_back_and_no_flow),
		CASE(folds_do_not_reach_the_answer),
		CASE(what_is_too_long_is_refused),
		CASE(the_answer_lists_all),
		CASE(gruus_lead_back),
		CASE(public_gruus_name_their_instance),
		CASE(addresses_of_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
