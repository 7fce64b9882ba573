"""Fixtures of the end-to-end tests.

The program comes from FEDGE (script/test sets it), else build-test/fedge, else build/fedge.
Tests bind fixed ports: they run one after the other, best in a network of their own:

    unshare --net sh -c 'ip link set lo up && exec python3 -m pytest tests/e2e'
"""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support import Authority, Fedge, Lab  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TAIL = 6000
SHOWN = ("*.out", "*.log", "*/*.out", "*/*.log")


def find_program():
    for path in (os.environ.get("FEDGE"), ROOT / "build-test/fedge", ROOT / "build/fedge"):
        if path and os.access(path, os.X_OK):
            return pathlib.Path(path).resolve()
    pytest.exit("there is no fedge to test: build it, or say where it is by FEDGE", 3)


@pytest.fixture(scope="session")
def program():
    return find_program()


@pytest.fixture(scope="session", autouse=True)
def public_authorities(tmp_path_factory):
    """The public authorities of all that is started here are one of our own: what the tests see does not depend on
    the machine's, and a sanitized program reads hundreds of them slowly."""
    os.environ["SSL_CERT_FILE"] = str(Authority(tmp_path_factory.mktemp("public"), "public root").certificate)


@pytest.fixture
def fedge(program, tmp_path):
    """The program with a folder of its own; all it started is stopped after the test."""
    runner = Fedge(program, tmp_path)
    yield runner
    runner.stop_all()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """One authority a test file; authority.issue(name, …) makes certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def lab_up(fedge, tmp_path):
    """lab_up(scenario) gives a running Lab."""
    return lambda scenario="healthy": Lab(fedge, scenario, tmp_path / "lab")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the ends of all that was written in the test's folder."""
    outcome = yield
    report = outcome.get_result()
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if report.when != "call" or not report.failed or folder is None:
        return
    for pattern in SHOWN:
        for path in sorted(folder.glob(pattern)):
            if path.stat().st_size:
                report.sections.append((str(path.relative_to(folder)), path.read_text(errors="replace")[-TAIL:]))
