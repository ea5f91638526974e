"""Formats of files: those that `kg.sources` reads, and those that installed packages have a reader for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from kg.plugins import Plugins


class SourceFormat(StrEnum):
    """The formats that `kg.sources` reads."""

    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    RDF = "rdf"
    EXCEL = "excel"
    RECBOLE = "recbole"
    TRIPLES = "triples"
    TABLE = "table"


_BY_SUFFIX = {
    ".csv": SourceFormat.CSV,
    ".tsv": SourceFormat.TSV,
    ".tab": SourceFormat.TSV,
    ".parquet": SourceFormat.PARQUET,
    ".pq": SourceFormat.PARQUET,
    ".jsonl": SourceFormat.JSONL,
    ".ndjson": SourceFormat.JSONL,
    ".json": SourceFormat.JSONL,
    ".nt": SourceFormat.RDF,
    ".ttl": SourceFormat.RDF,
    ".nq": SourceFormat.RDF,
    ".trig": SourceFormat.RDF,
    ".rdf": SourceFormat.RDF,
    ".owl": SourceFormat.RDF,
    ".jsonld": SourceFormat.RDF,
    ".xlsx": SourceFormat.EXCEL,
    ".xlsm": SourceFormat.EXCEL,
    ".inter": SourceFormat.RECBOLE,
    ".item": SourceFormat.RECBOLE,
    ".user": SourceFormat.RECBOLE,
    ".link": SourceFormat.RECBOLE,
    ".kg": SourceFormat.RECBOLE,
}


_PACKED = (".gz", ".bz2", ".xz", ".zip")


def without_packing(file: str) -> str:
    """A file's name in lower case, without the ending of its compression: `a.CSV.gz` -> "a.csv"."""
    name = file.lower()
    return next((name.removesuffix(ending) for ending in _PACKED if name.endswith(ending)), name)


def format_of(file: str) -> SourceFormat | str | None:
    """The format by the ending of a file's name, also of a packed one; None where unknown."""
    name = without_packing(file)
    built_in = next((kind_name for suffix, kind_name in _BY_SUFFIX.items() if name.endswith(suffix)), None)
    return built_in or next((kind.name for kind in READERS.values() if name.endswith(kind.suffixes)), None)


@dataclass(frozen=True)
class ReaderKind:
    """A format that an installed package reads: its name, and the endings of its files, in lower case.

    `opener` is "module:function" with (path, spec) as arguments, a `pathlib.Path` and a `SourceSpec`; it returns a
    `kg.sources.Reader` and is imported only when such a file is read.
    """

    name: str
    suffixes: tuple[str, ...]
    opener: str


def _checked(name: str, kind: object) -> ReaderKind:
    if not isinstance(kind, ReaderKind):
        raise ValueError("it is no kg.schema.ReaderKind")
    if kind.name != name or not re.fullmatch("[a-z][a-z0-9_-]*", name) or name in list(SourceFormat):
        raise ValueError(f"the format is called {kind.name!r}; it has the name of its entry point, and no other's")
    if taken := [suffix for suffix in kind.suffixes if not suffix.startswith(".") or suffix in _BY_SUFFIX]:
        raise ValueError(f"the ending {taken[0]!r} is read by WhyPath itself, or has no point")
    return kind


READERS: Plugins[ReaderKind] = Plugins("whypath.readers", _checked)
"""Readers of installed packages, by the name of the format."""


def formats() -> list[str]:
    """Names of all formats."""
    return [*(format_.value for format_ in SourceFormat), *READERS]


def _known(value: object) -> object:
    if isinstance(value, str):
        if value in list(SourceFormat):
            return SourceFormat(value)
        if value in READERS:
            return value
    raise PydanticCustomError("enum", "a format that is read here", {"expected": ", ".join(map(repr, formats()))})


Format: TypeAlias = Annotated[SourceFormat | str, Field(union_mode="left_to_right"), BeforeValidator(_known)]
"""The name of a format."""
