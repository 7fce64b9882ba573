"""What check writes for machines, read by the parsers that others wrote, over the saved facts of every finding
(docs/examples/checking). Needs no network."""
import json
import pathlib
import re
import shlex

import pytest
from prometheus_client.parser import text_string_to_metric_families

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples" / "checking"
FORMATS = (ROOT / "docs" / "formats.md").read_text().split("# What check writes")[1]
EXITS = {"pass": 0, "warn": 1, "fail": 2, "unknown": 3}
STATES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
# label=value[UOM];[warn];[crit];[min];[max], as the interface of the monitoring plugins has it.
PERFORMANCE = re.compile(r"(?P<label>'[^'=]+'|[^\s'=]+)=(?P<value>-?[0-9.]+)(?P<unit>s?)"
                         r"(?:;(?P<warn>[0-9:~@-]*))?(?:;(?P<crit>[0-9:~@-]*))?(?:;(?P<min>[0-9]*))?(?:;(?P<max>[0-9]*))?")


@pytest.fixture(scope="module")
def all_saved(tmp_path_factory):
    """All examples in one file, and the lines."""
    path = tmp_path_factory.mktemp("saved") / "all.jsonl"
    lines = [file.read_text() for file in sorted(EXAMPLES.glob("*.jsonl"))]
    assert len(lines) > 40
    path.write_text("".join(lines))
    return path, lines


def check(fedge, *arguments):
    done = fedge.run("check", *arguments)
    assert done.returncode in (0, 1, 2, 3), done.stderr
    return done


def read_performance(text):
    """{label: (value, warn, crit, min, max)}; every word must be a good one, none may stand twice."""
    values = {}
    at = 0
    while at < len(text):
        match = PERFORMANCE.match(text, at)
        assert match, text[at:]
        label = match["label"].strip("'")
        assert label not in values, label
        values[label] = (float(match["value"]), *match.group("warn", "crit", "min", "max"))
        at = match.end()
        assert at == len(text) or text[at] == " ", text[at:]
        at += 1
    return values


def test_prometheus_reads_every_family_once(fedge, all_saved):
    done = check(fedge, "--from", all_saved[0], "--format", "prometheus", "--as", "all")
    samples, families = set(), set()
    for family in text_string_to_metric_families(done.stdout):
        assert family.name not in families
        families.add(family.name)
        assert family.type == "gauge" and family.documentation.endswith(".")
        assert f"`{family.name}`" in FORMATS
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in samples, key
            samples.add(key)
    assert len(families) == done.stdout.count("# TYPE ")
    assert families == set(re.findall(r"`(fedge_check_[a-z_]+)`", FORMATS))
    verdicts = [labels for labels in samples if labels[0] == "fedge_check_verdict"]
    assert len(verdicts) == 4 * 3 * len(all_saved[1])


def test_prometheus_says_what_json_says(fedge, all_saved):
    reports = [json.loads(line) for line in check(fedge, "--from", all_saved[0], "--json").stdout.splitlines()]
    metrics = check(fedge, "--from", all_saved[0], "--format", "prometheus").stdout
    families = {f.name: f.samples for f in text_string_to_metric_families(metrics)}
    said = {(s.labels["domain"], s.labels["verdict"]) for s in families["fedge_check_verdict"] if s.value == 1}
    assert said == {(r["domain"] or r["typed"], r["verdict"]) for r in reports}
    found = {(s.labels["domain"], s.labels["code"]) for s in families["fedge_check_finding"]}
    assert found == {(r["domain"] or r["typed"], f["code"]) for r in reports for f in r["findings"]}
    serials = {s.labels["serial"] for s in families["fedge_check_certificate_not_after_timestamp_seconds"]}
    assert serials == {r["facts"]["certificates"][t["chain"]["certificates"][0]]["serial"]
                       for r in reports for t in r["facts"]["tls"] if t["chain"] and t["chain"]["certificates"]}


