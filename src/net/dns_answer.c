/* SPDX-License-Identifier: Apache-2.0 */
/* Wire to records. What strangers put into RDATA is read with its length in mind, always. */
#include "base/require.h"
#include "net/resolver_private.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>

#define ANSWER_MAXIMUM ((size_t)1 << 20)

struct counted_answer {
	struct net_dns_answer answer;
	_Atomic unsigned references;
	struct arena arena; /* of all that the answer points at */
	const struct net_dns_answer *from; /* whose records it shows; NULL: its own */
};

static struct counted_answer *counted(const struct net_dns_answer *answer)
{
	return base_container((uintptr_t)answer, struct counted_answer, answer);
}

/* ---- names ---- */

static bool plain_in_name(unsigned char byte)
{
	return byte > ' ' && byte < 0x7f && !strchr(".\\\"();@$", byte);
}

int net_dns_name_of_wire(struct span wire, char text[NET_DNS_NAME_TEXT_SIZE])
{
	size_t at = 0, used = 0;
	for (;;) {
		if (at >= wire.length || at > 254)
			return -EBADMSG;
		size_t label = (unsigned char)wire.at[at++];
		if (label == 0)
			break;
		if (label > 63 || label > wire.length - at)
			return -EBADMSG;
		if (used)
			text[used++] = '.';
		for (; label > 0; label--, at++) {
			unsigned char byte = (unsigned char)wire.at[at];
			if (plain_in_name(byte))
				text[used++] = (char)byte;
			else
				used += (size_t)snprintf(text + used, 5, "\\%03u", byte);
		}
	}
	if (used == 0)
		text[used++] = '.';
	text[used] = '\0';
	return (int)at;
}

int dns_name_check(const char *name)
{
	size_t length = name ? strlen(name) : 0, label = 0;
	if (length > 0 && name[length - 1] == '.')
		length--;
	if (length == 0 || length > 253)
		return -EINVAL;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && name[i] != '.') {
			label++;
			continue;
		}
		if (label == 0 || label > 63)
			return -EINVAL;
		label = 0;
	}
	/* libunbound reads backslashes as escapes. */
	return memchr(name, '\\', length) ? -EINVAL : 0;
}

/* ---- RDATA ---- */

static unsigned u16_at(struct span data, size_t at)
{
	return (unsigned)(unsigned char)data.at[at] << 8 | (unsigned char)data.at[at + 1];
}

static int record_of_address(struct arena *arena, struct span data, struct net_dns_record *record)
{
	(void)arena;
	return net_address_of_bytes(data, 0, &record->address);
}

/* RFC 2782 */
static int record_of_srv(struct arena *arena, struct span data, struct net_dns_record *record)
{
	char target[NET_DNS_NAME_TEXT_SIZE];
	if (data.length < 7 || net_dns_name_of_wire(span_from(data, 6), target) != (int)data.length - 6)
		return -EBADMSG;
	record->srv.priority = (uint16_t)u16_at(data, 0);
	record->srv.weight = (uint16_t)u16_at(data, 2);
	record->srv.port = (uint16_t)u16_at(data, 4);
	record->srv.target = arena_copy_text(arena, target);
	return record->srv.target ? 0 : -ENOMEM;
}

/* A <character-string> (RFC 1035 3.3) off the front. */
static int take_string(struct arena *arena, struct span *data, struct span *ret_string)
{
	size_t length = data->length ? (unsigned char)data->at[0] : 0;
	if (data->length < 1 || length > data->length - 1)
		return -EBADMSG;
	*ret_string = arena_copy(arena, span_make(data->at + 1, length));
	*data = span_from(*data, 1 + length);
	return ret_string->at ? 0 : -ENOMEM;
}

/* RFC 3403 4.1 */
static int record_of_naptr(struct arena *arena, struct span data, struct net_dns_record *record)
{
	char replacement[NET_DNS_NAME_TEXT_SIZE];
	if (data.length < 7)
		return -EBADMSG;
	record->naptr.order = (uint16_t)u16_at(data, 0);
	record->naptr.preference = (uint16_t)u16_at(data, 2);
	struct span rest = span_from(data, 4);
	if (take_string(arena, &rest, &record->naptr.flags) < 0 ||
		take_string(arena, &rest, &record->naptr.service) < 0 ||
		take_string(arena, &rest, &record->naptr.regexp) < 0 ||
		net_dns_name_of_wire(rest, replacement) != (int)rest.length)
		return -EBADMSG;
	record->naptr.replacement = arena_copy_text(arena, replacement);
	return record->naptr.replacement ? 0 : -ENOMEM;
}

/* RFC 6698 2.1 */
static int record_of_tlsa(struct arena *arena, struct span data, struct net_dns_record *record)
{
	if (data.length < 4)
		return -EBADMSG;
	record->tlsa.usage = (uint8_t)data.at[0];
	record->tlsa.selector = (uint8_t)data.at[1];
	record->tlsa.matching = (uint8_t)data.at[2];
	record->tlsa.data = arena_copy(arena, span_from(data, 3));
	return record->tlsa.data.at ? 0 : -ENOMEM;
}

