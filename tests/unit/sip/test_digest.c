/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "sip/digest.h"

#include <errno.h>

struct vector {
	const char *name;
	const char *credentials; /* without the response */
	const char *password;
	const char *method;
	const char *body;
	const char *response;
};

static const struct vector vectors[] = {
	{ "RFC 2617 3.5",
		"Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
		"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\","
		" uri=\"/dir/index.html\", qop=auth, nc=00000001, cnonce=\"0a4f113b\","
		" opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
		"Circle Of Life", "GET", "", "6629fae49393a05397450978507c4ef1" },
	{ "RFC 7616 3.9.1, MD5",
		"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=MD5,"
		" nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001,"
		" cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth,"
		" opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
		"Circle of Life", "GET", "", "8ca523f5e9506fed4657c9700eebdbec" },
	{ "RFC 7616 3.9.1, SHA-256",
		"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "
		"algorithm=SHA-256,"
		" nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001,"
		" cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth,"
		" opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
		"Circle of Life", "GET", "", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
	{ "RFC 7616 3.4 computed apart: MD5, no qop",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=MD5,"
		" cnonce=\"0a4f113b\", nc=00000001",
		"zanzibar", "INVITE", "v=0", "bf57e4e0d0bffc0fbaedce64d59add5e" },
	{ "RFC 7616 3.4 computed apart: MD5, auth",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=MD5,"
		" cnonce=\"0a4f113b\", nc=00000001, qop=auth",
		"zanzibar", "INVITE", "v=0", "89eb0059246c02b2f6ee02c7961d5ea3" },
	{ "RFC 7616 3.4 computed apart: MD5, auth-int",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=MD5,"
		" cnonce=\"0a4f113b\", nc=00000001, qop=auth-int",
		"zanzibar", "INVITE", "v=0", "b1c81b2ae89822a39dca670743286f7d" },
	{ "RFC 7616 3.4 computed apart: MD5-sess, no qop",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=MD5-sess,"
		" cnonce=\"0a4f113b\", nc=00000001",
		"zanzibar", "INVITE", "v=0", "fff17611bcbbf00c9116a2c922dea8e1" },
	{ "RFC 7616 3.4 computed apart: MD5-sess, auth",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=MD5-sess,"
		" cnonce=\"0a4f113b\", nc=00000001, qop=auth",
		"zanzibar", "INVITE", "v=0", "e4e4ea61d186d07a92c9e1f6919902e9" },
	{ "RFC 7616 3.4 computed apart: MD5-sess, auth-int",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=MD5-sess,"
		" cnonce=\"0a4f113b\", nc=00000001, qop=auth-int",
		"zanzibar", "INVITE", "v=0", "37ebb2110ce9799028dade1cb9aa2c2a" },
	{ "RFC 7616 3.4 computed apart: SHA-256, no qop",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=SHA-256,"
		" cnonce=\"0a4f113b\", nc=00000001",
		"zanzibar", "INVITE", "v=0", "38aad98c50c33abe72c5f88dd17246ffcfa6b1f68852c855719ff0659386c0ca" },
	{ "RFC 7616 3.4 computed apart: SHA-256, auth",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=SHA-256,"
		" cnonce=\"0a4f113b\", nc=00000001, qop=auth",
		"zanzibar", "INVITE", "v=0", "b3b5a6c69453abafaab9ae4dccdac90a076b6c80615d5f3498e7433b6e93bf4f" },
	{ "RFC 7616 3.4 computed apart: SHA-256, auth-int",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=SHA-256,"
		" cnonce=\"0a4f113b\", nc=00000001, qop=auth-int",
		"zanzibar", "INVITE", "v=0", "ea394ecd6c5b3112d1637154051cdb33619b9186ff0d15379d2ae2ff984d237e" },
	{ "RFC 7616 3.4 computed apart: SHA-256-sess, no qop",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=SHA-256-sess,"
		" cnonce=\"0a4f113b\", nc=00000001",
		"zanzibar", "INVITE", "v=0", "2ceb74b5bf787a27f00a80b94f397228de1a9bab1c3c56b7c6f984cf9f3ffdf7" },
	{ "RFC 7616 3.4 computed apart: SHA-256-sess, auth",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=SHA-256-sess,"
		" cnonce=\"0a4f113b\", nc=00000001, qop=auth",
		"zanzibar", "INVITE", "v=0", "5da59c9ca40954be9d5063a15a174066c8251be2c10cf47c144c366dc7daf792" },
	{ "RFC 7616 3.4 computed apart: SHA-256-sess, auth-int",
		"Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		"uri=\"sip:bob@biloxi.com\", algorithm=SHA-256-sess,"
		" cnonce=\"0a4f113b\", nc=00000001, qop=auth-int",
		"zanzibar", "INVITE", "v=0", "5ab3aad5b92abf411418bb2f6d1fb262fb31b79971b722f9b0c17078f59966d0" },
};

static struct sip_digest_credentials read_credentials(const char *text, char *storage, size_t size)
{
	struct sip_digest_credentials credentials;
	snprintf(storage, size, "%s, response=\"?\"", text);
	assert_int_equal(sip_digest_credentials_parse(span_of(storage), &credentials, NULL), 0);
	return credentials;
}

static void vectors_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(vectors); i++) {
		const struct vector *v = &vectors[i];
		char text[1024], secret[SIP_DIGEST_HEX_MAXIMUM], response[SIP_DIGEST_HEX_MAXIMUM];
		struct sip_digest_credentials c = read_credentials(v->credentials, text, sizeof(text));
		assert_int_equal(sip_digest_secret(c.algorithm, c.username, c.realm, span_of(v->password), secret), 0);
		assert_int_equal(
			sip_digest_response(&c, span_of(secret), span_of(v->method), span_of(v->body), response), 0);
		if (strcmp(response, v->response) != 0)
			fail_msg("%s: %s, not %s", v->name, response, v->response);
		c.response = span_of(v->response);
		assert_true(sip_digest_check(&c, span_of(secret), span_of(v->method), span_of(v->body)));
		assert_false(sip_digest_check(&c, span_of(secret), SPAN("BYE"), span_of(v->body)));
		response[0] = response[0] == '0' ? '1' : '0';
		c.response = span_of(response);
		assert_false(sip_digest_check(&c, span_of(secret), span_of(v->method), span_of(v->body)));
		c.response = SPAN("");
		assert_false(sip_digest_check(&c, span_of(secret), span_of(v->method), span_of(v->body)));
	}
}

