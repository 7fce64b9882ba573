/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/require.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/print.h"

#include <stdarg.h>
#include <stdlib.h>

#define NAMES_MAXIMUM 256 /* candidates for "did you mean" */

/* ---- what was typed, for the commands ---- */

const char *command_value_at(const struct command_line *line, const char *option, size_t index)
{
	for (size_t i = 0; i < line->typed_count; i++) {
		if (strcmp(line->typed[i].option->name, option) == 0 && index-- == 0)
			return line->typed[i].value ? line->typed[i].value : "";
	}
	return NULL;
}

size_t command_value_count(const struct command_line *line, const char *option)
{
	size_t count = 0;
	while (command_value_at(line, option, count))
		count++;
	return count;
}

bool command_has(const struct command_line *line, const char *option)
{
	return command_value_at(line, option, 0) != NULL;
}

const char *command_value(const struct command_line *line, const char *option, const char *fallback)
{
	const char *value = command_value_at(line, option, 0);
	return value ? value : fallback;
}

bool command_number(const struct command_line *line, const char *option, uint64_t limits[2], uint64_t *value)
{
	const char *text = command_value(line, option, NULL);
	uint64_t number;
	if (!text)
		return true;
	if (span_to_u64(span_of(text), limits[1], &number) < 0 || number < limits[0]) {
		command_usage(line, "--%s: \"%s\" is no number from %llu to %llu", option, text,
			(unsigned long long)limits[0], (unsigned long long)limits[1]);
		return false;
	}
	*value = number;
	return true;
}

/* ---- saying what is wrong ---- */

static void say(const struct command_line *line, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/* What was typed comes back escaped: it may have been pasted from anywhere. */
static void say(const struct command_line *line, const char *format, va_list arguments)
{
	struct buffer text, safe;
	buffer_init(&text, 64 << 10);
	buffer_init(&safe, 256 << 10);
	buffer_vprintf(&text, format, arguments);
	text_append_safe(&safe, buffer_span(&text));
	fprintf(line->errors, "%s: %.*s\n", line->program, SPAN_PRINT(buffer_span(&safe)));
	buffer_done(&safe);
	buffer_done(&text);
}

int command_fail(const struct command_line *line, int exit_code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(line, format, arguments);
	va_end(arguments);
	return exit_code;
}

int command_usage(const struct command_line *line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(line, format, arguments);
	va_end(arguments);
	print_usage(line->errors, line->command, line->program, line->width);
	fprintf(line->errors, "%s --help says more\n", line->program);
	return COMMAND_USAGE;
}

/* ---- saying how far it is ---- */

#define CLEAR_LINE "\r\033[K"

void command_progress(const struct command_line *line, const char *format, ...)
{
	va_list arguments;
	if (!line->terminal)
		return;
	fputs(CLEAR_LINE, line->errors);
	va_start(arguments, format);
	vfprintf(line->errors, format, arguments);
	va_end(arguments);
	fflush(line->errors);
}

void command_progress_clear(const struct command_line *line)
{
	if (line->terminal)
		fputs(CLEAR_LINE, line->errors);
}

/* ---- finding options and subcommands ---- */

static const struct command_option help_option = { .name = "help", .letter = 'h', .help = "show this" };

static const struct command_option *option_by_name(const struct command *command, struct span name)
{
	for (const struct command_option *o = command->options; o && o->name; o++) {
		if (span_is(name, o->name))
			return o;
	}
	return span_is(name, "help") ? &help_option : NULL;
}

static const struct command_option *option_by_letter(const struct command *command, char letter)
{
	for (const struct command_option *o = command->options; o && o->name; o++) {
		if (o->letter == letter)
			return o;
	}
	return letter == 'h' ? &help_option : NULL;
}

static bool is_option(const char *argument)
{
	return argument[0] == '-' && argument[1] != '\0';
}

/* Whether some command below takes a value for the option as it is typed (so the next argument is
 * no subcommand): `fedge lab --keep DIR run`. */
static bool takes_next(const struct command *command, const char *argument)
{
	struct span text = span_of(argument);
	const struct command_option *o = NULL;
	if (argument[1] == '-')
		o = span_find(text, '=') == text.length ? option_by_name(command, span_from(text, 2)) : NULL;
	else if (text.length == 2)
		o = option_by_letter(command, argument[1]);
	if (o && o->value)
		return true;
	for (size_t i = 0; command->subcommands && command->subcommands[i]; i++) {
		if (takes_next(command->subcommands[i], argument))
			return true;
	}
	return false;
}

/* The first argument that is neither an option nor an option's value; count where there is none. */
static size_t first_word(const struct command *command, size_t count, const char *const *arguments)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(arguments[i], "--") == 0)
			return i + 1 < count ? i + 1 : count;
		if (!is_option(arguments[i]))
			return i;
		if (takes_next(command, arguments[i]))
			i++;
	}
	return count;
}

