"""A lab whose hosts are stopped and killed, and come back: calls that stand meanwhile, calls that are being set up, and
how long it takes until calls pass again. For test_restart.py and bench/restart.

Nothing here knows what is right: it does things, waits for what must come at last, and says what it saw.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from support import Lab, die_with_parent, descendants, wait_until

PATIENCE = 60  # s; nothing takes longer, on the slowest machine
OUT, IN = "outbound", "inbound"
USER = "sip:2000@acano.steven.lab"
CALLEES = {OUT: "stejanss", IN: "phone"}  # who answers


class Journal:
    """The records of a JSON log, which is read on as it grows."""

    def __init__(self, path):
        self.path, self.read, self._records = path, 0, []

    def records(self):
        if self.path.exists():
            with open(self.path, "rb") as file:
                file.seek(self.read)
                data = file.read()
            whole = data.rfind(b"\n") + 1  # the last line may be half written
            self._records += [json.loads(line) for line in data[:whole].splitlines()]
            self.read += whole
        return self._records


class Call:
    """One call through the lab, by `fedge call` with a log of its own. It stands until somebody hangs up."""

    count = 0

    def __init__(self, lab, direction, duration=3600, timeout=PATIENCE):
        Call.count += 1
        arguments = list(lab.calls[direction])
        arguments[arguments.index("--duration") + 1] = str(duration)
        if direction == IN:  # to a user and his phone, not into a space
            arguments[arguments.index("--to") + 1] = USER
        self.direction, self.began = direction, time.monotonic()
        self.log = Journal(lab.folder / f"call-{Call.count}.json")
        self.process = subprocess.Popen(
            [str(lab.program), *arguments, "--timeout", str(timeout), "--log", f"json:{self.log.path.name}"],
            cwd=lab.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=die_with_parent)

    def messages(self, way="received"):
        return [r["bytes"] for r in self.log.records() if r["kind"] == "message" and r["direction"] == way]

    def statuses(self, method):
        """What the answers to its requests of this method say, in their order."""
        return [int(text[8:11]) for text in self.messages()
                if text.startswith("SIP/2.0") and re.search(rf"(?mi)^CSeq: \d+ {method}\r?$", text)]

    def is_answered(self):
        assert not self.has_ended(), f"{self.direction}: {json.dumps(self.told())}"
        return 200 in self.statuses("INVITE")

    def refresh(self):
        """An UPDATE or re-INVITE, all the way and back; its status."""
        before = len(self.statuses("(?:UPDATE|INVITE)"))
        self.process.send_signal(signal.SIGUSR1)

        def final():
            return [status for status in self.statuses("(?:UPDATE|INVITE)")[before:] if status >= 200 and status != 407]

        return wait_until(final, PATIENCE, "the refresh is answered")[0]

    def call_id(self):
        return re.search(r"(?m)^Call-ID: (\S+)", self.messages("sent")[0]).group(1)

    def has_ended(self):
        return self.process.poll() is not None

    def hang_up(self):
        """By a BYE; CANCEL where nobody answered yet."""
        self.process.send_signal(signal.SIGTERM)

    def told(self, seconds=PATIENCE):
        """What `fedge call --json` says in the end."""
        said, errors = self.process.communicate(timeout=seconds)
        assert said.strip(), f"fedge call said nothing; its errors: {errors}"
        return json.loads(said.strip().splitlines()[-1])


class Restarts(Lab):
    """A lab that is up and brings its hosts back."""

    def __init__(self, fedge, folder):
        self.program = fedge.path
        self.folder = pathlib.Path(folder)
        self.process = fedge.start("lab", "up", "--restart", "--keep", self.folder, name="lab-up", seconds=120)
        self.document = json.loads((self.folder / "lab.json").read_text())
        self.journals = {}
        self.calls = {call["direction"]: call["arguments"] for call in self.document["calls"]}

    # ---- hosts ----

    def pid(self, short_name):
        """Of a host; None while there is none."""
        for child in self.children():
            try:
                words = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[1:4] == [b"serve", b"-c", f"{short_name}.yaml".encode()] or (
                    words[1:2] == [b"answer"] and b"--node\0" + short_name.encode() in b"\0".join(words)):
                return child
        return None

    def children(self):
        lab = self.process.popen.pid
        try:
            return [int(child) for child in pathlib.Path(f"/proc/{lab}/task/{lab}/children").read_text().split()]
        except FileNotFoundError:  # a kernel without it
            return descendants(lab)

    def end(self, short_name, number):
        """Stops or kills the host; gives the instant. It comes back by itself."""
        # The lab starts a host at most twice a second.
        wait_until(lambda: self.pid(short_name) and self.age(short_name) > 0.6, PATIENCE, f"{short_name} runs")
        instant = time.monotonic()
        os.kill(self.pid(short_name), number)
        return instant

    def age(self, short_name):
        """How long the host has been there, in s."""
        ticks = int(pathlib.Path(f"/proc/{self.pid(short_name)}/stat").read_text().rsplit(")", 1)[1].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")

    def wake(self):
        """All callees that `ring` froze."""
        for short_name in CALLEES.values():
            os.kill(self.pid(short_name), signal.SIGCONT)

    def records(self, short_name, kind):
        journal = self.journals.setdefault(short_name, Journal(self.folder / f"{short_name}.json"))
        return [r for r in journal.records() if r["kind"] == kind]

    def ask(self, short_name, *arguments):
        """The JSON lines that a command prints about a node."""
        done = subprocess.run([str(self.program), *arguments, "-c", f"{short_name}.yaml", "--json"], cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                              preexec_fn=die_with_parent)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def history(self, short_name):
        return {entry["call_id"]: entry for entry in self.ask(short_name, "history")}

    def came_back(self, short_name, before):
        """Waits until another process is that host; gives the instant."""
        wait_until(lambda: self.pid(short_name) not in (None, before), PATIENCE, f"{short_name} comes back")
        return time.monotonic()

    # ---- calls ----

    def call_ids(self, call):
        """Of that call: its own, and the one that the meeting server goes on with."""
        first, ids, taken = call.call_id(), [], False
        for record in self.records("cms", "message"):
            if not record["bytes"].startswith("INVITE"):
                continue
            call_id = re.search(r"(?m)^Call-ID: (\S+)", record["bytes"]).group(1)
            if taken and record["direction"] == "sent":
                ids.append(call_id)
            taken = call_id == first and record["direction"] == "received"
        return {first, *ids}

    def stand(self, *directions):
        """Calls that are answered and stay."""
        calls = [Call(self, direction) for direction in directions]
        for call in calls:
            wait_until(call.is_answered, PATIENCE, f"the call {call.direction} is answered")
        return calls

    def ring(self, direction):
        """A call whose INVITE has come to its callee, who does nothing about it until he is woken."""
        callee = CALLEES[direction]
        last = {OUT: "sfvedge", IN: "cucm"}[direction]
        os.kill(self.pid(callee), signal.SIGSTOP)
        call = Call(self, direction)
        wait_until(lambda: self.has_sent(last, call) or call.has_ended(), PATIENCE, "the INVITE is at the callee")
        assert not call.has_ended(), f"{direction}, before anything has happened: {json.dumps(call.told())}"
        return call

    def has_sent(self, short_name, call):
        """True where the host has sent the call's INVITE on."""
        ids = self.call_ids(call) if call.messages("sent") else ()
        return any(r["direction"] == "sent" and r["bytes"].startswith("INVITE") and f"Call-ID: {call_id}" in r["bytes"]
                   for r in self.records(short_name, "message") for call_id in ids)

    def pass_again_now(self, *directions):
        return self.pass_again(time.monotonic(), *directions)

    def pass_again(self, since, *directions):
        """Places calls until one passes in each direction: {direction: (s since the instant, what the others got)}."""
        under_way = {direction: [] for direction in directions}
        passed, refused = {}, {direction: [] for direction in directions}
        while len(passed) < len(directions):
            assert time.monotonic() < since + PATIENCE, f"calls do not pass again: {refused}"
            for direction in directions:
                if direction in passed:
                    continue
                calls = under_way[direction]
                for call in [call for call in calls if call.has_ended()]:
                    calls.remove(call)
                    told = call.told()
                    if told["outcome"] == "answered":
                        passed.setdefault(direction, time.monotonic() - since)
                    else:
                        refused[direction].append((told["status"], told["reason"]))
                # One that hangs holds up no other.
                if not calls or (len(calls) < 5 and calls[-1].began < time.monotonic() - 1):
                    calls.append(Call(self, direction, duration=0, timeout=10))
            time.sleep(0.005)
        for calls in under_way.values():
            for call in calls:
                call.process.kill()
                call.process.communicate()
        return {direction: (passed[direction], refused[direction]) for direction in directions}
