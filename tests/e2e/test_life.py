"""A node's life: start, reload under load, certificates that change, draining, its control socket, its workers."""
import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import statistics
import tempfile
import threading
import time

import pytest
from ladder import (CALLEE, CALLER, SDP, ack, linger, pause, receive, receive_invite, request, respond, respond_inside,
                    respond_kept)
from strangers import (MODES, Knot, Node, Sipp, Wire, callee, caller, context_for, fedge, fresh_address,  # noqa: F401
                       message, place)
from support import Fedge, wait_until


class Stage:
    """Callers and a callee over one protocol, a node between them."""

    def __init__(self, fedge, protocol="udp", **more):
        self.fedge, self.protocol = fedge, protocol
        self.caller, self.callee = fresh_address(), fresh_address()
        self.neighbors = {"callers": (protocol, [f"{self.caller}:5060"]), "callees": (protocol, [f"{self.callee}:5060"])}
        self.node = Node(fedge, self.neighbors, "callees", **more)

    def rewrite(self, rules, **more):
        self.node.write(self.neighbors, None, rules, more.get("more", ""))

    def call(self, name="", **more):
        place(self.fedge, self.caller, self.node, self.callee, protocol=self.protocol, name=name, **more)


RULES = [
    "  - {name: all, mode: any, target: callees}",
    "  - {name: by pattern, priority: 10, source: callers, mode: pattern, type: regex, pattern: '(.*)@callee[.]example',"
    " behaviour: replace, replace: '\\1@callee.example', target: callees}\n"
    "  - {name: back, mode: any, target: callers}",
    "  - {name: by suffix, mode: pattern, type: suffix, pattern: '@callee.example', target: callees}",
]


@pytest.fixture(params=["address", "thread"])
def sanitized(request, fedge, tmp_path):
    """The program under AddressSanitizer, then under ThreadSanitizer (FEDGE_THREAD, from script/test)."""
    if request.param == "thread":
        path = os.environ.get("FEDGE_THREAD")
        if not path or not os.access(path, os.X_OK):
            pytest.skip("FEDGE_THREAD names no program")
        fedge.path = path
    return fedge


# ---- reload ----


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_reload_under_load(sanitized, protocol):
    """By signal and by command, with the same rules and with others: no call is lost."""
    stage = Stage(sanitized, protocol, workers=2)
    answering = callee(sanitized, stage.callee, CALLEE, mode=MODES[protocol], calls=400)
    calling = caller(sanitized, stage.caller, stage.node.address, CALLER, mode=MODES[protocol], calls=400, rate=80)
    reloads = 0
    while calling.is_running():
        stage.rewrite(RULES[reloads % len(RULES)])
        if reloads % 2:
            stage.node.hang_up()
        else:
            done = stage.node.command("config", "reload")
            assert done.returncode in (0, 1), done.stderr
        reloads += 1
        wait_until(lambda: stage.node.status()["generation"] == reloads + 1, 20, "the reload")
        time.sleep(0.1)
    calling.wait()
    answering.wait()
    assert reloads >= 5
    counters = stage.node.counters()
    assert counters["calls"] == 400
    assert counters["answered_by_us"] == 0


def test_new_rules_are_in_use_after_a_reload(fedge):
    stage = Stage(fedge, "tcp")
    with Wire(stage.node.address, "tcp", stage.caller) as wire:
        stage.rewrite("  - {name: none, mode: pattern, type: exact, pattern: 'a@b.example', target: callees}")
        assert stage.node.command("config", "reload").returncode in (0, 1)
        wait_until(lambda: wire.ask("MESSAGE", "sip:2000@callee.example").status == 404, 20, "the new rules")
        stage.rewrite(RULES[0])
        stage.node.hang_up()
        wait_until(lambda: wire.ask("MESSAGE", "sip:2000@callee.example").status == 504, 20, "the old rules")


