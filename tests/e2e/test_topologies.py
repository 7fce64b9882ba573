"""The ways to deploy of docs/topologies.md: the very files that stand there are started, and calls go through them in
both directions. Around them is what an administrator has around them: Knot DNS, Kamailio as the call server, phones
that register with a password, and a partner's edge (fedge as a Microsoft one).

Only addresses are replaced (shipped.py). The third way, the whole lab, is tested in test_lab.py.
"""
import json
import re

import pytest
from shipped import DNS, EXAMPLES, NAME_SERVER, Shipped, end, here, install_kamailio, start_kamailio
from strangers import Knot
from support import Authority, Fedge, wait_until

FOLDER = EXAMPLES / "topologies"
EDGE, CALL_SERVER, CORE, PHONES = (here(a) for a in ("192.0.2.47", "10.0.0.10", "10.0.0.46", "10.0.0.11"))
PARTNER, CLIENT = "127.73.9.6", "127.73.9.71"

PARTNERS_FILE = f"""node: sip.b.example
dialect: microsoft
address: {PARTNER}
domains: [b.example]
control: partner.sock
listen: [{{transport: tls, port: 5061}}, {{transport: tcp, port: 5060}}]
tls:
  identities: [{{names: [sip.b.example], certificate: partner.pem, key: partner.key}}]
  authorities: [authorities.pem]
dns: {{servers: ["192.0.2.53"], dnssec: no}}
trust: {{policy: microsoft}}
zones:
  - {{name: clients, kind: neighbor, transport: tcp, peers: ["{CLIENT}:5060"]}}
  - {{name: federation, kind: dns}}
rules:
  - {{name: to clients, mode: pattern, type: suffix, pattern: "@b.example", target: clients}}
  - {{name: to partners, priority: 200, source: clients, target: federation}}
limits: {{drain: 100ms}}
log: [{{format: json, file: partner.json}}]
"""


class World:
    """Everybody but us: the DNS, and a partner with its client."""

    def __init__(self, program, folder):
        self.fedge = Fedge(program, folder)
        self.folder = folder
        self.authority = Authority(folder / "authority")
        # The records that docs/topologies.md asks for.
        Knot(self.fedge, {
            "a.example": ["_sipfederationtls._tcp IN SRV 0 0 5061 edge", f"edge IN A {EDGE}", f"core IN A {CORE}"],
            "b.example": ["_sipfederationtls._tcp IN SRV 0 0 5061 sip", f"sip IN A {PARTNER}"],
        }, address=DNS)
        partner = Shipped("partner", PARTNERS_FILE)
        self.start(partner.install(folder, self.authority))

    def start(self, file):
        return self.fedge.start("serve", "-c", file, name=file.stem, cwd=file.parent)

    def password(self, user, text=None):
        file = self.folder / f"{user}{'' if text is None else '-wrong'}.password"
        file.write_text(text or f"secret of {user}")
        return file


@pytest.fixture(scope="module")
def world(program, tmp_path_factory):
    made = World(program, tmp_path_factory.mktemp("world"))
    yield made
    made.fedge.stop_all()
    for out in made.folder.rglob("*.out"):
        assert not re.search("Sanitizer|runtime error:", out.read_text(errors="replace")), out.read_text()[-6000:]


class Way:
    """One way to deploy, running. `phones_at` is where phones register and call."""

    phones_at = None

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.folder = world.folder / name
        self.processes, self.nodes = [], []

    def node(self, file):
        shipped = Shipped(file, (FOLDER / self.name / f"{file}.yaml").read_text())
        path = shipped.install(self.folder, self.world.authority)
        self.processes.append(self.world.start(path))
        self.nodes.append(file)

    def await_zone(self, node, name):
        def is_active():
            zones = json.loads(self.ask("status", node, "--json").stdout)["zones"]
            return [zone for zone in zones if zone["name"] == name and zone["state"] == "active"]
        wait_until(is_active, 30, f"zone {name} of {node} is active")

    def phone(self, command, *arguments, user, password=None):
        """The arguments of a phone of ours that proves who it is, by `password` where it is not its own."""
        return (command, *arguments, "--address", PHONES, "--username", user, "--password-file",
                self.world.password(user, password), "--resolver", NAME_SERVER)

    def registered(self, fedge, user, *more, password=None):
        """A phone of ours that is registered and answers one call."""
        arguments = self.phone("answer", "--as", f"sip:{user}@a.example", "--register", self.phones_at, "--count", "1",
                               "--json", *more, user=user, password=password)
        return fedge.start(*arguments, name="phone")

    def call(self, fedge, user, to, *more, password=None):
        """A phone of ours calls: (exit code, what came of it)."""
        command, *arguments = self.phone("call", "--from", f"sip:{user}@a.example", "--to", f"sip:{to}", "--via",
                                         self.phones_at, *more, user=user, password=password)
        return fedge.call(*arguments)

    def ask(self, command, node, *arguments):
        return self.world.fedge.run(command, "-c", f"{node}.yaml", *arguments, cwd=self.folder)

    def await_search(self, call_id):
        """Every node of this way has the call in its history, as found; 407 is what a phone is asked its password by."""
        def ended(node):
            done = self.ask("history", node, "--call", call_id, "--json")
            statuses = [json.loads(line)["status"] for line in done.stdout.splitlines()]
            return [status for status in statuses if status not in (None, 407)]

        for node in self.nodes:
            assert wait_until(lambda: ended(node), 20, f"the history of {node} has {call_id}") == [200]


