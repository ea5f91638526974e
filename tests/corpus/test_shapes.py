"""The corpus itself: files are written, the same every time, and hold what is expected of them. No guesser here."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rdflib import Dataset

from tests.corpus import SHAPES, THEMES
from tests.corpus.shape import Shape

_TABLES = (".csv", ".tsv", ".txt", ".tab", ".dat")

_RDF = {".nt": "nt", ".ttl": "turtle", ".nq": "nquads", ".jsonld": "json-ld", ".rdf": "xml"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Shape], Path]:
    """The folder with a shape's files, which are written once."""

    @cache
    def written(shape: str) -> Path:
        found = tmp_path_factory.mktemp(shape)
        next(s for s in SHAPES if s.name == shape).write(found)
        return found

    return lambda shape: written(shape.name)


by_name = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)


def _bytes(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".gz" and ".part" not in path.suffixes:  # which is cut short on purpose
        return gzip.decompress(content)
    if path.suffix in (".zip", ".xlsx"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return b"\n".join(archive.read(name) for name in archive.namelist())
    return content


def _text(path: Path, shape: Shape) -> str:
    if path.suffix in (".parquet", ".pq"):
        found = pq.read_table(path)
        return "\n".join(map(str, [*found.schema.names, *found.to_pylist()]))
    encoding = "utf-8" if path.suffix in (".zip", ".xlsx") else shape.encoding
    return _bytes(path).decode(encoding)


def _columns(shape: Shape) -> Iterator[tuple[str, str]]:
    """(file, column) of everything that is expected of a column."""
    expected = shape.expected
    used: list[tuple[tuple[str, ...], str | None]] = []
    for source in expected.events:
        used += [(source.files, c) for c in (source.user, source.item, source.time, source.weight, source.kind)]
    for nodes in expected.nodes:
        used += [(nodes.files, c) for c in (nodes.key, nodes.label, *nodes.text)]
        for sample in nodes.samples:
            used += [(nodes.files, c) for c in (*sample.fields, *sample.facts)]
    for edges in expected.edges:
        used += [(edges.files, c) for c in (edges.head, edges.tail, edges.relation)]
    used += [((file,), c) for file, columns in expected.unread.items() for c in columns]
    used += [((e.file,), e.column) for e in expected.either]
    for files, column in used:
        if column is None:
            continue
        other, colon, rest = column.rpartition(":")
        if colon and other in shape.inputs:
            yield other, rest
        else:
            yield from ((file, column) for file in files)


@lru_cache(maxsize=2)
def _predicates(text: str, format_: str) -> frozenset[str]:
    """Of RDF; that it can be parsed is tested, too."""
    found = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rdflib's parsers use what rdflib deprecates
        found.parse(data=text, format=format_)
        return frozenset(str(quad[1]) for quad in found.quads())


def _has_column(path: Path, shape: Shape, column: str) -> bool:
    if column in ("*", "@id"):
        return True
    if column.startswith("#"):
        return path.name in shape.headerless
    text = _text(path, shape)
    if path.suffix in _RDF:
        return column in _predicates(text, _RDF[path.suffix])
    if path.suffix in _TABLES:
        cells = {
            cell.strip().strip('"')
            for line in text.lstrip("\ufeff").splitlines()[:8]
            for separator in (",", ";", "\t", "|", "::", " ", "^")
            for cell in (
                next(csv.reader([line], delimiter=separator), []) if len(separator) == 1 else line.split(separator)
            )
        }
        return column in cells
    parts = column.split(".")
    return all(part in text for part in (parts[-1:] if path.suffix == ".cypher" else parts))


_SEPARATORS = (",", ";", "\t", "|", "::", " ")


def _cells(text: str, separator: str) -> list[list[str]]:
    lines = text.lstrip("\ufeff")
    if len(separator) > 1:
        return [line.split(separator) for line in lines.splitlines()]
    return list(csv.reader(io.StringIO(lines, newline=""), delimiter=separator))


def _rows(path: Path, shape: Shape, columns: tuple[str, ...]) -> list[tuple[str, ...]] | None:
    """The cells of some columns, None where the file is no table that can be read simply."""
    text = _text(path, shape)
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if (
        suffix in (".jsonl", ".json")
        and text.startswith("{")
        and text.count("\n") > 5
        and columns[0] != "playlists.pid"
    ):
        found: list[tuple[str, ...]] = []
        for line in text.splitlines():
            values = []
            for column in columns:
                value = json.loads(line)
                for part in column.split("."):
                    value = value[part] if isinstance(value, dict) and part in value else None
                values.append("" if value is None else str(value))
            found.append(tuple(values))
        return found
    if path.name in shape.headerless:
        if columns[0] == "#0" or columns[1] == "#0":
            return None
        places = [int(c[1:]) - 1 for c in columns]
        for separator in ("\t", "::", ",", " ", ";", "|"):
            rows = _cells(text, separator)
            if all(len(row) > max(places) for row in rows):
                return [tuple(row[p] for p in places) for row in rows]
        return None
    for separator in _SEPARATORS:
        rows = [[c.strip() for c in row] for row in _cells(text, separator)]
        head = next((n for n, row in enumerate(rows[:9]) if set(columns) <= set(row)), None)
        if head is not None:
            places = [rows[head].index(c) for c in columns]
            return [tuple(row[p] for p in places) for row in rows[head + 1 :] if len(row) > max(places)]
    return None


@by_name
def test_pairs_stand_in_one_row(shape: Shape, folder: Callable[[Shape], Path]) -> None:
    """Where the events are in a table that a few lines can read."""
    path = folder(shape)
    if shape.expected.refuse is not None or shape.expected.same_items or shape.inputs[0] == "--from":
        return
    for source in shape.expected.events:
        if ":" in source.user or ":" in source.item:
            continue
        found: set[tuple[str, ...]] = set()
        for file in source.files:
            if (path / file).suffix not in (".parquet", ".xlsx", ".zip", ".inter"):
                rows = _rows(path / file, shape, (source.user, source.item))
                assert rows is not None, f"{file} cannot be read"
                found.update(rows)
        if found:
            assert source.positive <= found
        if found and not shape.expected.unread_files:
            assert source.negative <= found


def test_names_are_unique_and_plain() -> None:
    names = [s.name for s in SHAPES]
    assert [n for n, count in Counter(names).items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", n) for n in names)


def test_no_shape_is_left_out() -> None:
    made = {value.name for theme in THEMES for value in vars(theme).values() if isinstance(value, Shape)}
    assert made <= {s.name for s in SHAPES}


def test_a_good_part_is_planted() -> None:
    assert sum(s.planted for s in SHAPES) >= 25
    for shape in SHAPES:
        if shape.planted:
            assert shape.expected.taste is not None, shape.name
            assert shape.expected.events, shape.name


@by_name
def test_files_are_written_the_same_every_time(shape: Shape, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        shape.write(folder)
    written = {p.relative_to(one): p.read_bytes() for p in one.rglob("*") if p.is_file()}
    assert written == {p.relative_to(two): p.read_bytes() for p in two.rglob("*") if p.is_file()}
    assert all(written.values())
    if shape.inputs[0] != "--from":
        assert {Path(i) for i in shape.inputs} <= set(written)


@by_name
def test_columns_and_values_are_there(shape: Shape, folder: Callable[[Shape], Path]) -> None:
    path = folder(shape)
    names = [p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()]
    for file, column in _columns(shape):
        assert file in names, f"{file} is no file of this shape"
        assert _has_column(path / file, shape, column), f"{file} has no column {column}"
    for file in (*shape.expected.unread_files, *shape.headerless):
        assert file in names


@by_name
def test_what_must_not_be_positive_is_in_the_data(shape: Shape, folder: Callable[[Shape], Path]) -> None:
    path = folder(shape)
    whole = "\n".join(_text(p, shape) for p in sorted(path.rglob("*")) if p.is_file())
    for source in shape.expected.events:
        assert source.positive or source.negative, "events without any pair"
        assert not source.positive & source.negative
        for user, item in list(source.positive)[:3] + list(source.negative)[:3]:
            assert user in whole
            assert item in whole
        if source.sample is not None:
            assert source.sample.user in whole
            assert source.sample.item in whole


@by_name
def test_what_is_expected_fits_together(shape: Shape) -> None:
    expected = shape.expected
    assert expected.events or expected.nodes or expected.edges or (expected.refuse and expected.refuse.required)
    if expected.refuse is not None:
        re.compile(expected.refuse.pattern)
    read = {
        (file, column)
        for source in expected.events
        for file in source.files
        for column in (source.user, source.item, source.time, source.weight)
    }
    unread = {(file, column) for file, columns in expected.unread.items() for column in columns}
    assert not read & unread
    if expected.taste is not None:
        users, items = expected.taste.users, expected.taste.items
        for source in expected.events:
            for user, item in source.positive:
                assert users[user] == items[item]
