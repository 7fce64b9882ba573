/* SPDX-License-Identifier: Apache-2.0 */
/* One TLS connection over a descriptor: steps that say what to wait for, facts, and why it ended. */
#include "base/require.h"
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

/* After so many bytes a step reads no more from the socket. Messages that carry no data (tickets, key updates, requests
 * to renegotiate) are worked off inside OpenSSL for as long as they come: nobody else would get his turn. */
#define STEP_BUDGET ((size_t)8 * 1024)
/* So many steps in a row may end that way; the first of them costs the others enough. */
#define STEP_BUDGET_SMALL ((size_t)1024)
#define EMPTY_STEPS_MAXIMUM 32
#define FIRST_BYTES_SHOWN 16

/* ---- the socket below ---- */

/* BIO_set_callback_ex(3) */
static long watch_socket(
	BIO *bio, int operation, const char *bytes, size_t size, int argument, long more, int result, size_t *processed)
{
	struct tls_connection *connection = (struct tls_connection *)BIO_get_callback_arg(bio);
	(void)size;
	(void)argument;
	(void)more;
	if (operation == BIO_CB_READ && connection->budget == 0) {
		BIO_clear_retry_flags(bio);
		BIO_set_retry_read(bio);
		return -1;
	}
	if (operation != (BIO_CB_READ | BIO_CB_RETURN) || result <= 0 || !processed)
		return result;
	connection->budget -= *processed < connection->budget ? *processed : connection->budget;
	if (connection->first_length == 0) {
		connection->first_length = *processed < TLS_FIRST_SIZE ? *processed : TLS_FIRST_SIZE;
		memcpy(connection->first, bytes, connection->first_length);
	}
	return result;
}

static bool attach_socket(struct tls_connection *connection, int descriptor)
{
	if (SSL_set_fd(connection->ssl, descriptor) != 1)
		return false;
	BIO *bio = SSL_get_rbio(connection->ssl);
	BIO_set_callback_arg(bio, (char *)connection);
	BIO_set_callback_ex(bio, watch_socket);
	return true;
}

/* ---- life ---- */

void tls_connection_name(struct tls_connection *connection, const char *server_name)
{
	if (connection->server_name && strcmp(connection->server_name, server_name) == 0)
		return;
	free(connection->server_name);
	connection->server_name = strdup(server_name);
	connection->facts.server_name = connection->server_name;
}

static SSL_CTX *choose_ctx(struct tls_connection *connection, const struct tls_connection_settings *settings)
{
	const struct tls_context *context = connection->context;
	if (!settings->server && settings->identity)
		connection->identity = tls_context_find(context, settings->identity);
	else if (context->identity_count > 0)
		connection->identity = &context->identities[0];
	if (!connection->identity)
		return settings->server || settings->identity ? NULL : context->bare_client;
	connection->facts.identity = connection->identity->name;
	return settings->server ? connection->identity->server : connection->identity->client;
}

/* Under which a session is kept: everything that made the server accept us, or us the server. */
static int make_session_key(struct tls_connection *connection, const struct tls_connection_settings *settings)
{
	char remote[NET_ADDRESS_TEXT_SIZE];
	net_address_format(settings->remote, remote);
	int length = asprintf(&connection->session_key, "%s %s %s", remote,
		settings->server_name ? settings->server_name : "",
		connection->identity ? connection->identity->name : "");
	if (length < 0)
		connection->session_key = NULL;
	return length < 0 ? -ENOMEM : 0;
}

