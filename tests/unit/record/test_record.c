/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "record/field.h"
#include "record/sink.h"
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static void addresses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int family; /* 0: refused */
	} cases[] = {
		{ "127.48.36.47", 4 },
		{ "0.0.0.0", 4 },
		{ "255.255.255.255", 4 },
		{ "9.10.99.100", 4 },
		{ "::1", 6 },
		{ "2001:db8::48:36:47", 6 },
		{ "", 0 },
		{ "1.2.3", 0 },
		{ "256.1.1.1", 0 },
		{ "vcse.steven.lab", 0 },
		{ "[::1]", 0 },
		{ "1.2.3.4:5061", 0 },
		{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", 0 },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct record_address address = { .port = 5061 };
		char text[RECORD_ADDRESS_TEXT];
		int status = record_address_parse(span_of(cases[i].text), &address);
		if (status != (cases[i].family ? 0 : -EINVAL) || address.family != cases[i].family ||
			address.port != 5061)
			fail_msg("'%s': %d, family %d", cases[i].text, status, address.family);
		if (!cases[i].family)
			continue;
		assert_int_equal(record_address_format(&address, text), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
	}
	struct record_address unknown = { 0 };
	char text[RECORD_ADDRESS_TEXT] = "x";
	assert_int_equal(record_address_format(&unknown, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(record_address_parse(span_make("1.2.3.4\0x", 9), &unknown), -EINVAL);
}

static void socket_addresses(void **state)
{
	(void)state;
	char text[RECORD_ADDRESS_TEXT];
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(25002) };
	inet_pton(AF_INET, "127.48.36.47", &in.sin_addr);
	struct record_address address = record_address_of((const struct sockaddr *)&in);
	record_address_format(&address, text);
	assert_string_equal(text, "127.48.36.47");
	assert_int_equal(address.port, 25002);

	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(5061) };
	inet_pton(AF_INET6, "::ffff:127.48.36.47", &in6.sin6_addr);
	address = record_address_of((const struct sockaddr *)&in6);
	assert_int_equal(address.family, 4);
	record_address_format(&address, text);
	assert_string_equal(text, "127.48.36.47");

	inet_pton(AF_INET6, "2001:db8::6", &in6.sin6_addr);
	address = record_address_of((const struct sockaddr *)&in6);
	assert_int_equal(address.family, 6);
	assert_int_equal(record_address_of(NULL).family, 0);
	struct sockaddr local = { .sa_family = AF_UNIX };
	assert_int_equal(record_address_of(&local).family, 0);
}

static void kinds_have_words_and_fields(void **state)
{
	(void)state;
	for (unsigned int kind = 1; kind < RECORD_KIND_COUNT; kind++) {
		const char *word = record_kind_word((enum record_kind)kind);
		assert_int_equal(record_kind_of(span_of(word)), kind);
		const struct record_field *fields = record_kind_fields((enum record_kind)kind);
		assert_non_null(fields[0].name);
		/* One name means one thing: no field of a kind is called like one of the head. */
		for (const struct record_field *f = fields; f->name; f++)
			for (const struct record_field *h = record_head_fields; h->name; h++)
				assert_string_not_equal(f->name, h->name);
	}
	assert_int_equal(record_kind_of(SPAN("none")), RECORD_NONE);
	assert_int_equal(record_kind_of(SPAN("gossip")), RECORD_NONE);
	assert_null(record_kind_fields(RECORD_KIND_COUNT)[0].name);
}

static void differences_are_named(void **state)
{
	(void)state;
	struct record a = { .kind = RECORD_CALL, .call = { .source = SPAN("sip:a@x"), .response_code = 504 } };
	struct record b = a;
	const char *name = "-";
	assert_true(record_equal(&a, &b, &name));
	assert_string_equal(name, "-");
	b.call.response_code = 503;
	assert_false(record_equal(&a, &b, &name));
	assert_string_equal(name, "response_code");
	b = a;
	b.head.tag = SPAN("t");
	assert_false(record_equal(&a, &b, &name));
	assert_string_equal(name, "tag");
	b = a;
	b.kind = RECORD_NODE;
	assert_false(record_equal(&a, &b, NULL));
}

static void count_one(void *argument, const struct record *r)
{
	*(uint64_t *)argument += r->head.node.length + 100;
}

static void fanout(void **state)
{
	(void)state;
	uint64_t first = 0, second = 0;
	struct record r = { .kind = RECORD_NODE };
	struct record_fanout out = { .count = 0 };
	assert_false(record_wanted(NULL));
	struct record_sink sink = record_fanout_sink(&out);
	assert_false(record_wanted(&sink));
	record_take(&sink, &r);

	assert_int_equal(record_fanout_add(&out, (struct record_sink){ NULL, NULL }), 0);
	assert_int_equal(record_fanout_add(&out, (struct record_sink){ count_one, &first }), 0);
	sink = record_fanout_sink(&out);
	assert_ptr_equal(sink.argument, &first);
	assert_int_equal(record_fanout_add(&out, (struct record_sink){ count_one, &second }), 0);
	sink = record_fanout_sink(&out);
	record_take(&sink, &r);
	record_take(&sink, &r);
	assert_int_equal(first, 200);
	assert_int_equal(second, 200);
	while (out.count < RECORD_FANOUT_MAXIMUM)
		assert_int_equal(record_fanout_add(&out, (struct record_sink){ count_one, &first }), 0);
	assert_int_equal(record_fanout_add(&out, (struct record_sink){ count_one, &first }), -ENOSPC);
}

static void names_are_given_once(void **state)
{
	(void)state;
	uint64_t sum = 0;
	struct record_named_sink named = { .next = { count_one, &sum }, .node = SPAN("vcse") };
	struct record_sink sink = record_named_sink(&named);
	struct record r = { .kind = RECORD_NODE };
	record_take(&sink, &r);
	assert_int_equal(sum, 104);
	assert_null(r.head.node.at);
	r.head.node = SPAN("another");
	record_take(&sink, &r);
	assert_int_equal(sum, 104 + 107);
	named.next.take = NULL;
	sink = record_named_sink(&named);
	assert_false(record_wanted(&sink));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(socket_addresses),
		cmocka_unit_test(kinds_have_words_and_fields),
		cmocka_unit_test(differences_are_named),
		cmocka_unit_test(fanout),
		cmocka_unit_test(names_are_given_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
