"""SIPp calls on the loopback while the tools of administrators record them as text: what the reader makes of each text
is what tcpdump has in its capture, byte for byte, with addresses, direction and time as far as the tool says them.

Real: ngrep in its four ways of printing, tcpdump -A in two, sngrep's saved text, SIPp's own file of messages, Kamailio's
sipdump files and a message that Kamailio's xlog writes; and HEP as Kamailio's siptrace and sngrep send it."""
import base64
import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest
from ladder import SDP, ack, receive, request, respond, respond_inside
from strangers import MODES, callee, caller, fedge, fresh_address, is_bound  # noqa: F401
from support import wait_until

# Lines in a body that look like what tools write in front of messages, and behind them.
QUOTING = """U 192.0.2.9:5060 -> 192.0.2.8:5060
OPTIONS sip:x@c.example SIP/2.0
Via: SIP/2.0/UDP 192.0.2.9

2024/01/01 12:00:00.000123 192.0.2.9:5060 -> 192.0.2.8:5060
SIP/2.0 200 OK
====================
---
||||||||||||||||||||
#"""
CALLER = [request("INVITE", body=SDP), receive(180), receive(200, routes=True), ack(),
          request("MESSAGE", cseq=2, inside=True, body=QUOTING, kind="text/plain"), receive(200),
          request("BYE", cseq=3, inside=True), receive(200)]
CALLEE = [receive("INVITE", routes=True), respond(180, "Ringing..."), respond(200, "OK.", SDP), receive("ACK"),
          receive("MESSAGE"), respond_inside(200), receive("BYE"), respond_inside(200)]


@pytest.fixture
def read(program):
    """read(path, kind) gives the records that the reader makes of a file."""
    reader = program.parent / "tests/tools/trace_read"

    def run(path, kind="plain"):
        done = subprocess.run([reader, kind, path], capture_output=True, check=True, timeout=60)
        assert b"unread=0" in done.stderr, done.stderr.decode()
        return [json.loads(line.split(b"\t", 1)[1]) for line in done.stdout.splitlines()]

    return run


def octets(record):
    value = record["bytes"]
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value.encode()


def seconds_of(record):
    whole, fraction = record["time"].rstrip("Z").split(".")
    parsed = time.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    return int(time.mktime(parsed) - time.mktime(time.gmtime(0))) + float("0." + fraction)


def packets(path):
    """(time, source, destination, payload) of a capture of Ethernet frames with IPv4 and UDP or TCP in them."""
    data = path.read_bytes()
    assert data[:4] == struct.pack("<I", 0xA1B2C3D4), "a capture in microseconds"
    at, found = 24, []
    while at + 16 <= len(data):
        seconds, micro, length, _ = struct.unpack("<IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        ip = frame[14:]
        transport = ip[(ip[0] & 15) * 4:struct.unpack(">H", ip[2:4])[0]]
        head = 8 if ip[9] == 17 else (transport[12] >> 4) * 4
        ends = [f"{socket.inet_ntoa(ip[12 + 4 * i:16 + 4 * i])}:{struct.unpack('>H', transport[2 * i:2 * i + 2])[0]}"
                for i in range(2)]
        found.append((seconds + micro / 1e6, *ends, transport[head:]))
    return found


def messages(path):
    """Those that hold SIP, and not HEP that holds SIP."""
    return [packet for packet in packets(path)
            if b"SIP/2.0" in packet[3].split(b"\r\n")[0] and not packet[3].startswith(b"HEP3")]


class Recorders:
    """Tools that listen on the loopback; ready and done when each has shown a datagram that is no SIP."""

    FILTER = ("port", "5060")

    def __init__(self, fedge, address):  # noqa: F811
        self.fedge, self.address = fedge, address
        self.capture = fedge.folder / "truth.pcap"
        lines = {"byline": ["-W", "byline", "-t", "-q"], "none": ["-W", "none"], "single": ["-W", "single"],
                 "wrapped": []}
        self.tools = {f"ngrep-{name}": ["ngrep", "-l", "-d", "lo", *more, "", *self.FILTER]
                      for name, more in lines.items()}
        dump = ["tcpdump", "-i", "lo", "-n", "-s", "0", "-U"]
        self.tools["tcpdump"] = [*dump, "-l", "-A", "-tttt", *self.FILTER]
        self.tools["tcpdump-v"] = [*dump, "-l", "-A", "-tttt", "-v", *self.FILTER]
        self.processes = [fedge.start_other(*arguments, name=name, env={"TZ": "UTC"})
                          for name, arguments in self.tools.items()]
        self.processes.append(fedge.start_other(*dump, "-Z", "root", "-w", self.capture, *self.FILTER, name="capture"))
        self.files = [fedge.folder / f"{name}.out" for name in self.tools] + [self.capture]
        self.show(b"are you there")

    def show(self, word):
        def everywhere():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.sendto(word, (self.address, 5060))
            time.sleep(0.05)
            return all(file.exists() and word in file.read_bytes() for file in self.files)

        wait_until(everywhere, 30, "all tools record")

    def stop(self):
        self.show(b"that was all")
        for process in self.processes:
            process.stop()


@contextlib.contextmanager
def terminal(arguments):
    """A program on a terminal of its own; gives a function that types."""
    child, end = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm", TZ="UTC")
        os.execvp(arguments[0], [str(argument) for argument in arguments])
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))

    def type_in(keys, seconds):
        """Each key by itself; what the program draws meanwhile is read away."""
        for key in keys or [b""]:
            if key:
                os.write(end, key)
            due = time.monotonic() + seconds
            while time.monotonic() < due:
                if select.select([end], [], [], 0.05)[0]:
                    os.read(end, 65536)

    try:
        yield type_in
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(end)


