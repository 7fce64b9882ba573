/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/register.h"

#include "base/clock.h"
#include "base/require.h"
#include "sip/parameter.h"

#include <errno.h>
#include <string.h>

const char *registrar_outcome_name(enum registrar_outcome outcome)
{
	static const char *const names[] = {
		[REGISTRAR_DONE] = "done",
		[REGISTRAR_MALFORMED] = "malformed",
		[REGISTRAR_TOO_BRIEF] = "too-brief",
		[REGISTRAR_OUT_OF_ORDER] = "out-of-order",
		[REGISTRAR_TOO_MANY] = "too-many",
		[REGISTRAR_FULL] = "full",
		[REGISTRAR_FIRST_HOP_LACKS_OUTBOUND] = "first-hop-lacks-outbound",
		[REGISTRAR_UNKNOWN_EXTENSION] = "unknown-extension",
		[REGISTRAR_NO_MEMORY] = "no-memory",
	};
	return names[outcome];
}

/* ---- Require ---- */

static bool is_unknown(const void *argument, size_t index, struct span tag)
{
	static const char *const known[] = { "path", "outbound", "gruu" };
	(void)argument;
	(void)index;
	for (size_t i = 0; i < BASE_COUNT(known); i++)
		if (span_is_nocase(tag, known[i]))
			return false;
	return true;
}

struct span registrar_register_unknown(const struct sip_message *m, struct arena *arena)
{
	return sip_message_join(m, SIP_HEADER_REQUIRE, is_unknown, NULL, arena, NULL);
}

static bool demands(const struct sip_message *m, struct span tag)
{
	return sip_message_lists(m, SIP_HEADER_SUPPORTED, tag) || sip_message_lists(m, SIP_HEADER_REQUIRE, tag);
}

/* ---- one Contact ---- */

/* Seconds that were asked for: the Contact's own, else the Expires header's, else ours. A number beyond all reason is
 * the largest; one that is none counts as not given (RFC 3261 20.10, 20.19). */
static int64_t read_expires(const struct sip_message *m, const struct sip_address *contact, int64_t otherwise_s)
{
	uint64_t value;
	uint32_t header;
	struct span text;
	if (contact && sip_address_parameter(contact, SPAN("expires"), &text) && text.length) {
		int status = span_to_u64(text, UINT32_MAX, &value);
		if (status == 0)
			return (int64_t)value;
		return status == -ERANGE ? UINT32_MAX : otherwise_s;
	}
	return sip_message_number(m, SIP_HEADER_EXPIRES, &header) == 0 ? header : otherwise_s;
}

static bool is_parameter_of_ours(struct span name)
{
	static const char *const ours[] = { "expires", "q", "pub-gruu", "temp-gruu", "temp-gruu-cookie" };
	for (size_t i = 0; i < BASE_COUNT(ours); i++)
		if (span_is_nocase(name, ours[i]))
			return true;
	return false;
}

/* The others are echoed in every answer and go to nobody else. */
static struct span read_parameters(const struct sip_address *contact, struct arena *arena)
{
	struct span rest = contact->parameters;
	char *kept = arena_allocate(arena, rest.length + 1); /* the ";" of the first one */
	char *end = kept;
	for (struct sip_parameter parameter; kept && sip_parameter_next(&rest, &parameter);) {
		if (is_parameter_of_ours(parameter.name))
			continue;
		*end++ = ';';
		end = mempcpy(end, parameter.name.at, parameter.name.length);
		if (!parameter.value.at)
			continue;
		*end++ = '=';
		end = mempcpy(end, parameter.value.at, parameter.value.length);
	}
	return end > kept ? span_make(kept, (size_t)(end - kept)) : SPAN_NONE;
}

static struct span read_instance(const struct sip_address *contact)
{
	struct span value;
	if (!sip_address_parameter(contact, SPAN("+sip.instance"), &value))
		return SPAN_NONE;
	value = sip_unquote(value);
	return value.length ? value : SPAN_NONE;
}

static uint32_t read_reg_id(const struct sip_address *contact, struct span instance)
{
	struct span text;
	uint64_t value = 0;
	/* RFC 5626 6: without an instance it means nothing. */
	if (!instance.at || !sip_address_parameter(contact, SPAN("reg-id"), &text) ||
		span_to_u64(text, INT32_MAX, &value) < 0)
		return 0;
	return (uint32_t)value;
}

