/* SPDX-License-Identifier: Apache-2.0 */
/* What to run, or to ask for, to know more. */
#include "base/clock.h"
#include "base/require.h"
#include "explain/judge_private.h"
#include "finding/remedy.h"

static void add(struct judge *j, struct span text, struct span command)
{
	struct explain_problem *p = j->problem;
	if (p->next_count == EXPLAIN_NEXT_MAXIMUM || text.length == 0)
		return;
	p->next[p->next_count++] = (struct explain_step_next){ .text = arena_copy(j->arena, text), .command = command };
}

static struct span minute_of(const struct judge *j)
{
	char text[32];
	if (!j->subject->started_us || clock_format_utc(j->subject->started_us, text, sizeof(text)) < 16)
		return SPAN("the minute of the call");
	text[10] = ' ';
	return arena_printf(j->arena, "%.16s UTC", text);
}

static void check(struct judge *j, struct span domain, const char *whose)
{
	if (!remedy_is_plain(domain))
		return;
	explain_judge_domain(j, domain);
	add(j, arena_printf(j->arena, "look at %s from outside, as the other edge does", whose),
		arena_printf(j->arena, "fedge check %.*s", SPAN_PRINT(domain)));
}

static void check_caller(struct judge *j)
{
	check(j, j->sides.caller,
		arena_printf(j->arena,
			"the domain that From names, %.*s (a meeting server's outbound rule may set another one than "
			"the user has),",
			SPAN_PRINT(j->sides.caller))
			.at);
}

static void check_callee(struct judge *j)
{
	check(j, j->sides.callee,
		arena_printf(j->arena, "the domain that was called, %.*s,", SPAN_PRINT(j->sides.callee)).at);
}

static struct span domain_of(const struct judge *j, enum side side)
{
	return side == SIDE_CALLER ? j->sides.caller : side == SIDE_CALLEE ? j->sides.callee : SPAN_NONE;
}

/* Of whoever must act. */
static struct span owner_domain(const struct judge *j)
{
	return domain_of(j, j->problem->finding->who == sides_who(&j->sides, SIDE_CALLER) ? SIDE_CALLER : SIDE_CALLEE);
}

/* Of the two domains of the call the one that the finding's own name belongs to. */
static struct span subject_domain(const struct judge *j)
{
	const struct judge_facts *f = &j->facts;
	struct span domain = f->domain;
	const struct span names[] = { f->target, f->subject, f->shown };
	for (size_t i = 0; i < BASE_COUNT(names) && domain.length == 0; i++)
		domain = domain_of(j, names[i].length ? sides_of_name(&j->sides, names[i]) : SIDE_UNKNOWN);
	return domain.length > 0 ? domain : owner_domain(j);
}

static void check_named(struct judge *j, struct span domain)
{
	check(j, domain, arena_printf(j->arena, "%.*s", SPAN_PRINT(domain)).at);
}

static void check_subject(struct judge *j)
{
	check_named(j, subject_domain(j));
}

static void check_owner(struct judge *j)
{
	check_named(j, owner_domain(j));
}

/* What can be seen from outside of a domain may be looked at again, even where it needs no asking. */
static bool is_public(enum finding_code code)
{
	enum finding_stage stage = finding_entry(code)->stage;
	return stage >= FINDING_STAGE_LOOKUP && stage <= FINDING_STAGE_CERTIFICATE &&
	       code != FINDING_CERTIFICATE_REFUSED_BY_PARTNER;
}

static struct span call_id(const struct judge *j)
{
	return j->subject->call_id.length ? arena_printf(j->arena, " and Call-ID %.*s", SPAN_PRINT(j->subject->call_id))
					  : SPAN_NONE;
}

static struct span refuser(const struct judge *j)
{
	struct span name = explain_judge_host_name(j, j->subject->refused_by);
	return name.length ? name : SPAN("the box that refused");
}

static void ask_edge(struct judge *j)
{
	struct span id = call_id(j);
	add(j,
		arena_printf(j->arena,
			"ask those who run %.*s for the SIPStack trace of their edge at %.*s%.*s: a TL_WARN or "
			"TL_ERROR "
			"record with a Result-Code and a Data line says what it missed",
			SPAN_PRINT(refuser(j)), SPAN_PRINT(minute_of(j)), SPAN_PRINT(id)),
		SPAN_NONE);
}

static void ask_tls(struct judge *j)
{
	struct span address = j->facts.address.length ? j->facts.address : SPAN("the other side");
	add(j,
		arena_printf(j->arena,
			"ask those who run %.*s for its TLS log at %.*s: only the side that ended the handshake knows "
			"why",
			SPAN_PRINT(address), SPAN_PRINT(minute_of(j))),
		SPAN_NONE);
}

static void ask_lists(struct judge *j)
{
	add(j,
		arena_printf(j->arena,
			"ask those who run %.*s whether %.*s is among their allowed or blocked domains, and whether "
			"the user "
			"may talk to people outside: neither can be seen from here",
			SPAN_PRINT(refuser(j)),
			SPAN_PRINT(j->sides.own == SIDE_CALLER ? j->sides.caller : j->sides.callee)),
		SPAN_NONE);
}

static void look_at_next_hop(struct judge *j)
{
	struct span id = call_id(j);
	add(j,
		arena_printf(j->arena, "look into the log of the next box at %.*s%.*s: did the request arrive there?",
			SPAN_PRINT(minute_of(j)), SPAN_PRINT(id)),
		SPAN_NONE);
}

static void raise_level(struct judge *j)
{
	add(j,
		SPAN("start a diagnostic log with network.sip, network.search, network.cpl and developer.ssl at DEBUG, "
		     "and "
		     "call again"),
		SPAN_NONE);
}

static void capture(struct judge *j)
{
	struct span port = SPAN("5061");
	add(j,
		SPAN("capture at both ends at once: what leaves the one and does not reach the other was lost between "
		     "them"),
		arena_printf(j->arena, "tcpdump -i any -w call.pcap port %.*s", SPAN_PRINT(port)));
}

static void locate(struct judge *j)
{
	struct span to = j->subject->to;
	add(j,
		arena_printf(j->arena,
			"try the address with Locate (Maintenance > Tools), with the zone the call came in as its "
			"source: %.*s",
			SPAN_PRINT(to.length ? to : SPAN("the callee's address"))),
		SPAN_NONE);
}

static void look_at_user(struct judge *j)
{
	add(j, SPAN("look at the user's settings on the server that refused"), SPAN_NONE);
}

void explain_judge_next(struct judge *j)
{
	static void (*const steps[])(struct judge * j) = { check_caller, check_callee, check_subject, ask_edge, ask_tls,
		ask_lists, look_at_next_hop, raise_level, capture, locate, look_at_user, check_owner };
	unsigned wanted = j->match.signature->next;
	if (is_public(j->problem->finding->code) && remedy_is_plain(subject_domain(j)))
		explain_judge_domain(j, subject_domain(j));
	for (size_t i = 0; i < BASE_COUNT(steps); i++)
		if (wanted & 1u << i)
			steps[i](j);
}
