"""Run Python in a process that permissions hold for, also where the tests themselves run as root."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

_PR_CAPBSET_DROP = 24
_OVERRIDING = (1, 2)
"""Capabilities by which root reads and writes what permissions forbid: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH."""

only_where_permissions_are = pytest.mark.skipif(
    sys.platform == "win32" or (sys.platform != "linux" and os.geteuid() == 0), reason="root may do everything here"
)


def run_powerless(
    code: str, *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run code with arguments; the environment is this process's with the given variables."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **(environment or {})},
        preexec_fn=_without_powers,
        capture_output=True,
        text=True,
        check=False,
    )


def run_command(arguments: Sequence[str | Path], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `whypath` with arguments."""
    code = "import sys; from whypath.cli import main; sys.exit(main(sys.argv[1:]))"
    return run_powerless(code, *arguments, environment=environment)


def _without_powers() -> None:
    if sys.platform == "linux" and os.geteuid() == 0:
        for each in _OVERRIDING:
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, each, 0, 0, 0)
