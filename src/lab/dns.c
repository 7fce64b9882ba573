/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/dns.h"

#include "base/cleanup.h"
#include "base/require.h"
#include "lab/expand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ZONE_MAXIMUM 16384
#define TTL_S 5
#define SERVICE "_sipfederationtls._tcp"
#define NAME_SERVER "ns." LAB_DOMAIN_CALLS "."
#define RETRY_US (30 * CLOCK_MS_US)

static const char *const zones[] = { LAB_DOMAIN_CALLS, LAB_DOMAIN_USERS, LAB_DOMAIN_SPACES, LAB_DOMAIN_PARTNER,
	LAB_DOMAIN_HOSTER, NULL };

const char *const *lab_dns_zones(void)
{
	return zones;
}

/* ---- zone files ---- */

/* Which world a zone is of decides where its SRV record points. */
enum zone_side { SIDE_OURS, SIDE_PARTNER, SIDE_HOSTER };

/* Hosts and delegations that are there in every scenario. */
static const struct fixed_record {
	const char *zone;
	const char *owner;
	const char *type;
	const char *data;
} fixed_records[] = {
	{ LAB_DOMAIN_CALLS, "ns", "A", LAB_RESOLVER_ADDRESS },
	{ LAB_DOMAIN_CALLS, "vcse", "A", "127.48.36.47" },
	/* Inside: who stands in a Record-Route is found by his name. */
	{ LAB_DOMAIN_CALLS, "cucm", "A", "127.48.54.10" },
	{ LAB_DOMAIN_CALLS, "vcsc", "A", "127.48.36.46" },
	{ LAB_DOMAIN_CALLS, "acano", "NS", NAME_SERVER },
	{ LAB_DOMAIN_CALLS, "cms", "NS", NAME_SERVER },
	{ LAB_DOMAIN_SPACES, "@", "A", "127.48.54.160" }, /* the meeting server itself */
	{ LAB_DOMAIN_PARTNER, "sip", "A", "127.48.36.6" },
	{ LAB_DOMAIN_PARTNER, "stejanss", "A", "127.55.186.71" },
	{ LAB_DOMAIN_HOSTER, "sip", "A", "127.48.36.6" },
};

static enum zone_side zone_side(const char *zone)
{
	if (strcmp(zone, LAB_DOMAIN_PARTNER) == 0)
		return SIDE_PARTNER;
	return strcmp(zone, LAB_DOMAIN_HOSTER) == 0 ? SIDE_HOSTER : SIDE_OURS;
}

static void write_head(const struct lab_scenario *scenario, const char *zone, struct buffer *b)
{
	buffer_printf(b, "; %s in the scenario %s: %s\n", zone, scenario->name, scenario->description);
	buffer_printf(b, "$ORIGIN %s.\n$TTL %d\n", zone, TTL_S);
	buffer_printf(b, "@\tIN SOA\t" NAME_SERVER " hostmaster.%s. 1 3600 600 86400 %d\n", zone, TTL_S);
	buffer_append_text(b, "@\tIN NS\t" NAME_SERVER "\n");
}

static void write_srv(const char *target, struct buffer *b)
{
	buffer_printf(b, SERVICE "\tIN SRV\t0 0 5061 %s.\n", target);
}

/* The target's own address record, where the target lies in this zone and has none yet. */
static void write_target_address(const struct lab_world *world, const char *zone, const char *target, struct buffer *b)
{
	const char *address = world->our_address ? world->our_address : "127.48.36.47";
	struct span name = span_of(target);
	struct span zone_name = span_of(zone);
	if (strcmp(target, "vcse." LAB_DOMAIN_CALLS) == 0 || !*address || !span_ends_nocase(name, zone_name))
		return;
	buffer_printf(b, "%.*s\tIN A\t%s\n", (int)(name.length - zone_name.length - 1), target, address);
}

static int write_own_service(const struct lab_world *world, const char *zone, struct buffer *b)
{
	const char *pattern = world->our_target ? world->our_target : "vcse.{domain}";
	if (!*pattern)
		return 0;
	char target[256];
	int status = lab_expand_domain(pattern, zone, target, sizeof(target));
	if (status < 0)
		return status;
	write_srv(target, b);
	write_target_address(world, zone, target, b);
	return 0;
}

