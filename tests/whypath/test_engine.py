"""The engine: known, new and unknown users, filters, new items, other processes, threads, bundles."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kg.errors import WhyPathError
from kg.graph import UnknownItem
from kg.opening import open_store
from kg.rows import EdgeRow, NodeRow
from kg.stores import StoreLoading
from tests.workshop import Workshop
from whypath import Engine
from whypath.answering.results import Basis
from whypath.engine import EngineClosed
from whypath.models.bundle import BundleError, NotTrained
from whypath.models.training import NothingToTrainOn

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reading(workshop: Workshop) -> Iterator[Engine]:
    """An engine over the shared store; for tests that only read."""
    with Engine.open(workshop.store, workshop.bundle) as engine:
        yield engine


@pytest.fixture
def engine(workshop: Workshop, tmp_path: Path) -> Iterator[Engine]:
    """An engine over a store of the test's own."""
    shutil.copytree(workshop.store, tmp_path / "store")
    with Engine.open(tmp_path / "store", workshop.bundle) as engine:
        yield engine


def a_user(engine: Engine) -> str:
    return engine.graph.interactions().user_ids[0]


def items_of(engine: Engine, user: str) -> set[str]:
    return {engine.graph.item_ids[item] for table in engine.graph.events_of(user) for item in table.items}


def test_a_known_user_gets_k_items_that_are_new_to_them(reading: Engine) -> None:
    user = a_user(reading)
    found = reading.recommend(user, k=10)
    assert len(found) == 10
    assert found.basis is Basis.HISTORY
    assert not items_of(reading, user) & {item.item for item in found}
    assert [item.rank for item in found] == list(range(1, 11))
    scores = [item.score for item in found]
    assert scores == sorted(scores, reverse=True)


def test_repeats_may_be_asked_for(reading: Engine) -> None:
    user = a_user(reading)
    everything = reading.recommend(user, k=reading.graph.n_items, repeats=True)
    assert len(everything) == reading.graph.n_items
    assert items_of(reading, user) < {item.item for item in everything}


def test_a_history_given_here_answers_like_the_users_own(reading: Engine) -> None:
    graph = reading.graph
    events = graph.interactions()
    row = next(row for row in range(events.n_users) if (events.users == row).sum() >= 5)
    liked = [graph.item_ids[item] for item in events.items[events.users == row]]
    user = events.user_ids[row]
    seen = items_of(reading, user)
    given = reading.recommend_for([*liked, "no such item"], k=10, exclude=sorted(seen - set(liked)))
    assert [item.item for item in given] == [item.item for item in reading.recommend(user, k=10)]
    assert "1 of the" in given.note
    assert "no such item" in given.note


def test_unknown_users_get_popularity_marked_as_such(reading: Engine) -> None:
    found = reading.recommend("never seen", k=5)
    assert found.basis is Basis.POPULARITY
    assert "popularity" in found.note
    assert [item.item for item in found] == [item.item for item in reading.recommend_for([], k=5)]
    counts = np.bincount(reading.graph.interactions().items, minlength=reading.graph.n_items)
    best = reading.graph.item_index(found[0].item)
    assert counts[best] >= np.quantile(counts, 0.9)


def test_filters_come_before_the_top_k(reading: Engine) -> None:
    user = a_user(reading)
    wanted = list(reading.graph.item_ids[5:40])
    found = reading.recommend(user, k=7, include=wanted, exclude=[wanted[0]])
    assert len(found) == 7
    assert {item.item for item in found} <= set(wanted[1:])


def test_an_empty_or_short_list_says_why(reading: Engine) -> None:
    user = a_user(reading)
    none = reading.recommend(user, k=5, include=[])
    assert len(none) == 0
    assert "No item is left" in none.note
    assert "include: 0 ids: 0" in none.note
    own = sorted(items_of(reading, user))
    seen = reading.recommend(user, k=5, include=own)
    assert len(seen) == 0
    assert f"{len(own)} of these are among the {len(own)} that the user has had" in seen.note
    assert "No item is left" in str(none)


def test_similar_items_leave_the_item_out(reading: Engine) -> None:
    item = reading.graph.item_ids[3]
    found = reading.similar(item, k=4)
    assert len(found) == 4
    assert item not in {near.item for near in found}
    with pytest.raises(UnknownItem):
        reading.similar("no such item")


def test_k_must_be_positive(reading: Engine) -> None:
    with pytest.raises(WhyPathError, match="k must be at least 1"):
        reading.recommend(a_user(reading), k=0)


def test_results_print_and_become_frames_and_data(reading: Engine) -> None:
    user = a_user(reading)
    found = reading.recommend(user, k=3)
    assert user in str(found)
    assert found[0].label in str(found)
    assert found.to_pandas().columns.tolist() == ["user", "rank", "item", "label", "kind", "score"]
    assert found.to_json()["items"][0]["rank"] == 1
    near = reading.similar(found[0].item, k=2)
    assert near.to_pandas()["rank"].tolist() == [1, 2]
    assert near.label in str(near)


