"""Readers: what was written comes back, and what cannot be read is a bad record with its line and reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kg.schema import SourceSpec
from kg.sources import BadRecord, RawRecord, Reason, Record, SourceError, open_source, read_id_map
from kg.sources.lines import bounded_lines, is_too_long

per_test = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def source(folder: Path, file: str, content: str | bytes, *, edges: bool = False, **options: Any):
    """A reader of a file with this content."""
    data = content.encode() if isinstance(content, str) else content
    (folder / file).write_bytes(gzip.compress(data) if file.endswith(".gz") else data)
    return open_source(SourceSpec.model_validate({"file": file, **options}), folder, edges=edges)


def rows(records: Any) -> list[Any]:
    """Values of good records, (line, reason) of bad ones."""
    return [dict(r.values) if isinstance(r, RawRecord) else (r.position.line, r.reason) for r in list[Record](records)]


def bad(reader: Any) -> BadRecord:
    """The one bad record of a reader."""
    (found,) = [r for r in reader if isinstance(r, BadRecord)]
    return found


cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
table = st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(cell, min_size=n, max_size=n), min_size=1, max_size=8))


@per_test
@given(table=table, separator=st.sampled_from([",", ";", "\t", "|"]), packed=st.booleans(), bom=st.booleans())
@example(table=[["", ""], ['"', "\r"], ["\r\n", "\n"]], separator=",", packed=False, bom=True)
def test_quoted_cells_of_any_text_come_back(
    tmp_path: Path, table: list[list[str]], separator: str, packed: bool, bom: bool
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    header = [f"c{n}" for n in range(len(table[0]))]
    writer.writerows([header, *table])
    content = (b"\xef\xbb\xbf" if bom else b"") + text.getvalue().encode()
    reader = source(tmp_path, "t.csv.gz" if packed else "t.csv", content, separator=separator)
    assert rows(reader) == [dict(zip(header, row, strict=True)) for row in table]
    assert rows(reader) == rows(reader)  # again and again


plain_cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\t"), max_size=12)


@per_test
@given(
    table=st.lists(st.tuples(plain_cell, plain_cell), min_size=1, max_size=8),
    ending=st.sampled_from(["\n", "\r\n"]),
    final=st.booleans(),
)
def test_unquoted_cells_of_any_text_come_back(
    tmp_path: Path, table: list[tuple[str, str]], ending: str, final: bool
) -> None:
    lines = ["a\tb", *("\t".join(row) for row in table)]
    reader = source(tmp_path, "t.tsv", ending.join(lines) + (ending if final else ""))
    assert rows(reader) == [{"a": a, "b": b} for a, b in table]


@per_test
@given(noise=st.binary(max_size=60), where=st.sampled_from(["t.csv", "t.tsv", "t.jsonl", "t.nt", "t.inter"]))
def test_any_bytes_are_records_or_bad_records(tmp_path: Path, noise: bytes, where: str) -> None:
    head = {"t.inter": b"a:token\n", "t.csv": b"a\n", "t.tsv": b"a\n"}.get(where, b"")
    (tmp_path / where).write_bytes(head + noise)
    try:
        reader = open_source(SourceSpec(file=where), tmp_path)
        for record in reader:
            json.dumps(record.raw if isinstance(record, BadRecord) else dict(record.values)).encode()
            assert record.position.line >= 1
        reader.close()
    except SourceError as error:
        # A file that begins like gzip and is none, or JSON Lines that are an array.
        assert noise[:2] == b"\x1f\x8b" or where == "t.jsonl", error  # noqa: PT017


def test_positions_are_lines_also_behind_cells_of_several_lines(tmp_path: Path) -> None:
    reader = source(tmp_path, "t.csv", 'a,b\n1,"x\ny"\n\n2,z\n')
    assert [(r.position.line, r.position.file) for r in reader] == [(2, "t.csv"), (5, "t.csv")]


@pytest.mark.parametrize(
    ("file", "content", "expected", "raw"),
    [
        ("t.csv", "a,b\n1,2\n1,2,3\n4,5\n", (3, Reason.COLUMN_COUNT), "1,2,3"),
        ("t.csv", "a,b\n1\n4,5\n", (2, Reason.COLUMN_COUNT), "1"),
        ("t.tsv", "a\tb\n1\n4\t5\n", (2, Reason.COLUMN_COUNT), "1"),
        ("t.csv", b"a,b\n1,2\ncaf\xe9,3\n", (3, Reason.BAD_UTF8), "caf\\xe9,3"),
        ("t.tsv", b"a\tb\ncaf\xe9\t3\n", (2, Reason.BAD_UTF8), "caf\\xe9\t3"),
        ("t.csv", 'a,b\n"1"x,2\n3,4\n', (2, Reason.BAD_QUOTES), '"1"x,2'),
        ("t.csv", 'a,b\n1,"open\n3,4\n', (2, Reason.BAD_QUOTES), '1,"open'),
        ("t.csv", "a,b\n1\rx,2\n3,4\n", (2, Reason.BAD_QUOTES), "1\rx,2"),
        ("t.jsonl", '{"a": 1}\n{"a": \n', (2, Reason.BAD_JSON), '{"a":'),
        ("t.jsonl", '{"a": 1}\n[1]\n', (2, Reason.BAD_JSON), "[1]"),
        ("t.jsonl", b'{"a": "\xff"}\n', (1, Reason.BAD_UTF8), '{"a": "\\xff"}'),
        ("t.jsonl", "[" * 100_000 + "\n", None, ""),
        ("t.jsonl", '{"a": ' * 150 + "1" + "}" * 150, (1, Reason.BAD_JSON), None),
        ("t.jsonl", '{"a": ' + "9" * 5000 + "}", (1, Reason.BAD_JSON), None),
        ("t.nt", '<http://a> <http://b> "\\U00110000" .\n', (1, Reason.BAD_TRIPLE), None),
        ("t.nt", '<http://a> <http://b> "x"@a- .\n', (1, Reason.BAD_TRIPLE), None),
        ("t.csv", "a,b\n1," + "x" * 200_000 + "\n3,4\n", (2, Reason.TOO_LONG), None),
        ("t.nt", "<http://a> <http://b> .\n", (1, Reason.BAD_TRIPLE), "<http://a> <http://b> ."),
        ("t.nt", "_:x <http://b> <http://c> .\n", (1, Reason.BLANK_NODE), "_:x <http://b> <http://c> ."),
        ("t.nt", b'<http://a> <http://b> "\xff" .\n', (1, Reason.BAD_UTF8), '<http://a> <http://b> "\\xff" .'),
        ("t.nt", '<http://a> <http://b> "\\uD800" .\n', (1, Reason.BAD_UTF8), '<http://a> <http://b> "\\uD800" .'),
    ],
)
def test_bad_rows(tmp_path: Path, file: str, content: str | bytes, expected: Any, raw: str | None) -> None:
    if expected is None:
        with pytest.raises(SourceError, match="element 1 is not JSON"):
            list(source(tmp_path, file, content))
        return
    found = bad(source(tmp_path, file, content))
    assert (found.position.line, found.reason) == expected
    assert raw is None or found.raw == raw
    assert found.detail


@pytest.mark.parametrize(
    ("file", "good", "bad"),
    [
        ("t.csv", "a,b\n1,2\n", "x" * 300),
        ("t.csv", "a,b\n1,2\n", '"' + "x" * 300),
        ("t.tsv", "a\tb\n1\t2\n", "x" * 300),
        ("t.jsonl", '{"a": 1}\n', '{"a": "' + "x" * 300 + '"}'),
        ("t.nt", "<http://a> <http://b> <http://c> .\n", "<http://a> <http://b> <http://" + "x" * 300 + "> ."),
    ],
)
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_line_that_is_too_long_is_a_bad_row_and_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, good: str, bad: str, end: str
) -> None:
    monkeypatch.setattr("kg.sources.lines.LINE_LIMIT", 100)
    lines = list(bounded_lines(io.StringIO(f"{good}{bad}\n{good}", newline="\n")))
    assert [is_too_long(line) for line in lines].count(True) == 1
    assert max(map(len, lines)) == 101
    last = good.splitlines(keepends=True)[-1] if end else ""
    found = list(source(tmp_path, file, f"{good}{bad}{end}{last}", edges=True))
    assert [r.reason for r in found if isinstance(r, BadRecord)] == [Reason.TOO_LONG]
    assert len(found) == (3 if end else 2)
    assert len(found[1].raw) <= 501 if isinstance(found[1], BadRecord) else False


def test_a_file_whose_lines_end_otherwise_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"do its lines end in \\r alone\?"):
        source(tmp_path, "t.csv", "a,b\r1,2\r3,4\r")


def test_rows_behind_a_bad_one_are_read(tmp_path: Path) -> None:
    reader = source(tmp_path, "t.csv", 'a,b\n"1"x,2\n3,4\n1,2,3\n5,6\n')
    assert [v for v in rows(reader) if isinstance(v, dict)] == [{"a": "3", "b": "4"}, {"a": "5", "b": "6"}]


def test_a_huge_bad_row_is_kept_short(tmp_path: Path) -> None:
    found = bad(source(tmp_path, "t.tsv", "a\tb\n" + "x" * 1_000_000))
    assert len(found.raw) < 600


def test_deeply_nested_json_is_a_bad_row(tmp_path: Path) -> None:
    found = bad(source(tmp_path, "t.jsonl", '{"a": ' + "[" * 100_000 + "\n"))
    assert found.reason is Reason.BAD_JSON


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("t.csv", "", "the file is empty"),
        ("t.csv", "\n\n", "the file is empty"),
        ("t.csv", "a,b,a\n1,2,3\n", "'a' is in the header twice"),
        ("t.csv", b"caf\xe9,b\n1,2\n", "the header line cannot be read"),
        ("t.inter", "user\titem\n1\t2\n", "an atomic file's header has `name:type`"),
        ("t.parquet", "PAR1 not really", "not a readable Parquet file"),
        ("t.jsonl", '[{"a": 1}, {"a": 2', "element 2 is not JSON"),
        ("t.jsonl", '[{"a": 1}, {"a": 2},', "ends after 2 elements without its bracket"),
        ("t.json", '{"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}', "by column"),
        ("t.json", '{"a": [{"x": 1}], "b": [{"x": 1}]}', "several arrays"),
        ("t.json", '{"a": 1,\n "b": }', "nor one JSON document"),
        ("t.csv.zip", "text", "not zip data"),
        ("t.jsonld", '{"@context": "https://schema.org", "@id": "a:b"}', "which is not fetched"),
        ("t.jsonld", '{"@context": {"@import": "https://schema.org"}, "@id": "a:b"}', "which is not fetched"),
        ("t.rdf", "<rdf", "not xml"),
        ("t.xlsx", "text", "not a readable Excel workbook"),
        ("t.csv", 'a,"b\n1,2\n', "the header line cannot be read: opens a quoted cell that does not end"),
        ("t.ttl", "<http://a> <http://b> " + "(" * 5000 + ")" * 5000 + " .", "line 1: this is not Turtle"),
        ("t.ttl", '<http://a> <http://b> """abc', "line 1: this is not Turtle"),
        ("t.ttl", '<http://a> <http://b> "a"@x- .', "line 1: this is not Turtle"),
        ("t.ttl", f"<http://a> <http://b> {'9' * 5000} .", "line 1: this is not Turtle"),
        ("t.ttl", f"@base <http://a/> .\n<x> #\n<y> <{'../' * 10_000}> .", "an IRI that does not end within"),
    ],
)
def test_sources_that_are_unreadable_as_a_whole(tmp_path: Path, file: str, content: str | bytes, expected: str) -> None:
    with pytest.raises(SourceError, match=expected):
        list(source(tmp_path, file, content))


