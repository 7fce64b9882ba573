/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a zone: those of all kinds first, then what only some have. */
#include "config/schema_part.h"

#define TRAVERSAL "traversal-client|traversal-server"
#define NEIGHBORS "neighbor|" TRAVERSAL
#define OTHERS "dns|" NEIGHBORS /* all that lead to somebody else */

/* Each in the order of its enum. */
static const char *const kinds[] = { "dns", "neighbor", "traversal-client", "traversal-server", "local", "default",
	NULL };
static const char *const authentications[] = { "do-not-check", "check-credentials", "treat-as-authenticated", NULL };
static const char *const media_encryptions[] = { "auto", "force-encrypted", "force-unencrypted", "best-effort", NULL };
static const char *const record_routes[] = { "address", "name", NULL };
static const char *const redirects[] = { "pass", "follow", NULL };

const char *config_zone_kind_name(enum config_zone_kind kind)
{
	return kinds[kind];
}

static const struct schema_section strip_section = {
	.name = "strip",
	.size = sizeof(struct config_strip),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "update", SCHEMA_BOOLEAN, 0, MEMBER(struct config_strip, update), .default_text = "no",
				.help = "Take UPDATE out of Allow." },
			{ "multipart", SCHEMA_BOOLEAN, 0, MEMBER(struct config_strip, multipart), .default_text = "no",
				.help = "Of a body of several parts send on the session description (SDP) only." },
			{ "udp_bfcp", SCHEMA_BOOLEAN, 0, MEMBER(struct config_strip, udp_bfcp), .default_text = "no",
				.help = "Refuse m=application lines of UDP/BFCP by setting their port to 0." },
			{ "udp_ix", SCHEMA_BOOLEAN, 0, MEMBER(struct config_strip, udp_ix), .default_text = "no",
				.help = "The same for UDP/UDT/IX." },
			{ "proxy_require", SCHEMA_TEXT, SCHEMA_LIST, TEXTS(struct config_strip, proxy_require),
				.maximum = 100, .help = "Option tags to take out of Proxy-Require." },
			{ NULL },
		},
};

