"""`Neo4jLoad`: the writer of one load. Each call is one transaction; a thread renews the load's lease in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Self, TypeVar

from neo4j import ManagedTransaction

from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.stores.changes import ChangedRows
from kg.stores.errors import StoreError
from kg.stores.event_merging import merge_events
from kg.stores.fitting import linked_relations, lost_ends
from kg.stores.neo4j.batches import NotNew, slices, taken_for_new
from kg.stores.neo4j.changes import note_change
from kg.stores.neo4j.connection import Connection
from kg.stores.neo4j.edge_rows import merge_pairs, remove_unsaid
from kg.stores.neo4j.event_rows import (
    LOST_ENDS,
    StoredEvent,
    create_events,
    delete_events,
    resolve_events,
    some_exist,
    some_recorded,
    touch_events,
    unindexable_event,
)
from kg.stores.neo4j.finishing import complete_load, finish_load
from kg.stores.neo4j.names import Names
from kg.stores.neo4j.nodes import (
    content_of,
    create_nodes,
    known_keys,
    nodes_by_key,
    overwrite_nodes,
    same_content,
    touch_nodes,
    unindexable,
)
from kg.stores.neo4j.state import LEASE_SECONDS, Counters, hear, note_batch, read_state, set_state, take_turn
from kg.stores.neo4j.waiting import bring_back
from kg.stores.protocol import FinishReport, Refusal, WriteReport

T = TypeVar("T")


class Neo4jLoad:
    """A load in progress, which holds the store's mark until it is closed; see `LoadWriter`."""

    def __init__(
        self,
        connection: Connection,
        schema: DomainSchema,
        load: int,
        *,
        replace: bool,
        transaction: ManagedTransaction | None = None,
    ) -> None:
        """`load` is this load's number, with the mark set. With a `transaction` the load is part of it."""
        self._transaction = transaction
        self._connection = connection
        self._schema = schema
        self._load = load
        self._replace = replace
        # A replacing load removes nodes that it has not named when it finishes, so no new row may refer to them.
        self._named_by = load if replace else None
        # Whether the next rows are assumed to be new: until some are not, and again after a batch of new ones.
        self._nodes_new = self._events_new = transaction is None
        self._batch = 0
        self._linked = linked_relations(schema)
        self._finished = False
        self._recorded: bool | None = None
        self._brought_back = False
        self._last_event = 0
        self._heard = time.monotonic()
        self._left = threading.Event()
        self._lease = threading.Thread(target=self._renew, name="whypath-load-lease", daemon=True)
        if transaction is None:
            self._lease.start()

    def _renew(self) -> None:
        every = LEASE_SECONDS / 6
        while not self._left.wait(every):
            if time.monotonic() - self._heard < every:
                continue  # a batch has renewed it
            # The next batch reports a server that is gone.
            with suppress(StoreError):
                self._connection.write(lambda transaction: hear(transaction, self._load, alive=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        if self._transaction is not None:
            return
        self._lease.join()
        if not self._finished:
            # If the server is gone the lease runs out.
            with suppress(StoreError):
                self._connection.write(lambda transaction: hear(transaction, self._load, alive=False))

    def _writing(self, work: Callable[[ManagedTransaction, Counters, dict[str, Any]], T]) -> T:
        """Run a batch in its turn. `work` puts properties of the store's node that it changes into the mapping."""
        if self._finished:
            raise StoreError("this load is finished; begin another")
        if self._transaction is not None:
            properties: dict[str, Any] = {}
            result = work(self._transaction, read_state(self._transaction)[0], properties)
            set_state(self._transaction, **properties)
            return result
        self._batch += 1
        batch = self._batch
        done: list[T] = []

        def in_turn(transaction: ManagedTransaction) -> T:
            counters, _ = take_turn(transaction)
            # The lease may have run out, on a machine that slept, and another process may have begun a load.
            if counters.last_load != self._load:
                place = self._connection.address.url
                raise StoreError(f"{place}: another load has begun since; this one must be run again")
            if not (done and counters.batch == batch):
                changes: dict[str, Any] = {}
                done.append(work(transaction, counters, changes))
                note_batch(transaction, batch, changes)
            # Otherwise an earlier attempt was committed, and only the answer to the commit was lost.
            return done[-1]

        result = self._connection.write(in_turn)
        self._heard = time.monotonic()
        return result

    def _write_new(self, write: Callable[..., WriteReport], *, taken_as_new: bool) -> WriteReport:
        """Run a batch of rows. Rows that are `taken_as_new` are not looked up; if one exists after all, the transaction
        is undone and repeated with look-ups."""

        def create(*arguments: Any) -> WriteReport:
            with taken_for_new():
                return write(*arguments, look_up=False)

        if taken_as_new:
            with suppress(NotNew):
                return self._writing(create)
        return self._writing(partial(write, look_up=True))

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        """See `LoadWriter.write_nodes`."""
        refused = tuple(Refusal(at, reason) for at, row in enumerate(rows) if (reason := unindexable(row)))
        by_kind: dict[str, list[NodeRow]] = {}
        for row in rows if not refused else [row for row in rows if not unindexable(row)]:
            by_kind.setdefault(row.kind, []).append(row)

        def write(
            transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any], *, look_up: bool
        ) -> WriteReport:
            report, last = WriteReport(), counters.last_node
            touched: list[tuple[str, str]] = []
            for kind, group in by_kind.items():
                label = counters.names.label(kind)
                for part in slices(group) if look_up else [group]:
                    stored = nodes_by_key(transaction, label, (row.key for row in part)) if look_up else {}
                    written, last = self._write_kind(transaction, label, part, stored, last, touched)
                    report += written
            changes["last_node"] = last
            if touched:
                note_change(transaction, counters, changes, lambda: ChangedRows.of_nodes(touched))
            return report

        report = self._write_new(write, taken_as_new=self._nodes_new)
        self._nodes_new = report.new == len(rows)
        return replace(report, refused=refused)

    def _write_kind(
        self,
        transaction: ManagedTransaction,
        label: str,
        rows: Sequence[NodeRow],
        stored: Mapping[str, Mapping[str, Any]],
        last: int,
        written: list[tuple[str, str]],
    ) -> tuple[WriteReport, int]:
        """Write rows of one kind; `last` is the highest number of a node, before and afterwards. (kind, key) of those
        that are new or changed is added to `written`.
        """
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        touched: list[str] = []
        for row in rows:
            content = content_of(row)
            before = stored.get(row.key)
            # A user that only events named is now one that the source names, which a replacing load must know.
            if before is not None and same_content(content, before) and before.get("_load"):
                touched.append(row.key)
                continue
            written.append((row.kind, row.key))
            number = None if before is None else before.get("_id")
            if number is None:  # new, or a node of this label that another program has created
                last += 1
                number = last
            (new if before is None else changed).append({**content, "_id": number, "_load": self._load})
        create_nodes(transaction, label, new)
        overwrite_nodes(transaction, label, changed)
        touch_nodes(transaction, label, touched, self._load)
        return WriteReport(len(new), len(changed), len(touched)), last

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        """See `LoadWriter.write_edges`."""
        ends = [(position, row.head, row.tail) for position, row in enumerate(rows)]
        filed = True if relation in self._linked else None

        def write(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> WriteReport:
            report, touched = self._merge_edges(transaction, counters.names, relation, ends, filed=filed)
            if report.new:
                rows_changed = partial(ChangedRows.of_edges, self._schema, relation, touched)
                note_change(transaction, counters, changes, rows_changed)
            return report

        return self._writing(write)

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        """See `LoadWriter.write_links`."""
        ends = [(position, row.head, tail) for position, row in enumerate(rows) for tail in row.tails]
        links = [(row.head, row.tails) for row in rows]
        # A first load has no earlier links, and a replacing one removes what it does not name when it ends.
        renewing = self._load > 1 and not self._replace

        def write(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> WriteReport:
            spec = self._schema.relation_kinds[relation]
            removed = remove_unsaid(transaction, counters.names, spec, links) if renewing else []
            report, touched = self._merge_edges(transaction, counters.names, relation, ends, filed=False)
            if report.new or removed:
                rows_changed = partial(ChangedRows.of_edges, self._schema, relation, [*touched, *removed])
                note_change(transaction, counters, changes, rows_changed)
            return replace(report, removed=len(removed))

        return self._writing(write)

    def _merge_edges(
        self,
        transaction: ManagedTransaction,
        names: Names,
        relation: str,
        ends: Sequence[tuple[int, str, str]],
        *,
        filed: bool | None,
    ) -> tuple[WriteReport, list[tuple[str, str]]]:
        """Write edges, each as (row of the batch, head, tail); also returns pairs that include the new ones."""
        spec = self._schema.relation_kinds[relation]
        pairs = [(head, tail) for _, head, tail in ends]
        written, new, touched = merge_pairs(
            transaction, names, spec, pairs, load=self._load, replacing=self._replace, filed=filed
        )
        refused: tuple[Refusal, ...] = ()
        if written < len(ends):
            heads = known_keys(transaction, names.label(spec.head), (head for head, _ in pairs))
            tails = known_keys(transaction, names.label(spec.tail), (tail for _, tail in pairs))
            refused = lost_ends(spec, ends, heads, tails)
        return WriteReport(new, 0, written - new, refused), touched

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        """See `LoadWriter.write_events`."""
        if not self._brought_back:
            self._bring_back()
        misfits = {row: reason for row, event in enumerate(rows) if (reason := unindexable_event(event))}

        def write(
            transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any], *, look_up: bool
        ) -> WriteReport:
            if look_up:
                return self._write_events(transaction, counters, changes, rows, misfits)
            return self._create_events(transaction, counters, changes, rows)

        # Rows may repeat appended events, under another id.
        as_new = self._events_new and not self._recorded and not misfits
        report = self._write_new(write, taken_as_new=as_new)
        self._events_new = report.new == len(rows)
        return report

    def _create_events(
        self, transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any], events: Sequence[Event]
    ) -> WriteReport:
        """Create events. Raises NotNew if one exists, is repeated, or has a missing end."""
        ids = [event.id for event in events]
        kinds = {event.kind for event in events}
        # The constraint of an interaction covers its own ids only.
        others = [kind for kind in counters.names.interactions if len(kinds) > 1 or kind not in kinds]
        if (
            len(set(ids)) < len(ids)
            or self._has_recorded(transaction, counters)
            or some_exist(transaction, counters.names, ids, others)
        ):
            raise NotNew
        new = [StoredEvent(event, None, self._load) for event in events]
        if not create_events(transaction, self._schema, counters.names, new, load=self._load):
            raise NotNew
        self._last_event = counters.last_event + len(new)
        changes["last_event"] = self._last_event
        note_change(transaction, counters, changes, None)
        return WriteReport(new=len(new))

    def _write_events(
        self,
        transaction: ManagedTransaction,
        counters: Counters,
        changes: dict[str, Any],
        events: Sequence[Event],
        misfits: Mapping[int, str],
    ) -> WriteReport:
        names = counters.names
        as_recorded = self._has_recorded(transaction, counters)
        resolved = resolve_events(transaction, self._schema, counters, names, events, misfits, as_recorded=as_recorded)
        merged = merge_events(
            events,
            [event.id for event in events],
            [event if usable else None for event, usable in zip(events, resolved.usable, strict=True)],
            {event_id: (stored.event, stored.load) for event_id, stored in resolved.stored.items()},
            resolved.recorded,
            resolved.refused,
            load=self._load,
            replace=self._replace,
        )
        # The ends of a relationship are fixed, so a changed event is created again with its number.
        delete_events(transaction, names, [resolved.stored[event_id].event for event_id in merged.changed])
        made = [StoredEvent(event, None, self._load) for event in merged.new.values()]
        made += [StoredEvent(event, resolved.stored[event.id].number, self._load) for event in merged.changed.values()]
        if not create_events(transaction, self._schema, names, made, load=self._load):
            raise StoreError(LOST_ENDS)
        touch_events(transaction, names, [resolved.stored[event_id].event for event_id in merged.touched], self._load)
        self._last_event = counters.last_event + len(merged.new)
        changes |= {"last_event": self._last_event, "last_node": resolved.last_node}
        if merged.new or merged.changed:
            note_change(transaction, counters, changes, None)
        return merged.report

    def _bring_back(self) -> None:
        """Restore events that wait for an item that exists again."""
        bring_back(self._writing, self._schema, self._named_by, self._connection.address.url)
        self._brought_back = True

    def _has_recorded(self, transaction: ManagedTransaction, counters: Counters) -> bool:
        """Whether there are appended events, which rows may repeat. Queried once, and then known from the numbers."""
        if self._recorded is None:
            self._recorded, self._last_event = some_recorded(transaction, counters.names), counters.last_event
        elif not self._recorded:
            self._recorded = counters.last_event != self._last_event
        return self._recorded

    def finish(self) -> FinishReport:
        """See `LoadWriter.finish`."""
        self._bring_back()
        if self._transaction is not None:
            report = complete_load(self._transaction, self._load, self._connection.address.url)
        else:
            report = finish_load(self._connection, self._writing, self._schema, self._load, replace=self._replace)
        self._finished = True
        self._left.set()
        return report
