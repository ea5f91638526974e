"""The cache of snapshots, which processes share without asking one another."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from kg.stores.cache import Leftovers, SnapshotCache
from whypath.testing.stores.base import expected, same


def test_many_writers_of_the_same_snapshot_are_at_peace(tmp_path: Path) -> None:
    graph = expected()
    errors: list[OSError] = []
    together = threading.Barrier(4)

    def write() -> None:
        together.wait()
        try:
            SnapshotCache(tmp_path).write(graph)
        except OSError as error:
            errors.append(error)

    for _ in range(3):
        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        kept = SnapshotCache(tmp_path).newest(graph.generation)
        assert kept is not None
        assert same(kept, graph)
        SnapshotCache(tmp_path).remove_before(graph.generation + 1)
        assert list(tmp_path.iterdir()) == []


def filled(cache: SnapshotCache, generations: range) -> None:
    """Cached snapshots of many generations at once, as after many processes of many moments."""
    first = expected().at_generation(generations[0]).save(cache.directory / f"generation-{generations[0]}-events-0")
    for generation in generations[1:]:
        shutil.copytree(first, cache.directory / f"generation-{generation}-events-0")


def test_many_may_drop_the_same_old_snapshots(tmp_path: Path) -> None:
    errors: list[BaseException] = []
    together = threading.Barrier(4)

    def drop(by: Callable[[SnapshotCache], object]) -> None:
        cache = SnapshotCache(tmp_path)
        together.wait()
        try:
            by(cache)
        except BaseException as error:
            errors.append(error)

    ways: list[Callable[[SnapshotCache], object]] = [
        lambda cache: cache.remove_before(20),
        lambda cache: cache.remove_before(20),
        lambda cache: cache.write(expected().at_generation(20)),
        lambda cache: cache.clear_before(20),
    ]
    for _ in range(3):
        filled(SnapshotCache(tmp_path), range(1, 20))
        threads = [threading.Thread(target=drop, args=(way,)) for way in ways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        # Who came too late for one may have left while another was at it.
        assert SnapshotCache(tmp_path).clear_before(20) == Leftovers()
        assert [path.name for path in tmp_path.iterdir()] == ["generation-20-events-0"]
        SnapshotCache(tmp_path).remove_before(21)


def test_processes_may_drop_the_same_old_snapshots(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from kg.stores.cache import Leftovers, SnapshotCache\n"
        "cache = SnapshotCache(Path(sys.argv[1]))\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "cache.remove_before(40); print(cache.generations())\n"
    )
    filled(SnapshotCache(tmp_path), range(1, 40))
    droppers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for dropper in droppers:
        assert dropper.stdout is not None
        assert dropper.stdout.readline() == "ready\n"
    for dropper in droppers:
        assert dropper.stdin is not None
        dropper.stdin.write("\n")
        dropper.stdin.flush()
    assert [dropper.communicate() for dropper in droppers] == [("[]\n", "")] * 3
    assert SnapshotCache(tmp_path).clear_before(40) == Leftovers()
    assert list(tmp_path.iterdir()) == []
