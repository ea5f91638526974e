"""Statistics of a snapshot for users: counts, degrees, components, missing values and isolated nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.graph.snapshot import KnowledgeGraph
from kg.graph.tables import InteractionTable

_EXAMPLES = 5
"""Number of example ids per kind of gap."""


@dataclass(frozen=True)
class Spread:
    """The distribution of a count over things: number of zeros, and quantiles over all."""

    none: int
    minimum: int
    median: float
    mean: float
    p90: float
    maximum: int

    @classmethod
    def of(cls, counts: NDArray[np.integer]) -> Spread:
        """The distribution of one count per thing [n]; zeros where n is 0."""
        if not len(counts):
            return cls(0, 0, 0.0, 0.0, 0.0, 0)
        return cls(
            int(np.count_nonzero(counts == 0)),
            int(counts.min()),
            float(np.median(counts)),
            float(counts.mean()),
            float(np.quantile(counts, 0.9)),
            int(counts.max()),
        )


@dataclass(frozen=True)
class NodeStatistics:
    """Nodes of one kind; `isolated` ones are in no relation and no event, `known_fields` counts values per field."""

    kind: str
    role: str
    nodes: int
    without_label: int
    without_text: int
    isolated: int
    known_fields: dict[str, int]


@dataclass(frozen=True)
class RelationStatistics:
    """Edges of one relation and their distribution over all nodes of the kinds at its ends."""

    name: str
    head: str
    tail: str
    edges: int
    per_head: Spread
    per_tail: Spread


@dataclass(frozen=True)
class InteractionStatistics:
    """Events of one kind; `pairs` are distinct (user, item), distributions are over users and items with any event.

    `first` and `last` are times in seconds since the epoch, None where no event has one.
    """

    kind: str
    events: int
    positive: int
    users: int
    items: int
    pairs: int
    per_user: Spread
    per_item: Spread
    first: float | None
    last: float | None


@dataclass(frozen=True)
class Components:
    """Connected components over items and entities (relations only, direction ignored)."""

    count: int
    largest: int
    items_in_largest: int
    isolated: int


@dataclass(frozen=True)
class GraphStatistics:
    """What `whypath graph stats` prints. Examples are outside ids, at most five."""

    name: str
    digest: str
    generation: int
    nodes: tuple[NodeStatistics, ...]
    relations: tuple[RelationStatistics, ...]
    interactions: tuple[InteractionStatistics, ...]
    components: Components
    facts_per_item: Spread
    items_without_facts: int
    items_without_facts_examples: tuple[str, ...]
    items_without_events: int
    isolated_entities_examples: tuple[str, ...]


def graph_statistics(graph: KnowledgeGraph) -> GraphStatistics:
    """Count everything; a few passes over the arrays."""
    facts = graph.item_facts().degrees()
    bare = np.flatnonzero(facts == 0)
    with_events = np.zeros(graph.n_items, dtype=bool)
    for table in graph.events:
        with_events[table.items] = True
    touched = _touched(graph)
    loose = [
        f"{kind}:{graph.nodes(kind).keys[row]}"
        for kind in graph.schema.entity_kinds
        for row in np.flatnonzero(~_of_kind(graph, touched, kind))[:_EXAMPLES].tolist()
    ]
    return GraphStatistics(
        name=graph.schema.name,
        digest=graph.digest,
        generation=graph.generation,
        nodes=tuple(_node_statistics(graph, kind, touched) for kind in graph.kinds),
        relations=tuple(
            RelationStatistics(
                relation.name,
                relation.head_kind,
                relation.tail_kind,
                len(relation),
                Spread.of(relation.forward.degrees()),
                Spread.of(relation.backward.degrees()),
            )
            for relation in graph.relations
        ),
        interactions=tuple(_interaction_statistics(graph, table) for table in graph.events),
        components=_components(graph),
        facts_per_item=Spread.of(facts),
        items_without_facts=len(bare),
        items_without_facts_examples=tuple(graph.item_ids[row] for row in bare[:_EXAMPLES].tolist()),
        items_without_events=int(np.count_nonzero(~with_events)),
        isolated_entities_examples=tuple(loose[:_EXAMPLES]),
    )


def _of_kind(graph: KnowledgeGraph, per_node: NDArray[np.bool_], kind: str) -> NDArray[np.bool_]:
    return per_node[graph.offsets[kind] : graph.offsets[kind] + len(graph.nodes(kind))]


def _touched(graph: KnowledgeGraph) -> NDArray[np.bool_]:
    """Mask [n_nodes] of nodes that are in any relation or event."""
    touched = np.zeros(graph.n_nodes, dtype=bool)
    for relation in graph.relations:
        touched[relation.heads + graph.offsets[relation.head_kind]] = True
        touched[relation.tails + graph.offsets[relation.tail_kind]] = True
    for table in graph.events:
        touched[table.items] = True
        touched[table.users + graph.offsets[graph.schema.user_kinds[0]]] = True
    return touched


def _node_statistics(graph: KnowledgeGraph, kind: str, touched: NDArray[np.bool_]) -> NodeStatistics:
    table = graph.nodes(kind)
    return NodeStatistics(
        kind,
        str(table.role),
        len(table),
        _empty(table.labels),
        _empty(table.texts),
        int(np.count_nonzero(~_of_kind(graph, touched, kind))),
        {name: int(np.count_nonzero(~column.missing)) for name, column in table.fields.items()},
    )


def _empty(texts: Iterable[str]) -> int:
    return sum(not text for text in texts)


def _interaction_statistics(graph: KnowledgeGraph, table: InteractionTable) -> InteractionStatistics:
    users, per_user = np.unique(table.users, return_counts=True)
    items, per_item = np.unique(table.items, return_counts=True)
    pairs = np.unique(table.users.astype(np.int64) * max(graph.n_items, 1) + table.items)
    times = table.times[~np.isnan(table.times)]
    return InteractionStatistics(
        table.kind,
        len(table),
        int(np.count_nonzero(table.positive)),
        len(users),
        len(items),
        len(pairs),
        Spread.of(per_user),
        Spread.of(per_item),
        float(times.min()) if len(times) else None,
        float(times.max()) if len(times) else None,
    )


def _components(graph: KnowledgeGraph) -> Components:
    users = set(graph.schema.user_kinds)
    size = graph.offsets[graph.schema.user_kinds[0]]
    heads, tails = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for relation in graph.relations:
        if relation.head_kind not in users and relation.tail_kind not in users:
            heads.append(relation.heads.astype(np.int64) + graph.offsets[relation.head_kind])
            tails.append(relation.tails.astype(np.int64) + graph.offsets[relation.tail_kind])
    rows, columns = np.concatenate(heads), np.concatenate(tails)
    links = sp.coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    from scipy.sparse.csgraph import connected_components  # Serving counts no components.

    count, component = connected_components(links, directed=False)
    if not size:
        return Components(0, 0, 0, 0)
    sizes = np.bincount(component, minlength=count)
    largest = int(sizes.argmax())
    inside = int(np.count_nonzero(component[: graph.n_items] == largest))
    return Components(int(count), int(sizes[largest]), inside, int(np.count_nonzero(sizes == 1)))
