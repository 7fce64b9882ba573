"""fedge explain on one and the same logs, packed and delivered in every way: what it says does not depend on it.

Real: gzip, xz, tar, zip (Python's), pipes, and a box that rotates its log while it is followed."""
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import threading
import zipfile
import zlib

import pytest
from support import wait_until

# Call n begins so many seconds after 07:00.
STEP_S = 2
REFUSAL = ('ms-diagnostics: 1009;reason="No match for domain in DNS SRV results";domain="partner.example";'
           'fqdn1="sip.other.example:5061";source="sip.skype.lab"')


def stamp(second, ms):
    return f"2017-03-02 {7 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02},{ms:03}"


def message(box, direction, moment, lines):
    """As an Expressway logs it; facts of the format are in docs/formats.md."""
    far = "Src" if direction == "Received" else "Dst"
    return (f'{moment.replace(" ", "T").replace(",", ".")}+00:00 {box} tvcs: UTCTime="{moment}" Module="network.sip" '
            f'Level="DEBUG": Action="{direction}" Local-ip="192.0.2.47" Local-port="25002" {far}-ip="192.0.2.6" '
            f'{far}-port="5061" Msg-Hash="{zlib.crc32(moment.encode())}"\n SIPMSG:\n|' + "\n".join(lines) + "\n\n")


def call(number):
    """An INVITE that goes out and the refusal that comes back, on one box."""
    second = number * STEP_S
    common = [f"Via: SIP/2.0/TLS 192.0.2.47:5061;branch=z9hG4bK{number:08x};received=192.0.2.47",
              f"Call-ID: call-{number}@192.0.2.47",
              f'From: <sip:steven@steven.example>;tag=f{number}']
    invite = [f"INVITE sip:user{number}@partner.example SIP/2.0", *common, f"To: <sip:user{number}@partner.example>",
              "CSeq: 100 INVITE", "Max-Forwards: 70", "Content-Length: 0"]
    refusal = ["SIP/2.0 504 Server time-out", *common, f"To: <sip:user{number}@partner.example>;tag=t{number}",
               "CSeq: 100 INVITE", REFUSAL, "Content-Length: 0"]
    return (message("vcse", "Sent", stamp(second, 240), invite) +
            message("vcse", "Received", stamp(second, 310), refusal)).encode()


def calls(first, count):
    return b"".join(call(number) for number in range(first, first + count))


@pytest.fixture
def explain(program):
    def run(*arguments, stdin=None):
        done = subprocess.run([program, "explain", "--json", "--all", *map(str, arguments)], input=stdin,
                              capture_output=True, timeout=120, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()], done

    return run


def told(problems):
    """What must not depend on how the log was packed."""
    return sorted((p["call_id"], p["finding"], p["confidence"], tuple(e["line"] for e in p["evidence"]))
                  for p in problems if p.get("call_id"))


# ---- packed in every way ----

def plain(folder, logs):
    return [folder]


def gzipped(folder, logs):
    subprocess.run(["gzip", *logs], check=True)
    return [folder]


def xz_and_plain(folder, logs):
    subprocess.run(["xz", logs[0]], check=True)
    return [folder]


def tarred(folder, logs):
    with tarfile.open(folder.parent / "logs.tar", "w") as archive:
        archive.add(folder, "box")
    return [folder.parent / "logs.tar"]


