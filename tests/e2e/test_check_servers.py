"""fedge check against servers that others wrote: nginx, stunnel, Kamailio and `openssl s_server`, right and wrong in
every way that a certificate, a version or a demand for the caller's certificate can be wrong.

All servers are started once; each case is a domain of its own, NAME.srv.lab, with its edge at an address of its own.
"""
import datetime
import json
import subprocess

import pytest
from foreign import Pki, Place, Sink, start_kamailio, start_nginx, start_s_server, start_stunnel
from strangers import Knot
from support import Fedge, die_with_parent

PASS, WARN, FAIL = 0, 1, 2
EXITS = {"pass": PASS, "warn": WARN, "fail": FAIL}


def edge(name):
    return f"edge.{name}.srv.lab"


# ---- what each server shows: nginx has them all ----

# domain: (how its certificate is made, what is expected: errors and warnings)
CERTIFICATES = {
    "right": ({}, []),
    "wrong-name": ({"names": ["edge.other.srv.lab"], "common_name": "edge.other.srv.lab"},
                   ["certificate-name-mismatch"]),
    "cn-only": ({"names": ()}, []),
    "cn-ignored": ({"names": ["edge.other.srv.lab"]}, ["certificate-cn-ignored"]),
    "wildcard": ({"names": ["*.wildcard.srv.lab"], "common_name": "*.wildcard.srv.lab"},
                 ["certificate-wildcard-only"]),
    "expired": ({"when": "-100d"}, ["certificate-expired"]),
    "early": ({"when": "+30d"}, ["certificate-not-yet-valid"]),
    "soon": ({"days": 5}, ["certificate-expires-soon"]),
    "self-signed": ("self-signed", ["certificate-untrusted"]),
    "unknown": ("stranger", ["certificate-untrusted"]),
    "incomplete": ({"alone": True}, ["certificate-untrusted"]),
    "sha1": ({"digest": "sha1"}, ["certificate-weak"]),
    "rsa1024": ({"new_key": ("-newkey", "rsa:1024")}, ["certificate-weak"]),
    "no-server-usage": ({"usage": "clientAuth"}, ["certificate-no-server-usage"]),
    "no-client-usage": ({"usage": "serverAuth"}, ["certificate-no-client-usage"]),
    "no-usage": ({"usage": None}, []),
}

# domain: (which program, versions, what it demands, errors and warnings)
SERVERS = {
    "stunnel": ("stunnel", None, None, []),
    "kamailio": ("kamailio", None, None, []),
    "s-server": ("s_server", None, None, []),
    "nginx-1.2": ("nginx", "1.2", None, []),
    "nginx-1.3": ("nginx", "1.3", None, []),
    "stunnel-1.2": ("stunnel", "1.2", None, []),
    "stunnel-1.3": ("stunnel", "1.3", None, []),
    "s-server-1.0": ("s_server", "1.0", None, ["tls-version-unsupported"]),
    "nginx-1.0": ("nginx", "1.0", None, ["tls-version-unsupported"]),
    "nginx-1.1-1.2": ("nginx", "1.1 1.2", None, []),
    "s-server-1.2": ("s_server", "1.2", None, []),
    "s-server-1.3": ("s_server", "1.3", None, []),
    "asked-nginx-1.3": ("nginx", "1.3", "request", []),
    "asked-kamailio": ("kamailio", None, "request", []),
    "asked-s-server-1.2": ("s_server", "1.2", "request", []),
    "demanded-nginx-1.2": ("nginx", "1.2", "require", []),
    "demanded-nginx-1.3": ("nginx", "1.3", "require", []),
    "demanded-stunnel-1.2": ("stunnel", "1.2", "require", []),
    "demanded-stunnel-1.3": ("stunnel", "1.3", "require", []),
    "demanded-kamailio": ("kamailio", None, "require", []),
    "demanded-s-server-1.2": ("s_server", "1.2", "require", []),
    "demanded-s-server-1.3": ("s_server", "1.3", "require", []),
    "demanded-later-1.2": ("s_server", "1.2", "require", []),
    "demanded-later-1.3": ("s_server", "1.3", "require", []),
}
# Live a hundred days after everybody else.
LATER = {"demanded-later-1.2": "+100d", "demanded-later-1.3": "+100d"}


