/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants those above first */
#include "transport/flow.h"

#include <cmocka.h>

static const struct hash_key KEY = { { 11, 22 } };
#define CALL SPAN("a-call@host")

static void test_token_comes_back(void **state)
{
	(void)state;
	static const struct transport_flow flows[] = {
		{ 0, 0, 1 }, { 255, UINT32_MAX - 1, UINT32_MAX }, { 3, 17, 0 }, /* UDP */
	};
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		char text[TRANSPORT_TOKEN_LENGTH + 1];
		transport_token_write(&KEY, flows[i], CALL, text);
		assert_int_equal(strlen(text), TRANSPORT_TOKEN_LENGTH);
		struct transport_flow back;
		assert_int_equal(transport_token_parse(&KEY, span_of(text), CALL, &back), 0);
		assert_true(transport_flow_equal(flows[i], back));
	}
}

static void test_token_survives_upper_case(void **state)
{
	(void)state;
	char text[TRANSPORT_TOKEN_LENGTH + 1];
	transport_token_write(&KEY, (struct transport_flow){ 10, 0xabcdef, 0xfedcba }, CALL, text);
	for (char *c = text; *c; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
	struct transport_flow back;
	assert_int_equal(transport_token_parse(&KEY, span_of(text), CALL, &back), 0);
	assert_int_equal(back.slot, 0xabcdef);
}

static void test_every_changed_digit_is_a_forgery(void **state)
{
	(void)state;
	char text[TRANSPORT_TOKEN_LENGTH + 1];
	transport_token_write(&KEY, (struct transport_flow){ 1, 2, 3 }, CALL, text);
	for (size_t i = 0; i < TRANSPORT_TOKEN_LENGTH; i++) {
		char forged[TRANSPORT_TOKEN_LENGTH + 1];
		memcpy(forged, text, sizeof(forged));
		forged[i] = forged[i] == '7' ? '8' : '7';
		struct transport_flow flow = { 9, 9, 9 };
		int status = transport_token_parse(&KEY, span_of(forged), CALL, &flow);
		if (status != -EACCES)
			fail_msg("digit %zu changed: %d", i, status);
		assert_int_equal(flow.slot, 9); /* untouched */
	}
}

static void test_token_of_another_key_is_a_forgery(void **state)
{
	(void)state;
	char text[TRANSPORT_TOKEN_LENGTH + 1];
	transport_token_write(&(struct hash_key){ { 11, 23 } }, (struct transport_flow){ 1, 2, 3 }, CALL, text);
	struct transport_flow flow;
	assert_int_equal(transport_token_parse(&KEY, span_of(text), CALL, &flow), -EACCES);
}

static void test_token_of_another_dialog_is_a_forgery(void **state)
{
	(void)state;
	static const char *const others[] = { "", "a-call@hos", "a-call@host ", "A-call@host", "another" };
	char text[TRANSPORT_TOKEN_LENGTH + 1];
	transport_token_write(&KEY, (struct transport_flow){ 1, 2, 3 }, CALL, text);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct transport_flow flow;
		if (transport_token_parse(&KEY, span_of(text), span_of(others[i]), &flow) != -EACCES)
			fail_msg("taken in the dialog: %s", others[i]);
	}
}

static void test_other_users_are_no_tokens(void **state)
{
	(void)state;
	static const char *const users[] = { "", "2000", "alice", "0123456789abcdef0123456789abcdef0",
		"0123456789abcdef0123456789abcdef012", "0123456789abcdefg123456789abcdef01" };
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		struct transport_flow flow;
		if (transport_token_parse(&KEY, span_of(users[i]), CALL, &flow) != -EINVAL)
			fail_msg("taken for a token: %s", users[i]);
	}
}

static void test_branches_are_taken_apart(void **state)
{
	(void)state;
	uint16_t worker;
	struct span hash;
	struct span ours = SPAN("z9hG4bK1f0123456789abcdef0123456789abcdef.fedcba9876543210fedcba9876543210");
	assert_int_equal(ours.length, TRANSPORT_BRANCH_LENGTH);
	assert_int_equal(transport_branch_parse(ours, &worker, &hash), 0);
	assert_int_equal(worker, 0x1f);
	assert_true(span_is(hash, "fedcba9876543210fedcba9876543210"));
	static const char *const others[] = {
		"",
		"z9hG4bK776asdhds",
		"z9hG4bK1f0123456789abcdef0123456789abcdef,fedcba9876543210fedcba9876543210",
		"z9hG4bK1f0123456789abcdef0123456789abcdef.fedcba9876543210fedcba987654321",
		"z9hG4bKxf0123456789abcdef0123456789abcdef.fedcba9876543210fedcba9876543210",
		"y9hG4bK1f0123456789abcdef0123456789abcdef.fedcba9876543210fedcba9876543210",
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (transport_branch_parse(span_of(others[i]), &worker, &hash) != -EINVAL)
			fail_msg("taken for ours: %s", others[i]);
}

static void test_protocol_names(void **state)
{
	(void)state;
	assert_int_equal(transport_protocol_parse(SPAN("tls")), TRANSPORT_TLS);
	assert_int_equal(transport_protocol_parse(SPAN("UDP")), TRANSPORT_UDP);
	assert_int_equal(transport_protocol_parse(SPAN("sctp")), TRANSPORT_ANY);
	assert_int_equal(transport_protocol_parse(SPAN("")), TRANSPORT_ANY);
	assert_string_equal(transport_protocol_name(TRANSPORT_TCP), "TCP");
	assert_string_equal(transport_protocol_parameter(TRANSPORT_TLS), "tls");
	assert_int_equal(transport_protocol_of(SIP_TRANSPORT_TCP), TRANSPORT_TCP);
	assert_int_equal(transport_protocol_of(SIP_TRANSPORT_WSS), TRANSPORT_ANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_comes_back),
		cmocka_unit_test(test_token_survives_upper_case),
		cmocka_unit_test(test_every_changed_digit_is_a_forgery),
		cmocka_unit_test(test_token_of_another_key_is_a_forgery),
		cmocka_unit_test(test_token_of_another_dialog_is_a_forgery),
		cmocka_unit_test(test_other_users_are_no_tokens),
		cmocka_unit_test(test_branches_are_taken_apart),
		cmocka_unit_test(test_protocol_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
