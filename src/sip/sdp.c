/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/sdp.h"

#include "sip/fail.h"
#include "sip/scan.h"

/* The next line without its end; *rest moves on. False at the end. */
static bool next_line(struct span *rest, struct span *ret_line)
{
	if (rest->length == 0)
		return false;
	const char *at = rest->at, *end = at + rest->length;
	const char *lf = memchr(at, '\n', rest->length), *stop = lf ? lf : end;
	if (stop > at && stop[-1] == '\r')
		stop--;
	*ret_line = span_make(at, (size_t)(stop - at));
	at = lf ? lf + 1 : end;
	*rest = span_make(at, (size_t)(end - at));
	return true;
}

static struct span take_word(struct span *rest)
{
	const char *end = rest->at + rest->length, *at = rest->at;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	const char *stop = scan_find(at, end, end, ' ', '\t', ' ');
	*rest = span_make(stop, (size_t)(end - stop));
	return span_make(at, (size_t)(stop - at));
}

static bool read_origin(struct span value, struct sip_sdp *sdp)
{
	sdp->origin.username = take_word(&value);
	sdp->origin.session_id = take_word(&value);
	sdp->origin.session_version = take_word(&value);
	sdp->origin.network = take_word(&value);
	sdp->origin.address_type = take_word(&value);
	sdp->origin.address = take_word(&value);
	return sdp->origin.address.length > 0;
}

static bool read_connection(struct span value, struct sip_sdp_connection *connection)
{
	connection->network = take_word(&value);
	connection->address_type = take_word(&value);
	connection->address = take_word(&value);
	return connection->address.length > 0;
}

/* m=audio 49172/2 RTP/AVP 0 8 */
static bool read_media(struct span value, struct sip_sdp_media *media)
{
	uint64_t port, count = 1;
	media->kind = take_word(&value);
	struct span number = take_word(&value), first = span_cut(&number, '/');
	if (span_to_u64(first, UINT16_MAX, &port) < 0 || (number.at && span_to_u64(number, UINT16_MAX, &count) < 0))
		return false;
	media->port = (uint16_t)port;
	media->port_count = (uint16_t)count;
	media->protocol = take_word(&value);
	media->formats = span_trim(value);
	return media->kind.length > 0 && media->protocol.length > 0;
}

struct sdp_reader {
	struct sip_sdp *sdp;
	struct sip_sdp_media *media; /* NULL before the first m= */
};

static bool read_line(struct sdp_reader *r, char type, struct span value)
{
	struct sip_sdp *sdp = r->sdp;
	switch (type) {
	case 'v':
		sdp->has_version = true;
		return span_is(span_trim(value), "0");
	case 'o':
		return r->media || read_origin(value, sdp);
	case 's':
		if (!r->media)
			sdp->name = value;
		return true;
	case 't':
		if (!r->media && !sdp->time.at)
			sdp->time = value;
		return true;
	case 'i':
		if (r->media)
			r->media->title = value;
		return true;
	case 'c': {
		struct sip_sdp_connection *connection = r->media ? &r->media->connection : &sdp->connection;
		/* RFC 8866 5.7: several c= may stand under a media; the first one counts here. */
		return connection->network.at || read_connection(value, connection);
	}
	default:
		return true;
	}
}

static void close_lines(struct sdp_reader *r, const char *end)
{
	struct span *lines = r->media ? &r->media->lines : &r->sdp->lines;
	lines->length = (size_t)(end - lines->at);
}

static int open_media(struct sdp_reader *r, struct span line, const char *next, enum sip_rule *ret_rule)
{
	if (r->sdp->media_count == SIP_SDP_MEDIA_MAXIMUM) {
		*ret_rule = SIP_RULE_SDP_LIMIT;
		return -EBADMSG;
	}
	close_lines(r, line.at);
	r->media = &r->sdp->media[r->sdp->media_count++];
	memset(r->media, 0, sizeof(*r->media));
	r->media->lines = span_make(next, 0);
	return read_media(span_from(line, 2), r->media) ? 0 : -EBADMSG;
}

