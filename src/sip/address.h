/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_ADDRESS_H
#define FEDGE_SIP_ADDRESS_H
/* Names with addresses: what From, To, Contact, Route, Record-Route, P-Asserted-Identity carry.
 *	"Alice" <sip:alice@example.com;transport=tls>;tag=88sja8x
 * Without angle brackets, parameters belong to the header, not to the URI (RFC 3261 20.10). */
#include "base/buffer.h"
#include "base/span.h"
#include "sip/defect.h"
#include "sip/uri.h"

struct sip_address {
	struct span whole; /* the value without blanks around it */
	struct span display; /* without its quotes, escapes kept; absent where there is none */
	struct span uri; /* the text of the URI; sip_uri_parse takes it apart */
	struct span parameters; /* of the header: from the first ";" on, or empty */
	struct span tag; /* absent where there is none */
	bool has_brackets;
	bool is_wildcard; /* Contact: * */
};

/* One value (take it off a list with sip_values_next first). The URI's own grammar is not checked here. */
int sip_address_parse(struct span value, struct sip_address *ret_address, struct sip_defect *ret_defect);
bool sip_address_parameter(const struct sip_address *address, struct span name, struct span *ret_value);
/* Both at once: the address and its URI taken apart. */
int sip_address_parse_uri(struct span value, struct sip_address *ret_address, struct sip_uri *ret_uri);

/* Appends: "display" <uri>;parameters — display is quoted and escaped here, left out where it is empty; parameters are
 * appended as they are and begin with ";". */
int sip_address_write(struct buffer *b, struct span display, struct span uri, struct span parameters);
#endif
