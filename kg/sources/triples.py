"""Triples files: head, relation, tail in a text table, with or without a header line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kg.sources.delimited import DelimitedReader
from kg.sources.records import Record, SourceError

TRIPLE_COLUMNS = ("head", "relation", "tail")

_HEADER_WORDS = (
    {"head", "head_id", "h", "subject", "s", "source", "from", "start", "node1"},
    {"relation", "relation_id", "r", "rel", "predicate", "p", "property", "edge", "type", "label"},
    {"tail", "tail_id", "t", "object", "o", "target", "to", "end", "node2"},
)


def is_triples_header(cells: tuple[str, ...]) -> bool:
    """Whether a first line of three cells names its columns rather than being a triple."""
    names = [c.strip().lower().split(":")[0] for c in cells]
    return len(names) == 3 and all(name in words for name, words in zip(names, _HEADER_WORDS, strict=True))


class TriplesReader:
    """A file of triples whose columns are called head, relation and tail whatever its header says."""

    def __init__(
        self, path: Path, name: str, *, separator: str = "\t", quoted: bool = False, encoding: str = "utf-8"
    ) -> None:
        first = DelimitedReader(path, name, separator=separator, quoted=quoted, encoding=encoding)
        if len(first.columns) != 3:
            raise SourceError(
                f"{name}: a triples file has three columns (head, relation, tail), found {len(first.columns)} "
                f"with the separator {separator!r}; set `separator`, or use another format"
            )
        self._has_header = is_triples_header(first.columns)
        self._table = DelimitedReader(
            path, name, separator=separator, quoted=quoted, encoding=encoding, columns=TRIPLE_COLUMNS
        )

    @property
    def name(self) -> str:
        return self._table.name

    @property
    def columns(self) -> tuple[str, ...]:
        return TRIPLE_COLUMNS

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
