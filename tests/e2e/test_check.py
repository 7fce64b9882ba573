"""fedge check as a user meets it: what it prints, what it leaves behind, how it ends."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from strangers import Knot
from support import Authority, Fedge, Lab, die_with_parent, wait_until

VERDICTS = ("pass", "warn", "fail", "unknown")
EDGE = "127.48.36.47"  # vcse.steven.lab, in the lab


class Bench:
    """A healthy lab, and the examiner pointed at it."""

    def __init__(self, fedge, folder):
        self.fedge, self.folder = fedge, folder
        self.lab = Lab(fedge, "healthy", folder / "lab")
        self.options = ["--resolver", self.lab.document["resolver"], "--ca-file",
                        self.lab.folder / self.lab.document["ca_file"], "--private"]

    def check(self, *arguments, **more):
        return self.fedge.run("check", *arguments, *self.options, **more)

    def json(self, *arguments, **more):
        done = self.check("--json", *arguments, **more)
        assert done.stderr == ""
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def bench(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    fedge = Fedge(program, folder)
    yield Bench(fedge, folder)
    fedge.stop_all()


def zone_of(domains, address=EDGE, host="sip"):
    return "".join(f"_sipfederationtls._tcp.{d}. 300 IN SRV 0 0 5061 {host}.{d}.\n{host}.{d}. 300 IN A {address}\n"
                   for d in domains)


@pytest.fixture
def zone(tmp_path):
    """zone(text) gives the path of a zone file."""
    def write(text, name="planned.zone"):
        (tmp_path / name).write_text(text)
        return tmp_path / name
    return write


# ---- what it prints ----


def test_the_verdict_stands_alone(bench):
    done = bench.check("cms.steven.lab")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("cms.steven.lab: pass: ")
    for column in ("SRV", "domain rule", "address", "TCP", "TLS", "chain", "name", "dates", "usage"):
        assert column in done.stdout
    assert re.search(rf"(?m)^ *{EDGE} +ok +ok", done.stdout)
    assert len(done.stdout.splitlines()) < 40, "a healthy domain fits on a screen"


def test_notes_are_lines_unless_asked_for(bench):
    short, whole = bench.check("cms.steven.lab").stdout, bench.check("cms.steven.lab", "--notes").stdout
    assert "note[certificate-private-authority]" in short
    assert "fedge help certificate-private-authority" not in short
    assert "fedge help certificate-private-authority" in whole


def test_short_is_one_line_a_domain(bench):
    done = bench.check("skype.lab", "-s", "cms.steven.lab")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("skype.lab: pass: ") and lines[1].startswith("cms.steven.lab: pass: ")


def test_results_are_in_the_order_typed(bench, zone):
    """However long each takes: the first waits for a lookup that nobody answers."""
    names = ["slow.example", "cms.steven.lab", "bad..name", "skype.lab"]
    done = bench.fedge.run("check", *names, "--json", "--private", "--resolver", bench.lab.document["resolver"],
                           "--ca-file", bench.options[3], "--zone",
                           zone(zone_of(["slow.example"], "127.48.36.99")), "--timeout", "1s")
    assert [json.loads(line)["typed"] for line in done.stdout.splitlines()] == names


def test_json_has_what_programs_need(bench):
    (report,) = bench.json("cms.steven.lab")
    assert report["domain"] == report["typed"] == "cms.steven.lab"
    assert (report["verdict"], report["policy"], report["ms_diagnostics"]) == ("pass", "microsoft", None)
    assert isinstance(report["elapsed_ms"], int)
    assert {"code", "severity", "who", "title", "subject", "observed", "expected", "evidence",
            "fixes"} <= set(report["findings"][0])
    facts = report["facts"]
    assert {"srv", "addresses", "tls", "certificates"} <= set(facts)
    assert facts["srv"][0]["target"] == "vcse.cms.steven.lab" and facts["srv"][0]["port"] == 5061
    assert "vcse.cms.steven.lab" in facts["certificates"][0]["dns_names"]
    assert facts["tls"][0]["version"] == "TLSv1.3"


def test_nagios_is_a_plugin_s_answer(bench):
    done = bench.check("cms.steven.lab", "--format", "nagios")
    assert done.returncode == 0
    status, performance = done.stdout.splitlines()[0].split(" | ")
    assert status.startswith("FEDGE OK - cms.steven.lab")
    for datum in re.findall(r"'[^']+'=\S+|\S+=\S+", performance):
        assert re.fullmatch(r"('[^'=]+'|[^\s'=]+)=-?[\d.]+(s|us|ms|%|B|c)?(;[^;\s]*){0,4}", datum), datum
    done = bench.check("cms.steven.lab", "bad..name", "--format", "nagios")
    assert done.returncode == 2
    assert done.stdout.startswith("FEDGE CRITICAL - ")


def test_prometheus_reads_what_is_written_for_it(bench):
    done = bench.check("cms.steven.lab", "skype.lab", "bad..name", "--format", "prometheus")
    assert done.returncode == 2
    families = list(text_string_to_metric_families(done.stdout))
    assert families and all(f.name.startswith("fedge_check_") and f.documentation for f in families)
    names = [f.name for f in families]
    assert len(names) == len(set(names))
    domains = {s.labels["domain"] for f in families for s in f.samples if "domain" in s.labels}
    assert {"cms.steven.lab", "skype.lab"} <= domains


def test_as_all_prints_a_row_for_each(bench):
    reports = bench.json("cms.steven.lab", "--as", "all")
    assert [r["policy"] for r in reports] == ["microsoft", "rfc5922", "dane"]
    # What others think of it changes nothing for the first.
    (alone,) = bench.json("cms.steven.lab")
    assert reports[0]["verdict"] == alone["verdict"] == "pass"
    shown = bench.check("cms.steven.lab", "--as", "all", "--short").stdout
    assert [line.split()[0] for line in shown.splitlines()[1:]] == ["microsoft", "rfc5922", "dane"]


@pytest.mark.parametrize(("domains", "code"), [
    (["cms.steven.lab"], 0),
    (["cms.steven.lab", "nobody.example"], 3),
    (["nobody.example", "bad..name"], 2),
    (["cms.steven.lab", "bad..name"], 2),
])
def test_the_worst_domain_gives_the_exit_code(bench, domains, code):
    """2 before 3 before 1 before 0. The lab's resolver refuses names that are not its own: that decides nothing."""
    assert bench.check(*domains, "-s").returncode == code


