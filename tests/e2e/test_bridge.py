"""The small phone between two calls: a back-to-back user agent, as seen from both of its halves.

One UDP socket plays whoever calls and whoever is called; what came is kept, repetitions only once.
"""
import json
import re
import socket
import time

import pytest

from support import wait_until
from test_phone import header

BRIDGE, OTHERS = ("127.0.0.2", 5060), ("127.0.0.3", 5060)
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.3\r\ns=-\r\nc=IN IP4 127.0.0.3\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
SESSION = "a" * 32 + ";remote=" + "0" * 32


class Ends:
    """Both ends of calls through the bridge."""

    def __init__(self, address=OTHERS):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.address, self.heard, self.count = address, [], 0

    def say(self, text):
        self.socket.sendto(text.encode(), BRIDGE)

    def await_one(self, start, call_id=None, seconds=8, skip=()):
        """The first message that starts so, of that call, and is not among those seen before."""
        due = time.monotonic() + seconds
        while True:
            for message in self.heard:
                if message.startswith(start) and message not in skip and call_id in (None, header(message, "Call-ID")):
                    return message
            self.socket.settimeout(max(0.01, due - time.monotonic()))
            try:
                message = self.socket.recv(65536).decode()
            except TimeoutError as late:
                raise AssertionError(f"no {start!r} within {seconds} s; there were: {self.heard}") from late
            self.heard.append(message)

    def request(self, method, to, call_id, number=1, more=(), body="", **changes):
        """A request of one end. to, frm: whole header values; uri: where it goes."""
        self.count += 1
        lines = [f"{method} {changes.get('uri', 'sip:b@outside.example')} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch=z9hG4bK{call_id}{self.count}",
                 f"Max-Forwards: {changes.get('forwards', 70)}",
                 f"From: {changes.get('frm', '''DX <sip:a@inside.example>;tag=a''')}", f"To: {to}",
                 f"Call-ID: {call_id}", f"CSeq: {number} {method}",
                 f"Contact: <sip:a@{self.address[0]}:{self.address[1]}>", *more,
                 *(["Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}"]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def answer(self, asked, status, *more, body="", tag="b"):
        to = header(asked, "To")
        lines = [f"SIP/2.0 {status}", f"Via: {header(asked, 'Via')}", f"From: {header(asked, 'From')}",
                 f"To: {to}" + ("" if ";tag=" in to else f";tag={tag}"), f"Call-ID: {header(asked, 'Call-ID')}",
                 f"CSeq: {header(asked, 'CSeq')}", f"Contact: <sip:b@{self.address[0]}:{self.address[1]}>", *more,
                 *(["Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}"]
        self.say("\r\n".join(lines) + "\r\n\r\n" + body)

    def begin(self, call_id, **how):
        """An INVITE into the bridge, and the one that comes out of it."""
        self.say(self.request("INVITE", "<sip:b@outside.example>", call_id, **how))
        return self.await_one("INVITE ", seconds=8, skip=[m for m in self.heard if m.startswith("INVITE ")])

    def establish(self, call_id):
        """A call that stands: the INVITE as the callee got it, the 200 as the caller got it."""
        out = self.begin(call_id, body=SDP, more=[f"Session-ID: {SESSION}"])
        self.answer(out, "200 OK", body=SDP.replace("4000", "5000"))
        ok = self.await_one("SIP/2.0 200", call_id)
        self.say(self.request("ACK", header(ok, "To"), call_id, uri=contact(ok)))
        self.await_one("ACK ", header(out, "Call-ID"))
        return out, ok

    def close(self):
        self.socket.close()


def contact(message):
    return re.search(r"<([^>]*)>", header(message, "Contact")).group(1)


@pytest.fixture
def bridge(fedge):
    return fedge.start("answer", "--as", "sip:meet@rooms.example", "--listen", "udp:%s:%d" % BRIDGE, "--bridge-to",
                       "%s:%d;transport=udp" % OTHERS, "--bridge-caller", "inside.example=users.inside.example",
                       "--bridge-callee", "outside.example=far.example", "--json", name="bridge")


@pytest.fixture
def ends():
    made = Ends()
    yield made
    made.close()


def told(process):
    return [json.loads(line) for line in process.text().splitlines() if line.startswith("{")]


def await_told(process, count=1):
    return wait_until(lambda: len(told(process)) >= count and told(process))


def test_a_call_goes_on_as_another_one(bridge, ends):
    out, ok = ends.establish("one")
    assert out.startswith("INVITE sip:b@far.example SIP/2.0"), "the domain called is changed"
    assert header(out, "From").startswith('"DX" <sip:a@users.inside.example>;tag='), "and the caller's"
    assert header(out, "To") == "<sip:b@far.example>"
    assert header(out, "Call-ID") != "one" and len(re.findall("^Via:", out, re.M)) == 1
    assert header(out, "Max-Forwards") == "69"
    assert header(out, "Session-ID") == SESSION, "by this who reads both logs knows that they are one call"
    assert out.endswith(SDP) and ok.endswith(SDP.replace("4000", "5000"))
    ends.say(ends.request("BYE", header(ok, "To"), "one", 2, more=['Reason: SIP;cause=200;text="done"'],
                          uri=contact(ok)))
    bye = ends.await_one("BYE ", header(out, "Call-ID"))
    assert header(bye, "Reason") == 'SIP;cause=200;text="done"'
    ends.answer(bye, "200 OK")
    ends.await_one("SIP/2.0 200", "one", skip=[ok])
    last = await_told(bridge)[-1]
    assert (last["outcome"], last["direction"], last["call_id"]) == ("answered", "bridged", "one")
    assert last["bridged_call_id"] == header(out, "Call-ID") and last["ended_by"] == "peer"


def test_a_refusal_comes_back_with_its_reason(bridge, ends):
    out = ends.begin("refused", body=SDP)
    ends.answer(out, "180 Ringing")
    assert header(ends.await_one("SIP/2.0 180", "refused"), "Contact")
    why = ('ms-diagnostics: 1034;reason="Previous hop federated peer did not report diagnostic information";'
           'source="vcse.steven.lab"', 'Warning: 399 vcse "words"')
    ends.answer(out, "504 Server time-out", *why)
    refused = ends.await_one("SIP/2.0 504 Server time-out", "refused")
    assert all(line in refused for line in why)
    ends.say(ends.request("ACK", header(refused, "To"), "refused"))
    assert await_told(bridge)[-1]["status"] == 504


def test_giving_up_goes_on(bridge, ends):
    out = ends.begin("given-up", body=SDP)
    ends.answer(out, "180 Ringing")
    ends.await_one("SIP/2.0 180", "given-up")
    invite_branch = "z9hG4bKgiven-up1"
    cancel = ends.request("CANCEL", "<sip:b@outside.example>", "given-up")
    ends.say(re.sub(r"branch=\S+", f"branch={invite_branch}", cancel))
    ends.answer(ends.await_one("CANCEL ", header(out, "Call-ID")), "200 OK")
    ends.await_one("SIP/2.0 487", "given-up")
    # The answer was on its way already: it is taken, and taken back.
    ends.answer(out, "200 OK", body=SDP)
    ends.await_one("ACK ", header(out, "Call-ID"))
    ends.answer(ends.await_one("BYE ", header(out, "Call-ID")), "200 OK")
    assert await_told(bridge)[-1]["outcome"] == "refused"


def test_requests_within_the_call_pass_both_ways(bridge, ends):
    out, ok = ends.establish("within")
    caller = {"to": header(ok, "To"), "call_id": "within", "uri": contact(ok)}
    callee = {"to": header(out, "From"), "frm": header(out, "To") + ";tag=b", "call_id": header(out, "Call-ID"),
              "uri": contact(out)}
    for number, (asking, other) in enumerate([(caller, header(out, "Call-ID")), (callee, "within")], 10):
        ends.say(ends.request("INFO", number=number, more=["Content-Type: text/plain"], **asking).replace(
            "Content-Length: 0", "Content-Length: 2") + "hi")
        info = ends.await_one("INFO ", other)
        assert info.endswith("\r\n\r\nhi")
        ends.answer(info, "200 OK")
        ends.await_one("SIP/2.0 200", asking["call_id"], skip=[m for m in ends.heard if "INFO" not in m])
        # A re-INVITE without an offer: that comes with the 200, its answer with the ACK.
        ends.say(ends.request("INVITE", number=number + 10, **asking))
        again = ends.await_one("INVITE ", other, skip=[m for m in ends.heard if m.startswith("INVITE ")])
        ends.answer(again, "200 OK", "Supported: timer", "Session-Expires: 1800;refresher=uas", body=SDP)
        fine = ends.await_one("SIP/2.0 200", asking["call_id"],
                              skip=[m for m in ends.heard if f"{number + 10} INVITE" not in m])
        assert fine.endswith(SDP) and header(fine, "Session-Expires") == "1800;refresher=uas"
        ends.say(ends.request("ACK", number=number + 10, body=SDP, **asking))
        ack = ends.await_one("ACK ", other, skip=[m for m in ends.heard if m.startswith("ACK ")])
        assert ack.endswith(SDP) and header(ack, "CSeq").split()[0] == header(again, "CSeq").split()[0]
        # The 200 is repeated: so is the ACK, and the caller is not bothered.
        ends.heard = [m for m in ends.heard if not m.startswith("ACK ")]
        ends.answer(again, "200 OK", body=SDP)
        assert ends.await_one("ACK ", other) == ack
    ends.say(ends.request("BYE", number=30, **callee))
    ends.answer(ends.await_one("BYE ", "within"), "200 OK")
    assert await_told(bridge)[-1]["outcome"] == "answered"


def test_only_calls_from_there_are_sent_on(bridge, ends):
    stranger = Ends(("127.0.0.4", 5060))
    stranger.say(stranger.request("INVITE", "<sip:b@outside.example>", "stranger", body=SDP))
    stranger.await_one("SIP/2.0 404", "stranger")
    stranger.close()
    ends.say(ends.request("INVITE", "<sip:b@outside.example>", "far", forwards=0))
    ends.await_one("SIP/2.0 483", "far")
    assert not [m for m in ends.heard if m.startswith("INVITE")]


def test_its_own_users_answer_themselves_and_it_says_that_it_lives(bridge, ends):
    ends.say(ends.request("INVITE", "<sip:meet@rooms.example>", "room", uri="sip:meet@rooms.example", body=SDP))
    ok = ends.await_one("SIP/2.0 200", "room")
    assert "m=audio" in ok and "fedge phone" in header(ok, "User-Agent")
    ends.say(ends.request("ACK", header(ok, "To"), "room", uri=contact(ok)))
    ends.say(ends.request("OPTIONS", "<sip:127.0.0.2>", "alive", uri="sip:127.0.0.2:5060"))
    ends.await_one("SIP/2.0 200", "alive")


def test_calls_are_ended_when_it_stops(bridge, ends):
    out, _ = ends.establish("stopped")
    bridge.signal(15)
    for call_id in ("stopped", header(out, "Call-ID")):
        ends.answer(ends.await_one("BYE ", call_id), "200 OK")
    assert bridge.wait(10) == 0 and told(bridge)[-1]["ended_by"] == "us"


def test_nobody_there_is_said_so(fedge):
    """Two phones of ours, and the way between them cut; then whole."""
    fedge.start("answer", "--as", "sip:nobody@here.example", "--listen", "tcp:127.0.0.2:5060", "--bridge-to",
                "127.0.0.3:5062;transport=tcp", name="bridge")
    how = ["--from", "sip:a@inside.example", "--to", "sip:b@outside.example", "--via",
           "127.0.0.2:5060;transport=tcp", "--address", "127.0.0.3", "--duration", "0"]
    code, outcome = fedge.call(*how)
    assert (code, outcome["status"]) == (2, 503)
    fedge.start("answer", "--as", "sip:b@outside.example", "--listen", "tcp:127.0.0.3:5062", "--json", name="callee")
    code, outcome = fedge.call(*how)
    assert (code, outcome["status"]) == (0, 200)
