/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_KEYS_H
#define FEDGE_TRACE_KEYS_H
/* Secrets of TLS connections as browsers, OpenSSL and our own nodes (keylog) write them: a line a secret,
 * "CLIENT_RANDOM <client random> <secret>" and its likes of TLS 1.3. Never shown, wiped when freed. */
#include "base/span.h"

struct trace_keys;
struct trace_keys *trace_keys_new(void); /* NULL without memory */
struct trace_keys *trace_keys_free(struct trace_keys *keys); /* NULL, always; accepts NULL */
/* All lines of a key log. Gives how many secrets it held, or -ENOMEM; lines that are none are passed over. At most
 * TRACE_KEYS_MAXIMUM are kept. */
#define TRACE_KEYS_MAXIMUM 1000000
int trace_keys_add(struct trace_keys *keys, struct span text);
size_t trace_keys_count(const struct trace_keys *keys);
/* The secret of that label for the connection with this client random (32 bytes); absent where there is none. */
struct span trace_keys_find(const struct trace_keys *keys, struct span label, struct span client_random);
#endif
