#!/usr/bin/env python3
"""script/check-layers finds what it is for: trees made of two or three files, and what is said of them."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(os.environ["FEDGE_SOURCE"]) / "script" / "check-layers"
LAYERS = "# comment\n0 base:\n1 sip: base\n1 finding: base\n2 net: base\n3 transport: base sip net\n"


def check(files, *options):
    """Gives the exit status and the lines said, without the tree's own path."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {"src/LAYERS": LAYERS, **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        result = subprocess.run(
            [sys.executable, SCRIPT, "--root", folder, *options], text=True, capture_output=True, check=False
        )
        return result.returncode, [line.replace(f"{folder}/", "") for line in result.stdout.splitlines()]


HEADER = {"src/base/span.h": "#pragma once\nstruct span { int at; };\n"}


class CheckLayers(unittest.TestCase):
    def test_includes_that_point_down_are_good(self):
        files = {**HEADER, "src/sip/uri.c": '#include "base/span.h"\n#include <stdio.h>\n', "src/main.c": '#include "base/span.h"\n'}
        self.assertEqual(check(files), (0, []))

    def test_an_include_that_points_upward_is_named(self):
        files = {"src/base/span.c": '/* text */\n#include "sip/uri.h"\n', "src/sip/uri.h": "\n"}
        self.assertEqual(
            check(files),
            (1, ["src/base/span.c:2: base/ (floor 0) may not include sip/ (floor 1): that points upward"]),
        )

    def test_a_sibling_that_is_not_listed_is_named(self):
        files = {"src/sip/uri.c": '  #  include "finding/finding.h"\n', "src/finding/finding.h": "\n"}
        said = ["src/sip/uri.c:1: sip/ (floor 1) may not include finding/ (floor 1): src/LAYERS does not name it"]
        self.assertEqual(check(files), (1, said))

    def test_a_folder_below_that_is_not_listed_is_named(self):
        files = {"src/net/loop.c": '#include "sip/uri.h"\n', "src/sip/uri.h": "\n"}
        said = ["src/net/loop.c:1: net/ (floor 2) may not include sip/ (floor 1): src/LAYERS does not name it"]
        self.assertEqual(check(files), (1, said))

    def test_a_folder_without_a_line_is_named(self):
        self.assertEqual(check({"src/attic/a.c": "\n"}), (1, ["src/attic/a.c:1: `attic` has no line in src/LAYERS"]))

    def test_files_are_included_with_their_folder(self):
        status, said = check({**HEADER, "src/base/span.c": '#include "span.h"\n'})
        self.assertEqual(status, 1)
        self.assertIn('src/base/span.c:1: "span.h" is no file under src/', said[0])

    def test_a_header_that_needs_another_before_it_is_named(self):
        status, said = check({"src/base/a.h": "#pragma once\nuint8_t a(void);\n"})
        self.assertEqual(status, 1)
        self.assertIn("src/base/a.h:1: does not compile alone", said[0])
        self.assertEqual(check({"src/base/a.h": "#pragma once\nuint8_t a(void);\n"}, "--fast"), (0, []))

    def test_a_header_without_a_guard_is_named(self):
        status, said = check({"src/base/a.h": "struct a { int b; };\n"})
        self.assertEqual((status, len(said)), (1, 1))

    def test_mistakes_of_the_table_itself_are_named(self):
        layers = "0 base: sip\n1 sip: base\n1 sip: base\nnonsense\n2 net: transport\n3 transport: net\n"
        status, said = check({"src/LAYERS": layers})
        self.assertEqual(status, 1)
        self.assertEqual([line.split(":")[1] for line in said], ["1", "3", "4", "5"])


if __name__ == "__main__":
    unittest.main()
