/* SPDX-License-Identifier: Apache-2.0 */
/* A REGISTER from anybody: read, proved or not, granted or not, and answered. Whatever comes, the table stays within
 * its limits, and what it says is a message that can be read again. */
#include "base/clock.h"
#include "base/require.h"
#include "registrar/authority.h"
#include "registrar/location.h"
#include "sip/draft.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US (INT64_C(1800000000) * CLOCK_SECOND_US)
#define MAXIMUM 8

static const struct registrar_rules rules = {
	.minimum_expires_s = 60, .expires_s = 3600, .maximum_expires_s = 7200, .contacts = 4
};

static void prove(const struct sip_message *m, struct random *random, struct arena *arena)
{
	static const struct registrar_account account = { .username = { "2000", 4 }, .password = { "secret", 6 } };
	static const struct span domain = { "steven.lab", 10 };
	static const struct hash_key key = { { 3, 4 } };
	struct registrar_users_settings settings = {
		.realm = domain, .domains = &domain, .domain_count = 1, .accounts = &account, .account_count = 1
	};
	struct registrar_users *users;
	struct registrar_nonces *nonces;
	struct registrar_answer answer;
	struct span values[REGISTRAR_CHALLENGES];
	if (registrar_users_new(&settings, &users) < 0 || registrar_nonces_new(&key, 64, &nonces) < 0)
		return;
	struct registrar_question question = { m, SIP_HEADER_AUTHORIZATION, SPAN("192.0.2.4"), NOW_US,
		CLOCK_SECOND_US };
	/* Nobody can know the nonces of this key. */
	base_require(registrar_authority_check(users, nonces, &question, &answer) != REGISTRAR_PROVED);
	(void)registrar_authority_owns(users, sip_message_value(m, SIP_HEADER_AUTHORIZATION));
	base_require(
		registrar_authority_challenge(users, nonces, SPAN("192.0.2.4"), false, NOW_US, random, arena, values));
	registrar_users_free(users);
	registrar_nonces_free(nonces);
}

static void answer(const struct sip_message *m, struct span contacts, struct arena *arena)
{
	struct sip_message again;
	struct sip_draft draft;
	sip_draft_response(&draft, arena, m, 200, SPAN_NONE, SPAN("tag"));
	if (contacts.at)
		sip_draft_append(&draft, SIP_HEADER_CONTACT, contacts);
	struct span text = sip_draft_text(&draft);
	if (text.at)
		base_require(sip_message_parse(text, &again, NULL) == 0);
	else /* never because of what the registrar wrote */
		base_require(draft.status != -22 || !contacts.at);
}

static void give(struct registrar_location *location, const struct sip_message *m, struct random *random,
	struct arena *arena, int64_t now_us)
{
	struct registrar_sender sender = { .received = SPAN("192.0.2.4:5060"),
		.transport = SPAN("udp"),
		.source = SPAN("udp 192.0.2.4:5060"),
		.flow = { 0, 1, 0 },
		.is_direct = true };
	struct registrar_wish wish;
	struct registrar_result result;
	struct span aor = registrar_aor_of_text(m->to.uri, arena);
	if (!aor.at || registrar_register_read(m, &rules, &sender, now_us, arena, &wish) != REGISTRAR_DONE)
		return;
	size_t before = registrar_location_count(location);
	if (registrar_location_register(location, aor, &wish, &rules, now_us, arena, &result) != REGISTRAR_DONE) {
		base_require(registrar_location_count(location) == before);
		return;
	}
	base_require(result.count <= rules.contacts && registrar_location_count(location) <= MAXIMUM);
	struct registrar_gruu_maker maker = { .key = *registrar_location_key(location),
		.random = random,
		.aor = aor,
		.aor_hash = registrar_location_hash(location, aor) };
	answer(m, registrar_register_contacts(result.bindings, result.count, now_us, &maker, arena), arena);
}

/* The messages of one input stand one after the other, divided by a NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hash_key key = { { 1, 2 } };
	struct registrar_location *location;
	struct random random;
	struct arena arena;
	struct span rest = span_make((const char *)data, size);
	if (size > 16384 || registrar_location_new(&key, MAXIMUM, &location) < 0)
		return 0;
	random_init_seed(&random, 1);
	arena_init(&arena, 16 << 20);
	for (int64_t now_us = NOW_US; rest.at; now_us += 30 * CLOCK_SECOND_US) {
		struct sip_message m;
		if (sip_message_parse(span_cut(&rest, '\0'), &m, NULL) == 0 && m.is_request) {
			prove(&m, &random, &arena);
			give(location, &m, &random, &arena, now_us);
		}
	}
	(void)registrar_location_sweep(location, INT64_MAX, NULL, NULL);
	base_require(registrar_location_count(location) == 0);
	registrar_location_free(location);
	arena_done(&arena);
	return 0;
}
