"""A partner that plays foul: true certificate, true DNS, and everything else as bad as it can be.

`evil.example` is a partner like any other (discovered, its edge is edge.evil.example); `bank.example` is
somebody else. Inside are `phones` (udp) and `pbx` (tcp). `elsewhere` is an address that nothing has a reason to
reach. Every case looks at the answer and at what reached whom.
"""
import os
import re
import signal
import socket
import ssl
import time

import pytest
from partner import Call, Quiet, Side, client_context, renew, response, server_context, split_values
from phones import DOMAIN, Phone
from strangers import Knot, Node, Wire, fresh_address, message
from support import Authority, Fedge, ask_dns, wait_until

EVIL, BANK = "sip:mallory@evil.example", "sip:teller@bank.example"
PHONE, PBX = "sip:2000@home.example", "sip:3000@pbx.home.example"
ROUTES = """  - {name: phones, mode: pattern, type: suffix, pattern: "@home.example", target: phones}
  - {name: pbx, mode: pattern, type: suffix, pattern: "@pbx.home.example", target: pbx}
  - {name: out, source: all-zones, mode: any, target: federation}"""


def srv(domain, address, ttl=300, host="edge"):
    return [f"_sipfederationtls._tcp {ttl} IN SRV 0 0 5061 {host}.{domain}.", f"{host} {ttl} IN A {address}"]


class Stage:
    """Everybody's addresses, names and certificates; nodes are made by `node`."""

    def __init__(self, program, folder):
        self.fedge = Fedge(program, folder)
        self.fedge.nodes = []
        self.authority = Authority(folder / "trusted")
        self.nobody = Authority(folder / "untrusted", "nobody's root")
        self.evil = fresh_address()
        self.phones = Side(fresh_address(), ("udp", 5060), ("tcp", 5060))
        self.pbx = Side(fresh_address(), ("tcp", 5060))
        self.elsewhere = Side(fresh_address(), ("udp", 5060), ("tcp", 5060), ("tls", 5061), ("tcp", 7777), silent=True)
        self.pair = self.authority.issue("edge.evil.example")
        self.partner = Side(self.evil, ("tls", 5061), context=server_context(
            self.authority.issue("server.evil.example", "edge.evil.example", "edge.quick.example")))
        self.address = fresh_address()
        self.knot = Knot(self.fedge, {
            "home.example": srv("home.example", self.address),
            "evil.example": [*srv("evil.example", self.evil), f"trap IN A {self.elsewhere.address}",
                             f"phones IN A {self.phones.address}", "_sips._tcp.trap IN SRV 0 0 5061 trap"],
            "bank.example": srv("bank.example", fresh_address()),
            "quick.example": srv("quick.example", self.evil, ttl=1),
        })
        self.quick_pair = self.authority.issue("edge.quick.example")
        self.node_pair = self.authority.issue("edge.home.example")
        self.sides = (self.phones, self.pbx, self.elsewhere)

    def node(self, name="edge.home", limits="rate: 1000000, suspicious_rate: 1000000", tls="", more="",
             authorities=None, rules=ROUTES, domains="home.example, pbx.home.example", zones="", **options):
        certificate, key = self.node_pair
        lines = f"""domains: [{domains}]
tls:
  identities: [{{names: [edge.home.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authorities or self.authority.certificate}]
{tls}
dns: {{servers: ["{self.knot.server}"], timeout: 1s}}
trust: {{policy: microsoft, discover: yes, limits: {{{limits}}}}}
{more}
"""
        neighbors = {"phones": ("udp", [f"{self.phones.address}:5060"]), "pbx": ("tcp", [f"{self.pbx.address}:5060"])}
        return Node(self.fedge, neighbors, rules=rules, zones="  - {name: federation, kind: dns}\n" + zones, more=lines,
                    name=name, listen="tls udp tcp", **options)

    def quiet(self, *sides):
        return Quiet(*(sides or self.sides))

    def close(self):
        for side in (*self.sides, self.partner):
            side.close()
        try:
            for node in self.fedge.nodes:
                node.end_well()
        finally:
            self.fedge.stop_all()


