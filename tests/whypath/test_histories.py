"""Rows of files over a graph: unknown items counted, the domain's positive rule applied, order without effect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.schema import DomainSchema
from tests.whypath.films import SCHEMA, films
from whypath.answering.behaviour import behaviour_of_store
from whypath.answering.histories import AmbiguousRule, positive_rows, to_interactions
from whypath.io.files import FileDigest, Rows, read_interactions
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


@pytest.fixture(scope="module")
def graph() -> KnowledgeGraph:
    return films()


def rows(*given: tuple[str, str, float, float]) -> Rows:
    users, items, weights, times = zip(*given, strict=True)
    return Rows(
        np.array(users, dtype=object),
        np.array(items, dtype=object),
        np.array(weights, dtype=np.float32),
        np.array(times, dtype=np.float64),
        (FileDigest("f.tsv", "0", len(given)),),
    )


NAN = float("nan")
GIVEN = (("u", "f1", 5, 3), ("t", "f2", 3, 1), ("u", "new", 4, 2), ("u", "007", NAN, 1), ("v", "gone", 5, 1))


def test_rows_become_sorted_interactions_and_the_rest_is_told(graph: KnowledgeGraph) -> None:
    found, reading = to_interactions(rows(*GIVEN), graph)
    assert list(found.user_ids) == ["t", "u", "v"]
    assert [(found.user_ids[u], graph.item_ids[i]) for u, i in zip(found.users, found.items, strict=True)] == [
        ("u", "007"),
        ("u", "f1"),
    ]
    assert (reading.rows, reading.not_positive, reading.unknown_rows, reading.unknown_items) == (5, 1, 2, 2)
    assert "2 on 2 items unknown to the store (new, gone)" in str(reading)
    assert "1 not positive" in str(reading)


def test_file_order_has_no_effect(graph: KnowledgeGraph) -> None:
    one, _ = to_interactions(rows(*GIVEN), graph)
    other, _ = to_interactions(rows(*reversed(GIVEN)), graph)
    np.testing.assert_array_equal(one.users, other.users)
    np.testing.assert_array_equal(one.items, other.items)


def test_file_order_has_no_effect_on_weights_either(graph: KnowledgeGraph) -> None:
    twice = (("u", "f1", 5, 3), ("u", "f1", 4, 3), ("u", "f1", NAN, 3))
    for given in (twice, twice[::-1], twice[1:] + twice[:1]):
        found, _ = to_interactions(rows(*given), graph)
        assert found.weights is not None
        np.testing.assert_array_equal(found.weights, [4, 5, NAN])


def test_users_without_events_have_an_empty_history_among_the_others() -> None:
    graph = KnowledgeGraph.from_rows(films_schema(), NODES, EDGES, EVENTS)
    wanted = ["cid", "nobody", "ann", "bob", "ann"]
    found = behaviour_of_store(graph, wanted)
    assert list(found.users) == wanted
    assert found.liked.is_empty.tolist() == [False, True, False, False, False]
    for row, user in enumerate(wanted):
        alone, _ = graph.history_of(user, ())
        own = found.liked.take(slice(row, row + 1))
        np.testing.assert_array_equal(own.items, alone.items)
        np.testing.assert_array_equal(own.times, alone.times)
        np.testing.assert_array_equal(own.weights, alone.weights)
        assert kinds_of(own) == kinds_of(alone)


def kinds_of(history: Histories) -> list[str]:
    assert history.kinds is not None
    return [history.kind_names[kind] for kind in history.kinds.tolist()]


def test_rows_of_files_keep_their_kinds(tmp_path: Path) -> None:
    """By a column `kind`, and without one where the domain has one kind; unknown names are unknown kinds."""
    graph = KnowledgeGraph.from_rows(films_schema(), NODES, EDGES, EVENTS)
    item = graph.item_ids[0]
    given = [f"{user}\t{item}\t{kind}" for user, kind in (("ann", "view"), ("bob", "rating"), ("cid", "other"))]
    (tmp_path / "kinds.tsv").write_text("\n".join(["user\titem\tkind", *given]) + "\n")
    (tmp_path / "plain.tsv").write_text(f"user\titem\ndan\t{item}\n")
    files = [tmp_path / "kinds.tsv", tmp_path / "plain.tsv"]
    found, _ = to_interactions(read_interactions(files), graph)
    assert found.kind_names == ("rating", "view")
    assert found.kinds is not None
    assert dict(zip(found.user_ids, found.kinds.tolist(), strict=True)) == {"ann": 1, "bob": 0, "cid": -1, "dan": -1}
    assert found.kind_names == graph.interactions().kind_names
    (tmp_path / "one.tsv").write_text("user\titem\ndan\tf1\n")
    one, _ = to_interactions(read_interactions([tmp_path / "one.tsv"]), films())
    assert one.kind_names == ("rating",)
    assert one.kinds is not None
    assert one.kinds.tolist() == [0]


def test_given_users_fix_the_rows_and_others_are_dropped(graph: KnowledgeGraph) -> None:
    found, reading = to_interactions(rows(*GIVEN), graph, users=["v", "u", "nobody"], positive_only=False)
    assert list(found.user_ids) == ["v", "u", "nobody"]
    assert found.matrix().toarray().sum(axis=1).tolist() == [0, 2, 0]
    assert reading.rows == 4


def test_two_rules_for_positive_are_ambiguous() -> None:
    other = SCHEMA + "  visit: {source: v.tsv, columns: {user: u, item: i, weight: w}, positive: {min_weight: 1}}\n"
    with pytest.raises(AmbiguousRule, match=r"f\.tsv has weights"):
        positive_rows(rows(*GIVEN), DomainSchema.from_yaml(other))
