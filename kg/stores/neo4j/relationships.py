"""Read relationships for a snapshot: the queries, and the conversion of their columns to rows of nodes.

The ends of a relationship are given by the store's own numbers of nodes, which are unique over all kinds. So one query
can read relations to nodes of many kinds, which are separated here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kg.graph import Strings
from kg.graph.building import EventColumns
from kg.schema import DomainSchema, RelationKind
from kg.stores.neo4j.answers import node_numbers, numbers, same_length, texts
from kg.stores.neo4j.names import Names
from kg.stores.sqlite import DamagedContent

Pairs: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Rows of heads and of tails."""

_NOBODY: Pairs = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32)


class Ends:
    """The nodes by their numbers: kind, and row in the table of that kind."""

    def __init__(self, schema: DomainSchema, last_node: int) -> None:
        self.last = last_node
        self._kinds = {kind: position for position, kind in enumerate(schema.nodes)}
        self._kind = np.full(last_node + 1, -1, dtype=np.int32)
        self._row = np.full(last_node + 1, -1, dtype=np.int32)

    def note(self, kind: str, numbers: NDArray[np.int64]) -> None:
        """The numbers of the nodes of a kind, in the order of their rows. Raises DamagedContent."""
        if len(np.unique(numbers)) < len(numbers) or (self._row[numbers] >= 0).any():
            raise DamagedContent("two nodes have the same _id")
        self._kind[numbers] = self._kinds[kind]
        self._row[numbers] = np.arange(len(numbers), dtype=np.int32)

    def are(self, kind: str, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the numbers are those of nodes of a kind."""
        return self._kind[numbers] == self._kinds[kind]

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        """Rows in the tables of their kinds."""
        return self._row[numbers]


class Part(Protocol):
    """Relationships that one query reads, by ranges of the keys of the nodes at one end."""

    @property
    def near(self) -> str:
        """Kind of those nodes."""
        ...

    @property
    def counted(self) -> str:
        """A pattern with the relationships as `r`, which Neo4j can count without reading them."""
        ...

    @property
    def text(self) -> str:
        """The query; `$first` and `$last` are keys, `$upto` is the highest number of a node, `$events` of an event."""
        ...

    def take(self, page: Sequence[Sequence[Any]]) -> None:
        """Add the records of an answer."""
        ...


class Edges:
    """Relations with heads, or with tails, of one kind."""

    def __init__(
        self, ends: Ends, names: Names, near: str, relations: Sequence[RelationKind], *, from_heads: bool
    ) -> None:
        self.near = near
        self._ends = ends
        self._from_heads = from_heads
        # Relations between different kinds can have the same type.
        self._relations: dict[str, list[tuple[str, str]]] = {}
        for relation in relations:
            far = relation.tail if from_heads else relation.head
            self._relations.setdefault(names.relation(relation), []).append((relation.name, far))
        self._found: dict[str, list[Pairs]] = {relation.name: [_NOBODY] for relation in relations}
        label, types = names.label(near), "|".join(self._relations)
        left, right = ("-", "->") if from_heads else ("<-", "-")
        self.counted = f"(:{label}){left}[r:{types}]{right}()"
        self.text = (
            f"MATCH (n:{label}){left}[r:{types}]{right}(f) USING INDEX SEEK n:{label}(key)"
            " WHERE n.key >= $first AND n.key <= $last AND n._id <= $upto AND f._id <= $upto"
            " RETURN type(r), collect(n._id), collect(f._id)"
        )

    def take(self, page: Sequence[Sequence[Any]]) -> None:
        """See `Part.take`: a record for each type."""
        for spelling, *ends in page:
            near, far = (node_numbers(column, self._ends.last) for column in ends)
            if not self._ends.are(self.near, near).all():
                raise DamagedContent(f"a relationship {spelling} is on a node that is no {self.near} of the store")
            for name, kind in self._relations[f"`{spelling}`"]:
                fits = self._ends.are(kind, far)
                starts, ends = self._ends.rows(near[fits]), self._ends.rows(far[fits])
                self._found[name].append((starts, ends) if self._from_heads else (ends, starts))

    def columns(self) -> dict[str, Pairs]:
        """All of them, by relation."""
        return {
            name: (np.concatenate([heads for heads, _ in pairs]), np.concatenate([tails for _, tails in pairs]))
            for name, pairs in self._found.items()
        }


class Events:
    """The events of one interaction, from their users."""

    def __init__(
        self, ends: Ends, names: Names, schema: DomainSchema, kind: str, item_starts: Mapping[str, int]
    ) -> None:
        """`item_starts`: dense index of the first item of each kind."""
        self.kind = kind
        self.near = schema.user_kinds[0]
        self._ends = ends
        self._starts = {item: item_starts[item] for item in schema.interactions[kind].items}
        self._ids: list[Strings] = []
        self._users, self._items = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int32)]
        self._times, self._weights = [np.zeros(0, dtype=np.float64)], [np.zeros(0, dtype=np.float64)]
        user, spelling = names.label(self.near), names.interaction(kind)
        self.counted = f"(:{user})-[r:{spelling}]->()"
        self.text = (
            f"MATCH (u:{user})-[r:{spelling}]->(i) USING INDEX SEEK u:{user}(key)"
            " WHERE u.key >= $first AND u.key <= $last AND u._id <= $upto AND i._id <= $upto"
            " AND coalesce(r._number, 0) <= $events"
            " RETURN collect(u._id), collect(i._id), collect(r.id), collect(coalesce(r.time, $nan)),"
            " collect(coalesce(r.weight, $nan))"
        )

    def take(self, page: Sequence[Sequence[Any]]) -> None:
        """See `Part.take`: one record."""
        ((users, items, ids, times, weights),) = page
        same_length(users, items, ids, times, weights, what=f"a relationship of {self.kind!r}")
        of_items, of_users = node_numbers(items, self._ends.last), node_numbers(users, self._ends.last)
        if not self._ends.are(self.near, of_users).all():
            raise DamagedContent(f"a relationship of {self.kind!r} is on a node that is no {self.near} of the store")
        dense = np.full(len(of_items), -1, dtype=np.int32)
        for kind, start in self._starts.items():
            fits = self._ends.are(kind, of_items)
            dense[fits] = start + self._ends.rows(of_items[fits])
        kept = np.flatnonzero(dense >= 0)
        self._users.append(self._ends.rows(of_users[kept]))
        self._items.append(dense[kept])
        self._ids.append(Strings.of(texts(ids, "an event's id")).take(kept))
        self._times.append(numbers(times, "an event's time")[kept])
        self._weights.append(numbers(weights, "an event's weight")[kept])

    def columns(self) -> EventColumns:
        """All of them, with dense item indices."""
        return EventColumns(
            np.concatenate(self._users),
            np.concatenate(self._items),
            np.concatenate(self._weights),
            np.concatenate(self._times),
            Strings.concatenated(self._ids),
        )
