/* SPDX-License-Identifier: Apache-2.0 */
/* An Expressway's configuration as one of fedge, as a whole; import_node.c, import_zones.c and import_rules.c have the
 * parts. */
#include "config/import.h"

#include "base/require.h"
#include "base/text.h"
#include "config/import_write.h"
#include "config/load.h"

#include <errno.h>
#include <stdlib.h>

#define IMPORT_MEMORY (256u << 20)

void config_import_init(struct config_import *import)
{
	*import = (struct config_import){ .wrong = NULL };
	arena_init(&import->arena, IMPORT_MEMORY);
	buffer_init(&import->yaml, CONFIG_FILE_MAXIMUM);
}

void config_import_done(struct config_import *import)
{
	free(import->notes);
	import->notes = NULL;
	import->note_count = 0;
	buffer_done(&import->yaml);
	arena_done(&import->arena);
}

/* ---- what became of each line ---- */

static enum config_import_outcome outcome_of(const struct import_entry *entry)
{
	return entry->fate == IMPORT_CARRIED    ? CONFIG_IMPORT_OVER
	       : entry->fate == IMPORT_LEFT_OUT ? CONFIG_IMPORT_AWAY
						: CONFIG_IMPORT_TOLD;
}

static int by_line(const void *left, const void *right)
{
	const struct config_import_setting *a = left, *b = right;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->outcome > b->outcome) - (a->outcome < b->outcome);
}

static int list_settings(struct config_import *import, const struct import_dump *dump)
{
	import->settings = arena_zero(&import->arena, dump->count * sizeof(*import->settings));
	if (!import->settings)
		return -ENOMEM;
	for (size_t i = 0; i < dump->count; i++) {
		import->settings[i] =
			(struct config_import_setting){ dump->entries[i].line, outcome_of(&dump->entries[i]) };
		import->outcome_counts[import->settings[i].outcome]++;
	}
	import->setting_count = dump->count;
	qsort(import->settings, dump->count, sizeof(*import->settings), by_line);
	return 0;
}

/* ---- the whole ---- */

static void write_head(struct import *import, const char *name)
{
	struct buffer *b = &import->result->yaml;
	buffer_append_text(b, "# Made from ");
	text_append_safe(b, span_of(name ? name : "a dump"));
	buffer_append_text(b, " by fedge config import. What did not come over is listed at the end.\n"
			      "# Who calls from no zone is judged by fedge's own rules too, which an Expressway does "
			      "not have: see trust.\n");
}

static int write_result(struct import *import, const char *name)
{
	write_head(import, name);
	import_write_node(import);
	import_write_zones(import);
	import_write_transforms(import);
	import_write_rules(import);
	import_write_services(import);
	if (import->result->yaml.status == -ENOBUFS)
		return -E2BIG;
	return import->result->yaml.status ? import->result->yaml.status : import->status;
}

/* What people take for a dump, and what is none. */
static const char *wrong_kind(struct span dump)
{
	static const struct {
		struct span front;
		const char *what;
	} kinds[] = {
		{ { "<", 1 }, "this is XML: take the text that lies beside it, xconf_dump_*.txt" },
		{ { "\xff\xfe", 2 }, "this is UTF-16: save it as UTF-8" },
		{ { "\xfe\xff", 2 }, "this is UTF-16: save it as UTF-8" },
		{ { "\x1f\x8b", 2 }, "this is an archive: unpack it and take xconf_dump_*.txt" },
		{ { "PK\x03\x04", 4 }, "this is an archive: unpack it and take xconf_dump_*.txt" },
	};
	struct span text = span_trim(dump);
	for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
		if (span_equal(span_first(text, kinds[i].front.length), kinds[i].front))
			return kinds[i].what;
	}
	return NULL;
}

int config_import_dump(struct config_import *import, struct span dump, const char *name)
{
	struct import whole = { .result = import };
	if (dump.length > CONFIG_IMPORT_MAXIMUM)
		return -E2BIG;
	if (dump.length >= 3 && memcmp(dump.at, "\xef\xbb\xbf", 3) == 0)
		dump = span_from(dump, 3);
	import->wrong = wrong_kind(dump);
	if (import->wrong)
		return -EINVAL;
	int status = import_dump_read(import, dump, &whole.dump);
	if (status == 0 && whole.dump.count == 0) {
		import->wrong = "there is no line `xConfiguration …: value` in it";
		return -EINVAL;
	}
	if (status == 0)
		status = write_result(&whole, name);
	if (status < 0)
		return status;
	import_note_unasked(import, &whole.dump);
	import_append_notes(import);
	return list_settings(import, &whole.dump);
}
