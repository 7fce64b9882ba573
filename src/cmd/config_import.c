/* SPDX-License-Identifier: Apache-2.0 */
/* fedge config import */
#include "cmd/config_import.h"

#include "base/cleanup.h"
#include "config/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* One byte more than is taken, to know a larger one. */
static int read_all(int descriptor, struct buffer *bytes)
{
	while (bytes->length <= CONFIG_IMPORT_MAXIMUM) {
		int status = buffer_reserve(bytes, 65536);
		if (status < 0)
			return status;
		ssize_t got = read(descriptor, bytes->at + bytes->length, 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		bytes->length += (size_t)got;
	}
	return -E2BIG;
}

static int read_dump(const char *path, struct buffer *bytes)
{
	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, bytes);
	base_cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	return descriptor < 0 ? -errno : read_all(descriptor, bytes);
}

/* The account comes behind the whole configuration where both go to one place. */
static int print_summary(const struct command_line *line, const struct config_import *import)
{
	struct buffer summary;
	buffer_init(&summary, 65536);
	int status = config_import_append_summary(import, &summary);
	if (status == 0)
		fprintf(line->errors, "%s", summary.at);
	buffer_done(&summary);
	return status;
}

static int print_json(const struct command_line *line, const struct config_import *import)
{
	json_t *json = config_import_json(import);
	if (!json)
		return -ENOMEM;
	int status = json_dumpf(json, line->output, JSON_INDENT(2)) < 0 ? -EIO : 0;
	fputc('\n', line->output);
	json_decref(json);
	return status;
}

static int print_result(const struct command_line *line, const struct config_import *import)
{
	bool as_json = command_has(line, "json");
	int status = as_json ? print_json(line, import) : 0;
	if (!as_json)
		fwrite(import->yaml.at, 1, import->yaml.length, line->output);
	if (status == 0 && (fflush(line->output) != 0 || ferror(line->output)))
		status = -EIO;
	return status == 0 && !as_json ? print_summary(line, import) : status;
}

/* What is switched off there is no loss here. */
static bool is_something_told(const struct config_import *import)
{
	for (int group = 0; group < CONFIG_IMPORT_GROUPS; group++) {
		if (group != CONFIG_IMPORT_OFF && import->group_counts[group])
			return true;
	}
	return false;
}

static int run_dump(struct command_line *line, struct config_import *import, struct span bytes)
{
	const char *path = line->operands[0];
	const char *slash = strrchr(path, '/');
	const char *name = strcmp(path, "-") == 0 ? "standard input" : slash ? slash + 1 : path;
	int status = config_import_dump(import, bytes, name);
	if (status == -EINVAL)
		return command_fail(line, COMMAND_FAILED, "%s is no dump that can be read: %s", path, import->wrong);
	if (status == 0)
		status = print_result(line, import);
	if (status < 0)
		return command_fail(line, COMMAND_FAILED, "%s: %s", path,
			status == -E2BIG ? "what it becomes is too large for a configuration" : strerror(-status));
	return is_something_told(import) ? COMMAND_WARNING : COMMAND_GOOD;
}

static int run_import(struct command_line *line)
{
	struct config_import import;
	struct buffer bytes;
	buffer_init(&bytes, CONFIG_IMPORT_MAXIMUM + 131072);
	int status = read_dump(line->operands[0], &bytes);
	if (status < 0) {
		buffer_done(&bytes);
		return command_fail(line, COMMAND_FAILED, "cannot read %s: %s", line->operands[0],
			status == -E2BIG ? "it is larger than 4 MB, and no dump of one machine is" : strerror(-status));
	}
	config_import_init(&import);
	int exit_code = run_dump(line, &import, buffer_span(&bytes));
	config_import_done(&import);
	buffer_done(&bytes);
	return exit_code;
}

const struct command command_config_import = {
	.name = "import",
	.operands = "FILE",
	.summary = "turn the configuration of a Cisco Expressway into one of fedge",
	.description =
		"FILE is a text dump of xConfiguration: xconf_dump_*.txt out of a diagnostic log's archive, or what "
		"the command xConfiguration prints; - is standard input. The configuration goes to standard output: "
		"domains, listeners, zones, transforms, search rules, registrar. It always loads; what would not is "
		"left out. What has no counterpart stands at its end as comments, each with its line of the dump and "
		"why, and is counted on standard error: nothing is dropped in silence.\n"
		"\n"
		"Passwords are never shown and cannot be carried over: the result names files to put them into, and "
		"files for certificates. `fedge config check` says which are still missing.",
	.options =
		(const struct command_option[]){
			{ "json", .help = "the configuration and the list of what did not come over, as one JSON "
					  "object" },
			{ NULL },
		},
	.sections =
		(const struct command_section[]){
			{ "Exit status:",
				"  0  everything came over\n  1  something is listed: look at it\n  2  no dump, or it "
				"cannot be read\n" },
			{ NULL },
		},
	.operand_minimum = 1,
	.operand_maximum = 1,
	.run = run_import,
};