static const struct {
	enum net_dns_type type;
	const char *name;
	size_t exact; /* length of RDATA; 0: any */
	int (*read)(struct arena *arena, struct span data, struct net_dns_record *record);
} types[] = {
	{ NET_DNS_A, "A", 4, record_of_address },
	{ NET_DNS_AAAA, "AAAA", 16, record_of_address },
	{ NET_DNS_SRV, "SRV", 0, record_of_srv },
	{ NET_DNS_NAPTR, "NAPTR", 0, record_of_naptr },
	{ NET_DNS_TLSA, "TLSA", 0, record_of_tlsa },
};

static size_t type_index(enum net_dns_type type)
{
	size_t i = 0;
	while (i < BASE_COUNT(types) && types[i].type != type)
		i++;
	return i;
}

const char *net_dns_type_name(enum net_dns_type type)
{
	size_t i = type_index(type);
	return i < BASE_COUNT(types) ? types[i].name : "unknown";
}

const char *net_dns_status_name(enum net_dns_status status)
{
	static const char *const names[] = {
		[NET_DNS_OK] = "OK",
		[NET_DNS_NODATA] = "NODATA",
		[NET_DNS_NXDOMAIN] = "NXDOMAIN",
		[NET_DNS_SERVFAIL] = "SERVFAIL",
		[NET_DNS_REFUSED] = "REFUSED",
		[NET_DNS_TIMEOUT] = "TIMEOUT",
		[NET_DNS_BOGUS] = "BOGUS",
		[NET_DNS_CANCELLED] = "CANCELLED",
	};
	return names[status];
}

/* ---- answers ---- */

static struct counted_answer *answer_new(const struct dns_head *head)
{
	struct counted_answer *made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	made->references = 1;
	arena_init(&made->arena, ANSWER_MAXIMUM);
	made->answer.name = arena_copy_text(&made->arena, head->name);
	made->answer.canonical = made->answer.name;
	made->answer.type = head->type;
	made->answer.asked_us = head->asked_us;
	made->answer.answered_us = head->answered_us;
	made->answer.why = "";
	if (made->answer.name)
		return made;
	arena_done(&made->arena);
	free(made);
	return NULL;
}

struct net_dns_answer *dns_answer_of_failure(const struct dns_head *head, enum net_dns_status status, const char *why)
{
	struct counted_answer *made = answer_new(head);
	if (!made)
		return NULL;
	made->answer.status = status;
	made->answer.rcode = -1;
	made->answer.why = arena_copy_text(&made->arena, why);
	if (!made->answer.why)
		made->answer.why = "no memory to say why";
	return &made->answer;
}

static bool same_name(struct span a, struct span b)
{
	if (a.length > 1 && a.at[a.length - 1] == '.')
		a.length--;
	if (b.length > 1 && b.at[b.length - 1] == '.')
		b.length--;
	return span_equal_nocase(a, b);
}

static void answer_set_canonical(struct counted_answer *made, const char *canonical)
{
	struct span name = span_of(canonical);
	if (!canonical || same_name(name, span_of(made->answer.name)))
		return;
	if (name.length > 1 && name.at[name.length - 1] == '.')
		name.length--;
	struct span copy = arena_copy(&made->arena, name);
	if (!copy.at)
		return;
	made->answer.alias = true;
	made->answer.canonical = copy.at;
}

static void answer_read_records(struct counted_answer *made, const struct ub_result *result)
{
	size_t type = type_index(made->answer.type), count = 0, kept = 0;
	while (result->data && result->data[count])
		count++;
	size_t room = count < NET_DNS_RECORD_MAXIMUM ? count : NET_DNS_RECORD_MAXIMUM;
	struct net_dns_record *records = arena_zero(&made->arena, (room + 1) * sizeof(*records));
	if (!records || type >= BASE_COUNT(types)) {
		made->answer.truncated = true;
		return;
	}
	for (size_t i = 0; i < count && kept < room; i++) {
		struct span data = span_make(result->data[i], result->len[i] > 0 ? (size_t)result->len[i] : 0);
		bool fits = types[type].exact == 0 || data.length == types[type].exact;
		if (fits && types[type].read(&made->arena, data, &records[kept]) == 0)
			kept++;
	}
	made->answer.records = records;
	made->answer.record_count = kept;
	made->answer.truncated = kept < count;
}

static const char *rcode_text(int rcode)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };
	return rcode >= 0 && rcode < (int)BASE_COUNT(names) ? names[rcode] : "an unusual error";
}

