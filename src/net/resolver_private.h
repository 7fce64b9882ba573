/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_RESOLVER_PRIVATE_H
#define FEDGE_NET_RESOLVER_PRIVATE_H
/* The resolver from inside: resolver.c (thread, questions, deadlines), dns_context.c (libunbound
 * set up from settings), dns_answer.c (wire to records), dns_probe.c (what a silent or lying
 * server really sends). */
#include "base/arena.h"
#include "net/loop.h"
#include "net/resolver.h"

struct ub_ctx;
struct ub_result;

/* ---- settings made usable ---- */
#define DNS_SERVER_MAXIMUM 8
struct dns_settings {
	struct net_address servers[DNS_SERVER_MAXIMUM];
	size_t server_count;
	struct net_address outgoing;
	bool dnssec;
	char *trust_anchor_file;
	int64_t timeout_us;
};
int dns_settings_read(const struct net_resolver_settings *given, struct dns_settings *ret_settings, char *reterr_text);
int dns_settings_copy(const struct dns_settings *settings, struct dns_settings *ret_copy);
void dns_settings_done(struct dns_settings *settings);
int dns_context_new(const struct dns_settings *settings, struct ub_ctx **ret_context, char *reterr_text);
void dns_context_free(struct ub_ctx *context);
void dns_server_format(const struct net_address *server, char ret_text[NET_ADDRESS_TEXT_SIZE]); /* IP@PORT */

/* ---- answers ---- */
struct dns_head {
	const char *name;
	enum net_dns_type type;
	int64_t asked_us, answered_us;
};
/* NULL only without memory. */
struct net_dns_answer *dns_answer_of_result(const struct dns_head *head, const struct ub_result *result);
struct net_dns_answer *dns_answer_of_failure(const struct dns_head *head, enum net_dns_status status, const char *why);
/* 0 where the name can be asked: labels of 1 to 63 bytes, 253 in all. */
int dns_name_check(const char *name);

/* ---- probe: one plain question to each server, to see what comes ---- */
struct dns_probe;
struct dns_probe_settings {
	const struct net_address *servers;
	size_t server_count;
	struct net_address outgoing;
	const char *name;
	enum net_dns_type type;
	uint16_t id;
	int64_t due_us; /* steady */
	/* Once: when every server has said something, or at due_us. status is NET_DNS_REFUSED,
	 * NET_DNS_SERVFAIL or NET_DNS_TIMEOUT, why names what each server did. The probe is gone. */
	void (*ended)(void *argument, enum net_dns_status status, const char *why);
	void *argument;
};
int dns_probe_start(struct net_loop *loop, const struct dns_probe_settings *settings, struct dns_probe **ret_probe);
void dns_probe_cancel(struct dns_probe *probe); /* NULL is harmless */
#endif
