"""fedge config import: an Expressway's dump becomes a configuration that can be checked and routed with, and every line
of the dump is accounted for."""
import json
import pathlib
import re

import pytest
from shipped import DNS, NAME_SERVER, PASSWORD, Shipped, end, here
from strangers import Knot
from support import Authority, Fedge, wait_until

GOOD, LISTED, WARNED, FAILED, USAGE = 0, 1, 1, 2, 64
DUMPS = pathlib.Path(__file__).resolve().parents[2] / "docs/examples/importing"
SETTING = re.compile(r"\*c xConfiguration ([^:]+):[ ]?(.*)")


def dump_of(host):
    return DUMPS / f"xconf_dump_{host}.txt"


class Imported:
    """What a dump became, in a folder of its own with everything in it that the list asks for."""

    def __init__(self, fedge, host):
        self.dump = dump_of(host).read_text()
        done = fedge.run("config", "import", dump_of(host))
        assert done.returncode == LISTED, done.stderr
        self.text, self.summary = done.stdout, done.stderr
        self.path = fedge.folder / f"{host}.yaml"
        self.path.write_text(self.text)
        self.unsupplied = fedge.run("config", "check", self.path)
        self.supply(Authority(fedge.folder / "authority"), host)
        self.account = json.loads(fedge.run("config", "import", dump_of(host), "--json").stdout)

    def supply(self, authority, host):
        """Exactly what stands under "to be supplied by hand"."""
        supply = self.text[self.text.index("# to be supplied by hand"):].split("\n\n")[0]
        folder = self.path.parent
        (folder / "secrets").mkdir()
        for name in re.findall(r"secrets/[\w-]+\.txt", supply):
            (folder / name).write_text("a password\n")
        assert f"{host}.pem" in supply and f"{host}.key" in supply and "authorities.pem" in supply
        certificate, key = authority.issue(f"{host}.steven.lab")
        certificate.rename(folder / f"{host}.pem")
        key.rename(folder / f"{host}.key")
        (folder / "authorities.pem").write_bytes(authority.certificate.read_bytes())


@pytest.fixture(scope="module")
def imported(program, tmp_path_factory):
    """host → what its dump became"""
    return {host: Imported(Fedge(program, tmp_path_factory.mktemp(host)), host) for host in ("vcse", "vcsc")}


@pytest.mark.parametrize("host, code, said", [
    ("vcse", WARNED, ["no rule leads to the zone `LocalZone`: who registers here cannot be called"]),  # it is disabled
    ("vcsc", GOOD, []),
])
def test_the_result_passes_the_check_once_it_has_its_files(fedge, imported, host, code, said):
    before = imported[host].unsupplied
    assert before.returncode == FAILED
    mistakes = before.stderr.strip().splitlines()
    assert mistakes and all("error: cannot read" in line for line in mistakes if "error" in line), before.stderr
    after = fedge.run("config", "check", imported[host].path)
    assert after.returncode == code, after.stdout + after.stderr
    assert [line.split("warning: ")[1] for line in after.stderr.splitlines()] == said


