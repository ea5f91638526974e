"""Whatever stands in a description or its files: a load ends in a report or in an error for the reader."""

from __future__ import annotations

import copy
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kg.errors import WhyPathError
from kg.ingest import LoadReport, load_domain
from kg.opening import open_store

DOMAIN: dict[str, Any] = {
    "name": "d",
    "missing": ["", "NULL"],
    "nodes": {
        "item": {
            "role": "item",
            "source": {
                "file": "items.csv", "format": "csv", "separator": ",", "quoted": True, "encoding": "utf-8",
                "missing": [""],
            },
            "key": "id",
            "label": "title",
            "text": ["title"],
            "fields": {
                "price": "integer",
                "day": {"type": "date", "format": "%d/%m/%Y", "column": "day", "missing": ["x"], "use": True},
            },
            "lists": {"tags": {"target": "tag", "separator": "|", "relation": "has_tag", "label": "x", "inverse": "y"}},
            "links": {"maker": "maker"},
            "where": {"id": ["i1", "i2"]},
            "available": {"field": "price", "equals": 1},
            "create": True,
            "namespace": "n",
        },
        "tag": {},
        "maker": {},
        "thing": {"source": "things.ttl", "label": "@name"},
        "part": {"source": "parts.parquet", "key": "id"},
        "note": {"source": "notes.jsonl", "key": "id"},
        "user": {"role": "user", "source": "users.tsv", "key": "id", "fields": {"age": {"type": "integer"}}},
    },
    "relations": {
        "kg": {
            "source": {
                "file": "kg.tsv", "format": "triples", "map": {"file": "map.link", "item": "item", "entity": "entity"},
            },
            "head": ["item", "tag"],
            "tail": "tag",
            "where": {"relation": "r"},
            "label": "l",
            "hidden": True,
        },
        "nt": {
            "source": {"file": "facts.nt", "prefixes": {"x": "http://x/"}, "language": "en"},
            "head": "thing",
            "tail": "thing",
            "columns": {"head": "head", "tail": "tail"},
        },
    },
    "interactions": {
        "buy": {
            "source": "events.csv",
            "columns": {
                "user": "o.user", "item": "item", "weight": "weight", "time": "time", "id": "id", "item_kind": "kind",
            },
            "user": "user",
            "items": ["item"],
            "via": {"o": {"source": "orders.csv", "key": "order", "match": "order"}},
            "time_format": "auto",
            "timezone": "UTC",
            "positive": {"min_weight": 1, "max_weight": 9, "unweighted": True},
            "negative": {"max_weight": 0.5},
            "label": "bought",
            "negative_label": "sent back",
            "where": {"item": "i1"},
        }
    },
}  # fmt: skip
"""A description that says nearly everything that one can say."""


def _parquet() -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table({"id": ["p1", "p2"], "n": [1, 2]}), written)
    return written.getvalue()


FILES = {
    "items.csv": b'id,title,price,day,tags,maker\ni1,T,1,01/02/2003,a|b,m\ni2,"U\nx",2,,,\n',
    "users.tsv": b"id\tage\nu1\t3\n",
    "events.csv": b"id,order,item,weight,time,kind\ne1,o1,i1,4,1000000000,item\n",
    "orders.csv": b"order,user\no1,u1\n",
    "things.ttl": b'@prefix x: <http://x/> .\nx:a x:p x:b ; x:n "A"@en, 5 .\nx:c x:p 1 .\n',
    "notes.jsonl": b'{"id": "j1", "a": {"b": [1]}}\n',
    "kg.tsv": b"i1\tr\tt1\n",
    "map.link": b"item:token\tentity:token\ni1\tx1\n",
    "facts.nt": b"<http://x/a> <http://x/p> <http://x/c> .\n",
    "parts.parquet": _parquet(),
}


