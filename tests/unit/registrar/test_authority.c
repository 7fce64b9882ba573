/* SPDX-License-Identifier: Apache-2.0 */
/* Digest as a server asks for it: who is believed, and every way to be refused. */
#include "base/clock.h"
#include "base/require.h"
#include "registrar/authority.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW_US (INT64_C(1800000000) * CLOCK_SECOND_US)
#define LIFETIME_US (INT64_C(60) * CLOCK_SECOND_US)
#define SOURCE SPAN("192.0.2.4")

struct house {
	struct arena arena;
	struct registrar_users *users;
	struct registrar_nonces *nonces;
	struct random random;
};

static const struct span ALIASES[] = { { "2000@Steven.lab", 15 }, { "steven@steven.lab", 17 } };
static const struct registrar_account ACCOUNTS[] = {
	{ .username = { "2000", 4 }, .password = { "secret", 6 }, .aliases = ALIASES, .alias_count = 2 },
	{ .username = { "anna", 4 }, .password = { "other", 5 } },
	/* H(old:steven.lab:pass) with MD5 alone, in capitals */
	{ .username = { "old", 3 }, .secret_md5 = { "", 0 } },
};
static const struct span DOMAINS[] = { { "steven.lab", 10 }, { "cms.steven.lab", 14 } };

static int set_up(void **state)
{
	static const struct hash_key key = { { 3, 4 } };
	struct house *h = calloc(1, sizeof(*h));
	struct registrar_account accounts[BASE_COUNT(ACCOUNTS)];
	char secret[SIP_DIGEST_HEX_MAXIMUM];
	memcpy(accounts, ACCOUNTS, sizeof(accounts));
	sip_digest_secret(SIP_DIGEST_MD5, SPAN("old"), SPAN("steven.lab"), SPAN("pass"), secret);
	for (char *c = secret; *c; c++)
		*c = *c >= 'a' ? (char)(*c & ~0x20) : *c;
	accounts[2].secret_md5 = span_of(secret);
	struct registrar_users_settings settings = { .realm = SPAN("steven.lab"),
		.domains = DOMAINS,
		.domain_count = BASE_COUNT(DOMAINS),
		.accounts = accounts,
		.account_count = BASE_COUNT(accounts) };
	arena_init(&h->arena, 16 << 20);
	random_init_seed(&h->random, 7);
	*state = h;
	return registrar_users_new(&settings, &h->users) + registrar_nonces_new(&key, 1024, &h->nonces);
}

static int tear_down(void **state)
{
	struct house *h = *state;
	registrar_users_free(h->users);
	registrar_nonces_free(h->nonces);
	arena_done(&h->arena);
	free(h);
	return 0;
}

static struct span nonce_of(struct house *h, enum sip_digest_algorithm algorithm, int64_t at_us)
{
	char nonce[REGISTRAR_NONCE_LENGTH + 1];
	registrar_nonce_make(h->nonces, algorithm, SOURCE, at_us, &h->random, nonce);
	return arena_copy(&h->arena, span_of(nonce));
}

/* What a request says; everything has a right value that a case can replace. */
struct saying {
	const char *username, *password, *realm, *uri, *qop, *algorithm, *nc, *source, *computed_as, *scheme;
	struct span nonce;
	int64_t age_us;
};

