/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SIP_MACHINE_MESSAGES_H
#define TEST_SIP_MACHINE_MESSAGES_H
/* Small messages for the tests of the machines: text with CR LF made of a printf format whose lines end in "\n". */
#include "base/arena.h"
#include "sip/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The message lives in the arena; a text that is no message ends the test. */
__attribute__((format(printf, 2, 3))) static inline const struct sip_message *message_of(
	struct arena *a, const char *format, ...)
{
	char text[4096];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	char *bytes = arena_allocate(a, (size_t)length * 2 + 16);
	struct sip_message *m = arena_zero(a, sizeof(*m));
	size_t at = 0;
	if (!bytes || !m || length >= (int)sizeof(text))
		abort();
	for (int i = 0; i < length; i++) {
		if (text[i] == '\n')
			bytes[at++] = '\r';
		bytes[at++] = text[i];
	}
	bytes[at++] = '\r';
	bytes[at++] = '\n';
	struct sip_defect defect = { 0 };
	int status = sip_message_parse(span_make(bytes, at), m, &defect);
	if (status < 0) {
		fprintf(stderr, "not a message (%d, %s at %zu):\n%s\n", status, sip_rule_text(defect.rule),
			defect.offset, text);
		abort();
	}
	return m;
}
#endif
