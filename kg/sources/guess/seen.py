"""Describe a file in which no events were found, for a user who knows what it holds."""

from __future__ import annotations

import re

from kg.sources.guess.list_forms import is_written_list
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.words import plain

_SHOWN_COLUMNS = 12

_ENOUGH = 0.5
"""Minimum share of a column's values that are items."""


def what_was_seen(file: FileProfile) -> str:
    """Its columns, and what may be the reason."""
    names = [name for name in file.columns if name]
    more = f" and {len(names) - _SHOWN_COLUMNS:,} more" if len(names) > _SHOWN_COLUMNS else ""
    shown = ", ".join(name[:60] for name in names[:_SHOWN_COLUMNS])
    listed = [c.name for c in file.columns.values() if c.lists or is_written_list(c) or _has_many(c)]
    lists = f"; {', '.join(listed[:3])} hold several values in a cell, which are read as facts, not as events"
    wide = "; one column per item, a matrix? turn it into rows of user, item, value" if len(names) > 20 else ""
    return f"{file.title}: columns {shown}{more}{lists if listed else ''}{wide}"


def _has_many(column: ColumnProfile) -> bool:
    """Whether most cells hold several ids between blanks or commas."""
    several = sum(n for value, n in column.values.items() if len(re.split(r"[ ,;|]+", value)) > 2)
    return column.mean_length < 5000 and several > 0.5 * column.filled and not column.is_number


def why_not_used(file: FileProfile, item: ColumnProfile) -> str:
    """Why a file is not in a description, and what would change that; `item` holds the items of the events."""
    names = [name for name in file.columns if name]
    shown = ", ".join(names) or "no columns"
    for column in file.columns.values():
        if column.lists or not column.values or not column.name:
            continue
        if column.share_in(item) >= _ENOUGH and plain(column.name) == plain(item.name):
            rest = ", ".join(name for name in names if name != column.name)
            return f"{column.name} leads to items, but nothing beside it recurs ({rest or 'no other column'})"
        if plain(column.name) == plain(item.name) and (how := _other_spelling(column, item)) is not None:
            return f"{column.name} has the ids of items in another spelling ({how}); spell them alike to join the files"
    return f"no column of it was seen to lead to items ({shown})"


def _other_spelling(column: ColumnProfile, item: ColumnProfile) -> str | None:
    """How ids differ from those of the items: in case, in zeros or letters before a number; with an example."""
    for spelt in (str.casefold, _digits):
        of_items = {spelt(value): value for value in item.values if spelt(value)}
        same = [value for value in column.values if spelt(value) in of_items]
        if len(same) >= _ENOUGH * len(column.values):
            return f"{same[0]!r} for {of_items[spelt(same[0])]!r}"
    return None


def _digits(value: str) -> str:
    """The number at the end of an id, without the letters and zeros before it."""
    match = re.fullmatch(r"[^0-9]*0*([0-9]+)", value)
    return match[1] if match else ""
