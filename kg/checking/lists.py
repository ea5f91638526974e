"""Split cells with several values: at a separator, or written as JSON, as Python literals, or in brackets."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from kg.checking.values import RowProblem
from kg.schema.nodes import ListSyntax, SeveralValues
from kg.sources import Cell, Reason
from kg.sources.plain_values import plain_cell
from kg.sources.records import Scalar

_PAIRS = {"[": "]", "(": ")", "{": "}", "<": ">"}
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_ALL_QUOTED = re.compile(r"""\s*(?:(?:'[^']*'|"[^"]*")[\s,;|]*)+""")
_LONGEST_LITERAL = 1 << 17
"""Maximum characters of a Python literal (the longest cell of CSV), as the parser takes many times their memory."""


ListReader: TypeAlias = Callable[[Cell, frozenset[str]], list[Scalar]]


def list_reader(column: SeveralValues, separator: str | None) -> ListReader:
    """Make a function (cell, spellings of "no value") -> its values, in order, unchanged.

    `separator` is the source's default for a column that gives none; None makes a text one value there. Lists of typed
    formats (Parquet, JSON) are taken as they are, whatever the syntax; where the column names a `field`, values are
    that field of each object. Raises `RowProblem` for a cell of another syntax, or an object without the field.
    """
    cut = {
        ListSyntax.SEPARATED: partial(_separated, separator=column.separator or separator),
        ListSyntax.BRACKETS: partial(_bracketed, separator=column.separator or separator),
        ListSyntax.JSON: _json_list,
        ListSyntax.PYTHON: _python_list,
    }[column.syntax]

    def read(cell: Cell, missing: frozenset[str]) -> list[Scalar]:
        if isinstance(cell, list):
            values: list[Any] = cell
        elif not isinstance(cell, str):
            values = [cell]
        elif cell.strip() in missing or not cell.strip():
            return []
        else:
            values = cut(cell)
        return [_picked(value, column.field) for value in flattened(values)]

    return read


def flattened(values: Iterable[Any]) -> Iterator[Any]:
    """Flatten lists within a list: Amazon's `[["Movies", "Comedy"]]` is two values."""
    for value in values:
        if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
            # Nested lists of typed formats arrive as JSON.
            with suppress(ValueError, RecursionError):
                inner = json.loads(value)
                if isinstance(inner, list):
                    yield from flattened(inner)
                    continue
        if isinstance(value, list | tuple):
            yield from flattened(value)
        else:
            yield value


def _separated(cell: str, separator: str | None) -> list[Any]:
    return [cell] if separator is None else list(cell.split(separator))


def _bracketed(cell: str, separator: str | None) -> list[Any]:
    text = cell.strip()
    if text.startswith("<") and text.endswith(">"):
        return text[1:-1].split("><")
    if _PAIRS.get(text[:1]) == text[-1:] and len(text) > 1:
        text = text[1:-1]
    if not text.strip():
        return []
    if _ALL_QUOTED.fullmatch(text):
        # Any separator: commas, or the blanks and line breaks of numpy.
        return [one or other for one, other in _QUOTED.findall(text)]
    return [_without_quotes(part.strip()) for part in text.split(separator or ",")]


def _without_quotes(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _json_list(cell: str) -> list[Any]:
    try:
        return _as_list(json.loads(cell, parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        raise RowProblem(Reason.BAD_VALUE, f"{cell[:60]!r} is not a JSON list") from None


def _python_list(cell: str) -> list[Any]:
    try:
        if len(cell) > _LONGEST_LITERAL:
            raise ValueError
        return _as_list(ast.literal_eval(cell.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise RowProblem(Reason.BAD_VALUE, f"{cell[:60]!r} is not a Python list") from None


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return [] if value is None else [value]


def _picked(value: Any, field: str | None) -> Scalar:
    if field is not None:
        value = _field_of(value, field)
    cell = plain_cell(value)
    if isinstance(cell, list) or isinstance(value, dict):
        raise RowProblem(
            Reason.BAD_VALUE, f"{str(value)[:60]!r} is not a single value; name one of an object's entries with `field`"
        )
    return cell


def _field_of(value: Any, field: str) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        # Objects in lists of typed formats arrive as JSON.
        with suppress(ValueError, RecursionError):  # reported below
            value = json.loads(value)
    if not isinstance(value, dict) or field not in value:
        raise RowProblem(Reason.BAD_VALUE, f"{str(value)[:60]!r} has no entry {field!r}")
    return value[field]
