"""The nodes of one kind: their numbers by key, and their file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kg.rows import FieldValue, NodeRow
from kg.schema import FieldType, NodeKind
from kg.stores.neo4j.bulk.csv_files import ID, CsvFile
from kg.stores.neo4j.bulk.hash_table import HashTable, hashes
from kg.stores.neo4j.names import property_name

T = TypeVar("T")

LOAD = 1
"""Number of the one load that an imported database has seen."""

_ARROW = {FieldType.INTEGER: pa.int64(), FieldType.NUMBER: pa.float64(), FieldType.BOOLEAN: pa.bool_()}

_UNNAMED = 0
"""Content of a node that only events name."""


class KindNodes:
    """What a load has said of the nodes of a kind. Some 40 bytes of memory a node."""

    def __init__(self, folder: Path, name: str, labels: tuple[str, ...], spec: NodeKind) -> None:
        """`name` is that of the files."""
        self._fields = {field: spec.fields[field].type for field in sorted(spec.fields)}
        typed = {property_name(field): _ARROW.get(type, pa.large_string()) for field, type in self._fields.items()}
        text = pa.large_string()
        columns = {ID: pa.int64(), "key": text, "name": text, "text": text, **typed, "_load": pa.int64()}
        self.file = CsvFile(folder, name, labels, columns)
        self._table = HashTable(number=np.uint32, content=np.uint64)
        self._unnamed: dict[str, int] = {}

    def numbers(self, keys: Iterable[str]) -> NDArray[np.int64]:
        """Numbers [n] of nodes, 0 where one is not there."""
        slots = self._table.find(hashes(keys))
        return np.where(slots < 0, 0, self._table["number"][slots]).astype(np.int64)

    def ensure(self, keys: list[str], last: int) -> tuple[NDArray[np.int64], int]:
        """Numbers [n] of nodes, made where they are not there; `last` is the highest number, before and afterwards.

        Those that are made are kept in memory until the end of the load, as their rows may still come. A load of a
        domain names users before their events, so there are none.
        """
        slots, new = self._table.add(hashes(keys))
        rows = np.flatnonzero(new)
        self._table["number"][slots[rows]] = np.arange(last + 1, last + 1 + len(rows))
        self._table["content"][slots[rows]] = _UNNAMED
        self._unnamed.update((keys[row], last + 1 + step) for step, row in enumerate(rows.tolist()))
        return self._table["number"][slots].astype(np.int64), last + len(rows)

    def write(self, rows: Sequence[NodeRow], last: int) -> tuple[int, int, list[int], int]:
        """Write rows, which fit the schema: how many were new, how many named a node that only events had, which
        (positions) contradict an earlier one; and the highest number."""
        keys, labels, texts = [r.key for r in rows], [r.label for r in rows], [r.text for r in rows]
        fields = [_known([row.fields.get(name) for row in rows]) for name in self._fields]
        contents = hashes(zip(labels, texts, *fields, strict=True))
        slots, new = self._table.add(hashes(keys))
        numbers, there = self._table["number"], self._table["content"]
        fresh = np.flatnonzero(new)
        numbers[slots[fresh]] = np.arange(last + 1, last + 1 + len(fresh))
        there[slots[fresh]] = contents[fresh]
        named = self._name(keys, slots, new, contents) if self._unnamed else []
        written = np.sort(np.concatenate([fresh, np.asarray(named, dtype=np.int64)]))
        keys, labels, texts = _taken(keys, written), _taken(labels, written), _taken(texts, written)
        fields = [_taken(values, written) for values in fields]
        self._append(numbers[slots[written]].astype(np.int64), keys, labels, texts, fields)
        contradicting = np.flatnonzero(there[slots] != contents).tolist()
        return len(fresh), len(named), contradicting, last + len(fresh)

    def _name(
        self, keys: list[str], slots: NDArray[np.int64], new: NDArray[np.bool_], contents: NDArray[np.uint64]
    ) -> list[int]:
        """Rows that give a name to a node that only events had."""
        there = self._table["content"]
        named: list[int] = []
        for row in np.flatnonzero(~new & (there[slots] == _UNNAMED)).tolist():
            if there[slots[row]] == _UNNAMED:  # not by an earlier row of the batch
                there[slots[row]] = contents[row]
                del self._unnamed[keys[row]]
                named.append(row)
        return named

    def _append(
        self,
        numbers: NDArray[np.int64],
        keys: Sequence[str],
        labels: Sequence[str],
        texts: Sequence[str],
        fields: Sequence[Sequence[FieldValue]],
        load: int = LOAD,
    ) -> None:
        typed = [
            pa.array(values, _ARROW.get(type, pa.large_string()))
            for values, type in zip(fields, self._fields.values(), strict=True)
        ]
        text = pa.large_string()
        self.file.write(
            [
                pa.array(numbers),
                pa.array(keys, text),
                pa.array(labels, text),
                pa.array([each or None for each in texts], text),
                *typed,
                pa.array(np.full(len(numbers), load)),
            ]
        )

    def finish(self) -> None:
        """Write the nodes that only events name."""
        if self._unnamed:
            keys = list(self._unnamed)
            none = [[None] * len(keys)] * len(self._fields)
            numbers = np.fromiter(self._unnamed.values(), dtype=np.int64)
            self._append(numbers, keys, keys, [""] * len(keys), none, load=0)


def _taken(column: list[T], rows: NDArray[np.int64]) -> list[T]:
    return column if len(rows) == len(column) else [column[row] for row in rows.tolist()]


def _known(values: list[FieldValue]) -> list[FieldValue]:
    """Values with None for a number that is not finite."""
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]
    return values
