/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_HOST_H
#define FEDGE_SIP_HOST_H
/* host[:port] as URIs and Via have it. For this folder's own files. */
#include "base/span.h"
#include "sip/defect.h"

struct sip_host {
	struct span name; /* IPv6 without its brackets */
	const char *failed;
	enum sip_rule rule; /* URI_HOST or URI_PORT where it failed */
	uint16_t port;
	bool has_port;
	bool is_ipv6;
};
/* Gives the byte after it; NULL where it is malformed (failed and rule say where and why). */
const char *sip_host_read(const char *at, const char *end, const char *limit, struct sip_host *ret_host);
#endif
