/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of explain/signatures.def: the least that shows it, and that no row before it takes it. */
#include "explain/signature.h"
#include "finding/finding.h"
#include "unit/explain/material.h"

/* A call of alice@a.lab to bob@b.lab, as vcse of a.lab saw it. */
#define IN "vcse 0.000 < cms.a.lab INVITE via=cms.a.lab\n"
#define CALL IN "vcse 0.010 > edge.b.lab INVITE via=vcse:S1,cms.a.lab\n"
#define ANSWER(rest) CALL "vcse 0.900 < edge.b.lab " rest " via=vcse:S1,cms.a.lab\n"
/* vcse itself refused, after what the lines between say. */
#define REFUSED(lines, answer) IN lines "vcse 0.900 > cms.a.lab " answer " via=cms.a.lab\n"
#define RTC " h='Server: RTC/6.0'"
#define DIAG(value) ANSWER("504 'Server time-out' diag='" value "'" RTC)
#define OUR_504 "504 'Server time-out'"
#define TLS(rest) REFUSED("vcse 0.500 handshake failed edge.b.lab name=edge.b.lab " rest "\n", OUR_504)

static const struct {
	const char *row;
	const char *lines;
	const char *code;
	enum explain_confidence confidence;
	enum finding_who who;
	bool is_inside;
} cases[] = {
	{ "our judgement", REFUSED("vcse 0.500 judge srv-missing domain=b.lab status=504\n", OUR_504), "srv-missing",
		EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "our judgement", IN "vcse 0.500 judge - status=403 text='the domain `b.lab` is blocked'\n", NULL, 0, 0,
		false },
	{ "NO_SRV_MATCH",
		"sfvedge 0.5 judge - severity=warning result=0xc3e93d6f p='domain=a.lab' p='fqdn1=x.c.lab:5061' "
		"status=504\n",
		"srv-target-outside-domain", EXPLAIN_PROVED, FINDING_PARTNER, false },
	/* It fits, but for the target, which is the judge's to see: see elsewhere[]. */
	{ "NO_SRV_MATCH",
		"sfvedge 0.5 judge - severity=warning result=0xc3e93d6f p='domain=a.lab' p='fqdn1=x.A.lab.:5061' "
		"status=504\n",
		"peer-gave-reason", EXPLAIN_POSSIBLE, 0, false },
	{ "CERT_MISMATCH",
		"sfvedge 0.5 judge - result=0xc3e93d67 p='expected-fqdn=v.a.lab' p='certName=w.a.lab' status=504\n",
		"certificate-name-mismatch", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "CERT_MISMATCH",
		"sfvedge 0.5 judge - result=0xc3e93d67 p='expected-fqdn=v.a.lab' p='certName=*.a.lab' status=504\n",
		"certificate-wildcard-only", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "CERT_MISMATCH",
		"sfvedge 0.5 judge - result=0xc3e93d67 p='expected-fqdn=v.a.lab' p='certName=v.a.lab' status=504\n",
		"certificate-cn-ignored", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "SIPPROXY_E_ROUTING", ANSWER("403 Forbidden") "vcse 0.5 judge - result=0xc3e93c5e\n", "route-untrusted",
		EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "split domain by name",
		ANSWER("403 Forbidden") "vcse 0.5 judge - "
					"resultname=SIPPROXY_E_EPROUTING_MSG_INVALID_EXT_SPLIT_DOMAIN\n",
		"domain-split", EXPLAIN_LIKELY, 0, false },
	{ "unknown user or epid", ANSWER("404 'Not Found'") "vcse 0.5 judge - result=0xc3e93c2f\n", "user-not-found",
		EXPLAIN_LIKELY, 0, true },
	{ "worker slow", ANSWER("503 'Service Unavailable'") "vcse 0.5 judge - result=0xc3e8302d\n", "peer-unavailable",
		EXPLAIN_LIKELY, 0, false },
	{ "auth unauthorized", ANSWER("403 Forbidden") "vcse 0.5 judge - result=0xc3e93ec3\n", "authentication-failed",
		EXPLAIN_POSSIBLE, 0, true },

	{ "verify: expired", TLS("alert=45 sent reason='certificate has expired'"), "certificate-expired",
		EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "verify: not yet valid", TLS("reason='certificate is not yet valid'"), "certificate-not-yet-valid",
		EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "verify: revoked", TLS("reason='certificate revoked'"), "certificate-revoked", EXPLAIN_PROVED,
		FINDING_PARTNER, false },
	{ "verify: purpose, of a caller",
		"vcse 0.5 handshake failed edge.b.lab server reason='unsuitable certificate purpose'\n",
		"certificate-no-client-usage", EXPLAIN_PROVED, 0, false },
	{ "verify: purpose, of who is called", TLS("reason='unsuitable certificate purpose'"),
		"certificate-no-server-usage", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "identity unacceptable", TLS("reason='Peer\x80s TLS certificate identity was unacceptable'"),
		"tls-verify-name-wrong", EXPLAIN_PROVED, FINDING_YOU, false },
	{ "self-signed in chain", TLS("reason='self signed certificate in certificate chain'"), "certificate-untrusted",
		EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "self-signed", TLS("reason='self signed certificate'"), "certificate-untrusted", EXPLAIN_PROVED,
		FINDING_PARTNER, false },
	{ "verify: unknown authority", TLS("reason='unable to get local issuer certificate'"), "certificate-untrusted",
		EXPLAIN_LIKELY, FINDING_PARTNER, false },

	{ "1008 to 1010 of a registration",
		"cucm 0.000 < phone REGISTER via=phone to=alice@a.lab\n"
		"cucm 0.100 > phone 504 'Server time-out' m=REGISTER via=phone to=alice@a.lab "
		"diag='1009;reason=\"x\";domain=\"a.lab\";fqdn1=\"v.c.lab:5061\"'\n",
		"peer-gave-reason", EXPLAIN_POSSIBLE, 0, true },
	{ "1008 without an answer", DIAG("1008;reason=\"x\";domain=\"a.lab\";dns-srv-result=\"Timeout\""),
		"srv-lookup-failed", EXPLAIN_LIKELY, FINDING_NETWORK, false },
	{ "1008", DIAG("1008;reason=\"x\";domain=\"a.lab\""), "srv-missing", EXPLAIN_PROVED, FINDING_YOU, false },
	{ "1009", DIAG("1009;reason=\"x\";domain=\"a.lab\";fqdn1=\"v.c.lab:5061\""), "srv-target-outside-domain",
		EXPLAIN_PROVED, FINDING_YOU, false },
	{ "1009", DIAG("1009;reason=\"x\";domain=\"b.lab\";fqdn1=\"v.c.lab:5061\""), "srv-target-outside-domain",
		EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "1009", DIAG("1009;reason=\"x\";domain=\"a.lab\";fqdn1=\"v.w.a.lab:5061\""), "srv-target-outside-domain",
		EXPLAIN_PROVED, FINDING_YOU, false },
	{ "1009", DIAG("1009;reason=\"x\";domain=\"a.lab\";fqdn1=\"v.a.lab:5061\""), "peer-gave-reason",
		EXPLAIN_POSSIBLE, 0, false },
	{ "1009", DIAG("1009;reason=\"x\";domain=\"third.lab\";fqdn1=\"v.c.lab:5061\""), "peer-gave-reason",
		EXPLAIN_POSSIBLE, 0, false },
	{ "1010 wrong principal",
		DIAG("1010;reason=\"x\";tls-target=\"v.a.lab\";PeerServer=\"w.a.lab\";"
		     "HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\""),
		"certificate-name-mismatch", EXPLAIN_PROVED, FINDING_YOU, false },
	{ "1010 chain",
		DIAG("1010;reason=\"x\";ErrorType=\"The peer certificate chain is not "
		     "complete\";tls-target=\"v.a.lab\";"
		     "HRESULT=\"0x80090325(SEC_E_UNTRUSTED_ROOT)\""),
		"certificate-chain-incomplete", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "1010 untrusted",
		DIAG("1010;reason=\"x\";HRESULT=\"0x80090325(SEC_E_UNTRUSTED_ROOT)\";tls-target=\"v.a.lab\""),
		"certificate-untrusted", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "1010 untrusted", DIAG("1010;reason=\"x\";HRESULT=\"0x800B0109\";tls-target=\"v.a.lab\""),
		"certificate-untrusted", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "1010 expired", DIAG("1010;reason=\"x\";HRESULT=\"0x80090328(SEC_E_CERT_EXPIRED)\";tls-target=\"v.a.lab\""),
		"certificate-expired", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "1010 revoked", DIAG("1010;reason=\"x\";ErrorType=\"The peer certificate is revoked\""),
		"certificate-revoked", EXPLAIN_LIKELY, 0, false },
	{ "1010 usage", DIAG("1010;reason=\"x\";HRESULT=\"0x80090349(SEC_E_CERT_WRONG_USAGE)\""),
		"certificate-no-server-usage", EXPLAIN_LIKELY, 0, false },
	{ "1010 not shown", DIAG("1010;reason=\"x\";ErrorType=\"The peer did not present a certificate\""),
		"certificate-missing", EXPLAIN_LIKELY, 0, false },
	{ "1010 revocation offline", DIAG("1010;reason=\"x\";HRESULT=\"0x80092013\""), "certificate-trust-failed",
		EXPLAIN_POSSIBLE, 0, false },
	{ "1010", DIAG("1010;reason=\"x\";HRESULT=\"0x80091234\""), "certificate-trust-failed", EXPLAIN_LIKELY, 0,
		false },
	{ "1014", DIAG("1014;reason=\"x\";fqdn=\"v.a.lab\""), "address-missing", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "1046 refused", DIAG("1046;reason=\"x\";fqdn=\"v.a.lab\";winsock-code=\"10061\""), "connect-refused",
		EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "1046 timeout", DIAG("1046;reason=\"x\";fqdn=\"v.a.lab\";winsock-code=\"10060\""), "connect-timeout",
		EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "1038", DIAG("1038;reason=\"x\""), "peer-unavailable", EXPLAIN_POSSIBLE, FINDING_PARTNER, false },
	{ "1047 reset", DIAG("1047;reason=\"x\";WinsockFailureCode=\"10054(WSAECONNRESET)\""), "tls-reset",
		EXPLAIN_LIKELY, 0, false },
	{ "1017", DIAG("1017;reason=\"x\""), "domain-split", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "1001, 1002", DIAG("1002;reason=\"x\""), "federation-not-enabled", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "1001, 1002", DIAG("1001;reason=\"x\""), "federation-not-enabled", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "1012", DIAG("1012;reason=\"x\""), "federation-not-enabled", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "1027", ANSWER("403 Forbidden diag='1034;reason=\"y\"' diag='1027;reason=\"x\"'"),
		"federation-request-refused", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "1005", DIAG("1005;reason=\"x\""), "domain-not-routable", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "1003", ANSWER("404 'Not Found' diag='1003;reason=\"x\"'"), "user-not-found", EXPLAIN_PROVED, FINDING_PARTNER,
		true },
	{ "1004", ANSWER("481 Gone diag='1004;reason=\"x\"'"), "dialog-lost", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "1006, 1007", DIAG("1007;reason=\"x\""), "peer-unavailable", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "1000", ANSWER("401 Unauthorized diag='1000;reason=\"x\"'"), "authentication-failed", EXPLAIN_PROVED, 0,
		true },
	{ "1013", ANSWER("401 Unauthorized diag='1013;reason=\"x\"'"), "authentication-failed", EXPLAIN_PROVED, 0,
		true },
	{ "4003, 4004", ANSWER("403 Forbidden diag='4004;reason=\"x\"'"), "authentication-failed", EXPLAIN_LIKELY, 0,
		true },
	{ "4141", ANSWER("403 Forbidden diag='4141;reason=\"x\"'"), "authentication-failed", EXPLAIN_LIKELY, 0, true },
	{ "7008", ANSWER("488 'Not Acceptable Here' diag='7008;reason=\"x\"'"), "media-not-accepted", EXPLAIN_LIKELY, 0,
		false },
	{ "encryption", ANSWER("488 'Not Acceptable Here' h='ms-client-diagnostics: 52017;reason=\"x\"'"),
		"media-not-accepted", EXPLAIN_LIKELY, 0, false },
	{ "unsupported description", ANSWER("488 'Not Acceptable Here' h='ms-client-diagnostics: 52063;reason=\"x\"'"),
		"media-not-accepted", EXPLAIN_LIKELY, 0, false },
	{ "1015", DIAG("1015;reason=\"x\""), "domain-not-allowed", EXPLAIN_POSSIBLE, FINDING_PARTNER, false },
	{ "1016", DIAG("1016;reason=\"x\""), "identity-mismatch", EXPLAIN_POSSIBLE, FINDING_YOU, false },

	{ "none shown", TLS("alert=40 reason='alert 40; asked for a certificate, the client had shown none'"),
		"certificate-missing", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "refused: unknown authority", TLS("alert=48 sent reason='refused'"), "certificate-untrusted", EXPLAIN_LIKELY,
		FINDING_PARTNER, false },
	{ "refused: date", TLS("alert=45 sent reason='refused'"), "certificate-expired", EXPLAIN_LIKELY,
		FINDING_PARTNER, false },
	{ "refused: certificate", TLS("alert=46 sent reason='refused'"), "certificate-trust-failed", EXPLAIN_LIKELY,
		FINDING_PARTNER, false },
	{ "alert unknown_ca", TLS("alert=48 reason='the peer sent alert 48 (unknown ca)'"),
		"certificate-refused-by-partner", EXPLAIN_PROVED, FINDING_YOU, false },
	{ "alert unknown_ca", TLS("reason='tlsv1 alert unknown ca'"), "certificate-refused-by-partner", EXPLAIN_PROVED,
		FINDING_YOU, false },
	{ "alert certificate_expired", TLS("alert=45 reason='sslv3 alert certificate expired'"),
		"certificate-refused-by-partner", EXPLAIN_PROVED, FINDING_YOU, false },
	{ "alert unsupported_certificate", TLS("alert=43"), "certificate-refused-by-partner", EXPLAIN_PROVED,
		FINDING_YOU, false },
	{ "alert certificate_revoked", TLS("alert=44"), "certificate-refused-by-partner", EXPLAIN_PROVED, FINDING_YOU,
		false },
	{ "alert certificate_required", TLS("alert=116"), "certificate-refused-by-partner", EXPLAIN_PROVED, FINDING_YOU,
		false },
	{ "alert certificate_unknown", TLS("reason='sslv3 alert certificate unknown'"),
		"certificate-refused-by-partner", EXPLAIN_PROVED, FINDING_YOU, false },
	{ "alert, other, of certificates", TLS("alert=42"), "certificate-refused-by-partner", EXPLAIN_PROVED,
		FINDING_YOU, false },
	{ "alert protocol_version", TLS("alert=70"), "tls-version-unsupported", EXPLAIN_PROVED, FINDING_PARTNER,
		false },
	{ "version", TLS("reason='wrong version number'"), "tls-version-unsupported", EXPLAIN_LIKELY, FINDING_PARTNER,
		false },
	{ "alert handshake_failure", TLS("alert=40"), "tls-handshake-failed", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "judgement: refused certificate",
		REFUSED("vcse 0.5 judge certificate-refused-by-partner status=504\n", OUR_504),
		"certificate-refused-by-partner", EXPLAIN_PROVED, FINDING_YOU, false },
	{ "handshake cut", TLS("reason='Connection reset by peer'"), "tls-reset", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "alert after the ClientHello",
		TLS("alert=48 reason='the server sent alert 48 after the clients ClientHello'"), "tls-handshake-failed",
		EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "cut after the ClientHello", TLS("reason='reset by the server after the clients ClientHello'"), "tls-reset",
		EXPLAIN_LIKELY, FINDING_NETWORK, false },
	{ "handshake cut", TLS("reason='reset by the server after the server Certificate'"), "tls-reset",
		EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "judgement: reset", REFUSED("vcse 0.5 judge tls-reset status=504\n", OUR_504), "tls-reset", EXPLAIN_PROVED,
		FINDING_YOU, false },
	{ "judgement: handshake", REFUSED("vcse 0.5 judge tls-handshake-failed status=504\n", OUR_504),
		"tls-handshake-failed", EXPLAIN_PROVED, 0, false },
	{ "1047", DIAG("1047;reason=\"x\""), "tls-handshake-failed", EXPLAIN_LIKELY, 0, false },
	{ "encrypted alert", TLS("reason='its last record has the size of an alert (encrypted, no key)'"),
		"tls-handshake-failed", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "silence after hello", TLS("reason='nothing more came after its ClientHello'"), "tls-handshake-failed",
		EXPLAIN_LIKELY, FINDING_NETWORK, false },
	{ "handshake failed", TLS("reason='no shared cipher'"), "tls-handshake-failed", EXPLAIN_LIKELY, FINDING_PARTNER,
		false },

	{ "no federation SRV", REFUSED("vcse 0.5 dns SRV _sipfederationtls._tcp.b.lab status=nxdomain\n", OUR_504),
		"srv-missing", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "SRV lookup failed", REFUSED("vcse 0.5 dns SRV _sipfederationtls._tcp.b.lab status=servfail\n", OUR_504),
		"srv-lookup-failed", EXPLAIN_PROVED, FINDING_NETWORK, false },
	{ "no SRV at all", REFUSED("vcse 0.5 dns SRV _sips._tcp.b.lab status=nxdomain\n", "404 'Not Found'"),
		"srv-missing", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "no address",
		REFUSED("vcse 0.4 dns SRV _sipfederationtls._tcp.b.lab answer='0 0 5061 e.b.lab.'\n"
			"vcse 0.5 dns A e.b.lab status=nxdomain\n",
			OUR_504),
		"address-missing", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "address lookup failed",
		REFUSED("vcse 0.4 dns SRV _sipfederationtls._tcp.b.lab answer='0 0 5061 e.b.lab.'\n"
			"vcse 0.5 dns A e.b.lab status=timeout\n",
			OUR_504),
		"address-lookup-failed", EXPLAIN_PROVED, FINDING_NETWORK, false },
	{ "connection refused",
		REFUSED("vcse 0.5 connect failed edge.b.lab peer=edge.b.lab reason='Connection refused'\n", OUR_504),
		"connect-refused", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "connection timed out",
		REFUSED("vcse 0.5 connect failed edge.b.lab peer=edge.b.lab reason='Connection timed out'\n", OUR_504),
		"connect-timeout", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "connection failed",
		REFUSED("vcse 0.5 connect failed edge.b.lab peer=edge.b.lab reason='No route to host'\n", OUR_504),
		"connect-unreachable", EXPLAIN_PROVED, FINDING_NETWORK, false },

	{ "preloaded route",
		"vcse 0.000 < cms.a.lab INVITE via=cms.a.lab h='Route: <sip:vcse.a.lab;lr>'\n"
		"vcse 0.9 > cms.a.lab 404 'Not Found' via=cms.a.lab h='Warning: 399 10.0.0.1:5061 \"Policy "
		"Response\"'\n",
		"route-header-refused", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "policy response", REFUSED("", "404 'Not Found' h='Warning: 399 10.0.0.1:5061 \"Policy Response\"'"),
		"policy-rejected", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "policy service", REFUSED("", "504 'Policy Service Unavailable'"), "policy-rejected", EXPLAIN_LIKELY,
		FINDING_YOU, false },
	{ "default zone",
		"vcse 0.000 < edge.b.lab INVITE via=edge.b.lab from=bob@b.lab to=alice@a.lab\n"
		"vcse 0.1 notice developer.zone.zonemgr 'Searched for DNS Zones by Subject Name' p='Found=False' "
		"serial=S9\n"
		"vcse 0.2 rule 'to cms' verdict=source serial=S9 alias=alice@a.lab\n"
		"vcse 0.9 > edge.b.lab 404 'Not Found' via=edge.b.lab from=bob@b.lab to=alice@a.lab\n",
		"zone-not-mapped", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "no rule", REFUSED("vcse 0.5 rule 'to c' verdict=unmatched serial=S1\n", "404 'Not Found'"),
		"no-rule-matches", EXPLAIN_PROVED, FINDING_YOU, false },
	{ "DNS gave nothing",
		REFUSED("vcse 0.5 dns NAPTR b.lab status=nodata\n"
			"vcse 0.6 search completed status=404 reason='Not Found' serial=S1\n",
			"404 'Not Found'"),
		"srv-missing", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "NOTIFY without a rule",
		"vcse 0.000 < cms.a.lab NOTIFY via=cms.a.lab\n"
		"vcse 0.100 > cms.a.lab 404 'Not Found' m=NOTIFY via=cms.a.lab\n",
		"no-rule-matches", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "search led nowhere",
		REFUSED("vcse 0.4 rule 'to b' verdict=considered serial=S1\n"
			"vcse 0.5 search completed status=404 reason='Not Found' serial=S1\n",
			"404 'Not Found'"),
		"user-not-found", EXPLAIN_LIKELY, 0, false },
	{ "search found nothing",
		REFUSED("vcse 0.5 search completed status=404 reason='Not Found' serial=S1\n", "404 'Not Found'"),
		"no-rule-matches", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "traversal route",
		"vcsc 0.000 > vcse MESSAGE via=vcsc h='Route: <sip:64.100.0.10:4401;transport=tls;apparent;ds;lr>'\n"
		"vcsc 0.9 < vcse 408 'Request Timeout' m=MESSAGE via=vcsc\n",
		"traversal-route-unreachable", EXPLAIN_LIKELY, FINDING_YOU, false },

	{ "482", ANSWER("482 'Loop Detected'"), "loop-detected", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "483", ANSWER("483 'Too Many Hops'"), "too-many-hops", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "busy", ANSWER("486 'Busy Here'"), "callee-busy", EXPLAIN_PROVED, FINDING_PARTNER, true },
	/* One branch of a fork was refused for its own reason; the other one is busy, and that is what the caller got.
	 */
	{ "busy",
		CALL "vcse 0.2 < edge.b.lab 504 'Server time-out' via=vcse:S1,cms.a.lab "
		     "diag='1009;reason=\"x\";domain=\"b.lab\";fqdn1=\"v.c.lab:5061\"'\n"
		     "vcse 0.3 > pbx.b.lab INVITE via=vcse:S2,cms.a.lab\n"
		     "vcse 0.4 < pbx.b.lab 486 'Busy Here' via=vcse:S2,cms.a.lab\n"
		     "vcse 0.5 > cms.a.lab 486 'Busy Here' via=cms.a.lab\n",
		"callee-busy", EXPLAIN_PROVED, FINDING_PARTNER, true },
	{ "busy everywhere", ANSWER("600 'Busy Everywhere'"), "callee-busy", EXPLAIN_PROVED, FINDING_PARTNER, true },
	{ "declined", ANSWER("603 Decline"), "callee-declined", EXPLAIN_PROVED, FINDING_PARTNER, true },
	{ "unavailable", ANSWER("480 'Temporarily Unavailable'"), "callee-unavailable", EXPLAIN_PROVED, FINDING_PARTNER,
		true },
	{ "rang, 408",
		CALL "vcse 0.1 < edge.b.lab 180 Ringing via=vcse:S1,cms.a.lab\n"
		     "vcse 40 < edge.b.lab 408 'Request Timeout' via=vcse:S1,cms.a.lab\n",
		"callee-unanswered", EXPLAIN_PROVED, FINDING_PARTNER, true },
	{ "408", ANSWER("408 'Request Timeout'"), "request-unanswered", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "media", ANSWER("488 'Not Acceptable Here'"), "media-not-accepted", EXPLAIN_PROVED, FINDING_PARTNER, true },
	{ "media, anywhere", ANSWER("606 'Not Acceptable'"), "media-not-accepted", EXPLAIN_PROVED, FINDING_PARTNER,
		true },
	{ "media type", ANSWER("415 'Unsupported Media Type'"), "media-not-accepted", EXPLAIN_LIKELY, FINDING_PARTNER,
		true },
	{ "too large", ANSWER("513 'Message Too Large'"), "message-too-large", EXPLAIN_PROVED, FINDING_PARTNER, false },
	{ "entity too large", ANSWER("413 'Request Entity Too Large'"), "message-too-large", EXPLAIN_PROVED,
		FINDING_PARTNER, false },
	{ "481", ANSWER("481 'Call/Transaction Does Not Exist'"), "dialog-lost", EXPLAIN_PROVED, FINDING_PARTNER,
		false },
	{ "404 without diagnostics", ANSWER("404 'Not Found'"), "user-not-found", EXPLAIN_LIKELY, FINDING_PARTNER,
		true },
	{ "404 without diagnostics",
		ANSWER("404 'Not Found' diag='1034;reason=\"x\"' "
		       "diag='10003;source=\"s\";reason=\"x\";SipResponseCode=\"404\"'"),
		"user-not-found", EXPLAIN_LIKELY, FINDING_PARTNER, true },
	{ "not found", REFUSED("", "404 'Not Found'"), "user-not-found", EXPLAIN_LIKELY, FINDING_YOU, true },
	{ "gone", ANSWER("410 Gone"), "user-not-found", EXPLAIN_PROVED, FINDING_PARTNER, true },
	{ "nowhere", ANSWER("604 'Does Not Exist Anywhere'"), "user-not-found", EXPLAIN_PROVED, FINDING_PARTNER, true },
	{ "incomplete", ANSWER("484 'Address Incomplete'"), "user-not-found", EXPLAIN_LIKELY, FINDING_YOU, true },
	{ "401", ANSWER("401 Unauthorized"), "authentication-failed", EXPLAIN_LIKELY, FINDING_YOU, true },
	{ "407", ANSWER("407 'Proxy Authentication Required'"), "authentication-failed", EXPLAIN_LIKELY, FINDING_YOU,
		true },
	{ "403 to a registration",
		"cucm 0.000 < phone REGISTER via=phone to=alice@a.lab\n"
		"cucm 0.100 > phone 403 Forbidden m=REGISTER via=phone to=alice@a.lab\n",
		"authentication-failed", EXPLAIN_LIKELY, 0, true },
	{ "504 to a registration",
		"cucm 0.000 < phone REGISTER via=phone to=alice@a.lab\n"
		"cucm 0.100 > phone 504 'Server time-out' m=REGISTER via=phone to=alice@a.lab\n",
		"peer-answered", EXPLAIN_POSSIBLE, 0, true },
	{ "403 within one domain",
		"vcse 0.000 < a1.a.lab INVITE via=a1.a.lab to=carol@a.lab\n"
		"vcse 0.900 > a1.a.lab 403 Forbidden via=a1.a.lab to=carol@a.lab\n",
		"peer-answered", EXPLAIN_POSSIBLE, 0, true },
	{ "504 within one domain",
		"vcse 0.000 < a1.a.lab INVITE sip:carol@a.lab via=a1.a.lab to=carol@a.lab\n"
		"vcse 0.900 > a1.a.lab 504 'Server time-out' via=a1.a.lab to=carol@a.lab\n",
		"peer-answered", EXPLAIN_POSSIBLE, 0, true },
	{ "bare 403", ANSWER("403 Forbidden"), "peer-answered", EXPLAIN_POSSIBLE, FINDING_PARTNER, false },
	{ "bare 403", ANSWER("403 Forbidden diag='1034;reason=\"x\"'"), "peer-answered", EXPLAIN_POSSIBLE,
		FINDING_PARTNER, false },
	{ "bare 504 of an edge", ANSWER(OUR_504 RTC), "peer-answered", EXPLAIN_POSSIBLE, FINDING_PARTNER, false },
	{ "bare 504 of an edge",
		ANSWER(OUR_504 RTC) "vcse 0.95 judge peer-answered status=504\n"
				    "vcse 0.96 > cms.a.lab 504 'Server time-out' via=cms.a.lab "
				    "diag='1034;reason=\"x\"'\n",
		"peer-answered", EXPLAIN_POSSIBLE, FINDING_PARTNER, false },
	{ "bare 504", ANSWER(OUR_504), "peer-answered", EXPLAIN_POSSIBLE, FINDING_PARTNER, false },
	{ "500", ANSWER("500 'Server Internal Error'"), "peer-unavailable", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "502, 503", ANSWER("503 'Service Unavailable'"), "peer-unavailable", EXPLAIN_LIKELY, FINDING_PARTNER, false },
	{ "400", ANSWER("400 'Bad Request'"), "request-malformed", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "405 to 406", ANSWER("405 'Method Not Allowed'"), "request-malformed", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "414 to 429", ANSWER("420 'Bad Extension'"), "request-malformed", EXPLAIN_LIKELY, FINDING_YOU, false },
	{ "505", ANSWER("505 'Version Not Supported'"), "request-malformed", EXPLAIN_LIKELY, FINDING_YOU, false },

	{ "unknown result code", "sfvedge 0.5 judge - result=0xc3e9ffff resultname=SIPPROXY_E_NEW status=504\n",
		"peer-gave-reason", EXPLAIN_POSSIBLE, 0, false },
	{ "unknown id", DIAG("1099;reason=\"brand new\""), "peer-gave-reason", EXPLAIN_POSSIBLE, FINDING_PARTNER,
		false },
	{ "sent elsewhere", ANSWER("302 'Moved Temporarily'"), "peer-answered", EXPLAIN_POSSIBLE, FINDING_PARTNER,
		true },
	{ "refused", ANSWER("402 'Payment Required'"), "peer-answered", EXPLAIN_POSSIBLE, FINDING_PARTNER, false },
	{ "504 in a summary",
		"vcse 0.1 event attempted to=bob@b.lab serial=S1 tag=T1\n"
		"vcse 0.2 event rejected to=bob@b.lab status=504 serial=S1 tag=T1\n",
		"peer-answered", EXPLAIN_POSSIBLE, 0, false },
	{ "peer answered", "vcse 0.5 judge peer-answered status=504\n", "peer-answered", EXPLAIN_POSSIBLE, 0, false },
	{ "no answer",
		CALL "vcse 99 < cms.a.lab OPTIONS via=cms.a.lab call=c9\n"
		     "vcse 99 > cms.a.lab 200 OK m=OPTIONS via=cms.a.lab call=c9\n",
		"request-unanswered", EXPLAIN_LIKELY, FINDING_NETWORK, false },
};

