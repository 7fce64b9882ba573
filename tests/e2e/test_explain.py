"""fedge explain as a command: every option on real logs, what its outputs hold, its exit codes, its streams.

The logs are those of docs/examples/explaining (made by the lab) and of a lab that runs once for this file. What the logs
allow to say is test_explain_lab.py's, how they may be packed test_explain_files.py's, captures test_explain_capture.py's.
"""
import datetime
import fcntl
import html.parser
import itertools
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios

import pytest
from conftest import ROOT
from support import Fedge, wait_until
from test_explain_files import calls

EXAMPLES = ROOT / "docs/examples/explaining"
OURS, THEIRS, CLIENT, PASTED, REFUSED = "vcse.log", "sfvedge.log", "client.log", "pasted.txt", "tls-refused.log"
ALL = (OURS, THEIRS, CLIENT, PASTED, REFUSED)
FAILURE_S = 20  # patience with a program that is followed, on a busy machine


@pytest.fixture
def explain(program, tmp_path):
    """explain(*arguments) in a folder with copies of the examples; text comes back as bytes."""
    for name in ALL:
        shutil.copy(EXAMPLES / name, tmp_path)

    def run(*arguments, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        if "input" in more:
            del more["stdin"]
        env = {**os.environ, "TZ": "UTC", **more.pop("env", {})}
        return subprocess.run([program, "explain", *map(str, arguments)], capture_output=True, timeout=60, check=False,
                              cwd=tmp_path, env=env, **more)

    return run


@pytest.fixture
def problems(explain):
    """The objects of --json."""
    def run(*arguments, **more):
        done = explain("--json", *arguments, **more)
        assert done.returncode in (0, 1, 2, 3), done.stderr.decode()
        return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]

    return run


