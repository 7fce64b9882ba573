/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_SAVE_H
#define FEDGE_CHECK_SAVE_H
/* Facts to a file and back: one JSON object a line, `"format": "fedge-check-facts", "version": 1`, certificates as DER
 * in base64. docs/formats.md describes every field. Reading is bounded and believes nothing: what does not fit is
 * refused with the line and the field. write(read(write(f))) is the same bytes. */
#include "base/buffer.h"
#include "check/facts.h"

struct net_tls;
struct x509_store_st;

#define CHECK_SAVE_VERSION 1
#define CHECK_SAVE_LINE_MAXIMUM (16u << 20)
#define CHECK_SAVE_ERROR_SIZE 256

/* One line with its newline. 0, -ENOMEM or the buffer's failure. */
int check_save_write(const struct check_facts *facts, struct buffer *out);
/* One line. tls NULL: the chains keep the status that the saver saw; otherwise they are verified anew by it. 0,
 * -ENOMEM, -EBADMSG (malformed; text names the field), -ENOTSUP (a newer version; text says so). */
int check_save_read(struct span line, struct net_tls *tls, struct x509_store_st *public_authorities,
	struct check_facts **ret_facts, char reterr_text[CHECK_SAVE_ERROR_SIZE]);
#endif
