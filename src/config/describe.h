/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_DESCRIBE_H
#define FEDGE_CONFIG_DESCRIBE_H
/* All settings for readers: the same table that parses them (config/schema.h). */
#include "base/buffer.h"

#include <jansson.h>

/* The reference part of docs/configuration.md: a table a section, in the order of the schema. */
int config_describe_markdown(struct buffer *b);
/* JSON Schema (draft 2020-12) for editors; a new reference, NULL without memory. */
json_t *config_describe_json(void);

/* One setting as plain facts, for other renderings. Visited depth first, in the schema's order. */
struct config_setting {
	const char *path; /* "trust.limits.rate", "listen[].port" */
	unsigned depth;
	const char *name;
	const char *type; /* "duration, 100ms to 60s" */
	const char *default_text; /* NULL: none */
	bool required;
	bool restart; /* a running node cannot take it over */
	const char *help;
};
void config_describe_each(void (*visit)(void *argument, const struct config_setting *setting), void *argument);
#endif