static enum registrar_proof ask(struct house *h, const struct saying *s, struct registrar_answer *ret_answer)
{
	bool is_sha = s->algorithm && span_is(span_of(s->algorithm), "SHA-256");
	enum sip_digest_algorithm algorithm = is_sha ? SIP_DIGEST_SHA256 : SIP_DIGEST_MD5;
	struct sip_digest_credentials c = { .username = span_of(s->username ? s->username : "2000"),
		.realm = span_of(s->realm ? s->realm : "steven.lab"),
		.nonce = s->nonce.at ? s->nonce : nonce_of(h, algorithm, NOW_US - s->age_us),
		.uri = span_of(s->uri ? s->uri : "sip:steven.lab"),
		.cnonce = SPAN("0a4f113b"),
		.nc = span_of(s->nc ? s->nc : "00000001"),
		.algorithm = algorithm,
		.qop = SIP_DIGEST_QOP_AUTH };
	char secret[SIP_DIGEST_HEX_MAXIMUM], response[SIP_DIGEST_HEX_MAXIMUM];
	sip_digest_secret(algorithm, c.username, c.realm, span_of(s->password ? s->password : "secret"), secret);
	if (s->qop && !s->qop[0])
		c.qop = SIP_DIGEST_QOP_NONE;
	assert_int_equal(sip_digest_response(&c, span_of(secret), span_of(s->computed_as ? s->computed_as : "REGISTER"),
				 SPAN_NONE, response),
		0);
	const char *qop = s->qop ? s->qop : "auth";
	struct span text = arena_printf(&h->arena,
		"REGISTER sip:steven.lab SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:2000@steven.lab>;"
		"tag=1\r\nTo: <sip:2000@steven.lab>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"
		"Authorization: %s username=\"%.*s\", realm=\"%.*s\", nonce=\"%.*s\", uri=\"%.*s\", response=\"%s\""
		"%s%s%s%s%s%s%s%s\r\n\r\n",
		s->scheme ? s->scheme : "Digest", SPAN_PRINT(c.username), SPAN_PRINT(c.realm), SPAN_PRINT(c.nonce),
		SPAN_PRINT(c.uri), response, s->algorithm ? ", algorithm=" : "", s->algorithm ? s->algorithm : "",
		qop[0] ? ", qop=" : "", qop, qop[0] ? ", cnonce=\"0a4f113b\", nc=" : "", qop[0] ? c.nc.at : "", "", "");
	struct sip_message *m = arena_zero(&h->arena, sizeof(*m));
	assert_int_equal(sip_message_parse(text, m, NULL), 0);
	struct registrar_question question = { .message = m,
		.header = SIP_HEADER_AUTHORIZATION,
		.source = s->source ? span_of(s->source) : SOURCE,
		.now_us = NOW_US,
		.nonce_lifetime_us = LIFETIME_US };
	return registrar_authority_check(h->users, h->nonces, &question, ret_answer);
}

static const struct proof_case {
	const char *name;
	struct saying saying;
	enum registrar_proof proof;
} CASES[] = {
	{ "the right password, no algorithm named (MD5)", { 0 }, REGISTRAR_PROVED },
	{ "MD5", { .algorithm = "MD5" }, REGISTRAR_PROVED },
	{ "SHA-256", { .algorithm = "SHA-256" }, REGISTRAR_PROVED },
	{ "another user", { .username = "anna", .password = "other" }, REGISTRAR_PROVED },
	{ "a stored MD5 secret", { .username = "old", .password = "pass" }, REGISTRAR_PROVED },
	{ "a stored MD5 secret is none for SHA-256", { .username = "old", .password = "pass", .algorithm = "SHA-256" },
		REGISTRAR_PROOF_WRONG },
	{ "a wrong password", { .password = "wrong" }, REGISTRAR_PROOF_WRONG },
	{ "an unknown user", { .username = "nobody" }, REGISTRAR_PROOF_WRONG },
	{ "somebody else's password", { .username = "anna" }, REGISTRAR_PROOF_WRONG },
	{ "capitals in the name", { .username = "ANNA", .password = "other" }, REGISTRAR_PROOF_WRONG },
	{ "computed for another method", { .computed_as = "INVITE" }, REGISTRAR_PROOF_WRONG },
	{ "another realm", { .realm = "other.lab" }, REGISTRAR_PROOF_MISSING },
	{ "another scheme", { .scheme = "NTLM" }, REGISTRAR_PROOF_MISSING },
	{ "another Request-URI", { .uri = "sip:other.lab" }, REGISTRAR_PROOF_MISMATCHED },
	{ "another user in the URI", { .uri = "sip:2000@steven.lab" }, REGISTRAR_PROOF_MISMATCHED },
	{ "a port and a transport in the URI", { .uri = "sip:STEVEN.lab:5060;transport=tcp" }, REGISTRAR_PROVED },
	{ "no qop", { .qop = "" }, REGISTRAR_PROOF_DOWNGRADED },
	{ "qop auth-int", { .qop = "auth-int" }, REGISTRAR_PROOF_DOWNGRADED },
	{ "an algorithm that was not offered", { .algorithm = "MD5-sess" }, REGISTRAR_PROOF_DOWNGRADED },
	{ "an algorithm that nobody knows", { .algorithm = "SHA-512-256" }, REGISTRAR_PROOF_DOWNGRADED },
	{ "an old nonce", { .age_us = LIFETIME_US + 2 * CLOCK_SECOND_US }, REGISTRAR_PROOF_STALE },
	{ "an old nonce and a wrong password", { .age_us = 2 * LIFETIME_US, .password = "x" }, REGISTRAR_PROOF_WRONG },
	{ "a nonce of the future", { .age_us = -10 * CLOCK_SECOND_US }, REGISTRAR_PROOF_STALE },
	{ "a nonce given to another address", { .source = "192.0.2.5" }, REGISTRAR_PROOF_STALE },
	{ "a nonce that is none", { .nonce = { "dcd98b7102dd2f0e8b11d0f600bfb0c093", 34 } }, REGISTRAR_PROOF_STALE },
	{ "a nonce of our shape", { .nonce = { "6b49d200m00000000000000000000000000000000", 41 } },
		REGISTRAR_PROOF_STALE },
	{ "nc is no number", { .nc = "0000000g" }, REGISTRAR_PROOF_MALFORMED },
	{ "nc is zero", { .nc = "00000000" }, REGISTRAR_PROOF_MALFORMED },
	{ "nc is too short", { .nc = "1" }, REGISTRAR_PROOF_MALFORMED },
};

