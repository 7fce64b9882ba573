/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/policy.h"

#include "trust/names.h"

static bool names_contain(const struct span *names, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (trust_name_equal(names[i], name))
			return true;
	return false;
}

const struct trust_partner *trust_policy_partner(const struct trust_policy *policy, struct span domain)
{
	for (size_t i = 0; i < policy->allowed_count; i++)
		if (trust_name_equal(policy->allowed[i].domain, domain))
			return &policy->allowed[i];
	return NULL;
}

enum trust_standing trust_policy_standing(const struct trust_policy *policy, struct span domain)
{
	if (names_contain(policy->blocked, policy->blocked_count, domain))
		return TRUST_STANDING_BLOCKED;
	const struct trust_partner *partner = trust_policy_partner(policy, domain);
	if (partner)
		return partner->server.length ? TRUST_STANDING_CONFIGURED : TRUST_STANDING_ALLOWED;
	return policy->discover ? TRUST_STANDING_DISCOVERED : TRUST_STANDING_NOT_ALLOWED;
}

bool trust_policy_is_own(const struct trust_policy *policy, struct span domain)
{
	return names_contain(policy->own_domains, policy->own_domain_count, domain);
}

bool trust_policy_is_provider(const struct trust_policy *policy, struct span host)
{
	return names_contain(policy->providers, policy->provider_count, host);
}

bool trust_policy_is_limited(const struct trust_policy *policy, struct span domain)
{
	return trust_policy_standing(policy, domain) == TRUST_STANDING_DISCOVERED;
}
