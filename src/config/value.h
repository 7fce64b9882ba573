/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_VALUE_H
#define FEDGE_CONFIG_VALUE_H
/* For this folder, and for options of commands that are words of the same kinds. One word of a
 * configuration to one value. All give NULL for good ones, else what is wrong as the end of a
 * sentence: "is no duration: …". Values are set on success. */
#include "base/arena.h"
#include "config/node.h"

const char *value_boolean(struct span text, bool *ret_value);
const char *value_number(struct span text, uint64_t *ret_value);
/* "64K", "100M", "1G", plain bytes; powers of 1024. */
const char *value_size(struct span text, uint64_t *ret_bytes);
/* "500ms", "3s", "5m", "1h", "21d". A bare number has no unit and is refused, but for 0. */
const char *value_duration(struct span text, uint64_t *ret_ms);
const char *value_port(struct span text, uint16_t *ret_port);
/* Canonical text (RFC 5952 for IPv6) in the arena; no brackets, no zone index. */
const char *value_address(struct arena *a, struct span text, struct span *ret_address);
/* RFC 1035 2.3.1 with digits first (RFC 1123 2.1) and underscores; lower case, no root dot. */
const char *value_domain(struct arena *a, struct span text, struct span *ret_domain);
const char *value_host(struct arena *a, struct span text, struct span *ret_host); /* two labels at least */
const char *value_server_name(struct arena *a, struct span text, struct span *ret_name); /* or *.host */
const char *value_endpoint(struct arena *a, struct span text, struct config_endpoint *ret_endpoint);
const char *value_address_endpoint(struct arena *a, struct span text, struct config_endpoint *ret_endpoint);
const char *value_host_endpoint(struct arena *a, struct span text, struct config_endpoint *ret_endpoint);
const char *value_name(struct span text);
/* "2000@a.example", without a scheme; the domain in lower case. */
const char *value_alias(struct arena *a, struct span text, struct span *ret_alias);
const char *value_hexadecimal(struct arena *a, struct span text, struct span *ret_digits); /* in lower case */
#endif
