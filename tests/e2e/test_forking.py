"""A request that goes several ways (RFC 3261 16.7): rules of one priority are asked side by side, the first good answer
wins, the others are cancelled; then the next priority; of bad answers the best goes back."""
import re
import socket

import pytest
from ladder import CALLEE, CALLER, linger, match, receive, receive_invite, respond, respond_inside, respond_kept
from strangers import Knot, Message, Node, Wire, callee, caller, fedge, fresh_address, message  # noqa: F401
from support import wait_until


class Phone:
    """A callee by hand, over UDP: it answers what the test tells it to."""

    def __init__(self, address):
        self.address = address
        self.wire = Wire.__new__(Wire)
        self.wire.protocol, self.wire.bytes = "udp", b""
        self.wire.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.wire.socket.bind((address, 5060))
        self.wire.local = (address, 5060)
        self.seen = []

    def get(self, method, seconds=10):
        """The next request of that method; others (ACKs, repetitions) are passed over."""
        while True:
            asked = self.read(seconds)
            if asked.method == method:
                return asked

    def read(self, seconds=10):
        self.wire.socket.settimeout(seconds)
        data, self.wire.to = self.wire.socket.recvfrom(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        asked = Message(head, body)
        self.seen.append(asked)
        return asked

    def is_silent(self, seconds=0.1):
        try:
            asked = self.read(seconds)
        except TimeoutError:
            return True
        raise AssertionError(f"{self.address} was asked: {asked}")

    def answer(self, asked, status, reason="Text", extra=(), tag="t", body="", kind="application/sdp"):
        copied = [f"{k}: {v}" for k, v in asked.headers if k in ("Via", "Record-Route", "From", "Call-ID", "CSeq")]
        to = asked.get("To")
        to += "" if ";tag=" in to else f";tag={tag}{self.address.replace('.', '')}"
        contact = [] if 300 <= status < 400 else [f"Contact: <sip:callee@{self.address}:5060>"]
        lines = [f"SIP/2.0 {status} {reason}", *copied, f"To: {to}", *contact, *extra]
        lines += [f"Content-Type: {kind}"] if body else []
        text = "\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", body])
        self.wire.socket.sendto(text.encode(), self.wire.to)

    def close(self):
        self.wire.socket.close()


class Stage:
    """Callees by hand behind a node with one worker; `rules` maps a callee's name to its rule's priority."""

    def __init__(self, fedge, priorities, zones=None, rules="", more=""):
        self.calling = fresh_address()
        self.phones = {name: Phone(fresh_address()) for name in priorities}
        neighbors = {"callers": ("tcp", [f"{self.calling}:5060"])}
        for name, phone in self.phones.items():
            neighbors[name] = ("udp", [f"{phone.address}:5060"], *((zones or {}).get(name, ())))
        lines = [f"  - {{name: to-{name}, priority: {priority}, mode: any, target: {name}}}"
                 for name, priority in priorities.items()]
        self.node = Node(fedge, neighbors, rules="\n".join([*lines, *rules.splitlines()]), more=more, workers=1)
        self.wire = Wire(self.node.address, "tcp", self.calling)

    def __getattr__(self, name):
        return self.phones[name]

    def send(self, method="INVITE", uri="sip:2000@callee.example", **more):
        text = message(self.wire, method, uri, **more)
        self.wire.send(text)
        return text

    def close(self):
        self.wire.socket.close()
        for phone in self.phones.values():
            phone.close()


@pytest.fixture
def stage_of(fedge):
    stages = []

    def make(*arguments, **more):
        stages.append(Stage(fedge, *arguments, **more))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()


def branch_of(asked):
    return re.search(r"branch=([^;]+)", asked.get("Via")).group(1)


