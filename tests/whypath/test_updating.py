"""`whypath train --update` and `Engine.update`: a bundle takes in what its store has now, without a training."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import whypath.models.updating as updating
from encoders.behavior import EASESettings
from fusion.settings import FusionSettings
from fusion.updating import updated_model
from kg.ingest import NodeUpsert
from tests.fusion.small import with_blocks
from tests.workshop import Workshop
from whypath import Engine
from whypath.cli import main
from whypath.models.bundle import Bundle, BundleError, NotTrained
from whypath.models.training import NothingToTrainOn

Call = Callable[..., int]
SETTINGS = with_blocks("ease", "rp3beta", "ials", "shared")
NEW = "a new item"


@pytest.fixture(scope="module")
def trained(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store and a bundle that was trained on its events; copied by each test."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(workshop.store, folder / "store")
    with Engine.open(folder / "store") as engine:
        engine.train(settings=SETTINGS, text=False, seed=1)
        engine.save(folder / "bundle")
    return folder


@pytest.fixture
def place(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHYPATH_DATA", str(tmp_path / "data"))
    shutil.copytree(trained / "store", tmp_path / "store")
    with Engine.open(tmp_path / "store") as engine:
        engine.load(trained / "bundle")
        assert engine.bundle.record.data.train is None
    shutil.copytree(trained / "bundle", tmp_path / "bundle")
    return tmp_path


def update(place: Path, *more: str) -> int:
    return main(["train", "--update", "--store", str(place / "store"), "--bundle", str(place / "bundle"), *more])


def grow(engine: Engine, user: str = "newcomer") -> None:
    """Write a new item with facts, and events of new users on it and on a known item."""
    graph = engine.graph
    kind, known, *_ = graph.schema.item_kinds[0], *graph.item_ids
    engine.upsert(NodeUpsert(kind, NEW, "A new item", ""))
    users = [user, *(f"{user} {number}" for number in range(4))]
    engine.record(*(engine.event(each, item, weight=5) for each in users for item in (known, NEW)))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_takes_in_what_came(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Bundle.load(place / "bundle")
    with Engine.open(place / "store") as engine:
        grow(engine)
    assert update(place, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    after = Bundle.load(place / "bundle")
    assert told["updated"] is True
    assert (told["new_events"], told["new_items"]) == (10, 1)
    assert set(told["blocks"]) | set(told["kept"]) == set(before.model.states)
    assert told["kept"] == ["shared"]
    assert told["digest"] == after.record.digest != before.record.digest
    record = after.record.updated
    assert record is not None
    assert (record.of, record.number, record.trained) == (before.record.digest, 1, before.record.data)
    assert after.record.data.n_events == before.record.data.n_events + 10
    assert after.record.choices == before.record.choices
    with Engine.open(place / "store", place / "bundle") as engine:
        assert NEW in [item.item for item in engine.recommend_for([engine.graph.item_ids[1]], k=80)]
        # The closed form is that of a training on these events.
        ease = after.model.states["ease"]
        engine.train(settings=SETTINGS.model_copy(update={"blocks": ("ease",)}), text=False, seed=1)
        chosen = EASESettings.model_validate(dict(ease.settings))
        whole = engine.bundle.model.states["ease"]
        if EASESettings.model_validate(dict(whole.settings)) == chosen:
            np.testing.assert_array_equal(whole.tensors["weights"], ease.tensors["weights"])


def test_an_evaluation_says_that_the_bundle_was_updated(
    place: Path, workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate = ["evaluate", "--store", place / "store", "--bundle", place / "bundle", "--test", workshop.test]
    assert main([str(word) for word in evaluate]) == 0
    assert "was updated" not in capsys.readouterr().err
    with Engine.open(place / "store") as engine:
        grow(engine)
    assert update(place) == 0
    assert main([str(word) for word in evaluate]) == 0
    assert "test events among them are not held out" in capsys.readouterr().err


def test_an_evaluation_on_events_of_the_histories_says_so(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Engine.open(place / "store") as engine:
        events = engine.graph.interactions()
        rows = [
            f"{events.user_ids[u]},{engine.graph.item_ids[i]}"
            for u, i in zip(events.users[:50], events.items[:50], strict=True)
        ]
    test = tmp_path / "test.csv"
    test.write_text("user,item\n" + "\n".join(rows) + "\n")
    assert (
        main(["evaluate", "--store", str(place / "store"), "--bundle", str(place / "bundle"), "--test", str(test)]) == 0
    )
    assert "50 of 50 items are in the histories already" in capsys.readouterr().err


def test_without_anything_new_nothing_is_written(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(place / "bundle")
    assert update(place) == 0
    assert "nothing new: the model has all events, items and facts of the store" in capsys.readouterr().out
    assert content(place / "bundle") == before
    with Engine.open(place / "store") as engine:
        grow(engine)
    assert update(place) == 0
    said = capsys.readouterr()
    assert "(+10 events, 1 new items)" in said.out
    assert "as trained: shared" in said.out
    assert "keep" in said.err
    before = content(place / "bundle")
    assert update(place, "--json") == 0
    assert json.loads(capsys.readouterr().out)["updated"] is False
    assert content(place / "bundle") == before


@pytest.mark.parametrize(
    "flags",
    [
        ("--seed", "2"),
        ("--no-graph",),
        ("--only", "ease"),
        ("--force",),
        ("--train", "train.tsv"),
        ("--min-users", "1"),
    ],
)
def test_an_update_keeps_the_settings_of_the_bundle(
    place: Path, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(place / "bundle")
    assert update(place, *flags) == 2
    assert f"--update keeps all settings of the bundle, and {flags[0]} is for a training" in capsys.readouterr().err
    assert content(place / "bundle") == before


def test_what_cannot_be_updated_is_refused(place: Path, workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(place / "bundle")
    assert update(place) == 2
    assert "is not a bundle (it has no bundle.json); `whypath train --bundle" in capsys.readouterr().err
    shutil.copytree(workshop.bundle, place / "bundle")
    assert update(place) == 2
    assert "the bundle was trained on files (train.tsv)" in capsys.readouterr().err
    with Engine.open(place / "store") as engine, pytest.raises(NotTrained):
        engine.update()


def test_another_domain_is_refused(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((place / "bundle" / "bundle.json").read_text())
    record["data"]["schema_digest"] = "0" * 32
    (place / "bundle" / "bundle.json").write_text(json.dumps(record))
    assert update(place) == 2
    assert "has other node kinds, fields, relations, interactions, or rules" in capsys.readouterr().err


def test_a_store_without_events_is_refused(place: Path) -> None:
    with Engine.open(place / "store", place / "bundle") as engine:
        for user in engine.graph.interactions().user_ids:
            engine.forget(user)
        with pytest.raises(NothingToTrainOn, match="no positive event left"):
            engine.update()


def test_an_interrupted_update_leaves_the_bundle(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = content(place / "bundle")
    with Engine.open(place / "store", place / "bundle") as engine:
        grow(engine)
        former = engine.bundle
        for what in ("updated_model", "popularity_blend"):
            with monkeypatch.context() as patch:
                patch.setattr(updating, what, interrupted)
                with pytest.raises(KeyboardInterrupt):
                    engine.update(place / "bundle")
        assert content(place / "bundle") == before
        assert engine.bundle is former
        assert engine.update(place / "bundle").updated
    assert content(place / "bundle") != before


def test_a_bundle_that_was_replaced_meanwhile_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replaced(*given, **options):
        with Engine.open(place / "store") as other:
            other.train(text=False, only="popularity")
            other.save(place / "bundle", force=True)
        return updated_model(*given, **options)

    with Engine.open(place / "store", place / "bundle") as engine:
        grow(engine)
        monkeypatch.setattr(updating, "updated_model", replaced)
        with pytest.raises(BundleError, match="holds something else than the bundle that this update began with"):
            engine.update(place / "bundle")
    assert set(Bundle.load(place / "bundle").model.states) == {"popularity"}


def test_another_model_in_use_meanwhile_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine.open(place / "store", place / "bundle") as engine:
        grow(engine)

        def swapped(*given, **options):
            engine.swap(place / "bundle")
            return updated_model(*given, **options)

        monkeypatch.setattr(updating, "updated_model", swapped)
        with pytest.raises(BundleError, match="taken into use during the update"):
            engine.update()
        assert engine.bundle.record.updated is None


def test_readers_have_the_former_model_or_the_new_one_and_no_gap(place: Path) -> None:
    with Engine.open(place / "store", place / "bundle", freshness=0.02) as engine:
        grow(engine)
        user = engine.graph.interactions().user_ids[0]
        failures: list[object] = []
        answers: list[set[tuple[str, float]]] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                try:
                    answers.append({(item.item, item.score) for item in engine.recommend(user, k=20)})
                except Exception as error:
                    failures.append(error)

        def scores() -> set[tuple[str, float]]:
            return {(item.item, item.score) for item in engine.recommend(user, k=10_000)}

        former = scores()
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        report = engine.update(place / "next")
        new = scores()
        over.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert answers
        assert all(listed <= former or listed <= new for listed in answers)
        assert (report.path, report.digest) == (place / "next", engine.bundle.record.digest)
        # A second one continues from it, and its own folder may be replaced.
        engine.record(engine.event("newcomer", engine.graph.item_ids[3], weight=5))
        second = engine.update(place / "next")
        assert (second.new_events, second.new_items) == (1, 0)
        record = Bundle.load(place / "next").record.updated
        assert record is not None
        assert (record.number, record.of, record.trained.n_events) == (
            2,
            report.digest,
            Bundle.load(place / "bundle").record.data.n_events,
        )
        with pytest.raises(BundleError, match="holds something else than the bundle that this update began with"):
            engine.update(place / "bundle")


def test_who_was_in_the_training_or_came_in_by_an_update_is_named_when_forgotten(place: Path) -> None:
    shutil.rmtree(place / "bundle")
    with Engine.open(place / "store") as engine:
        engine.train(settings=FusionSettings(blocks=("ease",)), text=False)
        engine.save(place / "bundle")
    with Engine.open(place / "store", place / "bundle") as engine:
        old, item = engine.graph.interactions().user_ids[0], engine.graph.item_ids[0]
        grow(engine)
        engine.update()
        engine.record(engine.event("last", item, weight=5))
        engine.update()
        engine.save(place / "bundle", force=True)
        for user in (old, "newcomer", "last"):
            assert [bundle.path for bundle in engine.trained_with(user)] == [str(place / "bundle")], user
        assert engine.trained_with("no one") == []
        weights = engine.bundle.model.states["ease"].tensors["weights"]
        assert engine.forget(old).found
        report = engine.update(place / "bundle")
        assert report.new_events < 0
        assert (engine.bundle.model.states["ease"].tensors["weights"] != weights).any()
        # The parts that stay as they were trained keep traces of them.
        assert [bundle.path for bundle in engine.trained_with(old)] == [str(place / "bundle")]


def test_the_record_of_an_update_is_checked(place: Path) -> None:
    with Engine.open(place / "store", place / "bundle") as engine:
        grow(engine)
        engine.update(place / "bundle")
    path = place / "bundle" / "bundle.json"
    record = json.loads(path.read_text())
    for name, value in (("at", "yesterday"), ("number", 0), ("new_items", -1), ("of", 1), ("more", 1)):
        path.write_text(json.dumps({**record, "updated": {**record["updated"], name: value}}))
        with pytest.raises(BundleError, match=f"updated.{name}"):
            Bundle.load(place / "bundle")


def test_updating_needs_no_torch(place: Path) -> None:
    code = f"""
import sys
from whypath import Engine
with Engine.open({str(place / "store")!r}, {str(place / "bundle")!r}) as engine:
    engine.record(engine.event("newcomer", engine.graph.item_ids[0], weight=5))
    assert engine.update({str(place / "bundle")!r}).updated
assert not {{"torch", "transformers"}} & set(sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
