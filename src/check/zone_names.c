/* SPDX-License-Identifier: Apache-2.0 */
/* Names made whole, and the words for what is wrong. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "check/zone_reading.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_MAXIMUM 4096
#define PATH_SHOWN 200

__attribute__((format(printf, 3, 0))) static void write_place(
	const struct zone_reading *r, char text[CHECK_ZONE_ERROR_SIZE], const char *format, va_list arguments)
{
	struct buffer what, safe;
	buffer_init(&what, MESSAGE_MAXIMUM);
	buffer_init(&safe, (size_t)4 * MESSAGE_MAXIMUM);
	/* Of a long path the end tells the file. */
	size_t length = strlen(r->zone->path);
	bool cut = length > PATH_SHOWN;
	buffer_printf(&what, "%s%s", cut ? "…" : "", r->zone->path + (cut ? length - PATH_SHOWN : 0));
	if (r->line)
		buffer_printf(&what, ":%u", r->line);
	buffer_append_text(&what, ": ");
	buffer_vprintf(&what, format, arguments);
	text_append_safe(&safe, buffer_span(&what));
	snprintf(text, CHECK_ZONE_ERROR_SIZE, "%.*s", SPAN_PRINT(buffer_span(&safe)));
	buffer_done(&what);
	buffer_done(&safe);
}

int zone_refuse(struct zone_reading *r, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_place(r, r->error, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

int zone_no_memory(struct zone_reading *r)
{
	zone_refuse(r, "not enough memory for the records");
	return -ENOMEM;
}

void zone_add_note(struct zone_reading *r, const char *format, ...)
{
	struct check_zone *zone = r->zone;
	char text[CHECK_ZONE_ERROR_SIZE];
	va_list arguments;
	if (zone->note_count == CHECK_ZONE_NOTES_MAXIMUM)
		return;
	va_start(arguments, format);
	write_place(r, text, format, arguments);
	va_end(arguments);
	const char *copy = arena_copy_text(&zone->arena, text);
	if (copy)
		zone->notes[zone->note_count++] = copy;
}

/* ---- names ---- */

bool zone_name_is_relative(struct span word)
{
	size_t slashes = 0;
	if (word.length == 0 || word.at[word.length - 1] != '.')
		return true;
	while (slashes + 1 < word.length && word.at[word.length - 2 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 1;
}

static int check_name_word(struct zone_reading *r, struct span word)
{
	for (size_t i = 0; i < word.length; i++)
		if ((unsigned char)word.at[i] >= 0x80)
			return zone_refuse(r, "write `%.*s` as the DNS has it, with xn--…", ZONE_SHOW(word));
	if (word.at[0] == '"')
		return zone_refuse(r, "a name stands without quotation marks: %.*s", ZONE_SHOW(word));
	if ((span_is(word, "@") || zone_name_is_relative(word)) && !r->origin)
		return zone_refuse(
			r, "`%.*s` has no dot at its end and there is no $ORIGIN to complete it", ZONE_SHOW(word));
	return 0;
}

/* The whole name; the caller's to free. */
int zone_read_name(struct zone_reading *r, struct span word, ldns_rdf **ret_name)
{
	if (check_name_word(r, word) < 0)
		return -EBADMSG;
	if (span_is(word, "@")) {
		*ret_name = ldns_rdf_clone(r->origin);
		return *ret_name ? 0 : zone_no_memory(r);
	}
	base_cleanup(free_pointer) char *text = span_copy(word);
	if (!text)
		return zone_no_memory(r);
	ldns_rdf *name = ldns_dname_new_frm_str(text);
	if (!name)
		return zone_refuse(
			r, "`%.*s` is no name: labels have 1 to 63 bytes, a name 255 in all", ZONE_SHOW(word));
	if (zone_name_is_relative(word) && ldns_dname_cat(name, r->origin) != LDNS_STATUS_OK) {
		ldns_rdf_deep_free(name);
		return zone_refuse(r, "`%.*s` is too long once it is completed by the origin", ZONE_SHOW(word));
	}
	*ret_name = name;
	return 0;
}

bool zone_name_text(const ldns_rdf *name, char ret_text[NET_DNS_NAME_TEXT_SIZE])
{
	struct span wire = span_make((const char *)ldns_rdf_data(name), ldns_rdf_size(name));
	return net_dns_name_of_wire(wire, ret_text) == (int)wire.length;
}

const char *zone_copy_key(struct zone_reading *r, const ldns_rdf *name)
{
	char text[NET_DNS_NAME_TEXT_SIZE], key[ZONE_KEY_SIZE];
	if (!zone_name_text(name, text) || !zone_key(strcmp(text, ".") == 0 ? "" : text, key))
		return NULL;
	return arena_copy_text(&r->zone->arena, key);
}

int zone_add_key(struct zone_reading *r, const ldns_rdf *name, const char ***keys, size_t *count, size_t maximum)
{
	const char *key = zone_copy_key(r, name);
	for (size_t i = 0; key && i < *count; i++)
		if (strcmp((*keys)[i], key) == 0)
			return 0;
	if (!key)
		return zone_no_memory(r);
	if (*count == maximum)
		return zone_refuse(r, "more than %zu zones or delegations in one file", maximum);
	if ((*count & (*count - 1)) == 0) {
		const char **grown = arena_allocate(&r->zone->arena, (*count ? *count * 2 : 1) * sizeof(*grown));
		if (!grown)
			return zone_no_memory(r);
		if (*count)
			memcpy(grown, *keys, *count * sizeof(*grown));
		*keys = grown;
	}
	(*keys)[(*count)++] = key;
	return 0;
}
