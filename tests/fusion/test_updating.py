"""An update takes in what came and loses what left, as a fit on the events of now does; the rest stays as trained."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.behavior import EASE
from encoders.behavior.rare import coarse_counts, without_rare_items
from encoders.block import refits
from fusion.model import FusionModel
from fusion.model_files import ModelUnreadable, read_model, write_model
from fusion.registry import ENCODERS
from fusion.training import Fitting, NoTimes, with_floor
from fusion.updating import UpdatedModel, updated_model
from kg.interactions import Interactions
from tests.fusion.small import with_blocks
from tests.planted import Domain, domain, vectors

NOW = domain().with_item("later", like=domain().items[3]).with_item("unseen", like=domain().items[5])
"""The domain of now: an item that came later and has users, and one without any."""

NOW = replace(NOW, texts=(*NOW.texts[:-2], "a later text", "a text unseen"))
FANS = sorted({user for user, _ in NOW.liked})[:30]
NOW = replace(NOW, liked=(*NOW.liked, *((user, "later") for user in FANS)))
FITTED = ("ease", "factease", "rp3beta", "itemknn", "popularity", "transitions", "ials", "text")
KEPT = ("gnn", "shared")
BLOCKS = (*FITTED, *KEPT)
GRAPH = NOW.graph


def events_of(pairs: Iterable[tuple[str, str]], over: Domain = NOW) -> Interactions:
    """Pairs as events one second apart, over the items of a domain."""
    pairs = list(pairs)
    return replace(over.pairs(pairs), times=np.arange(len(pairs), dtype=np.float64))


def updated(model: FusionModel, pairs: Iterable[tuple[str, str]], over: Domain = NOW) -> UpdatedModel:
    return updated_model(model, over.graph, events_of(pairs, over), encode={"text": vectors})


@pytest.fixture(scope="module")
def model() -> FusionModel:
    """Trained on the first two thirds of the events, before the later items came."""
    before = domain()
    contents = {"text": vectors(before.graph.item_texts.to_list())}
    first = [pair for pair in before.liked[: 2 * len(before.liked) // 3] if pair[1] != before.items[0]]
    asked = with_blocks(*BLOCKS)
    made = Fitting(before.graph, events_of(first, before), asked=asked, seed=1, contents=contents).model()
    assert set(made.states) == set(BLOCKS)
    return made


def test_blocks_that_refit_are_those_of_a_fit_on_the_events_of_now(model: FusionModel) -> None:
    made = updated(model, NOW.liked)
    assert set(made.blocks) == set(FITTED)
    assert made.new_items == 2
    assert made.model.kept is not None
    assert made.model.kept.blocks == set(KEPT)
    histories = without_rare_items(events_of(NOW.liked).histories(), 2)
    blocks = made.model.blocks_over(made.model.catalogue(GRAPH))
    data = replace(NOW.training(), histories=histories)
    for name in FITTED:
        chosen = with_floor(model.settings.block.of(name), 2)
        fitted = ENCODERS[name].fit(data, chosen, seed=1).scores(histories)
        np.testing.assert_array_equal(blocks[name].scores(histories), fitted, err_msg=name)
        assert fitted[:, GRAPH.item_index("later")].any()
    np.testing.assert_array_equal(made.model.items.users, coarse_counts(histories.item_users(), 2))


def test_what_learns_by_training_stays_and_takes_later_items_as_new(model: FusionModel) -> None:
    made = updated(model, NOW.liked).model
    before, after = (m.blocks_over(m.catalogue(GRAPH, {"text": vectors})) for m in (model, made))
    for name in KEPT:
        assert made.states[name] is model.states[name]
        np.testing.assert_array_equal(after[name].scores(NOW.histories), before[name].scores(NOW.histories))
    assert made.gates is model.gates
    for name in ("settings", "asked", "weights", "relations", "variant", "seed"):
        assert getattr(made, name) == getattr(model, name), name


def test_an_updated_model_is_saved_and_read(model: FusionModel, tmp_path: Path) -> None:
    made = updated(model, NOW.liked).model
    write_model(made, tmp_path / "model")
    read = read_model(tmp_path / "model")
    # The vectors of later texts are in it: none is asked for.
    scores = made.bind(GRAPH).scores(NOW.histories)
    np.testing.assert_array_equal(read.bind(GRAPH).scores(NOW.histories), scores)
    write_model(read, tmp_path / "again")
    for path in (tmp_path / "model").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_texts_that_cannot_be_encoded_now_are_left_to_the_next_binding(model: FusionModel) -> None:
    made = updated_model(model, GRAPH, events_of(NOW.liked)).model
    asked: list[str] = []

    def encode(texts):
        asked.extend(texts)
        return vectors(texts)

    bound = made.bind(GRAPH, {"text": encode})
    assert sorted(asked) == ["a later text", "a text unseen"]
    at_once = updated(model, NOW.liked).model.bind(GRAPH)
    # The text block was fitted without these texts.
    for name in set(BLOCKS) - {"text"}:
        np.testing.assert_array_equal(
            bound.blocks[name].scores(NOW.histories), at_once.blocks[name].scores(NOW.histories), err_msg=name
        )


@given(cuts=st.lists(st.integers(len(NOW.liked) // 2, len(NOW.liked)), max_size=3), seed=st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_many_updates_come_to_the_same_as_one(model: FusionModel, cuts: list[int], seed: int) -> None:
    """Events come in any order and in steps."""
    stream = [NOW.liked[place] for place in np.random.default_rng(seed).permutation(len(NOW.liked))]
    step = model
    for cut in cuts:
        step = updated(step, stream[:cut]).model
    many, one = updated(step, NOW.liked).model, updated(model, NOW.liked).model
    blocks, expected = (m.blocks_over(m.catalogue(GRAPH)) for m in (many, one))
    for name in BLOCKS:
        scores = blocks[name].scores(NOW.histories)
        np.testing.assert_array_equal(scores, expected[name].scores(NOW.histories), err_msg=name)
        assert many.spreads[name] == one.spreads[name]
    assert many.kept is not None
    assert one.kept is not None
    np.testing.assert_array_equal(many.kept.places, one.kept.places)
    assert many.kept.n_items == one.kept.n_items == domain().graph.n_items
    np.testing.assert_array_equal(many.bind(GRAPH).scores(NOW.histories), one.bind(GRAPH).scores(NOW.histories))


def test_items_that_left_are_not_in_it(model: FusionModel) -> None:
    gone = NOW.items[7]
    rest = replace(
        NOW,
        items=tuple(item for item in NOW.items if item != gone),
        texts=tuple(text for item, text in zip(NOW.items, NOW.texts, strict=True) if item != gone),
        edges=tuple(edge for edge in NOW.edges if edge.head != gone),
        liked=tuple(pair for pair in NOW.liked if pair[1] != gone),
    )
    made = updated(updated(model, NOW.liked).model, rest.liked, rest).model
    assert gone not in made.items.ids
    assert np.isfinite(made.bind(rest.graph).scores(rest.histories)).all()
    # In a snapshot that has it again it is a new item.
    assert np.isfinite(made.bind(GRAPH, {"text": vectors}).scores(NOW.histories)).all()


def test_a_forgotten_user_leaves_the_closed_forms_and_the_floor_holds(model: FusionModel) -> None:
    """A film that only the forgotten user and another one had is that of a single user, and so of none."""
    user, other = FANS[0], FANS[1]
    pairs = [pair for pair in NOW.liked if pair[1] != "later"]
    with_user = updated(model, [*pairs, (user, "later"), (other, "later")]).model
    item = GRAPH.item_index("later")
    assert with_user.states["ease"].tensors["weights"][item].any()
    rest = [pair for pair in pairs if pair[0] != user] + [(other, "later")]
    without = updated(with_user, rest).model
    chosen = with_floor(model.settings.block.of("ease"), 2)
    fitted = EASE.learn(without_rare_items(events_of(rest).histories(), 2), chosen)
    np.testing.assert_array_equal(without.states["ease"].tensors["weights"], fitted.state().tensors["weights"])
    for name in FITTED:
        if not ENCODERS[name].serves_new_items:
            scores = without.blocks_over(without.catalogue(GRAPH))[name].scores(NOW.histories)
            assert not scores[:, item].any(), name
    assert not without.states["ials"].tensors["vectors"][item].any()
    assert without.items.users[item] == 0


def test_an_item_that_came_later_is_no_evidence_against_itself(model: FusionModel) -> None:
    made = updated(model, NOW.liked).model
    side = made.item_side(made.catalogue(GRAPH))
    assert not side.dormant[GRAPH.item_index("unseen")]
    # It was in the training, and has no user yet.
    quiet = domain().items[0]
    apart = updated(model, [pair for pair in NOW.liked if pair[1] != quiet]).model
    assert apart.item_side(apart.catalogue(GRAPH)).dormant[GRAPH.item_index(quiet)]


def test_a_model_of_what_comes_next_needs_times(model: FusionModel) -> None:
    with pytest.raises(NoTimes, match="events have no time"):
        updated_model(model, GRAPH, NOW.interactions)


def test_blocks_declare_whether_they_can_be_updated() -> None:
    assert {name for name, block in ENCODERS.items() if refits(block)} == set(FITTED)


def edited(folder: Path, **kept: object) -> None:
    path = folder / "model.json"
    description = json.loads(path.read_text())
    path.write_text(json.dumps({**description, "kept": {**description["kept"], **kept}}))


def test_what_a_file_says_of_the_training_is_checked(model: FusionModel, tmp_path: Path) -> None:
    made = updated(model, NOW.liked).model
    n_items = domain().graph.n_items
    for kept, message in (
        ({"blocks": ["none"]}, "'kept' names a block"),
        ({"items": -1}, "kept.items"),
        ({"items": 10}, "its place in the training"),
        ({"items": n_items + 1}, "its arrays are of"),
        ({"more": 1}, "kept.more"),
    ):
        write_model(made, tmp_path)
        edited(tmp_path, **kept)
        with pytest.raises(ModelUnreadable, match=message):
            read_model(tmp_path)
    for places in ([0, 0], [-2, 1], [n_items, 1]):
        assert made.kept is not None
        wrong = np.concatenate([places, made.kept.places[2:]]).astype(np.int32)
        damaged = copy(made)
        damaged.kept = replace(made.kept, places=wrong)
        write_model(damaged, tmp_path)
        with pytest.raises(ModelUnreadable, match="its place in the training"):
            read_model(tmp_path)
    # Blocks that were not fitted on the former catalogue are not taken for such.
    write_model(made, tmp_path)
    edited(tmp_path, blocks=["shared", "gnn", "ease"])
    with pytest.raises(ModelUnreadable, match="its arrays are of"):
        read_model(tmp_path)
