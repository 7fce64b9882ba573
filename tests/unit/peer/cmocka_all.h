/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h wants these above it, whatever order the formatter likes. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
