"""fedge check beside the lab's own edges: for every scenario of the table, what they decided about a call and what
the examiner says about the domain, without having been told either.

What an edge decided is read from its own records of the call (HOST.json): the judgement it refused by, else the TLS
alert it sent, else that it took part in an answered call. They are written a moment after the caller has its answer, so
they are awaited: what each edge must have written follows from the call's answer and from what the edge wrote that was
called first. `fedge check` is asked twice: from outside, and with -c as
that very edge. The two must agree, in the direction of the call:

    an edge called the domain        calls_to:    the domain's SRV records, addresses, servers
    the domain called an edge        calls_from:  the domain's SRV records, and the certificate it shows
"""
import json
import subprocess

import pytest
from support import Fedge, Lab, die_with_parent, wait_until

SCENARIOS = (
    "healthy", "srv-other-domain", "srv-subdomain", "cert-name-missing", "cert-cn-only", "cert-cn-ignored",
    "cert-wildcard", "cert-untrusted", "cert-chain-incomplete", "cert-expired", "cert-server-usage-only", "srv-missing",
    "address-missing", "port-closed", "domain-blocked", "partner-srv-other-domain", "partner-cert-name-missing",
)
DIRECTIONS = ("outbound", "inbound")
ROWS = [(scenario, direction) for scenario in SCENARIOS for direction in DIRECTIONS]

# What a TLS alert can be about (RFC 8446 6.2): the findings that say the same of the certificate.
ALERTS = {
    43: {"certificate-no-client-usage"},
    45: {"certificate-expired", "certificate-not-yet-valid"},
    48: {"certificate-untrusted", "certificate-chain-incomplete"},
}
# An edge's own affair: its lists, what it demands of a caller beyond a stranger's rule book, what the far side thinks
# of its certificate. From outside there is a note of it at most; with -c it is seen.
OWN_AFFAIRS = {"domain-blocked", "certificate-no-client-usage", "certificate-refused-by-partner"}

EDGES = ("vcse.steven.lab", "sip.skype.lab")
NOBODY = "nobody"  # an edge that was not asked


