/* SPDX-License-Identifier: Apache-2.0 */
/* One address of one target: how it took the connection, and the certificate it showed. */
#include "base/require.h"
#include "check/judge_private.h"
#include "trust/tlsa.h"

struct trust_judge judge_of(struct judging *j, const struct judge_aim *aim, enum finding_stage stage)
{
	struct trust_judge judge = { .policy = &j->policy, .findings = j->findings, .now_s = j->now_s };
	bool speaks = aim && aim->is_candidate;
	bool follows = j->plan.candidate_count > 0 || (j->suppressed & FINDING_STAGE_BIT(stage));
	if (speaks || (aim && !follows))
		return judge;
	arena_reset(&j->scratch);
	finding_list_init(&j->aside, &j->scratch, j->findings->owner);
	judge.findings = &j->aside;
	return judge;
}

static bool is_good(const struct check_cell *cell)
{
	return cell->state == CHECK_STATE_GOOD || cell->state == CHECK_STATE_WARNING;
}

void judge_certificate_is_judged(struct finding *since)
{
	for (struct finding *f = since; f; f = f->next)
		f->suppresses &= ~FINDING_STAGE_BIT(FINDING_STAGE_CERTIFICATE);
}

/* ---- the connection ---- */

/* It asked for a certificate, none was given to us, and that ended the connection: nothing is known of how it takes
 * callers that have one. Many servers say so by an alert, some by hanging up. */
static bool wanted_ours(const struct peer_probe_facts *probe)
{
	const struct trust_connection *c = &probe->connection;
	if (probe->chain.count == 0)
		return false;
	if (probe->reaction == PEER_REACTION_NONE_REFUSED)
		return true;
	if (!c->certificate_asked || c->our_certificate_sent || c->connect != TRUST_CONNECT_OPEN)
		return false;
	if (probe->reaction == PEER_REACTION_CUT || c->handshake == TRUST_HANDSHAKE_RESET)
		return true;
	return c->handshake == TRUST_HANDSHAKE_ALERT_RECEIVED &&
	       (trust_alert_is_about_certificate(c->alert) || c->alert == 40);
}

/* In TLS 1.3 the server's word on our certificate comes after the handshake. */
static struct trust_connection with_reaction(const struct peer_probe_facts *probe)
{
	struct trust_connection c = probe->connection;
	if (c.connect != TRUST_CONNECT_OPEN)
		return c;
	if (wanted_ours(probe)) {
		c.handshake = TRUST_HANDSHAKE_DONE;
	} else if (probe->reaction == PEER_REACTION_REFUSED && c.handshake == TRUST_HANDSHAKE_DONE) {
		c.handshake = TRUST_HANDSHAKE_ALERT_RECEIVED;
		c.after_our_certificate = true;
	} else if (probe->reaction == PEER_REACTION_CUT && c.our_certificate_sent &&
		   c.handshake == TRUST_HANDSHAKE_DONE) {
		c.handshake = TRUST_HANDSHAKE_RESET;
		c.after_our_certificate = true;
	}
	return c;
}

/* true: TLS stands. */
static bool judge_connection(struct judging *j, const struct judge_aim *aim, struct check_row *row)
{
	struct trust_connection connection = with_reaction(&row->attempt->probe);
	enum finding_stage stage =
		connection.connect == TRUST_CONNECT_OPEN ? FINDING_STAGE_TLS : FINDING_STAGE_CONNECTION;
	struct trust_judge judge = judge_of(j, aim, stage);
	struct finding **mark = judge.findings->last;
	bool stands = trust_judge_connection(&judge, &aim->candidate, &connection);
	if (connection.connect == TRUST_CONNECT_OPEN)
		judge_cell_set(row, CHECK_STEP_TCP, CHECK_STATE_GOOD, FINDING_NONE);
	if (stands)
		judge_cell_set(row, CHECK_STEP_TLS, CHECK_STATE_GOOD, FINDING_NONE);
	judge_cells_mark(row->cells, *mark);
	if (row->attempt->planned_certificate)
		judge_certificate_is_judged(*mark);
	return stands;
}

/* ---- the certificate ---- */

/* What is known of the host for this port. The TLSA record belongs to a port; that of another one was not asked for.
 * Where this side could not validate anything, "not signed" would be a word about ourselves. */
