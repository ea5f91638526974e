"""Remove a user from WhyPath's files about an external graph on this machine, and report what remains in the graph."""

from __future__ import annotations

from dataclasses import replace

from kg.graph import KnowledgeGraph
from kg.graph_view.deleting import Deleted
from kg.graph_view.sidecar import Kept, Sidecar
from kg.stores.errors import StoreError
from kg.stores.protocol import DeletionReport
from kg.stores.snapshot_traces import with_snapshots


def forget(
    sidecar: Sidecar, kept: Kept | None, graph: KnowledgeGraph | None, user: str, kind: str, uri: str, deleted: Deleted
) -> DeletionReport:
    """Remove a user from the log of events and from the cached snapshot; the sidecar is held exclusively.

    `graph` is the snapshot that `kept` is the note of, `kind` the user kind, `deleted` what was removed in the graph at
    `uri`. Raises StoreError.
    """
    events = sidecar.events.remove_user(user)
    remaining = sidecar.events.count(user) + deleted.remaining
    generation = kept.generation if kept is not None else 0
    snapshots = 0
    note = ""
    if graph is not None and kept is not None and (_is_in(graph, kind, user) or events):
        if _is_in(graph, kind, user):
            left = sum(len(table) for table in graph.events_of(user))
            note = (
                f"the graph at {uri} still has the {kind} {user!r}, with {left:,} interactions at the last read; that"
                " is not WhyPath's to change and will be read again, so remove them there"
            )
        generation += 1
        graph = graph.without_users([user]).at_generation(generation)
        snapshots = int(sidecar.cache.write(graph))
        try:
            sidecar.keep(replace(kept, generation=generation, facts=graph.digest, events=graph.events_digest))
        except OSError as error:
            raise StoreError(f"the snapshot under {sidecar.directory} cannot be kept: {error}") from None
        remaining += int(_is_in(graph, kind, user))
    is_known = bool(note or snapshots or events or deleted.events or deleted.recommendations)
    if not note and deleted.nodes:
        note = f"the graph at {uri} has the {kind} {user!r}, whom WhyPath does not remove there"
    elif not note and not is_known:
        note = f"the graph at {uri} was not asked for the {kind} {user!r}; remove them there"
    report = DeletionReport(
        user, is_known, events + deleted.events, 0, snapshots, remaining, note, recommendations=deleted.recommendations
    )
    return with_snapshots(report, sidecar.cache, generation)


def _is_in(graph: KnowledgeGraph, kind: str, user: str) -> bool:
    return graph.nodes(kind).keys.find(user) >= 0