def test_the_first_who_answers_has_the_call(fedge):
    """SIPp on all sides: two phones ring, one answers, the other is cancelled; twenty calls."""
    calling, quick, slow = fresh_address(), fresh_address(), fresh_address()
    neighbors = {"callers": ("udp", [f"{calling}:5060"]), "quick": ("udp", [f"{quick}:5060"]),
                 "slow": ("udp", [f"{slow}:5060"])}
    rules = "\n".join(f"  - {{name: {name}, priority: 10, mode: any, target: {name}}}" for name in ("quick", "slow"))
    node = Node(fedge, neighbors, rules=rules)
    cancelled = [
        receive_invite(), respond(180, "Ringing"),
        receive("CANCEL", actions=match("SIP ;cause=200 ;text=\"Call completed elsewhere\"", header="Reason")),
        respond_inside(200, "OK"), respond_kept(487, "Request Terminated"), receive("ACK"), linger(),
    ]
    ringing = callee(fedge, slow, cancelled, "slow", calls=20)
    answering = callee(fedge, quick, CALLEE, "quick", calls=20)
    caller_rungs = [CALLER[0], CALLER[1], receive(180, optional=True), receive(180, optional=True), *CALLER[3:]]
    caller(fedge, calling, node.address, caller_rungs, calls=20).wait()
    answering.wait()
    ringing.wait()
    assert node.counters()["calls"] == 20


def test_all_ring_and_the_first_200_wins(stage_of):
    stage = stage_of({"one": 10, "two": 10, "later": 20})
    stage.send()
    one, two = stage.one.get("INVITE"), stage.two.get("INVITE")
    assert branch_of(one) != branch_of(two)
    stage.one.answer(one, 180)
    stage.two.answer(two, 183)
    tags = {stage.wire.read().get("To"), stage.wire.read().get("To")}
    assert len(tags) == 2, "the provisional answers of both come through, each with its own tag"
    stage.two.answer(two, 200)
    assert stage.wire.answer().status == 200
    cancel = stage.one.get("CANCEL")
    assert cancel.get("Reason") == 'SIP ;cause=200 ;text="Call completed elsewhere"'
    stage.one.answer(cancel, 200)
    # It had picked up just before: the caller hears of that call too (and has to end it).
    stage.one.answer(one, 200)
    again = stage.wire.answer()
    assert again.status == 200 and stage.one.address.replace(".", "") in again.get("To")
    stage.later.is_silent()


@pytest.mark.parametrize(("answers", "expected"), [
    ((486, 404), 486), ((500, 486), 486), ((404, 302), 302), ((503, 480), 480), ((484, 404), 484), ((503, 503), 500),
])
def test_the_best_of_bad_answers(stage_of, answers, expected):
    stage = stage_of({"one": 10, "two": 10})
    stage.send()
    for phone, status in zip((stage.one, stage.two), answers):
        phone.answer(phone.get("INVITE"), status)
    assert stage.wire.answer().status == expected


def test_one_is_busy_the_other_answers(stage_of):
    stage = stage_of({"one": 10, "two": 10})
    stage.send()
    stage.one.answer(stage.one.get("INVITE"), 486)
    two = stage.two.get("INVITE")
    stage.two.answer(two, 180)
    assert stage.wire.read().status in (100, 180), "nothing final while somebody rings"
    stage.two.answer(two, 200)
    assert stage.wire.answer().status == 200


def test_the_next_priority_when_all_of_one_have_failed(stage_of):
    stage = stage_of({"one": 10, "two": 10, "later": 20})
    stage.send()
    stage.one.answer(stage.one.get("INVITE"), 404)
    stage.later.is_silent()
    stage.two.answer(stage.two.get("INVITE"), 480)
    later = stage.later.get("INVITE")
    stage.later.answer(later, 200)
    assert stage.wire.answer().status == 200
    wait_until(lambda: [r for r in stage.node.journal("attempt") if r.get("status") == 200])
    tried = [(r["zone"], r["group"], r["event"], r.get("status")) for r in stage.node.journal("attempt")]
    assert ("one", 1, "answered", 404) in tried and ("two", 1, "answered", 480) in tried
    assert ("later", 2, "answered", 200) in tried


def test_a_603_ends_it(stage_of):
    """Nobody else is asked, who rings is cancelled, and the 603 goes back when that has its answer."""
    stage = stage_of({"one": 10, "two": 10, "later": 20})
    stage.send()
    one, two = stage.one.get("INVITE"), stage.two.get("INVITE")
    stage.one.answer(one, 180)
    stage.two.answer(two, 603, "Decline")
    cancel = stage.one.get("CANCEL")
    assert cancel.get("Reason").startswith("SIP ;cause=603")
    stage.one.answer(cancel, 200)
    stage.one.answer(one, 487)
    assert stage.wire.answer().status == 603
    stage.later.is_silent()


