/* SPDX-License-Identifier: Apache-2.0 */
/* fedge serve: a configuration, a node, its control socket and signals; then it only waits. */
#include "cmd/serve.h"

#include "cmd/print.h"
#include "cmd/table.h"
#include "config/load.h"
#include "edge/node.h"
#include "net/loop.h"
#include "store/address.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SAID_MAXIMUM (4u << 20)

/* ---- reload ---- */

static int take_over(struct serve *serve, const struct config_node *config, struct buffer *said)
{
	char why[EDGE_NODE_ERROR_SIZE] = "";
	int status = edge_node_reload(serve->node, config, why);
	if (status < 0)
		buffer_printf(said, "%s: %s\n", serve->file, *why ? why : strerror(-status));
	return status;
}

/* Reads the file again and lets the node take it over, whole or not at all. Lines that a person
 * should read (mistakes, warnings, what needs a restart) go to said. */
static int reload(struct serve *serve, struct buffer *said)
{
	struct config_report report;
	const struct config_node *config = NULL;
	config_report_init(&report);
	int status = config_load_file(serve->file, &report, &config);
	config_report_write(&report, said);
	if (status == 0)
		status = take_over(serve, config, said);
	config_node_unref(config);
	config_report_done(&report);
	return status;
}

/* ---- replies ---- */

json_t *serve_text(struct span text)
{
	json_t *string = text.at ? json_stringn(text.at, text.length) : NULL;
	return string ? string : json_null();
}

json_t *serve_store(struct span address)
{
	char shown[STORE_ADDRESS_SIZE];
	if (!address.at)
		return json_null();
	store_address_show(address, shown);
	return serve_text(span_of(shown));
}

json_t *serve_time(int64_t wall_us)
{
	char utc[32];
	return json_stringn(utc, clock_format_utc(wall_us, utc, sizeof(utc)));
}

/* A reply's text without the last newline. */
static json_t *text_of(struct buffer *said)
{
	struct span text = buffer_span(said);
	if (text.length && text.at[text.length - 1] == '\n')
		text.length--;
	return json_stringn(text.at ? text.at : "", text.length);
}

static int control_reload(void *argument, const json_t *request, json_t *reply)
{
	struct buffer said;
	(void)request;
	buffer_init(&said, SAID_MAXIMUM);
	int status = reload(argument, &said);
	if (said.length)
		json_object_set_new(reply, status < 0 ? "error" : "warnings", text_of(&said));
	buffer_done(&said);
	return status;
}

const struct control_command serve_commands[] = {
	{ "status", serve_status },
	{ "reload", control_reload },
	{ "peers", serve_peers },
	{ "flush", serve_flush },
	{ NULL, NULL },
};

/* ---- signals ---- */

static void stop_asked(void *argument, int number)
{
	struct serve *serve = argument;
	(void)number;
	edge_node_stop(serve->node);
}

static void reload_asked(void *argument, int number)
{
	struct serve *serve = argument;
	struct buffer said;
	(void)number;
	buffer_init(&said, SAID_MAXIMUM);
	int status = reload(serve, &said);
	fprintf(stderr, "%.*s", SPAN_PRINT(buffer_span(&said)));
	fprintf(stderr, "fedge serve: %s\n", status < 0 ? "not reloaded: the node goes on as before" : "reloaded");
	buffer_done(&said);
	/* Also logrotate's way to say that the files have moved. */
	edge_node_reopen_logs(serve->node);
}

static int listen_to_signals(struct serve *serve)
{
	struct net_loop *loop = edge_node_loop(serve->node);
	int status = net_loop_on_signal(loop, SIGTERM, stop_asked, serve);
	if (status == 0)
		status = net_loop_on_signal(loop, SIGINT, stop_asked, serve);
	if (status == 0)
		status = net_loop_on_signal(loop, SIGHUP, reload_asked, serve);
	return status;
}

/* ---- life ---- */

/* One line for whoever started us and waits (--ready-fd); closed afterwards. */
static int say_ready(const struct command_line *line, const struct config_node *config, uint64_t descriptor)
{
	char text[512];
	int length = snprintf(text, sizeof(text), "ready %s\n", config->node.at);
	if (descriptor == 0)
		return COMMAND_GOOD;
	if (write((int)descriptor, text, (size_t)length) != length)
		return command_fail(
			line, COMMAND_FAILED, "cannot write to descriptor %d: %s", (int)descriptor, strerror(errno));
	close((int)descriptor);
	return COMMAND_GOOD;
}

