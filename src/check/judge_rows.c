/* SPDX-License-Identifier: Apache-2.0 */
/* The domain and its targets, in the order in which an edge tries them; a row for each address. */
#include "base/require.h"
#include "check/judge_private.h"
#include "trust/names.h"

/* ---- the domain ---- */

/* The lists left out: what would be judged if the domain were on none. */
static struct trust_policy without_lists(const struct judging *j)
{
	struct trust_policy policy = j->policy;
	policy.discover = true;
	policy.allowed_count = policy.blocked_count = 0;
	return policy;
}

static bool is_about_records(enum finding_code code)
{
	return finding_entry(code)->stage == FINDING_STAGE_LOOKUP || code == FINDING_SRV_RECORDS_CUT;
}

static struct check_cell srv_cell(const struct judging *j, const struct finding *since)
{
	struct check_cell cells[CHECK_STEP_COUNT] = { [CHECK_STEP_SRV] = { CHECK_STATE_GOOD, FINDING_NONE } };
	for (const struct finding *f = since; f; f = f->next)
		if (is_about_records(f->code))
			return judge_cell(f);
	if (j->domain.lookup.status == TRUST_LOOKUP_NOT_ASKED)
		cells[CHECK_STEP_SRV].state = CHECK_STATE_NOT_JUDGED;
	return cells[CHECK_STEP_SRV];
}

/* Blocked or on no list: an edge looks no further, but what can be seen is shown all the same. */
static struct check_cell srv_cell_of_refused(struct judging *j)
{
	struct trust_policy open = without_lists(j);
	struct trust_plan ignored;
	struct trust_judge judge = judge_of(j, NULL, FINDING_STAGE_LOOKUP);
	judge.policy = &open;
	if (trust_judge_domain(&judge, j->facts->domain, &j->domain, &ignored) < 0)
		j->incomplete = true;
	return srv_cell(j, j->aside.first);
}

static void judge_domain(struct judging *j)
{
	if (!j->facts->domain.length) {
		judge_note_malformed(j);
		j->refused = FINDING_DOMAIN_MALFORMED;
		j->srv = judge_cell(j->findings->first);
		return;
	}
	struct trust_judge judge = { .policy = &j->policy, .findings = j->findings, .now_s = j->now_s };
	j->domain = judge_seen_domain(j);
	if (trust_judge_domain(&judge, j->facts->domain, &j->domain, &j->plan) < 0)
		j->incomplete = true;
	const struct finding *error = finding_list_first_error(j->findings);
	j->srv = srv_cell(j, j->findings->first);
	if (j->plan.accepted)
		return;
	if (!error) {
		j->incomplete = true;
		return;
	}
	j->refused = error->code;
	j->suppressed = error->suppresses;
	if (finding_entry(error->code)->stage == FINDING_STAGE_POLICY) {
		j->suppressed = ~0u;
		j->srv = srv_cell_of_refused(j);
	}
}

/* ---- targets ---- */

/* The verdict of the domain rule on one target, as trust_judge_domain has worded it. */
static struct check_cell domain_cell(const struct judging *j, const struct judge_aim *aim)
{
	const struct trust_candidate *c = &aim->candidate;
	bool has_rule = c->kind == TRUST_CANDIDATE_IN_DOMAIN || c->kind == TRUST_CANDIDATE_PROVIDER;
	if (!aim->is_candidate && j->refused)
		return (struct check_cell){ CHECK_STATE_BAD, j->refused };
	for (const struct finding *f = j->findings->first; f; f = f->next)
		if ((f->code == FINDING_SRV_TARGET_PARTLY_OUTSIDE || f->code == FINDING_SRV_TARGET_IS_DOMAIN) &&
			trust_name_equal(f->observed, c->name))
			return judge_cell(f);
	return (struct check_cell){ has_rule ? CHECK_STATE_GOOD : CHECK_STATE_NOT_JUDGED, FINDING_NONE };
}

