"""Open the reader of a described source."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kg.schema import IdMap, SourceFormat, SourceSpec
from kg.schema.errors import suggestion
from kg.schema.formats import READERS, without_packing
from kg.sources.delimited import DelimitedReader
from kg.sources.excel import ExcelReader
from kg.sources.json_lines import JsonLinesReader
from kg.sources.opening import located
from kg.sources.parquet import ParquetReader
from kg.sources.records import BadRecord, Reader, SourceError
from kg.sources.tables import table_reader
from kg.sources.triples import TriplesReader


def open_source(
    spec: SourceSpec,
    folder: Path = Path(),
    *,
    edges: bool = False,
    tables: Mapping[str, Any] | None = None,
    allow_outside: Sequence[str | Path] = (),
) -> Reader:
    """Open the reader of a source; its file is in `folder`, where relative paths start, or in one of `allow_outside`.

    With `edges` an RDF file or networkx graph is read as edges (head, relation, tail), else as nodes. Raises
    `SourceError` for a source that is absent, in another place, or unreadable as a whole.
    """
    if spec.table is not None:
        known = tables or {}
        if spec.table not in known:
            raise SourceError(
                f"{spec.name}: no table of this name was passed; pass tables={{{spec.table!r}: ...}}"
                + suggestion(spec.table, known)
            )
        return table_reader(known[spec.table], spec.name, edges=edges)
    path = located(spec.file or "", spec.name, folder, allow_outside)
    match spec.resolved_format:
        case SourceFormat.PARQUET:
            return ParquetReader(path, spec.name)
        case SourceFormat.JSONL:
            return JsonLinesReader(path, spec.name, encoding=spec.encoding)
        case SourceFormat.EXCEL:
            return ExcelReader(path, spec.name, sheet=spec.sheet, skip=spec.skip)
        case SourceFormat.RDF:
            # rdflib takes a quarter of a second to import and most domains do not use RDF.
            from kg.sources.rdf import RdfReader

            return RdfReader(path, spec.name, edges=edges, prefixes=spec.prefixes, language=spec.language)
        case SourceFormat.TRIPLES:
            separator = spec.separator or ("," if _is_csv(spec.name) else "\t")
            quoted = _is_quoted(spec, separator, default=_is_csv(spec.name))
            return TriplesReader(
                path, spec.name, separator=separator, quoted=quoted, encoding=spec.encoding, skip=spec.skip
            )
        case SourceFormat() as format_:
            is_csv = format_ is SourceFormat.CSV
            separator = spec.separator or ("," if is_csv else "\t")
            return DelimitedReader(
                path,
                spec.name,
                separator=separator,
                quoted=_is_quoted(spec, separator, default=is_csv and not spec.rest),
                columns=spec.columns,
                rest=spec.rest,
                encoding=spec.encoding,
                atomic=format_ is SourceFormat.RECBOLE,
                skip=spec.skip,
            )
        case name:
            module, _, function = READERS[name].opener.partition(":")
            return getattr(importlib.import_module(module), function)(path, spec)


def read_id_map(spec: IdMap, folder: Path = Path(), *, allow_outside: Sequence[str | Path] = ()) -> dict[str, str]:
    """Read entity id -> item key from a map's file, into memory. `folder` and `allow_outside` as above.

    Raises `SourceError` for rows that cannot be read and for an entity that is mapped to two items: a wrong map would
    silently join facts to the wrong items.
    """
    source = SourceSpec(file=spec.file, format=spec.format, separator=spec.separator)
    reader = open_source(source, folder, allow_outside=allow_outside)
    item, entity = reader.resolve(spec.item), reader.resolve(spec.entity)
    keys: dict[str, str] = {}
    for record in reader:
        place = f"{record.position.file}, line {record.position.line}"
        if isinstance(record, BadRecord):
            raise SourceError(f"{place}: {record.reason}: {record.detail}; an item map must be readable in every row")
        key, other = (str(record.values.get(c) or "").strip() for c in (item, entity))
        if not key or not other:
            raise SourceError(f"{place}: an item map needs an item and an entity in every row")
        if keys.setdefault(other, key) != key:
            raise SourceError(f"{place}: {other!r} is mapped to two items, {keys[other]!r} and {key!r}; keep one")
    return keys


def _is_quoted(spec: SourceSpec, separator: str, *, default: bool) -> bool:
    return spec.quoted if spec.quoted is not None else default and len(separator) == 1


def _is_csv(name: str) -> bool:
    return without_packing(name).endswith(".csv")
