"""Finish a load: a replacing one removes rows that it did not name, then one transaction makes the new generation.

All steps before that transaction can be repeated, so a load that is killed while it removes rows is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace as replace_fields
from functools import partial
from typing import Any, TypeAlias

from neo4j import ManagedTransaction

from kg.schema import DomainSchema
from kg.stores.changes import ChangedRows
from kg.stores.errors import StoreError
from kg.stores.fitting import Section, schema_misfits
from kg.stores.neo4j.changes import forget_old, note_change, note_everything
from kg.stores.neo4j.connection import Connection, first, rows
from kg.stores.neo4j.names import Names
from kg.stores.neo4j.state import Counters, clear_mark, read_state, set_state, take_turn
from kg.stores.neo4j.waiting import count_waiting, set_aside
from kg.stores.protocol import FinishReport, StoreState

_REMOVED_AT_ONCE = 20_000
"""Rows removed per transaction, so that it fits into a small server's memory and appending processes get turns."""


Batch: TypeAlias = Callable[[ManagedTransaction, Counters, dict[str, Any]], int]
"""A transaction of a load, in its turn; returns a count. It puts properties of the store's node into the mapping."""


def finish_load(
    connection: Connection, write: Callable[[Batch], int], schema: DomainSchema, load: int, *, replace: bool
) -> FinishReport:
    """Complete a load; see `LoadWriter.finish`. `write` runs one of its batches, unless another load has begun."""
    edges = events = nodes = 0
    if replace:
        counters, _ = connection.read(read_state)
        edges, events, nodes = _Removal(write, schema, counters.names, load).run()

    report = connection.write(partial(complete_load, load=load, place=connection.address.url))
    return replace_fields(report, removed_nodes=nodes, removed_edges=edges, removed_events=events)


def complete_load(transaction: ManagedTransaction, load: int, place: str) -> FinishReport:
    """Make the new generation. Raises StoreError if the mark is gone; `place` is the store's URL."""
    counters, mark = take_turn(transaction)
    if mark is None:
        if counters.complete_load == load:  # done before, by a commit whose answer was lost
            state = StoreState(counters.generation, counters.event_generation, None)
            return FinishReport(state, waiting_events=count_waiting(transaction))
        raise StoreError(f"{place}: the load's mark is gone; run the load again")
    changed = mark.changed or mark.schema != counters.schema
    generation = counters.generation + 1 if changed else counters.generation
    set_state(
        transaction,
        generation=generation,
        event_generation=counters.last_event,
        complete_load=load,
        schema=mark.schema,
    )
    if counters.schema is not None and mark.schema != counters.schema:
        note_everything(transaction, generation)
    forget_old(transaction, generation)
    clear_mark(transaction)
    state = StoreState(generation, counters.last_event, None)
    return FinishReport(state, waiting_events=count_waiting(transaction))


