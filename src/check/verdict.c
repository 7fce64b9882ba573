/* SPDX-License-Identifier: Apache-2.0 */
/* Names and order of what a report says. */
#include "base/require.h"
#include "check/judge.h"

static const struct {
	const char *name;
	int exit;
	int rank; /* of several domains: failed before unknown before warned before good */
} verdicts[] = {
	[CHECK_PASS] = { "pass", 0, 0 },
	[CHECK_WARN] = { "warn", 1, 1 },
	[CHECK_FAIL] = { "fail", 2, 3 },
	[CHECK_UNKNOWN] = { "unknown", 3, 2 },
};

static const char *const step_names[CHECK_STEP_COUNT] = {
	[CHECK_STEP_SRV] = "SRV",
	[CHECK_STEP_DOMAIN] = "domain rule",
	[CHECK_STEP_ADDRESS] = "address",
	[CHECK_STEP_TCP] = "TCP",
	[CHECK_STEP_TLS] = "TLS",
	[CHECK_STEP_CHAIN] = "chain",
	[CHECK_STEP_NAME] = "name",
	[CHECK_STEP_DATES] = "dates",
	[CHECK_STEP_USAGE] = "usage",
	[CHECK_STEP_OPTIONS] = "OPTIONS",
};

const char *check_verdict_name(enum check_verdict verdict)
{
	base_require(verdict < BASE_COUNT(verdicts));
	return verdicts[verdict].name;
}

int check_verdict_exit(enum check_verdict verdict)
{
	base_require(verdict < BASE_COUNT(verdicts));
	return verdicts[verdict].exit;
}

enum check_verdict check_verdict_worst(enum check_verdict a, enum check_verdict b)
{
	base_require(a < BASE_COUNT(verdicts) && b < BASE_COUNT(verdicts));
	return verdicts[b].rank > verdicts[a].rank ? b : a;
}

const char *check_step_name(enum check_step step)
{
	base_require(step < CHECK_STEP_COUNT);
	return step_names[step];
}
