/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a change: rounds in a row, each with what was seen, and what is said after each. */
#include "base/buffer.h"
#include "base/require.h"
#include "check/change.h"
#include "check/watch.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define YEAR_2027 INT64_C(1798761600)
#define DAY_S INT64_C(86400)
#define LOOKS_MAXIMUM 8
#define PARTS_MAXIMUM 8

/* One round. codes: findings, "!" in front of notes. targets: "vcse:5061=192.0.2.1,2001:db8::1 edge:5061=4?", where 4?
 * and 6? are lookups that failed; "" says that there is no record, NULL that the SRV lookup failed. certificates:
 * "192.0.2.1=0A@20", serial and end in days of 2027; addresses that are not named showed none.
 * says: "what: sentence" of all changes. */
struct look {
	enum check_verdict verdict;
	const char *codes, *targets, *certificates, *says;
};

struct scene {
	struct check_facts facts;
	struct check_report report;
	struct arena arena;
	struct trust_srv records[PARTS_MAXIMUM];
	struct trust_host hosts[PARTS_MAXIMUM];
	struct trust_address addresses[PARTS_MAXIMUM][PARTS_MAXIMUM];
	struct check_attempt attempts[PARTS_MAXIMUM * PARTS_MAXIMUM];
	struct trust_certificate leaves[PARTS_MAXIMUM * PARTS_MAXIMUM];
};

static void show_certificate(struct scene *s, struct check_attempt *attempt, const char *certificates)
{
	struct span rest = span_of(certificates);
	while (rest.at) {
		struct span value = span_cut(&rest, ' ');
		struct span address = span_cut(&value, '=');
		if (!span_equal(address, attempt->address))
			continue;
		struct trust_certificate *leaf = &s->leaves[s->facts.attempt_count];
		struct span serial = span_cut(&value, '@');
		uint64_t days = 0;
		assert_int_equal(span_to_u64(value, 9999, &days), 0);
		*leaf = (struct trust_certificate){ .serial = serial,
			.issuer = SPAN("CN=R 1,O=I\nj"),
			.not_after_s = YEAR_2027 + (int64_t)days * DAY_S };
		attempt->probe.chain.certificates = leaf;
		attempt->probe.chain.count = 1;
	}
}

static void add_host(struct scene *s, struct span target, const char *certificates)
{
	size_t number = s->facts.host_count++;
	struct span name = span_cut(&target, '=');
	struct span host = span_cut(&name, ':');
	uint64_t port = 0;
	assert_int_equal(span_to_u64(name, 65535, &port), 0);
	s->records[number] = (struct trust_srv){ .port = (uint16_t)port, .target = host };
	struct trust_host *h = &s->hosts[number];
	*h = (struct trust_host){ .name = host,
		.addresses = s->addresses[number],
		.a = { .status = TRUST_LOOKUP_OK },
		.aaaa = { .status = TRUST_LOOKUP_NODATA } };
	while (target.at) {
		struct span address = span_cut(&target, ',');
		if (span_is(address, "4?") || span_is(address, "6?")) {
			*(address.at[0] == '4' ? &h->a.status : &h->aaaa.status) = TRUST_LOOKUP_SERVFAIL;
			continue;
		}
		if (address.length == 0)
			continue;
		s->addresses[number][h->address_count++].text = address;
		struct check_attempt *attempt = &s->attempts[s->facts.attempt_count];
		*attempt = (struct check_attempt){ .host = number, .port = (uint16_t)port, .address = address };
		show_certificate(s, attempt, certificates);
		s->facts.attempt_count++;
	}
}

static enum finding_code code_of(struct span text)
{
	enum finding_code code = finding_code_of(text);
	if (code == FINDING_NONE)
		fail_msg("there is no finding %.*s", SPAN_PRINT(text));
	return code;
}

