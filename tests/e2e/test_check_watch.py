"""fedge check --watch beside Knot DNS and TLS servers that change between its rounds.

Everything is on loopback addresses of the test's own. A watch that stays writes into watch.out: changes and notes;
what a command was told stands in files of the test's folder.
"""
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

import pytest
from strangers import Knot, fresh_address
from support import wait_until

DOMAIN = "a.example"
# A round every so often, and how long a step may take where nobody answers.
PERIOD, PATIENCE = "400ms", "1s"


class Server:
    """A TLS server with a certificate that can be exchanged. A silent one accepts and says nothing."""

    def __init__(self, address, pair=None, port=5061):
        self.address = address
        self.context = None
        if pair:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.show(pair)
        self.listener = socket.create_server((address, port), backlog=64)
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def show(self, pair):
        """The next connection sees this certificate."""
        self.context.load_cert_chain(*pair)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        if self.context is None:
            return
        try:
            connection.settimeout(20)
            with self.context.wrap_socket(connection, server_side=True) as shaken:
                while shaken.recv(1024):
                    pass
        except OSError:
            pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()


def zone(target, address):
    return [f"_sipfederationtls._tcp IN SRV 0 0 5061 {target}", f"{target} IN A {address}"]


class Scene:
    """One domain with its DNS and its server, and the watches over it."""

    def __init__(self, fedge, authority):
        self.fedge, self.folder, self.authority = fedge, fedge.folder, authority
        self.address = fresh_address()
        self.server = Server(self.address, authority.issue("sip." + DOMAIN))
        self.servers = [self.server]
        self.knot = Knot(fedge, {DOMAIN: zone("sip", self.address)})
        self.list = self.folder / "domains.txt"
        self.list.write_text(f"# partners\n{DOMAIN}\n")
        self.state = self.folder / "watch.sqlite"
        self.count = 0

    def add_server(self, *arguments):
        self.servers.append(Server(*arguments))
        return self.servers[-1]

    def arguments(self, **options):
        """The command; options (on_change="…") replace the usual ones."""
        usual = {"domains": self.list, "watch": PERIOD, "state": self.state, "format": "human", "timeout": PATIENCE,
                 "resolver": self.knot.server, "ca_file": self.authority.certificate}
        named = [f"--{name.replace('_', '-')}={value}" for name, value in {**usual, **options}.items()]
        return ["check", "--private", "--no-system-ca", *named]

    def once(self, code=(0, 1, 2, 3), **options):
        """A round (or rounds=N) to its end: the changes it told."""
        done = self.fedge.run(*self.arguments(**{"rounds": 1, **options}), cwd=self.folder)
        assert done.returncode in code, (done.returncode, done.stdout, done.stderr)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        return changes(done.stdout)

    def stay(self, **options):
        """A watch that goes on; its process."""
        self.count += 1
        return self.fedge.start(*self.arguments(**options), name=f"watch{self.count}", ready=False, cwd=self.folder)

    def query(self, sql):
        with sqlite3.connect(f"file:{self.state}?mode=ro", uri=True) as database:
            return database.execute(sql).fetchall()


def changes(text):
    """What was said of domains, without the times: [(domain, sentence)]."""
    return re.findall(r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (\S+): (.*)$", text)


def rounds(process):
    return len(re.findall(r"(?m): round \d+: ", process.text()))


def await_round(process, seconds=60):
    """A round that began after now has ended."""
    seen = rounds(process)
    wait_until(lambda: rounds(process) >= seen + 2 or not process.is_alive(), seconds, "two more rounds")
    assert process.is_alive(), process.text()


def await_change(process, sentence, seconds=60):
    wait_until(lambda: sentence in [s for _, s in changes(process.text())] or not process.is_alive(), seconds,
               f"`{sentence}`")
    assert process.is_alive(), process.text()


def end(process, seconds=10):
    """SIGTERM: exit code 0, and soon."""
    began = time.monotonic()
    process.signal(signal.SIGTERM)
    code = process.wait(60)
    took = time.monotonic() - began
    assert "Sanitizer" not in process.text() and "runtime error" not in process.text(), process.text()
    assert code == 0, (code, process.text())
    assert took < seconds, took


def serial_of(certificate):
    done = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-serial"], check=True, capture_output=True,
                          text=True)
    return done.stdout.strip().split("=")[1].lower()


