"""Import files without a server: what a load into them says, what is in them, and what is in their folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.graph import KnowledgeGraph
from kg.opening import import_files, open_store
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.stores import LoadTarget, StoreEmpty, StoreError, StoreLocked, WriteReport
from kg.stores.neo4j.names import Names, property_name
from whypath.testing.stores.base import expected, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema

Batch = tuple[str, list[Any]]

CID = NodeRow("viewer", "cid", "cid")
"""The user whom only events name: ingest makes a row of it."""


def write(target: LoadTarget, batches: Sequence[Batch]) -> list[WriteReport]:
    with target.begin_load(films_schema(), replace=False, source_digest="") as writer:
        reports = []
        for relation, rows in batches:
            if relation in ("nodes", "events"):
                reports.append(writer.write_nodes(rows) if relation == "nodes" else writer.write_events(rows))
            else:
                reports.append(writer.write_edges(relation, rows))
        writer.finish()
    return reports


def whole() -> list[Batch]:
    edges = [(name, [e for e in EDGES if e.relation == name]) for name in sorted({e.relation for e in EDGES})]
    return [("nodes", [*NODES, CID]), *edges, ("events", list(EVENTS))]


def records(folder: Path, option: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the importer is told to read: label or type, and each row's values by the header."""
    for line in (folder / "import.args").read_text().splitlines():
        if line.startswith(f"--{option}="):
            spelling, _, files = line.removeprefix(f"--{option}=").partition("=")
            header, data = files.split(",")
            names = next(csv.reader([(folder / header).read_text()]))
            with (folder / data).open(encoding="utf-8", newline="") as file:
                for row in csv.reader(file):
                    yield spelling, dict(zip(names, row, strict=True))


def graph_of(folder: Path, schema: DomainSchema) -> KnowledgeGraph:
    """The snapshot of the files' rows."""
    names = Names().extended(schema)
    kinds = {f"{label}:WhyPath": kind for kind, label in names.labels.items()}
    nodes, by_number = [], {}
    read = {"long": int, "double": float, "boolean": lambda text: text == "true", "string": str}
    for label, values in records(folder, "nodes"):
        if label in kinds:
            spec = schema.nodes[kinds[label]]
            typed = {
                name.rpartition(":")[0]: (value, name.rpartition(":")[2]) for name, value in values.items() if value
            }
            fields = {f: read[typed[p][1]](typed[p][0]) for f in spec.fields if (p := property_name(f)) in typed}
            row = NodeRow(
                kinds[label], values["key:string"], values["name:string"], values["text:string"] or "", fields
            )
            by_number[values["_id:ID"]] = row
            nodes.append(row)
    assert len(by_number) == len(nodes)
    types = {(spelling, head, tail): name for (name, head, tail), spelling in names.relations.items()}
    interactions = {spelling: kind for kind, spelling in names.interactions.items()}
    edges, events = [], []
    for spelling, values in records(folder, "relationships"):
        head, tail = by_number[values[":START_ID"]], by_number[values[":END_ID"]]
        if spelling in interactions:
            time, weight = (float(values[n]) if values[n] else None for n in ("time:double", "weight:double"))
            events.append(
                Event(values["id:string"], head.key, tail.key, tail.kind, interactions[spelling], time, weight)
            )
        else:
            edges.append(EdgeRow(types[spelling, head.kind, tail.kind], head.key, tail.key))
    assert len({event.id for event in events}) == len(events)
    assert len(set(edges)) == len(edges)
    return KnowledgeGraph.from_rows(schema, nodes, edges, events)


