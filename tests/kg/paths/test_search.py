"""Path search against a search that tries everything, and the paths that people read."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import WhyPathError
from kg.exchange.networkx import to_networkx
from kg.graph import KnowledgeGraph, UnknownNode
from kg.paths import LONGEST, ImpossiblePattern, Path, PathSearch
from kg.rows import EdgeRow, Event, NodeRow
from tests.kg.graph.graphs import GRAPHS, SCHEMA
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


@pytest.fixture
def graph() -> KnowledgeGraph:
    return KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS)


def everything(search: PathSearch, source: int, target: int, longest: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """All trails as (code, node) steps, by trying every edge, in no useful order."""
    adjacency = search.adjacency
    waiting: list[tuple[tuple[tuple[int, int], ...], int, frozenset]] = [((), source, frozenset())]
    while waiting:
        trail, node, used = waiting.pop()
        if trail and node == target:
            yield trail
        if len(trail) == longest:
            continue
        row = adjacency.row(node)
        for other, code in zip(adjacency.neighbours[row].tolist(), adjacency.codes[row].tolist(), strict=True):
            edge = (code // 2, *((node, other) if code % 2 == 0 else (other, node)))
            if edge not in used:
                waiting.append(((*trail, (code, other)), other, used | {edge}))


def steps(search: PathSearch, path: Path) -> tuple[tuple[int, int], ...]:
    codes = {kind.name: 2 * code for code, kind in enumerate(search.adjacency.kinds)}
    return tuple(
        (codes[edge.relation] + (not edge.forward), node)
        for edge, node in zip(path.edges, path.node_ids[1:], strict=True)
    )


@given(GRAPHS, st.data())
@settings(max_examples=150, deadline=None)
def test_finds_every_path_once_and_in_order(graph: KnowledgeGraph, data: st.DataObject) -> None:
    if not graph.n_nodes:
        return
    search = PathSearch(graph, interactions=data.draw(st.booleans()), hidden=data.draw(st.booleans()))
    source, target = (data.draw(st.integers(0, graph.n_nodes - 1)) for _ in range(2))
    expected = sorted(everything(search, source, target, 4), key=lambda trail: (len(trail), trail))[:3000]
    found = search.between(source, target, limit=3000, work=10**7)
    assert [steps(search, path) for path in found] == expected
    assert found.complete or len(expected) == 3000
    few = search.between(source, target, limit=3, work=10**7)
    assert list(few) == list(found)[:3]
    assert few.complete == (len(found) <= 3)
    simple = search.between(source, target, limit=3000, simple=True, work=10**7)
    if found.complete:
        assert list(simple) == [path for path in found if len(set(path.node_ids)) == len(path.nodes)]
    for path in found:
        nodes = path.node_ids
        assert (nodes[0], nodes[-1]) == (source, target)
        for edge, here, there in zip(path.edges, nodes, nodes[1:], strict=False):
            head, tail = (here, there) if edge.forward else (there, here)
            if edge.relation in {relation.name for relation in graph.relations}:
                relation = graph.relation(edge.relation)
                local = head - graph.offsets[relation.head_kind], tail - graph.offsets[relation.tail_kind]
                assert local[1] in relation.forward.row(local[0])


@given(GRAPHS, st.data())
@settings(max_examples=80, deadline=None)
def test_paths_are_listed_by_length_and_by_their_commonest_node(graph: KnowledgeGraph, data: st.DataObject) -> None:
    if not graph.n_nodes:
        return
    interactions = data.draw(st.booleans())
    search = PathSearch(graph, interactions=interactions)
    source, target = (data.draw(st.integers(0, graph.n_nodes - 1)) for _ in range(2))
    edges = [(int(graph.offsets[r.head_kind] + h), int(graph.offsets[r.tail_kind] + t))
             for r in graph.relations if not r.hidden for h, t in zip(r.heads, r.tails, strict=True)]  # fmt: skip
    for events in graph.events if interactions else ():
        viewers = events.users + graph.offsets["viewer"]
        edges += zip(viewers.tolist(), events.items.tolist(), strict=True)

    def common(path: Path) -> int:
        return max((sum(node in edge for edge in edges) for node in path.node_ids[1:-1]), default=0)

    simple = search.between(source, target, limit=10**6, simple=True, work=10**7)
    expected = sorted(simple, key=lambda path: (len(path), common(path)))  # a stable sort
    found = search.listed(source, target, limit=10**6)
    assert list(found) == expected
    assert found.complete
    few = search.listed(source, target, limit=2)
    assert list(few) == expected[:2]
    assert few.complete == (len(expected) < 2 or (len(expected) == 2 and len(expected[-1]) == 4))


def test_a_length_that_is_too_much_work_is_left_out(graph: KnowledgeGraph) -> None:
    search = PathSearch(graph)
    dogs, fiction = graph.item_index("1"), graph.item_index("film:2")
    enough = search.listed(dogs, fiction, max_edges=2)
    assert (len(enough), enough.complete) == (2, True)
    cut = search.listed(dogs, fiction, max_edges=2, work=3)
    assert (len(cut), cut.complete) == (0, False)


@given(GRAPHS)
@settings(max_examples=60, deadline=None)
def test_shortest_lengths_are_those_of_networkx(graph: KnowledgeGraph) -> None:
    search = PathSearch(graph)
    exported = nx.Graph(to_networkx(graph).to_undirected())
    lengths = dict(nx.all_pairs_shortest_path_length(exported, cutoff=4))
    nodes = [node for node in range(graph.n_nodes) if graph.node_of(node)[:2] in exported]
    for source in nodes[::3]:
        for target in nodes[::2]:
            if source == target:
                continue
            found = search.between(source, target, limit=1)
            length = lengths[graph.node_of(source)[:2]].get(graph.node_of(target)[:2])
            assert (len(found[0]) if found else None) == length


@given(GRAPHS, st.data())
@settings(max_examples=100, deadline=None)
def test_shared_ends_are_the_paths_of_two_edges(graph: KnowledgeGraph, data: st.DataObject) -> None:
    if not graph.n_nodes:
        return
    search = PathSearch(graph, interactions=data.draw(st.booleans()), hidden=data.draw(st.booleans()))
    nodes = st.integers(0, graph.n_nodes - 1)
    history, target = data.draw(st.lists(nodes, max_size=5, unique=True)), data.draw(nodes)
    shared = search.shared(history, target)
    columns = (shared.positions, shared.codes_in, shared.nodes, shared.codes_out)
    found = [
        (position, ((code_in, node), (code_out, target)))
        for position, code_in, node, code_out in zip(*(column.tolist() for column in columns), strict=True)
    ]
    expected = [
        (position, trail)
        for position, source in enumerate(history)
        for trail in sorted(t for t in everything(search, source, target, 2) if len(t) == 2)
    ]
    assert found == expected
    for position, trail in found:
        codes, way = [code for code, _ in trail], [history[position], *(node for _, node in trail)]
        assert steps(search, search.path(way, codes)) == trail


@given(GRAPHS, st.data())
@settings(max_examples=80, deadline=None)
def test_a_pattern_chooses_among_all_paths(graph: KnowledgeGraph, data: st.DataObject) -> None:
    if not graph.n_items:
        return
    search = PathSearch(graph)
    items = st.integers(0, graph.n_items - 1)
    history, target = data.draw(st.lists(items, min_size=1, max_size=3, unique=True)), data.draw(items)
    patterns = [
        ("director", "~director"),
        ("*", "~genre.film.genre"),
        ("sequel",),
        ("sequel", "director", "*"),
        ("genre.film.genre", "~genre.series.genre"),
    ]
    found = search.from_history(history, target, patterns=patterns, limit=5000, work=10**7)
    shown = [(path.node_ids[0], path.relations, path.node_ids) for path in found]
    everyone = search.from_history(history, target, max_edges=3, limit=10**6, work=10**8)
    assert everyone.complete
    fitting = {
        (path.node_ids[0], path.relations, path.node_ids)
        for path in everyone
        for pattern in patterns
        if len(pattern) == len(path) and all(step in ("*", r) for step, r in zip(pattern, path.relations, strict=True))
    }
    assert len(shown) == len(set(shown))
    assert set(shown) == fitting
    assert [len(path) for path in found] == sorted(len(path) for path in found)


def test_paths_print_as_people_read_them(graph: KnowledgeGraph) -> None:
    search = PathSearch(graph)
    dogs, pulp = graph.item_index("1"), graph.item_index("film:2")
    found = search.between(pulp, dogs, max_edges=2)
    assert [str(path) for path in found] == [
        "Pulp Fiction ─directed by→ Quentin Tarantino ←directed by─ Reservoir Dogs",
        "Pulp Fiction ─is→ crime ←is─ Reservoir Dogs",
    ]
    path = found[0]
    assert len(path) == 2
    assert path.relations == ("director", "~director")
    assert [(node.kind, node.key) for node in path.nodes] == [("film", "2"), ("person", "qt"), ("film", "1")]
    assert found[0:1] == (path,)
    assert found.complete


def test_users_are_evidence_and_no_names(graph: KnowledgeGraph) -> None:
    ann = graph.node_id("viewer", "ann")
    search = PathSearch(graph, interactions=True)
    found = search.between(ann, graph.item_index("series:2"), max_edges=4, simple=True, limit=50)
    shown = [str(path) for path in found]
    assert "you ─liked→ Reservoir Dogs ─is→ crime ←is─ The Wire" in shown
    assert not any("Bob" in text or "cid" in text for text in shown)
    rated = search.between(ann, graph.item_index("film:2"), limit=100)
    assert "you ─watched→ Pulp Fiction" in [str(path) for path in rated]
    # Two stars are no reason, and several views are one edge.
    assert "you ─liked→ Pulp Fiction" not in [str(path) for path in rated]
    assert len([path for path in rated if len(path) == 1]) == 1
    others = search.between(graph.item_index("film:2"), graph.item_index("film:2"), max_edges=2)
    assert [str(path) for path in others] == []


def test_what_is_walked_can_be_chosen(graph: KnowledgeGraph) -> None:
    ann, berlin = graph.node_id("viewer", "ann"), graph.node_id("city", "b")
    assert len(PathSearch(graph).between(ann, berlin)) == 0
    assert len(PathSearch(graph, hidden=True).between(ann, berlin)) == 1
    only = PathSearch(graph, relations=["director"])
    assert [path.relations for path in only.between(0, 3)] == [("director", "~director")]
    with pytest.raises(UnknownNode, match="direktor"):
        PathSearch(graph, relations=["direktor"])


def test_a_history_is_answered_in_its_order(graph: KnowledgeGraph) -> None:
    search = PathSearch(graph, relations=["director", "sequel"])
    pulp, dogs, bill, second = (graph.item_index(item) for item in ("film:2", "1", "10", "11"))
    found = search.from_history([pulp, second, dogs, pulp], bill)
    assert [(path.node_ids[0], len(path)) for path in found] == [(second, 1), (pulp, 2), (dogs, 2)]
    assert len(search.from_history([pulp, second, dogs], bill, limit=2)) == 2
    assert not search.from_history([pulp, second, dogs], bill, limit=2).complete
    assert search.from_history([], bill).complete


def test_patterns_that_lead_nowhere_are_said(graph: KnowledgeGraph) -> None:
    search = PathSearch(graph)
    for pattern, word in (
        ((), "at least one"),
        (("direktor",), "direktor"),
        (("director", "director"), "leads nowhere: after step 1 a path is at person"),
        (("sequel", "~director"), "begins at person"),
    ):
        with pytest.raises(ImpossiblePattern, match=word):
            search.between(0, 1, patterns=[pattern])
    with pytest.raises(WhyPathError, match=str(LONGEST)):
        search.between(0, 1, max_edges=LONGEST + 1, limit=1000)
    for nodes in ((0, 99), (-1, 0)):
        with pytest.raises(UnknownNode):
            search.between(*nodes)


def test_a_search_between_hubs_ends() -> None:
    nodes = [NodeRow("film", f"{n}", "") for n in range(400)]
    nodes += [NodeRow("genre", genre, "") for genre in ("big", "large", "small")]
    edges = [EdgeRow("genre.film.genre", f"{n}", genre) for n in range(400) for genre in ("big", "large")]
    graph = KnowledgeGraph.from_rows(SCHEMA, nodes, [*edges, EdgeRow("genre.film.genre", "7", "small")])
    search = PathSearch(graph)
    small, film = graph.node_id("genre", "small"), graph.item_index("8")
    assert [len(path) for path in search.between(small, film, limit=2)] == [3, 3]
    found = search.between(small, film, max_edges=5, limit=10_000)
    # By either genre to one of 398 other films and back by the other one, or straight.
    assert [len(path) for path in found] == [3] * 2 + [5] * (2 * 398)
    assert found.complete
    cut = search.between(small, film, max_edges=5, limit=10_000, work=500)
    assert not cut.complete
    assert list(cut) == list(found)[: len(cut)]


def test_an_event_kind_of_nobody_is_walked_in_vain() -> None:
    schema = films_schema(interactions={})
    graph = KnowledgeGraph.from_rows(schema, NODES, EDGES)
    assert len(PathSearch(graph, interactions=True).between(0, 3, max_edges=2)) == 2
    event = Event.of("ann", "1", "film", "view")
    rated = KnowledgeGraph.from_rows(SCHEMA, NODES, (), [event])
    assert len(PathSearch(rated).between(rated.node_id("viewer", "ann"), 0)) == 0