static struct trust_host host_for(
	const struct judging *j, const struct trust_host *host, uint16_t asked_port, uint16_t port)
{
	struct trust_host copy = *host;
	if (asked_port != port)
		copy.tlsa_lookup = (struct trust_lookup){ .status = TRUST_LOOKUP_NOT_ASKED };
	if (j->facts->validated)
		return copy;
	copy.a.secure = copy.aaaa.secure = true;
	if (copy.tlsa_lookup.status == TRUST_LOOKUP_OK)
		copy.tlsa_lookup = (struct trust_lookup){ .status = TRUST_LOOKUP_NOT_ASKED,
			.why = j->facts->why_not_validated.length ? j->facts->why_not_validated
								  : SPAN("nothing was validated by DNSSEC") };
	return copy;
}

static bool has_tlsa_fault(const struct finding *since)
{
	for (const struct finding *f = since; f; f = f->next)
		if (f->code == FINDING_TLSA_MISSING || f->code == FINDING_TLSA_INSECURE ||
			f->code == FINDING_TLSA_MISMATCH || f->code == FINDING_TLSA_LOOKUP_FAILED)
			return true;
	return false;
}

/* RFC 7671 5.1: where a record vouches for the leaf itself, nothing else is looked at. */
static bool only_chain_counts(const struct judging *j, const struct trust_host *host, const struct trust_chain *chain,
	const struct finding *since)
{
	if (j->policy.kind != TRUST_POLICY_DANE || j->way == JUDGE_FROM)
		return false;
	return has_tlsa_fault(since) || trust_tlsa_match(host, chain) == TRUST_TLSA_END_ENTITY;
}

/* A caller may be any of the candidates; the one whose server showed the certificate comes first, so that findings
 * speak of it. */
static bool ask_presented(struct judging *j, const struct trust_judge *judge, const struct judge_aim *aim,
	const struct trust_chain *chain)
{
	struct trust_plan plan = j->plan;
	struct trust_chain shown = *chain;
	struct trust_candidate *candidates = arena_allocate(j->arena, (plan.candidate_count + 1) * sizeof(*candidates));
	if (!candidates) {
		j->incomplete = true;
		return false;
	}
	candidates[0] = aim->candidate;
	memcpy(candidates + 1, plan.candidates, plan.candidate_count * sizeof(*candidates));
	plan.candidates = candidates;
	plan.candidate_count++;
	shown.seen_as_client = true;
	return trust_judge_presented(judge, &plan, &shown);
}

static bool ask_judge(struct judging *j, const struct trust_judge *judge, const struct judge_aim *aim,
	const struct trust_chain *chain, const struct trust_host *host)
{
	struct trust_candidate candidate = aim->candidate;
	if (j->way == JUDGE_FROM)
		return ask_presented(j, judge, aim, chain);
	candidate.secure |= !j->facts->validated;
	return trust_judge_certificate(judge, &candidate, chain, host);
}

/* Which address showed it, where others of the same server show another one. */
static void name_the_address(
	const struct judging *j, const struct judge_aim *aim, const struct check_row *row, struct finding *since)
{
	const struct trust_chain *own = &row->attempt->probe.chain;
	bool differs = false;
	for (size_t i = 0; i < j->facts->attempt_count; i++) {
		const struct check_attempt *a = &j->facts->attempts[i];
		const struct trust_chain *other = &a->probe.chain;
		if (a->host == row->attempt->host && a->port == row->port && other->count > 0 &&
			!span_equal(other->certificates[0].fingerprint, own->certificates[0].fingerprint))
			differs = true;
	}
	for (struct finding *f = since; differs && f; f = f->next)
		finding_evidence(f, FINDING_EVIDENCE_CONNECTION,
			arena_printf(f->list->arena, "%.*s (%.*s) shows it, other addresses show another one",
				SPAN_PRINT(row->attempt->probe.connection.address), SPAN_PRINT(aim->candidate.name)),
			SPAN_NONE, SPAN_NONE);
}

/* No connection was made, as asked; what DNS says of the certificate under DANE can be judged all the same. */
static void judge_records(
	struct judging *j, const struct judge_aim *aim, const struct trust_host *host, struct check_row *row)
{
	struct trust_candidate candidate = aim->candidate;
	struct trust_judge judge = judge_of(j, aim, FINDING_STAGE_CERTIFICATE);
	struct finding **mark = judge.findings->last;
	candidate.secure |= !j->facts->validated;
	if (!trust_judge_tlsa(&judge, &candidate, host) && !*mark)
		j->incomplete = true;
	judge_cells_mark(row->cells, *mark);
}