static void build(struct scene *s, const struct look *look, int64_t at_us)
{
	*s = (struct scene){ .facts = {
				     .typed = SPAN("A.example"), .domain = SPAN("a.example"), .examined_us = at_us } };
	arena_init(&s->arena, 1 << 20);
	s->facts.srv.lookup.status = !look->targets   ? TRUST_LOOKUP_TIMEOUT
				     : *look->targets ? TRUST_LOOKUP_OK
						      : TRUST_LOOKUP_NXDOMAIN;
	struct span rest = look->targets && *look->targets ? span_of(look->targets) : SPAN_NONE;
	while (rest.at)
		add_host(s, span_cut(&rest, ' '), look->certificates);
	s->facts.srv.records = s->records;
	s->facts.srv.record_count = s->facts.host_count;
	s->facts.hosts = s->hosts;
	s->facts.attempts = s->attempts;
	s->report =
		(struct check_report){ .facts = &s->facts, .policy = TRUST_POLICY_MICROSOFT, .verdict = look->verdict };
	finding_list_init(&s->report.findings, &s->arena, FINDING_PARTNER);
	for (rest = span_of(*look->codes ? look->codes : NULL); rest.at;) {
		struct span code = span_cut(&rest, ' ');
		bool note = code.at[0] == '!';
		struct finding *f = finding_add(&s->report.findings, code_of(span_from(code, note)), s->facts.domain);
		f->severity = note ? FINDING_NOTE : look->verdict == CHECK_WARN ? FINDING_WARNING : FINDING_ERROR;
		if (f->severity == FINDING_ERROR && !s->report.answer)
			s->report.answer = f;
	}
}

static void assert_says(const char *name, size_t number, const struct check_change_set *set, const char *wanted)
{
	struct buffer text;
	buffer_init(&text, 65536);
	for (size_t i = 0; i < set->count; i++) {
		buffer_printf(&text, "%s%.*s: ", i ? "\n" : "", SPAN_PRINT(set->changes[i].what));
		check_watch_change_sentence(&set->changes[i], &text);
	}
	const char *is = text.length ? text.at : "";
	if (strcmp(is, wanted ? wanted : "") != 0)
		fail_msg("%s, round %zu says:\n%s\nand not:\n%s", name, number + 1, is, wanted ? wanted : "");
	buffer_done(&text);
}

#define HOME "vcse:5061=192.0.2.1"
#define TWO "vcse:5061=192.0.2.1,192.0.2.2"
#define CERTIFICATE "192.0.2.1=0A@20"
#define GOOD                                                                                                           \
	{                                                                                                              \
		CHECK_PASS, "!partner-lists-unseen", HOME, CERTIFICATE, NULL                                           \
	}
#define UNSEEN                                                                                                         \
	{                                                                                                              \
		CHECK_UNKNOWN, "srv-lookup-failed", NULL, "", NULL                                                     \
	}
#define SAYS(text) .says = text

