"""fedge explain on the logs of every lab scenario: what an honest expert could say from

    a    our side's log alone (vcse)
    b    ours and the Edge's (vcse, sfvedge)
    c    the client's log alone (stejanss)
    all  every host's (cucm, vcsc, vcse, sfvedge, stejanss): what b allows to say, of the whole call
    folder  the scenario's folder as it is: each host's log twice, in the product's format and as JSON, those of the
            phone and the meeting server, keys, configurations, zone files and search histories

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

HOSTS = ("cucm", "vcsc", "vcse", "sfvedge", "stejanss")
SETS = {"a": ("vcse.log",), "b": ("vcse.log", "sfvedge.log"), "c": ("stejanss.log",),
        "all": tuple(f"{host}.log" for host in HOSTS), "folder": ("",)}
WHOLE = ("all", "folder")
# A folder is much to read; these have an answer, a name, an alert and our own side's judgement.
FOLDERS = ("healthy", "cert-wildcard", "cert-untrusted", "partner-srv-other-domain")

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


def allowed(scenario, direction, which):
    """Of the whole call that can be said which the two edges' logs allow to say."""
    return TABLE[scenario, direction]["abc".index("b" if which in WHOLE else which)]


def each_set(*rows):
    """The rows with each set of logs that is looked at for their scenario."""
    return [(*row, which) for row in rows for which in SETS if which != "folder" or row[0] in FOLDERS]


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
            assert not done.stderr or which == "folder", done.stderr
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


@pytest.mark.parametrize(("scenario", "direction", "which"), each_set(*TABLE))
def test_what_the_logs_allow_to_say(run, scenario, direction, which):
    expected = allowed(scenario, direction, which)
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


NAMED = [row for row in each_set(*TABLE) if row[-1] != "c" and allowed(*row) not in (NOTHING, ANSWERED)
         and allowed(*row)[0] != "peer-answered"]


@pytest.mark.parametrize(("scenario", "direction", "which"), NAMED)
def test_who_must_act(run, scenario, direction, which):
    problem = run.of_call(scenario, direction, which)
    assert problem["who"] == ("partner" if scenario in PARTNERS_FAULT else "you"), problem["details"]["title"]


@pytest.mark.parametrize(("scenario", "direction", "which"), each_set(*TABLE))
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


SCENARIOS = tuple((scenario,) for scenario in dict.fromkeys(scenario for scenario, _ in TABLE))


@pytest.mark.parametrize(("scenario", "which"), each_set(*SCENARIOS))
def test_exit_codes(run, scenario, which):
    code, problems = run.problems(scenario, which)
    sure = [p["confidence"] for p in problems if p["federation"] and p["outcome"] != "answered" and p["finding"]]
    assert code == (0 if not sure else 2 if {"likely", "proved"} & set(sure) else 1)


def legs_of(problem):
    return {leg["call_id"] for leg in problem["legs"]}


@pytest.mark.parametrize(("scenario", "which"), [row for row in each_set(*SCENARIOS) if row[-1] in WHOLE])
def test_each_call_is_one(run, scenario, which):
    """Legs on both sides of the meeting server are one call; what nodes and phones ask each other besides is none."""
    placed = [call for (name, _), call in run.calls.items() if name == scenario]
    _, problems = run.problems(scenario, which)
    told = [p for p in problems if p["kind"] == "call"]
    # The healthy scenario calls the meeting server itself, too.
    assert len(told) == len(placed) + (scenario == "healthy"), [(p["sentence"], legs_of(p)) for p in told]
    for call in placed:
        of_it = [p for p in told if legs_of(p) & set(call["call_ids"])]
        assert len(of_it) == 1 and legs_of(of_it[0]) == set(call["call_ids"]), (call["call_ids"], of_it)
        assert {leg["joined_by"] for leg in of_it[0]["legs"]} <= {None, "session-id"}, of_it[0]["legs"]
    # How these ended depends on who was there first when the lab began.
    others = [p for p in problems if p["kind"] != "call"]
    assert {p["method"] for p in others} <= {"OPTIONS", "REGISTER", None}


