/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration: either a snapshot and no error, or errors and no snapshot. */
#include "base/require.h"
#include "config/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_input input = { span_make((const char *)data, size), "fuzz.yaml", "/nowhere", false };
	struct config_report report;
	struct buffer b;
	const struct config_node *node = NULL;
	config_report_init(&report);
	buffer_init(&b, 16 << 20);
	int status = config_load_bytes(&input, &report, &node);
	base_require((status == 0) == (node != NULL));
	base_require((status == 0) == (report.error_count == 0));
	base_require(config_report_write(&report, &b) == 0);
	for (size_t i = 0; i < b.length; i++)
		base_require((unsigned char)b.at[i] >= 0x20 || b.at[i] == '\n');
	for (size_t i = 0; node && i < node->rule_count; i++)
		base_require(node->rules[i].target != NULL && node->rules[i].name.at != NULL);
	config_node_unref(node);
	config_report_done(&report);
	buffer_done(&b);
	return 0;
}