@pytest.fixture
def scene(fedge, authority):
    made = Scene(fedge, authority)
    yield made
    for server in made.servers:
        server.close()


def test_records_change(scene):
    """Between rounds of one watch: another target, none, the old one again."""
    watch = scene.stay()
    await_round(watch)
    assert changes(watch.text()) == []
    scene.server.show(scene.authority.issue(f"edge.{DOMAIN}"))
    scene.knot.write(DOMAIN, zone("edge", scene.address))
    await_change(watch, f"SRV target was sip.{DOMAIN}:5061, is edge.{DOMAIN}:5061")
    scene.knot.write(DOMAIN, ["edge IN A 127.0.0.1"])
    await_change(watch, "verdict was pass, is fail (srv-missing)")
    await_change(watch, f"SRV targets: gone edge.{DOMAIN}:5061")
    said = changes(watch.text())
    await_round(watch)
    assert changes(watch.text()) == said, "nothing new is said of what has not changed"
    scene.knot.write(DOMAIN, zone("edge", scene.address))
    await_change(watch, "verdict was fail, is pass")
    assert {domain for domain, _ in changes(watch.text())} == {DOMAIN}
    end(watch)


def test_certificate_is_replaced(scene):
    old = scene.authority.folder / f"sip.{DOMAIN}.pem"
    before = serial_of(old)
    watch = scene.stay()
    await_round(watch)
    pair = scene.authority.issue(f"sip.{DOMAIN}", days=60)
    after = serial_of(pair[0])
    assert before != after
    scene.server.show(pair)
    await_change(watch, f"certificate was {before} CN=test root, is {after} CN=test root")
    assert any(s.startswith("earliest end of a certificate was ") for _, s in changes(watch.text()))
    end(watch)
    assert after in scene.query("SELECT certificates FROM state")[0][0]


def test_a_command_is_told(scene):
    """Environment, report, exit status, and no child is left."""
    command = ("env | grep ^FEDGE_ | sort > env.$FEDGE_WHAT; cat > report.$FEDGE_WHAT; echo said by the command; "
               "test $FEDGE_WHAT = verdict || exit 9")
    watch = scene.stay(on_change=command)
    await_round(watch)
    assert not list(scene.folder.glob("env.*"))
    pair = scene.authority.issue(f"edge.{DOMAIN}")
    scene.server.show(pair)
    scene.knot.write(DOMAIN, zone("edge", scene.address))
    wait_until(lambda: f"the command for {DOMAIN} failed with exit status 9" in watch.text(), 60, "it is said")
    told = dict(line.split("=", 1) for line in (scene.folder / "env.targets").read_text().splitlines())
    assert told["FEDGE_DOMAIN"] == DOMAIN and told["FEDGE_POLICY"] == "microsoft"
    assert (told["FEDGE_BEFORE"], told["FEDGE_AFTER"]) == (f"sip.{DOMAIN}:5061", f"edge.{DOMAIN}:5061")
    assert told["FEDGE_VERDICT"] == told["FEDGE_PREVIOUS_VERDICT"] == "pass"
    report = json.loads((scene.folder / "report.targets").read_text())
    assert report["domain"] == DOMAIN and report["verdict"] == "pass"
    assert "targets" in [change["what"] for change in report["changes"]]
    scene.knot.write(DOMAIN, [])
    wait_until((scene.folder / "report.verdict").exists, 60, "the command was run")
    await_round(watch)
    told = dict(line.split("=", 1) for line in (scene.folder / "env.verdict").read_text().splitlines())
    assert (told["FEDGE_PREVIOUS_VERDICT"], told["FEDGE_VERDICT"]) == ("pass", "fail")
    assert told["FEDGE_FINDING"] == "srv-missing" and f"`{DOMAIN}`" in told["FEDGE_TITLE"]
    assert "said by the command" in watch.text()
    children = pathlib.Path(f"/proc/{watch.popen.pid}/task/{watch.popen.pid}/children")
    wait_until(lambda: not children.read_text().strip(), 10, "no child is left, dead or alive")
    end(watch)


