"""What an engine serves while it reads, binds, encodes and swaps: the former state, with all that it has recorded."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from kg.graph import KnowledgeGraph
from kg.ingest import LoadError, NodeUpsert
from kg.opening import open_store
from kg.rows import NodeRow
from kg.stores import StoreState, StoreUnavailable
from tests.workshop import Workshop
from whypath import Engine
from whypath.answering.results import Basis
from whypath.models.bundle import Bundle, BundleError

P = ParamSpec("P")
R = TypeVar("R")


@pytest.fixture
def engine(workshop: Workshop, tmp_path: Path) -> Iterator[Engine]:
    """An engine over a store of the test's own."""
    shutil.copytree(workshop.store, tmp_path / "store")
    with Engine.open(tmp_path / "store", workshop.bundle, freshness=0.02) as engine:
        yield engine


@pytest.fixture(scope="module")
def other_bundle(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of popularity alone, whose scores nobody takes for the other's."""
    folder = tmp_path_factory.mktemp("other") / "bundle"
    with Engine.open(workshop.store) as engine:
        engine.train(workshop.train, text=False, only="popularity")
        engine.save(folder)
    return folder


class Gate:
    """Lets a function through when it is opened; says whether somebody stands before it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def before(self, function: Callable[P, R]) -> Callable[P, R]:
        def gated(*arguments: P.args, **options: P.kwargs) -> R:
            self.reached.set()
            assert self.open.wait(60)
            return function(*arguments, **options)

        return gated


def load_one(engine: Engine, key: str, text: str = "") -> None:
    """Load one item more, by a store opened on its own."""
    store = open_store(engine.store.url)
    schema = store.schema()
    with store.begin_load(schema, replace=False, source_digest=key) as writer:
        writer.write_nodes([NodeRow(schema.item_kinds[0], key, key.title(), text)])
        writer.finish()
    store.close()


@contextmanager
def reading_held_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The engine's next read of its store stands still inside."""
    gate = Gate()
    with monkeypatch.context() as patch:
        patch.setattr(engine.store, "snapshot", gate.before(engine.store.snapshot))
        try:
            yield gate
        finally:
            gate.open.set()


def comes_true(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


def items(graph: KnowledgeGraph) -> set[str]:
    return set(graph.item_ids.to_list())


def test_answers_and_recording_go_on_while_a_load_is_read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (item.item for item in engine.recommend("reader", k=2))
    with reading_held_up(engine, monkeypatch) as gate:
        load_one(engine, "late")
        comes_true(lambda: bool(engine.graph) and gate.reached.is_set())
        engine.record(engine.event("reader", first, weight=5))
        assert engine.recommend("reader").history == 1
        assert "late" not in items(engine.graph)
        gate.open.set()
        comes_true(lambda: "late" in items(engine.graph))
    # Nothing that was recorded meanwhile is lost by the swap of snapshots.
    assert engine.recommend("reader").history == 1
    engine.record(engine.event("reader", second, weight=5))
    assert engine.recommend("reader").history == 2
    assert "late" in {item.item for item in engine.recommend("reader", k=engine.graph.n_items)}


def test_an_event_of_another_process_counts_by_itself(engine: Engine) -> None:
    item = engine.recommend("outside", k=1)[0].item
    event = engine.event("outside", item, weight=5)
    store = open_store(engine.store.url)
    store.append_events([event])
    store.close()
    comes_true(lambda: engine.recommend("outside").basis is Basis.HISTORY)


def test_an_item_that_is_upserted_is_in_the_next_answer(engine: Engine) -> None:
    graph = engine.graph
    user = graph.interactions().user_ids[0]
    top = engine.recommend(user, k=1)[0]
    facts, item = graph.item_facts(), graph.item_index(top.item)
    own = slice(facts.indptr[item], facts.indptr[item + 1])
    relations: dict[str, list[str]] = {}
    for relation, node in zip(facts.relations[own], facts.nodes[own].tolist(), strict=True):
        relations.setdefault(facts.relation_names[relation], []).append(graph.node_of(node)[1])
    made = NodeUpsert(top.kind, "made now", "Made now", relations=relations)
    bare = NodeUpsert(top.kind, "bare", "Bare")
    engine.upsert(made, bare)
    ranked = [found.item for found in engine.recommend(user, k=engine.graph.n_items)]
    # The facts of the item that this user is offered first speak for the new one, and nothing for the bare one.
    assert ranked.index("made now") < ranked.index("bare")
    assert engine.explain(user, "made now").paths
    with pytest.raises(LoadError, match="nothing was written"):
        engine.upsert(NodeUpsert("no such kind", "x"))
    name = next(iter(relations))
    with pytest.raises(LoadError, match=r"are a list; write \['Jazz'\] for one"):
        engine.upsert(NodeUpsert(top.kind, "x", relations={name: "Jazz"}))


def test_a_forgotten_user_is_not_served_where_the_store_goes_away_after_the_deletion(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, other = engine.graph.interactions().user_ids[:2]
    before = engine.recommend(other, k=5).items

    def away() -> StoreState:
        raise StoreUnavailable("away")

    monkeypatch.setattr(engine.store, "state", away)
    report = engine.forget(user)
    assert (report.found, report.remaining) == (True, 0)
    found = engine.recommend(user)
    assert (found.basis, found.history) == (Basis.POPULARITY, 0)
    assert found.stale_since is not None
    assert engine.recommend(other, k=5).items == before


def test_the_former_model_answers_until_the_new_one_is_bound(
    engine: Engine, other_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = engine.graph.interactions().user_ids[0]
    before = engine.recommend(user, k=5)
    gate = Gate()
    with monkeypatch.context() as patch:
        patch.setattr(Bundle, "scorer", gate.before(Bundle.scorer))
        thread = threading.Thread(target=engine.swap, args=(other_bundle,))
        thread.start()
        try:
            assert gate.reached.wait(60)
            assert engine.recommend(user, k=5) == before
            engine.record(engine.event("meanwhile", before[0].item, weight=5))
        finally:
            gate.open.set()
            thread.join()
    after = engine.recommend(user, k=5)
    assert after != before
    with Engine.open(engine.store.url, other_bundle) as fresh:
        assert fresh.recommend(user, k=5) == after
    assert engine.recommend("meanwhile").history == 1


def test_a_bundle_that_cannot_be_used_leaves_the_former_in_place(engine: Engine, tmp_path: Path) -> None:
    user = engine.graph.interactions().user_ids[0]
    before, record = engine.recommend(user, k=5), engine.bundle.record
    with pytest.raises(BundleError):
        engine.swap(tmp_path / "nowhere")
    assert engine.recommend(user, k=5) == before
    assert engine.bundle.record == record


def test_each_answer_is_of_one_model_and_one_snapshot_while_both_change(engine: Engine, other_bundle: Path) -> None:
    """Scores of one list come from one model: those of the two never mix, whatever goes on."""
    user = engine.graph.interactions().user_ids[0]
    bundles = (other_bundle, saved(engine))
    known: list[set[tuple[str, float]]] = []
    for bundle in bundles:
        engine.swap(bundle)
        known.append({(item.item, item.score) for item in engine.recommend(user, k=10_000)})
    failures: list[object] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                listed = {(item.item, item.score) for item in engine.recommend(user, k=20)}
                if not any(listed <= scores for scores in known):
                    failures.append(listed)
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(4):
        engine.swap(bundles[turn % 2])
        engine.record(engine.event(f"other {turn}", engine.graph.item_ids[turn], weight=5))
    over.set()
    for thread in threads:
        thread.join()
    assert failures == []


def saved(engine: Engine) -> Path:
    """The bundle in use, saved beside the store."""
    folder = Path(engine.store.url.removeprefix("file:")).parent / "used"
    engine.save(folder)
    return folder