class World:
    def __init__(self, fedge):
        self.fedge = fedge
        self.pki = Pki(fedge.folder / "pki")
        self.sink = Sink()
        self.places = {name: Place(self.pair(name, how), "1.2 1.3", weak=True)
                       for name, (how, _) in CERTIFICATES.items()}
        shown = self.pki.issue("servers", edge("stunnel"), [edge(name) for name in SERVERS])
        for name, (_, versions, asks, _) in SERVERS.items():
            weak = versions and versions[:3] in ("1.0", "1.1")
            self.places[name] = Place(shown, versions, asks, self.pki.root.chain, weak)
        self.start()
        lines = []
        for name, place in self.places.items():
            lines += [f"_sipfederationtls._tcp.{name} SRV 0 0 5061 edge.{name}", f"edge.{name} A {place.address}"]
        self.knot = Knot(fedge, {"srv.lab": lines})
        self.clients = {
            "good": self.pki.issue("client", "edge.caller.lab"),
            "stranger": self.pki.issue("client-stranger", "edge.caller.lab", issuer=self.pki.stranger),
            "expired": self.pki.issue("client-expired", "edge.caller.lab", when="-100d"),
            "server-only": self.pki.issue("client-server-only", "edge.caller.lab", usage="serverAuth"),
        }

    def pair(self, name, how):
        if how == "self-signed":
            return self.pki.self_signed(name, edge(name))
        if how == "stranger":
            return self.pki.issue(name, edge(name), issuer=self.pki.stranger)
        return self.pki.issue(name, how.get("common_name", edge(name)), how.get("names"),
                              **{k: v for k, v in how.items() if k not in ("names", "common_name")})

    def start(self):
        by_program = {"nginx": [self.places[name] for name in CERTIFICATES], "stunnel": [], "kamailio": []}
        for name, (program, *_) in SERVERS.items():
            if program == "s_server":
                start_s_server(self.fedge, self.places[name], name, when=LATER.get(name))
            else:
                by_program[program].append(self.places[name])
        start_nginx(self.fedge, by_program["nginx"], self.sink.behind)
        start_stunnel(self.fedge, by_program["stunnel"], self.sink.behind)
        start_kamailio(self.fedge, by_program["kamailio"])

    def command(self, name, *arguments):
        return [str(a) for a in (self.fedge.path, "check", f"{name}.srv.lab", "--json", "--private", "--resolver",
                                 self.knot.server, "--ca-file", self.pki.root.chain, "--no-system-ca", *arguments)]

    def check(self, name, *arguments):
        """(exit code, the domain's object)"""
        done = subprocess.run(self.command(name, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, preexec_fn=die_with_parent)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def showing(self, client):
        pair = self.clients[client]
        return ("--client-cert", pair.chain, "--client-key", pair.key)


@pytest.fixture(scope="module")
def world(program, tmp_path_factory):
    fedge = Fedge(program, tmp_path_factory.mktemp("world"))
    made = World(fedge)
    yield made
    made.sink.close()
    fedge.stop_all()


def codes(report, *severities):
    wanted = severities or ("error", "warning")
    return [f["code"] for f in report["findings"] if f["severity"] in wanted]


def verdict_of(found):
    if not found:
        return "pass"
    warnings = {"certificate-expires-soon", "certificate-weak", "certificate-no-client-usage", "tls-version-old"}
    return "warn" if set(found) <= warnings else "fail"


def assert_judged(result, found):
    code, report = result
    verdict = verdict_of(found)
    assert (codes(report), report["verdict"], code) == (found, verdict, EXITS[verdict]), json.dumps(report, indent=1)


def tls(report):
    assert len(report["facts"]["tls"]) == 1
    return report["facts"]["tls"][0]


# ---- certificates ----


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates(world, name):
    result = world.check(name)
    assert_judged(result, CERTIFICATES[name][1])
    assert tls(result[1])["reaction"] == "not-asked"


def test_what_we_know_completes_a_chain(world):
    """The one that is not sent is named, not fetched: without knowing it, the authority is merely unknown."""
    code, report = world.check("incomplete", "--intermediates", world.pki.intermediate.chain)
    assert (code, codes(report)) == (FAIL, ["certificate-chain-incomplete"])
    assert tls(report)["chain"]["missing"] == "CN=Federation Intermediate"
    for other, found in (("unknown", ["certificate-untrusted"]), ("right", [])):
        assert_judged(world.check(other, "--intermediates", world.pki.intermediate.chain), found)


def test_the_day_decides(world):
    """The same servers a hundred days later: what is good today has expired then."""
    then = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=100)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert_judged(world.check("right", "--at", then), ["certificate-expired"])
    assert_judged(world.check("early", "--at", then, "--expires-soon", "1d"), [])


# ---- programs and versions ----


@pytest.mark.parametrize("name", SERVERS)
def test_servers(world, name):
    """Without a certificate of ours: whoever demands one may refuse us, and is judged by what it showed."""
    _, versions, asks, found = SERVERS[name]
    result = world.check(name)
    report = result[1]
    assert_judged(result, found)
    seen = tls(report)
    if found:
        return
    assert len(seen["chain"]["certificates"]) == 2 and seen["chain"]["status"] == "trusted"
    if versions:
        assert seen["version"] == f"TLSv{versions.split()[-1]}"
    assert seen.get("certificate_asked", False) == bool(asks)
    wanted = {None: {"not-asked"}, "request": {"none-accepted"}, "require": {"none-refused"}}[asks]
    assert seen["reaction"] in wanted, json.dumps(seen, indent=1)
    assert ("client-certificate-wanted" in codes(report, "note")) == bool(asks)
    if asks and not name.startswith("asked-kamailio"):
        assert seen["requested_authorities"] == ["CN=Federation Root"]


