/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_PHONE_COMMAND_H
#define FEDGE_LAB_PHONE_COMMAND_H
/* The command lines of the lab's phones: `fedge answer` for the desk where somebody picks up,
 * `fedge call` for the one who dials. All paths are relative to the place, where they run; so the
 * same line works by hand there. */
#include "base/arena.h"
#include "base/buffer.h"
#include "lab/scenario.h"

#define LAB_ARGUMENTS_MAXIMUM 48
/* Texts in the arena given at init; NULL-terminated. */
struct lab_command {
	struct arena *arena;
	const char *arguments[LAB_ARGUMENTS_MAXIMUM + 1];
	size_t count;
	bool incomplete; /* out of memory or room: never run it */
};

void lab_command_init(struct lab_command *command, struct arena *arena);
void lab_command_add(struct lab_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct lab_call_settings {
	enum lab_host_id from; /* whose desk */
	const char *caller;
	const char *callee;
	unsigned timeout_s; /* 0: the command's own */
	bool json;
};

/* fedge answer … of a phone; -EINVAL where the host is none, -ENOBUFS for lack of room. */
int lab_phone_answer(enum lab_host_id host, struct lab_command *command);
/* fedge call … through the edge of the caller's own side; errors as above. */
int lab_phone_call(const struct lab_call_settings *settings, struct lab_command *command);
/* One word for a shell: in single quotes where it would make something else of it. */
void lab_command_quote(const char *text, struct buffer *b);
/* One line for a shell: "fedge call --from …", quoted where it must be. */
int lab_command_write(const struct lab_command *command, const char *program, struct buffer *b);
/* The same as a script that runs in its own folder, for HOST.sh. */
int lab_command_script(const struct lab_command *command, enum lab_host_id host, const struct lab_scenario *scenario,
	struct buffer *b);
#endif
