"""The end of a load: a replacing one removes what it did not name, then one transaction makes the new generation.

Everything before that last transaction can be done again, so a load that dies while it removes is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from neo4j import ManagedTransaction

from kg.schema import DomainSchema
from kg.stores.errors import StoreError
from kg.stores.fitting import Section, schema_misfits
from kg.stores.neo4j.connection import Connection, first, rows
from kg.stores.neo4j.names import Names
from kg.stores.neo4j.state import Counters, clear_mark, read_state, set_state, take_turn
from kg.stores.neo4j.waiting import count_waiting, set_aside
from kg.stores.protocol import FinishReport, StoreState

_REMOVED_AT_ONCE = 20_000
"""Rows removed by one transaction, so that it fits into a small server's memory and appending processes get turns."""


Batch: TypeAlias = Callable[[ManagedTransaction, Counters, dict[str, Any]], int]
"""A transaction of a load, in its turn; gives back a count. Into the mapping go properties of the store's node."""


def finish_load(
    connection: Connection, write: Callable[[Batch], int], schema: DomainSchema, load: int, *, replace: bool
) -> FinishReport:
    """Complete a load; see `LoadWriter.finish`. `write` runs one of its batches, unless another load has begun."""
    edges = events = nodes = 0
    if replace:
        counters, _ = connection.read(read_state)
        edges, events, nodes = _Removal(write, schema, counters.names, load).run()

    def complete(transaction: ManagedTransaction) -> tuple[StoreState, int]:
        counters, mark = take_turn(transaction)
        if mark is None:
            if counters.complete_load == load:  # done before, by a commit whose answer was lost
                state = StoreState(counters.generation, counters.event_generation, None)
                return state, count_waiting(transaction)
            raise StoreError(f"{connection.address.url}: the load's mark is gone; run the load again")
        changed = mark.changed or mark.schema != counters.schema
        generation = counters.generation + 1 if changed else counters.generation
        set_state(
            transaction,
            generation=generation,
            event_generation=counters.last_event,
            complete_load=load,
            schema=mark.schema,
        )
        clear_mark(transaction)
        return StoreState(generation, counters.last_event, None), count_waiting(transaction)

    state, waiting = connection.write(complete)
    return FinishReport(state, nodes, edges, events, waiting)


class _Removal:
    """Removes what a replacing load did not name, also under spellings that only earlier schemas used."""

    def __init__(self, write: Callable[[Batch], int], schema: DomainSchema, names: Names, load: int) -> None:
        self._write = write
        self._schema = schema
        self._names = names
        self._load = load

    def run(self) -> tuple[int, int, int]:
        """Edges, events and nodes removed."""
        edges = sum(
            self._remove(f"MATCH (:{head})-[x:{spelling}]->(:{tail}) WHERE coalesce(x._load, 0) <> $load")
            for head, spelling, tail in self._names.edge_patterns()
        )
        events = sum(self._remove_events(kind) for kind in self._names.interactions)
        return edges, events, self._remove_nodes()

    def _remove_events(self, kind: str) -> int:
        """Events of earlier loads; appended ones that lose their item or are no longer described are set aside."""
        pattern = f"MATCH (u)-[x:{self._names.interaction(kind)}]->(i)"
        interaction = self._schema.interactions.get(kind)
        allowed = [] if interaction is None else [self._names.labels[item] for item in interaction.items]
        removed = self._remove(f"{pattern} WHERE NOT x._load IN [0, $load]")
        lost = "NOT i._load IN [0, $load] OR none(label IN labels(i) WHERE label IN $allowed)"
        text, parameters = set_aside(self._names, kind, f"{pattern} WHERE {lost}", _REMOVED_AT_ONCE)
        self._repeat(text, allowed=allowed, **parameters)
        return removed

    def _remove_nodes(self) -> int:
        """Nodes that the load did not name. Users that have events stay, as users that only events name."""
        user_kind = self._schema.user_kinds[0]
        types = "|".join(self._names.interaction(kind) for kind in self._names.interactions)
        has_events = f"EXISTS {{ (x)-[:{types}]->() }}" if types else "false"
        removed = 0
        for kind in self._names.labels:
            label = self._names.label(kind)
            if kind != user_kind:
                # What was appended to one meanwhile waits, too.
                doomed = f"MATCH (i:{label}) WHERE i._load <> $load MATCH (u)-[x:{{}}]->(i)"
                before = [
                    set_aside(self._names, each, doomed.format(self._names.interaction(each)))
                    for each in self._names.interactions
                ]
                removed += self._remove(f"MATCH (x:{label}) WHERE x._load <> $load", before)
                continue
            self._repeat(
                f"MATCH (x:{label}) WHERE NOT x._load IN [0, $load] AND {has_events} WITH x LIMIT {_REMOVED_AT_ONCE}"
                " SET x = {key: x.key, name: x.key, _id: x._id, _load: 0} RETURN count(x)"
            )
            gone = f"NOT x._load IN [0, $load] OR (x._load = 0 AND NOT {has_events})"
            removed += self._remove(f"MATCH (x:{label}) WHERE {gone}")
        return removed

    def _remove(self, pattern: str, before: Sequence[tuple[str, dict[str, Any]]] = ()) -> int:
        detach = "" if "[x:" in pattern else "DETACH "
        return self._repeat(
            f"{pattern} WITH DISTINCT x LIMIT {_REMOVED_AT_ONCE} {detach}DELETE x RETURN count(x)", before
        )

    def _repeat(self, text: str, before: Sequence[tuple[str, dict[str, Any]]] = (), **parameters: Any) -> int:
        """Run a statement that works on some rows at a time until none is left, each time after those of `before`."""

        def once(transaction: ManagedTransaction, _: Counters, changes: dict[str, Any]) -> int:
            for earlier, values in before:
                first(transaction, earlier, load=self._load, **values)
            done: int = first(transaction, text, load=self._load, **parameters)[0]
            if done:
                changes["mark_changed"] = True
            return done

        total = 0
        while True:
            done = self._write(once)
            total += done
            if done < _REMOVED_AT_ONCE:
                return total


def misfits(
    transaction: ManagedTransaction, counters: Counters, before: DomainSchema, after: DomainSchema
) -> list[str]:
    """What the store holds that a new schema does not describe; see `schema_misfits`."""
    names = counters.names

    def pattern(section: Section, name: str) -> str:
        if section == "node":
            return f"(x:{names.label(name)})"
        if section == "interaction":
            return f"()-[x:{names.interaction(name)}]->()"
        relation = before.relation_kinds[name]
        return f"(:{names.label(relation.head)})-[x:{names.relation(relation)}]->(:{names.label(relation.tail)})"

    def has_rows(section: Section, name: str) -> bool:
        return bool(rows(transaction, f"MATCH {pattern(section, name)} RETURN 1 LIMIT 1"))

    return schema_misfits(before, after, has_rows)
