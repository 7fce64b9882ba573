"""Calls of SIPp recorded by tcpdump: what our reader of captures finds is what tshark finds in them, message by message.

Over UDP and TCP through a node, and over TLS between two nodes with a key log, once beside the capture and once inside
it. What tshark has no word for (connections refused, questions without an answer) is compared with what was done."""
import json
import shutil
import socket
import subprocess
import xml.etree.ElementTree as tree

import pytest
from ladder import (CALLEE, CALLER, SDP, ack, ack_refusal, linger, pause, receive, receive_invite, request, respond,
                    respond_inside, respond_kept)
from strangers import MODES, Knot, Node, Wire, callee, caller, fedge, fresh_address, message  # noqa: F401
from support import ask_dns, wait_until

pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("tcpdump", "tshark", "editcap"))),
                                reason="tcpdump, tshark and editcap are needed")

REFUSED = [request("INVITE", body=SDP, label="invite"), receive(100, optional=True)]
CONTACT = "Contact: <sip:2000@elsewhere.example>"
CHALLENGE = 'Proxy-Authenticate: Digest realm="callee.example", nonce="abc"'
CREDENTIALS = 'Proxy-Authorization: Digest username="u", realm="callee.example", nonce="abc", uri="sip:x", response="0"'


def refusing(status, extra="", contact=True):
    return [receive_invite(), respond(status, "No", extra=extra, contact=contact, repeat=True), receive("ACK"), linger()]


# name: the caller's ladder, the callee's
LADDERS = {
    "answered": (CALLER, CALLEE),
    "busy": ([*REFUSED, receive(486), ack_refusal()], refusing(486)),
    "redirected": ([*REFUSED, receive(302), ack_refusal()], refusing(302, CONTACT, contact=False)),
    "cancelled": (
        [*REFUSED, receive(180), pause(50), request("CANCEL", same_branch="invite"), receive(200), receive(487),
         ack_refusal()],
        [receive_invite(), respond(180, "Ringing"), receive("CANCEL"), respond_inside(200, "OK"),
         respond_kept(487, "Request Terminated"), receive("ACK"), linger()]),
    "authenticated": (
        [*REFUSED, receive(407), ack_refusal(),
         request("INVITE", cseq=2, body=SDP, extra=CREDENTIALS), receive(100, optional=True), receive(180, optional=True),
         receive(200, routes=True), ack(2), request("BYE", cseq=3, inside=True), receive(200)],
        [receive_invite(), respond(407, "Proxy Authentication Required", extra=CHALLENGE, repeat=True), receive("ACK"),
         *CALLEE]),
}


class Recording:
    """tcpdump on the loopback while this lives; `file` is whole afterwards."""

    def __init__(self, fedge, name="capture", options=()):
        self.file = fedge.folder / f"{name}.pcap"
        # Immediately, each packet takes the room of the largest: 256 KiB if nothing is said. So there is room for 1,000.
        self.process = fedge.start_other("tcpdump", "-i", "lo", "-s", "65600", "-B", "65536", "-U", "--immediate-mode",
                                         "-w", self.file, *options, name=f"tcpdump-{name}")

    def __enter__(self):
        wait_until(lambda: "listening on" in self.process.text(), 20, "tcpdump listens")
        return self

    def __exit__(self, *_):
        # What was sent is in the file once it has not grown for a moment.
        sizes = []

        def is_still():
            sizes.append(self.file.stat().st_size)
            return len(sizes) > 30 and len(set(sizes[-30:])) == 1

        wait_until(is_still, 20, "the capture is still")
        self.process.stop()
        assert "0 packets dropped by kernel" in self.process.text()


# ---- the two readers ----


def by_tshark(file, *options):
    """[(packet, from, to, first line, Call-ID, CSeq)] in order."""
    done = subprocess.run(["tshark", "-r", file, "-T", "pdml", "-d", "tcp.port==5061,tls", *map(str, options)],
                          capture_output=True, check=True, timeout=120)
    found = []
    for packet in tree.fromstring(done.stdout).iter("packet"):
        def value(name, inside):
            field = inside.find(f".//field[@name='{name}']")
            return None if field is None else field.get("show")

        number = int(packet.find("proto[@name='geninfo']/field[@name='num']").get("show"))
        layer = packet.find("proto[@name='udp']")
        port = "udp" if layer is not None else "tcp"
        for sip in packet.findall("proto[@name='sip']"):
            first = value("sip.Request-Line", sip) or value("sip.Status-Line", sip)
            ends = [f"{value(f'ip.{side}', packet)}:{value(f'{port}.{side}port', packet)}" for side in ("src", "dst")]
            found.append((number, *ends, first, value("sip.Call-ID", sip), value("sip.CSeq", sip)))
    return found


