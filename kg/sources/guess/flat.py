"""Find facts of items in tables of events: columns with one value per item (brand, category)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kg.sources.guess.profile import ColumnProfile, FileProfile, records_of
from kg.sources.guess.signal_words import is_signal_name
from kg.sources.guess.values import time_format
from kg.sources.guess.words import is_item_name, is_session_name, is_user_name, plain
from kg.sources.records import Cell

_RECURRING = 2
"""Mean number of rows per key from which one value per key is evidence."""

_OF_ITEMS = frozenset({"price", "unitprice", "cost", "year"})
"""Names of numbers that may be properties of an item."""


def table_within(file: FileProfile, key: ColumnProfile, others: Sequence[ColumnProfile]) -> FileProfile | None:
    """The file as a table of the keys in `key`, with those of the `others` that have one value per key.

    None where there is no such column. Values are compared in the rows of the sample.
    """
    candidates = [c.name for c in others if _may_be_fact(c)]
    if not candidates or file.rows < _RECURRING * len(key.values):
        return None
    first: dict[str, dict[str, Cell]] = {}
    kept = set(candidates)
    for record in records_of(file):
        of_key = first.setdefault(str(record.values.get(key.name)), {})
        for name in [*kept]:
            cell = record.values.get(name)
            if of_key.setdefault(name, cell) != cell:
                kept.discard(name)
    if not kept:
        return None
    # Counted once per key, as in a table of them: values that recur there are categories, not names.
    columns = {name: ColumnProfile(name, none=c.none) for name, c in file.columns.items() if name in {key.name, *kept}}
    for value, cells in first.items():
        for name, column in columns.items():
            column.add(value if name == key.name else cells[name])
    return replace(file, columns=columns, key_name=key.name, rows=len(first), different_rows=len(first))


def _may_be_fact(column: ColumnProfile) -> bool:
    """Whether a column is neither an id of a user nor a time, nor about a single event."""
    if not column.name or len(column.values) < 2 or time_format(column) is not None:
        return False
    if is_user_name(column.name) or is_session_name(column.name) or is_item_name(column.name):
        return False
    return plain(column.name) in _OF_ITEMS or not is_signal_name(column.name)
