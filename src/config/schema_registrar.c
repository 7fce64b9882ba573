/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of the registrar, of users, and of the search history. */
#include "config/schema_part.h"

#define MD5_DIGITS 32
#define SHA256_DIGITS 64

const struct schema_section schema_registrar = {
	.name = "registrar",
	.size = sizeof(struct config_registrar),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "domains", SCHEMA_DOMAIN, SCHEMA_REQUIRED | SCHEMA_LIST,
				TEXTS(struct config_registrar, domains), .minimum = 1, .maximum = 1000,
				.help = "The domains whose users register here; each is one of the node's domains." },
			{ "realm", SCHEMA_TEXT, SCHEMA_COMPUTED, MEMBER(struct config_registrar, realm),
				.default_text = "the first of domains",
				.help = "What users are asked a password for; part of secret_md5 and secret_sha256." },
			{ "store", SCHEMA_STORE, SCHEMA_RESTART, MEMBER(struct config_registrar, store),
				.help = "Where registrations outlive a restart: a file (SQLite), or the address of a "
					"PostgreSQL database, postgresql://USER@HOST/DATABASE?sslmode=verify-full; "
					"none: they are kept in memory only." },
			{ "authenticate", SCHEMA_BOOLEAN, 0, MEMBER(struct config_registrar, authenticate),
				.default_text = "yes",
				.help = "no: whoever calls from a zone may register without a password; strangers "
					"never." },
			{ "minimum_expires", SCHEMA_DURATION, 0, MEMBER(struct config_registrar, minimum_expires_s),
				.default_text = "60s", .minimum = 1000, .maximum = DAY_MS, .unit_ms = 1000,
				.help = "Registrations that ask for less are refused (423)." },
			{ "expires", SCHEMA_DURATION, 0, MEMBER(struct config_registrar, expires_s),
				.default_text = "1h", .minimum = 1000, .maximum = 30 * DAY_MS, .unit_ms = 1000,
				.help = "How long a registration lasts that does not say." },
			{ "maximum_expires", SCHEMA_DURATION, 0, MEMBER(struct config_registrar, maximum_expires_s),
				.default_text = "1d", .minimum = 1000, .maximum = 30 * DAY_MS, .unit_ms = 1000,
				.help = "The longest; who asks for more gets this." },
			{ "contacts", SCHEMA_NUMBER, 0, MEMBER(struct config_registrar, contacts), .default_text = "10",
				.minimum = 1, .maximum = 32, .help = "How many phones one address may have." },
			{ "bindings", SCHEMA_NUMBER, 0, MEMBER(struct config_registrar, bindings),
				.default_text = "100000", .minimum = 1, .maximum = 10000000,
				.help = "How many phones may be registered in all." },
			{ "nonce", SCHEMA_DURATION, 0, MEMBER(struct config_registrar, nonce_s), .default_text = "5m",
				.minimum = 1000, .maximum = DAY_MS, .unit_ms = 1000,
				.help = "How long the nonce of a challenge is good." },
			{ NULL },
		},
};

const struct schema_section schema_user = {
	.name = "a user",
	.size = sizeof(struct config_user),
	.place_offset = offsetof(struct config_user, place),
	.keys =
		(const struct schema_key[]){
			{ "username", SCHEMA_TEXT, SCHEMA_REQUIRED, MEMBER(struct config_user, username),
				.help = "The name of the digest; case matters." },
			{ "password", SCHEMA_SECRET, 0, MEMBER(struct config_user, password),
				.help = "The password. It, password_file or a secret is needed." },
			{ "password_file", SCHEMA_FILE_READ, 0, MEMBER(struct config_user, password_file),
				.help = "File whose first line is the password; read again at each reload." },
			{ "secret_md5", SCHEMA_HASH, 0, MEMBER(struct config_user, secret_md5), .maximum = MD5_DIGITS,
				.help = "Instead of the password MD5(username:realm:password): 32 hexadecimal "
					"digits." },
			{ "secret_sha256", SCHEMA_HASH, 0, MEMBER(struct config_user, secret_sha256),
				.maximum = SHA256_DIGITS,
				.help = "Instead of the password SHA-256(username:realm:password): 64 hexadecimal "
					"digits. May stand beside secret_md5." },
			{ "aliases", SCHEMA_ALIAS, SCHEMA_LIST, TEXTS(struct config_user, aliases), .maximum = 100,
				.help = "The addresses the user may register and call as, user@domain; none: the "
					"username in each domain of the registrar." },
			{ NULL },
		},
};

const struct schema_section schema_history = {
	.name = "history",
	.size = sizeof(struct config_history),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "store", SCHEMA_STORE, SCHEMA_REQUIRED | SCHEMA_RESTART, MEMBER(struct config_history, store),
				.help = "A file (SQLite), or the address of a PostgreSQL database, "
					"postgresql://USER@HOST/DATABASE?sslmode=verify-full; its password may stand "
					"in a file that PGPASSFILE names, or ~/.pgpass." },
			{ "size", SCHEMA_SIZE, SCHEMA_RESTART, MEMBER(struct config_history, size_bytes),
				.default_text = "256M", .minimum = MEGABYTE, .maximum = 1024 * GIGABYTE,
				.help = "The largest it may grow to; then the oldest searches go. Of a database: what "
					"its entries hold, the database's own space around them is its own." },
			{ "age", SCHEMA_DURATION, SCHEMA_RESTART, MEMBER(struct config_history, age_s),
				.default_text = "30d", .maximum = 3650 * DAY_MS, .unit_ms = 1000,
				.help = "Older searches go; 0: never." },
			{ "searches", SCHEMA_NUMBER, SCHEMA_RESTART, MEMBER(struct config_history, searches),
				.default_text = "1000000", .minimum = 1, .maximum = 100000000,
				.help = "The most that are kept." },
			{ NULL },
		},
};
