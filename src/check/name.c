/* SPDX-License-Identifier: Apache-2.0 */
#include "check/name.h"

#include "net/address.h"
#include "trust/names.h"
#include "trust/policy.h"

#include <errno.h>
#include <idn2.h>

#define TYPED_MAXIMUM 1024
#define LABEL_MAXIMUM 63
/* RFC 1035 2.3.4, as text without the root dot; the SRV record's own labels stand in front. */
#define NAME_MAXIMUM (253 - (sizeof(TRUST_SERVICE ".") - 1))

struct reading {
	struct arena *arena;
	struct span why_not;
};

static bool wrong(struct reading *r, struct span why_not)
{
	r->why_not = why_not;
	return false;
}

/* ---- what stands around the domain ---- */

static struct span without_scheme(struct span text, bool *ret_uri)
{
	*ret_uri = true;
	if (span_starts_nocase(text, SPAN("sips:")))
		return span_from(text, 5);
	if (span_starts_nocase(text, SPAN("sip:")))
		return span_from(text, 4);
	*ret_uri = false;
	return text;
}

static size_t last_at(struct span text)
{
	size_t at = text.length;
	while (at > 0 && text.at[at - 1] != '@')
		at--;
	return at;
}

/* What a URI may carry behind its host (RFC 3261 19.1.1). */
static struct span without_tail(struct span host)
{
	static const char ends[] = ";?>";
	for (size_t i = 0; i < sizeof(ends) - 1; i++)
		host.length = span_find(host, ends[i]);
	if (host.length > 0 && host.at[0] == '[')
		return span_first(host, span_find(host, ']') + 1);
	return span_first(host, span_find(host, ':'));
}

static bool unwrap(struct reading *r, struct span typed, struct span *ret_name)
{
	bool uri;
	struct net_address address;
	struct span text = span_trim(typed);
	if (text.length == 0)
		return wrong(r, SPAN("nothing was given"));
	if (memchr(text.at, '\0', text.length))
		return wrong(r, SPAN("it is no domain name"));
	if (text.length > TYPED_MAXIMUM)
		return wrong(r, SPAN("it is longer than a domain name can be"));
	text = without_scheme(text, &uri);
	if (span_find_span(text, SPAN("://")) < text.length)
		return wrong(r, SPAN("it is the address of a page; give the domain alone"));
	text = span_from(text, last_at(text));
	if (uri)
		text = without_tail(text);
	if (net_address_parse(text, 0, &address) == 0)
		return wrong(r, SPAN("it is an IP address; federation is found by a domain name"));
	*ret_name = text;
	return true;
}

/* ---- A-labels ---- */

static bool is_ascii(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] >= 0x80)
			return false;
	return true;
}

static const struct {
	int error;
	const char *why_not;
} idn_reasons[] = {
	{ IDN2_ENCODING_ERROR, "it is not UTF-8" },
	{ IDN2_TOO_BIG_DOMAIN, "it is longer than a domain name can be" },
	{ IDN2_PUNYCODE_BIG_OUTPUT, "one of its labels is longer than 63 bytes" },
	{ IDN2_TOO_BIG_LABEL, "one of its labels is longer than 63 bytes" },
};

static bool to_ascii(struct reading *r, struct span name, struct span *ret_ascii)
{
	char *ascii = NULL;
	struct span text = arena_copy(r->arena, name);
	if (!text.at)
		return wrong(r, SPAN("there is no memory for it"));
	/* UTS 46, as browsers do: full-width dots and capital letters are what people type. */
	int error = idn2_to_ascii_8z(text.at, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (error == IDN2_OK) {
		*ret_ascii = arena_copy(r->arena, span_of(ascii));
		idn2_free(ascii);
		return ret_ascii->at || wrong(r, SPAN("there is no memory for it"));
	}
	for (size_t i = 0; i < sizeof(idn_reasons) / sizeof(idn_reasons[0]); i++)
		if (idn_reasons[i].error == error)
			return wrong(r, span_of(idn_reasons[i].why_not));
	return wrong(r, arena_printf(r->arena, "it is no internationalized domain name: %s", idn2_strerror(error)));
}

/* ---- what the DNS can hold ---- */

static bool labels_fit(struct span name)
{
	for (struct span rest = name, label; rest.at;) {
		label = span_cut(&rest, '.');
		if (label.length > LABEL_MAXIMUM)
			return false;
	}
	return true;
}

static bool is_number(struct span name)
{
	uint64_t number;
	struct span rest = name, label = SPAN_NONE;
	while (rest.at)
		label = span_cut(&rest, '.');
	return span_to_u64(label, UINT64_MAX, &number) != -EINVAL;
}

static bool check(struct reading *r, struct span name)
{
	if (name.length > NAME_MAXIMUM)
		return wrong(r, SPAN("it is too long to have an SRV record"));
	if (!labels_fit(name))
		return wrong(r, SPAN("one of its labels is longer than 63 bytes"));
	if (span_find(name, ':') < name.length)
		return wrong(r, SPAN("give the domain alone, without a port; DNS tells the port"));
	if (span_find(name, '/') < name.length)
		return wrong(r, SPAN("it is the address of a page; give the domain alone"));
	if (!trust_name_is_plain(name))
		return wrong(r, SPAN("it is no domain name"));
	if (is_number(name))
		return wrong(r, SPAN("it is no domain name: it ends in a number"));
	return true;
}

static bool lower(struct reading *r, struct span name, struct span *ret_domain)
{
	char *copy = arena_allocate(r->arena, name.length + 1);
	if (!copy)
		return wrong(r, SPAN("there is no memory for it"));
	for (size_t i = 0; i < name.length; i++)
		copy[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] - 'A' + 'a') : name.at[i];
	copy[name.length] = '\0';
	*ret_domain = span_make(copy, name.length);
	return true;
}

bool check_name_read(struct span typed, struct arena *arena, struct span *ret_domain, struct span *ret_why_not)
{
	struct reading r = { .arena = arena };
	struct span name;
	bool good = unwrap(&r, typed, &name) && (is_ascii(name) || to_ascii(&r, name, &name));
	if (good) {
		name = trust_name_strip(name);
		good = check(&r, name) && lower(&r, name, ret_domain);
	}
	if (good)
		return true;
	*ret_domain = SPAN_NONE;
	*ret_why_not = r.why_not;
	return false;
}