const struct schema_section schema_zone = {
	.name = "a zone",
	.size = sizeof(struct config_zone),
	.place_offset = offsetof(struct config_zone, place),
	.keys =
		(const struct schema_key[]){
			{ "name", SCHEMA_NAME, SCHEMA_REQUIRED, MEMBER(struct config_zone, name),
				.help = "What rules and logs call it." },
			{ "kind", SCHEMA_CHOICE, SCHEMA_REQUIRED, MEMBER(struct config_zone, kind), .choices = kinds,
				.help = "dns: where DNS says for the domain that is called. neighbor: these machines, "
					"which are inside: trusted, and told everything. traversal-client: the servers "
					"of a traversal zone, to which we connect; calls come in over these "
					"connections too. traversal-server: a traversal client, which connects to us. "
					"local: the phones that are registered here. default: settings for those who "
					"call us and belong to no other zone." },
			{ "description", SCHEMA_TEXT, 0, MEMBER(struct config_zone, description),
				.help = "A note for people." },
			{ "transport", SCHEMA_CHOICE, 0, MEMBER(struct config_zone, transport),
				.choices = schema_transports, .default_text = "tls", ONLY("kind", OTHERS),
				.help = "How it is reached." },
			{ "peers", SCHEMA_ENDPOINT, SCHEMA_LIST | SCHEMA_REQUIRED, TEXTS(struct config_zone, peers),
				.minimum = 1, .maximum = 100, ONLY("kind", "neighbor|traversal-client"),
				.help = "Its machines in order of preference, as HOST, HOST:PORT or [IPv6]:PORT. When "
					"a neighbor calls us a machine is known by its address, not by a host name. "
					"Of a traversal client: the servers to connect to, all of them." },
			{ "verify_name", SCHEMA_HOST, 0, MEMBER(struct config_zone, verify_name), ONLY("kind", OTHERS),
				.help = "The host name its certificate must carry (transport tls). A traversal zone "
					"over TLS needs one: the server's, of a traversal server the client's." },
			{ "hop_count", SCHEMA_NUMBER, 0, MEMBER(struct config_zone, hop_count), .default_text = "0",
				.maximum = 255,
				.help = "The most hops a request may still have on its way there (Max-Forwards); 0: as "
					"many as it came with." },
			{ "authentication", SCHEMA_CHOICE, SCHEMA_COMPUTED, MEMBER(struct config_zone, authentication),
				.choices = authentications,
				.default_text = "treat-as-authenticated; check-credentials for kinds default and "
						"local; do-not-check for kind dns",
				.help = "What requests from there must prove. do-not-check: nothing; rules can ask "
					"whether they are authenticated, and they are not. check-credentials: the name "
					"and password of one of users. treat-as-authenticated: nothing, but they count "
					"as authenticated." },
			{ "trust_identity", SCHEMA_BOOLEAN, SCHEMA_COMPUTED, MEMBER(struct config_zone, trust_identity),
				.default_text = "yes for neighbor and traversal zones, no for others",
				.help = "Believe P-Asserted-Identity of requests from there and pass it on." },
			{ "preloaded_routes", SCHEMA_BOOLEAN, SCHEMA_COMPUTED,
				MEMBER(struct config_zone, preloaded_routes),
				.default_text = "yes for neighbor and traversal zones, no for others",
				.help = "May a request that begins a call bring Route headers that lead on beyond "
					"us." },
			{ "poison", SCHEMA_BOOLEAN, 0, MEMBER(struct config_zone, poison), .default_text = "no",
				.help = "Refuse what we sent there when it comes back from there." },
			{ "media_encryption", SCHEMA_CHOICE, 0, MEMBER(struct config_zone, media_encryption),
				.choices = media_encryptions, .default_text = "auto",
				.help = "What the media of calls must be. Judged are the offers in INVITE, UPDATE and "
					"PRACK, "
					"in a call too: one that breaks the rule is refused (488), and so is every "
					"INVITE without an offer. Answers are passed as they are: RFC 3264 lets them "
					"only take or refuse what was offered. Nothing is encrypted on anybody's "
					"behalf." },
			{ "record_route", SCHEMA_CHOICE, 0, MEMBER(struct config_zone, record_route),
				.choices = record_routes, .default_text = "name",
				.help = "As what we stand in Record-Route towards it: by our address or our name." },
			{ "redirects", SCHEMA_CHOICE, 0, MEMBER(struct config_zone, redirects), .choices = redirects,
				.default_text = "pass",
				.help = "A 3xx answer from there. pass: the caller gets it. follow: its Contact is "
					"searched for, from the first transform on, with the rights of the caller: "
					"whoever is "
					"there leads your users' calls wherever they may go." },
			{ "strip", SCHEMA_SECTION, 0, .offset = offsetof(struct config_zone, strip),
				.section = &strip_section,
				.help = "What is taken out of requests that go there, for those who choke on it." },

			{ "monitor", SCHEMA_BOOLEAN, SCHEMA_COMPUTED, MEMBER(struct config_zone, monitor),
				.default_text = "no; always for traversal zones", ONLY("kind", "neighbor"),
				.help = "Ask its machines by OPTIONS whether they are alive; those that are not are "
					"passed over." },
			{ "monitor_interval", SCHEMA_DURATION, 0, MEMBER(struct config_zone, monitor_interval_ms),
				.default_text = "20s", .minimum = 100, .maximum = HOUR_MS, ONLY("kind", NEIGHBORS),
				.help = "How often." },
			{ "monitor_timeout", SCHEMA_DURATION, 0, MEMBER(struct config_zone, monitor_timeout_ms),
				.default_text = "5s", .minimum = 100, .maximum = 60000, ONLY("kind", NEIGHBORS),
				.help = "How long to wait for the answer." },

			{ "username", SCHEMA_TEXT, SCHEMA_REQUIRED, MEMBER(struct config_zone, username),
				ONLY("kind", TRAVERSAL),
				.help = "Of a traversal client: as whom we authenticate. Of a server: whom we let "
					"in." },
			{ "password", SCHEMA_SECRET, 0, MEMBER(struct config_zone, password), ONLY("kind", TRAVERSAL),
				.help = "The password that goes with it. It or password_file is needed." },
			{ "password_file", SCHEMA_FILE_READ, 0, MEMBER(struct config_zone, password_file),
				ONLY("kind", TRAVERSAL),
				.help = "File whose first line is the password; read again at each reload." },
			{ "port", SCHEMA_PORT, SCHEMA_REQUIRED, MEMBER(struct config_zone, port),
				ONLY("kind", "traversal-server"),
				.help = "Where the client connects to: a port of this zone alone, by custom 7001 and "
					"up." },
			{ "retry", SCHEMA_DURATION, 0, MEMBER(struct config_zone, retry_ms), .default_text = "1s",
				.minimum = 10, .maximum = HOUR_MS, ONLY("kind", "traversal-client"),
				.help = "The first wait before we connect again; it doubles up to 16 times that." },

			{ "service", SCHEMA_TEXT, 0, MEMBER(struct config_zone, service),
				.default_text = "sipfederationtls", ONLY("kind", "dns"),
				.help = "sipfederationtls: the SRV service partners are found by and judged by the "
					"rules of trust; without its underscore, the same in all such zones. sip: as "
					"RFC 3263 says (NAPTR, then _sips._tcp, _sip._tcp, _sip._udp), without the "
					"rules of trust." },
			{ "lookup_domain", SCHEMA_DOMAIN, 0, MEMBER(struct config_zone, lookup_domain),
				ONLY("kind", "dns"),
				.help = "Look up this domain instead of the one that was dialled, which the request "
					"keeps." },
			{ "include_address_record", SCHEMA_BOOLEAN, 0,
				MEMBER(struct config_zone, include_address_record), .default_text = "no",
				ONLY("kind", "dns"),
				.help = "Where a domain has no SRV record call its address (A, AAAA); service sip "
					"only." },
			{ "inbound_mapping", SCHEMA_BOOLEAN, 0, MEMBER(struct config_zone, inbound_mapping),
				.default_text = "no", ONLY("kind", "dns"),
				.help = "Who calls us with a certificate of verify_name belongs to this zone instead "
					"of the default zone." },
			{ "fallback_transport", SCHEMA_CHOICE, 0, MEMBER(struct config_zone, fallback_transport),
				.choices = schema_transports, .default_text = "tcp", ONLY("kind", "dns"),
				.help = "How to call where neither DNS nor the address says; service sip only." },
			{ NULL },
		},
};
