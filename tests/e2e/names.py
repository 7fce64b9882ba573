"""Name servers for tests of DNS: Knot DNS that signs, Unbound, servers that answer whatever a test wants, and a TLS
server for what the names lead to. All on loopback addresses of their own, all stopped with their test file."""
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading

from strangers import fresh_address, run_quietly
from support import ask_dns, wait_until

KNOTD, KEYMGR, UNBOUND = "/usr/sbin/knotd", "/usr/sbin/keymgr", "/usr/sbin/unbound"
SERVICE = "_sipfederationtls._tcp"


class SigningKnot:
    """Zones from text, some of them signed by Knot itself: {zone: [lines]}."""

    def __init__(self, fedge, zones, signed=(), name="knot", port=53, raw=()):
        self.address, self.port, self.folder = fresh_address(), port, fedge.folder / name
        self.folder.mkdir()
        listed = ""
        for zone, lines in zones.items():
            self._write(zone, lines, zone in raw)
            listed += f"  - domain: {zone}\n    file: {self.file(zone)}\n"
            if zone in signed:
                listed += "    dnssec-signing: on\n    dnssec-policy: plain\n"
        self.configuration = self.folder / "knot.conf"
        self.configuration.write_text(
            f"server:\n  listen: {self.address}@{port}\n  rundir: {self.folder}\n  udp-workers: 1\n  tcp-workers: 1\n"
            f"  background-workers: 1\ndatabase:\n  storage: {self.folder}/db\nlog:\n  - target: stderr\n"
            "    any: info\npolicy:\n  - id: plain\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n"
            "template:\n  - id: default\n    zonefile-sync: 0\n    zonefile-load: whole\n    journal-content: none\n"
            f"zone:\n{listed}")
        (self.folder / "db").mkdir()
        self.process = fedge.start_other(KNOTD, "-c", self.configuration, name=name)
        wait_until(lambda: all(self._has(zone) for zone in zones), 20, "the DNS server answers")
        for zone in signed:
            wait_until(lambda z=zone: "RRSIG" in self.file(z).read_text(), 20, f"{zone} is signed")

    def file(self, zone):
        return self.folder / f"{zone}.zone"

    def _write(self, zone, lines, raw):
        head = [] if raw else [f"$ORIGIN {zone}.", "$TTL 300", "@ IN SOA ns h 1 3600 600 86400 30", "@ IN NS ns",
                               f"ns IN A {self.address}"]
        self.file(zone).write_text("\n".join([*head, *lines]) + "\n")

    def _has(self, zone):
        try:
            return ask_dns((self.address, self.port), zone, "SOA", 1) == (0, 1)
        except OSError:
            return False

    def anchor(self, zone):
        """DS records of a signed zone, as a file of trust anchors."""
        path = self.folder / f"{zone}.ds"
        path.write_text(run_quietly(KEYMGR, "-c", self.configuration, zone, "ds"))
        return path

    @property
    def server(self):
        return f"{self.address}@{self.port}"


class Unbound:
    """A recursing resolver that asks `stubs` ({zone: "ADDRESS@PORT"}) for what they hold."""

    def __init__(self, fedge, stubs, anchors=(), name="unbound", more=""):
        self.address, self.port, self.folder = fresh_address(), 5353, fedge.folder / name
        self.folder.mkdir()
        text = (f"server:\n  interface: {self.address}@{self.port}\n  access-control: 127.0.0.0/8 allow\n"
                f"  do-not-query-localhost: no\n  do-daemonize: no\n  use-syslog: no\n  chroot: \"\"\n"
                f"  username: \"\"\n  pidfile: \"\"\n  directory: {self.folder}\n  verbosity: 1\n  num-threads: 1\n"
                f"  module-config: \"{'validator iterator' if anchors else 'iterator'}\"\n{more}")
        for anchor in anchors:
            text += f"  trust-anchor-file: {anchor}\n"
        for zone, server in stubs.items():
            text += f"stub-zone:\n  name: {zone}\n  stub-addr: {server}\n"
        (self.folder / "unbound.conf").write_text(text + "remote-control:\n  control-enable: no\n")
        self.process = fedge.start_other(UNBOUND, "-d", "-c", self.folder / "unbound.conf", name=name)
        wait_until(self._answers, 20, "Unbound answers")

    def _answers(self):
        try:
            return ask_dns((self.address, self.port), "localhost", "A", 1)[0] == 0
        except OSError:
            return False

    @property
    def server(self):
        return f"{self.address}@{self.port}"


