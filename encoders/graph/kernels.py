"""`Kernel`: a way in which items share entities, for each relation, and for each kind that several relations lead
to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.graph.facts import FactGraph

_KIND = "kind:"
"""Name prefix of a kernel over all relations that lead to one kind of node."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """One way of sharing: `incidence` binary csr [n_items, n_nodes]; `degrees` [n_nodes] items on each node."""

    name: str
    incidence: sp.csr_array
    degrees: NDArray[np.float32]


def kernels_of(facts: FactGraph, names: Sequence[str] | None = None) -> list[Kernel]:
    """Make a kernel for each relation, and one for each kind of node that several relations lead to.

    names: of the kernels to make, and so of the relations to use; those without any fact are left out.
    """
    kernels = [
        _kernel(name, matrix)
        for name, matrix in zip(facts.relation_names, facts.incidence, strict=True)
        if names is None or name in names
    ]
    incidence = [kernel.incidence for kernel in kernels]
    kinds = np.array([key.split("\t", 1)[0] for key in facts.keys])
    for kind in sorted(set(kinds)):
        of_kind = np.flatnonzero(kinds == kind)
        leading = [matrix for matrix in incidence if np.isin(matrix.indices, of_kind).any()]
        wanted = len(leading) > 1 if names is None else _KIND + kind in names and len(leading) > 0
        if wanted:
            union = sum(leading[1:], start=leading[0]) @ sp.diags_array((kinds == kind).astype(np.float32)).tocsr()
            union = sp.csr_array(union)
            union.eliminate_zeros()
            union.data[:] = 1.0
            kernels.append(_kernel(_KIND + kind, union))
    return kernels


def _kernel(name: str, incidence: sp.csr_array) -> Kernel:
    return Kernel(name, incidence, np.bincount(incidence.indices, minlength=incidence.shape[1]).astype(np.float32))
