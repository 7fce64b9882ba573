/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_DOCUMENT_H
#define FEDGE_LAB_DOCUMENT_H
/* What a lab says about itself: lab.json for programs, a few lines for people. */
#include "base/buffer.h"
#include "lab/scenario.h"

struct lab_document {
	const struct lab_scenario *scenario;
	uint16_t resolver_port;
};

/* lab.json: scenario, resolver (IP@PORT), ca_file, domains, zones, hosts with name, address, ports
 * (by transport), configuration, log (the product's own format) and logs (by format), calls (one
 * each direction) with the arguments of fedge. All paths are relative to the folder it lies in. */
int lab_document_write(const struct lab_document *document, struct buffer *b);
/* The SIPp scenario of a caller outside the lab, for LAB_SIPP_FILE. */
#define LAB_SIPP_FILE "sipp-caller.xml"
int lab_document_sipp(struct buffer *b);
/* How to use a lab that is up: dig, fedge check, a call in each direction, a SIPp line, and what is
 * expected of them. program: how fedge was called. */
int lab_document_usage(const struct lab_document *document, const char *folder, const char *program, struct buffer *b);
#endif
