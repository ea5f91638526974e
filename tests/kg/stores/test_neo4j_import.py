"""Import files through the real importer: the database must equal one that was loaded over Bolt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.opening import import_files, open_store
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.stores import LoadTarget, WriteReport
from kg.stores.neo4j import Neo4jStore
from kg.stores.protocol import FinishReport
from tests.kg.stores.test_neo4j import files_of
from tests.neo4j_server import Server
from whypath.testing.stores.base import dangling
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema

ODD = "é `x` / \\\\u0060 ; , \" ' - .# $%"
"""A name that no header, shell or query may stumble over."""

AWKWARD = [
    *(
        '"',
        '""',
        '"a"',
        "\\",
        '\\"',
        "\\n",
        ",",
        ";",
        "\t",
        " lead ",
        "\n",
        "\r",
        "a\r\nb",
        "\0",
        "a\0b",
        "\x1a",
        "\x85",
    ),
    *(
        "\u2028",
        "\ufeff",
        "\uffff",
        "a\uffffb",
        "\U0010ffff",
        "null",
        "true",
        "1",
        "NaN",
        "''",
        "'",
        "é",
        "e\u0301",
        ODD,
    ),
]


def schema() -> DomainSchema:
    """The films, with names that are not ASCII and a field of every type and of an odd name."""
    described = films_schema()
    fields = {
        **{"year": "integer", "stars": "number", "hit": "boolean", "released": "date", "language": "categorical"},
        **{"plot": "text", "name": "text", "key": "text", ODD: "text"},
    }
    nodes = {kind: spec.model_dump(exclude_defaults=True) for kind, spec in described.nodes.items()}
    nodes["film"]["fields"] = fields
    nodes["größe-é"] = {}
    relations = {name: spec.model_dump(exclude_defaults=True) for name, spec in described.relations.items()}
    relations["größe"] = {"source": "r.csv", "head": "film", "tail": "größe-é"}
    interactions = {"rating": {"items": "film"}, "view": {"items": ["film", "series"]}, "größer": {"items": "film"}}
    return films_schema(nodes=nodes, relations=relations, interactions=interactions)


texts = st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(codec="utf-8"), max_size=12))
whole = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
fields = st.fixed_dictionaries(
    {},
    optional={
        **{"year": whole, "stars": floats, "hit": st.booleans(), "released": st.dates().map(str), "language": texts},
        **{"plot": texts, "name": texts, "key": texts},
    },
)
weights = st.floats(width=32, allow_nan=False, allow_infinity=False)
keys = texts.filter(bool)
rows = st.tuples(keys, texts, texts, fields, keys, floats | st.none(), weights | st.none())


def drawn() -> tuple[list[NodeRow], list[EdgeRow], list[Event]]:
    """Rows with every awkward text in every place, and with what hypothesis thinks of."""
    films: dict[str, NodeRow] = {}
    entities: dict[str, NodeRow] = {}
    viewers: dict[str, NodeRow] = {"cid": NodeRow("viewer", "cid", "cid")}
    events: dict[str, Event] = {}
    edges: dict[EdgeRow, None] = {}

    def take(row: tuple[str, str, str, dict[str, Any], str, float | None, float | None]) -> None:
        key, label, text, values, user, time, weight = row
        films.setdefault(key, NodeRow("film", key, label, text, values))
        entities.setdefault(key, NodeRow("größe-é", key, label))
        edges[EdgeRow("größe", key, user if user in entities else key)] = None
        viewers.setdefault(user, NodeRow("viewer", user, user))
        event = Event.of(user, key, "film", "größer", time=time, weight=weight, id=f"{len(events)}-{key}")
        events[event.id] = event

    @settings(max_examples=150, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(rows)
    def draw(row: tuple[str, str, str, dict[str, Any], str, float | None, float | None]) -> None:
        take(row)

    for text in AWKWARD:
        take((text, text, text, dict.fromkeys(("language", "plot", "name", "key", ODD), text), text, 1.5, None))
    take(("long", "x" * 200_000, '"\n' * 2_500_000, {"plot": ""}, "long", None, None))
    draw()
    return [*films.values(), *entities.values(), *viewers.values()], list(edges), list(events.values())


def fill(
    target: LoadTarget, nodes: list[NodeRow], edges: list[EdgeRow], events: list[Event], schema: DomainSchema
) -> tuple[WriteReport, FinishReport]:
    with target.begin_load(schema, replace=False, source_digest="") as writer:
        report = WriteReport()
        for start in range(0, len(nodes), 100):
            report += writer.write_nodes(nodes[start : start + 100])
        for relation in sorted({edge.relation for edge in edges}):
            report += writer.write_edges(relation, [edge for edge in edges if edge.relation == relation])
        for start in range(0, len(events), 100):
            report += writer.write_events(events[start : start + 100])
        return report, writer.finish()


def content(server: Server) -> list[list[list[Any]]]:
    """All of a database, and its constraints and indexes, without the numbers that no two stores share."""
    apart = ["_id", "turn", "store", "batch"]
    plain = "[k IN keys({0}) WHERE NOT k IN $apart | [k, {0}[k], valueType({0}[k])]]"
    nodes = f"MATCH (n) RETURN labels(n), {plain.format('n')}"
    ends = "labels(a), a.key, type(r), labels(b), b.key"
    relationships = f"MATCH (a)-[r]->(b) RETURN {ends}, {plain.format('r')}"
    indexes = "SHOW INDEXES YIELD type, entityType, labelsOrTypes, properties, owningConstraint, state"
    constraints = "SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties"
    found = [server.query(nodes, apart=apart), server.query(relationships, apart=apart)]
    for each in (*found[0], *found[1]):
        each[-1].sort(key=lambda entry: entry[0])
        for labels in filter(lambda value: isinstance(value, list), each[:-1]):
            labels.sort()
    return [sorted(part, key=repr) for part in (*found, server.query(indexes), server.query(constraints))]


def without_layout(server: Server) -> None:
    """Remove all constraints and indexes."""
    for word in ("CONSTRAINT", "INDEX"):
        plural = f"{word}S" if word == "CONSTRAINT" else "INDEXES"
        for name, type in server.query(f"SHOW {plural} YIELD name, type"):
            if type != "LOOKUP":
                server.query(f"DROP {word} `{name}`")


def test_an_imported_database_equals_one_that_was_loaded(empty_neo4j: Server, tmp_path: Path) -> None:
    nodes, edges, events = drawn()
    once = list({(node.kind, node.key): node for node in (*nodes, *NODES)}.values())
    everything = (once, [*EDGES, *edges], [*EVENTS, *events], schema())
    without_layout(empty_neo4j)
    bolt = Neo4jStore.open("neo4j", create=True)
    told = fill(bolt, *everything)
    loaded, graph = content(empty_neo4j), bolt.snapshot()
    arrays = files_of(graph, tmp_path / "loaded")
    bolt.close()

    files = import_files(tmp_path / "files")
    assert fill(files, *everything) == told
    empty_neo4j.bulk_import(files.folder, files.arguments())
    imported = Neo4jStore.open("neo4j")
    again = imported.snapshot()
    for ours, theirs in zip(content(empty_neo4j), loaded, strict=True):
        assert ours == theirs
    assert files_of(again, tmp_path / "imported") == arrays

    # It is a store like any other.
    live = Event.of("new", "1", "film", "view", time=5.0)
    assert imported.append_events([live, EVENTS[0]]).written == 1
    assert imported.events_since(again.event_generation)[0] == [live]
    report, finish = fill(imported, [*NODES, NodeRow("person", "x", "New")], list(EDGES), list(EVENTS), schema())
    assert (report.new, report.changed, finish.state.generation) == (1, 0, 2)
    assert imported.snapshot().n_nodes == graph.n_nodes + 2
    assert imported.delete_user("new").remaining == 0
    assert dangling(imported) == 0
    imported.close()


def test_a_store_that_lacks_constraints_gets_them_whoever_opens_it(empty_neo4j: Server) -> None:
    without_layout(empty_neo4j)
    store = Neo4jStore.open("neo4j", create=True)
    fill(store, list(NODES), list(EDGES), list(EVENTS), films_schema())
    wanted = content(empty_neo4j)[2:]
    store.close()
    without_layout(empty_neo4j)
    empty_neo4j.query("MATCH (s:WhyPathStore) SET s.without_layout = true")
    again = open_store("neo4j")
    assert content(empty_neo4j)[2:] == wanted
    assert empty_neo4j.query("MATCH (s:WhyPathStore) RETURN s.without_layout") == [[None]]
    again.close()