static int prepare_client(struct tls_connection *connection, const struct tls_connection_settings *settings)
{
	struct net_address numeric;
	const char *name = settings->server_name;
	SSL_set_connect_state(connection->ssl);
	/* RFC 6066 3: names only, without the root dot. */
	if (name && *name && net_address_parse(span_of(name), 0, &numeric) < 0) {
		size_t length = strlen(name);
		char *bare = strndup(name, name[length - 1] == '.' ? length - 1 : length);
		bool set = bare && SSL_set_tlsext_host_name(connection->ssl, bare) == 1;
		if (set)
			tls_connection_name(connection, bare);
		free(bare);
		if (!set)
			return -EINVAL;
	}
	int status = make_session_key(connection, settings);
	if (status < 0 || settings->full_handshake)
		return status;
	SSL_SESSION *session = tls_sessions_take(&connection->tls->sessions, span_of(connection->session_key));
	if (session)
		SSL_set_session(connection->ssl, session);
	SSL_SESSION_free(session);
	return 0;
}

int tls_connection_new(const struct tls_connection_settings *settings, struct tls_connection **ret_connection)
{
	struct tls_connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		return -ENOMEM;
	connection->tls = net_tls_ref(settings->tls);
	connection->epoch = atomic_load(&settings->tls->sessions.epoch);
	connection->context = tls_acquire(settings->tls);
	connection->facts.generation = connection->context->generation;
	connection->facts.server = settings->server;
	connection->alert = NET_ALERT_NONE;
	SSL_CTX *ctx = choose_ctx(connection, settings);
	int status = ctx ? -ENOMEM : -ENOENT;
	connection->ssl = ctx ? SSL_new(ctx) : NULL;
	if (!connection->ssl || SSL_set_app_data(connection->ssl, connection) != 1 ||
		!attach_socket(connection, settings->descriptor))
		goto failed;
	if (settings->server)
		SSL_set_accept_state(connection->ssl);
	status = settings->server ? 0 : prepare_client(connection, settings);
	if (status < 0)
		goto failed;
	*ret_connection = connection;
	return 0;
failed:
	ERR_clear_error();
	tls_connection_free(connection);
	return status;
}

void tls_connection_free(struct tls_connection *connection)
{
	if (!connection)
		return;
	SSL_free(connection->ssl);
	sk_X509_pop_free(connection->facts.chain, X509_free);
	sk_X509_pop_free(connection->facts.built, X509_free);
	tls_context_unref(connection->context);
	net_tls_unref(connection->tls);
	free(connection->server_name);
	free(connection->session_key);
	free(connection);
}

/* ---- why it ended ---- */

static const struct {
	int reason;
	enum net_cause cause;
} causes[] = {
	{ SSL_R_UNSUPPORTED_PROTOCOL, NET_CAUSE_VERSION },
	{ SSL_R_VERSION_TOO_LOW, NET_CAUSE_VERSION },
	{ SSL_R_VERSION_TOO_HIGH, NET_CAUSE_VERSION },
	{ SSL_R_WRONG_SSL_VERSION, NET_CAUSE_VERSION },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, NET_CAUSE_VERSION },
	{ SSL_R_WRONG_VERSION_NUMBER, NET_CAUSE_NOT_TLS },
	{ SSL_R_HTTP_REQUEST, NET_CAUSE_NOT_TLS },
	{ SSL_R_HTTPS_PROXY_REQUEST, NET_CAUSE_NOT_TLS },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, NET_CAUSE_CUT },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, NET_CAUSE_VERIFY },
};

/* OpenSSL's reasons in the words of somebody who looks for the fault; others stand as they are. */
static const struct {
	int reason;
	const char *text;
} reasons[] = {
	{ SSL_R_UNSUPPORTED_PROTOCOL, "no TLS version in common" },
	{ SSL_R_VERSION_TOO_LOW, "no TLS version in common" },
	{ SSL_R_VERSION_TOO_HIGH, "no TLS version in common" },
	{ SSL_R_WRONG_SSL_VERSION, "no TLS version in common" },
	{ SSL_R_NO_PROTOCOLS_AVAILABLE, "this side can offer no such TLS version" },
	{ SSL_R_EXCESSIVE_MESSAGE_SIZE,
		"a handshake message came that is too large (100 kB of certificates are taken)" },
	{ SSL_R_UNEXPECTED_MESSAGE, "a handshake message came that does not belong there" },
	{ SSL_R_DH_KEY_TOO_SMALL, "the peer's Diffie-Hellman key is too short" },
	{ ERR_R_ASN1_LIB, "the peer's certificate cannot be read" },
	{ SSL_R_TOO_MANY_WARN_ALERTS, "nothing but warning alerts came" },
};

