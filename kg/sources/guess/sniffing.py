"""Find out how to read a file: format, separator, header, quoting and encoding, from its name and its first lines."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from kg.schema import SourceFormat, SourceSpec
from kg.schema.formats import format_of, without_packing
from kg.sources.delimited import ATOMIC_TYPES
from kg.sources.excel import sheet_names
from kg.sources.guess.encodings import encoding_of
from kg.sources.guess.words import plain, table_name
from kg.sources.opening import opened
from kg.sources.records import SourceError
from kg.sources.triples import triple_columns

_HEAD_BYTES = 1 << 18
_MOST_TITLES = 20
_WITHOUT_CELLS = (SourceFormat.PARQUET, SourceFormat.JSONL, SourceFormat.RDF)
"""Formats that are read without knowing separators and headers."""

_MOST_TRIPLE_COLUMNS = 6
_UNREAD = {
    (".xls", ".ods", ".numbers"): "a workbook in a format that is not read; save it as .xlsx or CSV",
    (".feather", ".arrow", ".orc", ".avro"): "a format that is not read; write it as Parquet or CSV",
    (".pkl", ".pickle", ".npy", ".npz", ".mat", ".rds", ".rdata", ".h5", ".hdf5"): (
        "data of a program, which is not read (some of these can run code); write it as Parquet or CSV"
    ),
    (".db", ".sqlite", ".sqlite3", ".mdb"): "a database, which is not read; export its tables as CSV or Parquet",
    (".tar", ".tgz", ".7z", ".rar"): "an archive in a format that is not read; unpack it",
}
_BLOCK = re.compile(r"[0-9]+:")
_SEP_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_TRIPLES_NAMES = ("triple", "triples", "kg", "kgfinal", "graph", "facts", "kb", "edges", "relations")


class NothingInIt(SourceError):
    """A file without rows."""


@dataclass(frozen=True)
class Sniffed:
    """A source as it will be read, and notes."""

    spec: SourceSpec
    notes: tuple[str, ...]
    sheets: tuple[str, ...] = ()
    """Names of the sheets of a workbook with several."""


@dataclass(frozen=True)
class _Text:
    """The first lines of a text file that are not empty, each with its number in the file."""

    path: Path
    spec_path: str
    encoding: str | None
    lines: list[str]
    numbers: list[int]
    notes: tuple[str, ...]
    separator: str | None = None
    """The separator that the file itself states."""

    def read_as(self, separator: str, usual: str, note: str = "", **options: Any) -> Sniffed:
        """The file as a source; `usual` is the separator that its format has without being named."""
        spec = _spec(self.spec_path, encoding=self.encoding, **options)
        spec = spec if separator == usual else spec.model_copy(update={"separator": separator})
        return Sniffed(spec, (*self.notes, *([note] if note else [])))


def sniff(path: Path, spec_path: str) -> Sniffed:
    """Find out how to read a file. Raises `SourceError` for a file that is absent or of an unknown format."""
    unread = next((what for endings, what in _UNREAD.items() if path.name.lower().endswith(endings)), None)
    if unread is not None:
        raise SourceError(f"{path}: {unread}")
    with opened(path, str(path)) as file:
        head = file.binary.read(_HEAD_BYTES)
    form = format_of(path.name)
    if form is SourceFormat.EXCEL:
        names = sheet_names(path, str(path))
        return Sniffed(_spec(spec_path), (), tuple(names) if len(names) > 1 else ())
    if not isinstance(form, SourceFormat | None) or form in _WITHOUT_CELLS:
        return Sniffed(_spec(spec_path), ())
    text = _text(path, spec_path, head)
    if form is SourceFormat.RECBOLE:
        if (separator := _atomic_separator(text.lines[0])) is not None:
            return text.read_as(separator, "\t", skip=text.numbers[0] or None)
        form = None  # another file with such a name, such as MovieLens-100k's u.item
    if _is_a_row_a_user(text.lines):
        note, columns = "each line is a user and all of its items", ("user", "items")
        return text.read_as(" ", "\t", note, format=SourceFormat.TSV, columns=columns, rest=True)
    return _as_table(text, form)


def _text(path: Path, spec_path: str, head: bytes) -> _Text:
    """Decode the beginning of a text file. Raises `SourceError` for what is no table."""
    encoding = encoding_of(head, whole=len(head) < _HEAD_BYTES)
    notes = [] if encoding is None else [f"not UTF-8: read as {encoding}; correct `encoding` if names look wrong"]
    text = head.decode(encoding or "utf-8-sig", "replace")
    if "\r" in text and "\n" not in text:
        raise SourceError(f"{path}: its lines end in \\r alone, as in old files of a Mac; save it with \\n or \\r\\n")
    numbered = [(n, line.rstrip("\r")) for n, line in enumerate(text.split("\n")[:200]) if line.strip()]
    if not numbered:
        raise NothingInIt(f"{path.name}: the file is empty, so the description leaves it out")
    if len(head) == _HEAD_BYTES and len(numbered) > 1:
        numbered = numbered[:-1]  # the last one may be cut
    _refuse_what_is_no_table(path, [line for _, line in numbered])
    separator = None
    if (marked := _SEP_LINE.fullmatch(numbered[0][1].lstrip("\ufeff"))) is not None and len(numbered) > 1:
        separator = marked[1]
        notes.append(f"its first line says that {separator!r} separates columns")
        numbered = numbered[1:]
    lines, numbers = [line for _, line in numbered], [number for number, _ in numbered]
    return _Text(path, spec_path, encoding, lines, numbers, tuple(notes), separator)


def _as_table(text: _Text, form: SourceFormat | None) -> Sniffed:
    """Lines of cells, with a header, without one, or of triples; `form` is that of the file's name."""
    separator, quoted = _cut(text.lines, form, text.separator)
    cells = _cells(text.lines, separator, quoted=quoted)
    if before := _before_header(cells):
        text = replace(text, notes=(*text.notes, f"{before} lines before the header are skipped"))
    skip = text.numbers[before] or None
    cells = cells[before:]
    header = tuple(cell.strip() for cell in cells[0])
    if _is_triples(text.path, header, cells):
        usual = "," if without_packing(text.path.name).endswith(".csv") else "\t"
        note = "columns of head, relation and tail: read as triples"
        return text.read_as(separator, usual, note, format=SourceFormat.TRIPLES, quoted=quoted or None, skip=skip)
    columns, note = None, ""
    if any(_NUMBER.fullmatch(cell) or cell.startswith(("[", "{")) for cell in header):
        columns = _names(cells, len(header))
        note = f"no header line: columns are called {', '.join(columns)}"
    is_csv = separator == "," or form is SourceFormat.CSV
    read_form, usual = (SourceFormat.CSV, ",") if is_csv else (SourceFormat.TSV, "\t")
    return text.read_as(
        separator,
        usual,
        note,
        format=None if form is read_form else read_form,
        columns=columns,
        quoted=quoted if quoted != is_csv else None,
        skip=skip,
    )


