"""fedge explain on the logs of every lab scenario: what an honest expert could say from

    a    our side's log alone (vcse)
    b    ours and the Edge's (vcse, sfvedge)
    c    the client's log alone (stejanss)

The lab knows what it has broken and the explainer is not told. Where the logs hold the fault it must be proved; where they
do not, it must not be: a bare 504 tells that the peer refused and nothing more, an outbound call that fails leaves nothing
in the client's log, an incomplete chain and an unknown authority give the same alert, a wildcard and a missing name give
the same result code and differ in the name that was seen.
"""
import datetime
import json
import re
import subprocess

import pytest
from support import Fedge, Lab, wait_until

SETS = {"a": ("vcse.log",), "b": ("vcse.log", "sfvedge.log"), "c": ("stejanss.log",)}

NOTHING = "nothing"  # no trace of the call
ANSWERED = "answered"

# What a bare 504 can come from; the order is the explainer's.
MUTE_504 = {"srv-target-outside-domain", "certificate-name-mismatch", "srv-missing"}
MUTE_403 = {"domain-blocked", "domain-not-allowed"}
CHAIN = {"certificate-chain-incomplete", "certificate-untrusted"}

SRV = ("srv-target-outside-domain", "proved", set())
NAME = ("certificate-name-mismatch", "proved", set())
WILDCARD = ("certificate-wildcard-only", "proved", set())
BARE_504 = ("peer-answered", "possible", MUTE_504)
BARE_403 = ("peer-answered", "possible", MUTE_403)


def refused(*candidates):
    """The partner's TLS alert about our certificate is a fact; what it is about is not in it."""
    return "certificate-refused-by-partner", "proved", set(candidates)


# scenario, direction: what a, b and c allow to say
TABLE = {
    ("healthy", "outbound"): (ANSWERED, ANSWERED, ANSWERED),
    ("healthy", "inbound"): (ANSWERED, ANSWERED, ANSWERED),
    ("srv-other-domain", "outbound"): (BARE_504, SRV, NOTHING),
    ("srv-other-domain", "inbound"): (NOTHING, SRV, SRV),
    ("srv-subdomain", "outbound"): (BARE_504, SRV, NOTHING),
    ("srv-subdomain", "inbound"): (NOTHING, SRV, SRV),
    ("cert-name-missing", "outbound"): (BARE_504, NAME, NOTHING),
    ("cert-name-missing", "inbound"): (NOTHING, NAME, NAME),
    ("cert-cn-only", "outbound"): (ANSWERED, ANSWERED, ANSWERED),
    ("cert-cn-only", "inbound"): (ANSWERED, ANSWERED, ANSWERED),
    ("cert-cn-ignored", "outbound"): (BARE_504, ("certificate-cn-ignored", "proved", set()), NOTHING),
    ("cert-cn-ignored", "inbound"): (NOTHING, ("certificate-cn-ignored", "proved", set()),
                                     ("certificate-cn-ignored", "likely", set())),
    ("cert-wildcard", "outbound"): (BARE_504, WILDCARD, NOTHING),
    # The client is told one name of the certificate, and that is a wildcard of another domain.
    ("cert-wildcard", "inbound"): (NOTHING, WILDCARD, NAME),
    ("cert-untrusted", "outbound"): (refused(*CHAIN), refused(*CHAIN), NOTHING),
    ("cert-untrusted", "inbound"): (refused(*CHAIN), ("certificate-untrusted", "proved", set()),
                                    ("certificate-untrusted", "likely", {"certificate-chain-incomplete"})),
    ("cert-chain-incomplete", "outbound"): (refused(*CHAIN), refused(*CHAIN), NOTHING),
    ("cert-chain-incomplete", "inbound"): (refused(*CHAIN), ("certificate-chain-incomplete", "proved", set()),
                                           ("certificate-chain-incomplete", "likely", {"certificate-untrusted"})),
    ("cert-expired", "outbound"): (refused("certificate-expired"), ("certificate-expired", "proved", set()), NOTHING),
    ("cert-expired", "inbound"): (refused("certificate-expired"), ("certificate-expired", "proved", set()),
                                  ("certificate-expired", "likely", set())),
    ("cert-server-usage-only", "outbound"): (refused("certificate-no-client-usage"),
                                             ("certificate-no-client-usage", "proved", set()), NOTHING),
    ("cert-server-usage-only", "inbound"): (ANSWERED, ANSWERED, ANSWERED),
    ("srv-missing", "outbound"): (BARE_504, ("srv-missing", "proved", set()), NOTHING),
    ("srv-missing", "inbound"): (NOTHING, ("srv-missing", "proved", set()), ("srv-missing", "proved", set())),
    ("address-missing", "outbound"): (ANSWERED, ANSWERED, ANSWERED),
    ("address-missing", "inbound"): (NOTHING, ("address-missing", "proved", set()), ("address-missing", "likely", set())),
    ("port-closed", "outbound"): (ANSWERED, ANSWERED, ANSWERED),
    ("port-closed", "inbound"): (NOTHING, ("connect-refused", "proved", set()), ("connect-refused", "likely", set())),
    ("domain-blocked", "outbound"): (BARE_403, ("domain-blocked", "proved", set()), NOTHING),
    ("domain-blocked", "inbound"): (NOTHING, ("domain-blocked", "proved", set()), BARE_403),
    ("partner-srv-other-domain", "outbound"): (SRV, SRV, NOTHING),
    ("partner-srv-other-domain", "inbound"): (SRV, SRV, SRV),
    ("partner-cert-name-missing", "outbound"): (NAME, NAME, NOTHING),
    ("partner-cert-name-missing", "inbound"): (NAME, NAME, NAME),
}
# Who must act, by what was broken; whoever reads is on the side of steven.lab.
OURS = "steven.lab"
PARTNERS_FAULT = {"partner-srv-other-domain", "partner-cert-name-missing", "domain-blocked"}


