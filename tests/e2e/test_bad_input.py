"""What strangers, bad files and bad luck may send: a clear answer each, and the node goes on.

After everything here a call through the same node succeeds and its memory is what it was, give or
take what its limits allow.
"""
import contextlib
import os
import random
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest
from strangers import (SMALL_QUARANTINE, Node, Wire, callee, caller, context_for, fedge, fresh_address,  # noqa: F401
                       message, place, resident_mib)
from support import wait_until


class Stage:
    """A node with callers (any protocol) and a callee over TCP; `more` is added to its configuration."""

    def __init__(self, fedge, neighbors=(), **more):
        self.fedge = fedge
        self.caller, self.callee = fresh_address(), fresh_address()
        zones = {"callers": ("tcp", [f"{self.caller}:5060"]), "datagrams": ("udp", [f"{self.caller}:5060"]),
                 "callees": ("tcp", [f"{self.callee}:5060"]), **dict(neighbors)}
        self.node = Node(fedge, zones, "callees", env=SMALL_QUARANTINE, **more)
        self.calls = 0

    def call(self):
        self.calls += 1
        place(self.fedge, self.caller, self.node, self.callee, protocol="tcp", name=str(self.calls))

    @contextlib.contextmanager
    def unharmed(self, mib=60):
        """The body does its worst; then a call succeeds and memory has not grown by more than that."""
        self.call()
        before = resident_mib(self.node.process)
        yield self.node
        self.call()
        grown = resident_mib(self.node.process) - before
        assert grown < mib, f"memory grew by {grown:.0f} MiB"
        assert self.node.process.is_alive()

    def wire(self, protocol="tcp", **more):
        return Wire(self.node.address, protocol, self.caller, **more)


@pytest.fixture
def stage(fedge):
    return Stage(fedge)


GOOD = ("OPTIONS sip:{node} SIP/2.0\r\nVia: SIP/2.0/{protocol} {local};branch=z9hG4bKx{n}\r\nMax-Forwards: 70\r\n"
        "From: <sip:a@a.example>;tag=1\r\nTo: <sip:{node}>\r\nCall-ID: {n}@bad\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n")
# What is wrong with it -> (how the good one is spoilt, the status that says so; None: no answer is possible).
SPOILT = {
    "an unknown version": (lambda t: t.replace("{node} SIP/2.0", "{node} SIP/7.0"), 505),
    "no tag in From": (lambda t: t.replace(";tag=1", ""), 200),
    "a CSeq without a number": (lambda t: t.replace("CSeq: 1", "CSeq: one"), 400),
    "a CSeq of another method": (lambda t: t.replace("1 OPTIONS", "1 INVITE"), 400),
    "a CSeq above 2^31": (lambda t: t.replace("CSeq: 1", "CSeq: 4294967295"), 400),
    "a Max-Forwards in words": (lambda t: t.replace("Max-Forwards: 70", "Max-Forwards: many"), 400),
    "a header without a colon": (lambda t: t.replace("Max-Forwards: 70", "Max-Forwards"), 400),
    "a Request-URI that is none": (lambda t: t.replace("OPTIONS sip:{node}", "OPTIONS sip:[::1"), 400),
    "a From that never ends": (lambda t: t.replace("<sip:a@a.example>", '"A <sip:a@a.example>'), 400),
    "two From": (lambda t: t.replace("Max-Forwards: 70", "From: <sip:c@c.example>;tag=2"), 400),
    "no Via": (lambda t: t.replace("Via:", "Vie:"), None),
    "no Call-ID": (lambda t: t.replace("Call-ID:", "Call:"), None),
    "no CSeq": (lambda t: t.replace("CSeq:", "Seq:"), None),
    "no To": (lambda t: t.replace("To:", "Two:"), None),
    "only blanks": (lambda t: "  \t \r\n\r\n", None),
    "HTTP": (lambda t: "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", None),
}


def spoil(wire, what, number=1):
    text = SPOILT[what][0](GOOD)
    address, port = wire.local
    return text.format(node=wire.to[0], protocol=wire.protocol.upper(), local=f"{address}:{port}", n=number)


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_malformed_requests(stage, protocol):
    with stage.unharmed():
        for number, (what, (_, status)) in enumerate(SPOILT.items()):
            with stage.wire(protocol) as wire:
                wire.send(spoil(wire, what, number))
                if status:
                    answer = wire.answer()
                    assert answer.status == status, f"{what}: {answer}"
                    if status == 400:
                        assert "at byte" in answer.get("Warning"), what
                else:
                    with pytest.raises((TimeoutError, EOFError, ConnectionError)):
                        pytest.fail(f"{what}: {wire.read(0.15)}")


