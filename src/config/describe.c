/* SPDX-License-Identifier: Apache-2.0 */
#include "config/describe.h"

#include "config/bind.h"
#include "config/schema.h"

#define PATH_MAXIMUM 256

/* ---- the type in words ---- */

static bool has_range(const struct schema_key *key)
{
	return !(key->flags & SCHEMA_LIST) &&
	       (key->type == SCHEMA_NUMBER || key->type == SCHEMA_SIZE || key->type == SCHEMA_DURATION);
}

static void append_type(struct buffer *b, const struct schema_key *key)
{
	if (key->flags & SCHEMA_LIST)
		buffer_append_text(b, "list: ");
	if (key->type == SCHEMA_CHOICE) {
		for (size_t i = 0; key->choices[i]; i++)
			buffer_printf(b, "%s%s", i == 0 ? "" : key->choices[i + 1] ? ", " : " or ", key->choices[i]);
		return;
	}
	if (key->type == SCHEMA_SECTION && key->section->scalar_key)
		buffer_printf(b, "%s or ",
			schema_type_name(schema_find(key->section, span_of(key->section->scalar_key))->type));
	buffer_append_text(b, schema_type_name(key->type));
	if (has_range(key)) {
		buffer_append_text(b, ", ");
		bind_write_range(b, key);
	}
}

static void append_only(struct buffer *b, const struct schema_key *key)
{
	if (!key->only_key)
		return;
	buffer_printf(b, " (%s: ", key->only_key);
	schema_only_write(b, key, "");
	buffer_append_text(b, ")");
}

/* ---- one after the other ---- */

struct walk {
	void (*visit)(void *argument, const struct config_setting *setting);
	void *argument;
};

static void walk_section(const struct walk *w, const struct schema_section *section, const char *above, unsigned depth);

static void walk_key(const struct walk *w, const struct schema_key *key, const char *above, unsigned depth)
{
	struct buffer path, type;
	buffer_init(&path, PATH_MAXIMUM);
	buffer_init(&type, 1024);
	buffer_printf(&path, "%s%s%s", above, *above ? "." : "", key->name);
	append_type(&type, key);
	append_only(&type, key);
	struct config_setting setting = {
		.path = path.at,
		.depth = depth,
		.name = key->name,
		.type = type.at,
		.default_text = key->default_text,
		.required = key->flags & SCHEMA_REQUIRED,
		.restart = key->flags & SCHEMA_RESTART,
		.help = key->help,
	};
	if (path.status == 0 && type.status == 0)
		w->visit(w->argument, &setting);
	if (path.status == 0 && key->section) {
		if (key->flags & SCHEMA_LIST)
			buffer_append_text(&path, "[]");
		walk_section(w, key->section, path.at, depth + 1);
	}
	buffer_done(&type);
	buffer_done(&path);
}

static void walk_section(const struct walk *w, const struct schema_section *section, const char *above, unsigned depth)
{
	for (const struct schema_key *key = section->keys; key->name; key++)
		walk_key(w, key, above, depth);
}

void config_describe_each(void (*visit)(void *argument, const struct config_setting *setting), void *argument)
{
	struct walk w = { visit, argument };
	walk_section(&w, &schema_node, "", 0);
}

/* ---- Markdown ---- */

static void markdown_default(struct buffer *b, const struct schema_key *key)
{
	if (key->flags & SCHEMA_REQUIRED)
		buffer_append_text(b, "required");
	else if (key->default_text && !(key->flags & SCHEMA_COMPUTED))
		buffer_printf(b, "`%s`", key->default_text);
	else if (key->default_text)
		buffer_append_text(b, key->default_text);
}

static void markdown_row(struct buffer *b, const struct schema_key *key)
{
	buffer_printf(b, "| `%s`%s | ", key->name, key->flags & SCHEMA_RESTART ? " ↻" : "");
	append_type(b, key);
	append_only(b, key);
	buffer_append_text(b, " | ");
	markdown_default(b, key);
	buffer_printf(b, " | %s |\n", key->help);
}

