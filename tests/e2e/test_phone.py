"""The small phone as something registered: a registrar that is only a socket and says what it likes.

What is shown: digest, readiness only once it stands, calls back over the connection it registered by, a refresh before
the end, a new registration in place of a lost one, Min-Expires, refusals, and the end taken back.
"""
import contextlib
import hashlib
import json
import re
import select
import socket
import threading
import time

import pytest

from support import wait_until

USER, PASSWORD, REALM = "2000", "a secret", "steven.lab"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def header(message, name):
    found = re.search(rf"^{name}:[ \t]*(.*?)\r?$", message, re.M | re.I)
    return found.group(1) if found else None


class Registrar:
    """Answers REGISTER at 127.0.0.1 over TCP or UDP; what it is asked stands in `asked`, one text a request.

    expires: what it grants; refuse: a status it answers with; minimum: of Min-Expires; challenge: whether it wants
    credentials. Other requests get 200.
    """

    def __init__(self, protocol="tcp", port=0, expires=3600, challenge=True, refuse=None, minimum=0):
        self.protocol, self.expires, self.challenge = protocol, expires, challenge
        self.refuse, self.minimum = refuse, minimum
        self.asked, self.replies, self.connections = [], [], []
        self._ending = threading.Event()
        if protocol == "tcp":
            self.socket = socket.create_server(("127.0.0.1", port))
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def where(self):
        return f"127.0.0.1:{self.port};transport={self.protocol}"

    def _serve(self):
        while not self._ending.is_set():
            if not select.select([self.socket], [], [], 0.05)[0]:
                continue
            try:
                if self.protocol == "udp":
                    data, peer = self.socket.recvfrom(65536)
                    self._heard(data.decode(), lambda text, to=peer: self.socket.sendto(text.encode(), to))
                else:
                    connection, _ = self.socket.accept()
                    self.connections.append(connection)
                    threading.Thread(target=self._converse, args=(connection,), daemon=True).start()
            except OSError:
                return

    def _converse(self, connection):
        data = b""
        while True:
            try:
                more = connection.recv(65536)
            except OSError:
                return
            if not more:
                return
            data += more
            while b"\r\n\r\n" in data:
                head, _, rest = data.partition(b"\r\n\r\n")
                length = int(header(head.decode() + "\r\n", "Content-Length") or 0)
                if len(rest) < length:
                    break
                data = rest[length:]
                self._heard(head.decode() + "\r\n\r\n" + rest[:length].decode(),
                            lambda text: connection.sendall(text.encode()))

    def _heard(self, message, say):
        if message.startswith("SIP/2.0"):
            self.replies.append(message)
            return
        self.asked.append(message)
        say(self._answer(message))

    def _answer(self, message):
        method = message.split(" ", 1)[0]
        status, more = "200 OK", []
        expires = int(header(message, "Expires") or 3600)
        if method == "REGISTER" and self.challenge and not self._proves(message):
            status = "401 Unauthorized"
            more = [f'WWW-Authenticate: Digest realm="{REALM}", nonce="{len(self.asked)}", qop="auth"']
        elif method == "REGISTER" and self.refuse:
            status = self.refuse
        elif method == "REGISTER" and 0 < expires < self.minimum:
            status, more = "423 Interval Too Brief", [f"Min-Expires: {self.minimum}"]
        elif method == "REGISTER" and expires:
            contact = re.sub(r";expires=\d+", "", header(message, "Contact"))
            more = ["Contact: <sip:another@192.0.2.1>;expires=7", f"Contact: {contact};expires={self.expires}"]
        copied = [f"{n}: {header(message, n)}" for n in ("Via", "From", "Call-ID", "CSeq")]
        to = header(message, "To")
        return "\r\n".join([f"SIP/2.0 {status}", *copied, f"To: {to};tag=registrar", *more, "Content-Length: 0", "", ""])

    @staticmethod
    def _proves(message):
        given = header(message, "Authorization")
        if not given:
            return False
        part = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        first, second = md5(f"{USER}:{REALM}:{PASSWORD}"), md5(f"REGISTER:{part['uri']}")
        return part["response"] == md5(f"{first}:{part['nonce']}:{part['nc']}:{part['cnonce']}:{part['qop']}:{second}")

    def of(self, method):
        return [message for message in self.asked if message.startswith(method + " ")]

    def proved(self):
        return [message for message in self.of("REGISTER") if header(message, "Authorization") or not self.challenge]

    def drop(self):
        for connection in self.connections:
            with contextlib.suppress(OSError):  # it has left by itself
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self.connections.clear()

    def close(self):
        self._ending.set()
        self.drop()
        self.socket.close()