static const struct {
	const char *name;
	struct look looks[LOOKS_MAXIMUM]; /* ends with one without codes */
} cases[] = {
	{ "the first sight is no change", { { CHECK_FAIL, "srv-missing", "", "", NULL } } },
	{ "nothing new", { GOOD, GOOD } },
	{ "the verdict, with what explains it",
		{ GOOD,
			{ CHECK_FAIL, "srv-missing", "", "",
				"verdict: verdict was pass, is fail (srv-missing)\n"
				"targets: SRV targets: gone vcse:5061" },
			{ CHECK_PASS, "!partner-lists-unseen", HOME, CERTIFICATE,
				"verdict: verdict was fail, is pass\ntargets: SRV targets: new vcse:5061" } } },
	{ "another reason for the same verdict",
		{ { CHECK_FAIL, "certificate-expired", HOME, CERTIFICATE, NULL },
			{ CHECK_FAIL, "certificate-name-mismatch", HOME, CERTIFICATE,
				"finding: finding was certificate-expired, is certificate-name-mismatch" } } },
	{ "one warning more behind the first",
		{ { CHECK_WARN, "srv-port-unusual", HOME, CERTIFICATE, NULL },
			{ CHECK_WARN, "srv-port-unusual certificate-expires-soon", HOME, CERTIFICATE,
				"finding: findings: new certificate-expires-soon" },
			{ CHECK_WARN, "srv-port-unusual", HOME, CERTIFICATE,
				"finding: findings: gone certificate-expires-soon" } } },
	{ "notes are no change", { GOOD, { CHECK_PASS, "!client-certificate-wanted", HOME, CERTIFICATE, NULL } } },

	{ "a resolver that fails once or twice is silent", { GOOD, UNSEEN, UNSEEN, GOOD } },
	{ "three times in a row is said, once",
		{ GOOD, UNSEEN, UNSEEN,
			{ CHECK_UNKNOWN, "srv-lookup-failed", NULL, "",
				"verdict: verdict was pass, is unknown (srv-lookup-failed)" },
			UNSEEN,
			{ CHECK_PASS, "!partner-lists-unseen", HOME, CERTIFICATE,
				"verdict: verdict was unknown, is pass" } } },
	{ "a fault behind a failing resolver",
		{ GOOD, UNSEEN,
			{ CHECK_FAIL, "certificate-expired", HOME, CERTIFICATE,
				"verdict: verdict was pass, is fail (certificate-expired)" } } },
	{ "never decided, then decided: first sight",
		{ UNSEEN, UNSEEN, UNSEEN, UNSEEN, { CHECK_FAIL, "certificate-expired", HOME, CERTIFICATE, NULL } } },
	{ "one good way in, the rest unseen",
		{ { CHECK_PASS, "!partner-lists-unseen", TWO, "192.0.2.1=0A@20 192.0.2.2=0A@20", NULL },
			{ CHECK_WARN, "address-lookup-partly-failed", "vcse:5061=192.0.2.1,6?", CERTIFICATE,
				"addresses: addresses: gone vcse:5061 192.0.2.2" },
			{ CHECK_WARN, "address-lookup-partly-failed", "vcse:5061=4?", "", NULL } } },
	{ "a warning that cannot be looked at stays",
		{ { CHECK_WARN, "certificate-expires-soon", TWO, "192.0.2.1=0A@20", NULL },
			{ CHECK_WARN, "address-lookup-partly-failed", "vcse:5061=192.0.2.1,6?,192.0.2.2", CERTIFICATE,
				NULL },
			{ CHECK_WARN, "certificate-expires-soon", TWO, CERTIFICATE, NULL } } },
	{ "repaired, though not all could be seen",
		{ { CHECK_FAIL, "certificate-expired", HOME, CERTIFICATE, NULL },
			{ CHECK_WARN, "address-lookup-partly-failed", "vcse:5061=192.0.2.1,6?", CERTIFICATE,
				"verdict: verdict was fail, is pass" },
			GOOD } },

	{ "another target", { GOOD, { CHECK_PASS, "!partner-lists-unseen", "edge:5061=192.0.2.1", "192.0.2.1=0A@20",
					    "targets: SRV target was vcse:5061, is edge:5061" } } },
	{ "another port", { GOOD, { CHECK_PASS, "!partner-lists-unseen", "vcse:5062=192.0.2.1", "192.0.2.1=0A@20",
					  "targets: SRV target was vcse:5061, is vcse:5062" } } },
	{ "one more target", { GOOD, { CHECK_PASS, "!partner-lists-unseen", HOME " b:5061=192.0.2.3", CERTIFICATE,
					     "targets: SRV targets: new b:5061" } } },
	{ "names differ in case alone",
		{ GOOD, { CHECK_PASS, "!partner-lists-unseen", "VCSE:5061=192.0.2.1", CERTIFICATE, NULL } } },
	{ "another address", { GOOD, { CHECK_PASS, "!partner-lists-unseen", "vcse:5061=192.0.2.9", "192.0.2.9=0A@20",
					     "addresses: address was vcse:5061 192.0.2.1, is vcse:5061 192.0.2.9" } } },
	{ "addresses in another order",
		{ { CHECK_PASS, "!partner-lists-unseen", TWO, CERTIFICATE, NULL },
			{ CHECK_PASS, "!partner-lists-unseen", "vcse:5061=192.0.2.2,192.0.2.1", CERTIFICATE, NULL } } },
	{ "an address lookup that fails forgets nothing",
		{ { CHECK_PASS, "!partner-lists-unseen", "vcse:5061=192.0.2.1,2001:db8::1", CERTIFICATE, NULL },
			{ CHECK_WARN, "address-lookup-partly-failed", "vcse:5061=192.0.2.1,6?", CERTIFICATE, NULL },
			{ CHECK_UNKNOWN, "address-lookup-failed", "vcse:5061=4?,6?", "", NULL },
			{ CHECK_PASS, "!partner-lists-unseen", "vcse:5061=192.0.2.1", CERTIFICATE,
				"addresses: addresses: gone vcse:5061 2001:db8::1" } } },
	{ "addresses seen for the first time",
		{ { CHECK_UNKNOWN, "address-lookup-failed", "vcse:5061=4?,6?", "", NULL }, GOOD,
			{ CHECK_PASS, "!partner-lists-unseen", TWO, CERTIFICATE,
				"addresses: addresses: new vcse:5061 192.0.2.2" } } },

	{ "the certificate is replaced",
		{ GOOD, { CHECK_PASS, "!partner-lists-unseen", HOME, "192.0.2.1=0B@385",
				"certificate: certificate was 0A CN=R 1,O=I\\x0Aj, is 0B CN=R 1,O=I\\x0Aj\n"
				"expiry: earliest end of a certificate was 2027-01-21T00:00:00Z, is "
				"2028-01-21T00:00:00Z" } } },
	{ "replaced while nobody could look",
		{ GOOD,
			{ CHECK_FAIL, "connect-timeout", HOME, "",
				"verdict: verdict was pass, is fail (connect-timeout)" },
			{ CHECK_PASS, "!partner-lists-unseen", HOME, "192.0.2.1=0B@20",
				"verdict: verdict was fail, is pass\n"
				"certificate: certificate was 0A CN=R 1,O=I\\x0Aj, is 0B CN=R 1,O=I\\x0Aj" } } },
	{ "one of two servers is not there",
		{ { CHECK_PASS, "!partner-lists-unseen", TWO, "192.0.2.1=0A@20 192.0.2.2=0B@10", NULL },
			{ CHECK_WARN, "connect-timeout", TWO, "192.0.2.1=0A@20",
				"verdict: verdict was pass, is warn (connect-timeout)" },
			{ CHECK_PASS, "!partner-lists-unseen", TWO, "192.0.2.1=0A@20 192.0.2.2=0B@10",
				"verdict: verdict was warn, is pass" } } },
	{ "one of two servers has another certificate",
		{ { CHECK_PASS, "!partner-lists-unseen", TWO, "192.0.2.1=0A@20 192.0.2.2=0A@20", NULL },
			{ CHECK_PASS, "!partner-lists-unseen", TWO, "192.0.2.1=0A@20 192.0.2.2=0C@30",
				"certificate: certificates: new 0C CN=R 1,O=I\\x0Aj" },
			{ CHECK_PASS, "!partner-lists-unseen", TWO, "192.0.2.1=0C@30 192.0.2.2=0C@30",
				"expiry: earliest end of a certificate was 2027-01-21T00:00:00Z, is "
				"2027-01-31T00:00:00Z" } } },
	{ "a certificate seen for the first time", { { CHECK_FAIL, "connect-timeout", HOME, "", NULL },
							   { CHECK_PASS, "!partner-lists-unseen", HOME, CERTIFICATE,
								   "verdict: verdict was fail, is pass" } } },
	{ "the record went and came back",
		{ GOOD,
			{ CHECK_FAIL, "srv-missing", "", "",
				"verdict: verdict was pass, is fail (srv-missing)\ntargets: SRV targets: gone "
				"vcse:5061" },
			{ CHECK_PASS, "!partner-lists-unseen", HOME, CERTIFICATE,
				"verdict: verdict was fail, is pass\ntargets: SRV targets: new vcse:5061" } } },
};

