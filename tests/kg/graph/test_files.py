"""Saving and loading snapshots, and the exports to networkx and PyTorch Geometric."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph, SnapshotUnreadable, UnknownNode
from kg.graph.intact import digest_of_record
from kg.rows import NodeRow
from tests.kg.domain import EDGES, EVENTS, NODES, films_schema
from tests.kg.graph.graphs import GRAPHS, SCHEMA


@pytest.fixture
def graph() -> KnowledgeGraph:
    return KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS, generation=3, event_generation=7)


@given(GRAPHS)
@settings(max_examples=12, deadline=None)
def test_a_saved_snapshot_comes_back(graph: KnowledgeGraph) -> None:
    with tempfile.TemporaryDirectory() as directory:
        place = graph.save(Path(directory) / "graph")
        for mmap in (True, False):
            again = KnowledgeGraph.load(place, mmap=mmap)
            assert again.schema.to_json() == graph.schema.to_json()
            assert again.digest == graph.digest
            assert again.events_digest == graph.events_digest
            # The digest on disk is that of what is on disk.
            assert again.without_relations().digest == graph.without_relations().digest
            assert again.shuffled(1).digest == graph.shuffled(1).digest
            for relation, other in zip(graph.relations, again.relations, strict=True):
                assert (relation.name, relation.label, relation.hidden) == (other.name, other.label, other.hidden)
                assert relation.backward.indices.tolist() == other.backward.indices.tolist()
            for table, loaded in zip(graph.events, again.events, strict=True):
                assert table.positive.tolist() == loaded.positive.tolist()


def test_a_saved_snapshot_is_replaced_whole(graph: KnowledgeGraph, tmp_path: Path) -> None:
    place = graph.save(tmp_path / "deep" / "graph")
    smaller = KnowledgeGraph.from_rows(SCHEMA, NODES[:1])
    smaller.save(place)
    assert KnowledgeGraph.load(place).n_nodes == 1
    assert [path.name for path in place.parent.iterdir()] == ["graph"]
    loaded = KnowledgeGraph.load(place)
    assert (loaded.generation, loaded.event_generation) == (0, 0)


def test_a_mapped_snapshot_does_not_change_under_its_reader(graph: KnowledgeGraph, tmp_path: Path) -> None:
    mapped = KnowledgeGraph.load(graph.save(tmp_path / "graph"))
    KnowledgeGraph.from_rows(SCHEMA, NODES[:1]).save(tmp_path / "graph")
    assert mapped.events_digest == graph.events_digest
    with pytest.raises(ValueError, match="read-only"):
        mapped.relations[0].forward.indices[0] = 1


def signed(record: dict[str, Any]) -> str:
    return json.dumps({**record, "sha256": digest_of_record(record)})


def test_what_is_no_snapshot(graph: KnowledgeGraph, tmp_path: Path) -> None:
    with pytest.raises(SnapshotUnreadable, match="holds no snapshot"):
        KnowledgeGraph.load(tmp_path / "nowhere")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    with pytest.raises(SnapshotUnreadable, match="holds no snapshot"):
        graph.save(tmp_path / "notes")
    assert (tmp_path / "notes" / "a.txt").exists()
    place = graph.save(tmp_path / "graph")
    record = json.loads((place / "graph.json").read_text())
    for content, word in (
        ("{", "damaged"),
        ("[" * 100_000, "damaged"),
        ("[]", "does not describe"),
        (json.dumps({**record, "version": 99}), "format 99"),
        (json.dumps({**record, "generation": 99}), "not hold what was written"),
        (signed({**record, "files": {"gone.npy": {"bytes": 3, "sha256": ""}}}), "is missing"),
        (signed({**record, "files": {"graph.json": {"bytes": 3, "sha256": ""}}}), "instead of 3"),
        (signed({**record, "files": {"graph.json": {}}}), "KeyError"),
        (signed({**record, "kinds": record["kinds"][1:]}), "it has the kinds"),
        (signed({**record, "schema": []}), "SchemaError"),
    ):
        (place / "graph.json").write_text(content)
        with pytest.raises(SnapshotUnreadable, match=word):
            KnowledgeGraph.load(place)


@given(GRAPHS)
@settings(max_examples=40, deadline=None)
def test_networkx_has_every_node_and_edge(graph: KnowledgeGraph) -> None:
    exported = graph.to_networkx(interactions=True, hidden=True)
    assert set(exported) == {graph.node_of(node)[:2] for node in range(graph.n_nodes)}
    edges = {(name, head, tail) for head, tail, name in exported.edges(keys=True) if isinstance(name, str)}
    assert edges == {
        (relation.name, graph.node_of(head)[:2], graph.node_of(tail)[:2])
        for relation in graph.relations
        for head, tail in zip(
            (relation.heads + graph.offsets[relation.head_kind]).tolist(),
            (relation.tails + graph.offsets[relation.tail_kind]).tolist(),
            strict=True,
        )
    }
    events = [data["id"] for *_, data in exported.edges(data=True) if "id" in data]
    assert sorted(events) == sorted(event for table in graph.events for event in table.ids)
    assert all("age" not in data for _, data in exported.nodes(data=True))


@given(GRAPHS)
@settings(max_examples=40, deadline=None)
def test_a_complete_networkx_graph_gives_the_snapshot_back(graph: KnowledgeGraph) -> None:
    again = KnowledgeGraph.from_networkx(graph.to_networkx(complete=True))
    assert (again.digest, again.events_digest) == (graph.digest, graph.events_digest)
    assert again.schema == graph.schema


def test_fields_named_like_attributes_survive_networkx() -> None:
    fields = dict.fromkeys(("text", "label", "field_label", "kind", "field_x"), "text")
    schema = films_schema()
    nodes = {kind: spec.model_dump(exclude_defaults=True) for kind, spec in schema.nodes.items()}
    schema = films_schema(nodes=nodes | {"film": {**nodes["film"], "fields": fields}})
    node = NodeRow("film", "1", "", "read", {name: f"value of {name}" for name in fields})
    graph = KnowledgeGraph.from_rows(schema, [node])
    again = KnowledgeGraph.from_networkx(graph.to_networkx(complete=True))
    assert again.digest == graph.digest
    assert again.nodes("film").fields["field_label"][0] == "value of field_label"


def test_somebody_elses_networkx_graph() -> None:
    foreign = nx.MultiDiGraph()
    foreign.add_node("m1", kind="movie", role="item", title="Heat", year=1995)
    foreign.add_node("m2", kind="movie", role="item", year=None)
    foreign.add_node("p", kind="person", label="Michael Mann")
    foreign.add_node(42, kind="fan", role="user")
    foreign.add_edge("m1", "p", "by")
    foreign.add_edge(42, "m1", "saw", weight=4, time=10)
    foreign.add_edge(42, "m1", "saw again", relation="saw", id=7)
    graph = KnowledgeGraph.from_networkx(foreign)
    assert graph.schema.item_kinds == ("movie",)
    assert graph.item_ids.to_list() == ["m1", "m2"]
    assert list(graph.nodes("movie").fields["year"]) == [1995, None]
    assert graph.nodes("person").labels.to_list() == ["Michael Mann"]
    assert [len(relation) for relation in graph.relations] == [1]
    assert sorted(graph.events[0].ids)[0] == "7"
    assert graph.events[0].users.tolist() == [0, 0]
    assert KnowledgeGraph.from_networkx(foreign, graph.schema).digest == graph.digest
    plain: nx.DiGraph = nx.DiGraph()
    plain.add_edges_from([("a", "b"), ("u", "a")])
    plain.add_nodes_from((node, {"kind": "person" if node == "u" else "thing"}) for node in "abu")
    described = KnowledgeGraph.from_networkx(plain, items="thing", users="person")
    assert [described.n_items, [len(r) for r in described.relations], [len(e) for e in described.events]] == [
        2,
        [1],
        [1],
    ]
    with pytest.raises(WhyPathError, match="which nodes are items"):
        KnowledgeGraph.from_networkx(plain)
    with pytest.raises(WhyPathError, match="no kind 'thing'"):
        KnowledgeGraph.from_networkx(plain, graph.schema.model_copy())
    foreign.add_edge("p", "m1", "by")
    with pytest.raises(WhyPathError, match="no relation 'by' from person to movie"):
        KnowledgeGraph.from_networkx(foreign, graph.schema)
    foreign.remove_edge("p", "m1")
    foreign.add_edge(42, "m2", "saw", id=7)
    with pytest.raises(WhyPathError, match="id '7'"):
        KnowledgeGraph.from_networkx(foreign, graph.schema)
    foreign.remove_edge(42, "m2")
    foreign.add_node("other", kind="person", key="p")
    with pytest.raises(WhyPathError, match="same kind and key"):
        KnowledgeGraph.from_networkx(foreign, graph.schema)


def test_networkx_leaves_out_users_and_hidden_relations_unless_asked(graph: KnowledgeGraph) -> None:
    exported = graph.to_networkx()
    assert isinstance(exported, nx.MultiDiGraph)
    # Only a hidden relation leads to a city.
    assert {kind for kind, _ in exported} == {"film", "series", "person", "genre"}
    assert ("city", "b") in graph.to_networkx(hidden=True)
    assert exported.nodes["film", "1"] == {
        "kind": "film",
        "key": "1",
        "label": "Reservoir Dogs",
        "role": "item",
        "year": 1992,
        "language": "en",
        "hit": True,
    }
    assert exported.edges[("film", "1"), ("person", "qt"), "director"] == {
        "relation": "director",
        "label": "directed by",
    }
    with_events = graph.to_networkx(interactions=True)
    assert with_events.number_of_edges() == 9 + 7
    assert "lives" not in {name for *_, name in with_events.edges(keys=True)}
    rated = with_events.get_edge_data(("viewer", "ann"), ("film", "2"))
    assert [data for data in rated.values() if data["relation"] == "rating"] == [
        {"relation": "rating", "label": "liked", "id": EVENTS[1].id, "weight": 2.0, "time": 5.0}
    ]


@given(GRAPHS)
@settings(max_examples=30, deadline=None)
def test_a_neighbourhood_is_what_networkx_finds_near(graph: KnowledgeGraph) -> None:
    everything = graph.to_networkx(interactions=True, hidden=True)
    for node in range(0, graph.n_nodes, 3):
        for depth in (0, 1, 2):
            near = graph.to_networkx(node, depth, interactions=True, hidden=True)
            expected = nx.ego_graph(everything, graph.node_of(node)[:2], depth, undirected=True)
            assert set(near) == set(expected)
            assert set(near.edges(keys=True)) == set(expected.edges(keys=True))


def test_a_neighbourhood_of_no_node(graph: KnowledgeGraph) -> None:
    with pytest.raises(UnknownNode):
        graph.to_networkx(99)


def test_pyg(graph: KnowledgeGraph) -> None:
    data = graph.to_pyg(inverse=True)
    assert data.validate()
    assert data["film"].num_nodes == 5
    assert data["person"].node_id.tolist() == [10, 11]
    assert data["film"].field_names == ["hit", "released", "year"]
    assert data["film"].fields[0, 2] == 1992
    assert np.isnan(data["film"].fields[2].numpy()).all()
    # What users are is loaded, and no model gets it unless the description says so.
    assert "fields" not in data["viewer"]
    assert data["film", "director", "person"].edge_index.tolist() == [[0, 1, 1, 3], [0, 0, 1, 0]]
    assert data["person", "~director", "film"].edge_index.tolist() == [[0, 0, 1, 0], [0, 1, 1, 3]]
    assert data["viewer", "view", "series"].edge_index.tolist() == [[2], [0]]
    rated = data["viewer", "rating", "film"]
    assert rated.edge_index.tolist() == [[0, 0, 1], [3, 0, 3]]
    assert rated.edge_weight.tolist() == [2.0, 5.0, 4.0]
    assert rated.positive.tolist() == [False, True, True]
    assert ("viewer", "rating", "film") not in graph.to_pyg(interactions=False).edge_types
