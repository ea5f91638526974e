"""Settings chosen on valid: moved only where valid is clear, and never by a look at anything else."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from pydantic import BaseModel

from encoders.behavior import EASE, EASESettings, ItemKNN, ItemKNNSettings
from encoders.block import Block
from encoders.search_space import Between
from fusion.evaluation import RankingTask
from fusion.ranking import tie_break_keys
from fusion.registry import ENCODERS, BlockType
from fusion.selection import choose_settings
from fusion.settings import BlockSettings, FusionSettings
from kg.histories import Histories


def _halves(n_users: int = 120, n_items: int = 40) -> tuple[sp.csr_array, sp.csr_array]:
    """Train and valid of users who like one half of the items or the other."""
    rng = np.random.default_rng(3)
    likes = np.zeros((n_users, n_items), dtype=np.float32)
    for user in range(n_users):
        half = np.arange(n_items // 2) + (user % 2) * (n_items // 2)
        likes[user, rng.choice(half, 8, replace=False)] = 1.0
    held = np.zeros_like(likes)
    for user in range(n_users):
        held[user, rng.choice(np.flatnonzero(likes[user]), 2, replace=False)] = 1.0
    return sp.csr_array(likes - held), sp.csr_array(held)


def _task(train: sp.csr_array, valid: sp.csr_array) -> RankingTask:
    return RankingTask(
        history=Histories.of_matrix(train),
        test=valid,
        tie_break=tie_break_keys([f"i{item}" for item in range(train.shape[1])]),
        user_ids=[f"u{user}" for user in range(train.shape[0])],
    )


def test_a_setting_that_valid_cannot_tell_from_others_stays() -> None:
    train, valid = _halves()
    told: list[str] = []

    def fit(name: str, settings: BaseModel) -> Block:
        # The same block whatever the setting: no difference, so no reason to move.
        return EASE.learn(Histories.of_matrix(train), EASESettings(regularization=50.0))

    chosen = choose_settings(FusionSettings(), ("ease",), fit, _task(train, valid), told.append)
    assert chosen == FusionSettings()
    assert told
    assert told[0].startswith("ease: regularization 250")


def test_a_setting_that_valid_clearly_prefers_is_taken() -> None:
    train, valid = _halves()
    asked = FusionSettings(block=BlockSettings(ease=EASESettings(regularization=100.0)))
    shuffled = sp.csr_array(train[np.random.default_rng(0).permutation(train.shape[0])][:, ::-1])

    def fit(name: str, settings: BaseModel) -> Block:
        assert isinstance(settings, EASESettings)
        # Only the doubled setting learns from the data at hand.
        noise = sp.csr_array(shuffled[:, np.random.default_rng(1).permutation(40)])
        return EASE.learn(Histories.of_matrix(train if settings.regularization == 200.0 else noise))

    chosen = choose_settings(asked, ("ease", "text"), fit, _task(train, valid), lambda _: None)
    assert chosen.block.ease.regularization == 200.0
    assert chosen.block.model_copy(update={"ease": asked.block.ease}) == asked.block


def test_settings_beyond_a_fields_limits_are_not_tried() -> None:
    train, valid = _halves()
    asked = FusionSettings(block=BlockSettings(itemknn=ItemKNNSettings(neighbours=1)))
    fitted: list[int] = []

    def fit(name: str, settings: BaseModel) -> Block:
        assert isinstance(settings, ItemKNNSettings)
        fitted.append(settings.neighbours)
        return ItemKNN.learn(Histories.of_matrix(train), settings)

    choose_settings(asked, ("itemknn",), fit, _task(train, valid), lambda _: None)
    # Not 0; steps from outside the searched range lead into it.
    assert fitted == [1, 2, 4, 8, 16]


def test_steps_go_on_as_long_as_it_gets_better() -> None:
    train, valid = _halves()
    fitted: list[float] = []
    halves = np.arange(40) // 20
    right = np.equal.outer(halves, halves).astype(np.float32)
    noise = np.random.default_rng(2).normal(size=(40, 40)).astype(np.float32)

    def fit(name: str, settings: BaseModel) -> Block:
        assert isinstance(settings, EASESettings)
        fitted.append(settings.regularization)
        away = abs(np.log2(settings.regularization / 25.0))
        return EASE((right + away * noise).astype(np.float32), settings, np.arange(40, dtype=np.int32))

    asked = FusionSettings(block=BlockSettings(ease=EASESettings(regularization=200.0)))
    chosen = choose_settings(asked, ("ease",), fit, _task(train, valid), lambda _: None)
    assert fitted == [200.0, 100.0, 50.0, 25.0, 12.5]
    assert chosen.block.ease.regularization == 25.0


@pytest.mark.parametrize("block", [block for block in ENCODERS.values() if block.search_space])
def test_every_tried_field_is_a_number_whose_default_is_inside_its_range(block: BlockType) -> None:
    defaults = block.settings_type()
    for field, values in block.search_space.items():
        assert isinstance(values, Between)
        default = getattr(defaults, field)
        # A zero has no place in a range that is searched in the logarithm.
        assert default == 0 or not values.is_edge(default)
        assert isinstance(default, int) == values.is_whole
        for end in (values.low, values.high):
            block.settings_type.model_validate({**defaults.model_dump(), field: end})
