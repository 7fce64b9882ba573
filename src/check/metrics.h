/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_METRICS_H
#define FEDGE_CHECK_METRICS_H
/* GET /metrics over HTTP: one text that is replaced as a whole, for Prometheus to scrape. Nothing else is served: other
 * paths are 404, other methods 405. No encryption, no password: it listens on loopback unless another address is named.
 * A thread of its own, at most CHECK_METRICS_CONNECTIONS clients, each gone after CHECK_METRICS_IDLE_S of silence. */
#include "base/buffer.h"

struct check_metrics;

#define CHECK_METRICS_CONNECTIONS 32
#define CHECK_METRICS_IDLE_S 10
#define CHECK_METRICS_ERROR_SIZE 256

/* listen: "9105", "192.0.2.1:9105", "[::1]:9105"; port 0: one that is free. 0, or a negative errno and one line:
 * -EINVAL (no address and port), -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, … Until the first text it serves an empty one.
 */
int check_metrics_open(
	const char *listen, struct check_metrics **ret_metrics, char reterr_text[CHECK_METRICS_ERROR_SIZE]);
/* "http://127.0.0.1:9105/metrics" */
const char *check_metrics_url(const struct check_metrics *metrics);
/* Takes the text out of the buffer. A scrape under way ends with the text it began with. 0 or -ENOMEM: the old one
 * stays. */
int check_metrics_show(struct check_metrics *metrics, struct buffer *text);
void check_metrics_close(struct check_metrics *metrics); /* NULL is harmless */
#endif