def load(description: str, files: dict[str, bytes]) -> LoadReport | WhyPathError:
    """Load into a new store. What a load may raise is returned; anything else fails the test."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        (folder / "domain.yaml").write_text(description, encoding="utf-8", errors="surrogatepass")
        store = open_store(folder / "store", create=True)
        try:
            return load_domain(folder / "domain.yaml", store)
        except WhyPathError as error:
            str(error).encode()
            return error
        finally:
            store.close()


def warnings_of(report: LoadReport) -> list[str]:
    """What a load warns of, other than of what no model reads yet."""
    return [warning for warning in report.warnings if "no model of this version" not in warning]


def test_the_domain_loads_as_it_is() -> None:
    report = load(json.dumps(DOMAIN), FILES)
    assert isinstance(report, LoadReport)
    assert (report.n_bad, report.events.new) == (0, 1)
    assert warnings_of(report) == []
    assert report.nodes.new == 13


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in parts for place in _places(part, (*path, key)))]


EXTREME: list[Any] = [
    "", None, True, False, 0, -1, 5, 1.5, 2**63, 10**30, 10**400, 1e308, float("nan"), float("inf"), "nan", "1e999",
    "\0", "a\0b", "\ud800", "a\udc80", "x" * 9999, "x" * 10001, [], {}, [[]], [None], {"": ""}, {"a": {"a": {"a": {}}}},
    ["\ud800"], {"\ud800": 1}, [["x"]] * 3, "/", "..", ".", "../x", "/etc/passwd", "/dev/zero", "items.csv", "kg.tsv",
    "parts.parquet", "things.ttl", "facts.nt", "notes.jsonl", "events.csv", "s3://a/b.parquet", "\n", "\r", "a\nb", '"',
    "\\", "%", "%%", "%d%d", "%Y", "%Q", "%c%x%X", "%z", "%p %I", "utf-16", "utf-32", "utf-7", "punycode", "undefined",
    "idna", "latin-1", "ascii", "cp037", "hz", "base64", "utf-8-sig", "a.b", "o.o", "o.", ".", "@id", "@name", "<x>",
    "x:y", "http://x/p", "id", "title", "head", "relation", "user", "item", "tag", "thing", "Europe", "../UTC", "date",
    "integer", "boolean", "text", "csv", "tsv", "parquet", "jsonl", "rdf", "recbole", "triples", "table", ",", "\t",
    "::", " ", "\ufeff", "\u2028", "é", "~a", "a b", "*", "~", "null", [["["] * 3] * 3,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The description with some values, keys or lists replaced by extreme ones."""
    described = copy.deepcopy(DOMAIN)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(_places(described)[1:]))
        part = described
        for key in path:
            part = part[key]
        how = draw(st.sampled_from(["replace", "replace", "replace", "rename", "drop"]))
        extreme = copy.deepcopy(draw(st.sampled_from(EXTREME)))
        if how == "replace":
            part[last] = extreme
        elif how == "rename" and isinstance(part, dict):
            part[str(extreme)] = part.pop(last)
        else:
            del part[last]
    return described


@settings(max_examples=100)
@given(mutated())
def test_any_change_of_a_description_ends_in_a_report_or_an_error_for_the_reader(described: dict[str, Any]) -> None:
    load(json.dumps(described), FILES)


