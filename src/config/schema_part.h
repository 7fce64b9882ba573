/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_SCHEMA_PART_H
#define FEDGE_CONFIG_SCHEMA_PART_H
/* For the table of settings only (schema.c and schema_*.c): how its lines are written, and the sections that stand in
 * files of their own. */
#include "config/schema.h"

/* Where a value goes: MEMBER for one, ITEMS for a list and its count. */
#define MEMBER(type, member) .offset = offsetof(type, member), .width = sizeof(((type *)0)->member)
#define ITEMS(type, member, counter) .offset = offsetof(type, member), .count_offset = offsetof(type, counter)
#define TEXTS(type, member) ITEMS(type, member.items, member.count)
#define ONLY(key, value) .only_key = key, .only_value = value

#define HOUR_MS (UINT64_C(3600) * 1000)
#define DAY_MS (24 * HOUR_MS)
#define MEGABYTE (UINT64_C(1) << 20)
#define GIGABYTE (UINT64_C(1) << 30)

extern const char *const schema_transports[]; /* in the order of the enum */

extern const struct schema_section schema_zone; /* schema_zone.c */
extern const struct schema_section schema_transform; /* schema_call.c, like the next two */
extern const struct schema_section schema_policy_rule;
extern const struct schema_section schema_rule;
extern const struct schema_section schema_registrar; /* schema_registrar.c, like the next two */
extern const struct schema_section schema_user;
extern const struct schema_section schema_history;
#endif