WRONG = [
    ("a mistake", lambda t: t.replace("target: callees}", "target: calees}"), "`target`: no zone is called `calees`"),
    ("two mistakes", lambda t: t.replace("mode: any", "mode: eny").replace("limits:", "limit:"), "limits"),
    ("no YAML", lambda t: t + "]]]\n", "yaml:"),
    ("another port", lambda t: t.replace("udp, port: 5060", "udp, port: 5070"), "'listen' has changed"),
    ("nothing", lambda t: "", "the node needs `listen`"),
]


@pytest.mark.parametrize(("what", "spoil", "said"), WRONG, ids=[w[0] for w in WRONG])
def test_a_bad_configuration_changes_nothing(fedge, what, spoil, said):
    """The node says why and goes on as it was, by command and by signal."""
    stage = Stage(fedge, "udp")
    good = stage.node.file.read_text()
    assert spoil(good) != good
    stage.node.file.write_text(spoil(good))
    done = stage.node.command("config", "reload")
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    stage.node.hang_up()
    wait_until(lambda: "not reloaded: the node goes on as before" in stage.node.process.text(), 20, "a word about it")
    assert said in stage.node.process.text()
    stage.node.file.write_text(good)
    assert stage.node.status()["generation"] == 1
    stage.call()


def test_log_files_that_were_moved_are_opened_anew(fedge):
    stage = Stage(fedge, "udp")
    log, moved = fedge.folder / "node.json.log", fedge.folder / "moved.log"
    stage.call("1")
    wait_until(lambda: "BYE sip:" in log.read_text(), 20, "the call is in the log")
    log.rename(moved)
    stage.node.hang_up()
    wait_until(log.exists, 20, "the new file")
    stage.call("2")
    wait_until(lambda: "BYE sip:" in log.read_text(), 20, "the next call is in the new file")
    assert "BYE sip:" in moved.read_text()


# ---- certificates ----


def test_certificates_replaced_on_disk(fedge, authority, tmp_path):
    """The new ones are shown to the next who connects; a call over a connection made before goes on."""
    first, second = authority.issue("node.example"), None
    certificate, key = tmp_path / "node.pem", tmp_path / "node.key"
    shutil.copy(first[0], certificate)
    shutil.copy(first[1], key)
    calling, called = fresh_address(), fresh_address()
    node = Node(fedge, {"callers": ("tls", [f"{calling}:5061"]), "callees": ("tcp", [f"{called}:5060"])}, "callees",
                listen="tcp tls", more=f"""tls:
  identities: [{{names: [node.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
""")
    context = context_for(authority, "caller.example")
    uas = callee(fedge, called, CALLEE, mode="t1")

    def connect():
        return Wire(node.address, "tls", calling, context=context, name="node.example")

    def shown():
        with connect() as wire:
            return wire.socket.getpeercert()["serialNumber"]

    before = shown()
    with connect() as wire:
        invite = wire.ask("INVITE", "sip:2000@callee.example", call_id="long", branch="z9hG4bKlong", body=SDP,
                          kind="application/sdp")
        assert invite.status == 200
        routes = [f"Route: {route}" for route in reversed(invite.all("Record-Route"))]
        tag = invite.get("To").partition(";tag=")[2]
        target = re.search(r"<(.*?)>", invite.get("Contact")).group(1)
        inside = dict(uri=target, to="sip:2000@callee.example", call_id="long", to_tag=tag, extra=routes)
        wire.send(message(wire, "ACK", **inside))

        second = authority.issue("node.example")
        # As certificate robots do it: the new file is put in the old one's place; key and certificate one by one.
        for new, name in ((second[1], key), (second[0], certificate)):
            shutil.copy(new, tmp_path / "incoming")
            os.replace(tmp_path / "incoming", name)
        wait_until(lambda: shown() != before, 15, "the new certificate is shown")
        assert wire.ask("BYE", cseq=2, **inside).status == 200
    uas.wait()
    assert node.status()["generation"] == 1


