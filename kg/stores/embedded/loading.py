"""`EmbeddedLoad`: the writer of one load. Each call is one transaction; the mark in the store tells that it goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from kg.locking import FileLock
from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.stores.embedded.edge_rows import insert_pairs, note_filed, note_named, remove_unsaid
from kg.stores.embedded.event_rows import insert_events, resolve_events
from kg.stores.embedded.finishing import finish_load
from kg.stores.embedded.rows import node_ids, nodes_by_key, packed_fields
from kg.stores.embedded.state import note_change, read_counters
from kg.stores.embedded.waiting import bring_back
from kg.stores.errors import StoreError
from kg.stores.fitting import linked_relations, node_misfit, storable, unknown_relation
from kg.stores.protocol import FinishReport, Refusal, WriteReport
from kg.stores.sqlite import Database


class EmbeddedLoad:
    """A load in progress, which holds the load lock until it is left; see `LoadWriter`."""

    def __init__(
        self,
        database: Database,
        schema: DomainSchema,
        numbers: dict[str, int],
        load: int,
        lock: FileLock,
        *,
        replace: bool,
    ) -> None:
        """`numbers` interns all names of the schema, `load` is this load's number, `lock` the load lock, held."""
        self._database = database
        self._schema = schema
        self._numbers = numbers
        self._load = load
        self._lock = lock
        self._replace = replace
        # What a replacing load has not named goes when it finishes, so nothing new may hang on it.
        self._named_by = load if replace else None
        self._linked = linked_relations(schema)
        self._finished = False
        self._recorded: bool | None = None
        self._brought_back = False
        self._last_event = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if self._finished:
            raise StoreError("this load is finished; begin another")
        with self._database.writing() as connection:
            # The lock file may have been removed by hand and another process have begun a load of its own.
            if read_counters(connection).last_load != self._load:
                raise StoreError(f"{self._database.path}: another load has begun since; this one must be run again")
            yield connection

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        """See `LoadWriter.write_nodes`."""
        refused: list[Refusal] = []
        by_kind: dict[str, list[tuple[int, NodeRow]]] = {}
        for position, row in enumerate(rows):
            reason = node_misfit(self._schema, row)
            if reason:
                refused.append(Refusal(position, reason))
            else:
                by_kind.setdefault(row.kind, []).append((position, row))
        report = WriteReport()
        with self._writing() as connection:
            for kind, found in by_kind.items():
                report += self._write_kind(connection, kind, found)
            if report.new or report.changed:
                note_change(connection)
        refusals = sorted([*refused, *report.refused], key=lambda refusal: refusal.row)
        return WriteReport(report.new, report.changed, report.same, tuple(refusals))

    def _write_kind(self, connection: sqlite3.Connection, kind: str, rows: list[tuple[int, NodeRow]]) -> WriteReport:
        number = self._numbers[kind]
        there = nodes_by_key(connection, number, (row.key for _, row in rows))
        new: dict[str, tuple[str, str, str]] = {}
        changes: list[tuple] = []
        touches: list[tuple[int, int]] = []
        refused: list[Refusal] = []
        same = 0
        for position, row in rows:
            content = (row.label, row.text, packed_fields(row.fields))
            fresh = new.get(row.key)
            if fresh is not None or (row.key in there and there[row.key][4] == self._load):
                if (fresh or there[row.key][1:4]) == content:
                    same += 1
                else:
                    reason = f"{kind} {row.key!r} came before in this load with other content; the first one stands"
                    refused.append(Refusal(position, reason))
            elif row.key not in there:
                new[row.key] = content
            else:
                node, *before, load = there[row.key]
                # A user that only events named becomes one that the source names, which a replacing load must know.
                if tuple(before) == content and load:
                    same += 1
                    touches.append((self._load, node))
                else:
                    changes.append((*content, self._load, node))
                there[row.key] = (node, *content, self._load)
        connection.executemany(
            "INSERT INTO node (kind, key, label, text, fields, load) VALUES (?, ?, ?, ?, ?, ?)",
            [(number, key, *content, self._load) for key, content in new.items()],
        )
        connection.executemany("UPDATE node SET label = ?, text = ?, fields = ?, load = ? WHERE id = ?", changes)
        connection.executemany("UPDATE node SET load = ? WHERE id = ?", touches)
        return WriteReport(len(new), len(changes), same, tuple(refused))

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        """See `LoadWriter.write_edges`."""
        spec = self._schema.relation_kinds.get(relation)
        if spec is None:
            return unknown_relation(self._schema, relation, len(rows))
        number = self._numbers[relation]
        refused: list[Refusal] = []
        pairs: list[tuple[int, int]] = []
        with self._writing() as connection:
            heads = self._ends(connection, spec.head, (row.head for row in rows))
            tails = self._ends(connection, spec.tail, (row.tail for row in rows))
            for position, row in enumerate(rows):
                head, tail = heads.get(row.head), tails.get(row.tail)
                if head is None:
                    refused.append(Refusal(position, f"there is no {spec.head} {row.head!a}"))
                elif tail is None:
                    refused.append(Refusal(position, f"there is no {spec.tail} {row.tail!a}"))
                else:
                    pairs.append((head, tail))
            new = insert_pairs(connection, number, pairs, self._load, filed=True)
            if self._replace and new < len(pairs):
                note_named(connection, number, pairs, self._load, filed=True)
            elif new < len(pairs) and relation in self._linked:
                note_filed(connection, number, pairs)
            if new:
                note_change(connection)
        return WriteReport(new, 0, len(pairs) - new, tuple(refused))

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        """See `LoadWriter.write_links`."""
        spec = self._schema.relation_kinds.get(relation)
        if spec is None:
            return unknown_relation(self._schema, relation, len(rows))
        number = self._numbers[relation]
        refused: list[Refusal] = []
        said: dict[int, set[int]] = {}
        removed = 0
        with self._writing() as connection:
            heads = self._ends(connection, spec.head, (row.head for row in rows))
            tails = self._ends(connection, spec.tail, (tail for row in rows for tail in row.tails))
            for position, row in enumerate(rows):
                head = heads.get(row.head)
                if head is None:
                    refused += [Refusal(position, f"there is no {spec.head} {row.head!a}") for _ in row.tails]
                    continue
                absent = [tail for tail in row.tails if tail not in tails]
                refused += [Refusal(position, f"there is no {spec.tail} {tail!a}") for tail in absent]
                said.setdefault(head, set()).update(tails[tail] for tail in row.tails if tail in tails)
            pairs = [(head, tail) for head, ends in said.items() for tail in sorted(ends)]
            # Before a first load nothing was said, and a replacing one removes what it does not name when it ends.
            if self._load > 1 and not self._replace:
                removed = remove_unsaid(connection, number, said)
            new = insert_pairs(connection, number, pairs, self._load, filed=False)
            if self._replace and new < len(pairs):
                note_named(connection, number, pairs, self._load, filed=False)
            if new or removed:
                note_change(connection)
        return WriteReport(new, 0, len(pairs) - new, tuple(refused), removed)

    def _ends(self, connection: sqlite3.Connection, kind: str, keys: Iterable[str]) -> dict[str, int]:
        return node_ids(connection, self._numbers[kind], filter(_is_storable, keys), self._named_by)

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        """See `LoadWriter.write_events`."""
        new: dict[bytes, tuple] = {}
        changes: dict[bytes, tuple] = {}
        changed: set[bytes] = set()
        touched: dict[bytes, None] = {}
        same = corrected = 0
        if not self._brought_back:
            # Rows may say again what was recorded, so that must be there first.
            self._bring_back()
        with self._writing() as connection:
            as_recorded = self._has_recorded(connection)
            found = resolve_events(
                connection, self._schema, self._numbers, rows, self._named_by, as_recorded=as_recorded
            )
            refused = list(found.refused)
            for position, (packed, content) in enumerate(zip(found.ids, found.content, strict=True)):
                if content is None:
                    continue
                before = found.there.get(packed)
                is_known = before is not None and (not self._replace or before[6] == self._load or packed in touched)
                if position in found.twins and not is_known and packed not in new and packed not in changes:
                    same += 1  # what was recorded; a replacing load leaves what earlier loads made of it behind
                    continue
                in_load = new.get(packed) or changes.get(packed)
                if in_load is None and before is None:
                    new[packed] = content
                elif (in_load or (before or ())[:5]) == content:
                    same += 1
                    # An appended one is nobody's but its recorder's.
                    if in_load is None and before is not None and before[6] not in (0, self._load):
                        touched[packed] = None
                elif before is not None and before[6] == 0:
                    reason = f"event {rows[position].id!r} was appended with other content; the first one stands"
                    refused.append(Refusal(position, reason))
                elif packed in new:
                    new[packed] = content
                    corrected += 1
                else:
                    first_in_load = in_load is None and before is not None and before[6] != self._load
                    changes[packed] = content
                    changed |= {packed} if first_in_load else set()
                    corrected += not first_in_load
            number = read_counters(connection).last_event
            added = [
                (number + step, packed, *content, self._load, self._load)
                for step, (packed, content) in enumerate(new.items(), 1)
            ]
            insert_events(connection, added)
            connection.executemany(
                "UPDATE event SET kind = ?, user = ?, item = ?, time = ?, weight = ?, load = ? WHERE id = ?",
                [(*content, self._load, packed) for packed, content in changes.items()],
            )
            connection.executemany(
                "UPDATE event SET load = ? WHERE id = ?", [(self._load, packed) for packed in touched]
            )
            if new:
                connection.execute("UPDATE state SET last_event = ?", (number + len(new),))
            self._last_event = number + len(new)
            if new or changes:
                note_change(connection)
        refused.sort(key=lambda refusal: refusal.row)
        return WriteReport(len(new), len(changed), same, tuple(refused), corrected=corrected)

    def _bring_back(self) -> None:
        """Events that wait for their item are there again with it."""
        found = 1
        while found:
            with self._writing() as connection:
                found = bring_back(connection, self._schema, self._numbers, self._named_by)
        self._brought_back = True

    def _has_recorded(self, connection: sqlite3.Connection) -> bool:
        """Whether there are appended events, which rows may say again. Asked once, and then told by the numbers."""
        if self._recorded is None:
            found = connection.execute("SELECT EXISTS (SELECT 1 FROM event WHERE born = 0)").fetchone()
            self._recorded, self._last_event = bool(found[0]), read_counters(connection).last_event
        elif not self._recorded:
            self._recorded = read_counters(connection).last_event != self._last_event
        return self._recorded

    def finish(self) -> FinishReport:
        """See `LoadWriter.finish`."""
        self._bring_back()
        report = finish_load(self._database, self._schema, self._numbers, self._load, replace=self._replace)
        self._finished = True
        self._lock.release()
        return report


def _is_storable(key: str) -> bool:
    return storable((key,))
