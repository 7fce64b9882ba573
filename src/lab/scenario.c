/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/scenario.h"

#include "base/require.h"

/* ---- what must stand in the logs -------------------------------------------------------------
 * The shapes are those of Cisco TAC document 212383 (504 without a reason at the Expressway, the
 * two diagnostic records of the Edge, ms-diagnostics at the client), with the lab's own values. */

#define EDGE_INVITE "SIP-Start-Line: INVITE " LAB_PARTNER_USER " SIP/2.0"
#define NO_MATCH_RESULT "Result-Code: 0xc3e93d6f SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH"
#define MISMATCH_RESULT "Result-Code: 0xc3e93d67 SIPPROXY_E_ROUTING_MSG_CERT_MISMATCH"
#define MISMATCH_TEXT "The peer certificate does not contain a matching FQDN"
#define TRUST_REASON "reason=\"Certificate trust with another server could not be established\""

/* RFC 3261 allows any case and folding; what we write ourselves does neither. */
#define TO_TAG_OF_THE_EDGE "To:.*;tag=[0-9A-F]{32}\r?$"

#define BARE(status_line)                                                                                              \
	{                                                                                                              \
		.host = LAB_VCSE, .format = "expressway", .shows = "vcse got the bare answer of the Edge",             \
		.has = { "Action=\"Received\"", status_line, "Server: RTC/6.0",                                        \
			"ms-received-port=", "ms-received-cid=", "egress-zone=DNSZone1" },                             \
		.lacks = { "ms-diagnostics", "Warning:" }, .pattern = TO_TAG_OF_THE_EDGE                               \
	}
static const struct lab_mark bare_504[] = { BARE("SIP/2.0 504 Server time-out"), { 0 } };
static const struct lab_mark bare_403[] = { BARE("SIP/2.0 403 Forbidden"), { 0 } };

#define EDGE_NO_MATCH(target)                                                                                          \
	{                                                                                                              \
		.host = LAB_EDGE, .format = "sipstack",                                                                \
		.shows = "the Edge wrote why (no SRV target is in the domain)",                                        \
		.has = { "TL_WARN(TF_DIAG)",                                                                           \
			"Severity: warning",                                                                           \
			NO_MATCH_RESULT,                                                                               \
			EDGE_INVITE,                                                                                   \
			"SIP-CSeq:",                                                                                   \
			"Peer: vcse.steven.lab:",                                                                      \
			"domain=\"" LAB_DOMAIN_USERS "\"",                                                             \
			"fqdn1=\"" target ":5061\"",                                                                   \
			"$$end_record" }                                                                               \
	}
static const struct lab_mark edge_other_domain[] = { EDGE_NO_MATCH("vcse.steven.lab"), { 0 } };
static const struct lab_mark edge_subdomain[] = { EDGE_NO_MATCH("vcse.sub." LAB_DOMAIN_USERS), { 0 } };

#define EDGE_MISMATCH(...)                                                                                             \
	{                                                                                                              \
		.host = LAB_EDGE, .format = "sipstack", .shows = "the Edge wrote why (certificate without the name)",  \
		.has = { "TL_ERROR(TF_DIAG)",                                                                          \
			"Severity: error",                                                                             \
			MISMATCH_RESULT,                                                                               \
			EDGE_INVITE,                                                                                   \
			"SIP-CSeq:",                                                                                   \
			"Peer: ",                                                                                      \
			"expected-fqdn=\"vcse." LAB_DOMAIN_USERS "\"",                                                 \
			"info=\"" MISMATCH_TEXT "\"",                                                                  \
			__VA_ARGS__ }                                                                                  \
	}
static const struct lab_mark edge_name_missing[] = { EDGE_MISMATCH("certName=\"vcse.steven.lab\""), { 0 } };
static const struct lab_mark edge_mismatch[] = { EDGE_MISMATCH("certName=\""), { 0 } };

/* What the Edge tells its own client, who writes it into its log. */
#define CLIENT_TOLD(status_line, ...)                                                                                  \
	{                                                                                                              \
		.host = LAB_CLIENT, .format = "uccapi", .shows = "the client was told why",                            \
		.has = { status_line,                                                                                  \
			__VA_ARGS__,                                                                                   \
			"source=\"sip.skype.lab\"" }                                                                   \
	}
