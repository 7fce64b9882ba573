"""fedge check against peers that mean harm: each costs it a bounded time and little memory, is reported, and nothing
that they send reaches a terminal raw.

Each is a domain of its own, NAME.evil.lab. What they may do to a run is measured: its time, its memory beside that of a
run against an honest server, and what becomes of an honest domain in the same run.
"""
import json
import os
import re
import ssl
import subprocess
import tempfile
import threading
import time

import pytest
from foreign import Pki
from hostile import (ALERT, CHANGE, COMPRESSED_CERTIFICATE, DATA, HANDSHAKE, Raw, altered, certificates, der_of, drip,
                     forever, message, name_of, record, secured, server_hello)
from strangers import SMALL_QUARANTINE, Knot
from support import Fedge, die_with_parent

PASS, WARN, FAIL, UNKNOWN = 0, 1, 2, 3
PATIENCE_S = 1  # of each step
# What a run may take, start and end of the program included: lookups, connect, handshake, and an answer.
TIME_S = 12
# Beyond what a run against an honest server needs.
MEMORY_MIB = 24
TELETEX, WIDE = 0x14, 0x1E  # kinds of strings
TERMINAL = "\x1b[2J\x1b]0;owned\x07\x9b31m\r"  # clears a screen, names a window, colours


def edge(name):
    return f"edge.{name}.evil.lab"


# What is found, and a part of what is said of it; None: nothing is.
FAILED, NOT_NAMED = "tls-handshake-failed", "certificate-name-mismatch"
EXPECTED = {
    # ---- who never comes to an end ----
    "drip": (FAILED, "in time"),
    "silence": (FAILED, "in time"),
    "empty-records": (FAILED, ""),
    "warnings": (FAILED, "warning"),
    "changes": (FAILED, ""),
    "zeros": (FAILED, "no TLS"),
    # ---- who is not what he seems ----
    "garbage": (FAILED, "no TLS"),
    "sip": (FAILED, "no TLS"),
    "http": (FAILED, "HTTP/1.1 400 Bad Request"),
    "ssh": (FAILED, "SSH-2.0-OpenSSH_9.2"),
    "alert": (FAILED, "handshake_failure"),
    "alert-nobody-knows": (FAILED, "200"),
    "closes": ("tls-reset", ""),
    "old": ("tls-version-unsupported", ""),
    "null-cipher": (FAILED, ""),
    "compression": (FAILED, ""),
    # ---- certificates before anything is encrypted ----
    "ten-megabytes": (FAILED, "too large"),
    "thousand": (FAILED, "too large"),
    "packed": (FAILED, "does not belong there"),
    "no-certificate": (FAILED, ""),
    "no-der": (FAILED, "cannot be read"),
    "broken-utf8": (FAILED, "cannot be read"),
    "lying-length": (FAILED, ""),
    "then-nothing": (FAILED, "in time"),
    # ---- certificates in a handshake that is right ----
    "long-chain": (NOT_NAMED, ""),
    "hundred-thousand": (FAILED, "too large"),
    "five-thousand": (NOT_NAMED, ""),
    "nul": (NOT_NAMED, ""),
    "nul-cn": (NOT_NAMED, ""),
    "no-utf8": (NOT_NAMED, ""),
    "terminal": (NOT_NAMED, ""),
    "wide": (NOT_NAMED, ""),
    # ---- who has no end after it ----
    "flood": (None, ""),
    "flood-1.2": (None, ""),
    "raw-after": (None, ""),
}


def endless(connection, said):
    connection.sendall(said)
    forever(lambda: record(HANDSHAKE, bytes(65536)))(connection)


