"""Find columns of events with several items in a cell: histories, baskets, all items of a user in a row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from kg.schema.nodes import ListSyntax
from kg.sources.guess.list_forms import ListForm, parts_of, written_form
from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.words import LABEL_WORDS, named_like

_SEPARATORS = (", ", ",", "|", ";", " ")
_NAME = re.compile(
    r"item|product|article|movie|film|book|song|track|history|basket|cart|click|purchase|sequence|order", re.I
)
_ID = re.compile(r"[\w.:/#-]{1,60}")
_KNOWN = 0.8
"""Minimum share of the parts that are keys of a table."""

_SEVERAL = 1.2
"""Mean number of items per cell from which a cell is taken to hold several."""


def item_list(column: ColumnProfile, keys: Sequence[ColumnProfile]) -> tuple[ColumnProfile, ListForm] | None:
    """The items in a column's cells, as a column of single items, and how a cell is written; None where there are none.

    `keys` are those of tables: the items must be keys of one, or the column is called after items and its parts are
    ids.
    """
    if not column.filled or not column.name or named_like(column.name, LABEL_WORDS):
        return None  # words of a name are not items
    for form in _forms(column):
        parts: Counter[str] = Counter()
        if column.lists:
            parts = column.parts
        else:
            for cell, count in column.values.items():
                for part in parts_of(cell, form):
                    if part:
                        parts[part] += count
        if not parts or parts.total() < _SEVERAL * column.filled:
            continue
        items = ColumnProfile(column.name, rows=parts.total(), values=parts)
        known = max((items.share_in(key) for key in keys), default=0.0)
        if form.separator == " " and known < _KNOWN and not all(re.search("[0-9]", part) for part in parts):
            continue  # the words of a name
        if known >= _KNOWN or (_NAME.search(column.name) and not keys and _are_ids(parts)):
            return items, form
    return None


def _forms(column: ColumnProfile) -> list[ListForm]:
    if column.lists:
        return [ListForm()]
    written = written_form(column)
    if written is not None:
        return [written]
    cells = list(column.values)
    separators = [s for s in _SEPARATORS if sum(s in cell for cell in cells) > 0.3 * len(cells)]
    return [ListForm(ListSyntax.SEPARATED, separator) for separator in separators]


def _are_ids(parts: Counter[str]) -> bool:
    return all(_ID.fullmatch(part) for part in parts) and parts.total() >= 1.5 * len(parts)
