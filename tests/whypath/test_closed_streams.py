"""The command line with closed, full and narrow streams, and numbers without bounds: one message, no traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from whypath.cli import main


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line, "sh", sys.executable], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("command", "redirection"), [("--help", ">&-"), ("doctor --json", ">&-"), ("doctor --json", ">/dev/full")]
)
def test_output_that_cannot_be_written_is_one_message(command: str, redirection: str) -> None:
    done = shell(f'"$1" -m whypath {command} {redirection}')
    assert done.returncode == 2
    assert done.stderr.startswith("whypath: error: ")
    assert len(done.stderr.splitlines()) == 1


def test_closed_stdin_and_stderr_do_no_harm() -> None:
    done = shell('"$1" -m whypath --help <&- 2>&-')
    assert done.returncode == 0
    assert "COMMAND" in done.stdout


@pytest.mark.parametrize("seed", ["-1", str(2**32), "9" * 30])
def test_a_seed_out_of_range_is_refused(seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--store", "s", "--bundle", "b", f"--seed={seed}"])
    assert stopped.value.code == 2
    assert "must be from 0 to 4294967295" in capsys.readouterr().err
