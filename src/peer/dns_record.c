/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/dns_record.h"

#include "base/buffer.h"

#include <string.h>

static const enum record_dns_status record_statuses[] = {
	[NET_DNS_OK] = RECORD_DNS_OK,
	[NET_DNS_NODATA] = RECORD_DNS_NODATA,
	[NET_DNS_NXDOMAIN] = RECORD_DNS_NXDOMAIN,
	[NET_DNS_SERVFAIL] = RECORD_DNS_SERVFAIL,
	[NET_DNS_REFUSED] = RECORD_DNS_REFUSED,
	[NET_DNS_TIMEOUT] = RECORD_DNS_TIMEOUT,
	[NET_DNS_BOGUS] = RECORD_DNS_BOGUS,
	[NET_DNS_CANCELLED] = RECORD_DNS_CANCELLED,
};

/* The data of a record as a zone file has it. */
static void append_data(struct buffer *out, enum net_dns_type type, const struct net_dns_record *record)
{
	char text[NET_ADDRESS_TEXT_SIZE];
	switch (type) {
	case NET_DNS_SRV:
		buffer_printf(out, "%u %u %u %s%s", record->srv.priority, record->srv.weight, record->srv.port,
			record->srv.target, strcmp(record->srv.target, ".") == 0 ? "" : ".");
		break;
	case NET_DNS_NAPTR:
		buffer_printf(out, "%u %u \"%.*s\" \"%.*s\" \"%.*s\" %s.", record->naptr.order,
			record->naptr.preference, SPAN_PRINT(record->naptr.flags), SPAN_PRINT(record->naptr.service),
			SPAN_PRINT(record->naptr.regexp),
			strcmp(record->naptr.replacement, ".") == 0 ? "" : record->naptr.replacement);
		break;
	case NET_DNS_TLSA:
		buffer_printf(out, "%u %u %u ", record->tlsa.usage, record->tlsa.selector, record->tlsa.matching);
		for (size_t i = 0; i < record->tlsa.data.length; i++)
			buffer_printf(out, "%02x", (unsigned)(unsigned char)record->tlsa.data.at[i]);
		break;
	default:
		net_address_format_host(&record->address, text);
		buffer_append_text(out, text);
		break;
	}
}

static void describe(struct record *record, enum record_kind kind, const char *name, enum net_dns_type type)
{
	record->kind = kind;
	record->dns.name = span_of(name);
	record->dns.type = span_of(net_dns_type_name(type));
}

void peer_dns_record_question(
	const struct record_sink *sink, struct record *record, const char *name, enum net_dns_type type)
{
	describe(record, RECORD_DNS_QUERY, name, type);
	record_take(sink, record);
}

void peer_dns_record_answer(
	const struct record_sink *sink, struct record *record, const struct net_dns_answer *answer, int64_t elapsed_us)
{
	struct span data[RECORD_LIST_MAXIMUM];
	size_t ends[RECORD_LIST_MAXIMUM], count = 0;
	struct buffer text;
	buffer_init(&text, 64 * 1024);
	for (; count < answer->record_count && count < RECORD_LIST_MAXIMUM; count++) {
		append_data(&text, answer->type, &answer->records[count]);
		ends[count] = text.length;
	}
	for (size_t i = 0; i < count && text.status == 0; i++) {
		size_t from = i ? ends[i - 1] : 0;
		data[i] = span_make(text.at + from, ends[i] - from);
	}
	describe(record, RECORD_DNS_ANSWER, answer->name, answer->type);
	record->dns.status = record_statuses[answer->status];
	record->dns.records = (struct record_spans){ data, text.status == 0 ? count : 0 };
	record->dns.ttl_s = answer->ttl_s;
	record->dns.why = span_of(answer->why[0] ? answer->why : NULL);
	record->dns.secure = answer->secure;
	record->dns.elapsed_us = elapsed_us > 0 ? (uint64_t)elapsed_us : 0;
	record_take(sink, record);
	buffer_done(&text);
}
