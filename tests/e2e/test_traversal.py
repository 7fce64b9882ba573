"""An edge outside and a core inside, joined by a traversal zone: the core dials out and has no port that is reached
from outside, calls go both ways over that connection, and nothing passes before it was proved."""
import hashlib
import json
import re
import signal
import socket
import ssl
import threading
import time

import pytest
from strangers import Wire, callee, caller, context_for, is_bound, message
from support import wait_until

INSIDE, OUTSIDE = "127.78.0.1", "127.78.0.2"  # the core, the edge
PHONE, PARTNER = "127.78.0.3", "127.78.0.4"  # neighbors of the one and of the other
DOOR = 7001
PASSWORD = "let-me-in"
INTERVAL, PATIENCE, RETRY = 1.0, 0.5, 0.2  # s


class Pair:
    """The core's and the edge's configuration; what a test wants otherwise it says."""

    def __init__(self, authority):
        self.authority = authority
        self.core, self.edge = authority.issue("core.lab"), authority.issue("edge.lab")

    def _file(self, node, name, address, workers, certificate, zones, rules):
        file, key = certificate
        return f"""node: {name}
address: {address}
workers: {workers}
domains: [in.lab]
control: {node}.sock
key_file: {node}.key
listen: [{{transport: tcp, port: 5060}}]
tls:
  identities: [{{names: [{name}], certificate: {file}, key: {key}}}]
  authorities: [{self.authority.certificate}]
limits: {{drain: 100ms}}
log: [{{format: json, file: {node}.json}}]
zones:
{zones}
rules:
{rules}
"""

    def inside(self, workers=1, password=PASSWORD, server="edge.lab", zone="Traversal", more="", peer=OUTSIDE):
        zones = f"""  - {{name: {zone}, kind: traversal-client, peers: ["{peer}:{DOOR}"], verify_name: {server},
     username: core, password: {password}, monitor_interval: {INTERVAL:.0f}s, monitor_timeout: {PATIENCE * 1000:.0f}ms,
     retry: {RETRY * 1000:.0f}ms}}
  - {{name: Phones, kind: neighbor, transport: tcp, peers: ["{PHONE}:5060"], monitor: no}}"""
        rules = f"""  - {{name: in, priority: 1, mode: pattern, type: suffix, pattern: "@in.lab", target: Phones, on_match: stop}}
  - {{name: out, priority: 2, target: {zone}}}{more}"""
        return self._file("inside", "core.lab", INSIDE, workers, self.core, zones, rules)

    def outside(self, workers=1, client="core.lab"):
        zones = f"""  - {{name: Inside, kind: traversal-server, port: {DOOR}, verify_name: {client}, username: core,
     password: {PASSWORD}, monitor_interval: {INTERVAL:.0f}s}}
  - {{name: Partner, kind: neighbor, transport: tcp, peers: ["{PARTNER}:5060"], monitor: no}}"""
        rules = """  - {name: in, priority: 1, mode: pattern, type: suffix, pattern: "@in.lab", target: Inside, on_match: stop}
  - {name: out, priority: 2, target: Partner}"""
        return self._file("outside", "edge.lab", OUTSIDE, workers, self.edge, zones, rules)


@pytest.fixture
def fedge(fedge):
    """As conftest's, and no node says a word of a sanitizer."""
    yield fedge
    fedge.stop_all()
    for out in fedge.folder.glob("*.out"):
        assert not re.search("Sanitizer|runtime error:", out.read_text(errors="replace")), out.read_text()[-6000:]


@pytest.fixture(scope="module")
def pair(authority):
    return Pair(authority)


def ask(fedge, node, *arguments):
    return fedge.run(*arguments, "-s", f"{node}.sock", cwd=fedge.folder)


def zone(fedge, node, name):
    """What `fedge status` knows of a zone."""
    done = ask(fedge, node, "status", "--json")
    assert done.stdout, done.stderr
    return next(zone for zone in json.loads(done.stdout)["zones"] if zone["name"] == name)


def wait_state(fedge, node, name, state, why="", seconds=20):
    """The zone's peer, once the zone is in that state (and says why)."""

    def seen():
        now = zone(fedge, node, name)
        peers = [peer for peer in now["peers"] if why in (peer.get("why") or "")]
        return peers and peers[0] if now["state"] == state else None

    return wait_until(seen, seconds, f"zone {name} of {node} is {state} {why}")


