/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_DNS_H
#define FEDGE_LAB_DNS_H
/* The lab's DNS: zone files as an administrator would write them, and a real authoritative
 * server, Knot DNS, on an address of its own. Every domain of the lab is a zone of its own.
 * Time to live is a few seconds, so that a record edited by hand (and `knotc zone-reload`) is
 * seen at once. */
#include "lab/place.h"
#include "lab/process.h"
#include "lab/scenario.h"

/* The zones, in the order of their files; NULL-terminated. */
const char *const *lab_dns_zones(void);
/* The text of one zone's file. -EINVAL: no zone of ours. */
int lab_dns_zone(const struct lab_scenario *scenario, const char *zone, struct buffer *b);
/* dns/ZONE.zone for all and dns/knot.conf. Negative errno. */
int lab_dns_write(const struct lab_place *place, const struct lab_scenario *scenario, uint16_t port);

/* Port 53 where we may bind it, else LAB_RESOLVER_PORT_UNPRIVILEGED. -EADDRINUSE: somebody else
 * answers there already. */
int lab_dns_choose_port(uint16_t *ret_port);
/* Starts knotd on what lab_dns_write wrote. -ENOENT: it is not installed. */
int lab_dns_start(const struct lab_place *place, struct lab_process *process);
/* Until it gives the SOA of every zone. -ETIMEDOUT, -EINTR, -ECHILD (it ended). */
int lab_dns_wait(struct lab_process *process, struct lab_watch *watch, uint16_t port, int64_t due_us);
#endif
