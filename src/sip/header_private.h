/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_HEADER_PRIVATE_H
#define FEDGE_SIP_HEADER_PRIVATE_H
/* sip_header_find for the message reader: end bounds what may be read after the name. A CR in the place of a hyphen is
 * taken for one here; the reader has told it as a defect of the line by then. */
#include "sip/header.h"

enum sip_header_id sip_header_identify(const char *name, size_t length, const char *end);
#endif
