/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be pasted into a shell or a zone file holds nothing that a stranger chose and that means something there.
 */
#include "finding/remedy.h"
#include "unit/cmocka_all.h"

struct desk {
	struct arena arena;
	struct finding_list list;
	struct finding *f;
};

static void desk_open(struct desk *d, enum finding_code code)
{
	arena_init(&d->arena, 1 << 20);
	finding_list_init(&d->list, &d->arena, FINDING_PARTNER);
	d->f = finding_add(&d->list, code, SPAN("a.example"));
}

static void desk_close(struct desk *d)
{
	arena_done(&d->arena);
}

static struct span first_line(const struct finding *f)
{
	assert_non_null(f->fixes);
	assert_non_null(f->fixes->lines);
	return f->fixes->lines->text;
}

static const struct {
	const char *name;
	const char *address, *host;
	const char *line;
} handshakes[] = {
	{ "an address and a name", "192.0.2.1:5061", "edge.a.example.",
		"openssl s_client -connect 192.0.2.1:5061 -servername edge.a.example" },
	{ "IPv6", "[2001:db8::6]:5061", "edge.a.example",
		"openssl s_client -connect [2001:db8::6]:5061 -servername edge.a.example" },
	{ "a command in the address", "192.0.2.1:5061;reboot", "edge.a.example",
		"openssl s_client -connect ADDRESS:PORT -servername edge.a.example" },
	{ "a substitution in both", "$(reboot)", "`reboot`",
		"openssl s_client -connect ADDRESS:PORT -servername HOST" },
	{ "a line end", "192.0.2.1\nreboot", "edge.a.example\nreboot",
		"openssl s_client -connect ADDRESS:PORT -servername HOST" },
	{ "an option", "-msg", "-msg", "openssl s_client -connect ADDRESS:PORT -servername HOST" },
	{ "nothing", "", "", "openssl s_client -connect ADDRESS:PORT -servername HOST" },
	{ "no end", "1111111111111111111111111111111111111111111111111111111111111111111111111", "edge.a.example",
		"openssl s_client -connect ADDRESS:PORT -servername edge.a.example" },
};

static void what_asks_a_server_is_safe_to_paste(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(handshakes) / sizeof(handshakes[0]); i++) {
		struct desk d;
		desk_open(&d, FINDING_TLS_HANDSHAKE_FAILED);
		remedy_handshake(d.f, span_of(handshakes[i].address), span_of(handshakes[i].host));
		if (!span_is(first_line(d.f), handshakes[i].line))
			fail_msg("%s: %.*s", handshakes[i].name, SPAN_PRINT(first_line(d.f)));
		desk_close(&d);
	}
}

static const struct {
	const char *name;
	bool is_plain;
} names[] = {
	{ "edge.a.example", true },
	{ "edge.a.example.", true },
	{ "_sip._tcp.a-b.example", true },
	{ "", false },
	{ ".", false },
	{ "a..example", false },
	{ ".example", false },
	{ "-v.example", false },
	{ "a.example -v", false },
	{ "a.example;b", false },
	{ "$HOME.example", false },
	{ "*.a.example", false },
	{ "b\303\274cher.example", false },
};

static void names_to_be_pasted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (remedy_is_plain(span_of(names[i].name)) != names[i].is_plain)
			fail_msg("%s", names[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_asks_a_server_is_safe_to_paste),
		cmocka_unit_test(names_to_be_pasted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
