"""Digests of a snapshot's content: equal for equal content on every machine and after any order of loading."""

from __future__ import annotations

import hashlib

import numpy as np

from kg.graph.parts import GraphParts
from kg.graph.strings import Strings
from kg.graph.tables import InteractionTable, NodeTable, RelationTable


def facts_digest(parts: GraphParts) -> str:
    """Digest of items, entities and the relations between them, 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    users = set(parts.schema.user_kinds)
    for kind in parts.kinds:
        if kind not in users:
            _update_nodes(digest, parts.tables[kind])
    for relation in parts.relations:
        if relation.head_kind not in users and relation.tail_kind not in users:
            _update_relation(digest, relation)
    return digest.hexdigest()


def events_digest(parts: GraphParts, item_ids: Strings) -> str:
    """Digest of users, relations with a user at an end, and all events, 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    users = set(parts.schema.user_kinds)
    for kind in sorted(users):
        _update_nodes(digest, parts.tables[kind])
    for relation in parts.relations:
        if relation.head_kind in users or relation.tail_kind in users:
            _update_relation(digest, relation)
    for table in parts.events:
        _update_events(digest, table)
    # Events have dense indices of items, which mean something only together with the items' ids.
    item_ids.update(digest)
    return digest.hexdigest()


def _update_nodes(digest: hashlib.blake2b, table: NodeTable) -> None:
    digest.update(f"nodes\0{table.kind}\0{table.role}\0".encode())
    for column in (table.keys, table.labels, table.texts):
        column.update(digest)
    for name in sorted(table.fields):
        table.fields[name].update(digest)


def _update_relation(digest: hashlib.blake2b, relation: RelationTable) -> None:
    digest.update(f"relation\0{relation.name}\0{relation.head_kind}\0{relation.tail_kind}\0".encode())
    digest.update(relation.forward.indptr.astype("<i8").tobytes())
    digest.update(relation.forward.indices.astype("<i4").tobytes())


def _update_events(digest: hashlib.blake2b, table: InteractionTable) -> None:
    digest.update(f"events\0{table.kind}\0{len(table)}\0".encode())
    digest.update(table.users.astype("<i4").tobytes())
    digest.update(table.items.astype("<i4").tobytes())
    for numbers, form in ((table.weights, "<f4"), (table.times, "<f8")):
        digest.update(np.where(np.isnan(numbers), np.nan, numbers).astype(form).tobytes())
    table.ids.update(digest)
