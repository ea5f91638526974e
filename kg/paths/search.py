"""`PathSearch`: bounded search for paths between nodes, shortest first.

For each length k the search first marks, from the target's side and for the nearer half of the way, the nodes from
which the remaining edges can reach the target; a depth-first search from the source then follows marked nodes only. It
lists paths in order as it finds them, so a limit bounds the work and not only the result. As in Neo4j a path uses a
relationship at most once, and may visit a node several times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import nsmallest
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph, Role
from kg.paths.adjacency import Adjacency, adjacency
from kg.paths.path import FoundPaths, Path, PathEdge, PathNode
from kg.paths.patterns import ANY, allowed_codes
from kg.paths.shared import SharedEnds, shared_ends

LONGEST = 6
"""Maximum number of edges of a path: beyond it nearly all nodes are connected."""

_WORK = 50_000
"""Maximum number of edges followed by one search: about 0.2 s. Only long paths through hubs come near it."""

LISTING_WORK = 2_000_000
"""The same for `PathSearch.listed`, which collects all paths of a length before it orders them: some seconds."""

_Trail: TypeAlias = tuple[tuple[int, int], ...]
"""The steps of a path: (code, node reached)."""


@dataclass
class _Budget:
    """Remaining work of a search."""

    left: int

    def spend(self, amount: int) -> bool:
        """Spend an amount of work; returns whether any was left."""
        self.left -= amount
        return self.left >= 0


class PathSearch:
    """Search over one snapshot; makes its adjacency once, then safe to use from many threads."""

    def __init__(
        self,
        graph: KnowledgeGraph,
        *,
        relations: Collection[str] | None = None,
        interactions: bool = False,
        hidden: bool = False,
    ) -> None:
        """Walk the relations named (all if None), hidden ones only with `hidden`, positive events only with
        `interactions`.
        """
        self.graph = graph
        self._interactions = interactions
        self.adjacency: Adjacency = adjacency(graph, relations=relations, interactions=interactions, hidden=hidden)
        self._n_relations = len(self.adjacency.kinds) - (len(graph.events) if interactions else 0)

    def between(
        self,
        source: int,
        target: int,
        *,
        max_edges: int = 4,
        patterns: Sequence[Sequence[str]] | None = None,
        limit: int = 10,
        simple: bool = False,
        work: int = _WORK,
    ) -> FoundPaths:
        """Paths between two nodes (global ids), the shortest first; see `from_history` for order and parameters."""
        return self.from_history(
            [source], target, max_edges=max_edges, patterns=patterns, limit=limit, simple=simple, work=work
        )

    def from_history(
        self,
        history: Sequence[int] | NDArray[np.integer],
        target: int,
        *,
        max_edges: int = 4,
        patterns: Sequence[Sequence[str]] | None = None,
        limit: int = 10,
        simple: bool = False,
        work: int = _WORK,
    ) -> FoundPaths:
        """Paths from any of several nodes to the target.

        Order: length, then pattern as given, then source as given, then relation (forward first) and node id step by
        step. `patterns` restrict paths to those that follow one of them (see `kg.paths.patterns`), whatever `max_edges`
        says. `simple` leaves out paths that visit a node twice. `work` bounds the edges followed, so that a
        search between hubs ends; the result then says that it is not complete.

        Raises ImpossiblePattern, UnknownNode, and WhyPathError for more than LONGEST edges.
        """
        for node in (*history, target):
            self.graph.kind_of(int(node))
        trails: dict[tuple[int, _Trail], None] = {}
        budget = _Budget(work)
        for trail in self._trails([int(node) for node in history], int(target), max_edges, patterns, simple, budget):
            if len(trails) == limit and trail not in trails:
                return FoundPaths(self._paths(trails), complete=False)
            trails[trail] = None
        return FoundPaths(self._paths(trails), complete=budget.left >= 0)

    def listed(
        self, source: int, target: int, *, max_edges: int = 4, limit: int = 10, work: int = LISTING_WORK
    ) -> FoundPaths:
        """Paths for exploring the graph, none of which visits a node twice: the shortest first, among those of one
        length first those whose most connected inner node has the fewest edges, as they say most; then as in
        `from_history`. The edges of a node are those walked here, with `interactions` all events.

        A database lists the same (`GraphStore.paths`). All paths of a length are collected before one is listed; a
        length for which `work` does not suffice is left out, and the result says that it is not complete. Raises
        UnknownNode, and WhyPathError for more than LONGEST edges.
        """
        for node in (source, target):
            self.graph.kind_of(node)
        check_length(max_edges)
        commonness = self._commonness()
        budget = _Budget(work)
        trails: list[tuple[int, _Trail]] = []

        def commonest(trail: _Trail) -> int:
            return max((int(commonness[node]) for _, node in trail[:-1]), default=0)

        for length in range(1, max_edges + 1):
            rest = limit - len(trails)
            every = self._trails([source], target, length, [[ANY] * length], True, budget)
            # The sort is stable: equal ones keep the order of the search.
            best = nsmallest(rest + 1, (trail for _, trail in every), key=commonest)
            if budget.left < 0:
                return FoundPaths(self._paths(trails), complete=False)
            trails += [(source, trail) for trail in best[:rest]]
            if len(best) > rest or (len(trails) == limit and length < max_edges):
                return FoundPaths(self._paths(trails), complete=False)
        return FoundPaths(self._paths(trails), complete=True)

    def _commonness(self) -> NDArray[np.int64]:
        """Edges of every node, int64 [n_nodes], counting each event."""
        edges = np.concatenate([[0], np.cumsum(self.adjacency.codes < 2 * self._n_relations)])
        counts = np.diff(edges[self.adjacency.indptr]).astype(np.int64)
        for events in self.graph.events if self._interactions else ():
            users = self.graph.offsets[self.graph.schema.interactions[events.kind].user] + events.users.astype(np.int64)
            counts += np.bincount(users, minlength=len(counts)) + np.bincount(events.items, minlength=len(counts))
        return counts

    def shared(self, history: Sequence[int] | NDArray[np.integer], target: int) -> SharedEnds:
        """All paths of two edges from a history to the target, as columns; microseconds each. See `SharedEnds`."""
        return shared_ends(self.adjacency, np.asarray(history, dtype=np.int64), target)

    def path(self, nodes: Sequence[int], codes: Sequence[int]) -> Path:
        """The path over the given nodes [n + 1] and step codes [n] of `adjacency`, as `shared` gives them."""
        return self._paths([(nodes[0], tuple(zip(codes, nodes[1:], strict=True)))])[0]

    def _trails(
        self,
        sources: list[int],
        target: int,
        max_edges: int,
        patterns: Sequence[Sequence[str]] | None,
        simple: bool,
        budget: _Budget,
    ) -> Iterator[tuple[int, _Trail]]:
        wanted = [[ANY] * length for length in range(1, max_edges + 1)] if patterns is None else patterns
        for pattern in sorted(wanted, key=len):
            check_length(len(pattern))
            allowed = allowed_codes(self.adjacency, pattern)
            reach = self._reach(target, allowed)
            for source in dict.fromkeys(sources):
                walk = _Walk(self.adjacency, target, allowed, reach, simple, budget)
                for trail in walk.trails(source):
                    yield source, trail

    def _reach(self, target: int, allowed: list[NDArray[np.bool_]]) -> list[NDArray[np.bool_]]:
        """reach[r] bool [n_nodes]: whether the last r steps may lead from the node to the target; for half of the
        steps.
        """
        start = np.zeros(self.graph.n_nodes, dtype=bool)
        start[target] = True
        reach = [start]
        for mask in reversed(allowed[len(allowed) // 2 :]):
            before = np.flatnonzero(reach[-1])
            positions, owner = self.adjacency.rows(before)
            others, codes = self.adjacency.neighbours[positions], self.adjacency.codes[positions]
            # An incoming edge is listed at its target in reverse, but a loop only forward.
            leads_here = mask[codes ^ 1] | (mask[codes] & (others == before[owner]))
            following = np.zeros(self.graph.n_nodes, dtype=bool)
            following[others[leads_here]] = True
            reach.append(following)
        return reach

    def _paths(self, trails: Iterable[tuple[int, _Trail]]) -> tuple[Path, ...]:
        """Convert trails to paths; cached, as paths of one search share most of their nodes."""

        @cache
        def node(number: int, first: bool) -> PathNode:
            kind, key, label = self.graph.node_of(number)
            return PathNode.shown(kind, key, label, user=self.graph.schema.nodes[kind].role is Role.USER, first=first)

        kinds = self.adjacency.kinds
        edges = [PathEdge(kind.name, kind.label, forward) for kind in kinds for forward in (True, False)]  # by code
        return tuple(
            Path(
                (node(source, True), *(node(number, False) for _, number in trail)),
                tuple(edges[code] for code, _ in trail),
                (source, *(number for _, number in trail)),
            )
            for source, trail in trails
        )


def check_length(edges: int) -> None:
    """Raise WhyPathError for paths that are too long to search for."""
    if edges > LONGEST:
        raise WhyPathError(f"paths of {edges} edges are not searched for; {LONGEST} is the most")


@dataclass
class _Walk:
    """Depth-first search for the paths of one length and pattern."""

    adjacency: Adjacency
    target: int
    allowed: list[NDArray[np.bool_]]
    reach: list[NDArray[np.bool_]]
    simple: bool
    budget: _Budget

    def trails(self, source: int) -> Iterator[_Trail]:
        """All trails from a source, in order."""
        yield from self._from(source, (), {source}, set())

    def _from(self, node: int, trail: _Trail, visited: set[int], used: set[tuple[int, int, int]]) -> Iterator[_Trail]:
        left = len(self.allowed) - len(trail) - 1
        row = self.adjacency.row(node)
        others, codes = self.adjacency.neighbours[row], self.adjacency.codes[row]
        mask = self.allowed[len(trail)][codes]
        if left < len(self.reach):
            mask &= self.reach[left][others]
        steps = np.flatnonzero(mask)
        if not self.budget.spend(1 + len(steps)):
            return
        for other, code in zip(others[steps].tolist(), codes[steps].tolist(), strict=True):
            edge = (code >> 1, node, other) if code & 1 == 0 else (code >> 1, other, node)
            if edge in used or (self.simple and other in visited):
                continue
            longer = (*trail, (code, other))
            if left == 0:
                yield longer
            else:
                yield from self._from(other, longer, visited | {other}, used | {edge})
