"""All paths of two edges at once, as columns: what a history and an item share, the basis of most explanations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.paths.adjacency import Adjacency


@dataclass(frozen=True, eq=False)
class SharedEnds:
    """Paths source → shared node → target, sorted by position in the history, then code, node and second code.

    `positions` int64 [n] into the history given; `codes_in` int16 [n] step codes from the source to the shared node,
    `nodes` int32 [n] the shared nodes (global ids), `codes_out` int16 [n] from there to the target.
    """

    positions: NDArray[np.int64]
    codes_in: NDArray[np.int16]
    nodes: NDArray[np.int32]
    codes_out: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.positions)


def shared_ends(adjacency: Adjacency, history: NDArray[np.int64], target: int) -> SharedEnds:
    """Join the edges of the history's nodes with those of the target; one pass over both."""
    row = adjacency.row(target)
    by_node = np.argsort(adjacency.neighbours[row], kind="stable")
    far, far_codes = adjacency.neighbours[row][by_node], adjacency.codes[row][by_node]
    positions, owner = adjacency.rows(history)
    near, near_codes = adjacency.neighbours[positions], adjacency.codes[positions]
    first, last = np.searchsorted(far, near, side="left"), np.searchsorted(far, near, side="right")
    counts = last - first
    pair = np.repeat(np.arange(len(near)), counts)
    match = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts) + first[pair]
    # From the shared node the target's edge has the reverse direction; a loop at the target is listed forward only.
    loops = far[match] == target
    codes_out = np.where(loops, far_codes[match], far_codes[match] ^ 1).astype(np.int16)
    codes_in, nodes, sources = near_codes[pair], near[pair], history[owner[pair]]
    # An edge may be used once: there and back by the same edge is not a path.
    kept = np.flatnonzero((sources != target) | (codes_in != far_codes[match]))
    order = kept[np.lexsort((codes_out[kept], nodes[kept], codes_in[kept], owner[pair][kept]))]
    return SharedEnds(owner[pair][order], codes_in[order], nodes[order], codes_out[order])
