"""Write and read a snapshot as memory-mapped files: Arrow IPC for strings, .npy for arrays, graph.json for the rest.

The directory is written beside its place, flushed and renamed, so a reader finds a whole snapshot or none. Nothing in
it is executable: no pickle, and .npy files are read with pickling off. Digests check that what is read is what was
written (`kg.graph.intact`), and `kg.graph.checking` that indices stay within their tables.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy
from numpy.typing import NDArray
from pyarrow import ipc

from kg.durable import directory_written_whole
from kg.errors import WhyPathError
from kg.graph.checking import check_parts, check_strings
from kg.graph.columns import FieldColumn
from kg.graph.intact import described, digest_of_record, fault_of
from kg.graph.parts import GraphParts
from kg.graph.strings import Strings
from kg.graph.tables import Csr, InteractionTable, NodeTable, RelationTable
from kg.schema import DomainSchema

FORMAT_VERSION = 2
"""Incremented when older code cannot read the files; another version is refused, with advice."""

_RECORD = "graph.json"

_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    WhyPathError,
    pa.ArrowException,
)
"""Errors of reading files that are not as this module writes them."""


class SnapshotUnreadable(WhyPathError):
    """A directory that is not a snapshot, is damaged, or was written by another version."""


def save(graph: GraphParts, digest: str, directory: Path, *, mode: int | None = None) -> Path:
    """Write a snapshot with the digest of its facts; see `KnowledgeGraph.save`. Raises SnapshotUnreadable if the
    directory holds something else, and OSError.
    """
    if directory.exists() and not (directory / _RECORD).exists() and any(directory.iterdir()):
        raise SnapshotUnreadable(f"{directory} exists and holds no snapshot; give another directory or empty it")
    with directory_written_whole(directory, mode=mode) as partial:
        record: dict[str, Any] = {
            "format": "whypath-graph",
            "version": FORMAT_VERSION,
            "generation": graph.generation,
            "event_generation": graph.event_generation,
            "digest": digest,
            "schema": json.loads(graph.schema.to_json()),
            "kinds": [_write_nodes(partial, number, graph.tables[kind]) for number, kind in enumerate(graph.kinds)],
            "relations": [
                _write_relation(partial, number, relation) for number, relation in enumerate(graph.relations)
            ],
            "interactions": [_write_events(partial, number, table) for number, table in enumerate(graph.events)],
        }
        record["files"] = described(sorted(partial.iterdir()))
        record["sha256"] = digest_of_record(record)
        (partial / _RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    return directory


def load(directory: Path, *, mmap: bool) -> GraphParts:
    """Read a snapshot's parts; see `KnowledgeGraph.load`."""
    record = read_record(directory)
    try:
        fault = fault_of(directory, record["files"], record["sha256"])
        if fault is None:
            parts = _read_parts(directory, record, mmap)
            check_parts(parts)
            return parts
    except _DAMAGE as error:
        fault = f"{directory} cannot be read ({type(error).__name__}: {error})"
    raise SnapshotUnreadable(f"{fault}: the snapshot is damaged; make it again from its store")


def _read_parts(directory: Path, record: dict[str, Any], mmap: bool) -> GraphParts:
    schema = DomainSchema.from_json(json.dumps(record["schema"]))
    return GraphParts(
        schema,
        {
            entry["kind"]: _read_nodes(directory, number, entry, schema, mmap)
            for number, entry in enumerate(record["kinds"])
        },
        [_read_relation(directory, number, entry, mmap) for number, entry in enumerate(record["relations"])],
        [_read_events(directory, number, entry, mmap) for number, entry in enumerate(record["interactions"])],
        generation=record["generation"],
        event_generation=record["event_generation"],
        digest=record["digest"],
    )


def read_record(directory: Path) -> dict[str, Any]:
    """The checked content of graph.json; raises SnapshotUnreadable."""
    path = directory / _RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SnapshotUnreadable(f"{directory} holds no snapshot (there is no {_RECORD} in it)") from None
    except (OSError, ValueError, RecursionError) as error:
        raise SnapshotUnreadable(f"{path} is damaged ({error}); make the snapshot again from its store") from None
    if not isinstance(record, dict) or record.get("format") != "whypath-graph":
        raise SnapshotUnreadable(f"{path} does not describe a snapshot of WhyPath")
    if record.get("version") != FORMAT_VERSION:
        raise SnapshotUnreadable(
            f"{directory} has snapshot format {record.get('version')}, this version reads {FORMAT_VERSION};"
            " make the snapshot again from its store"
        )
    if record.get("sha256") != digest_of_record(record):
        raise SnapshotUnreadable(f"{path} does not hold what was written: it is damaged; make it again from its store")
    return record


