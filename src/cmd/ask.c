/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ask.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "config/load.h"
#include "control/client.h"

#include <errno.h>
#include <stdlib.h>

#define ASK_TIMEOUT_MS 10000

static const char *configuration_of(const struct command_line *line)
{
	return command_value(line, "config", getenv("FEDGE_CONFIG"));
}

/* The socket that the configuration names. The file may have mistakes by now: then nothing can be
 * said of it, and --socket is the way. */
static int socket_of_configuration(const struct command_line *line, const char *file, char **ret_path)
{
	struct config_report report;
	const struct config_node *node = NULL;
	config_report_init(&report);
	int status = config_load_file(file, &report, &node);
	int exit_code = COMMAND_GOOD;
	if (status < 0) {
		print_report(line->errors, &report);
		exit_code = command_fail(
			line, COMMAND_FAILED, "which socket `%s` names cannot be told; --socket says it", file);
	} else if (!node->control.at) {
		exit_code = command_fail(line, COMMAND_FAILED, "`%s` has no `control` socket", file);
	} else {
		*ret_path = span_copy(node->control);
		exit_code = *ret_path ? COMMAND_GOOD : command_fail(line, COMMAND_FAILED, "no memory");
	}
	config_node_unref(node);
	config_report_done(&report);
	return exit_code;
}

static int socket_path(const struct command_line *line, char **ret_path)
{
	const char *given = command_value(line, "socket", NULL);
	const char *file = configuration_of(line);
	if (given) {
		*ret_path = strdup(given);
		return *ret_path ? COMMAND_GOOD : command_fail(line, COMMAND_FAILED, "no memory");
	}
	if (!file)
		return command_usage(line, "which node? --config FILE, --socket PATH or FEDGE_CONFIG");
	return socket_of_configuration(line, file, ret_path);
}

static int say_failure(const struct command_line *line, const char *path, int status)
{
	switch (status) {
	case -ENOENT:
	case -ECONNREFUSED:
		return command_fail(line, COMMAND_UNDECIDED, "no node runs at `%s`", path);
	case -ETIMEDOUT:
		return command_fail(line, COMMAND_UNDECIDED, "the node at `%s` does not answer", path);
	case -EPROTO:
		return command_fail(line, COMMAND_UNDECIDED, "what answers at `%s` is no node", path);
	default:
		return command_fail(
			line, COMMAND_UNDECIDED, "cannot ask the node at `%s`: %s", path, strerror(-status));
	}
}

/* A node that will not reload says one line for each mistake of its file. */
static int say_refusal(const struct command_line *line, const char *why)
{
	struct span rest = span_of(why ? why : "the node refused and gave no reason");
	while (rest.at) {
		struct span said = span_cut(&rest, '\n');
		command_fail(line, COMMAND_FAILED, "%.*s", SPAN_PRINT(said));
	}
	return COMMAND_FAILED;
}

static int ask_at(const struct command_line *line, const char *path, const json_t *request, json_t **ret_reply)
{
	json_t *reply = NULL;
	int status = control_ask(path, request, ASK_TIMEOUT_MS, &reply);
	if (status < 0)
		return say_failure(line, path, status);
	if (json_is_true(json_object_get(reply, "ok"))) {
		*ret_reply = reply;
		return COMMAND_GOOD;
	}
	int exit_code = say_refusal(line, json_string_value(json_object_get(reply, "error")));
	json_decref(reply);
	return exit_code;
}

int ask_node(const struct command_line *line, json_t *request, json_t **ret_reply)
{
	base_cleanup(free_pointer) char *path = NULL;
	int exit_code = socket_path(line, &path);
	if (exit_code == COMMAND_GOOD)
		exit_code = request ? ask_at(line, path, request, ret_reply)
				    : command_fail(line, COMMAND_FAILED, "no memory");
	json_decref(request);
	return exit_code;
}
