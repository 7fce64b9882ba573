"""Strangers' software beside a node: SIPp, Knot DNS, and plain sockets that speak (or abuse) SIP.

Each test has loopback addresses that nobody else has, so the ports are the usual ones. Processes are
started through the `fedge` fixture, which stops them; sockets are closed by the fixtures here.
"""
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest
from ladder import CALLEE, CALLER, scenario
from support import ask_dns, die_with_parent, wait_until

_numbers = itertools.count(1)  # of messages
_addresses = itertools.count(1)


def fresh_address():
    """A loopback address of this process's own."""
    high, low = divmod(next(_addresses), 250)
    return f"127.{100 + os.getpid() % 100}.{(os.getpid() // 100 + high) % 250}.{low + 1}"


def is_bound(address, port, protocol="tcp"):
    """True where a socket listens (UDP: is bound) there; asks the kernel and disturbs nobody."""
    wanted = f"{int.from_bytes(socket.inet_aton(address), 'little'):08X}:{port:04X}"
    for line in pathlib.Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == wanted and (protocol == "udp" or fields[3] == "0A"):
            return True
    return False


def resident_mib(process):
    text = pathlib.Path(f"/proc/{process.popen.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s*(\d+)", text).group(1)) / 1024


# ---- a node ----


@pytest.fixture
def fedge(fedge):
    """As conftest's, and every node must end well: exit code 0, no word of a sanitizer."""
    fedge.nodes = []
    yield fedge
    for node in fedge.nodes:
        node.end_well()


# Memory that was given back must not look as if it were used (AddressSanitizer keeps it for a while).
SMALL_QUARANTINE = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"}


