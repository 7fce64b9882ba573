"""What the end-to-end tests share: processes that never outlive a test, waiting without guessing,
certificates, and fedge's own commands. Nothing here knows a scenario.

Every wait has a deadline. Every process writes into a file of the test's folder, and conftest.py
shows the ends of these files when the test fails.
"""
import ctypes
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """For preexec_fn: the kernel kills the child when this process dies."""
    os.setpgid(0, 0)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(what, seconds=20, of=""):
    """Calls `what` until it gives something true, and gives that; fails after `seconds`."""
    due = time.monotonic() + seconds
    while True:
        result = what()
        if result:
            return result
        if time.monotonic() > due:
            raise AssertionError(f"not within {seconds} s: {of or what}")
        time.sleep(0.01)


class Process:
    """A program in a process group of its own; what it says goes to `log`.

    With ready=True it is given a pipe (`--ready-fd N` is appended to its arguments) and the
    constructor returns when it has written to it.
    """

    def __init__(self, arguments, log, cwd=None, env=None, ready=False, seconds=30):
        self.log = pathlib.Path(log)
        self.arguments = [str(a) for a in arguments]
        ends = os.pipe() if ready else None
        passed = ()
        if ready:
            self.arguments += ["--ready-fd", str(ends[1])]
            passed = (ends[1],)
        with open(self.log, "ab") as output:
            self.popen = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd,
                env={**os.environ, **(env or {})}, pass_fds=passed, preexec_fn=die_with_parent)
        if ready:
            os.close(ends[1])
            try:
                self._await_ready(ends[0], seconds)
            finally:
                os.close(ends[0])

    def _await_ready(self, descriptor, seconds):
        os.set_blocking(descriptor, False)

        def said():
            try:
                return os.read(descriptor, 64) or "end"
            except BlockingIOError:
                return None

        answer = wait_until(said, seconds, f"{self.arguments[:3]} is ready")
        if answer == "end":
            code = self.popen.wait(10)
            raise AssertionError(f"{self.arguments[:3]} ended with {code} before it was ready:\n{self.text()[-3000:]}")

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def is_alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=30):
        return self.popen.wait(seconds)

    def stop(self, seconds=10):
        """SIGTERM, then SIGKILL to the group; gives the exit code."""
        if self.is_alive():
            self.signal(signal.SIGTERM)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self.popen.pid, signal.SIGKILL)
                self.popen.wait(seconds)
        return self.popen.returncode


class Fedge:
    """The program under test and the folder of one test."""

    def __init__(self, path, folder):
        self.path = pathlib.Path(path)
        self.folder = pathlib.Path(folder)
        self.running = []

    def run(self, *arguments, seconds=60, **more):
        """Runs a command to its end; gives a CompletedProcess with text."""
        return subprocess.run([str(self.path), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=seconds, preexec_fn=die_with_parent, **more)

    def start(self, *arguments, name=None, **more):
        """Starts a command that stays (its readiness is awaited unless ready=False)."""
        more.setdefault("ready", True)
        log = self.folder / f"{name or arguments[0]}.out"
        process = Process([self.path, *arguments], log, **more)
        self.running.append(process)
        return process

    def start_other(self, *arguments, name=None, **more):
        """The same for a program that is not ours."""
        log = self.folder / f"{name or pathlib.Path(str(arguments[0])).name}.out"
        process = Process(list(arguments), log, **more)
        self.running.append(process)
        return process

    def serve(self, configuration, name="node", **more):
        """Writes NAME.yaml into the folder and starts the node. `configuration` is its text."""
        path = self.folder / f"{name}.yaml"
        path.write_text(configuration)
        return self.start("serve", "-c", path, name=name, cwd=self.folder, **more)

    def call(self, *arguments, seconds=60, **more):
        """fedge call … --json: (exit code, the object it printed last)."""
        done = self.run("call", "--json", *arguments, seconds=seconds, **more)
        lines = done.stdout.strip().splitlines()
        assert lines, f"fedge call said nothing; its errors: {done.stderr}"
        return done.returncode, json.loads(lines[-1])

    def stop_all(self):
        codes = [process.stop() for process in reversed(self.running)]
        self.running.clear()
        return codes


class Lab:
    """A lab that is up, and what its lab.json says."""

    def __init__(self, fedge, scenario, folder):
        self.fedge, self.folder = fedge, pathlib.Path(folder)
        self.process = fedge.start("lab", "up", scenario, "--keep", self.folder, name=f"lab-{scenario}", seconds=60)
        self.document = json.loads((self.folder / "lab.json").read_text())
        address, port = self.document["resolver"].split("@")
        self.resolver = (address, int(port))

    def host(self, name):
        return next(host for host in self.document["hosts"] if host["name"] == name)

    def log(self, name):
        return self.folder / self.host(name)["log"]

    def call_ids(self, call_id):
        """The Call-IDs of a call: the caller's, and the one it goes on with behind the meeting server, if it came there."""
        said = (self.folder / "cms.out").read_text()
        bridged = (json.loads(line) for line in said[:said.rfind("\n") + 1].splitlines() if '"bridged_call_id"' in line)
        return {call_id, *(call["bridged_call_id"] for call in bridged if call["call_id"] == call_id)}

    def stop(self):
        return self.process.stop(30)


class Authority:
    """A throw-away authority by the openssl command, for tests outside the lab."""

    def __init__(self, folder, name="test root"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate = self.folder / "root.pem"
        self._key = self.folder / "root.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-days", "30", "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                      "-keyout", self._key, "-out", self.certificate)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)

    def issue(self, name, *names, usage="serverAuth,clientAuth", days=30):
        """A certificate for `name` (CN and first SAN) and more names; gives (certificate, key)."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        alternatives = ",".join(("IP:" if n.replace(".", "").isdigit() else "DNS:") + n for n in (name, *names))
        extensions.write_text(f"subjectAltName={alternatives}\nextendedKeyUsage={usage}\nkeyUsage=digitalSignature\n")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                      "-days", days, "-extfile", extensions, "-out", certificate)
        return certificate, key


def ask_dns(server, name, kind, seconds=5):
    """Asks one question over UDP (RFC 1035 4.1); gives (rcode, number of answer records)."""
    number = {"A": 1, "SOA": 6, "AAAA": 28, "SRV": 33}[kind]
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    query = struct.pack("!6H", 4711, 0, 1, 0, 0, 0) + question + struct.pack("!2H", number, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        s.connect(server)
        s.send(query)
        answer = s.recv(4096)
    identity, flags, _, answers = struct.unpack("!4H", answer[:8])
    assert identity == 4711
    return flags & 15, answers


def is_listening(address, port):
    """True where a TCP connection is accepted."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        return s.connect_ex((address, port)) == 0


def descendants(root):
    """Process ids of all children of a process, and theirs."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found