static struct check_cell port_cell(const struct judging *j, const struct judge_aim *aim)
{
	for (const struct finding *f = j->findings->first; f; f = f->next)
		if (f->code == FINDING_SRV_PORT_UNUSUAL && trust_name_equal(f->subject, aim->candidate.name) &&
			aim->candidate.port != TRUST_DEFAULT_PORT)
			return judge_cell(f);
	return j->srv;
}

struct aims {
	struct judge_aim *items;
	size_t count;
};

static bool aims_have(const struct aims *aims, struct span name, uint16_t port)
{
	for (size_t i = 0; i < aims->count; i++)
		if (aims->items[i].candidate.port == port && trust_name_equal(aims->items[i].candidate.name, name))
			return true;
	return false;
}

static void aims_add(struct aims *aims, const struct trust_candidate *candidate, bool is_candidate)
{
	if (candidate->name.length > 0 && !aims_have(aims, candidate->name, candidate->port))
		aims->items[aims->count++] = (struct judge_aim){ *candidate, is_candidate };
}

/* Candidates as they are tried, then what else the records or the configuration name. */
static struct aims aims_make(struct judging *j)
{
	const struct check_facts *facts = j->facts;
	size_t most = j->plan.candidate_count + j->domain.record_count + 1;
	struct aims aims = { arena_zero(j->arena, most * sizeof(struct judge_aim)), 0 };
	if (!aims.items) {
		j->incomplete = true;
		return aims;
	}
	for (size_t i = 0; i < j->plan.candidate_count; i++)
		aims_add(&aims, &j->plan.candidates[i], true);
	for (size_t i = 0; i < j->domain.record_count; i++) {
		const struct trust_srv *record = &j->domain.records[i];
		struct trust_candidate other = { .kind = TRUST_CANDIDATE_ANY,
			.domain = facts->domain,
			.name = trust_name_strip(record->target),
			.port = record->port,
			.secure = j->domain.lookup.secure };
		aims_add(&aims, &other, false);
	}
	struct trust_candidate server = { .kind = TRUST_CANDIDATE_SERVER,
		.domain = facts->domain,
		.name = trust_name_strip(facts->server),
		.port = facts->server_port ? facts->server_port : TRUST_DEFAULT_PORT };
	aims_add(&aims, &server, false);
	return aims;
}

/* ---- rows ---- */

static struct check_row *row_add(struct judging *j, const struct check_row *like)
{
	struct check_row *row = &j->rows[j->row_count++];
	*row = *like;
	return row;
}

static const struct check_attempt *attempt_find(
	const struct check_facts *facts, size_t host, uint16_t port, struct span address)
{
	for (size_t i = 0; i < facts->attempt_count; i++) {
		const struct check_attempt *a = &facts->attempts[i];
		if (a->host == host && a->port == port && span_equal(a->address, address))
			return a;
	}
	return NULL;
}

static void target_without_facts(struct judging *j, const struct judge_aim *aim, struct check_row *base)
{
	if (j->way == JUDGE_TO) {
		judge_cell_set(base, CHECK_STEP_ADDRESS, CHECK_STATE_UNKNOWN, FINDING_EXAMINATION_CUT);
		j->untried |= aim->is_candidate;
	}
	row_add(j, base);
}

static bool has_plan(const struct check_facts *facts)
{
	for (size_t i = 0; i < facts->attempt_count; i++)
		if (facts->attempts[i].planned_certificate)
			return true;
	return false;
}

/* Who calls us has reached us: nobody asks for his addresses. */
static void judge_host(
	struct judging *j, const struct judge_aim *aim, const struct trust_host *host, struct check_row *base)
{
	if (j->way == JUDGE_FROM)
		return;
	struct trust_judge judge = judge_of(j, aim, FINDING_STAGE_ADDRESS);
	struct finding **mark = judge.findings->last;
	judge_cell_set(base, CHECK_STEP_ADDRESS, CHECK_STATE_GOOD, FINDING_NONE);
	if (!trust_judge_host(&judge, &aim->candidate, host) && !*mark)
		j->incomplete = true;
	judge_cells_mark(base->cells, *mark);
	/* Not the reverse: name servers that never answer for IPv6 are common, and callers live without. */
	j->half_known |= aim->is_candidate && host->address_count > 0 && host->a.status >= TRUST_LOOKUP_SERVFAIL;
	if (has_plan(j->facts))
		judge_certificate_is_judged(*mark);
}

