"""`Record`, `BadRecord` and `Reader`: readers yield raw records with positions, and bad records instead of raising."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

from kg.errors import WhyPathError
from kg.rows import Position

Scalar: TypeAlias = str | int | float | bool | datetime | date | None
Cell: TypeAlias = Scalar | list[Scalar]
"""A value as its format gives it: text in text files, typed in Parquet, JSON and data frames, a list of several."""

RAW_LIMIT = 500
"""Characters of a bad row that are kept: enough to find the row, and bounded."""


class Reason(StrEnum):
    """Why a row went to quarantine."""

    MISSING_KEY = "missing key"
    UNKNOWN_END = "unknown end"
    BAD_NUMBER = "unparsable number"
    BAD_TIME = "unparsable time"
    BAD_BOOLEAN = "unparsable boolean"
    COLUMN_COUNT = "wrong column count"
    BAD_UTF8 = "bad UTF-8"
    BAD_QUOTES = "bad quotes"
    TOO_LONG = "too long"
    BAD_JSON = "bad JSON"
    BAD_TRIPLE = "bad triple"
    BLANK_NODE = "blank node"
    BAD_VALUE = "value of the wrong shape"
    CONTRADICTING_ROLE = "contradicting role"
    DUPLICATE_KEY = "same key with other content"
    SELF_LOOP = "relation of a node to itself"
    REFUSED = "refused by the store"


class SourceError(WhyPathError):
    """A source as a whole cannot be read: absent, damaged, of another format, or without a requested column."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One row as read: column -> cell."""

    position: Position
    values: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """One row that cannot be read: `raw` is its text, cut to `RAW_LIMIT` characters, undecodable bytes as `\\xNN`."""

    position: Position
    reason: Reason
    detail: str
    raw: str


Record: TypeAlias = RawRecord | BadRecord


class Reader(Protocol):
    """A source that can be read any number of times, always in the same order."""

    @property
    def name(self) -> str:
        """Name in messages."""
        ...

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of its columns; None where the format has no fixed ones."""
        ...

    def resolve(self, column: str) -> str:
        """The key of a column in the records; raises `SourceError` with close matches where there is none."""
        ...

    def resolve_value(self, value: str) -> str:
        """A value of a `where` condition as records hold it (RDF: the short form of an IRI written out)."""
        ...

    def __iter__(self) -> Iterator[Record]: ...

    def fraction(self) -> float | None:
        """Share of the source read so far by the current iteration, 0 to 1; None where unknown."""
        ...

    def close(self) -> None:
        """Release temporary files."""
        ...


@runtime_checkable
class QuotedReader(Protocol):
    """A reader of quoted cells, with the stray quotation marks that its last iteration found."""

    @property
    def name(self) -> str: ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user."""
        ...

    @property
    def swallowed_lines(self) -> int:
        """Number of lines that were lost because a row before them took them in."""
        ...


_SURROGATE = re.compile("[\ud800-\udfff]")


def is_bad_text(text: str) -> bool:
    """Whether text holds undecodable bytes or lone surrogates, which no store can hold as UTF-8."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def shown(text: str) -> str:
    """Text for a report: cut to `RAW_LIMIT`, undecodable bytes and control characters made visible."""
    cut = text if len(text) <= RAW_LIMIT else text[:RAW_LIMIT] + "…"
    return _SURROGATE.sub(_as_byte, cut)


def _as_byte(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
