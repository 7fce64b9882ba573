/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "check/save.h"
#include "check/save_base64.h"
#include "check/save_fields.h"

#include <errno.h>
#include <stdlib.h>

/* One object being written: knows whether a comma is due. */
struct object {
	struct buffer *out;
	bool begun;
};

static struct object object_open(struct buffer *out)
{
	buffer_append_byte(out, '{');
	return (struct object){ .out = out };
}

static void object_name(struct object *o, const char *name)
{
	buffer_printf(o->out, "%s\"%s\":", o->begun ? "," : "", name);
	o->begun = true;
}

static void object_close(struct object *o)
{
	buffer_append_byte(o->out, '}');
}

static void put_bytes(struct span bytes, struct buffer *out)
{
	buffer_append_byte(out, '"');
	save_base64_write(bytes, out);
	buffer_append_byte(out, '"');
}

/* Jansson reads UTF-8 only, and knows best what that is. */
static void put_text(struct span text, struct buffer *out)
{
	json_t *readable = json_stringn(text.at ? text.at : "", text.length);
	if (readable) {
		text_append_json(out, text);
	} else {
		buffer_append_text(out, "{\"base64\":");
		put_bytes(text, out);
		buffer_append_byte(out, '}');
	}
	json_decref(readable);
}

static const void *member(const void *object, const struct save_field *field)
{
	return (const char *)object + field->offset;
}

/* false: it is left out. */
static bool number_of(const void *object, const struct save_field *field, int64_t *ret_value)
{
	const void *at = member(object, field);
	switch (field->kind) {
	case SAVE_U8:
		*ret_value = *(const uint8_t *)at;
		break;
	case SAVE_U16:
		*ret_value = *(const uint16_t *)at;
		break;
	case SAVE_U32:
		*ret_value = *(const uint32_t *)at;
		break;
	case SAVE_INT:
		*ret_value = *(const int *)at;
		break;
	case SAVE_SIZE:
		*ret_value = (int64_t) * (const size_t *)at;
		break;
	case SAVE_STEP:
		*ret_value = *(const int64_t *)at;
		return *ret_value >= 0;
	default:
		*ret_value = *(const int64_t *)at;
		break;
	}
	return *ret_value > 0;
}

static void put_field(struct object *o, const void *object, const struct save_field *field)
{
	const void *at = member(object, field);
	const struct span *text = at;
	int64_t number = 0;
	switch (field->kind) {
	case SAVE_TEXT:
	case SAVE_BYTES:
		if (!text->at)
			return;
		object_name(o, field->name);
		(field->kind == SAVE_TEXT ? put_text : put_bytes)(*text, o->out);
		return;
	case SAVE_FLAG:
		if (!*(const bool *)at)
			return;
		object_name(o, field->name);
		buffer_append_text(o->out, "true");
		return;
	case SAVE_WORD:
		object_name(o, field->name);
		buffer_printf(o->out, "\"%s\"", check_word(field->words, *(const unsigned *)at));
		return;
	default:
		if (!number_of(object, field, &number))
			return;
		object_name(o, field->name);
		buffer_append_u64(o->out, (uint64_t)number);
	}
}

static void put_fields(struct object *o, const void *object, const struct save_field *fields)
{
	for (; fields->name; fields++)
		put_field(o, object, fields);
}

static void put_object(const void *object, const struct save_field *fields, struct buffer *out)
{
	struct object o = object_open(out);
	put_fields(&o, object, fields);
	object_close(&o);
}

/* A list of objects that hold nothing but fields; an empty one is left out. */
static void put_list(struct object *o, const char *name, const void *items, size_t count, size_t size,
	const struct save_field *fields)
{
	if (count == 0)
		return;
	object_name(o, name);
	for (size_t i = 0; i < count; i++) {
		buffer_append_byte(o->out, i ? ',' : '[');
		put_object((const char *)items + i * size, fields, o->out);
	}
	buffer_append_byte(o->out, ']');
}

static void put_texts(struct object *o, const char *name, const struct span *texts, size_t count)
{
	if (count == 0)
		return;
	object_name(o, name);
	for (size_t i = 0; i < count; i++) {
		buffer_append_byte(o->out, i ? ',' : '[');
		put_text(texts[i], o->out);
	}
	buffer_append_byte(o->out, ']');
}

static void put_lookup(struct object *o, const char *name, const struct trust_lookup *lookup)
{
	object_name(o, name);
	put_object(lookup, save_lookup_fields, o->out);
}

/* ---- certificates: each once, referred to by its place ---- */

struct album {
	struct span *der;
	size_t count;
};

static size_t album_place(struct album *album, struct span der)
{
	size_t i = 0;
	while (i < album->count && !span_equal(album->der[i], der))
		i++;
	if (i == album->count)
		album->der[album->count++] = der;
	return i;
}