@pytest.mark.parametrize("file", ["t.csv", "t.jsonl", "t.nt", "t.parquet", "t.item"])
def test_an_absent_file(tmp_path: Path, file: str) -> None:
    with pytest.raises(SourceError, match="no such file"):
        open_source(SourceSpec(file=file), tmp_path)
    (tmp_path / file).mkdir()
    with pytest.raises(SourceError):
        open_source(SourceSpec(file=file), tmp_path)


def test_a_cut_gzip_file_is_an_error_not_a_short_file(tmp_path: Path) -> None:
    whole = gzip.compress(b"a\n" + b"".join(b"%d\n" % n for n in range(50_000)))
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="damaged or cut off"):
        list(open_source(SourceSpec(file="t.csv.gz"), tmp_path))


def test_columns_are_found_or_suggested(tmp_path: Path) -> None:
    reader = source(tmp_path, "t.csv", "title,year\na,1\n")
    assert reader.resolve("year") == "year"
    with pytest.raises(SourceError, match=r"t\.csv: no column 'titel'; did you mean 'title'"):
        reader.resolve("titel")


def test_latin1_headerless_and_long_separators(tmp_path: Path) -> None:
    reader = source(
        tmp_path,
        "t.dat",
        b"1::caf\xe9\n2::th\xe9\n",
        format="csv",
        separator="::",
        columns=["id", "name"],
        encoding="latin-1",
    )
    assert rows(reader) == [{"id": "1", "name": "café"}, {"id": "2", "name": "thé"}]


