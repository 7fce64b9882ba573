/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/ladder.h"

#define GAP_US 1000000
#define KEPT_BEFORE 8 /* rows before and after the failing one that stay when the middle goes */

/* ---- labels ---- */

static struct span label_of_message(const struct explain_message *m, struct arena *arena)
{
	if (m->is_request)
		return arena_copy(arena, m->method_name);
	return arena_printf(arena, "%u %.*s", m->status, SPAN_PRINT(m->reason));
}

static struct span first_record(const struct record_dns *dns, struct arena *arena)
{
	if (dns->records.count == 0)
		return SPAN("no record");
	if (dns->records.count == 1)
		return dns->records.at[0];
	return arena_printf(arena, "%.*s and %zu more", SPAN_PRINT(dns->records.at[0]), dns->records.count - 1);
}

static struct span label_of_dns(const struct record *r, struct arena *arena)
{
	static const char *const said[] = {
		[RECORD_DNS_OK] = NULL,
		[RECORD_DNS_NODATA] = "no such record",
		[RECORD_DNS_NXDOMAIN] = "no such name",
		[RECORD_DNS_SERVFAIL] = "the name server failed",
		[RECORD_DNS_REFUSED] = "the name server refused",
		[RECORD_DNS_TIMEOUT] = "no answer",
		[RECORD_DNS_BOGUS] = "DNSSEC: forged or badly signed",
		[RECORD_DNS_CANCELLED] = "given up",
	};
	const struct record_dns *dns = &r->dns;
	if (r->kind == RECORD_DNS_QUERY)
		return arena_printf(arena, "DNS %.*s %.*s?", SPAN_PRINT(dns->type), SPAN_PRINT(dns->name));
	struct span answer = said[dns->status] ? span_of(said[dns->status]) : first_record(dns, arena);
	return arena_printf(
		arena, "DNS %.*s %.*s: %.*s", SPAN_PRINT(dns->type), SPAN_PRINT(dns->name), SPAN_PRINT(answer));
}

/* "TLS to vcse", "TCP": what was reached for, as far as it is known. */
static struct span towards(const char *transport, bool is_client, struct span far, struct arena *arena)
{
	if (far.length == 0)
		return span_of(transport);
	return arena_printf(arena, "%s %s %.*s", transport, is_client ? "to" : "from", SPAN_PRINT(far));
}

static struct span label_of_connection(const struct record_connection *c, struct span far, struct arena *arena)
{
	static const char *const words[] = {
		[RECORD_CONNECTION_ATTEMPTED] = "connects",
		[RECORD_CONNECTION_OPENED] = "connected",
		[RECORD_CONNECTION_ACCEPTED] = "accepted",
		[RECORD_CONNECTION_CLOSED] = "closed",
		[RECORD_CONNECTION_FAILED] = "failed",
	};
	static const char *const transports[] = {
		[RECORD_TRANSPORT_NONE] = "connection", [RECORD_UDP] = "UDP", [RECORD_TCP] = "TCP", [RECORD_TLS] = "TLS"
	};
	struct span way = towards(transports[c->transport], c->role == RECORD_CLIENT, far, arena);
	if (c->reason.length == 0)
		return arena_printf(arena, "%.*s %s", SPAN_PRINT(way), words[c->event]);
	return arena_printf(arena, "%.*s %s: %.*s", SPAN_PRINT(way), words[c->event], SPAN_PRINT(c->reason));
}

static struct span label_of_handshake(const struct record_handshake *h, struct span far, struct arena *arena)
{
	struct span way = towards("TLS", h->role == RECORD_CLIENT, far, arena);
	struct span name = h->names.count > 0 ? h->names.at[0] : h->common_name;
	struct span why = h->verify_reason.length > 0 ? h->verify_reason : h->reason;
	if (h->failed && h->alert_direction != RECORD_ALERT_NONE && why.length == 0)
		return arena_printf(arena, "%.*s failed: alert %u", SPAN_PRINT(way), h->alert);
	if (h->failed)
		return arena_printf(arena, "%.*s failed: %.*s", SPAN_PRINT(way), SPAN_PRINT(why));
	if (name.length == 0)
		return arena_printf(arena, "%.*s stands", SPAN_PRINT(way));
	return arena_printf(arena, "%.*s stands, certificate of %.*s", SPAN_PRINT(way), SPAN_PRINT(name));
}

static struct span label_of_judgement(const struct record_judgement *j, struct arena *arena)
{
	struct span said = j->text.length > 0 ? j->text : j->code;
	if (j->result_name.length > 0)
		return arena_printf(arena, "%.*s (%.*s)", SPAN_PRINT(said), SPAN_PRINT(j->result_name));
	return arena_copy(arena, said);
}

