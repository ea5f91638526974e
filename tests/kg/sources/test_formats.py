"""Formats that a library writes and ours reads: JSON documents, packed files, Excel workbooks, RDF documents."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import Dataset, Graph, Literal, URIRef

from kg.ingest import load_domain
from kg.opening import open_store
from kg.schema import DomainSchema, SourceSpec
from kg.sources import RawRecord, SourceError, open_source
from kg.sources.guess import GuessError, guess_domain
from kg.sources.guess.completing import completed
from kg.sources.json_documents import KEY

openpyxl = pytest.importorskip("openpyxl")

per_test = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def read(path: Path, *, edges: bool = False, **options: Any) -> list[dict[str, Any]]:
    reader = open_source(SourceSpec.model_validate({"file": path.name, **options}), path.parent, edges=edges)
    records = list(reader)
    reader.close()
    assert all(isinstance(record, RawRecord) for record in records), records
    return [dict(record.values) for record in records]  # pyright: ignore[reportAttributeAccessIssue]


value = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(exclude_categories=["Cs"]))
record = st.dictionaries(st.sampled_from(["a", "b", "title", "price"]), value, min_size=1)


@per_test
@given(st.lists(record, min_size=1, max_size=20), st.sampled_from([None, 1]))
def test_a_json_array_is_its_objects(tmp_path: Path, records: list[dict[str, Any]], indent: int | None) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(records, indent=indent, ensure_ascii=False), encoding="utf-8")
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records), encoding="utf-8")
    assert read(path) == read(lines)


def test_a_long_json_array_streams(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" + ",".join(json.dumps({"id": n, "text": "x" * (n % 3000)}) for n in range(2_000)) + "]")
    assert [row["id"] for row in read(path)] == list(range(2_000))


def test_json_documents(tmp_path: Path) -> None:
    def documents(value: Any, **options: Any) -> list[dict[str, Any]]:
        path = tmp_path / "d.json"
        path.write_text(json.dumps(value, **options))
        return read(path)

    rows = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    assert documents({"count": 2, "items": rows}) == rows
    assert documents({"count": 2, "items": rows}, indent=2) == rows
    assert documents({"response": {"items": rows}}, indent=2) == rows
    by_key = {"m1": {"title": "a"}, "m2": {"title": "b"}}
    assert documents(by_key) == [{KEY: "m1", "title": "a"}, {KEY: "m2", "title": "b"}]
    # One record over several lines, and one record with lists in it.
    assert documents({"id": 1, "tags": ["a"]}, indent=2) == [{"id": 1, "tags": ["a"]}]
    assert documents({"id": 1, "tags": ["a"]}) == [{"id": 1, "tags": ["a"]}]


TABLE = "id,title\n1,Alien\n2,Heat\n"


def packed(ending: str, data: bytes, members: tuple[str, ...] = ("films.csv",)) -> bytes:
    if ending != "zip":
        return {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[ending](data)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.writestr(member, data)
    return target.getvalue()


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zip"])
def test_packed_tables(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"films.csv.{ending}"
    data = packed(ending, TABLE.encode(), ("folder/", "__MACOSX/films.csv", "films.csv", ".DS_Store"))
    path.write_bytes(data)
    assert read(path) == [{"id": "1", "title": "Alien"}, {"id": "2", "title": "Heat"}]
    for cut in range(1, len(data), 7):
        path.write_bytes(data[:cut])
        with pytest.raises(SourceError):
            list(open_source(SourceSpec(file=path.name), tmp_path))


def test_a_zip_of_several_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "all.csv.zip").write_bytes(packed("zip", b"a\n", ("a.csv", "b.csv")))
    with pytest.raises(SourceError, match=r"several files \(a.csv, b.csv\); unpack it"):
        read(tmp_path / "all.csv.zip")


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)


cell = st.none() | st.integers(-(2**40), 2**40) | st.sampled_from(["Alien", "x y", "0345", "é", "=1+1 as text"])


@per_test
@given(st.lists(st.tuples(st.integers(1, 99), cell, cell), min_size=1, max_size=8), st.integers(0, 2))
def test_a_workbook_is_its_cells(tmp_path: Path, rows: list[tuple[Any, ...]], above: int) -> None:
    path = tmp_path / "t.xlsx"
    workbook(path, {"one": [*([[None]] * above), ["id", "a", "b"], *map(list, rows)], "two": [["x"], [1]]})
    safe = [[c if not isinstance(c, str) or not c.startswith("=") else None for c in row] for row in rows]
    assert read(path) == [dict(zip(("id", "a", "b"), row, strict=True)) for row in safe]
    assert read(path, sheet="two") == [{"x": 1}]
    with pytest.raises(SourceError, match="there is no sheet 'three'; there are: one, two"):
        read(path, sheet="three")


def test_a_workbook_is_guessed(tmp_path: Path) -> None:
    films = [["id", "title", "genre"], *([n, f"Film {n}", "ABC"[n % 3]] for n in range(1, 13))]
    workbook(tmp_path / "films.xlsx", {"films": films, "notes": [["something"]]})
    moment = datetime(2020, 1, 2, 3, 4)
    ratings = [["user_id", "film_id", "stars", "at"], *([n % 5, n % 12 + 1, n % 5 + 1, moment] for n in range(60))]
    workbook(tmp_path / "ratings.xlsx", {"ratings": ratings})
    guess = guess_domain([tmp_path / "films.xlsx", tmp_path / "ratings.xlsx"], tmp_path)
    assert guess.schema.nodes["film"].links.keys() == {"genre"}
    columns = guess.schema.interactions["rating"].columns
    assert columns is not None
    assert (columns.user, columns.item, columns.weight, columns.time) == ("user_id", "film_id", "stars", "at")
    assert any("films.xlsx [notes]: not used" in note or "'notes' is skipped" in note for note in guess.notes)


def test_the_sheets_of_a_workbook_are_tables(tmp_path: Path) -> None:
    products = [["ID", "Name", "Brand"], *([f"P{n:02}", f"Lamp {n}", "ABC"[n % 3]] for n in range(1, 13))]
    customers = [["Customer ID", "City"], *([n, "XY"[n % 2]] for n in range(1, 6))]
    heads = ["Customer ID", "Product ID", "Quantity", "Date"]
    years = {
        f"Orders {year}": [
            heads,
            *([n % 5 + 1, f"P{n * k % 12 + 1:02}", n % 4 - 1, f"{year}-01-02"] for n in range(40)),
        ]
        for k, year in ((5, 2019), (7, 2020))
    }
    about = [["This workbook is written each week."]]
    path = tmp_path / "shop.xlsx"
    workbook(path, {"About": about, "Products": products, "Customers": customers, **years})
    guess = guess_domain([path], tmp_path)
    product, customer = guess.schema.nodes["product"], guess.schema.nodes["customer"]
    assert [each.name for each in product.source] == ["shop.xlsx [Products]"]
    assert [each.sheet for each in customer.source] == ["Customers"]
    (order,) = guess.schema.interactions.values()
    assert [each.sheet for each in order.source] == ["Orders 2019", "Orders 2020"]
    assert any("'About' is skipped" in note for note in guess.notes)
    with closing(open_store(tmp_path / "store", create=True)) as store:
        report = load_domain(guess.schema, store, folder=tmp_path)
        assert report.n_bad == 0
        # Rows of two sheets are two rows, though they have one number.
        assert {each.source: each.used for each in report.sources} == {
            "shop.xlsx [Products]": 12, "shop.xlsx [Customers]": 5,
            "shop.xlsx [Orders 2019]": 40, "shop.xlsx [Orders 2020]": 40,
        }  # fmt: skip
        graph = store.snapshot()
        assert {kind: len(graph.nodes(kind)) for kind in graph.kinds} == {"product": 12, "customer": 5, "brand": 3}


def test_a_sheet_that_has_come_completes_a_description(tmp_path: Path) -> None:
    products = [["ID", "Name"], *([f"P{n:02}", f"Lamp {n}"] for n in range(1, 13))]
    orders = [["Customer ID", "Product ID"], *([n % 5 + 1, f"P{n % 12 + 1:02}"] for n in range(40))]
    path = tmp_path / "shop.xlsx"
    workbook(path, {"Products": products, "Orders": orders})
    before = guess_domain([path], tmp_path)
    customers = [["Customer ID", "City"], *([n, "XY"[n % 2]] for n in range(1, 6))]
    views = [["Customer ID", "Product ID", "Seconds"], *([n % 5 + 1, f"P{n % 12 + 1:02}", n] for n in range(40))]
    workbook(path, {"Products": products, "Orders": orders, "Customers": customers, "Views": views})
    found = completed(before.to_yaml(), before.schema, guess_domain([path], tmp_path))
    assert "sheet: Views" in found.text
    assert found.text.count("sheet: Orders") == 1
    assert completed(found.text, DomainSchema.from_yaml(found.text), guess_domain([path], tmp_path)).added == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.xls", "save it as .xlsx or CSV"),
        ("a.sqlite", "export its tables"),
        ("a.pkl", "some of these can run code"),
        ("a.tar", "unpack it"),
        ("a.feather", "Parquet or CSV"),
    ],
)
def test_formats_that_are_not_read_are_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0 anything")
    with pytest.raises((SourceError, GuessError), match=said):
        guess_domain([tmp_path / name], tmp_path)


name = st.sampled_from([f"http://example.org/{n}" for n in "abcd"]).map(URIRef)
literal = st.sampled_from(["one", "two words", 'quote " and \\', "é", "1 < 2 & 3"]).map(Literal)
facts = st.lists(st.tuples(name, name, name | literal), min_size=1, max_size=12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
@per_test
@given(facts, st.sampled_from(["nt", "turtle", "xml", "json-ld", "nquads", "trig"]))
def test_rdf_documents_are_their_triples(tmp_path: Path, facts: list[tuple[Any, Any, Any]], form: str) -> None:
    ending = {"nt": "nt", "turtle": "ttl", "xml": "rdf", "json-ld": "jsonld", "nquads": "nq", "trig": "trig"}[form]
    graph: Any = Dataset() if form in ("nquads", "trig") else Graph()
    target = graph.graph(URIRef("http://example.org/g")) if form in ("nquads", "trig") else graph
    for fact in facts:
        target.add(fact)
    path = tmp_path / f"t.{ending}"
    path.write_text(graph.serialize(format=form), encoding="utf-8")
    found = {(row["head"], row["relation"], row["tail"]) for row in read(path, edges=True)}
    assert found == {tuple(map(str, fact)) for fact in facts}


def test_quads_with_and_without_a_graph(tmp_path: Path) -> None:
    path = tmp_path / "t.nq"
    path.write_text(
        "<u:a> <u:p> <u:b> .\n<u:a> <u:p> <u:c> <u:g> .\n"
        '<u:a> <u:q> "x <u:d> ." <u:g> . # end\n<u:a> <u:q> "y"@en _:g .\n'
    )
    tails = [row["tail"] for row in read(path, edges=True)]
    assert tails == ["u:b", "u:c", "x <u:d> .", "y"]
