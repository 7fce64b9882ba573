"""baresip, a phone of strangers, calls and is called over TLS through a node whose neighbor it is.

What Debian's baresip 1.0.0 (baresip-core) does not have, and how it is worked around:
- one file (sip_certificate) has key and certificate, and serves as a server's and as a client's certificate. It is
  shown when the node asks for one, so mutual TLS works where baresip calls; where it is called it asks for none;
- its connections come from 127.0.0.1 whatever it listens on: a neighbor of its own stands for that;
- it asks DNS for the name in our Record-Route: Knot knows it.
"""
import pytest
from ladder import (CALLEE, SDP, ack, linger, pause, receive, receive_invite, request, request_back, respond,
                    respond_inside, respond_kept)
from softphones import Baresip
from strangers import Knot, Node, callee, caller, fedge, fresh_address  # noqa: F401


def registered_nowhere(fedge, authority, name, node, knot):
    """A phone that calls by the node and is called by it, over TLS."""
    certificate, key = authority.issue(f"{name}.phones.example")
    both = fedge.folder / f"{name}-both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return Baresip(
        fedge, name, fresh_address(),
        f'<sip:{name}@phones.example;transport=tls>;regint=0;answermode=auto;audio_codecs=pcmu;'
        f'outbound="sip:{node}:5061;transport=tls"', f"{knot.address}:{knot.port}",
        f"sip_certificate {both}\nsip_cafile {authority.certificate}", listens=5061)


@pytest.fixture
def house(fedge, authority):
    """A node with two phones as neighbors over TLS, and one over TCP for SIPp."""
    node_address, sipp = fresh_address(), fresh_address()
    knot = Knot(fedge, {"example": [f"node IN A {node_address}"]})
    phones = [registered_nowhere(fedge, authority, name, node_address, knot) for name in ("ann", "bob")]
    certificate, key = authority.issue("node.example", node_address)
    rules = "  - {name: sipp, mode: pattern, type: suffix, pattern: '@callee.example', target: sipp}\n" + "\n".join(
        f"  - {{name: {p.name}, mode: pattern, type: exact, pattern: {p.name}@phones.example, target: {p.name}}}"
        for p in phones)
    neighbors = {p.name: ("tls", [f"{p.address}:5061"], f"verify_name: {p.name}.phones.example") for p in phones}
    neighbors["sipp"] = ("tcp", [f"{sipp}:5060"])
    neighbors["incoming"] = ("tls", ["127.0.0.1:5061"])
    node = Node(fedge, neighbors, address=node_address, listen="tcp tls", rules=rules, more=f"""tls:
  identities: [{{names: [node.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
""")
    node.sipp = sipp
    yield node, *phones
    for phone in phones:
        phone.close()


def to_phone(name):
    """The caller's ladder to that phone, until the call is answered."""
    return [request("INVITE", body=SDP, uri=f"sip:{name}@phones.example"), receive(100, optional=True),
            receive(180, optional=True), receive(200, routes=True), ack()]


def test_baresip_calls(fedge, house):
    """It dials, SIPp answers; first the phone hangs up, then SIPp does."""
    node, ann, _ = house
    answering = callee(fedge, node.sipp, CALLEE, mode="t1")
    ann.command("dial", "sip:2000@callee.example")
    ann.await_event("CALL_ESTABLISHED")
    ann.command("hangup")
    ann.await_event("CALL_CLOSED")
    answering.wait()

    answering = callee(fedge, node.sipp, CALLEE[:4] + [pause(500), request_back("BYE"), receive(200)], "hangs-up",
                       mode="t1")
    ann.command("dial", "sip:2000@callee.example")
    ann.await_event("CALL_ESTABLISHED")
    ann.await_event("CALL_CLOSED")
    answering.wait()
    assert node.counters()["calls"] == 2


def test_baresip_is_called(fedge, house):
    """SIPp calls, the phone answers; first SIPp hangs up, then the phone does."""
    node, ann, bob = house
    calling = caller(fedge, node.sipp, node.address,
                     to_phone("ann") + [pause(300), request("BYE", cseq=2, inside=True), receive(200)], mode="t1")
    ann.await_event("CALL_ESTABLISHED")
    ann.await_event("CALL_CLOSED")
    calling.wait()

    calling = caller(fedge, node.sipp, node.address, to_phone("bob") + [receive("BYE"), respond_inside(200), linger()],
                     "waits", mode="t1")
    bob.await_event("CALL_ESTABLISHED")
    bob.command("hangup")
    calling.wait()
    assert node.counters()["calls"] == 2


def test_baresip_is_refused_and_gives_up(fedge, house):
    """A busy callee; then a call that the phone cancels while it rings."""
    node, ann, _ = house
    busy = callee(fedge, node.sipp, [receive_invite(), respond(486, "Busy Here", repeat=True), receive("ACK")], "busy",
                  mode="t1")
    ann.command("dial", "sip:2000@callee.example")
    assert "486" in ann.await_event("CALL_CLOSED")["param"]
    busy.wait()

    rings = callee(fedge, node.sipp, [receive_invite(), respond(180, "Ringing"), receive("CANCEL"), respond_inside(200),
                                      respond_kept(487, "Request Terminated"), receive("ACK")], "rings", mode="t1")
    ann.command("dial", "sip:2000@callee.example")
    ann.await_event("CALL_RINGING")
    ann.command("hangup")
    rings.wait()


def test_baresip_calls_baresip(house):
    """TLS on both sides of the node."""
    node, ann, bob = house
    for calling, called in ((ann, bob), (bob, ann)):
        calling.command("dial", f"sip:{called.name}@phones.example")
        calling.await_event("CALL_ESTABLISHED")
        called.await_event("CALL_ESTABLISHED")
        called.command("hangup")
        calling.await_event("CALL_CLOSED")
    assert node.counters()["calls"] == 2
    assert node.counters()["transport"]["handshakes_failed"] == 0
