"""`SharedEntities`: score an item by the entities that it shares with the history, with learned weights of relations.

score(H, i) = |H|^-½ Σ_j w_j Σ_k Σ_e ω_k(e) [e among the facts k of both j and i],   ω_k(e) = Σ_x θ_kx · deg_k(e)^-x.
k runs over the relations, and over the kinds of entities that several relations lead to (a person who directed one film
and acted in the other). θ ≥ 0 is fitted to rank items that were held out whole, so the block is made for cold start; in
vector terms z_j = q_j = the sparse vector of √ω_k(e) over the item's facts. Sums are not normalised by an item's number
of facts: well-known items have more, and dividing that away costs ranking quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel

from encoders.block import (
    BlockState,
    Catalogue,
    FactShares,
    Family,
    Input,
    TrainingData,
    TrainingSizes,
    WeighedHistories,
    history_weights,
)
from encoders.graph.facts import FactGraph
from encoders.graph.kernels import Kernel, kernels_of
from encoders.graph.keys import keys_from_arrays, keys_to_arrays
from encoders.graph.settings import SharedSettings
from encoders.installed import check_training_installed
from encoders.tensors import Tensors, check_finite, names_of, settings_of
from kg.histories import Histories

_DENSE_CELLS = 500_000
"""Multiplications up to which a dense profile is faster than a sparse one, whose overhead is some 0.5 ms per call."""


@dataclass(frozen=True, eq=False)
class _Learned:
    """`names` of the kernels; `weights` θ [n_kernels, n_exponents]; `degrees` csr [n_kernels, n_nodes]: how many items
    each node of `node_keys` had in training.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    degrees: sp.csr_array
    node_keys: tuple[str, ...]


