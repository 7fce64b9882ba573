/* SPDX-License-Identifier: Apache-2.0 */
/* The same table as a manual page (man-pages(7), groff_man(7)). */
#include "cmd/print.h"

/* The number of the UTF-8 character at the front, and its length; our own texts are valid. */
static unsigned character(struct span s, size_t *ret_length)
{
	unsigned char first = (unsigned char)s.at[0];
	size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	unsigned value = length == 1 ? first : first & (0xffu >> (length + 1));
	length = length < s.length ? length : s.length;
	for (size_t i = 1; i < length; i++)
		value = value << 6 | ((unsigned char)s.at[i] & 0x3f);
	*ret_length = length;
	return value;
}

static void troff(FILE *output, struct span text)
{
	if (text.length && (text.at[0] == '.' || text.at[0] == '\''))
		fputs("\\&", output);
	while (text.length) {
		size_t length;
		unsigned value = character(text, &length);
		if (value == '-')
			fputs("\\-", output);
		else if (value == '\\')
			fputs("\\e", output);
		else if (value == '`' || value == '\'' || value == '~' || value == '^')
			fprintf(output, "\\(%s",
				value == '`'    ? "ga"
				: value == '\'' ? "aq"
				: value == '~'  ? "ti"
						: "ha");
		else if (value >= 0x80)
			fprintf(output, "\\[u%04X]", value);
		else
			fputc((int)value, output);
		text = span_from(text, length);
	}
}

static void line_of(FILE *output, const char *text)
{
	troff(output, span_of(text));
	fputc('\n', output);
}

/* Paragraphs; lines that start with a blank are kept as they are. */
static void paragraphs(FILE *output, const char *text)
{
	struct span rest = span_of(text);
	bool verbatim = false;
	while (rest.at) {
		struct span line = span_cut(&rest, '\n');
		bool kept = line.length && line.at[0] == ' ';
		if (kept != verbatim)
			fputs(kept ? ".nf\n" : ".fi\n", output);
		verbatim = kept;
		if (span_is_empty(line)) {
			if (rest.at)
				fputs(".PP\n", output);
			continue;
		}
		troff(output, line);
		fputc('\n', output);
	}
	if (verbatim)
		fputs(".fi\n", output);
}

static void synopsis(FILE *output, const struct command *command, const char *name)
{
	fputs(".B ", output);
	line_of(output, name);
	for (const struct command_option *o = command->options; o && o->name; o++) {
		if (o->hidden)
			continue;
		fprintf(output, "%s\\-\\-", o->required ? "" : "[");
		troff(output, span_of(o->name));
		if (o->value) {
			fputs(" \\fI", output);
			troff(output, span_of(o->value));
			fputs("\\fR", output);
		}
		fprintf(output, "%s%s\n", o->required ? "" : "]", o->repeatable ? " \\&..." : "");
	}
	if (command->operands)
		line_of(output, command->operands);
}

/* "Output:" as a heading below .SH OPTIONS. */
static void group(FILE *output, const char *heading)
{
	struct span text = span_of(heading);
	if (text.length && text.at[text.length - 1] == ':')
		text.length--;
	fputs(".SS ", output);
	troff(output, text);
	fputc('\n', output);
}

static void options(FILE *output, const struct command *command)
{
	for (const struct command_option *o = command->options; o && o->name; o++) {
		if (o->heading)
			group(output, o->heading);
		if (o->hidden)
			continue;
		fputs(".TP\n", output);
		if (o->letter)
			fprintf(output, "\\fB\\-%c\\fR, ", o->letter);
		fputs("\\fB\\-\\-", output);
		troff(output, span_of(o->name));
		fputs("\\fR", output);
		if (o->value) {
			fputs(" \\fI", output);
			troff(output, span_of(o->value));
			fputs("\\fR", output);
		}
		fputc('\n', output);
		troff(output, span_of(o->help));
		for (size_t i = 0; o->choices && o->choices[i]; i++) {
			fputs(i == 0 ? ": " : o->choices[i + 1] ? ", " : " or ", output);
			troff(output, span_of(o->choices[i]));
		}
		fprintf(output, "%s.\n", o->repeatable ? "; may be given again" : "");
	}
}

static void sections(FILE *output, const struct command *command)
{
	for (const struct command_section *s = command->sections; s && s->title; s++) {
		fputs(".SH ", output);
		for (const char *c = s->title; *c; c++) {
			if (*c != ':')
				fputc(*c >= 'a' && *c <= 'z' ? *c - 32 : *c, output);
		}
		fputc('\n', output);
		paragraphs(output, s->text);
	}
}

/* A subcommand's own part of the page. */
static void subcommand(FILE *output, const struct command *command, const char *program)
{
	char name[256];
	snprintf(name, sizeof(name), "%s %s", program, command->name);
	fputs(".SS ", output);
	line_of(output, name);
	line_of(output, command->summary);
	fputs(".PP\n", output);
	synopsis(output, command, name);
	if (command->description) {
		fputs(".PP\n", output);
		paragraphs(output, command->description);
	}
	options(output, command);
}

static void overview_entry(FILE *output, const struct command *command, const char *page)
{
	fprintf(output, ".TP\n\\fB%s\\-%s\\fR(1)\n", page, command->name);
	line_of(output, command->summary);
}

static void see_also(FILE *output, const struct command *command, const char *page)
{
	fputs(".SH SEE ALSO\n", output);
	if (strcmp(page, "fedge") != 0)
		fputs(".BR fedge (1)\n", output);
	for (size_t i = 0; strcmp(page, "fedge") == 0 && command->subcommands[i]; i++)
		fprintf(output, ".BR fedge\\-%s (1)%s\n", command->subcommands[i]->name,
			command->subcommands[i + 1] ? "," : "");
}

void command_man(const struct command *command, const char *page, FILE *output)
{
	char program[128];
	bool whole = strcmp(page, "fedge") == 0;
	snprintf(program, sizeof(program), whole ? "fedge" : "fedge %s", command->name);
	fputs(".\\\" Written by `fedge help --man`; change the table in src/cmd/ instead.\n.TH ", output);
	for (const char *c = page; *c; c++)
		fputc(*c >= 'a' && *c <= 'z' ? *c - 32 : *c, output);
	fputs(" 1\n.SH NAME\n", output);
	troff(output, span_of(page));
	fputs(" \\- ", output);
	line_of(output, command->summary);
	fputs(".SH SYNOPSIS\n", output);
	synopsis(output, command, program);
	if (command->subcommands)
		fputs(command->run ? "[\\fICOMMAND\\fR [OPTION...]]\n" : "\\fICOMMAND\\fR [OPTION...]\n", output);
	if (command->description) {
		fputs(".SH DESCRIPTION\n", output);
		paragraphs(output, command->description);
	}
	if (!command->subcommands || command->run) {
		fputs(".SH OPTIONS\n", output);
		options(output, command);
		fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nshow a summary of all this.\n", output);
	}
	if (command->subcommands)
		fputs(".SH COMMANDS\n", output);
	for (size_t i = 0; command->subcommands && command->subcommands[i]; i++) {
		if (whole)
			overview_entry(output, command->subcommands[i], page);
		else
			subcommand(output, command->subcommands[i], program);
	}
	sections(output, command);
	see_also(output, command, page);
}
