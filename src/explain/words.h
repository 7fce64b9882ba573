/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_WORDS_H
#define FEDGE_EXPLAIN_WORDS_H
/* What numbers of the products tell where they are not known themselves. */
#include "base/span.h"

/* "an id of the SIP stack (1000 to 1999)": what the range of an ms-diagnostics id tells. Never more. */
const char *explain_words_id_range(uint32_t id);
/* "of the SIP proxy (0xC3E9…)", or that nothing is known of it. */
const char *explain_words_result_range(uint32_t result);
#endif
