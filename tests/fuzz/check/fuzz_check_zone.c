/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a zone file: refused with a place and words, or read so that whatever it holds can be asked for. */
#include "base/require.h"
#include "check/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct check_zone *zone, const char *name, enum net_dns_type type, bool only)
{
	const struct net_dns_answer *answer = NULL;
	const char *alias = NULL;
	enum check_zone_result result = check_zone_ask(zone, name, type, only, &answer, &alias);
	base_require((result == CHECK_ZONE_ANSWER) == (answer != NULL));
	base_require((result == CHECK_ZONE_ALIAS) == (alias != NULL));
	if (!answer)
		return;
	base_require(!answer->secure && answer->why && answer->canonical);
	base_require((answer->status == NET_DNS_OK) == (answer->record_count > 0));
	for (size_t i = 0; type == NET_DNS_SRV && i < answer->record_count; i++)
		base_require(answer->records[i].srv.target[0] != '\0');
	net_dns_answer_unref(answer);
}

/* Words of the file itself are likely names. */
static void ask_words(const struct check_zone *zone, struct span text)
{
	static const enum net_dns_type types[] = { NET_DNS_A, NET_DNS_AAAA, NET_DNS_SRV, NET_DNS_NAPTR, NET_DNS_TLSA };
	for (size_t asked = 0; text.length > 0 && asked < 40; asked++) {
		char name[300];
		size_t length = 0;
		while (length < text.length && text.at[length] > ' ')
			length++;
		if (length > 0 && span_copy_to(span_first(text, length), name, sizeof(name)))
			for (size_t i = 0; i < BASE_COUNT(types); i++)
				ask(zone, name, types[i], asked % 2 == 0);
		text = span_from(text, length + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CHECK_ZONE_ERROR_SIZE];
	struct check_zone *zone = NULL;
	struct span text = span_make((const char *)data, size);
	/* The first byte chooses whether an origin is given. */
	struct span origin = size > 0 && data[0] % 2 ? SPAN("a.lab") : SPAN_NONE;
	if (check_zone_read_text("f", text, origin, &zone, error) < 0) {
		base_require(strncmp(error, "f:", 2) == 0 && strlen(error) > 4);
		for (const char *at = error; *at; at++)
			base_require((unsigned char)*at >= ' ');
		return 0;
	}
	ask(zone, "a.lab", NET_DNS_A, true);
	ask(zone, ".", NET_DNS_A, true);
	ask(zone, "", NET_DNS_A, false);
	ask(zone, "x.y.a.lab", NET_DNS_SRV, true);
	ask_words(zone, text);
	check_zone_free(zone);
	return 0;
}
