/* SPDX-License-Identifier: Apache-2.0 */
/* A zone file from words to records, sorted and checked as a whole. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/require.h"
#include "base/text.h"
#include "check/zone_reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TTL_DEFAULT_S 3600 /* where neither the record nor a $TTL says */
#define TTL_MAXIMUM_S INT32_MAX /* RFC 2181 8 */
#define ARENA_MAXIMUM ((size_t)128 << 20)
#define APEX_MAXIMUM 1024
#define CUT_MAXIMUM 16384
#define SET_MAXIMUM 4096 /* records of one name and type; more fit into no DNS message */

/* ---- times ---- */

/* "300", "1h30m"; false: none, or too long. */
static bool read_period(struct span word, uint32_t *ret_seconds)
{
	uint64_t total = 0, part = 0;
	bool digits = false;
	for (size_t i = 0; i < word.length; i++) {
		static const char units[] = "smhdw";
		static const unsigned seconds[] = { 1, 60, 3600, 86400, 604800 };
		char byte = word.at[i];
		const char *unit = byte ? strchr(units, byte | 0x20) : NULL;
		if (byte >= '0' && byte <= '9') {
			part = part * 10 + (unsigned)(byte - '0');
			digits = true;
		} else if (unit && digits) {
			total += part * seconds[unit - units];
			part = 0;
			digits = false;
		} else {
			return false;
		}
		if (part > TTL_MAXIMUM_S || total > TTL_MAXIMUM_S)
			return false;
	}
	*ret_seconds = (uint32_t)(total + part);
	return word.length > 0 && total + part <= TTL_MAXIMUM_S;
}

/* ---- directives ---- */

static int read_origin(struct zone_reading *r)
{
	ldns_rdf *name;
	if (r->entry->count != 2)
		return zone_refuse(r, "$ORIGIN takes one name");
	int status = zone_read_name(r, r->entry->words[1], &name);
	if (status < 0)
		return status;
	ldns_rdf_deep_free(r->origin);
	r->origin = name;
	/* "$ORIGIN ." is a way to write whole names, not a claim on all of them. */
	if (r->has_authority || ldns_rdf_size(name) == 1)
		return 0;
	return zone_add_key(r, name, &r->zone->apexes, &r->zone->apex_count, APEX_MAXIMUM);
}

static int read_ttl(struct zone_reading *r)
{
	if (r->entry->count != 2 || !read_period(r->entry->words[1], &r->ttl_s))
		return zone_refuse(r, "$TTL takes one time in seconds, such as 300 or 1h");
	return 0;
}

static int refuse_include(struct zone_reading *r)
{
	return zone_refuse(r, "$INCLUDE is not followed: put the records of that file here, or check that file");
}

static int skip_generate(struct zone_reading *r)
{
	zone_add_note(r, "$GENERATE is skipped; the names that it makes are not known here");
	r->zone->skipped++;
	return 0;
}

static int read_directive(struct zone_reading *r)
{
	static const struct {
		const char *name;
		int (*read)(struct zone_reading *r);
	} directives[] = {
		{ "$ORIGIN", read_origin },
		{ "$TTL", read_ttl },
		{ "$INCLUDE", refuse_include },
		{ "$GENERATE", skip_generate },
	};
	struct span word = r->entry->words[0];
	for (size_t i = 0; i < BASE_COUNT(directives); i++)
		if (span_is_nocase(word, directives[i].name))
			return directives[i].read(r);
	return zone_refuse(r, "`%.*s` is no directive; known are $ORIGIN and $TTL", ZONE_SHOW(word));
}

/* ---- records ---- */

static void note_doubled_origin(struct zone_reading *r, struct span word, const char *name)
{
	char origin[NET_DNS_NAME_TEXT_SIZE], twice[2 * NET_DNS_NAME_TEXT_SIZE + 2];
	if (!r->origin || !zone_name_is_relative(word) || !zone_name_text(r->origin, origin) || !strchr(origin, '.') ||
		strcmp(origin, ".") == 0)
		return;
	snprintf(twice, sizeof(twice), ".%s.%s", origin, origin);
	if (span_is_nocase(span_of(name), twice + 1) || span_ends_nocase(span_of(name), span_of(twice)))
		zone_add_note(r, "`%.*s` becomes %s.: is the dot at its end missing?", ZONE_SHOW(word), name);
}

