"""fedge check and what name servers do: Knot DNS and Unbound with right, missing, declined, aliased, large, truncated,
looping and forged answers, and servers that fail in every way they can. What could not be asked is never "missing"."""
import json
import socket
import time

import pytest
from names import (SERVICE, Answerer, SigningKnot, TlsServer, Unbound, altered_copy, answer, key_digest, name_wire,
                   question_of, srv_data)
from strangers import fresh_address
from support import Authority, Fedge

PASS, WARN, FAIL, UNKNOWN, USAGE = 0, 1, 2, 3, 64
SRV, A, AAAA, CNAME = 33, 1, 28, 5
# Deadlines of tests that wait for one: short, and long enough for a busy machine.
SHORT = ("--timeout", "1s")


class World:
    """A name server with a zone of many domains, an edge that is right for all of them, and its authority."""

    def __init__(self, fedge):
        self.fedge = fedge
        self.authority = Authority(fedge.folder / "authority")
        self.edges = [f"edge.{name}.dns.lab" for name in ("right", "alias", "aliasedsrv", "dane", "two", "what-if")]
        self.certificate, self.key = self.authority.issue("edge.right.dns.lab", *self.edges[1:], "edge.signed.lab",
                                                          "edge.broken.lab", "edge.plain.lab")
        self.edge = TlsServer(self.certificate, self.key)
        self.trust = ("--no-system-ca", "--ca-file", self.authority.certificate, "--private")
        self.knot = SigningKnot(fedge, {"dns.lab": self.zone()})

    def zone(self):
        edge = self.edge.address
        lines = [
            f"{SERVICE}.right SRV 0 0 5061 edge.right", f"edge.right A {edge}",
            f"{SERVICE}.nodata TXT \"no SRV here\"",
            f"{SERVICE}.declined SRV 0 0 0 .",
            f"{SERVICE}.alias SRV 0 0 5061 edge.alias", "edge.alias CNAME edge.right",
            f"{SERVICE}.aliasedsrv CNAME {SERVICE}.real", f"{SERVICE}.real SRV 0 0 5061 edge.aliasedsrv",
            f"edge.aliasedsrv A {edge}",
            f"{SERVICE}.nowhere SRV 0 0 5061 edge.nowhere",
            f"{SERVICE}.loop CNAME a.loop", "a.loop CNAME b.loop", "b.loop CNAME a.loop",
            f"{SERVICE}.hostloop SRV 0 0 5061 edge.hostloop", "edge.hostloop CNAME b.hostloop",
            "b.hostloop CNAME edge.hostloop",
            f"{SERVICE}.elsewhere SRV 0 0 5061 edge.elsewhere", "edge.elsewhere CNAME edge.not-served.example.",
            f"{SERVICE}.odd SRV 0 0 5061 ed\\027\\0912Jge.odd", f"ed\\027\\0912Jge.odd A {edge}",
        ]
        lines += [f"{SERVICE}.hundred SRV {i} 0 5061 edge{i:02}.hundred" for i in range(100)]
        lines += [f"edge{i:02}.hundred A {edge}" for i in range(100)]
        lines += [f"{SERVICE}.addresses SRV 0 0 5061 edge.addresses"]
        lines += [f"edge.addresses A 127.9.9.{i}" for i in range(1, 101)]
        return lines

    def check(self, domain, *arguments, resolver=None, trust=True, seconds=60):
        """fedge check DOMAIN --json: (exit code, the domain's object)"""
        server = () if resolver is False else ("--resolver", resolver or self.knot.server)
        done = self.fedge.run("check", domain, "--json", *server, *(self.trust if trust else ()), *arguments,
                              seconds=seconds)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def world(program, tmp_path_factory):
    fedge = Fedge(program, tmp_path_factory.mktemp("world"))
    made = World(fedge)
    yield made
    made.edge.close()
    fedge.stop_all()


def codes(report, *severities):
    wanted = severities or ("error", "warning")
    return [f["code"] for f in report["findings"] if f["severity"] in wanted]


def finding(report, code):
    return next(f for f in report["findings"] if f["code"] == code)


def statuses(report):
    return {(lookup["name"], lookup["type"]): lookup["status"] for lookup in report["facts"]["lookups"]}


# ---- what a server says ----

