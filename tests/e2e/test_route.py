"""fedge route: where a call would go, by the rules of the node and the records of the partner, with nobody called."""
import json

import pytest
from names import SERVICE, SigningKnot
from support import Fedge

FOUND, REFUSED, UNDECIDED, USAGE = 0, 2, 3, 64

CONFIGURATION = """node: vcse.steven.lab
domains: [steven.lab]
listen: [{{transport: tcp}}]
dns: {{servers: ["{dns}@53"], timeout: 5s}}
trust: {{blocked: [blocked.dns.lab]}}
zones:
  - {{name: core, kind: neighbor, transport: tcp, peers: ["10.0.0.1:5060"], authentication: do-not-check}}
  - {{name: believed, kind: neighbor, transport: tcp, peers: ["10.0.0.2:5060"]}}
  - {{name: named, kind: neighbor, transport: tcp, peers: ["pbx.dns.lab"]}}
  - {{name: federation, kind: dns}}
transforms:
  - {{name: digits, type: regex, pattern: "(\\\\d+)", behaviour: replace, replace: "\\\\1@%localdomain1%"}}
policy:
  - {{name: gateway, source: default, to: "9.*", action: reject, status: 488, reason: No Gateway}}
  - {{name: help, to: "help@.*", action: redirect, alias: "2000"}}
rules:
  - {{name: inside, priority: 10, mode: pattern, type: suffix, pattern: "@steven.lab", target: core, on_match: stop}}
  - {{name: staff, priority: 20, authenticated: yes, mode: pattern, type: suffix, pattern: "@pbx.lab", target: named}}
  - {{name: old, enabled: no, priority: 30, target: core}}
  - {{name: microsoft, priority: 40, variant: microsoft-im, mode: pattern, type: suffix, pattern: im.lab, target: core}}
  - {{name: out, priority: 90, source: all-zones, mode: pattern, type: suffix, pattern: ".dns.lab", target: federation}}
"""


@pytest.fixture(scope="module")
def route(program, tmp_path_factory):
    """route(argument, …) gives the exit code and what was printed."""
    fedge = Fedge(program, tmp_path_factory.mktemp("route"))
    knot = SigningKnot(fedge, {"dns.lab": [
        f"{SERVICE}.right SRV 0 0 5061 edge.right", "edge.right A 127.48.200.1", "pbx A 127.48.200.2",
        f"{SERVICE}.outside SRV 0 0 5061 edge.elsewhere.example.",
        f"{SERVICE}.blocked SRV 0 0 5061 edge.right"]})
    path = fedge.folder / "node.yaml"
    path.write_text(CONFIGURATION.format(dns=knot.address))

    def run(*arguments):
        caller = () if "--from" in arguments else ("--from", "2001@steven.lab")
        done = fedge.run("route", "-c", path, *caller, *arguments)
        assert done.stderr == "" or done.returncode in (UNDECIDED, USAGE), done.stderr
        return done.returncode, done.stdout + done.stderr

    yield run
    fedge.stop_all()


