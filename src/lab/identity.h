/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_IDENTITY_H
#define FEDGE_LAB_IDENTITY_H
/* The certificates of one scenario: two authorities everybody trusts, a private one nobody does,
 * and each host's certificate as the scenario wants it, all under tls/ of the place. */
#include "lab/place.h"
#include "lab/scenario.h"

#define LAB_ROOT_FILE "tls/root.pem"
#define LAB_INTERMEDIATE_FILE "tls/intermediate.pem"

/* tls/root.pem, tls/intermediate.pem, tls/private-root.pem, and HOST.pem, HOST.key for each host that
 * speaks TLS, and those of vcse's traversal zone.
 * Keys of authorities are never written. Negative errno. */
int lab_identity_write(const struct lab_place *place, const struct lab_scenario *scenario, int64_t now_s);
#endif