static const enum check_step certificate_steps[] = { CHECK_STEP_CHAIN, CHECK_STEP_NAME, CHECK_STEP_DATES,
	CHECK_STEP_USAGE };

/* true: it is good. follows: only for the cells, for an earlier fault is told. */
static bool judge_certificate(struct judging *j, const struct judge_aim *aim, const struct trust_host *host,
	bool follows, struct check_row *row)
{
	const struct trust_chain *chain = &row->attempt->probe.chain;
	struct trust_judge judge = judge_of(j, follows ? NULL : aim, FINDING_STAGE_CERTIFICATE);
	struct finding **mark = judge.findings->last;
	bool accepted = ask_judge(j, &judge, aim, chain, host);
	for (size_t i = 0; i < BASE_COUNT(certificate_steps); i++)
		if (chain->count > 0)
			judge_cell_set(row, certificate_steps[i], CHECK_STATE_GOOD, FINDING_NONE);
	if (chain->count > 0 && only_chain_counts(j, host, chain, *mark))
		for (size_t i = 1; i < BASE_COUNT(certificate_steps); i++)
			judge_cell_set(row, certificate_steps[i], CHECK_STATE_NOT_JUDGED, FINDING_NONE);
	judge_cells_mark(row->cells, *mark);
	if (chain->count > 0 && j->policy.kind == TRUST_POLICY_MICROSOFT && !aim->is_candidate)
		judge_cell_set(row, CHECK_STEP_NAME, CHECK_STATE_NOT_JUDGED, FINDING_NONE);
	if (chain->count > 0 && judge.findings == j->findings)
		name_the_address(j, aim, row, *mark);
	if (!accepted && !*mark)
		j->incomplete = true;
	return accepted;
}

/* ---- both ---- */

static void not_tried(struct judging *j, const struct judge_aim *aim, struct check_row *row)
{
	if (j->facts->not_connected || !row->address.at)
		return;
	judge_cell_set(row, CHECK_STEP_TCP, CHECK_STATE_UNKNOWN, FINDING_EXAMINATION_CUT);
	j->untried |= aim->is_candidate;
}

static void judge_called(
	struct judging *j, const struct judge_aim *aim, const struct trust_host *host, struct check_row *row)
{
	const struct check_attempt *attempt = row->attempt;
	bool tried = attempt && attempt->probe.connection.connect != TRUST_CONNECT_NOT_TRIED;
	bool stands = false;
	if (tried)
		stands = judge_connection(j, aim, row);
	else
		not_tried(j, aim, row);
	bool planned = attempt && attempt->planned_certificate;
	if (stands || planned)
		judge_certificate(j, aim, host, false, row);
	else if (tried && attempt->probe.connection.connect == TRUST_CONNECT_OPEN && attempt->probe.chain.count > 0)
		judge_certificate(j, aim, host, true, row);
	else if (!tried && j->facts->not_connected && row->address.at && j->policy.kind == TRUST_POLICY_DANE)
		judge_records(j, aim, host, row);
	bool follows = j->plan.candidate_count > 0 || (j->suppressed & FINDING_STAGE_BIT(FINDING_STAGE_TLS));
	bool speaks = aim->is_candidate || !follows;
	if (speaks && stands)
		judge_note_address(j, row);
	if (speaks && attempt && attempt->answer.asked)
		judge_note_options(j, row);
}

void judge_address(struct judging *j, const struct judge_aim *aim, const struct trust_host *host, uint16_t host_port,
	struct check_row *row)
{
	struct trust_host here = host_for(j, host, host_port, row->port);
	if (j->way == JUDGE_TO) {
		judge_called(j, aim, &here, row);
		row->accepted = aim->is_candidate && is_good(&row->cells[CHECK_STEP_ADDRESS]) &&
				judge_cells_worst(row->cells) <= CHECK_STATE_WARNING;
		return;
	}
	if (aim->is_candidate && row->attempt && row->attempt->probe.chain.count > 0)
		row->accepted = judge_certificate(j, aim, &here, false, row) &&
				judge_cells_worst(row->cells) <= CHECK_STATE_WARNING;
}
