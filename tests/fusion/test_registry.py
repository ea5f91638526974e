"""The registry takes block classes that say all of themselves, and refuses others with what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from encoders.behavior import EASE, EASESettings
from encoders.block import Input, NoSettings
from encoders.search_space import Between
from fusion.registry import ENCODERS, UnknownBlock
from fusion.settings import BlockSettings, FusionSettings
from fusion.training import Fitting
from fusion.variant import Variant
from tests.fusion.small import Memory, with_blocks
from tests.planted import domain


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "ease"}, "WhyPath's own"),
        ({"name": "graph"}, "WhyPath's own"),
        ({"name": "../x"}, "lower case letters"),
        ({"family": "other"}, "`family` is one of"),
        ({"needs": frozenset({"smell"})}, "sets of `Input`"),
        ({"settings_type": dict}, "no pydantic model"),
        ({"search_space": {"strength": Between(1.0, 2.0)}}, "'strength', which is no setting"),
        ({"settings_type": EASESettings, "search_space": {"regularization": (2.0,)}}, "not Between or OneOf"),
    ],
)
def test_a_class_that_is_no_block_is_refused(changed: dict[str, Any], message: str) -> None:
    before = list(ENCODERS)
    with pytest.raises(ValueError, match=message):
        ENCODERS.add(type("Changed", (Memory,), changed))
    assert list(ENCODERS) == before


def test_what_is_no_class_of_a_block_is_refused() -> None:
    for other, message in ((NoSettings, "has no .*name, .*fit"), (3, "no class")):
        with pytest.raises((ValueError, AttributeError), match=message):
            ENCODERS._checked("other", other)


def test_settings_of_a_block_that_is_added_are_checked_and_kept() -> None:
    strong = type("Strong", (EASE,), {"name": "strong"})
    with pytest.raises(ValidationError, match=r"block\.strong"):
        FusionSettings.model_validate({"block": {"strong": {}}})
    ENCODERS.add(strong)
    try:
        given = FusionSettings.model_validate({"block": {"strong": {"regularization": 7}}})
        assert given.block.strong.regularization == 7.0
        assert FusionSettings.model_validate(given.model_dump(mode="json")) == given
        with pytest.raises(ValidationError, match=r"block\.strong\.regularization"):
            FusionSettings.model_validate({"block": {"strong": {"regularization": -1}}})
        # What it was trained with is written down, also where it was not asked for.
        seen = domain()
        fitting = Fitting(seen.graph, seen.interactions, asked=with_blocks("strong"), seed=1)
        assert fitting.model().asked.model_dump()["block"]["strong"]["regularization"] == 250.0
    finally:
        ENCODERS.remove("strong")
    assert BlockSettings().of("ease") == BlockSettings().ease
    with pytest.raises(UnknownBlock, match="no block 'strong'"):
        BlockSettings().of("strong")
    with pytest.raises(UnknownBlock, match="no block 'strong'"):
        Fitting(seen.graph, seen.interactions, asked=with_blocks("strong"))


def test_a_block_is_left_out_without_a_content_that_it_needs() -> None:
    seen, said = domain(), list[str]()
    pictures = type("Pictures", (Memory,), {"name": "pictures", "needs": frozenset({Input.IMAGE})})
    ENCODERS.add(pictures)
    try:
        for contents, blocks in (({}, ("ease",)), ({"image": np.ones((60, 3), np.float32)}, ("ease", "pictures"))):
            fitting = Fitting(
                seen.graph,
                seen.interactions,
                asked=with_blocks("ease", "pictures"),
                contents=contents,
                progress=said.append,
            )
            assert fitting.blocks == blocks
        assert said == ["pictures is left out: it needs image, and this training reads none"]
        with pytest.raises(UnknownBlock, match="no block is left"):
            Variant(without=frozenset({"image"})).blocks_of(["pictures"])
    finally:
        ENCODERS.remove("pictures")
