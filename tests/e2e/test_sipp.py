"""SIPp calls through a node, over UDP and TCP: every method, every kind of answer, loss, failover."""
import socket
import threading

import pytest
from ladder import (CALLEE, CALLER, SDP, ack, ack_refusal, grab, linger, match, pause, receive, receive_invite, request,
                    request_back, respond, respond_inside, respond_kept)
from strangers import Knot, Node, Wire, callee, caller, fedge, fresh_address, message, place  # noqa: F401
from support import wait_until

PROTOCOLS = ["udp", "tcp"]


class Stage:
    """A caller's and a callee's address with a node between them, over one protocol."""

    def __init__(self, fedge, protocol="udp", **more):
        self.fedge, self.protocol = fedge, protocol
        self.caller, self.callee = fresh_address(), fresh_address()
        neighbors = {"callers": (protocol, [f"{self.caller}:5060"]), "callees": (protocol, [f"{self.callee}:5060"])}
        self.node = Node(fedge, neighbors, "callees", **more)

    def play(self, caller_rungs=CALLER, callee_rungs=CALLEE, **more):
        place(self.fedge, self.caller, self.node, self.callee, caller_rungs, callee_rungs, self.protocol, **more)


@pytest.fixture(params=PROTOCOLS)
def stage(fedge, request):
    return Stage(fedge, request.param)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_thousand_calls_and_none_is_lost(fedge, protocol):
    stage = Stage(fedge, protocol, workers=2)
    stage.play(calls=1000, rate=120, seconds=100)
    counters = stage.node.counters()
    assert counters["calls"] == 1000
    assert counters["forwarded"] >= 3000  # INVITE, ACK, BYE
    assert counters["answered_by_us"] == 0


def test_a_connection_for_each_call(fedge):
    """SIPp's tn: connections spread over the workers, all calls meet in the callee's connections."""
    stage = Stage(fedge, "tcp", workers=2)
    stage.play(calls=200, rate=80, caller_mode="tn")
    assert stage.node.counters()["calls"] == 200


@pytest.mark.parametrize("named", [False, True], ids=["by address", "by name"])
def test_a_dialog_stays_on_one_connection(fedge, named):
    """Over two, what was sent later could be read first: a BYE before the ACK, a request before an answer."""
    calling, called = fresh_address(), fresh_address()
    knot = Knot(fedge, {"callee.example": [f"pbx IN A {called}"]})
    peers = ["pbx.callee.example:5060", f"{called}:5060"][0 if named else 1:]
    node = Node(fedge, {"callers": ("tcp", [f"{calling}:5060"]), "callees": ("tcp", peers)}, "callees",
                more=f"dns: {{servers: [\"{knot.server}\"]}}\n")
    caller_rungs = CALLER[:5] + [receive("INFO"), respond_inside(200), *CALLER[5:]]
    callee_rungs = CALLEE[:4] + [request_back("INFO"), receive(200), *CALLEE[4:]]
    place(fedge, calling, node, called, caller_rungs, callee_rungs, "tcp", calls=20)
    # Any second connection would be one before the last call's end.
    wait_until(lambda: [r for r in node.journal("call") if r["event"] == "disconnected"][19:], 20, "all is written")
    assert [r["remote"] for r in node.journal("connection") if r["event"] == "opened"] == [f"{called}:5060"]


def test_cancelled(stage):
    caller_rungs = [
        request("INVITE", body=SDP, label="invite"), receive(100, optional=True), receive(180), pause(50),
        request("CANCEL", same_branch="invite"), receive(200), receive(487), ack_refusal(),
    ]
    callee_rungs = [
        receive_invite(), respond(180, "Ringing"), receive("CANCEL"), respond_inside(200, "OK"),
        respond_kept(487, "Request Terminated"), receive("ACK"), linger(),
    ]
    stage.play(caller_rungs, callee_rungs, calls=20)


@pytest.mark.parametrize(("status", "extra"), [(486, ""), (603, ""), (404, "Reason: Q.850;cause=1")])
def test_refused(stage, status, extra):
    caller_rungs = [
        request("INVITE", body=SDP, label="invite"), receive(100, optional=True),
        receive(status, actions=match(extra) if extra else ""), ack_refusal(),
    ]
    callee_rungs = [receive_invite(), respond(status, "No", extra=extra, repeat=True), receive("ACK"), linger()]
    stage.play(caller_rungs, callee_rungs, calls=20)


