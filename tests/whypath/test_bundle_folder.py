"""Where a bundle is written: nothing but a bundle is ever replaced, and at any kill there is a whole one."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kg.durable
from fusion.model import FusionModel
from fusion.model_files import read_model, write_model
from tests.whypath import bundle_victims
from tests.workshop import Workshop
from whypath.cli import main
from whypath.engine import Engine
from whypath.models.bundle import Bundle, BundleError, check_free

KILLS = 24
DELAY = 0.015
"""Seconds: about as long as a bundle is being written."""


@pytest.fixture(scope="module")
def engine(workshop: Workshop) -> Any:
    """With a model that is quick to write."""
    with Engine.open(workshop.store) as engine:
        engine.train(workshop.train, text=False, only="popularity")
        yield engine


@pytest.fixture
def bundle(engine: Engine, tmp_path: Path) -> Path:
    engine.save(tmp_path / "bundle")
    return tmp_path / "bundle"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): b"link" if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_force_replaces_a_bundle(engine: Engine, bundle: Path) -> None:
    (bundle / "popularity.parquet").write_bytes(b"damaged")
    with pytest.raises(BundleError, match="holds a bundle already; give --force"):
        engine.save(bundle)
    engine.save(bundle, force=True)
    Bundle.load(bundle)
    assert names(bundle.parent) == ["bundle"]


def store(folder: Path) -> None:
    (folder / "store").mkdir()
    (folder / "store" / "store.sqlite").write_text("events")


def in_the_record(folder: Path) -> None:
    """A store that the record calls its own."""
    store(folder)
    record = json.loads((folder / "bundle.json").read_text())
    record["files"]["store/store.sqlite"] = "0" * 64
    (folder / "bundle.json").write_text(json.dumps(record))


def unreadable(folder: Path) -> None:
    (folder / "bundle.json").write_text("{")
    (folder / "notes.txt").write_text("mine")


def linked_model(folder: Path) -> None:
    (folder / "model").rename(folder.parent / "model-elsewhere")
    (folder / "model").symlink_to("../model-elsewhere")


def linked_file(folder: Path) -> None:
    (folder / "popularity.parquet").rename(folder.parent / "elsewhere")
    (folder / "popularity.parquet").symlink_to("../elsewhere")


FOREIGN: list[tuple[Callable[[Path], object], str]] = [
    (store, "holds a bundle and 'store/', which are not part of it"),
    (lambda folder: (folder / "notes.txt").write_text("mine"), "'notes.txt'"),
    (lambda folder: (folder / ".hidden").write_text("mine"), "'.hidden'"),
    (lambda folder: (folder / "empty").mkdir(), "'empty/'"),
    (lambda folder: (folder / "model" / "notes.txt").write_text("mine"), "'model/notes.txt'"),
    (lambda folder: (folder / "model" / "block-ease.safetensors").write_text("mine"), "'model/block-ease.safetensors'"),
    (lambda folder: (folder / "model" / "model").mkdir(), "'model/model/'"),
    (lambda folder: (folder / "link").symlink_to("/etc"), "'link .not a regular file.'"),
    (lambda folder: os.mkfifo(folder / "pipe"), "'pipe .not a regular file.'"),
    (linked_model, "'model .not a regular file.'"),
    (linked_file, "'popularity.parquet .not a regular file.'"),
    (in_the_record, "'store/', which do not have the names of a bundle's files"),
    (unreadable, "'notes.txt', which do not have the names of a bundle's files .*bundle.json cannot be read"),
    (lambda folder: [(folder / f"n{n}").touch() for n in range(9)], "'n0', 'n1', 'n2', …, which"),
]


@pytest.mark.parametrize(("put", "message"), FOREIGN, ids=[message for _, message in FOREIGN])
def test_force_refuses_to_replace_anything_else(
    engine: Engine, bundle: Path, put: Callable[[Path], object], message: str
) -> None:
    put(bundle)
    before = contents(bundle)
    for refused in (lambda: check_free(bundle, force=True), lambda: engine.save(bundle, force=True)):
        with pytest.raises(BundleError, match=f"{message}.*; move away what you need of it, or name another folder"):
            refused()
    assert contents(bundle) == before


@pytest.mark.parametrize("content", ["{", '{"format": 99}', ""])
def test_a_bundle_whose_record_is_damaged_is_replaced(engine: Engine, bundle: Path, content: str) -> None:
    (bundle / "bundle.json").write_text(content)
    (bundle / "model" / "block-ease.safetensors").touch()
    engine.save(bundle, force=True)
    Bundle.load(bundle)


def test_what_is_put_there_while_a_bundle_is_written_is_kept(
    engine: Engine, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(model: FusionModel, folder: Path) -> None:
        write_model(model, folder)
        (bundle / "notes.txt").write_text("mine")

    monkeypatch.setattr("whypath.models.bundle.write_model", write)
    with pytest.raises(BundleError, match=r"notes\.txt"):
        engine.save(bundle, force=True)
    assert (bundle / "notes.txt").read_text() == "mine"
    assert names(bundle.parent) == ["bundle"]


def test_train_refuses_before_it_trains(workshop: Workshop, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(workshop.store, bundle / "store")
    command = ["train", "--store", str(bundle / "store"), "--bundle", str(bundle), "--no-text", "--only", "popularity"]
    assert main([*command, "--force"]) == 2
    said = capsys.readouterr().err
    assert "holds a bundle and 'store/'" in said
    assert "Fitting" not in said
    assert (bundle / "store" / "store.sqlite").exists()


@pytest.mark.parametrize("way", ["in one step", "in two steps"])
def test_a_link_stays_and_the_bundle_that_it_leads_to_is_replaced(
    engine: Engine, bundle: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "in two steps":
        monkeypatch.setattr(kg.durable, "exchange", lambda *_: False)
    link = bundle.parent / "current"
    link.symlink_to("bundle")
    (bundle / "popularity.parquet").write_bytes(b"damaged")
    engine.save(link, force=True)
    assert link.is_symlink()
    assert names(bundle.parent) == ["bundle", "current"]
    assert Bundle.load(link).record == Bundle.load(bundle).record == engine.bundle.record


def test_what_is_in_the_way_is_said(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / "nowhere").symlink_to("absent")
    (tmp_path / "to-file").symlink_to("file")
    (tmp_path / "round").symlink_to("round")
    for name, message in (
        ("file", "is a file; a bundle is a folder"),
        ("to-file", "is a file; a bundle is a folder"),
        ("nowhere", "is a link that leads nowhere; remove it, or create the folder .*absent"),
        ("round", "is a link that leads nowhere"),
        ("folder", "exists and is not a bundle; name a folder that does not exist"),
        ("file/inside", "file is not a folder, or may not be written to"),
        ("nul\0byte", "no bundle can be written to .*null byte"),
    ):
        for force in (False, True):
            with pytest.raises(BundleError, match=message):
                engine.save(tmp_path / name, force=force)
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    (tmp_path / "to-empty").symlink_to("empty")
    engine.save(tmp_path / "to-empty")
    engine.save(tmp_path / "deep" / "down")
    Bundle.load(tmp_path / "empty")
    Bundle.load(tmp_path / "deep" / "down")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_all_files_have_the_permissions_that_the_umask_leaves(workshop: Workshop, tmp_path: Path, umask: int) -> None:
    bundle = Bundle.load(workshop.bundle)
    before = os.umask(umask)
    try:
        bundle.save(tmp_path / "bundle")
        bundle.save(tmp_path / "bundle", force=True)
    finally:
        os.umask(before)
    for path in ((tmp_path / "bundle"), *(tmp_path / "bundle").rglob("*")):
        whole = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == whole & ~umask, path


def test_a_bundle_that_was_moved_aside_is_put_back_by_whoever_opens_it(engine: Engine, bundle: Path) -> None:
    """As a kill between two renames leaves it, where the system cannot exchange two names in one."""
    expected = contents(bundle)
    for opens in (
        lambda: Bundle.load(bundle),
        lambda: check_free(bundle, force=True),
        lambda: engine.save(bundle, force=True),
    ):
        bundle.rename(bundle.with_name(f".bundle.{'0' * 16}.former.partial"))
        opens()
        assert contents(bundle) == expected
        assert names(bundle.parent) == ["bundle"]


def test_a_reader_of_a_bundle_that_is_being_replaced_gets_the_old_or_the_new(
    workshop: Workshop, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundle is replaced after its digests were checked and before its model is read."""
    engine.save(tmp_path / "bundle")
    other = Bundle.load(workshop.bundle)
    replaced: list[int] = []

    def replacing(folder: Path) -> FusionModel:
        if not replaced:
            replaced.append(1)
            other.save(tmp_path / "bundle", force=True)
        return read_model(folder)

    monkeypatch.setattr("whypath.models.bundle.read_model", replacing)
    found = Bundle.load(tmp_path / "bundle")
    assert found.record == other.record
    assert set(found.model.states) == set(other.model.states)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