static void rounds_in_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct arena memory;
		struct check_change_set set = { 0 };
		struct scene *scene = malloc(sizeof(*scene));
		arena_init(&memory, CHECK_CHANGE_ARENA_MAXIMUM);
		for (size_t n = 0; n < LOOKS_MAXIMUM && cases[i].looks[n].codes; n++) {
			const struct store_watch_state last = set.state;
			build(scene, &cases[i].looks[n], (int64_t)(n + 1) * 1000000);
			int status = check_change_find(&scene->report, n ? &last : NULL, true, &memory, &set);
			if (status < 0)
				fail_msg("%s, round %zu: %d", cases[i].name, n + 1, status);
			assert_says(cases[i].name, n, &set, cases[i].looks[n].says);
			/* As it would come back from the file. */
			set.state.domain = arena_copy(&memory, set.state.domain);
			set.state.policy = arena_copy(&memory, set.state.policy);
			arena_done(&scene->arena);
		}
		arena_done(&memory);
		free(scene);
	}
}

static void every_key_is_written_alike(void **state)
{
	(void)state;
	struct arena memory;
	struct check_change_set set;
	static const struct look look = { CHECK_PASS, "!partner-lists-unseen", "VCSE.A:5061=192.0.2.1,2001:db8::1",
		"192.0.2.1=0A@20", NULL };
	struct scene *scene = malloc(sizeof(*scene));
	arena_init(&memory, CHECK_CHANGE_ARENA_MAXIMUM);
	build(scene, &look, 42);
	assert_int_equal(check_change_find(&scene->report, NULL, true, &memory, &set), 0);
	assert_true(span_is(set.state.domain, "a.example"));
	assert_true(span_is(set.state.policy, "microsoft"));
	assert_true(span_is(set.state.targets, "vcse.a:5061 192.0.2.1\nvcse.a:5061 2001:db8::1"));
	assert_true(span_is(set.state.certificates, "vcse.a:5061 192.0.2.1 2027-01-21T00:00:00Z 0A CN=R 1,O=I\\x0Aj"));
	assert_int_equal(set.state.expires_s, YEAR_2027 + 20 * DAY_S);
	assert_true(set.state.examined_us == 42 && set.state.decided_us == 42);
	arena_done(&scene->arena);
	arena_done(&memory);
	free(scene);
}