def early(world):
    """Servers that never finish a handshake."""
    leaf, behind = der_of(world.honest.leaf), der_of(world.pki.intermediate.chain)
    broken = altered(world.pki, "broken-utf8", world.honest, subject=name_of(b"\xff\xfe\xc0\x80"))

    def say(*messages):
        return Raw(lambda _: b"".join(messages))

    def shake(*messages):
        return say(record(HANDSHAKE, b"".join(messages)))

    return {
        "drip": Raw(drip(record(HANDSHAKE, server_hello()), 0.2)),
        "silence": say(b""),
        "empty-records": Raw(forever(lambda: record(HANDSHAKE, b"") * 100)),
        "warnings": Raw(forever(lambda: record(ALERT, b"\x01\x5a") * 100)),
        "changes": Raw(forever(lambda: record(CHANGE, b"\x01") * 100)),
        "zeros": Raw(forever(lambda: bytes(65536))),
        "garbage": say(b"\xf0" + os.urandom(63)),
        "sip": say(b"SIP/2.0 400 " + TERMINAL.encode() + b"\r\n\r\n"),
        "http": say(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "ssh": say(b"SSH-2.0-OpenSSH_9.2\r\n"),
        "alert": say(record(ALERT, b"\x02\x28")),
        "alert-nobody-knows": say(record(ALERT, b"\x02\xc8")),
        "closes": Raw(lambda _: None),
        "old": shake(server_hello(version=0x0300)),
        "null-cipher": shake(server_hello(cipher=0x0002)),
        "compression": shake(server_hello(compression=1)),
        "ten-megabytes": Raw(lambda c: endless(c, record(HANDSHAKE, server_hello() + message(11, b"", 10_000_000)))),
        "thousand": shake(server_hello(), certificates([leaf] + [behind] * 999)),
        "packed": shake(server_hello(), message(COMPRESSED_CERTIFICATE, b"\0\1\xff\xff\xff\0\0\0")),
        "no-certificate": shake(server_hello(), certificates([])),
        "no-der": shake(server_hello(), certificates([os.urandom(500)])),
        "broken-utf8": shake(server_hello(), certificates([der_of(broken.leaf), behind])),
        "lying-length": shake(server_hello(), message(11, b"\0\xff\xff\0\0\x01\x30")),
        "then-nothing": shake(server_hello(), certificates([leaf, behind])),
    }


def late(world):
    """Servers that finish it, with certificates nobody should believe or too much to say."""
    terminal = TERMINAL.encode()

    def show(name, **how):
        return secured(altered(world.pki, name, world.honest, **how), lambda _: b"")

    def hold(name, act, *more, **how):
        return secured(world.pki.issue(name, edge(name)), act, *more, **how)

    def many(count):
        return [b"n%d.evil.lab" % i for i in range(count)]

    return {
        "long-chain": secured(world.long_chain, lambda _: b""),
        "hundred-thousand": show("hundred-thousand", names=many(100_000)),
        "five-thousand": show("five-thousand", names=many(5_000)),
        "nul": show("nul", names=[edge("nul").encode() + b"\0.evil.example"]),
        "nul-cn": show("nul-cn", names=[], subject=name_of(edge("nul-cn").encode() + b"\0.evil.example")),
        "no-utf8": show("no-utf8", names=[b"\xff\xfe\xfd"], subject=name_of(b"\xff\xfe\xc0\x80", TELETEX)),
        "terminal": show("terminal", names=[terminal + b".evil.lab"], subject=name_of(terminal)),
        "wide": show("wide", names=[], subject=name_of("\u202egnp.exe\u0007".encode("utf-16-be"), WIDE)),
        "flood": hold("flood", forever(lambda: bytes(65536))),
        "flood-1.2": hold("flood-1.2", forever(lambda: b"SIP/2.0 200" * 1000), ssl.TLSVersion.TLSv1_2),
        "raw-after": hold("raw-after", lambda c: os.write(c.fileno(), record(DATA, os.urandom(64)) * 9) and b"",
                          asks=world.pki.root.chain),
    }


# What is said to an OPTIONS.
LINE = TERMINAL.replace("\r", "").encode()
ANSWERS = {
    "terminal": b"SIP/2.0 200 O" + LINE + b"K\r\nServer: " + LINE + b"\r\nms-diagnostics: 1;reason=\"" + LINE
                + b"\"\r\nContent-Length: 0\r\n\r\n",
    "endless-header": b"SIP/2.0 200 OK\r\nServer: " + b"x" * 300_000,
    "endless-body": b"SIP/2.0 200 OK\r\nContent-Length: 4000000000\r\n\r\n" + b"x" * 300_000,
    "no-sip": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"",
}


def talking(world):
    """Servers that are right until they are asked something."""
    return {f"say-{name}": secured(world.pki.issue(f"say-{name}", edge(f"say-{name}")),
                                   lambda c, said=said: c.recv(4096) and said) for name, said in ANSWERS.items()}


class World:
    def __init__(self, fedge):
        self.fedge = fedge
        self.pki = Pki(fedge.folder / "pki")
        self.honest = self.pki.issue("honest", edge("honest"), [edge("honest")])
        # As many certificates as a handshake carries; the name is another one.
        self.long_chain = self.pki.issue("long", edge("other"))
        behind = self.pki.intermediate.chain.read_text() * 200
        self.long_chain.chain.write_text(self.long_chain.leaf.read_text() + behind)
        self.servers = {"honest": secured(self.honest, lambda _: b""), **early(self), **late(self), **talking(self)}
        lines = []
        for name, server in self.servers.items():
            lines += [f"_sipfederationtls._tcp.{name} SRV 0 0 5061 edge.{name}", f"edge.{name} A {server.address}"]
        self.knot = Knot(fedge, {"evil.lab": lines})
        self.honest_memory = self.run("honest.evil.lab").memory

    def arguments(self, *arguments, patience_s=PATIENCE_S):
        return [str(a) for a in (self.fedge.path, "check", *arguments, "--private", "--resolver", self.knot.server,
                                 "--ca-file", self.pki.root.chain, "--no-system-ca", "--timeout", f"{patience_s}s")]

    def run(self, *arguments, **more):
        return Run(self.arguments(*arguments, **more))


class Run:
    """A command to its end: what it said, its exit code, the seconds and the MiB it took."""

    def __init__(self, arguments):
        began = time.monotonic()
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                       preexec_fn=die_with_parent, env={**os.environ, **SMALL_QUARANTINE})
            timer = threading.Timer(60, process.kill)
            timer.start()
            _, status, used = os.wait4(process.pid, 0)
            timer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            self.output, self.errors = (self._read(file) for file in (output, errors))
        self.code, self.seconds, self.memory = process.returncode, time.monotonic() - began, used.ru_maxrss / 1024
        assert b"Sanitizer" not in self.errors and b"runtime error" not in self.errors, self.errors.decode()[-4000:]

    @staticmethod
    def _read(file):
        file.seek(0)
        return file.read()

    def reports(self):
        return {report["domain"]: report for report in map(json.loads, self.output.decode().splitlines())}


