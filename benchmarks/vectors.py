"""Measure how well item vectors approximate `Engine.similar`: how many of its ten items are among the ten nearest.

On an existing store and bundle (`whypath demo` makes both): vectors of several lengths against all others; the same
with one vector per item, from the symmetrised scores; and where the store is a Neo4j, through its vector index, by the
number of items requested. The script exports the vectors to that store."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.records import Record, run_script
from fusion.item_vectors import DIMENSIONS, item_vectors
from fusion.ranker import Ranker
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from whypath.engine import Engine
from whypath.io.result_export import vectors_to_store

EXAMPLES = """\
examples:
  python -m benchmarks.vectors --store whypath-demo/store --bundle whypath-demo/bundle
  python -m benchmarks.vectors --store neo4j --bundle whypath-demo/bundle --json benchmarks/results/vectors.json
"""

K = 10
ASKED = (11, 30, 100, 200)
_ROWS = 500


def similar_items(ranker: Ranker) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Scores of all items for a history of each item alone, some rows at a time; the item's own score is -inf."""
    histories = Histories.single_items(np.arange(ranker.n_items), ranker.n_items)
    for start in range(0, ranker.n_items, _ROWS):
        part = slice(start, min(start + _ROWS, ranker.n_items))
        scores = ranker.scores(histories.take(part))
        yield part, _without_own(scores, start)


def _without_own(scores: NDArray[np.float32], start: int) -> NDArray[np.float32]:
    scores[np.arange(len(scores)), start + np.arange(len(scores))] = -np.inf
    return scores


def best(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """The K best of each row, in no order."""
    return np.argpartition(-scores, K - 1, axis=1)[:, :K]


def overlap(ours: NDArray[np.intp], theirs: NDArray[np.intp]) -> float:
    """Mean share of each row's items that are in the other's row."""
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(ours, theirs, strict=True)]))


def best_by(queries: NDArray[np.float32], results: NDArray[np.float32]) -> NDArray[np.intp]:
    """The K nearest of each item by cosine."""
    parts = range(0, len(queries), _ROWS)
    return np.concatenate([best(_without_own(queries[at : at + _ROWS] @ results.T, at)) for at in parts])


def one_vector(ranker: Ranker, dimensions: int) -> NDArray[np.float32]:
    """One vector an item whose inner products come closest to the symmetrised scores; of length 1."""
    # Symmetrising needs the whole matrix: this is for catalogues whose square fits into memory.
    scores = np.concatenate([np.where(np.isfinite(rows), rows, 0.0) for _, rows in similar_items(ranker)])
    values, vectors = np.linalg.eigh((scores + scores.T) / 2)
    kept = np.argsort(values)[::-1][:dimensions]
    found = vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0.0))
    return (found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def through_index(engine: Engine, graph: KnowledgeGraph, sample: NDArray[np.intp], asked: int) -> NDArray[np.intp]:
    """The K best that the index returns for items when `asked` are requested; -1 where it returns fewer."""
    from neo4j import GraphDatabase

    from kg.stores.neo4j.access import access_to
    from kg.stores.neo4j.names import Names
    from kg.stores.neo4j.results import index_name

    access = access_to(engine.store.url)
    address, credentials = access.address, access.credentials
    (kind,) = graph.schema.item_kinds
    label = Names().extended(graph.schema).labels[kind]
    text = (
        f"MATCH (i:{label} {{key: $key}}) CALL db.index.vector.queryNodes($index, $asked, i.query_vector)"
        " YIELD node, score WHERE node <> i RETURN node.key ORDER BY score DESC LIMIT $k"
    )
    found = np.full((len(sample), K), -1, dtype=np.intp)
    auth = (credentials.user, credentials.password) if credentials else None
    with GraphDatabase.driver(address.uri, auth=auth) as driver, driver.session(database=address.database) as session:
        for row, item in enumerate(sample.tolist()):
            values = {"key": graph.node_of(item)[1], "index": index_name(label), "asked": asked, "k": K}
            keys = [record[0] for record in session.run(text, values)]  # pyright: ignore[reportArgumentType]
            found[row, : len(keys)] = [graph.item_index(key) for key in keys]
    return found


def main() -> int:
    """Measure, write the record, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", required=True, help="a folder or the URL of a Neo4j with items of one kind")
    parser.add_argument("--bundle", required=True, type=Path)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[128, 256, 512], metavar="N")
    parser.add_argument("--items", type=int, default=250, metavar="N", help="asked of the index (default 250)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the record here")
    arguments = parser.parse_args()
    record = Record.begun("vectors", {"dimensions": arguments.dimensions, "items": arguments.items}, arguments.json)
    with Engine.open(arguments.store, arguments.bundle) as engine:
        scorer = engine.scorer()
        ranker = scorer.ranker
        listed = np.concatenate([best(rows) for _, rows in similar_items(ranker)])

        def keep(vectors: str, dimensions: int, items: int, share: float) -> None:
            record.add({"vectors": vectors, "dimensions": dimensions, "items": items, "overlap": share})

        asked = np.arange(ranker.n_items)
        for dimensions in arguments.dimensions:
            found = item_vectors(ranker, dimensions)
            asked = np.flatnonzero(~np.isnan(found.queries[:, 0]))
            two = best_by(np.nan_to_num(found.queries), found.results)
            keep("two an item", dimensions, len(asked), overlap(two[asked], listed[asked]))
            one = one_vector(ranker, dimensions)
            keep("one an item", dimensions, len(asked), overlap(best_by(one, one)[asked], listed[asked]))
        if not engine.store.url.startswith("file:"):
            vectors_to_store(engine)
            sample = np.sort(np.random.default_rng(1).permutation(asked)[: arguments.items])
            for number in ASKED:
                found = through_index(engine, scorer.graph, sample, number)
                keep(f"two, index asked for {number}", DIMENSIONS, len(sample), overlap(found, listed[sample]))
    rows = [[row["vectors"], str(row["dimensions"]), str(row["items"]), f"{row['overlap']:.3f}"] for row in record.rows]
    record.show(f"Of the {K} most similar items, found by vectors", ("vectors", "dimensions", "items", "overlap"), rows)
    return 0


if __name__ == "__main__":
    run_script(main)
