/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_FAIL_H
#define FEDGE_SIP_FAIL_H
/* How this folder's readers end when the input is malformed. */
#include "sip/defect.h"

#include <errno.h>

static inline int sip_fail(struct sip_defect *ret_defect, enum sip_rule rule, size_t offset)
{
	if (ret_defect)
		*ret_defect = (struct sip_defect){ rule, offset };
	return -EBADMSG;
}
#endif
