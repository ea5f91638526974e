"""`whypath export`: vectors and recommendations into files, and into a real Neo4j's graph."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from kg.opening import open_store
from kg.stores.neo4j.names import label_spelling
from tests.neo4j_server import Server
from tests.workshop import Workshop
from whypath.cli import main
from whypath.engine import Engine


def export(store: str | Path, bundle: Path, *arguments: str | Path) -> int:
    return main(["export", "--store", str(store), "--bundle", str(bundle), *(str(argument) for argument in arguments)])


def test_files_hold_what_the_engine_says(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(workshop.store, workshop.bundle, "--recommendations", "5", "--out", tmp_path / "recs.tsv") == 0
    with (tmp_path / "recs.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    with Engine.open(workshop.store, workshop.bundle) as engine:
        graph = engine.graph
        users = graph.nodes(graph.schema.user_kinds[0]).keys.to_list()
        assert len(rows) == 5 * len(users)
        user = users[3]
        assert [row["item"] for row in rows if row["user"] == user] == [i.item for i in engine.recommend(user, 5).items]
        similar = [found.item for found in engine.similar(graph.item_ids[0], 10).items]
    for name in ("v.parquet", "v.tsv"):
        assert export(workshop.store, workshop.bundle, "--vectors", "--dimensions", "64", "--out", tmp_path / name) == 0
    table = pq.read_table(tmp_path / "v.parquet")
    assert table["item"].to_pylist() == graph.item_ids.to_list()
    results, queries = (np.array(table[name].to_pylist(), dtype=np.float32) for name in ("vector", "query_vector"))
    assert results.shape == queries.shape == (graph.n_items, 64)
    nearest = np.argsort(-(results @ queries[0]))
    near = [graph.item_ids[item] for item in nearest.tolist() if item != 0][:10]
    assert len(set(near) & set(similar)) >= 8
    with (tmp_path / "v.tsv").open(newline="") as file:
        first = next(csv.DictReader(file, delimiter="\t"))
    assert np.array(first["vector"].split(), dtype=np.float32) == pytest.approx(results[0], abs=1e-6)
    assert "vectors of" in capsys.readouterr().err


def test_what_cannot_be_done_is_said_first(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, words in (
        (["--vectors", "--to-store"], "--out"),
        (["--recommendations", "5", "--to-store"], "--out"),
        (["--vectors", "--out", tmp_path / "v.csv"], ".parquet or .tsv"),
        (["--vectors", "--out", tmp_path / "no" / "v.tsv"], "create it first"),
        (["--vectors", "--users", "users.tsv", "--out", tmp_path / "v.tsv"], "--users is for"),
        (["--recommendations", "5", "--dimensions", "9", "--out", tmp_path / "r.tsv"], "--dimensions is for"),
    ):
        assert export(workshop.store, workshop.bundle, *arguments) == 2
        assert words in capsys.readouterr().err
    for arguments in ([], ["--vectors"], ["--vectors", "--dimensions", "4097", "--to-store"]):
        with pytest.raises(SystemExit):
            export(workshop.store, workshop.bundle, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_graph_holds_what_the_engine_says(
    workshop: Workshop, empty_neo4j: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for (name,) in empty_neo4j.query("SHOW INDEXES YIELD name, type WHERE type = 'VECTOR' RETURN name"):
        empty_neo4j.query(f"DROP INDEX `{name}`")
    assert main(["load", str(workshop.domain), "--store", "neo4j"]) == 0
    capsys.readouterr()
    assert export("neo4j", workshop.bundle, "--recommendations", "5", "--to-store", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    with Engine.open("neo4j", workshop.bundle) as engine:
        graph = engine.graph
        (user_kind,), (item_kind, *_) = graph.schema.user_kinds, graph.schema.item_kinds
        users = graph.nodes(user_kind).keys.to_list()
        assert told == {"written_to": "neo4j", "users": len(users), "rows": 5 * len(users), "missing": 0}
        listed = (
            "MATCH (u {key: $user})-[r:RECOMMENDED]->(i) RETURN i.key, r.score, r.bundle, r.time > 1e9 ORDER BY r.rank"
        )
        digest = engine.bundle.record.digest[:16]
        for user in users[:3]:
            found = [(key, pytest.approx(score, abs=1e-5)) for key, score, *_ in empty_neo4j.query(listed, user=user)]
            assert [(i.item, i.score) for i in engine.recommend(user, 5).items] == found
            assert [row[2:] for row in empty_neo4j.query(listed, user=user)] == [[digest, True]] * 5
        (tmp_path / "users.tsv").write_text(f"user\n{users[0]}\nnobody\n")
        some = ("--recommendations", "2", "--users", tmp_path / "users.tsv", "--to-store")
        assert export("neo4j", workshop.bundle, *some) == 0
        assert "1 users are not in the store" in capsys.readouterr().err
        assert [len(empty_neo4j.query(listed, user=user)) for user in users[:2]] == [2, 5]
        assert export("neo4j", workshop.bundle, "--vectors", "--to-store") == 0
        label = label_spelling(item_kind)
        asked = (
            f"MATCH (i:`{label}` {{key: $key}}) CALL db.index.vector.queryNodes($index, 80, i.query_vector)"
            " YIELD node, score WHERE node <> i RETURN node.key ORDER BY score DESC LIMIT 10"
        )
        shared = 0
        for key in graph.nodes(item_kind).keys.to_list()[:10]:
            near = empty_neo4j.query(asked, key=key, index=f"whypath_{label}_vector")
            shared += len({row[0] for row in near} & {found.item for found in engine.similar(key, 10).items})
        assert shared >= 95
        # Nothing of it is content: another machine reads the same graph, and the bundle fits it.
        assert open_store("neo4j").snapshot().digest == graph.digest
