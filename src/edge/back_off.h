/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_BACK_OFF_H
#define FEDGE_EDGE_BACK_OFF_H
/* How long to wait before something that failed is tried again. */
#include "base/random.h"

#define EDGE_BACK_OFF_MAXIMUM 16 /* times the first wait */
/* first_us after the first failure, doubled with each further one up to EDGE_BACK_OFF_MAXIMUM times that; a quarter
 * more or less by chance, so that many who lost the same server do not come back at once. failures: from 1. */
int64_t edge_back_off_us(int64_t first_us, uint32_t failures, struct random *random);
#endif