tokens = st.sampled_from([
    b'"', b"\n", b"\r", b"\0", b",", b"\t", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\U00110000", b"(", b"[", b"{",
    b"<", b"'''", b'"""', b"@a", b"@x-", b"^^<x>", b"_:b", b"1e999", b"nan", b"9" * 5000, b"[" * 2000, b"(" * 2000,
    b'{"a":' * 900, b"\x1f\x8b", b"\xef\xbb\xbf", b"#", b"%zz", b"http://[", b"i1", b"o1",
])  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[str, bytes]:
    """One of the files with some bytes changed, cut, or packed."""
    name = draw(st.sampled_from(sorted(FILES)))
    content = bytearray(FILES[name])
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(content))), draw(st.integers(0, 8))
        content[at : at + length] = draw(tokens | st.binary(max_size=8))
    found = bytes(content)
    packed = draw(st.sampled_from([False, False, False, True]))
    found = gzip.compress(found) if packed else found
    return name, found[: len(found) - draw(st.sampled_from([0, 0, 0, 1, 9, 30]))]


@settings(max_examples=100)
@given(spoilt())
def test_any_change_of_a_file_ends_in_a_report_or_an_error_for_the_reader(file: tuple[str, bytes]) -> None:
    load(json.dumps(DOMAIN), {**FILES, file[0]: file[1]})


FORMS = ["csv", "tsv", "jsonl", "parquet", "ttl", "nt", "inter"]


@settings(max_examples=100)
@given(
    form=st.sampled_from(FORMS), content=st.lists(tokens | st.binary(max_size=20), max_size=12), packed=st.booleans()
)
@example(form="parquet", content=[b"PAR1", b"\xff" * 8, b"PAR1"], packed=False)
def test_any_bytes_as_a_file_end_in_a_report_or_an_error_for_the_reader(
    form: str, content: list[bytes], packed: bool
) -> None:
    name = f"t.{form}" + (".gz" if packed else "")
    joined = b"".join(content)
    domain = {
        "nodes": {"item": {"role": "item", "source": name, "key": "@id" if form in ("ttl", "nt") else "a"},
                  "user": {"role": "user"}},
        "interactions": {"seen": {}},
    }  # fmt: skip
    head = {"csv": b"a,b\n", "tsv": b"a\tb\n", "inter": b"a:token\tb:token\n"}.get(form, b"")
    load(json.dumps(domain), {name: gzip.compress(head + joined) if packed else head + joined})


def with_source(source: Any, kind: str = "item") -> dict[str, Any]:
    """The description with another source."""
    described = copy.deepcopy(DOMAIN)
    described["nodes"][kind]["source"] = source
    return described


@pytest.mark.parametrize(
    ("described", "files", "expected"),
    [
        (with_source({"file": "items.csv", "encoding": "a\0b"}), {}, "holds a NUL character"),
        (with_source({"file": "items.csv", "encoding": "punycode"}), {}, "there is no text encoding 'punycode'"),
        (with_source({"file": "items.csv", "encoding": "undefined"}), {}, "there is no text encoding 'undefined'"),
        (with_source({"file": "items.csv", "encoding": "utf-16"}), {}, "not text in its `encoding`"),
        (with_source("a\0.csv"), {}, "holds a NUL character"),
        (with_source("a\ud800.csv"), {}, "holds half a character"),
        (with_source("/dev/zero.csv"), {}, "is outside the description's folder"),
        (DOMAIN, {"things.ttl": b"<http://a> <http://b> " + b"(" * 5000 + b")" * 5000 + b" ."}, "this is not Turtle"),
        (DOMAIN, {"things.ttl": b'<http://a> <http://b> """abc'}, "this is not Turtle"),
        (DOMAIN, {"parts.parquet": FILES["parts.parquet"][:-9]}, "not a readable Parquet file"),
        (DOMAIN, {"items.csv": gzip.compress(FILES["items.csv"])[:-9]}, "the gzip file is damaged or cut off"),
    ],
)
def test_what_cannot_be_read_as_a_whole_is_said(described: Any, files: dict[str, bytes], expected: str) -> None:
    error = load(json.dumps(described), {**FILES, **files})
    assert isinstance(error, WhyPathError)
    assert expected in str(error)


def test_an_escape_beyond_unicode_is_one_bad_row() -> None:
    more = FILES["facts.nt"] + b'<http://x/c> <http://x/p> "\\U00110000" .\n'
    report = load(json.dumps(DOMAIN), {**FILES, "facts.nt": more})
    assert isinstance(report, LoadReport)
    assert [(bad.file, bad.line, str(bad.reason)) for bad in report.first_bad] == [("facts.nt", 2, "bad triple")]


def test_a_linking_table_may_hold_half_a_character_where_nobody_reads() -> None:
    described = copy.deepcopy(DOMAIN)
    described["interactions"]["buy"]["via"]["o"]["source"] = "orders.jsonl"
    orders = b'{"order": "o1", "user": "u1", "note": "\\ud800", "\\udc00": 1}\n'
    report = load(json.dumps(described), {**FILES, "orders.jsonl": orders})
    assert isinstance(report, LoadReport)
    assert (report.n_bad, report.events.new) == (0, 1)


def test_a_quotation_mark_too_many_is_warned_of_loudly() -> None:
    rows = [f"e{n},o1,i1,4,{n},item" for n in range(300)]
    rows[9] = rows[9].replace(",i1", ',"i1')
    events = b"id,order,item,weight,time,kind\n" + "\n".join(rows).encode()
    orders = b'order,user\no1,u1\no2,"u2\no3,u3,\n'
    report = load(json.dumps(DOMAIN), {**FILES, "events.csv": events, "orders.csv": orders})
    assert isinstance(report, LoadReport)
    assert report.events.new == 299
    ends = "opens a quoted cell that does not end; the row was left out and reading continued in line"
    assert warnings_of(report) == [f"orders.csv: line 3 {ends} 4", f"events.csv: line 11 {ends} 12"]
    assert [(bad.file, bad.line, bad.detail) for bad in report.first_bad] == [
        ("orders.csv", 3, f"{ends} 4"),
        ("orders.csv", 4, "3 cells where the header has 2"),
        ("events.csv", 11, f"{ends} 12"),
    ]
    assert report.swallowed_lines == 0
    assert f"note: events.csv: line 11 {ends} 12" in str(report)


def test_lines_that_broken_quotes_took_along_are_counted_once() -> None:
    # items.csv is read for nodes and again for its relations.
    items = FILES["items.csv"] + b'i2,"x\ny\nz"!,,,,\n'
    report = load(json.dumps(DOMAIN), {**FILES, "items.csv": items})
    assert isinstance(report, LoadReport)
    assert report.swallowed_lines == 2
    assert len(warnings_of(report)) == 1
    assert "2 more lines were lost with bad rows whose quotes do not end" in str(report)
