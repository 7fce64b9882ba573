/* SPDX-License-Identifier: Apache-2.0 */
/* Verification that records what OpenSSL finds, all of it, and refuses only where it is told to. */
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <time.h>

struct findings {
	struct net_tls_problem *problems;
	size_t count, maximum;
};

/* OpenSSL goes on after every problem, so that one run shows them all. */
static int record_problem(int good, X509_STORE_CTX *store_context)
{
	struct findings *findings = X509_STORE_CTX_get_app_data(store_context);
	struct net_tls_problem problem = { .error = X509_STORE_CTX_get_error(store_context),
		.depth = X509_STORE_CTX_get_error_depth(store_context) };
	if (good || !findings)
		return 1;
	for (size_t i = 0; i < findings->count; i++) {
		if (findings->problems[i].error == problem.error && findings->problems[i].depth == problem.depth)
			return 1;
	}
	if (findings->count < findings->maximum)
		findings->problems[findings->count++] = problem;
	return 1;
}

static void run_verification(X509_STORE_CTX *store_context, struct findings *findings)
{
	X509_STORE_CTX_set_app_data(store_context, findings);
	X509_STORE_CTX_set_verify_cb(store_context, record_problem);
	int good = X509_verify_cert(store_context);
	/* What fails without asking us (memory, an empty chain) is a problem as well. */
	if (good <= 0 && findings->count == 0) {
		int error = X509_STORE_CTX_get_error(store_context);
		findings->problems[findings->count++] =
			(struct net_tls_problem){ .error = error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED };
	}
	/* The first one found decides the alert, and is what the session remembers. */
	X509_STORE_CTX_set_error(store_context, findings->count ? findings->problems[0].error : X509_V_OK);
	X509_STORE_CTX_set_app_data(store_context, NULL);
	ERR_clear_error();
}

static int verify_in_handshake(X509_STORE_CTX *store_context, void *argument)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store_context, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_connection *connection = tls_connection_of(ssl);
	struct net_tls_facts *facts = &connection->facts;
	struct findings findings = { .problems = facts->problems, .maximum = NET_TLS_PROBLEM_MAXIMUM };
	(void)argument;
	sk_X509_pop_free(facts->chain, X509_free);
	facts->chain = X509_chain_up_ref(X509_STORE_CTX_get0_untrusted(store_context));
	run_verification(store_context, &findings);
	facts->problem_count = findings.count;
	sk_X509_pop_free(facts->built, X509_free);
	facts->built = X509_STORE_CTX_get1_chain(store_context);
	return connection->context->verify == NET_TLS_VERIFY_JUDGE || findings.count == 0;
}

void tls_verify_attach(SSL_CTX *ctx)
{
	SSL_CTX_set_cert_verify_callback(ctx, verify_in_handshake, NULL);
}

const char *net_tls_verify_text(int error)
{
	return X509_verify_cert_error_string(error);
}

/* ---- without a connection ---- */

static const struct {
	int purpose;
	int trust;
} purposes[] = {
	[NET_TLS_PURPOSE_ANY] = { X509_PURPOSE_ANY, X509_TRUST_DEFAULT },
	[NET_TLS_PURPOSE_CLIENT] = { X509_PURPOSE_SSL_CLIENT, X509_TRUST_SSL_CLIENT },
	[NET_TLS_PURPOSE_SERVER] = { X509_PURPOSE_SSL_SERVER, X509_TRUST_SSL_SERVER },
};

static X509_STORE_CTX *judging_new(const struct tls_context *context, STACK_OF(X509) * chain, STACK_OF(X509) * helpers)
{
	X509_STORE_CTX *store_context = X509_STORE_CTX_new();
	if (store_context && X509_STORE_CTX_init(store_context, context->store, sk_X509_value(chain, 0), helpers) == 1)
		return store_context;
	X509_STORE_CTX_free(store_context);
	return NULL;
}

int net_tls_chain_verify(struct net_tls *tls, struct stack_st_X509 *chain, enum net_tls_purpose purpose, int64_t at_us,
	struct net_tls_problem *ret_problem)
{
	struct net_tls_problem problems[NET_TLS_PROBLEM_MAXIMUM];
	struct findings findings = { .problems = problems, .maximum = NET_TLS_PROBLEM_MAXIMUM };
	if (sk_X509_num(chain) <= 0)
		return -EINVAL;
	struct tls_context *context = tls_acquire(tls);
	X509_STORE_CTX *store_context = judging_new(context, chain, chain);
	if (store_context) {
		X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(store_context);
		X509_VERIFY_PARAM_set_purpose(parameters, purposes[purpose].purpose);
		X509_VERIFY_PARAM_set_auth_level(parameters, context->verify == NET_TLS_VERIFY_JUDGE ? 1 : 2);
		if (purposes[purpose].trust != X509_TRUST_DEFAULT)
			X509_VERIFY_PARAM_set_trust(parameters, purposes[purpose].trust);
		if (at_us)
			X509_VERIFY_PARAM_set_time(parameters, (time_t)(at_us / CLOCK_SECOND_US));
		run_verification(store_context, &findings);
	}
	X509_STORE_CTX_free(store_context);
	tls_context_unref(context);
	if (!store_context)
		return -ENOMEM;
	*ret_problem = findings.count ? problems[0] : (struct net_tls_problem){ 0 };
	return 0;
}

/* Does the chain reach a trusted authority with these helpers? Dates and usage do not matter. */
static bool chain_reaches(const struct tls_context *context, STACK_OF(X509) * chain, STACK_OF(X509) * helpers)
{
	X509_STORE_CTX *store_context = judging_new(context, chain, helpers);
	if (!store_context)
		return false;
	X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(store_context);
	X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME);
	X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY);
	bool reaches = X509_verify_cert(store_context) == 1;
	X509_STORE_CTX_free(store_context);
	ERR_clear_error();
	return reaches;
}

bool net_tls_chain_completes(struct net_tls *tls, struct stack_st_X509 *chain)
{
	if (sk_X509_num(chain) <= 0)
		return false;
	struct tls_context *context = tls_acquire(tls);
	bool known = sk_X509_num(context->intermediates) > 0;
	STACK_OF(X509) *helpers = known ? sk_X509_dup(chain) : NULL;
	bool completes = false;
	if (helpers && !chain_reaches(context, chain, chain)) {
		for (int i = 0; i < sk_X509_num(context->intermediates); i++)
			sk_X509_push(helpers, sk_X509_value(context->intermediates, i));
		completes = chain_reaches(context, chain, helpers);
	}
	sk_X509_free(helpers);
	tls_context_unref(context);
	return completes;
}
