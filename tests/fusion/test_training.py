from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoders.behavior import EASE, CatalogueTooLarge
from encoders.block import Family, Input
from fusion.model import FusionModel
from fusion.model_files import read_model, write_model
from fusion.protocol import Protocol
from fusion.registry import ENCODERS
from fusion.settings import CrossFitSettings, FusionSettings, GateSettings
from fusion.training import Fitting, NoTimes
from fusion.variant import UnknownBlock, Variant
from kg.interactions import Interactions
from tests.fusion.small import SMALL, Memory, with_blocks
from tests.planted import Domain, domain, vectors

SEEN = domain()
ALL = with_blocks("ease", "gnn", "shared", "text")
EXACT = SMALL.model_copy(update={"min_users": 1})


def trained(
    over: Domain = SEEN,
    settings: FusionSettings = SMALL,
    *,
    variant: Variant | None = None,
    seed: int = 1,
    texts: bool = True,
) -> FusionModel:
    """A model of a domain's interactions."""
    return Fitting(
        over.graph,
        over.interactions,
        asked=settings,
        seed=seed,
        variant=variant or Variant(),
        contents={"text": vectors(over.graph.item_texts.to_list())} if texts else {},
    ).model()


def files(model: FusionModel, folder: Path) -> dict[str, bytes]:
    """The bytes of a saved model, by file."""
    write_model(model, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def blocks_of(model: FusionModel) -> set[str]:
    assert set(model.states) == set(model.gates.blocks)
    return set(model.states)


@pytest.fixture
def memory() -> Iterator[type[Memory]]:
    yield ENCODERS.add(Memory)
    ENCODERS.remove("memory")


def test_a_planted_memory_is_taken_out_and_useful_blocks_stay(memory: type[Memory]) -> None:
    """Perfect on what it was trained on, random on all else: in-sample scores would make it the best block of all."""
    many = domain(users=400)
    settings = with_blocks("memory", "ease", "shared").model_copy(
        update={"gates": GateSettings(), "crossfit": CrossFitSettings(folds=3)}
    )
    model = trained(many, settings)
    assert blocks_of(model) == {"ease", "shared"}
    given = many.histories
    remembered, ease = memory.fit(many.training(), seed=1), EASE.learn(given)
    taken = given.matrix().toarray() > 0

    def in_sample(scores: np.ndarray) -> float:
        return float((scores[taken].mean() - scores[~taken].mean()) / scores.std())

    assert in_sample(remembered.scores(given)) > in_sample(ease.scores(given))


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    first, again = (files(trained(settings=ALL), tmp_path / name) for name in ("first", "again"))
    assert first == again
    assert files(trained(settings=ALL, seed=2), tmp_path / "other") != first


def test_the_snapshots_own_interactions_are_not_read(tmp_path: Path) -> None:
    full = SEEN.graph_with_events
    assert len(full.interactions()) == len(SEEN.liked)
    models = [Fitting(graph, SEEN.interactions, asked=SMALL, seed=1).model() for graph in (full, SEEN.graph)]
    first, second = (files(model, tmp_path / str(number)) for number, model in enumerate(models))
    assert first == second
    scores = models[0].bind(full).scores(SEEN.histories)
    np.testing.assert_array_equal(scores, models[1].bind(SEEN.graph).scores(SEEN.histories))


def test_without_the_graph_nothing_is_read_from_relations(tmp_path: Path) -> None:
    """Neither blocks nor gates differ from those of a domain that has no relations."""
    settings, variant = with_blocks("ease", "gnn", "shared", "text"), Variant(graph="none")
    bare = replace(SEEN, edges=())
    first = files(trained(settings=settings, variant=variant), tmp_path / "full")
    assert first == files(trained(bare, settings, variant=variant), tmp_path / "bare")
    model = read_model(tmp_path / "full")
    assert not blocks_of(model) & {"shared", "factease"}
    scores = model.bind(SEEN.graph).scores(SEEN.histories)
    np.testing.assert_array_equal(scores, model.bind(bare.graph).scores(SEEN.histories))


def test_a_shuffled_graph_is_shuffled_by_the_seed() -> None:
    model = trained(variant=Variant(graph="shuffled"))
    graph = SEEN.graph.shuffled(1)
    same = Fitting(graph, SEEN.interactions, asked=SMALL, seed=1).model()
    np.testing.assert_array_equal(
        model.bind(SEEN.graph).scores(SEEN.histories), same.bind(graph).scores(SEEN.histories)
    )
    assert not np.array_equal(model.gates.weights, trained().gates.weights)


def test_without_text_no_text_is_read(tmp_path: Path) -> None:
    settings = with_blocks("ease", "gnn", "text")
    first = files(trained(settings=settings, variant=Variant(without=frozenset({"text"}))), tmp_path / "first")
    other = replace(SEEN, texts=tuple("other words" for _ in SEEN.texts))
    assert first == files(trained(other, settings, variant=Variant(without=frozenset({"text"}))), tmp_path / "second")
    model = read_model(tmp_path / "first")
    assert "text" not in model.states
    assert not any(name.startswith("text") for name in model.states.get("gnn", model.states["ease"]).tensors)
    assert not model.items.contents


def test_items_without_any_text_leave_the_text_block_out() -> None:
    assert "text" not in trained(settings=with_blocks("ease", "text"), texts=False).states
    with pytest.raises(UnknownBlock, match="text need text, and this training reads none"):
        trained(settings=with_blocks("text"), texts=False)


@pytest.mark.parametrize(
    ("only", "kept"), [("behavior", {"ease", "popularity"}), ("shared", {"shared"}), ("text", {"text"})]
)
def test_only_a_family_or_a_block(only: str, kept: set[str]) -> None:
    settings = with_blocks("ease", "popularity", "shared", "text")
    model = trained(settings=settings, variant=Variant(only=only))
    assert blocks_of(model) == kept
    form = model.gates.form
    # A model without behaviour does not look at popularity, one without graph not at facts.
    assert form.popularity_bias == form.item == (only == "behavior")
    assert not form.fact_bias


def test_a_block_alone_is_ranked_by_its_own_scores() -> None:
    model = trained(variant=Variant(only="ials"))
    (state,) = model.states.values()
    block = ENCODERS["ials"].from_state(state, SEEN.catalogue())
    np.testing.assert_array_equal(model.bind(SEEN.graph).scores(SEEN.histories), block.scores(SEEN.histories))


@pytest.mark.parametrize(
    ("variant", "blocks", "message"),
    [
        (Variant(only="esae"), ("ease",), "there is no block 'esae'; name one of behavior, graph, text, popularity"),
        (Variant(only="shared", graph="none"), ("ease",), "no block is left with only='shared', graph='none'"),
        (Variant(only="text", without=frozenset({"text"})), ("ease",), "no block is left"),
        (Variant(only="graph"), ("ease",), "no block is left"),
    ],
)
def test_nothing_to_fit_is_an_error_with_names(variant: Variant, blocks: tuple[str, ...], message: str) -> None:
    with pytest.raises(UnknownBlock, match=message):
        trained(settings=with_blocks(*blocks), variant=variant)


def split(share: float = 0.25) -> tuple[Interactions, Interactions]:
    """Train and valid, with one item that stands in valid alone."""
    held = np.random.default_rng(4).random(len(SEEN.liked)) < share
    last = SEEN.liked[-1][1]
    held |= np.array([item == last for _, item in SEEN.liked])
    pairs = np.array(SEEN.liked)
    return SEEN.pairs(map(tuple, pairs[~held])), SEEN.pairs(map(tuple, pairs[held]))


def test_refit_learns_from_valid_too() -> None:
    train, valid = split()
    item = SEEN.graph.item_index(SEEN.liked[-1][1])
    plain, again, alone = (
        Fitting(SEEN.graph, train, given, asked=EXACT, seed=1, refit=refit).model()
        for given, refit in ((valid, False), (valid, True), (None, False))
    )
    assert plain.items.users[item] == 0
    assert again.items.users[item] == (valid.items == item).sum()
    both = np.bincount(SEEN.matrix.indices, minlength=SEEN.graph.n_items)
    np.testing.assert_array_equal(again.items.users, both)
    # The gates are those of train: only the blocks are fitted again.
    np.testing.assert_array_equal(again.gates.weights, plain.gates.weights)
    np.testing.assert_array_equal(
        again.states["ease"].tensors["weights"],
        EASE.learn(SEEN.histories, again.settings.block.ease).state().tensors["weights"],
    )
    np.testing.assert_array_equal(alone.states["ease"].tensors["weights"], plain.states["ease"].tensors["weights"])


def test_blocks_that_cannot_hold_the_catalogue_are_left_out_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(EASE, "max_items", 20)
    model = Fitting(SEEN.graph, SEEN.interactions, asked=SMALL, seed=1, progress=told.append).model()
    assert blocks_of(model) == {"shared"}
    n_items = len(np.unique(SEEN.matrix.indices))
    assert told[0] == f"ease is left out: {n_items} items have interactions, and it is made for 20"
    monkeypatch.setattr(EASE, "max_items", n_items)
    fits = Fitting(SEEN.graph, SEEN.interactions, asked=SMALL, seed=1).model()
    assert "ease" in fits.states


def test_no_block_that_can_hold_the_catalogue_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ease", "shared"):
        monkeypatch.setattr(ENCODERS[name], "max_items", 5)
    with pytest.raises(CatalogueTooLarge, match="more than ease and shared can hold; train with other blocks"):
        Fitting(SEEN.graph, SEEN.interactions, asked=SMALL).model()
    with pytest.raises(CatalogueTooLarge, match="more than ease can hold"):
        Fitting(SEEN.graph, SEEN.interactions, variant=Variant(only="ease")).model()


def test_encoders_declare_the_limits_of_their_blocks() -> None:
    assert {name for name, block in ENCODERS.items() if block.max_items is not None} == {"transitions"}
    assert {name for name, block in ENCODERS.items() if Input.TEXT in block.needs | block.uses} == {"gnn", "text"}
    assert {name for name, block in ENCODERS.items() if Input.GRAPH in block.needs} == {"factease", "shared"}
    assert {name for name, block in ENCODERS.items() if Input.TIMES in block.needs} == {"transitions"}
    assert all(block.name == name for name, block in ENCODERS.items())


def test_with_too_few_interactions_to_hold_out_all_blocks_count_the_same() -> None:
    few = replace(SEEN, liked=tuple((f"u{number}", SEEN.items[number]) for number in range(4)))
    told: list[str] = []
    model = Fitting(few.graph, few.interactions, asked=SMALL, seed=1, progress=told.append).model()
    assert "Too few interactions" in " ".join(told)
    np.testing.assert_array_equal(model.gates.weights, [1, 1])
    assert np.isfinite(model.bind(few.graph).scores(few.histories)).all()


def test_a_fitting_makes_models_without_blocks_from_the_same_scores() -> None:
    told: list[str] = []
    settings = with_blocks("ease", "popularity", "shared")
    fitting = Fitting(SEEN.graph, SEEN.interactions, asked=settings, seed=1, progress=told.append)
    assert fitting.families == {Family.BEHAVIOR, Family.GRAPH}
    # Nothing is fitted before it is asked for.
    assert not told
    full = fitting.model()
    np.testing.assert_array_equal(full.gates.weights, trained(settings=settings).gates.weights)
    folds = [line for line in told if "fold" in line]
    without = fitting.model(without=["ease"])
    assert "ease" not in without.states
    assert without.settings.blocks == ("popularity", "shared")
    assert fitting.model(without=["ease", "shared"]).gates.blocks == ("popularity",)
    # Nothing is fitted twice.
    assert [line for line in told if "fold" in line] == folds
    assert len([line for line in told if "on all of train" in line]) == 3
    with pytest.raises(UnknownBlock, match="no block 'gnn' to leave out"):
        fitting.model(without=["gnn"])
    with pytest.raises(UnknownBlock, match="nothing is left"):
        fitting.model(without=["ease", "popularity", "shared"])


def test_under_random_any_times_give_the_same_model() -> None:
    """Times and order are not read where the model does not predict what comes next."""
    events = SEEN.interactions
    asked = with_blocks("ease", "gnn", "shared").model_copy(update={"protocol": "random"})
    models = []
    for times in (None, np.arange(len(events), dtype=np.float64), np.random.default_rng(3).random(len(events))):
        order = np.random.default_rng(4).permutation(len(events)) if times is not None else np.arange(len(events))
        shuffled = replace(events.take(order), times=times)
        model = Fitting(SEEN.graph, shuffled, asked=asked, seed=1).model()
        assert model.protocol is Protocol.RANDOM
        models.append(model.bind(SEEN.graph).scores(SEEN.histories))
    for scores in models[1:]:
        np.testing.assert_array_equal(scores, models[0])


def test_a_model_of_what_comes_next_knows_what_follows() -> None:
    """In planted sequences each item is followed by its successor; a model without time cannot know that."""
    seen = domain(users=120, items=40)
    rng = np.random.default_rng(5)
    starts = rng.integers(0, 40, 120)
    items = ((starts[:, None] + np.arange(12)) % 40).astype(np.int32)
    users = np.repeat(np.arange(120, dtype=np.int32), 12)
    times = np.tile(np.arange(12, dtype=np.float64), 120)
    events = Interactions(users, items.ravel(), [f"u{user}" for user in range(120)], 40, None, times)
    asked = FusionSettings(blocks=("ease", "ials", "transitions"))
    model = Fitting(seen.graph, events, asked=asked, seed=1).model()
    assert model.protocol is Protocol.NEXT
    assert "transitions" in model.gates.blocks
    ranker, histories = model.bind(seen.graph), events.histories()
    scores = ranker.scores(histories)
    scores[histories.matrix().toarray() > 0] = -np.inf
    following = (items[:, -1] + 1) % 40
    assert np.mean(scores.argmax(axis=1) == following) > 0.9
    # The split is exact with weighed events as well.
    for user in (0, 7):
        history = histories.take(np.array([user]))
        split = ranker.split(history, int(following[user]))
        assert split.score == pytest.approx(float(scores[user, following[user]]), rel=1e-4)
        assert split.score == pytest.approx(split.bias + split.history.sum(), rel=1e-4)


def test_a_store_without_times_cannot_be_trained_for_what_comes_next() -> None:
    asked = with_blocks("ease").model_copy(update={"protocol": "next"})
    with pytest.raises(NoTimes, match="time of every event"):
        Fitting(SEEN.graph, SEEN.interactions, asked=asked)
