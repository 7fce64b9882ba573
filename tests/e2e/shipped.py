"""The configuration files that the project ships, as tests start them: the very files, with this machine's addresses in
place of those that documentation uses. What is replaced stands in `here` and `Shipped`, and nothing else is.
"""
import pathlib
import re
import shutil
import signal
import time

import yaml
from strangers import is_bound
from support import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/examples"
DNS = "127.73.2.53"
NAME_SERVER = f"{DNS}@5300"  # 53 is not ours to take everywhere
PASSWORD = "a password of a file"


def here(text):
    """The text with addresses of this machine: 192.0.2.47 is 127.73.2.47, 10.0.0.10 is 127.73.0.10. The name server is
    the one of the test; what belongs under /run lies beside the file."""
    text = re.sub(r"\b(?!127\.|0\.0\.0\.0)\d{1,3}\.\d{1,3}\.(\d{1,3}\.\d{1,3})\b", r"127.73.\1", text)
    text = re.sub(rf"\b{re.escape(DNS)}\b|127\.48\.53\.53@\d+", NAME_SERVER, text)  # the examples', the lab's
    text = re.sub(r"(?m)^dns: \{(?!servers)", f'dns: {{servers: ["{NAME_SERVER}"], ', text)  # the system's
    return text.replace(", }", "}").replace("/run/fedge/", "")


class Shipped:
    """One node's file: `text` as it is started, `document` what YAML reads in it."""

    def __init__(self, name, text):
        self.name, self.text = name, here(text)
        self.document = yaml.safe_load(self.text)
        if "address" not in self.document:
            # Its system would choose by the way to the other side; on loopback there is but one way.
            self.text += f"\naddress: {self.document['listen'][-1].get('address', here('192.0.2.47'))}\n"
            self.document = yaml.safe_load(self.text)
        servers = self.document.get("dns", {}).get("servers", [NAME_SERVER])
        assert servers == [NAME_SERVER], f"{name} asks {servers}: teach `here` how it writes them"

    @property
    def zones(self):
        return self.document.get("zones") or []

    def install(self, folder, authority):
        """Writes it into a folder, and beside it what it names: certificates, passwords; gives its path."""
        folder.mkdir(parents=True, exist_ok=True)
        tls = self.document.get("tls", {})
        for identity in tls.get("identities", ()):
            certificate, key = authority.issue(*identity["names"])
            self._put(folder, identity["certificate"], certificate)
            self._put(folder, identity["key"], key)
        for file in (*tls.get("authorities", ()), *tls.get("known_intermediates", ())):
            self._put(folder, file, authority.certificate)
        for owner in (*self.zones, *self.document.get("users", ())):
            if "password_file" in owner:
                self._room(folder, owner["password_file"]).write_text(PASSWORD)
        path = folder / f"{self.name}.yaml"
        path.write_text(self.text)
        return path

    @staticmethod
    def _room(folder, name):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        return folder / name

    def _put(self, folder, name, file):
        shutil.copy(file, self._room(folder, name))


def end(processes):
    """All together; a node that waits for its last calls ends by the next signal."""
    def all_gone():
        alive = [process for process in processes if process.is_alive()]
        for process in alive:
            process.signal(signal.SIGTERM)
        if alive:
            time.sleep(0.1)
        return not alive
    wait_until(all_gone, 30, "the nodes end")


def install_kamailio(file, folder):
    """Kamailio's file with addresses of this machine, in a folder of its own; gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file.name
    path.write_text(here(file.read_text()))
    return path


def start_kamailio(fedge, path, address):
    folder = path.parent
    process = fedge.start_other("/usr/sbin/kamailio", "-f", path, "-DD", "-E", "-M", 8, "-m", 64, "-w", folder, "-Y",
                                folder, "-P", folder / "kamailio.pid", name="kamailio", cwd=folder)
    wait_until(lambda: is_bound(address, 5060) or not process.is_alive(), 20, "Kamailio listens")
    assert process.is_alive(), process.text()[-3000:]
    return process
