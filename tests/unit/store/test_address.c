/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of stores: what is said of them, and that nobody sees a password. */
#include "base/require.h"
#include "store/address.h"
#include "unit/cmocka_all.h"

#define HIDDEN "postgresql://\u2026"

static const struct {
	const char *address, *shown;
	const char *wrong; /* NULL: nothing */
	bool exposed;
} cases[] = {
	{ "/var/lib/fedge/history.db", "/var/lib/fedge/history.db", NULL, false },
	{ "postgresql.db", "postgresql.db", NULL, false },
	{ "postgresql://", "postgresql:///", NULL, false },
	{ "postgres://fedge@/calls?host=/run/postgresql", "postgresql://fedge@/run/postgresql/calls", NULL, false },
	{ "POSTGRESQL://fedge:sesame@h/calls", HIDDEN, "begins with postgresql:// in small letters", false },
	{ "postgresql://fedge:sesame@db.example:5433/calls?sslmode=verify-full",
		"postgresql://fedge@db.example:5433/calls", NULL, false },
	{ "postgresql://db.example/calls?user=fedge&password=sesame", "postgresql://fedge@db.example/calls", NULL,
		true },
	{ "postgresql://db.example/calls?user=fedge&p%61ssword=sesame", "postgresql://fedge@db.example/calls", NULL,
		true },
	{ "postgresql://u:se%2Fsame@db.example/calls?sslmode=require", "postgresql://u@db.example/calls", NULL, false },
	{ "postgresql://u:p@a.example,b.example:5433/c?sslmode=prefer", "postgresql://u@a.example,b.example/c", NULL,
		true },
	{ "postgresql://u@127.0.0.1/c", "postgresql://u@127.0.0.1/c", NULL, false },
	{ "postgresql://u@localhost,db.example/c", "postgresql://u@localhost,db.example/c", NULL, true },
	{ "postgresql://u@localhost/c?hostaddr=192.0.2.1", "postgresql://u@localhost/c", NULL, true },
	{ "postgresql://u@[::1]:5432/c", "postgresql://u@::1:5432/c", NULL, false },
	/* What is no address may be a password, in any part of it. */
	{ "postgresql://u:ses/same@h/c", HIDDEN, "cannot be read: in a name or a password", true },
	{ "postgresql://u:123/same@h/c", HIDDEN, "cannot be read: in a name or a password", true },
	{ "postgresql://u:se@same@h/c", HIDDEN, "cannot be read: in a name or a password", true },
	{ "postgresql://u:ses%ame@h/c", HIDDEN, "cannot be read: invalid percent-encoded token", false },
	{ "postgresql://u:sesame@h/c?x=1", HIDDEN, "has no option \"x\"", false },
	{ "postgresql://u:sesame@h/c?sslmode=on", "postgresql://u@h/c", "has no such sslmode", false },
	{ "postgresql://u@h/c?sesame", HIDDEN, "cannot be read: missing key/value separator", false },
	{ "postgresql://u@h/a%0Ab", HIDDEN, NULL, true },
};

static void addresses_are_read_and_shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		char shown[STORE_ADDRESS_SIZE], wrong[STORE_ADDRESS_ERROR_SIZE] = "";
		struct span address = span_of(cases[i].address);
		int status = store_address_check(address, wrong);
		store_address_show(address, shown);
		if (strcmp(shown, cases[i].shown) != 0)
			fail_msg("%s: shown as %s", cases[i].address, shown);
		if ((status < 0) != (cases[i].wrong != NULL) || (cases[i].wrong && !strstr(wrong, cases[i].wrong)))
			fail_msg("%s: %d, %s", cases[i].address, status, wrong);
		if (strstr(shown, "same") || strstr(wrong, "same"))
			fail_msg("%s: told: %s, %s", cases[i].address, shown, wrong);
		if (store_address_is_exposed(address) != cases[i].exposed)
			fail_msg("%s: exposed %d", cases[i].address, !cases[i].exposed);
	}
}

static void long_ones_are_cut(void **state)
{
	char address[2000], shown[STORE_ADDRESS_SIZE];
	(void)state;
	memset(address, 'x', sizeof(address));
	store_address_show(span_make(address, sizeof(address)), shown);
	assert_int_equal(strlen(shown), STORE_ADDRESS_SIZE - 1);
	memcpy(address, "postgresql://", 13);
	store_address_show(span_make(address, sizeof(address)), shown);
	assert_true(strlen(shown) < STORE_ADDRESS_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_shown),
		cmocka_unit_test(long_ones_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
