"""`whypath forget`: a user goes from store, snapshots and queue, and the counts say so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fusion.settings import FusionSettings
from kg.opening import open_store
from tests.neo4j_server import Server
from tests.workshop import Workshop
from whypath.cli import main
from whypath.engine import Engine
from whypath.models.bundle import Bundle
from whypath.models.trained_bundles import TrainedBundles


@pytest.fixture
def store(workshop: Workshop, tmp_path: Path) -> Path:
    shutil.copytree(workshop.store, tmp_path / "store")
    return tmp_path / "store"


def test_a_user_is_removed_and_counted(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Engine.open(store) as engine:
        before = engine.graph
        kind = before.schema.user_kinds[0]
        user, other = before.nodes(kind).keys[3], before.nodes(kind).keys[4]
        events = sum(len(table) for table in before.events_of(user))
    assert events > 0
    assert main(["forget", user, "--store", str(store), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "user": user,
        "found": True,
        "events": events,
        "relations": 0,
        "recommendations": 0,
        "quarantined": 0,
        "snapshots": 1,
        "remaining": 0,
        "waiting": 0,
        "left": "",
        "unreached": [],
        "bundles": [],
    }
    after = open_store(store).snapshot()
    assert after.nodes(kind).keys.find(user) < 0 <= after.nodes(kind).keys.find(other)
    assert sum(map(len, after.events)) == sum(map(len, before.events)) - events
    # The second time there is nobody, which is said, and tells a script.
    assert main(["forget", user, "--store", str(store)]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"there is no user {user!r}\n")
    assert main(["forget", other, "--store", str(store)]) == 0
    said = capsys.readouterr().out
    assert f"user {other!r}\n" in said
    assert "0 remaining afterwards" in said


def test_what_waits_is_removed(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Engine.open(store, queue=True) as engine:
        graph = engine.graph
        item = graph.item_ids[0]
        events = [engine.event("newcomer", item, time=float(at)) for at in range(3)]
        kept = engine.event("another", item, time=1.0)
        engine.queue.put([*events, kept], graph.schema, 0)
        # As after a process that ended while the server was away: nothing delivers meanwhile.
        url = engine.store.url
    assert main(["forget", "newcomer", "--store", str(store), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["found"], told["events"], told["waiting"], told["remaining"]) == (True, 3, 3, 0)
    with Engine.open(url) as engine:
        assert [event.user for event in engine.queue.since(0)[0]] == ["another"]
        engine.queue.put(events[:1], graph.schema, 0)
    assert main(["forget", "newcomer", "--store", str(store)]) == 0
    assert "1 events removed  (1 of them waited on this machine)" in capsys.readouterr().out


def test_a_user_of_neo4j_loses_recommendations_too(
    workshop: Workshop, empty_neo4j: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", str(workshop.domain), "--store", "neo4j"]) == 0
    options = ("--store", "neo4j", "--bundle", str(workshop.bundle))
    assert main(["export", *options, "--recommendations", "4", "--to-store"]) == 0
    with Engine.open("neo4j") as engine:
        user = engine.graph.nodes(engine.graph.schema.user_kinds[0]).keys[0]
    capsys.readouterr()
    assert main(["forget", user, "--store", "neo4j", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["found"], told["recommendations"], told["remaining"]) == (True, 4, 0)
    assert empty_neo4j.query("MATCH (n {key: $user}) RETURN count(n)", user=user) == [[0]]


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine notes its bundles, nobody else's tests being among them."""
    monkeypatch.setenv("WHYPATH_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "bundles"


def trained(store: Path, bundle: Path, files: Path | None = None) -> tuple[str, str]:
    """Train a small bundle, on the store's events unless on a file; two users of the store."""
    settings = FusionSettings(blocks=("ease",), min_users=3)
    with Engine.open(store) as engine:
        engine.train(files, seed=4, text=False, only="ease", settings=settings)
        engine.save(bundle)
        users = engine.graph.interactions().user_ids
        return users[0], users[1]


def test_bundles_that_were_trained_with_the_user_are_named(
    store: Path, notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    user, other = trained(store, tmp_path / "bundle")
    with Engine.open(store) as engine:
        assert [bundle.path for bundle in engine.trained_with(user)] == [str(tmp_path / "bundle")]
        assert engine.trained_with("nobody") == []
        # A copy that this program made is known as well; one over another store is nobody's here.
        engine.load(tmp_path / "bundle").save(tmp_path / "copy")
    shutil.copytree(store, tmp_path / "elsewhere")
    with Engine.open(tmp_path / "elsewhere") as engine:
        assert engine.trained_with(user) == []
    assert {path.stat().st_mode & 0o777 for path in notes.iterdir()} == {0o600}
    assert not any(user.encode() in path.read_bytes() for path in notes.iterdir())
    assert main(["forget", user, "--store", str(store)]) == 0
    said = capsys.readouterr().err
    assert said.count("was trained with the user's events") == 2
    assert f"whypath train --store {store} --bundle {tmp_path / 'bundle'} --force" in said
    shutil.rmtree(tmp_path / "copy")
    assert main(["forget", user, "--store", str(store), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["bundles"] == [{"bundle": str(tmp_path / "bundle"), "files": [], "trained_again": False}]
    assert main(["forget", user, "--store", str(store), "--retrain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bundles"][0]["trained_again"] is True
    again = Bundle.load(tmp_path / "bundle")
    assert again.record.choices.seed == 4
    assert again.model.asked.min_users == 3
    assert list(again.model.states) == ["ease"]
    with Engine.open(store) as engine:
        assert again.record.data.n_users == len(engine.graph.interactions().user_ids)
        assert engine.trained_with(user) == []
        assert [bundle.path for bundle in engine.trained_with(other)] == [str(tmp_path / "bundle")]


def test_a_bundle_trained_on_files_is_not_trained_again(
    workshop: Workshop, store: Path, notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = shutil.copy(workshop.train, tmp_path / "train.tsv")
    user, _ = trained(store, tmp_path / "bundle", Path(files))
    before = (tmp_path / "bundle" / "bundle.json").read_bytes()
    assert main(["forget", user, "--store", str(store), "--retrain"]) == 0
    assert f"remove the user from {files}, and train it again" in capsys.readouterr().err
    assert (tmp_path / "bundle" / "bundle.json").read_bytes() == before


def test_a_bundle_is_saved_also_where_it_cannot_be_noted(
    store: Path, notes: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notes.parent.mkdir()
    notes.write_text("a file stands in the way")
    user, _ = trained(store, tmp_path / "bundle")
    assert "cannot be noted" in caplog.text
    assert Bundle.load(tmp_path / "bundle").record.data.n_users > 1
    assert TrainedBundles().trained_with(user, store.resolve().as_uri()) == []


def test_damaged_notes_say_nothing(store: Path, notes: Path, tmp_path: Path) -> None:
    user, _ = trained(store, tmp_path / "bundle")
    (note,) = notes.glob("*.users")
    content = note.read_bytes()
    url = store.resolve().as_uri()
    for damaged in (b"", b"{}", b"[1]\n", content[:-3], b"{" * 100_000, content.replace(b'"digest"', b'"digets"')):
        note.write_bytes(damaged)
        assert TrainedBundles().trained_with(user, url) == []
    note.write_bytes(content)
    assert len(TrainedBundles().trained_with(user, url)) == 1
