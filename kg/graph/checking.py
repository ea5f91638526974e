"""Check tables that come from files, before any of them indexes memory: types, lengths, ranges.

A number outside its table would read or write beyond an array, in native code without an error. Each check is one pass
over a column of indices or offsets, and raises ValueError with what is wrong.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kg.graph.columns import FieldColumn
from kg.graph.parts import GraphParts
from kg.graph.strings import Strings
from kg.graph.tables import Csr, InteractionTable, NodeTable, RelationTable


def check_parts(parts: GraphParts) -> None:
    """Raise ValueError unless the tables of a snapshot fit one another and its schema."""
    schema = parts.schema
    if set(parts.tables) != set(parts.kinds):
        raise ValueError(f"it has the kinds {sorted(parts.tables)}, and its schema {sorted(parts.kinds)}")
    for table in parts.tables.values():
        _check_nodes(table)
    for relation in parts.relations:
        if relation.name not in schema.relation_kinds:
            raise ValueError(f"its schema has no relation {relation.name!r}")
        _check_relation(relation, len(parts.tables[relation.head_kind]), len(parts.tables[relation.tail_kind]))
    n_items = sum(len(parts.tables[kind]) for kind in schema.item_kinds)
    for table in parts.events:
        if table.kind not in schema.interactions:
            raise ValueError(f"its schema has no interactions {table.kind!r}")
        _check_events(table, len(parts.users), n_items)


def check_strings(name: str, array: pa.Array) -> None:
    """Raise ValueError unless a column of a file is text whose borders are within it."""
    if array.type != pa.large_string():
        raise ValueError(f"{name} is of type {array.type}, not of {pa.large_string()}")
    # Borders, and the rest where that reads no data; the digest covers bytes that are not UTF-8.
    array.validate()
    _, offsets, data = array.buffers()
    if not len(array):
        return
    borders = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    size = 0 if data is None else data.size
    if len(borders) != len(array) + 1:
        raise ValueError(f"{name} has {len(borders)} borders for {len(array)} strings")
    _check_offsets(name, borders, size, exact=False)


def _check_nodes(table: NodeTable) -> None:
    length = len(table.keys)
    for name, column in (("labels", table.labels), ("texts", table.texts)):
        _check_length(f"{table.kind}: {name}", column, length)
    for field in table.fields.values():
        _check_field(f"{table.kind}: field {field.name}", field, length)


def _check_field(name: str, field: FieldColumn, length: int) -> None:
    if field.numbers is not None:
        _check_array(name, field.numbers, np.float64, length)
    elif field.codes is not None and field.categories is not None:
        _check_array(name, field.codes, np.int32, length)
        _check_range(name, field.codes, len(field.categories), least=-1)


def _check_relation(relation: RelationTable, heads: int, tails: int) -> None:
    name = f"relation {relation.name}"
    _check_csr(f"{name}, forward", relation.forward, heads, tails)
    _check_csr(f"{name}, backward", relation.backward, tails, heads)
    if relation.forward.n_edges != relation.backward.n_edges:
        raise ValueError(f"{name} has {relation.forward.n_edges} edges, and {relation.backward.n_edges} backward")


def _check_csr(name: str, csr: Csr, rows: int, columns: int) -> None:
    _check_array(name, csr.indptr, np.int64, rows + 1)
    _check_array(name, csr.indices, np.int32, None)
    _check_offsets(name, csr.indptr, len(csr.indices), exact=True)
    _check_range(name, csr.indices, columns)


def _check_events(table: InteractionTable, users: int, items: int) -> None:
    length = len(table.users)
    columns = (
        ("users", table.users, np.int32),
        ("items", table.items, np.int32),
        ("weights", table.weights, np.float32),
        ("times", table.times, np.float64),
        ("positive", table.positive, np.bool_),
    )
    for name, column, dtype in columns:
        _check_array(f"{table.kind}: {name}", column, dtype, length)
    _check_length(f"{table.kind}: ids", table.ids, length)
    _check_range(f"{table.kind}: users", table.users, users)
    _check_range(f"{table.kind}: items", table.items, items)


def _check_length(name: str, column: Strings, length: int) -> None:
    if len(column) != length:
        raise ValueError(f"{name} has {len(column)} rows instead of {length}")


def _check_array(name: str, array: NDArray, dtype: type[np.generic], length: int | None) -> None:
    if array.dtype != np.dtype(dtype) or array.ndim != 1:
        raise ValueError(f"{name} is {array.dtype}{list(array.shape)}, not {np.dtype(dtype)}[n]")
    if length is not None and len(array) != length:
        raise ValueError(f"{name} has {len(array)} rows instead of {length}")


def _check_range(name: str, array: NDArray[np.integer], below: int, least: int = 0) -> None:
    if len(array) and not (array.min() >= least and array.max() < below):
        raise ValueError(f"{name} holds {array.min()} to {array.max()}, and there are {below}")


def _check_offsets(name: str, offsets: NDArray[np.int64], size: int, *, exact: bool) -> None:
    last = int(offsets[-1])
    if offsets[0] < 0 or last > size or (exact and (offsets[0] != 0 or last != size)):
        raise ValueError(f"{name} has borders from {offsets[0]} to {last} of {size}")
    if (offsets[1:] < offsets[:-1]).any():
        raise ValueError(f"{name} has borders that fall")
