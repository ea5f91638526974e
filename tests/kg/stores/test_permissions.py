"""What says what people did is its owner's alone, whatever the umask, and also what earlier versions left open."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.graph_view.sidecar import Kept, Sidecar
from kg.opening import open_store
from kg.rows import Event
from kg.stores.embedded import EmbeddedStore
from kg.stores.event_log import EventLog
from kg.stores.event_queue import EventQueue
from kg.stores.refused_events import RefusedEvent
from whypath.testing.stores.base import dangling, expected, load, same
from whypath.testing.stores.domain import films_schema

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")

VIEW = Event.of("ann", "1", "film", "view", time=1.0)


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """Entries of a folder, and itself, that others may read, write or enter."""
    return [str(path) for path in (folder, *folder.rglob("*")) if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def opened_up(folder: Path) -> None:
    """As an earlier version left it under the usual umask."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("wal", [False, True])
def test_a_store(umask: int, wal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.stores.sqlite.journal.wal_is_safe", lambda _: wal)
    store = EmbeddedStore.open(tmp_path / "store", create=True)
    load(store)
    store.append_events([VIEW])
    store.remember_quarantine(tmp_path / "bad.jsonl")
    store.state()
    names = {path.name for path in (tmp_path / "store").iterdir()}
    assert {
        "store.sqlite",
        "write.lock",
        "load.lock",
        "quarantines.json",
        f"store.sqlite-{'wal' if wal else 'journal'}",
    } <= names
    assert [path for path in open_to_others(tmp_path / "store") if "snapshots/" not in path] == []


def test_a_store_that_was_open_is_closed_once(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    store = EmbeddedStore.open(folder, create=True)
    load(store)
    store.snapshot()
    store.close()
    (folder / "owner-only").unlink()
    opened_up(folder)
    reading = EmbeddedStore.open(folder)
    reading.snapshot()
    assert open_to_others(folder)
    reading.append_events([VIEW])
    assert open_to_others(folder) == []
    # What the owner opens on purpose stays open.
    (folder / "store.sqlite").chmod(0o640)
    folder.chmod(0o750)
    again = EmbeddedStore.open(folder, create=True)
    again.delete_user("ann")
    load(again, replace=True)
    assert stat.S_IMODE((folder / "store.sqlite").stat().st_mode) == 0o640
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_other_things_in_the_folder_stay_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    (folder / "page.html").touch(mode=0o644)
    (folder / "write.lock").symlink_to(folder / "page.html")
    load(open_store(folder, create=True))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "page.html").stat().st_mode) == 0o644
    assert stat.S_IMODE((folder / "store.sqlite").stat().st_mode) == 0o600


def test_queues_and_logs(umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYPATH_DATA", str(tmp_path / "data"))
    queue = EventQueue("bolt://films")
    queue.put([VIEW], films_schema(), 0)
    queue._refused.add([RefusedEvent(VIEW, "why not")])
    with queue.held():
        queue.forget("bob")
    log = EventLog(tmp_path / "log" / "events.sqlite")
    log.append([VIEW])
    assert open_to_others(tmp_path / "data") + open_to_others(tmp_path / "log") == []
    assert {path.name for path in queue._folder.iterdir()} >= {"events.sqlite", "store.json", "refused.jsonl"}
    queue.close()
    log.close()
    opened_up(queue._folder)
    opened_up(tmp_path / "log")
    EventLog(tmp_path / "log" / "events.sqlite").close()
    assert EventQueue(queue.url).count() == 1
    assert open_to_others(queue._folder) + open_to_others(tmp_path / "log") == []


def test_the_folder_beside_a_description(umask: int, tmp_path: Path) -> None:
    def keep() -> None:
        sidecar = Sidecar(tmp_path / "films.yaml")
        sidecar.events.append([VIEW])
        sidecar.keep(Kept(1, {"film": 1}, "{}", "a", "b", 0))
        with sidecar.exclusive():
            pass
        sidecar.close()

    keep()
    assert open_to_others(tmp_path / ".whypath") == []
    opened_up(tmp_path / ".whypath")
    keep()
    assert open_to_others(tmp_path / ".whypath") == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becomes another user, which needs root")
def test_who_may_read_a_store_can_read_it() -> None:
    folder = Path("/tmp") / f"whypath-readers-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        store = EmbeddedStore.open(folder, create=True)
        load(store)
        store.snapshot()
        store.close()
        opened_up(folder)
        child = os.fork()
        if not child:
            outcome = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                reader = EmbeddedStore.open(folder)
                reader.state()
                if same(reader.snapshot(), expected()) and dangling(reader) == 0:
                    outcome = 0
            finally:
                os._exit(outcome)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)
