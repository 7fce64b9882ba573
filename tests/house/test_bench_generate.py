#!/usr/bin/env python3
"""bench/explain/generate makes what it is asked for, and nothing where it is asked wrongly."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(os.environ["FEDGE_SOURCE"]) / "bench" / "explain" / "generate"


def generate(*arguments):
    """Gives the exit status, and the names and sizes of the files that were made."""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run([sys.executable, SCRIPT, *arguments], cwd=folder, capture_output=True, check=False)
        return result.returncode, {path.name: path.stat().st_size for path in pathlib.Path(folder).iterdir()}


class Generate(unittest.TestCase):
    def test_a_log_and_a_capture_are_as_long_as_asked(self):
        for kind in ("log", "pcap"):
            status, made = generate(kind, "file", "1")
            self.assertEqual((status, list(made)), (0, ["file"]), kind)
            self.assertTrue(1000000 <= made["file"] < 1100000, f"{kind}: {made}")

    def test_nothing_is_made_of_wrong_arguments(self):
        for arguments in ((), ("log",), ("log", "-", "1"), ("log", "--help", "1"), ("pcap", "-o", "1"), ("text", "file", "1")):
            self.assertEqual(generate(*arguments), (1, {}), arguments)


if __name__ == "__main__":
    unittest.main()