class Scenario:
    """One lab: the calls, what the edges wrote of them, and what the examiner says."""

    def __init__(self, fedge, name, folder):
        self.fedge = fedge
        self.lab = Lab(fedge, name, folder)
        self.edges = {name: self.lab.host(name) for name in EDGES}
        self.calls = {call["direction"]: {**call, "answer": self.call(call)} for call in self.lab.document["calls"]}
        # Before the examiner comes: what it leaves in the logs is none of these calls.
        self.records = wait_until(self.whole_records, 20, f"{name}: both edges have written of {self.calls}")
        self.outside_options = ("--resolver", self.lab.document["resolver"], "--ca-file", self.lab.document["ca_file"],
                                "--intermediates", "tls/intermediate.pem")
        domains = {domain_of(call[side]) for call in self.calls.values() for side in ("caller", "callee")}
        asked = {"outside": self.ask(domains, *self.outside_options),
                 **{edge: self.ask({d for d in domains if d.endswith("skype.lab") != edge.endswith("skype.lab")}, "-c",
                                   host["configuration"]) for edge, host in self.edges.items()}}
        self.inside = {who: {domain: self.answer(process) for domain, process in processes.items()}
                       for who, processes in asked.items()}
        self.outside = self.inside.pop("outside")
        self.with_certificate = self.with_the_certificate()
        assert self.lab.stop() == 0

    def call(self, call):
        done = self.fedge.run(*call["arguments"], cwd=self.lab.folder)
        assert done.returncode in (0, 2), done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def read(self, path):
        """The records so far; the last line may be there in part."""
        text = (self.lab.folder / path).read_text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def whole_records(self):
        """{edge: its records}, once they hold all that the edges have to write of the calls until their answers."""
        self.records = {edge: self.read(host["logs"]["json"]) for edge, host in self.edges.items()}
        return self.records if all(map(self.is_written, self.calls)) else None

    def is_written(self, direction):
        """Both edges have written how the call ended, as far as it came to them."""
        called = next(edge for edge in self.edges if direction != self.inward(edge))
        other = next(edge for edge in self.edges if edge != called)
        if not self.has_ended(called, direction):
            return False
        # The edge that was called first wrote its judgement before the end, and that says what became of the call.
        said = {record["code"] for record in self.judgements(called, direction)}
        if "certificate-refused-by-partner" in said:
            return self.refused_in_tls(other, direction) is not None
        if self.calls[direction]["answer"]["status"] == 200 or "peer-answered" in said:
            return self.has_ended(other, direction)
        return True

    def call_ids(self, direction):
        return self.lab.call_ids(self.calls[direction]["answer"]["call_id"])

    def has_ended(self, edge, direction):
        call_ids = self.call_ids(direction)
        return any(r["kind"] == "call" and r["event"] in ("connected", "rejected") and r["call_id"] in call_ids
                   for r in self.records[edge])

    def ask(self, domains, *arguments):
        """Starts an examination of each domain; {domain: its process}."""
        return {domain: subprocess.Popen(
            [self.fedge.path, "check", domain, "--json", "--private", *arguments], cwd=self.lab.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent) for domain in sorted(domains)}

    def with_the_certificate(self):
        """Domains whose certificate nobody could be asked for, once more with the certificate given."""
        unseen = {d for d, (report, _) in self.outside.items() if report["calls_from"]["verdict"] == "unknown"}
        asked = self.ask(unseen, *self.outside_options, "--cert", "tls/vcse.pem")
        return {domain: self.answer(process) for domain, process in asked.items()}

    @staticmethod
    def answer(process):
        """(the domain's object, the exit code)"""
        output, errors = process.communicate(timeout=60)
        # A node's own certificate that is out of date is worth a warning, and nothing else is said.
        assert all(line.startswith("fedge check: warning: tls/") for line in errors.splitlines()), errors
        return json.loads(output), process.returncode

    # ---- what an edge decided ----

    def decided(self, edge, direction):
        """"accepted", NOBODY, or ({codes}, ms-diagnostics id or None, answer's status or None)."""
        for record in self.judgements(edge, direction):
            if record["code"] != "peer-answered":
                return {record["code"]}, record.get("diagnostics"), record["status"]
        if self.calls[direction]["answer"]["status"] == 200:
            return "accepted"
        refusal = self.refused_in_tls(edge, direction)
        return (ALERTS[refusal["alert"]], None, None) if refusal else NOBODY

    def judgements(self, edge, direction):
        call_ids = self.call_ids(direction)
        return [r for r in self.records[edge] if r["kind"] == "judgement" and r.get("call_id") in call_ids]

    def refused_in_tls(self, edge, direction):
        """The edge's record of a certificate of the far side that it refused before there was a message, or None."""
        far = self.far_address(edge) + ":"
        return next((r for r in self.records[edge] if r["kind"] == "handshake" and r.get("alert_direction") == "sent"
                     and r["role"] == "server" and direction == self.inward(edge) and r["remote"].startswith(far)), None)

    def far_address(self, edge):
        return next(host["address"] for name, host in self.edges.items() if name != edge)

    @staticmethod
    def inward(edge):
        """The direction of the table in which calls come to this edge from the other one."""
        return "outbound" if edge.endswith("skype.lab") else "inbound"

    def domain(self, edge, direction):
        """The far side's domain in this call, and the way of the report that speaks of it."""
        inward = direction == self.inward(edge)
        return (domain_of(self.calls[direction]["caller" if inward else "callee"]),
                "calls_from" if inward else "calls_to")


def domain_of(uri):
    """The domain that the edges see: the meeting server goes on as its own user."""
    domain = uri.rsplit("@", 1)[1]
    return {"steven.lab": "acano.steven.lab"}.get(domain, domain)