class Node:
    """`fedge serve` between neighbors: `neighbors` is {name: (transport, [host:port, …])}; what the rules do
    not say goes to `target`."""

    def __init__(self, fedge, neighbors, target=None, name="node", workers=2, more="", rules=None, listen="udp tcp",
                 zones="", address=None, host=None, start=True, **options):
        self.fedge, self.name, self.options = fedge, name, options
        self.address = address or fresh_address()
        self.host = host or f"{name}.example"
        self.workers, self.listen = workers, listen
        self.folder = fedge.folder
        self.file = self.folder / f"{name}.yaml"
        self.write(neighbors, target, rules, more, zones)
        self.process = None
        fedge.nodes.append(self)
        if start:
            self.start()

    def text(self, neighbors, target=None, rules=None, more="", zones=""):
        ports = {"udp": 5060, "tcp": 5060, "tls": 5061}
        lines = [f"node: {self.host}", f"address: {self.address}", f"workers: {self.workers}",
                 f"control: {self.name}.sock", "listen:"]
        lines += [f"  - {{transport: {t}, port: {ports[t]}}}" for t in self.listen.split()]
        lines.append("zones:")
        for name, (transport, peers, *extra) in neighbors.items():
            listed = ", ".join(f'"{p}"' for p in peers)
            lines.append(f"  - {{name: {name}, kind: neighbor, transport: {transport}, peers: [{listed}]"
                         + "".join(f", {e}" for e in extra) + "}")
        lines += zones.splitlines()
        lines.append("rules:")
        lines += rules.splitlines() if rules else [f"  - {{name: all, mode: any, target: {target}}}"]
        if "\nlimits:" not in "\n" + more:
            lines.append("limits: {drain: 100ms}")
        if "\nlog:" not in "\n" + more:
            lines.append(f"log: [{{format: json, file: {self.name}.json.log}}]")
        return "\n".join(lines) + "\n" + more

    def write(self, *arguments, **named):
        self.file.write_text(self.text(*arguments, **named))

    def start(self):
        self.process = self.fedge.start("serve", "-c", self.file, name=self.name, cwd=self.folder, **self.options)
        return self

    def command(self, *arguments, **more):
        """A command that asks the running node."""
        return self.fedge.run(*arguments, "--socket", self.folder / f"{self.name}.sock", cwd=self.folder, **more)

    def status(self):
        done = self.command("status", "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def counters(self):
        return self.status()["counters"]

    def journal(self, *kinds):
        """The records of its json log, of these kinds."""
        path = self.folder / f"{self.name}.json.log"
        records = [json.loads(line) for line in path.read_text(errors="replace").splitlines() if line.endswith("}")]
        return [r for r in records if not kinds or r.get("kind") in kinds]

    def hang_up(self):
        self.process.signal(signal.SIGHUP)

    def end_well(self):
        if not self.process:
            return
        code = self.process.stop()
        said = self.process.text()
        assert not re.search("Sanitizer|runtime error:", said), said[-6000:]
        assert code == 0, f"{self.name} ended with {code}: {said[-3000:]}"

    def ending(self, seconds=20):
        """SIGTERM, awaited: (exit code, seconds it took)."""
        began = time.monotonic()
        self.process.signal(signal.SIGTERM)
        return self.process.wait(seconds), time.monotonic() - began


# ---- SIPp ----

MODES = {"udp": "u1", "tcp": "t1"}


class Sipp:
    """A SIPp that runs a ladder."""

    def __init__(self, fedge, rungs, address, name, mode="u1", port=5060, to=None, calls=1, rate=50, options=(),
                 seconds=60, domains=("callee.example", "caller.example")):
        self.folder, self.name, self.seconds = fedge.folder, name, seconds
        self.errors = fedge.folder / f"{name}-errors.log"
        file = fedge.folder / f"{name}.xml"
        text = scenario(name, rungs).replace("callee.example", "{}").replace("caller.example", "{1}")
        file.write_text(text.replace("{}", domains[0]).replace("{1}", domains[1]))
        arguments = ["sipp", "-sf", file, "-i", address, "-mi", address, "-ci", address, "-p", port, "-t", mode,
                     "-m", calls, "-nostdin", "-trace_err", "-error_file", self.errors, "-timeout", seconds,
                     "-timeout_error", "-buff_size", 4000000, "-max_socket", 4000, "-s", "2000", "-nd", *options]
        if to:
            arguments += ["-r", rate, "-l", 400, to]
        self.process = fedge.start_other(*arguments, name=name, cwd=fedge.folder)

    def wait(self, seconds=None):
        """Its end: all calls were as the ladder says."""
        try:
            code = self.process.wait(seconds or self.seconds + 20)
        except subprocess.TimeoutExpired:
            code = "no end"
        errors = self.errors.read_text(errors="replace")[:3000] if self.errors.exists() else ""
        assert code == 0, f"SIPp {self.name}: {code}\n{errors}\n{self.process.text()[-1500:]}"

    def is_running(self):
        return self.process.is_alive()


def callee(fedge, address, rungs=CALLEE, name="callee", mode="u1", port=5060, **more):
    sipp = Sipp(fedge, rungs, address, name, mode, port, **more)
    wait_until(lambda: is_bound(address, port, "udp" if mode[0] == "u" else "tcp"), 20, f"{name} listens")
    return sipp


def caller(fedge, address, to, rungs=CALLER, name="caller", mode="u1", **more):
    return Sipp(fedge, rungs, address, name, mode, to=to if ":" in to else f"{to}:5060", **more)


def place(fedge, caller_address, node, callee_address, caller_rungs=CALLER, callee_rungs=CALLEE, protocol="udp",
          calls=1, rate=50, options=(), caller_mode=None, name="", callee_options=(), seconds=60):
    """Calls through a node to their end, on both sides as the ladders say."""
    answering = callee(fedge, callee_address, callee_rungs, f"callee{name}", MODES[protocol], calls=calls,
                       options=callee_options or options, seconds=seconds)
    calling = caller(fedge, caller_address, node.address, caller_rungs, f"caller{name}",
                     caller_mode or MODES[protocol], calls=calls, rate=rate, options=options, seconds=seconds)
    calling.wait()
    answering.wait()


# ---- SIP by hand ----

class Message:
    def __init__(self, head, body=b""):
        lines = head.decode("utf-8", "replace").split("\r\n")
        self.first, self.body = lines[0], body
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if ":" in line]

    @property
    def status(self):
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else None

    @property
    def method(self):
        return None if self.first.startswith("SIP/2.0") else self.first.split()[0]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        return (self.all(name) or [None])[0]

    def __repr__(self):
        return f"{self.first!r} {self.headers!r}"


