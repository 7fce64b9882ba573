/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/chronicle.h"

#include "edge/journal.h"

#include <stdio.h>

int edge_chronicle_open(struct edge_chronicle *chronicle, const struct config_node *config, const struct clock *clock,
	struct hash_key key, uint32_t producers, char reterr_text[EDGE_CHRONICLE_ERROR_SIZE])
{
	const struct config_history *from = &config->history;
	char text[STORE_HISTORY_ERROR_SIZE] = "";
	if (!from->enabled)
		return 0;
	struct history_settings settings = {
		.store = from->store,
		.limits = { .size_bytes = from->size_bytes, .age_s = from->age_s, .searches = from->searches },
		.producers = producers,
		.key = key,
		.clock = *clock,
	};
	int status = history_start(&settings, &chronicle->history, text);
	if (status < 0)
		snprintf(reterr_text, EDGE_CHRONICLE_ERROR_SIZE, "cannot open the search history: %s", text);
	return status;
}

void edge_chronicle_tick(struct edge_chronicle *chronicle, const struct clock *clock, const struct record_sink *sink)
{
	struct history_status status;
	char text[STORE_HISTORY_ERROR_SIZE + 128];
	if (!chronicle->history)
		return;
	history_status(chronicle->history, &status);
	bool is_failing = status.writer.error[0] != '\0';
	unsigned long long dropped = status.writer.dropped - chronicle->dropped;
	if (is_failing == chronicle->was_failing && (is_failing || dropped == 0))
		return;
	if (is_failing)
		snprintf(text, sizeof(text), "the search history is not written: %s", status.writer.error);
	else if (dropped)
		snprintf(text, sizeof(text), "the search history is written again; %llu entries were dropped", dropped);
	else
		snprintf(text, sizeof(text), "the search history is written again");
	edge_journal_note(
		sink, clock, RECORD_NODE_NOTE, is_failing || dropped ? RECORD_ERROR : RECORD_NOTE, span_of(text));
	chronicle->was_failing = is_failing;
	if (!is_failing)
		chronicle->dropped = status.writer.dropped;
}

void edge_chronicle_close(struct edge_chronicle *chronicle, const struct clock *clock, const struct record_sink *sink)
{
	char text[96];
	unsigned long long lost = history_stop(chronicle->history);
	chronicle->history = NULL;
	if (lost == 0)
		return;
	snprintf(text, sizeof(text), "the store did not take the last %llu entries of the search history", lost);
	edge_journal_note(sink, clock, RECORD_NODE_NOTE, RECORD_ERROR, span_of(text));
}
