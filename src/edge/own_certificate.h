/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_OWN_CERTIFICATE_H
#define FEDGE_EDGE_OWN_CERTIFICATE_H
/* Our own certificates held against the same rules as a partner's, before a partner does it: dates, usages,
 * strength, and whether the names they serve are in them. */
#include "base/clock.h"
#include "base/span.h"
#include "trust/policy.h"

struct net_tls;

/* One line for each thing worth a warning: "vcse.pem: the certificate of `…` expires soon". */
void edge_own_certificate_each_warning(struct net_tls *tls, const struct trust_policy *policy,
	const struct clock *clock, void (*warn)(void *argument, struct span text), void *argument);
#endif
