"""The rows that travel from a source through ingest into a store: nodes, edges and events.

Readers yield raw records with a `Position`; ingest turns them into these rows after checking them; stores write them
and know nothing of files. All ids are the strings that the data's owner uses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

FieldValue: TypeAlias = str | int | float | bool | None
"""A checked value of a node's field: what the schema's type says, or None where the source had no value."""


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
class Event:
    """One interaction of a user with an item.

    `user` is a user's key, `item` an item's key within `item_kind`; `time` is in seconds since the epoch (UTC), None
    where unknown; `weight` is None where the source has none. `id` identifies the event for good: given by its source,
    or `event_digest` of the content, so that writing the same event twice changes nothing.
    """

    id: str
    user: str
    item: str
    item_kind: str
    kind: str
    time: float | None = None
    weight: float | None = None

    @classmethod
    def of(
        cls,
        user: str,
        item: str,
        item_kind: str,
        kind: str,
        *,
        time: float | None = None,
        weight: float | None = None,
        id: str | None = None,
    ) -> Event:
        """Make an event, with the digest of its content as its id where none is given."""
        # 5 and 5.0 are one weight, and must be one event.
        time = None if time is None else float(time)
        weight = None if weight is None else float(weight)
        return cls(
            id or event_digest(user, item, item_kind, kind, time, weight), user, item, item_kind, kind, time, weight
        )


def event_digest(user: str, item: str, item_kind: str, kind: str, time: float | None, weight: float | None) -> str:
    """Digest of an event's content: 32 hex digits, equal for equal content on every machine."""
    # JSON keeps the borders between the parts; repr-style floats round-trip exactly.
    content = json.dumps([user, item, item_kind, kind, time, weight], ensure_ascii=False)
    return hashlib.blake2b(content.encode(errors="surrogatepass"), digest_size=16).hexdigest()
