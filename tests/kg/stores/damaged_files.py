"""Ways to damage files of stores, queues and logs: their bytes, their pages, their rows. `draw` is hypothesis's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import strategies as st

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

PAGE = 4096
"""Bytes of a page of SQLite."""


def damage_bytes(draw: Draw, path: Path, block: int = 16) -> None:
    """Truncate, flip, zero, exchange or append bytes of a file; `block` is how many are zeroed or exchanged at once,
    at a multiple of so many.
    """
    content = bytearray(path.read_bytes())
    places = st.integers(0, max(0, len(content) - 1))
    blocks = st.integers(0, max(0, len(content) // block - 1)).map(lambda number: number * block)
    match draw(st.sampled_from(["truncate", "flip", "zero", "exchange", "append", "empty"])):
        case "truncate":
            del content[draw(places) :]
        case "flip" if content:
            for place in draw(st.lists(places, min_size=1, max_size=6)):
                content[place] ^= draw(st.integers(1, 255))
        case "zero" if content:
            start = draw(blocks)
            content[start : start + block] = bytes(len(content[start : start + block]))
        case "exchange" if len(content) >= 2 * block:
            one, other = draw(blocks), draw(blocks)
            first, second = content[one : one + block], content[other : other + block]
            content[one : one + block], content[other : other + block] = second, first
        case "append":
            content += draw(st.binary(min_size=1, max_size=8))
        case "empty":
            content.clear()
    path.write_bytes(content)


STRANGE = st.one_of(
    st.sampled_from(
        [None, -1, 0, 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 0.5, 1e300, float("inf"), "", "x", "1", b""]
    ),
    st.sampled_from(["a\x00b", "{}", "[]", "null", '{"year": [1]}', '{"year": 1e999}', '{"hit": {}}', "[" * 5000, "{"]),
    st.binary(max_size=20),
    st.sampled_from(["CAST(x'ff' AS TEXT)", "CAST(x'eda080' AS TEXT)", "CAST(x'00ff' AS BLOB)"]).map(
        lambda text: Sql(text)
    ),
)
"""Values that no column of a sound file has at most places."""


class Sql(str):
    """An expression, where other values are given as parameters."""


def loosened(path: Path, change: Callable[[sqlite3.Connection], None]) -> None:
    """Change rows of a file whose tables take values of any type meanwhile, as a damaged page may hold them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        made = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL")
        strict = [(name, sql) for name, sql in made.fetchall() if not name.startswith("sqlite_")]
        connection.execute("PRAGMA writable_schema = ON")
        for name, sql in strict:
            loose = sql.replace("STRICT, ", "").replace("STRICT", "").replace("NOT NULL", "")
            for kind in ("INTEGER PRIMARY KEY", "INTEGER", "TEXT", "REAL"):
                loose = loose.replace(f" {kind}", " @" if kind == "INTEGER PRIMARY KEY" else " ")
            loose = loose.replace(" @", " INTEGER PRIMARY KEY").replace("CHECK (id = 1)", "")
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (loose, name))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        change(connection)
        connection.execute("PRAGMA writable_schema = ON")
        for name, sql in strict:
            connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql, name))


def damage_rows(draw: Draw, path: Path) -> None:
    """Change a value, delete rows, drop a table, an index or a column, add a trigger."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        own = sorted(table for table in tables if table != "sqlite_sequence" and not table.startswith("sqlite_stat"))
        table = draw(st.sampled_from(sorted(tables)))
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    column = draw(st.sampled_from(columns))
    way = draw(
        st.sampled_from(
            ["value", "value", "value", "every value", "row", "rows", "table", "index", "column", "trigger"]
        )
    )
    value = draw(STRANGE)
    row = draw(st.integers(0, max(0, rows - 1)))
    other = draw(st.sampled_from(own))

    def change(connection: sqlite3.Connection) -> None:
        given, values = (value, ()) if isinstance(value, Sql) else ("?", (value,))
        # By all columns, as a table may have no rowid.
        chosen = f"({', '.join(columns)}) IS (SELECT {', '.join(columns)} FROM {table} LIMIT 1 OFFSET {row})"
        if way == "value":
            connection.execute(f"UPDATE OR IGNORE {table} SET {column} = {given} WHERE {chosen}", values)
        elif way == "every value":
            connection.execute(f"UPDATE OR IGNORE {table} SET {column} = {given}", values)
        elif way == "row":
            connection.execute(f"DELETE FROM {table} WHERE {chosen}")
        elif way == "rows":
            connection.execute(f"DELETE FROM {table}")

    try:
        if way in ("value", "every value", "row", "rows"):
            loosened(path, change)
            return
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            if way == "table":
                connection.execute(f"DROP TABLE {other}")
            elif way == "index":
                names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
                connection.execute(f"DROP INDEX {draw(st.sampled_from(sorted(row[0] for row in names.fetchall())))}")
            elif way == "column":
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
            elif way == "trigger":
                emptied = draw(st.sampled_from(own))
                connection.execute(f"CREATE TRIGGER strange AFTER INSERT ON {other} BEGIN DELETE FROM {emptied}; END")
    except sqlite3.Error:
        # Not every column can be dropped, nor every table be changed so: another example does something.
        return


def damage_database(draw: Draw, path: Path) -> None:
    """Any damage of an SQLite file."""
    match draw(st.sampled_from(["bytes", "pages", "rows", "rows", "rows"])):
        case "bytes":
            damage_bytes(draw, path)
        case "pages":
            damage_bytes(draw, path, PAGE)
        case "rows":
            damage_rows(draw, path)
