"""A block and a store of a package are put to the contracts outside the repository: good ones, and broken ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import whypath.testing
from tests.plugin_package import page_code, shop_entry_points, shop_modules, write_package

ROOT = Path(__file__).parents[2]

SHARES_THAT_LEAVE_OUT = """

class Jaccard(Jaccard):
    def shares_of(self, items, weights, item):
        shares = super().shares_of(items, weights, item).copy()
        shares[:1] = 0
        return shares
"""

EVENTS_THAT_ARE_LOST = """
from dataclasses import replace

from kg.stores import Appended


def append_events(self, events):
    report = EmbeddedStore.append_events(self, events[:-1])
    return replace(report, outcomes=(*report.outcomes, Appended.WRITTEN))


ShopStore.append_events = append_events
"""


A_FEW = "gives_the_snapshot or new_opening or appended_events_are or not_there or interrupted_load_can"
"""The embedded store passes all of them in `tests/kg/stores`; each opens stores and waits for the disk."""


def put_to_the_contract(folder: Path, faults: dict[str, str], chosen: str) -> str:
    """The output of the chosen tests of the page on plug-ins, run in a folder of their own with its package installed.

    faults: code to add to modules of the package.
    """
    modules = {name: code + faults.get(name, "") for name, code in shop_modules().items()}
    write_package(folder / "site", "whypath-shop", modules, shop_entry_points())
    (folder / "test_contract.py").write_text(page_code("Tests"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder / "site")])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_contract.py", "-k", chosen]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    # Tests have run, and passed or failed.
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def failed(output: str) -> set[str]:
    return set(re.findall(r"^FAILED test_contract.py::\w+::(\w+)", output, re.MULTILINE))


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("", set()),
        (
            SHARES_THAT_LEAVE_OUT,
            {
                "test_shares_add_up_to_the_score",
                "test_shares_add_up_to_the_score_for_any_weights",
                "test_any_histories_are_answered_and_split",
            },
        ),
    ],
    ids=["good", "broken"],
)
def test_a_block_of_a_package(tmp_path: Path, fault: str, found: set[str]) -> None:
    output = put_to_the_contract(tmp_path, {"shop_block": fault}, "not TestShopStore")
    assert found <= failed(output), output
    assert bool(failed(output)) == bool(found), output
    assert int(re.findall(r"(\d+) passed", output)[0]) >= 15
    if fault:
        # pytest shows what the failed assertion of a contract compared.
        assert re.search(r"^E +(AssertionError: )?assert \d", output, re.MULTILINE), output


@pytest.mark.parametrize(
    ("fault", "found"),
    [("", set()), (EVENTS_THAT_ARE_LOST, {"test_appended_events_are_in_the_next_snapshot"})],
    ids=["good", "broken"],
)
def test_a_store_of_a_package(tmp_path: Path, fault: str, found: set[str]) -> None:
    output = put_to_the_contract(tmp_path, {"shop_store": fault}, f"TestShopStore and ({A_FEW})")
    assert failed(output) == found, output
    assert int(re.findall(r"(\d+) passed", output)[0]) >= 5


@pytest.mark.parametrize("missing", ["pytest", "hypothesis"])
def test_without_the_extra_the_import_says_what_to_install(missing: str) -> None:
    code = f"import sys\nsys.modules[{missing!r}] = None\nimport whypath.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    message = f"TestingExtraMissing: whypath.testing needs {missing} of the extra `testing`"
    assert message in done.stderr
    assert "pip install 'whypath[testing]'" in done.stderr


def test_nothing_but_the_contracts_needs_the_extra() -> None:
    folder = Path(whypath.testing.__file__).parent
    users = [
        path
        for package in ("kg", "encoders", "fusion", "whypath")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(?:import|from) (?:pytest|hypothesis|whypath\.testing)\b", path.read_text("utf-8"), re.M)
    ]
    assert users
    assert [path for path in users if not path.is_relative_to(folder)] == []
