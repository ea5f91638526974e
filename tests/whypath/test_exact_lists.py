"""Ids of any characters in every file that is written, and in what reads it back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import networkx as nx
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.yardsticks import read_rows, write_rows
from fusion.splits import split_random
from kg.graph import KnowledgeGraph
from kg.ingest import load_domain
from kg.opening import open_store
from kg.rows import Event
from kg.schema import DomainSchema
from kg.sources.delimited import DelimitedReader
from kg.xml_text import text_of_xml
from tests.whypath.hostile import NASTY, USERS
from tests.whypath.recommendations import listed
from whypath.answering.recs import write_lists
from whypath.io.files import read_interactions
from whypath.io.graph_export import write_graph
from whypath.io.split_files import write_split

IDS = [*NASTY, *USERS, "\0", "\r", "a\rb", "a\r\nb", '"', '""', ',"', "\\", '\\"', "NA", "null", "=", "\ue000", "\x85"]

ids = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('\t\n\r\0"\\,\x1b\u202e')), min_size=1).filter(
    str.strip
)


@pytest.mark.parametrize("name", ["r.tsv", "r.csv", "r.tsv.gz", "r.csv.gz", "r.parquet"])
def test_lists_are_read_back(tmp_path: Path, name: str) -> None:
    given = [text for text in IDS if text.strip()]
    lists = [listed(user, given) for user in given]
    write_lists(tmp_path / name, lists)
    rows = read_interactions([tmp_path / name])
    assert rows.users.tolist() == [each.user for each in lists for _ in each]
    assert rows.items.tolist() == [item.item for each in lists for item in each]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(ids, min_size=1))
def test_lists_of_any_ids_are_read_back(tmp_path: Path, items: list[str]) -> None:
    for name in ("r.tsv", "r.csv"):
        write_lists(tmp_path / name, [listed(items[0], items)])
        rows = read_interactions([tmp_path / name])
        assert rows.items.tolist() == items
        assert set(rows.users) == {items[0]}
    with (tmp_path / "r.csv").open(newline="", encoding="utf-8") as file:
        assert [row["item"] for row in csv.DictReader(file)] == items


def test_line_breaks_in_a_long_comma_separated_file(tmp_path: Path) -> None:
    """Longer than what is parsed at a time: a line break falls on every place."""
    items = [f"a\nb{number}" for number in range(120_000)]
    write_lists(tmp_path / "r.csv", [listed("u", items)])
    assert read_interactions([tmp_path / "r.csv"]).items.tolist() == items


def test_halves_of_characters_can_be_written(tmp_path: Path) -> None:
    for name in ("r.tsv", "r.csv", "r.parquet"):
        write_lists(tmp_path / name, [listed("caf\udce9", ["i"])])
        assert read_interactions([tmp_path / name]).users.tolist() == ["caf\\udce9"]


@pytest.mark.parametrize("is_quoted", [True, False])
def test_a_domain_reads_lists(tmp_path: Path, is_quoted: bool) -> None:
    items = [item for item in IDS if item.strip()]
    write_lists(tmp_path / "r.tsv", [listed("u", items)])
    reader = DelimitedReader(tmp_path / "r.tsv", "r.tsv", separator="\t", quoted=is_quoted)
    assert [record.values["item"] for record in reader] == items  # type: ignore[union-attr]


def test_lists_of_benchmarks(tmp_path: Path) -> None:
    rows = pd.DataFrame({"user": IDS, "item": IDS[::-1], "rank": range(len(IDS))})
    again = read_rows(write_rows(tmp_path / "r.tsv", rows))
    assert again.user.tolist() == IDS
    assert again["item"].tolist() == IDS[::-1]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeGraph:
    """Items with hostile ids, labels and fields, each with a fact."""
    schema = DomainSchema.from_mapping(
        {
            "name": "hostile",
            "nodes": {
                "item": {
                    "role": "item", "source": {"table": "items"}, "key": "id", "label": "id",
                    "fields": {"note": "text", "number": "number"},
                    "links": {"maker": {"relation": "made\x1bby", "target": "maker"}},
                },
                "maker": {},
                "user": {"role": "user", "source": {"table": "users"}, "key": "id"},
            },
            "interactions": {
                "buy": {"source": {"table": "events"}, "columns": {"user": "user", "item": "item"}}
            },
        }
    )  # fmt: skip
    keys = [key for key in dict.fromkeys(IDS) if key.strip() == key and "\0" not in key]
    tables = {
        "items": pa.table({"id": keys, "note": keys, "maker": keys, "number": [1.0] * len(keys)}),
        "users": pa.table({"id": ["u"]}),
        "events": pa.table({"user": ["u"], "item": [keys[0]]}),
    }
    store = open_store(tmp_path_factory.mktemp("graph") / "store", create=True)
    load_domain(schema, store, tables=tables)
    return store.snapshot()


def test_graphml_of_hostile_texts(graph: KnowledgeGraph, tmp_path: Path) -> None:
    written = write_graph(graph, tmp_path / "g.graphml")
    read = nx.read_graphml(tmp_path / "g.graphml", force_multigraph=True)
    assert (len(read), read.number_of_edges()) == (written.nodes, written.edges)
    wanted = {f"{kind}:{key}" for kind in ("item", "maker") for key in graph.nodes(kind).keys.to_list()}
    assert {text_of_xml(node) for node in read} == wanted
    for node, data in read.nodes(data=True):
        assert text_of_xml(node) == f"{data['kind']}:{text_of_xml(data['key'])}"
        assert data["kind"] == "maker" or text_of_xml(data["note"]) == text_of_xml(data["key"])
    assert {text_of_xml(data["relation"]) for _, _, data in read.edges(data=True)} == {"made\x1bby"}
    # Carriage returns, line feeds and tabs need no escape.
    assert {"item:a\r\nb", "item:tab\there", "item:a\rb"} <= set(read)


def test_triples_of_hostile_texts(graph: KnowledgeGraph, tmp_path: Path) -> None:
    written = write_graph(graph, tmp_path / "g.tsv")
    lines = (tmp_path / "g.tsv").read_bytes().decode().split("\n")
    assert [len(line.split("\t")) for line in lines[:-1]] == [3] * (written.edges + 1)
    triples = read_rows(tmp_path / "g.tsv")
    assert triples["head"].str.removeprefix("item:").tolist() == triples["tail"].str.removeprefix("maker:").tolist()
    assert {key.removeprefix("item:") for key in triples["head"]} == set(graph.item_ids.to_list())


def test_node_link_json_of_hostile_texts(graph: KnowledgeGraph, tmp_path: Path) -> None:
    write_graph(graph, tmp_path / "g.json")
    read = nx.node_link_graph(json.loads((tmp_path / "g.json").read_bytes()), edges="edges")
    assert {data["key"] for _, data in read.nodes(data=True)} == set(graph.item_ids.to_list())


def test_splits(tmp_path: Path, graph: KnowledgeGraph) -> None:
    write_split(split_random(graph.interactions(), seed=1), graph, tmp_path)
    parts = [read_interactions([tmp_path / f"{name}.tsv"]) for name in ("train", "valid", "test")]
    assert {item for part in parts for item in part.items} == {
        graph.item_ids.to_list()[int(graph.interactions().items[0])]
    }


def test_half_of_a_character_is_no_id(graph: KnowledgeGraph) -> None:
    """As an argument has it whose bytes are no UTF-8."""
    assert graph.item_ids.positions(["caf\udce9", "007"]).tolist() == [-1, graph.item_ids.find("007")]
    event = Event.of("caf\udce9", "007", "item", "buy")
    assert event.id
