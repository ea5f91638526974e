"""Measure what one more event costs a running engine: to overlay it and make the user's next list, and the next
explanation, with 10⁵, 10⁶ and 10⁷ events in the snapshot. Items and the length of histories are fixed, the number of
users grows.

The store's commit is not included. Times are medians over events of users drawn at random, and ratios to the smallest.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from fusion.settings import FusionSettings
from fusion.training import Fitting
from kg.graph import KnowledgeGraph
from kg.graph.building import EventColumns, node_table
from kg.graph.strings import Strings
from kg.rows import Event
from kg.schema import DomainSchema
from whypath.answering.behaviour import behaviour_of
from whypath.answering.popularity import popularity_blend
from whypath.answering.query import Query
from whypath.answering.request_path import RequestPath
from whypath.answering.scoring import Scorer

SIZES = (100_000, 1_000_000, 10_000_000)
N_ITEMS, LENGTH, N_FACTS, N_ENTITIES = 10_000, 50, 4, 2_000

_SCHEMA = DomainSchema.from_mapping(
    {
        "name": "shop",
        "nodes": {
            "item": {"role": "item", "source": "items.csv", "key": "id"},
            "tag": {"source": "tags.csv", "key": "id"},
            "user": {"role": "user"},
        },
        "relations": {"has_tag": {"head": "item", "tail": "tag", "source": "facts.csv"}},
        "interactions": {"bought": {"source": "bought.csv", "columns": {"user": "u", "item": "i", "time": "t"}}},
    }
)


@dataclass(frozen=True)
class Measured:
    """Medians in milliseconds at one number of events: overlaying one, the list after it, the explanation after."""

    events: int
    overlay_ms: float
    list_ms: float
    explanation_ms: float

    @property
    def record_and_list_ms(self) -> float:
        return self.overlay_ms + self.list_ms


def snapshot(n_events: int, seed: int = 1) -> KnowledgeGraph:
    """A planted domain: users have a taste for some tags, and buy items with these, popular ones more often."""
    rng = np.random.default_rng(seed)
    tags = np.random.default_rng(0).integers(0, N_ENTITIES, (N_ITEMS, N_FACTS))
    n_users = n_events // LENGTH
    popular = np.minimum((N_ITEMS * rng.random(n_events) ** 2).astype(np.int64), N_ITEMS - 1)
    users = np.repeat(np.arange(n_users), LENGTH)

    def table(kind: str, count: int) -> tuple[str, list[str]]:
        return kind, [f"{kind[0]}{number:08d}" for number in range(count)]

    nodes = {}
    for kind, keys in (table("item", N_ITEMS), table("tag", N_ENTITIES), table("user", n_users)):
        nodes[kind] = node_table(_SCHEMA, kind, keys, keys, [""] * len(keys), [{}] * len(keys))
    ids = Strings(pa.array(np.arange(n_events)).cast(pa.large_string()))
    columns = EventColumns(users, popular, np.full(n_events, np.nan), 1.6e9 + rng.random(n_events) * 1e7, ids)
    heads = np.repeat(np.arange(N_ITEMS), N_FACTS)
    return KnowledgeGraph.build(_SCHEMA, nodes, {"has_tag": (heads, tags.ravel())}, {"bought": columns})


def measured(graph: KnowledgeGraph, scorer: Scorer, repeats: int) -> Measured:
    """The medians over `repeats` events."""
    rng = np.random.default_rng(3)
    overlay, lists, explanations = [], [], []
    n_users = len(graph.nodes("user"))
    for number in range(repeats + 5):
        user = f"u{rng.integers(n_users):08d}"
        event = Event.of(user, f"i{rng.integers(N_ITEMS):08d}", "item", "bought", time=1.7e9 + number)
        started = time.perf_counter()
        graph = graph.overlay([event], event_generation=graph.event_generation + 1)
        scorer = scorer.with_events(graph)
        laid = time.perf_counter()
        path, query = RequestPath(scorer), Query(user)
        found = path.recommend(query)
        listed = time.perf_counter()
        path.explain(query, behaviour_of(graph, query), found.items[0].item, 5)
        explained = time.perf_counter()
        if number >= 5:  # the first ones fill caches
            overlay.append(1000 * (laid - started))
            lists.append(1000 * (listed - laid))
            explanations.append(1000 * (explained - listed))
    return Measured(sum(map(len, graph.events)), *map(statistics.median, (overlay, lists, explanations)))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=list(SIZES), help="events in the snapshot")
    parser.add_argument("--repeats", type=int, default=200, help="events that are recorded, default 200")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    small = snapshot(min(options.events))
    asked = FusionSettings(blocks=("rp3beta", "ials", "shared"))
    console.print("training a model on the smallest snapshot")
    model = Fitting(small, small.interactions(), asked=asked, seed=1).model()
    rows: list[Measured] = []
    for size in options.events:
        console.print(f"{size:,} events")
        graph = snapshot(size)
        scorer = Scorer.over(graph, model.bind(graph), lambda g: popularity_blend(g.interactions(), model.protocol))
        rows.append(measured(graph, scorer, options.repeats))
    table = Table("events", "event and list, ms", "ratio", "explanation, ms", "ratio")
    for row in rows:
        table.add_row(
            f"{row.events:,}",
            f"{row.record_and_list_ms:.2f}",
            f"{row.record_and_list_ms / rows[0].record_and_list_ms:.2f}",
            f"{row.explanation_ms:.2f}",
            f"{row.explanation_ms / rows[0].explanation_ms:.2f}",
        )
    Console().print(table)
    if options.out is not None:
        options.out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