static int open_control(const struct command_line *line, struct serve *serve, const struct config_node *config,
	struct control_server **ret_server)
{
	if (!config->control.at)
		return COMMAND_GOOD;
	struct control_server_options options = { edge_node_loop(serve->node), config->control.at, serve_commands,
		serve };
	int status = control_server_open(&options, ret_server);
	if (status == -EADDRINUSE)
		return command_fail(line, COMMAND_FAILED, "a node runs already: it answers at %s", config->control.at);
	if (status < 0)
		return command_fail(line, COMMAND_FAILED, "cannot open the control socket %s: %s", config->control.at,
			strerror(-status));
	return COMMAND_GOOD;
}

static int run_node(
	const struct command_line *line, struct serve *serve, const struct config_node *config, uint64_t ready)
{
	struct control_server *control = NULL;
	int exit_code = open_control(line, serve, config, &control);
	int status = exit_code == COMMAND_GOOD ? listen_to_signals(serve) : 0;
	if (status < 0)
		exit_code = command_fail(line, COMMAND_FAILED, "cannot listen to signals: %s", strerror(-status));
	if (exit_code == COMMAND_GOOD)
		exit_code = say_ready(line, config, ready);
	if (exit_code == COMMAND_GOOD) {
		status = edge_node_run(serve->node);
		if (status < 0)
			exit_code = command_fail(line, COMMAND_FAILED, "the node ended: %s", strerror(-status));
	}
	control_server_close(control);
	return exit_code;
}

static void warn(void *argument, struct span text)
{
	const struct command_line *line = argument;
	fprintf(line->errors, "fedge serve: warning: %.*s\n", SPAN_PRINT(text));
}

static int start_node(
	const struct command_line *line, const struct config_node *config, const char *file, uint64_t ready)
{
	struct serve serve = { file, NULL };
	struct clock clock = clock_system();
	char why[EDGE_NODE_ERROR_SIZE] = "";
	int status = edge_node_new(config, &clock, &serve.node, why);
	if (status < 0)
		return command_fail(line, COMMAND_FAILED, "%s", *why ? why : strerror(-status));
	edge_node_each_warning(serve.node, warn, (void *)(uintptr_t)line);
	int exit_code = run_node(line, &serve, config, ready);
	edge_node_free(serve.node);
	return exit_code;
}

static int run_serve(struct command_line *line)
{
	const char *file = command_value(line, "config", NULL);
	uint64_t ready = 0;
	struct config_report report;
	const struct config_node *config = NULL;
	if (!command_number(line, "ready-fd", (uint64_t[]){ 3, 1024 }, &ready))
		return COMMAND_USAGE;
	/* A closed connection or a log at its file size limit is an error to handle, not an end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	config_report_init(&report);
	int status = config_load_file(file, &report, &config);
	print_report(line->errors, &report);
	config_report_done(&report);
	if (status == -ENOMEM)
		return command_fail(line, COMMAND_FAILED, "no memory");
	int exit_code = status < 0 ? COMMAND_FAILED : start_node(line, config, file, ready);
	config_node_unref(config);
	return exit_code;
}

const struct command command_serve = {
	.name = "serve",
	.summary = "run a node",
	.description = "Runs in the foreground until SIGTERM or SIGINT; then no new calls are taken, those being set "
		       "up may finish (limits.drain), and a second signal ends at once. SIGHUP reads the "
		       "configuration again, whole or not at all and without dropping a call, and opens the log files "
		       "anew.",
	.options =
		(const struct command_option[]){
			{ "config", 'c', "FILE", "its configuration file", .required = true },
			{ "ready-fd", 0, "N", "write one line to this descriptor once the node answers" },
			{ NULL },
		},
	.sections =
		(const struct command_section[]){
			{ "Exit status:", "  0  it ended as it was told to\n  2  it could not start, or failed\n" },
			{ "Examples:", "  fedge config check vcse.yaml && fedge serve -c vcse.yaml" },
			{ NULL },
		},
	.run = run_serve,
};