def linked(fedge):
    wait_state(fedge, "outside", "Inside", "active")
    wait_state(fedge, "inside", "Traversal", "active")


def records(fedge, node, kind):
    lines = (fedge.folder / f"{node}.json").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == kind]


def wait_record(fedge, node, kind, **wanted):
    def found():
        return [r for r in records(fedge, node, kind) if all(r.get(key) == value for key, value in wanted.items())]

    return wait_until(found, 20, f"{node} writes {kind} {wanted}")


def over_tcp(text):
    return re.sub(r"verify_name: [\w.]+,", "transport: tcp,", text, count=1)


class Relay:
    """What stands between the two and can cut a connection without either of them: a firewall that forgot it."""

    def __init__(self, address):
        self.pairs = []
        self.door = socket.create_server((address, DOOR))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near = self.door.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection((OUTSIDE, DOOR))
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        Relay._shut(one, other)

    @staticmethod
    def _shut(*ends):
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other thread was faster

    def cut(self):
        self._shut(*self.pairs.pop())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._shut(self.door)  # wakes the one who accepts
        self.door.close()
        while self.pairs:
            self.cut()


# ---- calls ----


@pytest.mark.parametrize("workers", [(3, 2)], ids=["three and two workers"])
def test_calls_go_both_ways_over_the_link(fedge, pair, workers):
    """A connection for each call, so that they come to all workers and meet in the one link."""
    fedge.serve(pair.outside(workers=workers[0]), name="outside")
    assert zone(fedge, "outside", "Inside")["state"] == "checking"
    fedge.serve(pair.inside(workers=workers[1]), name="inside")
    linked(fedge)
    for name, from_address, via, to_address, domains in (
            ("out", PHONE, INSIDE, PARTNER, ("out.lab", "in.lab")),
            ("in", PARTNER, OUTSIDE, PHONE, ("in.lab", "out.lab"))):
        answering = callee(fedge, to_address, name=f"callee-{name}", mode="t1", calls=60, domains=domains)
        calling = caller(fedge, from_address, via, name=f"caller-{name}", mode="tn", calls=60, rate=30, port=6000,
                         domains=domains)
        calling.wait()
        answering.wait()
    # Both ways over the connection that the core opened, and never another one.
    opened = [r for r in records(fedge, "outside", "connection") if r["event"] in ("attempted", "opened")]
    assert {r["remote"].rsplit(":", 1)[0] for r in opened} == {PARTNER}
    opened = [r for r in records(fedge, "inside", "connection") if r["event"] == "opened"]
    assert sorted({r["remote"] for r in opened}) == [f"{OUTSIDE}:{DOOR}", f"{PHONE}:5060"]
    assert len([r for r in opened if r["remote"] == f"{OUTSIDE}:{DOOR}"]) == 1
    # The zones stand in Via, as Expressway writes them.
    sent = next(r["bytes"] for r in records(fedge, "outside", "message")
                if r["direction"] == "sent" and r["remote"] == f"{PARTNER}:5060" and r["bytes"].startswith("INVITE"))
    vias = re.findall(r"(?m)^Via: (.*?)\r?$", sent)
    assert ["egress-zone=" + z for z in ("Partner", "Traversal")] == [
        re.search(r"egress-zone=\w+", via).group() for via in vias[:2]]
    assert "ingress-zone=Inside" in vias[1] and "ingress-zone=Phones" in vias[2], vias
    # What would be reached from outside: nothing listens but on the inner address.
    assert is_bound(INSIDE, 5060) and not is_bound(INSIDE, DOOR)
    done = ask(fedge, "inside", "status")
    assert done.returncode == 0 and "zone    Traversal, traversal-client, tls: active" in done.stdout


def test_a_link_without_tls(fedge, pair):
    """Where the network is trusted; the password is still asked for."""
    fedge.serve(over_tcp(pair.outside()), name="outside")
    fedge.serve(over_tcp(pair.inside(workers=2, password="wrong")), name="inside")
    wait_state(fedge, "inside", "Traversal", "failed", "authentication failed")
    (fedge.folder / "inside.yaml").write_text(over_tcp(pair.inside(workers=2)))
    assert ask(fedge, "inside", "config", "reload").returncode == 0
    linked(fedge)
    assert zone(fedge, "inside", "Traversal")["transport"] == "tcp"
    answering = callee(fedge, PHONE, mode="t1", calls=3, domains=("in.lab", "out.lab"))
    caller(fedge, PARTNER, OUTSIDE, mode="t1", calls=3, port=6000, domains=("in.lab", "out.lab")).wait()
    answering.wait()


