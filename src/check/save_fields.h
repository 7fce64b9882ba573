/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_SAVE_FIELDS_H
#define FEDGE_CHECK_SAVE_FIELDS_H
/* The fields of saved facts, once for the writer and the reader: what they are called, what they may hold and where
 * they stand in the structs. Lists and what is nested in them is written out in save_write.c and save_read.c. */
#include "check/facts.h"
#include "check/words.h"
#include "peer/chain.h"

enum save_kind {
	SAVE_TEXT, /* struct span; absent: left out */
	SAVE_BYTES, /* struct span as base64; absent: left out */
	SAVE_FLAG, /* bool; false: left out */
	SAVE_U8,
	SAVE_U16,
	SAVE_U32,
	SAVE_INT, /* int, never negative */
	SAVE_SIZE, /* size_t */
	SAVE_TIME, /* int64_t, never negative; like all numbers left out where it is 0 */
	SAVE_STEP, /* int64_t, how long a step took; left out where it is -1, which is: not reached */
	SAVE_WORD, /* an enumeration; always written */
};

struct save_field {
	const char *name; /* NULL ends a table */
	enum save_kind kind;
	size_t offset;
	uint64_t maximum; /* numbers: the largest; texts: the longest, 0: SAVE_TEXT_MAXIMUM */
	enum check_words words; /* SAVE_WORD */
};

/* What does not go into one of these cannot have come from a writer. */
#define SAVE_TEXT_MAXIMUM (64 * 1024)
#define SAVE_NAME_MAXIMUM 512 /* domains and hosts */
#define SAVE_RECORDS_MAXIMUM 256 /* SRV records; addresses and TLSA records of one host */
#define SAVE_WALL_MAXIMUM INT64_C(253402300799999999) /* the end of the year 9999, in microseconds */
#define SAVE_STEP_MAXIMUM (INT64_C(366) * 86400 * 1000000)
#define SAVE_CERTIFICATES_MAXIMUM (CHECK_ATTEMPTS_MAXIMUM * PEER_CHAIN_CERTIFICATES_MAXIMUM)

extern const struct save_field save_facts_fields[]; /* struct check_facts */
extern const struct save_field save_domain_fields[]; /* struct trust_domain */
extern const struct save_field save_lookup_fields[]; /* struct trust_lookup */
extern const struct save_field save_record_fields[]; /* struct trust_srv */
extern const struct save_field save_host_fields[]; /* struct trust_host */
extern const struct save_field save_tlsa_fields[]; /* struct trust_tlsa */
extern const struct save_field save_attempt_fields[]; /* struct check_attempt, with what is nested in it flat */
extern const struct save_field save_chain_fields[]; /* struct trust_chain */
extern const struct save_field save_version_fields[]; /* struct peer_version */
extern const struct save_field save_answer_fields[]; /* struct check_answer */

/* In the order of peer_probe_facts.versions. */
extern const char *const save_version_names[PEER_VERSION_COUNT];
#endif
