"""Dislikes in an engine: the next list, the explanation, users without any like, the saved bundle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from kg.opening import open_store
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from tests.fusion.small import with_blocks
from whypath import Engine
from whypath.answering.results import Basis

GROUPS, SIZE, USERS = 4, 10, 60

SCHEMA = DomainSchema.from_mapping(
    {
        "name": "tastes",
        "nodes": {"item": {"role": "item"}, "maker": {}, "user": {"role": "user"}},
        "relations": {"made": {"head": "item", "tail": "maker", "source": "made.csv", "label": "made by"}},
        "interactions": {
            "rating": {"positive": {"min_weight": 4}, "negative": {"max_weight": 2}, "negative_label": "panned"},
            "not_interested": {"positive": False, "negative": True, "negative_label": "did not want"},
        },
    }
)


def name(group: int, number: int) -> str:
    return f"i{group}{number:02d}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store of users who each like items of two makers, and a bundle trained on it."""
    folder = tmp_path_factory.mktemp("dislikes")
    rng = np.random.default_rng(4)
    items = [name(group, number) for group in range(GROUPS) for number in range(SIZE)]
    nodes = [NodeRow("item", item, f"Item {item}") for item in items]
    nodes += [NodeRow("maker", f"m{group}", f"Maker {group}") for group in range(GROUPS)]
    events = []
    for user in range(USERS):
        one, two = rng.permutation(GROUPS)[:2].tolist()
        rated = [(name(group, n), 5.0) for group in (one, two) for n in rng.permutation(SIZE)[:4].tolist()]
        rated += [(name(group, 0), 1.0) for group in range(GROUPS) if group not in (one, two)]
        events += [
            Event.of(f"u{user}", item, "item", "rating", time=float(time), weight=weight)
            for time, (item, weight) in enumerate(rated)
        ]
    store = open_store(folder / "store", create=True)
    with closing(store), store.begin_load(SCHEMA, replace=False, source_digest="planted") as writer:
        writer.write_nodes(nodes)
        writer.write_edges("made", [EdgeRow("made", item, f"m{item[1]}") for item in items])
        writer.write_events(events)
        writer.finish()
    with Engine.open(folder / "store") as engine:
        record = engine.train(settings=with_blocks("ease", "ials", "shared"))
        assert record.protocol == "next"
        engine.save(folder / "bundle")
    return folder / "store", folder / "bundle"


@pytest.fixture
def engine(made: tuple[Path, Path]) -> Iterator[Engine]:
    with Engine.open(*made) as engine:
        yield engine


def scores(engine: Engine, user: str) -> dict[str, float]:
    """Of all items that are listed."""
    return {item.item: item.score for item in engine.recommend(user, k=engine.graph.n_items)}


def test_a_dislike_moves_the_very_next_list_and_its_explanation_says_so(engine: Engine) -> None:
    for time, item in enumerate((name(0, 1), name(0, 2), name(1, 1), name(1, 2))):
        engine.record(engine.event("ann", item, kind="rating", weight=5, time=100.0 + time))
    before = scores(engine, "ann")
    engine.record(engine.event("ann", name(0, 3), kind="not_interested", time=200.0))
    after = scores(engine, "ann")
    assert name(0, 3) not in after
    alike, other = ({item for item in after if item[1] == group} for group in "01")
    assert all(after[item] < before[item] for item in alike)
    fallen = np.mean([before[item] - after[item] for item in alike])
    assert fallen > 3 * np.mean([abs(after[item] - before[item]) for item in other])
    # The history still holds as many likes.
    assert engine.recommend("ann").history == 4
    found = engine.explain("ann", name(0, 5))
    assert found.score == pytest.approx(after[name(0, 5)], rel=1e-4)
    (against,) = (share for share in found.history if share.disliked)
    assert against.item == name(0, 3)
    assert against.share < 0
    assert sum(share.share for share in found.blocks) == pytest.approx(found.score, rel=1e-4)
    bias = next(share.share for share in found.blocks if share.block == "bias")
    assert sum(share.share for share in found.history) == pytest.approx(found.score - bias, rel=1e-3, abs=1e-5)
    assert f"Item {name(0, 3)} (disliked)" in str(found)
    texts = [path.text for path in engine.explain("ann", name(0, 5), paths=10).paths]
    assert any(text.startswith("you liked Item") for text in texts)