def test_a_call_outlives_a_restart(fedge, pair):
    """key_file: the edge knows its own marks again, and the dialog finds the link that was made anew."""
    node = fedge.serve(pair.outside(workers=2), name="outside")
    fedge.serve(pair.inside(workers=2), name="inside")
    linked(fedge)
    phone = fedge.start("answer", "--any", "--listen", f"tcp:{PHONE}:5060", "--count", "1", "--json", name="phone")
    partner = fedge.start("call", "--from", "sip:b@out.lab", "--to", "sip:a@in.lab", "--via",
                          f"{OUTSIDE}:5060;transport=tcp", "--address", PARTNER, "--duration", "3600", "--json",
                          ready=False, name="partner")
    wait_record(fedge, "outside", "call", event="connected")
    node.stop()
    fedge.start("serve", "-c", "outside.yaml", name="outside-again", cwd=fedge.folder)
    linked(fedge)
    partner.signal(signal.SIGTERM)  # hangs up
    # The BYE goes from the partner over the new edge and the new link to the phone.
    assert partner.wait(20) == 0, partner.text()
    assert phone.wait(20) == 0, phone.text()
    ended = json.loads(phone.text().splitlines()[-1])
    assert ended["answered"] and ended["ended_by"] == "peer"


@pytest.mark.parametrize("way", ["out", "in"])
def test_a_call_outlives_its_link(fedge, pair, way):
    """The link is cut while it rings, and again while the call stands: answer, ACK and BYE go over the new ones."""
    relay_address = "127.78.0.9"
    with Relay(relay_address) as relay:
        fedge.serve(pair.outside(), name="outside")
        fedge.serve(pair.inside(peer=relay_address), name="inside")
        linked(fedge)

        def cut():
            before = len(records(fedge, "inside", "zone"))
            relay.cut()
            wait_until(lambda: [r["state"] for r in records(fedge, "inside", "zone")[before:]] == ["failed", "active"], 20,
                       "the link is cut and made anew")
            linked(fedge)

        near, far, via, names = (PHONE, PARTNER, INSIDE, ("in", "out")) if way == "out" else (
            PARTNER, PHONE, OUTSIDE, ("out", "in"))
        callee = fedge.start("answer", "--any", "--listen", f"tcp:{far}:5060", "--ring", "2000", "--count", "1", "--json",
                             name="callee")
        calling = fedge.start("call", "--from", f"sip:a@{names[0]}.lab", "--to", f"sip:b@{names[1]}.lab", "--via",
                              f"{via}:5060;transport=tcp", "--address", near, "--duration", "2", "--json", ready=False,
                              name="caller")
        wait_record(fedge, "outside" if way == "out" else "inside", "attempt", event="sent")
        cut()
        wait_record(fedge, "outside" if way == "out" else "inside", "call", event="connected")
        cut()
        assert calling.wait(20) == 0, calling.text()
        assert callee.wait(20) == 0, callee.text()


def test_clients_of_a_cluster_take_turns(fedge, pair):
    fedge.serve(pair.outside(workers=2), name="outside")
    fedge.serve(pair.inside(), name="inside")
    second = pair.inside().replace(INSIDE, "127.78.0.5").replace("inside.", "second.")
    other = fedge.serve(second, name="second")
    wait_until(lambda: [p["state"] for p in zone(fedge, "outside", "Inside")["peers"]] == ["active"] * 2, 20, "both")
    # Whose turn it is, chance says: one of forty goes to each but once in 10^11.
    answering = callee(fedge, PHONE, mode="t1", calls=40, domains=("in.lab", "out.lab"))
    caller(fedge, PARTNER, OUTSIDE, mode="t1", calls=40, rate=40, port=6000, domains=("in.lab", "out.lab")).wait()
    answering.wait()
    for node in ("inside", "second"):
        wait_record(fedge, node, "call", event="connected")
    other.stop()
    wait_until(lambda: len(zone(fedge, "outside", "Inside")["peers"]) == 1, 10, "one is left")
    assert zone(fedge, "outside", "Inside")["state"] == "active"


