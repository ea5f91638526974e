"""`ImportFilesLoad`: the writer of a load into import files; what a batch says is what a Neo4j store would say."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.stores.errors import StoreError
from kg.stores.fitting import linked_relations, unknown_relation
from kg.stores.neo4j.bulk.checks import event_refusals, node_refusals
from kg.stores.neo4j.bulk.command import write_arguments
from kg.stores.neo4j.bulk.csv_files import END, START, CsvFile
from kg.stores.neo4j.bulk.directory import ImportDirectory, explained
from kg.stores.neo4j.bulk.hash_table import HashTable, hashes, pairs
from kg.stores.neo4j.bulk.nodes import LOAD, KindNodes
from kg.stores.neo4j.names import COMMON_LABEL, STORE_LABEL, Names
from kg.stores.neo4j.state import first_state
from kg.stores.protocol import FinishReport, Refusal, StoreState, WriteReport

_EDGE_COLUMNS = {START: pa.int64(), END: pa.int64()}
_FILED = "_filed"
"""On relationships that a file of relations names, where rows of their heads say the same relation."""

_EVENT_COLUMNS = {
    START: pa.int64(),
    END: pa.int64(),
    "id": pa.large_string(),
    "time": pa.float64(),
    "weight": pa.float64(),
    "_load": pa.int64(),
}


class ImportFilesLoad:
    """A load in progress, which holds the folder until it is left; see `LoadWriter`."""

    def __init__(self, directory: ImportDirectory, schema: DomainSchema) -> None:
        self._directory = directory
        self._schema = schema
        self._names = Names().extended(schema)
        folder, labels, types = directory.partial, self._names.labels, self._names.relations
        self._nodes = {
            kind: KindNodes(folder, _file_name("nodes", number, labels[kind]), (labels[kind], COMMON_LABEL), spec)
            for number, (kind, spec) in enumerate(schema.nodes.items(), 1)
        }
        self._shared = linked_relations(schema) & _filed_relations(schema)
        self._edges: dict[str, CsvFile] = {}
        for number, (name, relation) in enumerate(schema.relation_kinds.items(), 1):
            spelling = types[name, relation.head, relation.tail]
            columns = _EDGE_COLUMNS | ({_FILED: pa.bool_()} if name in self._shared else {})
            self._edges[name] = CsvFile(folder, _file_name("relations", number, spelling), spelling, columns)
        self._events: dict[str, CsvFile] = {}
        for number, kind in enumerate(schema.interactions, 1):
            spelling = self._names.interactions[kind]
            self._events[kind] = CsvFile(folder, _file_name("events", number, spelling), spelling, _EVENT_COLUMNS)
        self._pairs = {name: HashTable() for name in schema.relation_kinds}
        # What rows say of a shared relation waits for what its files say, as each relationship is written once.
        self._held: dict[str, list[tuple[NDArray[np.int64], NDArray[np.int64]]]] = {name: [] for name in self._shared}
        self._ids = HashTable(content=np.uint32)
        self._last_node = 0
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._finished:
            self._finished = True
            self._directory.abandon()

    def _check_open(self) -> None:
        if self._finished:
            raise StoreError("this load is finished; begin another")

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        """See `LoadWriter.write_nodes`."""
        self._check_open()
        refused = node_refusals(self._schema, rows)
        by_kind: dict[str, list[int]] = {}
        for position, row in enumerate(rows):
            if position not in refused:
                by_kind.setdefault(row.kind, []).append(position)
        new = changed = 0
        with explained(self._directory.target):
            for kind, positions in by_kind.items():
                part = rows if len(positions) == len(rows) else [rows[position] for position in positions]
                added, named, contradicting, self._last_node = self._nodes[kind].write(part, self._last_node)
                new, changed = new + added, changed + named
                for row in contradicting:
                    reason = (
                        f"{kind} {part[row].key!r} came before in this load with other content; the first one stands"
                    )
                    refused[positions[row]] = reason
        return _report(rows, new, changed, refused)

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        """See `LoadWriter.write_edges`."""
        ends = [(position, row.head, row.tail) for position, row in enumerate(rows)]
        return self._write_ends(relation, ends, len(rows), held=False)

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        """See `LoadWriter.write_links`; nothing was said before."""
        ends = [(position, row.head, tail) for position, row in enumerate(rows) for tail in row.tails]
        return self._write_ends(relation, ends, len(rows), held=relation in self._shared)

    def _write_ends(self, relation: str, ends: list[tuple[int, str, str]], count: int, *, held: bool) -> WriteReport:
        """Write edges, each as (row of the batch of so many, head, tail), or hold them back until the end."""
        self._check_open()
        spec = self._schema.relation_kinds.get(relation)
        if spec is None:
            return unknown_relation(self._schema, relation, count)
        heads = self._nodes[spec.head].numbers([head for _, head, _ in ends])
        tails = self._nodes[spec.tail].numbers([tail for _, _, tail in ends])
        refused = [
            Refusal(
                ends[at][0],
                f"there is no {spec.tail} {ends[at][2]!a}" if heads[at] else f"there is no {spec.head} {ends[at][1]!a}",
            )
            for at in np.flatnonzero((heads == 0) | (tails == 0)).tolist()
        ]
        known = np.flatnonzero((heads != 0) & (tails != 0))
        if held:
            self._held[relation].append((heads[known], tails[known]))
            return WriteReport(len(known), refused=tuple(refused))
        new = self._write_pairs(relation, heads[known], tails[known], filed=relation in self._shared)
        return WriteReport(new, 0, len(known) - new, tuple(refused))

    def _write_pairs(
        self, relation: str, heads: NDArray[np.int64], tails: NDArray[np.int64], *, filed: bool | None
    ) -> int:
        """Write those of the pairs that have not been written; how many."""
        _, new = self._pairs[relation].add(pairs(heads, tails))
        columns = [pa.array(heads[new]), pa.array(tails[new])]
        if relation in self._shared:
            columns.append(pa.array([filed or None] * len(columns[0]), pa.bool_()))
        with explained(self._directory.target):
            self._edges[relation].write(columns)
        return len(columns[0])

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        """See `LoadWriter.write_events`."""
        self._check_open()
        refused = event_refusals(self._schema, rows)
        good = rows if not refused else [row for position, row in enumerate(rows) if position not in refused]
        positions = np.array([position for position in range(len(rows)) if position not in refused], dtype=np.int64)
        items = self._items(good)
        for row in np.flatnonzero(items == 0).tolist():
            refused[int(positions[row])] = f"there is no {good[row].item_kind} {good[row].item!r} in the store"
        if not items.all():
            kept = np.flatnonzero(items)
            good, positions, items = [good[row] for row in kept.tolist()], positions[kept], items[kept]
        users, self._last_node = self._nodes[self._schema.user_kinds[0]].ensure([e.user for e in good], self._last_node)
        contents = hashes((e.user, e.item, e.item_kind, e.kind, e.time, e.weight) for e in good).astype(np.uint32)
        slots, new = self._ids.add(hashes(e.id for e in good))
        there = self._ids["content"]
        there[slots[new]] = contents[new]
        for row in np.flatnonzero(there[slots] != contents).tolist():
            # What is written to a file stays there; a store takes the last one.
            reason = f"event {good[row].id!r} came before with other content; import files keep the first one"
            refused[int(positions[row])] = reason
        fresh = np.flatnonzero(new)
        self._append_events(
            good if len(fresh) == len(good) else [good[row] for row in fresh.tolist()], users[fresh], items[fresh]
        )
        return _report(rows, len(fresh), 0, refused)

    def _items(self, events: Sequence[Event]) -> NDArray[np.int64]:
        """Numbers [n] of the events' items, 0 where one is not there."""
        kinds = [event.item_kind for event in events]
        numbers = np.zeros(len(events), dtype=np.int64)
        for kind in set(kinds):
            rows = [row for row, each in enumerate(kinds) if each == kind]
            numbers[rows] = self._nodes[kind].numbers([events[row].item for row in rows])
        return numbers

    def _append_events(self, events: Sequence[Event], users: NDArray[np.int64], items: NDArray[np.int64]) -> None:
        kinds = [event.kind for event in events]
        with explained(self._directory.target):
            for kind in dict.fromkeys(kinds):
                rows = np.array([row for row, each in enumerate(kinds) if each == kind], dtype=np.int64)
                part = [events[row] for row in rows.tolist()]
                columns = [
                    pa.array(users[rows]),
                    pa.array(items[rows]),
                    pa.array([event.id for event in part], pa.large_string()),
                    _numbers([event.time for event in part]),
                    _numbers([event.weight for event in part]),
                    _loads(len(part)),
                ]
                self._events[kind].write(columns)

    def finish(self) -> FinishReport:
        """See `LoadWriter.finish`. The files are in their folder then."""
        self._check_open()
        for relation, held in self._held.items():
            for heads, tails in held:
                self._write_pairs(relation, heads, tails, filed=None)
        with explained(self._directory.target):
            for nodes in self._nodes.values():
                nodes.finish()
            nodes = [nodes.file for nodes in self._nodes.values()]
            files = [*nodes, self._state(), *self._edges.values(), *self._events.values()]
            write_arguments(self._directory.partial, files)
        self._directory.publish()
        self._finished = True
        return FinishReport(StoreState(1, len(self._ids), None))

    def _state(self) -> CsvFile:
        """The store's own node; its number is none of a node's."""
        values = first_state(uuid.uuid4().hex) | {
            "id": 1,
            "generation": 1,
            "event_generation": len(self._ids),
            "last_event": len(self._ids),
            "last_node": self._last_node,
            "last_load": LOAD,
            "complete_load": LOAD,
            "names": self._names.to_json(),
            "schema": self._schema.to_json(),
            "without_layout": True,
        }
        types = {bool: pa.bool_(), int: pa.int64(), str: pa.large_string()}
        columns = {name: types[type(value)] for name, value in values.items()}
        file = CsvFile(self._directory.partial, "store", (STORE_LABEL,), {":ID": pa.int64(), **columns})
        file.write([pa.array([0]), *(pa.array([value], columns[name]) for name, value in values.items())])
        return file


def _filed_relations(schema: DomainSchema) -> frozenset[str]:
    """The relations that have sources of their own."""
    return frozenset(
        schema.relation_name(name, head, tail)
        for name, relation in schema.relations.items()
        if relation.source
        for head in relation.head
        for tail in relation.tail
    )


def _file_name(section: str, number: int, spelling: str) -> str:
    """A name that is safe and distinct in every file system and under every locale of the importer's Java."""
    return f"{section}-{number:03}-{spelling}" if spelling.isascii() else f"{section}-{number:03}"


def _loads(count: int) -> pa.Array:
    return pa.array(np.full(count, LOAD))


def _numbers(values: list[float | None]) -> pa.Array:
    return pa.array(np.array(values, dtype=np.float64), from_pandas=True)


def _report(rows: Sequence[object], new: int, changed: int, refused: dict[int, str]) -> WriteReport:
    refusals = tuple(Refusal(position, reason) for position, reason in sorted(refused.items()))
    return WriteReport(new, changed, len(rows) - new - changed - len(refusals), refusals)
