"""No configuration that the project ships carries strangers to third parties.

Every file is found by itself: docs/examples, the complete files in the Markdown pages, what `fedge lab` writes. What
stands in one folder is started together, so that every way through it is open; at the neighbors' addresses stand
sides that take whatever comes. Then strangers come to every door: without a name over UDP and TCP, with a certificate
that proves a domain of their own, and as a partner that the file lists. All of them want something of a third party,
which is there, in the DNS, with a good certificate, and listens: it must hear nothing, each must be refused, and the
node's log must have it. That the third party would hear is shown with a configuration that is open.
"""
import contextlib
import itertools
import re
import ssl
import time

import pytest
import yaml
from partner import SETTLED, Side, client_context, renew, server_context
from shipped import DNS, EXAMPLES, ROOT, Shipped, end, install_kamailio, start_kamailio
from strangers import Knot, Wire, message
from support import Authority, Fedge, Lab, wait_until

STRANGER, SINK = "127.73.200.1", "127.73.200.66"
THIRD, STRANGERS = "third.example", "strangers.example"
STRANGER_COUNT = 120  # a domain for each request: none comes near its limits

# ---- what is shipped ----


def complete(text):
    """Is it a whole file of a node?"""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return isinstance(document, dict) and "node" in document and "listen" in document


def shipped_folders():
    """{name: [what starts together]}: files of a node as Shipped, Kamailio's as paths."""
    found = {}
    for file in sorted(EXAMPLES.rglob("*.yaml")):
        if complete(file.read_text()):
            name = str(file.parent.relative_to(EXAMPLES.parent))
            found.setdefault(name, []).append(Shipped(file.stem, file.read_text()))
    for file in sorted(EXAMPLES.rglob("kamailio.cfg")):
        found.setdefault(str(file.parent.relative_to(EXAMPLES.parent)), []).append(file)
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        blocks = [block for block in re.findall(r"(?ms)^```yaml\n(.*?)^```", page.read_text()) if complete(block)]
        for number, block in enumerate(blocks, 1):
            found[f"{page.name} {number}"] = [Shipped("node", block)]
    return found


FOLDERS = shipped_folders()


def allowed_partners(shipped):
    """[(domain, host name)] of the partners that a file lists."""
    listed = shipped.document.get("trust", {}).get("allowed", ())
    pairs = [(p, None) if isinstance(p, str) else (p["domain"], p.get("server")) for p in listed]
    return [(domain, (server or f"edge.{domain}").split(":")[0]) for domain, server in pairs]


def federated(host, address):
    return [f"_sipfederationtls._tcp IN SRV 0 0 5061 {host}.", f"{host}. IN A {address}"]


# ---- those who are not ours ----

class World:
    """The DNS, the third party, and the strangers' certificates."""

    def __init__(self, program, folder):
        self.fedge, self.folder = Fedge(program, folder), folder
        self.authority = Authority(folder / "authority")
        zones = {
            THIRD: [*federated(f"edge.{THIRD}", SINK), f"@ IN A {SINK}",
                    f"_sips._tcp IN SRV 0 0 5061 edge.{THIRD}.", f"_sip._tcp IN SRV 0 0 5060 edge.{THIRD}.",
                    f"_sip._udp IN SRV 0 0 5060 edge.{THIRD}."],
            STRANGERS: [line for n in range(STRANGER_COUNT) for line in (
                f"_sipfederationtls._tcp.s{n} IN SRV 0 0 5061 edge.s{n}", f"edge.s{n} IN A {STRANGER}")],
        }
        for shipped in itertools.chain(*FOLDERS.values()):
            for domain, host in allowed_partners(shipped) if isinstance(shipped, Shipped) else ():
                zones[domain] = federated(host, STRANGER) if host.endswith(f".{domain}") else []
        Knot(self.fedge, zones, address=DNS)
        self.sink = Side(SINK, ("udp", 5060), ("tcp", 5060), ("tls", 5061), ("tcp", 5061 + 1), ("tls", 7001),
                         context=server_context(self.authority.issue(f"edge.{THIRD}", THIRD)), silent=True)
        self.strangers = self.authority.issue(*(f"edge.s{n}.{STRANGERS}" for n in range(STRANGER_COUNT)))

    def close(self):
        self.sink.close()
        self.fedge.stop_all()


@pytest.fixture(scope="module")
def world(program, tmp_path_factory):
    made = World(program, tmp_path_factory.mktemp("world"))
    yield made
    made.close()
    for out in made.folder.rglob("*.out"):
        assert not re.search("Sanitizer|runtime error:", out.read_text(errors="replace")), out.read_text()[-6000:]


