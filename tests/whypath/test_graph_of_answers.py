"""Graphs in which what users do is two relationships away, from the command line: proposed, trained, and, where that is
asked for, written back to.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kg.opening import open_store
from tests.kg import bookshop, questions
from tests.kg.questions import FORWARD, MIXED, Shape
from tests.neo4j_server import Server
from whypath.cli import main

ANSWERS = questions.USERS * questions.ANSWERS_EACH


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("shape", [FORWARD, MIXED])
def test_questions_are_recommended_by_who_answered_what(
    shape: Shape, empty_neo4j: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions.build(empty_neo4j, shape, asked=True)
    before = bookshop.content(empty_neo4j)
    domain, bundle = tmp_path / "domain.yaml", tmp_path / "bundle"
    assert run("init", "--from", empty_neo4j.uri, "--out", domain) == 0
    capsys.readouterr()
    assert run("load", domain, "--strict", "--json") == 0
    found = told(capsys)
    assert (found["bad"], found["events"]) == ({}, ANSWERS)
    (table,) = open_store(domain).snapshot().events
    # The time is that of the node between.
    assert 1_600_000_000 <= table.times.min() <= table.times.max() < 1_650_000_000
    assert set(table.weights.tolist()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    shop = ("--store", domain, "--bundle", bundle)
    assert run("train", *shop, "--no-text", "--seed", "1") == 0
    capsys.readouterr()
    hits = explained = 0
    for user in range(24):
        assert run("recommend", *shop, "--user", str(100 + user), "-k", "3", "--json") == 0
        items = [item["item"] for item in told(capsys)["items"]]
        assert len(items) == 3
        # Questions of the subject that the user answers.
        hits += sum((int(item) - 7_000) % questions.SUBJECTS == user % questions.SUBJECTS for item in items)
        assert run("explain", *shop, "--user", str(100 + user), "--item", items[0], "--json") == 0
        explained += bool(told(capsys)["paths"])
    # Half of them, where a guess is right once in nine. More cannot be asked: scores are drawn at random, and three
    # answers of five have one that makes them no like.
    assert hits >= 36
    assert explained >= 1
    assert bookshop.content(empty_neo4j) == before


def test_results_go_into_the_graph_where_its_owner_allows_it(
    empty_neo4j: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for (name,) in empty_neo4j.query("SHOW INDEXES YIELD name, type WHERE type = 'VECTOR' RETURN name"):
        empty_neo4j.query(f"DROP INDEX `{name}`")
    # Of a test before this one.
    empty_neo4j.query("DROP CONSTRAINT whypath_event_id IF EXISTS")
    bookshop.build(empty_neo4j)
    before = bookshop.content(empty_neo4j)
    (tmp_path / "shop").mkdir()
    domain, bundle = tmp_path / "shop" / "domain.yaml", tmp_path / "bundle"
    assert run("init", "--from", empty_neo4j.uri, "--out", domain) == 0
    proposed = domain.read_text(encoding="utf-8")
    options = ("--only", "ease", "--seed", "1", "--json")
    shop = ("--store", domain, "--bundle", bundle)
    capsys.readouterr()
    assert run("train", *shop, *options) == 0
    trained = told(capsys)
    for what in (("--vectors",), ("--recommendations", "5")):
        assert run("export", *shop, *what, "--to-store") == 2
        assert "write `write: true` under `graph`" in capsys.readouterr().err
    assert bookshop.content(empty_neo4j) == before
    domain.write_text(proposed.replace("graph:\n", "graph:\n  write: true\n"), encoding="utf-8")
    book = open_store(domain).snapshot().nodes("book").keys[0]
    record = ("record", "--store", domain, "--user", "stranger", "--item", book, "--kind", "order")
    assert run(*record) == 0
    capsys.readouterr()
    assert run("export", *shop, "--recommendations", "5", "--to-store", "--json") == 0
    customers = bookshop.CUSTOMERS
    assert told(capsys) == {"written_to": str(domain), "users": customers, "rows": 5 * customers, "missing": 1}
    assert run("export", *shop, "--vectors", "--dimensions", "64", "--to-store", "--json") == 0
    items = bookshop.BOOKS + bookshop.GAMES
    assert told(capsys) == {"written_to": str(domain), "items": items, "missing": 0}
    # What is in the graph is what the commands say.
    listed = (
        "MATCH (:Customer {email: $user})-[r:WHYPATH_RECOMMENDED]->(i)"
        " RETURN toString(coalesce(i.isbn, i.ean)) ORDER BY r.rank"
    )
    for user in ("c3@example.org", "c77@example.org"):
        assert run("recommend", *shop, "--user", user, "-k", "5", "--json") == 0
        assert [[item["item"]] for item in told(capsys)["items"]] == empty_neo4j.query(listed, user=user)
    for label, key, count in (("Book", "isbn", bookshop.BOOKS), ("Game", "ean", bookshop.GAMES)):
        near = (
            f"MATCH (i:{label}) WITH i ORDER BY i.{key} LIMIT 1"
            f" CALL db.index.vector.queryNodes('whypath_{label}_vector', 500, i.whypath_query_vector) YIELD node"
            f" RETURN count(DISTINCT node.{key}), collect(DISTINCT node:{label})"
        )
        assert empty_neo4j.query(near) == [[count, [True]]]
    assert empty_neo4j.query("MATCH (c:Customer) RETURN count(c)") == [[customers]]
    # None of it is content: nothing has changed for training or for a proposal.
    assert run("load", domain, "--json") == 0
    assert told(capsys)["changed"] is False
    # The stranger, who was in the way of no one but is an event more, goes first.
    assert run("forget", "stranger", "--store", domain) == 0
    capsys.readouterr()
    assert run("train", *shop[:3], tmp_path / "again", *options) == 0
    same = {name: value for name, value in told(capsys)["data"].items() if "generation" not in name}
    assert same == {name: value for name, value in trained["data"].items() if "generation" not in name}
    tensors = [{f.name: f.read_bytes() for f in b.rglob("*.safetensors")} for b in (bundle, tmp_path / "again")]
    assert tensors[0] == tensors[1] != {}
    proposal = tmp_path / "shop" / "second.yaml"
    assert run("init", "--from", empty_neo4j.uri, "--out", proposal) == 0
    lines = [line for line in proposal.read_text(encoding="utf-8").splitlines() if "WhyPath has written" not in line]
    assert lines == proposed.splitlines()
    # A user who is forgotten has no recommendations any more.
    capsys.readouterr()
    assert run("forget", "c3@example.org", "--store", domain) == 0
    said = capsys.readouterr()
    assert "5 recommendations removed" in said.out
    assert "still has the customer 'c3@example.org'" in said.err
    assert empty_neo4j.query(listed, user="c3@example.org") == []
    # With what WhyPath has written taken out, as the documentation says, the owner has what the owner had.
    empty_neo4j.query("MATCH ()-[r:WHYPATH_EVENT|WHYPATH_RECOMMENDED]->() DELETE r")
    empty_neo4j.query("MATCH (n) REMOVE n.whypath_vector, n.whypath_query_vector")
    for label in ("Book", "Game"):
        empty_neo4j.query(f"DROP INDEX whypath_{label}_vector")
    empty_neo4j.query("DROP CONSTRAINT whypath_event_id IF EXISTS")
    assert bookshop.content(empty_neo4j)[:4] == before[:4]
