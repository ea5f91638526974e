"""Mark which rows of each source were used and which were reported as bad, with one bit per row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from kg.rows import Position

_MOST_VALUES = 1000
"""Maximum number of values of a column that are counted one by one where no section takes them."""


class _Bits:
    def __init__(self) -> None:
        self._bytes = bytearray()

    def set(self, at: int, value: bool) -> None:
        byte, bit = at >> 3, 1 << (at & 7)
        if byte >= len(self._bytes):
            if not value:
                return
            self._bytes.extend(bytes(byte + 1 + (byte >> 1) - len(self._bytes)))
        if value:
            self._bytes[byte] |= bit
        else:
            self._bytes[byte] &= ~bit & 0xFF

    def get(self, at: int) -> bool:
        return at >> 3 < len(self._bytes) and bool(self._bytes[at >> 3] & 1 << (at & 7))

    def count(self) -> int:
        return int.from_bytes(self._bytes, "little").bit_count()

    def count_without(self, other: _Bits) -> int:
        bits, other_bits = (int.from_bytes(marks._bytes, "little") for marks in (self, other))
        return (bits & ~other_bits).bit_count()


class RowMarks:
    """Outcome of the rows of all sources, over all passes: a row that any section uses counts as used."""

    def __init__(self) -> None:
        self._used: defaultdict[str, _Bits] = defaultdict(_Bits)
        self._bad: defaultdict[str, _Bits] = defaultdict(_Bits)
        self.entries: Counter[str] = Counter()
        """Source -> number of rows, and single values of rows, that were left out."""
        self._names: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.rows: dict[str, int] = {}
        self._left: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._wanted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def read(self, source: str, rows: int) -> None:
        """Note that a pass over a source has read so many rows."""
        self.rows[source] = max(rows, self.rows.get(source, 0))

    def name(self, source: str, columns: Iterable[str]) -> None:
        """Note the columns of a row of a source without fixed columns."""
        self._names[source].update(dict.fromkeys(columns))

    def columns(self, source: str) -> tuple[str, ...]:
        """The columns that were noted."""
        return tuple(self._names[source])

    def use(self, position: Position) -> None:
        """Note that a section has taken a row."""
        self._used[position.file].set(position.line, True)

    def is_used(self, position: Position) -> bool:
        """Whether a section has taken the row."""
        return self._used[position.file].get(position.line)

    def refuse(self, position: Position) -> None:
        """Note that the store has refused what a section took of a row."""
        self._used[position.file].set(position.line, False)

    def bad(self, position: Position) -> None:
        """Note that a row, or a value of it, was left out."""
        self._bad[position.file].set(position.line, True)
        self.entries[position.file] += 1

    def want(self, source: str, column: str, values: Iterable[str]) -> None:
        """Note that a section takes the rows with these values in a column."""
        self._wanted[source, column].update(values)

    def leave(self, source: str, column: str, values: Sequence[str]) -> None:
        """Note that a row with these values fits no section of a pass."""
        counts = self._left[source, column]
        for value in values:
            if value in counts or len(counts) < _MOST_VALUES:
                counts[value] += 1

    def used(self, source: str) -> int:
        """Number of rows that a section has used."""
        return self._used[source].count()

    def bad_rows(self, source: str) -> int:
        """Number of rows that were left out as a whole."""
        return self._bad[source].count_without(self._used[source])

    def bad_entries(self, source: str) -> int:
        """Number of entries left out that are whole rows; a row may be bad in several sections."""
        return min(self.entries[source], self.bad_rows(source)) if self.used(source) else self.entries[source]

    def left(self, source: str) -> Mapping[str, Mapping[str, int]]:
        """Column -> values that no section takes, with the number of their rows, the most frequent first."""
        left: dict[str, dict[str, int]] = {}
        for (name, column), counts in self._left.items():
            if name == source:
                wanted = self._wanted[name, column]
                values = {value: n for value, n in counts.most_common() if value not in wanted}
                if values:
                    left[column] = values
        return left
