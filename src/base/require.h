/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_REQUIRE_H
#define FEDGE_BASE_REQUIRE_H
/* Our own bugs, and nothing else: a condition that no input from outside can make false.
 * Always on, in every build; says where, then aborts. */
_Noreturn void base_require_failed(const char *file, int line, const char *condition);

#define base_require(condition) ((condition) ? (void)0 : base_require_failed(__FILE__, __LINE__, #condition))
#define base_container(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#endif
