from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fusion.ablation import TooFewUsers, ablate, twins
from fusion.evaluation import RankingTask, evaluate
from fusion.model import FusionModel
from fusion.model_files import write_model
from fusion.protocol import Protocol
from fusion.ranking import tie_break_keys
from fusion.results import EvaluationResult
from fusion.settings import FusionSettings
from fusion.training import Fitting
from fusion.variant import Variant
from tests.fusion.small import with_blocks
from tests.planted import domain, vectors

WHOLE = domain(users=300)
COLD = WHOLE.items[::4]
SEEN = WHOLE.without_events_on(COLD)
GRAPH = SEEN.graph


def fitting(settings: FusionSettings, told: list[str] | None = None, variant: Variant | None = None) -> Fitting:
    """A training in which nobody has taken the items of `COLD`."""
    return Fitting(
        GRAPH,
        SEEN.interactions,
        asked=settings,
        seed=1,
        variant=variant or Variant(),
        contents={"text": vectors(GRAPH.item_texts.to_list())},
        progress=None if told is None else told.append,
    )


def measure(model: FusionModel, name: str) -> EvaluationResult:
    """How well it ranks the items that nobody had taken."""
    users = SEEN.interactions.user_ids
    rows = [WHOLE.interactions.user_ids.index(user) for user in users]
    cold = np.sort(GRAPH.item_indices(COLD)).astype(np.intp)
    task = RankingTask(
        history=SEEN.histories,
        test=WHOLE.matrix[rows],
        tie_break=tie_break_keys(GRAPH.item_ids),
        user_ids=users,
        candidates=cold,
    )
    return evaluate(model.bind(GRAPH), task, name=name, ks=(10,))


def test_every_part_is_taken_out_and_compared_with_the_full_model() -> None:
    told: list[str] = []
    settings = with_blocks("ease", "shared", "text")
    found = ablate(fitting(settings, told), measure, progress=told.append)
    assert [row.name for row in found.rows] == [
        "without ease",
        "without shared",
        "without text",
        "twin: no graph",
        "twin: shuffled graph",
        "twin: no text",
    ]
    assert [row.kind for row in found.rows] == ["left out"] * 3 + ["twin"] * 3
    assert found.blocks == ("ease", "shared", "text")
    by_name = {row.name: row for row in found.rows}
    for row in found.rows:
        assert row.part not in row.blocks
        assert row.difference.mean == pytest.approx(row.means["ndcg@10"] - found.full.mean("ndcg@10"))
        assert row.difference.n_users == len(found.full.users)
    # New items are known by their facts: without those, or with those of others, the model is worse.
    for name in ("without shared", "twin: no graph", "twin: shuffled graph"):
        assert by_name[name].difference.significant
        assert by_name[name].difference.mean < -0.02
    # Behaviour says nothing of them.
    assert "ease" in found.without_effect
    assert "shared" not in found.without_effect
    text = str(found)
    assert "Not significantly worse without: ease" in text
    assert all(row.name in text for row in found.rows)
    assert found.comparison().differences()["twin: no text"] == by_name["twin: no text"].difference
    # The model and its three twins are cross-fitted; leaving a block out fits none again.
    assert sum("Fitting ease on fold 1" in line for line in told) == 4
    assert sum("Fitting ease on all of train" in line for line in told) == 4


def test_the_full_result_may_be_known_already() -> None:
    measured: list[str] = []

    def listen(model: FusionModel, name: str) -> EvaluationResult:
        measured.append(name)
        return measure(model, name)

    settings = with_blocks("ease", "popularity")
    full = measure(fitting(settings).model(), "bundle")
    found = ablate(fitting(settings), listen, full=full)
    assert found.full is full
    assert found.comparison().baseline == "bundle"
    assert measured == ["without ease", "without popularity"]
    # Nothing but behaviour: no twin would differ.
    assert {row.kind for row in found.rows} == {"left out"}


@pytest.mark.parametrize(
    ("blocks", "variant", "expected"),
    [
        (("ease",), Variant(), []),
        (("ease", "gnn"), Variant(), ["no graph", "shuffled graph", "no text"]),
        (("ease", "gnn"), Variant(without=frozenset({"text"})), ["no graph", "shuffled graph"]),
        (("ease", "gnn"), Variant(graph="none"), ["no text"]),
        (("shared", "text"), Variant(only="shared"), ["shuffled graph"]),
        (("gnn", "text"), Variant(only="gnn"), ["no graph", "shuffled graph", "no text"]),
        (("ease", "text"), Variant(only="text"), []),
    ],
)
def test_twins_differ_from_the_model(blocks: tuple[str, ...], variant: Variant, expected: list[str]) -> None:
    made = list(twins(fitting(with_blocks(*blocks), variant=variant)))
    assert [name.removeprefix("twin: ") for name, _, _ in made] == expected
    assert all(twin.variant.only == variant.only for _, _, twin in made)


def test_a_model_of_what_comes_next_has_a_twin_without_time() -> None:
    times = np.arange(len(SEEN.interactions), dtype=np.float64)
    timed = Fitting(GRAPH, replace(SEEN.interactions, times=times), asked=with_blocks("ease", "transitions"), seed=1)
    assert timed.protocol is Protocol.NEXT
    ((name, part, twin),) = list(twins(timed))
    assert (name, part, twin.protocol, twin.blocks) == ("twin: no time", "time", Protocol.RANDOM, ("ease",))
    only = Fitting(GRAPH, replace(SEEN.interactions, times=times), asked=with_blocks("transitions"), seed=1)
    assert not list(twins(only))


def test_one_user_is_too_few_to_compare() -> None:
    def one(model: FusionModel, name: str) -> EvaluationResult:
        found = measure(model, name)
        per_user = {metric: values[:1] for metric, values in found.per_user.items()}
        return replace(found, users=found.users[:1], per_user=per_user)

    with pytest.raises(TooFewUsers, match="has 1 user, and"):
        ablate(fitting(with_blocks("ease", "shared")), one)


def test_a_training_is_made_again_from_what_the_model_keeps(tmp_path: Path) -> None:
    """Settings that were chosen on valid are not chosen again from where the first choice ended."""
    settings = with_blocks("ease", "itemknn")
    held = np.random.default_rng(1).random(len(SEEN.liked)) < 0.2
    pairs = [[pair for pair, out in zip(SEEN.liked, held, strict=True) if out == part] for part in (False, True)]
    train, valid = (SEEN.pairs(part) for part in pairs)
    told: list[str] = []
    first = Fitting(GRAPH, train, valid, asked=settings, seed=1).model()
    again = Fitting(GRAPH, train, valid, asked=first.asked, seed=1, chosen=first.settings, progress=told.append).model()
    assert first.asked == settings
    assert not any("Choosing" in line for line in told)
    for name, model in (("first", first), ("again", again)):
        write_model(model, tmp_path / name)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
