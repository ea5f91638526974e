"""Entry points: imported when they are asked for, once; a broken one is named and breaks nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kg.plugins import Plugins
from tests.plugin_package import write_package


def _number(name: str, value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("it is no number")
    return value


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins[int]:
    write_package(
        tmp_path,
        "some-numbers",
        {"some_numbers": "ONE, TWO, WORD = 1, 2, 'word'"},
        {
            "test.numbers": "one = some_numbers:ONE\ntwo = some_numbers:TWO\nword = some_numbers:WORD\n"
            "gone = no_such_module:X\nodd = some_numbers:ONE:TWO"
        },
    )
    write_package(tmp_path, "later-numbers", {}, {"test.numbers": "one = some_numbers:TWO"})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "some_numbers", raising=False)
    return Plugins("test.numbers", _number)


def test_what_packages_bring_is_imported_when_it_is_asked_for(numbers: Plugins[int]) -> None:
    assert "three" not in numbers
    assert "some_numbers" not in sys.modules
    assert numbers["two"] == 2
    assert numbers.get("three") is None
    assert numbers.package_of("two") == "some-numbers"
    assert numbers.package_of("three") is None


def test_a_broken_one_is_named_once_and_breaks_nothing_else(
    numbers: Plugins[int], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        assert dict(numbers) == {"one": 2, "two": 2}
    said = sorted(record.getMessage() for record in caplog.records)
    assert len(said) == 4
    assert all(line.startswith("some-numbers 1.0: ") for line in said)
    assert "'gone' (test.numbers) cannot be used and is left out: ModuleNotFoundError: No module named" in said[0]
    assert "'odd' (test.numbers) cannot be used" in said[1]
    assert "'word' (test.numbers) cannot be used and is left out: ValueError: it is no number" in said[2]
    assert said[3] == "some-numbers 1.0: left out, as later-numbers 1.0 has the name 'one' in test.numbers, too"
