"""Workers that `benchmarks.store` runs as separate processes and measures; each prints a JSON object.

load        `load_domain`, with the time inside the store's writer apart from reading and checking rows
open        a store, which after an import makes its constraints and indexes
read        the snapshot of a store, without a cached one
view        the snapshot of the same database as an external graph, by a description of it
bare        the columns of the same content by the driver alone, discarded
bare-keys   the same with keys at the ends of relationships, as in an external graph
append      events one per call, then in batches
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kg.graph import KnowledgeGraph
from kg.ingest import load_domain
from kg.opening import open_store
from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.stores import FinishReport, GraphStore, LoadWriter, WriteReport

if TYPE_CHECKING:
    from kg.stores.neo4j.names import Names


class Watched:
    """A writer that measures the time and the rows of its calls, by what they write."""

    def __init__(self, writer: LoadWriter) -> None:
        self._writer = writer
        self.parts: dict[str, dict[str, float]] = {}

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, traceback)

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        return self._timed("nodes", rows, lambda: self._writer.write_nodes(rows))

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        return self._timed("triples", rows, lambda: self._writer.write_edges(relation, rows))

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        return self._timed("triples", rows, lambda: self._writer.write_links(relation, rows))

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        return self._timed("events", rows, lambda: self._writer.write_events(rows))

    def finish(self) -> FinishReport:
        started = time.perf_counter()
        report = self._writer.finish()
        self.parts["finish"] = {"rows": 0, "seconds": time.perf_counter() - started}
        return report

    def _timed(self, name: str, rows: Sequence[object], write: Callable[[], WriteReport]) -> WriteReport:
        started = time.perf_counter()
        report = write()
        part = self.parts.setdefault(name, {"rows": 0, "seconds": 0.0})
        part["seconds"] += time.perf_counter() - started
        part["rows"] += len(rows)
        return report


class WatchedStore:
    """A store whose next load is watched."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self.writer: Watched | None = None

    def begin_load(self, schema: DomainSchema, *, replace: bool, source_digest: str) -> Watched:
        self.writer = Watched(self._store.begin_load(schema, replace=replace, source_digest=source_digest))
        return self.writer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def load(arguments: argparse.Namespace) -> dict[str, object]:
    """The time between the calls of the writer is spent on reading and checking."""
    store: Any = WatchedStore(open_store(arguments.store, create=True))
    started = time.perf_counter()
    load_domain(arguments.domain, store)
    seconds = time.perf_counter() - started
    parts = store.writer.parts
    inside = sum(part["seconds"] for part in parts.values())
    rows = int(sum(part["rows"] for part in parts.values()))
    return {"rows": rows, "seconds": seconds, "writing": inside, "checking": seconds - inside, "parts": parts}


def opened(arguments: argparse.Namespace) -> dict[str, object]:
    """No rows are read."""
    started = time.perf_counter()
    open_store(arguments.store).close()
    return {"seconds": time.perf_counter() - started}


def read(arguments: argparse.Namespace) -> dict[str, object]:
    """Read a snapshot, cold: the cache folder is removed first."""
    shutil.rmtree(arguments.cache, ignore_errors=True)
    store = open_store(arguments.store)
    started = time.perf_counter()
    graph = store.snapshot()
    seconds = time.perf_counter() - started
    return {"rows": rows_of(graph), "seconds": seconds, "digest": graph.digest, "events_digest": graph.events_digest}


def view(arguments: argparse.Namespace) -> dict[str, object]:
    """Read without `_id`s, with every value checked. The view's files are removed first."""
    from kg.stores.neo4j.names import Names

    folder = arguments.cache.parent / "view"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    schema = open_store(arguments.store).schema()
    described = description_of(schema, Names().extended(schema), arguments.store)
    # JSON is YAML as well.
    (folder / "graph.yaml").write_text(json.dumps(described), encoding="utf-8")
    store = open_store(folder / "graph.yaml")
    started = time.perf_counter()
    graph = store.snapshot()
    return {"rows": rows_of(graph), "seconds": time.perf_counter() - started}


