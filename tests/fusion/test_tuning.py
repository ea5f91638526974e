"""The search of settings: it finds what is planted, goes on where it was interrupted, and keeps what is as good."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from encoders import search_space
from encoders.behavior import EASE, EASESettings
from encoders.search_space import Between, OneOf, SearchSpace
from fusion import tuning
from fusion.registry import ENCODERS
from fusion.settings import BlockSettings, FusionSettings
from fusion.training import Fitting
from fusion.tuning import TrialFile, TrialsUnreadable, TuningNotInstalled, proposed
from tests.fusion.small import with_blocks
from tests.planted import domain

SEEN = domain()
FAR = BlockSettings(ease=EASESettings(regularization=1e5))


@pytest.fixture
def optuna() -> None:
    pytest.importorskip("optuna")


def fitting(trials: int, path: Path | None = None, *, blocks: Sequence[str] = ("ease",), seed: int = 1) -> Fitting:
    """A training that searches; its progress is in `said`."""
    asked = with_blocks(*blocks).model_copy(update={"tune": trials, "block": FAR})
    said: list[str] = []
    made = Fitting(SEEN.graph, SEEN.interactions, asked=asked, seed=seed, progress=said.append, trials=path)
    made.said = said  # pyright: ignore[reportAttributeAccessIssue]
    return made


@pytest.mark.usefixtures("optuna")
def test_proposals_lie_in_the_ranges_and_come_again() -> None:
    space = {"a": Between(0.5, 8.0), "b": Between(3, 50), "c": OneOf((1, 2)), "d": Between(0.0, 1.0, log=False)}
    # What was asked for may lie outside.
    tried = [({"a": 100.0, "b": 1, "c": 2, "d": 0.5}, 0.1)]
    for _ in range(9):
        found = proposed(space, tried, seed=3)
        assert found == proposed(space, tried, seed=3)
        assert 0.5 <= found["a"] <= 8.0
        assert 3 <= found["b"] <= 50
        assert isinstance(found["b"], int)
        assert found["c"] in (1, 2)
        tried.append((found, -abs(np.log(found["a"] / 3.0)) - abs(found["d"] - 0.7)))
    assert len({repr(settings) for settings, _ in tried}) == len(tried)


@pytest.mark.usefixtures("optuna")
def test_few_trials_find_a_planted_optimum() -> None:
    space = {"a": Between(1.0, 1e6), "d": Between(0.0, 1.0, log=False)}
    tried = [({"a": 1e6, "d": 0.0}, 0.0)]
    for _ in range(19):
        found = proposed(space, tried, seed=1)
        tried.append((found, np.exp(-(np.log10(found["a"] / 300) ** 2) - (found["d"] - 0.7) ** 2)))
    assert max(value for _, value in tried) > 0.98


@pytest.mark.usefixtures("optuna")
def test_settings_that_rank_better_are_taken_and_said() -> None:
    made = fitting(8)
    found = made.settings.block.ease.regularization
    assert found < 5e4
    said = made.said  # pyright: ignore[reportAttributeAccessIssue]
    assert sum("of 8, ndcg@10" in line for line in said) == 8
    assert any(line.startswith(f"ease: regularization {found:g} (") and " ± " in line for line in said)
    # The model states what it was asked for and what was chosen.
    model = made.model()
    assert (model.asked.tune, model.asked.block.ease.regularization) == (8, 1e5)
    assert model.settings.block.ease.regularization == found


@pytest.mark.usefixtures("optuna")
def test_blocks_without_ranges_are_said_to_have_nothing_to_search() -> None:
    searched = fitting(3, blocks=("popularity",))
    assert searched.settings.block.of("popularity") == ENCODERS["popularity"].settings_type()
    assert any("popularity: nothing is searched" in line for line in searched.said)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.usefixtures("optuna")
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "bundle.trials.json"
    whole = fitting(6, blocks=("ease", "rp3beta")).settings
    made: list[int] = []
    propose = tuning.proposed

    def counted(space: SearchSpace, tried: Sequence[tuple[Mapping[str, Any], float]], seed: int) -> dict[str, Any]:
        made.append(len(tried))
        if len(made) == 4:
            raise KeyboardInterrupt
        return propose(space, tried, seed)

    monkeypatch.setattr(tuning, "proposed", counted)
    with pytest.raises(KeyboardInterrupt):
        _ = fitting(6, path, blocks=("ease", "rp3beta")).settings
    assert fitting(6, path, blocks=("ease", "rp3beta")).settings == whole
    # Only what was interrupted is proposed again.
    assert made[:5] == [*made[:4], made[3]]
    number = len(made)
    assert fitting(6, path, blocks=("ease", "rp3beta")).settings == whole
    assert len(made) == number
    # Fewer trials are the first ones, more of them continue.
    assert fitting(1, path, blocks=("ease", "rp3beta")).settings != whole
    _ = fitting(7, path, blocks=("ease", "rp3beta")).settings
    assert made[number:] == [6, 6]


@pytest.mark.usefixtures("optuna")
def test_a_search_is_not_worse_than_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EASE, "search_space", {"regularization": Between(1.0, 1e6, step=30.0)})
    steps = fitting(0).asked.model_copy(update={"protocol": "next"})
    timed = replace(SEEN.interactions, times=np.arange(len(SEEN.interactions), dtype=np.float64))
    found = Fitting(SEEN.graph, timed, asked=steps, seed=1).settings.block
    assert found != FAR
    path = tmp_path / "trials.json"
    _ = Fitting(SEEN.graph, timed, asked=steps.model_copy(update={"tune": 2}), seed=1, trials=path).settings
    trial = TrialFile.model_validate_json(path.read_bytes()).blocks["ease"][1]
    assert trial.settings == {"regularization": found.ease.regularization}


@pytest.mark.usefixtures("optuna")
def test_trials_of_another_training_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "trials.json"
    _ = fitting(2, path).settings
    first = path.read_bytes()
    _ = fitting(2, path, seed=2).settings
    assert path.read_bytes() != first
    kept = TrialFile.model_validate_json(path.read_bytes())
    assert {name: len(trials) for name, trials in kept.blocks.items()} == {"ease": 2}
    assert (tmp_path / "trials.json.former").read_bytes() == first


@pytest.mark.usefixtures("optuna")
@pytest.mark.parametrize(
    "settings", [{"regularisation": 3.0}, {"regularization": "much"}, {"regularization": -5.0}, {}]
)
def test_trials_of_settings_that_a_block_does_not_have_are_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "trials.json"
    _ = fitting(2, path).settings
    content = json.loads(path.read_bytes())
    content["blocks"]["ease"][1]["settings"] = settings
    path.write_text(json.dumps(content))
    with pytest.raises(TrialsUnreadable, match="trial 2 of ease has settings that the block does not have"):
        _ = fitting(3, path).settings
    assert json.loads(path.read_bytes()) == content


@pytest.mark.usefixtures("optuna")
@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"data": "x", "blocks": {"ease": [{"value": "much"}]}}'])
def test_a_file_of_something_else_is_not_replaced(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "trials.json"
    path.write_bytes(content)
    with pytest.raises(TrialsUnreadable, match=r"is no file of trials .* move it away"):
        _ = fitting(2, path).settings
    assert path.read_bytes() == content


@pytest.mark.usefixtures("optuna")
def test_what_gains_less_than_its_error_is_not_taken() -> None:
    # More users than the few that differ by chance; the best setting is asked for.
    best = fitting(8).settings.block
    asked = with_blocks("ease").model_copy(update={"tune": 4, "block": best})
    said: list[str] = []
    made = Fitting(SEEN.graph, SEEN.interactions, asked=asked, seed=1, progress=said.append)
    assert made.settings.block == made.asked.block
    assert any("ease: the asked settings stay" in line for line in said)


@pytest.mark.usefixtures("optuna")
def test_a_block_of_a_package_is_searched_and_its_failures_count_as_nothing() -> None:
    class Odd(EASE):
        name = "odd"
        search_space: ClassVar[SearchSpace] = {"regularization": Between(1.0, 2e5)}

        @classmethod
        def fit(cls, data, settings=None, *, seed=0):  # pyright: ignore[reportIncompatibleMethodOverride]
            assert isinstance(settings, EASESettings)
            if settings.regularization < 2e4:
                raise ValueError("too weak")
            return super().fit(data, settings, seed=seed)

    ENCODERS.add(Odd)
    try:
        asked = FusionSettings.model_validate(
            {"blocks": ["odd"], "tune": 12, "block": {"odd": {"regularization": 1e5}}}
        )
        said: list[str] = []
        made = Fitting(SEEN.graph, SEEN.interactions, asked=asked, seed=1, progress=said.append)
        assert made.settings.block.odd.regularization >= 2e4
    finally:
        ENCODERS.remove("odd")
    assert any("failed: too weak" in line for line in said)
    assert any("ndcg@10 0.0000" in line for line in said)


@pytest.mark.usefixtures("optuna")
def test_a_value_on_the_edge_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # Everything but the middle of the range.
    monkeypatch.setattr(search_space, "EDGE", 0.5)
    made = fitting(8)
    assert made.settings.block.ease.regularization < 5e4
    said = made.said  # pyright: ignore[reportAttributeAccessIssue]
    assert f"ease: regularization lies on the edge of what was tried, {EASE.search_space['regularization']}" in said


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "find_spec", lambda name: None if name == "optuna" else find_spec(name))
    with pytest.raises(TuningNotInstalled, match=r"pip install 'whypath\[tune\]'"):
        fitting(2)
    assert fitting(0).settings.tune == 0
