"""`Elements`: map elements of the graph to nodes of the domain, by the server's own numbers.

The numbers serve one read only: they identify the rows at the ends of a relationship without sending keys. The server
gives no number again while the transaction that read it is open. Nothing that is kept depends on them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1
"""No node of the domain."""

LEFT_OUT = -2
"""A node that belongs to the domain and cannot be used: it has no key, or another node's."""


class Elements:
    """Kind and row of every node that has been read; kinds are numbered in the order of `kinds`."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.kinds = tuple(kinds)
        self._ids: list[NDArray[np.int64]] = []
        self._codes: list[NDArray[np.int32]] = []
        self._rows: list[NDArray[np.int32]] = []
        self._by_kind: dict[str, NDArray[np.int64]] = {}
        self._sorted = (np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))

    def add(self, kind: str, ids: NDArray[np.int64], rows: NDArray[np.int32]) -> None:
        """Note the nodes of a kind; `rows` are their rows in its table, -1 for nodes that were left out."""
        code = self.kinds.index(kind)
        self._ids.append(ids)
        self._codes.append(np.where(rows < 0, LEFT_OUT, code).astype(np.int32))
        self._rows.append(rows)
        self._by_kind[kind] = ids
        all_ids = np.concatenate(self._ids)
        order = np.argsort(all_ids, kind="stable")
        self._sorted = all_ids[order], np.concatenate(self._codes)[order], np.concatenate(self._rows)[order]

    def of_kinds(self, kinds: Iterable[str]) -> NDArray[np.int64]:
        """Numbers of all nodes of some kinds, including those that were left out."""
        numbers = [self._by_kind[kind] for kind in kinds if kind in self._by_kind]
        return np.concatenate([np.zeros(0, np.int64), *numbers])

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the numbers have been read."""
        return self.find(ids)[0] != OUTSIDE

    def find(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Code of the kind (OUTSIDE, LEFT_OUT) and row, int32 [n] each."""
        sorted_ids, codes, rows = self._sorted
        if not len(sorted_ids):
            return np.full(len(ids), OUTSIDE, np.int32), np.full(len(ids), -1, np.int32)
        at = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
        is_known = sorted_ids[at] == ids
        return np.where(is_known, codes[at], OUTSIDE).astype(np.int32), np.where(is_known, rows[at], -1).astype(
            np.int32
        )