def description_of(schema: DomainSchema, names: Names, uri: str) -> dict[str, object]:
    """A domain.yaml that describes a store's database in Neo4j as an external graph."""
    nodes = {
        kind: {
            "role": str(node.role),
            "labels": names.labels[kind],
            "key": "key",
            "label": "name",
            "text": ["text"],
            "fields": {name: str(spec.type) for name, spec in node.fields.items()},
        }
        for kind, node in schema.nodes.items()
    }
    relations = {
        name: {
            "relationship": names.relation(relation).strip("`"),
            "head": relation.head,
            "tail": relation.tail,
        }
        for name, relation in schema.relation_kinds.items()
    }
    interactions = {
        name: {
            "relationship": names.interactions[name],
            "columns": {"time": "time", "weight": "weight", "id": "id"},
            "items": list(interaction.items),
        }
        for name, interaction in schema.interactions.items()
    }
    return {
        "name": "view",
        "graph": {"uri": uri},
        "nodes": nodes,
        "relations": relations,
        "interactions": interactions,
    }


def bare(arguments: argparse.Namespace) -> dict[str, object]:
    """Needs a Neo4j store, for its `_id`s."""
    return _columns(arguments, "_id")


def bare_keys(arguments: argparse.Namespace) -> dict[str, object]:
    """Keys for both ends of every relationship."""
    return _columns(arguments, "key")


def _columns(arguments: argparse.Namespace, ends: str) -> dict[str, object]:
    from neo4j import GraphDatabase

    from benchmarks.store_peers import read_columns
    from kg.stores.neo4j.access import access_to

    schema = open_store(arguments.store).schema()
    access = access_to(arguments.store)
    address, credentials = access.address, access.credentials
    auth = (credentials.user, credentials.password) if credentials else None
    with GraphDatabase.driver(address.uri, auth=auth) as driver, driver.session(database=address.database) as session:
        # The measurement of a store starts after it is connected, too.
        session.run("RETURN 1").consume()
        started = time.perf_counter()
        rows = read_columns(session, schema, ends=ends)
        return {"rows": rows, "seconds": time.perf_counter() - started}


def append(arguments: argparse.Namespace) -> dict[str, object]:
    """Durable on return. Users and items are drawn from the store's."""
    store = open_store(arguments.store)
    graph = store.snapshot()
    draw, now = random.Random(1), time.time()
    kind, spec = sorted(graph.schema.interactions.items())[0]
    users, items = graph.nodes(spec.user).keys, graph.nodes(spec.items[0]).keys

    def events(number: int) -> list[Event]:
        return [
            Event.of(draw.choice(users), draw.choice(items), spec.items[0], kind, time=now + draw.random(), weight=5.0)
            for _ in range(number)
        ]

    single = timed(lambda: store.append_events(events(1)), arguments.times)
    batches = timed(lambda: store.append_events(events(arguments.batch)), arguments.batches)
    return {**quantiles(single), "batch": arguments.batch, "batch_seconds": float(np.median(batches))}


def rows_of(graph: KnowledgeGraph) -> int:
    """Nodes, triples and events."""
    edges = sum(len(relation.forward.indices) for relation in graph.relations)
    return graph.n_nodes + edges + sum(len(table) for table in graph.events)


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Seconds of each call."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return found


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    return {"p50": float(np.quantile(seconds, 0.5)), "p99": float(np.quantile(seconds, 0.99))}


WORK: dict[str, Callable[[argparse.Namespace], object]] = {
    "load": load,
    "open": opened,
    "read": read,
    "view": view,
    "bare": bare,
    "bare-keys": bare_keys,
    "append": append,
}


def main() -> None:
    """Run one worker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("--store", required=True)
    parser.add_argument("--domain", type=Path)
    parser.add_argument("--cache", type=Path, help="where the store keeps snapshots")
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--batches", type=int, default=10)
    arguments = parser.parse_args()
    print(json.dumps(WORK[arguments.work](arguments)))


if __name__ == "__main__":
    main()
