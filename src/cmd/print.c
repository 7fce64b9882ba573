/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/print.h"

#include "base/buffer.h"
#include "base/text.h"
#include "config/load.h"

#define NO_BREAK "\xc2\xa0"
#define REPORT_MAXIMUM (4u << 20)

static void blanks(FILE *output, unsigned count)
{
	fprintf(output, "%*s", (int)count, "");
}

/* A no-break space holds a word together and is shown as a blank. */
static void print_word(FILE *output, struct span word)
{
	while (word.length) {
		size_t length = span_find_span(word, SPAN(NO_BREAK));
		fprintf(output, "%.*s%s", (int)length, word.at, length < word.length ? " " : "");
		word = span_from(word, length + strlen(NO_BREAK));
	}
}

/* One line's words; returns the column reached. */
static unsigned fill_line(FILE *output, struct span words, struct print_frame frame, unsigned column)
{
	unsigned width = frame.width < PRINT_WIDTH_MAXIMUM ? frame.width : PRINT_WIDTH_MAXIMUM;
	while (words.at) {
		struct span word = span_cut(&words, ' ');
		if (span_is_empty(word))
			continue;
		unsigned columns = (unsigned)text_columns(word);
		bool first = column <= frame.indent;
		if (!first && column + 1 + columns > width) {
			fputc('\n', output);
			column = 0;
			first = true;
		}
		if (column < frame.indent) {
			blanks(output, frame.indent - column);
			column = frame.indent;
		}
		if (!first)
			fputc(' ', output);
		print_word(output, word);
		column += columns + (first ? 0 : 1);
	}
	return column;
}

void print_filled(FILE *output, const char *text, struct print_frame frame)
{
	struct span rest = span_of(text);
	unsigned column = frame.start;
	while (rest.at) {
		struct span line = span_cut(&rest, '\n');
		bool verbatim = line.length && (line.at[0] == ' ' || line.at[0] == '\t');
		if (!verbatim && line.length) {
			column = fill_line(output, line, frame, column);
			continue;
		}
		if (column > 0)
			fputc('\n', output);
		column = 0;
		if (verbatim) {
			blanks(output, frame.indent);
			fprintf(output, "%.*s\n", SPAN_PRINT(line));
		} else if (rest.at) {
			fputc('\n', output);
		}
	}
	if (column > 0)
		fputc('\n', output);
}

void print_option_name(FILE *output, const struct command_option *option)
{
	if (option->letter)
		fprintf(output, "-%c, ", option->letter);
	fprintf(output, "--%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
}

static void append_usage(struct buffer *b, const struct command *command)
{
	bool others = false;
	if (command->subcommands)
		buffer_append_text(b, command->run ? " [COMMAND]" : " COMMAND");
	for (const struct command_option *o = command->options; o && o->name; o++) {
		if (o->required)
			buffer_printf(b, " --%s" NO_BREAK "%s", o->name, o->value);
		others = others || (!o->required && !o->hidden);
	}
	if (others || command->subcommands)
		buffer_append_text(b, " [OPTION…]");
	if (command->operands)
		buffer_printf(b, " %s", command->operands);
}

void print_usage(FILE *output, const struct command *command, const char *program, unsigned width)
{
	struct buffer b;
	buffer_init(&b, 4096);
	append_usage(&b, command);
	int start = fprintf(output, "Usage: %s", program);
	if (b.length) {
		fputc(' ', output);
		unsigned column = start > 0 ? (unsigned)start + 1 : 0;
		print_filled(output, b.at + 1, (struct print_frame){ column, column < width / 2 ? column : 8, width });
	} else {
		fputc('\n', output);
	}
	buffer_done(&b);
}

void print_report(FILE *output, const struct config_report *report)
{
	struct buffer b;
	buffer_init(&b, REPORT_MAXIMUM);
	config_report_write(report, &b);
	fprintf(output, "%.*s", SPAN_PRINT(buffer_span(&b)));
	buffer_done(&b);
}
