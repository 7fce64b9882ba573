/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_UNIT_CMOCKA_ALL_H
#define FEDGE_TESTS_UNIT_CMOCKA_ALL_H
/* cmocka.h uses types of these headers and includes none of them: they have to stand above it, whatever order the
 * formatter likes. Every unit test includes this file instead. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#endif