# ---- proof ----


def digest(challenge, username, password, uri, method="OPTIONS"):
    """The value of an Authorization header (RFC 7616) for qop auth."""
    values = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    hashed = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[values.get("algorithm", "MD5")]

    def h(text):
        return hashed(text.encode()).hexdigest()

    secret = h(f"{username}:{values['realm']}:{password}")
    response = h(f"{secret}:{values['nonce']}:00000001:c0ffee:auth:{h(f'{method}:{uri}')}")
    return (f'Authorization: Digest username="{username}", realm="{values["realm"]}", nonce="{values["nonce"]}", '
            f'uri="{uri}", response="{response}", algorithm={values.get("algorithm", "MD5")}, cnonce="c0ffee", '
            f'qop=auth, nc=00000001')


class Client:
    """Somebody who dials in to the edge's traversal port by hand."""

    def __init__(self, pair, name="core.lab"):
        context = context_for(pair.authority, name)
        self.wire = Wire(OUTSIDE, "tls", context=context, name="edge.lab", port=DOOR)
        self.uri = f"sip:{OUTSIDE}:{DOOR}"

    def options(self, credentials=None):
        return self.wire.ask("OPTIONS", uri=self.uri, extra=[credentials] if credentials else ())

    def challenge(self):
        answer = self.options()
        assert answer.status == 401, answer
        return answer.get("WWW-Authenticate")

    def prove(self, username="core", password=PASSWORD):
        return self.options(digest(self.challenge(), username, password, self.uri))

    def invite(self):
        return self.wire.ask("INVITE", uri="sip:anna@out.lab")


def test_nothing_passes_before_the_proof(fedge, pair):
    fedge.serve(pair.outside(), name="outside")
    partner = callee(fedge, PARTNER, mode="t1", calls=1)

    client = Client(pair)
    for method in ("INVITE", "MESSAGE", "REGISTER", "SUBSCRIBE"):
        answer = client.wire.ask(method, uri="sip:anna@out.lab")
        assert answer.status == 403, answer
    # Nor with what is only a keepalive by its method.
    assert client.wire.ask("OPTIONS", uri="sip:anna@out.lab").status == 403
    assert client.wire.ask("OPTIONS", extra=["Route: <sip:127.78.0.4;lr>"]).status == 403
    assert zone(fedge, "outside", "Inside")["state"] != "active"

    challenge = client.challenge()
    other = Client(pair)
    # A proof is good on its own connection only: another one is asked again.
    assert other.options(digest(challenge, "core", PASSWORD, other.uri)).status == 401
    assert other.invite().status == 403

    for credentials in (("core", "guess"), ("root", PASSWORD), ("core", "")):
        wrong = Client(pair)
        assert wrong.prove(*credentials).status == 401
        wrong.wire.closed(5)
    wait_record(fedge, "outside", "judgement", code="traversal-authentication-failed", status=401)
    wait_state(fedge, "outside", "Inside", "failed", "wrong username or password")

    # Somebody else who knows the password.
    for name in ("thief.lab", None):
        try:
            assert Client(pair, name).options().status == 403
        except (ssl.SSLError, ConnectionError, EOFError):
            assert name is None  # a server may insist on a certificate in the handshake
    wait_record(fedge, "outside", "judgement", code="traversal-certificate-refused", status=403)

    assert client.options(digest(challenge, "core", PASSWORD, client.uri)).status == 200
    assert wait_state(fedge, "outside", "Inside", "active")["why"] is None
    # It is the zone's now: the search rules decide, and lead to the partner.
    assert client.invite().status == 200
    assert partner.is_running()
    # One that does not prove itself again is let go.
    assert 2 * INTERVAL < client.wire.closed(10) < 6 * INTERVAL
    wait_state(fedge, "outside", "Inside", "failed", "has not proved itself")
    done = ask(fedge, "outside", "status")
    assert done.returncode == 1 and "zone    Inside, traversal-server, tls port 7001: failed" in done.stdout