static const struct command *subcommand_by_name(const struct command *command, const char *name)
{
	for (size_t i = 0; command->subcommands && command->subcommands[i]; i++) {
		if (strcmp(command->subcommands[i]->name, name) == 0)
			return command->subcommands[i];
	}
	return NULL;
}

static int unknown_subcommand(const struct command_line *line, const char *word)
{
	const char *names[NAMES_MAXIMUM];
	size_t count = 0;
	for (size_t i = 0; line->command->subcommands[i] && count < NAMES_MAXIMUM - 1; i++)
		names[count++] = line->command->subcommands[i]->name;
	names[count] = NULL;
	const char *nearest = text_nearest(span_of(word), names);
	if (nearest)
		return command_usage(line, "no command `%s`; did you mean `%s`?", word, nearest);
	return command_usage(line, "no command `%s`", word);
}

static int unknown_option(const struct command_line *line, struct span name)
{
	const char *names[NAMES_MAXIMUM];
	size_t count = 0;
	for (const struct command_option *o = line->command->options; o && o->name && count < NAMES_MAXIMUM - 2; o++) {
		if (!o->hidden)
			names[count++] = o->name;
	}
	names[count++] = help_option.name;
	names[count] = NULL;
	const char *nearest = text_nearest(name, names);
	if (nearest)
		return command_usage(line, "no option --%.*s; did you mean --%s?", SPAN_PRINT(name), nearest);
	return command_usage(line, "no option --%.*s", SPAN_PRINT(name));
}

/* ---- parsing ---- */

struct parser {
	struct command_line *line;
	const char *const *arguments;
	size_t count;
	size_t index; /* of the next one */
	bool help;
};

static bool value_is_allowed(const struct command_option *option, const char *value)
{
	for (size_t i = 0; option->choices && option->choices[i]; i++) {
		if (strcmp(option->choices[i], value) == 0)
			return true;
	}
	return option->choices == NULL;
}

static int wrong_choice(const struct command_line *line, const struct command_option *option, const char *value)
{
	struct buffer words;
	buffer_init(&words, 1024);
	for (size_t i = 0; option->choices[i]; i++)
		buffer_printf(&words, "%s%s", i == 0 ? "" : option->choices[i + 1] ? ", " : " or ", option->choices[i]);
	const char *nearest = text_nearest(span_of(value), option->choices);
	int exit_code = command_usage(line, "--%s must be %.*s, not \"%s\"%s%s%s", option->name,
		SPAN_PRINT(buffer_span(&words)), value, nearest ? "; did you mean " : "", nearest ? nearest : "",
		nearest ? "?" : "");
	buffer_done(&words);
	return exit_code;
}

static int take_option(struct parser *p, const struct command_option *option, const char *value)
{
	if (option == &help_option) {
		p->help = true;
		return 0;
	}
	if (!option->repeatable && command_has(p->line, option->name))
		return command_usage(p->line, "--%s was given twice", option->name);
	if (value && !value_is_allowed(option, value))
		return wrong_choice(p->line, option, value);
	p->line->typed[p->line->typed_count++] = (struct command_typed){ option, value };
	return 0;
}

/* The option's value where it takes one: what followed the =, or the next argument. */
static int take_with_value(struct parser *p, const struct command_option *option, const char *joined)
{
	if (!option->value) {
		if (joined)
			return command_usage(p->line, "--%s takes no value", option->name);
		return take_option(p, option, NULL);
	}
	if (joined)
		return take_option(p, option, joined);
	if (p->index == p->count)
		return command_usage(p->line, "--%s needs a value: %s", option->name, option->value);
	return take_option(p, option, p->arguments[p->index++]);
}

static int parse_long(struct parser *p, const char *argument)
{
	struct span name = span_of(argument + 2);
	size_t equals = span_find(name, '=');
	const char *joined = equals < name.length ? name.at + equals + 1 : NULL;
	name = span_first(name, equals);
	const struct command_option *option = option_by_name(p->line->command, name);
	return option ? take_with_value(p, option, joined) : unknown_option(p->line, name);
}

