"""The failures that administrators of an Expressway, a Lync edge or their clients meet, each as its own small log in the
shape that the product writes (documented shapes, names of our own): what fedge explain makes of it.

The order is that of the classes: first what stands in an Expressway's log alone, then what Microsoft's headers say.
"""
import json
import subprocess

import pytest

US, INSIDE, PARTNER = "10.0.0.47", "10.0.0.9", "10.9.9.6"


def stamp(second):
    return f'UTCTime="2017-09-20 14:49:{second.replace(".", ",")}"'


def line(second, rest):
    return f"2017-09-20T10:49:{second}-04:00 vcse tvcs: {rest}\n"


def module(second, name, rest, level="DEBUG"):
    return line(second, f'{stamp(second)} Module="{name}" Level="{level}": {rest}')


def event(second, name, rest):
    return line(second, f'Event="{name}" Service="SIP" {rest} Level="1" {stamp(second)}')


def sip(second, action, peer, text, port="25000"):
    way = "Src" if action == "Received" else "Dst"
    number = sum(text.encode()) * 7919 + len(text)
    head = (f'{stamp(second)} Module="network.sip" Level="DEBUG":  Action="{action}" Local-ip="{US}" Local-port="5061" '
            f'{way}-ip="{peer}" {way}-port="{port}" Msg-Hash="{number}"')
    return line(second, head) + " SIPMSG:\n |" + text.replace("\n", "\n ") + "\n |\n"


def request(method, more="", via=INSIDE, sender="alice@a.lab", to="bob@b.lab"):
    return (f"{method} sip:{to} SIP/2.0\nVia: SIP/2.0/TLS {via}:5061;branch=z9hG4bK1\n{more}Max-Forwards: 70\n"
            f"From: <sip:{sender}>;tag=1\nTo: <sip:{to}>\nCall-ID: c1\nCSeq: 1 {method}\nContent-Length: 0\n\n")


def answer(status, more="", method="INVITE", via=INSIDE, sender="alice@a.lab", to="bob@b.lab"):
    return (f"SIP/2.0 {status}\nVia: SIP/2.0/TLS {via}:5061;branch=z9hG4bK1\nFrom: <sip:{sender}>;tag=1\n"
            f"To: <sip:{to}>;tag=2\nCall-ID: c1\nCSeq: 1 {method}\n{more}Content-Length: 0\n\n")


def refused_here(between, status, more="", invite=""):
    """The box has the call from inside and refuses it itself."""
    return (sip("18.000", "Received", INSIDE, request("INVITE", invite)) + between
            + sip("18.900", "Sent", INSIDE, answer(status, more)))


def refused_there(status, more=""):
    """What the box sent on came back refused."""
    return (sip("18.000", "Sent", PARTNER, request("INVITE", via=US), "5061")
            + sip("18.900", "Received", PARTNER, answer(status, more, via=US), "5061"))


def search(second, detail):
    return module(second, "network.search", f'Detail="{detail}"')


def not_found(second, detail="Found:false, searchtype:INVITE"):
    return event(second, "Search Completed", f'Reason="Not Found" Src-alias="alice@a.lab" Dst-alias="bob@b.lab" '
                 f'Detail="{detail}" Call-serial-number="s1" Tag="t1"')


def tls_error(way, detail, name="edge.b.lab", dst_port="5061"):
    src, dst = (PARTNER, US) if way == "Inbound" else (US, PARTNER)
    return event("18.100", f"{way} TLS Negotiation Error",
                 f'Src-ip="{src}" Src-port="30123" Dst-ip="{dst}" Dst-port="{dst_port}" Detail="{detail}" Protocol="TLS" '
                 f'Common-name="{name}"')


def ssl_error(reason, remote=f"{PARTNER}:30123"):
    return module("18.100", "developer.ssl",
                  'Detail="Failed to establish SSL connection" iResult="-1" error="1" bServer="true" '
                  f"localAddress=\"['IPv4''TCP''{US}:5061']\" remoteAddress=\"['IPv4''TCP''{remote}']\" "
                  f'ssl_error_reason="{reason}"', "ERROR")