SAID = [
    # domain, exit, verdict, errors and warnings
    ("right", PASS, "pass", []),
    ("nobody", FAIL, "fail", ["srv-missing"]),
    ("nodata", FAIL, "fail", ["srv-missing"]),
    ("declined", FAIL, "fail", ["srv-declined"]),
    ("alias", WARN, "warn", ["srv-target-is-alias"]),
    ("aliasedsrv", PASS, "pass", []),
    ("nowhere", FAIL, "fail", ["address-missing"]),
    ("loop", UNKNOWN, "unknown", ["srv-lookup-failed"]),
    ("hostloop", UNKNOWN, "unknown", ["address-lookup-failed"]),
    ("elsewhere", UNKNOWN, "unknown", ["address-lookup-failed"]),
]


@pytest.mark.parametrize("name, code, verdict, found", SAID, ids=[row[0] for row in SAID])
def test_what_the_server_says(world, name, code, verdict, found):
    exit_code, report = world.check(f"{name}.dns.lab")
    assert (exit_code, report["verdict"], codes(report)) == (code, verdict, found), json.dumps(report, indent=1)


# To "elsewhere" that resolver has no way at all.
@pytest.mark.parametrize("name, code, verdict, found", SAID[:-1], ids=[row[0] for row in SAID[:-1]])
def test_the_same_through_a_recursing_resolver(world, unbound, name, code, verdict, found):
    exit_code, report = world.check(f"{name}.dns.lab", resolver=unbound.server)
    assert (exit_code, report["verdict"], codes(report)) == (code, verdict, found), json.dumps(report, indent=1)


@pytest.fixture(scope="module")
def unbound(world):
    return Unbound(world.fedge, {"dns.lab.": world.knot.server})


def test_missing_is_told_apart(world):
    """Both are "missing", and the facts say how."""
    for name, status in (("nobody", "nxdomain"), ("nodata", "nodata")):
        report = world.check(f"{name}.dns.lab")[1]
        assert statuses(report)[f"{SERVICE}.{name}.dns.lab", "SRV"] == status
        assert report["ms_diagnostics"]["id"] == 1008


def test_an_alias_is_followed_and_named(world):
    report = world.check("alias.dns.lab")[1]
    assert [a["address"] for a in report["facts"]["addresses"]] == [world.edge.address]
    assert "edge.right.dns.lab" in json.dumps(finding(report, "srv-target-is-alias"))


# ---- large answers ----


def test_hundred_records_over_tcp(world):
    """More than fits a datagram: the server says so, and TCP brings them all."""
    query = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0" + name_wire(f"{SERVICE}.hundred.dns.lab") + b"\0\x21\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(query, (world.knot.address, world.knot.port))
        assert s.recv(65535)[2] & 2, "the answer fits a datagram: this test shows nothing"
    code, report = world.check("hundred.dns.lab", "--no-connect")
    assert {record["target"] for record in report["facts"]["srv"]} == {f"edge{i:02}.hundred.dns.lab" for i in
                                                                       range(100)}
    # The first 64 by priority are looked at, and it is said.
    assert {a["host"] for a in report["facts"]["addresses"]} == {f"edge{i:02}.hundred.dns.lab" for i in range(64)}
    assert (code, codes(report)) == (WARN, ["addresses-cut"])


def test_hundred_addresses(world):
    code, report = world.check("addresses.dns.lab", "--no-connect")
    assert {a["address"] for a in report["facts"]["addresses"]} == {f"127.9.9.{i}" for i in range(1, 101)}
    assert len(report["rows"]) == 100
    assert (code, codes(report)) == (PASS, [])


def test_hundred_records_in_any_order(world, unbound):
    """A resolver turns records around; the same 64 are looked at all the same."""
    for _ in range(2):
        code, report = world.check("hundred.dns.lab", "--no-connect", resolver=unbound.server)
        assert len(report["facts"]["srv"]) == 100
        assert {a["host"] for a in report["facts"]["addresses"]} == {f"edge{i:02}.hundred.dns.lab" for i in range(64)}
        assert (code, codes(report)) == (WARN, ["addresses-cut"])


