"""A partner's side and our own, played by hand: what the tests of `test_strangers.py` put around a node.

A `Side` is a SIP element at an address of its own: it keeps all that reaches it, also what is no SIP, and
answers as it is told to. A `Call` is a dialog that a partner began over TLS and can go on with, well or badly.
"""
import re
import select
import socket
import ssl
import threading
import time
import types

from strangers import Message, Wire, message
from support import wait_until

SETTLED = 0.1  # s; what was to arrive has arrived


def split_values(values):
    """Header values that may be listed with commas, one by one."""
    return [value for line in values for value in re.split(r",\s*(?=<)", line)]


def response(asked, status, reason="Text", *extra, tag="side", contact=None, body=""):
    """The answer to a request, as text."""
    lines = [f"SIP/2.0 {status} {reason}"]
    for name in ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq"):
        for value in asked.all(name):
            lines.append(f"{name}: {value}" + (f";tag={tag}" if name == "To" and ";tag=" not in value else ""))
    if contact:
        lines.append(f"Contact: {contact}")
    return "\r\n".join([*lines, *extra, f"Content-Length: {len(body)}", "", body])


class Side:
    """Doors are (protocol, port); with `context` its tls doors finish a handshake, without they only see it begin.

    received: the requests, as (protocol, port, Message); replies: the answers that came; touched: connections
    accepted and datagrams taken. answers: {method: function(message) -> text or None}; everything else gets 200, or
    nothing where `silent`.
    """

    def __init__(self, address, *doors, context=None, silent=False):
        self.address, self.context, self.silent = address, context, silent
        self.received, self.touched, self.replies, self.answers = [], 0, [], {}
        self.sockets = {}
        self._ending = threading.Event()
        for protocol, port in doors:
            self.sockets[protocol, port] = self._open(protocol, port)

    def _open(self, protocol, port):
        if protocol == "udp":
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.bind((self.address, port))
        else:
            opened = socket.create_server((self.address, port))
        threading.Thread(target=self._serve, args=(opened, protocol, port), daemon=True).start()
        return opened

    def _serve(self, opened, protocol, port):
        while not self._ending.is_set():
            if not select.select([opened], [], [], 0.2)[0]:
                continue
            try:
                if protocol == "udp":
                    wire = _wire(opened, "udp")
                    data, wire.peer = opened.recvfrom(65536)
                    self.touched += 1
                    head, _, body = data.partition(b"\r\n\r\n")
                    self._heard(wire, port, Message(head, body))
                else:
                    connection, _ = opened.accept()
                    self.touched += 1
                    threading.Thread(target=self._converse, args=(connection, protocol, port), daemon=True).start()
            except OSError:
                return

    def _converse(self, connection, protocol, port):
        connection.settimeout(20)
        with connection:
            try:
                if protocol == "tls" and self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                wire = _wire(connection, protocol)
                while not self._ending.is_set():
                    self._heard(wire, port, wire.read(60))
            except (OSError, EOFError, AttributeError, ValueError):
                pass

    def _heard(self, wire, port, heard):
        if heard.status:
            self.replies.append(heard)
            return
        self.received.append((wire.protocol, port, heard))
        text = self._answer(heard)
        if text and wire.protocol == "udp":
            wire.socket.sendto(text.encode(), wire.peer)
        elif text:
            wire.send(text)

    def _answer(self, asked):
        if asked.method == "ACK" or self.silent:
            return None
        if asked.method in self.answers:
            return self.answers[asked.method](asked)
        return response(asked, 200, "OK", contact=self.contact())

    def contact(self):
        protocol, port = next(iter(self.sockets))
        return f"<sip:side@{self.address}:{port};transport={protocol}>"

    def of(self, call_id, method=None):
        return [m for _, _, m in self.received if m.get("Call-ID") == call_id and method in (None, m.method)]

    def await_request(self, call_id, method, seconds=20):
        return wait_until(lambda: self.of(call_id, method), seconds, f"{method} reaches {self.address}")[0]

    def ask(self, node, text, seconds=20):
        """Sends a request by its own udp socket and gives the final answer."""
        before = len(self.replies)
        call_id = re.search(r"(?im)^Call-ID:\s*(\S+)", text).group(1)
        (_, port), opened = next((door, s) for door, s in self.sockets.items() if door[0] == "udp")
        opened.sendto(text.encode(), (node.address, 5060))

        def answered():
            # Answers to earlier INVITEs are repeated until their ACK comes, which nobody sends.
            return [r for r in self.replies[before:] if r.status >= 200 and r.get("Call-ID") == call_id]

        return wait_until(answered, seconds, "a final answer")[0]

    def as_wire(self, node, protocol="udp"):
        """What strangers.message wants to know of a sender."""
        return types.SimpleNamespace(local=(self.address, 5060), protocol=protocol, to=(node.address, 5060))

    def close(self):
        self._ending.set()
        for opened in self.sockets.values():
            opened.close()