# ---- what they ask for ----

OURS_WITH_MADDR = "ours with maddr"  # a Route of ours is taken away as ever, and then the request is for our own user
FOREIGN, OURS, SCHEME = "foreign", "ours", "scheme"  # whom a request is for: the third party, us, nobody SIP knows


def wishes(node, host, port, domain, protocol):
    """[(name, method, whom it is for, Request-URI, more of the request)] of what leads to the third party, if anything
    does."""
    ours, third, at = f"sip:2000@{domain}", f"sip:victim@{THIRD}", f"sip:victim@{SINK}"
    token = "00" + "0123456789abcdef" * 2
    us = f"<sip:{node};lr>", f"<sip:{host}:{port};transport={protocol};lr>", f"<sip:{token}@{host}:{port};lr>"
    beyond = f"<sip:{SINK}:5060;transport=tcp;lr>"
    asserted = f"P-Asserted-Identity: <{ours}>"
    plain = [(f"{method} to a foreign domain", method, FOREIGN, third, {})
             for method in ("INVITE", "MESSAGE", "REGISTER", "OPTIONS", "SUBSCRIBE", "BYE", "INFO", "REFER", "PUBLISH")]
    uris = {
        "a foreign address": at, "an address and TCP": f"{at}:5060;transport=tcp", "an address, nobody": f"sip:{SINK}",
        "a foreign host": f"sip:{THIRD}", "sips": f"sips:victim@{THIRD}", "a port": f"{third}:5061;transport=tls",
        "our host, maddr": f"sip:victim@{host}:{port};maddr={SINK}", "our name, maddr": f"sip:{node};maddr={SINK}",
        "our domain, maddr": f"{ours};maddr={SINK}", "theirs, maddr of ours": f"{third};maddr={domain}",
        "theirs, maddr of us": f"{third};maddr={host}", "capitals": f"sip:victim@{THIRD.upper()}",
        "a root dot": f"{third}.", "our domain inside of theirs": f"sip:2000@{domain}.{THIRD}",
        "our address as a user": f"sip:2000%40{domain}@{THIRD}", "a parameter": f"sip:victim@{THIRD};user=phone",
        "headers": f"{third}?Route=%3Csip:{SINK}%3E",
    }
    users = {"a percent sign": f"sip:victim%{THIRD}@{domain}", "an at sign": f"sip:victim%40{THIRD}@{domain}",
             "a bang": f"sip:{THIRD}!victim@{domain}", "headers to us": f"{ours}?Route=%3Csip:{SINK};lr%3E",
             "our address": f"sip:victim%40{THIRD}@{host}:{port}", "a parameter as user": f"sip:;maddr={SINK}@{domain}"}
    schemes = {"tel": "tel:+4930123456", "unknown": f"h323:victim@{THIRD}", "mail": f"mailto:victim@{THIRD}"}
    routes = {"theirs": [beyond], "a strict one": [beyond.replace(";lr", "")],
              "a name": [f"<sip:{THIRD};lr>"], **{f"ours ({i}) and theirs": [one, beyond] for i, one in enumerate(us)},
              "twice ours and theirs": [us[1], us[2], beyond], OURS_WITH_MADDR: [f"<sip:{host};maddr={SINK};lr>"],
              "a list": [f"{us[0]}, {beyond}"], "with a name": [f'"{node}" {beyond}']}
    # The Request-URI is ours, and what follows stands in Route: as a strict router before us writes it.
    strict = f"sip:{token}@{host}:{port};lr"
    asked = [*plain, *((f"to {name}", "INVITE", FOREIGN, uri, {}) for name, uri in uris.items()),
             *((f"to {name} of ours", "INVITE", OURS, uri, {}) for name, uri in users.items()),
             *((f"to a {name} URI", "INVITE", SCHEME, uri, {}) for name, uri in schemes.items())]
    for name, values in routes.items():
        extra = [f"Route: {value}" for value in values]
        to_us = OURS if name == OURS_WITH_MADDR else FOREIGN
        asked += [(f"Route {name}, to them", "INVITE", FOREIGN, third, {"extra": extra}),
                  (f"Route {name}, to us", "INVITE", to_us, ours, {"extra": extra}),
                  (f"Route {name}, in a dialog", "BYE", FOREIGN, at, {"extra": extra, "to_tag": "forged"})]
    asked += [
        ("a To tag", "INVITE", FOREIGN, third, {"to_tag": "forged"}),
        ("a To tag and Record-Route", "INFO", FOREIGN, at,
         {"to_tag": "forged", "extra": [f"Record-Route: {us[2]}", f"Record-Route: {beyond}"]}),
        ("a strict router", "INVITE", FOREIGN, strict, {"extra": [f"Route: <{third}>"]}),
        ("a strict router in a dialog", "BYE", FOREIGN, strict, {"extra": [f"Route: <{at}>"], "to_tag": "forged"}),
        ("an asserted identity of ours", "INVITE", FOREIGN, third, {"extra": [asserted]}),
        ("a caller of ours", "INVITE", FOREIGN, third, {"caller": ours}),
        ("a caller of ours, asserted", "MESSAGE", FOREIGN, at, {"caller": ours, "extra": [asserted]}),
        ("a caller of ours and a Route", "INVITE", FOREIGN, third, {"caller": ours, "extra": [f"Route: {beyond}"]}),
        ("a caller at our host", "INVITE", FOREIGN, third, {"caller": f"sip:2000@{host}"}),
        ("a caller of theirs", "INVITE", FOREIGN, at, {"caller": third}),
        ("a Path", "REGISTER", FOREIGN, f"sip:{THIRD}", {"extra": [f"Path: {us[0]}"]}),
        ("credentials for nobody", "INVITE", FOREIGN, third, {"caller": ours, "extra": [
            f'Proxy-Authorization: Digest username="2000", realm="{domain}", nonce="0", uri="{third}", response="0"']}),
    ]
    return asked


