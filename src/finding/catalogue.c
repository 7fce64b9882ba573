/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/catalogue.h"

#include "base/require.h"

static const struct finding_entry entries[FINDING_COUNT] = {
#define FINDING(name, ...) [FINDING_##name] = { __VA_ARGS__ },
#include "finding/catalogue.def"
#undef FINDING
};

static const char *const severity_names[] = {
	[FINDING_NOTE] = "note",
	[FINDING_WARNING] = "warning",
	[FINDING_ERROR] = "error",
};

static const char *const who_names[] = {
	[FINDING_YOU] = "you",
	[FINDING_PARTNER] = "partner",
	[FINDING_NETWORK] = "network",
	[FINDING_OWNER] = "owner",
};

static const char *const stage_names[FINDING_STAGE_COUNT] = {
	[FINDING_STAGE_POLICY] = "policy",
	[FINDING_STAGE_LIMIT] = "limits",
	[FINDING_STAGE_LOOKUP] = "SRV record",
	[FINDING_STAGE_DOMAIN] = "domain rule",
	[FINDING_STAGE_ADDRESS] = "address",
	[FINDING_STAGE_CONNECTION] = "connection",
	[FINDING_STAGE_TLS] = "TLS",
	[FINDING_STAGE_CERTIFICATE] = "certificate",
	[FINDING_STAGE_ROUTE] = "routing",
	[FINDING_STAGE_ANSWER] = "answer",
};

const struct finding_entry *finding_entry(enum finding_code code)
{
	base_require(code > FINDING_NONE && code < FINDING_COUNT);
	return &entries[code];
}

enum finding_code finding_code_of(struct span code)
{
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++)
		if (span_is_nocase(code, entries[i].code))
			return (enum finding_code)i;
	return FINDING_NONE;
}

void finding_codes(const char *ret_codes[FINDING_COUNT])
{
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++)
		ret_codes[i - 1] = entries[i].code;
	ret_codes[FINDING_COUNT - 1] = NULL;
}

const char *finding_severity_name(enum finding_severity severity)
{
	base_require(severity <= FINDING_ERROR);
	return severity_names[severity];
}

const char *finding_who_name(enum finding_who who)
{
	base_require(who <= FINDING_OWNER);
	return who_names[who];
}

const char *finding_stage_name(enum finding_stage stage)
{
	base_require(stage < FINDING_STAGE_COUNT);
	return stage_names[stage];
}
