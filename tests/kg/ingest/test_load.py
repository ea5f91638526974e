"""Loading: what a domain's files become in a store, again, in part, after a kill, and by other routes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.ingest import LoadError, LoadProgress, load_domain
from kg.opening import open_store
from kg.rows import Event
from kg.schema import DomainSchema, SchemaError
from kg.sources import SourceError
from kg.stores import GraphStore, StoreEmpty
from tests.kg.ingest.shop import DOMAIN, FILES, load_shop, with_row, write_shop
from tests.kg.sources.northwind import write_northwind


def edges(graph: KnowledgeGraph, relation: str) -> set[tuple[str, str]]:
    """Labels at both ends of a relation."""
    table = graph.relation(relation)
    heads, tails = graph.nodes(table.head_kind).labels, graph.nodes(table.tail_kind).labels
    return {(heads[h], tails[t]) for h, t in zip(table.heads.tolist(), table.tails.tolist(), strict=True)}


def content(store: GraphStore) -> tuple[str, str]:
    graph = store.snapshot()
    return graph.digest, graph.events_digest


def test_a_shop_becomes_a_graph(tmp_path: Path, store: GraphStore) -> None:
    report = load_shop(tmp_path, store)
    graph = store.snapshot()
    assert report.n_bad == 0
    assert (report.nodes.new, report.edges.new, report.events.new) == (9, 6, 4)
    assert graph.item_ids.to_list() == ["1", "2", "3"]
    assert graph.item_labels.to_list() == ["Heat", "Ronin", "Up"]
    assert graph.item_texts.to_list() == ["Heat\nCops, robbers", "Ronin", "Up"]
    assert graph.fields_of(0) == {"year": 1995, "price": 9.5, "seen": "1995-12-15", "stock": True}
    assert graph.fields_of(2) == {"year": 2009, "price": 3.0, "stock": True}
    assert edges(graph, "made_by") == {("Heat", "Warner"), ("Ronin", 'United "Artists"')}
    assert edges(graph, "stars") == {("Heat", "Al Pacino"), ("Heat", "Robert De Niro"), ("Ronin", "Robert De Niro")}
    assert edges(graph, "sequel") == {("Heat", "Ronin")}
    events = graph.interactions(positive_only=False)
    assert events.times is not None
    assert sorted(events.times[~np.isnan(events.times)].tolist()) == [100.0, 300.0, 1577934245.0]
    assert len(graph.interactions()) == 2
    assert not (tmp_path / "quarantine.jsonl").exists()


def test_loading_twice_changes_nothing(tmp_path: Path, store: GraphStore) -> None:
    first = load_shop(tmp_path, store)
    before = content(store)
    second = load_shop(tmp_path, store)
    assert content(store) == before
    assert (second.nodes.same, second.edges.same, second.events.same) == (9, 6, 4)
    assert second.nodes.new == second.nodes.changed == 0
    assert second.finish.state.generation == first.finish.state.generation


def test_rows_are_upserted_and_may_refer_to_earlier_loads(tmp_path: Path, store: GraphStore) -> None:
    load_shop(tmp_path, store)
    header = "id,title,about,year,price,seen,stock,studio,cast\n"
    report = load_shop(tmp_path, store, {"films": header + "3,Up!,,2009,3,,1,s1,\n4,New,,,,,,,\n"})
    graph = store.snapshot()
    assert graph.item_labels.to_list() == ["Heat", "Ronin", "Up!", "New"]
    assert report.n_bad == 0  # the ratings and the sequel are of films that only the store has
    assert (report.nodes.changed, report.nodes.new) == (1, 1)
    assert ("Heat", "Warner") in edges(graph, "made_by")


def test_replacing_removes_what_the_source_no_longer_has(tmp_path: Path, store: GraphStore) -> None:
    load_shop(tmp_path, store)
    header = "id,title,about,year,price,seen,stock,studio,cast\n"
    report = load_shop(tmp_path, store, {"films": header + "2,Ronin,,,,,,,\n"}, replace=True)
    assert store.snapshot().item_ids.to_list() == ["2"]
    # The sequel and three ratings are of films that are gone.
    assert {str(reason): count for reason, count in report.bad.items()} == {"unknown end": 4}
    assert report.finish.removed_nodes == 4  # two films and both actors


def test_replacing_by_nothing_is_refused(tmp_path: Path, store: GraphStore) -> None:
    load_shop(tmp_path, store)
    before = content(store)
    with pytest.raises(LoadError, match="replacing would remove all items"):
        load_shop(tmp_path, store, {"films": "id,title,about,year,price,seen,stock,studio,cast\n"}, replace=True)
    assert content(store) == before
    assert store.state().loading is None


def test_the_order_of_rows_does_not_matter(tmp_path: Path, store: GraphStore) -> None:
    load_shop(tmp_path, store)
    before = content(store)
    (tmp_path / "turned").mkdir()
    domain = write_shop(tmp_path / "turned")
    for file in (tmp_path / "turned").glob("*.?sv"):
        header, *rows = file.read_text().splitlines(keepends=True)
        file.write_text("".join([header, *reversed(rows)]))
    turned = open_store(tmp_path / "other", create=True)
    load_domain(domain, turned)
    assert content(turned) == before


def test_progress_names_stage_source_and_share(tmp_path: Path, store: GraphStore) -> None:
    seen: list[LoadProgress] = []
    load_shop(tmp_path, store, progress=seen.append)
    assert [(p.stage, p.source) for p in seen if p.done] == [
        ("nodes", "films.csv"), ("nodes", "studios.tsv"), ("nodes", "users.csv"), ("relations", "films.csv"),
        ("relations", "sequels.tsv"), ("events", "ratings.csv"),
    ]  # fmt: skip
    assert all(p.fraction == 1.0 for p in seen if p.done)
    assert all(p.rows_per_second == pytest.approx(p.rows / max(p.seconds, 1e-3)) for p in seen)


def test_a_report_says_how_fast_the_load_was(tmp_path: Path, store: GraphStore) -> None:
    seen: list[LoadProgress] = []
    report = load_shop(tmp_path, store, progress=seen.append)
    # The films are gone through a second time for their relations, which are no further rows.
    assert report.rows == sum(p.rows for p in seen if p.done) - next(p.rows for p in seen if p.source == "films.csv")
    assert 0 < report.writing_seconds < report.seconds
    assert report.rows_per_second == pytest.approx(report.rows / report.seconds)
    assert f"{report.rows:,} rows in " in str(report)
    assert "rows a second" in str(report)


def test_a_missing_column_or_file_is_told_before_anything_is_written(tmp_path: Path, store: GraphStore) -> None:
    domain = write_shop(tmp_path)
    for old, new, expected in (
        ("weight: stars", "weight: star", r"ratings\.csv: no column 'star'; did you mean 'stars'"),
        ("films.csv", "film.csv", "no such file"),
        ("first, tail", "frist, tail", "did you mean 'first'"),
    ):
        domain.write_text(DOMAIN.replace(old, new))
        with pytest.raises(SourceError, match=expected):
            load_domain(domain, store)
    domain.write_text("nodes: {}")
    with pytest.raises(SchemaError):
        load_domain(domain, store)
    assert store.state().loading is None
    with pytest.raises(StoreEmpty):
        store.schema()


def test_misspelt_columns_of_json_lines_are_found_in_the_first_rows(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "f.jsonl").write_text('{"id": 1, "title": "x"}\n')
    schema = {"nodes": {"film": {"role": "item", "source": "f.jsonl", "key": "Id"}, "user": {"role": "user"}},
              "interactions": {"liked": {}}}  # fmt: skip
    with pytest.raises(SourceError, match=r"nodes\.film: f\.jsonl: no column 'Id'; did you mean 'id'"):
        load_domain(DomainSchema.from_mapping(schema), store, folder=tmp_path)


def load_and_die(folder: str, store: str, after: int) -> None:
    """Load in small steps and die, as by `kill -9`, after some reports of progress."""
    import kg.ingest.writing

    kg.ingest.writing.BATCH_ROWS = 5
    count = 0

    def die(progress: LoadProgress) -> None:
        nonlocal count
        count += 1
        if count == after:
            os.kill(os.getpid(), signal.SIGKILL)

    load_domain(Path(folder) / "domain.yaml", open_store(store), progress=die)


@pytest.mark.parametrize("after", [1, 3, 5, 6])
def test_a_killed_load_can_be_run_again_to_the_same_end(tmp_path: Path, store: GraphStore, after: int) -> None:
    whole = open_store(tmp_path / "whole", create=True)
    domain = write_shop(tmp_path, ratings=with_row("ratings", "bad,nobody,1,5,1"))
    load_domain(domain, whole, quarantine=tmp_path / "whole.jsonl")
    process = multiprocessing.get_context("spawn").Process(
        target=load_and_die, args=(str(tmp_path), str(tmp_path / "store"), after)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    mark = store.state().loading
    assert mark is not None
    assert not mark.alive
    assert not (tmp_path / "quarantine.jsonl").exists()
    load_domain(domain, store)
    assert content(store) == content(whole)
    assert store.state().loading is None
    assert (tmp_path / "quarantine.jsonl").read_text() == (tmp_path / "whole.jsonl").read_text()


def test_customers_and_products_meet_over_orders(tmp_path: Path, store: GraphStore) -> None:
    write_northwind(tmp_path)
    schema = DomainSchema.from_mapping(
        {
            "nodes": {
                "customer": {"role": "user", "source": "customers.csv", "key": "customerID", "label": "companyName"},
                "product": {"role": "item", "source": "products.csv", "key": "productID", "label": "productName",
                            "links": {"supplierID": "supplier", "categoryID": "category"}},
                "supplier": {"source": "suppliers.csv", "key": "supplierID", "label": "companyName"},
                "category": {"source": "categories.csv", "key": "categoryID", "label": "categoryName"},
            },
            "interactions": {
                "bought": {
                    "source": "order-details.csv",
                    "via": {"orders": {"source": "orders.csv", "key": "orderID"},
                            "people": {"source": "customers.csv", "key": "customerID", "match": "orders.customerID"}},
                    "columns": {"user": "people.customerID", "item": "productID", "time": "orders.orderDate",
                                "weight": "quantity"},
                    "timezone": "Europe/Berlin",
                }
            },
        }
    )  # fmt: skip
    report = load_domain(schema, store, folder=tmp_path)
    assert report.n_bad == 0
    details = pd.read_csv(tmp_path / "order-details.csv").merge(pd.read_csv(tmp_path / "orders.csv"), on="orderID")
    distinct = details[["customerID", "productID", "orderDate", "quantity"]].drop_duplicates()
    events = store.snapshot().interactions(positive_only=False)
    assert len(events) == len(distinct)
    assert events.weights is not None
    assert events.weights.sum() == distinct["quantity"].sum()
    assert events.times is not None
    local = pd.to_datetime(details["orderDate"]).dt.tz_localize("Europe/Berlin")
    assert events.times.min() == local.min().timestamp()


def test_a_row_without_its_order_is_told(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "lines.csv").write_text("order,item\n1,a\n9,a\n,a\n")
    (tmp_path / "orders.csv").write_text("order,who\n1,ann\n1,bob\n2,\n,x\n")
    schema = DomainSchema.from_mapping(
        {
            "nodes": {"user": {"role": "user"}, "item": {"role": "item"}},
            "interactions": {
                "bought": {
                    "source": "lines.csv",
                    "via": {"orders": {"source": "orders.csv", "key": "order"}},
                    "columns": {"user": "orders.who", "item": "item"},
                }
            },
        }
    )
    report = load_domain(schema, store, folder=tmp_path)
    assert [(b.file, b.line, str(b.reason)) for b in report.first_bad] == [
        ("orders.csv", 3, "same key with other content"),
        ("orders.csv", 5, "missing key"),
        ("lines.csv", 3, "unknown end"),
        ("lines.csv", 4, "missing key"),
    ]
    assert report.events.new == 1


def test_data_frames_load_like_files(tmp_path: Path, store: GraphStore) -> None:
    load_shop(tmp_path, store)
    before = content(store)
    frames = {name: pd.read_csv(tmp_path / f"{name}.csv", na_values=["NULL"]) for name in ("films", "users", "ratings")}
    frames["studios"] = pd.read_csv(tmp_path / "studios.tsv", sep="\t", quoting=3)
    frames["sequels"] = pd.read_csv(tmp_path / "sequels.tsv", sep="\t")
    text = DOMAIN
    for name, ending in (
        ("films", "csv"),
        ("users", "csv"),
        ("ratings", "csv"),
        ("studios", "tsv"),
        ("sequels", "tsv"),
    ):
        text = text.replace(f"source: {name}.{ending}", f"source: {{table: {name}}}")
    other = open_store(tmp_path / "frames", create=True)
    report = load_domain(DomainSchema.from_yaml(text), other, tables=frames)
    assert report.n_bad == 0
    assert report.quarantine is None
    assert content(other) == before


def test_several_item_kinds_in_one_file_of_events(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "things.csv").write_text("id,kind,title\n1,film,Heat\n2,book,Emma\n3,dvd,Odd\n")
    (tmp_path / "events.csv").write_text(
        "u,i,what,kind\na,1,view,\na,2,buy,book\na,2,buy,film\na,1,buy,car\na,7,buy,\n"
    )
    thing = {"role": "item", "source": "things.csv", "key": "id", "label": "title"}
    columns = {"user": "u", "item": "i", "item_kind": "kind"}
    schema = DomainSchema.from_mapping(
        {
            "nodes": {
                "film": {**thing, "where": {"kind": ["film", "dvd"]}},
                "book": {**thing, "where": {"kind": "book"}},
                "user": {"role": "user"},
            },
            "interactions": {
                "bought": {"source": "events.csv", "columns": columns, "where": {"what": "buy"}},
                "viewed": {"source": "events.csv", "columns": columns, "where": {"what": "view"}, "positive": False},
            },
        }
    )
    report = load_domain(schema, store, folder=tmp_path)
    graph = store.snapshot()
    assert graph.item_labels.to_list() == ["Emma", "Heat", "Odd"]
    assert {t.kind: len(t.users) for t in graph.events} == {"bought": 1, "viewed": 1}
    assert [(b.line, str(b.reason)) for b in report.first_bad] == [
        (4, "unknown end"), (5, "contradicting role"), (6, "unknown end"),
    ]  # fmt: skip


def test_rows_that_fit_no_section_are_counted_not_hidden(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "f.tsv").write_text("head\trelation\ttail\na\tlikes\tb\na\thates\tb\n")
    (tmp_path / "e.csv").write_text("u,i\nx,a\n")
    schema = DomainSchema.from_mapping(
        {
            "nodes": {"thing": {"role": "item"}, "user": {"role": "user"}},
            "relations": {"likes": {"source": {"file": "f.tsv", "format": "triples"}, "head": "thing", "tail": "thing",
                                    "where": {"relation": "likes"}},
                          "never": {"source": {"file": "f.tsv", "format": "triples"}, "head": "thing", "tail": "thing",
                                    "where": {"relation": "never"}}},
            "interactions": {"used": {"source": "e.csv", "columns": {"user": "u", "item": "i"}}},
        }
    )  # fmt: skip
    report = load_domain(schema, store, folder=tmp_path)
    assert report.skipped == 1
    assert report.warnings == ("relations.never: no row fits its `where`",)
    assert "1 rows matched no `where`" in str(report)


def test_a_key_of_two_item_kinds_must_say_which(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "f.csv").write_text("id\n1\n2\n")
    (tmp_path / "b.csv").write_text("id\n2\n3\n")
    (tmp_path / "e.csv").write_text("u,i,k\na,1,\na,2,\na,3,\na,2,book\n")
    schema = DomainSchema.from_mapping(
        {
            "nodes": {
                "film": {"role": "item", "source": "f.csv", "key": "id"},
                "book": {"role": "item", "source": "b.csv", "key": "id"},
                "user": {"role": "user"},
            },
            "interactions": {"liked": {"source": "e.csv", "columns": {"user": "u", "item": "i", "item_kind": "k"}}},
        }
    )
    report = load_domain(schema, store, folder=tmp_path)
    assert [(b.line, str(b.reason)) for b in report.first_bad] == [(3, "contradicting role")]
    assert "'2' is book and film: say which in a column `item_kind`" in report.first_bad[0].detail
    assert report.events.new == 3


def test_what_the_store_refuses_is_quarantined_too(tmp_path: Path, store: GraphStore) -> None:
    load_shop(tmp_path, store)
    store.append_events([Event.of("ann", "2", "film", "rated", weight=1.0, id="r7")])
    report = load_shop(tmp_path, store, {"ratings": with_row("ratings", "r7,bob,2,5,1")})
    assert [(b.file, b.line, str(b.reason)) for b in report.first_bad] == [("ratings.csv", 6, "refused by the store")]
    assert report.first_bad[0].detail


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.sampled_from(sorted(FILES)),
    where=st.floats(0, 1),
    dropped=st.integers(0, 30),
    noise=st.binary(max_size=20) | st.sampled_from([b'"', b"\n", b",", b"\t", b"NULL", b"\x00", b"\xff", b"9" * 400]),
)
def test_files_spoilt_anywhere_load_or_fail_for_the_reader(
    tmp_path: Path, store: GraphStore, file: str, where: float, dropped: int, noise: bytes
) -> None:
    good = FILES[file].encode()
    at = round(where * len(good))
    clean = open_store(tmp_path / "clean", create=True)
    if not clean.state().generation:  # the folder is the same for all examples
        load_shop(tmp_path, clean)
        load_shop(tmp_path, store)
    try:
        report = load_shop(
            tmp_path, store, {file.split(".")[0]: good[:at] + noise + good[at + dropped :]}, replace=True
        )
    except WhyPathError:
        assert store.snapshot().n_items == 3  # the last complete load is there, whole
    else:
        assert store.snapshot().n_items >= 1
        assert report.finish.state.loading is None
    # Whatever happened, the good files lead back to the good state.
    load_shop(tmp_path, store, replace=True)
    assert content(store) == content(clean)
    clean.close()


def test_weights_and_fields_with_a_decimal_comma(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "films.csv").write_text("id;price\n1;1.234,5\n2;0,5\n", encoding="utf-8")
    (tmp_path / "ratings.csv").write_text("user;film;stars\nann;1;4,5\nann;2;3\nbob;2;4.5\n", encoding="utf-8")
    described = {"separator": ";", "decimal": ","}
    schema = DomainSchema.from_mapping(
        {
            "nodes": {
                "film": {
                    "role": "item",
                    "source": {"file": "films.csv", **described},
                    "key": "id",
                    "fields": {"price": "number"},
                },
                "user": {"role": "user"},
            },
            "interactions": {
                "rated": {
                    "source": {"file": "ratings.csv", **described},
                    "columns": {"user": "user", "item": "film", "weight": "stars"},
                    "positive": {"min_weight": 4},
                }
            },
        }
    )
    report = load_domain(schema, store, folder=tmp_path)
    graph = store.snapshot()
    assert [graph.fields_of(item)["price"] for item in (0, 1)] == [1234.5, 0.5]
    weights = graph.interactions(positive_only=False).weights
    assert weights is not None
    assert sorted(weights.tolist()) == [3.0, 4.5]
    assert len(graph.interactions()) == 1
    assert report.n_bad == 1


def test_ids_that_a_program_made_floats_find_their_nodes(tmp_path: Path, store: GraphStore) -> None:
    (tmp_path / "films.csv").write_text('id,maker\n17,3.0\n="007",\n8.0,\n', encoding="utf-8")
    (tmp_path / "makers.csv").write_text("id\n3\n", encoding="utf-8")
    (tmp_path / "seen.csv").write_text('user,film\n1.0,17.0\n1.0,8.0\n1.0,8\n1.0,="007"\n', encoding="utf-8")
    schema = DomainSchema.from_mapping(
        {
            "nodes": {
                "film": {"role": "item", "source": "films.csv", "key": "id", "links": {"maker": "maker"}},
                "maker": {"source": "makers.csv", "key": "id"},
                "user": {"role": "user"},
            },
            "interactions": {"seen": {"source": "seen.csv", "columns": {"user": "user", "item": "film"}}},
        }
    )
    report = load_domain(schema, store, folder=tmp_path)
    graph = store.snapshot()
    assert graph.item_ids.to_list() == ["007", "17", "8.0"]
    assert edges(graph, "maker") == {("17", "3")}
    assert [graph.item_ids[item] for item in sorted(graph.interactions().items.tolist())] == ["007", "17", "8.0"]
    assert report.n_bad == 1
    assert "there is no film '8'" in report.first_bad[0].detail
