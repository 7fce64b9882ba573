"""fedge check --plan from end to end: what it prints is done (the zone published in Knot DNS, the request made by the
very command, the certificate issued), and then the domain is examined like any other."""
import json
import re
import shlex
import subprocess

import pytest
from names import SERVICE, SigningKnot, TlsServer
from strangers import fresh_address, run_quietly
from support import Authority, Fedge, die_with_parent


def plan_of(fedge, *arguments):
    """(exit code, JSON, text) of a plan"""
    done = fedge.run("check", "--plan", *arguments, "--json")
    text = fedge.run("check", "--plan", *arguments)
    assert done.stdout, done.stderr
    assert done.returncode == text.returncode
    return done.returncode, json.loads(done.stdout), text.stdout


def by_shell(command, folder):
    done = subprocess.run(["/bin/sh", "-ec", command], cwd=folder, capture_output=True, text=True, timeout=60,
                          preexec_fn=die_with_parent, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
    assert done.returncode == 0, command + done.stderr
    return done.stdout


def sign(authority, request, folder):
    """What an authority does with the request: its names and usages, signed."""
    certificate = folder / "issued.pem"
    run_quietly("openssl", "x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey",
                authority.folder / "root.key", "-CAcreateserial", "-days", "90", "-copy_extensions", "copyall", "-out",
                certificate)
    return certificate


def names_in(request):
    text = run_quietly("openssl", "req", "-in", request, "-noout", "-text", "-verify")
    return re.findall(r"DNS:([^,\s]+)", text), text


PLANS = [
    ("one", ["one.lab", "--host", "edge.one.lab"], ["one.lab"]),
    ("label", ["one.lab", "--host", "edge"], ["one.lab"]),
    ("several", ["one.lab", "--host", "edge.one.lab", "--also", "two.lab", "--also", "sub.two.lab"],
     ["one.lab", "two.lab", "sub.two.lab"]),
    ("outside", ["one.lab", "--host", "edge.two.lab", "--also", "two.lab"], ["one.lab", "two.lab"]),
    ("international", ["bücher.lab", "--host", "edge"], ["xn--bcher-kva.lab"]),
    ("long", ["a-rather-long-label-in-the-middle-of-a-name.and-one-more-of-them.lab", "--host", "edge"],
     ["a-rather-long-label-in-the-middle-of-a-name.and-one-more-of-them.lab"]),
]


@pytest.mark.parametrize("arguments, domains", [row[1:] for row in PLANS], ids=[row[0] for row in PLANS])
def test_what_is_planned_is_accepted(program, tmp_path, arguments, domains):
    fedge = Fedge(program, tmp_path)
    authority = Authority(tmp_path / "authority")
    address = fresh_address()
    code, plan, text = plan_of(fedge, *arguments, "--address", address, "--private")
    outside = plan["advised_host"] is not None
    assert code == (2 if outside else 0), text
    assert ("srv-target-outside-domain" in text) == outside

    # the certificate, by the command that was printed
    command = plan["certificate"]["request"]
    assert f"    {command}\n" in text
    by_shell(command, tmp_path)
    requests = list(tmp_path.glob("*.csr"))
    assert len(requests) == 1
    names, request = names_in(requests[0])
    assert names == plan["certificate"]["names"] and len(names) == len(domains)
    assert "TLS Web Server Authentication, TLS Web Client Authentication" in request
    assert re.search(r"Public-Key: \(2048 bit\)", request)
    certificate, key = sign(authority, requests[0], tmp_path), requests[0].with_suffix(".key")
    assert key.stat().st_mode & 0o077 == 0, "the key is for its owner only"

    # the zone, as printed
    printed = re.findall(r"^    (\S+\. +300 IN .*)$", text[text.index("DNS, in the zone"):], re.MULTILINE)
    assert printed == [line for site in plan["domains"] for line in site["zone"]]
    zones = {domain: [line for site in plan["domains"] if site["domain"] == domain for line in site["zone"]]
             for domain in domains}
    try:
        knot = SigningKnot(fedge, zones)
        edge = TlsServer(certificate, key, address)
        done = fedge.run("check", *domains, "--json", "--resolver", knot.server, "--no-system-ca", "--ca-file",
                         authority.certificate, "--private")
        edge.close()
    finally:
        fedge.stop_all()
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r["domain"] for r in reports] == domains
    assert {r["verdict"] for r in reports} == {"pass"} and done.returncode == 0, done.stdout
    assert {site["verdict"] for site in plan["domains"]} == ({"fail", "pass"} if outside and len(domains) > 1 else
                                                             {"pass"})


def test_the_plan_as_a_zone_file(program, tmp_path):
    """Before anything is published: the same lines by --zone, the issued certificate by --cert."""
    fedge = Fedge(program, tmp_path)
    authority = Authority(tmp_path / "authority")
    _, plan, _ = plan_of(fedge, "one.lab", "--host", "edge", "--address", "127.1.2.3", "--private")
    by_shell(plan["certificate"]["request"], tmp_path)
    certificate = sign(authority, next(tmp_path.glob("*.csr")), tmp_path)
    zone = tmp_path / "planned.zone"
    zone.write_text("\n".join(plan["domains"][0]["zone"]) + "\n")
    done = fedge.run("check", "one.lab", "--zone", zone, "--zone-only", "--cert", certificate, "--no-connect", "--json",
                     "--resolver", f"{fresh_address()}@5300", "--no-system-ca", "--ca-file", authority.certificate,
                     "--private")
    assert done.returncode == 0, done.stdout + done.stderr


