"""Nested folds: what an inner fold may see, and that every tried value is one that the settings take."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks.choices import DEFAULT, TRIED, SharedSum, inner_folds, variants_of
from fusion.ranking import tie_break_keys
from kg.graph import KnowledgeGraph
from kg.rows import EdgeRow, NodeRow
from tests.kg.domain import films_schema


def test_inner_folds_hold_every_allowed_item_out_once_and_read_nothing_of_the_others() -> None:
    rng = np.random.default_rng(1)
    matrix = sp.csr_array((rng.random((20, 12)) < 0.5).astype(np.float32))
    allowed = np.arange(0, 12, 2)
    inside = np.zeros(12)
    inside[allowed] = 1.0
    matrix = sp.csr_array(matrix @ sp.diags_array(inside).tocsr())
    held = []
    for inner in inner_folds(matrix, allowed, 3, tie_break_keys([str(item) for item in range(12)]), seed=1):
        candidates = inner.task.candidates
        assert candidates is not None
        held += candidates.tolist()
        assert not inner.matrix[:, candidates].toarray().any()
        assert (inner.matrix + inner.task.test).toarray().tolist() == matrix.toarray().tolist()
    assert sorted(held) == allowed.tolist()


@pytest.mark.parametrize("block", TRIED)
def test_every_variant_differs_from_the_default_in_one_value(block: str) -> None:
    found = {name: settings.model_dump() for name, settings in variants_of(block).items()}
    default = found.pop(DEFAULT)
    for settings in found.values():
        assert sum(settings[field] != default[field] for field in default) == 1


def test_a_relation_is_left_out_of_the_sum() -> None:
    nodes = [NodeRow("film", key, key) for key in "abc"] + [NodeRow("person", "p", "p")]
    edges = [EdgeRow("director", key, "p") for key in "ab"] + [EdgeRow("sequel", key, "c") for key in "ab"]
    graph = KnowledgeGraph.from_rows(films_schema(), nodes, edges, [])
    history = sp.csr_array(np.array([[1.0, 0.0, 0.0]], dtype=np.float32))
    both, code = SharedSum(graph, None).scores(history), graph.item_facts().relation_names.index("sequel")
    assert both[0, 1] == pytest.approx(2 * 2**-0.75)
    assert SharedSum(graph, code).scores(history)[0, 1] == pytest.approx(2**-0.75)
