"""The readers of one load: opened once each, their columns checked before anything is written, closed at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kg.schema import DomainSchema, SourceSpec
from kg.schema.errors import suggestion
from kg.sources import RawRecord, Reader, SourceError, open_source, read_id_map

_LOOK_AHEAD = 1000
"""Records in which a required column of a format without a header must be seen."""


class SourcePool:
    """Readers by description; `folder` is where relative paths start, `tables` what was handed over in Python."""

    def __init__(self, schema: DomainSchema, folder: Path, tables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._folder = folder
        self._tables = tables
        self._readers: dict[tuple[str, bool], Reader] = {}
        self._maps: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for reader in self._readers.values():
            reader.close()

    def reader(self, spec: SourceSpec, *, edges: bool) -> Reader:
        """The reader of a source."""
        found = (spec.model_dump_json(), edges)
        if found not in self._readers:
            self._readers[found] = open_source(spec, self._folder, edges=edges, tables=self._tables)
        return self._readers[found]

    def id_map(self, spec: SourceSpec) -> dict[str, str] | None:
        """The item map of a triples source, None where it has none."""
        if spec.map is None:
            return None
        name = spec.map.model_dump_json()
        if name not in self._maps:
            self._maps[name] = read_id_map(spec.map, self._folder)
        return self._maps[name]

    def check_columns(self, reader: Reader, required: Sequence[str], section: str) -> None:
        """Raise `SourceError` where a format without a header shows none of a required column in its first records."""
        if reader.columns is not None:
            return
        first = [r for r in islice(reader, _LOOK_AHEAD) if isinstance(r, RawRecord)]
        names = {name for record in first for name in record.values}
        for column in required:
            if first and column not in names:
                raise SourceError(f"{section}: {reader.name}: no column {column!r}{suggestion(column, names)}")

    def files(self) -> tuple[Path, ...]:
        """All files that the domain is read from, sorted."""
        return tuple(sorted({self._folder / name for name in _file_names(self._schema)}))

    def digest(self) -> str:
        """Digest of the description and of the content of its files; tables count by name and length."""
        content = hashlib.blake2b(self._schema.to_json().encode(), digest_size=16)
        for file in self.files():
            content.update(file.name.encode())
            try:
                with file.open("rb") as opened:
                    while block := opened.read(1 << 20):
                        content.update(block)
            except OSError as error:
                raise SourceError(f"{file}: cannot be read ({error.strerror})") from None
        for name, table in sorted(self._tables.items()):
            content.update(f"{name} {len(table) if hasattr(table, '__len__') else ''}".encode())
        return content.hexdigest()


def _file_names(schema: DomainSchema) -> Iterator[str]:
    specs = [s for node in schema.nodes.values() for s in node.source]
    specs += [s for relation in schema.relations.values() for s in relation.source]
    for interaction in schema.interactions.values():
        specs += [*interaction.source, *(table.source for table in interaction.via.values())]
    for spec in specs:
        if spec.file is not None:
            yield spec.file
        if spec.map is not None:
            yield spec.map.file
