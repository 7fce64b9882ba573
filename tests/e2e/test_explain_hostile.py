"""fedge explain on files that want to harm: noise, bombs, lying lengths, names that are commands to a terminal, floods.

What is promised: it ends, it says what it could not read, nothing is written anywhere, memory is bounded by --memory and
the sizes of what is read ahead and not by the files, and what was told of good lines is told still. The bounds on memory
are of the process (RLIMIT_AS), where no sanitizer wants address space of its own.
"""
import functools
import gzip
import io
import json
import os
import random
import re
import resource
import struct
import subprocess
import tarfile
import threading
import time
import unicodedata
import zipfile

import pytest
from conftest import ROOT
from test_explain import Page
from test_explain_files import call, calls, message, stamp

EXAMPLES = ROOT / "docs/examples/explaining"
PATIENCE_S = 120  # a sanitizer's, on a machine with other things to do
# Stacks of threads, code and what is read ahead; what is beside it goes with --memory.
ADDRESSES = 1536 << 20


@functools.cache
def is_sanitized(program):
    return b"__asan_init" in program.read_bytes() or b"__tsan_init" in program.read_bytes()


@pytest.fixture
def explain(program, tmp_path):
    """explain(*arguments, space=bytes of memory): runs with bounds; whatever comes, no signal and no sanitizer's word."""
    def run(*arguments, space=ADDRESSES, seconds=PATIENCE_S, **more):
        def bound():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if not is_sanitized(program):
                resource.setrlimit(resource.RLIMIT_AS, (space, space))

        more.setdefault("stdin", subprocess.DEVNULL)
        if "input" in more:
            del more["stdin"]
        done = subprocess.run([program, "explain", *map(str, arguments)], capture_output=True, timeout=seconds, check=False,
                              cwd=tmp_path, preexec_fn=bound, **more)
        assert done.returncode in (0, 1, 2, 3, 64), (done.returncode, done.stderr.decode(errors="replace")[-3000:])
        assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr.decode()[-3000:]
        return done

    return run


def told(done):
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


# ---- noise ----

@pytest.mark.parametrize("size", [1, 17, 4096, 65537, 3_000_000])
def test_noise(explain, tmp_path, size):
    noise = random.Random(size)
    (tmp_path / "noise").write_bytes(noise.randbytes(size))
    assert explain("noise", "--all").returncode == 3
    # Before, in, and behind a log: what the log holds is told.
    good = (EXAMPLES / "vcse.log").read_bytes()
    (tmp_path / "behind.log").write_bytes(good + b"\n" + noise.randbytes(min(size, 500)))
    (tmp_path / "good.log").write_bytes(good)
    wanted = [p["finding"] for p in told(explain("good.log", "--json"))]
    assert [p["finding"] for p in told(explain("good.log", "noise", "--json"))] == wanted
    assert [p["finding"] for p in told(explain("behind.log", "--json"))] == wanted


