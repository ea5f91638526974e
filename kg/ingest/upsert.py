"""`upsert_nodes`: write a few nodes with fields and relations into a store, without files, checked as in a load.

All are written or none: what a load puts into its quarantine is an error here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kg.checking.values import RowProblem, field_of, key_of, no_value, text_of
from kg.graph import KnowledgeGraph
from kg.ingest.consumers import created_node
from kg.ingest.namespaces import rivals_of
from kg.ingest.report import LoadError
from kg.rows import NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.sources import Cell, readable_name
from kg.stores import GraphStore, UpsertReport
from kg.visible import has_halves

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class NodeUpsert:
    """A node to write; it replaces label, text and fields of the node of the same kind and key.

    `relations` maps a relation's name to the keys of all nodes that it leads to; it replaces what an earlier upsert or
    a row of a source gave for that relation. Relations that are not named remain, and so do edges from a relation's own
    file.
    """

    kind: str
    key: str
    label: str = ""
    text: str = ""
    fields: Mapping[str, Cell] = field(default_factory=dict)
    relations: Mapping[str, Sequence[str]] = field(default_factory=dict)


def upsert_nodes(store: GraphStore, nodes: Iterable[NodeUpsert]) -> UpsertReport:
    """Write nodes and their relations in one transaction; open engines follow without reading the store again.

    Ends of relations must exist or be among the nodes; those of a kind without a source are created. A later load with
    `replace` removes what its sources do not have. Raises LoadError for nodes that do not fit the schema, RowsRefused
    for an end that does not exist, and the store's errors: StoreLocked while a load is in progress.
    """
    schema = store.schema()
    checked = _Checked(store, schema)
    for node in nodes:
        checked.take(node)
    if checked.problems:
        more = f"\n  and {len(checked.problems) - _SHOWN:,} more" if len(checked.problems) > _SHOWN else ""
        raise LoadError("nothing was written:" + "".join(f"\n  {p}" for p in checked.problems[:_SHOWN]) + more)
    return store.upsert(schema, list(checked.rows.values()), checked.links())


class _Checked:
    """Rows for the store, and the problems of the others."""

    def __init__(self, store: GraphStore, schema: DomainSchema) -> None:
        self._store = store
        self._schema = schema
        self._rivals = rivals_of(schema)
        self._graph: KnowledgeGraph | None = None
        self._tails: dict[str, dict[str, list[str]]] = {}
        self.rows: dict[tuple[str, str], NodeRow] = {}
        self.problems: list[str] = []

    def take(self, node: NodeUpsert) -> None:
        try:
            self._take(node)
        except RowProblem as problem:
            self.problems.append(f"{node.kind} {node.key!r}: {problem.detail}")

    def _take(self, node: NodeUpsert) -> None:
        spec = self._schema.nodes.get(node.kind)
        none: frozenset[str] = frozenset()
        if spec is None:
            return self._refuse(node, f"there is no node kind {node.kind!r}; there are {_listed(self._schema.nodes)}")
        key = key_of(node.key, "key", none)
        if key is None:
            return self._refuse(node, no_value(node.key, "key"))
        if (node.kind, key) in self.rows:
            return self._refuse(node, "it is given twice")
        unknown = node.fields.keys() - spec.fields.keys()
        if unknown:
            return self._refuse(node, f"there is no field {_listed(unknown)}; there are {_listed(spec.fields)}")
        rival = next((kind for kind in self._rivals[node.kind] if self._has(kind, key)), None)
        if rival is not None:
            return self._refuse(node, f"there is a {rival} of this key, and no node can be both")
        fields = {name: field_of(node.fields.get(name), field, name, none) for name, field in spec.fields.items()}
        label = text_of(node.label, "label", none) or readable_name(key)
        row = NodeRow(node.kind, key, label, text_of(node.text, "text", none) or "", fields)
        if any(has_halves(value) for value in (key, label, row.text, *fields.values()) if isinstance(value, str)):
            return self._refuse(node, "a text is not valid Unicode (half of a surrogate pair)")
        self.rows[node.kind, key] = row
        for name, tails in node.relations.items():
            self._relate(node, key, name, tails)

    def _relate(self, node: NodeUpsert, key: str, name: str, tails: Sequence[str]) -> None:
        relation = self._schema.relation_kinds.get(name)
        if relation is None or relation.head != node.kind:
            known = [kind.name for kind in self._schema.relation_kinds.values() if kind.head == node.kind]
            return self._refuse(node, f"no relation {name!r} leads from a {node.kind}; there are {_listed(known)}")
        if isinstance(tails, str):
            return self._refuse(node, f"the keys of {name} are a list; write [{tails!r}] for one")
        ends = self._tails.setdefault(name, {}).setdefault(key, [])
        for tail in dict.fromkeys(key_of(given, name, frozenset()) for given in tails):
            if tail is None or has_halves(tail) or (relation.tail, tail) == (node.kind, key):
                is_itself = tail is not None and not has_halves(tail)
                self._refuse(node, f"{name} leads to {'itself' if is_itself else 'no key'}")
                continue
            ends.append(tail)
            if self._schema.nodes[relation.tail].creates and not self._has(relation.tail, tail):
                self.rows[relation.tail, tail] = created_node(relation.tail, tail, named=True)

    def _refuse(self, node: NodeUpsert, reason: str) -> None:
        self.problems.append(f"{node.kind} {node.key!r}: {reason}")

    def _has(self, kind: str, key: str) -> bool:
        if (kind, key) in self.rows:
            return True
        if self._graph is None:
            self._graph = self._store.snapshot()
        return self._graph.nodes(kind).keys.find(key) >= 0

    def links(self) -> dict[str, list[RowLinks]]:
        """All edges of the nodes, by relation."""
        return {
            name: [RowLinks(head, tuple(ends)) for head, ends in heads.items()] for name, heads in self._tails.items()
        }


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
