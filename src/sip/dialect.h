/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_DIALECT_H
#define FEDGE_SIP_DIALECT_H
/* What shows that a message comes from Microsoft's world (Lync, Skype for Business, OCS). Facts, not a decision: who
 * reads them decides. Sources: [MS-SIPRE], [MS-SIP], [MS-OCER]; Cisco TAC 212383 for the wire. */
#include "sip/message.h"

enum sip_dialect_fact {
	SIP_DIALECT_AGENT =
		1 << 0, /* User-Agent UCCAPI/, RTC/, UCWA…, OCPhone or Server RTC/, "Lync", "Skype for Business" */
	SIP_DIALECT_NO_BRANCH = 1 << 1, /* the top Via has no branch */
	SIP_DIALECT_EPID = 1 << 2, /* epid on From or To */
	SIP_DIALECT_HEADER = 1 << 3, /* a header ms-… or P-… of theirs that is not ms-diagnostics-public */
	SIP_DIALECT_DIAGNOSTICS = 1 << 4, /* ms-diagnostics or ms-diagnostics-public */
	SIP_DIALECT_RECEIVED = 1 << 5, /* ms-received-port or ms-received-cid on a Via */
	SIP_DIALECT_GRUU = 1 << 6, /* opaque=user:epid: or opaque=app:conf: in Contact or Request-URI */
	SIP_DIALECT_OPTION = 1 << 7, /* Supported: ms-…, gruu-10 or com.microsoft.… */
	SIP_DIALECT_UPPER_CASE = 1 << 8 /* FROM:, CALL-ID: … or the scheme SIP: */
};

/* The facts that hold, or 0. */
unsigned sip_dialect_facts(const struct sip_message *m);
/* Do the facts speak for Microsoft? Any but the diagnostics (other edges write them too), the missing branch
 * (RFC 2543 did without) and upper case. */
bool sip_dialect_is_microsoft(unsigned facts);
/* What Expressway calls the SIP variant of a request (X8.9: standards, Microsoft AV, Microsoft SIP IM&P; the facts it
 * goes by are our own reading): of Microsoft's, INVITEs with sound or picture, or without an offer, are AV; those with
 * messages only, and MESSAGE, SUBSCRIBE, NOTIFY, BENOTIFY, SERVICE and PUBLISH, are IM. */
enum sip_variant { SIP_VARIANT_STANDARDS, SIP_VARIANT_MICROSOFT_AV, SIP_VARIANT_MICROSOFT_IM };
enum sip_variant sip_dialect_variant(const struct sip_message *request);
/* The epid of From or To: it must be echoed; absent where there is none. */
struct span sip_dialect_epid(const struct sip_address *address);
#endif