def test_every_message_of_the_collection(stage):
    """tests/messages holds what hurts parsers: each by UDP, and by TCP on a connection of its own."""
    folder = os.path.join(os.path.dirname(__file__), "../messages")
    with stage.unharmed(), stage.wire("udp") as datagrams:
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()
            datagrams.send(data or b"\0")
            with stage.wire() as wire:
                wire.send(data)
    counters = stage.node.counters()["transport"]
    assert counters["defects"] > 20
    assert counters["dropped_malformed"] > 10


def until_closed(wire, data, seconds=10):
    """Writes the endless iterator `data` until the node has had enough; gives what it said."""
    wire.socket.settimeout(seconds)
    try:
        for piece in data:
            wire.send(piece)
    except (ConnectionError, TimeoutError):
        pass
    with contextlib.suppress(TimeoutError, EOFError, ConnectionError):
        return wire.read(2)
    return None


def endless(head, filling):
    yield head
    for _ in range(2000):  # 20 MB
        yield filling * (10000 // len(filling))


def test_oversized_messages(stage):
    """Above limits.message: 513 where there is somebody to tell, and a stream that cannot be followed is closed."""
    with stage.unharmed(20):
        with stage.wire() as wire:
            large = message(wire, "OPTIONS", body="x").replace("Content-Length: 1", "Content-Length: 100000000")
            wire.send(large)
            assert wire.answer().status == 513
            wire.closed(5)
        with stage.wire() as wire:
            head = f"OPTIONS sip:{stage.node.address} SIP/2.0\r\nSubject: ".encode()
            until_closed(wire, endless(head, b"x"))
            wire.closed(5)
        with stage.wire() as wire:
            head = message(wire, "OPTIONS").partition("\r\n\r\n")[0].encode() + b"\r\n"
            until_closed(wire, endless(head, b"X-More: y\r\n"))
            wire.closed(5)
        with stage.wire("udp") as wire:
            assert wire.ask("OPTIONS", f"sip:{stage.node.address}", body="x" * 65000).status in (200, 513)
            lines = [f"X-{i}: {'y' * 100}" for i in range(550)]
            assert wire.ask("OPTIONS", f"sip:{stage.node.address}", extra=lines).status == 513


def test_garbage(stage):
    generator = random.Random(4711)
    with stage.unharmed():
        for _ in range(60):
            data = generator.randbytes(generator.randrange(1, 4000))
            with stage.wire("udp") as wire:
                wire.send(data)
            with stage.wire() as wire, contextlib.suppress(ConnectionError):
                wire.send(data)
                wire.send(b"\r\n\r\n" + data)
        # A good message, with any of its bytes changed.
        with stage.wire("udp") as wire:
            good = message(wire, "OPTIONS", f"sip:{stage.node.address}").encode()
            for _ in range(3000):
                bad = bytearray(good)
                for _ in range(generator.randrange(1, 4)):
                    bad[generator.randrange(len(bad))] = generator.randrange(256)
                wire.send(bytes(bad))
            # What they made of it has been dealt with when this is answered.
            ended = message(wire, "OPTIONS", f"sip:{stage.node.address}", call_id="the-end")
            wire.send(ended)
            while wire.answer().get("Call-ID") != "the-end":
                pass


def test_a_flood_of_garbage(stage):
    """20,000 datagrams and 20,000 connections, nothing good among them."""
    with stage.unharmed():
        with stage.wire("udp") as wire:
            for number in range(20000):
                with contextlib.suppress(ConnectionError):
                    wire.send(b"\x16\x03\x01 garbage %d \r\n\r\n" % number)
        refused = 0
        for number in range(20000):
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.settimeout(10)
                try:
                    s.connect((stage.node.address, 5060))
                    s.send(b"GET / %d\r\n\r\n" % number)
                except ConnectionError:
                    refused += 1
        assert refused < 20000
        wait_until(lambda: stage.node.counters()["transport"]["connections"] < 50, 30, "connections are given back")


def test_silence(fedge):
    """Connections that begin something and never go on are closed, each on its deadline; nothing else suffers."""
    stage = Stage(fedge)
    beginnings = {
        "nothing": b"",
        "half a line": b"OPTIONS sip:",
        "half a head": b"OPTIONS sip:a.example SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1\r\n",
    }
    with stage.unharmed(), contextlib.ExitStack() as stack:
        wires = {}
        for what, data in beginnings.items():
            wires[what] = stack.enter_context(stage.wire())
            wires[what].send(data)
        wires["half a body"] = stack.enter_context(stage.wire())
        text = message(wires["half a body"], "OPTIONS", body="x" * 1000)
        wires["half a body"].send(text[:-500])
        wires["a byte now and then"] = slow = stack.enter_context(stage.wire())
        closed = threading.Event()

        def drip():
            for byte in text.encode():
                if closed.wait(1):
                    return
                with contextlib.suppress(OSError):
                    slow.send(bytes([byte]))

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        stage.call()  # meanwhile
        began = time.monotonic()
        try:
            for what, wire in wires.items():
                wire.closed(45)
                assert 10 < time.monotonic() - began < 45, what
        finally:
            closed.set()
            dripping.join()
        assert stage.node.counters()["transport"]["connections_closed_stalled"] >= len(wires)


def test_connections_opened_and_left(fedge):
    """One address has no more than its share of limits.connections: more are closed at once, those before go
    on, others still get in, and room comes back."""
    stage = Stage(fedge, more="limits: {connections: 200, drain: 100ms}\n", workers=1)
    share = 200 // 10 + 16
    with stage.unharmed(), contextlib.ExitStack() as stack:
        first = stack.enter_context(stage.wire())
        assert first.ask("OPTIONS", f"sip:{stage.node.address}").status == 200
        for _ in range(150):
            with contextlib.suppress(ConnectionError):
                stack.enter_context(stage.wire())
        wait_until(lambda: stage.node.counters()["transport"]["connections_refused"] >= 150 - share, 20, "refusals")
        assert stage.node.counters()["transport"]["connections"] <= share
        assert first.ask("OPTIONS", f"sip:{stage.node.address}").status == 200
        with Wire(stage.node.address, "tcp", fresh_address()) as other:
            assert other.ask("OPTIONS", f"sip:{stage.node.address}").status == 403
        # Many addresses together come no further than the limit.
        for _ in range(10):
            address = fresh_address()
            for _ in range(30):
                with contextlib.suppress(ConnectionError):
                    stack.enter_context(Wire(stage.node.address, "tcp", address))
        wait_until(lambda: stage.node.counters()["transport"]["connections_refused"] >= 450 - 200, 20, "refusals")
        assert stage.node.counters()["transport"]["connections"] <= 200
        stack.close()
        wait_until(lambda: stage.node.counters()["transport"]["connections"] < 10, 20, "room")


def test_one_who_never_reads(stage):
    """Answers pile up for a peer that does not read them, up to a maximum; then its connection is closed."""
    with stage.unharmed(), stage.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.socket.settimeout(10)
        with pytest.raises((ConnectionError, TimeoutError)):
            for _ in range(200000):
                wire.send(message(wire, "OPTIONS", f"sip:{stage.node.address}"))
        wait_until(lambda: stage.node.counters()["transport"]["connections_closed_stalled"] >= 1, 40, "it is closed")


def test_transactions_have_a_maximum(fedge):
    """Requests to a callee that never answers: beyond limits.transactions they are refused, not kept."""
    silent = fresh_address()
    stage = Stage(fedge, {"silent": ("udp", [f"{silent}:5060"])}.items(), workers=1,
                  more="limits: {transactions: 1000, drain: 100ms}\n",
                  rules="  - {name: silent, mode: pattern, type: suffix, pattern: '@silent.example', target: silent}\n"
                        "  - {name: all, priority: 200, mode: any, target: callees}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((silent, 5060))
        with stage.wire("udp") as wire:
            before = resident_mib(stage.node.process)
            for number in range(5000):
                wire.send(message(wire, "MESSAGE", f"sip:{number}@silent.example"))
            wait_until(lambda: stage.node.counters()["transport"]["dropped_limit"] > 1000, 20, "refusals")
            counters = stage.node.counters()["transport"]
            assert counters["server_transactions"] + counters["client_transactions"] <= 2100
            assert resident_mib(stage.node.process) - before < 100


# ---- TLS ----


@pytest.fixture
def tls(fedge, authority):
    """A stage that listens for TLS too, with a handshake limit of a second."""
    certificate, key = authority.issue("node.example")
    stage = Stage(fedge, listen="tcp tls", more=f"""tls:
  identities: [{{names: [node.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
limits: {{handshake: 1s, drain: 100ms}}
""")
    stage.authority = authority
    return stage


def client_hello():
    """A ClientHello as OpenSSL sends it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="node.example").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("sent", ["nothing", "half", "hello"])
def test_a_handshake_that_never_ends(tls, sent):
    with tls.unharmed():
        wires = [Wire(tls.node.address, "tcp", tls.caller, port=5061) for _ in range(20)]
        for wire in wires:
            wire.send({"nothing": b"", "half": client_hello()[:100], "hello": client_hello()}[sent])
        began = time.monotonic()
        for wire in wires:
            wire.closed(20)
            wire.socket.close()
        assert 0.5 < time.monotonic() - began < 8
    assert tls.node.counters()["transport"]["handshakes_failed"] >= 20


def test_a_client_without_a_certificate(tls):
    with tls.unharmed():
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)) as raised:
            with Wire(tls.node.address, "tls", tls.caller, context=context_for(tls.authority), name="node.example") as wire:
                wire.ask("OPTIONS", "sip:node.example")
        assert "certificate required" in str(raised.value).replace("_", " ").lower(), raised.value
    assert tls.node.counters()["transport"]["handshakes_failed"] >= 1


def test_a_stranger_with_a_certificate_but_no_records(tls):
    """A good handshake is no admission: without a dns section nobody can be judged, and he is told no."""
    context = context_for(tls.authority, "stranger.example")
    with tls.unharmed():
        with Wire(tls.node.address, "tls", tls.caller, context=context, name="node.example") as wire:
            assert wire.ask("MESSAGE", "sip:2000@callee.example").status == 403


def test_plain_text_on_the_tls_port(tls):
    with tls.unharmed():
        for _ in range(5):
            with Wire(tls.node.address, "tcp", tls.caller, port=5061) as wire:
                wire.send(message(wire, "OPTIONS", "sip:node.example"))
                assert wire.closed(5) < 3
    assert tls.node.counters()["transport"]["handshakes_failed"] >= 5


def test_tls_on_the_plain_port(tls):
    with tls.unharmed(), Wire(tls.node.address, "tcp", tls.caller) as wire:
        wire.send(client_hello())
        assert wire.closed(35) < 35


# ---- DNS ----


class Liar:
    """A DNS server over UDP and TCP; `lie(query)` makes the answer to one, or None."""

    def __init__(self, address, lie, port=5300):
        self.address, self.port, self.lie, self.asked = address, port, lie, 0
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((address, port))
        self.streams = socket.create_server((address, port))
        for run in (self._datagrams, self._streams):
            threading.Thread(target=run, daemon=True).start()

    def _datagrams(self):
        with contextlib.suppress(OSError):
            while True:
                query, peer = self.datagrams.recvfrom(4096)
                if not query:
                    return
                self.asked += 1
                for answer in self.lie(query) or ():
                    self.datagrams.sendto(answer, peer)

    def _streams(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.streams.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(2)
                    query = connection.recv(4096)[2:]
                    if not query:
                        continue
                    for answer in self.lie(query) or ():
                        connection.sendall(struct.pack("!H", len(answer)) + answer)

    def close(self):
        # shutdown wakes the threads that wait on them.
        for s in (self.datagrams, self.streams):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


def dns_answer(query, flags=0x8580, identity=None, question=None, records=()):
    """An answer to the query (RFC 1035 4.1): the same id and question unless given."""
    end = 12
    while query[end]:
        end += query[end] + 1
    asked = question or query[12:end + 5]
    head = struct.pack("!H", identity) if identity is not None else query[:2]
    return head + struct.pack("!5H", flags, 1, len(records), 0, 0) + asked + b"".join(records)


def srv_record(rdata):
    """Named like the question (a pointer to it), type SRV."""
    return b"\xc0\x0c" + struct.pack("!2HIH", 33, 1, 300, len(rdata)) + rdata


def name_of(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


OTHER = name_of("_sipfederationtls._tcp.other.example") + struct.pack("!2H", 33, 1)
LIES = {
    "silence": lambda q: None,
    "the wrong id": lambda q: [dns_answer(q, identity=(q[0] << 8 | q[1]) ^ 0x1234,
                                          records=[srv_record(b"\0\0\0\0\x13\xc5" + name_of("sip.partner.example"))])],
    "the wrong question": lambda q: [dns_answer(q, question=OTHER)],
    "truncated for ever": lambda q: [dns_answer(q, flags=0x8780)],
    "garbage": lambda q: [b"\xff" * 40, b"", b"\0"],
    "garbage behind a good head": lambda q: [q[:2] + struct.pack("!5H", 0x8580, 1, 9, 9, 9) + b"\xc0\x0c" * 20],
    "a name that points to itself": lambda q: [dns_answer(q, records=[srv_record(b"\0\0\0\0\x13\xc5\xc0\x30")])],
    "a record cut short": lambda q: [dns_answer(q, records=[srv_record(b"\0\0")[:-1]])],
    "SERVFAIL": lambda q: [dns_answer(q, flags=0x8182)],
    "REFUSED": lambda q: [dns_answer(q, flags=0x8185)],
}


def ask_partner(fedge, authority, lie):
    """A node whose only way is DNS, and the liar as its server: (answer, seconds, judgements)."""
    certificate, key = authority.issue("node.example")
    calling = fresh_address()
    liar = Liar(fresh_address(), lie)
    node = Node(fedge, {"callers": ("tcp", [f"{calling}:5060"])}, "partners", listen="tcp tls",
                zones="  - {name: partners, kind: dns, transport: tls}", more=f"""domains: [node.example]
dns: {{servers: ["{liar.address}@{liar.port}"], timeout: 1s}}
tls:
  identities: [{{names: [node.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
""")
    try:
        with Wire(node.address, "tcp", calling) as wire:
            began = time.monotonic()
            answer = wire.ask("MESSAGE", "sip:2000@partner.example", seconds=20)
            took = time.monotonic() - began
            assert wire.ask("OPTIONS", f"sip:{node.address}").status == 200
    finally:
        liar.close()
    assert liar.asked
    # A record that says what was judged is on its way to the file.
    judged = wait_until(lambda: [r for r in node.journal() if "srv-" in str(r)], 20, "a judgement in the journal")
    return answer, took, str(judged)


@pytest.mark.parametrize("what", LIES)
def test_a_dns_server_that_lies(fedge, authority, what):
    """Nothing is known then, so nothing is called missing: could not decide."""
    answer, took, judged = ask_partner(fedge, authority, LIES[what])
    assert answer.status == 504
    assert took < 5
    assert "1008" in answer.get("ms-diagnostics")
    assert "srv-lookup-failed" in judged and "srv-missing" not in judged
    assert "failed" in answer.get("Warning")


def test_a_dns_server_that_says_no(fedge, authority):
    """The same way with an honest server: here the record is missing indeed."""
    answer, took, judged = ask_partner(fedge, authority, lambda q: [dns_answer(q, flags=0x8583)])
    assert answer.status == 504 and took < 3
    assert "srv-missing" in judged and "srv-lookup-failed" not in judged


# ---- files ----

MISTAKES = """\
node: edge
adress: 127.0.0.1
listen:
  - {transport: upd, port: 5060}
  - {transport: tcp, port: 70000}
domains: [a.example, "b..example"]
dns: {timeout: 3}
limits: {conections: 10}
zones:
  - {name: phones, kind: neigbor, peers: ["127.0.0.1:5060"]}
rules:
  - {name: all, mode: pattern, type: regex, pattern: '(', target: phone}
log:
  - {format: expresway, file: a.log}
"""
# line:column and what must be said there
REPORTED = [
    ("1:7", "edge", ""), ("2:1", "adress", "address"), ("4:17", "upd", "udp"), ("5:28", "70000", ""),
    ("6:22", "b..example", ""), ("7:16", "3", ""), ("8:10", "conections", "connections"),
    ("10:26", "neigbor", "neighbor"), ("12:56", "regular expression", ""), ("12:67", "phone", "phones"),
    ("14:14", "expresway", "expressway"),
]


@pytest.mark.parametrize("command", [["config", "check"], ["serve", "-c"]])
def test_a_configuration_with_many_mistakes(fedge, tmp_path, command):
    """Every one of them, with file:line:column and the nearest key or value."""
    file = tmp_path / "wrong.yaml"
    file.write_text(MISTAKES)
    done = fedge.run(*command, file, seconds=20)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    for place_, wrong, right in REPORTED:
        lines = [line for line in said.splitlines() if line.startswith(f"{file}:{place_}: ")]
        assert lines, f"nothing is said of {place_} ({wrong}):\n{said}"
        assert any(wrong in line and right in line for line in lines), lines
    errors = [line for line in said.splitlines() if ": error: " in line]
    assert len(errors) == len(REPORTED), said


def test_a_file_that_is_no_configuration(fedge, tmp_path):
    for name, data in (("binary", os.urandom(2000)), ("empty", b""), ("deep", b"[" * 5000), ("tabs", b"node:\n\t- x\n")):
        file = tmp_path / f"{name}.yaml"
        file.write_bytes(data)
        done = fedge.run("serve", "-c", file, seconds=20)
        assert done.returncode == 2, name
        assert f"{file}" in done.stderr, name
    done = fedge.run("serve", "-c", tmp_path / "none.yaml")
    assert done.returncode == 2 and "No such file" in done.stderr


def test_a_certificate_that_does_not_match_its_key(fedge, authority, tmp_path):
    """Start is refused and both files are named; at a reload the old one stays in use."""
    mine, other = authority.issue("node.example"), authority.issue("other.example")
    certificate, key = tmp_path / "mine.pem", tmp_path / "mine.key"
    shutil.copy(mine[0], certificate)
    shutil.copy(other[1], key)
    calling = fresh_address()
    node = Node(fedge, {"callers": ("tls", [f"{calling}:5061"])}, "callers", listen="tls", start=False, more=f"""tls:
  identities: [{{names: [node.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
""")
    done = fedge.run("serve", "-c", node.file, seconds=20)
    assert done.returncode == 2
    assert str(certificate) in done.stderr and str(key) in done.stderr, done.stderr
    assert "match" in done.stderr

    shutil.copy(mine[1], key)
    node.start()
    context = context_for(authority, "caller.example")

    def answers():
        with Wire(node.address, "tls", calling, context=context, name="node.example") as wire:
            return wire.ask("OPTIONS", "sip:node.example").status == 200

    assert answers()
    shutil.copy(other[1], key)
    done = node.command("config", "reload")
    assert done.returncode == 2
    assert str(certificate) in done.stderr + done.stdout and str(key) in done.stderr + done.stdout
    assert node.status()["generation"] == 1
    assert answers()
    # And back: the next reload is good.
    shutil.copy(mine[1], key)
    assert node.command("config", "reload").returncode in (0, 1)
    assert answers()


def small_disk(folder):
    """A file system of 256 KiB; None where this machine does not let us mount one."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True)
    return folder if done.returncode == 0 else None


@pytest.mark.parametrize("disk", ["small", "full"])
def test_a_full_disk_under_the_log(fedge, tmp_path, disk):
    """Calls go on, what is not written is counted and said; the log goes on when there is room again."""
    folder = small_disk(tmp_path / "disk") if disk == "small" else None
    if disk == "small" and not folder:
        pytest.skip("no file system can be mounted here")
    try:
        full_disk(fedge, folder)
    finally:
        for node in fedge.nodes:
            node.end_well()
        if folder:
            subprocess.run(["umount", folder], check=True)


def full_disk(fedge, folder):
    log = folder / "node.log" if folder else "/dev/full"
    stage = Stage(fedge, more=f"log: [{{format: json, file: {log}}}]\n")
    answering = callee(fedge, stage.callee, mode="t1", calls=200)
    caller(fedge, stage.caller, stage.node.address, mode="t1", calls=200, rate=80).wait()
    answering.wait()
    state = wait_until(lambda: [s for s in [stage.node.status()["logs"][0]] if s["dropped"]], 20, "loss is counted")[0]
    assert state["error"] == "No space left on device"
    done = stage.node.command("status")
    assert done.returncode == 2
    assert "dropped" in done.stdout and "No space left on device" in done.stdout
    if not folder:
        return
    (folder / "node.log").unlink()
    stage.node.hang_up()
    wait_until(lambda: stage.node.status()["generation"] == 2, 20, "the reload")
    stage.call()
    wait_until(lambda: "\n" in (folder / "node.log").read_text(), 20, "the log goes on")
    wait_until(lambda: not stage.node.status()["logs"][0]["error"], 20, "the error is over")
