/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/users.h"

#include "base/hash.h"
#include "base/require.h"
#include "registrar/binding.h"

#include <errno.h>
#include <stdlib.h>

#define ARENA_MAXIMUM ((size_t)256 << 20)

struct entry {
	struct hash_link link;
	struct registrar_user user;
};
struct alias {
	struct hash_link link;
	struct span aor;
};

struct registrar_users {
	struct arena arena;
	struct span realm;
	struct hash_table by_name;
	struct hash_table aliases;
	bool has_md5, has_sha256;
};

static int secret_make(struct registrar_users *users, const struct registrar_account *account, struct span given,
	enum sip_digest_algorithm algorithm, struct span *ret_secret)
{
	char hex[SIP_DIGEST_HEX_MAXIMUM];
	if (!given.at && !account->password.at)
		return 0;
	if (!given.at) {
		int status = sip_digest_secret(algorithm, account->username, users->realm, account->password, hex);
		if (status < 0)
			return status;
		given = span_of(hex);
	}
	char *text = arena_allocate(&users->arena, given.length + 1);
	for (size_t i = 0; text && i < given.length; i++)
		text[i] = given.at[i] >= 'A' && given.at[i] <= 'F' ? (char)(given.at[i] | 0x20) : given.at[i];
	*ret_secret = span_make(text, given.length);
	return text ? 0 : -ENOMEM;
}

static int alias_add(struct registrar_users *users, struct span text, struct span *ret_aor)
{
	struct alias *alias = arena_zero(&users->arena, sizeof(*alias));
	struct span aor = registrar_aor_of_text(text, &users->arena);
	if (!alias || !aor.at)
		return -ENOMEM;
	alias->aor = *ret_aor = aor;
	return hash_insert(&users->aliases, &alias->link, span_hash_nocase(aor));
}

static int aliases_make(struct registrar_users *users, const struct registrar_users_settings *settings,
	const struct registrar_account *account, struct registrar_user *user)
{
	size_t count = account->alias_count ? account->alias_count : settings->domain_count;
	struct span *aliases = arena_zero(&users->arena, (count + 1) * sizeof(*aliases));
	if (!aliases)
		return -ENOMEM;
	user->aliases = aliases;
	for (size_t i = 0; i < count; i++) {
		struct span text = account->alias_count
					   ? account->aliases[i]
					   : arena_printf(&users->arena, "%.*s@%.*s", SPAN_PRINT(account->username),
						     SPAN_PRINT(settings->domains[i]));
		/* A username that is no user part of a SIP address has no address of its own. */
		if (alias_add(users, text, &aliases[user->alias_count]) == 0)
			user->alias_count++;
	}
	return 0;
}

static int user_add(struct registrar_users *users, const struct registrar_users_settings *settings,
	const struct registrar_account *account)
{
	struct entry *entry = arena_zero(&users->arena, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->user.username = arena_copy(&users->arena, account->username);
	int status = entry->user.username.at ? 0 : -ENOMEM;
	if (status == 0)
		status = secret_make(users, account, account->secret_md5, SIP_DIGEST_MD5, &entry->user.secret_md5);
	if (status == 0)
		status = secret_make(
			users, account, account->secret_sha256, SIP_DIGEST_SHA256, &entry->user.secret_sha256);
	users->has_md5 |= entry->user.secret_md5.at != NULL;
	users->has_sha256 |= entry->user.secret_sha256.at != NULL;
	if (status == 0)
		status = aliases_make(users, settings, account, &entry->user);
	if (status == 0)
		status = hash_insert(&users->by_name, &entry->link, span_hash_nocase(account->username));
	return status;
}

int registrar_users_new(const struct registrar_users_settings *settings, struct registrar_users **ret_users)
{
	struct registrar_users *users = calloc(1, sizeof(*users));
	if (!users)
		return -ENOMEM;
	arena_init(&users->arena, ARENA_MAXIMUM);
	int status = hash_init(&users->by_name, SIZE_MAX);
	if (status == 0)
		status = hash_init(&users->aliases, SIZE_MAX);
	users->realm = arena_copy(&users->arena, settings->realm.at ? settings->realm : SPAN("fedge"));
	if (!users->realm.at)
		status = -ENOMEM;
	for (size_t i = 0; status == 0 && i < settings->account_count; i++)
		status = user_add(users, settings, &settings->accounts[i]);
	if (status < 0)
		registrar_users_free(users);
	else
		*ret_users = users;
	return status;
}

struct registrar_users *registrar_users_free(struct registrar_users *users)
{
	if (!users)
		return NULL;
	hash_done(&users->by_name);
	hash_done(&users->aliases);
	arena_done(&users->arena);
	free(users);
	return NULL;
}

bool registrar_users_have(const struct registrar_users *users, enum sip_digest_algorithm algorithm)
{
	if (!users->has_md5 && !users->has_sha256)
		return true;
	return algorithm == SIP_DIGEST_MD5 ? users->has_md5 : users->has_sha256;
}

struct span registrar_users_realm(const struct registrar_users *users)
{
	return users->realm;
}

const struct registrar_user *registrar_users_find(const struct registrar_users *users, struct span username)
{
	for (struct hash_link *link = hash_first(&users->by_name, span_hash_nocase(username)); link;
		link = hash_next(link)) {
		const struct registrar_user *user = &base_container(link, struct entry, link)->user;
		if (span_equal(user->username, username))
			return user;
	}
	return NULL;
}

bool registrar_user_may_be(const struct registrar_user *user, struct span aor)
{
	for (size_t i = 0; i < user->alias_count; i++)
		if (span_equal(user->aliases[i], aor))
			return true;
	return false;
}

bool registrar_users_know(const struct registrar_users *users, struct span aor)
{
	for (struct hash_link *link = hash_first(&users->aliases, span_hash_nocase(aor)); link; link = hash_next(link))
		if (span_equal(base_container(link, struct alias, link)->aor, aor))
			return true;
	return false;
}
