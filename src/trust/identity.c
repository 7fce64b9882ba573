/* SPDX-License-Identifier: Apache-2.0 */
/* R1 of docs/rules.md: whose domain is judged when a request comes in. */
#include "trust/judge.h"
#include "trust/names.h"
#include "trust/words.h"

static bool judge_missing(const struct trust_judge *judge, const struct trust_sender *sender)
{
	struct finding *f = finding_add(judge->findings, FINDING_IDENTITY_MISSING, SPAN_NONE);
	finding_observed(f, sender->from_is_anonymous ? SPAN("an anonymous From, and no sip: P-Asserted-Identity")
						      : SPAN("a From without domain, and no sip: P-Asserted-Identity"));
	finding_expected(f, SPAN("a sip: P-Asserted-Identity, or a From, with the sender's domain"));
	finding_fix(f, FINDING_PARTNER, "the gateway that sends", SPAN("assert the caller's identity (RFC 3325)"));
	return false;
}

static bool judge_mismatch(const struct trust_judge *judge, const struct trust_sender *sender)
{
	struct finding *f = finding_add(judge->findings, FINDING_IDENTITY_MISMATCH, SPAN_NONE);
	finding_observed(f, words_printf(judge, "From: %.*s, P-Asserted-Identity: %.*s", SPAN_PRINT(sender->from),
				    SPAN_PRINT(sender->asserted)));
	finding_expected(f, SPAN("the same domain in both, or an anonymous From"));
	finding_fix(f, FINDING_PARTNER, "the gateway that sends",
		words_printf(judge, "write the same domain into both headers, for example %.*s",
			SPAN_PRINT(sender->asserted)));
	return false;
}

bool trust_judge_identity(const struct trust_judge *judge, const struct trust_sender *sender, struct span *ret_domain)
{
	bool from_counts = !sender->from_is_anonymous && sender->from.length > 0;
	if (sender->asserted.length == 0) {
		if (!from_counts)
			return judge_missing(judge, sender);
		*ret_domain = trust_name_strip(sender->from);
		return true;
	}
	/* A number may carry the domain of whoever bridged it: the asserted one is judged. */
	if (from_counts && !sender->from_is_number && !trust_name_equal(sender->from, sender->asserted))
		return judge_mismatch(judge, sender);
	*ret_domain = trust_name_strip(sender->asserted);
	return true;
}

bool trust_judge_sender(const struct trust_judge *judge, const struct trust_sender *sender,
	const struct trust_domain *facts, const struct trust_chain *chain, struct trust_plan *ret_plan)
{
	struct span domain;
	*ret_plan = (struct trust_plan){ 0 };
	if (!trust_judge_identity(judge, sender, &domain))
		return false;
	if (trust_judge_domain(judge, domain, facts, ret_plan) < 0 || !ret_plan->accepted)
		return false;
	ret_plan->accepted = trust_judge_presented(judge, ret_plan, chain);
	return ret_plan->accepted;
}