/* RFC 5626 6: the last Path value is the first hop's; with "ob" it promises to reach the phone over the same flow. */
static bool first_hop_has_outbound(const struct sip_message *m, const struct registrar_sender *sender)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_PATH);
	struct sip_address address;
	struct sip_uri uri;
	bool has = false;
	if (sender->is_direct && !sip_message_has(m, SIP_HEADER_PATH))
		return registrar_flow_is_set(sender->flow);
	for (struct span value; sip_values_next(&values, &value);)
		has = sip_address_parse_uri(value, &address, &uri) == 0 && sip_uri_parameter(&uri, SPAN("ob"), NULL);
	return has;
}

static enum registrar_outcome set_expiry(
	struct registrar_binding *binding, const struct registrar_rules *rules, int64_t asked_s, int64_t now_us)
{
	if (asked_s == 0)
		return REGISTRAR_DONE;
	/* RFC 3261 10.3 step 7: nobody who asks for an hour or more is refused. */
	if (asked_s < rules->minimum_expires_s && asked_s < 3600)
		return REGISTRAR_TOO_BRIEF;
	if (asked_s > rules->maximum_expires_s)
		asked_s = rules->maximum_expires_s;
	if (asked_s < rules->minimum_expires_s)
		asked_s = rules->minimum_expires_s;
	binding->expires_us = now_us + asked_s * CLOCK_SECOND_US;
	return REGISTRAR_DONE;
}

struct reading {
	const struct sip_message *message;
	const struct registrar_rules *rules;
	const struct registrar_sender *sender;
	int64_t now_us;
	struct arena *arena;
	struct span path;
	bool supports_outbound;
	size_t flows; /* contacts with a reg-id that stay */
};

static enum registrar_outcome read_outbound(struct reading *reading, struct registrar_binding *binding)
{
	if (!binding->reg_id || !reading->supports_outbound) {
		binding->reg_id = 0;
		return REGISTRAR_DONE;
	}
	if (binding->expires_us == 0)
		return REGISTRAR_DONE;
	/* RFC 5626 6: one flow a REGISTER. */
	if (reading->flows++ > 0)
		return REGISTRAR_MALFORMED;
	if (!first_hop_has_outbound(reading->message, reading->sender))
		return REGISTRAR_FIRST_HOP_LACKS_OUTBOUND;
	binding->outbound = true;
	return REGISTRAR_DONE;
}

/* What is kept for hours has a maximum; a REGISTER that wants more kept is refused. */
#define TEXTS_MAXIMUM 6144
#define AGENT_MAXIMUM 256

/* One line, as it was meant: folds (RFC 3261 7.3.1) become blanks. */
static struct span unfolded(struct span text, struct arena *arena)
{
	if (span_find(text, '\r') == text.length && span_find(text, '\n') == text.length)
		return text;
	char *at = arena_allocate(arena, text.length);
	for (size_t i = 0; at && i < text.length; i++)
		at[i] = text.at[i] == '\r' || text.at[i] == '\n' ? ' ' : text.at[i];
	return at ? span_make(at, text.length) : SPAN_NONE;
}

static bool is_keepable(struct registrar_binding *binding, struct arena *arena)
{
	size_t length = 0;
#define X(name)                                                                                                        \
	binding->name = unfolded(binding->name, arena);                                                                \
	length += binding->name.length;
	REGISTRAR_BINDING_TEXTS(X)
#undef X
	return binding->contact.length && binding->call_id.length && length <= TEXTS_MAXIMUM;
}