@pytest.fixture(scope="module")
def lab(program, tmp_path_factory):
    """The kept folder of a lab that ran two scenarios, and its calls."""
    runner = Fedge(program, tmp_path_factory.mktemp("runner"))
    folder = tmp_path_factory.mktemp("lab") / "kept"
    done = runner.run("lab", "run", "healthy", "srv-other-domain", "--keep", folder, "--json", seconds=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    yield folder, [json.loads(line) for line in done.stdout.splitlines()]
    runner.stop_all()


# ---- exit codes ----

@pytest.mark.parametrize(("arguments", "code"), [
    ((OURS,), 1),
    ((OURS, THEIRS), 2),
    ((CLIENT,), 2),
    ((OURS, "--call", "dd650b38"), 1),
    ((OURS, "--since", "2030-01-01"), 0),
    (("/dev/null",), 3),
    ((), 64),
    (("not-there",), 64),
    ((OURS, "not-there"), 64),
    ((OURS, "--no-such-option"), 64),
    ((OURS, "--json", "--mermaid"), 64),
    ((OURS, "--json", "--format", "json"), 64),
    ((OURS, "--format", "xml"), 64),
    ((OURS, "--since", "yesterday"), 64),
    ((OURS, "--since", "2017-02-31T00:00:00Zulu"), 64),
    ((OURS, "--since", "2026-02-30"), 64),
    ((OURS, "--since", "2017-03-02T07:10:46.Z"), 64),
    ((OURS, "--since", "2017-03-02T07:10:46+15:00"), 64),
    ((OURS, "--since", "2018-01-01", "--until", "2017-01-01"), 64),
    ((OURS, "--utc-offset", "1"), 64),
    ((OURS, "--utc-offset", "+25:00"), 64),
    ((OURS, "--utc-offset", "+01:00x"), 64),
    ((OURS, "--threads", "0"), 64),
    ((OURS, "--threads", "many"), 64),
    ((OURS, "--memory", "1"), 64),
    ((OURS, "--key-log", "not-there"), 64),
    ((OURS, "--html", "not/there.html"), 64),
    ((OURS, THEIRS, "--follow"), 64),
    ((OURS, "--follow", "--html", "page.html"), 64),
    ((OURS, "--resolver", "192.0.2.1"), 64),
    ((OURS, "--private"), 64),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value))
def test_exit_codes(explain, arguments, code):
    done = explain(*arguments)
    assert done.returncode == code, (done.stdout + done.stderr).decode()
    assert (b"fedge explain: " in done.stderr) == (code == 64), done.stderr.decode()
    assert not (code == 64 and done.stdout)


def test_an_option_is_refused_before_a_page_is_written(explain, tmp_path):
    (tmp_path / "page.html").write_text("mine")
    assert explain(OURS, "--html", "page.html", "--utc-offset", "late").returncode == 64
    assert (tmp_path / "page.html").read_text() == "mine"


def test_nothing_read_is_not_nothing_failed(explain, tmp_path):
    """Files in which nothing was found say nothing of calls."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "prose").write_text("The call to Skype fails since Monday.\n" * 50)
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 40)
    for name in ("empty", "prose", "noise"):
        done = explain(name)
        assert done.returncode == 3, done.stdout.decode()
        assert b"no federation failure" not in done.stdout, done.stdout.decode()
        assert b"nothing in these files" in done.stdout
    assert explain("empty", "prose", OURS).returncode == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(explain, tmp_path):
    (tmp_path / CLIENT).chmod(0)
    done = explain(CLIENT)
    assert done.returncode == 64 and b"Permission denied" in done.stderr


# ---- which calls ----

def test_all_tells_good_calls_too(lab, problems):
    folder, placed = lab
    log = folder / "healthy/vcse.log"
    assert problems(log) == []
    told = {p["call_id"]: p for p in problems(log, "--all") if p["kind"] == "call"}
    # A meeting server stands in the call: what vcse saw has a Call-ID of its own.
    good = set(told) & {call_id for c in placed if c["scenario"] == "healthy" for call_id in c["call_ids"]}
    assert len(good) == sum(c["scenario"] == "healthy" for c in placed)
    assert {(told[i]["outcome"], told[i]["status"], told[i]["finding"]) for i in good} == {("answered", 200, None)}


def test_good_calls_in_words(lab, explain):
    folder, _ = lab
    done = explain(folder / "healthy/vcse.log")
    assert done.returncode == 0 and b"no federation failure here" in done.stdout
    done = explain(folder / "healthy/vcse.log", "--all")
    assert done.returncode == 0 and done.stdout.count("◀".encode()) > 4


def test_one_call_by_its_id_or_a_part(problems, explain):
    everything = problems(*ALL)
    assert len(everything) == 5
    for p in everything:
        if not p["call_id"]:
            continue
        for part in (p["call_id"], p["call_id"][:8], p["call_id"][3:-3]):
            assert [q["call_id"] for q in problems(*ALL, "--call", part)] == [p["call_id"]]
    done = explain(*ALL, "--call", "1234567890-not-there")
    assert b"no federation failure" not in done.stdout, done.stdout.decode()
    assert b"no call in these files" in done.stdout
    assert done.returncode == 3


def test_since_and_until(problems):
    everything = problems(*ALL)
    moments = sorted(p["started"] for p in everything)

    def of(*options):
        return [p["started"] for p in problems(*ALL, *options)]

    assert of("--since", "2017-03-03") == [m for m in moments if m > "2017-03-03"]
    assert of("--until", "2017-03-03") == [m for m in moments if m < "2017-03-03"]
    assert of("--until", "2017-03-02 06:30") == []
    assert of("--until", "2017-03-02T06:31Z") == moments[:1]
    cut = "2026-11-23T06:44:02"
    for written in (cut, cut + "Z", cut.replace("T", " "), cut + ".000000Z", "2026-11-23T07:44:02,5+01:00",
                    "2026-11-23T01:14:02-05:30"):
        assert of("--since", written) == [m for m in moments if m > cut]
        assert of("--since", "2026-11-23", "--until", written) == [m for m in moments if "2026" < m < cut]


@pytest.mark.parametrize(("own", "who"), [("steven.lab", "you"), ("skype.lab", "partner"), ("vcse", "you")])
def test_own_decides_who_you_are(problems, own, who):
    for order in ((OURS, THEIRS), (THEIRS, OURS)):
        found = [p["who"] for p in problems(*order, "--own", own, "--call", "dd650b38")]
        assert found == [who]


def test_the_log_named_first_is_yours(problems):
    assert [p["who"] for p in problems(OURS, THEIRS, "--call", "dd650b38")] == ["you"]
    assert [p["who"] for p in problems(THEIRS, OURS, "--call", "dd650b38")] == ["partner"]


# ---- what is told ----

TEXT, NUMBER, TRUTH, LIST, NOTHING = str, int, bool, list, type(None)
FIELDS = {
    "kind": (TEXT,), "call_id": (TEXT, NOTHING), "from": (TEXT, NOTHING), "to": (TEXT, NOTHING), "method": (TEXT, NOTHING),
    "started": (TEXT, NOTHING), "ended": (TEXT, NOTHING), "outcome": (TEXT,), "status": (NUMBER, NOTHING),
    "reason": (TEXT, NOTHING), "federation": (TRUTH,), "finding": (TEXT, NOTHING), "confidence": (TEXT,),
    "sentence": (TEXT,), "who": (TEXT, NOTHING), "why": (TEXT, NOTHING), "fixes": (LIST,), "evidence": (LIST,),
    "candidates": (LIST,), "next": (LIST,), "domains": (LIST,), "ms_diagnostics": (dict, NOTHING), "legs": (LIST,),
    "hosts": (LIST, NOTHING), "ladder": (LIST, NOTHING), "details": (dict, NOTHING),
}
PARTS = {
    "evidence": {"file": (TEXT, NOTHING), "line": (NUMBER, NOTHING), "text": (TEXT,), "mark": (LIST, NOTHING),
                 "note": (TEXT, NOTHING)},
    "legs": {"call_id": (TEXT, NOTHING), "from": (TEXT, NOTHING), "to": (TEXT, NOTHING), "status": (NUMBER, NOTHING),
             "joined_by": (TEXT, NOTHING)},
    "ladder": {"time": (TEXT, NOTHING), "kind": (TEXT,), "from": (TEXT, NOTHING), "to": (TEXT, NOTHING), "text": (TEXT,),
               "count": (NUMBER,), "failing": (TRUTH,), "call_id": (TEXT, NOTHING), "places": (LIST,)},
    "next": {"text": (TEXT,), "command": (TEXT, NOTHING)},
    "fixes": {"who": (TEXT,), "where": (TEXT,), "title": (TEXT,), "lines": (LIST,)},
}


def check_types(thing, fields):
    assert set(fields) <= set(thing), set(fields) - set(thing)
    for name, types in fields.items():
        assert type(thing[name]) in types, (name, thing[name])


def test_json_has_its_fields(problems, lab):
    folder, _ = lab
    told = problems(*ALL, folder / "healthy/vcse.log", "--all")
    assert {p["outcome"] for p in told} >= {"failed", "answered"}
    for p in told:
        check_types(p, FIELDS)
        assert set(p) == set(FIELDS), set(p) ^ set(FIELDS)
        for name, fields in PARTS.items():
            for part in p[name] or []:
                check_types(part, fields)
        for candidate in p["candidates"]:
            check_types(candidate, {"code": (TEXT,), "title": (TEXT,), "confidence": (TEXT,), "why": (TEXT, NOTHING)})
        for row in p["ladder"] or []:
            for place in row["places"]:
                assert set(place) in ({"file", "line"}, {"file", "packet"})
        assert p["kind"] in ("call", "connection", "message")
        assert p["kind"] != "message" or p["method"] == "OPTIONS"
        assert p["confidence"] in ("proved", "likely", "possible", "none")
        assert all(isinstance(domain, str) for domain in p["domains"])
        assert (p["details"] or {}).get("code") == p["finding"]
        for moment in (p["started"], p["ended"]):
            assert datetime.datetime.fromisoformat(moment).utcoffset() == datetime.timedelta(0)
        assert sum(row["failing"] for row in p["ladder"]) == (1 if p["outcome"] == "failed" else 0), p["ladder"]


def test_problems_come_in_the_order_of_their_start(problems):
    for order in itertools.islice(itertools.permutations(ALL), 0, 120, 17):
        started = [p["started"] for p in problems(*order)]
        assert started == sorted(started)


def test_the_order_of_files_changes_nothing_but_who(problems):
    def told(order):
        # Evidence that weighs the same is shown in the files' order.
        return [(p["call_id"], p["finding"], p["confidence"], p["sentence"],
                 sorted((e["file"], e["line"]) for e in p["evidence"]), [c["code"] for c in p["candidates"]],
                 [(row["text"], row["from"], row["to"]) for row in p["ladder"]])
                for p in problems(*order, "--own", "steven.lab")]

    wanted = told(ALL)
    assert len(wanted) == 5
    for order in itertools.islice(itertools.permutations(ALL), 1, 120, 13):
        assert told(order) == wanted, order


@pytest.mark.parametrize("options", [(), ("--json",), ("--mermaid",), ("--all", "--ascii")], ids=" ".join)
def test_threads_change_nothing(explain, tmp_path, options):
    (tmp_path / "long.log").write_bytes(calls(0, 300))
    one = explain(*ALL, "long.log", *options, "--threads", 1)
    assert len(one.stdout) > 5000
    for number in (2, 7):
        more = explain(*ALL, "long.log", *options, "--threads", number)
        assert (more.stdout, more.stderr, more.returncode) == (one.stdout, one.stderr, one.returncode)


def test_words_hold_what_json_says(explain, problems):
    text = explain(*ALL, "--all").stdout.decode()
    flat = " ".join(text.split())
    for p in problems(*ALL, "--all"):
        assert p["sentence"] in flat
        assert f"[{p['finding']}]" in flat
        for e in p["evidence"]:
            assert f"--> {e['file']}:{e['line']} " in flat
        for candidate in p["candidates"]:
            assert f"[{candidate['code']}]" in flat
        for step in p["next"]:
            assert step["text"] in flat
            assert not step["command"] or f"\n      {step['command']}\n" in text
        for fix in p["fixes"]:
            assert fix["title"] in flat
            for line in fix["lines"]:
                assert line in text


def caret_lines(text):
    lines = text.split("\n")
    for above, line in zip(lines, lines[1:]):
        found = re.match(r" {10,}(\^+)( |$)", line)
        if found:
            yield above, found.start(1), found.end(1)


@pytest.mark.parametrize("options", [(), ("--ascii",), ("--redact",)], ids=" ".join)
def test_carets_stand_under_words(explain, options):
    found = 0
    for above, start, end in caret_lines(explain(*ALL, *options).stdout.decode()):
        found += 1
        marked = above[start:end]
        assert len(marked) == end - start, (above, start, end)
        assert marked == marked.strip(), (above, marked)
    assert found >= 2


def test_three_in_full_and_the_others_in_a_line(explain, tmp_path):
    (tmp_path / "many.log").write_bytes(calls(0, 40))
    text = explain("many.log").stdout.decode()
    assert text.count("error[srv-target-outside-domain]") == 3
    assert len(re.findall(r"\(as 1\)", " ".join(text.split()))) == 20
    assert "17 more like these" in text
    text = explain("many.log", "--all").stdout.decode()
    assert text.count("error[srv-target-outside-domain]") == 40
    assert "more like these" not in text


def test_ascii_is_ascii(explain):
    for name in ALL:
        done = explain(name, "--ascii", "--all")
        assert done.stdout.isascii(), [line for line in done.stdout.decode().split("\n") if not line.isascii()]
        assert b"-->|" in done.stdout or b"<--" in done.stdout or name == PASTED


# ---- diagrams and pages ----

def fences(text):
    assert text.count("```") % 2 == 0
    return re.findall(r"```mermaid\nsequenceDiagram\n(.*?)\n```\n", text, re.S)


def test_mermaid(explain, problems):
    done = explain(*ALL, "--mermaid")
    assert done.returncode == 2
    diagrams = fences(done.stdout.decode())
    assert done.stdout == explain(*ALL, "--format", "mermaid").stdout
    told = problems(*ALL)
    assert len(diagrams) == len(told)
    for diagram, p in zip(diagrams, told):
        lines = [line.strip() for line in diagram.split("\n")]
        hosts = dict(re.fullmatch(r"participant (h\d+) as (.+)", line).groups()
                     for line in lines if line.startswith("participant"))
        assert set(hosts.values()) >= {row["from"] for row in p["ladder"] if row["kind"] == "message"}
        arrows = [re.fullmatch(r"(h\d+)(->>|-->>|-x|--x)(h\d+): (.+)", line) for line in lines if re.match(r"h\d", line)]
        assert all(arrows), lines
        assert {a.group(i) for a in arrows for i in (1, 3)} <= set(hosts)
        assert len(arrows) == sum(row["kind"] == "message" for row in p["ladder"])
        notes = [line for line in lines if line.startswith("Note")]
        assert len(hosts) + len(arrows) + len(notes) == len(lines), lines
        for text in [re.match(r"Note over (h\d+(?:,h\d+)?): (.*)", note).group(2) for note in notes] + [
                a.group(4) for a in arrows] + list(hosts.values()):
            assert not re.search(r"[;<>{}]|#(?!\d+;)", re.sub(r"#\d+;", "", text)), text


class Page(html.parser.HTMLParser):
    VOID = {"meta", "br", "hr", "img", "input", "link"}
    LOADS = {"script", "link", "iframe", "object", "embed", "img", "base", "form", "video", "audio", "source", "use"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.text, self.faults, self.count = [], [], [], [], {}
        self.feed(text)
        self.close()
        assert not self.open, self.open
        assert not self.faults, self.faults
        assert len(self.ids) == len(set(self.ids))

    def _look(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag in self.LOADS:
            self.faults.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "action", "srcset", "ping", "background") or name.startswith("on") or (
                    name.endswith("href") and not (value or "").startswith("#")):
                self.faults.append((tag, name, value))
            if re.search(r"url\(|@import|javascript:", value or "", re.I):
                self.faults.append((tag, name, value))
        if len({name for name, _ in attributes}) != len(attributes):
            self.faults.append((tag, attributes))

    def handle_starttag(self, tag, attributes):
        self._look(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self._look(tag, attributes)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(("end", tag, self.getpos()))

    def handle_data(self, data):
        if "style" in self.open:
            if re.search(r"url\(|@import|expression", data, re.I):
                self.faults.append(("style", data))
        else:
            self.text.append(data)

    def words(self):
        return " ".join("".join(self.text).split())


def test_html(explain, problems, tmp_path):
    done = explain(*ALL, "--html", "why.html", "--json")
    assert done.returncode == 2 and not done.stderr
    assert done.stdout == explain(*ALL, "--json").stdout
    text = (tmp_path / "why.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    page = Page(text)
    assert "default-src 'none'" in text
    told = problems(*ALL)
    assert page.count["svg"] == len(told)
    assert {f"p{i + 1}" for i in range(len(told))} <= set(page.ids)
    words = page.words()
    for p in told:
        assert p["sentence"] in words
        assert p["details"]["title"] in words
        for e in p["evidence"]:
            assert e["text"] in words and f"{e['file']}:{e['line']}" in words
    for name in ALL:
        assert name in words


def test_a_page_is_written_beside_any_output(explain, tmp_path):
    for options in ((), ("--mermaid",), ("--ascii",)):
        explain(*ALL, *options, "--html", "why.html")
        Page((tmp_path / "why.html").read_text(encoding="utf-8"))


# ---- redaction ----

def secrets():
    """What must not be seen: everything that names somebody in the examples. Words of two letters and less cannot be told
    from words of the language."""
    found = {"steven", "acano", "skype.lab", "stejanss", "janssens", "svedge", "vcse", "sfvedge", "NeighborZoneAcano1SIP",
             "TraversalZone", "DNSZone1", "to partners"}
    for name in ALL:
        text = (EXAMPLES / name).read_text(encoding="utf-8", errors="replace")
        found |= set(re.findall(r"127\.48\.\d+\.\d+", text))
        found |= set(re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", text))
        found |= set(re.findall(r"(?:tag|branch|epid)=(?:z9hG4bK)?([0-9A-Za-z.]{8,})", text))
        found |= set(re.findall(r"[Cc]all-[Ii][Dd]: ?(\S{8,})", text))
    return found


def outputs(explain, folder, *options):
    yield "words", explain(*ALL, "--redact", "--all", *options).stdout.decode()
    yield "json", explain(*ALL, "--redact", "--json", "--all", *options).stdout.decode()
    yield "mermaid", explain(*ALL, "--redact", "--mermaid", "--all", *options).stdout.decode()
    explain(*ALL, "--redact", "--all", "--html", "redacted.html", *options)
    yield "html", (folder / "redacted.html").read_text(encoding="utf-8")


def test_nothing_that_names_somebody_is_left(explain, tmp_path):
    hidden = secrets()
    assert len(hidden) > 30
    for format_name, text in outputs(explain, tmp_path):
        assert len(text) > 1000
        low = text.lower()
        left = {secret for secret in hidden if secret.lower() in low}
        assert not left, (format_name, left)
        assert "2000@" not in text and "meet@" not in text


def test_what_names_nobody_stays(explain, tmp_path):
    for _, text in outputs(explain, tmp_path):
        assert "INVITE" in text and "504" in text
        assert "_sipfederationtls._tcp." in text.replace("\\_", "_") or "mermaid" in text
        assert "SIP/2.0" in text or "Start-Line" not in text, text
    told = [json.loads(line) for line in explain(*ALL, "--redact", "--json").stdout.splitlines()]
    assert all(p["from"] is None or p["from"].startswith("sip:") for p in told)
    assert all(p["to"].startswith("sip:") for p in told if p["to"])


def test_the_same_name_is_the_same_word(explain, problems):
    """Over one run every name has one other, and no two names have the same."""
    plain = problems(*ALL, "--all")
    redacted = problems(*ALL, "--all", "--redact")
    assert [(p["finding"], p["confidence"], p["status"], p["started"]) for p in plain] == [
        (p["finding"], p["confidence"], p["status"], p["started"]) for p in redacted]
    there, back = {}, {}
    for p, q in zip(plain, redacted):
        pairs = [(p[name], q[name]) for name in ("call_id", "from", "to")]
        pairs += zip(p["domains"], q["domains"])
        pairs += [(row[end], qow[end]) for row, qow in zip(p["ladder"], q["ladder"]) for end in ("from", "to")]
        for was, became in pairs:
            assert (was is None) == (became is None)
            if was:
                assert there.setdefault(was, became) == became
                assert back.setdefault(became, was) == was
                assert was != became
    assert len(there) > 8


def test_redaction_keeps_how_domains_are_related(problems):
    """What failed can still be seen: the target is not under the domain, and of the same parent."""
    told = next(p for p in problems(OURS, THEIRS, "--redact") if p["finding"] == "srv-target-outside-domain")
    domain, target = told["details"]["subject"], told["details"]["observed"].split(":")[0]
    parent = domain.split(".", 1)[1]
    assert target.endswith("." + parent) and not target.endswith("." + domain)
    assert any(f".{domain}." in line for fix in told["fixes"] for line in fix["lines"])


def test_two_runs_give_other_secrets(problems):
    first, second = (problems(OURS, "--redact")[0]["call_id"] for _ in range(2))
    assert first != second


# ---- local times ----

def test_local_times(problems):
    """The client's log writes local time without a zone, and the boxes' logs UTC."""
    def started(name, *options, **more):
        return datetime.datetime.fromisoformat(problems(name, *options, **more)[0]["started"])

    hour = datetime.timedelta(hours=1)
    utc = started(CLIENT, "--utc-offset", "Z")
    assert started(CLIENT) == utc  # TZ is UTC here
    for offset, hours in (("+01:00", 1), ("+0100", 1), ("+1", 1), ("-05:30", -5.5), ("+14", 14), ("UTC", 0)):
        assert utc - started(CLIENT, "--utc-offset", offset) == hours * hour, offset
        assert started(OURS, "--utc-offset", offset) == started(OURS)
    assert utc - started(CLIENT, env={"TZ": "XXX-02:00"}) == 2 * hour
    assert started(OURS, env={"TZ": "XXX-02:00"}) == started(OURS)


# ---- streams ----

def test_standard_input_and_files_together(explain, problems, tmp_path):
    got = problems("-", THEIRS, input=(tmp_path / OURS).read_bytes())
    wanted = problems(OURS, THEIRS)
    assert [p["finding"] for p in got] == [p["finding"] for p in wanted]
    assert {e["file"] for p in got for e in p["evidence"]} >= {"-", THEIRS}


def test_a_folder_is_its_files(problems, tmp_path):
    folder = tmp_path / "folder/sub"
    folder.mkdir(parents=True)
    shutil.copy(tmp_path / OURS, folder.parent)
    shutil.copy(tmp_path / THEIRS, folder)
    assert [(p["call_id"], p["finding"]) for p in problems("folder")] == [
        (p["call_id"], p["finding"]) for p in problems(OURS, THEIRS)]


def test_the_same_file_twice_is_one_call(problems, tmp_path):
    shutil.copy(tmp_path / OURS, tmp_path / "copy.log")
    told = problems(OURS, "copy.log", OURS)
    assert [p["call_id"] for p in told] == [problems(OURS)[0]["call_id"]]


def test_a_full_disk_is_no_success(explain, program, tmp_path):
    for options in ((), ("--json",), ("--mermaid",), ("--html", "/dev/full")):
        with open("/dev/full" if "/dev/full" not in options else "/dev/null", "wb") as full:
            done = subprocess.run([program, "explain", OURS, *options], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path,
                                  timeout=60, check=False)
        assert done.returncode == 3, options
        assert b"No space left on device" in done.stderr


def test_a_reader_that_goes_away(explain, program, tmp_path):
    (tmp_path / "many.log").write_bytes(calls(0, 3000))
    process = subprocess.Popen([program, "explain", "many.log", "--all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               cwd=tmp_path)
    assert process.stdout.readline().startswith(b"read 1 file")
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(60) in (3, -signal.SIGPIPE)
    assert b"Sanitizer" not in errors, errors.decode()


def on_terminal(program, folder, columns, *arguments, **env):
    """What is shown on a terminal of so many columns."""
    own, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    base = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen([program, "explain", *arguments], stdin=subprocess.DEVNULL, stdout=other,
                               stderr=subprocess.DEVNULL, cwd=folder, env={**base, "TERM": "xterm", **env})
    os.close(other)
    text = b""
    while True:
        try:
            piece = os.read(own, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(own)
    process.wait(60)
    return text.replace(b"\r\n", b"\n").decode()


@pytest.mark.parametrize("columns", [40, 80, 132, 200])
def test_a_terminal_of_any_width(explain, program, tmp_path, columns):
    """Nothing is wider than the terminal but what is there to be pasted and words that cannot be cut."""
    text = on_terminal(program, tmp_path, columns, *ALL)
    assert "\x1b[" in text
    wide = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n") if len(line) > columns]
    for line in wide:
        assert re.match(r" {6,}|  Call-ID |  sip:|\[", line), line


def test_colours_only_where_they_are_wanted(explain, program, tmp_path):
    plain = explain(OURS).stdout.decode()
    assert "\x1b" not in plain
    coloured = on_terminal(program, tmp_path, 80, OURS)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert on_terminal(program, tmp_path, 80, OURS, NO_COLOR="1") == plain
    assert on_terminal(program, tmp_path, 80, OURS, TERM="dumb") == plain


@pytest.mark.parametrize("locale", ["C", "POSIX", "de_DE.ISO-8859-1"])
def test_the_locale_changes_nothing(explain, locale):
    assert explain(*ALL, env={"LC_ALL": locale}).stdout == explain(*ALL).stdout


# ---- while it runs ----

def start(program, folder, *arguments, **more):
    return subprocess.Popen([program, "explain", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            cwd=folder, **more)


def test_a_followed_call_is_told_in_words(program, tmp_path):
    """It is told when it fails, not when the file ends; Ctrl-C ends it as it ends without --follow."""
    log, out = tmp_path / "growing.log", tmp_path / "told.out"
    log.write_bytes(b"")
    with open(out, "wb") as told:
        process = subprocess.Popen([program, "explain", "--follow", log], stdout=told, stderr=subprocess.STDOUT)
    try:
        for number in range(2):
            with open(log, "ab") as file:
                file.write(calls(number, 1))
            wait_until(lambda: f"Call-ID call-{number}@192.0.2.47" in out.read_text(), FAILURE_S, f"call {number} is told")
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(FAILURE_S) == 2, out.read_text()
    finally:
        process.kill()
        process.wait()
    assert "2 failed" in out.read_text()


def is_taken(process, number):
    """True where the process takes the signal, by a handler or from a descriptor (proc(5), SigCgt and SigBlk)."""
    with open(f"/proc/{process.pid}/status") as file:
        masks = re.findall(r"(?m)^Sig(?:Cgt|Blk):\s*([0-9a-f]+)", file.read())
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_tells_what_it_has(program, tmp_path, number):
    process = start(program, tmp_path, "--json", "-", stdin=subprocess.PIPE)
    try:
        process.stdin.write(calls(0, 3000))
        process.stdin.flush()
        wait_until(lambda: is_taken(process, number), FAILURE_S, "the signal is taken")
        assert process.poll() is None
        process.send_signal(number)
        told, errors = process.communicate(timeout=FAILURE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode in (0, 1, 2, 3) and b"stopped" in errors, errors.decode()
    ids = [json.loads(line)["call_id"] for line in told.splitlines()]
    assert len(ids) == len(set(ids)) and set(ids) <= {f"call-{i}@192.0.2.47" for i in range(3000)}
