/* SPDX-License-Identifier: Apache-2.0 */
#include "store/address.h"

#include "base/require.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

bool store_address_is_postgres(struct span address)
{
	return span_starts_nocase(address, SPAN("postgresql://")) || span_starts_nocase(address, SPAN("postgres://"));
}

/* ---- its parts ---- */

struct parts {
	PQconninfoOption *options; /* NULL: it cannot be read, and error says why, in the library's words */
	char *error;
};

static struct parts parts_of(struct span address)
{
	struct parts parts = { NULL, NULL };
	char *text = span_copy(address);
	if (text)
		parts.options = PQconninfoParse(text, &parts.error);
	free(text);
	return parts;
}

static void parts_done(struct parts *parts)
{
	PQconninfoFree(parts->options);
	PQfreemem(parts->error);
}

/* Absent where the address does not say it. */
static struct span part(const struct parts *parts, const char *keyword)
{
	for (const PQconninfoOption *option = parts->options; option && option->keyword; option++)
		if (strcmp(option->keyword, keyword) == 0)
			return span_of(option->val);
	return SPAN_NONE;
}

static bool has_only(struct span text, const char *characters)
{
	for (size_t i = 0; i < text.length; i++)
		if (!strchr(characters, text.at[i]))
			return false;
	return true;
}

/* An unencoded '/' in a password makes its pieces a port and a database's name. */
static bool is_sound(const struct parts *parts)
{
	return parts->options && has_only(part(parts, "port"), "0123456789,") &&
	       span_find(part(parts, "dbname"), '@') == part(parts, "dbname").length &&
	       span_find(part(parts, "host"), '@') == part(parts, "host").length;
}

/* ---- for people ---- */

static bool is_plain(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
			return false;
	return true;
}

void store_address_show(struct span address, char ret_text[STORE_ADDRESS_SIZE])
{
	if (!store_address_is_postgres(address)) {
		span_copy_to(span_first(address, STORE_ADDRESS_SIZE - 1), ret_text, STORE_ADDRESS_SIZE);
		return;
	}
	struct parts parts = parts_of(address);
	struct span user = part(&parts, "user"), host = part(&parts, "host"), port = part(&parts, "port");
	struct span name = part(&parts, "dbname");
	if (span_find(host, ',') < host.length)
		port = SPAN_NONE; /* a list beside a list */
	if (is_sound(&parts) && is_plain(user) && is_plain(host) && is_plain(name))
		snprintf(ret_text, STORE_ADDRESS_SIZE, "postgresql://%.*s%s%.*s%s%.*s/%.*s", SPAN_PRINT(user),
			user.length ? "@" : "", SPAN_PRINT(host), port.length ? ":" : "", SPAN_PRINT(port),
			SPAN_PRINT(name));
	else
		snprintf(ret_text, STORE_ADDRESS_SIZE, "postgresql://\u2026");
	parts_done(&parts);
}

/* ---- judging ---- */

static const char *const modes[] = { "disable", "allow", "prefer", "require", "verify-ca", "verify-full" };
#define FIRST_SAFE_MODE 3

static size_t mode_of(const struct parts *parts)
{
	struct span mode = part(parts, "sslmode");
	for (size_t i = 0; i < BASE_COUNT(modes); i++)
		if (span_is(mode, modes[i]))
			return i;
	return BASE_COUNT(modes);
}

/* The library quotes what it could not read, which may be a password; but the name of an option is none. */
static void tell_why(const char *error, char reterr_text[STORE_ADDRESS_ERROR_SIZE])
{
	struct span text = span_trim(span_of(error));
	struct span unknown = SPAN("invalid URI query parameter: ");
	if (span_starts_nocase(text, unknown))
		snprintf(reterr_text, STORE_ADDRESS_ERROR_SIZE, "has no option %.*s",
			SPAN_PRINT(span_first(span_from(text, unknown.length), 64)));
	else
		snprintf(reterr_text, STORE_ADDRESS_ERROR_SIZE, "cannot be read: %.*s",
			SPAN_PRINT(span_trim(span_first(text, span_find(text, '"')))));
}

int store_address_check(struct span address, char reterr_text[STORE_ADDRESS_ERROR_SIZE])
{
	if (!store_address_is_postgres(address))
		return 0;
	struct parts parts = parts_of(address);
	int status = -EINVAL;
	if (span_find_span(address, SPAN("postgres")) != 0)
		snprintf(reterr_text, STORE_ADDRESS_ERROR_SIZE, "begins with postgresql:// in small letters");
	else if (!parts.options)
		tell_why(parts.error ? parts.error : "no memory", reterr_text);
	else if (!is_sound(&parts))
		snprintf(reterr_text, STORE_ADDRESS_ERROR_SIZE,
			"cannot be read: in a name or a password / : @ and %% are written %%2F %%3A %%40 %%25");
	else if (part(&parts, "sslmode").length && mode_of(&parts) == BASE_COUNT(modes))
		snprintf(reterr_text, STORE_ADDRESS_ERROR_SIZE,
			"has no such sslmode: disable, allow, prefer, require, verify-ca, verify-full");
	else
		status = 0;
	parts_done(&parts);
	return status;
}

/* A socket's folder, or loopback; without a host the library takes a socket. */
static bool is_here(struct span host)
{
	if (span_find(host, ',') < host.length)
		return false;
	return host.length == 0 || host.at[0] == '/' || span_is(host, "localhost") || span_is(host, "::1") ||
	       span_starts_nocase(host, SPAN("127."));
}

bool store_address_is_exposed(struct span address)
{
	if (!store_address_is_postgres(address))
		return false;
	struct parts parts = parts_of(address);
	struct span host = part(&parts, "host"), hostaddr = part(&parts, "hostaddr"), mode = part(&parts, "sslmode");
	bool exposed = parts.options && !is_here(hostaddr.length ? hostaddr : host) &&
		       (mode.length == 0 || mode_of(&parts) < FIRST_SAFE_MODE);
	parts_done(&parts);
	return exposed;
}
