"""The readers of one load: each is opened once, its columns are checked before anything is written, all are closed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

from kg.schema import DomainSchema, SourceSpec
from kg.schema.errors import suggestion
from kg.schema.files import file_names
from kg.sources import RawRecord, Reader, SourceError, open_source, read_id_map
from kg.sources.opening import located, opened_raw
from kg.sources.records import QuotedReader

_LOOK_AHEAD = 1000
"""Number of records in which a required column of a format without a header must occur."""


class SourcePool:
    """Readers by description; relative paths start at `folder`, `tables` are those passed in Python.

    Files must be in `folder` or in one of `allow_outside`.
    """

    def __init__(
        self, schema: DomainSchema, folder: Path, tables: Mapping[str, Any], allow_outside: Sequence[str | Path] = ()
    ) -> None:
        self._schema = schema
        self._folder = folder
        self._tables = tables
        self._allow_outside = tuple(allow_outside)
        self._readers: dict[tuple[str, bool], Reader] = {}
        self._maps: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers.values():
            reader.close()

    def reader(self, spec: SourceSpec, *, edges: bool) -> Reader:
        """The reader of a source."""
        described = (spec.model_dump_json(), edges)
        if described not in self._readers:
            self._readers[described] = open_source(
                spec, self._folder, edges=edges, tables=self._tables, allow_outside=self._allow_outside
            )
        return self._readers[described]

    def known_reader(self, spec: SourceSpec, *, edges: bool) -> Reader | None:
        """The reader of a source if it is open, else None."""
        return self._readers.get((spec.model_dump_json(), edges))

    def id_map(self, spec: SourceSpec) -> dict[str, str] | None:
        """The item map of a triples source, None if it has none."""
        if spec.map is None:
            return None
        name = spec.map.model_dump_json()
        if name not in self._maps:
            self._maps[name] = read_id_map(spec.map, self._folder, allow_outside=self._allow_outside)
        return self._maps[name]

    def check_columns(self, reader: Reader, required: Sequence[str], section: str) -> None:
        """Raise `SourceError` where a format without a header lacks a required column in its first records."""
        if reader.columns is not None:
            return
        first = [r for r in islice(reader, _LOOK_AHEAD) if isinstance(r, RawRecord)]
        names = {name for record in first for name in record.values}
        for column in required:
            if first and column not in names:
                raise SourceError(f"{section}: {reader.name}: no column {column!r}{suggestion(column, names)}")

    def files(self) -> tuple[Path, ...]:
        """The resolved paths of all files that the domain is read from, sorted."""
        return tuple(sorted(self._files().values()))

    def warnings(self) -> tuple[str, ...]:
        """The readers' warnings about stray quotation marks, once they have been read to the end."""
        # Several sections that read one file have a reader each.
        return tuple(dict.fromkeys(text for reader in self._quoted() for text in reader.warnings))

    def swallowed_lines(self) -> int:
        """Number of lines that were lost because an unclosed quote before them took them in."""
        return sum({reader.name: reader.swallowed_lines for reader in self._quoted()}.values())

    def digest(self) -> str:
        """Digest of the description and of the content of its files; tables count by name and length."""
        content = hashlib.blake2b(self._schema.to_json().encode(), digest_size=16)
        for named, file in sorted(self._files().items()):
            content.update(named.name.encode())
            with opened_raw(file, str(named)) as raw:
                while block := raw.read(1 << 20):
                    content.update(block)
        for name, table in sorted(self._tables.items()):
            content.update(f"{name} {len(table) if hasattr(table, '__len__') else ''}".encode())
        return content.hexdigest()

    def _files(self) -> dict[Path, Path]:
        """Path as the description has it -> resolved path."""
        return {
            self._folder / name: located(name, name, self._folder, self._allow_outside)
            for name in file_names(self._schema)
        }

    def _quoted(self) -> Iterator[QuotedReader]:
        for reader in self._readers.values():
            if isinstance(reader, QuotedReader):
                yield reader
