/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRUST_NAMES_H
#define FEDGE_TRUST_NAMES_H
/* Comparing DNS names. Names are A-labels. */
#include "base/span.h"

/* Without the root dot. */
struct span trust_name_strip(struct span name);
/* Without case and without the root dot. Two empty names are not equal: nobody is not somebody. */
bool trust_name_equal(struct span a, struct span b);
/* "*.example.com" covers exactly one label: vcse.example.com (RFC 6125 6.4.3, whole labels only). */
bool trust_name_wildcard_covers(struct span pattern, struct span name);
/* Only letters, digits, "-", "_", "." and not longer than DNS allows: safe inside commands and zone lines that people
 * paste. */
bool trust_name_is_plain(struct span name);
/* How many labels: 2 for example.com. */
size_t trust_name_labels(struct span name);
#endif
