/* SPDX-License-Identifier: Apache-2.0 */
#include "config/bind.h"

#include "base/require.h"
#include "base/text.h"
#include "config/files.h"
#include "config/value.h"
#include "store/address.h"

#include <errno.h>
#include <stdio.h>

#define KEYS_MAXIMUM 48 /* of one section */

/* ---- storing ---- */

static void store_number(void *member, size_t width, uint64_t value)
{
	switch (width) {
	case 1:
		*(uint8_t *)member = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)member = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)member = (uint32_t)value;
		break;
	default:
		base_require(width == 8);
		*(uint64_t *)member = value;
	}
}

static void *arena_or_note(struct bind_context *c, void *memory)
{
	if (!memory)
		c->no_memory = true;
	return memory;
}

static struct span copy_or_note(struct bind_context *c, struct span text)
{
	struct span copy = arena_copy(c->arena, text);
	if (!copy.at)
		c->no_memory = true;
	return copy;
}

/* ---- one value ---- */

struct value_target {
	const struct schema_key *key;
	const struct document_node *node; /* NULL: it is the default */
	void *member;
};

static void wrong_value(struct bind_context *c, const struct value_target *t, const char *wrong)
{
	base_require(t->node); /* defaults are ours: they are right */
	if (t->key->type == SCHEMA_SECRET || t->key->type == SCHEMA_HASH)
		config_error(c->report, t->node->place, "`%s` %s", t->key->name, wrong);
	else
		config_error(c->report, t->node->place, "`%s`: \"%s\" %s", t->key->name,
			config_shown(t->node->text).text, wrong);
}

/* 3000 with unit names of durations: the largest that leaves no rest. */
static void write_limit(struct buffer *b, enum schema_type type, uint64_t value)
{
	static const struct {
		enum schema_type type;
		uint64_t factor;
		const char *unit;
	} units[] = { { SCHEMA_DURATION, 86400000, "d" }, { SCHEMA_DURATION, 3600000, "h" },
		{ SCHEMA_DURATION, 60000, "m" }, { SCHEMA_DURATION, 1000, "s" }, { SCHEMA_DURATION, 1, "ms" },
		{ SCHEMA_SIZE, 1 << 30, "G" }, { SCHEMA_SIZE, 1 << 20, "M" }, { SCHEMA_SIZE, 1 << 10, "K" } };
	for (size_t i = 0; i < BASE_COUNT(units); i++) {
		if (units[i].type == type && value && value % units[i].factor == 0) {
			buffer_printf(b, "%llu%s", (unsigned long long)(value / units[i].factor), units[i].unit);
			return;
		}
	}
	buffer_append_u64(b, value);
}

void bind_write_range(struct buffer *b, const struct schema_key *key)
{
	write_limit(b, key->type, key->minimum);
	buffer_append_text(b, " to ");
	write_limit(b, key->type, key->maximum);
}

static void bind_number(struct bind_context *c, const struct value_target *t, struct span text)
{
	uint64_t value = 0;
	const char *wrong;
	if (t->key->type == SCHEMA_SIZE)
		wrong = value_size(text, &value);
	else if (t->key->type == SCHEMA_DURATION)
		wrong = value_duration(text, &value);
	else
		wrong = value_number(text, &value);
	if (wrong) {
		wrong_value(c, t, wrong);
		return;
	}
	if (value < t->key->minimum || value > t->key->maximum) {
		struct buffer range;
		buffer_init(&range, 128);
		buffer_append_text(&range, "is out of range: ");
		bind_write_range(&range, t->key);
		wrong_value(c, t, range.status == 0 ? range.at : "is out of range");
		buffer_done(&range);
		return;
	}
	store_number(t->member, t->key->width, value / (t->key->unit_ms ? t->key->unit_ms : 1));
}

