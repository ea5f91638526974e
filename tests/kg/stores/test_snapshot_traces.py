"""Forgetting a user who stands in a half-written snapshot: it is removed, or named where its writer lives."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.durable import PartialFile, directory_written_whole
from kg.rows import NodeRow
from kg.stores.embedded.store import EmbeddedStore
from whypath.testing.stores.base import load
from whypath.testing.stores.domain import NODES

USER = "very-secret-user-key"

KILLED = """\
import os, signal, sys
import kg.graph.files as files
from kg.opening import open_store

write = files._write_events
def killed(*arguments):
    write(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
files._write_events = killed
open_store(sys.argv[1]).snapshot()
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore.open(tmp_path / "store", create=True)
    load(store, nodes=[*NODES, NodeRow("viewer", USER, "Somebody")])
    yield store
    store.close()


def traces(store: EmbeddedStore) -> list[Path]:
    files = [path for path in store.directory.rglob("*") if path.is_file()]
    return [path for path in files if USER.encode() in path.read_bytes()]


def killed_while_writing(store: EmbeddedStore) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(store.directory)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert any(".partial" in str(path) for path in traces(store))


def test_what_a_killed_writer_left_goes_with_the_user(store: EmbeddedStore) -> None:
    killed_while_writing(store)
    report = store.delete_user(USER)
    assert (report.found, report.remaining, report.unreached) == (True, 0, ())
    assert traces(store) == []


def test_also_where_the_user_is_gone_already(store: EmbeddedStore) -> None:
    killed_while_writing(store)
    partial = store.directory / "snapshots"
    partial.rename(store.directory / "aside")
    store.delete_user(USER)
    (store.directory / "aside").rename(partial)
    report = store.delete_user(USER)
    assert (report.found, report.remaining, report.unreached) == (False, 0, ())
    assert traces(store) == []


def test_the_next_reader_clears_it_away_too(store: EmbeddedStore) -> None:
    killed_while_writing(store)
    store.snapshot()
    assert not any(".partial" in str(path) for path in traces(store))


def test_a_writer_that_lives_is_named(store: EmbeddedStore) -> None:
    graph = store.snapshot()
    cached = store.directory / "snapshots" / "generation-1-events-8"
    with directory_written_whole(cached) as partial:
        (partial / "users").write_text(USER)
        report = store.delete_user(USER)
        assert report.remaining == 0
        (unreached,) = report.unreached
        assert str(partial) in unreached
        assert "another process is writing" in unreached
        # One of a later generation cannot hold the user.
        later = store.directory / "snapshots" / "generation-2-events-7"
        with directory_written_whole(later):
            assert str(later) not in str(store.delete_user("nobody").unreached)
    assert graph.nodes("viewer").keys.find(USER) >= 0
    # What it has put there all the same goes with the next reader, whatever becomes of its writer.
    assert USER in (cached / "users").read_text()
    again = EmbeddedStore.open(store.directory)
    assert again.snapshot().nodes("viewer").keys.find(USER) < 0
    again.close()
    assert traces(store) == []


def test_quarantine_files_that_a_killed_load_left_go_too(store: EmbeddedStore, tmp_path: Path) -> None:
    place = tmp_path / "quarantine.jsonl"
    place.write_text("")
    store.remember_quarantine(place)
    killed = (
        "import os, signal, sys; from pathlib import Path; from kg.durable import PartialFile\n"
        "partial = PartialFile(Path(sys.argv[1])); partial.file.write(sys.argv[2].encode()); partial.file.flush()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", killed, str(place), USER], check=False)
    (left,) = tmp_path.glob(".quarantine.jsonl.*.partial")
    assert left.read_text() == USER
    report = store.delete_user(USER)
    assert (report.remaining, report.unreached) == (0, ())
    assert not left.exists()
    with PartialFile(place):
        (unreached,) = store.delete_user("nobody").unreached
    assert "a load is writing it" in unreached