def test_broken_bytes_in_every_log(explain, tmp_path):
    """Bytes turned at random places: no crash, every line is JSON, and at a rate that leaves lines whole, most is told."""
    for path in sorted(EXAMPLES.glob("*.*")):
        for seed in range(6):
            chance = random.Random(f"{path.name} {seed}")
            text = bytearray(path.read_bytes())
            for _ in range(1 + len(text) * seed // 200):
                text[chance.randrange(len(text))] = chance.randrange(256)
            (tmp_path / "broken").write_bytes(text)
            for problem in told(explain("broken", "--json", "--all")):
                assert problem["kind"]


def test_a_gigabyte_without_an_end_of_line(explain, program, tmp_path):
    """By a pipe; memory does not go with the line, and what comes behind it is told."""
    sent = 0
    process = subprocess.Popen([program, "explain", "--json", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, cwd=tmp_path,
                               preexec_fn=None if is_sanitized(program) else functools.partial(
                                   resource.setrlimit, resource.RLIMIT_AS, (ADDRESSES, ADDRESSES)))
    size = (1 << 30) if not is_sanitized(program) else (128 << 20)

    def feed():
        nonlocal sent
        piece = b"x" * (1 << 20)
        try:
            process.stdin.write(calls(0, 2))
            while sent < size:
                process.stdin.write(piece)
                sent += len(piece)
            process.stdin.write(b"\n" + calls(2, 2))
            process.stdin.close()
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=feed)
    writer.start()
    try:
        said = process.stdout.read()
        errors = process.stderr.read()
        assert process.wait(PATIENCE_S) == 2, errors.decode()
    finally:
        process.kill()
        process.wait()
        writer.join(PATIENCE_S)
    assert sent == size
    ids = [json.loads(line)["call_id"] for line in said.splitlines()]
    assert ids == [f"call-{i}@192.0.2.47" for i in range(4)]
    assert b"could not be read" in errors


# ---- archives ----

def test_zip_bombs(explain, tmp_path):
    """Zeros in a zip in a zip: it ends, is told, and the log beside it is told."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("zeros", "w") as zeros:
            for _ in range(64):
                zeros.write(bytes(4 << 20))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(40):  # 10 GB
            archive.writestr(f"{i}.zip", inner.getvalue())
        archive.writestr("last.log", calls(0, 1))
    (tmp_path / "good.log").write_bytes(calls(1, 1))
    done = explain("bomb.zip", "good.log", "--json")
    assert done.returncode == 2
    assert "call-1@192.0.2.47" in done.stdout.decode()
    assert b"bomb.zip" in done.stderr and b"so much comes out of so little" in done.stderr, done.stderr.decode()


def test_an_archive_in_itself_in_itself(explain, tmp_path):
    packed = calls(0, 1)
    for _ in range(50):
        packed = gzip.compress(packed, 1)
    (tmp_path / "deep.gz").write_bytes(packed)
    done = explain("deep.gz")
    assert done.returncode == 3
    assert b"archives in archives" in done.stdout or b"an archive that cannot be read" in done.stdout, done.stdout.decode()


def everything_in(folder):
    return sorted((path.relative_to(folder), path.lstat().st_mode, path.lstat().st_size) for path in folder.rglob("*"))


def test_names_in_archives_lead_nowhere(explain, tmp_path):
    """Absolute names, names that climb, links and devices: nothing is written, no link is followed."""
    (tmp_path / "secret.log").write_bytes(calls(7, 1))
    members = [("/tmp/fedge-climbed.log", None), ("../climbed.log", None), ("a/../../../climbed.log", None),
               ("link.log", str(tmp_path / "secret.log")), ("up", "../../.."), ("up/through.log", None),
               ("\x1b]0;title\x07.log", None), ("good.log", None)]
    with tarfile.open(tmp_path / "bad.tar", "w") as archive:
        for i, (name, link) in enumerate(members):
            member = tarfile.TarInfo(name)
            if link:
                member.type, member.linkname = tarfile.SYMTYPE, link
                archive.addfile(member)
                member.type = tarfile.LNKTYPE
                member.name += ".hard"
                archive.addfile(member)
                continue
            text = calls(10 + i, 1)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
        device = tarfile.TarInfo("zero")
        device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 5
        archive.addfile(device)
    before = everything_in(tmp_path)
    done = explain("bad.tar", "--json")
    assert everything_in(tmp_path) == before
    assert not os.path.exists("/tmp/fedge-climbed.log")
    ids = {p["call_id"] for p in told(done)}
    assert "call-17@192.0.2.47" in ids
    assert "call-7@192.0.2.47" not in ids
    for options in ((), ("--mermaid",)):
        text = explain("bad.tar", *options)
        assert b"\x1b" not in text.stdout + text.stderr and b"\x07" not in text.stdout + text.stderr


# ---- captures ----

def frame(payload, *, source=1, port=5060, identity=1, flags=0, offset=0, length=None, udp_length=None, whole=True):
    """Ethernet, IPv4, UDP around a payload; lengths can lie."""
    datagram = struct.pack("!4H", port, 5060, len(payload) + 8 if udp_length is None else udp_length, 0) + payload
    body = datagram if whole else payload
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body) if length is None else length, identity,
                         flags << 13 | offset // 8, 64, 17, 0, bytes([192, 0, 2, source]), bytes([192, 0, 2, 9]))
    return bytes(12) + b"\x08\x00" + header + body


def pcap(frames, said=None):
    text = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for i, piece in enumerate(frames):
        claimed = len(piece) if said is None else said
        text += struct.pack("<4I", 1488438646 + i, 0, claimed, claimed) + piece
    return text


INVITE = (b"INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nCall-ID: lie@a\r\n"
          b"From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
LIES = {
    "record longer than the file": pcap([frame(INVITE)], said=1 << 20),
    "record of 4 GB": pcap([frame(INVITE)], said=0xFFFFFFFF),
    "record of nothing": pcap([frame(INVITE)], said=0),
    "IP longer than the frame": pcap([frame(INVITE, length=65535)]),
    "IP shorter than its header": pcap([frame(INVITE, length=3)]),
    "UDP longer than IP": pcap([frame(INVITE, udp_length=65535)]),
    "UDP shorter than its header": pcap([frame(INVITE, udp_length=2)]),
    "fragments over each other": pcap([frame(INVITE * 4, flags=1), frame(b"y" * 400, whole=False, flags=1, offset=64),
                                       frame(b"z" * 400, whole=False, offset=8)]),
    "a fragment behind the end of IP": pcap([frame(b"z" * 1000, whole=False, offset=65528, flags=0)]),
    "fragments that never end": pcap([frame(b"z" * 64, whole=False, flags=1, offset=8 * (i % 8000), identity=i % 60000)
                                      for i in range(20000)]),
    "body longer than all": pcap([frame(INVITE.replace(b"Content-Length: 0", b"Content-Length: 4294967295"))]),
    "cut in its header": pcap([frame(INVITE)])[:30],
    "pcapng with a block of 4 GB": struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + struct.pack(
        "<II", 6, 0xFFFFFFFC) + bytes(64),
    "pcapng with a block of nothing": struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + struct.pack(
        "<II", 6, 0) + bytes(64),
}


@pytest.mark.parametrize("lie", LIES)
def test_captures_that_lie(explain, tmp_path, lie):
    (tmp_path / "lie.pcap").write_bytes(LIES[lie])
    (tmp_path / "good.log").write_bytes(calls(0, 1))
    done = explain("lie.pcap", "good.log", "--json", "--all", seconds=60)
    assert "call-0@192.0.2.47" in {p["call_id"] for p in told(done)}


# ---- names that are commands ----

EVIL = {
    "escape": "\x1b[2J\x1b]0;title\x07\x1b[31m",
    "controls": "\x00\x01\x08\x7f\x9b31m",
    "right to left": "\u202etxt.exe\u2066\u2067\u200f\u061c",
    "markup": "</title></svg><script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\"' onload='x' style=\"background:url(//x)\" &#60;b&#62; &amp;",
    "fence": "```\n```mermaid\nparticipant x; end %%{init: {}}%% #59; -->> : x",
    "format": "%s%n%x{0}${x}`id`$(id)",
    "broken UTF-8": "\udcff\udcc0\udc80\udced\udca0\udc80",
    "wide": "\u5bbf\U0001f600e\u0301" * 20,
    "long": "n" * 20000,
}


def evil_call(bad):
    """A call in which every part that a stranger chooses holds the text."""
    line = bad.replace("\n", " ")
    word = re.sub(r"[\s\"<>@;]", "", line)
    common = [f"Via: SIP/2.0/TLS 192.0.2.47:5061;branch=z9hG4bK{word}", f"Call-ID: evil-{word}@x",
              f'From: "{line}" <sip:{word}@a.example>;tag={word}']
    invite = [f"INVITE sip:{word}@b.example SIP/2.0", *common, f"To: {line} <sip:{word}@b.example>", "CSeq: 1 INVITE",
              f"User-Agent: {line}", "Content-Length: 0"]
    refusal = [f"SIP/2.0 504 {line}", *common, f"To: {line} <sip:{word}@b.example>;tag={word}", "CSeq: 1 INVITE",
               f'ms-diagnostics: 1009;reason="{line}";domain="{word}";fqdn1="{word}:5061";source="{line}"',
               f"Server: {line}", f"Warning: 399 {word} \"{line}\"", "Content-Length: 0"]
    return (message("vcse", "Sent", stamp(0, 240), invite) +
            message("vcse", "Received", stamp(0, 310), refusal)).encode("utf-8", "surrogateescape")


def forbidden(text):
    """Characters that would change how what stands around them is shown."""
    return {c for c in text if c != "\n" and (unicodedata.category(c) == "Cc" or
                                              c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")}


@pytest.mark.parametrize("redact", [(), ("--redact",)], ids=["plain", "redacted"])
@pytest.mark.parametrize("bad", EVIL)
def test_names_that_are_commands(explain, tmp_path, bad, redact):
    # Among so much else that the log is still known for one.
    (tmp_path / "evil.log").write_bytes(evil_call(EVIL[bad]) + calls(5, 8))
    shown = explain("evil.log", "--all", *redact)
    text = shown.stdout.decode("utf-8")
    assert not forbidden(text), forbidden(text)
    for options in (("--ascii",), ("--mermaid",)):
        text = explain("evil.log", "--all", *options, *redact).stdout.decode("utf-8")
        assert not forbidden(text), forbidden(text)
    assert text.count("```") == 2 * text.count("```mermaid\nsequenceDiagram\n")
    assert "<script" not in text and "%%{" not in text
    done = explain("evil.log", "--json", "--all", "--html", "evil.html", *redact)
    problems = told(done)
    assert len(problems) == 9, done.stderr
    assert not re.search(rb"[\x00-\x09\x0b-\x1f]", done.stdout)
    page = (tmp_path / "evil.html").read_text(encoding="utf-8")
    Page(page)
    assert not forbidden(page), forbidden(page)
    assert len(page) < 3_000_000


@pytest.mark.parametrize("bad", ["escape", "controls", "right to left"])
def test_names_of_files_that_are_commands(explain, tmp_path, bad):
    name = re.sub(r"[\x00/]", "", EVIL[bad]) + ".log"
    (tmp_path / name).write_bytes(calls(0, 1))
    for options in ((), ("--mermaid",), ("--json", "--html", "page.html")):
        done = explain(name, *options)
        assert done.returncode == 2
        # JSON keeps names as they are, so that the file can be found; only what JSON must escape is escaped.
        shown = done.stderr if "--json" in options else done.stdout + done.stderr
        assert not forbidden(shown.decode("utf-8"))
        assert not re.search(rb"[\x00-\x09\x0b-\x1f]", done.stdout)
    Page((tmp_path / "page.html").read_text(encoding="utf-8"))


# ---- floods ----

def invites(first, count, host="flood.example"):
    """INVITEs without an answer, in a format that is short: 1 ms apart."""
    out = []
    for i in range(first, first + count):
        moment = f"2017-03-02 {7 + i // 3_600_000:02}:{i // 60_000 % 60:02}:{i // 1000 % 60:02},{i % 1000:03}"
        out.append(f'{moment.replace(" ", "T").replace(",", ".")}+00:00 vcse tvcs: UTCTime="{moment}" Module="network.sip" '
                   f'Level="DEBUG": Action="Received" Local-ip="192.0.2.47" Local-port="5061" Src-ip="192.0.2.6" '
                   f'Src-port="5061" Msg-Hash="{i}"\n SIPMSG:\n|INVITE sip:u@{host} SIP/2.0\nVia: SIP/2.0/TLS '
                   f'192.0.2.6;branch=z9hG4bK{i:x}\nCall-ID: {i:x}@{host}\nFrom: <sip:a@a.example>;tag={i:x}\n'
                   f'To: <sip:u@{host}>\nCSeq: 1 INVITE\nContent-Length: 0\n\n')
    return "".join(out).encode()


def feed_all(process, pieces):
    def feed():
        try:
            for piece in pieces:
                process.stdin.write(piece)
            process.stdin.close()
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=feed)
    writer.start()
    said, errors = process.stdout.read(), process.stderr.read()
    code = process.wait(PATIENCE_S)
    writer.join(PATIENCE_S)
    return code, said, errors


def peak(program, pieces, *arguments):
    """(exit code, what it said, its errors, the most memory it had in bytes)"""
    process = subprocess.Popen([program, "explain", *arguments, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    most = [0]

    def watch():
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                    found = re.search(r"VmHWM:\s+(\d+)", status.read())
            except OSError:
                break
            most[0] = max(most[0], int(found.group(1)) << 10 if found else 0)
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        code, said, errors = feed_all(process, pieces)
    finally:
        process.kill()
        process.wait()
        watcher.join(10)
    return code, said, errors, most[0]


def test_calls_that_never_end_are_bounded(program):
    """So many Call-IDs that are never answered: --memory is the bound of what is held, and the failure behind is told."""
    count = 30_000 if is_sanitized(program) else 200_000
    pieces = (invites(i, 10_000) for i in range(0, count, 10_000))
    late = call(3600).replace(b"T09:", b"T23:").replace(b" 09:", b" 23:")
    code, said, errors, most = peak(program, (*pieces, late), "--json", "--memory", "8", "--threads", "2")
    assert code == 2, errors.decode()
    assert "call-3600@192.0.2.47" in {json.loads(line)["call_id"] for line in said.splitlines()}
    if not is_sanitized(program):
        # 8 MB of calls, 40 MB read ahead, a part at each thread, the program itself.
        assert most < 160 << 20, most


def test_a_hundred_thousand_failures(program):
    """One cause: three in full, twenty in a line, a number; memory as asked."""
    count = 5_000 if is_sanitized(program) else 100_000
    began = time.monotonic()
    code, said, errors, most = peak(program, (calls(i, 1000) for i in range(0, count, 1000)), "--memory", "64")
    assert code == 2, errors.decode()
    text = said.decode()
    assert text.count("error[") == 3
    assert len(text) < 20_000, len(text)
    assert "more like these" in text
    assert time.monotonic() - began < PATIENCE_S
    if not is_sanitized(program):
        assert most < 300 << 20, most


def test_time_that_runs_backwards(explain, tmp_path):
    (tmp_path / "back.log").write_bytes(b"".join(call(i) for i in range(400, 0, -1)))
    done = explain("back.log", "--json")
    assert {p["call_id"] for p in told(done)} == {f"call-{i}@192.0.2.47" for i in range(1, 401)}
    assert {p["finding"] for p in told(done)} == {"srv-target-outside-domain"}
    started = [p["started"] for p in told(done)]
    assert started == sorted(started)


def test_moments_out_of_all_bounds(explain, tmp_path):
    text = call(0).decode()
    for year in ("0000", "0001", "1969", "2038", "9999"):
        (tmp_path / "when.log").write_text(text.replace("2017-", f"{year}-"))
        for options in (("--json",), (), ("--html", "page.html")):
            assert explain("when.log", *options).returncode in (0, 1, 2, 3)


def test_a_log_that_is_cut_anywhere(explain, program, tmp_path):
    """What is told of a beginning of a log is told of the log, or that the end is missing."""
    log = (EXAMPLES / "vcse.log").read_bytes()
    (tmp_path / "whole.log").write_bytes(log)
    whole = {p["call_id"] for p in told(explain("whole.log", "--json", "--all"))}
    step = 97 * 16 if is_sanitized(program) else 97 * 2
    for end in range(97, len(log), step):
        (tmp_path / "cut.log").write_bytes(log[:end])
        for p in told(explain("cut.log", "--json", "--all")):
            assert p["kind"] == "connection" or any(i and i.startswith(p["call_id"] or "") for i in whole), p["call_id"]
            assert p["finding"] in (None, "peer-answered", "tls-reset", "connection-lost") or p["confidence"] != "proved", p
