/* SPDX-License-Identifier: Apache-2.0 */
/* Targets, addresses and certificates: what was seen in this round, completed by what was seen before where this round
 * could not see. The lines:
 *	targets       vcse.a.example:5061 192.0.2.1      (one an address; without: there is none; "?": not known)
 *	certificates  vcse.a.example:5061 192.0.2.1 2027-01-01T00:00:00Z 0A1B CN=Issuer */
#include "base/text.h"
#include "check/change_private.h"

#include <errno.h>
#include <time.h>

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999: dates sort as their texts do */

struct span change_date(int64_t seconds, struct arena *arena)
{
	struct tm parts;
	time_t time = (time_t)(seconds < 0 ? 0 : seconds > LAST_SECOND ? LAST_SECOND : seconds);
	if (!gmtime_r(&time, &parts))
		return SPAN_NONE;
	return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
		parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static int64_t seconds_of(struct span date)
{
	struct tm parts = { 0 };
	char text[32];
	if (!span_copy_to(date, text, sizeof(text)) || !strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts))
		return 0;
	return (int64_t)timegm(&parts);
}

/* The first words of a line; *ret_rest is what follows them. */
static struct span words(struct span line, size_t count, struct span *ret_rest)
{
	struct span rest = line;
	while (count-- && rest.at)
		span_cut(&rest, ' ');
	size_t length = rest.at ? (size_t)(rest.at - line.at) - 1 : line.length;
	if (ret_rest)
		*ret_rest = rest;
	return span_first(line, length);
}

static bool is_known(const struct trust_lookup *lookup)
{
	return lookup->status == TRUST_LOOKUP_OK || lookup->status == TRUST_LOOKUP_NODATA ||
	       lookup->status == TRUST_LOOKUP_NXDOMAIN;
}

/* "vcse.a.example:5061", names in lower case. */
static struct span endpoint(struct arena *arena, struct span host, uint16_t port)
{
	struct span text = arena_printf(arena, "%.*s:%u", SPAN_PRINT(host), port);
	for (size_t i = 0; text.at && i < host.length; i++) {
		char *byte = (char *)(uintptr_t)text.at + i;
		if (*byte >= 'A' && *byte <= 'Z')
			*byte = (char)(*byte - 'A' + 'a');
	}
	return text;
}

/* ---- targets ---- */

struct merge {
	const struct check_facts *facts;
	struct span before; /* the lines remembered */
	struct change_lines lines;
};

static int add_line(struct merge *merge, struct span endpoint_text, const char *between, struct span rest)
{
	struct span line =
		arena_printf(merge->lines.arena, "%.*s%s%.*s", SPAN_PRINT(endpoint_text), between, SPAN_PRINT(rest));
	return line.at ? change_lines_add(&merge->lines, line) : -ENOMEM;
}

/* The addresses of one family that were known before; whether the target was known at all. */
static int keep_family(struct merge *merge, struct span target, bool ipv6, bool *ret_known)
{
	struct span rest = merge->before;
	int status = 0;
	*ret_known = false;
	while (rest.at && status == 0) {
		struct span address, line = span_cut(&rest, '\n');
		if (!span_equal(words(line, 1, &address), target))
			continue;
		*ret_known = *ret_known || !span_is(address, "?");
		if (address.length && !span_is(address, "?") && (span_find(address, ':') < address.length) == ipv6)
			status = change_lines_add(&merge->lines, line);
	}
	return status;
}

static int add_addresses(struct merge *merge, struct span target, const struct trust_host *host)
{
	int status = 0;
	bool unknown = false;
	size_t before = merge->lines.count;
	for (size_t i = 0; host && i < host->address_count && status == 0; i++)
		status = add_line(merge, target, " ", host->addresses[i].text);
	for (int ipv6 = 0; ipv6 < 2 && status == 0; ipv6++) {
		bool known;
		if (host && is_known(ipv6 ? &host->aaaa : &host->a))
			continue;
		status = keep_family(merge, target, ipv6, &known);
		unknown = unknown || !known;
	}
	if (status == 0 && unknown)
		return add_line(merge, target, " ", SPAN("?"));
	return status == 0 && merge->lines.count == before ? change_lines_add(&merge->lines, target) : status;
}

static const struct trust_host *find_host(const struct check_facts *facts, struct span name)
{
	for (size_t i = 0; i < facts->host_count; i++) {
		if (span_equal_nocase(facts->hosts[i].name, name))
			return &facts->hosts[i];
	}
	return NULL;
}

static int add_target(struct merge *merge, struct span host, uint16_t port)
{
	if (host.length == 0) /* "." says that there is none */
		return 0;
	struct span target = endpoint(merge->lines.arena, host, port);
	return target.at ? add_addresses(merge, target, find_host(merge->facts, host)) : -ENOMEM;
}

