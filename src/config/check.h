/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_CHECK_H
#define FEDGE_CONFIG_CHECK_H
/* For this folder only. What one line of the schema cannot say: values worked out from others
 * (complete), names that refer to others (resolve), and settings that contradict each other
 * (check). The document gives the places. */
#include "config/bind.h"

void config_complete(struct bind_context *c, const struct document_node *root, struct config_node *node);
void config_resolve(struct bind_context *c, const struct document_node *root, struct config_node *node);
void config_check(struct bind_context *c, const struct document_node *root, const struct config_node *node);

/* After config_check, which wants to know what was given: certificates that serve both roles. */
void config_complete_identities(struct config_node *node);

/* Patterns of rules: compiles them, looks at the groups that the replacement asks for. */
void config_pattern_check(
	struct config_report *report, const struct document_node *mapping, const struct config_rule *rule);
/* Domains on two lists, or twice on one. */
void config_domains_check(struct bind_context *c, const struct document_node *root, const struct config_node *node);
#endif
