"""What lists leave out: items that a user has had, not those merely looked at; and what paths say was done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from kg.errors import WhyPathError
from kg.ids import BadId
from kg.ingest import load_domain
from kg.opening import open_store
from kg.schema import DomainSchema
from whypath import Engine
from whypath.answering.behaviour import behaviour_of_store

GROUPS, ITEMS, USERS = 3, 36, 30


def shop(**view: object) -> DomainSchema:
    columns = {"user": "user", "item": "item"}
    bought = {"source": {"table": "events"}, "where": {"event": "purchase"}, "columns": columns, "label": "bought"}
    viewed = {"source": {"table": "events"}, "where": {"event": "view"}, "columns": columns, "label": "viewed"}
    rated = {"columns": None, "positive": {"min_weight": 4}, "label": "rated"}
    return DomainSchema.from_mapping(
        {
            "name": "shop",
            "nodes": {
                "item": {"role": "item", "source": {"table": "items"}, "key": "id", "links": {"genre": "genre"}},
                "genre": {},
                "user": {"role": "user"},
            },
            "interactions": {"purchase": bought, "view": {**viewed, "positive": False, **view}, "rating": rated},
        },
        "the shop",
    )


def events() -> pd.DataFrame:
    """User u buys six items of group u % 3 and looks at the six others of the group."""
    rows = []
    for user in range(USERS):
        of_group = [item for item in range(ITEMS) if item % GROUPS == user % GROUPS]
        for at in range(12):
            item = of_group[(user // GROUPS + at) % 12]
            rows.append((user, item, "purchase" if at < 6 else "view"))
    return pd.DataFrame(rows, columns=["user", "item", "event"])


def engine_over(folder: Path, schema: DomainSchema) -> Engine:
    store = open_store(folder, create=True)
    items = [{"id": item, "genre": f"genre {item % GROUPS}"} for item in range(ITEMS)]
    load_domain(schema, store, tables={"items": items, "events": events()})
    store.close()
    engine = Engine.open(folder)
    engine.train(text=False, only="ease")
    return engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = engine_over(tmp_path_factory.mktemp("shop") / "store", shop())
    yield engine
    engine.close()


def listed(engine: Engine, user: int, **options) -> list[int]:
    return [int(item.item) for item in engine.recommend(user, 12, **options).items]


def did(user: int, event: str) -> set[int]:
    table = events()
    return set(table[(table.user == user) & (table.event == event)]["item"])


def test_what_was_viewed_is_recommended_and_what_was_bought_is_not(engine: Engine) -> None:
    for user in range(6):
        found = listed(engine, user)
        assert set(found[:6]) == did(user, "view")
        assert not set(found) & did(user, "purchase")


def test_a_call_says_what_is_left_out(engine: Engine) -> None:
    neither = listed(engine, 0, leave_out=["view", "purchase"])
    assert not set(neither) & (did(0, "view") | did(0, "purchase"))
    assert not set(listed(engine, 0, leave_out=["view"])) & did(0, "view")
    assert set(listed(engine, 0, leave_out=["view"])) & did(0, "purchase")
    everything = listed(engine, 0, repeats=True)
    assert set(everything) == {item for item in range(ITEMS) if item % GROUPS == 0}
    with pytest.raises(WhyPathError, match="no kind of events 'seen'; there are: purchase, rating, view"):
        engine.recommend(0, leave_out=["seen"])


def test_a_bad_rating_leaves_an_item_out_at_once(engine: Engine) -> None:
    best = engine.recommend("rater-of-1", 3, include=sorted(map(str, did(1, "view")))).items[0].item
    engine.record(engine.event("rater-of-1", best, kind="rating", weight=1))
    assert best not in {item.item for item in engine.recommend("rater-of-1", ITEMS).items}


def test_the_description_says_what_is_left_out(tmp_path: Path) -> None:
    with engine_over(tmp_path / "store", shop(excludes=True)) as engine:
        assert not set(listed(engine, 0)) & did(0, "view")
        seen = behaviour_of_store(engine.graph, ["0"]).seen.indices
        had = did(0, "view") | did(0, "purchase")
        assert {int(engine.graph.item_ids[item]) for item in seen.tolist()} == had


def test_many_users_at_once_get_the_same_lists(engine: Engine) -> None:
    behaviour = behaviour_of_store(engine.graph, ["0", "1"])
    ids = engine.graph.item_ids
    for row, user in enumerate((0, 1)):
        had = behaviour.seen.indices[behaviour.seen.indptr[row] : behaviour.seen.indptr[row + 1]]
        assert {int(ids[item]) for item in had.tolist()} == did(user, "purchase")
    nothing = behaviour_of_store(engine.graph, ["0"], leave_out=())
    assert nothing.seen.nnz == 0


def test_paths_say_what_the_user_did(engine: Engine) -> None:
    item = listed(engine, 0)[0]
    assert all(path.text.startswith("you bought ") for path in engine.explain(0, item).paths)
    # Of a history that is nobody's it is not known whether it was bought or rated.
    given = engine.explain_for([*did(0, "purchase")], item)
    assert given.paths
    assert all(path.text.startswith("you chose ") for path in given.paths)


def test_ids_are_numbers_or_texts(engine: Engine) -> None:
    assert engine.recommend(0, 5) == engine.recommend("0", 5)
    some = pd.Series(sorted(did(0, "purchase")))
    assert engine.recommend_for(some, 5) == engine.recommend_for([str(item) for item in some], 5)
    assert engine.similar(some[0], 3) == engine.similar(str(some[0]), 3)
    assert engine.event(0, some[0], kind="view", time=1.0) == engine.event("0", str(some[0]), kind="view", time=1.0)
    assert engine.recommend(0, 3, exclude=[some[0]], include=range(9)).items
    for wrong in (None, 1.5, True):
        with pytest.raises(BadId):
            engine.recommend(wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadId, match="a history is a list of ids"):
        engine.recommend_for("50")


def test_more_than_there_is_gives_what_there_is(engine: Engine) -> None:
    assert len(engine.recommend("nobody", 10**12).items) == ITEMS
    for k in (0, -1):
        with pytest.raises(WhyPathError, match="k must be at least 1"):
            engine.recommend(0, k)