class _Removal:
    """Removes what a replacing load did not name, also under spellings that only earlier schemas used."""

    def __init__(self, write: Callable[[Batch], int], schema: DomainSchema, names: Names, load: int) -> None:
        self._write = write
        self._schema = schema
        self._names = names
        self._load = load

    def run(self) -> tuple[int, int, int]:
        """Edges, events and nodes removed."""
        edges = sum(self._remove_edges(*pattern) for pattern in self._names.edge_patterns())
        events = sum(self._remove_events(kind) for kind in self._names.interactions)
        return edges, events, self._remove_nodes()

    def _remove_edges(self, head: str, spelling: str, tail: str) -> int:
        relations = [
            name
            for name, spec in self._schema.relation_kinds.items()
            if (self._names.label(spec.head), self._names.relation(spec), self._names.label(spec.tail))
            == (head, spelling, tail)
        ]

        def rows(pairs: list[list[str]]) -> ChangedRows:
            changed = ChangedRows()
            for relation in relations:
                changed |= ChangedRows.of_edges(self._schema, relation, [(first, last) for first, last in pairs])
            return changed

        return self._repeat(
            f"MATCH (h:{head})-[x:{spelling}]->(t:{tail}) WHERE coalesce(x._load, 0) <> $load"
            f" WITH x, h.key AS first, t.key AS last LIMIT {_REMOVED_AT_ONCE} DELETE x RETURN collect([first, last])",
            rows,
        )

    def _remove_events(self, kind: str) -> int:
        """Events of earlier loads; appended ones that lose their item or their description are set aside."""
        pattern = f"MATCH (u)-[x:{self._names.interaction(kind)}]->(i)"
        interaction = self._schema.interactions.get(kind)
        allowed = [] if interaction is None else [self._names.labels[item] for item in interaction.items]
        removed = self._repeat(
            f"{pattern} WHERE NOT x._load IN [0, $load] WITH x LIMIT {_REMOVED_AT_ONCE}"
            " WITH x, x.id AS id DELETE x RETURN collect(id)",
            None,
        )
        lost = "NOT i._load IN [0, $load] OR none(label IN labels(i) WHERE label IN $allowed)"
        text, parameters = set_aside(self._names, kind, f"{pattern} WHERE {lost}", _REMOVED_AT_ONCE)
        # Snapshots lose them with their items, unless it is the schema that no longer takes them.
        self._repeat(text, lambda _: ChangedRows(), allowed=allowed, **parameters)
        return removed

    def _remove_nodes(self) -> int:
        """Nodes that the load did not name. Users with events remain, as users that only events name."""
        user_kind = self._schema.user_kinds[0]
        types = "|".join(self._names.interaction(kind) for kind in self._names.interactions)
        has_events = f"EXISTS {{ (x)-[:{types}]->() }}" if types else "false"
        removed = 0
        for kind in self._names.labels:
            label = self._names.label(kind)
            gone = "x._load <> $load"
            before: list[tuple[str, dict[str, Any]]] = []
            if kind == user_kind:
                self._repeat(
                    f"MATCH (x:{label}) WHERE NOT x._load IN [0, $load] AND {has_events}"
                    f" WITH x LIMIT {_REMOVED_AT_ONCE}"
                    " SET x = {key: x.key, name: x.key, _id: x._id, _load: 0} RETURN collect(x.key)",
                    partial(self._nodes, kind, removed=False),
                )
                gone = f"NOT x._load IN [0, $load] OR (x._load = 0 AND NOT {has_events})"
            else:
                # An event that was appended to one meanwhile waits, too.
                doomed = f"MATCH (i:{label}) WHERE i._load <> $load MATCH (u)-[x:{{}}]->(i)"
                before = [
                    set_aside(self._names, interaction, doomed.format(self._names.interaction(interaction)))
                    for interaction in self._names.interactions
                ]
            removed += self._repeat(
                f"MATCH (x:{label}) WHERE {gone} WITH x, x.key AS key LIMIT {_REMOVED_AT_ONCE}"
                " DETACH DELETE x RETURN collect(key)",
                partial(self._nodes, kind, removed=True),
                before,
            )
        return removed

    def _nodes(self, kind: str, keys: list[str], *, removed: bool) -> ChangedRows:
        nodes = [(kind, key) for key in keys if kind in self._schema.nodes]
        return ChangedRows.of_nodes(() if removed else nodes, nodes if removed else ())

    def _repeat(
        self,
        text: str,
        changed_rows: Callable[[list[Any]], ChangedRows] | None,
        before: Sequence[tuple[str, dict[str, Any]]] = (),
        **parameters: Any,
    ) -> int:
        """Run a statement that handles a batch of rows and returns a list of them or their number, until none is left,
        each time after those of `before`. `changed_rows` converts the list to changed rows.
        """

        def once(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> int:
            for earlier, values in before:
                first(transaction, earlier, load=self._load, **values)
            answer: list[Any] | int = first(transaction, text, load=self._load, **parameters)[0]
            listed = answer if isinstance(answer, list) else []
            if answer:
                rows = None if changed_rows is None else partial(changed_rows, listed)
                note_change(transaction, counters, changes, rows)
            return answer if isinstance(answer, int) else len(answer)

        total = 0
        while True:
            done = self._write(once)
            total += done
            if done < _REMOVED_AT_ONCE:
                return total


def misfits(
    transaction: ManagedTransaction, counters: Counters, before: DomainSchema, after: DomainSchema
) -> list[str]:
    """Parts of the store that a new schema does not describe; see `schema_misfits`."""
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
