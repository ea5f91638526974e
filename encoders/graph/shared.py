"""`SharedEntities`: how much an item shares with the history, entity by entity, with learned weights of the relations.

score(H, i) = |H|^-½ Σ_j w_j Σ_k Σ_e ω_k(e) [e among the facts k of both j and i],   ω_k(e) = Σ_x θ_kx · deg_k(e)^-x.
k runs over the relations, and over the kinds of entities that several relations lead to (a person who directed one film
and acted in the other). θ ≥ 0 is fitted to rank items that were held out whole, so the block is made for cold start; in
vector terms z_j = q_j = the sparse vector of √ω_k(e) over the item's facts. Sums are not normalised by an item's number
of facts: well-known items have more, and dividing that away costs ranking quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from pydantic import BaseModel

from encoders.block import (
    BlockState,
    Catalogue,
    FactShares,
    Family,
    TrainingData,
    TrainingSizes,
    WeighedHistories,
    history_weights,
)
from encoders.graph.facts import FactGraph
from encoders.graph.keys import keys_from_arrays, keys_to_arrays
from encoders.graph.settings import SharedSettings
from encoders.tensors import Tensors, check_finite, names_of, settings_of
from kg.histories import Histories

_KIND = "kind:"
"""Prefix of the name of a kernel over all relations that lead to one kind of node."""


_DENSE_CELLS = 500_000
"""Multiplications up to which a dense profile is quicker than a sparse one, whose overhead is some 0.5 ms a call."""

LEAST_SPREAD = 0.1
"""Share of its size that a term has to differ by among a user's items to be told from one that is the same for all: a
fact that all but one of a hundred items have does."""


@dataclass(frozen=True, eq=False)
class _Learned:
    """`names` of the kernels; `weights` θ [n_kernels, n_exponents]; `degrees` csr [n_kernels, n_nodes]: how many items
    each node of `node_keys` had in training.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    degrees: sp.csr_array
    node_keys: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Kernel:
    """One way of sharing: `incidence` binary csr [n_items, n_nodes]; `degrees` [n_nodes] items on each node."""

    name: str
    incidence: sp.csr_array
    degrees: NDArray[np.float32]


