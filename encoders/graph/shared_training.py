"""Learn the weights θ of `SharedEntities` with torch, by hiding part after part of the items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from encoders.block import history_weights
from encoders.graph.kernels import Kernel
from encoders.graph.settings import SharedSettings

CELLS = 60_000_000
"""Scores of all terms that are in memory (240 MB); of more terms, fewer users are drawn."""

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
    units = _units([term_scores for term_scores, _, _ in examples])
    scores = [torch.from_numpy(term_scores / units[:, None, None]).float() for term_scores, _, _ in examples]
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
        for term_scores, target, count in zip(scores, targets, counts, strict=True):
            logits = torch.tensordot(theta, term_scores, dims=1) + count @ prominence
            loss = loss - (torch.log_softmax(logits, dim=1) * target).sum() / total
        loss.backward()
        optimizer.step()
    theta = torch.nn.functional.softplus(raw).detach().numpy() / units
    return theta.reshape(len(kernels), len(settings.exponents)).astype(np.float32)


def _units(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """The unit of every term's scores, [n_terms], from those of every part [n_terms, n_users, n_part].

    It is their standard deviation, unless they hardly differ between the items of one user: then nothing can be learned
    about the term, and the unit grows without bound as the differences vanish, so that the weight vanishes too.
    """
    # In double precision and from the user's mean, so that a constant comes to zero, or nearly.
    spread = np.mean([part.std(axis=(1, 2), dtype=np.float64) for part in parts], axis=0)
    size = np.sqrt(np.mean([np.square(part).mean(axis=(1, 2), dtype=np.float64) for part in parts], axis=0))
    least = LEAST_SPREAD * size
    within = np.sqrt(np.mean([part.var(axis=2, dtype=np.float64).mean(axis=1) for part in parts], axis=0))
    units = np.full(len(spread), np.inf)
    varies = within > 0
    units[varies] = np.maximum(spread, least)[varies] * np.maximum(least[varies] / within[varies], 1.0)
    return units


def part_scores(
    kernels: list[Kernel], histories: sp.csr_array, part: NDArray[np.intp], settings: SharedSettings
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


def _normalised(histories: sp.csr_array) -> sp.csr_array:
    lengths = np.maximum(history_weights(histories), 1.0)
    scales = np.repeat((lengths**-0.5).astype(np.float32), np.diff(histories.indptr))
    return sp.csr_array((histories.data * scales, histories.indices, histories.indptr), shape=histories.shape)