@pytest.mark.parametrize("file", ["t.csv", "t.jsonl", "t.tsv"])
@pytest.mark.parametrize(
    "encoding", ["latn", "base64", "punycode", "idna", "undefined", "unicode_escape", "a\0b", "", "\ud800"]
)
def test_encodings_that_no_file_has(tmp_path: Path, file: str, encoding: str) -> None:
    for columns in (None, ["a"]):
        with pytest.raises(SourceError, match="there is no text encoding"):
            source(tmp_path, file, "a\n", encoding=encoding, columns=columns)


def test_utf16(tmp_path: Path) -> None:
    assert rows(source(tmp_path, "t.csv", "a,b\nß,2\n".encode("utf-16"), encoding="utf-16")) == [{"a": "ß", "b": "2"}]
    with pytest.raises(SourceError, match="correct `encoding`"):
        source(tmp_path, "t.csv", b"a,b\n1,2\n3", encoding="utf-16-le")
    with pytest.raises(SourceError, match="not text in its `encoding`"):
        source(tmp_path, "t.csv", b"a,b\n1,2\n", encoding="utf-16")


def test_atomic_files(tmp_path: Path) -> None:
    reader = source(tmp_path, "x.item", "item_id:token\ttitle:token_seq\n1\tToy Story\n")
    assert reader.columns == ("item_id", "title")
    assert rows(reader) == [{"item_id": "1", "title": "Toy Story"}]


