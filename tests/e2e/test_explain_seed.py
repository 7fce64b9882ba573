"""fedge explain on the excerpts of the document the project started from, and on what mail, wikis and editors make of
them: the cause they prove stays the same. What is read of each is tests/unit/trace's; this is what is said of it.
"""
import html
import itertools
import json
import re
import subprocess
import textwrap

import pytest
from conftest import ROOT

DOCUMENT = ROOT / "tests/corpus/trace_mixed/document"
SRV, NAME = "srv-target-outside-domain", "certificate-name-mismatch"

# What stands in the excerpt alone, its finding, and the names it must be about.
EXCERPTS = {
    "the edge, 0xc3e93d6f": ("0xc3e93d6f", SRV, "proved", ("acano.steven.lab",)),
    "the edge, 0xc3e93d67": ("0xc3e93d67", NAME, "proved", ("vcse.acano.steven.lab", "vcse.steven.lab")),
    "the client, 1009": ("ms-diagnostics: 1009", SRV, None, ("cms.steven.lab",)),
    "the client, 1010": ("ms-diagnostics: 1010", NAME, None, ("vcse.cms.steven.lab", "vcse.steven.lab")),
    "the bare 504": ("Msg-Hash", "peer-answered", "possible", ("acano.steven.lab",)),
}


def excerpt(key):
    """The record's lines as the document has them, from the corpus."""
    lines = DOCUMENT.read_text(encoding="utf-8").split("\n")
    at = next(i for i, line in enumerate(lines) if key in line)
    begins = re.compile(r"TL |\d{4}-\d\d-\d\dT|\**SIP/2\.0 504")
    start = next(i for i in range(at, -1, -1) if begins.match(lines[i]))
    end = next(i for i in range(at, len(lines)) if re.search(r"\$\$end_record|Content-Length: 0", lines[i]))
    return "\n".join(lines[start:end + 1]).replace("```", "").strip("\n") + "\n"


def wrapped(width):
    def wrap(text):
        return "\n".join(textwrap.fill(line, width, break_long_words=False) for line in text.split("\n"))

    wrap.__name__ = f"wrapped_at_{width}"
    return wrap


def untouched(text):
    return text


def blanks_in_quotes(text):
    return re.sub(r'"([^"\n]*)"', r'" \1 "', text)


def numbered(text):
    return "".join(f"{i:4}: {line}\n" for i, line in enumerate(text.rstrip("\n").split("\n"), 97))


def quoted(text):
    return "".join(f"> {line}\n" for line in text.rstrip("\n").split("\n"))


def curly(text):
    marks = itertools.cycle("\u201c\u201d")
    return re.sub('"', lambda _: next(marks), text)


def returns(text):
    return text.replace("\n", "\r\n")


def written_returns(text):
    return text.replace("\n", "#015\n")


def tabs(text):
    return "".join(f"\t{line}\n" for line in text.rstrip("\n").split("\n"))


def entities(text):
    return html.escape(text)


DAMAGES = (untouched, wrapped(60), wrapped(72), wrapped(100), blanks_in_quotes, numbered, quoted, curly, returns,
           written_returns, tabs, entities)


@pytest.fixture
def explain(program, tmp_path):
    def run(text):
        path = tmp_path / "pasted.txt"
        path.write_text(text, encoding="utf-8", newline="")
        done = subprocess.run([program, "explain", "--json", path], capture_output=True, timeout=60, check=False, text=True)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    return run


def check(code, problems, case):
    _, finding, confidence, names = EXCERPTS[case]
    assert [p["finding"] for p in problems] == [finding], problems
    problem = problems[0]
    assert problem["confidence"] == confidence if confidence else problem["confidence"] in ("likely", "proved")
    assert code == (1 if problem["confidence"] == "possible" else 2)
    said = json.dumps([problem["details"], problem["candidates"], problem["domains"], problem["next"]])
    for name in names:
        assert name in said, (name, said)
    if finding == "peer-answered":
        assert {SRV, NAME} <= {c["code"] for c in problem["candidates"]}
    else:
        assert not problem["candidates"]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("case", EXCERPTS)
def test_an_excerpt_is_explained(explain, case, damage):
    check(*explain(damage(excerpt(EXCERPTS[case][0]))), case)


def test_two_records_on_a_line(explain):
    """The edge's two records are of two calls."""
    both = " ".join(excerpt(EXCERPTS[case][0]).replace("\n", " ") for case in list(EXCERPTS)[:2])
    code, problems = explain(both + "\n")
    assert code == 2
    assert sorted(p["finding"] for p in problems) == sorted([SRV, NAME])


def test_the_document_whole(explain):
    """The 504 and the edge's record about it are one call; the search history's line is of no call that is known."""
    code, problems = explain(DOCUMENT.read_text(encoding="utf-8"))
    assert code == 2
    proved = [p for p in problems if p["finding"] in (SRV, NAME)]
    assert sorted(p["finding"] for p in proved) == sorted([SRV, SRV, NAME, NAME])
    of_504 = next(p for p in proved if p["call_id"] == "f1b3ad5d-183b-4632-b210-c2f9bec71960")
    assert (of_504["finding"], of_504["status"], of_504["confidence"]) == (SRV, 504, "proved")
