/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_READ_H
#define FEDGE_SIP_READ_H
/* The readers behind the public ones, for those who know what lies beyond a value's end: bytes up to limit may be read
 * (not believed). What they give is undefined where they fail. For this folder's own files. */
#include "sip/address.h"
#include "sip/parameter.h"
#include "sip/uri.h"
#include "sip/via.h"

enum sip_transport sip_transport_read(struct span name, const char *limit);
int sip_uri_read(struct span text, const char *limit, struct sip_uri *ret_uri, struct sip_defect *ret_defect);
int sip_address_read(
	struct span value, const char *limit, struct sip_address *ret_address, struct sip_defect *ret_defect);
int sip_via_read(struct span value, const char *limit, struct sip_via *ret_via, struct sip_defect *ret_defect);
bool sip_parameter_read(struct span *rest, const char *limit, struct sip_parameter *ret_parameter);
bool sip_list_read(struct span *rest, const char *limit, struct span *ret_value);
#endif
