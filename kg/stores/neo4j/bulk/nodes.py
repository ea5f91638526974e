"""The nodes of one kind: their numbers by key, and their file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from kg.key_index import KeyIndex
from kg.rows import NodeRow
from kg.schema import FieldType, NodeKind
from kg.stores.neo4j.bulk.csv_files import ID, CsvFile
from kg.stores.neo4j.names import property_name

LOAD = 1
"""Number of the one load that an imported database has seen."""

_ARROW = {FieldType.INTEGER: pa.int64(), FieldType.NUMBER: pa.float64(), FieldType.BOOLEAN: pa.bool_()}
_TEXT = pa.large_string()


class KindNodes:
    """The nodes of a kind that a load has named. Some 25 bytes of memory per node."""

    def __init__(self, folder: Path, name: str, labels: tuple[str, ...], spec: NodeKind) -> None:
        """name: of the files."""
        self._fields = {field: _ARROW.get(spec.fields[field].type, _TEXT) for field in sorted(spec.fields)}
        typed = {property_name(field): type for field, type in self._fields.items()}
        columns = {ID: pa.int64(), "key": _TEXT, "name": _TEXT, "text": _TEXT, **typed, "_load": pa.int64()}
        self.file = CsvFile(folder, name, labels, columns)
        self.numbers = KeyIndex(content_bits=32)
        """Numbers of the nodes by key."""

    def write(self, rows: Sequence[NodeRow], last: int) -> None:
        """Write rows, whose nodes get the numbers after `last`."""
        numbers = range(last + 1, last + 1 + len(rows))
        for row, number in zip(rows, numbers, strict=True):
            self.numbers.add(row.key, number)
        fields = [pa.array([row.fields.get(name) for row in rows], type) for name, type in self._fields.items()]
        self.file.write(
            [
                pa.array(numbers),
                pa.array([row.key for row in rows], _TEXT),
                pa.array([row.label for row in rows], _TEXT),
                pa.array([row.text or None for row in rows], _TEXT),
                *fields,
                pa.array(np.full(len(rows), LOAD)),
            ]
        )