/* Facts are the same for all rule books: the second one remembers them and is silent. */
static void facts_are_said_once(void **state)
{
	(void)state;
	struct arena memory;
	struct check_change_set first, second;
	static const struct look before = GOOD, after = { CHECK_FAIL, "certificate-expired", "edge:5061=192.0.2.7",
		"192.0.2.7=0B@1", NULL };
	struct scene *scene = malloc(sizeof(*scene));
	arena_init(&memory, CHECK_CHANGE_ARENA_MAXIMUM);
	build(scene, &before, 1);
	assert_int_equal(check_change_find(&scene->report, NULL, true, &memory, &first), 0);
	arena_done(&scene->arena);
	build(scene, &after, 2);
	assert_int_equal(check_change_find(&scene->report, &first.state, false, &memory, &second), 0);
	assert_says("the second rule book", 1, &second, "verdict: verdict was pass, is fail (certificate-expired)");
	assert_true(span_is(second.state.targets, "edge:5061 192.0.2.7"));
	arena_done(&scene->arena);
	arena_done(&memory);
	free(scene);
}

/* What an edited or damaged memory may hold: no crash, and the round's own sight in the end. */
static void nonsense_in_the_memory(void **state)
{
	(void)state;
	static const char *const texts[] = { "x", " ", "\n\n", "vcse:5061", "vcse:5061 192.0.2.1", "a b c",
		"a b 2027 d e\n ? ?", "vcse:5061 192.0.2.1 2027-99-99T00:00:00Z", "\xff\xfe \x01" };
	static const struct look look = GOOD;
	for (size_t i = 0; i < BASE_COUNT(texts); i++) {
		struct arena memory;
		struct check_change_set set;
		struct span text = span_of(texts[i]);
		struct store_watch_state last = { .decided_us = 1,
			.undecided = 7,
			.verdict = text,
			.finding = text,
			.findings = text,
			.targets = text,
			.certificates = text,
			.expires_s = INT64_MIN };
		struct scene *scene = malloc(sizeof(*scene));
		struct buffer said;
		arena_init(&memory, CHECK_CHANGE_ARENA_MAXIMUM);
		buffer_init(&said, 65536);
		build(scene, &look, 5);
		assert_int_equal(check_change_find(&scene->report, &last, true, &memory, &set), 0);
		assert_true(span_is(set.state.targets, "vcse:5061 192.0.2.1"));
		for (size_t n = 0; n < set.count; n++)
			assert_int_equal(check_watch_change_text(&set.changes[n], &said), 0);
		for (size_t n = 0; n < said.length; n++)
			assert_true((unsigned char)said.at[n] >= ' ');
		buffer_done(&said);
		arena_done(&scene->arena);
		arena_done(&memory);
		free(scene);
	}
}

