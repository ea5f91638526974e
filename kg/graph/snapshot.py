"""`KnowledgeGraph`: an immutable snapshot of a domain: nodes, relations and interactions over dense ids.

Everything that trains, ranks or explains reads the domain through this class and never through a store. Node ids are
dense and ordered by kind and key, so equal content gives equal ids in any order of loading. Methods that change
something return another snapshot, which shares the unchanged tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph.building import EventColumns, build, graph_of_rows
from kg.graph.changes import FactChanges, with_changes
from kg.graph.columns import FieldColumn
from kg.graph.digests import events_digest
from kg.graph.event_delta import EventDelta
from kg.graph.events import history_of, interactions_of
from kg.graph.facts import ItemFacts
from kg.graph.files import load, save
from kg.graph.overlay import with_events, without_users
from kg.graph.parts import GraphParts
from kg.graph.shared_facts import SharedFacts
from kg.graph.shuffling import shuffled_relation
from kg.graph.strings import Strings
from kg.graph.tables import InteractionTable, NodeTable, RelationTable
from kg.graph.user_events import events_of_user
from kg.histories import Histories
from kg.interactions import Interactions
from kg.rows import EdgeRow, Event, FieldValue, NodeRow
from kg.schema import DomainSchema

_LAID_EVENTS = 1_000
_LAID_SHARE = 0.05
"""Number of events, and share of all events, up to which they are kept as an overlay of the tables."""


class UnknownNode(WhyPathError):
    """A node, kind or field that the graph does not have."""


class KnowledgeGraph:
    """A snapshot: `schema`, `generation` and `event_generation` of the store it was read from (0 without a store).

    Node space: global ids run over the item kinds (sorted by name), then the entity kinds, then the user kinds, in
    each kind by key. So a dense item index is a global node id, 0 to n_items - 1. `kinds` are in that order;
    `offsets` has the first global id of each kind. Safe to use from many threads.
    """

    def __init__(self, parts: GraphParts, delta: EventDelta | None = None, facts: SharedFacts | None = None) -> None:
        """Combine finished tables. `delta`: events that overlay them; `facts`: of a snapshot with the same facts."""
        self._base = parts
        self._delta = EventDelta() if delta is None else delta
        self._facts = SharedFacts(parts) if facts is None else facts
        self.schema = parts.schema
        self.generation = parts.generation
        self.event_generation = parts.event_generation
        self.kinds: tuple[str, ...] = parts.kinds
        self.offsets: Mapping[str, int] = parts.offsets
        self.n_nodes = sum(len(table) for table in parts.tables.values()) + self._delta.new_users
        self.n_items = self._facts.n_items

    @cached_property
    def _parts(self) -> GraphParts:
        """The tables with all events: one pass over the event columns if there is an overlay."""
        return with_events(self._base, self._delta, self.event_generation) if len(self._delta) else self._base

    @cached_property
    def relations(self) -> tuple[RelationTable, ...]:
        """All relations, sorted by name."""
        moved = self._delta.new_users and self._facts.join_users
        return tuple(self._parts.relations) if moved else self._facts.relations

    @cached_property
    def events(self) -> tuple[InteractionTable, ...]:
        """All events, a table for each kind, sorted by name."""
        return tuple(self._parts.events)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return sum(map(len, self._base.events)) + len(self._delta)

    def _table(self, kind: str) -> NodeTable:
        grown = self._delta.new_users and kind in self.schema.user_kinds
        return (self._parts if grown else self._base).tables[kind]

    @classmethod
    def build(
        cls,
        schema: DomainSchema,
        nodes: Mapping[str, NodeTable],
        edges: Mapping[str, tuple[NDArray[np.integer], NDArray[np.integer]]],
        events: Mapping[str, EventColumns],
        *,
        generation: int = 0,
        event_generation: int = 0,
    ) -> KnowledgeGraph:
        """A snapshot from columns, as stores read them.

        `nodes`: tables by kind (see `kg.graph.building.node_table`), absent kinds are empty. `edges`: local (heads,
        tails) by relation, in any order, repeats collapse. `events`: columns by interaction kind, in any order.
        """
        return cls(build(schema, nodes, edges, events, generation=generation, event_generation=event_generation))

    @classmethod
    def from_rows(
        cls,
        schema: DomainSchema,
        nodes: Iterable[NodeRow],
        edges: Iterable[EdgeRow] = (),
        events: Iterable[Event] = (),
        *,
        generation: int = 0,
        event_generation: int = 0,
    ) -> KnowledgeGraph:
        """A snapshot of checked rows; of rows with one key the last counts, users of events need no row of their own.

        Raises WhyPathError for a kind, relation or item that does not exist.
        """
        made = graph_of_rows(schema, nodes, edges, events, generation=generation, event_generation=event_generation)
        return cls(made)

    # Nodes

    def nodes(self, kind: str) -> NodeTable:
        """The table of one kind; raises UnknownNode."""
        if kind not in self._base.tables:
            raise UnknownNode(f"there is no node kind {kind!r}; the kinds are {', '.join(self.kinds)}")
        return self._table(kind)

    def kind_of(self, node: int) -> str:
        """Kind of a global node id."""
        if not 0 <= node < self.n_nodes:
            raise UnknownNode(f"there is no node {node}; the graph has {self.n_nodes:,} nodes")
        return next(kind for kind in reversed(self.kinds) if self.offsets[kind] <= node)

    def node_of(self, node: int) -> tuple[str, str, str]:
        """Kind, key and label of a global node id; raises UnknownNode."""
        kind = self.kind_of(node)
        row = node - self.offsets[kind]
        table = self._table(kind)
        return kind, table.keys[row], table.labels[row]

    def node_id(self, kind: str, key: str) -> int:
        """Global id of a node; raises UnknownNode."""
        row = self.nodes(kind).keys.find(key)
        if row < 0:
            raise self._unknown(kind, key)
        return self.offsets[kind] + row

    def _unknown(self, kind: str, key: str) -> UnknownNode:
        count = len(self._table(kind))
        return UnknownNode(f"there is no {kind} {key!r} among the graph's {count:,} nodes of that kind")

    def label_of(self, node: int) -> str:
        """The name of a node for users: its label, or its key where the label is empty."""
        _, key, label = self.node_of(node)
        return label or key

    def fields_of(self, node: int) -> dict[str, FieldValue]:
        """A node's known fields, as they may be shown: sensitive ones are left out."""
        kind = self.kind_of(node)
        row = node - self.offsets[kind]
        shown = {name: column[row] for name, column in self._table(kind).fields.items() if not column.sensitive}
        return {name: value for name, value in shown.items() if value is not None}

    # Items

    @property
    def item_ids(self) -> Strings:
        """Outside ids [n_items]: the keys, as "kind:key" only where a key does not determine the kind."""
        return self._facts.items.ids

    @property
    def item_labels(self) -> Strings:
        """Labels [n_items]."""
        return self._facts.item_labels

    @property
    def item_texts(self) -> Strings:
        """Texts [n_items] for a text encoder, empty where an item has none."""
        return self._facts.item_texts

    def items_as_shown(self, items: NDArray[np.integer]) -> list[tuple[str, str, str]]:
        """Outside id, label (see `label_of`) and kind of each of the given items, indices [k]."""
        kinds, starts = self._item_starts
        shown = zip(
            items.tolist(),
            self.item_ids.take(items).to_list(),
            self.item_labels.take(items).to_list(),
            (np.searchsorted(starts, items, side="right") - 1).tolist(),
            strict=True,
        )
        return [(name, label or self.label_of(index), kinds[kind]) for index, name, label, kind in shown]

    @cached_property
    def _item_starts(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """The item kinds, and the first item of each."""
        kinds = self.schema.item_kinds
        return kinds, np.array([self.offsets[kind] for kind in kinds], dtype=np.int64)

    def item_index(self, item_id: str) -> int:
        """Dense index of an outside id; raises UnknownItem, naming close ones."""
        return self._facts.items.index(item_id)

    def item_indices(self, item_ids: Iterable[str]) -> NDArray[np.int32]:
        """Dense indices [k] of outside ids, -1 where unknown."""
        return self._facts.items.indices(item_ids)

    def item_field(self, name: str) -> FieldColumn:
        """One field over all items [n_items], missing where a kind lacks it; raises UnknownNode if no item kind has
        it.
        """
        tables = [self._table(kind) for kind in self.schema.item_kinds]
        having = [table.fields[name] for table in tables if name in table.fields]
        if not having:
            names = sorted({field for table in tables for field in table.fields})
            raise UnknownNode(f"items have no field {name!r}; their fields are {', '.join(names) or 'none'}")
        return FieldColumn.concatenated([table.fields.get(name) or having[0].missed_by(len(table)) for table in tables])

    def relation(self, name: str) -> RelationTable:
        """One relation's table; raises UnknownNode."""
        for relation in self.relations:
            if relation.name == name:
                return relation
        raise UnknownNode(f"no relation {name!r}; there are: {', '.join(r.name for r in self.relations) or 'none'}")

    @cached_property
    def concealed(self) -> NDArray[np.bool_]:
        """Mask [n_nodes] of entities that only hidden relations lead to; see `kg.graph.concealing`."""
        known = self._facts.concealed
        # Users, which come last, are never concealed, whatever their number.
        return np.concatenate([known, np.zeros(self.n_nodes - len(known), dtype=bool)])[: self.n_nodes]

    def shown_node_id(self, kind: str, key: str) -> int:
        """`node_id` for browsing: raises UnknownNode also for a node that is `concealed`."""
        node = self.node_id(kind, key)
        if self.concealed[node]:
            raise self._unknown(kind, key)
        return node

    @property
    def facts(self) -> SharedFacts:
        """Values that depend on items, entities and relations only: one object for all snapshots with these."""
        return self._facts

    def item_facts(self) -> ItemFacts:
        """The facts of every item, flattened; computed once."""
        return self._facts.item_facts

    # Interactions

    def interactions(self, positive_only: bool = True, kinds: Collection[str] | None = None) -> Interactions:
        """The store's own events of all or some interactions; `user_ids` are the users that have any of them, by key.

        Events are sorted by user, time (unknown last), then `kg.interactions.tie_order` of the item and weight. Weights
        or times are None where no event has one.
        """
        wanted = [table for table in self.events if kinds is None or table.kind in kinds]
        rows = [np.flatnonzero(table.positive) if positive_only else slice(None) for table in wanted]
        keys = self._table(self.schema.user_kinds[0]).keys
        return interactions_of(list(zip(wanted, rows, strict=True)), keys, self.n_items)

    def dislikes(self) -> Interactions | None:
        """The store's negative events of all kinds, in the form of `interactions`; None if the domain has none."""
        if not self._has_dislikes:
            return None
        parts = [(table, self._negative(table)) for table in self.events]
        return interactions_of(parts, self._table(self.schema.user_kinds[0]).keys, self.n_items)

    @cached_property
    def _has_dislikes(self) -> bool:
        """Whether any event can be a dislike."""
        return any(kind.has_dislikes for kind in self.schema.interactions.values())

    def _negative(self, table: InteractionTable) -> NDArray[np.intp]:
        """The rows of a table that are dislikes."""
        return np.flatnonzero(self.schema.interactions[table.kind].is_negative(table.weights))

    def events_of(self, user: str) -> list[InteractionTable]:
        """One user's events, a table per interaction kind that has any, without a look at other users' events; `users`
        of a table is 0 for a user added after the snapshot was read.
        """
        return events_of_user(self._base, self._delta, user)

    def history_of(self, user: str, kinds: Collection[str]) -> tuple[Histories, NDArray[np.int32]]:
        """A user's positive events with the dislikes, in the order of `interactions` (of both on an item the later one
        is left), and the items with any event of these kinds, dense indices, ascending, each once.
        """
        tables = self.events_of(user)
        liked = [(table, np.flatnonzero(table.positive)) for table in tables]
        seen = [table.items for table in tables if table.kind in kinds]
        names = sorted(self.schema.interactions)
        history = history_of(liked, self.n_items, names)
        if self._has_dislikes:
            disliked = [(table, self._negative(table)) for table in tables]
            history = replace(history, dislikes=history_of(disliked, self.n_items, names)).decided()
        return history, np.unique(np.concatenate([np.zeros(0, np.int32), *seen]))

    # Other snapshots

    def overlay(self, events: Sequence[Event], *, event_generation: int | None = None) -> KnowledgeGraph:
        """The snapshot with further events, at a cost proportional to their number on average. New users get a bare
        node; events that exist already, or whose item the snapshot does not have yet, are left out.
        """
        generation = self.event_generation if event_generation is None else event_generation
        base = replace(self._base, event_generation=generation)
        graph = KnowledgeGraph(base, self._delta.with_events(self._base, events), self._facts)
        most = max(_LAID_EVENTS, int(_LAID_SHARE * (graph.n_events - len(graph._delta))))
        if len(graph._delta) <= most:
            return graph
        # Rows of users in relations move when users are added.
        moved = graph._delta.new_users and self._facts.join_users
        return KnowledgeGraph(graph._parts, None, None if moved else self._facts)

    def with_changes(self, changes: FactChanges) -> KnowledgeGraph:
        """The snapshot with changed facts, of the generation that they lead to: equal to one read as a whole there,
        except for events of the changes' `events_after` and later that it did not have. Dense ids may change.
        """
        if not len(changes):
            return self.at_generation(changes.generation)
        if changes.touch_users(self.schema):
            return KnowledgeGraph(with_changes(self._parts, changes))
        return KnowledgeGraph(with_changes(self._base, changes), self._delta)

    def without_users(self, users: Iterable[str]) -> KnowledgeGraph:
        """The snapshot without these users, their events and their edges."""
        return KnowledgeGraph(without_users(self._parts, users))

    def at_generation(self, generation: int) -> KnowledgeGraph:
        """The same content under another generation of its store."""
        return KnowledgeGraph(replace(self._base, generation=generation), self._delta, self._facts)

    def without_relations(self) -> KnowledgeGraph:
        """The twin whose relations are all empty."""
        none = np.zeros(0, dtype=np.int32)
        bare = [r.with_edges(none, none, len(r.forward), len(r.backward)) for r in self.relations]
        return KnowledgeGraph(replace(self._parts, relations=bare, digest=None))

    def shuffled(self, seed: int) -> KnowledgeGraph:
        """The twin with each relation's tails permuted: degrees on both sides are kept, the meaning is lost."""
        relations = [shuffled_relation(relation, seed) for relation in self.relations]
        return KnowledgeGraph(replace(self._parts, relations=relations, digest=None))

    def without_interactions(self) -> KnowledgeGraph:
        """The twin with the same nodes and relations and without events."""
        none = np.zeros(0, dtype=np.intp)
        return KnowledgeGraph(replace(self._parts, events=[table.take(none) for table in self.events]))

    # Digests, files

    @property
    def digest(self) -> str:
        """Digest of items, entities and the relations between them: equal content, equal digest, on every machine.

        It does not depend on users and events; `events_digest` covers them.
        """
        return self._facts.digest

    @cached_property
    def events_digest(self) -> str:
        """Digest of users, their relations, and events."""
        return events_digest(self._parts, self.item_ids)

    def save(self, directory: str | Path, *, mode: int | None = None) -> Path:
        """Write the snapshot to a directory, whole or not at all. `mode`: of its files, by default from the umask."""
        return save(self._parts, self.digest, Path(directory), mode=mode)

    @classmethod
    def load(cls, directory: str | Path, mmap: bool = True) -> KnowledgeGraph:
        """Read what `save` wrote; with `mmap`, map it into memory. Raises SnapshotUnreadable."""
        return cls(load(Path(directory), mmap=mmap))

    def __repr__(self) -> str:
        edges = sum(len(relation) for relation in self.relations)
        counts = f"{self.n_nodes:,} nodes, {edges:,} edges, {self.n_events:,} events"
        return f"KnowledgeGraph({self.schema.name!r}, {counts})"
