"""Measuring a process: its stages, its output, its memory, its failure."""

from __future__ import annotations

import sys

import pytest

from benchmarks.running import CommandFailed, run

SCRIPT = """
import sys, time
def say(line): print(line, file=sys.stderr, flush=True)
say("stage: small")
say("a remark")
time.sleep(.3)
say("stage: large")
held = b"x" * 120_000_000
time.sleep(.3)
print("result")
"""


def test_a_process_is_measured_by_stage() -> None:
    told: list[str] = []
    found = run([sys.executable, "-c", SCRIPT], tell=told.append)
    assert found.output == "result\n"
    assert told == ["a remark"]
    small, large = found.stages
    assert (small.name, large.name) == ("small", "large")
    assert found.seconds >= small.seconds + large.seconds
    assert found.peak_mb > 120
    if small.peak_mb is not None and large.peak_mb is not None:
        assert large.peak_mb - small.peak_mb > 100


def test_a_failure_says_what_the_process_said() -> None:
    with pytest.raises(CommandFailed, match="no such thing"):
        run([sys.executable, "-c", "import sys; sys.exit('no such thing')"], tell=lambda _: None)
