"""Recognise how columns with several values in a cell are written, and which entry of an object is its name."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kg.schema.nodes import ListSyntax
from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.values import is_address, is_url, time_format
from kg.sources.guess.words import plain

_SEPARATORS = ("|", "; ", ";", "^", "\n", "、", ", ", ",", " / ", "/", "，")
SURE_SEPARATORS = ("|", "; ", ";", "、", "^", "\n")
"""Separators that hardly occur within a value: few cells with one, and few repeated parts, are enough."""

_TRIED = 300
"""Maximum number of distinct cells that are parsed."""

_LONGEST = 20_000
"""Maximum characters of a cell that is parsed."""

_PAIRS = {"[": "]", "(": ")", "{": "}", "<": ">"}
_PLURALS = frozenset({"tags", "genres", "keywords", "labels", "categories", "hashtags", "topics", "skills", "themes"})

_SEVERAL_NAME = re.compile(r"s$|genre|categor|tag|topic|keyword|kategorie|类型|标签|分类|жанр|категор", re.IGNORECASE)

_NAMES = ("name", "title", "label", "value", "tag", "genre", "category", "id", "key")
"""Entries of an object that name it, the best first."""


@dataclass(frozen=True)
class ListForm:
    """How several values are written in a cell; `separator` is None where the description needs none."""

    syntax: ListSyntax = ListSyntax.SEPARATED
    separator: str | None = None
    field: str | None = None

    @property
    def described(self) -> dict[str, str]:
        """Its part of a list column's description."""
        entries = {"separator": self.separator, "field": self.field}
        if self.syntax is not ListSyntax.SEPARATED:
            entries = {"syntax": self.syntax.value, **entries}
        return {name: value for name, value in entries.items() if value is not None}


def list_form(column: ColumnProfile, *, blanks: bool, usual: str | None = None) -> ListForm | None:
    """How a column's several values are written; the parts must recur. None if the cells hold one value each.

    `blanks`: the file's own separator is a space (atomic files) in place of a comma. `usual` separates the values of
    another column of the file, and needs less evidence.
    """
    if column.lists:
        field = _field_of([_object(part) for part in islice(column.parts, _TRIED)])
        if field is not None:
            named = [str(_object(part).get(field)) for part in islice(column.parts, _TRIED)]
            return None if is_address(named) else ListForm(field=field)
        return ListForm() if recur(column.parts) and not is_address(list(islice(column.parts, _TRIED))) else None
    if column.is_number or time_format(column) or is_url(column):
        return None
    return written_form(column) or _separated(column, blanks=blanks, believed=usual)


def named_for_several(name: str) -> bool:
    """Whether a column of this name probably has several values in a cell: a plural, or a usual list of items."""
    return _SEVERAL_NAME.search(name) is not None


def parts_of(cell: str, form: ListForm) -> list[str]:
    """The values in a text cell, approximately."""
    if form.syntax is ListSyntax.SEPARATED:
        return [part.strip() for part in cell.split(form.separator or ",")]
    return [part.strip(" '\"") for part in cell.strip("[](){} ").split(form.separator or ",")]


def is_written_list(column: ColumnProfile) -> bool:
    """Whether nearly all cells are in brackets, whatever their content."""
    inside = sum(n for value, n in column.values.items() if _PAIRS.get(value[:1]) == value[-1:] and len(value) > 1)
    return column.filled > 0 and inside >= 0.9 * column.filled


def written_form(column: ColumnProfile) -> ListForm | None:
    """JSON, Python literals, or parts in brackets."""
    if not is_written_list(column):
        return None
    cells = [v for v in islice(column.values, _TRIED) if len(v) <= _LONGEST]
    for syntax, parse in ((ListSyntax.JSON, json.loads), (ListSyntax.PYTHON, ast.literal_eval)):
        parsed = _parsed(cells, parse)
        if parsed is None:
            continue
        values = list(_flat(parsed))
        if syntax is ListSyntax.PYTHON and _joins_neighbours(cells, values):
            continue
        if any(isinstance(value, dict) for value in values):
            field = _field_of(values)
            return ListForm(syntax, field=field) if field is not None else None
        if any(isinstance(value, list | tuple) for value in values):
            return None
        return ListForm(syntax)
    separator = next((s for s in ("|", ";", ",") if any(s in cell for cell in cells)), None)
    return ListForm(ListSyntax.BRACKETS, separator if separator not in (None, ",") else None)


