/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_PLAN_PRIVATE_H
#define FEDGE_CHECK_PLAN_PRIVATE_H
/* A plan made ready: plan.c (values read, judged), plan_facts.c (how it will be seen), plan_lines.c (what to paste),
 * plan_print.c and plan_json.c (for people and programs). */
#include "check/plan.h"

#define PLAN_POLICIES 3
#define PLAN_TTL_S 300

struct plan_judgement {
	enum trust_policy_kind policy;
	struct check_facts *facts;
	struct check_report report;
};

/* One domain of the plan. All names are A-labels that may be pasted. */
struct plan_site {
	struct span typed, domain;
	struct span host; /* as planned */
	struct span advised; /* the name that would do; equal to host where that one does, or where none is known */
	struct plan_judgement judgements[PLAN_POLICIES]; /* of host */
	size_t judgement_count;
	enum check_verdict verdict; /* the worst of them */
};

struct plan_address {
	struct span text;
	bool is_ipv6;
};

struct plan_work {
	struct arena arena;
	const struct check_bench *bench;
	unsigned policies; /* CHECK_AS_ bits */
	uint16_t port;
	struct plan_address *addresses;
	size_t address_count;
	struct plan_site *sites;
	size_t site_count;
	struct span *names; /* of the certificate: each site's advised host; for RFC 5922 the domains as well */
	size_t name_count;
	enum check_verdict verdict; /* of all sites */
};

/* Reads and judges. 0, -EINVAL with one line, -ENOMEM. ret_work must not move; given back by plan_done always. */
int plan_make(const struct check_plan *plan, const struct check_bench *bench, struct plan_work *ret_work,
	char reterr_text[256]);
void plan_done(struct plan_work *work);

/* plan_facts.c: what would be seen of a site under a rule book with that host name and these names in the certificate.
 * NULL without memory. */
struct check_facts *plan_facts(const struct plan_work *work, const struct plan_site *site, struct span host,
	enum trust_policy_kind policy, const struct span *names, size_t name_count);

/* plan_lines.c: lines to paste, each with its newline. */
void plan_zone_lines(const struct plan_work *work, const struct plan_site *site, struct buffer *out);
struct span plan_common_name(const struct plan_work *work); /* absent: every name is longer than a CN may be */
struct span plan_file_name(const struct plan_work *work); /* of key and request, without their endings */
void plan_request_line(const struct plan_work *work, struct buffer *out);
/* Prints the TLSA record of a site, made from the key of the request. */
void plan_tlsa_line(const struct plan_work *work, const struct plan_site *site, struct buffer *out);
void plan_configuration_lines(const struct plan_work *work, struct buffer *out);
/* Firewall rules in words: two sentences. */
void plan_firewall_in(const struct plan_work *work, struct buffer *out);
void plan_firewall_out(const struct plan_work *work, struct buffer *out);
#endif