struct row {
	const char *text;
	int status;
	const char *written; /* NULL: as it is */
};

static const struct row challenges[] = {
	{ "Digest realm=\"r\", nonce=\"n\", algorithm=MD5", 0, NULL },
	{ "Digest realm=\"r\", domain=\"sip:a\", nonce=\"n\", opaque=\"o\", stale=true, algorithm=SHA-256, "
	  "qop=\"auth,auth-int\"",
		0, NULL },
	{ "dIGEST   NONCE = \"n,\\\"x\" ,\r\n Realm=\"r=1\",qop=\"auth\",x=y", 0,
		"Digest realm=\"r=1\", nonce=\"n,\\\"x\", algorithm=MD5, qop=\"auth\"" },
	{ "Digest realm=\"r\", nonce=\"n\", algorithm=sha-512-256", 0, NULL },
	{ "Digest realm=\"r\"", -EBADMSG, NULL },
	{ "Digest realm=\"r, nonce=\"n\"", -EBADMSG, NULL },
	{ "Digest realm", -EBADMSG, NULL },
	{ "Digest realm=\"r\", nonce=n\"", -EBADMSG, NULL },
	{ "Digest realm=\"r\" x, nonce=\"n\"", -EBADMSG, NULL },
	{ "Digest", -EBADMSG, NULL },
	{ "", -EBADMSG, NULL },
	{ "=", -EBADMSG, NULL },
	{ "NTLM realm=\"SIP Communications Service\", targetname=\"fe\", version=4", -ENOTSUP, NULL },
	{ "TLS-DSK", -ENOTSUP, NULL },
};

static void challenges_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(challenges); i++) {
		struct guard g = guard_make(span_of(challenges[i].text));
		struct sip_digest_challenge challenge;
		struct buffer b;
		buffer_init(&b, 1024);
		int status = sip_digest_challenge_parse(g.bytes, &challenge, NULL);
		if (status != challenges[i].status)
			fail_msg("%s: %d", challenges[i].text, status);
		if (status == 0) {
			assert_int_equal(sip_digest_challenge_write(&b, &challenge), 0);
			assert_string_equal(b.at, challenges[i].written ? challenges[i].written : challenges[i].text);
		}
		buffer_done(&b);
		guard_done(&g);
	}
}

