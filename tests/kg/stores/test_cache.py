"""The cache of snapshots, which processes share without asking one another."""

from __future__ import annotations

import threading
from pathlib import Path

from kg.stores.cache import SnapshotCache
from tests.kg.stores.contract import expected, same


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