#define CLIENT_504(...) CLIENT_TOLD("SIP/2.0 504 Server time-out", __VA_ARGS__)
#define CLIENT_NO_MATCH(target)                                                                                        \
	CLIENT_504("ms-diagnostics: 1009;", "reason=\"No match for domain in DNS SRV results\"",                       \
		"domain=\"" LAB_DOMAIN_SPACES "\"", "fqdn1=\"" target ":5061\"")
#define CLIENT_NO_TRUST(domain, ...)                                                                                   \
	CLIENT_504("ms-diagnostics: 1010;", TRUST_REASON, "tls-target=\"vcse." domain "\"", __VA_ARGS__)
static const struct lab_mark client_other_domain[] = { CLIENT_NO_MATCH("vcse.steven.lab"), { 0 } };
static const struct lab_mark client_subdomain[] = { CLIENT_NO_MATCH("vcse.sub." LAB_DOMAIN_SPACES), { 0 } };
static const struct lab_mark client_name_missing[] = {
	CLIENT_NO_TRUST(LAB_DOMAIN_SPACES, "PeerServer=\"vcse.steven.lab\"", "ErrorType=\"" MISMATCH_TEXT "\"",
		"HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\""),
	{ 0 },
};
static const struct lab_mark client_cn_ignored[] = {
	CLIENT_NO_TRUST(LAB_DOMAIN_USERS, "HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\""),
	{ 0 },
};
static const struct lab_mark client_wildcard[] = {
	CLIENT_NO_TRUST(LAB_DOMAIN_SPACES, "HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\""),
	{ 0 },
};
static const struct lab_mark client_untrusted[] = {
	CLIENT_NO_TRUST(LAB_DOMAIN_SPACES, "HRESULT=\"0x80090325(SEC_E_UNTRUSTED_ROOT)\""),
	{ 0 },
};
static const struct lab_mark client_no_trust[] = { CLIENT_NO_TRUST(LAB_DOMAIN_SPACES, "ErrorType=\""), { 0 } };
static const struct lab_mark client_srv_missing[] = {
	CLIENT_504("ms-diagnostics: 1008;", "domain=\"" LAB_DOMAIN_SPACES "\""),
	{ 0 },
};
static const struct lab_mark client_address_missing[] = { CLIENT_504("ms-diagnostics: 1014;"), { 0 } };
static const struct lab_mark client_port_closed[] = { CLIENT_504("ms-diagnostics: 1046;"), { 0 } };

/* Phrases differ in case between RFC 3261 21.5.5 and the product; only the Edge's is contract. */
#define OUR_504 "SIP/2.0 504 "

/* What vcse tells its own side; a stranger never sees it. */
#define VCSE_TOLD(id)                                                                                                  \
	{                                                                                                              \
		.host = LAB_VCSE, .format = "expressway", .shows = "vcse told its own side why",                       \
		.has = { "Action=\"Sent\"",                                                                            \
			"Dst-ip=\"127.48.36.46\"",                                                                     \
			OUR_504,                                                                                       \
			"ms-diagnostics: " id ";",                                                                     \
			"source=\"vcse.steven.lab\"",                                                                  \
			"Warning: 399 " }                                                                              \
	}
#define VCSE_NAMED(alert)                                                                                              \
	{                                                                                                              \
		.host = LAB_VCSE, .format = "json", .shows = "vcse named the alert " alert,                            \
		.has = { "\"kind\":\"judgement\"",                                                                     \
			"\"certificate-refused-by-partner\"",                                                          \
			"[\"alert\",\"" alert "\"]" }                                                                  \
	}
static const struct lab_mark alert_unknown_ca[] = { VCSE_NAMED("unknown_ca"), { 0 } };
static const struct lab_mark alert_expired[] = { VCSE_NAMED("certificate_expired"), { 0 } };
static const struct lab_mark alert_purpose[] = { VCSE_NAMED("unsupported_certificate"), { 0 } };
static const struct lab_mark vcse_told_refused[] = { VCSE_TOLD("1047"), { 0 } };
static const struct lab_mark vcse_told_no_match[] = { VCSE_TOLD("1009"), { 0 } };
static const struct lab_mark vcse_told_no_trust[] = { VCSE_TOLD("1010"), { 0 } };