def unanswered(node, protocol):
    """[(method, Request-URI, more)] of what gets no answer, or one that shall go to the third party."""
    third, route = f"sip:victim@{SINK}", f"Route: <sip:{SINK}:5060;transport=tcp;lr>"
    vias = [f"SIP/2.0/{protocol.upper()} {host};branch=z9hG4bKvia{n}" for n, host in enumerate(
        [f"{SINK}:5060", f"{STRANGER}:5060;maddr={SINK}", f"{STRANGER};received={SINK};rport=5060", f"edge.{THIRD}"])]
    return [("ACK", third, {}), ("ACK", third, {"to_tag": "forged", "extra": [route]}),
            ("ACK", third, {"extra": [f"Route: <sip:{node};lr>", route]}),
            *(("INVITE", third, {"via": via}) for via in vias)]


# ---- what is started ----

class Door:
    """Where a stranger can knock."""

    def __init__(self, node, protocol, address, port, traversal=False):
        self.node, self.protocol, self.address, self.port, self.traversal = node, protocol, address, port, traversal

    def __repr__(self):
        return f"{self.node.name} {self.protocol}:{self.address}:{self.port}"


class Started:
    """A node, or Kamailio: who it is, its doors, and what it writes down."""

    def __init__(self, name, host, domains):
        self.name, self.host, self.domains = name, host, domains
        self.doors, self.logs, self.partners = [], [], []
        self.challenges = set()  # with what it asks those for a password whom it does not know


def ours(world, folder, shipped):
    document = shipped.document
    path = shipped.install(folder, world.authority)
    started = Started(shipped.name, document["node"], document.get("domains", [document["node"]]))
    for listen in document["listen"]:
        port = listen.get("port", 5061 if listen["transport"] == "tls" else 5060)
        started.doors.append(Door(started, listen["transport"], listen.get("address", document["address"]), port))
    for zone in shipped.zones:
        if zone["kind"] == "traversal-server":
            protocol = zone.get("transport", "tls")
            started.doors.append(Door(started, protocol, document["address"], zone["port"], traversal=True))
    # The system's authorities, where a file trusts them, are those of the world too.
    started.process = world.fedge.start("serve", "-c", path, name=path.stem, cwd=folder,
                                        env={"SSL_CERT_FILE": str(world.authority.certificate)})
    started.logs = [folder / log["file"] for log in document.get("log", ())]
    started.partners = allowed_partners(shipped)
    started.path = path
    return started


def theirs(world, folder, file):
    path = install_kamailio(file, folder)
    text = path.read_text()
    doors = re.findall(r"(?m)^listen=(udp|tcp|tls):([\d.]+):(\d+)", text)
    started = Started("kamailio", doors[0][1], re.findall(r'(?m)^alias="(.*)"', text))
    started.challenges = {401, 407, 481}
    started.doors = [Door(started, protocol, address, int(port)) for protocol, address, port in doors]
    started.process = start_kamailio(world.fedge, path, doors[0][1])
    return started


def side_at(address, door, context):
    """A side where there may have been one a moment ago."""
    def opened():
        try:
            return Side(address, door, context=context)
        except OSError:
            return None
    return wait_until(opened, 20, f"{door} of {address} is free")


