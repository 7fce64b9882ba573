/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/words.h"

#include "base/require.h"

/* Source: "Ms-Diagnostics Header" of the OCS 2007 documentation. */
const char *explain_words_id_range(uint32_t id)
{
	static const struct {
		uint32_t from;
		const char *words;
	} ranges[] = {
		{ 17000, "of the client version filter (17000 and up)" },
		{ 16000, "of the filter for instant messages (16000 and up)" },
		{ 15000, "of Exchange (15000 and up)" },
		{ 13000, "of routing in (13000 and up)" },
		{ 12000, "of routing out (12000 and up)" },
		{ 10000, "of the mediation server (10000 and up)" },
		{ 9000, "of the media relay (9000 and up)" },
		{ 7000, "of the audio and video conference server (7000 and up)" },
		{ 6000, "of the conference server for messages (6000 and up)" },
		{ 5000, "of server applications (5000 and up)" },
		{ 4000, "of the user services (4000 and up)" },
		{ 3000, "of the conference focus (3000 and up)" },
		{ 2000, "of presence (2000 and up)" },
		{ 1000, "of the SIP stack (1000 to 1999)" },
		{ 0, "common to all components (below 1000)" },
	};
	for (size_t i = 0; i < BASE_COUNT(ranges); i++)
		if (id >= ranges[i].from)
			return ranges[i].words;
	return "";
}

const char *explain_words_result_range(uint32_t result)
{
	if (result >> 16 == 0xc3e9)
		return "of the SIP proxy (0xC3E9)";
	if (result >> 16 == 0xc3e8)
		return "of the processes that host the SIP proxy (0xC3E8)";
	return "of no range that is known here";
}
