"""Learn the weights θ of `SharedEntities` with torch, by hiding part after part of the items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.block import history_weights
from encoders.graph.kernels import Kernel
from encoders.graph.settings import SharedSettings
from encoders.graph.training import history_sums

CELLS = 60_000_000
"""Scores of all terms, of which those other than zero are in memory; of more terms, fewer users are drawn."""

DENSE = 0.2
"""Share of scores other than zero from which terms are dense: products are faster then."""

LEAST_SPREAD = 0.1
"""A term whose scores differ among a user's items by a smaller share of their size counts as equal for all of them: a
fact that all but one of a hundred items have is above it."""


def fit_weights(
    kernels: list[Kernel], matrix: sp.csr_array, settings: SharedSettings, seed: int
) -> NDArray[np.float32]:
    """Return the θ [n_kernels, n_exponents] that best ranks held-out items among themselves (softmax likelihood).

    The number of facts of every kernel is fitted with θ as a popularity-like term of the item and then dropped;
    otherwise θ would also have to model prominence, which the fusion's bias covers.
    """
    rng = np.random.default_rng(seed)
    warm = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    users = np.flatnonzero(np.diff(matrix.indptr) > 1)
    if not kernels or len(warm) < settings.parts or not len(users):
        return np.ones((len(kernels), len(settings.exponents)), dtype=np.float32)
    items = np.sort(rng.choice(warm, min(len(warm), settings.max_items), replace=False))
    per_user = len(items) * len(kernels) * len(settings.exponents)
    most = min(len(users), settings.max_users, max(2, CELLS // per_user))
    users = np.sort(rng.choice(users, most, replace=False))
    histories = sp.csr_array(matrix[users])
    parts = [np.sort(part) for part in np.array_split(rng.permutation(items), settings.parts)]
    examples = [part_scores(kernels, histories, part, settings) for part in parts]
    units = _units(np.mean([example.moments for example in examples], axis=0))
    per_unit = torch.from_numpy((1 / units).astype(np.float32))
    targets = [torch.from_numpy(example.targets) for example in examples]
    counts = [torch.from_numpy(example.counts) for example in examples]
    total = float(sum(target.sum() for target in targets))
    raw = torch.full((len(units),), -1.0, requires_grad=True)
    prominence = torch.zeros(len(kernels), requires_grad=True)
    optimizer = torch.optim.Adam([raw, prominence], lr=0.05)
    for _ in range(settings.steps):
        optimizer.zero_grad()
        theta = torch.nn.functional.softplus(raw)
        loss = 1e-3 * prominence.square().sum()
        for example, target, count in zip(examples, targets, counts, strict=True):
            logits = example.weighted(theta * per_unit).view(target.shape) + count @ prominence
            loss = loss - (torch.log_softmax(logits, dim=1) * target).sum() / total
        loss.backward()
        optimizer.step()
    theta = torch.nn.functional.softplus(raw).detach().numpy() / units
    return theta.reshape(len(kernels), len(settings.exponents)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class PartScores:
    """Scores of one part of the items, which are hidden.

    terms: float32 [n_terms, n_users · n_part], csr as most terms score most items zero where there are many relations.
    moments: of every term the standard deviation, the mean square, and the variance within users, [3, n_terms].
    targets: float32 [n_users, n_part]. counts: log fact counts [n_part, n_kernels].
    """

    terms: sp.csr_array | NDArray[np.float32]
    moments: NDArray[np.float64]
    targets: NDArray[np.float32]
    counts: NDArray[np.float32]

    def weighted(self, theta: Tensor) -> Tensor:
        """The sum of the terms with these weights [n_terms], [n_users · n_part]."""
        if isinstance(self.terms, np.ndarray):
            return theta @ torch.from_numpy(self.terms)
        return history_sums(self.terms.T, theta[:, None])[:, 0]


def _units(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit of every term's scores, [n_terms], from their `moments`.

    It is their standard deviation, unless they hardly differ between the items of one user: then nothing can be learned
    about the term, and the unit grows without bound as the differences vanish, so that the weight vanishes too.
    """
    spread, size, within = moments[0], np.sqrt(moments[1]), np.sqrt(moments[2])
    least = LEAST_SPREAD * size
    units = np.full(len(spread), np.inf)
    varies = within > 0
    units[varies] = np.maximum(spread, least)[varies] * np.maximum(least[varies] / within[varies], 1.0)
    return units


def _moments(terms: sp.csr_array, n_users: int) -> NDArray[np.float64]:
    """See `PartScores`."""
    n_terms, n_cells = terms.shape
    moments = np.zeros((3, n_terms))
    n_items = n_cells // n_users
    for term in range(n_terms):
        entries = slice(terms.indptr[term], terms.indptr[term + 1])
        values = terms.data[entries].astype(np.float64)
        users = terms.indices[entries] // n_items
        means = np.bincount(users, values, minlength=n_users) / n_items
        zeros = n_items - np.bincount(users, minlength=n_users)
        # From the means, in double precision, so that a constant comes to zero, or nearly.
        overall = means.mean()
        deviation = np.square(values - overall).sum() + zeros.sum() * overall**2
        inside = np.square(values - means[users]).sum() + (zeros * np.square(means)).sum()
        moments[:, term] = np.sqrt(deviation / n_cells), np.square(values).sum() / n_cells, inside / n_cells
    return moments


def part_scores(
    kernels: list[Kernel], histories: sp.csr_array, part: NDArray[np.intp], settings: SharedSettings
) -> PartScores:
    """Each term's scores with the items of `part` hidden."""
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
            scale = sp.diags_array((np.maximum(kernel.degrees, 1.0) ** -exponent).astype(np.float32)).tocsr()
            scores = sp.csr_array(profile @ sp.csr_array(scale @ columns)).astype(np.float32)
            terms.append(scores.reshape((1, scores.shape[0] * scores.shape[1])))
    counts = np.stack([np.log1p(np.diff(kernel.incidence[part].indptr)) for kernel in kernels], axis=1)
    stacked = sp.csr_array(sp.vstack(terms, format="csr"))
    is_dense = stacked.nnz >= DENSE * stacked.shape[0] * stacked.shape[1]
    moments = _moments(stacked, histories.shape[0])
    return PartScores(
        stacked.toarray() if is_dense else stacked,
        moments,
        histories[:, part].toarray().astype(np.float32),
        counts.astype(np.float32),
    )


def _normalised(histories: sp.csr_array) -> sp.csr_array:
    lengths = np.maximum(history_weights(histories), 1.0)
    scales = np.repeat((lengths**-0.5).astype(np.float32), np.diff(histories.indptr))
    return sp.csr_array((histories.data * scales, histories.indices, histories.indptr), shape=histories.shape)