/* Of the cases that came out the first that is none of the lines that only show time going on. */
static const struct explain_case *make(struct material *m, const char *lines)
{
	material_open(m, NULL);
	material_add(m, lines);
	material_end(m);
	return m->case_count > 0 ? m->cases[0] : NULL;
}

static const char *row_of(const struct explain_case *c, bool outside)
{
	size_t count;
	const struct signature *table = signature_table(&count);
	struct signature_match match;
	for (size_t i = 0; i < count; i++)
		if (signature_matches(&table[i], c, outside, &match))
			return table[i].name;
	return "(none)";
}

static void each_row_is_shown(void **state)
{
	(void)state;
	size_t wrong = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct material m;
		struct arena arena;
		struct explain_problem *p = NULL;
		const struct explain_judge_settings settings = { 0 };
		const struct explain_case *c = make(&m, cases[i].lines);
		if (!c || !cases[i].code) {
			if (cases[i].code) {
				print_error("%zu %s: no case\n", i, cases[i].row);
				wrong++;
			}
			material_close(&m);
			continue;
		}
		arena_init(&arena, 1 << 20);
		assert_int_equal(explain_judge(&settings, c, &arena, &p), 0);
		bool outside =
			c->refused_by != 0 && c->refused_by + 1 == c->host_count && !c->hosts[c->refused_by].has_log;
		const char *row = row_of(c, outside);
		const char *code = p->finding ? finding_entry(p->finding->code)->code : "(none)";
		if (strcmp(row, cases[i].row) != 0 || strcmp(code, cases[i].code) != 0 ||
			p->confidence != cases[i].confidence || p->is_federation == cases[i].is_inside ||
			(cases[i].who && p->finding->who != cases[i].who)) {
			print_error("%zu %s: row '%s' %s %s who=%d inside=%d\n", i, cases[i].row, row, code,
				explain_confidence_word(p->confidence), p->finding ? (int)p->finding->who : -1,
				!p->is_federation);
			wrong++;
		}
		arena_done(&arena);
		material_close(&m);
	}
	assert_int_equal(wrong, 0);
}