class SharedEntities(WeighedHistories):
    """The block; see the module's text."""

    name: str = "shared"
    family: Family = Family.GRAPH
    serves_new_items: bool = True

    def __init__(self, learned: _Learned, settings: SharedSettings, catalogue: Catalogue) -> None:
        self.settings = settings
        self._learned = learned
        self._facts = FactGraph.of(catalogue.graph)
        place = {name: row for row, name in enumerate(learned.names)}
        self._kernels = _kernels(self._facts, learned.names)
        self._omega = [
            _omega(degrees, learned.weights[place[kernel.name]], settings.exponents)
            for kernel, degrees in zip(self._kernels, _known_degrees(self._facts, self._kernels, learned), strict=True)
        ]
        parts = [sp.csr_array((catalogue.n_items, 0), dtype=np.float32)]
        parts += [
            kernel.incidence @ sp.diags_array(np.sqrt(omega)).tocsr()
            for kernel, omega in zip(self._kernels, self._omega, strict=True)
        ]
        # Most nodes have no items through most relations.
        columns = sp.csc_array(sp.hstack(parts, dtype=np.float32))
        columns = columns[:, np.flatnonzero(np.diff(columns.indptr))]
        self._vectors = sp.csr_array(columns)
        self._by_node = sp.csr_array(self._vectors.transpose())

    @classmethod
    def fit(cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """Fit θ on histories by hiding part after part of the items."""
        settings = SharedSettings.model_validate(settings or SharedSettings())
        facts = FactGraph.of(data.catalogue.graph)
        kernels = _kernels(facts)
        weights = _fit_weights(kernels, data.matrix, settings, seed)
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
            found = (vectors @ self._profiles(weighed)).T
        else:
            by_node = self._by_node if candidates is None else sp.csr_array(self._by_node[:, candidates])
            found = (sp.csr_array(weighed @ self._vectors) @ by_node).toarray()
        scales = np.maximum(history_weights(weighed), 1.0) ** -0.5
        return np.ascontiguousarray(found * scales[:, None], dtype=np.float32)

    def _profiles(self, histories: sp.csr_array) -> NDArray[np.float32]:
        """The histories' summed vectors, dense [n_columns, n_users]."""
        if histories.shape[0] > 1:
            return self._by_node @ histories.toarray().T
        # Of one history only its items' vectors are looked at, a small part of all.
        vectors, items = self._vectors, histories.indices
        first, counts = vectors.indptr[items], vectors.indptr[items + 1] - vectors.indptr[items]
        entries = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        values = vectors.data[entries] * np.repeat(histories.data, counts)
        summed = np.bincount(vectors.indices[entries], values, minlength=vectors.shape[1])
        return summed.astype(np.float32)[:, None]

    def shares_of(self, items: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        row = self._vectors[[item]]
        found = np.asarray((self._vectors[items] @ row.T).toarray()).ravel()
        return (found * _scaled(weights)).astype(np.float32)

    def fact_shares(self, history: Histories, item: int) -> FactShares:
        """See `SplitsByFact.fact_shares`; facts through several relations of one kind come under the kind's name."""
        nodes: list[NDArray[np.int64]] = []
        names: list[str] = []
        columns: list[NDArray[np.float32]] = []
        row = self.history_matrix(history)
        items, scaled = row.indices.astype(np.intp), _scaled(row.data)
        for kernel, omega in zip(self._kernels, self._omega, strict=True):
            incidence = kernel.incidence
            found = incidence.indices[incidence.indptr[item] : incidence.indptr[item + 1]]
            nodes.append(self._facts.nodes[found])
            names.extend([kernel.name] * len(found))
            both = incidence[items][:, found].toarray()
            columns.append((both * omega[found] * scaled[:, None]).astype(np.float32))
        return FactShares(
            np.concatenate([np.zeros(0, np.int64), *nodes]),
            tuple(names),
            np.concatenate([np.zeros((len(items), 0), np.float32), *columns], axis=1),
            np.zeros(len(items), np.float32),
        )

    def rebind(self, catalogue: Catalogue) -> Self:
        """See `Block.rebind`; degrees stay those of training, and are counted anew where a node had none."""
        return type(self)(self._learned, self.settings, catalogue)

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
        """See `Block.from_state`."""
        learned, settings = _restored(state)
        block = cls(learned, settings, catalogue)
        check_finite(block._vectors.data)
        return block

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """See `Block.check_state`; nothing that is kept depends on the number of items."""
        _restored(state)


def _restored(state: BlockState) -> tuple[_Learned, SharedSettings]:
    settings = settings_of(SharedSettings, state.settings.get("settings"))
    names, tensors = names_of(state.settings, "names"), Tensors(state.tensors)
    keys = tuple(keys_from_arrays(tensors, "node_keys", "node_key_offsets"))
    weights = tensors.numbers("weights", (len(names), len(settings.exponents)), at_least=0)
    degrees = tensors.csr("degrees", "degree_nodes", "degree_offsets", (len(names), len(keys)), at_least=0)
    return _Learned(names, weights, degrees, keys), settings


def _kernels(facts: FactGraph, names: Sequence[str] | None = None) -> list[_Kernel]:
    """A kernel for each relation, and one for each kind of node that several relations lead to.

    names: of the kernels to make, and thereby of the relations to look at; those without any fact are left out.
    """
    kernels = [
        _kernel(name, matrix)
        for name, matrix in zip(facts.relation_names, facts.incidence, strict=True)
        if names is None or name in names
    ]
    incidence = [kernel.incidence for kernel in kernels]
    kinds = np.array([key.split("\t", 1)[0] for key in facts.keys])
    for kind in sorted(set(kinds)):
        here = np.flatnonzero(kinds == kind)
        leading = [matrix for matrix in incidence if np.isin(matrix.indices, here).any()]
        wanted = len(leading) > 1 if names is None else _KIND + kind in names and len(leading) > 0
        if wanted:
            union = sum(leading[1:], start=leading[0]) @ sp.diags_array((kinds == kind).astype(np.float32)).tocsr()
            union = sp.csr_array(union)
            union.eliminate_zeros()
            union.data[:] = 1.0
            kernels.append(_kernel(_KIND + kind, union))
    return kernels


def _kernel(name: str, incidence: sp.csr_array) -> _Kernel:
    return _Kernel(name, incidence, np.bincount(incidence.indices, minlength=incidence.shape[1]).astype(np.float32))


def _known_degrees(facts: FactGraph, kernels: Sequence[_Kernel], learned: _Learned) -> list[NDArray[np.float32]]:
    """Each kernel's degrees [n_nodes], as in training where the node was there, so that a score stays what it is while
    other items come and go.
    """
    place = {key: row for row, key in enumerate(learned.node_keys)}
    rows = np.array([place.get(key, -1) for key in facts.keys], dtype=np.int64)
    found = []
    for kernel in kernels:
        then = np.zeros(facts.n_nodes, dtype=np.float32)
        trained = learned.degrees[[learned.names.index(kernel.name)]].toarray().ravel()
        then[rows >= 0] = trained[rows[rows >= 0]]
        found.append(np.where(then > 0, then, kernel.degrees).astype(np.float32))
    return found


def _omega(
    degrees: NDArray[np.float32], weights: NDArray[np.float32], exponents: Sequence[float]
) -> NDArray[np.float32]:
    """ω(e) of every node, [n_nodes]."""
    degrees = np.maximum(degrees, 1.0)
    terms = [weight * degrees**-exponent for weight, exponent in zip(weights, exponents, strict=True)]
    return np.asarray(np.sum(terms, axis=0, dtype=np.float32))


def _scaled(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """|H|^-½ w_j."""
    return np.asarray(weights, np.float32) * np.float32(max(float(np.sum(weights)), 1.0) ** -0.5)


def _normalised(histories: sp.csr_array) -> sp.csr_array:
    lengths = np.maximum(history_weights(histories), 1.0)
    scales = np.repeat((lengths**-0.5).astype(np.float32), np.diff(histories.indptr))
    return sp.csr_array((histories.data * scales, histories.indices, histories.indptr), shape=histories.shape)


def _fit_weights(
    kernels: list[_Kernel], matrix: sp.csr_array, settings: SharedSettings, seed: int
) -> NDArray[np.float32]:
    """θ [n_kernels, n_exponents] that best ranks held-out items among themselves (softmax likelihood).

    The number of facts of every kernel is fitted beside θ as a popularity-like term of the item and then dropped: else
    θ would have to stand in for prominence, which the fusion's bias covers.
    """
    rng = np.random.default_rng(seed)
    warm = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    users = np.flatnonzero(np.diff(matrix.indptr) > 1)
    if not kernels or len(warm) < settings.parts or not len(users):
        return np.ones((len(kernels), len(settings.exponents)), dtype=np.float32)
    items = np.sort(rng.choice(warm, min(len(warm), settings.max_items), replace=False))
    users = np.sort(rng.choice(users, min(len(users), settings.max_users), replace=False))
    histories = sp.csr_array(matrix[users])
    parts = [np.sort(part) for part in np.array_split(rng.permutation(items), settings.parts)]
    examples = [_part_scores(kernels, histories, part, settings) for part in parts]
    units = _units([found for found, _, _ in examples])
    scores = [torch.from_numpy(found / units[:, None, None]).float() for found, _, _ in examples]
    targets = [torch.from_numpy(target) for _, target, _ in examples]
    counts = [torch.from_numpy(count) for _, _, count in examples]
    total = float(sum(target.sum() for target in targets))
    raw = torch.full((len(units),), -1.0, requires_grad=True)
    prominence = torch.zeros(len(kernels), requires_grad=True)
    optimizer = torch.optim.Adam([raw, prominence], lr=0.05)
    for _ in range(settings.steps):
        optimizer.zero_grad()
        theta = torch.nn.functional.softplus(raw)
        loss = 1e-3 * prominence.square().sum()
        for found, target, count in zip(scores, targets, counts, strict=True):
            logits = torch.tensordot(theta, found, dims=1) + count @ prominence
            loss = loss - (torch.log_softmax(logits, dim=1) * target).sum() / total
        loss.backward()
        optimizer.step()
    theta = torch.nn.functional.softplus(raw).detach().numpy() / units
    return theta.reshape(len(kernels), len(settings.exponents)).astype(np.float32)


def _units(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """The unit of every term's scores, [n_terms], from those of every part [n_terms, n_users, n_part].

    It is their standard deviation, unless they hardly differ from item to item of one user: nothing can be learned of
    such a term then, and the unit grows beyond all bounds as the differences go to zero, so that the weight does, too.
    """
    # In double precision and from the user's mean, as what is the same for all must come to zero, or nearly.
    spread = np.mean([part.std(axis=(1, 2), dtype=np.float64) for part in parts], axis=0)
    size = np.sqrt(np.mean([np.square(part).mean(axis=(1, 2), dtype=np.float64) for part in parts], axis=0))
    least = LEAST_SPREAD * size
    within = np.sqrt(np.mean([part.var(axis=2, dtype=np.float64).mean(axis=1) for part in parts], axis=0))
    units = np.full(len(spread), np.inf)
    varies = within > 0
    units[varies] = np.maximum(spread, least)[varies] * np.maximum(least[varies] / within[varies], 1.0)
    return units


def _part_scores(
    kernels: list[_Kernel], histories: sp.csr_array, part: NDArray[np.intp], settings: SharedSettings
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """With the items of `part` hidden: each term's scores [n_terms, n_users, n_part], targets [n_users, n_part] and
    log fact counts [n_part, n_kernels].
    """
    hidden = np.ones(histories.shape[1], dtype=np.float32)
    hidden[part] = 0.0
    seen = sp.csr_array(histories @ sp.diags_array(hidden).tocsr())
    seen.eliminate_zeros()
    seen = _normalised(seen)
    terms = []
    for kernel in kernels:
        profile = sp.csr_array(seen @ kernel.incidence)
        columns = sp.csr_array(kernel.incidence[part].transpose())
        for exponent in settings.exponents:
            scale = sp.diags_array(np.maximum(kernel.degrees, 1.0) ** -exponent).tocsr()
            terms.append((profile @ (scale @ columns)).toarray().astype(np.float32))
    counts = np.stack([np.log1p(np.diff(kernel.incidence[part].indptr)) for kernel in kernels], axis=1)
    return np.stack(terms), histories[:, part].toarray().astype(np.float32), counts.astype(np.float32)
