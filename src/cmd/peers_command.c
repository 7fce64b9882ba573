/* SPDX-License-Identifier: Apache-2.0 */
/* fedge peers [flush DOMAIN] */
#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/table.h"

/* Names come from strangers' DNS and certificates: shown escaped. */
static void print_text(const struct command_line *line, const json_t *object, const char *key)
{
	struct buffer safe;
	buffer_init(&safe, 64 << 10);
	text_append_safe(&safe, span_of(json_string_value(json_object_get(object, key))));
	fprintf(line->output, "%.*s", SPAN_PRINT(buffer_span(&safe)));
	buffer_done(&safe);
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_domains(const struct command_line *line, const json_t *reply)
{
	size_t index, inner;
	const json_t *item, *target;
	json_array_foreach(json_object_get(reply, "domains"), index, item)
	{
		print_text(line, item, "domain");
		fputs("  ", line->output);
		print_text(line, item, "lookup");
		fprintf(line->output, ", for %llds\n", number_of(item, "remaining_s"));
		json_array_foreach(json_object_get(item, "targets"), inner, target)
		{
			fprintf(line->output, "    SRV %lld %lld %lld ", number_of(target, "priority"),
				number_of(target, "weight"), number_of(target, "port"));
			print_text(line, target, "target");
			fputc('\n', line->output);
		}
	}
}

static void print_certificates(const struct command_line *line, const json_t *reply)
{
	size_t index;
	const json_t *item;
	json_array_foreach(json_object_get(reply, "certificates"), index, item)
	{
		fputs("certificate  ", line->output);
		print_text(line, item, "subject");
		fputs(json_is_true(json_object_get(item, "verified")) ? ", trusted, ends " : ", not trusted, ends ",
			line->output);
		print_text(line, item, "not_after");
		fputc('\n', line->output);
	}
}

static void print_discovered(const struct command_line *line, const json_t *reply)
{
	size_t index;
	const json_t *item;
	json_array_foreach(json_object_get(reply, "discovered"), index, item)
	{
		fputs("discovered  ", line->output);
		print_text(line, item, "domain");
		fprintf(line->output, "  %lld good, %lld bad, asked for %lld addresses%s\n", number_of(item, "good"),
			number_of(item, "bad"), number_of(item, "addresses"),
			json_is_true(json_object_get(item, "suspicious")) ? ", suspicious" : "");
	}
}

static void print_peers(const struct command_line *line, const json_t *reply)
{
	print_domains(line, reply);
	print_certificates(line, reply);
	print_discovered(line, reply);
	if (!json_array_size(json_object_get(reply, "domains")) &&
		!json_array_size(json_object_get(reply, "certificates")) &&
		!json_array_size(json_object_get(reply, "discovered")))
		fputs("no partner is known yet\n", line->output);
	if (number_of(reply, "left_out"))
		fprintf(line->output, "%lld more not shown\n", number_of(reply, "left_out"));
}

static int run_list(struct command_line *line)
{
	json_t *reply = NULL;
	int exit_code = ask_node(line, json_pack("{s:s}", "command", "peers"), &reply);
	if (exit_code == COMMAND_GOOD && command_has(line, "json")) {
		json_object_del(reply, "ok");
		json_dumpf(reply, line->output, JSON_COMPACT);
		fputc('\n', line->output);
	} else if (exit_code == COMMAND_GOOD) {
		print_peers(line, reply);
	}
	json_decref(reply);
	return exit_code;
}

static int run_flush(struct command_line *line)
{
	json_t *reply = NULL;
	json_t *request = json_pack("{s:s}", "command", "flush");
	if (line->operand_count && json_object_set_new(request, "domain", json_string(line->operands[0])) < 0) {
		json_decref(request);
		return command_usage(line, "\"%s\" is no domain", line->operands[0]);
	}
	int exit_code = ask_node(line, request, &reply);
	if (exit_code == COMMAND_GOOD)
		fprintf(line->output, "%lld forgotten\n", number_of(reply, "forgotten"));
	json_decref(reply);
	return exit_code;
}

static const struct command command_flush = {
	.name = "flush",
	.operands = "[DOMAIN]",
	.summary = "forget what is known of a partner's domain, or of all: it is looked up anew",
	.options = (const struct command_option[]){ ASK_OPTIONS, { NULL } },
	.operand_maximum = 1,
	.run = run_flush,
};

const struct command command_peers = {
	.name = "peers",
	.summary = "show what a running node knows of its partners; forget it",
	.options = (const struct command_option[]){ ASK_OPTIONS, { "json", 'j', .help = "one JSON object instead" },
		{ NULL } },
	.subcommands = (const struct command *const[]){ &command_flush, NULL },
	.run = run_list,
};