def neighbors(world, shipped, taken):
    """Sides at the addresses of a file's neighbors, where nobody of its folder is."""
    made = []
    for zone in shipped.zones if isinstance(shipped, Shipped) else ():
        for peer in zone["peers"] if zone["kind"] == "neighbor" else ():
            protocol = zone.get("transport", "tls")
            address, port = (peer.rsplit(":", 1) if ":" in peer else (peer, 5061 if protocol == "tls" else 5060))
            if (protocol, address, int(port)) not in taken:
                taken.add((protocol, address, int(port)))
                pair = world.authority.issue(zone.get("verify_name", address))
                made.append(side_at(address, (protocol, int(port)), server_context(pair)))
    return made


class Deployment:
    """The files of one folder, running together, with somebody at each neighbor's address."""

    def __init__(self, world, name, files):
        self.world, self.files = world, files
        self.folder = world.folder / re.sub(r"\W+", "-", name)
        self.nodes, self.inside = [], []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        for file in self.files:
            start = ours if isinstance(file, Shipped) else theirs
            self.nodes.append(start(self.world, self.folder, file))
        self.doors = [door for node in self.nodes for door in node.doors]
        taken = {(door.protocol, door.address, door.port) for door in self.doors}
        self.inside = [side for file in self.files for side in neighbors(self.world, file, taken)]
        self._await_links()

    def _await_links(self):
        """Traversal clients whose server is here reach it."""
        servers = {f"{door.address}:{door.port}" for door in self.doors if door.traversal}
        for node, file in zip(self.nodes, self.files):
            zones = file.zones if isinstance(file, Shipped) else ()
            for zone in zones:
                if zone["kind"] == "traversal-client" and servers & set(zone["peers"]):
                    wait_until(lambda: re.search(rf"zone\s+{re.escape(zone['name'])},.*: active", self.world.fedge.run(
                        "status", "-c", node.path, cwd=self.folder).stdout), 30, f"{zone['name']} is active")

    def close(self):
        for side in self.inside:
            side.close()
        end([node.process for node in self.nodes])


# ---- the attempt ----

NO_CERTIFICATE = "without a certificate"


def right_answers(attempt, name, kind):
    """How a node refuses this."""
    if kind == OURS:  # let in where the sender is believed, for whom it is at our own place
        return range(200, 700)
    # Who shows no certificate where one is asked for, but not required, has proved no domain at all.
    nobody = {504} if attempt.who == NO_CERTIFICATE else set()
    if kind == SCHEME:
        return {403, 416} | attempt.door.node.challenges | nobody
    if name == "to headers":  # no Request-URI has them, whosever it is
        return {400} | attempt.door.node.challenges
    # Who speaks for others is believed no word, or asked for the password.
    others = {407, 504} if "caller" in name or "credentials" in name else set()
    return {403} | attempt.door.node.challenges | nobody | others


class Attempt:
    """Somebody at a door, who asks for all of it. `caller(number)` is who he says he is."""

    def __init__(self, door, who, context, caller):
        self.door, self.who, self.context, self.caller = door, who, context, caller
        self.wire = None
        self.asked, self.foreign = [], []  # Call-IDs: that were answered, and that were for others than us
        self.wrong = []

    def _connect(self):
        if not self.wire:
            self.wire = Wire(self.door.address, self.door.protocol, STRANGER, self.context, self.door.node.host,
                             port=self.door.port)

    def _hang_up(self):
        if self.wire:
            self.wire.socket.close()
        self.wire = None

    def _send(self, number, method, uri, more):
        """Gives its Call-ID."""
        call_id = f"{number}-{self.who.replace(' ', '-')}@{self.door.address}:{self.door.port}"
        values = {"caller": self.caller(number), "call_id": call_id, **more}
        via = values.pop("via", None)
        self._connect()
        text = message(self.wire, method, uri, **values)
        self.wire.send(renew(text, "Via", via) if via else text)
        return call_id

    def _ask(self, number, method, uri, more, is_foreign):
        """Gives the status, "closed" or "no answer"."""
        try:
            call_id = self._send(number, method, uri, more)
            self.foreign += [call_id] * is_foreign
            status = self.wire.answer().status
            self.asked.append(call_id)
            return status
        except TimeoutError:
            return "no answer"
        except (EOFError, ConnectionError, ssl.SSLError):
            self._hang_up()
            return "closed"

    def run(self):
        door, node = self.door, self.door.node
        wanted = wishes(node.host, door.address, door.port, node.domains[0], door.protocol)
        for number, (name, method, kind, uri, more) in enumerate(wanted):
            status = self._ask(number, method, uri, more, kind != OURS)
            if status == "closed" and self.who == NO_CERTIFICATE:
                return self  # and so with every other request
            if status not in right_answers(self, name, kind):
                self.wrong.append(f"{door}, {self.who}: {name}: {status}")
            if status == "no answer":
                return self  # the third party does not answer; once is enough to know
        for number, (method, uri, more) in enumerate(unanswered(node.host, door.protocol), len(wanted)):
            self.foreign.append(self._send(number, method, uri, more))
        # When this is answered, what came before it was read.
        last = self._send(STRANGER_COUNT - 1, "OPTIONS", f"sip:{THIRD}", {})
        while self.wire.answer().get("Call-ID") != last:
            pass
        self._hang_up()
        return self