class Wire:
    """A connection (tcp, tls) or a socket (udp) to a node; writes anything, reads SIP messages."""

    def __init__(self, to, protocol="tcp", local=None, context=None, name=None, port=None, local_port=0):
        self.protocol, self.to = protocol, (to, port or (5061 if protocol == "tls" else 5060))
        self.bytes = b""
        kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.settimeout(10)
        if protocol == "udp":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if local:
            self.socket.bind((local, local_port))
        try:
            self.socket.connect(self.to)
            if context:
                self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except BaseException:
            self.socket.close()
            raise
        self.local = self.socket.getsockname()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def _fill(self, due):
        self.socket.settimeout(max(0.01, due - time.monotonic()))
        data = self.socket.recv(65536)
        if not data and self.protocol != "udp":
            raise EOFError("the node closed the connection")
        return data

    def read(self, seconds=10):
        """The next message; TimeoutError, EOFError, or a ConnectionError."""
        due = time.monotonic() + seconds
        if self.protocol == "udp":
            head, _, body = self._fill(due).partition(b"\r\n\r\n")
            return Message(head, body)
        while b"\r\n\r\n" not in self.bytes:
            self.bytes = (self.bytes + self._fill(due)).lstrip(b"\r\n")
        head, _, rest = self.bytes.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head).group(1))
        while len(rest) < length:
            rest += self._fill(due)
        self.bytes = rest[length:]
        return Message(head, rest[:length])

    def answer(self, seconds=10):
        """The next final answer."""
        due = time.monotonic() + seconds
        while True:
            message = self.read(max(0.05, due - time.monotonic()))
            if message.status and message.status >= 200:
                return message

    def closed(self, seconds):
        """Seconds until the node closed the connection; fails if it does not."""
        began = time.monotonic()
        try:
            while self._fill(began + seconds):
                pass
        except (EOFError, ConnectionError, ssl.SSLError):
            return time.monotonic() - began
        except TimeoutError:
            pass
        raise AssertionError(f"the node did not close the connection within {seconds} s")

    def ask(self, *arguments, seconds=10, **named):
        """Sends a request and gives its final answer."""
        self.send(message(self, *arguments, **named))
        return self.answer(seconds)


def message(wire, method="OPTIONS", uri=None, to=None, caller="sip:caller@caller.example", forwards=70, body="",
            extra=(), branch=None, call_id=None, cseq=1, kind="text/plain", from_tag="tag1", to_tag=""):
    """A request as it should be, as text."""
    number = next(_numbers)
    address, port = wire.local
    uri = uri or f"sip:{wire.to[0]}"
    length = len(body.encode())
    lines = [f"{method} {uri} SIP/2.0",
             f"Via: SIP/2.0/{wire.protocol.upper()} {address}:{port};branch={branch or f'z9hG4bK{os.getpid()}x{number}'}",
             f"Max-Forwards: {forwards}",
             f"From: <{caller}>;tag={from_tag}",
             f"To: <{to or uri}>" + (f";tag={to_tag}" if to_tag else ""),
             f"Call-ID: {call_id or f'{os.getpid()}-{number}@{address}'}",
             f"CSeq: {cseq} {method}",
             f"Contact: <sip:caller@{address}:{port};transport={wire.protocol}>",
             *extra]
    if body:
        lines.append(f"Content-Type: {kind}")
    lines += [f"Content-Length: {length}", "", body]
    return "\r\n".join(lines)


# ---- TLS ----


def context_for(authority, name=None):
    """A TLS client's settings; with `name` it has that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.certificate)
    if name:
        context.load_cert_chain(*authority.issue(name))
    return context


# ---- Knot DNS ----

class Knot:
    """A DNS server with these zones: {domain: [lines of a zone file]}."""

    def __init__(self, fedge, zones, address=None, port=5300, name="knot"):
        self.address, self.port = address or fresh_address(), port
        self.folder, self.serial = fedge.folder / name, 0
        folder = self.folder
        folder.mkdir()
        listed = ""
        for domain, lines in zones.items():
            self._write(domain, lines)
            listed += f"  - domain: {domain}\n    file: {folder / domain}.zone\n"
        (folder / "knot.conf").write_text(
            f"server:\n  listen: {self.address}@{port}\n  rundir: {folder}\n  udp-workers: 1\n  tcp-workers: 1\n"
            f"  background-workers: 1\ndatabase:\n  storage: {folder}\n"
            f"log:\n  - target: stderr\n    any: info\nzone:\n{listed}")
        self.process = fedge.start_other("/usr/sbin/knotd", "-c", folder / "knot.conf", name=name)
        wait_until(lambda: all(self._has(domain) for domain in zones), 20, "the DNS server answers")

    def _write(self, domain, lines):
        self.serial += 1
        (self.folder / f"{domain}.zone").write_text(
            f"$ORIGIN {domain}.\n$TTL 300\n@ IN SOA ns h {self.serial} 3600 600 86400 30\n@ IN NS ns\n"
            f"ns IN A {self.address}\n" + "\n".join(lines) + "\n")

    def write(self, domain, lines):
        """Another content, served when this returns."""
        self._write(domain, lines)
        self.process.signal(signal.SIGHUP)
        wanted = f"serial {self.serial}"
        wait_until(lambda: wanted in self.process.text().replace("-> ", "serial "), 10, "the new zone is served")

    def _has(self, domain):
        try:
            return ask_dns((self.address, self.port), domain, "SOA", 1) == (0, 1)
        except OSError:
            return False

    @property
    def server(self):
        return f"{self.address}@{self.port}"


def run_quietly(*arguments, seconds=60):
    """A command to its end; its output only if it fails."""
    done = subprocess.run([str(a) for a in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=seconds, preexec_fn=die_with_parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
