/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/media.h"

#include "sip/sdp.h"

/* RFC 3711 and 5124 (SAVP, SAVPF), RFC 5764 (UDP/TLS/RTP/…): all have SAVP in their name. */
static bool is_secure_profile(struct span protocol)
{
	return span_find_span(protocol, SPAN("/SAVP")) < protocol.length;
}

static bool may_become_secure(const struct sip_sdp *sdp, const struct sip_sdp_media *media)
{
	return sip_sdp_attribute(media->lines, SPAN("crypto"), NULL) ||
	       sip_sdp_attribute(media->lines, SPAN("fingerprint"), NULL) ||
	       sip_sdp_attribute(sdp->lines, SPAN("fingerprint"), NULL);
}

static bool is_rtp(struct span protocol)
{
	return span_find_span(protocol, SPAN("RTP/")) < protocol.length;
}

static struct span breach_in(bool wants_secure, struct span text)
{
	struct sip_sdp sdp;
	struct sip_defect defect;
	if (sip_sdp_parse(text, &sdp, &defect) < 0)
		return SPAN("a session description that cannot be read");
	for (size_t i = 0; i < sdp.media_count; i++) {
		const struct sip_sdp_media *media = &sdp.media[i];
		if (media->port == 0 || !is_rtp(media->protocol))
			continue;
		bool secure = is_secure_profile(media->protocol);
		if (secure != wants_secure || (!secure && may_become_secure(&sdp, media)))
			return span_make(
				media->kind.at, (size_t)(media->protocol.at + media->protocol.length - media->kind.at));
	}
	return SPAN_NONE;
}

/* Where an offer may stand (RFC 3264, 3262 5, 3311), or in a PRACK the answer to one that we let pass. An ACK has
 * nothing but answers to INVITEs without an offer, and there are none of these. */
static bool has_media(enum sip_method method)
{
	return method == SIP_METHOD_INVITE || method == SIP_METHOD_UPDATE || method == SIP_METHOD_PRACK;
}

struct span edge_media_breach(enum config_media_encryption policy, const struct sip_message *request)
{
	bool wants_secure = policy == CONFIG_MEDIA_FORCE_ENCRYPTED;
	if (!wants_secure && policy != CONFIG_MEDIA_FORCE_UNENCRYPTED)
		return SPAN_NONE;
	struct span sdp = has_media(request->method) ? sip_message_sdp(request) : SPAN_NONE;
	if (sdp.length > 0)
		return breach_in(wants_secure, sdp);
	return request->method == SIP_METHOD_INVITE ? SPAN("no offer") : SPAN_NONE;
}
