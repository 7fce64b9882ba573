/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_DIGEST_PRIVATE_H
#define FEDGE_SIP_DIGEST_PRIVATE_H
#include "sip/digest.h"

struct span sip_digest_algorithm_name(enum sip_digest_algorithm algorithm);
#endif