def test_challenges_are_gathered(stage_of):
    """RFC 3261 16.7 step 7: the caller can prove himself to both at once."""
    stage = stage_of({"one": 10, "two": 10, "later": 20})
    stage.send()
    stage.one.answer(stage.one.get("INVITE"), 407, extra=['Proxy-Authenticate: Digest realm="one", nonce="1"'])
    stage.two.answer(stage.two.get("INVITE"), 401, extra=['WWW-Authenticate: Digest realm="two", nonce="2"',
                                                          'WWW-Authenticate: Digest realm="three", nonce="3"'])
    answer = stage.wire.answer()
    assert answer.status in (401, 407)
    assert answer.all("Proxy-Authenticate") == ['Digest realm="one", nonce="1"']
    assert sorted(answer.all("WWW-Authenticate")) == ['Digest realm="three", nonce="3"', 'Digest realm="two", nonce="2"']
    stage.later.is_silent()


def test_the_caller_gives_up_and_all_are_told(stage_of):
    stage = stage_of({"one": 10, "two": 10})
    sent = stage.send()
    one, two = stage.one.get("INVITE"), stage.two.get("INVITE")
    stage.one.answer(one, 180)
    stage.two.answer(two, 180)
    stage.wire.send(sent.replace("INVITE sip:", "CANCEL sip:").replace("1 INVITE", "1 CANCEL")
                    .replace("Content-Length", "Reason: Q.850 ;cause=16\r\nContent-Length"))
    for phone, asked in ((stage.one, one), (stage.two, two)):
        cancel = phone.get("CANCEL")
        assert cancel.get("Reason") == "Q.850 ;cause=16"
        assert branch_of(cancel) == branch_of(asked)
        phone.answer(cancel, 200)
        phone.answer(asked, 487)
    answers = [stage.wire.answer(), stage.wire.answer()]
    assert sorted((a.status, a.get("CSeq")) for a in answers) == [(200, "1 CANCEL"), (487, "1 INVITE")]


@pytest.mark.parametrize("first", ["the caller's CANCEL", "another's 603"])
def test_who_has_picked_up_meanwhile_has_the_call(stage_of, first):
    """A 200 that crosses our CANCEL is the caller's to know of, whatever that was for (RFC 3261 16.7 step 5)."""
    stage = stage_of({"one": 10, "two": 10, "later": 20})
    sent = stage.send()
    one, two = stage.one.get("INVITE"), stage.two.get("INVITE")
    stage.one.answer(one, 180)
    if first == "another's 603":
        stage.two.answer(two, 603, "Decline")
    else:
        stage.two.answer(two, 180)
        stage.wire.send(sent.replace("INVITE sip:", "CANCEL sip:").replace("1 INVITE", "1 CANCEL"))
        stage.two.answer(stage.two.get("CANCEL"), 200)
        stage.two.answer(two, 487)
        assert stage.wire.answer().get("CSeq") == "1 CANCEL"
    cancel = stage.one.get("CANCEL")
    stage.one.answer(cancel, 200)
    stage.one.answer(one, 200)
    answer = stage.wire.answer()
    assert (answer.status, answer.get("CSeq")) == (200, "1 INVITE")
    assert stage.one.address.replace(".", "") in answer.get("To")
    ended = wait_until(lambda: [r for r in stage.node.journal("call") if r["event"] != "attempted"], of="its end is told")
    assert [r["event"] for r in ended] == ["connected"]
    stage.later.is_silent()


def test_another_method_goes_to_all_too(stage_of):
    """Nothing can be cancelled there; the first 2xx is the answer and no other is passed on."""
    stage = stage_of({"one": 10, "two": 10})
    stage.send("MESSAGE", body="hello")
    one, two = stage.one.get("MESSAGE"), stage.two.get("MESSAGE")
    stage.one.answer(one, 200)
    assert stage.wire.answer().status == 200
    stage.two.answer(two, 200)
    stage.send("OPTIONS")
    stage.one.answer(stage.one.get("OPTIONS"), 486)
    stage.two.answer(stage.two.get("OPTIONS"), 480)
    assert stage.wire.answer().status == 486, "and the second 200 was nobody's"