# ---- the end ----


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_draining(fedge, protocol):
    """A call that rings at SIGTERM is answered and acknowledged; new ones get 503; then the node ends by itself,
    soon: over UDP too it waits for answers, not for the timers behind them."""
    stage = Stage(fedge, protocol, more="limits: {drain: 25s}\n")
    slow = [receive_invite(), respond(180, "Ringing"), pause(3000), respond(200, "OK", SDP, repeat=True), receive("ACK"),
            linger()]
    patient = [request("INVITE", body=SDP), receive(100, optional=True), receive(180), receive(200, routes=True), ack(),
               linger()]
    answering = callee(fedge, stage.callee, slow, "slow", mode=MODES[protocol], calls=5)
    calling = caller(fedge, stage.caller, stage.node.address, patient, "patient", mode=MODES[protocol], calls=5, rate=50)
    with Wire(stage.node.address, protocol, stage.caller) as late:
        assert late.ask("OPTIONS", f"sip:{stage.node.address}").status == 200
        wait_until(lambda: stage.node.counters()["requests_under_way"] == 5, 20, "all ring")
        began = time.monotonic()
        stage.node.process.signal(signal.SIGTERM)
        wait_until(lambda: stage.node.status()["draining"], 20, "it drains")
        refused = late.ask("INVITE", "sip:2001@callee.example")
        assert refused.status == 503
        assert refused.get("Retry-After")
        late.send(message(late, "ACK", "sip:2001@callee.example"))
        if protocol == "tcp":
            with pytest.raises(ConnectionError):
                Wire(stage.node.address, "tcp", stage.caller)
    calling.wait()
    answering.wait()
    assert stage.node.process.wait(25) == 0
    assert time.monotonic() - began < 15


def test_draining_has_a_limit(fedge):
    """What is not answered within limits.drain is not waited for: its caller is told, and its callee rings no more."""
    stage = Stage(fedge, "udp", more="limits: {drain: 1s}\n")
    answering = callee(fedge, stage.callee, [receive_invite(), respond(180, "Ringing"), receive("CANCEL")], "never")
    with Wire(stage.node.address, "udp", stage.caller) as wire:
        wire.send(message(wire, "INVITE", "sip:2000@callee.example"))
        wait_until(lambda: stage.node.counters()["requests_under_way"] == 1, 20, "it rings")
        code, took = stage.node.ending()
        told = wire.answer()
    assert code == 0 and 0.9 < took < 10
    assert told.status == 503 and told.get("Retry-After")
    answering.wait()


def test_a_second_signal_ends_at_once(fedge):
    stage = Stage(fedge, "udp", more="limits: {drain: 25s}\n")
    callee(fedge, stage.callee, [receive_invite(), respond(180, "Ringing"), pause(20000)], "never")
    with Wire(stage.node.address, "udp", stage.caller) as wire:
        wire.send(message(wire, "INVITE", "sip:2000@callee.example"))
        wait_until(lambda: stage.node.counters()["requests_under_way"] == 1, 20, "it rings")
        stage.node.process.signal(signal.SIGTERM)
        wait_until(lambda: stage.node.status()["draining"], 20, "it drains")
        code, took = stage.node.ending()
    assert code == 0 and took < 10


def test_an_idle_node_ends_at_once(fedge):
    stage = Stage(fedge, "udp", more="limits: {drain: 25s}\n")
    assert stage.node.ending()[0] == 0
    stage = Stage(fedge, "tcp", name="after", more="limits: {drain: 25s}\n")
    with Wire(stage.node.address, "tcp", stage.caller) as wire:
        assert wire.ask("OPTIONS", f"sip:{stage.node.address}").status == 200
        code, took = stage.node.ending()
        assert code == 0 and took < 10


