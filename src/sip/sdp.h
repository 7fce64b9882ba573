/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_SDP_H
#define FEDGE_SIP_SDP_H
/* Session descriptions (RFC 8866), read and written. Reading borrows from the text, allocates nothing, and forgives
 * what Microsoft's endpoints send: no v=, no t= (the fallback part of a 2007 offer), bare LF, a blank after "a=name:".
 */
#include "base/buffer.h"
#include "base/span.h"
#include "sip/defect.h"

#define SIP_SDP_MEDIA_MAXIMUM 32

struct sip_sdp_connection {
	struct span network; /* IN; absent where there is no c= */
	struct span address_type; /* IP4, IP6 */
	struct span address; /* with its /ttl/count */
};

struct sip_sdp_media {
	struct span kind; /* audio, video, application, message, x-data … */
	uint16_t port; /* 0: refused or held back */
	uint16_t port_count; /* 1 where none is written */
	struct span protocol; /* RTP/SAVP */
	struct span formats; /* "0 8 101" */
	struct span title; /* i= */
	struct sip_sdp_connection connection; /* absent: the session's counts */
	struct span lines; /* all lines after m= up to the next m=, as they are: walk them for b= and a= */
};

struct sip_sdp {
	struct span whole;
	bool has_version;
	struct {
		struct span username;
		struct span session_id;
		struct span session_version;
		struct span network;
		struct span address_type;
		struct span address;
	} origin;
	struct span name; /* s= */
	struct sip_sdp_connection connection;
	struct span time; /* the first t= */
	struct span lines; /* all lines before the first m=, as they are */
	size_t media_count;
	struct sip_sdp_media media[SIP_SDP_MEDIA_MAXIMUM]; /* only media_count of them are written */
};

int sip_sdp_parse(struct span text, struct sip_sdp *ret_sdp, struct sip_defect *ret_defect);

/* Walks lines (of the session or of a media): the next line of that type, without "a=" and line end. False at the end.
 */
bool sip_sdp_line_next(struct span *lines, char type, struct span *ret_value);
/* The first a=name or a=name:value; ret_value (may be NULL) is absent for a flag. Blanks after the colon are cut. */
bool sip_sdp_attribute(struct span lines, struct span name, struct span *ret_value);
/* Walks all with that name. */
bool sip_sdp_attribute_next(struct span *lines, struct span name, struct span *ret_value);
/* The rtpmap of a payload type: "PCMU/8000"; the static ones of RFC 3551 are known without a line. Absent where
 * unknown. */
struct span sip_sdp_rtpmap(const struct sip_sdp_media *media, struct span format);

enum sip_sdp_direction { SIP_SDP_SENDRECV, SIP_SDP_SENDONLY, SIP_SDP_RECVONLY, SIP_SDP_INACTIVE };
/* The media's own, else the session's, else sendrecv. */
enum sip_sdp_direction sip_sdp_direction(const struct sip_sdp *sdp, const struct sip_sdp_media *media);
/* The media's c=, else the session's. */
const struct sip_sdp_connection *sip_sdp_connection(const struct sip_sdp *sdp, const struct sip_sdp_media *media);

/* ---- writing ---- */

/* Appends v=0, o=, s=, c= (where there is one) and t=0 0. Absent name: "-"; absent username: "-". */
struct sip_sdp_head {
	struct span username;
	uint64_t session_id;
	uint64_t session_version;
	struct span address; /* an IP address; IPv6 is known by its colons */
	struct span name;
};
int sip_sdp_write_head(struct buffer *b, const struct sip_sdp_head *head);
int sip_sdp_write_media(struct buffer *b, struct span kind, uint16_t port, struct span protocol, struct span formats);
/* a=name or, where value is not absent, a=name:value */
int sip_sdp_write_attribute(struct buffer *b, struct span name, struct span value);
/* A session as it was read, in the order of RFC 8866, CR LF everywhere, v=0 and t=0 0 added where they are missing. */
int sip_sdp_write(struct buffer *b, const struct sip_sdp *sdp);
#endif