static int merge_targets(
	const struct check_facts *facts, struct arena *arena, struct span before, struct span *ret_text)
{
	struct merge merge = { .facts = facts, .before = before, .lines = { .arena = arena } };
	int status = 0;
	if (facts->server.at) {
		status = add_target(&merge, facts->server, facts->server_port);
	} else if (!is_known(&facts->srv.lookup)) {
		*ret_text = before;
		return 0;
	}
	for (size_t i = 0; !facts->server.at && i < facts->srv.record_count && status == 0; i++)
		status = add_target(&merge, facts->srv.records[i].target, facts->srv.records[i].port);
	return status < 0 ? status : change_lines_join(&merge.lines, ret_text);
}

/* ---- certificates ---- */

static int keep_certificate(struct merge *merge, struct span key)
{
	struct span rest = merge->before;
	int status = 0;
	while (rest.at && status == 0) {
		struct span line = span_cut(&rest, '\n');
		if (span_equal(words(line, 2, NULL), key))
			status = change_lines_add(&merge->lines, line);
	}
	return status;
}

static int add_certificate(struct merge *merge, const struct check_attempt *attempt, bool *seen)
{
	struct arena *arena = merge->lines.arena;
	const struct trust_chain *chain = &attempt->probe.chain;
	if (attempt->host >= merge->facts->host_count)
		return 0;
	struct span target = endpoint(arena, merge->facts->hosts[attempt->host].name, attempt->port);
	struct span key = arena_printf(arena, "%.*s %.*s", SPAN_PRINT(target), SPAN_PRINT(attempt->address));
	if (!key.at)
		return -ENOMEM;
	if (chain->count == 0 || attempt->planned_certificate)
		return keep_certificate(merge, key);
	const struct trust_certificate *leaf = &chain->certificates[0];
	struct buffer shown;
	buffer_init(&shown, 4096);
	text_append_safe(&shown, leaf->issuer); /* a line must stay one */
	struct span line = arena_printf(arena, "%.*s %.*s %.*s %.*s", SPAN_PRINT(key),
		SPAN_PRINT(change_date(leaf->not_after_s, arena)), SPAN_PRINT(leaf->serial),
		SPAN_PRINT(buffer_span(&shown)));
	buffer_done(&shown);
	*seen = true;
	return line.at ? change_lines_add(&merge->lines, line) : -ENOMEM;
}

static int merge_certificates(
	const struct check_facts *facts, struct arena *arena, struct span before, struct span *ret_text)
{
	struct merge merge = { .facts = facts, .before = before, .lines = { .arena = arena } };
	bool seen = false;
	int status = 0;
	for (size_t i = 0; i < facts->attempt_count && status == 0; i++)
		status = add_certificate(&merge, &facts->attempts[i], &seen);
	if (status == 0 && seen)
		return change_lines_join(&merge.lines, ret_text);
	*ret_text = before; /* nobody showed one: that is told by the verdict */
	return status;
}

static int64_t earliest_end(struct span certificates)
{
	int64_t earliest = 0;
	while (certificates.at) {
		struct span rest, line = span_cut(&certificates, '\n');
		words(line, 2, &rest);
		int64_t end = rest.at ? seconds_of(words(rest, 1, NULL)) : 0;
		if (end != 0 && (earliest == 0 || end < earliest))
			earliest = end;
	}
	return earliest;
}

int change_facts_merge(const struct check_facts *facts, const struct store_watch_state *last, struct arena *arena,
	struct store_watch_state *state)
{
	int status = merge_targets(facts, arena, last ? last->targets : SPAN_NONE, &state->targets);
	if (status == 0)
		status = merge_certificates(facts, arena, last ? last->certificates : SPAN_NONE, &state->certificates);
	state->expires_s = earliest_end(state->certificates);
	return status;
}

/* ---- what is compared ---- */

static bool knows(struct span targets, struct span target)
{
	bool found = false;
	while (targets.at) {
		struct span address, line = span_cut(&targets, '\n');
		if (!span_equal(words(line, 1, &address), target))
			continue;
		if (span_is(address, "?"))
			return false;
		found = true;
	}
	return found;
}

int change_facts_split(const struct store_watch_state *state, const struct store_watch_state *other,
	struct arena *arena, struct change_facts *ret_facts)
{
	struct change_lines targets = { .arena = arena }, certificates = targets, addresses = targets;
	struct span rest = state->targets;
	int status = 0;
	while (rest.at && status == 0) {
		struct span address, line = span_cut(&rest, '\n');
		struct span target = words(line, 1, &address);
		status = change_lines_add(&targets, target);
		if (status == 0 && address.length && knows(state->targets, target) && knows(other->targets, target))
			status = change_lines_add(&addresses, line);
	}
	for (rest = state->certificates; rest.at && status == 0;) {
		struct span name, line = span_cut(&rest, '\n');
		words(line, 3, &name);
		if (name.length)
			status = change_lines_add(&certificates, name);
	}
	if (status == 0)
		status = change_lines_join(&targets, &ret_facts->targets);
	if (status == 0)
		status = change_lines_join(&certificates, &ret_facts->certificates);
	return status < 0 ? status : change_lines_join(&addresses, &ret_facts->addresses);
}
