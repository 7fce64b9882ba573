/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_TOPOLOGY_H
#define FEDGE_LAB_TOPOLOGY_H
/* Who stands where in the lab: two organisations, their domains, their hosts. Loopback addresses
 * stand for hosts (all of 127.0.0.0/8 is this machine on Linux), ports are the real ones. Facts
 * only; lab/place.h writes them down as files, lab/instance.h brings them to life.
 *
 * To add a host: a name in the enum and an entry in the table of topology.c; what a node reads
 * comes from its writer in lab/node_file.c. */
#include "base/span.h"

/* steven.lab: calls. Users and spaces of its meeting server have domains of their own. */
#define LAB_DOMAIN_CALLS "steven.lab"
#define LAB_DOMAIN_USERS "acano.steven.lab"
#define LAB_DOMAIN_SPACES "cms.steven.lab"
#define LAB_DOMAIN_PARTNER "skype.lab"
/* Somebody who hosts the partner's edge under a domain of his own: the partner's fault. */
#define LAB_DOMAIN_HOSTER "hosting.lab"

/* The phone 2000 as its own side knows it, and as the meeting server shows it to partners. */
#define LAB_PHONE_NAME "2000"
#define LAB_PHONE_USER "sip:" LAB_PHONE_NAME "@" LAB_DOMAIN_CALLS
#define LAB_USER "sip:2000@" LAB_DOMAIN_USERS
#define LAB_SPACE "sip:meet@" LAB_DOMAIN_SPACES
#define LAB_PARTNER_USER "sip:stejanss@" LAB_DOMAIN_PARTNER

#define LAB_RESOLVER_ADDRESS "127.48.53.53"
#define LAB_RESOLVER_PORT 53
#define LAB_RESOLVER_PORT_UNPRIVILEGED 5353
/* Where nobody listens. */
#define LAB_SILENT_ADDRESS "127.48.36.99"
/* Programs of this machine that are no host of the lab and may call out through vcse all the
 * same: SIPp, a phone, yours. */
#define LAB_GUEST_ADDRESS "127.0.0.1"

/* The name in the certificate of the traversal zone, which no scenario spoils. */
#define LAB_TRAVERSAL_NAME "traversal.vcse.steven.lab"
#define LAB_TRAVERSAL_SHORT_NAME "vcse-traversal"
#define LAB_TRAVERSAL_PORT 7001u
#define LAB_TRAVERSAL_CLIENT_ZONE "TraversalZoneClient1"
/* Files with passwords, made anew each time. */
#define LAB_PHONE_PASSWORD_FILE "phone.password"
#define LAB_TRAVERSAL_PASSWORD_FILE "traversal.password"

/* From the phone outwards. */
enum lab_host_id { LAB_PHONE, LAB_CUCM, LAB_VCSC, LAB_CMS, LAB_VCSE, LAB_EDGE, LAB_CLIENT, LAB_HOST_COUNT };

enum lab_role {
	LAB_ROLE_NODE, /* fedge serve */
	LAB_ROLE_PHONE, /* fedge answer; its user calls out by fedge call */
	LAB_ROLE_BRIDGE, /* fedge answer --bridge-to: nobody's desk */
};

struct lab_port {
	const char *transport; /* "tls"; NULL ends the list */
	uint16_t port;
};

#define LAB_PORTS_MAXIMUM 4
#define LAB_LOGS_MAXIMUM 3
#define LAB_USERS_MAXIMUM 3
struct lab_host {
	const char *name; /* FQDN */
	const char *short_name; /* in logs and file names: "vcse" */
	const char *address;
	const char *stands_for; /* one phrase for people */
	enum lab_role role;
	struct lab_port ports[LAB_PORTS_MAXIMUM];
	/* Log formats, NULL-terminated; the first is the product's own, in SHORT.log, json is in
	 * SHORT.json. */
	const char *logs[LAB_LOGS_MAXIMUM];
	const char *user; /* the URI that calls from here; NULL: nobody's desk */
	const char *answers_for[LAB_USERS_MAXIMUM]; /* more who answer here; NULL ends the list */
	const char *dialect; /* of a phone, where it is not the standard one */
};

const struct lab_host *lab_host(enum lab_host_id id);
/* Does it speak TLS, and so have a certificate? */
bool lab_host_has_certificate(const struct lab_host *host);
/* The domains that have a record for federation, in the order of lab.json; NULL-terminated. */
const char *const *lab_domains(void);
/* Those of them that are ours; NULL-terminated. */
const char *const *lab_own_domains(void);
#endif
