/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/method.h"

static const struct span names[SIP_METHOD_COUNT] = { [SIP_METHOD_OTHER] = { "", 0 },
#define METHOD_NAME(name) [SIP_METHOD_##name] = { #name, sizeof(#name) - 1 },
	SIP_METHODS(METHOD_NAME)
#undef METHOD_NAME
};

struct span sip_method_name(enum sip_method method)
{
	return method < SIP_METHOD_COUNT ? names[method] : names[SIP_METHOD_OTHER];
}

enum sip_method sip_method_find(struct span name)
{
	for (unsigned i = SIP_METHOD_OTHER + 1; i < SIP_METHOD_COUNT; i++) {
		if (names[i].length == name.length && names[i].at[0] == name.at[0] &&
			memcmp(names[i].at, name.at, name.length) == 0)
			return (enum sip_method)i;
	}
	return SIP_METHOD_OTHER;
}

bool sip_method_is_answered(enum sip_method method)
{
	return method != SIP_METHOD_ACK && method != SIP_METHOD_BENOTIFY;
}

bool sip_method_makes_dialog(enum sip_method method)
{
	return method == SIP_METHOD_INVITE || method == SIP_METHOD_SUBSCRIBE || method == SIP_METHOD_REFER ||
	       method == SIP_METHOD_NOTIFY;
}