@pytest.fixture(scope="module")
def scenario(program, tmp_path_factory):
    """scenario(name) gives it, run once for all its rows."""
    known = {}

    def get(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            fedge = Fedge(program, folder)
            try:
                known[name] = Scenario(fedge, name, folder / "lab")
            finally:
                fedge.stop_all()
        return known[name]

    return get


def words(way, codes):
    """What a way says, for an assertion's message."""
    return f"{way} (all: {sorted(codes)})"


def codes_of(report):
    return {finding["code"] for finding in report["findings"]}


def assert_agrees(decided, way, report, exit_code, edge_known):
    """The report's way says what the edge decided."""
    said = words(way, codes_of(report))
    if decided == "accepted" and way["verdict"] == "unknown":
        # Without an address of the domain there is nobody who would show the certificate that it calls with.
        assert report["facts"]["certificates"] == [], said
        return
    if decided == "accepted":
        assert way["verdict"] in ("pass", "warn"), said
        return
    codes, diagnostics, _ = decided
    if codes <= OWN_AFFAIRS and not edge_known:
        assert way["verdict"] in ("pass", "warn"), said
        return
    assert way["verdict"] == "fail", said
    assert way["finding"] in codes, said
    if diagnostics is not None:
        assert way["ms_diagnostics"]["id"] == diagnostics, said
    assert exit_code == 2, said


@pytest.mark.parametrize(("name", "direction"), ROWS)
def test_the_examiner_decides_as_the_edges_do(scenario, name, direction):
    lab = scenario(name)
    assert lab.calls[direction]["answer"]["status"] == lab.calls[direction]["status"]
    judged = 0
    for edge in lab.edges:
        decided = lab.decided(edge, direction)
        if decided == NOBODY:
            continue
        judged += 1
        domain, side = lab.domain(edge, direction)
        for seen, edge_known in ((lab.outside, False), (lab.inside[edge], True)):
            report, exit_code = seen[domain]
            assert_agrees(decided, report[side], report, exit_code, edge_known)
    assert judged >= 1, "no edge has decided anything"


@pytest.mark.parametrize("name", ["address-missing", "port-closed"])
def test_a_caller_needs_no_address(scenario, name):
    """Nobody can be asked for the certificate; once it is given, the examiner says what the Edge decided: let it in."""
    lab = scenario(name)
    assert lab.decided("sip.skype.lab", "outbound") == "accepted"
    report, _ = lab.with_certificate["acano.steven.lab"]
    assert report["calls_from"]["verdict"] in ("pass", "warn"), words(report["calls_from"], codes_of(report))
    assert report["calls_to"]["verdict"] == "fail"


def both_ways(lab, edge, domain):
    """What an edge decided about a domain, in all calls in which it judged it."""
    return [lab.decided(edge, direction) for direction in DIRECTIONS
            if lab.decided(edge, direction) != NOBODY and lab.domain(edge, direction)[0] == domain]


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_exit_code_is_that_of_the_edges(scenario, name):
    """As the edge itself: 2 where it refused the domain in some direction; 0 or 1 where all calls were answered."""
    lab = scenario(name)
    answered = all(call["answer"]["status"] == 200 for call in lab.calls.values())
    for edge in lab.edges:
        for domain, (report, exit_code) in lab.inside[edge].items():
            decisions = both_ways(lab, edge, domain)
            if any(d != "accepted" for d in decisions):
                assert (exit_code, report["verdict"]) == (2, "fail"), (edge, domain, decisions)
            elif answered and decisions:
                assert exit_code in (0, 1), (edge, domain, codes_of(report))
                assert lab.outside[domain][1] in (0, 1), (domain, codes_of(lab.outside[domain][0]))


def test_a_list_that_cannot_be_seen_is_a_note(scenario):
    report, exit_code = scenario("domain-blocked").outside["cms.steven.lab"]
    assert exit_code in (0, 1)
    assert next(f for f in report["findings"] if f["code"] == "partner-lists-unseen")["severity"] == "note"
    report, exit_code = scenario("domain-blocked").inside["sip.skype.lab"]["cms.steven.lab"]
    assert exit_code == 2
    assert report["finding"] == "domain-blocked"


def test_what_the_edge_thinks_of_our_certificate_is_a_note(scenario):
    """The Edge asks callers for a certificate, and none was given to the examiner."""
    report, exit_code = scenario("healthy").outside["skype.lab"]
    assert exit_code in (0, 1)
    assert next(f for f in report["findings"] if f["code"] == "client-certificate-wanted")["severity"] == "note"
    # As vcse it has vcse's certificate to show, and the Edge takes it.
    report, _ = scenario("healthy").inside["vcse.steven.lab"]["skype.lab"]
    assert not codes_of(report) & {"client-certificate-wanted", "certificate-refused-by-partner"}


@pytest.mark.parametrize("name", ["cert-untrusted", "cert-expired", "cert-server-usage-only", "cert-chain-incomplete"])
def test_what_the_edge_refuses_of_us_is_seen_with_our_configuration(scenario, name):
    """As vcse, towards the Edge: its alert about our certificate."""
    report, exit_code = scenario(name).inside["vcse.steven.lab"]["skype.lab"]
    assert exit_code == 2
    assert report["calls_to"]["finding"] == "certificate-refused-by-partner", codes_of(report)
    assert report["calls_to"]["ms_diagnostics"]["id"] == 1047


def test_the_lines_that_the_lab_prints_work_as_printed(lab_up):
    lab = lab_up("srv-subdomain")
    lines = [line.strip() for line in lab.process.text().splitlines() if " check " in line]
    assert len(lines) == 2
    for line in lines:
        done = subprocess.run(line, shell=True, cwd=lab.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "error[srv-target-outside-domain]: " in done.stdout