def test_after_calls_over_udp_the_node_ends_soon(fedge):
    """Answered transactions linger for 32 s (RFC 3261 17.2.2); nobody waits for them."""
    stage = Stage(fedge, "udp", more="limits: {drain: 25s}\n")
    stage.call(calls=5)
    code, took = stage.node.ending(30)
    assert code == 0
    assert took < 8, f"it took {took:.1f} s"


# ---- start ----


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_second_node_on_the_same_port(fedge, protocol):
    address = fresh_address()
    neighbors = {"callers": (protocol, [f"{fresh_address()}:5060"])}
    Node(fedge, neighbors, "callers", address=address, listen=protocol)
    second = Node(fedge, neighbors, "callers", name="second", address=address, listen=protocol, start=False)
    done = fedge.run("serve", "-c", second.file, cwd=fedge.folder)
    assert done.returncode == 2
    assert f"cannot listen on {address}:5060 ({protocol}): another program has the port" in done.stderr


def test_a_second_node_with_the_same_control_socket(fedge):
    neighbors = {"callers": ("udp", [f"{fresh_address()}:5060"])}
    first = Node(fedge, neighbors, "callers", listen="udp")
    second = Node(fedge, neighbors, "callers", name="second", listen="udp", start=False)
    second.file.write_text(second.file.read_text().replace("second.sock", "node.sock"))
    done = fedge.run("serve", "-c", second.file, cwd=fedge.folder)
    assert done.returncode == 2
    assert "a node runs already" in done.stderr
    assert first.status()["process"] == first.process.popen.pid


def test_what_a_killed_node_left_is_no_hindrance(fedge):
    node = Node(fedge, {"callers": ("udp", [f"{fresh_address()}:5060"])}, "callers", listen="udp tcp")
    node.process.signal(signal.SIGKILL)
    node.process.wait()
    assert (fedge.folder / "node.sock").exists()
    assert node.command("status").returncode == 3
    node.start()
    assert node.status()["generation"] == 1


def test_time_to_start(fedge, record_property, program, capsys):
    """Measured and told; the bar (100 ms) is for a build without sanitizers, on a machine with nothing else to do."""
    release = program.parent.parent / "build/fedge"
    fedge.path = release if os.access(release, os.X_OK) else program
    times = []
    for number in range(5):
        node = Node(fedge, {"callers": ("udp", [f"{fresh_address()}:5060"])}, "callers", name=f"n{number}", start=False)
        began = time.monotonic()
        node.start()
        times.append((time.monotonic() - began) * 1000)
        node.end_well()
    record_property("start_ms", round(statistics.median(times)))
    with capsys.disabled():
        print(f"\n{fedge.path}: ready after {statistics.median(times):.0f} ms (median of {len(times)})")
    assert statistics.median(times) < 5000


# ---- the control socket ----


def connect_as(path, user):
    """What connect() says to that user (a number), in a process of its own: 0 or an errno."""
    child = os.fork()
    if child == 0:
        code = 255
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            with socket.socket(socket.AF_UNIX) as s:
                code = s.connect_ex(str(path))
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_control_socket_is_its_owners(fedge):
    folder = tempfile.mkdtemp(prefix="fedge-control-", dir="/tmp")
    try:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "control")
        node = Node(fedge, {"callers": ("udp", [f"{fresh_address()}:5060"])}, "callers", start=False)
        node.file.write_text(node.file.read_text().replace("node.sock", path))
        old = os.umask(0)
        try:
            node.start()
        finally:
            os.umask(old)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert stat.S_ISSOCK(os.stat(path).st_mode)
        done = fedge.run("status", "--socket", path, "--json")
        assert done.returncode == 0, done.stderr
        if os.geteuid() == 0:
            assert connect_as(path, 0) == 0
            assert connect_as(path, 65534) == 13  # EACCES
        node.end_well()
        assert not os.path.exists(path)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("sent", [b"", b"\n", b"{}\n", b"[1,2]\n", b"{\"command\": 5}\n", b"{\"command\": \"dance\"}\n",
                                  b"\xff\x00\xfe\n", b"{\"command\":" * 1000 + b"\n", b"x" * 5000000],
                         ids=["nothing", "line", "object", "list", "number", "unknown", "bytes", "deep", "endless"])
