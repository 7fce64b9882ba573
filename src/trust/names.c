/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/names.h"

#include "finding/remedy.h"
#include "trust/judge.h"

struct span trust_name_strip(struct span name)
{
	if (name.length > 0 && name.at[name.length - 1] == '.')
		name.length--;
	return name;
}

bool trust_name_equal(struct span a, struct span b)
{
	a = trust_name_strip(a);
	b = trust_name_strip(b);
	return a.length > 0 && span_equal_nocase(a, b);
}

bool trust_name_wildcard_covers(struct span pattern, struct span name)
{
	name = trust_name_strip(name);
	if (pattern.length < 3 || pattern.at[0] != '*' || pattern.at[1] != '.')
		return false;
	size_t dot = span_find(name, '.');
	return dot > 0 && dot < name.length && trust_name_equal(span_from(pattern, 2), span_from(name, dot + 1));
}

bool trust_name_is_plain(struct span name)
{
	return remedy_is_plain(name);
}

size_t trust_name_labels(struct span name)
{
	name = trust_name_strip(name);
	size_t labels = name.length > 0;
	for (size_t i = 0; i < name.length; i++)
		labels += name.at[i] == '.';
	return labels;
}

/* True where name is suffix with at least one label in front; *ret_front is what stands before it. */
static bool is_under(struct span name, struct span suffix, struct span *ret_front)
{
	if (suffix.length == 0 || name.length < suffix.length + 2 || !span_ends_nocase(name, suffix))
		return false;
	if (name.at[name.length - suffix.length - 1] != '.')
		return false;
	*ret_front = span_first(name, name.length - suffix.length - 1);
	return true;
}

/* Cisco TAC 212383; docs/rules.md R2. */
enum trust_domain_match trust_domain_compare(struct span domain, struct span target)
{
	domain = trust_name_strip(domain);
	target = trust_name_strip(target);
	struct span front = SPAN_NONE;
	if (trust_name_equal(domain, target))
		return TRUST_DOMAIN_APEX;
	if (is_under(target, domain, &front))
		return span_find(front, '.') == front.length ? TRUST_DOMAIN_IN : TRUST_DOMAIN_BELOW;
	/* What the target is a host of: is our domain under that? A name of one label has no parent. */
	size_t dot = span_find(target, '.');
	struct span parent = span_from(target, dot + 1);
	if (is_under(domain, parent, &front) || is_under(domain, target, &front))
		return TRUST_DOMAIN_ABOVE;
	return TRUST_DOMAIN_OTHER;
}
