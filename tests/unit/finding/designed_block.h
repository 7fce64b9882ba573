/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_FINDING_DESIGNED_BLOCK_H
#define FEDGE_TESTS_FINDING_DESIGNED_BLOCK_H
/* How a finding is shown to people, character by character: of a finding made by hand (finding/), and of one
 * that a judge made from facts (trust/). */
static const char DESIGNED_BLOCK[] =
	"error[srv-target-outside-domain]: no SRV target is in the domain `cms.steven.lab`\n"
	"  --> DNS _sipfederationtls._tcp.cms.steven.lab. 300 IN SRV 0 0 5061 vcse.sub.cms.steven.lab.\n"
	"                                                                     ^^^^^^^^^^^^^^^^^^^^^^^^ one "
	"label under cms.steven.lab is allowed, this has two\n"
	"   = a Lync or Skype for Business caller gets 504, ms-diagnostics 1009 \"No match for domain in DNS SRV "
	"results\"\n"
	"   = fix (you, in DNS): point the record at a name directly under the domain, then put that name into "
	"the certificate\n"
	"       _sipfederationtls._tcp.cms.steven.lab. 300 IN SRV 0 0 5061 vcse.cms.steven.lab.\n"
	"       vcse.cms.steven.lab.                   300 IN A   192.0.2.47\n"
	"   = not judged, because of this: certificate            fedge help srv-target-outside-domain\n";
#endif