def test_truncated_and_no_tcp(world):
    """A server that always says "too long" and takes no TCP: nothing is known."""
    server = Answerer(lambda query: answer(query, truncated=True))
    code, report = world.check("a.lab", *SHORT, resolver=server.server)
    server.close()
    assert (code, codes(report)) == (UNKNOWN, ["srv-lookup-failed"])


def test_truncated_and_right_over_tcp(world):
    """The same server with TCP: what came there counts."""
    def reply(query):
        kind = question_of(query)[1]
        if kind != SRV:
            return answer(query, [(None, A, socket.inet_aton(world.edge.address))] if kind == A else [])
        return answer(query, [(None, SRV, srv_data("edge.right.dns.lab"))])

    def long(query):
        return answer(query, truncated=True) if question_of(query)[1] == SRV else reply(query)

    server = Answerer(long, tcp=reply)
    code, report = world.check("right.dns.lab", *SHORT, resolver=server.server)
    server.close()
    assert (f"{SERVICE}.right.dns.lab", SRV, "tcp") in server.asked
    assert (code, codes(report)) == (PASS, []), json.dumps(report, indent=1)


def test_a_flood_of_records(world):
    """64 KB of SRV records over TCP: bounded, said, and judged by what was kept."""
    flood = [(None, SRV, srv_data(bytes([3]) + b"%03x" % i + b"\1a\3lab\0", priority=i)) for i in range(2200)]

    def reply(query):
        return answer(query, flood) if question_of(query)[1] == SRV else answer(query)

    assert 60000 < len(reply(b"\0\0\1\0\0\1\0\0\0\0\0\0\1a\3lab\0\0\x21\0\1")) < 65536
    server = Answerer(lambda query: answer(query, truncated=True), tcp=reply)
    code, report = world.check("a.lab", *SHORT, resolver=server.server)
    server.close()
    assert code in (FAIL, UNKNOWN) and report["facts"]["srv_cut"], codes(report)
    assert 0 < len(report["facts"]["srv"]) <= 256
    assert "addresses-cut" in codes(report)


def test_many_targets_of_which_nothing_can_be_learnt(world):
    """Sixty silences are waited for at the same time."""
    def reply(query):
        if question_of(query)[1] != SRV:
            return None
        return answer(query, [(None, SRV, srv_data(b"\3%03x" % i + b"\1a\3lab\0")) for i in range(20)])

    server = Answerer(reply)
    began = time.monotonic()
    code, report = world.check("a.lab", *SHORT, resolver=server.server)
    server.close()
    assert code == UNKNOWN and set(codes(report)) == {"address-lookup-failed"}, codes(report)
    assert len(report["rows"]) == 20
    assert time.monotonic() - began < 15


def test_a_long_chain_of_aliases(world):
    """Each name leads to the next, without an end."""
    def reply(query):
        name = question_of(query)[0]
        number = int(name.split(".")[0][1:]) if name.startswith("n") else 0
        return answer(query, [(None, CNAME, name_wire(f"n{number + 1}.a.lab"))])

    server = Answerer(reply)
    code, report = world.check("a.lab", resolver=server.server)
    server.close()
    assert (code, codes(report)) == (UNKNOWN, ["srv-lookup-failed"])
    assert len(server.asked) < 200


def test_the_second_resolver_helps(world):
    """One server that refuses, is silent or is not there hides nothing while another answers."""
    for reply in (refused, servfail, silence):
        server = Answerer(reply)
        code, report = world.check("right.dns.lab", "--resolver", world.knot.server, resolver=server.server)
        server.close()
        assert (code, codes(report)) == (PASS, []), reply.__name__
    code, report = world.check("right.dns.lab", "--resolver", world.knot.server, resolver=f"{fresh_address()}@5300")
    assert (code, codes(report)) == (PASS, [])


# ---- failures ----


def refused(query):
    return answer(query, rcode=5)


def servfail(query):
    return answer(query, rcode=2)


def formerr(query):
    return answer(query, rcode=1)


def silence(query):
    return None


def other_question(query):
    return answer(query[:12] + name_wire("other.lab") + b"\0\x21\0\x01")


def wrong_identity(query):
    return bytes([query[0] ^ 0xff]) + answer(query)[1:]


def noise(query):
    return b"\xff" * 300


def short(query):
    return answer(query)[:11]


def pointer_loop(query):
    end = question_of(query)[2]
    return answer(query, [(struct_pointer(end), SRV, srv_data("edge.a.lab"))])