@pytest.fixture(scope="module")
def stage(program, tmp_path_factory):
    made = Stage(program, tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def node(stage):
    return stage.node(address=stage.address)


class Stranger:
    """Connections to a node as a partner's edge makes them."""

    def __init__(self, stage, node, pair=None, **more):
        self.stage, self.node, self.open = stage, node, []
        self.context = client_context(stage.authority, pair, **more)

    def connect(self, **more):
        wire = Wire(self.node.address, "tls", self.stage.evil, self.context, "edge.home.example", **more)
        self.open.append(wire)
        return wire

    def close(self):
        for wire in self.open:
            wire.socket.close()


@pytest.fixture
def stranger(stage, node):
    """stranger(): a connection of edge.evil.example to the node."""
    made = Stranger(stage, node, stage.pair)
    yield made.connect
    made.close()


@pytest.fixture(autouse=True)
def honest_neighbors(stage):
    for side in (*stage.sides, stage.partner):
        side.answers.clear()


def ended(wire, text, seconds=10):
    """What became of a request: its final status, or "closed"."""
    try:
        wire.send(text)
        return wire.answer(seconds).status
    except (OSError, EOFError, ssl.SSLError):
        return "closed"


def finding(node, call_id):
    """The code that refused this call, as the node wrote it down."""
    def codes():
        return [r["code"] for r in node.journal("judgement") if r.get("call_id") == call_id]
    return wait_until(codes, 20, f"a judgement of {call_id}")[0]


def call_id_of(text):
    return re.search(r"Call-ID: (.*)\r\n", text).group(1)


def refused(node, wire, text, status, code=None):
    """Sent, and answered with this status because of this finding."""
    wire.send(text)
    answer = wire.answer()
    assert answer.status == status, answer
    if code:
        assert finding(node, answer.get("Call-ID")) == code
    return answer


def public(answer):
    """The number in ms-diagnostics-public."""
    value = answer.get("ms-diagnostics-public")
    return int(re.match(r"\d+", value).group()) if value else None


# ---- 1. routes ----

@pytest.fixture(scope="module")
def established(stage, node):
    """A call of the stranger's that stands; and its connection."""
    made = Stranger(stage, node, stage.pair)
    call = Call.begin(made.connect(), PHONE, EVIL)
    call.acknowledge()
    assert stage.phones.await_request(call.call_id, "ACK")
    yield call
    made.close()


def test_the_call_that_the_others_abuse_is_a_good_one(stage, established):
    with stage.quiet(stage.pbx, stage.elsewhere):
        assert established.ask("INFO").status == 200
    assert len(stage.phones.of(established.call_id, "INFO")) == 1


@pytest.mark.parametrize("name", [
    "without a To tag", "another Call-ID", "another Call-ID and no route beyond", "without user", "not a token",
    "forged MAC", "forged worker", "no To tag and no route beyond", "as a strict router", "folded",
    "blank before the colon",
])
def test_a_route_he_may_not_set(stage, node, stranger, established, name):
    beyond = f"<sip:{stage.phones.address}:5060;transport=udp;lr>"
    own = established.routes[0]
    token = re.search(r"sip:([0-9a-f]{34,})@", own).group(1)
    forged = own.replace(token, token[:-1] + "0123456789abcdef"[int(token[-1], 16) ^ 1])
    other_worker = own.replace(token, f"{int(token[:2], 16) ^ 1:02x}" + token[2:])
    known = {"to_tag": established.to_tag, "call_id": established.call_id}
    routes, changes = {
        "without a To tag": ([own, beyond], {"call_id": established.call_id}),
        "another Call-ID": ([own, beyond], {"to_tag": established.to_tag}),
        "another Call-ID and no route beyond": (established.routes, {"to_tag": established.to_tag}),
        "without user": (["<sip:edge.home.example:5061;transport=tls;lr>", beyond], known),
        "not a token": (["<sip:mallory@edge.home.example:5061;transport=tls;lr>", beyond], known),
        "forged MAC": ([forged, beyond], known),
        "forged worker": ([other_worker, beyond], known),
        "no To tag and no route beyond": (established.routes, {}),
        "as a strict router": ([beyond], {"uri": own[1:-1]}),
        "folded": ([], {"extra": [f"Route:\r\n {beyond}"]}),
        "blank before the colon": ([], {"extra": [f"route  : {beyond}"]}),
    }[name]
    values = {"uri": established.target, "to": PHONE, "caller": EVIL, "cseq": 7, **changes}
    extra = [*(f"Route: {route}" for route in routes), *values.pop("extra", ())]
    wire = stranger()
    with stage.quiet():
        refused(node, wire, message(wire, "INVITE", extra=extra, **values), 403, "route-untrusted")


@pytest.mark.parametrize("protocol", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("where", ["route", "strict route", "request-uri", "request-uri by name"])
def test_no_relay_to_other_strangers(stage, node, stranger, established, protocol, where):
    """A token leads into the call that it belongs to, not out again to somebody else."""
    port = 5061 if protocol == "tls" else 5060
    third = f"sip:{stage.elsewhere.address}:{port};transport={protocol}"
    named = f"sip:x@trap.evil.example:{port};transport={protocol}"
    changes = {"route": {"routes": [*established.routes, f"<{third};lr>"]},
               "strict route": {"routes": [*established.routes, f"<{third}>"]},
               "request-uri": {"uri": third.replace("sip:", "sip:x@")},
               "request-uri by name": {"uri": named}}[where]
    wire = stranger()
    with stage.quiet():
        answer = established.ask("INFO", wire, **changes)
        assert answer.status == 403, answer


def test_an_ack_of_no_call_reaches_nobody(stage, node, stranger, established):
    wire = stranger()
    with stage.quiet():
        for to_tag in ("", "x"):
            wire.send(message(wire, "ACK", PHONE, caller=EVIL, to_tag=to_tag))
            wire.send(message(wire, "ACK", f"sip:2000@{stage.phones.address}", caller=EVIL, to_tag=to_tag,
                              extra=[f"Route: {established.routes[0]}", f"Route: <sip:{stage.phones.address};lr>"]))


# ---- 2. limits ----

def test_a_to_tag_is_no_way_around_the_limits(stage):
    """Rule R7 holds for whoever brings no token; so does whose domain is asked for."""
    node = stage.node("limited", limits="rate: 1000000, suspicious_rate: 1000000, addresses: 5")
    crowd = Stranger(stage, node, stage.pair)
    wire = crowd.connect()
    statuses = [wire.ask("INVITE", f"sip:{3000 + n}@home.example", caller=EVIL, to_tag="x").status for n in range(8)]
    assert statuses == [200] * 5 + [403] * 3
    text = message(wire, "INVITE", "sip:3007@home.example", caller=EVIL, to_tag="x")
    with stage.quiet():
        refused(node, wire, text, 403, "partner-enumerating")
    crowd.close()
    node.end_well()


def test_so_many_a_second(stage):
    node = stage.node("slow", limits="rate: 3, suspicious_rate: 1")
    crowd = Stranger(stage, node, stage.pair)
    wires = [crowd.connect() for _ in range(3)]
    before, began = len(stage.phones.received), time.monotonic()
    answers = [wires[n % 3].ask("INVITE", PHONE, caller=EVIL, to_tag="x") for n in range(12)]
    statuses = [answer.status for answer in answers]
    let_in, last = statuses.count(200), next(answer for answer in answers if answer.status == 503)
    assert set(statuses) == {200, 503} and 3 <= let_in <= 4 + 3 * (time.monotonic() - began), statuses
    assert last.get("Retry-After") and finding(node, last.get("Call-ID")) == "partner-rate-limited"
    assert len(stage.phones.received) - before == let_in
    crowd.close()
    node.end_well()


@pytest.mark.parametrize("uri", [BANK, "sip:x@trap.evil.example", "sip:x@{elsewhere}", "sip:x@{phones}", "sip:{phones}",
                                 "sips:x@trap.evil.example", "tel:+4930123456", "sip:{elsewhere};maddr={phones}",
                                 "sip:2000@home.example;maddr={elsewhere}", "sip:2000@home.example;maddr=",
                                 "sip:x@bank.example;maddr=home.example", "sip:x@trap.evil.example;maddr={node}",
                                 "sip:2000@home.example.evil.example", "sip:2000%40home.example@evil.example"])
@pytest.mark.parametrize("to_tag", ["", "x"])
def test_a_domain_that_is_not_ours(stage, node, stranger, uri, to_tag):
    uri = uri.format(elsewhere=stage.elsewhere.address, phones=stage.phones.address, node=stage.address)
    wire = stranger()
    with stage.quiet():
        refused(node, wire, message(wire, "INVITE", uri, caller=EVIL, to_tag=to_tag), 403, "domain-not-ours")


# ---- 3. who calls ----

def asserted(*uris):
    return [f"P-Asserted-Identity: <{uri}>" for uri in uris]


@pytest.mark.parametrize(("caller", "extra", "status", "code"), [
    ("sip:teller@bank.example;user=phone", asserted(EVIL), 403, "identity-mismatch"),
    ("sip:+49a30@bank.example;user=phone", asserted(EVIL), 403, "identity-mismatch"),
    (BANK, asserted(EVIL), 403, "identity-mismatch"),
    (EVIL, asserted(BANK), 403, "identity-mismatch"),
    (EVIL, asserted(EVIL, BANK), 403, "identity-mismatch"),
    (EVIL, asserted(BANK, EVIL), 403, "identity-mismatch"),
    (EVIL, [f"P-Asserted-Identity: <{EVIL}>, <{BANK}>"], 403, "identity-mismatch"),
    ("sip:anonymous@anonymous.invalid", asserted(EVIL, BANK), 403, "identity-mismatch"),
    ("sip:anonymous@anonymous.invalid", asserted(BANK), 504, "certificate-name-mismatch"),
    ("sip:anonymous@anonymous.invalid", [], 403, "identity-missing"),
    ("tel:+4930123456", [], 403, "identity-missing"),
    ("tel:+4930123456", asserted(BANK), 504, "certificate-name-mismatch"),
    (BANK, [], 504, "certificate-name-mismatch"),
    (BANK, asserted(BANK), 504, "certificate-name-mismatch"),
    ("sip:2001@home.example", [], 504, "certificate-name-mismatch"),
    ("sip:mallory@nothing.example", [], 504, None),
    ("sip:mallory@edge.evil.example", [], 504, "srv-missing"),
])
def test_who_he_says_he_is(stage, node, stranger, caller, extra, status, code):
    wire = stranger()
    with stage.quiet():
        answer = refused(node, wire, message(wire, "INVITE", PHONE, caller=caller, extra=extra), status, code)
    assert answer.get("ms-diagnostics") is None
    if code == "certificate-name-mismatch":
        assert public(answer) == 1010


@pytest.mark.parametrize(("caller", "extra"), [
    (EVIL, []), (EVIL, asserted(EVIL)), ("sip:anonymous@anonymous.invalid", asserted(EVIL)),
    ("sip:MALLORY@Evil.EXAMPLE", []),
    ("sip:+4930123456@bank.example;user=phone", asserted(EVIL)), ("tel:+4930123456", asserted(EVIL, "tel:+4930123456")),
])
def test_who_he_really_is(stage, stranger, caller, extra):
    wire = stranger()
    with stage.quiet(stage.pbx, stage.elsewhere):
        answer = wire.ask("INVITE", PHONE, caller=caller, extra=extra)
    assert answer.status == 200
    assert len(stage.phones.of(answer.get("Call-ID"))) == 1


def test_the_second_name_over_a_connection_is_judged_too(stage, node, stranger):
    """The first was good; that says nothing of the next."""
    wire = stranger()
    assert wire.ask("INVITE", PHONE, caller=EVIL).status == 200
    with stage.quiet():
        refused(node, wire, message(wire, "INVITE", PHONE, caller=BANK), 504, "certificate-name-mismatch")
    assert wire.ask("INVITE", PHONE, caller=EVIL).status == 200


# ---- 4. without TLS ----

def datagrams(wire, seconds):
    """All that comes within this time."""
    due, heard = time.monotonic() + seconds, []
    while (left := due - time.monotonic()) > 0:
        try:
            heard.append(wire.read(left))
        except TimeoutError:
            break
    return heard


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "BYE"])
def test_a_datagram_proves_no_address(stage, node, method):
    """pbx comes by TCP; whoever writes its address on a datagram gets one answer and no more."""
    with Wire(node.address, "udp", stage.pbx.address) as wire, stage.quiet():
        text = message(wire, method, PHONE, caller="sip:3000@home.example", to_tag="x" if method == "BYE" else "")
        wire.send(text)
        heard = datagrams(wire, 1.3)
        assert [m.status for m in heard] == [403], heard


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_stranger_without_tls(stage, node, protocol):
    with Wire(node.address, protocol, stage.evil) as wire, stage.quiet():
        assert wire.ask("INVITE", PHONE, caller=EVIL).status == 403
        route = ["Route: <sip:edge.home.example;lr>"]
        assert wire.ask("INVITE", PHONE, caller="sip:2001@home.example", extra=route).status == 403


