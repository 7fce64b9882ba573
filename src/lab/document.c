/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/document.h"

#include "base/require.h"
#include "lab/dns.h"
#include "lab/identity.h"
#include "lab/phone_command.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#define COMMAND_MAXIMUM 65536

/* ---- lab.json ---- */

static json_t *texts(const char *const *list)
{
	json_t *array = json_array();
	for (; *list; list++)
		json_array_append_new(array, json_string(*list));
	return array;
}

static json_t *ports_of(const struct lab_host *host)
{
	json_t *ports = json_object();
	for (const struct lab_port *port = host->ports; port->transport; port++)
		json_object_set_new(ports, port->transport, json_integer(port->port));
	return ports;
}

static json_t *log_name(const struct lab_host *host, const char *format)
{
	return json_sprintf("%s.%s", host->short_name, strcmp(format, "json") == 0 ? "json" : "log");
}

static json_t *logs_of(const struct lab_host *host)
{
	json_t *logs = json_object();
	for (size_t i = 0; host->logs[i]; i++)
		json_object_set_new(logs, host->logs[i], log_name(host, host->logs[i]));
	return logs;
}

static json_t *describe_host(const struct lab_host *host)
{
	json_t *object = json_object();
	json_object_set_new(object, "name", json_string(host->name));
	json_object_set_new(object, "address", json_string(host->address));
	json_object_set_new(object, "ports", ports_of(host));
	json_object_set_new(object, "configuration",
		json_sprintf("%s.%s", host->short_name, host->role == LAB_ROLE_NODE ? "yaml" : "sh"));
	json_object_set_new(object, "log", log_name(host, host->logs[0]));
	json_object_set_new(object, "logs", logs_of(host));
	json_object_set_new(object, "stands_for", json_string(host->stands_for));
	json_object_set_new(object, "user", host->user ? json_string(host->user) : json_null());
	bool has_certificate = lab_host_has_certificate(host);
	json_object_set_new(
		object, "certificate", has_certificate ? json_sprintf("tls/%s.pem", host->short_name) : json_null());
	json_object_set_new(
		object, "key", has_certificate ? json_sprintf("tls/%s.key", host->short_name) : json_null());
	return object;
}

/* Whose desk dials in each direction. */
static const enum lab_host_id desks[LAB_DIRECTION_COUNT] = { LAB_PHONE, LAB_CLIENT };

static int make_call(
	const struct lab_scenario *scenario, enum lab_direction direction, bool json, struct lab_command *command)
{
	return lab_phone_call(
		&(struct lab_call_settings){
			.from = desks[direction],
			.caller = lab_scenario_caller(scenario, direction),
			.callee = lab_scenario_callee(scenario, direction),
			.json = json,
		},
		command);
}

static json_t *describe_call(const struct lab_scenario *scenario, enum lab_direction direction)
{
	struct lab_command command;
	struct arena arena;
	json_t *object = NULL;
	arena_init(&arena, COMMAND_MAXIMUM);
	lab_command_init(&command, &arena);
	if (make_call(scenario, direction, true, &command) == 0)
		object = json_pack("{s:s, s:s, s:s, s:i, s:o}", "direction", lab_direction_name(direction), "caller",
			lab_scenario_caller(scenario, direction), "callee", lab_scenario_callee(scenario, direction),
			"status", scenario->expected[direction].status, "arguments", texts(command.arguments + 1));
	arena_done(&arena);
	return object;
}

int lab_document_write(const struct lab_document *document, struct buffer *b)
{
	json_t *object = json_object();
	json_t *calls = json_array();
	json_t *hosts = json_array();
	for (int id = 0; id < LAB_HOST_COUNT; id++)
		json_array_append_new(hosts, describe_host(lab_host((enum lab_host_id)id)));
	json_object_set_new(object, "scenario", json_string(document->scenario->name));
	json_object_set_new(object, "description", json_string(document->scenario->description));
	json_object_set_new(
		object, "resolver", json_sprintf("%s@%u", LAB_RESOLVER_ADDRESS, (unsigned)document->resolver_port));
	json_object_set_new(object, "ca_file", json_string(LAB_ROOT_FILE));
	json_object_set_new(object, "domains", texts(lab_domains()));
	json_object_set_new(object, "zones", texts(lab_dns_zones()));
	json_object_set_new(object, "hosts", hosts);
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++)
		json_array_append_new(calls, describe_call(document->scenario, (enum lab_direction)i));
	json_object_set_new(object, "calls", calls);
	char *text = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	if (!text)
		return -ENOMEM;
	buffer_append_text(b, text);
	free(text);
	return buffer_append_byte(b, '\n');
}

/* ---- for people ---- */

/* A caller of the meeting server's domain; RFC 3261 with what vcse needs to route: a From of ours
 * and a Request-URI of the partner's. */