def struct_pointer(at):
    """A name that points at itself."""
    return bytes([0xc0 | at >> 8, at & 0xff])


def cut_data(query):
    return answer(query, [(None, SRV, b"\0\0\0\0\x13")])


def endless_label(query):
    return answer(query, [(None, SRV, b"\0\0\0\0\x13\xc5\x3fabc")])


def alias_of_itself(query):
    return answer(query, [(None, CNAME, b"\xc0\x0c")])


FAILURES = [refused, servfail, formerr, silence, other_question, wrong_identity, noise, short, pointer_loop, cut_data,
            endless_label, alias_of_itself]


@pytest.mark.parametrize("reply", FAILURES, ids=[reply.__name__ for reply in FAILURES])
def test_a_failure_is_never_missing(world, reply):
    server = Answerer(reply)
    code, report = world.check("a.lab", *SHORT, resolver=server.server)
    server.close()
    assert (code, report["verdict"], codes(report)) == (UNKNOWN, "unknown", ["srv-lookup-failed"])
    assert finding(report, "srv-lookup-failed")["observed"]
    assert server.asked, "nobody was asked"


@pytest.mark.parametrize("reply", [refused, servfail, silence, noise], ids=lambda reply: reply.__name__)
def test_a_failure_of_addresses_is_never_missing(world, reply):
    """The SRV record is there; where its target is cannot be learnt."""
    def some(query):
        if question_of(query)[1] == SRV:
            return answer(query, [(None, SRV, srv_data("edge.a.lab"))])
        return reply(query)

    server = Answerer(some)
    code, report = world.check("a.lab", *SHORT, resolver=server.server)
    server.close()
    assert (code, codes(report)) == (UNKNOWN, ["address-lookup-failed"])


def test_one_family_fails(world):
    """A server that is silent about AAAA does not hide a good A."""
    def some(query):
        kind = question_of(query)[1]
        if kind == SRV:
            return answer(query, [(None, SRV, srv_data("edge.right.dns.lab"))])
        return answer(query, [(None, A, socket.inet_aton(world.edge.address))]) if kind == A else None

    server = Answerer(some)
    code, report = world.check("right.dns.lab", *SHORT, resolver=server.server)
    server.close()
    assert (code, codes(report)) == (WARN, ["address-lookup-partly-failed"])


def test_nobody_listens(world):
    code, report = world.check("a.lab", *SHORT, resolver=f"{fresh_address()}@5300")
    assert (code, codes(report)) == (UNKNOWN, ["srv-lookup-failed"])


def test_a_zone_nobody_serves(world):
    """Knot refuses what it does not serve."""
    code, report = world.check("nobody.example", resolver=world.knot.server)
    assert (code, codes(report)) == (UNKNOWN, ["srv-lookup-failed"])
    assert "REFUSED" in finding(report, "srv-lookup-failed")["observed"]


def test_a_lame_delegation(world, program, tmp_path):
    """A zone that is delegated to a server which does not serve it: SERVFAIL of the resolver, not "missing"."""
    fedge = Fedge(program, tmp_path)
    try:
        other = SigningKnot(fedge, {"else.lab": []}, name="other")
        parent = SigningKnot(fedge, {"lab": ["lame NS ns.lame", f"ns.lame A {other.address}"]}, name="parent")
        resolver = Unbound(fedge, {"lab.": parent.server})
        code, report = world.check("lame.lab", resolver=resolver.server)
        assert (code, codes(report)) == (UNKNOWN, ["srv-lookup-failed"])
        assert "SERVFAIL" in finding(report, "srv-lookup-failed")["observed"]
        code, report = world.check("nobody.lab", resolver=resolver.server)
        assert (code, codes(report)) == (FAIL, ["srv-missing"]), "the same resolver knows what is missing"
    finally:
        fedge.stop_all()


def test_the_answer_comes_late_but_in_time(world):
    def slow(query):
        time.sleep(0.4)
        kind = question_of(query)[1]
        if kind == SRV:
            return answer(query, [(None, SRV, srv_data("edge.right.dns.lab"))])
        return answer(query, [(None, A, socket.inet_aton(world.edge.address))] if kind == A else [])

    server = Answerer(slow)
    code, report = world.check("right.dns.lab", resolver=server.server)
    server.close()
    assert (code, codes(report)) == (PASS, [])