def test_a_warning_is_one(bench):
    done = bench.fedge.run("check", "cms.steven.lab", "-s", *bench.options[:-1])
    assert done.returncode == 1
    assert done.stdout.startswith("cms.steven.lab: warn: ")


def test_a_resolver_that_fails_decides_nothing(bench):
    done = bench.fedge.run("check", "cms.steven.lab", "--json", "--resolver", "127.48.53.99", "--timeout", "300ms")
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert report["verdict"] == "unknown"
    assert [f["code"] for f in report["findings"] if f["severity"] == "error"] == ["srv-lookup-failed"]


# ---- what it is told ----


USAGE = [
    [],
    ["a.example", "--no-such-option"],
    ["a.example", "--as", "lync"],
    ["a.example", "--timeout", "3"],
    ["a.example", "--resume"],
    ["--domains", "-", "--watch", "1h"],
    ["--plan", "a.example"],
    ["--plan", "a.example", "--host", "sip.a.example"],
    ["--plan", "a.example", "--host", "sip.a.example", "--address", "sip.a.example"],
    ["a.example", "--against", "b.example", "--as", "all"],
    ["--from", "-", "--probe"],
    ["a.example", "--metrics", "9100"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage_is_64_and_says_why(fedge, arguments):
    done = fedge.run("check", *arguments)
    assert done.returncode == 64
    assert done.stdout == ""
    assert done.stderr.startswith("fedge check: ")
    assert "fedge check --help" in done.stderr


@pytest.mark.parametrize("other", ["--domains", "--output", "--zone"])
def test_facts_are_not_saved_over_another_file(fedge, tmp_path, other):
    file = tmp_path / "one"
    file.write_text("a.example\n")
    domains = [] if other == "--domains" else ["--domains", "-"]
    done = fedge.run("check", *domains, other, file, "--save", file)
    assert done.returncode == 64 and other in done.stderr
    assert file.read_text() == "a.example\n"


@pytest.mark.parametrize("option", [
    ["--ca-file"], ["--intermediates"], ["--zone"], ["--cert"], ["--config"], ["--trust-anchor", "--as", "dane"],
    ["--client-key", "--client-cert", "{exists}"], ["--client-cert", "--client-key", "{exists}"],
], ids=lambda option: option[0])
@pytest.mark.parametrize("kind", ["missing", "nonsense"])
def test_a_file_that_is_none_is_named(fedge, authority, tmp_path, option, kind):
    if option[0] == "--trust-anchor" and kind == "nonsense":
        pytest.skip("libunbound reads an anchor's file when it is first needed")
    certificate, key = authority.issue("edge.example")
    file = tmp_path / "file.pem"
    if kind == "nonsense":
        file.write_text("no such thing\n")
    other = key if option[0] == "--client-cert" else certificate
    done = fedge.run("check", "a.example", option[0], file, *(str(other) if o == "{exists}" else o for o in option[1:]))
    assert done.returncode == 64, done.stdout + done.stderr
    assert str(file) in done.stderr
    assert done.stdout == ""


def test_help_and_man_page_come_from_one_table(fedge):
    text = fedge.run("check", "--help").stdout
    assert "Exit status:" in text and "Examples:" in text and "Watching:" in text
    assert max(len(line) for line in text.splitlines()) <= 85


def test_names_are_escaped(bench):
    done = bench.check("x\x1b[2Jy.lab", "a\nb", "-s")
    assert done.returncode == 2
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stdout.count("\n") == 2
    done = bench.check("--resolver", "\x1b[2J")
    assert done.returncode == 64 and "\x1b" not in done.stderr
    reverses = "x\u202ey\u009bz"
    for arguments in [(reverses,), ("skype.lab", "--against", reverses)]:
        done = bench.check(*arguments, "--json")
        assert reverses in json.dumps(json.loads(done.stdout), ensure_ascii=False)
        assert not set("\u202e\u009b") & set(done.stdout), arguments


def test_an_international_name_is_asked_for_as_the_dns_has_it(bench, zone):
    planned = zone(zone_of(["xn--mnchen-3ya.example"]))
    (report,) = bench.json("München.example", "--zone", planned)
    assert (report["typed"], report["domain"]) == ("München.example", "xn--mnchen-3ya.example")
    assert report["facts"]["srv"][0]["target"] == "sip.xn--mnchen-3ya.example"


def test_an_address_of_record_stands_for_its_domain(bench):
    (report,) = bench.json("sip:meet@cms.steven.lab")
    assert (report["domain"], report["verdict"]) == ("cms.steven.lab", "pass")


# ---- what if ----


def test_planned_records_and_a_planned_certificate(bench, zone, authority):
    """Each judged before anything is published: the record alone lacks the name, with the certificate all is well."""
    planned = zone(zone_of(["planned.example"]))
    (report,) = bench.json("planned.example", "--zone", planned, "--zone-only")
    assert report["finding"] == "certificate-name-mismatch"
    certificate, _ = authority.issue("sip.planned.example")
    (report,) = bench.json("planned.example", "--zone", planned, "--zone-only", "--cert", certificate, "--ca-file",
                           authority.certificate)
    assert report["verdict"] == "pass", report["findings"]


def test_planned_records_stand_beside_what_is_published(bench, zone):
    planned = zone(zone_of(["planned.example"]))
    (report,) = bench.json("cms.steven.lab", "--zone", planned)
    assert report["verdict"] == "pass"
    wrong = zone("_sipfederationtls._tcp.cms.steven.lab. 300 IN SRV 0 0 5061 vcse.sub.cms.steven.lab.\n", "wrong.zone")
    (report,) = bench.json("cms.steven.lab", "--zone", wrong)
    assert report["finding"] == "srv-target-outside-domain"


def test_a_plan_is_ready_to_paste(bench, zone, tmp_path):
    """Its zone lines are a zone file, its openssl line makes the request, and both are then judged good."""
    done = bench.fedge.run("check", "--plan", "planned.example", "--host", "sip.planned.example", "--address", EDGE,
                           "--also", "second.example", "--private")
    assert done.returncode == 0, done.stdout + done.stderr
    records = [line.strip() for line in done.stdout.splitlines() if re.match(r" +\S+\. +\d+ +IN ", line)]
    request = next(line.strip() for line in done.stdout.splitlines() if line.strip().startswith("openssl req "))
    subprocess.run(request, shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    text = subprocess.run(["openssl", "req", "-noout", "-text", "-in", next(tmp_path.glob("*.csr"))], check=True,
                          capture_output=True, text=True).stdout
    assert "DNS:sip.planned.example, DNS:sip.second.example" in text
    authority = Authority(tmp_path / "authority")
    certificate, _ = authority.issue("sip.planned.example", "sip.second.example")
    reports = bench.json("planned.example", "second.example", "--zone", zone("\n".join(records) + "\n"),
                         "--zone-only", "--cert", certificate, "--ca-file", authority.certificate)
    assert [r["verdict"] for r in reports] == ["pass", "pass"], [r["findings"] for r in reports]


def test_a_plan_that_would_be_refused_says_so(fedge):
    done = fedge.run("check", "--plan", "a.example", "--host", "sip.b.example", "--address", EDGE, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["verdict"] == "fail"


def test_against_says_who_refuses_whom(bench, zone):
    done = bench.check("cms.steven.lab", "--against", "skype.lab")
    assert done.returncode == 0
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("a call from cms.steven.lab to skype.lab: ")
    assert second.startswith("a call from skype.lab to cms.steven.lab: ")
    wrong = zone("_sipfederationtls._tcp.cms.steven.lab. 300 IN SRV 0 0 5061 vcse.sub.cms.steven.lab.\n")
    done = bench.check("cms.steven.lab", "--against", "skype.lab", "--zone", wrong, "--json")
    assert done.returncode == 2
    compared = json.loads(done.stdout)
    assert [way["verdict"] for way in compared["ways"]] == ["fail", "fail"]
    assert all("srv-target-outside-domain" in (way["reach"]["code"], way["admit"]["code"]) for way in compared["ways"])


def test_a_planned_certificate_is_of_the_domain_not_of_the_partner(bench, authority):
    """The partner goes on showing its own, which the planned one does not replace."""
    certificate, _ = authority.issue("vcse.cms.steven.lab")
    done = bench.check("cms.steven.lab", "--against", "skype.lab", "--cert", certificate, "--ca-file",
                       authority.certificate, "--json")
    assert done.returncode == 0, done.stdout
    assert [way["verdict"] for way in json.loads(done.stdout)["ways"]] == ["pass", "pass"]


# ---- saved facts ----


CHANGING = ("elapsed_ms",)


def without(report, *names):
    return {key: value for key, value in report.items() if key not in names}


def test_what_was_saved_is_judged_as_it_was_seen(bench, tmp_path):
    facts = tmp_path / "facts.jsonl"
    seen = bench.json("cms.steven.lab", "skype.lab", "bad..name", "--save", facts)
    done = bench.fedge.run("check", "--from", facts, "--json", "--private")
    again = [json.loads(line) for line in done.stdout.splitlines()]
    assert [without(r, *CHANGING) for r in again] == [without(r, *CHANGING) for r in seen]
    assert done.returncode == 2
    done = subprocess.run([bench.fedge.path, "check", "--from", "-", "--short", "SKYPE.lab", "--private"],
                          input=facts.read_text(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("skype.lab: pass")


def test_saved_facts_are_judged_as_of_another_day(bench, tmp_path):
    facts = tmp_path / "facts.jsonl"
    bench.check("cms.steven.lab", "--save", facts, "-s")
    done = bench.fedge.run("check", "--from", facts, "--json", "--private", "--at", "2099-01-01")
    assert done.returncode == 2
    assert json.loads(done.stdout)["finding"] == "certificate-expired"


def test_saved_facts_are_verified_anew_by_other_authorities(bench, authority, tmp_path):
    facts = tmp_path / "facts.jsonl"
    bench.check("cms.steven.lab", "--save", facts, "-s")
    done = bench.fedge.run("check", "--from", facts, "--json", "--private", "--ca-file", authority.certificate)
    assert json.loads(done.stdout)["finding"] == "certificate-untrusted"


@pytest.mark.parametrize(("text", "said"), [
    ("", "holds no saved facts"),
    ("\n\n{}\n", ":3: "),
    ("no JSON\n", ":1: "),
    ('{"format": "fedge-check-facts", "version": 99}\n', ":1: "),
])
def test_a_file_without_facts_is_refused(fedge, tmp_path, text, said):
    (tmp_path / "facts").write_text(text)
    done = fedge.run("check", "--from", tmp_path / "facts")
    assert done.returncode == 64
    assert f"{tmp_path}/facts" in done.stderr and said in done.stderr
    assert done.stdout == ""


# ---- a list ----


COUNT = 1000
LISTED = [f"d{n}.bulk.example" for n in range(COUNT)]


@pytest.fixture(scope="module")
def crowd(bench, tmp_path_factory):
    """A thousand domains in a real DNS server; every tenth has no record."""
    fedge = Fedge(bench.fedge.path, tmp_path_factory.mktemp("crowd"))
    lines = [f"_sipfederationtls._tcp.d{n} IN SRV 0 0 5061 sip.d{n}\nsip.d{n} IN A {EDGE}" for n in range(COUNT)
             if n % 10]
    knot = Knot(fedge, {"bulk.example": lines})
    (fedge.folder / "list").write_text("# customers\n\n" + "\n".join(LISTED) + "\n")
    yield [fedge.folder / "list", "--resolver", knot.server, "--ca-file", bench.options[3], "--private",
           "--server-rate", "100000"]
    fedge.stop_all()


def typed_in(path):
    return [json.loads(line)["typed"] for line in path.read_text().splitlines()]


def test_a_thousand_domains(fedge, crowd, tmp_path):
    done = fedge.run("check", "--domains", *crowd, "--output", tmp_path / "out", seconds=120)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    reports = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert sorted(r["typed"] for r in reports) == sorted(LISTED)
    findings = [r["finding"] for r in reports]
    assert findings.count("srv-missing") == COUNT // 10
    assert findings.count("certificate-name-mismatch") == COUNT - COUNT // 10, set(findings)
    assert f"{COUNT:,} domains in " in done.stderr
    assert re.search(r"(?m)^ +900 +error +certificate-name-mismatch$", done.stderr), done.stderr
    assert re.search(r"(?m)^ +100 +error +srv-missing$", done.stderr)
    assert "\r" not in done.stderr and "\x1b" not in done.stderr


def start_list(fedge, crowd, *arguments, name="check"):
    """Slowly, so that there is time to disturb it."""
    return fedge.start("check", "--domains", *crowd, "--no-connect", "--rate", "200", *arguments, name=name,
                       ready=False)


def test_killed_and_resumed(fedge, crowd, tmp_path):
    """No domain is lost, none is there twice, whenever the process was killed; nor are the facts of any."""
    out, facts = tmp_path / "out", tmp_path / "facts"
    for least in (50, 300, 600):
        process = start_list(fedge, crowd, "--output", out, "--save", facts, "--resume")
        wait_until(lambda: out.exists() and out.read_text().count("\n") >= least, 30, f"{least} lines")
        process.signal(signal.SIGKILL)
        process.wait()
        with open(out, "a") as file:  # as if the kill had come in the middle of a write
            file.write('{"domain":"d1.bulk.example","typed":"d1.bu')
    done = fedge.run("check", "--domains", *crowd, "--no-connect", "--output", out, "--save", facts, "--resume")
    assert done.returncode == 2, done.stderr
    assert "done earlier" in done.stderr
    assert sorted(typed_in(out)) == sorted(LISTED)
    assert sorted(typed_in(facts)) == sorted(LISTED)


@pytest.mark.parametrize("kept", [0, 40])
def test_killed_between_a_result_and_its_facts(fedge, crowd, tmp_path, kept):
    out, facts, small = tmp_path / "out", tmp_path / "facts", tmp_path / "small"
    small.write_text("\n".join(LISTED[1:6]) + "\n")
    arguments = ["check", "--domains", small, *crowd[1:], "--no-connect", "--output", out, "--save", facts, "--resume"]
    fedge.run(*arguments)
    whole = facts.read_text().splitlines(keepends=True)
    facts.write_text("".join(whole[:4]) + whole[4][:kept])
    done = fedge.run(*arguments)
    assert "4 done earlier" in done.stderr
    assert sorted(typed_in(out)) == sorted(typed_in(facts)) == sorted(LISTED[1:6])
    facts.write_text("my thesis\n")
    done = fedge.run(*arguments)
    assert done.returncode == 64 and f"{facts}" in done.stderr
    assert facts.read_text() == "my thesis\n"


def test_resumed_with_a_row_for_each_rule_book(fedge, crowd, tmp_path):
    """Three lines a domain: one whose last line is missing is examined again."""
    out, small = tmp_path / "out", tmp_path / "small"
    small.write_text("\n".join(LISTED[1:6]) + "\n")
    arguments = ["check", "--domains", small, *crowd[1:], "--no-connect", "--as", "all", "--output", out, "--resume"]
    fedge.run(*arguments)
    whole = out.read_text().splitlines(keepends=True)
    assert len(whole) == 15
    out.write_text("".join(whole[:8]) + whole[8][:40])
    done = fedge.run(*arguments)
    assert "2 done earlier" in done.stderr
    assert sorted(typed_in(out)) == sorted(LISTED[1:6] * 3)


def test_ctrl_c_ends_in_order(fedge, crowd, tmp_path):
    out = tmp_path / "out"
    process = start_list(fedge, crowd, "--output", out)
    wait_until(lambda: out.exists() and out.read_text().count("\n") >= 20, 30, "20 lines")
    process.signal(signal.SIGINT)
    assert process.wait(15) == 3
    typed = typed_in(out)
    assert 20 <= len(typed) < COUNT and len(set(typed)) == len(typed)
    assert "stopped by a signal; --resume goes on from here" in process.text()
    assert " domains in " in process.text()


def test_output_that_is_there_is_not_overwritten(fedge, crowd, tmp_path):
    out = tmp_path / "out"
    out.write_text("my thesis\n")
    for more, said in (((), "not empty"), (("--resume",), f"{out}")):
        done = fedge.run("check", "--domains", *crowd, "--no-connect", "--output", out, *more)
        assert done.returncode == 64
        assert said in done.stderr
        assert out.read_text() == "my thesis\n"


def test_two_runs_do_not_share_an_output(fedge, crowd, tmp_path):
    out = tmp_path / "out"
    start_list(fedge, crowd, "--output", out)
    wait_until(lambda: out.exists() and out.stat().st_size, 30, "the first result")
    done = fedge.run("check", "--domains", *crowd, "--no-connect", "--output", out, "--resume")
    assert done.returncode == 64
    assert "another run writes into" in done.stderr


def test_a_closed_pipe_ends_it_quietly(fedge, crowd):
    command = " ".join(map(str, [fedge.path, "check", "--domains", *crowd, "--no-connect"]))
    began = time.monotonic()
    done = subprocess.run(["sh", "-c", f"{command} --rate 200 | head -n 3"], capture_output=True, text=True, timeout=60,
                          preexec_fn=die_with_parent)
    assert done.stdout.count("\n") == 3
    assert "ERROR" not in done.stderr and "SUMMARY" not in done.stderr
    assert time.monotonic() - began < 5, "1,000 domains at 200 a second were not awaited"


def test_a_full_disk_is_said(fedge, crowd, tmp_path):
    done = fedge.run("check", "--domains", *crowd, "--no-connect", "--output", "/dev/full")
    assert done.returncode == 3
    assert "cannot write" in done.stderr
    assert done.stderr.count("cannot write") == 1


@pytest.mark.parametrize("kind", ["short", "human", "nagios", "prometheus"])
def test_a_list_in_other_formats(fedge, crowd, tmp_path, kind):
    small = tmp_path / "small"
    small.write_text("d1.bulk.example # one\r\n\n# none\n  d10.bulk.example\t\n")
    done = fedge.run("check", "--domains", small, *crowd[1:], "--no-connect", "--format", kind)
    assert done.returncode == 2
    assert "d1.bulk.example" in done.stdout and "d10.bulk.example" in done.stdout


def test_formats_that_need_all_at_once_have_a_limit(fedge, crowd, tmp_path):
    many = tmp_path / "many"
    many.write_text("".join(f"d{n}.bulk.example\n" for n in range(1001)))
    done = fedge.run("check", "--domains", many, *crowd[1:], "--format", "nagios")
    assert done.returncode == 64
    assert "1000 domains" in done.stderr and done.stdout == ""


@pytest.mark.parametrize(("content", "said"), [
    (None, "No such file"), (b"", "names no domain"), (b"# nothing\n\n", "names no domain"),
    ("a.example\n".encode("utf-16"), "UTF-16"),
])
def test_a_list_that_is_none(fedge, tmp_path, content, said):
    if content is not None:
        (tmp_path / "list").write_bytes(content)
    done = fedge.run("check", "--domains", tmp_path / "list")
    assert done.returncode == 64
    assert f"{tmp_path}/list" in done.stderr and said in done.stderr


def test_a_list_on_standard_input_and_facts_beside(fedge, crowd, tmp_path):
    done = subprocess.run([fedge.path, "check", "--domains", "-", *crowd[1:], "--no-connect", "--save",
                           tmp_path / "facts"], input="d1.bulk.example\nd2.bulk.example\n", capture_output=True,
                          text=True, timeout=60)
    assert sorted(json.loads(line)["typed"] for line in done.stdout.splitlines()) == LISTED[1:3]
    saved = fedge.run("check", "--from", tmp_path / "facts", "--json", "--private")
    assert sorted(json.loads(line)["typed"] for line in saved.stdout.splitlines()) == LISTED[1:3]


# ---- a terminal ----


def on_terminal(command, columns=80, output=True, **environment):
    """Runs a command whose standard error (and, with `output`, standard output) is a terminal; (code, text)."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL,
                               stdout=child if output else subprocess.DEVNULL, stderr=child,
                               env={**env, "TERM": "xterm", **environment}, preexec_fn=die_with_parent)
    os.close(child)
    text = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(parent)
    return process.wait(60), text.decode().replace("\r\n", "\n")


def plain(text):
    """As it stands on the screen: without colours, and without what was erased."""
    return re.sub(r"[^\n]*\r\x1b\[K", "", re.sub(r"\x1b\[[0-9;]*m", "", text))


def test_colours_are_for_terminals(bench):
    command = [bench.fedge.path, "check", "cms.steven.lab", *bench.options]
    _, text = on_terminal(command)
    assert re.search(r"\x1b\[[0-9;]*m", text)
    _, text = on_terminal(command, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*m", text)
    _, text = on_terminal(command, TERM="dumb")
    assert not re.search(r"\x1b\[[0-9;]*m", text)
    assert "\x1b" not in bench.check("cms.steven.lab").stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 132])
def test_nothing_is_wider_than_the_terminal(bench, columns):
    _, text = on_terminal([bench.fedge.path, "check", "cms.steven.lab", "skype.lab", "--notes", *bench.options], columns)
    wide = [line for line in plain(text).splitlines() if len(line) > columns and not line.startswith("       ")]
    assert wide == []


def test_progress_is_shown_on_a_terminal_and_gone_at_the_end(fedge, crowd, bench):
    _, text = on_terminal([fedge.path, "check", "--domains", *crowd, "--no-connect", "--rate", "400"], output=False)
    assert re.search(r"\r\x1b\[K[\d,]+ of 1,000", text), text[:500]
    assert " of 1,000" not in plain(text)
    assert "1,000 domains in " in plain(text)
    _, text = on_terminal([fedge.path, "check", "cms.steven.lab", *bench.options])
    assert "examining cms.steven.lab" in text
    assert "examining" not in plain(text)


# ---- as a node ----


def test_as_a_node_with_its_lists_and_settings(bench, tmp_path):
    """The lab's Edge, with a list of blocked domains that nobody outside can see."""
    folder = bench.lab.folder
    text = (folder / "sfvedge.yaml").read_text()
    (folder / "blocking.yaml").write_text(text.replace("discover: yes", "discover: yes\n  blocked: [cms.steven.lab]"))
    done = bench.fedge.run("check", "cms.steven.lab", "--json", "--private", "-c", folder / "blocking.yaml")
    assert done.returncode == 2
    assert json.loads(done.stdout)["finding"] == "domain-blocked"
    done = bench.fedge.run("check", "cms.steven.lab", "--json", "--private", "-c", folder / "sfvedge.yaml")
    assert done.returncode == 0, done.stdout
    # Nothing of -c was given twice: resolver and trust are the node's.
    assert json.loads(done.stdout)["facts"]["vantage"] == "sip.skype.lab"


def test_whose_domain_it_is(bench):
    """Who must act: with a node's configuration its own domains are yours."""
    wrong = ["--at", "2099-01-01", "--json", "--private", "-c", bench.lab.folder / "vcse.yaml"]
    for domain, who, more in (("cms.steven.lab", "you", []), ("skype.lab", "partner", []),
                              ("skype.lab", "you", ["--owner", "you"])):
        report = json.loads(bench.fedge.run("check", domain, *wrong, *more).stdout)
        expired = next(f for f in report["findings"] if f["code"] == "certificate-expired")
        assert expired["who"] == who, (domain, more)