static const struct {
	const char *name;
	struct store_watch_change change;
	const char *text;
} texts[] = {
	{ "the example of the header",
		{ .at_us = INT64_C(1488987722000000),
			.domain = SPAN("cms.steven.lab"),
			.policy = SPAN("microsoft"),
			.what = SPAN("verdict"),
			.before = SPAN("pass"),
			.after = SPAN("fail"),
			.finding = SPAN("srv-missing") },
		"2017-03-08T15:42:02Z cms.steven.lab: verdict was pass, is fail (srv-missing)" },
	{ "another rule book",
		{ .at_us = INT64_C(1488987722999999),
			.domain = SPAN("a.example"),
			.policy = SPAN("dane"),
			.what = SPAN("verdict"),
			.before = SPAN("fail"),
			.after = SPAN("pass") },
		"2017-03-08T15:42:02Z a.example (dane): verdict was fail, is pass" },
	{ "what came from outside is escaped",
		{ .domain = SPAN("a\x1b[2J"),
			.policy = SPAN("microsoft"),
			.what = SPAN("certificate"),
			.before = SPAN("0A CN=\x07"),
			.after = SPAN("0B CN=x\xff") },
		"1970-01-01T00:00:00Z a\\x1B[2J: certificate was 0A CN=\\x07, is 0B CN=x\\xFF" },
	{ "many",
		{ .domain = SPAN("a.example"),
			.policy = SPAN("microsoft"),
			.what = SPAN("addresses"),
			.before = SPAN("x"),
			.after = SPAN("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nx") },
		"1970-01-01T00:00:00Z a.example: addresses: new a, b, c, d, e, f, g, h, i, j and 2 more" },
};

static void changes_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(texts); i++) {
		struct buffer out;
		buffer_init(&out, 65536);
		assert_int_equal(check_watch_change_text(&texts[i].change, &out), 0);
		if (!span_is(buffer_span(&out), texts[i].text))
			fail_msg("%s:\n%s\nand not\n%s", texts[i].name, out.at, texts[i].text);
		buffer_done(&out);
	}
}

static void changes_as_json(void **state)
{
	(void)state;
	json_t *object = check_watch_change_json(&texts[0].change);
	char *text = json_dumps(object, JSON_COMPACT);
	assert_string_equal(text,
		"{\"at\":\"2017-03-08T15:42:02Z\",\"domain\":\"cms.steven.lab\",\"policy\":\"microsoft\",\"what\":"
		"\"verdict\",\"before\":[\"pass\"],\"after\":[\"fail\"],\"finding\":\"srv-missing\",\"text\":"
		"\"verdict was pass, is fail (srv-missing)\"}");
	free(text);
	json_decref(object);
	object = check_watch_change_json(&texts[2].change);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(object, "after"), 0)), "0B CN=x\xef\xbf\xbd");
	assert_true(json_is_null(json_object_get(object, "finding")));
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_in_a_row),
		cmocka_unit_test(every_key_is_written_alike),
		cmocka_unit_test(facts_are_said_once),
		cmocka_unit_test(nonsense_in_the_memory),
		cmocka_unit_test(changes_in_words),
		cmocka_unit_test(changes_as_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