# From which zone, which alias, and the rules that the dump means: [(rule, zone, alias that the zone is asked for)].
E, C = "Traversal to VCSC", "Traversal to VCSE"
SEARCHES = {
    "a stranger calls one of ours": (
        "vcse", "DefaultZone", "alice@steven.lab", [("To VCSC", E, "alice@steven.lab")]),
    "a stranger calls a conference": (
        "vcse", "DefaultZone", "1@cms.steven.lab", [("To VCSC", E, "1@cms.steven.lab")]),
    "one of ours calls out": (
        "vcse", E, "carol@partner.example", [("Out by DNS", "DNSZone1", "carol@partner.example")]),
    "the machine's address is its domain": (
        "vcse", E, "alice@192.0.2.47", [("To VCSC", E, "alice@steven.lab")]),
    "a domain that only ends like ours is another one": (
        "vcse", E, "x@notsteven.lab", [("Out by DNS", "DNSZone1", "x@notsteven.lab")]),
    "from the edge to the call manager, phones first": (
        "vcsc", C, "alice@steven.lab", [("LocalZoneMatch", "LocalZone", "alice@steven.lab"),
                                         ("To CUCM", "CUCM", "alice@steven.lab")]),
    "a number gets the domain": (
        "vcsc", C, "2000", [("LocalZoneMatch", "LocalZone", "2000@steven.lab"), ("To CUCM", "CUCM", "2000@steven.lab")]),
    "a prefix goes": (
        "vcsc", C, "92000@steven.lab", [("LocalZoneMatch", "LocalZone", "2000@steven.lab"),
                                        ("To CUCM", "CUCM", "2000@steven.lab")]),
    "from the call manager into the world": (
        "vcsc", "CUCM", "carol@partner.example", [("LocalZoneMatch", "LocalZone", "carol@partner.example"),
                                                  ("To the world", C, "carol@partner.example")]),
    "from the edge nobody is passed on into the world": (
        "vcsc", C, "carol@partner.example", [("LocalZoneMatch", "LocalZone", "carol@partner.example")]),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_calls_go_where_the_dump_says(fedge, imported, case):
    host, zone, alias, expected = SEARCHES[case]
    done = fedge.run("route", "-c", imported[host].path, "--no-dns", "--json", "--zone", zone, "--from",
                     "2000@steven.lab" if zone == "CUCM" else "carol@partner.example", "--to", alias)
    assert done.returncode == GOOD, done.stdout + done.stderr
    steps = json.loads(done.stdout)["steps"]
    considered = [(s["name"], s["zone"], s["alias"]) for s in steps if s["kind"] == "rule" and s["verdict"] == "considered"]
    assert considered == expected
    asked = [(s["zone"], s["alias"]) for s in steps if s["kind"] == "zone" and s["verdict"] == "asked"]
    assert asked == [target[1:] for target in expected]


@pytest.mark.parametrize("host", ["vcse", "vcsc"])
def test_every_setting_is_accounted_for(imported, host):
    it = imported[host]
    settings = {number: SETTING.fullmatch(line).group(1, 2)
                for number, line in enumerate(it.dump.splitlines(), 1) if SETTING.fullmatch(line)}
    assert it.account["settings"] == len(settings) == len(it.dump.splitlines()) - 1, "all but the end are settings"
    over, left, listed = (it.account["lines"][name] for name in ("carried_over", "left_out", "listed"))
    assert sorted(over + left + listed) == sorted(settings), "each once"

    notes = {note["line"]: note for note in it.account["notes"]}
    for line in listed:
        assert notes[line]["setting"] == settings[line][0]
        assert f"#   line {line}: {settings[line][0]}" in it.text
    # What was left out as a whole has one note, which knows how many lines that is.
    whole = [note for note in it.account["notes"] if note["group"] == "left-out"]
    assert sum(int(re.search(r"lines of it: (\d+)", note["text"]).group(1)) for note in whole) == len(left)
    # Whatever came over with a word or name of its own stands there.
    for line in over:
        key, value = settings[line]
        value = value.strip().strip('"')
        if re.search(r" (Name|Address|UserName|String|Replace|Description|Subject Name)$", key) and value:
            assert value.replace("'", "''") in it.text, key
    assert it.account["configuration"] == it.text
    for secret in re.findall(r"\{cipher\}[^\"]+", it.dump):
        assert secret not in it.text + it.summary


EDGE, CORE, CUCM, PHONE, PARTNER = (here(f"192.0.2.{n}") for n in (47, 48, 10, 20, 99))


@pytest.fixture(scope="module")
def pair(program, imported, tmp_path_factory):
    """Both machines run by their imported files, which lack nothing but the core's address: that dump does not say it."""
    folder = tmp_path_factory.mktemp("pair")
    fedge, authority = Fedge(program, folder), Authority(folder / "authority")
    Knot(fedge, {"steven.lab": [f"vcse IN A {EDGE}"],
                 "partner.example": ["_sip._tcp IN SRV 0 0 5060 sip", f"sip IN A {PARTNER}"]}, address=DNS)
    nodes = []
    core = imported["vcsc"].text.replace("\nlisten:", f"\naddress: {CORE}\ncontrol: vcsc.sock\nlisten:")
    for host, text in (("vcse", imported["vcse"].text), ("vcsc", core)):
        file = Shipped(host, text).install(folder, authority)
        nodes.append(fedge.start("serve", "-c", file, name=host, cwd=folder))

    def is_up():
        zones = json.loads(fedge.run("status", "-c", "vcsc.yaml", "--json", cwd=folder).stdout)["zones"]
        return [zone for zone in zones if zone["name"] == C and zone["state"] == "active"]
    wait_until(is_up, 30, "the traversal zone is active")
    yield fedge
    end(nodes)
    fedge.stop_all()


def test_the_imported_machines_pass_calls(pair):
    """From the call manager through both into the world, and to a phone that registers with an imported user's name."""
    partner = pair.start("answer", "--as", "sip:carol@partner.example", "--listen", f"tcp:{PARTNER}:5060", "--count", "1",
                         "--json", name="partner")
    code, told = pair.call("--from", "sip:2000@steven.lab", "--to", "sip:carol@partner.example", "--via",
                           f"{CORE}:5060;transport=tcp", "--address", CUCM, "--duration", "0")
    assert code == 0 and told["status"] == 200, told
    assert partner.wait(30) == 0, partner.text()

    password = pair.folder / "alice.password"
    password.write_text(PASSWORD)
    phone = pair.start("answer", "--as", "sip:alice@steven.lab", "--register", f"{CORE}:5060;transport=tcp", "--address",
                       PHONE, "--username", "alice", "--password-file", password, "--resolver", NAME_SERVER, "--count",
                       "1", "--json", name="phone")
    code, told = pair.call("--from", "sip:2000@steven.lab", "--to", "sip:alice@steven.lab", "--via",
                           f"{CORE}:5060;transport=tcp", "--address", CUCM, "--duration", "0")
    assert code == 0 and told["status"] == 200, told
    assert phone.wait(30) == 0, phone.text()


def import_text(fedge, text, *arguments):
    path = fedge.folder / "dump.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return fedge.run("config", "import", path, *arguments)


def configuration_of(done):
    """Without the list and the line that names the file."""
    return done.stdout[done.stdout.index("\nnode:"):done.stdout.index("\n# ")]


def test_damage_is_said_and_the_rest_comes_over(fedge):
    text = dump_of("vcse").read_text()
    whole = import_text(fedge, text)
    cut = text.index("SearchRules Rule 3 Name")
    for name, damaged, said in (
            ("the line ends of another system", text.replace("\n", "\r\n"), []),
            ("pasted, several on a line", text.replace("\n", " "), []),
            ("without the first word", text.replace("*c ", ""), []),
            ("with a byte order mark", b"\xef\xbb\xbf" + text.encode(), []),
            ("a text in the middle", text.replace('\n', '\nThe following is from the edge\n', 1),
             ["line 2: The following is from the edge: no setting"]),
            ("unknown settings", text + '*c xConfiguration Fridge Light: "On"\n',
             ["# not known to fedge: 1", "Fridge Light = On"]),
            ("a text of several lines", text + '*c xConfiguration Login Banner: "one\ntwo"\n',
             ["Login Banner: its quotation mark is not closed on this line", 'two": no setting']),
            ("no text", text.encode() + b"*c xConfiguration A: \"\xff\"\n", ["A: bytes that are no text"]),
    ):
        done = import_text(fedge, damaged)
        assert done.returncode == LISTED, name
        assert configuration_of(done) == configuration_of(whole), name
        for words in said:
            assert words in done.stdout, name
    half = import_text(fedge, text[:cut + len("SearchRules Rule 3 Na")])
    assert half.returncode == LISTED and "no `name: value`" in half.stdout
    assert "Out by DNS" in half.stdout and "Registered here" not in half.stdout


@pytest.mark.parametrize("content, said", [
    (b"", "no line"), (b"node: vcse.steven.lab\n", "no line"), (bytes(range(256)) * 40, "no line"),
    (b"<?xml version='1.0'?>\n<Configuration/>", "XML"), (b"\x1f\x8b\x08\x00rest", "archive"),
    ("*c xConfiguration SIP Mode: \"On\"\n".encode("utf-16"), "UTF-16"),
    (b"*c xConfiguration SIP Mode: \"On\"\n" * 330000, "larger than 4 MB"),
], ids=["empty", "another", "binary", "xml", "archive", "utf-16", "10 MB"])
def test_what_is_no_dump_is_refused(fedge, content, said):
    done = import_text(fedge, content)
    assert done.returncode == FAILED and not done.stdout
    assert said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_files_that_are_none(fedge):
    for path, said in ((fedge.folder, "Is a directory"), (fedge.folder / "none.txt", "No such file")):
        done = fedge.run("config", "import", path)
        assert done.returncode == FAILED and said in done.stderr
    assert fedge.run("config", "import").returncode == USAGE
    assert "no line" in fedge.run("config", "import", "-").stderr
