/* SPDX-License-Identifier: Apache-2.0 */
/* fedge config check | schema | import | reload */
#include "cmd/ask.h"
#include "cmd/config_import.h"
#include "cmd/table.h"
#include "config/describe.h"
#include "config/load.h"

#include <errno.h>
#include <stdlib.h>

#define SCHEMA_MAXIMUM (1u << 20)

/* ---- check ---- */

static void print_summary(const struct command_line *line, const struct config_node *node)
{
	size_t tls = 0;
	for (size_t i = 0; i < node->listen_count; i++)
		tls += node->listen[i].transport == CONFIG_TRANSPORT_TLS;
	fprintf(line->output, "%s: ok\n", node->file.at);
	fprintf(line->output,
		"%s, dialect %s: %zu domain%s, %zu listener%s (%zu tls), %zu zone%s, %zu rule%s, %zu log%s, policy "
		"%s\n",
		node->node.at, config_dialect_name(node->dialect), node->domains.count,
		node->domains.count == 1 ? "" : "s", node->listen_count, node->listen_count == 1 ? "" : "s", tls,
		node->zone_count, node->zone_count == 1 ? "" : "s", node->rule_count, node->rule_count == 1 ? "" : "s",
		node->log_count, node->log_count == 1 ? "" : "s", config_policy_name(node->trust.policy));
}

static int run_check(struct command_line *line)
{
	struct config_report report;
	const struct config_node *node = NULL;
	config_report_init(&report);
	int status = config_load_file(line->operands[0], &report, &node);
	print_report(line->errors, &report);
	int exit_code = status < 0 ? COMMAND_FAILED : report.count ? COMMAND_WARNING : COMMAND_GOOD;
	if (node)
		print_summary(line, node);
	else if (status == -ENOMEM)
		command_fail(line, exit_code, "no memory");
	config_node_unref(node);
	config_report_done(&report);
	return exit_code;
}

static const struct command command_config_check = {
	.name = "check",
	.operands = "FILE",
	.summary = "say everything that is wrong with a configuration file",
	.description =
		"Reports every mistake as FILE:LINE:COLUMN, looks at the files that are named (certificates that match "
		"their keys, folders to write into), and contacts nobody.",
	.operand_minimum = 1,
	.operand_maximum = 1,
	.run = run_check,
};

/* ---- schema ---- */

static void print_setting(void *argument, const struct config_setting *setting)
{
	const struct command_line *line = argument;
	unsigned indent = 2 * setting->depth;
	fprintf(line->output, line->colour ? "%*s\033[1m%s\033[0m  %s" : "%*s%s  %s", (int)indent, "", setting->name,
		setting->type);
	if (setting->required)
		fputs("; required", line->output);
	else if (setting->default_text)
		fprintf(line->output, "; default: %s", setting->default_text);
	if (setting->restart)
		fputs("; needs a restart", line->output);
	fputc('\n', line->output);
	print_filled(line->output, setting->help, (struct print_frame){ 0, indent + 4, line->width });
}

static int print_markdown(const struct command_line *line)
{
	struct buffer b;
	buffer_init(&b, SCHEMA_MAXIMUM);
	int status = config_describe_markdown(&b);
	fprintf(line->output, "%.*s", SPAN_PRINT(buffer_span(&b)));
	buffer_done(&b);
	return status < 0 ? command_fail(line, COMMAND_FAILED, "no memory") : COMMAND_GOOD;
}

static int print_json(const struct command_line *line)
{
	json_t *schema = config_describe_json();
	if (!schema || json_dumpf(schema, line->output, JSON_INDENT(2)) < 0) {
		json_decref(schema);
		return command_fail(line, COMMAND_FAILED, "cannot write the schema");
	}
	fputc('\n', line->output);
	json_decref(schema);
	return COMMAND_GOOD;
}

static int run_schema(struct command_line *line)
{
	if (command_has(line, "json") && command_has(line, "markdown"))
		return command_usage(line, "--json and --markdown exclude each other");
	if (command_has(line, "json"))
		return print_json(line);
	if (command_has(line, "markdown"))
		return print_markdown(line);
	config_describe_each(print_setting, line);
	return COMMAND_GOOD;
}

static const struct command command_schema = {
	.name = "schema",
	.summary = "list every setting with its type, default and meaning",
	.options =
		(const struct command_option[]){
			{ "json", .help = "as JSON Schema, for editors" },
			{ "markdown", .help = "as in docs/configuration.md" },
			{ NULL },
		},
	.run = run_schema,
};

/* ---- reload ---- */

static int run_reload(struct command_line *line)
{
	json_t *reply = NULL;
	int exit_code = ask_node(line, json_pack("{s:s}", "command", "reload"), &reply);
	if (exit_code == COMMAND_GOOD && json_string_value(json_object_get(reply, "warnings")))
		fputs(json_string_value(json_object_get(reply, "warnings")), line->errors);
	if (exit_code == COMMAND_GOOD)
		fprintf(line->output, "reloaded\n");
	json_decref(reply);
	return exit_code;
}

static const struct command command_reload = {
	.name = "reload",
	.summary = "let a running node take over its changed configuration file",
	.description =
		"Whole or not at all, and without dropping a call. A setting that needs a restart is refused, and the "
		"node goes on as before.",
	.options = (const struct command_option[]){ ASK_OPTIONS, { NULL } },
	.run = run_reload,
};

const struct command command_config = {
	.name = "config",
	.summary = "check a configuration file, list all settings, import an Expressway's, reload a running node",
	.sections =
		(const struct command_section[]){
			{ "Exit status:", "  0  good\n  1  good, with warnings\n  2  mistakes were found, or the node "
					  "refused\n" },
			{ NULL },
		},
	.subcommands = (const struct command *const[]){ &command_config_check, &command_schema, &command_config_import,
		&command_reload, NULL },
};
