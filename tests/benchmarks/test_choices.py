"""Nested folds: what an inner fold may see, and that every tried value is one that the settings take."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.choices import DEFAULT, TRIED, inner_splits, variants_of
from benchmarks.shared_sum import SharedSum
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.interactions import Interactions
from kg.rows import EdgeRow, NodeRow
from whypath.testing.stores.domain import films_schema


def test_inner_folds_hold_every_item_of_a_training_part_out_once() -> None:
    rng = np.random.default_rng(1)
    users, places = np.nonzero(rng.random((20, 6)) < 0.5)
    items = (2 * places).astype(np.int32)
    train = Interactions(users.astype(np.int32), items, [str(user) for user in range(20)], 12)
    held = []
    for split in inner_splits(train, 3, seed=1):
        out = np.unique(split.test.items)
        held += out.tolist()
        assert not np.isin(split.train.items, out).any()
        assert (split.train.matrix() + split.test.matrix()).toarray().tolist() == train.matrix().toarray().tolist()
    assert sorted(held) == sorted(set(items.tolist()))


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
    history = Histories.of_items([0], 3)
    both, code = SharedSum(graph).scores(history), graph.item_facts().relation_names.index("sequel")
    assert both[0, 1] == pytest.approx(2 * 2**-0.75)
    assert SharedSum(graph, code).scores(history)[0, 1] == pytest.approx(2**-0.75)
