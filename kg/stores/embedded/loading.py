"""`EmbeddedLoad`: the writer of one load. Each call is one transaction; a mark in the store shows the load."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Self

from kg.locking import FileLock
from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.stores.changes import ChangedRows
from kg.stores.embedded.changes import note_change
from kg.stores.embedded.edge_rows import (
    insert_pairs,
    keys_of_pairs,
    made_by,
    note_filed,
    note_named,
    remove_unsaid,
)
from kg.stores.embedded.event_rows import insert_events, resolve_events
from kg.stores.embedded.finishing import complete_load, finish_load
from kg.stores.embedded.rows import node_ids, nodes_by_key, packed_fields
from kg.stores.embedded.state import read_counters
from kg.stores.embedded.waiting import bring_back
from kg.stores.errors import StoreError
from kg.stores.event_merging import merge_events
from kg.stores.fitting import linked_relations, lost_ends
from kg.stores.protocol import FinishReport, WriteReport
from kg.stores.sqlite import Database


class EmbeddedLoad:
    """A load in progress, which holds the load lock until it is closed; see `LoadWriter`."""

    def __init__(
        self,
        database: Database,
        schema: DomainSchema,
        numbers: dict[str, int],
        load: int,
        lock: FileLock | None,
        *,
        replace: bool,
        connection: sqlite3.Connection | None = None,
    ) -> None:
        """`numbers` interns all names of the schema, `load` is this load's number, `lock` the load lock, held. With a
        `connection` the load is part of the write transaction that is open on it, and needs no lock.
        """
        self._connection = connection
        self._database = database
        self._schema = schema
        self._numbers = numbers
        self._load = load
        self._lock = lock
        self._replace = replace
        # A replacing load removes nodes that it has not named when it finishes, so no new row may refer to them.
        self._named_by = load if replace else None
        self._linked = linked_relations(schema)
        self._finished = False
        self._recorded: bool | None = None
        self._brought_back = False
        self._last_event = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if self._finished:
            raise StoreError("this load is finished; begin another")
        within = self._database.writing() if self._connection is None else nullcontext(self._connection)
        with within as connection:
            # If the lock file was removed by hand, another process may have begun a load.
            if read_counters(connection).last_load != self._load:
                raise StoreError(f"{self._database.path}: another load has begun since; this one must be run again")
            yield connection

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        """See `LoadWriter.write_nodes`."""
        by_kind: dict[str, list[NodeRow]] = {}
        for row in rows:
            by_kind.setdefault(row.kind, []).append(row)
        report = WriteReport()
        with self._writing() as connection:
            written: list[tuple[str, str]] = []
            for kind, group in by_kind.items():
                report += self._write_kind(connection, self._numbers[kind], group, written)
            if written:
                note_change(connection, lambda: ChangedRows.of_nodes(written))
        return report

    def _write_kind(
        self, connection: sqlite3.Connection, kind: int, rows: Sequence[NodeRow], written: list[tuple[str, str]]
    ) -> WriteReport:
        """Write nodes of one kind; (kind, key) of those that are new or changed is added to `written`."""
        stored = nodes_by_key(connection, kind, (row.key for row in rows))
        new: list[tuple] = []
        changes: list[tuple] = []
        touches: list[tuple[int, int]] = []
        for row in rows:
            content = (row.label, row.text, packed_fields(row.fields))
            if row.key not in stored:
                new.append((kind, row.key, *content, self._load))
                written.append((row.kind, row.key))
                continue
            node, *before, load = stored[row.key]
            # A user that only events named is now one that the source names, which a replacing load must know.
            if tuple(before) == content and load:
                touches.append((self._load, node))
            else:
                changes.append((*content, self._load, node))
                written.append((row.kind, row.key))
        connection.executemany("INSERT INTO node (kind, key, label, text, fields, load) VALUES (?, ?, ?, ?, ?, ?)", new)
        connection.executemany("UPDATE node SET label = ?, text = ?, fields = ?, load = ? WHERE id = ?", changes)
        connection.executemany("UPDATE node SET load = ? WHERE id = ?", touches)
        return WriteReport(len(new), len(changes), len(touches))

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        """See `LoadWriter.write_edges`."""
        spec, number = self._schema.relation_kinds[relation], self._numbers[relation]
        ends = [(row, edge.head, edge.tail) for row, edge in enumerate(rows)]
        with self._writing() as connection:
            heads = node_ids(connection, self._numbers[spec.head], (head for _, head, _ in ends))
            tails = node_ids(connection, self._numbers[spec.tail], (tail for _, _, tail in ends))
            pairs = [(heads[head], tails[tail]) for _, head, tail in ends if head in heads and tail in tails]
            new = insert_pairs(connection, number, pairs, self._load, filed=True)
            if new:
                self._note_edges(connection, relation, pairs, [])
            if self._replace and new < len(pairs):
                note_named(connection, number, pairs, self._load, filed=True)
            elif new < len(pairs) and relation in self._linked:
                note_filed(connection, number, pairs)
        return WriteReport(new, 0, len(pairs) - new, lost_ends(spec, ends, heads, tails))

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        """See `LoadWriter.write_links`."""
        spec, number = self._schema.relation_kinds[relation], self._numbers[relation]
        ends = [(row, links.head, tail) for row, links in enumerate(rows) for tail in links.tails]
        removed: list[tuple[int, int]] = []
        with self._writing() as connection:
            heads = node_ids(connection, self._numbers[spec.head], (links.head for links in rows))
            tails = node_ids(connection, self._numbers[spec.tail], (tail for _, _, tail in ends))
            tails_of = {
                heads[links.head]: {tails[tail] for tail in links.tails if tail in tails}
                for links in rows
                if links.head in heads
            }
            pairs = [(head, tail) for head, reached in tails_of.items() for tail in sorted(reached)]
            # A first load has no earlier links, and a replacing one removes what it does not name when it ends.
            if self._load > 1 and not self._replace:
                removed = remove_unsaid(connection, number, tails_of)
            new = insert_pairs(connection, number, pairs, self._load, filed=False)
            if new or removed:
                self._note_edges(connection, relation, pairs if new else [], removed)
            if self._replace and new < len(pairs):
                note_named(connection, number, pairs, self._load, filed=False)
        return WriteReport(new, 0, len(pairs) - new, lost_ends(spec, ends, heads, tails), len(removed))

    def _note_edges(
        self,
        connection: sqlite3.Connection,
        relation: str,
        pairs: list[tuple[int, int]],
        removed: list[tuple[int, int]],
    ) -> None:
        """Note changed edges by the ids of their ends: those of `pairs` that are new, and removed ones."""

        def rows() -> ChangedRows:
            made = made_by(connection, self._numbers[relation], pairs, self._load)
            return ChangedRows.of_edges(self._schema, relation, keys_of_pairs(connection, [*made, *removed]))

        note_change(connection, rows)

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        """See `LoadWriter.write_events`."""
        if not self._brought_back:
            # Rows may repeat recorded events, so these must be restored first.
            self._bring_back()
        with self._writing() as connection:
            as_recorded = self._has_recorded(connection)
            resolved = resolve_events(connection, self._schema, self._numbers, rows, as_recorded=as_recorded)
            merged = merge_events(
                rows,
                resolved.ids,
                resolved.content,
                resolved.stored,
                resolved.recorded,
                resolved.refused,
                load=self._load,
                replace=self._replace,
            )
            number = read_counters(connection).last_event
            added = [
                (number + step, packed, *content, self._load, self._load)
                for step, (packed, content) in enumerate(merged.new.items(), 1)
            ]
            insert_events(connection, added)
            connection.executemany(
                "UPDATE event SET kind = ?, user = ?, item = ?, time = ?, weight = ?, load = ? WHERE id = ?",
                [(*content, self._load, packed) for packed, content in merged.changed.items()],
            )
            connection.executemany(
                "UPDATE event SET load = ? WHERE id = ?", [(self._load, packed) for packed in merged.touched]
            )
            self._last_event = number + len(added)
            if added:
                connection.execute("UPDATE state SET last_event = ?", (self._last_event,))
            if added or merged.changed:
                note_change(connection, None)
        return merged.report

    def _bring_back(self) -> None:
        """Restore events that wait for an item that exists again."""
        restored = 1
        while restored:
            with self._writing() as connection:
                restored = bring_back(connection, self._schema, self._numbers, self._named_by)
        self._brought_back = True

    def _has_recorded(self, connection: sqlite3.Connection) -> bool:
        """Whether there are appended events, which rows may repeat. Queried once, and then known from the numbers."""
        if self._recorded is None:
            answer = connection.execute("SELECT EXISTS (SELECT 1 FROM event WHERE born = 0)").fetchone()
            self._recorded, self._last_event = bool(answer[0]), read_counters(connection).last_event
        elif not self._recorded:
            self._recorded = read_counters(connection).last_event != self._last_event
        return self._recorded

    def finish(self) -> FinishReport:
        """See `LoadWriter.finish`."""
        self._bring_back()
        if self._connection is not None:
            report = complete_load(self._connection, self._load)
        else:
            report = finish_load(self._database, self._schema, self._numbers, self._load, replace=self._replace)
        self._finished = True
        self._release()
        return report
