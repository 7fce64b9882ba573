"""What the standards say of calls, by SIPp at both ends, with a registrar and a traversal zone between (crossing.py).

The phones register by digest, and each call out is challenged; calls in find the phones by their registrations, over
the connection that the core opened. Every case is played both ways.
"""
import pytest
from crossing import FORK, IN, OUT, build, by_name, credentials
from ladder import (SDP, ack, ack_refusal, linger, match, pause, receive, receive_invite, request, request_back,
                    respond, respond_inside, respond_kept)
from strangers import callee, caller
from support import Authority, Fedge

HOPS = 3  # the Vias that a callee sees: of the other end, of both nodes
CALLS = 3
CONTACT = "Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>"


@pytest.fixture(scope="module")
def stage(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("standards")
    fedge = Fedge(program, folder)
    fedge.nodes = []
    made = build(fedge, Authority(folder / "authority"))
    try:
        yield made
        for node in fedge.nodes:
            node.end_well()
    finally:
        fedge.stop_all()


@pytest.fixture(params=["out", "in"])
def way(request):
    return request.param


def first(way):
    """The CSeq of the INVITE that gets through: a phone's is challenged first."""
    return 2 if way == "out" else 1


def invite(way, body=SDP, extra=""):
    """The INVITE, until it is under way; its label is "invite"."""
    lines = f"{extra}\n" if extra else ""
    asked = [request("INVITE", body=body, extra=extra, label="asked"), receive(100, optional=True),
             receive(407, auth=True), ack_refusal("asked"),
             request("INVITE", cseq=2, body=body, extra=f"{lines}[authentication]", label="invite")]
    plain = [request("INVITE", body=body, extra=extra, label="invite")]
    return [*(asked if way == "out" else plain), receive(100, optional=True)]


def play(stage, way, calling, *called, to=OUT, user="2000", calls=CALLS):
    """Calls to their end; `called`: (address, rungs) of everybody who is called."""
    domains = (to, IN) if way == "out" else (IN, to)
    answering = [callee(stage.fedge, address, rungs, by_name(stage, "callee"), calls=calls, domains=domains)
                 for address, rungs in called]
    address, node = (stage.caller, stage.core) if way == "out" else (stage.partner, stage.edge)
    options = credentials("caller", f"{user}@{to}", user) if way == "out" else ("-s", user)
    caller(stage.fedge, address, node.address, calling, by_name(stage, "caller"), calls=calls, domains=domains,
           options=options).wait()
    for one in answering:
        one.wait()


def there(stage, way):
    return stage.partner if way == "out" else stage.phone


def bye(cseq):
    return [request("BYE", cseq=cseq, inside=True), receive(200)]


HUNG_UP = [receive("BYE"), respond_inside(200), linger()]


def test_digest_on_register_and_invite(stage, way):
    """A call of a phone is challenged; what it proved does not go on to the partner."""
    calling = [*invite(way), receive(180, optional=True), receive(200, routes=True), ack(first(way)),
               *bye(first(way) + 1)]
    called = [receive_invite(vias=HOPS), respond(180, "Ringing"), respond(200, "OK", SDP, repeat=True), receive("ACK"),
              *HUNG_UP]
    play(stage, way, calling, (there(stage, way), called))
    sent = [r["bytes"] for r in stage.core.journal("message") if r["direction"] == "sent"]
    assert not [text for text in sent if text.startswith("INVITE") and "Proxy-Authorization:" in text]


def test_parallel_fork_and_cancel(stage, way):
    """Both ring, one answers, the other is told that the call was completed elsewhere."""
    calling = [*invite(way), receive(180, optional=True), receive(180, optional=True), receive(200, routes=True),
               ack(first(way)), *bye(first(way) + 1)]
    answers = [receive_invite(vias=HOPS), respond(180, "Ringing"), pause(50), respond(200, "OK", SDP, repeat=True),
               receive("ACK"), *HUNG_UP]
    cancelled = [receive_invite(vias=HOPS), respond(180, "Ringing"),
                 receive("CANCEL", actions=match("cause=200", header="Reason")), respond_inside(200),
                 respond_kept(487, "Request Terminated", vias=HOPS), receive("ACK"), linger()]
    two = (stage.one, stage.two) if way == "out" else (stage.second, stage.third)
    to, user = (FORK, "2000") if way == "out" else (OUT, "3000")
    play(stage, way, calling, (two[0], answers), (two[1], cancelled), to=to, user=user)


def test_cancelled_by_the_caller(stage, way):
    calling = [*invite(way), receive(180), request("CANCEL", cseq=first(way), same_branch="invite"), receive(200),
               receive(487), ack_refusal(cseq=first(way))]
    called = [receive_invite(vias=HOPS), respond(180, "Ringing"), receive("CANCEL"), respond_inside(200),
              respond_kept(487, "Request Terminated", vias=HOPS), receive("ACK"), linger()]
    play(stage, way, calling, (there(stage, way), called))


@pytest.mark.parametrize("status", [301, 302, 380])
def test_redirected(stage, way, status):
    """The Contact is the caller's to follow: it comes as it was given."""
    contact = "<sip:2000@elsewhere.example;line=7>;q=0.7"
    calling = [*invite(way), receive(status, actions=match(contact, header="Contact")),
               ack_refusal(cseq=first(way))]
    called = [receive_invite(vias=HOPS), respond(status, "Moved", extra=f"Contact: {contact}", contact=False,
              repeat=True), receive("ACK"), linger()]
    play(stage, way, calling, (there(stage, way), called), calls=1)


def test_prack_with_a_late_answer(stage, way):
    """No offer in the INVITE: it comes in a reliable 183, its answer in the PRACK (RFC 3262 5)."""
    c = first(way)
    calling = [*invite(way, body="", extra="Supported: 100rel"),
               receive(183, routes=True, actions=match("7001", header="RSeq") + match("m=audio 49172")),
               request("PRACK", cseq=c + 1, inside=True, body=SDP, extra=f"RAck: 7001 {c} INVITE"), receive(200),
               receive(200), ack(c), *bye(c + 2)]
    called = [receive_invite(actions=match("100rel", header="Supported"), vias=HOPS),
              respond(183, "Session Progress", SDP, extra="Require: 100rel\nRSeq: 7001", repeat=True),
              receive("PRACK", actions=match(f"7001 {c} INVITE", header="RAck") + match("m=audio 49172")),
              respond_inside(200), respond_kept(200, "OK", extra=CONTACT, vias=HOPS), receive("ACK"), *HUNG_UP]
    play(stage, way, calling, (there(stage, way), called))


def test_update_before_the_answer(stage, way):
    """Offers after the reliable 183 has answered the first one (RFC 3311 5.1): the caller's, then the callee's."""
    c = first(way)
    calling = [*invite(way, extra="Supported: 100rel"), receive(183, routes=True),
               request("PRACK", cseq=c + 1, inside=True, extra=f"RAck: 1 {c} INVITE"), receive(200),
               request("UPDATE", cseq=c + 2, inside=True, body=SDP),
               receive(200, actions=match("m=audio 49172")),
               receive("UPDATE", actions=match("m=audio 49172")), respond_inside(200, "OK", SDP, extra=CONTACT),
               receive(200), ack(c), *bye(c + 3)]
    called = [receive_invite(vias=HOPS),
              respond(183, "Session Progress", SDP, extra="Require: 100rel\nRSeq: 1", repeat=True),
              receive("PRACK"), respond_inside(200), receive("UPDATE", actions=match("m=audio 49172")),
              respond_inside(200, "OK", SDP, extra=CONTACT), request_back("UPDATE", body=SDP),
              receive(200, actions=match("m=audio 49172")), respond_kept(200, "OK", extra=CONTACT, vias=HOPS),
              receive("ACK"), *HUNG_UP]
    play(stage, way, calling, (there(stage, way), called))


def test_refer_and_notify(stage, way):
    """In the dialog: the caller refers, the callee tells him what became of it (RFC 3515)."""
    c = first(way)
    calling = [*invite(way), receive(180, optional=True), receive(200, routes=True), ack(c),
               request("REFER", cseq=c + 1, inside=True, extra=f"Refer-To: <sip:3000@{OUT}>"), receive(202),
               receive("NOTIFY", actions=match("SIP/2.0 100 Trying")), respond_inside(200),
               receive("NOTIFY", actions=match("SIP/2.0 200 OK") + match("terminated", header="Subscription-State")),
               respond_inside(200), *bye(c + 2)]

    def notify(cseq, state, fragment):
        return [request_back("NOTIFY", cseq=cseq, extra=f"Event: refer\nSubscription-State: {state}", body=fragment,
                             kind="message/sipfrag;version=2.0"), receive(200)]

    called = [receive_invite(vias=HOPS), respond(180, "Ringing"), respond(200, "OK", SDP, repeat=True), receive("ACK"),
              receive("REFER", actions=match(f"<sip:3000@{OUT}>", header="Refer-To")), respond_inside(202, "Accepted"),
              *notify(1, "active;expires=60", "SIP/2.0 100 Trying"),
              *notify(2, "terminated;reason=noresource", "SIP/2.0 200 OK"), *HUNG_UP]
    play(stage, way, calling, (there(stage, way), called))


def test_session_timer(stage, way):
    """Too small at first (422), then refreshed by UPDATE and by re-INVITE (RFC 4028)."""
    c = first(way)
    long = "Supported: timer\nSession-Expires: 120;refresher=uac\nMin-SE: 120"
    granted = "Require: timer\nSession-Expires: 120;refresher=uac"
    has = match("120;refresher=uac", header="Session-Expires")
    again = f"{long}\n[authentication]" if way == "out" else long
    calling = [*invite(way, extra="Supported: timer\nSession-Expires: 90"),
               receive(422, actions=match("120", header="Min-SE")), ack_refusal(cseq=c),
               request("INVITE", cseq=c + 1, body=SDP, extra=again), receive(100, optional=True),
               receive(200, routes=True, actions=has), ack(c + 1),
               request("UPDATE", cseq=c + 2, inside=True, extra=long), receive(200, actions=has),
               request("INVITE", cseq=c + 3, inside=True, body=SDP, extra=long), receive(100, optional=True),
               receive(200, actions=has), ack(c + 3), *bye(c + 4)]
    called = [receive_invite(actions=match("90", header="Session-Expires"), vias=HOPS),
              respond(422, "Session Interval Too Small", extra="Min-SE: 120", contact=False, repeat=True),
              receive("ACK"), receive_invite(actions=has + match("120", header="Min-SE"), vias=HOPS),
              respond(200, "OK", SDP, extra=granted, repeat=True), receive("ACK"),
              receive("UPDATE", actions=has), respond_inside(200, "OK", extra=f"{CONTACT}\n{granted}"),
              receive("INVITE", actions=has),
              respond_inside(200, "OK", SDP, extra=f"{CONTACT}\n{granted}", repeat=True), receive("ACK"), *HUNG_UP]
    play(stage, way, calling, (there(stage, way), called))


def test_late_offer(stage, way):
    """No offer in the INVITE: it comes in the 200, its answer in the ACK (RFC 3261 13.2.1)."""
    c = first(way)
    calling = [*invite(way, body=""), receive(180, optional=True),
               receive(200, routes=True, actions=match("m=audio 49172")),
               request("ACK", cseq=c, inside=True, body=SDP), *bye(c + 1)]
    called = [receive_invite(vias=HOPS), respond(180, "Ringing"), respond(200, "OK", SDP, repeat=True),
              receive("ACK", actions=match("m=audio 49172")), *HUNG_UP]
    play(stage, way, calling, (there(stage, way), called))


def test_all_went_over_the_connection_that_the_core_opened(stage):
    """After all that: nobody connected to the core, and one connection was enough."""
    links = [r for r in stage.core.journal("connection") if r["event"] in ("accepted", "opened")]
    assert [r["remote"] for r in links] == [f"{stage.edge.address}:7001"]
