/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as what a watch remembered of a domain, against a round: what is said is one clean line each, and the same
 * round again is no change. */
#include "base/require.h"
#include "check/change.h"
#include "check/watch.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEPARATOR '\x1e' /* between the texts of a state */

enum bits { /* of the first byte: what the round saw */
	SRV_FAILED = 1,
	A_FAILED = 2,
	AAAA_FAILED = 4,
	CERTIFICATE_SHOWN = 8,
	UNDECIDED = 16,
	NO_RECORD = 32,
};

struct sight {
	struct check_facts facts;
	struct trust_srv record;
	struct trust_host host;
	struct trust_address address;
	struct check_attempt attempt;
	struct trust_certificate leaf;
	struct check_report report;
	struct arena arena;
};

static void look(struct sight *s, unsigned bits)
{
	*s = (struct sight){
		.record = { .port = 5061, .target = SPAN("Sip.a.lab") },
		.address = { .text = SPAN("192.0.2.1") },
		.leaf = { .serial = SPAN("0A"), .issuer = SPAN("CN=R\n1"), .not_after_s = 1798761600 },
		.attempt = { .port = 5061, .address = SPAN("192.0.2.1") },
		.facts = { .typed = SPAN("a.lab"), .domain = SPAN("a.lab"), .examined_us = 5, .host_count = 1 },
		.report = { .policy = TRUST_POLICY_MICROSOFT,
			.verdict = bits & UNDECIDED ? CHECK_UNKNOWN : CHECK_PASS },
	};
	arena_init(&s->arena, 65536);
	s->host = (struct trust_host){ .name = SPAN("sip.a.lab"),
		.addresses = &s->address,
		.address_count = bits & A_FAILED ? 0 : 1,
		.a.status = bits & A_FAILED ? TRUST_LOOKUP_TIMEOUT : TRUST_LOOKUP_OK,
		.aaaa.status = bits & AAAA_FAILED ? TRUST_LOOKUP_SERVFAIL : TRUST_LOOKUP_NODATA };
	s->attempt.probe.chain.certificates = &s->leaf;
	s->attempt.probe.chain.count = bits & CERTIFICATE_SHOWN ? 1 : 0;
	s->facts.srv.lookup.status = bits & SRV_FAILED ? TRUST_LOOKUP_SERVFAIL : TRUST_LOOKUP_OK;
	s->facts.srv.records = &s->record;
	s->facts.srv.record_count = bits & (SRV_FAILED | NO_RECORD) ? 0 : 1;
	s->facts.hosts = &s->host;
	s->facts.attempts = &s->attempt;
	s->facts.attempt_count = bits & (A_FAILED | SRV_FAILED | NO_RECORD) ? 0 : 1;
	s->report.facts = &s->facts;
	finding_list_init(&s->report.findings, &s->arena, FINDING_PARTNER);
}

static void say(const struct check_change_set *set)
{
	struct buffer text;
	buffer_init(&text, 16u << 20);
	base_require(set->count <= CHECK_CHANGE_MAXIMUM);
	for (size_t i = 0; i < set->count; i++) {
		base_require(check_watch_change_text(&set->changes[i], &text) == 0);
		json_t *object = check_watch_change_json(&set->changes[i]);
		base_require(object != NULL);
		json_decref(object);
	}
	for (size_t i = 0; i < text.length; i++)
		base_require((unsigned char)text.at[i] >= ' ' && text.at[i] != 0x7f);
	buffer_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	struct check_change_set first, again;
	struct sight sight;
	struct arena arena;
	if (size == 0 || size > 65536)
		return 0;
	unsigned bits = data[0];
	rest = span_from(rest, 1);
	struct store_watch_state last = { .decided_us = bits & 64 ? 0 : 1, .undecided = bits >> 7 ? UINT32_MAX : 1 };
	struct span *const texts[] = { &last.verdict, &last.findings, &last.targets, &last.certificates,
		&last.finding };
	for (size_t i = 0; i < BASE_COUNT(texts); i++)
		*texts[i] = rest.at ? span_cut(&rest, SEPARATOR) : SPAN_NONE;
	last.expires_s = (int64_t)size - 100;
	arena_init(&arena, CHECK_CHANGE_ARENA_MAXIMUM);
	look(&sight, bits);
	int status = check_change_find(&sight.report, &last, true, &arena, &first);
	base_require(status == 0 || status == -ENOMEM);
	if (status == 0) {
		say(&first);
		status = check_change_find(&sight.report, &first.state, true, &arena, &again);
		base_require(status == -ENOMEM || again.count == 0 || (bits & UNDECIDED));
	}
	arena_done(&sight.arena);
	arena_done(&arena);
	return 0;
}
