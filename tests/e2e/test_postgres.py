"""History and registrations in PostgreSQL: what is there afterwards, whatever became of the database or the node."""
import itertools
import json
import os
import signal
import time

import pytest
from phones import DOMAIN, Phone
from postgres import IN_URL, PASSWORD, Postgres, find_programs
from strangers import Node, Wire, fedge, fresh_address  # noqa: F401
from support import wait_until

USERS = """users:
  - {username: "2000", password: secret}
  - {username: "2001", password: secret}
"""
numbers = itertools.count()


@pytest.fixture(scope="module")
def postgres(authority):
    if not find_programs():
        pytest.skip("no PostgreSQL server is installed (script/setup --tests)")
    server = Postgres(authority)
    yield server
    server.remove()


@pytest.fixture
def database(postgres):
    """The name of an empty one; the server runs again afterwards."""
    name = f"test{next(numbers)}"
    postgres.sql(f"CREATE DATABASE {name}")
    yield name
    if postgres.server.poll() is not None:
        postgres.start()


class Registrar(Node):
    """A node that keeps both in a database. Its rules know phones alone: calls to strangers end with 404."""

    def __init__(self, fedge, url, name="registrar", history=None, **more):
        self.caller = fresh_address()
        super().__init__(fedge, {"callers": ("tcp", [f"{self.caller}:5060"])}, name=name, zones="  - {name: LocalZone, kind: local}\n",
                         rules='  - {name: phones, mode: pattern, type: suffix, pattern: "@%s", target: LocalZone}' % DOMAIN,
                         more=f"domains: [{DOMAIN}]\nregistrar: {{domains: [{DOMAIN}], store: '{url}'}}\n{USERS}"
                         f"history: {{store: '{history or url}'}}\n", **more)

    def wire(self):
        return Wire(self.address, "tcp", self.caller)

    def entries(self, *arguments):
        done = self.fedge.run("history", "-c", self.file, "--json", "-n", "5000", *arguments, cwd=self.folder)
        assert done.returncode == 0 or "there is nothing in it yet" in done.stderr, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def calls(self):
        """Call-IDs of searches that have ended, the oldest first."""
        return [e["call_id"] for e in reversed(self.entries()) if e.get("ended") and e["method"] == "OPTIONS"]

    def await_calls(self, wanted):
        wait_until(lambda: set(wanted) <= set(self.calls()), 30, f"{len(wanted)} calls are in the history")

    def told(self, text):
        return wait_until(lambda: [r for r in self.journal("node") if text in r.get("text", "")], 30, text)


def asks(wire, name, count):
    """OPTIONS that are refused; each must be answered soon, whatever the database does. Their Call-IDs."""
    made = [f"{name}-{number}" for number in range(count)]
    for call_id in made:
        begun = time.monotonic()
        assert wire.ask("OPTIONS", "sip:nobody@nowhere.example", caller="sip:ann@else.example",
                        call_id=call_id).status == 404
        assert time.monotonic() - begun < 5, "a request waited for the database"
    return made


def registered(node):
    done = node.command("status", "--json", "--registrations")
    return {item["alias"] for item in json.loads(done.stdout)["registrations"]["list"]}


def test_both_are_there_after_a_kill(fedge, postgres, database):
    """The password comes from a file, TLS is verified, nothing shows the password; a killed node goes on at once."""
    passwords = fedge.folder / "passwords"
    passwords.write_text(f"{postgres.address}:5432:*:fedge:{PASSWORD}\n")
    passwords.chmod(0o600)
    environment = {"PGPASSFILE": str(passwords)}
    url = postgres.url(database, password=False)
    node = Registrar(fedge, url, env=environment)
    with Phone(node) as phone, Phone(node, "2001") as other, node.wire() as wire:
        assert phone.register().status == 200 and other.register().status == 200
        made = asks(wire, "first", 20)
        wait_until(lambda: postgres.sql("SELECT count(*) FROM fedge_search WHERE ended <> 0 AND kind = 0",
                                        database) == ["20"], 30, "they are written")
        wait_until(lambda: postgres.sql("SELECT count(*) FROM fedge_binding", database) == ["2"], 30)
    node.process.popen.kill()
    node.process.wait(20)
    node.start()
    assert registered(node) == {f"2000@{DOMAIN}", f"2001@{DOMAIN}"}
    with node.wire() as wire:
        made += asks(wire, "second", 5)
    assert postgres.sql("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE "
                        "application_name = 'fedge'") == ["t"]
    assert node.process.stop() == 0
    read = fedge.run("history", "-c", node.file, "--json", "-n", "50", cwd=node.folder, env={**os.environ, **environment})
    found = [json.loads(line) for line in read.stdout.splitlines()]
    assert [e["call_id"] for e in reversed(found)] == made
    tree = fedge.run("history", "--store", postgres.url(database), str(found[-1]["id"]), cwd=node.folder)
    assert "rule 'phones': did not match" in tree.stdout, tree.stdout + tree.stderr


