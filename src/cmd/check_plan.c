/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check --plan DOMAIN: what to publish and what to order. */
#include "check/json_write.h"
#include "check/plan.h"
#include "cmd/check_tasks.h"

#include <errno.h>

#define OUTPUT_MAXIMUM (1u << 20)
#define WHY_SIZE 256

static const struct span *spans_of(struct check_command *c, const char *option, size_t *ret_count)
{
	size_t count = command_value_count(c->line, option);
	struct span *values = arena_zero(&c->arena, (count + 1) * sizeof(*values));
	for (size_t i = 0; values && i < count; i++)
		values[i] = span_of(command_value_at(c->line, option, i));
	*ret_count = values ? count : 0;
	return values;
}

static int write_json(const struct check_plan *plan, const struct check_bench *bench, struct buffer *out,
	enum check_verdict *ret_verdict, char *why)
{
	json_t *object = check_plan_json(plan, bench, ret_verdict, why);
	if (!object)
		return *why ? -EINVAL : -ENOMEM;
	return check_json_line(object, out);
}

static int print_plan(struct check_command *c, const struct check_plan *plan, const struct check_bench *bench)
{
	const struct finding_style style = { .width = c->line->width, .colour = c->line->colour };
	enum check_verdict verdict = CHECK_UNKNOWN;
	char why[WHY_SIZE] = "";
	struct buffer out;
	buffer_init(&out, OUTPUT_MAXIMUM);
	int status = c->format == CHECK_FORMAT_JSON ? write_json(plan, bench, &out, &verdict, why)
						    : check_plan_print(plan, bench, &style, &out, &verdict, why);
	int code = check_verdict_exit(verdict);
	if (status == -EINVAL)
		code = command_usage(c->line, "%s", why);
	else if (status < 0)
		code = command_fail(c->line, COMMAND_UNDECIDED, "%s", strerror(-status));
	else if (fwrite(out.at ? out.at : "", 1, out.length, c->line->output) != out.length ||
		 fflush(c->line->output) != 0)
		code = command_fail(c->line, COMMAND_UNDECIDED, "cannot write: %s", strerror(errno));
	buffer_done(&out);
	return code;
}

int check_run_plan(struct check_command *c)
{
	struct check_bench bench;
	struct check_plan plan = {
		.domain = span_of(command_value(c->line, "plan", "")),
		.host = span_of(command_value(c->line, "host", NULL)),
		.port = (uint16_t)c->port,
	};
	if (!plan.host.at)
		return command_usage(c->line, "--plan needs --host NAME: the edge's name, one label under the domain");
	plan.addresses = spans_of(c, "address", &plan.address_count);
	plan.other_domains = spans_of(c, "also", &plan.other_domain_count);
	if (plan.address_count == 0)
		return command_usage(c->line, "--plan needs --address IP: where the edge is reached");
	if (!plan.addresses || !plan.other_domains || check_bench_make(&c->options, &c->arena, &bench) < 0)
		return command_fail(c->line, COMMAND_UNDECIDED, "no memory");
	return print_plan(c, &plan, &bench);
}
