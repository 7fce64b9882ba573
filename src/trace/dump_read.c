/* SPDX-License-Identifier: Apache-2.0 */
/* What an Expressway puts beside its log: its configuration and its status, as text or as XML. No record is made of
 * them; their lines are counted, so that nobody takes them for a damaged log. */
#include "base/require.h"
#include "trace/kind_private.h"
#include "trace/reader_private.h"

static bool starts(struct span line, struct span words)
{
	return span_equal(span_first(line, words.length), words);
}

bool dump_begins(struct span line)
{
	static const struct span words[] = { { "*c xConfiguration ", 18 }, { "xConfiguration ", 15 }, { "*s ", 3 },
		{ "*s/end", 6 }, { "xStatus ", 8 }, { "<Configuration", 14 }, { "<Status", 7 } };
	for (size_t i = 0; i < BASE_COUNT(words); i++)
		if (starts(line, words[i]))
			return true;
	/* The whole of an XML dump may be one line. */
	return starts(line, SPAN("<?xml")) && (span_find_span(line, SPAN("<Configuration")) < line.length ||
						      span_find_span(line, SPAN("<Status")) < line.length);
}

static size_t read_dump(struct trace_reader *reader, struct span text, bool last)
{
	struct span line;
	size_t done = 0, whole;
	while (trace_reader_line(span_from(text, done), last, &line, &whole)) {
		done += whole;
		reader->line++;
		reader->counts.lines++;
		reader->counts.other++;
	}
	return done;
}

const struct trace_reading trace_reading_dump = { .read = read_dump };
