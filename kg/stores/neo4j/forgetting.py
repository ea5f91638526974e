"""Delete a user: node, edges and events in one transaction with a count that proves it, then the cached snapshots.

Every machine that reads the store caches its own snapshots. The deletion moves the generation, and a process that opens
a snapshot first removes cached ones of earlier generations, so traces on other machines are removed at the next opening
there.
"""

from __future__ import annotations

from neo4j import ManagedTransaction

from kg.schema import DomainSchema
from kg.stores.cache import SnapshotCache
from kg.stores.neo4j.changes import forget_all, note_everything
from kg.stores.neo4j.connection import Connection, first
from kg.stores.neo4j.names import RECOMMENDED, quoted
from kg.stores.neo4j.state import read_state, set_state, take_turn
from kg.stores.neo4j.waiting import count_waiting, forget_waiting
from kg.stores.protocol import DeletionReport
from kg.stores.snapshot_traces import with_snapshots


def delete_user(connection: Connection, cache: SnapshotCache, schema: DomainSchema, user: str) -> DeletionReport:
    """Remove a user; see `GraphStore.delete_user`."""
    before = connection.read(read_state)[0].generation
    # Held open: while a load is in progress it is the only form of the last complete generation.
    graph = cache.newest(before)
    removed: list[tuple[int, int, int, int, int]] = []

    def remove(transaction: ManagedTransaction) -> tuple[int, int, int, int, int] | None:
        counters, mark = take_turn(transaction)
        names = counters.names
        label = names.label(schema.user_kinds[0])
        node = f"MATCH (u:{label} {{key: $user}})"
        waiting = forget_waiting(transaction, user)
        # A user whose events all wait has no node.
        if not waiting and not first(transaction, f"{node} RETURN count(u)", user=user)[0]:
            # An earlier attempt may have been committed although its answer was lost.
            return removed[-1] if removed else None
        events = waiting + sum(
            first(transaction, f"{node} MATCH (u)-[r:{spelling}]->() DELETE r RETURN count(r)", user=user)[0]
            for spelling in map(names.interaction, names.interactions)
        )
        # Not part of the domain, and not counted as such.
        text = f"{node} MATCH (u)-[r:{quoted(RECOMMENDED)}]->() DELETE r RETURN count(r)"
        recommendations = first(transaction, text, user=user)[0]
        edges = first(transaction, f"{node} MATCH (u)-[r]-() WITH DISTINCT r DELETE r RETURN count(r)", user=user)[0]
        first(transaction, f"{node} DELETE u RETURN count(u)", user=user)
        generation = counters.generation + 1
        set_state(transaction, generation=generation)
        # Any note may name the user, also that of the load in progress, which then leads to the generation after this.
        forget_all(transaction)
        for changed in (generation, generation + 1)[: 1 if mark is None else 2]:
            note_everything(transaction, changed)
        # Counted in the same transaction, since the user may be added again after it. Neo4j has no relationship without
        # its ends, so without the node nothing else can remain.
        remaining = first(transaction, f"{node} RETURN count(u)", user=user)[0] + count_waiting(transaction, user)
        removed.append((events, edges, recommendations, remaining, generation))
        return removed[-1]

    done = connection.write(remove)
    if done is None:
        return with_snapshots(DeletionReport(user, False, 0, 0, 0, 0), cache, before)
    events, edges, recommendations, remaining, generation = done
    snapshots = traces = 0
    if graph is not None and graph.generation == generation - 1:
        graph = graph.without_users([user]).at_generation(generation)
        snapshots = int(cache.write(graph))
        traces = int(graph.nodes(graph.schema.user_kinds[0]).keys.find(user) >= 0)
    left = remaining + traces
    report = DeletionReport(user, True, events, edges, snapshots, left, recommendations=recommendations)
    return with_snapshots(report, cache, generation)