int lab_document_sipp(struct buffer *b)
{
	return buffer_append_text(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				     "<!-- A caller from outside the lab, through vcse. -->\n"
				     "<scenario name=\"caller\">\n"
				     "<send retrans=\"500\"><![CDATA[\n"
				     "INVITE " LAB_PARTNER_USER " SIP/2.0\n"
				     "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
				     "From: <" LAB_USER ">;tag=[pid]SIPp[call_number]\n"
				     "To: <" LAB_PARTNER_USER ">\n"
				     "Call-ID: [call_id]\n"
				     "CSeq: 1 INVITE\n"
				     "Contact: <sip:2000@[local_ip]:[local_port];transport=[transport]>\n"
				     "Max-Forwards: 70\n"
				     "Content-Type: application/sdp\n"
				     "Content-Length: [len]\n"
				     "\n"
				     "v=0\n"
				     "o=- 1 1 IN IP[local_ip_type] [local_ip]\n"
				     "s=-\n"
				     "c=IN IP[media_ip_type] [media_ip]\n"
				     "t=0 0\n"
				     "m=audio [media_port] RTP/AVP 0\n"
				     "a=rtpmap:0 PCMU/8000\n"
				     "]]></send>\n"
				     "<recv response=\"100\" optional=\"true\"/>\n"
				     "<recv response=\"180\" optional=\"true\"/>\n"
				     "<recv response=\"183\" optional=\"true\"/>\n"
				     "<recv response=\"200\" rrs=\"true\"/>\n"
				     "<send><![CDATA[\n"
				     "ACK [next_url] SIP/2.0\n"
				     "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
				     "[routes]\n"
				     "From: <" LAB_USER ">;tag=[pid]SIPp[call_number]\n"
				     "[last_To:]\n"
				     "Call-ID: [call_id]\n"
				     "CSeq: 1 ACK\n"
				     "Max-Forwards: 70\n"
				     "Content-Length: 0\n"
				     "\n"
				     "]]></send>\n"
				     "<send retrans=\"500\"><![CDATA[\n"
				     "BYE [next_url] SIP/2.0\n"
				     "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
				     "[routes]\n"
				     "From: <" LAB_USER ">;tag=[pid]SIPp[call_number]\n"
				     "[last_To:]\n"
				     "Call-ID: [call_id]\n"
				     "CSeq: 2 BYE\n"
				     "Max-Forwards: 70\n"
				     "Content-Length: 0\n"
				     "\n"
				     "]]></send>\n"
				     "<recv response=\"200\"/>\n"
				     "</scenario>\n");
}

static int write_call(
	const char *program, const struct lab_scenario *scenario, enum lab_direction direction, struct buffer *b)
{
	struct lab_command command;
	struct arena arena;
	arena_init(&arena, COMMAND_MAXIMUM);
	lab_command_init(&command, &arena);
	int status = make_call(scenario, direction, false, &command);
	buffer_append_text(b, "  ");
	if (status == 0)
		status = lab_command_write(&command, program, b);
	arena_done(&arena);
	return status;
}

static int write_calls(const struct lab_scenario *scenario, const char *program, struct buffer *b)
{
	int status = 0;
	for (int i = 0; i < LAB_DIRECTION_COUNT && status == 0; i++) {
		enum lab_direction direction = (enum lab_direction)i;
		const struct lab_expectation *expected = &scenario->expected[i];
		buffer_printf(b, "\nA call %s (%d is right in this scenario):\n", lab_direction_name(direction),
			expected->status);
		status = write_call(program, scenario, direction, b);
	}
	return status;
}

/* From outside, and as the edge that judges in this scenario. */
static void write_checks(const struct lab_document *document, const char *program, struct buffer *b)
{
	const struct lab_world *world = &document->scenario->world;
	bool theirs = world->partner_target || world->partner_identity.common_name;
	const char *callee = lab_scenario_callee(document->scenario, theirs ? LAB_OUTBOUND : LAB_INBOUND);
	const char *domain = strchr(callee, '@') + 1;
	const struct lab_host *judge = lab_host(theirs ? LAB_VCSE : LAB_EDGE);
	buffer_printf(b, "\nWhat an edge decides about %s before anybody calls, seen from outside and as %s:\n  ",
		domain, judge->name);
	lab_command_quote(program, b);
	buffer_printf(b,
		" check %s --private --resolver " LAB_RESOLVER_ADDRESS "@%u --ca-file " LAB_ROOT_FILE
		" --intermediates " LAB_INTERMEDIATE_FILE "\n  ",
		domain, document->resolver_port);
	lab_command_quote(program, b);
	buffer_printf(b, " check %s --private -c %s.yaml\n", domain, judge->short_name);
}

static void write_hosts(struct buffer *b)
{
	for (int id = 0; id < LAB_HOST_COUNT; id++) {
		const struct lab_host *host = lab_host((enum lab_host_id)id);
		buffer_printf(b, "  %-19s %-14s %s\n", host->name, host->address, host->stands_for);
	}
}

int lab_document_usage(const struct lab_document *document, const char *folder, const char *program, struct buffer *b)
{
	buffer_printf(
		b, "The lab is up: scenario %s, %s.\n\n", document->scenario->name, document->scenario->description);
	write_hosts(b);
	buffer_printf(b, "\nEverything is in %s (start with lab.json); the lines below run there:\n  cd %s\n", folder,
		folder);
	buffer_printf(b,
		"\nThe DNS, as the partner sees it:\n"
		"  dig @" LAB_RESOLVER_ADDRESS " -p %u +short SRV _sipfederationtls._tcp." LAB_DOMAIN_USERS "\n",
		document->resolver_port);
	write_checks(document, program, b);
	int status = write_calls(document->scenario, program, b);
	buffer_printf(b,
		"\nA caller from outside the lab, by SIPp:\n"
		"  sipp -sf " LAB_SIPP_FILE " -i " LAB_GUEST_ADDRESS " -m 1 %s:5060\n",
		lab_host(LAB_VCSE)->address);
	buffer_append_text(b, "\nCtrl-C ends it.\n");
	return status < 0 ? status : b->status;
}
