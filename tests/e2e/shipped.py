"""The configuration files that the project ships, as tests start them: the very files, with this machine's addresses in
place of those that documentation uses. What is replaced stands in `here`, and nothing else is.
"""
import pathlib
import re
import shutil

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/examples"
DNS_PORT = 5300  # 53 is not ours to take everywhere


def here(text):
    """The file with addresses of this machine: 192.0.2.47 is 127.73.2.47, 10.0.0.10 is 127.73.0.10; name servers are
    asked at a port that anybody may use, and what belongs under /run lies beside the file."""
    text = re.sub(r"\b(?!127\.|0\.0\.0\.0)\d{1,3}\.\d{1,3}\.(\d{1,3}\.\d{1,3})\b", r"127.73.\1", text)
    text = re.sub(r'(servers: \["[\d.]+)"', rf'\1@{DNS_PORT}"', text)
    return text.replace("/run/fedge/", "")


class Shipped:
    """One node's file: `text` as it stands, `document` what YAML reads in it once the addresses are of this machine."""

    def __init__(self, name, text, change=None):
        self.name, self.text = name, here(text)
        if change:
            old, new = change
            assert self.text.count(old) == 1, f"{name} has no {old!r} to be replaced"
            self.text = self.text.replace(old, new)
        self.document = yaml.safe_load(self.text)

    def install(self, folder, authority):
        """Writes it into a folder, with the certificates it names beside it; gives its path."""
        folder.mkdir(parents=True, exist_ok=True)
        tls = self.document.get("tls", {})
        for identity in tls.get("identities", ()):
            certificate, key = authority.issue(*identity["names"])
            self._put(folder, identity["certificate"], certificate)
            self._put(folder, identity["key"], key)
        for file in tls.get("authorities", ()):
            self._put(folder, file, authority.certificate)
        path = folder / f"{self.name}.yaml"
        path.write_text(self.text)
        return path

    @staticmethod
    def _put(folder, name, file):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (folder / name) != pathlib.Path(file):
            shutil.copy(file, folder / name)
