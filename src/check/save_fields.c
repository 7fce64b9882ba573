/* SPDX-License-Identifier: Apache-2.0 */
#include "check/save_fields.h"

#define AT(type, member) offsetof(struct type, member)

const struct save_field save_facts_fields[] = {
	{ "typed", SAVE_TEXT, AT(check_facts, typed), .maximum = 4096 },
	{ "domain", SAVE_TEXT, AT(check_facts, domain), .maximum = SAVE_NAME_MAXIMUM },
	{ "why_not", SAVE_TEXT, AT(check_facts, why_not) },
	{ "examined_us", SAVE_TIME, AT(check_facts, examined_us), .maximum = SAVE_WALL_MAXIMUM },
	{ "elapsed_us", SAVE_TIME, AT(check_facts, elapsed_us), .maximum = SAVE_STEP_MAXIMUM },
	{ "lookup_us", SAVE_STEP, AT(check_facts, lookup_us) },
	{ "resolvers", SAVE_TEXT, AT(check_facts, resolvers) },
	{ "vantage", SAVE_TEXT, AT(check_facts, vantage) },
	{ "validated", SAVE_FLAG, AT(check_facts, validated) },
	{ "why_not_validated", SAVE_TEXT, AT(check_facts, why_not_validated) },
	{ "client_certificate", SAVE_FLAG, AT(check_facts, client_certificate) },
	{ "probe_from", SAVE_TEXT, AT(check_facts, probe_from) },
	{ "planned_zone", SAVE_FLAG, AT(check_facts, planned_zone) },
	{ "deadline_passed", SAVE_FLAG, AT(check_facts, deadline_passed) },
	{ "attempts_cut", SAVE_FLAG, AT(check_facts, attempts_cut) },
	{ "not_connected", SAVE_FLAG, AT(check_facts, not_connected) },
	{ "server", SAVE_TEXT, AT(check_facts, server), .maximum = SAVE_NAME_MAXIMUM },
	{ "server_port", SAVE_U16, AT(check_facts, server_port), .maximum = UINT16_MAX },
	{ 0 },
};

const struct save_field save_domain_fields[] = {
	{ "service", SAVE_TEXT, AT(trust_domain, service), .maximum = SAVE_NAME_MAXIMUM },
	{ "cut", SAVE_FLAG, AT(trust_domain, cut) },
	{ 0 },
};

const struct save_field save_lookup_fields[] = {
	{ "status", SAVE_WORD, AT(trust_lookup, status), .words = CHECK_WORDS_LOOKUP },
	{ "secure", SAVE_FLAG, AT(trust_lookup, secure) },
	{ "bogus", SAVE_FLAG, AT(trust_lookup, bogus) },
	{ "ttl_s", SAVE_U32, AT(trust_lookup, ttl_s), .maximum = UINT32_MAX },
	{ "name", SAVE_TEXT, AT(trust_lookup, name), .maximum = SAVE_NAME_MAXIMUM },
	{ "canonical", SAVE_TEXT, AT(trust_lookup, canonical), .maximum = SAVE_NAME_MAXIMUM },
	{ "why", SAVE_TEXT, AT(trust_lookup, why) },
	{ 0 },
};

const struct save_field save_record_fields[] = {
	{ "priority", SAVE_U16, AT(trust_srv, priority), .maximum = UINT16_MAX },
	{ "weight", SAVE_U16, AT(trust_srv, weight), .maximum = UINT16_MAX },
	{ "port", SAVE_U16, AT(trust_srv, port), .maximum = UINT16_MAX },
	{ "target", SAVE_TEXT, AT(trust_srv, target), .maximum = SAVE_NAME_MAXIMUM },
	{ "ttl_s", SAVE_U32, AT(trust_srv, ttl_s), .maximum = UINT32_MAX },
	{ 0 },
};

const struct save_field save_host_fields[] = {
	{ "name", SAVE_TEXT, AT(trust_host, name), .maximum = SAVE_NAME_MAXIMUM },
	{ 0 },
};

const struct save_field save_tlsa_fields[] = {
	{ "usage", SAVE_U8, AT(trust_tlsa, usage), .maximum = UINT8_MAX },
	{ "selector", SAVE_U8, AT(trust_tlsa, selector), .maximum = UINT8_MAX },
	{ "matching", SAVE_U8, AT(trust_tlsa, matching), .maximum = UINT8_MAX },
	{ "data", SAVE_BYTES, AT(trust_tlsa, data) },
	{ 0 },
};