int lab_dns_zone(const struct lab_scenario *scenario, const char *zone, struct buffer *b)
{
	bool known = false;
	for (size_t i = 0; zones[i]; i++)
		known = known || strcmp(zones[i], zone) == 0;
	if (!known)
		return -EINVAL;
	write_head(scenario, zone, b);
	for (size_t i = 0; i < BASE_COUNT(fixed_records); i++) {
		const struct fixed_record *record = &fixed_records[i];
		if (strcmp(record->zone, zone) == 0)
			buffer_printf(b, "%s\tIN %s\t%s\n", record->owner, record->type, record->data);
	}
	int status = 0;
	if (zone_side(zone) == SIDE_OURS)
		status = write_own_service(&scenario->world, zone, b);
	if (zone_side(zone) == SIDE_PARTNER)
		write_srv(
			scenario->world.partner_target ? scenario->world.partner_target : "sip." LAB_DOMAIN_PARTNER, b);
	return status < 0 ? status : b->status;
}

/* ---- Knot DNS ---- */

/* knotd runs in its folder and makes paths absolute; where that is longer than the name of a UNIX
 * socket may be, the kernel's own name for the folder serves. */
static const char *control_folder(const struct lab_place *place)
{
	const size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof("/dns/./knot.sock");
	return strlen(place->folder) < longest ? "" : "/proc/self/cwd/";
}

static void write_knot_configuration(const struct lab_place *place, uint16_t port, struct buffer *b)
{
	buffer_printf(b,
		"# Knot DNS of the lab. Reload a zone: knotc -s knot.sock zone-reload\n"
		"server:\n"
		"    rundir: \".\"\n"
		"    pidfile: \"knot.pid\"\n"
		"    listen: %s@%u\n"
		"    udp-workers: 1\n"
		"    tcp-workers: 1\n"
		"    background-workers: 1\n"
		"control:\n"
		"    listen: \"%sknot.sock\"\n"
		"log:\n"
		"  - target: stderr\n"
		"    any: info\n"
		"database:\n"
		"    storage: \"db\"\n"
		"template:\n"
		"  - id: default\n"
		"    storage: \".\"\n"
		"    file: \"%%s.zone\"\n"
		"    zonefile-sync: -1\n"
		"    zonefile-load: whole\n"
		"    journal-content: none\n"
		"zone:\n",
		LAB_RESOLVER_ADDRESS, port, control_folder(place));
	for (size_t i = 0; zones[i]; i++)
		buffer_printf(b, "  - domain: %s\n", zones[i]);
}

static int write_file(const struct lab_place *place, const char *name, const struct buffer *b)
{
	return b->status < 0 ? b->status : lab_place_write(place, name, 0644, buffer_span(b));
}

int lab_dns_write(const struct lab_place *place, const struct lab_scenario *scenario, uint16_t port)
{
	struct buffer text;
	buffer_init(&text, ZONE_MAXIMUM);
	write_knot_configuration(place, port, &text);
	int status = write_file(place, "dns/knot.conf", &text);
	for (size_t i = 0; zones[i] && status == 0; i++) {
		char name[128];
		snprintf(name, sizeof(name), "dns/%s.zone", zones[i]);
		buffer_clear(&text);
		status = lab_dns_zone(scenario, zones[i], &text);
		if (status == 0)
			status = write_file(place, name, &text);
	}
	buffer_done(&text);
	return status;
}

static struct sockaddr_in server_address(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	base_require(inet_pton(AF_INET, LAB_RESOLVER_ADDRESS, &address.sin_addr) == 1);
	return address;
}