def save_by_sngrep(folder, capture):
    """sngrep writes text only from its screen: s, a name that ends in .txt, Enter."""
    settings, saved = folder / "sngreprc", folder / "saved.txt"
    settings.write_text(f"set savepath {folder}\n")
    with terminal(["sngrep", "-f", settings, "-I", capture]) as type_in:
        type_in([], 2)
        type_in([b"s"], 0.5)
        type_in([name.to_bytes(1, "big") for name in b"saved.txt"], 0.1)
        type_in([b"\r"], 1)
        wait_until(saved.exists, 20, "sngrep has saved")
    return saved


def compare(records, truth, transport, timed=True):
    assert [octets(record) for record in records] == [packet[3] for packet in truth]
    for record, (seconds, source, destination, _) in zip(records, truth):
        assert (record["direction"], record["local"], record["remote"]) == ("passed", source, destination)
        assert record["transport"] == transport
        assert not timed or abs(seconds_of(record) - seconds) < 0.5


def first_words(octets):
    """As a ladder shows a message."""
    first = octets.split(b"\r\n")[0].decode()
    return first[8:] if first.startswith("SIP/2.0 ") else first.split()[0]


def explained(fedge, path):  # noqa: F811
    """What fedge explain says of a file whose kind nobody has told it: each call's outcome and ladder."""
    done = fedge.run("explain", "--all", "--json", path, env={**os.environ, "TZ": "UTC"})
    assert done.returncode == 0, done.stderr
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    return {call["call_id"]: (call["outcome"], [rung["text"] for rung in call["ladder"]]) for call in calls}


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_calls_as_tools_print_them(fedge, read, protocol):  # noqa: F811
    """The same calls, in every way of printing."""
    calling, called = fresh_address(), fresh_address()
    recorders = Recorders(fedge, called)
    mode = MODES[protocol]
    file = fedge.folder / "sipp-messages.log"
    answering = callee(fedge, called, CALLEE, mode=mode, calls=3)
    asking = caller(fedge, calling, called, CALLER, mode=mode, calls=3, rate=5,
                    options=["-trace_msg", "-message_file", file])
    asking.wait()
    answering.wait()
    recorders.stop()
    truth = messages(recorders.capture)
    assert len(truth) == 3 * 8
    wanted = {}
    for packet in truth:
        call_id = packet[3].split(b"Call-ID: ")[1].split(b"\r\n")[0].decode()
        wanted.setdefault(call_id, ("answered", []))[1].append(first_words(packet[3]))
    assert len(wanted) == 3
    for name in recorders.tools:
        assert explained(fedge, fedge.folder / f"{name}.out") == wanted
        timed = name not in ("ngrep-none", "ngrep-single", "ngrep-wrapped")
        compare(read(fedge.folder / f"{name}.out"), truth, protocol, timed)
    saved = save_by_sngrep(fedge.folder, recorders.capture)
    assert explained(fedge, saved) == wanted
    compare(read(saved), truth, "none")
    sent = [record for record in read(file) if record["direction"] == "sent"]
    assert [octets(record) for record in sent] == [packet[3] for packet in truth if packet[1] == f"{calling}:5060"]


KAMAILIO = """\
debug=2
log_stderror=yes
children=2
disable_tcp=yes
listen=udp:{address}:5060
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "sipdump.so"
modparam("sipdump", "enable", 1)
modparam("sipdump", "folder", "{folder}")
request_route {{
    xlog("L_INFO", "$mb");
    if (is_method("ACK"))
        exit;
    sl_send_reply("200", "OK");
}}
"""


