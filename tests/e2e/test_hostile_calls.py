"""Storms: calls to users that do not exist, to aliases that make patterns explode, REGISTERs and calls that nobody can
prove. Each request gets the answer that is right, all that is worth it is written down, and meanwhile a request of
somebody else goes its whole way, from a neighbor of the edge to a registered phone and back, as it did before.
"""
import json
import statistics
import time

import pytest
from crossing import IN, OUT, build
from ladder import Rung, ack_refusal, linger, receive, request, respond
from phones import Phone, challenges, credentials
from strangers import Wire, callee, caller, fresh_address
from support import Authority, Fedge, wait_until

# What patterns of people who know no better look like; of each kind an alias is made that takes them 2^40 steps.
HOSTILE = """\
  - {name: careless, priority: 1, mode: pattern, type: regex, pattern: '(a+)+(a+)+(a+)+[bd]@costly\\.lab', target: one}
  - {name: slow, priority: 1, mode: pattern, type: regex, pattern: '(*NO_JIT)(a+)+(a+)+[bd]@costly\\.lab', target: one}
"""
MORE = """\
transforms:
  - {name: rewrites, type: regex, pattern: '(t+)+(t+)+(t+)+[bd]@costly\\.lab', behaviour: replace, replace: 'x@in.lab'}
policy:
  - {name: forbids, to: '(p+)+(p+)+(p+)+[bd]@costly\\.lab', action: reject, status: 488}
history: {store: edge.db}
"""
CALLS, RATE = 400, 250