@pytest.fixture
def registrar():
    made = []

    def make(*arguments, **more):
        made.append(Registrar(*arguments, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def phone(fedge, tmp_path):
    (tmp_path / "password").write_text(PASSWORD + "\n")

    def start(where, *more, **how):
        return fedge.start("answer", "--as", "sip:2000@steven.lab", "--register", where, "--username", USER,
                           "--password-file", tmp_path / "password", "--address", "127.0.0.1", "--json", *more,
                           name="phone", **how)

    return start


def told(process):
    return [json.loads(line) for line in process.text().splitlines() if line.startswith("{")]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_is_ready_once_it_stands_and_leaves_in_order(registrar, phone, protocol):
    to = registrar(protocol)
    process = phone(to.where)
    assert [header(m, "CSeq") for m in to.of("REGISTER")] == ["1 REGISTER", "2 REGISTER"], "challenged once"
    first = to.proved()[0]
    assert first.startswith("REGISTER sip:steven.lab SIP/2.0")
    assert header(first, "To") == "<sip:2000@steven.lab>"
    assert "outbound" in header(first, "Supported") and ";reg-id=1" in header(first, "Contact")
    assert told(process)[0] == {"registration": "stands", "user": "sip:2000@steven.lab", "registrar": "127.0.0.1",
                                "status": 200, "reason": "OK", "expires_s": 3600}
    assert process.stop() == 0
    last = to.proved()[-1]
    assert header(last, "Expires") == "0" and ";expires=0" in header(last, "Contact"), "the binding is taken back"
    assert header(last, "Call-ID") == header(first, "Call-ID")


@pytest.mark.parametrize("by", ["address", "contact"])
def test_calls_come_back_over_its_own_connection(registrar, phone, by):
    """A registrar asks for the contact (RFC 3261 16.5), whatever it was called for."""
    to = registrar("tcp")
    process = phone(to.where)
    contact = header(to.proved()[-1], "Contact")
    uri = "sip:2000@steven.lab" if by == "address" else contact[contact.index("<") + 1:contact.index(">")]
    invite = (f"INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bK1\r\n"
              "Max-Forwards: 70\r\nFrom: <sip:b@example.com>;tag=1\r\nTo: <sip:2000@steven.lab>\r\nCall-ID: back\r\n"
              "CSeq: 1 INVITE\r\nContact: <sip:b@127.0.0.1:1;transport=tcp>\r\nContent-Length: 0\r\n\r\n")
    to.connections[-1].sendall(invite.encode())
    ok = wait_until(lambda: next((m for m in to.replies if m.startswith("SIP/2.0 200")), None))
    again = invite.replace("To: <sip:2000@steven.lab>", f"To: {header(ok, 'To')}").replace("z9hG4bK1", "z9hG4bK2")
    to.connections[-1].sendall(again.replace("INVITE", "ACK").encode())
    bye = again.replace("1 INVITE", "2 BYE").replace("INVITE", "BYE").replace("z9hG4bK2", "z9hG4bK3")
    to.connections[-1].sendall(bye.encode())
    wait_until(lambda: any(t.get("outcome") == "answered" and t["call_id"] == "back" for t in told(process)))


def test_refreshes_before_the_end(registrar, phone):
    to = registrar("tcp", expires=2)
    phone(to.where)
    wait_until(lambda: len(to.proved()) >= 3, 10)
    assert len(to.connections) == 1, "all over one connection"
    numbers = [int(header(m, "CSeq").split()[0]) for m in to.of("REGISTER")]
    assert numbers == sorted(set(numbers))


def test_begins_again_when_the_connection_is_lost(registrar, phone):
    to = registrar("tcp")
    process = phone(to.where)
    before = to.proved()[-1]
    to.drop()
    lost = time.monotonic()
    wait_until(lambda: len(to.proved()) >= 2, 10)
    assert time.monotonic() - lost < 8, "seen by itself, not at the next refresh"
    wait_until(lambda: [t["registration"] for t in told(process)] == ["stands", "failed", "stands"])

    def instance(message):
        return re.search(r'\+sip\.instance="<(urn:uuid:[^>]*)>"', message).group(1)

    assert instance(to.proved()[-1]) == instance(before), "the new binding takes the old one's place"


def test_asks_for_longer_where_it_must(registrar, phone):
    to = registrar("tcp", minimum=90, expires=90)
    phone(to.where, "--expires", "10")
    assert [header(m, "Expires") for m in to.of("REGISTER") if header(m, "Authorization")][-1] == "90"


def test_waits_for_a_registrar_that_is_not_there_yet(registrar, phone):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = phone(f"127.0.0.1:{port};transport=tcp", ready=False)
    wait_until(lambda: told(process), of="a failed attempt is told")
    assert told(process)[0]["registration"] == "failed"
    to = registrar("tcp", port)
    wait_until(lambda: told(process)[-1]["registration"] == "stands", 20)
    assert to.proved()


def test_a_refusal_at_first_ends_it(registrar, phone):
    to = registrar("tcp", refuse="403 Forbidden")
    process = phone(to.where, ready=False)
    assert process.wait(20) == 3
    assert told(process)[0]["status"] == 403


def test_a_wrong_password_ends_it_and_is_not_tried_for_ever(registrar, phone, tmp_path):
    to = registrar("tcp")
    (tmp_path / "password").write_text("another\n")
    process = phone(to.where, ready=False)
    assert process.wait(20) == 3
    assert len(to.of("REGISTER")) == 2
