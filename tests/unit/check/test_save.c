/* SPDX-License-Identifier: Apache-2.0 */
#include "check/judge.h"
#include "check/render.h"
#include "check/save.h"
#include "net/tls.h"
#include "peer/chain.h"
#include "unit/check/saved_world.h"

#include <errno.h>

#define LINE_MAXIMUM (16u << 20)
#define SEEDS 120

static struct pictures pictures;

static struct buffer written(const struct check_facts *facts)
{
	struct buffer line;
	buffer_init(&line, LINE_MAXIMUM);
	assert_int_equal(check_save_write(facts, &line), 0);
	assert_true(line.length > 0 && line.at[line.length - 1] == '\n');
	assert_int_equal(span_find(buffer_span(&line), '\n'), line.length - 1);
	return line;
}

static struct check_facts *read_back(struct span line)
{
	char error[CHECK_SAVE_ERROR_SIZE] = "";
	struct check_facts *facts = NULL;
	int status = check_save_read(line, NULL, NULL, &facts, error);
	if (status < 0)
		fail_msg("%d: %s\n%.*s", status, error, (int)(line.length < 2000 ? line.length : 2000), line.at);
	return facts;
}

/* Everything that can be said of the facts, in one text. */
static char *told(const struct check_facts *facts, enum trust_policy_kind kind)
{
	struct arena arena;
	struct check_options options = { 0 };
	struct check_bench bench;
	struct check_report report;
	arena_init(&arena, 1 << 20);
	assert_int_equal(check_bench_make(&options, &arena, &bench), 0);
	check_judge(&bench, kind, facts, &report);
	json_t *object = check_render_json(&report);
	assert_non_null(object);
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	struct finding_style style = { .width = 80, .notes = true };
	struct buffer human;
	buffer_init(&human, LINE_MAXIMUM);
	assert_int_equal(check_render_human(&report, &style, &human), 0);
	for (size_t i = 0; i < human.length; i++)
		if ((unsigned char)human.at[i] < ' ' && human.at[i] != '\n')
			fail_msg("byte %d in human output", human.at[i]);
	buffer_done(&human);
	check_report_free(&report);
	arena_done(&arena);
	assert_non_null(text);
	return text;
}

static void assert_same(uint64_t seed, const char *before, const char *after)
{
	size_t at = 0;
	while (before[at] && before[at] == after[at])
		at++;
	if (before[at] || after[at])
		fail_msg("seed %d, from byte %zu\n%.200s\n%.200s", (int)seed, at, before + (at > 60 ? at - 60 : 0),
			after + (at > 60 ? at - 60 : 0));
}

static void what_was_saved_reads_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct check_facts *facts = any_facts(&pictures, seed);
		struct buffer first = written(facts);
		struct check_facts *again = read_back(buffer_span(&first));
		struct buffer second = written(again);
		assert_same(seed, first.at, second.at);
		char *before = told(facts, (enum trust_policy_kind)(seed % 3));
		char *after = told(again, (enum trust_policy_kind)(seed % 3));
		assert_same(seed, before, after);
		free(before);
		free(after);
		buffer_done(&first);
		buffer_done(&second);
		check_facts_free(facts);
		check_facts_free(again);
	}
}

/* ---- what is refused ---- */

/* A whole line with one attempt, to be changed in one place. */
#define LINE                                                                                                           \
	"{\"format\":\"fedge-check-facts\",\"version\":1,\"typed\":\"a.example\",\"domain\":\"a.example\","            \
	"\"examined_us\":1790000000000000,\"srv\":{\"service\":\"_sipfederationtls._tcp\","                            \
	"\"lookup\":{\"status\":\"ok\"},\"records\":[{\"port\":5061,\"target\":\"vcse.a.example\"}]},"                 \
	"\"hosts\":[{\"name\":\"vcse.a.example\",\"port\":5061,\"a\":{\"status\":\"ok\"},"                             \
	"\"aaaa\":{\"status\":\"nodata\"},\"addresses\":[\"198.51.100.47\"],"                                          \
	"\"tlsa_lookup\":{\"status\":\"not-asked\"}}],"                                                                \
	"\"attempts\":[{\"address\":\"198.51.100.47\",\"port\":5061,\"connect\":\"refused\","                          \
	"\"handshake\":\"not-tried\",\"reaction\":\"unknown\",\"connect_us\":12,\"chain\":{\"status\":\"not-"          \
	"verified\"}}]}"