@pytest.mark.parametrize("in_one_step", [True, False])
def test_at_any_kill_the_old_or_the_new_bundle_is_there_whole(
    workshop: Workshop, bundle: Path, tmp_path: Path, in_one_step: bool
) -> None:
    seed = int(os.environ.get("WHYPATH_SEED", "0")) or random.randrange(1 << 30)
    print(f"WHYPATH_SEED={seed}")
    moments = random.Random(seed)
    place = tmp_path / "here" / "bundle"
    sources = (str(bundle), str(workshop.bundle))
    known = {Bundle.load(source).record.digest for source in sources}
    Bundle.load(bundle).save(place)
    spawner = multiprocessing.get_context("forkserver")
    spawner.set_forkserver_preload([bundle_victims.__name__])
    seen: set[str] = set()
    left = 0
    for _ in range(KILLS):
        receiving, sending = spawner.Pipe(duplex=False)
        process = spawner.Process(target=bundle_victims.save_in_turn, args=(str(place), sources, in_one_step, sending))
        process.start()
        sending.close()
        for _ in range(moments.randrange(1, 5)):
            receiving.recv()
        time.sleep(moments.uniform(0, DELAY))
        process.kill()
        process.join()
        left += len(names(place.parent)) > 1
        seen.add(Bundle.load(place).record.digest)
    assert seen == known
    # Else nothing was interrupted, and nothing tested.
    assert left > KILLS // 4
    Bundle.load(bundle).save(place, force=True)
    assert names(place.parent) == ["bundle"]