/* "`a`, `b` or `c`" */
static void write_choices(struct buffer *b, const char *const *choices)
{
	for (size_t i = 0; choices[i]; i++)
		buffer_printf(b, "%s`%s`", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
}

static void bind_choice(struct bind_context *c, const struct value_target *t, struct span text)
{
	for (size_t i = 0; t->key->choices[i]; i++) {
		if (span_is_nocase(text, t->key->choices[i])) {
			store_number(t->member, t->key->width, i);
			return;
		}
	}
	struct buffer wrong;
	buffer_init(&wrong, 512);
	buffer_append_text(&wrong, "must be ");
	write_choices(&wrong, t->key->choices);
	const char *nearest = text_nearest(text, t->key->choices);
	if (nearest)
		buffer_printf(&wrong, "; did you mean `%s`?", nearest);
	wrong_value(c, t, wrong.status == 0 ? wrong.at : "is none of the words allowed");
	buffer_done(&wrong);
}

static void bind_boolean(struct bind_context *c, const struct value_target *t, struct span text)
{
	bool value;
	const char *wrong = value_boolean(text, &value);
	if (wrong)
		wrong_value(c, t, wrong);
	else
		*(bool *)t->member = value;
}

static void bind_port(struct bind_context *c, const struct value_target *t, struct span text)
{
	const char *wrong = value_port(text, t->member);
	if (wrong)
		wrong_value(c, t, wrong);
}

static void bind_text(struct bind_context *c, const struct value_target *t, struct span text)
{
	const char *wrong = NULL;
	if (t->key->type == SCHEMA_NAME)
		wrong = value_name(text);
	else if (span_find(text, '\n') < text.length || span_find(text, '\0') < text.length)
		wrong = "must be one line";
	if (wrong)
		wrong_value(c, t, wrong);
	else
		*(struct span *)t->member = copy_or_note(c, text);
}

/* Of secret_md5 and the like: what is wrong is said without the value. */
static void bind_hash(struct bind_context *c, const struct value_target *t, struct span text)
{
	char wrong[64];
	struct span *member = t->member;
	const char *defect = value_hexadecimal(c->arena, text, member);
	if (defect || text.length != t->key->maximum) {
		snprintf(wrong, sizeof(wrong), "must be %u hexadecimal digits", (unsigned)t->key->maximum);
		wrong_value(c, t, wrong);
	}
}

static void bind_name(struct bind_context *c, const struct value_target *t, struct span text)
{
	const char *wrong;
	struct span *member = t->member;
	switch (t->key->type) {
	case SCHEMA_ADDRESS:
		wrong = value_address(c->arena, text, member);
		break;
	case SCHEMA_DOMAIN:
		wrong = value_domain(c->arena, text, member);
		break;
	case SCHEMA_ALIAS:
		wrong = value_alias(c->arena, text, member);
		break;
	case SCHEMA_SERVER_NAME:
		wrong = value_server_name(c->arena, text, member);
		break;
	default:
		wrong = value_host(c->arena, text, member);
	}
	if (wrong)
		wrong_value(c, t, wrong);
}

static void bind_endpoint(struct bind_context *c, const struct value_target *t, struct span text)
{
	struct config_endpoint endpoint = { .place = t->node->place };
	const char *wrong;
	if (t->key->type == SCHEMA_ADDRESS_ENDPOINT)
		wrong = value_address_endpoint(c->arena, text, &endpoint);
	else if (t->key->type == SCHEMA_HOST_ENDPOINT)
		wrong = value_host_endpoint(c->arena, text, &endpoint);
	else
		wrong = value_endpoint(c->arena, text, &endpoint);
	if (wrong)
		wrong_value(c, t, wrong);
	else
		*(struct config_endpoint *)t->member = endpoint;
}

static void bind_path(struct bind_context *c, const struct value_target *t, struct span text)
{
	if (span_find(text, '\0') < text.length) {
		wrong_value(c, t, "is no path");
		return;
	}
	bool kept = text.at[0] == '/' || !c->folder || !*c->folder || span_is(text, "-");
	struct span path =
		kept ? arena_copy(c->arena, text) : arena_printf(c->arena, "%s/%.*s", c->folder, SPAN_PRINT(text));
	*(struct span *)t->member = path;
	if (!path.at)
		c->no_memory = true;
	else if (c->check_files && !span_is(path, "-"))
		config_file_check(c->report, t->node->place, t->key->type, path.at);
}

/* There may be a password in it: what is wrong is said without the value. */
static void bind_database(struct bind_context *c, const struct value_target *t, struct span text)
{
	char wrong[STORE_ADDRESS_ERROR_SIZE];
	if (span_find(text, '\n') < text.length || span_find(text, '\0') < text.length)
		config_error(c->report, t->node->place, "`%s` must be one line", t->key->name);
	else if (store_address_check(text, wrong) < 0)
		config_error(c->report, t->node->place, "`%s`: the address of the database %s", t->key->name,
			config_shown(span_of(wrong)).text);
	else
		*(struct span *)t->member = copy_or_note(c, text);
	if (((struct span *)t->member)->at && store_address_is_exposed(text))
		config_warning(c->report, t->node->place,
			"`%s`: what is stored may cross the network in the clear; sslmode=verify-full asks for TLS and "
			"the database's name",
			t->key->name);
}

/* A file, or the address of a database, which is kept as it is. */
static void bind_store(struct bind_context *c, const struct value_target *t, struct span text)
{
	if (store_address_is_postgres(text))
		bind_database(c, t, text);
	else
		bind_path(c, t, text);
}

/* Zones and sources are looked up when all zones are known: resolve.c. */
static void bind_nothing(struct bind_context *c, const struct value_target *t, struct span text)
{
	(void)c;
	(void)t;
	(void)text;
}

static void bind_value(struct bind_context *c, const struct value_target *t, struct span text)
{
	static void (*const binders[])(struct bind_context *, const struct value_target *, struct span) = {
		[SCHEMA_BOOLEAN] = bind_boolean,
		[SCHEMA_NUMBER] = bind_number,
		[SCHEMA_SIZE] = bind_number,
		[SCHEMA_DURATION] = bind_number,
		[SCHEMA_CHOICE] = bind_choice,
		[SCHEMA_TEXT] = bind_text,
		[SCHEMA_SECRET] = bind_text,
		[SCHEMA_HASH] = bind_hash,
		[SCHEMA_ALIAS] = bind_name,
		[SCHEMA_NAME] = bind_text,
		[SCHEMA_DOMAIN] = bind_name,
		[SCHEMA_HOST] = bind_name,
		[SCHEMA_SERVER_NAME] = bind_name,
		[SCHEMA_ADDRESS] = bind_name,
		[SCHEMA_PORT] = bind_port,
		[SCHEMA_ENDPOINT] = bind_endpoint,
		[SCHEMA_ADDRESS_ENDPOINT] = bind_endpoint,
		[SCHEMA_HOST_ENDPOINT] = bind_endpoint,
		[SCHEMA_FILE_READ] = bind_path,
		[SCHEMA_FILE_WRITE] = bind_path,
		[SCHEMA_SOCKET] = bind_path,
		[SCHEMA_STORE] = bind_store,
		[SCHEMA_SOURCE] = bind_nothing,
		[SCHEMA_ZONE] = bind_nothing,
	};
	binders[t->key->type](c, t, text);
}

static const char *kind_name(enum document_kind kind)
{
	return kind == DOCUMENT_SCALAR ? "a single value" : kind == DOCUMENT_SEQUENCE ? "a list" : "a section";
}

static void bind_scalar(struct bind_context *c, const struct value_target *t)
{
	if (t->node->kind != DOCUMENT_SCALAR)
		config_error(c->report, t->node->place, "`%s` must be a single value (%s), not %s", t->key->name,
			schema_type_name(t->key->type), kind_name(t->node->kind));
	else if (document_is_empty(t->node) || span_is_empty(t->node->text))
		config_error(c->report, t->node->place, "`%s` has no value", t->key->name);
	else
		bind_value(c, t, t->node->text);
}

/* ---- lists ---- */

static size_t item_size(const struct schema_key *key)
{
	switch (key->type) {
	case SCHEMA_SECTION:
		return key->section->size;
	case SCHEMA_ENDPOINT:
	case SCHEMA_ADDRESS_ENDPOINT:
		return sizeof(struct config_endpoint);
	default:
		return sizeof(struct span);
	}
}

static bool list_is_sound(struct bind_context *c, const struct schema_key *key, const struct document_node *node)
{
	if (node->kind != DOCUMENT_SEQUENCE) {
		config_error(c->report, node->place, "`%s` must be a list, each item after a `- `%s", key->name,
			key->type == SCHEMA_SECTION ? "" : ", or [one, two]");
		return false;
	}
	if (node->count < key->minimum) {
		config_error(c->report, node->place, "`%s` must not be empty", key->name);
		return false;
	}
	if (node->count > key->maximum) {
		config_error(c->report, node->place, "`%s` has %zu items; %llu are allowed", key->name, node->count,
			(unsigned long long)key->maximum);
		return false;
	}
	return true;
}

static void bind_item(
	struct bind_context *c, const struct schema_key *key, const struct document_node *node, void *item)
{
	if (key->type == SCHEMA_SECTION)
		bind_section(c, key->section, node, item);
	else
		bind_scalar(c, &(struct value_target){ key, node, item });
}

static void bind_list(
	struct bind_context *c, const struct schema_key *key, const struct document_node *node, char *object)
{
	if (document_is_empty(node) && key->minimum == 0)
		return;
	if (!list_is_sound(c, key, node))
		return;
	size_t size = item_size(key);
	char *items = arena_or_note(c, arena_zero(c->arena, size * (node->count ? node->count : 1)));
	if (!items)
		return;
	size_t index = 0;
	for (const struct document_item *item = node->items; item; item = item->next)
		bind_item(c, key, item->value, items + size * index++);
	memcpy(object + key->offset, &items, sizeof(items));
	memcpy(object + key->count_offset, &index, sizeof(index));
}

/* ---- sections ---- */

static void bind_default(struct bind_context *c, const struct schema_key *key, char *object)
{
	if (!key->default_text || (key->flags & (SCHEMA_COMPUTED | SCHEMA_LIST)) || key->type == SCHEMA_SECTION)
		return;
	bind_value(c, &(struct value_target){ key, NULL, object + key->offset }, span_of(key->default_text));
}

/* A section that the file does not have: all its defaults. (A section's required keys are required
 * only where it stands.) */
static void bind_absent(struct bind_context *c, const struct schema_section *section, char *object)
{
	for (const struct schema_key *key = section->keys; key->name; key++) {
		bind_default(c, key, object);
		if (key->type == SCHEMA_SECTION && !(key->flags & SCHEMA_LIST))
			bind_absent(c, key->section, object + key->offset);
	}
}

static void bind_key(
	struct bind_context *c, const struct schema_key *key, const struct document_node *node, char *object)
{
	if (key->flags & SCHEMA_LIST)
		bind_list(c, key, node, object);
	else if (key->type == SCHEMA_SECTION)
		bind_section(c, key->section, node, object + key->offset);
	else
		bind_scalar(c, &(struct value_target){ key, node, object + key->offset });
}

static void unknown_key(struct bind_context *c, const struct schema_section *section, const struct document_node *key)
{
	const char *names[KEYS_MAXIMUM + 1];
	size_t count = 0;
	for (const struct schema_key *known = section->keys; known->name; known++) {
		base_require(count < KEYS_MAXIMUM);
		names[count++] = known->name;
	}
	names[count] = NULL;
	const char *nearest = key->text.length < 64 ? text_nearest(key->text, names) : NULL;
	if (span_is(key->text, "<<"))
		config_error(
			c->report, key->place, "merge keys (<<) are not supported: use an alias for the whole value");
	else if (nearest)
		config_error(c->report, key->place, "%s has no key `%s`; did you mean `%s`?", section->name,
			config_shown(key->text).text, nearest);
	else
		config_error(c->report, key->place, "%s has no key `%s`", section->name, config_shown(key->text).text);
}

/* The word of a choice that is in force: the file's, or the default. */
static struct span choice_in_force(
	const struct schema_section *section, const struct document_node *node, const char *name)
{
	const struct document_node *value = document_find(node, name);
	if (value && value->kind == DOCUMENT_SCALAR)
		return value->text;
	const struct schema_key *key = schema_find(section, span_of(name));
	base_require(key);
	return value ? SPAN_NONE : span_of(key->default_text);
}

enum belonging { BELONGS, BELONGS_NOT, BELONGS_UNKNOWN };

/* Whether a key has its place here by what another key says. */
static enum belonging key_belongs(
	const struct schema_section *section, const struct document_node *node, const struct schema_key *key)
{
	if (!key->only_key)
		return BELONGS;
	const struct schema_key *other = schema_find(section, span_of(key->only_key));
	base_require(other);
	if (key_belongs(section, node, other) == BELONGS_NOT)
		return BELONGS_NOT;
	struct span word = choice_in_force(section, node, key->only_key);
	if (schema_only_fits(key, word))
		return BELONGS;
	for (size_t i = 0; other->choices[i]; i++) {
		if (span_is_nocase(word, other->choices[i]))
			return BELONGS_NOT;
	}
	return BELONGS_UNKNOWN; /* that mistake is reported where it is made */
}

static void missing_key(struct bind_context *c, const struct schema_section *section, const struct document_node *node,
	const struct schema_key *key)
{
	if (!(key->flags & SCHEMA_REQUIRED) || key_belongs(section, node, key) != BELONGS)
		return;
	if (key->only_key)
		config_error(c->report, node->place, "%s with `%s: %s` needs `%s`", section->name, key->only_key,
			config_shown(choice_in_force(section, node, key->only_key)).text, key->name);
	else
		config_error(c->report, node->place, "%s needs `%s`", section->name, key->name);
}

static void misplaced_key(struct bind_context *c, const struct document_node *where, const struct schema_key *key)
{
	struct buffer values;
	buffer_init(&values, 512);
	schema_only_write(&values, key, "`");
	config_error(c->report, where->place, "`%s` belongs only where `%s` is %s", key->name, key->only_key,
		values.status == 0 ? values.at : "another");
	buffer_done(&values);
}

/* A mapping's pairs, each key once. seen has a place for each key of the schema. */
static void bind_pairs(struct bind_context *c, const struct schema_section *section, const struct document_node *node,
	const struct document_node **seen, char *object)
{
	for (const struct document_item *item = node->items; item; item = item->next) {
		const struct schema_key *key = schema_find(section, item->key->text);
		if (!key) {
			unknown_key(c, section, item->key);
			continue;
		}
		const struct document_node **first = &seen[key - section->keys];
		if (*first) {
			config_error(c->report, item->key->place, "`%s` stands here again; first in line %u", key->name,
				(*first)->place.line);
			continue;
		}
		*first = item->key;
		if (key_belongs(section, node, key) == BELONGS_NOT)
			misplaced_key(c, item->key, key);
		bind_key(c, key, item->value, object);
	}
}

static void bind_mapping(
	struct bind_context *c, const struct schema_section *section, const struct document_node *node, char *object)
{
	const struct document_node *seen[KEYS_MAXIMUM] = { NULL };
	for (const struct schema_key *key = section->keys; key->name; key++)
		bind_default(c, key, object);
	bind_pairs(c, section, node, seen, object);
	for (const struct schema_key *key = section->keys; key->name; key++) {
		if (seen[key - section->keys])
			continue;
		missing_key(c, section, node, key);
		if (key->type == SCHEMA_SECTION && !(key->flags & SCHEMA_LIST))
			bind_absent(c, key->section, object + key->offset);
	}
}

/* partner.example instead of {domain: partner.example} */
static void bind_shorthand(
	struct bind_context *c, const struct schema_section *section, const struct document_node *node, char *object)
{
	const struct schema_key *key = schema_find(section, span_of(section->scalar_key));
	base_require(key);
	for (const struct schema_key *other = section->keys; other->name; other++)
		bind_default(c, other, object);
	bind_key(c, key, node, object);
}

void bind_section(
	struct bind_context *c, const struct schema_section *section, const struct document_node *node, void *object)
{
	struct document_node empty = { .kind = DOCUMENT_MAPPING, .place = node->place };
	if (section->place_offset != SCHEMA_NO_PLACE)
		*(struct config_place *)(void *)((char *)object + section->place_offset) = node->place;
	if (node->kind == DOCUMENT_MAPPING)
		bind_mapping(c, section, node, object);
	else if (document_is_empty(node))
		bind_mapping(c, section, &empty, object);
	else if (node->kind == DOCUMENT_SCALAR && section->scalar_key)
		bind_shorthand(c, section, node, object);
	else
		config_error(c->report, node->place, "%s must be a section of `key: value`, not %s", section->name,
			kind_name(node->kind));
}

void bind_defaults(
	struct bind_context *c, const struct schema_section *section, struct config_place place, void *object)
{
	if (section->place_offset != SCHEMA_NO_PLACE)
		*(struct config_place *)(void *)((char *)object + section->place_offset) = place;
	bind_absent(c, section, object);
}
