/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_EXPAND_H
#define FEDGE_LAB_EXPAND_H
/* Fills the one placeholder of the scenario table. */
#include <stddef.h>

#define LAB_EXPAND_DOMAIN "{domain}"
/* pattern with every "{domain}" replaced. -ENOSPC where it does not fit. */
int lab_expand_domain(const char *pattern, const char *domain, char *ret_text, size_t capacity);
#endif
