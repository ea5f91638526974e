"""Report cached snapshots from before a deletion, whole or half written, that may contain the user."""

from __future__ import annotations

from dataclasses import replace

from kg.stores.cache import SnapshotCache
from kg.stores.protocol import DeletionReport


def with_snapshots(report: DeletionReport, cache: SnapshotCache, generation: int) -> DeletionReport:
    """The report of a deletion after removing snapshots before `generation`, the first without the user, from the
    cache.

    A snapshot that cannot be removed counts as remaining. A process that is writing one removes it when it is done, or
    if it is killed, the next process that opens the store does; until then the report names it.
    """
    left = cache.clear_before(generation)
    unreached = [f"{path} (a snapshot of before, which cannot be removed)" for path in left.kept]
    unreached += [f"{path} (a snapshot of before, which another process is writing)" for path in left.written]
    return replace(report, remaining=report.remaining + len(left.kept), unreached=(*report.unreached, *unreached))
