/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_PARTNER_H
#define FEDGE_EDGE_PARTNER_H
/* Partners as a search finds them: by the federation records of the domain asked for, judged by the rules of trust
 * (R1, R2, R5, R6; trust/judge.h). Results and waiting as in edge/forward.h. */
#include "edge/branch.h"
#include "edge/request.h"

enum edge_progress edge_partner_servers(struct edge_branch *branch);
enum edge_progress edge_partner_server(struct edge_branch *branch, size_t server);
/* "steven.lab" of "2000@steven.lab:5061". */
struct span edge_partner_domain(struct span alias);
#endif
