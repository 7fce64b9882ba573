/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TEST_TRANSPORT_FAKE_DNS_H
#define FEDGE_TEST_TRANSPORT_FAKE_DNS_H
/* A resolver that answers from the including test's table ZONE: it stands in for net's at link time. */
#include "base/require.h"
#include "net/loop.h"
#include "net/resolver.h"

#include <stdio.h>
#include <stdlib.h>

struct zone_line {
	const char *name;
	enum net_dns_type type;
	const char *data; /* "192.0.2.1"; "priority weight port target"; "order preference service replacement" */
};

extern const struct zone_line *const fake_zone;
extern const size_t fake_zone_count;

struct net_query {
	struct net_question question;
	char *name;
	struct wheel_timer timer;
	struct net_loop *loop;
};

static unsigned asked;
static unsigned cancelled;

static char *part_of(char **rest)
{
	char *part = *rest;
	char *blank = strchr(part, ' ');
	*rest = blank ? blank + 1 : part + strlen(part);
	if (blank)
		*blank = '\0';
	return part;
}

static void read_record(const struct zone_line *line, char *text, struct net_dns_record *ret_record)
{
	strcpy(text, line->data);
	char *rest = text;
	memset(ret_record, 0, sizeof(*ret_record));
	switch (line->type) {
	case NET_DNS_SRV:
		ret_record->srv.priority = (uint16_t)atoi(part_of(&rest));
		ret_record->srv.weight = (uint16_t)atoi(part_of(&rest));
		ret_record->srv.port = (uint16_t)atoi(part_of(&rest));
		ret_record->srv.target = part_of(&rest);
		break;
	case NET_DNS_NAPTR:
		ret_record->naptr.order = (uint16_t)atoi(part_of(&rest));
		ret_record->naptr.preference = (uint16_t)atoi(part_of(&rest));
		ret_record->naptr.flags = SPAN("S");
		ret_record->naptr.service = span_of(part_of(&rest));
		ret_record->naptr.replacement = part_of(&rest);
		break;
	default:
		base_require(net_address_parse(span_of(line->data), 0, &ret_record->address) == 0);
		break;
	}
}

static void answer_now(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	struct net_query *query = base_container(timer, struct net_query, timer);
	struct net_dns_record records[8];
	char texts[8][64];
	struct net_dns_answer answer = {
		.name = query->name,
		.type = query->question.type,
		.status = NET_DNS_NXDOMAIN,
		.why = "no such name",
		.records = records,
	};
	for (size_t i = 0; i < fake_zone_count; i++) {
		if (strcmp(fake_zone[i].name, query->name) != 0 || fake_zone[i].type != query->question.type)
			continue;
		answer.status = NET_DNS_OK;
		answer.why = "";
		if (strcmp(fake_zone[i].data, "!servfail") == 0)
			answer.status = NET_DNS_SERVFAIL;
		else if (strcmp(fake_zone[i].data, "!timeout") == 0)
			answer.status = NET_DNS_TIMEOUT;
		else if (strcmp(fake_zone[i].data, "!bogus") == 0)
			answer.status = NET_DNS_BOGUS;
		else {
			read_record(&fake_zone[i], texts[answer.record_count], &records[answer.record_count]);
			answer.record_count++;
			continue;
		}
		answer.why = "the server failed";
	}
	query->question.answered(query->question.argument, &answer);
	free(query->name);
	free(query);
}

int net_resolver_ask(struct net_resolver *resolver, struct net_loop *loop, const struct net_question *question,
	struct net_query **ret_query)
{
	(void)resolver;
	struct net_query *query = calloc(1, sizeof(*query));
	query->question = *question;
	query->name = strdup(question->name);
	query->loop = loop;
	wheel_timer_init(&query->timer, answer_now);
	/* Not in the order asked. */
	wheel_arm(net_loop_wheel(loop), &query->timer, net_loop_now_us(loop) + (asked++ % 3) * 1000);
	*ret_query = query;
	return 0;
}

void net_query_cancel(struct net_query *query)
{
	cancelled++;
	wheel_disarm(net_loop_wheel(query->loop), &query->timer);
	free(query->name);
	free(query);
}

/* An answer as the transport keeps it: a copy on the heap. */
struct kept {
	struct net_dns_answer answer;
	struct net_dns_record records[8];
	char texts[8][64];
};

const struct net_dns_answer *net_dns_answer_ref(const struct net_dns_answer *answer)
{
	struct kept *kept = calloc(1, sizeof(*kept));
	kept->answer = *answer;
	kept->answer.records = kept->records;
	for (size_t i = 0; i < answer->record_count; i++) {
		kept->records[i] = answer->records[i];
		if (answer->type == NET_DNS_SRV)
			kept->records[i].srv.target = strcpy(kept->texts[i], answer->records[i].srv.target);
		if (answer->type == NET_DNS_NAPTR) {
			struct span service = answer->records[i].naptr.service;
			kept->records[i].naptr.replacement =
				strcpy(kept->texts[i], answer->records[i].naptr.replacement);
			memcpy(kept->texts[i] + 40, service.at, service.length);
			kept->records[i].naptr.service = span_make(kept->texts[i] + 40, service.length);
		}
	}
	kept->answer.name = strdup(answer->name);
	return &kept->answer;
}

void net_dns_answer_unref(const struct net_dns_answer *answer)
{
	if (!answer)
		return;
	struct kept *kept = base_container((void *)(uintptr_t)answer, struct kept, answer);
	free((void *)(uintptr_t)kept->answer.name);
	free(kept);
}

const char *net_dns_type_name(enum net_dns_type type)
{
	return type == NET_DNS_SRV ? "SRV" : type == NET_DNS_A ? "A" : "AAAA";
}
#endif