# Which way the request goes, host by host: vcsc twice, before and after the meeting server. Names are those that a
# host has in its own log; of phone and meeting server the folder alone has one.
INVITES = {
    "outbound": ("phone", "cucm", "vcsc", "cms", "vcsc", "vcse", "sfvedge", "stejanss"),
    "inbound": ("stejanss", "sfvedge", "vcse", "vcsc", "cms", "vcsc", "cucm", "phone"),
}
USERS = {"phone": "sip:2000@acano.steven.lab", "stejanss": "sip:stejanss@skype.lab"}
NAMES = {"folder": {}, "all": {"phone": "127.48.54.11", "cms": "cms.steven.lab", "stejanss": "stejanss.skype.lab"}}


def told_once(problem):
    """The ladder's messages, each with its hop."""
    return [(row["text"], row["from"], row["to"], row["call_id"]) for row in problem["ladder"] if row["kind"] == "message"]


@pytest.mark.parametrize("which", WHOLE)
@pytest.mark.parametrize("direction", INVITES)
def test_the_ladder_has_everybody(run, direction, which):
    callee = INVITES[direction][-1]
    problem = next(p for p in run.problems("healthy", which)[1] if p["kind"] == "call" and p["to"] == USERS[callee])
    names = NAMES[which]
    way = [names.get(host, host) for host in INVITES[direction]]
    assert problem["hosts"] == list(dict.fromkeys(way))
    invites = [row for row in problem["ladder"] if row["text"] == "INVITE"]
    # The phone is asked who it is: its first INVITE goes to cucm twice.
    hops = list(dict.fromkeys((row["from"], row["to"]) for row in invites))
    assert hops == list(zip(way, way[1:])), hops
    # Two legs: the meeting server ends the one and begins the other.
    of_leg = {hop: row["call_id"] for row in invites for hop in [(row["from"], row["to"])]}
    before = [of_leg[hop] for hop in hops]
    middle = way.index(names.get("cms", "cms"))
    assert before[:middle] == before[:1] * middle and before[middle:] == before[-1:] * (len(before) - middle)
    assert [leg["call_id"] for leg in problem["legs"]] == [before[0], before[-1]]
    # Both ends logged it where both have a log, and it is one row all the same.
    logged = {*HOSTS, "stejanss.skype.lab"} if which == "all" else {"phone", "cms", *HOSTS}
    for row in invites:
        assert len(row["places"]) == 1 + ({row["from"], row["to"]} <= logged), row
    assert all(row["count"] == 1 for row in problem["ladder"])


@pytest.mark.parametrize("direction", INVITES)
def test_a_log_in_two_formats_tells_nothing_twice(run, direction):
    """With JSON beside the product's format every message of a host is read twice."""
    for scenario in FOLDERS:
        once, twice = (run.of_call(scenario, direction, which) for which in WHOLE)
        names = {name: host for host, name in NAMES["all"].items()}
        few = [(text, names.get(a, a), names.get(b, b), call_id) for text, a, b, call_id in told_once(once)]
        assert sorted(few) == sorted(told_once(twice)), scenario


def test_everybody_is_drawn(run, tmp_path):
    """Page and diagram have the hosts of the call and each of its requests."""
    folder = run.folder / "cert-wildcard"
    page = tmp_path / "page.html"
    files = [folder / name for name in SETS["all"]]
    done = run.fedge.run("explain", "--mermaid", "--html", page, "--own", OURS, *files)
    assert done.returncode == 2 and not done.stderr, done.stderr
    problem = run.of_call("cert-wildcard", "outbound", "all")
    diagram = next(part for part in done.stdout.split("```mermaid")[1:] if "as cucm" in part)
    assert re.findall(r"participant \w+ as (\S+)", diagram) == problem["hosts"]
    invites = [row for row in problem["ladder"] if row["text"] == "INVITE"]
    assert len(re.findall(r"->>\w+: INVITE", diagram)) == len(invites) == len(problem["hosts"]) + 1
    drawn = page.read_text()
    assert all(host in drawn for host in problem["hosts"])
    assert problem["call_id"] in drawn


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
