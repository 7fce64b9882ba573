/* SPDX-License-Identifier: Apache-2.0 */
/* The desk's TLS: whom to trust, what to show, the versions one by one, the planned certificate. */
#include "check/desk_private.h"
#include "config/parts.h"
#include "net/tls.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <unistd.h>

/* Both lists, one after the other. */
static int join_files(
	struct arena *arena, const char *const **files, size_t *count, const char *const *more, size_t more_count)
{
	if (more_count == 0)
		return 0;
	const char **joined = arena_allocate(arena, (*count + more_count) * sizeof(*joined));
	if (!joined)
		return -ENOMEM;
	for (size_t i = 0; i < *count; i++)
		joined[i] = (*files)[i];
	for (size_t i = 0; i < more_count; i++)
		joined[*count + i] = more[i];
	*files = joined;
	*count += more_count;
	return 0;
}

static int choose_identity(struct check_opening *o, struct net_tls_settings *settings)
{
	const struct check_options *options = o->options;
	if (!options->client_certificate_file)
		return 0;
	struct net_tls_identity *identity = arena_zero(&o->desk->arena, sizeof(*identity));
	if (!identity)
		return -ENOMEM;
	identity->certificate_file = options->client_certificate_file;
	/* Both in one file is usual. */
	identity->key_file = options->client_key_file ? options->client_key_file : options->client_certificate_file;
	settings->identities = identity;
	settings->identity_count = 1;
	return 0;
}

/* As the node would connect, but judging afterwards, and never by a session of before. */
static int choose_tls(struct check_opening *o, struct net_tls_settings *settings)
{
	const struct check_options *options = o->options;
	struct arena *arena = &o->desk->arena;
	int status = 0;
	*settings = (struct net_tls_settings){ .system_authorities = true };
	if (options->node)
		status = config_parts_tls(options->node, arena, settings);
	if (status == 0)
		status = join_files(arena, &settings->authority_files, &settings->authority_count,
			options->authority_files, options->authority_count);
	if (status == 0)
		status = join_files(arena, &settings->intermediate_files, &settings->intermediate_count,
			options->intermediate_files, options->intermediate_count);
	if (status == 0)
		status = choose_identity(o, settings);
	if (options->no_system_authorities)
		settings->system_authorities = false;
	settings->verify = NET_TLS_VERIFY_JUDGE;
	settings->client_certificate = NET_TLS_ASK_OFF;
	settings->tickets_off = true;
	settings->keylog_file = NULL; /* the node's own business */
	settings->clock = &o->desk->clock;
	return status;
}

static int make_tls(struct check_opening *o, const struct net_tls_settings *settings, struct net_tls **ret_tls)
{
	char text[NET_TLS_ERROR_SIZE] = "";
	int status = net_tls_new(settings, ret_tls, text);
	if (status == 0 && text[0])
		check_desk_add_note(o->desk, span_of(text));
	return status < 0 && text[0] ? check_opening_wrong(o, status, "%.*s", CHECK_ERROR_SIZE - 1, text) : status;
}

/* What a version alone is offered with; its chain is nobody's business. */
static int open_versions(struct check_opening *o, const struct net_tls_settings *main)
{
	static const enum net_tls_version versions[PEER_VERSION_COUNT] = {
		NET_TLS_1_0,
		NET_TLS_1_1,
		NET_TLS_1_2,
		NET_TLS_1_3,
	};
	struct net_tls_settings settings = *main;
	int status = 0;
	settings.system_authorities = false;
	settings.authority_count = settings.intermediate_count = 0;
	for (size_t i = 0; status == 0 && i < PEER_VERSION_COUNT; i++) {
		settings.minimum = settings.maximum = versions[i];
		status = make_tls(o, &settings, &o->desk->versions[i]);
	}
	return status;
}

static bool has_authorities(X509_STORE *store)
{
	const char *folder = getenv(X509_get_default_cert_dir_env());
	return sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) > 0 ||
	       access(folder ? folder : X509_get_default_cert_dir(), R_OK) == 0;
}

static int open_public_authorities(struct check_desk *desk)
{
	X509_STORE *store = X509_STORE_new();
	if (!store)
		return -ENOMEM;
	if (net_tls_system_authorities(store) && has_authorities(store))
		desk->public_authorities = store;
	else
		X509_STORE_free(store);
	return 0;
}

int check_desk_open_tls(struct check_opening *o)
{
	struct net_tls_settings settings;
	int status = choose_tls(o, &settings);
	if (status == 0)
		status = make_tls(o, &settings, &o->desk->tls);
	if (status == 0 && o->options->deep)
		status = open_versions(o, &settings);
	o->desk->private_possible = status == 0 && settings.authority_count > 0;
	return status == 0 ? open_public_authorities(o->desk) : status;
}

int check_desk_open_planned(struct check_opening *o)
{
	struct check_desk *desk = o->desk;
	const char *file = o->options->planned_certificate_file;
	if (!file)
		return 0;
	int status = check_desk_read_certificates(file, &desk->arena, &desk->planned, &desk->planned_count, o->text);
	if (status < 0)
		return status;
	status = peer_probe_chain(desk->planned, desk->planned_count, desk->tls, desk->public_authorities, &desk->arena,
		&desk->planned_chain);
	return status == -EBADMSG ? check_opening_wrong(o, status, "%s: a certificate in it cannot be read", file)
				  : status;
}