def _write_nodes(directory: Path, number: int, table: NodeTable) -> dict[str, object]:
    _write_strings(directory / f"nodes-{number}.arrow", {"key": table.keys, "label": table.labels, "text": table.texts})
    fields: list[dict[str, object]] = []
    for position, column in enumerate(table.fields.values()):
        stem = f"nodes-{number}-field-{position}"
        if column.numbers is not None:
            _write_array(directory / f"{stem}.npy", column.numbers)
        elif column.codes is not None and column.categories is not None:
            _write_array(directory / f"{stem}.npy", column.codes)
            _write_strings(directory / f"{stem}.arrow", {"category": column.categories})
        head = {"name": column.name, "type": column.type, "sensitive": column.sensitive}
        fields.append({**head, "stem": stem, "categories": column.numbers is None})
    return {"kind": table.kind, "fields": fields}


def _read_nodes(directory: Path, number: int, entry: dict[str, Any], schema: DomainSchema, mmap: bool) -> NodeTable:
    strings = _read_strings(directory / f"nodes-{number}.arrow", mmap)
    fields: dict[str, FieldColumn] = {}
    for field in entry["fields"]:
        values = _read_array(directory / f"{field['stem']}.npy", mmap)
        head = (field["name"], field["type"], field["sensitive"])
        if field["categories"]:
            categories = _read_strings(directory / f"{field['stem']}.arrow", mmap)["category"]
            fields[field["name"]] = FieldColumn(*head, codes=values, categories=categories)
        else:
            fields[field["name"]] = FieldColumn(*head, numbers=values)
    kind = entry["kind"]
    return NodeTable(kind, schema.nodes[kind].role, strings["key"], strings["label"], strings["text"], fields)


_CSR_PARTS = ("forward-indptr", "forward-indices", "backward-indptr", "backward-indices")


def _write_relation(directory: Path, number: int, relation: RelationTable) -> dict[str, object]:
    forward, backward = relation.forward, relation.backward
    for part, array in zip(
        _CSR_PARTS, (forward.indptr, forward.indices, backward.indptr, backward.indices), strict=True
    ):
        _write_array(directory / f"relation-{number}-{part}.npy", array)
    return {
        "name": relation.name,
        "label": relation.label,
        "head": relation.head_kind,
        "tail": relation.tail_kind,
        "hidden": relation.hidden,
    }


def _read_relation(directory: Path, number: int, entry: dict[str, Any], mmap: bool) -> RelationTable:
    parts = [_read_array(directory / f"relation-{number}-{part}.npy", mmap) for part in _CSR_PARTS]
    csr = Csr(parts[0], parts[1]), Csr(parts[2], parts[3])
    return RelationTable(entry["name"], entry["label"], entry["head"], entry["tail"], *csr, entry["hidden"])


_EVENT_PARTS = ("users", "items", "weights", "times", "positive")


def _write_events(directory: Path, number: int, table: InteractionTable) -> dict[str, object]:
    for part in _EVENT_PARTS:
        _write_array(directory / f"events-{number}-{part}.npy", getattr(table, part))
    _write_strings(directory / f"events-{number}.arrow", {"id": table.ids})
    return {"kind": table.kind}


def _read_events(directory: Path, number: int, entry: dict[str, Any], mmap: bool) -> InteractionTable:
    parts = {part: _read_array(directory / f"events-{number}-{part}.npy", mmap) for part in _EVENT_PARTS}
    ids = _read_strings(directory / f"events-{number}.arrow", mmap)["id"]
    return InteractionTable(kind=entry["kind"], ids=ids, **parts)


def _write_array(path: Path, array: NDArray) -> None:
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)


def _read_array(path: Path, mmap: bool) -> NDArray:
    if mmap:
        array = npy.open_memmap(path, mode="r")
    else:
        with path.open("rb") as file:
            array = npy.read_array(file, allow_pickle=False)
    # As a plain array: the subclass of mapped arrays makes every slice slower.
    return array.view(np.ndarray)


def _write_strings(path: Path, columns: dict[str, Strings]) -> None:
    batch = pa.record_batch({name: column.array for name, column in columns.items()})
    with pa.OSFile(str(path), "wb") as sink, ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def _read_strings(path: Path, mmap: bool) -> dict[str, Strings]:
    source = pa.memory_map(str(path)) if mmap else pa.OSFile(str(path))
    batch = ipc.open_file(source).get_batch(0)
    for name in batch.schema.names:
        check_strings(f"{path.name}: {name}", batch.column(name))
    return {name: Strings(batch.column(name)) for name in batch.schema.names}
