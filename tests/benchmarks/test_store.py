"""What the stores are compared with holds the same content: by LOAD CSV into the database, as columns out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from benchmarks.store_peers import create_constraints, load_csv, read_columns, write_tables
from benchmarks.store_server import LocalServer
from benchmarks.store_workers import WatchedStore, rows_of
from kg.opening import open_store
from kg.stores import GraphStore
from tests.neo4j_server import Server
from whypath.testing.stores.base import expected, load
from whypath.testing.stores.domain import films_schema


def test_the_peers_hold_the_same_content(empty_neo4j: Server) -> None:
    own = LocalServer(
        "", empty_neo4j.folder, empty_neo4j.uri, empty_neo4j.password_file, empty_neo4j.folder / "import", os.getpid()
    )
    graph = expected()
    tables = write_tables(graph, own.import_folder)
    assert sum(table.rows for table in tables) == rows_of(graph)
    with own.driver() as driver:
        create_constraints(driver, graph.schema)
    for _ in range(2):  # the second time nothing is doubled
        assert load_csv(own, tables).keys() == {table.name for table in tables}
    counted = "MATCH (n) OPTIONAL MATCH (n)-[r]->() RETURN count(DISTINCT n), count(r)"
    assert empty_neo4j.query(counted) == [[graph.n_nodes, rows_of(graph) - graph.n_nodes]]
    assert empty_neo4j.query("MATCH (f:Film {key: '2'}) RETURN f.name, f.year, f.text") == [
        ["Pulp Fiction", 1994, "Pulp Fiction"]
    ]
    empty_neo4j.empty()
    store = open_store("neo4j", create=True)
    watched = WatchedStore(store)
    load(cast(GraphStore, watched))
    assert watched.writer is not None
    assert sum(part["rows"] for part in watched.writer.parts.values()) == rows_of(graph) - 1  # a user of events only
    with own.driver() as driver, driver.session() as session:
        assert read_columns(session, films_schema()) == rows_of(graph)
    store.close()


def test_rows_lie_in_files_of_their_own(tmp_path: Path) -> None:
    tables = write_tables(expected(), tmp_path)
    for table in tables:
        assert len((tmp_path / table.file).read_text().splitlines()) == table.rows
        assert len(table.columns) >= 2
