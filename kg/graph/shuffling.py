"""Shuffle a relation: same degrees, no meaning. On the shuffled twin the benefit of a graph must vanish.

After KG4RecEval (arXiv 2404.03164), which shows that many graph recommenders do as well on a shuffled graph.
"""

from __future__ import annotations

import hashlib

import numpy as np

from kg.graph.tables import RelationTable

_REPAIRS = 50
"""Rounds of exchanging repeated pairs; pairs that are still repeated (almost complete relations) are dropped."""


def shuffled_relation(relation: RelationTable, seed: int) -> RelationTable:
    """The relation with its tails permuted among its edges.

    Each head and each tail keeps its number of edges, except that a pair that cannot be made distinct from the others
    is dropped. Deterministic: the random numbers depend on the seed and the relation's name, and edges are in the order
    of the keys of their ends, so equal content and seed give the equal twin whatever the order of loading.
    """
    key = hashlib.blake2b(f"{seed}\0{relation.name}".encode(), digest_size=16).digest()
    random = np.random.default_rng(int.from_bytes(key, "little"))
    heads = relation.heads.astype(np.int64)
    tails = relation.tails[random.permutation(len(relation))].astype(np.int64)
    width = max(len(relation.backward), 1)
    for _ in range(_REPAIRS):
        _, first = np.unique(heads * width + tails, return_index=True)
        if len(first) == len(heads):
            break
        repeated = np.ones(len(heads), dtype=bool)
        repeated[first] = False
        positions = np.flatnonzero(repeated)
        # Repeated pairs exchange their tails with those of random edges, one after the other: degrees do not change.
        for edge, other in zip(
            positions.tolist(), random.integers(len(heads), size=len(positions)).tolist(), strict=True
        ):
            tails[edge], tails[other] = tails[other], tails[edge]
    return relation.with_edges(heads, tails, len(relation.forward), len(relation.backward))
