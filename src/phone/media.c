/* SPDX-License-Identifier: Apache-2.0 */
#include "phone/media.h"

#include "base/require.h"
#include "sip/sdp.h"

#include <errno.h>

/* In the order we like them; the numbers are those of our own offers. */
static const struct codec {
	const char *rtpmap;
	const char *number;
	bool is_voice; /* DTMF alone is no stream */
} codecs[] = {
	{ "PCMU/8000", "0", true },
	{ "PCMA/8000", "8", true },
	{ "telephone-event/8000", "101", false },
};

static int write_head(const struct phone_media *media, struct buffer *b)
{
	char address[NET_ADDRESS_TEXT_SIZE];
	net_address_format_host(&media->local, address);
	return sip_sdp_write_head(b, &(struct sip_sdp_head){
					     .session_id = media->session_id,
					     .session_version = media->version,
					     .address = span_of(address),
					     .name = SPAN("fedge"),
				     });
}

static void write_rtpmap(struct buffer *b, struct span number, const char *rtpmap)
{
	buffer_printf(b, "a=rtpmap:%.*s %s\r\n", SPAN_PRINT(number), rtpmap);
	if (strncmp(rtpmap, "telephone-event", 15) == 0)
		buffer_printf(b, "a=fmtp:%.*s 0-15\r\n", SPAN_PRINT(number));
}

int phone_media_offer(const struct phone_media *media, struct buffer *ret_sdp)
{
	write_head(media, ret_sdp);
	sip_sdp_write_media(ret_sdp, SPAN("audio"), media->port, SPAN("RTP/AVP"), SPAN("0 8 101"));
	for (size_t i = 0; i < BASE_COUNT(codecs); i++)
		write_rtpmap(ret_sdp, span_of(codecs[i].number), codecs[i].rtpmap);
	return ret_sdp->status;
}

static const struct codec *codec_of(const struct sip_sdp_media *offered, struct span format)
{
	struct span rtpmap = sip_sdp_rtpmap(offered, format);
	for (size_t i = 0; i < BASE_COUNT(codecs); i++)
		if (span_starts_nocase(rtpmap, span_of(codecs[i].rtpmap)))
			return &codecs[i];
	return NULL;
}

static bool next_format(struct span *formats, struct span *ret_format)
{
	*formats = span_trim(*formats);
	if (formats->length == 0)
		return false;
	*ret_format = span_cut(formats, ' ');
	return true;
}

/* The payload types of the offer that we know, in its order; empty where there is no voice among them. */
static void common_formats(const struct sip_sdp_media *offered, struct buffer *ret_formats)
{
	bool voice = false;
	struct span formats = offered->formats;
	for (struct span format; next_format(&formats, &format);) {
		const struct codec *codec = codec_of(offered, format);
		if (!codec)
			continue;
		voice = voice || codec->is_voice;
		buffer_printf(ret_formats, "%s%.*s", ret_formats->length ? " " : "", SPAN_PRINT(format));
	}
	if (!voice)
		buffer_clear(ret_formats);
}

static const char *answer_direction(enum sip_sdp_direction offered)
{
	static const char *const directions[] = {
		[SIP_SDP_SENDRECV] = "sendrecv",
		[SIP_SDP_SENDONLY] = "recvonly",
		[SIP_SDP_RECVONLY] = "sendonly",
		[SIP_SDP_INACTIVE] = "inactive",
	};
	return directions[offered];
}

/* Secure profiles need keys that we do not make: an offer of them alone is not taken. */
static bool is_plain_audio(const struct sip_sdp_media *offered)
{
	return span_is_nocase(offered->kind, "audio") && offered->port != 0 &&
	       (span_is_nocase(offered->protocol, "RTP/AVP") || span_is_nocase(offered->protocol, "RTP/AVPF"));
}

static bool take_audio(const struct phone_media *media, const struct sip_sdp *offer,
	const struct sip_sdp_media *offered, struct buffer *b)
{
	struct buffer formats;
	buffer_init(&formats, 1024);
	common_formats(offered, &formats);
	bool taken = formats.length > 0;
	if (taken) {
		sip_sdp_write_media(b, offered->kind, media->port, offered->protocol, buffer_span(&formats));
		struct span rest = buffer_span(&formats);
		for (struct span format; next_format(&rest, &format);)
			write_rtpmap(b, format, codec_of(offered, format)->rtpmap);
		buffer_printf(b, "a=%s\r\n", answer_direction(sip_sdp_direction(offer, offered)));
	}
	buffer_done(&formats);
	return taken;
}

int phone_media_answer(const struct phone_media *media, struct span offer, struct buffer *ret_sdp)
{
	struct sip_sdp sdp;
	bool taken = false;
	if (sip_sdp_parse(offer, &sdp, NULL) < 0)
		return -EBADMSG;
	size_t start = ret_sdp->length;
	write_head(media, ret_sdp);
	for (size_t i = 0; i < sdp.media_count; i++) {
		const struct sip_sdp_media *offered = &sdp.media[i];
		if (!taken && is_plain_audio(offered) && take_audio(media, &sdp, offered, ret_sdp))
			taken = true;
		else
			sip_sdp_write_media(ret_sdp, offered->kind, 0, offered->protocol, offered->formats);
	}
	if (ret_sdp->status < 0)
		return ret_sdp->status;
	if (taken)
		return 0;
	ret_sdp->length = start;
	return -ENOTSUP;
}
