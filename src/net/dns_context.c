/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "net/resolver_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT_US (3 * CLOCK_SECOND_US)
#define RESOLV_CONF "/etc/resolv.conf"

/* libunbound's own defaults are for a shared server, or for one question now and then. */
static const char *const options[][2] = {
	{ "outgoing-range:", "4096" }, /* sockets at once; with the default of 16 bulk questions crawl */
	{ "num-queries-per-thread:", "4096" },
	{ "do-not-query-localhost:", "no" }, /* a resolver on the same machine is usual */
	{ "use-caps-for-id:", "no" },
	{ "unblock-lan-zones:", "yes" },
	{ "infra-keep-probing:", "yes" }, /* a server that was down is asked again at once */
	{ "infra-host-ttl:", "5" },
	{ "aggressive-nsec:", "no" },
	{ "msg-cache-size:", "16m" },
	{ "rrset-cache-size:", "32m" },
	{ "cache-max-negative-ttl:", "900" },
	{ "hide-identity:", "yes" },
};

static int wrong(char *text, int status, const char *what, const char *why)
{
	snprintf(text, NET_RESOLVER_ERROR_SIZE, "%.120s: %.120s", what, why);
	return status;
}

/* ---- settings ---- */

/* "IP", "IP@PORT" as unbound.conf(5) writes it; "[IP]:PORT" and "IP:PORT" are understood too. */
static int read_server(const char *text, struct net_address *ret_server)
{
	struct span port = span_of(text);
	struct span host = span_cut(&port, '@');
	uint64_t number;
	if (!port.at)
		return net_address_parse_port(host, 53, ret_server);
	if (span_to_u64(port, UINT16_MAX, &number) < 0 || number == 0)
		return -EINVAL;
	return net_address_parse(host, (uint16_t)number, ret_server);
}

/* resolv.conf(5): "nameserver ADDRESS" lines; others are none of our business. */
static int read_resolv_conf(struct dns_settings *settings, char *text)
{
	char line[512], address[128];
	FILE *file = fopen(RESOLV_CONF, "re");
	if (!file)
		return wrong(text, -errno, RESOLV_CONF, strerrordesc_np(errno));
	while (settings->server_count < DNS_SERVER_MAXIMUM && fgets(line, sizeof(line), file)) {
		struct net_address *server = &settings->servers[settings->server_count];
		if (sscanf(line, " nameserver %127s", address) == 1 &&
			net_address_parse(span_of(address), 53, server) == 0)
			settings->server_count++;
	}
	fclose(file);
	if (settings->server_count == 0)
		return wrong(text, -ENOENT, RESOLV_CONF, "names no server, and none is configured");
	return 0;
}

static int read_servers(const struct net_resolver_settings *given, struct dns_settings *settings, char *text)
{
	if (given->server_count == 0)
		return read_resolv_conf(settings, text);
	if (given->server_count > DNS_SERVER_MAXIMUM)
		return wrong(text, -E2BIG, "DNS servers", "more than 8");
	for (size_t i = 0; i < given->server_count; i++) {
		if (read_server(given->servers[i], &settings->servers[i]) < 0)
			return wrong(text, -EINVAL, given->servers[i], "is no DNS server as IP or IP@PORT");
	}
	settings->server_count = given->server_count;
	return 0;
}

int dns_settings_read(const struct net_resolver_settings *given, struct dns_settings *ret_settings, char *reterr_text)
{
	struct dns_settings settings = { .dnssec = given->dnssec,
		.timeout_us = given->timeout_us > 0 ? given->timeout_us : TIMEOUT_DEFAULT_US };
	int status = read_servers(given, &settings, reterr_text);
	if (status < 0)
		return status;
	if (given->outgoing && net_address_parse(span_of(given->outgoing), 0, &settings.outgoing) < 0)
		return wrong(reterr_text, -EINVAL, given->outgoing, "is no address to ask from");
	if (given->dnssec && !given->trust_anchor_file)
		return wrong(reterr_text, -EINVAL, "dnssec", "needs a trust anchor file");
	if (given->trust_anchor_file && given->dnssec) {
		if (access(given->trust_anchor_file, R_OK) < 0)
			return wrong(reterr_text, -errno, given->trust_anchor_file, strerrordesc_np(errno));
		settings.trust_anchor_file = strdup(given->trust_anchor_file);
		if (!settings.trust_anchor_file)
			return -ENOMEM;
	}
	*ret_settings = settings;
	return 0;
}

