/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_TLS_H
#define FEDGE_NET_TLS_H
/* TLS settings made usable: certificates, keys, trust, tickets. One `struct net_tls` serves all
 * workers and both roles; inside it is an immutable context that a reload swaps whole or not at
 * all, connections keep the one they began with. It shows what peers present (net_tls_facts) and,
 * where it is told so, refuses inside the handshake; whom to trust with what is decided elsewhere.
 * It never completes a chain from anything but what the peer sent and the trusted authorities,
 * and never fetches anything. */
#include "base/clock.h"
#include "base/span.h"

struct net_loop;
struct net_tls;
/* OpenSSL's own types, named here so that readers of facts need no OpenSSL header. */
struct x509_st; /* X509 */
struct stack_st_X509; /* STACK_OF(X509) */
struct stack_st_X509_NAME; /* STACK_OF(X509_NAME) */

/* ---- settings ---- */
struct net_tls_identity {
	/* Server: chosen by SNI, without case, exact names before wildcards ("*.a.example" covers one
	 * label); the first identity serves everything else. Client: named by net_connect.identity. */
	const char *const *names;
	size_t name_count;
	const char *certificate_file; /* PEM: the leaf, then the intermediates to send */
	const char *key_file;
	/* Shown when we are the client; NULL: the same as above. */
	const char *client_certificate_file;
	const char *client_key_file;
};

enum net_tls_verify {
	NET_TLS_VERIFY_JUDGE, /* record what is wrong, finish the handshake */
	NET_TLS_VERIFY_HANDSHAKE, /* refuse with the alert RFC 8446 6.2 names */
};
enum net_tls_ask {
	NET_TLS_ASK_OFF, /* ask no client certificate */
	NET_TLS_ASK_REQUEST,
	NET_TLS_ASK_REQUIRE, /* without one: certificate_required (1.3), handshake_failure (1.2), in either verify mode
			      */
};
enum net_tls_version {
	NET_TLS_VERSION_DEFAULT, /* minimum: 1.2, maximum: the highest */
	NET_TLS_1_0,
	NET_TLS_1_1,
	NET_TLS_1_2,
	NET_TLS_1_3,
};

struct net_tls_settings {
	const struct net_tls_identity *identities; /* none: client only, without a certificate */
	size_t identity_count;
	const char *const *authority_files; /* PEM, any number each: trusted */
	size_t authority_count;
	bool system_authorities; /* trust the system's as well */
	const char *const *intermediate_files; /* PEM: only for net_tls_chain_completes */
	size_t intermediate_count;
	enum net_tls_version minimum, maximum;
	enum net_tls_verify verify;
	enum net_tls_ask client_certificate;
	/* Server: demand the clientAuth extended key usage (absent EKU passes, RFC 5280 4.2.1.12).
	 * false: any usage is accepted. */
	bool client_usage_required;
	bool tickets_off; /* no session resumption, in either role */
	const char *keylog_file; /* NULL: none. Appended to, mode 0600 */
	/* May be NULL. Server, any thread: may a session of this leaf be resumed? false: a full
	 * handshake that shows the chain (for callers that lost what they knew of the leaf). */
	bool (*may_resume)(void *argument, struct x509_st *leaf);
	void *may_resume_argument;
	const struct clock *clock; /* for ticket keys' age; NULL: the system's */
};

/* ---- life ---- */
#define NET_TLS_ERROR_SIZE 512
/* 0, or a negative errno with one line in reterr_text that names the file and what is wrong with
 * it: unreadable, no PEM, certificate and key do not match, … With 0 the text is empty, or a
 * warning: an own certificate that is out of date is used all the same, and said. */
int net_tls_new(
	const struct net_tls_settings *settings, struct net_tls **ret_tls, char reterr_text[NET_TLS_ERROR_SIZE]);
struct net_tls *net_tls_ref(struct net_tls *tls); /* any thread */
void net_tls_unref(struct net_tls *tls); /* any thread; NULL is harmless */

/* Any thread. Reads the same files again, or takes other settings; whole or not at all: on error
 * what was in use stays in use. Where trust changed (authorities, verify mode, usage), tickets
 * and kept sessions are forgotten. Errors as net_tls_new. */
