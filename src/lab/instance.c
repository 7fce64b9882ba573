/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/instance.h"

#include "base/cleanup.h"
#include "base/random.h"
#include "lab/dns.h"
#include "lab/document.h"
#include "lab/evidence.h"
#include "lab/identity.h"
#include "lab/node_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAXIMUM (256u << 10)
#define START_US (20 * CLOCK_SECOND_US)
#define CALL_US (20 * CLOCK_SECOND_US)
#define CALL_TIMEOUT_S 15
#define PATIENCE_US (4 * CLOCK_SECOND_US)

static int fail(struct lab_instance *instance, int status, const char *what)
{
	if (instance->why.length == 0 && status != -EINTR)
		buffer_printf(&instance->why, "%s: %s", what, strerror(-status));
	return status;
}

/* ---- files ---- */

static int write_text(struct lab_instance *instance, const char *name, mode_t mode, const struct buffer *text)
{
	int status = text->status < 0 ? text->status : lab_place_write(&instance->place, name, mode, buffer_span(text));
	return status < 0 ? fail(instance, status, name) : 0;
}

static int write_node(struct lab_instance *instance, enum lab_host_id id, struct buffer *text)
{
	const struct lab_node_settings settings = { instance->settings.scenario, instance->resolver_port };
	char name[64];
	snprintf(name, sizeof(name), "%s.yaml", lab_host(id)->short_name);
	lab_node_file(id, &settings, text);
	return write_text(instance, name, 0644, text);
}

static int write_phone(struct lab_instance *instance, enum lab_host_id id, struct buffer *text)
{
	struct lab_command command;
	struct arena arena;
	char name[64];
	snprintf(name, sizeof(name), "%s.sh", lab_host(id)->short_name);
	arena_init(&arena, TEXT_MAXIMUM);
	lab_command_init(&command, &arena);
	int status = lab_phone_answer(id, &command);
	if (status == 0)
		status = lab_command_script(&command, id, instance->settings.scenario, text);
	arena_done(&arena);
	return status < 0 ? fail(instance, status, name) : write_text(instance, name, 0755, text);
}

static int write_document(struct lab_instance *instance, struct buffer *text)
{
	const struct lab_document document = { instance->settings.scenario, instance->resolver_port };
	lab_document_write(&document, text);
	int status = write_text(instance, "lab.json", 0644, text);
	buffer_clear(text);
	lab_document_sipp(text);
	return status < 0 ? status : write_text(instance, LAB_SIPP_FILE, 0644, text);
}

/* Nobody needs to know them: whoever does finds them in the folder. */
static int write_passwords(struct lab_instance *instance)
{
	static const char *const names[] = { LAB_PHONE_PASSWORD_FILE, LAB_TRAVERSAL_PASSWORD_FILE };
	struct random random;
	char password[33];
	int status = random_init(&random);
	if (status < 0)
		return fail(instance, status, "no random numbers");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		random_hex(&random, sizeof(password) - 1, password);
		password[sizeof(password) - 1] = '\n';
		status = lab_place_write(&instance->place, names[i], 0600, span_make(password, sizeof(password)));
		if (status < 0)
			return fail(instance, status, names[i]);
	}
	return 0;
}

static int write_files(struct lab_instance *instance)
{
	const struct lab_scenario *scenario = instance->settings.scenario;
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	int status = write_document(instance, &text);
	for (int id = 0; id < LAB_HOST_COUNT && status == 0; id++) {
		buffer_clear(&text);
		if (lab_host((enum lab_host_id)id)->role == LAB_ROLE_NODE)
			status = write_node(instance, (enum lab_host_id)id, &text);
		else
			status = write_phone(instance, (enum lab_host_id)id, &text);
	}
	buffer_done(&text);
	if (status < 0)
		return status;
	status = write_passwords(instance);
	if (status < 0)
		return status;
	status = lab_dns_write(&instance->place, scenario, instance->resolver_port);
	if (status < 0)
		return fail(instance, status, "cannot write the zones");
	status = lab_identity_write(
		&instance->place, scenario, clock_wall_us(&instance->watch->clock) / CLOCK_SECOND_US);
	return status < 0 ? fail(instance, status, "cannot make certificates") : 0;
}

/* ---- processes ---- */

static void node_command(enum lab_host_id id, struct lab_command *command)
{
	lab_command_add(command, "fedge");
	lab_command_add(command, "serve");
	lab_command_add(command, "-c");
	lab_command_add(command, "%s.yaml", lab_host(id)->short_name);
}