def _joins_neighbours(cells: Iterable[str], values: list[Any]) -> bool:
    """Whether texts follow each other without commas, as numpy prints them; Python joins them to one text."""
    texts = sum(isinstance(value, str) for value in values)
    return sum(cell.count("'") + cell.count('"') for cell in cells) > 3 * texts > 0


def _parsed(cells: Iterable[str], parse: Callable[[str], Any]) -> list[Any] | None:
    """The form of all cells, None where one in a hundred has another."""
    parsed: list[Any] = []
    failed = 0
    for cell in cells:
        try:
            parsed.append(parse(cell))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            failed += 1
    return parsed if parsed and failed <= 0.01 * len(parsed) else None


def _flat(parsed: Iterable[Any]) -> Iterator[Any]:
    for value in parsed:
        if isinstance(value, list | tuple | set | frozenset):
            yield from value
        elif value is not None:
            yield value


def _object(part: str) -> Any:
    try:
        return json.loads(part) if part.startswith("{") else part
    except (ValueError, RecursionError):
        return part


def _field_of(values: list[Any]) -> str | None:
    """The entry that names every object; None where the values are not objects or have no entry in common."""
    objects = [value for value in values if isinstance(value, dict)]
    if not objects or len(objects) < len(values):
        return None
    keys = [key for key in objects[0] if isinstance(key, str)]
    shared = [key for key in keys if all(isinstance(o.get(key), str | int | float) for o in objects)]
    for name in _NAMES:
        endings = name if name in ("name", "title", "label") else ()
        entries = [key for key in shared if key.lower() == name]
        entries += [key for key in shared if key.lower().endswith(endings)]
        if entries:
            return entries[0]
    return shared[0] if shared else None


def _separated(column: ColumnProfile, *, blanks: bool, believed: str | None) -> ListForm | None:
    usual = " " if blanks else ","
    for separator in (" ",) if blanks else _SEPARATORS:
        sure = separator in SURE_SEPARATORS
        cells = [(v, n) for v, n in column.values.items() if separator in v]
        if sum(n for _, n in cells) < (0.02 if sure else 0.1) * column.filled:
            continue
        parts: Counter[str] = Counter()
        for value, count in column.values.items():
            for part in value.split(separator):
                parts[part.strip()] += count
        # Names such as "Sarti, Luca" have more distinct parts than wholes; shared values have fewer.
        fewer = sure or separator == believed or len(parts) <= len(column.values)
        if recur(parts, least=1.1 if sure else 3.0) and fewer:
            return ListForm(separator=separator if separator != usual else None)
    return None if blanks else _by_blanks(column)


def _by_blanks(column: ColumnProfile) -> ListForm | None:
    """Recognise words between blanks, in a column with a plural name, or where all have a # before them."""
    parts: Counter[str] = Counter()
    for value, count in column.values.items():
        for part in value.split(" "):
            parts[part] += count
    tagged = all(part.startswith("#") for part in parts)
    if any(part.endswith((",", ";")) for part in parts):
        return None  # another separator is used
    if not (tagged or plain(column.name) in _PLURALS) or len(parts) >= len(column.values) + 3:
        return None
    return ListForm(separator=" ") if recur(parts) and any(" " in value for value in column.values) else None


def recur(parts: Counter[str], least: float = 3.0) -> bool:
    """Whether parts are drawn from a vocabulary: short, and each `least` times on average or few in all."""
    total = parts.total()
    mean = sum(len(p) * n for p, n in parts.items()) / total if total else 0.0
    return 0 < mean <= 40 and len(parts) > 1 and (total >= least * len(parts) or len(parts) <= 30)
