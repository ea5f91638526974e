"""`Path`: a way through the graph as typed data, printed as readable text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload


@dataclass(frozen=True, slots=True)
class PathNode:
    """A node on a path: kind, key, and the label to show.

    A user's label is "you" at the start of a path and "another user" elsewhere: other users are evidence, never names.
    """

    kind: str
    key: str
    label: str

    @classmethod
    def shown(cls, kind: str, key: str, label: str, *, user: bool, first: bool) -> PathNode:
        """The text for the node: a user anonymously, any other node by its label, or its key without one."""
        if user:
            return cls(kind, key, "you" if first else "another user")
        return cls(kind, key, label or key)


@dataclass(frozen=True, slots=True)
class PathEdge:
    """An edge on a path: relation, its words, and whether it is walked from head to tail."""

    relation: str
    label: str
    forward: bool

    def __str__(self) -> str:
        return f"─{self.label}→" if self.forward else f"←{self.label}─"


@dataclass(frozen=True, slots=True)
class Path:
    """A path: `nodes` [n + 1] and the `edges` [n] between them.

    `node_ids`: the nodes' global ids in the snapshot that was searched; empty where a database was.
    """

    nodes: tuple[PathNode, ...]
    edges: tuple[PathEdge, ...]
    node_ids: tuple[int, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        """Number of edges."""
        return len(self.edges)

    @property
    def relations(self) -> tuple[str, ...]:
        """Relation of each edge, "~" before one that is walked backwards, as in patterns."""
        return tuple(edge.relation if edge.forward else f"~{edge.relation}" for edge in self.edges)

    def __str__(self) -> str:
        parts = [self.nodes[0].label]
        for edge, node in zip(self.edges, self.nodes[1:], strict=True):
            parts += [str(edge), node.label]
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class FoundPaths(Sequence[Path]):
    """Paths in order; `complete` is False where the limit, or the bound on the work, cut the search short."""

    paths: tuple[Path, ...]
    complete: bool

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Path, ...]: ...
    def __getitem__(self, index: int | slice) -> Path | tuple[Path, ...]:
        return self.paths[index]

    def __iter__(self) -> Iterator[Path]:
        return iter(self.paths)