def test_several_domains_the_failed_one_does_not_hide_the_others(world):
    done = world.fedge.run("check", "right.dns.lab", "nobody.dns.lab", "nobody.example", "--json", "--resolver",
                           world.knot.server, *world.trust)
    verdicts = {line["domain"]: line["verdict"] for line in map(json.loads, done.stdout.splitlines())}
    assert verdicts == {"right.dns.lab": "pass", "nobody.dns.lab": "fail", "nobody.example": "unknown"}
    assert done.returncode == FAIL


# ---- bytes that mean something to a terminal ----


def test_odd_bytes_are_escaped(world):
    def reply(query):
        if question_of(query)[1] != SRV:
            return answer(query)
        return answer(query, [
            (None, SRV, srv_data(name_wire([b"\x1b[2J\x1b[31m", b"a", b"lab"]))),
            (None, SRV, srv_data(name_wire([b"a.b", b"a", b"lab"]))),
            (None, SRV, srv_data(name_wire([b"\xff\xfe\0", b"a", b"lab"]))),
            (None, SRV, srv_data(name_wire([b"`$(reboot)`;'\"", b"a", b"lab"]))),
        ])

    server = Answerer(reply)
    for form in ((), ("--short",), ("--json",), ("--format", "nagios"), ("--format", "prometheus"), ("--notes",)):
        done = world.fedge.run("check", "a.lab", "--resolver", server.server, *world.trust, *form)
        assert done.returncode in (FAIL, UNKNOWN), done.stdout + done.stderr
        for text in (done.stdout, done.stderr):
            assert "\x1b" not in text and "\0" not in text and "\ufffd" not in text
        done.stdout.encode("utf-8")
    server.close()


def test_an_odd_name_from_a_real_server(world):
    code, report = world.check("odd.dns.lab", "--no-connect")
    assert (code, codes(report)) == (UNKNOWN, ["address-lookup-failed"]), "nobody can ask for such a name"
    assert [r["target"] for r in report["facts"]["srv"]] == ["ed\\027[2jge.odd.dns.lab"]


# ---- DNSSEC ----


class Signed:
    """A zone signed by Knot, one with an altered record, one without signatures, and their anchors."""

    def __init__(self, world, fedge):
        edge, digest = world.edge.address, key_digest(world.certificate)
        wrong = "00" * 32

        def lines(tlsa):
            return [f"{SERVICE} SRV 0 0 5061 edge", f"edge A {edge}", f"_5061._tcp.edge TLSA 3 1 1 {tlsa}",
                    f"{SERVICE}.wrong SRV 0 0 5061 edge.wrong", f"edge.wrong A {edge}",
                    f"_5061._tcp.edge.wrong TLSA 3 1 1 {wrong}",
                    f"{SERVICE}.without SRV 0 0 5061 edge.without", f"edge.without A {edge}"]

        self.knot = SigningKnot(fedge, {"signed.lab": lines(digest), "plain.lab": lines(digest),
                                        "source.lab": []}, signed=("signed.lab",), name="signer")
        # The same name and keys elsewhere, one record changed after it was signed.
        altered = altered_copy(self.knot.file("signed.lab"), f"A\t{edge}", "A\t127.6.6.6")
        self.forger = SigningKnot(fedge, {"signed.lab": altered}, name="forger", raw=("signed.lab",))
        srv = altered_copy(self.knot.file("signed.lab"), "5061 edge.signed.lab.", "5061 evil.signed.lab.")
        self.srv_forger = SigningKnot(fedge, {"signed.lab": srv}, name="srvforger", raw=("signed.lab",))
        self.anchor = self.knot.anchor("signed.lab")
        self.wrong_anchor = fedge.folder / "wrong.ds"
        self.wrong_anchor.write_text("signed.lab. DS 12345 13 2 " + "AB" * 32 + "\n")


@pytest.fixture(scope="module")
def signed(world):
    return Signed(world, world.fedge)


