"""Phones that others wrote, run without a screen and without sound: baresip and linphone's command line.

What they need of this machine, and how it is given:
- baresip 1.0 (Debian's baresip-core) takes its address from an interface that is not the loopback's: net_interface is
  given an address instead. aubridge plays to itself. It is run by its TCP control (ctrl_tcp), which also tells what
  happens to calls;
- linphonec 5.1 asks whether there is a network before it registers: auto_net_state_mon and
  register_only_when_network_is_up are off. It plays and records files. It asks the name servers of /etc/resolv.conf
  and nobody else: it gets one of its own, in a set of mounts of its own. It does as it is told on its standard input.
"""
import json
import os
import re
import socket
import subprocess
import time

from strangers import is_bound
from support import wait_until

MODULES = "/usr/lib/baresip/modules"


class Baresip:
    """One baresip with one account. Its calls are told by `await_event`."""

    def __init__(self, fedge, name, address, account, dns=None, more="", listens=5060):
        self.address, self.name = address, name
        folder = fedge.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(f"""\
sip_listen {address}:5060
net_interface {address}
rtp_ports 20000-20100
audio_source aubridge,nobody
audio_player aubridge,nobody
audio_alert aubridge,nobody
ctrl_tcp_listen {address}:4444
module_path {MODULES}
module g711.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
{f'dns_server {dns}' if dns else ''}
{more}
""")
        (folder / "accounts").write_text(account + "\n")
        (folder / "contacts").write_text("")
        self.process = fedge.start_other("baresip", "-s", "-f", folder, name=name, cwd=folder)
        wait_until(lambda: is_bound(address, 4444) and is_bound(address, listens) or not self.process.is_alive(), 20,
                   "baresip listens")
        self.control = socket.create_connection((address, 4444))
        self.bytes, self.events = b"", []

    def close(self):
        self.control.close()
        self.process.stop()

    def command(self, command, parameters=""):
        text = json.dumps({"command": command, "params": parameters, "token": command}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))

    def _read(self, due):
        """The next netstring as an object."""
        while True:
            length, colon, rest = self.bytes.partition(b":")
            if colon and len(rest) > int(length):
                self.bytes = rest[int(length) + 1:]
                return json.loads(rest[:int(length)])
            self.control.settimeout(max(0.01, due - time.monotonic()))
            piece = self.control.recv(65536)
            assert piece, f"{self.name} has ended"
            self.bytes += piece

    def await_event(self, kind, seconds=15):
        due = time.monotonic() + seconds
        while True:
            try:
                event = self._read(due)
            except TimeoutError:
                raise AssertionError(f"{self.name}: no {kind}, but {self.events}") from None
            self.events.append(event)
            if event.get("type") == kind:
                return event

    def dial(self, uri):
        self.command("dial", uri)

    def hang_up(self):
        self.command("hangup")

    def await_established(self):
        self.await_event("CALL_ESTABLISHED")

    def await_closed(self):
        self.await_event("CALL_CLOSED")


LINPHONERC = """\
[sip]
sip_port=0
sip_tcp_port=-1
sip_tls_port=0
use_ipv6=0
guess_hostname=0
auto_net_state_mon=0
register_only_when_network_is_up=0
default_proxy=0
[net]
dns_srv_enabled=0
[video]
enabled=0
[proxy_0]
reg_proxy=<{server}>
reg_route=<{server}>
reg_identity=<sip:{user}@{domain}>
reg_expires=600
reg_sendregister=1
[auth_info_0]
username={user}
passwd={password}
realm={domain}
"""


def may_mount():
    """May a program have an /etc/resolv.conf of its own here?"""
    asked = subprocess.run(["unshare", "--mount", "mount", "--bind", "/etc/resolv.conf", "/etc/resolv.conf"],
                           capture_output=True)
    return asked.returncode == 0


class Linphone:
    """One linphonec with one account at `server` (a SIP URI); whoever calls it is answered."""

    def __init__(self, fedge, name, server, user, domain, password, dns):
        self.name, self.seen = name, 0
        folder = fedge.folder / name
        (folder / ".local/share/linphone").mkdir(parents=True)  # without its database it opens no port
        (folder / "linphonerc").write_text(
            LINPHONERC.format(server=server, user=user, domain=domain, password=password))
        (folder / "resolv.conf").write_text(f"nameserver {dns}\n")
        os.mkfifo(folder / "commands")
        # Opened for both, so that neither side waits for the other and the phone meets no end.
        self.commands = os.open(folder / "commands", os.O_RDWR)
        self.process = fedge.start_other(
            "unshare", "--mount", "sh", "-c", 'mount --bind resolv.conf /etc/resolv.conf && exec "$@" <commands',
            name, "linphonec", "-a", "-c", folder / "linphonerc", "-d", "4", "-l", folder / "linphone.log", name=name,
            cwd=folder, env={"HOME": str(folder)})
        self.say("soundcard use files")

    def close(self):
        self.process.stop()
        os.close(self.commands)

    def say(self, command):
        os.write(self.commands, command.encode() + b"\n")

    def await_words(self, pattern, seconds=20):
        """Waits for what it says after all that was waited for before."""

        def found():
            assert self.process.is_alive(), f"{self.name} has ended: {self.process.text()[-2000:]}"
            return re.compile(pattern).search(self.process.text(), self.seen)

        self.seen = wait_until(found, seconds, f"{self.name} says {pattern}: {self.process.text()[-2000:]}").end()

    def dial(self, uri):
        self.say(f"call {uri}")

    def hang_up(self):
        self.say("terminate")

    def await_established(self):
        self.await_words(r"Call \d+ with \S+ connected\.")

    def await_closed(self):
        self.await_words(r"Call \d+ with \S+ ended")
