"""Bundles of the former format, kept as they were written, are read and give the lists that they gave then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.planted import domain
from whypath.models.bundle import Bundle

FOLDER = Path(__file__).parent / "bundles_of_format_1"


@pytest.mark.parametrize(
    ("name", "contents", "without"), [("with-texts", {"text"}, set()), ("without-texts", set(), {"text"})]
)
def test_a_bundle_of_format_1_gives_its_lists(name: str, contents: set[str], without: set[str], tmp_path: Path) -> None:
    seen = domain(users=40, items=24)
    expected = json.loads((FOLDER / "expected.json").read_text())[name]
    bundle = Bundle.load(FOLDER / name)
    bundle.save(tmp_path / "now")
    assert json.loads((tmp_path / "now" / "model" / "model.json").read_text())["format"] == 2
    for loaded in (bundle, Bundle.load(tmp_path / "now")):
        assert loaded.model.items.contents.keys() == contents
        assert loaded.model.variant.without == without
        (lists,) = loaded.scorer(seen.graph, loaded.popularity_over).lists(seen.histories.take(slice(0, 5)), 5)
        assert lists.items.tolist() == expected["items"]
        np.testing.assert_allclose(lists.scores, expected["scores"], rtol=1e-5)
