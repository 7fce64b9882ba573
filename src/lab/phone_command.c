/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/phone_command.h"

#include "base/require.h"
#include "lab/identity.h"

#include <errno.h>

void lab_command_init(struct lab_command *command, struct arena *arena)
{
	*command = (struct lab_command){ .arena = arena };
}

void lab_command_add(struct lab_command *command, const char *format, ...)
{
	struct buffer text;
	va_list arguments;
	buffer_init(&text, 4096);
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	struct span kept = text.status == 0 ? arena_copy(command->arena, buffer_span(&text)) : SPAN_NONE;
	buffer_done(&text);
	if (kept.at && command->count < LAB_ARGUMENTS_MAXIMUM)
		command->arguments[command->count++] = kept.at;
	else
		command->incomplete = true;
}

static void add_identity(struct lab_command *command, const struct lab_host *host)
{
	if (!lab_host_has_certificate(host))
		return;
	lab_command_add(command, "--certificate");
	lab_command_add(command, "tls/%s.pem", host->short_name);
	lab_command_add(command, "--key");
	lab_command_add(command, "tls/%s.key", host->short_name);
	lab_command_add(command, "--ca-file");
	lab_command_add(command, LAB_ROOT_FILE);
	if (host->dialect) {
		lab_command_add(command, "--dialect");
		lab_command_add(command, "%s", host->dialect);
	}
}

/* A phone answers in SHORT.log and SHORT.json; its calls are appended to the same files, by
 * another process, whole records at a time. */
static void add_logs(struct lab_command *command, const struct lab_host *host)
{
	lab_command_add(command, "--node");
	lab_command_add(command, "%s", host->short_name);
	for (size_t i = 0; host->logs[i]; i++) {
		lab_command_add(command, "--log");
		lab_command_add(command, "%s:%s.%s", host->logs[i], host->short_name,
			strcmp(host->logs[i], "json") == 0 ? "json" : "log");
	}
}

static int finish(const struct lab_command *command)
{
	return command->incomplete ? -ENOBUFS : 0;
}

static void add_option(struct lab_command *command, const char *option, const char *value)
{
	lab_command_add(command, "%s", option);
	lab_command_add(command, "%s", value);
}

static void add_credentials(struct lab_command *command)
{
	add_option(command, "--username", LAB_PHONE_NAME);
	add_option(command, "--password-file", LAB_PHONE_PASSWORD_FILE);
}

static void add_way(struct lab_command *command, const char *option, enum lab_host_id to, const char *transport)
{
	const struct lab_host *host = lab_host(to);
	for (const struct lab_port *port = host->ports; port->transport; port++) {
		if (strcmp(port->transport, transport) != 0)
			continue;
		lab_command_add(command, "%s", option);
		lab_command_add(command, "%s:%u;transport=%s", host->address, port->port, transport);
	}
}

/* The meeting server stands between phones and partners, and shows each side the other by the right domain. */
static void add_bridge(struct lab_command *command)
{
	add_way(command, "--bridge-to", LAB_VCSC, "tls");
	add_option(command, "--server-name", lab_host(LAB_VCSC)->name);
	add_option(command, "--bridge-caller", LAB_DOMAIN_CALLS "=" LAB_DOMAIN_USERS);
	add_option(command, "--bridge-callee", LAB_DOMAIN_USERS "=" LAB_DOMAIN_CALLS);
	lab_command_add(command, "--json");
}

static void add_registration(struct lab_command *command, const struct lab_host *host)
{
	add_way(command, "--register", LAB_CUCM, "tcp");
	add_credentials(command);
	add_option(command, "--address", host->address);
}

int lab_phone_answer(enum lab_host_id id, struct lab_command *command)
{
	const struct lab_host *host = lab_host(id);
	if (host->role == LAB_ROLE_NODE)
		return -EINVAL;
	lab_command_add(command, "fedge");
	lab_command_add(command, "answer");
	if (host->user)
		add_option(command, "--as", host->user);
	for (size_t i = 0; i < LAB_USERS_MAXIMUM && host->answers_for[i]; i++)
		add_option(command, "--as", host->answers_for[i]);
	for (const struct lab_port *port = host->ports; port->transport; port++) {
		lab_command_add(command, "--listen");
		lab_command_add(command, "%s:%s:%u", port->transport, host->address, port->port);
	}
	if (id == LAB_PHONE)
		add_registration(command, host);
	if (id == LAB_CMS)
		add_bridge(command);
	add_identity(command, host);
	add_logs(command, host);
	return finish(command);
}

int lab_phone_call(const struct lab_call_settings *settings, struct lab_command *command)
{
	const struct lab_host *host = lab_host(settings->from);
	if (host->role != LAB_ROLE_PHONE)
		return -EINVAL;
	lab_command_add(command, "fedge");
	lab_command_add(command, "call");
	add_option(command, "--from", settings->caller);
	add_option(command, "--to", settings->callee);
	if (settings->from == LAB_PHONE)
		add_way(command, "--via", LAB_CUCM, "tcp");
	else
		add_way(command, "--via", LAB_EDGE, "tls");
	add_option(command, "--address", host->address);
	if (settings->from == LAB_PHONE)
		add_credentials(command);
	add_identity(command, host);
	add_logs(command, host);
	if (settings->timeout_s) {
		lab_command_add(command, "--timeout");
		lab_command_add(command, "%u", settings->timeout_s);
	}
	/* Hangs up once it was answered; the BYE goes the whole way too. */
	add_option(command, "--duration", "0");
	if (settings->json)
		lab_command_add(command, "--json");
	return finish(command);
}

static bool is_plain(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       (byte && strchr("@%+=:,./_-", byte));
}

void lab_command_quote(const char *text, struct buffer *b)
{
	bool plain = *text != '\0';
	for (const char *at = text; *at; at++)
		plain = plain && is_plain(*at);
	if (plain) {
		buffer_append_text(b, text);
		return;
	}
	buffer_append_byte(b, '\'');
	for (const char *at = text; *at; at++) {
		if (*at == '\'')
			buffer_append_text(b, "'\\''");
		else
			buffer_append_byte(b, *at);
	}
	buffer_append_byte(b, '\'');
}

/* From the argument after the program's own name; an option begins a new line in a script. */
static void append_arguments(const struct lab_command *command, const char *before_option, struct buffer *b)
{
	for (size_t i = 1; i < command->count; i++) {
		bool is_option = strncmp(command->arguments[i], "--", 2) == 0;
		buffer_append_text(b, is_option ? before_option : " ");
		lab_command_quote(command->arguments[i], b);
	}
	buffer_append_byte(b, '\n');
}

int lab_command_write(const struct lab_command *command, const char *program, struct buffer *b)
{
	lab_command_quote(program, b);
	append_arguments(command, " ", b);
	return b->status;
}

int lab_command_script(
	const struct lab_command *command, enum lab_host_id id, const struct lab_scenario *scenario, struct buffer *b)
{
	const struct lab_host *host = lab_host(id);
	buffer_printf(b, "#!/bin/sh\n# %s: %s\n# scenario %s: %s\n", host->name, host->stands_for, scenario->name,
		scenario->description);
	buffer_append_text(b, "# The lab runs this line; by hand: FEDGE=path/to/fedge, then this file.\n"
			      "cd \"$(dirname \"$0\")\" || exit 64\n"
			      "exec \"${FEDGE:-fedge}\"");
	append_arguments(command, " \\\n\t", b);
	return b->status;
}