def zipped(folder, logs):
    with zipfile.ZipFile(folder.parent / "logs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for log in logs:
            archive.write(log, log.name)
    return [folder.parent / "logs.zip"]


def tgz_in_zip(folder, logs):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(folder, "box")
    with zipfile.ZipFile(folder.parent / "all.zip", "w") as archive:
        archive.writestr("box.tar.gz", packed.getvalue())
        archive.writestr("readme.bin", os.urandom(3000))
    return [folder.parent / "all.zip"]


def in_wrong_order(folder, logs):
    return reversed(logs)


@pytest.mark.parametrize("pack", [plain, gzipped, xz_and_plain, tarred, zipped, tgz_in_zip, in_wrong_order],
                         ids=lambda pack: pack.__name__)
def test_packing_changes_nothing(explain, tmp_path, pack):
    folder = tmp_path / "logs"
    folder.mkdir()
    logs = [folder / f"messages.{i}" for i in range(3)]
    for i, log in enumerate(logs):
        log.write_bytes(calls(i * 10, 10))
    wanted, done = explain(*logs)
    assert done.returncode == 2, done.stderr.decode()
    assert len(told(wanted)) == 30
    assert {p["finding"] for p in wanted} == {"srv-target-outside-domain"}
    got, done = explain(*pack(folder, logs))
    assert done.returncode == 2, done.stderr.decode()
    assert told(got) == told(wanted)


def test_standard_input_is_read(explain, tmp_path):
    text = calls(0, 20)
    (tmp_path / "log").write_bytes(text)
    wanted, _ = explain(tmp_path / "log")
    got, done = explain("-", stdin=text)
    assert done.returncode == 2
    assert told(got) == told(wanted) and len(told(got)) == 20
    packed = subprocess.run(["gzip", "-c"], input=text, capture_output=True, check=True).stdout
    assert told(explain("-", stdin=packed)[0]) == told(wanted)


def test_evidence_names_the_file_in_the_archive(explain, tmp_path):
    (tmp_path / "messages").write_bytes(calls(0, 1))
    with tarfile.open(tmp_path / "box.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "messages", "box/log/messages")
    problems, _ = explain(tmp_path / "box.tar.gz")
    files = {e["file"] for p in problems for e in p["evidence"]}
    assert files == {f"{tmp_path}/box.tar.gz:box/log/messages"}


# ---- what cannot be read ----

def test_what_cannot_be_read_does_not_end_the_rest(program, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "messages").write_bytes(calls(0, 2))
    packed = subprocess.run(["gzip", "-c"], input=calls(100, 2000), capture_output=True, check=True).stdout
    (folder / "cut.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "picture").write_bytes(os.urandom(5000))
    os.mkfifo(folder / "pipe")
    (folder / "broken").symlink_to("nowhere")
    done = subprocess.run([program, "explain", "--json", folder], capture_output=True, timeout=120, check=False, text=True)
    assert done.returncode == 2, done.stderr
    assert '"call-1@192.0.2.47"' in done.stdout
    assert '"call-500@192.0.2.47"' in done.stdout  # from the half that is whole
    for name, why in (("cut.gz", "damaged"), ("picture", "nothing in it"), ("pipe", "no regular file"),
                      ("broken", "No such file")):
        assert any(f"{folder}/{name}" in line and why in line for line in done.stderr.splitlines()), done.stderr


def test_a_path_that_is_not_there_is_a_wrong_call(program, tmp_path):
    done = subprocess.run([program, "explain", tmp_path / "not-there"], capture_output=True, timeout=60, check=False, text=True)
    assert done.returncode == 64
    assert "not-there" in done.stderr and "No such file" in done.stderr


def test_a_bomb_ends_as_a_note(program, tmp_path):
    """10 GB of zeros in a tar.gz of 10 MB."""
    piece = subprocess.run(["gzip", "-c"], input=bytes(16 << 20), capture_output=True, check=True).stdout
    head = tarfile.TarInfo("zeros")
    head.size = 10 << 30
    with open(tmp_path / "bomb.tgz", "wb") as bomb:
        bomb.write(subprocess.run(["gzip", "-c"], input=head.tobuf(), capture_output=True, check=True).stdout)
        for _ in range(640):
            bomb.write(piece)
    (tmp_path / "messages").write_bytes(calls(0, 1))
    done = subprocess.run([program, "explain", tmp_path / "bomb.tgz", tmp_path / "messages"], capture_output=True,
                          timeout=120, check=False, text=True)
    assert done.returncode == 2, done.stderr
    assert "so much comes out of so little" in done.stdout + done.stderr
    assert "call-0@192.0.2.47" in done.stdout


# ---- followed ----

def test_a_rotated_log_is_followed(program, tmp_path):
    log = tmp_path / "messages"
    log.write_bytes(calls(0, 2))
    process = subprocess.Popen([program, "explain", "--json", "--follow", log], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(json.loads(line)["call_id"] for line in process.stdout))
    reader.start()

    def add(path, first, count):
        with open(path, "ab") as file:
            file.write(calls(first, count))

    def came(number):
        return any(call_id == f"call-{number}@192.0.2.47" for call_id in seen)

    try:
        wait_until(lambda: came(1), 30)
        add(log, 2, 1)
        shutil.move(log, tmp_path / "messages.1")
        add(tmp_path / "messages.1", 3, 1)
        add(log, 4, 2)
        wait_until(lambda: all(came(number) for number in range(6)), 30)
        # Emptied, and at once shorter than it was: that is seen however late it is looked at.
        log.write_bytes(b"")
        add(log, 6, 1)
        wait_until(lambda: came(6), 30)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        reader.join(30)
    assert sorted(seen) == [f"call-{n}@192.0.2.47" for n in range(7)], process.stderr.read().decode()