/* What vcse tells the partner about the partner's own public records, and the Edge passes on. */
#define CLIENT_PUBLIC(...)                                                                                             \
	{                                                                                                              \
		.host = LAB_CLIENT, .format = "uccapi", .shows = "the client was told what the partner's side found",  \
		.has = { OUR_504,                                                                                      \
			__VA_ARGS__ }                                                                                  \
	}
static const struct lab_mark client_public_no_match[] = {
	CLIENT_PUBLIC("ms-diagnostics-public: 1009;", "domain=\"" LAB_DOMAIN_PARTNER "\"",
		"fqdn1=\"sip." LAB_DOMAIN_HOSTER ":5061\""),
	{ 0 },
};
static const struct lab_mark client_public_no_trust[] = {
	CLIENT_PUBLIC("ms-diagnostics-public: 1010;", "tls-target=\"sip." LAB_DOMAIN_PARTNER "\""),
	{ 0 },
};

static const struct lab_mark call_went_out[] = {
	{
		.host = LAB_VCSE,
		.format = "expressway",
		.shows = "vcse sent the INVITE into its DNS zone",
		.has = { "Action=\"Sent\"", "INVITE " LAB_PARTNER_USER " SIP/2.0", "egress-zone=DNSZone1",
			"proxy-call-id=" },
	},
	{
		.host = LAB_EDGE,
		.format = "sipstack",
		.shows = "the Edge let it in",
		.has = { "TL_INFO(TF_PROTOCOL)", "Direction: incoming",
			"Start-Line: INVITE " LAB_PARTNER_USER " SIP/2.0", "$$end_record" },
	},
	{
		.host = LAB_CLIENT,
		.format = "uccapi",
		.shows = "the client's telephone rang",
		.has = { "INVITE " LAB_PARTNER_USER },
	},
	{ 0 },
};
static const struct lab_mark call_came_in[] = {
	{
		.host = LAB_EDGE,
		.format = "sipstack",
		.shows = "the Edge sent the INVITE out",
		.has = { "TL_INFO(TF_PROTOCOL)", "Direction: outgoing", "Start-Line: INVITE sip:", "$$end_record" },
	},
	{
		.host = LAB_VCSE,
		.format = "expressway",
		.shows = "vcse let it in and passed it on",
		.has = { "Action=\"Sent\"", "INVITE sip:", "egress-zone=TraversalZoneServer1" },
	},
	{ 0 },
};

/* ---- expectations that many scenarios share --------------------------------------------------- */

#define ANSWERED_OUT .status = 200, .marks = { call_went_out }
#define ANSWERED_IN .status = 200, .marks = { call_came_in }
/* The Edge's answer says nothing; vcse adds for its own side that the peer gave no reason. */
#define MUTE_504(code, ...) .status = 504, .diagnostics = 1034, .finding = code, .marks = { bare_504, __VA_ARGS__ }
/* The Edge refuses our certificate inside TLS, by an alert. */
#define REFUSED_BY_ALERT(alert)                                                                                        \
	.status = 504, .diagnostics = 1047, .finding = "certificate-refused-by-partner",                               \
	.marks = { vcse_told_refused, alert }
#define TOLD_504(id, code, ...) .status = 504, .diagnostics = id, .finding = code, .marks = { __VA_ARGS__ }

#define RIGHT_NAMES "vcse.steven.lab", "vcse." LAB_DOMAIN_USERS, "vcse." LAB_DOMAIN_SPACES

