/* SPDX-License-Identifier: Apache-2.0 */
/* A dial plan and aliases as lines. Whatever the plan is: a search ends within its bounds, says the same twice, and an
 * entry that is called useless is.
 *
 *	t PRIORITY TYPE BEHAVIOUR PATTERN REPLACEMENT     a transform
 *	p SOURCE AUTHENTICATED ACTION FROM TO ALIAS       a rule of the policy
 *	r PRIORITY SOURCE MODE TYPE BEHAVIOUR STOP TARGET PATTERN REPLACEMENT
 *	a SOURCE ALIAS CALLER                             a search
 * All but texts are one digit each; a minus sign is no text. */
#include "base/require.h"
#include "route/shadow.h"

#include <stdint.h>
#include <stdlib.h>

#define ENTRIES 12
#define SEARCHES 8
#define LOCAL 3
#define ALIAS_MAXIMUM 2048 /* what is longer fits no pattern, and "everything" is not meant to have it in */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct route_transform transforms[ENTRIES];
	struct route_policy_rule policy[ENTRIES];
	struct route_rule rules[ENTRIES];
	struct route_request searches[SEARCHES];
	size_t search_count;
	struct route_table_params params;
};

static uint32_t digit(struct span *line, uint32_t below)
{
	struct span word = span_cut(line, ' ');
	return word.length ? (uint32_t)(unsigned char)word.at[0] % below : 0;
}

static struct span text(struct span *line)
{
	struct span word = span_cut(line, ' ');
	return word.length && !span_is(word, "-") ? word : SPAN_NONE;
}

static void transform_read(struct input *in, struct span line)
{
	if (in->params.transform_count >= ENTRIES)
		return;
	struct route_transform *t = &in->transforms[in->params.transform_count++];
	t->enabled = true;
	t->priority = digit(&line, 10);
	t->type = (enum route_pattern)digit(&line, 4);
	t->behaviour = (enum route_behaviour)digit(&line, 5);
	t->pattern = text(&line);
	t->replace = text(&line);
}

static void policy_read(struct input *in, struct span line)
{
	if (in->params.policy_count >= ENTRIES)
		return;
	struct route_policy_rule *p = &in->policy[in->params.policy_count++];
	p->enabled = true;
	p->source = (enum route_source)digit(&line, 5);
	p->authenticated = (enum route_whether)digit(&line, 3);
	p->action = (enum route_action)digit(&line, 3);
	p->status = 403;
	p->from = text(&line);
	p->to = text(&line);
	p->alias = text(&line);
}

static void rule_read(struct input *in, struct span line)
{
	if (in->params.rule_count >= ENTRIES)
		return;
	struct route_rule *r = &in->rules[in->params.rule_count++];
	r->enabled = true;
	r->priority = digit(&line, 10);
	r->source = (enum route_source)digit(&line, 5);
	r->source_zone = 1;
	r->mode = (enum route_mode)digit(&line, 3);
	r->type = (enum route_pattern)digit(&line, 4);
	r->behaviour = (enum route_behaviour)digit(&line, 5);
	r->on_match = (enum route_on_match)digit(&line, 2);
	r->target = (int)digit(&line, 4);
	r->pattern = text(&line);
	r->replace = text(&line);
}

static void search_read(struct input *in, struct span line)
{
	if (in->search_count >= SEARCHES)
		return;
	struct route_request *s = &in->searches[in->search_count++];
	s->source = (int)digit(&line, 5) - 1;
	s->alias = text(&line);
	s->caller = text(&line);
}