# ---- answers made by hand ----


def name_wire(name):
    """A name in wire form; labels may be bytes."""
    labels = [label if isinstance(label, bytes) else label.encode()
              for label in (name.rstrip(".").split(".") if isinstance(name, str) else name) if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question_of(query):
    """(name as text, type, end of the question)"""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0], at + 5


def answer(query, records=(), rcode=0, truncated=False, authority=b""):
    """records: [(wire of the owner, or None for the name asked; type; RDATA)]"""
    _, _, end = question_of(query)
    flags = 0x8580 | (0x0200 if truncated else 0) | rcode
    body = b"".join((owner or b"\xc0\x0c") + struct.pack("!HHIH", kind, 1, 300, len(data)) + data
                    for owner, kind, data in records)
    return (query[:2] + struct.pack("!5H", flags, 1, len(records), 1 if authority else 0, 0) + query[12:end] + body
            + authority)


def srv_data(target, port=5061, priority=0):
    return struct.pack("!3H", priority, 0, port) + (target if isinstance(target, bytes) else name_wire(target))


class Answerer:
    """A UDP name server that says what `reply(query)` gives (None: nothing); over TCP, if at all, what `tcp` gives."""

    def __init__(self, reply, tcp=None):
        self.address, self.port, self.asked = fresh_address(), 5300, []
        self.reply, self.tcp_reply = reply, tcp
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.address, self.port))
        self.tcp = None
        threading.Thread(target=self._serve, daemon=True).start()
        if tcp:
            self.tcp = socket.create_server((self.address, self.port))
            threading.Thread(target=self._serve_tcp, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, who = self.udp.recvfrom(4096)
            except OSError:
                return
            self.asked.append(question_of(query)[:2])
            said = self.reply(query)
            if said is not None:
                self.udp.sendto(said, who)

    def _serve_tcp(self):
        while True:
            try:
                stream, _ = self.tcp.accept()
            except OSError:
                return
            with stream:
                stream.settimeout(5)
                try:
                    length = struct.unpack("!H", stream.recv(2))[0]
                    query = stream.recv(length)
                    self.asked.append((*question_of(query)[:2], "tcp"))
                    said = self.tcp_reply(query)
                    if said is not None:
                        stream.sendall(struct.pack("!H", len(said)) + said)
                except (OSError, struct.error):
                    pass

    @property
    def server(self):
        return f"{self.address}@{self.port}"

    def close(self):
        for end in (self.udp, self.tcp):
            if end:
                end.close()


# ---- what the names lead to ----


class TlsServer:
    """Takes TLS connections on port 5061 and shows a certificate; asks for none unless told to."""

    def __init__(self, certificate, key, address=None):
        self.address, self.port = address or fresh_address(), 5061
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server((self.address, self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        try:
            stream.settimeout(10)
            with self.context.wrap_socket(stream, server_side=True) as tls:
                while tls.recv(4096):
                    pass
        except OSError:
            pass

    def close(self):
        self.listener.close()


def key_digest(certificate):
    """SHA-256 of the certificate's key, in hexadecimal: the data of TLSA 3 1 1."""
    key = run_quietly("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.encode(), capture_output=True,
                         check=True, timeout=30).stdout
    done = subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=der, capture_output=True, check=True, timeout=30)
    return re.match(r"[0-9a-f]{64}", done.stdout.decode()).group(0)


def altered_copy(path, old, new):
    """The lines of a signed zone with one record changed, its signature left as it was."""
    text = pathlib.Path(path).read_text()
    assert old in text, f"{old} is not in\n{text}"
    return text.replace(old, new).splitlines()