def test_dane_matches(world, signed):
    code, report = world.check("signed.lab", "--as", "dane", "--trust-anchor", signed.anchor,
                               resolver=signed.knot.server)
    assert (code, codes(report)) == (PASS, []), json.dumps(report, indent=1)
    assert report["facts"]["validated"] is True
    assert all(lookup["secure"] for lookup in report["facts"]["lookups"]), report["facts"]["lookups"]


def test_dane_needs_no_authority(world, signed):
    """DANE-EE vouches for the key itself (RFC 7671 5.1)."""
    code, report = world.check("signed.lab", "--as", "dane", "--trust-anchor", signed.anchor, "--no-system-ca",
                               "--private", resolver=signed.knot.server, trust=False)
    assert (code, codes(report, "error")) == (PASS, []), json.dumps(report, indent=1)


DANE = [("wrong.signed.lab", "tlsa-mismatch"), ("without.signed.lab", "tlsa-missing"), ("plain.lab", "tlsa-insecure")]


@pytest.mark.parametrize("domain, expected", DANE, ids=[row[1] for row in DANE])
def test_dane_does_not_match(world, signed, domain, expected):
    code, report = world.check(domain, "--as", "dane", "--trust-anchor", signed.anchor, resolver=signed.knot.server)
    assert code == FAIL and expected in codes(report, "error"), json.dumps(report, indent=1)


def test_bogus_by_a_wrong_anchor(world, signed):
    code, report = world.check("signed.lab", "--as", "dane", "--trust-anchor", signed.wrong_anchor,
                               resolver=signed.knot.server)
    assert code == UNKNOWN and "srv-lookup-failed" in codes(report, "error"), json.dumps(report, indent=1)
    why = finding(report, "srv-lookup-failed")["observed"]
    assert "signed.lab" in why and ("key" in why.lower() or "ds" in why.lower()), why


def test_bogus_by_an_altered_address(world, signed):
    code, report = world.check("signed.lab", "--as", "dane", "--trust-anchor", signed.anchor,
                               resolver=signed.forger.server)
    assert code == UNKNOWN and codes(report, "error") == ["address-lookup-failed"], json.dumps(report, indent=1)
    assert "signature" in finding(report, "address-lookup-failed")["observed"]


def test_bogus_by_an_altered_srv_record(world, signed):
    code, report = world.check("signed.lab", "--as", "dane", "--trust-anchor", signed.anchor,
                               resolver=signed.srv_forger.server)
    assert code == UNKNOWN and codes(report, "error") == ["srv-lookup-failed"], json.dumps(report, indent=1)
    assert "signature" in finding(report, "srv-lookup-failed")["observed"]
    assert statuses(report)[f"{SERVICE}.signed.lab", "SRV"] == "bogus"


def test_without_dnssec_the_altered_record_is_believed(world, signed):
    """Microsoft's rule book asks for no signatures: this is what such an edge sees."""
    report = world.check("signed.lab", "--no-connect", resolver=signed.srv_forger.server)[1]
    assert [r["target"] for r in report["facts"]["srv"]] == ["evil.signed.lab"]


def test_all_rule_books_do_not_change_each_other(world, signed):
    """Where DNSSEC fails, only DANE is open."""
    done = world.fedge.run("check", "signed.lab", "--as", "all", "--json", "--resolver", signed.knot.server,
                           "--trust-anchor", signed.wrong_anchor, *world.trust)
    rows = {line["policy"]: line["verdict"] for line in map(json.loads, done.stdout.splitlines())}
    assert rows["microsoft"] == "pass" and rows["dane"] == "unknown", done.stdout


def test_a_validating_resolver_says_servfail(world, signed, program, tmp_path):
    """Unbound validates and fedge does not: its SERVFAIL is no "missing"."""
    fedge = Fedge(program, tmp_path)
    try:
        good = Unbound(fedge, {"signed.lab.": signed.knot.server}, anchors=[signed.anchor], name="good")
        bad = Unbound(fedge, {"signed.lab.": signed.srv_forger.server}, anchors=[signed.anchor], name="bad")
        code, report = world.check("signed.lab", resolver=good.server)
        assert (code, codes(report)) == (PASS, []), json.dumps(report, indent=1)
        code, report = world.check("signed.lab", resolver=bad.server)
        assert (code, codes(report)) == (UNKNOWN, ["srv-lookup-failed"])
        assert "SERVFAIL" in finding(report, "srv-lookup-failed")["observed"]
    finally:
        fedge.stop_all()


