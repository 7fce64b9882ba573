/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "net/tls_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTINGS_MAXIMUM ((size_t)4 << 20)

/* ---- an own copy of the settings ---- */

static const char *const *copy_texts(struct arena *arena, const char *const *texts, size_t count)
{
	const char **copies = arena_zero(arena, (count + 1) * sizeof(*copies));
	for (size_t i = 0; copies && i < count; i++) {
		copies[i] = arena_copy_text(arena, texts[i]);
		if (!copies[i])
			return NULL;
	}
	return copies;
}

/* True where there is nothing to copy, or it was copied. */
static bool copy_text(struct arena *arena, const char **text)
{
	if (!*text)
		return true;
	*text = arena_copy_text(arena, *text);
	return *text != NULL;
}

static int copy_identity(struct arena *arena, struct net_tls_identity *identity)
{
	identity->names = copy_texts(arena, identity->names, identity->name_count);
	bool copied = identity->names && copy_text(arena, &identity->certificate_file) &&
		      copy_text(arena, &identity->key_file) && copy_text(arena, &identity->client_certificate_file) &&
		      copy_text(arena, &identity->client_key_file);
	return copied ? 0 : -ENOMEM;
}

static int copy_settings(struct arena *arena, const struct net_tls_settings *given, struct net_tls_settings *ret_copy)
{
	struct net_tls_settings copy = *given;
	struct net_tls_identity *identities = arena_zero(arena, (given->identity_count + 1) * sizeof(*identities));
	if (!identities)
		return -ENOMEM;
	for (size_t i = 0; i < given->identity_count; i++) {
		identities[i] = given->identities[i];
		if (copy_identity(arena, &identities[i]) < 0)
			return -ENOMEM;
	}
	copy.identities = identities;
	copy.authority_files = copy_texts(arena, given->authority_files, given->authority_count);
	copy.intermediate_files = copy_texts(arena, given->intermediate_files, given->intermediate_count);
	if (!copy.authority_files || !copy.intermediate_files || !copy_text(arena, &copy.keylog_file))
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}

/* ---- the key log ---- */

static int open_keylog(const char *file, int *ret_descriptor, char *reterr_text)
{
	if (!file)
		return 0;
	int descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (descriptor < 0 || fchmod(descriptor, 0600) < 0) {
		int error = errno;
		snprintf(reterr_text, NET_TLS_ERROR_SIZE, "%s: cannot be opened as the key log: %s", file,
			strerrordesc_np(error));
		if (descriptor >= 0)
			close(descriptor);
		return -error;
	}
	*ret_descriptor = descriptor;
	return 0;
}

/* ---- life ---- */

static void tls_free(struct net_tls *tls)
{
	tls_context_unref(tls->context);
	tls_sessions_done(&tls->sessions);
	arena_done(&tls->arena);
	pthread_mutex_destroy(&tls->lock);
	if (tls->keylog >= 0)
		close(tls->keylog);
	free(tls);
}

int net_tls_new(const struct net_tls_settings *settings, struct net_tls **ret_tls, char reterr_text[NET_TLS_ERROR_SIZE])
{
	struct clock clock = settings->clock ? *settings->clock : clock_system();
	struct net_tls *tls = calloc(1, sizeof(*tls));
	reterr_text[0] = '\0';
	if (!tls)
		return -ENOMEM;
	tls->references = 1;
	tls->keylog = -1;
	tls->may_resume = settings->may_resume;
	tls->may_resume_argument = settings->may_resume_argument;
	pthread_mutex_init(&tls->lock, NULL);
	arena_init(&tls->arena, SETTINGS_MAXIMUM);
	int status = tls_sessions_init(&tls->sessions, &clock);
	if (status == 0)
		status = net_tls_replace(tls, settings, reterr_text);
	if (status < 0) {
		if (!reterr_text[0])
			snprintf(reterr_text, NET_TLS_ERROR_SIZE, "%s", strerrordesc_np(-status));
		tls_free(tls);
		return status;
	}
	*ret_tls = tls;
	return 0;
}

struct net_tls *net_tls_ref(struct net_tls *tls)
{
	atomic_fetch_add_explicit(&tls->references, 1, memory_order_relaxed);
	return tls;
}

void net_tls_unref(struct net_tls *tls)
{
	if (tls && atomic_fetch_sub_explicit(&tls->references, 1, memory_order_acq_rel) == 1)
		tls_free(tls);
}

struct tls_context *tls_acquire(struct net_tls *tls)
{
	pthread_mutex_lock(&tls->lock);
	struct tls_context *context = tls->context;
	atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&tls->lock);
	return context;
}

