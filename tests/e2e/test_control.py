"""A node and those who run it: its start, its control socket, reload, signals, and what it refuses."""
import json
import os
import signal
import stat

import pytest
from support import wait_until

ADDRESS = "127.77.0.1"


@pytest.fixture
def configuration(authority):
    """configuration(**changes): a small node's file."""
    certificate, key = authority.issue("edge.a.example")

    def text(domains="a.example", workers=2, more=""):
        return f"""node: edge.a.example
address: {ADDRESS}
domains: [{domains}]
workers: {workers}
control: node.sock
listen: [{{transport: tls}}, {{transport: udp}}, {{transport: tcp}}]
tls:
  identities: [{{names: [edge.a.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
dns: {{servers: ["127.77.0.53@53"], timeout: 500ms}}
zones:
  - {{name: manager, kind: neighbor, transport: tcp, peers: ["127.77.0.9:5060"]}}
  - {{name: federation, kind: dns}}
rules:
  - {{name: in, mode: pattern, type: suffix, pattern: "@a.example", target: manager}}
  - {{name: out, target: federation}}
log: [{{format: json, file: node.json}}]
{more}"""

    return text


def ask(fedge, *arguments):
    return fedge.run(*arguments, cwd=fedge.folder)


def status(fedge):
    done = ask(fedge, "status", "-c", "node.yaml", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_running_node_is_shown(fedge, configuration):
    fedge.serve(configuration())
    socket = fedge.folder / "node.sock"
    assert stat.S_IMODE(os.stat(socket).st_mode) == 0o600
    shown = status(fedge)
    assert shown["node"] == "edge.a.example" and shown["workers"] == 2 and not shown["draining"]
    assert [l["transport"] for l in shown["listen"]] == ["tls", "udp", "tcp"]
    assert [c["name"] for c in shown["certificates"]] == ["edge.a.example"]
    assert shown["certificates"][0]["days_left"] in (28, 29, 30)
    done = ask(fedge, "status", "-s", "node.sock")
    assert done.returncode == 0 and "edge.a.example" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 200
    done = ask(fedge, "peers", "-c", "node.yaml")
    assert (done.returncode, done.stdout) == (0, "no partner is known yet\n")
    done = ask(fedge, "peers", "flush", "b.example", "-c", "node.yaml")
    assert (done.returncode, done.stdout) == (0, "0 forgotten\n")


def test_a_certificate_that_ends_soon_is_a_warning(fedge, configuration):
    fedge.serve(configuration(more="trust: {expires_soon: 60d}\n"))
    done = ask(fedge, "status", "-c", "node.yaml")
    assert done.returncode == 1 and "[certificate-expires-soon]" in done.stdout


def test_reload_takes_over_whole_or_not_at_all(fedge, configuration):
    node = fedge.serve(configuration())
    file = fedge.folder / "node.yaml"

    file.write_text(configuration(more="trust: {policy: rfc5922}\n"))
    done = ask(fedge, "config", "reload", "-c", "node.yaml")
    assert (done.returncode, done.stdout) == (0, "reloaded\n"), done.stderr
    assert status(fedge)["policy"] == "rfc5922" and status(fedge)["generation"] == 2

    file.write_text(configuration(more="trust: {polcy: dane}\nvia_zones: maybe\n"))
    done = ask(fedge, "config", "reload", "-s", "node.sock")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and "did you mean `policy`" in lines[0] and "must be yes or no" in lines[1], lines

    file.write_text(configuration(workers=1))
    done = ask(fedge, "config", "reload", "-c", "node.yaml")
    assert done.returncode == 2 and "workers" in done.stderr and "restart" in done.stderr

    file.write_text(configuration())
    node.signal(signal.SIGHUP)
    wait_until(lambda: status(fedge)["policy"] == "microsoft", of="SIGHUP reloads")
    assert status(fedge)["generation"] == 3


def test_a_second_node_is_refused_and_the_first_goes_on(fedge, configuration):
    fedge.serve(configuration())
    done = ask(fedge, "serve", "-c", "node.yaml")
    assert done.returncode == 2 and "another program has the port" in done.stderr
    text = configuration().replace(ADDRESS, "127.77.0.2")
    (fedge.folder / "second.yaml").write_text(text)
    done = ask(fedge, "serve", "-c", "second.yaml")
    assert done.returncode == 2 and "a node runs already" in done.stderr
    assert status(fedge)["node"] == "edge.a.example"


def test_a_killed_nodes_socket_is_replaced(fedge, configuration):
    first = fedge.serve(configuration())
    first.signal(signal.SIGKILL)
    first.wait()
    assert (fedge.folder / "node.sock").exists()
    done = ask(fedge, "status", "-c", "node.yaml")
    assert done.returncode == 3 and "no node runs at" in done.stderr
    fedge.serve(configuration())
    assert status(fedge)["node"] == "edge.a.example"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_socket(fedge, configuration, number):
    node = fedge.serve(configuration())
    node.signal(number)
    assert node.wait() == 0
    assert not (fedge.folder / "node.sock").exists()


def test_mistakes_stop_the_start_and_all_are_said(fedge, configuration):
    (fedge.folder / "node.yaml").write_text(configuration(more="lisen: []\nlimits: {idle: 3}\n").replace("kind: dns", "kind: dnz"))
    for arguments in (("serve", "-c", "node.yaml"), ("config", "check", "node.yaml")):
        done = ask(fedge, *arguments)
        assert done.returncode == 2
        places = [line.split(": error: ")[0] for line in done.stderr.splitlines()]
        assert len(places) == 3 and all(place.startswith("node.yaml:") for place in places), done.stderr
        assert "did you mean `listen`?" in done.stderr and "is no duration" in done.stderr


def test_a_key_of_another_certificate_is_named_with_it(fedge, configuration, authority):
    _, key = authority.issue("other.a.example")
    text = configuration().replace(str(authority.folder / "edge.a.example.key"), str(key))
    (fedge.folder / "node.yaml").write_text(text)
    done = ask(fedge, "config", "check", "node.yaml")
    assert done.returncode == 2
    assert "edge.a.example.pem` does not match the key in" in done.stderr and "other.a.example.key" in done.stderr


def test_commands_that_cannot_find_a_node_say_so(fedge):
    env = {key: value for key, value in os.environ.items() if key != "FEDGE_CONFIG"}
    done = fedge.run("status", env=env)
    assert done.returncode == 64 and "which node?" in done.stderr
    done = ask(fedge, "status", "-s", "nowhere.sock")
    assert done.returncode == 3
    done = ask(fedge, "status", "-c", "nowhere.yaml")
    assert done.returncode == 2 and "No such file" in done.stderr