def test_a_later_like_takes_a_dislike_back(engine: Engine) -> None:
    engine.record(engine.event("bea", name(2, 1), kind="rating", weight=5, time=100.0))
    engine.record(engine.event("bea", name(2, 3), kind="rating", weight=1, time=200.0))
    (share,) = (share for share in engine.explain("bea", name(2, 5)).history if share.item == name(2, 3))
    assert share.disliked
    engine.record(engine.event("bea", name(2, 3), kind="rating", weight=5, time=300.0))
    (share,) = (share for share in engine.explain("bea", name(2, 5)).history if share.item == name(2, 3))
    assert not share.disliked
    assert share.share > 0


def test_who_takes_the_only_like_back_is_served_as_who_only_dislikes(engine: Engine) -> None:
    engine.record(engine.event("dora", name(3, 4), kind="rating", weight=5, time=100.0))
    engine.record(engine.event("dora", name(3, 4), kind="rating", weight=1, time=200.0))
    engine.record(engine.event("eric", name(3, 4), kind="rating", weight=1, time=200.0))
    dora, eric = (engine.recommend(user, k=engine.graph.n_items) for user in ("dora", "eric"))
    assert (dora.basis, dora.history) == (Basis.POPULARITY, 0)
    assert [(item.item, item.score) for item in dora.items] == [(item.item, item.score) for item in eric.items]
    # One user, or several at once.
    assert [found.items for found in engine.recommend_many(["dora", "eric"], k=5)] == [dora.items[:5], eric.items[:5]]


def test_a_long_explanation_names_the_sum_of_the_rows_that_it_leaves_out(engine: Engine) -> None:
    found = engine.explain("u1", name(0, 5))
    left = found.history[8:]
    assert left
    assert f"{len(left)} more" in str(found)
    assert f"{sum(share.share for share in left):+.4f}" in str(found)


def test_who_only_dislikes_gets_popularity_less_what_is_like_it(engine: Engine) -> None:
    popular = scores(engine, "nobody")
    engine.record(engine.event("cleo", name(3, 4), kind="not_interested", time=100.0))
    found = engine.recommend("cleo", k=engine.graph.n_items)
    assert found.basis is Basis.POPULARITY
    assert "less what dislikes count against items" in found.note
    assert (found.history, len(found)) == (0, engine.graph.n_items - 1)
    ranks, usual = ({item: rank for rank, item in enumerate(listed)} for listed in (scores(engine, "cleo"), popular))
    moved = {group: np.mean([ranks[i] - usual[i] for i in ranks if i[1] == group]) for group in "0123"}
    assert moved["3"] > 0
    assert moved["3"] > max(moved[group] for group in "012")
    for item in found.items[::7]:
        told = engine.explain("cleo", item.item)
        assert told.basis is Basis.POPULARITY
        assert told.score == pytest.approx(item.score, rel=1e-4, abs=1e-5)
        assert sum(share.share for share in told.blocks) == pytest.approx(told.score, rel=1e-4, abs=1e-5)
        assert [share.item for share in told.history] == [name(3, 4)]
    alike = engine.explain("cleo", name(3, 5))
    assert alike.history[0].share < 0
    assert alike.paths[0].text.startswith(f"you did not want Item {name(3, 4)}")


def test_many_users_get_what_one_gets(engine: Engine) -> None:
    users = ["u1", "u2", "u3", "unknown"]
    for found in engine.recommend_many(users, k=8):
        assert found.user is not None
        alone = engine.recommend(found.user, k=8)
        assert [item.item for item in found] == [item.item for item in alone]
        np.testing.assert_allclose([i.score for i in found], [i.score for i in alone], rtol=1e-4)


def test_dislikes_are_not_learned_as_likes_and_are_known_by_the_snapshot(engine: Engine) -> None:
    graph = engine.graph
    likes, dislikes = graph.interactions(), graph.dislikes()
    assert dislikes is not None
    assert len(likes) >= USERS * 8
    assert len(dislikes) >= USERS * (GROUPS - 2)
    history, seen = graph.history_of("u1", ["rating"])
    assert history.dislikes is not None
    assert not set(history.items.tolist()) & set(history.dislikes.items.tolist())
    assert set(seen.tolist()) == {*history.items.tolist(), *history.dislikes.items.tolist()}
    assert engine.bundle.record.data.n_events == USERS * 8
