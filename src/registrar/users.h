/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_USERS_H
#define FEDGE_REGISTRAR_USERS_H
/* Who may prove to be whom: users with their secrets and the addresses of record they may use. Made whole from
 * settings, then only read, by any thread. Keeps H(user:realm:password), never a password. */
#include "base/arena.h"
#include "sip/digest.h"

struct registrar_account {
	struct span username;
	struct span password; /* or, each absent where not given: */
	struct span secret_md5, secret_sha256; /* H(username:realm:password) as hexadecimal text */
	const struct span *aliases; /* "2000@steven.lab"; none: username@ each domain */
	size_t alias_count;
};
struct registrar_users_settings {
	struct span realm;
	const struct span *domains;
	size_t domain_count;
	const struct registrar_account *accounts;
	size_t account_count;
};

struct registrar_user {
	struct span username;
	const struct span *aliases; /* canonical (registrar_aor_of); the first one is shown to others */
	size_t alias_count;
	/* Absent where no such secret was given. */
	struct span secret_md5, secret_sha256;
};

struct registrar_users;
/* Copies what it needs. 0 or -ENOMEM. */
int registrar_users_new(const struct registrar_users_settings *settings, struct registrar_users **ret_users);
struct registrar_users *registrar_users_free(struct registrar_users *users); /* NULL is accepted; returns NULL */

struct span registrar_users_realm(const struct registrar_users *users);
/* Has anybody a secret for it? Where there is no user at all, yes: nobody learns that. */
bool registrar_users_have(const struct registrar_users *users, enum sip_digest_algorithm algorithm);
/* Names are compared with case, as the digest does. NULL: none. */
const struct registrar_user *registrar_users_find(const struct registrar_users *users, struct span username);
/* aor: canonical. */
bool registrar_user_may_be(const struct registrar_user *user, struct span aor);
/* Is the address of record anybody's? */
bool registrar_users_know(const struct registrar_users *users, struct span aor);
#endif