static const char *text_of_reason(unsigned long error)
{
	int reason = ERR_GET_REASON(error);
	for (size_t i = 0; ERR_GET_LIB(error) == ERR_LIB_SSL && i < BASE_COUNT(reasons); i++)
		if (reasons[i].reason == reason)
			return reasons[i].text;
	const char *text = ERR_reason_error_string(error);
	return text ? text : "TLS failed";
}

/* The first line of what came, or its bytes where that is no text. */
static void describe_stranger(const struct tls_connection *connection, struct net_failure *failure)
{
	char bytes[3 * TLS_FIRST_SIZE + 1] = "";
	size_t text = 0;
	while (text < connection->first_length && connection->first[text] >= ' ' && connection->first[text] < 0x7f)
		text++;
	if (text > 3) {
		snprintf(failure->text, sizeof(failure->text), "what came is no TLS: `%.*s`", (int)text,
			connection->first);
		return;
	}
	for (size_t i = 0; i < connection->first_length && i < FIRST_BYTES_SHOWN; i++)
		snprintf(bytes + 3 * i, 4, " %02x", (unsigned char)connection->first[i]);
	snprintf(failure->text, sizeof(failure->text), "what came is no TLS, bytes%s", bytes);
}

static enum net_cause cause_of_reason(const struct tls_connection *connection, int reason)
{
	for (size_t i = 0; i < BASE_COUNT(causes); i++) {
		if (causes[i].reason == reason)
			return causes[i].cause;
	}
	if (connection->alert == NET_ALERT_NONE)
		return NET_CAUSE_TLS;
	return connection->alert_received ? NET_CAUSE_ALERT_RECEIVED : NET_CAUSE_ALERT_SENT;
}

static void describe_alert(struct net_failure *failure)
{
	const char *name = net_alert_name(failure->alert);
	size_t length = strlen(failure->text);
	snprintf(failure->text + length, sizeof(failure->text) - length, "%sthe %s sent alert %d (%s)",
		length ? "; " : "", failure->alert_received ? "peer" : "local side", failure->alert,
		name ? name : "unknown");
}

/* The numbers of reasons are TLS's own only where TLS says them; what lies below it may have spoken first. */
static unsigned long telling_error(void)
{
	unsigned long first = ERR_get_error(), error = first;
	while (error && ERR_GET_LIB(error) != ERR_LIB_SSL)
		error = ERR_get_error();
	return error ? error : first;
}

static void fail_in_tls(struct tls_connection *connection)
{
	struct net_failure *failure = &connection->failure;
	unsigned long error = telling_error();
	failure->cause = cause_of_reason(connection, ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0);
	if (failure->cause == NET_CAUSE_VERIFY) {
		failure->verify_error = (int)SSL_get_verify_result(connection->ssl);
		snprintf(failure->text, sizeof(failure->text), "the peer's certificate is refused: %s",
			net_tls_verify_text(failure->verify_error));
	} else if (failure->cause == NET_CAUSE_CUT) {
		snprintf(failure->text, sizeof(failure->text), "the peer cut the connection without a word");
	} else if (failure->cause == NET_CAUSE_NOT_TLS) {
		describe_stranger(connection, failure);
	} else if (failure->cause != NET_CAUSE_ALERT_RECEIVED) {
		snprintf(failure->text, sizeof(failure->text), "%s", text_of_reason(error));
	}
	/* That we said so is no news where nobody is there to hear it. */
	bool unheard = failure->cause == NET_CAUSE_CUT || failure->cause == NET_CAUSE_NOT_TLS;
	if (failure->alert != NET_ALERT_NONE && (failure->alert_received || !unheard))
		describe_alert(failure);
}