def test_each_plugin_line_is_one(fedge, all_saved, tmp_path):
    for line in all_saved[1]:
        path = tmp_path / "one.jsonl"
        path.write_text(line)
        done = check(fedge, "--from", path, "--format", "nagios")
        first, _, rest = done.stdout.partition("\n")
        status, _, performance = first.partition(" | ")
        assert status.startswith(f"FEDGE {STATES[done.returncode]} - ")
        assert "|" not in performance and "|" not in rest
        values = read_performance(performance)
        assert {"time", "addresses"} <= set(values) <= {"time", "addresses", "certificate_days"}
        assert values["addresses"][0] <= float(values["addresses"][4])
        if "certificate_days" in values:
            assert values["certificate_days"][1:3] == ("21:", "0:")


def test_the_plugin_line_of_many_names_the_worst(fedge, all_saved):
    done = check(fedge, "--from", all_saved[0], "--format", "nagios")
    first = done.stdout.splitlines()[0]
    assert done.returncode == 2 and first.startswith("FEDGE CRITICAL - ")
    values = read_performance(first.partition(" | ")[2])
    assert len([label for label in values if label.endswith(" time")]) == len(all_saved[1])


def fields_of(part):
    """The names in backticks in a part of docs/formats.md."""
    return set(re.findall(r"`([a-z_0-9]+)`", part))


def names_in(value):
    if isinstance(value, dict):
        return set(value) | {n for v in value.values() for n in names_in(v)}
    if isinstance(value, list):
        return {n for v in value for n in names_in(v)}
    return set()


def test_every_field_of_the_json_is_described(fedge, all_saved):
    described = fields_of(FORMATS.split("## Saved facts")[0])
    # What is said in words there: the pairs of a version, an alert, an id.
    for rules in ("microsoft", "rfc5922", "dane"):
        for line in check(fedge, "--from", all_saved[0], "--json", "--as", rules).stdout.splitlines():
            report = json.loads(line)
            assert report["policy"] == rules
            unknown = names_in(report) - described - {"id", "reason", "number", "name", "from", "line", "code", "state"}
            assert not unknown, unknown


def test_every_field_of_saved_facts_is_described(all_saved):
    described = fields_of(FORMATS.split("## Saved facts")[1].split("## The plugin")[0])
    for line in all_saved[1]:
        unknown = names_in(json.loads(line)) - described
        assert not unknown, unknown


def test_the_exit_code_and_the_verdict_agree(fedge, all_saved, tmp_path):
    for line in all_saved[1]:
        path = tmp_path / "one.jsonl"
        path.write_text(line)
        done = check(fedge, "--from", path, "--json")
        assert EXITS[json.loads(done.stdout)["verdict"]] == done.returncode


def test_a_line_that_was_changed_is_refused_by_line_and_field(fedge, all_saved, tmp_path):
    path = tmp_path / "changed.jsonl"
    good = (EXAMPLES / "healthy.jsonl").read_text()
    for change, said in ((('"connect":"open"', '"connect":"wide open"'), "connect"),
                         (('"version":1', '"version":2'), "newer"),
                         (('"host":0', '"host":7'), "host"),
                         (('"198.51.100', '"198.51.1000'), "address")):
        bad = good.replace(*change) if change[0] in good else good.replace('"attempts":[{', '"attempts":[{"host":7,')
        path.write_text(good + bad)
        done = fedge.run("check", "--from", path, "--short")
        assert done.returncode == 64 and ":2:" in done.stderr and said in done.stderr, done.stderr


def test_pages_show_commands_that_exist(fedge):
    """Every option in docs/checking.md is one of check's."""
    known = set(re.findall(r"--[a-z-]+", fedge.run("check", "--help").stdout))
    page = (ROOT / "docs" / "checking.md").read_text()
    for command in re.findall(r"fedge check ([^`\n|]*)", page):
        for word in shlex.split(command.split("#")[0].replace("'", "\\'").replace('"', '\\"')):
            if word.startswith("--"):
                assert word in known, command
