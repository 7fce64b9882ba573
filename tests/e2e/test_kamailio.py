"""Kamailio as the federation partner: Debian's, with its TLS module, in place of one edge.

Our edge finds Kamailio by the partner's records in a DNS server (Knot), and judges it by them and by its certificate
when it is called. Kamailio has no setting for a resolver of its own: it is told our edge's address, for calls and for
its name in Route. Both demand a certificate. SIPp calls and answers behind each side.
"""
import subprocess

import pytest
from ladder import (CALLEE, CALLER, SDP, ack_refusal, linger, match, pause, receive, request, request_back,
                    respond_inside)
from strangers import Knot, Node, callee, caller, fedge, fresh_address, is_bound  # noqa: F401
from support import wait_until

OURS, THEIRS = "ours.example", "theirs.example"

CONFIGURATION = """\
debug=1
log_stderror=yes
children=2
tcp_children=2
auto_aliases=no
disable_tcp=no
tcp_connection_lifetime=3600
mpath="{modules}"
listen=tcp:{address}:5060
enable_tls=yes
listen=tls:{address}:5061
alias="sip.theirs.example"
dns_srv_lb=no
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "tls.so"
modparam("tls", "config", "{folder}/tls.cfg")
modparam("rr", "enable_double_rr", 1)
modparam("tm", "fr_timer", 8000)
modparam("tm", "failure_reply_mode", 3)

request_route {{
    if (!mf_process_maxfwd_header("70")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{
            if ($dd == "sip.ours.example")
                $du = "sip:{our_edge}:5061;transport=tls";
            t_relay();
            exit;
        }}
        if (is_method("ACK") && t_check_trans())
            t_relay();
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans())
            t_relay();
        exit;
    }}
    if (proto == TLS && $tls_peer_verified != 1) {{
        sl_send_reply("403", "Not verified");
        exit;
    }}
    record_route();
    if ($rd == "theirs.example")
        $du = "sip:{phone}:5060;transport=tcp";
    else if ($rd == "ours.example")
        $du = "sip:{our_edge}:5061;transport=tls";
    else {{
        sl_send_reply("404", "Not Found");
        exit;
    }}
    if (!t_relay())
        sl_reply_error();
}}
"""

TLS = """\
[server:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = {key}
certificate = {certificate}
ca_list = {authority}

[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = {key}
certificate = {certificate}
ca_list = {authority}
server_name = sip.ours.example
"""


def modules():
    """Where Debian keeps them on this architecture."""
    listed = subprocess.run(["dpkg", "-L", "kamailio"], capture_output=True, text=True, check=True).stdout
    return next(line.rsplit("/", 1)[0] for line in listed.splitlines() if line.endswith("/tm.so"))