def test_a_slow_command_holds_up_nothing(scene):
    watch = scene.stay(on_change="sleep 600")
    await_round(watch)
    scene.knot.write(DOMAIN, [])
    await_change(watch, "verdict was pass, is fail (srv-missing)")
    await_round(watch)
    end(watch)
    assert "was killed: the watch ends" in watch.text()


def test_it_remembers_over_a_restart(scene):
    assert scene.once() == []
    assert (scene.state.stat().st_mode & 0o777) == 0o600
    assert scene.once(rounds=2) == []
    scene.knot.write(DOMAIN, [])
    assert (DOMAIN, "verdict was pass, is fail (srv-missing)") in scene.once(code=(2,))
    assert scene.once(code=(2,)) == []
    assert scene.query("SELECT domain, policy, verdict, finding, undecided FROM state") == [
        (DOMAIN, "microsoft", "fail", "srv-missing", 0)]
    assert scene.query("SELECT what, was, became, finding FROM change ORDER BY id") == [
        ("verdict", "pass", "fail", "srv-missing"), ("targets", f"sip.{DOMAIN}:5061", "", "srv-missing")]


def test_changes_as_json(scene):
    scene.once()
    scene.knot.write(DOMAIN, [])
    done = scene.fedge.run(*scene.arguments(format="json", rounds=1), cwd=scene.folder)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [o["what"] for o in objects] == ["verdict", "targets"]
    assert objects[0]["domain"] == DOMAIN
    assert (objects[0]["before"], objects[0]["after"]) == (["pass"], ["fail"])


def test_a_resolver_that_fails(scene):
    """Two rounds are silent, the third says it, once; what was known before is not lost."""
    scene.once()
    scene.knot.process.stop()
    assert scene.once(rounds=2, code=(3,)) == []
    assert scene.once(rounds=3, code=(3,)) == [(DOMAIN, "verdict was pass, is unknown (srv-lookup-failed)")]
    assert scene.query("SELECT targets FROM state") == [(f"sip.{DOMAIN}:5061 {scene.address}",)]


def silent_partner(scene):
    """A second domain whose server says nothing: a round takes as long as patience lasts."""
    address = fresh_address()
    scene.add_server(address)
    scene.list.write_text(f"{DOMAIN}\nslow.example\n")
    knot = Knot(scene.fedge, {DOMAIN: zone("sip", scene.address), "slow.example": zone("sip", address)},
                name="knot2")
    scene.knot.process.stop()
    scene.knot = knot


def test_killed_in_a_round(scene):
    """kill -9: the round is lost and nothing else; the next start finds its changes again."""
    silent_partner(scene)
    scene.once()
    scene.knot.write(DOMAIN, [])
    watch = scene.stay(timeout="20s")
    await_change(watch, "verdict was pass, is fail (srv-missing)")
    os.kill(watch.popen.pid, signal.SIGKILL)
    watch.popen.wait(30)
    assert rounds(watch) == 0, "it was killed in its first round"
    assert scene.query("SELECT verdict FROM state WHERE domain = 'a.example'") == [("pass",)]
    assert (DOMAIN, "verdict was pass, is fail (srv-missing)") in scene.once()
    assert scene.once() == []


def test_stopped_in_a_round(scene):
    """SIGTERM: soon, and what was found is kept."""
    silent_partner(scene)
    scene.once()
    scene.knot.write(DOMAIN, [])
    watch = scene.stay(timeout="20s")
    await_change(watch, "verdict was pass, is fail (srv-missing)")
    end(watch)
    assert rounds(watch) == 0
    assert scene.once() == []


def test_stopped_between_rounds(scene):
    watch = scene.stay(watch="1h")
    wait_until(lambda: rounds(watch) == 1, 60, "the first round is over")
    end(watch)