def test_an_event_counts_at_the_next_answer(engine: Engine) -> None:
    assert engine.recommend("newcomer").basis is Basis.POPULARITY
    item = engine.recommend("newcomer", k=1)[0].item
    report = engine.record(engine.event("newcomer", item, weight=5))
    assert report.written == 1
    found = engine.recommend("newcomer", k=10)
    assert found.basis is Basis.HISTORY
    assert found.history == 1
    assert item not in {other.item for other in found}
    again = engine.record(engine.event("newcomer", item, weight=5, time=1.0), engine.event("newcomer", item, time=1.0))
    assert again.written == 2


def test_an_event_that_is_not_positive_is_no_taste_but_is_not_listed(engine: Engine) -> None:
    item = engine.recommend("critic", k=1)[0].item
    engine.record(engine.event("critic", item, weight=1))
    found = engine.recommend("critic", k=10)
    assert found.basis is Basis.POPULARITY
    assert item not in {other.item for other in found}


def test_a_forgotten_user_is_unknown(engine: Engine) -> None:
    user = a_user(engine)
    report = engine.forget(user)
    assert report.events > 0
    assert report.remaining == 0
    assert engine.recommend(user).basis is Basis.POPULARITY


def test_new_items_are_recommended_from_a_bundle_that_never_saw_them(engine: Engine) -> None:
    graph = engine.graph
    user = a_user(engine)
    top = engine.recommend(user, k=1)[0]
    node = graph.item_index(top.item)
    facts = graph.item_facts()
    copied = [
        (facts.relation_names[relation], graph.node_of(other)[1])
        for relation, other in zip(facts.relations[facts.of(node)], facts.nodes[facts.of(node)].tolist(), strict=True)
    ]
    store = open_store(engine.store.url)
    with store.begin_load(graph.schema, replace=False, source_digest="more") as writer:
        writer.write_nodes([NodeRow(top.kind, "brand new", "Brand new"), NodeRow(top.kind, "bare", "No facts")])
        for relation, tail in copied:
            assert writer.write_edges(relation, [EdgeRow(relation, "brand new", tail)]).refused == ()
        writer.finish()
    store.close()
    assert engine.refresh() is True
    ranked = [item.item for item in engine.recommend(user, k=graph.n_items)]
    # The facts of the item that this user is offered first speak for the new one, and nothing for the bare one.
    assert ranked.index("brand new") < ranked.index("bare")
    assert engine.explain(user, "brand new").paths


OUTSIDER = """
import sys
from whypath import Engine
with Engine.open(sys.argv[1]) as engine:
    print(engine.record(engine.event(sys.argv[2], sys.argv[3], weight=5)).written)
"""


