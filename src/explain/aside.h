/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_ASIDE_H
#define FEDGE_EXPLAIN_ASIDE_H
/* What explain_aside.what may be: failures that are none of federation. The list grows, words do not change. */
#define EXPLAIN_ASIDES(X)                                                                                              \
	X(REGISTRATION, "registration refused")                                                                        \
	X(H323, "H.323")                                                                                               \
	X(XMPP, "XMPP")                                                                                                \
	X(HTTP, "HTTP")                                                                                                \
	X(ALARM, "alarm")                                                                                              \
	X(LICENCE, "licence")                                                                                          \
	X(BOX, "fault of the box itself")                                                                              \
	X(OTHER, "other warning")

enum explain_aside_kind {
#define EXPLAIN_ASIDE_VALUE(name, word) EXPLAIN_ASIDE_##name,
	EXPLAIN_ASIDES(EXPLAIN_ASIDE_VALUE)
#undef EXPLAIN_ASIDE_VALUE
		EXPLAIN_ASIDE_COUNT
};
#endif
