/* SPDX-License-Identifier: Apache-2.0 */
/* libosip2 decodes every header it knows into structures of its own. */
#include "harness.h"

#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>

static int bench_start(void)
{
	return parser_init();
}

static int bench_message(const char *bytes, size_t length)
{
	osip_message_t *message = NULL;
	if (osip_message_init(&message) != 0)
		return 1;
	int failed = osip_message_parse(message, bytes, length) != 0 || osip_list_size(&message->vias) < 2;
	osip_message_free(message);
	return failed;
}

BENCH_MAIN("libosip2")
