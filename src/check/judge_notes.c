/* SPDX-License-Identifier: Apache-2.0 */
/* What is no rule of trust but belongs to an honest examination: what could not be seen, what was left out, and what
 * was said over SIP. */
#include "base/require.h"
#include "check/judge_private.h"
#include "trust/names.h"

#define AUTHORITIES_SHOWN 4

/* A domain as it may stand in a command that people paste. */
static struct span pasted(struct span name, const char *instead)
{
	return trust_name_is_plain(name) ? trust_name_strip(name) : span_of(instead);
}

/* The domain in what was perhaps meant: an address, a URI. Absent where there is none. */
static struct span domain_inside(struct span typed)
{
	struct span rest = span_from(typed, span_find(typed, '@') + 1);
	if (span_find(typed, '@') == typed.length) {
		size_t slashes = span_find_span(typed, SPAN("://"));
		rest = slashes < typed.length ? span_from(typed, slashes + 3) : typed;
		for (size_t i = 0; i < 2 && slashes == typed.length; i++)
			if (span_starts_nocase(rest, i ? SPAN("sips:") : SPAN("sip:")))
				rest = span_from(rest, i ? 5 : 4);
	}
	size_t end = 0;
	while (end < rest.length && !strchr(":/;?> ", rest.at[end]))
		end++;
	rest = span_first(rest, end);
	return trust_name_is_plain(rest) && trust_name_labels(rest) > 1 ? trust_name_strip(rest) : SPAN_NONE;
}

void judge_note_malformed(struct judging *j)
{
	struct finding *f = finding_add(j->findings, FINDING_DOMAIN_MALFORMED, j->facts->typed);
	struct span meant = domain_inside(j->facts->typed);
	finding_observed(f, j->facts->why_not);
	finding_expected(f, SPAN("a domain name, such as steven.lab"));
	if (!meant.at || trust_name_equal(meant, j->facts->typed))
		return;
	struct finding_fix *fix = finding_fix(f, FINDING_YOU, "the command", SPAN("give the domain alone"));
	finding_fix_line(fix, "fedge check %.*s", SPAN_PRINT(meant));
}

/* ---- one address ---- */

static void authorities_evidence(struct finding *f, const struct peer_probe_facts *probe)
{
	for (size_t i = 0; i < probe->requested_authority_count && i < AUTHORITIES_SHOWN; i++)
		finding_evidence(f, FINDING_EVIDENCE_CONNECTION,
			arena_printf(f->list->arena, "it accepts certificates of %.*s",
				SPAN_PRINT(probe->requested_authorities[i])),
			SPAN_NONE, SPAN_NONE);
	if (probe->requested_authority_count > AUTHORITIES_SHOWN)
		finding_evidence(f, FINDING_EVIDENCE_CONNECTION,
			arena_printf(f->list->arena, "and of %zu more authorities",
				probe->requested_authority_count - AUTHORITIES_SHOWN),
			SPAN_NONE, SPAN_NONE);
}

static void note_wanted(const struct judging *j, const struct check_row *row)
{
	const struct peer_probe_facts *probe = &row->attempt->probe;
	bool went_on = probe->reaction == PEER_REACTION_NONE_ACCEPTED || probe->reaction == PEER_REACTION_ACCEPTED ||
		       probe->reaction == PEER_REACTION_SILENT;
	const struct check_options *options = j->bench->options;
	bool unasked = (options->probe || options->probe_from) && !row->attempt->answer.asked;
	struct finding *f = finding_add(j->findings, FINDING_CLIENT_CERTIFICATE_WANTED, row->host);
	if (unasked) /* what was asked of this examination could not be done */
		f->severity = FINDING_WARNING;
	finding_observed(f, went_on   ? SPAN("it went on without one")
			    : unasked ? SPAN("it ended the connection without one, so no OPTIONS could be sent")
				      : SPAN("it ended the connection without one"));
	authorities_evidence(f, probe);
	struct finding_fix *fix =
		finding_fix(f, FINDING_YOU, "the command", SPAN("to see what it thinks of your certificate, give it"));
	finding_fix_line(fix, "fedge check %.*s --client-cert CERTIFICATE.pem --client-key KEY.pem",
		SPAN_PRINT(pasted(j->facts->domain, "DOMAIN")));
}