def _wire(connected, protocol):
    wire = Wire.__new__(Wire)
    wire.protocol, wire.bytes, wire.socket = protocol, b"", connected
    return wire


class Quiet:
    """with Quiet(side, …): nothing reaches these sides meanwhile."""

    def __init__(self, *sides):
        self.sides = sides

    def __enter__(self):
        self.before = [(side.touched, len(side.received)) for side in self.sides]
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        time.sleep(SETTLED)
        for side, (touched, received) in zip(self.sides, self.before):
            assert side.received[received:] == [], f"reached {side.address}"
            if side.silent:
                assert side.touched == touched, f"{side.address} was connected to"


def client_context(authority, pair=None, version=None):
    """What a partner's edge comes with: its certificate, or none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.certificate)
    if pair:
        context.load_cert_chain(*pair)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def server_context(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


def renew(text, header, value):
    """The message with another value (None: without it)."""
    new = "" if value is None else f"{header}: {value}\r\n"
    changed, count = re.subn(rf"(?m)^{header}: .*\r\n", lambda _: new, text, count=1)
    assert count == 1, header
    return changed


class Call:
    """A call that a partner began; asks what is asked inside of it."""

    def __init__(self, wire, answer, uri, caller, contact=None):
        self.call_id, self.to_tag = answer.get("Call-ID"), answer.get("To").partition(";tag=")[2]
        # Those beyond his edge he takes away himself.
        self.routes = [r for r in split_values(answer.all("Record-Route"))[::-1] if "proxy-call-id" in r]
        self.target = re.search(r"<(.*?)>", answer.get("Contact")).group(1)
        self.wire, self.uri, self.caller, self.contact, self.cseq = wire, uri, caller, contact, 1

    @classmethod
    def begin(cls, wire, uri, caller, contact=None, **more):
        text = message(wire, "INVITE", uri, caller=caller, **more)
        wire.send(renew(text, "Contact", contact) if contact else text)
        answer = wire.answer()
        assert answer.status == 200, answer
        return cls(wire, answer, uri, caller, contact)

    def text(self, method, wire=None, **changes):
        """A request in the dialog; every part of it can be another."""
        self.cseq += method not in ("ACK", "CANCEL")
        routes = changes.pop("routes", self.routes)
        values = {"uri": self.target, "to": self.uri, "caller": self.caller, "call_id": self.call_id, "cseq": self.cseq,
                  "to_tag": self.to_tag, **changes}
        extra = [*(f"Route: {route}" for route in routes), *values.pop("extra", ())]
        return message(wire or self.wire, method, extra=extra, **values)

    def ask(self, method, wire=None, **changes):
        wire = wire or self.wire
        wire.send(self.text(method, wire, **changes))
        return wire.answer()

    def acknowledge(self, wire=None):
        (wire or self.wire).send(self.text("ACK", wire, cseq=1))

    def from_callee(self, side, node, method):
        """The same dialog from the other end, which `side` is: its routes are those the INVITE brought."""
        invite = side.of(self.call_id, "INVITE")[0]
        target = re.search(r"<(.*?)>", invite.get("Contact")).group(1)
        extra = [f"Route: {route}" for route in split_values(invite.all("Record-Route"))]
        text = message(side.as_wire(node), method, target, extra=extra, call_id=self.call_id)
        text = renew(text, "From", f"<{self.uri}>;tag={self.to_tag}")
        return renew(text, "To", invite.get("From"))