JSON_VALUES = {
    "a": 1,
    "b": None,
    "c": [1, "x", None],
    "d": {"e": True, "f": {"g": 1.5}},
    "h": [{"i": 1}],
    "j": float("nan"),
}


def test_json_lines(tmp_path: Path) -> None:
    reader = source(tmp_path, "t.jsonl.gz", json.dumps(JSON_VALUES) + "\n\n{}\n")
    assert rows(reader) == [
        {"a": 1, "b": None, "c": [1, "x", None], "d.e": True, "d.f.g": 1.5, "h": ['{"i": 1}'], "j": None},
        {},
    ]


def test_parquet(tmp_path: Path) -> None:
    moment = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    pq.write_table(
        pa.table(
            {
                "id": pa.array([1, 2], pa.int64()),
                "kind": pa.array(["a", None]).dictionary_encode(),
                "tags": [["x", "y"], None],
                "at": pa.array([moment, None], pa.timestamp("us", tz="UTC")),
                "day": pa.array([date(2020, 1, 2), None]),
                "price": pa.array([Decimal("1.50"), Decimal("2.00")]),
                "place": [{"city": "Ulm", "zip": 1}, None],
            }
        ),
        tmp_path / "t.parquet",
    )
    reader = open_source(SourceSpec(file="t.parquet"), tmp_path)
    assert reader.columns == ("id", "kind", "tags", "at", "day", "price", "place.city", "place.zip")
    first, second = rows(reader)
    assert first == {
        "id": 1, "kind": "a", "tags": ["x", "y"], "at": moment, "day": date(2020, 1, 2), "price": 1.5,
        "place.city": "Ulm", "place.zip": 1,
    }  # fmt: skip
    assert second["price"] == 2
    assert second.get("place.city") is None
    assert reader.resolve("place.city") == "place.city"
    assert list(rows(reader)[0]) == ["place.city", "place.zip"]  # only what was asked for is decoded


