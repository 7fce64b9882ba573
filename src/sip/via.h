/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_VIA_H
#define FEDGE_SIP_VIA_H
/* One Via value (RFC 3261 20.42, RFC 3581). Microsoft's clients send it without a branch: branch is absent then. */
#include "base/buffer.h"
#include "base/span.h"
#include "sip/defect.h"
#include "sip/uri.h"

struct sip_via {
	struct span whole; /* the value without blanks around it */
	struct span transport_name; /* as written */
	struct span host; /* IPv6 without its brackets */
	struct span parameters; /* from the first ";" on, or empty */
	struct span branch; /* these five: absent where there is none */
	struct span received;
	struct span maddr;
	enum sip_transport transport;
	uint16_t port; /* 0 where none is written */
	uint16_t rport; /* 0 where it has no value */
	bool has_rport; /* rport stands there, with or without a value */
	bool is_ipv6;
};

int sip_via_parse(struct span value, struct sip_via *ret_via, struct sip_defect *ret_defect);
/* Any other parameter, as sip_parameter_find. */
bool sip_via_parameter(const struct sip_via *via, struct span name, struct span *ret_value);
/* The branch begins with z9hG4bK (without case, as some write it; RFC 3261 8.1.1.7). */
bool sip_via_has_cookie(const struct sip_via *via);
/* The port a response goes to where rport says nothing: the written one, or the transport's default. */
uint16_t sip_via_port(const struct sip_via *via);
#endif
