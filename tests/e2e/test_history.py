"""The search history of a node: what an administrator finds in it, and what a stop or a kill leaves of it."""
import json
import re
import signal

import pytest
from strangers import Wire, fresh_address
from support import wait_until

CONFIGURATION = """node: edge.a.example
address: {address}
domains: [a.example]
workers: 2
control: node.sock
listen: [{{transport: tcp}}]
tls:
  identities: [{{names: [edge.a.example], certificate: {certificate}, key: {key}}}]
  authorities: [{root}]
dns: {{servers: ["{address}@53"], timeout: 300ms}}
zones:
  - {{name: callers, kind: neighbor, transport: tcp, peers: ["{caller}:5060"]}}
  - {{name: federation, kind: dns}}
rules:
  - {{name: inside, priority: 10, mode: pattern, type: suffix, pattern: "@a.example", target: callers}}
  - {{name: partners, priority: 20, mode: pattern, type: suffix, pattern: "@b.example", target: federation}}
history: {{store: history.db}}
"""


class Site:
    """A node with a history; nobody answers its questions to the DNS, so that calls to b.example fail."""

    def __init__(self, fedge, authority):
        self.fedge, self.address, self.caller = fedge, fresh_address(), fresh_address()
        certificate, key = authority.issue("edge.a.example")
        self.text = CONFIGURATION.format(address=self.address, caller=self.caller, certificate=certificate, key=key,
                                         root=authority.certificate)
        self.node = None
        self.start()

    def start(self):
        self.node = self.fedge.serve(self.text)

    def history(self, *arguments):
        done = self.fedge.run("history", "-c", "node.yaml", *arguments, cwd=self.fedge.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def entries(self, *arguments):
        return [json.loads(line) for line in self.history("--json", *arguments).splitlines()]

    def await_entries(self, count, *arguments):
        return wait_until(lambda: len(found := [e for e in self.entries("-n", "5000", *arguments) if e.get("ended")])
                          >= count and found, 20, f"{count} entries")

    def wire(self):
        return Wire(self.address, "tcp", self.caller)


@pytest.fixture
def site(fedge, authority):
    return Site(fedge, authority)


def test_what_is_found_in_it(site):
    """A call that fails, one that no rule fits, an OPTIONS: as a list, as a tree, as JSON, and by what is asked for."""
    with site.wire() as wire:
        assert wire.ask("INVITE", "sip:ann@b.example", caller="sip:2000@a.example", call_id="the-call").status == 504
        wire.ask("INVITE", "sip:ann@nowhere.example", caller="sip:2001@a.example", call_id="lost")
        wire.ask("OPTIONS", "sip:bob@b.example", caller="sip:2002@a.example", call_id="asked")
    site.await_entries(3)

    lines = site.history().splitlines()
    assert len(lines) == 3
    assert [line.split()[-1] for line in lines] == ["3", "2", "1"], "the newest first"
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  SIP \(INVITE\)   sip:2000@a\.example  sip:ann@b\.example\s+.*"
                    r"Server time-out\s+1$", lines[2]), lines[2]

    tree = site.history("1")
    assert re.search(r"rule 'inside': did not match ann@b\.example", tree), tree
    assert re.search(r"rule 'partners': considered towards federation at priority 20 with ann@b\.example", tree), tree
    assert re.search(r"DNS SRV _sipfederationtls\._tcp\.b\.example", tree), tree
    assert re.search(r"(?m)^\u2717 \+\d+\.\d{3}  .*error\[srv-lookup-failed\]", tree), tree
    assert "fedge help srv-lookup-failed" in tree and "the-call" in tree
    assert "\x1b" not in tree, "colour is for terminals"

    entry, = site.entries("1")
    assert (entry["kind"], entry["type"], entry["result"]) == ("search", "SIP (INVITE)", "Server time-out")
    assert (entry["status"], entry["finding"], entry["zone"]) == (504, "srv-lookup-failed", "callers")
    assert sum(step.get("failing", False) for step in entry["steps"]) == 1

    assert [e["id"] for e in site.entries("--call", "the-call")] == [1]
    assert [e["id"] for e in site.entries("--call", entry["serial"])] == [1]
    assert [e["id"] for e in site.entries("--search", "ANN@")] == [2, 1]
    assert [e["id"] for e in site.entries("--search", "options")] == [3]
    assert [e["id"] for e in site.entries("--failed", "-n", "1")] == [3]
    assert [e["id"] for e in site.entries("--since", "1h")] == [3, 2, 1]
    assert site.entries("--until", "1h") == [] and site.history("--search", "nobody") == ""

    done = site.fedge.run("history", "-c", "node.yaml", "99", cwd=site.fedge.folder)
    assert done.returncode == 3 and "99" in done.stderr
    status = json.loads(site.fedge.run("status", "-s", "node.sock", "--json", cwd=site.fedge.folder).stdout)["history"]
    assert status["written"] >= 3 and status["refused"] == status["dropped"] == 0 and status["error"] is None


def test_stopping_in_order_loses_nothing(site):
    with site.wire() as wire:
        for number in range(200):
            assert wire.ask("INVITE", f"sip:{number}@nowhere.example", call_id=f"quick-{number}").status == 404
    site.node.signal(signal.SIGTERM)
    assert site.node.wait(20) == 0
    found = site.entries("-n", "1000")
    assert sorted(e["call_id"] for e in found) == sorted(f"quick-{number}" for number in range(200))
    assert all(e["ended"] and e["status"] == 404 for e in found)


def test_a_kill_loses_the_last_moment_alone(site):
    """And the next node goes on with the same file."""
    with site.wire() as wire:
        for number in range(20):
            wire.ask("INVITE", f"sip:{number}@nowhere.example", call_id=f"before-{number}")
        site.await_entries(20)
        for number in range(5):
            wire.ask("INVITE", f"sip:{number}@nowhere.example", call_id=f"at-{number}")
        site.node.signal(signal.SIGKILL)
        site.node.wait()
    left = site.entries()
    assert {f"before-{number}" for number in range(20)} <= {e["call_id"] for e in left}
    assert len(left) <= 25
    site.start()
    with site.wire() as wire:
        wire.ask("INVITE", "sip:x@nowhere.example", call_id="after")
    assert "after" in [e["call_id"] for e in site.await_entries(len(left) + 1)]


def test_it_is_followed(site):
    with site.wire() as wire:
        wire.ask("INVITE", "sip:x@nowhere.example", call_id="first")
        site.await_entries(1)
        following = site.fedge.start("history", "-c", "node.yaml", "--follow", name="follow", ready=False,
                                     cwd=site.fedge.folder)
        wait_until(lambda: "sip:x@nowhere.example" in following.text(), 20, "what is there")
        wire.ask("INVITE", "sip:y@nowhere.example", call_id="second")
        wait_until(lambda: "sip:y@nowhere.example" in following.text(), 20, "what comes")
    following.signal(signal.SIGINT)
    assert following.wait(20) == 0
    assert len(following.text().splitlines()) == 2


def test_a_file_of_something_else_is_refused(site):
    site.node.stop()
    file = site.fedge.folder / "history.db"
    for extra in site.fedge.folder.glob("history.db*"):
        extra.unlink()
    file.write_text("a letter to my aunt, who would not like to lose it")
    done = site.fedge.run("serve", "-c", "node.yaml", cwd=site.fedge.folder)
    assert done.returncode != 0 and "history.db" in done.stderr and "no SQLite file" in done.stderr
    done = site.fedge.run("history", "--store", file)
    assert done.returncode == 3 and "no SQLite file" in done.stderr
    assert file.read_text().startswith("a letter")
