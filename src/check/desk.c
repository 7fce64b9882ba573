/* SPDX-License-Identifier: Apache-2.0 */
#include "check/desk_private.h"
#include "check/zone.h"
#include "config/parts.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "sip/uri.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DESK_BYTES_MAXIMUM (4u << 20)
#define HOST_NAME_SIZE 256

int check_opening_wrong(struct check_opening *o, int status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(o->text, CHECK_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return status;
}

void check_desk_add_note(struct check_desk *desk, struct span text)
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
static int choose_local(struct check_opening *o)
{
	struct check_desk *desk = o->desk;
	struct span text = o->options->node->address;
	if (!text.at)
		return 0;
	if (net_address_parse(text, 0, &desk->local) < 0)
		return check_opening_wrong(o, -EINVAL, "%s: is no address to connect from", text.at);
	if (is_ours(&desk->local))
		return 0;
	desk->local = NET_ADDRESS_NONE;
	check_desk_add_note(desk, arena_printf(&desk->arena,
					  "%.*s, the node's address, is none of this machine's: what is seen from here "
					  "may not be what the node sees",
					  SPAN_PRINT(text)));
	return 0;
}

static int open_vantage(struct check_opening *o)
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
static int open_sender(struct check_opening *o)
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
		return check_opening_wrong(
			o, -EINVAL, "%s: is no SIP address to send an OPTIONS from", desk->sender.at);
	return 0;
}

static int open_policy(struct check_opening *o)
{
	if (!o->options->node)
		return 0;
	return config_parts_policy(o->options->node, &o->desk->arena, &o->desk->policy);
}

/* ---- life ---- */

static int open_all(struct check_opening *o)
{
	static int (*const steps[])(struct check_opening *) = {
		open_vantage,
		open_sender,
		open_policy,
		check_desk_open_zone,
		check_desk_open_cache,
		check_desk_open_tls,
		check_desk_open_planned,
		/* Last: it starts a thread. */
		check_desk_open_resolver,
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
	struct check_opening o = { .desk = desk, .options = options, .text = reterr_text };
	int status = -ENOMEM;
	if (desk) {
		desk->options = options;
		desk->clock = clock ? *clock : clock_system();
		arena_init(&desk->arena, DESK_BYTES_MAXIMUM);
		size_t together = options->facts_bytes ? options->facts_bytes : CHECK_FACTS_TOGETHER_BYTES;
		desk->budget = check_budget_new(together);
		status = desk->budget ? open_all(&o) : -ENOMEM;
	}
	if (status == 0) {
		*ret_desk = desk;
		return 0;
	}
	if (!reterr_text[0])
		check_opening_wrong(&o, status, "the examination cannot be prepared: %s", strerrordesc_np(-status));
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
	check_budget_unref(desk->budget); /* facts may live on */
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