static int probe_port(uint16_t port)
{
	struct sockaddr_in address = server_address(port);
	base_cleanup(close_descriptor) int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return -errno;
	return bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int lab_dns_choose_port(uint16_t *ret_port)
{
	static const uint16_t ports[] = { LAB_RESOLVER_PORT, LAB_RESOLVER_PORT_UNPRIVILEGED };
	int status = -EADDRINUSE;
	for (size_t i = 0; i < BASE_COUNT(ports); i++) {
		status = probe_port(ports[i]);
		if (status == 0)
			*ret_port = ports[i];
		if (status != -EACCES && status != -EADDRINUSE)
			break;
	}
	return status;
}

int lab_dns_start(const struct lab_place *place, struct lab_process *process)
{
	/* Debian keeps it where an ordinary user's PATH does not lead. */
	static const char *const candidates[] = { "/usr/sbin/knotd", "/usr/local/sbin/knotd", "/sbin/knotd" };
	const char *const arguments[] = { "knotd", "-c", "knot.conf", NULL };
	base_cleanup(free_pointer) char *folder = lab_place_path(place, "dns");
	base_cleanup(free_pointer) char *log = lab_place_path(place, "dns/knotd.log");
	if (!folder || !log)
		return -ENOMEM;
	for (size_t i = 0; i < BASE_COUNT(candidates); i++) {
		if (access(candidates[i], X_OK) < 0)
			continue;
		return lab_process_start(process, &(struct lab_process_options){ .name = "knotd",
							  .executable = candidates[i],
							  .arguments = arguments,
							  .folder = folder,
							  .output_path = log });
	}
	return -ENOENT;
}

/* ---- is it there? ---- */

#define QUERY_MAXIMUM 300
#define TYPE_SOA 6
#define CLASS_IN 1

/* RFC 1035 4.1: a question for the zone's SOA. The id is the zone's number. */
static size_t make_query(uint16_t id, const char *zone, unsigned char *ret_query)
{
	const unsigned char head[12] = { (unsigned char)(id >> 8), (unsigned char)id, 0, 0, 0, 1 };
	memcpy(ret_query, head, sizeof(head));
	size_t length = sizeof(head);
	for (struct span rest = span_of(zone); rest.at;) {
		struct span label = span_cut(&rest, '.');
		ret_query[length++] = (unsigned char)label.length;
		memcpy(ret_query + length, label.at, label.length);
		length += label.length;
	}
	const unsigned char tail[5] = { 0, 0, TYPE_SOA, 0, CLASS_IN };
	memcpy(ret_query + length, tail, sizeof(tail));
	return length + sizeof(tail);
}

/* An authoritative answer without error that has at least one record. */
static bool is_answer(const unsigned char *bytes, ssize_t length, uint16_t id)
{
	return length >= 12 && bytes[0] == id >> 8 && bytes[1] == (id & 0xff) && (bytes[2] & 0x84) == 0x84 &&
	       (bytes[3] & 0x0f) == 0 && (bytes[6] || bytes[7]);
}

/* One question and up to RETRY_US for its answer: 1 answered well, 0 not yet. */
static int ask_once(int descriptor, struct lab_watch *watch, uint16_t id, const char *zone)
{
	unsigned char query[QUERY_MAXIMUM];
	unsigned char answer[1500];
	size_t length = make_query(id, zone, query);
	int64_t due_us = clock_steady_us(&watch->clock) + RETRY_US;
	ssize_t sent = send(descriptor, query, length, 0);
	int status = 0;
	/* Where nobody listens yet, an ICMP error comes back as ECONNREFUSED, at once. */
	while (status == 0 && sent >= 0) {
		status = lab_watch_wait(watch, descriptor, due_us);
		if (status != 1)
			break;
		ssize_t received = recv(descriptor, answer, sizeof(answer), MSG_DONTWAIT);
		if (received < 0)
			break;
		if (is_answer(answer, received, id))
			return 1;
		status = 0;
	}
	if (status == -EINTR)
		return status;
	status = lab_watch_wait(watch, -1, clock_steady_us(&watch->clock) + RETRY_US / 3);
	return status == -EINTR ? status : 0;
}

int lab_dns_wait(struct lab_process *process, struct lab_watch *watch, uint16_t port, int64_t due_us)
{
	struct sockaddr_in address = server_address(port);
	base_cleanup(close_descriptor) int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0 || connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	for (uint16_t i = 0; zones[i];) {
		if (!lab_process_is_alive(process))
			return -ECHILD;
		if (clock_steady_us(&watch->clock) >= due_us)
			return -ETIMEDOUT;
		int status = ask_once(descriptor, watch, i, zones[i]);
		if (status < 0)
			return status;
		i = (uint16_t)(i + status);
	}
	return 0;
}
