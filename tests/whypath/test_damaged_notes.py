"""Damaged notes of whom bundles were trained with: the bundle is named, or it is said that it cannot be."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kg.stores.damaged_files import damage_bytes
from tests.workshop import Workshop
from whypath.models.bundle import read_record
from whypath.models.trained_bundles import TrainedBundle, TrainedBundles

USERS = ["ann", "bob", "carol"]
STORE = "file:///store"


@pytest.fixture
def noted(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainedBundle:
    monkeypatch.setenv("WHYPATH_DATA", str(tmp_path / "data"))
    bundle = TrainedBundle(str(workshop.bundle), read_record(workshop.bundle).digest, STORE, ())
    TrainedBundles().add(bundle, USERS)
    return bundle


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_note_is_told(
    noted: TrainedBundle, tmp_path: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    TrainedBundles().add(noted, USERS)
    assert TrainedBundles().trained_with("bob", STORE) == [noted]
    path = next((tmp_path / "data" / "bundles").glob("*.users"))
    before = path.read_bytes()
    damage_bytes(data.draw, path)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        found = TrainedBundles().trained_with("bob", STORE)
    if path.read_bytes() != before and found != [noted]:
        assert (found, str(path) in caplog.text) == ([], True)


@pytest.mark.parametrize("key", [None, b"", b"short", bytes(32), bytes(100)])
def test_with_a_damaged_key_every_bundle_is_named(
    noted: TrainedBundle, tmp_path: Path, key: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data" / "bundles" / "key"
    path.unlink() if key is None else path.write_bytes(key)
    with caplog.at_level(logging.WARNING):
        assert TrainedBundles().trained_with("dora", STORE) == [noted]
    assert "named" in caplog.text
    # Another store's bundles are not.
    assert TrainedBundles().trained_with("dora", "file:///other") == []


def test_a_sound_note_names_nobody_else(noted: TrainedBundle, caplog: pytest.LogCaptureFixture) -> None:
    assert TrainedBundles().trained_with("dora", STORE) == []
    # What was opened and saved elsewhere was trained with the same users.
    TrainedBundles().add(noted, None)
    assert TrainedBundles().trained_with("carol", STORE) == [noted]
    assert caplog.text == ""