static enum registrar_outcome read_contact(
	struct reading *reading, struct span value, struct registrar_binding *ret_binding)
{
	const struct sip_message *m = reading->message;
	const struct registrar_sender *sender = reading->sender;
	struct sip_address contact;
	struct sip_uri uri;
	struct span q;
	/* RFC 3261 19.1.1 lets it have headers, and no Request-URI; it would be one. */
	if (sip_address_parse_uri(value, &contact, &uri) < 0 || contact.is_wildcard || !sip_uri_is_sip(&uri) ||
		uri.headers.at)
		return REGISTRAR_MALFORMED;
	*ret_binding = (struct registrar_binding){
		.contact = contact.uri,
		.parameters = read_parameters(&contact, reading->arena),
		.call_id = m->call_id,
		.path = reading->path,
		.agent = span_first(sip_message_value(m, SIP_HEADER_USER_AGENT), AGENT_MAXIMUM),
		.instance = read_instance(&contact),
		.received = sender->received,
		.transport = sender->transport,
		.source = sender->source,
		.user = sender->user,
		.registered_us = reading->now_us,
		.refreshed_us = reading->now_us,
		.cseq = m->cseq,
		.q = sip_address_parameter(&contact, SPAN("q"), &q) ? sip_q_value(q) : 1000,
		.flow = reading->path.at ? REGISTRAR_FLOW_NONE : sender->flow,
	};
	if (!is_keepable(ret_binding, reading->arena))
		return REGISTRAR_MALFORMED;
	ret_binding->reg_id = read_reg_id(&contact, ret_binding->instance);
	int64_t asked_s = read_expires(m, &contact, reading->rules->expires_s);
	enum registrar_outcome outcome = set_expiry(ret_binding, reading->rules, asked_s, reading->now_us);
	return outcome == REGISTRAR_DONE ? read_outbound(reading, ret_binding) : outcome;
}

/* ---- all of them ---- */

static enum registrar_outcome read_contacts(struct reading *reading, struct registrar_wish *wish)
{
	struct sip_values values = sip_message_values(reading->message, SIP_HEADER_CONTACT);
	for (struct span value; sip_values_next(&values, &value);) {
		if (wish->count >= REGISTRAR_CONTACTS_MAXIMUM)
			return REGISTRAR_TOO_MANY;
		enum registrar_outcome outcome = read_contact(reading, value, &wish->changes[wish->count]);
		if (outcome != REGISTRAR_DONE)
			return outcome;
		wish->uses_outbound |= wish->changes[wish->count].outbound;
		wish->count++;
	}
	return wish->count ? REGISTRAR_DONE : REGISTRAR_MALFORMED;
}

static bool has_wildcard(const struct sip_message *m, size_t *ret_count)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_CONTACT);
	bool has = false;
	*ret_count = 0;
	for (struct span value; sip_values_next(&values, &value); ++*ret_count)
		has |= span_is(value, "*");
	return has;
}

enum registrar_outcome registrar_register_read(const struct sip_message *m, const struct registrar_rules *rules,
	const struct registrar_sender *sender, int64_t now_us, struct arena *arena, struct registrar_wish *ret_wish)
{
	struct registrar_wish wish = { .call_id = m->call_id, .cseq = m->cseq };
	size_t count;
	wish.wants_gruu = demands(m, SPAN("gruu"));
	if (registrar_register_unknown(m, arena).at)
		return REGISTRAR_UNKNOWN_EXTENSION;
	if (!sip_message_has(m, SIP_HEADER_CONTACT)) {
		*ret_wish = wish;
		return REGISTRAR_DONE;
	}
	if (has_wildcard(m, &count)) {
		/* RFC 3261 10.3 step 6. */
		uint32_t expires;
		if (count != 1 || sip_message_number(m, SIP_HEADER_EXPIRES, &expires) != 0 || expires != 0)
			return REGISTRAR_MALFORMED;
		wish.kind = REGISTRAR_REMOVE_ALL;
		*ret_wish = wish;
		return REGISTRAR_DONE;
	}
	struct reading reading = {
		.message = m,
		.rules = rules,
		.sender = sender,
		.now_us = now_us,
		.arena = arena,
		.path = sip_message_join(m, SIP_HEADER_PATH, NULL, NULL, arena, NULL),
		.supports_outbound = demands(m, SPAN("outbound")),
	};
	wish.kind = REGISTRAR_CHANGE;
	wish.changes = arena_zero(arena,
		(count < REGISTRAR_CONTACTS_MAXIMUM ? count : REGISTRAR_CONTACTS_MAXIMUM) * sizeof(*wish.changes));
	if (!wish.changes)
		return count ? REGISTRAR_NO_MEMORY : REGISTRAR_MALFORMED;
	enum registrar_outcome outcome = read_contacts(&reading, &wish);
	*ret_wish = wish;
	return outcome;
}

