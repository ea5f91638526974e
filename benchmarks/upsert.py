"""What one more item costs: to write it into the store with five relations, and to have the snapshot with it; beside
reading the whole store again. 100,000 items and about a million triples in an embedded store.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from kg.datasets.synthetic import SyntheticSettings, write
from kg.graph import KnowledgeGraph
from kg.ingest import NodeUpsert, load_domain, upsert_nodes
from kg.opening import open_store
from kg.stores import GraphStore

RELATIONS = 5


@dataclass(frozen=True)
class Measured:
    """Medians in milliseconds; `reading_ms` is of one whole read of the same store, `digest_ms` of the digest after an
    upsert, `facts_ms` of the items' facts after it, which are made on request.
    """

    items: int
    triples: int
    events: int
    store_write_ms: float
    snapshot_ms: float
    worst_snapshot_ms: float
    facts_ms: float
    digest_ms: float
    reading_ms: float

    @property
    def ratio(self) -> float:
        """Of a whole read to a snapshot that is brought up to date."""
        return self.reading_ms / self.snapshot_ms


def read_whole(url: str, folder: Path) -> tuple[float, KnowledgeGraph]:
    """Milliseconds of reading the store without any snapshot, and what was read."""
    for kept in (folder / "snapshots").iterdir():
        kept.rename(folder / f".{kept.name}.away")
    with_store = open_store(url)
    started = time.perf_counter()
    graph = with_store.snapshot()
    elapsed = time.perf_counter() - started
    with_store.close()
    return 1000 * elapsed, graph


def measured(store: GraphStore, folder: Path, settings: SyntheticSettings, repeats: int) -> Measured:
    """Upsert `repeats` items, each new or there already, and take the snapshot after each."""
    rng = np.random.default_rng(3)
    graph = store.snapshot()
    item_kind = graph.schema.item_kinds[0]
    relations = {name: graph.schema.relation_kinds[name] for name in settings.relation_names}
    writes, snapshots, facts, digests = [], [], [], []
    for number in range(repeats + 3):
        is_new = number % 2
        known = graph.nodes(item_kind).keys[int(rng.integers(graph.n_items))]
        tails = {
            name: [graph.nodes(spec.tail).keys[int(rng.integers(len(graph.nodes(spec.tail))))]]
            for name, spec in relations.items()
        }
        key = f"{known}-{number}" if is_new else known
        row = NodeUpsert(item_kind, key, label=f"Item {number}", relations=tails)
        started = time.perf_counter()
        upsert_nodes(store, [row])
        written = time.perf_counter()
        graph = store.snapshot()
        there = time.perf_counter()
        graph.item_facts()
        told = time.perf_counter()
        _ = graph.digest
        digested = time.perf_counter()
        if number >= 3:  # the first find their way into caches
            for times, elapsed in (
                (writes, written - started),
                (snapshots, there - written),
                (facts, told - there),
                (digests, digested - told),
            ):
                times.append(1000 * elapsed)
    store.close()
    reading, again = read_whole(str(folder), folder)
    if (again.digest, again.events_digest) != (graph.digest, graph.events_digest):
        raise SystemExit("the snapshot that was kept up to date is not the one that is read")
    return Measured(
        graph.n_items,
        sum(map(len, graph.relations)),
        graph.n_events,
        statistics.median(writes),
        statistics.median(snapshots),
        max(snapshots),
        statistics.median(facts),
        statistics.median(digests),
        reading,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000, help="items of the domain, default 100,000")
    parser.add_argument("--repeats", type=int, default=50, help="upserts that are measured, default 50")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    settings = SyntheticSettings(
        users=options.items // 2,
        items=options.items,
        entities=options.items // 5,
        relations=RELATIONS,
        facts_per_item=10,
        events_per_user=20,
    )
    with tempfile.TemporaryDirectory() as folder:
        console.print(f"loading {options.items:,} items")
        write(Path(folder) / "domain", settings)
        place = Path(folder) / "store"
        store = open_store(str(place), create=True)
        load_domain(Path(folder) / "domain" / "domain.yaml", store)
        found = measured(store, place, settings, options.repeats)
    table = Table("store write, ms", "snapshot, ms", "worst", "facts, ms", "digest, ms", "whole read, ms", "ratio")
    numbers = (
        found.store_write_ms,
        found.snapshot_ms,
        found.worst_snapshot_ms,
        found.facts_ms,
        found.digest_ms,
        found.reading_ms,
    )
    table.add_row(*(f"{number:,.1f}" for number in numbers), f"{found.ratio:,.0f}")
    Console().print(table)
    if options.out is not None:
        options.out.write_text(json.dumps({**asdict(found), "ratio": found.ratio}, indent=1) + "\n")


if __name__ == "__main__":
    main()
