/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS showed, in words: a block for each distinct chain and handshake, with the addresses that showed it. */
#include "base/require.h"
#include "base/text.h"
#include "check/render_parts.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCKS_MAXIMUM 8
#define NAMES_SHOWN 8
#define AUTHORITIES_SHOWN 4
#define ADDRESSES_SHOWN 4
#define CERTIFICATES_SHOWN 6
#define LABEL_COLUMNS 15
#define TEXT_MAXIMUM (64 * 1024)

static bool certificates_equal(const struct trust_certificate *a, const struct trust_certificate *b)
{
	return span_equal(a->fingerprint, b->fingerprint) && span_equal(a->subject, b->subject);
}

static bool chains_equal(const struct trust_chain *a, const struct trust_chain *b)
{
	if (a->count != b->count || a->status != b->status || a->sent_count != b->sent_count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!certificates_equal(&a->certificates[i], &b->certificates[i]))
			return false;
	return true;
}

/* Would the block of both say the same? */
static bool attempts_equal(const struct check_attempt *a, const struct check_attempt *b)
{
	const struct peer_probe_facts *left = &a->probe, *right = &b->probe;
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		if (left->versions[i].status != right->versions[i].status)
			return false;
	return chains_equal(&left->chain, &right->chain) && a->planned_certificate == b->planned_certificate &&
	       span_equal(left->connection.version, right->connection.version) &&
	       span_equal(left->connection.cipher, right->connection.cipher) &&
	       left->connection.certificate_asked == right->connection.certificate_asked &&
	       left->reaction == right->reaction && left->connection.alert == right->connection.alert &&
	       left->requested_authority_count == right->requested_authority_count &&
	       a->answer.asked == b->answer.asked && a->answer.status == b->answer.status &&
	       span_equal(a->answer.server, b->answer.server) &&
	       span_equal(a->answer.diagnostics, b->answer.diagnostics);
}

static bool versions_were_tried(const struct peer_probe_facts *probe)
{
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		if (probe->versions[i].status != PEER_VERSION_NOT_TRIED)
			return true;
	return false;
}

static bool has_something_to_say(const struct check_attempt *attempt)
{
	return attempt->probe.chain.count > 0 || attempt->probe.connection.certificate_asked ||
	       versions_were_tried(&attempt->probe) || attempt->answer.asked;
}

/* A line "  label          text", continued under the text. Text is escaped here. */
static void line(struct paper *p, const char *label, struct span text, enum paper_ink ink)
{
	paper_ink(p, PAPER_FAINT);
	paper_printf(p, "  %-*s", LABEL_COLUMNS - 2, label);
	paper_ink(p, ink);
	paper_text(p, text);
	paper_ink(p, PAPER_PLAIN);
	paper_end(p, LABEL_COLUMNS);
}

static void line_done(struct paper *p, const char *label, struct buffer *text, enum paper_ink ink)
{
	line(p, label, buffer_span(text), ink);
	buffer_done(text);
}

static void append_list(struct buffer *text, const struct span *items, size_t count, size_t shown, const char *before)
{
	for (size_t i = 0; i < count && i < shown; i++) {
		buffer_append_text(text, i || text->length ? ", " : "");
		buffer_append_text(text, before);
		buffer_append(text, items[i]);
	}
}

static void write_names(const struct trust_certificate *c, struct paper *p)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	append_list(&text, c->dns_names, c->dns_name_count, NAMES_SHOWN, "");
	append_list(&text, c->uri_names, c->uri_name_count, NAMES_SHOWN, "URI:");
	size_t total = c->dns_name_count + c->uri_name_count;
	if (c->dns_name_count > NAMES_SHOWN || c->uri_name_count > NAMES_SHOWN)
		buffer_printf(&text, ", … %zu names in all", total);
	if (!c->has_names)
		buffer_append_text(&text, "no subjectAltName: the CN counts");
	else if (total == 0)
		buffer_append_text(&text, "a subjectAltName without a usable name");
	if (c->names_cut)
		buffer_append_text(&text, " (others were unusable or too many)");
	line_done(p, "names", &text, PAPER_PLAIN);
}

static enum paper_ink append_dates(const struct trust_certificate *c, int64_t now_s, struct buffer *text)
{
	int32_t left = render_days(c->not_after_s, now_s);
	render_date(c->not_before_s, text);
	buffer_append_text(text, " to ");
	render_date(c->not_after_s, text);
	if (c->not_before_s > now_s) {
		buffer_append_text(text, ", not valid yet");
		return PAPER_RED;
	}
	if (c->not_after_s < now_s) {
		if (c->not_after_s == INT64_MIN)
			buffer_append_text(text, ", never valid");
		else
			buffer_printf(text, ", ended %d day%s ago", (int)-left - 1, left == -2 ? "" : "s");
		return PAPER_RED;
	}
	buffer_printf(text, ", %d day%s left", (int)left, left == 1 ? "" : "s");
	return PAPER_PLAIN;
}

