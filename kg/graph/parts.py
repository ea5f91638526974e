"""`GraphParts`: the tables of a snapshot and the place of each kind in the node space; functions on snapshots take and
return it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from kg.graph.tables import InteractionTable, NodeTable, RelationTable
from kg.schema import DomainSchema


def first_rows(kinds: Sequence[str], tables: Mapping[str, NodeTable]) -> dict[str, int]:
    """The first index of each kind where the rows of all are counted in this order."""
    return dict(zip(kinds, accumulate((len(tables[kind]) for kind in kinds), initial=0), strict=False))


@dataclass(frozen=True, eq=False)
class GraphParts:
    """Finished tables that belong together.

    `tables` has one per kind of the schema; `relations` and `events` are sorted by name; `digest` is that of the facts,
    if known.
    """

    schema: DomainSchema
    tables: Mapping[str, NodeTable]
    relations: Sequence[RelationTable]
    events: Sequence[InteractionTable]
    generation: int = 0
    event_generation: int = 0
    digest: str | None = None

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds in the order of the node space: items, entities, users, each sorted by name."""
        return (*self.schema.item_kinds, *self.schema.entity_kinds, *self.schema.user_kinds)

    @cached_property
    def offsets(self) -> dict[str, int]:
        """First global node id of each kind."""
        return first_rows(self.kinds, self.tables)

    @property
    def users(self) -> NodeTable:
        """The table of the one user kind."""
        return self.tables[self.schema.user_kinds[0]]