# ---- 5. where he wants our side to go ----

@pytest.mark.parametrize("contact", [
    "sip:x@{elsewhere}:5060;transport=tcp", "sip:x@{elsewhere}:5060;transport=udp", "sip:x@{elsewhere}",
    "sip:x@trap.evil.example;transport=tcp", "sip:x@trap.evil.example", "sip:{elsewhere}:7777;transport=tcp",
    "sip:x@{evil};maddr={elsewhere};transport=tcp", "sip:x@{pbx}:5060;transport=tcp", "sip:x@{pbx}:5060",
])
def test_a_contact_that_is_not_his(stage, node, stranger, contact):
    """What our side sends in the call leaves over TLS to the partner, or not at all."""
    contact = contact.format(elsewhere=stage.elsewhere.address, evil=stage.evil, pbx=stage.pbx.address)
    call = Call.begin(stranger(), PHONE, EVIL, contact=f"<{contact}>")
    call.acknowledge()
    stage.phones.await_request(call.call_id, "ACK")
    with stage.quiet(stage.pbx, stage.elsewhere):
        answer = stage.phones.ask(node, call.from_callee(stage.phones, node, "BYE"))
        assert answer.status >= 400, answer


def test_a_contact_over_tls_at_an_address_of_somebody_else(stage, node, stranger):
    """It may be reached (a partner's edge writes addresses), but who is there must be the partner."""
    other = Side(fresh_address(), ("tls", 5061), context=server_context(stage.authority.issue("edge.bank.example")))
    call = Call.begin(stranger(), PHONE, EVIL, contact=f"<sip:x@{other.address}:5061;transport=tls>")
    call.acknowledge()
    stage.phones.await_request(call.call_id, "ACK")
    with stage.quiet(stage.pbx, stage.elsewhere):
        answer = stage.phones.ask(node, call.from_callee(stage.phones, node, "BYE"))
    assert answer.status >= 400 and other.received == []
    other.close()