static const struct lab_scenario scenarios[] = {
	{
		.name = "healthy",
		.description = "nothing is wrong: calls are answered in both directions",
		.expected = {
			[LAB_OUTBOUND] = { ANSWERED_OUT },
			[LAB_INBOUND] = { ANSWERED_IN, .further_callee = LAB_USER },
		},
	},
	{
		.name = "srv-other-domain",
		.description = "the SRV records of our domains point to vcse.steven.lab, a name in another domain",
		.world = { .our_target = "vcse.steven.lab" },
		.expected = {
			[LAB_OUTBOUND] = { MUTE_504("srv-target-outside-domain", edge_other_domain) },
			[LAB_INBOUND] = { TOLD_504(1009, "srv-target-outside-domain", client_other_domain) },
		},
	},
	{
		.name = "srv-subdomain",
		.description = "the SRV records point to vcse.sub.DOMAIN, one label too deep",
		.world = { .our_target = "vcse.sub.{domain}" },
		.expected = {
			[LAB_OUTBOUND] = { MUTE_504("srv-target-outside-domain", edge_subdomain) },
			[LAB_INBOUND] = { TOLD_504(1009, "srv-target-outside-domain", client_subdomain) },
		},
	},
	{
		.name = "cert-name-missing",
		.description = "SRV is right, but vcse's certificate lacks the name it points to",
		.world = { .our_identity = { "vcse.steven.lab", { "vcse.steven.lab" } } },
		.expected = {
			[LAB_OUTBOUND] = { MUTE_504("certificate-name-mismatch", edge_name_missing) },
			[LAB_INBOUND] = { TOLD_504(1010, "certificate-name-mismatch", client_name_missing) },
		},
	},
	{
		.name = "cert-cn-only",
		.description = "vcse's certificate has the right common name and no alternative names: that is enough",
		.world = { .our_identity = { "vcse." LAB_DOMAIN_USERS } },
		.expected = {
			[LAB_OUTBOUND] = { ANSWERED_OUT },
			[LAB_INBOUND] = { ANSWERED_IN, .callee = LAB_USER },
		},
	},
	{
		.name = "cert-cn-ignored",
		.description = "the common name is right, but there are alternative names, and they lack it",
		.world = { .our_identity = { "vcse." LAB_DOMAIN_USERS, { "vcse.steven.lab" } } },
		.expected = {
			[LAB_OUTBOUND] = { MUTE_504("certificate-cn-ignored", edge_mismatch) },
			[LAB_INBOUND] = { TOLD_504(1010, "certificate-cn-ignored", client_cn_ignored), .callee = LAB_USER },
		},
	},
	{
		.name = "cert-wildcard",
		.description = "only *.DOMAIN covers the name, as common and as alternative name",
		.world = { .our_identity = { "*." LAB_DOMAIN_USERS, { "*.{domain}" } } },
		.expected = {
			[LAB_OUTBOUND] = { MUTE_504("certificate-wildcard-only", edge_mismatch) },
			[LAB_INBOUND] = { TOLD_504(1010, "certificate-wildcard-only", client_wildcard) },
		},
	},
	{
		.name = "cert-untrusted",
		.description = "vcse's certificate is from a private authority that nobody imported",
		.world = { .our_identity = { .private_authority = true } },
		.expected = {
			[LAB_OUTBOUND] = { REFUSED_BY_ALERT(alert_unknown_ca) },
			[LAB_INBOUND] = { TOLD_504(1010, "certificate-untrusted", client_untrusted) },
		},
	},
	{
		.name = "cert-chain-incomplete",
		.description = "vcse sends its certificate without the intermediate one",
		.world = { .our_identity = { .leaf_alone = true } },
		.expected = {
			[LAB_OUTBOUND] = { REFUSED_BY_ALERT(alert_unknown_ca) },
			[LAB_INBOUND] = { TOLD_504(1010, "certificate-chain-incomplete", client_no_trust) },
		},
	},
	{
		.name = "cert-expired",
		.description = "vcse's certificate is past its date",
		.world = { .our_identity = { .is_expired = true } },
		.expected = {
			[LAB_OUTBOUND] = { REFUSED_BY_ALERT(alert_expired) },
			[LAB_INBOUND] = { TOLD_504(1010, "certificate-expired", client_no_trust) },
		},
	},
	{
		.name = "cert-server-usage-only",
		.description = "vcse's certificate may not be used by a client, and the Edge requires that",
		.world = { .our_identity = { .server_usage_only = true } },
		.expected = {
			[LAB_OUTBOUND] = { REFUSED_BY_ALERT(alert_purpose) },
			[LAB_INBOUND] = { ANSWERED_IN },
		},
	},
	{
		.name = "srv-missing",
		.description = "our domains have no SRV record",
		.world = { .our_target = "" },
		.expected = {
			[LAB_OUTBOUND] = { MUTE_504("srv-missing") },
			[LAB_INBOUND] = { TOLD_504(1008, "srv-missing", client_srv_missing) },
		},
	},
	{
		.name = "address-missing",
		.description = "the SRV target has no address: matters only to who calls us",
		.world = { .our_address = "" },
		.expected = {
			[LAB_OUTBOUND] = { ANSWERED_OUT },
			[LAB_INBOUND] = { TOLD_504(1014, "address-missing", client_address_missing) },
		},
	},
	{
		.name = "port-closed",
		.description = "the SRV target's address is one where nobody listens",
		.world = { .our_address = LAB_SILENT_ADDRESS },
		.expected = {
			[LAB_OUTBOUND] = { ANSWERED_OUT },
			[LAB_INBOUND] = { TOLD_504(1046, "connect-refused", client_port_closed) },
		},
	},
	{
		.name = "domain-blocked",
		.description = "the Edge has our domains on its list of blocked ones",
		.world = { .partner_blocks_us = true },
		.expected = {
			[LAB_OUTBOUND] = { .status = 403, .diagnostics = 1034, .finding = "domain-blocked", .marks = { bare_403 } },
			[LAB_INBOUND] = { .status = 403, .diagnostics = LAB_ANY, .finding = "domain-blocked" },
		},
	},
	{
		.name = "partner-srv-other-domain",
		.description = "the partner's SRV record points into another domain: the partner must act",
		.world = { .partner_target = "sip." LAB_DOMAIN_HOSTER },
		.expected = {
			[LAB_OUTBOUND] = { TOLD_504(1009, "srv-target-outside-domain", vcse_told_no_match) },
			[LAB_INBOUND] = { .status = 504, .diagnostics = LAB_ANY, .public_diagnostics = 1009,
				.finding = "srv-target-outside-domain", .marks = { client_public_no_match } },
		},
	},
	{
		.name = "partner-cert-name-missing",
		.description = "the partner's certificate lacks the name its SRV record points to: the partner must act",
		.world = { .partner_identity = { "sfvedge.skype.lab", { "sfvedge.skype.lab" } } },
		.expected = {
			[LAB_OUTBOUND] = { TOLD_504(1010, "certificate-name-mismatch", vcse_told_no_trust) },
			[LAB_INBOUND] = { .status = 504, .diagnostics = LAB_ANY, .public_diagnostics = 1010,
				.finding = "certificate-name-mismatch", .marks = { client_public_no_trust } },
		},
	},
};

