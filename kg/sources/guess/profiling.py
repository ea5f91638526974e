"""Profile a file: sniff how it is read, and count what its columns hold."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from itertools import islice
from pathlib import Path

from kg.schema import SourceFormat, SourceSpec
from kg.schema.domain import DEFAULT_MISSING
from kg.sources.guess.profile import NO_NUMBER, SAMPLE_ROWS, ColumnProfile, FileProfile, open_given
from kg.sources.guess.signal_words import is_signal_name
from kg.sources.guess.sniffing import NothingInIt, Sniffed, sniff
from kg.sources.records import BadRecord, Cell, QuotedReader, SourceError

_MOST_COLUMNS = 10_000
_EDGES = (SourceFormat.TRIPLES, SourceFormat.RDF)
_NO_TIME = re.compile(r"0000[-/]00[-/]00.*|0001-01-01.*|00[./]00[./]0000.*")
_CODE = re.compile("[A-Z]{2}")


def profile_file(path: Path, spec_path: str) -> list[FileProfile]:
    """Profile a file, each sheet of a workbook; `spec_path` is its path in the description.

    Raises `SourceError` if it cannot be read, `NothingInIt` if there is no row.
    """
    sniffed = sniff(path, spec_path)
    if not sniffed.sheets:
        return [_profile_table(path, sniffed)]
    profiles: list[FileProfile] = []
    skipped: list[str] = []
    for sheet in sniffed.sheets:
        spec = sniffed.spec.model_copy(update={"sheet": sheet})
        try:
            profiles.append(_profile_table(path, Sniffed(spec, sniffed.notes)))
        except SourceError as error:
            skipped.append(f"the sheet {sheet!r} is skipped: {error}")
    if not profiles:
        raise NothingInIt(f"{path.name}: {'; '.join(skipped)}")
    return [replace(profiles[0], notes=(*profiles[0].notes, *skipped)), *profiles[1:]]


def _profile_table(path: Path, sniffed: Sniffed) -> FileProfile:
    """Profile a table, a second time if its cells show how numbers or missing values are written."""
    profile = profiled(path, sniffed.spec, sniffed.notes, frozenset())
    columns = profile.columns.values()
    commas = frozenset(c.name for c in columns if _has_decimal_comma(c, profile.spec))
    codes = [c.name for c in columns if _has_code_for_none(c)]
    missing = [none for none in DEFAULT_MISSING if none != "NA" or not codes]
    notes = ["numbers have a decimal comma"] if commas else []
    if codes:
        notes.append(f"NA is a value of {', '.join(codes)}, among other codes of two letters, and not `missing`")
    for spelt_none, what in ((_spelt_no_time, "times"), (_spelt_no_number, "numbers")):
        if spellings := sorted({text for column in columns for text in spelt_none(column)}):
            missing += spellings
            notes.append(f"{', '.join(map(repr, spellings))} among {what} is no value")
    if not notes:
        return profile
    changes: dict[str, object] = {"decimal": ","} if commas else {}
    if tuple(missing) != DEFAULT_MISSING:
        changes["missing"] = tuple(missing)
    return profiled(path, sniffed.spec.model_copy(update=changes), (*sniffed.notes, *notes), commas)


def _spelt_no_number(column: ColumnProfile) -> list[str]:
    """Spellings of "no value" among ratings and other numbers of events: -, ?, n/a."""
    odd = [text for text in column.odd if NO_NUMBER.fullmatch(text)]
    return odd if odd and column.is_number and is_signal_name(column.name) else []


def _spelt_no_time(column: ColumnProfile) -> list[str]:
    """Spellings of "no value" among times: 0000-00-00."""
    if column.is_number or column.lists or len(column.odd) <= 3:
        return []
    return [value for value in column.values if _NO_TIME.fullmatch(value)]


def _has_code_for_none(column: ColumnProfile) -> bool:
    """Whether NA is among other codes of two letters: Namibia, North America."""
    codes = list(column.values)
    return column.spelt_none["NA"] > 0 and len(codes) > 1 and all(_CODE.fullmatch(code) for code in codes)


def _has_decimal_comma(column: ColumnProfile, spec: SourceSpec) -> bool:
    """Whether all values of a column that are not integers have a decimal comma, and some do. Where commas separate
    columns, the column must have the name of a number, as 1,2 may be a list.
    """
    if not column.commas or column.lists or column.commas + column.integers < column.filled:
        return False
    return is_signal_name(column.name) or (spec.separator not in (None, ",") and "," not in column.name)


def profiled(path: Path, spec: SourceSpec, notes: tuple[str, ...], commas: frozenset[str]) -> FileProfile:
    """Profile a table that is read by `spec`; `notes` come before others, `commas` are columns with a decimal comma."""
    reader = open_given(path, spec, edges=spec.resolved_format in _EDGES)
    none = frozenset(DEFAULT_MISSING if spec.missing is None else spec.missing)
    columns = {name: ColumnProfile(name, none=none) for name in _few(reader.columns or (), path)}
    rows = bad = 0
    different: set[int] = set()
    try:
        records = iter(reader)
        for record in islice(records, SAMPLE_ROWS):
            if isinstance(record, BadRecord):
                bad += 1
                continue
            rows += 1
            different.add(hash(tuple(map(str, record.values.values()))))
            for name, cell in record.values.items():
                if name not in columns:
                    _few(columns, path)
                    columns[name] = ColumnProfile(name, rows - 1, rows - 1, none)
                columns[name].add(_pointed(cell) if name in commas else cell)
        truncated = next(records, None) is not None
    finally:
        reader.close()
    if rows == 0:
        raise NothingInIt(f"{spec.name}: no row in it can be read, so the description leaves it out")
    for column in columns.values():  # names that later objects of JSON Lines lack
        column.absent_until(rows)
    all_notes = list(notes)
    if bad:
        all_notes.append(f"{bad:,} of its rows cannot be read and will go to the quarantine")
    if isinstance(reader, QuotedReader):
        all_notes += reader.warnings
    if truncated:
        all_notes.append(f"only its first {SAMPLE_ROWS:,} rows were looked at")
    return FileProfile(path, spec, columns, rows, tuple(all_notes), truncated, len(different))


def _few(names: Collection[str], path: Path) -> Collection[str]:
    if len(names) >= _MOST_COLUMNS:
        raise SourceError(f"{path}: more than {_MOST_COLUMNS:,} columns; describe it by hand")
    return names


def _pointed(cell: Cell) -> Cell:
    return cell.strip().replace(".", "").replace(",", ".") if isinstance(cell, str) else cell