@pytest.fixture(scope="module")
def world(program, tmp_path_factory):
    fedge = Fedge(program, tmp_path_factory.mktemp("world"))
    made = World(fedge)
    yield made
    for server in made.servers.values():
        server.close()
    fedge.stop_all()


def assert_clean(output):
    """Nothing in it that a terminal obeys (ECMA-48: C0, DEL, C1, also those of UTF-8), and UTF-8 throughout."""
    text = output.decode("utf-8")
    found = re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert not found, f"{found!r} in {text!r}"


def assert_modest(world, run):
    assert run.seconds < TIME_S
    assert run.memory < world.honest_memory + MEMORY_MIB, f"{run.memory} MiB, {world.honest_memory} for an honest one"


def decisive(report):
    """(the first error, all that is said of it)"""
    errors = [f for f in report["findings"] if f["severity"] == "error"]
    return (errors[0]["code"], json.dumps(errors[0])) if errors else (None, "")


def test_the_honest_one(world):
    run = world.run("honest.evil.lab", "--json")
    assert run.code == PASS, run.output


def test_all_of_them_are_expected(world):
    assert set(world.servers) == {"honest", *EXPECTED, *(f"say-{name}" for name in ANSWERS)}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_alone(world, name):
    run = world.run(f"{name}.evil.lab", "--json")
    report = run.reports()[f"{name}.evil.lab"]
    finding, words = EXPECTED[name]
    code, said = decisive(report)
    assert (run.code, code) == (FAIL if finding else PASS, finding), json.dumps(report, indent=1)
    text = said + json.dumps([seen["text"] for seen in report["facts"]["tls"]])
    assert words in text, text
    assert_modest(world, run)
    assert_clean(run.output)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_terminal_gets(world, name):
    """Everything that can be shown, for people."""
    run = world.run(f"{name}.evil.lab", "--notes", "--deep")
    assert run.code == (FAIL if EXPECTED[name][0] else PASS)
    assert_clean(run.output)
    assert_clean(run.errors)
    assert_modest(world, run)