int sip_sdp_parse(struct span text, struct sip_sdp *ret_sdp, struct sip_defect *ret_defect)
{
	struct sdp_reader r = { .sdp = ret_sdp };
	struct span rest = text, line;
	memset(ret_sdp, 0, offsetof(struct sip_sdp, media));
	ret_sdp->whole = text;
	ret_sdp->lines = span_make(text.at, 0);
	while (next_line(&rest, &line)) {
		enum sip_rule rule = SIP_RULE_SDP;
		bool good = line.length >= 2 && line.at[1] == '=' && line.at[0] >= 'a' && line.at[0] <= 'z';
		if (line.length == 0)
			continue;
		if (good && line.at[0] == 'm')
			good = open_media(&r, line, rest.at, &rule) == 0;
		else if (good)
			good = read_line(&r, line.at[0], span_from(line, 2));
		if (!good)
			return sip_fail(ret_defect, rule, (size_t)(line.at - text.at));
	}
	if (!ret_sdp->origin.address.at && ret_sdp->media_count == 0)
		return sip_fail(ret_defect, SIP_RULE_SDP, text.length);
	close_lines(&r, text.at + text.length);
	return 0;
}

bool sip_sdp_line_next(struct span *lines, char type, struct span *ret_value)
{
	struct span line;
	while (next_line(lines, &line)) {
		if (line.length >= 2 && line.at[0] == type && line.at[1] == '=') {
			*ret_value = span_from(line, 2);
			return true;
		}
	}
	return false;
}

bool sip_sdp_attribute_next(struct span *lines, struct span name, struct span *ret_value)
{
	struct span value;
	while (sip_sdp_line_next(lines, 'a', &value)) {
		struct span key = span_trim(span_cut(&value, ':'));
		if (!span_equal(key, name))
			continue;
		if (ret_value)
			*ret_value = value.at ? span_trim(value) : SPAN_NONE;
		return true;
	}
	return false;
}

bool sip_sdp_attribute(struct span lines, struct span name, struct span *ret_value)
{
	return sip_sdp_attribute_next(&lines, name, ret_value);
}

/* RFC 3551 6, tables 4 and 5: the payload types that need no rtpmap. */
struct static_payload {
	const char *format;
	const char *encoding;
};
static const struct static_payload static_payloads[] = {
	{ "0", "PCMU/8000" },
	{ "3", "GSM/8000" },
	{ "4", "G723/8000" },
	{ "5", "DVI4/8000" },
	{ "6", "DVI4/16000" },
	{ "7", "LPC/8000" },
	{ "8", "PCMA/8000" },
	{ "9", "G722/8000" },
	{ "10", "L16/44100/2" },
	{ "11", "L16/44100" },
	{ "12", "QCELP/8000" },
	{ "13", "CN/8000" },
	{ "14", "MPA/90000" },
	{ "15", "G728/8000" },
	{ "16", "DVI4/11025" },
	{ "17", "DVI4/22050" },
	{ "18", "G729/8000" },
	{ "25", "CelB/90000" },
	{ "26", "JPEG/90000" },
	{ "28", "nv/90000" },
	{ "31", "H261/90000" },
	{ "32", "MPV/90000" },
	{ "33", "MP2T/90000" },
	{ "34", "H263/90000" },
};

struct span sip_sdp_rtpmap(const struct sip_sdp_media *media, struct span format)
{
	struct span lines = media->lines, value;
	while (sip_sdp_attribute_next(&lines, SPAN("rtpmap"), &value)) {
		struct span type = value.at ? take_word(&value) : SPAN_NONE;
		if (span_equal(type, format))
			return span_trim(value);
	}
	for (size_t i = 0; i < sizeof(static_payloads) / sizeof(static_payloads[0]); i++) {
		if (span_is(format, static_payloads[i].format))
			return span_of(static_payloads[i].encoding);
	}
	return SPAN_NONE;
}

static bool find_direction(struct span lines, enum sip_sdp_direction *ret_direction)
{
	static const char *const names[] = { [SIP_SDP_SENDRECV] = "sendrecv",
		[SIP_SDP_SENDONLY] = "sendonly",
		[SIP_SDP_RECVONLY] = "recvonly",
		[SIP_SDP_INACTIVE] = "inactive" };
	struct span value;
	while (sip_sdp_line_next(&lines, 'a', &value)) {
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (span_is(span_trim(value), names[i])) {
				*ret_direction = (enum sip_sdp_direction)i;
				return true;
			}
		}
	}
	return false;
}

enum sip_sdp_direction sip_sdp_direction(const struct sip_sdp *sdp, const struct sip_sdp_media *media)
{
	enum sip_sdp_direction direction = SIP_SDP_SENDRECV;
	if (!find_direction(media->lines, &direction))
		(void)find_direction(sdp->lines, &direction);
	return direction;
}

const struct sip_sdp_connection *sip_sdp_connection(const struct sip_sdp *sdp, const struct sip_sdp_media *media)
{
	return media->connection.network.at ? &media->connection : &sdp->connection;
}
