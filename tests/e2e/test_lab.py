"""The lab as a user meets it: its table, its folder, its end."""
import json
import os
import re
import signal
import subprocess

import pytest
from support import Fedge, ask_dns, descendants, is_listening, wait_until

SCENARIOS = {
    # name: (outbound status, inbound status)
    "healthy": (200, 200),
    "srv-other-domain": (504, 504),
    "srv-subdomain": (504, 504),
    "cert-name-missing": (504, 504),
    "cert-cn-only": (200, 200),
    "cert-cn-ignored": (504, 504),
    "cert-wildcard": (504, 504),
    "cert-untrusted": (504, 504),
    "cert-chain-incomplete": (504, 504),
    "cert-expired": (504, 504),
    "cert-server-usage-only": (504, 200),
    "srv-missing": (504, 504),
    "address-missing": (200, 504),
    "port-closed": (200, 504),
    "domain-blocked": (403, 403),
    "partner-srv-other-domain": (504, 504),
    "partner-cert-name-missing": (504, 504),
}
# The finding of each refusal: (outbound, inbound).
FINDINGS = {
    "srv-other-domain": ("srv-target-outside-domain",) * 2,
    "srv-subdomain": ("srv-target-outside-domain",) * 2,
    "cert-name-missing": ("certificate-name-mismatch",) * 2,
    "cert-cn-ignored": ("certificate-cn-ignored",) * 2,
    "cert-wildcard": ("certificate-wildcard-only",) * 2,
    "cert-untrusted": ("certificate-refused-by-partner", "certificate-untrusted"),
    "cert-chain-incomplete": ("certificate-refused-by-partner", "certificate-chain-incomplete"),
    "cert-expired": ("certificate-refused-by-partner", "certificate-expired"),
    "cert-server-usage-only": ("certificate-refused-by-partner", None),
    "srv-missing": ("srv-missing",) * 2,
    "address-missing": (None, "address-missing"),
    "port-closed": (None, "connect-refused"),
    "domain-blocked": ("domain-blocked",) * 2,
    "partner-srv-other-domain": ("srv-target-outside-domain",) * 2,
    "partner-cert-name-missing": ("certificate-name-mismatch",) * 2,
}
DIRECTIONS = ("outbound", "inbound")
ROWS = [(scenario, direction) for scenario in SCENARIOS for direction in DIRECTIONS]


@pytest.fixture(scope="module")
def table(program, tmp_path_factory):
    """One run of everything: exit code and results by (scenario, direction)."""
    folder = tmp_path_factory.mktemp("table")
    done = Fedge(program, folder).run("lab", "run", "--json", "--keep", folder / "lab", seconds=300)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return done, {(r["scenario"], r["direction"]): r for r in results}, folder / "lab"