class Federation:
    """ours.example: a node; theirs.example: Kamailio; a phone's address behind each."""

    def __init__(self, fedge, authority, their_name="sip.theirs.example"):
        self.fedge = fedge
        self.our_phone, self.their_phone = fresh_address(), fresh_address()
        our_edge, their_edge = fresh_address(), fresh_address()
        knot = Knot(fedge, {
            OURS: ["_sipfederationtls._tcp IN SRV 0 0 5061 sip", f"sip IN A {our_edge}"],
            THEIRS: ["_sipfederationtls._tcp IN SRV 0 0 5061 sip", f"sip IN A {their_edge}"],
        })
        certificate, key = authority.issue("sip.ours.example")
        self.node = Node(
            fedge, {"phones": ("tcp", [f"{self.our_phone}:5060"])}, name="sip", address=our_edge, listen="tcp tls",
            zones="  - {name: partners, kind: dns, transport: tls}",
            rules="  - {name: in, mode: pattern, type: suffix, pattern: '@ours.example', target: phones}\n"
                  "  - {name: out, priority: 200, source: phones, mode: any, target: partners}",
            more=f"""domains: [ours.example]
dns: {{servers: ["{knot.server}"], timeout: 3s}}
trust: {{allowed: [theirs.example]}}
tls:
  identities: [{{names: [sip.ours.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
""", host="sip.ours.example")
        self.kamailio = their_edge
        self._kamailio(fedge, authority, their_name, our_edge)

    def _kamailio(self, fedge, authority, name, our_edge):
        folder = fedge.folder / "kamailio"
        folder.mkdir()
        certificate, key = authority.issue(name)
        (folder / "tls.cfg").write_text(TLS.format(certificate=certificate, key=key, authority=authority.certificate))
        (folder / "kamailio.cfg").write_text(CONFIGURATION.format(
            address=self.kamailio, folder=folder, phone=self.their_phone, modules=modules(), our_edge=our_edge))
        process = fedge.start_other("/usr/sbin/kamailio", "-f", folder / "kamailio.cfg", "-DD", "-E", "-M", 8, "-m", 64,
                                    "-w", folder, "-Y", folder, "-P", folder / "pid", name="kamailio", cwd=folder)
        wait_until(lambda: is_bound(self.kamailio, 5061) or not process.is_alive(), 20, "Kamailio listens")
        assert process.is_alive(), process.text()[-3000:]

    def out(self, caller_rungs=CALLER, callee_rungs=CALLEE, calls=30, name="out"):
        """From our phone to theirs."""
        self._play(self.our_phone, self.node.address, self.their_phone, THEIRS, OURS, caller_rungs, callee_rungs, calls,
                   name)

    def back(self, caller_rungs=CALLER, callee_rungs=CALLEE, calls=30, name="back"):
        """From their phone to ours."""
        self._play(self.their_phone, self.kamailio, self.our_phone, OURS, THEIRS, caller_rungs, callee_rungs, calls, name)

    def _play(self, calling, edge, called, domain, own, caller_rungs, callee_rungs, calls, name):
        answering = callee(self.fedge, called, callee_rungs, f"{name}-callee", mode="t1", calls=calls, seconds=25,
                           domains=(domain, own))
        caller(self.fedge, calling, edge, caller_rungs, f"{name}-caller", mode="t1", calls=calls, seconds=25,
               domains=(domain, own)).wait()
        answering.wait()


WAITING_CALLER = CALLER[:5] + [receive("BYE"), respond_inside(200), linger()]
ENDING_CALLEE = CALLEE[:4] + [pause(20), request_back("BYE"), receive(200)]


@pytest.fixture
def federation(fedge, authority):
    return Federation(fedge, authority)


def test_calls_to_kamailio(federation):
    """Some dozens, all answered, ended by the caller; then ended by the callee."""
    federation.out(calls=40)
    federation.out(WAITING_CALLER, ENDING_CALLEE, calls=20, name="out-ended-there")
    counters = federation.node.counters()
    assert counters["calls"] == 60
    assert counters["refused_by_trust"] == 0
    # All of them over few connections.
    assert counters["transport"]["connections_opened"] <= 8


def test_calls_from_kamailio(federation):
    federation.back(calls=40)
    federation.back(WAITING_CALLER, ENDING_CALLEE, calls=20, name="back-ended-here")
    counters = federation.node.counters()
    assert counters["calls"] == 60
    assert counters["refused_by_trust"] == 0


def test_calls_both_ways_in_turn(federation):
    """Connections that either side has opened stay with their side (no alias is offered)."""
    for number in range(2):
        federation.out(calls=10, name=f"out{number}")
        federation.back(calls=10, name=f"back{number}")
    assert federation.node.counters()["calls"] == 40
    shown = federation.node.command("peers").stdout
    assert "theirs.example" in shown and "trusted, ends" in shown


def test_a_kamailio_with_a_wrong_name(fedge, authority):
    """Its certificate does not name the SRV target: refused in both directions, by the same finding."""
    federation = Federation(fedge, authority, their_name="wrong.theirs.example")
    refused = [request("INVITE", body=SDP, label="invite"), receive(100, optional=True),
               receive(504, actions=match("1010;", header="ms-diagnostics")), ack_refusal()]
    nobody = dict(mode="t1", calls=3, domains=(THEIRS, OURS))
    caller(fedge, federation.our_phone, federation.node.address, refused, **nobody).wait()
    # A partner is told by the public header.
    refused[2] = receive(504, actions=match("1010;", header="ms-diagnostics-public"))
    nobody["domains"] = (OURS, THEIRS)
    caller(fedge, federation.their_phone, federation.kamailio, refused, "partner", **nobody).wait()
    wait_until(lambda: len([r for r in federation.node.journal() if r.get("code") == "certificate-name-mismatch"]) == 6,
               10, "six judgements in the journal")