class Run:
    """All scenarios, once; what the explainer says of each set of logs."""

    def __init__(self, fedge, folder):
        self.fedge, self.folder = fedge, folder
        done = fedge.run("lab", "run", "--keep", folder, "--json", seconds=300)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        self.calls = {(o["scenario"], o["direction"]): o for o in map(json.loads, done.stdout.splitlines())}
        self.told = {}

    def problems(self, scenario, which, *options):
        """(exit code, the objects) of --all --json for that set of logs."""
        key = scenario, which, options
        if key not in self.told:
            files = [self.folder / scenario / name for name in SETS[which]]
            done = self.fedge.run("explain", "--json", "--all", "--own", OURS, *options, *files)
            assert not done.stderr, done.stderr
            self.told[key] = done.returncode, [json.loads(line) for line in done.stdout.splitlines()]
        return self.told[key]

    def of_call(self, scenario, direction, which):
        """What is said of the call of that direction; a connection that failed before it counts for it."""
        call = self.calls[scenario, direction]
        _, problems = self.problems(scenario, which)
        found = [p for p in problems if set(call["call_ids"]) & {leg["call_id"] for leg in p["legs"]}]
        if not found and direction == ("outbound" if which == "c" else "inbound"):
            found = [p for p in problems if p["kind"] == "connection"]
        assert len(found) <= 1, found
        return found[0] if found else None


@pytest.fixture(scope="module")
def run(program, tmp_path_factory):
    runner = Fedge(program, tmp_path_factory.mktemp("runner"))
    yield Run(runner, tmp_path_factory.mktemp("lab") / "kept")
    runner.stop_all()


def test_the_table_is_whole(run):
    assert set(TABLE) == set(run.calls)


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize(("scenario", "direction"), TABLE)
def test_what_the_logs_allow_to_say(run, scenario, direction, which):
    expected = TABLE[scenario, direction]["abc".index(which)]
    problem = run.of_call(scenario, direction, which)
    if expected == NOTHING:
        assert problem is None or problem["outcome"] == "unknown", problem
        return
    assert problem, f"nothing is said of the call {run.calls[scenario, direction]['call_id']}"
    if expected == ANSWERED:
        assert (problem["outcome"], problem["status"], problem["finding"], problem["confidence"]) == (
            "answered", 200, None, "none")
        return
    finding, confidence, candidates = expected
    said = [candidate["code"] for candidate in problem["candidates"]]
    assert (problem["finding"], problem["confidence"]) == (finding, confidence), (problem["sentence"], said)
    assert candidates <= set(said), said
    assert finding not in said
    if confidence == "proved" and finding != "certificate-refused-by-partner":
        assert not said, said


NAMED = [(*row, which) for row, expected in TABLE.items() for which, said in zip("ab", expected)
         if said not in (NOTHING, ANSWERED) and said[0] != "peer-answered"]


