"""Check that the tables of an SQLite file are those of its format: with a damaged page of its own table of contents, a
file may open and lack a column, an index, or the check of types.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import TypeAlias

Structure: TypeAlias = Mapping[str, tuple]
"""By table and by index: all properties that define its behaviour."""

_TABLES = (
    "SELECT name, type, wr, strict FROM pragma_table_list"
    " WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
_COLUMNS = 'SELECT cid, name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid'
_INDEXES = 'SELECT name, "unique", origin, partial FROM pragma_index_list(?) ORDER BY name'
_INDEXED = 'SELECT seqno, cid, "desc", coll, key FROM pragma_index_xinfo(?) ORDER BY seqno'


def structure_of(connection: sqlite3.Connection) -> Structure:
    """Tables, their columns and their indexes."""
    structure: dict[str, tuple] = {}
    for table, *kind in connection.execute(_TABLES).fetchall():
        structure[f"table {table}"] = (*kind, *connection.execute(_COLUMNS, (table,)).fetchall())
        for index, *properties in connection.execute(_INDEXES, (table,)).fetchall():
            indexed = connection.execute(_INDEXED, (index,)).fetchall()
            structure[f"index {index} of table {table}"] = (*properties, *indexed)
    return structure


def made_by(statements: tuple[str, ...]) -> Structure:
    """The structure that these statements create."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements:
            connection.execute(statement)
        return structure_of(connection)


def structure_problem(connection: sqlite3.Connection, expected: Structure) -> str | None:
    """The first difference, None if there is none; further tables and indexes do no harm, triggers would."""
    trigger = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchone()
    if trigger is not None:
        return f"it has a trigger ({trigger[0]}), which no version of WhyPath makes"
    structure = structure_of(connection)
    for name, properties in expected.items():
        if name not in structure:
            return f"it has no {name}"
        if structure[name] != properties:
            return f"{name} is another one"
    return None
