"""`EmbeddedLoad`: the writer of one load. Each call is one transaction; the mark in the store tells that it goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from kg.locking import FileLock
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.stores.embedded.event_rows import insert_events, resolve_events
from kg.stores.embedded.finishing import finish_load
from kg.stores.embedded.rows import node_ids, nodes_by_key, packed_fields
from kg.stores.embedded.state import note_change, read_counters
from kg.stores.errors import StoreError
from kg.stores.fitting import node_misfit, storable
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
        self._finished = False

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
            known = ", ".join(self._schema.relation_kinds) or "none"
            reason = f"there is no relation {relation!r}; the domain has {known}"
            return WriteReport(refused=tuple(Refusal(position, reason) for position in range(len(rows))))
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
            values = [(number, head, tail, self._load) for head, tail in pairs]
            inserted = connection.executemany("INSERT OR IGNORE INTO edge VALUES (?, ?, ?, ?)", values).rowcount
            new = max(inserted, 0)  # -1 after no row at all
            if self._replace and new < len(pairs):
                touches = [(self._load, number, head, tail) for head, tail in pairs]
                connection.executemany("UPDATE edge SET load = ? WHERE relation = ? AND head = ? AND tail = ?", touches)
            if new:
                note_change(connection)
        return WriteReport(new, 0, len(pairs) - new, tuple(refused))

    def _ends(self, connection: sqlite3.Connection, kind: str, keys: Iterable[str]) -> dict[str, int]:
        return node_ids(connection, self._numbers[kind], filter(_is_storable, keys), self._named_by)

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        """See `LoadWriter.write_events`."""
        new: dict[bytes, tuple] = {}
        changes: dict[bytes, tuple] = {}
        touches: list[tuple[int, bytes]] = []
        same = 0
        with self._writing() as connection:
            found = resolve_events(connection, self._schema, self._numbers, rows, self._named_by)
            refused = list(found.refused)
            for position, (packed, content) in enumerate(zip(found.ids, found.content, strict=True)):
                if content is None:
                    continue
                before = found.there.get(packed)
                in_load = new.get(packed) or changes.get(packed)
                if in_load is None and before is None:
                    new[packed] = content
                elif (in_load or (before or ())[:5]) == content:
                    same += 1
                    if in_load is None and before is not None and before[6] != self._load:
                        touches.append((self._load, packed))
                elif in_load is None and before is not None and before[6] not in (0, self._load):
                    changes[packed] = content
                else:
                    source = "was appended" if before is not None and before[6] == 0 else "came before in this load"
                    reason = f"event {rows[position].id!r} {source} with other content; the first one stands"
                    refused.append(Refusal(position, reason))
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
            connection.executemany("UPDATE event SET load = ? WHERE id = ?", touches)
            if new:
                connection.execute("UPDATE state SET last_event = ?", (number + len(new),))
            if new or changes:
                note_change(connection)
        refused.sort(key=lambda refusal: refusal.row)
        return WriteReport(len(new), len(changes), same, tuple(refused))

    def finish(self) -> FinishReport:
        """See `LoadWriter.finish`."""
        with self._writing():
            pass
        report = finish_load(self._database, self._schema, self._numbers, self._load, replace=self._replace)
        self._finished = True
        self._lock.release()
        return report


def _is_storable(key: str) -> bool:
    return storable((key,))