static void note_address_as_name(struct zone_reading *r, struct span word)
{
	struct net_address address;
	struct span bare = word;
	if (bare.length > 0 && bare.at[bare.length - 1] == '.')
		bare.length--;
	if (net_address_parse(bare, 0, &address) == 0)
		zone_add_note(r, "`%.*s` is an address where a name must stand", ZONE_SHOW(word));
}

static struct zone_record *record_new(struct zone_reading *r)
{
	struct check_zone *zone = r->zone;
	if (zone->count == zone->capacity) {
		size_t capacity = zone->capacity ? zone->capacity * 2 : 64;
		struct zone_record *grown = realloc(zone->records, capacity * sizeof(*grown));
		if (!grown)
			return NULL;
		zone->records = grown;
		zone->capacity = capacity;
	}
	return &zone->records[zone->count++];
}

static int add_record(struct zone_reading *r, const struct zone_type *type, uint32_t ttl_s, struct span data)
{
	char name[NET_DNS_NAME_TEXT_SIZE];
	if (r->zone->count == CHECK_ZONE_RECORDS_MAXIMUM)
		return zone_refuse(r, "more than %d records", CHECK_ZONE_RECORDS_MAXIMUM);
	struct zone_record record = { .type = type->type, .ttl_s = ttl_s, .line = r->line, .data = data };
	struct zone_record *place = record_new(r);
	if (!place || !zone_name_text(r->owner, name)) {
		r->zone->count -= place != NULL;
		return zone_no_memory(r);
	}
	record.name = arena_copy_text(&r->zone->arena, name);
	record.key = zone_copy_key(r, r->owner);
	if (type->type == ZONE_TYPE_CNAME && net_dns_name_of_wire(data, name) == (int)data.length)
		record.target = arena_copy_text(&r->zone->arena, name);
	*place = record;
	return record.name && record.key && (record.target || type->type != ZONE_TYPE_CNAME) ? 0 : zone_no_memory(r);
}

static int read_wanted(
	struct zone_reading *r, const struct zone_type *type, uint32_t ttl_s, const struct span *values, size_t count)
{
	struct span data;
	int status = zone_read_data(r, type, values, count, &data);
	if (status < 0)
		return status;
	if (type->fields[type->count - 1] == ZONE_FIELD_NAME && count == type->count) {
		char name[NET_DNS_NAME_TEXT_SIZE];
		size_t before = type->type == NET_DNS_SRV ? 6 : 0;
		if (type->type != NET_DNS_NAPTR && net_dns_name_of_wire(span_from(data, before), name) > 0)
			note_doubled_origin(r, values[count - 1], name);
		note_address_as_name(r, values[count - 1]);
	}
	return add_record(r, type, ttl_s, data);
}

/* Types of which only the place matters: zones begin at an SOA, and end at the NS of others. */
static int read_other(struct zone_reading *r, struct span word)
{
	struct check_zone *zone = r->zone;
	zone->skipped++;
	if (span_is_nocase(word, "NS"))
		return zone_add_key(r, r->owner, &zone->cuts, &zone->cut_count, CUT_MAXIMUM);
	if (span_is_nocase(word, "DNAME"))
		zone_add_note(r, "a DNAME is not followed; what it redirects is asked in the network");
	if (!span_is_nocase(word, "SOA"))
		return 0;
	if (!r->has_authority)
		zone->apex_count = 0;
	r->has_authority = true;
	return zone_add_key(r, r->owner, &zone->apexes, &zone->apex_count, APEX_MAXIMUM);
}

/* ldns 1.8 does not know these, or not by name. */
static bool type_is_known(struct span word)
{
	static const char *const newer[] = { "SVCB", "HTTPS", "ZONEMD", "DSYNC", "RESINFO", "WALLET", "SPF" };
	char text[16];
	for (size_t i = 0; i < BASE_COUNT(newer); i++)
		if (span_is_nocase(word, newer[i]))
			return true;
	return span_copy_to(word, text, sizeof(text)) && ldns_get_rr_type_by_name(text) != 0;
}

