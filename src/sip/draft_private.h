/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_DRAFT_PRIVATE_H
#define FEDGE_SIP_DRAFT_PRIVATE_H
/* What the three files of drafts share. */
#include "sip/draft.h"

/* Keeps the first failure; true where there is one by now. */
bool sip_draft_failed(struct sip_draft *d, int status);
bool sip_draft_is_dropped(const struct sip_draft *d, size_t index);
/* The source's line with that index gets the value; its name stays as written. */
void sip_draft_set_line(struct sip_draft *d, size_t index, struct span value);
#endif