/* ---- against what is there ---- */

bool registrar_register_matches(const struct registrar_binding *a, const struct registrar_binding *b)
{
	struct sip_uri first, second;
	if (a->reg_id && b->reg_id)
		return a->reg_id == b->reg_id && span_equal(a->instance, b->instance);
	return sip_uri_parse(a->contact, &first, NULL) == 0 && sip_uri_parse(b->contact, &second, NULL) == 0 &&
	       sip_uri_equal(&first, &second);
}

static bool is_in_order(const struct registrar_wish *wish, const struct registrar_binding *binding)
{
	return !span_equal(wish->call_id, binding->call_id) || wish->cseq > binding->cseq;
}

static bool is_new(
	const struct registrar_wish *wish, size_t index, const struct registrar_binding *const *current, size_t count)
{
	const struct registrar_binding *change = &wish->changes[index];
	for (size_t i = 0; i < count; i++)
		if (registrar_register_matches(current[i], change))
			return false;
	for (size_t i = 0; i < index; i++)
		if (wish->changes[i].expires_us && registrar_register_matches(&wish->changes[i], change))
			return false;
	return true;
}

enum registrar_outcome registrar_register_judge(const struct registrar_wish *wish, const struct registrar_rules *rules,
	const struct registrar_binding *const *current, size_t count)
{
	size_t left = count, room = rules->contacts;
	for (size_t i = 0; i < count && wish->kind != REGISTRAR_FETCH; i++) {
		bool is_touched = wish->kind == REGISTRAR_REMOVE_ALL, goes = false;
		for (size_t k = 0; k < wish->count; k++) {
			if (!registrar_register_matches(current[i], &wish->changes[k]))
				continue;
			is_touched = true;
			goes = wish->changes[k].expires_us == 0; /* the last word counts */
		}
		if (is_touched && !is_in_order(wish, current[i]))
			return REGISTRAR_OUT_OF_ORDER;
		left -= goes;
	}
	for (size_t k = 0; k < wish->count; k++)
		left += wish->changes[k].expires_us && is_new(wish, k, current, count);
	if (room > REGISTRAR_CONTACTS_MAXIMUM)
		room = REGISTRAR_CONTACTS_MAXIMUM;
	/* Where a reload lowered the maximum, those who are there may refresh. */
	return left > room && left > count ? REGISTRAR_TOO_MANY : REGISTRAR_DONE;
}

/* ---- the answer ---- */

static void append_gruus(struct buffer *b, const struct registrar_binding *binding,
	const struct registrar_gruu_maker *maker, struct arena *arena)
{
	if (!maker || !binding->instance.at)
		return;
	struct span gruu = registrar_gruu_public(maker->aor, binding->instance, arena);
	if (!gruu.at)
		return;
	buffer_printf(b, ";pub-gruu=\"%.*s\"", SPAN_PRINT(gruu));
	gruu = registrar_gruu_temporary(maker, binding->instance, binding->call_id, arena);
	if (gruu.at)
		buffer_printf(b, ";temp-gruu=\"%.*s\"", SPAN_PRINT(gruu));
}

struct span registrar_register_contacts(const struct registrar_binding *bindings, size_t count, int64_t now_us,
	const struct registrar_gruu_maker *gruu, struct arena *arena)
{
	struct buffer b;
	buffer_init(&b, 1 << 18);
	for (size_t i = 0; i < count; i++) {
		const struct registrar_binding *binding = &bindings[i];
		int64_t left_s = (binding->expires_us - now_us + CLOCK_SECOND_US / 2) / CLOCK_SECOND_US;
		buffer_printf(&b, "%s<%.*s>%.*s;expires=%lld", i ? ", " : "", SPAN_PRINT(binding->contact),
			SPAN_PRINT(binding->parameters), (long long)(left_s > 0 ? left_s : 1));
		if (binding->q < 1000)
			buffer_printf(&b, ";q=0.%03u", binding->q);
		append_gruus(&b, binding, gruu, arena);
	}
	struct span value = b.length && b.status == 0 ? arena_copy(arena, buffer_span(&b)) : SPAN_NONE;
	buffer_done(&b);
	return value;
}
