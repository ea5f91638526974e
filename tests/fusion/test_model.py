from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save

from fusion.model import FusionModel
from fusion.model_files import ModelUnreadable, read_model, write_model
from fusion.ranker import Ranker
from fusion.training import Fitting
from kg.histories import Histories
from tests.fusion.small import with_blocks
from tests.planted import Domain, domain, vectors
from whypath.testing.blocks.domain import histories_of

SEEN = domain()
LIKED_ITEMS = SEEN.items[:12]


@pytest.fixture(scope="module")
def model() -> FusionModel:
    """All families of blocks."""
    texts = vectors(SEEN.graph.item_texts.to_list())
    chosen = with_blocks("ease", "ials", "gnn", "shared", "text")
    return Fitting(SEEN.graph, SEEN.interactions, asked=chosen, seed=1, contents={"text": texts}).model()


@pytest.fixture(scope="module")
def ranker(model: FusionModel) -> Ranker:
    return model.bind(SEEN.graph)


histories = st.lists(st.integers(0, SEEN.graph.n_items - 1), unique=True, max_size=25)


def row(history: Sequence[int], n_items: int = SEEN.graph.n_items) -> Histories:
    return Histories.of_items(history, n_items)


@given(history=histories, item=st.integers(0, SEEN.graph.n_items - 1))
@settings(max_examples=60, deadline=None)
def test_a_split_adds_up_to_the_score(ranker: Ranker, history: list[int], item: int) -> None:
    score = float(ranker.scores(row(history))[0, item])
    split = ranker.split(row(history), item)
    assert split.score == pytest.approx(score, abs=1e-4)
    assert split.bias + sum(block.share for block in split.blocks) == pytest.approx(score, abs=1e-4)
    assert split.bias + float(split.history.sum()) == pytest.approx(score, abs=1e-4)
    assert [block.block for block in split.blocks] == list(ranker.gates.blocks)
    graph = sum(block.history for block in split.blocks if block.block in {"gnn", "shared"})
    np.testing.assert_allclose(split.facts.shares.sum(axis=1) + split.facts.own, graph, atol=1e-4)
    assert len(set(split.facts.nodes.tolist())) == len(split.facts.nodes)
    assert split.facts.shares.shape == (len(history), len(split.facts.nodes))


@given(chosen=st.lists(st.integers(0, SEEN.graph.n_items - 1), max_size=20))
@settings(max_examples=20, deadline=None)
def test_candidates_are_columns_of_all_scores(ranker: Ranker, chosen: list[int]) -> None:
    columns = np.array(chosen, dtype=np.intp)
    full = ranker.scores(SEEN.histories)
    np.testing.assert_allclose(ranker.scores(SEEN.histories, columns), full[:, columns], rtol=1e-4, atol=1e-5)


def test_the_fusion_ranks_what_was_liked_above_the_rest(ranker: Ranker) -> None:
    scores, taken = ranker.scores(SEEN.histories), SEEN.matrix.toarray() > 0
    assert scores.dtype == np.float32
    assert scores[taken].mean() > scores[~taken].mean() + scores.std() / 2
    assert ranker.n_items == SEEN.graph.n_items


def test_a_saved_model_is_plain_files_that_need_nothing_else(model: FusionModel, tmp_path: Path) -> None:
    write_model(model, tmp_path / "model")
    found = read_model(tmp_path / "model")
    names = {path.name for path in (tmp_path / "model").iterdir()}
    blocks = {f"block-{name}.safetensors" for name in model.states}
    assert names == {"model.json", "items.parquet", "fusion.safetensors", *blocks}
    for name in ("settings", "asked", "variant", "seed", "relations"):
        assert getattr(found, name) == getattr(model, name)
    for path in (tmp_path / "model").iterdir():
        path.unlink()
    np.testing.assert_array_equal(
        found.bind(SEEN.graph).scores(SEEN.histories), model.bind(SEEN.graph).scores(SEEN.histories)
    )


