"""Read JSON, plain or gzip: one object per line, or one document of records; nested objects become dotted columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from io import TextIOBase
from pathlib import Path
from typing import Any

from kg.rows import Position
from kg.sources.json_documents import array_elements, document_records
from kg.sources.lines import TOO_LONG, bounded_lines, is_too_long
from kg.sources.opening import OpenFile, opened
from kg.sources.plain_values import flat_cells
from kg.sources.records import BadRecord, RawRecord, Reason, Record, is_bad_text, shown

_LOOKED_AT = 1 << 18
"""Number of characters from which the form of a file is recognised."""


class JsonLinesReader:
    """A file with one JSON object per line, or one array of objects. A column is a name in the object, `a.b` for b
    inside the object a. Positions are lines, or numbers of records in a document.

    Objects need not have the same names, so a column that no object has is missing everywhere, not an error.
    """

    columns = None

    def __init__(self, path: Path, name: str, *, encoding: str = "utf-8") -> None:
        self._path = path
        self.name = name
        self._encoding = encoding
        self._open: OpenFile | None = None
        with opened(path, name) as file:
            self._form = _form(file.text(encoding))

    def resolve(self, column: str) -> str:
        return column

    def resolve_value(self, value: str) -> str:
        return value

    def fraction(self) -> float | None:
        return self._open.fraction() if self._open is not None else None

    def close(self) -> None:
        self._open = None

    def __iter__(self) -> Iterator[Record]:
        with opened(self._path, self.name) as file:
            self._open = file
            if self._form is not _Form.LINES:
                read = array_elements if self._form is _Form.ARRAY else document_records
                for number, value in enumerate(read(file.text(self._encoding), self.name), 1):
                    yield self._of_value(Position(self.name, number), value)
                return
            for number, line in enumerate(bounded_lines(file.text(self._encoding)), 1):
                if not line.isspace():
                    yield self._record(Position(self.name, number), line)

    def _record(self, position: Position, line: str) -> Record:
        if is_too_long(line):
            return BadRecord(position, Reason.TOO_LONG, TOO_LONG, shown(line))
        if is_bad_text(line):
            return BadRecord(position, Reason.BAD_UTF8, "bytes that are not UTF-8", shown(line.rstrip()))
        try:
            # NaN and Infinity are not JSON, but Python and pandas write them for "no value".
            return self._of_value(position, json.loads(line, parse_constant=lambda _: None), line)
        except (ValueError, RecursionError) as error:
            detail = str(error)
        return BadRecord(position, Reason.BAD_JSON, detail, shown(line.rstrip()))

    def _of_value(self, position: Position, value: Any, line: str = "") -> Record:
        if isinstance(value, dict):
            return RawRecord(position, flat_cells(value))
        detail = f"expected an object, found {type(value).__name__}"
        return BadRecord(position, Reason.BAD_JSON, detail, shown(line.rstrip() or json.dumps(value)))


class _Form(Enum):
    LINES = "one object per line"
    ARRAY = "an array"
    OBJECT = "an object"


def _form(text: TextIOBase) -> _Form:
    """The form of a file, recognised by its start."""
    start = text.read(_LOOKED_AT).lstrip("\ufeff \t\r\n")
    if start.startswith("["):
        return _Form.ARRAY
    first, _, rest = start.partition("\n")
    if not start.startswith("{"):
        return _Form.LINES
    try:
        json.loads(first, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        # An object over several lines; a line longer than the start that was read is one of many.
        return _Form.OBJECT if rest and not _is_object(rest.partition("\n")[0]) else _Form.LINES
    only = not rest.strip() and len(start) < _LOOKED_AT
    return _Form.OBJECT if only and _holds_records(first) else _Form.LINES


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _holds_records(line: str) -> bool:
    """Whether a single object is not a record but holds an array of records, or only objects."""
    value = json.loads(line, parse_constant=lambda _: None)
    parts = list(value.values())
    arrays = sum(isinstance(part, list) and bool(part) and isinstance(part[0], dict) for part in parts)
    return arrays > 0 or (len(parts) > 1 and all(isinstance(part, dict) for part in parts))