static void note_not_asked(const struct judging *j, const struct check_row *row)
{
	struct finding *f = finding_add(j->findings, FINDING_CLIENT_CERTIFICATE_NOT_ASKED, row->host);
	finding_observed(f, SPAN("no certificate was asked for in the handshake"));
	finding_expected(f, SPAN("mutual TLS: both sides show a certificate"));
	finding_fix(f, FINDING_OWNER, "the edge", SPAN("let the listener ask callers for their certificate"));
}

static void note_old_versions(const struct judging *j, struct check_row *row)
{
	const struct peer_version *versions = row->attempt->probe.versions;
	bool old = versions[0].status == PEER_VERSION_AGREED, newer = versions[1].status == PEER_VERSION_AGREED;
	if (!old && !newer)
		return;
	struct finding *f = finding_add(j->findings, FINDING_TLS_VERSION_OLD, row->host);
	finding_observed(f, old && newer ? SPAN("TLS 1.0 and 1.1 are taken")
			    : old        ? SPAN("TLS 1.0 is taken")
					 : SPAN("TLS 1.1 is taken"));
	finding_expected(f, SPAN("TLS 1.2 and 1.3 only (RFC 8996)"));
	finding_fix(f, FINDING_OWNER, "the edge", SPAN("switch the old versions off"));
	if (row->cells[CHECK_STEP_TLS].state == CHECK_STATE_GOOD)
		row->cells[CHECK_STEP_TLS] = judge_cell(f);
}

void judge_note_address(struct judging *j, struct check_row *row)
{
	const struct peer_probe_facts *probe = &row->attempt->probe;
	if (probe->connection.certificate_asked && !probe->connection.our_certificate_sent)
		note_wanted(j, row);
	else if (probe->reaction == PEER_REACTION_NOT_ASKED)
		note_not_asked(j, row);
	note_old_versions(j, row);
}

/* ---- OPTIONS ---- */

static void options_unanswered(struct judging *j, struct check_row *row)
{
	const struct check_answer *answer = &row->attempt->answer;
	struct finding *f =
		finding_add(j->findings, FINDING_OPTIONS_UNANSWERED, row->attempt->probe.connection.address);
	finding_observed(f, answer->text.length ? answer->text : SPAN("no answer in time"));
	finding_expected(f, SPAN("a SIP answer, be it a refusal"));
	finding_fix(f, FINDING_OWNER, "the edge", SPAN("see whether SIP is served behind this port"));
}

/* The domain of "sip:2000@steven.lab;…", as it may be pasted. */
static struct span sender_domain(struct span uri)
{
	struct span domain = span_from(uri, span_find(uri, '@') + 1);
	for (size_t i = 0; i < domain.length; i++)
		if (strchr(";:?>", domain.at[i]))
			return pasted(span_first(domain, i), "YOUR-DOMAIN");
	return pasted(domain, "YOUR-DOMAIN");
}

static void options_fixes(const struct judging *j, struct finding *f, uint16_t status)
{
	struct span own = sender_domain(j->facts->probe_from);
	if (status == 403 || status == 603) {
		finding_fix(f, FINDING_PARTNER, "the edge",
			arena_printf(f->list->arena, "see whether %.*s is blocked there, or missing on a list",
				SPAN_PRINT(own)));
		return;
	}
	struct finding_fix *fix = finding_fix(
		f, FINDING_YOU, "the command", SPAN("look at your own domain from outside, as the peer does"));
	finding_fix_line(fix, "fedge check %.*s", SPAN_PRINT(own));
}

static void options_refused(struct judging *j, struct check_row *row)
{
	const struct check_answer *answer = &row->attempt->answer;
	struct arena *arena = j->findings->arena;
	bool known = j->facts->probe_from.length > 0;
	struct finding *f = finding_add(j->findings, FINDING_OPTIONS_REFUSED, row->attempt->probe.connection.address);
	f->severity = known ? FINDING_WARNING : FINDING_NOTE;
	struct span status = arena_printf(arena, "%u %.*s", (unsigned)answer->status, SPAN_PRINT(answer->reason));
	finding_observed(f, status);
	finding_evidence(f, FINDING_EVIDENCE_MESSAGE,
		arena_printf(arena, "SIP/2.0 %.*s%s%.*s", SPAN_PRINT(status), answer->server.length ? ", Server: " : "",
			SPAN_PRINT(answer->server)),
		SPAN_NONE, SPAN_NONE);
	if (answer->diagnostics.length)
		finding_evidence(f, FINDING_EVIDENCE_MESSAGE,
			arena_printf(arena, "ms-diagnostics: %.*s", SPAN_PRINT(answer->diagnostics)), SPAN_NONE,
			SPAN_NONE);
	if (known)
		options_fixes(j, f, answer->status);
}

