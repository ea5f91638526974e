"""A cache of snapshots that was damaged, or cannot be used, costs another read of the store and nothing else."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.graph import KnowledgeGraph
from kg.opening import open_store
from kg.rows import Event
from kg.stores.embedded.store import EmbeddedStore
from tests.damage import DAMAGES, Damage
from tests.powerless import only_where_permissions_are, run_powerless
from whypath.testing.stores.base import expected, load, same
from whypath.testing.stores.domain import EVENTS, films_schema

LATER = Event.of("bob", "11", "film", "view", time=9.0)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a cached snapshot, and an event more than that has."""
    directory = tmp_path_factory.mktemp("filled") / "store"
    store = open_store(directory, create=True)
    load(store)
    store.snapshot()
    store.append_events([LATER])
    store.close()
    return directory


def snapshot(directory: Path) -> KnowledgeGraph:
    """As another process would open it."""
    store = EmbeddedStore.open(directory)
    try:
        return store.snapshot()
    finally:
        store.close()


@given(st.lists(DAMAGES, min_size=1, max_size=3))
@settings(max_examples=30)
def test_a_damaged_cache_gives_the_right_answer(
    filled: Path, tmp_path_factory: pytest.TempPathFactory, damages: list[Damage]
) -> None:
    directory = tmp_path_factory.mktemp("damaged") / "store"
    shutil.copytree(filled, directory)
    for damage in damages:
        damage.do(directory / "snapshots")
        assert same(snapshot(directory), expected(events=[*EVENTS, LATER]))
    shutil.rmtree(directory.parent)


def test_what_is_dropped_is_said_and_made_again(filled: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "store"
    shutil.copytree(filled, directory)
    users = directory / "snapshots" / "generation-1-events-7" / "events-0-users.npy"
    users.write_bytes(bytes(users.stat().st_size))
    with caplog.at_level(logging.WARNING):
        snapshot(directory)
        (said,) = caplog.messages
        assert str(users) in said
        assert "the store is read instead" in said
        snapshot(directory)
    assert len(caplog.messages) == 1
    assert [path.name for path in (directory / "snapshots").iterdir()] == ["generation-1-events-8"]


def test_the_snapshot_of_another_moment_is_dropped(filled: Path, tmp_path: Path) -> None:
    directory = tmp_path / "store"
    shutil.copytree(filled, directory)
    (directory / "snapshots" / "generation-1-events-7").rename(directory / "snapshots" / "generation-1-events-8")
    assert same(snapshot(directory), expected(events=[*EVENTS, LATER]))


def test_an_interrupted_load_can_be_run_again_after_the_cache_was_damaged(filled: Path, tmp_path: Path) -> None:
    directory = tmp_path / "store"
    shutil.copytree(filled, directory)
    store = EmbeddedStore.open(directory)
    with store.begin_load(films_schema(), replace=False, source_digest=""):
        pass
    # Nobody is helped whose mapped files are cut while they are read.
    store.close()
    store = EmbeddedStore.open(directory)
    for cached in (directory / "snapshots").iterdir():
        (cached / "nodes-0.arrow").write_bytes(b"")
    load(store, events=[*EVENTS, LATER])
    assert same(store.snapshot(), expected(events=[*EVENTS, LATER]))
    store.close()


def test_the_cache_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(tmp_path / "store", create=True)
        load(store)
        graph = store.snapshot()
        store.close()
        # Whoever opens it next may note what was found right.
        for _ in range(2):
            assert same(snapshot(tmp_path / "store"), graph)
    finally:
        os.umask(before)
    places = [tmp_path / "store" / "snapshots", *(tmp_path / "store" / "snapshots").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in places if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in places if path.is_file()} == {0o600}


@pytest.mark.parametrize("stands_there", ["a file", "a link to nowhere", "a folder in place of the snapshot"])
def test_a_cache_that_cannot_be_kept_stops_nobody(
    filled: Path, tmp_path: Path, stands_there: str, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "store"
    shutil.copytree(filled, directory)
    cache = directory / "snapshots"
    shutil.rmtree(cache)
    if stands_there == "a file":
        cache.write_text("mine")
    elif stands_there == "a link to nowhere":
        cache.symlink_to(tmp_path / "nowhere")
    else:
        (cache / "generation-1-events-8" / "mine").mkdir(parents=True)
    assert same(snapshot(directory), expected(events=[*EVENTS, LATER]))
    assert len(caplog.messages) == 1


@only_where_permissions_are
@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_cache_of_somebody_else_stops_nobody(filled: Path, tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "store"
    shutil.copytree(filled, directory)
    cache = directory / "snapshots"
    (cache / "generation-1-events-7" / "nodes-0.arrow").write_bytes(b"")
    cache.chmod(mode)
    code = (
        "import sys; from kg.opening import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "for _ in range(2): print(store.snapshot().events_digest)\n"
        "store.close(); print(open_store(sys.argv[1]).delete_user('ann').remaining)\n"
    )
    done = run_powerless(code, directory)
    cache.chmod(0o700)
    assert done.returncode == 0, done.stderr
    digest = expected(events=[*EVENTS, LATER]).events_digest
    # The snapshot with the user is still there, and nobody may say otherwise.
    assert done.stdout.split() == [digest, digest, "1" if mode else "0"]
    assert "Traceback" not in done.stderr


@only_where_permissions_are
def test_a_snapshot_of_somebody_else_is_passed_over(filled: Path, tmp_path: Path) -> None:
    directory = tmp_path / "store"
    shutil.copytree(filled, directory)
    cache = directory / "snapshots"
    (cache / "generation-1-events-7").chmod(0)
    cache.chmod(0o500)
    code = "import sys; from kg.opening import open_store; print(open_store(sys.argv[1]).snapshot().events_digest)"
    done = run_powerless(code, directory)
    cache.chmod(0o700)
    (cache / "generation-1-events-7").chmod(0o700)
    assert (done.returncode, done.stdout.strip()) == (0, expected(events=[*EVENTS, LATER]).events_digest)
    (said,) = done.stderr.splitlines()
    assert "has another owner and cannot be read" in said