def test_validation_behind_a_resolver(world, signed, program, tmp_path):
    """Unbound only fetches, fedge validates: dane as if the server were asked itself."""
    fedge = Fedge(program, tmp_path)
    try:
        resolver = Unbound(fedge, {"signed.lab.": signed.knot.server})
        code, report = world.check("signed.lab", "--as", "dane", "--trust-anchor", signed.anchor,
                                   resolver=resolver.server)
        assert (code, codes(report)) == (PASS, []), json.dumps(report, indent=1)
    finally:
        fedge.stop_all()


# ---- planned records ----


def write(folder, text, name="planned.zone"):
    path = folder / name
    path.write_text(text)
    return path


def test_planned_records_on_top_of_what_is_published(world, tmp_path):
    """The domain has no record; with the planned one, whose target is published, it would be accepted."""
    assert world.check("what-if.dns.lab")[0] == FAIL
    plan = write(tmp_path, f"$ORIGIN what-if.dns.lab.\n$TTL 300\n{SERVICE} SRV 0 0 5061 edge\n"
                           "edge CNAME edge.right.dns.lab.\n")
    code, report = world.check("what-if.dns.lab", "--zone", plan)
    assert (code, codes(report)) == (WARN, ["srv-target-is-alias"])
    assert [a["address"] for a in report["facts"]["addresses"]] == [world.edge.address], "asked in the network"
    plan = write(tmp_path, f"$ORIGIN what-if.dns.lab.\n{SERVICE} SRV 0 0 5061 edge\n"
                           f"edge A {world.edge.address}\n")
    code, report = world.check("what-if.dns.lab", "--zone", plan)
    assert (code, codes(report)) == (PASS, [])
    assert report["facts"]["planned_zone"] is True


def test_planned_records_replace_published_ones(world, tmp_path):
    plan = write(tmp_path, f"{SERVICE}.right.dns.lab. SRV 0 0 5061 edge.other.lab.\n")
    code, report = world.check("right.dns.lab", "--zone", plan, "--no-connect")
    assert code == FAIL and "srv-target-outside-domain" in codes(report)


def test_only_the_plan(world, tmp_path):
    """In its zones nothing else exists, and the network is not asked for them."""
    server = Answerer(silence)
    plan = write(tmp_path, "$ORIGIN a.lab.\n@ SOA ns h 1 3600 600 86400 30\nedge A 198.51.100.1\n")
    code, report = world.check("a.lab", "--zone", plan, "--zone-only", "--no-connect", resolver=server.server)
    assert (code, codes(report)) == (FAIL, ["srv-missing"])
    plan.write_text(plan.read_text() + f"{SERVICE} SRV 0 0 5061 edge\n")
    code, report = world.check("a.lab", "--zone", plan, "--zone-only", "--no-connect", resolver=server.server)
    assert (code, codes(report)) == (PASS, [])
    server.close()
    assert not server.asked


def test_planned_records_where_the_resolver_fails(world, tmp_path):
    """What is planned needs no server; what is not planned cannot be known."""
    plan = write(tmp_path, f"$ORIGIN a.lab.\n{SERVICE} SRV 0 0 5061 edge\n")
    server = Answerer(servfail)
    code, report = world.check("a.lab", "--zone", plan, *SHORT, resolver=server.server)
    server.close()
    assert (code, codes(report)) == (UNKNOWN, ["address-lookup-failed"])


def test_a_planned_loop_is_named(world, tmp_path):
    plan = write(tmp_path, f"$ORIGIN a.lab.\n{SERVICE} CNAME x\nx CNAME {SERVICE}\n")
    code, report = world.check("a.lab", "--zone", plan)
    assert (code, codes(report)) == (UNKNOWN, ["srv-lookup-failed"])
    assert "planned.zone:" in finding(report, "srv-lookup-failed")["observed"]


MISTAKES = [
    (f"$ORIGIN a.lab.\n\n{SERVICE} SRV 0 5061 edge\n", ":3: SRV takes priority, weight, port and target"),
    ("edge A 192.0.2.1\n", ":1: `edge` has no dot at its end"),
    ("$INCLUDE other\n", ":1: $INCLUDE is not followed"),
    ("a.lab. A 192.0.2.1\na.lab. CNAME b.lab.\n", ":2: `a.lab` has a CNAME and another record"),
]