static int album_fill(struct album *album, const struct check_facts *facts)
{
	size_t room = 1;
	for (size_t i = 0; i < facts->attempt_count; i++)
		room += facts->attempts[i].probe.der_count;
	album->der = calloc(room, sizeof(*album->der));
	if (!album->der)
		return -ENOMEM;
	for (size_t i = 0; i < facts->attempt_count; i++)
		for (size_t j = 0; j < facts->attempts[i].probe.der_count; j++)
			album_place(album, facts->attempts[i].probe.der[j]);
	return 0;
}

static void put_album(struct object *o, const struct album *album)
{
	if (album->count == 0)
		return;
	object_name(o, "certificates");
	for (size_t i = 0; i < album->count; i++) {
		buffer_append_byte(o->out, i ? ',' : '[');
		put_bytes(album->der[i], o->out);
	}
	buffer_append_byte(o->out, ']');
}

/* ---- the parts ---- */

static void put_srv(struct object *o, const struct trust_domain *srv)
{
	object_name(o, "srv");
	struct object inner = object_open(o->out);
	put_fields(&inner, srv, save_domain_fields);
	put_lookup(&inner, "lookup", &srv->lookup);
	put_list(&inner, "records", srv->records, srv->record_count, sizeof(*srv->records), save_record_fields);
	object_close(&inner);
}

static void put_host(const struct trust_host *host, uint16_t port, struct buffer *out)
{
	struct object o = object_open(out);
	put_fields(&o, host, save_host_fields);
	object_name(&o, "port");
	buffer_append_u64(out, port);
	put_lookup(&o, "a", &host->a);
	put_lookup(&o, "aaaa", &host->aaaa);
	if (host->address_count) {
		object_name(&o, "addresses");
		for (size_t i = 0; i < host->address_count; i++) {
			buffer_append_byte(out, i ? ',' : '[');
			put_text(host->addresses[i].text, out);
		}
		buffer_append_byte(out, ']');
	}
	put_lookup(&o, "tlsa_lookup", &host->tlsa_lookup);
	put_list(&o, "tlsa", host->tlsa, host->tlsa_count, sizeof(*host->tlsa), save_tlsa_fields);
	object_close(&o);
}

static void put_hosts(struct object *o, const struct check_facts *facts)
{
	if (facts->host_count == 0)
		return;
	object_name(o, "hosts");
	for (size_t i = 0; i < facts->host_count; i++) {
		buffer_append_byte(o->out, i ? ',' : '[');
		put_host(&facts->hosts[i], facts->host_ports[i], o->out);
	}
	buffer_append_byte(o->out, ']');
}

static void put_chain(struct object *o, const struct peer_probe_facts *probe, struct album *album)
{
	object_name(o, "chain");
	struct object inner = object_open(o->out);
	put_fields(&inner, &probe->chain, save_chain_fields);
	if (probe->der_count) {
		object_name(&inner, "certificates");
		for (size_t i = 0; i < probe->der_count; i++) {
			buffer_append_byte(o->out, i ? ',' : '[');
			buffer_append_u64(o->out, album_place(album, probe->der[i]));
		}
		buffer_append_byte(o->out, ']');
	}
	object_close(&inner);
}

static bool versions_were_tried(const struct peer_probe_facts *probe)
{
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		if (probe->versions[i].status != PEER_VERSION_NOT_TRIED || probe->versions[i].text.at)
			return true;
	return false;
}

static void put_attempt(const struct check_attempt *attempt, struct album *album, struct buffer *out)
{
	const struct peer_probe_facts *probe = &attempt->probe;
	struct object o = object_open(out);
	put_fields(&o, attempt, save_attempt_fields);
	put_chain(&o, probe, album);
	put_texts(&o, "requested_authorities", probe->requested_authorities, probe->requested_authority_count);
	if (versions_were_tried(probe))
		put_list(&o, "versions", probe->versions, PEER_VERSION_COUNT, sizeof(*probe->versions),
			save_version_fields);
	if (attempt->answer.asked) {
		object_name(&o, "options");
		put_object(&attempt->answer, save_answer_fields, out);
	}
	object_close(&o);
}

static void put_attempts(struct object *o, const struct check_facts *facts, struct album *album)
{
	if (facts->attempt_count == 0)
		return;
	object_name(o, "attempts");
	for (size_t i = 0; i < facts->attempt_count; i++) {
		buffer_append_byte(o->out, i ? ',' : '[');
		put_attempt(&facts->attempts[i], album, o->out);
	}
	buffer_append_byte(o->out, ']');
}

int check_save_write(const struct check_facts *facts, struct buffer *out)
{
	struct album album = { 0 };
	if (album_fill(&album, facts) < 0)
		return -ENOMEM;
	struct object o = object_open(out);
	object_name(&o, "format");
	buffer_append_text(out, "\"fedge-check-facts\"");
	object_name(&o, "version");
	buffer_append_u64(out, CHECK_SAVE_VERSION);
	put_fields(&o, facts, save_facts_fields);
	put_srv(&o, &facts->srv);
	put_hosts(&o, facts);
	put_album(&o, &album);
	put_attempts(&o, facts, &album);
	object_close(&o);
	buffer_append_byte(out, '\n');
	free(album.der);
	return out->status;
}