def test_values_that_parquet_holds_and_python_does_not_are_bad_rows(tmp_path: Path) -> None:
    text = pa.Array.from_buffers(  # pyright: ignore[reportAttributeAccessIssue]
        pa.string(), 3, [None, pa.py_buffer(np.array([0, 1, 2, 3], np.int32)), pa.py_buffer(b"a\xffc")]
    )
    times = pa.array([0, 0, 2**62], pa.timestamp("us"))
    pq.write_table(pa.table({"id": text, "at": times, "n": [1, 2, 3]}), tmp_path / "t.parquet")
    found = list(open_source(SourceSpec(file="t.parquet"), tmp_path))
    assert isinstance(found[0], RawRecord)
    assert [(r.position.line, r.reason) for r in found if isinstance(r, BadRecord)] == [
        (2, Reason.BAD_UTF8), (3, Reason.BAD_VALUE),
    ]  # fmt: skip
    assert isinstance(found[2], BadRecord)
    assert found[2].raw == '{"id": "c", "n": 3}'
    (tmp_path / "u.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-200])
    with pytest.raises(SourceError, match="not a readable Parquet file"):
        open_source(SourceSpec(file="u.parquet"), tmp_path)


TURTLE = """
@prefix x: <http://x.org/> .
x:a x:name "A"@en, "Ä"@de, "plain" ; x:year "01973"^^x:year ; x:n 5 ; x:genre x:rock, x:pop .
x:b x:name "B"@de .
"""


def test_rdf_subjects(tmp_path: Path) -> None:
    reader = source(tmp_path, "t.ttl", TURTLE, prefixes={"x": "http://x.org/"})
    name = reader.resolve("x:name")
    first, second = rows(reader)
    assert first == {
        "@id": "http://x.org/a", "@name": "a", name: "plain", "http://x.org/year": "01973", "http://x.org/n": "5",
        "http://x.org/genre": ["http://x.org/rock", "http://x.org/pop"],
    }  # fmt: skip
    assert second[name] == "B"
    reader.close()
    english = source(tmp_path, "t.ttl", TURTLE, language="en")
    assert [r["http://x.org/name"] for r in rows(english)] == ["A", "B"]
    with pytest.raises(SourceError, match=r"no column 'http://x\.org/nam'; did you mean 'http://x\.org/name'"):
        reader.resolve("x:nam")


def test_rdf_edges_of_both_formats_are_the_same(tmp_path: Path) -> None:
    statements = "\n".join(
        f"<http://x.org/{s}> <http://x.org/{p}> {o} ."
        for s, p, o in [
            ("a", "knows", "<http://x.org/b>"),
            ("b", "name", '"B"@de'),
            ("a", "year", '"01"^^<http://x.org/t>'),
        ]
    )
    found = [rows(source(tmp_path, file, statements, edges=True)) for file in ("t.nt.gz", "t.ttl")]
    assert found[0] == found[1]
    assert found[0][2] == {"head": "http://x.org/a", "relation": "http://x.org/year", "tail": "01"}


def test_scattered_triples_of_a_subject_come_together(tmp_path: Path) -> None:
    lines = [f"<http://x/{s}> <http://x/p{p}> <http://x/o> ." for p in range(3) for s in ("a", "b")]
    reader = source(tmp_path, "t.nt", "\n".join(lines))
    assert [len(r) for r in rows(reader)] == [5, 5]


def test_turtle_that_breaks_off_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"t\.ttl, line 5: this is not Turtle"):
        rows(source(tmp_path, "t.ttl", TURTLE + "x:b x:name ]"))