/* Without an address there is nothing to connect to; a planned certificate is judged all the same. */
static void judge_row(struct judging *j, const struct judge_aim *aim, size_t h, const struct trust_host *host,
	struct span address, const struct check_row *like)
{
	const struct check_facts *facts = j->facts;
	struct check_row *row = row_add(j, like);
	size_t settled = j->findings->count;
	row->address = address;
	row->attempt = attempt_find(facts, h, row->port, address);
	judge_address(j, aim, host, facts->host_ports ? facts->host_ports[h] : row->port, row);
	finding_list_unite(j->findings, settled);
}

static void judge_target(struct judging *j, const struct judge_aim *aim)
{
	const struct check_facts *facts = j->facts;
	struct check_row base = {
		.host = aim->candidate.name, .port = aim->candidate.port, .candidate = aim->is_candidate
	};
	base.cells[CHECK_STEP_SRV] = port_cell(j, aim);
	base.cells[CHECK_STEP_DOMAIN] = domain_cell(j, aim);
	size_t h = 0;
	while (h < facts->host_count && !trust_name_equal(facts->hosts[h].name, aim->candidate.name))
		h++;
	if (h == facts->host_count) {
		target_without_facts(j, aim, &base);
		return;
	}
	struct trust_host host;
	judge_seen_host(j, &facts->hosts[h], &host);
	judge_host(j, aim, &host, &base);
	for (size_t i = 0; i < host.address_count; i++)
		judge_row(j, aim, h, &host, host.addresses[i].text, &base);
	if (host.address_count == 0)
		judge_row(j, aim, h, &host, SPAN_NONE, &base);
}

static size_t rows_needed(const struct check_facts *facts, const struct aims *aims)
{
	size_t rows = 1;
	for (size_t i = 0; i < aims->count; i++) {
		size_t addresses = 0;
		for (size_t h = 0; h < facts->host_count && !addresses; h++)
			if (trust_name_equal(facts->hosts[h].name, aims->items[i].candidate.name))
				addresses = facts->hosts[h].address_count;
		rows += addresses ? addresses : 1;
	}
	return rows;
}

static void row_of_domain(struct judging *j)
{
	struct check_row row = { .cells = { [CHECK_STEP_SRV] = j->srv } };
	bool listed = j->refused == FINDING_DOMAIN_BLOCKED || j->refused == FINDING_DOMAIN_NOT_ALLOWED;
	if (listed)
		row.cells[CHECK_STEP_DOMAIN] = (struct check_cell){ CHECK_STATE_BAD, j->refused };
	row_add(j, &row);
}

/* A new target needs a new name in the certificate, unless it is there already. */
static void judge_proposal(struct judging *j)
{
	struct trust_judge judge = { .policy = &j->policy, .findings = j->findings, .now_s = j->now_s };
	if (j->refused != FINDING_SRV_TARGET_OUTSIDE_DOMAIN && j->refused != FINDING_SRV_TARGET_IS_DOMAIN)
		return;
	for (size_t i = 0; i < j->row_count; i++) {
		const struct check_attempt *attempt = j->rows[i].attempt;
		if (!attempt || attempt->probe.chain.count == 0)
			continue;
		for (struct finding *f = j->findings->first; f; f = f->next)
			if (f->code == j->refused)
				trust_judge_proposal(&judge, f, &j->domain, &attempt->probe.chain);
		return;
	}
}

void judge_rows_make(struct judging *j)
{
	judge_domain(j);
	struct aims aims = aims_make(j);
	j->rows = arena_zero(j->arena, rows_needed(j->facts, &aims) * sizeof(*j->rows));
	if (!j->rows) {
		j->incomplete = true;
		return;
	}
	for (size_t i = 0; i < aims.count; i++)
		judge_target(j, &aims.items[i]);
	if (aims.count == 0)
		row_of_domain(j);
	if (j->way == JUDGE_TO)
		judge_proposal(j);
	finding_list_unite(j->findings, 0);
}
