"""Check rows of an SQLite file: SQLite keeps no digest of its pages, so a damaged page may give rows of other types, in
another order, with numbers that refer to nothing.

Faults are raised as `DamagedContent`, inside a transaction of `Database`, which adds the file and the advice. A damaged
value of the right type and range is not noticed.
"""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LARGEST_INTEGER = 2**53
"""No number, counter or id of WhyPath is larger; sums of some of them fit into 64 bits."""


class DamagedContent(Exception):
    """Content of a file cannot be right; the message says what, without the place."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its name for messages, and the types that its values have in Python."""

    name: str
    types: frozenset[type]


def integer(name: str) -> Column:
    """A column of whole numbers from 0."""
    return Column(name, frozenset({int}))


def real(name: str) -> Column:
    """A column of numbers that may be missing."""
    return Column(name, frozenset({float, type(None)}))


def text(name: str) -> Column:
    """A column of texts."""
    return Column(name, frozenset({str}))


def blob(name: str) -> Column:
    """A column of bytes."""
    return Column(name, frozenset({bytes}))


def checked(rows: sqlite3.Cursor | list[tuple], *columns: Column) -> list[tuple]:
    """Fetch rows with these columns. Raises DamagedContent."""
    if isinstance(rows, list):
        fetched = rows
    else:
        try:
            fetched = rows.fetchall()
        finally:
            # An error keeps the cursor alive, and an open cursor keeps others from writing.
            rows.close()
    if not fetched:
        return fetched
    # Whole columns: some 20 ns per value, a tenth of the cost of reading it.
    for column, values in zip(columns, zip(*fetched, strict=True), strict=True):
        if not column.types.issuperset(map(type, values)):
            wrong = next(value for value in values if type(value) not in column.types)
            expected = " or ".join(sorted(map(_word, column.types)))
            # Not the value: it may be a user's data.
            raise DamagedContent(f"{column.name} holds {_word(type(wrong))} where there must be {expected}")
        if int in column.types and not 0 <= min(values) <= max(values) <= LARGEST_INTEGER:
            wrong = min(values) if min(values) < 0 else max(values)
            raise DamagedContent(f"{column.name} holds the number {wrong}, which is out of range")
    return fetched


def check_order(keys: Sequence[Any], before: Any, what: str) -> None:
    """Raise DamagedContent unless keys ascend from the one before: with pages out of order, a read that continues after
    the last key would never end.
    """
    if keys and not (before < keys[0] and all(map(operator.lt, keys, keys[1:]))):
        raise DamagedContent(f"rows are not in the order of {what}")


def _word(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "a text", bytes: "bytes", type(None): "nothing"}[kind]
