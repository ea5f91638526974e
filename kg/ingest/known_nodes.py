"""The nodes that rows may refer to: those that this load has seen, and those of the store's last complete load."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

from kg.checking.values import RowProblem
from kg.ingest.namespaces import rivals_of
from kg.key_index import KeyIndex
from kg.schema import DomainSchema
from kg.sources import Reason

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph


class KnownNodes:
    """Keys by kind. One key cannot be a node of two rival kinds: the first is kept, the second is a bad row.

    `existing` returns the store's last complete snapshot, called at the first key that the source does not have; None
    for a replacing load, which knows only its own source.
    """

    def __init__(self, schema: DomainSchema, existing: Callable[[], KnowledgeGraph | None] | None) -> None:
        self._schema = schema
        self._ask = existing
        self._snapshot: KnowledgeGraph | None = None
        self._by_kind = {kind: KeyIndex() for kind in schema.nodes}
        self._rivals = rivals_of(schema)

    def add(self, kind: str, key: str, content: Hashable) -> bool:
        """Note a node, and return whether it is new. Raises `RowProblem` for a contradiction."""
        index = self._by_kind[kind]
        self._contradict(kind, key)
        same = index.add(key, content)
        if same is False:
            raise RowProblem(Reason.DUPLICATE_KEY, f"the {kind} {key!r} is in an earlier row with other content")
        return same is None

    def count(self, kind: str) -> int:
        """Number of nodes of a kind that this load has named."""
        return len(self._by_kind[kind])

    def is_as_loaded(self, kind: str, key: str, content: Hashable) -> bool:
        """Whether this row is the one that was loaded for the key."""
        return self._by_kind[kind].has(key, content)

    def spelling(self, key: str, kinds: Sequence[str]) -> str:
        """The key as its node has it: 17 for 17.0, as programs write 17 in a column with gaps, where 17 is known and
        17.0 is not.
        """
        whole = key[:-2]
        if not key.endswith(".0") or not whole.removeprefix("-").isdecimal():
            return key
        if any(self._knows(kind, key) for kind in kinds) or not any(self._knows(kind, whole) for kind in kinds):
            return key
        return whole

    def _knows(self, kind: str, key: str) -> bool:
        return key in self._by_kind[kind] or self._exists(kind, key)

    def end(self, key: str, kinds: Sequence[str]) -> tuple[str, bool]:
        """The kind of an end that may be of several kinds, and whether its node must be created (by `add`).

        The first kind that knows the key; else the first kind that creates nodes from keys. Raises `RowProblem` where
        there is neither.
        """
        for kind in kinds:
            if key in self._by_kind[kind]:
                return kind, False
        for kind in kinds:
            if self._exists(kind, key):
                return kind, False
        maker = next((kind for kind in kinds if self._schema.nodes[kind].creates), None)
        self._contradict(maker or kinds[0], key)
        if maker is None:
            raise RowProblem(Reason.UNKNOWN_END, f"there is no {' or '.join(kinds)} {key!r}")
        return maker, True

    def item(self, key: str, kinds: Sequence[str]) -> tuple[str, bool]:
        """As `end`, for the item of an event; a key that several kinds know is a `RowProblem` too."""
        if len(kinds) == 1:
            return self.end(key, kinds)
        knowing = [kind for kind in kinds if self._knows(kind, key)]
        if len(knowing) > 1:
            detail = f"{key!r} is {' and '.join(knowing)}: say which in a column `item_kind`"
            raise RowProblem(Reason.CONTRADICTING_ROLE, detail)
        return self.end(key, knowing or kinds)

    def _exists(self, kind: str, key: str) -> bool:
        # Every load that uses nodes of a kind without a source names them, so writing them again costs nothing.
        if not self._schema.nodes[kind].source:
            return False
        if self._ask is not None:
            self._snapshot = self._ask()
            self._ask = None
        graph = self._snapshot
        return graph is not None and kind in graph.offsets and graph.nodes(kind).keys.find(key) >= 0

    def _contradict(self, kind: str, key: str) -> None:
        for rival in self._rivals[kind]:
            if key in self._by_kind[rival]:
                detail = f"{key!r} is of the kind {rival} ({self._schema.nodes[rival].role}) and cannot be a {kind} too"
                raise RowProblem(
                    Reason.CONTRADICTING_ROLE,
                    f"{detail}; if the keys mean different things, give the kinds different `namespace`s",
                )