class SharedEntities(WeighedHistories):
    """The block; see the module's text."""

    name: str = "shared"
    family: Family = Family.GRAPH
    summary: ClassVar[str] = "Shared entities."
    settings_type = SharedSettings
    needs: ClassVar[frozenset[Input]] = frozenset({Input.GRAPH})
    serves_new_items: bool = True

    def __init__(self, learned: _Learned, settings: SharedSettings, catalogue: Catalogue) -> None:
        self.settings = settings
        self._learned = learned
        self._facts = FactGraph.of(catalogue.graph)
        place = {name: row for row, name in enumerate(learned.names)}
        self._kernels = kernels_of(self._facts, learned.names)
        self._omega = [
            _omega(degrees, learned.weights[place[kernel.name]], settings.exponents)
            for kernel, degrees in zip(self._kernels, _known_degrees(self._facts, self._kernels, learned), strict=True)
        ]
        parts = [sp.csr_array((catalogue.n_items, 0), dtype=np.float32)]
        parts += [
            kernel.incidence @ sp.diags_array(np.sqrt(omega)).tocsr()
            for kernel, omega in zip(self._kernels, self._omega, strict=True)
        ]
        # Sparse, because most nodes have no items through most relations.
        columns = sp.csc_array(sp.hstack(parts, dtype=np.float32))
        columns = columns[:, np.flatnonzero(np.diff(columns.indptr))]
        self._vectors = sp.csr_array(columns)
        self._by_node = sp.csr_array(self._vectors.transpose())

    @classmethod
    def fit(cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """Fit θ on histories by hiding part after part of the items. Raises TrainingNotInstalled without torch."""
        check_training_installed()
        # Serving restores the block without torch.
        from encoders.graph.shared_training import fit_weights

        settings = SharedSettings.model_validate(settings or SharedSettings())
        facts = FactGraph.of(data.catalogue.graph)
        kernels = kernels_of(facts)
        weights = fit_weights(kernels, data.matrix, settings, seed)
        degrees = np.zeros((0, facts.n_nodes), np.float32)
        if kernels:
            degrees = np.stack([kernel.degrees for kernel in kernels])
        names = tuple(kernel.name for kernel in kernels)
        return cls(_Learned(names, weights, sp.csr_array(degrees), facts.keys), settings, data.catalogue)

    def scores_of(self, weighed: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        n_items = self._vectors.shape[0]
        if weighed.shape[1] != n_items:
            raise ValueError(f"histories have {weighed.shape[1]} items, the block is bound to {n_items}")
        if weighed.shape[0] * self._vectors.nnz <= _DENSE_CELLS:
            vectors = self._vectors if candidates is None else sp.csr_array(self._vectors[candidates])
            sums = (vectors @ self._profiles(weighed)).T
        else:
            by_node = self._by_node if candidates is None else sp.csr_array(self._by_node[:, candidates])
            sums = (sp.csr_array(weighed @ self._vectors) @ by_node).toarray()
        scales = np.maximum(history_weights(weighed), 1.0) ** -0.5
        return np.ascontiguousarray(sums * scales[:, None], dtype=np.float32)

    def _profiles(self, histories: sp.csr_array) -> NDArray[np.float32]:
        """The histories' summed vectors, dense [n_columns, n_users]."""
        if histories.shape[0] > 1:
            return self._by_node @ histories.toarray().T
        # For one history only its items' vectors are used, a small part of all.
        vectors, items = self._vectors, histories.indices
        first, counts = vectors.indptr[items], vectors.indptr[items + 1] - vectors.indptr[items]
        entries = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        values = vectors.data[entries] * np.repeat(histories.data, counts)
        summed = np.bincount(vectors.indices[entries], values, minlength=vectors.shape[1])
        return summed.astype(np.float32)[:, None]

    def shares_of(self, items: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        row = self._vectors[[item]]
        products = np.asarray((self._vectors[items] @ row.T).toarray()).ravel()
        return (products * _scaled(weights)).astype(np.float32)

    def fact_shares(self, history: Histories, item: int) -> FactShares:
        """See `SplitsByFact.fact_shares`; facts through several relations of one kind come under the kind's name."""
        nodes: list[NDArray[np.int64]] = []
        names: list[str] = []
        columns: list[NDArray[np.float32]] = []
        row = self.history_matrix(history)
        items, scaled = row.indices.astype(np.intp), _scaled(row.data)
        for kernel, omega in zip(self._kernels, self._omega, strict=True):
            incidence = kernel.incidence
            item_nodes = incidence.indices[incidence.indptr[item] : incidence.indptr[item + 1]]
            nodes.append(self._facts.nodes[item_nodes])
            names.extend([kernel.name] * len(item_nodes))
            both = incidence[items][:, item_nodes].toarray()
            columns.append((both * omega[item_nodes] * scaled[:, None]).astype(np.float32))
        return FactShares(
            np.concatenate([np.zeros(0, np.int64), *nodes]),
            tuple(names),
            np.concatenate([np.zeros((len(items), 0), np.float32), *columns], axis=1),
            np.zeros(len(items), np.float32),
        )

    def state(self) -> BlockState:
        """See `Block.state`."""
        learned = self._learned
        content, offsets = keys_to_arrays(learned.node_keys)
        tensors: dict[str, NDArray] = {
            "weights": learned.weights,
            "degrees": learned.degrees.data,
            "degree_nodes": learned.degrees.indices,
            "degree_offsets": learned.degrees.indptr,
            "node_keys": content,
            "node_key_offsets": offsets,
        }
        return BlockState(tensors, {"names": list(learned.names), "settings": self.settings.model_dump(mode="json")})

    @classmethod
    def from_state(cls, state: BlockState, catalogue: Catalogue) -> Self:
        """See `Block.from_state`; degrees stay those of training, and are counted again where a node had none."""
        learned, settings = _restored(state)
        block = cls(learned, settings, catalogue)
        check_finite(block._vectors.data)
        return block

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """See `Block.check_state`; nothing in the state depends on the number of items."""
        _restored(state)


def _restored(state: BlockState) -> tuple[_Learned, SharedSettings]:
    settings = settings_of(SharedSettings, state.settings.get("settings"))
    names, tensors = names_of(state.settings, "names"), Tensors(state.tensors)
    keys = tuple(keys_from_arrays(tensors, "node_keys", "node_key_offsets"))
    weights = tensors.numbers("weights", (len(names), len(settings.exponents)), at_least=0)
    degrees = tensors.csr("degrees", "degree_nodes", "degree_offsets", (len(names), len(keys)), at_least=0)
    return _Learned(names, weights, degrees, keys), settings


def _known_degrees(facts: FactGraph, kernels: Sequence[Kernel], learned: _Learned) -> list[NDArray[np.float32]]:
    """Each kernel's degrees [n_nodes]: those of training if the node existed then, so that a score does not change when
    other items are added or removed.
    """
    place = {key: row for row, key in enumerate(learned.node_keys)}
    rows = np.array([place.get(key, -1) for key in facts.keys], dtype=np.int64)
    degrees = []
    for kernel in kernels:
        then = np.zeros(facts.n_nodes, dtype=np.float32)
        trained = learned.degrees[[learned.names.index(kernel.name)]].toarray().ravel()
        then[rows >= 0] = trained[rows[rows >= 0]]
        degrees.append(np.where(then > 0, then, kernel.degrees).astype(np.float32))
    return degrees


def _omega(
    degrees: NDArray[np.float32], weights: NDArray[np.float32], exponents: Sequence[float]
) -> NDArray[np.float32]:
    """ω(e) of every node, [n_nodes]."""
    degrees = np.maximum(degrees, 1.0)
    terms = [weight * degrees**-exponent for weight, exponent in zip(weights, exponents, strict=True)]
    return np.asarray(np.sum(terms, axis=0, dtype=np.float32))


def _scaled(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """|H|^-½ w_j."""
    return np.asarray(weights, np.float32) * np.float32(max(float(np.sum(np.abs(weights))), 1.0) ** -0.5)
