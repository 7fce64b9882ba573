/* SPDX-License-Identifier: Apache-2.0 */
/* What the evidence says of the matter, whatever form it has. */
#include "base/require.h"
#include "explain/judge_private.h"
#include "finding/finding.h"

/* ---- parameters of headers and records ---- */

static void add_fqdn(struct judge_facts *f, struct span fqdn)
{
	if (f->fqdn_count < JUDGE_FQDNS_MAXIMUM && fqdn.length > 0)
		f->fqdns[f->fqdn_count++] = fqdn;
}

/* fqdn1, fqdn2 … */
static bool is_numbered(struct span name, const char *base)
{
	struct span number = span_from(name, strlen(base));
	uint64_t ignored;
	return span_starts_nocase(name, span_of(base)) && span_to_u64(number, 99, &ignored) == 0;
}

/* Names differ between a header and a trace, and in case. */
static void take_pair(struct judge_facts *f, struct span name, struct span value)
{
	const struct {
		const char *name;
		struct span *place;
	} places[] = {
		{ "domain", &f->domain },
		{ "fqdn", &f->target },
		{ "tls-target", &f->target },
		{ "expected-fqdn", &f->target },
		{ "PeerServer", &f->shown },
		{ "certName", &f->shown },
		{ "ErrorType", &f->error_type },
		{ "info", &f->error_type },
		{ "HRESULT", &f->hresult },
		{ "ip-address", &f->address },
	};
	value = span_trim(value);
	if (is_numbered(name, "fqdn"))
		add_fqdn(f, value);
	for (size_t i = 0; i < BASE_COUNT(places); i++)
		if (span_is_nocase(name, places[i].name) && !places[i].place->at)
			*places[i].place = value;
}

static void take_pairs(struct judge_facts *f, const struct record_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		take_pair(f, pairs->at[i].name, pairs->at[i].value);
}

/* ---- each kind ---- */

static void from_message(
	struct judge_facts *f, const struct explain_message *m, const struct signature_seen *seen, bool any)
{
	const struct explain_detail *detail = m->detail;
	for (size_t i = 0; detail && i < detail->diagnostics_count; i++) {
		const struct explain_diagnostics *d = &detail->diagnostics[i];
		bool wanted = any ? !f->id && !sight_is_silence(d->id)
				  : d->id >= seen->from && d->id <= (seen->to ? seen->to : seen->from);
		if (!wanted)
			continue;
		f->id = d->id;
		f->words = d->reason;
		take_pairs(f, &d->pairs);
	}
	if (detail && !f->words.at)
		f->words = detail->warning;
}

/* "the domain `a.example` is blocked" */
static struct span quoted_name(struct span text)
{
	size_t at = span_find(text, '`');
	struct span rest = span_from(text, at + 1);
	return at < text.length ? span_first(rest, span_find(rest, '`')) : SPAN_NONE;
}

static void from_judgement(struct judge_facts *f, const struct record_judgement *r)
{
	f->subject = r->subject.length ? r->subject : quoted_name(r->text);
	f->result = r->result_code;
	f->result_name = r->result_name;
	f->words = r->text;
	f->who = span_is_nocase(r->who, "you")       ? FINDING_YOU
		 : span_is_nocase(r->who, "partner") ? FINDING_PARTNER
		 : span_is_nocase(r->who, "network") ? FINDING_NETWORK
						     : FINDING_OWNER;
	take_pairs(f, &r->parameters);
}

struct span judge_show_address(const struct judge *j, const struct record_address *address)
{
	char text[RECORD_ADDRESS_TEXT];
	if (record_address_format(address, text) == 0)
		return SPAN_NONE;
	if (!address->port)
		return arena_printf(j->arena, "%s", text);
	return arena_printf(j->arena, address->family == 6 ? "[%s]:%u" : "%s:%u", text, (unsigned)address->port);
}