def test_a_contact_that_is_his(stage, node, stranger):
    call = Call.begin(stranger(), PHONE, EVIL, contact=f"<sip:mallory@{stage.evil}:5061;transport=tls>")
    call.acknowledge()
    stage.phones.await_request(call.call_id, "ACK")
    with stage.quiet(stage.pbx, stage.elsewhere):
        assert stage.phones.ask(node, call.from_callee(stage.phones, node, "BYE")).status == 200
    assert len(stage.partner.of(call.call_id, "BYE")) == 1


@pytest.mark.parametrize(("caller", "extra"), [
    ("sip:anonymous@anonymous.invalid", asserted(EVIL)), ("tel:+4930123456", asserted(EVIL)),
    ("sip:+4930123456@bank.example;user=phone", asserted(EVIL)),
])
def test_a_caller_without_name_can_be_hung_up_on(stage, node, stranger, caller, extra):
    """What is asserted, not what From shows, tells whose server it is that our side must reach."""
    call = Call.begin(stranger(), PHONE, caller, contact=f"<sip:mallory@{stage.evil}:5061;transport=tls>", extra=extra)
    call.acknowledge()
    stage.phones.await_request(call.call_id, "ACK")
    with stage.quiet(stage.pbx, stage.elsewhere):
        assert stage.phones.ask(node, call.from_callee(stage.phones, node, "BYE")).status == 200
    assert len(stage.partner.of(call.call_id, "BYE")) == 1


@pytest.mark.parametrize("contact", ["sip:x@{pbx}:5060;transport=tcp", "sip:x@{elsewhere}:5060;transport=tcp",
                                     "sip:x@{pbx}:5060"])
@pytest.mark.parametrize("route", ["as it was", "without parameters"])
def test_a_callee_that_leads_elsewhere(stage, node, contact, route):
    """The same where our side called, and the partner may have written what he likes into our Record-Route."""
    contact = contact.format(elsewhere=stage.elsewhere.address, pbx=stage.pbx.address)

    def answer(asked):
        text = response(asked, 200, "OK", contact=f"<{contact}>")
        return text if route == "as it was" else re.sub(r";proxy-call-id=[^;]*;caller=[^;]*", "", text)
    stage.partner.answers["INVITE"] = answer
    invite = message(stage.phones.as_wire(node), "INVITE", EVIL, caller=PHONE)
    said = stage.phones.ask(node, invite)
    assert said.status == 200, said
    with stage.quiet(stage.pbx, stage.elsewhere):
        extra = [f"Route: {value}" for value in split_values(said.all("Record-Route"))[::-1]]
        bye = message(stage.phones.as_wire(node), "BYE", contact, caller=PHONE, extra=extra, cseq=2,
                      call_id=said.get("Call-ID"))
        assert stage.phones.ask(node, renew(bye, "To", said.get("To"))).status >= 400


@pytest.mark.parametrize("route", ["<sip:{elsewhere};transport=tcp;lr>", "<sip:{elsewhere};lr>",
                                   "<sip:{pbx};transport=tcp;lr>", "<sip:trap.evil.example;lr>"])