static void every_way_to_be_refused(void **state)
{
	struct house *h = *state;
	for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
		struct registrar_answer answer;
		enum registrar_proof proof = ask(h, &CASES[i].saying, &answer);
		if (proof != CASES[i].proof)
			fail_msg("%s: %s", CASES[i].name, registrar_proof_name(proof));
		bool knows = proof == REGISTRAR_PROVED || proof == REGISTRAR_PROOF_STALE;
		if ((answer.user != NULL) != knows)
			fail_msg("%s: a user is %sgiven", CASES[i].name, answer.user ? "" : "not ");
	}
}

static void a_nonce_is_for_one_algorithm(void **state)
{
	struct house *h = *state;
	struct registrar_answer answer;
	struct saying saying = { .nonce = nonce_of(h, SIP_DIGEST_SHA256, NOW_US), .algorithm = "MD5" };
	assert_int_equal(ask(h, &saying, &answer), REGISTRAR_PROOF_DOWNGRADED);
	assert_null(answer.user);
}

static void each_count_is_good_once(void **state)
{
	static const struct {
		const char *nc;
		enum registrar_proof proof;
	} steps[] = {
		{ "00000001", REGISTRAR_PROVED },
		{ "00000001", REGISTRAR_PROOF_REPLAYED },
		{ "00000003", REGISTRAR_PROVED },
		{ "00000002", REGISTRAR_PROVED }, /* two requests overtook each other */
		{ "00000002", REGISTRAR_PROOF_REPLAYED },
		{ "0000004f", REGISTRAR_PROVED },
		{ "0000000F", REGISTRAR_PROOF_REPLAYED }, /* too far back to be told from a replay */
		{ "00000010", REGISTRAR_PROVED },
		{ "ffffffff", REGISTRAR_PROVED },
		{ "ffffffff", REGISTRAR_PROOF_REPLAYED },
		{ "00000050", REGISTRAR_PROOF_REPLAYED },
	};
	struct house *h = *state;
	struct saying saying = { .nonce = nonce_of(h, SIP_DIGEST_MD5, NOW_US) };
	struct registrar_answer answer;
	for (size_t i = 0; i < BASE_COUNT(steps); i++) {
		saying.nc = steps[i].nc;
		enum registrar_proof proof = ask(h, &saying, &answer);
		if (proof != steps[i].proof)
			fail_msg("step %zu, nc %s: %s", i, steps[i].nc, registrar_proof_name(proof));
	}
}

/* More nonces than the table holds: what it forgot is stale, never new again. */
static void what_is_forgotten_cannot_be_replayed(void **state)
{
	struct house *h = *state;
	static struct span nonces[6000];
	for (size_t i = 0; i < BASE_COUNT(nonces); i++) {
		nonces[i] = nonce_of(h, SIP_DIGEST_MD5, NOW_US + (int64_t)i * CLOCK_SECOND_US / 100);
		(void)registrar_nonce_use(h->nonces, nonces[i], 1);
	}
	for (size_t i = 0; i < BASE_COUNT(nonces); i++)
		if (registrar_nonce_use(h->nonces, nonces[i], 1) == REGISTRAR_COUNT_NEW)
			fail_msg("nonce %zu was good twice", i);
}