void judge_note_options(struct judging *j, struct check_row *row)
{
	uint16_t status = row->attempt->answer.status;
	struct check_cell cell = { CHECK_STATE_GOOD, FINDING_NONE };
	if (status == 0) {
		options_unanswered(j, row);
		cell = (struct check_cell){ CHECK_STATE_WARNING, FINDING_OPTIONS_UNANSWERED };
	} else if (status >= 300) {
		options_refused(j, row);
		if (j->facts->probe_from.length > 0)
			cell = (struct check_cell){ CHECK_STATE_WARNING, FINDING_OPTIONS_REFUSED };
	}
	row->cells[CHECK_STEP_OPTIONS] = cell;
}

/* ---- the end ---- */

static void note_cut(struct judging *j)
{
	struct finding *f = finding_add(j->findings, FINDING_EXAMINATION_CUT, j->facts->domain);
	struct span why = j->facts->deadline_passed ? SPAN("the time was over") : SPAN_NONE;
	const char *what = "were not tried";
	size_t untried = 0;
	for (size_t i = 0; i < j->row_count; i++) {
		const struct check_row *row = &j->rows[i];
		if (!row->candidate || row->cells[CHECK_STEP_TCP].code != FINDING_EXAMINATION_CUT)
			continue;
		untried++;
		if (!why.at && row->attempt && row->attempt->probe.connection.text.at) {
			why = row->attempt->probe.connection.text;
			what = "are not judged";
		}
	}
	finding_observed(f,
		arena_printf(j->findings->arena, "%.*s; %zu of %zu addresses %s",
			SPAN_PRINT(why.at ? why : SPAN("not everything was looked at")), untried, j->row_count, what));
	finding_expected(f, SPAN("every address tried"));
	if (j->facts->deadline_passed)
		finding_fix(f, FINDING_YOU, "the command", SPAN("give it more time (--timeout)"));
}

static void note_addresses_cut(struct judging *j)
{
	struct finding *f = finding_add(j->findings, FINDING_ADDRESSES_CUT, j->facts->domain);
	finding_observed(f, arena_printf(j->findings->arena, "more than %u servers or %u addresses",
				    (unsigned)CHECK_HOSTS_MAXIMUM, (unsigned)CHECK_ATTEMPTS_MAXIMUM));
	finding_fix(f, FINDING_OWNER, "DNS", SPAN("remove the records of servers that are gone"));
}

static void note_not_connected(struct judging *j)
{
	bool planned = false;
	for (size_t i = 0; i < j->facts->attempt_count; i++)
		planned |= j->facts->attempts[i].planned_certificate;
	struct finding *f = finding_add(j->findings, FINDING_CONNECTION_NOT_TRIED, SPAN_NONE);
	finding_observed(f, planned ? SPAN("DNS and the planned certificate were judged, no server was called")
				    : SPAN("DNS was judged, no server was called"));
}

void judge_note_untried(struct judging *j, bool accepted)
{
	if (!j->plan.accepted)
		return;
	if (j->facts->attempts_cut)
		note_addresses_cut(j);
	if (j->untried && (!accepted || j->facts->deadline_passed))
		note_cut(j);
	if (j->facts->not_connected)
		note_not_connected(j);
}

void judge_note_certificate_unseen(struct judging *j)
{
	struct finding *f = finding_add(j->findings, FINDING_CERTIFICATE_NOT_SEEN, j->facts->domain);
	finding_observed(f, SPAN("none of its servers showed one"));
	finding_expected(f, SPAN("the certificate that its edge shows when it calls"));
	finding_fix(f, FINDING_YOU, "the command", SPAN("give the certificate as a file (--cert)"));
}

void judge_note_lists(const struct check_facts *facts, struct finding_list *findings)
{
	for (size_t i = 0; i < facts->attempt_count; i++) {
		const struct check_answer *answer = &facts->attempts[i].answer;
		if (facts->probe_from.length > 0 && answer->status >= 200 && answer->status < 300)
			return; /* asked under our own name, it said yes */
	}
	finding_add(findings, FINDING_PARTNER_LISTS_UNSEEN, facts->domain);
}
