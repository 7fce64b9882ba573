/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/writer.h"

#include "trace/private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
	const char *word;
	int (*write)(struct trace_writer *w, const struct record *r, struct buffer *out);
} formats[TRACE_FORMAT_COUNT] = {
	[TRACE_EXPRESSWAY] = { "expressway", trace_expressway_write },
	[TRACE_SIPSTACK] = { "sipstack", trace_sipstack_write },
	[TRACE_UCCAPI] = { "uccapi", trace_uccapi_write },
	[TRACE_JSON] = { "json", trace_json_write },
};

const char *trace_format_word(enum trace_format format)
{
	return (unsigned int)format < TRACE_FORMAT_COUNT ? formats[format].word : "?";
}

int trace_format_of(struct span word, enum trace_format *ret_format)
{
	for (unsigned int i = 0; i < TRACE_FORMAT_COUNT; i++)
		if (span_is(word, formats[i].word)) {
			*ret_format = (enum trace_format)i;
			return 0;
		}
	return -EINVAL;
}

struct trace_writer *trace_writer_new(const struct trace_writer_settings *settings)
{
	if ((unsigned int)settings->format >= TRACE_FORMAT_COUNT)
		return NULL;
	struct trace_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	struct span site = settings->site.at ? settings->site : settings->node;
	w->settings = *settings;
	/* A name that is too long is cut: only the line's label suffers. */
	(void)span_copy_to(span_first(settings->node, sizeof(w->node) - 1), w->node, sizeof(w->node));
	(void)span_copy_to(span_first(site, sizeof(w->site) - 1), w->site, sizeof(w->site));
	w->settings.node = span_of(w->node);
	w->settings.site = span_of(w->site);
	if (!w->settings.process)
		w->settings.process = (uint32_t)getpid();
	return w;
}

struct trace_writer *trace_writer_free(struct trace_writer *w)
{
	free(w);
	return NULL;
}

int trace_writer_write(struct trace_writer *w, const struct record *r, struct buffer *out)
{
	int status = formats[w->settings.format].write(w, r, out);
	return status ? status : out->status;
}
