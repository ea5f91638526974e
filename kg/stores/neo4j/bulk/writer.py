"""`ImportFilesLoad`: the writer of a load into import files; it reports batches as a Neo4j store would."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kg.key_index import KeyIndex
from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.stores.errors import StoreError
from kg.stores.fitting import linked_relations, lost_ends
from kg.stores.neo4j.bulk.command import write_arguments
from kg.stores.neo4j.bulk.csv_files import END, START, CsvFile
from kg.stores.neo4j.bulk.directory import ImportDirectory, explained
from kg.stores.neo4j.bulk.nodes import LOAD, KindNodes
from kg.stores.neo4j.event_rows import unindexable_event
from kg.stores.neo4j.names import COMMON_LABEL, STORE_LABEL, Names
from kg.stores.neo4j.nodes import unindexable
from kg.stores.neo4j.state import first_state
from kg.stores.protocol import FinishReport, Refusal, StoreState, WriteReport

_EDGE_COLUMNS = {START: pa.int64(), END: pa.int64()}
_FILED = "_filed"
"""Set on relationships that a file of relations names, where rows of their heads give the same relation."""

_EVENT_COLUMNS = {
    START: pa.int64(),
    END: pa.int64(),
    "id": pa.large_string(),
    "time": pa.float64(),
    "weight": pa.float64(),
    "_load": pa.int64(),
}


class ImportFilesLoad:
    """A load in progress, which holds the folder until it is closed; see `LoadWriter`."""

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
        self._pairs = {name: KeyIndex(content_bits=0) for name in schema.relation_kinds}
        # Edges of rows in a shared relation wait for those of its files, as each relationship is written once.
        self._held: dict[str, list[NDArray[np.int64]]] = {name: [] for name in self._shared}
        self._ids = KeyIndex(content_bits=32)
        self._last_node = 0
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._finished:
            self._finished = True
            self._directory.abandon()

    def _check_open(self) -> None:
        if self._finished:
            raise StoreError("this load is finished; begin another")

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        """See `LoadWriter.write_nodes`."""
        self._check_open()
        refused = tuple(Refusal(at, reason) for at, row in enumerate(rows) if (reason := unindexable(row)))
        by_kind: dict[str, list[NodeRow]] = {}
        for row in rows if not refused else [row for row in rows if not unindexable(row)]:
            by_kind.setdefault(row.kind, []).append(row)
        with explained(self._directory.target):
            for kind, group in by_kind.items():
                self._nodes[kind].write(group, self._last_node)
                self._last_node += len(group)
        return WriteReport(len(rows) - len(refused), refused=refused)

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        """See `LoadWriter.write_edges`."""
        return self._write_ends(relation, [(at, row.head, row.tail) for at, row in enumerate(rows)], held=False)

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        """See `LoadWriter.write_links`; there are no earlier links."""
        ends = [(at, row.head, tail) for at, row in enumerate(rows) for tail in row.tails]
        return self._write_ends(relation, ends, held=relation in self._shared)

    def _write_ends(self, relation: str, ends: list[tuple[int, str, str]], *, held: bool) -> WriteReport:
        """Write edges, each as (row of the batch, head, tail), or hold them back until the end."""
        self._check_open()
        spec = self._schema.relation_kinds[relation]
        heads, tails = self._nodes[spec.head].numbers, self._nodes[spec.tail].numbers
        pairs = np.stack([heads.numbers(h for _, h, _ in ends), tails.numbers(t for _, _, t in ends)], axis=1)
        known = pairs.all(axis=1)
        refused = () if known.all() else lost_ends(spec, ends, heads, tails)
        pairs = pairs[known]
        if held:
            self._held[relation].append(pairs)
            return WriteReport(len(pairs), refused=refused)
        new = self._write_pairs(relation, pairs, filed=relation in self._shared)
        return WriteReport(new, 0, len(pairs) - new, refused)

    def _write_pairs(self, relation: str, pairs: NDArray[np.int64], *, filed: bool) -> int:
        """Write pairs that have not been written yet; return how many."""
        written = self._pairs[relation]
        new = pairs[[written.add(pair) is None for pair in map(tuple, pairs.tolist())]]
        columns = [pa.array(new[:, 0]), pa.array(new[:, 1])]
        if relation in self._shared:
            columns.append(pa.array([filed or None] * len(new), pa.bool_()))
        with explained(self._directory.target):
            self._edges[relation].write(columns)
        return len(new)

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        """See `LoadWriter.write_events`. A written row cannot be changed, so the first event of an id is kept."""
        self._check_open()
        users = self._nodes[self._schema.user_kinds[0]].numbers.numbers(event.user for event in rows)
        new: dict[str, list[tuple[int, int, Event]]] = {kind: [] for kind in self._events}
        refused: list[Refusal] = []
        numbers = zip(users.tolist(), self._items(rows).tolist(), strict=True)
        for at, (event, (user, item)) in enumerate(zip(rows, numbers, strict=True)):
            reason = unindexable_event(event)
            if reason is None and not (user and item):
                kind, key = (event.item_kind, event.item) if user else (self._schema.user_kinds[0], event.user)
                reason = f"there is no {kind} {key!r} in the store"
            content = (event.user, event.item, event.item_kind, event.kind, event.time, event.weight)
            same = self._ids.add(event.id, content) if reason is None else True
            if same is None:
                new[event.kind].append((user, item, event))
            elif not same:
                reason = f"event {event.id!r} came before with other content; import files keep the first one"
            if reason is not None:
                refused.append(Refusal(at, reason))
        with explained(self._directory.target):
            for kind, part in new.items():
                self._events[kind].write(_event_columns(part))
        written = sum(map(len, new.values()))
        return WriteReport(written, 0, len(rows) - written - len(refused), tuple(refused))

    def _items(self, events: Sequence[Event]) -> NDArray[np.int64]:
        """Numbers [n] of the events' items, 0 for a missing one."""
        kinds = [event.item_kind for event in events]
        numbers = np.zeros(len(events), dtype=np.int64)
        for kind in set(kinds):
            rows = [row for row, item_kind in enumerate(kinds) if item_kind == kind]
            numbers[rows] = self._nodes[kind].numbers.numbers(events[row].item for row in rows)
        return numbers

    def finish(self) -> FinishReport:
        """See `LoadWriter.finish`. Then the files are in their folder."""
        self._check_open()
        for relation, held in self._held.items():
            for pairs in held:
                self._write_pairs(relation, pairs, filed=False)
        with explained(self._directory.target):
            nodes = [nodes.file for nodes in self._nodes.values()]
            files = [*nodes, self._state(), *self._edges.values(), *self._events.values()]
            write_arguments(self._directory.partial, files)
        self._directory.publish()
        self._finished = True
        return FinishReport(StoreState(1, len(self._ids), None))

    def _state(self) -> CsvFile:
        """The store's own node; no other node has its number."""
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
    """The relations with their own sources."""
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


def _event_columns(events: Sequence[tuple[int, int, Event]]) -> list[pa.Array]:
    """Events with the numbers of their users and items, as columns."""
    return [
        pa.array([user for user, _, _ in events], pa.int64()),
        pa.array([item for _, item, _ in events], pa.int64()),
        pa.array([event.id for _, _, event in events], pa.large_string()),
        pa.array([event.time for _, _, event in events], pa.float64()),
        pa.array([event.weight for _, _, event in events], pa.float64()),
        pa.array(np.full(len(events), LOAD)),
    ]