keys = st.sampled_from(["1", "2", "3", "ä"])
labels = st.sampled_from(["a", "b"])
years = st.sampled_from([None, 1, 2])
films = st.builds(lambda k, a, y: NodeRow("film", k, a, "", {"year": y}), keys, labels, years)
others = st.builds(NodeRow, st.sampled_from(["series", "person"]), keys, labels)
# An event that comes again with other content is corrected in a store, while files keep the first: one id has one
# content here, and a test of its own looks at the difference.
ratings = st.builds(
    lambda u, i, kind, w, id: Event.of(
        u, i, *kind, weight=w, id=None if id is None else f"{id} {u} {i} {' '.join(kind)} {w}"
    ),
    st.sampled_from(["u", "v"]),
    keys,
    st.sampled_from([("film", "rating"), ("film", "view"), ("series", "view")]),
    st.sampled_from([None, 1.0]),
    st.sampled_from([None, None, "x", "y"]),
)
batches = st.lists(
    st.one_of(
        st.tuples(st.just("nodes"), st.lists(films | others, max_size=8)),
        st.tuples(
            st.sampled_from(["director", "sequel"]), st.lists(st.builds(EdgeRow, st.just(""), keys, keys), max_size=6)
        ),
        st.tuples(st.just("events"), st.lists(ratings, max_size=8)),
    ),
    max_size=7,
)


def with_nodes_once(batches: list[Batch]) -> list[Batch]:
    """The batches after one of all users, each node in the first that has it. Ends may be absent."""
    seen: set[tuple[str, str]] = set()
    once: list[Batch] = [("nodes", [NodeRow("viewer", user, user) for user in ("u", "v")])]
    for name, rows in batches:
        if name == "nodes":
            by_key = {(row.kind, row.key): row for row in rows if (row.kind, row.key) not in seen}
            seen |= by_key.keys()
            rows = list(by_key.values())
        once.append((name, rows))
    return once


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches)
def test_a_load_into_files_says_and_holds_what_one_into_a_store_does(
    tmp_path_factory: pytest.TempPathFactory, batches: list[Batch]
) -> None:
    folder = tmp_path_factory.mktemp("load")
    batches = with_nodes_once(batches)
    store = open_store(folder / "store", create=True)
    target = import_files(folder / "files")
    assert write(target, batches) == write(store, batches)
    assert same(graph_of(folder / "files", films_schema()), store.snapshot())
    store.close()


def test_of_an_event_with_two_contents_files_keep_the_first_and_a_store_the_last(tmp_path: Path) -> None:
    films_there: Batch = ("nodes", [NodeRow("film", "1", "a"), NodeRow("viewer", "u", "u")])
    twice: Batch = ("events", [Event.of("u", "1", "film", "rating", weight=w, id="x") for w in (1.0, 5.0)])
    store, target = open_store(tmp_path / "store", create=True), import_files(tmp_path / "files")
    (_, in_files), (_, in_store) = write(target, [films_there, twice]), write(store, [films_there, twice])
    assert [refusal.row for refusal in in_files.refused] == [1]
    assert "import files keep the first one" in in_files.refused[0].reason
    assert (in_store.new, in_store.corrected, in_store.refused) == (1, 1, ())
    (kept,), (stands,) = (g.events_of("u") for g in (graph_of(tmp_path / "files", films_schema()), store.snapshot()))
    assert (kept.weights.tolist(), stands.weights.tolist()) == ([1.0], [5.0])
    store.close()


def test_an_import_begins_with_nothing_and_replaces_nothing(tmp_path: Path) -> None:
    target = import_files(tmp_path / "files")
    with pytest.raises(StoreEmpty):
        target.snapshot()
    with pytest.raises(StoreError, match="nothing that a load could replace"):
        target.begin_load(films_schema(), replace=True, source_digest="")
    assert not (tmp_path / "files").exists()


def test_keys_that_neo4j_cannot_index_are_refused_with_all_that_hangs_on_them(tmp_path: Path) -> None:
    long = "ä" * 4_000
    rows = [
        NodeRow("film", long, "e"),
        NodeRow("film", "f", "f", "", {"year": -(2**63), "hit": False, "released": "1994-09-10"}),
        NodeRow("viewer", "u", "u"),
    ]
    seen = [Event.of("u", "f", "film", "view", id=id) for id in (long, "e")] + [Event.of("u", long, "film", "view")]
    nodes, edges, events = write(
        import_files(tmp_path / "files"),
        [("nodes", rows), ("sequel", [EdgeRow("sequel", "f", long)]), ("events", seen)],
    )
    assert [refusal.row for refusal in nodes.refused] == [0]
    assert [refusal.row for refusal in events.refused] == [0, 2]
    assert "bytes" in nodes.refused[0].reason
    assert "bytes" in events.refused[0].reason
    assert [refusal.row for refusal in edges.refused] == [0]
    assert (nodes.new, edges.new, events.new) == (2, 0, 1)