def test_stop_leaves_lower_priorities_out(stage_of):
    """A rule that matched with `stop`: its own priority still runs side by side, nothing after it."""
    rules = "  - {name: first, priority: 10, mode: any, target: one, on_match: stop}\n" \
            "  - {name: beside, priority: 10, mode: any, target: two}"
    stage = stage_of({"one": 30, "two": 30, "later": 20}, rules=rules)
    stage.send()
    stage.one.answer(stage.one.get("INVITE"), 404)
    stage.two.answer(stage.two.get("INVITE"), 404)
    assert stage.wire.answer().status == 404
    stage.later.is_silent()


# ---- settings of zones ----


def test_a_redirection_is_the_callers_or_ours_to_follow(stage_of):
    """redirects: follow: the Contacts are searched for, the best first; who may not go there gets the 3xx."""
    rules = "  - {name: moved, priority: 5, mode: pattern, pattern: \"moved@.*\", type: regex, target: two, on_match: stop}\n" \
            "  - {name: later, priority: 5, mode: pattern, pattern: \"again@.*\", type: regex, target: later, on_match: stop}"
    stage = stage_of({"one": 10, "two": 90, "later": 90}, zones={"one": ["redirects: follow"]}, rules=rules)
    stage.send()
    stage.one.answer(stage.one.get("INVITE"), 302, extra=[
        "Contact: <mailto:a@b.example>, <sip:again@callee.example>;q=0.5, <sip:moved@callee.example>;q=0.7"])
    two = stage.two.get("INVITE")
    assert two.first == "INVITE sip:moved@callee.example SIP/2.0"
    stage.two.answer(two, 404)
    later = stage.later.get("INVITE")
    assert later.first == "INVITE sip:again@callee.example SIP/2.0"
    stage.later.answer(later, 200)
    assert stage.wire.answer().status == 200
    # Nothing of it leads anywhere: the caller's to follow.
    stage.send(uri="sip:2001@callee.example")
    stage.one.answer(stage.one.get("INVITE"), 302, extra=["Contact: <mailto:a@b.example>"])
    stage.two.answer(stage.two.get("INVITE"), 404)
    stage.later.answer(stage.later.get("INVITE"), 404)
    assert stage.wire.answer().status == 302


def test_redirections_in_a_circle_end(stage_of):
    stage = stage_of({"one": 10}, zones={"one": ["redirects: follow"]})
    stage.send()
    asked = 0
    while True:
        try:
            invite = stage.one.get("INVITE", 1)
        except TimeoutError:
            break
        asked += 1
        stage.one.answer(invite, 302, extra=["Contact: <sip:2000@callee.example>"])
    assert stage.wire.answer().status == 302
    assert asked == 9, "the first and as many restarts as there may be"


def test_hop_count(stage_of):
    stage = stage_of({"one": 10}, zones={"one": ["hop_count: 15"]})
    for came, goes in ((70, "15"), (16, "15"), (10, "9")):
        stage.send("MESSAGE", forwards=came)
        asked = stage.one.get("MESSAGE")
        assert asked.get("Max-Forwards") == goes
        stage.one.answer(asked, 200)
        assert stage.wire.answer().status == 200


def test_preloaded_routes(stage_of):
    """yes: the Route is searched for and goes on with the request; no: 404 in Expressway's words."""
    rules = "  - {name: cluster, priority: 5, mode: pattern, pattern: cluster.callee.example, type: exact, target: two, on_match: stop}"
    stage = stage_of({"one": 10, "two": 90}, rules=rules)
    stage.send(extra=["Route: <sip:cluster.callee.example;lr>"])
    two = stage.two.get("INVITE")
    assert two.first == "INVITE sip:2000@callee.example SIP/2.0"
    assert two.get("Route") == "<sip:cluster.callee.example;lr>"
    stage.two.answer(two, 486)
    assert stage.wire.answer().status == 486
    stage.one.is_silent()


def test_no_preloaded_routes(fedge):
    calling = fresh_address()
    node = Node(fedge, {"callers": ("tcp", [f"{calling}:5060"], "preloaded_routes: no"),
                        "one": ("udp", [f"{fresh_address()}:5060"])}, "one")
    with Wire(node.address, "tcp", calling) as wire:
        answer = wire.ask("INVITE", "sip:2000@callee.example", extra=["Route: <sip:cluster.callee.example;lr>"])
        assert answer.status == 404
        assert answer.get("Warning") == f'399 {node.host} "Policy Response"'
    assert node.counters()["forwarded"] == 0


