/* SPDX-License-Identifier: Apache-2.0 */
#include "check/desk_private.h"
#include "check/zone.h"
#include "config/parts.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "peer/chain.h"
#include "sip/uri.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DESK_BYTES_MAXIMUM (4u << 20)
/* Domains are asked once in a run; hosts are what comes again. */
#define CACHE_ENTRIES_MAXIMUM 1024
#define SYSTEM_TRUST_ANCHOR "/usr/share/dns/root.key" /* Debian's dns-root-data */
#define HOST_NAME_SIZE 256

struct opening {
	struct check_desk *desk;
	const struct check_options *options;
	char *text; /* CHECK_ERROR_SIZE */
};

static int wrong(struct opening *o, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int wrong(struct opening *o, int status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(o->text, CHECK_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return status;
}

/* One that cannot be kept is not worth a failure. */
static void note(struct check_desk *desk, struct span text)
{
	struct span copy = arena_copy(&desk->arena, text);
	if (copy.at && desk->note_count < CHECK_DESK_NOTES)
		desk->notes[desk->note_count++] = copy.at;
}

static int or_memory(struct span text)
{
	return text.at ? 0 : -ENOMEM;
}

/* ---- who we are ---- */

static bool is_ours(const struct net_address *address)
{
	int descriptor = socket(net_address_family(address), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ours = descriptor >= 0 && bind(descriptor, &address->any, address->length) == 0;
	if (descriptor >= 0)
		close(descriptor);
	return ours;
}

/* A node's configuration may be looked at from another machine. */
static int choose_local(struct opening *o)
{
	struct check_desk *desk = o->desk;
	struct span text = o->options->node->address;
	if (!text.at)
		return 0;
	if (net_address_parse(text, 0, &desk->local) < 0)
		return wrong(o, -EINVAL, "%s: is no address to connect from", text.at);
	if (is_ours(&desk->local))
		return 0;
	desk->local = NET_ADDRESS_NONE;
	note(desk, arena_printf(&desk->arena,
			   "%.*s, the node's address, is none of this machine's: what is seen from here "
			   "may not be what the node sees",
			   SPAN_PRINT(text)));
	return 0;
}

static int open_vantage(struct opening *o)
{
	struct check_desk *desk = o->desk;
	const struct config_node *node = o->options->node;
	char name[HOST_NAME_SIZE];
	struct span service = node ? config_node_service(node) : SPAN_NONE;
	if (service.at)
		snprintf(desk->service, sizeof(desk->service), "_%.*s._tcp", SPAN_PRINT(service));
	else
		strcpy(desk->service, TRUST_SERVICE);
	if (node) {
		desk->vantage = arena_copy(&desk->arena, node->node);
		int status = choose_local(o);
		return status == 0 ? or_memory(desk->vantage) : status;
	}
	if (gethostname(name, sizeof(name)) < 0)
		strcpy(name, "localhost");
	name[sizeof(name) - 1] = '\0';
	desk->vantage = arena_copy(&desk->arena, span_of(name));
	return or_memory(desk->vantage);
}

/* Whom an OPTIONS names in From: without a wish, somebody in a domain of the node, else of this machine. */
static int open_sender(struct opening *o)
{
	struct check_desk *desk = o->desk;
	const struct config_node *node = o->options->node;
	const char *from = o->options->probe_from;
	struct span host = node && node->domains.count > 0 ? node->domains.items[0] : desk->vantage;
	struct sip_uri uri;
	if (!o->options->probe)
		return 0;
	desk->sender = from ? arena_copy(&desk->arena, span_of(from))
			    : arena_printf(&desk->arena, "sip:fedge-check@%.*s", SPAN_PRINT(host));
	if (!desk->sender.at)
		return -ENOMEM;
	if (sip_uri_parse(desk->sender, &uri, NULL) < 0 || !uri.host.length)
		return wrong(o, -EINVAL, "%s: is no SIP address to send an OPTIONS from", desk->sender.at);
	return 0;
}

static int open_policy(struct opening *o)
{
	if (!o->options->node)
		return 0;
	return config_parts_policy(o->options->node, &o->desk->arena, &o->desk->policy);
}

/* ---- DNS ---- */

static int open_zone(struct opening *o)
{
	char text[CHECK_ZONE_ERROR_SIZE] = "";
	if (!o->options->zone_file)
		return 0;
	int status = check_zone_read(o->options->zone_file, SPAN_NONE, &o->desk->zone, text);
	return status < 0 && text[0] ? wrong(o, status, "%.*s", CHECK_ERROR_SIZE - 1, text) : status;
}

static const char *trust_anchor(const struct opening *o)
{
	const struct config_node *node = o->options->node;
	if (o->options->trust_anchor_file)
		return o->options->trust_anchor_file;
	if (node && node->dns.trust_anchor.at)
		return node->dns.trust_anchor.at;
	return access(SYSTEM_TRUST_ANCHOR, R_OK) == 0 ? SYSTEM_TRUST_ANCHOR : NULL;
}

/* DNSSEC where dane is judged, or the node's configuration says so. Where all rule books are asked for, the others can
 * do without: they are not to be decided by it. */
static int choose_dnssec(struct opening *o, struct net_resolver_settings *settings)
{
	const struct config_node *node = o->options->node;
	unsigned policies = o->options->policies;
	bool dane = policies ? policies & CHECK_AS_DANE : node && node->trust.policy == CONFIG_POLICY_DANE;
	o->desk->tlsa = dane;
	settings->dnssec = dane || (node && node->dns.dnssec);
	settings->trust_anchor_file = settings->dnssec ? trust_anchor(o) : NULL;
	if (!settings->dnssec || settings->trust_anchor_file)
		return 0;
	if (policies != CHECK_AS_ALL || (node && node->dns.dnssec))
		return wrong(o, -ENOENT,
			"DNSSEC needs a trust anchor, and this system has none in %s; name a file with the root's key",
			SYSTEM_TRUST_ANCHOR);
	settings->dnssec = false;
	o->desk->why_not_validated = SPAN("there is no trust anchor for DNSSEC on this system");
	return 0;
}

static int name_resolvers(struct check_desk *desk, const struct net_resolver_settings *settings)
{
	struct buffer text;
	buffer_init(&text, 4096);
	for (size_t i = 0; i < settings->server_count; i++)
		buffer_printf(&text, "%s%s%s", i ? ", " : "", settings->servers[i],
			strchr(settings->servers[i], '@') ? "" : "@53");
	desk->resolvers = settings->server_count ? arena_copy(&desk->arena, buffer_span(&text)) : SPAN("the system's");
	buffer_done(&text);
	return or_memory(desk->resolvers);
}

static int make_resolver(
	struct opening *o, const struct net_resolver_settings *settings, struct net_resolver **ret_resolver)
{
	char text[NET_RESOLVER_ERROR_SIZE] = "";
	int status = net_resolver_new(settings, ret_resolver, text);
	return status < 0 && text[0] ? wrong(o, status, "%s", text) : status;
}

/* An edge that does not validate sees what a validating resolver withholds. */
static int open_plain_resolver(struct opening *o, struct net_resolver_settings settings)
{
	const struct config_node *node = o->options->node;
	unsigned others = o->options->policies & ~(unsigned)CHECK_AS_DANE;
	if (!settings.dnssec || !others || (node && node->dns.dnssec))
		return 0;
	settings.dnssec = false;
	settings.trust_anchor_file = NULL;
	return make_resolver(o, &settings, &o->desk->plain_resolver);
}

static int open_resolver(struct opening *o)
{
	struct check_desk *desk = o->desk;
	struct net_resolver_settings settings = { 0 };
	int status = o->options->node ? config_parts_resolver(o->options->node, &desk->arena, &settings) : 0;
	if (status < 0)
		return status;
	if (o->options->resolver_count > 0) {
		settings.servers = o->options->resolvers;
		settings.server_count = o->options->resolver_count;
	}
	if (o->options->lookup_us > 0)
		settings.timeout_us = o->options->lookup_us;
	if (!net_address_is_set(&desk->local))
		settings.outgoing = NULL;
	settings.clock = &desk->clock;
	status = choose_dnssec(o, &settings);
	if (status == 0)
		status = name_resolvers(desk, &settings);
	if (status < 0)
		return status;
	desk->validates = settings.dnssec;
	status = make_resolver(o, &settings, &desk->resolver);
	return status == 0 ? open_plain_resolver(o, settings) : status;
}

static int open_cache(struct opening *o)
{
	struct random random;
	int status = random_init(&random);
	if (status < 0)
		return status;
	struct peer_cache_settings settings = {
		.clock = &o->desk->clock,
		.key = random_hash_key(&random),
		.entry_maximum = CACHE_ENTRIES_MAXIMUM,
	};
	return peer_cache_new(&settings, &o->desk->cache);
}

/* ---- TLS ---- */

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

static int choose_identity(struct opening *o, struct net_tls_settings *settings)
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
static int choose_tls(struct opening *o, struct net_tls_settings *settings)
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

static int make_tls(struct opening *o, const struct net_tls_settings *settings, struct net_tls **ret_tls)
{
	char text[NET_TLS_ERROR_SIZE] = "";
	int status = net_tls_new(settings, ret_tls, text);
	if (status == 0 && text[0])
		note(o->desk, span_of(text));
	return status < 0 && text[0] ? wrong(o, status, "%.*s", CHECK_ERROR_SIZE - 1, text) : status;
}

/* What a version alone is offered with; its chain is nobody's business. */
static int open_versions(struct opening *o, const struct net_tls_settings *main)
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

static int open_tls(struct opening *o)
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

static int open_planned(struct opening *o)
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
	return status == -EBADMSG ? wrong(o, status, "%s: a certificate in it cannot be read", file) : status;
}

/* ---- life ---- */

static int open_all(struct opening *o)
{
	static int (*const steps[])(struct opening *) = {
		open_vantage,
		open_sender,
		open_policy,
		open_zone,
		open_cache,
		open_tls,
		open_planned,
		/* Last: it starts a thread. */
		open_resolver,
	};
	int status = 0;
	for (size_t i = 0; status == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		status = steps[i](o);
	return status;
}

int check_desk_new(const struct check_options *options, const struct clock *clock, struct check_desk **ret_desk,
	char reterr_text[CHECK_ERROR_SIZE])
{
	reterr_text[0] = '\0';
	struct check_desk *desk = calloc(1, sizeof(*desk));
	struct opening o = { .desk = desk, .options = options, .text = reterr_text };
	int status = -ENOMEM;
	if (desk) {
		desk->options = options;
		desk->clock = clock ? *clock : clock_system();
		arena_init(&desk->arena, DESK_BYTES_MAXIMUM);
		status = open_all(&o);
	}
	if (status == 0) {
		*ret_desk = desk;
		return 0;
	}
	if (!reterr_text[0])
		wrong(&o, status, "the examination cannot be prepared: %s", strerrordesc_np(-status));
	check_desk_free(desk);
	return status;
}

void check_desk_free(struct check_desk *desk)
{
	if (!desk)
		return;
	net_resolver_free(desk->resolver);
	net_resolver_free(desk->plain_resolver);
	peer_cache_free(desk->cache);
	check_zone_free(desk->zone);
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		net_tls_unref(desk->versions[i]);
	net_tls_unref(desk->tls);
	X509_STORE_free(desk->public_authorities);
	arena_done(&desk->arena);
	free(desk);
}

void check_desk_forget(struct check_desk *desk)
{
	atomic_fetch_add(&desk->epoch, 1);
	/* A resolver that cannot forget still lets go by TTL. */
	(void)net_resolver_flush(desk->resolver);
	if (desk->plain_resolver)
		(void)net_resolver_flush(desk->plain_resolver);
	peer_cache_flush(desk->cache, SPAN_NONE);
}

struct net_tls *check_desk_tls(struct check_desk *desk)
{
	return desk->tls;
}

struct x509_store_st *check_desk_public_authorities(struct check_desk *desk)
{
	return desk->public_authorities;
}

const char *check_desk_note(const struct check_desk *desk, size_t index)
{
	if (index < desk->note_count)
		return desk->notes[index];
	return desk->zone ? check_zone_note(desk->zone, index - desk->note_count) : NULL;
}

const struct check_options *check_desk_options(const struct check_desk *desk)
{
	return desk->options;
}