def test_saving_what_was_loaded_changes_no_byte(model: FusionModel, tmp_path: Path) -> None:
    single = Fitting(SEEN.graph, SEEN.interactions, asked=with_blocks("ease"), seed=1).model()
    for name, each in (("many", model), ("single", single)):
        first, second = tmp_path / name, tmp_path / f"{name} again"
        write_model(each, first)
        write_model(read_model(first), second)
        for path in first.iterdir():
            assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_what_is_no_model_is_said_to_be_none(model: FusionModel, tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="train again or copy it again"):
        read_model(tmp_path)
    for name, content in (
        ("model.json", b"{"),
        ("fusion.safetensors", b"\0\0"),
        ("fusion.safetensors", save({"weights": np.ones(1)})),
        ("items.parquet", b"PAR1"),
        ("block-ease.safetensors", None),
    ):
        write_model(model, tmp_path / "model")
        path = tmp_path / "model" / name
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelUnreadable, match="cannot be read"):
            read_model(tmp_path / "model")
    write_model(model, tmp_path / "model")
    description = json.loads((tmp_path / "model" / "model.json").read_text())
    for content, message in (({**description, "format": 99}, "of format 99"), ([], "of format None")):
        (tmp_path / "model" / "model.json").write_text(json.dumps(content))
        with pytest.raises(ModelUnreadable, match=message):
            read_model(tmp_path / "model")


def with_copies() -> Domain:
    """Every liked item once more, under another key, with the same facts and text."""
    wider = SEEN
    for item in LIKED_ITEMS:
        wider = wider.with_item(f"zz-{item}", like=item)
    return wider


def test_new_items_are_ranked_by_facts_and_text(model: FusionModel) -> None:
    """Among items that came after training, those like what a user has stand above the others."""
    wider = with_copies()
    ranker = model.bind(wider.graph, {"text": vectors})
    old, new = (wider.graph.item_indices([f"{prefix}{item}" for item in LIKED_ITEMS]) for prefix in ("", "zz-"))
    known = wider.graph.item_indices(SEEN.items)
    histories = np.zeros((SEEN.matrix.shape[0], wider.graph.n_items), dtype=np.float32)
    histories[:, known] = SEEN.matrix.toarray()
    scores = ranker.scores(histories_of(histories), new.astype(np.intp))
    taken = histories[:, old] > 0
    right = [
        (found[has][:, None] > found[~has][None, :]).mean()
        for found, has in zip(scores, taken, strict=True)
        if has.any() and not has.all()
    ]
    assert np.mean(right) > 0.7
    # What was there before is scored as before, whatever came.
    np.testing.assert_allclose(
        ranker.scores(histories_of(histories))[:, known],
        model.bind(SEEN.graph).scores(SEEN.histories),
        rtol=1e-3,
        atol=1e-4,
    )
    # New is not dormant.
    assert not model.item_side(model.catalogue(wider.graph)).dormant[new].any()


def test_items_may_go(model: FusionModel) -> None:
    fewer = replace(
        SEEN,
        items=SEEN.items[5:],
        texts=SEEN.texts[5:],
        edges=tuple(edge for edge in SEEN.edges if edge.head in SEEN.items[5:]),
    )
    kept = SEEN.graph.item_indices(fewer.items)
    histories = SEEN.matrix.toarray().copy()
    histories[:, [index for index in range(SEEN.graph.n_items) if index not in set(kept.tolist())]] = 0
    expected = model.bind(SEEN.graph).scores(histories_of(histories))[:, kept]
    found = model.bind(fewer.graph).scores(histories_of(histories[:, kept]))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_only_texts_that_training_did_not_see_are_encoded(model: FusionModel) -> None:
    changed = replace(SEEN, texts=("brand new words", "", *SEEN.texts[2:]))
    asked: list[list[str]] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.append(list(texts))
        return vectors(texts)

    catalogue = model.catalogue(changed.graph, {"text": encode})
    assert asked == [["brand new words"]]
    texts = catalogue.contents["text"]
    first, second, third = changed.graph.item_indices(changed.items[:3])
    np.testing.assert_array_equal(texts[first], vectors(["brand new words"])[0])
    assert not texts[second].any()
    np.testing.assert_array_equal(texts[third], vectors([SEEN.texts[2]])[0])
    without = model.catalogue(changed.graph).contents["text"]
    assert not without[first].any()
    before = model.bind(SEEN.graph).scores(SEEN.histories)
    after = model.bind(changed.graph, {"text": encode}).scores(SEEN.histories)
    assert not np.allclose(before[:, first], after[:, first])