static void fail_in_system(struct tls_connection *connection, int error)
{
	struct net_failure *failure = &connection->failure;
	if (error == 0) {
		failure->cause = NET_CAUSE_CUT;
		snprintf(failure->text, sizeof(failure->text), "the peer cut the connection without a word");
		return;
	}
	bool reset = error == ECONNRESET || error == EPIPE || error == ECONNABORTED;
	failure->cause = reset ? NET_CAUSE_RESET : error == ETIMEDOUT ? NET_CAUSE_TIMEOUT : NET_CAUSE_SYSTEM;
	failure->error = -error;
	snprintf(failure->text, sizeof(failure->text), "%s",
		reset ? "the peer reset the connection" : strerrordesc_np(error));
}

static enum tls_step fail(struct tls_connection *connection, int kind, int error)
{
	struct net_failure *failure = &connection->failure;
	*failure = (struct net_failure){ .alert = connection->alert, .alert_received = connection->alert_received };
	if (kind == SSL_ERROR_ZERO_RETURN) {
		failure->cause = NET_CAUSE_PEER_CLOSED;
		snprintf(failure->text, sizeof(failure->text), "closed by the peer");
		return TLS_STEP_FAILED;
	}
	connection->broken = true;
	if (kind == SSL_ERROR_SSL)
		fail_in_tls(connection);
	else
		fail_in_system(connection, error);
	ERR_clear_error();
	return TLS_STEP_FAILED;
}

static enum tls_step step_after(struct tls_connection *connection, int result)
{
	int error = errno;
	int kind = SSL_get_error(connection->ssl, result);
	if (kind == SSL_ERROR_WANT_READ)
		return TLS_STEP_WANT_READ;
	if (kind == SSL_ERROR_WANT_WRITE)
		return TLS_STEP_WANT_WRITE;
	return fail(connection, kind, error);
}

/* ---- steps ---- */

static void gather_facts(struct tls_connection *connection)
{
	struct net_tls_facts *facts = &connection->facts;
	const SSL_CIPHER *cipher = SSL_get_current_cipher(connection->ssl);
	/* Until keys are made of it, what the server chose is only pending. */
	if (!cipher)
		cipher = SSL_get_pending_cipher(connection->ssl);
	if (!cipher)
		return;
	facts->version = SSL_get_version(connection->ssl);
	facts->cipher = SSL_CIPHER_get_name(cipher);
}

/* A resumed session remembers the leaf and the first problem alone. */
static void gather_resumed(struct tls_connection *connection)
{
	struct net_tls_facts *facts = &connection->facts;
	X509 *leaf = SSL_get1_peer_certificate(connection->ssl);
	long result = SSL_get_verify_result(connection->ssl);
	facts->resumed = true;
	if (!leaf || facts->chain) {
		X509_free(leaf);
		return;
	}
	facts->chain = sk_X509_new_null();
	if (!facts->chain || !sk_X509_push(facts->chain, leaf))
		X509_free(leaf);
	if (result != X509_V_OK) {
		facts->problems[0] = (struct net_tls_problem){ .error = (int)result, .depth = -1 };
		facts->problem_count = 1;
	}
}

static void finish(struct tls_connection *connection)
{
	struct net_tls_facts *facts = &connection->facts;
	facts->complete = true;
	if (SSL_session_reused(connection->ssl))
		gather_resumed(connection);
	if (facts->server)
		facts->certificate_sent = !facts->resumed;
	/* Before TLS 1.3 the server speaks last; a server that asked for nothing has nothing left
	 * to refuse, and one that resumes has accepted us before. */
	if (!facts->server)
		connection->confirmed = connection->confirmed || SSL_version(connection->ssl) < TLS1_3_VERSION ||
					facts->resumed || !facts->certificate_requested;
}