@pytest.mark.parametrize("how", ["stopped in order", "killed"])
def test_a_database_that_goes_while_calls_pass(fedge, postgres, database, how):
    node = Registrar(fedge, postgres.url(database))
    with Phone(node) as phone, Phone(node, "2001") as other, node.wire() as wire:
        made = asks(wire, "before", 10)
        node.await_calls(made)
        following = fedge.start("history", "-c", node.file, "--follow", "--json", "-n", "50", name="follow", ready=False,
                                cwd=fedge.folder)
        wait_until(lambda: all(f'"{call_id}"' in following.text() for call_id in made), 30, "what is there is shown")
        assert phone.register().status == 200
        postgres.stop(signal.SIGINT if how == "stopped in order" else signal.SIGKILL)
        made += asks(wire, "away", 50)
        assert phone.register("Expires: 0").status == 200 and other.register().status == 200
        status = wait_until(lambda: (s := node.status()) and s["history"]["error"] and s["registrations"]["error"] and s,
                            60, "the errors are shown")
        assert node.command("status").returncode == 2
        assert node.told("the search history is not written: ") and node.told("registrations are not written: ")
        postgres.start()
        made += asks(wire, "again", 10)
        assert node.told("the search history is written again") and node.told("registrations are written again")
        node.await_calls(made)
    assert node.calls() == made, "all of them, once, in their order"
    wait_until(lambda: all(f'"{call_id}"' in following.text() for call_id in made), 30, "who follows sees them")
    assert "waiting for it" in following.text() and following.stop() == 0
    wait_until(lambda: postgres.sql("SELECT aor FROM fedge_binding", database) == [f"2001@{DOMAIN}"], 30)
    status = node.status()
    assert status["history"]["dropped"] == status["history"]["refused"] == 0 and not status["history"]["error"]
    assert node.process.stop() == 0
    node.start()
    assert registered(node) == {f"2001@{DOMAIN}"}
    everything = "".join(path.read_text(errors="replace") for path in fedge.folder.glob("*.log*")) + json.dumps(status)
    assert PASSWORD not in everything and IN_URL not in everything
    assert status["history"]["store"] == f"postgresql://fedge@{postgres.address}/{database}"


def test_a_database_that_does_not_answer(fedge, postgres, database):
    """Its connections stand: nobody waits for it but the thread that writes."""
    node = Registrar(fedge, postgres.url(database))
    with Phone(node) as phone, node.wire() as wire:
        made = asks(wire, "before", 5)
        node.await_calls(made)
        postgres.freeze()
        made += asks(wire, "frozen", 100)
        assert phone.register().status == 200
        assert wait_until(lambda: node.status()["history"]["waiting"] >= 100, 20, "they wait")
        postgres.freeze(signal.SIGCONT)
        node.await_calls(made)
    assert node.calls() == made


def test_a_start_without_a_database(fedge, postgres, database):
    """The history waits for it, as long as the node runs; a registrar that does not know its phones does not start."""
    postgres.stop()
    url, file = postgres.url(database), "registrations.db"
    node = Registrar(fedge, url, start=False)
    done = fedge.run("serve", "-c", node.file, cwd=fedge.folder)
    assert done.returncode == 2 and f"registrations cannot be kept: postgresql://fedge@{postgres.address}" in done.stderr
    assert "refused" in done.stderr and IN_URL not in done.stderr
    node = Registrar(fedge, file, name="patient", history=url)
    with node.wire() as wire:
        asks(wire, "lost", 3)
    assert node.process.stop() == 0
    assert node.told("the store did not take the last 3 entries of the search history")
    node.start()
    with node.wire() as wire:
        made = asks(wire, "early", 5)
        assert node.status()["history"]["error"] and node.told("the search history is not written: ")
        postgres.start()
        node.await_calls(made)


def test_what_cannot_be_a_store(fedge, postgres, database):
    """A wrong password, an option that is none, a certificate that is somebody else's: said, and without the password."""
    url = postgres.url(database)
    for store, said in ((url.replace(IN_URL, "sesam"), "password authentication failed"),
                        (url + "&colour=blue", "has no option \"colour\"")):
        node = Registrar(fedge, "bindings.db", history=store, start=False)
        done = fedge.run("serve", "-c", node.file, cwd=fedge.folder)
        assert done.returncode == 2 and said in done.stderr, done.stderr
        assert IN_URL not in done.stderr and "sesam" not in done.stderr
    other = url.replace(f"@{postgres.address}", "@localhost") + f"&hostaddr={postgres.address}"
    done = fedge.run("history", "--store", other)
    assert done.returncode == 3 and "does not match host name" in done.stderr and IN_URL not in done.stderr
    checked = fedge.run("config", "check", node.file, cwd=fedge.folder)
    assert checked.returncode == 2 and "has no option" in checked.stdout + checked.stderr
    assert IN_URL not in checked.stdout + checked.stderr
