"""What a deletion's report says of cached snapshots of before, whole or half written, in which the user may stand."""

from __future__ import annotations

from dataclasses import replace

from kg.stores.cache import SnapshotCache
from kg.stores.protocol import DeletionReport


def with_snapshots(report: DeletionReport, cache: SnapshotCache, generation: int) -> DeletionReport:
    """The report of a deletion after everything before `generation`, the first without the user, is out of the cache.

    What cannot be removed counts as remaining. What another process is writing it removes itself when it is done, and
    if it dies, whoever opens the store next; until then it is named.
    """
    left = cache.clear_before(generation)
    unreached = [f"{path} (a snapshot of before, which cannot be removed)" for path in left.kept]
    unreached += [f"{path} (a snapshot of before, which another process is writing)" for path in left.written]
    return replace(report, remaining=report.remaining + len(left.kept), unreached=(*report.unreached, *unreached))