def test_redirected(stage):
    """A 302 is the caller's to follow: its Contact arrives as it was."""
    contact = "Contact: <sip:2000@elsewhere.example;line=7>;q=0.7"
    caller_rungs = [
        request("INVITE", body=SDP, label="invite"), receive(100, optional=True),
        receive(302, actions=match("<sip:2000@elsewhere.example;line=7>;q=0.7", header="Contact")), ack_refusal(),
    ]
    callee_rungs = [receive_invite(), respond(302, "Moved", extra=contact, contact=False, repeat=True),
                    receive("ACK"), linger()]
    stage.play(caller_rungs, callee_rungs, calls=10)


def test_reliable_provisional(stage):
    """PRACK (RFC 3262) goes along the early dialog."""
    caller_rungs = [
        request("INVITE", body=SDP, extra="Supported: 100rel"), receive(100, optional=True),
        receive(183, routes=True, actions=match("7001", header="RSeq")),
        request("PRACK", cseq=2, inside=True, extra="RAck: 7001 1 INVITE"), receive(200),
        receive(200, routes=True), ack(),
        request("BYE", cseq=3, inside=True), receive(200),
    ]
    callee_rungs = [
        receive_invite(actions=grab("Record-Route", "rr")), respond(183, "Session Progress", SDP, extra="Require: 100rel\nRSeq: 7001", repeat=True),
        receive("PRACK", actions=match("7001 1 INVITE", header="RAck")), respond_inside(200), pause(20),
        respond_kept(200, "OK", extra="Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>\n"
                                      "Record-Route: [$rr]"),
        receive("ACK"), receive("BYE"), respond_inside(200), linger(),
    ]
    stage.play(caller_rungs, callee_rungs, calls=10)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO", "MESSAGE", "REFER", "FROB"])
def test_in_the_dialog(stage, method):
    """A re-INVITE and others from the caller, then from the callee."""
    again = method == "INVITE"
    kind = {"INFO": "application/dtmf-relay", "MESSAGE": "text/plain"}.get(method, "application/sdp")
    body = {"INFO": "Signal=5\nDuration=160", "MESSAGE": "hello", "REFER": "", "FROB": ""}.get(method, SDP)
    extra = "Refer-To: <sip:3000@callee.example>" if method == "REFER" else ""
    caller_rungs = [
        request("INVITE", body=SDP), receive(100, optional=True), receive(180, optional=True),
        receive(200, routes=True), ack(), pause(20),
        request(method, cseq=2, inside=True, body=body, kind=kind, extra=extra), receive(100, optional=True), receive(200),
        *([ack(2)] if again else []),
        receive(method, actions=match("callee.example", header="From")), respond_inside(200, "OK", SDP if again else ""),
        *([receive("ACK")] if again else []), pause(20),
        request("BYE", cseq=3, inside=True), receive(200),
    ]
    callee_rungs = [
        receive_invite(), respond(180, "Ringing"), respond(200, "OK", SDP, repeat=True), receive("ACK"),
        receive(method, actions=match("caller.example", header="From")),
        respond_inside(200, "OK", SDP if again else "", repeat=again,
                       extra="Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>"),
        *([receive("ACK")] if again else []), pause(20),
        request_back(method, body=body, kind=kind, extra=extra), receive(100, optional=True), receive(200),
        *([request_back("ACK")] if again else []),
        receive("BYE"), respond_inside(200), linger(),
    ]
    stage.play(caller_rungs, callee_rungs, calls=5)


def test_the_callee_hangs_up(stage):
    caller_rungs = [
        request("INVITE", body=SDP), receive(100, optional=True), receive(180, optional=True),
        receive(200, routes=True), ack(), receive("BYE"), respond_inside(200), linger(),
    ]
    callee_rungs = [
        receive_invite(), respond(180, "Ringing"), respond(200, "OK", SDP, repeat=True), receive("ACK"), pause(20),
        request_back("BYE"), receive(200),
    ]
    stage.play(caller_rungs, callee_rungs, calls=50)


@pytest.mark.parametrize("method", ["MESSAGE", "OPTIONS", "INFO", "PUBLISH", "REGISTER", "SERVICE", "FROB"])
def test_outside_of_a_dialog(stage, method):
    """Methods known and unknown, with a body that arrives as it was."""
    caller_rungs = [request(method, body="a text with = and \u00e9", kind="text/plain"), receive(100, optional=True),
                    receive(200)]
    callee_rungs = [receive(method, actions=match("a text with = and \u00e9")), respond(200, "OK"), linger()]
    stage.play(caller_rungs, callee_rungs, calls=10)