def test_strangers_write_no_log(fedge, pair):
    """Each guess by another name, each knock with another's certificate: a few are recorded, as one change."""
    fedge.serve(pair.outside(), name="outside")
    for number in range(30):
        assert Client(pair).prove(f"name{number}", "guess").status == 401
    wait_state(fedge, "outside", "Inside", "failed", "it came as 'name")
    for number in range(3):
        assert Client(pair, f"thief{number}.lab").options().status == 403
    guesses = wait_record(fedge, "outside", "judgement", code="traversal-authentication-failed", status=401)
    linked_again = Client(pair)
    assert linked_again.prove().status == 200
    wait_record(fedge, "outside", "zone", zone="Inside", state="active")  # all before it are written, too
    changes = [r["reason"] for r in records(fedge, "outside", "zone") if r["state"] == "failed"]
    assert len(changes) == 1 and "wrong username or password" in changes[0], changes
    guesses = [r for r in records(fedge, "outside", "judgement") if r["code"].startswith("traversal-")]
    assert 10 <= len(guesses) <= 20  # a new minute may begin meanwhile


def test_a_wrong_password_is_said_and_mended_by_a_reload(fedge, pair):
    fedge.serve(pair.outside(workers=2), name="outside")
    fedge.serve(pair.inside(workers=2, password="wrong"), name="inside")
    wait_state(fedge, "inside", "Traversal", "failed", "authentication failed: wrong username or password")
    wait_state(fedge, "outside", "Inside", "failed", "wrong username or password (it came as 'core')")
    assert ask(fedge, "inside", "status").returncode == 1
    wait_until(lambda: zone(fedge, "inside", "Traversal")["peers"][0]["failures"] >= 3, 20, "it tries again")
    (fedge.folder / "inside.yaml").write_text(pair.inside(workers=2))
    done = ask(fedge, "inside", "config", "reload")
    assert done.returncode == 0, done.stderr
    linked(fedge)
    assert zone(fedge, "inside", "Traversal")["peers"][0]["failures"] == 0


@pytest.mark.parametrize(("server", "client", "why"), [
    ("other.lab", "core.lab", "its certificate is for edge.lab, not for other.lab"),
    ("edge.lab", "other.lab", "refused; does our certificate carry the name that the server expects?"),
], ids=["the server's", "the client's"])
def test_a_wrong_certificate_name(fedge, pair, server, client, why):
    fedge.serve(pair.outside(client=client), name="outside")
    fedge.serve(pair.inside(server=server), name="inside")
    wait_state(fedge, "inside", "Traversal", "failed", why)
    assert zone(fedge, "outside", "Inside")["state"] in ("checking", "failed")
    if client == "other.lab":
        wait_record(fedge, "outside", "judgement", code="traversal-certificate-refused")
    assert not [r for r in records(fedge, "outside", "zone") if r["state"] == "active"]


# ---- loss ----


def test_a_link_that_is_cut_is_noticed_and_mended(fedge, pair):
    def took(what):
        print(f"{what} after {time.monotonic() - began:.2f} s")

    nodes = {"outside": fedge.serve(pair.outside(workers=2), name="outside"),
             "inside": fedge.serve(pair.inside(workers=2), name="inside")}
    far = {"outside": ("inside", "Traversal"), "inside": ("outside", "Inside")}
    linked(fedge)
    for node, (other, name) in far.items():
        nodes[node].signal(signal.SIGKILL)
        began = time.monotonic()
        wait_state(fedge, other, name, "failed", "the connection ended")
        took(f"{node} killed: noticed")
        nodes[node].wait()
        nodes[node] = fedge.start("serve", "-c", f"{node}.yaml", name=f"{node}-again", cwd=fedge.folder)
        began = time.monotonic()
        linked(fedge)
        took(f"{node} started again: linked")
    # As behind a firewall that drops everything without a word.
    for node, (other, name) in far.items():
        nodes[node].signal(signal.SIGSTOP)
        began = time.monotonic()
        wait_state(fedge, other, name, "failed", "no answer in time" if node == "outside" else "has not proved itself")
        took(f"{node} silent: noticed")
        nodes[node].signal(signal.SIGCONT)
        began = time.monotonic()
        linked(fedge)
        took(f"{node} heard again: linked")


