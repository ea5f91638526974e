"""A graph that is there already: proposed, edited, trained and explained from the command line; nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.rows import Event
from kg.schema import DomainSchema
from tests.kg import bookshop
from tests.neo4j_server import running
from whypath.cli import main
from whypath.engine import Engine

READ_ONLY = ("--set", "server.databases.default_to_read_only=true")


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def test_a_graph_is_proposed_edited_trained_and_explained_without_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / "server"
    with running(folder) as server:
        bookshop.build(server)
        before = bookshop.content(server)
    with running(folder, READ_ONLY) as server:
        monkeypatch.chdir(tmp_path)
        for name, value in server.settings().items():
            monkeypatch.setenv(name, value)
        domain = tmp_path / "shop" / "domain.yaml"
        domain.parent.mkdir()
        monkeypatch.delenv("NEO4J_URI")
        assert run("init", "--from", server.uri, "--out", domain) == 0
        # Whoever has written a description does not decide where a password goes.
        assert f"set NEO4J_URI={server.uri} " in capsys.readouterr().err
        assert run("load", domain) == 2
        assert f"set NEO4J_URI={server.uri}, " in capsys.readouterr().err
        monkeypatch.setenv("NEO4J_URI", server.uri)
        domain.unlink()
        assert run("init", "--from", server.uri, "--out", domain) == 0
        assert capsys.readouterr().err.endswith(f"check it, then: whypath load {domain}\n")
        check_proposal(domain)
        assert run("init", "--from", server.uri, "--out", domain) == 2  # it is there
        edit(domain)
        capsys.readouterr()
        assert run("load", domain, "--strict", "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["bad"], told["nodes"]) == ({}, 90 + 50 + 200 + 15 + 15 + 6)
        bundle = tmp_path / "bundle"
        shop = ("--store", domain, "--bundle", bundle)
        assert run("train", *shop, "--no-text", "--seed", "1") == 0
        capsys.readouterr()
        assert run("recommend", *shop, "--user", "c7@example.org", "-k", "5", "--json") == 0
        items = [item["item"] for item in json.loads(capsys.readouterr().out)["items"]]
        assert len(items) == 5
        assert run("explain", *shop, "--user", "c7@example.org", "--item", items[0], "--json") == 0
        explained = json.loads(capsys.readouterr().out)
        assert explained["paths"]
        assert run("graph", "show", f"game:{4_000_000}", "--store", domain) == 0
        assert "based on" in capsys.readouterr().out
        with Engine.open(str(domain), bundle) as engine:
            book = engine.graph.nodes("book").keys[0]
            assert engine.record(Event.of("somebody new", book, "book", "order", time=1.7e9)).written == 1
            assert engine.recommend("somebody new", 3).items
            report = engine.forget("c7@example.org")
            assert (report.found, report.remaining) == (True, 0)
            assert "still has the customer 'c7@example.org'" in report.left
        assert bookshop.content(server) == before
    # Beside the description: for its owner alone, and not for version control.
    sidecar = domain.parent / ".whypath"
    assert sidecar.stat().st_mode & 0o777 == 0o700
    assert (sidecar / ".gitignore").read_text() == "*\n"


def check_proposal(domain: Path) -> None:
    text = domain.read_text(encoding="utf-8")
    for said in (
        "customer: user kind of 200 nodes :Customer, key email (a constraint keeps it unique), name fullName",
        "game: item kind of 50 nodes :Game, key ean (unique and present)",
        "label Article: left out, as it is on nodes of several kinds (Book, Game)",
        "label Heartbeat (20 nodes): left out, no property of it could be a key",
        "label Order (800 nodes): left out, it is between users and items",
        "(:Customer) -[:PLACED]-> (:Order) -[:CONTAINS]-> (:Book/:Game)",
    ):
        assert said in text
    found = DomainSchema.read(domain)
    assert found.item_kinds == ("book", "game")
    assert found.user_kinds == ("customer",)
    assert found.entity_kinds == ("author", "publisher", "tag")
    assert set(found.relation_kinds) == {
        "has_tag", "written_by", "based_on", "published_by.book.publisher", "published_by.game.publisher",
    }  # fmt: skip
    order, rated = found.interactions["order"], found.interactions["rated"]
    assert order.path is not None
    assert order.columns is not None
    assert (order.path.first.type, order.path.node, order.path.last.type) == ("PLACED", ("Order",), "CONTAINS")
    assert (order.columns.time, order.columns.weight) == ("node.placedAt", "last.quantity")
    assert order.items == rated.items == ("book", "game")
    assert rated.relationship is not None
    assert rated.positive.min_weight == 4
    assert found.nodes["customer"].fields["birthDate"].sensitive


def edit(domain: Path) -> None:
    """What a person would correct: words of a relation, a field that is no use, orders that count."""
    text = domain.read_text(encoding="utf-8")
    for old, new in (
        ("    relationship: BASED_ON\n", "    relationship: BASED_ON\n    label: based on\n    inverse: basis of\n"),
        ("      players: integer\n", ""),
        ("    label: bought\n", "    label: bought\n    where: {node.status: paid}\n"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    domain.write_text(text, encoding="utf-8")