static void replace(const char *from, const char *to, struct buffer *out)
{
	const char *at = strstr(LINE, from);
	if (!at)
		fail_msg("`%s` is not in the line", from);
	buffer_append(out, span_make(LINE, (size_t)(at - LINE)));
	buffer_append_text(out, to);
	buffer_append_text(out, at + strlen(from));
}

static void what_does_not_fit_is_refused_by_its_name(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to; /* equal: the line is good */
		int status;
		const char *said;
	} cases[] = {
		{ "a.example", "a.example", 0, "" },
		{ "\"domain\"", "\"new_field\":[1,{}],\"domain\"", 0, "" },
		{ "check-facts", "facts", -EBADMSG, "format: this is no line of saved facts" },
		{ "\"version\":1", "\"version\":2", -ENOTSUP, "version: written by a newer fedge" },
		{ "\"version\":1", "\"version\":\"1\"", -EBADMSG, "version" },
		{ "\"version\":1,", "", -EBADMSG, "version" },
		{ "{\"format\"", "[{\"format\"", -EBADMSG, "not JSON, or cut off" },
		{ "\"typed\":\"a.example\"", "\"typed\":7", -EBADMSG, "typed: not a text" },
		{ "\"typed\":\"a.example\"", "\"typed\":{\"base64\":\"YS5l\"}", -EBADMSG,
			"typed: a text that needs no" },
		{ "\"typed\":\"a.example\"", "\"typed\":{\"base64\":\"/w=\"}", -EBADMSG, "typed: not base64" },
		{ "\"typed\":\"a.example\"", "\"typed\":{\"base64\":\"/x==\"}", -EBADMSG, "typed: not base64" },
		{ "\"typed\":\"a.example\"", "\"typed\":{\"base64\":\"/w==\"}", 0, "" },
		{ "\"domain\":\"a.example\"", "\"domain\":\"a example;\"", -EBADMSG, "domain: no domain name" },
		{ "\"domain\":\"a.example\"", "\"domain\":\"a\",\"domain\":\"b\"", -EBADMSG, "not JSON" },
		{ "1790000000000000", "-1", -EBADMSG, "examined_us: out of range" },
		{ "1790000000000000", "9e99", -EBADMSG, "examined_us: not a whole number" },
		{ "1790000000000000", "9223372036854775807", -EBADMSG, "examined_us: out of range" },
		{ "{\"status\":\"ok\"}", "{\"status\":\"okay\"}", -EBADMSG, "srv.lookup.status: no word" },
		{ "{\"status\":\"ok\"}", "{}", -EBADMSG, "srv.lookup.status: missing" },
		{ "{\"status\":\"ok\"}", "7", -EBADMSG, "srv.lookup: not an object" },
		{ "\"lookup\":{\"status\":\"ok\"},", "", -EBADMSG, "srv.lookup: missing" },
		{ "\"port\":5061,\"target\"", "\"port\":65536,\"target\"", -EBADMSG,
			"srv.records[0].port: out of range" },
		{ ",\"target\":\"vcse.a.example\"", "", -EBADMSG, "srv.records: one without target" },
		{ "\"name\":\"vcse.a.example\",", "", -EBADMSG, "hosts[0].name: missing" },
		{ "[\"198.51.100.47\"]", "[\"198.51.100.047\"]", -EBADMSG, "hosts[0].addresses: one that is none" },
		{ "[\"198.51.100.47\"]", "[\"2001:DB8::1\"]", -EBADMSG, "hosts[0].addresses: one that is none" },
		{ "[\"198.51.100.47\"]", "\"198.51.100.47\"", -EBADMSG, "hosts[0].addresses: not a list" },
		{ "{\"address\":\"198.51.100.47\"", "{\"address\":\"all\"", -EBADMSG, "attempts[0].address: not an" },
		{ "{\"address\"", "{\"host\":1,\"address\"", -EBADMSG, "attempts[0].host: no such host" },
		{ "\"connect\":\"refused\"", "\"connect\":\"REFUSED\"", -EBADMSG, "attempts[0].connect: no word" },
		{ "\"connect_us\":12", "\"connect_us\":1.5", -EBADMSG, "attempts[0].connect_us: not a whole number" },
		{ "\"connect_us\":12", "\"certificate_asked\":1", -EBADMSG,
			"attempts[0].certificate_asked: neither true nor false" },
		{ "{\"status\":\"not-verified\"}", "{\"status\":\"trusted\",\"sent\":1,\"certificates\":[0]}", -EBADMSG,
			"attempts[0].chain.certificates: no such certificate" },
		{ "\"attempts\":[", "\"certificates\":[\"MAA=\"],\"attempts\":[", 0, "" },
		{ "\"connect_us\":12", "\"versions\":[{\"status\":\"agreed\"}]", -EBADMSG,
			"attempts[0].versions: not" },
		{ "\"connect_us\":12", "\"options\":{\"status\":700}", -EBADMSG,
			"attempts[0].options.status: out of range" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer line;
		struct check_facts *facts = NULL;
		char error[CHECK_SAVE_ERROR_SIZE] = "";
		buffer_init(&line, LINE_MAXIMUM);
		replace(cases[i].from, cases[i].to, &line);
		int status = check_save_read(buffer_span(&line), NULL, NULL, &facts, error);
		if (status != cases[i].status || !strstr(error, cases[i].said))
			fail_msg("%s -> %s: %d, \"%s\"", cases[i].from, cases[i].to, status, error);
		if (status == 0)
			check_facts_free(facts);
		buffer_done(&line);
	}
}

