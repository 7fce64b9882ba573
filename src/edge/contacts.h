/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_CONTACTS_H
#define FEDGE_EDGE_CONTACTS_H
/* A phone as a target: the contacts of one q side by side, the next q when all of them have failed (RFC 3261 16.6);
 * several flows to one phone one after the other (RFC 5626 5.3). */
#include "edge/local.h"

/* Which of the contacts come next: those from `from` on with the same q as its. Contacts of one instance are one
 * branch: ret_branch_of (an entry for each of them, from 0) has the branch's number, in the order of their first
 * contacts; *ret_branches how many. The index behind them. Pure. */
size_t edge_contacts_tier(const struct edge_contact *contacts, size_t count, size_t from,
	uint8_t ret_branch_of[EDGE_CONTACTS_MAXIMUM], size_t *ret_branches);

/* Asks the local zone: its contacts' first branches are begun. beside: how many other targets are still to begin. */
void edge_contacts_begin(struct edge_request *request, const struct edge_zone *zone, struct span alias, size_t beside);
/* Phones whose contacts under way have all failed: the next ones. */
void edge_contacts_advance(struct edge_request *request);
/* The addresses of one of the branch's flows; as edge_targets_of_server. */
enum edge_progress edge_contacts_targets(struct edge_branch *branch, size_t flow);
#endif