static void wrong_passwords_leave_nothing_behind(void **state)
{
	struct house *h = *state;
	struct registrar_answer answer;
	struct saying saying = { .nonce = nonce_of(h, SIP_DIGEST_MD5, NOW_US), .password = "wrong" };
	assert_int_equal(ask(h, &saying, &answer), REGISTRAR_PROOF_WRONG);
	saying.password = "secret";
	assert_int_equal(ask(h, &saying, &answer), REGISTRAR_PROVED);
}

static void challenges_can_be_answered(void **state)
{
	struct house *h = *state;
	struct span values[REGISTRAR_CHALLENGES];
	assert_int_equal(
		registrar_authority_challenge(h->users, h->nonces, SOURCE, true, NOW_US, &h->random, &h->arena, values),
		2);
	for (size_t i = 0; i < REGISTRAR_CHALLENGES; i++) {
		struct sip_digest_challenge challenge;
		struct registrar_answer answer;
		assert_int_equal(sip_digest_challenge_parse(values[i], &challenge, NULL), 0);
		assert_true(challenge.is_stale && challenge.offers_auth && !challenge.offers_auth_int);
		assert_int_equal(challenge.algorithm, i == 0 ? SIP_DIGEST_MD5 : SIP_DIGEST_SHA256);
		struct saying saying = { .nonce = challenge.nonce, .algorithm = i == 0 ? "MD5" : "SHA-256" };
		assert_int_equal(ask(h, &saying, &answer), REGISTRAR_PROVED);
		assert_true(span_is(answer.user->username, "2000"));
	}
}

/* Where nobody has an MD5 secret, MD5 is not offered. */
static void only_what_somebody_has_is_offered(void **state)
{
	struct house *h = *state;
	const struct registrar_account account = { .username = SPAN("2000"),
		.secret_sha256 = SPAN("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") };
	struct registrar_users_settings settings = { .realm = SPAN("steven.lab"),
		.domains = DOMAINS,
		.domain_count = 1,
		.accounts = &account,
		.account_count = 1 };
	struct span values[REGISTRAR_CHALLENGES];
	struct registrar_users *users;
	assert_int_equal(registrar_users_new(&settings, &users), 0);
	assert_int_equal(
		registrar_authority_challenge(users, h->nonces, SOURCE, false, NOW_US, &h->random, &h->arena, values),
		1);
	assert_true(span_find_span(values[0], SPAN("SHA-256")) < values[0].length);
	registrar_users_free(users);
}

static void users_are_who_they_may_be(void **state)
{
	struct house *h = *state;
	const struct registrar_user *two = registrar_users_find(h->users, SPAN("2000"));
	const struct registrar_user *anna = registrar_users_find(h->users, SPAN("anna"));
	assert_non_null(two);
	assert_true(registrar_user_may_be(two, SPAN("2000@steven.lab")));
	assert_true(registrar_user_may_be(two, SPAN("steven@steven.lab")));
	assert_false(registrar_user_may_be(two, SPAN("2000@cms.steven.lab")));
	assert_false(registrar_user_may_be(two, SPAN("anna@steven.lab")));
	assert_true(registrar_user_may_be(anna, SPAN("anna@cms.steven.lab")));
	assert_true(registrar_users_know(h->users, SPAN("anna@steven.lab")));
	assert_false(registrar_users_know(h->users, SPAN("bob@steven.lab")));
	assert_null(registrar_users_find(h->users, SPAN("bob")));
}

