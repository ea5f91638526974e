"""Signals at any moment end a command with one line and the documented status, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.workshop import Workshop
from whypath.cli.ending import INTERRUPTED, TERMINATED

# A measurement of coverage writes a file of its own, which fails where these processes are meant to fail.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}

HOOKED = """
import importlib.abc, os, signal, sys
module, number = sys.argv[1], getattr(signal, sys.argv[2])
class Stop(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == module:
            os.kill(os.getpid(), number)
sys.meta_path.insert(0, Stop())
from whypath.cli import entry
sys.argv = ["whypath", *sys.argv[3:]]
entry()
"""


@pytest.mark.parametrize("module", ["whypath.cli.doctor", "numpy", "numpy.random", "scipy.sparse", "pyarrow"])
@pytest.mark.parametrize(("name", "status"), [("SIGINT", INTERRUPTED), ("SIGTERM", TERMINATED)])
def test_a_signal_while_modules_are_imported(workshop: Workshop, module: str, name: str, status: int) -> None:
    command = ["graph", "stats", "--store", str(workshop.folder / "store")]
    done = subprocess.run(
        [sys.executable, "-c", HOOKED, module, name, *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == status
    assert done.stderr.strip().startswith("whypath: ")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)])
def test_a_signal_while_a_bundle_is_trained(
    workshop: Workshop, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    bundle = tmp_path / "bundle"
    command = ["train", "--store", str(workshop.folder / "store"), "--bundle", str(bundle), "--no-text"]
    process = subprocess.Popen(
        [sys.executable, "-m", "whypath", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stderr is not None
    first = process.stderr.readline()  # of its progress
    time.sleep(0.2)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert first
    assert process.returncode == status
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith("whypath: ")
    assert list(tmp_path.iterdir()) == []


def test_a_second_command_of_the_same_process_is_as_if_nothing_had_been(capsys: pytest.CaptureFixture[str]) -> None:
    from whypath.cli import main

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.unraisablehook
    assert main(["doctor", "--json"]) == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.unraisablehook) == before
    assert capsys.readouterr().out.startswith("{")


def test_a_full_disk_while_a_bundle_is_written(workshop: Workshop, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    arguments = f"train --store {workshop.folder / 'store'} --bundle {bundle} --no-text --only ease"
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 1; exec {sys.executable} -m whypath {arguments}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**ENVIRONMENT, "WHYPATH_CACHE": str(tmp_path / "cache")},
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("whypath: error: ")
    assert not bundle.exists()
