/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_MULTIPART_H
#define FEDGE_SIP_MULTIPART_H
/* Multipart bodies (RFC 2046 5.1, RFC 5621): walks the parts of one level; a part may itself be multipart. */
#include "base/span.h"
#include "sip/defect.h"

struct sip_part {
	struct span headers; /* its header lines as they are; may be empty */
	struct span content_type; /* absent: text/plain */
	struct span content_disposition;
	struct span content_id;
	struct span body;
};

struct sip_parts {
	struct span rest; /* from the next delimiter line on; absent at the end */
	struct span boundary;
};

/* True where the media type (a Content-Type value) is the given type/subtype (in lower case), without case and
 * parameters. */
bool sip_media_type_is(struct span content_type, struct span type);
/* 0, or -EBADMSG where content_type is no multipart with a boundary or no delimiter is found in the body. */
int sip_parts_init(struct sip_parts *ret_parts, struct span content_type, struct span body);
/* The next part; false after the last one. A missing closing delimiter is forgiven. */
bool sip_parts_next(struct sip_parts *parts, struct sip_part *ret_part);
#endif