static void from_handshake(struct judge *j, const struct record_handshake *h)
{
	struct judge_facts *f = &j->facts;
	f->address = judge_show_address(j, &h->remote);
	f->target = h->role == RECORD_CLIENT ? h->server_name : SPAN_NONE;
	f->shown = h->common_name.length ? h->common_name : SPAN_NONE;
	f->peer = f->shown;
}

static void from_notice(struct judge *j, const struct record_notice *n)
{
	struct judge_facts *f = &j->facts;
	f->address = judge_show_address(j, &n->remote);
	f->words = n->detail;
	for (size_t i = 0; i < n->pairs.count; i++)
		if (span_is_nocase(n->pairs.at[i].name, "Common-name") && n->pairs.at[i].value.length)
			f->shown = n->pairs.at[i].value;
}

static void from_dns(struct judge_facts *f, const struct record_dns *d)
{
	struct span name = d->name;
	while (name.length > 0 && name.at[0] == '_')
		(void)span_cut(&name, '.');
	if (name.at == d->name.at)
		f->target = name;
	else
		f->domain = name;
	f->words = d->why;
}

static void from_connection(struct judge *j, const struct record_connection *n)
{
	j->facts.address = judge_show_address(j, &n->remote);
	j->facts.target = n->peer;
	j->facts.words = n->reason;
}

static void from_event(struct judge *j, const struct explain_event *event, const struct signature_seen *seen)
{
	switch (event->kind) {
	case RECORD_MESSAGE:
		from_message(&j->facts, &event->message, seen, seen->sight != SIGNATURE_DIAGNOSTICS);
		break;
	case RECORD_JUDGEMENT:
		from_judgement(&j->facts, &event->record->judgement);
		break;
	case RECORD_HANDSHAKE:
		from_handshake(j, &event->record->handshake);
		break;
	case RECORD_NOTICE:
		from_notice(j, &event->record->notice);
		break;
	case RECORD_DNS_ANSWER:
		from_dns(&j->facts, &event->record->dns);
		break;
	case RECORD_CONNECTION:
		from_connection(j, &event->record->connection);
		break;
	case RECORD_SEARCH:
		j->facts.words = event->record->search.reason;
		break;
	default:
		break;
	}
	struct span reason = event->kind == RECORD_MESSAGE ? SPAN_NONE : signature_tls_reason(event);
	if (reason.length > 0)
		j->facts.words = reason;
	unsigned alert;
	if (event->kind != RECORD_MESSAGE && signature_alert(event, &alert) == RECORD_ALERT_RECEIVED)
		j->facts.alert = alert;
}

/* All DNS names of the certificate in question, where a log has them beside the judgement. */
static void find_names(struct judge *j)
{
	struct judge_facts *f = &j->facts;
	const struct explain_case *c = j->subject;
	for (uint32_t i = 0; i < c->step_count && !f->names_known; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind != RECORD_HANDSHAKE || e->record->handshake.names.count == 0 || f->shown.length == 0 ||
			!span_equal_nocase(e->record->handshake.common_name, f->shown))
			continue;
		f->names = e->record->handshake.names;
		f->names_known = true;
	}
}

void explain_judge_facts_read(struct judge *j)
{
	j->facts = (struct judge_facts){ .who = FINDING_OWNER };
	for (size_t i = 0; i < j->match.count; i++)
		from_event(j, j->match.events[i], &j->match.signature->all[i]);
	find_names(j);
}

/* ---- values ---- */

static void value_if(struct finding *f, const char *name, struct span value)
{
	if (value.length > 0)
		finding_value(f, name, value);
}

void explain_judge_values(const struct judge *j, struct finding *f)
{
	const struct judge_facts *facts = &j->facts;
	value_if(f, "domain", facts->domain);
	for (size_t i = 0; i < facts->fqdn_count; i++)
		finding_value(f, "fqdn", facts->fqdns[i]);
	if (facts->fqdn_count == 0)
		value_if(f, "fqdn", facts->target);
	value_if(f, "tls-target", facts->target);
	value_if(f, "PeerServer", facts->shown);
	value_if(f, "ip-address", facts->address);
	value_if(f, "HRESULT", facts->hresult);
}