def test_a_record_route_that_is_not_his(stage, node, stranger, route):
    route = route.format(elsewhere=stage.elsewhere.address, pbx=stage.pbx.address)
    call = Call.begin(stranger(), PHONE, EVIL, contact=f"<sip:mallory@{stage.evil}:5061;transport=tls>",
                      extra=[f"Record-Route: {route}"])
    call.acknowledge()
    stage.phones.await_request(call.call_id, "ACK")
    with stage.quiet(stage.pbx, stage.elsewhere):
        text = call.from_callee(stage.phones, node, "BYE")
        assert route in text
        assert stage.phones.ask(node, text).status >= 400


def test_a_record_route_that_is_ours(stage, node, stranger):
    """Our own side would come to us with it; he may have it from a dialog of his with the same Call-ID."""
    wire = stranger()
    call = Call.begin(wire, PHONE, EVIL, contact=f"<sip:mallory@{stage.evil}:5061;transport=tls>")
    call.acknowledge()
    stage.phones.await_request(call.call_id, "ACK")
    with stage.quiet():
        for route in (call.routes[0], call.routes[-1], "<sip:edge.home.example;lr>"):
            for extra in ([f"Record-Route: {route}"], [f"Record-Route: <sip:a.evil.example;lr>, {route}"]):
                wire.send(message(wire, "INVITE", PHONE, caller=EVIL, call_id=call.call_id, cseq=7, extra=extra))
                assert wire.answer().status == 403, extra
    assert call.ask("BYE").status == 200


def test_a_route_of_ours_with_other_words(stage, node, stranger):
    """All that our Record-Route says holds as it was written, or none of it: from whomever it comes back."""
    call = Call.begin(stranger(), PHONE, EVIL, contact=f"<sip:mallory@{stage.evil}:5061;transport=tls>")
    call.acknowledge()
    stage.phones.await_request(call.call_id, "ACK")
    changes = [(";lr", ";partner=bank.example;lr"), (";lr", f";zone={'0' * 16};lr"), (r";caller=[^;]*", ""),
               (r";caller=[^;]*", ";caller=00000000")]
    with stage.quiet(*stage.sides, stage.partner):
        for old, new in changes:
            other = re.sub(old, new, call.routes[-1])
            assert call.ask("INFO", routes=[*call.routes[:-1], other]).status == 403, other
            text = call.from_callee(stage.phones, node, "INFO")
            first, last = text.index("Route: "), text.rindex("Route: ")
            assert first <= last
            changed = text[:last] + re.sub(old, new, text[last:], count=1)
            assert stage.phones.ask(node, changed).status == 403, changed
    assert call.ask("BYE").status == 200


# ---- 6. certificates ----

@pytest.fixture(scope="module")
def wrong(stage):
    """{what is wrong: (certificate and key or None, the finding)}"""
    return {
        "none": (None, "certificate-missing"),
        "untrusted": (stage.nobody.issue("edge.evil.example"), "certificate-untrusted"),
        "another name": (stage.authority.issue("www.evil.example"), "certificate-name-mismatch"),
        "expired": (stage.authority.issue("late.evil.example", "edge.evil.example", days=-1), "certificate-expired"),
    }


WRONG = ["none", "untrusted", "another name", "expired"]


@pytest.fixture(scope="module")
def asking(stage):
    """A node that would like to see a certificate but takes connections without."""
    return stage.node("asking", tls="  client_certificate: request\n  verify: judge")


@pytest.mark.parametrize("what", WRONG)
def test_a_certificate_that_is_wrong(stage, asking, wrong, what):
    pair, code = wrong[what]
    wires = Stranger(stage, asking, pair)
    wire = wires.connect()
    with stage.quiet():
        answer = refused(asking, wire, message(wire, "INVITE", PHONE, caller=EVIL), 504, code)
    assert answer.get("ms-diagnostics") is None
    assert public(answer) == 1010, answer
    wires.close()


@pytest.mark.parametrize("what", WRONG)
def test_in_a_dialog_too(stage, node, asking, wrong, what):
    """A true token over a connection of somebody who is not trusted."""
    wires = Stranger(stage, asking, wrong[what][0])
    good = Stranger(stage, asking, stage.pair)
    call = Call.begin(good.connect(), PHONE, EVIL)
    wire = wires.connect()
    if what == "another name":
        assert call.ask("INFO", wire).status == 200  # trusted; the token shows the rest
    else:
        with stage.quiet():
            assert call.ask("INFO", wire).status == 403
            wire.send(call.text("ACK", wire, cseq=1))
    wires.close()
    good.close()


def test_none_where_one_is_required(stage, node):
    wires = Stranger(stage, node, None)
    with stage.quiet():
        try:
            wire = wires.connect()
            status = ended(wire, message(wire, "INVITE", PHONE, caller=EVIL))
        except (OSError, ssl.SSLError):
            status = "closed"
        assert status == "closed"
    wires.close()


@pytest.fixture(scope="module")
def microsoft(stage):
    return stage.node("microsoft", tls="  client_certificate: request\n  verify: judge", more="dialect: microsoft")


def bare(answer):
    told = [name for name, _ in answer.headers if re.match("ms-diag|warning|reason|x-|error-info", name, re.I)]
    assert told == [] and answer.get("Server") == "RTC/6.0" and answer.body == b"", answer


@pytest.mark.parametrize("what", WRONG)
def test_microsoft_tells_strangers_nothing(stage, microsoft, wrong, what):
    pair, code = wrong[what]
    wires = Stranger(stage, microsoft, pair)
    wire = wires.connect()
    with stage.quiet():
        answer = refused(microsoft, wire, message(wire, "INVITE", PHONE, caller=EVIL), 504, code)
    assert answer.first == "SIP/2.0 504 Server time-out"
    bare(answer)
    wires.close()


