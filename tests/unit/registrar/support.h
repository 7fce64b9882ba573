/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_REGISTRAR_SUPPORT_H
#define FEDGE_TESTS_REGISTRAR_SUPPORT_H
/* A REGISTER of given header lines, and a table to give it to. */
#include "base/clock.h"
#include "registrar/location.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW_US (INT64_C(1800000000) * CLOCK_SECOND_US)
#define AOR SPAN("2000@steven.lab")

static const struct registrar_rules RULES = {
	.minimum_expires_s = 60, .expires_s = 3600, .maximum_expires_s = 7200, .contacts = 4
};

struct desk {
	struct arena arena;
	struct registrar_location *location;
	struct registrar_sender sender;
	struct registrar_wish wish;
	struct registrar_result result;
	int64_t now_us;
};

static inline struct sip_message *message_of(struct arena *arena, const char *call_id, unsigned cseq, const char *lines)
{
	struct sip_message *m = arena_zero(arena, sizeof(*m));
	struct sip_defect defect;
	struct span text = arena_printf(arena,
		"REGISTER sip:steven.lab SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK1;rport\r\n"
		"From: <sip:2000@steven.lab>;tag=1\r\nTo: <sip:2000@steven.lab>\r\nCall-ID: %s\r\n"
		"CSeq: %u REGISTER\r\n%sContent-Length: 0\r\n\r\n",
		call_id, cseq, lines);
	int status = sip_message_parse(text, m, &defect);
	if (status < 0)
		fail_msg("not a message (%s):\n%s", sip_rule_text(defect.rule), text.at);
	return m;
}

static inline enum registrar_outcome put(
	struct desk *d, struct span aor, const char *call_id, unsigned cseq, const char *lines)
{
	const struct sip_message *m = message_of(&d->arena, call_id, cseq, lines);
	memset(&d->result, 0, sizeof(d->result));
	enum registrar_outcome outcome = registrar_register_read(m, &RULES, &d->sender, d->now_us, &d->arena, &d->wish);
	if (outcome == REGISTRAR_DONE)
		outcome = registrar_location_register(
			d->location, aor, &d->wish, &RULES, d->now_us, &d->arena, &d->result);
	return outcome;
}

static inline int desk_new(void **state)
{
	static const struct hash_key key = { { 1, 2 } };
	struct desk *d = calloc(1, sizeof(*d));
	arena_init(&d->arena, 64 << 20);
	d->now_us = NOW_US;
	d->sender = (struct registrar_sender){ .received = SPAN("192.0.2.4:5060"),
		.transport = SPAN("udp"),
		.source = SPAN("udp 192.0.2.4:5060"),
		.user = SPAN("2000"),
		.flow = { 0, 3, 0 },
		.is_direct = true };
	*state = d;
	return registrar_location_new(&key, 1000, &d->location);
}

static inline int desk_free(void **state)
{
	struct desk *d = *state;
	registrar_location_free(d->location);
	arena_done(&d->arena);
	free(d);
	return 0;
}

/* "sip:a@h q=1000 3600s; sip:b@h …", best first. */
static inline struct span shown(struct desk *d, struct span aor)
{
	const struct registrar_binding *bindings;
	int count = registrar_location_find(d->location, aor, d->now_us, &d->arena, &bindings);
	struct span text = arena_printf(&d->arena, "%s", "");
	for (int i = 0; i < count; i++)
		text = arena_printf(&d->arena, "%.*s%.*s q=%u %llds;", SPAN_PRINT(text),
			SPAN_PRINT(bindings[i].contact), bindings[i].q,
			(long long)((bindings[i].expires_us - d->now_us) / CLOCK_SECOND_US));
	return text;
}
#endif