def test_every_scenario_is_listed(fedge):
    done = fedge.run("lab", "list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(SCENARIOS)


def test_the_whole_table_is_as_expected(table):
    done, results, _ = table
    assert set(results) == set(ROWS)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "all went as the table says" in done.stderr


@pytest.mark.parametrize(("scenario", "direction"), ROWS)
def test_scenario(table, scenario, direction):
    result = table[1][scenario, direction]
    index = DIRECTIONS.index(direction)
    assert result["differences"] == []
    assert result["as_expected"] is True
    assert result["status"] == SCENARIOS[scenario][index]
    assert result["finding"] == FINDINGS.get(scenario, (None, None))[index]
    assert result["logs"] and all(os.path.getsize(path) for path in result["logs"])


def headers_of(log, call_ids, status):
    """The received answers with this status and one of these Call-IDs in an Expressway log, as texts."""
    records = re.split(r"(?m)^(?=\d{4}-\d\d-\d\dT)", log)
    return [r for r in records if f"SIP/2.0 {status}" in r and 'Action="Received"' in r
            and any(call_id in r for call_id in call_ids)]


def test_strangers_get_a_bare_504(table):
    """Cisco TAC 212383: the same mute answer for a fault in DNS and one in the certificate."""
    _, results, folder = table
    answers = []
    for scenario in ("srv-other-domain", "cert-name-missing"):
        call_ids = results[scenario, "outbound"]["call_ids"]
        found = headers_of((folder / scenario / "vcse.log").read_text(), call_ids, 504)
        assert found
        answers += found
    for answer in answers:
        assert "ms-diagnostics" not in answer
        assert re.search(r"(?m)^\W*Server: RTC/6\.0\r?$", answer)
        assert re.search(r"(?m)^\W*To: .*;tag=[0-9A-F]{32}\r?$", answer)
        assert re.search(r"ms-received-port=\d+;ms-received-cid=[0-9A-F]+", answer)


# The 504 of Cisco TAC 212383 as vcse got it, address by address: what stands in the Via of each hop, from the top.
OUTBOUND_VIAS = [
    ("127.48.36.47:5061", ["egress-zone=DNSZone1", "proxy-call-id=", "received=127.48.36.47", "ms-received-port=",
                           "ms-received-cid="]),
    ("127.48.36.46:5061", ["egress-zone=TraversalZoneClient1", "proxy-call-id=", "received=127.48.36.46",
                           "ingress-zone=TraversalZoneServer1"]),
    ("127.48.54.160:5061", ["received=127.48.54.160", "ingress-zone=NeighborZoneAcano1SIP"]),
]


def test_the_outbound_504_reads_like_the_document(table):
    """Three Vias: of vcse, of vcsc on the call's second way through it, and of the meeting server, where it begins."""
    _, results, folder = table
    result = results["srv-other-domain", "outbound"]
    answer, = headers_of((folder / "srv-other-domain/vcse.log").read_text(), result["call_ids"], 504)
    vias = re.findall(r"(?m)^\W*Via: SIP/2\.0/TLS (\S+?);(.*?)\r?$", answer)
    names = {"vcse.steven.lab": "127.48.36.47", "vcsc.steven.lab": "127.48.36.46"}
    hosts = [re.sub("|".join(names), lambda found: names[found.group()], host) for host, _ in vias]
    assert hosts == [host for host, _ in OUTBOUND_VIAS], vias
    for (_, parameters), (host, wanted) in zip(vias, OUTBOUND_VIAS):
        for parameter in wanted:
            assert parameter in parameters, (host, parameters)
    serials = re.findall(r"proxy-call-id=([0-9a-f-]{36})", answer)
    assert len(set(serials)) == 2, "vcse and vcsc have a serial number each"
    assert re.search(r'(?m)^\W*From: .*<sip:2000@acano\.steven\.lab>;tag=', answer)
    assert f"Call-ID: {result['call_ids'][1]}" in answer and result["call_ids"][0] not in answer


def test_the_call_passes_vcsc_twice_and_is_no_loop(table):
    _, results, folder = table
    result = results["healthy", "outbound"]
    passed = [r for r in (folder / "healthy/vcsc.json").read_text().splitlines()
              if '"bytes":"INVITE sip:stejanss@skype.lab' in r and '"direction":"sent"' in r]
    ids = [call_id for call_id in result["call_ids"] for line in passed if f"Call-ID: {call_id}" in line]
    assert len(passed) == 2 and ids == result["call_ids"], "once with each Call-ID"
    sessions = {re.search(r"Session-ID: ([0-9a-f]{32})", line).group(1) for line in passed}
    assert len(sessions) == 1, "and with one Session-ID"
    assert result["finding"] is None


def test_the_search_history_shows_the_documents_line(table, program):
    """2017-03-08 15:42:02 SIP (INVITE) sip.stejanss@skype.lab … Server time-out"""
    _, results, folder = table
    runner = Fedge(program, folder)
    done = runner.run("history", "-c", folder / "srv-other-domain/vcse.yaml")
    assert done.returncode == 0, done.stderr
    line, = [line for line in done.stdout.splitlines() if "stejanss@skype.lab" in line and "2000@" in line]
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +SIP \(INVITE\)", line), line
    assert "Server time-out" in line, line
    assert results["srv-other-domain", "outbound"]["status"] == 504


def test_the_human_table_fits_and_ends_in_one_line(fedge, tmp_path):
    done = fedge.run("lab", "run", "srv-other-domain", "--direction", "inbound", "--keep", tmp_path / "lab")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[0].split() == ["scenario", "direction", "status", "finding", "expected", "verdict"]
    assert lines[1].split() == ["srv-other-domain", "inbound", "504", "1009", "srv-target-outside-domain", "504", "1009",
                                "ok"]
    assert lines[-1].startswith("1 scenario, 1 call: all went as the table says")


def test_an_unknown_scenario_is_wrong_usage(fedge):
    done = fedge.run("lab", "run", "srv-other-domian")
    assert done.returncode == 64
    assert "srv-other-domain" in done.stderr


def test_a_folder_with_other_things_is_refused(fedge, tmp_path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/thesis.txt").write_text("mine")
    done = fedge.run("lab", "up", "healthy", "--keep", tmp_path / "lab")
    assert done.returncode == 2
    assert "empty" in done.stderr
    assert os.listdir(tmp_path / "lab") == ["thesis.txt"]


def test_up_describes_itself(lab_up):
    lab = lab_up("healthy")
    document = lab.document
    assert set(document["domains"]) == {"steven.lab", "acano.steven.lab", "cms.steven.lab", "skype.lab"}
    assert not document["ca_file"].startswith("/") and (lab.folder / document["ca_file"]).exists()
    assert len(document["hosts"]) == 7
    for host in document["hosts"]:
        for key in ("configuration", "log"):
            assert not host[key].startswith("/")
        assert (lab.folder / host["configuration"]).exists()
        for transport, port in host["ports"].items():
            assert transport == "udp" or is_listening(host["address"], port), host["name"]
    for domain in document["domains"]:
        assert ask_dns(lab.resolver, f"_sipfederationtls._tcp.{domain}", "SRV") == (0, 1)
    assert lab.process.is_alive()
    assert lab.stop() == 0


def test_up_leaves_nothing_behind(lab_up):
    lab = lab_up("healthy")
    children = descendants(lab.process.popen.pid)
    assert len(children) >= 8  # the DNS server and seven hosts
    lab.process.signal(signal.SIGINT)
    assert lab.process.wait() == 0
    assert not any(os.path.exists(f"/proc/{child}") for child in children)
    assert not is_listening("127.48.36.47", 5061)


def gone(child):
    """True where the process is no more, or only its exit code is."""
    try:
        with open(f"/proc/{child}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_a_killed_lab_takes_its_hosts_along(lab_up):
    lab = lab_up("healthy")
    children = descendants(lab.process.popen.pid)
    lab.process.signal(signal.SIGKILL)
    lab.process.wait()
    wait_until(lambda: all(gone(child) for child in children), 20, "all hosts are gone")
    # A process whose first thread has ended is a zombie already while its others end.
    wait_until(lambda: not is_listening("127.48.36.47", 5061), 20, "nobody listens any more")


def test_there_is_one_lab_at_a_time(lab_up, fedge, tmp_path):
    lab = lab_up("healthy")
    done = fedge.run("lab", "run", "healthy", "--keep", tmp_path / "second")
    assert done.returncode == 3
    assert f"process {lab.process.popen.pid}" in done.stderr
    assert lab.process.is_alive()


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_calls_through_a_lab(lab_up, tmp_path, transport):
    """A caller from outside the lab, by the SIPp scenario that the lab writes."""
    lab = lab_up("healthy")
    done = subprocess.run(
        ["sipp", "-sf", lab.folder / "sipp-caller.xml", "-i", "127.0.0.1", "-t", transport, "-m", "20", "-r", "20",
         "-timeout", "60", "-nostdin", "127.48.36.47:5060"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_the_table_takes_well_under_a_minute(table):
    _, results, _ = table
    slowest = max(results.values(), key=lambda result: result["elapsed_ms"])
    # One scenario starts eight processes and places up to three calls; sanitizers make it slower.
    assert slowest["elapsed_ms"] < 15000, slowest