static void markdown_section(struct buffer *b, const struct schema_section *section, const char *path)
{
	buffer_printf(b, "\n### %s\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n",
		*path ? path : "The node");
	for (const struct schema_key *key = section->keys; key->name; key++)
		markdown_row(b, key);
	for (const struct schema_key *key = section->keys; key->name; key++) {
		char below[PATH_MAXIMUM];
		if (!key->section)
			continue;
		snprintf(below, sizeof(below), "%s%s%s%s", path, *path ? "." : "", key->name,
			key->flags & SCHEMA_LIST ? "[]" : "");
		markdown_section(b, key->section, below);
	}
}

int config_describe_markdown(struct buffer *b)
{
	buffer_append_text(b, "A ↻ marks what a running node cannot take over: change it and restart. `name[]` is an\n"
			      "item of the list `name`.\n");
	markdown_section(b, &schema_node, "");
	return b->status;
}

/* ---- JSON Schema ---- */

static json_t *json_choices(const struct schema_key *key)
{
	json_t *words = json_array();
	for (size_t i = 0; key->choices[i]; i++)
		json_array_append_new(words, json_string(key->choices[i]));
	return json_pack("{s:o}", "enum", words);
}

static json_t *json_section(const struct schema_section *section);

/* YAML reads bare words in its own ways (yes, 1.2), so what is a word for us may be more there. */
static json_t *json_value(const struct schema_key *key)
{
	switch (key->type) {
	case SCHEMA_BOOLEAN:
		return json_pack("{s:[s,s]}", "type", "boolean", "string");
	case SCHEMA_NUMBER:
		return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum", (json_int_t)key->minimum, "maximum",
			(json_int_t)key->maximum);
	case SCHEMA_PORT:
		return json_pack("{s:s,s:i,s:i}", "type", "integer", "minimum", 1, "maximum", 65535);
	case SCHEMA_SIZE:
		return json_pack("{s:[s,s],s:s}", "type", "string", "integer", "pattern", "^[0-9]+[KMGkmg]?$");
	case SCHEMA_DURATION:
		return json_pack("{s:[s,s],s:s}", "type", "string", "integer", "pattern", "^([0-9]+(ms|s|m|h|d)|0)$");
	case SCHEMA_CHOICE:
		return json_choices(key);
	case SCHEMA_SECTION:
		return json_section(key->section);
	case SCHEMA_SECRET:
	case SCHEMA_HASH:
		return json_pack("{s:s,s:b}", "type", "string", "writeOnly", 1);
	default:
		return json_pack("{s:s}", "type", "string");
	}
}

static json_t *json_key(const struct schema_key *key)
{
	json_t *value = json_value(key);
	if (key->type == SCHEMA_CHOICE && strcmp(key->choices[0], "1.2") == 0)
		json_object_set_new(value, "enum", json_pack("[s,s,f,f]", "1.2", "1.3", 1.2, 1.3));
	if (key->flags & SCHEMA_LIST)
		value = json_pack("{s:s,s:o,s:I,s:I}", "type", "array", "items", value, "minItems",
			(json_int_t)key->minimum, "maxItems", (json_int_t)key->maximum);
	json_object_set_new(value, "description", json_string(key->help));
	if (key->default_text && !(key->flags & SCHEMA_COMPUTED))
		json_object_set_new(value, "default", json_string(key->default_text));
	return value;
}

static json_t *json_section(const struct schema_section *section)
{
	json_t *properties = json_object(), *required = json_array();
	for (const struct schema_key *key = section->keys; key->name; key++) {
		json_object_set_new(properties, key->name, json_key(key));
		if ((key->flags & SCHEMA_REQUIRED) && !key->only_key)
			json_array_append_new(required, json_string(key->name));
	}
	json_t *object = json_pack("{s:s,s:o,s:b,s:o}", "type", "object", "properties", properties,
		"additionalProperties", 0, "required", required);
	if (!section->scalar_key)
		return object;
	return json_pack("{s:[{s:s},o]}", "anyOf", "type", "string", object);
}

json_t *config_describe_json(void)
{
	json_t *schema = json_section(&schema_node);
	json_object_set_new(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(schema, "title", json_string("The configuration of a fedge node"));
	return schema;
}