@pytest.mark.parametrize("name", ["a:long", "a(b)", "a{b}", " a", "a ", "a\nb"])
def test_names_that_a_header_cannot_have_are_said_before_anything_is_written(tmp_path: Path, name: str) -> None:
    nodes = {kind: spec.model_dump(exclude_defaults=True) for kind, spec in films_schema().nodes.items()}
    nodes["film"]["fields"][name] = "text"
    with pytest.raises(StoreError, match="another name"):
        import_files(tmp_path / "files").begin_load(films_schema(nodes=nodes), replace=False, source_digest="")
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("when", ["writing", "moving"])
def test_an_interrupted_run_leaves_a_folder_that_another_can_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    folder = tmp_path / "files"
    writer = import_files(folder).begin_load(films_schema(), replace=False, source_digest="")
    writer.write_nodes(NODES)
    with pytest.raises(StoreLocked, match="another process"):
        import_files(folder).begin_load(films_schema(), replace=False, source_digest="")
    if when == "moving":
        moved: list[Path] = []
        rename = Path.rename

        def die(self: Path, target: Path) -> Path:
            if len(moved) == 3:
                raise KeyboardInterrupt
            moved.append(target)
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", die)
        with suppress(KeyboardInterrupt):
            writer.finish()
        monkeypatch.undo()
        assert [path.exists() for path in moved] == [True] * 3
    writer._directory._lock.release()  # as the system does for a process that is killed
    write(import_files(folder), whole())
    assert same(graph_of(folder, films_schema()), expected([*NODES, CID]))
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_load_that_fails_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    target = import_files(folder)
    writer = target.begin_load(films_schema(), replace=False, source_digest="")
    with suppress(ZeroDivisionError), writer:
        writer.write_nodes(NODES)
        raise ZeroDivisionError
    assert list(folder.iterdir()) == []
    with pytest.raises(StoreError, match="finished"):
        writer.write_nodes(NODES)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"not empty \(it holds letter.txt\)"):
        import_files(tmp_path).begin_load(films_schema(), replace=False, source_digest="")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(StoreError, match="cannot be written"):
        import_files(tmp_path / "letter.txt").begin_load(films_schema(), replace=False, source_digest="")
    full = tmp_path / "full"
    write(import_files(full), whole())
    with pytest.raises(StoreError, match="not empty"):
        import_files(full).begin_load(films_schema(), replace=False, source_digest="")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    target = import_files(tmp_path / "files")
    with target.begin_load(films_schema(), replace=False, source_digest="") as writer:
        (tmp_path / "files/.whypath-partial" / writer._nodes["person"].file.data).symlink_to("/dev/full")
        with pytest.raises(StoreError, match="make room"):
            writer.write_nodes(NODES)
    assert list((tmp_path / "files").iterdir()) == []


def test_the_importer_is_told_what_it_needs(tmp_path: Path) -> None:
    schema = films_schema()
    long = "x" * 3_000_000
    with import_files(tmp_path).begin_load(schema, replace=False, source_digest="") as writer:
        writer.write_nodes([*NODES, NodeRow("person", "x", "two\nlines"), NodeRow("city", "y", long)])
        writer.finish()
    arguments = dict(line.split("=", 1) for line in (tmp_path / "import.args").read_text().splitlines())
    assert arguments["--multiline-fields"] == "nodes-003-Person.csv"
    assert int(arguments["--read-buffer-size"]) >= 2 * len(long)
    assert not list(tmp_path.glob("relations*"))
    header, state = (next(csv.reader([(tmp_path / name).read_text()])) for name in ("store-header.csv", "store.csv"))
    assert json.loads(state[header.index("schema:string")]) == json.loads(schema.to_json())