/* Rows that need what the builder of cases cannot say stand in other tests. */
static void no_row_is_forgotten(void **state)
{
	(void)state;
	static const char *const elsewhere[] = { "NO_SRV_MATCH of a target inside", "1009 of a target inside",
		"1008 to 1009 of a third domain", "verify: unknown authority, at both ends", "traversal password" };
	size_t count;
	const struct signature *table = signature_table(&count);
	for (size_t i = 0; i < count; i++) {
		bool found = false;
		for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
			found |= strcmp(cases[k].row, table[i].name) == 0;
		for (size_t k = 0; k < sizeof(elsewhere) / sizeof(elsewhere[0]); k++)
			found |= strcmp(elsewhere[k], table[i].name) == 0;
		if (!found)
			fail_msg("no case shows the row '%s'", table[i].name);
	}
}

/* What no source confirms is at most likely, and a row that names no cause does not claim one. */
static void nothing_unconfirmed_is_proved(void **state)
{
	(void)state;
	static const uint32_t confirmed[] = { 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1012,
		1013 };
	size_t count;
	const struct signature *table = signature_table(&count);
	for (size_t i = 0; i < count; i++) {
		const struct signature *row = &table[i];
		bool is_confirmed = false;
		if (row->finding == FINDING_PEER_ANSWERED || row->finding == FINDING_PEER_GAVE_REASON)
			assert_int_equal(row->confidence, EXPLAIN_POSSIBLE);
		if (row->confidence != EXPLAIN_PROVED || row->all[0].sight != SIGNATURE_DIAGNOSTICS)
			continue;
		for (size_t k = 0; k < sizeof(confirmed) / sizeof(confirmed[0]); k++)
			is_confirmed |= row->all[0].from == confirmed[k];
		if (!is_confirmed || (row->finding != FINDING_CERTIFICATE_NAME_MISMATCH && row->all[0].text))
			fail_msg("the row '%s' claims a proof that its source does not give", row->name);
	}
}

/* A cause that is the finding itself would be no other cause. */
static void causes_are_others(void **state)
{
	(void)state;
	size_t count;
	const struct signature *table = signature_table(&count);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(table[i].why);
		for (size_t k = 0; k < SIGNATURE_CAUSES_MAXIMUM && table[i].causes[k].code; k++) {
			if (table[i].causes[k].code == table[i].finding)
				fail_msg("the row '%s' names its finding as a cause", table[i].name);
			assert_non_null(table[i].causes[k].why);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_shown),
		cmocka_unit_test(no_row_is_forgotten),
		cmocka_unit_test(nothing_unconfirmed_is_proved),
		cmocka_unit_test(causes_are_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
