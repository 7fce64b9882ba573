/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an Expressway's dump: what is made of them loads without a mistake, no setting is forgotten, and nothing
 * on the list moves a terminal's cursor. */
#include "base/require.h"
#include "config/import.h"
#include "config/load.h"

#include <errno.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_loads(const struct config_import *import)
{
	struct config_input input = { buffer_span(&import->yaml), "result", NULL, false };
	struct config_report report;
	const struct config_node *node = NULL;
	struct buffer b;
	config_report_init(&report);
	buffer_init(&b, 1 << 20);
	int status = config_load_bytes(&input, &report, &node);
	config_report_write(&report, &b);
	if (status != 0)
		fprintf(stderr, "%s%.*s", b.at ? b.at : "", SPAN_PRINT(input.bytes));
	base_require(status == 0 || status == -ENOMEM);
	if (status == 0) {
		base_require(node->rule_count == import->rule_count);
		base_require(node->transform_count == import->transform_count);
		base_require(node->domains.count == import->domain_count);
		base_require(node->zone_count == import->zone_count + node->registrar.enabled);
	}
	buffer_done(&b);
	config_node_unref(node);
	config_report_done(&report);
}

static void check_accounts(const struct config_import *import)
{
	size_t sum = 0, notes = import->notes_dropped;
	for (int i = 0; i < CONFIG_IMPORT_OUTCOMES; i++)
		sum += import->outcome_counts[i];
	base_require(sum == import->setting_count);
	for (int i = 0; i < CONFIG_IMPORT_GROUPS; i++)
		notes -= import->group_counts[i];
	base_require(notes + import->note_count == 0);
	base_require(import->note_count + import->notes_dropped >= import->outcome_counts[CONFIG_IMPORT_TOLD]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_import import;
	struct buffer summary;
	config_import_init(&import);
	buffer_init(&summary, 1 << 16);
	int status = config_import_dump(&import, span_make((const char *)data, size), "fuzz\n.txt");
	base_require((status == -EINVAL) == (import.wrong != NULL));
	if (status == 0) {
		check_loads(&import);
		check_accounts(&import);
		json_t *json = config_import_json(&import);
		base_require(json != NULL);
		json_decref(json);
		base_require(config_import_append_summary(&import, &summary) == 0);
		for (size_t i = 0; i < import.yaml.length; i++)
			base_require((unsigned char)import.yaml.at[i] >= 0x20 || import.yaml.at[i] == '\n');
	}
	buffer_done(&summary);
	config_import_done(&import);
	return 0;
}