enum tls_step tls_connection_handshake(struct tls_connection *connection)
{
	ERR_clear_error();
	errno = 0;
	connection->budget = STEP_BUDGET;
	int result = SSL_do_handshake(connection->ssl);
	enum tls_step step = result == 1 ? TLS_STEP_DONE : step_after(connection, result);
	gather_facts(connection);
	if (step == TLS_STEP_DONE)
		finish(connection);
	/* A close_notify instead of a handshake is no orderly end. */
	if (step == TLS_STEP_FAILED && connection->failure.cause == NET_CAUSE_PEER_CLOSED)
		connection->failure.cause = NET_CAUSE_CUT;
	return step;
}

/* The step took all it may and gave no data: it began a large record, or somebody plays with us. */
static enum tls_step after_empty_step(struct tls_connection *connection)
{
	/* What is read ahead is worked off at once, however much it is; so no more of that. */
	SSL_set_read_ahead(connection->ssl, 0);
	if (++connection->empty_steps < EMPTY_STEPS_MAXIMUM)
		return TLS_STEP_WANT_READ;
	connection->broken = true;
	connection->failure = (struct net_failure){ .cause = NET_CAUSE_LIMIT,
		.alert = NET_ALERT_NONE,
		.text = "the peer sends nothing but TLS messages that carry no data" };
	return TLS_STEP_FAILED;
}

static void after_data(struct tls_connection *connection)
{
	connection->confirmed = true;
	if (connection->empty_steps == 0)
		return;
	connection->empty_steps = 0;
	SSL_set_read_ahead(connection->ssl, 1);
}

enum tls_step tls_connection_read(struct tls_connection *connection, char *at, size_t size, size_t *ret_length)
{
	ERR_clear_error();
	errno = 0;
	connection->budget = connection->empty_steps ? STEP_BUDGET_SMALL : STEP_BUDGET;
	int result = SSL_read_ex(connection->ssl, at, size, ret_length);
	if (result == 1) {
		after_data(connection);
		return TLS_STEP_DONE;
	}
	enum tls_step step = step_after(connection, result);
	return step == TLS_STEP_WANT_READ && connection->budget == 0 ? after_empty_step(connection) : step;
}

enum tls_step tls_connection_write(struct tls_connection *connection, const char *at, size_t length, size_t *ret_length)
{
	ERR_clear_error();
	errno = 0;
	connection->budget = STEP_BUDGET;
	int result = SSL_write_ex(connection->ssl, at, length, ret_length);
	return result == 1 ? TLS_STEP_DONE : step_after(connection, result);
}

bool tls_connection_owes_ticket(const struct tls_connection *connection)
{
	return connection->facts.server && SSL_version(connection->ssl) >= TLS1_3_VERSION &&
	       !(SSL_get_options(connection->ssl) & SSL_OP_NO_TICKET);
}

enum tls_step tls_connection_give_ticket(struct tls_connection *connection)
{
	ERR_clear_error();
	errno = 0;
	connection->budget = STEP_BUDGET;
	if (SSL_new_session_ticket(connection->ssl) != 1)
		return TLS_STEP_DONE;
	int result = SSL_do_handshake(connection->ssl);
	enum tls_step step = result == 1 ? TLS_STEP_DONE : step_after(connection, result);
	/* SSL_MODE_RELEASE_BUFFERS forgets this one case; 16 KiB of every idle connection. */
	(void)SSL_free_buffers(connection->ssl);
	return step;
}

bool tls_connection_has_pending(const struct tls_connection *connection)
{
	return SSL_has_pending(connection->ssl) == 1;
}

void tls_connection_say_goodbye(struct tls_connection *connection)
{
	if (connection->broken || !connection->facts.complete)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(connection->ssl);
	ERR_clear_error();
}