def test_what_was_sent_comes_back(stage_of):
    """poison: it is refused though its address was changed, so that it is no loop in the eyes of RFC 5393."""
    stage = stage_of({"one": 10}, zones={"one": ["poison: yes"]})
    stage.send("MESSAGE")
    asked = stage.one.get("MESSAGE")
    vias = "\r\n".join(f"Via: {v}" for v in asked.all("Via"))
    back = message(stage.one.wire, "MESSAGE", "sip:2001@callee.example", call_id=asked.get("Call-ID"), forwards=60)
    head, _, rest = back.partition("Max-Forwards")
    stage.one.wire.socket.sendto(f"{head}{vias}\r\nMax-Forwards{rest}".encode(), stage.one.wire.to)
    answer = Message(stage.one.wire.socket.recv(65536).partition(b"\r\n\r\n")[0])
    assert answer.status == 482
    # The same in another call is a call like any other.
    fresh = back.replace(asked.get("Call-ID"), "another@call")
    head, _, rest = fresh.partition("Max-Forwards")
    stage.one.wire.socket.sendto(f"{head}{vias}\r\nMax-Forwards{rest}".encode().replace(b"z9hG4bK", b"z9hG4bKz", 1),
                                 stage.one.wire.to)
    assert stage.one.get("MESSAGE").get("Call-ID") == "another@call"


def test_record_route_by_address(stage_of):
    stage = stage_of({"one": 10}, zones={"one": ["record_route: address"]})
    stage.send()
    one = stage.one.get("INVITE")
    routes = one.all("Record-Route")
    assert f"@{stage.node.address}:5060;" in routes[0], "towards it: our address"
    assert f"@{stage.node.host}:5060;" in routes[1], "towards the caller: our name"
    stage.one.answer(one, 200)
    answer = stage.wire.answer()
    stage.send("BYE", uri=f"sip:callee@{stage.one.address}:5060", to="sip:2000@callee.example", cseq=2,
               call_id=one.get("Call-ID"), to_tag=answer.get("To").partition(";tag=")[2],
               extra=[f"Route: {route}" for route in reversed(routes)])
    bye = stage.one.get("BYE")
    stage.one.answer(bye, 200)
    assert stage.wire.answer().status == 200


AVP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


@pytest.mark.parametrize(("setting", "offer", "passes"), [
    ("force-encrypted", AVP, False), ("force-encrypted", AVP.replace("RTP/AVP", "RTP/SAVP"), True),
    ("force-unencrypted", AVP.replace("RTP/AVP", "RTP/SAVP"), False), ("force-encrypted", "", False),
    ("best-effort", AVP, True),
])
def test_media_encryption(stage_of, setting, offer, passes):
    stage = stage_of({"one": 10}, zones={"one": [f"media_encryption: {setting}"]})
    stage.send(body=offer, kind="application/sdp")
    if passes:
        stage.one.answer(stage.one.get("INVITE"), 486)
    answer = stage.wire.answer()
    assert answer.status == (486 if passes else 488)
    assert passes or "one" in answer.get("Warning")


def until(wire, status):
    """The next answer with that status; no final one comes before."""
    while (said := wire.read()).status != status:
        assert said.status < 200, said
    return said


def test_media_encryption_in_a_call(stage_of):
    """What breaks the rule later is refused too: without an offer, and in a PRACK."""
    stage = stage_of({"one": 10}, zones={"one": ["media_encryption: force-encrypted"]})
    secure = AVP.replace("RTP/AVP", "RTP/SAVP")
    stage.send(body=secure, kind="application/sdp")
    one = stage.one.get("INVITE")
    stage.one.answer(one, 183, extra=["Require: 100rel", "RSeq: 1"], body=secure)
    said = until(stage.wire, 183)
    inside = {"uri": f"sip:callee@{stage.one.address}:5060", "to": "sip:2000@callee.example",
              "call_id": one.get("Call-ID"), "to_tag": said.get("To").partition(";tag=")[2],
              "extra": [f"Route: {route}" for route in reversed(one.all("Record-Route"))]}
    offers = [("PRACK", AVP, 488), ("PRACK", secure, 200), ("PRACK", "", 200), ("INVITE", "", 488), ("INVITE", AVP, 488),
              ("INVITE", secure, 200), ("UPDATE", "", 200), ("UPDATE", AVP, 488)]
    for number, (method, offer, status) in enumerate(offers, 2):
        stage.send(method, body=offer, cseq=number, **inside, **({"kind": "application/sdp"} if offer else {}))
        if status == 200:
            stage.one.answer(stage.one.get(method), 200)
        assert stage.wire.answer().status == status, (method, offer)
    assert [asked.body.decode() for asked in stage.one.seen if AVP in asked.body.decode()] == []


