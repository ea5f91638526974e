"""Write a model's results into the store or a file: vectors of items, and the recommendations of all users."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fusion.item_vectors import DIMENSIONS, ItemVectors
from kg.durable import file_written_whole
from kg.graph import KnowledgeGraph
from kg.stores import GraphStore, KindVectors, TakesResults, UserList
from kg.tsv_cells import tsv_cell
from whypath.answering.behaviour import behaviour_of_store
from whypath.answering.query import Query
from whypath.answering.recs import Written, check_name, write_lists
from whypath.engine import Engine
from whypath.io.graph_export import ExportProblem

VECTOR_FORMATS = (".parquet", ".tsv")

_TOLD_EVERY = 10_000
"""Number of items or users between two lines of progress."""


@dataclass(frozen=True)
class ResultsExported:
    """Counts of an export: items or users, rows of lists, and those that the store no longer had."""

    nodes: int
    rows: int
    missing: int = 0


def taking(store: GraphStore) -> TakesResults:
    """The store as one that results can be written to; raises ExportProblem for a store that holds no results, and
    StoreError for one that may not be written to."""
    if not isinstance(store, TakesResults):
        raise ExportProblem(
            f"{store.url} holds no vectors and no recommendations; write them to a file with --out, or load the domain"
            " into Neo4j (--store bolt://…)"
        )
    store.check_takes_results()
    return store


def vectors_to_store(
    engine: Engine, *, dimensions: int = DIMENSIONS, tell: Callable[[str], None] = lambda _: None
) -> ResultsExported:
    """Write the model's item vectors into the store, with an index. Raises ExportProblem, StoreError, NotTrained."""
    store = taking(engine.store)
    scorer = engine.scorer()
    found = scorer.vectors(dimensions, tell)
    report = store.write_vectors(_by_kind(scorer.graph, found), progress=_told(tell, "items"))
    return ResultsExported(report.nodes, report.nodes, report.missing)


def vectors_to_file(
    engine: Engine, path: Path, *, dimensions: int = DIMENSIONS, tell: Callable[[str], None] = lambda _: None
) -> ResultsExported:
    """Write the same to a .parquet file, or to .tsv with the numbers of a vector separated by spaces
    and ids as `kg.tsv_cells` has them.

    Columns: item, vector, query_vector (none if all scores are zero). Raises ExportProblem.
    """
    check_vector_file(path)
    scorer = engine.scorer()
    found = scorer.vectors(dimensions, tell)
    ids = scorer.graph.item_ids.to_list()
    asked = ~np.isnan(found.queries[:, 0]) if len(ids) else np.zeros(0, dtype=bool)
    with file_written_whole(path) as file:
        if path.suffix == ".parquet":
            queries = pa.FixedSizeListArray.from_arrays(
                found.queries.ravel(), found.queries.shape[1], mask=pa.array(~asked)
            )
            results = pa.FixedSizeListArray.from_arrays(found.results.ravel(), found.results.shape[1])
            columns = {"item": pa.array(ids, pa.string()), "vector": results, "query_vector": queries}
            pq.write_table(pa.table(columns), file)
        else:
            file.write(b"item\tvector\tquery_vector\n")
            for item, result, query, known in zip(ids, found.results, found.queries, asked, strict=True):
                file.write(f"{tsv_cell(item)}\t{_numbers(result)}\t{_numbers(query) if known else ''}\n".encode())
    return ResultsExported(len(ids), len(ids))


def check_vector_file(path: Path) -> None:
    """Raise ExportProblem if vectors cannot be written under that name, so that it is reported before the work."""
    if path.suffix not in VECTOR_FORMATS:
        raise ExportProblem(f"{path}: name it {' or '.join(VECTOR_FORMATS)}")
    if not path.parent.is_dir():
        raise ExportProblem(f"{path}: there is no folder {path.parent}; create it first")


def recommendations_to_store(
    engine: Engine, k: int, *, users: Sequence[str] | None = None, tell: Callable[[str], None] = lambda _: None
) -> ResultsExported:
    """Write the k best items of all users, or of those given, as relationships. Other users keep what
    they have. Raises ExportProblem, StoreError, NotTrained.
    """
    store = taking(engine.store)
    path = engine.requests()
    graph = path.scorer.graph
    behaviour = behaviour_of_store(graph, _users_of(graph) if users is None else users)
    query = Query(k=min(k, max(graph.n_items, 1)))
    places = [graph.node_of(item)[:2] for item in range(graph.n_items)]

    def lists() -> Iterator[UserList]:
        rows = chain.from_iterable(zip(*part, strict=True) for part in path.lists(query, behaviour))
        for user, (items, scores) in zip(behaviour.users, rows, strict=True):
            listed = items >= 0
            yield UserList(user or "", [places[item] for item in items[listed].tolist()], scores[listed].tolist())

    report = store.write_recommendations(
        lists(),
        bundle=engine.bundle.record.digest[:16],
        time=time.time(),
        progress=_told(tell, "users"),
    )
    return ResultsExported(report.nodes, report.relationships, report.missing)


def recommendations_to_file(
    engine: Engine, path: Path, k: int, *, users: Sequence[str] | None = None
) -> ResultsExported:
    """Write the same lists as a file; see `whypath.answering.recs`. Raises RecsProblem."""
    check_name(path)
    lists = engine.recommend_many(_users_of(engine.graph) if users is None else users, k)
    written: Written = write_lists(path, lists)
    return ResultsExported(written.users, written.rows)


def _users_of(graph: KnowledgeGraph) -> list[str]:
    """All users of the store, also those without events."""
    return graph.nodes(graph.schema.user_kinds[0]).keys.to_list()


def _by_kind(graph: KnowledgeGraph, found: ItemVectors) -> list[KindVectors]:
    parts: list[KindVectors] = []
    for kind in graph.schema.item_kinds:
        keys = graph.nodes(kind).keys.to_list()
        rows = slice(graph.offsets[kind], graph.offsets[kind] + len(keys))
        parts.append(KindVectors(kind, keys, found.results[rows], found.queries[rows]))
    return parts


def _told(tell: Callable[[str], None], what: str) -> Callable[[int], None]:
    told = 0

    def progress(done: int) -> None:
        nonlocal told
        if done - told >= _TOLD_EVERY:
            told = done
            tell(f"{done:,} {what} written")

    return progress


def _numbers(vector: np.ndarray) -> str:
    return " ".join(f"{number:.7g}" for number in vector.tolist())