def test_nonsense_on_the_control_socket(control_node, sent):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(str(control_node.folder / "node.sock"))
        with contextlib.suppress(ConnectionError):
            s.sendall(sent)
            s.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := s.recv(65536):
                answer += piece
    assert len(answer) < 10000
    assert not answer.startswith(b'{"ok":true')
    assert control_node.status()["node"] == "node.example"


@pytest.fixture(scope="module")
def control_node(program, tmp_path_factory):
    runner = Fedge(program, tmp_path_factory.mktemp("control"))
    runner.nodes = []
    node = Node(runner, {"callers": ("udp", [f"{fresh_address()}:5060"])}, "callers")
    yield node
    node.end_well()


# ---- partners that are known ----


def test_peers_and_their_flush(fedge, authority):
    """What is known of a partner is shown and can be forgotten; then its new records count."""
    certificate, key = authority.issue("node.example")
    nobody, calling = fresh_address(), fresh_address()
    record = "_sipfederationtls._tcp IN SRV 0 0 5061 {}"
    knot = Knot(fedge, {"partner.example": [record.format("sip"), f"sip IN A {nobody}"]})
    node = Node(fedge, {"callers": ("tcp", [f"{calling}:5060"])}, "partners", listen="tcp tls",
                zones="  - {name: partners, kind: dns, transport: tls}", more=f"""domains: [node.example]
dns: {{servers: ["{knot.server}"], timeout: 2s}}
tls:
  identities: [{{names: [node.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
""")
    with Wire(node.address, "tcp", calling) as wire:
        answer = wire.ask("MESSAGE", "sip:2000@partner.example")
        assert answer.status == 504 and "1046" in answer.get("ms-diagnostics")
        shown = node.command("peers").stdout
        assert "partner.example" in shown and "SRV 0 0 5061 sip.partner.example" in shown
        # The partner moves out of its domain: what is known counts until it is forgotten.
        knot.write("partner.example", [record.format("sip.elsewhere.example."), f"sip IN A {nobody}"])
        assert "1046" in wire.ask("MESSAGE", "sip:2000@partner.example").get("ms-diagnostics")
        done = node.command("peers", "flush", "partner.example")
        assert done.returncode == 0 and re.fullmatch(r"[1-9]\d* forgotten\n", done.stdout)
        assert "1009" in wire.ask("MESSAGE", "sip:2000@partner.example").get("ms-diagnostics")
        assert "sip.elsewhere.example" in node.command("peers").stdout
        assert node.command("peers", "flush", "unknown.example").stdout == "0 forgotten\n"
        assert node.command("peers", "flush").returncode == 0
        assert "partner.example" not in node.command("peers").stdout


# ---- workers ----


class Strewn:
    """Many connections of one neighbor, so that every worker has some."""

    def __init__(self, stage, count=12):
        self.wires = [Wire(stage.node.address, "tcp", stage.caller) for _ in range(count)]

    def __enter__(self):
        return self.wires

    def __exit__(self, *_):
        for wire in self.wires:
            wire.socket.close()