/* Lists that are too long, a tree that would be too large, a certificate that is none. */
static void nothing_grows_without_end(void **state)
{
	(void)state;
	static const struct {
		const char *from, *open, *item, *close;
		size_t count;
		const char *said;
	} cases[] = {
		{ "\"addresses\":[\"198.51.100.47\"]", "\"addresses\":[", "\"198.51.100.47\"", "]", 257,
			"hosts[0].addresses: too many" },
		{ "\"records\":[{\"port\":5061,\"target\":\"vcse.a.example\"}]", "\"records\":[", "{\"target\":\"a\"}",
			"]", 257, "srv.records: too many" },
		{ "\"attempts\":[", "\"more\":[", "[]", "],\"attempts\":[", 300000, "longer than facts can be" },
		{ "\"attempts\":[", "\"certificates\":[", "\"\"", "],\"attempts\":[", 2049, "certificates: too many" },
		{ "\"connect_us\":12", "\"requested_authorities\":[", "\"CN=A\"", "]", 65,
			"attempts[0].requested_authorities: too many" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer line, list;
		struct check_facts *facts = NULL;
		char error[CHECK_SAVE_ERROR_SIZE] = "";
		buffer_init(&line, LINE_MAXIMUM);
		buffer_init(&list, LINE_MAXIMUM);
		buffer_append_text(&list, cases[i].open);
		for (size_t j = 0; j < cases[i].count; j++)
			buffer_printf(&list, "%s%s", j ? "," : "", cases[i].item);
		buffer_append_text(&list, cases[i].close);
		replace(cases[i].from, list.at, &line);
		assert_int_equal(check_save_read(buffer_span(&line), NULL, NULL, &facts, error), -EBADMSG);
		if (!strstr(error, cases[i].said))
			fail_msg("%s, not %s", error, cases[i].said);
		buffer_done(&line);
		buffer_done(&list);
	}
}

static void a_certificate_that_is_none_is_refused(void **state)
{
	(void)state;
	struct buffer line;
	struct check_facts *facts = NULL;
	char error[CHECK_SAVE_ERROR_SIZE] = "";
	buffer_init(&line, LINE_MAXIMUM);
	replace("\"attempts\":[", "\"certificates\":[\"MAA=\"],\"attempts\":[", &line);
	struct span text = buffer_span(&line);
	size_t at = span_find_span(text, SPAN("{\"status\":\"not-verified\"}"));
	struct buffer whole;
	buffer_init(&whole, LINE_MAXIMUM);
	buffer_append(&whole, span_first(text, at));
	buffer_append_text(&whole, "{\"status\":\"trusted\",\"sent\":1,\"certificates\":[0]}}]}");
	assert_int_equal(check_save_read(buffer_span(&whole), NULL, NULL, &facts, error), -EBADMSG);
	assert_string_equal(error, "attempts[0].chain.certificates: one that cannot be read");
	buffer_done(&line);
	buffer_done(&whole);
}

/* Whoever damages a line in transit, or changes it on purpose: refused, or judged and shown like any other. */
static void a_damaged_line_never_harms(void **state)
{
	(void)state;
	struct random random;
	random_init_seed(&random, 4711);
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct check_facts *facts = any_facts(&pictures, seed);
		struct buffer line = written(facts);
		check_facts_free(facts);
		for (size_t i = 0; i < 40; i++) {
			struct buffer damaged;
			char error[CHECK_SAVE_ERROR_SIZE] = "";
			buffer_init(&damaged, LINE_MAXIMUM);
			buffer_append(&damaged, buffer_span(&line));
			for (size_t hits = 1 + random_below(&random, 3); hits; hits--)
				damaged.at[random_below(&random, damaged.length)] =
					"0123456789\"[]{},:=aAzZ/+\\\xff \n"[random_below(&random, 29)];
			struct span text = buffer_span(&damaged);
			if (i % 4 == 0)
				text = span_first(text, random_below(&random, text.length));
			int status = check_save_read(text, NULL, NULL, &facts, error);
			assert_true(status == 0 || status == -EBADMSG || status == -ENOTSUP);
			assert_true(status == 0 || error[0]);
			if (status == 0) {
				free(told(facts, TRUST_POLICY_MICROSOFT));
				struct buffer again = written(facts);
				buffer_done(&again);
				check_facts_free(facts);
			}
			buffer_done(&damaged);
		}
		buffer_done(&line);
	}
}