def test_one_who_rings_on_and_on_leaves_the_others_their_say(stage_of):
    stage = stage_of({"one": 10, "two": 10})
    stage.send()
    one, two = stage.one.get("INVITE"), stage.two.get("INVITE")
    for _ in range(4):  # in small lots, for datagrams get lost
        for _ in range(50):
            stage.one.answer(one, 180)
        for _ in range(50):
            assert until(stage.wire, 180)
    stage.one.answer(one, 180)
    stage.two.answer(two, 183)
    assert until(stage.wire, 183)


# ---- how broad (RFC 5393) ----


@pytest.mark.parametrize(("given", "shares"), [
    (None, ["30", "30"]), ("9", ["4", "5"]), ("2", ["1", "1"]), ("1", ["1"]), ("1000", ["30", "30"]),
])
def test_a_fork_shares_the_breadth(stage_of, given, shares):
    stage = stage_of({"one": 10, "two": 10, "later": 20})
    stage.send(extra=[f"Max-Breadth: {given}"] if given else [])
    for name, share in zip(("one", "two"), shares):
        asked = stage.phones[name].get("INVITE")
        assert asked.all("Max-Breadth") == [share]
        stage.phones[name].answer(asked, 486)
    later = stage.later.get("INVITE")  # the others have ended: it has all there is
    assert later.all("Max-Breadth") == ([str(min(int(given), 60))] if given else [])
    if len(shares) < 2:
        stage.two.is_silent()
    stage.later.answer(later, 404)
    assert stage.wire.answer().status == 486


def test_no_breadth_is_left(stage_of):
    stage = stage_of({"one": 10})
    stage.send(extra=["Max-Breadth: 0"])
    assert stage.wire.answer().status == 440
    stage.one.is_silent()


def test_headers_in_a_request_uri(stage_of):
    """RFC 3261 19.1.1 allows none; RFC 4475 3.1.2.11 lets a server answer 400."""
    stage = stage_of({"one": 10})
    stage.send(uri="sip:2000@callee.example?Route=%3Csip:elsewhere.example%3E")
    assert stage.wire.answer().status == 400
    stage.one.is_silent()


def test_what_is_stripped(stage_of):
    strip = "strip: {update: yes, udp_bfcp: yes, proxy_require: [com.example.x]}"
    stage = stage_of({"one": 10, "two": 20}, zones={"one": [strip]})
    stage.send(body=AVP + "m=application 5070 UDP/BFCP *\r\n", kind="application/sdp",
               extra=["Allow: INVITE, UPDATE, ACK", "Proxy-Require: com.example.x"])
    one = stage.one.get("INVITE")
    assert one.get("Allow") == "INVITE, ACK"
    assert one.get("Proxy-Require") is None
    assert b"m=application 0 UDP/BFCP *\r\n" in one.body
    assert int(one.get("Content-Length")) == len(one.body)
    stage.one.answer(one, 486)
    assert stage.wire.answer().status == 486
    stage.two.is_silent()  # it strips nothing, so it may not get what demands an extension
    stage.send("MESSAGE", extra=["Proxy-Require: com.example.y"])
    answer = stage.wire.answer()
    assert (answer.status, answer.get("Unsupported")) == (420, "com.example.y")


def test_call_policy_refuses_in_its_own_words(stage_of):
    policy = "policy:\n  - {name: not them, to: \"9.*\", action: reject, status: 488, reason: Ask the operator}\n"
    stage = stage_of({"one": 10}, more=policy)
    stage.send(uri="sip:900@callee.example")
    answer = stage.wire.answer()
    assert answer.first == "SIP/2.0 488 Ask the operator"
    assert answer.get("Warning") == f'399 {stage.node.host} "Policy Response"'
    stage.one.is_silent()