static void append_key(const struct trust_certificate *c, struct buffer *text)
{
	static const char *const kinds[] = {
		[TRUST_KEY_OTHER] = "key of another kind",
		[TRUST_KEY_RSA] = "RSA",
		[TRUST_KEY_EC] = "EC",
		[TRUST_KEY_ED] = "Edwards curve",
	};
	buffer_append_text(text, kinds[c->key_kind]);
	if (c->key_bits)
		buffer_printf(text, " %u", (unsigned)c->key_bits);
	buffer_append_text(text, ", ");
	buffer_append(text, c->signature);
	if (c->signature_weak)
		buffer_append_text(text, " (weak)");
}

static void append_usage(unsigned usage, struct buffer *text)
{
	static const struct {
		unsigned bit;
		const char *name;
	} usages[] = { { TRUST_USAGE_SERVER, "server" }, { TRUST_USAGE_CLIENT, "client" }, { TRUST_USAGE_ANY, "any" },
		{ TRUST_USAGE_OTHER, "others" } };
	const char *between = "";
	for (size_t i = 0; i < BASE_COUNT(usages); i++) {
		if (!(usage & usages[i].bit))
			continue;
		buffer_printf(text, "%s%s", between, usages[i].name);
		between = ", ";
	}
	if (usage == TRUST_USAGE_ABSENT)
		buffer_append_text(text, "any, the certificate does not restrict it");
}

static void write_leaf(const struct trust_certificate *c, int64_t now_s, bool planned, struct paper *p)
{
	struct buffer text;
	line(p, planned ? "planned" : "certificate", c->subject.length ? c->subject : SPAN("(empty subject)"),
		PAPER_PLAIN);
	write_names(c, p);
	buffer_init(&text, TEXT_MAXIMUM);
	enum paper_ink ink = append_dates(c, now_s, &text);
	line_done(p, "valid", &text, ink);
	buffer_init(&text, TEXT_MAXIMUM);
	append_key(c, &text);
	buffer_append_text(&text, "; usage ");
	append_usage(c->usage, &text);
	line_done(p, "key", &text, c->signature_weak ? PAPER_YELLOW : PAPER_PLAIN);
	buffer_init(&text, TEXT_MAXIMUM);
	buffer_append(&text, c->issuer);
	if (c->serial.length) {
		buffer_append_text(&text, ", serial ");
		buffer_append(&text, c->serial);
	}
	line_done(p, "issued by", &text, PAPER_PLAIN);
}

/* The certificates that were sent after the leaf, one line each. */
static void write_others(const struct trust_chain *chain, int64_t now_s, struct paper *p)
{
	for (size_t i = 1; i < chain->count && i < CERTIFICATES_SHOWN; i++) {
		const struct trust_certificate *c = &chain->certificates[i];
		struct buffer text;
		buffer_init(&text, TEXT_MAXIMUM);
		buffer_append(&text, c->subject);
		buffer_append_text(&text, ", ");
		enum paper_ink ink = append_dates(c, now_s, &text);
		buffer_append_text(&text, ", ");
		append_key(c, &text);
		line_done(p, i == 1 ? "followed by" : "", &text, c->signature_weak ? PAPER_YELLOW : ink);
	}
	size_t total = chain->sent_count > chain->count ? chain->sent_count : chain->count;
	if (total > CERTIFICATES_SHOWN || total > chain->count) {
		size_t shown = chain->count < CERTIFICATES_SHOWN ? chain->count : CERTIFICATES_SHOWN;
		struct buffer text;
		buffer_init(&text, TEXT_MAXIMUM);
		buffer_printf(&text, "… %zu certificates in all, %zu more than shown", total, total - shown);
		line_done(p, "", &text, PAPER_PLAIN);
	}
}