def test_dane_from_end_to_end(program, tmp_path):
    """The TLSA record that the printed command makes vouches for the certificate."""
    fedge = Fedge(program, tmp_path)
    authority = Authority(tmp_path / "authority")
    address = fresh_address()
    code, plan, text = plan_of(fedge, "one.lab", "--host", "edge", "--address", address, "--private", "--as", "dane")
    assert code == 0, text
    by_shell(plan["certificate"]["request"], tmp_path)
    request = next(tmp_path.glob("*.csr"))
    certificate = sign(authority, request, tmp_path)
    records = [by_shell(command, tmp_path).strip() for command in plan["certificate"]["tlsa"]]
    assert [re.match(r"_5061\._tcp\.edge\.one\.lab\. 300 IN TLSA 3 1 1 [0-9a-f]{64}$", r) is not None
            for r in records] == [True]
    try:
        knot = SigningKnot(fedge, {"one.lab": plan["domains"][0]["zone"] + records}, signed=("one.lab",))
        edge = TlsServer(certificate, request.with_suffix(".key"), address)
        done = fedge.run("check", "one.lab", "--as", "dane", "--json", "--resolver", knot.server, "--trust-anchor",
                         knot.anchor("one.lab"), "--no-system-ca", "--private")
        edge.close()
    finally:
        fedge.stop_all()
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_rule_books_at_once(program, tmp_path):
    """One certificate for Microsoft's rule and for RFC 5922: the names of the request are both."""
    fedge = Fedge(program, tmp_path)
    authority = Authority(tmp_path / "authority")
    address = fresh_address()
    _, plan, _ = plan_of(fedge, "one.lab", "--host", "edge", "--address", address, "--private", "--as", "all")
    by_shell(plan["certificate"]["request"], tmp_path)
    request = next(tmp_path.glob("*.csr"))
    assert names_in(request)[0] == ["edge.one.lab", "one.lab"]
    try:
        knot = SigningKnot(fedge, {"one.lab": plan["domains"][0]["zone"]})
        edge = TlsServer(sign(authority, request, tmp_path), request.with_suffix(".key"), address)
        codes = [fedge.run("check", "one.lab", "--as", policy, "--resolver", knot.server, "--no-system-ca", "--ca-file",
                           authority.certificate, "--private").returncode for policy in ("microsoft", "rfc5922")]
        edge.close()
    finally:
        fedge.stop_all()
    assert codes == [0, 0]


def test_the_printed_configuration_is_one(program, tmp_path):
    """fedge takes it as it stands, once the certificate is there."""
    fedge = Fedge(program, tmp_path)
    authority = Authority(tmp_path / "authority")
    _, plan, text = plan_of(fedge, "one.lab", "--host", "edge", "--address", "127.1.2.3", "--also", "bücher.lab",
                            "--private")
    by_shell(plan["certificate"]["request"], tmp_path)
    request = next(tmp_path.glob("*.csr"))
    sign(authority, request, tmp_path).rename(request.with_suffix(".pem"))
    configuration = tmp_path / "edge.yaml"
    configuration.write_text("\n".join(plan["configuration"]) + "\n")
    for line in plan["configuration"]:
        assert f"    {line}\n" in text
    done = fedge.run("config", "check", configuration)
    assert done.returncode in (0, 1) and "error" not in done.stdout, done.stdout + done.stderr


MISTAKES = [
    (["one.lab", "--host", "ed ge", "--address", "127.0.0.1"], "`ed ge`: it is no domain name"),
    (["one.lab", "--host", "$(reboot)", "--address", "127.0.0.1"], "`$(reboot)`: it is no domain name"),
    (["one.lab", "--host", "edge", "--address", "127.0.0"], "`127.0.0`: it is no IP address"),
    (["on\x1b[2Je.lab", "--host", "edge", "--address", "127.0.0.1"], "`on\\x1B[2Je.lab`: it is no domain name"),
    (["one.lab", "--host", "edge"], "--address"),
    (["one.lab", "--address", "127.0.0.1"], "--host"),
]


@pytest.mark.parametrize("arguments, error", MISTAKES, ids=["blank", "shell", "address", "escape", "none", "no host"])
def test_mistakes_are_named(program, tmp_path, arguments, error):
    done = Fedge(program, tmp_path).run("check", "--plan", *arguments)
    assert done.returncode == 64 and not done.stdout
    assert error in done.stderr and "\x1b" not in done.stderr


def test_nothing_in_a_plan_means_anything_to_a_shell(program, tmp_path):
    """Every word of the command is what it seems to be."""
    _, plan, _ = plan_of(Fedge(program, tmp_path), "one.lab", "--host", "edge", "--address", "127.0.0.1", "--private")
    words = shlex.split(plan["certificate"]["request"])
    assert words[:3] == ["openssl", "req", "-new"] and f"{SERVICE}" not in words
    assert not set("".join(words)) & set("`$;|&<>\\\"'(){}!*?#~\n")


def test_a_full_disk_is_said(fedge):
    """Whatever the plan's verdict: what nobody could read is no success, and no warning."""
    for more in ((), ("--json",)):
        with open("/dev/full", "w") as full:
            done = subprocess.run([fedge.path, "check", "--plan", "a.example", "--host", "sip.a.example", "--address",
                                   "192.0.2.1", *more], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 3
        assert "cannot write: No space left on device" in done.stderr