static void input_read(struct input *in, struct span all)
{
	static const struct span domains[] = { SPAN("us.lab"), SPAN("a") };
	*in = (struct input){ .params = { .transforms = in->transforms,
				      .policy = in->policy,
				      .rules = in->rules,
				      .local_zone = LOCAL,
				      .names = { .node = SPAN("n.us.lab"), .domains = domains, .domain_count = 2 } } };
	while (all.at && all.length) {
		struct span line = span_cut(&all, '\n');
		struct span kind = span_cut(&line, ' ');
		if (span_is(kind, "t"))
			transform_read(in, line);
		else if (span_is(kind, "p"))
			policy_read(in, line);
		else if (span_is(kind, "r"))
			rule_read(in, line);
		else if (span_is(kind, "a"))
			search_read(in, line);
	}
}

static bool is_same(const struct route_plan *a, const struct route_plan *b)
{
	bool same = a->target_count == b->target_count && a->rejected_status == b->rejected_status &&
		    a->goes_round == b->goes_round;
	for (size_t i = 0; same && i < a->target_count; i++)
		same = a->targets[i].zone == b->targets[i].zone && span_equal(a->targets[i].alias, b->targets[i].alias);
	return same;
}

static bool plan_make(const struct route_table *table, const struct route_request *search, struct arena *arena,
	struct route_plan *plan)
{
	if (!search->alias.at || search->alias.length > ALIAS_MAXIMUM || search->caller.length > ALIAS_MAXIMUM ||
		route_plan_make(table, search, 0, arena, plan) < 0)
		return false;
	base_require(plan->target_count <= ROUTE_TARGETS_MAXIMUM && plan->step_count <= ROUTE_STEPS_MAXIMUM);
	base_require(plan->restarts <= ROUTE_RESTARTS_MAXIMUM);
	base_require(!plan->target_count || (!plan->rejected && !plan->goes_round));
	for (size_t i = 0; i < plan->target_count; i++) {
		uint32_t before = i ? plan->targets[i - 1].group : 0;
		base_require(plan->targets[i].group - before <= (i > 0) && plan->targets[i].alias.length > 0);
		for (size_t j = 0; j < i; j++)
			base_require(plan->targets[i].zone != plan->targets[j].zone ||
				     !span_equal_nocase(plan->targets[i].alias, plan->targets[j].alias));
	}
	return true;
}

static void entry_switch_off(struct input *in, const struct route_shadow *shadow)
{
	if (shadow->part == ROUTE_PART_TRANSFORM)
		in->transforms[shadow->index].enabled = false;
	else if (shadow->part == ROUTE_PART_POLICY)
		in->policy[shadow->index].enabled = false;
	else
		in->rules[shadow->index].enabled = false;
}

/* Every search again, without the entries that are called useless. */
static void check_shadows(struct input *in, const struct route_table *table, struct arena *arena)
{
	const struct route_shadow *shadows;
	struct route_table *less;
	size_t count;
	base_require(route_shadow_find(table, arena, &shadows, &count) == 0);
	for (size_t i = 0; i < count; i++) {
		base_require(route_shadow_why(&shadows[i]) != NULL);
		entry_switch_off(in, &shadows[i]);
	}
	base_require(route_table_new(&in->params, &less, NULL) == 0);
	for (size_t i = 0; i < in->search_count; i++) {
		struct route_plan with, without;
		if (plan_make(table, &in->searches[i], arena, &with) &&
			plan_make(less, &in->searches[i], arena, &without))
			base_require(is_same(&with, &without));
	}
	route_table_free(less);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input in;
	struct route_table *table;
	struct route_defect defect;
	struct arena arena;
	if (size > 4096)
		return 0;
	input_read(&in, span_make((const char *)data, size));
	if (route_table_new(&in.params, &table, &defect) < 0) {
		base_require(defect.index < ENTRIES && defect.text[0]);
		return 0;
	}
	arena_init(&arena, 16u << 20);
	check_shadows(&in, table, &arena);
	for (size_t i = 0; i < in.params.rule_count; i++) {
		enum route_whether whether;
		base_require(route_rule_fits_domain(table, i, SPAN("us.lab"), &arena, &whether) == 0);
	}
	arena_done(&arena);
	route_table_free(table);
	return 0;
}
