"""CONTRIBUTING.md is followed here: its paths and names exist, its encoder passes the contract."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from fusion.model_files import read_model, write_model
from fusion.registry import ENCODERS
from fusion.settings import BlockSettings
from fusion.training import Fitting
from kg.errors import WhyPathError
from tests.fusion.small import with_blocks
from tests.planted import domain
from tests.plugin_package import page_code
from whypath.testing import BlockContract

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PLACES = ("kg", "encoders", "fusion", "whypath", "tests", "docs", "notebooks", "benchmarks")


def defined(title: str) -> dict:
    """What the code under a heading of the page on plug-ins defines."""
    names: dict = {}
    exec(compile(page_code(title), "plugins.md", "exec"), names)
    return names


Jaccard = defined("A block")["Jaccard"]


class TestTheEncoderOfTheGuide(BlockContract):
    block_type = Jaccard


def test_the_encoder_of_the_guide_is_trained_saved_loaded_and_explained(tmp_path: Path) -> None:
    seen = domain()
    assert ENCODERS.add(Jaccard) is Jaccard
    try:
        settings = BlockSettings(jaccard=Jaccard.settings_type(shrink=2.0))
        asked = with_blocks("ease", "jaccard").model_copy(update={"block": settings})
        write_model(Fitting(seen.graph, seen.interactions, asked=asked, seed=1).model(), tmp_path)
        model = read_model(tmp_path)
        assert model.gates.blocks == ("ease", "jaccard")
        assert model.asked.block.jaccard.shrink == 2.0
        split = model.bind(seen.graph).split(seen.histories.take(slice(0, 1)), 7)
        assert [share.block for share in split.blocks] == ["ease", "jaccard"]
        assert split.bias + sum(share.share for share in split.blocks) == pytest.approx(split.score)
    finally:
        ENCODERS.remove("jaccard")
    with pytest.raises(WhyPathError, match="jaccard"):
        read_model(tmp_path)


def test_every_place_exists() -> None:
    places = {name for name in re.findall(r"`([\w./-]+)`", TEXT) if name.split("/")[0] in PLACES}
    assert {"kg/sources/open_source.py", "encoders/behavior", "whypath/testing"} <= places
    assert [name for name in sorted(places) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Histories", "kg.histories"),
        ("TrainingData", "encoders.block"),
        ("WeighedHistories", "encoders.block"),
        ("BehaviorBlock", "encoders.behavior"),
        ("ItemItemBlock", "encoders.behavior.item_item"),
        ("BEHAVIOR", "encoders.behavior"),
        ("FittedBlock", "encoders.block"),
        ("ENCODERS", "fusion.registry"),
        ("ReaderKind", "kg.schema"),
        ("BlockContract", "whypath.testing"),
        ("RawRecord", "kg.sources"),
        ("SourceFormat", "kg.schema"),
        ("GraphStore", "kg.stores"),
        ("LoadWriter", "kg.stores"),
        ("StoreKind", "kg.opening"),
        ("STORES", "kg.opening"),
        ("GraphStoreContract", "whypath.testing"),
        ("WhyPathError", "kg.errors"),
    ],
)
def test_every_name_exists(name: str, module: str) -> None:
    assert f"`{name}`" in TEXT
    assert hasattr(importlib.import_module(module), name)


def test_every_package_is_in_the_table() -> None:
    for package in ("kg", "encoders"):
        parts = [path.name for path in (ROOT / package).iterdir() if (path / "__init__.py").exists()]
        assert [part for part in sorted(parts) if f"`{package}/{part}`" not in TEXT] == []