@pytest.mark.parametrize("text", ["identity", "route", "domain", "hops", "malformed"])
def test_microsoft_tells_strangers_nothing_else_either(stage, microsoft, text):
    wires = Stranger(stage, microsoft, stage.pair)
    wire = wires.connect()
    status, named = {"identity": (403, {"caller": BANK, "extra": asserted(EVIL)}),
                     "route": (403, {"extra": [f"Route: <sip:{stage.elsewhere.address};lr>"]}),
                     "domain": (403, {"uri": BANK}), "hops": (483, {"forwards": 0}),
                     "malformed": (400, {"extra": ["CSeq: x"]})}[text]
    with stage.quiet():
        wire.send(message(wire, "INVITE", **{"uri": PHONE, "caller": EVIL, **named}))
        answer = wire.answer()
    assert answer.status == status
    bare(answer)
    wires.close()


INSIDE_WORDS = ['ms-diagnostics: 1003;reason="User does not exist";source="sfbfe.home.example"',
                'MS-Diagnostics : 2;reason="x"', 'Warning: 399 pbx.home.example "inside"']


@pytest.mark.parametrize("status", [180, 200, 404, 480, 503, 600])
@pytest.mark.parametrize("dialect", ["standard", "microsoft"])
def test_what_our_side_says_stays_inside(stage, node, microsoft, dialect, status):
    at = node if dialect == "standard" else microsoft
    wires = Stranger(stage, at, stage.pair)
    wire = wires.connect()
    stage.phones.answers["INVITE"] = lambda asked: response(asked, status, "No", *INSIDE_WORDS,
                                                            contact=stage.phones.contact())
    wire.send(message(wire, "INVITE", PHONE, caller=EVIL))
    heard = wire.read()
    while heard.status == 100:
        heard = wire.read()
    # A 503 is about that one server, not for the caller (RFC 3261 16.7 step 6).
    assert heard.status in ({500, 503} if status == 503 else {status})
    assert heard.get("ms-diagnostics") is None
    if dialect == "microsoft":
        assert heard.get("Warning") is None
    wires.close()


@pytest.mark.parametrize("status", [404, 480, 503, 504, 600])
def test_a_partner_that_gives_no_reason(stage, node, status):
    """Our own side is told at least that: nobody here knows why (ms-diagnostics 1034)."""
    stage.partner.answers["INVITE"] = lambda asked: response(asked, status, "No")
    said = stage.phones.ask(node, message(stage.phones.as_wire(node), "INVITE", EVIL, caller=PHONE))
    # A 503 is about that one server, not for the caller (RFC 3261 16.7 step 6).
    assert said.status == (500 if status == 503 else status)
    assert any("refused and gave no reason" in value for value in said.all("Warning")), said
    assert finding(node, said.get("Call-ID")) == "peer-answered"


# ---- 7. tickets ----

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_ticket_of_those_who_were_trusted(stage, version):
    """The authority is taken from the list; a session that began before does not go on."""
    former = Authority(stage.fedge.folder / f"former{version.value}", "former root")
    list_file = stage.fedge.folder / f"authorities{version.value}.pem"
    both = stage.authority.certificate.read_text() + former.certificate.read_text()
    list_file.write_text(both)
    node = stage.node(f"tickets{version.value}", authorities=list_file)
    wires = Stranger(stage, node, former.issue("edge.evil.example"), version=version)
    first = wires.connect()
    assert first.ask("INVITE", PHONE, caller=EVIL).status == 200
    session = ticket(first)
    again = resumed(wires, session)
    assert again.ask("INVITE", PHONE, caller=EVIL).status == 200
    assert again.socket.session_reused
    session = ticket(again)
    list_file.write_text(stage.authority.certificate.read_text())
    node.hang_up()
    wait_until(lambda: [r for r in node.journal("node") if r.get("event") == "reloaded"], 20, "the reload")
    with stage.quiet():
        became = {}
        for name, make in {"resumed": lambda: resumed(wires, session), "again": lambda: again,
                           "first": lambda: first}.items():
            try:
                wire = make()
                became[name] = ended(wire, message(wire, "INVITE", PHONE, caller=EVIL))
            except (OSError, ssl.SSLError):
                became[name] = "closed"
        assert 200 not in became.values(), became
    wires.close()
    node.end_well()


def ticket(wire):
    """The session of a connection, once it has its ticket (in TLS 1.3 that comes to those who stay)."""
    def given():
        assert wire.ask("OPTIONS", f"sip:{wire.to[0]}", caller=EVIL).status == 200
        return wire.socket.session.has_ticket and wire.socket.session
    return wait_until(given, 20, "a ticket")


def resumed(wires, session):
    """A connection that offers this session."""
    class Offering:
        @staticmethod
        def wrap_socket(plain, server_hostname):
            return wires.context.wrap_socket(plain, server_hostname=server_hostname, session=session)
    wire = Wire(wires.node.address, "tls", wires.stage.evil, Offering, "edge.home.example")
    wires.open.append(wire)
    return wire


# ---- 8. headers ----

def smuggled(stage):
    return (f"INVITE sip:smuggled@pbx.home.example SIP/2.0\r\nVia: SIP/2.0/TCP {stage.evil};branch=z9hG4bKsmuggled\r\n"
            f"Max-Forwards: 70\r\nFrom: <{BANK}>;tag=1\r\nTo: <{PBX}>\r\nCall-ID: smuggled\r\nCSeq: 1 INVITE\r\n"
            "Content-Length: 0\r\n\r\n")