/* -c FILE, -cFILE, -vj for two flags. */
static int parse_short(struct parser *p, const char *letters)
{
	for (; *letters; letters++) {
		const struct command_option *option = option_by_letter(p->line->command, *letters);
		if (!option)
			return command_usage(p->line, "no option -%c", *letters);
		if (option->value)
			return take_with_value(p, option, letters[1] ? letters + 1 : NULL);
		int status = take_option(p, option, NULL);
		if (status)
			return status;
	}
	return 0;
}

static int parse_arguments(struct parser *p)
{
	bool only_operands = false;
	while (p->index < p->count) {
		const char *argument = p->arguments[p->index++];
		int status = 0;
		if (only_operands || !is_option(argument))
			p->line->operands[p->line->operand_count++] = argument;
		else if (strcmp(argument, "--") == 0)
			only_operands = true;
		else if (argument[1] == '-')
			status = parse_long(p, argument);
		else
			status = parse_short(p, argument + 1);
		if (status)
			return status;
	}
	return 0;
}

static int check_complete(const struct command_line *line)
{
	const struct command *command = line->command;
	for (const struct command_option *o = command->options; o && o->name; o++) {
		if (o->required && !command_has(line, o->name))
			return command_usage(line, "--%s %s is missing", o->name, o->value);
	}
	if (line->operand_count < command->operand_minimum)
		return command_usage(line, "%s is missing", command->operands);
	if (line->operand_count > command->operand_maximum)
		return command_usage(line, "\"%s\" is one too many", line->operands[command->operand_maximum]);
	return 0;
}

/* ---- running ---- */

static int run_leaf(
	struct command_line *line, const struct command_surroundings *s, size_t count, const char *const *arguments)
{
	base_cleanup(free_pointer) struct command_typed *typed = calloc(count + 1, sizeof(*typed));
	base_cleanup(free_pointer) const char **operands = calloc(count + 1, sizeof(*operands));
	struct parser p = { line, arguments, count, 0, false };
	if (!typed || !operands)
		return command_fail(line, COMMAND_FAILED, "no memory");
	line->typed = typed;
	line->operands = operands;
	int status = parse_arguments(&p);
	if (status)
		return status;
	if (p.help) {
		command_help(line->command, line->program, s);
		return COMMAND_GOOD;
	}
	status = check_complete(line);
	return status ? status : line->command->run(line);
}

static bool wants_help(const struct command_line *line, size_t count, const char *const *arguments)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0)
			return true;
		if (takes_next(line->command, arguments[i]))
			i++;
	}
	return false;
}

static int run_without_subcommand(
	struct command_line *line, const struct command_surroundings *s, size_t count, const char *const *arguments)
{
	if (wants_help(line, count, arguments)) {
		command_help(line->command, line->program, s);
		return COMMAND_GOOD;
	}
	return command_usage(line, "a command is missing");
}

static int run_command(
	struct command_line *line, const struct command_surroundings *s, size_t count, const char *const *arguments)
{
	if (!line->command->subcommands || (line->command->run && first_word(line->command, count, arguments) == count))
		return run_leaf(line, s, count, arguments);
	size_t word = first_word(line->command, count, arguments);
	if (word == count)
		return run_without_subcommand(line, s, count, arguments);
	const struct command *chosen = subcommand_by_name(line->command, arguments[word]);
	if (!chosen)
		return unknown_subcommand(line, arguments[word]);
	/* The word goes, all others stay in their order. */
	base_cleanup(free_pointer) const char **rest = calloc(count + 1, sizeof(*rest));
	base_cleanup(free_pointer) char *program = NULL;
	if (!rest || asprintf(&program, "%s %s", line->program, chosen->name) < 0)
		return command_fail(line, COMMAND_FAILED, "no memory");
	for (size_t i = 0, to = 0; i < count; i++) {
		if (i != word)
			rest[to++] = arguments[i];
	}
	line->command = chosen;
	line->program = program;
	return run_command(line, s, count - 1, rest);
}

int command_run(const struct command *root, const struct command_surroundings *s, int argument_count,
	const char *const *arguments)
{
	base_require(argument_count >= 0);
	struct command_line line = {
		.command = root,
		.program = root->name,
		.executable = s->executable,
		.root = root,
		.output = s->output,
		.errors = s->errors,
		.colour = s->colour,
		.terminal = s->terminal,
		.width = s->width,
	};
	return run_command(&line, s, (size_t)argument_count, arguments);
}
