"""`SharedFacts`: values that depend on items, entities and relations only, computed once for all snapshots with these.

Recording an event makes another snapshot, which keeps them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kg.graph.concealing import concealed_nodes
from kg.graph.digests import facts_digest
from kg.graph.facts import ItemFacts, item_facts
from kg.graph.items import ItemIndex
from kg.graph.parts import GraphParts
from kg.graph.strings import Strings
from kg.graph.tables import RelationTable


class SharedFacts:
    """Item ids, labels, texts, facts and digest of a snapshot's tables."""

    def __init__(self, parts: GraphParts) -> None:
        # Without the events, so that they are not kept in memory as long as the facts.
        self._parts = replace(parts, events=())
        self.relations: tuple[RelationTable, ...] = tuple(parts.relations)
        self.n_items = sum(len(parts.tables[kind]) for kind in parts.schema.item_kinds)
        self.items = ItemIndex([parts.tables[kind] for kind in parts.schema.item_kinds])

    @property
    def join_users(self) -> bool:
        """Whether a relation has users at an end, whose rows move when a user is added."""
        users = set(self._parts.schema.user_kinds)
        return any({relation.head_kind, relation.tail_kind} & users for relation in self.relations)

    @cached_property
    def digest(self) -> str:
        """Digest of items, entities and the relations between them."""
        return self._parts.digest or facts_digest(self._parts)

    @cached_property
    def item_labels(self) -> Strings:
        """Labels [n_items]."""
        return Strings.concatenated([self._parts.tables[kind].labels for kind in self._parts.schema.item_kinds])

    @cached_property
    def item_texts(self) -> Strings:
        """Texts [n_items]."""
        return Strings.concatenated([self._parts.tables[kind].texts for kind in self._parts.schema.item_kinds])

    @cached_property
    def item_facts(self) -> ItemFacts:
        """The facts of every item."""
        parts = self._parts
        items, users = set(parts.schema.item_kinds), set(parts.schema.user_kinds)
        return item_facts(self.relations, parts.offsets, self.n_items, items, users)

    @cached_property
    def concealed(self) -> NDArray[np.bool_]:
        """See `kg.graph.concealing`, over the nodes of the snapshot that this was made from."""
        return concealed_nodes(self._parts)
