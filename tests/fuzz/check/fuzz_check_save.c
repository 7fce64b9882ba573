/* SPDX-License-Identifier: Apache-2.0 */
/* A line that a stranger calls saved facts: refused with the reason, or judged by every rule book and shown in every
 * form; and written again it stays what it is. */
#include "base/require.h"
#include "check/judge.h"
#include "check/render.h"
#include "check/save.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAXIMUM (32u << 20)

static void require_clean(const struct buffer *out)
{
	for (size_t i = 0; i < out->length; i++) {
		unsigned char c = (unsigned char)out->at[i];
		base_require(c >= ' ' || c == '\n');
		base_require(c != 0x7f);
	}
}

static void show(const struct check_report *report)
{
	static const struct finding_style styles[] = { { .width = 40, .notes = true }, { .width = 0 } };
	struct buffer out;
	buffer_init(&out, OUT_MAXIMUM);
	for (size_t i = 0; i < BASE_COUNT(styles); i++) {
		check_render_human(report, &styles[i], &out);
		check_render_short(report, &styles[i], &out);
		check_render_policies(&report, 1, &styles[i], &out);
	}
	check_render_nagios(&report, 1, &out);
	check_render_prometheus(&report, 1, &out);
	require_clean(&out);
	buffer_done(&out);
	json_t *object = check_render_json(report);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	base_require(text);
	free(text);
	json_decref(object);
}

static void judge(const struct check_facts *facts)
{
	struct arena arena;
	struct check_options options = { .judged_at_us = facts->examined_us % 2 ? INT64_C(1790000000000000) : 0 };
	struct check_bench bench;
	struct check_report report;
	arena_init(&arena, 1 << 20);
	base_require(check_bench_make(&options, &arena, &bench) == 0);
	for (unsigned kind = TRUST_POLICY_MICROSOFT; kind <= TRUST_POLICY_DANE; kind++) {
		check_judge(&bench, (enum trust_policy_kind)kind, facts, &report);
		show(&report);
		check_report_free(&report);
	}
	arena_done(&arena);
}

/* One writing is the fixed point of the next. */
static void write_again(const struct check_facts *facts)
{
	struct buffer first, second;
	struct check_facts *again = NULL;
	char error[CHECK_SAVE_ERROR_SIZE];
	buffer_init(&first, OUT_MAXIMUM);
	buffer_init(&second, OUT_MAXIMUM);
	base_require(check_save_write(facts, &first) == 0);
	base_require(check_save_read(buffer_span(&first), NULL, NULL, &again, error) == 0);
	base_require(check_save_write(again, &second) == 0);
	base_require(span_equal(buffer_span(&first), buffer_span(&second)));
	check_facts_free(again);
	buffer_done(&first);
	buffer_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CHECK_SAVE_ERROR_SIZE] = "";
	struct check_facts *facts = NULL;
	int status = check_save_read(span_make((const char *)data, size), NULL, NULL, &facts, error);
	if (status < 0) {
		base_require(status == -EBADMSG || status == -ENOTSUP || status == -ENOMEM);
		base_require(*error);
		return 0;
	}
	write_again(facts);
	judge(facts);
	check_facts_free(facts);
	return 0;
}