static int start_command(struct lab_instance *instance, enum lab_host_id id, const struct lab_command *command)
{
	base_cleanup(free_pointer) char *output = lab_place_path(&instance->place, "%s.out", lab_host(id)->short_name);
	if (!output)
		return -ENOMEM;
	instance->started_us[id] = clock_steady_us(&instance->watch->clock);
	return lab_process_start(&instance->hosts[id], &(struct lab_process_options){ .name = lab_host(id)->name,
							       .executable = instance->settings.executable,
							       .arguments = command->arguments,
							       .folder = instance->place.folder,
							       .output_path = output,
							       .announces = true });
}

static int start_host(struct lab_instance *instance, enum lab_host_id id)
{
	struct lab_command command;
	struct arena arena;
	int status = 0;
	arena_init(&arena, TEXT_MAXIMUM);
	lab_command_init(&command, &arena);
	if (lab_host(id)->role == LAB_ROLE_NODE)
		node_command(id, &command);
	else
		status = lab_phone_answer(id, &command);
	lab_command_add(&command, "--ready-fd");
	lab_command_add(&command, "%d", LAB_READY_DESCRIPTOR);
	if (command.incomplete)
		status = -ENOMEM;
	if (status == 0)
		status = start_command(instance, id, &command);
	arena_done(&arena);
	return status < 0 ? fail(instance, status, lab_host(id)->name) : 0;
}

static int say_not_ready(struct lab_instance *instance, int status, const char *name)
{
	if (status == -EINTR || instance->why.length)
		return status;
	buffer_printf(
		&instance->why, status == -ECHILD ? "%s ended before it was ready" : "%s was not ready in time", name);
	return status;
}

static int start_dns(struct lab_instance *instance)
{
	int status = lab_dns_start(&instance->place, &instance->dns);
	if (status == -ENOENT) {
		buffer_append_text(&instance->why, "knotd is not installed (Debian: apt-get install knot)");
		return status;
	}
	return status < 0 ? fail(instance, status, "cannot start knotd") : 0;
}

static int start_all_but_phone(struct lab_instance *instance)
{
	int status = start_dns(instance);
	for (int id = 0; id < LAB_HOST_COUNT && status == 0; id++)
		status = id == LAB_PHONE ? 0 : start_host(instance, (enum lab_host_id)id);
	return status;
}

static int wait_for_host(struct lab_instance *instance, enum lab_host_id id, int64_t due_us)
{
	int status = lab_process_wait_ready(&instance->hosts[id], instance->watch, due_us);
	return status < 0 ? say_not_ready(instance, status, lab_host(id)->name) : 0;
}

/* Calls pass once vcsc has reached vcse; its log says so a moment later. */
static int wait_for_traversal(struct lab_instance *instance, int64_t due_us)
{
	const int64_t pause_us = 5 * CLOCK_MS_US;
	for (;;) {
		int64_t now_us = clock_steady_us(&instance->watch->clock);
		if (lab_evidence_traversal_stands(&instance->place))
			return 0;
		if (!lab_process_is_alive(&instance->hosts[LAB_VCSC]))
			return say_not_ready(instance, -ECHILD, lab_host(LAB_VCSC)->name);
		if (now_us >= due_us)
			return say_not_ready(instance, -ETIMEDOUT, "the traversal zone of vcsc");
		int status = lab_watch_wait(instance->watch, -1, now_us + pause_us);
		if (status == -EINTR)
			return status;
	}
}

/* All side by side, but for the phone, which would only be turned away by a registrar that is not there yet. */
static int start_processes(struct lab_instance *instance)
{
	int64_t allowed_us = instance->settings.deadline_us ? instance->settings.deadline_us : START_US;
	int64_t due_us = clock_steady_us(&instance->watch->clock) + allowed_us;
	int status = start_all_but_phone(instance);
	if (status == 0)
		status = wait_for_host(instance, LAB_CUCM, due_us);
	if (status == 0)
		status = start_host(instance, LAB_PHONE);
	if (status < 0)
		return status;
	status = lab_dns_wait(&instance->dns, instance->watch, instance->resolver_port, due_us);
	if (status < 0)
		return say_not_ready(instance, status, "knotd");
	for (int id = 0; id < LAB_HOST_COUNT && status == 0; id++)
		status = id == LAB_CUCM ? 0 : wait_for_host(instance, (enum lab_host_id)id, due_us);
	return status < 0 ? status : wait_for_traversal(instance, due_us);
}

static int say_no_place(struct lab_instance *instance, int status)
{
	if (status == -ENOTEMPTY)
		buffer_printf(&instance->why, "%s holds other things than a lab: give an empty or a new folder",
			instance->settings.folder);
	return fail(instance, status, instance->settings.folder);
}