static struct span label_of_rule(const struct record_rule *r, struct arena *arena)
{
	return arena_printf(arena, "rule %.*s leads to %.*s", SPAN_PRINT(r->name), SPAN_PRINT(r->target));
}

static struct span label_of_notice(const struct record_notice *n, struct arena *arena)
{
	if (n->detail.length == 0 || span_equal(n->detail, n->name))
		return arena_copy(arena, n->name.length > 0 ? n->name : n->module);
	return arena_printf(arena, "%.*s: %.*s", SPAN_PRINT(n->name), SPAN_PRINT(n->detail));
}

static struct span label_of(const struct explain_event *e, struct span far, struct arena *arena)
{
	switch (e->kind) {
	case RECORD_MESSAGE:
		return label_of_message(&e->message, arena);
	case RECORD_DNS_QUERY:
	case RECORD_DNS_ANSWER:
		return label_of_dns(e->record, arena);
	case RECORD_CONNECTION:
		return label_of_connection(&e->record->connection, far, arena);
	case RECORD_HANDSHAKE:
		return label_of_handshake(&e->record->handshake, far, arena);
	case RECORD_JUDGEMENT:
		return label_of_judgement(&e->record->judgement, arena);
	case RECORD_RULE:
		return label_of_rule(&e->record->rule, arena);
	case RECORD_NOTICE:
		return label_of_notice(&e->record->notice, arena);
	default:
		return SPAN_NONE;
	}
}

/* ---- what is drawn ---- */

static enum explain_row_class class_of_status(uint16_t status)
{
	if (status == 401 || status == 407 || status / 100 == 3)
		return EXPLAIN_CLASS_REDIRECT;
	return status < 200 ? EXPLAIN_CLASS_PROVISIONAL : status < 300 ? EXPLAIN_CLASS_GOOD : EXPLAIN_CLASS_BAD;
}

/* Most hosts have no address of the sixth version, and nothing is wrong with that. */
static enum explain_row_class class_of_answer(const struct record_dns *dns)
{
	if (dns->status == RECORD_DNS_NODATA && span_is(dns->type, "AAAA"))
		return EXPLAIN_CLASS_PROVISIONAL;
	return dns->status == RECORD_DNS_OK ? EXPLAIN_CLASS_PLAIN : EXPLAIN_CLASS_BAD;
}

static enum explain_row_class class_of(const struct explain_event *e)
{
	switch (e->kind) {
	case RECORD_MESSAGE:
		return e->message.is_request ? EXPLAIN_CLASS_PLAIN : class_of_status(e->message.status);
	case RECORD_DNS_ANSWER:
		return class_of_answer(&e->record->dns);
	case RECORD_CONNECTION:
		return e->record->connection.event == RECORD_CONNECTION_FAILED ? EXPLAIN_CLASS_BAD
									       : EXPLAIN_CLASS_PLAIN;
	case RECORD_HANDSHAKE:
		return e->record->handshake.failed ? EXPLAIN_CLASS_BAD : EXPLAIN_CLASS_PLAIN;
	case RECORD_JUDGEMENT:
		return e->record->judgement.severity == RECORD_ERROR ? EXPLAIN_CLASS_BAD : EXPLAIN_CLASS_PLAIN;
	case RECORD_NOTICE:
		return e->record->notice.severity == RECORD_ERROR ? EXPLAIN_CLASS_BAD : EXPLAIN_CLASS_PLAIN;
	default:
		return EXPLAIN_CLASS_PLAIN;
	}
}

/* What a reader of the ladder would skip: a question whose answer follows, a rule that was passed over, a log's own
 * summary of the call. */
static bool is_drawn(const struct explain_event *e)
{
	switch (e->kind) {
	case RECORD_MESSAGE:
	case RECORD_DNS_ANSWER:
	case RECORD_HANDSHAKE:
	case RECORD_JUDGEMENT:
	case RECORD_NOTICE:
		return true;
	case RECORD_CONNECTION:
		return e->record->connection.event == RECORD_CONNECTION_FAILED;
	case RECORD_RULE:
		return e->record->rule.verdict == RECORD_RULE_CONSIDERED;
	default:
		return false;
	}
}

static bool add_column(struct explain_ladder *ladder, const struct explain_host *host, struct arena *arena)
{
	char text[RECORD_ADDRESS_TEXT];
	struct span *column = &ladder->columns[ladder->column_count++];
	if (host->name.length > 0)
		*column = host->name;
	else if (host->address_count > 0 && record_address_format(&host->addresses[0], text) > 0)
		*column = arena_copy(arena, span_of(text));
	else
		*column = SPAN("?");
	return column->at != NULL;
}