def test_a_reload_keeps_the_link(fedge, pair):
    fedge.serve(pair.outside(workers=2), name="outside")
    fedge.serve(pair.inside(workers=2), name="inside")
    linked(fedge)
    since = {node: zone(fedge, node, name)["peers"][0]["since"]
             for node, name in (("inside", "Traversal"), ("outside", "Inside"))}
    more = '\n  - {name: new, priority: 9, mode: pattern, type: suffix, pattern: "@new.lab", target: Phones}'
    (fedge.folder / "inside.yaml").write_text(pair.inside(workers=2, more=more))
    for node in ("inside", "outside"):
        assert ask(fedge, node, "config", "reload").returncode == 0
    assert zone(fedge, "inside", "Traversal")["peers"][0]["since"] == since["inside"]
    assert zone(fedge, "outside", "Inside")["peers"][0]["since"] == since["outside"]
    # Another name is another zone: the old link is closed, a new one made.
    (fedge.folder / "inside.yaml").write_text(pair.inside(workers=2, zone="Renamed"))
    assert ask(fedge, "inside", "config", "reload").returncode == 0
    wait_state(fedge, "inside", "Renamed", "active")
    wait_until(lambda: zone(fedge, "outside", "Inside")["peers"][0]["since"] != since["outside"], 10, "it is a new one")
    linked_now = wait_state(fedge, "outside", "Inside", "active")
    assert linked_now["why"] is None
    # Another port: the door moves, and whoever was in has to come again.
    text = (fedge.folder / "outside.yaml").read_text()
    (fedge.folder / "outside.yaml").write_text(text.replace(f"port: {DOOR}", f"port: {DOOR + 1}"))
    assert ask(fedge, "outside", "config", "reload").returncode == 0
    wait_until(lambda: is_bound(OUTSIDE, DOOR + 1) and not is_bound(OUTSIDE, DOOR), 10, "the door has moved")
    wait_state(fedge, "inside", "Renamed", "failed")
    # A port that somebody else has is refused, and all stays as it was.
    (fedge.folder / "outside.yaml").write_text(text.replace(f"port: {DOOR}", "port: 5060"))
    assert ask(fedge, "outside", "config", "reload").returncode != 0
    assert is_bound(OUTSIDE, DOOR + 1)


# ---- peers that are watched ----


def test_a_dead_neighbor_is_skipped_and_comes_back(fedge):
    first, second = "127.78.0.11", "127.78.0.12"

    def answering(address, name):
        return fedge.start("answer", "--any", "--listen", f"tcp:{address}:5060", name=name)

    fedge.serve(f"""node: watcher.lab
address: {INSIDE}
workers: 2
control: watcher.sock
listen: [{{transport: tcp, port: 5060}}]
zones:
  - {{name: Callers, kind: neighbor, transport: tcp, peers: ["{PHONE}:5060"], monitor: no}}
  - {{name: Watched, kind: neighbor, transport: tcp, peers: ["{first}:5060", "{second}:5060"], monitor: yes,
     monitor_interval: 1s, monitor_timeout: 500ms}}
rules: [{{name: all, target: Watched}}]
log: [{{format: json, file: watcher.json}}]
""", name="watcher")
    wait_until(lambda: [p.get("state") for p in zone(fedge, "watcher", "Watched")["peers"]] == ["failed"] * 2, 20,
               "both are dead")
    assert zone(fedge, "watcher", "Watched")["state"] == "failed" and ask(fedge, "watcher", "status").returncode == 1
    assert "cannot connect" in zone(fedge, "watcher", "Watched")["peers"][0]["why"]

    answering(second, "second")
    wait_state(fedge, "watcher", "Watched", "active")
    tried = len([r for r in records(fedge, "watcher", "connection") if r["remote"] == f"{first}:5060"])
    code, told = fedge.call("--from", "sip:a@in.lab", "--to", "sip:b@in.lab", "--via", f"{INSIDE}:5060;transport=tcp",
                            "--address", PHONE, "--duration", "0")
    assert code == 0, told
    assert wait_record(fedge, "watcher", "attempt", event="skipped", zone="Watched")
    answering(first, "first")
    wait_until(lambda: [p["state"] for p in zone(fedge, "watcher", "Watched")["peers"]] == ["active"] * 2, 20,
               "both live")
    assert [r["peer"] for r in wait_record(fedge, "watcher", "zone", zone="Watched", state="active")] == [
        f"{second}:5060", f"{first}:5060"]
    assert tried >= 1