const char *lab_direction_name(enum lab_direction direction)
{
	return direction == LAB_OUTBOUND ? "outbound" : "inbound";
}

size_t lab_scenario_count(void)
{
	return BASE_COUNT(scenarios);
}

const struct lab_scenario *lab_scenario_at(size_t index)
{
	base_require(index < BASE_COUNT(scenarios));
	return &scenarios[index];
}

const struct lab_scenario *lab_scenario_find(const char *name)
{
	for (size_t i = 0; i < BASE_COUNT(scenarios); i++) {
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	}
	return NULL;
}

void lab_scenario_names(const char *ret_names[LAB_SCENARIO_MAXIMUM + 1])
{
	for (size_t i = 0; i < BASE_COUNT(scenarios); i++)
		ret_names[i] = scenarios[i].name;
	ret_names[BASE_COUNT(scenarios)] = NULL;
}

const char *lab_scenario_caller(const struct lab_scenario *scenario, enum lab_direction direction)
{
	if (scenario->expected[direction].caller)
		return scenario->expected[direction].caller;
	return direction == LAB_OUTBOUND ? LAB_PHONE_USER : LAB_PARTNER_USER;
}

const char *lab_scenario_callee(const struct lab_scenario *scenario, enum lab_direction direction)
{
	if (scenario->expected[direction].callee)
		return scenario->expected[direction].callee;
	return direction == LAB_OUTBOUND ? LAB_PARTNER_USER : LAB_SPACE;
}

/* Names of the healthy world where the scenario gives none. */
static struct lab_identity identity_or(const struct lab_identity *given, struct lab_identity healthy)
{
	struct lab_identity identity = *given;
	if (!given->common_name) {
		identity.common_name = healthy.common_name;
		memcpy(identity.alternative_names, healthy.alternative_names, sizeof(identity.alternative_names));
	}
	return identity;
}

struct lab_identity lab_scenario_our_identity(const struct lab_scenario *scenario)
{
	return identity_or(&scenario->world.our_identity,
		(struct lab_identity){ .common_name = "vcse.steven.lab", .alternative_names = { RIGHT_NAMES } });
}

struct lab_identity lab_scenario_partner_identity(const struct lab_scenario *scenario)
{
	return identity_or(&scenario->world.partner_identity,
		(struct lab_identity){ .common_name = "sip.skype.lab", .alternative_names = { "sip.skype.lab" } });
}