/* The row of the same message that went before, for a retransmission. */
static struct explain_row *earlier(const struct explain_ladder *ladder, const struct explain_row *row)
{
	for (uint32_t i = ladder->row_count; i-- > 0;) {
		struct explain_row *r = &ladder->rows[i];
		if (r->kind == EXPLAIN_ROW_ARROW && r->from == row->from && r->to == row->to &&
			span_equal(r->label, row->label))
			return r;
	}
	return NULL;
}

static void add_gap(struct explain_ladder *ladder, int64_t before_us, int64_t time_us)
{
	if (before_us && time_us && time_us - before_us >= GAP_US)
		ladder->rows[ladder->row_count++] = (struct explain_row){
			.kind = EXPLAIN_ROW_GAP, .step = EXPLAIN_NO_STEP, .gap_us = time_us - before_us
		};
}

static bool fill(struct explain_ladder *ladder, uint32_t failing, struct arena *arena)
{
	const struct explain_case *c = ladder->subject;
	int64_t first_us = 0, before_us = 0;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_step *step = &c->steps[i];
		if (i != failing && !is_drawn(step->event))
			continue;
		/* Only messages are arrows: what is told of a connection is longer than any gap between columns. */
		bool is_arrow = step->is_arrow && step->event->kind == RECORD_MESSAGE && step->from != step->to;
		struct span far = step->is_arrow ? ladder->columns[step->to] : SPAN_NONE;
		struct explain_row row = { .kind = is_arrow ? EXPLAIN_ROW_ARROW : EXPLAIN_ROW_NOTE,
			.class = class_of(step->event),
			.from = step->from,
			.to = is_arrow ? step->to : step->from,
			.step = i,
			.count = 1,
			.failing = i == failing,
			.time_us = step->time_us,
			.label = label_of(step->event, far, arena) };
		if (!row.label.at)
			return false;
		struct explain_row *first = step->is_repeated && i != failing ? earlier(ladder, &row) : NULL;
		if (first) {
			first->count++;
			continue;
		}
		add_gap(ladder, before_us, row.time_us);
		if (row.time_us) {
			first_us = first_us ? first_us : row.time_us;
			before_us = row.time_us;
			row.gap_us = row.time_us - first_us;
		}
		ladder->rows[ladder->row_count++] = row;
	}
	return true;
}

/* Rows from first on, so many of them, become one that says how many. */
static void leave_out(struct explain_ladder *ladder, uint32_t first, uint32_t count)
{
	if (count < 2)
		return;
	ladder->rows[first] = (struct explain_row){ .kind = EXPLAIN_ROW_MORE, .step = EXPLAIN_NO_STEP, .count = count };
	for (uint32_t i = first + count; i < ladder->row_count; i++)
		ladder->rows[i - count + 1] = ladder->rows[i];
	ladder->row_count -= count - 1;
}

/* The beginning stays, the failing row with some around it, and the end. */
static void shorten(struct explain_ladder *ladder, uint32_t maximum)
{
	uint32_t failing = ladder->row_count;
	if (ladder->row_count <= maximum || maximum < 4 * KEPT_BEFORE)
		return;
	for (uint32_t i = 0; i < ladder->row_count; i++)
		if (ladder->rows[i].failing)
			failing = i;
	uint32_t head = maximum - 3 * KEPT_BEFORE;
	uint32_t tail = ladder->row_count - KEPT_BEFORE;
	uint32_t near = failing > KEPT_BEFORE ? failing - KEPT_BEFORE : 0;
	uint32_t after = failing + KEPT_BEFORE;
	if (failing == ladder->row_count || after <= head || near >= tail) {
		leave_out(ladder, head, tail - head);
		return;
	}
	if (after < tail)
		leave_out(ladder, after, tail - after);
	if (near > head)
		leave_out(ladder, head, near - head);
}

const struct explain_ladder *explain_ladder_make(
	const struct explain_case *c, uint32_t failing, uint32_t rows_maximum, struct arena *arena)
{
	struct explain_ladder *ladder = arena_zero(arena, sizeof(*ladder));
	if (!ladder)
		return NULL;
	ladder->subject = c;
	ladder->columns = arena_zero(arena, (c->host_count + 1) * sizeof(*ladder->columns));
	/* A gap may stand before each step, and behind them what the case has no room for. */
	ladder->rows = arena_zero(arena, (2 * (size_t)c->step_count + 1) * sizeof(*ladder->rows));
	if (!ladder->columns || !ladder->rows)
		return NULL;
	for (uint32_t i = 0; i < c->host_count; i++)
		if (!add_column(ladder, &c->hosts[i], arena))
			return NULL;
	if (!fill(ladder, failing, arena))
		return NULL;
	if (rows_maximum)
		shorten(ladder, rows_maximum);
	if (c->dropped > 0)
		ladder->rows[ladder->row_count++] =
			(struct explain_row){ .kind = EXPLAIN_ROW_MORE, .step = EXPLAIN_NO_STEP, .count = c->dropped };
	return ladder;
}