def test_one_watch_a_memory(scene):
    watch = scene.stay(watch="1h")
    wait_until(lambda: rounds(watch) == 1, 60, "the first round is over")
    done = scene.fedge.run(*scene.arguments(rounds=1), cwd=scene.folder)
    assert done.returncode == 64
    assert "watch.sqlite: another program is writing into it" in done.stderr
    assert scene.query("SELECT verdict FROM state") == [("pass",)], "others may read beside it"
    end(watch)


PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
names = [f.name for f in families]
assert len(names) == len(set(names)), names
samples = [(s.name, s.labels, s.value) for f in families for s in f.samples]
assert len(samples) == len({(n, tuple(sorted(l.items()))) for n, l, v in samples}), "a sample stands twice"
json.dump(samples, sys.stdout)
"""


def parse_metrics(text):
    """By Prometheus' own client library, where the system has it."""
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import prometheus_client"], capture_output=True).returncode:
        pytest.skip("python3-prometheus-client is not installed")
    done = subprocess.run([python, "-c", PARSE], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + text
    return {(name, tuple(sorted(labels.items()))): value for name, labels, value in json.loads(done.stdout)}


def get(url, *options):
    done = subprocess.run(["curl", "-s", "--noproxy", "*", "--max-time", "10", *options, url], capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 0, (done.returncode, url)
    return done.stdout


def test_metrics(scene):
    scene.list.write_text(f"{DOMAIN}\n{DOMAIN.upper()}\nb\xfcro.example\n")
    watch = scene.stay(metrics="0", watch="1s")
    url = wait_until(lambda: re.search(r"served on (http://127\.0\.0\.1:\d+/metrics)", watch.text()), 60)[1]
    assert parse_metrics(get(url))[("fedge_watch_period_seconds", ())] == 1
    await_round(watch)
    figures = parse_metrics(get(url))
    assert figures[("fedge_watch_rounds_total", ())] >= 1
    assert figures[("fedge_watch_domains", (("verdict", "pass"),))] == 2
    assert figures[("fedge_check_success", (("domain", DOMAIN), ("policy", "microsoft")))] == 1
    assert abs(figures[("fedge_watch_last_round_timestamp_seconds", ())] - time.time()) < 60
    scene.knot.write(DOMAIN, [])
    await_change(watch, "verdict was pass, is fail (srv-missing)")
    await_round(watch)
    figures = parse_metrics(get(url))
    assert figures[("fedge_watch_changes_total", (("what", "verdict"),))] == 1
    assert figures[("fedge_check_success", (("domain", DOMAIN), ("policy", "microsoft")))] == 0
    assert figures[("fedge_watch_findings", (("code", "srv-missing"),))] >= 1
    assert "only /metrics" in get(url.replace("/metrics", "/"))
    done = scene.fedge.run(*scene.arguments(metrics=url.split("/")[2], state="other.sqlite", rounds=1),
                           cwd=scene.folder)
    assert done.returncode == 64 and "another program listens there" in done.stderr
    end(watch)


def test_the_list_is_edited(scene):
    """A domain that comes is seen for the first time; a list that is gone for a moment is said and survived."""
    watch = scene.stay()
    await_round(watch)
    scene.list.rename(scene.folder / "away.txt")
    wait_until(lambda: "the list of domains cannot be read: No such file" in watch.text(), 60)
    scene.list.write_text(f"{DOMAIN}\nnew.example\n")
    await_round(watch)
    assert changes(watch.text()) == []
    end(watch)
    assert {row[0] for row in scene.query("SELECT domain FROM state")} == {DOMAIN, "new.example"}


@pytest.mark.parametrize("broken, said", [
    (b"this is no SQLite file" * 100, "it is no SQLite file"),
    (None, "it was written by a newer version of this program"),
], ids=("text", "newer"))
def test_a_memory_that_cannot_be_used(scene, broken, said):
    scene.once()
    if broken:
        scene.state.write_bytes(broken)
    else:
        with sqlite3.connect(scene.state) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    before = scene.state.read_bytes()
    done = scene.fedge.run(*scene.arguments(rounds=1), cwd=scene.folder)
    assert done.returncode == 64 and said in done.stderr, done.stderr
    assert scene.state.read_bytes() == before
