"""The snapshot: node space, items and their ids, twins, overlays, digests."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph, NodeTable, RelationTable, UnknownItem, UnknownNode
from kg.rows import EdgeRow, Event, NodeRow
from tests.kg.graph.graphs import GRAPHS, SCHEMA, rows
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


@pytest.fixture
def graph() -> KnowledgeGraph:
    return KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS, generation=3, event_generation=7)


def pairs(relation: RelationTable) -> set[tuple[int, int]]:
    return set(zip(relation.heads.tolist(), relation.tails.tolist(), strict=True))


def test_node_space(graph: KnowledgeGraph) -> None:
    assert graph.kinds == ("film", "series", "city", "genre", "person", "viewer")
    assert graph.offsets == {"film": 0, "series": 5, "city": 7, "genre": 8, "person": 10, "viewer": 12}
    assert (graph.n_items, graph.n_nodes) == (7, 15)
    assert (graph.generation, graph.event_generation) == (3, 7)
    assert list(graph.nodes("film").keys) == ["1", "10", "11", "2", "ä"]
    assert graph.node_of(10) == ("person", "qt", "Quentin Tarantino")
    assert graph.node_id("viewer", "cid") == 14
    # A user that only an event names has its key for a label.
    assert graph.label_of(14) == "cid"
    assert repr(graph) == "KnowledgeGraph('films', 15 nodes, 10 edges, 7 events)"
    for node in (-1, 15):
        with pytest.raises(UnknownNode):
            graph.node_of(node)
    with pytest.raises(UnknownNode, match="nobody"):
        graph.node_id("person", "nobody")
    with pytest.raises(UnknownNode, match="kinds are film"):
        graph.nodes("movie")
    with pytest.raises(UnknownNode, match="director"):
        graph.relation("directed")


def test_item_ids_say_the_kind_only_where_they_must(graph: KnowledgeGraph) -> None:
    assert list(graph.item_ids) == ["1", "10", "11", "film:2", "ä", "series:2", "9"]
    assert graph.item_index("9") == 6
    assert graph.item_index("series:9") == 6
    assert graph.item_index("series:2") == 5
    with pytest.raises(UnknownItem, match="'film:2', 'series:2'"):
        graph.item_index("2")
    with pytest.raises(UnknownItem, match=r"'10' \(Kill Bill\)"):
        graph.item_index("kill bill")
    with pytest.raises(UnknownItem, match="Did you mean '11'"):
        graph.item_index("111")
    found = graph.item_indices(["11", "2", "film:2", "nothing", "film:10", "series:1"])
    assert found.tolist() == [2, -1, 3, -1, 1, -1]
    assert found.dtype == np.int32


def test_a_key_that_reads_like_an_id_with_a_kind() -> None:
    nodes = [NodeRow("film", "series:1", "a"), NodeRow("film", "1", "b"), NodeRow("series", "1", "c")]
    graph = KnowledgeGraph.from_rows(SCHEMA, nodes)
    assert list(graph.item_ids) == ["film:1", "film:series:1", "series:1"]
    assert [graph.item_index(item) for item in graph.item_ids] == [0, 1, 2]
    assert graph.item_indices(list(graph.item_ids)).tolist() == [0, 1, 2]


@given(GRAPHS)
@settings(max_examples=60, deadline=None)
def test_items_are_shown_together_as_they_are_one_by_one(graph: KnowledgeGraph) -> None:
    items = np.arange(graph.n_items)[::-1]
    assert graph.items_as_shown(items) == [
        (graph.item_ids[item], graph.label_of(item), graph.kind_of(item)) for item in items.tolist()
    ]
    assert graph.items_as_shown(items[:0]) == []


@pytest.mark.parametrize("wanted", [1, 400])
def test_few_ids_and_many_are_looked_up_alike(wanted: int) -> None:
    nodes = [NodeRow("film", f"k{n}", "") for n in range(2000)]
    graph = KnowledgeGraph.from_rows(SCHEMA, nodes)
    ids = [f"k{n}" for n in random.Random(0).sample(range(2500), wanted)]
    expected = [graph.item_index(item) if item in {n.key for n in nodes} else -1 for item in ids]
    assert graph.item_indices(ids).tolist() == expected
    assert graph.item_indices(iter(ids)).tolist() == expected


def test_item_fields_run_over_all_item_kinds(graph: KnowledgeGraph) -> None:
    year = graph.item_field("year")
    assert [year[n] for n in range(len(year))] == [1992, 2003, None, 1994, None, 2002, None]
    assert year.missing.tolist() == [False, False, True, False, True, False, True]
    language = graph.item_field("language")
    assert list(language) == ["en", None, "ja", "en", None, None, None]
    assert language.categories is not None
    assert list(language.categories) == ["en", "ja"]
    assert list(graph.item_field("released"))[3] == "1994-09-10"
    assert graph.item_field("hit")[0] is True
    with pytest.raises(UnknownNode, match="language"):
        graph.item_field("budget")


def test_sensitive_fields_are_loaded_and_not_shown(graph: KnowledgeGraph) -> None:
    ann = graph.node_id("viewer", "ann")
    assert graph.nodes("viewer").fields["age"][0] == 33
    assert graph.nodes("viewer").fields["age"].sensitive
    assert graph.fields_of(ann) == {"plan": "paid"}
    assert graph.fields_of(0) == {"year": 1992, "language": "en", "hit": True}


def test_item_facts(graph: KnowledgeGraph) -> None:
    facts = graph.item_facts()
    assert graph.item_facts() is facts
    assert facts.relation_names == ("director", "genre.film.genre", "genre.series.genre", "sequel", "~sequel")
    shown = [
        [(facts.relation_names[r], graph.label_of(n)) for r, n in zip(facts.relations[s], facts.nodes[s], strict=True)]
        for s in map(facts.of, range(graph.n_items))
    ]
    assert shown == [
        [("director", "Quentin Tarantino"), ("genre.film.genre", "crime")],
        [("director", "Quentin Tarantino"), ("director", "Robert Rodriguez"), ("sequel", "Kill Bill 2")],
        [("~sequel", "Kill Bill")],
        [("director", "Quentin Tarantino"), ("genre.film.genre", "crime")],
        [],
        [("genre.series.genre", "crime")],
        [("genre.series.genre", "drama")],
    ]
    assert facts.degrees().tolist() == [2, 3, 1, 2, 0, 1, 1]
    matrix = facts.matrix(graph.n_nodes)
    assert matrix.sum() == len(facts) == 10
    assert facts.indptr[-1] == len(facts)  # adding up what several relations share leaves the facts alone
    assert matrix[0, graph.node_id("person", "qt")] == 1


def test_interactions(graph: KnowledgeGraph) -> None:
    found = graph.interactions()
    assert list(found.user_ids) == ["ann", "bob", "cid"]
    assert found.n_items == 7
    assert found.users.tolist() == [0, 0, 0, 0, 1, 2]
    # By time, the unknown one last; ann's rating of 2 stars is no positive one.
    assert found.items.tolist() == [0, 0, 0, 3, 3, 5]
    assert found.weights is not None
    assert found.times is not None
    assert len(graph.interactions(positive_only=False)) == 7
    (ratings, views) = graph.events_of("ann")
    assert (ratings.kind, ratings.items.tolist(), ratings.positive.tolist()) == ("rating", [3, 0], [False, True])
    assert views.times.tolist()[:2] == [1.0, 2.0]
    assert graph.events_of("nobody") == []
    empty = graph.without_interactions()
    assert len(empty.interactions()) == 0
    assert empty.interactions().weights is None
    assert empty.digest == graph.digest
    assert empty.events_of("ann") == []


def test_without_relations(graph: KnowledgeGraph) -> None:
    twin = graph.without_relations()
    assert [relation.name for relation in twin.relations] == [relation.name for relation in graph.relations]
    assert len(twin.item_facts()) == 0
    assert list(twin.item_texts) == list(graph.item_texts)
    assert len(twin.interactions()) == len(graph.interactions())
    assert twin.digest != graph.digest


def test_rows_that_do_not_fit_are_errors() -> None:
    for nodes, edges, events, word in (
        ([NodeRow("movie", "1", "")], [], [], "movie"),
        ([], [EdgeRow("likes", "1", "2")], [], "likes"),
        (NODES, [EdgeRow("sequel", "1", "nothing")], [], "nothing"),
        (NODES, [], [Event.of("a", "nothing", "film", "view")], "nothing"),
        (NODES, [], [Event.of("a", "1", "film", "bought")], "bought"),
    ):
        with pytest.raises(WhyPathError, match=word):
            KnowledgeGraph.from_rows(SCHEMA, nodes, edges, events)


@given(rows(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_makes_no_difference(found: tuple[list, list, list], shuffle: random.Random) -> None:
    graph = KnowledgeGraph.from_rows(SCHEMA, *found)
    for part in found:
        shuffle.shuffle(part)
    again = KnowledgeGraph.from_rows(SCHEMA, *(part + part for part in found))
    assert (again.digest, again.events_digest) == (graph.digest, graph.events_digest)


@given(GRAPHS)
@settings(max_examples=60, deadline=None)
def test_ids_are_dense_and_ordered(graph: KnowledgeGraph) -> None:
    total = 0
    for kind in graph.kinds:
        table = graph.nodes(kind)
        assert graph.offsets[kind] == total
        keys = table.keys.to_list()
        assert keys == sorted(set(keys))
        for row, key in enumerate(keys):
            assert graph.node_id(kind, key) == total + row
            assert graph.node_of(total + row) == (kind, key, table.labels[row])
        total += len(table)
    assert graph.n_nodes == total
    assert [graph.item_index(item) for item in graph.item_ids] == list(range(graph.n_items))
    assert graph.item_indices(graph.item_ids).tolist() == list(range(graph.n_items))


@given(GRAPHS)
@settings(max_examples=60, deadline=None)
def test_both_directions_of_a_relation_say_the_same(graph: KnowledgeGraph) -> None:
    for relation in graph.relations:
        forward, backward = relation.forward, relation.backward
        assert (len(forward), len(backward)) == (
            len(graph.nodes(relation.head_kind)),
            len(graph.nodes(relation.tail_kind)),
        )
        there = {(row, int(tail)) for row in range(len(forward)) for tail in forward.row(row)}
        back = {(int(head), row) for row in range(len(backward)) for head in backward.row(row)}
        assert there == back == pairs(relation)
        assert len(there) == len(relation) == backward.n_edges
        for csr in (forward, backward):
            assert all((np.diff(csr.row(row)) > 0).all() for row in range(len(csr)))
        assert relation.matrix().sum() == len(relation)


@given(GRAPHS)
@settings(max_examples=60, deadline=None)
def test_item_facts_are_the_relations_around_items(graph: KnowledgeGraph) -> None:
    facts = graph.item_facts()
    found = [
        (int(item), facts.relation_names[relation], int(node))
        for item, relation, node in zip(facts.items(), facts.relations, facts.nodes, strict=True)
    ]
    expected = []
    for relation in graph.relations:
        for head, tail in pairs(relation):
            ends = graph.offsets[relation.head_kind] + head, graph.offsets[relation.tail_kind] + tail
            if relation.head_kind in SCHEMA.item_kinds:
                expected.append((ends[0], relation.name, ends[1]))
            if relation.tail_kind in SCHEMA.item_kinds:
                expected.append((ends[1], f"~{relation.name}", ends[0]))
    names = {name: code for code, name in enumerate(facts.relation_names)}
    assert found == sorted(
        (fact for fact in expected if fact[1] != "lives"), key=lambda fact: (fact[0], names[fact[1]], fact[2])
    )


@given(GRAPHS, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_a_shuffled_twin_keeps_degrees(graph: KnowledgeGraph, seed: int) -> None:
    twin = graph.shuffled(seed)
    assert graph.shuffled(seed).digest == twin.digest
    for relation, other in zip(graph.relations, twin.relations, strict=True):
        dropped = len(relation) - len(other)
        for one, two in ((relation.forward, other.forward), (relation.backward, other.backward)):
            lost = one.degrees() - two.degrees()
            assert (lost >= 0).all()
            assert lost.sum() == dropped
    assert list(twin.item_texts) == list(graph.item_texts)


def test_a_shuffled_twin_of_a_sparse_relation_loses_nothing_but_the_meaning() -> None:
    random_numbers = random.Random(1)
    nodes = [NodeRow("film", f"f{n}", "") for n in range(200)] + [NodeRow("person", f"p{n}", "") for n in range(30)]
    edges = [
        EdgeRow("director", f"f{random_numbers.randrange(200)}", f"p{int(random_numbers.random() ** 2 * 30)}")
        for _ in range(600)
    ]
    graph = KnowledgeGraph.from_rows(SCHEMA, nodes, edges)
    twin = graph.shuffled(1)
    before, after = graph.relation("director"), twin.relation("director")
    assert (before.forward.degrees() == after.forward.degrees()).all()
    assert (before.backward.degrees() == after.backward.degrees()).all()
    assert len(pairs(before) & pairs(after)) < len(before) / 2
    assert pairs(graph.shuffled(2).relation("director")) != pairs(after)


@given(rows(), st.data())
@settings(max_examples=80, deadline=None)
def test_an_overlay_is_the_graph_with_the_events(found: tuple[list, list, list], data: st.DataObject) -> None:
    nodes, edges, events = found
    cut = data.draw(st.integers(0, len(events)))
    # The overlaid part repeats some events that are there already.
    again = data.draw(st.integers(0, cut))
    base = KnowledgeGraph.from_rows(SCHEMA, nodes, edges, events[:cut])
    graph = base.overlay(events[again:], event_generation=5)
    whole = KnowledgeGraph.from_rows(SCHEMA, nodes, edges, events)
    assert graph.events_digest == whole.events_digest
    assert graph.digest == whole.digest == base.digest
    assert graph.event_generation == 5


def test_an_overlay_leaves_out_what_the_graph_does_not_know(graph: KnowledgeGraph) -> None:
    events = [
        Event.of("x", "unknown", "film", "view"),
        Event.of("x", "1", "person", "view"),
        Event.of("x", "1", "film", "?"),
    ]
    assert graph.overlay(events).events_digest == graph.events_digest


@given(rows(), st.data())
@settings(max_examples=60, deadline=None)
def test_without_a_user_nothing_of_it_is_left(found: tuple[list, list, list], data: st.DataObject) -> None:
    nodes, edges, events = found
    graph = KnowledgeGraph.from_rows(SCHEMA, nodes, edges, events)
    users = graph.nodes("viewer").keys.to_list()
    gone = set(data.draw(st.lists(st.sampled_from(users), max_size=3))) if users else set()
    expected = KnowledgeGraph.from_rows(
        SCHEMA,
        [node for node in nodes if node.kind != "viewer" or node.key not in gone]
        # Users that only events name are nodes of the graph, too.
        + [NodeRow("viewer", user, user) for user in set(users) - gone - {n.key for n in nodes if n.kind == "viewer"}],
        [edge for edge in edges if edge.relation != "lives" or edge.head not in gone],
        [event for event in events if event.user not in gone],
    )
    rest = graph.without_users([*gone, "nobody at all"])
    assert rest.events_digest == expected.events_digest
    assert rest.digest == graph.digest


def test_digests_see_every_kind_of_change() -> None:
    def digests(nodes=NODES, edges=EDGES, events=EVENTS) -> tuple[str, str]:
        graph = KnowledgeGraph.from_rows(SCHEMA, nodes, edges, events)
        return graph.digest, graph.events_digest

    first = digests()
    facts = [
        digests(nodes=[NodeRow("film", "2", "Other"), *NODES[1:]]),
        digests(nodes=[NodeRow("film", "2", "Pulp Fiction", "Other", NODES[0].fields), *NODES[1:]]),
        digests(nodes=[NodeRow("film", "2", "Pulp Fiction", "Pulp Fiction", {"year": 1995}), *NODES[1:]]),
        digests(edges=EDGES[1:]),
        digests(edges=[EdgeRow("sequel", "11", "10"), *EDGES]),
    ]
    events = [
        digests(events=EVENTS[1:]),
        digests(nodes=[*NODES[:12], NodeRow("viewer", "ann", "Ann", "", {"age": 34}), NODES[13]]),
        digests(edges=EDGES[:-1]),
        digests(events=[Event.of("ann", "1", "film", "rating", time=10.0, weight=4.0), *EVENTS[1:]]),
    ]
    assert all(digest[0] != first[0] for digest in facts)
    assert all(digest[0] == first[0] and digest[1] != first[1] for digest in events)
    assert len({first, *facts, *events}) == 10


def test_the_positive_rule_is_the_schemas() -> None:
    interactions = {"rating": {"items": "film", "positive": {"min_weight": 5}}}
    schema = films_schema(interactions=interactions)
    graph = KnowledgeGraph.from_rows(schema, NODES, [], EVENTS[:3])
    assert len(graph.interactions()) == 1


def test_an_empty_graph_answers() -> None:
    graph = KnowledgeGraph.from_rows(SCHEMA, [])
    assert (graph.n_items, graph.n_nodes, len(graph.item_facts()), len(graph.interactions())) == (0, 0, 0, 0)
    assert graph.item_indices(["a"]).tolist() == [-1]
    with pytest.raises(UnknownItem):
        graph.item_index("a")
    assert graph.shuffled(1).digest == graph.digest


def test_a_table_of_chosen_rows(graph: KnowledgeGraph) -> None:
    table: NodeTable = graph.nodes("film").take(np.array([0, 3]))
    assert list(table.keys) == ["1", "2"]
    assert list(table.fields["language"]) == ["en", "en"]
    assert table.fields["language"].categories is not None
    assert list(table.fields["language"].categories) == ["en"]


def test_weights_and_times_beyond_the_limits_of_events_count_as_unknown() -> None:
    # Earlier versions recorded them.
    odd = [
        Event.of("ann", "1", "film", "rating", weight=1e308, time=5.0),
        Event.of("ann", "2", "film", "rating", weight=5.0, time=1.7e12),
        Event.of("bob", "2", "film", "rating", weight=float("-inf"), time=float("inf")),
    ]
    built = KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, odd)
    for graph in (built, KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES).overlay(odd)):
        (table,) = [table for table in graph.events if table.kind == "rating"]
        assert np.array_equal(table.weights, [np.nan, 5.0, np.nan], equal_nan=True)
        assert np.array_equal(table.times, [5.0, np.nan, np.nan], equal_nan=True)
        assert table.positive.tolist() == [False, True, False]
