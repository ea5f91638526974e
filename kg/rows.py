"""The rows that travel from a source through ingest into a store: nodes, edges and events.

Readers yield raw records with a `Position`; ingest turns them into these rows after checking them; stores write them
and know nothing of files. All ids are the strings of the source.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict, Unpack

from kg.ids import Id, id_text

FieldValue: TypeAlias = str | int | float | bool | None
"""A checked value of a node's field: of the schema's type, or None where the source had no value."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record came from, for messages and the quarantine: 1-based line (or row) of a file."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node: `text` is what a text encoder reads (label and description), empty where there is none."""

    kind: str
    key: str
    label: str
    text: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One triple (head, relation, tail); the relation's schema entry names the kinds of both ends."""

    relation: str
    head: str
    tail: str


@dataclass(frozen=True, slots=True)
class RowLinks:
    """What one row of a node kind states in its columns of one relation: the node's key, and the keys of the tails.

    Without tails the row states that there are none.
    """

    head: str
    tails: tuple[str, ...]


class EventParts(TypedDict, total=False):
    """Parts that an event may lack, see `Event`."""

    time: float | None
    weight: float | None
    id: Id | None


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction of a user with an item.

    `user` is a user's key, `item` an item's key within `item_kind`; `time` is in seconds since the epoch (UTC), None
    where unknown; `weight` is None where the source has none. `id` identifies the event permanently: the source's own
    id; else `event_identity` for a row of a source, which may have another weight when it is loaded again, and
    `event_digest` of the whole content for a recorded event, so that recording the same event twice changes nothing.
    """

    id: str
    user: str
    item: str
    item_kind: str
    kind: str
    time: float | None = None
    weight: float | None = None

    @classmethod
    def of(cls, user: Id, item: Id, item_kind: str, kind: str, **parts: Unpack[EventParts]) -> Event:
        """Make an event, with the digest of its content as its id where none is given. Raises BadId."""
        user, item = id_text(user), id_text(item)
        id, time, weight = parts.get("id"), parts.get("time"), parts.get("weight")
        id = None if id is None else id_text(id)
        # 5 and 5.0 are one weight, and must be one event.
        time = None if time is None else float(time)
        weight = None if weight is None else float(weight)
        return cls(
            id or event_digest(user, item, item_kind, kind, time, weight), user, item, item_kind, kind, time, weight
        )


def event_identity(user: str, item: str, item_kind: str, kind: str, time: float | None) -> str:
    """Id of an event of a source without ids: equal for rows that differ only in their weight. 32 hex digits.

    Where a source has no times, a user has one event of each kind with an item.
    """
    return _digest([user, item, item_kind, kind, None if time is None else float(time)])


def event_digest(user: str, item: str, item_kind: str, kind: str, time: float | None, weight: float | None) -> str:
    """Digest of an event's content: 32 hex digits, equal for equal content on every machine."""
    return _digest([user, item, item_kind, kind, time, weight])


def recorded_id(event: Event) -> str:
    """The id that the event would have if it had been recorded without one."""
    return event_digest(event.user, event.item, event.item_kind, event.kind, event.time, event.weight)


def _digest(parts: list[str | float | None]) -> str:
    # JSON keeps the borders between the parts; repr-style floats round-trip exactly.
    content = json.dumps(parts, ensure_ascii=False)
    return hashlib.blake2b(content.encode(errors="surrogatepass"), digest_size=16).hexdigest()
