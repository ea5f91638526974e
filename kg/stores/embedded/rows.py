"""Convert rows to their form in the file and back: fields as JSON, event ids as bytes; look keys up in bulk."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from kg.rows import FieldValue
from kg.stores.fitting import known_fields
from kg.stores.sqlite import DamagedContent, blob, checked, integer, real, text
from kg.stores.sqlite.content import Column

_PARAMETERS = 5_000
"""Keys per statement; SQLite takes 32,766 parameters, and longer lists gain nothing."""

_DIGEST_LENGTH = 32

_LARGEST_VALUE = sys.float_info.max

NODE_ID = integer("node.id")
EVENT_CONTENT = (
    integer("event.kind"),
    integer("event.user"),
    integer("event.item"),
    real("event.time"),
    real("event.weight"),
)
"""Columns that several queries read."""

EventContent: TypeAlias = tuple[int, int, int, float | None, float | None]
"""Kind, user, item, time and weight."""

_NODE_CONTENT = (text("node.label"), text("node.text"), text("node.fields"), integer("node.load"))


def packed_fields(fields: Mapping[str, FieldValue]) -> str:
    """Canonical JSON of the known fields: equal fields, equal text. A number that is not finite counts as missing."""
    if not fields:
        return "{}"
    return json.dumps(known_fields(fields), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def packed_id(event_id: str) -> bytes:
    """An event id as bytes: the 16 bytes of a digest in hex, which is half of its text; a 0 and UTF-8 for any other id.

    A digest that begins with a 0 takes the second form too, so the first byte distinguishes the forms.
    """
    if len(event_id) == _DIGEST_LENGTH:
        try:
            digest = bytes.fromhex(event_id)
        except ValueError:
            digest = b""
        if digest.hex() == event_id and digest[0]:
            return digest
    return b"\0" + event_id.encode()


def unpacked_id(packed: bytes) -> str:
    """The event id that `packed_id` made these bytes of. Raises DamagedContent."""
    if packed and not packed[0]:
        try:
            return packed[1:].decode()
        except UnicodeDecodeError:
            raise DamagedContent("event.id holds bytes that are no text") from None
    if len(packed) != _DIGEST_LENGTH // 2:
        raise DamagedContent("event.id holds bytes that are no id")
    return packed.hex()


def unpacked_fields(packed: str) -> dict[str, FieldValue]:
    """The fields that `packed_fields` made this text of. Raises DamagedContent."""
    if packed == "{}":
        return {}
    try:
        fields = json.loads(packed)
    except (ValueError, RecursionError):
        raise DamagedContent("node.fields holds a text that is no JSON") from None
    if not isinstance(fields, dict):
        raise DamagedContent("node.fields holds JSON that is no object")
    for value in fields.values():
        if isinstance(value, str | bool):
            continue
        if not isinstance(value, int | float) or not abs(value) <= _LARGEST_VALUE:
            raise DamagedContent("node.fields holds a value that no field has")
    return fields


def node_ids(connection: sqlite3.Connection, kind: int, keys: Iterable[str]) -> dict[str, int]:
    """Ids of the nodes of one kind that exist among the keys."""
    query = "SELECT key, id FROM node WHERE kind = ? AND key IN"
    return dict(_rows_of(connection, query, (kind,), keys, text("node.key"), NODE_ID))


def keys_of(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, str]:
    """Keys of the nodes that exist among the ids."""
    return dict(_rows_of(connection, "SELECT id, key FROM node WHERE id IN", (), ids, NODE_ID, text("node.key")))


def nodes_by_key(connection: sqlite3.Connection, kind: int, keys: Iterable[str]) -> dict[str, tuple]:
    """(id, label, text, fields, load) of the nodes of one kind that exist among the keys."""
    query = "SELECT key, id, label, text, fields, load FROM node WHERE kind = ? AND key IN"
    rows = _rows_of(connection, query, (kind,), keys, text("node.key"), NODE_ID, *_NODE_CONTENT)
    return {row[0]: row[1:] for row in rows}


def events_by_id(connection: sqlite3.Connection, ids: Iterable[bytes]) -> dict[bytes, tuple[EventContent, int]]:
    """Content of the events that exist among the packed ids, and the load that named each last, 0 for none."""
    # What `born` says is asked for in SQL alone; a damaged one would be no event of a load and no recorded one.
    columns = (blob("event.id"), *EVENT_CONTENT, integer("event.load"), integer("event.born"))
    query = "SELECT id, kind, user, item, time, weight, load, born FROM event WHERE id IN"
    return {row[0]: (row[1:6], row[6]) for row in _rows_of(connection, query, (), ids, *columns)}


def _rows_of(
    connection: sqlite3.Connection, query: str, values: tuple, keys: Iterable[object], *columns: Column
) -> Iterator[tuple]:
    """The checked rows of a query that ends in `IN`, before which it takes `values`, for the keys in parts."""
    for part in in_parts(list(dict.fromkeys(keys))):
        yield from checked(connection.execute(f"{query} ({marks(part)})", (*values, *part)), *columns)


def in_parts(values: list) -> Iterator[Sequence]:
    """Split the values into parts, one per statement."""
    for start in range(0, len(values), _PARAMETERS):
        yield values[start : start + _PARAMETERS]


def marks(part: Sequence) -> str:
    """A place in a statement for each value."""
    return ",".join("?" * len(part))