int lab_instance_start(
	struct lab_instance *instance, struct lab_watch *watch, const struct lab_instance_settings *settings)
{
	*instance = (struct lab_instance){ .settings = *settings, .watch = watch };
	buffer_init(&instance->why, 4096);
	lab_process_init(&instance->dns);
	for (int id = 0; id < LAB_HOST_COUNT; id++)
		lab_process_init(&instance->hosts[id]);
	int status = lab_place_open(&instance->place, settings->folder);
	if (status < 0)
		return say_no_place(instance, status);
	status = lab_dns_choose_port(&instance->resolver_port);
	if (status < 0)
		return fail(instance, status, "no port for the DNS server on " LAB_RESOLVER_ADDRESS);
	status = write_files(instance);
	return status < 0 ? status : start_processes(instance);
}

static void stop_hosts(struct lab_instance *instance, const enum lab_host_id *hosts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		lab_process_ask_to_stop(&instance->hosts[hosts[i]]);
	for (size_t i = 0; i < count; i++)
		lab_process_stop(&instance->hosts[hosts[i]], &instance->watch->clock, PATIENCE_US);
}

/* Callers and callees before the edges, whom vcsc watches (the meeting server) after it, the DNS last: nobody's end
 * looks like a fault to another. */
void lab_instance_stop(struct lab_instance *instance)
{
	static const enum lab_host_id desks[] = { LAB_CLIENT, LAB_PHONE };
	static const enum lab_host_id watched[] = { LAB_CMS };
	static const enum lab_host_id nodes[] = { LAB_VCSC, LAB_CUCM, LAB_EDGE, LAB_VCSE };
	stop_hosts(instance, desks, sizeof(desks) / sizeof(desks[0]));
	stop_hosts(instance, nodes, sizeof(nodes) / sizeof(nodes[0]));
	stop_hosts(instance, watched, sizeof(watched) / sizeof(watched[0]));
	lab_process_stop(&instance->dns, &instance->watch->clock, PATIENCE_US);
}

void lab_instance_done(struct lab_instance *instance)
{
	lab_place_close(&instance->place);
	buffer_done(&instance->why);
}

const char *lab_instance_fallen(struct lab_instance *instance)
{
	if (!lab_process_is_alive(&instance->dns))
		return "knotd";
	for (int id = 0; id < LAB_HOST_COUNT; id++) {
		if (!lab_process_is_alive(&instance->hosts[id]))
			return lab_host((enum lab_host_id)id)->name;
	}
	return NULL;
}

int lab_instance_revive(struct lab_instance *instance, const char **ret_name, int64_t *ret_due_us)
{
	int64_t now_us = clock_steady_us(&instance->watch->clock);
	*ret_name = NULL;
	*ret_due_us = INT64_MAX;
	for (int id = 0; id < LAB_HOST_COUNT; id++) {
		int64_t due_us = instance->started_us[id] + CLOCK_SECOND_US / 2;
		if (lab_process_is_alive(&instance->hosts[id]))
			continue;
		if (now_us < due_us) {
			*ret_due_us = due_us < *ret_due_us ? due_us : *ret_due_us;
			continue;
		}
		lab_process_stop(&instance->hosts[id], &instance->watch->clock, 0);
		int status = start_host(instance, (enum lab_host_id)id);
		if (status < 0)
			return status;
		*ret_name = lab_host((enum lab_host_id)id)->name;
	}
	return 0;
}

/* ---- calls ---- */

static int run_call(struct lab_instance *instance, const struct lab_command *command, struct buffer *output)
{
	struct lab_process process;
	base_cleanup(free_pointer) char *errors = lab_place_path(&instance->place, "calls.out");
	if (!errors)
		return -ENOMEM;
	int status = lab_process_start(&process, &(struct lab_process_options){ .name = "fedge call",
							 .executable = instance->settings.executable,
							 .arguments = command->arguments,
							 .folder = instance->place.folder,
							 .output_path = errors,
							 .capture = true });
	if (status < 0)
		return status;
	int64_t due_us = clock_steady_us(&instance->watch->clock) + CALL_US;
	status = lab_process_finish(&process, instance->watch, due_us, output);
	lab_process_stop(&process, &instance->watch->clock, 0);
	return status;
}

int lab_instance_call(
	struct lab_instance *instance, const struct lab_call_settings *call, struct lab_answer *ret_answer)
{
	struct lab_call_settings settings = *call;
	struct lab_command command;
	struct arena arena;
	struct buffer output;
	settings.json = true;
	if (settings.timeout_s == 0)
		settings.timeout_s = CALL_TIMEOUT_S;
	arena_init(&arena, TEXT_MAXIMUM);
	buffer_init(&output, TEXT_MAXIMUM);
	buffer_clear(&instance->why);
	lab_command_init(&command, &arena);
	int status = lab_phone_call(&settings, &command);
	if (status == 0)
		status = run_call(instance, &command, &output);
	if (status == 0)
		status = lab_answer_parse(buffer_span(&output), ret_answer);
	buffer_done(&output);
	arena_done(&arena);
	return status < 0 ? fail(instance, status, "fedge call") : 0;
}