CONSIDERED = search("18.100", "Considering search rule 'to b' towards target 'DNSZone1' at priority '100' with alias "
                              "'bob@b.lab'")
PASSED_OVER = search("18.100", "Search rule 'to b' did not match destination alias 'bob@b.lab'")
FROM_PARTNER = {"via": PARTNER, "sender": "bob@b.lab", "to": "alice@a.lab"}
RTC = "Server: RTC/6.0\n"


def ms(number, more="", header="ms-diagnostics"):
    return f'{header}: {number};reason="as the product says it"{more};source="sip.b.lab"\n'


# name: log, finding, confidence, who
CASES = {
    "a bare 504 of an edge": (refused_there("504 Server time-out", RTC), "peer-answered", "possible", "partner"),
    "an unknown root, by its misleading words": (
        tls_error("Inbound", "self signed certificate in certificate chain"), "certificate-untrusted", "proved", "partner"),
    "the certificate that the product came with": (
        tls_error("Outbound", "self signed certificate"), "certificate-untrusted", "proved", "partner"),
    "a name that the zone verifies and that is not there": (
        tls_error("Outbound", "Peer's TLS certificate identity was unacceptable", "10.0.0.47", "7001"),
        "tls-verify-name-wrong", "proved", "you"),
    "only the leaf was sent": (
        ssl_error("error:14094416:SSL routines:ssl3_read_bytes:sslv3 alert certificate unknown"),
        "certificate-refused-by-partner", "proved", "you"),
    "no clientAuth": (
        ssl_error("error:14094413:SSL routines:ssl3_read_bytes:sslv3 alert unsupported certificate"),
        "certificate-refused-by-partner", "proved", "you"),
    "a call that lands in the default zone": (
        sip("18.000", "Received", PARTNER, request("INVITE", **FROM_PARTNER))
        + module("18.100", "developer.zone.zonemgr", 'Detail="Searched for DNS Zones by Subject Name" Found="False" '
                 'Candidates="" MatchedZone="" MatchedIdentity=""')
        + search("18.200", "Search rule 'in' ignored due to source filtering")
        + sip("18.900", "Sent", PARTNER, answer("404 Not Found", **FROM_PARTNER)),
        "zone-not-mapped", "likely", "you"),
    "a port that is closed": (
        refused_here(CONSIDERED + module("18.200", "network.dns", 'Detail="Sending DNS query" Name="_sips._tcp.b.lab" '
                                         'Type="SRV (IPv4 and IPv6)"')
                     + module("18.300", "network.dns", f"Detail=\"Resolved hostname to:  ['IPv4''TCP''{PARTNER}:5061'] "
                              '(A/AAAA) Number of relevant records retrieved: 1"')
                     + module("18.400", "network.tcp", f'Src-ip="{US}" Src-port="25002" Dst-ip="{PARTNER}" Dst-port="5061" '
                              'Detail="TCP Connection Failed" Reason="Connection refused"', "ERROR"),
                     "408 Request Timeout"), "connect-refused", "proved", "partner"),
    "a Route header that no zone takes": (
        refused_here(not_found("18.300", "Found:false, searchtype:INVITE, Info:Policy Response"), "404 Not Found",
                     f'Warning: 399 {US}:5061 "Policy Response"\n', "Route: <sip:vcse.a.lab;lr>\n"),
        "route-header-refused", "likely", "you"),
    "a call policy that refuses": (
        refused_here("", "403 Forbidden", f'Warning: 399 {US}:5061 "Policy Response"\n'), "policy-rejected", "likely", "you"),
    "a policy service that is dead": (
        refused_here("", "504 Policy Service Unavailable"), "policy-rejected", "likely", "you"),
    "rules that pass the call over": (
        refused_here(PASSED_OVER + not_found("18.300"), "404 Not Found"), "no-rule-matches", "proved", "you"),
    "a DNS query without a target": (
        refused_here(CONSIDERED + module("18.200", "network.dns", 'Detail="Could not resolve hostname"')
                     + not_found("18.300"), "404 Not Found"), None, "likely", None),
    "a wrong password of the traversal zone": (
        event("18.100", "Authentication Failed", 'Src-ip="10.0.0.46" Src-port="25001" Detail="Incorrect authentication '
              'credential for user" Protocol="TLS" Method="OPTIONS"'), "traversal-password-wrong", "likely", "you"),
    "the NAT address in Route": (
        sip("18.000", "Sent", "64.100.0.10", request("MESSAGE", "Route: <sip:64.100.0.10:4401;transport=tls;apparent;ds;lr>\n",
                                                    via=US))
        + sip("18.900", "Received", "64.100.0.10", answer("408 Request Timeout", method="MESSAGE", via=US)),
        "traversal-route-unreachable", "likely", "you"),
    "too large": (refused_there("513 Message Too Large"), "message-too-large", "proved", "partner"),
    "no codec in common": (refused_there("488 Not Acceptable Here"), "media-not-accepted", "proved", "partner"),
    "1008": (refused_there("504 Server time-out", ms(1008, ';domain="a.lab"')), "srv-missing", "proved", "you"),
    "1009": (refused_there("504 Server time-out", ms(1009, ';domain="a.lab";fqdn1="vcse.c.lab:5061"')),
             "srv-target-outside-domain", "proved", "you"),
    "1010, the name": (
        refused_there("504 Server time-out", ms(1010, ';tls-target="vcse.a.lab";PeerServer="x.a.lab";'
                                                      'HRESULT="0x80090322(SEC_E_WRONG_PRINCIPAL)"')),
        "certificate-name-mismatch", "proved", "you"),
    "1010, an HRESULT that nobody knows": (
        refused_there("504 Server time-out", ms(1010, ';tls-target="vcse.a.lab";HRESULT="0x80091234"')),
        "certificate-trust-failed", "likely", "you"),
    "1047, a reset": (
        refused_there("504 Server time-out", ms(1047, ';WinsockFailureCode="10054(WSAECONNRESET)"')), "tls-reset", "likely",
        None),
    "1027 beside 1034": (refused_there("403 Forbidden", ms(1034) + ms(1027)), "federation-request-refused", "likely",
                         "partner"),
    "1034 beside 10003 with 404": (
        refused_there("404 Not Found", ms(1034) + ms(10003, ';SipResponseCode="404"')), "user-not-found", "likely", "partner"),
    "1017": (refused_there("403 Forbidden", ms(1017)), "domain-split", "likely", "partner"),
    "1002": (refused_there("403 Forbidden", ms(1002)), "federation-not-enabled", "proved", "partner"),
    "1012, told to strangers": (
        refused_there("403 Forbidden", ms(1012, header="ms-diagnostics-public")), "federation-not-enabled", "proved",
        "partner"),
    "an id that nobody knows": (refused_there("504 Server time-out", ms(1098)), "peer-gave-reason", "possible", "partner"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_class_of_failure_is_told(program, tmp_path, name):
    log, finding, confidence, who = CASES[name]
    path = tmp_path / "vcse.log"
    path.write_text(log)
    done = subprocess.run([program, "explain", "--json", path], capture_output=True, text=True, timeout=60, check=False)
    problems = [json.loads(text) for text in done.stdout.splitlines()]
    assert len(problems) == 1, done.stdout + done.stderr
    problem = problems[0]
    if finding:
        assert problem["finding"] == finding
        assert problem["evidence"] and all(item["file"].endswith("vcse.log") for item in problem["evidence"])
    assert problem["confidence"] == confidence
    if who:
        assert problem["who"] == who


def test_an_unknown_id_is_shown_as_it_is(program, tmp_path):
    path = tmp_path / "vcse.log"
    path.write_text(refused_there("504 Server time-out", ms(1098)))
    done = subprocess.run([program, "explain", "--json", path], capture_output=True, text=True, timeout=60, check=False)
    problem = json.loads(done.stdout)
    assert '1098 "as the product says it"' in problem["why"]
    assert "SIP stack" in problem["why"]
    assert problem["candidates"] == []
