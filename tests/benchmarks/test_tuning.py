"""The comparison of settings chosen in steps with searched ones, on a tiny set."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.quality_data import SETS, load, prepare
from benchmarks.tuning import measured
from tests.benchmarks.quality_tiny import write_tiny


def test_choices_are_measured_on_the_same_valid_part(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    write_tiny(tmp_path / "shared" / "data" / "music")
    prepare(SETS["music"], tmp_path, tmp_path / "shared", lambda _: None)
    loaded = load(SETS["music"], tmp_path, tmp_path / "shared")
    row = measured(loaded, "given", "ease", 3, 1)
    assert row["defaults_settings"] == {}
    for name in ("steps", "search"):
        # No choice is worse than the defaults on what it was chosen on, and the same settings give the same value.
        assert row[name] >= row["defaults"] - 1e-9
        assert row[f"{name}_settings"] or row[name] == row["defaults"]