def _refuse_what_is_no_table(path: Path, lines: Sequence[str]) -> None:
    """Raise `SourceError`, with the reason, for texts that are not tables but would be read as such."""
    start = "\n".join(lines[:5]).lstrip().lower()
    if start.startswith(("<!doctype", "<html", "<?xml", "<head")):
        raise SourceError(f"{path}: this is a web page or XML, not a table; fetch the file itself")
    if re.search(r"^\s*(create table|insert into|--.*sql dump|-- mysql dump|pragma )", start, re.MULTILINE):
        raise SourceError(f"{path}: this is a dump in SQL, a format that is not read; export its tables as CSV")
    if any(_BLOCK.fullmatch(line) for line in lines[:1]) and sum("," in line for line in lines) > 0.5 * len(lines):
        raise SourceError(
            f"{path}: blocks of rows under lines such as {lines[0]!r} (an item's number) are not read; write the number"
            " into each row of its block as a column"
        )


def _is_a_row_a_user(lines: Sequence[str]) -> bool:
    """Whether lines are numbers between blanks, the first one distinct, and the rest of one kind."""
    rows = [line.split(" ") for line in lines]
    if len(rows) < 3 or not all(part.isdigit() for row in rows for part in row if part):
        return False
    first, widths = [row[0] for row in rows], [len(row) for row in rows]
    if len(set(first)) < len(first) or max(widths) < 3:
        return False
    # Lines of one length may be a table; its columns would not have the same values.
    columns = [{row[at] for row in rows} for at in range(1, min(widths))]
    return len(set(widths)) > 1 or (min(widths) > 4 and all(len(a & b) > 1 for a, b in pairwise(columns)))