/* The INVITE's credentials, in an ACK to wherever the answer's Contact leads. */
static void an_ack_carries_its_invites_credentials(void **state)
{
	static const struct {
		const char *name, *computed_as, *password, *realm, *source;
		int64_t made_us;
		bool is_proof;
	} cases[] = {
		{ "the INVITE's", "INVITE", "secret", "steven.lab", "192.0.2.4", NOW_US, true },
		{ "computed for the ACK", "ACK", "secret", "steven.lab", "192.0.2.4", NOW_US, false },
		{ "a wrong password", "INVITE", "wrong", "steven.lab", "192.0.2.4", NOW_US, false },
		{ "another realm", "INVITE", "secret", "other.lab", "192.0.2.4", NOW_US, false },
		{ "from another address", "INVITE", "secret", "steven.lab", "192.0.2.5", NOW_US, false },
		{ "an old nonce", "INVITE", "secret", "steven.lab", "192.0.2.4", NOW_US - 2 * LIFETIME_US, false },
	};
	struct house *h = *state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct sip_digest_credentials c = { .username = SPAN("2000"),
			.realm = span_of(cases[i].realm),
			.nonce = nonce_of(h, SIP_DIGEST_MD5, cases[i].made_us),
			.uri = SPAN("sip:anna@skype.lab"),
			.cnonce = SPAN("0a4f113b"),
			.nc = SPAN("00000001"),
			.algorithm = SIP_DIGEST_MD5,
			.qop = SIP_DIGEST_QOP_AUTH };
		char secret[SIP_DIGEST_HEX_MAXIMUM], response[SIP_DIGEST_HEX_MAXIMUM];
		sip_digest_secret(SIP_DIGEST_MD5, c.username, c.realm, span_of(cases[i].password), secret);
		sip_digest_response(&c, span_of(secret), span_of(cases[i].computed_as), SPAN_NONE, response);
		struct span text = arena_printf(&h->arena,
			"ACK sip:anna@192.0.2.77 SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
			"From: <sip:2000@steven.lab>;tag=1\r\nTo: <sip:anna@skype.lab>;tag=2\r\nCall-ID: 1\r\n"
			"CSeq: 1 ACK\r\nProxy-Authorization: Digest username=\"2000\", realm=\"%s\", nonce=\"%.*s\", "
			"uri=\"sip:anna@skype.lab\", response=\"%s\", qop=auth, cnonce=\"0a4f113b\", "
			"nc=00000001\r\n\r\n",
			cases[i].realm, SPAN_PRINT(c.nonce), response);
		struct sip_message *m = arena_zero(&h->arena, sizeof(*m));
		assert_int_equal(sip_message_parse(text, m, NULL), 0);
		struct registrar_question question = { .message = m,
			.header = SIP_HEADER_PROXY_AUTHORIZATION,
			.source = span_of(cases[i].source),
			.now_us = NOW_US,
			.nonce_lifetime_us = LIFETIME_US };
		bool is_proof = registrar_authority_acknowledges(h->users, h->nonces, &question);
		if (is_proof != cases[i].is_proof)
			fail_msg("%s: %d", cases[i].name, is_proof);
	}
}

static void who_was_reached_is_told_without_a_digest(void **state)
{
	struct house *h = *state;
	struct span nonce = nonce_of(h, SIP_DIGEST_MD5, NOW_US);
	struct span text = arena_printf(&h->arena,
		"REGISTER sip:steven.lab SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:2000@steven.lab>;"
		"tag=1\r\nTo: <sip:2000@steven.lab>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nAuthorization: Digest "
		"username=\"x\", realm=\"steven.lab\", nonce=\"%.*s\", uri=\"sip:x\", response=\"0\"\r\n\r\n",
		SPAN_PRINT(nonce));
	struct sip_message *m = arena_zero(&h->arena, sizeof(*m));
	assert_int_equal(sip_message_parse(text, m, NULL), 0);
	struct registrar_question question = { m, SIP_HEADER_AUTHORIZATION, SOURCE, NOW_US, LIFETIME_US };
	assert_true(registrar_authority_reached(h->users, h->nonces, &question));
	question.source = SPAN("192.0.2.5");
	assert_false(registrar_authority_reached(h->users, h->nonces, &question));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(every_way_to_be_refused),
		CASE(a_nonce_is_for_one_algorithm),
		CASE(each_count_is_good_once),
		CASE(what_is_forgotten_cannot_be_replayed),
		CASE(wrong_passwords_leave_nothing_behind),
		CASE(challenges_can_be_answered),
		CASE(only_what_somebody_has_is_offered),
		CASE(users_are_who_they_may_be),
		CASE(an_ack_carries_its_invites_credentials),
		CASE(who_was_reached_is_told_without_a_digest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
