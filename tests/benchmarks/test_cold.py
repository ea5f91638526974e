"""The controls of the cold folds, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from benchmarks.cold import Controls, Fold
from benchmarks.shared_sum import EXPONENT
from benchmarks.yardsticks import read_rows, write_rows
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.rows import EdgeRow, NodeRow
from whypath.testing.stores.domain import films_schema


@pytest.fixture
def graph() -> KnowledgeGraph:
    nodes = [NodeRow("film", key, key) for key in "abcd"] + [NodeRow("person", key, key) for key in "pqr"]
    facts = [("a", "p"), ("b", "p"), ("b", "q"), ("c", "q"), ("d", "q"), ("a", "r"), ("c", "r")]
    return KnowledgeGraph.from_rows(films_schema(), nodes, [EdgeRow("director", *fact) for fact in facts], [])


@pytest.fixture
def fold(tmp_path: Path) -> Fold:
    train = pd.DataFrame({"user_id": ["1", "1", "2"], "item_id": ["a", "b", "b"]})
    test = pd.DataFrame({"user_id": ["1", "2", "3"], "item_id": ["c", "d", "d"]})
    return Fold(
        1,
        write_rows(tmp_path / "train.tsv", train),
        write_rows(tmp_path / "test.tsv", test),
        write_rows(tmp_path / "items.tsv", pd.DataFrame({"item_id": ["c", "d"]})),
    )


def lists_of(controls: Controls, name: str, fold: Fold, out: Path) -> dict[str, list[str]]:
    controls.write(name, fold, out)
    rows = read_rows(out)
    return {str(user): own.item.tolist() for user, own in rows.groupby("user")}


@pytest.mark.parametrize("name", ["random", "facts", "shared-entities"])
def test_every_test_user_gets_every_candidate(graph: KnowledgeGraph, fold: Fold, tmp_path: Path, name: str) -> None:
    found = lists_of(Controls(graph, 1), name, fold, tmp_path / "lists.tsv")
    assert {user: sorted(items) for user, items in found.items()} == {key: ["c", "d"] for key in "123"}


def test_shared_entities_count_by_their_degrees(graph: KnowledgeGraph) -> None:
    history = Histories.of_items(graph.item_indices(["a", "b"]), graph.n_items)
    candidates = graph.item_indices(["c", "d"]).astype(np.intp)
    found = Controls(graph, 1).scores("shared-entities", history, candidates, 1)
    # b and c share q, a and c share r; b and d share q.
    assert found == pytest.approx(np.array([[3**-EXPONENT + 2**-EXPONENT, 3**-EXPONENT]]))


def test_facts_are_counted(graph: KnowledgeGraph) -> None:
    candidates = graph.item_indices(["c", "d"]).astype(np.intp)
    found = Controls(graph, 1).scores("facts", Histories.of_matrix(sp.csr_array((2, graph.n_items))), candidates, 1)
    assert found.tolist() == [[2, 1], [2, 1]]
