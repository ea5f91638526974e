"""JSON Lines, plain or gzip: one object a line, nested objects as dotted columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kg.rows import Position
from kg.sources.lines import TOO_LONG, bounded_lines, is_too_long
from kg.sources.opening import OpenFile, opened
from kg.sources.plain_values import flat_cells
from kg.sources.records import BadRecord, RawRecord, Reason, Record, SourceError, is_bad_text, shown


class JsonLinesReader:
    """A file with one JSON object a line. A column is a name in the object, `a.b` for b inside the object a.

    Objects need not share their names, so a column that no object has is a value missing everywhere.
    """

    def __init__(self, path: Path, name: str, *, encoding: str = "utf-8") -> None:
        self._path = path
        self._name = name
        self._encoding = encoding
        self._open: OpenFile | None = None
        with opened(path, name) as file:
            file.text(encoding)
            start = file.binary.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        if start.startswith(b"["):
            raise SourceError(
                f"{name}: this is a JSON array; JSON Lines has one object a line (`jq -c '.[]'` makes it so)"
            )

    @property
    def name(self) -> str:
        return self._name

    @property
    def columns(self) -> None:
        return None

    def resolve(self, column: str) -> str:
        return column

    def resolve_value(self, value: str) -> str:
        return value

    def fraction(self) -> float | None:
        return self._open.fraction() if self._open is not None else None

    def close(self) -> None:
        self._open = None

    def __iter__(self) -> Iterator[Record]:
        with opened(self._path, self._name) as file:
            self._open = file
            for number, line in enumerate(bounded_lines(file.text(self._encoding)), 1):
                if not line.isspace():
                    yield self._record(Position(self._name, number), line)

    def _record(self, position: Position, line: str) -> Record:
        if is_too_long(line):
            return BadRecord(position, Reason.TOO_LONG, TOO_LONG, shown(line))
        if is_bad_text(line):
            return BadRecord(position, Reason.BAD_UTF8, "bytes that are not UTF-8", shown(line.rstrip()))
        try:
            # NaN and Infinity are no JSON, but Python and pandas write them for "no value".
            value: Any = json.loads(line, parse_constant=lambda _: None)
            if isinstance(value, dict):
                return RawRecord(position, flat_cells(value))
            detail = f"expected an object, found {type(value).__name__}"
        except (ValueError, RecursionError) as error:
            detail = str(error)
        return BadRecord(position, Reason.BAD_JSON, detail, shown(line.rstrip()))