static void answer_set_status(struct counted_answer *made, const struct ub_result *result)
{
	struct net_dns_answer *answer = &made->answer;
	struct span why = SPAN_NONE;
	const char *type = net_dns_type_name(answer->type);
	if (result->bogus) {
		answer->status = NET_DNS_BOGUS;
		why = arena_printf(&made->arena, "%s", result->why_bogus ? result->why_bogus : "validation failed");
	} else if (result->havedata && answer->record_count > 0) {
		answer->status = NET_DNS_OK;
		return;
	} else if (result->havedata) {
		answer->status = NET_DNS_SERVFAIL;
		why = arena_printf(&made->arena, "the %s records of %s are malformed", type, answer->canonical);
	} else if (result->nxdomain || result->rcode == 3) {
		answer->status = NET_DNS_NXDOMAIN;
		why = arena_printf(&made->arena, "%s does not exist", answer->canonical);
	} else if (result->rcode == 0) {
		answer->status = NET_DNS_NODATA;
		why = arena_printf(&made->arena, "%s exists and has no %s record", answer->canonical, type);
	} else {
		answer->status = result->rcode == 5 ? NET_DNS_REFUSED : NET_DNS_SERVFAIL;
		why = arena_printf(&made->arena, "the answer is %s", rcode_text(result->rcode));
	}
	answer->why = why.at ? why.at : "no memory to say why";
}

struct net_dns_answer *dns_answer_of_result(const struct dns_head *head, const struct ub_result *result)
{
	struct counted_answer *made = answer_new(head);
	if (!made)
		return NULL;
	answer_set_canonical(made, result->canonname);
	made->answer.rcode = result->rcode;
	made->answer.secure = result->secure != 0;
	if (result->havedata && !result->bogus)
		answer_read_records(made, result);
	answer_set_status(made, result);
	bool cacheable = made->answer.status <= NET_DNS_NXDOMAIN;
	made->answer.ttl_s = cacheable && result->ttl > 0 ? (uint32_t)result->ttl : 0;
	return &made->answer;
}

const struct net_dns_answer *net_dns_answer_ref(const struct net_dns_answer *answer)
{
	atomic_fetch_add_explicit(&counted(answer)->references, 1, memory_order_relaxed);
	return answer;
}

void net_dns_answer_unref(const struct net_dns_answer *answer)
{
	if (!answer)
		return;
	struct counted_answer *made = counted(answer);
	if (atomic_fetch_sub_explicit(&made->references, 1, memory_order_acq_rel) != 1)
		return;
	net_dns_answer_unref(made->from);
	arena_done(&made->arena);
	free(made);
}

/* ---- answers that no server gave ---- */

/* As libunbound would have told it, so that the same readers read it. */
static struct net_dns_answer *answer_of_records(const struct dns_head *head, const struct net_dns_told *told)
{
	char *data[NET_DNS_RECORD_MAXIMUM + 2] = { NULL };
	int lengths[NET_DNS_RECORD_MAXIMUM + 2] = { 0 };
	size_t count = told->data_count < NET_DNS_RECORD_MAXIMUM + 1 ? told->data_count : NET_DNS_RECORD_MAXIMUM + 1;
	for (size_t i = 0; i < count; i++) {
		data[i] = (char *)(uintptr_t)told->data[i].at;
		lengths[i] = (int)told->data[i].length;
	}
	struct ub_result result = {
		.data = data,
		.len = lengths,
		.canonname = (char *)(uintptr_t)told->canonical,
		.rcode = told->status == NET_DNS_NXDOMAIN ? 3 : 0,
		.havedata = count > 0,
		.nxdomain = told->status == NET_DNS_NXDOMAIN,
		.ttl = told->ttl_s <= INT_MAX ? (int)told->ttl_s : INT_MAX,
	};
	return dns_answer_of_result(head, &result);
}

const struct net_dns_answer *net_dns_answer_tell(const struct net_dns_told *told)
{
	struct dns_head head = { told->name, told->type, told->asked_us, told->answered_us };
	if (told->status > NET_DNS_NXDOMAIN)
		return dns_answer_of_failure(&head, told->status, told->why ? told->why : "");
	struct net_dns_answer *answer = answer_of_records(&head, told);
	if (answer && told->why) {
		const char *why = arena_copy_text(&counted(answer)->arena, told->why);
		answer->why = why ? why : "no memory to say why";
	}
	return answer;
}

/* Shows the records of another answer under a head of its own; the text lives in the new one. */
static struct counted_answer *show(const struct net_dns_answer *from, const char *text, const char **ret_text)
{
	struct counted_answer *made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	made->references = 1;
	arena_init(&made->arena, ANSWER_MAXIMUM);
	made->answer = *from;
	*ret_text = arena_copy_text(&made->arena, text);
	if (!*ret_text) {
		arena_done(&made->arena);
		free(made);
		return NULL;
	}
	made->from = net_dns_answer_ref(from);
	return made;
}

const struct net_dns_answer *net_dns_answer_as(
	const char *name, const struct net_dns_answer *from, bool alias, bool secure)
{
	const char *copy;
	struct counted_answer *made = show(from, name, &copy);
	if (!made)
		return NULL;
	made->answer.name = copy;
	made->answer.alias = alias;
	made->answer.secure = secure;
	if (!alias)
		made->answer.canonical = copy;
	return &made->answer;
}

const struct net_dns_answer *net_dns_answer_unvalidated(const struct net_dns_answer *answer, const char *why)
{
	const char *copy;
	struct counted_answer *made = show(answer, why, &copy);
	if (!made)
		return NULL;
	made->answer.why = copy;
	made->answer.bogus = true;
	made->answer.secure = false;
	return &made->answer;
}
