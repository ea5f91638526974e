"""What a filter adds to one list over 100,000 items: the first list with it, and later ones, against lists without.

A synthetic domain of films and books with years, ratings and stock. Lists with and without each filter are made in turn
for the same users, so that all ratios are within one run; times are medians. The model is trained on 3,000 of the
items: a list without a filter then takes the least time that it can, so the ratios are upper bounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from fusion.settings import FusionSettings
from fusion.training import Fitting
from kg.datasets.synthetic import SyntheticSettings, generate
from kg.graph import KnowledgeGraph
from kg.graph.building import EventColumns, node_table
from kg.graph.strings import Strings
from kg.schema import DomainSchema
from whypath.answering.filters import FilterOptions, Filters
from whypath.answering.popularity import popularity_blend
from whypath.answering.query import Query
from whypath.answering.request_path import RequestPath
from whypath.answering.scoring import Scorer

_FIELDS = {"year": "integer", "rating": "categorical", "stock": "boolean"}
_ITEM = {"role": "item", "source": "i.csv", "key": "id", "fields": _FIELDS, "available": "stock"}
_KINDS = ("book", "film")
_RATINGS = ("G", "PG", "PG-13", "R")

FILTERS: dict[str, FilterOptions] = {
    "field equals": {"where": ["rating == PG-13"]},
    "range": {"where": ["year >= 1960", "year < 1990"]},
    "narrow range": {"where": ["year == 1987"]},
    "relation to an entity": {"where": ["topic == Topic 3"]},
    "part of an entity's name": {"where": ["topic ~ topic 1"]},
    "kind": {"kinds": ["film"]},
    "available": {"available": True},
    "50 ids left out": {"exclude": [f"i{number:06d}" for number in range(0, 5_000, 100)]},
    "1,000 ids alone": {"include": [f"i{number:06d}" for number in range(0, 100_000, 100)]},
    "all together": {"kinds": ["film"], "available": True, "where": ["year >= 1960", "rating != R", "topic ~ topic 1"]},
}


@dataclass(frozen=True)
class Measured:
    """One filter: items that it leaves, milliseconds of the first list and of later ones, and these against lists
    without a filter that were made in turn with them."""

    filter: str
    items_left: int
    first_ms: float
    later_ms: float
    unfiltered_ms: float

    @property
    def ratio(self) -> float:
        return self.later_ms / self.unfiltered_ms


def domain(n_items: int, n_users: int) -> KnowledgeGraph:
    """Three items of ten are books, the others films; one relation to topics, fields drawn at random."""
    drawn = generate(SyntheticSettings(users=n_users, items=n_items, entities=2_000, relations=1, seed=1))
    rng = np.random.default_rng(1)
    is_book = np.arange(n_items) % 10 < 3
    schema = DomainSchema.from_mapping(
        {
            "name": "films-and-books",
            "nodes": {
                **dict.fromkeys(_KINDS, _ITEM),
                "topic": {"source": "t.csv", "key": "id"},
                "user": {"role": "user"},
            },
            "relations": {
                f"{kind}.topic": {"head": kind, "tail": "topic", "source": "f.csv", "label": "topic"} for kind in _KINDS
            },
            "interactions": {"liked": {"source": "l.csv", "columns": {"user": "u", "item": "i"}}},
        }
    )
    keys = [f"i{number:06d}" for number in range(n_items)]
    years, ratings, stock = rng.integers(1930, 2025, n_items), rng.integers(0, 4, n_items), rng.random(n_items) < 0.8
    fields = [
        {"year": int(year), "rating": _RATINGS[rating], "stock": bool(is_there)}
        for year, rating, is_there in zip(years, ratings, stock, strict=True)
    ]
    rows = {"book": np.flatnonzero(is_book), "film": np.flatnonzero(~is_book)}
    # The place of each item among those of its kind; books come first in the node space.
    local = np.where(is_book, np.cumsum(is_book) - 1, np.cumsum(~is_book) - 1)
    nodes, edges = {}, {}
    (facts,) = drawn.facts
    for kind, chosen in rows.items():
        names = [keys[row] for row in chosen.tolist()]
        of_kind = [fields[row] for row in chosen.tolist()]
        nodes[kind] = node_table(schema, kind, names, names, [""] * len(names), of_kind)
        inside = is_book[facts.items] == (kind == "book")
        edges[f"{kind}.topic"] = (local[facts.items[inside]], facts.entities[inside])
    for kind, count in (("topic", 2_000), ("user", n_users)):
        names = [f"{number:06d}" for number in range(count)]
        nodes[kind] = node_table(
            schema, kind, names, [f"{kind.title()} {n}" for n in range(count)], [""] * count, [{}] * count
        )
    dense = local + np.where(is_book, 0, len(rows["book"]))
    events = drawn.events
    ids = Strings(pa.array(np.arange(len(events.items))).cast(pa.large_string()))
    columns = EventColumns(
        events.users, dense[events.items], np.full(len(ids), np.nan), events.times.astype(np.float64), ids
    )
    return KnowledgeGraph.build(schema, nodes, edges, {"liked": columns})


def measured(path: RequestPath, name: str, options: FilterOptions, users: Sequence[str]) -> Measured:
    """The first list, and medians over the users."""
    filters = Filters(**options)

    def timed(query: Query) -> float:
        started = time.perf_counter()
        path.recommend(query)
        return 1000 * (time.perf_counter() - started)

    first = timed(Query(users[0], filters=filters))
    later, without = [], []
    for user in users:
        without.append(timed(Query(user)))
        later.append(timed(Query(user, filters=filters)))
    left = filters.apply(path.scorer.graph).steps[-1].left
    return Measured(name, left, first, statistics.median(later), statistics.median(without))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000, help="items of the domain, default 100,000")
    parser.add_argument("--users", type=int, default=4_000, help="users of the domain, default 4,000")
    parser.add_argument("--repeats", type=int, default=200, help="lists of each kind, default 200")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this JSON file")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    console.print("making the domain")
    graph = domain(options.items, options.users)
    small = domain(min(options.items, 3_000), 1_000)
    console.print(f"training a model on {small}, bound to {graph}")
    model = Fitting(small, small.interactions(), asked=FusionSettings(blocks=("ials", "shared")), seed=1).model()
    path = RequestPath(
        Scorer.over(graph, model.bind(graph), lambda g: popularity_blend(g.interactions(), model.protocol))
    )
    users = list(graph.interactions().user_ids[: options.repeats])
    for user in users[:20]:
        path.recommend(Query(user))
    rows = [measured(path, name, each, users) for name, each in FILTERS.items()]
    table = Table("filter", "items left", "first list, ms", "later lists, ms", "without, ms", "ratio")
    for row in rows:
        times = (f"{row.first_ms:.2f}", f"{row.later_ms:.2f}", f"{row.unfiltered_ms:.2f}", f"{row.ratio:.2f}")
        table.add_row(row.filter, f"{row.items_left:,}", *times)
    Console().print(table)
    if options.json is not None:
        found = [{**asdict(row), "ratio": row.ratio} for row in rows]
        options.json.write_text(dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
