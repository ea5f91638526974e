"""Neo4j for the person at the command line: the whole way over a real server, and the documentation's queries."""

from __future__ import annotations

import csv
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from kg.opening import open_store
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.stores import KindVectors, TakesResults, UserList
from tests.neo4j_server import Server
from tests.workshop import Workshop
from whypath.cli import main
from whypath.testing.stores.base import same

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "neo4j.md").read_text(encoding="utf-8")


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def lists(path: Path) -> list[tuple[str, str, float]]:
    with path.open(newline="") as file:
        return [(row["user"], row["item"], float(row["score"])) for row in csv.DictReader(file, delimiter="\t")]


def test_the_same_lists_over_neo4j_as_over_a_folder(
    workshop: Workshop, empty_neo4j: Server, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert run("load", workshop.domain, "--store", empty_neo4j.uri, "--json") == 0
    loaded = json.loads(capsys.readouterr().out)
    assert loaded["generation"] == 1
    folder, database = open_store(workshop.store), open_store("neo4j")
    assert same(database.snapshot(), folder.snapshot())
    assert loaded["events"]["new"] == folder.snapshot().n_events
    database.close()
    for store, name in ((workshop.store, "folder"), (empty_neo4j.uri, "neo4j")):
        shop = ("--store", store, "--bundle", workshop.bundle)
        assert run("recommend", *shop, "--history", workshop.train, "-k", "10", "--out", tmp_path / f"{name}.tsv") == 0
    ours, theirs = lists(tmp_path / "neo4j.tsv"), lists(tmp_path / "folder.tsv")
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]
    assert [row[2] for row in ours] == pytest.approx([row[2] for row in theirs], abs=1e-6)
    assert len(ours) >= 1_000
    user, item, _ = ours[0]
    told: list[str] = []
    for store in (workshop.store, empty_neo4j.uri):
        capsys.readouterr()
        shop = ("--store", store, "--bundle", workshop.bundle, "--history", workshop.train)
        assert run("explain", *shop, "--user", user, "--item", item, "--json") == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]


def test_training_reads_neo4j(workshop: Workshop, empty_neo4j: Server, tmp_path: Path) -> None:
    assert run("load", workshop.domain, "--store", "neo4j") == 0
    digests: list[dict[str, Any]] = []
    for store, name in ((workshop.store, "folder"), ("neo4j", "neo4j")):
        bundle = tmp_path / name
        options = ("--train", workshop.train, "--only", "popularity", "--seed", "1", "--bundle", bundle)
        assert run("train", "--store", store, *options) == 0
        digests.append({path.name: path.read_bytes() for path in bundle.rglob("*.safetensors")})
    assert digests[0] == digests[1] != {}