CORE = ["--zone", "core"]
SEARCHES = {
    "a number becomes an alias of ours": (
        [*CORE, "--to", "2000"], FOUND,
        ["transform 'digits': the alias is now 2000@steven.lab", "towards core at priority 10 with 2000@steven.lab",
         "policy 'gateway': ignored, it is for requests from elsewhere", "tcp 10.0.0.1:5060 is not tried"]),
    "the policy rejects a stranger": (
        ["--to", "sip:9011@steven.lab"], REFUSED,
        ["policy 'gateway': reject 488 No Gateway", "answer    488 No Gateway"]),
    "the policy leads elsewhere, and all begins again": (
        ["--to", "help@steven.lab"], FOUND,
        ["policy 'help': redirect", "transform 'digits': the alias is now 2000@steven.lab", "zone core is asked"]),
    "no rule leads there": (
        [*CORE, "--to", "a@nowhere.lab"], REFUSED,
        ["rule 'out': did not match a@nowhere.lab", "rule 'old': ignored, it is disabled", "error[no-rule-matches]",
         "404 Not Found"]),
    "a stranger who is blocked": (
        ["--from", "eve@blocked.dns.lab", "--to", "2000@steven.lab"], REFUSED, ["error[domain-blocked]"]),
    "a stranger who wants to be passed on": (
        ["--from", "eve@right.dns.lab", "--to", "a@outside.dns.lab"], REFUSED, ["error[domain-not-ours]"]),
    "a partner as the core would reach it": (
        [*CORE, "--to", "a@right.dns.lab"], FOUND,
        ["DNS SRV _sipfederationtls._tcp.right.dns.lab: 0 0 5061 edge.right.dns.lab",
         "edge.right.dns.lab (tls 127.48.200.1:5061) is not tried"]),
    "a partner whose records break the rules of trust": (
        [*CORE, "--to", "a@outside.dns.lab"], REFUSED,
        ["error[srv-target-outside-domain]", "504 Server time-out"]),
    "a partner that is blocked": (
        [*CORE, "--to", "a@blocked.dns.lab", "--no-dns"], REFUSED, ["error[domain-blocked]"]),
    "a partner that is not looked up": (
        [*CORE, "--to", "a@right.dns.lab", "--no-dns"], FOUND, ["right.dns.lab is not tried"]),
    "who comes from a zone that is believed counts as authenticated": (
        ["--zone", "believed", "--to", "1@pbx.lab"], FOUND, ["zone named is asked"]),
    "only for the authenticated": (
        [*CORE, "--to", "1@pbx.lab"], REFUSED, ["rule 'staff': ignored, the request is not authenticated"]),
    "and for one who is": (
        [*CORE, "--to", "1@pbx.lab", "--authenticated"], FOUND, ["zone named is asked", "tcp 127.48.200.2:5060"]),
    "another SIP": ([*CORE, "--to", "1@im.lab"], REFUSED, ["rule 'microsoft': ignored, it is for another SIP variant"]),
    "that SIP": (
        [*CORE, "--to", "1@im.lab", "--variant", "microsoft-im"], FOUND, ["zone core is asked for 1@im.lab"]),
    "a zone that nobody has": (["--to", "1@im.lab", "--zone", "elsewhere"], USAGE, ["no zone is called \"elsewhere\""]),
    "no address at all": (["--to", "tel:"], USAGE, ["\"tel:\" is no address"]),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_searches(route, case):
    arguments, code, texts = SEARCHES[case]
    done, out = route(*arguments)
    assert done == code, out
    for text in texts:
        assert text in out, out


def test_a_search_as_json(route):
    """The same object as the search history gives, every step in it."""
    code, out = route("--zone", "core", "--to", "a@right.dns.lab", "--json")
    search = json.loads(out)
    assert code == FOUND and search["found"] and search["zone"] == "core"
    verdicts = {step["name"]: step["verdict"] for step in search["steps"] if step["kind"] == "rule"}
    assert verdicts == {"inside": "did-not-match", "staff": "ignored-unauthenticated", "old": "ignored-disabled",
                        "microsoft": "ignored-variant", "out": "considered"}
    assert [step["name"] for step in search["steps"] if step["kind"] == "attempt"] == ["edge.right.dns.lab"]


def test_a_name_server_that_does_not_answer(fedge):
    """What could not be asked is neither yes nor no."""
    path = fedge.folder / "deaf.yaml"
    path.write_text(CONFIGURATION.format(dns="127.48.200.9").replace("timeout: 5s", "timeout: 200ms"))
    done = fedge.run("route", "-c", path, "--zone", "core", "--from", "a@steven.lab", "--to", "a@right.dns.lab")
    assert done.returncode == UNDECIDED and "srv-lookup-failed" in done.stdout