def attempts(world, door):
    """Those who come to a door."""
    def strange(number):
        return f"sip:mallory@s{number % STRANGER_COUNT}.{STRANGERS}"

    if door.protocol != "tls":
        return [Attempt(door, "a stranger", None, strange)]
    found = [Attempt(door, NO_CERTIFICATE, client_context(world.authority), strange),
             Attempt(door, "of a domain of his own", client_context(world.authority, world.strangers), strange)]
    for domain, host in door.node.partners:
        context = client_context(world.authority, world.authority.issue(host))
        found.append(Attempt(door, f"the partner {domain}", context, lambda _, d=domain: f"sip:friend@{d}"))
    return found


def unrecorded(attempt):
    """Call-IDs that no log of the node has."""
    text = "".join(log.read_text(errors="replace") for log in attempt.door.node.logs)
    return [call_id for call_id in attempt.asked if call_id not in text]


def is_no_open_relay(world, name, files):
    touched = world.sink.touched
    with contextlib.closing(Deployment(world, name, files)) as deployment:
        made = [attempt.run() for door in deployment.doors for attempt in attempts(world, door)]
        time.sleep(SETTLED)
        assert [a for attempt in made for a in attempt.wrong] == []
        foreign = {call_id for attempt in made for call_id in attempt.foreign}
        inside = [m for side in deployment.inside for _, _, m in side.received if m.get("Call-ID") in foreign]
        assert inside == [], "what is for others goes nowhere, also not inside"
        assert world.sink.touched == touched, world.sink.received
        for attempt in made:
            if attempt.door.node.logs:
                wait_until(lambda: not unrecorded(attempt), 20, f"{attempt.door} has recorded all of it")
        assert any(attempt.asked for attempt in made)


@pytest.mark.parametrize("name", FOLDERS)
def test_what_the_pages_and_examples_have(world, name):
    is_no_open_relay(world, name, FOLDERS[name])


def test_what_the_lab_writes(world, tmp_path):
    Lab(world.fedge, "healthy", tmp_path / "lab").stop()
    files = [Shipped(file.stem, file.read_text()) for file in sorted((tmp_path / "lab").glob("*.yaml"))]
    assert len(files) > 1
    is_no_open_relay(world, "lab", files)


DUMPS = sorted(EXAMPLES.glob("importing/*.txt"))


@pytest.mark.parametrize("dump", DUMPS, ids=[file.stem for file in DUMPS])
def test_what_an_import_makes(world, dump):
    """`fedge config import` of an Expressway's dump, with what it says is to be supplied."""
    done = world.fedge.run("config", "import", dump)
    assert complete(done.stdout), done.stderr
    is_no_open_relay(world, dump.stem, [Shipped("imported", done.stdout)])


OPEN = """node: open.example
domains: [open.example]
listen: [{transport: tcp, address: 192.0.2.47, port: 5060}]
dns: {}
zones:
  - {name: everybody, kind: neighbor, transport: tcp, peers: ["STRANGER:5060"]}
  - {name: partners, kind: dns, service: sip}
rules: [{name: anywhere, target: partners}]
limits: {drain: 100ms}
log: [{format: json, file: open.json}]
"""


@pytest.mark.parametrize("uri", [f"sip:victim@{THIRD}", f"sip:victim@{SINK}", f"sip:victim@{SINK};transport=tcp"])
def test_one_that_is_open_is_found_out(world, uri):
    """A node that takes the stranger for a neighbor: the third party does hear of him."""
    before = world.sink.touched
    files = [Shipped("open", OPEN.replace("STRANGER", STRANGER))]
    with contextlib.closing(Deployment(world, "open", files)) as deployment:
        door = deployment.doors[0]
        with Wire(door.address, door.protocol, STRANGER) as wire:
            wire.send(message(wire, "INVITE", uri))
            wait_until(lambda: world.sink.touched > before, 20, "the third party hears")
