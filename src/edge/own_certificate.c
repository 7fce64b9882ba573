/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/own_certificate.h"

#include "net/tls.h"
#include "peer/chain.h"
#include "trust/judge.h"

#include <stdio.h>

struct visit {
	const struct trust_policy *policy;
	const struct clock *clock;
	void (*warn)(void *argument, struct span text);
	void *argument;
};

static void findings_tell(const struct visit *visit, const struct net_tls_own *own, const struct finding_list *findings)
{
	for (const struct finding *f = findings->first; f; f = f->next) {
		char title[256], line[768];
		if (f->severity == FINDING_NOTE)
			continue;
		finding_title(f, title, sizeof(title));
		int length = snprintf(
			line, sizeof(line), "%s: %s (fedge help %s)", own->file, title, finding_entry(f->code)->code);
		visit->warn(visit->argument, span_first(span_make(line, (size_t)length), sizeof(line) - 1));
	}
}

static void certificate_visit(void *argument, const struct net_tls_own *own)
{
	const struct visit *visit = argument;
	struct trust_certificate leaf;
	struct finding_list findings;
	struct arena arena;
	arena_init(&arena, 1u << 20);
	finding_list_init(&findings, &arena, FINDING_YOU);
	struct trust_judge judge = {
		.policy = visit->policy, .findings = &findings, .now_s = clock_wall_us(visit->clock) / CLOCK_SECOND_US
	};
	/* OpenSSL keeps what it computes inside the certificate, so it wants it writable. */
	if (peer_certificate_read((struct x509_st *)(uintptr_t)own->certificate, &arena, &leaf) == 0) {
		struct trust_chain chain = {
			.certificates = &leaf, .count = 1, .sent_count = 1, .seen_as_client = own->client
		};
		trust_judge_own_certificate(&judge, span_of(own->name), &chain);
	}
	findings_tell(visit, own, &findings);
	arena_done(&arena);
}

void edge_own_certificate_each_warning(struct net_tls *tls, const struct trust_policy *policy,
	const struct clock *clock, void (*warn)(void *argument, struct span text), void *argument)
{
	struct visit visit = { policy, clock, warn, argument };
	net_tls_each_own(tls, certificate_visit, &visit);
}
