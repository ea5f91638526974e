"""Decode kinds of events that are numbers in the events, by a small table that explains them in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kg.sources.guess.profile import ColumnProfile, FileProfile, records_of
from kg.sources.guess.signals import Signal, signal_of

_MOST_CODES = 50
"""Maximum number of rows of a table that explains codes."""


def read_out(signal: Signal, tables: Sequence[FileProfile]) -> tuple[Signal, FileProfile] | None:
    """The signal of codes in the words of the table that explains them, and that table; None where no table does."""
    codes = set(signal.column.values)
    for table in tables:
        if table.rows > _MOST_CODES:
            continue
        for key in table.columns.values():
            if not key.is_unique or not codes <= set(key.values):
                continue
            for named in table.columns.values():
                if named is not key and not named.is_number and not named.lists and len(named.values) > 1:
                    in_words = _in_words(signal, _words_of(table, key.name, named.name), table)
                    if in_words is not None:
                        return in_words, table
    return None


def _words_of(table: FileProfile, key: str, named: str) -> dict[str, str]:
    rows = [record.values for record in records_of(table, _MOST_CODES)]
    return {str(row[key]).strip(): str(row[named]).strip() for row in rows}


def _in_words(signal: Signal, words: dict[str, str], table: FileProfile) -> Signal | None:
    counts = Counter({words[code]: n for code, n in signal.column.values.items() if code in words})
    spelt = ColumnProfile(signal.column.name, rows=counts.total(), values=counts)
    worded = signal_of(spelt)
    if worded is None or not worded.likes:
        return None
    likes = tuple(code for code in signal.column.values if words.get(code) in worded.likes)
    others = tuple(code for code in signal.column.values if code not in likes)
    shown = ", ".join(f"{code} is {words[code]}" for code in sorted(signal.column.values) if code in words)
    return replace(
        worded, column=signal.column, likes=likes, others=others, why=f"is explained by {table.title}: {shown}"
    )