DEEP = {
    # domain: what became of TLS 1.0, 1.1, 1.2, 1.3
    "right": "--aa", "nginx-1.2": "--a-", "stunnel-1.3": "---a", "nginx-1.0": "a---", "nginx-1.1-1.2": "-aa-",
    "demanded-s-server-1.2": "--a-", "demanded-stunnel-1.3": "---a",
}


@pytest.mark.parametrize("name", DEEP)
def test_every_version_alone(world, name):
    code, report = world.check(name, "--deep")
    seen = "".join({"agreed": "a", "refused": "-", "undecided": "?"}[v["status"]] for v in tls(report)["versions"])
    assert seen == DEEP[name], json.dumps(tls(report)["versions"])
    assert ("tls-version-old" in codes(report)) == ("a" in DEEP[name][:2] and code != FAIL)


# ---- the caller's certificate ----

SHOWN = [
    # domain, our certificate, how it is taken, the alert (its number) where one is sent, errors and warnings
    ("asked-nginx-1.3", "good", "accepted", None, []),
    ("asked-kamailio", "good", "accepted", None, []),
    ("demanded-nginx-1.2", "good", "accepted", None, []),
    ("demanded-nginx-1.3", "good", "accepted", None, []),
    ("demanded-stunnel-1.2", "good", "accepted", None, []),
    ("demanded-stunnel-1.3", "good", "accepted", None, []),
    ("demanded-kamailio", "good", "accepted", None, []),
    ("demanded-s-server-1.2", "good", "accepted", None, []),
    ("demanded-s-server-1.3", "good", "accepted", None, []),
    ("right", "good", "not-asked", None, []),
    ("demanded-stunnel-1.2", "stranger", "refused", 48, ["certificate-refused-by-partner"]),
    ("demanded-stunnel-1.3", "stranger", "refused", 48, ["certificate-refused-by-partner"]),
    ("demanded-kamailio", "stranger", "refused", 48, ["certificate-refused-by-partner"]),
    ("demanded-s-server-1.2", "stranger", "refused", 48, ["certificate-refused-by-partner"]),
    ("demanded-s-server-1.3", "stranger", "refused", 48, ["certificate-refused-by-partner"]),
    ("demanded-s-server-1.3", "expired", "refused", 45, ["certificate-refused-by-partner"]),
    ("demanded-s-server-1.2", "server-only", "refused", 43, ["certificate-refused-by-partner"]),
    ("demanded-s-server-1.3", "server-only", "refused", 43, ["certificate-refused-by-partner"]),
    # By their clock ours is over.
    ("demanded-later-1.2", "good", "refused", 45, ["certificate-refused-by-partner"]),
    ("demanded-later-1.3", "good", "refused", 45, ["certificate-refused-by-partner"]),
]


@pytest.mark.parametrize("name, client, reaction, alert, found", SHOWN, ids=[f"{r[0]}-{r[1]}" for r in SHOWN])
def test_how_ours_is_taken(world, name, client, reaction, alert, found):
    result = world.check(name, *world.showing(client))
    seen = tls(result[1])
    assert seen["reaction"] == reaction, json.dumps(seen, indent=1)
    assert (seen["alert"] or {}).get("number") == alert
    assert_judged(result, found)


@pytest.mark.parametrize("name", ["demanded-nginx-1.2", "demanded-nginx-1.3"])
def test_who_closes_without_a_word(world, name):
    """nginx ends the handshake well, gives a ticket, then looks at our certificate and closes."""
    code, report = world.check(name, *world.showing("stranger"))
    assert tls(report)["reaction"] == "cut"
    assert code == FAIL and codes(report), json.dumps(report, indent=1)


def test_kamailio_answers(world):
    """OPTIONS over the same connection: its answer is a sign as well that ours was taken."""
    code, report = world.check("demanded-kamailio", "--probe", *world.showing("good"))
    assert code == PASS, json.dumps(report, indent=1)
    assert tls(report)["options"]["status"] == 200
    assert "kamailio" in tls(report)["options"]["server"]
    code, report = world.check("demanded-kamailio", "--probe", *world.showing("stranger"))
    assert tls(report)["reaction"] == "refused" and code == FAIL


def test_many_at_once(world):
    """All of them in one run give the same as each alone."""
    listed = world.fedge.folder / "all.txt"
    listed.write_text("".join(f"{name}.srv.lab\n" for name in (*CERTIFICATES, *SERVERS)))
    done = world.fedge.run("check", "--domains", listed, "--json", "--private", "--resolver", world.knot.server,
                           "--ca-file", world.pki.root.chain, "--no-system-ca")
    reports = {json.loads(line)["domain"]: json.loads(line) for line in done.stdout.splitlines()}
    expected = {**{n: found for n, (_, found) in CERTIFICATES.items()}, **{n: row[3] for n, row in SERVERS.items()}}
    seen = {name: codes(reports[f"{name}.srv.lab"]) for name in expected}
    assert seen == expected
    assert done.returncode == FAIL
