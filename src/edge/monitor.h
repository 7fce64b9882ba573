/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_MONITOR_H
#define FEDGE_EDGE_MONITOR_H
/* Do the neighbors' peers live? Of zones with `monitor: yes` every peer is asked by OPTIONS each monitor_interval, the
 * first time at once, a dead one sooner (250 ms, 500 ms and so on up to the interval); the search leaves out those that
 * are known to be dead (edge_link_is_usable), and a zone all of whose peers are dead has failed. They are asked on, so
 * they come back by themselves.
 *
 * Any final answer is a sign of life, 404 and 483 too, as Expressway and every other proxy counts it; but 503: whoever
 * says that it takes no requests now (RFC 3261 21.5.4; fedge says it while it stops) is spared them. No answer within
 * monitor_timeout, no connection, and a certificate without verify_name are none. */
#include "edge/worker.h"

/* The newest site's neighbors, as far as this worker keeps them. */
void edge_monitors_site(struct edge_worker *worker);
/* All are let go; what was known of them stays. */
void edge_monitors_stop(struct edge_worker *worker);
#endif