static int refuse_type(struct zone_reading *r, struct span word)
{
	static const char *const known[] = { "SRV", "AAAA", "CNAME", "TLSA", "NAPTR", "TXT", "SOA", NULL };
	char upper[16];
	if (!span_copy_to(word, upper, sizeof(upper)))
		return zone_refuse(r, "`%.*s` is no record type", ZONE_SHOW(word));
	for (char *at = upper; *at; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
	const char *near = text_nearest(span_of(upper), known);
	return near ? zone_refuse(r, "`%.*s` is no record type; is %s meant?", ZONE_SHOW(word), near)
		    : zone_refuse(r, "`%.*s` is no record type", ZONE_SHOW(word));
}

static int read_owner(struct zone_reading *r, size_t *at)
{
	ldns_rdf *name;
	if (r->entry->same_owner)
		return r->owner ? 0 : zone_refuse(r, "the first record has no name (the line begins with a blank)");
	int status = zone_read_name(r, r->entry->words[(*at)++], &name);
	if (status < 0)
		return status;
	ldns_rdf_deep_free(r->owner);
	r->owner = name;
	char text[NET_DNS_NAME_TEXT_SIZE];
	if (zone_name_text(name, text))
		note_doubled_origin(r, r->entry->words[0], text);
	return 0;
}

/* Class and TTL stand before the type, in either order, or not at all. false: a class other than IN. */
static bool read_class_and_ttl(const struct zone_entry *entry, size_t *at, uint32_t *ttl_s)
{
	bool internet = true, has_class = false, has_ttl = false;
	for (; *at < entry->count; (*at)++) {
		struct span word = entry->words[*at];
		if (!has_class && span_is_nocase(word, "IN")) {
			has_class = true;
		} else if (!has_class && (span_is_nocase(word, "CH") || span_is_nocase(word, "HS"))) {
			has_class = true;
			internet = false;
		} else if (!has_ttl && read_period(word, ttl_s)) {
			has_ttl = true;
		} else {
			break;
		}
	}
	return internet;
}

static int read_record(struct zone_reading *r)
{
	const struct zone_entry *entry = r->entry;
	size_t at = 0;
	uint32_t ttl_s = r->ttl_s;
	int status = read_owner(r, &at);
	if (status < 0)
		return status;
	bool internet = read_class_and_ttl(entry, &at, &ttl_s);
	if (at == entry->count)
		return zone_refuse(r, "after the name `%.*s` a record type and its values are missing",
			ZONE_SHOW(entry->words[0]));
	struct span word = entry->words[at++];
	const struct zone_type *type = zone_type_find(word);
	if (!type && !type_is_known(word))
		return refuse_type(r, word);
	if (!internet) {
		r->zone->skipped++;
		return 0;
	}
	return type ? read_wanted(r, type, ttl_s, entry->words + at, entry->count - at) : read_other(r, word);
}

/* ---- the whole ---- */

static int compare_records(const void *a, const void *b)
{
	const struct zone_record *left = a, *right = b;
	int order = strcmp(left->key, right->key);
	if (order == 0)
		order = (left->type > right->type) - (left->type < right->type);
	return order ? order : (left->line > right->line) - (left->line < right->line);
}

/* RFC 1034 3.6.2: a CNAME stands alone. */
static int check_aliases(struct zone_reading *r)
{
	const struct check_zone *zone = r->zone;
	for (size_t i = 1; i < zone->count; i++) {
		const struct zone_record *one = &zone->records[i - 1], *other = &zone->records[i];
		if (strcmp(one->key, other->key) != 0 ||
			(one->type != ZONE_TYPE_CNAME && other->type != ZONE_TYPE_CNAME))
			continue;
		r->line = one->line > other->line ? one->line : other->line;
		return zone_refuse(r, "`%s` has a CNAME and another record (line %u); a CNAME must stand alone",
			other->name, one->line > other->line ? other->line : one->line);
	}
	return 0;
}

static bool same_set(const struct zone_record *a, const struct zone_record *b)
{
	return a->type == b->type && strcmp(a->key, b->key) == 0;
}

/* The same record twice is one (RFC 2181 5). */
static int drop_duplicates(struct zone_reading *r)
{
	struct check_zone *zone = r->zone;
	size_t kept = 0, set = 0; /* set: where the one under way begins, among the kept */
	for (size_t i = 0; i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];
		bool again = false;
		if (kept > 0 && !same_set(&zone->records[set], record))
			set = kept;
		for (size_t j = set; j < kept && !again; j++)
			again = span_equal(zone->records[j].data, record->data);
		if (!again)
			zone->records[kept++] = *record;
		if (kept - set <= SET_MAXIMUM)
			continue;
		r->line = record->line;
		return zone_refuse(r, "more than %d records of one type for `%s`", SET_MAXIMUM, record->name);
	}
	zone->count = kept;
	return 0;
}

