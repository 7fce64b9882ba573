/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_REGISTER_H
#define FEDGE_REGISTRAR_REGISTER_H
/* REGISTER (RFC 3261 10.3) with Path (RFC 3327), several flows to one phone (RFC 5626) and GRUUs (RFC 5627). Pure:
 * a message and facts in; out comes a wish, which the table of registrar/location.h grants whole or not at all, and
 * then the values of the 200's headers. Who may ask is not decided here, nor is any status:
 *
 *	registrar_register_read -> registrar_location_register -> registrar_register_answer */
#include "base/hash.h"
#include "base/random.h"
#include "registrar/binding.h"
#include "sip/message.h"

enum registrar_outcome {
	REGISTRAR_DONE,
	REGISTRAR_MALFORMED, /* a Contact that cannot be read, or cannot be called; "*" with anything but Expires: 0 */
	REGISTRAR_TOO_BRIEF, /* RFC 3261 10.3 step 7: below the minimum */
	REGISTRAR_OUT_OF_ORDER, /* the same Call-ID came with this CSeq or a higher one before */
	REGISTRAR_TOO_MANY, /* contacts of this address of record */
	REGISTRAR_FULL, /* bindings of all */
	REGISTRAR_FIRST_HOP_LACKS_OUTBOUND, /* RFC 5626 6 */
	REGISTRAR_UNKNOWN_EXTENSION, /* of Require: registrar_register_unknown names them */
	REGISTRAR_NO_MEMORY,
};
const char *registrar_outcome_name(enum registrar_outcome outcome); /* "too-brief" */

struct registrar_rules {
	int64_t minimum_expires_s, expires_s, maximum_expires_s;
	uint32_t contacts; /* of one address of record; at most REGISTRAR_CONTACTS_MAXIMUM */
};
#define REGISTRAR_CONTACTS_MAXIMUM 32

/* How the REGISTER came. */
struct registrar_sender {
	struct span received, transport, source, user; /* as in struct registrar_binding */
	struct registrar_flow flow; /* none: it came through a proxy, whose Path leads back */
	bool is_direct; /* from the phone itself, no proxy in between */
};

enum registrar_wish_kind { REGISTRAR_FETCH, REGISTRAR_REMOVE_ALL, REGISTRAR_CHANGE };
struct registrar_wish {
	enum registrar_wish_kind kind;
	struct registrar_binding *changes; /* expires_us 0: removed */
	size_t count;
	struct span call_id;
	uint32_t cseq;
	bool wants_gruu; /* Supported: gruu */
	bool uses_outbound; /* a change is reached by its flow alone: Require: outbound in the answer */
};

/* The wish lives in the arena and borrows from the message. */
enum registrar_outcome registrar_register_read(const struct sip_message *m, const struct registrar_rules *rules,
	const struct registrar_sender *sender, int64_t now_us, struct arena *arena, struct registrar_wish *ret_wish);
/* The option tags of Require that we do not know, comma-divided; absent: none. */
struct span registrar_register_unknown(const struct sip_message *m, struct arena *arena);

/* Do the two name the same way to a phone: the same instance and reg-id, else equal URIs? */
bool registrar_register_matches(const struct registrar_binding *a, const struct registrar_binding *b);
/* May the wish be granted where these are the bindings (not expired)? DONE, OUT_OF_ORDER or TOO_MANY. */
enum registrar_outcome registrar_register_judge(const struct registrar_wish *wish, const struct registrar_rules *rules,
	const struct registrar_binding *const *current, size_t count);

/* The value of the 200's Contact header: all bindings with what is left of their time; absent where there is none.
 * gruu: NULL where none was asked for. */
struct registrar_gruu_maker {
	struct hash_key key;
	struct random *random;
	struct span aor;
	uint64_t aor_hash; /* registrar_location_hash */
};
struct span registrar_register_contacts(const struct registrar_binding *bindings, size_t count, int64_t now_us,
	const struct registrar_gruu_maker *gruu, struct arena *arena);

/* ---- GRUU (RFC 5627) ---- */

/* "sip:2000@steven.lab;gr=urn:uuid:…". Absent where the instance is no URN. */
struct span registrar_gruu_public(struct span aor, struct span instance, struct arena *arena);
/* "sip:tgruu.<48 digits>@steven.lab;gr": nothing is kept of it. It holds the hash of the address of record, hidden by
 * a keyed stream, and a MAC over instance and Call-ID: it dies with the registration (RFC 5627 5.2). */
struct span registrar_gruu_temporary(
	const struct registrar_gruu_maker *maker, struct span instance, struct span call_id, struct arena *arena);

enum registrar_gruu_kind { REGISTRAR_GRUU_NONE, REGISTRAR_GRUU_PUBLIC, REGISTRAR_GRUU_TEMPORARY };
struct registrar_gruu {
	enum registrar_gruu_kind kind;
	struct span value; /* public: of gr */
	uint64_t aor_hash, salt, mac; /* temporary */
};
struct registrar_gruu registrar_gruu_read(const struct hash_key *key, const struct sip_uri *uri);
/* Is the binding of the phone that the GRUU names? */
bool registrar_gruu_fits(
	const struct registrar_gruu *gruu, const struct hash_key *key, const struct registrar_binding *binding);
#endif