static enum paper_ink append_chain(const struct trust_chain *chain, struct buffer *text)
{
	static const char *const words[] = {
		[TRUST_CHAIN_NOT_VERIFIED] = "not verified",
		[TRUST_CHAIN_TRUSTED] = "complete, ends in ",
		[TRUST_CHAIN_INCOMPLETE] = "incomplete, not sent: ",
		[TRUST_CHAIN_UNTRUSTED] = "ends in no authority that is trusted here",
		[TRUST_CHAIN_SELF_SIGNED] = "the certificate signed itself",
		[TRUST_CHAIN_WRONG_PURPOSE] = "trusted, but not for this purpose",
		[TRUST_CHAIN_REVOKED] = "revoked",
		[TRUST_CHAIN_BAD] = "cannot be verified",
	};
	buffer_append_text(text, words[chain->status]);
	if (chain->status == TRUST_CHAIN_TRUSTED) {
		buffer_append(text, chain->authority.length ? chain->authority : SPAN("a trusted authority"));
		if (chain->private_authority)
			buffer_append_text(text, ", a private authority");
		return PAPER_GREEN;
	}
	if (chain->status == TRUST_CHAIN_INCOMPLETE) {
		buffer_append(text, chain->missing.length ? chain->missing : SPAN("an intermediate"));
		buffer_append_text(text, " (known here, it completes the chain)");
	} else if (chain->verify_text.length) {
		buffer_append_text(text, " (");
		buffer_append(text, chain->verify_text);
		buffer_append_byte(text, ')');
	}
	return chain->status == TRUST_CHAIN_NOT_VERIFIED ? PAPER_PLAIN : PAPER_RED;
}

static void write_chain(const struct trust_chain *chain, struct paper *p)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	enum paper_ink ink = append_chain(chain, &text);
	line_done(p, "chain", &text, ink);
	/* Where the issuer is said to lie matters only where it was not sent. */
	const struct trust_certificate *last = &chain->certificates[chain->count - 1];
	if (last->issuer_uri_count == 0 || chain->status == TRUST_CHAIN_TRUSTED)
		return;
	buffer_init(&text, TEXT_MAXIMUM);
	append_list(&text, last->issuer_uris, last->issuer_uri_count, AUTHORITIES_SHOWN, "");
	buffer_append_text(&text, " (named by AIA, not fetched)");
	line_done(p, "issuer at", &text, PAPER_PLAIN);
}

static const struct {
	const char *text;
	enum paper_ink ink;
} reactions[PEER_REACTION_COUNT] = {
	[PEER_REACTION_UNKNOWN] = { "what it thinks of ours was not seen", PAPER_PLAIN },
	[PEER_REACTION_NOT_ASKED] = { "are asked for no certificate", PAPER_PLAIN },
	[PEER_REACTION_NONE_ACCEPTED] = { "we showed none, and it went on all the same", PAPER_PLAIN },
	[PEER_REACTION_NONE_REFUSED] = { "we showed none, and it ended the connection for that", PAPER_YELLOW },
	[PEER_REACTION_ACCEPTED] = { "ours was accepted", PAPER_GREEN },
	[PEER_REACTION_REFUSED] = { "ours was refused", PAPER_RED },
	[PEER_REACTION_CUT] = { "after ours the connection was cut, without an alert", PAPER_RED },
	[PEER_REACTION_SILENT] = { "nothing was said about ours in time: most likely accepted", PAPER_PLAIN },
};

static void write_reaction(const struct peer_probe_facts *probe, struct paper *p)
{
	const struct trust_connection *connection = &probe->connection;
	bool said = probe->reaction != PEER_REACTION_UNKNOWN && probe->reaction != PEER_REACTION_NOT_ASKED;
	if (!connection->certificate_asked && !said && connection->handshake != TRUST_HANDSHAKE_DONE)
		return;
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	if (connection->certificate_asked || said) {
		buffer_append_text(&text, "are asked for a certificate; ");
		buffer_append_text(&text, reactions[probe->reaction].text);
		const char *alert = trust_alert_name(connection->alert);
		if (connection->handshake == TRUST_HANDSHAKE_ALERT_RECEIVED || probe->reaction == PEER_REACTION_REFUSED)
			buffer_printf(&text, ", alert %u %s", (unsigned)connection->alert, alert ? alert : "");
	} else {
		buffer_append_text(&text, reactions[PEER_REACTION_NOT_ASKED].text);
	}
	line_done(p, "callers", &text, reactions[probe->reaction].ink);
	if (probe->requested_authority_count == 0)
		return;
	buffer_init(&text, TEXT_MAXIMUM);
	append_list(&text, probe->requested_authorities, probe->requested_authority_count, AUTHORITIES_SHOWN, "");
	size_t count = probe->requested_authority_count;
	if (count > AUTHORITIES_SHOWN || probe->requested_authorities_cut)
		buffer_printf(&text, ", … %s%zu in all", probe->requested_authorities_cut ? "more than " : "", count);
	line_done(p, "authorities", &text, PAPER_PLAIN);
}