/* The servers of the zone itself are no cut. */
static void drop_own_cuts(struct check_zone *zone)
{
	size_t kept = 0;
	for (size_t i = 0; i < zone->cut_count; i++) {
		bool own = false;
		for (size_t j = 0; j < zone->apex_count && !own; j++)
			own = strcmp(zone->cuts[i], zone->apexes[j]) == 0;
		if (!own)
			zone->cuts[kept++] = zone->cuts[i];
	}
	zone->cut_count = kept;
}

static int read_entries(struct zone_reading *r, struct span bytes)
{
	struct zone_text text;
	int status;
	zone_text_init(&text, bytes);
	while ((status = zone_text_next(&text, r->entry)) == 1) {
		r->line = r->entry->line;
		status = r->entry->words[0].at[0] == '$' && !r->entry->same_owner ? read_directive(r) : read_record(r);
		if (status < 0)
			return status;
	}
	if (status == 0)
		return 0;
	r->line = r->entry->line;
	return zone_refuse(r, "%s", text.what);
}

static int read_given_origin(struct zone_reading *r, struct span origin)
{
	if (origin.length == 0)
		return 0;
	base_cleanup(free_pointer) char *text = span_copy(origin);
	r->origin = text ? ldns_dname_new_frm_str(text) : NULL;
	if (!r->origin)
		return zone_refuse(r, "`%.*s` cannot be the origin: it is no domain name", ZONE_SHOW(origin));
	return zone_add_key(r, r->origin, &r->zone->apexes, &r->zone->apex_count, APEX_MAXIMUM);
}

static int read_all(struct zone_reading *r, struct span bytes, struct span origin)
{
	int status = read_given_origin(r, origin);
	if (status == 0)
		status = read_entries(r, bytes);
	if (status < 0)
		return status;
	if (r->zone->count > 0)
		qsort(r->zone->records, r->zone->count, sizeof(*r->zone->records), compare_records);
	drop_own_cuts(r->zone);
	status = drop_duplicates(r);
	return status < 0 ? status : check_aliases(r);
}

int check_zone_read_text(const char *path, struct span text, struct span origin, struct check_zone **ret_zone,
	char reterr_text[CHECK_ZONE_ERROR_SIZE])
{
	struct check_zone *zone = calloc(1, sizeof(*zone));
	struct zone_reading r = {
		.zone = zone, .ttl_s = TTL_DEFAULT_S, .entry = malloc(sizeof(*r.entry)), .error = reterr_text
	};
	reterr_text[0] = '\0';
	int status = -ENOMEM;
	if (zone && r.entry) {
		arena_init(&zone->arena, ARENA_MAXIMUM);
		zone->path = arena_copy_text(&zone->arena, path);
		status = zone->path ? read_all(&r, text.at ? text : SPAN(""), origin) : -ENOMEM;
	}
	ldns_rdf_deep_free(r.origin);
	ldns_rdf_deep_free(r.owner);
	free(r.entry);
	if (status == 0) {
		*ret_zone = zone;
		return 0;
	}
	check_zone_free(zone);
	if (!reterr_text[0])
		snprintf(reterr_text, CHECK_ZONE_ERROR_SIZE, "not enough memory for a zone file");
	return status;
}

/* ---- the file ---- */

static int read_file(const char *path, struct buffer *out)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	int status = 0;
	while (status == 0 && !feof(file)) {
		status = buffer_reserve(out, 65536);
		if (status < 0)
			break;
		size_t got = fread(out->at + out->length, 1, 65536, file);
		out->length += got;
		if (got == 0 && ferror(file))
			status = -errno;
	}
	fclose(file);
	return status < 0 ? status : out->length > CHECK_ZONE_BYTES_MAXIMUM ? -EFBIG : 0;
}

int check_zone_read(
	const char *path, struct span origin, struct check_zone **ret_zone, char reterr_text[CHECK_ZONE_ERROR_SIZE])
{
	struct buffer bytes;
	buffer_init(&bytes, CHECK_ZONE_BYTES_MAXIMUM + 2 * 65536);
	int status = read_file(path, &bytes);
	if (status == -EFBIG || status == -ENOBUFS)
		snprintf(reterr_text, CHECK_ZONE_ERROR_SIZE, "%.300s: more than %u MB are too much for a zone file",
			path, CHECK_ZONE_BYTES_MAXIMUM >> 20);
	else if (status < 0)
		snprintf(reterr_text, CHECK_ZONE_ERROR_SIZE, "%.300s: %s", path, strerror(-status));
	else
		status = check_zone_read_text(path, buffer_span(&bytes), origin, ret_zone, reterr_text);
	buffer_done(&bytes);
	return status;
}