bool tls_can_serve(struct net_tls *tls)
{
	struct tls_context *context = tls_acquire(tls);
	bool can = context->identity_count > 0;
	tls_context_unref(context);
	return can;
}

/* ---- swapping ---- */

/* Under the lock: what was in use goes out, unless trust is the same the sessions with it. */
static struct tls_context *tls_swap(struct net_tls *tls, struct tls_context *context)
{
	struct tls_context *old = tls->context;
	bool same_trust = !old || memcmp(old->trust_digest, context->trust_digest, sizeof(context->trust_digest)) == 0;
	context->generation = ++tls->generation;
	tls->context = context;
	if (!same_trust)
		tls_sessions_forget(&tls->sessions);
	return old;
}

int net_tls_replace(struct net_tls *tls, const struct net_tls_settings *settings, char reterr_text[NET_TLS_ERROR_SIZE])
{
	struct arena arena;
	struct net_tls_settings copy;
	struct tls_context *context;
	int keylog = -1;
	reterr_text[0] = '\0';
	arena_init(&arena, SETTINGS_MAXIMUM);
	int status = copy_settings(&arena, settings, &copy);
	if (status == 0)
		status = tls_context_new(tls, &copy, &context, reterr_text);
	if (status < 0) {
		arena_done(&arena);
		return status;
	}
	pthread_mutex_lock(&tls->lock);
	/* Connections log without a lock, so a log file once opened stays. */
	if (tls->keylog < 0) {
		status = open_keylog(copy.keylog_file, &keylog, reterr_text);
		if (status == 0)
			tls->keylog = keylog;
	}
	if (status < 0) {
		pthread_mutex_unlock(&tls->lock);
		tls_context_unref(context);
		arena_done(&arena);
		return status;
	}
	struct tls_context *old = tls_swap(tls, context);
	struct arena old_arena = tls->arena;
	tls->arena = arena;
	tls->settings = copy;
	atomic_store(&tls->sessions.off, copy.tickets_off);
	pthread_mutex_unlock(&tls->lock);
	tls_context_unref(old);
	arena_done(&old_arena);
	return 0;
}

int net_tls_reload(struct net_tls *tls, char reterr_text[NET_TLS_ERROR_SIZE])
{
	struct arena arena;
	struct net_tls_settings copy;
	reterr_text[0] = '\0';
	arena_init(&arena, SETTINGS_MAXIMUM);
	pthread_mutex_lock(&tls->lock);
	int status = copy_settings(&arena, &tls->settings, &copy);
	pthread_mutex_unlock(&tls->lock);
	if (status == 0)
		status = net_tls_replace(tls, &copy, reterr_text);
	arena_done(&arena);
	return status;
}

void net_tls_forget_sessions(struct net_tls *tls)
{
	tls_sessions_forget(&tls->sessions);
}

uint64_t net_tls_generation(const struct net_tls *tls)
{
	return atomic_load(&tls->generation);
}

/* ---- looking ---- */

void tls_each_file(struct net_tls *tls, void (*see)(void *argument, const char *file), void *argument)
{
	pthread_mutex_lock(&tls->lock);
	const struct net_tls_settings *settings = &tls->settings;
	for (size_t i = 0; i < settings->identity_count; i++) {
		const struct net_tls_identity *identity = &settings->identities[i];
		see(argument, identity->certificate_file);
		see(argument, identity->key_file);
		if (identity->client_certificate_file)
			see(argument, identity->client_certificate_file);
		if (identity->client_key_file)
			see(argument, identity->client_key_file);
	}
	for (size_t i = 0; i < settings->authority_count; i++)
		see(argument, settings->authority_files[i]);
	for (size_t i = 0; i < settings->intermediate_count; i++)
		see(argument, settings->intermediate_files[i]);
	pthread_mutex_unlock(&tls->lock);
}

void net_tls_each_own(struct net_tls *tls, void (*visit)(void *argument, const struct net_tls_own *own), void *argument)
{
	struct tls_context *context = tls_acquire(tls);
	for (size_t i = 0; i < context->identity_count; i++) {
		const struct tls_identity *identity = &context->identities[i];
		struct net_tls_own own = { .name = identity->name,
			.file = identity->certificate_file,
			.certificate = SSL_CTX_get0_certificate(identity->server) };
		visit(argument, &own);
		if (!identity->client_certificate_file)
			continue;
		own.client = true;
		own.file = identity->client_certificate_file;
		own.certificate = SSL_CTX_get0_certificate(identity->client);
		visit(argument, &own);
	}
	tls_context_unref(context);
}