@pytest.mark.parametrize("text, error", MISTAKES, ids=["values", "relative", "include", "cname"])
def test_a_zone_file_with_a_mistake(world, tmp_path, text, error):
    path = write(tmp_path, text)
    done = world.fedge.run("check", "a.lab", "--zone", path, "--resolver", world.knot.server)
    assert done.returncode == USAGE and not done.stdout
    assert f"{path}{error}" in done.stderr


def test_planned_tlsa_in_a_signed_zone(world, signed, tmp_path):
    """A planned record counts as signed where its zone is signed today, and only there."""
    digest = key_digest(world.certificate)
    plan = write(tmp_path, f"_5061._tcp.edge.wrong.signed.lab. 300 TLSA 3 1 1 {digest}\n"
                           f"_5061._tcp.edge.without.signed.lab. 300 TLSA 3 1 1 {digest}\n")
    for domain in ("wrong.signed.lab", "without.signed.lab"):
        code, report = world.check(domain, "--as", "dane", "--trust-anchor", signed.anchor, "--zone", plan,
                                   resolver=signed.knot.server)
        assert (code, codes(report, "error")) == (PASS, []), json.dumps(report, indent=1)
    whole = write(tmp_path, f"$ORIGIN without.signed.lab.\n{SERVICE} SRV 0 0 5061 edge\nedge A {world.edge.address}\n"
                            f"_5061._tcp.edge TLSA 3 1 1 {digest}\n", "whole.zone")
    code, report = world.check("without.signed.lab", "--as", "dane", "--trust-anchor", signed.anchor, "--zone", whole,
                               "--zone-only", resolver=signed.knot.server)
    assert (code, codes(report, "error")) == (PASS, []), json.dumps(report, indent=1)
    plan = write(tmp_path, f"_5061._tcp.edge.without.plain.lab. 300 TLSA 3 1 1 {digest}\n")
    code, report = world.check("without.plain.lab", "--as", "dane", "--trust-anchor", signed.anchor, "--zone", plan,
                               resolver=signed.knot.server)
    assert code == FAIL and "tlsa-insecure" in codes(report, "error")


# ---- two domains ----


def test_who_would_refuse_whom(world):
    done = world.fedge.run("check", "right.dns.lab", "--against", "declined.dns.lab", "--json", "--resolver",
                           world.knot.server, *world.trust)
    assert done.returncode == FAIL, done.stdout + done.stderr
    against = json.loads(done.stdout)
    out, back = against["ways"]
    assert (out["reach"]["code"], out["admit"]["verdict"]) == ("srv-declined", "pass")
    assert (back["reach"]["verdict"], back["admit"]["code"]) == ("pass", "srv-declined")
    assert [f["code"] for f in against["findings"] if f["severity"] == "error"] == ["srv-declined"]
    assert "the edge of right.dns.lab would refuse to go to declined.dns.lab" in out["sentence"]


def test_two_that_call_each_other(world):
    done = world.fedge.run("check", "right.dns.lab", "--against", "aliasedsrv.dns.lab", "--resolver",
                           world.knot.server, *world.trust)
    assert done.returncode == PASS, done.stdout + done.stderr
    assert done.stdout.replace("\n  ", " ").splitlines()[:2] == [
        "a call from right.dns.lab to aliasedsrv.dns.lab: pass: neither edge would refuse it",
        "a call from aliasedsrv.dns.lab to right.dns.lab: pass: neither edge would refuse it"]


def test_a_planned_certificate_is_yours(world, tmp_path):
    """It stands in for your servers' own, not for the partner's."""
    planned = Authority(tmp_path / "planned").issue("elsewhere.lab")[0]
    done = world.fedge.run("check", "right.dns.lab", "--against", "aliasedsrv.dns.lab", "--json", "--cert", planned,
                           "--resolver", world.knot.server, *world.trust)
    assert done.returncode == FAIL, done.stdout + done.stderr
    out, back = json.loads(done.stdout)["ways"]
    assert (out["reach"]["verdict"], out["admit"]["verdict"]) == ("pass", "fail")
    assert (back["reach"]["verdict"], back["admit"]["verdict"]) == ("fail", "pass")
