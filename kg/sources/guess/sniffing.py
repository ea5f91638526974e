"""How a file is to be read: format, separator, header, quoting and encoding, from its name and its first lines."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.schema import SourceFormat, SourceSpec
from kg.schema.sources import format_of
from kg.sources.guess.words import plain, table_name
from kg.sources.opening import opened
from kg.sources.records import SourceError
from kg.sources.triples import is_triples_header

_HEAD_BYTES = 1 << 18
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_TRIPLES_NAMES = ("triple", "triples", "kg", "kgfinal", "graph", "facts", "kb", "edges", "relations")


@dataclass(frozen=True)
class Sniffed:
    """A source as it will be read, and what is worth telling about it."""

    spec: SourceSpec
    notes: tuple[str, ...]


def sniff(path: Path, spec_path: str) -> Sniffed:
    """How to read a file. Raises `SourceError` for a file that is absent or of no format known here."""
    with opened(path, str(path)) as file:
        head = file.binary.read(_HEAD_BYTES)
    told = format_of(path.name)
    if told in (SourceFormat.PARQUET, SourceFormat.JSONL, SourceFormat.RDF) or path.suffix.lower() == ".json":
        if told is None and not head.lstrip().startswith(b"{"):
            raise SourceError(f"{path}: JSON is read as JSON Lines, one object a line; turn it into that first")
        return Sniffed(_spec(spec_path, format=None if told else SourceFormat.JSONL), ())
    encoding, notes = _encoding(head)
    lines = [line for line in head.decode(encoding or "utf-8-sig", "replace").split("\n")[:200] if line.strip()]
    if not lines:
        raise SourceError(f"{path}: the file is empty; nothing can be guessed from it")
    if len(head) == _HEAD_BYTES and len(lines) > 1:
        lines = lines[:-1]  # the last one may be cut
    lines = [line.rstrip("\r") for line in lines]
    if told is SourceFormat.RECBOLE:
        return Sniffed(_spec(spec_path, encoding=encoding), tuple(notes))
    separator, quoted = _cut(lines, told)
    cells = _cells(lines, separator, quoted=quoted)
    width = len(cells[0])
    first = tuple(c.strip() for c in cells[0])
    if width == 3 and _is_triples(path, first, cells):
        notes.append("three columns of head, relation and tail: read as triples")
        spec = _spec(spec_path, format=SourceFormat.TRIPLES, encoding=encoding, quoted=quoted or None)
        default = "," if path.name.lower().removesuffix(".gz").endswith(".csv") else "\t"
        return Sniffed(_with_separator(spec, separator, default), tuple(notes))
    columns = None
    if any(_NUMBER.fullmatch(c) for c in first):
        columns = _names(cells, width)
        notes.append(f"no header line: columns are called {', '.join(columns)}")
    form = SourceFormat.CSV if separator == "," or told is SourceFormat.CSV else SourceFormat.TSV
    spec = _spec(
        spec_path,
        format=None if told is form else form,
        columns=columns,
        encoding=encoding,
        quoted=quoted if quoted != (form is SourceFormat.CSV) else None,
    )
    return Sniffed(_with_separator(spec, separator, "," if form is SourceFormat.CSV else "\t"), tuple(notes))


def _spec(path: str, **options: Any) -> SourceSpec:
    return SourceSpec.model_validate({"file": path, **{k: v for k, v in options.items() if v is not None}})


def _with_separator(spec: SourceSpec, separator: str, default: str) -> SourceSpec:
    return spec if separator == default else spec.model_copy(update={"separator": separator})


def _encoding(head: bytes) -> tuple[str | None, list[str]]:
    try:
        # A character cut at the end of the head is no error of the file.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD_BYTES)
    except UnicodeDecodeError as error:
        broken = sum(1 for line in head.split(b"\n") if _breaks(line))
        if broken <= 0.01 * head.count(b"\n"):
            return None, []  # a few bad rows in a UTF-8 file: the quarantine's business
        note = f"not UTF-8 (byte {error.start}): read as latin-1; correct `encoding` if names look wrong"
        return "latin-1", [note]
    return None, []


def _breaks(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _cut(lines: list[str], told: SourceFormat | None) -> tuple[str, bool]:
    """(separator, quoted) that cuts most lines into the same number (above one) of cells."""
    usual = "," if told is SourceFormat.CSV else "\t"
    with_quotes = sum('"' in line for line in lines)
    believed = told is SourceFormat.CSV or 2 * with_quotes > len(lines)
    best, best_share = (usual, told is SourceFormat.CSV), 0.0
    for separator in dict.fromkeys((usual, "\t", ",", ";", "|", "::", " ")):
        # Quoting is believed of CSV and where most lines have quotes, elsewhere only where it cuts better: a title may
        # well begin with a quote.
        choices = (False,) if len(separator) > 1 or not with_quotes else (believed, not believed)
        for quoted in choices:
            share = _regularity(_cells(lines, separator, quoted=quoted))
            # Another separator than the usual one, such as a space, must be clearly better.
            margin = 0.3 if separator != usual and best[0] == usual and best_share > 0.3 else 0.0
            if share > best_share + margin:
                best, best_share = (separator, quoted), share
    if not with_quotes and len(best[0]) == 1 and (best[0] == "," or told is SourceFormat.CSV):
        return best[0], True  # nothing is quoted so far, but in CSV it may be
    return best


def _regularity(cells: list[list[str]]) -> float:
    width = len(cells[0]) if cells else 0
    return sum(len(row) == width for row in cells) / len(cells) if width > 1 else 0.0


def _cells(lines: list[str], separator: str, *, quoted: bool) -> list[list[str]]:
    if not quoted:
        return [line.split(separator) for line in lines]
    rows = csv.reader([f"{line}\n" for line in lines], delimiter=separator, strict=True)
    found: list[list[str]] = []
    while True:
        try:
            found.append(next(rows))
        except StopIteration:
            return found
        except csv.Error:
            found.append([])  # a row like no other


def _is_triples(path: Path, first: tuple[str, ...], cells: list[list[str]]) -> bool:
    if is_triples_header(first):
        return True
    if plain(table_name(path)) not in _TRIPLES_NAMES and not any(w in plain(path.name) for w in ("triple", "kgfinal")):
        return False
    relations = {row[1] for row in cells if len(row) == 3}
    return len(relations) <= max(3, 0.5 * len(cells))


def _names(cells: list[list[str]], width: int) -> tuple[str, ...]:
    numeric = all(_NUMBER.fullmatch(c.strip()) for row in cells[:50] for c in row)
    if numeric and 2 <= width <= 4:
        return ("user", "item", "rating", "timestamp")[:width]
    return tuple(f"column{n}" for n in range(1, width + 1))