def test_cancel_over_another_connection(sanitized):
    """A CANCEL is found its INVITE on whichever worker that is; the 487 comes where the INVITE came from."""
    stage = Stage(sanitized, "tcp", workers=4)
    rings = [receive_invite(), respond(180, "Ringing"), receive("CANCEL"), respond_inside(200),
             respond_kept(487, "Request Terminated"), receive("ACK"), linger()]
    answering = callee(sanitized, stage.callee, rings, mode="t1", calls=12)
    with Strewn(stage) as wires:
        for number, wire in enumerate(wires):
            other = wires[(number * 5 + 7) % len(wires)]
            words = dict(call_id=f"cancel{number}", branch=f"z9hG4bKcancel{number}")
            invite = message(wire, "INVITE", "sip:2000@callee.example", **words)
            via = re.search("Via: .*\r\n", invite).group(0)
            wire.send(invite)
            while wire.read().status != 180:
                pass
            cancel = message(other, "CANCEL", "sip:2000@callee.example", **words)
            other.send(re.sub("Via: .*\r\n", lambda _: via, cancel))
            assert other.read().first.startswith("SIP/2.0 200")
            final = wire.answer()
            assert final.status == 487, final
            # So does the ACK, over a third one.
            third = wires[(number * 5 + 3) % len(wires)]
            done = message(third, "ACK", "sip:2000@callee.example", to_tag=final.get("To").partition(";tag=")[2], **words)
            third.send(re.sub("Via: .*\r\n", lambda _: via, done))
        answering.wait()
    assert stage.node.counters()["transport"]["mesh_offers"] > 0


def acknowledged(node, call_id):
    """True once the node has sent the ACK of this call on."""
    return any(r["direction"] == "sent" and r["bytes"].startswith("ACK ") and f"Call-ID: {call_id}\r" in r["bytes"]
               for r in node.journal("message"))


def test_a_dialog_over_many_connections(sanitized):
    """ACK and BYE of one call over other connections than its INVITE."""
    stage = Stage(sanitized, "tcp", workers=4)
    answering = callee(sanitized, stage.callee, CALLEE, mode="t1", calls=24)
    with Strewn(stage) as wires:
        for number in range(24):
            wire, second, third = (wires[(number * k + k) % len(wires)] for k in (1, 5, 7))
            final = wire.ask("INVITE", "sip:2000@callee.example", call_id=f"strewn{number}", body=SDP,
                             kind="application/sdp")
            assert final.status == 200
            inside = dict(uri=re.search(r"<(.*?)>", final.get("Contact")).group(1), call_id=f"strewn{number}",
                          to="sip:2000@callee.example", to_tag=final.get("To").partition(";tag=")[2],
                          extra=[f"Route: {route}" for route in reversed(final.all("Record-Route"))])
            second.send(message(second, "ACK", **inside))
            # Another connection may be read first: only an ACK that has left is in front of the BYE.
            wait_until(lambda: acknowledged(stage.node, inside["call_id"]), 20, f"the ACK of call {number} leaves")
            assert third.ask("BYE", cseq=2, **inside).status == 200
    answering.wait()
    assert stage.node.counters()["transport"]["mesh_sent"] > 0


def test_repeated_requests_from_another_port(fedge):
    """UDP: the same request from another port (another worker's) is the same request."""
    stage = Stage(fedge, "udp", workers=4)
    answering = callee(fedge, stage.callee, [receive("MESSAGE"), respond(200, "OK"), linger(1500)])
    with Wire(stage.node.address, "udp", stage.caller, local_port=5060) as wire:
        text = message(wire, "MESSAGE", "sip:2000@callee.example", body="once")
        wire.send(text)
        assert wire.answer().status == 200
        for _ in range(8):
            with Wire(stage.node.address, "udp", stage.caller) as other:
                other.send(text)
        time.sleep(0.3)
    answering.wait()


def test_many_callers_with_a_connection_each(sanitized):
    """SIPp's tn on the caller's side, both directions of the dialog, with reloads in between."""
    stage = Stage(sanitized, "tcp", workers=4)
    answering = callee(sanitized, stage.callee, CALLEE, mode="t1", calls=200)
    calling = caller(sanitized, stage.caller, stage.node.address, CALLER, mode="tn", calls=200, rate=60)
    stop = threading.Event()

    def reload():
        while not stop.wait(0.4):
            stage.node.hang_up()

    reloading = threading.Thread(target=reload)
    reloading.start()
    try:
        calling.wait()
        answering.wait()
    finally:
        stop.set()
        reloading.join()
    assert stage.node.counters()["calls"] == 200