static void write_versions(const struct peer_probe_facts *probe, struct paper *p)
{
	static const struct {
		enum peer_version_status status;
		const char *word;
	} words[] = {
		{ PEER_VERSION_AGREED, "offered" },
		{ PEER_VERSION_REFUSED, "refused" },
		{ PEER_VERSION_UNDECIDED, "not known" },
	};
	if (!versions_were_tried(probe))
		return;
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	for (size_t word = 0; word < BASE_COUNT(words); word++) {
		const char *between = text.length ? "; " : "";
		size_t before = text.length;
		for (size_t i = 0; i < PEER_VERSION_COUNT; i++) {
			if (probe->versions[i].status != words[word].status || !probe->versions[i].name)
				continue;
			buffer_printf(&text, "%s%s", between, probe->versions[i].name);
			between = ", ";
		}
		if (text.length > before)
			buffer_printf(&text, " %s", words[word].word);
	}
	line_done(p, "versions", &text, PAPER_PLAIN);
}

static void write_answer(const struct check_answer *answer, struct paper *p)
{
	if (!answer->asked)
		return;
	struct buffer text;
	char elapsed[16];
	buffer_init(&text, TEXT_MAXIMUM);
	if (answer->status) {
		buffer_printf(&text, "%u %.*s", (unsigned)answer->status, SPAN_PRINT(answer->reason));
		render_duration(answer->elapsed_us, elapsed);
		if (answer->elapsed_us >= 0)
			buffer_printf(&text, " in %s", elapsed);
		if (answer->server.length)
			buffer_printf(&text, ", from %.*s", SPAN_PRINT(answer->server));
		if (answer->diagnostics.length)
			buffer_printf(&text, "; %.*s", SPAN_PRINT(answer->diagnostics));
	} else {
		buffer_append(&text, answer->text.length ? answer->text : SPAN("no answer"));
	}
	line_done(p, "OPTIONS", &text, answer->status >= 200 && answer->status < 300 ? PAPER_GREEN : PAPER_YELLOW);
}

/* "vcse.steven.lab at 192.0.2.47, 2001:db8::47; vcsf.steven.lab at …: TLSv1.3, CIPHER" */
static void write_heading(
	const struct check_facts *facts, const struct check_attempt *first, const bool *same, struct paper *p)
{
	const struct trust_connection *connection = &first->probe.connection;
	size_t shown = 0, total = 0, last_host = SIZE_MAX;
	paper_ink(p, PAPER_BOLD);
	for (size_t i = 0; i < facts->attempt_count; i++) {
		const struct check_attempt *attempt = &facts->attempts[i];
		if (!same[i])
			continue;
		total++;
		if (shown == ADDRESSES_SHOWN)
			continue;
		shown++;
		if (attempt->host != last_host) {
			paper_printf(p, "%s", last_host == SIZE_MAX ? "" : "; ");
			paper_text(p, facts->hosts[attempt->host].name);
			paper_text(p, SPAN(" at "));
		} else {
			paper_text(p, SPAN(", "));
		}
		paper_text(p, attempt->address.length ? attempt->address : SPAN("no address"));
		last_host = attempt->host;
	}
	if (total > shown)
		paper_printf(p, " and %zu more", total - shown);
	paper_ink(p, PAPER_PLAIN);
	if (connection->version.length) {
		paper_text(p, SPAN(": "));
		paper_text(p, connection->version);
	}
	if (connection->cipher.length) {
		paper_text(p, SPAN(", "));
		paper_text(p, connection->cipher);
	}
	paper_end(p, 4);
}

static void write_block(const struct check_report *report, size_t first, const bool *same, struct paper *p)
{
	const struct check_attempt *attempt = &report->facts->attempts[first];
	const struct trust_chain *chain = &attempt->probe.chain;
	write_heading(report->facts, attempt, same, p);
	if (chain->count > 0) {
		write_leaf(&chain->certificates[0], report->judged_at_s, attempt->planned_certificate, p);
		write_others(chain, report->judged_at_s, p);
		write_chain(chain, p);
	}
	write_reaction(&attempt->probe, p);
	write_versions(&attempt->probe, p);
	write_answer(&attempt->answer, p);
}

void render_details(const struct check_report *report, struct paper *p)
{
	const struct check_facts *facts = report->facts;
	size_t count = facts->attempt_count, blocks = 0, left_out = 0;
	bool *done = count ? calloc(count, 2 * sizeof(*done)) : NULL;
	if (!done)
		return;
	bool *same = done + count;
	for (size_t i = 0; i < count; i++) {
		if (done[i] || !has_something_to_say(&facts->attempts[i]))
			continue;
		for (size_t other = 0; other < count; other++) {
			same[other] = other >= i && !done[other] &&
				      attempts_equal(&facts->attempts[i], &facts->attempts[other]);
			done[other] |= same[other];
		}
		if (blocks++ >= BLOCKS_MAXIMUM) {
			left_out++;
			continue;
		}
		paper_end(p, 0);
		write_block(report, i, same, p);
	}
	if (left_out) {
		paper_end(p, 0);
		paper_printf(p, "%zu more kinds of servers are not shown; --json has them all", left_out);
		paper_end(p, 0);
	}
	free(done);
}