def test_a_bulk_import_serves_as_a_load_does(
    workshop: Workshop, empty_neo4j: Server, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "import files"
    assert run("load", workshop.domain, "--to-import-files", folder) == 0
    told = capsys.readouterr().out
    command = shlex.split(next(line for line in told.splitlines() if "neo4j-admin" in line))
    assert command[:4] == ["cd", str(folder), "&&", "neo4j-admin"]
    empty_neo4j.bulk_import(folder, command[4:])
    bundle = tmp_path / "bundle"
    options = ("--train", workshop.train, "--only", "popularity", "--seed", "1", "--bundle", bundle)
    assert run("train", "--store", "neo4j", *options) == 0
    imported, loaded = open_store("neo4j"), open_store(workshop.store)
    ours, theirs = imported.snapshot(), loaded.snapshot()
    assert (ours.digest, ours.events_digest) == (theirs.digest, theirs.events_digest)
    imported.close()
    capsys.readouterr()
    assert run("load", workshop.domain, "--store", "neo4j", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert [again[name]["new"] + again[name]["changed"] for name in ("nodes", "edges", "events")] == [0, 0, 0]
    assert again["generation"] == 1


SCHEMA = DomainSchema.from_mapping(
    {
        "name": "films",
        "nodes": {
            "film": {"role": "item", "source": "films.tsv", "key": "id", "fields": {"year": "integer"}},
            "person": {},
            "genre": {},
            "user": {"role": "user", "source": "users.tsv", "key": "id"},
        },
        "relations": {
            "director": {"source": "r.tsv", "head": "film", "tail": "person"},
            "genre": {"source": "r.tsv", "head": "film", "tail": "genre"},
        },
        "interactions": {"rating": {"items": "film", "positive": {"min_weight": 4}}},
    }
)
FILMS = {"1": ("Pulp Fiction", 1994), "2": ("Jackie Brown", 1997), "3": ("Heat", 1995), "4": ("heat", 1995)}
NODES = [
    *(NodeRow("film", key, name, name, {"year": year}) for key, (name, year) in FILMS.items()),
    NodeRow("person", "qt", "Quentin Tarantino"),
    NodeRow("person", "mm", "Michael Mann"),
    NodeRow("genre", "crime", "Crime"),
    NodeRow("user", "42", "42"),
    NodeRow("user", "7", "7"),
]
EDGES = [
    EdgeRow("director", "1", "qt"),
    EdgeRow("director", "2", "qt"),
    EdgeRow("director", "3", "mm"),
    *(EdgeRow("genre", key, "crime") for key in "123"),
]
EVENTS = [
    Event.of("42", "1", "film", "rating", time=datetime(1998, 1, 2, tzinfo=UTC).timestamp(), weight=5.0),
    Event.of("42", "3", "film", "rating", time=datetime(1998, 1, 3, 23, tzinfo=UTC).timestamp(), weight=4.0),
    Event.of("7", "1", "film", "rating", time=datetime(1998, 1, 4, tzinfo=UTC).timestamp(), weight=4.0),
    Event.of("7", "3", "film", "rating", time=datetime(1998, 1, 5, tzinfo=UTC).timestamp(), weight=2.0),
]
RESULTS = [
    [[1, "Jackie Brown", "Quentin Tarantino", ["Pulp Fiction"]], [2, "heat", None, []]],
    [["Jackie Brown", 0.9, ["Crime"]], ["Heat", 0.5, ["Crime"]]],
]
ANSWERS = [
    [["Film", 4], ["Person", 2], ["User", 2], ["Genre", 1]],
    [["User", "RATING", "Film", 4], ["Film", "DIRECTOR", "Person", 3], ["Film", "GENRE", "Genre", 3]],
    [["DIRECTOR", ["Quentin Tarantino"]], ["GENRE", ["Crime"]]],
    [["Heat", 4.0, "1998-01-03"], ["Pulp Fiction", 5.0, "1998-01-02"]],
    [["Quentin Tarantino", 1, 2], ["Michael Mann", 1, 1]],
    [["DIRECTOR", "Quentin Tarantino", ["Pulp Fiction"], 2], ["GENRE", "Crime", ["Heat", "Pulp Fiction"], 3]],
    [["Heat", 1]],
    [["2", "Jackie Brown", 2], ["4", "heat", 0]],
    [["heat", 1995, ["3", "4"]]],
    [[1, 4, False]],
]


def test_the_queries_of_the_documentation(empty_neo4j: Server) -> None:
    store = open_store("neo4j", create=True)
    with store.begin_load(SCHEMA, replace=False, source_digest="") as writer:
        writer.write_nodes(NODES)
        for relation in ("director", "genre"):
            writer.write_edges(relation, [edge for edge in EDGES if edge.relation == relation])
        writer.write_events(EVENTS)
        writer.finish()
    for (name,) in empty_neo4j.query("SHOW INDEXES YIELD name, type WHERE type = 'VECTOR' RETURN name"):
        empty_neo4j.query(f"DROP INDEX `{name}`")
    assert isinstance(store, TakesResults)
    found = np.array([[1, 0], [0.8, 0.6], [0, 1], [-1, 0]], dtype=np.float32)
    store.write_vectors([KindVectors("film", list(FILMS), found, found)])
    store.write_recommendations([UserList("42", [("film", "2"), ("film", "4")], [0.5, 0.25])], bundle="b", time=1.0)
    store.close()
    queries = re.findall(r"```cypher\n(.*?)```", PAGE, re.DOTALL)
    assert len(queries) == len(RESULTS) + 1 + len(ANSWERS) == 13
    for query, answer in zip(queries[:2], RESULTS, strict=True):
        assert _plain(empty_neo4j.query(query)) == answer, query
    # The others are about the graph as it was loaded, but for one about somebody else's graph.
    empty_neo4j.query("MATCH ()-[r:RECOMMENDED]->() DELETE r")
    for query, answer in zip(queries[3:], ANSWERS, strict=True):
        assert _plain(empty_neo4j.query(query)) == answer, query


SHOP = """
CREATE (ann:Customer {email: 'ann@example.org'}), (bob:Customer {email: 'bob@example.org'})
CREATE (le:Author {name: 'Ursula K. Le Guin'}), (lem:Author {name: 'Stanisław Lem'})
CREATE (b1:Book {isbn: '1', title: 'The Dispossessed'}), (b2:Book {isbn: '2', title: 'The Lathe of Heaven'}),
       (b3:Book {isbn: '3', title: 'Solaris'}), (g:Game {ean: 4})
CREATE (b1)-[:WRITTEN_BY]->(le), (b2)-[:WRITTEN_BY]->(le), (b3)-[:WRITTEN_BY]->(lem)
CREATE (ann)-[:PLACED]->(o:Order {placedAt: date('2024-01-02')}), (o)-[:CONTAINS]->(b1), (o)-[:CONTAINS]->(g)
CREATE (bob)-[:PLACED]->(:Order {placedAt: date('2024-01-03')})-[:CONTAINS]->(b3)
"""


def test_the_query_over_a_graph_that_is_somebody_elses(empty_neo4j: Server, tmp_path: Path) -> None:
    empty_neo4j.query(SHOP)
    described = re.search(r"```yaml\n(name: shop\n.*?)```", PAGE, re.DOTALL)
    assert described is not None
    domain = tmp_path / "shop.yaml"
    asked = described.group(1).replace("  uri: bolt://localhost:7687\n", f"  uri: {empty_neo4j.uri}\n  write: true\n")
    domain.write_text(asked, encoding="utf-8")
    store = open_store(domain)
    assert isinstance(store, TakesResults)
    assert store.snapshot().n_items == 4
    items = [("book", "2"), ("game", "4"), ("book", "3")]
    found = store.write_recommendations([UserList("ann@example.org", items, [0.9, 0.5, 0.25])], bundle="b", time=1.0)
    assert (found.nodes, found.relationships) == (1, 3)
    store.close()
    queries = re.findall(r"```cypher\n(.*?)```", PAGE, re.DOTALL)
    assert _plain(empty_neo4j.query(queries[2])) == [
        [1, "The Lathe of Heaven", "Ursula K. Le Guin", ["The Dispossessed"]],
        [3, "Solaris", "Stanisław Lem", []],
    ]


def _plain(records: list[list[Any]]) -> list[list[Any]]:
    """Dates as text, and collected lists, which have no order, sorted."""
    return [
        [sorted(each) if isinstance(each, list) else each if isinstance(each, str | int | float | None) else str(each)
         for each in record]
        for record in records
    ]  # fmt: skip


def test_the_compose_file_starts_what_the_documentation_says() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["neo4j"]
    assert service["image"] == "neo4j:5.26-community"
    assert service["healthcheck"]["test"]
    # Nothing but this machine can reach it, and it has no password of its own that anybody could know.
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "${NEO4J_PASSWORD:?" in service["environment"]["NEO4J_AUTH"]


def test_every_variable_is_documented() -> None:
    from kg.stores.neo4j.settings import NAMES

    assert [name for name in NAMES if f"`{name}`" not in PAGE] == []