def test_rules_know_microsofts_variants(stage_of):
    rules = "  - {name: im, priority: 1, mode: any, variant: microsoft-im, target: two, on_match: stop}"
    stage = stage_of({"one": 10, "two": 90}, rules=rules)
    stage.send("MESSAGE", extra=["User-Agent: UCCAPI/16.0"])
    stage.two.answer(stage.two.get("MESSAGE"), 200)
    assert stage.wire.answer().status == 200
    stage.send("MESSAGE")
    stage.one.answer(stage.one.get("MESSAGE"), 200)
    assert stage.wire.answer().status == 200
    stage.send("INVITE", extra=["User-Agent: UCCAPI/16.0"], body=AVP, kind="application/sdp")
    stage.one.answer(stage.one.get("INVITE"), 603)
    assert stage.wire.answer().status == 603


def test_a_plain_dns_zone(fedge):
    """service sip: by RFC 3263, without the rules of trust; the far end may end the call; strangers are not relayed."""
    calling, called = fresh_address(), fresh_address()
    knot = Knot(fedge, {"plain.example": ["_sip._udp IN SRV 0 0 5060 pbx.plain.example.", f"pbx IN A {called}",
                                          f"@ IN A {called}"],
                        "bare.example": [f"@ IN A {called}"]})
    zones = "  - {name: out, kind: dns, service: sip}"
    node = Node(fedge, {"callers": ("tcp", [f"{calling}:5060"])}, "out", zones=zones, workers=1,
                more=f"dns: {{servers: [\"{knot.server}\"]}}\n")
    phone = Phone(called)
    try:
        with Wire(node.address, "tcp", calling) as wire:
            wire.send(message(wire, "INVITE", "sip:2000@plain.example"))
            invite = phone.get("INVITE")
            phone.answer(invite, 200)
            answer = wire.answer()
            assert answer.status == 200
            routes = invite.all("Record-Route")
            tag = answer.get("To").partition(";tag=")[2]
            bye = message(phone.wire, "BYE", f"sip:caller@{wire.local[0]}:{wire.local[1]};transport=tcp",
                          to="sip:caller@caller.example", caller="sip:2000@plain.example", from_tag=tag, to_tag="tag1",
                          call_id=invite.get("Call-ID"), extra=[f"Route: {route}" for route in routes])
            phone.wire.socket.sendto(bye.encode(), (node.address, 5060))
            while (asked := wire.read()).method != "BYE":
                pass
            # Of another call the same Route is worth nothing.
            other = bye.replace(invite.get("Call-ID"), "other@call").replace("z9hG4bK", "z9hG4bKo")
            phone.wire.socket.sendto(other.encode(), (node.address, 5060))
            refused = Message(phone.wire.socket.recv(65536).partition(b"\r\n\r\n")[0])
            while refused.status is None:
                refused = Message(phone.wire.socket.recv(65536).partition(b"\r\n\r\n")[0])
            assert refused.status == 403
            # No SRV: an address alone is not called (include_address_record).
            assert wire.ask("MESSAGE", "sip:2000@bare.example").status == 504
        # What was asked of the DNS, and what it said, is bound to the search; of the BYE nothing is asked again.
        wait_until(lambda: len([r for r in node.journal("dns-answer") if r["name"] == "pbx.plain.example"]) == 2, 20,
                   "the DNS answers are in the log")
        told = node.journal("dns-answer", "search")
        search, = [r["serial"] for r in told if r.get("event") == "attempted" and "plain.example" in r["destination"]]
        answers = {(r["type"], r["name"]): (r["status"], r.get("records")) for r in told if r.get("serial") == search
                   and r["kind"] == "dns-answer"}
        assert answers["SRV", "_sip._udp.plain.example"] == ("ok", ["0 0 5060 pbx.plain.example."])
        assert answers["A", "pbx.plain.example"] == ("ok", [called])
        assert answers["AAAA", "pbx.plain.example"][0] == "nodata"
        assert len([r for r in told if r.get("name") == "pbx.plain.example" and r["type"] == "A"]) == 1
        # A stranger does not get through to another one.
        with Wire(node.address, "tcp", fresh_address()) as stranger:
            assert stranger.ask("MESSAGE", "sip:2000@plain.example").status == 403
    finally:
        phone.close()
