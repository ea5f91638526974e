"""Read the columns that the footer of a Parquet file declares, without pyarrow, whose accessors end the process on a
faulty footer (`RowGroupMetaData.column` lets a C++ exception through).

The footer is a Thrift structure in the compact protocol, https://thrift.apache.org/docs and parquet.thrift.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MAGIC = b"PAR1"
_DEPTH = 12
"""Limit of nesting, beyond that of any footer."""

_CODECS = {0: "none", 1: "Snappy", 2: "gzip", 3: "LZO", 4: "Brotli", 5: "LZ4", 6: "Zstandard", 7: "LZ4 raw"}


@dataclass(frozen=True)
class ColumnChunk:
    """One column of a group of rows: its codec, and its declared number of unpacked bytes."""

    codec: str
    unpacked: int


@dataclass(frozen=True)
class Footer:
    """Rows of the table, and the column chunks of all groups of rows."""

    n_rows: int
    chunks: tuple[ColumnChunk, ...]


def read_footer(path: Path) -> Footer:
    """Read the end of a file. Raises OSError, and ValueError if it is not a Parquet file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 8))
        end = file.read(8)
        length = int.from_bytes(end[:4], "little")
        if end[4:] != _MAGIC or length > size - 12:
            raise ValueError("it is no Parquet file, or its end is missing")
        file.seek(size - 8 - length)
        content = file.read(length)
    try:
        footer = _Compact(content).structure()
        n_rows, groups = _number(footer[3]), footer[4]
        chunks = [chunk[3] for group in groups for chunk in group[1]]
        counts = [_number(group[3]) for group in groups]
        columns = [ColumnChunk(_CODECS.get(_number(chunk[4]), "?"), _number(chunk[6])) for chunk in chunks]
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("its footer is not that of a Parquet file") from error
    if sum(counts) != n_rows:
        raise ValueError("its groups have other numbers of rows than it says")
    return Footer(n_rows, tuple(columns))


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("its footer has a count that is none")
    return value


class _Compact:
    """Read Thrift's compact protocol; structures are dictionaries from field number to value."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def structure(self, depth: int = 0) -> dict[int, Any]:
        """Raises ValueError, IndexError."""
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEPTH:
            raise ValueError("its footer is nested too deeply")
        match kind:
            case 1 | 2 | 3:  # in lists booleans take a byte
                return self._byte()
            case 4 | 5 | 6:
                return self._signed()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._unsigned())
            case 9 | 10:
                head = self._byte()
                count = head >> 4 if head >> 4 < 15 else self._unsigned()
                return [self._value(head & 15, depth + 1) for _ in range(self._within(count))]
            case 11:
                count = self._unsigned()
                kinds = self._byte() if count else 0
                for _ in range(self._within(count)):
                    self._value(kinds >> 4, depth + 1)
                    self._value(kinds & 15, depth + 1)
                return None  # no map is needed
            case 12:
                return self.structure(depth + 1)
        raise ValueError("its footer is not that of a Parquet file")

    def _within(self, count: int) -> int:
        """Read a number of elements; the rest of the footer has at least one byte for each."""
        if count > len(self._content) - self._at:
            raise ValueError("its footer is cut off")
        return count

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _bytes(self, count: int) -> bytes:
        self._at += self._within(count)
        return self._content[self._at - count : self._at]

    def _unsigned(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 0x80:
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("its footer has a number that is too large")
        return number | byte << shift

    def _signed(self) -> int:
        zigzag = self._unsigned()
        return (zigzag >> 1) ^ -(zigzag & 1)