FOUL = {
    "CR in a value": lambda t: t.replace("CSeq:", "Subject: a\rX-Evil: b\r\nCSeq:"),
    "LF in a value": lambda t: t.replace("CSeq:", "Subject: a\nX-Evil: b\r\nCSeq:"),
    "CR CR LF": lambda t: t.replace("CSeq:", "Subject: a\r\r\nCSeq:"),
    "NUL in a value": lambda t: t.replace("CSeq:", "Subject: a\0b\r\nCSeq:"),
    "NUL in the Request-URI": lambda t: t.replace("INVITE sip:", "INVITE sip:\0", 1),
    "NUL in From": lambda t: t.replace("evil.example>", "evil.example\0.bank.example>"),
    "NUL in Call-ID": lambda t: t.replace("Call-ID: ", "Call-ID: \0"),
    "LF in the Request-URI": lambda t: t.replace("INVITE sip:", "INVITE sip:\n", 1),
    "CR in From": lambda t: t.replace("From: <", "From: \r<"),
    "two lengths": lambda t: t.replace("Content-Length: ", "Content-Length: 0\r\nContent-Length: "),
    "two lengths, one short": lambda t: t.replace("Content-Length: ", "l: 0\r\nContent-Length: "),
    "lengths in a list": lambda t: re.sub(r"Content-Length: (\d+)", r"Content-Length: \1, 0", t),
    "a signed length": lambda t: t.replace("Content-Length: ", "Content-Length: +"),
    "a negative length": lambda t: t.replace("Content-Length: ", "Content-Length: -"),
    "a hexadecimal length": lambda t: t.replace("Content-Length: ", "Content-Length: 0x"),
    "a huge length": lambda t: t.replace("Content-Length: ", "Content-Length: 1844674407370955161"),
    "no length": lambda t: re.sub(r"Content-Length: \d+\r\n", "", t),
    "two From": lambda t: t.replace("From: ", f"From: <{BANK}>;tag=2\r\nFrom: "),
    "two From, one compact": lambda t: t.replace("To: ", f"f: <{BANK}>;tag=2\r\nTo: ", 1),
    "two Call-IDs": lambda t: t.replace("Call-ID: ", "i: other\r\nCall-ID: "),
    "two To": lambda t: t.replace("To: ", f"t: <{BANK}>\r\nTo: ", 1),
    "two Max-Forwards": lambda t: t.replace("Max-Forwards: ", "Max-Forwards: 255\r\nMax-Forwards: "),
    "two CSeqs": lambda t: t.replace("CSeq: ", "CSeq: 2 INVITE\r\nCSeq: "),
    "a header without name": lambda t: t.replace("CSeq:", ": x\r\nCSeq:"),
    "a header without colon": lambda t: t.replace("CSeq:", "X-Evil\r\nCSeq:"),
    "another version": lambda t: t.replace("SIP/2.0\r\n", "SIP/2.1\r\n", 1),
    "no Via": lambda t: re.sub(r"Via: .*\r\n", "", t),
}


@pytest.mark.parametrize("how", FOUL)
def test_bytes_that_are_read_in_two_ways(stage, stranger, how):
    """Refused by an answer or by closing; nobody inside gets to interpret it, nor what stands behind it."""
    wire = stranger()
    text = FOUL[how](message(wire, "INVITE", PBX, caller=EVIL, body=smuggled(stage), kind="text/plain"))
    with stage.quiet():
        assert ended(wire, text, 1.5) in (400, 505, "closed")
    assert stage.pbx.of("smuggled") == []


def test_a_body_stays_a_body(stage, stranger):
    """A request in a body and escapes in names arrive as they were sent, and as one message."""
    wire = stranger()
    text = message(wire, "INVITE", "sip:3%0d%0aX%3A00@pbx.home.example", caller=EVIL, body=smuggled(stage))
    wire.send(text)
    assert wire.answer().status == 200
    heard = stage.pbx.of(call_id_of(text))
    assert [m.body for m in heard] == [smuggled(stage).encode()] and stage.pbx.of("smuggled") == []
    assert len(heard[0].all("Content-Length")) == 1


@pytest.mark.parametrize("via", [
    "SIP/2.0/TLS {elsewhere}:5061", "SIP/2.0/TLS {evil}:5061;maddr={elsewhere}", "SIP/2.0/TLS trap.evil.example:5061",
    "SIP/2.0/TLS trap.evil.example", "SIP/2.0/TCP {elsewhere}:7777", "SIP/2.0/TCP trap.evil.example:5060",
    "SIP/2.0/UDP {elsewhere}:5060", "SIP/2.0/TLS {evil}:1;received={elsewhere};rport=5061",
])
def test_a_via_that_is_not_his(stage, stranger, via):
    """He hangs up before the answer; it is not carried to whom his Via names."""
    via = via.format(elsewhere=stage.elsewhere.address, evil=stage.evil)
    wire = stranger()
    held = []
    stage.phones.answers["INVITE"] = lambda asked: held.append(asked)
    via += f";branch=z9hG4bKv{os.getpid()}{time.monotonic_ns()}"
    text = renew(message(wire, "INVITE", PHONE, caller=EVIL), "Via", via)
    wire.send(text)
    asked = stage.phones.await_request(call_id_of(text), "INVITE")
    wire.socket.close()
    with stage.quiet(stage.pbx, stage.elsewhere):
        time.sleep(0.1)
        opened = stage.phones.sockets["udp", 5060]
        opened.sendto(response(asked, 486, "Busy").encode(), (stage.address, 5060))
        stage.phones.await_request(asked.get("Call-ID"), "ACK")
        time.sleep(0.3)


# ---- 9. in time and late ----

