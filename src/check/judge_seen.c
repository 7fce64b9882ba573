/* SPDX-License-Identifier: Apache-2.0 */
/* One set of facts for rule books that validate by DNSSEC and for those that do not. */
#include "check/judge_private.h"

static bool withholds(const struct judging *j, const struct trust_lookup *lookup)
{
	return j->policy.kind == TRUST_POLICY_DANE && lookup->bogus;
}

static struct trust_lookup seen(const struct judging *j, const struct trust_lookup *lookup)
{
	struct trust_lookup copy = *lookup;
	if (withholds(j, lookup))
		copy.status = TRUST_LOOKUP_BOGUS;
	return copy;
}

struct trust_domain judge_seen_domain(const struct judging *j)
{
	struct trust_domain domain = j->facts->srv;
	domain.lookup = seen(j, &domain.lookup);
	if (withholds(j, &j->facts->srv.lookup))
		domain.record_count = 0;
	return domain;
}

void judge_seen_host(struct judging *j, const struct trust_host *host, struct trust_host *ret_host)
{
	*ret_host = *host;
	ret_host->a = seen(j, &host->a);
	ret_host->aaaa = seen(j, &host->aaaa);
	ret_host->tlsa_lookup = seen(j, &host->tlsa_lookup);
	if (!withholds(j, &host->a) && !withholds(j, &host->aaaa))
		return;
	struct trust_address *kept = arena_allocate(j->arena, (host->address_count + 1) * sizeof(*kept));
	ret_host->addresses = kept;
	ret_host->address_count = 0;
	for (size_t i = 0; kept && i < host->address_count; i++)
		if (!withholds(j, host->addresses[i].is_ipv6 ? &host->aaaa : &host->a))
			kept[ret_host->address_count++] = host->addresses[i];
	j->incomplete |= !kept;
}