@pytest.mark.parametrize("header", ["", "head\trelation\ttail\n", "head_id:token\trelation_id:token\ttail_id:token\n"])
def test_triples_with_and_without_a_header(tmp_path: Path, header: str) -> None:
    reader = source(tmp_path, "kg.txt", f"{header}a\tr\tb\n", format="triples")
    assert rows(reader) == [{"head": "a", "relation": "r", "tail": "b"}]


def test_triples_of_another_width_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has three columns"):
        source(tmp_path, "kg.txt", "a r b\n", format="triples")
    assert rows(source(tmp_path, "kg.txt", "a r b\n", format="triples", separator=" ")) == [
        {"head": "a", "relation": "r", "tail": "b"}
    ]


def test_item_maps(tmp_path: Path) -> None:
    def read(content: str) -> dict[str, str]:
        (tmp_path / "m.csv").write_text(content)
        spec = SourceSpec.model_validate(
            {"file": "t", "format": "triples", "map": {"file": "m.csv", "item": "item", "entity": "entity"}}
        )
        assert spec.map is not None
        return read_id_map(spec.map, tmp_path)

    assert read("item,entity\n1,m.01\n2,m.02\n1,m.03\n") == {"m.01": "1", "m.02": "2", "m.03": "1"}
    for wrong, expected in (
        ("item,entity\n1,m.01\n2,m.01\n", "mapped to two items"),
        ("item,entity\n1\n", "wrong column count"),
        ("item,entity\n,m.01\n", "needs an item and an entity"),
    ):
        with pytest.raises(SourceError, match=expected):
            read(wrong)


def tables(**given: Any) -> Any:
    (name,) = given
    return open_source(SourceSpec(table=name), tables=given)


def test_data_frames_arrow_tables_and_lists_are_read_alike() -> None:
    frame = pd.DataFrame(
        {"id": [1, 2], "name": ["a", None], "n": [1.5, np.nan], "at": [pd.Timestamp("2020-01-01"), pd.NaT]}
    )
    frame["whole"] = pd.array([3, None], dtype="Int64")
    expected = [
        {"id": 1, "name": "a", "n": 1.5, "at": datetime(2020, 1, 1), "whole": 3},
        {"id": 2, "name": None, "n": None, "at": None, "whole": None},
    ]
    assert rows(tables(frame=frame)) == expected
    assert rows(tables(arrow=pa.Table.from_pandas(frame))) == expected
    assert rows(tables(listed=expected)) == expected
    with pytest.raises(SourceError, match="no column 'nam'"):
        tables(frame=frame).resolve("nam")


def test_a_networkx_graph_has_nodes_and_edges() -> None:
    graph = nx.MultiDiGraph()
    graph.add_node(("film", "1"), kind="film", key="1", label="Heat")
    graph.add_node("x", label="Al")
    graph.add_edge(("film", "1"), "x", "stars")
    graph.add_edge("x", "x", relation="knows", weight=2)
    assert rows(tables(g=graph)) == [
        {"kind": "film", "key": "1", "label": "Heat", "@id": "1"},
        {"kind": "thing", "label": "Al", "@id": "x"},
    ]
    reader = open_source(SourceSpec(table="g"), edges=True, tables={"g": graph})
    assert [(r["head"], r["relation"], r["tail"], r["head_kind"]) for r in rows(reader)] == [
        ("1", "stars", "x", "film"),
        ("x", "knows", "x", "thing"),
    ]


def test_what_is_no_table_is_told() -> None:
    for nothing in (5, "text", {"a": 1}, iter([{}])):
        with pytest.raises(SourceError, match="expected a data frame"):
            tables(nothing=nothing)
    with pytest.raises(SourceError, match="row 2: expected a mapping"):
        rows(tables(listed=[{}, 5]))
    with pytest.raises(SourceError, match="no table of this name"):
        open_source(SourceSpec(table="absent"), tables={"other": []})