#define CONNECTION(member) AT(check_attempt, probe.connection.member)
const struct save_field save_attempt_fields[] = {
	{ "host", SAVE_SIZE, AT(check_attempt, host), .maximum = CHECK_HOSTS_MAXIMUM },
	{ "port", SAVE_U16, AT(check_attempt, port), .maximum = UINT16_MAX },
	{ "address", SAVE_TEXT, AT(check_attempt, address), .maximum = 64 },
	{ "planned_certificate", SAVE_FLAG, AT(check_attempt, planned_certificate) },
	{ "target", SAVE_TEXT, CONNECTION(target), .maximum = SAVE_NAME_MAXIMUM },
	{ "peer", SAVE_TEXT, CONNECTION(address), .maximum = 128 },
	{ "connect", SAVE_WORD, CONNECTION(connect), .words = CHECK_WORDS_CONNECT },
	{ "handshake", SAVE_WORD, CONNECTION(handshake), .words = CHECK_WORDS_HANDSHAKE },
	{ "alert", SAVE_U8, CONNECTION(alert), .maximum = UINT8_MAX },
	{ "after_our_certificate", SAVE_FLAG, CONNECTION(after_our_certificate) },
	{ "our_certificate_sent", SAVE_FLAG, CONNECTION(our_certificate_sent) },
	{ "certificate_asked", SAVE_FLAG, CONNECTION(certificate_asked) },
	{ "version", SAVE_TEXT, CONNECTION(version), .maximum = 64 },
	{ "cipher", SAVE_TEXT, CONNECTION(cipher), .maximum = 128 },
	{ "text", SAVE_TEXT, CONNECTION(text) },
	{ "requested_authorities_cut", SAVE_FLAG, AT(check_attempt, probe.requested_authorities_cut) },
	{ "reaction", SAVE_WORD, AT(check_attempt, probe.reaction), .words = CHECK_WORDS_REACTION },
	{ "answer", SAVE_BYTES, AT(check_attempt, probe.answer), .maximum = PEER_ANSWER_MAXIMUM },
	{ "connect_us", SAVE_STEP, AT(check_attempt, probe.connect_us) },
	{ "handshake_us", SAVE_STEP, AT(check_attempt, probe.handshake_us) },
	{ "reaction_us", SAVE_STEP, AT(check_attempt, probe.reaction_us) },
	{ "answer_us", SAVE_STEP, AT(check_attempt, probe.answer_us) },
	{ 0 },
};

const struct save_field save_chain_fields[] = {
	{ "sent", SAVE_SIZE, AT(trust_chain, sent_count), .maximum = 1000000 },
	{ "status", SAVE_WORD, AT(trust_chain, status), .words = CHECK_WORDS_CHAIN },
	{ "missing", SAVE_TEXT, AT(trust_chain, missing) },
	{ "authority", SAVE_TEXT, AT(trust_chain, authority) },
	{ "private_authority", SAVE_FLAG, AT(trust_chain, private_authority) },
	{ "seen_as_client", SAVE_FLAG, AT(trust_chain, seen_as_client) },
	{ "verify_error", SAVE_INT, AT(trust_chain, verify_error), .maximum = 1000000 },
	{ "verify_text", SAVE_TEXT, AT(trust_chain, verify_text) },
	{ 0 },
};

const struct save_field save_version_fields[] = {
	{ "status", SAVE_WORD, AT(peer_version, status), .words = CHECK_WORDS_VERSION },
	{ "text", SAVE_TEXT, AT(peer_version, text) },
	{ 0 },
};

const struct save_field save_answer_fields[] = {
	{ "status", SAVE_U16, AT(check_answer, status), .maximum = 699 },
	{ "reason", SAVE_TEXT, AT(check_answer, reason) },
	{ "server", SAVE_TEXT, AT(check_answer, server) },
	{ "diagnostics", SAVE_TEXT, AT(check_answer, diagnostics) },
	{ "text", SAVE_TEXT, AT(check_answer, text) },
	{ "elapsed_us", SAVE_STEP, AT(check_answer, elapsed_us) },
	{ 0 },
};

const char *const save_version_names[PEER_VERSION_COUNT] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
