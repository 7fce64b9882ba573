/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/words.h"

#include "base/buffer.h"
#include "finding/remedy.h"
#include "trust/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define TEXT_MAXIMUM 8192
#define NAMES_SHOWN 8
#define NAMES_REQUESTED 100

struct span words_printf(const struct trust_judge *judge, const char *format, ...)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	va_list arguments;
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	struct span copy = text.status == 0 ? arena_copy(judge->findings->arena, buffer_span(&text)) : SPAN_NONE;
	buffer_done(&text);
	return copy;
}

struct span words_name(struct span name, const char *instead)
{
	return remedy_name(name, instead);
}

struct span words_first_label(struct span name)
{
	if (!trust_name_is_plain(name) || trust_name_labels(name) < 2)
		return SPAN("sip");
	return span_first(name, span_find(name, '.'));
}

struct span words_date(const struct trust_judge *judge, int64_t unix_s)
{
	time_t seconds = (time_t)unix_s;
	struct tm parts;
	char text[64];
	if (!gmtime_r(&seconds, &parts) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts))
		return words_printf(judge, "second %lld of 1970", (long long)unix_s);
	return words_printf(judge, "%s", text);
}

struct finding_fix *words_fix(struct finding *f, const char *where, struct span title)
{
	return finding_fix(f, FINDING_OWNER, where, title);
}

void words_mail(const struct trust_judge *judge, struct finding *f)
{
	remedy_mail(f, words_date(judge, judge->now_s));
}

static void append_name(struct buffer *text, const char *kind, struct span name)
{
	buffer_printf(text, "%s%s%.*s", text->length ? "," : "", kind, SPAN_PRINT(name));
}

/* Names that may stand in a command: host names, and wildcards of them. */
static bool may_be_pasted(struct span name)
{
	return trust_name_is_plain(span_starts_nocase(name, SPAN("*.")) ? span_from(name, 2) : name);
}

static void append_kept(
	struct buffer *names, const struct trust_certificate *certificate, const struct words_wish *wish)
{
	for (size_t i = 0; i < certificate->dns_name_count && i < NAMES_REQUESTED; i++)
		if (may_be_pasted(certificate->dns_names[i]) &&
			!trust_name_equal(certificate->dns_names[i], wish->name))
			append_name(names, "DNS:", certificate->dns_names[i]);
	for (size_t i = 0; i < certificate->uri_name_count && i < NAMES_REQUESTED; i++) {
		struct span uri = certificate->uri_names[i];
		struct span host = span_from(uri, 4);
		if (span_starts_nocase(uri, SPAN("sip:")) && trust_name_is_plain(host) &&
			!trust_name_equal(host, wish->domain))
			append_name(names, "URI:sip:", host);
	}
}

void words_request(struct finding *f, const struct trust_certificate *certificate, const struct words_wish *wish)
{
	struct buffer names;
	buffer_init(&names, TEXT_MAXIMUM / 2);
	append_kept(&names, certificate, wish);
	if (names.status == 0)
		remedy_request(f, &(struct remedy_request){ .title = wish->title,
					  .name = wish->name,
					  .domain = wish->domain,
					  .common_name = certificate->common_name,
					  .names = buffer_span(&names),
					  .usages = wish->usages });
	else
		words_fix(f, "the certificate", wish->title);
	buffer_done(&names);
}

static void append_names(struct buffer *text, const struct trust_certificate *certificate)
{
	if (!certificate->has_names) {
		buffer_append_text(text, "no subjectAltName");
		return;
	}
	for (size_t i = 0; i < certificate->dns_name_count && i < NAMES_SHOWN; i++)
		buffer_printf(text, "%sDNS:%.*s", i ? ", " : "", SPAN_PRINT(certificate->dns_names[i]));
	for (size_t i = 0; i < certificate->uri_name_count && i < NAMES_SHOWN; i++)
		buffer_printf(text, "%sURI:%.*s", i || certificate->dns_name_count ? ", " : "",
			SPAN_PRINT(certificate->uri_names[i]));
	if (certificate->dns_name_count + certificate->uri_name_count == 0)
		buffer_append_text(text, "subjectAltName without a usable name");
	if (certificate->dns_name_count > NAMES_SHOWN)
		buffer_printf(text, ", … %zu names in all", certificate->dns_name_count);
}

struct span words_certificate(
	const struct trust_judge *judge, const struct trust_certificate *certificate, struct span *ret_mark)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	if (certificate->common_name.length)
		buffer_printf(&text, "CN=%.*s; ", SPAN_PRINT(certificate->common_name));
	size_t from = text.length;
	append_names(&text, certificate);
	size_t to = text.length;
	if (certificate->issuer.length)
		buffer_printf(&text, "; issued by %.*s", SPAN_PRINT(certificate->issuer));
	struct span copy = text.status == 0 ? arena_copy(judge->findings->arena, buffer_span(&text)) : SPAN_NONE;
	buffer_done(&text);
	*ret_mark = copy.at ? span_first(span_from(copy, from), to - from) : SPAN_NONE;
	return copy;
}
