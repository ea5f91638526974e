"""A small synthetic domain as a snapshot: tastes go by makers, topics and places, texts name an item's topics.

What an item is can be told from its facts and from its text, and the tests say which: `Domain` makes snapshots with
facts taken away, added or exchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.block import Catalogue, TrainingData
from kg.datasets.synthetic import SyntheticSettings, generate
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.interactions import Interactions
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema

DIMENSIONS = 10
"""Of the text vectors."""


@dataclass(frozen=True)
class Domain:
    """Rows of a domain. `items` are keys in order; `edges` (relation, item, entity); `texts` by item."""

    schema: DomainSchema
    items: tuple[str, ...]
    entities: tuple[tuple[str, str], ...]
    edges: tuple[EdgeRow, ...]
    texts: tuple[str, ...]
    liked: tuple[tuple[str, str], ...]
    """(user, item) pairs."""

    @cached_property
    def graph(self) -> KnowledgeGraph:
        """The snapshot, without any event."""
        return KnowledgeGraph.from_rows(self.schema, self._nodes(), self.edges)

    @cached_property
    def graph_with_events(self) -> KnowledgeGraph:
        """The snapshot with all pairs as its own events."""
        events = [Event.of(user, item, "item", "rating", weight=5.0) for user, item in self.liked]
        return KnowledgeGraph.from_rows(self.schema, self._nodes(), self.edges, events)

    @cached_property
    def interactions(self) -> Interactions:
        """All pairs over the items of `graph`."""
        return self.pairs(self.liked)

    @cached_property
    def matrix(self) -> sp.csr_array:
        """Histories [n_users, n_items] over the items of `graph`."""
        return self.interactions.matrix()

    @cached_property
    def histories(self) -> Histories:
        """The same as events."""
        return self.interactions.histories()

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> Interactions:
        """Some pairs as interactions of all users over the items of `graph`."""
        users = sorted({user for user, _ in self.liked})
        row = {user: place for place, user in enumerate(users)}
        chosen = list(pairs)
        found = np.array([row[user] for user, _ in chosen], dtype=np.int32)
        items = self.graph.item_indices([item for _, item in chosen])
        return Interactions(found, items, users, self.graph.n_items)

    def facts_of(self, item: str) -> list[EdgeRow]:
        """The edges of an item."""
        return [edge for edge in self.edges if edge.head == item]

    def without(self, *edges: EdgeRow) -> Domain:
        """The domain with some edges gone."""
        return replace(self, edges=tuple(edge for edge in self.edges if edge not in edges))

    def with_item(self, key: str, like: str) -> Domain:
        """The domain with a further item that has the facts and the text of another one."""
        edges = tuple(replace(edge, head=key) for edge in self.facts_of(like))
        text = self.texts[self.items.index(like)]
        return replace(self, items=(*self.items, key), edges=(*self.edges, *edges), texts=(*self.texts, text))

    def without_events_on(self, items: Iterable[str]) -> Domain:
        """The domain in which nobody has yet taken some items."""
        gone = set(items)
        return replace(self, liked=tuple(pair for pair in self.liked if pair[1] not in gone))

    def catalogue(self, trained: Domain | None = None) -> Catalogue:
        """This domain's items, for a block fitted on `trained` (None: on this one)."""
        fitted = (trained or self).graph
        texts = vectors(self.graph.item_texts.to_list())
        return Catalogue(self.graph, fitted.item_indices(self.graph.item_ids), {"text": texts})

    def training(self) -> TrainingData:
        """What a block is fitted on: all pairs, over this domain's items."""
        return TrainingData(self.histories, self.catalogue())

    def _nodes(self) -> list[NodeRow]:
        nodes = [NodeRow("item", key, f"Item {key}", text) for key, text in zip(self.items, self.texts, strict=True)]
        return nodes + [NodeRow(kind, key, key) for kind, key in self.entities]


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Text vectors [n, DIMENSIONS]: the sum of a fixed direction for each word, zero for no text."""
    found = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.split():
            found[row] += np.random.default_rng(list(word.encode())).normal(size=DIMENSIONS)
    return found


@lru_cache
def domain(users: int = 120, items: int = 60, seed: int = 1) -> Domain:
    """The domain; a text is the words of the item's topics."""
    settings = SyntheticSettings(
        users=users,
        items=items,
        entities=30,
        relations=3,
        facts_per_item=5,
        events_per_user=14,
        strength=0.9,
        seed=seed,
    )
    made = generate(settings)
    keys, user_keys = made.item_ids, made.user_ids
    nodes: dict[str, dict[str, object]] = {
        "item": {"role": "item", "source": "items.tsv", "key": "key"},
        "user": {"role": "user", "source": "users.tsv", "key": "key"},
    }
    relations: dict[str, dict[str, object]] = {}
    entities: list[tuple[str, str]] = []
    edges: list[EdgeRow] = []
    words: dict[str, list[str]] = {key: [] for key in keys}
    for code, (kind, name) in enumerate(zip(settings.entity_kinds, settings.relation_names, strict=True)):
        nodes[kind] = {"source": f"{kind}.tsv", "key": "key"}
        relations[name] = {"source": f"{name}.tsv", "head": "item", "tail": kind}
        entity_keys = made.entity_ids(code)
        entities += [(kind, key) for key in entity_keys]
        chunk = made.facts[code]
        for item, entity in zip(chunk.items.tolist(), chunk.entities.tolist(), strict=True):
            edges.append(EdgeRow(name, keys[item], entity_keys[entity]))
            if kind == "topic":
                words[keys[item]].append(entity_keys[entity])
    rating = {"source": "events.tsv", "columns": {"user": "user", "item": "item", "weight": "weight"}}
    description = {"name": "planted", "nodes": nodes, "relations": relations, "interactions": {"rating": rating}}
    events = made.events
    liked = tuple(
        (user_keys[user], keys[item])
        for user, item, rated in zip(events.users.tolist(), events.items.tolist(), events.ratings.tolist(), strict=True)
        if rated >= 4
    )
    texts = tuple(" ".join(words[key]) for key in keys)
    return Domain(DomainSchema.from_mapping(description), tuple(keys), tuple(entities), tuple(edges), texts, liked)
