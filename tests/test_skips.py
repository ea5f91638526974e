"""Skipped tests are said in one line and can be run on their own later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(5))
def test_with_a_server(number, pytestconfig):
    if pytestconfig.getoption("--only-from") is None:
        pytest.skip("needs a server")

@pytest.mark.skip(reason="is for another system")
def test_elsewhere():
    pass

def test_anywhere():
    pass
"""


def run(folder: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_one_line_for_all_and_the_ids_in_a_file(tmp_path: Path, processes: tuple[str, ...]) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    listed = tmp_path / "skipped.txt"
    said = run(tmp_path, "--skipped-to", str(listed), *processes)
    assert "skipped: 5 needs a server; 1 is for another system\n" in said
    assert said.count("needs a server") == 1
    assert len(listed.read_text().splitlines()) == 6
    again = run(tmp_path, "--only-from", str(listed), *processes)
    assert "5 passed, 1 skipped" in again
    assert "skipped: 1 is for another system\n" in again


def test_a_list_of_tests_that_are_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "list.txt").write_text("tests/nowhere.py::test_gone\n")
    assert "1 tests are not there, such as tests/nowhere.py::test_gone" in run(
        tmp_path, "--only-from", str(tmp_path / "list.txt")
    )
