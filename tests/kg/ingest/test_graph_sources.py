"""Loading RDF and networkx graphs, and how much a load holds at once."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import networkx as nx
import pytest

from kg.exchange.networkx import to_networkx
from kg.graph import KnowledgeGraph
from kg.ingest import StrictError, load_domain
from kg.schema import DomainSchema
from kg.sources import SourceError, domain_from_networkx
from kg.stores import GraphStore
from tests.kg.ingest.test_load import edges
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema

RDF = """
@prefix dbo: <http://dbpedia.org/ontology/> .
@prefix dbr: <http://dbpedia.org/resource/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
dbr:Heat a dbo:Film ; rdfs:label "Heat"@en, "Hitze"@de ; dbo:abstract "Cops and robbers."@en ;
    dbo:year 1995 ; dbo:starring dbr:Al_Pacino, dbr:Robert_De_Niro ; dbo:tone "dark" .
dbr:Ronin_%28film%29 a dbo:Film ; dbo:starring dbr:Robert_De_Niro ; dbo:director dbr:J%C3%BCrgen_X .
dbr:Al_Pacino a dbo:Person ; rdfs:label "Al Pacino"@en .
dbr:Robert_De_Niro a dbo:Person .
dbr:Confused a dbo:Film, dbo:Person ; rdfs:label "Both"@en .
"""

RDF_DOMAIN = """
nodes:
  film:
    role: item
    source: {file: films.ttl, language: en}
    label: rdfs:label
    text: [rdfs:label, dbo:abstract]
    where: {rdf:type: dbo:Film}
    fields: {year: {type: integer, column: dbo:year}, tone: {type: categorical, column: dbo:tone}}
    lists: {dbo:starring: {relation: stars, target: person}}
  person: {source: {file: films.ttl, language: en}, label: rdfs:label, where: {rdf:type: dbo:Person}}
  director: {}
  user: {role: user}
relations:
  directed_by: {source: films.ttl, head: film, tail: director, where: {relation: dbo:director}, label: directed by}
interactions:
  liked: {}
"""


def test_rdf_becomes_items_entities_and_relations(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "films.ttl").write_text(RDF)
    (tmp_path / "domain.yaml").write_text(RDF_DOMAIN)
    report = load_domain(tmp_path / "domain.yaml", store)
    graph = store.snapshot()
    assert graph.item_labels.to_list() == ["Both", "Heat", "Ronin (film)"]
    assert graph.item_texts.to_list() == ["Both", "Heat\nCops and robbers.", ""]
    assert graph.fields_of(1) == {"year": 1995, "tone": "dark"}
    assert edges(graph, "stars") == {
        ("Heat", "Al Pacino"), ("Heat", "Robert De Niro"), ("Ronin (film)", "Robert De Niro"),
    }  # fmt: skip
    assert edges(graph, "directed_by") == {("Ronin (film)", "Jürgen X")}
    assert [str(b.reason) for b in report.first_bad] == ["contradicting role"]
    assert "Confused" in report.first_bad[0].detail


def test_a_graph_that_left_as_networkx_comes_back(store: GraphStore) -> None:
    graph = KnowledgeGraph.from_rows(films_schema(), NODES, EDGES, EVENTS)
    left = to_networkx(graph, interactions=True, hidden=True)
    schema = domain_from_networkx(left)
    report = load_domain(schema, store, tables={"graph": left})
    back = store.snapshot()
    assert report.n_bad == 0
    assert back.item_ids.to_list() == graph.item_ids.to_list()
    assert back.item_labels.to_list() == graph.item_labels.to_list()
    assert back.fields_of(back.node_id("film", "1")) == graph.fields_of(graph.node_id("film", "1"))
    for relation in graph.relations:
        assert edges(back, relation.name) == edges(graph, relation.name)
    assert {t.kind: sorted(t.ids) for t in back.events} == {t.kind: sorted(t.ids) for t in graph.events}
    again = domain_from_networkx(to_networkx(back, interactions=True, hidden=True))
    assert again == schema


def test_a_plain_networkx_graph_needs_to_know_its_items(store: GraphStore) -> None:
    graph = nx.Graph()
    graph.add_nodes_from([("ann", {"kind": "person"}), ("heat", {"kind": "film", "label": "Heat", "year": 1995})])
    graph.add_edge("ann", "heat", relation="likes", weight=5)
    graph.add_edge("heat", "crime")
    with pytest.raises(SourceError, match="does not say which nodes are items"):
        domain_from_networkx(graph)
    with pytest.raises(SourceError, match="no nodes of the kind 'films'"):
        domain_from_networkx(graph, items="films", users="person")
    schema = domain_from_networkx(graph, items="film", users="person")
    load_domain(schema, store, tables={"graph": graph})
    loaded = store.snapshot()
    assert loaded.item_labels.to_list() == ["Heat"]
    assert edges(loaded, "related") == {("Heat", "crime")}
    assert len(loaded.interactions()) == 1


def test_a_load_holds_one_batch_not_the_file(
    tmp_path: Path, store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.ingest.writing.BATCH_ROWS", 500)
    rows = 40_000
    with (tmp_path / "f.csv").open("w") as file:
        file.write("id,title\n")
        file.writelines(f"{n},{'title ' * 40}{n}\n" for n in range(rows))
        file.write("1,other\n")
    film = {"role": "item", "source": "f.csv", "key": "id", "label": "title", "text": []}
    schema = DomainSchema.from_mapping(
        {"nodes": {"film": film, "user": {"role": "user"}}, "interactions": {"liked": {}}}
    )
    tracemalloc.start()
    with pytest.raises(StrictError, match="1 × same key with other content"):  # found although the first is long gone
        load_domain(schema, store, folder=tmp_path, strict=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The rows are 10 MB of text and three times that as objects; 40,000 keys take 2 MB, and 3 while their index grows.
    assert peak < 6_000_000
