"""Derive names in the database: labels from node kinds, relationship types from relations and interactions.

They are spelled as Neo4j users spell them (`film` is `Film`, `directed_by` is `DIRECTED_BY`) and consist of letters,
digits and underscores only, so no name of a domain can be read as Cypher. Two names that would be spelled the same get
different spellings, and a name keeps its spelling permanently: the store has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, count

from kg.schema import DomainSchema, RelationKind

COMMON_LABEL = "WhyPath"
"""On every node of the domain, next to the label of its kind."""

STORE_LABEL = "WhyPathStore"
"""On the one node that keeps the store's counters."""

WAITING_LABEL = "WhyPathWaiting"
"""On nodes that keep recorded events whose item was removed."""

CHANGE_LABEL = "WhyPathChange"
"""On nodes that note what a generation has changed."""

RECOMMENDED = "RECOMMENDED"
"""Type of the relationships that recommendations are written as."""

VECTOR = "vector"
"""Property of an item's vector as a result, which is indexed."""

QUERY_VECTOR = "query_vector"
"""Property of an item's vector as a query to the index."""

_SAFE = re.compile(r"\w+")
_RESERVED = frozenset({"key", "name", "text", "_id", "_load", VECTOR, QUERY_VECTOR})


@dataclass(frozen=True)
class Names:
    """Spellings: label by kind, type by (relation, head kind, tail kind), type by interaction.

    They are never removed, so that rows of an earlier schema can be found and removed. Relations that a domain declares
    between several pairs of kinds share a type, since the labels at their ends distinguish them.
    """

    labels: dict[str, str] = field(default_factory=dict)
    relations: dict[tuple[str, str, str], str] = field(default_factory=dict)
    interactions: dict[str, str] = field(default_factory=dict)

    def extended(self, schema: DomainSchema) -> Names:
        """The names with spellings for all names of a schema."""
        labels, relations, interactions = dict(self.labels), dict(self.relations), dict(self.interactions)
        taken = {COMMON_LABEL, STORE_LABEL, WAITING_LABEL, CHANGE_LABEL, *labels.values()}
        for kind in sorted(schema.nodes.keys() - labels.keys()):
            labels[kind] = free_name(label_spelling(kind), taken)
            taken.add(labels[kind])
        taken = {RECOMMENDED, *relations.values(), *interactions.values()}
        for kind in sorted(schema.interactions.keys() - interactions.keys()):
            interactions[kind] = free_name(type_spelling(kind), taken)
            taken.add(interactions[kind])
        kinds = [(relation, _identity(relation)) for relation in schema.relation_kinds.values()]
        # Types of relations of this schema; a new relation may take the type of one that the schema no longer has.
        used = {(relations[key], *key[1:]) for _, key in kinds if key in relations}
        for relation, key in kinds:
            if key not in relations:
                suffix = f".{relation.head}.{relation.tail}"
                clashing = {t for t, head, tail in used if (head, tail) == key[1:]}
                clashing |= {RECOMMENDED, *interactions.values()}
                relations[key] = free_name(type_spelling(relation.name.removesuffix(suffix)), clashing)
                used.add((relations[key], *key[1:]))
        return Names(labels, relations, interactions)

    def label(self, kind: str) -> str:
        """Label of a kind, quoted for Cypher."""
        return quoted(self.labels[kind])

    def relation(self, relation: RelationKind) -> str:
        """Type of a relation, quoted for Cypher."""
        return quoted(self.relations[_identity(relation)])

    def interaction(self, kind: str) -> str:
        """Type of an interaction, quoted for Cypher."""
        return quoted(self.interactions[kind])

    def kind_of(self, labels: Iterable[str]) -> str | None:
        """The kind of a node, from all of its labels."""
        by_label = {label: kind for kind, label in self.labels.items()}
        return next((by_label[label] for label in labels if label in by_label), None)

    def edge_patterns(self) -> list[tuple[str, str, str]]:
        """Distinct (label of the head, type, label of the tail) of all relations ever stored, quoted."""
        patterns = {
            (self.label(head), quoted(spelling), self.label(tail))
            for (_, head, tail), spelling in self.relations.items()
        }
        return sorted(patterns)

    def to_json(self) -> str:
        """JSON text for the store."""
        relations = [[*key, spelling] for key, spelling in sorted(self.relations.items())]
        return json.dumps({"labels": self.labels, "relations": relations, "interactions": self.interactions})

    @classmethod
    def from_json(cls, text: str) -> Names:
        """Read what `to_json` wrote."""
        value = json.loads(text)
        relations = {(name, head, tail): spelling for name, head, tail, spelling in value["relations"]}
        return cls(value["labels"], relations, value["interactions"])


def quoted(name: str) -> str:
    """A name as a token of Cypher; only names of letters, digits and underscores are accepted."""
    # Doubling a backtick would not be enough: Cypher reads \u0060 as one before it reads quotes.
    if not _SAFE.fullmatch(name):
        raise ValueError(f"{name!r} is not a name for Cypher")
    return f"`{name}`"


def spelled(name: str) -> str:
    """A label, type or property of an external graph, whatever its characters, as a token of Cypher.

    Raises ValueError for a name with a backslash: Cypher reads `\\u0060` as a backtick before it reads quotes.
    """
    if not name or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} cannot be named in a query: it is empty or has a backslash in it")
    return "`" + name.replace("`", "``") + "`"


def label_spelling(kind: str) -> str:
    """`tv-show` is `TvShow`."""
    parts = [part for part in re.split(r"[\W_]+", kind) if part]
    return "".join(part[0].upper() + part[1:] for part in parts) or "Node"


def type_spelling(name: str) -> str:
    """`directedBy` is `DIRECTED_BY`; of an IRI the part after the last slash or hash counts."""
    last = re.split(r"[/#]", name.rstrip("/#"))[-1] if "://" in name else name
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    return re.sub(r"[\W_]+", "_", apart).strip("_").upper() or "RELATED"


def property_name(field: str) -> str:
    """The property that holds a field: its name, with an underscore after it where the store uses that name itself."""
    return f"{field}_" if field.rstrip("_") in _RESERVED else field


def _identity(relation: RelationKind) -> tuple[str, str, str]:
    return relation.name, relation.head, relation.tail


def free_name(name: str, taken: set[str]) -> str:
    """The name, with a number if it is taken."""
    numbered = (f"{name}_{number}" for number in count(2))
    return next(free for free in chain([name], numbered) if free not in taken)