@pytest.fixture(scope="module")
def stage(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    fedge = Fedge(program, folder)
    fedge.nodes = []
    made = build(fedge, Authority(folder / "authority"), HOSTILE, MORE)
    phone = callee(fedge, made.phone, [receive("OPTIONS"), respond(200, "OK"), linger(100)], "phone", calls=100000,
                   seconds=500)
    made.wire = Wire(made.edge.address, "tcp", made.watch)
    try:
        yield made
        phone.process.stop()
        for node in fedge.nodes:
            node.end_well()
    finally:
        made.wire.socket.close()
        fedge.stop_all()


def answer_time(stage):
    """Seconds that an OPTIONS takes from a neighbor of the edge to a phone of the core, and its answer back."""
    began = time.monotonic()
    answer = stage.wire.ask("OPTIONS", f"sip:2000@{IN}", seconds=20)
    assert answer.status == 200, answer
    return time.monotonic() - began


def others_hardly_notice(stage, storms):
    """Asks while the storms last, which must be as SIPp wants them."""
    asked = []
    while any(storm.is_running() for storm in storms) or len(asked) < 5:
        asked.append(answer_time(stage))
        time.sleep(0.02)
    for storm in storms:
        storm.wait()
    print(f"asked {len(asked)} times: {statistics.median(asked) * 1000:.1f} ms, at most {max(asked) * 1000:.1f} ms")
    # Nothing waits for a storm to end. Nobody knows how fast the machine is: the bounds are a caller's patience.
    assert statistics.median(asked) < 0.5 and max(asked) < 5


@pytest.fixture(scope="module")
def quiet(stage):
    """What it takes without a storm, for whoever reads what the tests say."""
    asked = [answer_time(stage) for _ in range(10)]
    print(f"quiet: {statistics.median(asked) * 1000:.1f} ms")
    return asked


def storm(stage, name, node, uri, status, address=None):
    """Calls that are refused with that status; `address`: who calls."""
    rungs = [request("INVITE", uri=uri, label="invite"), receive(100, optional=True), receive(status), ack_refusal()]
    return caller(stage.fedge, address or stage.partner, node.address, rungs, name, calls=CALLS, rate=RATE,
                  domains=(OUT, OUT))


def history(stage, count, *arguments):
    """The entries of the edge's history, once there are so many that fit."""

    def found():
        done = stage.fedge.run("history", "-c", "edge.yaml", "--json", "-n", "100000", *arguments,
                               cwd=stage.fedge.folder)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        return len(lines) >= count and lines

    return wait_until(found, 30, f"{count} entries with {arguments}")


def test_calls_to_nobody(stage, quiet):
    """404 of the registrar, over the traversal zone; every one is in the edge's history, and nothing was left out."""
    others_hardly_notice(stage, [storm(stage, "nobody", stage.edge, f"sip:nobody[call_number]@{IN}", 404)])
    entries = history(stage, CALLS, "--search", "nobody", "--failed")
    assert len(entries) == CALLS and all('"status":404' in line for line in entries)
    kept = stage.edge.status()["history"]
    assert (kept["refused"], kept["dropped"], kept["error"]) == (0, 0, None)
    assert sum(r.get("response_code") == 404 for r in stage.core.journal("search")) >= CALLS


def verdicts(stage, alias):
    return {(r["part"], r["name"]): r["verdict"] for r in stage.edge.journal("rule") if r["alias"] == alias}


EXPLODING = [
    # letter, status, what is too costly: rules and transforms count as not matched, a policy lets nothing through
    ("a", 404, {("search", "careless"), ("search", "slow")}),
    ("t", 404, {("transform", "rewrites")}),
    ("p", 403, {("policy", "forbids")}),
]


def test_aliases_that_make_patterns_explode(stage, quiet):
    def alias(letter):
        return f"{letter * 60}c@costly.lab"

    callers = (stage.partner, stage.one, stage.two)
    others_hardly_notice(stage, [storm(stage, f"costly-{letter}", stage.edge, f"sip:{alias(letter)}", status, address)
                                 for (letter, status, _), address in zip(EXPLODING, callers)])
    for letter, status, costly in EXPLODING:
        first = json.loads(history(stage, CALLS, "--search", alias(letter))[0])
        assert first["status"] == status
        seen = wait_until(lambda: verdicts(stage, alias(letter)), 20, "the verdicts are written")
        assert {key for key, verdict in seen.items() if verdict == "too-costly"} == costly
        tree = stage.fedge.run("history", "-c", "edge.yaml", str(first["id"]), cwd=stage.fedge.folder).stdout
        assert "reached the limit of matching" in tree, tree


def test_requests_that_nobody_can_prove(stage, quiet):
    """REGISTERs and calls of one stranger without a password, faster than is allowed: challenged, then told to wait."""
    sender, count = fresh_address(), 1300
    # One rung, so that its two and the label, which is no message, are as many as ack_refusal counts.
    provisional = Rung(lambda _index, _labels: '  <recv response="100" optional="true"/>\n'
                                               '  <recv response="503" optional="true" next="1"/>\n')
    label = Rung(lambda _index, _labels: '  <label id="1"/>\n')

    def asking(method, status, port):
        rungs = [request(method, uri=f"sip:{IN}", label="invite"), provisional, receive(status), label,
                 *([ack_refusal()] if method == "INVITE" else [])]
        return caller(stage.fedge, sender, stage.core.address, rungs, method.lower(), mode="t1", port=port, calls=count,
                      rate=800, domains=(IN, IN), options=("-s", "stranger"))

    before = stage.core.counters()["requests"]
    others_hardly_notice(stage, [asking("REGISTER", 401, 5060), asking("INVITE", 407, 5062)])
    assert stage.core.counters()["requests"] - before >= 2 * count
    assert stage.core.status()["registrations"]["count"] == 4, "of the phones, and of nobody else"
    told = wait_until(lambda: [r for r in stage.core.journal("judgement") if r["code"] == "registration-flood"], 20,
                      "the flood is recorded")
    assert len(told) <= 20, "and fills no log"
    assert not [r for r in stage.core.journal("search") if "stranger" in r["destination"]], "nothing was searched"


@pytest.mark.parametrize("route", ["<sip:{elsewhere}:5060;lr>", "<sip:{core};lr>, <sip:{elsewhere}:5060;lr>",
                                   "<sip:0100000000a1ea594038f8c11c2ccf0b48@{core};lr>, <sip:{elsewhere}:5060;lr>"])
@pytest.mark.parametrize("to_tag", ["", "x"])
def test_a_route_that_a_phone_made_up(stage, route, to_tag):
    """Its user is who he says; where his requests go is not his to say. Nothing reaches who is named there."""
    with Wire(stage.core.address, "udp", local=fresh_address(), local_port=5060) as elsewhere:
        with Phone(stage.core, "caller", "calls", alias=f"caller@{IN}", local=fresh_address()) as phone:
            extra = (f"Route: {route.format(elsewhere=elsewhere.local[0], core=stage.core.host)}",)
            uri = f"sip:2000@{OUT}"
            answer = phone.ask("MESSAGE", uri, extra=extra, to_tag=to_tag, proves=False)
            if answer.status == 407:
                proof = credentials(challenges(answer)["MD5"], "MESSAGE", uri, "caller", "calls")
                answer = phone.wire.ask("MESSAGE", uri, caller=phone.aor, to_tag=to_tag,
                                        extra=(*extra, f"Proxy-Authorization: {proof}"))
            assert answer.status == 403, answer
            assert phone.wire.ask("OPTIONS", f"sip:{stage.core.host}").status
        elsewhere.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            elsewhere.socket.recv(100)