def test_a_running_engine_sees_what_another_process_writes(engine: Engine) -> None:
    item = engine.recommend("outside", k=1)[0].item
    assert engine.refresh() is False
    done = subprocess.run(
        [sys.executable, "-c", OUTSIDER, engine.store.url, "outside", item],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1\n"
    engine.refresh()
    found = engine.recommend("outside")
    assert found.basis is Basis.HISTORY
    assert engine.refresh() is False


def test_a_load_in_progress_serves_the_old_state_and_refuses_training(engine: Engine, workshop: Workshop) -> None:
    before = engine.recommend(a_user(engine), k=5)
    store = open_store(engine.store.url)
    with store.begin_load(engine.graph.schema, replace=False, source_digest="half") as writer:
        writer.write_nodes([NodeRow(engine.graph.schema.item_kinds[0], "half", "Half")])
        assert engine.recommend(a_user(engine), k=5) == before
        with pytest.raises(StoreLoading, match="a load is in progress"):
            engine.train(workshop.train, text=False, only="popularity")
    store.close()
    with pytest.raises(StoreLoading, match="a load was interrupted"):
        engine.train(workshop.train, text=False, only="popularity")


def test_threads_may_read_and_write_at_once(engine: Engine) -> None:
    items = engine.graph.item_ids.to_list()
    users = list(engine.graph.interactions().user_ids[:4])
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(6):
                user = f"thread {number}"
                engine.record(engine.event(user, items[(number * 7 + turn) % len(items)], weight=5))
                assert engine.recommend(user, k=3).history == turn + 1
                assert len(engine.recommend(users[number], k=5)) == 5
                engine.explain(users[number], items[turn])
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_closed_engine_answers_nothing_but_what_it_had_begun(engine: Engine, workshop: Workshop) -> None:
    user, item = a_user(engine), engine.graph.item_ids[0]
    event = engine.event(user, item, kind="rated", weight=5.0)
    begun = engine.recommend_many([user], k=3)
    engine.close()
    assert len(next(begun)) == 3
    calls = {
        "recommend": (user,),
        "recommend_for": ([item],),
        "recommend_many": ([user],),
        "similar": (item,),
        "explain": (user, item),
        "explain_for": ([item], item),
        "event": (user, item),
        "record": (event,),
        "upsert": (),
        "deliver": (),
        "forget": (user,),
        "refresh": (),
        "scorer": (),
        "requests": (),
        "train": (),
        "update": (),
        "load": (workshop.bundle,),
        "swap": (workshop.bundle,),
        "save": (workshop.bundle.parent / "never",),
        "trained_with": (user,),
    }
    for name, arguments in calls.items():
        with pytest.raises(EngineClosed, match="this engine is closed; open it again"):
            getattr(engine, name)(*arguments)
    for name in ("graph", "stale", "store", "queue"):
        with pytest.raises(EngineClosed):
            getattr(engine, name)
    engine.close()


def test_without_a_model_the_engine_says_so(workshop: Workshop) -> None:
    with Engine.open(workshop.store) as engine:
        with pytest.raises(NotTrained):
            engine.recommend("1")
        with pytest.raises(NotTrained):
            engine.save("nowhere")


def test_training_on_the_stores_own_events(engine: Engine) -> None:
    record = engine.train(text=False, only="ease")
    assert record.data.train is None
    assert record.data.n_events == len(engine.graph.interactions())
    assert len(engine.recommend(a_user(engine), k=5)) == 5


def test_texts_are_encoded_only_for_blocks_that_read_them(engine: Engine) -> None:
    engine.train(only="shared")
    assert not engine.bundle.model.items.contents
    engine.train(only="text")
    assert "text" in engine.bundle.model.items.contents


def test_a_bundle_refuses_another_domain(workshop: Workshop, tmp_path: Path) -> None:
    from kg.ingest import load_domain

    text = workshop.domain.read_text().replace("min_weight: 4", "min_weight: 3")
    assert text != workshop.domain.read_text()
    other = tmp_path / "domain"
    shutil.copytree(workshop.domain.parent, other)
    (other / "domain.yaml").write_text(text)
    store = open_store(tmp_path / "store", create=True)
    load_domain(other / "domain.yaml", store)
    with pytest.raises(BundleError, match="other node kinds, fields, relations, interactions, or rules"):
        Engine.open(store, workshop.bundle)


def test_a_file_without_known_items_is_nothing_to_train_on(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("user\titem\nu\tnowhere\n")
    with pytest.raises(NothingToTrainOn, match=r"t\.tsv: no row is left to learn from \(1 rows; 1 on 1 items unknown"):
        engine.train(tmp_path / "t.tsv", text=False)


def test_rows_of_valid_that_are_in_train_are_left_out(engine: Engine, tmp_path: Path) -> None:
    items = engine.store.snapshot().item_ids[:6]
    rows = [f"u{user}\t{item}" for user in range(4) for item in items]
    train, valid = tmp_path / "t.tsv", tmp_path / "v.tsv"
    train.write_text("\n".join(["user\titem", *rows[:18]]))
    valid.write_text("\n".join(["user\titem", *rows[:18:3]]))
    with pytest.raises(NothingToTrainOn, match=r"v\.tsv: every row is in train too"):
        engine.train(train, valid, text=False)
    valid.write_text("\n".join(["user\titem", *rows[16:]]))
    told: list[str] = []
    engine.train(train, valid, only="ease", text=False, progress=told.append)
    assert any(line.startswith("valid: 2 of 8 rows are in train too") for line in told)
    chosen = engine.bundle.model.settings
    valid.write_text("\n".join(["user\titem", *rows[18:]]))
    engine.train(train, valid, only="ease", text=False)
    assert engine.bundle.model.settings == chosen
    # With valid the final fit has more events.
    counts = [engine.train(train, valid, only="ease", text=False, refit=refit).data.n_events for refit in (False, True)]
    assert counts == [18, 24]


def test_an_event_needs_its_item_and_its_kind(reading: Engine) -> None:
    with pytest.raises(UnknownItem):
        reading.event("u", "no such item")


@pytest.mark.parametrize("part", [{"time": "2020"}, {"weight": "5"}, {"weight": True}])
def test_times_and_weights_of_events_are_numbers(reading: Engine, part: dict[str, Any]) -> None:
    with pytest.raises(WhyPathError, match="of an event is a number"):
        reading.event("u", reading.graph.item_ids[0], **part)


@pytest.mark.parametrize("freshness", [None, "x", -1, float("nan")])
def test_a_freshness_is_a_number_of_seconds(workshop: Workshop, freshness: Any) -> None:
    with pytest.raises(WhyPathError, match="freshness is a number of seconds from 0 on"):
        Engine.open(workshop.store, freshness=freshness)