def test_a_late_ack_and_a_bye_without_records(stage, node):
    """quick.example's records live for a second. What was admitted goes on without them."""
    wires = Stranger(stage, node, stage.quick_pair)
    caller = "sip:mallory@quick.example"
    call = Call.begin(wires.connect(), PHONE, caller)
    phone = stage.phones.as_wire(node)
    out = stage.phones.ask(node, message(phone, "INVITE", caller, caller=PHONE))
    assert out.status == 200
    time.sleep(3)
    extra = [f"Route: {value}" for value in split_values(out.all("Record-Route"))[::-1]]
    ack = message(phone, "ACK", f"sip:side@{stage.evil}:5061;transport=tls", caller=PHONE, to=caller, to_tag="side",
                  call_id=out.get("Call-ID"), extra=extra)
    stage.phones.sockets["udp", 5060].sendto(ack.encode(), (node.address, 5060))
    stage.partner.await_request(out.get("Call-ID"), "ACK")
    wires.open[0].socket.close()
    late = wires.connect()
    call.acknowledge(late)
    stage.phones.await_request(call.call_id, "ACK")
    file = stage.fedge.folder / "knot" / "quick.example.zone"
    kept = [line for line in file.read_text().splitlines() if not re.match("_sip|edge", line)]
    file.write_text("\n".join(kept).replace("ns h 1 ", "ns h 2 ") + "\n")
    stage.knot.process.signal(signal.SIGHUP)
    server = (stage.knot.address, stage.knot.port)
    wait_until(lambda: ask_dns(server, "_sipfederationtls._tcp.quick.example", "SRV")[0] == 3, 20, "the records vanish")
    # Until the last copy's second is over.
    wait_until(lambda: late.ask("INVITE", PHONE, caller=caller).status == 504, 20, "the node has noticed")
    with stage.quiet():
        refused(node, late, message(late, "INVITE", PHONE, caller=caller), 504, "srv-missing")
    assert call.ask("BYE", late).status == 200
    assert len(stage.phones.of(call.call_id, "BYE")) == 1
    wires.close()


# ---- 10. hops and probes ----

def test_a_probe_of_the_node(stage, node, stranger):
    wire = stranger()
    with stage.quiet():
        for uri in ("sip:edge.home.example", "sip:edge.home.example:5061;transport=tls",
                    f"sip:{node.address}:5061;transport=tls"):
            for forwards in (70, 0):
                answer = wire.ask("OPTIONS", uri, caller=EVIL, forwards=forwards)
                assert answer.status == 200 and "INVITE" in answer.get("Allow")
        beyond = [f"Route: <sip:{stage.phones.address};lr>"]
        assert wire.ask("OPTIONS", "sip:edge.home.example", caller=EVIL, forwards=0, extra=beyond).status == 483
        assert wire.ask("OPTIONS", "sip:edge.home.example", caller=EVIL, extra=beyond).status == 403
        assert wire.ask("OPTIONS", PHONE, caller=EVIL, forwards=0).status == 483
        assert wire.ask("OPTIONS", "sip:edge.home.example", caller=BANK).status == 504


def test_hops_in_a_call(stage, stranger, established):
    wire = stranger()
    with stage.quiet():
        assert established.ask("OPTIONS", wire, forwards=0).status == 483
    assert established.ask("OPTIONS", wire, forwards=1).status == 200
    assert stage.phones.of(established.call_id, "OPTIONS")[0].get("Max-Forwards") == "0"


def test_a_call_with_a_phone_opens_no_way_to_anybody(stage):
    """Whoever talked to a phone by datagrams has a Route that leads to phones: to those, and to nobody else."""
    node = stage.node("phones", host="edge.home.example", domains=DOMAIN,
                      rules="  - {name: phones, mode: any, target: LocalZone}",
                      more=f"registrar: {{domains: [{DOMAIN}]}}\nusers: [{{username: '2000', password: secret}}]")
    mallory = Stranger(stage, node, stage.pair)
    wire, other = mallory.connect(), stage.elsewhere.address
    with Phone(node) as phone:
        assert phone.register().status == 200
        wire.send(message(wire, "INVITE", phone.aor, caller=EVIL))
        invite = phone.wire.read()
        phone.wire.send(response(invite, 200, "OK", contact=f"<{phone.contact}>"))
        call = Call(wire, wire.answer(), phone.aor, EVIL)
        call.acknowledge()
        assert phone.wire.read().method == "ACK"
        with stage.quiet():
            for uri in (f"sip:x@{other}", f"sip:x@{other}:7777;transport=tcp", f"sip:x@{other}:5061;transport=tls",
                        "sip:x@trap.evil.example:5060"):
                assert call.ask("MESSAGE", uri=uri).status == 403, uri
                assert call.ask("INVITE", uri=uri, routes=call.routes[1:]).status == 403, uri
        wire.send(call.text("BYE"))
        bye = phone.wire.read()
        assert bye.method == "BYE"
        phone.wire.send(response(bye, 200, "OK"))
        assert wire.answer().status == 200
    mallory.close()


@pytest.mark.parametrize(("authentication", "status"), [("do-not-check", 404), ("treat-as-authenticated", 200)])
def test_who_counts_as_authenticated_is_a_setting(stage, authentication, status):
    """A partner has proved his domain, and no password; a rule for the authenticated is his where the zone says so."""
    node = stage.node(f"believes-{authentication[:2]}", host="edge.home.example",
                      rules="  - {name: phones, authenticated: yes, mode: any, target: phones}",
                      zones=f"  - {{name: DefaultZone, kind: default, authentication: {authentication}}}")
    mallory = Stranger(stage, node, stage.pair)
    wire = mallory.connect()
    wire.send(message(wire, "INVITE", PHONE, caller=EVIL))
    answer = wire.answer()
    assert answer.status == status
    if status == 200:
        Call(wire, answer, PHONE, EVIL).acknowledge()
    mallory.close()
