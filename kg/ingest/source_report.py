"""Report each source of a load: rows used, ignored and bad, columns and values that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from kg.checking.row_marks import RowMarks
from kg.ingest.source_pool import SourcePool
from kg.schema import DomainSchema, columns_read
from kg.sources import SourceError

_SHOWN = 8
"""Number of values that a report shows."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One source: it has `rows`, of which at least one section took `used`, `bad` were left out as a whole, and
    `ignored` fit no `where`. `values_left` are single values of used rows that were left out. `unread` are columns that
    no section reads; `left` has by column the values that no `where` takes, with their number of rows.
    """

    source: str
    rows: int
    used: int
    bad: int
    values_left: int
    unread: tuple[str, ...]
    left: Mapping[str, Mapping[str, int]]

    @property
    def ignored(self) -> int:
        """Rows that fit no section."""
        return max(0, self.rows - self.used - self.bad)

    def lines(self) -> Iterator[str]:
        """As lines of text."""
        parts = [f"{self.rows:,} rows, {self.used:,} used"]
        parts += [f"{self.ignored:,} fit no `where`"] if self.ignored else []
        parts += [f"{self.bad:,} bad"] if self.bad else []
        parts += [f"{self.values_left:,} values of used rows left out"] if self.values_left else []
        yield f"{self.source}: {', '.join(parts)}"
        if self.unread:
            yield f"  not read: {', '.join(self.unread)}"
        for column, values in self.left.items():
            shown = ", ".join(f"{value or '(empty)'} ({rows:,})" for value, rows in islice(values.items(), _SHOWN))
            more = f" and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else ""
            yield f"  no section takes up these of {column}: {shown}{more}"


def source_reports(schema: DomainSchema, pool: SourcePool, marks: RowMarks) -> tuple[SourceReport, ...]:
    """One report per source that was read, in the order of the description."""
    read: dict[str, set[str]] = {}
    columns: dict[str, tuple[str, ...]] = {}
    for spec, wanted in columns_read(schema):
        for edges in (False, True):
            reader = pool.known_reader(spec, edges=edges)
            if reader is None:
                continue
            known = read.setdefault(reader.name, set())
            for column in wanted:
                if column:
                    try:
                        known.add(reader.resolve(column))
                    except SourceError:
                        known.add(column)  # of another section, in another format
            columns.setdefault(reader.name, reader.columns or ())
    return tuple(
        SourceReport(
            source,
            marks.rows[source],
            marks.used(source),
            marks.bad_rows(source),
            marks.entries[source] - marks.bad_entries(source),
            tuple(name for name in columns[source] or marks.columns(source) if name and name not in read[source]),
            marks.left(source),
        )
        for source in columns
        if source in marks.rows
    )