def test_what_is_kept_of_a_long_chain(world):
    seen = world.run("long-chain.evil.lab", "--json").reports()["long-chain.evil.lab"]["facts"]["tls"][0]
    assert seen["chain"]["sent"] == 201
    assert len(seen["chain"]["certificates"]) == 16


def test_what_is_kept_of_many_names(world):
    report = world.run("five-thousand.evil.lab", "--json").reports()["five-thousand.evil.lab"]
    assert len(report["facts"]["certificates"][0]["dns_names"]) == 1024


def test_a_chain_is_judged_though_nothing_follows(world):
    """What was shown before the end counts: it is in the facts."""
    seen = world.run("then-nothing.evil.lab", "--json").reports()["then-nothing.evil.lab"]["facts"]["tls"][0]
    assert (seen["chain"]["status"], seen["chain"]["sent"], seen["version"]) == ("trusted", 2, "TLSv1.2")


def test_a_run_over_all_of_them(world, tmp_path):
    """Nobody holds up an honest domain, the run ends when patience does, and saves what it saw."""
    listed, saved = tmp_path / "all.txt", tmp_path / "facts.jsonl"
    listed.write_text("".join(f"{name}.evil.lab\n" for name in (*EXPECTED, "honest")))
    # All are in flight at once. Reading two hundred certificates keeps a core busy (0.15 s under a sanitizer, more where
    # the core is shared), and who is looked at by the same worker waits meanwhile: that must not be their fault.
    patience_s = 3 * PATIENCE_S
    run = world.run("--domains", listed, "--json", "--save", saved, patience_s=patience_s)
    reports = run.reports()
    assert {name: decisive(reports[f"{name}.evil.lab"])[0] for name in EXPECTED} == {
        name: finding for name, (finding, _) in EXPECTED.items()}
    assert reports["honest.evil.lab"]["verdict"] == "pass"
    # No server is slow in more than one step, and none waits for another: one patience, and what is left for the rest.
    assert run.seconds < TIME_S and patience_s <= TIME_S / 4
    assert run.memory < world.honest_memory + 4 * MEMORY_MIB
    again = Run([str(a) for a in (world.fedge.path, "check", "--from", saved, "--json", "--private")])
    assert {name: decisive(report)[0] for name, report in again.reports().items()} == {
        name: decisive(report)[0] for name, report in reports.items()}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(world, name):
    for how in ("--json", "--notes"):
        run = world.run(f"say-{name}.evil.lab", how, "--probe")
        assert run.code in (PASS, WARN), run.output
        assert_clean(run.output)
        assert_modest(world, run)
        if how == "--json":
            seen = run.reports()[f"say-{name}.evil.lab"]["facts"]["tls"][0]["options"]
            assert seen["status"] is None or name == "terminal", seen
