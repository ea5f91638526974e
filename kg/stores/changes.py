"""`ChangedRows`: the facts that a generation of a store has changed, so that snapshots can follow it.

A store notes them in the transactions that change them, for its last generations only. A note has names, not content:
the content is looked up when a reader asks, so notes of several generations are one set, and naming too much does no
harm. A generation that changed much, or whose changes are unknown, is noted as one that has changed everything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kg.schema import DomainSchema

MOST_OF_ONE = 10_000
"""Maximum number of changed rows that are noted; reading as many costs a tenth of reading a small store."""

MOST_OF_ALL = 100_000
KEPT_GENERATIONS = 1_000
"""Maximum number of rows, and of generations, that a store keeps notes of."""

Node: TypeAlias = tuple[str, str]
"""Kind and key."""

Edge: TypeAlias = tuple[str, str, str]
"""Relation, key of the head, key of the tail."""


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """Written nodes, nodes removed with their edges and events, edges that were added or removed."""

    nodes: frozenset[Node] = frozenset()
    removed: frozenset[Node] = frozenset()
    edges: frozenset[Edge] = frozenset()

    @classmethod
    def of_nodes(cls, nodes: Iterable[Node], removed: Iterable[Node] = ()) -> ChangedRows:
        """Changes of nodes alone."""
        return cls(frozenset(nodes), frozenset(removed))

    @classmethod
    def of_edges(cls, schema: DomainSchema, relation: str, pairs: Iterable[tuple[str, str]]) -> ChangedRows:
        """Changes of edges, (head, tail). Users at their ends are noted too: a snapshot may lack them, if they only
        exist by an event on an item that it does not have.
        """
        edges = frozenset((relation, head, tail) for head, tail in pairs)
        spec, users = schema.relation_kinds[relation], schema.user_kinds
        heads = {(spec.head, head) for _, head, _ in edges if spec.head in users}
        tails = {(spec.tail, tail) for _, _, tail in edges if spec.tail in users}
        return cls(frozenset(heads | tails), edges=edges)

    def __len__(self) -> int:
        return len(self.nodes) + len(self.removed) + len(self.edges)

    def __or__(self, other: ChangedRows) -> ChangedRows:
        return ChangedRows(self.nodes | other.nodes, self.removed | other.removed, self.edges | other.edges)

    def to_json(self) -> str:
        """Text for a store."""
        parts = (sorted(self.nodes), sorted(self.removed), sorted(self.edges))
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> ChangedRows:
        """Read what `to_json` wrote. Raises ValueError for anything else."""
        try:
            nodes, removed, edges = json.loads(text)
            rows = [*nodes, *removed], [*edges]
            fits = all(len(row) == 2 for row in rows[0]) and all(len(row) == 3 for row in rows[1])
            if not fits or not all(isinstance(name, str) for part in rows for row in part for name in row):
                raise ValueError("names are missing")
            return cls(*(frozenset(map(tuple, part)) for part in (nodes, removed, edges)))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"no note of changed rows: {error}") from None


def too_many(size: int) -> bool:
    """Whether a generation that has changed so many rows is noted as one that has changed everything."""
    return size > MOST_OF_ONE


def joined(notes: Sequence[tuple[int, int, str | None]], after: int, upto: int) -> tuple[ChangedRows, int] | None:
    """The changes of the generations after one, up to another, and the event generation before; None where they are
    unknown, as with a note that cannot be read: then the store is read. `notes` are (generation, event generation
    before, rows).
    """
    wanted = [note for note in notes if after < note[0] <= upto]
    if not 0 < after < upto or len({generation for generation, _, _ in wanted}) != upto - after:
        return None
    changed = ChangedRows()
    for _, events, rows in wanted:
        if rows is None or not isinstance(events, int):
            return None
        try:
            changed |= ChangedRows.from_json(rows)
        except ValueError:
            return None
    return changed, min(events for _, events, _ in wanted)


def forgotten_up_to(generation: int, sizes: Iterable[tuple[int, int]]) -> int:
    """The last generation whose notes are removed when `generation` is complete. `sizes` are (generation, rows)."""
    total, upto = 0, generation - KEPT_GENERATIONS
    for number, size in sorted(sizes, reverse=True):
        total += size
        if total > MOST_OF_ALL:
            return max(upto, number)
    return upto