int dns_settings_copy(const struct dns_settings *settings, struct dns_settings *ret_copy)
{
	struct dns_settings copy = *settings;
	if (settings->trust_anchor_file && !(copy.trust_anchor_file = strdup(settings->trust_anchor_file)))
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}

void dns_settings_done(struct dns_settings *settings)
{
	free(settings->trust_anchor_file);
	settings->trust_anchor_file = NULL;
}

void dns_server_format(const struct net_address *server, char ret_text[NET_ADDRESS_TEXT_SIZE])
{
	size_t length = net_address_format_host(server, ret_text);
	snprintf(ret_text + length, NET_ADDRESS_TEXT_SIZE - length, "@%u", net_address_port(server));
}

/* ---- libunbound ---- */

/* libunbound sets up and takes down locks of the whole process with every context, and guards
 * that by nothing: this is not our state, but it must be somebody's to guard. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

void dns_context_free(struct ub_ctx *context)
{
	pthread_mutex_lock(&making);
	ub_ctx_delete(context);
	pthread_mutex_unlock(&making);
}

static int context_set_options(struct ub_ctx *context, const struct dns_settings *settings, char *text)
{
	int status = 0;
	for (size_t i = 0; status == 0 && i < BASE_COUNT(options); i++) {
		status = ub_ctx_set_option(context, options[i][0], options[i][1]);
		if (status)
			return wrong(text, -EINVAL, options[i][0], ub_strerror(status));
	}
	status = ub_ctx_set_option(context, "module-config:", settings->dnssec ? "validator iterator" : "iterator");
	if (status)
		return wrong(text, -EINVAL, "module-config", ub_strerror(status));
	if (net_address_is_set(&settings->outgoing)) {
		char host[NET_ADDRESS_TEXT_SIZE];
		net_address_format_host(&settings->outgoing, host);
		status = ub_ctx_set_option(context, "outgoing-interface:", host);
		if (status)
			return wrong(text, -EINVAL, host, ub_strerror(status));
	}
	return 0;
}

static int context_set_servers(struct ub_ctx *context, const struct dns_settings *settings, char *text)
{
	for (size_t i = 0; i < settings->server_count; i++) {
		char server[NET_ADDRESS_TEXT_SIZE];
		dns_server_format(&settings->servers[i], server);
		int status = ub_ctx_set_fwd(context, server);
		if (status)
			return wrong(text, -EINVAL, server, ub_strerror(status));
	}
	return 0;
}

/* While making is held: settings, too, reach the library's own log and its locks. */
static int context_make(const struct dns_settings *settings, struct ub_ctx **ret_context, char *reterr_text)
{
	/* RFC 6761 names that libunbound would answer by itself; a laboratory may well use them. */
	static const char *const asked_all_the_same[] = { "test.", "invalid.", "home.arpa." };
	struct ub_ctx *context = ub_ctx_create();
	if (!context)
		return wrong(reterr_text, -ENOMEM, "libunbound", "cannot be set up");
	ub_ctx_debugout(context, NULL);
	int status = context_set_options(context, settings, reterr_text);
	if (status == 0)
		status = context_set_servers(context, settings, reterr_text);
	if (status == 0 && settings->trust_anchor_file) {
		int problem = ub_ctx_add_ta_file(context, settings->trust_anchor_file);
		if (problem)
			status = wrong(reterr_text, -EBADMSG, settings->trust_anchor_file, ub_strerror(problem));
	}
	/* A thread, not a process: forks and our own threads do not mix. */
	if (status == 0 && ub_ctx_async(context, 1) != 0)
		status = wrong(reterr_text, -EIO, "libunbound", "cannot run in a thread");
	/* Last: it closes the context for settings. */
	for (size_t i = 0; status == 0 && i < BASE_COUNT(asked_all_the_same); i++)
		(void)ub_ctx_zone_add(context, asked_all_the_same[i], "transparent");
	if (status < 0) {
		ub_ctx_delete(context);
		return status;
	}
	*ret_context = context;
	return 0;
}

int dns_context_new(const struct dns_settings *settings, struct ub_ctx **ret_context, char *reterr_text)
{
	pthread_mutex_lock(&making);
	int status = context_make(settings, ret_context, reterr_text);
	pthread_mutex_unlock(&making);
	return status;
}