def _atomic_separator(header: str) -> str | None:
    """The separator of the `name:type` of a RecBole header; None for any other."""
    for separator in ("\t", ",", ";", "|", " "):
        names = [cell.strip().rpartition(":") for cell in header.split(separator)]
        if len(names) > 1 and all(name and kind in ATOMIC_TYPES for name, _, kind in names):
            return separator
    if header.count(":") == 1 and header.strip().rpartition(":")[2] in ATOMIC_TYPES:
        return "\t"  # one column
    return None


def _before_header(cells: Sequence[Sequence[str]]) -> int:
    """Number of title lines before the header: narrower than most rows, or mostly empty."""
    widths = Counter(len(row) for row in cells)
    width = max(widths, key=lambda w: (widths[w], w))
    for at, row in enumerate(cells[:_MOST_TITLES]):
        filled = sum(bool(c.strip()) for c in row)
        # A header may lack the name of an index, or a last column that is empty in all rows.
        if len(row) > 1 and len(row) in (width, width - 1) and filled > 0.5 * width and filled > 1:
            return at if widths[width] > 0.5 * len(cells) else 0
    return 0


def _spec(path: str, **options: Any) -> SourceSpec:
    return SourceSpec.model_validate({"file": path, **{k: v for k, v in options.items() if v is not None}})


def _cut(lines: list[str], form: SourceFormat | None, marked: str | None) -> tuple[str, bool]:
    """(separator, quoted) that splits most lines into the same number (above one) of cells; `marked` if the file says
    it."""
    usual = "," if form is SourceFormat.CSV else "\t"
    with_quotes = sum('"' in line for line in lines)
    believed = form is SourceFormat.CSV or 2 * with_quotes > len(lines)
    best, best_share = (usual, form is SourceFormat.CSV), 0.0
    for separator in (marked,) if marked else dict.fromkeys((usual, "\t", "::", ";", "|", ",", " ")):
        # Quoting is accepted for CSV and where most lines have quotes, elsewhere only where it splits better: a title
        # may begin with a quote.
        choices = (False,) if len(separator) > 1 or not with_quotes else (believed, not believed)
        for quoted in choices:
            share = _regularity(_cells(lines, separator, quoted=quoted))
            # A separator other than the usual one, such as a space, must be clearly better.
            margin = 0.3 if separator != usual and best[0] == usual and best_share > 0.3 else 0.0
            if share > best_share + margin:
                best, best_share = (separator, quoted), share
    if not with_quotes and len(best[0]) == 1 and (best[0] == "," or form is SourceFormat.CSV):
        return best[0], True  # nothing is quoted so far, but in CSV it may be
    return best


def _regularity(cells: list[list[str]]) -> float:
    widths = Counter(len(row) for row in cells if len(row) > 1)
    if not widths:
        return 0.0
    width = max(widths, key=lambda w: (widths[w], w))
    # A header of another width is evidence against a separator; but so is a title above the header.
    fits = len(cells[0]) == width or len(cells[0]) == width - 1 > 1
    return widths[width] / len(cells) * (1.0 if fits else 0.6)


def _cells(lines: list[str], separator: str, *, quoted: bool) -> list[list[str]]:
    if not quoted:
        return [line.split(separator) for line in lines]
    rows = csv.reader([f"{line}\n" for line in lines], delimiter=separator, strict=True)
    groups: list[list[str]] = []
    while True:
        try:
            groups.append(next(rows))
        except StopIteration:
            return groups
        except csv.Error:
            groups.append([])  # a row like no other


def _is_triples(path: Path, first: tuple[str, ...], cells: list[list[str]]) -> bool:
    if len(first) <= _MOST_TRIPLE_COLUMNS and triple_columns(first) is not None:
        return True
    if len(first) != 3:
        return False
    if plain(table_name(path)) not in _TRIPLES_NAMES and not any(w in plain(path.name) for w in ("triple", "kgfinal")):
        return False
    relations = {row[1] for row in cells if len(row) == 3}
    return len(relations) <= max(3, 0.5 * len(cells))


def _names(cells: list[list[str]], width: int) -> tuple[str, ...]:
    numeric = all(_NUMBER.fullmatch(c.strip()) for row in cells[:50] for c in row)
    if numeric and 2 <= width <= 4:
        return ("user", "item", "rating", "timestamp")[:width]
    return tuple(f"column{n}" for n in range(1, width + 1))