static void known_challenges(void **state)
{
	struct sip_digest_challenge challenge;
	(void)state;
	assert_int_equal(sip_digest_challenge_parse(
				 SPAN("Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256"), &challenge, NULL),
		0);
	assert_false(sip_digest_challenge_is_known(&challenge));
	assert_int_equal(
		sip_digest_challenge_parse(SPAN("Digest realm=\"r\", nonce=\"n\", qop=\"later\""), &challenge, NULL),
		0);
	assert_false(sip_digest_challenge_is_known(&challenge));
	assert_int_equal(sip_digest_challenge_parse(SPAN("Digest realm=\"r\", nonce=\"n\""), &challenge, NULL), 0);
	assert_true(sip_digest_challenge_is_known(&challenge));
}

/* Our answers satisfy our own check, for every algorithm and quality of protection. */
static void answers_are_accepted(void **state)
{
	static const char *const algorithms[] = { "MD5", "MD5-sess", "SHA-256", "SHA-256-sess" };
	static const char *const qops[] = { "", ", qop=\"auth\"", ", qop=\"auth-int\"", ", qop=\"auth-int,auth\"" };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(algorithms); i++) {
		for (size_t j = 0; j < BASE_COUNT(qops); j++) {
			char text[256], secret[SIP_DIGEST_HEX_MAXIMUM];
			struct sip_digest_challenge challenge;
			struct sip_digest_credentials credentials;
			struct buffer b;
			struct sip_digest_answer answer = { .username = SPAN("ann"),
				.password = SPAN("pw"),
				.method = SPAN("REGISTER"),
				.uri = SPAN("sip:steven.lab"),
				.cnonce = SPAN("0123456789abcdef"),
				.body = SPAN("the body"),
				.nonce_count = 17 };
			buffer_init(&b, 1024);
			snprintf(text, sizeof(text), "Digest realm=\"r\", nonce=\"n\", opaque=\"o\", algorithm=%s%s",
				algorithms[i], qops[j]);
			assert_int_equal(sip_digest_challenge_parse(span_of(text), &challenge, NULL), 0);
			assert_int_equal(sip_digest_answer(&challenge, &answer, &b), 0);
			assert_int_equal(sip_digest_credentials_parse(buffer_span(&b), &credentials, NULL), 0);
			assert_int_equal(
				sip_digest_secret(credentials.algorithm, SPAN("ann"), SPAN("r"), SPAN("pw"), secret),
				0);
			if (!sip_digest_check(&credentials, span_of(secret), SPAN("REGISTER"), SPAN("the body")))
				fail_msg("%s is answered by %s", text, b.at);
			assert_true(span_is(credentials.opaque, "o"));
			if (j > 0)
				assert_true(span_is(credentials.nc, "00000011"));
			/* auth-int alone holds the body. */
			bool other = sip_digest_check(&credentials, span_of(secret), SPAN("REGISTER"), SPAN("another"));
			assert_int_equal(other, j != 2);
			buffer_done(&b);
		}
	}
}

static void credentials_need_their_parts(void **state)
{
	static const struct row rows[] = {
		{ "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:a\", response=\"x\", algorithm=MD5", 0,
			NULL },
		{ "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:a\", response=\"x\", qop=auth", -EBADMSG,
			NULL },
		{ "Digest username=\"u\", realm=\"r\", nonce=\"n\", response=\"x\"", -EBADMSG, NULL },
		{ "Digest", -EBADMSG, NULL },
		{ "Basic dTpw", -ENOTSUP, NULL },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct sip_digest_credentials credentials;
		int status = sip_digest_credentials_parse(span_of(rows[i].text), &credentials, NULL);
		if (status != rows[i].status)
			fail_msg("%s: %d", rows[i].text, status);
		if (status == 0) {
			struct buffer b;
			buffer_init(&b, 1024);
			assert_int_equal(sip_digest_credentials_write(&b, &credentials), 0);
			assert_string_equal(b.at, rows[i].text);
			buffer_done(&b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_agree),
		cmocka_unit_test(challenges_are_read_and_written),
		cmocka_unit_test(known_challenges),
		cmocka_unit_test(answers_are_accepted),
		cmocka_unit_test(credentials_need_their_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