def test_what_kamailio_dumps(fedge, read):  # noqa: F811
    """Its own files, and whole messages in its log, first lines behind a prefix."""
    calling, called = fresh_address(), fresh_address()
    folder = fedge.folder / "dump"
    folder.mkdir()
    file = fedge.folder / "kamailio.cfg"
    file.write_text(KAMAILIO.format(address=called, folder=folder))
    recorders = Recorders(fedge, called)
    kamailio = fedge.start_other("kamailio", "-f", file, "-DD", "-E", "-m", 16, "-M", 4, name="kamailio")
    wait_until(lambda: is_bound(called, 5060, "udp"), 20, "Kamailio listens")
    rungs = [request("MESSAGE", body=QUOTING, kind="text/plain"), receive(200)]
    caller(fedge, calling, called, rungs, calls=5, rate=20).wait()
    recorders.stop()
    truth = messages(recorders.capture)
    assert len(truth) == 10

    def dumped():
        return [record for path in folder.glob("*.data") for record in read(path)]

    records = wait_until(lambda: len(dumped()) == 10 and dumped(), 20, "all is dumped")
    kamailio.stop()
    assert sorted(octets(record) for record in records) == sorted(packet[3] for packet in truth)
    for record in records:
        here, there = f"{called}:5060", f"{calling}:5060"
        is_request = octets(record).startswith(b"MESSAGE")
        assert record["direction"] == ("received" if is_request else "sent")
        assert (record["local"], record["remote"], record["transport"]) == (here, there, "udp")
        assert any(abs(seconds_of(record) - packet[0]) < 0.5 for packet in truth)
    logged = read(fedge.folder / "kamailio.out")
    assert [octets(record) for record in logged] == [octets(r) for r in records if octets(r).startswith(b"MESSAGE")]


class Collector:
    """Whom agents send HEP to: what comes is saved packet after packet."""

    def __init__(self, address, path):
        self.path = path
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 9060))
        self.packets = []
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()

    def collect(self):
        while True:
            packet = self.socket.recv(65535)
            if not packet:
                return
            self.packets.append(packet)

    def save(self):
        """An empty datagram ends it."""
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join(10)
        self.socket.close()
        self.path.write_bytes(b"".join(self.packets))
        return self.path


SIPTRACE = """\
debug=2
log_stderror=yes
children=2
tcp_children=2
listen=udp:{address}:5060
listen=tcp:{address}:5060
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "siptrace.so"
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "trace_mode", 1)
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "hep_mode_on", 1)
modparam("siptrace", "hep_version", 3)
modparam("siptrace", "hep_capture_id", 2001)
modparam("siptrace", "duplicate_uri", "sip:{address}:9060")
request_route {{
    sl_send_reply("200", "OK");
}}
"""


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_what_agents_send_as_hep(fedge, read, protocol):  # noqa: F811
    """Kamailio sends what it sees itself, sngrep what is in a capture."""
    calling, called = fresh_address(), fresh_address()
    file = fedge.folder / "kamailio.cfg"
    file.write_text(SIPTRACE.format(address=called))
    recorders = Recorders(fedge, called)
    collector = Collector(called, fedge.folder / "kamailio.hep")
    kamailio = fedge.start_other("kamailio", "-f", file, "-DD", "-E", "-m", 16, "-M", 4, name="kamailio")
    wait_until(lambda: is_bound(called, 5060, protocol), 20, "Kamailio listens")
    rungs = [request("MESSAGE", body=QUOTING, kind="text/plain"), receive(200)]
    caller(fedge, calling, called, rungs, mode=MODES[protocol], calls=5, rate=20).wait()
    recorders.stop()
    truth = messages(recorders.capture)
    assert len(truth) == 10
    wait_until(lambda: len(collector.packets) >= 10, 20, "all is sent")
    kamailio.stop()
    seen = {(octets(r), r["local"], r["remote"], r["transport"], r["process"]) for r in read(collector.save(), "hep")}
    assert seen == {(octets_, source, end, protocol, 2001) for _, source, end, octets_ in truth}

    collector = Collector(called, fedge.folder / "sngrep.hep")
    with terminal(["sngrep", "-N", "-I", recorders.capture, "-H", f"udp:{called}:9060"]):
        wait_until(lambda: len(collector.packets) == 10, 20, "sngrep has sent all")
    compare(read(collector.save(), "hep"), truth, protocol)