def test_subscription(stage):
    """SUBSCRIBE makes a dialog; NOTIFYs come back along it."""
    state = "Event: presence\nSubscription-State: active;expires=60"
    caller_rungs = [
        request("SUBSCRIBE", extra="Event: presence\nExpires: 60"), receive(200, routes=True),
        receive("NOTIFY", actions=match("active", header="Subscription-State")), respond_inside(200),
        request("SUBSCRIBE", cseq=2, inside=True, extra="Event: presence\nExpires: 0"), receive(200),
        receive("NOTIFY", actions=match("terminated", header="Subscription-State")), respond_inside(200), linger(),
    ]
    callee_rungs = [
        receive("SUBSCRIBE", routes=True, actions=grab("From", "from") + grab("To", "to")), respond(200, "OK"),
        request_back("NOTIFY", extra=state), receive(200),
        receive("SUBSCRIBE"), respond_inside(200), pause(20),
        request_back("NOTIFY", cseq=2, extra=state.replace("active;expires=60", "terminated")), receive(200),
    ]
    stage.play(caller_rungs, callee_rungs, calls=10)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_options_for_the_node_itself(fedge, protocol):
    stage = Stage(fedge, protocol)
    with Wire(stage.node.address, protocol, stage.caller) as wire:
        for uri in (f"sip:{stage.node.address}", f"sip:{stage.node.host}"):
            answer = wire.ask("OPTIONS", uri)
            assert answer.status == 200
            assert "INVITE" in answer.get("Allow")
            assert answer.get("Server").startswith("fedge/")
        assert wire.ask("OPTIONS", f"sip:{stage.node.address}", forwards=0).status == 200


def test_datagrams_get_lost(fedge):
    """One in ten, on both sides, in both directions: nobody notices but by waiting."""
    stage = Stage(fedge, "udp")
    # Time for the callee to repeat its 200 where the ACK was lost; the BYE may still come before the ACK.
    caller_rungs = CALLER[:5] + [pause(1200)] + CALLER[5:]
    callee_rungs = CALLEE[:3] + [receive("ACK", optional=True)] + CALLEE[4:-1] + [linger(33000)]
    # It remembers a call for 64·T1, to answer a BYE again however often its 200 is lost; nobody waits for that.
    # The caller's count is what counts: SIPp's callee gives a call up when it has lost too much of it itself.
    callee(fedge, stage.callee, callee_rungs, calls=60, options=["-lost", 10])
    caller(fedge, stage.caller, stage.node.address, caller_rungs, calls=60, rate=60, options=["-lost", 10]).wait()
    counters = stage.node.counters()
    assert counters["calls"] == 60
    assert counters["transport"]["retransmissions_received"] > 0
    assert counters["transport"]["retransmissions_sent"] > 0


def test_the_first_peer_refuses_the_second_answers(fedge):
    dead, alive, calling = fresh_address(), fresh_address(), fresh_address()
    node = Node(fedge, {"callers": ("tcp", [f"{calling}:5060"]), "callees": ("tcp", [f"{dead}:5060", f"{alive}:5060"])},
                "callees")
    place(fedge, calling, node, alive, protocol="tcp", calls=20)
    assert node.counters()["transport"]["connections_failed"] >= 1


def test_the_first_peer_is_unavailable_the_second_answers(fedge):
    """A 503 is about that one server (RFC 3263 4.3)."""
    busy, free, calling = fresh_address(), fresh_address(), fresh_address()
    node = Node(fedge, {"callers": ("udp", [f"{calling}:5060"]), "callees": ("udp", [f"{busy}:5060", f"{free}:5060"])},
                "callees")
    refusing = callee(fedge, busy, [receive_invite(), respond(503, "Busy", repeat=True), receive("ACK"), linger()],
                      "refusing", calls=20)
    place(fedge, calling, node, free, calls=20)
    refusing.wait()


def test_no_peer_answers(fedge):
    calling, dead, deader = fresh_address(), fresh_address(), fresh_address()
    node = Node(fedge, {"callers": ("tcp", [f"{calling}:5060"]), "callees": ("tcp", [f"{dead}:5060", f"{deader}:5060"])},
                "callees")
    with Wire(node.address, "tcp", calling) as wire:
        answer = wire.ask("MESSAGE", "sip:2000@callee.example")
        assert answer.status == 504
        assert "1046" in answer.get("ms-diagnostics")
        assert answer.get("Warning").startswith(f"399 {node.host} ")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_rule_that_leads_back_is_a_loop(fedge, protocol):
    calling = fresh_address()
    address = fresh_address()
    node = Node(fedge, {"callers": (protocol, [f"{calling}:5060"]), "self": (protocol, [f"{address}:5060"])}, "self",
                address=address)
    with Wire(node.address, protocol, calling) as wire:
        for method in ("INVITE", "MESSAGE"):
            answer = wire.ask(method, "sip:2000@callee.example")
            assert answer.status == 482, answer
    assert node.counters()["loops"] == 2


