"""`Neo4jLoad`: the writer of one load. Each call is one transaction; a thread renews the load's lease in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypeVar

from neo4j import ManagedTransaction

from kg.rows import EdgeRow, Event, NodeRow, RowLinks, recorded_id
from kg.schema import DomainSchema, RelationKind
from kg.stores.errors import StoreError
from kg.stores.fitting import linked_relations, node_misfit, storable, unknown_relation
from kg.stores.neo4j.batches import NotNew, slices, taken_for_new
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
    unfit,
)
from kg.stores.neo4j.finishing import finish_load
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
from kg.stores.neo4j.state import LEASE_SECONDS, Counters, hear, note_batch, take_turn
from kg.stores.neo4j.waiting import bring_back
from kg.stores.protocol import FinishReport, Refusal, WriteReport

T = TypeVar("T")


class Neo4jLoad:
    """A load in progress, which holds the store's mark until it is left; see `LoadWriter`."""

    def __init__(self, connection: Connection, schema: DomainSchema, load: int, *, replace: bool) -> None:
        """`load` is this load's number, with the mark set."""
        self._connection = connection
        self._schema = schema
        self._load = load
        self._replace = replace
        # What a replacing load has not named goes when it finishes, so nothing new may hang on it.
        self._named_by = load if replace else None
        # Whether the next rows are taken for new: until some were not, and again when a whole batch was.
        self._nodes_new = self._events_new = True
        self._batch = 0
        self._linked = linked_relations(schema)
        self._finished = False
        self._recorded: bool | None = None
        self._brought_back = False
        self._last_event = 0
        self._heard = time.monotonic()
        self._left = threading.Event()
        self._lease = threading.Thread(target=self._renew, name="whypath-load-lease", daemon=True)
        self._lease.start()

    def _renew(self) -> None:
        every = LEASE_SECONDS / 6
        while not self._left.wait(every):
            if time.monotonic() - self._heard < every:
                continue  # a batch has renewed it
            # A server that is gone is told by the next batch.
            with suppress(StoreError):
                self._connection.write(lambda transaction: hear(transaction, self._load, alive=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._left.set()
        self._lease.join()
        if not self._finished:
            # Where the server is gone the lease runs out by itself.
            with suppress(StoreError):
                self._connection.write(lambda transaction: hear(transaction, self._load, alive=False))

    def _writing(self, work: Callable[[ManagedTransaction, Counters, dict[str, Any]], T]) -> T:
        """Run a batch in its turn. `work` puts properties of the store's node that it changes into the mapping."""
        if self._finished:
            raise StoreError("this load is finished; begin another")

        self._batch += 1
        batch = self._batch
        done: list[T] = []

        def in_turn(transaction: ManagedTransaction) -> T:
            counters, _ = take_turn(transaction)
            self._check_own(counters)
            if not (done and counters.batch == batch):
                changes: dict[str, Any] = {}
                done.append(work(transaction, counters, changes))
                note_batch(transaction, batch, changes)
            # Otherwise an earlier attempt was committed, and only the answer to the commit was lost.
            return done[-1]

        result = self._connection.write(in_turn)
        self._heard = time.monotonic()
        return result

    def _check_own(self, counters: Counters) -> None:
        # The lease may have run out, on a machine that slept, and another process have begun a load of its own.
        if counters.last_load != self._load:
            raise StoreError(
                f"{self._connection.address.url}: another load has begun since; this one must be run again"
            )

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        """See `LoadWriter.write_nodes`."""
        refused: list[Refusal] = []
        by_kind: dict[str, list[tuple[int, NodeRow]]] = {}
        for position, row in enumerate(rows):
            reason = node_misfit(self._schema, row) or unindexable(row)
            if reason:
                refused.append(Refusal(position, reason))
            else:
                by_kind.setdefault(row.kind, []).append((position, row))

        def write(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> WriteReport:
            report, last = WriteReport(), counters.last_node
            for kind, found in by_kind.items():
                for part in slices(found):
                    written, last = self._write_kind(transaction, counters.names.label(kind), part, last)
                    report += written
            changes["last_node"] = last
            if report.new or report.changed:
                changes["mark_changed"] = True
            return report

        report = self._create_nodes(by_kind) if self._nodes_new else None
        if report is None:
            report = self._writing(write)
            self._nodes_new = report.new == len(rows)
        refusals = sorted([*refused, *report.refused], key=lambda refusal: refusal.row)
        return WriteReport(report.new, report.changed, report.same, tuple(refusals))

    def _create_nodes(self, by_kind: Mapping[str, list[tuple[int, NodeRow]]]) -> WriteReport | None:
        """Make nodes that are all new; None, and nothing is done, where one is not."""
        groups = {kind: [row for _, row in found] for kind, found in by_kind.items()}
        if any(len({row.key for row in found}) < len(found) for found in groups.values()):
            return None

        def create(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> WriteReport:
            last = counters.last_node
            with taken_for_new():
                for kind, found in groups.items():
                    numbered = enumerate(found, start=last + 1)
                    properties = [{**content_of(row), "_id": number, "_load": self._load} for number, row in numbered]
                    create_nodes(transaction, counters.names.label(kind), properties)
                    last += len(found)
            if last != counters.last_node:
                changes |= {"last_node": last, "mark_changed": True}
            return WriteReport(new=last - counters.last_node)

        try:
            return self._writing(create)
        except NotNew:
            return None

    def _write_kind(
        self, transaction: ManagedTransaction, label: str, rows: Sequence[tuple[int, NodeRow]], last: int
    ) -> tuple[WriteReport, int]:
        """Write rows of one kind; `last` is the highest number of a node, before and afterwards."""
        there = nodes_by_key(transaction, label, (row.key for _, row in rows))
        new: dict[str, dict[str, Any]] = {}
        changed: dict[str, dict[str, Any]] = {}
        touched: dict[str, None] = {}
        refused: list[Refusal] = []
        same = 0
        for position, row in rows:
            content = content_of(row)
            before = there.get(row.key)
            written = new.get(row.key) or changed.get(row.key)
            if written is None and before is not None and (row.key in touched or before.get("_load") == self._load):
                written = before
            if written is not None:
                if same_content(content, written):
                    same += 1
                else:
                    reason = f"{row.kind} {row.key!r} came before in this load with other content; the first one stands"
                    refused.append(Refusal(position, reason))
            elif before is None:
                last += 1
                new[row.key] = {**content, "_id": last, "_load": self._load}
            # A user that only events named becomes one that the source names, which a replacing load must know.
            elif same_content(content, before) and before.get("_load"):
                same += 1
                touched[row.key] = None
            else:
                number = before.get("_id")
                if number is None:  # a node that somebody else has made under this label
                    last += 1
                    number = last
                changed[row.key] = {**content, "_id": number, "_load": self._load}
        create_nodes(transaction, label, list(new.values()))
        overwrite_nodes(transaction, label, list(changed.values()))
        touch_nodes(transaction, label, list(touched), self._load)
        return WriteReport(len(new), len(changed), same, tuple(refused)), last

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        """See `LoadWriter.write_edges`."""
        spec = self._schema.relation_kinds.get(relation)
        if spec is None:
            return unknown_relation(self._schema, relation, len(rows))
        ends = [(position, row.head, row.tail) for position, row in enumerate(rows)]
        filed = True if relation in self._linked else None

        def write(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> WriteReport:
            report = self._merge_edges(transaction, counters.names, spec, ends, filed=filed)
            if report.new:
                changes["mark_changed"] = True
            return report

        return self._writing(write)

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        """See `LoadWriter.write_links`."""
        spec = self._schema.relation_kinds.get(relation)
        if spec is None:
            return unknown_relation(self._schema, relation, len(rows))
        ends = [(position, row.head, tail) for position, row in enumerate(rows) for tail in row.tails]
        said = [(row.head, row.tails) for row in rows if storable((row.head, *row.tails))]
        # Before a first load nothing was said, and a replacing one removes what it does not name when it ends.
        renewing = self._load > 1 and not self._replace

        def write(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> WriteReport:
            removed = remove_unsaid(transaction, counters.names, spec, said) if renewing else 0
            report = self._merge_edges(transaction, counters.names, spec, ends, filed=False)
            if report.new or removed:
                changes["mark_changed"] = True
            return replace(report, removed=removed)

        return self._writing(write)

    def _merge_edges(
        self,
        transaction: ManagedTransaction,
        names: Names,
        spec: RelationKind,
        ends: Sequence[tuple[int, str, str]],
        *,
        filed: bool | None,
    ) -> WriteReport:
        """Write edges, each as (row of the batch, head, tail)."""
        good = [(head, tail) for _, head, tail in ends if storable((head, tail))]
        written, new = merge_pairs(
            transaction, names, spec, good, load=self._load, replacing=self._replace, filed=filed
        )
        refused: list[Refusal] = []
        if written < len(ends):
            heads = known_keys(transaction, names.label(spec.head), {head for head, _ in good}, self._named_by)
            tails = known_keys(transaction, names.label(spec.tail), {tail for _, tail in good}, self._named_by)
            for position, head, tail in ends:
                if head not in heads:
                    refused.append(Refusal(position, f"there is no {spec.head} {head!a}"))
                elif tail not in tails:
                    refused.append(Refusal(position, f"there is no {spec.tail} {tail!a}"))
        return WriteReport(new, 0, written - new, tuple(refused))

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        """See `LoadWriter.write_events`."""

        def write(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> WriteReport:
            return self._write_events(transaction, counters, changes, rows)

        if not self._brought_back:
            self._bring_back()
        # What was appended may be in the rows again, under another id.
        report = self._create_events(rows) if self._events_new and not self._recorded else None
        if report is None:
            report = self._writing(write)
            self._events_new = report.new == len(rows)
        return report

    def _create_events(self, events: Sequence[Event]) -> WriteReport | None:
        """Make events that are all new and whose ends are there; None, and nothing is done, where one is not so."""
        ids = [event.id for event in events]
        if len(set(ids)) < len(ids) or unfit(self._schema, events):
            return None
        kinds = {event.kind for event in events}

        def create(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> WriteReport:
            if self._has_recorded(transaction, counters):
                raise NotNew
            # The constraint of an interaction knows its own ids only.
            others = [kind for kind in counters.names.interactions if len(kinds) > 1 or kind not in kinds]
            if some_exist(transaction, counters.names, ids, others):
                raise NotNew
            new = [StoredEvent(event, None, self._load) for event in events]
            with taken_for_new():
                if not create_events(
                    transaction, self._schema, counters.names, new, load=self._load, items_named_by=self._named_by
                ):
                    raise NotNew
            self._last_event = counters.last_event + len(new)
            changes |= {"last_event": self._last_event, "mark_changed": True}
            return WriteReport(new=len(new))

        try:
            return self._writing(create) if events else WriteReport()
        except NotNew:
            return None

    def _write_events(
        self, transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any], events: Sequence[Event]
    ) -> WriteReport:
        recorded = self._has_recorded(transaction, counters)
        found = resolve_events(
            transaction, self._schema, counters, counters.names, events, self._named_by, as_recorded=recorded
        )
        new: dict[str, StoredEvent] = {}
        changed: dict[str, StoredEvent] = {}
        touched: dict[str, Event] = {}
        refused = list(found.refused)
        same = corrected = 0
        for position, event in enumerate(events):
            if not found.usable[position]:
                continue
            twin = found.there.get(recorded_id(event)) if recorded else None
            if twin is not None and twin.load == 0:
                before = found.there.get(event.id)
                is_named = event.id in new or event.id in changed or event.id in touched
                if not is_named and (before is None or (self._replace and before.load != self._load)):
                    same += 1  # what was recorded; a replacing load leaves what earlier loads made of it behind
                    continue
            # What this batch has made of an event is named by this load; what was there says itself who named it.
            present = new.get(event.id) or changed.get(event.id) or found.there.get(event.id)
            if present is None:
                new[event.id] = StoredEvent(event, None, self._load)
            elif present.event == event:
                same += 1
                # An appended one is nobody's but its recorder's.
                if present.load not in (0, self._load):
                    touched[event.id] = event
            elif present.load == 0:
                reason = f"event {event.id!r} was appended with other content; the first one stands"
                refused.append(Refusal(position, reason))
            elif event.id in new:
                new[event.id] = StoredEvent(event, None, self._load)
                corrected += 1
            else:
                corrected += event.id in changed or event.id in touched or present.load == self._load
                changed[event.id] = StoredEvent(event, present.number, self._load)
                touched.pop(event.id, None)
        # The ends of a relationship are fixed, so a changed event is made anew under its number.
        delete_events(transaction, counters.names, [found.there[event_id].event for event_id in changed])
        if not create_events(
            transaction, self._schema, counters.names, [*new.values(), *changed.values()], load=self._load
        ):
            raise StoreError(LOST_ENDS)
        touch_events(transaction, counters.names, list(touched.values()), self._load)
        self._last_event = counters.last_event + len(new)
        changes |= {"last_event": self._last_event, "last_node": found.last_node}
        if new or changed:
            changes["mark_changed"] = True
        refused.sort(key=lambda refusal: refusal.row)
        n_changed = sum(found.there[event_id].load != self._load for event_id in changed)
        return WriteReport(len(new), n_changed, same, tuple(refused), corrected=corrected)

    def _bring_back(self) -> None:
        """Events that wait for their item are there again with it."""
        bring_back(self._writing, self._schema, self._named_by, self._connection.address.url)
        self._brought_back = True

    def _has_recorded(self, transaction: ManagedTransaction, counters: Counters) -> bool:
        """Whether there are appended events, which rows may say again. Asked once, and then told by the numbers."""
        if self._recorded is None:
            self._recorded, self._last_event = some_recorded(transaction, counters.names), counters.last_event
        elif not self._recorded:
            self._recorded = counters.last_event != self._last_event
        return self._recorded

    def finish(self) -> FinishReport:
        """See `LoadWriter.finish`."""
        self._bring_back()
        report = finish_load(self._connection, self._writing, self._schema, self._load, replace=self._replace)
        self._finished = True
        self._left.set()
        return report
