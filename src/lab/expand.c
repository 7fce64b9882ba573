/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/expand.h"

#include <errno.h>
#include <string.h>

int lab_expand_domain(const char *pattern, const char *domain, char *ret_text, size_t capacity)
{
	size_t length = 0;
	while (*pattern) {
		const char *piece = pattern;
		size_t piece_length = 1;
		size_t step = 1;
		if (strncmp(pattern, LAB_EXPAND_DOMAIN, sizeof(LAB_EXPAND_DOMAIN) - 1) == 0) {
			piece = domain;
			piece_length = strlen(domain);
			step = sizeof(LAB_EXPAND_DOMAIN) - 1;
		}
		if (length + piece_length >= capacity)
			return -ENOSPC;
		memcpy(ret_text + length, piece, piece_length);
		length += piece_length;
		pattern += step;
	}
	if (capacity == 0)
		return -ENOSPC;
	ret_text[length] = '\0';
	return 0;
}
