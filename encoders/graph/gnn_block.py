"""`GNN`: the trained graph network as a block, with item vectors from the snapshot that it is bound to.

Learned parameters are kept by name (relations, fact nodes) and by the index of the training catalogue (items), so a new
item gets its vectors from its own facts and text, and a new entity from its items, without training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

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
from encoders.graph.gnn_learned import Learned, restored, state_of
from encoders.graph.settings import GNNSettings
from encoders.installed import check_training_installed
from encoders.tensors import check_finite, check_fitted, check_text_dimension, check_trained
from kg.histories import Histories

if TYPE_CHECKING:
    from encoders.graph.training import Progress


class GNN(WeighedHistories):
    """score(H, i) = scale · |H|^-ρ · Σ_j w_j ⟨z_j, q_i⟩; see `encoders.graph.gnn`."""

    name: str = "gnn"
    family: Family = Family.GRAPH
    summary: ClassVar[str] = "Graph neural network."
    settings_type = GNNSettings
    serves_new_items: bool = True
    uses: ClassVar[frozenset[Input]] = frozenset({Input.GRAPH, Input.TEXT})

    def __init__(self, learned: Learned, settings: GNNSettings, catalogue: Catalogue) -> None:
        self.settings = settings
        self._learned = learned
        self._facts = FactGraph.of(catalogue.graph)
        known = catalogue.trained >= 0
        collaborative = np.zeros((catalogue.n_items, settings.dimensions), dtype=np.float32)
        collaborative[known] = learned.collaborative[catalogue.trained[known]]
        own_q: NDArray[np.float32] = collaborative
        own_z: NDArray[np.float32] = collaborative @ learned.collaborative_history.T
        if Input.TEXT in catalogue.contents and learned.texts is not None:
            texts = _centred(catalogue.contents[Input.TEXT], learned.texts.center)
            own_q = own_q + np.asarray(texts @ learned.texts.item, np.float32)
            own_z = own_z + np.asarray(texts @ learned.texts.history, np.float32)
        place = {name: code for code, name in enumerate(learned.relations)}
        # A relation that came after training has no learned weight: its facts have no effect until the next training.
        self._codes = [(code, place[name]) for code, name in enumerate(self._facts.relation_names) if name in place]
        self._nodes = self._bound_nodes(own_q)
        q, z = own_q, own_z
        for code, learned_code in self._codes:
            reached = self._facts.incidence[code] @ self._nodes
            q = q + learned.item_weights[learned_code] * reached
            z = z + learned.history_weights[learned_code] * reached
        self._own = (own_q * learned.scale).astype(np.float32)
        self._q = (q * learned.scale).astype(np.float32)
        self._z = z.astype(np.float32)

    @classmethod
    def fit(
        cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0, progress: Progress | None = None
    ) -> Self:
        """Train on histories over the catalogue's facts and text vectors (if it has any).

        Raises TrainingNotInstalled without torch.
        """
        check_training_installed()
        # Serving restores the block without torch.
        from encoders.graph.training import learned_from, train_network

        settings = GNNSettings.model_validate(settings or GNNSettings())
        matrix, catalogue = data.matrix, data.catalogue
        facts = FactGraph.of(catalogue.graph)
        warm = np.bincount(matrix.indices, minlength=matrix.shape[1]) > 0
        texts, center = catalogue.contents.get(Input.TEXT), None
        if texts is not None:
            # Encoders place all texts of a domain close together; without their mean, the differences remain.
            center = texts[warm].mean(axis=0) if warm.any() else np.zeros(texts.shape[1], np.float32)
            texts = _centred(texts, center)
        network = train_network(facts, matrix, texts, settings, seed=seed, progress=progress)
        return cls(learned_from(network, facts, warm, center), settings, catalogue)

    def _bound_nodes(self, item_vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors of the bound snapshot's fact nodes: as learned, or for new nodes computed from their items."""
        place = {key: row for row, key in enumerate(self._learned.node_keys)}
        rows = np.array([place.get(key, -1) for key in self._facts.keys], dtype=np.int64)
        vectors = np.zeros((self._facts.n_nodes, self.settings.dimensions), dtype=np.float32)
        vectors[rows >= 0] = self._learned.node_vectors[rows[rows >= 0]]
        new = np.flatnonzero(rows < 0)
        if len(new):
            total = np.zeros((len(new), self.settings.dimensions), dtype=np.float32)
            for code, learned_code in self._codes:
                incidence = self._facts.incidence[code][:, new]
                degrees = np.maximum(np.asarray(incidence.sum(axis=0)).ravel(), 1)
                total += (incidence.T @ item_vectors) / degrees[:, None] * self._learned.messages[learned_code]
            vectors[new] = total * np.maximum(self._facts.degrees[new], 1)[:, None] ** -0.5
        return vectors

    def vectors_of(self, weighed: sp.csr_array) -> NDArray[np.float32]:
        """p(H), float32 [n_users, d], for the weights of the histories."""
        if weighed.shape[1] != len(self._z):
            raise ValueError(f"histories have {weighed.shape[1]} items, the block is bound to {len(self._z)}")
        lengths = np.maximum(history_weights(weighed), 1.0)
        summed: NDArray[np.float32] = weighed @ self._z
        return (summed * (lengths**-self._learned.length_exponent)[:, None]).astype(np.float32)

    @property
    def item_vectors(self) -> NDArray[np.float32]:
        """q, float32 [n_items, d]."""
        return self._q

    def scores_of(self, weighed: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        q = self._q if candidates is None else self._q[candidates]
        return np.asarray(self.vectors_of(weighed) @ q.T, np.float32)

    def shares_of(self, items: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        return (self._weighted(items, weights) @ self._q[item]).astype(np.float32)

    def fact_shares(self, history: Histories, item: int) -> FactShares:
        """See `SplitsByFact.fact_shares`."""
        row = self.history_matrix(history)
        nodes, names, vectors = [], [], []
        for code, learned_code in self._codes:
            incidence = self._facts.incidence[code]
            item_nodes = incidence.indices[incidence.indptr[item] : incidence.indptr[item + 1]]
            nodes.append(self._facts.nodes[item_nodes])
            names.extend([self._facts.relation_names[code]] * len(item_nodes))
            vectors.append(self._nodes[item_nodes] * (self._learned.item_weights[learned_code] * self._learned.scale))
        weighted = self._weighted(row.indices.astype(np.intp), row.data)
        empty = np.zeros((0, self.settings.dimensions), np.float32)
        return FactShares(
            np.concatenate([np.zeros(0, np.int64), *nodes]),
            tuple(names),
            (weighted @ np.concatenate([empty, *vectors]).T).astype(np.float32),
            (weighted @ self._own[item]).astype(np.float32),
        )

    def _weighted(self, items: NDArray[np.intp], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        length = max(float(np.sum(np.abs(weights))), 1.0)
        scaled = np.asarray(weights, np.float32) * np.float32(length**-self._learned.length_exponent)
        return (self._z[items] * scaled[:, None]).astype(np.float32)

    def state(self) -> BlockState:
        """See `Block.state`."""
        return state_of(self._learned, self.settings)

    @classmethod
    def from_state(cls, state: BlockState, catalogue: Catalogue) -> Self:
        """See `Block.from_state`."""
        learned, settings = restored(state)
        check_trained(catalogue.trained, len(learned.collaborative))
        texts = catalogue.contents.get(Input.TEXT)
        if texts is not None and learned.texts is not None:
            check_text_dimension(learned.texts.dimension, texts.shape[1])
        block = cls(learned, settings, catalogue)
        check_finite(block._own, block._q, block._z)
        return block

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """See `Block.check_state`."""
        learned, _ = restored(state)
        check_fitted(len(learned.collaborative), sizes.n_items)
        check_text_dimension(None if learned.texts is None else learned.texts.dimension, sizes.contents.get(Input.TEXT))


def _centred(texts: NDArray[np.float32], center: NDArray[np.float32]) -> NDArray[np.float32]:
    """Text vectors around their center; items without text (zero vectors) stay at zero."""
    return np.where(texts.any(axis=1, keepdims=True), texts - center, 0.0).astype(np.float32)