def test_two_nodes_that_lead_to_each_other(fedge):
    """The loop is seen by the first node when the request is back with the same words, not after 70 hops."""
    calling, first, second = fresh_address(), fresh_address(), fresh_address()
    one = Node(fedge, {"callers": ("tcp", [f"{calling}:5060"]), "other": ("tcp", [f"{second}:5060"])}, "other",
               name="one", address=first)
    two = Node(fedge, {"other": ("tcp", [f"{first}:5060"])}, "other", name="two", address=second)
    with Wire(one.address, "tcp", calling) as wire:
        assert wire.ask("MESSAGE", "sip:2000@callee.example").status == 482
    assert two.counters()["requests"] <= 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_too_many_hops(fedge, protocol):
    stage = Stage(fedge, protocol)
    with Wire(stage.node.address, protocol, stage.caller) as wire:
        answer = wire.ask("INVITE", "sip:2000@callee.example", forwards=0)
        assert answer.status == 483
        assert answer.get("To").partition(";tag=")[2]


class Listener:
    """One TCP connection accepted in the callee's place: what comes is kept, and answered with 200."""

    def __init__(self, address, port=5060):
        self.socket = socket.create_server((address, port))
        self.received = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            connection, _ = self.socket.accept()
        except OSError:
            return
        with connection:
            wire = Wire.__new__(Wire)
            wire.protocol, wire.bytes, wire.socket = "tcp", b"", connection
            asked = wire.read()
            self.received.append(asked)
            copied = [f"{k}: {v}" for k, v in asked.headers if k in ("Via", "From", "To", "Call-ID", "CSeq")]
            wire.send("\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""]))
            wire.closed(10)

    def close(self):
        self.socket.close()


def test_a_large_request_goes_by_tcp(fedge):
    """Above 1300 bytes UDP is left for TCP (RFC 3261 18.1.1), and the Via says so."""
    stage = Stage(fedge, "udp")
    listener = Listener(stage.callee)
    try:
        with Wire(stage.node.address, "udp", stage.caller, local_port=5060) as wire:
            assert wire.ask("MESSAGE", "sip:2000@callee.example", body="x" * 2500).status == 200
        assert listener.received[0].get("Via").startswith("SIP/2.0/TCP ")
        assert listener.received[0].body == b"x" * 2500
    finally:
        listener.close()


def test_a_large_request_goes_by_udp_where_there_is_no_tcp(fedge):
    """If TCP is refused, UDP is tried after all (RFC 3261 18.1.1)."""
    stage = Stage(fedge, "udp")
    answering = callee(fedge, stage.callee, [receive("MESSAGE"), respond(200, "OK"), linger()])
    with Wire(stage.node.address, "udp", stage.caller, local_port=5060) as wire:
        assert wire.ask("MESSAGE", "sip:2000@callee.example", body="x" * 2500).status == 200
    answering.wait()


@pytest.mark.parametrize(("incoming", "outgoing"), [("udp", "tcp"), ("tcp", "udp")])
def test_from_one_protocol_to_the_other(fedge, incoming, outgoing):
    """Both Record-Routes are written, so both sides find back, BYE by either."""
    calling, called = fresh_address(), fresh_address()
    node = Node(fedge, {"callers": (incoming, [f"{calling}:5060"]), "callees": (outgoing, [f"{called}:5060"])}, "callees")
    modes = {"udp": "u1", "tcp": "t1"}
    answering = callee(fedge, called, CALLEE, mode=modes[outgoing], calls=30)
    caller(fedge, calling, node.address, CALLER, mode=modes[incoming], calls=30).wait()
    answering.wait()
    caller_rungs = CALLER[:5] + [receive("BYE"), respond_inside(200), linger()]
    callee_rungs = CALLEE[:4] + [pause(20), request_back("BYE"), receive(200)]
    answering = callee(fedge, called, callee_rungs, "callee-ends", mode=modes[outgoing], calls=30)
    caller(fedge, calling, node.address, caller_rungs, "caller-waits", mode=modes[incoming], calls=30).wait()
    answering.wait()


def test_a_second_request_with_the_same_words_is_answered_once(fedge):
    """A repeated request is the same one: the callee sees it once, the caller its answer again."""
    stage = Stage(fedge, "udp")
    answering = callee(fedge, stage.callee, [receive("MESSAGE"), respond(200, "OK"), linger()], calls=1)
    with Wire(stage.node.address, "udp", stage.caller) as wire:
        text = message(wire, "MESSAGE", "sip:2000@callee.example", body="once")
        wire.send(text)
        assert wire.answer().status == 200
        for _ in range(5):
            wire.send(text)
            assert wire.answer().status == 200
    answering.wait()
    assert stage.node.counters()["forwarded"] == 1
