"""Read triples files: head, relation, tail in a text table, with or without a header line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kg.sources.delimited import DelimitedReader, first_cells
from kg.sources.records import Record, SourceError

TRIPLE_COLUMNS = ("head", "relation", "tail")

_HEADER_WORDS = (
    {"head", "head_id", "h", "subject", "s", "source", "from", "start", "node1"},
    {"relation", "relation_id", "r", "rel", "predicate", "p", "property", "edge", "type", "label"},
    {"tail", "tail_id", "t", "object", "o", "target", "to", "end", "node2"},
)


def triple_columns(cells: Sequence[str]) -> tuple[str, ...] | None:
    """The column names of a header line: head, relation and tail, and others (an index) unchanged; None where the line
    does not name these three.
    """
    names = [c.strip().lower().split(":")[0] for c in cells]
    places = [next((at for at, name in enumerate(names) if name in words), None) for words in _HEADER_WORDS]
    if None in places or len(set(places)) != 3:
        return None
    known = dict(zip(places, TRIPLE_COLUMNS, strict=True))
    return tuple(known.get(at) or f"column{at + 1}" for at in range(len(names)))


class TriplesReader:
    """A file of triples whose columns are called head, relation and tail whatever its header calls them.

    With a header that names these three it may have other columns, which are ignored.
    """

    columns = TRIPLE_COLUMNS

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        separator: str = "\t",
        quoted: bool = False,
        encoding: str = "utf-8",
        skip: int = 0,
    ) -> None:
        first = first_cells(path, name, separator=separator, quoted=quoted, encoding=encoding, skip=skip)
        columns = triple_columns(first)
        if columns is None and len(first) != 3:
            raise SourceError(
                f"{name}: a triples file has three columns (head, relation, tail), found {len(first)} "
                f"with the separator {separator!r}; set `separator`, or use another format"
            )
        self.name = name
        self._has_header = columns is not None
        self._table = DelimitedReader(
            path,
            name,
            separator=separator,
            quoted=quoted,
            encoding=encoding,
            columns=columns or TRIPLE_COLUMNS,
            skip=skip,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._table.warnings

    @property
    def swallowed_lines(self) -> int:
        return self._table.swallowed_lines

    def resolve(self, column: str) -> str:
        return self._table.resolve(column)

    def resolve_value(self, value: str) -> str:
        return value

    def fraction(self) -> float | None:
        return self._table.fraction()

    def close(self) -> None:
        self._table.close()

    def __iter__(self) -> Iterator[Record]:
        rows = iter(self._table)
        if self._has_header:
            next(rows, None)
        return rows
