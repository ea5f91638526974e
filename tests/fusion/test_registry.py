"""The registry takes block classes that say all of themselves, and refuses others with what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from encoders.behavior import EASE
from encoders.block import NoSettings
from fusion.registry import ENCODERS, UnknownBlock
from fusion.settings import BlockSettings, FusionSettings
from fusion.training import Fitting
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
        ({"search_space": {"strength": (2.0,)}}, "'strength', which is no setting"),
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
