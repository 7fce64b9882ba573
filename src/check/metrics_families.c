/* SPDX-License-Identifier: Apache-2.0 */
#include "check/metrics_families.h"

#include <errno.h>

void check_families_init(struct check_families *families, size_t maximum)
{
	*families = (struct check_families){ .maximum = maximum };
}

void check_families_done(struct check_families *families)
{
	for (size_t i = 0; i < families->count; i++)
		buffer_done(&families->families[i].text);
	families->count = 0;
	families->length = 0;
}

/* "# HELP name …" and "# TYPE name …" begin a family, a sample is one of the family before it. */
static struct span heading_name(struct span line)
{
	if (!span_starts_nocase(line, SPAN("# HELP ")) && !span_starts_nocase(line, SPAN("# TYPE ")))
		return SPAN_NONE;
	struct span rest = span_from(line, 7);
	return span_cut(&rest, ' ');
}

static struct check_family *find(struct check_families *families, struct span name)
{
	for (size_t i = 0; i < families->count; i++) {
		if (span_is(name, families->families[i].name))
			return &families->families[i];
	}
	return NULL;
}

static struct check_family *create(struct check_families *families, struct span name)
{
	if (families->count == CHECK_FAMILIES_COUNT)
		return NULL;
	struct check_family *family = &families->families[families->count];
	if (!span_copy_to(name, family->name, sizeof(family->name)))
		return NULL;
	buffer_init(&family->text, families->maximum);
	families->count++;
	return family;
}

/* Families that the text has and we have not. */
static int check_room(const struct check_families *families, struct span text)
{
	size_t new_ones = 0;
	struct span last = SPAN_NONE;
	if (text.length > families->maximum - families->length)
		return -ENOBUFS;
	while (text.at) {
		struct span name = heading_name(span_cut(&text, '\n'));
		if (!name.at || span_equal(name, last))
			continue;
		last = name;
		if (name.length >= CHECK_FAMILY_NAME_SIZE)
			return -EBADMSG;
		new_ones += find((struct check_families *)(uintptr_t)families, name) == NULL;
	}
	return families->count + new_ones > CHECK_FAMILIES_COUNT ? -ENOSPC : 0;
}

int check_families_add(struct check_families *families, struct span text)
{
	struct check_family *family = NULL;
	size_t known = families->count; /* these have their headings already */
	int status = check_room(families, text);
	while (text.at && status == 0) {
		struct span line = span_cut(&text, '\n');
		struct span name = heading_name(line);
		if (line.length == 0)
			continue;
		if (name.at) {
			family = find(families, name);
			if (!family)
				family = create(families, name);
			if (!family)
				return -EBADMSG;
			if ((size_t)(family - families->families) < known)
				continue;
		}
		if (!family)
			return -EBADMSG;
		buffer_append(&family->text, line);
		status = buffer_append_byte(&family->text, '\n');
		families->length += line.length + 1;
	}
	return status;
}

int check_families_take(struct check_families *families, struct buffer *out)
{
	/* One after the other given back, so that not all is in memory twice. */
	for (size_t i = 0; i < families->count; i++) {
		buffer_append(out, buffer_span(&families->families[i].text));
		buffer_done(&families->families[i].text);
	}
	check_families_done(families);
	return out->status;
}