int net_tls_reload(struct net_tls *tls, char reterr_text[NET_TLS_ERROR_SIZE]);
int net_tls_replace(struct net_tls *tls, const struct net_tls_settings *settings, char reterr_text[NET_TLS_ERROR_SIZE]);
/* Any thread. Forgets all ticket keys and kept sessions: nobody resumes across this call. */
void net_tls_forget_sessions(struct net_tls *tls);
/* Counts successful swaps; the first context is 1. */
uint64_t net_tls_generation(const struct net_tls *tls);

/* ---- files watched ---- */
struct net_tls_watch;
/* Looks at all files every period_us (0: 5 s), reloads once they have stood still for one period,
 * tells the observer in the loop's thread: status 0 (text: "" or a warning), or the error of net_tls_reload and its
 * text (once per change, not per period). */
int net_tls_watch_new(struct net_loop *loop, struct net_tls *tls, int64_t period_us,
	void (*reloaded)(void *argument, int status, const char *text), void *argument,
	struct net_tls_watch **ret_watch);
void net_tls_watch_free(struct net_tls_watch *watch);

/* ---- what a handshake showed ---- */
struct net_tls_problem {
	int error; /* X509_V_ERR_ number */
	int depth; /* 0: the leaf; -1: not known (resumed session) */
};
#define NET_TLS_PROBLEM_MAXIMUM 8

struct net_tls_facts {
	bool server; /* our role */
	bool complete; /* our side of the handshake is done */
	bool resumed; /* no chain was shown; chain holds the leaf the session remembers */
	bool certificate_requested; /* client: the server asked for our certificate */
	bool certificate_sent; /* we showed one of ours */
	const char *version; /* "TLSv1.3"; NULL where it did not come so far */
	const char *cipher; /* "TLS_AES_256_GCM_SHA384"; NULL likewise */
	const char *server_name; /* SNI sent by the client (us or the peer); NULL: none */
	const char *identity; /* first name of our identity in use; NULL: none */
	/* As the peer sent it, leaf first, before anything was built or judged; NULL: it sent none.
	 * Take X509_up_ref for what shall live longer than the stream. */
	struct stack_st_X509 *chain;
	/* As verification put it together, leaf first, as far up as it came; NULL: nothing was verified. */
	struct stack_st_X509 *built;
	/* Client: the authorities named in the server's request; NULL: none. */
	const struct stack_st_X509_NAME *requested_authorities;
	/* What verification found, in OpenSSL's order; count 0: nothing wrong. */
	struct net_tls_problem problems[NET_TLS_PROBLEM_MAXIMUM];
	size_t problem_count;
	uint64_t generation; /* net_tls_generation of the context used */
};
/* OpenSSL's text, e.g. "certificate has expired". */
const char *net_tls_verify_text(int error);

/* ---- the system's authorities ---- */
struct x509_store_st; /* X509_STORE */
/* Lets a store look them up where OpenSSL expects them (SSL_CERT_FILE, SSL_CERT_DIR), by the name's hash. Its own
 * X509_STORE_set_default_paths adds a third way that reads the whole directory for every issuer that is not there: a
 * fifth of the time of a bulk check. false: no memory. */
bool net_tls_system_authorities(struct x509_store_st *store);

/* ---- judging chains without a connection ---- */
enum net_tls_purpose {
	NET_TLS_PURPOSE_ANY,
	NET_TLS_PURPOSE_CLIENT,
	NET_TLS_PURPOSE_SERVER,
};
/* Any thread. Verifies a chain (leaf first) as a handshake would, at wall time at_us, 0: now.
 * *ret_problem.error is 0 where nothing is wrong. 0 or a negative errno. */
int net_tls_chain_verify(struct net_tls *tls, struct stack_st_X509 *chain, enum net_tls_purpose purpose, int64_t at_us,
	struct net_tls_problem *ret_problem);
/* Any thread. Whether the known intermediates would complete a chain that alone does not reach a
 * trusted authority: true means "the chain is incomplete", false "untrusted" (or nothing was
 * missing). Dates and usage are ignored. */
bool net_tls_chain_completes(struct net_tls *tls, struct stack_st_X509 *chain);

/* ---- our own certificates, for `status` ---- */
struct net_tls_own {
	const char *name; /* first name of the identity */
	const char *file;
	bool client; /* shown as a client (only where it differs) */
	const struct x509_st *certificate;
};
/* Any thread. Calls visit for each; pointers are valid during the call. */
void net_tls_each_own(
	struct net_tls *tls, void (*visit)(void *argument, const struct net_tls_own *own), void *argument);
#endif
