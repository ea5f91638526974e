"""A shape of data and what an expert would have described: outcomes after `load`, and the roles of columns.

Columns are named as in the file. `#3` is the third column of a file without a header line
(`#0`: a line above a block says it); `*` stands for the names of many columns; `orders.csv:customer` is a
column of another file that is joined; `a.b` is a member of a nested object. Keys are those that a load ends with.
Of RDF a column is a predicate's IRI, and `@id` the subject.

A graph in Neo4j is `graph.cypher` (one statement a line, to be run before `init --from`): there users and items of
events and the ends of edges are labels, `kind` and `relation` relationship types, and all other columns properties;
those of the node in the middle of a path are `node.P`, of the relationships `first.P` and `last.P`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Pair: TypeAlias = tuple[str, str]
"""(user's key, item's key)."""

FieldValue: TypeAlias = str | int | float | bool | None

Role: TypeAlias = Literal[
    "key", "label", "text", "field", "list", "link", "user", "item", "time", "weight", "kind", "id", "where", "unread"
]
"""What a column can be. `kind`: it tells kinds of events apart; `where`: rows are chosen by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSample:
    """One event that must be there. `time` in seconds (UTC). A time or weight that is None is not checked."""

    user: str
    item: str
    time: float | None = None
    weight: float | None = None
    tolerance: float = 0.001
    """Seconds by which the time may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What is to come out of one source of events (of all kinds of interactions that are made of it)."""

    files: tuple[str, ...]
    user: str
    item: str
    time: str | None = None
    weight: str | None = None
    kind: str | None = None
    """Column that tells apart what users did; the weight's place is free where this is a word."""
    counts: tuple[int, ...] = ()
    """Numbers of different events that are right; empty: not checked."""
    positive: frozenset[Pair] = frozenset()
    """Pairs that must have a positive event."""
    negative: frozenset[Pair] = frozenset()
    """Pairs that must have none: dislikes, returns, not rated, shown only. They may be events or be left out."""
    sample: EventSample | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node that must be there. `facts`: for a column, the names (labels or keys) of the nodes it leads to."""

    key: str
    label: str | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    facts: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """A node table. Of facts and fields only those named in the samples are required."""

    role: Literal["item", "user", "entity"]
    files: tuple[str, ...]
    key: str
    counts: tuple[int, ...]
    """Numbers of nodes of this kind that are right."""
    label: str | None = None
    """Column with the readable name; None: the key, or not to be checked."""
    text: tuple[str, ...] = ()
    """Columns that must be read as text (the label's may be among them or not)."""
    samples: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """A file of relations: a link table, triples, RDF."""

    files: tuple[str, ...]
    head: str
    tail: str
    relation: str | None = None
    """Column with the relation's name; None: the file is one relation."""
    counts: tuple[int, ...] = ()
    """Numbers of different edges that are right; empty: not checked."""
    samples: tuple[tuple[str, str, str], ...] = ()
    """(head, relation, tail) that must be there; the relation "" where the file names none. Ends by key or label."""
    optional: bool = False
    """Leaving them out is as right, if `init` says so."""


@dataclass(frozen=True, slots=True)
class Either:
    """A column whose role is one of several that are equally right (or must be the one that is given).

    Where `unread` is one of them for a time or weight, samples without it are right, too.
    """

    file: str
    column: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal (or a warning with nothing loaded) is right if it says why, as the pattern tells."""

    pattern: str
    """Regular expression, searched for in the message regardless of case."""
    required: bool = False
    """True: nothing else is right; False: what `Expected` says besides is right, too."""


@dataclass(frozen=True, slots=True)
class Taste:
    """The groups that were planted: after training a user's own group comes first."""

    users: Mapping[str, int]
    items: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an expert's description of a shape leads to."""

    events: tuple[Events, ...] = ()
    nodes: tuple[Nodes, ...] = ()
    edges: tuple[Edges, ...] = ()
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By file: columns that are left out, which `init` must say."""
    either: tuple[Either, ...] = ()
    refuse: Refusal | None = None
    taste: Taste | None = None
    same_items: Mapping[str, str] = field(default_factory=dict)
    """Another spelling of items' keys that is as right throughout: the key used here -> the other one."""
    not_values: tuple[str, ...] = ()
    """Spellings of "no value": no node may have one of them as its key or label."""
    unread_files: tuple[str, ...] = ()
    """Inputs of which nothing is read, which `init` must say."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of data. `write` writes its files into a folder; `inputs` are the arguments of `init`, in order."""

    name: str
    about: str
    write: Callable[[Path], None]
    inputs: tuple[str, ...]
    expected: Expected
    planted: bool = False
    """Whether both items and events are there, so that training must find the planted groups."""
    encoding: str = "utf-8"
    """With which the tests of the corpus read its text files."""
    headerless: tuple[str, ...] = ()
    """Text tables without a header line."""