@pytest.mark.parametrize(("scenario", "direction", "which"), NAMED)
def test_who_must_act(run, scenario, direction, which):
    problem = run.of_call(scenario, direction, which)
    assert problem["who"] == ("partner" if scenario in PARTNERS_FAULT else "you"), problem["details"]["title"]


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize(("scenario", "direction"), TABLE)
def test_the_lines_are_there(run, scenario, direction, which):
    """Every piece of evidence stands in the file where it is said to stand."""
    problem = run.of_call(scenario, direction, which)
    if not problem or not problem["finding"]:
        return
    assert problem["evidence"]
    for piece in problem["evidence"]:
        lines = open(piece["file"], encoding="utf-8", errors="replace").read().split("\n")
        shown = lines[piece["line"] - 1]
        for part in piece["text"].split("…"):
            assert part.strip() in shown, (piece, shown)
        if piece["mark"]:
            offset, length = piece["mark"]
            assert length > 0 and offset + length <= len(piece["text"].encode())


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("scenario", dict.fromkeys(scenario for scenario, _ in TABLE))
def test_exit_codes(run, scenario, which):
    code, problems = run.problems(scenario, which)
    sure = [p["confidence"] for p in problems if p["federation"] and p["outcome"] != "answered" and p["finding"]]
    assert code == (0 if not sure else 2 if {"likely", "proved"} & set(sure) else 1)


def test_two_logs_of_one_call_are_joined(run):
    """The boxes' records of the call are one call, on one clock, each message once."""
    problem = run.of_call("healthy", "outbound", "b")
    invites = [row for row in problem["ladder"] if row["text"] == "INVITE"]
    assert [len(row["places"]) for row in invites][1] == 2, invites
    assert len({row["to"] for row in invites}) == len(invites)
    # Clocks of one machine: what its two logs say of one moment differs by the time a message took, and no more.
    rows = [datetime.datetime.fromisoformat(row["time"]) for row in problem["ladder"] if row["kind"] == "message"]
    for before, after in zip(rows, rows[1:]):
        assert after >= before - datetime.timedelta(milliseconds=20), problem["ladder"]


def test_a_mute_504_says_what_would_decide(run):
    problem = run.of_call("srv-other-domain", "outbound", "a")
    assert problem["domains"] == ["acano.steven.lab"]
    assert any("fedge check acano.steven.lab" in (step["command"] or "") for step in problem["next"])
    assert any("skype.lab" in step["text"] for step in problem["next"])


# What --check must find, where the log alone is mute.
DECIDED = {
    "srv-other-domain": {"srv-target-outside-domain"},
    "srv-subdomain": {"srv-target-outside-domain"},
    "cert-name-missing": {"certificate-name-mismatch"},
    "cert-cn-ignored": {"certificate-cn-ignored"},
    "cert-wildcard": {"certificate-wildcard-only"},
    "srv-missing": {"srv-missing"},
}


def is_refused(lab, call_id):
    """True once vcse's log tells that the call was refused: the message is followed by a record of the search."""
    records = re.split(r"(?m)^(?=\d{4}-\d\d-\d\dT)", lab.log("vcse.steven.lab").read_text())
    call_ids = lab.call_ids(call_id)
    sent = [n for n, r in enumerate(records) if 'Action="Sent"' in r and "SIP/2.0 504" in r
            and any(call_id in r for call_id in call_ids)]
    return bool(sent) and any("Search Completed" in r for r in records[sent[0]:])


@pytest.mark.parametrize("scenario", DECIDED)
def test_the_examiner_decides(fedge, tmp_path, scenario):
    lab = Lab(fedge, scenario, tmp_path / "lab")
    call = next(c for c in lab.document["calls"] if c["direction"] == "outbound")
    call_id = json.loads(fedge.run(*call["arguments"], cwd=lab.folder).stdout.splitlines()[-1])["call_id"]
    wait_until(lambda: is_refused(lab, call_id), 20, "vcse has written how the call ended")
    options = ("--resolver", lab.document["resolver"], "--ca-file", lab.document["ca_file"], "--private")
    done = subprocess.run([fedge.path, "explain", "--json", "--own", OURS, "--check", *options, "vcse.log"], cwd=lab.folder,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stderr
    problem = next(o for o in map(json.loads, done.stdout.splitlines()) if o["kind"] == "call")
    assert problem["finding"] in DECIDED[scenario]
    assert problem["confidence"] == "likely"
    assert problem["who"] == "you"
    assert problem["fixes"]
    assert lab.stop() == 0