def start_edge_alone(world):
    way = Way(world, "edge-alone")
    way.phones_at = f"{CALL_SERVER}:5060;transport=udp"
    file = install_kamailio(FOLDER / way.name / "kamailio.cfg", way.folder)
    way.processes.append(start_kamailio(world.fedge, file, CALL_SERVER))
    way.node("edge")
    way.await_zone("edge", "call server")
    return way


def start_edge_and_core(world):
    way = Way(world, "edge-and-core")
    way.phones_at = f"{CORE}:5060;transport=tcp"
    way.node("edge")
    way.node("core")
    way.await_zone("core", "TraversalZoneClient1")
    way.await_zone("edge", "TraversalZoneServer1")
    return way


WAYS = {"edge alone, before Kamailio": start_edge_alone, "edge and core": start_edge_and_core}


@pytest.fixture(scope="module", params=WAYS)
def way(request, world):
    started = WAYS[request.param](world)
    yield started
    end(started.processes)


def heard(process):
    """What a phone told of its call, once it has ended."""
    assert process.wait(30) == 0, process.text()
    return json.loads(process.text().splitlines()[-1])


def test_the_page_has_every_file():
    """And each folder is a way that is called through here."""
    page = (EXAMPLES.parent / "topologies.md").read_text()
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert len(files) >= 4
    assert [file for file in files if f"examples/topologies/{file.relative_to(FOLDER)}" not in page] == []
    assert {file.parent.name for file in files} == {"edge-alone", "edge-and-core"}


# Each is (the caller's arguments, the callee's).
HANGS_UP = {"the caller hangs up": (("--duration", "0"), ()),
            "the callee does": (("--duration", "30"), ("--duration", "1"))}


@pytest.mark.parametrize("ending", HANGS_UP)
def test_a_call_out(fedge, way, ending):
    caller, callee = HANGS_UP[ending]
    client = fedge.start("answer", "--as", "sip:user@b.example", "--listen", f"tcp:{CLIENT}:5060", "--count", "1",
                         "--json", *callee, name="client")
    code, told = way.call(fedge, "2000", "user@b.example", *caller)
    assert code == 0 and told["status"] == 200, told
    assert heard(client)["outcome"] == "answered"
    way.await_search(told["call_id"])


@pytest.mark.parametrize("ending", HANGS_UP)
def test_a_call_in(fedge, way, ending):
    caller, callee = HANGS_UP[ending]
    phone = way.registered(fedge, "2001", *callee)
    code, told = fedge.call("--from", "sip:user@b.example", "--to", "sip:2001@a.example", "--via",
                            f"{PARTNER}:5060;transport=tcp", "--address", CLIENT, *caller)
    assert code == 0 and told["status"] == 200, told
    assert heard(phone)["outcome"] == "answered"
    way.await_search(told["call_id"])


def test_a_phone_must_prove_who_it_is(fedge, way):
    """The password of the file is needed, to register and to call, and it is good for its own user only."""
    wrong = way.phone("answer", "--as", "sip:2001@a.example", "--register", way.phones_at, "--json", user="2001",
                      password="guess")
    done = fedge.run(*wrong)
    assert done.returncode == 3 and json.loads(done.stdout.splitlines()[-1])["status"] in (401, 403), done.stdout
    code, told = way.call(fedge, "2000", "user@b.example", password="guess")
    assert code == 2 and told["status"] in (403, 407), told
    # 2001 with its own password, but in the name of 2000.
    _, *arguments = way.phone("call", "--from", "sip:2000@a.example", "--to", "sip:user@b.example", "--via",
                              way.phones_at, user="2001")
    code, told = fedge.call(*arguments)
    assert code == 2 and told["status"] in (403, 407), told


def test_nobody_is_called_who_is_not_there(fedge, way):
    code, told = fedge.call("--from", "sip:user@b.example", "--to", "sip:2999@a.example", "--via",
                            f"{PARTNER}:5060;transport=tcp", "--address", CLIENT)
    assert code == 2 and told["status"] == 404, told


def test_what_the_page_has_administrators_run(world, way):
    """The list at the end of docs/topologies.md."""
    for node in way.nodes:
        done = world.fedge.run("config", "check", f"{node}.yaml", cwd=way.folder)
        # A core has no section `dns` because strangers shall be refused; that is what it is warned of.
        assert done.returncode == 0 or "strangers who call here will be refused" in done.stderr, done.stderr
        done = way.ask("status", node)
        assert done.returncode == 0, done.stdout
    inside = {"edge-alone": "call server", "edge-and-core": "TraversalZoneServer1"}[way.name]
    asked = ("--from", "sip:2000@a.example", "--to", "sip:user@b.example")
    done = way.ask("route", "edge", *asked, "--zone", inside)
    assert done.returncode == 0 and "to partners" in done.stdout, done.stdout
    assert way.ask("route", "edge", *asked).returncode == 2
    done = world.fedge.run("check", "a.example", "--resolver", NAME_SERVER, "--ca-file", world.authority.certificate)
    assert done.returncode in (0, 1), done.stdout + done.stderr