/* ---- trust ---- */

static struct net_tls *trusting_root(struct folder *folder)
{
	X509 *chain[] = { pictures.issued[0].certificate, NULL };
	const char *files[] = { folder_chain(folder, "root.pem", chain) };
	struct net_tls_settings settings = { .authority_files = files, .authority_count = 1 };
	struct net_tls *tls = NULL;
	char error[512];
	if (net_tls_new(&settings, &tls, error) < 0)
		fail_msg("%s", error);
	return tls;
}

static void chains_are_verified_anew_where_asked(void **state)
{
	(void)state;
	static const struct {
		size_t der[3], count;
		enum trust_chain_status saved, anew;
	} cases[] = {
		{ { 2, 1 }, 2, TRUST_CHAIN_UNTRUSTED, TRUST_CHAIN_TRUSTED },
		{ { 2 }, 1, TRUST_CHAIN_TRUSTED, TRUST_CHAIN_UNTRUSTED },
		{ { 4 }, 1, TRUST_CHAIN_TRUSTED, TRUST_CHAIN_SELF_SIGNED },
	};
	struct folder folder;
	folder_make(&folder);
	struct net_tls *tls = trusting_root(&folder);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct check_facts *facts = read_back(SPAN(LINE));
		struct peer_probe_facts *probe = &facts->attempts[0].probe;
		struct span der[3];
		for (size_t j = 0; j < cases[i].count; j++)
			der[j] = pictures.der[cases[i].der[j]];
		probe->der = der;
		probe->der_count = probe->chain.sent_count = cases[i].count;
		probe->chain.status = cases[i].saved;
		struct buffer line = written(facts);
		check_facts_free(facts);
		for (int anew = 0; anew <= 1; anew++) {
			char error[CHECK_SAVE_ERROR_SIZE];
			assert_int_equal(
				check_save_read(buffer_span(&line), anew ? tls : NULL, NULL, &facts, error), 0);
			assert_int_equal(facts->attempts[0].probe.chain.status, anew ? cases[i].anew : cases[i].saved);
			assert_int_equal(facts->attempts[0].probe.chain.count, cases[i].count);
			check_facts_free(facts);
		}
		buffer_done(&line);
	}
	net_tls_unref(tls);
	folder_remove(&folder);
}

static int set_up(void **state)
{
	(void)state;
	pictures_make(&pictures);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pictures_free(&pictures);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_reads_the_same),
		cmocka_unit_test(what_does_not_fit_is_refused_by_its_name),
		cmocka_unit_test(nothing_grows_without_end),
		cmocka_unit_test(a_certificate_that_is_none_is_refused),
		cmocka_unit_test(a_damaged_line_never_harms),
		cmocka_unit_test(chains_are_verified_anew_where_asked),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
