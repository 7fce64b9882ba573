/* SPDX-License-Identifier: Apache-2.0 */
/* --help of a command, from its table. */
#include "base/text.h"
#include "cmd/print.h"

#define OPTION_COLUMN 28

static void heading(const struct command_surroundings *s, const char *text)
{
	fprintf(s->output, s->colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

static unsigned option_columns(const struct command_option *o)
{
	return (unsigned)((o->letter ? 4 : 0) + 2 + strlen(o->name) +
			  (o->value ? 1 + text_columns(span_of(o->value)) : 0));
}

/* A name, then its text beside it where there is room, else below it. */
static void beside(const struct command_surroundings *s, unsigned column, const char *text)
{
	unsigned indent = s->width < 60 ? 8 : OPTION_COLUMN;
	if (column + 2 > indent) {
		fputc('\n', s->output);
		column = 0;
	}
	print_filled(s->output, text, (struct print_frame){ column, indent, s->width });
}

static void print_option(const struct command_surroundings *s, const struct command_option *o)
{
	struct buffer text;
	buffer_init(&text, 4096);
	buffer_append_text(&text, o->help);
	for (size_t i = 0; o->choices && o->choices[i]; i++)
		buffer_printf(&text, "%s%s", i == 0 ? ": " : o->choices[i + 1] ? ", " : " or ", o->choices[i]);
	if (o->repeatable)
		buffer_append_text(&text, "; may be given again");
	fputs("  ", s->output);
	print_option_name(s->output, o);
	beside(s, 2 + option_columns(o), text.status == 0 ? text.at : o->help);
	buffer_done(&text);
}

static void print_options(const struct command_surroundings *s, const struct command *command)
{
	static const struct command_option help = { .name = "help", .letter = 'h', .help = "show this" };
	if (command->subcommands && !command->run)
		return;
	if (!(command->options && command->options[0].heading))
		heading(s, "Options:");
	for (const struct command_option *o = command->options; o && o->name; o++) {
		if (o->heading)
			heading(s, o->heading);
		if (!o->hidden)
			print_option(s, o);
	}
	if (command->options && command->options[0].heading)
		fputc('\n', s->output);
	print_option(s, &help);
}

static void print_subcommands(const struct command_surroundings *s, const struct command *command, const char *program)
{
	if (!command->subcommands)
		return;
	heading(s, "Commands:");
	for (size_t i = 0; command->subcommands[i]; i++) {
		const struct command *sub = command->subcommands[i];
		int column = fprintf(s->output, "  %s", sub->name);
		if (sub->subcommands) {
			for (size_t j = 0; sub->subcommands[j]; j++)
				column += fprintf(s->output, "%s%s", j == 0 ? " " : "|", sub->subcommands[j]->name);
		}
		beside(s, column > 0 ? (unsigned)column : 0, sub->summary);
	}
	char hint[256];
	snprintf(hint, sizeof(hint), "%s COMMAND --help says more about one.", program);
	fputc('\n', s->output);
	print_filled(s->output, hint, (struct print_frame){ 0, 0, s->width });
}

void command_help(const struct command *command, const char *program, const struct command_surroundings *s)
{
	struct print_frame whole = { 0, 0, s->width };
	print_usage(s->output, command, program, s->width);
	print_filled(s->output, command->summary, whole);
	if (command->description) {
		fputc('\n', s->output);
		print_filled(s->output, command->description, whole);
	}
	print_subcommands(s, command, program);
	print_options(s, command);
	for (const struct command_section *section = command->sections; section && section->title; section++) {
		heading(s, section->title);
		print_filled(s->output, section->text, (struct print_frame){ 0, 2, s->width });
	}
}