def records(program, file, *options):
    """[(packet, record)], and what was not read."""
    tool = program.parent / "tests/tools/trace_read"
    done = subprocess.run([tool, *map(str, options), "capture", file], capture_output=True, check=True, timeout=120)
    read = [line.split("\t", 1) for line in done.stdout.decode().splitlines()]
    unread = [line for line in done.stderr.decode().splitlines() if line.startswith("unread")]
    return [(int(number), json.loads(text)) for number, text in read], unread


def header(text, name):
    for line in text.split("\r\n\r\n")[0].split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def by_us(program, file, *options):
    read, _ = records(program, file, *options)
    return [(number, r["local"], r["remote"], r["bytes"].split("\r\n")[0], header(r["bytes"], "call-id"),
             header(r["bytes"], "cseq")) for number, r in read if r["kind"] == "message"]


def compare(program, file, least, ours=(), theirs=()):
    """Both find the same, and no fewer messages than that."""
    expected, found = by_tshark(file, *theirs), by_us(program, file, *ours)
    assert found == expected
    assert len(found) >= least, found
    return found


# ---- calls ----


def place_call(fedge, caller_address, to, callee_address, name, protocol, calls):
    calling_rungs, answering_rungs = LADDERS[name]
    answering = callee(fedge, callee_address, answering_rungs, mode=MODES[protocol], calls=calls)
    calling = caller(fedge, caller_address, to, calling_rungs, mode=MODES[protocol], calls=calls, rate=100)
    calling.wait()
    answering.wait()


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@pytest.mark.parametrize("name", LADDERS)
def test_a_call_through_a_node(fedge, program, name, protocol):
    caller_address, callee_address = fresh_address(), fresh_address()
    neighbors = {"callers": (protocol, [f"{caller_address}:5060"]), "callees": (protocol, [f"{callee_address}:5060"])}
    node = Node(fedge, neighbors, "callees")
    with Recording(fedge) as recording:
        place_call(fedge, caller_address, node.address, callee_address, name, protocol, 10)
    found = compare(program, recording.file, 10 * 2 * len(LADDERS[name][1]) // 2)
    assert len({call_id for *_, call_id, _ in found}) == 10


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_in_pieces_of_any_size(fedge, program, protocol):
    """What an archive gives: the same in pieces of 100 bytes."""
    caller_address, callee_address = fresh_address(), fresh_address()
    neighbors = {"callers": (protocol, [f"{caller_address}:5060"]), "callees": (protocol, [f"{callee_address}:5060"])}
    node = Node(fedge, neighbors, "callees")
    with Recording(fedge) as recording:
        place_call(fedge, caller_address, node.address, callee_address, "answered", protocol, 20)
    compare(program, recording.file, 20 * 12, ours=["--piece", "100"])


def test_timed_out(fedge, program):
    """An INVITE that nobody answers, again and again."""
    address = fresh_address()
    with Recording(fedge) as recording, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((address, 5060))
        with Wire(address, "udp") as wire:
            invite = message(wire, "INVITE", body=SDP.replace("\n", "\r\n"), kind="application/sdp")
            for _ in range(4):
                wire.send(invite)
    found = compare(program, recording.file, 4)
    assert [first for _, _, _, first, _, _ in found] == [f"INVITE sip:{address} SIP/2.0"] * 4


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tls_between_two_nodes(fedge, program, authority, version):
    """The key log of one side is enough; editcap puts it into the capture."""
    names = ["left", "right"]
    caller_address, callee_address = fresh_address(), fresh_address()
    addresses = {name: fresh_address() for name in names}
    knot = Knot(fedge, {"example": [f"{name}{version} IN A {address}" for name, address in addresses.items()]})

    def node(name, other, leaf, target):
        certificate, key = authority.issue(f"{name}{version}.example", addresses[name])
        neighbors = {"leaf": ("tcp", [f"{leaf}:5060"]),
                     "other": ("tls", [f"{addresses[other]}:5061"], f"verify_name: {other}{version}.example")}
        return Node(fedge, neighbors, target, name=name, address=addresses[name], listen="tcp tls", workers=1, more=f"""tls:
  identities: [{{names: [{name}{version}.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
  minimum_version: {version}
  keylog: {fedge.folder / name}.keys
dns: {{servers: ["{knot.server}"]}}
""", host=f"{name}{version}.example")

    with Recording(fedge) as recording:
        node("right", "left", callee_address, "leaf")
        left = node("left", "right", caller_address, "other")
        place_call(fedge, caller_address, left.address, callee_address, "answered", "tcp", 10)
    keys = fedge.folder / "left.keys"
    found = compare(program, recording.file, 10 * 3 * 6, ["--keys", keys], ["-o", f"tls.keylog_file:{keys}"])
    ports = {end.split(":")[1] for _, *ends, _, _, _ in found for end in ends}
    assert "5061" in ports

    with_secrets = fedge.folder / "secrets.pcapng"
    subprocess.run(["editcap", "--inject-secrets", f"tls,{keys}", recording.file, with_secrets], check=True, timeout=60)
    assert by_us(program, with_secrets) == found

    read, unread = records(program, recording.file, "--keys", keys)
    shaken = [r for _, r in read if r["kind"] == "handshake"]
    assert not unread
    assert [(r.get("failed", False), r["role"]) for r in shaken] == [(False, "client"), (False, "server")] * (len(shaken) // 2)
    assert {r["common_name"] for r in shaken} == {f"left{version}.example", f"right{version}.example"}
    assert f"right{version}.example" in shaken[0]["names"]

    # Without keys the rest is read all the same, and what is not is told.
    read, unread = records(program, recording.file)
    assert [m for m in found if "5061" not in m[1] + m[2]] == [
        m for m in by_us(program, recording.file) if "5061" not in m[1] + m[2]]
    assert unread and all("encrypted" in line for line in unread)


# ---- what is no message ----


def test_connections_that_fail(fedge, program):
    address = fresh_address()
    with Recording(fedge) as recording:
        for port in (5061, 5060):
            with socket.socket() as refused, pytest.raises(ConnectionRefusedError):
                refused.connect((address, port))
    read, _ = records(program, recording.file)
    assert [(r["kind"], r["event"], r["remote"], r["reason"]) for _, r in read] == [
        ("connection", "failed", f"{address}:{port}", "Connection refused") for port in (5061, 5060)]


def test_questions(fedge, program):
    knot = Knot(fedge, {"right.example": ["_sipfederationtls._tcp IN SRV 0 0 5061 edge", "edge IN A 192.0.2.7"]}, port=53)
    with Recording(fedge) as recording:
        for name, kind in (("_sipfederationtls._tcp.right.example", "SRV"), ("edge.right.example", "A"),
                           ("edge.right.example", "AAAA"), ("nobody.right.example", "SRV"), ("other.example", "A")):
            ask_dns((knot.address, 53), name, kind)
    read, _ = records(program, recording.file)
    assert [(r["type"], r["name"]) for _, r in read if r["kind"] == "dns-query"][:2] == [
        ("SRV", "_sipfederationtls._tcp.right.example"), ("A", "edge.right.example")]
    assert [(r["status"], r["records"] if "records" in r else []) for _, r in read if r["kind"] == "dns-answer"] == [
        ("ok", ["0 0 5061 edge.right.example."]), ("ok", ["192.0.2.7"]), ("nodata", []), ("nxdomain", []), ("refused", [])]


def test_a_link_layer_of_linux(fedge, program):
    """tcpdump -i any writes Linux's own header."""
    address = fresh_address()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((address, 5060))
        file = fedge.folder / "any.pcap"
        process = fedge.start_other("tcpdump", "-i", "any", "-U", "--immediate-mode", "-w", file, name="tcpdump-any")
        wait_until(lambda: "listening on" in process.text(), 20, "tcpdump listens")
        with Wire(address, "udp") as wire:
            wire.send(message(wire))
        wait_until(lambda: file.exists() and file.stat().st_size > 300, 20, "the packet is in the capture")
        process.stop()
    compare(program, file, 1)
